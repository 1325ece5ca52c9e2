//! The follower that makes figures of what happens, and keeps them in a database of its own.
//!
//! Beside rows it needs to know how books stand and who holds what. That is the exchange's state at its place, so it is not kept
//! here: it is shown to the follower when it begins, and brought along from there.

use super::super::store::{Form, Holds, Kept, Store};
use super::super::{Range, Resolution};
use super::Subject;
use super::figures::{Figures, Ohlc, PoolValue, Rates, Stretch};
use super::forming::{Forming, KEPT, Row};
use super::page::{Page, page};
use super::shelf::{self, Shelf};
use super::standing::Standing;
use crate::projection::{Applied, Detached, Follower, Unable};
use loligo_engine::{Currency, Exchange, FinePrice, FundingRate, InstrumentId, Money, PairId, Timestamp};
use rusqlite::params;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The database in a data folder.
const FILE: &str = "analytics.db";
/// As the node knows it.
pub(crate) const NAME: &str = "analytics";

/// Rows are written when so many complete ones wait, though it is not time yet; a jump of the clock makes many in little time.
const ROWS_WAITING: usize = 10_000;
/// So many may wait while they cannot be written, about 100 MB of them: then the oldest are given up.
const ROWS_MOST: usize = 300_000;

/// The version is that of the packed figures, too.
const FORM: Form =
    Form { version: 1, tables: &["analytics"], make: |connection| connection.execute_batch(shelf::SCHEMA) };

/// Figures of all contracts and of the liquidation pool, as far as the log was folded.
pub(crate) struct Analytics {
    file: Option<PathBuf>,
    kept: Kept<Held>,
}

/// All that is known as far as the log was folded.
pub(super) struct Held {
    pub(super) store: Store,
    /// Whether it knows how everything stood at its place.
    pub(super) stands: bool,
    pub(super) contracts: BTreeMap<InstrumentId, Contract>,
    pub(super) indexes: BTreeMap<PairId, FinePrice>,
    /// What is in the pool, and its value.
    pub(super) pool: BTreeMap<Currency, Money>,
    pub(super) pool_value: Option<Forming<PoolValue>>,
    /// When the minute began that the last event was in.
    pub(super) minute: Timestamp,
    /// Rows that are complete and were not written yet. Their bound is that of candles: see [`ROWS_WAITING`], [`ROWS_MOST`].
    pub(super) complete: Vec<Row>,
    /// How many of them may wait until they are written before it is time.
    pub(super) room: usize,
}

pub(super) struct Contract {
    pub(super) standing: Standing,
    pub(super) forming: Forming<Figures>,
}

impl Analytics {
    /// The figures of a data folder, or of none: then they are kept in memory. The folder is opened when the node has made and
    /// locked it, which is when it shows its contracts.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn new(data: Option<&Path>) -> rusqlite::Result<Self> {
        Ok(Self {
            file: data.map(|data| data.join(FILE)),
            kept: Kept::new(Held::of(Store::in_memory(&FORM)?)),
        })
    }

    /// A page of a contract's figures, with so many stretches in front of it; see [`page`].
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn contract(
        &self,
        id: InstrumentId,
        resolution: Resolution,
        range: Range,
        lead: u32,
        until: Timestamp,
    ) -> rusqlite::Result<Page<Figures>> {
        let mut held = self.kept.lock();
        held.take_figures(id);
        held.write()?;
        page(Shelf::new(held.store.connection(), Subject::Contract(id)), resolution, range, lead, until)
    }

    /// A page of the value of the liquidation pool.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn pool(
        &self,
        resolution: Resolution,
        range: Range,
        until: Timestamp,
    ) -> rusqlite::Result<Page<PoolValue>> {
        let mut held = self.kept.lock();
        held.take_pool_value();
        held.write()?;
        page(Shelf::new(held.store.connection(), Subject::Pool), resolution, range, 0, until)
    }
}

impl Holds for Held {
    const WHAT: &'static str = NAME;

    fn store(&self) -> &Store {
        &self.store
    }
}

impl Held {
    /// What a database has, before anything is known of how it stands.
    fn of(store: Store) -> Self {
        Self {
            // Before the first record there is nothing to know.
            stands: store.place().record == 0,
            store,
            contracts: BTreeMap::new(),
            indexes: BTreeMap::new(),
            pool: BTreeMap::new(),
            pool_value: None,
            minute: Timestamp(i64::MIN),
            complete: Vec::new(),
            room: ROWS_WAITING,
        }
    }

    /// Takes up how the exchange stands after the last record.
    fn stand(&mut self, exchange: &Exchange) -> rusqlite::Result<()> {
        let now = exchange.now();
        (self.stands, self.minute) = (true, Resolution::OneMinute.opening(now));
        self.contracts.clear();
        for (id, instrument) in exchange.instruments() {
            let standing = Standing::of(exchange, id, instrument);
            let market = exchange.market(id);
            if let Some(index) = market.and_then(|market| market.index) {
                self.indexes.insert(instrument.pair(), index);
            }
            let subject = Subject::Contract(id);
            let lots = market.map_or(0, |market| i128::from(market.open_interest.0));
            // One of nothing may be none yet: what is of the hour is told at its end.
            let rate = market.and_then(|market| market.funding).map(|funding| funding.rate);
            let rate = rate.filter(|rate| *rate != FundingRate::ZERO);
            let forming = match self.restored::<Figures>(subject)? {
                // What lies between is out of reach. Rows that are complete know better than a record that is folded again.
                Some(mut forming)
                    if self.store.is_open_at(now) && !forming.newest().ends_with(lots, rate) =>
                {
                    forming.change(now, &mut self.complete, |figures, _| figures.go_on_with(lots, rate));
                    forming
                }
                Some(forming) => forming,
                // What came before is out of reach: it begins here.
                None => {
                    let (open_interest, rates) = (Ohlc::flat(lots), rate.map(Rates::flat));
                    Forming::begin(subject, now, &Figures { open_interest, rates, ..Figures::default() })
                }
            };
            self.contracts.insert(id, Contract { standing, forming });
        }
        for (id, account, lots) in exchange.holdings() {
            if let Some(contract) = self.contracts.get_mut(&id) {
                contract.standing.holds(account, lots);
            }
        }
        self.pool = exchange.pools().into_iter().collect();
        self.pool_value = self.restored(Subject::Pool)?;
        Ok(())
    }

    /// How the exchange stands is not known: until it is shown, nothing is told but what was.
    fn forget_how_it_stands(&mut self) {
        self.stands = false;
        self.contracts.clear();
        self.indexes.clear();
        self.pool.clear();
        self.pool_value = None;
    }

    /// The forming stretches of a subject, if it has rows.
    pub(super) fn restored<T: Stretch>(&self, subject: Subject) -> rusqlite::Result<Option<Forming<T>>> {
        let shelf = Shelf::new(self.store.connection(), subject);
        let mut rows = Vec::with_capacity(KEPT.len());
        for resolution in KEPT {
            rows.extend(shelf.before(resolution, Timestamp(i64::MAX))?);
        }
        Ok(rows.try_into().ok().map(|rows| Forming::restore(subject, rows)))
    }

    /// Writes what changed, with its place.
    fn write(&mut self) -> rusqlite::Result<()> {
        let mut rows = std::mem::take(&mut self.complete);
        for contract in self.contracts.values_mut() {
            contract.forming.take_rows(&mut rows);
        }
        if let Some(value) = &mut self.pool_value {
            value.take_rows(&mut rows);
        }
        if rows.is_empty() && self.store.is_current() {
            return Ok(());
        }
        let written = self.store.write(|transaction| shelf::put(transaction, &rows));
        self.room = ROWS_WAITING;
        if written.is_err() {
            rows.drain(..rows.len().saturating_sub(ROWS_MOST));
            self.room += rows.len();
            self.complete = rows;
        }
        written
    }

    /// Writes if it is time to, and now and then drops what is too old.
    fn keep_up(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        if !self.store.is_due(self.complete.len() >= self.room) {
            return Ok(());
        }
        self.write()?;
        if self.store.is_to_be_pruned(now) {
            let contracts = self.contracts.keys().map(|id| Subject::Contract(*id));
            for subject in contracts.chain([Subject::Pool]) {
                Shelf::new(self.store.connection(), subject).prune(now)?;
            }
        }
        Ok(())
    }

    /// Forgets what came after a record: everything from the beginning of its day on, which is folded again from there. How it
    /// stood there must be shown to it, unless it is there already.
    fn revert(&mut self, branch: u64, to: u64) -> rusqlite::Result<()> {
        self.write()?;
        let is_behind = self.store.place().record <= to;
        self.store.revert(branch, to, |transaction, opened| {
            transaction.execute("DELETE FROM analytics WHERE opened >= ?1", params![opened]).map(drop)
        })?;
        if !is_behind {
            let store = std::mem::replace(&mut self.store, Store::in_memory(&FORM)?);
            *self = Self::of(store);
        }
        Ok(())
    }
}

impl Follower for Analytics {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sequence(&self) -> u64 {
        self.kept.sequence()
    }

    fn fold(&self, applied: Applied<'_>) {
        self.kept.attempt(|held| {
            held.fold(applied);
            held.keep_up(applied.time)
        });
    }
}

impl Detached for Analytics {
    fn meet(&self, exchange: &Exchange, sequence: u64) -> Result<(), Unable> {
        let mut held = self.kept.lock();
        if let Some(file) = &self.file {
            *held = Held::of(Store::open(file, &FORM)?);
            self.kept.tell(&held);
        }
        let is_there = held.store.place().record == sequence;
        let stood = if is_there { held.stand(exchange) } else { Ok(()) };
        stood.map_err(|error| Unable(format!("{FILE}: {error}")))
    }

    fn stands(&self) -> bool {
        self.kept.lock().stands
    }

    fn stand(&self, exchange: &Exchange) {
        self.kept.attempt(|held| held.stand(exchange));
    }

    fn begin(&self, sequence: u64, exchange: &Exchange) {
        self.kept.attempt(|held| {
            // What is forming ends with what stood, and is taken up again from its rows.
            held.take_all();
            let written = held.write();
            held.store.reach(sequence);
            match exchange.instruments().next() {
                Some(_) => held.stand(exchange)?,
                None => held.forget_how_it_stands(),
            }
            written.and_then(|()| held.write())
        });
    }

    fn end(&self) {
        self.kept.attempt(Held::write);
    }

    fn branch(&self) -> u64 {
        self.kept.branch()
    }

    fn revert(&self, branch: u64, to: u64) {
        self.kept.attempt(|held| held.revert(branch, to));
    }
}
