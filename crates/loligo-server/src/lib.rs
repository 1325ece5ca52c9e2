//! The running exchange.
//!
//! The node (writer, clock, recovery) and its projections (what readers see); transport, which takes connections; dialects and
//! the control surface, which answer requests; the hub, which tells followers what happens, spelled by dialects from one
//! story. Dialects and the control surface do not know each other. No trading rule lives here.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod charts;
pub mod config;
mod control;
mod dialects;
mod faults;
pub mod files;
mod grid;
mod history;
mod hub;
pub mod identity;
pub mod listing;
mod login;
pub mod market;
pub mod node;
mod operations;
mod past;
pub mod projection;
pub mod record;
mod report;
mod request_log;
mod server;
mod start_file;
mod story;
mod transport;
mod wallets;

pub use login::real_time::RealTime;
pub use loligo_journal::{quoted, until_command};
pub use loligo_wire::sign::Tolerance;
pub use report::{hashes_text, replayed_text, verified_text};
pub use request_log::{LogConfig, LogFormat, LogMode};
pub use server::{
    CONTROL_TOKEN_MIN, KEEP_HISTORY, Server, ServerConfig, StartError, parse_balance, parse_time,
};
pub use start_file::{StartAccount, StartFile, StartKey};
pub use transport::bounds::{Bounds, FEED_DELAY_MAX, FEED_QUEUE_BYTES, FeedBounds};
pub use transport::origin::{NotAnOrigin, Origin};
