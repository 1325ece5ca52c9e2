//! The write-ahead log is moved into the database while the journal is written and read, and stays within its bound.

mod folder;

use std::sync::atomic::{AtomicBool, Ordering};

use folder::{Folder, History, drain, fill, killed_after};
use loligo_journal::{Journal, Options, Records, SqliteJournal, StoppedJournal, Urgency};

const KIB: u64 = 1024;

/// Sizes that start a round every few commits.
fn busy() -> Options {
    Options { checkpoint_bytes: 64 * KIB, bound_bytes: 512 * KIB, ..folder::options() }
}

#[test]
fn the_log_stays_within_its_bound_while_a_reader_follows() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut journal = SqliteJournal::open(dir.path(), busy()).expect("opens");
    let mut reader = journal.reader(1).expect("a reader");
    let done = AtomicBool::new(false);
    let mut history = History::new();
    let (seen, log) = std::thread::scope(|scope| {
        let following = scope.spawn(|| {
            let mut seen = History::new();
            loop {
                let last_round = done.load(Ordering::Acquire);
                while let Some(batch) = reader.next_batch().expect("readable") {
                    assert_eq!(batch.first(), seen.len() as u64 + 1);
                    seen.extend(batch.iter().map(|(_, record)| record.to_vec()));
                }
                if last_round {
                    return seen;
                }
                std::thread::yield_now();
            }
        });
        let mut log = 0;
        for round in 0..400usize {
            let lengths = vec![20 + round % 90; 1 + round % 50];
            fill(&mut journal, &mut history, &[&lengths]);
            log = log.max(std::fs::metadata(dir.path().join("journal.db-wal")).expect("there").len());
        }
        done.store(true, Ordering::Release);
        (following.join().expect("no panic"), log)
    });
    assert!(seen == history, "the reader saw another history");
    // A reader in the wrong moment lets it grow over the bound, but not by much: all that was written is far more.
    assert!(log <= 1024 * KIB, "{log} bytes of log");
    let database = std::fs::metadata(dir.path().join("journal.db")).expect("there").len();
    assert!(database > 512 * KIB, "nothing was moved: {database} bytes");
    drop(journal);
    let folder = Folder { dir, history };
    assert_eq!(folder.read().expect("readable"), folder.history);
}

#[test]
fn one_who_holds_an_old_state_delays_the_log_but_stops_nobody() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut journal = SqliteJournal::open(dir.path(), busy()).expect("opens");
    let mut history = History::new();
    fill(&mut journal, &mut history, &[&[50; 50]]);
    let tool = rusqlite::Connection::open(dir.path().join("journal.db")).expect("opens");
    tool.execute_batch("BEGIN; SELECT count(*) FROM batch;").expect("reads");
    for _ in 0..200 {
        fill(&mut journal, &mut history, &[&[90; 60]]);
    }
    let held = std::fs::metadata(dir.path().join("journal.db-wal")).expect("there").len();
    assert!(held > 512 * KIB, "the tool held nothing up: {held}");
    let rows: i64 = tool.query_row("SELECT count(*) FROM batch", [], |row| row.get(0)).expect("reads");
    assert_eq!(rows, 1, "it reads the state it began with");
    tool.execute_batch("COMMIT").expect("lets go");
    for _ in 0..250 {
        fill(&mut journal, &mut history, &[&[90; 60]]);
    }
    let after = std::fs::metadata(dir.path().join("journal.db-wal")).expect("there").len();
    // A log is not made shorter, only begun anew: it grew no further.
    assert!(after <= held + 512 * KIB, "{held} bytes held, {after} after");
    drop(tool);
    drop(journal);
    let stopped = StoppedJournal::open(dir.path()).expect("opens");
    assert!(drain(&mut *stopped.reader(1).expect("a reader")).expect("readable") == history);
}

/// Copies a living journal at each of many moments, as kills at those moments would leave it.
#[test]
fn a_kill_at_any_moment_loses_nothing_acknowledged() {
    let living = tempfile::tempdir().expect("a folder");
    let mut journal = SqliteJournal::open(living.path(), busy()).expect("opens");
    let mut history = History::new();
    for round in 0..90usize {
        fill(&mut journal, &mut history, &[&vec![10 + round; 1 + round % 30]]);
        if round % 3 == 0 {
            // The checkpoint thread may be at work: the copy is of whatever moment each file is in, so the database
            // is copied before the log, as a checkpoint syncs the log before it touches the database.
            let dir = tempfile::tempdir().expect("a folder");
            folder::copy_files(living.path(), dir.path());
            let copy = Folder { dir, history: history.clone() };
            let found = copy.start().unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert!(found == history, "round {round}: another history");
        }
    }
}

#[test]
fn damage_in_a_log_that_was_moved_in_part() {
    // The log was moved whole and begun anew: new frames lie before old ones.
    let living = tempfile::tempdir().expect("a folder");
    let mut journal = SqliteJournal::open(living.path(), folder::options()).expect("opens");
    let mut history = History::new();
    fill(&mut journal, &mut history, &[&[40, 40], &[1_500], &[60, 60], &[50], &[45, 45, 45]]);
    let tool = rusqlite::Connection::open(living.path().join("journal.db")).expect("opens");
    let moved = |tool: &rusqlite::Connection| {
        tool.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
    };
    let (log, copied) = moved(&tool).expect("runs");
    assert!(log > 0 && log == copied, "{copied} of {log} frames");
    fill(&mut journal, &mut history, &[&[33], &[34, 34]]);
    let begun_anew = copy(living.path(), &history);
    // And moved whole, but not begun anew, since someone reads: the database is ahead of what the log says.
    let reader = rusqlite::Connection::open(living.path().join("journal.db")).expect("opens");
    reader.execute_batch("BEGIN; SELECT count(*) FROM batch;").expect("reads");
    moved(&tool).expect("runs");
    fill(&mut journal, &mut history, &[&[35], &[36, 36]]);
    let held = copy(living.path(), &history);
    for (name, folder) in [("begun anew", begun_anew), ("held", held)] {
        let path = folder.file("journal.db-wal");
        let length = std::fs::metadata(&path).expect("there").len();
        let (mut refused, mut whole) = (0, 0);
        for at in (0..length).step_by(11) {
            folder::flip(&path, at);
            match folder.read() {
                Err(_) => refused += 1,
                Ok(found) => {
                    assert!(found == folder.history, "{name}, byte {at}: another history");
                    whole += 1;
                }
            }
            folder::flip(&path, at);
        }
        assert!(refused > 100, "{name}: {refused} refused, {whole} whole");
    }
}

fn copy(living: &std::path::Path, history: &History) -> Folder {
    let dir = tempfile::tempdir().expect("a folder");
    folder::copy_files(living, dir.path());
    let folder = Folder { dir, history: history.clone() };
    assert!(folder.read().expect("readable") == *history);
    folder
}

#[test]
fn what_a_killed_life_left_is_kept_by_the_next_and_the_one_after() {
    let folder = killed_after(&[&[40], &[50, 50]], &[&[60], &[70; 30]]);
    let mut history = folder.history.clone();
    for round in 0..4 {
        let mut journal = SqliteJournal::open(folder.dir.path(), folder::options()).expect("opens");
        let last = journal.last_sequence();
        assert_eq!(last, history.len() as u64);
        let mut batch = Records::new();
        batch.push(&[round; 9]);
        journal.append(0, &batch, Urgency::Ordinary).expect("room");
        history.push(vec![round; 9]);
        let found = drain(&mut *journal.reader(1).expect("a reader")).expect("readable");
        assert!(found == history, "life {round}");
    }
}

#[test]
fn a_log_with_room_does_not_grow_and_what_it_holds_survives_a_kill() {
    const ROOM: u64 = 1024 * KIB;
    let living = tempfile::tempdir().expect("a folder");
    let options = Options { log_room_bytes: ROOM, ..busy() };
    let mut journal = SqliteJournal::open(living.path(), options.clone()).expect("opens");
    let log = || std::fs::metadata(living.path().join("journal.db-wal")).expect("there").len();
    let mut history = History::new();
    // A kill before the first record: a log of nothing but zeros, which no index is made for.
    let killed = copy(living.path(), &history);
    assert!(!killed.file("journal.db-shm").exists());
    for round in 0..300usize {
        assert_eq!(log(), ROOM, "round {round}");
        fill(&mut journal, &mut history, &[&vec![20 + round % 90; 1 + round % 40]]);
        if round % 20 == 0 {
            // In the first time round, zeros follow the last commit; later, frames of the time before.
            let killed = copy(living.path(), &history);
            let report = loligo_journal::verify(killed.dir.path()).expect("can be verified");
            assert!(report.is_whole(), "round {round}: {report}");
            let mut again = SqliteJournal::open(killed.dir.path(), options.clone()).expect("opens");
            let mut found = drain(&mut *again.reader(1).expect("a reader")).expect("readable");
            assert!(found == history, "round {round}: another history");
            fill(&mut again, &mut found, &[&[7], &[8, 9]]);
            drop(again);
            let killed = Folder { history: found, ..killed };
            assert_eq!(killed.read().expect("readable"), killed.history, "round {round}");
        }
    }
    let written: usize = history.iter().map(Vec::len).sum();
    assert!(written as u64 > 300 * KIB, "it never began anew: {written} bytes");
    drop(journal);
    assert!(!living.path().join("journal.db-wal").exists(), "a clean stop takes the log away, room and all");
}

#[test]
fn room_in_the_log_is_made_behind_what_a_killed_life_left_in_it() {
    let folder = killed_after(&[&[40]], &[&[60], &[70; 30]]);
    // Someone reads, so the log cannot be emptied at the start.
    let tool = rusqlite::Connection::open(folder.file("journal.db")).expect("opens");
    tool.execute_batch("BEGIN; SELECT count(*) FROM batch;").expect("reads");
    let options = Options { log_room_bytes: 128 * KIB, ..folder::options() };
    let mut journal = SqliteJournal::open(folder.dir.path(), options).expect("opens");
    let mut history = folder.history.clone();
    fill(&mut journal, &mut history, &[&[5], &[6, 7]]);
    assert_eq!(std::fs::metadata(folder.file("journal.db-wal")).expect("there").len(), 128 * KIB);
    let killed = copy(folder.dir.path(), &history);
    assert_eq!(killed.start().expect("opens"), history);
}
