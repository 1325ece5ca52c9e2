//! What is done with the folder of a venue that does not run: replay, verification, a snapshot of its last record.

use super::StartError;
use super::begun::begun;
use super::handle::StateHashes;
use super::recovery::{Recovered, restore_newest};
use super::replay::{GO_ON, check_rules, decode, replay};
use super::retention::Retention;
use super::snapshot::{self, KeepError, Restored};
use super::venue::Venue;
use crate::config::KeepJournal;
use crate::files;
use crate::record::{Body, Crossing, Record};
use loligo_engine::{Audit, RULES_VERSION};
use loligo_journal::{Journal as _, Options, Report, SqliteJournal, StoppedJournal};
use std::path::Path;

/// Where a replay began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Began {
    /// The last record that was not applied: what it came to is taken from the snapshot of it. 0 when every record was
    /// applied.
    pub taken_over: u64,
    /// The record from which on the journal can be read; 1 where nothing was pruned.
    pub kept_from: u64,
    /// Whether records up to `taken_over` are left that were made under other rules.
    pub other_rules: bool,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replayed {
    /// Where it began.
    pub began: Began,
    /// Hashes at the end of the journal.
    pub hashes: StateHashes,
}

/// What verification found.
#[derive(Debug)]
pub struct Verified {
    /// What the journal's own check says: rows, chain, pages, snapshots, mark.
    pub journal: Report,
    /// Where the replay began.
    pub began: Began,
    /// Snapshots found to be what replay makes.
    pub snapshots_compared: u64,
    /// Hashes at the end of the journal.
    pub hashes: StateHashes,
    /// Sums of the invariant check.
    pub audit: Audit,
}

/// Replays a stopped venue from its first record, or from the first that is left, and tells the hashes at the end. Changes
/// nothing.
///
/// # Errors
/// [`StartError`]: what is damaged, or which record the engine panics on.
pub fn replay_folder(folder: &Path) -> Result<Replayed, StartError> {
    let journal = StoppedJournal::open(folder)?;
    if journal.last_sequence() == 0 {
        return Err(StartError::NoGenesis);
    }
    let (mut venue, began) = replay_start(&journal)?;
    replay_to(&journal, &mut venue, journal.last_sequence(), folder)?;
    Ok(Replayed { began, hashes: hashes(&venue) })
}

fn replay_to(journal: &StoppedJournal, venue: &mut Venue, to: u64, folder: &Path) -> Result<(), StartError> {
    replay(journal.reader(venue.sequence + 1)?, venue, to, &[], &GO_ON)
        .map_err(|error| error.in_folder(Some(folder)))
}

/// Where a replay of a stopped venue begins: before its first record, or, where what follows it was pruned or made under other
/// rules, at the oldest snapshot from which the journal is there and this version's rules hold.
fn replay_start(journal: &StoppedJournal) -> Result<(Venue, Began), StartError> {
    let first = |from: u64| -> Result<Option<Record>, StartError> {
        let batch = journal.reader(from)?.next_batch()?;
        let first = batch.as_ref().and_then(|batch| batch.iter().next());
        first.map(|(sequence, bytes)| decode(sequence, bytes)).transpose()
    };
    let genesis = first(1)?.ok_or(StartError::NoGenesis)?;
    let fresh = Venue::new();
    let kept_from = journal.kept_from()?;
    let other = match check_rules(&fresh, 1, &genesis) {
        Ok(()) if kept_from == 1 => {
            return Ok((fresh, Began { taken_over: 0, kept_from, other_rules: false }));
        }
        Err(other) if kept_from == 1 => other,
        _ => StartError::NoState { kept_from, passed_over: Vec::new() },
    };
    let snapshots = journal.snapshots();
    for info in snapshots.list()?.iter().filter(|info| info.sequence + 1 >= kept_from) {
        let Some((_, body)) = snapshots.newest(info.sequence)?.found else { continue };
        let Ok(Restored { venue, .. }) = snapshot::decode(&body) else { continue };
        let holds = venue.rules == RULES_VERSION
            || match first(venue.sequence + 1)? {
                None => true,
                Some(Record { body: Body::Crossing(Crossing { to, .. }), .. }) => to == RULES_VERSION,
                Some(_) => false,
            };
        if holds {
            let other_rules = venue.rules != RULES_VERSION || kept_from == 1;
            let began = Began { taken_over: venue.sequence, kept_from, other_rules };
            return Ok((venue, began));
        }
    }
    Err(other)
}

/// A snapshot of a stopped venue's last record.
#[derive(Debug)]
pub struct KeptSnapshot {
    /// The record.
    pub sequence: u64,
    /// Whether it was there already.
    pub was_there: bool,
    /// What the operator should know, each in a sentence.
    pub notes: Vec<String>,
}

/// Leaves a snapshot of the last record in the folder of a stopped venue, as a clean stop does.
///
/// # Errors
/// [`StartError`]: a folder in use or without a venue, damage, a record that the engine panics on.
pub fn snapshot_folder(folder: &Path) -> Result<KeptSnapshot, StartError> {
    if begun(folder)?.is_none() {
        return Err(StartError::NoVenue(folder.to_path_buf()));
    }
    let journal = SqliteJournal::open(folder, Options::default())?;
    let mut notes = files::make_private(folder);
    let recovered = restore_newest(&journal, &mut notes).map_err(|error| error.in_folder(Some(folder)))?;
    let (Recovered { venue, views, from }, last) = (recovered, journal.last_sequence());
    if from < last {
        // Nothing is pruned here, so nobody needs anything of it.
        let retention = Retention { keep: KeepJournal::default(), needed: u64::MAX };
        snapshot::keep(journal.snapshots().as_ref(), &venue, &views.followers(), retention)?;
    }
    Ok(KeptSnapshot { sequence: last, was_there: from == last, notes })
}

/// Checks everything about a stopped venue, and changes nothing: the journal from its first byte to its last, each
/// record against the engine, each snapshot against replay, and every invariant at the end.
///
/// # Errors
/// As [`replay_folder`]; damage, a snapshot that replay does not make, and a broken invariant are errors, too.
pub fn verify_folder(folder: &Path) -> Result<Verified, StartError> {
    let mut report = loligo_journal::verify(folder)?;
    if let Some(damage) = report.damage.take() {
        return Err(damage.into());
    }
    let journal = StoppedJournal::open(folder)?;
    if journal.last_sequence() == 0 {
        return Err(StartError::NoGenesis);
    }
    let snapshots = journal.snapshots();
    let mut snapshots_compared = 0;
    let (mut venue, began) = replay_start(&journal)?;
    for info in snapshots.list()?.into_iter().filter(|info| info.sequence > began.taken_over) {
        let sequence = info.sequence;
        if let Some((found, body)) = snapshots.newest(sequence)?.found
            && found.sequence == sequence
            // One of an older layout is passed over by a start, too.
            && let Ok(kept) = snapshot::decode(&body)
        {
            replay_to(&journal, &mut venue, sequence, folder)?;
            if hashes(&kept.venue) != hashes(&venue) || kept.venue.registry != venue.registry {
                return Err(StartError::Drift { sequence });
            }
            snapshots_compared += 1;
        }
    }
    replay_to(&journal, &mut venue, journal.last_sequence(), folder)?;
    let audit = venue.exchange.audit().map_err(|violation| StartError::Invariant(violation.to_string()))?;
    Ok(Verified { journal: report, began, snapshots_compared, hashes: hashes(&venue), audit })
}

pub(crate) fn hashes(venue: &Venue) -> StateHashes {
    StateHashes {
        sequence: venue.sequence,
        time: venue.exchange.now(),
        state: venue.exchange.state_hash(),
        events: venue.chain.hash(),
    }
}

impl From<KeepError> for StartError {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Journal(error) => error.into(),
            KeepError::Encode(_) => StartError::Append(error.to_string()),
        }
    }
}
