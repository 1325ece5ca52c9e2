//! Replaying stored commands, beside the engine alone on the same commands.

use crate::streams::{Stopwatch, Which, median, phases, warm};
use crate::venue::{command, count};
use loligo_engine::Command;
use opstream::Tally;

const RUNS: usize = 5;

/// Tenths of nanoseconds per command: replayed, and applied alone.
pub struct Replay {
    pub decoded: u64,
    pub applied: u64,
    /// Rate of the replay in hundredths of the engine's; median of the runs.
    pub share: u64,
}

/// Runs both in turn over the measured phase of `one`.
pub fn measure() -> Replay {
    let stream = Which::One.stream(None);
    let commands: Vec<Command> = phases(&stream).1.iter().map(command).collect();
    let mut stored = Vec::new();
    let mut ends = Vec::with_capacity(commands.len());
    for command in &commands {
        command.encode(&mut stored);
        ends.push(stored.len());
    }
    let mut runs = vec![];
    for _ in 0..RUNS {
        let (mut venue, mut tally) = (warm(&stream), Tally::default());
        let start = Stopwatch::start();
        for command in &commands {
            venue.apply(command);
            count(&venue.events, &mut tally);
        }
        let applied = start.elapsed().as_nanos() as u64;
        assert_eq!(tally, stream.expect, "trades, volume and hash of the stream");

        let (mut venue, mut tally) = (warm(&stream), Tally::default());
        let start = Stopwatch::start();
        let mut from = 0;
        for end in &ends {
            let command = Command::decode(&stored[from..*end]).expect("just written");
            from = *end;
            venue.apply(&command);
            count(&venue.events, &mut tally);
        }
        let decoded = start.elapsed().as_nanos() as u64;
        assert_eq!(tally, stream.expect, "trades, volume and hash of the stream");
        runs.push((decoded, applied));
    }
    let per_op = |nanos: u64| nanos * 10 / stream.measured;
    Replay {
        decoded: per_op(median(runs.iter().map(|(decoded, _)| *decoded))),
        applied: per_op(median(runs.iter().map(|(_, applied)| *applied))),
        share: median(runs.iter().map(|(decoded, applied)| applied * 100 / decoded)),
    }
}
