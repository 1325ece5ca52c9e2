//! Dated contracts of an instruments file follow each other, over a kill and over a jump that passes two expiries.

use crate::venue::{Home, INSTRUMENTS, QUIET, Venue};
use std::fs;

const DAY_MS: u64 = 86_400_000;
const ROLL: &str = "roll = \"month\"";

/// The instruments file with a dated contract that rolls in place of its perpetual.
fn rolling() -> String {
    let dated = INSTRUMENTS.replace("PF_LOWUSD", "FF_LOWUSD_260130");
    format!("{dated}last_trading_time = \"2026-01-30T08:00:00Z\"\n{ROLL}\n")
}

fn listed(venue: &Venue) -> Vec<String> {
    let told = venue.visitor().get("/instruments", &[]);
    let rows = told["instruments"].as_array().unwrap_or_else(|| panic!("no list: {told}"));
    rows.iter().map(|row| row["symbol"].as_str().expect("a symbol").to_owned()).collect()
}

#[test]
fn a_contract_of_a_file_rolls_on_after_a_kill_and_the_folder_verifies() {
    let home = Home::new();
    let file = home.data().with_file_name("instruments.toml");
    fs::write(&file, rolling()).unwrap();
    let flags = [&QUIET[..], &["--instruments", file.to_str().expect("text")]].concat();
    let mut venue = home.start(&flags);
    venue.advance(30 * DAY_MS);
    assert_eq!(listed(&venue), ["FF_LOWUSD_260227"]);
    venue.kill();

    let mut venue = home.start(&flags);
    assert_eq!(listed(&venue), ["FF_LOWUSD_260227"]);
    // From 31 January to 27 February, and on over 27 March to the end of it.
    for days in [29, 31] {
        venue.advance(days * DAY_MS);
    }
    assert_eq!(listed(&venue), ["FF_LOWUSD_260424"]);
    let hashes = venue.hashes();
    venue.stop();
    for command in ["verify", "replay"] {
        let finished = home.run(command);
        let hash = hashes["state_hash"].as_str().expect("a hash");
        assert!(finished.status.success() && finished.stdout.contains(hash), "{command}: {finished:?}");
    }

    // Without its roll it is another venue.
    fs::write(&file, rolling().replace(ROLL, "")).unwrap();
    let refused = home.refused(&flags);
    assert!(refused.said().contains("instruments"), "{}", refused.said());
}

#[test]
fn a_file_that_asks_for_a_roll_off_the_calendar_is_refused_by_name() {
    let home = Home::new();
    let file = home.data().with_file_name("instruments.toml");
    fs::write(&file, rolling().replace("30T08:00", "31T08:00")).unwrap();
    let refused = home.refused(&["--instruments", file.to_str().expect("text")]);
    let want = "FF_LOWUSD_260130: a contract that rolls trades last on the last Friday of its month, 2026-01-30 08:00 UTC";
    assert!(refused.said().contains(want), "{}", refused.said());
}
