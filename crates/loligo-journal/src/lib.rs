//! The memory: ordered durable records over opaque bytes.
//!
//! A journal takes batches of records, makes each batch durable as one unit, tells the appender which place
//! (sequence number) the batch got, and lets anyone follow the log from any place. It also keeps snapshots, which
//! are opaque bytes too. What a record means is the business of whoever wrote it.
//!
//! * [`Journal`] is the one trait; [`Reader`] follows a log; [`Snapshots`] keeps states.
//! * [`SqliteJournal`] is the embedded implementation: one folder, one writer, every acknowledged record survives a
//!   kill. [`MemoryJournal`] forgets everything when it is dropped.
//! * [`Survey`] reads whatever can be read of a stopped journal, damaged or not.
//! * [`StoppedJournal`] reads the journal of a venue that is not running, and changes nothing; [`verify`] checks a
//!   stopped journal from its first byte to its last.
//!
//! The stored format is drawn byte by byte in `docs/journal.md`.
#![forbid(unsafe_code)]

mod branches;
mod error;
mod journal;
mod memory;
mod records;
mod sqlite;

pub use branches::FIRST_BRANCH;
pub use error::{AppendError, JournalError, quoted, until_command};
pub use journal::{Journal, Log, Newest, Reader, SnapshotInfo, Snapshots, Urgency};
pub use memory::MemoryJournal;
pub use records::{Batch, MAX_BATCH_BYTES, Records};
pub use sqlite::{
    BranchInfo, LeftBehind, Options, Report, SqliteJournal, StoppedJournal, Survey, Surveyed, Unreadable,
    remove_journal, stored_files, verify,
};
