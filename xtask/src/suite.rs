//! `cargo xtask test`: the parts in order, and the sum at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::part::Count;
use crate::{clients, dependencies, rust, tidy};

type Part = (&'static str, fn(&[String]) -> Result<Count>);

/// Cheap parts first: what fails in seconds should be told in seconds.
const PARTS: [Part; 6] = [
    ("format", rust::format),
    ("lint", rust::lint),
    ("dependencies", dependencies::check),
    ("tidy", tidy::check),
    ("rust", rust::test),
    ("clients", clients::test),
];

/// Runs all parts, or the named ones, even after one has failed, and tells the sum on the last line.
///
/// True if every part that ran has run at least one test and none failed.
pub fn run(arguments: &[String]) -> Result<bool> {
    let (names, scenarios) = split(arguments)?;
    let mut results = Vec::new();
    for (name, part) in PARTS {
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        println!("== {name}");
        let started = Instant::now();
        let count = match part(&scenarios) {
            Ok(count) => count,
            Err(error) => {
                println!("{name}: {error:#}");
                Count::one(false)
            }
        };
        let took = started.elapsed();
        println!("-- {name}: {}\n", sentence(count, took));
        results.push((name, count, took));
    }

    let mut sum = Count::default();
    for (name, count, took) in &results {
        println!("{name:>14}  {}", sentence(*count, *took));
        sum.add(*count);
    }
    println!("{}", closing(sum));
    Ok(results.iter().all(|(_, count, _)| count.is_good()))
}

/// Names of parts; whatever follows `clients` chooses scenarios.
fn split(arguments: &[String]) -> Result<(Vec<&'static str>, Vec<String>)> {
    let mut names = Vec::new();
    let mut words = arguments.iter();
    for word in words.by_ref() {
        match PARTS.iter().find(|(name, _)| name == word) {
            Some((name, _)) => names.push(*name),
            None => bail!("no part of the suite is called {word:?}; there are {}", all_names()),
        }
        if word == "clients" {
            break;
        }
    }
    Ok((names, words.cloned().collect()))
}

fn all_names() -> String {
    PARTS.map(|(name, _)| name).join(", ")
}

/// The last line, for people and for programs that look for it.
fn closing(sum: Count) -> String {
    let Count { passed, failed, skipped } = sum;
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

fn sentence(count: Count, took: Duration) -> String {
    let Count { passed, failed, skipped } = count;
    let remark = if passed + failed == 0 { ", NO TEST RAN" } else { "" };
    format!("{passed:>5} ok, {failed} not ok, {skipped} skipped{remark} ({:.1} s)", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn parts_are_named_and_scenarios_follow_clients() {
        assert_eq!(
            split(&words("tidy clients ccxt sdk")).unwrap(),
            (vec!["tidy", "clients"], words("ccxt sdk"))
        );
        assert_eq!(split(&[]).unwrap(), (vec![], vec![]));
        assert!(split(&words("tidy typo")).unwrap_err().to_string().contains("typo"));
    }

    #[test]
    fn a_part_without_tests_is_not_good() {
        assert!(!Count::default().is_good());
        assert!(Count { passed: 1, failed: 0, skipped: 3 }.is_good());
        assert!(!Count { passed: 9, failed: 1, skipped: 0 }.is_good());
        assert!(!Count { passed: 0, failed: 0, skipped: 2 }.is_good());
        assert!(sentence(Count::default(), Duration::ZERO).contains("NO TEST RAN"));
    }

    #[test]
    fn the_last_line_counts_what_was_skipped_apart_from_what_passed() {
        let mut sum = Count { passed: 12, failed: 1, skipped: 1 };
        sum.skip(2);
        assert_eq!(closing(sum), "10 passed, 1 failed, 3 skipped");
    }
}
