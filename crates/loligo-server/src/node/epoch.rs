//! What readers hang on: the views of one branch of the journal, and how far they were acknowledged.
//!
//! A node that goes over to another branch builds the next epoch beside this one and puts it in its place. Whoever reads
//! meanwhile ends on the epoch it began on; whoever comes later begins on the next. Sockets of an epoch that is over close.

use crate::projection::Projections;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Views, branch and acknowledged record of a node, replaced together.
pub(crate) struct Epoch {
    views: Projections,
    branch: u64,
    acknowledged: AtomicU64,
    over: watch::Sender<bool>,
}

impl Epoch {
    /// Views that show a branch up to the record they have reached; all of it was acknowledged.
    pub(crate) fn new(views: Projections, branch: u64) -> Self {
        let acknowledged = AtomicU64::new(views.sequence());
        Self { views, branch, acknowledged, over: watch::Sender::new(false) }
    }

    pub(crate) fn views(&self) -> &Projections {
        &self.views
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Everything up to this record is in every view, and whoever waits for it is about to be told.
    pub(crate) fn acknowledge(&self, sequence: u64) {
        self.acknowledged.store(sequence, Ordering::Release);
    }

    /// Another epoch has taken its place: whoever follows this one is told.
    pub(crate) fn end(&self) {
        self.over.send_replace(true);
        self.views.publisher().end();
    }
}

/// The views of one epoch, to be taken once for each answer: all that is read from it is of one branch, though the node goes
/// over to another meanwhile.
#[derive(Clone)]
pub struct Views(Arc<Epoch>);

impl Views {
    pub(crate) fn of(epoch: Arc<Epoch>) -> Self {
        Self(epoch)
    }

    /// The branch of the journal that these views show, from 1.
    #[must_use]
    pub fn branch(&self) -> u64 {
        self.0.branch
    }

    /// The last record of this branch that was acknowledged to anyone.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.0.acknowledged()
    }

    /// Whether the node has gone over to another epoch: what anyone else is asked from now on is of that one.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self.0.over.borrow()
    }

    /// Turns true when the node has gone over to another epoch.
    pub(crate) fn over(&self) -> watch::Receiver<bool> {
        self.0.over.subscribe()
    }
}

impl Deref for Views {
    type Target = Projections;

    fn deref(&self) -> &Projections {
        &self.0.views
    }
}
