//! From a stopped journal to a running venue: newest valid snapshot, replay of the tail, views made again.

use super::StartError;
use super::clock::MachineClock;
use super::genesis;
use super::handle::StateHashes;
use super::snapshot::{self, Restored};
use super::vault::Vault;
use super::venue::{Poisoned, Venue};
use crate::config::{ClockKind, Config, Instruments};
use crate::identity::{Identity, IdentityKey};
use crate::listing::Listing;
use crate::projection::{Applied, News, Past, Projections};
use crate::record::{Body, Record, VenueFacts};
use loligo_engine::{Audit, Event, Instrument, Timestamp};
use loligo_journal::{
    Batch, Journal, JournalError, MemoryJournal, Options, Reader, Records, Report, SqliteJournal,
    StoppedJournal,
};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, Scope};

/// Batches that may be decoded ahead of the engine while it replays.
const READ_AHEAD: usize = 256;
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
    /// Records applied since the snapshot that was used.
    pub(crate) replayed: u64,
}

/// Opens the journal a configuration names. A folder's lock is held from here on.
pub(crate) fn open_journal(config: &Config, clock: &MachineClock) -> Result<Box<dyn Journal>, StartError> {
    let options = Options { created_us: beginning(config, clock).0, ..Options::default() };
    Ok(match (&config.data, config.until) {
        (None, None) => Box::new(MemoryJournal::keeping(EPHEMERAL_BYTES)),
        (None, Some(_)) => return Err(StartError::UntilWithoutFolder),
        (Some(folder), None) => Box::new(SqliteJournal::open(folder, options)?),
        (Some(folder), Some(until)) => {
            // A start that is refused must not leave a branch behind.
            let stopped = StoppedJournal::open(folder)?;
            let begun = first_record(stopped.last_sequence(), || stopped.reader(1))?;
            check_facts(begun.as_ref(), config)?;
            drop(stopped);
            Box::new(SqliteJournal::open_before(folder, until, options)?)
        }
    })
}

/// When a venue that does not exist yet begins.
fn beginning(config: &Config, clock: &MachineClock) -> Timestamp {
    match config.clock {
        ClockKind::Real => clock.now(),
        ClockKind::Manual { start } => start,
    }
}

fn check_facts(begun: Option<&(VenueFacts, Timestamp)>, config: &Config) -> Result<(), StartError> {
    let differences = begun.map(|(facts, _)| genesis::differences(facts, config)).unwrap_or_default();
    if differences.is_empty() { Ok(()) } else { Err(StartError::OtherGenesis(differences)) }
}

/// Recovers the venue a journal holds, or begins it there.
pub(crate) fn open(
    config: &Config,
    mut journal: Box<dyn Journal>,
    clock: &MachineClock,
) -> Result<Opened, StartError> {
    let now = beginning(config, clock);
    // The lock on the folder is held from here on, so the vault's file is this process's to make.
    let vault = Vault::open(config.data.as_deref(), config.seed)
        .map_err(|error| StartError::Vault(error.to_string()))?;
    let begun = first_record(journal.last_sequence(), || journal.reader(1))?;
    check_facts(begun.as_ref(), config)?;
    let born = begun.as_ref().map_or(now, |(_, born)| *born);
    let listing = match &config.instruments {
        Instruments::Given(listing) => listing.clone(),
        Instruments::Default => Listing::standard(born),
    };
    if begun.is_none() {
        let records = genesis::records(config, &listing, now)?;
        let mut batch = Records::new();
        let mut bytes = Vec::new();
        for record in &records {
            bytes.clear();
            record.encode(&mut bytes).map_err(|error| StartError::Refused(error.to_string()))?;
            batch.push(&bytes);
        }
        journal.append(now.0, &batch).map_err(|error| StartError::Append(error.to_string()))?;
    }

    let Restored { mut venue, mut past } = newest_snapshot(journal.as_ref())?;
    let from = venue.sequence;
    replay_fast(journal.reader(from + 1)?, &mut venue, |venue, applied| past.fold(applied, &venue.exchange))?;
    let (orders, fills, markets) = past.views(&venue.exchange);
    let views = Projections::new(orders, fills, markets);
    views.reach(venue.sequence, venue.exchange.now());
    if config.clock == ClockKind::Real {
        clock.reach(venue.exchange.now());
    }

    let key = venue.facts.as_ref().and_then(|facts| facts.identity_key).map(IdentityKey);
    let identity = Identity::new(&key.unwrap_or_else(|| IdentityKey::from_seed(config.seed)));
    let directory = venue
        .registry
        .directory(&venue.exchange, &identity, &vault)
        .map_err(|api_key| StartError::SealedElsewhere { api_key })?;
    views.publish_directory(directory);
    views.publish_service(venue.registry.service().clone());
    let replayed = venue.sequence - from;
    Ok(Opened { journal, venue, views, identity, vault, listing, replayed })
}

/// The venue's facts and the time of its genesis; `None` when the journal is empty.
fn first_record(
    last_sequence: u64,
    reader: impl FnOnce() -> Result<Box<dyn Reader>, JournalError>,
) -> Result<Option<(VenueFacts, Timestamp)>, StartError> {
    if last_sequence == 0 {
        return Ok(None);
    }
    let batch = reader()?.next_batch()?.ok_or(StartError::NoGenesis)?;
    let (_, bytes) = batch.iter().next().ok_or(StartError::NoGenesis)?;
    match decode(1, bytes)? {
        Record { time, body: Body::Genesis { venue, .. }, .. } => Ok(Some((*venue, time))),
        Record { .. } => Err(StartError::NoGenesis),
    }
}

fn decode(sequence: u64, bytes: &[u8]) -> Result<Record, StartError> {
    Record::decode(bytes).map_err(|error| StartError::Record { sequence, error })
}

/// The newest snapshot that this version reads, or the venue before its genesis.
fn newest_snapshot(journal: &dyn Journal) -> Result<Restored, StartError> {
    let snapshots = journal.snapshots();
    let mut at = journal.last_sequence();
    while let Some((info, body)) = snapshots.newest(at)? {
        match snapshot::decode(&body) {
            Ok(restored) if restored.venue.sequence == info.sequence => return Ok(restored),
            Ok(_) => tracing::warn!(sequence = info.sequence, "a snapshot of another place is passed over"),
            Err(error) => tracing::warn!(sequence = info.sequence, %error, "a snapshot is passed over"),
        }
        match info.sequence.checked_sub(1) {
            Some(before) => at = before,
            None => break,
        }
    }
    Ok(Restored { venue: Venue::new(), past: Past::default() })
}

/// Applies everything a reader holds; `each` sees every record applied, with the event chain up to it. For checking:
/// [`replay_fast`] has other threads do what the engine need not wait for.
fn replay(
    reader: Box<dyn Reader>,
    venue: &mut Venue,
    mut each: impl FnMut(&Venue, Applied<'_>) -> Result<(), StartError>,
) -> Result<(), StartError> {
    std::thread::scope(|scope| {
        let batches = decode_ahead(scope, reader)?;
        let mut events: Vec<Event> = Vec::new();
        for batch in batches {
            for (sequence, record) in batch? {
                events.clear();
                apply_next(venue, sequence, &record, &mut events)?;
                venue.chain.extend(sequence, &events);
                each(venue, Applied { sequence, time: venue.exchange.now(), events: &events })?;
            }
        }
        Ok(())
    })
}

/// Applies everything a reader holds. Records are read, checked and decoded ahead on one thread, events are hashed
/// behind on another; `each` sees every record applied, but not the chain.
fn replay_fast(
    reader: Box<dyn Reader>,
    venue: &mut Venue,
    mut each: impl FnMut(&Venue, Applied<'_>),
) -> Result<(), StartError> {
    let mut chain = std::mem::take(&mut venue.chain);
    let result = std::thread::scope(|scope| {
        let batches = decode_ahead(scope, reader)?;
        let (hash, to_hash) = sync_channel::<Behind>(READ_AHEAD);
        // Buffers come back to be filled again: they are the largest thing that is handed about.
        let (empty, emptied) = sync_channel::<Behind>(READ_AHEAD);
        let hashing = move || {
            for mut behind in to_hash {
                let mut start = 0;
                for (sequence, end) in &behind.records {
                    chain.extend(*sequence, &behind.events[start..*end]);
                    start = *end;
                }
                behind.events.clear();
                behind.records.clear();
                // Nobody needs it back when the records have come to their end.
                let _ = empty.try_send(behind);
            }
            chain
        };
        let hasher = Builder::new().name("loligo-hash".to_owned()).spawn_scoped(scope, hashing);
        let hasher = hasher.map_err(StartError::Thread)?;
        let mut failed = None;
        'all: for batch in batches {
            let mut behind = emptied.try_recv().unwrap_or_default();
            match batch {
                Err(error) => failed = Some(error),
                Ok(records) => {
                    for (sequence, record) in records {
                        let start = behind.events.len();
                        if let Err(error) = apply_next(venue, sequence, &record, &mut behind.events) {
                            failed = Some(error);
                            break 'all;
                        }
                        let events = &behind.events[start..];
                        each(venue, Applied { sequence, time: venue.exchange.now(), events });
                        behind.records.push((sequence, behind.events.len()));
                    }
                }
            }
            if failed.is_some() || hash.send(behind).is_err() {
                break;
            }
        }
        drop(hash);
        match (failed, hasher.join()) {
            (None, Ok(chain)) => Ok(chain),
            (Some(error), _) => Err(error),
            (None, Err(panic)) => std::panic::resume_unwind(panic),
        }
    });
    venue.chain = result?;
    Ok(())
}

/// Events of one batch on their way to the hash: which record's events end where.
#[derive(Default)]
struct Behind {
    events: Vec<Event>,
    records: Vec<(u64, usize)>,
}

/// Applies the record that must be next. Its events are appended.
fn apply_next(
    venue: &mut Venue,
    sequence: u64,
    record: &Record,
    events: &mut Vec<Event>,
) -> Result<(), StartError> {
    if sequence != venue.sequence + 1 {
        return Err(StartError::Gap { expected: venue.sequence + 1, found: sequence });
    }
    venue.apply(record, events)?;
    Ok(())
}

fn decode_all(batch: &Batch) -> Decoded {
    let mut records = Vec::with_capacity(batch.len());
    for (sequence, bytes) in batch.iter() {
        records.push((sequence, decode(sequence, bytes)?));
    }
    Ok(records)
}

type Decoded = Result<Vec<(u64, Record)>, StartError>;

/// Reads and decodes on another thread, some batches ahead of who takes them.
fn decode_ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut reader: Box<dyn Reader>,
) -> Result<Receiver<Decoded>, StartError> {
    let (sender, batches) = sync_channel(READ_AHEAD);
    let reading = move || {
        loop {
            let decoded: Decoded = match reader.next_batch() {
                Ok(None) => break,
                Ok(Some(batch)) => decode_all(&batch),
                Err(error) => Err(error.into()),
            };
            let failed = decoded.is_err();
            if sender.send(decoded).is_err() || failed {
                break;
            }
        }
    };
    Builder::new().name("loligo-read".to_owned()).spawn_scoped(scope, reading).map_err(StartError::Thread)?;
    Ok(batches)
}

/// Folds one applied record into the views, and gives the news of it; contracts it listed come first, since their spec is
/// not in the event.
pub(crate) fn publish(views: &Projections, venue: &Venue, applied: Applied<'_>) -> Option<News> {
    for event in applied.events {
        if let Event::Listed { instrument } = event
            && let Some(listed) = venue.exchange.instrument(*instrument)
        {
            let listed: Arc<Instrument> = Arc::new(listed.clone());
            let index = venue.exchange.market(*instrument).and_then(|market| market.index);
            views.markets().list(listed, index);
        }
    }
    views.fold(applied)
}

/// What verification found.
#[derive(Debug)]
pub struct Verified {
    /// What the journal's own check says: rows, chain, pages, snapshots, mark.
    pub journal: Report,
    /// Snapshots found to be what replay makes.
    pub snapshots_compared: u64,
    /// Hashes at the end of the journal.
    pub hashes: StateHashes,
    /// Sums of the invariant check.
    pub audit: Audit,
}

/// Replays a stopped venue from its first record and tells the hashes at the end. Changes nothing.
///
/// # Errors
/// [`StartError`]: what is damaged, or which record the engine panics on.
pub fn replay_folder(folder: &Path) -> Result<StateHashes, StartError> {
    let journal = StoppedJournal::open(folder)?;
    if journal.last_sequence() == 0 {
        return Err(StartError::NoGenesis);
    }
    let mut venue = Venue::new();
    replay_fast(journal.reader(1)?, &mut venue, |_, _| {})?;
    Ok(hashes(&venue))
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
    let places: BTreeSet<u64> = snapshots.list()?.into_iter().map(|info| info.sequence).collect();
    let mut snapshots_compared = 0;
    let mut venue = Venue::new();
    replay(journal.reader(1)?, &mut venue, |venue, applied| {
        if places.contains(&applied.sequence)
            && let Some((info, body)) = snapshots.newest(applied.sequence)?
            && info.sequence == applied.sequence
            // One of an older layout is passed over by a start, too.
            && let Ok(kept) = snapshot::decode(&body)
        {
            if hashes(&kept.venue) != hashes(venue) || kept.venue.registry != venue.registry {
                return Err(StartError::Drift { sequence: applied.sequence });
            }
            snapshots_compared += 1;
        }
        Ok(())
    })?;
    let audit = venue.exchange.audit().map_err(|violation| StartError::Invariant(violation.to_string()))?;
    Ok(Verified { journal: report, snapshots_compared, hashes: hashes(&venue), audit })
}

pub(crate) fn hashes(venue: &Venue) -> StateHashes {
    StateHashes {
        sequence: venue.sequence,
        time: venue.exchange.now(),
        state: venue.exchange.state_hash(),
        events: venue.chain.hash(),
    }
}

impl From<Poisoned> for StartError {
    fn from(poisoned: Poisoned) -> Self {
        StartError::Poisoned { sequence: poisoned.sequence, message: poisoned.message }
    }
}
