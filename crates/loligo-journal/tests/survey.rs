//! What can be learned of a stopped journal and done to it whatever state it is in: reading on beyond damage, what a
//! branch left behind, removing it, whom its files are for.

mod folder;

use std::fs;
use std::path::Path;

use folder::{Folder, History, closed};
use loligo_journal::{Journal, JournalError, SqliteJournal, Survey, remove_journal, stored_files};

const BATCHES: &[&[usize]] =
    &[&[40], &[90, 90, 90], &[100], &[6_000, 20], &[80; 20], &[30], &[25, 25], &[9_000], &[60], &[70, 70]];

/// Takes snapshots at some places.
fn with_snapshots(folder: &Folder, places: &[u64]) {
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    for place in places {
        journal.snapshots().put(*place, format!("the state at {place}").as_bytes()).expect("room");
    }
}

#[test]
fn a_survey_reads_on_beyond_what_is_damaged_and_changes_nothing() {
    /// What is done, the records that cannot be read after it, and what is told where.
    type Row = (&'static str, &'static str, usize, Vec<(u64, &'static str)>);
    let rows: [Row; 5] = [
        ("nothing", "SELECT 1", 0, vec![]),
        (
            "a changed row",
            "UPDATE batch SET records = zeroblob(length(records)) WHERE first = 5",
            1,
            vec![(5, "not what was written")],
        ),
        ("a missing row", "DELETE FROM batch WHERE first = 2", 3, vec![(2, "records 2 to 4 are missing")]),
        (
            "a row of another type",
            "UPDATE batch SET hash = x'00' WHERE first = 8",
            20,
            vec![(8, "record 8 of branch 1")],
        ),
        (
            "a false count",
            "UPDATE batch SET count = 9000000000000000000 WHERE first = 5",
            1,
            vec![(5, "not what")],
        ),
    ];
    let whole = closed(BATCHES);
    for (case, statements, lost, expected) in rows {
        let folder = whole.copy();
        folder.sql(statements);
        let before = folder.contents();
        let survey = Survey::open(folder.dir.path()).expect("opens").expect("there");
        let last = folder.history.len() as u64;
        let branches = survey.branches();
        assert_eq!((branches.len(), branches[0].last), (1, last), "{case}");
        let (mut found, mut told) = (0, Vec::new());
        for item in survey.batches(1, 1) {
            match item {
                Ok(batch) => {
                    for (sequence, record) in batch.iter() {
                        assert_eq!(
                            record,
                            folder.history[sequence as usize - 1],
                            "{case}: record {sequence}"
                        );
                        found += 1;
                    }
                }
                Err(unreadable) => told.push(unreadable),
            }
        }
        assert_eq!(told.len(), expected.len(), "{case}: {told:?}");
        for (told, (first, words)) in told.iter().zip(&expected) {
            assert!(told.first == *first && told.what.contains(words), "{case}: {told:?}");
        }
        assert_eq!(folder.history.len() - found, lost, "{case}: records that cannot be read");
        // From the middle of a row, too.
        let from = survey.batches(1, 7).find_map(Result::ok).expect("something readable");
        assert!(from.first() >= 7, "{case}");
        drop(survey);
        assert!(folder.contents() == before, "{case}: the survey changed something");
    }
    let empty = tempfile::tempdir().expect("a folder");
    assert!(Survey::open(empty.path()).expect("no journal is no trouble").is_none());
}

#[test]
fn what_a_branch_left_behind_can_be_read_until_it_goes_on() {
    let folder = closed(BATCHES);
    let last = folder.history.len() as u64;
    // A row before it is changed and the fork lies in the middle of another.
    folder.sql("UPDATE batch SET time_us = 0 WHERE first = (SELECT max(first) FROM batch)");
    let left = |journal: &SqliteJournal| {
        let batches = journal.left_batches().filter_map(Result::ok);
        batches
            .flat_map(|batch| batch.iter().map(|(_, record)| record.to_vec()).collect::<Vec<_>>())
            .collect()
    };
    let journal = SqliteJournal::open_before(folder.dir.path(), 7, folder::options()).expect("whole before");
    let found = journal.left_behind().expect("a new branch");
    assert_eq!((found.parent, found.branch, found.first, found.last, found.missing), (1, 2, 7, last, 0));
    let readable: History = left(&journal);
    assert_eq!(readable, folder.history[6..folder.history.len() - 2]);
    drop(journal);
    // Interrupted before its first record: the next start knows as much.
    let mut journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    assert_eq!(journal.left_behind(), Some(found));
    assert_eq!(left(&journal) as History, readable);
    let mut history = folder.history[..6].to_vec();
    folder::fill(&mut journal, &mut history, &[&[10]]);
    drop(journal);
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    assert_eq!(journal.left_behind(), None);
    drop(journal);

    // A tail that is missing is counted.
    let folder = closed(BATCHES);
    folder.sql("DELETE FROM batch WHERE first = (SELECT max(first) FROM batch)");
    let journal =
        SqliteJournal::open_before(folder.dir.path(), last - 3, folder::options()).expect("whole before");
    let found = journal.left_behind().expect("a new branch");
    assert_eq!((found.first, found.last, found.missing), (last - 3, last - 2, 2));
}

#[test]
fn removing_a_journal_leaves_what_is_not_its_own() {
    let folder = closed(BATCHES);
    with_snapshots(&folder, &[5]);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let target = elsewhere.path().join("kept");
    fs::write(&target, b"kept").expect("written");
    let strangers =
        ["notes.txt", "journal.txt", "journal.db.damaged-x", "snapshots/notes", "snapshots/1-2.snapshot"];
    for name in strangers {
        fs::write(folder.file(name), b"mine").expect("written");
    }
    std::os::unix::fs::symlink(&target, folder.file("journal.db.damaged-7")).expect("linked");
    let held = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    assert!(matches!(remove_journal(folder.dir.path()), Err(JournalError::Locked { .. })));
    drop(held);
    remove_journal(folder.dir.path()).expect("removed");
    let left: Vec<_> = stored_files(folder.dir.path()).expect("listed");
    assert_eq!(left, [folder.file("journal.lock")]);
    for name in strangers {
        assert_eq!(fs::read(folder.file(name)).expect("still there"), b"mine", "{name}");
    }
    assert_eq!(fs::read(&target).expect("still there"), b"kept");
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("begins anew");
    assert_eq!(journal.last_sequence(), 0);
    drop(journal);

    // A folder in the place of ours that is a link leads to somebody else's files.
    let folder = closed(BATCHES);
    let name = "000001-0000000000000005.snapshot";
    fs::write(elsewhere.path().join(name), b"theirs").expect("written");
    fs::remove_dir_all(folder.file("snapshots")).expect("removed");
    std::os::unix::fs::symlink(elsewhere.path(), folder.file("snapshots")).expect("linked");
    remove_journal(folder.dir.path()).expect("removed");
    assert_eq!(fs::read(elsewhere.path().join(name)).expect("still there"), b"theirs");
}

#[test]
fn what_a_journal_keeps_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let above = tempfile::tempdir().expect("a folder");
    let dir = above.path().join("data");
    let mut journal = SqliteJournal::open(&dir, loligo_journal::Options::default()).expect("a new journal");
    folder::fill(&mut journal, &mut History::new(), BATCHES);
    journal.snapshots().put(5, b"the state at five").expect("room");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let files = stored_files(&dir).expect("listed");
    for name in
        ["journal.db", "journal.db-wal", "journal.db-shm", "journal.mark", "journal.lock", "journal.reserve"]
    {
        assert!(files.contains(&dir.join(name)), "{name} is not among {files:?}");
    }
    assert_eq!(files.len(), 7, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!((mode(&dir), mode(&dir.join("snapshots"))), (0o700, 0o700));
}

#[test]
fn a_path_is_quoted_as_a_shell_wants_it() {
    for (path, word) in [
        ("loligo-data", "loligo-data"),
        ("/var/lib/loligo", "/var/lib/loligo"),
        ("my data", "'my data'"),
        ("it's $HOME", "'it'\\''s $HOME'"),
        ("-x", "'-x'"),
        ("", "''"),
    ] {
        assert_eq!(loligo_journal::quoted(Path::new(path)), word);
    }
    let command = loligo_journal::until_command(Path::new("my data"), 7);
    assert_eq!(command, "loligo serve --data 'my data' --until 7");
}
