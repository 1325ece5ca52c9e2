//! Those who follow one public thing: each is told what came after that which it was shown.

use super::{Dialect, Follower, Joined, Shared, place};
use crate::transport::bounds::FEED_WRITE_BYTES;
use crate::transport::frame::Run;
use crate::transport::outbox::Frame;

#[derive(Default)]
pub(super) struct Readers {
    /// In the order of their dialects.
    readers: Vec<Reader>,
    /// What was gathered and is not sent yet, by dialect.
    gathered: Vec<(Dialect, Run)>,
}

struct Reader {
    follower: Follower,
    /// The number of the last change in what it was sent.
    shown: u64,
}

impl Reader {
    /// Whether it is there and was not shown this change.
    fn wants(&self, number: u64) -> bool {
        number > self.shown && !self.follower.outbox.is_closed()
    }
}

impl Readers {
    /// Follows from the change after `shown` on.
    pub(super) fn join(&mut self, follower: &Follower, shown: u64) -> Joined {
        let held = |reader: &&mut Reader| reader.follower.outbox.id == follower.outbox.id;
        match self.readers.iter_mut().find(held) {
            Some(reader) => {
                reader.shown = shown;
                Joined::Again
            }
            None => {
                let at = place(&self.readers, &follower.dialect, |reader| reader.follower.dialect);
                self.readers.insert(at, Reader { follower: follower.clone(), shown });
                Joined::Anew
            }
        }
    }

    pub(super) fn is_held(&self, id: u64) -> bool {
        self.readers.iter().any(|reader| reader.follower.outbox.id == id)
    }

    pub(super) fn leave(&mut self, id: u64) -> bool {
        let before = self.readers.len();
        self.readers.retain(|reader| reader.follower.outbox.id != id);
        self.readers.len() < before
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Tells a change to all who were not shown it, encoded once a dialect; nothing where a dialect has no message.
    pub(super) fn tell(&mut self, number: u64, encode: impl Fn(Dialect) -> Option<Frame>) {
        let mut message = Shared::new();
        self.readers.retain_mut(|Reader { follower, shown }| {
            if follower.outbox.is_closed() {
                return false;
            }
            if number <= *shown {
                return true;
            }
            *shown = number;
            message.of(follower.dialect, |of| encode(*of)).is_none_or(|message| follower.outbox.push(message))
        });
    }

    /// Tells a change together with those that come at the same time: [`send`](Self::send) ends it. Encoded once a dialect,
    /// and sent in one piece, so that many changes cost each of many readers one write.
    pub(super) fn gather(&mut self, number: u64, encode: impl Fn(Dialect) -> Option<Frame>) {
        for readers in self.readers.chunk_by(|one, next| one.follower.dialect == next.follower.dialect) {
            let dialect = readers[0].follower.dialect;
            if readers.iter().any(|reader| reader.wants(number))
                && let Some(message) = encode(dialect)
            {
                let at = self.gathered.iter().position(|(of, _)| *of == dialect).unwrap_or_else(|| {
                    self.gathered.push((dialect, Run::default()));
                    self.gathered.len() - 1
                });
                self.gathered[at].1.add(number, message);
            }
        }
        if self.gathered.iter().any(|(_, run)| run.bytes() >= FEED_WRITE_BYTES) {
            self.send();
        }
    }

    /// Sends what was gathered to all who were not shown it.
    pub(super) fn send(&mut self) {
        let finished = self.gathered.iter_mut().filter_map(|(of, run)| Some((*of, run.finish()?)));
        let finished: Vec<_> = finished.collect();
        self.readers.retain_mut(|Reader { follower, shown }| {
            let of = finished.iter().find(|(of, _)| *of == follower.dialect);
            let Some((last, messages)) = of.and_then(|(_, run)| Some((run.last, run.after(*shown)?))) else {
                return !follower.outbox.is_closed();
            };
            *shown = last;
            follower.outbox.push(messages)
        });
    }

    /// Takes over all of others, none of whom is here.
    pub(super) fn take_over(&mut self, others: &mut Self) {
        for reader in others.readers.drain(..) {
            let at = place(&self.readers, &reader.follower.dialect, |reader| reader.follower.dialect);
            self.readers.insert(at, reader);
        }
    }

    pub(super) fn close(&self) {
        for reader in &self.readers {
            reader.follower.outbox.overflow();
        }
    }
}

/// The last snapshot that was sent in each dialect, shared by all who join while nothing has changed since.
#[derive(Default)]
pub(super) struct Snapshots(Vec<(Dialect, u64, Frame)>);

impl Snapshots {
    /// The message of what stands after change `number`.
    pub(super) fn of(&mut self, dialect: Dialect, number: u64, make: impl FnOnce() -> Frame) -> Frame {
        if let Some((.., kept)) = self.0.iter().find(|(of, at, _)| (*of, *at) == (dialect, number)) {
            return kept.clone();
        }
        let made = make();
        self.0.retain(|(of, ..)| *of != dialect);
        self.0.push((dialect, number, made.clone()));
        made
    }
}
