//! `loligo serve --reset`: removes the venue of a folder, when a person has said so.

use anyhow::{Result, bail};
use loligo_server::files::{holds_venue, remove_venue};
use loligo_server::node::Log;
use loligo_server::quoted;
use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

/// More than the answer that is waited for.
const ANSWER_BYTES_MAX: u64 = 16;

/// Removes the venue in `data`, if there is one. Without `yes` it asks on the terminal.
pub(crate) fn reset(data: &Path, yes: bool) -> Result<()> {
    if !holds_venue(data)? {
        return Ok(());
    }
    if !yes {
        ask(data)?;
    }
    remove_venue(data)?;
    crate::say(&format!("The exchange in {} was removed.", quoted(data)))
}

fn ask(data: &Path) -> Result<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!(
            "--reset asks on the terminal before it removes the exchange in {}, and there is no terminal: add --yes, or \
             run it where it can ask; nothing was removed",
            quoted(data)
        );
    }
    // Whatever cannot be read of it goes, too.
    let holds = Log::open(data).map_or_else(|error| vec![error.to_string()], |log| log.branches());
    crate::say_all([
        format!("This removes the exchange in {} for good:", quoted(data)),
        format!("  {}", holds.join("\n  ")),
        "Type yes to go on:".to_owned(),
    ])?;
    let mut answer = String::new();
    stdin.lock().take(ANSWER_BYTES_MAX).read_line(&mut answer)?;
    if answer.trim() != "yes" {
        bail!("nothing was removed");
    }
    Ok(())
}
