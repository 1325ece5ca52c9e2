//! Folders of stopped journals, as a clean exit and as a kill leave them, to be damaged and opened again.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use loligo_journal::{
    Journal, JournalError, Options, Reader, Records, SqliteJournal, StoppedJournal, Urgency,
};
use tempfile::TempDir;

/// Says that a test cannot be carried out on this machine, and why. The suite names a file for it, and counts what is in
/// there as skipped; without the suite it is told on standard error.
#[allow(clippy::print_stderr, reason = "whoever runs the test alone should hear of it")]
pub fn skip(test: &str, why: &str) {
    let Some(file) = std::env::var_os("LOLIGO_TEST_SKIPS") else {
        eprintln!("skipped: {test}: {why}");
        return;
    };
    let mut file = fs::File::options().append(true).open(file).expect("the suite made the file");
    file.write_all(format!("{test}: {why}\n").as_bytes()).expect("written");
}

/// Records in order, as a history should be read back.
pub type History = Vec<Vec<u8>>;

pub fn options() -> Options {
    Options { reserve_bytes: 0, log_room_bytes: 0, ..Options::default() }
}

/// A record that is unlike any other.
pub fn record(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = format!("record {number} ").into_bytes();
    let mut state = number;
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.push((state >> 56) as u8);
    }
    bytes
}

/// Appends batches of the given sizes (each a list of record lengths) and adds what was acknowledged to `history`.
pub fn fill(journal: &mut dyn Journal, history: &mut History, batches: &[&[usize]]) {
    for lengths in batches {
        let records: Vec<_> = lengths.iter().map(|&length| record(history.len() as u64, length)).collect();
        let batch: Records = records.iter().collect();
        let first = journal.append(1_000, &batch, Urgency::Ordinary).expect("room");
        assert_eq!(first, history.len() as u64 + 1);
        history.extend(records);
    }
}

pub fn drain(reader: &mut dyn Reader) -> Result<History, JournalError> {
    let mut history = History::new();
    while let Some(batch) = reader.next_batch()? {
        history.extend(batch.iter().map(|(_, record)| record.to_vec()));
    }
    Ok(history)
}

/// A stopped journal and what it had acknowledged.
pub struct Folder {
    pub dir: TempDir,
    pub history: History,
}

impl Folder {
    /// A copy to be damaged.
    pub fn copy(&self) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        copy_files(self.dir.path(), dir.path());
        Self { dir, history: self.history.clone() }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The whole history, read without changing anything.
    pub fn read(&self) -> Result<History, JournalError> {
        let journal = StoppedJournal::open(self.dir.path())?;
        drain(&mut *journal.reader(1)?)
    }

    /// The whole history, as a start finds it.
    pub fn start(&self) -> Result<History, JournalError> {
        let journal = SqliteJournal::open(self.dir.path(), options())?;
        drain(&mut *journal.reader(1)?)
    }

    /// Runs statements on the database, as a curious person with a tool would.
    pub fn sql(&self, statements: &str) {
        let connection = rusqlite::Connection::open(self.file("journal.db")).expect("opens");
        connection.execute_batch(statements).expect("runs");
    }

    /// Everything that is stored, to see that it was left alone. An empty log stores nothing.
    pub fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for name in ["journal.db", "journal.db-wal", "journal.mark"] {
            let bytes = fs::read(self.file(name)).unwrap_or_default();
            if !bytes.is_empty() {
                files.push((self.file(name), bytes));
            }
        }
        files
    }
}

/// Copies what is stored; the index of the log is made anew from the log.
pub fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            copy_files(&entry.path(), &target);
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A journal that was closed: everything lies in the database.
pub fn closed(batches: &[&[usize]]) -> Folder {
    let dir = tempfile::tempdir().expect("a folder");
    let mut history = History::new();
    let mut journal = SqliteJournal::open(dir.path(), options()).expect("a new journal");
    fill(&mut journal, &mut history, batches);
    drop(journal);
    Folder { dir, history }
}

/// A journal whose process was killed: everything lies in the write-ahead log.
pub fn killed(batches: &[&[usize]]) -> Folder {
    killed_after(batches, &[])
}

/// The same, killed in the second life: `old` lies in the database and `new` in the log.
pub fn killed_after(old: &[&[usize]], new: &[&[usize]]) -> Folder {
    let living = tempfile::tempdir().expect("a folder");
    let mut history = History::new();
    let mut journal = SqliteJournal::open(living.path(), options()).expect("a new journal");
    fill(&mut journal, &mut history, old);
    if !new.is_empty() {
        drop(journal);
        journal = SqliteJournal::open(living.path(), options()).expect("opens again");
        fill(&mut journal, &mut history, new);
    }
    // What a kill leaves is what the files hold now.
    let dir = tempfile::tempdir().expect("a folder");
    copy_files(living.path(), dir.path());
    Folder { dir, history }
}

/// What a refusal tells a person to do, if it names a place to go on from.
pub fn advised_place(error: &JournalError) -> Option<u64> {
    let text = error.to_string();
    let (_, rest) = text.split_once("--until ")?;
    rest.trim_end_matches('`').parse().ok()
}

/// Follows the advice of a refusal: what is kept is what was acknowledged, and the venue goes on from there.
pub fn follow_advice(folder: &Folder, place: u64) {
    let mut journal = SqliteJournal::open_before(folder.dir.path(), place, options())
        .unwrap_or_else(|error| panic!("the advice to go on before {place} does not help: {error}"));
    let kept = drain(&mut *journal.reader(1).expect("a reader")).expect("readable");
    assert_eq!(kept, folder.history[..place as usize - 1], "kept before {place}");
    let mut history = kept;
    fill(&mut journal, &mut history, &[&[50], &[5_000, 3], &[20; 40]]);
    drop(journal);
    let report = loligo_journal::verify(folder.dir.path()).expect("can be verified");
    assert!(report.is_whole(), "{report}");
    assert_eq!(report.records, history.len() as u64);
    let again = SqliteJournal::open(folder.dir.path(), options()).expect("starts again");
    assert_eq!(drain(&mut *again.reader(1).expect("a reader")).expect("readable"), history);
}

/// Flips one bit of a byte in place; a second time puts it back.
pub fn flip(path: &Path, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(path).expect("opens");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("inside the file");
    file.write_all_at(&[byte[0] ^ (1 << (at % 8))], at).expect("written");
}
