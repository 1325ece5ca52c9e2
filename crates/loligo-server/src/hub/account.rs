//! One account: whose keys follow it, and what they are told of its orders and fills.

use super::encoder::message;
use super::log::Log;
use super::money::Money;
use super::notices::Notices;
use super::{Dialect, Dialects, Follower, Form, Joined, Names, Shared, place};
use crate::projection::{FillRow, OrderChanged};
use crate::record::KeyId;
use crate::story;
use crate::transport::outbox::frame;
use loligo_engine::{AccountId, InstrumentId};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Account {
    /// In the order of their dialects and forms.
    orders: Vec<OrdersFollower>,
    /// In the order of their dialects.
    fills: Vec<FillsFollower>,
    /// The number of the last fill that was told, or would have been if someone had followed.
    pub(super) fills_told: u64,
    pub(super) money: Money,
    pub(super) log: Log,
    pub(super) notices: Notices,
}

struct OrdersFollower {
    follower: Follower,
    key: KeyId,
    form: Form,
    /// The last record whose changes are in the list it was sent.
    shown: u64,
}

struct FillsFollower {
    follower: Follower,
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
    pub(super) fn join_orders(&mut self, follower: &Follower, key: KeyId, form: Form) -> Joined {
        if self.orders.iter().any(|other| other.is(follower.outbox.id, key, form)) {
            return Joined::Again;
        }
        let at = place(&self.orders, &(follower.dialect, form), OrdersFollower::rank);
        self.orders.insert(at, OrdersFollower { follower: follower.clone(), key, form, shown: 0 });
        Joined::Anew
    }

    /// A follower was sent the list as it was after record `shown`.
    pub(super) fn orders_shown(&mut self, id: u64, key: KeyId, form: Form, shown: u64) {
        if let Some(follower) = self.orders.iter_mut().find(|follower| follower.is(id, key, form)) {
            follower.shown = shown;
        }
    }

    pub(super) fn leave_orders(&mut self, id: u64, key: KeyId, form: Form) -> bool {
        let before = self.orders.len();
        self.orders.retain(|follower| !follower.is(id, key, form));
        self.orders.len() < before
    }

    /// Follows fills from the one after the last told on, of one contract or of all.
    pub(super) fn join_fills(
        &mut self,
        follower: &Follower,
        key: KeyId,
        product: Option<InstrumentId>,
    ) -> Joined {
        let told = self.fills_told;
        let held = self.fills.iter().position(|other| other.is(follower.outbox.id, key));
        let at = held.unwrap_or_else(|| {
            let at = place(&self.fills, &follower.dialect, |other| other.follower.dialect);
            let follower = follower.clone();
            self.fills.insert(at, FillsFollower { follower, key, all: None, only: BTreeMap::new() });
            at
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
            self.fills.remove(at);
            return true;
        };
        let left = follower.only.remove(&product).is_some();
        if follower.all.is_none() && follower.only.is_empty() {
            self.fills.remove(at);
        }
        left
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.orders.retain(|other| other.follower.outbox.id != id);
        self.fills.retain(|other| other.follower.outbox.id != id);
        self.money.forget(id);
        self.log.forget(id);
        self.notices.forget(id);
    }

    pub(super) fn keep_keys(&mut self, keep: impl Fn(KeyId) -> bool) {
        self.orders.retain(|follower| keep(follower.key));
        self.fills.retain(|follower| keep(follower.key));
        self.money.keep_keys(&keep);
        self.log.keep_keys(&keep);
        self.notices.keep_keys(&keep);
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.orders.is_empty()
            || !self.fills.is_empty()
            || self.money.is_followed()
            || self.log.is_followed()
            || self.notices.is_followed()
    }

    /// Tells one record's fills in one message.
    pub(super) fn tell_fills(
        &mut self,
        dialects: &Dialects,
        rows: &[(AccountId, FillRow)],
        names: Names<'_>,
    ) {
        let Some((account, last)) = rows.last() else { return };
        self.fills_told = self.fills_told.max(last.number);
        let encode = |dialect: Dialect, wanted: &[&FillRow]| {
            frame(|out| dialects.of(dialect).fills(out, names, *account, wanted))
        };
        // Nearly every follower wants all of them.
        let mut whole = Shared::new();
        self.fills.retain(|other| {
            let Follower { dialect, outbox } = &other.follower;
            if outbox.is_closed() {
                return false;
            }
            let wanted: Vec<&FillRow> =
                rows.iter().map(|(_, row)| row).filter(|row| other.wants(row)).collect();
            if wanted.is_empty() {
                return true;
            }
            let message = if wanted.len() == rows.len() {
                whole.of(*dialect, |dialect| Some(encode(*dialect, &wanted)))
            } else {
                Some(encode(*dialect, &wanted))
            };
            message.is_none_or(|message| outbox.push(message))
        });
    }

    /// Tells one record's changes of orders.
    pub(super) fn tell_orders(
        &mut self,
        dialects: &Dialects,
        changes: &[OrderChanged],
        sequence: u64,
        names: Names<'_>,
    ) {
        if self.orders.is_empty() {
            return;
        }
        for turn in story::of_account(changes) {
            let encode = |(dialect, form): &(Dialect, Form)| {
                message(|out| dialects.of(*dialect).turn(out, names, *form, &turn))
            };
            let mut shared = Shared::new();
            self.orders.retain(|other| {
                if other.follower.outbox.is_closed() {
                    return false;
                }
                if sequence <= other.shown {
                    return true;
                }
                shared.of(other.rank(), encode).is_none_or(|told| other.follower.outbox.push(told))
            });
        }
    }

    pub(super) fn close(&self) {
        let orders = self.orders.iter().map(|other| &other.follower);
        for follower in orders.chain(self.fills.iter().map(|other| &other.follower)) {
            follower.outbox.overflow();
        }
        self.money.close();
        self.log.close();
        self.notices.close();
    }
}

impl OrdersFollower {
    fn is(&self, id: u64, key: KeyId, form: Form) -> bool {
        self.follower.outbox.id == id && self.key == key && self.form == form
    }

    fn rank(&self) -> (Dialect, Form) {
        (self.follower.dialect, self.form)
    }
}

impl FillsFollower {
    fn is(&self, id: u64, key: KeyId) -> bool {
        self.follower.outbox.id == id && self.key == key
    }
}
