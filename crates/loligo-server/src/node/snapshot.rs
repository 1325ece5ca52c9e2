//! The whole venue at one place, as bytes: the exchange, what the server knows beside it, and the views that cannot be
//! made again from the exchange (past trades and fills).

use super::registry::{Registry, RegistryWithoutRolls};
use super::retention;
use super::venue::{EventChain, Venue};
use crate::config::KeepJournal;
use crate::projection::{Past, Projections, StoredPast};
use crate::record::{FIRST_RULES, VenueFacts};
use loligo_engine::Exchange;
use loligo_journal::{JournalError, Snapshots};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Version of this layout.
const VERSION: u8 = 3;
/// The layout before rules had versions: read, never written.
const VERSION_WITHOUT_RULES: u8 = 2;
/// Snapshots that the keeper has at once, each a copy of the exchange: one being written, and one that was asked for
/// meanwhile.
const IN_HAND: usize = 2;
/// How long a stop waits for pruning that is under way. What is left then goes at another time.
const PRUNING_AT_STOP: Duration = Duration::from_millis(500);

/// Why a snapshot cannot be read. The journal holds everything it held, so an older one or none will do.
#[derive(Debug, thiserror::Error)]
#[error("a snapshot of another version or layout: {0}")]
pub(crate) struct SnapshotError(String);

#[derive(Serialize, Deserialize)]
struct Stored {
    rules: u16,
    crossed: Option<u64>,
    sequence: u64,
    facts: Option<VenueFacts>,
    registry: Registry,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    past: StoredPast,
    exchange: Vec<u8>,
}

/// A snapshot of layout 2.
#[derive(Deserialize)]
struct StoredWithoutRules {
    sequence: u64,
    facts: Option<VenueFacts>,
    registry: RegistryWithoutRolls,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    past: StoredPast,
    exchange: Vec<u8>,
}

impl From<StoredWithoutRules> for Stored {
    fn from(stored: StoredWithoutRules) -> Self {
        let StoredWithoutRules { sequence, facts, registry, chain_blocks, chain_rest, past, exchange } =
            stored;
        Self {
            rules: FIRST_RULES,
            crossed: None,
            sequence,
            facts,
            registry: registry.into(),
            chain_blocks,
            chain_rest,
            past,
            exchange,
        }
    }
}

/// A venue read back, with the past its views need.
pub(crate) struct Restored {
    pub(crate) venue: Venue,
    pub(crate) past: Past,
}

/// A venue as it was at one place, on its way to becoming bytes. It shares nothing with the venue that goes on.
pub(crate) struct Snapshot {
    /// All but the exchange.
    stored: Stored,
    exchange: Exchange,
}

impl Snapshot {
    /// The venue and its views as they are now, which must be at the same place: whoever folds the views asks.
    pub(crate) fn of(venue: &Venue, views: &Projections) -> Self {
        Self::with(venue.exchange.clone(), venue, views)
    }

    /// The same of a venue that has come to its end, of which nothing is copied that is large.
    pub(crate) fn last(mut venue: Venue, views: &Projections) -> Self {
        Self::with(std::mem::take(&mut venue.exchange), &venue, views)
    }

    fn with(exchange: Exchange, venue: &Venue, views: &Projections) -> Self {
        let (chain_blocks, chain_rest) = venue.chain.parts();
        let stored = Stored {
            rules: venue.rules,
            crossed: venue.crossed,
            sequence: venue.sequence,
            facts: venue.facts.clone(),
            registry: venue.registry.clone(),
            chain_blocks,
            chain_rest: chain_rest.to_vec(),
            past: StoredPast::of(views.fills(), views.markets()),
            exchange: Vec::new(),
        };
        Self { stored, exchange }
    }

    fn encode(self) -> Result<Encoded, postcard::Error> {
        let Self { mut stored, exchange } = self;
        stored.exchange = exchange.encode();
        drop(exchange);
        let (sequence, crossed) = (stored.sequence, stored.crossed);
        // Every view folds a record before it is answered, so none has one before this still to fold.
        let needed = sequence + 1;
        let body = postcard::to_extend(&stored, vec![VERSION])?;
        Ok(Encoded { sequence, crossed, needed, body })
    }
}

/// A venue as bytes.
struct Encoded {
    sequence: u64,
    /// The snapshot that the records after it cannot do without.
    crossed: Option<u64>,
    /// The lowest record that a view has still to fold.
    needed: u64,
    body: Vec<u8>,
}

/// Why a snapshot was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("the venue has no stored form: {0}")]
    Encode(#[from] postcard::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Restored, SnapshotError> {
    let stored: Result<Stored, _> = match bytes.split_first() {
        Some((&VERSION, body)) => postcard::from_bytes(body),
        Some((&VERSION_WITHOUT_RULES, body)) => {
            postcard::from_bytes::<StoredWithoutRules>(body).map(Stored::from)
        }
        Some((version, _)) => return Err(SnapshotError(format!("layout {version}"))),
        None => return Err(SnapshotError("empty".to_owned())),
    };
    let stored = stored.map_err(|error| SnapshotError(error.to_string()))?;
    let mut exchange =
        Exchange::decode(&stored.exchange).map_err(|error| SnapshotError(error.to_string()))?;
    // Earlier forms of the state held none of them: the views counted.
    exchange.take_over_numbers(stored.past.fills(), stored.past.counts());
    Ok(Restored {
        venue: Venue {
            exchange,
            registry: stored.registry.restored(),
            chain: EventChain::restored(stored.chain_blocks, stored.chain_rest),
            facts: stored.facts,
            sequence: stored.sequence,
            rules: stored.rules,
            crossed: stored.crossed,
        },
        past: stored.past.into(),
    })
}

/// Encodes and writes snapshots on a thread of its own, one at a time: the writer only copies its state.
pub(crate) struct Keeper {
    snapshots: Option<SyncSender<Snapshot>>,
    /// Snapshots handed over and not kept yet.
    in_hand: Arc<AtomicUsize>,
    /// Whether the venue stops.
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(store: Box<dyn Snapshots>, keep_journal: KeepJournal) -> Self {
        let (snapshots, waiting) = sync_channel::<Snapshot>(IN_HAND);
        let (in_hand, stops) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (left, stopping) = (Arc::clone(&in_hand), Arc::clone(&stops));
        let work = move || {
            for snapshot in waiting {
                let (begun, sequence) = (Instant::now(), snapshot.stored.sequence);
                let kept = keep(store.as_ref(), snapshot, keep_journal);
                left.fetch_sub(1, Ordering::AcqRel);
                match kept {
                    Ok(Kept { bytes, prune_before }) => {
                        tracing::debug!(sequence, bytes, took = ?begun.elapsed(), "snapshot kept");
                        prune(store.as_ref(), prune_before, &left, &stopping);
                    }
                    // Without it the next start replays more; nothing is lost.
                    Err(error) => tracing::warn!(sequence, %error, "a snapshot could not be kept"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("loligo-snapshots".to_owned()).spawn(work);
        if let Err(error) = &thread {
            tracing::warn!(%error, "no thread for snapshots: starts will replay the whole journal");
        }
        Self { snapshots: Some(snapshots), in_hand, stops, thread: thread.ok() }
    }

    /// Whether it would take another over: asked first, since a copy for nothing costs the writer as much as any.
    pub(crate) fn has_room(&self) -> bool {
        self.in_hand.load(Ordering::Acquire) < IN_HAND
    }

    /// Takes a snapshot over, unless there are too many in hand.
    pub(crate) fn offer(&self, snapshot: Snapshot) -> bool {
        let Some(snapshots) = self.snapshots.as_ref().filter(|_| self.has_room()) else { return false };
        self.in_hand.fetch_add(1, Ordering::AcqRel);
        let taken = snapshots.try_send(snapshot).is_ok();
        if !taken {
            self.in_hand.fetch_sub(1, Ordering::AcqRel);
        }
        taken
    }

    /// Keeps a last one, and waits until everything that was taken over is kept.
    pub(crate) fn finish(mut self, last: Option<Snapshot>) {
        self.stops.store(true, Ordering::Release);
        let snapshots = self.snapshots.take();
        if let (Some(last), Some(snapshots)) = (last, &snapshots) {
            self.in_hand.fetch_add(1, Ordering::AcqRel);
            if snapshots.send(last).is_err() {
                tracing::warn!("the last snapshot could not be kept: the next start replays more");
            }
        }
        drop(snapshots);
        if let Some(thread) = self.thread.take() {
            // Its panic would have been printed; nothing of the venue depends on it.
            let _ = thread.join();
        }
    }
}

/// What came of keeping a snapshot.
pub(crate) struct Kept {
    /// Its length.
    bytes: usize,
    /// The record before which the journal may be pruned now.
    prune_before: Option<u64>,
}

/// Keeps a snapshot and removes those that are too many now.
pub(crate) fn keep(
    store: &dyn Snapshots,
    snapshot: Snapshot,
    keep_journal: KeepJournal,
) -> Result<Kept, KeepError> {
    let Encoded { sequence, crossed, needed, body } = snapshot.encode()?;
    store.put(sequence, &body)?;
    let prune_before = retention::thin(store, keep_journal, crossed, needed)?;
    Ok(Kept { bytes: body.len(), prune_before })
}

/// Prunes until it is done, another snapshot waits, or the venue has stopped for long enough.
fn prune(store: &dyn Snapshots, before: Option<u64>, in_hand: &AtomicUsize, stops: &AtomicBool) {
    let Some(before) = before else { return };
    let begun = Instant::now();
    let go_on = || {
        let in_time = !stops.load(Ordering::Acquire) || begun.elapsed() < PRUNING_AT_STOP;
        in_time && in_hand.load(Ordering::Acquire) == 0
    };
    match store.prune(before, &go_on) {
        Ok(0) => {}
        Ok(records) => tracing::debug!(before, records, took = ?begun.elapsed(), "journal pruned"),
        // The journal is longer than it need be; nothing is lost.
        Err(error) => tracing::warn!(before, %error, "the journal could not be pruned"),
    }
}
