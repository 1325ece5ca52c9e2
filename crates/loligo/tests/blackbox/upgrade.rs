//! Folders that outlive a version: each form that was ever written is kept here as a folder of somebody, and opened.
//!
//! `folders/rules-1.tgz` was written before rules had versions: a live market on a manual clock, seed 7, three accounts, with
//! orders of most kinds, and stopped after 3,864 records. `folders/rules-2.tgz` is of the first version that names its rules, and
//! `folders/rules-2-format-2.tgz` the same in the journal format after that. `folders/rules-3.tgz` is of the last version without
//! funding, `folders/rules-4.tgz` of the last in which only the settlement currency margined anything, an hour and a half into funding
//! that is paid; `folders/rules-5.tgz` of the last in which an isolated position was ranked for unwinding by itself, with euros as collateral,
//! a gain paid in them, an assignment program and a position that went at the pool's cost; `folders/rules-6.tgz` of the present rules and format,
//! in which an isolated position was unwound, too.

use crate::http::Connection;
use crate::venue::{Home, Venue, text};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

/// A home with the data of a folder that was kept.
pub fn home_of(folder: &str) -> Home {
    let home = Home::new();
    fs::create_dir(home.data()).expect("a data folder");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/folders").join(folder);
    let unpacked =
        Command::new("tar").arg("xzf").arg(&kept).arg("-C").arg(home.data()).status().expect("tar runs");
    assert!(unpacked.success(), "{} cannot be unpacked", kept.display());
    home
}

/// What alice has open in the contract she trades, as `side size @ price` of a limit, or `side size stop price`.
fn open(venue: &Venue) -> Vec<String> {
    let orders = venue.client(0).open_orders();
    let mut lines: Vec<String> = orders
        .iter()
        .map(|order| {
            let price = order.get("stopPrice").or_else(|| order.get("limitPrice")).unwrap_or(&Value::Null);
            let (side, size, kind) = (&order["side"], &order["unfilledSize"], &order["orderType"]);
            format!("{} {size} {} {price}", text(side), text(kind))
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_folder_from_before_rules_had_versions_opens_and_goes_on() {
    let home = home_of("rules-1.tgz");
    let mut venue = home.start(&[]);
    let said = venue.screen("Ctrl-C");
    assert!(said.contains("records 1 to 3864 were made under rules 1; from here on rules 6 hold"), "{said}");
    let orders = open(&venue);
    assert_eq!(
        orders,
        ["buy 0.1 lmt 49000", "sell 0.1 stop 47500", "sell 0.2 stop 45000"],
        "what rested and waited is there"
    );
    assert_eq!(venue.control("GET", "/audit", &Value::Null)["status"], "ok");
    // The crossing is a record, and so is the start that loads the markets.
    assert_eq!(venue.sequence(), 3_866);
    // What the operator had set is as it was: this fault waited to be told.
    let _ = venue.control("DELETE", "/faults/1", &Value::Null);
    venue.client(0).place_limit("PF_XBTUSD", "buy", "0.1", "48000", "after");
    let sequence = venue.sequence();
    venue.kill();

    // Killed right after it: what follows the crossing is there, and nothing crosses twice.
    let mut venue = home.start(&[]);
    assert!(!venue.screen("Ctrl-C").contains("were made under rules"), "it has crossed already");
    assert_eq!(open(&venue).len(), 4);
    assert!(venue.sequence() > sequence);
    venue.advance(5_000);
    let hashes = venue.hashes();
    assert!(venue.stop().status.success());

    let verified = home.run("verify");
    assert!(verified.status.success(), "{}", verified.said());
    assert!(
        verified.stdout.contains("records 1 to 3864 were made under earlier rules: their hashes hold"),
        "{}",
        verified.stdout
    );
    assert!(verified.stdout.contains(text(&hashes["state_hash"])), "{} {hashes}", verified.stdout);
    let replayed = home.run("replay");
    assert!(replayed.stdout.contains(text(&hashes["event_hash"])), "{} {hashes}", replayed.stdout);
    let log = home.run_with("log", &["--from", "3865", "--count", "1"]);
    assert!(log.stdout.contains("from rules 1 to rules 6"), "{}", log.stdout);
}

#[test]
fn the_snapshot_at_which_the_rules_changed_is_never_removed() {
    let home = home_of("rules-1.tgz");
    for _ in 0..4 {
        // Each stop leaves a snapshot of its own.
        let venue = home.start(&[]);
        assert!(venue.stop().status.success());
    }
    let mut snapshots: Vec<_> = fs::read_dir(home.data().join("snapshots"))
        .expect("snapshots")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    snapshots.sort();
    assert_eq!(snapshots.len(), 3, "{snapshots:?}");
    assert_eq!(snapshots[0], "000001-0000000000003864.snapshot");
    let verified = home.run("verify");
    assert!(verified.status.success(), "{}", verified.said());
}

#[test]
fn records_under_other_rules_without_a_snapshot_behind_them_are_refused_with_the_way_over() {
    let home = home_of("rules-1.tgz");
    fs::remove_file(home.data().join("snapshots/000001-0000000000003864.snapshot")).expect("a snapshot");
    for _ in 0..2 {
        let refused = home.refused(&[]);
        assert_eq!(refused.status.code(), Some(1), "{}", refused.said());
        let said = refused.said();
        assert!(said.contains("record 1 was made under rules 1, and this version follows rules 6"), "{said}");
        assert!(
            said.contains("Start the version that made it on this folder and stop it with Ctrl-C"),
            "{said}"
        );
    }
    assert_eq!(format(&home), 1, "the version that made it can open it still");
    let verified = home.run("verify");
    assert!(verified.said().contains("made under rules 1"), "{}", verified.said());
    assert!(!verified.status.success());
}

#[test]
fn a_folder_of_the_rules_before_opens_and_goes_on() {
    // Written down when the folders were made: what they were then is not made anew.
    const TWO: &str = "c3f05eb05976bdbe9a163839d24a326ff844cca1afc6ef1f3fe5fb027abb256f";
    const THREE: &str = "982a0135837910f3f0546e44ad404910d7c020191d8d7516e367f6b0d3a5121e";
    const FOUR: &str = "1586ee1d47ff08afe3297519d82f3b1d1c62877236148fe87a112a946b0f8fd5";
    const FIVE: &str = "6ff9f561c53060c6d08bc6c6fd0a126fa34f1135b1a6e5ddf61481fab8a220bc";
    let of_two: &[&str] =
        &["buy 0.1 lmt 49000", "sell 0.1 stop 47500", "sell 0.2 lmt 52000", "sell 0.2 stop 45000"];
    let of_three: &[&str] =
        &["buy 0.1 lmt 49000", "sell 0.1 stop 47500", "sell 0.1 stop 47500", "sell 0.2 lmt 52000"];
    for (folder, events, records, orders, hours) in [
        ("rules-2.tgz", TWO, 52, of_two, 2),
        ("rules-2-format-2.tgz", TWO, 52, of_two, 2),
        ("rules-3.tgz", THREE, 45, of_three, 2),
        ("rules-4.tgz", FOUR, 45, of_three, 4),
        ("rules-5.tgz", FIVE, 52, &["buy 0.01 lmt 46000", "buy 0.0453 lmt 47000"], 3),
    ] {
        let home = home_of(folder);
        let replayed = home.run("replay");
        assert!(replayed.status.success(), "{folder}: {}", replayed.said());
        let told = replayed.stdout.contains(&format!("event hash {events}"));
        assert!(told, "{folder}: {}", replayed.stdout);
        let verified = home.run("verify");
        assert!(verified.status.success(), "{folder}: {}", verified.said());
        let earlier = format!("records 1 to {records} were made under earlier rules: their hashes hold");
        assert!(verified.stdout.contains(&earlier), "{folder}: {}", verified.said());
        let mut venue = home.start(&[]);
        assert_eq!(open(&venue), orders, "{folder}");
        // Funding begins with the first whole hour behind the crossing, or goes on.
        venue.advance(7_200_000);
        assert_eq!(venue.control("GET", "/audit", &Value::Null)["status"], "ok", "{folder}");
        let rates = venue.visitor().get("/historical-funding-rates", &[("symbol", "PF_XBTUSD")]);
        assert_eq!(rates["rates"].as_array().map(Vec::len), Some(hours), "{folder}: {rates}");
    }
}

#[test]
fn a_folder_of_these_rules_comes_to_the_hashes_that_it_had_when_it_was_written() {
    // Written down when the folder was made. Other hashes are other rules or another stored form: then a version rises, and
    // this folder becomes one that is crossed over.
    const STATE: &str = "d9770cf3636a2e167a50ab4bb53ed6a90285014cec51b64d89ac61a0f08d7a18";
    const EVENTS: &str = "d0096cef77a68f2331aaca1a0b46d2cdc3d79a95b0903797be25237648ee5fcb";
    let home = home_of("rules-6.tgz");
    let replayed = home.run("replay");
    assert!(replayed.status.success(), "{}", replayed.said());
    for line in [format!("state hash {STATE}"), format!("event hash {EVENTS}")] {
        assert!(replayed.stdout.contains(&line), "{line}: {}", replayed.stdout);
    }
    let verified = home.run("verify");
    assert!(verified.status.success(), "{}", verified.said());
    assert!(!verified.stdout.contains("earlier rules"), "{}", verified.said());
    let venue = home.start(&[]);
    let said = venue.screen("Ctrl-C");
    assert!(!said.contains("crossed over") && !said.contains("were made under rules"), "{said}");
    assert_eq!(open(&venue), ["buy 0.01 lmt 46000"]);
    let flex = venue.client(0).get("/accounts", &[])["accounts"]["flex"].clone();
    assert_eq!(flex["currencies"]["EUR"]["quantity"].to_string(), "1113.63636363636", "{flex}");
    let programs = venue.client(2).get("/assignmentprogram/current", &[]);
    assert_eq!(programs["participants"].as_array().map(Vec::len), Some(1), "{programs}");
}

#[test]
fn what_a_position_has_accrued_is_the_same_on_both_sides_of_a_crossing() {
    // 0.4 BTC at 25 USD an hour, for the 1,234.567 seconds since the position changed at half past two.
    const FUNDING: &str = "-3.42935277778";
    let home = home_of("rules-4.tgz");
    let venue = home.start(&[]);
    let told = venue.client(0).get("/openpositions", &[])["openPositions"].clone();
    let held = told.as_array().expect("a list").iter().find(|held| held["symbol"] == "PF_XBTUSD");
    assert_eq!(held.map(|held| held["unrealizedFunding"].to_string()).as_deref(), Some(FUNDING), "{told}");
}

#[test]
fn a_live_market_from_before_there_were_pasts_has_none() {
    let home = home_of("rules-1.tgz");
    let refused = home.refused(&["--past", "30d"]);
    assert!(
        refused.said().contains("it was begun with --past none, this start names 30d"),
        "{}",
        refused.said()
    );
    let venue = home.start(&["--past", "none"]);
    let mut stream = Connection::open(venue.http()).expect("it listens");
    let days = stream.request("GET", "/api/charts/v1/mark/PF_XBTUSD/1d", &[], None).expect("an answer");
    let days: Value = serde_json::from_slice(&days.body).expect("JSON");
    assert!(days["candles"].as_array().expect("a list").len() <= 1, "{days}");
}

/// The number that the newest change of a contract's book has on the wire.
fn newest_change(venue: &Venue, product: &str) -> u64 {
    let address = venue.http().strip_prefix("http://").expect("a plain http address");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = format!(
        "GET /ws/v1 HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).expect("the head of an answer");
    }
    let ask = json!({"event": "subscribe", "feed": "book", "product_ids": [product]}).to_string();
    // A text frame whose mask is zero.
    let length = u8::try_from(ask.len()).expect("a short question");
    assert!(length < 126, "a short question");
    let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], ask.as_bytes()].concat();
    stream.get_mut().write_all(&frame).expect("sent");
    loop {
        let (text, payload) = frame_of(&mut stream);
        // The server pings, too.
        if !text {
            continue;
        }
        let message: Value = serde_json::from_slice(&payload).expect("a message");
        assert_ne!(message["event"], "alert", "{message}");
        if message["feed"] == "book_snapshot" {
            return message["seq"].as_u64().expect("a numbered book");
        }
    }
}

/// Whether the next frame is text, and its payload.
fn frame_of(stream: &mut impl Read) -> (bool, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).expect("a frame");
    let mut more = [0; 8];
    let length = match head[1] & 0x7f {
        126 => {
            stream.read_exact(&mut more[6..]).expect("a length");
            u64::from_be_bytes(more)
        }
        127 => {
            stream.read_exact(&mut more).expect("a length");
            u64::from_be_bytes(more)
        }
        short => short.into(),
    };
    let mut payload = vec![0; usize::try_from(length).expect("a length")];
    stream.read_exact(&mut payload).expect("a payload");
    (head[0] & 0x0f == 1, payload)
}

#[test]
fn numbers_that_were_counted_in_the_views_go_on_where_they_were() {
    let home = home_of("rules-1.tgz");
    let mut venue = home.start(&[]);
    let crossed = newest_change(&venue, "PF_XBTUSD");
    assert!(crossed > 100, "makers had quoted for long: {crossed}");
    venue.advance(20_000);
    let later = newest_change(&venue, "PF_XBTUSD");
    assert!(later > crossed, "{later} after {crossed}");
    venue.kill();
    // What follows the crossing comes to the same again.
    assert_eq!(newest_change(&home.start(&[]), "PF_XBTUSD"), later);
}

/// The number of the journal's format, which a stopped folder has in the head of its database.
fn format(home: &Home) -> u32 {
    let database = fs::read(home.data().join("journal.db")).expect("a database");
    let number = *database[60..].first_chunk().expect("a head");
    u32::from_be_bytes(number)
}

#[test]
fn a_folder_of_the_first_journal_format_says_the_same_before_and_after_it_crosses() {
    for folder in ["rules-1.tgz", "rules-2.tgz"] {
        let home = home_of(folder);
        let tools = || {
            let log = home.run_with("log", &["--branch", "1", "--from", "1", "--count", "1000"]);
            [home.run("verify"), log].map(|run| {
                assert!(run.status.success(), "{folder}: {}", run.said());
                run.stdout
            })
        };
        let [verified, log] = tools();
        let replayed = home.run("replay").said();
        assert_eq!(format(&home), 1, "{folder}: reading changes nothing");
        let mut venue = home.start(&[]);
        let said = venue.screen("Ctrl-C");
        assert!(
            said.contains("has crossed over from journal format 1 to 3: earlier versions"),
            "{folder}: {said}"
        );
        let hashes = venue.hashes();
        assert!(venue.stop().status.success());
        assert_eq!(format(&home), 3, "{folder}");
        let [again, log_again] = tools();
        assert!(again.contains(text(&hashes["state_hash"])), "{folder}: {again} {hashes}");
        let records = |log: &str| -> Vec<String> {
            log.lines().filter(|l| l.starts_with(' ')).map(str::to_owned).collect()
        };
        assert!(records(&log).len() > 50 && records(&log_again).starts_with(&records(&log)), "{folder}");
        assert_ne!(again, verified, "{folder}: a start is a record");
        assert!(home.run("replay").stdout.contains(text(&hashes["event_hash"])), "{folder}: {replayed}");
        // And it goes on from there.
        let mut venue = home.start(&[]);
        assert!(
            !venue.screen("Ctrl-C").contains("crossed over from journal format"),
            "{folder}: it has already"
        );
        let _ = venue.control("DELETE", "/faults/1", &Value::Null);
        venue.client(0).place_limit("PF_XBTUSD", "buy", "0.1", "48000", "after");
        venue.kill();
        let venue = home.start(&[]);
        assert!(open(&venue).iter().any(|order| order == "buy 0.1 lmt 48000"), "{folder}");
    }
}
