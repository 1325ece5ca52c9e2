//! What became of a command, as its sender is told: the moves of the order that it sent, edited or cancelled.

use loligo_engine::{Event, Execution, OrderChange, OrderError, OrderId, OrderView, Qty};

/// One event of an order's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OrderMove<'r> {
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
    Reject { order: &'r OrderView, error: OrderError },
    /// The trigger was refused, on arrival or when it fired.
    RejectTrigger { order: &'r OrderView, error: OrderError },
    /// It was changed.
    Edit { change: &'r OrderChange, reduced: Option<Qty> },
    /// It was cancelled.
    Cancel { order: &'r OrderView },
}

/// All that happened to an order in one record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrderStory<'r> {
    /// Move by move.
    pub(crate) moves: Vec<OrderMove<'r>>,
    /// After a part of it was filled it met an order of its own account, and its rest lapsed.
    pub(crate) cut_short: bool,
}

/// What happened to one order in one record.
pub(crate) fn of_order(id: OrderId, events: &[Event]) -> OrderStory<'_> {
    let mut cut_short = false;
    let mut moves = Vec::new();
    // The order as it stands while its story goes on; `None` once it is closed, and while it only waits.
    let mut standing: Option<OrderView> = None;
    let mut placed = false;
    let mut cut = None;
    let mut prior_edit = None;
    for event in events {
        match event {
            Event::Placed { order, .. } if order.id == id && order.trigger().is_some() => {
                moves.push(OrderMove::PlaceTrigger { order });
            }
            Event::Placed { order, reduced } | Event::Fired { order, reduced } if order.id == id => {
                (standing, placed, cut) = (Some(order.clone()), true, *reduced);
            }
            Event::Edited { change, reduced } if change.order.id == id => {
                moves.push(OrderMove::Edit { change, reduced: *reduced });
                (standing, prior_edit, cut) = (Some(change.order.clone()), Some(&change.prior), *reduced);
            }
            Event::Executed(execution) if execution.taker.order == id => {
                let Some(order) = &mut standing else { continue };
                let mut prior = order.clone();
                prior.filled = execution.taker.filled_before;
                order.filled = Qty(execution.taker.filled_before.0 + execution.qty.0);
                moves.push(OrderMove::Execution { execution, prior, prior_edit, reduced: cut });
            }
            Event::ActivationFailed { order } if order.id == id => {
                if let Some(error) = order.error {
                    moves.push(OrderMove::RejectTrigger { order, error });
                }
            }
            Event::Reduced { order, .. } if order.id == id => standing = Some(order.clone()),
            Event::Filled { order, .. } if *order == id => standing = None,
            Event::Cancelled { order } if order.id == id => {
                if order.error == Some(OrderError::RejectedAfterExecution) {
                    cut_short = true;
                }
                standing = None;
            }
            _ => {}
        }
    }
    if let Some(order) = standing.filter(|_| placed) {
        moves.push(OrderMove::Place { order, reduced: cut });
    }
    OrderStory { moves, cut_short }
}

/// The order that was refused on arrival.
pub(crate) fn refused(id: OrderId, events: &[Event]) -> Option<&OrderView> {
    events.iter().find_map(|event| match event {
        Event::Rejected { order, .. } if order.id == id => Some(order),
        _ => None,
    })
}

/// The orders that went unfilled.
pub(crate) fn cancels(events: &[Event]) -> impl Iterator<Item = &OrderView> {
    events.iter().filter_map(|event| match event {
        Event::Cancelled { order } => Some(order),
        _ => None,
    })
}
