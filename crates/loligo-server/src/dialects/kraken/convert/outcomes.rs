//! What became of a command, as its sender is told: a status word, and the moves of the order.

use super::orders::{refusal, reject_reason, send_status};
use crate::node::Reply;
use crate::story::told::{self, Tale, Told};
use loligo_engine::{AccountId, Event, InstrumentId, OrderError, OrderId, OrderView, Outcome, UpdateReason};
use loligo_wire::v3::words::{self, CancelStatus, EditStatus, Error, SendStatus};

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
        Outcome::Placed(id) => {
            let Tale { told, cut_short } = told::of_order(*id, &reply.events);
            let status = if cut_short { SendStatus::PartiallyFilled } else { SendStatus::Placed };
            Ok(Sent { status, order: Some(*id), events: told })
        }
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
            let Tale { told, .. } = told::of_order(*id, &reply.events);
            Ok(Edited { status: EditStatus::Edited, order: Some(*id), events: told })
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

fn rejected(id: OrderId, error: OrderError, events: &[Event]) -> Sent<'_> {
    let status = send_status(error);
    match (reject_reason(error), told::refused(id, events)) {
        // One refusal has no word, and an event has to have one.
        (_, Some(order)) if order.trigger().is_some() && refusal(error).is_some() => {
            Sent { status, order: Some(id), events: vec![Told::RejectTrigger { order, error }] }
        }
        (Some(_), Some(order)) => {
            Sent { status, order: Some(id), events: vec![Told::Reject { order, error }] }
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
            let event = told::cancels(&reply.events).find(|order| order.id == *id);
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
            let orders = told::cancels(&reply.events)
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

/// The word for an outcome that a command of its kind does not come to, but for one that every order may.
pub(crate) fn unexpected(outcome: &Outcome) -> Error {
    if *outcome == Outcome::AccountInactive {
        return Error::AccountInactive;
    }
    tracing::error!(?outcome, "a command came to what it cannot come to");
    Error::UnknownError
}
