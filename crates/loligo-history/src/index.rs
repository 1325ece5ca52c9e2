//! The index: one connection that writes, some that read.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use crate::batch::Batch;
use crate::error::Error;
use crate::page::{self, Entry, Of, Page, Query};
use crate::retention::{Keep, Turn};
use crate::rows::{AccountLogEntry, Row, lists};
use crate::schema;

/// Most connections that wait for the next page to read; more are opened when they are needed, and closed again.
const IDLE_READERS: usize = 4;
/// Statements that a connection keeps ready: one to write each list, and what prunes and reads them.
const STATEMENTS: usize = 64;

/// How far the index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The branch of the journal that it follows.
    pub branch: u64,
    /// The last record whose rows it has.
    pub sequence: u64,
    /// Exchange time of that record.
    pub time_ms: i64,
    /// The first record from which on it has all rows.
    pub speaks_from: u64,
}

/// A contract, for those who look at the tables.
#[derive(Clone, Copy, Debug)]
pub struct Contract<'a> {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub symbol: &'a str,
    /// The step of its prices: `10^-digits` times the first.
    pub tick: (u32, u8),
    /// Decimal places of its sizes; negative for multiples of ten.
    pub lot_digits: i8,
}

/// The index. One thread writes, any number read, and none waits for another; in memory they take turns.
#[derive(Debug)]
pub struct Index {
    key: [u8; 32],
    keep: Keep,
    /// Dropped before the writer: the last to close takes the log over into the file, and one that only reads cannot.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Writer>,
    /// The file; in memory there is none.
    path: Option<PathBuf>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    inserts: Vec<String>,
    turn: Turn,
}

impl Index {
    /// Opens the index in a file, making it when there is none. The key seals tokens, and says whose venue's index it is.
    ///
    /// An index of another format or venue, or a file that is none, is thrown away: it says why, and begins anew.
    ///
    /// # Errors
    /// Trouble with files.
    pub fn open(path: &Path, key: [u8; 32], keep: Keep) -> Result<(Self, Option<String>), Error> {
        let (connection, why) = schema::open(path, &tag(&key))?;
        Ok((Self::with(connection, key, keep, Some(path.to_owned())), why))
    }

    /// An index that is gone with the process.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory(key: [u8; 32], keep: Keep) -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        schema::create(&connection, &tag(&key))?;
        Ok(Self::with(connection, key, keep, None))
    }

    fn with(connection: Connection, key: [u8; 32], keep: Keep, path: Option<PathBuf>) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let inserts = lists().iter().map(|list| list.insert()).collect();
        let writer = Mutex::new(Writer { connection, inserts, turn: Turn::default() });
        Self { key, keep, readers: Mutex::new(Vec::new()), writer, path }
    }

    /// How far it is.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn progress(&self) -> Result<Progress, Error> {
        self.read(|connection| Ok(progress(connection)?))
    }

    /// Makes rows durable, and with them that they are there: all of it or nothing. What is too old goes, a slice at a time.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] unless the batch's records come after the last one; trouble with the file.
    pub fn write(&self, batch: &Batch) -> Result<(), Error> {
        let Some((first, last)) = batch.span else { return Ok(()) };
        let mut writer = lock(&self.writer);
        let Writer { connection, inserts, turn } = &mut *writer;
        let transaction = connection.transaction()?;
        let before = progress(&transaction)?.sequence;
        if first <= before {
            return Err(Error::OutOfOrder { last: before, got: first });
        }
        let mut values = Vec::new();
        for pending in &batch.rows {
            let (list, row) = pending.row.parts();
            let at = pending.at;
            let key = [
                i64::from(pending.owner),
                at.time_ms,
                at.sequence.cast_signed(),
                i64::from(at.ordinal),
                batch.branch.cast_signed(),
            ];
            values.clear();
            values.extend(key.map(Value::Integer));
            row.put(&mut values);
            transaction.prepare_cached(&inserts[list])?.execute(params_from_iter(values.iter()))?;
        }
        set_progress(&transaction, batch.branch, last, batch.time_ms)?;
        turn.prune(&transaction, self.keep, batch.time_ms, batch.rows.len())?;
        transaction.commit()?;
        Ok(())
    }

    /// Goes on after a record whose rows, and those of all before it since the last, cannot be had any more.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn skip_to(&self, branch: u64, sequence: u64, time_ms: i64) -> Result<(), Error> {
        let mut writer = lock(&self.writer);
        let transaction = writer.connection.transaction()?;
        let before = progress(&transaction)?.sequence;
        if before < sequence {
            let gap = [before + 1, sequence].map(u64::cast_signed);
            transaction.execute("INSERT INTO gap VALUES (?1, ?2)", gap)?;
        }
        set_progress(&transaction, branch, sequence, time_ms)?;
        Ok(transaction.commit()?)
    }

    /// Forgets the rows of all records after one: the journal goes on from there, on another branch.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn revert(&self, branch: u64, sequence: u64, time_ms: i64) -> Result<(), Error> {
        let mut writer = lock(&self.writer);
        let transaction = writer.connection.transaction()?;
        for list in lists() {
            transaction.execute(
                &format!("DELETE FROM {} WHERE sequence > ?1", list.table),
                [sequence.cast_signed()],
            )?;
        }
        transaction.execute("DELETE FROM gap WHERE first > ?1", [sequence.cast_signed()])?;
        transaction.execute("UPDATE gap SET last = min(last, ?1)", [sequence.cast_signed()])?;
        set_progress(&transaction, branch, sequence, time_ms)?;
        Ok(transaction.commit()?)
    }

    /// Tells people what a contract's number, ticks and lots are.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn name_contract(&self, contract: Contract<'_>) -> Result<(), Error> {
        let Contract { number, symbol, tick: (mantissa, digits), lot_digits } = contract;
        let ten = |power: i32| 10_f64.powi(power);
        let lot = ten(-i32::from(lot_digits));
        let tick = f64::from(mantissa) * ten(-i32::from(digits));
        lock(&self.writer).connection.execute(
            "INSERT OR REPLACE INTO contract VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![number, symbol, tick, digits, lot, lot_digits],
        )?;
        Ok(())
    }

    /// Tells people what the codes of a list mean.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn name_words<'w>(
        &self,
        list: &str,
        words: impl IntoIterator<Item = (u8, &'w str)>,
    ) -> Result<(), Error> {
        let mut writer = lock(&self.writer);
        let transaction = writer.connection.transaction()?;
        schema::name_words(&transaction, list, words)?;
        Ok(transaction.commit()?)
    }

    /// A page of a list. Rows that the caller does not want are passed over; it is told the filter of the query for that.
    ///
    /// # Errors
    /// [`Error::Token`]; trouble with the file.
    pub fn page<R: Row>(
        &self,
        query: &Query,
        token: Option<&str>,
        mut wanted: impl FnMut(&R) -> bool,
    ) -> Result<Page<R>, Error> {
        self.page_with(query, token, |row, _| wanted(row))
    }

    /// As [`Index::page`], for filters that a token may have to bring back.
    ///
    /// # Errors
    /// [`Error::Token`]; trouble with the file.
    pub fn page_with<R: Row>(
        &self,
        query: &Query,
        token: Option<&str>,
        wanted: impl FnMut(&R, Option<u64>) -> bool,
    ) -> Result<Page<R>, Error> {
        self.read(|connection| {
            let Progress { branch, sequence, .. } = progress(connection)?;
            page::read(connection, Of { key: &self.key, branch, sequence }, query, token, wanted)
        })
    }

    /// Entries of an account's log: those of the query whose numbers are from the first to the last.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn account_log(
        &self,
        query: &Query,
        numbers: (u64, u64),
        wanted: impl FnMut(&AccountLogEntry) -> bool,
    ) -> Result<Vec<Entry<AccountLogEntry>>, Error> {
        self.read(|connection| page::read_log(connection, query, numbers, wanted))
    }

    /// Reads what is there at one moment.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let Some(path) = &self.path else {
            return read(&lock(&self.writer).connection);
        };
        let idle = lock(&self.readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::reader(path)?,
        };
        let answer = {
            let moment = connection.unchecked_transaction()?;
            let answer = read(&moment);
            moment.finish()?;
            answer
        };
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        answer
    }
}

/// A panic while a connection was held left its transaction undone, and nothing else.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of the key is written down: whose index it is.
fn tag(key: &[u8; 32]) -> [u8; 8] {
    let mut tag = [0; 8];
    blake3::Hasher::new_derive_key("loligo 2026 whose history index it is")
        .update(key)
        .finalize_xof()
        .fill(&mut tag);
    tag
}

fn progress(connection: &Connection) -> rusqlite::Result<Progress> {
    let mut read = connection.prepare_cached(
        "SELECT branch, sequence, time_ms, (SELECT coalesce(max(last), 0) + 1 FROM gap) FROM progress",
    )?;
    read.query_row([], |row| {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        Ok(Progress {
            branch: number(0)?,
            sequence: number(1)?,
            time_ms: row.get(2)?,
            speaks_from: number(3)?,
        })
    })
}

fn set_progress(connection: &Connection, branch: u64, sequence: u64, time_ms: i64) -> rusqlite::Result<()> {
    let mut write =
        connection.prepare_cached("UPDATE progress SET branch = ?1, sequence = ?2, time_ms = ?3")?;
    write.execute(params![branch.cast_signed(), sequence.cast_signed(), time_ms])?;
    Ok(())
}
