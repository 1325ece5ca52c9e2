//! One owner per folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};

use crate::error::JournalError;
use crate::sqlite::paths::{Paths, io_error};

/// Holds the folder until it is dropped. The kernel gives it back when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder for this process alone.
    pub(crate) fn take(paths: &Paths) -> Result<Self, JournalError> {
        let trouble = || io_error("lock the data folder with", &paths.lock);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&paths.lock)
            .map_err(trouble())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The number is a courtesy to the reader of the message; without it the message still stands.
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if known { format!(" (number {})", holder.trim()) } else { String::new() };
                return Err(JournalError::Locked { dir: paths.dir.clone(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(trouble()(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(trouble())?;
        Ok(Self { _file: file })
    }
}
