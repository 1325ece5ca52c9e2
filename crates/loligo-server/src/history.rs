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

use matching::PAYMENT_WORDS;
pub(crate) use shapes::{cents, digits, millis};
pub(crate) use words::{Coded, PARTIAL_LIQUIDATION, kept};

use crate::projection::{Applied, Detached, Follower, Watch, Watched};
use fold::Fold;
use loligo_engine::{AccountId, Exchange};
use loligo_history::rows::AccountLogEntry;
use loligo_history::{Entry, Index, Keep, Progress, Query};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The name of the index in the data folder.
pub(crate) const FILE: &str = "history.db";
/// Rows that are written at once: beyond that a batch gains nothing.
const ROWS: usize = 4_096;
/// Rows of an account's log that are looked at for the few that are wanted of it: a tenth of a second's work.
const LOOKED_AT: u64 = 100_000;
/// Records that are written at once, when they come to few rows.
const RECORDS: u64 = 65_536;

/// The follower.
pub(crate) struct History {
    path: Option<PathBuf>,
    keep: Keep,
    told: Arc<Watched<AccountId, Arc<LogRow>>>,
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

/// A row of an account's log.
pub(crate) type LogRow = Entry<AccountLogEntry>;

/// Whether a row is of money that came from outside, or went there.
pub(crate) fn is_payment(entry: &AccountLogEntry) -> bool {
    PAYMENT_WORDS.contains(&entry.info.as_str())
}

/// Why an account's log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error(transparent)]
    NoIndex(#[from] NoIndex),
    #[error(transparent)]
    Index(#[from] loligo_history::Error),
}

/// History has nothing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the history index cannot be used")]
pub(crate) struct NoIndex;

impl History {
    /// History of a venue in a folder; in memory, what markets did is kept for an hour.
    pub(crate) fn new(folder: Option<&std::path::Path>, keep: Keep) -> Self {
        Self {
            path: folder.map(|folder| folder.join(FILE)),
            keep,
            told: Arc::default(),
            opened: OnceLock::new(),
        }
    }

    /// The index, to be read from.
    pub(crate) fn index(&self) -> Result<&Index, NoIndex> {
        self.opened().map(|opened| opened.index.as_ref()).ok_or(NoIndex)
    }

    /// Hears of new rows of accounts' logs as they are made: before they can be read from the index.
    pub(crate) fn watch_logs(&self) -> Watch<AccountId, Arc<LogRow>> {
        self.told.watch()
    }

    /// The newest rows of an account's log that are wanted, newest first, of those that are looked at; and the number of the
    /// newest row of all.
    pub(crate) fn latest_log(
        &self,
        account: AccountId,
        count: usize,
        wanted: impl Fn(&AccountLogEntry) -> bool,
    ) -> Result<(Vec<Arc<LogRow>>, u64), LogError> {
        let index = self.index()?;
        let last = Query { count: 1, ..Query::of(account.0) };
        let last = index.account_log(&last, (1, u64::MAX), |_| true)?;
        let newest = last.rows.first().map_or(0, |entry| entry.row.number);
        let query = Query { count: u32::try_from(count).unwrap_or(u32::MAX), ..Query::of(account.0) };
        let numbers = (newest.saturating_sub(LOOKED_AT).max(1), newest);
        let rows = index.account_log(&query, numbers, wanted)?;
        Ok((rows.rows.into_iter().map(Arc::new).collect(), newest))
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
        let fold = Fold::open(Arc::clone(&index), Arc::clone(&self.told))?;
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
