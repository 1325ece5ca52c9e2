//! What became of a command, as its sender is told: a status word, and the moves of the order.

use super::orders::{refusal, reject_reason, send_status};
use crate::story::moves::{self, OrderMove, OrderStory};
use loligo_engine::{
    AccountId, CancelAllOutcome, CancelOutcome, EditOutcome, Event, InstrumentId, OrderError, OrderId,
    OrderView, PlaceOutcome, Refusal, UpdateReason,
};
use loligo_wire::v3::words::{self, CancelStatus, EditStatus, Error, SendStatus};

/// What became of an order that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent<'r> {
    pub(crate) status: SendStatus,
    /// Absent for plain refusals (rest-notes 5).
    pub(crate) order: Option<OrderId>,
    pub(crate) events: Vec<OrderMove<'r>>,
}

/// What became of a cancel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cancelled<'r> {
    pub(crate) status: CancelStatus,
    pub(crate) order: Option<OrderId>,
    pub(crate) event: Option<OrderMove<'r>>,
}

impl<'r> Cancelled<'r> {
    /// The client's own name of the order that was cancelled.
    pub(crate) fn cli_ord_id(&self) -> Option<&'r str> {
        match self.event {
            Some(OrderMove::Cancel { order }) => order.client_order_id.as_deref(),
            _ => None,
        }
    }
}

/// Tells the sender of an order what became of it.
///
/// # Errors
/// The word for what is about no order: its account may not trade (any more), or is not known.
pub(crate) fn sent<'r>(outcome: &PlaceOutcome, events: &'r [Event]) -> Result<Sent<'r>, Error> {
    match outcome {
        PlaceOutcome::Placed(id) => {
            let OrderStory { moves, cut_short } = moves::of_order(*id, events);
            let status = if cut_short { SendStatus::PartiallyFilled } else { SendStatus::Placed };
            Ok(Sent { status, order: Some(*id), events: moves })
        }
        PlaceOutcome::Rejected(id, error) => Ok(rejected(*id, *error, events)),
        PlaceOutcome::TooLate => {
            Ok(Sent { status: SendStatus::WouldProcessAfterSpecifiedTime, order: None, events: Vec::new() })
        }
        PlaceOutcome::AccountInactive => Err(Error::AccountInactive),
        PlaceOutcome::Refused(refusal) => Err(at_odds(refusal.clone())),
    }
}

/// What became of an edit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Edited<'r> {
    pub(crate) status: EditStatus,
    pub(crate) order: Option<OrderId>,
    pub(crate) events: Vec<OrderMove<'r>>,
}

impl<'r> Edited<'r> {
    /// An edit that met no order.
    pub(crate) fn not_found() -> Self {
        Self { status: EditStatus::OrderForEditNotFound, order: None, events: Vec::new() }
    }

    /// The client's own name of the order that was edited.
    pub(crate) fn cli_ord_id(&self) -> Option<&'r str> {
        self.events.iter().find_map(|one| match one {
            OrderMove::Edit { change, .. } => change.order.client_order_id.as_deref(),
            _ => None,
        })
    }
}

/// Tells the sender of an edit what became of it.
///
/// # Errors
/// As [`sent`].
pub(crate) fn edited<'r>(outcome: &EditOutcome, events: &'r [Event]) -> Result<Edited<'r>, Error> {
    let refused = |status, order| Ok(Edited { status, order, events: Vec::new() });
    match outcome {
        EditOutcome::Edited(id) => {
            let OrderStory { moves, .. } = moves::of_order(*id, events);
            Ok(Edited { status: EditStatus::Edited, order: Some(*id), events: moves })
        }
        // The order is as it was asked to be: that is no refusal (rules 1.8).
        EditOutcome::EditRejected(id, OrderError::EditHasNoEffect) => refused(EditStatus::Edited, *id),
        EditOutcome::EditRejected(id, error) => {
            let status = refusal(*error).and_then(words::OrderError::edit_status);
            refused(status.unwrap_or(EditStatus::OrderForEditNotFound), *id)
        }
        EditOutcome::TooLate => refused(EditStatus::WouldProcessAfterSpecifiedTime, None),
        EditOutcome::AccountInactive => Err(Error::AccountInactive),
        EditOutcome::Refused(refusal) => Err(at_odds(refusal.clone())),
    }
}

fn rejected(id: OrderId, error: OrderError, events: &[Event]) -> Sent<'_> {
    let status = send_status(error);
    match (reject_reason(error), moves::refused(id, events)) {
        // One refusal has no word, and an event has to have one.
        (_, Some(order)) if order.trigger().is_some() && refusal(error).is_some() => {
            Sent { status, order: Some(id), events: vec![OrderMove::RejectTrigger { order, error }] }
        }
        (Some(_), Some(order)) => {
            Sent { status, order: Some(id), events: vec![OrderMove::Reject { order, error }] }
        }
        _ => Sent { status, order: None, events: Vec::new() },
    }
}

/// Tells the sender of a cancel what became of it.
///
/// # Errors
/// As [`sent`].
pub(crate) fn cancelled<'r>(outcome: &CancelOutcome, events: &'r [Event]) -> Result<Cancelled<'r>, Error> {
    let plain = |status, order| Ok(Cancelled { status, order, event: None });
    match outcome {
        CancelOutcome::Cancelled(id) => {
            let event = moves::cancels(events).find(|order| order.id == *id);
            Ok(Cancelled {
                status: CancelStatus::Cancelled,
                order: Some(*id),
                event: event.map(|order| OrderMove::Cancel { order }),
            })
        }
        CancelOutcome::AlreadyFilled(id) => plain(CancelStatus::Filled, Some(*id)),
        CancelOutcome::CancelNotFound(id) => plain(CancelStatus::NotFound, *id),
        CancelOutcome::TooLate => plain(CancelStatus::WouldProcessAfterSpecifiedTime, None),
        CancelOutcome::AccountInactive => Err(Error::AccountInactive),
        CancelOutcome::Refused(refusal) => Err(at_odds(refusal.clone())),
    }
}

/// Tells the sender of a cancel of all orders which ones are gone.
///
/// # Errors
/// As [`sent`].
pub(crate) fn cancelled_all<'r>(
    outcome: &CancelAllOutcome,
    events: &'r [Event],
    account: AccountId,
    instrument: Option<InstrumentId>,
) -> Result<Vec<&'r OrderView>, Error> {
    match outcome {
        CancelAllOutcome::CancelledAll(_) => {
            let orders = moves::cancels(events)
                .filter(|order| {
                    order.account == account && instrument.is_none_or(|only| order.instrument == only)
                })
                // What fell due with the time of this record (an expiry) went by itself.
                .filter(|order| order.reason == Some(UpdateReason::CancelledByUser))
                .collect();
            Ok(orders)
        }
        CancelAllOutcome::AccountInactive => Err(Error::AccountInactive),
        CancelAllOutcome::Refused(refusal) => Err(at_odds(refusal.clone())),
    }
}

/// The word for a refusal of what this dialect has looked up before it asked: nothing that is known ever goes, so the engine and
/// this crate are at odds.
pub(crate) fn at_odds(refusal: impl Into<Refusal>) -> Error {
    let refusal: Refusal = refusal.into();
    tracing::error!(%refusal, "what was looked up is not known");
    Error::UnknownError
}
