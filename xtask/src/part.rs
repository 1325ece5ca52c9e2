//! One part of the suite: what it counted, and how a program is run and read.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

/// How many tests passed, failed, and were not carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that did not run, or could not show here what they are for; each has said why.
    pub skipped: u64,
}

impl Count {
    /// One check that either holds or does not.
    pub fn one(passed: bool) -> Self {
        Self { passed: passed.into(), failed: (!passed).into(), skipped: 0 }
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Takes so many tests that said that they could not be carried out from those that passed.
    pub fn skip(&mut self, tests: u64) {
        let moved = tests.min(self.passed);
        self.passed -= moved;
        self.skipped += moved;
    }

    /// True if at least one test ran and none failed. A run without tests, or one that skipped
    /// all of them, proves nothing, so it is not good.
    pub fn is_good(self) -> bool {
        self.passed > 0 && self.failed == 0
    }
}

/// Runs a program with its output on the terminal; true if it ended well.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    announce(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("starting {:?}", command.get_program()))?;
    Ok(status.success())
}

/// Which of its streams a test runner tells its counts on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Runs a test runner, shows what it prints, and adds up the counts that `read_line` finds in the stream.
///
/// A runner that ends badly without having counted a failure (it did not compile, it was killed) counts as one failure.
pub fn counted(
    command: &mut Command,
    stream: Stream,
    read_line: impl Fn(&str) -> Option<Count>,
) -> Result<Count> {
    announce(command);
    command.stdin(Stdio::null());
    match stream {
        Stream::Output => command.stdout(Stdio::piped()),
        Stream::Error => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().with_context(|| format!("starting {:?}", command.get_program()))?;
    let output: Box<dyn Read> = match stream {
        Stream::Output => Box::new(child.stdout.take().context("the runner's output")?),
        Stream::Error => Box::new(child.stderr.take().context("the runner's output")?),
    };
    let mut count = Count::default();
    for line in BufReader::new(output).lines() {
        let line = line.context("reading the runner's output")?;
        println!("{line}");
        if let Some(found) = read_line(&line) {
            count.add(found);
        }
    }
    if !child.wait()?.success() && count.failed == 0 {
        count.failed = 1;
    }
    Ok(count)
}

/// What a program printed on its standard output, which must be text; it must end well.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {:?}", command.get_program()))?;
    anyhow::ensure!(output.status.success(), "{:?} ended with {}", command.get_program(), output.status);
    String::from_utf8(output.stdout).context("output that is not text")
}

fn announce(command: &Command) {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    println!("$ {}", words.join(" "));
}
