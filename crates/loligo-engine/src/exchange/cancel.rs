//! Cancelling one order, or all of them.

use super::{Exchange, emit};
use crate::command::{CancelOrder, OrderRef};
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, OrderId};
use crate::outcome::{CancelAllOutcome, CancelAllRefusal, CancelOutcome, CancelRefusal};
use crate::slot::OrderSlot;
use crate::words::{OrderError, OrderStatus, UpdateReason};

impl Exchange {
    #[inline(never)]
    pub(super) fn cancel(&mut self, ask: &CancelOrder, events: &mut Vec<Event>) -> CancelOutcome {
        match self.accounts.get(ask.account) {
            None => return CancelOutcome::Refused(CancelRefusal::UnknownAccount),
            Some(account) if !account.active => return CancelOutcome::AccountInactive,
            Some(_) => {}
        }
        if ask.process_before.is_some_and(|limit| self.now >= limit) {
            return CancelOutcome::TooLate;
        }
        let Some(slot) = self.find_own(ask.account, &ask.order) else {
            self.emit_not_found(ask, events);
            return CancelOutcome::CancelNotFound(None);
        };
        let (id, status) = (self.orders.get(slot).id, self.orders.get(slot).status);
        match status {
            OrderStatus::EnteredBook | OrderStatus::TriggerPlaced => {
                self.remove(slot, UpdateReason::CancelledByUser, None, events);
                CancelOutcome::Cancelled(id)
            }
            OrderStatus::FullyExecuted => CancelOutcome::AlreadyFilled(id),
            OrderStatus::Cancelled => {
                self.note(slot, None, OrderError::OrderForCancellationNotFound);
                let order = self.orders.get(slot);
                let (reason, error, account) = (order.reason, order.error, ask.account);
                emit(events, || Event::Noted { order: id, account, reason, error });
                self.emit_not_found(ask, events);
                CancelOutcome::CancelNotFound(Some(id))
            }
            // The check that refused it stays its error.
            OrderStatus::Rejected | OrderStatus::TriggerActivationFailure => {
                self.emit_not_found(ask, events);
                CancelOutcome::CancelNotFound(Some(id))
            }
        }
    }

    #[cold]
    fn emit_not_found(&self, ask: &CancelOrder, events: &mut Vec<Event>) {
        let CancelOrder { account, order, .. } = ask;
        emit(events, || Event::NotFound { account: *account, order: order.clone(), at: self.now });
    }

    pub(super) fn cancel_all(
        &mut self,
        account: AccountId,
        instrument: Option<InstrumentId>,
        events: &mut Vec<Event>,
    ) -> CancelAllOutcome {
        match self.accounts.get(account) {
            None => CancelAllOutcome::Refused(CancelAllRefusal::UnknownAccount),
            Some(owner) if !owner.active => CancelAllOutcome::AccountInactive,
            Some(_) => {
                let reason = UpdateReason::CancelledByUser;
                CancelAllOutcome::CancelledAll(self.remove_all(account, instrument, reason, events))
            }
        }
    }

    /// Cancels all open orders of an account, triggers too; tells how many.
    pub(super) fn remove_all(
        &mut self,
        account: AccountId,
        instrument: Option<InstrumentId>,
        reason: UpdateReason,
        events: &mut Vec<Event>,
    ) -> u32 {
        let slots = self.open_slots(account, instrument);
        for slot in &slots {
            self.remove(*slot, reason, None, events);
        }
        slots.len() as u32
    }

    /// Cancels an open order, wherever it is.
    pub(super) fn remove(
        &mut self,
        slot: OrderSlot,
        reason: UpdateReason,
        error: Option<OrderError>,
        events: &mut Vec<Event>,
    ) {
        if self.orders.get(slot).status == OrderStatus::TriggerPlaced {
            self.remove_trigger(slot, reason, error, events);
        } else {
            self.remove_open(slot, reason, error, events);
        }
    }

    /// Slot of an open order by number.
    pub(super) fn find_open(&self, order: OrderId) -> Option<OrderSlot> {
        self.orders.find(order).filter(|slot| !self.orders.get(*slot).status.is_closed())
    }

    /// Slots of an account's open orders, triggers too, by contract, then oldest first.
    pub(super) fn open_slots(&self, account: AccountId, instrument: Option<InstrumentId>) -> Vec<OrderSlot> {
        let Some(owner) = self.accounts.get(account) else { return Vec::new() };
        let mut slots = Vec::new();
        for (listed, position) in &owner.positions {
            if instrument.is_some_and(|only| only != *listed) {
                continue;
            }
            let from = slots.len();
            let position = &self.positions[*position];
            slots.extend(position.orders.iter().chain(&position.triggers));
            slots[from..].sort_unstable_by_key(|slot| self.orders.get(*slot).id);
        }
        slots
    }

    /// An account's own order, open or lately closed.
    pub(super) fn find_own(&self, account: AccountId, order: &OrderRef) -> Option<OrderSlot> {
        match order {
            OrderRef::Id(id) => {
                let own = |slot: &OrderSlot| {
                    let position = &self.positions[self.orders.get(*slot).position];
                    position.account == account
                };
                self.orders.find(*id).filter(own)
            }
            OrderRef::Client(name) => self.orders.find_name(account, name),
            OrderRef::Foreign(_) => None,
        }
    }

    /// Notes on an order's record that something aimed at it was refused; the order stays as it is.
    pub(super) fn note(&mut self, slot: OrderSlot, reason: Option<UpdateReason>, error: OrderError) {
        let order = self.orders.get_mut(slot);
        order.reason = reason.or(order.reason);
        order.error = Some(error);
    }
}
