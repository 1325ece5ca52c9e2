//! How the venue of a folder began: what later starts take from it, or must not contradict.

use super::StartError;
use super::replay::decode;
use crate::listing::Listing;
use crate::past::Past;
use crate::record::{self, Body, VenueFacts};
use loligo_engine::{Command, Genesis, Timestamp};
use loligo_journal::{Batch, JournalError, Survey};
use std::path::Path;

/// How a venue began.
pub(crate) struct Begun {
    pub(crate) facts: VenueFacts,
    pub(crate) listing: Listing,
    /// When.
    pub(crate) time: Timestamp,
    /// The last record of its first batch.
    pub(crate) last: u64,
}

impl Begun {
    /// The past that was made up for it.
    pub(crate) fn past(&self) -> Option<Past> {
        let days = self.facts.past_days?;
        Some(Past::new(self.facts.seed, self.time, days, &self.listing))
    }

    pub(crate) fn read(batch: &Batch) -> Result<Self, StartError> {
        let (_, bytes) = batch.iter().next().ok_or(StartError::NoGenesis)?;
        let record = decode(1, bytes)?;
        match record.body {
            Body::Genesis { venue, command: Command::Genesis(genesis), .. } => {
                let Genesis { instruments, indexes, .. } = *genesis;
                // What rolls is told by facts of their own.
                let listing = Listing { instruments, indexes, rolls: Vec::new() };
                Ok(Self { facts: *venue, listing, time: record.time, last: batch.last() })
            }
            _ => Err(StartError::NoGenesis),
        }
    }
}

/// How the venue of a stopped folder began, whatever state the rest of its journal is in; `None` when there is no venue.
pub(crate) fn begun(folder: &Path) -> Result<Option<Begun>, StartError> {
    first_batch(folder)?.as_ref().map(Begun::read).transpose()
}

/// The batch with the genesis of a stopped folder.
fn first_batch(folder: &Path) -> Result<Option<Batch>, StartError> {
    let Some(survey) = Survey::open(folder)? else { return Ok(None) };
    let branch = survey.branches().last().map_or(loligo_journal::FIRST_BRANCH, |branch| branch.id);
    match survey.batches(branch, 1).next() {
        None => Ok(None),
        Some(Ok(batch)) => Ok(Some(batch)),
        Some(Err(unreadable)) => Err(JournalError::Damaged {
            path: folder.join("journal.db"),
            place: format!("record {}", unreadable.first),
            what: unreadable.what,
            remedy: String::new(),
        }
        .into()),
    }
}

/// The facts of the venue in a stopped folder, as far as there is one that can be read: what is wrong with it, the start
/// itself tells. No command is read for them.
#[must_use]
pub fn known_facts(folder: &Path) -> Option<VenueFacts> {
    let batch = first_batch(folder).ok().flatten()?;
    let (_, genesis) = batch.iter().next()?;
    record::facts_of(genesis).ok().flatten()
}
