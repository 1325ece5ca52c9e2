//! Formatting, lints and the tests that cargo runs.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::part::{self, Count, Stream};
use crate::workspace;

/// `cargo`, run at the root of the repository.
pub fn cargo(arguments: &[&str]) -> Command {
    // The cargo that runs this program, so that a pinned toolchain stays the pinned one.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root()).args(arguments);
    command
}

/// Every file is as rustfmt would write it.
pub fn format(_: &[String]) -> Result<Count> {
    Ok(Count::one(part::succeeds(&mut cargo(&["fmt", "--all", "--check"]))?))
}

/// No warning of the compiler or of clippy, in code, tests and benchmarks.
pub fn lint(_: &[String]) -> Result<Count> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    Ok(Count::one(part::succeeds(&mut cargo(&arguments))?))
}

/// The file in which a test writes that it cannot be carried out here, a line each: its name and why. Without the
/// variable, outside the suite, it says so on standard error.
const SKIPS: &str = "LOLIGO_TEST_SKIPS";

/// All tests of all crates, with nextest where it is installed (it shares the cores better), else with cargo alone.
pub fn test(_: &[String]) -> Result<Count> {
    let skips = workspace::target()?.join("skipped-tests.txt");
    std::fs::write(&skips, "").with_context(|| format!("writing {}", skips.display()))?;
    let run = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        // Settings of the person who runs the suite, such as one seed alone, must not make it smaller.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOLIGO_") {
                command.env_remove(name);
            }
        }
        command.env(SKIPS, &skips);
        command
    };
    let has_nextest = cargo(&["nextest", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let mut count = Count::default();
    let mut plain = vec!["test", "--workspace", "--locked", "--no-fail-fast"];
    if has_nextest {
        let arguments = [
            "nextest",
            "run",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--color",
            "never",
            "--status-level",
            "fail",
        ];
        count.add(part::counted(&mut run(&arguments), Stream::Error, nextest_count)?);
        // nextest does not run the examples in documentation.
        plain.push("--doc");
    }
    count.add(part::counted(&mut run(&plain), Stream::Output, libtest_count)?);
    let said = std::fs::read_to_string(&skips).with_context(|| format!("reading {}", skips.display()))?;
    for line in said.lines() {
        println!("SKIPPED {line}");
    }
    count.skip(said.lines().count() as u64);
    Ok(count)
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
fn libtest_count(line: &str) -> Option<Count> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    Some(Count {
        passed: number_before(rest, " passed"),
        failed: number_before(rest, " failed"),
        skipped: number_before(rest, " ignored") + number_before(rest, " filtered out"),
    })
}

/// Reads `Summary [ 1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
fn nextest_count(line: &str) -> Option<Count> {
    let (head, rest) = line.split_once(" run: ")?;
    if !head.trim_start().starts_with("Summary [") {
        return None;
    }
    let failed = [" failed", " timed out", " exec failed"].map(|word| number_before(rest, word)).iter().sum();
    Some(Count { passed: number_before(rest, " passed"), failed, skipped: number_before(rest, " skipped") })
}

/// The number that stands right before `word`, or 0 when there is none.
pub fn number_before(text: &str, word: &str) -> u64 {
    let Some((before, _)) = text.split_once(word) else { return 0 };
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_closing_lines() {
        let cases = [
            ("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out", Some((3, 0, 3))),
            (
                "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
                Some((10, 2, 0)),
            ),
            ("test book::tests::three_passed ... ok", None),
            ("running 3 tests", None),
        ];
        for (line, expected) in cases {
            assert_eq!(libtest_count(line).map(|c| (c.passed, c.failed, c.skipped)), expected, "{line}");
        }
        let cases = [
            ("     Summary [   0.002s] 12 tests run: 12 passed, 0 skipped", Some((12, 0, 0))),
            (
                "     Summary [   1.002s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 5 skipped",
                Some((9, 3, 5)),
            ),
            ("     Summary [   1.002s] 3/12 tests run: 1 passed, 2 failed, 0 skipped", Some((1, 2, 0))),
            ("        PASS [   0.002s] xtask tests::run: ", None),
        ];
        for (line, expected) in cases {
            assert_eq!(nextest_count(line).map(|c| (c.passed, c.failed, c.skipped)), expected, "{line}");
        }
    }
}
