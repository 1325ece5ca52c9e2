//! JSON text, written straight into bytes.
//!
//! The answers are few, their shapes fixed, and their numbers exact integers with a point: going through a general
//! serializer would cost twice the time and a detour of every number through text.

use uuid::Uuid;

use crate::decimal::{Decimal, write_padded};
use crate::time::Timestamp;

/// Appends a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => {
                let digit = |value: u8| b"0123456789abcdef"[usize::from(value & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
            }
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a JSON string or null.
pub(crate) fn write_opt_string(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => write_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a word of the dialect, which needs no escaping, as a JSON string.
pub(crate) fn write_word(out: &mut Vec<u8>, word: &str) {
    out.push(b'"');
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
}

/// Appends a UUID as a JSON string.
pub(crate) fn write_uuid(out: &mut Vec<u8>, uuid: Uuid) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    write_word(out, uuid.hyphenated().encode_lower(&mut text));
}

/// Appends a number or null.
pub(crate) fn write_opt_decimal(out: &mut Vec<u8>, value: Option<Decimal>) {
    match value {
        Some(value) => value.write(out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends an instant to milliseconds as a JSON string.
pub(crate) fn write_time(out: &mut Vec<u8>, time: Timestamp) {
    out.push(b'"');
    time.write_millis(out);
    out.push(b'"');
}

/// Appends an integer.
pub(crate) fn write_int(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a truth value.
pub(crate) fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Appends a JSON array, each element by the given writer.
pub(crate) fn write_array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// A JSON object in the making: members are written as they are named.
pub(crate) struct Object<'b> {
    out: &'b mut Vec<u8>,
    empty: bool,
}

impl<'b> Object<'b> {
    /// Opens an object.
    pub(crate) fn new(out: &'b mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Names a member, whose value the caller writes. The name is escaped, since some are data (currencies, wallets).
    pub(crate) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_string(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn string(&mut self, name: &str, value: &str) {
        write_string(self.member(name), value);
    }

    pub(crate) fn opt_string(&mut self, name: &str, value: Option<&str>) {
        write_opt_string(self.member(name), value);
    }

    /// Writes the member only if there is a value.
    pub(crate) fn string_if_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(name, value);
        }
    }

    /// Writes the member only if there is a value.
    pub(crate) fn uuid_if_some(&mut self, name: &str, value: Option<Uuid>) {
        if let Some(value) = value {
            self.uuid(name, value);
        }
    }

    pub(crate) fn uuid(&mut self, name: &str, value: Uuid) {
        write_uuid(self.member(name), value);
    }

    pub(crate) fn decimal(&mut self, name: &str, value: Decimal) {
        value.write(self.member(name));
    }

    pub(crate) fn opt_decimal(&mut self, name: &str, value: Option<Decimal>) {
        write_opt_decimal(self.member(name), value);
    }

    /// Writes the member only if there is a value.
    pub(crate) fn decimal_if_some(&mut self, name: &str, value: Option<Decimal>) {
        if let Some(value) = value {
            self.decimal(name, value);
        }
    }

    /// Writes a decimal as a string: that is how balances travel.
    pub(crate) fn decimal_string(&mut self, name: &str, value: Decimal) {
        let out = self.member(name);
        out.push(b'"');
        value.write(out);
        out.push(b'"');
    }

    /// Writes a decimal with at least two places: that is how leverage travels.
    pub(crate) fn decimal_with_cents(&mut self, name: &str, value: Decimal) {
        write_padded(self.member(name), value, 2);
    }

    pub(crate) fn int(&mut self, name: &str, value: impl itoa::Integer) {
        write_int(self.member(name), value);
    }

    /// Writes an integer as a string: numbers of 64 bits are more than some clients' numbers hold.
    pub(crate) fn int_string(&mut self, name: &str, value: u64) {
        write_word(self.member(name), itoa::Buffer::new().format(value));
    }

    pub(crate) fn bool(&mut self, name: &str, value: bool) {
        write_bool(self.member(name), value);
    }

    /// Writes an instant to milliseconds.
    pub(crate) fn time(&mut self, name: &str, value: Timestamp) {
        write_time(self.member(name), value);
    }

    /// Writes an instant to microseconds.
    pub(crate) fn micros(&mut self, name: &str, value: Timestamp) {
        let out = self.member(name);
        out.push(b'"');
        value.write_micros(out);
        out.push(b'"');
    }

    /// Writes an instant as whole milliseconds since 1970, the rest cut.
    pub(crate) fn epoch_millis(&mut self, name: &str, value: Timestamp) {
        self.int(name, value.micros().div_euclid(1000));
    }

    pub(crate) fn null(&mut self, name: &str) {
        self.member(name).extend_from_slice(b"null");
    }

    /// Writes an instant to whole seconds.
    pub(crate) fn seconds(&mut self, name: &str, value: Timestamp) {
        let out = self.member(name);
        out.push(b'"');
        value.write_seconds(out);
        out.push(b'"');
    }

    /// Closes the object.
    pub(crate) fn end(self) {
        self.out.push(b'}');
    }
}

/// Writes a successful answer: its members, then `result` and `serverTime`. It has no member `error`, since one client
/// takes the mere presence of the key for a failure; `/initialmargin` alone has one to tell.
pub(crate) fn write_success(
    out: &mut Vec<u8>,
    server_time: Timestamp,
    members: impl FnOnce(&mut Object<'_>),
) {
    let mut object = Object::new(out);
    object.string("result", "success");
    members(&mut object);
    object.time("serverTime", server_time);
    object.end();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Object, write_string};
    use crate::decimal::Decimal;

    #[test]
    fn members_are_separated_and_escaped() {
        let mut out = Vec::new();
        let mut object = Object::new(&mut out);
        object.opt_string("a\"b", None);
        object.decimal_string("n", Decimal::new(15, 1));
        object.decimal_if_some("none", None);
        object.bool("t", true);
        object.end();
        assert_eq!(out, br#"{"a\"b":null,"n":"1.5","t":true}"#);
    }

    proptest! {
        #[test]
        fn any_text_survives(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("JSON"), text);
        }
    }
}
