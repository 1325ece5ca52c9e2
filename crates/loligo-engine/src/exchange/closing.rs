//! Orders at the end of their life: closed, remembered for five seconds, forgotten.

use super::{Exchange, emit};
use crate::event::Event;
use crate::id::{AccountId, OrderId, Timestamp};
use crate::order::OrderFlags;
use crate::slot::OrderSlot;
use crate::words::{OrderError, OrderStatus, UpdateReason};
use std::collections::VecDeque;

/// How long a closed order is remembered.
const CLOSED_KEPT: i64 = 5 * Timestamp::SECOND;
/// Closed orders that one record forgets at most, beside its steps: a third of a microsecond each, so this is a third of a millisecond.
/// Whoever is let do more steps than a venue forgets as many more.
pub(crate) const FORGOTTEN_PER_RECORD: u32 = 1_024;
/// At most so many closed orders of one account are remembered, the oldest forgotten first.
pub(crate) const CLOSED_PER_ACCOUNT: u32 = 10_000;

/// An order closed lately. It may be forgotten already, when its account had too many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed {
    pub at: Timestamp,
    pub order: OrderId,
    pub slot: OrderSlot,
    pub account: AccountId,
    /// Kept here, as everything is that forgetting needs: the order itself is long out of the caches by then, and is not
    /// looked at.
    pub flags: OrderFlags,
}

impl Closed {
    /// True when its five seconds are over.
    fn is_over(&self, now: Timestamp) -> bool {
        now.0 - self.at.0 >= CLOSED_KEPT
    }
}

/// Closed orders in closing order, oldest first. Each has a number, higher than those before it; the numbers of all that
/// are queued follow each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClosedOrders {
    pub queue: VecDeque<Closed>,
    /// Number of the first in the queue.
    first: u64,
    /// How many in the queue are forgotten already: never more than are not.
    dead: usize,
}

impl Exchange {
    /// Ends an order's life: it is remembered for five seconds. It must be out of every list already.
    #[inline]
    pub(super) fn close(
        &mut self,
        slot: OrderSlot,
        status: OrderStatus,
        reason: impl Into<Option<UpdateReason>>,
        error: Option<OrderError>,
        events: &mut Vec<Event>,
    ) {
        let order = self.orders.get_mut(slot);
        order.status = status;
        order.reason = reason.into();
        order.error = error;
        order.updated_at = self.now;
        let account = self.positions[order.position].account;
        let closed = Closed { at: self.now, order: order.id, slot, account, flags: order.flags };
        self.closed.queue.push_back(closed);
        let closed = &mut self.accounts[account].closed;
        *closed += 1;
        if *closed > CLOSED_PER_ACCOUNT {
            self.forget_oldest(account, events);
        }
    }

    /// Forgets the orders whose five seconds are over, as many as a record does: the rest waits, and time with it.
    #[inline(always)]
    pub(super) fn forget_due(&mut self, events: &mut Vec<Event>) {
        while let Some(closed) = self.closed.queue.front().copied() {
            if !closed.is_over(self.now) {
                break;
            }
            if !self.work.may_forget() {
                self.work.busy = true;
                break;
            }
            self.closed.queue.pop_front();
            self.closed.first += 1;
            if !self.forget(closed, events) {
                self.closed.dead -= 1;
            }
        }
        if self.closed.dead > 0 {
            self.drop_dead();
        }
    }

    /// True while orders are remembered whose five seconds are over: there were more than a record forgets.
    pub(super) fn has_to_forget(&self) -> bool {
        self.closed.queue.front().is_some_and(|closed| closed.is_over(self.now))
    }

    /// True when more orders are to be forgotten by then than one record forgets.
    pub(super) fn has_many_to_forget(&self, time: Timestamp) -> bool {
        let beyond = self.closed.queue.get(self.work.forgets_at_most() as usize);
        beyond.is_some_and(|closed| closed.is_over(time))
    }

    /// Forgets a closed order, unless it is forgotten already (its slot may have been reused since). True when it was
    /// not.
    #[inline]
    fn forget(&mut self, closed: Closed, events: &mut Vec<Event>) -> bool {
        let Closed { order, account, flags, .. } = closed;
        let remembered = self.orders.remove(order, flags);
        if remembered {
            self.accounts[account].closed -= 1;
            emit(events, || Event::Forgotten { order, account });
        }
        remembered
    }

    /// Forgets an account's oldest closed order. Each account that has too many passes each other's closing at most once:
    /// so many such accounts, so many looks may a closing cost in all.
    #[cold]
    fn forget_oldest(&mut self, account: AccountId, events: &mut Vec<Event>) {
        let ClosedOrders { queue, first, .. } = &self.closed;
        let from = self.accounts[account].oldest_closed.max(*first);
        let known = queue.range((from - first) as usize..).enumerate();
        let mut own = known.filter(|(_, closed)| closed.account == account).map(|(at, closed)| (at, *closed));
        let Some((at, oldest)) = own.next() else { return };
        self.accounts[account].oldest_closed = from + at as u64 + 1;
        let remembered = self.forget(oldest, events);
        debug_assert!(remembered, "only the oldest are forgotten early");
        self.closed.dead += 1;
        self.drop_dead();
    }

    /// Keeps the queue no longer than twice what is remembered, however long the clock stands still: those in front that
    /// are forgotten go, and all of them once they are more than the others. That then costs as much as forgetting them.
    #[cold]
    fn drop_dead(&mut self) {
        let Self { closed: ClosedOrders { queue, first, dead }, orders, accounts, .. } = self;
        while queue.front().is_some_and(|closed| orders.find(closed.order).is_none()) {
            queue.pop_front();
            (*first, *dead) = (*first + 1, *dead - 1);
        }
        if 2 * *dead <= queue.len() {
            return;
        }
        queue.retain(|closed| orders.find(closed.order).is_some());
        *first += *dead as u64;
        *dead = 0;
        // The last one keeps its number. Those before it have others now: each account begins at its oldest.
        for (at, closed) in queue.iter().enumerate().rev() {
            accounts[closed.account].oldest_closed = *first + at as u64;
        }
    }
}
