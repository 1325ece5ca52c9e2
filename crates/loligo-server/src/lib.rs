//! The running exchange.
