//! The follower that makes candles of what happens, and keeps them in a database of its own.

use super::store::{Form, Holds, Kept, Store};
use super::{Board, LiveBoard, Page, Range, Resolution, Series, Shelf, page};
use crate::past::Past;
use crate::projection::{Applied, Detached, Follower, Unable};
use loligo_engine::{Event, Exchange, Execution, FinePrice, Instrument, InstrumentId, Timestamp};
use rusqlite::{Transaction, params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The database in a data folder.
const FILE: &str = "candles.db";
/// As the node knows it.
pub(crate) const NAME: &str = "candles";

/// Rows are written when so many complete ones wait, though it is not time yet; a jump of the clock makes many in little time.
const ROWS_WAITING: usize = 10_000;
/// So many may wait while they cannot be written, about 130 MB of them: then the oldest are given up.
const ROWS_MOST: usize = 1_000_000;

/// `contracts` and `pairs` name the numbers in `candles`.
const FORM: Form = Form {
    version: 1,
    tables: &["candles", "contracts", "pairs"],
    make: |connection| {
        Shelf::create(connection)?;
        connection.execute_batch(
            "CREATE TABLE contracts (number INTEGER PRIMARY KEY, symbol TEXT NOT NULL) STRICT;
             CREATE TABLE pairs (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;",
        )
    },
};

/// Candles of all series, as far as the log was folded.
pub(crate) struct Candles {
    file: Option<PathBuf>,
    kept: Kept<Held>,
    board: Arc<LiveBoard>,
}

struct Held {
    store: Store,
    board: Arc<LiveBoard>,
    contracts: BTreeMap<InstrumentId, Instrument>,
    /// Names that the database does not have yet.
    unnamed: Vec<InstrumentId>,
    /// How many complete rows may wait until they are written before it is time.
    room: usize,
}

impl Candles {
    /// The candles of a data folder, or of none: then they are kept in memory. The folder is opened when the node has made
    /// and locked it, which is when it shows its contracts.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn new(data: Option<&Path>) -> rusqlite::Result<Self> {
        let board = Arc::new(LiveBoard::default());
        let held = Held::restore(Store::in_memory(&FORM)?, BTreeMap::new(), Arc::clone(&board))?;
        let file = data.map(|data| data.join(FILE));
        Ok(Self { file, kept: Kept::new(held), board })
    }

    /// A page of a series; see [`page`].
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn page(
        &self,
        past: Option<&Past>,
        series: Series,
        resolution: Resolution,
        range: Range,
        until: Timestamp,
    ) -> rusqlite::Result<Page> {
        let mut held = self.kept.lock();
        // What is forming is a row like any other then.
        held.write()?;
        page(&Shelf::new(held.store.connection()), past, series, resolution, range, until)
    }

    /// The candles that are forming.
    pub(crate) fn board(&self) -> &Arc<LiveBoard> {
        &self.board
    }
}

impl Holds for Held {
    const WHAT: &'static str = NAME;

    fn store(&self) -> &Store {
        &self.store
    }
}

impl Held {
    /// What the database has, and nothing beyond it.
    fn restore(
        store: Store,
        contracts: BTreeMap<InstrumentId, Instrument>,
        board: Arc<LiveBoard>,
    ) -> rusqlite::Result<Self> {
        board.replace(Board::restore(&Shelf::new(store.connection()))?);
        Ok(Self { store, board, unnamed: contracts.keys().copied().collect(), contracts, room: ROWS_WAITING })
    }

    fn fold(&mut self, applied: Applied<'_>) {
        for event in applied.events {
            match event {
                Event::Listed { instrument, pair, spec, .. } => {
                    let listed = Instrument::new((**spec).clone(), *pair);
                    self.list(*instrument, listed.expect("the engine lists what it can reckon with"));
                }
                Event::Index { pair, price, at } => {
                    self.tick(applied.sequence, Series::Spot(*pair), *at, *price, 0);
                }
                Event::Mark { instrument, price, at } => {
                    self.tick(applied.sequence, Series::Mark(*instrument), *at, *price, 0);
                }
                // Positions that meet without the book make no candle.
                Event::Executed(execution) if execution.is_on_book() => {
                    let Execution { instrument, price, qty, at, .. } = &**execution;
                    let Some(listed) = self.contracts.get(instrument) else { continue };
                    let price = listed.fine_price(*price);
                    self.tick(applied.sequence, Series::Trade(*instrument), *at, price, qty.0);
                }
                _ => {}
            }
        }
        self.store.reach(applied.sequence);
    }

    fn list(&mut self, id: InstrumentId, instrument: Instrument) {
        self.contracts.insert(id, instrument);
        self.unnamed.push(id);
    }

    fn tick(&mut self, record: u64, series: Series, at: Timestamp, price: FinePrice, lots: i64) {
        if self.store.takes(at, record) {
            self.board.tick(series, at, price, lots);
        }
    }

    /// Writes what changed, with its place.
    fn write(&mut self) -> rusqlite::Result<()> {
        if self.store.is_current() {
            return Ok(());
        }
        let rows = self.board.with(Board::take_rows);
        let named = (self.unnamed.as_slice(), &self.contracts);
        let written = self.store.write(|transaction| write_rows(transaction, &rows, named));
        self.room = ROWS_WAITING;
        if written.is_err() {
            self.board.with(|board| board.put_back(rows, ROWS_MOST));
            self.room += self.board.with(|board| board.waiting());
        } else {
            self.unnamed.clear();
        }
        written
    }

    /// Writes if it is time to, and now and then drops what is too old.
    fn keep_up(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let full = self.board.with(|board| board.waiting()) >= self.room;
        if !self.store.is_due(full) {
            return Ok(());
        }
        self.write()?;
        if self.store.is_to_be_pruned(now) {
            Shelf::new(self.store.connection()).prune(now)?;
        }
        Ok(())
    }

    /// Forgets what came after a record: everything from the beginning of its day on, which is folded again from there.
    fn revert(&mut self, branch: u64, to: u64) -> rusqlite::Result<()> {
        self.write()?;
        self.store.revert(branch, to, |transaction, opened| {
            transaction.execute("DELETE FROM candles WHERE opened >= ?1", params![opened]).map(drop)
        })?;
        self.board.replace(Board::restore(&Shelf::new(self.store.connection()))?);
        self.unnamed = self.contracts.keys().copied().collect();
        self.room = ROWS_WAITING;
        Ok(())
    }
}

/// Writes candles, and what the numbers are called that have no name yet.
fn write_rows(
    transaction: &Transaction<'_>,
    rows: &[super::Row],
    (unnamed, contracts): (&[InstrumentId], &BTreeMap<InstrumentId, Instrument>),
) -> rusqlite::Result<()> {
    Shelf::new(transaction).put(rows)?;
    for id in unnamed {
        let Some(listed) = contracts.get(id) else { continue };
        let (symbol, pair) = (&listed.spec().symbol, listed.pair());
        transaction.execute("INSERT OR REPLACE INTO contracts VALUES (?1, ?2)", params![id.0, symbol])?;
        let name = &listed.spec().pair;
        transaction.execute("INSERT OR REPLACE INTO pairs VALUES (?1, ?2)", params![pair.0, name])?;
    }
    Ok(())
}

impl Follower for Candles {
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

impl Detached for Candles {
    fn meet(&self, exchange: &Exchange, _: u64) -> Result<(), Unable> {
        let mut held = self.kept.lock();
        if let Some(file) = &self.file {
            let unable = |error: rusqlite::Error| Unable(format!("{FILE}: {error}"));
            let store = Store::open(file, &FORM)?;
            *held = Held::restore(store, BTreeMap::new(), Arc::clone(&self.board)).map_err(unable)?;
            self.kept.tell(&held);
        }
        for (id, instrument) in exchange.instruments() {
            held.list(id, instrument.clone());
        }
        Ok(())
    }

    fn begin(&self, sequence: u64, _: &Exchange) {
        self.kept.attempt(|held| {
            held.store.reach(sequence);
            held.write()
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

#[cfg(test)]
mod tests;
