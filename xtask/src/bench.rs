//! `cargo xtask bench`: the measurements that the README quotes, each printed beside its floor.
//!
//! A measurement is a benchmark of some crate that is its own `main` (`harness = false`). To add one, add a row.

use anyhow::{Result, bail};

use crate::part;
use crate::rust::cargo;

/// A program of some crate that is its own `main`, built as benchmarks are.
pub(crate) struct Measurement {
    pub name: &'static str,
    pub about: &'static str,
    pub package: &'static str,
    pub bench: &'static str,
}

const MEASUREMENTS: [Measurement; 9] = [
    Measurement {
        name: "engine",
        about: "operations on the whole engine, against plain hash maps",
        package: "loligo-sim",
        bench: "engine",
    },
    Measurement {
        name: "journal",
        about: "durable records, against a growing file that is synced",
        package: "loligo-journal",
        bench: "journal",
    },
    Measurement {
        name: "prune",
        about: "how large a pruned journal becomes, and what an append waits for beside pruning",
        package: "loligo-journal",
        bench: "prune",
    },
    Measurement {
        name: "history",
        about: "a page of history at ten million rows, against the same at ten thousand",
        package: "loligo-history",
        bench: "pages",
    },
    Measurement {
        name: "week",
        about: "what seven exchange days of a live market take up on the disk, and for ever",
        package: "loligo",
        bench: "week",
    },
    Measurement {
        name: "node",
        about: "coming back after a stop, and what an order costs in memory",
        package: "loligo-server",
        bench: "node",
    },
    Measurement {
        name: "waits",
        about: "what a cancel waits for while much follows from one price, or from a jump of the clock",
        package: "loligo-server",
        bench: "waits",
    },
    Measurement {
        name: "http",
        about: "requests to the running exchange, against the same stack doing nothing",
        package: "loligo",
        bench: "http",
    },
    Measurement {
        name: "fanout",
        about: "feed updates to 1,000 sockets, against one blocking write each, and what an order waits for beside them",
        package: "loligo",
        bench: "fanout",
    },
];

/// Runs all measurements, or the named ones, one after another; true if all of them ended well.
pub fn run(arguments: &[String]) -> Result<bool> {
    run_of(&MEASUREMENTS, "measurement", arguments)
}

/// Runs all of a list, or the named ones, one after another; true if all of them ended well.
pub(crate) fn run_of(all: &[Measurement], kind: &str, arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.iter().find(|word| all.iter().all(|one| one.name != word.as_str())) {
        let names: Vec<_> = all.iter().map(|one| one.name).collect();
        bail!("no {kind} is called {unknown:?}; there are {}", names.join(", "));
    }
    let mut good = true;
    for Measurement { name, about, package, bench } in all {
        if !arguments.is_empty() && !arguments.iter().any(|word| word == name) {
            continue;
        }
        println!("== {name}: {about}");
        good &= part::succeeds(&mut cargo(&[
            "bench",
            "--quiet",
            "--locked",
            "--package",
            package,
            "--bench",
            bench,
        ]))?;
        println!();
    }
    Ok(good)
}
