//! Answers to requests that place, amend and cancel orders, and the list of open ones.

use uuid::Uuid;

use super::OrderEvent;
use crate::decimal::Decimal;
use crate::json::{Object, write_array, write_success};
use crate::time::Timestamp;
use crate::v3::words::{
    CancelAllStatus, CancelStatus, EditStatus, OpenOrderStatus, OpenOrderType, SendStatus, Side,
    TriggerSignal,
};

/// The answer of `/sendorder`.
#[derive(Clone, Copy, Debug)]
pub struct SendOrder<'a> {
    /// How the order was taken.
    pub status: SendStatus,
    /// Its id. Plain refusals have none.
    pub order_id: Option<Uuid>,
    /// The client's own id, echoed.
    pub cli_ord_id: Option<&'a str>,
    /// When the request was taken up.
    pub received_time: Timestamp,
    /// What happened; nothing on plain refusals.
    pub order_events: &'a [OrderEvent<'a>],
}

impl SendOrder<'_> {
    /// Appends the whole answer.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { status: word, order_id, cli_ord_id, received_time, order_events } = *self;
        write_success(out, server_time, |answer| {
            let mut status = Object::new(answer.member("sendStatus"));
            status.uuid_if_some("order_id", order_id);
            status.string_if_some("cliOrdId", cli_ord_id);
            status.string("status", word.as_str());
            status.time("receivedTime", received_time);
            write_events(status.member("orderEvents"), order_events);
            status.end();
        });
    }
}

/// The answer of `/editorder`.
#[derive(Clone, Copy, Debug)]
pub struct EditOrder<'a> {
    /// How the edit was taken.
    pub status: EditStatus,
    /// The id of the order; none if there is no such order.
    pub order_id: Option<Uuid>,
    /// Text that was asked for as an order's id and can be none: it goes back as it came.
    pub no_order_id: Option<&'a str>,
    /// The client's own id.
    pub cli_ord_id: Option<&'a str>,
    /// When the request was taken up.
    pub received_time: Timestamp,
    /// What happened.
    pub order_events: &'a [OrderEvent<'a>],
}

impl EditOrder<'_> {
    /// Appends the whole answer. This one spells the id `orderId`.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { status: word, order_id, no_order_id, cli_ord_id, received_time, order_events } = *self;
        write_success(out, server_time, |answer| {
            let mut status = Object::new(answer.member("editStatus"));
            status.string("status", word.as_str());
            status.uuid_if_some("orderId", order_id);
            status.string_if_some("orderId", no_order_id.filter(|_| order_id.is_none()));
            status.string_if_some("cliOrdId", cli_ord_id);
            status.time("receivedTime", received_time);
            write_events(status.member("orderEvents"), order_events);
            status.end();
        });
    }
}

/// The answer of `/cancelorder`.
#[derive(Clone, Copy, Debug)]
pub struct CancelOrder<'a> {
    /// How the cancel was taken.
    pub status: CancelStatus,
    /// The id of the order; none if there is no such order.
    pub order_id: Option<Uuid>,
    /// The client's own id.
    pub cli_ord_id: Option<&'a str>,
    /// When the request was taken up.
    pub received_time: Timestamp,
    /// What happened.
    pub order_events: &'a [OrderEvent<'a>],
}

impl CancelOrder<'_> {
    /// Appends the whole answer.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { status: word, order_id, cli_ord_id, received_time, order_events } = *self;
        write_success(out, server_time, |answer| {
            let mut status = Object::new(answer.member("cancelStatus"));
            status.string("status", word.as_str());
            status.uuid_if_some("order_id", order_id);
            status.string_if_some("cliOrdId", cli_ord_id);
            status.time("receivedTime", received_time);
            write_events(status.member("orderEvents"), order_events);
            status.end();
        });
    }
}

/// An order that a cancel of many took.
#[derive(Clone, Copy, Debug)]
pub struct CancelledOrder<'a> {
    /// The exchange's id.
    pub order_id: Uuid,
    /// The client's own id.
    pub cli_ord_id: Option<&'a str>,
}

/// The answer of `/cancelallorders`.
#[derive(Clone, Copy, Debug)]
pub struct CancelAllOrders<'a> {
    /// The market that was named; all when none was.
    pub symbol: Option<&'a str>,
    /// What was cancelled; the status follows from it.
    pub cancelled_orders: &'a [CancelledOrder<'a>],
    /// When the request was taken up.
    pub received_time: Timestamp,
    /// What happened: a CANCEL for each.
    pub order_events: &'a [OrderEvent<'a>],
}

impl CancelAllOrders<'_> {
    /// Appends the whole answer.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { symbol, cancelled_orders, received_time, order_events } = *self;
        write_success(out, server_time, |answer| {
            let mut status = Object::new(answer.member("cancelStatus"));
            let word = if cancelled_orders.is_empty() {
                CancelAllStatus::NoOrdersToCancel
            } else {
                CancelAllStatus::Cancelled
            };
            status.time("receivedTime", received_time);
            status.string("cancelOnly", symbol.unwrap_or("all"));
            status.string("status", word.as_str());
            write_array(status.member("cancelledOrders"), cancelled_orders, |out, order| {
                let CancelledOrder { order_id, cli_ord_id } = *order;
                let mut element = Object::new(out);
                element.uuid("order_id", order_id);
                element.string_if_some("cliOrdId", cli_ord_id);
                element.end();
            });
            write_events(status.member("orderEvents"), order_events);
            status.end();
        });
    }
}

/// Appends the whole answer of `/cancelallordersafter`; a switch that is off has no trigger time.
pub fn write_dead_mans_switch(out: &mut Vec<u8>, trigger_time: Option<Timestamp>, server_time: Timestamp) {
    write_success(out, server_time, |answer| {
        let mut status = Object::new(answer.member("status"));
        status.time("currentTime", server_time);
        match trigger_time {
            Some(time) => status.time("triggerTime", time),
            None => status.string("triggerTime", "0"),
        }
        status.end();
    });
}

/// How one instruction of a batch was taken.
#[derive(Clone, Copy, Debug)]
pub struct BatchResult<'a> {
    /// How it was taken. What an edit or a cancel says is in this list too, by conversion.
    pub status: SendStatus,
    /// The tag of a send, echoed.
    pub order_tag: Option<&'a str>,
    /// The id of the order. Plain refusals have none.
    pub order_id: Option<Uuid>,
    /// Text that was asked for as an order's id and can be none: it goes back as it came.
    pub no_order_id: Option<&'a str>,
    /// The client's own id.
    pub cli_ord_id: Option<&'a str>,
    /// When the request was taken up.
    pub received_time: Timestamp,
    /// What happened.
    pub order_events: &'a [OrderEvent<'a>],
}

/// Appends the whole answer of `/batchorder`: one result an instruction, in their order.
pub fn write_batch_status<'a>(
    out: &mut Vec<u8>,
    results: impl IntoIterator<Item = BatchResult<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("batchStatus"), results, |out, result| {
            let BatchResult {
                status,
                order_tag,
                order_id,
                no_order_id,
                cli_ord_id,
                received_time,
                order_events,
            } = result;
            let mut element = Object::new(out);
            element.string("status", status.as_str());
            element.string_if_some("order_tag", order_tag);
            element.uuid_if_some("order_id", order_id);
            element.string_if_some("order_id", no_order_id.filter(|_| order_id.is_none()));
            element.string_if_some("cliOrdId", cli_ord_id);
            element.time("dateTimeReceived", received_time);
            write_events(element.member("orderEvents"), order_events);
            element.end();
        });
    });
}

/// An order of `/openorders`: resting, or a waiting trigger.
#[derive(Clone, Copy, Debug)]
pub struct OpenOrder<'a> {
    /// The exchange's id.
    pub order_id: Uuid,
    /// The client's own id.
    pub cli_ord_id: Option<&'a str>,
    /// Whether it has traded.
    pub status: OpenOrderStatus,
    /// The side.
    pub side: Side,
    /// The type, in the few words that all clients can read.
    pub order_type: OpenOrderType,
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The limit price; none for a trigger that becomes a market order.
    pub limit_price: Option<Decimal>,
    /// The present trigger price.
    pub stop_price: Option<Decimal>,
    /// What has been filled.
    pub filled_size: Decimal,
    /// What is still open.
    pub unfilled_size: Decimal,
    /// Whether the order may only shrink a position.
    pub reduce_only: bool,
    /// The price that a trigger watches.
    pub trigger_signal: Option<TriggerSignal>,
    /// When it last changed.
    pub last_update_time: Timestamp,
    /// When it was placed.
    pub received_time: Timestamp,
    /// What the `algoId` header of its request said.
    pub algo_id: Option<&'a str>,
}

/// Appends the whole answer of `/openorders`.
pub fn write_open_orders<'a>(
    out: &mut Vec<u8>,
    orders: impl IntoIterator<Item = OpenOrder<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("openOrders"), orders, |out, order| {
            let OpenOrder {
                order_id,
                cli_ord_id,
                status,
                side,
                order_type,
                symbol,
                limit_price,
                stop_price,
                filled_size,
                unfilled_size,
                reduce_only,
                trigger_signal,
                last_update_time,
                received_time,
                algo_id,
            } = order;
            let mut element = Object::new(out);
            element.uuid("order_id", order_id);
            // One widespread client reads the snake case alone.
            element.string_if_some("cliOrdId", cli_ord_id);
            element.string_if_some("cli_ord_id", cli_ord_id);
            element.string("symbol", symbol);
            element.string("side", side.as_str());
            element.string("orderType", order_type.as_str());
            element.decimal_if_some("limitPrice", limit_price);
            element.decimal_if_some("stopPrice", stop_price);
            element.decimal("unfilledSize", unfilled_size);
            element.time("receivedTime", received_time);
            element.string("status", status.as_str());
            element.decimal("filledSize", filled_size);
            element.bool("reduceOnly", reduce_only);
            element.string_if_some("triggerSignal", trigger_signal.and_then(TriggerSignal::feed_word));
            element.time("lastUpdateTime", last_update_time);
            element.opt_string("algoId", algo_id);
            element.end();
        });
    });
}

fn write_events(out: &mut Vec<u8>, events: &[OrderEvent<'_>]) {
    write_array(out, events, |out, event| event.write(out));
}
