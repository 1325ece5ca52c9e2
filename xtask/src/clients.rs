//! Real clients, driven through whole scenarios against the built binary.
//!
//! Their Python environment is made under the build folder on first use, from pinned versions, and made anew when the
//! pins change. Nothing outside that folder is written.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::part::{self, Count, Stream};
use crate::rust::{cargo, number_before};
use crate::workspace;

/// The scenarios and their pins, relative to the root.
const SCENARIOS: &str = "tests/clients";

/// Builds the binary as the other tests use it and runs all scenarios, or those whose name contains one of the words.
pub fn test(words: &[String]) -> Result<Count> {
    let scenarios = workspace::root().join(SCENARIOS);
    let target = workspace::target()?;
    // With the whole workspace, as the tests before were built: asked for alone, the binary would be built with other
    // features of its dependencies, and half of them built again.
    anyhow::ensure!(
        part::succeeds(&mut cargo(&["build", "--locked", "--workspace", "--tests"]))?,
        "the binary does not build"
    );
    let binary = target.join("debug").join(format!("loligo{}", std::env::consts::EXE_SUFFIX));
    anyhow::ensure!(binary.is_file(), "no binary at {}", binary.display());

    let python = environment(&target, &scenarios.join("requirements.txt"))?;
    let mut pytest = Command::new(&python);
    pytest
        .current_dir(&scenarios)
        // `-rs`: each skip with its reason, whole, at the end.
        .args(["-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--tb=short", "-v", "-rs", "."])
        .env("LOLIGO_BINARY", &binary)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    if !words.is_empty() {
        pytest.args(["-k", &words.join(" or ")]);
    }
    part::counted(&mut pytest, Stream::Output, pytest_count)
}

/// Makes the environment if there is none for these pins; answers its interpreter.
fn environment(target: &Path, pins: &Path) -> Result<PathBuf> {
    let folder = target.join("clients-python");
    let stamp = folder.join("pins.txt");
    let wanted = std::fs::read_to_string(pins).with_context(|| format!("reading {}", pins.display()))?;
    let bin = if cfg!(windows) { "Scripts" } else { "bin" };
    let python = folder.join(bin).join(format!("python{}", std::env::consts::EXE_SUFFIX));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }

    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    let mut make = Command::new(interpreter()?);
    make.args(["-m", "venv"]).arg(&folder);
    anyhow::ensure!(
        part::succeeds(&mut make)?,
        "python could not make an environment (its venv module is needed)"
    );
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(pins)
        .env("PIP_CACHE_DIR", target.join("clients-pip"));
    anyhow::ensure!(part::succeeds(&mut install)?, "the clients could not be installed");
    // Written last: an interrupted install has no stamp and is made anew.
    std::fs::write(&stamp, wanted).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(python)
}

/// Python 3 by the name it has here.
fn interpreter() -> Result<&'static str> {
    for name in ["python3", "python"] {
        let version = Command::new(name)
            .args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if version.is_ok_and(|status| status.success()) {
            return Ok(name);
        }
    }
    bail!("the client scenarios need Python 3.11 or newer")
}

/// Reads pytest's closing line: `===== 1 failed, 11 passed, 2 skipped, 4 deselected, 1 error in 3.20s =====`. What was
/// deselected, by words on the command line, did not run either.
fn pytest_count(line: &str) -> Option<Count> {
    let closing = line.strip_prefix("==")?.trim_matches('=').trim();
    let (counts, took) = closing.rsplit_once(" in ")?;
    if !took.contains('s') || !counts.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(Count {
        passed: number_before(counts, " passed"),
        failed: number_before(counts, " failed") + number_before(counts, " error"),
        skipped: number_before(counts, " skipped") + number_before(counts, " deselected"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_closing_line() {
        let cases = [
            ("============ 11 passed in 3.20s ============", Some((11, 0, 0))),
            ("===== 1 failed, 11 passed, 2 errors in 63.20s (0:01:03) =====", Some((11, 3, 0))),
            ("===== 11 passed, 4 skipped, 7 deselected in 3.20s =====", Some((11, 0, 11))),
            ("============ no tests ran in 0.01s ============", None),
            ("============ 3 deselected in 0.01s ============", Some((0, 0, 3))),
            ("============ FAILURES ============", None),
            ("test_ccxt.py::test_book PASSED", None),
        ];
        for (line, expected) in cases {
            assert_eq!(pytest_count(line).map(|c| (c.passed, c.failed, c.skipped)), expected, "{line}");
        }
    }
}
