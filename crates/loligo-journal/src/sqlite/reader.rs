//! Reading a history row by row, each checked against the row before it.

use std::collections::VecDeque;

use crate::branches::{Segment, history, shared};
use crate::error::JournalError;
use crate::journal::{Log, Reader};
use crate::records::Batch;
use crate::sqlite::chain::Hash;
use crate::sqlite::paths::Paths;
use crate::sqlite::store::{Access, Row, Store};

/// Rows fetched at a time, and the bytes after which a fetch stops early: enough that finding the place again costs
/// little, and no read transaction stays open between two fetches, for that would hold up the checkpoints.
const FETCH_ROWS: usize = 256;
const FETCH_BYTES: usize = 1024 * 1024;

/// A [`Log`] whose readers have connections of their own.
#[derive(Debug)]
pub(crate) struct SqliteLog {
    pub(crate) paths: Paths,
    pub(crate) branch: u64,
}

impl Log for SqliteLog {
    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        Ok(Box::new(SqliteReader::open(&self.paths, Access::Read, self.branch, from)?))
    }

    fn branch(&self) -> u64 {
        self.branch
    }

    fn kept_from(&self) -> Result<u64, JournalError> {
        Store::open(&self.paths, Access::Read)?.kept_from(self.branch)
    }

    fn shared_with(&self, branch: u64) -> Result<u64, JournalError> {
        Ok(shared(&Store::open(&self.paths, Access::Read)?.branches, self.branch, branch))
    }
}

/// A [`Reader`] with a connection of its own.
#[derive(Debug)]
pub(crate) struct SqliteReader {
    branch: u64,
    walk: Walk,
    store: Store,
    next: u64,
    fetched: VecDeque<Checked>,
}

/// A row whose hash and frames are right.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) batch: Batch,
    segment: Segment,
    pub(crate) hash: Hash,
}

impl SqliteReader {
    pub(crate) fn open(paths: &Paths, access: Access, branch: u64, from: u64) -> Result<Self, JournalError> {
        let store = Store::open(paths, access)?;
        let walk = Walk::new(&store, branch, from)?;
        let reader = Self { branch, walk, store, next: from, fetched: VecDeque::new() };
        if let Some(Segment { branch, .. }) = reader.walk.segments.front()
            && reader.store.cut_at(*branch, from)?.is_some()
        {
            return Err(reader.pruned()?);
        }
        Ok(reader)
    }

    /// Says that the next record is not there any more.
    fn pruned(&self) -> Result<JournalError, JournalError> {
        let kept = self.store.kept_from(self.branch)?;
        Ok(JournalError::Pruned { asked: self.next, purpose: "read from", kept })
    }
}

impl Reader for SqliteReader {
    fn next_batch(&mut self) -> Result<Option<Batch>, JournalError> {
        if self.fetched.is_empty() {
            self.fetched = self.walk.fetch(&self.store)?;
        }
        if self.fetched.front().is_some_and(|row| row.batch.first() > self.next) {
            return Err(self.pruned()?);
        }
        let Some(Checked { batch, segment, .. }) = self.fetched.pop_front() else { return Ok(None) };
        let batch = batch.clip(self.next, segment.to);
        self.next = batch.last() + 1;
        Ok(Some(batch))
    }
}

/// A place among the rows of a history, and the hash that the next row must be chained to.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Segments not yet left behind, the current one first.
    segments: VecDeque<Segment>,
    /// First record of the next row.
    next: u64,
    before: Hash,
    /// Cuts that it came over.
    cuts: u64,
    /// Whether it stands right behind one.
    behind_cut: bool,
}

impl Walk {
    /// Stands at the row that holds the record `from` in the history of `branch`, or at its end.
    pub(crate) fn new(store: &Store, branch: u64, from: u64) -> Result<Self, JournalError> {
        let Some(segments) = history(&store.branches, branch) else {
            return Err(
                store.damaged(format!("branch {branch}"), "its parents do not lead to the first branch")
            );
        };
        let segments: VecDeque<_> = segments.into_iter().filter(|segment| segment.to >= from).collect();
        let Some(&Segment { branch, from: start, .. }) = segments.front() else {
            return Err(store.damaged(format!("branch {branch}"), "it has no place for records"));
        };
        let holder = store.row_at_or_before(branch, from)?;
        let next = holder.filter(|row| row.last() >= from).map_or(from, |row| row.first).max(start);
        let before = store.hash_before(branch, next)?;
        Ok(Self { segments, next, before, cuts: 0, behind_cut: false })
    }

    /// How many cuts it came over.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts
    }

    /// Whether no row has come since the last of them.
    pub(crate) fn is_behind_cut(&self) -> bool {
        self.behind_cut
    }

    /// One more than the last record of the history that was walked over.
    pub(crate) fn next(&self) -> u64 {
        // The last row of a parent may reach beyond the fork; what lies there is not of this history.
        let end = self.segments.front().map_or(u64::MAX, |segment| segment.to);
        self.next.min(end.saturating_add(1))
    }

    /// The hash of the last row that was walked over, or what the next row must be chained to.
    pub(crate) fn before(&self) -> &Hash {
        &self.before
    }

    /// The next rows, checked; none at the end of the history. Rows before the first bad one are still returned,
    /// and the next call tells of the bad one.
    pub(crate) fn fetch(&mut self, store: &Store) -> Result<VecDeque<Checked>, JournalError> {
        let mut checked = VecDeque::new();
        while let Some(&segment) = self.segments.front() {
            if self.next > segment.to {
                self.segments.pop_front();
                // The next branch starts its own chain, bound to the row it left by its root.
                if let Some(segment) = self.segments.front() {
                    self.next = segment.from;
                    self.before = store.root_hash(segment.branch)?;
                }
                continue;
            }
            let mut rows = store.rows_from(segment.branch, self.next, FETCH_ROWS, FETCH_BYTES)?;
            if rows.first().is_none_or(|row| row.first != self.next)
                && let Some(cut) = store.cut_at(segment.branch, self.next)?
            {
                if segment.to != u64::MAX && cut.last >= segment.to {
                    let what = "a branch starts after it, but it was cut out";
                    return Err(store.damaged_record(segment.branch, segment.to, what));
                }
                (self.next, self.before) = (cut.last + 1, cut.hash);
                (self.cuts, self.behind_cut) = (self.cuts + 1, true);
                continue;
            }
            if rows.is_empty() {
                // The end as the other end of the index has it: a broken key in between hides rows from one side.
                // It is asked first, so that what the writer appends meanwhile is not taken for missing.
                let last = store.last_of(segment.branch)?.min(segment.to);
                rows = store.rows_from(segment.branch, self.next, FETCH_ROWS, FETCH_BYTES)?;
                if rows.is_empty() && (last >= self.next || segment.to != u64::MAX) {
                    return Err(store.damaged_record(segment.branch, self.next, "it is missing"));
                }
            }
            for row in rows {
                if self.next > segment.to {
                    break;
                }
                match self.check(store, segment, row) {
                    Ok(row) => checked.push_back(row),
                    Err(_) if !checked.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            break;
        }
        Ok(checked)
    }

    /// Stands before the first row of `branch` alone, its parents left out.
    pub(crate) fn of_branch_alone(store: &Store, branch: u64) -> Result<Self, JournalError> {
        let from = store.branch(branch).map_or(0, |branch| branch.fork) + 1;
        let before = store.root_hash(branch)?;
        let segments = VecDeque::from([Segment { branch, from, to: u64::MAX }]);
        Ok(Self { segments, next: from, before, cuts: 0, behind_cut: false })
    }

    fn check(&mut self, store: &Store, segment: Segment, row: Row) -> Result<Checked, JournalError> {
        if row.first != self.next {
            let what =
                format!("it is missing: the row after record {} begins with {}", self.next - 1, row.first);
            return Err(store.damaged_record(segment.branch, self.next, what));
        }
        if row.count == 0 || row.expected_hash(&self.before) != row.hash {
            let what = format!(
                "the row of records {} to {} is not what was written, or what came before it is not (the hash \
                 chain breaks)",
                row.first,
                row.last()
            );
            return Err(store.damaged_record(segment.branch, row.first, what));
        }
        let (first, hash) = (row.first, row.hash);
        let Some(batch) = Batch::from_framed(row.first, row.time_us, row.count, row.records) else {
            return Err(store.damaged_record(segment.branch, first, "its row is not framed as records"));
        };
        self.before = hash;
        self.next = batch.last() + 1;
        self.behind_cut = false;
        Ok(Checked { batch, segment, hash })
    }
}
