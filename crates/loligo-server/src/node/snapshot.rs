//! The whole venue at one place, as bytes: the exchange, what the server knows beside it, and the views that cannot be
//! made again from the exchange (past trades and fills).

use super::registry::{Registry, RegistryWithoutRolls};
use super::venue::{EventChain, Venue};
use crate::projection::{Past, Projections, StoredPast};
use crate::record::{FIRST_RULES, VenueFacts};
use loligo_engine::Exchange;
use loligo_journal::{JournalError, Snapshots};
use serde::{Deserialize, Serialize};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Version of this layout.
const VERSION: u8 = 3;
/// The layout before rules had versions: read, never written.
const VERSION_WITHOUT_RULES: u8 = 2;
/// Snapshots kept; the newest may turn out damaged, then the one before serves.
const KEPT: usize = 2;

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

/// A venue as bytes, ready to be kept.
pub(crate) struct Snapshot {
    pub(crate) sequence: u64,
    /// The snapshot that the records after it cannot do without.
    crossed: Option<u64>,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn encode(venue: &Venue, views: &Projections) -> Result<Snapshot, postcard::Error> {
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
        exchange: venue.exchange.encode(),
    };
    let body = postcard::to_extend(&stored, vec![VERSION])?;
    Ok(Snapshot { sequence: venue.sequence, crossed: venue.crossed, body })
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
    let exchange = Exchange::decode(&stored.exchange).map_err(|error| SnapshotError(error.to_string()))?;
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

/// Writes snapshots on a thread of its own, one at a time: the writer only encodes them.
pub(crate) struct Keeper {
    snapshots: Option<SyncSender<Snapshot>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(store: Box<dyn Snapshots>) -> Self {
        let (snapshots, waiting) = sync_channel::<Snapshot>(1);
        let work = move || {
            for snapshot in waiting {
                let sequence = snapshot.sequence;
                match keep(store.as_ref(), &snapshot) {
                    Ok(()) => tracing::debug!(sequence, bytes = snapshot.body.len(), "snapshot kept"),
                    // Without it the next start replays more; nothing is lost.
                    Err(error) => tracing::warn!(sequence, %error, "a snapshot could not be kept"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("loligo-snapshots".to_owned()).spawn(work);
        if let Err(error) = &thread {
            tracing::warn!(%error, "no thread for snapshots: starts will replay the whole journal");
        }
        Self { snapshots: Some(snapshots), thread: thread.ok() }
    }

    /// Takes a snapshot over, unless the one before is still being written.
    pub(crate) fn offer(&self, snapshot: Snapshot) -> bool {
        match self.snapshots.as_ref().map(|snapshots| snapshots.try_send(snapshot)) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }

    /// Keeps a last one, and waits until everything that was taken over is kept.
    pub(crate) fn finish(mut self, last: Option<Snapshot>) {
        let snapshots = self.snapshots.take();
        if let (Some(last), Some(snapshots)) = (last, &snapshots)
            && snapshots.send(last).is_err()
        {
            tracing::warn!("the last snapshot could not be kept: the next start replays more");
        }
        drop(snapshots);
        if let Some(thread) = self.thread.take() {
            // Its panic would have been printed; nothing of the venue depends on it.
            let _ = thread.join();
        }
    }
}

/// Keeps a snapshot and forgets the oldest, but for the one at which the rules changed last: what came before it is known
/// by it alone.
pub(crate) fn keep(store: &dyn Snapshots, snapshot: &Snapshot) -> Result<(), JournalError> {
    let Snapshot { sequence, crossed, body } = snapshot;
    store.put(*sequence, body)?;
    let all = store.list()?;
    for old in all.iter().rev().skip(KEPT).filter(|old| Some(old.sequence) != *crossed) {
        store.remove(old)?;
    }
    Ok(())
}
