//! The checks of a start: what was acknowledged is there and whole, or the start is refused.
//!
//! Nothing is written here. A refusal leaves the folder as it was found.

use crate::branches::FIRST_BRANCH;
use crate::error::JournalError;
use crate::sqlite::mark::{self, Found, Mark};
use crate::sqlite::paths::{Paths, exists};
use crate::sqlite::reader::Walk;
use crate::sqlite::snapshots;
use crate::sqlite::store::{Store, damaged};

/// Whether a journal has to be made: there is none, and no sign that there was one.
pub(crate) fn is_new(paths: &Paths) -> Result<bool, JournalError> {
    if exists(&paths.db)? {
        return Ok(false);
    }
    let missing = |why: String| JournalError::Missing {
        path: paths.db.clone(),
        why,
        remedy: "or choose an empty folder to begin a new venue".to_owned(),
    };
    if exists(&paths.wal)? {
        return Err(missing("its write-ahead log is there".to_owned()));
    }
    if let Some(snapshot) = snapshots::headers(paths)?.last() {
        return Err(missing(format!("a snapshot at record {} is there", snapshot.info.sequence)));
    }
    match mark::read(&paths.mark)? {
        // The mark of an empty journal is written before the database gets its name: making it was interrupted.
        None | Some(Some(Found { mark: Mark { branch: FIRST_BRANCH, sequence: 0, .. }, .. })) => Ok(true),
        Some(Some(found)) => Err(missing(format!(
            "record {} of branch {} was acknowledged",
            found.mark.sequence, found.mark.branch
        ))),
        Some(None) => Err(missing("journal.mark is there, though it cannot be read".to_owned())),
    }
}

/// Checks everything a start relies on; returns the end of the journal.
pub(crate) fn check_start(store: &Store, paths: &Paths) -> Result<Mark, JournalError> {
    check_mark(store, paths)?;
    let branch = store.current_branch();
    let end = check_chain(store, paths, branch, u64::MAX)?;
    check_snapshots_reached(store, paths, &end)?;
    Ok(end)
}

/// Checks the records before `sequence` of the current branch, and nothing else.
pub(crate) fn check_until(store: &Store, paths: &Paths, sequence: u64) -> Result<Mark, JournalError> {
    let branch = store.current_branch();
    let no_such_place = |last| JournalError::NoSuchPlace { asked: sequence, purpose: "stop before", last };
    let Some(last_kept) = sequence.checked_sub(1) else {
        return Err(no_such_place(store.last_of(branch)? + 1));
    };
    let end = check_chain(store, paths, branch, last_kept)?;
    if end.sequence < last_kept {
        return Err(no_such_place(end.sequence + 1));
    }
    Ok(end)
}

fn check_mark(store: &Store, paths: &Paths) -> Result<(), JournalError> {
    let path = &paths.mark;
    let branch = store.current_branch();
    let next = store.last_of(branch)? + 1;
    let remedy =
        format!("or, if the journal itself can be trusted, start with `loligo serve --until {next}`");
    let Some(found) = mark::read(path)? else {
        return Err(JournalError::Missing {
            path: path.clone(),
            why: "without it nobody can say whether acknowledged records are missing".to_owned(),
            remedy,
        });
    };
    let Some(Found { mark, whole }) = found else {
        return Err(damaged(path, "both of its slots", "neither can be read", &remedy));
    };
    let tail_missing = |last: u64| JournalError::TailMissing {
        path: paths.db.clone(),
        branch: mark.branch,
        acknowledged: mark.sequence,
        found: last,
        remedy: format!("or give up what is missing with `loligo serve --until {}`", last + 1),
    };
    let Some(marked) = store.branch(mark.branch) else { return Err(tail_missing(next - 1)) };
    let row = store.row_at_or_before(mark.branch, mark.sequence)?;
    let hash = match &row {
        Some(row) if row.last() == mark.sequence => row.hash,
        None if mark.sequence == marked.fork => store.root_hash(mark.branch)?,
        _ => return Err(tail_missing(store.last_of(mark.branch)?)),
    };
    if hash != mark.hash {
        return Err(store.damaged_record(
            mark.branch,
            mark.sequence,
            "its row is not the one that was acknowledged there",
        ));
    }
    // See `mark`: with a torn slot, only a journal that has gone on since holds what that slot said.
    if !whole && mark.branch == branch && next == mark.sequence + 1 {
        let what = format!("a later record than {} may have been acknowledged", mark.sequence);
        return Err(damaged(path, "one of its slots", what, &remedy));
    }
    Ok(())
}

/// Walks the chain of `branch` from the newest snapshot at or before `until` to `until`; returns where it ended.
fn check_chain(store: &Store, paths: &Paths, branch: u64, until: u64) -> Result<Mark, JournalError> {
    let base = snapshots::newest_header(paths, &store.branches, branch, until)?;
    let from = base.as_ref().map_or(1, |header| header.info.sequence.max(1));
    let mut walk = Walk::new(store, branch, from)?;
    while walk.next() <= until {
        let rows = walk.fetch(store)?;
        if rows.is_empty() {
            break;
        }
        if let (Some(header), Some(row)) = (base.as_ref(), rows.front())
            && row.holds(header.info.sequence)
            && row.hash != header.row_hash
        {
            return Err(store.damaged_record(
                header.info.branch,
                header.info.sequence,
                "its row is not the one a snapshot was taken at",
            ));
        }
    }
    Ok(Mark { branch, sequence: walk.next() - 1, hash: *walk.before() })
}

/// A snapshot is taken only of what was remembered, so it too says how far the journal must reach.
fn check_snapshots_reached(store: &Store, paths: &Paths, end: &Mark) -> Result<(), JournalError> {
    let Some(newest) = snapshots::newest_header(paths, &store.branches, end.branch, u64::MAX)? else {
        return Ok(());
    };
    if newest.info.sequence <= end.sequence {
        return Ok(());
    }
    Err(JournalError::TailMissing {
        path: paths.db.clone(),
        branch: end.branch,
        acknowledged: newest.info.sequence,
        found: end.sequence,
        remedy: format!("or give up what is missing with `loligo serve --until {}`", end.sequence + 1),
    })
}
