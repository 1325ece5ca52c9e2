//! Candles as they form.

use super::socket::{Socket, alert};
use crate::venue::{SYMBOL, Venue, send};
use loligo_server::ServerConfig;
use loligo_server::config::{Config, MarketKind};
use serde_json::{Value, json};
use tokio::net::TcpStream;

const START: u64 = 1_767_225_600_000;

async fn follow(socket: &mut Socket, feed: &str) {
    let asked = json!({"event": "subscribe", "feed": feed, "product_ids": [SYMBOL]});
    let answer = json!({"event": "subscribed", "feed": feed, "product_ids": [SYMBOL]});
    assert_eq!(socket.ask(asked).await, answer);
}

async fn trade(venue: &Venue, size: &str, price: &str) {
    venue.client(0).place("lmt", "sell", size, price, &[]).await;
    venue.client(1).place("ioc", "buy", size, price, &[]).await;
}

/// `[feed, minutes since the start, open, high, low, close, volume]`.
fn line(told: &Value) -> Value {
    assert_eq!(told["product_id"], SYMBOL);
    let candle = &told["candle"];
    let at = (candle["time"].as_u64().expect("milliseconds") - START) / 60_000;
    json!([
        told["feed"],
        at,
        candle["open"],
        candle["high"],
        candle["low"],
        candle["close"],
        candle["volume"],
    ])
}

async fn next(socket: &mut Socket) -> Value {
    line(&socket.hear().await)
}

/// The last candle over http.
async fn last(venue: &Venue, path: &str) -> Value {
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let target = format!("/api/charts/v1{path}");
    let answer = send(&mut stream, "GET", &target, &[], b"").await.expect("an answer");
    answer.json()["candles"].as_array().and_then(|candles| candles.last()).cloned().expect("a candle")
}

/// The candle of a week that began before the venue did has the made-up share of it, and the newest trades are the past's.
#[tokio::test]
async fn what_is_followed_has_the_past_in_it_as_http_has() {
    let config = ServerConfig::test();
    let node = Config { market: MarketKind::Live, past_days: Some(2), ..config.node.clone() };
    let venue = Venue::with(ServerConfig { rate_limits: false, node, ..config }).await;
    let mut socket = Socket::open(&venue).await;
    follow(&mut socket, "trade").await;
    let shown = socket.hear().await;
    let history = venue.client(0).get("/history", &[("symbol", SYMBOL)]).await["history"].clone();
    let newest = |rows: &Value, id: &str| {
        rows.as_array().expect("a list").iter().take(20).map(|row| row[id].clone()).collect::<Vec<_>>()
    };
    assert_eq!(newest(&shown["trades"], "uid"), newest(&history, "uid"));
    // Candles are made by a follower that nobody waits for, but who asks for them over http.
    let told = last(&venue, "/mark/PF_XBTUSD/1w").await;
    follow(&mut socket, "candles_mark_1w").await;
    let shown = socket.hear().await;
    assert!(told["time"].as_u64() < Some(START), "it began before the venue did: {told}");
    assert_eq!(shown["candle"], told);
}

#[tokio::test]
async fn each_trade_is_told_in_the_candle_that_it_makes() {
    let venue = Venue::start().await;
    let mut socket = Socket::open(&venue).await;
    // Before the first trade there is no candle, and the first one is what the feed begins with.
    follow(&mut socket, "candles_trade_1m").await;
    trade(&venue, "0.4", "50000").await;
    assert_eq!(
        next(&mut socket).await,
        json!(["candles_trade_1m_snapshot", 0, "50000", "50000", "50000", "50000", "0.4"])
    );
    trade(&venue, "0.1", "50010").await;
    let second = json!(["candles_trade_1m", 0, "50000", "50010", "50000", "50010", "0.5"]);
    assert_eq!(next(&mut socket).await, second);
    let mut late = Socket::open(&venue).await;
    follow(&mut late, "candles_trade_1m").await;
    let shown = late.hear().await;
    assert_eq!(line(&shown).as_array().unwrap()[1..], second.as_array().unwrap()[1..], "as it stands");
    assert_eq!(shown["candle"], last(&venue, "/trade/PF_XBTUSD/1m").await);
    // A new time closes the one before.
    venue.advance(60_000).await;
    trade(&venue, "0.2", "49990").await;
    let third = json!(["candles_trade_1m", 1, "49990", "49990", "49990", "49990", "0.2"]);
    assert_eq!(next(&mut socket).await, third);
    assert_eq!(next(&mut late).await, third);
    // Of five minutes it is the same one.
    follow(&mut late, "candles_trade_5m").await;
    let wanted = json!(["candles_trade_5m_snapshot", 0, "50000", "50010", "49990", "49990", "0.7"]);
    assert_eq!(next(&mut late).await, wanted);
    let asked = json!({"event": "subscribe", "feed": "candles_trade_5m", "product_ids": [SYMBOL]});
    assert_eq!(late.ask(asked).await, alert("Already subscribed to feed, re-requesting"));
    assert_eq!(next(&mut late).await, wanted);
    let leave = json!({"event": "unsubscribe", "feed": "candles_trade_1m", "product_ids": [SYMBOL]});
    assert_eq!(late.ask(leave.clone()).await["event"], "unsubscribed");
    assert_eq!(late.ask(leave).await, alert("Not subscribed to feed"));
    trade(&venue, "0.2", "49990").await;
    assert_eq!(next(&mut socket).await[6], "0.4");
    assert_eq!(next(&mut late).await[0], "candles_trade_5m");
}

#[tokio::test]
async fn mark_and_index_have_candles_too() {
    let venue = Venue::start().await;
    let mut socket = Socket::open(&venue).await;
    for (feed, path) in [("candles_mark_1h", "/mark/PF_XBTUSD/1h"), ("candles_spot_1d", "/spot/PF_XBTUSD/1d")]
    {
        let shown = last(&venue, path).await;
        follow(&mut socket, feed).await;
        let first = socket.hear().await;
        assert_eq!(first["feed"], format!("{feed}_snapshot"));
        assert_eq!(first["candle"]["close"], shown["close"]);
    }
    venue.pin(SYMBOL, "50100").await;
    let mut told = [next(&mut socket).await, next(&mut socket).await];
    told.sort_by_key(|told| told[0].to_string());
    for (told, feed) in told.iter().zip(["candles_mark_1h", "candles_spot_1d"]) {
        assert_eq!((&told[0], &told[5], &told[6]), (&json!(feed), &json!("50100"), &json!("0")), "{told}");
    }
    for feed in ["candles_trade_2m", "candles_last_1m", "candles", "candles_trade"] {
        let asked = json!({"event": "subscribe", "feed": feed, "product_ids": [SYMBOL]});
        assert_eq!(socket.ask(asked).await, alert("Couldn't subscribe to invalid feed"), "{feed}");
    }
    let asked = json!({"event": "subscribe", "feed": "candles_trade_1m", "product_ids": ["PF_NOPE"]});
    assert_eq!(socket.ask(asked).await, alert("Couldn't subscribe to invalid product `PF_NOPE`"));
}
