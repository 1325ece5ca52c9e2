//! One contract's book: who follows it, and what they are told.

use super::{Dialect, Dialects, Encoder, Follower, Joined, Shared, place};
use crate::projection::{DepthSnapshot, Directory, LevelChange};
use crate::transport::outbox::{Frame, frame};
use loligo_engine::{InstrumentSpec, Timestamp};

#[derive(Default)]
pub(super) struct Book {
    /// In the order of their dialects.
    followers: Vec<Reader>,
    /// Of each dialect the last whole book that was sent, and the number of the last change in it; shared while nothing has
    /// changed.
    snapshots: Vec<(Dialect, u64, Frame)>,
}

struct Reader {
    follower: Follower,
    /// The number of the last change in the book it was sent.
    shown: u64,
}

impl Book {
    /// The message of a whole book.
    pub(super) fn snapshot(
        &mut self,
        dialect: Dialect,
        encoder: &dyn Encoder,
        depth: &DepthSnapshot,
        spec: &InstrumentSpec,
        now: Timestamp,
    ) -> Frame {
        let kept = self.snapshots.iter().find(|(of, seq, _)| (*of, *seq) == (dialect, depth.changes));
        if let Some((.., snapshot)) = kept {
            return snapshot.clone();
        }
        let snapshot = frame(|out| encoder.book(out, spec, depth, now));
        self.snapshots.retain(|(of, ..)| *of != dialect);
        self.snapshots.push((dialect, depth.changes, snapshot.clone()));
        snapshot
    }

    /// Follows from the change after `shown` on.
    pub(super) fn join(&mut self, follower: &Follower, shown: u64) -> Joined {
        let held = |reader: &&mut Reader| reader.follower.outbox.id == follower.outbox.id;
        match self.followers.iter_mut().find(held) {
            Some(reader) => {
                reader.shown = shown;
                Joined::Again
            }
            None => {
                let at = place(&self.followers, &follower.dialect, |reader| reader.follower.dialect);
                self.followers.insert(at, Reader { follower: follower.clone(), shown });
                Joined::Anew
            }
        }
    }

    pub(super) fn is_held(&self, id: u64) -> bool {
        self.followers.iter().any(|reader| reader.follower.outbox.id == id)
    }

    pub(super) fn leave(&mut self, id: u64) -> bool {
        let before = self.followers.len();
        self.followers.retain(|reader| reader.follower.outbox.id != id);
        self.followers.len() < before
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.followers.is_empty()
    }

    pub(super) fn tell(
        &mut self,
        dialects: &Dialects,
        level: &LevelChange,
        at: Timestamp,
        directory: &Directory,
    ) {
        let Some(instrument) = directory.instrument(level.instrument) else { return };
        let spec = instrument.spec();
        let encode = |of: &Dialect| Some(frame(|out| dialects.of(*of).level(out, spec, level, at)));
        let mut update = Shared::new();
        self.followers.retain(|Reader { follower, shown }| {
            if follower.outbox.is_closed() {
                return false;
            }
            if level.number <= *shown {
                return true;
            }
            update.of(follower.dialect, encode).is_none_or(|update| follower.outbox.push(update))
        });
    }

    pub(super) fn close(&self) {
        for reader in &self.followers {
            reader.follower.outbox.overflow();
        }
    }
}
