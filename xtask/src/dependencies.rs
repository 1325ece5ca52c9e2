//! How much is linked into the binary, and what each crate must never know.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use crate::part::{self, Count};
use crate::rust::cargo;

/// The most crates that may be linked into `loligo`: each is code that someone has to trust and to build.
const LINKED_MAX: usize = 200;

/// The platform that the limit is counted on; others pull in other system crates.
const COUNTED_ON: &str = "x86_64-unknown-linux-gnu";

/// What the crates of the house must never link, because not knowing it is their point.
const WALLS: [(&str, &[&str]); 5] = [
    // A pure function of its input: no runtime, no files, no wire format, no neighbour.
    (
        "loligo-engine",
        &[
            "loligo-journal",
            "loligo-wire",
            "loligo-server",
            "tokio",
            "hyper",
            "rusqlite",
            "serde_json",
            "rand",
            "tracing",
        ],
    ),
    // Remembers bytes; what they mean is not its business.
    ("loligo-journal", &["loligo-engine", "loligo-wire", "loligo-server", "tokio", "hyper", "serde_json"]),
    // Keeps rows of numbers; who makes them and how they are spelled is not its business.
    (
        "loligo-history",
        &["loligo-engine", "loligo-journal", "loligo-wire", "loligo-server", "tokio", "hyper"],
    ),
    // Shapes and words; neither the engine's types nor sockets.
    ("loligo-wire", &["loligo-engine", "loligo-journal", "loligo-server", "tokio", "hyper", "rusqlite"]),
    // Models and faulty disks are for tests: production never links them.
    ("loligo", &["loligo-sim", "opstream", "proptest"]),
];

/// One check for the number of crates, one for each wall.
pub fn check(_: &[String]) -> Result<Count> {
    let mut count = Count::default();
    let linked = linked_into("loligo")?;
    println!("{} crates are linked into loligo ({LINKED_MAX} allowed)", linked.len());
    count.add(Count::one(linked.len() <= LINKED_MAX));
    for (name, forbidden) in WALLS {
        let linked = linked_into(name)?;
        let known: Vec<_> = forbidden.iter().copied().filter(|other| linked.contains(*other)).collect();
        if !known.is_empty() {
            println!("{name} must not depend on {}", known.join(", "));
        }
        count.add(Count::one(known.is_empty()));
    }
    Ok(count)
}

/// The crates that a package links, itself included: names without versions, two versions of one crate counted twice.
fn linked_into(package: &str) -> Result<BTreeSet<String>> {
    let arguments = [
        "tree",
        "--locked",
        "--package",
        package,
        "--edges",
        "normal",
        "--target",
        COUNTED_ON,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree =
        part::output_of(&mut cargo(&arguments)).with_context(|| format!("the dependencies of {package}"))?;
    Ok(names(&tree))
}

/// Reads lines such as `serde v1.0.0 (*)`. The second version of a name is kept as `name v2.0.0`.
fn names(tree: &str) -> BTreeSet<String> {
    let versions: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect();
    let mut names = BTreeSet::new();
    for (name, version) in versions {
        if !names.insert(name.to_owned()) {
            names.insert(format!("{name} {version}"));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_lines_count_once_and_second_versions_count_again() {
        let tree =
            "loligo v0.1.0 (path)\nserde v1.0.0\nserde v1.0.0 (*)\nsyn v1.0.0 (proc-macro)\nsyn v2.0.0\n";
        let found: Vec<_> = names(tree).into_iter().collect();
        assert_eq!(found, ["loligo", "serde", "syn", "syn v2.0.0"]);
    }
}
