//! `cargo xtask sim`: long seeded runs that check themselves; the suite runs each of them shortened.

use anyhow::{Result, bail};

use crate::part;
use crate::rust::cargo;

struct Simulation {
    name: &'static str,
    about: &'static str,
    package: &'static str,
    bench: &'static str,
}

const SIMULATIONS: [Simulation; 2] = [
    Simulation {
        name: "week",
        about: "seven days of a live market on the engine alone: crashes, an expiry, money to the last unit",
        package: "loligo-server",
        bench: "sim_week",
    },
    Simulation {
        name: "opinion",
        about: "five million commands on short-lived venues: the engine and the rules written once more agree on all of it",
        package: "loligo-sim",
        bench: "opinion",
    },
];

/// Runs all simulations, or the named ones, one after another; true if all of them ended well.
pub fn run(arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.iter().find(|word| SIMULATIONS.iter().all(|s| s.name != word.as_str())) {
        let names: Vec<_> = SIMULATIONS.iter().map(|s| s.name).collect();
        bail!("no simulation is called {unknown:?}; there are {}", names.join(", "));
    }
    let mut good = true;
    for Simulation { name, about, package, bench } in SIMULATIONS {
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
