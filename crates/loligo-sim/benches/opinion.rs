//! Millions of commands on short-lived venues, engine and model side by side: `cargo xtask sim opinion`. A benchmark of cargo's for its
//! optimisation only; it measures nothing.
#![allow(clippy::print_stdout, reason = "what it met is what it is run for")]

use loligo_sim::opinion::{live, live_many};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// Commands, unless `LOLIGO_COMMANDS` says otherwise.
const COMMANDS: u64 = 5_000_000;
/// How many commands go by between two lines of progress.
const STRIDE: u64 = 250_000;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

fn main() -> ExitCode {
    let told = AtomicU64::new(0);
    let lived = match number("LOLIGO_SEED") {
        Some(seed) => live(seed),
        None => {
            let (first, commands) =
                (number("LOLIGO_FIRST_SEED").unwrap_or(0), number("LOLIGO_COMMANDS").unwrap_or(COMMANDS));
            println!("{commands} commands, seeds from {first} on");
            live_many(first, commands, |met| {
                let now = met.commands() / STRIDE;
                if told.fetch_max(now, Ordering::Relaxed) < now {
                    println!("{:>10} commands agreed on", met.commands());
                }
            })
        }
    };
    match lived {
        Ok(met) => {
            print!("{}", met.table());
            let missing = met.missing();
            if missing.is_empty() || number("LOLIGO_SEED").is_some() {
                return ExitCode::SUCCESS;
            }
            println!("never met: {}", missing.join(", "));
            ExitCode::FAILURE
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}
