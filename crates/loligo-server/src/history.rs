//! The follower behind history: makes rows of the index from events, in no dialect's words.
//!
//! It is detached: the exchange never waits for it. What it folds it gathers, and writes when the records at hand are folded,
//! or when there is much of it; how far it is, the index says by itself, so a start goes on from there.

mod fold;
mod matching;
mod shapes;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use words::{Coded, PARTIAL_LIQUIDATION, kept};

use crate::projection::{Applied, Detached, Follower};
use fold::Fold;
use loligo_engine::Exchange;
use loligo_history::{Index, Keep, Progress};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The name of the index in the data folder.
pub(crate) const FILE: &str = "history.db";
/// Rows that are written at once: beyond that a batch gains nothing.
const ROWS: usize = 4_096;
/// Records that are written at once, when they come to few rows.
const RECORDS: u64 = 65_536;

/// The follower.
pub(crate) struct History {
    path: Option<PathBuf>,
    keep: Keep,
    /// Opened when the node holds its folder: nobody else may change what is in it.
    opened: OnceLock<Option<Opened>>,
}

struct Opened {
    index: Arc<Index>,
    /// What is folded and not written yet; `None` when writing has failed, and nothing more is folded.
    fold: Mutex<Option<Box<Fold>>>,
    /// How far the index is. Who asks for that does not wait for a write under way, which may itself wait for a tool that holds the
    /// file.
    written: Mutex<Progress>,
}

/// History has nothing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the history index cannot be used")]
pub(crate) struct NoIndex;

impl History {
    /// History of a venue in a folder; in memory, what markets did is kept for an hour.
    pub(crate) fn new(folder: Option<&std::path::Path>, keep: Keep) -> Self {
        Self { path: folder.map(|folder| folder.join(FILE)), keep, opened: OnceLock::new() }
    }

    /// The index, to be read from.
    pub(crate) fn index(&self) -> Result<&Index, NoIndex> {
        self.opened().map(|opened| opened.index.as_ref()).ok_or(NoIndex)
    }

    /// The last record that is told, and the first from which on all are.
    pub(crate) fn extent(&self) -> (u64, u64) {
        let at = self.written();
        (at.folded.min(at.sequence), at.speaks_from)
    }

    fn opened(&self) -> Option<&Opened> {
        let open = || self.open().map_err(|error| tracing::error!(%error, "there will be no history")).ok();
        self.opened.get_or_init(open).as_ref()
    }

    fn open(&self) -> Result<Opened, loligo_history::Error> {
        let mut key = [0; 32];
        // Tokens that can be made up harm nobody: they ask for pages that anyone may ask for.
        let _ = aws_lc_rs::rand::fill(&mut key);
        let index = match &self.path {
            Some(path) => {
                let (index, why) = Index::open(path, key, self.keep)?;
                if let Some(why) = why {
                    tracing::warn!(why, "the history index is made anew");
                }
                index
            }
            None => Index::in_memory(key, Keep::an_hour())?,
        };
        words::name_all(&index)?;
        let index = Arc::new(index);
        let fold = Fold::open(Arc::clone(&index))?;
        let written = Mutex::new(fold.written());
        Ok(Opened { index, fold: Mutex::new(Some(Box::new(fold))), written })
    }

    /// Does something with what is folded. After a failure nothing is folded any more: a line says so once, reads are told that
    /// history is behind, and the next start goes on from what was written.
    fn with(&self, act: impl FnOnce(&mut Fold) -> Result<(), loligo_history::Error>) {
        let Some(opened) = self.opened() else { return };
        let mut folding = lock(&opened.fold);
        let Some(fold) = folding.as_mut() else { return };
        let acted = act(fold);
        *lock(&opened.written) = fold.written();
        if let Err(error) = acted {
            tracing::error!(%error, at = fold.written().sequence, "history stands still until the next start");
            *folding = None;
        }
    }

    fn written(&self) -> Progress {
        self.opened().map_or(Progress::default(), |opened| *lock(&opened.written))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl History {
    /// Its name among followers.
    pub(crate) const NAME: &str = "history";
}

impl Follower for History {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn sequence(&self) -> u64 {
        // After a revert this is less than the last record whose rows are there.
        let Progress { folded, .. } = self.written();
        folded
    }

    fn fold(&self, applied: Applied<'_>) {
        self.with(|fold| {
            fold.record(applied)?;
            if fold.rows() >= ROWS || applied.sequence - fold.written().folded >= RECORDS {
                fold.write()?;
            }
            Ok(())
        });
    }
}

impl Detached for History {
    fn begin(&self, sequence: u64, exchange: &Exchange) {
        self.with(|fold| fold.begin(sequence, exchange));
    }

    fn flush(&self) {
        self.with(Fold::write);
    }

    fn branch(&self) -> u64 {
        self.written().branch
    }

    fn revert(&self, branch: u64, to: u64) {
        self.with(|fold| fold.revert(branch, to));
    }
}
