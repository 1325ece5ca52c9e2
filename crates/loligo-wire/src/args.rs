//! Arguments of a request: query string and form body, read as one.
//!
//! Clients disagree on where arguments travel, so both places are read, the query first. Nothing is decoded before it is
//! asked for, and what needs no decoding is borrowed: reading the arguments of an order allocates nothing.

use std::borrow::Cow;

use crate::decimal::{NotANumber, Number};
use crate::time::{NotATime, Timestamp};

/// Most bytes of query and body together. Of 500 instructions with every member and ids of 100 characters, each of which
/// takes up to 16 bytes (an escape of JSON that is percent-encoded), it takes about 1.3 MB.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Most `name=value` pairs of query and body together.
pub const MAX_PAIRS: usize = 2_048;

/// Query and body hold more than [`MAX_BYTES`] or [`MAX_PAIRS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many arguments")]
pub struct TooManyArguments;

/// The arguments of one request, from the query string and the `application/x-www-form-urlencoded` body as they arrived.
///
/// Unknown names are passed over. A name given twice must have one value (see [`Args::one`]); lists take all.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    /// The query and the body; of a request whose arguments stand around a text of their own, what is around it.
    parts: [&'a [u8]; 3],
}

/// One argument has several values: which of them is meant, nobody can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("several values for one argument")]
pub struct Conflict;

impl<'a> Args<'a> {
    /// Takes the query string without its `?`, and the body; either may be empty.
    ///
    /// # Errors
    /// [`TooManyArguments`] beyond the bounds named above.
    pub fn new(query: &'a [u8], body: &'a [u8]) -> Result<Self, TooManyArguments> {
        if query.len().saturating_add(body.len()) > MAX_BYTES {
            return Err(TooManyArguments);
        }
        // A batch may arrive as JSON text that was not encoded; its ampersands are no separators worth counting, but
        // then there are few of them.
        let separators =
            [query, body].iter().flat_map(|part| part.iter()).filter(|&&byte| byte == b'&').count();
        if separators + 2 > MAX_PAIRS {
            return Err(TooManyArguments);
        }
        Ok(Self { parts: [query, body, b""] })
    }

    /// The pairs in the order in which they arrived, query first. A name without `=` has the empty value.
    pub fn pairs(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, Value<'a>)> + use<'a> {
        self.parts.into_iter().flat_map(|part| part.split(|&byte| byte == b'&')).filter_map(|pair| {
            if pair.is_empty() {
                return None;
            }
            let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            // A name that cannot be decoded is an unknown name.
            Some((decode(name, Plus::Space).ok()?, Value(value)))
        })
    }

    /// The first value of a name: whether it is there at all.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.pairs().find(|(candidate, _)| **candidate == *name.as_bytes()).map(|(_, value)| value)
    }

    /// The one value of a name. It may be repeated, in one place or in both.
    ///
    /// # Errors
    /// [`Conflict`] when it is repeated with another value.
    pub fn one(&self, name: &str) -> Result<Option<Value<'a>>, Conflict> {
        let mut values = self.pairs().filter(|(candidate, _)| **candidate == *name.as_bytes());
        let first = values.next().map(|(_, value)| value);
        if values.all(|(_, value)| first.is_some_and(|first| first.is(value))) {
            Ok(first)
        } else {
            Err(Conflict)
        }
    }

    /// All values of a list, which may be named `name`, `name[]` or `name[0]`, in the order in which they arrived.
    pub fn list(&self, name: &'a str) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.pairs().filter(move |(candidate, _)| is_list_name(candidate, name)).map(|(_, value)| value)
    }

    /// The text from behind the first `name=` to the end of the query or body it stands in, not decoded: what a client
    /// sends that puts JSON into a form as it is, ampersands and all.
    #[must_use]
    pub fn raw_tail(&self, name: &str) -> Option<Tail<'a>> {
        let [query, body, _] = self.parts;
        let in_query =
            split_at(query, name).map(|(before, text)| Tail { text, place: Place::Query { before, body } });
        in_query.or_else(|| {
            split_at(body, name).map(|(before, text)| Tail { text, place: Place::Body { query, before } })
        })
    }
}

/// A text that stands in query or body as it is.
#[derive(Clone, Copy, Debug)]
pub struct Tail<'a> {
    /// The text, with whatever follows it there.
    pub text: &'a [u8],
    place: Place<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    Query { before: &'a [u8], body: &'a [u8] },
    Body { query: &'a [u8], before: &'a [u8] },
}

impl<'a> Tail<'a> {
    /// The arguments around the text, of which so many bytes were read.
    #[must_use]
    pub fn around(&self, read: usize) -> Args<'a> {
        let rest = self.text.get(read..).unwrap_or_default();
        match *self {
            Self { place: Place::Query { before, body }, .. } => Args { parts: [before, rest, body] },
            Self { place: Place::Body { query, before }, .. } => Args { parts: [query, before, rest] },
        }
    }
}

/// What stands before the first `name=` of a query or body, and what behind it.
fn split_at<'a>(part: &'a [u8], name: &str) -> Option<(&'a [u8], &'a [u8])> {
    let mut at = 0;
    loop {
        let rest = &part[at..];
        let value = rest.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        if let Some(value) = value {
            return Some((&part[..at], value));
        }
        at += rest.iter().position(|&byte| byte == b'&')? + 1;
    }
}

/// Whether a name is that of a list: the bare name, or with `[]` or an index behind it.
pub(crate) fn is_list_name(candidate: &[u8], name: &str) -> bool {
    match candidate.strip_prefix(name.as_bytes()) {
        Some([]) => true,
        Some([b'[', index @ .., b']']) => index.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// A value as it arrived, percent-encoded or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a>(&'a [u8]);

/// The value has an escape that is none, or its bytes are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not UTF-8 text in percent-encoding")]
pub struct NotText;

impl<'a> Value<'a> {
    /// A value from its bytes as they arrived.
    #[must_use]
    pub const fn new(raw: &'a [u8]) -> Self {
        Self(raw)
    }

    /// Whether two values say the same, however they are encoded.
    #[must_use]
    pub fn is(self, other: Self) -> bool {
        // A plus is a space in texts and itself in numbers: the same is what reads the same either way.
        self == other
            || (self.text().is_ok_and(|text| other.text() == Ok(text))
                && self.token().is_ok_and(|token| other.token() == Ok(token)))
    }

    /// The bytes as they arrived.
    #[must_use]
    pub const fn raw(self) -> &'a [u8] {
        self.0
    }

    /// The decoded text; a plus is a space.
    ///
    /// # Errors
    /// [`NotText`] for a broken escape and for bytes that are not UTF-8 (a lone surrogate is not).
    pub fn text(self) -> Result<Cow<'a, str>, NotText> {
        match decode(self.0, Plus::Space)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| NotText),
            Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| NotText),
        }
    }

    /// The decoded text as bytes, for arguments that hold neither spaces nor letters beyond ASCII. A plus stays a plus:
    /// clients write `1e+2` and `+01:00` without encoding them.
    ///
    /// # Errors
    /// [`NotText`] for a broken escape.
    pub fn token(self) -> Result<Cow<'a, [u8]>, NotText> {
        decode(self.0, Plus::Plus)
    }

    /// The value as a number.
    ///
    /// # Errors
    /// [`NotANumber`] if it is none.
    pub fn number(self) -> Result<Number, NotANumber> {
        Number::parse(&self.token().map_err(|NotText| NotANumber)?)
    }

    /// The value as an instant.
    ///
    /// # Errors
    /// [`NotATime`] if it is none.
    pub fn time(self) -> Result<Timestamp, NotATime> {
        Timestamp::parse(&self.token().map_err(|NotText| NotATime)?)
    }

    /// The value as a truth value: `true`, `false` in any case, `1`, `0`.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        let token = self.token().ok()?;
        match &*token {
            b"1" => Some(true),
            b"0" => Some(false),
            word if word.eq_ignore_ascii_case(b"true") => Some(true),
            word if word.eq_ignore_ascii_case(b"false") => Some(false),
            _ => None,
        }
    }
}

/// What a plus stands for in percent-encoded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plus {
    /// A space, as in forms.
    Space,
    /// Itself, as in paths.
    Plus,
}

/// Decodes percent-encoding; borrows where there is nothing to decode.
pub(crate) fn decode(raw: &[u8], plus: Plus) -> Result<Cow<'_, [u8]>, NotText> {
    let needs_decoding = |byte: &u8| *byte == b'%' || (*byte == b'+' && plus == Plus::Space);
    let Some(start) = raw.iter().position(needs_decoding) else {
        return Ok(Cow::Borrowed(raw));
    };
    let mut decoded = Vec::with_capacity(raw.len());
    decoded.extend_from_slice(&raw[..start]);
    let mut rest = &raw[start..];
    loop {
        rest = match rest {
            [] => return Ok(Cow::Owned(decoded)),
            [b'%', high, low, rest @ ..] => {
                let (high, low) = (hex(*high).ok_or(NotText)?, hex(*low).ok_or(NotText)?);
                decoded.push(high << 4 | low);
                rest
            }
            [b'%', ..] => return Err(NotText),
            [b'+', rest @ ..] if plus == Plus::Space => {
                decoded.push(b' ');
                rest
            }
            [byte, rest @ ..] => {
                decoded.push(*byte);
                rest
            }
        }
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests;
