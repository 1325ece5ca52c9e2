//! The liquidation ladder as its parties see it: in fills, feeds, history, logs and statistics; the routes of the assignment program and
//! of the unwind queue; and the operator's pool.
//!
//! The poor one holds 1,500 USD and buys 1 BTC at 50,010: at 48,700 that is 164.995 for a maintenance of 243.50, and nothing is left at
//! 48,535.005.

use crate::feeds::socket::Socket;
use crate::history::{ask, events};
use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

/// The poor one, long, and no order left in the book.
async fn long(venue: &Venue) -> Client {
    let (_, poor) = venue.subaccount(0, "poor", "1500").await;
    venue.client(1).place("lmt", "sell", "1", "50010", &[]).await;
    poor.place("ioc", "buy", "1", "50010", &[]).await;
    poor
}

async fn newest_fill(client: &Client) -> Value {
    client.get("/fills", &[]).await["fills"][0].clone()
}

/// What is told of the order of an account's newest fill.
async fn newest_status(client: &Client) -> Value {
    let order = newest_fill(client).await["order_id"].clone();
    let ids = [("orderIds", order.as_str().expect("an id"))];
    client.post("/orders/status", &ids).await["orders"][0].clone()
}

/// Of the newest fill that a feed told: how it came about, and the types of its order and of the one that came.
async fn newest_words(fills: &mut Socket) -> [String; 3] {
    let told = fills.settle().await;
    let fill = told.last().expect("a fill")["fills"][0].clone();
    ["fill_type", "order_type", "taker_order_type"]
        .map(|word| fill[word].as_str().expect("a word").to_owned())
}

/// The newest rows of an account's log, oldest first: what they are called, of what, and what came of it.
async fn log(client: &Client, rows: usize) -> Vec<Value> {
    let logs = ask(client, "/account-log", &[]).await["logs"].as_array().expect("rows").clone();
    logs.into_iter().take(rows).rev().collect()
}

async fn csv(client: &Client) -> String {
    let mut request = client.request("GET", "", &[]);
    request.path = "/api/history/v3/accountlogcsv".to_owned();
    request.sign();
    String::from_utf8(request.send().await.body).expect("text")
}

async fn ticker(client: &Client) -> Value {
    client.get(&format!("/tickers/{SYMBOL}"), &[]).await["ticker"].clone()
}

async fn pool(venue: &Venue) -> Value {
    venue.order("GET", "/pool", Value::Null).await["pool"]["USD"].clone()
}

/// A program that takes everything of [`SYMBOL`].
const TAKES_ALL: [(&str, &str); 6] = [
    ("contractType", "flex"),
    ("contract", SYMBOL),
    ("acceptLong", "true"),
    ("acceptShort", "true"),
    ("timeFrame", "all"),
    ("enabled", "true"),
];

#[tokio::test]
async fn one_bid_is_enough_for_a_tenth_and_that_for_the_rest() {
    let venue = Venue::start().await;
    let poor = long(&venue).await;
    venue.client(1).place("lmt", "buy", "1", "49990", &[]).await;
    let mut public = Socket::open(&venue).await;
    public.ask(json!({"event": "subscribe", "feed": "trade", "product_ids": [SYMBOL]})).await;
    public.hear().await;
    venue.pin(SYMBOL, "48700").await;
    assert_eq!(public.settle().await[0]["type"], "partialLiquidation");
    let fill = newest_fill(&poor).await;
    assert_eq!(
        (&fill["fillType"], &fill["size"], &fill["price"]),
        (&json!("partialLiquidation"), &json!(0.1), &json!(49_990))
    );
    let flex = poor.get("/accounts", &[]).await["accounts"]["flex"].clone();
    // 2.00 lost, a fee of 2.4995, and half of 0.5% of 4,999 into the pool.
    assert_eq!(
        (&flex["marginEquity"], &flex["maintenanceMargin"]),
        (&json!(278.998), &json!(219.15)),
        "{flex}"
    );
    // 1% of 0.9 at 50,010 is not there: what is missing is told as such.
    assert_eq!((&flex["initialMargin"], &flex["availableMargin"]), (&json!(450.09), &json!(-171.092)));
    assert_eq!(pool(&venue).await, "12.4975");
    let rows = log(&poor, 2).await;
    assert_eq!(rows[1]["info"], "futures partial liquidation");
    assert_eq!(rows[1]["liquidation_fee"].to_string(), "12.4975");
    assert_eq!(poor.place("lmt", "sell", "0.1", "52000", &[]).await["status"], "placed", "cured");
}

#[tokio::test]
async fn an_unwind_is_seen_by_both_sides_and_by_everyone_and_moves_no_price() {
    let venue = Venue::start().await;
    let poor = long(&venue).await;
    let other = venue.client(1);
    let queue = async |client: &Client| client.get("/unwindqueue", &[]).await["queue"].clone();
    for client in [&poor, &other] {
        assert_eq!(queue(client).await, json!([{"symbol": SYMBOL, "percentile": 100}]));
    }
    let before = ticker(&other).await;
    let candles = async || {
        let mut request = other.request("GET", "", &[]);
        request.path = format!("/api/charts/v1/trade/{SYMBOL}/1m");
        request.query = String::new();
        request.json().await["candles"].clone()
    };
    let candles_before = candles().await;
    let volume = async || other.get("/feeschedules/volumes", &[]).await["volumesByFeeSchedule"].clone();
    let volume_before = volume().await;
    let mut private = Socket::open(&venue).await;
    private.follow(&other, &["fills", "open_orders"]).await;
    let mut public = Socket::open(&venue).await;
    public.ask(json!({"event": "subscribe", "feed": "trade", "product_ids": [SYMBOL]})).await;
    public.hear().await;

    venue.pin(SYMBOL, "48700").await;
    // Fills, over http and as they are told.
    for (client, kind) in [(&poor, "unwindBankrupt"), (&other, "unwindCounterparty")] {
        let fill = newest_fill(client).await;
        assert_eq!(
            (&fill["fillType"], &fill["price"], &fill["size"]),
            (&json!(kind), &json!(48_536), &json!(1))
        );
        assert_eq!(queue(client).await, json!([]));
    }
    let told = private.settle().await;
    let fill = told.iter().find(|message| message["feed"] == "fills").expect("a fill")["fills"][0].clone();
    assert_eq!(
        (&fill["fill_type"], &fill["order_type"], &fill["fee_paid"]),
        (&json!("unwindCounterparty"), &json!("unwind"), &json!(0))
    );
    let trades = public.settle().await;
    assert_eq!(
        (&trades[0]["type"], &trades[0]["price"], &trades[0]["side"]),
        (&json!("termination"), &json!(48_536), &json!("sell"))
    );
    let shown = other.get("/history", &[("symbol", SYMBOL)]).await["history"][0].clone();
    assert_eq!(
        (&shown["type"], &shown["price"], &shown["uid"]),
        (&json!("termination"), &json!(48_536), &trades[0]["uid"])
    );

    // The order of each, and what became of it.
    let status = newest_status(&other).await;
    assert_eq!((&status["status"], &status["updateReason"]), (&json!("FULLY_EXECUTED"), &json!("FULL_FILL")));
    assert_eq!(status["order"]["reduceOnly"], true);
    for client in [&poor, &other] {
        let orders = events(client, "/orders", &[]).await;
        let (kind, last) = orders.last().expect("some");
        assert_eq!(
            (kind.as_str(), &last["newOrder"]["orderType"], &last["reason"]),
            ("OrderUpdated", &json!("Unwind"), &json!("full_fill"))
        );
        let executions = events(client, "/executions", &[]).await;
        let execution = &executions.last().expect("some").1["execution"];
        assert_eq!(
            (&execution["price"], &execution["order"]["orderType"]),
            (&json!("48536"), &json!("Unwind"))
        );
        assert_eq!(execution["orderData"]["fee"], "0");
        let updates = events(client, "/positions", &[]).await;
        let update = &updates.last().expect("some").1;
        assert_eq!(
            (&update["tradeType"], &update["positionChange"], &update["updateReason"]),
            (&json!("unwind"), &json!("close"), &json!("trade"))
        );
    }
    for (client, info, pnl, balance) in [
        (&poor, "futures unwind bankrupt", "-1474", "0.995"),
        (&other, "futures unwind counterparty", "1474", "1001463.998"),
    ] {
        let rows = log(client, 2).await;
        assert_eq!((&rows[0]["asset"], &rows[1]["asset"]), (&json!("pf_xbtusd"), &json!("usd")));
        for row in &rows {
            assert_eq!((&row["info"], &row["execution"]), (&json!(info), &rows[0]["execution"]), "{row}");
        }
        assert_eq!(
            (rows[1]["realized_pnl"].to_string(), rows[1]["new_balance"].to_string()),
            (pnl.to_owned(), balance.to_owned())
        );
        assert_eq!(rows[1]["liquidation_fee"], Value::Null);
        assert!(csv(client).await.contains(info), "the log as a file has it, too");
    }
    // The market's figures are those of its trades.
    let after = ticker(&other).await;
    for name in ["last", "lastTime", "lastSize", "vol24h", "volumeQuote", "open24h", "high24h", "low24h"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!((&before["openInterest"], &after["openInterest"]), (&json!(1), &json!(0)));
    assert_eq!(candles().await, candles_before);
    assert_eq!(volume().await, volume_before);
    assert_eq!(venue.order("GET", "/audit", Value::Null).await["status"], "ok");
}

#[tokio::test]
async fn a_provider_is_assigned_what_it_takes_and_the_pool_tops_it_up() {
    let venue = Venue::start().await;
    let poor = long(&venue).await;
    let provider = venue.client(2);
    let set = venue.order("PUT", "/pool", json!({"currency": "usd", "amount": "100"})).await;
    assert_eq!(set, json!({"currency": "USD", "amount": "100"}));
    // The contract lets a key that only reads take part.
    let added = venue.reader(2).post("/assignmentprogram/add", &TAKES_ALL).await;
    let participant = json!({
        "contractType": "flexible_futures", "contract": SYMBOL, "baseCurrency": null, "quoteCurrency": null,
        "maxSize": null, "maxPosition": null, "acceptLong": true, "acceptShort": true, "timeFrame": "ALL", "enabled": true,
        "cashAccountOpenPositionMaxNotional": null, "minimumProfitabilityPerAssignmentLongBps": null,
        "minimumProfitabilityPerAssignmentShortBps": null,
    });
    assert_eq!((&added["id"], &added["participant"]), (&json!(1), &participant));
    let current = async || provider.get("/assignmentprogram/current", &[]).await["participants"].clone();
    assert_eq!(current().await, json!([{"id": 1, "participant": participant}]));

    let mut public = Socket::open(&venue).await;
    public.ask(json!({"event": "subscribe", "feed": "trade", "product_ids": [SYMBOL]})).await;
    public.hear().await;
    let mut private = Socket::open(&venue).await;
    private.follow(&provider, &["fills"]).await;
    venue.pin(SYMBOL, "48700").await;
    assert_eq!(newest_words(&mut private).await, ["assignee", "assignment", "assignment"]);
    for (client, kind) in [(&poor, "assignor"), (&provider, "assignee")] {
        let fill = newest_fill(client).await;
        assert_eq!((&fill["fillType"], &fill["price"]), (&json!(kind), &json!(48_536)));
        let updates = events(client, "/positions", &[]).await;
        assert_eq!(updates.last().expect("some").1["tradeType"], "assignment");
        let executions = events(client, "/executions", &[]).await;
        assert_eq!(executions.last().expect("some").1["execution"]["order"]["orderType"], "Assignment");
        let rows = log(client, 2).await;
        assert_eq!(rows[0]["info"], format!("futures {kind}"));
    }
    let order = newest_status(&provider).await["order"].clone();
    assert_eq!(order["reduceOnly"], false, "what it has may grow by it: {order}");
    // 164 gained of 243.50.
    let rows = log(&provider, 1).await;
    assert_eq!(
        (rows[0]["liquidation_fee"].to_string(), rows[0]["new_balance"].to_string()),
        ("-79.5".to_owned(), "1000079.5".to_owned())
    );
    assert_eq!(pool(&venue).await, "20.5");
    assert_eq!(public.settle().await[0]["type"], "termination");
    let shown = poor.get("/history", &[("symbol", SYMBOL)]).await["history"][0].clone();
    assert_eq!(shown["type"], "assignment");
    let held = provider.get("/openpositions", &[]).await["openPositions"][0].clone();
    assert_eq!((&held["side"], &held["size"], &held["price"]), (&json!("long"), &json!(1), &json!(48_536)));

    // It leaves again; only the owner can.
    venue.advance(1_000).await;
    assert_eq!(
        poor.request("POST", "/assignmentprogram/delete", &[("id", "1")]).error().await.as_deref(),
        Some("notFound")
    );
    let deleted = provider.post("/assignmentprogram/delete", &[("id", "1")]).await;
    assert_eq!((&deleted["id"], &deleted["participant"]), (&json!(1), &participant));
    assert_eq!(current().await, json!([]));
    let history = provider.get("/assignmentprogram/history", &[]).await["participants"].clone();
    assert_eq!(
        history,
        json!([
            {"deleted": true, "participant": participant, "timestamp": "2026-01-01T00:00:01.000Z"},
            {"deleted": false, "participant": participant, "timestamp": "2026-01-01T00:00:00.000Z"},
        ])
    );
}

#[tokio::test]
async fn the_pool_covers_what_the_market_pays_too_little_for() {
    let venue = Venue::start().await;
    let poor = long(&venue).await;
    venue.order("PUT", "/pool", json!({"currency": "USD", "amount": 1_000})).await;
    venue.client(2).place("lmt", "buy", "1", "48000", &[]).await;
    let (mut own, mut other, mut public) =
        (Socket::open(&venue).await, Socket::open(&venue).await, Socket::open(&venue).await);
    own.follow(&poor, &["fills"]).await;
    other.follow(&venue.client(2), &["fills"]).await;
    public.ask(json!({"event": "subscribe", "feed": "trade", "product_ids": [SYMBOL]})).await;
    public.hear().await;
    venue.pin(SYMBOL, "48700").await;
    assert_eq!(newest_words(&mut own).await, ["liquidation", "coveredLiquidation", "coveredLiquidation"]);
    assert_eq!(newest_words(&mut other).await, ["maker", "lmt", "coveredLiquidation"]);
    assert_eq!(public.settle().await[0]["type"], "liquidation");
    let updates = events(&poor, "/positions", &[]).await;
    assert_eq!(updates.last().expect("some").1["tradeType"], "liquidation");
    let fill = newest_fill(&poor).await;
    assert_eq!((&fill["fillType"], &fill["price"]), (&json!("liquidation"), &json!(48_000)));
    let rows = log(&poor, 2).await;
    assert_eq!(
        (&rows[0]["info"], &rows[1]["info"]),
        (&json!("covered liquidation"), &json!("covered liquidation"))
    );
    assert_eq!(
        (rows[1]["liquidation_fee"].to_string(), rows[1]["new_balance"].to_string()),
        ("-535.005".to_owned(), "0".to_owned())
    );
    assert_eq!(pool(&venue).await, "464.995");
    let executions = events(&poor, "/executions", &[]).await;
    assert_eq!(executions.last().expect("some").1["execution"]["order"]["orderType"], "CoveredLiquidation");
    let shown = poor.get("/history", &[("symbol", SYMBOL)]).await["history"][0].clone();
    assert_eq!(shown["type"], "liquidation");
    assert_eq!(ticker(&poor).await["last"], 48_000, "it is a trade on the market");
}

#[tokio::test]
async fn a_pool_that_paid_what_it_did_not_have_is_shown_below_zero() {
    let venue = Venue::start().await;
    let poor = long(&venue).await;
    // Post-only from here on, so nobody is liquidated; settled a quarter of an hour later, far beyond zero equity.
    venue.order("POST", &format!("/markets/{SYMBOL}/expire"), Value::Null).await;
    venue.pin(SYMBOL, "40000").await;
    venue.advance(15 * 60 * 1_000).await;
    let row = log(&poor, 1).await.remove(0);
    assert_eq!(
        (row["info"].as_str(), row["new_balance"].to_string().as_str()),
        (Some("admin transfer"), "0")
    );
    let paid = format!("-{}", row["old_balance"].to_string().trim_start_matches('-'));
    assert_eq!(row["old_balance"].to_string(), paid, "it was below zero by that much");
    let value: f64 = paid.parse().expect("a number");
    assert!((-8_600.0..-8_000.0).contains(&value), "{value}: some 10,010 lost of 1,475");
    assert_eq!(pool(&venue).await, paid);
    let audit = venue.order("GET", "/audit", Value::Null).await;
    let sums = audit["currencies"].as_array().expect("sums").iter().find(|sums| sums["currency"] == "USD");
    assert_eq!(sums.map(|sums| &sums["pool"]), Some(&json!(paid)));
    // What it lacks the operator brings.
    venue.order("PUT", "/pool", json!({"currency": "USD", "amount": "0"})).await;
    assert_eq!(pool(&venue).await, "0");
}

#[tokio::test]
async fn programs_match_by_contract_by_currencies_and_by_margin_account() {
    let venue = Venue::start().await;
    let provider = venue.client(2);
    let rest = [("acceptLong", "true"), ("acceptShort", "false"), ("enabled", "true")];
    for (arguments, shown) in [
        (
            vec![("contractType", "flexible_futures"), ("baseCurrency", "XBT"), ("timeFrame", "WEEKDAYS")],
            json!(["flexible_futures", null, "BTC", null, "WEEKDAYS"]),
        ),
        (
            vec![
                ("contractType", "FLEX"),
                ("baseCurrency", "btc"),
                ("quoteCurrency", "usd"),
                ("timeFrame", "weekends"),
            ],
            json!(["flexible_futures", null, "BTC", "USD", "WEEKEND"]),
        ),
        (
            vec![("contractType", "futures_inverse"), ("timeFrame", "Weekend")],
            json!(["futures_inverse", null, null, null, "WEEKEND"]),
        ),
        (
            vec![("contractType", "fi_xbtusd"), ("timeFrame", "ALL")],
            json!(["futures_inverse", null, "BTC", "USD", "ALL"]),
        ),
        (
            vec![("contractType", "fi_xbtusd"), ("contract", "pi_xbtusd"), ("timeFrame", "all")],
            json!(["futures_inverse", "PI_XBTUSD", null, null, "ALL"]),
        ),
    ] {
        let added =
            provider.post("/assignmentprogram/add", &[&arguments[..], &rest].concat()).await["participant"]
                .clone();
        let told = ["contractType", "contract", "baseCurrency", "quoteCurrency", "timeFrame"]
            .map(|name| added[name].clone());
        assert_eq!(json!(told), shown, "{arguments:?}");
    }
    let figures = [
        ("maxSize", "10.5"),
        ("maxPosition", "20"),
        ("cashAccountOpenPositionMaxNotional", "1000000.25"),
        ("minimumProfitabilityPerAssignmentLongBps", "12.5"),
        ("minimumProfitabilityPerAssignmentShortBps", "-3"),
    ];
    let added =
        provider.post("/assignmentprogram/add", &[&TAKES_ALL[..], &figures].concat()).await["participant"]
            .clone();
    for (name, value) in figures {
        assert_eq!(added[name].to_string(), value, "{name}");
    }
}

#[tokio::test]
async fn a_program_that_is_off_or_takes_the_other_side_is_kept_and_takes_nothing() {
    let venue = Venue::start().await;
    let poor = long(&venue).await;
    let provider = venue.client(2);
    for (name, value, told) in [("enabled", "false", "enabled"), ("acceptLong", "false", "acceptLong")] {
        let mut arguments = TAKES_ALL.to_vec();
        arguments.retain(|(other, _)| *other != name);
        arguments.push((name, value));
        let added = provider.post("/assignmentprogram/add", &arguments).await["participant"].clone();
        let shown = ["acceptLong", "acceptShort", "enabled"].map(|name| (name, added[name].clone()));
        assert!(shown.iter().all(|(name, shown)| *shown == json!(*name != told)), "{added}");
    }
    let both = provider.get("/assignmentprogram/current", &[]).await["participants"].clone();
    assert_eq!(both.as_array().map(Vec::len), Some(2));
    venue.pin(SYMBOL, "48700").await;
    assert_eq!(newest_fill(&poor).await["fillType"], "unwindBankrupt");
    assert_eq!(provider.get("/fills", &[]).await["fills"], json!([]));
}

#[tokio::test]
async fn a_program_that_cannot_be_is_refused_by_what_is_wrong_with_it() {
    let venue = Venue::start().await;
    let provider = venue.client(2);
    let with = |name: &'static str, value: &'static str| {
        let mut arguments = TAKES_ALL.to_vec();
        arguments.retain(|(other, _)| *other != name);
        arguments.push((name, value));
        arguments
    };
    let without =
        |name: &str| TAKES_ALL.iter().copied().filter(|(other, _)| *other != name).collect::<Vec<_>>();
    let before = venue.order("GET", "/state-hash", Value::Null).await["state_hash"].clone();
    for name in ["contractType", "acceptLong", "acceptShort", "timeFrame", "enabled", "contract"] {
        let error = provider.request("POST", "/assignmentprogram/add", &without(name)).error().await;
        assert_eq!(error.as_deref(), Some("requiredArgumentMissing"), "{name}");
    }
    // A contract of another family is wrong in either of the two.
    let error = provider
        .request("POST", "/assignmentprogram/add", &with("contractType", "futures_inverse"))
        .error()
        .await;
    assert_eq!(error.as_deref(), Some("invalidArgument: contract"));
    // Of no contract that there is.
    let nothing = [
        ("contractType", "flex"),
        ("baseCurrency", "GBP"),
        ("acceptLong", "true"),
        ("acceptShort", "true"),
        ("timeFrame", "all"),
        ("enabled", "true"),
    ];
    assert_eq!(
        provider.request("POST", "/assignmentprogram/add", &nothing).error().await.as_deref(),
        Some("invalidArgument")
    );
    for (id, want) in [
        ("7", "notFound"),
        ("-1", "notFound"),
        ("1.5", "notFound"),
        ("1e30", "notFound"),
        ("one", "invalidArgument: id"),
        ("", "invalidArgument: id"),
    ] {
        let error = provider.request("POST", "/assignmentprogram/delete", &[("id", id)]).error().await;
        assert_eq!(error.as_deref(), Some(want), "{id}");
    }
    assert_eq!(
        provider.request("POST", "/assignmentprogram/delete", &[]).error().await.as_deref(),
        Some("requiredArgumentMissing")
    );
    let after = venue.order("GET", "/state-hash", Value::Null).await["state_hash"].clone();
    assert_eq!(after, before, "a refusal changes nothing");
}
