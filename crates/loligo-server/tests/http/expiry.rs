//! The end of a contract as a client sees it: positions, wallets, log, history, lists and feeds.

use crate::feeds::socket::Socket;
use crate::history::{ask, events};
use crate::venue::{Client, SYMBOL, Venue};
use loligo_server::ServerConfig;
use loligo_server::config::{ClockKind, Config};
use loligo_wire::decimal::Number;
use serde_json::{Value, json};

const MINUTE: u64 = 60_000;
const DATED: &str = "FF_XBTUSD_260130";

/// An hour before a linear contract and nine before an inverse one end. Alice has bought half a BTC from Bob at 50,010.
async fn venue() -> Venue {
    let start = loligo_server::parse_time("2026-01-30T07:00:00Z").expect("a time");
    let node = Config { clock: ClockKind::Manual { start }, ..Config::test() };
    let venue = Venue::with(ServerConfig { node, rate_limits: false, ..ServerConfig::test() }).await;
    for (account, side) in [(1, "sell"), (0, "buy")] {
        let status = place(&venue.client(account), "lmt", side, "0.5", "50010").await;
        assert_eq!(status["status"], "placed");
    }
    venue
}

async fn place(client: &Client, kind: &str, side: &str, size: &str, price: &str) -> Value {
    let order =
        [("orderType", kind), ("symbol", DATED), ("side", side), ("size", size), ("limitPrice", price)];
    client.post("/sendorder", &order).await["sendStatus"].clone()
}

/// Half of the window with an index of 50,000, half of it with 50,500; then it is 08:00.
async fn to_the_end(venue: &Venue) {
    venue.advance(45 * MINUTE - 500).await;
    venue.pin(SYMBOL, "50500").await;
    venue.advance(15 * MINUTE + 500).await;
}

/// Symbols of a list's rows.
fn symbols(list: &Value) -> Vec<&str> {
    let rows = list.as_array().expect("a list").iter();
    rows.filter_map(|row| row.get("symbol").or(row.get("tradeable"))?.as_str()).collect()
}

/// A decimal number in units of 1e-4.
fn ten_thousandths(number: &Value) -> i64 {
    let text = number.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{part:0<4}").parse().expect("a number of four decimals at most")
}

#[tokio::test]
async fn positions_settle_at_the_mean_and_the_log_says_so_to_the_last_digit() {
    let venue = venue().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let balance = async |client: &Client| {
        let flex = client.get("/accounts", &[]).await["accounts"]["flex"].clone();
        flex["currencies"]["USD"]["quantity"].clone()
    };
    let before = [balance(&alice).await, balance(&bob).await];
    let held = alice.get("/openpositions", &[]).await["openPositions"][0].clone();
    assert_eq!(
        (&held["symbol"], held.get("unrealizedFunding")),
        (&json!(DATED), None),
        "a dated one has none"
    );
    to_the_end(&venue).await;
    // Half a BTC from 50,010 to 50,250: 120 USD; a taker's 0.05% of 25,125 USD.
    for (client, sign, held, before) in
        [(&alice, 1, json!(0.5), &before[0]), (&bob, -1, json!(-0.5), &before[1])]
    {
        assert_eq!(client.get("/openpositions", &[]).await["openPositions"], json!([]));
        let log = ask(client, "/account-log", &[("info", "settlement")]).await;
        let [cash, position] = &log["logs"].as_array().expect("rows")[..] else { panic!("{log}") };
        assert_eq!(cash["id"].as_u64(), position["id"].as_u64().map(|id| id + 1));
        assert_eq!((&cash["execution"], &cash["info"]), (&position["execution"], &json!("settlement")));
        assert_eq!(
            (&position["asset"], &position["old_balance"], &position["new_balance"]),
            (&json!(DATED.to_lowercase()), &held, &json!(0))
        );
        let entries = (&position["old_average_entry_price"], &position["new_average_entry_price"]);
        assert_eq!(entries, (&json!(50_010), &json!(50_010)));
        for row in [position, cash] {
            assert_eq!(row["trade_price"], json!(50_250));
            assert_eq!(
                (&row["contract"], &row["margin_account"]),
                (&json!(DATED.to_lowercase()), &json!("flex"))
            );
            assert_eq!(row["date"], "2026-01-30T08:00:00.000Z");
        }
        assert_eq!((&position["fee"], &position["realized_pnl"]), (&Value::Null, &Value::Null));
        assert_eq!(cash["realized_pnl"], json!(120 * sign));
        assert_eq!(
            (&cash["asset"], &cash["fee"], &cash["realized_funding"]),
            (&json!("usd"), &json!(12.5625), &json!(0))
        );
        let after = ten_thousandths(before) + 120 * 10_000 * sign - 125_625;
        assert_eq!(ten_thousandths(&cash["new_balance"]), after);
        assert_eq!(ten_thousandths(&balance(client).await), after);
    }
    // Nothing else moved money, and nothing is lost.
    let audit = venue.order("GET", "/audit", Value::Null).await;
    assert_eq!((&audit["status"], &audit["positions"]), (&json!("ok"), &json!(0)));
}

#[tokio::test]
async fn history_and_fills_keep_what_happened_in_a_contract_that_is_over() {
    let venue = venue().await;
    let alice = venue.client(0);
    to_the_end(&venue).await;
    let told = events(&alice, "/positions", &[("settlement", "true")]).await;
    let [(kind, update)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(kind, "PositionUpdate");
    for (member, want) in [
        ("tradeable", DATED),
        ("oldPosition", "0.5"),
        ("newPosition", "0"),
        ("positionChange", "close"),
        ("updateReason", "settlement"),
        ("settlementPrice", "50250"),
        ("realizedPnL", "120"),
        ("fee", "12.5625"),
        ("realizedFunding", "0"),
        ("newAverageEntryPrice", "50010"),
    ] {
        assert_eq!(update[member], want, "{member}: {update}");
    }
    assert!(update["fillTime"].is_number() && update["executionUid"].is_null(), "{update}");
    let all = events(&alice, "/positions", &[("tradeable", DATED)]).await;
    assert_eq!(all.len(), 2, "opened, and settled");
    // A settlement is no fill and no trade.
    assert_eq!(alice.get("/fills", &[]).await["fills"].as_array().map(Vec::len), Some(1));
    assert_eq!(events(&alice, "/executions", &[]).await.len(), 1);
    let public = events(&alice, &format!("/market/{DATED}/executions"), &[]).await;
    assert_eq!(public.len(), 1);
    let mut candles = alice.request("GET", "", &[]);
    candles.path = format!("/api/charts/v1/trade/{DATED}/1h");
    candles.sign();
    let candles = candles.send().await.json();
    assert_eq!(
        candles["candles"].as_array().map(Vec::len),
        Some(2),
        "07:00 and the instant of the end: {candles}"
    );
}

/// Alice's 120 USD of gain, paid in euros at 1.1, and Bob's loss of as much.
#[tokio::test]
async fn what_the_end_gains_is_paid_in_the_currency_that_was_set_and_has_a_row_of_its_own() {
    let venue = venue().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    for client in [&alice, &bob] {
        client.put("/pnlpreferences", &[("symbol", DATED), ("pnlPreference", "EUR")]).await;
    }
    to_the_end(&venue).await;
    let flex = alice.get("/accounts", &[]).await["accounts"]["flex"].clone();
    let log = ask(&alice, "/account-log", &[("info", "settlement")]).await["logs"].clone();
    let [gain, cash, position] = &log.as_array().expect("rows")[..] else { panic!("three rows: {log}") };
    let numbers = [position, cash, gain].map(|row| row["id"].as_u64().expect("an id"));
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
    assert_eq!((&gain["asset"], &cash["asset"]), (&json!("eur"), &json!("usd")));
    assert_eq!((&gain["execution"], &cash["realized_pnl"]), (&position["execution"], &json!(0)));
    let left = ten_thousandths(&cash["new_balance"]) - ten_thousandths(&cash["old_balance"]);
    assert_eq!(left, -125_625, "the fee alone");
    assert_eq!((&gain["realized_pnl"], &gain["old_balance"]), (&gain["new_balance"], &json!(0)));
    assert_eq!(gain["new_balance"].to_string(), "109.09090909091");
    assert_eq!(gain["new_balance"], flex["currencies"]["EUR"]["quantity"]);
    // A loss is in USD, and a short is less than nothing until it is closed.
    let log = ask(&bob, "/account-log", &[("info", "settlement")]).await["logs"].clone();
    assert_eq!(log.as_array().map(Vec::len), Some(2));
    let told = events(&bob, "/positions", &[("settlement", "true")]).await;
    let update = &told[0].1;
    assert_eq!((&update["oldPosition"], &update["newPosition"]), (&json!("-0.5"), &json!("0")));
    assert_eq!((&update["realizedPnL"], &update["realizedFunding"]), (&json!("-120"), &json!("0")));
}

#[tokio::test]
async fn what_is_open_goes_and_the_contract_leaves_every_list() {
    let venue = venue().await;
    let carol = venue.client(2);
    let rests = place(&carol, "lmt", "buy", "0.1", "40000").await["order_id"].clone();
    let order = [
        ("orderType", "stp"),
        ("symbol", DATED),
        ("side", "buy"),
        ("size", "0.1"),
        ("stopPrice", "90000"),
        ("triggerSignal", "index"),
    ];
    let waits = carol.post("/sendorder", &order).await["sendStatus"]["order_id"].clone();
    let mut socket = Socket::open(&venue).await;
    socket.follow(&carol, &["open_orders"]).await;
    to_the_end(&venue).await;
    let removed: Vec<Value> = socket.settle().await;
    let reasons: Vec<&Value> = removed.iter().map(|message| &message["reason"]).collect();
    assert_eq!(reasons, ["contract_expired", "contract_expired"], "{removed:?}");
    let ids = format!("{},{}", rests.as_str().expect("an id"), waits.as_str().expect("an id"));
    let told = carol.post("/orders/status", &[("orderIds", &ids)]).await["orders"].clone();
    for (order, reason) in [(&rests, "CONTRACT_EXPIRED"), (&waits, "EXPIRED")] {
        let found = told.as_array().expect("a list").iter().find(|row| row["order"]["orderId"] == *order);
        let row = found.unwrap_or_else(|| panic!("{order}: {told}"));
        assert_eq!((&row["status"], &row["updateReason"]), (&json!("CANCELLED"), &json!(reason)));
    }
    assert_eq!(place(&carol, "lmt", "buy", "0.1", "40000").await["status"], "marketInactive");
    for (path, list) in [
        ("/instruments", "instruments"),
        ("/instruments/status", "instrumentStatus"),
        ("/tickers", "tickers"),
    ] {
        let told = carol.get(path, &[]).await[list].clone();
        assert!(!symbols(&told).contains(&DATED) && !symbols(&told).is_empty(), "{path}: {told}");
        // The one that follows is there in its place.
        assert!(symbols(&told).contains(&"FF_XBTUSD_260227"), "{path}: {told}");
    }
    let over = carol.get("/instruments", &[("expired", "true")]).await["instruments"].clone();
    assert_eq!(symbols(&over), [DATED, "FF_ETHUSD_260130"]);
    assert_eq!((&over[0]["isExpired"], &over[0]["tradeable"]), (&json!(true), &json!(false)));
    let refused = carol.request("GET", "/orderbook", &[("symbol", DATED)]).error().await;
    assert_eq!(refused.as_deref(), Some("marketUnavailable"));
    let market = venue.order("GET", &format!("/markets/{DATED}"), Value::Null).await;
    assert_eq!(
        (&market["state"], &market["settlement_price"], &market["ends_at"]),
        (&json!("expired"), &json!("50250"), &json!("2026-01-30T08:00:00.000000Z"))
    );
}

#[tokio::test]
async fn who_follows_an_account_is_told_what_the_settlement_did_to_it() {
    let venue = venue().await;
    let alice = venue.client(0);
    venue.advance(45 * MINUTE).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    for feed in ["open_positions", "balances", "account_log", "fills"] {
        socket.join(&credentials, feed).await;
    }
    venue.advance(15 * MINUTE).await;
    let mut told = socket.settle().await;
    // Rows of the log are told once history has them, so not before an answer that waits for the rest alone.
    while told.iter().filter(|message| message["feed"] == "account_log").count() < 2 {
        told.push(socket.hear().await);
    }
    let of = |feed: &str| told.iter().filter(|message| message["feed"] == feed).collect::<Vec<_>>();
    let positions = of("open_positions");
    assert_eq!(positions.last().expect("told")["positions"], json!([]), "{positions:?}");
    let log = of("account_log");
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log.iter().all(|message| message["new_entry"]["info"] == "settlement"), "{log:?}");
    let balance = &of("balances").last().expect("told")["flex_futures"]["currencies"]["USD"]["quantity"];
    assert_eq!(*balance, log[1]["new_entry"]["new_balance"]);
    assert_eq!(of("fills"), Vec::<&Value>::new(), "a settlement is no fill");
}

/// A number in units of 1e-11, exactly.
fn exact(value: &Value) -> i128 {
    let number = Number::parse(value.to_string().as_bytes()).ok().and_then(Number::decimal);
    number.and_then(|number| number.at_scale(11).ok()).unwrap_or_else(|| panic!("a number, not {value}"))
}

#[tokio::test]
async fn a_settled_gain_is_paid_in_the_currency_that_was_set_and_a_loss_takes_what_collateral_there_is() {
    let venue = venue().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    for client in [&alice, &bob] {
        client.put("/pnlpreferences", &[("symbol", DATED), ("pnlPreference", "EUR")]).await;
    }
    // Bob has a thousand euros beside what is left of his USD, which is taken out of flex but for 2.5625.
    let uid = &venue.start.accounts[1].uid;
    let euros = json!({"wallet": "flex", "currency": "EUR", "amount": "1000"});
    venue.order("POST", &format!("/accounts/{uid}/deposit"), euros).await;
    let held = async |client: &Client, currency: &str| {
        let flex = client.get("/accounts", &[]).await["accounts"]["flex"].clone();
        flex["currencies"][currency]["quantity"].clone()
    };
    let left = exact(&held(&bob, "USD").await) - 256_250_000_000;
    let amount = format!("{}.{:011}", left / 10_i128.pow(11), left % 10_i128.pow(11));
    let out = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", amount.as_str())];
    assert_eq!(bob.post("/transfer", &out).await["result"], "success");
    venue.advance(44 * MINUTE).await;
    let mut feeds = Vec::new();
    for client in [&alice, &bob] {
        let mut socket = Socket::open(&venue).await;
        let credentials = socket.credentials(client).await;
        socket.join(&credentials, "account_log").await;
        feeds.push(socket);
    }
    // Half of the window with 50,000, half of it with 50,480.
    venue.advance(MINUTE - 500).await;
    venue.pin(SYMBOL, "50480").await;
    venue.advance(15 * MINUTE + 500).await;

    // Half a BTC from 50,010 to 50,240: 115 USD; a taker's 0.05% of 25,120 USD.
    let (pnl, fee) = (exact(&json!(115)), exact(&json!(12.56)));
    let rows = async |client: &Client, count: &str| {
        let log = ask(client, "/account-log", &[("count", count)]).await["logs"].clone();
        let mut rows = log.as_array().expect("rows").clone();
        rows.reverse();
        rows
    };
    for rows in [
        rows(&alice, "3").await,
        feeds[0].settle().await.into_iter().map(|of| of["new_entry"].clone()).collect(),
    ] {
        let [position, cash, gain] = &rows[..] else { panic!("{rows:?}") };
        for (row, asset) in [(position, "ff_xbtusd_260130"), (cash, "usd"), (gain, "eur")] {
            assert_eq!((&row["info"], &row["asset"]), (&json!("settlement"), &json!(asset)));
            assert_eq!((&row["execution"], &row["trade_price"]), (&position["execution"], &json!(50_240)));
        }
        // 115 USD at 1.1; nothing but the fee touches USD.
        assert_eq!(exact(&gain["realized_pnl"]), 10_454_545_454_545);
        assert_eq!((exact(&cash["realized_pnl"]), exact(&cash["fee"]), &gain["fee"]), (0, fee, &json!(0)));
        for row in [cash, gain] {
            let booked = exact(&row["realized_pnl"]) - exact(&row["fee"]) + exact(&row["realized_funding"]);
            assert_eq!(exact(&row["new_balance"]) - exact(&row["old_balance"]), booked, "{row}");
        }
        let numbers = [position, cash, gain].map(|row| row["id"].as_u64().expect("an id"));
        assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
        assert_eq!(gain["new_balance"], held(&alice, "EUR").await);
    }
    // Bob's loss is in USD, whatever gains are in; what he has not got of it his euros pay, at 1.1 less 0.05%.
    let owed = pnl + fee - 256_250_000_000;
    let taken = (owed * 100_000 + 109_944) / 109_945;
    for rows in [
        rows(&bob, "4").await,
        feeds[1].settle().await.into_iter().map(|of| of["new_entry"].clone()).collect(),
    ] {
        let [position, cash, debit, credit] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((&position["info"], &cash["info"]), (&json!("settlement"), &json!("settlement")));
        assert_eq!((exact(&cash["realized_pnl"]), exact(&cash["fee"])), (-pnl, fee));
        assert_eq!(exact(&cash["new_balance"]), -owed);
        for (row, asset) in [(debit, "eur"), (credit, "usd")] {
            assert_eq!((&row["info"], &row["asset"]), (&json!("conversion"), &json!(asset)));
        }
        assert_eq!(exact(&debit["new_balance"]), exact(&json!(1_000)) - taken);
        assert_eq!((exact(&credit["old_balance"]), exact(&credit["new_balance"])), (-owed, 0));
        let ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect();
        assert_eq!(ids, (ids[0]..ids[0] + 4).collect::<Vec<_>>());
    }
    assert_eq!(exact(&held(&bob, "EUR").await), exact(&json!(1_000)) - taken);
    assert_eq!(venue.order("GET", "/audit", Value::Null).await["status"], "ok");
}

/// An operator who holds the mark lets no liquidation see what the index does; at the end everybody does.
#[tokio::test]
async fn the_log_tells_what_an_isolated_position_lost_and_what_the_pool_gave_back() {
    let venue = venue().await;
    let alice = venue.client(0);
    alice.put("/leveragepreferences", &[("symbol", DATED), ("maxLeverage", "10")]).await;
    let quantity = async || {
        let flex = alice.get("/accounts", &[]).await["accounts"]["flex"].clone();
        exact(&flex["currencies"]["USD"]["quantity"])
    };
    let before = quantity().await;
    venue.order("PUT", &format!("/prices/{DATED}"), json!({"mark": "50010"})).await;
    venue.advance(45 * MINUTE - 500).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    socket.join(&credentials, "account_log").await;
    venue.pin(SYMBOL, "40000").await;
    venue.advance(15 * MINUTE + 500).await;

    // Half a BTC from 50,010 to 45,000 loses 2,505 USD; a tenth of 25,005 was set aside.
    let (set_aside, loss) = (exact(&json!(2_500.5)), exact(&json!(2_505)));
    let log = ask(&alice, "/account-log", &[("count", "3")]).await["logs"].clone();
    let mut rows = log.as_array().expect("rows").clone();
    rows.reverse();
    let told: Vec<Value> = socket.settle().await.into_iter().map(|of| of["new_entry"].clone()).collect();
    for rows in [rows, told] {
        let [position, cash, given] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((&position["info"], &position["new_balance"]), (&json!("settlement"), &json!(0)));
        assert_eq!((&cash["info"], &cash["trade_price"]), (&json!("settlement"), &json!(45_000)));
        assert_eq!((exact(&cash["realized_pnl"]), exact(&cash["fee"])), (-loss, 0));
        assert_eq!((exact(&cash["old_balance"]), exact(&cash["new_balance"])), (before, before - loss));
        assert_eq!((&given["info"], &given["asset"]), (&json!("admin transfer"), &json!("usd")));
        let balances = (exact(&given["old_balance"]), exact(&given["new_balance"]));
        assert_eq!(balances, (before - loss, before - set_aside));
        let ids = [position, cash, given].map(|row| row["id"].as_u64().expect("an id"));
        assert_eq!(ids, [ids[0], ids[0] + 1, ids[0] + 2]);
    }
    assert_eq!(quantity().await, before - set_aside);
    let update = events(&alice, "/positions", &[("settlement", "true")]).await[0].1.clone();
    assert_eq!((&update["realizedPnL"], &update["fee"]), (&json!("-2505"), &json!("0")));
    // The pool was empty.
    let audit = venue.order("GET", "/audit", Value::Null).await;
    let usd = audit["currencies"].as_array().expect("sums").iter().find(|sums| sums["currency"] == "USD");
    assert_eq!(usd.map(|sums| sums["pool"].clone()), Some(json!("-4.5")), "{audit}");
    assert_eq!(audit["status"], "ok");
}

/// Everywhere: what is reckoned with eleven decimals is shown with eleven, be they more digits than a mark has, or few.
#[tokio::test]
async fn a_settlement_price_is_told_with_all_of_its_eleven_decimals() {
    const PEPE: &str = "PF_PEPEUSD";
    let venue = venue().await;
    let alice = venue.client(0);
    venue.pin(SYMBOL, "50000").await;
    venue.pin(PEPE, "0.00001").await;
    for (account, side) in [(1, "sell"), (0, "buy")] {
        let order = [
            ("orderType", "lmt"),
            ("symbol", PEPE),
            ("side", side),
            ("size", "1000000"),
            ("limitPrice", "0.00001"),
        ];
        let told = venue.client(account).post("/sendorder", &order).await;
        assert_eq!(told["sendStatus"]["status"], "placed", "{told}");
    }
    venue.advance(45 * MINUTE).await;
    venue.order("POST", &format!("/markets/{PEPE}/expire"), Value::Null).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    socket.join(&credentials, "account_log").await;
    // Two of three parts of the last half hour are at one price, and the third, from its first second on, at another.
    venue.advance(5 * MINUTE - 500).await;
    venue.pin(SYMBOL, "50000.1").await;
    venue.pin(PEPE, "0.0000100001").await;
    venue.advance(10 * MINUTE + 500).await;
    // Two rows of each.
    let mut told = Vec::new();
    while told.len() < 4 {
        let message = socket.hear().await;
        assert_eq!(message["feed"], "account_log", "{message}");
        told.push(message["new_entry"].clone());
    }
    let mut csv = alice.request("GET", "", &[]);
    csv.path = "/api/history/v3/accountlogcsv".to_owned();
    csv.sign();
    let csv = String::from_utf8(csv.send().await.body).expect("text");
    for (symbol, number, text) in [
        // 50,000 and a third of 0.1; 0.00001 and a third of 0.0000000001.
        (DATED, json!(50_000.033_333_333_33), "50000.03333333333"),
        (PEPE, json!(0.000_010_000_03), "0.00001000003"),
    ] {
        let contract = json!(symbol.to_lowercase());
        let log = ask(&alice, "/account-log", &[("info", "settlement")]).await["logs"].clone();
        let rows = log.as_array().expect("rows").iter().filter(|row| row["contract"] == contract);
        let shown: Vec<_> = rows.map(|row| row["trade_price"].clone()).collect();
        assert_eq!(shown, [number.clone(), number.clone()], "{symbol}: the log");
        let fed = told.iter().filter(|row| row["contract"] == contract);
        let fed: Vec<_> = fed.map(|row| row["trade_price"].clone()).collect();
        assert_eq!(fed, [number.clone(), number], "{symbol}: the feed");
        let lines =
            csv.lines().filter(|line| line.contains("settlement") && line.contains(&symbol.to_lowercase()));
        let lines: Vec<_> = lines.collect();
        assert!(
            lines.len() == 2 && lines.iter().all(|line| line.contains(text)),
            "{symbol}: the file: {lines:?}"
        );
        let updates = events(&alice, "/positions", &[("tradeable", symbol), ("settlement", "true")]).await;
        let [(_, update)] = &updates[..] else { panic!("{updates:?}") };
        assert_eq!(update["settlementPrice"], text, "{symbol}: the position");
        let market = venue.order("GET", &format!("/markets/{symbol}"), Value::Null).await;
        assert_eq!(market["settlement_price"], text, "{symbol}: the operator");
    }
}

#[tokio::test]
async fn a_perpetual_is_delisted_with_a_notice_and_settles_fifteen_minutes_later() {
    let venue = venue().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    alice.place("lmt", "buy", "1", "50000", &[]).await;
    for _ in 0..2 {
        // Whoever asks twice is told the same, and gives one notice.
        let told = venue.order("POST", &format!("/markets/{SYMBOL}/expire"), Value::Null).await;
        assert_eq!(
            (&told["state"], &told["in_force"], &told["ends_at"]),
            (&json!("open"), &json!("post_only"), &json!("2026-01-30T07:15:00.000000Z"))
        );
    }
    let notices = alice.get("/notifications", &[]).await["notifications"].clone();
    let want = json!([{
        "type": "settlement",
        "priority": "high",
        "note": "PF_XBTUSD is delisted: it takes post-only orders until its positions are settled",
        "effectiveTime": "2026-01-30T07:15:00.000Z",
    }]);
    assert_eq!(notices, want);
    let row = |list: Value| {
        list.as_array()
            .expect("a list")
            .iter()
            .find(|row| row["symbol"] == SYMBOL)
            .cloned()
            .unwrap_or_default()
    };
    let listed = row(alice.get("/instruments", &[]).await["instruments"].clone());
    assert_eq!(
        (&listed["postOnly"], &listed["tradeable"], &listed["isExpired"]),
        (&json!(true), &json!(true), &json!(false))
    );
    assert!(listed["lastTradingTime"].is_null(), "it is a perpetual to the end: {listed}");
    assert_eq!(row(alice.get("/tickers", &[]).await["tickers"].clone())["postOnly"], true);
    assert_eq!(alice.place("lmt", "sell", "1", "50000", &[]).await["status"], "marketIsPostOnly");
    assert_eq!(alice.place("post", "sell", "1", "51000", &[]).await["status"], "placed");
    venue.advance(15 * MINUTE - 1).await;
    assert_eq!(alice.get("/openpositions", &[]).await["openPositions"].as_array().map(Vec::len), Some(2));
    venue.advance(1).await;
    assert_eq!(symbols(&alice.get("/openpositions", &[]).await["openPositions"]), [DATED]);
    let log = ask(&alice, "/account-log", &[("info", "settlement")]).await["logs"].clone();
    assert_eq!(log[0]["trade_price"], 50_000);
    let over = alice.get("/instruments", &[("expired", "true")]).await["instruments"].clone();
    assert_eq!(symbols(&over), [SYMBOL]);
    venue.order("GET", "/audit", Value::Null).await;
}

#[tokio::test]
async fn the_operator_sets_how_marks_are_smoothed() {
    let venue = Venue::start().await;
    assert_eq!(venue.order("GET", "/smoothing", Value::Null).await, json!({"seconds": 30}));
    venue.order("DELETE", &format!("/prices/{SYMBOL}"), Value::Null).await;
    venue.advance(60_000).await;
    let carol = venue.client(2);
    carol.place("lmt", "buy", "1", "50190", &[]).await;
    carol.place("lmt", "sell", "1", "50210", &[]).await;
    let mark = async || carol.get("/tickers/PF_XBTUSD", &[]).await["ticker"]["markPrice"].clone();
    venue.advance(1_000).await;
    assert_eq!(mark().await, json!(50_006.666666667), "a thirtieth of the way");
    assert_eq!(venue.order("PUT", "/smoothing", json!({"seconds": 0})).await, json!({"seconds": 0}));
    venue.advance(1_000).await;
    assert_eq!(mark().await, json!(50_200));
    assert_eq!(venue.order("GET", "/smoothing", Value::Null).await, json!({"seconds": 0}));
}
