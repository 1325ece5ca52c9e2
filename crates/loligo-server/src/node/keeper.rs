//! Snapshots while the exchange goes on: made by a thread of their own that replays what the log says, so that the writer has
//! nothing to copy and never waits. What snapshots have made dispensable of the journal is pruned by the same thread.

use super::StartError;
use super::handle::Shared;
use super::recovery::{self, Recovered};
use super::retention;
use super::snapshot::{self, Kept};
use loligo_journal::{Log, Snapshots};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

/// Snapshots that the keeper has at once: one being made, and one that was asked for meanwhile.
const IN_HAND: usize = 2;

/// Makes snapshots of records that are in the log, one at a time.
pub(crate) struct Keeper {
    asked: Option<SyncSender<u64>>,
    /// Snapshots that were asked for and are not kept yet.
    in_hand: Arc<AtomicUsize>,
    left_off: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Work {
    store: Box<dyn Snapshots>,
    log: Box<dyn Log>,
    shared: Arc<Shared>,
    left_off: Arc<AtomicBool>,
}

impl Keeper {
    pub(crate) fn start(store: Box<dyn Snapshots>, log: Box<dyn Log>, shared: Arc<Shared>) -> Self {
        let (asked, waiting) = sync_channel::<u64>(IN_HAND);
        let (in_hand, left_off) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let work = Work { store, log, shared, left_off: Arc::clone(&left_off) };
        let done = Arc::clone(&in_hand);
        let thread =
            Builder::new().name("loligo-snapshots".to_owned()).spawn(move || work.run(&waiting, &done));
        if let Err(error) = &thread {
            tracing::warn!(%error, "no thread for snapshots: starts will replay the whole journal");
        }
        Self { asked: Some(asked), in_hand, left_off, thread: thread.ok() }
    }

    /// Asks for a snapshot of a record that is in the log. False when there are too many in hand.
    pub(crate) fn ask(&self, sequence: u64) -> bool {
        let Some(asked) = self.asked.as_ref().filter(|_| self.in_hand.load(Ordering::Acquire) < IN_HAND)
        else {
            return false;
        };
        self.in_hand.fetch_add(1, Ordering::AcqRel);
        let taken = asked.try_send(sequence).is_ok();
        if !taken {
            self.in_hand.fetch_sub(1, Ordering::AcqRel);
        }
        taken
    }
}

impl Drop for Keeper {
    /// Leaves off what is not finished, and waits until it has.
    fn drop(&mut self) {
        self.left_off.store(true, Ordering::Relaxed);
        drop(self.asked.take());
        if let Some(thread) = self.thread.take() {
            // Its panic would have been printed; nothing of the venue depends on it.
            let _ = thread.join();
        }
    }
}

impl Work {
    fn run(&self, waiting: &Receiver<u64>, in_hand: &AtomicUsize) {
        for sequence in waiting {
            let begun = Instant::now();
            match self.make(sequence) {
                Ok(Some(Kept { bytes, prune_before })) => {
                    tracing::debug!(sequence, bytes, took = ?begun.elapsed(), "snapshot kept");
                    // What is left when another snapshot waits goes after that one.
                    let go_on =
                        || in_hand.load(Ordering::Acquire) <= 1 && !self.left_off.load(Ordering::Relaxed);
                    retention::prune(self.store.as_ref(), prune_before, &go_on);
                }
                Ok(None) => {}
                // Without it the next start replays more; nothing is lost.
                Err(error) => tracing::warn!(sequence, %error, "a snapshot could not be kept"),
            }
            in_hand.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// `None` when it was left off.
    fn make(&self, sequence: u64) -> Result<Option<Kept>, StartError> {
        let Self { store, log, shared, left_off } = self;
        let mut notes = Vec::new();
        let made = recovery::restore(store.as_ref(), log.as_ref(), sequence, &mut notes, left_off)?;
        for note in notes {
            tracing::warn!(sequence, note, "while a snapshot was made");
        }
        let Recovered { venue, views, .. } = made;
        if venue.sequence < sequence || left_off.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let followers = views.followers();
        Ok(Some(snapshot::keep(store.as_ref(), &venue, &followers, shared.retention())?))
    }
}
