//! A process that is killed while it appends: everything it said was acknowledged is there, in order, and at most
//! the batch it was at is there besides.

mod folder;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use folder::{drain, record};
use loligo_journal::{Journal, Options, Records, SqliteJournal, Urgency, verify};

const CHILD: &str = "JOURNAL_TEST_FOLDER";
const ROUNDS: usize = 12;

/// Small enough that checkpoints and logs begun anew happen all the time.
fn busy() -> Options {
    Options { checkpoint_bytes: 64 * 1024, bound_bytes: 256 * 1024, ..folder::options() }
}

/// Appends for ever, and says after each batch what was acknowledged.
fn append_for_ever(dir: &Path) -> ! {
    let mut journal = SqliteJournal::open(dir, busy()).expect("opens");
    let mut out = std::io::stdout().lock();
    loop {
        let next = journal.last_sequence();
        let batch: Records = (0..1 + next % 7).map(|n| record(next + n, 100)).collect();
        journal.append(0, &batch, Urgency::Ordinary).expect("room");
        writeln!(out, "\nacknowledged {}", journal.last_sequence())
            .and_then(|()| out.flush())
            .expect("heard");
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    // The process that is killed is this test again.
    if let Some(dir) = std::env::var_os(CHILD) {
        append_for_ever(dir.as_ref());
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mut found = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["what_was_acknowledged_survives_a_kill", "--exact", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("runs");
        // A moment of its own each round: after so many acknowledgements.
        let moment = 5 + (round * 37) % 90;
        let mut said = 0;
        let mut heard = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut acknowledged = |line: Option<std::io::Result<String>>| -> bool {
            let Some(Ok(line)) = line else { return false };
            if let Some(number) = line.strip_prefix("acknowledged ").and_then(|number| number.parse().ok()) {
                said = number;
            }
            true
        };
        for _ in 0..moment * 2 {
            assert!(acknowledged(heard.next()), "round {round}: the child ended by itself");
        }
        child.kill().expect("killed");
        // What it still said before it died was acknowledged too.
        while acknowledged(heard.next()) {}
        child.wait().expect("gone");
        assert!(said > found, "round {round}: it only said {said} after {found}");
        if round % 2 == 0 {
            let report = verify(dir.path()).expect("can be verified");
            assert!(report.is_whole(), "round {round}: {report}");
        }
        let journal = SqliteJournal::open(dir.path(), busy()).expect("everything acknowledged is there");
        let history = drain(&mut *journal.reader(1).expect("a reader")).expect("readable");
        found = history.len() as u64;
        assert!((said..=said + 7).contains(&found), "round {round}: {said} acknowledged, {found} found");
        let right = history.iter().enumerate().all(|(n, bytes)| *bytes == record(n as u64, 100));
        assert!(right, "round {round}: another history");
    }
}
