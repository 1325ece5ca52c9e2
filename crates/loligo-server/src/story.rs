//! What happened to orders, in no dialect's words: answers and feeds of every dialect are spelled from it.
//!
//! It is told to two who know different things. The [sender](told) of a command hears what became of it, move by move. Those
//! who [follow](of_account) an account know its open orders, and hear what changes of them.

pub(crate) mod moves;

use crate::projection::{OrderChangeKind, OrderChanged};
use loligo_engine::{OrderError, OrderType, OrderView, UpdateReason};

/// A turn that one order of an account took, for those who know its open orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn<'n> {
    /// It is open, and as it is now: it has come to rest, or has changed.
    Open { order: &'n OrderView, reason: UpdateReason },
    /// It is filled to its last lot.
    Filled { order: &'n OrderView },
    /// It is not open any more, or has lapsed before it was.
    Gone { order: &'n OrderView, reason: UpdateReason },
    /// It was refused when it came, and never open.
    Refused { order: &'n OrderView, reason: UpdateReason },
    /// It was to be edited, and was not there any more.
    EditMissed { order: &'n OrderView },
}

/// The turns that an account's orders took in one record, of its changes in their order.
///
/// An order that came, or was edited, is told once it rests, as it is then; filled on arrival, it is not told at all. A
/// trigger that fires is gone, and what it becomes opens under the same number.
pub(crate) fn of_account(changes: &[OrderChanged]) -> Vec<Turn<'_>> {
    let mut story = Story { turns: Vec::with_capacity(changes.len()), arriving: None };
    for OrderChanged { kind, order } in changes {
        story.tell(*kind, order);
    }
    story.let_rest();
    story.turns
}

struct Story<'n> {
    turns: Vec<Turn<'n>>,
    /// The order that is taking from the book, as it is now, and what it is told as when it rests.
    arriving: Option<(&'n OrderView, UpdateReason)>,
}

impl<'n> Story<'n> {
    fn tell(&mut self, kind: OrderChangeKind, order: &'n OrderView) {
        match kind {
            OrderChangeKind::Placed => self.arrive(order, UpdateReason::NewUserOrder),
            OrderChangeKind::Edited => self.arrive(order, UpdateReason::EditedByUser),
            OrderChangeKind::Took => {
                if let Some((arriving, _)) = &mut self.arriving
                    && arriving.id == order.id
                {
                    *arriving = order;
                }
            }
            OrderChangeKind::Hit => {
                self.let_rest();
                // The last lot is told when the order is filled, which is next.
                if order.open_qty().0 > 0 {
                    self.open(order, UpdateReason::PartialFill);
                }
            }
            OrderChangeKind::Filled => match self.arriving.take_if(|(arriving, _)| arriving.id == order.id) {
                // Nobody knew it, or it was removed as a trigger.
                Some((_, UpdateReason::NewUserOrder | UpdateReason::LimitFromStop)) => {}
                Some(_) | None => self.turns.push(Turn::Filled { order }),
            },
            OrderChangeKind::Cancelled => {
                let reason = order.reason.unwrap_or(UpdateReason::CancelledByUser);
                let arriving = self.arriving.is_some_and(|(arriving, _)| arriving.id == order.id);
                match (arriving, lapses(reason) || (arriving && !rests(order.order_type))) {
                    // It has never rested.
                    (true, true) => self.arriving = None,
                    // It gave way to the one that arrives, which goes on taking.
                    (false, true) => {}
                    (_, false) => self.let_rest(),
                }
                self.turns.push(Turn::Gone { order, reason });
            }
            OrderChangeKind::Reduced => {
                self.let_rest();
                self.open(order, UpdateReason::WouldNotReducePosition);
            }
            OrderChangeKind::Rejected => {
                // Without a reason of an order's its sender alone is told.
                let refused = order.reason.map(|reason| Turn::Refused { order, reason });
                self.turns.extend(refused);
            }
            OrderChangeKind::Fired => {
                self.let_rest();
                let reason = UpdateReason::StopOrderTriggered;
                self.turns.push(Turn::Gone { order, reason });
                self.arrive(order, UpdateReason::LimitFromStop);
            }
            OrderChangeKind::ActivationFailed => {
                self.let_rest();
                let reason = UpdateReason::StopOrderTriggered;
                self.turns.push(Turn::Gone { order, reason });
            }
            OrderChangeKind::Repriced => {
                self.let_rest();
                self.open(order, UpdateReason::TrailingStopPriceUpdated);
            }
            // It is what it was; only its record reads otherwise.
            OrderChangeKind::Rewritten => {}
            OrderChangeKind::Noted => {
                let missed = (UpdateReason::OrderForEditNotFound, OrderError::OrderForEditNotFound);
                if order.reason.zip(order.error) == Some(missed) {
                    self.turns.push(Turn::EditMissed { order });
                }
            }
        }
    }

    fn arrive(&mut self, order: &'n OrderView, reason: UpdateReason) {
        self.let_rest();
        self.arriving = Some((order, reason));
    }

    /// Whatever arrived rests by now.
    fn let_rest(&mut self) {
        if let Some((order, reason)) = self.arriving.take() {
            self.open(order, reason);
        }
    }

    fn open(&mut self, order: &'n OrderView, reason: UpdateReason) {
        self.turns.push(Turn::Open { order, reason });
    }
}

/// Whether an order ends so only while one takes from the book: an arriving one before it rested.
fn lapses(reason: UpdateReason) -> bool {
    match reason {
        UpdateReason::PartialFill
        | UpdateReason::IocWouldNotExecute
        | UpdateReason::PostWouldExecute
        | UpdateReason::WouldExecuteSelf => true,
        UpdateReason::LoadingMarket
        | UpdateReason::NewUserOrder
        | UpdateReason::FullFill
        | UpdateReason::CancelledByUser
        | UpdateReason::WouldNotReducePosition
        | UpdateReason::EditedByUser
        | UpdateReason::OrderForEditNotFound
        | UpdateReason::LiquidationOrder
        | UpdateReason::StopOrderTriggered
        | UpdateReason::LimitFromStop
        | UpdateReason::ContractExpired
        | UpdateReason::NotEnoughMargin
        | UpdateReason::MarketInactive
        | UpdateReason::DeadManSwitch
        | UpdateReason::CancelledByAdmin
        | UpdateReason::Expired
        | UpdateReason::TrailingStopPriceUpdated
        | UpdateReason::TrailingStopReplacedByAdmin
        | UpdateReason::Unknown => false,
    }
}

/// Whether what is left of an order after it arrived stays in the book.
fn rests(order_type: OrderType) -> bool {
    match order_type {
        OrderType::Limit | OrderType::Post => true,
        OrderType::ImmediateOrCancel
        | OrderType::Market
        | OrderType::FillOrKill
        | OrderType::Liquidation
        | OrderType::CoveredLiquidation
        | OrderType::Assignment
        | OrderType::Unwind => false,
    }
}

#[cfg(test)]
mod tests;
