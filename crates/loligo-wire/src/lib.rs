//! The dialects: request and response shapes, wire words, signing.
#![forbid(unsafe_code)]
