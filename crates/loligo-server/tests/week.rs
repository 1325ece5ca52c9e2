//! An hour and a half of the week that `cargo xtask sim week` runs whole: an expiry, an hour of funding and both crashes are in it.

#[path = "week/run.rs"]
mod run;

use loligo_engine::Timestamp;
use run::{Plan, Run};

#[test]
fn money_is_where_it_was_and_nobody_is_stuck_after_crashes_and_an_expiry() {
    // Friday 30 January 2026, 07:25 UTC: linear contracts of January end at 08:00.
    let start = Timestamp(1_769_757_900_000_000);
    let plan = Plan { seed: 11, start, seconds: 4_500, accounts: 48, crashes: [700, 3_300], pause: 20 };
    let tally = Run::new(plan).finish(|_| {}).unwrap_or_else(|problem| panic!("{problem}"));
    for (name, least) in run::EXPECTED {
        assert!(tally.get(name).copied().unwrap_or_default() >= *least, "{name}: {tally:?}");
    }
}
