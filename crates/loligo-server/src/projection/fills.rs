//! Fills by account, newest first.

use super::page::{Cut, Page, page};
use super::{Applied, Follower, Part, PartError, read, write};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{
    AccountId, Event, Execution, ExecutionId, Fill, FillRole, InstrumentId, Money, OrderId, OrderType, Price,
    Qty, Side, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// Fills kept per account, oldest out first. The route shows 100 at a time and pages back by time.
pub const FILLS_KEPT: usize = 2_000;

/// Layout of its part of a snapshot: rows by account, oldest first.
pub(super) const PART_VERSION: u8 = 1;

const SHARDS: usize = 64;

/// One order's side of an execution, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillRow {
    /// How many fills the account had before, plus one: counted since the venue began, so that it goes on over restarts.
    pub number: u64,
    /// The execution; both sides share it.
    pub execution: ExecutionId,
    /// The journal's place of the record that caused it.
    pub sequence: u64,
    /// The order.
    pub order: OrderId,
    /// The client's own name for it.
    pub client_order_id: Option<Arc<str>>,
    /// In which contract.
    pub instrument: InstrumentId,
    /// The order's side.
    pub side: Side,
    /// At the resting order's price.
    pub price: Price,
    /// How many lots.
    pub qty: Qty,
    /// What was open of the order after it.
    pub remaining: Qty,
    /// The order's role.
    pub role: FillRole,
    /// The order's type.
    pub order_type: OrderType,
    /// The type of the order that came.
    pub taker_order_type: OrderType,
    /// Fee in the settlement currency; negative when a rebate was paid.
    pub fee: Money,
    /// Realised P&L booked by this fill.
    pub realized_pnl: Money,
    /// When.
    pub time: Timestamp,
}

type Shard = HashMap<AccountId, VecDeque<FillRow>, FixedState>;

/// Fills of all accounts.
pub struct Fills {
    shards: Box<[RwLock<Shard>]>,
    /// The last record that was folded.
    sequence: AtomicU64,
}

impl Fills {
    pub(super) const NAME: &str = "fills";

    /// None up to a record.
    pub(crate) fn new(sequence: u64) -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::new(Shard::default())).collect();
        Self { shards, sequence: AtomicU64::new(sequence) }
    }

    /// An account's newest fills, with `before` only those earlier than it.
    pub fn page(&self, account: AccountId, before: Option<Timestamp>, cut: Cut) -> Page<FillRow> {
        let shard = read(&self.shards[account.0 as usize % SHARDS]);
        let rows = shard.get(&account);
        rows.map_or_else(Page::default, |rows| page(rows, before, cut, |row| row.time))
    }

    /// The newest `limit` fills of an account, newest first.
    pub fn of(&self, account: AccountId, limit: usize) -> Vec<FillRow> {
        let shard = read(&self.shards[account.0 as usize % SHARDS]);
        let rows = shard.get(&account);
        rows.map_or_else(Vec::new, |rows| rows.iter().rev().take(limit).cloned().collect())
    }

    /// The number of an account's newest fill; 0 before the first.
    pub(crate) fn newest(&self, account: AccountId) -> u64 {
        let shard = read(&self.shards[account.0 as usize % SHARDS]);
        shard.get(&account).and_then(VecDeque::back).map_or(0, |row| row.number)
    }

    /// An account's newest `limit` fills that are wanted and have numbers up to `last`, oldest first.
    pub(crate) fn up_to(
        &self,
        account: AccountId,
        last: u64,
        limit: usize,
        wanted: impl Fn(&FillRow) -> bool,
    ) -> Vec<FillRow> {
        let shard = read(&self.shards[account.0 as usize % SHARDS]);
        let Some(rows) = shard.get(&account) else { return Vec::new() };
        let newest = rows.iter().rev().filter(|row| row.number <= last && wanted(row));
        let mut found: Vec<FillRow> = newest.take(limit).cloned().collect();
        found.reverse();
        found
    }

    /// Folds one record. Tells the rows of accounts that are followed, each account's together and in their order.
    pub(crate) fn tell(
        &self,
        applied: Applied<'_>,
        followed: impl Fn(AccountId) -> bool,
    ) -> Vec<(AccountId, FillRow)> {
        let mut rows: Vec<(AccountId, FillRow)> = Vec::new();
        for event in applied.events {
            if let Event::Executed(execution) = event {
                for (side, fill) in execution.sides() {
                    rows.push((fill.account, row(applied.sequence, execution, fill, side)));
                }
            }
        }
        rows.sort_by_key(|(account, _)| *account);
        let mut told = Vec::new();
        for group in rows.chunk_by(|a, b| a.0 == b.0) {
            let account = group[0].0;
            let mut shard = write(&self.shards[account.0 as usize % SHARDS]);
            let kept = shard.entry(account).or_default();
            for (_, row) in group {
                if kept.len() == FILLS_KEPT {
                    kept.pop_front();
                }
                kept.push_back(row.clone());
            }
            // Asked under the lock: whoever reads these rows after it began to follow is told all that come later.
            if followed(account) {
                told.extend_from_slice(group);
            }
        }
        self.sequence.store(applied.sequence, Ordering::Release);
        told
    }
}

impl Follower for Fills {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn fold(&self, applied: Applied<'_>) {
        self.tell(applied, |_| false);
    }

    fn part(&self) -> Option<Part> {
        let rows = |shard: &RwLock<Shard>| -> Vec<(AccountId, Vec<FillRow>)> {
            read(shard).iter().map(|(id, rows)| (*id, rows.iter().cloned().collect())).collect()
        };
        let mut all: Vec<_> = self.shards.iter().flat_map(rows).collect();
        all.sort_by_key(|(account, _)| *account);
        Some(Part::of(self.name(), PART_VERSION, &all))
    }

    fn take_part(&self, part: &Part) -> Result<(), PartError> {
        let kept: Vec<(AccountId, Vec<FillRow>)> = part.read(PART_VERSION)?;
        for (account, rows) in kept {
            write(&self.shards[account.0 as usize % SHARDS]).insert(account, rows.into());
        }
        Ok(())
    }
}

fn row(sequence: u64, execution: &Execution, fill: &Fill, side: Side) -> FillRow {
    FillRow {
        number: fill.number,
        execution: execution.id,
        sequence,
        order: fill.order,
        client_order_id: fill.client_order_id.clone(),
        instrument: execution.instrument,
        side,
        price: execution.price,
        qty: execution.qty,
        remaining: Qty(fill.qty.0 - fill.filled_before.0 - execution.qty.0),
        role: fill.role,
        order_type: fill.order_type,
        taker_order_type: execution.taker.order_type,
        fee: fill.fee,
        realized_pnl: fill.realized_pnl,
        time: execution.at,
    }
}
