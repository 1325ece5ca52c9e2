//! `cargo xtask sim`: long seeded runs that check themselves; the suite runs each of them shortened.

use anyhow::Result;

use crate::bench::{Measurement, run_of};

const SIMULATIONS: [Measurement; 2] = [
    Measurement {
        name: "week",
        about: "seven days of a live market on the engine alone: crashes, an expiry, money to the last unit",
        package: "loligo-server",
        bench: "sim_week",
    },
    Measurement {
        name: "opinion",
        about: "five million commands on short-lived venues: the engine and the rules written once more agree on all of it",
        package: "loligo-sim",
        bench: "opinion",
    },
];

/// Runs all simulations, or the named ones, one after another; true if all of them ended well.
pub fn run(arguments: &[String]) -> Result<bool> {
    run_of(&SIMULATIONS, "simulation", arguments)
}
