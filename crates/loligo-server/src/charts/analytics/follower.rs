//! The follower that makes figures of what happens, and keeps them in a database of its own.
//!
//! Beside rows it needs to know how books stand and who holds what. That is the exchange's state at its place, so it is not kept
//! here: it is shown to the follower when it begins, and brought along from there.

use super::super::store::{Form, Store};
use super::super::{Range, Resolution};
use super::Subject;
use super::figures::{Figures, Ohlc, PoolValue, Rates, Stretch};
use super::forming::{Forming, KEPT, Row};
use super::page::{Page, page};
use super::shelf::{self, Shelf};
use super::standing::Standing;
use crate::projection::{Applied, Detached, Follower, Unable};
use loligo_engine::{
    BalanceCause, Currency, Event, Exchange, Execution, FillRole, FinePrice, FundingRate, Instrument,
    InstrumentId, MarketState, Money, PairId, Side, Timestamp,
};
use rusqlite::params;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    held: Mutex<Held>,
    /// The last record that was folded; here, so that nobody waits for the lock to learn it.
    sequence: AtomicU64,
    /// The branch that it is of; told after the record, so that whoever sees a new one sees no record of the old.
    branch: AtomicU64,
}

struct Held {
    store: Store,
    /// Whether it knows how everything stood at its place.
    stands: bool,
    contracts: BTreeMap<InstrumentId, Contract>,
    indexes: BTreeMap<PairId, FinePrice>,
    /// What is in the pool, and its value.
    pool: BTreeMap<Currency, Money>,
    pool_value: Option<Forming<PoolValue>>,
    /// When the minute began that the last event was in.
    minute: Timestamp,
    /// Rows that are complete and were not written yet. Their bound is that of candles: see [`ROWS_WAITING`], [`ROWS_MOST`].
    complete: Vec<Row>,
    /// How many of them may wait until they are written before it is time.
    room: usize,
}

struct Contract {
    standing: Standing,
    forming: Forming<Figures>,
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
            held: Mutex::new(Held::of(Store::in_memory(&FORM)?)),
            sequence: AtomicU64::new(0),
            branch: AtomicU64::new(0),
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
        let mut held = self.lock();
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
        let mut held = self.lock();
        held.take_pool_value();
        held.write()?;
        page(Shelf::new(held.store.connection(), Subject::Pool), resolution, range, 0, until)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // A fold that panicked has ended its thread; what it held is written whole or not at all.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what must not fail for want of room: the exchange goes on without it.
    fn attempt(&self, act: impl FnOnce(&mut Held) -> rusqlite::Result<()>) {
        let mut held = self.lock();
        if let Err(error) = act(&mut held) {
            tracing::warn!(%error, "analytics could not be written; they are tried again");
        }
        self.tell(&held.store);
    }

    fn tell(&self, store: &Store) {
        self.sequence.store(store.place().record, Ordering::Release);
        self.branch.store(store.place().branch, Ordering::Release);
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
            let forming = match self.restored::<Figures>(subject)? {
                // What lies between is out of reach.
                Some(mut forming) if forming.newest().open_interest.close != lots => {
                    forming.change(now, &mut self.complete, |figures, _| figures.open_interest.tick(lots));
                    forming
                }
                Some(forming) => forming,
                // What came before is out of reach: it begins here.
                None => {
                    let rate = market.and_then(|market| market.funding).map(|funding| funding.rate);
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

    /// The forming stretches of a subject, if it has rows.
    fn restored<T: Stretch>(&self, subject: Subject) -> rusqlite::Result<Option<Forming<T>>> {
        let shelf = Shelf::new(self.store.connection(), subject);
        let mut rows = Vec::with_capacity(KEPT.len());
        for resolution in KEPT {
            rows.extend(shelf.before(resolution, Timestamp(i64::MAX))?);
        }
        Ok(rows.try_into().ok().map(|rows| Forming::restore(subject, rows)))
    }

    fn fold(&mut self, applied: Applied<'_>) {
        for event in applied.events {
            self.event(applied.sequence, event);
        }
        self.pass(applied.time);
        self.store.takes(applied.time, applied.sequence);
        self.store.reach(applied.sequence);
    }

    fn event(&mut self, record: u64, event: &Event) {
        match event {
            Event::Listed { instrument, pair, spec, at } => {
                self.pass(*at);
                let listed = Instrument::new((**spec).clone(), *pair);
                let standing = Standing::new(listed.expect("the engine lists what it can reckon with"));
                let subject = Subject::Contract(*instrument);
                let restored = self.restored(subject).unwrap_or_else(|error| {
                    tracing::warn!(%error, "the figures of a contract could not be read; they begin anew");
                    None
                });
                let forming = restored.unwrap_or_else(|| Forming::begin(subject, *at, &Figures::default()));
                self.contracts.insert(*instrument, Contract { standing, forming });
            }
            Event::Level { instrument, side, price, qty, at, .. } => {
                self.pass(*at);
                if let Some(contract) = self.contracts.get_mut(instrument) {
                    contract.standing.level(*side, *price, *qty);
                }
            }
            Event::Index { pair, price, at } => {
                self.pass(*at);
                self.indexes.insert(*pair, *price);
            }
            Event::Mark { instrument, price, at } => {
                self.pass(*at);
                if let Some(contract) = self.contracts.get_mut(instrument) {
                    contract.standing.mark = Some(*price);
                }
            }
            Event::Executed(execution) => {
                self.pass(execution.at);
                self.executed(record, execution);
            }
            Event::Settled(settled) => {
                self.pass(settled.at);
                if let Some(contract) = self.contracts.get_mut(&settled.instrument) {
                    contract.standing.holds(settled.account, 0);
                }
                self.open_interest(record, settled.instrument, settled.at);
            }
            Event::Past { past, at } => {
                // The rate of the hour in which the venue begins.
                if let Some(last) = past.rates.last() {
                    self.rate(record, past.instrument, (*last).into(), (*at, *at));
                }
            }
            Event::FundingRate { instrument, rate, hour, at } => {
                self.pass(*at);
                self.rate(record, *instrument, *rate, (*hour, *at));
            }
            Event::Market { instrument, state: MarketState::Expired, at } => {
                self.pass(*at);
                self.take_figures(*instrument);
                if let Some(contract) = self.contracts.get_mut(instrument) {
                    contract.standing.is_over = true;
                }
            }
            Event::Pool { currency, amount, at, .. } => {
                self.pass(*at);
                self.pool.insert(*currency, *amount);
            }
            Event::Balance { cause: BalanceCause::Pool, currency, change, at, .. } => {
                self.pass(*at);
                *self.pool.entry(*currency).or_default() -= *change;
            }
            _ => {}
        }
    }

    /// Time passes: at the end of a minute figures are taken of all that changed in it.
    fn pass(&mut self, at: Timestamp) {
        if at.0 < self.minute.0 + Resolution::OneMinute.micros() {
            return;
        }
        let ids: Vec<InstrumentId> = self.contracts.keys().copied().collect();
        for id in ids {
            self.take_figures(id);
        }
        self.take_pool_value();
        self.minute = Resolution::OneMinute.opening(at);
    }

    /// Takes the figures of a contract that are read off how it stands, if they are others than before.
    fn take_figures(&mut self, id: InstrumentId) {
        let at = self.minute;
        let Some(Contract { standing, forming }) = self.contracts.get_mut(&id) else { return };
        let index = self.indexes.get(&standing.instrument().pair()).copied();
        if !standing.differs(forming.newest(), index) || !self.store.is_open_at(at) {
            return;
        }
        let put = standing.take(index);
        forming.change(at, &mut self.complete, |figures, _| put(figures));
    }

    /// The same of the pool.
    fn take_pool_value(&mut self) {
        let at = self.minute;
        let value = PoolValue { usd: self.pool_worth() };
        if !self.store.is_open_at(at) {
            return;
        }
        match &mut self.pool_value {
            Some(forming) if *forming.newest() == value => {}
            Some(forming) => forming.change(at, &mut self.complete, |figures, _| *figures = value),
            // There are no minutes before the first event.
            forming if !self.contracts.is_empty() => {
                *forming = Some(Forming::begin(Subject::Pool, at, &value));
            }
            _ => {}
        }
    }

    /// What is in the pool, in USD: each currency at the index of the contract that settles in it, rounded down.
    fn pool_worth(&self) -> Option<Money> {
        let worth = |(currency, amount): (&Currency, &Money)| {
            if *currency == Currency::USD || *amount == Money::ZERO {
                return Some(*amount);
            }
            let settles = |contract: &&Contract| {
                let spec = contract.standing.instrument().spec();
                spec.base == *currency && spec.quote == Currency::USD
            };
            let priced = self.contracts.values().find(settles)?.standing.instrument().pair();
            self.indexes.get(&priced).map(|price| amount.at(*price))
        };
        self.pool.iter().map(worth).sum()
    }

    fn executed(&mut self, record: u64, execution: &Execution) {
        let Execution { instrument, qty, at, taker_side, .. } = execution;
        for (_, fill) in execution.sides() {
            if fill.liquidation_fee != Money::ZERO {
                *self.pool.entry(execution.currency).or_default() += fill.liquidation_fee;
            }
            if let Some(contract) = self.contracts.get_mut(instrument) {
                contract.standing.holds(fill.account, fill.position);
            }
        }
        self.open_interest(record, *instrument, *at);
        let lots = i128::from(qty.0);
        let (is_on_book, is_forced) = (execution.is_on_book(), is_forced(execution.taker.role));
        self.change(record, *instrument, *at, |figures, _| {
            if is_forced {
                figures.liquidated += lots;
            }
            if is_on_book {
                figures.trades += 1;
                match taker_side {
                    Side::Buy => {
                        (figures.bought, figures.delta) = (figures.bought + lots, figures.delta + lots)
                    }
                    Side::Sell => (figures.sold, figures.delta) = (figures.sold + lots, figures.delta - lots),
                }
            }
        });
    }

    fn open_interest(&mut self, record: u64, instrument: InstrumentId, at: Timestamp) {
        let Some(contract) = self.contracts.get(&instrument) else { return };
        let lots = contract.standing.open_interest();
        self.change(record, instrument, at, |figures, _| figures.open_interest.tick(lots));
    }

    /// A rate holds from its hour on: where a stretch begins with that, nothing of the rate before is in it.
    fn rate(
        &mut self,
        record: u64,
        instrument: InstrumentId,
        rate: FundingRate,
        (hour, at): (Timestamp, Timestamp),
    ) {
        // What is late by a minute or more is told when it comes, so that longer stretches are the fold of their minutes.
        let is_late = Resolution::OneMinute.opening(at) > hour;
        self.change(record, instrument, at, |figures, opened| match &mut figures.rates {
            Some(rates) if is_late || opened < hour => {
                rates.absolute.tick(rate.absolute);
                rates.relative.tick(rate.relative);
            }
            rates => *rates = Some(Rates::flat(rate)),
        });
    }

    /// Changes the figures of a contract in the stretches of an instant.
    fn change(
        &mut self,
        record: u64,
        instrument: InstrumentId,
        at: Timestamp,
        act: impl Fn(&mut Figures, Timestamp),
    ) {
        if !self.store.takes(at, record) {
            return;
        }
        if let Some(contract) = self.contracts.get_mut(&instrument) {
            contract.forming.change(at, &mut self.complete, act);
        }
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

/// Whether an order that came closed a position by force.
fn is_forced(role: FillRole) -> bool {
    match role {
        FillRole::Liquidation
        | FillRole::PartialLiquidation
        | FillRole::CoveredLiquidation
        | FillRole::Assignor
        | FillRole::UnwindBankrupt => true,
        FillRole::Maker
        | FillRole::Taker
        | FillRole::TakerAfterEdit
        | FillRole::Assignee
        | FillRole::UnwindCounterparty => false,
    }
}

impl Follower for Analytics {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn fold(&self, applied: Applied<'_>) {
        self.attempt(|held| {
            held.fold(applied);
            held.keep_up(applied.time)
        });
    }
}

impl Detached for Analytics {
    fn meet(&self, exchange: &Exchange, sequence: u64) -> Result<(), Unable> {
        let mut held = self.lock();
        if let Some(file) = &self.file {
            *held = Held::of(Store::open(file, &FORM)?);
            self.tell(&held.store);
        }
        let is_there = held.store.place().record == sequence;
        let stood = if is_there { held.stand(exchange) } else { Ok(()) };
        stood.map_err(|error| Unable(format!("{FILE}: {error}")))
    }

    fn stands(&self) -> bool {
        self.lock().stands
    }

    fn stand(&self, exchange: &Exchange) {
        self.attempt(|held| held.stand(exchange));
    }

    fn begin(&self, sequence: u64, exchange: &Exchange) {
        self.attempt(|held| {
            held.store.reach(sequence);
            held.stand(exchange)?;
            held.write()
        });
    }

    fn end(&self) {
        self.attempt(Held::write);
    }

    fn branch(&self) -> u64 {
        self.branch.load(Ordering::Acquire)
    }

    fn revert(&self, branch: u64, to: u64) {
        self.attempt(|held| held.revert(branch, to));
    }
}
