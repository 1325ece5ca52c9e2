//! What can go wrong, and what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

/// The command that opens the venue in `dir` as it was before the record `sequence`, as it is typed into a shell.
pub fn until_command(dir: &Path, sequence: u64) -> String {
    format!("loligo serve --data {} --until {sequence}", quoted(dir))
}

/// A path as one word of a shell.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Why a batch was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk is full. The batch was rolled back: nothing of it was remembered. The journal goes on working, and
    /// the same call may succeed once there is room; an urgent batch may succeed now (see [`Urgency`](crate::Urgency)).
    #[error("the disk is full: the batch was rolled back and nothing of it was remembered; free some space")]
    Full,
    /// The batch holds no record. Nothing happened.
    #[error("an empty batch has no place in a journal")]
    Empty,
    /// The batch is larger than [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES). Nothing happened.
    #[error("a batch of {bytes} bytes is over the bound of {bound} bytes; append it in parts")]
    TooLarge {
        /// Size of the batch as it would be stored.
        bytes: usize,
        /// The bound.
        bound: usize,
    },
    /// The log goes on on another branch than the one that this appender writes. Nothing of the batch was remembered.
    /// From now on the journal speaks of the new branch: its appender takes up the state of that branch, and only then
    /// appends again.
    #[error("the log goes on on branch {branch}: nothing of the batch was remembered")]
    Moved {
        /// The branch that counts now.
        branch: u64,
    },
    /// The write failed in a way that leaves open whether the batch will be found at the next start. Nobody may be
    /// told that it happened, nor that it did not: close the connections of those who wait, and exit. The journal
    /// accepts nothing more.
    #[error(
        "whether the batch after record {after} was remembered is undecided ({reason}); stop, and the next start \
         will tell"
    )]
    Undecided {
        /// The last record known to be remembered.
        after: u64,
        /// What the storage said.
        reason: String,
    },
    /// An earlier failure stopped the journal; nothing of this batch was written. Exit.
    #[error("the journal was stopped by an earlier failure ({reason}); stop and start again")]
    Stopped {
        /// What the storage said then.
        reason: String,
    },
}

/// Why a journal cannot be opened, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process has the folder.
    #[error(
        "the data folder {} is in use by another process{holder}; stop that one first, or choose another folder",
        dir.display()
    )]
    Locked {
        /// The data folder.
        dir: PathBuf,
        /// The holder in words, as far as it is known.
        holder: String,
    },
    /// A file is missing that must be there, because other files of the same journal are.
    #[error("{} is missing ({why}); put it back from a copy{remedy}", path.display())]
    Missing {
        /// The missing file.
        path: PathBuf,
        /// How it is known that it should exist.
        why: String,
        /// What else can be done, as the end of the sentence.
        remedy: String,
    },
    /// The journal was written in a format this program does not know.
    #[error(
        "{} has journal format {found}, and this program knows formats 1 to {known}; use the version of the program \
         that wrote it",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The format it names.
        found: String,
        /// The newest format known here.
        known: u32,
    },
    /// What is stored is not what was written.
    #[error("{} is damaged at {place}: {what}; put it back from a copy{remedy}", path.display())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Where in it: branch, record, row or bytes.
        place: String,
        /// What was found.
        what: String,
        /// What else can be done, as the end of the sentence.
        remedy: String,
    },
    /// Records that were acknowledged are not there.
    #[error(
        "{} ends at record {found} of branch {branch}, but record {acknowledged} was acknowledged: the tail is \
         missing; put the files back from a copy{remedy}",
        path.display()
    )]
    TailMissing {
        /// The journal file.
        path: PathBuf,
        /// The branch whose tail is missing.
        branch: u64,
        /// The last acknowledged record.
        acknowledged: u64,
        /// The last record found.
        found: u64,
        /// What else can be done, as the end of the sentence.
        remedy: String,
    },
    /// SQLite would not sync what it is told to keep.
    #[error(
        "{} cannot be kept safe: {pragma} is {found:?} where {wanted:?} was asked for, so acknowledged records might \
         not survive a power cut",
        path.display()
    )]
    NotDurable {
        /// The journal file.
        path: PathBuf,
        /// Which of SQLite's settings.
        pragma: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A place was asked for that the journal does not have.
    #[error("there is no record {asked} to {purpose}: the places are 1 to {last}")]
    NoSuchPlace {
        /// What was asked for.
        asked: u64,
        /// What it was asked for, as a verb.
        purpose: &'static str,
        /// The last place that would have been accepted.
        last: u64,
    },
    /// A place was asked for that the journal does not have any more.
    #[error(
        "record {asked} is too early to {purpose}: what came before record {kept} was pruned, and that is the first \
         place left"
    )]
    Pruned {
        /// What was asked for.
        asked: u64,
        /// What it was asked for, as a verb.
        purpose: &'static str,
        /// The first place that would have been accepted.
        kept: u64,
    },
    /// The operating system refused something.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refused something.
    #[error("cannot {doing} {}: {source}", path.display())]
    Sqlite {
        /// What was being done, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}
