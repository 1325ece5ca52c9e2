//! Trades: the last hundred, and each one after them.

use super::socket::{Socket, alert};
use crate::venue::{SYMBOL, Venue};
use serde_json::{Value, json};

/// Joins the trades of [`SYMBOL`]; the snapshot.
async fn follow(socket: &mut Socket) -> Value {
    let asked = json!({"event": "subscribe", "feed": "trade", "product_ids": [SYMBOL]});
    let answer = json!({"event": "subscribed", "feed": "trade", "product_ids": [SYMBOL]});
    assert_eq!(socket.ask(asked).await, answer);
    socket.hear().await
}

fn seqs(snapshot: &Value) -> Vec<u64> {
    assert_eq!(snapshot["feed"], "trade_snapshot");
    let trades = snapshot["trades"].as_array().expect("trades");
    trades.iter().map(|trade| trade["seq"].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn each_match_is_told_once_with_its_number_and_the_id_that_both_sides_know() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut socket = Socket::open(&venue).await;
    let empty = json!({"feed": "trade_snapshot", "product_id": SYMBOL, "trades": []});
    assert_eq!(follow(&mut socket).await, empty);
    alice.place("lmt", "sell", "0.5", "50010", &[]).await;
    alice.place("lmt", "sell", "1", "50011", &[]).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new(), "an order that rests is no trade");
    bob.place("ioc", "buy", "0.7", "50020", &[]).await;
    let told = socket.settle().await;
    let fills = alice.get("/fills", &[]).await["fills"].clone();
    let trade = |seq: u64, fill: &Value, qty: f64, price: u64| {
        json!({
            "feed": "trade", "product_id": SYMBOL, "uid": fill["fill_id"], "side": "buy", "type": "fill",
            "seq": seq, "time": 1_767_225_600_000_u64, "qty": qty, "price": price,
        })
    };
    assert_eq!(told, [trade(1, &fills[1], 0.5, 50_010), trade(2, &fills[0], 0.2, 50_011)]);
    let history = bob.get("/history", &[("symbol", SYMBOL)]).await["history"].clone();
    assert_eq!([&history[0]["uid"], &history[1]["uid"]], [&told[1]["uid"], &told[0]["uid"]]);

    // Whoever comes later has them in the snapshot, newest first, and hears of the next one alone.
    let mut late = Socket::open(&venue).await;
    assert_eq!(follow(&mut late).await["trades"], json!([told[1], told[0]]));
    bob.place("ioc", "buy", "0.1", "50020", &[]).await;
    for socket in [&mut socket, &mut late] {
        let told = socket.settle().await;
        assert_eq!((told.len(), &told[0]["seq"], &told[0]["qty"]), (1, &json!(3), &json!(0.1)));
    }
    // Asked for again, and left.
    let asked = |event: &str| json!({"event": event, "feed": "trade", "product_ids": ["pf_xbtusd"]});
    assert_eq!(socket.ask(asked("subscribe")).await, alert("Already subscribed to feed, re-requesting"));
    assert_eq!(seqs(&socket.hear().await), [3, 2, 1]);
    assert_eq!(
        socket.ask(asked("unsubscribe")).await,
        json!({"event": "unsubscribed", "feed": "trade", "product_ids": [SYMBOL]})
    );
    assert_eq!(socket.ask(asked("unsubscribe")).await, alert("Not subscribed to feed"));
    bob.place("ioc", "buy", "0.1", "50020", &[]).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new());
    assert_eq!(late.settle().await.len(), 1);
}

#[tokio::test]
async fn a_trade_of_a_liquidation_says_so() {
    let venue = Venue::start().await;
    let bob = venue.client(1);
    let (_, poor) = venue.subaccount(0, "poor", "600").await;
    let mut socket = Socket::open(&venue).await;
    follow(&mut socket).await;
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    poor.place("ioc", "buy", "1", "50000", &[]).await;
    bob.place("lmt", "buy", "5", "49500", &[]).await;
    socket.settle().await;
    venue.pin(SYMBOL, "49600").await;
    let told = socket.settle().await;
    assert!(!told.is_empty());
    for trade in &told {
        assert_eq!(trade["side"], "sell");
        assert!(["liquidation", "partialLiquidation"].contains(&trade["type"].as_str().unwrap()), "{trade}");
    }
}

#[tokio::test]
async fn a_snapshot_has_the_last_hundred_and_numbers_go_on_over_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut count = 0_u64;
    for start in 0..3 {
        let venue = Venue::lasting(folder.path()).await;
        let (alice, bob) = (venue.client(0), venue.client(1));
        let mut socket = Socket::open(&venue).await;
        let first = count.max(100) - 99;
        let wanted: Vec<u64> = (first..=count).rev().collect();
        assert_eq!(seqs(&follow(&mut socket).await), wanted, "start {start}");
        alice.place("lmt", "sell", "1", "50010", &[]).await;
        for _ in 0..60 {
            bob.place("ioc", "buy", "0.01", "50010", &[]).await;
            count += 1;
            let told = socket.settle().await;
            assert_eq!((told.len(), &told[0]["seq"]), (1, &json!(count)));
        }
        if start == 1 {
            venue.server.node().snapshot().await.expect("a snapshot");
        }
        venue.server.stop().await;
    }
}
