//! The answer to a request that was not carried out.
//!
//! Under `/derivatives` it travels with HTTP 200 and a word. Two shapes have another status: the word `notFound` on
//! `/tickers/{symbol}` (404), and the numbered form for unknown paths (404) and refused preferences (500).

use std::fmt;

use crate::json::Object;
use crate::time::Timestamp;
use crate::v3::words::Error;

/// The error of an answer: a word, and for some words the argument it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The word.
    pub error: Error,
    /// What follows it after a colon: `invalidArgument: symbol`.
    pub argument: Option<&'static str>,
}

impl From<Error> for ErrorAnswer {
    fn from(error: Error) -> Self {
        Self { error, argument: None }
    }
}

impl ErrorAnswer {
    /// `invalidArgument` with the name of the argument.
    #[must_use]
    pub const fn invalid_argument(name: &'static str) -> Self {
        Self { error: Error::InvalidArgument, argument: Some(name) }
    }

    /// The same error without its argument, for `/orders/status`, whose list of words is closed.
    #[must_use]
    pub const fn bare(self) -> Self {
        Self { argument: None, ..self }
    }

    /// Appends the body: `{"result":"error","error":"invalidArgument: symbol","serverTime":"..."}`.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { error, argument } = *self;
        out.extend_from_slice(br#"{"result":"error","error":""#);
        out.extend_from_slice(error.as_str().as_bytes());
        if let Some(argument) = argument {
            out.extend_from_slice(b": ");
            out.extend_from_slice(argument.as_bytes());
        }
        out.extend_from_slice(br#"","serverTime":""#);
        server_time.write_millis(out);
        out.extend_from_slice(br#""}"#);
    }
}

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.argument {
            Some(argument) => write!(f, "{}: {argument}", self.error),
            None => f.write_str(self.error.as_str()),
        }
    }
}

/// An error of the numbered form: the name of the HTTP status, a code, and a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedError {
    /// The name of the HTTP status, such as `NOT_FOUND`.
    pub status: &'static str,
    /// The number; 0 for a general HTTP condition.
    pub code: u32,
    /// Its name, or free text.
    pub message: &'static str,
}

impl NumberedError {
    /// The answer to an unknown path, sent with HTTP 404.
    pub const PATH_NOT_FOUND: Self = Self { status: "NOT_FOUND", code: 0, message: "404 NOT_FOUND" };
    /// The answer to a request that contradicts itself, sent with HTTP 400.
    pub const BAD_REQUEST: Self = Self { status: "BAD_REQUEST", code: 0, message: "400 BAD_REQUEST" };
    /// A preference that would liquidate the account.
    pub const WOULD_CAUSE_LIQUIDATION: Self = Self::refused_preference(41, "WOULD_CAUSE_LIQUIDATION");
    /// A preference for a contract that does not exist.
    pub const CONTRACT_DOES_NOT_EXIST: Self = Self::refused_preference(87, "CONTRACT_DOES_NOT_EXIST");
    /// A preference for a contract whose margin is in one currency alone.
    pub const CONTRACT_NOT_MULTI_COLLATERAL: Self =
        Self::refused_preference(88, "CONTRACT_NOT_MULTI_COLLATERAL");
    /// A preference for a currency that does not exist.
    pub const CURRENCY_DOES_NOT_EXIST: Self = Self::refused_preference(89, "CURRENCY_DOES_NOT_EXIST");
    /// A preference for a currency in which gains are not paid.
    pub const CURRENCY_NOT_ENABLED: Self = Self::refused_preference(90, "CURRENCY_NOT_ENABLED");
    /// A preference that needs more margin than is available.
    pub const INSUFFICIENT_MARGIN: Self = Self::refused_preference(92, "INSUFFICIENT_MARGIN");
    /// A leverage that the contract does not allow at any size.
    pub const MAX_LEVERAGE_OUT_OF_BOUNDS: Self = Self::refused_preference(98, "MAX_LEVERAGE_OUT_OF_BOUNDS");

    /// A preference that the engine refused, sent with HTTP 500.
    const fn refused_preference(code: u32, message: &'static str) -> Self {
        Self { status: "INTERNAL_SERVER_ERROR", code, message }
    }

    /// Appends the body: `{"status":"NOT_FOUND","result":"error","errors":[{"code":0,"message":"..."}],"serverTime":"..."}`.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { status, code, message } = *self;
        let mut object = Object::new(out);
        object.string("status", status);
        object.string("result", "error");
        let out = object.member("errors");
        out.push(b'[');
        let mut error = Object::new(out);
        error.int("code", code);
        error.string("message", message);
        error.end();
        out.push(b']');
        object.time("serverTime", server_time);
        object.end();
    }
}
