//! The checks of a start: what was acknowledged is there and whole, or the start is refused.
//!
//! Nothing is written here. A refusal leaves the folder as it was found.

use crate::branches::FIRST_BRANCH;
use crate::error::{JournalError, until_command};
use crate::sqlite::acknowledged_mark::{self, AcknowledgedMark, Found};
use crate::sqlite::paths::{Paths, exists};
use crate::sqlite::reader::Walk;
use crate::sqlite::snapshots::{self, Header};
use crate::sqlite::store::Store;

/// Whether a journal has to be made: there is none, and no sign that there was one.
pub(crate) fn is_new(paths: &Paths) -> Result<bool, JournalError> {
    if exists(&paths.db)? {
        return Ok(false);
    }
    let missing = |why: String| JournalError::Missing {
        path: paths.db.clone(),
        why,
        remedy: ", or choose an empty folder to begin a new venue".to_owned(),
    };
    if exists(&paths.wal)? {
        return Err(missing("its write-ahead log is there".to_owned()));
    }
    if let Some(snapshot) = snapshots::headers(paths)?.last() {
        return Err(missing(format!("a snapshot at record {} is there", snapshot.info.sequence)));
    }
    match acknowledged_mark::read(&paths.mark)? {
        // The mark of an empty journal is written before the database gets its name: making it was interrupted.
        None | Some(Some(Found { mark: AcknowledgedMark { branch: FIRST_BRANCH, sequence: 0, .. }, .. })) => {
            Ok(true)
        }
        Some(Some(Found { mark, .. })) => {
            Err(missing(format!("record {} of branch {} was acknowledged", mark.sequence, mark.branch)))
        }
        Some(None) => Err(missing("journal.mark is there, though it cannot be read".to_owned())),
    }
}

/// Refuses a folder that holds no journal.
pub(crate) fn must_exist(paths: &Paths) -> Result<(), JournalError> {
    if is_new(paths)? {
        return Err(JournalError::Missing {
            path: paths.db.clone(),
            why: "this folder holds no journal".to_owned(),
            remedy: ", or name the folder of a venue".to_owned(),
        });
    }
    Ok(())
}

/// Checks everything a start relies on; returns the end of the journal.
pub(crate) fn check_start(store: &Store, paths: &Paths) -> Result<AcknowledgedMark, JournalError> {
    let branch = store.current_branch();
    let end =
        check_history(store, paths, branch).map_err(|error| with_remedy(error, store, paths, branch))?;
    check_mark(store, paths, &end).map_err(|error| with_remedy(error, store, paths, branch))?;
    Ok(end)
}

/// Checks the records before `sequence` of the current branch, and nothing else.
pub(crate) fn check_until(
    store: &Store,
    paths: &Paths,
    sequence: u64,
    purpose: &'static str,
) -> Result<AcknowledgedMark, JournalError> {
    let branch = store.current_branch();
    let no_such_place = |last| JournalError::NoSuchPlace { asked: sequence, purpose, last };
    let Some(until) = sequence.checked_sub(1) else { return Err(no_such_place(store.last_of(branch)? + 1)) };
    let kept_from = store.kept_from(branch)?;
    let (mut base, mut earliest) = (None, kept_from);
    for header in snapshots::headers_of(paths, &store.branches, branch)?.into_iter().rev() {
        // Where the log does not begin with its first record, a state is had from a snapshot or not at all.
        let usable = snapshots::is_of(store, &header)?
            && (kept_from == 1 || snapshots::load(&snapshots::path_of(paths, &header.info))?.is_ok());
        if !usable {
            continue;
        }
        if header.info.sequence + 1 >= kept_from {
            earliest = header.info.sequence + 1;
        }
        if header.info.sequence <= until && base.is_none() {
            base = Some(header);
        }
    }
    let walked = walk(store, branch, base.as_ref(), until);
    let Walked { end, cuts } = walked.map_err(|error| with_remedy(error, store, paths, branch))?;
    if end.sequence < until {
        return Err(no_such_place(end.sequence + 1));
    }
    if cuts > 0 {
        return Err(JournalError::Pruned { asked: sequence, purpose, kept: earliest });
    }
    Ok(end)
}

/// Walks from the newest snapshot of `branch` to its end, which must not lie before the snapshot: one is taken only
/// of what was remembered.
fn check_history(store: &Store, paths: &Paths, branch: u64) -> Result<AcknowledgedMark, JournalError> {
    let last = store.last_of(branch)?;
    let mut bases = snapshots::headers_of(paths, &store.branches, branch)?;
    if let Some(header) = bases.last().filter(|header| header.info.sequence > last) {
        return Err(tail_missing(paths, branch, header.info.sequence, last));
    }
    // One of a record that was pruned, put back from a copy, has no row to be compared with.
    while let Some(header) = bases.last()
        && is_cut_out(store, header)?
    {
        bases.pop();
    }
    let base = bases.pop().filter(|header| header.info.sequence > 0);
    let Walked { end, cuts } = walk(store, branch, base.as_ref(), u64::MAX)?;
    if let Some(header) = base.filter(|_| cuts > 0) {
        let what = "records after it are cut out, but nothing after the newest snapshot ever is";
        return Err(store.damaged_record(header.info.branch, header.info.sequence, what));
    }
    Ok(end)
}

/// Whether the row of a snapshot's record was pruned.
fn is_cut_out(store: &Store, header: &Header) -> Result<bool, JournalError> {
    let info = &header.info;
    let row = store.row_at_or_before(info.branch, info.sequence)?;
    Ok(row.is_none_or(|row| row.last() < info.sequence)
        && store.cut_at(info.branch, info.sequence)?.is_some())
}

/// Where a walk ended, and over how many cuts it came.
struct Walked {
    end: AcknowledgedMark,
    cuts: u64,
}

/// Walks the chain of `branch` from a snapshot, or from the first record, to `until` at least or to its end;
/// returns where it ended.
fn walk(store: &Store, branch: u64, base: Option<&Header>, until: u64) -> Result<Walked, JournalError> {
    let from = base.map_or(1, |header| header.info.sequence.max(1));
    let mut walk = Walk::new(store, branch, from)?;
    let mut first = true;
    while walk.next() <= until {
        let rows = walk.fetch(store)?;
        if rows.is_empty() {
            break;
        }
        if std::mem::take(&mut first)
            && let (Some(header), Some(row)) = (base.filter(|header| header.info.sequence > 0), rows.front())
            && row.hash != header.row_hash
        {
            let what = "its row is not the one a snapshot was taken at";
            return Err(store.damaged_record(header.info.branch, header.info.sequence, what));
        }
    }
    let end = AcknowledgedMark { branch, sequence: walk.next() - 1, hash: *walk.before() };
    ends_with_a_row(store, &walk, &end)?;
    Ok(Walked { end, cuts: walk.cuts() })
}

/// Refuses a log whose end is cut out: that never is.
pub(crate) fn ends_with_a_row(
    store: &Store,
    walk: &Walk,
    end: &AcknowledgedMark,
) -> Result<(), JournalError> {
    if walk.is_behind_cut() {
        return Err(store.damaged_record(
            end.branch,
            end.sequence,
            "it is cut out, and nothing comes after it",
        ));
    }
    Ok(())
}

/// Checks that the journal holds what was acknowledged; `end` is where it ends.
pub(crate) fn check_mark(store: &Store, paths: &Paths, end: &AcknowledgedMark) -> Result<(), JournalError> {
    let path = &paths.mark;
    let remedy = format!(
        ", or, if the journal itself can be trusted, start with `{}`",
        until_command(&paths.dir, end.sequence + 1)
    );
    let unreadable = |place: &str, what: String| JournalError::Damaged {
        path: path.clone(),
        place: place.to_owned(),
        what,
        remedy: remedy.clone(),
    };
    let Some(found) = acknowledged_mark::read(path)? else {
        let why = "without it nobody can say whether acknowledged records are missing".to_owned();
        return Err(JournalError::Missing { path: path.clone(), why, remedy });
    };
    let Some(Found { mark, whole }) = found else {
        return Err(unreadable("both of its slots", "neither can be read".to_owned()));
    };
    let Some(marked) = store.branch(mark.branch) else {
        return Err(tail_missing(paths, mark.branch, mark.sequence, end.sequence));
    };
    if mark.branch == end.branch && mark.sequence > end.sequence {
        return Err(tail_missing(paths, mark.branch, mark.sequence, end.sequence));
    }
    let row = store.row_at_or_before(mark.branch, mark.sequence)?;
    let hash = match &row {
        Some(row) if row.last() == mark.sequence => row.hash,
        None if mark.sequence == marked.fork => store.root_hash(mark.branch)?,
        _ => {
            return Err(tail_missing(paths, mark.branch, mark.sequence, store.last_of(mark.branch)?));
        }
    };
    if hash != mark.hash {
        let what = "its row is not the one that was acknowledged there";
        return Err(store.damaged_record(mark.branch, mark.sequence, what));
    }
    // See `mark`: with a torn slot, only a journal that has gone on since holds what that slot said.
    if !whole && (mark.branch, mark.sequence) == (end.branch, end.sequence) {
        let what = format!("a later record than {} may have been acknowledged", mark.sequence);
        return Err(unreadable("one of its slots", what));
    }
    Ok(())
}

/// How many records of `branch` after `last` were acknowledged, as far as the mark can be read.
pub(crate) fn acknowledged_after(paths: &Paths, branch: u64, last: u64) -> u64 {
    match acknowledged_mark::read(&paths.mark) {
        Ok(Some(Some(Found { mark, .. }))) if mark.branch == branch => mark.sequence.saturating_sub(last),
        _ => 0,
    }
}

/// An error that says how far the journal should have reached.
pub(crate) fn tail_missing(paths: &Paths, branch: u64, acknowledged: u64, found: u64) -> JournalError {
    JournalError::TailMissing {
        path: paths.db.clone(),
        branch,
        acknowledged,
        found,
        remedy: format!(", or give up what is missing with `{}`", until_command(&paths.dir, found + 1)),
    }
}

/// Says, of damage in the database, how much of the history is whole and how to go on with that.
pub(crate) fn with_remedy(
    mut error: JournalError,
    store: &Store,
    paths: &Paths,
    branch: u64,
) -> JournalError {
    if let JournalError::Damaged { path, remedy, .. } = &mut error
        && *path == paths.db
        && remedy.is_empty()
    {
        let whole = whole_until(store, paths, branch);
        *remedy = match whole {
            0 => String::new(),
            whole => format!(
                ", or give up everything after record {whole} with `{}`",
                until_command(&paths.dir, whole + 1)
            ),
        };
    }
    error
}

/// The same for the check of the whole journal, which finds damage that no start comes upon.
pub(crate) fn with_whole_remedy(
    mut error: JournalError,
    store: &Store,
    paths: &Paths,
    branch: u64,
) -> JournalError {
    let spared = |base: &Header| base.info.sequence > 0 && check_start(store, paths).is_ok();
    if let JournalError::Damaged { path, remedy, .. } = &mut error
        && *path == paths.db
        && remedy.is_empty()
        && let Ok(bases) = snapshots::headers_of(paths, &store.branches, branch)
        && let Some(base) = bases.last().filter(|base| spared(base))
        // Every start reads the first record.
        && Walk::new(store, branch, 1).is_ok_and(|mut walk| walk.fetch(store).is_ok())
    {
        *remedy =
            format!("; until then `loligo serve` goes on from its snapshot of record {}", base.info.sequence);
    }
    with_remedy(error, store, paths, branch)
}

/// The last record of `branch` up to which its history can be read and is whole, as far as a start looks.
fn whole_until(store: &Store, paths: &Paths, branch: u64) -> u64 {
    let bases = snapshots::headers(paths).unwrap_or_default();
    let newest = |until| {
        let segments = crate::branches::history(&store.branches, branch).unwrap_or_default();
        bases.iter().rfind(|base| base.info.sequence <= until && snapshots::lies_on(&segments, &base.info))
    };
    let mut until = u64::MAX;
    loop {
        let base = newest(until);
        let from = base.map_or(1, |base| base.info.sequence.max(1));
        let mut reached = 0;
        if let Ok(mut walk) = Walk::new(store, branch, from) {
            while let Ok(rows) = walk.fetch(store) {
                if walk.cuts() > 0 {
                    // Without a snapshot behind it, what comes after a cut leads to no state.
                    reached = 0;
                    break;
                }
                let trusted = base.is_none_or(|base| {
                    base.info.sequence == 0
                        || reached > 0
                        || rows.front().is_some_and(|row| row.hash == base.row_hash)
                });
                if rows.is_empty() || !trusted {
                    break;
                }
                reached = walk.next() - 1;
            }
        }
        match base {
            Some(base) if reached == 0 && base.info.sequence > 0 => until = base.info.sequence - 1,
            _ => return reached,
        }
    }
}
