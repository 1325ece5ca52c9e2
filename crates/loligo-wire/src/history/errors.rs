//! What is told of a request that was not answered.

use crate::json::Object;

use super::InvalidArgument;

/// The body of an error, whose HTTP status says the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryError {
    /// The kind.
    pub status: &'static str,
    /// What is wrong, for people.
    pub reason: String,
}

impl HistoryError {
    /// Key, signature or right is wrong: HTTP 401.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new("unauthorized", "You are not authorized to access this endpoint.")
    }

    /// A request that cannot be answered as it is: HTTP 400.
    #[must_use]
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new("bad_request", reason)
    }

    /// The exchange cannot answer now: HTTP 503.
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::new("unavailable", reason)
    }

    fn new(status: &'static str, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    /// Appends the body: `{"status":"unauthorized","reason":"..."}`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.string("status", self.status);
        object.string("reason", &self.reason);
        object.end();
    }
}

impl From<InvalidArgument> for HistoryError {
    fn from(error: InvalidArgument) -> Self {
        Self::bad_request(error.to_string())
    }
}
