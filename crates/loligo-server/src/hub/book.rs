//! One contract's book: who follows it, and what they are told.

use super::{Dialect, Dialects, Encoder, Follower, Joined, place};
use crate::projection::{DepthSnapshot, Directory, LevelChange};
use crate::transport::bounds::FEED_WRITE_BYTES;
use crate::transport::frame::Run;
use crate::transport::outbox::{Frame, frame};
use loligo_engine::{InstrumentSpec, Timestamp};

#[derive(Default)]
pub(super) struct Book {
    /// In the order of their dialects.
    followers: Vec<Reader>,
    /// Of each dialect the last whole book that was sent, and the number of the last change in it; shared while nothing has
    /// changed.
    snapshots: Vec<(Dialect, u64, Frame)>,
    /// What is told and not sent yet, by dialect.
    runs: Vec<(Dialect, Run)>,
}

struct Reader {
    follower: Follower,
    /// The number of the last change in the book it was sent.
    shown: u64,
}

impl Reader {
    /// Whether it is there and was not shown this change.
    fn wants(&self, number: u64) -> bool {
        number > self.shown && !self.follower.outbox.is_closed()
    }
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

    /// Tells a change, encoded once a dialect; it is sent with what follows it.
    pub(super) fn tell(
        &mut self,
        dialects: &Dialects,
        level: &LevelChange,
        at: Timestamp,
        directory: &Directory,
    ) {
        let Some(instrument) = directory.instrument(level.instrument) else { return };
        for readers in self.followers.chunk_by(|a, b| a.follower.dialect == b.follower.dialect) {
            if !readers.iter().any(|reader| reader.wants(level.number)) {
                continue;
            }
            let dialect = readers[0].follower.dialect;
            let encoded = frame(|out| dialects.of(dialect).level(out, instrument.spec(), level, at));
            match self.runs.iter_mut().find(|(of, _)| *of == dialect) {
                Some((_, run)) => run.add(level.number, encoded),
                None => {
                    let mut run = Run::default();
                    run.add(level.number, encoded);
                    self.runs.push((dialect, run));
                }
            }
        }
        if self.runs.iter().any(|(_, run)| run.bytes() >= FEED_WRITE_BYTES) {
            self.send();
        }
    }

    /// Sends what was told to all who were not shown it.
    pub(super) fn send(&mut self) {
        let finished = self.runs.iter_mut().filter_map(|(of, run)| Some((*of, run.finish()?)));
        let finished: Vec<_> = finished.collect();
        self.followers.retain_mut(|Reader { follower, shown }| {
            let of = finished.iter().find(|(of, _)| *of == follower.dialect);
            let Some((last, frame)) = of.and_then(|(_, run)| Some((run.last, run.after(*shown)?))) else {
                return !follower.outbox.is_closed();
            };
            *shown = last;
            follower.outbox.push(frame)
        });
    }

    pub(super) fn close(&self) {
        for reader in &self.followers {
            reader.follower.outbox.overflow();
        }
    }
}
