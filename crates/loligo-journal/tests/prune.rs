//! Pruning: what goes and what stays, that damage to what stands for it is noticed, that a kill loses nothing, and that the
//! database stops growing.

mod folder;

use std::cell::Cell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use folder::{Folder, drain, fill, flip, options, record};
use loligo_journal::{
    Journal, JournalError, Options, Records, SqliteJournal, StoppedJournal, Survey, Urgency, verify,
};

const CHILD: &str = "JOURNAL_TEST_PRUNING";
const ALWAYS: &dyn Fn() -> bool = &|| true;

/// Twenty batches of three records, the first of a venue apart: records 1 and 2, then 3 to 5, 6 to 8, ..., 57 to 59.
fn batches() -> Vec<&'static [usize]> {
    let mut batches: Vec<&[usize]> = vec![&[300, 40]];
    batches.extend(std::iter::repeat_n::<&[usize]>(&[40, 700, 90], 19));
    batches
}

/// A stopped journal with snapshots at 10, 30, 45 and 59, pruned before 45: 3 to 8, 12 to 29 and 33 to 44 are gone.
fn pruned() -> Folder {
    let folder = folder::closed(&batches());
    let journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    let snapshots = journal.snapshots();
    for place in [10, 30, 45, 59] {
        snapshots.put(place, format!("the state at {place}").as_bytes()).expect("room");
    }
    assert_eq!(snapshots.prune(45, ALWAYS).expect("pruned"), 6 + 18 + 12);
    drop(journal);
    folder
}

fn cuts(folder: &Folder) -> Vec<(u64, u64, u64)> {
    let connection = rusqlite::Connection::open(folder.file("journal.db")).expect("opens");
    let mut query = connection.prepare("SELECT branch, first, last FROM cut ORDER BY place").expect("asked");
    let number = |row: &rusqlite::Row<'_>, at| row.get::<_, i64>(at).map(i64::cast_unsigned);
    let cuts = query.query_map([], |row| Ok((number(row, 0)?, number(row, 1)?, number(row, 2)?)));
    cuts.expect("answered").collect::<Result<_, _>>().expect("rows")
}

#[test]
fn what_nobody_stands_on_goes_and_the_rest_is_as_it_was() {
    let folder = pruned();
    assert_eq!(cuts(&folder), [(1, 3, 8), (1, 12, 29), (1, 33, 44)]);
    let journal = StoppedJournal::open(folder.dir.path()).expect("opens");
    assert_eq!((journal.last_sequence(), journal.kept_from().expect("told")), (59, 45));
    let tail = drain(&mut *journal.reader(45).expect("a reader")).expect("readable");
    assert_eq!(tail, folder.history[44..]);
    // What the log begins with can be read, and the rows of kept snapshots; who reads on is told.
    for (from, batch) in [(1, 1..=2), (2, 2..=2), (9, 9..=11), (31, 31..=32)] {
        let mut reader = journal.reader(from).expect("a reader");
        let read = reader.next_batch().expect("readable").expect("there");
        assert_eq!(read.first()..=read.last(), batch);
        let end = reader.next_batch().expect_err("the next is gone");
        assert!(
            matches!(end, JournalError::Pruned { asked, kept: 45, .. } if asked == batch.end() + 1),
            "{end}"
        );
    }
    for from in [3, 8, 12, 20, 29, 33, 44] {
        let refused = journal.reader(from).err().expect("gone");
        let words = format!(
            "record {from} is too early to read from: what came before record 45 was pruned, and that is the first place left"
        );
        assert_eq!(refused.to_string(), words);
    }
    for place in [10, 30, 45, 59] {
        let newest = journal.snapshots().newest(place).expect("readable");
        assert_eq!(newest.found.expect("there").0.sequence, place, "{:?}", newest.passed_over);
    }
    drop(journal);
    let report = verify(folder.dir.path()).expect("can be verified");
    assert!(report.is_whole() && report.left_behind.is_empty(), "{report}");
    assert_eq!((report.records, report.pruned, report.kept_from, report.snapshots), (59, 36, 45, 4));
    assert!(
        report.to_string().contains("pruned: 36 records; the log is whole from record 45 on"),
        "{report}"
    );

    // It goes on, forgets a snapshot, and cuts that meet are one.
    let mut journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    let mut history = folder.history.clone();
    fill(&mut journal, &mut history, &[&[50], &[60, 60]]);
    let snapshots = journal.snapshots();
    let list = snapshots.list().expect("a list");
    assert_eq!(snapshots.time_us(&list[1]).expect("readable"), Some(1_000));
    for info in &list[..2] {
        snapshots.remove(info).expect("removed");
    }
    assert_eq!(snapshots.prune(45, ALWAYS).expect("pruned"), 6, "the rows they stood on");
    drop(journal);
    assert_eq!(cuts(&folder), [(1, 3, 44)]);
    assert!(verify(folder.dir.path()).expect("can be verified").is_whole());
    let journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    assert_eq!(drain(&mut *journal.reader(45).expect("a reader")).expect("readable"), history[44..]);
}

#[test]
fn nothing_from_the_newest_snapshot_on_is_removed_and_nothing_without_one() {
    let folder = folder::closed(&batches());
    let mut journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    assert_eq!(journal.snapshots().prune(u64::MAX, ALWAYS).expect("nothing to do"), 0);
    assert_eq!(journal.kept_from().expect("told"), 1);
    journal.snapshots().put(31, b"a state").expect("room");
    // Told to stop, it has done what it had done.
    let steps = Cell::new(0);
    let some = journal.snapshots().prune(u64::MAX, &|| steps.replace(steps.get() + 1) < 0).expect("stopped");
    assert_eq!((some, journal.kept_from().expect("told")), (0, 1));
    assert_eq!(journal.snapshots().prune(u64::MAX, ALWAYS).expect("pruned"), 27);
    assert_eq!(journal.kept_from().expect("told"), 30);
    let refused = journal.branch_before(20).expect_err("gone");
    assert!(matches!(refused, JournalError::Pruned { asked: 20, kept: 32, .. }), "{refused}");
    let refused = journal.snapshots().put(20, b"too late").expect_err("gone");
    assert!(matches!(refused, JournalError::Pruned { asked: 20, kept: 30, .. }), "{refused}");
    let refused = journal.branch_before(31).expect_err("there, but no snapshot leads to it");
    assert!(matches!(refused, JournalError::Pruned { asked: 31, kept: 32, .. }), "{refused}");
    assert_eq!(journal.branch_before(32).expect("kept"), 2);
}

#[test]
fn a_reader_that_was_overtaken_is_told_and_one_ahead_reads_on() {
    let folder = folder::closed(&batches());
    let journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    let mut behind = journal.reader(1).expect("a reader");
    let mut ahead = journal.reader(46).expect("a reader");
    journal.snapshots().put(45, b"a state").expect("room");
    journal.snapshots().prune(45, ALWAYS).expect("pruned");
    assert_eq!(behind.next_batch().expect("readable").expect("there").last(), 2);
    let told = behind.next_batch().expect_err("gone");
    assert!(matches!(told, JournalError::Pruned { asked: 3, kept: 45, .. }), "{told}");
    assert_eq!(drain(&mut *ahead).expect("readable"), folder.history[45..]);
}

#[test]
fn what_branches_left_behind_goes_with_what_came_before_and_their_roots_stay() {
    let folder = folder::closed(&batches());
    let mut journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    journal.snapshots().put(50, b"left behind").expect("room");
    journal.branch_before(20).expect("in the middle of a row");
    let mut history = folder.history[..19].to_vec();
    fill(&mut journal, &mut history, &[&[5_000, 30], &[40; 10], &[50], &[60]]);
    journal.branch_before(33).expect("a place");
    history.truncate(32);
    fill(&mut journal, &mut history, &[&[33, 33], &[34], &[35]]);
    journal.snapshots().put(35, b"the newest").expect("room");
    // The second branch leaves the first at 19, the third the second at 32: what lies behind is older than 35.
    journal.snapshots().prune(35, ALWAYS).expect("pruned");
    assert_eq!(journal.kept_from().expect("told"), 35);
    drop(journal);
    // Rows 18 to 20 and 32 hold what branches stand on.
    let left = [(1, 3, 17), (1, 21, 59), (2, 20, 31), (2, 33, 33), (3, 33, 34)];
    assert_eq!(cuts(&folder), left);
    assert!(!folder.file("snapshots/000001-0000000000000050.snapshot").exists());
    let report = verify(folder.dir.path()).expect("can be verified");
    assert!(report.is_whole() && report.left_behind.is_empty(), "{report}");
    let survey = Survey::open(folder.dir.path()).expect("opens").expect("there");
    let told: Vec<_> = survey.branches().iter().map(|branch| (branch.id, branch.last)).collect();
    assert_eq!(told, [(1, 59), (2, 33), (3, 36)]);
    let told: Vec<_> = survey.batches(3, 1).filter_map(Result::err).map(|gone| gone.what).collect();
    assert_eq!(
        told,
        ["records 3 to 17 were pruned", "records 20 to 31 were pruned", "records 33 to 34 were pruned"]
    );
    drop(survey);
    // And a branch that is not old enough is left alone.
    let mut journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    assert_eq!(drain(&mut *journal.reader(35).expect("a reader")).expect("readable"), history[34..]);
    journal.branch_before(36).expect("a place");
    history.truncate(35);
    fill(&mut journal, &mut history, &[&[9], &[9]]);
    assert_eq!(journal.snapshots().prune(u64::MAX, ALWAYS).expect("pruned"), 0);
}

#[test]
fn a_pruned_journal_opens_before_a_record_only_where_a_state_can_be_had() {
    for (until, kept) in [(4, 46), (13, 46), (30, 46), (34, 46), (45, 46)] {
        let folder = pruned();
        let before = folder.contents();
        let refused = SqliteJournal::open_before(folder.dir.path(), until, options()).expect_err("too early");
        assert!(
            matches!(refused, JournalError::Pruned { asked, kept: to, .. } if (asked, to) == (until, kept)),
            "{refused}"
        );
        let words =
            format!("record {until} is too early to stop before: what came before record 46 was pruned");
        assert!(refused.to_string().contains(&words), "{refused}");
        assert!(folder.contents() == before, "before {until}: the refusal changed something");
    }
    // The place that the refusal names, and those that a kept snapshot and its row lead to.
    for until in [46, 50, 33, 32, 31, 12, 11] {
        let folder = pruned();
        let mut journal = SqliteJournal::open_before(folder.dir.path(), until, options())
            .unwrap_or_else(|error| panic!("before {until}: {error}"));
        assert_eq!(journal.last_sequence(), until - 1);
        let mut history = folder.history[..until as usize - 1].to_vec();
        fill(&mut journal, &mut history, &[&[7], &[8, 8]]);
        drop(journal);
        let journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens again");
        assert_eq!(
            drain(&mut *journal.reader(until).expect("a reader")).expect("readable"),
            history[until as usize - 1..]
        );
        drop(journal);
        let report = verify(folder.dir.path()).expect("can be verified");
        assert!(report.is_whole(), "before {until}: {report}");
    }
    // A snapshot that cannot be read leads nowhere.
    let folder = pruned();
    flip(&folder.file("snapshots/000001-0000000000000045.snapshot"), 140);
    let refused = SqliteJournal::open_before(folder.dir.path(), 50, options()).expect_err("no state");
    assert!(matches!(refused, JournalError::Pruned { asked: 50, kept: 60, .. }), "{refused}");
}

#[test]
fn a_table_of_cuts_that_is_not_what_was_written_is_noticed() {
    // The newest snapshot is of the row behind the last cut, so that a start looks at it.
    let near = || {
        let folder = pruned();
        fs::remove_file(folder.file("snapshots/000001-0000000000000059.snapshot")).expect("there");
        folder
    };
    // What was done, and whether a start comes upon it: it needs the cut before its snapshot, and nothing before that.
    let rows: [(&str, &str, bool); 14] = [
        ("nothing", "SELECT 1", false),
        ("the last cut missing", "DELETE FROM cut WHERE first = 33", true),
        ("another cut missing", "DELETE FROM cut WHERE first = 12", false),
        ("all cuts missing", "DELETE FROM cut", true),
        ("another hash", "UPDATE cut SET hash = randomblob(32) WHERE first = 33", true),
        ("another hash of an older one", "UPDATE cut SET hash = randomblob(32) WHERE first = 3", false),
        ("a hash of another length", "UPDATE cut SET hash = x'00' WHERE first = 33", true),
        ("ends too early", "UPDATE cut SET last = 43 WHERE first = 33", true),
        ("ends too late", "UPDATE cut SET last = 47 WHERE first = 33", false),
        ("begins too early", "UPDATE cut SET place = place - 1 WHERE first = 33", false),
        ("begins too late", "UPDATE cut SET place = place + 1 WHERE first = 33", false),
        ("of records that are there", "INSERT INTO cut VALUES ((1 << 42) + 48, 50, zeroblob(32))", false),
        ("of another branch", "INSERT INTO cut VALUES ((7 << 42) + 1, 5, zeroblob(32))", false),
        (
            "of acknowledged records, with the right hash",
            "INSERT INTO cut SELECT place, first + count - 1, hash FROM batch WHERE first = 51;
             DELETE FROM batch WHERE first = 51",
            true,
        ),
    ];
    for (case, statements, at_start) in rows {
        let folder = near();
        folder.sql(statements);
        let before = folder.contents();
        let report = verify(folder.dir.path());
        let whole = report.as_ref().is_ok_and(|report| report.is_whole());
        assert_eq!(whole, case == "nothing", "{case}: {report:?}");
        match SqliteJournal::open(folder.dir.path(), options()) {
            Err(error) => {
                assert!(at_start && matches!(error, JournalError::Damaged { .. }), "{case}: {error}");
                assert!(folder.contents() == before, "{case}: the refusal changed something");
            }
            Ok(journal) => {
                assert!(!at_start, "{case}: it started");
                match journal.reader(45) {
                    Ok(mut reader) => {
                        assert_eq!(drain(&mut *reader).expect("readable"), folder.history[44..], "{case}");
                    }
                    Err(error) => assert!(case == "ends too late", "{case}: {error}"),
                }
            }
        }
    }
    // A cut at the end, which never is.
    let folder = near();
    folder.sql(
        "INSERT INTO cut SELECT place, first + count - 1, hash FROM batch WHERE first = 57;
         DELETE FROM batch WHERE first = 57",
    );
    assert!(SqliteJournal::open(folder.dir.path(), options()).is_err());
    assert!(!verify(folder.dir.path()).expect("can be verified").is_whole());
}

#[test]
fn each_byte_flipped_in_the_table_of_cuts() {
    let folder = pruned();
    let path = folder.file("journal.db");
    let bytes = fs::read(&path).expect("there");
    let connection = rusqlite::Connection::open(&path).expect("opens");
    let page: usize = connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'cut'", [], |row| {
            row.get::<_, u32>(0).map(|page| page as usize)
        })
        .expect("a table");
    drop(connection);
    let page = (page - 1) * 4096..page * 4096;
    let (mut noticed, mut whole) = (0, 0);
    for at in page.filter(|&at| bytes[at] != 0) {
        flip(&path, at as u64);
        match verify(folder.dir.path()) {
            Ok(report) if report.is_whole() => {
                whole += 1;
                let journal = StoppedJournal::open(folder.dir.path()).expect("opens");
                assert_eq!(journal.kept_from().expect("told"), 45, "byte {at}");
                let tail = drain(&mut *journal.reader(45).expect("a reader")).expect("readable");
                assert_eq!(tail, folder.history[44..], "byte {at}");
            }
            _ => noticed += 1,
        }
        flip(&path, at as u64);
    }
    // Each of the three hashes alone is 32 bytes.
    assert!(noticed > 100, "{noticed} noticed, {whole} without a meaning");
    assert!(
        verify(folder.dir.path()).expect("can be verified").is_whole(),
        "the sweep left something flipped"
    );
}

#[test]
fn damaged_rows_are_not_pruned_away() {
    let folder = folder::closed(&batches());
    folder.sql("UPDATE batch SET time_us = 0 WHERE first = 21");
    let journal = SqliteJournal::open(folder.dir.path(), options());
    assert!(journal.is_err(), "no snapshot yet");
    let folder = folder::closed(&batches());
    let journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    journal.snapshots().put(45, b"a state").expect("room");
    drop(journal);
    folder.sql("UPDATE batch SET time_us = 0 WHERE first = 21");
    let journal = SqliteJournal::open(folder.dir.path(), options()).expect("needs only the tail");
    let told = journal.snapshots().prune(45, ALWAYS).expect_err("damaged");
    assert!(told.to_string().contains("record 21 of branch 1"), "{told}");
    drop(journal);
    assert_eq!(cuts(&folder), [(1, 3, 20)], "up to there");
    let damage = verify(folder.dir.path()).expect("can be verified").damage.expect("still there");
    assert!(damage.to_string().contains("record 21 of branch 1"), "{damage}");
}

#[test]
fn a_pruned_database_with_broken_pages_is_saved_with_its_cuts() {
    let folder = pruned();
    let journal = SqliteJournal::open(folder.dir.path(), options()).expect("opens");
    let mut history = folder.history.clone();
    let mut journal = journal;
    fill(&mut journal, &mut history, &[&[9_000], &[9_000]]);
    drop(journal);
    // The last pages belong to the last row.
    let path = folder.file("journal.db");
    let pages = fs::metadata(&path).expect("there").len() / 4096;
    for page in pages.saturating_sub(2)..pages {
        for at in 0..200 {
            flip(&path, page * 4096 + at);
        }
    }
    let mut journal = SqliteJournal::open_before(folder.dir.path(), 50, options()).expect("whole before");
    history.truncate(49);
    fill(&mut journal, &mut history, &[&[7]]);
    assert_eq!(journal.kept_from().expect("told"), 45);
    assert_eq!(drain(&mut *journal.reader(45).expect("a reader")).expect("readable"), history[44..]);
    drop(journal);
    assert!(folder.file("journal.db.damaged-1").exists(), "the pages were broken");
    assert!(verify(folder.dir.path()).expect("can be verified").is_whole());
}

/// Prunes, says so, and waits to be killed.
fn prune_and_wait(dir: &Path) -> ! {
    let journal = SqliteJournal::open(dir, options()).expect("opens");
    journal.snapshots().prune(u64::MAX, ALWAYS).expect("pruned");
    let mut out = std::io::stdout().lock();
    writeln!(out, "\npruned").and_then(|()| out.flush()).expect("heard");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_kill_while_it_prunes_loses_nothing_else() {
    const ROWS: u64 = 2_000;
    if let Some(dir) = std::env::var_os(CHILD) {
        prune_and_wait(dir.as_ref());
    }
    let whole = tempfile::tempdir().expect("a folder");
    let mut journal = SqliteJournal::open(whole.path(), options()).expect("opens");
    for row in 0..ROWS {
        let batch: Records = [record(2 * row, 900), record(2 * row + 1, 9)].iter().collect();
        journal.append(row as i64, &batch, Urgency::Ordinary).expect("room");
    }
    journal.snapshots().put(2 * ROWS - 100, b"a state").expect("room");
    drop(journal);
    let mut in_the_middle = 0;
    for share in 0..6u64 {
        let dir = tempfile::tempdir().expect("a folder");
        folder::copy_files(whole.path(), dir.path());
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["a_kill_while_it_prunes_loses_nothing_else", "--exact", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("runs");
        let out = child.stdout.take().expect("piped");
        let pruned = std::thread::spawn(move || {
            BufReader::new(out).lines().any(|line| line.is_ok_and(|line| line == "pruned"))
        });
        // Each step writes to the log: each round kills at another length of it, the last when all is done.
        let reached = || fs::metadata(dir.path().join("journal.db-wal")).map_or(0, |log| log.len());
        while !pruned.is_finished() && (share == 5 || reached() < 20_000 + share * 100_000) {
            std::thread::yield_now();
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        pruned.join().expect("heard");
        let report = verify(dir.path()).expect("can be verified");
        assert!(report.is_whole(), "round {share}: {report}");
        in_the_middle += u32::from(report.pruned > 0 && report.pruned < 2 * ROWS - 102);
        let journal = SqliteJournal::open(dir.path(), options()).expect("opens");
        let kept = journal.kept_from().expect("told");
        let found = drain(&mut *journal.reader(kept).expect("a reader")).expect("readable");
        assert_eq!(found.len() as u64, 2 * ROWS + 1 - kept);
        let right =
            (kept..).zip(&found).all(|(n, found)| *found == record(n - 1, if n % 2 == 1 { 900 } else { 9 }));
        assert!(right, "round {share}: another history");
        assert_eq!(
            journal.reader(1).expect("a reader").next_batch().expect("readable").expect("there").last(),
            2
        );
        // And it goes on from there.
        journal.snapshots().prune(u64::MAX, ALWAYS).expect("pruned");
        assert_eq!(journal.kept_from().expect("told"), 2 * ROWS - 101);
    }
    assert!(in_the_middle > 0, "no kill came while it pruned");
}

#[test]
fn a_journal_that_is_pruned_stops_growing() {
    /// Commits of a day; days that are kept, and those of the whole life.
    const DAY: u64 = 30;
    const KEPT: u64 = 3;
    const LIFE: u64 = 40;
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options { checkpoint_bytes: 128 * 1024, ..options() };
    let mut journal = SqliteJournal::open(dir.path(), options).expect("opens");
    let snapshots = journal.snapshots();
    let mut sizes = Vec::new();
    for day in 0..LIFE {
        for commit in 0..DAY {
            let batch: Records = [record(day * DAY + commit, 15_000)].iter().collect();
            journal.append((day * DAY + commit) as i64, &batch, Urgency::Ordinary).expect("room");
        }
        let last = journal.last_sequence();
        snapshots.put(last, b"the state of the day").expect("room");
        snapshots.prune(last.saturating_sub(KEPT * DAY), ALWAYS).expect("pruned");
        for info in snapshots.list().expect("a list").iter().rev().skip(KEPT as usize + 1) {
            snapshots.remove(info).expect("removed");
        }
        sizes.push(fs::metadata(dir.path().join("journal.db")).expect("there").len());
    }
    let (settled, end) = (sizes[2 * KEPT as usize + 2], sizes[LIFE as usize - 1]);
    assert!(end <= settled + settled / 8, "it went on growing: {sizes:?}");
    // What is kept, the day that comes in, and the pages between.
    assert!(end < 2 * (KEPT + 1) * DAY * 17_000, "{sizes:?}");
    assert!(fs::metadata(dir.path().join("journal.db-wal")).expect("there").len() < 4 * 1024 * 1024);
    drop(journal);
    assert!(verify(dir.path()).expect("can be verified").is_whole());
}
