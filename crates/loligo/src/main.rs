//! The one binary: `loligo serve` and the commands beside it.

mod args;
mod banner;
mod health;
mod serve;

use anyhow::Result;
use args::{Command, CommandLine};
use clap::Parser as _;
use loligo_server::{hashes_text, node, verified_text};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Sentences for people go to standard output, trouble to standard error; a closed pipe is no reason to panic.
    match run(CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "loligo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: CommandLine) -> Result<()> {
    match line.command {
        None => serve::run(line.serve),
        Some(Command::Serve(serve)) => serve::run(*serve),
        Some(Command::Health(wanted)) => say(&health::ask(&wanted.url)?),
        Some(Command::Verify(folder)) => say(&verified_text(&node::verify_folder(&folder.data)?)),
        Some(Command::Replay(folder)) => say(&hashes_text(&node::replay_folder(&folder.data)?)),
    }
}

/// A line on standard output.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
