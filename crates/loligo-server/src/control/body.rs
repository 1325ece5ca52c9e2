//! Bodies of control requests: strict JSON objects, numbers as text so that none passes through binary floating point.

use super::Refused;
use loligo_engine::{FinePrice, Money};
use loligo_wire::decimal::{Decimal, Number, ScaleError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Reads a body; an empty one is an empty object.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = body.trim_ascii();
    match body {
        [] => read_borrowed(b"{}"),
        [b'{', ..] => read_borrowed(body),
        // A list could be read as the members in their order.
        _ => Err(Refused::bad("the body must be a JSON object")),
    }
}

/// The body of a verb that wants to know nothing more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// How deep [`read_exact`] looks for numbers; what lies deeper is read as it is.
const DEPTH: usize = 4;

/// Reads a body whose own type takes decimals in quotes alone: numbers with a point or an exponent are put into quotes
/// first, as they were written.
pub(super) fn read_exact<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let raw: &RawValue = read_borrowed(body)?;
    let value = quoted(raw, DEPTH)?;
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

fn quoted(raw: &RawValue, depth: usize) -> Result<Value, Refused> {
    let text = raw.get();
    match text.as_bytes() {
        [b'{', ..] if depth > 0 => {
            let members: BTreeMap<String, &RawValue> = read_borrowed(text.as_bytes())?;
            let members = members.into_iter().map(|(name, raw)| Ok((name, quoted(raw, depth - 1)?)));
            members.collect::<Result<_, _>>().map(Value::Object)
        }
        [b'[', ..] if depth > 0 => {
            let elements: Vec<&RawValue> = read_borrowed(text.as_bytes())?;
            elements.into_iter().map(|raw| quoted(raw, depth - 1)).collect::<Result<_, _>>().map(Value::Array)
        }
        [b'-' | b'0'..=b'9', ..] if text.contains(['.', 'e', 'E']) => {
            let exact: Exact = read_borrowed(text.as_bytes())?;
            Ok(Value::String(exact.0.to_string()))
        }
        _ => read_borrowed(text.as_bytes()),
    }
}

fn read_borrowed<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> Refused {
    Refused::bad(format!("the body cannot be read: {error}"))
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

    /// As a share in millionths, given in per cent.
    pub(super) fn percent(self) -> Result<u32, Refused> {
        let millionths = self.at_scale(4, "a percentage has at most 4 decimals")?;
        u32::try_from(millionths).map_err(|_| Refused::bad("the percentage is negative or too large"))
    }

    /// As so many units of a scale, none of them negative.
    pub(super) fn units(self, scale: u32, too_precise: &str) -> Result<u32, Refused> {
        let units = self.at_scale(scale, too_precise)?;
        u32::try_from(units).map_err(|_| Refused::bad("the rate is negative or too large"))
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
    fn numbers_are_quoted_as_they_are_written() {
        let body =
            br#"{"a": 0.1, "b": [1, 2.50, {"c": 1e-10}], "d": "0.1", "e": null, "f": 12345678901234567890}"#;
        let value: Value = read_exact(body).expect("JSON");
        let want = serde_json::json!({
            "a": "0.1", "b": [1, "2.5", {"c": "0.0000000001"}], "d": "0.1", "e": null, "f": 12345678901234567890_u64,
        });
        assert_eq!(value, want);
        for body in ["", "{", "[1.5.2]", r#"{"a": 1e400}"#, &"[".repeat(60_000)] {
            assert!(read_exact::<Value>(body.as_bytes()).is_err(), "{:.20}", body);
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
