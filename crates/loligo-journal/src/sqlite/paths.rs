//! The files of a journal.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::JournalError;

/// The folder and the files in it.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) dir: PathBuf,
    pub(crate) db: PathBuf,
    pub(crate) wal: PathBuf,
    pub(crate) mark: PathBuf,
    pub(crate) reserve: PathBuf,
    pub(crate) lock: PathBuf,
    pub(crate) snapshots: PathBuf,
}

impl Paths {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            db: dir.join("journal.db"),
            wal: dir.join("journal.db-wal"),
            mark: dir.join("journal.mark"),
            reserve: dir.join("journal.reserve"),
            lock: dir.join("journal.lock"),
            snapshots: dir.join("snapshots"),
        }
    }
}

/// Turns an error of the operating system into one that says what was being done with which file.
pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_path_buf();
    move |source| JournalError::Io { doing, path, source }
}

/// Makes the names in a folder durable. A renamed or created file survives a power cut only after this.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_error("sync the folder", dir))
}

/// Whether a file is there; trouble finding out is an error, never "no".
pub(crate) fn exists(path: &Path) -> Result<bool, JournalError> {
    path.try_exists().map_err(io_error("look for", path))
}

/// Removes a file that may be gone already. Returns whether it was there.
pub(crate) fn remove_if_there(path: &Path) -> Result<bool, JournalError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("remove", path)(error)),
    }
}
