//! How large a journal that is pruned becomes, and how long an append waits for pruning beside it.
//!
//! A tenth of what a live market writes (95 KB a minute) comes in for 24 days, of which 7 are kept; a snapshot a day. Pruning goes on
//! on a thread of its own, as in a venue. `cargo bench -p loligo-journal --bench prune [-- FOLDER]`; the folder must lie on the disk
//! to be measured.
#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use loligo_journal::{Journal, Options, Records, SqliteJournal, Urgency};

const LIFE: u64 = 24;
const KEPT: u64 = 7;
/// Commits of a day, and the bytes of each.
const COMMITS: u64 = 1_440;
const BYTES: usize = 9_500;

fn main() {
    let asked = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let base = asked.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let dir = tempfile::tempdir_in(&base).expect("a folder to measure in");
    let mut journal = SqliteJournal::open(dir.path(), Options::default()).expect("a new journal");
    let (order, orders) = sync_channel::<u64>(1);
    let pruning = AtomicBool::new(false);
    let (mut beside, mut alone): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    println!("| day | records kept | database, MB | log, MB |");
    println!("|---|---|---|---|");
    std::thread::scope(|scope| {
        let snapshots = journal.snapshots();
        let pruning = &pruning;
        scope.spawn(move || {
            for last in orders {
                pruning.store(true, Ordering::Release);
                snapshots.put(last, &vec![7; 100_000]).expect("room");
                snapshots.prune(last.saturating_sub(KEPT * COMMITS), &|| true).expect("pruned");
                for info in snapshots.list().expect("a list").iter().rev().skip(KEPT as usize + 1) {
                    snapshots.remove(info).expect("removed");
                }
                pruning.store(false, Ordering::Release);
            }
        });
        for day in 1..=LIFE {
            for commit in 0..COMMITS {
                let mut records = Records::new();
                records.push(&vec![(commit % 251) as u8; BYTES]);
                let begun = Instant::now();
                journal.append(0, &records, Urgency::Ordinary).expect("room");
                let spans = if pruning.load(Ordering::Acquire) { &mut beside } else { &mut alone };
                spans.push(begun.elapsed());
            }
            order.send(journal.last_sequence()).expect("the pruner goes on");
            let kept = journal.last_sequence() + 1 - journal.kept_from().expect("told");
            let size = |name: &str| fs::metadata(dir.path().join(name)).map_or(0, |file| file.len() >> 20);
            println!("| {day} | {kept} | {} | {} |", size("journal.db"), size("journal.db-wal"));
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
