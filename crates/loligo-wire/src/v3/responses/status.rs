//! The answer of `/orders/status`, the hottest read of the exchange.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::{write_array, write_bool, write_opt_decimal, write_opt_string, write_string, write_uuid};
use crate::time::Timestamp;
use crate::v3::words::{
    DeviationUnit, OrderError, OrderKind, OrderStatus, OrderUpdateReason, Side, TriggerSide, TriggerSignal,
};

/// One order record, with its state.
#[derive(Clone, Copy, Debug)]
pub struct OrderStatusDetails<'a> {
    /// The order.
    pub order: CachedOrder<'a>,
    /// Its state.
    pub status: OrderStatus,
    /// Why it last changed; none for a refused order whose refusal has no reason word.
    pub update_reason: Option<OrderUpdateReason>,
    /// The check that killed it, or that refused the last edit or cancel aimed at it.
    pub error: Option<OrderError>,
}

/// The order of a record.
#[derive(Clone, Copy, Debug)]
pub struct CachedOrder<'a> {
    /// An order of the book, or a trigger.
    pub kind: OrderKind,
    /// The exchange's id.
    pub order_id: Uuid,
    /// The client's own id.
    pub cli_ord_id: Option<&'a str>,
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The side.
    pub side: Side,
    /// The total size, as last edited; none if what was asked for is no size of this market.
    pub quantity: Option<Decimal>,
    /// What of it has been filled.
    pub filled: Decimal,
    /// The limit price; none for a trigger that becomes a market order.
    pub limit_price: Option<Decimal>,
    /// Whether the order may only shrink a position.
    pub reduce_only: bool,
    /// When it was placed.
    pub timestamp: Timestamp,
    /// When it last changed.
    pub last_update_timestamp: Timestamp,
    /// What the `algoId` header of its request said.
    pub algo_id: Option<&'a str>,
    /// The condition of a trigger; fired ones keep it.
    pub price_trigger_options: Option<TriggerOptions>,
    /// When the trigger fired.
    pub trigger_time: Option<Timestamp>,
}

/// The condition of a trigger.
#[derive(Clone, Copy, Debug)]
pub struct TriggerOptions {
    /// The price at which it fires.
    pub trigger_price: Decimal,
    /// On which side of that price the signal must arrive.
    pub trigger_side: TriggerSide,
    /// The price it watches.
    pub trigger_signal: TriggerSignal,
    /// How a trailing stop follows its signal.
    pub trailing_stop: Option<TrailingStopOptions>,
}

/// How a trailing stop follows its signal.
#[derive(Clone, Copy, Debug)]
pub struct TrailingStopOptions {
    /// The distance.
    pub max_deviation: Decimal,
    /// Its unit.
    pub unit: DeviationUnit,
}

/// Appends the whole answer: the records, in the order given.
pub fn write_orders_status<'a>(
    out: &mut Vec<u8>,
    orders: impl IntoIterator<Item = OrderStatusDetails<'a>>,
    server_time: Timestamp,
) {
    // The shape is written out as literals: named members would double the work of the hottest read.
    out.extend_from_slice(br#"{"result":"success","serverTime":""#);
    server_time.write_millis(out);
    out.extend_from_slice(br#"","orders":"#);
    write_array(out, orders, |out, order| write_details(out, &order));
    out.push(b'}');
}

fn write_details(out: &mut Vec<u8>, details: &OrderStatusDetails<'_>) {
    let OrderStatusDetails { order, status, update_reason, error } = *details;
    let CachedOrder {
        kind,
        order_id,
        cli_ord_id,
        symbol,
        side,
        quantity,
        filled,
        limit_price,
        reduce_only,
        timestamp,
        last_update_timestamp,
        algo_id,
        price_trigger_options,
        trigger_time,
    } = order;
    out.reserve(768);
    out.extend_from_slice(br#"{"order":{"type":""#);
    out.extend_from_slice(kind.as_str().as_bytes());
    out.extend_from_slice(br#"","orderId":"#);
    write_uuid(out, order_id);
    out.extend_from_slice(br#","cliOrdId":"#);
    write_opt_string(out, cli_ord_id);
    out.extend_from_slice(br#","symbol":"#);
    write_string(out, symbol);
    out.extend_from_slice(br#","side":""#);
    out.extend_from_slice(side.as_str().as_bytes());
    out.extend_from_slice(br#"","quantity":"#);
    write_opt_decimal(out, quantity);
    out.extend_from_slice(br#","filled":"#);
    filled.write(out);
    out.extend_from_slice(br#","limitPrice":"#);
    write_opt_decimal(out, limit_price);
    out.extend_from_slice(br#","reduceOnly":"#);
    write_bool(out, reduce_only);
    out.extend_from_slice(br#","timestamp":""#);
    timestamp.write_millis(out);
    out.extend_from_slice(br#"","lastUpdateTimestamp":""#);
    last_update_timestamp.write_millis(out);
    out.extend_from_slice(br#"","algoId":"#);
    write_opt_string(out, algo_id);
    out.extend_from_slice(br#","priceTriggerOptions":"#);
    write_trigger_options(out, price_trigger_options);
    out.extend_from_slice(br#","triggerTime":"#);
    match trigger_time {
        Some(time) => crate::json::write_time(out, time),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(br#"},"status":""#);
    out.extend_from_slice(status.as_str().as_bytes());
    out.extend_from_slice(br#"","updateReason":"#);
    write_opt_string(out, update_reason.map(OrderUpdateReason::as_str));
    out.extend_from_slice(br#","error":"#);
    write_opt_string(out, error.map(OrderError::as_str));
    out.push(b'}');
}

fn write_trigger_options(out: &mut Vec<u8>, options: Option<TriggerOptions>) {
    let Some(options) = options else {
        out.extend_from_slice(b"null");
        return;
    };
    let TriggerOptions { trigger_price, trigger_side, trigger_signal, trailing_stop } = options;
    out.extend_from_slice(br#"{"triggerPrice":"#);
    trigger_price.write(out);
    out.extend_from_slice(br#","triggerSide":""#);
    out.extend_from_slice(trigger_side.status_word().as_bytes());
    out.extend_from_slice(br#"","triggerSignal":""#);
    out.extend_from_slice(trigger_signal.status_word().as_bytes());
    out.push(b'"');
    if let Some(TrailingStopOptions { max_deviation, unit }) = trailing_stop {
        out.extend_from_slice(br#","trailingStopOptions":{"maxDeviation":"#);
        max_deviation.write(out);
        out.extend_from_slice(br#","unit":""#);
        out.extend_from_slice(unit.as_str().as_bytes());
        out.extend_from_slice(br#""}"#);
    }
    out.push(b'}');
}
