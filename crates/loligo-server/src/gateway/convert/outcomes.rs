//! What became of a command, as its sender is told: a status word and the order's story.

use super::orders::send_status;
use crate::node::Reply;
use loligo_engine::{
    AccountId, Event, Execution, InstrumentId, OrderError, OrderId, OrderView, Outcome, Qty, UpdateReason,
};
use loligo_wire::v3::words::{CancelStatus, Error, RejectReason, SendStatus};

/// One event of an order's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told<'r> {
    /// It traded; the order as it was before, and what reduce-only cut from it.
    Execution { execution: &'r Execution, prior: OrderView, reduced: Option<Qty> },
    /// It rests; the order as it rests.
    Place { order: OrderView, reduced: Option<Qty> },
    /// It was refused by the book.
    Reject { order: &'r OrderView, reason: RejectReason },
    /// It was cancelled.
    Cancel { order: &'r OrderView },
}

/// What became of an order that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent<'r> {
    pub(crate) status: SendStatus,
    /// Absent for plain refusals (rest-notes 5).
    pub(crate) order: Option<OrderId>,
    pub(crate) events: Vec<Told<'r>>,
}

/// What became of a cancel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cancelled<'r> {
    pub(crate) status: CancelStatus,
    pub(crate) order: Option<OrderId>,
    pub(crate) event: Option<Told<'r>>,
}

impl<'r> Cancelled<'r> {
    /// The client's own name of the order that was cancelled.
    pub(crate) fn cli_ord_id(&self) -> Option<&'r str> {
        match self.event {
            Some(Told::Cancel { order }) => order.client_order_id.as_deref(),
            _ => None,
        }
    }
}

/// Tells the sender of an order what became of it.
///
/// # Errors
/// `unknownError` for an outcome that no order has; the engine and this crate would be at odds.
pub(crate) fn sent(reply: &Reply) -> Result<Sent<'_>, Error> {
    match &reply.outcome {
        Outcome::Placed(id) => Ok(placed(*id, &reply.events)),
        Outcome::Rejected(id, error) => Ok(rejected(*id, *error, &reply.events)),
        Outcome::TooLate => {
            Ok(Sent { status: SendStatus::WouldProcessAfterSpecifiedTime, order: None, events: Vec::new() })
        }
        outcome => Err(unexpected(outcome)),
    }
}

fn placed(id: OrderId, events: &[Event]) -> Sent<'_> {
    let mut status = SendStatus::Placed;
    let mut told = Vec::new();
    // The order as it stands while its story goes on; `None` once it is closed.
    let mut standing: Option<OrderView> = None;
    let mut cut = None;
    for event in events {
        match event {
            Event::Placed { order, reduced } if order.id == id => {
                standing = Some(order.clone());
                cut = *reduced;
            }
            Event::Executed(execution) if execution.taker.order == id => {
                let Some(order) = &mut standing else { continue };
                let mut prior = order.clone();
                prior.filled = execution.taker.filled_before;
                order.filled = Qty(execution.taker.filled_before.0 + execution.qty.0);
                told.push(Told::Execution { execution, prior, reduced: cut });
            }
            Event::Reduced { order, .. } if order.id == id => standing = Some(order.clone()),
            Event::Filled { order } if *order == id => standing = None,
            Event::Cancelled { order } if order.id == id => {
                if order.error == Some(OrderError::RejectedAfterExecution) {
                    status = SendStatus::PartiallyFilled;
                }
                standing = None;
            }
            _ => {}
        }
    }
    if let Some(order) = standing {
        told.push(Told::Place { order, reduced: cut });
    }
    Sent { status, order: Some(id), events: told }
}

fn rejected(id: OrderId, error: OrderError, events: &[Event]) -> Sent<'_> {
    let status = send_status(error);
    let order = events.iter().find_map(|event| match event {
        Event::Rejected { order } if order.id == id => Some(order),
        _ => None,
    });
    let reason = match error {
        OrderError::PostWouldExecute => Some(RejectReason::PostWouldExecute),
        OrderError::IocWouldNotExecute => Some(RejectReason::IocWouldNotExecute),
        _ => None,
    };
    match (reason, order) {
        (Some(reason), Some(order)) => {
            Sent { status, order: Some(id), events: vec![Told::Reject { order, reason }] }
        }
        _ => Sent { status, order: None, events: Vec::new() },
    }
}

/// Tells the sender of a cancel what became of it.
///
/// # Errors
/// As [`sent`].
pub(crate) fn cancelled(reply: &Reply) -> Result<Cancelled<'_>, Error> {
    let plain = |status, order| Ok(Cancelled { status, order, event: None });
    match &reply.outcome {
        Outcome::Cancelled(id) => {
            let event = cancels(&reply.events).find(|order| order.id == *id);
            Ok(Cancelled {
                status: CancelStatus::Cancelled,
                order: Some(*id),
                event: event.map(|order| Told::Cancel { order }),
            })
        }
        Outcome::AlreadyFilled(id) => plain(CancelStatus::Filled, Some(*id)),
        Outcome::CancelNotFound(id) => plain(CancelStatus::NotFound, *id),
        Outcome::TooLate => plain(CancelStatus::WouldProcessAfterSpecifiedTime, None),
        outcome => Err(unexpected(outcome)),
    }
}

/// Tells the sender of a cancel of all orders which ones are gone.
///
/// # Errors
/// As [`sent`].
pub(crate) fn cancelled_all(
    reply: &Reply,
    account: AccountId,
    instrument: Option<InstrumentId>,
) -> Result<Vec<&OrderView>, Error> {
    match &reply.outcome {
        Outcome::CancelledAll(_) => {
            let orders = cancels(&reply.events)
                .filter(|order| {
                    order.account == account && instrument.is_none_or(|only| order.instrument == only)
                })
                // What fell due with the time of this record (an expiry) went by itself.
                .filter(|order| order.reason == Some(UpdateReason::CancelledByUser))
                .collect();
            Ok(orders)
        }
        outcome => Err(unexpected(outcome)),
    }
}

fn cancels(events: &[Event]) -> impl Iterator<Item = &OrderView> {
    events.iter().filter_map(|event| match event {
        Event::Cancelled { order } => Some(order),
        _ => None,
    })
}

fn unexpected(outcome: &Outcome) -> Error {
    tracing::error!(?outcome, "a command came to what it cannot come to");
    Error::UnknownError
}
