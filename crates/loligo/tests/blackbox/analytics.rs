//! Analytics over ends of the process: the same to the byte after a kill, without their file, and in folders that never had one.

use crate::http::Connection;
use crate::upgrade::home_of;
use crate::venue::{Home, Venue};
use loligo_wire::charts::AnalyticsType;
use serde_json::{Value, json};
use std::fs;

/// 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;
const LIVE: [&str; 4] = ["--clock", "manual", "--start-time", "2026-01-01T00:00:00Z"];

fn fetch(venue: &Venue, path: &str) -> String {
    let path = format!("/api/charts/v1/analytics{path}");
    let answer = Connection::open(venue.http()).and_then(|mut to| to.request("GET", &path, &[], None));
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

/// All types of two markets, and the pool, over the minutes that were over by then.
fn everything(venue: &Venue, minutes: i64) -> Vec<String> {
    let range = format!("since={START}&interval=60&to={}", START + 60 * (minutes - 1));
    let mut all = vec![fetch(venue, &format!("/liquidity-pool?{range}"))];
    for symbol in ["PF_XBTUSD", "PI_ETHUSD"] {
        all.extend(AnalyticsType::ALL.iter().map(|kind| fetch(venue, &format!("/{symbol}/{kind}?{range}"))));
    }
    all
}

/// The last of a series.
fn last<'v>(told: &'v Value, pointer: &str) -> &'v Value {
    told.pointer(pointer).and_then(Value::as_array).and_then(|series| series.last()).expect("a bucket")
}

#[test]
fn a_live_market_tells_the_same_after_every_kill() {
    let home = Home::new();
    let mut venue = home.start(&LIVE);
    for _ in 0..7 {
        venue.advance(50_000);
    }
    let told = everything(&venue, 5);
    let trades: Value = serde_json::from_str(&told[4]).expect("JSON");
    let counts = trades["result"]["data"].as_array().expect("counts");
    assert!(
        counts.len() == 5 && counts.iter().all(|count| count.as_u64() > Some(0)),
        "the takers trade: {trades}"
    );
    // What comes now is not written yet when the process ends.
    venue.advance(40_000);
    venue.kill();
    let mut venue = home.start(&LIVE);
    assert_eq!(everything(&venue, 5), told);
    venue.advance(160_000);
    let later = everything(&venue, 9);
    // Killed again, and what is made of the journal is gone.
    venue.kill();
    for name in ["analytics.db", "analytics.db-wal", "analytics.db-shm"] {
        let _ = fs::remove_file(home.data().join(name));
    }
    let venue = home.start(&LIVE);
    assert_eq!((everything(&venue, 5), everything(&venue, 9)), (told, later));
    let verified = venue.stop();
    assert!(verified.status.success(), "{}", verified.said());
}

#[test]
fn a_folder_from_before_there_were_analytics_tells_how_its_markets_stand() {
    for folder in ["rules-1.tgz", "rules-2.tgz", "rules-3.tgz", "rules-4.tgz", "rules-5.tgz", "rules-6.tgz"] {
        let home = home_of(folder);
        assert!(!home.data().join("analytics.db").exists());
        for _ in 0..2 {
            let venue = home.start(&[]);
            let ticker = venue.visitor().get("/tickers/PF_XBTUSD", &[])["ticker"].clone();
            let told = |kind: &str| -> Value {
                let path = format!("/PF_XBTUSD/{kind}?since=0&interval=604800");
                serde_json::from_str(&fetch(&venue, &path)).expect("JSON")
            };
            let book = told("spreads");
            for side in ["bid", "ask"] {
                let best = last(&book, &format!("/result/data/{side}/best_price"));
                let shown = ticker.get(side).map(Value::to_string);
                assert_eq!(best.as_str().map(str::to_owned), shown, "{folder}: {side} {ticker}");
            }
            let interest = told("open-interest");
            let close = &last(&interest, "/result/data")[3];
            assert_eq!(
                close.as_str().map(str::to_owned),
                Some(ticker["openInterest"].to_string()),
                "{folder}"
            );
            let holders = told("long-short-info");
            let longs = last(&holders, "/result/data/longCount").as_u64();
            assert_eq!(longs > Some(0), ticker["openInterest"] != json!(0), "{folder}: {holders}");
            if folder == "rules-6.tgz" {
                // Its journal can be applied again from the beginning: so all that was traded is there.
                let trades = venue.visitor().get("/history", &[("symbol", "PF_XBTUSD")])["history"].clone();
                let counts = told("trade-count");
                let counted: u64 = counts["result"]["data"]
                    .as_array()
                    .expect("counts")
                    .iter()
                    .filter_map(Value::as_u64)
                    .sum();
                let on_book = trades.as_array().expect("trades").iter().filter(|trade| {
                    !["termination", "assignment"].contains(&trade["type"].as_str().unwrap_or_default())
                });
                assert_eq!(counted, on_book.count() as u64, "{trades}");
                assert!(counted > 0);
            }
            assert!(venue.stop().status.success());
        }
    }
}
