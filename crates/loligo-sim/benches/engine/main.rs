//! The whole engine beside its floors, measured in one process, in turn, five times; what is printed are medians.
//!
//! `cargo bench -p loligo-sim --bench engine -- [one] [hundred] [worst] [replay] [triggers[=WAITING]]
//! [trailing] [marks[=ACCOUNTS]] [queue[=ACCOUNTS]] [memory[=ORDERS]] [--no-instructions]`;
//! without names, all of them. Instructions are counted where valgrind is installed.
//!
//! Accounts, margin, positions, fees and events are switched on; nothing is refused, and trades, volume and hash of each
//! stream must come out as the streams' README states them, else the benchmark fails.
#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]

mod instructions;
mod marks;
mod memory;
mod replay;
mod streams;
mod triggers;
mod venue;

use instructions::Side;
use marks::{Crowd, Moved};
use streams::Which;

/// A stream's row: which, and the bar and aim of its ratio to the floor, in hundredths.
const ROWS: [(&str, Which, u64, u64); 4] = [
    ("one", Which::One, 400, 250),
    ("hundred", Which::Hundred, 800, 500),
    ("worst", Which::Worst(1_000_000), 400, 250),
    ("worst", Which::Worst(100_000), 400, 250),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("--counted") => return instructions::counted(&arguments[1..]),
        Some("--grow") => return memory::grow(&arguments[1..]),
        _ => {}
    }
    let names: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let asked =
        |name: &str| names.is_empty() || names.iter().any(|word| word.split('=').next() == Some(name));
    let mut counting = !arguments.iter().any(|word| word == "--no-instructions");

    if ROWS.iter().any(|(name, ..)| asked(name)) {
        println!(
            "{:<24} {:>9} {:>9} {:>7} {:>6} {:>6} {:>13} {:>13}",
            "stream", "ns/op", "floor", "ratio", "bar", "aim", "instructions", "floor's"
        );
    }
    let mut worst = vec![];
    for (name, which, bar, aim) in ROWS {
        if !asked(name) {
            continue;
        }
        let times = streams::measure(which);
        let mut counts = [String::from("-"), String::from("-")];
        for (count, side) in counts.iter_mut().zip([Side::Engine, Side::Floor]) {
            if counting {
                match instructions::per_operation(which, side) {
                    Ok(per_operation) => *count = per_operation.to_string(),
                    Err(problem) => {
                        counting = false;
                        eprintln!("instructions are not counted: {problem}");
                    }
                }
            }
        }
        println!(
            "{:<24} {:>9} {:>9} {:>7} {:>6} {:>6} {:>13} {:>13}",
            which.name(),
            tenths(times.engine),
            tenths(times.floor),
            hundredths(times.ratio),
            hundredths(bar),
            hundredths(aim),
            counts[0],
            counts[1],
        );
        if let Which::Worst(_) = which {
            worst.push(times.engine);
        }
    }
    if let [large, small] = worst[..] {
        println!(
            "worst, time at 1,000,000 over time at 100,000: {} (bar 1.30)",
            hundredths(large * 100 / small)
        );
    }
    if asked("replay") {
        let replay = replay::measure();
        println!(
            "replay of 1,000,000 commands: {} ns each, the engine alone {} ns: {} of its rate (bar 0.80, aim 0.90)",
            tenths(replay.decoded),
            tenths(replay.applied),
            hundredths(replay.share),
        );
    }
    let number = |name: &str, otherwise: u64| {
        let given = names.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        given.map_or(otherwise, |given| given.parse().expect("a number follows the sign"))
    };
    if asked("triggers") {
        let waiting = number("triggers", 1_000_000);
        let mut crowd = triggers::Crowd::new(waiting);
        for update in triggers::Update::ALL {
            let passing = crowd.measure(update);
            println!(
                "{} that reaches none of {waiting} waiting triggers: {} ns, {} ns with none: {} of it (bar 2.00)",
                update.name(),
                tenths(passing.among),
                tenths(passing.alone),
                hundredths(passing.ratio),
            );
        }
    }
    if asked("trailing") {
        let moving = triggers::moving();
        println!(
            "{} trailing stops moved by one price: {} us (bar 10,000), {} ns each, the floor {} ns: {} of it",
            moving.stops,
            moving.total / 1_000,
            tenths(moving.each),
            tenths(moving.floor),
            hundredths(moving.ratio),
        );
    }
    if asked("marks") {
        let accounts = number("marks", 100_000) as u32;
        for moved in Moved::ALL {
            let valued = Crowd::new(moved, accounts).measure();
            println!(
                "{}, of {accounts} accounts: {} ns for each of {} positions, the floor {} ns: {} of it; {} us in {} records, the longest {} us",
                moved.name(),
                tenths(valued.each),
                valued.positions,
                tenths(valued.floor),
                hundredths(valued.ratio),
                valued.total / 1_000,
                valued.records,
                valued.longest / 1_000,
            );
            let count = |side| instructions::per_position(moved, side);
            match counting.then(|| Ok((count(Side::Engine)?, count(Side::Floor)?))) {
                Some(Ok((engine, floor))) => {
                    println!("  {engine} instructions a position, the floor {floor}")
                }
                Some(Err(problem)) => {
                    let _: String = problem;
                    counting = false;
                    eprintln!("instructions are not counted: {problem}");
                }
                None => {}
            }
        }
    }
    if asked("queue") {
        let accounts = number("queue", 100_000) as u32;
        let placed = Crowd::new(Moved::Only, accounts).place_in_queue();
        println!(
            "a place in the queue of unwinding, of {accounts} holders: {} us, {} ns each; {} of them at a time {} us at most (bar 10,000)",
            placed.total / 1_000,
            tenths(placed.each),
            marks::PART,
            placed.longest / 1_000,
        );
    }
    if asked("memory") {
        let orders = number("memory", 10_000_000);
        match memory::measure(orders) {
            Ok(growth) => println!(
                "memory of {} resting orders: {} bytes each, {} at its peak (bar 200, peak 400)",
                growth.orders, growth.after, growth.peak
            ),
            Err(problem) => eprintln!("memory is not measured: {problem}"),
        }
    }
}

/// Tenths as a decimal.
fn tenths(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// Hundredths as a decimal.
fn hundredths(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}
