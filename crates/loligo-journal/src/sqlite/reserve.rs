//! Disk space taken before it is needed: the reserve, to be given up when the disk is full, and room in the write-ahead log.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Seek, SeekFrom, Write};

use crate::error::JournalError;
use crate::sqlite::paths::{Paths, io_error, private, remove_if_there};

/// Gives the space back, if there is any.
pub(crate) fn release(paths: &Paths) -> Result<(), JournalError> {
    remove_if_there(&paths.reserve).map(drop)
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
            if is_full(&error) { Ok(false) } else { Err(io_error("write", path)(error)) }
        }
    }
}

/// Makes the write-ahead log `bytes` long, with zeros behind what it holds. As long as commits find their place in the
/// file, a sync has bytes to write and nothing about the file; SQLite takes zeros for the end of the log. Nobody may
/// write to the log meanwhile.
///
/// A disk without room for it is no trouble: the log then grows as it is written.
pub(crate) fn make_room_in_log(paths: &Paths, bytes: u64) -> Result<(), JournalError> {
    let make = || -> std::io::Result<()> {
        let mut log = private().open(&paths.wal)?;
        let held = log.seek(SeekFrom::End(0))?;
        if held >= bytes {
            return Ok(());
        }
        match write_zeros(&mut log, bytes - held).and_then(|()| log.sync_all()) {
            Err(error) if is_full(&error) => log.set_len(held),
            result => result,
        }
    };
    make().map_err(io_error("make room in", &paths.wal))
}

fn is_full(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

fn fill(paths: &Paths, bytes: u64) -> std::io::Result<()> {
    write_zeros(&mut private().truncate(true).open(&paths.reserve)?, bytes)
}

/// Written, not only made long: a sparse file reserves nothing.
fn write_zeros(file: &mut File, bytes: u64) -> std::io::Result<()> {
    const PIECE: u64 = 256 * 1024;
    let zeros = vec![0; PIECE as usize];
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(PIECE);
        file.write_all(&zeros[..piece as usize])?;
        left -= piece;
    }
    Ok(())
}
