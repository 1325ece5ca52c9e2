//! `cargo xtask sim week`: seven days of a live market with a thousand accounts on the engine alone. Prints where the money of each
//! currency is at every hour; ends with an error at the first thing that does not hold.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

#[path = "../tests/week/run.rs"]
mod run;

use loligo_engine::Timestamp;
use run::{Plan, Run};
use std::process::ExitCode;
use std::time::Instant;

const DAY: i64 = 86_400;

fn main() -> ExitCode {
    let seed = std::env::var("LOLIGO_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    // Monday 26 January 2026; contracts of January end on its Friday.
    let start = Timestamp(1_769_385_600_000_000);
    let crashes = [DAY + 5_000, 4 * DAY + 28_000];
    let plan = Plan { seed, start, seconds: 7 * DAY, accounts: 1_000, crashes, pause: 240 };
    println!("seed {seed} (LOLIGO_SEED=n names another)");
    let begun = Instant::now();
    let tally = match Run::new(plan).finish(|sums| println!("{sums}")) {
        Ok(tally) => tally,
        Err(problem) => {
            println!("seed {seed}: {problem}");
            return ExitCode::FAILURE;
        }
    };
    let mut good = true;
    for (name, least) in run::EXPECTED {
        let count = tally.get(name).copied().unwrap_or_default();
        good &= count >= *least;
        println!("{count:>12} {name}{}", if count < *least { ": too few" } else { "" });
    }
    println!("{:>12} commands in {:.0?}", tally["commands"], begun.elapsed());
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
