//! Funding as a client sees it: rates in tickers and by the hour, what has accrued in accounts and positions, what was booked in
//! the log.

use crate::agreement::exact;
use crate::history::ask;
use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

const HOUR: u64 = 3_600_000;
/// A whole USD, or BTC, as [`exact`] counts.
const ONE: i128 = 100_000_000_000;

/// Carol quotes around 50,200 at an index of 50,000: a premium of 0.4%, so 0.05% an hour, 25 USD for a BTC. Alice has bought two
/// from Bob.
async fn quoted() -> Venue {
    let venue = Venue::start().await;
    let (alice, bob, carol) = (venue.client(0), venue.client(1), venue.client(2));
    bob.place("lmt", "sell", "2", "50200", &[]).await;
    alice.place("lmt", "buy", "2", "50200", &[]).await;
    carol.place("lmt", "buy", "5", "50190", &[]).await;
    carol.place("lmt", "sell", "5", "50210", &[]).await;
    venue
}

async fn ticker(client: &Client) -> [Value; 4] {
    let ticker = client.get("/tickers/pf_xbtusd", &[]).await["ticker"].clone();
    let named = |name: &str| ticker[name].clone();
    [
        named("fundingRate"),
        named("relativeFundingRate"),
        named("fundingRatePrediction"),
        named("relativeFundingRatePrediction"),
    ]
}

/// The rates of a market by both paths, which say the same.
async fn rates(client: &Client, symbol: &str) -> Value {
    let arguments = [("symbol", symbol)];
    let rates = client.get("/historical-funding-rates", &arguments).await["rates"].clone();
    let mut older = client.request("GET", "/historicalfundingrates", &arguments);
    older.path = older.path.replace("/v3/", "/v4/");
    older.sign();
    assert_eq!(older.send().await.json()["rates"], rates);
    rates
}

#[tokio::test]
async fn an_hour_of_funding_is_told_alike_wherever_it_is_asked() {
    let venue = quoted().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    assert_eq!(rates(&alice, SYMBOL).await, json!([]), "no hour has begun");
    venue.advance(HOUR / 4).await;
    assert_eq!(ticker(&alice).await, [json!(0), json!(0), json!(25), json!(0.0005)], "no hour is over");
    venue.advance(HOUR * 3 / 4).await;
    assert_eq!(
        ticker(&alice).await,
        [json!(25), json!(0.0005), json!(0), json!(0)],
        "the next has no sample"
    );
    let fixed = json!([
        {"timestamp": "2026-01-01T01:00:00Z", "fundingRate": 25, "relativeFundingRate": 0.0005},
    ]);
    assert_eq!(rates(&alice, "pf_xbtusd").await, fixed);

    // Half an hour on: half of 25 USD for each of two BTC.
    venue.advance(HOUR / 2).await;
    assert_eq!(ticker(&alice).await, [json!(25), json!(0.0005), json!(25), json!(0.0005)]);
    let before = alice.get("/accounts", &[]).await["accounts"]["flex"].clone();
    assert_eq!(before["unrealizedFunding"], -25);
    // Bought at 50,200, marked at 50,000.
    assert_eq!((&before["pnl"], &before["totalUnrealized"]), (&json!(-400), &json!(-425)));
    let worth = exact(&before["balanceValue"]) - 425 * ONE;
    assert_eq!([exact(&before["portfolioValue"]), exact(&before["marginEquity"])], [worth, worth]);
    let position =
        |client: Client| async move { client.get("/openpositions", &[]).await["openPositions"][0].clone() };
    assert_eq!(position(venue.client(0)).await["unrealizedFunding"], -25);
    assert_eq!(position(venue.client(1)).await["unrealizedFunding"], 25);

    // Alice sells half: what both have accrued is booked with it, and told in the fill's rows.
    bob.place("lmt", "buy", "1", "50200", &[]).await;
    alice.place("ioc", "sell", "1", "50200", &[]).await;
    let flex = alice.get("/accounts", &[]).await["accounts"]["flex"].clone();
    assert_eq!((&flex["unrealizedFunding"], &flex["pnl"]), (&json!(0), &json!(-200)));
    venue.advance(HOUR / 2).await;

    let log = ask(&alice, "/account-log", &[("sort", "asc"), ("count", "1000")]).await;
    let rows = log["logs"].as_array().expect("rows");
    let ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "numbers without a gap");
    let funding: Vec<&Value> = rows.iter().filter(|row| row["info"] == "funding rate change").collect();
    // The first hour at rate nothing, then the second's half.
    let told: Vec<_> = funding.iter().map(|row| (&row["funding_rate"], &row["realized_funding"])).collect();
    assert_eq!(told, [(&json!(0), &json!(0)), (&json!(25), &json!(-12.5))]);
    let row = funding[1];
    for (name, want) in [
        ("asset", json!("usd")),
        ("contract", json!("pf_xbtusd")),
        ("collateral", json!("usd")),
        ("margin_account", json!("flex")),
        ("date", json!("2026-01-01T02:00:00.000Z")),
        ("mark_price", json!(50000)),
        ("trade_price", Value::Null),
        ("execution", Value::Null),
        ("fee", Value::Null),
    ] {
        assert_eq!(row[name], want, "{name}");
    }
    let moved = |row: &Value| exact(&row["new_balance"]) - exact(&row["old_balance"]);
    assert_eq!(moved(row), -125 * ONE / 10);
    let cash = |row: &&&Value| {
        row["info"] == "futures trade" && row["asset"] == "usd" && row["realized_funding"] != 0
    };
    let all: Vec<&Value> = rows.iter().collect();
    let traded = all.iter().find(cash).expect("the sale's cash row");
    assert_eq!(traded["realized_funding"], -25);
    let number = |name: &str| exact(&traded[name]);
    let change = number("realized_pnl") - number("fee") + number("realized_funding");
    assert_eq!(moved(traded), change, "{traded}");

    // Positions tell it as a change that changes nothing of the size.
    let page = ask(&alice, "/positions", &[("funding_realization", "true"), ("sort", "asc")]).await;
    let updates: Vec<&Value> =
        page["elements"].as_array().expect("a list").iter().map(|e| &e["event"]["PositionUpdate"]).collect();
    assert_eq!(updates.len(), 2);
    let update = updates[1];
    assert_eq!(
        [
            &update["oldPosition"],
            &update["newPosition"],
            &update["realizedFunding"],
            &update["positionChange"]
        ],
        [&json!("1"), &json!("1"), &json!("-12.5"), &json!("noChange")]
    );
    assert_eq!(update["updateReason"], "fundingRealisation");
    assert_eq!(update["fundingRealizationTime"], update["timestamp"]);
    assert_eq!(venue.control("GET", "/audit", "").await.json()["status"], "ok");
}

#[tokio::test]
async fn an_inverse_wallet_tells_its_funding_in_coins() {
    let venue = Venue::start().await;
    venue.pin("PI_XBTUSD", "10000").await;
    let (alice, bob, carol) = (venue.client(0), venue.client(1), venue.client(2));
    let order = |side: &'static str, size: &'static str, price: &'static str| {
        [("orderType", "lmt"), ("symbol", "PI_XBTUSD"), ("side", side), ("size", size), ("limitPrice", price)]
    };
    bob.post("/sendorder", &order("sell", "1000", "10040")).await;
    alice.post("/sendorder", &order("buy", "1000", "10040")).await;
    carol.post("/sendorder", &order("buy", "20000", "10039")).await;
    carol.post("/sendorder", &order("sell", "20000", "10041")).await;
    venue.advance(HOUR + HOUR / 2).await;
    // 0.05% at 10,000 USD: 5e-8 BTC for a contract and hour; half an hour of a thousand.
    let wallet = alice.get("/accounts", &[]).await["accounts"]["fi_xbtusd"].clone();
    assert_eq!(wallet["auxiliary"]["funding"], json!(-0.000025));
    let ticker = alice.get("/tickers/pi_xbtusd", &[]).await["ticker"].clone();
    assert_eq!(exact(&ticker["fundingRate"]), 5 * ONE / 100_000_000);
    venue.advance(HOUR / 2).await;
    let log = ask(&alice, "/account-log", &[("info", "funding rate change"), ("count", "1")]).await;
    let row = &log["logs"][0];
    assert_eq!(exact(&row["realized_funding"]), -5 * ONE / 100_000);
    assert_eq!((&row["asset"], &row["margin_account"]), (&json!("btc"), &json!("fi_xbtusd")));
}

#[tokio::test]
async fn a_dated_contract_has_no_funding_and_an_unknown_one_is_refused() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let all = alice.get("/instruments", &[]).await["instruments"].clone();
    let dated = all.as_array().expect("a list").iter().find(|row| row.get("lastTradingTime").is_some());
    let dated = dated.expect("a dated contract");
    let symbol = dated["symbol"].as_str().expect("a symbol");
    venue.advance(2 * HOUR).await;
    assert_eq!(rates(&alice, symbol).await, json!([]));
    assert_eq!(
        rates(&alice, SYMBOL).await.as_array().map(Vec::len),
        Some(2),
        "hours at rate nothing are hours"
    );
    for row in all.as_array().expect("a list") {
        let perpetual = row.get("lastTradingTime").is_none();
        assert_eq!(row.get("fundingRateCoefficient"), perpetual.then_some(&json!(8)), "{row}");
        assert_eq!(row.get("maxRelativeFundingRate"), perpetual.then_some(&json!(0.005)), "{row}");
    }
    for row in alice.get("/tickers", &[]).await["tickers"].as_array().expect("a list") {
        let perpetual = row["symbol"].as_str().expect("a symbol").starts_with('P');
        for name in
            ["fundingRate", "fundingRatePrediction", "relativeFundingRate", "relativeFundingRatePrediction"]
        {
            assert_eq!(row.get(name).is_some(), perpetual, "{name}: {row}");
        }
    }
    for (arguments, want) in [
        (vec![("symbol", "PF_NONE")], "invalidArgument: symbol"),
        (vec![], "requiredArgumentMissing"),
        (vec![("symbol", SYMBOL), ("symbol", "PF_ETHUSD")], "invalidArgument: symbol"),
    ] {
        let refused = alice.request("GET", "/historical-funding-rates", &arguments).error().await;
        assert_eq!(refused.as_deref(), Some(want), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_perpetual_that_is_over_tells_its_rates_and_pays_no_more() {
    let venue = quoted().await;
    let alice = venue.client(0);
    venue.advance(HOUR).await;
    venue.order("POST", &format!("/markets/{SYMBOL}/expire"), json!({})).await;
    venue.advance(HOUR / 2).await;
    venue.advance(3 * HOUR).await;
    let told = rates(&alice, SYMBOL).await;
    let hours: Vec<_> = told.as_array().expect("a list").iter().map(|row| &row["fundingRate"]).collect();
    assert_eq!(hours, [&json!(25)], "the hour that ran when it ended");
    let log = ask(&alice, "/account-log", &[("info", "funding rate change"), ("count", "100")]).await;
    assert_eq!(log["logs"].as_array().map(Vec::len), Some(1), "the hour before; what followed is settled");
    // Two BTC from 50,200 to 50,000, 0.05% of 100,000, and a quarter of an hour at 25 USD a BTC.
    let log = ask(&alice, "/account-log", &[("info", "settlement"), ("count", "1")]).await;
    let cash = &log["logs"][0];
    let [pnl, fee, paid] = ["realized_pnl", "fee", "realized_funding"].map(|name| exact(&cash[name]));
    assert_eq!([pnl, fee, paid], [-400 * ONE, 50 * ONE, -125 * ONE / 10]);
    assert_eq!(exact(&cash["new_balance"]) - exact(&cash["old_balance"]), pnl - fee + paid);
}
