//! Exchange time as a user meets it: a machine whose clock is set back, a market that nobody asks, a jump that is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::Client;
use crate::http::Connection;
use crate::venue::{Home, Venue, text};

const SYMBOL: &str = "PF_XBTUSD";
const HOUR_MS: u64 = 3_600_000;
/// Well beyond what is waited for anywhere here; reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again until the answer is there.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} in {PATIENCE:?}");
    }
}

/// A library that stands between a process and its wall clock, and adds the seconds that a file names.
const SET_CLOCK: &str = r#"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, id, now);
    const char *path = getenv("CLOCK_AHEAD");
    if (result == 0 && id == CLOCK_REALTIME && path) {
        char digits[24] = {0};
        int file = open(path, O_RDONLY);
        if (file >= 0) {
            if (read(file, digits, sizeof digits - 1) > 0) now->tv_sec += atol(digits);
            close(file);
        }
    }
    return result;
}
"#;

/// A home whose machine's clock a test can set: so many seconds ahead as it writes into the file.
pub fn with_own_clock() -> (Home, PathBuf) {
    let mut home = Home::new();
    let ahead = home.tell("CLOCK_AHEAD", "ahead.txt");
    let library = home.tell("LD_PRELOAD", "set_clock.so");
    let source = library.with_extension("c");
    fs::write(&source, SET_CLOCK).expect("a file");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(built.expect("the C compiler that the build needs, too").success());
    (home, ahead)
}

pub fn set_ahead(file: &Path, seconds: u32) {
    // Whole at any moment: the exchange reads it all the time.
    let aside = file.with_extension("new");
    fs::write(&aside, seconds.to_string()).expect("a file");
    fs::rename(&aside, file).expect("a file");
}

fn behind_ms(venue: &mut Venue) -> u64 {
    venue.control("GET", "/health", &Value::Null)["clock_behind_ms"].as_u64().expect("of a real clock")
}

/// Arms a dead man's switch of one second, and waits until it has cancelled all.
fn switch_fires(client: &mut Client) {
    client.place_limit(SYMBOL, "buy", "0.01", "40000", "resting");
    let armed = client.post("/cancelallordersafter", &[("timeout", "1")]);
    assert_eq!(armed["result"], "success", "{armed}");
    until("the dead man's switch fires", || client.open_orders().is_empty().then_some(()));
    let gone = client.status_by_name(&["resting"]);
    assert_eq!(gone[0]["updateReason"], "DEAD_MAN_SWITCH", "{gone:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_dead_mans_switch_fires_after_the_machines_clock_was_an_hour_ahead_and_over_a_restart() {
    let (home, ahead) = with_own_clock();
    let flags = ["--market", "none", "--rate-limits", "off"];
    set_ahead(&ahead, 3_600);
    let mut venue = home.start(&flags);
    assert_eq!(behind_ms(&mut venue), 0);
    venue.client(0).place_limit(SYMBOL, "buy", "0.01", "30000", "an hour ahead");

    set_ahead(&ahead, 0);
    let behind = behind_ms(&mut venue);
    assert!((3_590_000..=HOUR_MS).contains(&behind), "{behind} ms");
    venue.screen("the machine's clock is behind exchange time");
    switch_fires(&mut venue.client(0));
    venue.kill();

    let mut venue = home.start(&flags);
    venue.screen("the machine's clock is behind exchange time");
    assert!(behind_ms(&mut venue) > 3_500_000);
    until("six seconds pass, and the name is free", || {
        venue.client(0).status_by_name(&["resting"]).is_empty().then_some(())
    });
    switch_fires(&mut venue.client(0));

    // Right again.
    set_ahead(&ahead, 7_200);
    assert_eq!(behind_ms(&mut venue), 0);
    venue.screen("has caught up");
    venue.kill();
    assert!(home.run("verify").status.success());
}

#[test]
fn a_stop_on_the_mark_fires_though_nobody_asks_anything_else() {
    let home = Home::new();
    let venue = home.start(&["--market", "none", "--rate-limits", "off"]);
    let (mut alice, mut bob) = (venue.client(0), venue.client(1));
    let stop = [
        ("orderType", "stp"),
        ("symbol", SYMBOL),
        ("side", "buy"),
        ("size", "0.01"),
        ("stopPrice", "80050"),
        ("triggerSignal", "mark"),
        ("cliOrdId", "stop"),
    ];
    assert_eq!(alice.place(&stop)["status"], "placed");
    bob.place_limit(SYMBOL, "buy", "5", "80700", "bid");
    bob.place_limit(SYMBOL, "sell", "5", "80800", "ask");
    // Reading writes nothing: only time can bring the mark there.
    let filled = until("the stop fires", || {
        let mut orders = alice.status_by_name(&["stop"]);
        let order = orders.pop().expect("it waits, or was filled less than five seconds ago");
        (order["status"] == "FULLY_EXECUTED").then_some(order)
    });
    assert_eq!(filled["order"]["filled"].to_string(), "0.01", "{filled}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_exchange_in_memory_does_not_grow_with_its_past() {
    let home = Home::new();
    let mut venue = home.start(&["--ephemeral", "--clock", "manual"]);
    // The views fill up to their bounds, and history to the hour that it keeps.
    pass_minutes(&mut venue, 120);
    let (records, before) = (venue.sequence(), venue.resident_kib());
    pass_minutes(&mut venue, 120);
    let (records, grown) = (venue.sequence() - records, venue.resident_kib().saturating_sub(before));
    assert!(records > 200_000, "the market lives: {records} records");
    // Kept, they would be 80 bytes each at the least.
    assert!(grown < records * 80 / 1_024 / 3, "{grown} KiB more after {records} records");
}

/// Passes minutes one by one, each until history has it: what waits for it has a bound, and is not what is measured.
fn pass_minutes(venue: &mut Venue, minutes: u32) {
    let mut history = Connection::open(venue.http()).expect("the exchange listens");
    for _ in 0..minutes {
        venue.advance(60_000);
        let page = format!("/api/history/v3/market/{SYMBOL}/price?count=1");
        until("history has the minute", || {
            (history.request("GET", &page, &[], None).expect("an answer").status == 200).then_some(())
        });
    }
}

/// Sends a jump of the clock from another connection, which a kill may leave without an answer.
fn jump(venue: &Venue, days: u64) -> thread::JoinHandle<()> {
    let mut connection = Connection::open(venue.http()).expect("the exchange listens");
    let bearer = format!("Bearer {}", text(&venue.config["control_token"]));
    let body = json!({"advance_ms": days * 24 * HOUR_MS}).to_string();
    thread::spawn(move || {
        let headers = [("Authorization", bearer.as_str())];
        // It is killed on its way.
        let _ = connection.request("POST", "/loligo/v1/clock", &headers, Some(body.as_bytes()));
    })
}

/// Waits until a moving clock is some way on; the time it shows then.
fn on_its_way(venue: &mut Venue, from: &Value) -> Value {
    until("the clock moves", || {
        let clock = venue.control("GET", "/clock", &Value::Null);
        (clock["moving"] == true && clock["time"] != *from).then(|| clock["time"].clone())
    })
}

fn time(venue: &mut Venue) -> Value {
    venue.control("GET", "/clock", &Value::Null)["time"].clone()
}

#[test]
fn a_jump_that_is_killed_is_a_jump_to_where_it_was() {
    let flags = ["--clock", "manual", "--seed", "11", "--rate-limits", "off"];
    let home = Home::new();
    let mut venue = home.start(&flags);
    venue.client(0).place_limit(SYMBOL, "buy", "0.01", "40000", "before");
    let from = time(&mut venue);
    let jumping = jump(&venue, 31);
    let (seen, sequence) = (on_its_way(&mut venue, &from), venue.sequence());
    venue.kill();
    jumping.join().expect("the connection broke");

    let replayed = home.run("replay");
    assert!(home.run("verify").status.success(), "{}", home.run("verify").said());
    let mut venue = home.start(&flags);
    let stands = time(&mut venue);
    // RFC 3339 in UTC and of one length: the order of texts is the order of times.
    assert!(text(&seen) <= text(&stands), "{seen} {stands}");
    assert!(text(&stands).ends_with(".000000Z"), "whole seconds of the house: {stands}");
    assert!(venue.sequence() > sequence, "what was seen is there");
    assert_eq!(venue.client(0).open_orders().len(), 1);
    venue.kill();

    // Once straight to there, without a kill.
    let straight = Home::new();
    let mut venue = straight.start(&flags);
    venue.client(0).place_limit(SYMBOL, "buy", "0.01", "40000", "before");
    venue.control("POST", "/clock", &json!({"set": stands}));
    let hashes = venue.hashes();
    for name in ["state_hash", "event_hash"] {
        let hash = text(&hashes[name]);
        assert!(replayed.stdout.contains(hash), "{name} {hash} of {hashes}: {}", replayed.said());
    }
}

#[test]
fn what_is_acknowledged_in_the_middle_of_a_jump_survives_a_kill_there() {
    let flags = ["--clock", "manual", "--rate-limits", "off"];
    let home = Home::new();
    for round in 0..4 {
        let mut venue = home.start(&flags);
        let mut client = venue.client(0);
        let from = time(&mut venue);
        let jumping = jump(&venue, 31);
        on_its_way(&mut venue, &from);
        let name = format!("in jump {round}");
        let id = client.place_limit(SYMBOL, "buy", "0.01", "40000", &name);
        let (seen, sequence) = (time(&mut venue), venue.sequence());
        venue.kill();
        jumping.join().expect("the connection broke");

        let mut venue = home.start(&flags);
        assert!(text(&seen) <= text(&time(&mut venue)), "time does not go back");
        assert!(venue.sequence() > sequence, "round {round}");
        let open = venue.client(0).open_orders();
        assert_eq!(open.len(), round + 1, "{open:?}");
        assert!(open.iter().any(|order| order["order_id"] == id.as_str()), "{name} is lost: {open:?}");
        venue.kill();
    }
    let verified = home.run("verify");
    assert!(verified.status.success(), "{}", verified.said());
}
