//! Formatting, lints and the tests that cargo runs.

use std::process::{Command, Stdio};

use anyhow::Result;

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

/// All tests of all crates, with nextest where it is installed (it shares the cores better), else with cargo alone.
pub fn test(_: &[String]) -> Result<Count> {
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
        count.add(part::counted(&mut cargo(&arguments), Stream::Error, nextest_count)?);
        // nextest does not run the examples in documentation.
        plain.push("--doc");
    }
    count.add(part::counted(&mut cargo(&plain), Stream::Output, libtest_count)?);
    Ok(count)
}

/// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
fn libtest_count(line: &str) -> Option<Count> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, rest) = rest.split_once(". ")?;
    Some(Count { passed: number_before(rest, " passed"), failed: number_before(rest, " failed") })
}

/// Reads `Summary [ 1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
fn nextest_count(line: &str) -> Option<Count> {
    let (head, rest) = line.split_once(" run: ")?;
    if !head.trim_start().starts_with("Summary [") {
        return None;
    }
    let failed = [" failed", " timed out", " exec failed"].map(|word| number_before(rest, word)).iter().sum();
    Some(Count { passed: number_before(rest, " passed"), failed })
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
            ("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out", Some((3, 0))),
            (
                "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
                Some((10, 2)),
            ),
            ("test book::tests::three_passed ... ok", None),
            ("running 3 tests", None),
        ];
        for (line, expected) in cases {
            assert_eq!(libtest_count(line).map(|c| (c.passed, c.failed)), expected, "{line}");
        }
        let cases = [
            ("     Summary [   0.002s] 12 tests run: 12 passed, 0 skipped", Some((12, 0))),
            (
                "     Summary [   1.002s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 5 skipped",
                Some((9, 3)),
            ),
            ("     Summary [   1.002s] 3/12 tests run: 1 passed, 2 failed, 0 skipped", Some((1, 2))),
            ("        PASS [   0.002s] xtask tests::run: ", None),
        ];
        for (line, expected) in cases {
            assert_eq!(nextest_count(line).map(|c| (c.passed, c.failed)), expected, "{line}");
        }
    }
}
