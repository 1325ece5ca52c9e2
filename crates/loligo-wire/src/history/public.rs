//! What happened in a market, without saying to whom.

use uuid::Uuid;

use crate::decimal::{Decimal, write_padded};
use crate::json::Object;
use crate::time::Timestamp;
use crate::v3::words::{OrderError, OrderUpdateReason, Side};

use super::orders::{Amount, write_error, write_kind, write_or_empty, write_reason};
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

    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        self.write_members(&mut object);
        object.end();
    }
}

/// What happened to an order of a market.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "made to be written at once, one at a time")]
pub enum PublicOrderEvent<'a> {
    /// It was placed.
    Placed {
        /// As it was then.
        order: PublicOrder<'a>,
        /// Why.
        reason: OrderUpdateReason,
    },
    /// It was edited, filled or cut.
    Updated {
        /// Before.
        old: PublicOrder<'a>,
        /// After.
        new: PublicOrder<'a>,
        /// Why.
        reason: OrderUpdateReason,
        /// What was cut from its size.
        reduced: Option<Decimal>,
    },
    /// It was taken out.
    Cancelled {
        /// As it was then.
        order: PublicOrder<'a>,
        /// Why.
        reason: OrderUpdateReason,
    },
    /// It was refused.
    Rejected {
        /// As it was asked for.
        order: PublicOrder<'a>,
        /// The check that refused it.
        error: Option<OrderError>,
        /// Why.
        reason: Option<OrderUpdateReason>,
    },
}

impl Event for PublicOrderEvent<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Placed { order, reason } => write_kind(out, "OrderPlaced", |event| {
                order.write(event.member("order"));
                write_reason(event, Some(*reason));
                event.string("reducedQuantity", "");
            }),
            Self::Updated { old, new, reason, reduced } => write_kind(out, "OrderUpdated", |event| {
                old.write(event.member("oldOrder"));
                new.write(event.member("newOrder"));
                write_reason(event, Some(*reason));
                write_or_empty(event, "reducedQuantity", *reduced);
            }),
            Self::Cancelled { order, reason } => write_kind(out, "OrderCancelled", |event| {
                order.write(event.member("order"));
                write_reason(event, Some(*reason));
            }),
            Self::Rejected { order, error, reason } => write_kind(out, "OrderRejected", |event| {
                order.write(event.member("order"));
                write_error(event, *error);
                write_reason(event, *reason);
            }),
        }
    }
}

/// A trade; the taker's side is that of the trade.
#[derive(Clone, Copy, Debug)]
pub struct PublicExecution<'a> {
    /// Its name, which is that of both sides' fills.
    pub uid: Uuid,
    /// The order that rested, as it was just before.
    pub maker: PublicOrder<'a>,
    /// The order that came, as it was just before.
    pub taker: PublicOrder<'a>,
    /// When.
    pub timestamp: Timestamp,
    /// How much.
    pub quantity: Decimal,
    /// At which price.
    pub price: Decimal,
    /// The mark price then.
    pub mark_price: Decimal,
    /// Whether it completed the order that rested.
    pub limit_filled: bool,
    /// The order that came as it was before the edit that brought it.
    pub old_taker: Option<PublicOrder<'a>>,
    /// What it was worth, in USD.
    pub usd_value: Decimal,
    /// What was cut from the order that came.
    pub taker_reduced: Option<Decimal>,
}

impl Event for PublicExecution<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        write_kind(out, "Execution", |event| {
            let mut object = Object::new(event.member("execution"));
            object.uuid("uid", self.uid);
            self.maker.write(object.member("makerOrder"));
            self.taker.write(object.member("takerOrder"));
            object.epoch_millis("timestamp", self.timestamp);
            object.decimal_string("quantity", self.quantity);
            object.decimal_string("price", self.price);
            object.decimal_string("markPrice", self.mark_price);
            object.bool("limitFilled", self.limit_filled);
            if let Some(old) = &self.old_taker {
                old.write(object.member("oldTakerOrder"));
            }
            write_cents(&mut object, "usdValue", self.usd_value);
            object.end();
            write_or_empty(event, "takerReducedQuantity", self.taker_reduced);
        });
    }
}

/// Writes a value as a string with at least two places.
pub(super) fn write_cents(object: &mut Object<'_>, name: &str, value: Decimal) {
    let out = object.member(name);
    out.push(b'"');
    write_padded(out, value, 2);
    out.push(b'"');
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
