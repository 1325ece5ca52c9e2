//! The embedded journal: one SQLite database per venue, one row per group commit, and three small files beside it.
//!
//! The writer inserts and syncs; a second thread moves what is in the write-ahead log into the database; readers and
//! snapshots have connections of their own. What keeps it honest is said where it is done: the hash chain in
//! `chain`, the mark of what was acknowledged in `mark`, the checks of a start in `recovery`.

mod acknowledged_mark;
mod chain;
mod checkpoint;
mod cuts;
mod form;
mod lock;
mod paths;
mod prune;
mod reader;
mod recovery;
mod reserve;
mod snapshots;
mod stopped;
mod store;
mod survey;
mod verify;

pub use paths::{remove_journal, stored_files};
pub use stopped::StoppedJournal;
pub use survey::{BranchInfo, LeftBehind, Survey, Surveyed, Unreadable};
pub use verify::{Report, verify};

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::{ErrorCode, params};

use crate::branches::{Branch, history};
use crate::error::{AppendError, JournalError};
use crate::journal::{Journal, Log, Reader, Snapshots, Urgency};
use crate::records::{MAX_BATCH_BYTES, Records};
use crate::sqlite::acknowledged_mark::{AcknowledgedMark, AcknowledgedMarkFile};
use crate::sqlite::chain::Hash;
use crate::sqlite::checkpoint::Checkpointer;
use crate::sqlite::form::Form;
use crate::sqlite::lock::FolderLock;
use crate::sqlite::paths::{Paths, exists, io_error};
use crate::sqlite::prune::Shared;
use crate::sqlite::reader::{SqliteLog, SqliteReader};
use crate::sqlite::snapshots::FileSnapshots;
use crate::sqlite::store::{Access, Store, sqlite_error};

/// The figures of an embedded journal. [`Options::default`] is what a venue uses.
#[derive(Debug, Clone)]
pub struct Options {
    /// Wall time written into a new journal, microseconds since 1970; nothing reads it but people.
    pub created_us: i64,
    /// Size of the write-ahead log, in bytes, at which the checkpoint thread starts.
    pub checkpoint_bytes: u64,
    /// Size of the write-ahead log, in bytes, at which the writer stops and helps.
    pub bound_bytes: u64,
    /// Size of the write-ahead log after a start, in bytes, zeros behind what it holds; 0 for none.
    pub log_room_bytes: u64,
    /// Size of the reserve file, in bytes; 0 for none.
    pub reserve_bytes: u64,
    /// The most pages (4 KiB) the database may grow to, if there is a bound: a disk that is full at a known place.
    pub max_pages: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            created_us: 0,
            checkpoint_bytes: 8 * 1024 * 1024,
            bound_bytes: 64 * 1024 * 1024,
            // Where a log begins anew: the start of a checkpoint, and what comes in while it runs.
            log_room_bytes: 10 * 1024 * 1024,
            // A lone cancel costs about four pages of log: room for a thousand group commits of cancels.
            reserve_bytes: 16 * 1024 * 1024,
            max_pages: None,
        }
    }
}

/// A [`Journal`] in a folder, durable at each [`Journal::append`]. The folder is this process's alone until the
/// journal is dropped.
#[derive(Debug)]
pub struct SqliteJournal {
    paths: Paths,
    options: Options,
    store: Store,
    branch: u64,
    last: u64,
    /// Hash of the last row, or of the root of the branch.
    head: Hash,
    mark: AcknowledgedMarkFile,
    shared: Arc<Shared>,
    checkpointer: Checkpointer,
    /// Set for good by the first failure that leaves a commit undecided.
    stopped: Option<String>,
    left_behind: Option<LeftBehind>,
    /// Whether the first append looks for rows to be taken over into the present form.
    crossing: bool,
    notes: Vec<String>,
    _lock: FolderLock,
}

impl SqliteJournal {
    /// Opens the journal in `dir`, making it when the folder holds none.
    ///
    /// Checks the mark, and the hash chain from the newest snapshot (or the first record) to the last row.
    ///
    /// # Errors
    /// Any [`JournalError`]: a folder in use, a format that is not known, something acknowledged that is damaged or
    /// missing, trouble with files. Nothing is changed in the folder when it holds a journal that is refused.
    pub fn open(dir: &Path, options: Options) -> Result<Self, JournalError> {
        let (paths, lock) = prepare(dir)?;
        if recovery::is_new(&paths)? {
            store::create(&paths, options.created_us)?;
        }
        let store = Store::open(&paths, Access::Write)?;
        let end = recovery::check_start(&store, &paths)?;
        let left = left_by_newest(&store, &end);
        Self::start(paths, options, store, lock, end, left)
    }

    /// Opens the journal in `dir` just before the record `sequence`, as [`Journal::branch_before`] does, without
    /// asking whether what comes from there on is whole: this is the way on when a start refuses.
    ///
    /// When pages of the database are broken, the history before `sequence` moves to a new database, and the old
    /// one is kept beside it under the name `journal.db.damaged-N`. A snapshot that was not taken of this journal is put
    /// aside under its name with `.foreign` added.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`], as far as the records before `sequence` are concerned, and
    /// [`JournalError::NoSuchPlace`] unless there are such records up to the one before `sequence`.
    pub fn open_before(dir: &Path, sequence: u64, options: Options) -> Result<Self, JournalError> {
        let paths = Paths::new(dir);
        recovery::must_exist(&paths)?;
        let (paths, lock) = prepare(dir)?;
        let mut store = Store::open(&paths, Access::Write)?;
        let branch = store.current_branch();
        recovery::check_until(&store, &paths, sequence, "stop before")?;
        snapshots::put_foreign_aside(&store, &paths, branch, sequence - 1)?;
        let last = store.last_of(branch).unwrap_or(0).max(sequence - 1);
        let missing = recovery::acknowledged_after(&paths, branch, last);
        if store.check_pages().is_err() {
            store::rescue(store, &paths, branch, sequence - 1)?;
            store = Store::open(&paths, Access::Write)?;
        }
        let (id, root) = fork(&store, &paths, branch, sequence)?;
        store.read_branches()?;
        let left = LeftBehind { branch: id, parent: branch, first: sequence, last, missing };
        let end = AcknowledgedMark { branch: id, sequence: sequence - 1, hash: root };
        Self::start(paths, options, store, lock, end, Some(left))
    }

    /// What the branch being written left behind, as long as it has no record of its own.
    pub fn left_behind(&self) -> Option<LeftBehind> {
        self.left_behind
    }

    /// The batches of what was left behind, as far as they can be read.
    pub fn left_batches(&self) -> impl Iterator<Item = Surveyed> {
        self.left_behind.into_iter().flat_map(|left| survey::left_batches(&self.store, left))
    }

    fn start(
        paths: Paths,
        options: Options,
        store: Store,
        lock: FolderLock,
        end: AcknowledgedMark,
        left_behind: Option<LeftBehind>,
    ) -> Result<Self, JournalError> {
        // What a killed process left in the log may never have been synced. From here on it is history, so it is
        // made durable first, and the mark after it.
        if exists(&paths.wal)? {
            File::open(&paths.wal).and_then(|log| log.sync_all()).map_err(io_error("sync", &paths.wal))?;
        }
        checkpoint::at_start(&store.connection)
            .map_err(|error| sqlite_error("checkpoint", &paths.db, "the write-ahead log", error))?;
        let mark = AcknowledgedMarkFile::start(&paths.mark, &end)?;
        paths::sync_dir(&paths.dir)?;
        snapshots::remove_unfinished(&paths)?;
        let mut store = store;
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let trouble = |error| sqlite_error("open", &paths.db, "its first pages", error);
        if let Some(pages) = options.max_pages {
            store.connection.pragma_update(None, "max_page_count", pages).map_err(trouble)?;
        }
        store
            .connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                seen.frames.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }))
            .map_err(trouble)?;
        let log_room = options.log_room_bytes;
        let checkpointer = Checkpointer::start(&paths, options.checkpoint_bytes, options.bound_bytes)?;
        let journal = Self {
            paths,
            options,
            store,
            branch: end.branch,
            last: end.sequence,
            head: end.hash,
            mark,
            shared,
            checkpointer,
            stopped: None,
            left_behind,
            crossing: true,
            notes: Vec::new(),
            _lock: lock,
        };
        // A disk without room for it does not keep a venue from opening.
        reserve::restore(&journal.paths, journal.options.reserve_bytes)?;
        // After the reserve, which must not lack what this takes.
        reserve::make_room_in_log(&journal.paths, log_room)?;
        Ok(journal)
    }

    /// Takes the rows of an older form over. Not before the first record is written: until then whoever opened the folder may
    /// still refuse it, and send its owner back to the version that wrote it.
    fn cross(&mut self) -> Result<(), JournalError> {
        let from = self.store.form();
        if from == Form::Cut {
            return Ok(());
        }
        let Self { store, paths, branch, last, head, .. } = self;
        let end = AcknowledgedMark { branch: *branch, sequence: *last, hash: *head };
        let writing = self.shared.write();
        let crossed = form::cross(store, |store| Ok(recovery::check_start(store, paths)? == end))?;
        drop(writing);
        let (from, to) = (from.number(), form::FORMAT);
        if crossed {
            self.notes.push(format!(
                "the folder has crossed over from journal format {from} to {to}: earlier versions of the program cannot open it \
                 any more"
            ));
            checkpoint::at_start(&store.connection)
                .map_err(|error| sqlite_error("checkpoint", &paths.db, "the write-ahead log", error))?;
            reserve::make_room_in_log(paths, self.options.log_room_bytes)?;
        } else {
            self.notes.push(format!(
                "the folder stays in journal format {from}, for the disk has no room to cross over to format {to}, or pages that \
                 no start reads are broken; the next start tries again"
            ));
        }
        Ok(())
    }

    fn insert(&self, first: u64, time_us: i64, records: &Records, hash: &Hash) -> rusqlite::Result<()> {
        // One statement is one transaction: it is rolled back by SQLite itself when any step of it fails.
        let mut insert = self.store.connection.prepare_cached(self.store.form().statements().insert)?;
        let count = records.len() as u64;
        insert.execute(params![
            self.branch.cast_signed(),
            first.cast_signed(),
            count.cast_signed(),
            time_us,
            records.framed(),
            hash
        ])?;
        Ok(())
    }

    /// Inserts a batch that has been looked at, and moves the mark.
    fn commit(&mut self, time_us: i64, records: &Records) -> Result<u64, AppendError> {
        let first = self.last + 1;
        let count = records.len() as u64;
        let hash = chain::row(&self.head, self.branch, first, count, time_us, records.framed());
        let writing = self.shared.write();
        let inserted = self.insert(first, time_us, records, &hash);
        drop(writing);
        if let Err(error) = inserted {
            if self.rolled_back(&error) {
                return Err(AppendError::Full);
            }
            return Err(self.undecided(error.to_string()));
        }
        let sequence = first + count - 1;
        if let Err(error) = self.mark.write(&AcknowledgedMark { branch: self.branch, sequence, hash }) {
            return Err(self.undecided(format!("the mark could not be written: {error}")));
        }
        self.last = sequence;
        self.head = hash;
        Ok(first)
    }

    /// Gives the reserve up, to commits alone: nothing is copied into the database until it is back.
    fn give_up_reserve(&mut self) -> Result<(), AppendError> {
        self.checkpointer.pause().map_err(|reason| self.stop(reason))?;
        reserve::release(&self.paths).map_err(|error| self.stop(error.to_string()))?;
        self.shared.write().reserve_given_up = true;
        Ok(())
    }

    /// Takes the reserve back, if the disk has room for it.
    fn take_reserve_back(&mut self) -> Result<(), AppendError> {
        match reserve::restore(&self.paths, self.options.reserve_bytes) {
            Ok(true) => {
                self.checkpointer.resume();
                self.shared.write().reserve_given_up = false;
                Ok(())
            }
            Ok(false) => Err(AppendError::Full),
            Err(error) => Err(self.stop(error.to_string())),
        }
    }

    /// Takes nothing more. Nothing of the batch at hand was written.
    fn stop(&mut self, reason: String) -> AppendError {
        self.stopped = Some(reason.clone());
        AppendError::Stopped { reason }
    }

    fn undecided(&mut self, reason: String) -> AppendError {
        self.stopped = Some(reason.clone());
        AppendError::Undecided { after: self.last, reason }
    }

    /// Whether a failed insert left nothing behind: a full disk, and the last row still the one before.
    fn rolled_back(&self, error: &rusqlite::Error) -> bool {
        error.sqlite_error_code() == Some(ErrorCode::DiskFull)
            && self.store.connection.is_autocommit()
            && matches!(self.store.last_of(self.branch), Ok(last) if last == self.last)
    }
}

fn prepare(dir: &Path) -> Result<(Paths, FolderLock), JournalError> {
    let paths = Paths::new(dir);
    paths::make_dir(&paths.snapshots)?;
    let lock = FolderLock::take(&paths)?;
    Ok((paths, lock))
}

/// What the newest branch left behind, when it ends where it began: whoever opened it may not have gone on yet.
fn left_by_newest(store: &Store, end: &AcknowledgedMark) -> Option<LeftBehind> {
    let begun = store.branch(end.branch).filter(|branch| branch.parent != 0 && branch.fork == end.sequence);
    let &Branch { parent, fork, .. } = begun?;
    // Damage in what was left behind harms no start.
    let last = store.last_of(parent).unwrap_or(fork).max(fork);
    Some(LeftBehind { branch: end.branch, parent, first: fork + 1, last, missing: 0 })
}

/// Writes a new branch that leaves `parent` before `sequence`; returns its number and its root.
fn fork(store: &Store, paths: &Paths, parent: u64, sequence: u64) -> Result<(u64, Hash), JournalError> {
    let id = store.current_branch() + 1;
    let fork = sequence - 1;
    if !form::has_place(id, fork) {
        return Err(JournalError::NoSuchPlace { asked: id, purpose: "number a branch", last: id - 1 });
    }
    let root = store.new_root(id, parent, fork)?;
    store
        .connection
        .execute("INSERT INTO branch VALUES (?1, ?2, ?3)", [id, parent, fork].map(u64::cast_signed))
        .map_err(|error| sqlite_error("write a branch to", &paths.db, "the table of branches", error))?;
    Ok((id, root))
}

impl Journal for SqliteJournal {
    fn append(&mut self, time_us: i64, records: &Records, urgency: Urgency) -> Result<u64, AppendError> {
        if let Some(reason) = &self.stopped {
            return Err(AppendError::Stopped { reason: reason.clone() });
        }
        if records.is_empty() {
            return Err(AppendError::Empty);
        }
        if records.byte_len() > MAX_BATCH_BYTES {
            return Err(AppendError::TooLarge { bytes: records.byte_len(), bound: MAX_BATCH_BYTES });
        }
        if std::mem::take(&mut self.crossing)
            && let Err(error) = self.cross()
        {
            return Err(self.stop(error.to_string()));
        }
        if self.shared.write().reserve_given_up && urgency == Urgency::Ordinary {
            self.take_reserve_back()?;
        }
        let frames = self.shared.frames.load(Ordering::Relaxed);
        if let Err(reason) = self.checkpointer.step(&self.store.connection, frames) {
            // A database that failed to sync must not be trusted again.
            return Err(self.stop(reason));
        }
        let first = self.last + 1;
        if !form::has_place(self.branch, first) {
            return Err(self.stop(format!("record {first} has no place any more")));
        }
        match self.commit(time_us, records) {
            Err(AppendError::Full) if urgency == Urgency::Urgent => {
                self.give_up_reserve()?;
                self.commit(time_us, records)
            }
            result => result,
        }
    }

    fn branch(&self) -> u64 {
        self.branch
    }

    fn last_sequence(&self) -> u64 {
        self.last
    }

    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        if from == 0 || from > self.last + 1 {
            return Err(JournalError::NoSuchPlace { asked: from, purpose: "read from", last: self.last + 1 });
        }
        Ok(Box::new(SqliteReader::open(&self.paths, Access::Read, self.branch, from)?))
    }

    fn log(&self) -> Box<dyn Log> {
        Box::new(SqliteLog { paths: self.paths.clone(), branch: self.branch })
    }

    fn snapshots(&self) -> Box<dyn Snapshots> {
        // The current branch is in the table and its parents were checked at the start, so there is a history.
        let segments = history(&self.store.branches, self.branch).unwrap_or_default();
        let shared = Some(Arc::clone(&self.shared));
        Box::new(FileSnapshots::new(self.paths.clone(), Access::Read, self.branch, segments, shared))
    }

    fn kept_from(&self) -> Result<u64, JournalError> {
        self.store.kept_from(self.branch)
    }

    fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn branch_before(&mut self, sequence: u64) -> Result<u64, JournalError> {
        if sequence == 0 || sequence > self.last + 1 {
            return Err(JournalError::NoSuchPlace {
                asked: sequence,
                purpose: "branch before",
                last: self.last + 1,
            });
        }
        if self.store.kept_from(self.branch)? > 1 {
            // Where the beginning is gone, a branch needs a snapshot that leads to it.
            recovery::check_until(&self.store, &self.paths, sequence, "branch before")?;
        }
        let writing = self.shared.write();
        let (id, root) = fork(&self.store, &self.paths, self.branch, sequence)?;
        drop(writing);
        self.store.read_branches()?;
        self.mark
            .write_both(&AcknowledgedMark { branch: id, sequence: sequence - 1, hash: root })
            .map_err(io_error("write", &self.paths.mark))?;
        (self.branch, self.last, self.head) = (id, sequence - 1, root);
        Ok(id)
    }
}

impl Drop for SqliteJournal {
    /// Leaves one tidy database behind, so that it can be copied and opened by itself. Whatever fails here costs
    /// nothing: the next start recovers from the log.
    fn drop(&mut self) {
        self.checkpointer.stop();
        if self.stopped.is_none() && checkpoint::all(&self.store.connection).is_ok() {
            let _ = self.store.remove_log_on_close();
        }
        let _ = self.mark.sync();
    }
}
