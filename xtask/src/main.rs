//! Chores of the repository: `cargo xtask test`, `cargo xtask bench` and `cargo xtask sim`.
//!
//! This crate starts other programs, reads what they print and adds up the counts. It links nothing of the exchange,
//! so it builds in seconds on a fresh clone.
#![allow(clippy::print_stdout, reason = "a command-line tool's interface is its standard output")]

mod bench;
mod clients;
mod dependencies;
mod part;
mod rust;
mod sim;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  test [PART...]    run the whole suite, or only the named parts, in this order:
                    format, lint, dependencies, tidy, rust, clients
                    (clients takes scenario names after it: test clients ccxt)
  bench [NAME...]   run the measurements, or only the named ones: engine, journal, prune, history,
                    week, node, waits, http, fanout
  sim [NAME...]     run the long simulations, or only the named ones: week, opinion
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let outcome = match command {
        "test" => suite::run(rest),
        "bench" => bench::run(rest),
        "sim" => sim::run(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        other => Err(anyhow::anyhow!("unknown command {other:?}\n\n{USAGE}")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}
