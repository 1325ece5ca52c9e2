//! Kill the process while an hour of funding ends: what it acknowledged is there, and every position has paid or got its hour once.

use std::collections::BTreeMap;
use std::thread;

use serde_json::{Value, json};

use crate::api::Client;
use crate::http::Connection;
use crate::venue::{Home, Venue, text};

const SYMBOL: &str = "PF_XBTUSD";
const HOUR: u64 = 3_600_000;
const FLAGS: &[&str] = &["--market", "none", "--clock", "manual", "--rate-limits", "off", "--accounts", "10"];
/// Accounts that hold something: every second one has bought from the one before.
const HOLDERS: usize = 8;
const ROUNDS: u64 = 8;

/// Milliseconds of the clock since its day began.
fn millis_of_day(venue: &mut Venue) -> u64 {
    let time = venue.control("GET", "/clock", &Value::Null)["time"].clone();
    let time = text(&time);
    let number = |range: std::ops::Range<usize>| time[range].parse::<u64>().expect("digits");
    ((number(11..13) * 60 + number(14..16)) * 60 + number(17..19)) * 1_000 + number(20..23)
}

/// Passes what is left up to a time of the day.
fn pass_to(venue: &mut Venue, millis: u64) {
    let now = millis_of_day(venue);
    assert!(now <= millis, "{now} is past {millis}");
    if now < millis {
        venue.advance(millis - now);
    }
    assert_eq!(millis_of_day(venue), millis);
}

/// The rows of an account's log, oldest first, each by the names of its columns.
fn log(client: &mut Client) -> Vec<BTreeMap<String, String>> {
    let answer = client.send("GET", "/accountlogcsv", "", None, None).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let csv = answer.text();
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let row = |line: &str| -> BTreeMap<String, String> {
        names.iter().zip(line.split(',')).map(|(name, cell)| ((*name).to_owned(), cell.to_owned())).collect()
    };
    let mut rows: Vec<_> = lines.map(row).collect();
    rows.sort_by_key(|row| row["dateTime"].clone());
    rows
}

/// Lets the clock go over the end of an hour while orders are sent, and kills the process after so many of them were acknowledged.
fn pass_and_kill(venue: Venue, round: u64, acknowledged: u64) -> Vec<String> {
    let bearer = format!("Bearer {}", text(&venue.config["control_token"]));
    let mut mover = Connection::open(venue.http()).expect("it listens");
    let mut client = venue.client(HOLDERS);
    thread::scope(|scope| {
        scope.spawn(move || {
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
            let body = json!({"advance_ms": 2_000}).to_string();
            // It may be answered, or die with the process.
            drop(mover.request("POST", "/loligo/v1/clock", &headers, Some(body.as_bytes())));
        });
        let placed = (0..acknowledged)
            .map(|at| client.place_limit(SYMBOL, "buy", "0.01", "40000", &format!("kept-{round}-{at}")));
        let placed = placed.collect();
        venue.kill();
        placed
    })
}

#[test]
fn an_hour_that_a_kill_falls_into_is_paid_exactly_once() {
    let home = Home::new();
    let mut venue = home.start(FLAGS);
    venue.pin(SYMBOL, "50000");
    for buyer in (0..HOLDERS).step_by(2) {
        let (mut buys, mut sells) = (venue.client(buyer), venue.client(buyer + 1));
        sells.place_limit(SYMBOL, "sell", "1", "50200", &format!("sold-{buyer}"));
        buys.place_limit(SYMBOL, "buy", "1", "50200", &format!("bought-{buyer}"));
    }
    // A premium of 0.4%: 25 USD an hour for each of their coins, once an hour has gone by.
    let mut maker = venue.client(9);
    maker.place_limit(SYMBOL, "buy", "5", "50190", "bid");
    maker.place_limit(SYMBOL, "sell", "5", "50210", "ask");
    pass_to(&mut venue, HOUR);

    let mut kept = Vec::new();
    for round in 0..ROUNDS {
        let ends = (round + 2) * HOUR;
        pass_to(&mut venue, ends - 1_000);
        kept.extend(pass_and_kill(venue, round, round * 3 % 8));
        venue = home.start(FLAGS);
        let open: Vec<String> = venue
            .client(HOLDERS)
            .open_orders()
            .iter()
            .map(|order| text(&order["order_id"]).to_owned())
            .collect();
        assert!(kept.iter().all(|id| open.contains(id)), "round {round}: {kept:?} of {open:?}");
        pass_to(&mut venue, ends + 1_000);
        assert_eq!(venue.control("GET", "/audit", &Value::Null)["status"], "ok", "round {round}");
    }
    for holder in 0..HOLDERS {
        let mut client = venue.client(holder);
        let rows = log(&mut client);
        let funding: Vec<_> = rows.iter().filter(|row| row["type"] == "funding rate change").collect();
        let told: Vec<&str> = funding.iter().map(|row| row["realized funding"].as_str()).collect();
        let hour = if holder % 2 == 0 { "-25" } else { "25" };
        let want: Vec<&str> = std::iter::once("0").chain((0..ROUNDS).map(|_| hour)).collect();
        assert_eq!(told, want, "holder {holder}: {rows:?}");
        let flex = client.get("/accounts", &[])["accounts"]["flex"].clone();
        let last = &funding.last().expect("a row")["new balance"];
        assert_eq!(&flex["balanceValue"].to_string(), last, "holder {holder}");
    }
    let rates = venue.visitor().get("/historical-funding-rates", &[("symbol", SYMBOL)])["rates"].clone();
    let rates = rates.as_array().expect("a list");
    let hours: Vec<&str> = rates.iter().map(|rate| text(&rate["timestamp"])).collect();
    assert_eq!(hours.len() as u64, ROUNDS + 1, "{hours:?}");
    assert!(hours.windows(2).all(|pair| pair[0] < pair[1]), "each hour once, in order: {hours:?}");
    // A clean stop and another start tell the same.
    assert!(venue.stop().status.success());
    let venue = home.start(FLAGS);
    let again = venue.visitor().get("/historical-funding-rates", &[("symbol", SYMBOL)])["rates"].clone();
    assert_eq!(again.as_array(), Some(rates));
    assert!(venue.stop().status.success());
    assert!(home.run("verify").status.success());
}
