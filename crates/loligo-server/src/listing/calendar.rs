//! When dated contracts expire: the last Friday of their month.

use jiff::civil::{Date, Weekday, time};
use jiff::tz::TimeZone;
use loligo_engine::Timestamp;

/// A maturity: its day and its last trading time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Maturity {
    pub(super) date: Date,
    pub(super) expiry: Timestamp,
}

/// At which hour a kind of contract trades last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// 16:00 in London, summer time included: inverse contracts.
    London,
    /// 08:00 UTC: linear contracts.
    Utc,
}

/// The nearest month, the quarter end after it, and the quarter end after that (the half-year), all after `start`.
/// `None` beyond the years that civil time knows.
pub(super) fn maturities(start: Timestamp, close: Close) -> Option<[Maturity; 3]> {
    let mut day = jiff::Timestamp::from_microsecond(start.0)
        .ok()?
        .to_zoned_datetime(TimeZone::UTC)
        .date()
        .first_of_month();
    let mut found: Vec<Maturity> = Vec::with_capacity(3);
    while found.len() < 3 {
        let maturity = of_month(day, close)?;
        let wanted = match found.len() {
            0 => maturity.expiry > start,
            _ => day.month() % 3 == 0,
        };
        if wanted {
            found.push(maturity);
        }
        day = day.checked_add(jiff::Span::new().months(1)).ok()?;
    }
    found.try_into().ok()
}

fn of_month(day: Date, close: Close) -> Option<Maturity> {
    let date = day.nth_weekday_of_month(-1, Weekday::Friday).ok()?;
    let (hour, zone) = match close {
        Close::London => (16, TimeZone::get("Europe/London").ok()?),
        Close::Utc => (8, TimeZone::UTC),
    };
    let at = date.to_datetime(time(hour, 0, 0, 0)).to_zoned_datetime(zone).ok()?;
    Some(Maturity { date, expiry: Timestamp(at.timestamp().as_microsecond()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn expiries(start: &str, close: Close) -> Vec<String> {
        let found = maturities(at(start), close).unwrap();
        found.iter().map(|m| jiff::Timestamp::from_microsecond(m.expiry.0).unwrap().to_string()).collect()
    }

    #[test]
    fn month_quarter_and_half_year_follow_each_other() {
        let rows: [(&str, Close, [&str; 3]); 6] = [
            (
                "2026-01-01T00:00:00Z",
                Close::London,
                ["2026-01-30T16:00:00Z", "2026-03-27T16:00:00Z", "2026-06-26T15:00:00Z"],
            ),
            (
                "2026-01-01T00:00:00Z",
                Close::Utc,
                ["2026-01-30T08:00:00Z", "2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z"],
            ),
            // A month that is a quarter end serves as the month; the quarter is the next one.
            (
                "2026-03-01T00:00:00Z",
                Close::Utc,
                ["2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z", "2026-09-25T08:00:00Z"],
            ),
            // At the very instant of expiry the next month is the nearest.
            (
                "2026-01-30T08:00:00Z",
                Close::Utc,
                ["2026-02-27T08:00:00Z", "2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z"],
            ),
            (
                "2026-01-30T07:59:59Z",
                Close::Utc,
                ["2026-01-30T08:00:00Z", "2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z"],
            ),
            // Over the end of the year, and into winter time.
            (
                "2026-10-15T12:00:00Z",
                Close::London,
                ["2026-10-30T16:00:00Z", "2026-12-25T16:00:00Z", "2027-03-26T16:00:00Z"],
            ),
        ];
        for (start, close, want) in rows {
            assert_eq!(expiries(start, close), want, "from {start}, {close:?}");
        }
    }
}
