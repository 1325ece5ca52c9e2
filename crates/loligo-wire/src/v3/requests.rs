//! What clients ask for, typed.
//!
//! Arguments become types here and nothing is judged: a price stays a number, not yet ticks, and a number too large for any
//! market is still a number. What cannot be read is refused by name.
//!
//! Reading happens in two steps, because the answers come in two places. Whether the required arguments are there is told
//! before the caller's key is looked at; what they say only after key, nonce and rate are found good. So requests with
//! required arguments are a [`Request`]: its arguments are found, in one pass, and then read.
//!
//! ```
//! use loligo_wire::args::Args;
//! use loligo_wire::v3::requests::{Request, RequestError, SendOrder};
//!
//! let args = Args::new(b"", b"orderType=lmt&symbol=pf_xbtusd&side=buy&size=1e-05&limitPrice=NaN").expect("few");
//! let found = SendOrder::find(&args).expect("all that is required is there");
//! // ... authentication, nonce, rate ...
//! assert_eq!(SendOrder::read(found), Err(RequestError::InvalidArgument("limitPrice")));
//! ```

mod argument;
mod batch;
mod margin;
mod market;
mod order;
mod programs;
mod settings;
mod status;
mod transfers;

use std::borrow::Cow;
use std::fmt;

use uuid::Uuid;

use crate::args::Args;
use crate::v3::errors::ErrorAnswer;
use crate::v3::words::Error;

pub use batch::{BatchInstruction, BatchOrder, BatchSend, MAX_BATCH_INSTRUCTIONS};
pub use margin::{InitialMargin, MaxOrderSize};
pub use market::{
    Fills, FundingRates, History, Instruments, InstrumentsStatus, OrderBook, Tickers, TradingInstruments,
};
pub use order::{
    CancelAllOrders, CancelAllOrdersAfter, CancelOrder, EditOrder, MAX_TIMEOUT_SECONDS, SendOrder,
    UnknownUnit,
};
pub use programs::{AddAssignmentProgram, DeleteAssignmentProgram};
pub use settings::{
    LeveragePreferences, PnlPreferences, SetLeveragePreference, SetOffBookLeverage, SetPnlPreference,
    SetSelfTradeStrategy, SetTradingEnabled,
};
pub use status::{MAX_ORDER_IDS, OrdersStatus};
pub use transfers::{SubaccountTransfer, Transfer, Withdrawal};

/// Most characters of a client's own order id.
pub const MAX_CLIENT_ORDER_ID_CHARS: usize = 100;

/// A request with required arguments.
pub trait Request<'a>: Sized {
    /// Its arguments, of which all that must be there are.
    type Found;

    /// Finds the arguments.
    ///
    /// # Errors
    /// [`RequestError::RequiredArgumentMissing`] with the first that is not there.
    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError>;

    /// Reads what they say.
    ///
    /// # Errors
    /// What cannot be read.
    fn read(found: Self::Found) -> Result<Self, RequestError>;

    /// Both steps at once.
    ///
    /// # Errors
    /// What is missing, before what cannot be read.
    fn parse(args: &Args<'a>) -> Result<Self, RequestError> {
        Self::read(Self::find(args)?)
    }
}

/// Why a request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// An argument that must be there is not; told before authentication, except inside a batch.
    #[error("the argument {0} is missing")]
    RequiredArgumentMissing(&'static str),
    /// An argument is there and cannot be read.
    #[error("the argument {0} is invalid")]
    InvalidArgument(&'static str),
    /// The `json` of a batch is no JSON.
    #[error("the batch is not JSON")]
    JsonParseError,
}

impl From<RequestError> for ErrorAnswer {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::RequiredArgumentMissing(_) => Error::RequiredArgumentMissing.into(),
            RequestError::InvalidArgument(name) => Self::invalid_argument(name),
            RequestError::JsonParseError => Error::JsonParseError.into(),
        }
    }
}

/// A market's name in upper case, whatever case it came in. That such a market exists is not said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    /// Upper-case ASCII, zeros behind it.
    bytes: [u8; Self::MAX_LEN],
}

impl Symbol {
    /// Longest name; the longest in use have 25 characters.
    pub const MAX_LEN: usize = 40;

    /// Reads a symbol: letters, digits, `_` and `.`, in any case. `None` for anything else, which then is no market's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.is_empty() || text.len() > Self::MAX_LEN {
            return None;
        }
        let mut bytes = [0; Self::MAX_LEN];
        for (slot, byte) in bytes.iter_mut().zip(text) {
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'.') {
                return None;
            }
            *slot = byte.to_ascii_uppercase();
        }
        Some(Self { bytes })
    }

    /// The symbol in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let len = self.bytes.iter().position(|&byte| byte == 0).unwrap_or(Self::MAX_LEN);
        std::str::from_utf8(&self.bytes[..len]).unwrap_or_default()
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A client's own id for an order, as it came. Which refusal an unusable one gets is a matter of its place among the
/// checks, so it is told apart here and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientOrderId<'a> {
    /// 1 to 100 characters, none of them a control character.
    Valid(Cow<'a, str>),
    /// More than 100 characters.
    TooLong(Cow<'a, str>),
    /// Empty, with control characters, or no Unicode text (a lone surrogate is none).
    Invalid,
}

impl<'a> ClientOrderId<'a> {
    /// Tells a usable id from the others. Characters are counted, not bytes.
    #[must_use]
    pub fn classify(text: Cow<'a, str>) -> Self {
        if text.is_empty() || text.chars().any(char::is_control) {
            Self::Invalid
        } else if text.len() > MAX_CLIENT_ORDER_ID_CHARS && text.chars().count() > MAX_CLIENT_ORDER_ID_CHARS {
            Self::TooLong(text)
        } else {
            Self::Valid(text)
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Valid(text) | Self::TooLong(text) => Some(text),
            Self::Invalid => None,
        }
    }

    /// The same, not borrowed.
    #[must_use]
    pub fn into_owned(self) -> ClientOrderId<'static> {
        match self {
            Self::Valid(text) => ClientOrderId::Valid(Cow::Owned(text.into_owned())),
            Self::TooLong(text) => ClientOrderId::TooLong(Cow::Owned(text.into_owned())),
            Self::Invalid => ClientOrderId::Invalid,
        }
    }
}

/// How a cancel or an edit names its order. The exchange's id wins over the client's, if both are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderName<'a> {
    /// The exchange's id.
    Id(Uuid),
    /// The client's id.
    ClientId(Cow<'a, str>),
    /// Text that can be no order's id. The contract types these ids as plain text, and clients rely on being told that
    /// there is no such order, so it is no argument error. It goes back to the asker as it came, if it is text at all.
    Nothing {
        /// What was given as the exchange's id.
        id: Option<Cow<'a, str>>,
        /// What was given as the client's id.
        client_id: Option<Cow<'a, str>>,
    },
}

impl OrderName<'_> {
    /// The same, not borrowed.
    #[must_use]
    pub fn into_owned(self) -> OrderName<'static> {
        match self {
            Self::Id(id) => OrderName::Id(id),
            Self::ClientId(text) => OrderName::ClientId(Cow::Owned(text.into_owned())),
            Self::Nothing { id, client_id } => {
                let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
                OrderName::Nothing { id: owned(id), client_id: owned(client_id) }
            }
        }
    }
}

/// Reads a UUID of 36 characters, in any case; no other form is one here.
#[must_use]
pub fn parse_uuid(text: &[u8]) -> Option<Uuid> {
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return None;
    }
    Uuid::try_parse_ascii(text).ok()
}

#[cfg(test)]
mod tests;
