//! The whole venue at one place, as bytes: the exchange, what the server knows beside it, and what its followers know beyond
//! both, each in a part of its own.

mod legacy;

use super::registry::Registry;
use super::retention::Retention;
use super::venue::{EventChain, Venue};
use crate::projection::{Follower, Part};
use crate::record::VenueFacts;
use loligo_engine::Exchange;
use loligo_journal::{JournalError, Snapshots};
use serde::{Deserialize, Serialize};

/// Version of this layout. Parts have versions of their own.
const VERSION: u8 = 5;

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
    parts: Vec<Part>,
    exchange: Vec<u8>,
}

/// A venue read back, and what its followers have to take up.
pub(crate) struct Restored {
    pub(crate) venue: Venue,
    pub(crate) parts: Vec<Part>,
}

/// Why a snapshot was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("the venue has no stored form: {0}")]
    Encode(#[from] postcard::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A venue and its followers as bytes. They must be at the same place: whoever folds asks.
pub(crate) fn encode(venue: &Venue, followers: &[&dyn Follower]) -> Result<Vec<u8>, postcard::Error> {
    encode_parts(venue, followers.iter().filter_map(|follower| follower.part()).collect())
}

/// The same with parts that are there already.
pub(crate) fn encode_parts(venue: &Venue, parts: Vec<Part>) -> Result<Vec<u8>, postcard::Error> {
    let Venue { exchange, registry, chain, facts, sequence, rules, crossed } = venue;
    let (chain_blocks, chain_rest) = chain.parts();
    let stored = Stored {
        rules: *rules,
        crossed: *crossed,
        sequence: *sequence,
        facts: facts.clone(),
        registry: registry.clone(),
        chain_blocks,
        chain_rest: chain_rest.to_vec(),
        parts,
        exchange: exchange.encode(),
    };
    postcard::to_extend(&stored, vec![VERSION])
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Restored, SnapshotError> {
    let failed = |error: postcard::Error| SnapshotError(error.to_string());
    let (stored, earlier) = match bytes.split_first() {
        Some((&VERSION, body)) => (postcard::from_bytes::<Stored>(body).map_err(failed)?, None),
        Some((version, body)) => {
            let read = legacy::read(*version, body);
            read.ok_or_else(|| SnapshotError(format!("layout {version}")))?.map_err(failed)?
        }
        None => return Err(SnapshotError("empty".to_owned())),
    };
    let mut exchange =
        Exchange::decode(&stored.exchange).map_err(|error| SnapshotError(error.to_string()))?;
    let mut parts = stored.parts;
    if let Some(views) = earlier {
        views.number(&mut exchange);
        parts = views.into_parts();
    }
    let now = exchange.now();
    Ok(Restored {
        venue: Venue {
            exchange,
            registry: stored.registry.restored(now),
            chain: EventChain::restored(stored.chain_blocks, stored.chain_rest),
            facts: stored.facts,
            sequence: stored.sequence,
            rules: stored.rules,
            crossed: stored.crossed,
        },
        parts,
    })
}

/// What came of keeping a snapshot.
pub(crate) struct Kept {
    /// Its length.
    pub(crate) bytes: usize,
    /// The record before which the journal may be pruned now.
    pub(crate) prune_before: Option<u64>,
}

/// Keeps a snapshot and removes those that are too many now.
pub(crate) fn keep(
    store: &dyn Snapshots,
    venue: &Venue,
    followers: &[&dyn Follower],
    retention: Retention,
) -> Result<Kept, KeepError> {
    let body = encode(venue, followers)?;
    store.put(venue.sequence, &body)?;
    let prune_before = retention.thin(store, venue.crossed)?;
    Ok(Kept { bytes: body.len(), prune_before })
}
