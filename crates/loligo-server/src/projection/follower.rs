//! The one interface of everything that is made from what happened.
//!
//! Live, in recovery and when one that fell behind catches up, the same records come the same way: each once, in order, through
//! [`Follower::fold`].

use loligo_engine::{Event, Exchange, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that is made from what happened, record by record.
pub trait Follower: Send + Sync {
    /// Its name, which names its part of a snapshot, too: never changed, and never another's.
    fn name(&self) -> &'static str;

    /// The last record that it knows of: the next one it folds is the one after it.
    fn sequence(&self) -> u64;

    /// Folds the record after the last.
    fn fold(&self, applied: Applied<'_>);

    /// What it knows beyond the exchange's own state, for a snapshot; `None` when that is nothing, or when it keeps it by
    /// itself.
    fn part(&self) -> Option<Part> {
        None
    }

    /// Takes up what a snapshot of its place kept of it.
    ///
    /// # Errors
    /// When it cannot read it: the part counts as one that is not there.
    fn take_part(&self, part: &Part) -> Result<(), PartError> {
        Err(PartError(format!("{} keeps no part", part.name)))
    }
}

/// A follower that the exchange does not wait for: it runs on a thread of its own, keeps its place by itself, and catches up
/// when it has fallen behind.
pub trait Detached: Follower {
    /// Is shown the exchange as a record left it when the node starts, before the first record that it folds. It may be behind
    /// that, or have missed when contracts were listed; what a contract is never changes.
    ///
    /// # Errors
    /// When it cannot begin, for want of its own store: the node does not start then.
    fn meet(&self, exchange: &Exchange, sequence: u64) -> Result<(), Unable> {
        let _ = (exchange, sequence);
        Ok(())
    }

    /// Whether it knows all that it has to know of its place to fold the next record. One that does not is shown the exchange as
    /// its place left it; where nothing says that, it begins again after the next commit, with the exchange as that left it.
    fn stands(&self) -> bool {
        true
    }

    /// Is shown the exchange as its place left it.
    fn stand(&self, exchange: &Exchange) {
        let _ = exchange;
    }

    /// Has folded its last record: the node ends, and its store may be another's from here on.
    fn end(&self) {}

    /// Begins after a record, which left the exchange like this: what came up to it is out of reach, and will never be told. Where
    /// nothing says how the exchange was, it is one that is not born.
    fn begin(&self, sequence: u64, exchange: &Exchange);

    /// The records at hand are folded: one that gathers what it folds stores it now.
    fn flush(&self) {}

    /// The branch of the log that its records are of, as [`Detached::revert`] told it last; 0 before it was told any.
    fn branch(&self) -> u64;

    /// What it folds from here on is of this branch, which has in common with the one before what came up to a record:
    /// forgets everything after that.
    fn revert(&self, branch: u64, to: u64);
}

/// Why a follower cannot begin.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unable(pub String);

/// A follower's part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Whose.
    pub name: String,
    /// Version of its layout; its follower raises it by itself.
    pub version: u8,
    /// What the follower wrote.
    pub bytes: Vec<u8>,
}

impl Part {
    /// A part of plain rows, in postcard.
    pub(crate) fn of(name: &str, version: u8, rows: &impl Serialize) -> Self {
        let bytes = postcard::to_allocvec(rows).expect("rows of plain fields have a stored form");
        Self { name: name.to_owned(), version, bytes }
    }

    /// Its rows, if it is of this version.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&'a self, version: u8) -> Result<T, PartError> {
        if self.version != version {
            return Err(PartError(format!(
                "it is of version {}, and version {version} is read",
                self.version
            )));
        }
        postcard::from_bytes(&self.bytes).map_err(|error| PartError(error.to_string()))
    }
}

/// Why a part cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PartError(pub String);

/// One applied record.
#[derive(Clone, Copy, Debug)]
pub struct Applied<'a> {
    /// Its place in the journal.
    pub sequence: u64,
    /// Exchange time at which it took effect.
    pub time: Timestamp,
    /// What happened, in order.
    pub events: &'a [Event],
}

/// What a run of records came to: made once, shared by all who follow.
#[derive(Debug, Default)]
pub struct Happened {
    events: Vec<Event>,
    records: Vec<Record>,
}

/// A record, and where its events end.
#[derive(Clone, Copy, Debug)]
struct Record {
    sequence: u64,
    time: Timestamp,
    end: usize,
}

impl Happened {
    /// Where the engine puts the events of the record that it is applying; [`Happened::close`] says that these are all.
    pub(crate) fn open(&mut self) -> &mut Vec<Event> {
        &mut self.events
    }

    /// Ends a record that took effect at a time of the exchange.
    pub(crate) fn close(&mut self, sequence: u64, time: Timestamp) {
        self.records.push(Record { sequence, time, end: self.events.len() });
    }

    /// Makes room for another run.
    pub(crate) fn clear(&mut self) {
        let Self { events, records } = self;
        events.clear();
        records.clear();
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Each record, in order.
    pub fn iter(&self) -> impl Iterator<Item = Applied<'_>> {
        (0..self.records.len()).filter_map(|at| self.get(at))
    }

    /// The record that came so many after the first.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Applied<'_>> {
        let Record { sequence, time, end } = *self.records.get(at)?;
        let begin = at.checked_sub(1).map_or(0, |before| self.records[before].end);
        Some(Applied { sequence, time, events: &self.events[begin..end] })
    }

    /// The record that was closed last.
    #[must_use]
    pub fn last(&self) -> Option<Applied<'_>> {
        self.get(self.records.len().checked_sub(1)?)
    }

    /// All events of all records.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}
