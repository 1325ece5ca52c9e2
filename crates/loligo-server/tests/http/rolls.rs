//! A dated contract expires and the next of its kind trades, as a client sees it.

use crate::feeds::socket::Socket;
use crate::venue::Venue;
use loligo_server::ServerConfig;
use loligo_server::config::{ClockKind, Config, Instruments, MarketKind};
use loligo_server::listing::read_listing;
use serde_json::{Value, json};
use tempfile::TempDir;

async fn venue(start: &str, config: Config) -> Venue {
    let start = loligo_server::parse_time(start).expect("a time");
    let node = Config { clock: ClockKind::Manual { start }, ..config };
    Venue::with(ServerConfig { node, rate_limits: false, ..ServerConfig::test() }).await
}

/// A contract's row of `/instruments`; null when it is not listed.
async fn row(venue: &Venue, symbol: &str) -> Value {
    let told = venue.client(0).get("/instruments", &[]).await;
    let found = told["instruments"].as_array().expect("a list").iter().find(|row| row["symbol"] == symbol);
    found.cloned().unwrap_or_default()
}

async fn ticker(venue: &Venue, symbol: &str) -> Value {
    venue.client(0).get(&format!("/tickers/{symbol}"), &[]).await["ticker"].clone()
}

#[tokio::test]
async fn at_the_second_of_an_expiry_the_next_contract_is_quoted_and_fills() {
    let live = Config { market: MarketKind::Live, ..Config::test() };
    let venue = venue("2026-01-30T15:59:55Z", live).await;
    let (old, new) = ("FI_XBTUSD_260130", "FI_XBTUSD_260227");
    let mut socket = Socket::open(&venue).await;
    let follow = json!({"event": "subscribe", "feed": "book", "product_ids": [new]});
    assert_eq!(socket.ask(follow.clone()).await["event"], "alert", "not before it is listed");
    assert_eq!(
        (row(&venue, old).await["tradeable"].clone(), row(&venue, new).await),
        (json!(true), Value::Null)
    );
    venue.advance(5_000).await;
    let instant = loligo_server::parse_time("2026-01-30T16:00:00Z").expect("a time");
    assert_eq!(venue.server.node().now(), instant, "the clock is where it was sent");

    assert_eq!(row(&venue, old).await, Value::Null);
    let listed = row(&venue, new).await;
    assert_eq!(listed["openingDate"], "2026-01-30T16:00:00Z");
    assert_eq!(listed["lastTradingTime"], "2026-02-27T16:00:00Z");
    assert_eq!((&listed["tradeable"], &listed["isExpired"]), (&json!(true), &json!(false)));
    let shown = ticker(&venue, new).await;
    assert_eq!((&shown["tag"], &shown["suspended"]), (&json!("month"), &json!(false)));
    assert!(shown["bid"].is_number() && shown["ask"].is_number(), "{shown}");
    for (symbol, tag) in [("FI_XBTUSD_260327", "quarter"), ("FI_XBTUSD_260626", "semiannual")] {
        assert_eq!(ticker(&venue, symbol).await["tag"], tag);
    }
    let told = socket.ask(follow).await;
    assert_eq!(told["event"], "subscribed", "{told}");
    let snapshot = socket.hear().await;
    assert_eq!((&snapshot["feed"], &snapshot["product_id"]), (&json!("book_snapshot"), &json!(new)));
    for side in ["bids", "asks"] {
        assert!(snapshot[side].as_array().is_some_and(|levels| levels.len() > 10), "{side}: {snapshot}");
    }

    let order = [("orderType", "mkt"), ("symbol", new), ("side", "buy"), ("size", "10")];
    let sent = venue.client(0).post("/sendorder", &order).await;
    assert_eq!(sent["sendStatus"]["status"], "placed", "{sent}");
    let position = venue.client(0).get("/openpositions", &[]).await["openPositions"][0].clone();
    assert_eq!((&position["symbol"], &position["size"]), (&json!(new), &json!(10)));
}

#[tokio::test]
async fn a_quarter_whose_turn_as_month_has_come_says_so_and_a_half_year_is_listed_behind() {
    let venue = venue("2026-02-27T15:00:00Z", Config::test()).await;
    venue.advance(3_600_000).await;
    for (symbol, tag) in
        [("FI_ETHUSD_260327", "month"), ("FI_ETHUSD_260626", "quarter"), ("FI_ETHUSD_260925", "semiannual")]
    {
        assert_eq!(ticker(&venue, symbol).await["tag"], tag, "{symbol}");
    }
    assert_eq!(row(&venue, "FI_ETHUSD_260925").await["openingDate"], "2026-02-27T16:00:00Z");
}

const FILE: &str = r#"
    [indexes]
    "XBT:USD" = "50000"

    [[instruments]]
    symbol = "PF_XBTUSD"
    kind = "linear"
    pair = "XBT:USD"
    base = "BTC"
    tick_size = 1
    lot_precision = 4
    max_position_size = 100
    impact_mid_size = 1
    margin_levels = [{ from = 0, initial = "0.02" }]

    [[instruments]]
    symbol = "FF_XBTUSD_260130"
    kind = "linear"
    pair = "XBT:USD"
    base = "BTC"
    tick_size = 1
    lot_precision = 4
    max_position_size = 100
    impact_mid_size = 1
    margin_levels = [{ from = 0, initial = "0.02" }]
    last_trading_time = "2026-01-30T08:00:00Z"
    roll = "month"
"#;

#[tokio::test]
async fn a_contract_of_a_file_or_of_the_operator_rolls_when_it_says_so() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("instruments.toml");
    std::fs::write(&file, FILE).expect("written");
    let instruments = Instruments::Given(read_listing(&file).expect("it reads"));
    let venue = venue("2026-01-30T00:00:00Z", Config { instruments, ..Config::test() }).await;
    let mut listed = json!({
        "symbol": "FI_XBTUSD_260130", "kind": "inverse", "pair": "XBT:USD", "base": "BTC", "tick_size": "0.5",
        "lot_precision": 0, "max_position_size": 1000, "impact_mid_size": 10,
        "margin_levels": [{"from": 0, "initial": "0.02"}], "opening": "2026-01-01T00:00:00Z",
        "last_trading_time": "2026-01-30T16:00:00Z", "roll": "fortnight",
    });
    let (status, told) = venue.ask("POST", "/markets", listed.clone()).await;
    assert_eq!(status, 400, "{told}");
    assert!(told["error"].as_str().is_some_and(|error| error.contains("expected one of `month`")), "{told}");
    listed["roll"] = json!("quarter");
    let (status, told) = venue.ask("POST", "/markets", listed.clone()).await;
    let sentence = "FI_XBTUSD_260130: a quarter or half-year ends in March, June, September or December";
    assert_eq!((status, &told["error"]), (400, &json!(sentence)));
    listed["roll"] = json!("month");
    venue.order("POST", "/markets", listed.clone()).await;
    listed["symbol"] = json!("FI_OTHER_260130");
    listed["roll"] = Value::Null;
    venue.order("POST", "/markets", listed).await;

    venue.advance(24 * 3_600_000).await;
    let all = venue.client(0).get("/instruments", &[]).await["instruments"].clone();
    let symbols: Vec<&str> =
        all.as_array().expect("a list").iter().filter_map(|row| row["symbol"].as_str()).collect();
    assert_eq!(symbols, ["PF_XBTUSD", "FF_XBTUSD_260227", "FI_XBTUSD_260227"]);
    let row = row(&venue, "FI_XBTUSD_260227").await;
    assert_eq!((&row["maxPositionSize"], &row["tickSize"]), (&json!(1000), &json!(0.5)));
}
