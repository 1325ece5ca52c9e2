//! From a stopped journal to a running venue: newest valid snapshot, replay of the tail, views made again.

use super::StartError;
use super::begun::{Begun, begun};
use super::clock::MachineClock;
use super::genesis;
use super::handle::StateHashes;
use super::snapshot::{self, KeepError, Restored, Snapshot};
use super::vault::Vault;
use super::venue::{Poisoned, Venue};
use crate::config::{ClockKind, Config, Instruments};
use crate::files;
use crate::identity::{Identity, IdentityKey};
use crate::listing::Listing;
use crate::projection::{Applied, KeyId, News, Past, Projections};
use crate::record::{self, Body, Crossing, Record};
use loligo_engine::{Audit, Command, Event, Instrument, RULES_VERSION, Timestamp};
use loligo_journal::{
    Batch, Journal, JournalError, LeftBehind, MemoryJournal, Options, Reader, Records, Report, SqliteJournal,
    StoppedJournal, Urgency,
};
use std::collections::{BTreeMap, BTreeSet};
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
    let listing = match (begun, &config.instruments) {
        (Some(begun), _) => begun.listing,
        (None, Instruments::Given(listing)) => listing.clone(),
        (None, Instruments::Default) => Listing::standard(now),
    };
    if is_new {
        let records = genesis::records(config, &listing, now)?;
        append(journal.as_mut(), now, &records)?;
    }

    let Restored { mut venue, mut past } = newest_snapshot(journal.as_ref(), &mut notes)?;
    let from = venue.sequence;
    replay_fast(journal.reader(from + 1)?, &mut venue, |venue, applied| past.fold(applied, &venue.exchange))?;
    cross(journal.as_mut(), &mut venue, &mut notes)?;
    keep_spent(journal.as_mut(), &mut venue, &mut past, &spent)?;
    let views = views_of(past, &venue);
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
    Ok(Opened { journal, venue, views, identity, vault, listing, replayed, notes })
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

/// Goes on under the rules of this version where the last record was made under others. The journal says so, with the state
/// in which it happened.
fn cross(journal: &mut dyn Journal, venue: &mut Venue, notes: &mut Vec<String>) -> Result<(), StartError> {
    if venue.rules == RULES_VERSION {
        return Ok(());
    }
    if venue.rules > RULES_VERSION {
        return Err(StartError::OtherRules { sequence: venue.sequence, rules: venue.rules });
    }
    let time = venue.exchange.now();
    let crossing = Crossing { from: venue.rules, to: RULES_VERSION, state: venue.exchange.state_hash() };
    let record = Record { time, nonce: None, body: Body::Crossing(crossing) };
    append(journal, time, std::slice::from_ref(&record))?;
    notes.push(format!(
        "records 1 to {} were made under rules {}; from here on rules {RULES_VERSION} hold",
        venue.sequence, venue.rules
    ));
    let sequence = venue.sequence + 1;
    apply_next(venue, sequence, &record, &mut Vec::new())
}

/// Remembers on the new branch which nonces were spent on the one it left: a request that was executed there is not
/// executed again. In the journal each is a moment in which nothing happens, signed with that nonce.
fn keep_spent(
    journal: &mut dyn Journal,
    venue: &mut Venue,
    past: &mut Past,
    spent: &BTreeMap<KeyId, u64>,
) -> Result<(), StartError> {
    let time = venue.exchange.now();
    // Keys that were made after the branches parted are unknown here, and nobody gets the same ones again.
    let unknown_yet =
        spent.iter().filter(|(key, nonce)| venue.registry.is_spent(**key, **nonce) == Some(false));
    let records: Vec<Record> = unknown_yet
        .map(|(key, nonce)| Record {
            time,
            nonce: Some((*key, *nonce)),
            body: Body::Command(Command::Advance),
        })
        .collect();
    if records.is_empty() {
        return Ok(());
    }
    append(journal, time, &records)?;
    let mut events = Vec::new();
    for record in &records {
        events.clear();
        let sequence = venue.sequence + 1;
        apply_next(venue, sequence, record, &mut events)?;
        venue.chain.extend(sequence, &events);
        past.fold(Applied { sequence, time: venue.exchange.now(), events: &events }, &venue.exchange);
    }
    Ok(())
}

fn views_of(past: Past, venue: &Venue) -> Projections {
    let (orders, fills, markets) = past.views(&venue.exchange);
    let views = Projections::new(orders, fills, markets);
    views.reach(venue.sequence, venue.exchange.now());
    views
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

pub(crate) fn decode(sequence: u64, bytes: &[u8]) -> Result<Record, StartError> {
    Record::decode(bytes).map_err(|error| StartError::Record { sequence, error })
}

/// The newest snapshot that this version reads, or the venue before its genesis. What is passed over is noted.
fn newest_snapshot(journal: &dyn Journal, notes: &mut Vec<String>) -> Result<Restored, StartError> {
    let snapshots = journal.snapshots();
    let mut at = journal.last_sequence();
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
    let instead = match &restored {
        Some(restored) => format!("an older one, of record {}, is used", restored.venue.sequence),
        None => "none is left, so the whole journal is replayed".to_owned(),
    };
    notes.extend(passed_over.iter().map(|why| format!("a snapshot is passed over, {why}; {instead}")));
    Ok(restored.unwrap_or_else(|| Restored { venue: Venue::new(), past: Past::default() }))
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
    check_rules(venue, sequence, record)?;
    venue.apply(record, events)?;
    Ok(())
}

/// Refuses a record that this version would make something else of than the one that wrote it.
fn check_rules(venue: &Venue, sequence: u64, record: &Record) -> Result<(), StartError> {
    let rules = match &record.body {
        Body::Genesis { rules, .. } => *rules,
        Body::Crossing(Crossing { from, state, .. }) => {
            let fits = *from == venue.rules && *state == venue.exchange.state_hash();
            return if fits { Ok(()) } else { Err(StartError::Crossing(sequence)) };
        }
        Body::Command(_) | Body::Fact(_) => venue.rules,
    };
    if rules == RULES_VERSION { Ok(()) } else { Err(StartError::OtherRules { sequence, rules }) }
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
        if let Event::Listed { instrument, .. } = event
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
    /// The last record that was not applied: made under other rules, what it came to is taken from the snapshot of it. 0 when
    /// every record was applied.
    pub taken_over: u64,
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
    let mut venue = replay_start(&journal)?;
    let replayed = replay_fast(journal.reader(venue.sequence + 1)?, &mut venue, |_, _| {});
    replayed.map_err(|error| error.in_folder(Some(folder)))?;
    Ok(hashes(&venue))
}

/// Where a replay of a stopped venue begins: before its first record, or, where that was made under other rules, at the oldest
/// snapshot from which this version's hold.
fn replay_start(journal: &StoppedJournal) -> Result<Venue, StartError> {
    let first = |from: u64| -> Result<Option<Record>, StartError> {
        let batch = journal.reader(from)?.next_batch()?;
        let first = batch.as_ref().and_then(|batch| batch.iter().next());
        first.map(|(sequence, bytes)| decode(sequence, bytes)).transpose()
    };
    let genesis = first(1)?.ok_or(StartError::NoGenesis)?;
    let fresh = Venue::new();
    let Err(other) = check_rules(&fresh, 1, &genesis) else { return Ok(fresh) };
    let snapshots = journal.snapshots();
    for info in snapshots.list()? {
        let Some((_, body)) = snapshots.newest(info.sequence)?.found else { continue };
        let Ok(Restored { venue, .. }) = snapshot::decode(&body) else { continue };
        let holds = venue.rules == RULES_VERSION
            || match first(venue.sequence + 1)? {
                None => true,
                Some(Record { body: Body::Crossing(Crossing { to, .. }), .. }) => to == RULES_VERSION,
                Some(_) => false,
            };
        if holds {
            return Ok(venue);
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
    let Restored { mut venue, mut past } = newest_snapshot(&journal, &mut notes)?;
    let (last, from) = (journal.last_sequence(), venue.sequence);
    if from < last {
        let each = |venue: &Venue, applied: Applied<'_>| past.fold(applied, &venue.exchange);
        let replayed = replay_fast(journal.reader(from + 1)?, &mut venue, each);
        replayed.map_err(|error| error.in_folder(Some(folder)))?;
        let views = views_of(past, &venue);
        snapshot::keep(journal.snapshots().as_ref(), Snapshot::last(venue, &views)).map_err(|error| {
            match error {
                KeepError::Journal(error) => error.into(),
                KeepError::Encode(_) => StartError::Append(error.to_string()),
            }
        })?;
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
    let places: BTreeSet<u64> = snapshots.list()?.into_iter().map(|info| info.sequence).collect();
    let mut snapshots_compared = 0;
    let mut venue = replay_start(&journal)?;
    let taken_over = venue.sequence;
    replay(journal.reader(taken_over + 1)?, &mut venue, |venue, applied| {
        if places.contains(&applied.sequence)
            && let Some((info, body)) = snapshots.newest(applied.sequence)?.found
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
    })
    .map_err(|error| error.in_folder(Some(folder)))?;
    let audit = venue.exchange.audit().map_err(|violation| StartError::Invariant(violation.to_string()))?;
    Ok(Verified { journal: report, taken_over, snapshots_compared, hashes: hashes(&venue), audit })
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
        StartError::Poisoned { sequence: poisoned.sequence, message: poisoned.message, folder: None }
    }
}
