//! What clients are told about their requests, and the heartbeat.

use uuid::Uuid;

use super::words::{Feed, FeedName};
use crate::json::{Object, write_array, write_string};
use crate::time::Timestamp;

/// Appends the first frame of a connection.
pub fn write_info(out: &mut Vec<u8>) {
    let mut message = Object::new(out);
    message.string("event", "info");
    message.int("version", 1);
    message.end();
}

/// Appends a challenge.
pub fn write_challenge(out: &mut Vec<u8>, challenge: Uuid) {
    let mut message = Object::new(out);
    message.string("event", "challenge");
    message.uuid("message", challenge);
    message.end();
}

/// A feed was joined or left.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Joined, not left.
    pub joined: bool,
    /// The feed.
    pub feed: FeedName,
    /// Of this product. Feeds of products are answered one product at a time: clients match on that.
    pub product_id: Option<&'a str>,
}

impl Answer<'_> {
    /// Appends the answer. What was signed is the signer's, and not told back.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { joined, feed, product_id } = *self;
        let mut message = Object::new(out);
        message.string("event", if joined { "subscribed" } else { "unsubscribed" });
        message.string("feed", &feed.to_string());
        if let Some(product) = product_id {
            write_array(message.member("product_ids"), [product], write_string);
        }
        message.end();
    }
}

/// A request was refused, or is worth a remark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert<'a> {
    /// There is no such product.
    InvalidProduct(&'a str),
    /// There is no such feed.
    InvalidFeed,
    /// Key, challenge or signature are missing or wrong; which of them is not told.
    NotAuthenticated,
    /// The feed was held before; a fresh snapshot follows.
    AlreadySubscribed,
    /// There is nothing to leave.
    NotSubscribed,
    /// JSON that is no message of a client's.
    BadMessage,
    /// A request with a part missing or of the wrong kind.
    BadRequest,
    /// Too many requests in a second; this one was dropped.
    RateLimited,
    /// The exchange does not run now.
    Unavailable,
}

impl Alert<'_> {
    /// Appends the alert.
    pub fn write(self, out: &mut Vec<u8>) {
        let named;
        let text = match self {
            Self::InvalidProduct(product) => {
                named = format!("Couldn't subscribe to invalid product `{product}`");
                &named
            }
            Self::InvalidFeed => "Couldn't subscribe to invalid feed",
            Self::NotAuthenticated => "Failed to subscribe to authenticated feed",
            Self::AlreadySubscribed => "Already subscribed to feed, re-requesting",
            Self::NotSubscribed => "Not subscribed to feed",
            Self::BadMessage => "Bad websocket message",
            Self::BadRequest => "Bad request",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "Trading engine unavailable",
        };
        write_message(out, "alert", text);
    }
}

/// Appends the answer to text that is no JSON: the only use of an error, since one client closes over any.
pub(super) fn write_json_error(out: &mut Vec<u8>) {
    write_message(out, "error", "Json Error");
}

fn write_message(out: &mut Vec<u8>, event: &str, text: &str) {
    let mut message = Object::new(out);
    message.string("event", event);
    message.string("message", text);
    message.end();
}

/// Appends a heartbeat.
pub fn write_heartbeat(out: &mut Vec<u8>, time: Timestamp) {
    let mut message = Object::new(out);
    message.string("feed", Feed::Heartbeat.as_str());
    message.epoch_millis("time", time);
    message.end();
}
