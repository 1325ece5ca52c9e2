//! REST v3: what travels under `/derivatives/api/v3`.

pub mod errors;
pub mod requests;
pub mod responses;
pub mod words;
