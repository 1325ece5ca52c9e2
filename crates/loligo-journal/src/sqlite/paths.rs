//! The files of a journal.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
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

/// How files of a journal are made: for their owner alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// Makes a folder, and those above it, for their owner alone.
pub(crate) fn make_dir(dir: &Path) -> Result<(), JournalError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io_error("make the folder", dir))
}

/// Whether a journal makes files of this name in its folder.
fn is_ours(name: &str) -> bool {
    const FIXED: [&str; 10] = [
        "journal.db",
        "journal.db-wal",
        "journal.db-shm",
        "journal.db.new",
        "journal.db.new-journal",
        "journal.db.new-wal",
        "journal.db.new-shm",
        "journal.mark",
        "journal.reserve",
        "journal.lock",
    ];
    let kept = name.strip_prefix("journal.db.damaged-").map(|rest| rest.strip_suffix("-wal").unwrap_or(rest));
    FIXED.contains(&name) || kept.is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Every file in `dir` that a journal has made there, by its name: snapshots and leftovers too, whatever is in them. A
/// name of ours that is a folder or a link is not ours.
///
/// # Errors
/// What listing a folder costs; one that is not there holds nothing.
pub fn stored_files(dir: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let snapshots = Paths::new(dir).snapshots;
    let mut files = listed(dir, is_ours)?;
    files.extend(listed(&snapshots, |name| super::snapshots::place_of(name).is_some())?);
    Ok(files)
}

fn listed(dir: &Path, ours: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, JournalError> {
    let trouble = || io_error("list the folder", dir);
    let is_dir = fs::symlink_metadata(dir).is_ok_and(|entry| entry.is_dir());
    let entries = match fs::read_dir(dir) {
        // A link in the place of our folder leads to somebody else's.
        Ok(_) if !is_dir && dir.ends_with("snapshots") => return Ok(Vec::new()),
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(trouble()(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(trouble())?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(&ours) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Removes a stopped journal with all its files; other files stay. The lock file stays, too: it is held meanwhile.
///
/// # Errors
/// [`JournalError::Locked`] for a folder in use, and what removing costs. What was begun can be done again.
pub fn remove_journal(dir: &Path) -> Result<(), JournalError> {
    let paths = Paths::new(dir);
    if stored_files(dir)?.is_empty() {
        return Ok(());
    }
    let _lock = super::lock::FolderLock::take(&paths)?;
    // The mark last: as long as it is there, what is left does not open as a shorter history.
    let mut files = stored_files(dir)?;
    files.sort_by_key(|file| *file == paths.mark);
    for file in files.iter().filter(|file| **file != paths.lock) {
        remove_if_there(file)?;
    }
    // Somebody else's files in it keep it.
    let _ = fs::remove_dir(&paths.snapshots);
    sync_dir(dir)
}
