//! Orders' records: cancelled, closed, found by name, forgotten (rules 1.6, 1.9, 2.0, 3).

use super::{Model, Order};
use loligo_engine::{
    AccountId, CancelOrder, InstrumentId, OrderError, OrderId, OrderRef, OrderStatus, Outcome, Timestamp,
    UpdateReason,
};

/// How long a closed order stays known.
const KNOWN_FOR: i64 = 5 * Timestamp::SECOND;
/// Closed orders known per account.
const KNOWN_CLOSED: usize = 10_000;

impl Model {
    pub(super) fn cancel(&mut self, asked: &CancelOrder) -> Result<Outcome, Outcome> {
        self.active_account(asked.account)?;
        if self.too_late(asked.process_before) {
            return Ok(Outcome::TooLate);
        }
        let Some(id) = self.find(asked.account, &asked.order) else {
            return Ok(Outcome::CancelNotFound(None));
        };
        let order = self.order_mut(id);
        Ok(match order.view.status {
            OrderStatus::EnteredBook | OrderStatus::TriggerPlaced => {
                self.close(id, OrderStatus::Cancelled, UpdateReason::CancelledByUser, None);
                Outcome::Cancelled(id)
            }
            OrderStatus::FullyExecuted => Outcome::AlreadyFilled(id),
            OrderStatus::Cancelled => {
                order.view.error = Some(OrderError::OrderForCancellationNotFound);
                Outcome::CancelNotFound(Some(id))
            }
            // What killed it stays on its record.
            OrderStatus::Rejected | OrderStatus::TriggerActivationFailure => {
                Outcome::CancelNotFound(Some(id))
            }
        })
    }

    pub(super) fn cancel_all(
        &mut self,
        account: AccountId,
        instrument: Option<InstrumentId>,
    ) -> Result<Outcome, Outcome> {
        self.active_account(account)?;
        Ok(Outcome::CancelledAll(self.remove_all(
            |o| o.view.account == account && instrument.is_none_or(|i| i == o.view.instrument),
            UpdateReason::CancelledByUser,
            UpdateReason::CancelledByUser,
        )))
    }

    /// Cancels what rests for one reason and what waits for another; tells how many.
    pub(super) fn remove_all(
        &mut self,
        which: impl Fn(&Order) -> bool,
        resting: UpdateReason,
        waiting: UpdateReason,
    ) -> u32 {
        let live = self.orders.iter().filter(|o| o.is_live() && which(o));
        let live: Vec<_> = live.map(|o| (o.view.id, if o.resting { resting } else { waiting })).collect();
        for (id, reason) in &live {
            self.close(*id, OrderStatus::Cancelled, *reason, None);
        }
        live.len() as u32
    }

    /// Ends an order's life.
    pub(super) fn close(
        &mut self,
        id: OrderId,
        status: OrderStatus,
        reason: UpdateReason,
        error: Option<OrderError>,
    ) {
        let now = self.now;
        self.work.moved += u32::from(status == OrderStatus::Cancelled);
        let order = self.order_mut(id);
        assert!(order.closed_at.is_none(), "order {id:?} is closed twice");
        order.resting = false;
        order.closed_at = Some(now);
        order.view.status = status;
        order.view.reason = Some(reason);
        order.view.error = error;
        order.view.updated_at = now;
    }

    /// Forgets what closed five seconds ago, and the oldest of too many closed orders.
    pub(super) fn forget(&mut self) {
        let now = self.now;
        self.orders.retain(|o| o.closed_at.is_none_or(|at| now < at.plus(KNOWN_FOR)));
        if self.orders.len() <= KNOWN_CLOSED {
            return;
        }
        for account in 0..self.accounts.len() {
            let of = |o: &&Order| o.closed_at.is_some() && o.view.account.0 as usize == account;
            let mut closed: Vec<_> =
                self.orders.iter().filter(of).map(|o| (o.closed_at, o.view.id)).collect();
            closed.sort();
            let too_many = closed.len().saturating_sub(KNOWN_CLOSED);
            let gone: Vec<_> = closed[..too_many].iter().map(|(_, id)| *id).collect();
            self.orders.retain(|o| !gone.contains(&o.view.id));
        }
    }

    /// The order that a request names: open, waiting, or closed in the last five seconds.
    pub(super) fn find(&self, account: AccountId, named: &OrderRef) -> Option<OrderId> {
        let mut own = self.orders.iter().filter(|o| o.view.account == account);
        match named {
            OrderRef::Id(id) => own.find(|o| o.view.id == *id).map(|o| o.view.id),
            OrderRef::Foreign(_) => None,
            OrderRef::Client(name) => own.find(|o| o.occupies(name)).map(|o| o.view.id),
        }
    }

    pub(super) fn too_late(&self, process_before: Option<Timestamp>) -> bool {
        process_before.is_some_and(|at| self.now >= at)
    }
}
