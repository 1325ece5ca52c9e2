//! What happened in a market, without saying to whom.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::Object;
use crate::time::Timestamp;
use crate::v3::words::Side;

use super::executions::Trade;
use super::orders::{Amount, WriteOrder, write_kind};
use super::page::Event;
use super::words::OrderType;

/// An order as everybody may know it. As in [`super::Order`], `quantity` is what was open.
#[derive(Clone, Copy, Debug)]
pub struct PublicOrder<'a> {
    /// Its name.
    pub uid: Uuid,
    /// In which market, in upper case.
    pub tradeable: &'a str,
    /// Which way it trades.
    pub direction: Side,
    /// The size that was open.
    pub quantity: Amount<'a>,
    /// When it was placed.
    pub timestamp: Timestamp,
    /// Its limit.
    pub limit_price: Amount<'a>,
    /// How it trades.
    pub order_type: OrderType,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// When it had last changed.
    pub last_update_timestamp: Timestamp,
}

impl PublicOrder<'_> {
    pub(super) fn write_members(&self, object: &mut Object<'_>) {
        object.uuid("uid", self.uid);
        object.string("tradeable", self.tradeable);
        object.string("direction", self.direction.history_word());
        self.quantity.write(object.member("quantity"));
        object.epoch_millis("timestamp", self.timestamp);
        self.limit_price.write(object.member("limitPrice"));
        object.string("orderType", self.order_type.as_str());
        object.bool("reduceOnly", self.reduce_only);
        object.epoch_millis("lastUpdateTimestamp", self.last_update_timestamp);
    }
}

impl WriteOrder for PublicOrder<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        self.write_members(&mut object);
        object.end();
    }
}

/// A trade; the taker's side is that of the trade.
#[derive(Clone, Copy, Debug)]
pub struct PublicExecution<'a> {
    /// The order that rested, as it was just before.
    pub maker: PublicOrder<'a>,
    /// The order that came, as it was just before.
    pub taker: PublicOrder<'a>,
    /// What they came to.
    pub trade: Trade<PublicOrder<'a>>,
}

impl Event for PublicExecution<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        self.trade.write(out, "Execution", |execution| {
            self.maker.write(execution.member("makerOrder"));
            self.taker.write(execution.member("takerOrder"));
        });
    }
}

/// A market's mark price from now on.
#[derive(Clone, Copy, Debug)]
pub struct PublicPrice {
    /// The price.
    pub price: Decimal,
}

impl Event for PublicPrice {
    fn write(&self, out: &mut Vec<u8>) {
        write_kind(out, "MarkPriceChanged", |event| event.decimal_string("price", self.price));
    }
}
