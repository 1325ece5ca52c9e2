//! The index: one connection that writes, some that read.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use crate::batch::Batch;
use crate::columns::{Cells, Columns as _};
use crate::error::Error;
use crate::page::{self, Earlier, Of, Page, Query};
use crate::retention::{Keep, Turn};
use crate::rows::{AccountLogEntry, OpenOrder, Row, lists};
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
    /// The last record that its open orders are of: after a revert they are made again from the beginning, and no row is.
    pub folded: u64,
    /// Exchange time of that record.
    pub time_ms: i64,
    /// The first record from which on it has all rows.
    pub speaks_from: u64,
    /// Exchange time behind which it has all rows; `None` where none are missing, because it was begun with the first record.
    pub speaks_from_ms: Option<i64>,
    /// Exchange time of the first record that it was told of, when there was one.
    pub begun_ms: Option<i64>,
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub symbol: String,
    /// The step of its prices: the first, with so many digits behind the point as the second says.
    pub tick: (u32, u8),
    /// Decimal places of its sizes; negative for multiples of ten.
    pub lot_digits: i8,
    /// What whoever makes rows wants to know of it again.
    pub spec: Vec<u8>,
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
    /// Opens the index in a file, making it when there is none. The key seals tokens of an index that is made; one that is there
    /// keeps the key it was made with.
    ///
    /// An index of another format, or a file that is none, is thrown away: it says why, and begins anew.
    ///
    /// # Errors
    /// Trouble with files.
    pub fn open(path: &Path, key: [u8; 32], keep: Keep) -> Result<(Self, Option<String>), Error> {
        let (connection, key, why) = schema::open(path, key)?;
        Ok((Self::with(connection, key, keep, Some(path.to_owned())), why))
    }

    /// An index that is gone with the process.
    ///
    /// # Errors
    /// When SQLite has no memory.
    pub fn in_memory(key: [u8; 32], keep: Keep) -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        schema::create(&connection, &key)?;
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
        let transaction = immediate(connection)?;
        let before = progress(&transaction)?;
        if first <= before.folded {
            return Err(Error::OutOfOrder { last: before.folded, got: first });
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
        note_open(&transaction, batch)?;
        let reached = Progress {
            branch: batch.branch,
            sequence: last.max(before.sequence),
            time_ms: if last < before.sequence { before.time_ms } else { batch.time_ms },
            folded: last,
            begun_ms: before.begun_ms.or(Some(batch.begun_ms)),
            ..before
        };
        set_progress(&transaction, reached)?;
        turn.prune(&transaction, self.keep, reached.time_ms, batch.rows.len())?;
        transaction.commit()?;
        Ok(())
    }

    /// Goes on after the last record of a batch, which says what was open then: what records before it, from the last one on,
    /// came to cannot be had any more.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn begin(&self, state: &Batch) -> Result<(), Error> {
        let Some((_, last)) = state.span else { return Ok(()) };
        let mut writer = lock(&self.writer);
        let transaction = immediate(&mut writer.connection)?;
        let before = progress(&transaction)?;
        if before.sequence < last {
            let (first, last) = ((before.sequence + 1).cast_signed(), last.cast_signed());
            transaction.execute("INSERT INTO gap VALUES (?1, ?2, ?3)", [first, last, state.time_ms])?;
        }
        transaction.execute("DELETE FROM open_order", [])?;
        note_open(&transaction, state)?;
        let sequence = last.max(before.sequence);
        let begun_ms = before.begun_ms.or(Some(state.time_ms));
        let begun = Progress {
            branch: state.branch,
            sequence,
            time_ms: state.time_ms,
            folded: last,
            begun_ms,
            ..before
        };
        set_progress(&transaction, begun)?;
        Ok(transaction.commit()?)
    }

    /// Forgets the rows of all records after one: the journal goes on from there, on another branch. What was open then is not
    /// known any more, unless nothing was forgotten.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn revert(&self, branch: u64, sequence: u64) -> Result<(), Error> {
        let mut writer = lock(&self.writer);
        let transaction = immediate(&mut writer.connection)?;
        let before = progress(&transaction)?;
        let mut reverted = Progress { branch, ..before };
        if before.sequence > sequence || before.folded > sequence {
            for list in lists() {
                let forget = format!("DELETE FROM {} WHERE sequence > ?1", list.table);
                transaction.execute(&forget, [sequence.cast_signed()])?;
            }
            transaction.execute("DELETE FROM gap WHERE first > ?1", [sequence.cast_signed()])?;
            transaction.execute("UPDATE gap SET last = min(last, ?1)", [sequence.cast_signed()])?;
            transaction.execute("DELETE FROM open_order", [])?;
            reverted = Progress { sequence: before.sequence.min(sequence), folded: 0, ..reverted };
        }
        set_progress(&transaction, reverted)?;
        Ok(transaction.commit()?)
    }

    /// An order that is open, as the last record left it.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn open_order(&self, number: u64) -> Result<Option<OpenOrder>, Error> {
        let writer = lock(&self.writer);
        let mut read =
            writer.connection.prepare_cached("SELECT * FROM open_order WHERE order_number = ?1")?;
        let take = |row: &rusqlite::Row<'_>| OpenOrder::take(&mut Cells::from(row, 0));
        Ok(read.query_row([number.cast_signed()], take).optional()?)
    }

    /// What was noted of all contracts that were ever listed, by number.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn contracts(&self) -> Result<Vec<(u32, Vec<u8>)>, Error> {
        let writer = lock(&self.writer);
        let mut read = writer.connection.prepare("SELECT contract, spec FROM contract ORDER BY contract")?;
        Ok(read.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?)
    }

    /// The accounts of the house.
    ///
    /// # Errors
    /// Trouble with the file.
    pub fn house(&self) -> Result<Vec<u32>, Error> {
        let writer = lock(&self.writer);
        let mut read = writer.connection.prepare("SELECT account FROM house")?;
        Ok(read.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
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
        let transaction = immediate(&mut writer.connection)?;
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
        self.page_and_earlier(query, token, None, wanted)
    }

    /// As [`Index::page_with`], of a list that has earlier rows than those that are kept. They are left out once they are older
    /// than what is kept, and where rows between are missing.
    ///
    /// # Errors
    /// [`Error::Token`]; trouble with the file.
    pub fn page_and_earlier<R: Row>(
        &self,
        query: &Query,
        token: Option<&str>,
        earlier: Option<Earlier<'_, R>>,
        wanted: impl FnMut(&R, Option<u64>) -> bool,
    ) -> Result<Page<R>, Error> {
        self.read(|connection| {
            let progress = progress(connection)?;
            let kept = self.keep.of(R::TABLE);
            let earlier = earlier.filter(|earlier| {
                progress.speaks_from == 1
                    && kept.is_none_or(|kept| progress.time_ms - earlier.ends_ms <= kept)
            });
            page::read(connection, self.of(R::TABLE, progress), query, token, earlier, wanted)
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
    ) -> Result<Page<AccountLogEntry>, Error> {
        self.read(|connection| {
            let progress = progress(connection)?;
            page::read_log(connection, self.of(AccountLogEntry::TABLE, progress), query, numbers, wanted)
        })
    }

    /// What pages of a list are of. It has all there was behind what the journal had no more when the index was made, and behind what
    /// is too old to be kept.
    fn of(&self, table: &str, progress: Progress) -> Of<'_> {
        let kept = self.keep.of(table).map(|kept| progress.time_ms.saturating_sub(kept));
        let pruned = kept.filter(|kept| progress.begun_ms.is_some_and(|begun| begun < *kept));
        Of {
            key: &self.key,
            branch: progress.branch,
            sequence: progress.sequence,
            whole_from_ms: progress.speaks_from_ms.max(pruned),
        }
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

/// Begins a write. One that began by reading could not wait for another's: SQLite refuses it at once.
fn immediate(connection: &mut Connection) -> rusqlite::Result<rusqlite::Transaction<'_>> {
    connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
}

fn progress(connection: &Connection) -> rusqlite::Result<Progress> {
    let mut read = connection.prepare_cached(
        "SELECT branch, sequence, time_ms, folded, (SELECT coalesce(max(last), 0) + 1 FROM gap),
             (SELECT max(until_ms) FROM gap), begun_ms FROM progress",
    )?;
    read.query_row([], |row| {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let (branch, sequence, folded, speaks_from) = (number(0)?, number(1)?, number(3)?, number(4)?);
        let (time_ms, speaks_from_ms, begun_ms) = (row.get(2)?, row.get(5)?, row.get(6)?);
        Ok(Progress { branch, sequence, time_ms, folded, speaks_from, speaks_from_ms, begun_ms })
    })
}

fn set_progress(connection: &Connection, progress: Progress) -> rusqlite::Result<()> {
    let Progress { branch, sequence, time_ms, folded, speaks_from: _, speaks_from_ms: _, begun_ms } =
        progress;
    let mut write = connection.prepare_cached(
        "UPDATE progress SET branch = ?1, sequence = ?2, time_ms = ?3, folded = ?4, begun_ms = ?5",
    )?;
    let [branch, sequence, folded] = [branch, sequence, folded].map(u64::cast_signed);
    write.execute(params![branch, sequence, time_ms, folded, begun_ms])?;
    Ok(())
}

/// Writes down what a batch says of open orders, of contracts and of the house.
fn note_open(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let places = vec!["?"; OpenOrder::WIDTH].join(", ");
    let mut open =
        connection.prepare_cached(&format!("INSERT OR REPLACE INTO open_order VALUES ({places})"))?;
    let mut close = connection.prepare_cached("DELETE FROM open_order WHERE order_number = ?1")?;
    let mut values = Vec::new();
    for (number, order) in &batch.open {
        match order {
            Some(order) => {
                values.clear();
                order.put(&mut values);
                open.execute(params_from_iter(values.iter()))?;
            }
            None => {
                close.execute([number.cast_signed()])?;
            }
        }
    }
    let ten = |power: i32| 10_f64.powi(power);
    for Contract { number, symbol, tick: (mantissa, digits), lot_digits, spec } in &batch.contracts {
        let lot = ten(-i32::from(*lot_digits));
        let tick = f64::from(*mantissa) * ten(-i32::from(*digits));
        connection
            .prepare_cached("INSERT OR REPLACE INTO contract VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![number, symbol, tick, digits, lot, lot_digits, spec])?;
    }
    for account in &batch.house {
        connection.prepare_cached("INSERT OR REPLACE INTO house VALUES (?1)")?.execute([account])?;
    }
    Ok(())
}
