//! One account: whose keys follow its orders and fills, and what they are told.

use super::super::outbox::{Frame, Outbox, frame};
use super::Joined;
use crate::gateway::convert::feeds::story;
use crate::gateway::convert::orders::Shown;
use crate::projection::{FillRow, KeyId, OrderNews};
use loligo_engine::{AccountId, InstrumentId};
use loligo_wire::ws1::{self, OrdersFeed};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Account {
    orders: Vec<OrdersFollower>,
    fills: Vec<FillsFollower>,
    /// The number of the last fill that was told, or would have been if someone had followed.
    pub(super) fills_told: u64,
}

struct OrdersFollower {
    outbox: Arc<Outbox>,
    key: KeyId,
    feed: OrdersFeed,
    /// The last record whose changes are in the list it was sent.
    shown: u64,
}

struct FillsFollower {
    outbox: Arc<Outbox>,
    key: KeyId,
    /// Follows all contracts, from the fill after this one on.
    all: Option<u64>,
    /// Follows these, each from the fill after the one named.
    only: BTreeMap<InstrumentId, u64>,
}

impl FillsFollower {
    fn wants(&self, row: &FillRow) -> bool {
        let after = |shown: &u64| row.number > *shown;
        self.all.as_ref().is_some_and(after) || self.only.get(&row.instrument).is_some_and(after)
    }
}

impl Account {
    pub(super) fn join_orders(&mut self, outbox: &Arc<Outbox>, key: KeyId, feed: OrdersFeed) -> Joined {
        if self.orders.iter().any(|follower| follower.is(outbox.id, key, feed)) {
            return Joined::Again;
        }
        self.orders.push(OrdersFollower { outbox: Arc::clone(outbox), key, feed, shown: 0 });
        Joined::Anew
    }

    /// A follower was sent the list as it was after record `shown`.
    pub(super) fn orders_shown(&mut self, id: u64, key: KeyId, feed: OrdersFeed, shown: u64) {
        if let Some(follower) = self.orders.iter_mut().find(|follower| follower.is(id, key, feed)) {
            follower.shown = shown;
        }
    }

    pub(super) fn leave_orders(&mut self, id: u64, key: KeyId, feed: OrdersFeed) -> bool {
        let before = self.orders.len();
        self.orders.retain(|follower| !follower.is(id, key, feed));
        self.orders.len() < before
    }

    /// Follows fills from the one after the last told on, of one contract or of all.
    pub(super) fn join_fills(
        &mut self,
        outbox: &Arc<Outbox>,
        key: KeyId,
        product: Option<InstrumentId>,
    ) -> Joined {
        let told = self.fills_told;
        let held = self.fills.iter().position(|follower| follower.is(outbox.id, key));
        let at = held.unwrap_or_else(|| {
            let outbox = Arc::clone(outbox);
            self.fills.push(FillsFollower { outbox, key, all: None, only: BTreeMap::new() });
            self.fills.len() - 1
        });
        let follower = &mut self.fills[at];
        // Who follows all of them follows each.
        let again = match product {
            None => follower.all.replace(told).is_some(),
            Some(product) => follower.only.insert(product, told).is_some() || follower.all.is_some(),
        };
        if again { Joined::Again } else { Joined::Anew }
    }

    /// Leaves everything, or what is named; false when none of it was held.
    pub(super) fn leave_fills(&mut self, id: u64, key: KeyId, product: Option<InstrumentId>) -> bool {
        let Some(at) = self.fills.iter().position(|follower| follower.is(id, key)) else { return false };
        let follower = &mut self.fills[at];
        let Some(product) = product else {
            self.fills.swap_remove(at);
            return true;
        };
        let left = follower.only.remove(&product).is_some();
        if follower.all.is_none() && follower.only.is_empty() {
            self.fills.swap_remove(at);
        }
        left
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.orders.retain(|follower| follower.outbox.id != id);
        self.fills.retain(|follower| follower.outbox.id != id);
    }

    pub(super) fn keep_keys(&mut self, keep: impl Fn(KeyId) -> bool) {
        self.orders.retain(|follower| keep(follower.key));
        self.fills.retain(|follower| keep(follower.key));
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.orders.is_empty() || !self.fills.is_empty()
    }

    /// Tells one record's fills in one message.
    pub(super) fn tell_fills(&mut self, rows: &[(AccountId, FillRow)], shown: &Shown<'_>) {
        let Some((account, last)) = rows.last() else { return };
        self.fills_told = self.fills_told.max(last.number);
        let uid = shown.identity.account_uid(*account);
        let encode = |wanted: &[&FillRow]| {
            let rows = wanted.iter().filter_map(|row| shown.feed_fill(row));
            frame(|out| ws1::write_fills(out, uid, rows))
        };
        // Nearly every follower wants all of them.
        let mut whole: Option<Frame> = None;
        self.fills.retain(|follower| {
            if follower.outbox.is_closed() {
                return false;
            }
            let wanted: Vec<&FillRow> =
                rows.iter().map(|(_, row)| row).filter(|row| follower.wants(row)).collect();
            if wanted.is_empty() {
                return true;
            }
            let message = if wanted.len() == rows.len() {
                whole.get_or_insert_with(|| encode(&wanted)).clone()
            } else {
                encode(&wanted)
            };
            follower.outbox.push(message)
        });
    }

    /// Tells one record's steps of orders.
    pub(super) fn tell_orders(&mut self, steps: &[OrderNews], sequence: u64, shown: &Shown<'_>) {
        if self.orders.is_empty() {
            return;
        }
        for message in story(steps) {
            for feed in [OrdersFeed::Plain, OrdersFeed::Verbose] {
                let mut encoded: Option<Frame> = None;
                let mut has_word = true;
                self.orders.retain(|follower| {
                    if follower.outbox.is_closed() {
                        return false;
                    }
                    if follower.feed != feed || sequence <= follower.shown || !has_word {
                        return true;
                    }
                    let message = encoded
                        .get_or_insert_with(|| frame(|out| has_word = message.write(out, feed, shown)));
                    !has_word || follower.outbox.push(message.clone())
                });
            }
        }
    }

    pub(super) fn close(&self) {
        for outbox in self.orders.iter().map(|f| &f.outbox).chain(self.fills.iter().map(|f| &f.outbox)) {
            outbox.overflow();
        }
    }
}

impl OrdersFollower {
    fn is(&self, id: u64, key: KeyId, feed: OrdersFeed) -> bool {
        self.outbox.id == id && self.key == key && self.feed == feed
    }
}

impl FillsFollower {
    fn is(&self, id: u64, key: KeyId) -> bool {
        self.outbox.id == id && self.key == key
    }
}
