//! Random lives of a journal against the plainest model there is: a list of records per branch.

mod folder;

use std::path::Path;

use folder::{History, copy_files, drain, options, record};
use loligo_journal::{Journal, JournalError, MemoryJournal, Records, SqliteJournal, Urgency, verify};
use proptest::prelude::*;
use tempfile::TempDir;

#[derive(Debug, Clone)]
enum Step {
    /// Records of these lengths.
    Append(Vec<usize>),
    /// Close and open again.
    Reopen,
    /// Go on with a copy of what a kill would leave.
    Kill,
    /// A new branch, at this share of the history in 256ths.
    Branch(u8),
    /// Reopen before a place, as an operator does.
    OpenBefore(u8),
    /// A snapshot at this share of the history.
    Snapshot(u8),
    /// Read from this share of the history.
    Read(u8),
    /// Prune before this share of the history.
    Prune(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![8 => 0usize..200, 1 => 3_000usize..12_000];
    prop_oneof![
        12 => prop::collection::vec(length, 1..12).prop_map(Step::Append),
        2 => Just(Step::Reopen),
        2 => Just(Step::Kill),
        2 => any::<u8>().prop_map(Step::Branch),
        1 => any::<u8>().prop_map(Step::OpenBefore),
        2 => any::<u8>().prop_map(Step::Snapshot),
        3 => any::<u8>().prop_map(Step::Read),
        2 => any::<u8>().prop_map(Step::Prune),
    ]
}

/// A place among `0..=last`.
fn share(of: u8, last: u64) -> u64 {
    (last * u64::from(of) + 128) / 255
}

/// What the journal should hold: records with their times, and snapshots of places that are still in the history.
#[derive(Debug, Default, Clone)]
struct Model {
    history: Vec<(i64, Vec<u8>)>,
    snapshots: Vec<(u64, Vec<u8>)>,
    branch: u64,
    branches: u64,
    made: u64,
    /// Records before this one may be gone; the others are there.
    pruned: u64,
}

impl Model {
    fn new() -> Self {
        Self { branch: 1, branches: 1, pruned: 1, ..Self::default() }
    }

    /// Checks that a place may be refused: from the newest snapshot on at least, a state can always be had.
    fn has_no_state_before(&self, sequence: u64) {
        let newest = self.snapshots.last().map_or(0, |(at, _)| *at).max(self.pruned);
        assert!(self.pruned > 1 && sequence <= newest, "before {sequence}, with a snapshot of {newest}");
    }

    fn branch_before(&mut self, sequence: u64) {
        self.history.truncate(sequence as usize - 1);
        self.snapshots.retain(|(at, _)| *at < sequence);
        self.pruned = self.pruned.min(sequence);
        self.branches += 1;
        self.branch = self.branches;
    }
}

/// A journal that can be closed, killed and opened again, or only go on.
trait Life {
    fn journal(&mut self) -> &mut dyn Journal;
    fn reopen(&mut self);
    fn kill(&mut self);
    /// False when the state before that place cannot be had any more.
    fn open_before(&mut self, sequence: u64) -> bool;
}

struct Disk {
    dir: TempDir,
    journal: Option<SqliteJournal>,
}

impl Disk {
    fn open(dir: &Path) -> Option<SqliteJournal> {
        Some(SqliteJournal::open(dir, options()).expect("opens"))
    }
}

impl Life for Disk {
    fn journal(&mut self) -> &mut dyn Journal {
        self.journal.as_mut().expect("open")
    }

    fn reopen(&mut self) {
        self.journal = None;
        let report = verify(self.dir.path()).expect("can be verified");
        assert!(report.is_whole(), "{report}");
        self.journal = Self::open(self.dir.path());
    }

    fn kill(&mut self) {
        let copy = tempfile::tempdir().expect("a folder");
        copy_files(self.dir.path(), copy.path());
        self.journal = None;
        self.dir = copy;
        self.journal = Self::open(self.dir.path());
    }

    fn open_before(&mut self, sequence: u64) -> bool {
        self.journal = None;
        match SqliteJournal::open_before(self.dir.path(), sequence, options()) {
            Ok(journal) => self.journal = Some(journal),
            Err(JournalError::Pruned { asked, kept, .. }) => {
                assert!(asked == sequence && kept > sequence, "{asked} of {sequence}, {kept}");
                self.journal = Self::open(self.dir.path());
                return false;
            }
            Err(error) => panic!("before {sequence}: {error}"),
        }
        true
    }
}

struct Memory(MemoryJournal);

impl Life for Memory {
    fn journal(&mut self) -> &mut dyn Journal {
        &mut self.0
    }

    fn reopen(&mut self) {}

    fn kill(&mut self) {}

    fn open_before(&mut self, sequence: u64) -> bool {
        branches(&mut self.0, sequence).is_some()
    }
}

/// The new branch, or `None` where the record before it is gone.
fn branches(journal: &mut dyn Journal, sequence: u64) -> Option<u64> {
    match journal.branch_before(sequence) {
        Ok(branch) => Some(branch),
        Err(JournalError::Pruned { asked, .. }) if asked == sequence => None,
        Err(error) => panic!("before {sequence}: {error}"),
    }
}

fn live(life: &mut dyn Life, steps: &[Step]) {
    let mut model = Model::new();
    for (number, step) in steps.iter().enumerate() {
        let last = model.history.len() as u64;
        match step {
            Step::Append(lengths) => {
                let time = number as i64 - 10;
                let records: Vec<_> = lengths
                    .iter()
                    .map(|&length| {
                        model.made += 1;
                        let mut bytes = record(model.made, length);
                        bytes.truncate(length);
                        bytes
                    })
                    .collect();
                let batch: Records = records.iter().collect();
                assert_eq!(life.journal().append(time, &batch, Urgency::Ordinary).expect("room"), last + 1);
                model.history.extend(records.into_iter().map(|bytes| (time, bytes)));
            }
            Step::Reopen => life.reopen(),
            Step::Kill => life.kill(),
            Step::Branch(at) => {
                let sequence = share(*at, last) + 1;
                match branches(life.journal(), sequence) {
                    Some(branch) => {
                        model.branch_before(sequence);
                        assert_eq!(branch, model.branch);
                    }
                    None => model.has_no_state_before(sequence),
                }
            }
            Step::OpenBefore(at) => {
                let sequence = share(*at, last) + 1;
                if life.open_before(sequence) {
                    model.branch_before(sequence);
                } else {
                    model.has_no_state_before(sequence);
                }
            }
            Step::Snapshot(at) => {
                let sequence = share(*at, last);
                let body = format!("state {sequence}, taken at step {number}").into_bytes();
                match life.journal().snapshots().put(sequence, &body) {
                    Ok(()) => {}
                    Err(JournalError::Pruned { .. }) if sequence < model.pruned => continue,
                    Err(error) => panic!("at {sequence}: {error}"),
                }
                model.snapshots.retain(|(at, _)| *at != sequence);
                model.snapshots.push((sequence, body));
                model.snapshots.sort();
            }
            Step::Read(at) => check_from(life.journal(), &model, share(*at, last) + 1),
            Step::Prune(at) => {
                let before = share(*at, last) + 1;
                let removed = life.journal().snapshots().prune(before, &|| true).expect("pruned");
                let newest = model.snapshots.last().map_or(0, |(at, _)| *at);
                assert!(removed == 0 || newest > 0, "nothing goes without a snapshot");
                model.pruned = model.pruned.max(before.min(newest));
            }
        }
        let journal = life.journal();
        assert_eq!(
            (journal.branch(), journal.last_sequence()),
            (model.branch, model.history.len() as u64),
            "after step {number}, {step:?}"
        );
    }
    life.reopen();
    check_from(life.journal(), &model, 1);
    let kept_from = life.journal().kept_from().expect("told");
    check_from(life.journal(), &model, kept_from);
    check_snapshots(life.journal(), &model);
}

fn check_from(journal: &dyn Journal, model: &Model, from: u64) {
    let kept = journal.kept_from().expect("told");
    assert!(kept <= model.pruned, "kept from {kept}, pruned before {}", model.pruned);
    let gone = |error| match error {
        JournalError::Pruned { asked, kept: told, .. } => {
            assert!(told == kept && asked < kept, "record {asked} of those from {kept} on");
        }
        error => panic!("from {from}: {error}"),
    };
    let mut reader = match journal.reader(from) {
        Ok(reader) => reader,
        Err(error) => return gone(error),
    };
    let mut found = Vec::new();
    loop {
        let batch = match reader.next_batch() {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(error) => {
                let read = &model.history[from as usize - 1..];
                assert!(read.starts_with(&found), "from {from}: another history");
                return gone(error);
            }
        };
        for (sequence, bytes) in batch.iter() {
            assert_eq!(sequence, from + found.len() as u64);
            found.push((batch.time_us(), bytes.to_vec()));
        }
    }
    assert!(found == model.history[from as usize - 1..], "from {from}: another history");
    let history: History = drain(&mut *journal.reader(from).expect("a reader")).expect("readable");
    assert_eq!(history.len(), found.len());
}

fn check_snapshots(journal: &dyn Journal, model: &Model) {
    let snapshots = journal.snapshots();
    let places: Vec<_> = snapshots.list().expect("a list").iter().map(|info| info.sequence).collect();
    let expected: Vec<_> = model.snapshots.iter().map(|(at, _)| *at).collect();
    assert_eq!(places, expected);
    for at in 0..=model.history.len() as u64 {
        let newest = snapshots.newest(at).expect("readable").found.map(|(info, body)| (info.sequence, body));
        assert_eq!(newest.as_ref(), model.snapshots.iter().rfind(|(place, _)| *place <= at), "at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_on_disk_is_a_list(steps in prop::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Disk::open(dir.path());
        live(&mut Disk { dir, journal }, &steps);
    }

    #[test]
    fn a_journal_in_memory_is_a_list(steps in prop::collection::vec(step(), 1..60)) {
        live(&mut Memory(MemoryJournal::new()), &steps);
    }
}
