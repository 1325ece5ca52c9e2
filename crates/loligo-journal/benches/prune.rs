//! How large a journal that is pruned becomes, and how long an append waits for pruning beside it.
//!
//! Days of a live market come in, of which seven are kept; a snapshot a day. Pruning goes on on a thread of its own, as in a venue.
//! `cargo bench -p loligo-journal --bench prune [-- [full] FOLDER]`; the folder must lie on the disk to be measured. With `full` all
//! that a live market writes comes in, in commits of its own size, which takes a quarter of an hour; else a tenth of its bytes, in
//! fewer commits.
#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use loligo_journal::{Journal, Options, Records, SqliteJournal, Urgency};

const KEPT: u64 = 7;

/// What comes in.
struct Volume {
    /// How many days.
    life: u64,
    /// Commits of a day.
    commits: u64,
    /// Bytes of each.
    bytes: usize,
    /// Bytes of a snapshot.
    snapshot: usize,
}

const TENTH: Volume = Volume { life: 24, commits: 1_440, bytes: 9_500, snapshot: 100_000 };
/// As `loligo serve --market live` writes on the machine's clock: 183 commits a minute of 436 bytes on average, and snapshots of 3 MB.
const FULL: Volume = Volume { life: 12, commits: 183 * 1_440, bytes: 436, snapshot: 3_000_000 };

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_full = words.first().is_some_and(|word| word == "full");
    let Volume { life, commits, bytes, snapshot } = if is_full { FULL } else { TENTH };
    let folder = words.drain(usize::from(is_full)..).next();
    let base = folder.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let dir = tempfile::tempdir_in(&base).expect("a folder to measure in");
    let mut journal = SqliteJournal::open(dir.path(), Options::default()).expect("a new journal");
    let (order, orders) = sync_channel::<u64>(1);
    let pruning = AtomicBool::new(false);
    let (mut beside, mut alone): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    println!("| day | records kept | database, MB | log, MB | snapshots, MB |");
    println!("|---|---|---|---|---|");
    std::thread::scope(|scope| {
        let snapshots = journal.snapshots();
        let pruning = &pruning;
        scope.spawn(move || {
            for last in orders {
                pruning.store(true, Ordering::Release);
                snapshots.put(last, &vec![7; snapshot]).expect("room");
                snapshots.prune(last.saturating_sub(KEPT * commits), &|| true).expect("pruned");
                for info in snapshots.list().expect("a list").iter().rev().skip(KEPT as usize + 1) {
                    snapshots.remove(info).expect("removed");
                }
                pruning.store(false, Ordering::Release);
            }
        });
        for day in 1..=life {
            for commit in 0..commits {
                let mut records = Records::new();
                records.push(&vec![(commit % 251) as u8; bytes]);
                let begun = Instant::now();
                journal.append(0, &records, Urgency::Ordinary).expect("room");
                let spans = if pruning.load(Ordering::Acquire) { &mut beside } else { &mut alone };
                spans.push(begun.elapsed());
            }
            order.send(journal.last_sequence()).expect("the pruner goes on");
            let kept = journal.last_sequence() + 1 - journal.kept_from().expect("told");
            let size = |name: &str| fs::metadata(dir.path().join(name)).map_or(0, |file| file.len() >> 20);
            let snapshots = fs::read_dir(dir.path().join("snapshots")).map_or(0, |files| {
                files.flatten().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum::<u64>()
                    >> 20
            });
            println!(
                "| {day} | {kept} | {} | {} | {snapshots} |",
                size("journal.db"),
                size("journal.db-wal")
            );
        }
        drop(order);
    });
    for (name, spans) in [("beside pruning", &mut beside), ("alone", &mut alone)] {
        spans.sort();
        let at = |permille: usize| spans.get(spans.len().saturating_sub(1) * permille / 1000);
        let micros = |permille| at(permille).map_or(0, |span| span.as_micros());
        println!(
            "appends {name}: {}, p50 {} us, p99 {} us, longest {} us",
            spans.len(),
            micros(500),
            micros(990),
            micros(1000)
        );
    }
}
