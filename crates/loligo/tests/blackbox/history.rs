//! History of a killed process, of a folder that lost its index, and of a journal that was pruned.

use std::fs;

use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use crate::http::Response;
use crate::venue::{Home, INSTRUMENTS, QUIET, Venue};
use crate::week::{MOST, Sizes};

const SYMBOL: &str = "PF_XBTUSD";
const DAY_MS: u64 = 86_400_000;

/// The lists of the index.
const LISTS: [&str; 8] = [
    "order_event",
    "trigger_event",
    "execution",
    "position_update",
    "account_log",
    "public_execution",
    "public_order_event",
    "mark_price",
];

/// What the history API tells an account, by path.
const PATHS: [&str; 6] =
    ["/orders", "/triggers", "/executions", "/positions", "/account-log", "/accountlogcsv"];

/// All rows of a list that records after one came to, as any tool reads them.
fn rows(home: &Home, list: &str, after: i64) -> Vec<Vec<Cell>> {
    let tool = Connection::open(home.data().join("history.db")).expect("any tool opens it");
    let mut read = tool
        .prepare(&format!("SELECT * FROM {list} WHERE sequence > ?1 ORDER BY 1, 2, 3, 4"))
        .expect("a list");
    let width = read.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..width).map(|at| row.get(at)).collect::<Result<Vec<Cell>, _>>();
    let rows = read.query_map([after], row).expect("rows");
    rows.collect::<Result<_, _>>().expect("cells")
}

/// Every answer of history to an account, to the byte.
fn told(venue: &Venue, account: usize) -> Vec<String> {
    let mut client = venue.client(account);
    let mut told: Vec<String> = PATHS.iter().map(|path| client.past(path, &[]).text()).collect();
    for list in ["orders", "executions", "price"] {
        told.push(client.past(&format!("/market/{SYMBOL}/{list}"), &[]).text());
    }
    told
}

fn json(answer: &Response) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

/// Orders, fills, edits, refusals, triggers and transfers of two accounts, under names of their own.
fn trade(venue: &mut Venue, name: &str) {
    let (mut a, mut b) = (venue.client(0), venue.client(1));
    let maker = a.place_limit(SYMBOL, "sell", "1", "50010", &format!("{name}-maker"));
    let crossing = |size: &'static str| {
        [("orderType", "ioc"), ("symbol", SYMBOL), ("side", "buy"), ("size", size), ("limitPrice", "50020")]
    };
    assert_eq!(b.place(&crossing("0.4"))["status"], "placed");
    let _ = a.post("/editorder", &[("orderId", &maker), ("limitPrice", "50015"), ("size", "0.5")]);
    assert_eq!(b.place(&crossing("0.2"))["status"], "placed");
    let _ = a.post("/editorder", &[("orderId", &maker), ("limitPrice", "50015.3")]);
    venue.advance(1_000);
    let stop = [
        ("orderType", "stp"),
        ("symbol", SYMBOL),
        ("side", "sell"),
        ("size", "0.1"),
        ("stopPrice", "49000"),
        ("limitPrice", "48000"),
        ("triggerSignal", "mark"),
    ];
    assert_eq!(b.place(&stop)["status"], "placed");
    venue.pin(SYMBOL, "48900");
    venue.pin(SYMBOL, "50000");
    let _ = b.post("/cancelorder", &[("cliOrdId", "never-was")]);
    let between = [("fromAccount", "flex"), ("toAccount", "cash"), ("amount", "100"), ("unit", "usd")];
    let _ = a.post("/transfer", &between);
    let _ = a.post("/cancelallorders", &[]);
    let _ = b.post("/cancelallorders", &[]);
    venue.advance(6_000);
}

/// How far history is, and what was acknowledged.
fn reached(venue: &mut Venue) -> (u64, u64) {
    let health = venue.control("GET", "/health", &Value::Null);
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no number in {health}"));
    (number(&health["history"]["sequence"]), number(&health["sequence"]))
}

#[test]
fn a_kill_while_the_index_is_behind_loses_no_row() {
    let (killed, quiet) = (Home::new(), Home::new());
    let mut venue = killed.start(&QUIET);
    venue.pin(SYMBOL, "50000");
    trade(&mut venue, "first");
    let before = told(&venue, 0);
    // A tool that takes the file for itself: nothing can be written into it, so the index falls behind; orders do not.
    let tool = Connection::open(killed.data().join("history.db")).expect("any tool opens it");
    tool.execute_batch("BEGIN IMMEDIATE").expect("it is taken");
    trade(&mut venue, "second");
    let (told_of, acknowledged) = reached(&mut venue);
    assert!(told_of < acknowledged, "{told_of} {acknowledged}");
    // A read says so, in the shape of this API, and does not answer with less.
    let answer = venue.client(0).past("/orders", &[]);
    assert_eq!(answer.status, 503);
    let reason = format!("history is at record {told_of}, and record {acknowledged} was acknowledged");
    assert_eq!(json(&answer), json!({"status": "unavailable", "reason": reason}));
    venue.kill();
    tool.execute_batch("ROLLBACK").expect("it is given back");
    drop(tool);

    let mut undisturbed = quiet.start(&QUIET);
    undisturbed.pin(SYMBOL, "50000");
    trade(&mut undisturbed, "first");
    assert_eq!(told(&undisturbed, 0), before);
    trade(&mut undisturbed, "second");
    let venue = killed.start(&QUIET);
    for account in [0, 1] {
        assert_eq!(told(&venue, account), told(&undisturbed, account), "account {account}");
    }
    assert!(venue.stop().status.success());
    assert!(undisturbed.stop().status.success());
    for list in LISTS {
        let wanted = rows(&quiet, list, 0);
        assert!(!wanted.is_empty(), "{list}");
        assert_eq!(rows(&killed, list, 0), wanted, "{list}");
    }
}

#[test]
fn an_index_made_again_has_what_the_journal_still_holds_and_says_from_when_on() {
    let home = Home::new();
    let flags = [&QUIET[..], &["--keep-journal", "0", "--keep-history", "10"]].concat();
    for name in ["first", "second", "third"] {
        let mut venue = home.start(&flags);
        venue.pin(SYMBOL, "50000");
        trade(&mut venue, name);
        venue.advance(DAY_MS);
        for path in PATHS {
            assert_eq!(venue.client(0).past(path, &[]).header("loligo-incomplete"), None, "{path}");
        }
        assert!(venue.stop().status.success());
    }
    // The index as it was made while everything was there; then it is lost.
    let whole = home.copy();
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(home.data().join(format!("history.db{end}")));
    }
    let mut venue = home.start(&flags);
    let mut since = None;
    for path in PATHS {
        let answer = venue.client(0).past(path, &[]);
        let told = answer.header("loligo-incomplete").expect("something is missing").to_owned();
        assert_eq!(since.get_or_insert(told.clone()), &told, "{path}");
    }
    let since = since.expect("told");
    // It has been made by now: a page is answered from an index that has come as far as the exchange.
    let health = venue.control("GET", "/health", &Value::Null);
    let first = health["history"]["speaks_from"].as_i64().expect("a number");
    assert!(first > 1, "{health}");
    let instant = since.strip_prefix("only some rows up to ").expect("an instant").to_owned();
    // Whoever asks for what comes after is not told of it.
    let later = instant.replace(".000Z", ".001Z");
    assert_ne!(later, instant);
    let answer = venue.client(0).past("/orders", &[("since", &later)]);
    assert_eq!((answer.status, answer.header("loligo-incomplete")), (200, None));
    assert!(venue.stop().status.success());
    for list in LISTS {
        let (all, kept) = (rows(&whole, list, 0), rows(&whole, list, first - 1));
        assert!(!kept.is_empty() && kept.len() < all.len(), "{list}: {} of {}", kept.len(), all.len());
        let mut again = rows(&home, list, 0);
        // What the last start came to is behind that.
        again.truncate(kept.len());
        assert_eq!(again, kept, "{list}");
    }
}

#[test]
fn a_token_of_a_branch_that_was_left_is_refused() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    venue.pin(SYMBOL, "50000");
    trade(&mut venue, "first");
    let (_, until) = reached(&mut venue);
    let page = venue.client(0).past("/orders", &[("count", "1")]);
    let token = page.header("next-continuation-token").expect("there is more").to_owned();
    let next = [("count", "1"), ("continuation_token", token.as_str())];
    assert_eq!(venue.client(0).past("/orders", &next).status, 200);
    venue.kill();
    let venue = home.start(&[&QUIET[..], &["--until", &until.to_string()]].concat());
    let answer = venue.client(0).past("/orders", &next);
    assert_eq!(answer.status, 400);
    let wanted = json!({"status": "bad_request", "reason": "invalid argument: continuation_token"});
    assert_eq!(json(&answer), wanted);
}

/// One contract, so that it takes seconds; `cargo xtask bench week` does the same with all of them.
#[test]
#[expect(clippy::print_stdout, reason = "the sizes are what one looks for")]
fn seven_exchange_days_of_a_live_market_take_a_fraction_of_what_a_venue_may_take_for_ever() {
    const DAYS: u32 = 7;
    /// Of the default listing.
    const CONTRACTS: f64 = 22.0;
    let home = Home::new();
    let file = home.config_file().with_file_name("instruments.toml");
    fs::write(&file, INSTRUMENTS).expect("written");
    let file = file.to_str().expect("a path");
    let mut venue = home.start(&["--market", "live", "--clock", "manual", "--instruments", file]);
    for _ in 0..DAYS * 4 {
        venue.advance(DAY_MS / 4);
    }
    // Each of these waits for history, a second at most.
    while venue.client(0).past("/orders", &[]).status == 503 {}
    assert!(venue.stop().status.success());
    let sizes = Sizes::of(&home.data(), DAYS);
    let for_ever = sizes.for_ever(CONTRACTS);
    println!("{}; {CONTRACTS} contracts for ever: {:.2} GB", sizes.line(), for_ever / 1e9);
    assert!(for_ever < MOST, "{for_ever}");
}
