//! The dialects Loligo speaks: request and response shapes, wire words, signing.
//!
//! Bytes come in, typed requests go out; typed answers come in, bytes go out. This crate knows neither the engine's
//! types nor sockets nor policy: whoever uses it converts by hand, and decides what a request may do.
//!
//! ```text
//! query, body ──> args ──> v3::requests ──> (the caller)
//! headers ──────> sign ──> accepted or not
//! (the caller) ──> v3::responses ──> JSON bytes
//! frames ──> ws1::Request ──> (the caller) ──> ws1 answers and feed messages
//! ```
//!
//! One module per API generation: [`v3`] and [`charts`] over HTTP, [`ws1`] over WebSocket; [`history`], which has documents of its
//! own, has versions of its own, too; [`keys`] has the small documents beside it. What generations share sits beside them: exact
//! numbers ([`decimal`]), instants ([`time`]), arguments ([`args`]), signatures ([`sign`]), [`words`], [`notices`] and rows of the
//! [`account_log`]. Neither [`v3`] nor [`ws1`] knows the other.
//!
//! No parser here panics on any input, and no number passes through binary floating point.
#![forbid(unsafe_code)]

pub mod account_log;
pub mod args;
pub mod charts;
pub mod decimal;
pub mod history;
mod json;
pub mod keys;
pub mod notices;
pub mod sign;
pub mod time;
pub mod v3;
pub mod words;
pub mod ws1;
