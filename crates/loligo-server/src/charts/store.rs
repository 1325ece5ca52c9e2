//! A database of a follower's own, with the place in the log that its rows are of.
//!
//! Rows are written some seconds at a time, each time with their place, in one transaction: what was not written when the
//! process ended is folded again at the next start. To go back to a record forgets the day of that record, and folds it again.

use super::Resolution;
use crate::projection::Unable;
use loligo_engine::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rows are written with the first record that comes so long after the last time, so that other tools see them and little is
/// folded anew.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How often minutes that are too old are dropped, in exchange time.
const PRUNE_EVERY: i64 = 3_600 * Timestamp::SECOND;

/// `place` has one row: the branch of the log, the last record that is in the rows, and before which instant rows are
/// complete though records are folded again. `days` has the record with which each day of UTC began: where to begin anew when
/// what came later counts no more.
const SCHEMA: &str = "
    CREATE TABLE place (branch INTEGER NOT NULL, record INTEGER NOT NULL, complete_before INTEGER NOT NULL) STRICT;
    INSERT INTO place VALUES (0, 0, 0);
    CREATE TABLE days (opened INTEGER PRIMARY KEY, record INTEGER NOT NULL) STRICT;";

/// What a database holds beside its place.
pub(super) struct Form {
    /// Version of the tables.
    pub(super) version: i64,
    /// Their names.
    pub(super) tables: &'static [&'static str],
    /// What makes them.
    pub(super) make: fn(&Connection) -> rusqlite::Result<()>,
}

/// How far the log is folded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) branch: u64,
    pub(super) record: u64,
    /// Rows that opened before this are complete, though records are folded again that reach back there.
    complete_before: Timestamp,
}

pub(super) struct Store {
    connection: Connection,
    /// Days that began since the last write, with their first record.
    begun: Vec<(i64, u64)>,
    /// The last day that is known to have begun.
    day: i64,
    place: Place,
    /// The place that the database has.
    kept: Place,
    /// When rows were last written; never, at first.
    written: Option<Instant>,
    /// When minutes were last dropped, in exchange time.
    pruned: Timestamp,
}

impl Store {
    /// A store in memory.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) fn in_memory(form: &Form) -> rusqlite::Result<Self> {
        opened(Connection::open_in_memory()?, form).and_then(Self::of)
    }

    /// The store in a file, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be made, or is no such database.
    pub(super) fn open(file: &Path, form: &Form) -> Result<Self, Unable> {
        let name = file.file_name().unwrap_or_default().display();
        make(file).map_err(|error| Unable(format!("{name}: {error}")))?;
        let connection = Connection::open(file).and_then(|connection| opened(connection, form));
        connection.and_then(Self::of).map_err(|error| Unable(format!("{name}: {error}")))
    }

    fn of(connection: Connection) -> rusqlite::Result<Self> {
        let place = connection.query_row("SELECT branch, record, complete_before FROM place", [], |row| {
            let number = |column| row.get(column).map(i64::cast_unsigned);
            let complete_before = Timestamp(row.get::<_, i64>(2)?.saturating_mul(Timestamp::SECOND));
            Ok(Place { branch: number(0)?, record: number(1)?, complete_before })
        })?;
        let day: Option<i64> =
            connection.query_row("SELECT max(opened) FROM days", [], |row| row.get(0)).optional()?.flatten();
        Ok(Self {
            connection,
            begun: Vec::new(),
            day: day.unwrap_or(i64::MIN),
            place,
            kept: place,
            written: None,
            pruned: Timestamp(i64::MIN),
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Whether the database has all that was folded.
    pub(super) fn is_current(&self) -> bool {
        self.place == self.kept
    }

    /// Whether rows of an instant are folded: not when they are complete.
    pub(super) fn is_open_at(&self, at: Timestamp) -> bool {
        at >= self.place.complete_before
    }

    /// Whether what happened at an instant, in a record, goes into rows. Notes when its day began.
    pub(super) fn takes(&mut self, at: Timestamp, record: u64) -> bool {
        if !self.is_open_at(at) {
            return false;
        }
        let day = Resolution::OneDay.opening(at).0.div_euclid(Timestamp::SECOND);
        if day > self.day {
            self.day = day;
            self.begun.push((day, record));
        }
        true
    }

    /// A record is folded.
    pub(super) fn reach(&mut self, record: u64) {
        self.place.record = record;
    }

    /// Writes rows, with their place.
    ///
    /// # Errors
    /// Those of the database; nothing is written then.
    pub(super) fn write(
        &mut self,
        put: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        put(&transaction)?;
        for (day, record) in &self.begun {
            let record = record.cast_signed();
            transaction.execute("INSERT OR REPLACE INTO days VALUES (?1, ?2)", params![day, record])?;
        }
        write_place(&transaction, self.place)?;
        transaction.commit()?;
        self.kept = self.place;
        self.begun.clear();
        Ok(())
    }

    /// Whether it is time to write, by the machine's clock; then the time begins anew. So it is always when `full`.
    pub(super) fn is_due(&mut self, full: bool) -> bool {
        let is_due = full || self.written.is_none_or(|written| written.elapsed() >= WRITE_EVERY);
        if is_due {
            self.written = Some(Instant::now());
        }
        is_due
    }

    /// Whether it is time to drop what is too old.
    pub(super) fn is_to_be_pruned(&mut self, now: Timestamp) -> bool {
        let is_due = now.0.saturating_sub(self.pruned.0) >= PRUNE_EVERY;
        if is_due {
            self.pruned = now;
        }
        is_due
    }

    /// Goes over to a branch that shares what came up to a record, and forgets what came after: everything from the beginning of
    /// its day on, which is folded again from there. `forget` is told that day, in epoch seconds. All that was folded must be
    /// written.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) fn revert(
        &mut self,
        branch: u64,
        to: u64,
        forget: impl FnOnce(&Transaction<'_>, i64) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
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
            forget(&transaction, opened)?;
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
        *self = Self::of(connection)?;
        Ok(())
    }
}

/// What a follower holds besides its store.
pub(super) trait Holds {
    /// As a line of the log calls it.
    const WHAT: &'static str;

    fn store(&self) -> &Store;
}

/// What a follower holds, for its own thread and for those who read pages; and how far that is, which nobody waits to learn.
pub(super) struct Kept<H> {
    held: Mutex<H>,
    /// The last record that was folded.
    sequence: AtomicU64,
    /// The branch that it is of; told after the record, so that whoever sees a new one sees no record of the old.
    branch: AtomicU64,
}

impl<H: Holds> Kept<H> {
    pub(super) fn new(held: H) -> Self {
        Self { held: Mutex::new(held), sequence: AtomicU64::new(0), branch: AtomicU64::new(0) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, H> {
        // A fold that panicked has ended its thread; what it held is written whole or not at all.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what must not fail for want of room: the exchange goes on without it.
    pub(super) fn attempt(&self, act: impl FnOnce(&mut H) -> rusqlite::Result<()>) {
        let mut held = self.lock();
        if let Err(error) = act(&mut held) {
            tracing::warn!(%error, "{} could not be written; they are tried again", H::WHAT);
        }
        self.tell(&held);
    }

    /// How far it is: told with every attempt, and by who puts another store in.
    pub(super) fn tell(&self, held: &H) {
        let Place { record, branch, .. } = held.store().place();
        self.sequence.store(record, Ordering::Release);
        self.branch.store(branch, Ordering::Release);
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    pub(super) fn branch(&self) -> u64 {
        self.branch.load(Ordering::Acquire)
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
fn opened(connection: Connection, form: &Form) -> rusqlite::Result<Connection> {
    // The log is the truth: what is lost with the machine's power is folded again.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != form.version {
        let made = connection.unchecked_transaction()?;
        for table in ["place", "days"].iter().chain(form.tables) {
            made.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
        }
        made.execute_batch(SCHEMA)?;
        (form.make)(&made)?;
        made.execute_batch(&format!("PRAGMA user_version = {}", form.version))?;
        made.commit()?;
    }
    Ok(connection)
}
