//! The past to warm up on, as a strategy runner meets it: its first request for candles is answered in full, the ticker and the
//! public trades agree with them, and a restart changes nothing of what never was.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::venue::{Home, Venue, text};

const SYMBOL: &str = "PF_XBTUSD";
/// A quarter past seven in the evening, and some seconds.
const LIVE: [&str; 4] = ["--clock", "manual", "--start-time", "2026-03-10T19:15:42.5Z"];
/// The same in milliseconds.
const GENESIS: i64 = 1_773_170_142_500;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// The midnight thirty days before.
const BEGINS: i64 = (GENESIS / DAY - 30) * DAY;

fn with<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    [&LIVE, flags].concat()
}

/// A public path of another API than the trading one.
fn fetch(venue: &Venue, path: &str) -> Value {
    let response = Connection::open(venue.http())
        .and_then(|mut to| to.request("GET", path, &[], None))
        .expect("an answer");
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    serde_json::from_slice(&response.body).expect("JSON")
}

/// A number as whole units of 1e-18.
fn units(value: &Value) -> i128 {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (digits, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent: i32 = exponent.parse().expect("a whole exponent");
    let places = 18 + exponent - part.len() as i32;
    let number: i128 = format!("{whole}{part}").parse().expect("digits");
    number * 10_i128.pow(places.try_into().expect("at most 18 decimals"))
}

struct Candle {
    time: i64,
    open: i128,
    high: i128,
    low: i128,
    close: i128,
    volume: i128,
}

fn candles(venue: &Venue, path: &str) -> (Vec<Candle>, bool) {
    let told = fetch(venue, &format!("/api/charts/v1/{path}"));
    let rows = told["candles"].as_array().expect("a list").iter();
    let candle = |row: &Value| Candle {
        time: row["time"].as_i64().expect("milliseconds"),
        open: units(&row["open"]),
        high: units(&row["high"]),
        low: units(&row["low"]),
        close: units(&row["close"]),
        volume: units(&row["volume"]),
    };
    (rows.map(candle).collect(), told["more_candles"] == true)
}

fn ticker(venue: &Venue, symbol: &str) -> Value {
    venue.visitor().get(&format!("/tickers/{symbol}"), &[])["ticker"].clone()
}

#[test]
fn the_first_request_for_candles_is_answered_in_full_and_without_a_gap() {
    let venue = Home::new().start(&LIVE);
    for tick_type in ["trade", "mark", "spot"] {
        for (resolution, length) in [
            ("1m", MINUTE),
            ("5m", 5 * MINUTE),
            ("15m", 15 * MINUTE),
            ("30m", 30 * MINUTE),
            ("1h", HOUR),
            ("4h", 4 * HOUR),
            ("12h", 12 * HOUR),
            ("1d", DAY),
        ] {
            for symbol in [SYMBOL, "PI_ETHUSD", "FF_XBTUSD_260327"] {
                let path = format!("{tick_type}/{symbol}/{resolution}");
                let held = (GENESIS / length - BEGINS / length + 1).min(500);
                let (found, more) = candles(&venue, &format!("{path}?count=500"));
                assert_eq!((found.len() as i64, more), (held, false), "{path}");
                assert_eq!(
                    found[found.len() - 1].time,
                    GENESIS / length * length,
                    "{path}: the forming one is the last"
                );
                for pair in found.windows(2) {
                    assert_eq!(pair[1].time - pair[0].time, length, "{path}");
                    // Index prices stand between two candles, marks but for a premium that changes at full hours; trades are on
                    // either side of a spread.
                    let apart = (pair[1].open - pair[0].close).abs();
                    let most = if tick_type == "spot" { 0 } else { pair[0].close / 2_000 };
                    assert!(apart <= most, "{path}: {} to {}", pair[0].close, pair[1].open);
                }
                for candle in &found {
                    assert!(
                        candle.low <= candle.open.min(candle.close)
                            && candle.high >= candle.open.max(candle.close)
                    );
                }
                let traded = found[..found.len() - 1].iter().all(|candle| candle.volume > 0);
                assert_eq!(traded, tick_type == "trade", "{path}");
            }
        }
    }
    // All there is, from the first minute on, a page at a time.
    let (first, more) = candles(&venue, &format!("trade/{SYMBOL}/1m?from={}&count=2000", BEGINS / 1_000 - 1));
    assert_eq!((first.len(), first[0].time, more), (2_000, BEGINS, true));
    let (before, _) =
        candles(&venue, &format!("trade/{SYMBOL}/1m?from={}&to={}", BEGINS / 1_000 - 90, BEGINS / 1_000 - 1));
    assert_eq!(before.len(), 0, "before the past there is nothing");
}

#[test]
fn the_past_ends_where_the_exchange_begins() {
    let mut venue = Home::new().start(&LIVE);
    let ended = GENESIS / MINUTE * MINUTE - MINUTE;
    let last_minute = |venue: &Venue, tick_type: &str, symbol: &str| {
        let path = format!("{tick_type}/{symbol}/1m?from={}&count=1", ended / 1_000);
        let (mut found, _) = candles(venue, &path);
        found.pop().expect("the last minute of the past")
    };
    for symbol in [SYMBOL, "PF_PEPEUSD", "PI_XBTUSD", "FF_XBTUSD_260327", "FI_ETHUSD_260327"] {
        let shown = ticker(&venue, symbol);
        assert!(text(&shown["lastTime"]) < "2026-03-10T19:15:00", "{symbol}: nobody has traded yet");
        assert_eq!(last_minute(&venue, "trade", symbol).close, units(&shown["last"]), "{symbol}");
        // What happened since opens where the past closed, however the market moves on.
        for tick_type in ["mark", "spot"] {
            let path = format!("{tick_type}/{symbol}/1m?from={}&count=2", ended / 1_000);
            let (minutes, _) = candles(&venue, &path);
            assert_eq!(minutes[1].open, minutes[0].close, "{tick_type} of {symbol}");
        }
    }
    let first = last_minute(&venue, "spot", SYMBOL).close;
    assert_eq!(first, 80_000 * 10_i128.pow(18), "the first index price of the pair");
    let before = last_minute(&venue, "trade", SYMBOL).close;
    venue.advance(10 * MINUTE as u64);
    assert_eq!(last_minute(&venue, "trade", SYMBOL).close, before, "what was made up stays");
    let (found, _) = candles(&venue, &format!("trade/{SYMBOL}/1m?count=30"));
    assert!(found.windows(2).all(|pair| pair[1].time - pair[0].time == MINUTE));
    assert_eq!(found[found.len() - 1].close, units(&ticker(&venue, SYMBOL)["last"]));
}

/// The ticker's figures of the day, and what the newest candles of an hour say of them.
fn figures(venue: &Venue, symbol: &str) -> ([i128; 4], [i128; 4]) {
    let shown = ticker(venue, symbol);
    let told = ["open24h", "high24h", "low24h", "vol24h"].map(|name| units(&shown[name]));
    let (hours, _) = candles(venue, &format!("trade/{symbol}/1h?count=24"));
    let high = hours.iter().map(|hour| hour.high).max().expect("hours");
    let low = hours.iter().map(|hour| hour.low).min().expect("hours");
    (told, [hours[0].open, high, low, hours.iter().map(|hour| hour.volume).sum()])
}

#[test]
fn the_figures_of_a_day_are_what_its_24_candles_of_an_hour_say() {
    let home = Home::new();
    let mut venue = home.start(&LIVE);
    for symbol in [SYMBOL, "PF_PEPEUSD", "PI_XBTUSD", "FF_XBTUSD_260327"] {
        let (told, said) = figures(&venue, symbol);
        assert_eq!(told, said, "{symbol}");
        let shown = ticker(&venue, symbol);
        let change = (units(&shown["last"]) - told[0]) * 10_000 / told[0];
        assert_eq!(
            units(&shown["change24h"]),
            change * 10_i128.pow(16),
            "{symbol}: in per cent, two decimals"
        );
        assert!(units(&shown["volumeQuote"]) > 0);
    }
    // The window slides: at the hour the oldest goes, and what really traded is in it.
    for minutes in [5, 45] {
        venue.advance(minutes * MINUTE as u64);
        let (told, said) = figures(&venue, SYMBOL);
        assert_eq!(told, said, "after {minutes} more minutes");
    }
    let (before, _) = figures(&venue, SYMBOL);
    venue.kill();
    let venue = home.start(&[]);
    assert_eq!(figures(&venue, SYMBOL).0, before, "a restart keeps them");
}

#[test]
fn the_funding_rates_of_the_past_are_shown_with_the_real_ones() {
    let venue = Home::new().start(&LIVE);
    let told = venue.visitor().get("/historical-funding-rates", &[("symbol", SYMBOL)]);
    let rates = told["rates"].as_array().expect("a list");
    // Each hour of thirty days and of the day of genesis, but for the first, which has none behind it.
    assert_eq!(rates.len() as i64, GENESIS / HOUR - BEGINS / HOUR);
    assert!(text(&rates[0]["timestamp"]).starts_with("2026-02-08T01:00:00"), "{}", rates[0]);
    assert!(text(&rates[rates.len() - 1]["timestamp"]).starts_with("2026-03-10T19:00:00"));
    let newest = &rates[rates.len() - 1];
    let shown = ticker(&venue, SYMBOL);
    assert_eq!(
        units(&newest["fundingRate"]),
        units(&shown["fundingRate"]),
        "the rate of the hour of genesis holds"
    );
}

#[test]
fn the_past_is_the_same_after_a_restart_and_another_with_another_seed() {
    let home = Home::new();
    let all = |venue: &Venue| {
        let until = GENESIS / 1_000;
        let chart = |path: &str| fetch(venue, &format!("/api/charts/v1/{path}&to={}", until - 43));
        let mut trades =
            venue.visitor().get("/history", &[("symbol", SYMBOL), ("lastTime", "2026-03-10T19:15:00.000Z")]);
        (
            chart(&format!("trade/{SYMBOL}/1m?count=300")),
            chart("mark/FI_ETHUSD_260327/4h?count=100"),
            trades["history"].take(),
        )
    };
    let venue = home.start(&with(&["--seed", "5"]));
    let before = all(&venue);
    assert_eq!(before.2.as_array().map(Vec::len), Some(100));
    venue.kill();
    // From the whole journal, and from the snapshot of a clean stop.
    let venue = home.start(&[]);
    assert_eq!(all(&venue), before);
    assert!(venue.stop().status.success());
    let mut venue = home.start(&["--past", "30d"]);
    assert_eq!(all(&venue), before);
    assert!(venue.screen("Ctrl-C").contains("past      30 days before it began are made up"));
    venue.advance(2_000);
    let hashes = venue.hashes();
    assert!(venue.stop().status.success());
    let verified = home.run("verify");
    assert!(verified.status.success(), "{}", verified.said());
    let replayed = home.run("replay");
    assert!(replayed.stdout.contains(text(&hashes["event_hash"])), "{} {hashes}", replayed.stdout);
    assert!(replayed.stdout.contains(text(&hashes["state_hash"])), "{} {hashes}", replayed.stdout);

    let same = Home::new().start(&with(&["--seed", "5"]));
    assert_eq!(all(&same), before, "another folder with the same seed has the same past");
    let other = all(&Home::new().start(&with(&["--seed", "6"])));
    assert_ne!((&other.0, &other.1, &other.2), (&before.0, &before.1, &before.2));
}

#[test]
fn public_trades_go_on_behind_the_real_ones_into_the_past() {
    let mut venue = Home::new().start(&LIVE);
    venue.advance(5_000);
    let mut seen = BTreeSet::new();
    let mut rows: Vec<Value> = Vec::new();
    let mut last_time: Option<String> = None;
    loop {
        let mut arguments = vec![("symbol", SYMBOL)];
        arguments.extend(last_time.as_deref().map(|time| ("lastTime", time)));
        let page = venue.visitor().get("/history", &arguments);
        let page = page["history"].as_array().expect("a list").clone();
        let Some(last) = page.last() else { break };
        last_time = Some(text(&last["time"]).to_owned());
        rows.extend(page);
    }
    assert!(rows.iter().all(|row| seen.insert(text(&row["uid"]).to_owned())), "no name is given twice");
    let times: Vec<&str> = rows.iter().map(|row| text(&row["time"])).collect();
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "newest first");
    let real = times.iter().filter(|time| **time >= "2026-03-10T19:15:42").count();
    assert!(real > 0, "the market has traded");
    assert_eq!(rows.len() - real, 1_000, "as many as are kept of real ones");
    let numbers: Vec<u64> =
        rows.iter().map(|row| text(&row["sequence_id"]).parse().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] > pair[1]), "numbers fall as times do");
    assert!(rows[real..].iter().all(|row| row["type"] == "fill"));
}

#[test]
fn public_executions_of_the_past_have_pages_whose_tokens_stay_valid() {
    let mut venue = Home::new().start(&LIVE);
    venue.advance(3_000);
    let page = |venue: &Venue, arguments: &str| {
        let path = format!("/api/history/v3/market/{SYMBOL}/executions?count=300{arguments}");
        let mut page = fetch(venue, &path);
        let token = page["continuationToken"].as_str().map(|token| {
            format!(
                "&continuation_token={}",
                token.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F")
            )
        });
        (page["elements"].as_array_mut().map(std::mem::take).expect("a list"), token)
    };
    let walk = |venue: &mut Venue, sort: &str| {
        let mut rows = Vec::new();
        let mut token = String::new();
        loop {
            let (more, next) = page(venue, &format!("{sort}{token}"));
            rows.extend(more);
            // Something happens between two pages.
            venue.advance(1_000);
            let Some(next) = next else { return rows };
            token = next;
        }
    };
    let name = |row: &Value| text(&row["event"]["Execution"]["execution"]["uid"]).to_owned();
    let made_up = |rows: &[Value]| {
        let before = rows.iter().filter(|row| row["timestamp"].as_i64().expect("milliseconds") < GENESIS);
        before.map(name).collect::<Vec<_>>()
    };
    let newest_first = made_up(&walk(&mut venue, "&sort=desc"));
    let mut oldest_first = made_up(&walk(&mut venue, "&sort=asc"));
    oldest_first.reverse();
    assert_eq!(newest_first.len(), 1_000);
    assert_eq!(newest_first, oldest_first);
    let mut trades =
        venue.visitor().get("/history", &[("symbol", SYMBOL), ("lastTime", "2026-03-10T19:15:00.000Z")]);
    let shown: Vec<String> = trades["history"]
        .take()
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| text(&row["uid"]).to_owned())
        .collect();
    assert_eq!(shown, newest_first[..100], "both APIs give an execution one name");
    // A range that ends before genesis holds the past alone, whole in itself.
    let (range, _) =
        page(&venue, &format!("&since={}&before={}", GENESIS - 10 * MINUTE, GENESIS - 5 * MINUTE));
    let minutes: BTreeSet<i64> =
        range.iter().map(|row| row["timestamp"].as_i64().expect("milliseconds") / MINUTE).collect();
    assert!((5..=6).contains(&minutes.len()), "{minutes:?}");
    // Orders that never were are nobody's to cancel.
    let order = text(&range[0]["event"]["Execution"]["execution"]["makerOrder"]["uid"]).to_owned();
    let told = venue.client(0).post("/cancelorder", &[("order_id", &order)]);
    assert_eq!(told["cancelStatus"]["status"], "notFound");
}

#[test]
fn who_wants_no_past_has_none_and_a_folder_keeps_what_it_was_begun_with() {
    let home = Home::new();
    let mut venue = home.start(&with(&["--past", "none"]));
    let (found, _) = candles(&venue, &format!("trade/{SYMBOL}/1h?count=500"));
    assert!(found.len() <= 1, "nothing before it began");
    let (found, _) = candles(&venue, &format!("mark/{SYMBOL}/1d?count=500"));
    assert_eq!(found.len(), 1);
    let (path, none) = (format!("/api/history/v3/market/{SYMBOL}/executions?before={GENESIS}"), json!([]));
    assert_eq!(fetch(&venue, &path)["elements"], none);
    let screen = venue.screen("Ctrl-C");
    assert!(!screen.contains("past "), "{screen}");
    venue.advance(1_000);
    venue.kill();

    let refused = home.refused(&["--past", "30d"]).said();
    assert!(refused.contains("it was begun with --past none, this start names 30d"), "{refused}");
    let venue = home.start(&[]);
    let (found, _) = candles(&venue, &format!("mark/{SYMBOL}/1d?count=500"));
    assert_eq!(found.len(), 1, "a later start does not make one up");
    venue.kill();

    let home = Home::new();
    home.start(&with(&["--past", "2d"])).kill();
    for (named, said) in [
        ("none", "begun with --past 2d, this start names none"),
        ("3d", "begun with --past 2d, this start names 3d"),
    ] {
        let refused = home.refused(&["--past", named]).said();
        assert!(refused.contains(said), "{refused}");
    }
    let venue = home.start(&["--past", "2d"]);
    assert_eq!(candles(&venue, &format!("spot/{SYMBOL}/1d")).0.len(), 3);
}

#[test]
fn a_past_wants_a_live_market_and_a_length() {
    let home = Home::new();
    let refused = home.refused(&["--market", "none", "--past", "30d"]).said();
    assert!(
        refused.contains("--past is the past of a live market: leave it out, or add --market live"),
        "{refused}"
    );
    for length in ["30", "0d", "367d", "1.5d", "d", "", "30h", "None"] {
        let refused = home.refused(&["--past", length]);
        assert_eq!(refused.status.code(), Some(2), "{length:?}");
        assert!(refused.said().contains("days from `1d` to `366d`, such as `30d`"), "{}", refused.said());
    }
    assert!(!home.data().exists(), "nothing was begun");
    let venue = home.start(&["--market", "none", "--past", "none", "--clock", "manual"]);
    assert_eq!(candles(&venue, &format!("trade/{SYMBOL}/1m")).0.len(), 0);
}
