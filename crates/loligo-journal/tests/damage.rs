//! Damaged files of a stopped journal: a start ends in a clear refusal or with everything that was acknowledged,
//! never with a quietly shorter history.

mod folder;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use folder::{Folder, History, advised_place, closed, flip, follow_advice, killed, killed_after};
use loligo_journal::{Journal, JournalError, SqliteJournal, Urgency, verify};

/// Small commits, and some that need pages of their own.
const BATCHES: &[&[usize]] =
    &[&[40], &[90, 90, 90], &[100], &[6_000, 20], &[80; 20], &[30], &[25, 25], &[9_000], &[60], &[70, 70]];
/// For the sweeps over single bytes: few pages.
const FEW: &[&[usize]] = &[&[40, 40], &[1_500], &[60, 60], &[50], &[45, 45, 45]];

#[derive(Debug, PartialEq)]
enum Verdict {
    Refused,
    Whole,
}

/// Judges one opening: everything that was acknowledged, or a refusal.
fn judge(case: &str, found: Result<History, JournalError>, acknowledged: &History) -> Verdict {
    match found {
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("journal"), "{case}: the refusal names no file: {text}");
            Verdict::Refused
        }
        Ok(found) => {
            assert_eq!(found.len(), acknowledged.len(), "{case}: another history");
            assert!(found == *acknowledged, "{case}: another history of the same length");
            Verdict::Whole
        }
    }
}

/// Flips one bit of each byte in `range` of a file in turn, and judges each. Of empty space, every 16th byte is
/// enough.
fn sweep(folder: &Folder, name: &str, range: std::ops::Range<u64>) -> (usize, usize) {
    let path = folder.file(name);
    let bytes = fs::read(&path).expect("there");
    let empty = |at: u64| {
        let at = at as usize;
        bytes[at.saturating_sub(16)..bytes.len().min(at + 16)].iter().all(|&byte| byte == 0)
    };
    let (mut refused, mut whole) = (0, 0);
    for at in range.filter(|&at| at % 16 == 0 || !empty(at)) {
        let case = format!("{name}, byte {at}");
        flip(&path, at);
        match judge(&case, folder.read(), &folder.history) {
            Verdict::Refused => {
                refused += 1;
                // A start agrees with the reading, leaves everything as it is, and its advice helps.
                if refused % 199 == 0 {
                    let copy = folder.copy();
                    let before = copy.contents();
                    let error = copy.start().expect_err("refused");
                    assert!(copy.contents() == before, "{case}: the refusal changed something");
                    if let Some(place) = advised_place(&error) {
                        follow_advice(&copy, place);
                    }
                }
            }
            Verdict::Whole => {
                whole += 1;
                if whole % 499 == 0 {
                    assert_eq!(judge(&case, folder.copy().start(), &folder.history), Verdict::Whole);
                }
            }
        }
        flip(&path, at);
    }
    assert_eq!(
        judge(name, folder.read(), &folder.history),
        Verdict::Whole,
        "the sweep left something flipped"
    );
    (refused, whole)
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).expect("there").len()
}

#[test]
fn each_byte_flipped_in_the_database() {
    let folder = closed(FEW);
    let pages = length(&folder.file("journal.db")) / 4096;
    assert!(pages < 9, "{pages} pages take too long to sweep");
    let (refused, whole) = sweep(&folder, "journal.db", 0..pages * 4096);
    // The rows themselves are some 2,000 bytes, each of which is covered by the chain.
    assert!(refused > 2_000, "{refused} refused, {whole} whole");
}

#[test]
fn each_byte_flipped_in_the_log() {
    let folder = killed_after(&[&[40, 40], &[1_500]], &[&[60, 60], &[50], &[45, 45, 45]]);
    let bytes = length(&folder.file("journal.db-wal"));
    assert!(bytes < 40_000, "{bytes} bytes take too long to sweep");
    let (refused, whole) = sweep(&folder, "journal.db-wal", 0..bytes);
    // SQLite's own sums cover each frame, and each commit in the log was acknowledged.
    assert!(refused > 3_000 && whole == 0, "{refused} refused, {whole} whole");
}

#[test]
fn each_byte_flipped_in_the_mark() {
    for folder in [closed(FEW), killed(FEW)] {
        let (refused, whole) = sweep(&folder, "journal.mark", 0..length(&folder.file("journal.mark")));
        // One slot is enough, unless the torn one may have said more.
        assert!(refused >= 64 && whole >= 64, "{refused} refused, {whole} whole");
    }
}

#[test]
fn files_cut_at_many_lengths() {
    for (folder, name) in
        [(closed(BATCHES), "journal.db"), (killed(BATCHES), "journal.db-wal"), (closed(FEW), "journal.mark")]
    {
        let path = folder.file(name);
        let bytes = fs::read(&path).expect("there");
        let step = if name.ends_with("mark") { 1 } else { 509 };
        let grain = if name.ends_with("wal") { 4120 } else { 4096 };
        let header = if name.ends_with("wal") { 32 } else { 0 };
        let edges = (0..bytes.len() / grain).flat_map(|page| {
            let edge = header + page * grain;
            [edge.saturating_sub(1), edge, edge + 1]
        });
        let mut refused = 0;
        for cut in (0..bytes.len()).step_by(step).chain(edges).filter(|&cut| cut < bytes.len()) {
            fs::write(&path, &bytes[..cut]).expect("written");
            let case = format!("{name} cut at {cut} of {}", bytes.len());
            let verdict = judge(&case, folder.read(), &folder.history);
            refused += usize::from(verdict == Verdict::Refused);
            assert!(
                verdict == Verdict::Refused || name.ends_with("mark"),
                "{case}: something was missing, yet it opened"
            );
            if cut % 7 == 0 {
                fs::write(&path, &bytes[..cut]).expect("written");
                assert_eq!(judge(&case, folder.copy().start(), &folder.history), verdict, "{case}");
            }
        }
        assert!(refused > 50, "{name}: {refused}");
    }
}

/// What a row of the table expects.
#[derive(Clone, Copy)]
enum Expect {
    Whole,
    Missing,
    TailMissing,
    Damaged,
    UnknownFormat,
    /// Refused, in whatever words.
    Refused,
    /// Refused; what could be kept is the history of another venue.
    Foreign,
}

fn check(case: &str, folder: &Folder, expect: Expect) {
    let before = folder.contents();
    let read = folder.read();
    let start = folder.start();
    let same = std::mem::discriminant(&read) == std::mem::discriminant(&start);
    assert!(same, "{case}: reading says {read:?}, starting says {start:?}");
    let error = match (start, expect) {
        (Ok(found), Expect::Whole) => {
            assert!(found == folder.history, "{case}: another history");
            return;
        }
        (Ok(_), _) => panic!("{case}: it started"),
        (Err(error), _) => error,
    };
    assert!(folder.contents() == before, "{case}: the refusal changed something");
    let right = match expect {
        Expect::Whole => false,
        Expect::Missing => matches!(error, JournalError::Missing { .. }),
        Expect::TailMissing => matches!(error, JournalError::TailMissing { .. }),
        Expect::Damaged => matches!(error, JournalError::Damaged { .. }),
        Expect::UnknownFormat => matches!(error, JournalError::UnknownFormat { .. }),
        Expect::Refused | Expect::Foreign => true,
    };
    assert!(right, "{case}: refused with {error:?}");
    if let Ok(report) = verify(folder.dir.path()) {
        assert!(!report.is_whole(), "{case}: refused, yet verified: {report}");
    }
    if let Some(place) = advised_place(&error).filter(|_| !matches!(expect, Expect::Foreign)) {
        follow_advice(folder, place);
    }
}

fn remove(folder: &Folder, name: &str) {
    fs::remove_file(folder.file(name)).expect("was there");
}

#[test]
fn files_missing_torn_or_of_another_time() {
    type Damage = fn(&Folder);
    let torn = |folder: &Folder, slots: &[u64]| {
        let file = OpenOptions::new().write(true).open(folder.file("journal.mark")).expect("opens");
        for slot in slots {
            file.write_all_at(&[0xff; 30], slot * 512 + 16).expect("written");
        }
    };
    // BATCHES is an even number of commits: the slot of the last commit is the second.
    let rows: [(&str, bool, Damage, Expect); 13] = [
        ("nothing", true, |_| {}, Expect::Whole),
        ("nothing", false, |_| {}, Expect::Whole),
        ("mark removed", true, |f| remove(f, "journal.mark"), Expect::Missing),
        ("mark removed", false, |f| remove(f, "journal.mark"), Expect::Missing),
        ("mark emptied", true, |f| fs::write(f.file("journal.mark"), b"").expect("written"), Expect::Damaged),
        ("log removed", true, |f| remove(f, "journal.db-wal"), Expect::TailMissing),
        (
            "an empty log after a clean exit",
            false,
            |f| fs::write(f.file("journal.db-wal"), b"").expect("written"),
            Expect::Whole,
        ),
        (
            "log emptied",
            true,
            |f| fs::write(f.file("journal.db-wal"), b"").expect("written"),
            Expect::TailMissing,
        ),
        ("database removed", true, |f| remove(f, "journal.db"), Expect::Missing),
        ("database removed", false, |f| remove(f, "journal.db"), Expect::Missing),
        (
            "database emptied",
            false,
            |f| fs::write(f.file("journal.db"), b"").expect("written"),
            Expect::Refused,
        ),
        (
            "database is text",
            false,
            |f| fs::write(f.file("journal.db"), [b'x'; 9000]).expect("written"),
            Expect::Damaged,
        ),
        (
            "database of another venue",
            false,
            |f| {
                let other = closed(&[&[7], &[8]]);
                fs::copy(other.file("journal.db"), f.file("journal.db")).expect("copied");
            },
            Expect::Foreign,
        ),
    ];
    for (case, by_kill, damage, expect) in rows {
        let folder = if by_kill { killed(BATCHES) } else { closed(BATCHES) };
        damage(&folder);
        check(&format!("{case} ({})", if by_kill { "killed" } else { "closed" }), &folder, expect);
    }
    let rows: [(&str, &[u64], Expect); 3] = [
        // The journal has gone past the readable slot, so it holds what the torn one said.
        ("newest slot torn", &[1], Expect::Whole),
        // The torn slot may have been written for a commit after the readable one, and there is none.
        ("older slot torn", &[0], Expect::Damaged),
        ("both slots torn", &[0, 1], Expect::Damaged),
    ];
    for (case, slots, expect) in rows {
        let folder = killed(BATCHES);
        torn(&folder, slots);
        check(case, &folder, expect);
    }
}

#[test]
fn a_mark_of_another_time() {
    // Two moments of the same life.
    let living = tempfile::tempdir().expect("a folder");
    let mut history = History::new();
    let mut journal = SqliteJournal::open(living.path(), folder::options()).expect("opens");
    folder::fill(&mut journal, &mut history, BATCHES);
    let moment = |history: &History| {
        let dir = tempfile::tempdir().expect("a folder");
        folder::copy_files(living.path(), dir.path());
        Folder { dir, history: history.clone() }
    };
    let earlier = moment(&history);
    folder::fill(&mut journal, &mut history, &[&[33, 44]]);
    let later = moment(&history);
    let with_mark = |folder: &Folder, mark: &Folder| {
        let folder = folder.copy();
        fs::copy(mark.file("journal.mark"), folder.file("journal.mark")).expect("copied");
        folder
    };
    check("mark ahead", &with_mark(&earlier, &later), Expect::TailMissing);
    // Killed between the commit and its mark: what was not acknowledged may be there all the same.
    check("mark behind", &with_mark(&later, &earlier), Expect::Whole);
    // And it may be missing: only the commit before it was acknowledged.
    let wal = fs::read(later.file("journal.db-wal")).expect("there");
    let acknowledged = fs::read(earlier.file("journal.db-wal")).expect("there").len();
    for cut in (acknowledged..wal.len()).step_by(97) {
        let folder = with_mark(&earlier, &earlier);
        fs::write(folder.file("journal.db-wal"), &wal[..cut]).expect("written");
        check(&format!("unacknowledged tail cut at {cut}"), &folder, Expect::Whole);
    }
    for cut in (0..acknowledged).rev().step_by(97).take(30) {
        let folder = with_mark(&earlier, &earlier);
        fs::write(folder.file("journal.db-wal"), &wal[..cut]).expect("written");
        check(&format!("acknowledged tail cut at {cut}"), &folder, Expect::TailMissing);
    }
    let other = killed(&[&[12], &[13]]);
    check("mark of another venue", &with_mark(&earlier, &other), Expect::Refused);
}

#[test]
fn rows_changed_with_a_tool() {
    const SWAP: &str = "
        UPDATE batch SET place = -5 WHERE first = 2;
        UPDATE batch SET place = place - 3 WHERE first = 5;
        UPDATE batch SET place = (SELECT place + 3 FROM batch WHERE first = 2) WHERE place = -5;";
    const SWAP_CONTENTS: &str = "
        CREATE TEMP TABLE a AS SELECT * FROM batch WHERE first = 1;
        UPDATE batch SET records = (SELECT records FROM batch WHERE first = 5),
            hash = (SELECT hash FROM batch WHERE first = 5) WHERE first = 1;
        UPDATE batch SET records = (SELECT records FROM a), hash = (SELECT hash FROM a) WHERE first = 5;";
    let rows: [(&str, &str, Expect); 22] = [
        ("first row deleted", "DELETE FROM batch WHERE first = 1", Expect::Damaged),
        ("row in the middle deleted", "DELETE FROM batch WHERE first = 5", Expect::Damaged),
        (
            "last row deleted",
            "DELETE FROM batch WHERE first = (SELECT max(first) FROM batch)",
            Expect::TailMissing,
        ),
        ("last rows deleted", "DELETE FROM batch WHERE first > 5", Expect::TailMissing),
        ("all rows deleted", "DELETE FROM batch", Expect::TailMissing),
        ("rows swapped", SWAP, Expect::Damaged),
        ("contents swapped", SWAP_CONTENTS, Expect::Damaged),
        ("hash changed", "UPDATE batch SET hash = randomblob(32) WHERE first = 5", Expect::Damaged),
        (
            "last hash changed",
            "UPDATE batch SET hash = randomblob(32) WHERE first = (SELECT max(first) FROM batch)",
            Expect::Damaged,
        ),
        ("hash of another length", "UPDATE batch SET hash = x'00' WHERE first = 5", Expect::Damaged),
        ("time changed", "UPDATE batch SET time_us = time_us + 1 WHERE first = 5", Expect::Damaged),
        ("count changed", "UPDATE batch SET count = count + 1 WHERE first = 5", Expect::Damaged),
        ("count negative", "UPDATE batch SET count = -1 WHERE first = 5", Expect::Damaged),
        ("records emptied", "UPDATE batch SET records = x'' WHERE first = 5", Expect::Damaged),
        (
            "a row added",
            "INSERT INTO batch SELECT place - first + 1000, count, time_us, records, hash FROM batch LIMIT 1",
            Expect::Damaged,
        ),
        ("a branch added", "INSERT INTO branch VALUES (2, 1, 900)", Expect::Damaged),
        ("the branch deleted", "DELETE FROM branch", Expect::Damaged),
        ("the branch moved", "UPDATE branch SET fork = 3", Expect::Damaged),
        ("the header changed", "UPDATE header SET value = '1' WHERE key = 'created_us'", Expect::Damaged),
        ("another format", "UPDATE header SET value = '4' WHERE key = 'format'", Expect::UnknownFormat),
        ("the format before", "UPDATE header SET value = '2' WHERE key = 'format'", Expect::Damaged),
        ("the format before that", "UPDATE header SET value = '1' WHERE key = 'format'", Expect::Damaged),
    ];
    let whole = closed(BATCHES);
    for (case, statements, expect) in rows {
        let folder = whole.copy();
        folder.sql(statements);
        check(case, &folder, expect);
    }
    for (case, statements) in [
        ("not a journal", "PRAGMA application_id = 7"),
        ("a table dropped", "DROP TABLE header"),
        ("rows dropped", "DROP TABLE batch"),
    ] {
        let folder = whole.copy();
        folder.sql(statements);
        check(case, &folder, Expect::Refused);
    }
}

#[test]
fn snapshots_that_are_damaged_are_passed_over_and_reported() {
    let folder = closed(BATCHES);
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    let snapshots = journal.snapshots();
    snapshots.put(5, b"the state at five").expect("room");
    snapshots.put(9, b"the state at nine").expect("room");
    drop(journal);
    let report = verify(folder.dir.path()).expect("can be verified");
    assert!(report.is_whole() && report.snapshots == 2, "{report}");
    let path = folder.file("snapshots").join("000001-0000000000000009.snapshot");
    let bytes = fs::read(&path).expect("there");
    for at in 0..bytes.len() as u64 {
        flip(&path, at);
        let journal =
            loligo_journal::StoppedJournal::open(folder.dir.path()).expect("the log holds everything");
        let newest = journal.snapshots().newest(u64::MAX).expect("readable");
        let (info, body) = newest.found.expect("the older one");
        assert_eq!((info.sequence, &body[..]), (5, &b"the state at five"[..]), "byte {at}");
        assert_eq!(newest.passed_over.len(), 1, "byte {at}: {:?}", newest.passed_over);
        assert!(newest.passed_over[0].starts_with(&*path.to_string_lossy()), "{:?}", newest.passed_over);
        drop(journal);
        assert!(!verify(folder.dir.path()).expect("can be verified").is_whole(), "byte {at}");
        flip(&path, at);
    }
    for cut in 0..bytes.len() {
        fs::write(&path, &bytes[..cut]).expect("written");
        let journal =
            loligo_journal::StoppedJournal::open(folder.dir.path()).expect("the log holds everything");
        let newest = journal.snapshots().newest(u64::MAX).expect("readable");
        assert_eq!(newest.found.expect("the older one").0.sequence, 5, "cut at {cut}");
        assert_eq!(newest.passed_over.len(), 1, "cut at {cut}: {:?}", newest.passed_over);
    }
}

#[test]
fn a_snapshot_tells_how_far_the_journal_must_reach() {
    let folder = closed(BATCHES);
    let last = folder.history.len() as u64;
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    journal.snapshots().put(last, b"the state at the end").expect("room");
    drop(journal);
    let shorter = closed(&BATCHES[..BATCHES.len() - 1]);
    for name in ["journal.db", "journal.mark"] {
        fs::copy(shorter.file(name), folder.file(name)).expect("copied");
    }
    check("an older database and mark", &folder, Expect::TailMissing);
    remove(&folder, "journal.db");
    remove(&folder, "journal.mark");
    check("only a snapshot left", &folder, Expect::Missing);
}

#[test]
fn damage_before_the_newest_snapshot_is_found_by_the_whole_check() {
    let folder = closed(BATCHES);
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    journal.snapshots().put(8, b"the state at eight").expect("room");
    drop(journal);
    folder.sql("UPDATE batch SET time_us = 0 WHERE first = 2");
    // A start needs nothing before the snapshot; who reads it is told.
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("needs only the tail");
    let tail = folder::drain(&mut *journal.reader(9).expect("a reader")).expect("readable");
    assert_eq!(tail, folder.history[8..]);
    let mut reader = journal.reader(1).expect("a reader");
    reader.next_batch().expect("the first row is whole");
    let error = reader.next_batch().expect_err("the second is not");
    assert!(error.to_string().contains("record 2 of branch 1"), "{error}");
    drop(journal);
    let report = verify(folder.dir.path()).expect("can be verified");
    let damage = report.damage.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(damage.contains("record 2 of branch 1"), "{report}");
    assert_eq!(report.records, 1);
}

#[test]
fn the_whole_check_changes_nothing() {
    for folder in [closed(BATCHES), killed(BATCHES)] {
        let before = folder.contents();
        let report = verify(folder.dir.path()).expect("can be verified");
        assert!(report.is_whole(), "{report}");
        assert_eq!((report.records, report.rows), (folder.history.len() as u64, BATCHES.len() as u64));
        assert!(folder.contents() == before, "verifying changed something");
        assert!(!folder.file("journal.db-shm").exists(), "verifying left a file behind");
        assert_eq!(folder.read().expect("readable"), folder.history);
        assert!(folder.contents() == before, "reading changed something");
    }
}

/// Another venue of the same shape: as many commits of as many records, other bytes.
fn twin(batches: &[&[usize]]) -> Folder {
    let dir = tempfile::tempdir().expect("a folder");
    let mut journal = SqliteJournal::open(dir.path(), folder::options()).expect("a new journal");
    let mut history = History::new();
    for lengths in batches {
        let records: Vec<_> = lengths.iter().map(|&length| vec![b'z'; length]).collect();
        journal.append(1_000, &records.iter().collect(), Urgency::Ordinary).expect("room");
        history.extend(records);
    }
    drop(journal);
    Folder { dir, history }
}

#[test]
fn a_journal_of_the_same_length_from_another_venue_is_noticed_by_the_mark() {
    let ours = closed(BATCHES);
    let theirs = twin(BATCHES);
    assert_eq!(ours.history.len(), theirs.history.len());
    assert_eq!(theirs.start().expect("whole by itself"), theirs.history);
    fs::copy(theirs.file("journal.db"), ours.file("journal.db")).expect("copied");
    let error = ours.start().expect_err("the mark is of another journal");
    let last = ours.history.len();
    assert!(
        matches!(&error, JournalError::Damaged { place, what, .. }
            if *place == format!("record {last} of branch 1") && what.contains("acknowledged")),
        "{error}"
    );
    assert!(ours.read().is_err());
    assert!(!verify(ours.dir.path()).expect("can be verified").is_whole());
}

/// A folder with snapshots of two places, and the same of another venue.
fn with_snapshots(folder: &Folder, places: &[u64]) {
    let journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
    for place in places {
        journal.snapshots().put(*place, format!("the state at {place}").as_bytes()).expect("room");
    }
}

fn snapshot_name(place: u64) -> String {
    format!("snapshots/000001-{place:016}.snapshot")
}

#[test]
fn a_snapshot_of_another_venue_is_noticed_whichever_it_is() {
    let theirs = twin(BATCHES);
    with_snapshots(&theirs, &[5, 9]);

    // The newest: a start refuses, and its advice helps for good.
    let ours = closed(BATCHES);
    with_snapshots(&ours, &[5, 9]);
    fs::copy(theirs.file(&snapshot_name(9)), ours.file(&snapshot_name(9))).expect("copied");
    let error = ours.start().expect_err("refused");
    assert!(error.to_string().contains("not the one a snapshot was taken at"), "{error}");
    assert!(!verify(ours.dir.path()).expect("can be verified").is_whole());
    follow_advice(&ours, advised_place(&error).expect("a way out"));

    // An older one: nothing is made of it when the newest fails.
    let ours = closed(BATCHES);
    with_snapshots(&ours, &[5, 9]);
    fs::copy(theirs.file(&snapshot_name(5)), ours.file(&snapshot_name(5))).expect("copied");
    flip(&ours.file(&snapshot_name(9)), 140);
    let journal = SqliteJournal::open(ours.dir.path(), folder::options()).expect("needs no snapshot");
    let newest = journal.snapshots().newest(u64::MAX).expect("readable");
    assert_eq!(newest.found, None);
    let told: Vec<_> =
        newest.passed_over.iter().map(|told| told.rsplit(": ").next().expect("a reason")).collect();
    assert_eq!(told, ["its body is not what was written", "it was not taken of this journal"]);
}
