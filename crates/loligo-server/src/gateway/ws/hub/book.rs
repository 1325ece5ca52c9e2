//! One contract's book: who follows it, and what they are told.

use super::super::outbox::{Frame, Outbox, frame};
use super::Joined;
use crate::gateway::convert::grid::{price, size, time};
use crate::gateway::convert::orders::side;
use crate::projection::{DepthSnapshot, Directory, LevelNews};
use loligo_engine::{InstrumentSpec, Timestamp};
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
    /// The message of a whole book.
    pub(super) fn snapshot(&mut self, depth: &DepthSnapshot, spec: &InstrumentSpec, now: Timestamp) -> Frame {
        if let Some((seq, snapshot)) = &self.snapshot
            && *seq == depth.changes
        {
            return snapshot.clone();
        }
        let row = |&(at, lots): &(_, _)| (price(at, spec), size(lots, spec));
        let snapshot = frame(|out| {
            let (bids, asks) = (depth.bids.iter().map(row), depth.asks.iter().map(row));
            ws1::write_book_snapshot(out, &spec.symbol, time(now), depth.changes, bids, asks);
        });
        self.snapshot = Some((depth.changes, snapshot.clone()));
        snapshot
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

    pub(super) fn is_held(&self, id: u64) -> bool {
        self.followers.iter().any(|follower| follower.outbox.id == id)
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
        let mut encoded: Option<Frame> = None;
        self.followers.retain(|follower| {
            if follower.outbox.is_closed() {
                return false;
            }
            let mut update = || encoded.get_or_insert_with(|| frame(|out| update.write(out))).clone();
            level.number <= follower.shown || follower.outbox.push(update())
        });
    }

    pub(super) fn close(&self) {
        for follower in &self.followers {
            follower.outbox.overflow();
        }
    }
}
