//! Tables of the rule book (docs/rules.md 4.1, 4.2, 4.5, 4.8, 5.6) against what a client of the default listing is told.

#[path = "../../../loligo-engine/tests/page/mod.rs"]
mod page;

use crate::history::{ask, events};
use crate::venue::{Client, SYMBOL, Venue};
use loligo_server::{Server, ServerConfig};
use loligo_wire::decimal::Number;
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
        let level = |(cell, rate_of): (&String, &String)| {
            let rate = |millionths: i128| told(&format!("0.{millionths:06}"));
            let initial = number(rate_of, 6);
            json!({unit: told(cell), "initialMargin": rate(initial), "maintenanceMargin": rate(initial / 2)})
        };
        let begun = row.iter().zip(&heads).skip(1).filter(|(cell, _)| *cell != "-");
        return (unit, begun.map(level).collect());
    }
    panic!("no levels are called {class}");
}

/// A number of JSON in units of 1e-12, however it is written; nothing of anything else.
fn units(value: &Value) -> Option<i128> {
    let number = Number::parse(value.to_string().as_bytes()).ok().filter(|_| value.is_number())?;
    number.decimal()?.at_scale(12).ok()
}

/// Whether two answers say the same, however their numbers are written.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => units(a).is_some() && units(a) == units(b),
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

/// A wallet of 1,500 USD that is long 1 BTC from 50,010, and is worth nothing at 48,535.005.
async fn long(venue: &Venue) -> Client {
    let (_, poor) = venue.subaccount(0, "poor", "1500").await;
    venue.client(1).place("lmt", "sell", "1", "50010", &[]).await;
    poor.place("ioc", "buy", "1", "50010", &[]).await;
    poor
}

#[tokio::test]
async fn each_side_of_the_ladder_is_told_the_words_of_the_rule_book() {
    let program = [
        ("contractType", "flexible_futures"),
        ("contract", SYMBOL),
        ("acceptLong", "true"),
        ("acceptShort", "false"),
        ("timeFrame", "all"),
        ("enabled", "true"),
    ];
    let roles = table("5.6", "Role").1;
    assert_eq!(roles.len(), 7);
    for [role, fill, log, order] in roles.iter().map(|row| <&[String; 4]>::try_from(&row[..]).expect("four"))
    {
        let venue = Venue::start().await;
        let (bob, carol) = (venue.client(1), venue.client(2));
        let poor = long(&venue).await;
        // Who bids, for how much, at which mark, who takes part, and the type of the public trade in both its spellings.
        let (bids, mark, public) = match role.as_str() {
            "liquidated, step 1 linear" => (Some("49990"), "48700", "partial liquidation"),
            "liquidated, whole" => (Some("48600"), "48000", "liquidation"),
            "covered" => (Some("48000"), "48700", "liquidation"),
            "liquidated, assigned away" | "provider" => (None, "48700", "assignment"),
            "bankrupt side of an unwind" | "counterparty of an unwind" => (None, "48700", "termination"),
            other => panic!("{other} is no role"),
        };
        if let Some(price) = bids {
            carol.place("lmt", "buy", "1", price, &[]).await;
        }
        if public == "assignment" {
            carol.post("/assignmentprogram/add", &program).await;
        }
        // The pool tops up and covers; of the others none comes to it.
        if bids.is_none_or(|_| role == "covered") && public != "termination" {
            venue.order("PUT", "/pool", json!({"currency": "USD", "amount": "1000"})).await;
        }
        let last = venue.client(0).get(&format!("/tickers/{SYMBOL}"), &[]).await["ticker"]["last"].clone();
        venue.pin(SYMBOL, mark).await;
        let who = match role.as_str() {
            "provider" => &carol,
            "counterparty of an unwind" => &bob,
            _ => &poor,
        };
        assert_eq!(who.get("/fills", &[]).await["fills"][0]["fillType"], fill.as_str(), "{role}");
        let rows = ask(who, "/account-log", &[("count", "2")]).await["logs"].clone();
        for row in rows.as_array().expect("rows") {
            assert_eq!(row["info"], log.as_str(), "{role}: {row}");
        }
        // The newest is the money's: what changed is what it says, to the last digit.
        let booked = |name: &str| units(&rows[0][name]).unwrap_or(0);
        assert_eq!(
            booked("new_balance") - booked("old_balance"),
            booked("realized_pnl") - booked("fee") + booked("realized_funding") - booked("liquidation_fee"),
            "{role}: {rows}"
        );
        let paid = match role.as_str() {
            "liquidated, step 1 linear" => "12.4975",
            "liquidated, whole" => "40.695",
            "covered" => "-535.005",
            "provider" => "-79.5",
            _ => "0",
        };
        assert_eq!(booked("liquidation_fee"), number(paid, 12), "{role}");
        let told = events(who, "/executions", &[]).await;
        let execution = &told.last().expect("an execution").1["execution"];
        let of_it = execution["order"]["orderType"].as_str().expect("a type");
        assert!(of_it.eq_ignore_ascii_case(order), "{role}: {of_it}");
        let trades = bob.get("/history", &[("symbol", SYMBOL)]).await["history"].clone();
        assert_eq!(trades[0]["type"], public, "{role}");
        let now = bob.get(&format!("/tickers/{SYMBOL}"), &[]).await["ticker"]["last"].clone();
        let off_book = ["assignment", "termination"].contains(&public);
        assert_eq!(now == last, off_book, "{role}: what met without the book moves no last price");
    }
}

#[tokio::test]
async fn money_that_leaves_or_moves_has_its_words_in_the_log() {
    let venue = untouched().await;
    let alice = venue.client(0);
    let path = format!("/accounts/{}/keys", venue.start.accounts[0].uid);
    let key = venue.order("POST", &path, json!({"general": "none", "withdrawal": "full"})).await;
    let out = [("currency", "usd"), ("amount", "40.25"), ("sourceWallet", "flex")];
    assert_eq!(venue.client_of(&key).post("/withdrawal", &out).await["result"], "success");
    let (uid, child) = venue.subaccount(0, "child", "100").await;
    let mine = venue.start.accounts[0].uid.as_str();
    let moved = [
        ("fromUser", uid.as_str()),
        ("toUser", mine),
        ("fromAccount", "flex"),
        ("toAccount", "cash"),
        ("unit", "usd"),
        ("amount", "60"),
    ];
    assert_eq!(alice.post("/transfer/subaccount", &moved).await["result"], "success");
    for (client, at, word, wallet, change) in [
        (&alice, 0, "subaccount transfer", "cash", "60"),
        (&alice, 1, "cross-exchange transfer", "flex", "-40.25"),
        (&child, 0, "subaccount transfer", "flex", "-60"),
        (&child, 1, "admin transfer", "flex", "100"),
    ] {
        let row = ask(client, "/account-log", &[]).await["logs"][at].clone();
        let said = ["info", "asset", "margin_account"].map(|name| row[name].clone());
        assert_eq!(said, [word, "usd", wallet].map(|word| json!(word)), "{row}");
        let balance = |name: &str| units(&row[name]).expect("a number");
        assert_eq!(balance("new_balance") - balance("old_balance"), number(change, 12), "{row}");
    }
}
