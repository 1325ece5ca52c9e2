//! Disks that fill up or fail under a running journal. Nothing that was acknowledged is lost, nothing that was
//! refused is found later, and what is undecided stops the journal.
//!
//! Limits are put on a child process, which is the same test of this binary again with `CHILD` set.
#![expect(clippy::print_stdout, reason = "a child tells its parent how it ended")]

mod folder;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use folder::{History, drain, fill, record};
use loligo_journal::{
    AppendError, Journal, Options, Records, SqliteJournal, StoppedJournal, Urgency, verify,
};

const CHILD: &str = "JOURNAL_TEST_FOLDER";

/// Held by each test to its end. A child begins with what is open here at that moment, so another test's folder would stay
/// locked for a moment after it was closed.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn child_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// Runs the test `name` again, as a child under the shell commands in `limits`.
fn run_child(name: &str, folder: &Path, limits: &str) -> Output {
    Command::new("sh")
        .arg("-c")
        .arg(format!("{limits}\nexec \"$0\" \"$@\""))
        .arg(std::env::current_exe().expect("this binary"))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .output()
        .expect("runs")
}

/// A batch of `count` records; numbers go on from `history`.
fn batch(history: &History, count: usize) -> (Vec<Vec<u8>>, Records) {
    let records: Vec<_> = (0..count).map(|n| record((history.len() + n) as u64, 100)).collect();
    let batch = records.iter().collect();
    (records, batch)
}

/// Appends until the disk is full; returns after the first refusal.
fn fill_up(journal: &mut SqliteJournal, history: &mut History, count: usize, urgency: Urgency) {
    for _ in 0..100_000 {
        let (records, batch) = batch(history, count);
        let last = journal.last_sequence();
        match journal.append(0, &batch, urgency) {
            Ok(first) => {
                assert_eq!(first, last + 1);
                history.extend(records);
            }
            Err(AppendError::Full) => {
                assert_eq!(journal.last_sequence(), last);
                return;
            }
            Err(error) => panic!("neither room nor full: {error}"),
        }
    }
    panic!("the disk never filled up");
}

fn check_contents(journal: &dyn Journal, history: &History) {
    assert_eq!(journal.last_sequence(), history.len() as u64);
    let found = drain(&mut *journal.reader(1).expect("a reader")).expect("readable");
    assert!(found == *history, "another history");
}

#[test]
fn a_database_at_its_bound_refuses_and_goes_on_when_there_is_room() {
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a folder");
    let bounded = Options { max_pages: Some(60), ..folder::options() };
    let mut history = History::new();
    let mut journal = SqliteJournal::open(dir.path(), bounded.clone()).expect("opens");
    fill_up(&mut journal, &mut history, 64, Urgency::Ordinary);
    assert!(history.len() > 500, "{}", history.len());
    check_contents(&journal, &history);
    // What was refused needs room that a single record does not.
    fill(&mut journal, &mut history, &[&[30], &[30]]);
    fill_up(&mut journal, &mut history, 1, Urgency::Ordinary);
    check_contents(&journal, &history);
    drop(journal);
    let mut journal = SqliteJournal::open(dir.path(), bounded).expect("a full journal opens");
    check_contents(&journal, &history);
    assert!(matches!(journal.append(0, &batch(&history, 64).1, Urgency::Ordinary), Err(AppendError::Full)));
    drop(journal);
    let mut journal = SqliteJournal::open(dir.path(), folder::options()).expect("opens");
    fill(&mut journal, &mut history, &[&[100; 64], &[30]]);
    check_contents(&journal, &history);
    drop(journal);
    assert!(verify(dir.path()).expect("can be verified").is_whole());
}

/// Runs in a file system of three megabytes.
fn on_a_small_disk(dir: &Path) {
    let journal_dir = dir.join("venue");
    let (ballast, reserve) = (dir.join("ballast"), journal_dir.join("journal.reserve"));
    // More than a checkpoint of all that fits beside it may need.
    std::fs::write(&ballast, vec![1; 3 * 512 * 1024]).expect("room");
    let options = Options { reserve_bytes: 256 * 1024, checkpoint_bytes: 200 * 1024, ..Options::default() };
    let mut history = History::new();
    let mut journal = SqliteJournal::open(&journal_dir, options.clone()).expect("opens");
    assert_eq!(std::fs::metadata(&reserve).expect("there").len(), 256 * 1024);
    // There is no room for room in the log: what was begun of it is given back.
    assert_eq!(std::fs::metadata(journal_dir.join("journal.db-wal")).expect("there").len(), 0);
    fill_up(&mut journal, &mut history, 64, Urgency::Ordinary);
    assert!(history.len() > 1_000, "{}", history.len());
    check_contents(&journal, &history);
    fill_up(&mut journal, &mut history, 1, Urgency::Ordinary);
    assert!(reserve.exists(), "what may wait does not touch what is held back");
    // It keeps the small batches of cancels going, and nothing else.
    for _ in 0..16 {
        let (records, cancel) = batch(&history, 1);
        journal.append(0, &cancel, Urgency::Urgent).expect("room for what is urgent");
        history.extend(records);
        let refused = journal.append(0, &batch(&history, 1).1, Urgency::Ordinary);
        assert!(matches!(refused, Err(AppendError::Full)), "{refused:?}");
    }
    assert!(!reserve.exists());
    check_contents(&journal, &history);
    fill_up(&mut journal, &mut history, 1, Urgency::Urgent);
    check_contents(&journal, &history);
    // A full disk does not keep a venue from opening: nothing that was acknowledged is out of reach.
    drop(journal);
    let mut journal = SqliteJournal::open(&journal_dir, options.clone()).expect("opens on a full disk");
    check_contents(&journal, &history);
    fill_up(&mut journal, &mut history, 64, Urgency::Urgent);
    let refused = journal.append(0, &batch(&history, 1).1, Urgency::Ordinary);
    assert!(matches!(refused, Err(AppendError::Full)), "{refused:?}");
    std::fs::remove_file(&ballast).expect("removed");
    fill(&mut journal, &mut history, &[&[30]]);
    assert_eq!(std::fs::metadata(&reserve).expect("taken back").len(), 256 * 1024);
    fill(&mut journal, &mut history, &[&[100; 64], &[100; 64], &[30]]);
    check_contents(&journal, &history);
    drop(journal);
    let report = verify(&journal_dir).expect("can be verified");
    assert!(report.is_whole(), "{report}");
    println!("small disk: done after {} records", history.len());
}

#[test]
fn a_full_disk_refuses_new_batches_and_the_reserve_lets_small_ones_in() {
    const NAME: &str = "a_full_disk_refuses_new_batches_and_the_reserve_lets_small_ones_in";
    if let Some(dir) = child_folder() {
        return on_a_small_disk(&dir);
    }
    let _alone = alone();
    let dir = tempfile::tempdir().expect("a folder");
    let mount = |then: &str| {
        format!(
            "exec unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=3m tmpfs {} && {then}'",
            dir.path().display()
        )
    };
    let allowed =
        Command::new("sh").arg("-c").arg(mount("true")).output().is_ok_and(|probe| probe.status.success());
    if !allowed {
        // The bound of pages above takes the same road; only the file system is missing here.
        folder::skip(NAME, "this machine gives tests no file system of their own (user namespaces)");
        return;
    }
    let inner = mount("exec \"$0\" \"$@\"") + " \"$0\" \"$@\"";
    let output = run_child(NAME, dir.path(), &inner);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("small disk: done"), "{output:?}");
}

/// Appends until the file-size limit stops it; says on the way what was acknowledged, and how it ended.
fn with_a_limit_on_files(dir: &Path) {
    let mut journal = SqliteJournal::open(dir, folder::options()).expect("opens");
    let mut history = History::new();
    for _ in 0..10_000 {
        let (records, batch) = batch(&history, 7);
        match journal.append(0, &batch, Urgency::Ordinary) {
            Ok(_) => history.extend(records),
            Err(AppendError::Undecided { after, .. }) => {
                println!("\nacknowledged {after} undecided");
                // It takes nothing more, and closing it does not touch the disk again.
                assert!(matches!(
                    journal.append(0, &batch, Urgency::Ordinary),
                    Err(AppendError::Stopped { .. })
                ));
                return;
            }
            Err(AppendError::Full) => {
                println!("\nacknowledged {} full", journal.last_sequence());
                check_contents(&journal, &history);
                return;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the limit was never reached");
}

#[test]
fn a_write_that_fails_stops_the_journal_and_the_next_start_decides() {
    const NAME: &str = "a_write_that_fails_stops_the_journal_and_the_next_start_decides";
    if let Some(dir) = child_folder() {
        return with_a_limit_on_files(&dir);
    }
    let _alone = alone();
    // A write is cut short at the limit: in the middle of a frame, at its edges, in its header.
    let mut undecided = 0;
    for units in (70..310).step_by(15) {
        let dir = tempfile::tempdir().expect("a folder");
        // The size is in units of 512 bytes or of 1,024, as the shell has it; either will do.
        let limits = format!("trap '' XFSZ; ulimit -f {units}");
        let output = run_child(NAME, dir.path(), &limits);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        let words =
            said.lines().find_map(|line| line.strip_prefix("acknowledged ")).expect("it says how it ended");
        let (acknowledged, ending) = words.split_once(' ').expect("a number and a word");
        let acknowledged: usize = acknowledged.parse().expect("a number");
        assert!(acknowledged > 20, "{units}: {said}");
        undecided += usize::from(ending == "undecided");
        let stopped = StoppedJournal::open(dir.path()).expect("everything acknowledged is there");
        let found = drain(&mut *stopped.reader(1).expect("a reader")).expect("readable");
        let expected: Vec<_> = (0..found.len()).map(|n| record(n as u64, 100)).collect();
        assert!(found == expected, "{units}: another history");
        // The batch in question is there whole or not at all; what was refused is not there.
        let possible =
            if ending == "undecided" { vec![acknowledged, acknowledged + 7] } else { vec![acknowledged] };
        assert!(possible.contains(&found.len()), "{units}: {} records after {said}", found.len());
        drop(stopped);
        let mut journal = SqliteJournal::open(dir.path(), folder::options()).expect("starts");
        let mut history = found;
        fill(&mut journal, &mut history, &[&[10], &[100; 64]]);
        check_contents(&journal, &history);
    }
    assert!(undecided > 0, "no write failed in an undecided way");
}
