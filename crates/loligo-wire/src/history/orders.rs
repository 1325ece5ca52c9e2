//! What happened to an account's orders.

use uuid::Uuid;

use crate::decimal::{Decimal, Number};
use crate::json::Object;
use crate::time::Timestamp;
use crate::v3::words::{OrderError, OrderUpdateReason, Side};

use super::page::Event;
use super::public::PublicOrder;
use super::words::OrderType;

/// A size or price as history tells it: of what was refused, as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount<'a> {
    /// A number that the market has.
    Exact(Decimal),
    /// What was sent instead of one.
    Written(&'a str),
    /// None was sent, or none that could be kept. It shows as zero, since the contract has a number there.
    Absent,
}

impl Amount<'_> {
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.push(b'"');
        match self {
            Self::Exact(decimal) => decimal.write(out),
            Self::Written(text) => match Number::parse(text.as_bytes()) {
                Ok(Number::Fits(decimal)) => decimal.write(out),
                // What no decimal holds is told as it was written, if it was written as the contract spells numbers.
                Ok(_) if is_spelled(text) => out.extend_from_slice(text.as_bytes()),
                Ok(_) | Err(_) => out.push(b'0'),
            },
            Self::Absent => out.push(b'0'),
        }
        out.push(b'"');
    }
}

/// Whether a number has digits on both sides of its point, and no plus before it.
fn is_spelled(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    !mantissa.starts_with('+')
        && !mantissa.trim_start_matches('-').starts_with('.')
        && !mantissa.ends_with('.')
}

impl From<Decimal> for Amount<'_> {
    fn from(decimal: Decimal) -> Self {
        Self::Exact(decimal)
    }
}

/// An order at one moment: `quantity` is what was open of it then.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Its name.
    pub uid: Uuid,
    /// Whose.
    pub account_uid: Uuid,
    /// In which market, in upper case.
    pub tradeable: &'a str,
    /// Which way it trades.
    pub direction: Side,
    /// The size that was open.
    pub quantity: Amount<'a>,
    /// What was filled.
    pub filled: Decimal,
    /// When it was placed.
    pub timestamp: Timestamp,
    /// Its limit, of a market order the one that the engine used.
    pub limit_price: Amount<'a>,
    /// How it trades.
    pub order_type: OrderType,
    /// The client's own name for it.
    pub client_id: Option<&'a str>,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// When it had last changed.
    pub last_update_timestamp: Timestamp,
}

impl<'a> Order<'a> {
    /// What everybody may know of it.
    #[must_use]
    pub const fn public(&self) -> PublicOrder<'a> {
        let Self { uid, tradeable, direction, quantity, timestamp, .. } = *self;
        let Self { limit_price, order_type, reduce_only, last_update_timestamp, .. } = *self;
        PublicOrder {
            uid,
            tradeable,
            direction,
            quantity,
            timestamp,
            limit_price,
            order_type,
            reduce_only,
            last_update_timestamp,
        }
    }
}

/// An order that a cancel named and nobody had open.
#[derive(Clone, Copy, Debug)]
pub enum NotFound<'a> {
    /// By the exchange's name.
    Uid(Uuid),
    /// By the client's name.
    ClientId(&'a str),
}

/// A step of the story of an order, as its owner or as everybody may know it.
#[derive(Clone, Copy, Debug)]
pub enum OrderStep<O> {
    /// It was placed.
    Placed {
        /// As it was then.
        order: O,
        /// Why.
        reason: OrderUpdateReason,
    },
    /// It was edited, filled or cut.
    Updated {
        /// Before.
        old: O,
        /// After.
        new: O,
        /// Why.
        reason: OrderUpdateReason,
        /// What was cut from its size.
        reduced: Option<Decimal>,
    },
    /// It was taken out.
    Cancelled {
        /// As it was then.
        order: O,
        /// Why.
        reason: OrderUpdateReason,
    },
    /// It was refused.
    Rejected {
        /// As it was asked for.
        order: O,
        /// The check that refused it; one has no word.
        error: Option<OrderError>,
        /// Why; some checks have no word of their own.
        reason: Option<OrderUpdateReason>,
    },
}

/// What happened to an order of an account's.
#[derive(Clone, Copy, Debug)]
pub enum OrderEvent<'a> {
    /// What markets are told of, too.
    Step(OrderStep<Order<'a>>),
    /// A cancel found no open order.
    NotFound {
        /// Who asked.
        account_uid: Uuid,
        /// For which.
        order: NotFound<'a>,
    },
    /// An edit was refused.
    EditRejected {
        /// As it stays.
        old: Order<'a>,
        /// As it was to be.
        attempted: Order<'a>,
        /// The check that refused it.
        error: Option<OrderError>,
    },
}

/// An order as a list of its owner's, or of its market's, tells it.
pub trait WriteOrder {
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
}

impl WriteOrder for Order<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.uuid("accountUid", self.account_uid);
        object.decimal_string("filled", self.filled);
        object.string("clientId", self.client_id.unwrap_or_default());
        object.null("spotData");
        self.public().write_members(&mut object);
        object.end();
    }
}

impl<O: WriteOrder> Event for OrderStep<O> {
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

impl Event for OrderEvent<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Step(step) => step.write(out),
            Self::NotFound { account_uid, order } => write_kind(out, "OrderNotFound", |event| {
                event.uuid("accountUid", *account_uid);
                let name = match order {
                    NotFound::Uid(uid) => format!("Uuid(uuid={uid})"),
                    NotFound::ClientId(id) => format!("ClientId(id={id})"),
                };
                event.string("orderId", &name);
            }),
            Self::EditRejected { old, attempted, error } => write_kind(out, "OrderEditRejected", |event| {
                old.write(event.member("oldOrder"));
                attempted.write(event.member("attemptedOrder"));
                write_error(event, *error);
            }),
        }
    }
}

/// Writes an object whose one member names the kind of an event.
pub(super) fn write_kind(out: &mut Vec<u8>, kind: &str, members: impl FnOnce(&mut Object<'_>)) {
    let mut event = Object::new(out);
    let mut inner = Object::new(event.member(kind));
    members(&mut inner);
    inner.end();
    event.end();
}

/// Writes the reason; what has no word of its own is a new order's.
pub(super) fn write_reason(event: &mut Object<'_>, reason: Option<OrderUpdateReason>) {
    let reason = reason.unwrap_or(OrderUpdateReason::NewUserOrder);
    event.string("reason", reason.history_word().unwrap_or(OrderUpdateReason::Unknown.as_str()));
}

/// Writes the check that refused. `/orders/status` has no word for a client's name with bad characters, and no record; here the
/// list is open.
pub(super) fn write_error(event: &mut Object<'_>, error: Option<OrderError>) {
    event.string("orderError", error.map_or("CLIENT_ORDER_ID_INVALID", OrderError::as_str));
}

/// Writes a number as a string, the empty one when there is none.
pub(super) fn write_or_empty(event: &mut Object<'_>, name: &str, value: Option<Decimal>) {
    match value {
        Some(value) => event.decimal_string(name, value),
        None => event.string(name, ""),
    }
}
