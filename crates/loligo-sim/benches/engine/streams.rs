//! The streams `one`, `hundred` and `worst` through the whole engine, and the least that a table of the same orders
//! costs.

use crate::venue::Venue;
use hashbrown::HashMap;
use opstream::{HUNDRED_BOOKS, ONE_BOOK, Profile, Rng, Stream, Tally, generate, generate_worst};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// The seed whose figures the streams' README states.
const SEED: u64 = 20_261_122;
const RUNS: usize = 5;

/// Measures the time this thread was on a processor, so that neighbours on the machine count little; where the system
/// does not tell it, or only in steps that are longer, the time that passed.
pub struct Stopwatch {
    passed: Instant,
    run: Option<Duration>,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { passed: Instant::now(), run: Self::run_so_far() }
    }

    pub fn elapsed(&self) -> Duration {
        match (self.run, Self::run_so_far()) {
            (Some(before), Some(now)) if now > before => now - before,
            _ => self.passed.elapsed(),
        }
    }

    fn run_so_far() -> Option<Duration> {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    }
}

/// A stream to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// One book of about 10,000 orders.
    One,
    /// A hundred books of about 1,000.
    Hundred,
    /// So many orders on one level, cancelled in random order.
    Worst(u64),
}

impl Which {
    pub fn name(self) -> String {
        match self {
            Which::One => "one".into(),
            Which::Hundred => "hundred".into(),
            Which::Worst(orders) => format!("worst, {orders} orders"),
        }
    }

    fn profile(self) -> Option<Profile> {
        match self {
            Which::One => Some(ONE_BOOK),
            Which::Hundred => Some(HUNDRED_BOOKS),
            Which::Worst(_) => None,
        }
    }

    /// The stream; with so many measured operations instead of its own, when they are given.
    pub fn stream(self, measured: Option<u64>) -> Stream {
        match (self, self.profile()) {
            (Which::Worst(orders), _) => generate_worst(orders, SEED),
            (_, Some(profile)) => {
                generate(Profile { measured: measured.unwrap_or(profile.measured), ..profile }, SEED)
            }
            (_, None) => unreachable!("only the worst case has no profile"),
        }
    }
}

/// A stream cut where the measured phase begins.
pub fn phases(stream: &Stream) -> (&[opstream::Op], &[opstream::Op]) {
    stream.ops.split_at((stream.prefill + stream.warmup) as usize)
}

/// A venue with the unmeasured phases behind it.
pub fn warm(stream: &Stream) -> Venue {
    let mut venue = Venue::new(stream.books, stream.accounts);
    venue.run(phases(stream).0, &mut Tally::default());
    venue
}

fn time_engine(stream: &Stream) -> Duration {
    let mut venue = warm(stream);
    let mut tally = Tally::default();
    let start = Stopwatch::start();
    venue.run(phases(stream).1, &mut tally);
    let took = start.elapsed();
    assert_eq!(tally, stream.expect, "trades, volume and hash of the stream");
    took
}

/// The floor of a stream: a hash table of as many records as orders rest.
pub struct Floor {
    table: HashMap<u64, [u8; 64]>,
    live: Vec<u64>,
    next: u64,
    rng: Rng,
}

impl Floor {
    pub fn new(records: u64) -> Self {
        let mut table = HashMap::new();
        for id in 0..records {
            table.insert(id, [id as u8; 64]);
        }
        Self { table, live: (0..records).collect(), next: records, rng: Rng::new(SEED) }
    }

    /// One insert of a new id and one remove of a live one, each time.
    pub fn run(&mut self, operations: u64) {
        for _ in 0..operations {
            let at = self.rng.below(self.live.len() as u64) as usize;
            let id = std::mem::replace(&mut self.live[at], self.next);
            self.table.insert(self.next, black_box([self.next as u8; 64]));
            black_box(self.table.remove(&id));
            self.next += 1;
        }
    }
}

/// The floor of the worst case: as many records, removed in the order of the stream's cancels.
pub fn removal_table(stream: &Stream) -> HashMap<u64, [u8; 64]> {
    phases(stream).0.iter().map(|op| (op.id, [op.qty as u8; 64])).collect()
}

/// Removes them.
pub fn remove_all(table: &mut HashMap<u64, [u8; 64]>, stream: &Stream) {
    for op in phases(stream).1 {
        black_box(table.remove(&op.id));
    }
}

fn time_floor(which: Which, stream: &Stream) -> Duration {
    if let Which::Worst(_) = which {
        let mut table = removal_table(stream);
        let start = Stopwatch::start();
        remove_all(&mut table, stream);
        let took = start.elapsed();
        assert!(table.is_empty());
        return took;
    }
    let mut floor = Floor::new(stream.resting);
    let start = Stopwatch::start();
    floor.run(stream.measured);
    start.elapsed()
}

/// Time of one operation, and of the floor's, in tenths of nanoseconds; medians of interleaved runs.
pub struct Times {
    pub engine: u64,
    pub floor: u64,
    /// Median of the runs' own ratios, in hundredths.
    pub ratio: u64,
}

/// Runs the engine and the floor in turn.
pub fn measure(which: Which) -> Times {
    let stream = which.stream(None);
    let per_op = |took: Duration| took.as_nanos() as u64 * 10 / stream.measured;
    let mut runs = vec![];
    for _ in 0..RUNS {
        runs.push((per_op(time_engine(&stream)), per_op(time_floor(which, &stream)).max(1)));
    }
    Times {
        engine: median(runs.iter().map(|(engine, _)| *engine)),
        floor: median(runs.iter().map(|(_, floor)| *floor)),
        ratio: median(runs.iter().map(|(engine, floor)| engine * 100 / floor)),
    }
}

/// The middle one.
pub fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}
