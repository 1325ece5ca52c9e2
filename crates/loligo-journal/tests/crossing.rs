//! Folders of the first format, whose rows had no row ids: they are read as they are, and cross over with the first record that
//! is written. They are made here from `docs/journal.md`, byte by byte, and not by the code that reads them.

mod folder;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use folder::{Folder, History, drain, fill, record};
use loligo_journal::{
    AppendError, Journal, JournalError, Options, Records, SqliteJournal, StoppedJournal, Urgency, verify,
};

const CHILD: &str = "JOURNAL_TEST_CROSSING";

/// Held by each test to its end: a child begins with what is open here at that moment, so another test's folder would stay
/// locked for a moment after it was closed.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A branch: the one it left, the last record it shares with it, and the records of its rows.
type Branch<'a> = (u64, u64, &'a [Vec<Vec<u8>>]);

/// The hash of the row that holds a record, by branch and record.
type Hashes = std::collections::BTreeMap<(u64, u64), [u8; 32]>;

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// A stopped journal of the first format.
fn write_first_format(dir: &Path, branches: &[Branch<'_>]) {
    std::fs::create_dir_all(dir.join("snapshots")).expect("a folder");
    let connection = rusqlite::Connection::open(dir.join("journal.db")).expect("opens");
    connection
        .execute_batch(
            "PRAGMA page_size = 4096; PRAGMA application_id = 0x4c6f6c69; PRAGMA user_version = 1; BEGIN;
             CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
             CREATE TABLE branch (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, fork INTEGER NOT NULL) STRICT;
             CREATE TABLE batch (branch INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
                 time_us INTEGER NOT NULL, records BLOB NOT NULL, hash BLOB NOT NULL,
                 PRIMARY KEY (branch, first)) STRICT, WITHOUT ROWID;
             INSERT INTO header VALUES ('format', '1'), ('created_us', '77');",
        )
        .expect("made");
    let length = |text: &str| (text.len() as u64).to_le_bytes();
    let mut hashes = Hashes::new();
    let mut end = (0, 0, [0; 32]);
    for (&(parent, fork, rows), id) in branches.iter().zip(1u64..) {
        connection
            .execute("INSERT INTO branch VALUES (?1, ?2, ?3)", [id, parent, fork].map(u64::cast_signed))
            .expect("a branch");
        let numbers = [id, parent, fork].map(u64::to_le_bytes);
        let mut before = hash(&[
            b"loligo-journal root",
            &length("created_us"),
            b"created_us",
            &length("77"),
            b"77",
            &length("format"),
            b"format",
            &length("1"),
            b"1",
            &numbers.concat(),
            &hashes.get(&(parent, fork)).copied().unwrap_or_default(),
        ]);
        let mut first = fork + 1;
        for row in rows {
            let framed: Vec<u8> = row
                .iter()
                .flat_map(|record| [(record.len() as u32).to_le_bytes().as_slice(), record].concat())
                .collect();
            let count = row.len() as u64;
            let fixed = [id, first, count, 1_000].map(u64::to_le_bytes).concat();
            before = hash(&[&before, &fixed, &framed]);
            connection
                .execute(
                    "INSERT INTO batch VALUES (?1, ?2, ?3, 1000, ?4, ?5)",
                    (id.cast_signed(), first.cast_signed(), count.cast_signed(), framed, before),
                )
                .expect("a row");
            hashes.extend((first..first + count).map(|at| ((id, at), before)));
            first += count;
        }
        end = (id, first - 1, before);
    }
    connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL;").expect("written");
    connection.close().expect("closed");
    let mut slot = b"LoligoMk".to_vec();
    slot.extend([end.0, end.1].map(u64::to_le_bytes).concat());
    slot.extend(end.2);
    slot.extend(&hash(&[&slot])[..8]);
    let mut mark = slot.clone();
    mark.resize(512, 0);
    mark.extend(slot);
    std::fs::write(dir.join("journal.mark"), mark).expect("written");
}

fn rows(count: u64, bytes: usize) -> Vec<Vec<Vec<u8>>> {
    (0..count).map(|at| vec![record(2 * at, bytes), record(2 * at + 1, 9)]).collect()
}

/// Three branches, of which the newest left the second in the middle of a row.
fn branched() -> Folder {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, second, third) = (rows(40, 1_200), rows(3, 60), vec![vec![record(9, 9)]]);
    write_first_format(dir.path(), &[(0, 0, &first), (1, 31, &second), (2, 34, &third)]);
    let mut history: History = first.concat()[..31].to_vec();
    history.extend_from_slice(&second.concat()[..3]);
    history.extend(third.concat());
    Folder { dir, history }
}

/// The number of the format as the database file has it, whatever is in the log.
fn format(dir: &Path) -> i64 {
    let connection = rusqlite::Connection::open(dir.join("journal.db")).expect("opens");
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("told")
}

#[test]
fn a_folder_of_the_first_format_is_read_as_it_is_and_crosses_with_the_first_record_written() {
    let _alone = alone();
    let mut folder = branched();
    let before = folder.contents();
    assert_eq!(folder.read().expect("readable"), folder.history);
    let report = verify(folder.dir.path()).expect("can be verified");
    assert!(report.is_whole() && report.left_behind.is_empty(), "{report}");
    assert_eq!((report.branch, report.records), (3, 35));
    assert!(folder.contents() == before, "reading changed something");

    let mut journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    assert_eq!((journal.branch(), journal.last_sequence()), (3, 35));
    let begun = drain(&mut *journal.reader(1).expect("a reader")).expect("readable");
    assert_eq!(begun, folder.history);
    assert_eq!(format(folder.dir.path()), 1, "whoever opened it may still give it back");
    fill(&mut journal, &mut folder.history, &[&[50], &[2_000, 7]]);
    assert_eq!(format(folder.dir.path()), 3);
    assert_eq!(drain(&mut *journal.reader(1).expect("a reader")).expect("readable"), folder.history);
    // A branch begins with the hashes of what it leaves.
    journal.branch_before(20).expect("a place");
    folder.history.truncate(19);
    fill(&mut journal, &mut folder.history, &[&[5]]);
    drop(journal);
    assert_eq!(folder.read().expect("readable"), folder.history);
    assert_eq!(folder.start().expect("opens again"), folder.history);
    let report = verify(folder.dir.path()).expect("can be verified");
    assert!(report.is_whole() && report.left_behind.is_empty(), "{report}");
    assert_eq!((report.branches, report.records), (4, 20));
}

#[test]
fn a_folder_of_the_first_format_can_be_opened_before_a_record() {
    let _alone = alone();
    let folder = branched();
    folder::follow_advice(&folder, 33);
    assert_eq!(format(folder.dir.path()), 3);
}

#[test]
fn what_is_damaged_in_the_first_format_is_refused_and_left_alone() {
    let _alone = alone();
    for (case, statements) in [
        ("a row changed", "UPDATE batch SET records = zeroblob(length(records)) WHERE first = 32"),
        ("a row missing", "DELETE FROM batch WHERE branch = 1 AND first = 7"),
        ("the tail missing", "DELETE FROM batch WHERE branch = 3"),
        ("a false key", "UPDATE batch SET first = 8 WHERE branch = 1 AND first = 7"),
        ("the header", "UPDATE header SET value = '78' WHERE key = 'created_us'"),
    ] {
        let folder = branched();
        folder.sql(statements);
        let before = folder.contents();
        let error = SqliteJournal::open(folder.dir.path(), folder::options()).expect_err(case);
        let refused = matches!(error, JournalError::Damaged { .. } | JournalError::TailMissing { .. });
        assert!(refused, "{case}: {error}");
        assert!(folder.contents() == before, "{case}: the refusal changed something");
        assert!(!verify(folder.dir.path()).expect("can be verified").is_whole(), "{case}");
    }
}

#[test]
fn a_row_left_behind_that_has_no_place_in_the_new_format_keeps_the_old_one() {
    let _alone = alone();
    let mut folder = branched();
    folder.sql("UPDATE batch SET first = 1 << 50 WHERE branch = 1 AND first = 79");
    let mut journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("harms no start");
    fill(&mut journal, &mut folder.history, &[&[50], &[60, 7]]);
    assert_eq!(format(folder.dir.path()), 1);
    drop(journal);
    assert_eq!(folder.read().expect("readable"), folder.history);
}

#[test]
fn a_disk_without_room_for_both_formats_keeps_the_old_one_until_there_is() {
    let _alone = alone();
    let mut folder = branched();
    let pages = std::fs::metadata(folder.file("journal.db")).expect("there").len() / 4_096;
    let pages = u32::try_from(pages).expect("few") + 8;
    let full = Options { max_pages: Some(pages), ..folder::options() };
    let mut journal = SqliteJournal::open(folder.dir.path(), full).expect("opens all the same");
    fill(&mut journal, &mut folder.history, &[&[50], &[60, 7]]);
    assert_eq!(format(folder.dir.path()), 1);
    let mut large = Records::new();
    large.push(&vec![1; 40_000]);
    assert!(matches!(journal.append(0, &large, Urgency::Ordinary), Err(AppendError::Full)));
    drop(journal);
    assert_eq!(folder.read().expect("readable"), folder.history);
    let mut journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    fill(&mut journal, &mut folder.history, &[&[8]]);
    drop(journal);
    assert_eq!(folder.read().expect("readable"), folder.history);
    assert_eq!(format(folder.dir.path()), 3);
    assert!(verify(folder.dir.path()).expect("can be verified").is_whole());
}

/// What the first record after the crossing holds.
const NEXT: &[u8] = b"next";

/// Writes a record, says so, and waits to be killed.
fn cross_and_wait(dir: &Path) -> ! {
    let mut journal = SqliteJournal::open(dir, folder::options()).expect("opens");
    let mut next = Records::new();
    next.push(NEXT);
    journal.append(0, &next, Urgency::Ordinary).expect("room");
    let mut out = std::io::stdout().lock();
    writeln!(out, "\ncrossed").and_then(|()| out.flush()).expect("heard");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_kill_while_it_crosses_leaves_one_of_the_two_formats_whole() {
    if let Some(dir) = std::env::var_os(CHILD) {
        cross_and_wait(dir.as_ref());
    }
    let _alone = alone();
    let old = tempfile::tempdir().expect("a folder");
    let stored = rows(6_000, 2_500);
    write_first_format(old.path(), &[(0, 0, &stored)]);
    let history = stored.concat();
    let mut in_the_middle = 0;
    for share in 0..8u64 {
        let dir = tempfile::tempdir().expect("a folder");
        folder::copy_files(old.path(), dir.path());
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["a_kill_while_it_crosses_leaves_one_of_the_two_formats_whole", "--exact", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("runs");
        let out = child.stdout.take().expect("piped");
        let crossed = std::thread::spawn(move || {
            BufReader::new(out).lines().any(|line| line.is_ok_and(|line| line == "crossed"))
        });
        // The log grows by what is written anew: each round kills at a share of it, the last when it has crossed.
        let reached = || std::fs::metadata(dir.path().join("journal.db-wal")).map_or(0, |log| log.len());
        while !crossed.is_finished() && (share == 7 || reached() < share * 2_000_000) {
            std::thread::yield_now();
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        crossed.join().expect("heard");
        let report = verify(dir.path()).expect("can be verified");
        assert!(report.is_whole(), "round {share}: {report}");
        let stopped = StoppedJournal::open(dir.path()).expect("everything is there");
        let found = drain(&mut *stopped.reader(1).expect("a reader")).expect("readable");
        let (old, next) = found.split_at(history.len().min(found.len()));
        assert!(old == history, "round {share}: another history");
        assert!(next.is_empty() || format(dir.path()) == 3 && next == [NEXT], "round {share}");
        drop(stopped);
        in_the_middle += u32::from(share < 7 && reached() > 0 && format(dir.path()) == 1);
        let mut journal = SqliteJournal::open(dir.path(), folder::options()).expect("opens");
        let mut history = found;
        fill(&mut journal, &mut history, &[&[30]]);
        assert_eq!(format(dir.path()), 3, "round {share}");
        let found = drain(&mut *journal.reader(1).expect("a reader")).expect("readable");
        assert!(found == history, "round {share}: another history");
    }
    assert!(in_the_middle > 0, "no kill came while it crossed");
}
