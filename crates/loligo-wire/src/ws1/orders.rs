//! The feeds of open orders, the plain one and the verbose one.

use uuid::Uuid;

use super::words::{Feed, OpenOrderType, unit};
use crate::decimal::Decimal;
use crate::json::{Object, write_array};
use crate::time::Timestamp;
use crate::words::{DeviationUnit, Side, TriggerSignal};

/// Which of the two feeds a message is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrdersFeed {
    /// `open_orders`
    Plain,
    /// `open_orders_verbose`, which tells refused post-only orders in full.
    Verbose,
}

impl OrdersFeed {
    /// The feed.
    #[must_use]
    pub const fn feed(self) -> Feed {
        match self {
            Self::Plain => Feed::OpenOrders,
            Self::Verbose => Feed::OpenOrdersVerbose,
        }
    }

    const fn snapshot_word(self) -> &'static str {
        match self {
            Self::Plain => "open_orders_snapshot",
            Self::Verbose => "open_orders_verbose_snapshot",
        }
    }
}

/// An order as it is now.
#[derive(Clone, Copy, Debug)]
pub struct OpenOrder<'a> {
    /// Its market.
    pub instrument: &'a str,
    /// When it was placed.
    pub time: Timestamp,
    /// When it last changed.
    pub last_update_time: Timestamp,
    /// What is still open of it. Elsewhere in the dialect the quantity of an order is its total size.
    pub qty: Decimal,
    /// What was filled.
    pub filled: Decimal,
    /// Its limit, if it has one.
    pub limit_price: Option<Decimal>,
    /// Its trigger price; zero when it has none.
    pub stop_price: Decimal,
    /// What it is.
    pub order_type: OpenOrderType,
    /// Its id.
    pub order_id: Uuid,
    /// The client's own id of it.
    pub cli_ord_id: Option<&'a str>,
    /// Its side.
    pub side: Side,
    /// Whether it only shrinks a position.
    pub reduce_only: bool,
    /// The price that a trigger watches.
    pub trigger_signal: Option<TriggerSignal>,
    /// How a trailing stop trails.
    pub trailing_stop_options: Option<TrailingStopOptions>,
}

/// How far a trailing stop stays behind its signal.
#[derive(Clone, Copy, Debug)]
pub struct TrailingStopOptions {
    /// The distance.
    pub max_deviation: Decimal,
    /// The unit of the distance.
    pub unit: DeviationUnit,
}

impl OpenOrder<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            instrument,
            time,
            last_update_time,
            qty,
            filled,
            limit_price,
            stop_price,
            order_type,
            order_id,
            cli_ord_id,
            side,
            reduce_only,
            trigger_signal,
            trailing_stop_options,
        } = *self;
        let mut order = Object::new(out);
        order.string("instrument", instrument);
        order.epoch_millis("time", time);
        order.epoch_millis("last_update_time", last_update_time);
        order.decimal("qty", qty);
        order.decimal("filled", filled);
        order.decimal_if_some("limit_price", limit_price);
        order.decimal("stop_price", stop_price);
        order.string("type", order_type.as_str());
        order.uuid("order_id", order_id);
        order.string_if_some("cli_ord_id", cli_ord_id);
        let direction = match side {
            Side::Buy => 0,
            Side::Sell => 1,
        };
        order.int("direction", direction);
        order.bool("reduce_only", reduce_only);
        order.string_if_some("triggerSignal", trigger_signal.and_then(TriggerSignal::feed_word));
        if let Some(TrailingStopOptions { max_deviation, unit: of }) = trailing_stop_options {
            let mut object = Object::new(order.member("trailing_stop_options"));
            object.decimal("max_deviation", max_deviation);
            object.string("unit", unit(of));
            object.end();
        }
        order.end();
    }
}

/// Appends all open orders of an account.
pub fn write_open_orders_snapshot<'a>(
    out: &mut Vec<u8>,
    feed: OrdersFeed,
    account: Uuid,
    orders: impl IntoIterator<Item = OpenOrder<'a>>,
) {
    let mut message = Object::new(out);
    message.string("feed", feed.snapshot_word());
    message.uuid("account", account);
    write_array(message.member("orders"), orders, |out, order| order.write(out));
    message.end();
}

/// An order that is new or has changed, told in full.
#[derive(Clone, Copy, Debug)]
pub struct OrderUpdate<'a> {
    /// On which feed.
    pub feed: OrdersFeed,
    /// The order.
    pub order: OpenOrder<'a>,
    /// Whether it is not open any more.
    pub is_cancel: bool,
    /// Why, as [`crate::words::OrderUpdateReason::ws_word`] spells it.
    pub reason: &'a str,
}

impl OrderUpdate<'_> {
    /// Appends the message.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { feed, order, is_cancel, reason } = *self;
        let mut message = Object::new(out);
        message.string("feed", feed.feed().as_str());
        order.write(message.member("order"));
        message.bool("is_cancel", is_cancel);
        message.string("reason", reason);
        message.end();
    }
}

/// An order that is not open any more, by its ids alone. Clients know a removal by the missing order.
#[derive(Clone, Copy, Debug)]
pub struct OrderRemoval<'a> {
    /// On which feed.
    pub feed: OrdersFeed,
    /// The order's id.
    pub order_id: Uuid,
    /// The client's own id of it.
    pub cli_ord_id: Option<&'a str>,
    /// Why, as [`crate::words::OrderUpdateReason::ws_word`] spells it.
    pub reason: &'a str,
}

impl OrderRemoval<'_> {
    /// Appends the message.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { feed, order_id, cli_ord_id, reason } = *self;
        let mut message = Object::new(out);
        message.string("feed", feed.feed().as_str());
        message.uuid("order_id", order_id);
        message.string_if_some("cli_ord_id", cli_ord_id);
        message.bool("is_cancel", true);
        message.string("reason", reason);
        message.end();
    }
}
