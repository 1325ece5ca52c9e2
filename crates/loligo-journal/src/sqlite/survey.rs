//! Reading a stopped journal as far as it can be read, damaged or not: to find a place in it, and what a branch left
//! behind. Nothing is changed, and nothing here decides what counts.

use std::collections::VecDeque;
use std::path::Path;

use crate::branches::{Branch, Segment, history};
use crate::error::JournalError;
use crate::records::Batch;
use crate::sqlite::chain::Hash;
use crate::sqlite::paths::Paths;
use crate::sqlite::recovery;
use crate::sqlite::stopped::Folder;
use crate::sqlite::store::{Row, Store};

/// Rows fetched at a time, and the bytes after which a fetch stops early.
const FETCH_ROWS: usize = 64;
const FETCH_BYTES: usize = 1024 * 1024;

/// A branch, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchInfo {
    /// Its number.
    pub id: u64,
    /// The branch it left, 0 for the first.
    pub parent: u64,
    /// The last record it shares with its parent.
    pub fork: u64,
    /// Its last record as far as rows can be found; its fork when it has none of its own.
    pub last: u64,
}

/// A place of a journal that cannot be read, or holds something else than was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The first record concerned.
    pub first: u64,
    /// What is the matter.
    pub what: String,
    /// Whether it is nothing but this: the records were pruned.
    pub pruned: bool,
}

/// A batch of a survey, or why there is none.
pub type Surveyed = Result<Batch, Unreadable>;

/// A stopped journal in whatever state. While it is open, no venue can be started on its folder.
#[derive(Debug)]
pub struct Survey {
    store: Store,
    _folder: Folder,
}

impl Survey {
    /// Opens the journal in `dir`; `None` when there is none, nor a sign that there was one.
    ///
    /// # Errors
    /// A folder in use, a database that is missing beside other files of the journal or cannot be opened at all.
    pub fn open(dir: &Path) -> Result<Option<Self>, JournalError> {
        if recovery::is_new(&Paths::new(dir))? {
            return Ok(None);
        }
        let folder = Folder::open(dir)?;
        let store = folder.store()?;
        Ok(Some(Self { store, _folder: folder }))
    }

    /// All branches, oldest first. The last one counts.
    pub fn branches(&self) -> Vec<BranchInfo> {
        let info = |branch: &Branch| BranchInfo {
            id: branch.id,
            parent: branch.parent,
            fork: branch.fork,
            last: self.last_of(branch),
        };
        self.store.branches.iter().map(info).collect()
    }

    fn last_of(&self, branch: &Branch) -> u64 {
        let cut = self.store.cut_at_or_before(branch.id, u64::MAX).ok().flatten();
        self.store.last_of(branch.id).unwrap_or(branch.fork).max(cut.map_or(0, |cut| cut.last))
    }

    /// The record from which on the history of `branch` can be read without a gap, as far as that is known: 1 where nothing
    /// was pruned.
    pub fn kept_from(&self, branch: u64) -> u64 {
        self.store.kept_from(branch).unwrap_or(1)
    }

    /// The batches of a branch's history from the record `from` on, and what cannot be read between them.
    pub fn batches(&self, branch: u64, from: u64) -> impl Iterator<Item = Surveyed> {
        let mut walk = LooseWalk::new(&self.store, branch, from);
        std::iter::from_fn(move || walk.next_batch(&self.store))
    }
}

/// Records that were left behind when the newest branch began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftBehind {
    /// The new branch.
    pub branch: u64,
    /// The branch they stay on.
    pub parent: u64,
    /// The first of them.
    pub first: u64,
    /// The last that is stored; the one before `first` when none is.
    pub last: u64,
    /// Acknowledged records after that, which the file does not hold.
    pub missing: u64,
}

/// Goes over rows without trusting them: what is not sound is told and passed over.
#[derive(Debug)]
pub(crate) struct LooseWalk {
    segments: VecDeque<Segment>,
    /// The first record not yet walked over.
    next: u64,
    /// The record that was asked for.
    from: u64,
    /// What the next row must be chained to, where that is known.
    before: Option<Hash>,
    fetched: VecDeque<Row>,
}

impl LooseWalk {
    pub(crate) fn new(store: &Store, branch: u64, from: u64) -> Self {
        let segments = history(&store.branches, branch).unwrap_or_default();
        let segments: VecDeque<_> = segments.into_iter().filter(|segment| segment.to >= from).collect();
        let mut walk = Self { segments, next: from, from, before: None, fetched: VecDeque::new() };
        if let Some(segment) = walk.segments.front() {
            let holder = store.row_at_or_before(segment.branch, from).ok().flatten();
            let holder = holder.filter(|row| row.last() >= from);
            walk.next = holder.map_or(from, |row| row.first).max(segment.from);
            walk.before = store.hash_before(segment.branch, walk.next).ok();
        }
        walk
    }

    /// The next sound row, or what is the matter with what comes next; `None` at the end.
    pub(crate) fn next_row(&mut self, store: &Store) -> Option<Result<Row, Unreadable>> {
        loop {
            let segment = *self.segments.front()?;
            if self.next > segment.to {
                self.segments.pop_front();
                self.fetched.clear();
                if let Some(following) = self.segments.front() {
                    self.next = following.from;
                    self.before = store.root_hash(following.branch).ok();
                }
                continue;
            }
            if self.fetched.is_empty() {
                match store.rows_from(segment.branch, self.next, FETCH_ROWS, FETCH_BYTES) {
                    Ok(rows) => self.fetched = rows.into(),
                    Err(error) => return Some(Err(self.skip(store, segment, &error))),
                }
            }
            let begins = self.fetched.front().map(|row| row.first);
            if begins != Some(self.next)
                && let Some(cut) = store.cut_at(segment.branch, self.next).ok().flatten()
                && begins.is_none_or(|begins| begins > cut.last)
            {
                let first = self.next;
                (self.next, self.before) = (cut.last + 1, Some(cut.hash));
                let what = format!("records {first} to {} were pruned", cut.last);
                return Some(Err(Unreadable { first, what, pruned: true }));
            }
            let Some(row) = self.fetched.front().filter(|row| row.first <= segment.to) else {
                let first = self.next;
                self.next = segment.to.saturating_add(1);
                if segment.to == u64::MAX {
                    self.segments.clear();
                    return None;
                }
                return Some(Err(missing(first, segment.to)));
            };
            if row.first > self.next {
                let (first, last) = (self.next, row.first - 1);
                (self.next, self.before) = (row.first, None);
                return Some(Err(missing(first, last)));
            }
            let row = self.fetched.pop_front()?;
            let sound =
                row.count > 0 && self.before.is_none_or(|before| row.expected_hash(&before) == row.hash);
            self.before = Some(row.hash);
            // A row that is not sound may say anything of its own length.
            let end = self.fetched.front().map_or_else(
                || store.row_begins(segment.branch, row.first + 1).ok().flatten(),
                |row| Some(row.first),
            );
            self.next = match end {
                Some(end) if !sound => end,
                _ => row.last().max(row.first) + 1,
            };
            if !sound {
                let last = row.last().max(row.first);
                let what = format!("the row of records {} to {last} is not what was written", row.first);
                return Some(Err(Unreadable { first: row.first, what, pruned: false }));
            }
            return Some(Ok(row));
        }
    }

    /// The same as a batch, its records outside the history left out.
    fn next_batch(&mut self, store: &Store) -> Option<Surveyed> {
        let row = self.next_row(store)?;
        let to = self.segments.front().map_or(u64::MAX, |segment| segment.to);
        Some(row.and_then(|row| {
            let first = row.first;
            let batch = Batch::from_framed(row.first, row.time_us, row.count, row.records);
            let what = "its row is not framed as records".to_owned();
            batch.map(|batch| batch.clip(self.from.max(first), to)).ok_or(Unreadable {
                first,
                what,
                pruned: false,
            })
        }))
    }

    /// Passes over a row that cannot be read.
    fn skip(&mut self, store: &Store, segment: Segment, error: &JournalError) -> Unreadable {
        let bad = store.row_begins(segment.branch, self.next).ok().flatten();
        let following = bad.and_then(|bad| store.row_begins(segment.branch, bad + 1).ok().flatten());
        let first = self.next;
        match following {
            Some(following) => self.next = following,
            None => self.next = segment.to.saturating_add(1),
        }
        if following.is_none() && segment.to == u64::MAX {
            self.segments.clear();
        }
        self.before = None;
        Unreadable { first, what: error.to_string(), pruned: false }
    }
}

fn missing(first: u64, last: u64) -> Unreadable {
    Unreadable { first, what: format!("records {first} to {last} are missing"), pruned: false }
}

/// The batches that were left behind, as far as they can be read.
pub(crate) fn left_batches(store: &Store, left: LeftBehind) -> impl Iterator<Item = Surveyed> {
    let mut walk = LooseWalk::new(store, left.parent, left.first);
    std::iter::from_fn(move || walk.next_batch(store))
}
