//! Exact decimal numbers: read from what clients write, written as the shortest JSON number.

use std::cmp::Ordering;
use std::fmt;

/// Most significant digits, and most decimal places, that a [`Decimal`] read from text may have.
pub const MAX_DIGITS: u32 = 38;

/// An exact decimal: `mantissa / 10^scale`.
///
/// Equality and order are by value, so `1.0` and `1` are equal.
///
/// ```
/// use loligo_wire::decimal::{Decimal, Number};
///
/// let Ok(Number::Fits(price)) = Number::parse(b"1.250e1") else { unreachable!() };
/// assert_eq!(price, Decimal::new(125, 1));
/// assert_eq!(price.to_string(), "12.5");
/// assert_eq!(price.at_scale(2), Ok(1250));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// Why a decimal is no whole number of units at the scale asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// It has more decimal places than that.
    #[error("more decimal places than the scale has")]
    TooPrecise,
    /// It needs more than 127 bits there.
    #[error("too large for the scale")]
    TooLarge,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// `mantissa / 10^scale`.
    ///
    /// # Panics
    /// If `scale` is above [`MAX_DIGITS`]: scales are the program's own, never a client's.
    #[must_use]
    pub const fn new(mantissa: i128, scale: u32) -> Self {
        assert!(scale <= MAX_DIGITS, "a decimal has at most 38 places");
        Self { mantissa, scale }
    }

    /// A whole number.
    #[must_use]
    pub const fn from_int(value: i64) -> Self {
        Self { mantissa: value as i128, scale: 0 }
    }

    /// The digits without their point, with their sign.
    #[must_use]
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many of the digits stand after the point.
    #[must_use]
    pub const fn scale(self) -> u32 {
        self.scale
    }

    /// Whether the value is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The value as a count of `10^-scale` units, exactly.
    ///
    /// # Errors
    /// [`ScaleError`] if it is no whole count, or too large a one.
    pub const fn at_scale(self, scale: u32) -> Result<i128, ScaleError> {
        if self.mantissa == 0 {
            return Ok(0);
        }
        if scale >= self.scale {
            let Some(factor) = 10_i128.checked_pow(scale - self.scale) else {
                return Err(ScaleError::TooLarge);
            };
            match self.mantissa.checked_mul(factor) {
                Some(units) => Ok(units),
                None => Err(ScaleError::TooLarge),
            }
        } else {
            // The scale is at most 38, so the power fits.
            let factor = 10_i128.pow(self.scale - scale);
            if self.mantissa % factor == 0 { Ok(self.mantissa / factor) } else { Err(ScaleError::TooPrecise) }
        }
    }

    /// The same value with no zero at the end of its fraction.
    #[must_use]
    pub const fn normalized(self) -> Self {
        let Self { mut mantissa, mut scale } = self;
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Self { mantissa, scale }
    }

    /// Appends the shortest JSON number of this value: no exponent, no trailing zeros, no `-0`.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.mantissa < 0 {
            out.push(b'-');
        }
        let magnitude = self.mantissa.unsigned_abs();
        // Nearly all numbers fit 64 bits, where formatting is several times cheaper.
        match u64::try_from(magnitude) {
            Ok(small) => write_digits(out, itoa::Buffer::new().format(small).as_bytes(), self.scale),
            Err(_) => write_digits(out, itoa::Buffer::new().format(magnitude).as_bytes(), self.scale),
        }
    }
}

/// The shortest JSON number with at least so many places: `5.00`. It is never rounded.
pub(crate) fn write_padded(out: &mut Vec<u8>, value: Decimal, places: usize) {
    let start = out.len();
    value.write(out);
    let written = match out[start..].iter().position(|&byte| byte == b'.') {
        Some(point) => out.len() - start - point - 1,
        None if places > 0 => {
            out.push(b'.');
            0
        }
        None => 0,
    };
    out.extend(std::iter::repeat_n(b'0', places.saturating_sub(written)));
}

/// Places the point `scale` digits from the end of `digits` and drops the zeros that end the fraction.
fn write_digits(out: &mut Vec<u8>, digits: &[u8], scale: u32) {
    let mut end = digits.len();
    let mut places = scale as usize;
    while places > 0 && end > 1 && digits[end - 1] == b'0' {
        end -= 1;
        places -= 1;
    }
    let digits = &digits[..end];
    if places == 0 || digits == b"0" {
        out.extend_from_slice(digits);
    } else if digits.len() > places {
        let (whole, fraction) = digits.split_at(digits.len() - places);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', places - digits.len()));
        out.extend_from_slice(digits);
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(48);
        self.write(&mut text);
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::from_int(value)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.normalized(), other.normalized());
        left.mantissa == right.mantissa && left.scale == right.scale
    }
}

impl Eq for Decimal {}

impl std::hash::Hash for Decimal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Self { mantissa, scale } = self.normalized();
        (mantissa, scale).hash(state);
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (self.normalized(), other.normalized());
        let scale = left.scale.max(right.scale);
        match (left.at_scale(scale), right.at_scale(scale)) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            // Only the one with fewer places can overflow, and then it is the larger in magnitude.
            (Err(_), _) => left.mantissa.cmp(&0),
            (_, Err(_)) => 0.cmp(&right.mantissa),
        }
    }
}

/// A number as a client wrote it: readable, but not necessarily one that a [`Decimal`] can hold.
///
/// `1e400` is a perfectly good number that no market can take. It is kept as what it is, so that the refusal can come in
/// its proper place (an invalid price, not an unreadable argument).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Held exactly.
    Fits(Decimal),
    /// More than [`MAX_DIGITS`] digits before the point.
    TooLarge {
        /// Whether it is below zero.
        negative: bool,
    },
    /// More than [`MAX_DIGITS`] digits altogether, or after the point.
    TooPrecise {
        /// Whether it is below zero.
        negative: bool,
    },
}

/// The text is no decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub struct NotANumber;

impl Number {
    /// Reads a decimal number: optional sign, digits with an optional point, optional exponent (`1`, `-0.5`, `+1.`,
    /// `.5`, `1e-05`). Text of any length is read in one pass.
    ///
    /// # Errors
    /// [`NotANumber`] for anything else, such as the empty text, `NaN`, `inf`, `0x10`, `1_000` or `1,5`.
    pub fn parse(text: &[u8]) -> Result<Self, NotANumber> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let exponent_at = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (digits, exponent) = match exponent_at {
            Some(at) => (&text[..at], parse_exponent(&text[at + 1..])?),
            None => (text, 0),
        };

        let mut mantissa: i128 = 0;
        let mut significant: u32 = 0;
        // Zeros are only counted in when a digit follows them, so that "1" and forty zeros of fraction is still one.
        let mut pending_zeros: u64 = 0;
        // Digits seen after the point, whether they were kept or are pending zeros.
        let mut places: i64 = 0;
        let mut seen_point = false;
        let mut seen_digit = false;
        let mut overflow = false;
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    seen_digit = true;
                    places += i64::from(seen_point);
                    if byte == b'0' {
                        pending_zeros += u64::from(mantissa != 0 || overflow);
                        continue;
                    }
                    if overflow || pending_zeros + u64::from(significant) >= u64::from(MAX_DIGITS) {
                        // From here on only the magnitude matters: how many digits stand before the point.
                        overflow = true;
                        pending_zeros += 1;
                        continue;
                    }
                    let zeros = pending_zeros as u32;
                    mantissa = mantissa * 10_i128.pow(zeros + 1) + i128::from(byte - b'0');
                    significant += zeros + 1;
                    pending_zeros = 0;
                }
                b'.' if !seen_point => seen_point = true,
                _ => return Err(NotANumber),
            }
        }
        if !seen_digit {
            return Err(NotANumber);
        }
        if mantissa == 0 {
            return Ok(Self::Fits(Decimal::ZERO));
        }

        // The value is mantissa * 10^power; pending zeros (and digits past the limit) shift it up again.
        let shifted = pending_zeros.min(i64::MAX as u64 / 4) as i64;
        let power = exponent.saturating_sub(places).saturating_add(shifted);
        let digits_before_point = power.saturating_add(i64::from(significant));
        if digits_before_point > i64::from(MAX_DIGITS) {
            return Ok(Self::TooLarge { negative });
        }
        if overflow || power < -i64::from(MAX_DIGITS) {
            return Ok(Self::TooPrecise { negative });
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        // Both branches are in range: the digit count before the point was bounded above.
        Ok(Self::Fits(if power >= 0 {
            Decimal { mantissa: mantissa * 10_i128.pow(power as u32), scale: 0 }
        } else {
            Decimal { mantissa, scale: power.unsigned_abs() as u32 }
        }))
    }

    /// The exact value, if it fits.
    #[must_use]
    pub const fn decimal(self) -> Option<Decimal> {
        match self {
            Self::Fits(decimal) => Some(decimal),
            Self::TooLarge { .. } | Self::TooPrecise { .. } => None,
        }
    }
}

/// Reads what follows the `e`; magnitudes beyond any use end at a bound instead of wrapping.
fn parse_exponent(text: &[u8]) -> Result<i64, NotANumber> {
    const BOUND: i64 = 1 << 40;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return Err(NotANumber);
    }
    let mut value: i64 = 0;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return Err(NotANumber);
        }
        value = (value * 10 + i64::from(byte - b'0')).min(BOUND);
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests;
