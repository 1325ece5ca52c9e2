//! Kill the process while positions go down the ladder: what it acknowledged is there, nobody is closed twice or forgotten, and the state
//! is that of a venue which nobody disturbed.

use serde_json::{Value, json};

use crate::venue::{Home, Venue, text};

const SYMBOL: &str = "PF_XBTUSD";
const FLAGS: &[&str] =
    &["--market", "none", "--clock", "manual", "--rate-limits", "off", "--accounts", "102"];
/// Each is short of two who are poor, so that a record's 64 steps do not unwind one of these against them all.
const SELLERS: usize = 100;
const ROUNDS: usize = 8;

/// Two who are short of margin, in a market that opens again: their first step is due at the next second. Stopped; whoever copies it
/// goes on from there.
fn before_the_fall() -> Home {
    let home = Home::new();
    let mut venue = home.start(FLAGS);
    venue.pin(SYMBOL, "50000");
    for name in ["first", "second"] {
        let keys = venue.control("POST", "/accounts", &json!({"name": name, "flex": {"usd": "1500"}}));
        let mut poor = venue.client_of(&keys);
        for seller in 0..SELLERS {
            let order = format!("{name}-{seller}");
            venue.client(seller).place_limit(SYMBOL, "sell", "0.01", "50010", &order);
            poor.place_limit(SYMBOL, "buy", "0.01", "50010", &order);
        }
    }
    // Three tenths find a buyer, a fifth a provider, and the rest nobody.
    venue.client(SELLERS).place_limit(SYMBOL, "buy", "0.3", "48700", "bid");
    let program = [
        ("contractType", "flex"),
        ("contract", SYMBOL),
        ("maxPosition", "0.2"),
        ("acceptLong", "true"),
        ("acceptShort", "false"),
        ("timeFrame", "ALL"),
        ("enabled", "true"),
    ];
    let added = venue.client(SELLERS + 1).post("/assignmentprogram/add", &program);
    assert_eq!(added["id"], 1, "{added}");
    venue.control("PUT", "/pool", &json!({"currency": "USD", "amount": "100"}));
    let path = format!("/markets/{SYMBOL}");
    venue.control("PUT", &path, &json!({"state": "suspended"}));
    venue.pin(SYMBOL, "48700");
    venue.control("PUT", &path, &json!({"state": "open"}));
    assert!(venue.stop().status.success());
    home
}

/// Goes on from wherever it is to well behind the last step, and what the state is then.
fn pass_the_fall(home: &Home) -> (Venue, Value) {
    let mut venue = home.start(FLAGS);
    venue.control("POST", "/clock", &json!({"set": "2026-01-01T00:02:00Z"}));
    let hashes = venue.hashes();
    (venue, hashes["state_hash"].clone())
}

#[test]
fn a_liquidation_that_a_kill_falls_into_comes_to_what_it_comes_to_undisturbed() {
    let home = before_the_fall();
    let undisturbed = home.copy();
    let (mut venue, want) = pass_the_fall(&undisturbed);
    let of = |venue: &Venue, at: usize, name: &str| -> Vec<String> {
        let fills = venue.client(at).get("/fills", &[])["fills"].clone();
        fills.as_array().expect("a list").iter().map(|fill| text(&fill[name]).to_owned()).collect()
    };
    // Every rung was stood on, and the sellers were unwound.
    assert!(of(&venue, SELLERS, "fillType").contains(&"maker".to_owned()));
    assert!(of(&venue, SELLERS + 1, "fillType").contains(&"assignee".to_owned()));
    let unwound =
        (0..SELLERS).filter(|at| of(&venue, *at, "fillType").contains(&"unwindCounterparty".to_owned()));
    assert!(unwound.count() > 64, "more than one record unwinds");
    let pool = venue.control("GET", "/pool", &Value::Null);
    assert!(venue.stop().status.success());
    for round in 0..ROUNDS {
        let home = home.copy();
        home.start(FLAGS).kill_amid_jump(20_000, round / 2);
        let (mut venue, state) = pass_the_fall(&home);
        assert_eq!(state, want, "round {round}");
        assert_eq!(venue.control("GET", "/audit", &Value::Null)["status"], "ok", "round {round}");
        assert_eq!(venue.control("GET", "/pool", &Value::Null), pool, "round {round}");
        assert!(venue.stop().status.success());
        assert!(home.run("verify").status.success(), "round {round}");
    }
}
