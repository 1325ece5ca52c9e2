//! Instants of the wire: RFC 3339 text in, ISO 8601 text out, whole microseconds between.

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// Civil time is computed here by hand, from integers: every order in every answer carries two instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is no RFC 3339 date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date and time")]
pub struct NotATime;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

impl Timestamp {
    /// The earliest instant that can be written: 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200 * MICROS_PER_SECOND);
    /// The latest instant that can be written: 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_800 * MICROS_PER_SECOND - 1);

    /// The instant `micros` microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date and time, such as `2023-11-08T19:56:35.441899Z` or `2023-11-08T20:56:35+01:00`.
    ///
    /// The fraction is optional; digits beyond microseconds are cut. A space may stand for the `T`, and for the `+` of
    /// an offset: that is what a plus becomes in a form that was not percent-encoded.
    ///
    /// # Errors
    /// [`NotATime`] for anything else, and for days, hours and offsets that do not exist. A leap second (`:60`) does
    /// not exist here.
    pub fn parse(text: &[u8]) -> Result<Self, NotATime> {
        let (date_time, rest) = text.split_at_checked(19).ok_or(NotATime)?;
        let number = |from: usize, to: usize| digits(&date_time[from..to]);
        let separators = [date_time[4], date_time[7], date_time[10], date_time[13], date_time[16]];
        let (b'-', b'-', b'T' | b't' | b' ', b':', b':') = separators.into() else {
            return Err(NotATime);
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
            return Err(NotATime);
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err(NotATime);
        }
        let (fraction, zone) = split_fraction(rest)?;
        let offset = offset_seconds(zone)?;
        let seconds =
            days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset;
        Ok(Self(seconds * MICROS_PER_SECOND + fraction))
    }

    /// Appends `2026-01-01T00:00:00Z`: whole seconds, the rest cut.
    pub fn write_seconds(self, out: &mut Vec<u8>) {
        let (text, _) = self.civil();
        out.extend_from_slice(&text);
        out.push(b'Z');
    }

    /// Appends `2026-01-01T00:00:00.000Z`: milliseconds, the rest cut.
    pub fn write_millis(self, out: &mut Vec<u8>) {
        let (text, micros) = self.civil();
        let mut tail = *b".000Z";
        put_digits(&mut tail[1..4], micros / 1000);
        out.extend_from_slice(&text);
        out.extend_from_slice(&tail);
    }

    /// Appends `2026-01-01T00:00:00.000000Z`: microseconds.
    pub fn write_micros(self, out: &mut Vec<u8>) {
        let (text, micros) = self.civil();
        let mut tail = *b".000000Z";
        put_digits(&mut tail[1..7], micros);
        out.extend_from_slice(&text);
        out.extend_from_slice(&tail);
    }

    /// The date and time to whole seconds, and the microseconds left. Years outside four digits cannot be written, so
    /// instants beyond [`Self::MIN`] and [`Self::MAX`] show as those.
    fn civil(self) -> ([u8; 19], u32) {
        let micros = self.clamp(Self::MIN, Self::MAX).0;
        let seconds = micros.div_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY) as u32;
        let mut text = *b"0000-00-00T00:00:00";
        put_digits(&mut text[0..4], year);
        put_digits(&mut text[5..7], month);
        put_digits(&mut text[8..10], day);
        put_digits(&mut text[11..13], of_day / 3600);
        put_digits(&mut text[14..16], of_day / 60 % 60);
        put_digits(&mut text[17..19], of_day % 60);
        (text, micros.rem_euclid(MICROS_PER_SECOND) as u32)
    }
}

/// Fills the slice with the last digits of the value.
fn put_digits(slots: &mut [u8], mut value: u32) {
    for slot in slots.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Reads a few digits, at most nine.
fn digits(text: &[u8]) -> Result<i64, NotATime> {
    let mut value = 0;
    for &byte in text {
        if !byte.is_ascii_digit() {
            return Err(NotATime);
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Ok(value)
}

/// Splits an optional fraction of a second off the zone; the fraction in microseconds.
fn split_fraction(text: &[u8]) -> Result<(i64, &[u8]), NotATime> {
    let [b'.', rest @ ..] = text else {
        return Ok((0, text));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || count > 9 {
        return Err(NotATime);
    }
    let (fraction, zone) = rest.split_at(count);
    let kept = &fraction[..count.min(6)];
    Ok((digits(kept)? * 10_i64.pow(6 - kept.len() as u32), zone))
}

/// Seconds that the zone is ahead of UTC.
fn offset_seconds(zone: &[u8]) -> Result<i64, NotATime> {
    match *zone {
        [b'Z' | b'z'] => Ok(0),
        [sign @ (b'+' | b'-' | b' '), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[h1, h2])?, digits(&[m1, m2])?);
            if hours > 23 || minutes > 59 {
                return Err(NotATime);
            }
            let seconds = hours * 3600 + minutes * 60;
            Ok(if sign == b'-' { -seconds } else { seconds })
        }
        _ => Err(NotATime),
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year and month lengths follow one line
/// (153 days in five months), and in eras of 400 years, after which the calendar repeats.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date a number of days after 1970-01-01: the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (u32, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
mod tests;
