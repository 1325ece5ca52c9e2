//! The feed of price levels: a whole book, then each change of a level.

use super::words::Feed;
use crate::decimal::Decimal;
use crate::json::{Object, write_array};
use crate::time::Timestamp;
use crate::words::Side;

/// Appends a whole book. `seq` is the number of the last change in it; each side has the best level first, and no empty
/// one.
pub fn write_book_snapshot(
    out: &mut Vec<u8>,
    product_id: &str,
    timestamp: Timestamp,
    seq: u64,
    bids: impl IntoIterator<Item = (Decimal, Decimal)>,
    asks: impl IntoIterator<Item = (Decimal, Decimal)>,
) {
    let level = |out: &mut Vec<u8>, (price, qty): (Decimal, Decimal)| {
        let mut level = Object::new(out);
        level.decimal("price", price);
        level.decimal("qty", qty);
        level.end();
    };
    let mut message = Object::new(out);
    message.string("feed", "book_snapshot");
    message.string("product_id", product_id);
    message.epoch_millis("timestamp", timestamp);
    message.int("seq", seq);
    message.null("tickSize");
    write_array(message.member("bids"), bids, level);
    write_array(message.member("asks"), asks, level);
    message.end();
}

/// A changed level.
#[derive(Clone, Copy, Debug)]
pub struct BookUpdate<'a> {
    /// Of this product.
    pub product_id: &'a str,
    /// A bid or an ask.
    pub side: Side,
    /// The number of the change.
    pub seq: u64,
    /// At this price.
    pub price: Decimal,
    /// What is open there now; zero when the level is gone.
    pub qty: Decimal,
    /// When.
    pub timestamp: Timestamp,
}

impl BookUpdate<'_> {
    /// Appends the message.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { product_id, side, seq, price, qty, timestamp } = *self;
        let mut message = Object::new(out);
        message.string("feed", Feed::Book.as_str());
        message.string("product_id", product_id);
        message.string("side", side.as_str());
        message.int("seq", seq);
        message.decimal("price", price);
        message.decimal("qty", qty);
        message.epoch_millis("timestamp", timestamp);
        message.end();
    }
}
