//! Bodies of control requests: strict JSON objects, numbers as text so that none passes through binary floating point.

use super::Refused;
use loligo_engine::{FinePrice, Money};
use loligo_wire::decimal::{Decimal, Number, ScaleError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Reads a body; an empty one is an empty object.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refused::bad(format!("the body cannot be read: {error}")))
}

/// A decimal number, given as a JSON number or as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exact(Decimal);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        Number::parse(text.as_bytes())
            .ok()
            .and_then(Number::decimal)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("expected a decimal number of at most 38 digits"))
    }
}

impl Exact {
    /// As wallet money.
    pub(super) fn money(self) -> Result<Money, Refused> {
        self.at_scale(11, "an amount has at most 11 decimals").map(Money)
    }

    /// As an index or mark price.
    pub(super) fn price(self) -> Result<FinePrice, Refused> {
        self.at_scale(18, "a price has at most 18 decimals").map(FinePrice)
    }

    fn at_scale(self, scale: u32, too_precise: &str) -> Result<i128, Refused> {
        self.0.at_scale(scale).map_err(|error| match error {
            ScaleError::TooPrecise => Refused::bad(too_precise),
            ScaleError::TooLarge => Refused::bad("the number is too large"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Eq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        amount: Option<Exact>,
    }

    #[test]
    fn numbers_are_exact_in_either_form() {
        for (body, want) in [
            (r#"{"amount": 0.1}"#, Some(10_000_000_000)),
            (r#"{"amount": "0.1"}"#, Some(10_000_000_000)),
            (r#"{"amount": -1e3}"#, Some(-100_000_000_000_000)),
            (
                r#"{"amount": 12345678901234567890.12345678901}"#,
                Some(1_234_567_890_123_456_789_012_345_678_901),
            ),
            (r#"{}"#, None),
            ("", None),
        ] {
            let sample: Sample = read(body.as_bytes()).expect(body);
            assert_eq!(sample.amount.map(|amount| amount.money().expect(body).0), want, "{body}");
        }
    }

    #[test]
    fn what_is_no_such_body_is_told() {
        for body in [
            "{",
            "[]x",
            r#"{"amount": true}"#,
            r#"{"amount": "ten"}"#,
            r#"{"amount": "NaN"}"#,
            r#"{"amount": 1e400}"#,
            r#"{"amonut": 1}"#,
        ] {
            assert!(read::<Sample>(body.as_bytes()).is_err(), "{body}");
        }
        let sample: Sample = read(br#"{"amount": 0.123456789012}"#).expect("a number");
        assert!(sample.amount.expect("there").money().is_err(), "12 decimals are no wallet money");
    }
}
