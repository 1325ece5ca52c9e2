//! The same seed, the same commands, the same clock: the same state and the same events, to the byte.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::venue::{Home, QUIET, Venue, text};

const SYMBOL: &str = "PF_XBTUSD";
const HOUR_MS: u64 = 3_600_000;

/// The first half of a day of two traders: orders that rest, trade, lapse and are refused. No nonce, which would differ.
fn morning(venue: &mut Venue) {
    venue.pin(SYMBOL, "50000");
    let (mut alice, mut bob) = (venue.client(0), venue.client(1));
    let mut said = BTreeSet::new();
    for step in 0..40 {
        let price = (49_900 + 7 * (step % 30)).to_string();
        alice.place_limit(SYMBOL, "buy", "0.25", &price, &format!("bid-{step}"));
        let kind = ["lmt", "ioc", "fok", "post"][step % 4];
        let price = (49_950 + 3 * (step % 20)).to_string();
        let arguments = [
            ("orderType", kind),
            ("symbol", SYMBOL),
            ("side", "sell"),
            ("size", "0.4"),
            ("limitPrice", price.as_str()),
        ];
        said.insert(text(&bob.place(&arguments)["status"]).to_owned());
        venue.advance(250);
    }
    let said: Vec<_> = said.iter().map(String::as_str).collect();
    assert_eq!(said, ["iocWouldNotExecute", "placed"]);
}

/// The second half: positions are closed, orders cancelled, an order or two refused.
fn afternoon(venue: &mut Venue) {
    let (mut alice, mut bob) = (venue.client(0), venue.client(1));
    let gone = alice.post("/cancelorder", &[("cliOrdId", "bid-1")]);
    assert_eq!(gone["cancelStatus"]["status"], "cancelled", "{gone}");
    // Bob's own sales would stand in his way.
    let gone = bob.post("/cancelallorders", &[]);
    assert_eq!(gone["cancelStatus"]["status"], "cancelled", "{gone}");
    alice.place_limit(SYMBOL, "sell", "1", "50300", "offer");
    let market = [("orderType", "mkt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1")];
    assert_eq!(bob.place(&market)["status"], "placed");
    let off_the_tick = bob.place(&[
        ("orderType", "lmt"),
        ("symbol", SYMBOL),
        ("side", "buy"),
        ("size", "1"),
        ("limitPrice", "0.5"),
    ]);
    assert_eq!(off_the_tick["status"], "invalidPrice");
    venue.advance(HOUR_MS);
    let gone = alice.post("/cancelallorders", &[("symbol", SYMBOL)]);
    assert_eq!(gone["cancelStatus"]["status"], "cancelled", "{gone}");
    bob.place_limit("PI_XBTUSD", "sell", "100", "51000", "inverse");
}

/// What `loligo verify` and `loligo replay` say of the folder must be what the running exchange said.
fn confirm(home: &Home, hashes: &Value) {
    for command in ["verify", "replay"] {
        let finished = home.run(command);
        assert!(finished.status.success(), "{command}: {finished:?}");
        for name in ["state_hash", "event_hash"] {
            let hash = hashes[name].as_str().unwrap_or_else(|| panic!("no {name} in {hashes}"));
            assert!(hash.len() >= 32, "{name} is too short to mean anything: {hash}");
            assert!(
                finished.stdout.contains(hash),
                "{command} does not find {name} {hash}:\n{}",
                finished.said()
            );
        }
    }
}

#[test]
fn the_same_day_twice_has_the_same_hashes() {
    let flags = ["--market", "none", "--clock", "manual", "--seed", "5", "--rate-limits", "off"];
    let day = || {
        let home = Home::new();
        let mut venue = home.start(&flags);
        morning(&mut venue);
        afternoon(&mut venue);
        let hashes = venue.hashes();
        assert!(venue.stop().status.success());
        confirm(&home, &hashes);
        hashes
    };
    let first = day();
    assert_eq!(first, day());

    // The hash is of what happened: one order more, and it is another.
    let home = Home::new();
    let mut venue = home.start(&flags);
    morning(&mut venue);
    let noon = venue.hashes();
    venue.client(0).place_limit(SYMBOL, "buy", "0.25", "40000", "one-more");
    let later = venue.hashes();
    assert_ne!(noon["state_hash"], later["state_hash"]);
    assert_ne!(noon["event_hash"], later["event_hash"]);
}

#[test]
fn a_kill_in_the_middle_changes_nothing() {
    let flags = ["--market", "none", "--clock", "manual", "--seed", "6", "--rate-limits", "off"];
    let day = |killed: bool| {
        let home = Home::new();
        let mut venue = home.start(&flags);
        morning(&mut venue);
        let noon = venue.hashes();
        if killed {
            venue.kill();
            confirm(&home, &noon);
        } else {
            assert!(venue.stop().status.success());
        }
        let mut venue = home.start(&flags);
        afternoon(&mut venue);
        let evening = venue.hashes();
        venue.kill();
        confirm(&home, &evening);
        (noon, evening)
    };
    assert_eq!(day(true), day(false));
}

#[test]
fn a_live_hour_twice_and_with_a_kill_in_the_middle() {
    let flags = ["--market", "live", "--clock", "manual", "--seed", "7", "--rate-limits", "off"];
    let hour = |killed: bool| {
        let home = Home::new();
        let mut venue = home.start(&flags);
        let first = venue.client(0).get("/tickers/PF_XBTUSD", &[]);
        venue.advance(HOUR_MS / 2);
        let half = venue.hashes();
        if killed {
            venue.kill();
            confirm(&home, &half);
        } else {
            assert!(venue.stop().status.success());
        }
        let mut venue = home.start(&flags);
        venue.advance(HOUR_MS / 2);
        let last = venue.client(0).get("/tickers/PF_XBTUSD", &[]);
        assert_ne!(first["ticker"]["indexPrice"], last["ticker"]["indexPrice"], "the market did not move");
        let hashes = venue.hashes();
        venue.kill();
        confirm(&home, &hashes);
        (half, hashes)
    };
    assert_eq!(hour(true), hour(false));
}

#[test]
fn another_seed_is_another_market() {
    let hour = |seed: &str| {
        let home = Home::new();
        let mut venue = home.start(&["--market", "live", "--clock", "manual", "--seed", seed]);
        venue.advance(60_000);
        venue.hashes()["event_hash"].clone()
    };
    assert_ne!(hour("8"), hour("9"));
}

#[test]
fn prices_pinned_by_the_operator_are_part_of_the_record() {
    let home = Home::new();
    let flags = ["--market", "none", "--clock", "manual"];
    let mut venue = home.start(&flags);
    venue.control("PUT", "/prices/PF_ETHUSD", &json!({"index": "3210.5", "mark": 3211}));
    venue.kill();
    let venue = home.start(&flags);
    let ticker = venue.visitor().get("/tickers/PF_ETHUSD", &[]);
    assert_eq!(ticker["ticker"]["indexPrice"].to_string(), "3210.5");
    assert_eq!(ticker["ticker"]["markPrice"].to_string(), "3211");
}

#[test]
fn what_was_sent_off_the_grid_or_about_an_unknown_order_stays_in_the_log_as_it_was_written() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let from = venue.sequence() + 1;
    let mut alice = venue.client(0);
    let order = [
        ("orderType", "lmt"),
        ("symbol", SYMBOL),
        ("side", "buy"),
        ("size", "0.00015"),
        ("limitPrice", "49000.30"),
    ];
    assert_eq!(alice.place(&order)["status"], "invalidPrice");
    let unknown = "8f0cdb1c-5e0f-4a3c-9a3c-4b0d1c7f1a2b";
    let answer = alice.post("/cancelorder", &[("order_id", unknown)]);
    assert_eq!(answer["cancelStatus"]["status"], "notFound", "{answer}");
    assert!(venue.stop().status.success());
    let log = home.run_with("log", &["--from", &from.to_string(), "--count", "10"]);
    for shown in ["buy 0.00015 (off the grid) PF_XBTUSD", "at 49000.3 (off the grid)", unknown] {
        assert!(log.stdout.contains(shown), "{shown}: {}", log.stdout);
    }
}
