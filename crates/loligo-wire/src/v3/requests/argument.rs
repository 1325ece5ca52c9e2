//! One argument, from a form or from a batch's JSON, and the slots that a request's arguments fill.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{ClientOrderId, OrderName, RequestError, Symbol, parse_uuid};
use crate::args::{Args, Conflict, NotText, Value};
use crate::decimal::{NotANumber, Number};
use crate::time::Timestamp;
use crate::v3::words::DeviationUnit;

/// The value of an argument, wherever it came from.
#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    /// Of a query or a form.
    Form(Value<'a>),
    /// Of a batch.
    Json(&'a RawValue),
}

type Result<T> = std::result::Result<T, RequestError>;

impl<'a> Argument<'a> {
    /// The text; a JSON number counts as its text, as identifiers are often numbers in scripts.
    pub(super) fn text(self) -> std::result::Result<Cow<'a, str>, NotText> {
        match self {
            Self::Form(value) => value.text(),
            Self::Json(raw) => match raw.get().as_bytes() {
                [b'"', ..] => serde_json::from_str(raw.get()).map(Cow::Owned).map_err(|_| NotText),
                [b'-' | b'0'..=b'9', ..] => Ok(Cow::Borrowed(raw.get())),
                _ => Err(NotText),
            },
        }
    }

    /// Whether another value from a form says the same.
    pub(super) fn is(self, other: Value<'_>) -> bool {
        match self {
            Self::Form(value) => value.is(other),
            Self::Json(_) => false,
        }
    }

    /// The number, which JSON may hold as a string.
    pub(super) fn number(self) -> std::result::Result<Number, NotANumber> {
        match self {
            Self::Form(value) => value.number(),
            Self::Json(raw) => Number::parse(json_text(raw).ok_or(NotANumber)?.as_bytes()),
        }
    }

    pub(super) fn boolean(self) -> Option<bool> {
        match self {
            Self::Form(value) => value.boolean(),
            Self::Json(raw) => Value::new(json_text(raw)?.as_bytes()).boolean(),
        }
    }

    fn time(self) -> Option<Timestamp> {
        match self {
            Self::Form(value) => value.time().ok(),
            Self::Json(raw) => Timestamp::parse(json_text(raw)?.as_bytes()).ok(),
        }
    }

    pub(super) fn unit(self) -> Option<DeviationUnit> {
        self.text().ok().and_then(|word| DeviationUnit::from_any_case(&word))
    }

    /// One word of a list.
    pub(super) fn word<T>(self, from_word: fn(&str) -> Option<T>, name: &'static str) -> Result<T> {
        let word = self.text().map_err(|NotText| RequestError::InvalidArgument(name))?;
        from_word(&word).ok_or(RequestError::InvalidArgument(name))
    }

    /// The name of a wallet or a currency, in lower case, whatever case it came in.
    pub(super) fn lower_case(self, name: &'static str) -> Result<Cow<'a, str>> {
        let text = self.text().map_err(|NotText| RequestError::InvalidArgument(name))?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Ok(Cow::Owned(text.to_ascii_lowercase()));
        }
        Ok(text)
    }

    pub(super) fn symbol(self) -> Result<Symbol> {
        self.word(Symbol::parse, "symbol")
    }

    pub(super) fn client_order_id(self) -> ClientOrderId<'a> {
        self.text().map_or(ClientOrderId::Invalid, ClientOrderId::classify)
    }
}

/// The content of a JSON string, or the text of any other JSON value.
fn json_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    if raw.get().starts_with('"') {
        serde_json::from_str(raw.get()).map(Cow::Owned).ok()
    } else {
        Some(Cow::Borrowed(raw.get()))
    }
}

/// The arguments of a request, found in one pass: those that must be there, and all.
#[derive(Clone, Copy, Debug)]
pub struct Found<S, R> {
    required: R,
    slots: S,
    /// An argument that says two things.
    conflict: Option<&'static str>,
}

impl<S, R> Found<S, R> {
    /// The arguments, if each says one thing.
    pub(super) fn one(self) -> Result<(R, S)> {
        match self.conflict {
            None => Ok((self.required, self.slots)),
            Some(name) => Err(RequestError::InvalidArgument(name)),
        }
    }

    pub(super) const fn new(required: R, slots: S, conflict: Option<&'static str>) -> Self {
        Self { required, slots, conflict }
    }
}

/// The one argument that a request has, which must be there.
#[derive(Clone, Copy, Debug)]
pub struct Only<'a> {
    name: &'static str,
    value: Argument<'a>,
    is_one: bool,
}

impl<'a> Only<'a> {
    pub(super) fn find(args: &Args<'a>, name: &'static str) -> Result<Self> {
        let mut values =
            args.pairs().filter(|(given, _)| **given == *name.as_bytes()).map(|(_, value)| value);
        let first = values.next().ok_or(RequestError::RequiredArgumentMissing(name))?;
        let value = Argument::Form(first);
        Ok(Self { name, value, is_one: values.all(|other| value.is(other)) })
    }

    /// What it says, if that is one thing, and one that can be read.
    pub(super) fn read<T>(self, read: impl FnOnce(Argument<'a>) -> Option<T>) -> Result<T> {
        let value = self.is_one.then_some(self.value).and_then(read);
        value.ok_or(RequestError::InvalidArgument(self.name))
    }
}

/// The slots of a request's arguments, filled in one pass over the pairs.
macro_rules! slots {
    ($(#[$meta:meta])* struct $name:ident { $($field:ident = $word:literal $(| $alias:literal)?,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default)]
        #[doc = "Arguments as they came."]
        pub struct $name<'a> {
            $(pub(super) $field: Option<Argument<'a>>,)+
        }

        impl<'a> $name<'a> {
            /// Finds the first value of each argument, and whether one says something else besides.
            fn find<R>(
                args: &Args<'a>,
                required: impl FnOnce(&Self) -> Result<R, RequestError>,
            ) -> Result<Found<Self, R>, RequestError> {
                let (slots, conflict) = Self::first(args);
                Ok(Found::new(required(&slots)?, slots, conflict))
            }

            fn first(args: &Args<'a>) -> (Self, Option<&'static str>) {
                let mut slots = Self::default();
                let mut conflict = None;
                for (name, value) in args.pairs() {
                    let Some((name, slot)) = (match std::str::from_utf8(&name).unwrap_or_default() {
                        $($word $(| $alias)? => Some(($word, &mut slots.$field)),)+
                        _ => None,
                    }) else {
                        continue;
                    };
                    match slot {
                        Some(first) if !first.is(value) => conflict = conflict.or(Some(name)),
                        Some(_) => {}
                        None => *slot = Some(Argument::Form(value)),
                    }
                }
                (slots, conflict)
            }
        }
    };
}
pub(super) use slots;

/// The one value of an argument.
pub(super) fn one<'a>(args: &Args<'a>, name: &'static str) -> Result<Option<Argument<'a>>> {
    let value = args.one(name).map_err(|Conflict| RequestError::InvalidArgument(name))?;
    Ok(value.map(Argument::Form))
}

/// The argument, or that it is missing.
pub(super) fn required<'a>(slot: Option<Argument<'a>>, name: &'static str) -> Result<Argument<'a>> {
    slot.ok_or(RequestError::RequiredArgumentMissing(name))
}

pub(super) fn opt_number(slot: Option<Argument<'_>>, name: &'static str) -> Result<Option<Number>> {
    slot.map(Argument::number).transpose().map_err(|NotANumber| RequestError::InvalidArgument(name))
}

pub(super) fn opt_time(slot: Option<Argument<'_>>, name: &'static str) -> Result<Option<Timestamp>> {
    slot.map(|argument| argument.time().ok_or(RequestError::InvalidArgument(name))).transpose()
}

pub(super) fn opt_unit(slot: Option<Argument<'_>>, name: &'static str) -> Result<Option<DeviationUnit>> {
    slot.map(|argument| argument.unit().ok_or(RequestError::InvalidArgument(name))).transpose()
}

/// A truth value, false when absent.
pub(super) fn flag(slot: Option<Argument<'_>>, name: &'static str) -> Result<bool> {
    slot.map_or(Ok(false), |argument| argument.boolean().ok_or(RequestError::InvalidArgument(name)))
}

/// The order named by one of two ids; `name` is that of the first.
pub(super) fn order_name<'a>(
    id: Option<Argument<'a>>,
    client_id: Option<Argument<'a>>,
    name: &'static str,
) -> Result<OrderName<'a>> {
    match (id, client_id) {
        (Some(id), _) => {
            let text = id.text().ok();
            let uuid = text.as_ref().and_then(|text| parse_uuid(text.as_bytes()));
            Ok(uuid.map_or(OrderName::Nothing { id: text, client_id: None }, OrderName::Id))
        }
        (None, Some(client_id)) => Ok(match client_id.client_order_id() {
            ClientOrderId::Valid(text) => OrderName::ClientId(text),
            ClientOrderId::TooLong(_) | ClientOrderId::Invalid => {
                OrderName::Nothing { id: None, client_id: client_id.text().ok() }
            }
        }),
        (None, None) => Err(RequestError::RequiredArgumentMissing(name)),
    }
}
