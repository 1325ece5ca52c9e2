//! The figures of the rule book (docs/rules.md 4.1, 4.2, 4.5, 4.8) against what a client of the default listing is told.

#[path = "../../../loligo-engine/tests/page/mod.rs"]
mod page;

use crate::venue::Venue;
use loligo_server::{Server, ServerConfig};
use page::{number, table};
use serde_json::{Value, json};

/// A venue as it begins: nothing is pinned.
async fn untouched() -> Venue {
    let config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
    let real = config.real_time.clone();
    let server = Server::start(config).await.expect("it starts");
    let start = server.start_file();
    Venue { server, real, start }
}

/// A number of the page, as JSON reads it.
fn told(cell: &str) -> Value {
    serde_json::from_str(&cell.replace(',', "")).unwrap_or_else(|error| panic!("{cell}: {error}"))
}

/// The levels of a row of 4.2, as they travel.
fn levels(class: &str) -> (&'static str, Value) {
    for (head, unit) in [("Linear", "numNonContractUnits"), ("Inverse", "contracts")] {
        let (heads, rows) = table("4.2", head);
        let Some(row) = rows.into_iter().find(|row| row[0] == class) else { continue };
        let level = |(cell, rate): (&String, &String)| {
            let initial = number(rate, 6) as f64 / 1e6;
            json!({unit: told(cell), "initialMargin": initial, "maintenanceMargin": initial / 2.0})
        };
        let begun = row.iter().zip(&heads).skip(1).filter(|(cell, _)| *cell != "-");
        return (unit, begun.map(level).collect());
    }
    panic!("no levels are called {class}");
}

/// A number of JSON, whether it was written as a whole one or not.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a.as_f64() == b.as_f64() && a.is_number() && b.is_number(),
    }
}

#[tokio::test]
async fn the_default_listing_has_the_figures_of_the_rule_book_and_no_other_contracts() {
    let venue = untouched().await;
    let listed = venue.client(0).get("/instruments", &[]).await["instruments"].clone();
    let listed = listed.as_array().expect("a list");
    let (kinds, contracts) = (table("4.1", "Prefix").1, table("4.2", "Contract").1);
    let mut found = 0;
    for [name, tick, lot, most, impact, class] in
        contracts.iter().map(|row| <&[String; 6]>::try_from(&row[..]).expect("six"))
    {
        let series = format!("{name}_");
        let ours =
            |row: &&Value| row["symbol"].as_str().is_some_and(|it| it == name || it.starts_with(&series));
        let of_it: Vec<&Value> = listed.iter().filter(ours).collect();
        assert!(!of_it.is_empty(), "{name} is listed");
        let kind = kinds.iter().find(|kind| name.starts_with(&kind[0])).expect("a prefix of 4.1");
        for row in of_it {
            found += 1;
            assert!(same(&row["tickSize"], &told(tick)), "tick of {row}");
            // A lot of 10^-precision.
            let precision =
                i32::try_from(row["contractValueTradePrecision"].as_i64().expect("decimals")).expect("few");
            assert_eq!(
                number(lot, 6),
                10_i128.pow(u32::try_from(6 - precision).expect("at most six")),
                "lot of {row}"
            );
            assert!(same(&row["maxPositionSize"], &told(most)), "greatest position of {row}");
            assert!(same(&row["impactMidSize"], &told(impact)), "impact size of {row}");
            assert!(same(&row["marginLevels"], &levels(class).1), "levels of {row}");
            let is_inverse = kind[1].starts_with("inverse");
            assert_eq!(row["type"], if is_inverse { "futures_inverse" } else { "flexible_futures" }, "{row}");
            assert_eq!(levels(class).0, if is_inverse { "contracts" } else { "numNonContractUnits" });
            let last = row["lastTradingTime"].as_str().and_then(|last| last.split_once('T'));
            match kind[5].as_str() {
                "never" => {
                    assert_eq!(last, None, "{row}");
                    assert_eq!(
                        (&row["fundingRateCoefficient"], &row["maxRelativeFundingRate"]),
                        (&json!(8), &json!(0.005))
                    );
                }
                "08:00 UTC" => assert_eq!(last.map(|(_, time)| time), Some("08:00:00Z"), "{row}"),
                // In London it is summer in June and winter in January and up to the last Friday of March.
                "16:00 London" => {
                    let (day, time) = last.expect("it ends");
                    assert_eq!(
                        time,
                        if day.starts_with("2026-06") { "15:00:00Z" } else { "16:00:00Z" },
                        "{row}"
                    );
                }
                other => panic!("{name} ends {other}"),
            }
        }
    }
    assert_eq!(found, listed.len(), "what is listed stands in the rule book");
}

#[tokio::test]
async fn every_index_begins_at_its_first_value() {
    let venue = untouched().await;
    let tickers = venue.client(0).get("/tickers", &[]).await["tickers"].clone();
    let first = table("4.5", "Pair").1;
    for row in tickers.as_array().expect("a list") {
        let value = first.iter().find(|first| row["pair"] == first[0]).expect("a pair of 4.5");
        assert!(same(&row["indexPrice"], &told(&value[1])), "{row}");
        // Nobody quotes and nobody has traded.
        assert!(same(&row["markPrice"], &told(&value[1])), "{row}");
        assert_eq!(row.get("last"), None, "{row}");
    }
    for [pair, _] in first.iter().map(|row| <&[String; 2]>::try_from(&row[..]).expect("two")) {
        assert!(tickers.as_array().expect("a list").iter().any(|row| row["pair"] == *pair), "{pair}");
    }
}

#[tokio::test]
async fn the_fee_schedule_says_the_percentages_of_the_rule_book() {
    let venue = untouched().await;
    let schedules = venue.client(0).get("/feeschedules", &[]).await["feeSchedules"].clone();
    let percent = |cell: &str| told(cell.strip_suffix('%').expect("a percentage"));
    let tier = |row: &Vec<String>| json!({"makerFee": percent(&row[1]), "takerFee": percent(&row[2]), "usdVolume": told(&row[0])});
    let want: Value = table("4.8", "From USD").1.iter().map(tier).collect();
    assert!(same(&schedules[0]["tiers"], &want), "{schedules}");
}

#[tokio::test]
async fn volumes_of_a_day_are_in_contracts_and_in_quote_or_base() {
    let venue = untouched().await;
    for (symbol, size, price, quote) in
        [("PF_XBTUSD", "0.5", "80000", json!(40_000)), ("PI_XBTUSD", "1000", "80000", json!(0.0125))]
    {
        for (account, side) in [(0, "sell"), (1, "buy")] {
            let order = [
                ("orderType", "lmt"),
                ("symbol", symbol),
                ("side", side),
                ("size", size),
                ("limitPrice", price),
            ];
            let sent = venue.client(account).post("/sendorder", &order).await;
            assert_eq!(sent["sendStatus"]["status"], "placed", "{sent}");
        }
        let ticker = venue.client(0).get(&format!("/tickers/{symbol}"), &[]).await["ticker"].clone();
        assert!(same(&ticker["vol24h"], &told(size)) && same(&ticker["volumeQuote"], &quote), "{ticker}");
        assert!(same(&ticker["openInterest"], &told(size)), "{ticker}");
    }
}
