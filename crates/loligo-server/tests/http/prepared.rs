//! The lists of all markets say what is true when they are asked for, whatever happened a moment before.

use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

/// The rows of a list by their symbol.
fn by_symbol(list: &Value) -> Vec<(String, Value)> {
    let rows = list.as_array().expect("a list").iter();
    rows.map(|row| (row["symbol"].as_str().expect("a symbol").to_owned(), row.clone())).collect()
}

/// Asks for both lists, each twice, and for what each row says where it stands alone. All tickers are told.
async fn agree(client: &Client, after: &str) -> Vec<(String, Value)> {
    let tickers = by_symbol(&client.get("/tickers", &[]).await["tickers"]);
    let again = by_symbol(&client.get("/tickers", &[]).await["tickers"]);
    assert_eq!(tickers, again, "after {after}");
    for (symbol, row) in &tickers {
        let alone = client.get(&format!("/tickers/{symbol}"), &[]).await["ticker"].clone();
        assert_eq!(*row, alone, "after {after}");
        let one = client.get("/tickers", &[("symbol", symbol)]).await["tickers"].clone();
        assert_eq!(one, json!([alone]), "after {after}");
    }
    // What an account sees of contracts is written for each request.
    let listed = by_symbol(&client.get("/instruments", &[]).await["instruments"]);
    let own = by_symbol(&client.get("/trading/instruments", &[]).await["instruments"]);
    assert_eq!(listed.len(), own.len(), "after {after}");
    for ((symbol, row), (_, own)) in listed.iter().zip(&own) {
        for member in ["symbol", "openingDate", "lastTradingTime", "postOnly", "isExpired", "marginLevels"] {
            assert_eq!(row.get(member), own.get(member), "{symbol} after {after}");
        }
    }
    tickers
}

#[tokio::test]
async fn a_list_says_what_its_rows_say_alone_after_everything_that_changes_them() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut before = agree(&alice, "the start").await;
    let mut changed = async |what: &str| {
        let now = agree(&alice, what).await;
        assert_ne!(now, before, "{what} is seen");
        before = now;
    };
    bob.place("lmt", "sell", "1", "50100", &[]).await;
    changed("an order that is the best").await;
    alice.place("ioc", "buy", "0.4", "50100", &[]).await;
    changed("a trade").await;
    bob.post("/cancelallorders", &[]).await;
    changed("a cancel").await;
    venue.pin("PF_ETHUSD", "3100").await;
    changed("a pinned price").await;
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "post_only"})).await;
    changed("a market's state").await;
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "pre_launch"})).await;
    changed("a market that is held back").await;
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "open"})).await;
    changed("a market that is open again").await;
    // The trade leaves the day, though nothing else happens.
    venue.advance(86_400_000).await;
    changed("a day").await;
    for _ in 0..2 {
        venue.advance(30 * 86_400_000).await;
        changed("a month, in which contracts expired and others were listed").await;
    }
}

#[tokio::test]
async fn an_opening_date_moves_with_the_day_as_long_as_a_market_is_held_back() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "pre_launch"})).await;
    let opening = async || {
        let listed = by_symbol(&alice.get("/instruments", &[]).await["instruments"]);
        let row = listed.into_iter().find(|(symbol, _)| symbol == SYMBOL).expect("listed").1;
        row["openingDate"].as_str().expect("a date").to_owned()
    };
    for (millis, day) in [(0, 2), (86_399_999, 2), (1, 3), (2 * 86_400_000, 5)] {
        venue.advance(millis).await;
        assert_eq!(opening().await, format!("2026-01-0{day}T00:00:00Z"));
    }
}

#[tokio::test]
async fn the_last_week_begins_in_the_middle_of_a_minute_where_the_contract_ends_in_one() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let dated = json!({
        "symbol": "FF_LOWUSD_260108", "kind": "linear", "pair": "LOW:USD", "base": "LOW", "tick_size": "0.01",
        "lot_precision": 0, "max_position_size": 1000, "impact_mid_size": 10,
        "margin_levels": [{"from": 0, "initial": "0.02"}], "last_trading_time": "2026-01-08T00:00:30Z",
    });
    venue.order("POST", "/markets", dated).await;
    venue.pin("FF_LOWUSD_260108", "5").await;
    let tag = async || {
        let tickers = by_symbol(&alice.get("/tickers", &[]).await["tickers"]);
        tickers.into_iter().find(|(symbol, _)| symbol == "FF_LOWUSD_260108").expect("a row").1["tag"].clone()
    };
    for (millis, told) in [(0, "month"), (29_999, "month"), (1, "week")] {
        venue.advance(millis).await;
        assert_eq!(tag().await, told);
    }
}
