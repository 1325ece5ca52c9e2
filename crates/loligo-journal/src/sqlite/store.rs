//! The database as a log: the schema, and the questions everyone here asks of it.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use crate::branches::{Branch, FIRST_BRANCH};
use crate::error::JournalError;
use crate::sqlite::acknowledged_mark::{AcknowledgedMark, AcknowledgedMarkFile};
use crate::sqlite::chain::{self, Hash};
use crate::sqlite::cuts::CUTS;
use crate::sqlite::form::{self, FORMAT, Form, ROWS};
use crate::sqlite::paths::{Paths, io_error, private, sync_dir};
use crate::sqlite::survey::LooseWalk;

/// "Loli": lets `file` and SQLite's own tools tell what the database is.
const APPLICATION_ID: i32 = 0x4c6f_6c69;
/// Bytes of a database page.
pub(crate) const PAGE_BYTES: u32 = 4096;

/// The settings that make a commit durable, as SQLite tells them: 2 is FULL, a sync of the log at each commit.
const DURABLE: [(&str, &str); 2] = [("journal_mode", "wal"), ("synchronous", "2")];

const SCHEMA: &str = "
CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE branch (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, fork INTEGER NOT NULL) STRICT;
";

/// One group commit as stored.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) branch: u64,
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) time_us: i64,
    pub(crate) records: Vec<u8>,
    pub(crate) hash: Hash,
}

impl Row {
    pub(crate) fn last(&self) -> u64 {
        self.first.saturating_add(self.count).saturating_sub(1)
    }

    /// The hash this row should have after a row with the hash `before`.
    pub(crate) fn expected_hash(&self, before: &Hash) -> Hash {
        chain::row(before, self.branch, self.first, self.count, self.time_us, &self.records)
    }
}

/// An open journal database and what its small tables say.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) connection: Connection,
    path: PathBuf,
    /// As the chain begins with it.
    header: Vec<(String, String)>,
    form: Form,
    pub(crate) branches: Vec<Branch>,
}

/// How to open the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// By the one process that owns the folder.
    Write,
    /// Beside a writer in this process, or of a stopped journal that still has a write-ahead log.
    Read,
    /// Of a stopped journal without a write-ahead log: no file is made or changed, and the folder may be read-only.
    Still,
}

impl Store {
    /// Opens an existing database, leaving its log as it is: nothing is checkpointed, now or when it is closed.
    pub(crate) fn open(paths: &Paths, access: Access) -> Result<Self, JournalError> {
        let path = &paths.db;
        let trouble = |error| sqlite_error("open", path, "its first pages", error);
        let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match access {
            Access::Write => Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            ),
            Access::Read => Connection::open_with_flags(path, read),
            Access::Still => Connection::open_with_flags(uri(path), read | OpenFlags::SQLITE_OPEN_URI),
        };
        let connection = connection.map_err(trouble)?;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .and_then(|_| {
                connection.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL;")
            })
            .map_err(trouble)?;
        let mut store = Self {
            connection,
            path: path.clone(),
            header: Vec::new(),
            form: Form::Cut,
            branches: Vec::new(),
        };
        if access == Access::Write {
            store.insist_on_syncs()?;
        }
        store.read_header()?;
        store.read_branches()?;
        Ok(store)
    }

    /// Reads back what every acknowledgement rests on: a log that is synced at each commit. SQLite answers a setting it
    /// does not take with silence.
    fn insist_on_syncs(&self) -> Result<(), JournalError> {
        for (pragma, wanted) in DURABLE {
            let found = self
                .connection
                .pragma_query_value(None, pragma, |row| match row.get_ref(0)? {
                    ValueRef::Integer(number) => Ok(number.to_string()),
                    other => Ok(other.as_str()?.to_owned()),
                })
                .map_err(|error| sqlite_error("open", &self.path, "its settings", error))?;
            if found != wanted {
                return Err(JournalError::NotDurable { path: self.path.clone(), pragma, found, wanted });
            }
        }
        Ok(())
    }

    /// Lets SQLite remove the log, which must hold nothing any more, when this last connection is closed.
    pub(crate) fn remove_log_on_close(&self) -> rusqlite::Result<()> {
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How its rows are stored.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// What the chain begins with.
    pub(crate) fn header(&self) -> &[(String, String)] {
        &self.header
    }

    /// Reads again what the header says, and with it in which form the rows are.
    pub(crate) fn read_header(&mut self) -> Result<(), JournalError> {
        let trouble = |error| sqlite_error("read", &self.path, "the header", error);
        let application: i32 =
            self.connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(trouble)?;
        let unknown =
            |found: String| JournalError::UnknownFormat { path: self.path.clone(), found, known: FORMAT };
        if application != APPLICATION_ID {
            return Err(unknown(format!("of another application ({application:#010x})")));
        }
        let header: Vec<(String, String)> = self
            .connection
            .prepare("SELECT key, value FROM header ORDER BY key")
            .and_then(|mut query| query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(trouble)?;
        let format = header.iter().find(|(key, _)| key == "format").map(|(_, value)| value.as_str());
        let Some(form) = format.and_then(Form::of) else {
            return Err(unknown(format.unwrap_or("(none named)").to_owned()));
        };
        (self.form, self.header) = (form, form::chained_header(header));
        Ok(())
    }

    /// Reads the table of branches again.
    pub(crate) fn read_branches(&mut self) -> Result<(), JournalError> {
        let branches: Vec<(i64, i64, i64)> = self
            .connection
            .prepare("SELECT id, parent, fork FROM branch ORDER BY id")
            .and_then(|mut query| {
                query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
            })
            .map_err(|error| sqlite_error("read", &self.path, "the table of branches", error))?;
        let mut known = Vec::with_capacity(branches.len());
        for (index, (id, parent, fork)) in branches.into_iter().enumerate() {
            // Numbers are given out in order, so a gap is a lost row.
            let branch = match (u64::try_from(id), u64::try_from(parent), u64::try_from(fork)) {
                (Ok(id), Ok(parent), Ok(fork)) if id == index as u64 + FIRST_BRANCH => {
                    Branch { id, parent, fork }
                }
                _ => {
                    return Err(
                        self.damaged(format!("row {id} of the table of branches"), "it is out of order")
                    );
                }
            };
            known.push(branch);
        }
        if known.is_empty() {
            return Err(self.damaged("the table of branches", "it is empty"));
        }
        self.branches = known;
        Ok(())
    }

    /// The newest branch: the one that is written.
    pub(crate) fn current_branch(&self) -> u64 {
        self.branches.last().map_or(FIRST_BRANCH, |branch| branch.id)
    }

    /// The branch with this number.
    pub(crate) fn branch(&self, id: u64) -> Option<&Branch> {
        self.branches.iter().find(|branch| branch.id == id)
    }

    /// The row of `branch` that holds the record `sequence`, or else the last row before it.
    pub(crate) fn row_at_or_before(&self, branch: u64, sequence: u64) -> Result<Option<Row>, JournalError> {
        let row =
            self.connection.prepare_cached(self.form.statements().at_or_before).and_then(|mut query| {
                query.query_row([branch.cast_signed(), self.form.sql_sequence(sequence)], read_row).optional()
            });
        row.map_err(|error| self.read_error(branch, sequence, error))
    }

    /// Up to `limit` rows of `branch` from the one that begins with record `first` or later, stopping early once
    /// they hold `bytes`, or before a row that cannot be read unless it is the first.
    pub(crate) fn rows_from(
        &self,
        branch: u64,
        first: u64,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<Row>, JournalError> {
        let collect = || {
            let mut query = self.connection.prepare_cached(self.form.statements().from)?;
            let mut found = query.query([branch.cast_signed(), self.form.sql_sequence(first)])?;
            let (mut rows, mut held) = (Vec::new(), 0);
            while rows.len() < limit && held < bytes {
                let row = match found.next().and_then(|row| row.map(read_row).transpose()) {
                    Ok(Some(row)) => row,
                    Ok(None) => break,
                    // The rows before the trouble are good; the next fetch begins with the trouble.
                    Err(_) if !rows.is_empty() => break,
                    Err(error) => return Err(error),
                };
                held += row.records.len();
                rows.push(row);
            }
            Ok(rows)
        };
        collect().map_err(|error| self.read_error(branch, first, error))
    }

    /// The last record of `branch`, its fork when it has no row.
    pub(crate) fn last_of(&self, branch: u64) -> Result<u64, JournalError> {
        let fork = self.branch(branch).map_or(0, |branch| branch.fork);
        Ok(self.row_at_or_before(branch, u64::MAX)?.map_or(fork, |row| row.last().max(fork)))
    }

    /// What the row of `branch` that begins with `first` is chained to: the row before it, or the root.
    pub(crate) fn hash_before(&self, branch: u64, first: u64) -> Result<Hash, JournalError> {
        let before = first.saturating_sub(1);
        let row = self.row_at_or_before(branch, before)?;
        if row.as_ref().is_none_or(|row| row.last() < before)
            && let Some(cut) = self.cut_at(branch, before)?
        {
            return Ok(cut.hash);
        }
        match row {
            Some(row) => Ok(row.hash),
            None => self.root_hash(branch),
        }
    }

    /// What the first row of `branch` is chained to.
    pub(crate) fn root_hash(&self, id: u64) -> Result<Hash, JournalError> {
        let Some(&Branch { parent, fork, .. }) = self.branch(id) else {
            return Err(self.damaged(format!("branch {id}"), "it is not in the table of branches"));
        };
        let parent_row = self.fork_hash(parent, fork)?;
        Ok(chain::root(&self.header, id, parent, fork, &parent_row))
    }

    /// The hash of the row that holds the record `fork` in the history of `parent`.
    pub(crate) fn fork_hash(&self, parent: u64, fork: u64) -> Result<Hash, JournalError> {
        if fork == 0 {
            return Ok([0; 32]);
        }
        let segments = crate::branches::history(&self.branches, parent);
        let holder = segments
            .as_deref()
            .and_then(|segments| segments.iter().find(|segment| (segment.from..=segment.to).contains(&fork)));
        let Some(holder) = holder else {
            return Err(
                self.damaged(format!("branch {parent}"), "its parents do not lead to the first branch")
            );
        };
        match self.row_at_or_before(holder.branch, fork)? {
            Some(row) if row.last() >= fork => Ok(row.hash),
            _ => Err(self.damaged(
                format!("record {fork} of branch {}", holder.branch),
                "a branch starts after it, but it is missing",
            )),
        }
    }

    /// The chain root that a branch left at `fork` from `parent` would have.
    pub(crate) fn new_root(&self, id: u64, parent: u64, fork: u64) -> Result<Hash, JournalError> {
        let parent_row = self.fork_hash(parent, fork)?;
        Ok(chain::root(&self.header, id, parent, fork, &parent_row))
    }

    /// An error about something stored that is not what was written.
    pub(crate) fn damaged(&self, place: impl Into<String>, what: impl Into<String>) -> JournalError {
        damaged(&self.path, place, what)
    }

    /// The same about a record.
    pub(crate) fn damaged_record(&self, branch: u64, sequence: u64, what: impl Into<String>) -> JournalError {
        self.damaged(format!("record {sequence} of branch {branch}"), what)
    }

    /// What SQLite's own check finds wrong with the pages of the database, if anything.
    pub(crate) fn check_pages(&self) -> Result<(), JournalError> {
        let place = "its pages";
        let found: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|error| sqlite_error("check", &self.path, place, error))?;
        if found == "ok" { Ok(()) } else { Err(self.damaged(place, found)) }
    }

    /// Where the first row of `branch` begins that begins with record `first` or later.
    pub(crate) fn row_begins(&self, branch: u64, first: u64) -> Result<Option<u64>, JournalError> {
        let begins = self.connection.prepare_cached(self.form.statements().begins).and_then(|mut query| {
            let place = [branch.cast_signed(), self.form.sql_sequence(first)];
            query.query_row(place, |row| row.get::<_, i64>(0)).optional()
        });
        let begins = begins.map_err(|error| self.read_error(branch, first, error))?;
        Ok(begins.map(i64::cast_unsigned))
    }

    /// How many rows there are in all, of whatever branch.
    pub(crate) fn count_rows(&self) -> Result<u64, JournalError> {
        self.connection
            .query_row("SELECT count(*) FROM batch", [], |row| row.get::<_, i64>(0))
            .map(i64::cast_unsigned)
            .map_err(|error| sqlite_error("count the rows of", &self.path, "its rows", error))
    }

    fn read_error(&self, branch: u64, sequence: u64, error: rusqlite::Error) -> JournalError {
        let place = if sequence == u64::MAX {
            format!("the end of branch {branch}")
        } else {
            format!("the rows near record {sequence} of branch {branch}")
        };
        sqlite_error("read", &self.path, &place, error)
    }
}

/// A name that says: this file does not change while it is open.
fn uri(path: &Path) -> String {
    use std::fmt::Write;
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri + "?immutable=1"
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let number = |column: usize| -> rusqlite::Result<u64> {
        let value: i64 = row.get(column)?;
        u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
    };
    Ok(Row {
        branch: number(0)?,
        first: number(1)?,
        count: number(2)?,
        time_us: row.get(3)?,
        records: row.get(4)?,
        hash: row.get(5)?,
    })
}

pub(crate) fn damaged(path: &Path, place: impl Into<String>, what: impl Into<String>) -> JournalError {
    JournalError::Damaged {
        path: path.to_path_buf(),
        place: place.into(),
        what: what.into(),
        remedy: String::new(),
    }
}

/// Sorts SQLite's errors: what says that the file is not what was written is damage, the rest is trouble.
pub(crate) fn sqlite_error(
    doing: &'static str,
    path: &Path,
    place: &str,
    error: rusqlite::Error,
) -> JournalError {
    let broken = match &error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
        }
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    };
    if broken {
        return damaged(path, place, error.to_string());
    }
    JournalError::Sqlite { doing, path: path.to_path_buf(), source: error }
}

/// The first branch of a new journal.
const ROOT: Branch = Branch { id: FIRST_BRANCH, parent: 0, fork: 0 };

/// Makes an empty journal: complete, or not there at all.
///
/// The mark gets its first content before the database gets its name, so that a database without a mark, or a mark
/// of some record without a database, is always a loss.
pub(crate) fn create(paths: &Paths, created_us: i64) -> Result<(), JournalError> {
    let header =
        vec![("created_us".to_owned(), created_us.to_string()), ("format".to_owned(), FORMAT.to_string())];
    let hash = chain::root(&header, ROOT.id, ROOT.parent, ROOT.fork, &[0; 32]);
    let new = build(paths, &header, &[ROOT], |_| Ok(()))?;
    AcknowledgedMarkFile::start(&paths.mark, &AcknowledgedMark { branch: ROOT.id, sequence: 0, hash })?;
    std::fs::rename(&new, &paths.db).map_err(io_error("rename", &new))?;
    sync_dir(&paths.dir)
}

/// Moves the history of `branch` into a database of its own, which takes the place of a damaged one: all of it up to the
/// record `until`, and what is sound of the rest. The damaged one is kept beside it. Rows of other branches stay behind
/// with it.
pub(crate) fn rescue(store: Store, paths: &Paths, branch: u64, until: u64) -> Result<PathBuf, JournalError> {
    let new = build(paths, &form::stored_header(&store.header), &store.branches, |connection| {
        for cut in store.cuts()? {
            let numbers = [cut.branch, cut.first, cut.last].map(u64::cast_signed);
            connection
                .execute(
                    "INSERT INTO cut VALUES ((?1 << 42) + ?2, ?3, ?4)",
                    params![numbers[0], numbers[1], numbers[2], cut.hash],
                )
                .map_err(|error| sqlite_error("write", &paths.db, "the table of cuts", error))?;
        }
        let mut insert = connection
            .prepare(Form::Cut.statements().insert)
            .map_err(|error| sqlite_error("write", &paths.db, "its rows", error))?;
        let mut keep = |row: Row| {
            if !form::has_place(row.branch, row.first) {
                return Ok(());
            }
            let numbers = [row.branch, row.first, row.count].map(u64::cast_signed);
            insert
                .execute(params![numbers[0], numbers[1], numbers[2], row.time_us, row.records, row.hash])
                .map(drop)
                .map_err(|error| sqlite_error("write", &paths.db, "its rows", error))
        };
        let mut reached = 0;
        for segment in crate::branches::history(&store.branches, branch).unwrap_or_default() {
            let mut next = segment.from;
            while next <= segment.to.min(until) {
                let Some(row) = store.rows_from(segment.branch, next, 1, 1)?.pop() else { break };
                next = row.last() + 1;
                reached = row.last();
                keep(row)?;
            }
        }
        let mut rest = LooseWalk::new(&store, branch, reached + 1);
        while let Some(row) = rest.next_row(&store) {
            if let Ok(row) = row {
                keep(row)?;
            }
        }
        Ok(())
    })?;
    drop(store);
    let mut number = 1;
    let kept = loop {
        let kept = paths.dir.join(format!("journal.db.damaged-{number}"));
        if !super::paths::exists(&kept)? {
            break kept;
        }
        number += 1;
    };
    // The log first: under the old name it would be taken for the log of the new database.
    let mut kept_wal = kept.clone().into_os_string();
    kept_wal.push("-wal");
    if super::paths::exists(&paths.wal)? {
        std::fs::rename(&paths.wal, &kept_wal).map_err(io_error("rename", &paths.wal))?;
    }
    super::paths::remove_if_there(&paths.dir.join("journal.db-shm"))?;
    std::fs::hard_link(&paths.db, &kept).map_err(io_error("keep the damaged", &paths.db))?;
    std::fs::rename(&new, &paths.db).map_err(io_error("rename", &new))?;
    sync_dir(&paths.dir)?;
    Ok(kept)
}

/// Writes a complete database under a name aside and syncs it; returns the name.
fn build(
    paths: &Paths,
    header: &[(String, String)],
    branches: &[Branch],
    rows: impl FnOnce(&Connection) -> Result<(), JournalError>,
) -> Result<PathBuf, JournalError> {
    let path = paths.dir.join("journal.db.new");
    for leftover in ["journal.db.new", "journal.db.new-journal", "journal.db.new-wal", "journal.db.new-shm"] {
        super::paths::remove_if_there(&paths.dir.join(leftover))?;
    }
    let trouble = |error| sqlite_error("create", &path, "its first pages", error);
    // SQLite gives the log and its index the rights that the database has.
    private().open(&path).map_err(io_error("create", &path))?;
    let connection = Connection::open(&path).map_err(trouble)?;
    let begin = || {
        connection.execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES};
             PRAGMA application_id = {APPLICATION_ID};
             PRAGMA user_version = {FORMAT};
             BEGIN; {SCHEMA} {ROWS} {CUTS}"
        ))?;
        for (key, value) in header {
            connection.execute("INSERT INTO header VALUES (?1, ?2)", (key, value))?;
        }
        for branch in branches {
            let numbers = [branch.id, branch.parent, branch.fork].map(u64::cast_signed);
            connection.execute("INSERT INTO branch VALUES (?1, ?2, ?3)", numbers)?;
        }
        Ok(())
    };
    begin().map_err(trouble)?;
    rows(&connection)?;
    // The last one to leave a database takes its log away with it, so one whole file remains.
    connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL;").map_err(trouble)?;
    connection.close().map_err(|(_, error)| trouble(error))?;
    File::open(&path).and_then(|file| file.sync_all()).map_err(io_error("sync", &path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_would_not_sync_each_commit_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let paths = Paths::new(dir.path());
        create(&paths, 0).expect("made");
        let store = Store::open(&paths, Access::Write).expect("opens");
        let synchronous: i64 =
            store.connection.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("told");
        assert_eq!(synchronous, 2, "FULL: a sync at each commit");
        for (statement, found) in
            [("synchronous = NORMAL", "1"), ("synchronous = OFF", "0"), ("synchronous = EXTRA", "3")]
        {
            store.connection.execute_batch(&format!("PRAGMA {statement}")).expect("taken");
            let error = store.insist_on_syncs().expect_err("refused");
            assert!(
                matches!(&error, JournalError::NotDurable { found: told, .. } if told == found),
                "{error}"
            );
        }
        store
            .connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE")
            .expect("taken");
        let error = store.insist_on_syncs().expect_err("refused").to_string();
        assert!(error.contains("journal_mode is \"delete\" where \"wal\""), "{error}");
    }
}
