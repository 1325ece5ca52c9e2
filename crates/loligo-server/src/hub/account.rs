//! One account: whose keys follow it, and what they are told of its orders and fills.

use super::encoder::message;
use super::followers::Followers;
use super::log::Log;
use super::money::Money;
use super::notices::Notices;
use super::{Dialect, Dialects, Follower, Form, Joined, Names, Shared};
use crate::projection::{FillRow, OrderChanged};
use crate::record::KeyId;
use crate::story;
use crate::transport::outbox::frame;
use loligo_engine::{AccountId, InstrumentId};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Account {
    /// Of each the last record whose changes are in the list it was sent.
    pub(super) orders: Followers<Form, u64>,
    fills: Followers<(), FillsWanted>,
    /// The number of the last fill that was told, or would have been if someone had followed.
    pub(super) fills_told: u64,
    pub(super) money: Money,
    pub(super) log: Log,
    pub(super) notices: Notices,
}

/// Which fills one follows.
#[derive(Default)]
struct FillsWanted {
    /// Follows all contracts, from the fill after this one on.
    all: Option<u64>,
    /// Follows these, each from the fill after the one named.
    only: BTreeMap<InstrumentId, u64>,
}

impl FillsWanted {
    fn wants(&self, row: &FillRow) -> bool {
        let after = |shown: &u64| row.number > *shown;
        self.all.as_ref().is_some_and(after) || self.only.get(&row.instrument).is_some_and(after)
    }
}

impl Account {
    /// Follows fills from the one after the last told on, of one contract or of all.
    pub(super) fn join_fills(
        &mut self,
        follower: &Follower,
        key: KeyId,
        product: Option<InstrumentId>,
    ) -> Joined {
        let told = self.fills_told;
        let (_, wanted) = self.fills.join(follower, key, ());
        // Who follows all of them follows each.
        let again = match product {
            None => wanted.all.replace(told).is_some(),
            Some(product) => wanted.only.insert(product, told).is_some() || wanted.all.is_some(),
        };
        if again { Joined::Again } else { Joined::Anew }
    }

    /// Leaves everything, or what is named; false when none of it was held.
    pub(super) fn leave_fills(&mut self, id: u64, key: KeyId, product: Option<InstrumentId>) -> bool {
        let Some(product) = product else { return self.fills.leave(id, key, ()) };
        let Some(wanted) = self.fills.state(id, key, ()) else { return false };
        let left = wanted.only.remove(&product).is_some();
        if wanted.all.is_none() && wanted.only.is_empty() {
            self.fills.leave(id, key, ());
        }
        left
    }

    pub(super) fn forget(&mut self, id: u64) {
        let Self { orders, fills, fills_told: _, money, log, notices } = self;
        orders.forget(id);
        fills.forget(id);
        money.followers.forget(id);
        log.followers.forget(id);
        notices.followers.forget(id);
    }

    pub(super) fn keep_keys(&mut self, keep: impl Fn(KeyId) -> bool) {
        let Self { orders, fills, fills_told: _, money, log, notices } = self;
        orders.keep_keys(&keep);
        fills.keep_keys(&keep);
        money.followers.keep_keys(&keep);
        log.followers.keep_keys(&keep);
        notices.followers.keep_keys(&keep);
    }

    pub(super) fn is_followed(&self) -> bool {
        let Self { orders, fills, fills_told: _, money, log, notices } = self;
        orders.is_followed()
            || fills.is_followed()
            || money.followers.is_followed()
            || log.followers.is_followed()
            || notices.followers.is_followed()
    }

    pub(super) fn close(&self) {
        let Self { orders, fills, fills_told: _, money, log, notices } = self;
        orders.close();
        fills.close();
        money.followers.close();
        log.followers.close();
        notices.followers.close();
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
        self.fills.tell(|other| {
            let Follower { dialect, outbox } = &other.follower;
            let wanted: Vec<&FillRow> =
                rows.iter().map(|(_, row)| row).filter(|row| other.state.wants(row)).collect();
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
        if !self.orders.is_followed() {
            return;
        }
        for turn in story::of_account(changes) {
            let encode = |(dialect, form): &(Dialect, Form)| {
                message(|out| dialects.of(*dialect).turn(out, names, *form, &turn))
            };
            let mut shared = Shared::new();
            self.orders.tell(|other| {
                if sequence <= other.state {
                    return true;
                }
                shared.of(other.rank(), encode).is_none_or(|told| other.follower.outbox.push(told))
            });
        }
    }
}
