//! The whole venue at one place, as bytes: the exchange, what the server knows beside it, and the views that cannot be
//! made again from the exchange (past trades and fills).

use super::registry::Registry;
use super::venue::{EventChain, Venue};
use crate::projection::{FillRow, Fills, MarketSeed, Markets, Orders, Projections};
use crate::record::VenueFacts;
use loligo_engine::{AccountId, Exchange, Side};
use loligo_journal::{JournalError, Snapshots};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Version of this layout.
const VERSION: u8 = 1;
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
    fills: Vec<(AccountId, Vec<FillRow>)>,
    markets: Vec<Vec<u8>>,
    exchange: Vec<u8>,
}

/// A venue read back, with the past its views need.
pub(crate) struct Restored {
    pub(crate) venue: Venue,
    pub(crate) past: Past,
}

/// Past trades and fills: empty at genesis.
#[derive(Default)]
pub(crate) struct Past {
    fills: Vec<(AccountId, Vec<FillRow>)>,
    markets: Vec<Vec<u8>>,
}

pub(crate) fn encode(venue: &Venue, views: &Projections) -> Result<Vec<u8>, postcard::Error> {
    let (chain_blocks, chain_rest) = venue.chain.parts();
    let stored = Stored {
        sequence: venue.sequence,
        facts: venue.facts.clone(),
        registry: venue.registry.clone(),
        chain_blocks,
        chain_rest: chain_rest.to_vec(),
        fills: views.fills().export(),
        markets: views.markets().export()?,
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
        past: Past { fills: stored.fills, markets: stored.markets },
    })
}

/// The views of an exchange as it is, with the past that it does not hold itself.
pub(crate) fn views(exchange: &Exchange, past: Past) -> Result<(Orders, Fills, Markets), SnapshotError> {
    let mut kept = past.markets.into_iter();
    let seeds = exchange
        .instruments()
        .map(|(id, instrument)| {
            let market = exchange.market(id);
            MarketSeed {
                instrument: Arc::new(instrument.clone()),
                bids: exchange.depth(id, Side::Buy, usize::MAX),
                asks: exchange.depth(id, Side::Sell, usize::MAX),
                mark: market.and_then(|market| market.mark),
                index: market.and_then(|market| market.index),
                kept: kept.next().unwrap_or_default(),
            }
        })
        .collect();
    let positions = (0..exchange.account_count() as u32)
        .map(AccountId)
        .flat_map(|account| {
            exchange.positions(account).into_iter().map(move |held| (account, held.instrument, held.qty))
        })
        .collect();
    let markets = Markets::new(seeds, positions).map_err(|error| SnapshotError(error.to_string()))?;
    Ok((Orders::new(exchange.known_orders()), Fills::new(past.fills), markets))
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

    /// Waits until everything that was taken over is kept.
    pub(crate) fn finish(mut self) {
        self.bodies = None;
        if let Some(thread) = self.thread.take() {
            // Its panic would have been printed; nothing of the venue depends on it.
            let _ = thread.join();
        }
    }
}

fn keep(store: &dyn Snapshots, sequence: u64, body: &[u8]) -> Result<(), JournalError> {
    store.put(sequence, body)?;
    let all = store.list()?;
    for old in all.iter().rev().skip(KEPT) {
        store.remove(old)?;
    }
    Ok(())
}
