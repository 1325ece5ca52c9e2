//! The whole check: every row, every page, every snapshot and the mark.

use std::fmt;
use std::path::Path;

use crate::branches::history;
use crate::error::JournalError;
use crate::sqlite::acknowledged_mark::AcknowledgedMark;
use crate::sqlite::paths::Paths;
use crate::sqlite::reader::Walk;
use crate::sqlite::snapshots;
use crate::sqlite::stopped::Folder;
use crate::sqlite::store::{Store, damaged};
use crate::sqlite::{recovery, snapshots::lies_on};

/// What [`verify`] found.
#[derive(Debug)]
pub struct Report {
    /// The branch that was written last: the one that counts.
    pub branch: u64,
    /// Number of branches, those left behind included.
    pub branches: u64,
    /// Rows (group commits) of the history of that branch.
    pub rows: u64,
    /// Number of the last of its records that were reached.
    pub records: u64,
    /// How many of those were pruned. Their hashes went with them, but for the last of each run.
    pub pruned: u64,
    /// The record from which on the history can be read without a gap: 1 where nothing was pruned.
    pub kept_from: u64,
    /// Bytes of those records as they are framed.
    pub bytes: u64,
    /// Snapshots of that history that are whole.
    pub snapshots: u64,
    /// Damage in what is no longer part of the history: records after a fork, and their snapshots. It harms no
    /// start; each is said in words.
    pub left_behind: Vec<String>,
    /// The first damage in what counts, or none.
    pub damage: Option<JournalError>,
}

impl Report {
    /// Whether everything that was acknowledged is there and whole.
    pub fn is_whole(&self) -> bool {
        self.damage.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "records: {} in {} rows ({} bytes), on branch {} of {}\nsnapshots: {} whole",
            self.records - self.pruned,
            self.rows,
            self.bytes,
            self.branch,
            self.branches,
            self.snapshots
        )?;
        if self.pruned > 0 {
            write!(
                f,
                "\npruned: {} records; the log is whole from record {} on",
                self.pruned, self.kept_from
            )?;
        }
        for words in &self.left_behind {
            write!(f, "\nleft behind: {words}")?;
        }
        match &self.damage {
            None => write!(f, "\njournal: whole"),
            Some(error) => write!(f, "\njournal: damaged: {error}"),
        }
    }
}

/// Checks a stopped journal from its first byte to its last, and changes nothing.
///
/// Every row is hashed and followed along the chain, in every branch; the pages of the database are checked by
/// SQLite; each snapshot is hashed and compared with the row it was taken at; the mark is compared with the end.
///
/// # Errors
/// When the folder holds no journal, is in use, or cannot be read at all. Damage is not an error here but the
/// finding, unless it is so near the beginning that nothing can be counted.
pub fn verify(dir: &Path) -> Result<Report, JournalError> {
    let folder = Folder::open(dir)?;
    let store = folder.store()?;
    let mut report = Report {
        branch: store.current_branch(),
        branches: store.branches.len() as u64,
        rows: 0,
        records: 0,
        pruned: 0,
        kept_from: store.kept_from(store.current_branch())?,
        bytes: 0,
        snapshots: 0,
        left_behind: Vec::new(),
        damage: None,
    };
    if let Err(error) = check(&store, &folder.paths, &mut report) {
        let error = recovery::with_whole_remedy(error, &store, &folder.paths, report.branch);
        report.damage = Some(error);
    }
    Ok(report)
}

fn check(store: &Store, paths: &Paths, report: &mut Report) -> Result<(), JournalError> {
    let branch = report.branch;
    let mut walk = Walk::new(store, branch, 1)?;
    loop {
        let reached = walk.next();
        let rows = walk.fetch(store)?;
        let Some(first) = rows.front() else { break };
        report.pruned += first.batch.first().saturating_sub(reached);
        report.rows += rows.len() as u64;
        report.bytes += rows.iter().map(|row| row.batch.byte_len() as u64).sum::<u64>();
        report.records = walk.next() - 1;
    }
    let end = AcknowledgedMark { branch, sequence: walk.next() - 1, hash: *walk.before() };
    recovery::ends_with_a_row(store, &walk, &end)?;
    recovery::check_mark(store, paths, &end)?;
    check_cuts(store, paths, branch)?;
    check_snapshots(store, paths, report, end.sequence)?;
    store.check_pages()?;
    let rows = check_left_behind(store, report);
    let counted = store.count_rows()?;
    if let Some(rows) = rows
        && rows != counted
    {
        return Err(store.damaged("its rows", format!("there are {counted}, and {rows} belong to a branch")));
    }
    Ok(())
}

/// Checks that each cut begins where rows end and ends where rows begin, or the branch does: so it stands for what is missing
/// there, and for nothing else. Whether the chain goes on from it, the walks see.
fn check_cuts(store: &Store, paths: &Paths, branch: u64) -> Result<(), JournalError> {
    let kept_from = store.kept_from(branch)?;
    let newest = snapshots::headers_of(paths, &store.branches, branch)?
        .last()
        .map_or(0, |header| header.info.sequence);
    if kept_from > 1 && newest < kept_from {
        let what = "it is cut out, and there is no snapshot of a later record to go on from";
        return Err(store.damaged_record(branch, kept_from - 1, what));
    }
    for cut in store.cuts()? {
        let Some(branch) = store.branch(cut.branch) else {
            return Err(store.damaged("the table of cuts", format!("there is no branch {}", cut.branch)));
        };
        let before = store.row_at_or_before(cut.branch, cut.first.saturating_sub(1))?;
        let follows = before.map_or(branch.fork, |row| row.last()) + 1 == cut.first;
        let meets = store
            .row_begins(cut.branch, cut.first)?
            .is_none_or(|begins| begins == cut.last.saturating_add(1));
        if !(follows && meets && cut.first <= cut.last) {
            let what = format!("records {} to {} are not what is missing there", cut.first, cut.last);
            return Err(store.damaged(format!("a cut in branch {}", cut.branch), what));
        }
    }
    Ok(())
}

/// Walks each branch to its own end; returns the number of rows of all branches when all could be walked.
fn check_left_behind(store: &Store, report: &mut Report) -> Option<u64> {
    let mut rows = 0;
    let mut all = true;
    for branch in &store.branches {
        let mut walked = || -> Result<(), JournalError> {
            let mut walk = Walk::of_branch_alone(store, branch.id)?;
            loop {
                match walk.fetch(store)?.len() {
                    0 => return Ok(()),
                    count => rows += count as u64,
                }
            }
        };
        if let Err(error) = walked() {
            all = false;
            report.left_behind.push(error.to_string());
        }
    }
    all.then_some(rows)
}

/// Damage that is mended by removing the file.
fn spare(mut error: JournalError) -> JournalError {
    if let JournalError::Damaged { remedy, .. } = &mut error {
        *remedy = ", or remove it: the journal holds everything that a snapshot holds".to_owned();
    }
    error
}

fn check_snapshots(store: &Store, paths: &Paths, report: &mut Report, last: u64) -> Result<(), JournalError> {
    let segments = history(&store.branches, report.branch).unwrap_or_default();
    for path in snapshots::files(paths)? {
        let (header, _) = match snapshots::load(&path)? {
            Ok(loaded) => loaded,
            Err(what) => return Err(spare(damaged(&path, "its bytes", what))),
        };
        let info = &header.info;
        let ours = lies_on(&segments, info);
        let row = store.row_at_or_before(info.branch, info.sequence)?;
        let right = match row {
            _ if info.sequence == 0 => true,
            Some(row) if row.last() >= info.sequence => row.hash == header.row_hash,
            _ => false,
        };
        if ours && info.sequence > last {
            return Err(recovery::tail_missing(paths, info.branch, info.sequence, last));
        }
        match (ours, right) {
            (true, true) => report.snapshots += 1,
            (true, false) => {
                let what = format!("the row of record {} is not the one it was taken at", info.sequence);
                return Err(spare(damaged(&path, "its header", what)));
            }
            (false, true) => {}
            (false, false) => report.left_behind.push(format!(
                "{} was taken at record {} of branch {}, which is gone",
                path.display(),
                info.sequence,
                info.branch
            )),
        }
    }
    Ok(())
}
