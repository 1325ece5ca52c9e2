//! What became of a command, as its sender is told: a status word and the order's story.

use super::orders::{refusal, send_status};
use crate::node::Reply;
use loligo_engine::{
    AccountId, Event, Execution, InstrumentId, OrderChange, OrderError, OrderId, OrderView, Outcome, Qty,
    UpdateReason,
};
use loligo_wire::v3::words::{self, CancelStatus, EditStatus, Error, RejectReason, SendStatus};

/// One event of an order's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told<'r> {
    /// It traded; the order as it was before, before the edit that made it trade too, and what reduce-only cut from it.
    Execution {
        execution: &'r Execution,
        prior: OrderView,
        prior_edit: Option<&'r OrderView>,
        reduced: Option<Qty>,
    },
    /// It rests; the order as it rests.
    Place { order: OrderView, reduced: Option<Qty> },
    /// The trigger waits.
    PlaceTrigger { order: &'r OrderView },
    /// It was refused by the book.
    Reject { order: &'r OrderView, reason: RejectReason },
    /// The trigger was refused, on arrival or when it fired.
    RejectTrigger { order: &'r OrderView, error: OrderError },
    /// It was changed.
    Edit { change: &'r OrderChange, reduced: Option<Qty> },
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
        Outcome::Placed(id) => Ok(story(*id, &reply.events)),
        Outcome::Rejected(id, error) => Ok(rejected(*id, *error, &reply.events)),
        Outcome::TooLate => {
            Ok(Sent { status: SendStatus::WouldProcessAfterSpecifiedTime, order: None, events: Vec::new() })
        }
        outcome => Err(unexpected(outcome)),
    }
}

/// What became of an edit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Edited<'r> {
    pub(crate) status: EditStatus,
    pub(crate) order: Option<OrderId>,
    pub(crate) events: Vec<Told<'r>>,
}

impl<'r> Edited<'r> {
    /// An edit that met no order.
    pub(crate) fn not_found() -> Self {
        Self { status: EditStatus::OrderForEditNotFound, order: None, events: Vec::new() }
    }

    /// The client's own name of the order that was edited.
    pub(crate) fn cli_ord_id(&self) -> Option<&'r str> {
        self.events.iter().find_map(|told| match told {
            Told::Edit { change, .. } => change.order.client_order_id.as_deref(),
            _ => None,
        })
    }
}

/// Tells the sender of an edit what became of it.
///
/// # Errors
/// As [`sent`].
pub(crate) fn edited(reply: &Reply) -> Result<Edited<'_>, Error> {
    let refused = |status, order| Ok(Edited { status, order, events: Vec::new() });
    match &reply.outcome {
        Outcome::Edited(id) => {
            let Sent { events, .. } = story(*id, &reply.events);
            Ok(Edited { status: EditStatus::Edited, order: Some(*id), events })
        }
        // The order is as it was asked to be: that is no refusal (rules 1.8).
        Outcome::EditRejected(id, OrderError::EditHasNoEffect) => refused(EditStatus::Edited, *id),
        Outcome::EditRejected(id, error) => {
            let status = refusal(*error).and_then(words::OrderError::edit_status);
            refused(status.unwrap_or(EditStatus::OrderForEditNotFound), *id)
        }
        Outcome::TooLate => refused(EditStatus::WouldProcessAfterSpecifiedTime, None),
        outcome => Err(unexpected(outcome)),
    }
}

/// What happened to one order in one record, told as its sender knows it.
fn story(id: OrderId, events: &[Event]) -> Sent<'_> {
    let mut status = SendStatus::Placed;
    let mut told = Vec::new();
    // The order as it stands while its story goes on; `None` once it is closed, and while it only waits.
    let mut standing: Option<OrderView> = None;
    let mut placed = false;
    let mut cut = None;
    let mut prior_edit = None;
    for event in events {
        match event {
            Event::Placed { order, .. } if order.id == id && order.trigger().is_some() => {
                told.push(Told::PlaceTrigger { order });
            }
            Event::Placed { order, reduced } | Event::Fired { order, reduced } if order.id == id => {
                (standing, placed, cut) = (Some(order.clone()), true, *reduced);
            }
            Event::Edited { change, reduced } if change.order.id == id => {
                told.push(Told::Edit { change, reduced: *reduced });
                (standing, prior_edit, cut) = (Some(change.order.clone()), Some(&change.prior), *reduced);
            }
            Event::Executed(execution) if execution.taker.order == id => {
                let Some(order) = &mut standing else { continue };
                let mut prior = order.clone();
                prior.filled = execution.taker.filled_before;
                order.filled = Qty(execution.taker.filled_before.0 + execution.qty.0);
                told.push(Told::Execution { execution, prior, prior_edit, reduced: cut });
            }
            Event::ActivationFailed { order } if order.id == id => {
                if let Some(error) = order.error {
                    told.push(Told::RejectTrigger { order, error });
                }
            }
            Event::Reduced { order, .. } if order.id == id => standing = Some(order.clone()),
            Event::Filled { order, .. } if *order == id => standing = None,
            Event::Cancelled { order } if order.id == id => {
                if order.error == Some(OrderError::RejectedAfterExecution) {
                    status = SendStatus::PartiallyFilled;
                }
                standing = None;
            }
            _ => {}
        }
    }
    if let Some(order) = standing.filter(|_| placed) {
        told.push(Told::Place { order, reduced: cut });
    }
    Sent { status, order: Some(id), events: told }
}

fn rejected(id: OrderId, error: OrderError, events: &[Event]) -> Sent<'_> {
    let status = send_status(error);
    let order = events.iter().find_map(|event| match event {
        Event::Rejected { order, .. } if order.id == id => Some(order),
        _ => None,
    });
    let reason = match error {
        OrderError::PostWouldExecute => Some(RejectReason::PostWouldExecute),
        OrderError::IocWouldNotExecute => Some(RejectReason::IocWouldNotExecute),
        _ => None,
    };
    match (reason, order) {
        // One refusal has no word, and an event has to have one.
        (_, Some(order)) if order.trigger().is_some() && refusal(error).is_some() => {
            Sent { status, order: Some(id), events: vec![Told::RejectTrigger { order, error }] }
        }
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

/// The word for an outcome that a command of its kind does not come to, but for one that every order may.
pub(crate) fn unexpected(outcome: &Outcome) -> Error {
    if *outcome == Outcome::AccountInactive {
        return Error::AccountInactive;
    }
    tracing::error!(?outcome, "a command came to what it cannot come to");
    Error::UnknownError
}
