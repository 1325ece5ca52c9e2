//! The exchange as a pure function: commands in, outcomes and events out.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]
