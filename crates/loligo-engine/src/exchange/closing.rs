//! Orders at the end of their life: closed, remembered for five seconds, forgotten.

use super::Exchange;
use crate::event::{Event, OrderError, OrderStatus, UpdateReason};
use crate::id::{OrderId, Timestamp};
use crate::order::NIL;
use serde::{Deserialize, Serialize};

/// How long a closed order is remembered.
const CLOSED_KEPT: i64 = 5 * Timestamp::SECOND;
/// At most so many closed orders of one account are remembered, the oldest forgotten first.
pub(crate) const CLOSED_PER_ACCOUNT: u32 = 10_000;

/// An order closed lately. The slot may have been reused since, when the account had too many closed ones.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Closed {
    at: Timestamp,
    order: OrderId,
    slot: u32,
    account: u32,
}

impl Exchange {
    /// Ends an order's life: it is remembered for five seconds. It must be out of every list already.
    #[inline]
    pub(super) fn close(
        &mut self,
        slot: u32,
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
        order.next = NIL;
        let account = self.holdings[order.holding as usize].account;
        self.closed.push_back(Closed { at: self.now, order: order.id, slot, account });
        let owner = &mut self.accounts[account as usize];
        let before = std::mem::replace(&mut owner.youngest_closed, slot);
        owner.closed += 1;
        if owner.closed == 1 {
            owner.oldest_closed = slot;
            return;
        }
        let too_many = (owner.closed > CLOSED_PER_ACCOUNT).then_some(owner.oldest_closed);
        self.orders.get_mut(before).next = slot;
        if let Some(oldest) = too_many {
            self.forget(oldest, account, events);
        }
    }

    /// Forgets the orders whose five seconds are over.
    #[inline]
    pub(super) fn forget_due(&mut self, events: &mut Vec<Event>) {
        while let Some(Closed { at, order, slot, account }) = self.closed.front().copied() {
            if self.now.0 - at.0 < CLOSED_KEPT {
                break;
            }
            self.closed.pop_front();
            if self.orders.get(slot).id == order {
                self.forget(slot, account, events);
            }
        }
    }

    /// Forgets an account's oldest closed order.
    #[inline]
    fn forget(&mut self, slot: u32, account: u32, events: &mut Vec<Event>) {
        let order = self.orders.get(slot);
        let owner = &mut self.accounts[account as usize];
        debug_assert_eq!(owner.oldest_closed, slot);
        owner.oldest_closed = order.next;
        owner.closed -= 1;
        events.push(Event::Forgotten { order: order.id });
        self.orders.remove(slot);
    }
}
