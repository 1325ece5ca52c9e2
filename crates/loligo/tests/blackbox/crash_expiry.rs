//! Kill the process while a contract ends: every position is settled once, at the last trading time, and the state is that of a
//! venue which nobody disturbed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::venue::{Home, Venue};

const DATED: &str = "FF_XBTUSD_260130";
const FLAGS: &[&str] =
    &["--market", "none", "--clock", "manual", "--rate-limits", "off", "--accounts", "150"];
/// Everyone but the first account holds something, so that a record's 64 steps do not settle all.
const BUYERS: usize = 149;
/// From the beginning of the venue, at 2026-01-01, to a second before the contract's end at 08:00 on the 30th.
const UNTIL_THE_END: u64 = 29 * 86_400_000 + 8 * 3_600_000 - 1_000;
const ROUNDS: usize = 10;

/// A second before the end, stopped; whoever copies it goes on from there.
fn before_the_end() -> Home {
    let home = Home::new();
    let mut venue = home.start(FLAGS);
    venue.pin("PF_XBTUSD", "50000");
    let mut seller = venue.client(0);
    for buyer in 1..=BUYERS {
        seller.place_limit(DATED, "sell", "0.01", "50000", &format!("sold-{buyer}"));
        venue.client(buyer).place_limit(DATED, "buy", "0.01", "50000", &format!("bought-{buyer}"));
    }
    venue.advance(UNTIL_THE_END - 60_000);
    venue.pin("PF_XBTUSD", "51000");
    venue.advance(60_000);
    assert!(venue.stop().status.success());
    home
}

/// Goes on from wherever it is to well behind the end, and what the state is then.
fn pass_the_end(home: &Home) -> (Venue, Value) {
    let mut venue = home.start(FLAGS);
    venue.control("POST", "/clock", &json!({"set": "2026-01-30T08:00:20Z"}));
    let hashes = venue.hashes();
    (venue, hashes["state_hash"].clone())
}

#[test]
fn a_settlement_that_a_kill_falls_into_comes_to_what_it_comes_to_undisturbed() {
    let home = before_the_end();
    let undisturbed = home.copy();
    let (mut venue, want) = pass_the_end(&undisturbed);
    assert_eq!(venue.control("GET", "/audit", &Value::Null)["positions"], 0);
    assert!(venue.stop().status.success());
    for round in 0..ROUNDS {
        let home = home.copy();
        home.start(FLAGS).kill_amid_jump(10_000, round / 2);
        let (mut venue, state) = pass_the_end(&home);
        assert_eq!(state, want, "round {round}");
        let audit = venue.control("GET", "/audit", &Value::Null);
        assert_eq!((&audit["status"], &audit["positions"]), (&json!("ok"), &json!(0)), "round {round}");
        // Each holder has the two rows of one settlement, at the last trading time and at the mean of its window.
        let mut executions = BTreeSet::new();
        for holder in [0, 1, 63, 64, 65, BUYERS] {
            let answer =
                venue.client(holder).send("GET", "/accountlogcsv", "", None, None).expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.text());
            let csv = answer.text();
            let settled: Vec<&str> = csv.lines().filter(|line| line.contains(",settlement,")).collect();
            assert_eq!(settled.len(), 2, "round {round}, holder {holder}: {csv}");
            for row in &settled {
                // 29 of 30 minutes at 50,000, the last at 51,000.
                assert!(row.contains("2026-01-30 08:00:00") && row.contains("50033.333333333"), "{row}");
            }
            executions.insert(settled[0].split(',').next().map(str::to_owned));
        }
        assert_eq!(executions.len(), 6, "each has a row of its own");
        assert!(venue.stop().status.success());
        assert!(home.run("verify").status.success(), "round {round}");
    }
}
