//! One contract's book: who follows it, and what they are told.

use super::super::outbox::{Frame, Outbox, frame};
use super::Joined;
use crate::gateway::convert::grid::{price, size, time};
use crate::gateway::convert::orders::side;
use crate::projection::{Directory, LevelNews, Markets};
use loligo_engine::{InstrumentId, Timestamp};
use loligo_wire::ws1;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Book {
    followers: Vec<Follower>,
    /// The last whole book that was sent and the number of the last change in it; shared while nothing has changed.
    snapshot: Option<(u64, Frame)>,
}

struct Follower {
    outbox: Arc<Outbox>,
    /// The number of the last change in the book it was sent.
    shown: u64,
}

impl Book {
    /// The whole book as it is, and the number of its last change; `None` for a contract that is not listed.
    pub(super) fn snapshot(
        &mut self,
        instrument: InstrumentId,
        markets: &Markets,
        directory: &Directory,
        now: Timestamp,
    ) -> Option<(u64, Frame)> {
        let depth = markets.depth(instrument)?;
        if let Some((seq, snapshot)) = &self.snapshot
            && *seq == depth.changes
        {
            return Some((*seq, snapshot.clone()));
        }
        let spec = directory.instrument(instrument)?.spec();
        let row = |&(at, lots): &(_, _)| (price(at, spec), size(lots, spec));
        let snapshot = frame(|out| {
            let (bids, asks) = (depth.bids.iter().map(row), depth.asks.iter().map(row));
            ws1::write_book_snapshot(out, &spec.symbol, time(now), depth.changes, bids, asks);
        });
        self.snapshot = Some((depth.changes, snapshot.clone()));
        Some((depth.changes, snapshot))
    }

    /// Follows from the change after `shown` on.
    pub(super) fn join(&mut self, outbox: &Arc<Outbox>, shown: u64) -> Joined {
        match self.followers.iter_mut().find(|follower| follower.outbox.id == outbox.id) {
            Some(follower) => {
                follower.shown = shown;
                Joined::Again
            }
            None => {
                self.followers.push(Follower { outbox: Arc::clone(outbox), shown });
                Joined::Anew
            }
        }
    }

    pub(super) fn leave(&mut self, id: u64) -> bool {
        let before = self.followers.len();
        self.followers.retain(|follower| follower.outbox.id != id);
        self.followers.len() < before
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.followers.is_empty()
    }

    pub(super) fn tell(&mut self, level: &LevelNews, at: Timestamp, directory: &Directory) {
        let Some(instrument) = directory.instrument(level.instrument) else { return };
        let spec = instrument.spec();
        let update = ws1::BookUpdate {
            product_id: &spec.symbol,
            side: side(level.side),
            seq: level.number,
            price: price(level.price, spec),
            qty: size(level.qty, spec),
            timestamp: time(at),
        };
        let update = frame(|out| update.write(out));
        self.followers
            .retain(|follower| level.number <= follower.shown || follower.outbox.push(update.clone()));
    }

    pub(super) fn close(&self) {
        for follower in &self.followers {
            follower.outbox.overflow();
        }
    }
}
