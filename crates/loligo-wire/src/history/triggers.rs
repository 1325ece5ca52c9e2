//! What happened to an account's stops, take-profits and trailing stops.

use uuid::Uuid;

use crate::json::Object;
use crate::time::Timestamp;
use crate::v3::words::{DeviationUnit, OrderError, OrderUpdateReason, Side, TriggerSide, TriggerSignal};

use super::orders::{Amount, write_error, write_kind, write_reason};
use super::page::Event;
use super::words::OrderType;

/// A distance from a price.
#[derive(Clone, Copy, Debug)]
pub struct Distance<'a> {
    /// How far.
    pub value: Amount<'a>,
    /// In what.
    pub unit: DeviationUnit,
}

/// A trigger at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Trigger<'a> {
    /// Its name, which the order keeps that it becomes.
    pub uid: Uuid,
    /// Whose, by number.
    pub account_id: u64,
    /// Whose.
    pub account_uid: Uuid,
    /// In which market, in upper case.
    pub tradeable: &'a str,
    /// Which way the order trades that it becomes.
    pub direction: Side,
    /// Its size.
    pub quantity: Amount<'a>,
    /// When it was placed.
    pub timestamp: Timestamp,
    /// The limit of the order that it becomes, if that is known.
    pub limit_price: Option<Amount<'a>>,
    /// The type of the order that it becomes.
    pub order_type: OrderType,
    /// The client's own name for it.
    pub client_id: Option<&'a str>,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// When it had last changed.
    pub last_update_timestamp: Timestamp,
    /// Where it fires.
    pub trigger_price: Amount<'a>,
    /// Which price it watches.
    pub trigger_signal: TriggerSignal,
    /// From which side that comes.
    pub trigger_side: TriggerSide,
    /// How far behind its signal it trails, if it does.
    pub trailing_stop: Option<Distance<'a>>,
    /// How far the limit is from the trigger price, if it is relative.
    pub limit_price_offset: Option<Distance<'a>>,
}

impl Trigger<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.uuid("uid", self.uid);
        object.int("accountId", self.account_id);
        object.uuid("accountUid", self.account_uid);
        object.string("tradeable", self.tradeable);
        object.string("direction", self.direction.history_word());
        self.quantity.write(object.member("quantity"));
        object.epoch_millis("timestamp", self.timestamp);
        match self.limit_price {
            Some(price) => price.write(object.member("limitPrice")),
            None => object.string("limitPrice", ""),
        }
        object.string("orderType", self.order_type.as_str());
        object.string("clientId", self.client_id.unwrap_or_default());
        object.bool("reduceOnly", self.reduce_only);
        object.epoch_millis("lastUpdateTimestamp", self.last_update_timestamp);
        self.write_options(object.member("triggerOptions"));
        object.end();
    }

    fn write_options(&self, out: &mut Vec<u8>) {
        let mut options = Object::new(out);
        self.trigger_price.write(options.member("triggerPrice"));
        options.string("triggerSignal", self.trigger_signal.history_word());
        options.string("triggerSide", self.trigger_side.history_word());
        for (name, value, distance) in [
            ("trailingStopOptions", "maxDeviation", self.trailing_stop),
            ("limitPriceOffset", "priceOffset", self.limit_price_offset),
        ] {
            match distance {
                Some(distance) => {
                    let mut object = Object::new(options.member(name));
                    distance.value.write(object.member(value));
                    object.string("unit", distance.unit.history_word());
                    object.end();
                }
                None => options.null(name),
            }
        }
        options.end();
    }
}

/// What happened to a trigger.
#[derive(Clone, Copy, Debug)]
pub enum TriggerEvent<'a> {
    /// It was placed.
    Placed {
        /// As it was then.
        order: Trigger<'a>,
        /// Why.
        reason: OrderUpdateReason,
    },
    /// It was taken out before it fired.
    Cancelled {
        /// As it was then.
        order: Trigger<'a>,
        /// Why.
        reason: OrderUpdateReason,
    },
    /// It was edited, or followed its signal.
    Updated {
        /// Before.
        old: Trigger<'a>,
        /// After.
        new: Trigger<'a>,
        /// Why.
        reason: OrderUpdateReason,
    },
    /// It fired; what became of the order is told among orders.
    Activated {
        /// As it was then.
        order: Trigger<'a>,
    },
    /// An edit was refused.
    EditRejected {
        /// As it stays.
        old: Trigger<'a>,
        /// As it was to be.
        attempted: Trigger<'a>,
        /// Why; most checks have no word of their own.
        reason: Option<OrderUpdateReason>,
        /// The check that refused it.
        error: Option<OrderError>,
    },
}

impl Event for TriggerEvent<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Placed { order, reason } => write_kind(out, "OrderTriggerPlaced", |event| {
                order.write(event.member("order"));
                write_reason(event, Some(*reason));
            }),
            Self::Cancelled { order, reason } => write_kind(out, "OrderTriggerCancelled", |event| {
                order.write(event.member("order"));
                write_reason(event, Some(*reason));
            }),
            Self::Updated { old, new, reason } => write_kind(out, "OrderTriggerUpdated", |event| {
                old.write(event.member("oldOrderTrigger"));
                new.write(event.member("newOrderTrigger"));
                write_reason(event, Some(*reason));
            }),
            Self::Activated { order } => write_kind(out, "OrderTriggerActivated", |event| {
                order.write(event.member("order"));
            }),
            Self::EditRejected { old, attempted, reason, error } => {
                write_kind(out, "OrderTriggerEditRejected", |event| {
                    attempted.write(event.member("attemptedOrderTrigger"));
                    old.write(event.member("oldOrderTrigger"));
                    write_reason(event, *reason);
                    write_error(event, *error);
                });
            }
        }
    }
}
