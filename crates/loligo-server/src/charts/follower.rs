//! The follower that makes candles of what happens, and keeps them in a database of its own.
//!
//! Rows are written some seconds at a time, each time with the place in the log that they are of, in one transaction: what was
//! not written when the process ended is folded again at the next start.

use super::{Board, LiveBoard, Page, Range, Resolution, Series, Shelf, page};
use crate::past::Past;
use crate::projection::{Applied, Detached, Follower, Unable};
use loligo_engine::{Event, Exchange, Execution, FinePrice, Instrument, InstrumentId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The database in a data folder.
const FILE: &str = "candles.db";
/// As the node knows it.
pub(crate) const NAME: &str = "candles";

/// Rows are written with the first record that comes so long after the last time, so that other tools see them and little is
/// folded anew.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Or when so many complete ones wait; a jump of the clock makes many in little time.
const ROWS_WAITING: usize = 10_000;
/// So many may wait while they cannot be written, about 130 MB of them: then the oldest are given up.
const ROWS_MOST: usize = 1_000_000;
/// How often minutes that are too old are dropped, in exchange time.
const PRUNE_EVERY: i64 = 3_600 * Timestamp::SECOND;
/// Version of the tables.
const VERSION: i64 = 1;

/// `place` has one row: the branch of the log, the last record that is in the candles, and before which instant candles are
/// complete though records are folded again. `days` has the record with which each day of UTC began: where to begin anew when
/// what came later counts no more. `contracts` and `pairs` name the numbers in `candles`.
const SCHEMA: &str = "
    CREATE TABLE place (branch INTEGER NOT NULL, record INTEGER NOT NULL, complete_before INTEGER NOT NULL) STRICT;
    INSERT INTO place VALUES (0, 0, 0);
    CREATE TABLE days (opened INTEGER PRIMARY KEY, record INTEGER NOT NULL) STRICT;
    CREATE TABLE contracts (number INTEGER PRIMARY KEY, symbol TEXT NOT NULL) STRICT;
    CREATE TABLE pairs (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;";

/// Candles of all series, as far as the log was folded.
pub(crate) struct Candles {
    file: Option<PathBuf>,
    held: Mutex<Held>,
    board: Arc<LiveBoard>,
    /// The last record that was folded; here, so that nobody waits for the lock to learn it.
    sequence: AtomicU64,
    /// The branch that it is of; told after the record, so that whoever sees a new one sees no record of the old.
    branch: AtomicU64,
}

struct Held {
    connection: Connection,
    board: Arc<LiveBoard>,
    contracts: BTreeMap<InstrumentId, Instrument>,
    /// Names that the database does not have yet.
    unnamed: Vec<InstrumentId>,
    /// Days that began since the last write, with their first record.
    begun: Vec<(i64, u64)>,
    /// The last day that is known to have begun.
    day: i64,
    place: Place,
    /// The place that the database has.
    kept: Place,
    /// When rows were last written; never, at first.
    written: Option<Instant>,
    /// How many complete rows may wait until they are written before it is time.
    room: usize,
    /// When minutes were last dropped, in exchange time.
    pruned: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    branch: u64,
    record: u64,
    /// Candles that opened before this are complete, though records are folded again that reach back there.
    complete_before: Timestamp,
}

impl Candles {
    /// The candles of a data folder, or of none: then they are kept in memory. The folder is opened when the node has made
    /// and locked it, which is when it shows its contracts.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn new(data: Option<&Path>) -> rusqlite::Result<Self> {
        let board = Arc::new(LiveBoard::default());
        let memory = opened(Connection::open_in_memory()?)?;
        let held = Held::restore(memory, BTreeMap::new(), Arc::clone(&board))?;
        let file = data.map(|data| data.join(FILE));
        Ok(Self {
            file,
            held: Mutex::new(held),
            board,
            sequence: AtomicU64::new(0),
            branch: AtomicU64::new(0),
        })
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
        let mut held = self.lock();
        // What is forming is a row like any other then.
        held.write()?;
        page(&Shelf::new(&held.connection), past, series, resolution, range, until)
    }

    /// The candles that are forming.
    pub(crate) fn board(&self) -> &Arc<LiveBoard> {
        &self.board
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // A fold that panicked has ended its thread; what it held is written whole or not at all.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what must not fail for want of room: the exchange goes on without it.
    fn attempt(&self, act: impl FnOnce(&mut Held) -> rusqlite::Result<()>) {
        let mut held = self.lock();
        if let Err(error) = act(&mut held) {
            tracing::warn!(%error, "candles could not be written; they are tried again");
        }
        self.tell(held.place);
    }

    fn tell(&self, place: Place) {
        self.sequence.store(place.record, Ordering::Release);
        self.branch.store(place.branch, Ordering::Release);
    }
}

/// Makes the file, if it is not there, for its owner alone like all of the folder; SQLite gives those beside it the same rights.
fn make(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file).map(drop)
}

/// A database with its tables. One of another version is begun anew: the log has what it was made of.
fn opened(connection: Connection) -> rusqlite::Result<Connection> {
    // The log is the truth: what is lost with the machine's power is folded again.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != VERSION {
        let made = connection.unchecked_transaction()?;
        for table in ["candles", "place", "days", "contracts", "pairs"] {
            made.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
        }
        made.execute_batch(SCHEMA)?;
        Shelf::create(&made)?;
        made.execute_batch(&format!("PRAGMA user_version = {VERSION}"))?;
        made.commit()?;
    }
    Ok(connection)
}

impl Held {
    /// What the database has, and nothing beyond it.
    fn restore(
        connection: Connection,
        contracts: BTreeMap<InstrumentId, Instrument>,
        board: Arc<LiveBoard>,
    ) -> rusqlite::Result<Self> {
        board.replace(Board::restore(&Shelf::new(&connection))?);
        let place = connection.query_row("SELECT branch, record, complete_before FROM place", [], |row| {
            let number = |column| row.get(column).map(i64::cast_unsigned);
            let complete_before = Timestamp(row.get::<_, i64>(2)?.saturating_mul(Timestamp::SECOND));
            Ok(Place { branch: number(0)?, record: number(1)?, complete_before })
        })?;
        let day: Option<i64> =
            connection.query_row("SELECT max(opened) FROM days", [], |row| row.get(0)).optional()?.flatten();
        Ok(Self {
            connection,
            board,
            unnamed: contracts.keys().copied().collect(),
            contracts,
            begun: Vec::new(),
            day: day.unwrap_or(i64::MIN),
            place,
            kept: place,
            written: None,
            room: ROWS_WAITING,
            pruned: Timestamp(i64::MIN),
        })
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
        self.place.record = applied.sequence;
    }

    fn list(&mut self, id: InstrumentId, instrument: Instrument) {
        self.contracts.insert(id, instrument);
        self.unnamed.push(id);
    }

    fn tick(&mut self, record: u64, series: Series, at: Timestamp, price: FinePrice, lots: i64) {
        if at < self.place.complete_before {
            return;
        }
        let day = Resolution::OneDay.opening(at).0.div_euclid(Timestamp::SECOND);
        if day > self.day {
            self.day = day;
            self.begun.push((day, record));
        }
        self.board.tick(series, at, price, lots);
    }

    /// Writes what changed, with its place.
    fn write(&mut self) -> rusqlite::Result<()> {
        if self.place == self.kept {
            return Ok(());
        }
        let rows = self.board.with(Board::take_rows);
        let written = self.write_rows(&rows);
        self.room = ROWS_WAITING;
        if written.is_err() {
            self.board.with(|board| board.put_back(rows, ROWS_MOST));
            self.room += self.board.with(|board| board.waiting());
        } else {
            self.kept = self.place;
            self.begun.clear();
            self.unnamed.clear();
        }
        written
    }

    fn write_rows(&self, rows: &[super::Row]) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        Shelf::new(&transaction).put(rows)?;
        for (day, record) in &self.begun {
            let record = record.cast_signed();
            transaction.execute("INSERT OR REPLACE INTO days VALUES (?1, ?2)", params![day, record])?;
        }
        for id in &self.unnamed {
            let Some(listed) = self.contracts.get(id) else { continue };
            let (symbol, pair) = (&listed.spec().symbol, listed.pair());
            transaction.execute("INSERT OR REPLACE INTO contracts VALUES (?1, ?2)", params![id.0, symbol])?;
            let name = &listed.spec().pair;
            transaction.execute("INSERT OR REPLACE INTO pairs VALUES (?1, ?2)", params![pair.0, name])?;
        }
        write_place(&transaction, self.place)?;
        transaction.commit()
    }

    /// Writes if it is time to, and now and then drops what is too old.
    fn keep_up(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let is_due = self.written.is_none_or(|written| written.elapsed() >= WRITE_EVERY);
        if !is_due && self.board.with(|board| board.waiting()) < self.room {
            return Ok(());
        }
        self.written = Some(Instant::now());
        self.write()?;
        if now.0.saturating_sub(self.pruned.0) >= PRUNE_EVERY {
            self.pruned = now;
            Shelf::new(&self.connection).prune(now)?;
        }
        Ok(())
    }

    /// Forgets what came after a record: everything from the beginning of its day on, which is folded again from there.
    fn revert(&mut self, branch: u64, to: u64) -> rusqlite::Result<()> {
        self.write()?;
        let mut place = Place { branch, ..self.place };
        if self.place.record > to {
            let day = "SELECT opened, record FROM days WHERE record <= ?1 ORDER BY opened DESC LIMIT 1";
            let began: Option<(i64, i64)> = self
                .connection
                .query_row(day, params![to.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            // Without such a day nothing was folded up to that record.
            let (opened, record) = began.unwrap_or((i64::MIN, to.cast_signed() + 1));
            let transaction = self.connection.unchecked_transaction()?;
            transaction.execute("DELETE FROM candles WHERE opened >= ?1", params![opened])?;
            transaction.execute("DELETE FROM days WHERE opened >= ?1", params![opened])?;
            place.record = (record - 1).max(0).cast_unsigned();
            // A record may reach over midnight: its share of the day before is there already.
            place.complete_before = Timestamp(opened.saturating_mul(Timestamp::SECOND));
            write_place(&transaction, place)?;
            transaction.commit()?;
        } else {
            write_place(&self.connection, place)?;
        }
        let connection = std::mem::replace(&mut self.connection, Connection::open_in_memory()?);
        *self = Self::restore(connection, std::mem::take(&mut self.contracts), Arc::clone(&self.board))?;
        Ok(())
    }
}

fn write_place(connection: &Connection, place: Place) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE place SET branch = ?1, record = ?2, complete_before = ?3",
        params![
            place.branch.cast_signed(),
            place.record.cast_signed(),
            place.complete_before.0.div_euclid(Timestamp::SECOND)
        ],
    )?;
    Ok(())
}

impl Follower for Candles {
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

impl Detached for Candles {
    fn meet(&self, contracts: &mut dyn Iterator<Item = (InstrumentId, &Instrument)>) -> Result<(), Unable> {
        let unable = |error: rusqlite::Error| Unable(format!("{FILE}: {error}"));
        let made = self.file.as_deref().map_or(Ok(()), make);
        made.map_err(|error| Unable(format!("{FILE}: {error}")))?;
        let mut held = self.lock();
        if let Some(file) = &self.file {
            let connection = Connection::open(file).and_then(opened).map_err(unable)?;
            *held = Held::restore(connection, BTreeMap::new(), Arc::clone(&self.board)).map_err(unable)?;
            self.tell(held.place);
        }
        for (id, instrument) in contracts {
            held.list(id, instrument.clone());
        }
        Ok(())
    }

    fn begin(&self, sequence: u64, _: &Exchange) {
        self.attempt(|held| {
            held.place.record = sequence;
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

#[cfg(test)]
mod tests;
