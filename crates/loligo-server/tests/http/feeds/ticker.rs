//! Tickers: the whole of it, at most once a second, and not without news.

use super::socket::{Socket, alert, with};
use crate::venue::{SYMBOL, Venue};
use serde_json::{Value, json};

async fn follow(socket: &mut Socket, feed: &str, symbol: &str) -> Value {
    let asked = json!({"event": "subscribe", "feed": feed, "product_ids": [symbol]});
    let answer = json!({"event": "subscribed", "feed": feed, "product_ids": [symbol]});
    assert_eq!(socket.ask(asked).await, answer);
    socket.hear().await
}

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000;

#[tokio::test]
async fn a_ticker_is_whole_and_leaves_out_what_there_is_not() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut socket = Socket::open(&venue).await;
    let mut ticker = json!({
        "feed": "ticker", "time": START, "product_id": SYMBOL, "change": 0, "premium": 0, "volume": 0,
        "volumeQuote": 0, "tag": "perpetual", "pair": "XBT:USD", "dtm": 0, "maturityTime": 0, "index": 50_000,
        "markPrice": 50_000, "openInterest": 0, "leverage": "100x", "suspended": false, "post_only": false,
    });
    let told = follow(&mut socket, "ticker", SYMBOL).await;
    assert_eq!(without_funding(&told), ticker, "neither book nor trade");
    let mut lite = json!({
        "feed": "ticker_lite", "product_id": SYMBOL, "bid": 0, "ask": 0, "change": 0, "premium": 0,
        "volume": 0, "volumeQuote": 0, "tag": "perpetual", "pair": "XBT:USD", "dtm": 0, "maturityTime": 0,
    });
    assert_eq!(follow(&mut socket, "ticker_lite", SYMBOL).await, lite, "an empty side is zero here");

    alice.place("lmt", "sell", "0.5", "50010", &[]).await;
    bob.place("ioc", "buy", "0.1", "50010", &[]).await;
    alice.place("lmt", "buy", "0.3", "49990", &[]).await;
    bob.place("ioc", "sell", "0.04", "49990", &[]).await;
    venue.order("PUT", "/prices/PF_XBTUSD", json!({"index": "50000", "mark": "50075"})).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new(), "the second is not over");
    venue.advance(1_000).await;
    ticker = with(
        &ticker,
        json!({
            "time": START + 1_000, "bid": 49_990, "bid_size": 0.26, "ask": 50_010, "ask_size": 0.4, "last": 49_990,
            "open": 50_010, "high": 50_010, "low": 49_990, "volume": 0.14, "volumeQuote": 7_000.6, "change": -0.03,
            "markPrice": 50_075, "premium": 0.2, "openInterest": 0.06,
        }),
    );
    lite = with(
        &lite,
        json!({
            "bid": 49_990, "ask": 50_010, "volume": 0.14, "volumeQuote": 7_000.6, "change": -0.03, "premium": 0.2,
        }),
    );
    let told = socket.settle().await;
    assert_eq!(told.iter().map(without_funding).collect::<Vec<_>>(), [ticker, lite]);
    // The same figures over http.
    let shown = alice.get(&format!("/tickers/{SYMBOL}"), &[]).await["ticker"].clone();
    for (feed, rest) in [
        ("bid", "bid"),
        ("bid_size", "bidSize"),
        ("ask", "ask"),
        ("ask_size", "askSize"),
        ("last", "last"),
        ("volume", "vol24h"),
        ("volumeQuote", "volumeQuote"),
        ("open", "open24h"),
        ("high", "high24h"),
        ("low", "low24h"),
        ("change", "change24h"),
        ("index", "indexPrice"),
        ("markPrice", "markPrice"),
        ("openInterest", "openInterest"),
        ("tag", "tag"),
        ("pair", "pair"),
        ("suspended", "suspended"),
        ("post_only", "postOnly"),
        ("funding_rate", "fundingRate"),
        ("funding_rate_prediction", "fundingRatePrediction"),
    ] {
        // A rate of zero is left out of the feed.
        let shown = shown.get(rest).filter(|shown| !feed.starts_with("funding") || **shown != 0);
        assert_eq!(told[0].get(feed), shown, "{feed}");
    }
}

/// A ticker without what funding makes of it, which is judged where funding is.
fn without_funding(ticker: &Value) -> Value {
    let mut ticker = ticker.clone();
    ticker.as_object_mut().expect("an object").retain(|name, _| !name.contains("funding"));
    ticker
}

#[tokio::test]
async fn what_is_told_at_a_pace_is_told_once_a_second_and_again_after_a_minute_without_news() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut socket = Socket::open(&venue).await;
    follow(&mut socket, "ticker_lite", SYMBOL).await;
    // Ten orders in a second are one ticker; the next second has none.
    for second in 1..=3 {
        for price in 0..10 {
            alice.place("lmt", "buy", "0.1", &(49_000 + second * 10 + price).to_string(), &[]).await;
        }
        assert_eq!(socket.settle().await, Vec::<Value>::new());
        venue.advance(1_000).await;
        let told = socket.settle().await;
        assert_eq!((told.len(), &told[0]["bid"]), (1, &json!(49_009 + second * 10)));
        // Whoever joins now is shown what this one was told, and hears no more of it than this one.
        let mut late = Socket::open(&venue).await;
        assert_eq!(follow(&mut late, "ticker_lite", SYMBOL).await["bid"], json!(49_009 + second * 10));
        alice.place("lmt", "buy", "0.1", "48000", &[]).await;
        venue.advance(1_000).await;
        assert_eq!(socket.settle().await, Vec::<Value>::new(), "the best bid is the same");
        assert_eq!(late.settle().await, Vec::<Value>::new());
    }
    // The house has something to say each second, and this market has not.
    let mut silent = 0;
    for _ in 0..130 {
        alice.place("lmt", "buy", "0.001", "47000", &[]).await;
        venue.advance(1_000).await;
        match &socket.settle().await[..] {
            [] => silent += 1,
            [told] => {
                assert!(silent >= 57, "{silent} s: {told}");
                silent = 0;
            }
            more => panic!("{more:?}"),
        }
        assert!(silent < 60, "it is told again when a minute is over");
    }
}

#[tokio::test]
async fn a_dated_contract_tells_its_days_and_every_product_is_answered_for_itself() {
    let venue = Venue::start().await;
    let instruments = venue.client(0).get("/instruments", &[]).await["instruments"].clone();
    let dated = |row: &&Value| row["symbol"].as_str().is_some_and(|symbol| symbol.starts_with("FF_XBTUSD"));
    let row = instruments.as_array().expect("rows").iter().find(dated).expect("a dated contract").clone();
    let symbol = row["symbol"].as_str().expect("a symbol");
    venue.pin(symbol, "50000").await;
    let mut socket = Socket::open(&venue).await;
    socket
        .say(json!({"event": "subscribe", "feed": "ticker", "product_ids": ["pf_xbtusd", "PF_NOPE", symbol]}))
        .await;
    assert_eq!(socket.hear().await["product_ids"], json!([SYMBOL]));
    assert_eq!(socket.hear().await["product_id"], SYMBOL);
    assert_eq!(socket.hear().await, alert("Couldn't subscribe to invalid product `PF_NOPE`"));
    assert_eq!(socket.hear().await["product_ids"], json!([symbol]));
    let told = socket.hear().await;
    let expiry = row["lastTradingTime"].as_str().expect("a time");
    let expiry = loligo_wire::time::Timestamp::parse(expiry.as_bytes()).expect("a time").micros() / 1_000;
    assert_eq!(told["maturityTime"], json!(expiry));
    assert_eq!(told["dtm"], json!((expiry - START as i64) / 86_400_000));
    assert!(told.get("next_funding_rate_time").is_none());
    // A market that is not there any more cannot be joined; what is held goes on and says that it stands still.
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "suspended"})).await;
    venue.advance(1_000).await;
    let told = socket.settle().await;
    assert_eq!(
        (told.len(), &told[0]["product_id"], &told[0]["suspended"]),
        (1, &json!(SYMBOL), &json!(true))
    );
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "inactive"})).await;
    let mut late = Socket::open(&venue).await;
    for feed in ["ticker", "ticker_lite", "trade"] {
        let asked = json!({"event": "subscribe", "feed": feed, "product_ids": [SYMBOL]});
        assert_eq!(
            late.ask(asked).await,
            alert(&format!("Couldn't subscribe to invalid product `{SYMBOL}`"))
        );
        let nothing = json!({"event": "subscribe", "feed": feed});
        assert_eq!(late.ask(nothing).await, alert("Bad request"));
    }
}
