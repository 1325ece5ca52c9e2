//! Pruning: removing rows that nobody needs any more, beside the appender and in small steps.
//!
//! A step is one transaction: rows go, and the cut that stands for them comes or grows. Nothing syncs it: the next commit's
//! sync does, and until then a power cut puts the rows back. Their pages are used again by what is appended later, so the
//! database stops growing.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::params;

use crate::branches::{Segment, history};
use crate::error::JournalError;
use crate::sqlite::chain::Hash;
use crate::sqlite::cuts::Cut;
use crate::sqlite::paths::{Paths, remove_if_there, sync_dir};
use crate::sqlite::reader::{Checked, Walk};
use crate::sqlite::snapshots;
use crate::sqlite::store::{Access, Store, sqlite_error};

/// Rows and bytes of one step: what an append may have to wait for, about half a millisecond.
const STEP_ROWS: usize = 64;
const STEP_BYTES: usize = 256 * 1024;
/// The least time between two steps, so that appends find the way free more often than not.
const REST: Duration = Duration::from_millis(1);
/// How often a log that is too full for steps is looked at again.
const FULL_LOG_REST: Duration = Duration::from_millis(10);
/// Frames of the log (8 MiB) beyond which steps wait until a checkpoint has emptied it.
const LOG_FRAMES: u32 = 2_048;

/// What the appender and whoever prunes beside it share: one of them writes at a time.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    disk: Mutex<Disk>,
    /// Frames in the write-ahead log after the last commit of either.
    pub(crate) frames: AtomicU32,
}

#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Whether the reserve was given up to an urgent batch on a full disk. What it left is for such batches alone.
    pub(crate) reserve_given_up: bool,
}

impl Shared {
    /// The right to write, until it is dropped.
    pub(crate) fn write(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the records before `before` from the history of `branch`, and what other branches left behind there. Returns how
/// many.
pub(crate) fn prune(
    paths: &Paths,
    shared: &Arc<Shared>,
    branch: u64,
    before: u64,
    go_on: &dyn Fn() -> bool,
) -> Result<u64, JournalError> {
    let mut store = Store::open(paths, Access::Write)?;
    let seen = Arc::clone(shared);
    store
        .connection
        .execute_batch("PRAGMA synchronous = NORMAL")
        .and_then(|()| {
            store.connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                seen.frames.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
                Ok(())
            }))
        })
        .map_err(|error| sqlite_error("prune", &paths.db, "its settings", error))?;
    if !store.form().has_cuts() {
        // It crosses over with the first record that is written.
        return Ok(0);
    }
    let headers = snapshots::headers_of(paths, &store.branches, branch)?;
    // A start walks from the newest snapshot: nothing after that is ever removed.
    let Some(newest) = headers.last() else { return Ok(0) };
    let before = before.min(newest.info.sequence);
    let segments = history(&store.branches, branch).unwrap_or_default();
    let mut kept: BTreeSet<(u64, u64)> =
        headers.iter().map(|header| (header.info.branch, header.info.sequence)).collect();
    kept.extend(segments.first().map(|first| (first.branch, 1)));
    for parted in store.branches.iter().filter(|parted| parted.fork > 0) {
        let parent = history(&store.branches, parted.parent).unwrap_or_default();
        kept.extend(holder(&parent, parted.fork).map(|branch| (branch, parted.fork)));
    }
    let mut pruner = Pruner { store: &store, shared, kept, removed: 0 };
    for parted in &store.branches {
        let limit = if leaves(&store, &segments, parted.id) < before { u64::MAX } else { before };
        if !pruner.prune_branch(parted.id, limit, go_on)? {
            break;
        }
    }
    let removed = pruner.removed;
    remove_left_snapshots(&store, paths, &segments)?;
    Ok(removed)
}

/// The branch whose rows hold a record of this history.
fn holder(segments: &[Segment], sequence: u64) -> Option<u64> {
    segments.iter().find(|s| (s.from..=s.to).contains(&sequence)).map(|segment| segment.branch)
}

/// The last record that the history of `branch` shares with `segments`.
fn leaves(store: &Store, segments: &[Segment], branch: u64) -> u64 {
    let own = history(&store.branches, branch).unwrap_or_default();
    let shared = own.iter().filter_map(|own| {
        let theirs = segments.iter().find(|theirs| theirs.branch == own.branch)?;
        Some(own.to.min(theirs.to))
    });
    shared.max().unwrap_or(0)
}

/// Snapshots of records that no history has any more.
fn remove_left_snapshots(store: &Store, paths: &Paths, segments: &[Segment]) -> Result<(), JournalError> {
    let mut removed = false;
    for header in snapshots::headers(paths)? {
        let info = &header.info;
        if !snapshots::lies_on(segments, info) && store.cut_at(info.branch, info.sequence)?.is_some() {
            removed |= remove_if_there(&snapshots::path_of(paths, info))?;
        }
    }
    if removed { sync_dir(&paths.snapshots) } else { Ok(()) }
}

struct Pruner<'a> {
    store: &'a Store,
    shared: &'a Shared,
    /// Records (branch, sequence) whose rows stay.
    kept: BTreeSet<(u64, u64)>,
    removed: u64,
}

impl Pruner<'_> {
    /// Removes the rows of `branch` that end before `limit`, sound ones only: what is damaged stays for people to look at.
    /// False when it was told to stop, or has to.
    fn prune_branch(
        &mut self,
        branch: u64,
        limit: u64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, JournalError> {
        let mut walk = Walk::of_branch_alone(self.store, branch)?;
        loop {
            let rows = walk.fetch(self.store)?;
            if rows.is_empty() {
                return Ok(true);
            }
            let past = rows.iter().any(|row| row.batch.last() >= limit);
            for step in self.steps(branch, limit, rows) {
                let begun = Instant::now();
                if !go_on() || !self.remove(&step)? {
                    return Ok(false);
                }
                self.removed += step.last - step.first + 1;
                std::thread::sleep(begun.elapsed().max(REST));
                while self.shared.frames.load(Ordering::Relaxed) >= LOG_FRAMES {
                    if !go_on() {
                        return Ok(false);
                    }
                    std::thread::sleep(FULL_LOG_REST);
                }
            }
            if past {
                return Ok(true);
            }
        }
    }

    /// The rows that may go, in runs of bounded size without a gap.
    fn steps(&self, branch: u64, limit: u64, rows: VecDeque<Checked>) -> Vec<Cut> {
        let mut steps: Vec<Cut> = Vec::new();
        let (mut count, mut bytes) = (0, 0);
        for Checked { batch, hash, .. } in rows {
            let (first, last) = (batch.first(), batch.last());
            if last >= limit {
                break;
            }
            if self.kept.range((branch, first)..=(branch, last)).next().is_some() {
                continue;
            }
            (count, bytes) = (count + 1, bytes + batch.byte_len());
            match steps.last_mut() {
                Some(step) if step.last + 1 == first && count <= STEP_ROWS && bytes <= STEP_BYTES => {
                    (step.last, step.hash) = (last, hash);
                }
                _ => {
                    (count, bytes) = (1, batch.byte_len());
                    steps.push(Cut { branch, first, last, hash });
                }
            }
        }
        steps
    }

    /// One step. False when it must not be: a branch was begun meanwhile, which may stand on these rows, or the disk is
    /// full, and what is left of it is for others.
    fn remove(&self, step: &Cut) -> Result<bool, JournalError> {
        let disk = self.shared.write();
        if disk.reserve_given_up {
            return Ok(false);
        }
        let trouble = |error| sqlite_error("prune", self.store.path(), "its rows", error);
        let begin = self.store.connection.unchecked_transaction().map_err(trouble)?;
        let newest: i64 =
            begin.query_row("SELECT max(id) FROM branch", [], |row| row.get(0)).map_err(trouble)?;
        if newest.cast_unsigned() != self.store.current_branch() {
            return Ok(false);
        }
        let joined =
            |at: Option<Cut>, end: u64| at.filter(|cut| cut.last == end).map_or(step.first, |cut| cut.first);
        let first = joined(self.store.cut_at_or_before(step.branch, step.first - 1)?, step.first - 1);
        let following = self.store.cut_at_or_before(step.branch, step.last + 1)?;
        let (last, hash): (u64, Hash) = match following.filter(|cut| cut.first == step.last + 1) {
            Some(following) => (following.last, following.hash),
            None => (step.last, step.hash),
        };
        let numbers = [step.branch, first, step.first, step.last, last].map(u64::cast_signed);
        let [branch, from, removed_from, removed_to, last] = numbers;
        begin
            .execute(
                "DELETE FROM batch WHERE place BETWEEN (?1 << 42) + ?2 AND (?1 << 42) + ?3",
                [branch, removed_from, removed_to],
            )
            .and_then(|_| {
                begin.execute(
                    "DELETE FROM cut WHERE place BETWEEN (?1 << 42) + ?2 AND (?1 << 42) + ?3",
                    [branch, from, removed_to + 1],
                )
            })
            .and_then(|_| {
                begin.execute(
                    "INSERT INTO cut VALUES ((?1 << 42) + ?2, ?3, ?4)",
                    params![branch, from, last, hash],
                )
            })
            .and_then(|_| begin.commit())
            .map_err(trouble)?;
        drop(disk);
        Ok(true)
    }
}
