//! The traits: what any memory of an exchange promises.

use crate::error::{AppendError, JournalError};
use crate::records::{Batch, Records};

/// Whether a batch may use the disk space that a journal holds back for when the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It may wait until there is room again.
    Ordinary,
    /// It takes away risk, or cannot be taken back: cancels, and what has been applied already.
    Urgent,
}

/// An ordered, durable log of opaque records, any number of readers, and snapshots beside it.
///
/// Sequence numbers start at 1 and have no gaps within one branch and its ancestry. A place is always learned from
/// the journal: an appender must not assume that its batch follows the last record it saw, because an implementation
/// may order batches of several appenders, and one of those may take the log to another branch.
pub trait Journal: Send {
    /// Makes a batch durable and returns the sequence number of its first record; the others follow in order.
    ///
    /// Where that number is not the one after the last record that the appender knows, other appenders were first:
    /// what lies between is history, too, and is read through [`Journal::reader`] before the batch is acted on.
    ///
    /// `time_us` is the time proposed for the whole batch, in microseconds since 1970, kept as it is given.
    /// When this returns `Ok`, every record of the batch is synced to the medium the implementation names as
    /// durable. A batch is remembered whole or not at all. A journal that holds disk space back gives it up to an
    /// urgent batch that finds the disk full, and takes it back, as soon as there is room, before an ordinary one.
    ///
    /// # Errors
    /// See [`AppendError`]: each variant says whether the batch can have been remembered and what to do next.
    fn append(&mut self, time_us: i64, records: &Records, urgency: Urgency) -> Result<u64, AppendError>;

    /// The branch that this appender writes, 1 for a journal that was never forked. It changes by
    /// [`Journal::branch_before`] and by an [`AppendError::Moved`], and not otherwise.
    fn branch(&self) -> u64;

    /// Sequence number of the last record of that branch (its ancestry included), 0 when there is none. Records of
    /// other appenders count.
    fn last_sequence(&self) -> u64;

    /// A reader over the current branch and its ancestry that starts at the record `from` (at least 1).
    ///
    /// `from` may be one past the last record: the reader then waits there for what is appended later.
    ///
    /// # Errors
    /// [`JournalError::NoSuchPlace`] when `from` is 0 or beyond that, [`JournalError::Pruned`] when the record `from` is
    /// not there any more, and what opening a reader costs.
    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError>;

    /// The record from which on the current branch can be read without a gap: 1 where nothing was pruned. The batch that
    /// the log begins with can be read all the same.
    ///
    /// # Errors
    /// What reading costs.
    fn kept_from(&self) -> Result<u64, JournalError>;

    /// What the journal did by itself that its operator should know, each in a sentence and told once.
    fn notes(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// The records of the current branch and its ancestry, for whoever reads them on another thread. The handle is independent:
    /// it may be used while the journal is appended to, and it keeps to the branch that was current when it was made.
    fn log(&self) -> Box<dyn Log>;

    /// The snapshots of this journal. The handle is independent: it may be used on another thread while the
    /// journal is appended to, and it sees the branch that was current when it was made.
    fn snapshots(&self) -> Box<dyn Snapshots>;

    /// Opens a new branch just before the record `sequence`: the records from `sequence` on stay where they are but
    /// are no longer part of the current branch, and the next record appended gets the number `sequence`.
    ///
    /// Returns the number of the new branch. Readers and snapshot handles made before keep to the branch they
    /// were made on. Other appenders hear of it with their next batch ([`AppendError::Moved`]).
    ///
    /// # Errors
    /// [`JournalError::NoSuchPlace`] unless `1 <= sequence <= last_sequence() + 1`; [`JournalError::Pruned`] when the
    /// record before `sequence` is not there any more, or no snapshot leads to it.
    fn branch_before(&mut self, sequence: u64) -> Result<u64, JournalError>;
}

/// The records of one branch and its ancestry.
pub trait Log: Send {
    /// A reader that starts at the record `from` (at least 1), as [`Journal::reader`] gives one. It finds what is appended later,
    /// too.
    ///
    /// # Errors
    /// What opening a reader costs.
    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError>;

    /// The branch whose records these are.
    fn branch(&self) -> u64;

    /// The record from which on these can be read without a gap, as [`Journal::kept_from`] tells it.
    ///
    /// # Errors
    /// What reading costs.
    fn kept_from(&self) -> Result<u64, JournalError>;

    /// The last record that this branch has in common with another, `u64::MAX` with itself, 0 with one that is not known.
    ///
    /// # Errors
    /// What reading the branches costs.
    fn shared_with(&self, branch: u64) -> Result<u64, JournalError>;
}

/// A place in a log, moving forward. It can be handed to another thread.
pub trait Reader: Send {
    /// The next batch, or `None` when the reader has seen everything that is in the log now; a later call returns
    /// what has been appended since.
    ///
    /// Each batch is checked against what was written before it is handed out.
    ///
    /// # Errors
    /// [`JournalError::Damaged`], [`JournalError::Pruned`] when the next record is not there any more, and what reading
    /// costs. The reader stays where it was.
    fn next_batch(&mut self) -> Result<Option<Batch>, JournalError>;
}

/// What is known of a snapshot without reading its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The branch it was taken on.
    pub branch: u64,
    /// The last record whose effect it holds; 0 for the state before the first record.
    pub sequence: u64,
    /// Length of the body in bytes.
    pub bytes: u64,
}

/// What a search for a snapshot came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The newest usable snapshot, with its body.
    pub found: Option<(SnapshotInfo, Vec<u8>)>,
    /// Newer ones that are damaged or of another journal, each in a sentence that names its file, newest first.
    pub passed_over: Vec<String>,
}

/// States kept beside the log: opaque bytes at a sequence number, checked by hash when they are loaded.
pub trait Snapshots: Send {
    /// Keeps `body` as the state after the record `sequence` (0: before the first). Durable when it returns; an
    /// existing snapshot at the same place is replaced.
    ///
    /// # Errors
    /// [`JournalError::NoSuchPlace`] when the log has not reached `sequence`; what writing costs.
    fn put(&self, sequence: u64, body: &[u8]) -> Result<(), JournalError>;

    /// All snapshots that lie on the current branch or its ancestry, oldest place first. Bodies are not read, so a
    /// listed snapshot may still turn out to be damaged.
    ///
    /// # Errors
    /// What reading the list costs.
    fn list(&self) -> Result<Vec<SnapshotInfo>, JournalError>;

    /// The newest usable snapshot at or before `sequence`. Damaged ones, and those that were not taken of this
    /// journal, are passed over and told: the log holds everything they held.
    ///
    /// # Errors
    /// What reading costs; a damaged snapshot is not an error here.
    fn newest(&self, sequence: u64) -> Result<Newest, JournalError>;

    /// The time given to the batch that holds the snapshot's record, in microseconds since 1970; `None` for the state
    /// before the first record, or where that batch is not there.
    ///
    /// # Errors
    /// What reading costs.
    fn time_us(&self, info: &SnapshotInfo) -> Result<Option<i64>, JournalError>;

    /// Forgets the snapshot at `sequence` of the branch named in `info`. One that is gone already is no error.
    ///
    /// # Errors
    /// What removing costs.
    fn remove(&self, info: &SnapshotInfo) -> Result<(), JournalError>;

    /// Forgets the records before `before`, which nobody may need any more: no follower that is still to fold them, no
    /// start. What other branches left behind before that place goes with them.
    ///
    /// These stay, and can be read: the batch that the log begins with, each batch that holds a kept snapshot's record or
    /// the last record that a branch shares with its parent, and everything from the newest snapshot on, whatever
    /// `before` says.
    ///
    /// It works beside the appender in small steps, asks `go_on` before each, and ends early when that says no; what is
    /// left goes with the next call. Returns how many records went.
    ///
    /// # Errors
    /// What reading and writing cost; [`JournalError::Damaged`] at a batch that is not what was written, which stays with
    /// all that follow it. What was done until then is done.
    fn prune(&self, before: u64, go_on: &dyn Fn() -> bool) -> Result<u64, JournalError>;
}
