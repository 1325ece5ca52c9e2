//! One owner per folder.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Write};

use crate::error::JournalError;
use crate::sqlite::paths::{Paths, io_error, private};

/// Holds the folder until it is dropped. The kernel gives it back when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: Option<File>,
}

impl FolderLock {
    /// Takes the folder for this process alone.
    pub(crate) fn take(paths: &Paths) -> Result<Self, JournalError> {
        let mut file = private().read(true).open(&paths.lock).map_err(io_error(DOING, &paths.lock))?;
        owned(paths, &mut file, File::try_lock)?;
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(io_error(DOING, &paths.lock))?;
        Ok(Self { _file: Some(file) })
    }

    /// Keeps owners away while a stopped journal is read. Others may read it too.
    pub(crate) fn share(paths: &Paths) -> Result<Self, JournalError> {
        match File::open(&paths.lock) {
            Ok(mut file) => {
                owned(paths, &mut file, File::try_lock_shared)?;
                Ok(Self { _file: Some(file) })
            }
            // A copy without its lock file has no owner, and a folder that is only read needs none.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self { _file: None }),
            Err(error) => Err(io_error(DOING, &paths.lock)(error)),
        }
    }
}

/// A process number has at most ten digits; a longer file says something else.
const HOLDER_BYTES: u64 = 32;

const DOING: &str = "lock the data folder with";

fn owned(
    paths: &Paths,
    file: &mut File,
    lock: fn(&File) -> Result<(), TryLockError>,
) -> Result<(), JournalError> {
    match lock(file) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The number is a courtesy to the reader of the message; without it the message still stands.
            let known =
                file.take(HOLDER_BYTES).read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { format!(" (number {})", holder.trim()) } else { String::new() };
            Err(JournalError::Locked { dir: paths.dir.clone(), holder })
        }
        Err(TryLockError::Error(error)) => Err(io_error(DOING, &paths.lock)(error)),
    }
}
