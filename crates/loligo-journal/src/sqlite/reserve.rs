//! The reserve: disk space held back, to be given up when the disk is full.

use std::fs;
use std::io::{ErrorKind, Write};

use crate::error::JournalError;
use crate::sqlite::paths::{Paths, io_error, private, remove_if_there};

/// Gives the space back. Returns whether there was any.
pub(crate) fn release(paths: &Paths) -> Result<bool, JournalError> {
    remove_if_there(&paths.reserve)
}

/// Takes `bytes` of space unless they are held already. Returns `false` when the disk has no room for them.
pub(crate) fn restore(paths: &Paths, bytes: u64) -> Result<bool, JournalError> {
    let path = &paths.reserve;
    if bytes == 0 || fs::metadata(path).is_ok_and(|file| file.len() == bytes) {
        return Ok(true);
    }
    match fill(paths, bytes) {
        Ok(()) => Ok(true),
        Err(error) => {
            remove_if_there(path)?;
            match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Ok(false),
                _ => Err(io_error("write", path)(error)),
            }
        }
    }
}

/// Written, not only made long: a sparse file reserves nothing.
fn fill(paths: &Paths, bytes: u64) -> std::io::Result<()> {
    const PIECE: u64 = 256 * 1024;
    let mut file = private().truncate(true).open(&paths.reserve)?;
    let zeros = [0; PIECE as usize];
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(PIECE);
        file.write_all(&zeros[..piece as usize])?;
        left -= piece;
    }
    Ok(())
}
