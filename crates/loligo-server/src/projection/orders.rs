//! Orders as their owners see them: the hot read of the exchange.
//!
//! Sharded by account, so that a reader meets only the writer's fold of its own account, and holds off nobody else. All
//! of one record's changes to an account are made under one lock: a reader sees a record whole or not at all.

use super::changes::{OrderChangeKind, OrderChanged};
use super::{Applied, Follower, read, write};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use loligo_engine::{
    AccountId, Event, Exchange, Execution, Fill, OrderError, OrderId, OrderStatus, OrderView, Timestamp,
    UpdateReason,
};
use std::hash::BuildHasher;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long a closed order can be asked for, in microseconds of exchange time. At exactly this age it is gone.
pub const CLOSED_VISIBLE_MICROS: i64 = 5 * Timestamp::SECOND;

/// Shards of accounts; a power of two, several times the number of cores that read.
const SHARDS: usize = 64;

/// Orders of all accounts.
pub struct Orders {
    shards: Box<[RwLock<Shard>]>,
    /// The last record that was folded.
    sequence: AtomicU64,
}

type Shard = HashMap<AccountId, AccountOrders, FixedState>;

impl Default for Orders {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::new(Shard::default())).collect();
        Self { shards, sequence: AtomicU64::new(0) }
    }
}

impl Orders {
    /// Those that an exchange knows after a record. The state says all there is to say of them, so a start makes them of it, and
    /// they have no part of a snapshot: the one exception to being made from what happened alone.
    pub(crate) fn of(exchange: &Exchange, sequence: u64) -> Self {
        let orders = Self { sequence: AtomicU64::new(sequence), ..Self::default() };
        for order in exchange.known_orders() {
            let mut shard = write(&orders.shards[shard_of(order.account)]);
            shard.entry(order.account).or_default().insert(order);
        }
        orders
    }

    /// Asks one account's orders something, all at one sequence. `ask` runs under a lock: copy out and leave.
    pub fn with<R>(&self, account: AccountId, ask: impl FnOnce(&AccountOrders) -> R) -> R {
        match read(&self.shards[shard_of(account)]).get(&account) {
            Some(orders) => ask(orders),
            None => ask(&AccountOrders::default()),
        }
    }

    /// Folds one record. Tells the changes of orders whose accounts are followed, each account's together and in their
    /// order.
    pub(crate) fn tell(
        &self,
        applied: Applied<'_>,
        followed: impl Fn(AccountId) -> bool,
    ) -> Vec<OrderChanged> {
        let mut told = Vec::new();
        let mut changes: Vec<(AccountId, Change<'_>)> = Vec::with_capacity(applied.events.len());
        for event in applied.events {
            changes_of(event, &mut changes);
        }
        // Group by account without disturbing the order of one account's changes.
        changes.sort_by_key(|(account, _)| *account);
        for group in changes.chunk_by(|a, b| a.0 == b.0) {
            let account = group[0].0;
            let mut shard = write(&self.shards[shard_of(account)]);
            let orders = shard.entry(account).or_default();
            orders.sequence = applied.sequence;
            // Asked under the lock: whoever reads these orders after it began to follow is told every later change.
            let followed = followed(account);
            for (_, change) in group {
                orders.change(*change);
                if followed && let Some((kind, id)) = change.kind() {
                    told.extend(orders.get(id).map(|order| OrderChanged { kind, order: order.clone() }));
                }
            }
        }
        self.sequence.store(applied.sequence, Ordering::Release);
        told
    }
}

impl Follower for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn fold(&self, applied: Applied<'_>) {
        self.tell(applied, |_| false);
    }
}

fn shard_of(account: AccountId) -> usize {
    account.0 as usize % SHARDS
}

/// What an event means to one order.
#[derive(Clone, Copy)]
enum Change<'a> {
    Insert(OrderChangeKind, &'a OrderView),
    Replace(OrderChangeKind, &'a OrderView),
    Fill(OrderChangeKind, &'a Execution, &'a Fill),
    Filled(OrderId),
    Note(OrderId, Option<UpdateReason>, Option<OrderError>),
    Forget(OrderId),
}

impl Change<'_> {
    /// What its owner is told of it.
    fn kind(self) -> Option<(OrderChangeKind, OrderId)> {
        match self {
            Change::Insert(kind, order) | Change::Replace(kind, order) => Some((kind, order.id)),
            Change::Fill(kind, _, fill) => Some((kind, fill.order)),
            Change::Filled(order) => Some((OrderChangeKind::Filled, order)),
            Change::Note(order, ..) => Some((OrderChangeKind::Noted, order)),
            Change::Forget(_) => None,
        }
    }
}

fn changes_of<'a>(event: &'a Event, changes: &mut Vec<(AccountId, Change<'a>)>) {
    match event {
        Event::Placed { order, .. } => {
            changes.push((order.account, Change::Insert(OrderChangeKind::Placed, order)));
        }
        Event::Rejected { order, .. } => {
            changes.push((order.account, Change::Insert(OrderChangeKind::Rejected, order)));
        }
        Event::Executed(execution) => {
            for (kind, fill) in
                [(OrderChangeKind::Hit, &execution.maker), (OrderChangeKind::Took, &execution.taker)]
            {
                changes.push((fill.account, Change::Fill(kind, execution, fill)));
            }
        }
        Event::Filled { order, account } => changes.push((*account, Change::Filled(*order))),
        Event::Cancelled { order } => {
            changes.push((order.account, Change::Replace(OrderChangeKind::Cancelled, order)));
        }
        Event::Reduced { order, .. } => {
            changes.push((order.account, Change::Replace(OrderChangeKind::Reduced, order)));
        }
        Event::Fired { order, .. } => {
            changes.push((order.account, Change::Replace(OrderChangeKind::Fired, order)));
        }
        Event::ActivationFailed { order } => {
            changes.push((order.account, Change::Replace(OrderChangeKind::ActivationFailed, order)));
        }
        Event::Repriced { order } => {
            changes.push((order.account, Change::Replace(OrderChangeKind::Repriced, order)));
        }
        Event::Rewritten { order } => {
            changes.push((order.account, Change::Replace(OrderChangeKind::Rewritten, order)));
        }
        Event::Edited { change, .. } => {
            changes.push((change.order.account, Change::Replace(OrderChangeKind::Edited, &change.order)));
        }
        Event::EditRejected(refused) => {
            let order = &refused.order;
            changes.push((order.account, Change::Note(order.id, order.reason, order.error)));
        }
        Event::Noted { order, account, reason, error } => {
            changes.push((*account, Change::Note(*order, *reason, *error)));
        }
        Event::Forgotten { order, account } => changes.push((*account, Change::Forget(*order))),
        Event::NotFound { .. }
        | Event::Listed { .. }
        | Event::AccountCreated { .. }
        | Event::Level { .. }
        | Event::Balance { .. }
        | Event::Market { .. }
        | Event::Account { .. }
        | Event::Leverage { .. }
        | Event::PnlPreference { .. }
        | Event::Converted(_)
        | Event::Interest(_)
        | Event::Funding(_)
        | Event::FundingRate { .. }
        | Event::AssignmentProgram(_)
        | Event::Pool { .. }
        | Event::Delisting { .. }
        | Event::SettlementPrice { .. }
        | Event::Settled(_)
        | Event::Index { .. }
        | Event::Past { .. }
        | Event::Mark { .. } => {}
    }
}

/// One account's orders at one sequence.
///
/// The records lie in a vector and the tables hold places in it: a table keeps up to half of its room empty, and an
/// empty place costs four bytes here instead of a whole record.
#[derive(Default)]
pub struct AccountOrders {
    records: Vec<OrderView>,
    /// Places whose orders are forgotten.
    free: Vec<u32>,
    by_id: HashTable<u32>,
    /// By client order id; several orders may share one.
    by_client: HashTable<u32>,
    /// The last record that changed any of them.
    sequence: u64,
}

impl AccountOrders {
    /// The order, while it is open or within five seconds of its end, as seen at `now`.
    pub fn order(&self, id: OrderId, now: Timestamp) -> Option<&OrderView> {
        self.get(id).filter(|order| visible(order, now))
    }

    /// Every visible order the account gave this name, oldest first.
    pub fn by_client_id(&self, name: &str, now: Timestamp) -> Vec<&OrderView> {
        let mut found: Vec<&OrderView> = self
            .by_client
            .iter_hash(hash_name(name))
            .map(|place| &self.records[*place as usize])
            .filter(|order| order.client_order_id.as_deref() == Some(name) && visible(order, now))
            .collect();
        found.sort_by_key(|order| order.id);
        found
    }

    /// The journal's place of the last record that changed any of them; 0 while none has since the node started.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Open orders, oldest first.
    pub fn open(&self) -> Vec<&OrderView> {
        self.sorted(|order| !order.status.is_closed())
    }

    /// Open orders, oldest first, to be looked at when the lock is given back.
    pub fn open_copied(&self) -> Vec<OrderView> {
        self.open().into_iter().cloned().collect()
    }

    /// Every order that is open or was closed less than five seconds before `now`, in order of number.
    pub fn known(&self, now: Timestamp) -> Vec<&OrderView> {
        self.sorted(|order| visible(order, now))
    }

    fn sorted(&self, wanted: impl Fn(&OrderView) -> bool) -> Vec<&OrderView> {
        let all = self.by_id.iter().map(|place| &self.records[*place as usize]);
        let mut found: Vec<&OrderView> = all.filter(|order| wanted(order)).collect();
        found.sort_by_key(|order| order.id);
        found
    }

    fn get(&self, id: OrderId) -> Option<&OrderView> {
        let records = &self.records;
        let place = self.by_id.find(hash_id(id), |place| records[*place as usize].id == id)?;
        Some(&records[*place as usize])
    }

    fn get_mut(&mut self, id: OrderId) -> Option<&mut OrderView> {
        let records = &self.records;
        let place = *self.by_id.find(hash_id(id), |place| records[*place as usize].id == id)?;
        self.records.get_mut(place as usize)
    }

    fn insert(&mut self, order: OrderView) {
        let (id, name) = (order.id, order.client_order_id.as_deref().map(hash_name));
        let place = match self.free.pop() {
            Some(place) => {
                self.records[place as usize] = order;
                place
            }
            None => {
                self.records.push(order);
                (self.records.len() - 1) as u32
            }
        };
        let records = &self.records;
        self.by_id.insert_unique(hash_id(id), place, |place| hash_id(records[*place as usize].id));
        if let Some(name) = name {
            self.by_client.insert_unique(name, place, |place| {
                records[*place as usize].client_order_id.as_deref().map_or(0, hash_name)
            });
        }
    }

    fn change(&mut self, change: Change<'_>) {
        match change {
            Change::Insert(_, order) => self.insert(order.clone()),
            Change::Replace(_, order) => {
                if let Some(record) = self.get_mut(order.id) {
                    record.clone_from(order);
                }
            }
            Change::Fill(_, execution, fill) => {
                if let Some(order) = self.get_mut(fill.order) {
                    order.filled.0 += execution.qty.0;
                    order.reason = Some(UpdateReason::PartialFill);
                    order.error = None;
                    order.updated_at = execution.at;
                }
            }
            Change::Filled(id) => {
                if let Some(order) = self.get_mut(id) {
                    order.status = OrderStatus::FullyExecuted;
                    order.reason = Some(UpdateReason::FullFill);
                    order.error = None;
                }
            }
            Change::Note(id, reason, error) => {
                if let Some(order) = self.get_mut(id) {
                    order.reason = reason;
                    order.error = error;
                }
            }
            Change::Forget(id) => self.forget(id),
        }
    }

    fn forget(&mut self, id: OrderId) {
        let records = &self.records;
        let entry = self.by_id.find_entry(hash_id(id), |place| records[*place as usize].id == id);
        let Ok(entry) = entry else { return };
        let (place, _) = entry.remove();
        if let Some(name) = self.records[place as usize].client_order_id.take()
            && let Ok(entry) = self.by_client.find_entry(hash_name(&name), |other| *other == place)
        {
            entry.remove();
        }
        self.free.push(place);
    }
}

/// Exchange time runs on between records, so a reader judges age itself and does not wait for the engine to forget.
fn visible(order: &OrderView, now: Timestamp) -> bool {
    !order.status.is_closed() || now.0 - order.updated_at.0 < CLOSED_VISIBLE_MICROS
}

fn hash_name(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}

fn hash_id(id: OrderId) -> u64 {
    FixedState::default().hash_one(id)
}
