//! How fast the embedded journal is beside the least that durability costs: appending the same bytes to a growing
//! file and syncing them. Both run in turn on the same disk; what is printed is the median of the runs.
//!
//! `cargo bench -p loligo-journal --bench journal [-- FOLDER]`; the folder must lie on the disk to be measured.
#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use loligo_journal::{Journal, Options, Records, SqliteJournal, Urgency};

const RUNS: usize = 5;

/// Full speed: group commits of this many records.
const FULL_BATCH: usize = 256;
const FULL_COMMITS: usize = 2_000;

/// Alone: one record a commit, each waiting for the one before, as one client sees it.
const ALONE_COMMITS: usize = 1_000;

/// Paced: a commit each millisecond.
const PACED_BATCH: usize = 64;
const PACED_COMMITS: usize = 3_000;
const PACE: Duration = Duration::from_millis(1);

fn main() {
    let asked = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    // Beside the build, and not in a folder that may be in memory.
    let base = asked.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let (mut full, mut alone, mut paced) = (Pair::default(), Pair::default(), Pair::default());
    for run in 0..RUNS {
        // The two take turns in going first, so that neither always finds the disk busy with the other's remains.
        for turn in 0..2 {
            let journal = (run + turn) % 2 == 0;
            for (pair, count, commits, pace) in [
                (&mut full, FULL_BATCH, FULL_COMMITS, Duration::ZERO),
                (&mut alone, 1, ALONE_COMMITS, Duration::ZERO),
                (&mut paced, PACED_BATCH, PACED_COMMITS, PACE),
            ] {
                let dir = tempfile::tempdir_in(&base).expect("a folder to measure in");
                let spans = if journal {
                    time_journal(dir.path(), count, commits, pace)
                } else {
                    time_floor(dir.path(), count, commits, pace)
                };
                pair.add(journal, spans);
            }
        }
    }
    print(&full, &alone, &paced);
}

/// Commit times of all runs, of the journal and of the floor.
#[derive(Default)]
struct Pair {
    journal: Vec<Vec<Duration>>,
    floor: Vec<Vec<Duration>>,
}

impl Pair {
    fn add(&mut self, journal: bool, spans: Vec<Duration>) {
        if journal { self.journal.push(spans) } else { self.floor.push(spans) }
    }

    /// The median over the runs of one figure, in nanoseconds: of the journal, of the floor.
    fn median(&self, figure: impl Fn(&[Duration]) -> u128) -> (u128, u128) {
        let of = |runs: &[Vec<Duration>]| {
            let mut figures: Vec<_> = runs
                .iter()
                .map(|run| {
                    let mut sorted = run.clone();
                    sorted.sort();
                    figure(&sorted)
                })
                .collect();
            figures.sort();
            figures.get(figures.len() / 2).copied().unwrap_or(0)
        };
        (of(&self.journal), of(&self.floor))
    }
}

fn print(full: &Pair, alone: &Pair, paced: &Pair) {
    println!("| journal, median of {RUNS} interleaved runs | journal | floor | ratio | bar |");
    println!("|---|---|---|---|---|");
    let (journal, floor) = full.median(|run| run.iter().map(Duration::as_nanos).sum());
    let rate = |nanos: u128| (FULL_BATCH * FULL_COMMITS) as u128 * 1_000_000_000 / nanos.max(1);
    println!(
        "| {FULL_BATCH} records a commit, full speed, records a second | {} | {} | {} of its rate | 0.35 |",
        rate(journal),
        rate(floor),
        ratio(floor, journal)
    );
    let rows = [("p50", 500, "-"), ("p99", 990, "3"), ("worst", 1000, "20 ms")];
    for (pair, name, rows) in [
        (paced, format!("1,000 commits a second of {PACED_BATCH} records"), &rows[..]),
        (alone, "one record a commit".to_owned(), &rows[..1]),
    ] {
        for (figure, permille, bar) in rows {
            let at = |run: &[Duration]| run[(run.len() * permille / 1000).min(run.len() - 1)].as_nanos();
            let (journal, floor) = pair.median(at);
            println!(
                "| {name}, {figure}, microseconds | {} | {} | {} | {bar} |",
                journal / 1000,
                floor / 1000,
                ratio(journal, floor)
            );
        }
    }
    let worst = |runs: &[Vec<Duration>]| runs.iter().flatten().max().map_or(0, Duration::as_micros);
    println!(
        "| worst commit of all runs, paced, microseconds | {} | {} | - | - |",
        worst(&paced.journal),
        worst(&paced.floor)
    );
}

/// `part / whole` with two decimals.
fn ratio(part: u128, whole: u128) -> String {
    let hundredths = part * 100 / whole.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Orders-like bytes that repeat nothing: about a hundred bytes a record, of 80 to 119.
fn batch(records: &mut Records, count: usize, seed: &mut u64) {
    records.clear();
    for _ in 0..count {
        let length = 80 + (next(seed) % 40) as usize;
        records.push_with(|bytes| {
            let end = bytes.len() + length;
            while bytes.len() < end {
                let word = next(seed).to_le_bytes();
                bytes.extend_from_slice(&word[..word.len().min(end - bytes.len())]);
            }
        });
    }
}

/// splitmix64.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *seed;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Runs `commit` for each batch, `pace` apart, and times each call alone.
fn time(count: usize, commits: usize, pace: Duration, mut commit: impl FnMut(&Records)) -> Vec<Duration> {
    let mut spans = Vec::with_capacity(commits);
    let mut records = Records::new();
    let mut seed = 7;
    let start = Instant::now();
    for number in 0..commits {
        batch(&mut records, count, &mut seed);
        let due = pace * number as u32;
        if let Some(wait) = due.checked_sub(start.elapsed()) {
            std::thread::sleep(wait);
        }
        let before = Instant::now();
        commit(&records);
        spans.push(before.elapsed());
    }
    spans
}

fn time_journal(dir: &Path, count: usize, commits: usize, pace: Duration) -> Vec<Duration> {
    let mut journal = SqliteJournal::open(dir, Options::default()).expect("a new journal");
    time(count, commits, pace, |records| {
        journal.append(1_767_225_600_000_000, records, Urgency::Ordinary).expect("room");
    })
}

fn time_floor(dir: &Path, count: usize, commits: usize, pace: Duration) -> Vec<Duration> {
    let mut file: File =
        OpenOptions::new().create_new(true).append(true).open(dir.join("floor")).expect("a new file");
    let mut bytes = Vec::new();
    time(count, commits, pace, |records| {
        bytes.clear();
        for record in records.iter() {
            bytes.extend_from_slice(&(record.len() as u32).to_le_bytes());
            bytes.extend_from_slice(record);
        }
        file.write_all(&bytes).expect("room");
        file.sync_data().expect("synced");
    })
}
