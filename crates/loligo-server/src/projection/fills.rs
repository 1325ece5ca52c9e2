//! Fills by account, newest first.

use super::{Applied, read, write};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{
    AccountId, Event, Execution, ExecutionId, Fill, FillRole, InstrumentId, Money, OrderId, Price, Qty, Side,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, RwLock};

/// Fills kept per account, oldest out first. The route shows 100 at a time and pages back by time.
pub const FILLS_KEPT: usize = 2_000;

const SHARDS: usize = 64;

/// One order's side of an execution, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillRow {
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
    /// The order's role.
    pub role: FillRole,
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
}

impl Default for Fills {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Fills {
    /// None yet, or those a snapshot kept.
    pub(crate) fn new(kept: Vec<(AccountId, Vec<FillRow>)>) -> Self {
        let fills = Self { shards: (0..SHARDS).map(|_| RwLock::new(Shard::default())).collect() };
        for (account, rows) in kept {
            write(&fills.shards[account.0 as usize % SHARDS]).insert(account, rows.into());
        }
        fills
    }

    /// The newest `limit` fills of an account, newest first; with `before`, only those earlier than it.
    pub fn of(&self, account: AccountId, before: Option<Timestamp>, limit: usize) -> Vec<FillRow> {
        let shard = read(&self.shards[account.0 as usize % SHARDS]);
        let Some(rows) = shard.get(&account) else { return Vec::new() };
        let end = before.map_or(rows.len(), |before| rows.partition_point(|row| row.time < before));
        rows.range(..end).rev().take(limit).cloned().collect()
    }

    /// Everything kept, by account: what a snapshot stores. Oldest first.
    pub(crate) fn export(&self) -> Vec<(AccountId, Vec<FillRow>)> {
        let mut all: Vec<(AccountId, Vec<FillRow>)> = self
            .shards
            .iter()
            .flat_map(|shard| {
                read(shard).iter().map(|(id, rows)| (*id, rows.iter().cloned().collect())).collect::<Vec<_>>()
            })
            .collect();
        all.sort_by_key(|(account, _)| *account);
        all
    }

    /// Folds before the orders do, while a maker that this record closes still has its name on file.
    ///
    /// `name_of` tells the client's own name of an order on file.
    pub(crate) fn fold(
        &self,
        applied: Applied<'_>,
        name_of: impl Fn(AccountId, OrderId) -> Option<Arc<str>>,
    ) {
        let mut rows: Vec<(AccountId, FillRow)> = Vec::new();
        // The taker of this very record may not be on file yet: its name stands in an earlier event.
        let mut placed: Option<(OrderId, &Option<Arc<str>>)> = None;
        for event in applied.events {
            match event {
                Event::Placed { order, .. } => placed = Some((order.id, &order.client_order_id)),
                Event::Executed(execution) => {
                    for (fill, side) in [
                        (&execution.maker, execution.taker_side.opposite()),
                        (&execution.taker, execution.taker_side),
                    ] {
                        let name = match placed {
                            Some((id, name)) if id == fill.order => name.clone(),
                            _ => name_of(fill.account, fill.order),
                        };
                        rows.push((fill.account, row(applied, execution, fill, side, name)));
                    }
                }
                _ => {}
            }
        }
        rows.sort_by_key(|(account, _)| *account);
        for group in rows.chunk_by_mut(|a, b| a.0 == b.0) {
            let account = group[0].0;
            let mut shard = write(&self.shards[account.0 as usize % SHARDS]);
            let kept = shard.entry(account).or_default();
            for (_, row) in group {
                if kept.len() == FILLS_KEPT {
                    kept.pop_front();
                }
                kept.push_back(row.clone());
            }
        }
    }
}

fn row(
    applied: Applied<'_>,
    execution: &Execution,
    fill: &Fill,
    side: Side,
    client_order_id: Option<Arc<str>>,
) -> FillRow {
    FillRow {
        execution: execution.id,
        sequence: applied.sequence,
        order: fill.order,
        client_order_id,
        instrument: execution.instrument,
        side,
        price: execution.price,
        qty: execution.qty,
        role: fill.role,
        fee: fill.fee,
        realized_pnl: fill.realized_pnl,
        time: applied.time,
    }
}
