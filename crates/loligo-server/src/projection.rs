//! What readers see: folds over events, published by the writer before it answers, so that everyone reads its own writes.
//!
//! Each is a [`Follower`]: made from what happened, the same way live and in recovery. At a snapshot they begin with what the
//! exchange's own state says (orders, books, prices, sums: no part of a snapshot says that twice) and with what their parts
//! say beyond it. Each fold of one record is atomic to readers of one account (orders,
//! fills) or of the markets, so every answer is of one sequence. Readers hold a lock for as long as they copy; the
//! writer holds one for a single record.

mod changes;
mod depth;
mod directory;
mod earlier;
mod fills;
mod follower;
mod markets;
mod orders;
mod page;
mod service;
mod statement;
mod ticker;
mod trades;
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use changes::{
    Accounts, Changes, CommitChanges, LevelChange, OrderChangeKind, OrderChanged, Publisher, Subscription,
};
pub use depth::DepthSnapshot;
pub use directory::{AccountEntry, ApiKey, Directory, ListedInstrument, NoticeEntry};
pub(crate) use earlier::EarlierViews;
pub use fills::{FILLS_KEPT, FillRow, Fills};
pub use follower::{Applied, Detached, Follower, Happened, Part, PartError, Unable};
use markets::MarketChanges;
pub use markets::{FUNDING_RATES_KEPT, FundingRateRow, Markets};
pub use orders::{AccountOrders, CLOSED_VISIBLE_MICROS, Orders};
pub use page::{Cut, Page};
pub use service::{FaultEntry, Service};
pub(crate) use statement::{PositionStated, Statement, Touched, WalletStated};
pub use ticker::{DayStats, LastTrade, Ticker};
pub use trades::{TRADES_KEPT, TradeRow};
pub(crate) use watch::{Watch, Watched};

use arc_swap::{ArcSwap, Guard};
use loligo_engine::{Exchange, Timestamp};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// All published views of one node.
pub struct Projections {
    orders: Orders,
    fills: Fills,
    markets: Markets,
    directory: ArcSwap<Directory>,
    publisher: Publisher,
    service: ArcSwap<Service>,
    sequence: AtomicU64,
    time: AtomicI64,
}

impl Default for Projections {
    /// Those of a venue before its first record.
    fn default() -> Self {
        Self::before_replay(&Exchange::new(), 0)
    }
}

impl Projections {
    /// What the state of an exchange after a record says by itself, but for its orders: what followers know beyond it, their
    /// parts have to say, and [`Projections::arrive`] brings the orders when what comes after it has been replayed.
    pub(crate) fn before_replay(exchange: &Exchange, sequence: u64) -> Self {
        Self {
            orders: Orders::default(),
            fills: Fills::new(sequence),
            markets: Markets::of(exchange, sequence),
            directory: ArcSwap::default(),
            publisher: Publisher::new(),
            service: ArcSwap::default(),
            sequence: AtomicU64::new(sequence),
            time: AtomicI64::new(exchange.now().0),
        }
    }

    /// Those that are told what is replayed. Orders are not: the state says all there is to say of them, and at the end of a
    /// long tail most are forgotten again.
    pub(crate) fn replayed(&self) -> [&dyn Follower; 2] {
        [&self.fills, &self.markets]
    }

    /// A replay has come to this state.
    pub(crate) fn arrive(&mut self, exchange: &Exchange, sequence: u64) {
        self.orders = Orders::of(exchange, sequence);
        self.markets.show_funding(exchange);
        self.stand_at(sequence, exchange.now());
    }

    /// The followers that these views are.
    pub(crate) fn followers(&self) -> [&dyn Follower; 3] {
        [&self.orders, &self.fills, &self.markets]
    }

    /// Orders by account: open ones, and those closed within five seconds of exchange time.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Fills by account.
    pub fn fills(&self) -> &Fills {
        &self.fills
    }

    /// Public market data: books, trades, tickers.
    pub fn markets(&self) -> &Markets {
        &self.markets
    }

    /// Accounts, keys and instruments. The answer is a whole of one moment and never changes.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// What is out of service, and which faults are to be told. To be held for one look only.
    pub fn service(&self) -> Guard<Arc<Service>> {
        self.service.load()
    }

    /// The sequence these views have reached.
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Exchange time of that record.
    pub fn time(&self) -> Timestamp {
        Timestamp(self.time.load(Ordering::Acquire))
    }

    /// Where changes are told as they happen.
    pub(crate) fn publisher(&self) -> &Publisher {
        &self.publisher
    }

    /// Folds one record; the changes of it, if somebody follows what it changed. Only the writer calls this.
    pub(crate) fn fold(&self, applied: Applied<'_>) -> Option<Changes> {
        let follows = |account| self.publisher.follows(account);
        let fills = self.fills.tell(applied, follows);
        let orders = self.orders.tell(applied, follows);
        let MarketChanges { levels, trades, prices } =
            self.markets.tell(applied, || self.publisher.follows_markets());
        let Applied { sequence, time, .. } = applied;
        self.stand_at(sequence, time);
        let quiet =
            !prices && levels.is_empty() && trades.is_empty() && fills.is_empty() && orders.is_empty();
        (!quiet).then_some(Changes { sequence, levels, trades, fills, orders })
    }

    /// Says how far the views are.
    pub(crate) fn stand_at(&self, sequence: u64, time: Timestamp) {
        self.time.store(time.0, Ordering::Release);
        self.sequence.store(sequence, Ordering::Release);
    }

    pub(crate) fn publish_directory(&self, directory: Directory) {
        self.directory.store(Arc::new(directory));
    }

    pub(crate) fn publish_service(&self, service: Service) {
        self.service.store(Arc::new(service));
    }
}

/// Reads under a lock. A poisoned lock means that a fold panicked, and then the node is already stopping.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Writes under a lock; see [`read`].
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
