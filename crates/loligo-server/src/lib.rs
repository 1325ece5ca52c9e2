//! The running exchange.
//!
//! Four rooms that meet only in `node`: the node itself (writer, clock, recovery), projections (what readers see),
//! the gateway (the dialect over HTTP and WebSocket) and the control surface. No trading rule lives here.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

#[cfg_attr(not(test), expect(dead_code, reason = "no route shows candles yet"))]
mod charts;
pub mod config;
mod control;
pub mod files;
mod gateway;
pub mod identity;
pub mod listing;
mod market;
pub mod node;
#[cfg_attr(not(test), expect(dead_code, reason = "no venue begins with a past yet"))]
mod past;
pub mod projection;
pub mod record;
mod report;
mod request_log;
mod server;
mod start_file;
mod tls;

pub use gateway::bounds::{Bounds, FeedBounds};
pub use gateway::origin::{NotAnOrigin, Origin};
pub use gateway::real_time::RealTime;
pub use loligo_journal::{quoted, until_command};
pub use loligo_wire::sign::Tolerance;
pub use report::{hashes_text, verified_text};
pub use request_log::{LogConfig, LogFormat, LogMode};
pub use server::{CONTROL_TOKEN_MIN, Server, ServerConfig, StartError, parse_balance, parse_time};
pub use start_file::{StartAccount, StartFile, StartKey};
