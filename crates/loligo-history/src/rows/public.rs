//! Rows of markets, which are kept for a while. There are many: a live market trades seven times a second and moves fifty orders.

use crate::columns::{columns, packed};
use serde::{Deserialize, Serialize};

packed! {
    /// What everybody may know of an order in an event, beyond what stands in the event's columns.
    pub struct OrderDetails {
        /// How it trades.
        kind: u8,
        /// Only shrinks a position.
        reduce_only: bool,
        /// How long before the event it was placed, in milliseconds.
        placed_ago: u64,
        /// How long before the event it had last changed, in milliseconds.
        updated_ago: u64,
        /// The order before an update.
        old: Option<EarlierPublic>,
        /// What was cut from its size.
        reduced: Option<i64>,
    }
}

/// What an update changed of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierPublic {
    /// What was open.
    pub open: i64,
    /// Its limit, in ticks.
    pub price: i64,
    /// How long before the event it had last changed, in milliseconds.
    pub updated_ago: u64,
}

columns! {
    /// What happened to an order of a market.
    pub struct PublicOrderEvent {
        /// What: one of [`super::kinds`].
        kind: u8,
        /// Why.
        reason: Option<u8>,
        /// The check that refused it.
        error: Option<u8>,
        /// Its number.
        number: u64,
        /// It sells.
        sell: bool,
        /// What is open of it.
        open: i64,
        /// Its limit.
        price: i64,
        /// The rest, packed.
        details: OrderDetails,
    }
}

/// One side of a trade, as it was just before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideDetails {
    /// The order's number.
    pub number: u64,
    /// How it trades.
    pub kind: u8,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// What was open of it.
    pub open: i64,
    /// How long before the trade it was placed, in milliseconds.
    pub placed_ago: u64,
    /// How long before the trade it had last changed, in milliseconds.
    pub updated_ago: u64,
}

packed! {
    /// What everybody may know of the two orders of a trade. The one that rested had the trade's price for a limit.
    pub struct TradeDetails {
        /// The order that rested.
        maker: SideDetails,
        /// The order that came.
        taker: SideDetails,
        /// How much better than its limit the order that came was filled, in ticks.
        taker_improved: i64,
        /// The order that came, before the edit that brought it.
        old_taker: Option<EarlierPublic>,
        /// What was cut from it when it came.
        taker_reduced: Option<i64>,
    }
}

columns! {
    /// A trade.
    pub struct PublicExecution {
        /// Its number.
        number: u64,
        /// The order that came sold.
        sell: bool,
        /// How many lots.
        qty: i64,
        /// At which price.
        price: i64,
        /// What it was worth, in hundredths of a USD.
        usd_cents: i64,
        /// The mark price then: this, with so many digits behind the point.
        mark: i64,
        /// How many digits of the mark price stand behind the point.
        mark_scale: u8,
        /// The rest, packed.
        details: TradeDetails,
    }
}

columns! {
    /// A contract's mark price from then on.
    pub struct MarkPrice {
        /// The digits.
        mantissa: i64,
        /// How many of them stand behind the point.
        scale: u8,
    }
}
