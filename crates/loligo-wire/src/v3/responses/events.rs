//! Order events: what a request did to orders, told in the answer to it.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::{Object, write_bool, write_opt_decimal, write_opt_string, write_string, write_uuid};
use crate::time::Timestamp;
use crate::v3::words::{EventOrderType, OrderError, RejectReason, Side, TriggerSide, TriggerSignal};

/// An order at some moment.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The exchange's id.
    pub order_id: Uuid,
    /// The client's own id.
    pub cli_ord_id: Option<&'a str>,
    /// The type; a market order shows as `ioc` with its implied limit.
    pub order_type: EventOrderType,
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The side.
    pub side: Side,
    /// The total size.
    pub quantity: Decimal,
    /// What of it has been filled.
    pub filled: Decimal,
    /// The limit price.
    pub limit_price: Decimal,
    /// Whether the order may only shrink a position.
    pub reduce_only: bool,
    /// When it was placed.
    pub timestamp: Timestamp,
    /// When it last changed.
    pub last_update_timestamp: Timestamp,
    /// What the `algoId` header of its request said.
    pub algo_id: Option<&'a str>,
}

/// A trigger at some moment.
#[derive(Clone, Copy, Debug)]
pub struct OrderTrigger<'a> {
    /// The exchange's id.
    pub uid: Uuid,
    /// The client's own id.
    pub client_id: Option<&'a str>,
    /// The type of the order it becomes.
    pub order_type: EventOrderType,
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The side.
    pub side: Side,
    /// The size.
    pub quantity: Decimal,
    /// The limit price; none if it becomes a market order.
    pub limit_price: Option<Decimal>,
    /// The price at which it fires; none if it could not be computed.
    pub trigger_price: Option<Decimal>,
    /// On which side of that price the signal must arrive.
    pub trigger_side: TriggerSide,
    /// The price it watches.
    pub trigger_signal: TriggerSignal,
    /// Whether the order may only shrink a position.
    pub reduce_only: bool,
    /// When it was placed.
    pub timestamp: Timestamp,
    /// When it last changed.
    pub last_update_timestamp: Timestamp,
    /// What the `algoId` header of its request said.
    pub algo_id: Option<&'a str>,
}

/// Something that happened to an order.
#[derive(Clone, Copy, Debug)]
pub enum OrderEvent<'a> {
    /// PLACE: the order entered the book.
    Place {
        /// The order as placed.
        order: Order<'a>,
        /// What reduce-only cut off its size; none if it is not reduce-only.
        reduced_quantity: Option<Decimal>,
    },
    /// PLACE: the trigger waits.
    PlaceTrigger {
        /// The trigger as placed.
        trigger: OrderTrigger<'a>,
    },
    /// CANCEL: the order left the book.
    Cancel {
        /// The order as it was.
        order: Order<'a>,
    },
    /// CANCEL: the trigger waits no longer.
    CancelTrigger {
        /// The trigger as it was.
        trigger: OrderTrigger<'a>,
    },
    /// EDIT of an order.
    Edit {
        /// The order before.
        old: Order<'a>,
        /// The order after.
        new: Order<'a>,
        /// What reduce-only cut off its size; none if it is not reduce-only.
        reduced_quantity: Option<Decimal>,
    },
    /// EDIT of a trigger.
    EditTrigger {
        /// The trigger before.
        old: OrderTrigger<'a>,
        /// The trigger after.
        new: OrderTrigger<'a>,
    },
    /// REJECT: the order did not meet the book as its type demands. Other refusals of orders have no event.
    Reject {
        /// The order as it was sent.
        order: Order<'a>,
        /// What it demanded.
        reason: RejectReason,
    },
    /// REJECT: the trigger failed a check.
    RejectTrigger {
        /// The trigger as it was sent.
        trigger: OrderTrigger<'a>,
        /// The check.
        reason: OrderError,
    },
    /// EXECUTION: the order traded.
    Execution {
        /// The id of the trade, which its fill has too.
        execution_id: Uuid,
        /// The price of the trade.
        price: Decimal,
        /// The size of the trade.
        amount: Decimal,
        /// The order before the edit that made it trade, if one did.
        order_prior_edit: Option<Order<'a>>,
        /// The order just before the trade.
        order_prior_execution: Order<'a>,
        /// What reduce-only cut off the taker; none if it is not reduce-only.
        taker_reduced_quantity: Option<Decimal>,
    },
}

impl OrderEvent<'_> {
    /// Appends the event.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut event = Object::new(out);
        match self {
            Self::Place { order, reduced_quantity } => {
                event.string("type", "PLACE");
                order.write(event.member("order"));
                event.opt_decimal("reducedQuantity", *reduced_quantity);
            }
            Self::PlaceTrigger { trigger } => {
                event.string("type", "PLACE");
                trigger.write(event.member("orderTrigger"));
            }
            Self::Cancel { order } => {
                event.string("type", "CANCEL");
                event.uuid("uid", order.order_id);
                order.write(event.member("order"));
            }
            Self::CancelTrigger { trigger } => {
                event.string("type", "CANCEL");
                event.uuid("uid", trigger.uid);
                trigger.write(event.member("orderTrigger"));
            }
            Self::Edit { old, new, reduced_quantity } => {
                event.string("type", "EDIT");
                old.write(event.member("old"));
                new.write(event.member("new"));
                event.opt_decimal("reducedQuantity", *reduced_quantity);
            }
            Self::EditTrigger { old, new } => {
                event.string("type", "EDIT");
                old.write(event.member("old"));
                new.write(event.member("new"));
                // A waiting trigger is never cut: reduce-only is judged when it fires.
                event.opt_decimal("reducedQuantity", None);
            }
            Self::Reject { order, reason } => {
                event.string("type", "REJECT");
                event.uuid("uid", order.order_id);
                order.write(event.member("order"));
                event.string("reason", reason.as_str());
            }
            Self::RejectTrigger { trigger, reason } => {
                event.string("type", "REJECT");
                event.uuid("uid", trigger.uid);
                trigger.write(event.member("orderTrigger"));
                event.string("reason", reason.as_str());
            }
            Self::Execution {
                execution_id,
                price,
                amount,
                order_prior_edit,
                order_prior_execution,
                taker_reduced_quantity,
            } => {
                event.string("type", "EXECUTION");
                event.uuid("executionId", *execution_id);
                event.decimal("price", *price);
                event.decimal("amount", *amount);
                let out = event.member("orderPriorEdit");
                match order_prior_edit {
                    Some(order) => order.write(out),
                    None => out.extend_from_slice(b"null"),
                }
                order_prior_execution.write(event.member("orderPriorExecution"));
                event.opt_decimal("takerReducedQuantity", *taker_reduced_quantity);
            }
        }
        event.end();
    }
}

impl Order<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            order_id,
            cli_ord_id,
            order_type,
            symbol,
            side,
            quantity,
            filled,
            limit_price,
            reduce_only,
            timestamp,
            last_update_timestamp,
            algo_id,
        } = *self;
        // Written out as literals: every accepted order is answered with one of these.
        out.reserve(512);
        out.extend_from_slice(br#"{"orderId":"#);
        write_uuid(out, order_id);
        out.extend_from_slice(br#","cliOrdId":"#);
        write_opt_string(out, cli_ord_id);
        out.extend_from_slice(br#","type":""#);
        out.extend_from_slice(order_type.as_str().as_bytes());
        out.extend_from_slice(br#"","symbol":"#);
        write_string(out, symbol);
        out.extend_from_slice(br#","side":""#);
        out.extend_from_slice(side.as_str().as_bytes());
        out.extend_from_slice(br#"","quantity":"#);
        quantity.write(out);
        out.extend_from_slice(br#","filled":"#);
        filled.write(out);
        out.extend_from_slice(br#","limitPrice":"#);
        limit_price.write(out);
        out.extend_from_slice(br#","reduceOnly":"#);
        write_bool(out, reduce_only);
        out.extend_from_slice(br#","timestamp":""#);
        timestamp.write_millis(out);
        out.extend_from_slice(br#"","lastUpdateTimestamp":""#);
        last_update_timestamp.write_millis(out);
        out.extend_from_slice(br#"","algoId":"#);
        write_opt_string(out, algo_id);
        out.push(b'}');
    }
}

impl OrderTrigger<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            uid,
            client_id,
            order_type,
            symbol,
            side,
            quantity,
            limit_price,
            trigger_price,
            trigger_side,
            trigger_signal,
            reduce_only,
            timestamp,
            last_update_timestamp,
            algo_id,
        } = *self;
        let mut trigger = Object::new(out);
        trigger.uuid("uid", uid);
        trigger.opt_string("clientId", client_id);
        trigger.string("type", order_type.as_str());
        trigger.string("symbol", symbol);
        trigger.string("side", side.as_str());
        trigger.decimal("quantity", quantity);
        write_opt_decimal(trigger.member("limitPrice"), limit_price);
        write_opt_decimal(trigger.member("triggerPrice"), trigger_price);
        trigger.string("triggerSide", trigger_side.event_word());
        trigger.string("triggerSignal", trigger_signal.event_word());
        trigger.bool("reduceOnly", reduce_only);
        trigger.time("timestamp", timestamp);
        trigger.time("lastUpdateTimestamp", last_update_timestamp);
        // Delayed triggers do not exist here.
        trigger.opt_string("startTime", None);
        trigger.opt_string("algoId", algo_id);
        trigger.end();
    }
}
