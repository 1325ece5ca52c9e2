//! From a stopped journal to a running venue: newest valid snapshot, replay of the tail. The same at a start, for a snapshot,
//! and when the log goes over to another branch.

use super::StartError;
use super::begun::{Begun, begun};
use super::clock::MachineClock;
use super::genesis;
use super::replay::{GO_ON, replay};
use super::snapshot::{self, Restored};
use super::vault::Vault;
use super::venue::{Poisoned, Venue};
use crate::config::{ClockKind, Config, Instruments};
use crate::files;
use crate::identity::{Identity, IdentityKey};
use crate::listing::Listing;
use crate::past::Past;
use crate::projection::{Part, Projections};
use crate::record::{self, Body, Crossing, KeyId, Record};
use loligo_engine::{Command, RULES_VERSION, Timestamp};
use loligo_journal::{
    Journal, JournalError, LeftBehind, Log, MemoryJournal, Options, Reader, Records, Snapshots,
    SqliteJournal, Urgency,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Bytes of records that a venue in memory keeps. It has no later start, and nobody follows its journal: its own start
/// reads the genesis batch, which is kept until there is another.
const EPHEMERAL_BYTES: usize = 1024 * 1024;

/// A venue ready for its writer.
pub(crate) struct Opened {
    pub(crate) journal: Box<dyn Journal>,
    pub(crate) venue: Venue,
    pub(crate) views: Projections,
    pub(crate) identity: Identity,
    pub(crate) vault: Vault,
    pub(crate) listing: Listing,
    pub(crate) past: Option<Past>,
    /// The record of the snapshot that was used; 0 without one.
    pub(crate) from: u64,
    /// What the operator should know of this start.
    pub(crate) notes: Vec<String>,
}

/// An open journal, and what its newest branch left behind.
pub(crate) struct OpenJournal {
    pub(crate) journal: Box<dyn Journal>,
    /// Highest nonces of requests that were executed on the branch that was left.
    spent: BTreeMap<KeyId, u64>,
    notes: Vec<String>,
}

impl OpenJournal {
    /// One that has left nothing behind.
    pub(crate) fn of(journal: Box<dyn Journal>) -> Self {
        Self { journal, spent: BTreeMap::new(), notes: Vec::new() }
    }

    fn in_folder(folder: &Path, journal: SqliteJournal) -> Self {
        let notes =
            journal.left_behind().map(left_text).into_iter().chain(files::make_private(folder)).collect();
        let mut spent = BTreeMap::new();
        for batch in journal.left_batches().filter_map(Result::ok) {
            for (_, bytes) in batch.iter() {
                if let Ok(Some((key, nonce))) = record::nonce_of(bytes) {
                    let highest = spent.entry(key).or_insert(nonce);
                    *highest = nonce.max(*highest);
                }
            }
        }
        Self { journal: Box::new(journal), spent, notes }
    }
}

fn left_text(left: LeftBehind) -> String {
    let LeftBehind { branch, parent, first, last, missing } = left;
    let records = |count: u64| if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
    let mut text = match (last + 1).saturating_sub(first) {
        0 => format!(
            "branch {branch} begins before record {first} and leaves nothing behind on branch {parent}"
        ),
        count => format!(
            "branch {branch} begins before record {first} and leaves {} behind on branch {parent} ({first} to {last})",
            records(count)
        ),
    };
    if missing > 0 {
        text += &format!("; {} after that had been acknowledged and cannot be found", records(missing));
    }
    text
}

/// Opens the journal a configuration names. A folder's lock is held from here on.
pub(crate) fn open_journal(config: &Config, clock: &MachineClock) -> Result<OpenJournal, StartError> {
    let options = Options { created_us: beginning(config, clock).0, ..Options::default() };
    match (&config.data, config.until) {
        (None, None) => Ok(OpenJournal::of(Box::new(MemoryJournal::keeping(EPHEMERAL_BYTES)))),
        (None, Some(_)) => Err(StartError::UntilWithoutFolder),
        (Some(folder), None) => Ok(OpenJournal::in_folder(folder, SqliteJournal::open(folder, options)?)),
        (Some(folder), Some(until)) => {
            // A start that is refused must not leave a branch behind. What comes from `until` on may be damaged: that is
            // what it is for.
            let begun = begun(folder)?;
            check_facts(begun.as_ref(), config)?;
            if let Some(Begun { last, .. }) = begun
                && until <= last
            {
                return Err(StartError::UntilWithinGenesis { last });
            }
            Ok(OpenJournal::in_folder(folder, SqliteJournal::open_before(folder, until, options)?))
        }
    }
}

/// When a venue that does not exist yet begins.
fn beginning(config: &Config, clock: &MachineClock) -> Timestamp {
    match config.clock {
        ClockKind::Real => clock.now(),
        ClockKind::Manual { start } => start,
    }
}

fn check_facts(begun: Option<&Begun>, config: &Config) -> Result<(), StartError> {
    let differences = begun.map(|begun| genesis::differences(&begun.facts, config)).unwrap_or_default();
    let folder = config.data.clone().unwrap_or_default();
    if differences.is_empty() { Ok(()) } else { Err(StartError::OtherGenesis { folder, differences }) }
}

/// Recovers the venue a journal holds, or begins it there.
pub(crate) fn open(config: &Config, open: OpenJournal, clock: &MachineClock) -> Result<Opened, StartError> {
    let OpenJournal { mut journal, spent, mut notes } = open;
    let now = beginning(config, clock);
    // The lock on the folder is held from here on, so the vault's file is this process's to make.
    let vault = Vault::open(config.data.as_deref(), config.seed)
        .map_err(|error| StartError::Vault(error.to_string()))?;
    let begun = first_record(journal.last_sequence(), || journal.reader(1))?;
    check_facts(begun.as_ref(), config)?;
    let is_new = begun.is_none();
    let mut past = begun.as_ref().and_then(Begun::past);
    let listing = match (begun, &config.instruments) {
        (Some(begun), _) => begun.listing,
        (None, Instruments::Given(listing)) => listing.clone(),
        (None, Instruments::Default) => Listing::standard(now),
    };
    if is_new {
        let records = genesis::records(config, &listing, now)?;
        append(journal.as_mut(), now, &records)?;
        past = config.past_days.map(|days| Past::new(config.seed, now, days, &listing));
    }

    let recovered = restore_newest(journal.as_ref(), &mut notes)?;
    let Recovered { mut venue, views, from } = recovered;
    cross(journal.as_mut(), &mut venue, &views, &mut notes)?;
    keep_spent(journal.as_mut(), &mut venue, &views, &spent)?;
    if config.clock == ClockKind::Real {
        clock.not_before(venue.exchange.now());
    }

    let key = venue.facts.as_ref().and_then(|facts| facts.identity_key).map(IdentityKey);
    let identity = Identity::new(&key.unwrap_or_else(|| IdentityKey::from_seed(config.seed)));
    let directory = venue
        .registry
        .directory(&venue.exchange, &identity, &vault)
        .map_err(|api_key| StartError::SealedElsewhere { api_key })?;
    views.publish_directory(directory);
    views.publish_service(venue.registry.service().clone());
    Ok(Opened { journal, venue, views, identity, vault, listing, past, from, notes })
}

fn append(journal: &mut dyn Journal, time: Timestamp, records: &[Record]) -> Result<(), StartError> {
    let mut batch = Records::new();
    let mut bytes = Vec::new();
    for record in records {
        bytes.clear();
        record.encode(&mut bytes).map_err(|error| StartError::Refused(error.to_string()))?;
        batch.push(&bytes);
    }
    journal
        .append(time.0, &batch, Urgency::Ordinary)
        .map(drop)
        .map_err(|error| StartError::Append(error.to_string()))
}

/// Remembers records of the start's own, and applies what the log has from the venue's place on.
fn remember(
    journal: &mut dyn Journal,
    venue: &mut Venue,
    views: &Projections,
    records: &[Record],
) -> Result<(), StartError> {
    append(journal, venue.exchange.now(), records)?;
    let reader = journal.reader(venue.sequence + 1)?;
    replay(reader, venue, journal.last_sequence(), &views.followers(), &GO_ON)?;
    views.markets().show_funding(&venue.exchange);
    views.stand_at(venue.sequence, venue.exchange.now());
    Ok(())
}

/// Goes on under the rules of this version where the last record was made under others. The journal says so, with the state
/// in which it happened.
fn cross(
    journal: &mut dyn Journal,
    venue: &mut Venue,
    views: &Projections,
    notes: &mut Vec<String>,
) -> Result<(), StartError> {
    if venue.rules == RULES_VERSION {
        return Ok(());
    }
    if venue.rules > RULES_VERSION {
        return Err(StartError::OtherRules { sequence: venue.sequence, rules: venue.rules });
    }
    let crossing = Crossing { from: venue.rules, to: RULES_VERSION, state: venue.exchange.state_hash() };
    let record = Record { time: venue.exchange.now(), nonce: None, body: Body::Crossing(crossing) };
    notes.push(format!(
        "records 1 to {} were made under rules {}; from here on rules {RULES_VERSION} hold",
        venue.sequence, venue.rules
    ));
    remember(journal, venue, views, std::slice::from_ref(&record))
}

/// Remembers on the new branch which nonces were spent on the one it left: a request that was executed there is not
/// executed again. In the journal each is a moment in which nothing happens, signed with that nonce.
fn keep_spent(
    journal: &mut dyn Journal,
    venue: &mut Venue,
    views: &Projections,
    spent: &BTreeMap<KeyId, u64>,
) -> Result<(), StartError> {
    let time = venue.exchange.now();
    // Keys that were made after the branches parted are unknown here, and nobody gets the same ones again.
    let unknown_yet =
        spent.iter().filter(|(key, nonce)| venue.registry.is_spent(**key, **nonce) == Some(false));
    let signed = |(key, nonce): (&KeyId, &u64)| Record {
        time,
        nonce: Some((*key, *nonce)),
        body: Body::Command(Command::Advance),
    };
    let records: Vec<Record> = unknown_yet.map(signed).collect();
    if records.is_empty() { Ok(()) } else { remember(journal, venue, views, &records) }
}

/// How the venue of a journal began; `None` when the journal is empty.
fn first_record(
    last_sequence: u64,
    reader: impl FnOnce() -> Result<Box<dyn Reader>, JournalError>,
) -> Result<Option<Begun>, StartError> {
    if last_sequence == 0 {
        return Ok(None);
    }
    let batch = reader()?.next_batch()?.ok_or(StartError::NoGenesis)?;
    Begun::read(&batch).map(Some)
}

/// A venue and its views at one place of the log.
pub(crate) struct Recovered {
    pub(crate) venue: Venue,
    pub(crate) views: Projections,
    /// The record of the snapshot that was used; 0 without one.
    pub(crate) from: u64,
}

/// The venue that a journal holds, and its views.
pub(crate) fn restore_newest(
    journal: &dyn Journal,
    notes: &mut Vec<String>,
) -> Result<Recovered, StartError> {
    restore(journal.snapshots().as_ref(), journal.log().as_ref(), journal.last_sequence(), notes, &GO_ON)
}

/// The venue and its views after the record `to`: from the newest snapshot at or before it, and the records after that. What
/// the operator should know is noted. Ends before `to` when `left_off` turns true.
///
/// A snapshot that lacks the part of a follower is passed over while the journal still has everything from its first record
/// on. After that the follower begins at the snapshot.
pub(crate) fn restore(
    snapshots: &dyn Snapshots,
    log: &dyn Log,
    to: u64,
    notes: &mut Vec<String>,
    left_off: &AtomicBool,
) -> Result<Recovered, StartError> {
    let replayed = |mut venue: Venue, mut views: Projections| {
        let from = venue.sequence;
        replay(log.reader(from + 1)?, &mut venue, to, &views.replayed(), left_off)?;
        views.arrive(&venue.exchange, venue.sequence);
        Ok(Recovered { venue, views, from })
    };
    let from_genesis = || replayed(Venue::new(), Projections::default());
    let Some(Restored { venue, parts }) = newest_snapshot(snapshots, log.kept_from()?, to, notes)? else {
        return from_genesis();
    };
    let views = Projections::before_replay(&venue.exchange, venue.sequence);
    let without = take_parts(&views, &parts);
    if without.is_empty() {
        return replayed(venue, views);
    }
    let lacks = format!(
        "the snapshot of record {} has no part that can be read of {}",
        venue.sequence,
        without.join(", ")
    );
    if let Ok(whole) = from_genesis() {
        notes.push(format!("{lacks}: made again from the whole journal"));
        return Ok(whole);
    }
    notes.push(format!("{lacks}, and the journal does not reach back: what they show begins there"));
    replayed(venue, views)
}

/// Hands the parts of a snapshot to the followers they are of. Who is left without, and why.
fn take_parts(views: &Projections, parts: &[Part]) -> Vec<String> {
    let mut without = Vec::new();
    for follower in views.replayed() {
        let name = follower.name();
        let taken = match parts.iter().find(|part| part.name == name) {
            Some(part) => follower.take_part(part).map_err(|error| error.to_string()),
            None => Err("there is none".to_owned()),
        };
        without.extend(taken.err().map(|why| format!("{name} ({why})")));
    }
    without
}

/// The newest snapshot at or before a record that this version reads. What is passed over is noted. `kept_from` is where the
/// log begins: it must lead on from there.
pub(crate) fn newest_snapshot(
    snapshots: &dyn Snapshots,
    kept_from: u64,
    mut at: u64,
    notes: &mut Vec<String>,
) -> Result<Option<Restored>, StartError> {
    let mut passed_over = Vec::new();
    let restored = loop {
        let newest = snapshots.newest(at)?;
        passed_over.extend(newest.passed_over);
        let Some((info, body)) = newest.found else { break None };
        let why = match snapshot::decode(&body) {
            Ok(restored) if restored.venue.sequence == info.sequence => break Some(restored),
            Ok(_) => "it holds another place".to_owned(),
            Err(error) => error.to_string(),
        };
        passed_over.push(format!("the one of record {}: {why}", info.sequence));
        match info.sequence.checked_sub(1) {
            Some(before) => at = before,
            None => break None,
        }
    };
    if restored.as_ref().map_or(0, |restored| restored.venue.sequence) + 1 < kept_from {
        return Err(StartError::NoState { kept_from, passed_over });
    }
    let instead = match &restored {
        Some(restored) => format!("an older one, of record {}, is used", restored.venue.sequence),
        None => "none is left, so the whole journal is replayed".to_owned(),
    };
    notes.extend(passed_over.iter().map(|why| format!("a snapshot is passed over, {why}; {instead}")));
    Ok(restored)
}

impl From<Poisoned> for StartError {
    fn from(poisoned: Poisoned) -> Self {
        StartError::Poisoned { sequence: poisoned.sequence, message: poisoned.message, folder: None }
    }
}
