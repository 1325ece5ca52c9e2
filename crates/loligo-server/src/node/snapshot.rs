//! The whole venue at one place, as bytes: the exchange, what the server knows beside it, and the views that cannot be
//! made again from the exchange (past trades and fills).

use super::registry::Registry;
use super::venue::{EventChain, Venue};
use crate::projection::{Past, Projections, StoredPast};
use crate::record::VenueFacts;
use loligo_engine::Exchange;
use loligo_journal::{JournalError, Snapshots};
use serde::{Deserialize, Serialize};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Version of this layout.
const VERSION: u8 = 3;
/// Snapshots kept; the newest may turn out damaged, then the one before serves.
const KEPT: usize = 2;

/// Why a snapshot cannot be read. The journal holds everything it held, so an older one or none will do.
#[derive(Debug, thiserror::Error)]
#[error("a snapshot of another version or layout: {0}")]
pub(crate) struct SnapshotError(String);

#[derive(Serialize, Deserialize)]
struct Stored {
    sequence: u64,
    facts: Option<VenueFacts>,
    registry: Registry,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    past: StoredPast,
    exchange: Vec<u8>,
}

/// A venue read back, with the past its views need.
pub(crate) struct Restored {
    pub(crate) venue: Venue,
    pub(crate) past: Past,
}

pub(crate) fn encode(venue: &Venue, views: &Projections) -> Result<Vec<u8>, postcard::Error> {
    let (chain_blocks, chain_rest) = venue.chain.parts();
    let stored = Stored {
        sequence: venue.sequence,
        facts: venue.facts.clone(),
        registry: venue.registry.clone(),
        chain_blocks,
        chain_rest: chain_rest.to_vec(),
        past: StoredPast::of(views.fills(), views.markets()),
        exchange: venue.exchange.encode(),
    };
    postcard::to_extend(&stored, vec![VERSION])
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Restored, SnapshotError> {
    let body = match bytes.split_first() {
        Some((&VERSION, body)) => body,
        Some((version, _)) => return Err(SnapshotError(format!("layout {version}"))),
        None => return Err(SnapshotError("empty".to_owned())),
    };
    let stored: Stored = postcard::from_bytes(body).map_err(|error| SnapshotError(error.to_string()))?;
    let exchange = Exchange::decode(&stored.exchange).map_err(|error| SnapshotError(error.to_string()))?;
    Ok(Restored {
        venue: Venue {
            exchange,
            registry: stored.registry.restored(),
            chain: EventChain::restored(stored.chain_blocks, stored.chain_rest),
            facts: stored.facts,
            sequence: stored.sequence,
        },
        past: stored.past.into(),
    })
}

/// Writes snapshots on a thread of its own, one at a time: the writer only encodes them.
pub(crate) struct Keeper {
    bodies: Option<SyncSender<(u64, Vec<u8>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(store: Box<dyn Snapshots>) -> Self {
        let (bodies, waiting) = sync_channel::<(u64, Vec<u8>)>(1);
        let work = move || {
            for (sequence, body) in waiting {
                match keep(store.as_ref(), sequence, &body) {
                    Ok(()) => tracing::debug!(sequence, bytes = body.len(), "snapshot kept"),
                    // Without it the next start replays more; nothing is lost.
                    Err(error) => tracing::warn!(sequence, %error, "a snapshot could not be kept"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("loligo-snapshots".to_owned()).spawn(work);
        if let Err(error) = &thread {
            tracing::warn!(%error, "no thread for snapshots: starts will replay the whole journal");
        }
        Self { bodies: Some(bodies), thread: thread.ok() }
    }

    /// Takes a body over, unless the one before is still being written.
    pub(crate) fn offer(&self, sequence: u64, body: Vec<u8>) -> bool {
        match self.bodies.as_ref().map(|bodies| bodies.try_send((sequence, body))) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }

    /// Keeps a last body, and waits until everything that was taken over is kept.
    pub(crate) fn finish(mut self, last: Option<(u64, Vec<u8>)>) {
        let bodies = self.bodies.take();
        if let (Some(last), Some(bodies)) = (last, &bodies)
            && bodies.send(last).is_err()
        {
            tracing::warn!("the last snapshot could not be kept: the next start replays more");
        }
        drop(bodies);
        if let Some(thread) = self.thread.take() {
            // Its panic would have been printed; nothing of the venue depends on it.
            let _ = thread.join();
        }
    }
}

/// Keeps a body and forgets the oldest.
pub(crate) fn keep(store: &dyn Snapshots, sequence: u64, body: &[u8]) -> Result<(), JournalError> {
    store.put(sequence, body)?;
    let all = store.list()?;
    for old in all.iter().rev().skip(KEPT) {
        store.remove(old)?;
    }
    Ok(())
}
