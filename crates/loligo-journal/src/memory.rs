//! A journal that lives as long as its owner: for venues that keep nothing, and for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::branches::{Branch, FIRST_BRANCH, Segment, history, shared};
use crate::error::{AppendError, JournalError};
use crate::journal::{Journal, Log, Newest, Reader, SnapshotInfo, Snapshots, Urgency};
use crate::records::{Batch, MAX_BATCH_BYTES, Records};

/// A [`Journal`] in memory. Its contents are gone when all its appenders and readers are dropped.
#[derive(Debug)]
pub struct MemoryJournal {
    shared: Arc<Mutex<Shared>>,
    /// The branch that this appender writes.
    branch: u64,
}

#[derive(Debug)]
struct Shared {
    branches: Vec<Branch>,
    /// Per branch in order of `branches`: its batches in order.
    rows: Vec<VecDeque<Batch>>,
    /// Bytes of all batches, and how many of them are kept.
    bytes: usize,
    bound: usize,
    snapshots: Vec<(SnapshotInfo, Arc<[u8]>)>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryJournal {
    /// An empty journal on its first branch that keeps every record.
    pub fn new() -> Self {
        Self::keeping(usize::MAX)
    }

    /// An empty journal on its first branch that keeps so many bytes of records, and always its newest batch. What is
    /// older is forgotten: who reads on from there is told [`JournalError::Pruned`].
    pub fn keeping(bound: usize) -> Self {
        let root = Branch { id: FIRST_BRANCH, parent: 0, fork: 0 };
        let rows = vec![VecDeque::new()];
        let shared = Shared { branches: vec![root], rows, bytes: 0, bound, snapshots: Vec::new() };
        Self { shared: Arc::new(Mutex::new(shared)), branch: FIRST_BRANCH }
    }

    /// Another appender to the same log, on the branch that is newest now.
    #[must_use]
    pub fn another_appender(&self) -> Self {
        let branch = lock(&self.shared).newest();
        Self { shared: Arc::clone(&self.shared), branch }
    }
}

/// No method leaves the shared part half changed, so a panic elsewhere does not spoil it.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn history(&self, branch: u64) -> Vec<Segment> {
        history(&self.branches, branch).unwrap_or_default()
    }

    /// Branch numbers are given out in order from the first.
    fn rows(&self, branch: u64) -> Option<&VecDeque<Batch>> {
        self.rows.get((branch - FIRST_BRANCH) as usize)
    }

    /// The branch that counts.
    fn newest(&self) -> u64 {
        FIRST_BRANCH + self.rows.len() as u64 - 1
    }

    fn last(&self, branch: u64) -> u64 {
        let fork = self.branches.iter().find(|b| b.id == branch).map_or(0, |b| b.fork);
        self.rows(branch).and_then(VecDeque::back).map_or(fork, Batch::last)
    }

    /// Keeps a batch of a branch, and forgets the oldest ones that are too many: first those of older branches.
    fn keep(&mut self, branch: u64, batch: Batch) {
        self.bytes += batch.byte_len();
        let newest = (branch - FIRST_BRANCH) as usize;
        self.rows[newest].push_back(batch);
        for (at, rows) in self.rows.iter_mut().enumerate() {
            while self.bytes > self.bound && rows.len() > usize::from(at == newest) {
                let forgotten = rows.pop_front().map_or(0, |batch| batch.byte_len());
                self.bytes -= forgotten;
            }
        }
    }

    /// The record from which on the history of `branch` can be read without a gap.
    fn kept_from(&self, branch: u64) -> u64 {
        let (mut kept, mut next) = (1, 1);
        for segment in self.history(branch) {
            for row in self.rows(segment.branch).into_iter().flatten().filter(|row| row.first() <= segment.to)
            {
                if row.first() > next {
                    kept = row.first();
                }
                next = row.last().min(segment.to) + 1;
            }
        }
        kept
    }

    /// The batch that holds a record of the history of `branch`, or else the first one after it.
    fn row_from(&self, branch: u64, sequence: u64) -> Option<&Batch> {
        let segment = self.history(branch).into_iter().find(|s| (s.from..=s.to).contains(&sequence))?;
        let rows = self.rows(segment.branch)?;
        rows.get(rows.partition_point(|row| row.last() < sequence))
    }

    fn on_history(&self, branch: u64, info: &SnapshotInfo) -> bool {
        info.sequence == 0
            || self
                .history(branch)
                .iter()
                .any(|s| s.branch == info.branch && (s.from..=s.to).contains(&info.sequence))
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, time_us: i64, records: &Records, _: Urgency) -> Result<u64, AppendError> {
        if records.is_empty() {
            return Err(AppendError::Empty);
        }
        if records.byte_len() > MAX_BATCH_BYTES {
            return Err(AppendError::TooLarge { bytes: records.byte_len(), bound: MAX_BATCH_BYTES });
        }
        let mut shared = lock(&self.shared);
        let branch = shared.newest();
        if branch != self.branch {
            self.branch = branch;
            return Err(AppendError::Moved { branch });
        }
        let first = shared.last(branch) + 1;
        let count = records.len() as u64;
        // Framed by `Records` itself, so it is always well framed.
        let batch = Batch::from_framed(first, time_us, count, records.framed().to_vec())
            .ok_or(AppendError::TooLarge { bytes: records.byte_len(), bound: MAX_BATCH_BYTES })?;
        shared.keep(branch, batch);
        Ok(first)
    }

    fn branch(&self) -> u64 {
        self.branch
    }

    fn last_sequence(&self) -> u64 {
        lock(&self.shared).last(self.branch)
    }

    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        let end = self.last_sequence() + 1;
        if from == 0 || from > end {
            return Err(JournalError::NoSuchPlace { asked: from, purpose: "read from", last: end });
        }
        Ok(Box::new(MemoryReader { shared: Arc::clone(&self.shared), branch: self.branch, next: from }))
    }

    fn kept_from(&self) -> Result<u64, JournalError> {
        Ok(lock(&self.shared).kept_from(self.branch))
    }

    fn log(&self) -> Box<dyn Log> {
        Box::new(MemoryLog { shared: Arc::clone(&self.shared), branch: self.branch })
    }

    fn snapshots(&self) -> Box<dyn Snapshots> {
        Box::new(MemorySnapshots { shared: Arc::clone(&self.shared), branch: self.branch })
    }

    fn branch_before(&mut self, sequence: u64) -> Result<u64, JournalError> {
        let mut shared = lock(&self.shared);
        let end = shared.last(self.branch) + 1;
        if sequence == 0 || sequence > end {
            return Err(JournalError::NoSuchPlace { asked: sequence, purpose: "branch before", last: end });
        }
        let fork = sequence - 1;
        let is_there = |row: &Batch| row.first() <= fork;
        if fork > 0 && !shared.row_from(self.branch, fork).is_some_and(is_there) {
            let kept = shared.kept_from(self.branch) + 1;
            return Err(JournalError::Pruned { asked: sequence, purpose: "branch before", kept });
        }
        let id = shared.newest() + 1;
        shared.branches.push(Branch { id, parent: self.branch, fork });
        shared.rows.push(VecDeque::new());
        self.branch = id;
        Ok(id)
    }
}

#[derive(Debug)]
struct MemoryLog {
    shared: Arc<Mutex<Shared>>,
    branch: u64,
}

impl Log for MemoryLog {
    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        Ok(Box::new(MemoryReader { shared: Arc::clone(&self.shared), branch: self.branch, next: from }))
    }

    fn branch(&self) -> u64 {
        self.branch
    }

    fn kept_from(&self) -> Result<u64, JournalError> {
        Ok(lock(&self.shared).kept_from(self.branch))
    }

    fn shared_with(&self, branch: u64) -> Result<u64, JournalError> {
        Ok(shared(&lock(&self.shared).branches, self.branch, branch))
    }
}

#[derive(Debug)]
struct MemoryReader {
    shared: Arc<Mutex<Shared>>,
    branch: u64,
    next: u64,
}

impl Reader for MemoryReader {
    fn next_batch(&mut self) -> Result<Option<Batch>, JournalError> {
        let shared = lock(&self.shared);
        let segment = shared.history(self.branch).into_iter().find(|s| (s.from..=s.to).contains(&self.next));
        let Some(segment) = segment else { return Ok(None) };
        let Some(rows) = shared.rows(segment.branch) else { return Ok(None) };
        let index = rows.partition_point(|row| row.last() < self.next);
        let row = match rows.get(index) {
            Some(row) if row.first() <= self.next => row,
            None if segment.to == u64::MAX => return Ok(None),
            _ => {
                let kept = shared.kept_from(self.branch);
                return Err(JournalError::Pruned { asked: self.next, purpose: "read from", kept });
            }
        };
        let batch = row.clone().clip(self.next, segment.to);
        self.next = batch.last() + 1;
        Ok(Some(batch))
    }
}

#[derive(Debug)]
struct MemorySnapshots {
    shared: Arc<Mutex<Shared>>,
    branch: u64,
}

impl MemorySnapshots {
    fn list_of(&self, shared: &Shared) -> Vec<SnapshotInfo> {
        let all = shared.snapshots.iter().map(|(info, _)| info);
        all.filter(|info| shared.on_history(self.branch, info)).cloned().collect()
    }
}

impl Snapshots for MemorySnapshots {
    fn put(&self, sequence: u64, body: &[u8]) -> Result<(), JournalError> {
        let mut shared = lock(&self.shared);
        let last = shared.last(self.branch);
        if sequence > last {
            return Err(JournalError::NoSuchPlace { asked: sequence, purpose: "keep a snapshot of", last });
        }
        let branch = shared
            .history(self.branch)
            .iter()
            .find(|s| (s.from..=s.to).contains(&sequence))
            .map_or(FIRST_BRANCH, |s| s.branch);
        let info = SnapshotInfo { branch, sequence, bytes: body.len() as u64 };
        shared.snapshots.retain(|(old, _)| (old.branch, old.sequence) != (branch, sequence));
        shared.snapshots.push((info, body.into()));
        shared.snapshots.sort_by_key(|(info, _)| (info.sequence, info.branch));
        Ok(())
    }

    fn list(&self) -> Result<Vec<SnapshotInfo>, JournalError> {
        Ok(self.list_of(&lock(&self.shared)))
    }

    fn newest(&self, sequence: u64) -> Result<Newest, JournalError> {
        let shared = lock(&self.shared);
        let newest = shared
            .snapshots
            .iter()
            .rev()
            .find(|(info, _)| info.sequence <= sequence && shared.on_history(self.branch, info));
        let found = newest.map(|(info, body)| (info.clone(), body.to_vec()));
        Ok(Newest { found, passed_over: Vec::new() })
    }

    fn time_us(&self, info: &SnapshotInfo) -> Result<Option<i64>, JournalError> {
        let shared = lock(&self.shared);
        let row = shared.row_from(self.branch, info.sequence).filter(|row| row.first() <= info.sequence);
        Ok(row.map(Batch::time_us))
    }

    fn prune(&self, before: u64, _: &dyn Fn() -> bool) -> Result<u64, JournalError> {
        let mut shared = lock(&self.shared);
        let kept: Vec<u64> = self.list_of(&shared).iter().map(|info| info.sequence).collect();
        let before = before.min(kept.last().copied().unwrap_or(0));
        let forks: Vec<u64> = shared.branches.iter().map(|branch| branch.fork).collect();
        let mut removed = 0;
        for segment in shared.history(self.branch) {
            let Some(rows) = shared.rows.get_mut((segment.branch - FIRST_BRANCH) as usize) else { continue };
            let stays = |row: &Batch| {
                let holds = |place: &u64| (row.first()..=row.last()).contains(place);
                row.last() >= before || holds(&1) || kept.iter().chain(&forks).any(holds)
            };
            let mut bytes = 0;
            rows.retain(|row| {
                let stays = stays(row);
                if !stays {
                    bytes += row.byte_len();
                    removed += row.len() as u64;
                }
                stays
            });
            shared.bytes -= bytes;
        }
        Ok(removed)
    }

    fn remove(&self, info: &SnapshotInfo) -> Result<(), JournalError> {
        let mut shared = lock(&self.shared);
        shared.snapshots.retain(|(old, _)| (old.branch, old.sequence) != (info.branch, info.sequence));
        Ok(())
    }
}
