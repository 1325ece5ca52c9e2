//! The acknowledged mark: what somebody was told is durable, written beside the database after each commit.
//!
//! SQLite drops the end of a write-ahead log that it cannot read, because it cannot know whether that end was ever
//! acknowledged. The mark knows. It costs one write of 64 bytes and no sync: it must survive a killed process, and
//! after a power cut an older mark is still true.
//!
//! Two slots are written in turn, each in a sector of its own, so that a torn write leaves the other one. A slot is
//! written only after its commit, so a journal that has gone past the readable slot holds what the torn one said;
//! a journal that ends exactly at the readable slot may not, and is refused.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::JournalError;
use crate::sqlite::chain::Hash;
use crate::sqlite::paths::{io_error, private};

const MAGIC: &[u8; 8] = b"LoligoMk";
const SLOT: usize = 64;
/// Distance of the slots: a sector, the unit that disks write whole.
const STRIDE: u64 = 512;

/// The end of what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AcknowledgedMark {
    pub(crate) branch: u64,
    /// Last acknowledged record; the fork when the branch has none of its own.
    pub(crate) sequence: u64,
    /// Hash of the row that ends with it, or of the root of the branch.
    pub(crate) hash: Hash,
}

impl AcknowledgedMark {
    fn encode(&self) -> [u8; SLOT] {
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(MAGIC);
        slot[8..16].copy_from_slice(&self.branch.to_le_bytes());
        slot[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        slot[24..56].copy_from_slice(&self.hash);
        let check = check(&slot);
        slot[56..].copy_from_slice(&check);
        slot
    }

    fn decode(slot: &[u8; SLOT]) -> Option<Self> {
        let number = |at: usize| slot[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        if &slot[..8] != MAGIC || slot[56..] != check(slot) {
            return None;
        }
        Some(Self { branch: number(8)?, sequence: number(16)?, hash: *slot[24..].first_chunk()? })
    }
}

fn check(slot: &[u8; SLOT]) -> [u8; 8] {
    let hash = blake3::hash(&slot[..56]);
    let mut check = [0; 8];
    check.copy_from_slice(&hash.as_bytes()[..8]);
    check
}

/// What the mark file said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The newest readable slot.
    pub(crate) mark: AcknowledgedMark,
    /// Whether the other slot could be read too.
    pub(crate) whole: bool,
}

/// Reads the mark file. `Ok(None)`: there is none. `Ok(Some(None))`: neither slot can be read.
pub(crate) fn read(path: &Path) -> Result<Option<Option<Found>>, JournalError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open", path)(error)),
    };
    let mut slots = [None; 2];
    for (index, slot) in slots.iter_mut().enumerate() {
        let mut bytes = [0; SLOT];
        match file.read_exact_at(&mut bytes, index as u64 * STRIDE) {
            Ok(()) => *slot = AcknowledgedMark::decode(&bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(io_error("read", path)(error)),
        }
    }
    let whole = slots.iter().all(Option::is_some);
    let newest = slots.into_iter().flatten().max_by_key(|mark| (mark.branch, mark.sequence));
    Ok(Some(newest.map(|mark| Found { mark, whole })))
}

/// The mark file, open for writing.
#[derive(Debug)]
pub(crate) struct AcknowledgedMarkFile {
    file: File,
    slot: u64,
}

impl AcknowledgedMarkFile {
    /// Opens or makes the file, writes `mark` to both slots and syncs them.
    pub(crate) fn start(path: &Path, mark: &AcknowledgedMark) -> Result<Self, JournalError> {
        let file = private().open(path).map_err(io_error("open", path))?;
        let mut file = Self { file, slot: 0 };
        file.write_both(mark).map_err(io_error("write", path))?;
        Ok(file)
    }

    /// Writes the slot whose turn it is.
    pub(crate) fn write(&mut self, mark: &AcknowledgedMark) -> std::io::Result<()> {
        self.file.write_all_at(&mark.encode(), self.slot * STRIDE)?;
        self.slot ^= 1;
        Ok(())
    }

    /// Writes both slots and syncs: for the moments that are no commit.
    pub(crate) fn write_both(&mut self, mark: &AcknowledgedMark) -> std::io::Result<()> {
        self.write(mark)?;
        self.write(mark)?;
        self.sync()
    }

    /// Makes the mark survive a power cut.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync_all()
    }
}
