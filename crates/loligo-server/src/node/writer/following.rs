//! The log leads, the writer follows: what others have put into it, and the branch it goes on on.

use super::Writer;
use crate::node::epoch::Epoch;
use crate::node::handle::{MAX_BATCH_RECORDS, Submission};
use crate::node::keeper::Keeper;
use crate::node::recovery::{Recovered, restore_newest};
use crate::node::replay::{apply_next, decode_all};
use crate::node::venue::Venue;
use crate::node::{NodeEnd, StartError};
use crate::projection::{CommitChanges, Happened};
use crate::record::{Body, KeyId};
use loligo_engine::Command;
use std::sync::Arc;
use tokio::sync::oneshot;

impl Writer {
    /// Applies and publishes what the log has up to a record and this writer did not put there.
    pub(super) fn follow_log(&mut self, to: u64) -> Result<(), NodeEnd> {
        if self.venue.sequence >= to {
            return Ok(());
        }
        let from = self.venue.sequence + 1;
        let mut reader = self.journal.reader(from).map_err(StartError::from)?;
        while self.venue.sequence < to {
            let batch = reader.next_batch().map_err(StartError::from)?;
            let batch = batch.ok_or(StartError::Gap { expected: self.venue.sequence + 1, found: to })?;
            for (sequence, record) in decode_all(&batch)?.into_iter().filter(|(sequence, _)| *sequence <= to)
            {
                let at = self.happened.len();
                apply_next(&mut self.venue, sequence, &record, &mut self.happened)?;
                self.publish(at);
                if let Body::Fact(fact) = &record.body {
                    self.fact_changed(fact);
                }
            }
            self.announce()?;
        }
        Ok(())
    }

    /// Takes up what the log says from scratch, beside the state and the views that there are, and puts it in their place: the
    /// log has gone to another branch, or this writer is ahead of it in another order.
    ///
    /// Readers end on the epoch they began on. Nonces that were spent on the branch that is left are spent on this one, too.
    pub(super) fn change_epoch(&mut self) -> Result<(), NodeEnd> {
        let mut notes = Vec::new();
        let Recovered { venue, views, from } = restore_newest(self.journal.as_ref(), &mut notes)?;
        for note in notes {
            tracing::warn!(note, "while the log was taken up anew");
        }
        let left = std::mem::replace(&mut self.venue, venue);
        let epoch = Arc::new(Epoch::new(views, self.journal.branch()));
        let old = std::mem::replace(&mut self.epoch, Arc::clone(&epoch));
        self.publish_directory()?;
        self.shared.epoch.store(epoch);
        old.end();
        tracing::warn!(
            branch = self.journal.branch(),
            sequence = self.venue.sequence,
            "the log is taken up anew; connections that follow anything are closed"
        );

        // Its snapshots would be of the branch that is left.
        self.keeper = Keeper::start(self.journal.snapshots(), self.journal.log(), Arc::clone(&self.shared));
        self.snapshot_at = from;
        self.listing = self.venue.next_listing();
        self.begin_seconds();
        (self.happened, self.commit) = (Happened::default(), CommitChanges::default());
        self.hand_overs.iter().for_each(|one| one.turn(self.journal.as_ref(), self.venue.sequence));
        self.end_moves();
        self.keep_spent(&left)
    }

    /// Remembers nonces that a venue knows and this one does not: each as a moment in which nothing happens.
    fn keep_spent(&mut self, left: &Venue) -> Result<(), NodeEnd> {
        let registry = &self.venue.registry;
        let unknown_yet = |(key, nonce): &(KeyId, u64)| registry.is_spent(*key, *nonce) == Some(false);
        let spent: Vec<_> = left.registry.nonces().into_iter().filter(unknown_yet).collect();
        for spent in spent.chunks(MAX_BATCH_RECORDS) {
            let moment = |nonce: &(KeyId, u64)| Submission { command: Command::Advance, nonce: Some(*nonce) };
            let submissions = spent.iter().map(moment).collect();
            // Nobody waits for it.
            let (reply, _) = oneshot::channel();
            self.commit_one(self.time(), vec![super::Item::Commands { submissions, reply }])?;
        }
        Ok(())
    }
}

impl From<StartError> for NodeEnd {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Poisoned { sequence, message, .. } => NodeEnd::Poisoned { sequence, message },
            error => {
                tracing::error!(%error, "the log cannot be followed; the node stops");
                NodeEnd::JournalFailed { reason: error.to_string() }
            }
        }
    }
}
