//! The running exchange.
//!
//! Four rooms that meet only in `node`: the node itself (writer, clock, recovery), projections (what readers see),
//! the gateway (the dialect over HTTP) and the control surface. No trading rule lives here.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

pub mod config;
pub mod identity;
pub mod listing;
mod market;
pub mod node;
pub mod projection;
pub mod record;
