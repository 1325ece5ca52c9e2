//! The memory: ordered durable records over opaque bytes.
#![forbid(unsafe_code)]
