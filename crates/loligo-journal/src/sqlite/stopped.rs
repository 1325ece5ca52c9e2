//! Reading the journal of a venue that is not running, without changing it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::branches::{history, shared};
use crate::error::JournalError;
use crate::journal::{Log, Reader, Snapshots};
use crate::sqlite::acknowledged_mark::AcknowledgedMark;
use crate::sqlite::lock::FolderLock;
use crate::sqlite::paths::{Paths, io_error, remove_if_there};
use crate::sqlite::reader::SqliteReader;
use crate::sqlite::recovery;
use crate::sqlite::snapshots::FileSnapshots;
use crate::sqlite::store::{Access, Store};

/// Bytes at the head of SQLite's log that say what it is.
const LOG_HEAD_BYTES: u64 = 32;

/// A stopped journal, open to be read. While it is, no venue can be started on its folder.
#[derive(Debug)]
pub struct StoppedJournal {
    folder: Folder,
    end: AcknowledgedMark,
    store: Store,
}

impl StoppedJournal {
    /// Opens the journal in `dir` and checks what a start checks. No record, snapshot or mark is written.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`](crate::SqliteJournal::open); a folder without a journal is
    /// [`JournalError::Missing`].
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let folder = Folder::open(dir)?;
        let store = folder.store()?;
        let end = recovery::check_start(&store, &folder.paths)?;
        Ok(Self { folder, end, store })
    }

    /// The branch that was written last.
    pub fn branch(&self) -> u64 {
        self.end.branch
    }

    /// Sequence number of the last record, 0 when there is none.
    pub fn last_sequence(&self) -> u64 {
        self.end.sequence
    }

    /// The record from which on the log can be read without a gap: 1 where nothing was pruned.
    ///
    /// # Errors
    /// What reading costs.
    pub fn kept_from(&self) -> Result<u64, JournalError> {
        self.store.kept_from(self.end.branch)
    }

    /// A reader over the newest branch and its ancestry that starts at the record `from` (at least 1).
    ///
    /// # Errors
    /// [`JournalError::NoSuchPlace`] unless `1 <= from <= last_sequence() + 1`, [`JournalError::Pruned`] for a record that
    /// is not there any more, and what opening a reader costs.
    pub fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        let AcknowledgedMark { branch, sequence: last, .. } = self.end;
        if from == 0 || from > last + 1 {
            return Err(JournalError::NoSuchPlace { asked: from, purpose: "read from", last: last + 1 });
        }
        Ok(Box::new(SqliteReader::open(&self.folder.paths, self.folder.access, branch, from)?))
    }

    /// The snapshots of the newest branch.
    pub fn snapshots(&self) -> Box<dyn Snapshots> {
        let segments = history(&self.store.branches, self.end.branch).unwrap_or_default();
        let (paths, access) = (self.folder.paths.clone(), self.folder.access);
        Box::new(FileSnapshots::new(paths, access, self.end.branch, segments, None))
    }
}

impl Log for StoppedJournal {
    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        StoppedJournal::reader(self, from)
    }

    fn branch(&self) -> u64 {
        self.end.branch
    }

    fn kept_from(&self) -> Result<u64, JournalError> {
        StoppedJournal::kept_from(self)
    }

    fn shared_with(&self, branch: u64) -> Result<u64, JournalError> {
        Ok(shared(&self.store.branches, self.end.branch, branch))
    }
}

/// A folder held for reading, and the way its database is to be opened.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) paths: Paths,
    pub(crate) access: Access,
    index: Option<std::path::PathBuf>,
    _lock: FolderLock,
}

impl Folder {
    pub(crate) fn open(dir: &Path) -> Result<Self, JournalError> {
        let paths = Paths::new(dir);
        recovery::must_exist(&paths)?;
        let lock = FolderLock::share(&paths)?;
        let log = holds_something(&paths.wal).map_err(io_error("look at", &paths.wal))?;
        let access = if log { Access::Read } else { Access::Still };
        // SQLite makes an index of the log in a file, and leaves it behind.
        let index = paths.dir.join("journal.db-shm");
        let index = (log && !super::paths::exists(&index)?).then_some(index);
        Ok(Self { paths, access, index, _lock: lock })
    }

    pub(crate) fn store(&self) -> Result<Store, JournalError> {
        Store::open(&self.paths, self.access)
    }
}

/// Whether a write-ahead log has begun: one that is missing, empty, or nothing but room at its head has not.
fn holds_something(log: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    match File::open(log) {
        Ok(log) => log.take(LOG_HEAD_BYTES).read_to_end(&mut head)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(head.iter().any(|&byte| byte != 0))
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(index) = &self.index {
            // It holds nothing that the log does not; the next start makes it anew.
            let _ = remove_if_there(index);
        }
    }
}
