//! The one binary: `loligo serve` and the commands beside it.

mod args;
mod banner;
mod health;
mod reset;
mod serve;

use anyhow::Result;
use args::{Command, CommandLine};
use clap::Parser as _;
use loligo_server::node::{self, LogQuery};
use loligo_server::{replayed_text, verified_text};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Sentences for people go to standard output, trouble to standard error; a closed pipe is no reason to panic.
    match run(CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "loligo: {error:#}");
            error.downcast_ref().map_or(ExitCode::FAILURE, |ended: &serve::Ended| ExitCode::from(ended.code))
        }
    }
}

fn run(line: CommandLine) -> Result<()> {
    match line.command {
        None => serve::run(line.serve),
        Some(Command::Serve(serve)) => serve::run(*serve),
        Some(Command::Health(wanted)) => say(&health::ask(&wanted.url)?),
        Some(Command::Verify(folder)) => say(&verified_text(&node::verify_folder(&folder.data)?)),
        Some(Command::Replay(folder)) => say(&replayed_text(&node::replay_folder(&folder.data)?)),
        Some(Command::Snapshot(folder)) => snapshot(&folder.data),
        Some(Command::Log(wanted)) => log(&wanted),
    }
}

fn snapshot(folder: &Path) -> Result<()> {
    let kept = node::snapshot_folder(folder)?;
    let verb = if kept.was_there { "has been kept already" } else { "is kept" };
    let last = format!("the snapshot of record {} {verb}", kept.sequence);
    say_all(kept.notes.into_iter().map(|note| format!("Note: {note}.")).chain([last]))
}

fn log(wanted: &args::ShowLog) -> Result<()> {
    let log = node::Log::open(&wanted.data)?;
    let query = LogQuery { branch: wanted.branch, from: wanted.from, count: wanted.count };
    let records = log.records(query)?;
    say_all(log.branches().into_iter().chain([String::new()]).chain(records))
}

/// A line on standard output.
fn say(text: &str) -> Result<()> {
    say_all([text])
}

/// Lines on standard output, as long as somebody reads them: who has read enough has not made a mistake.
fn say_all<T: std::fmt::Display>(lines: impl IntoIterator<Item = T>) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = lines.into_iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
