//! Fills: numbered by account, told to both sides.

use super::socket::{Socket, alert, with};
use crate::venue::{SYMBOL, Venue};
use serde_json::{Value, json};

/// One line a fill.
fn line(fill: &Value) -> String {
    let side = if fill["buy"] == true { "buy" } else { "sell" };
    let text = |name: &str| fill[name].as_str().unwrap_or("-").to_owned();
    format!(
        "#{} {side} {} {} at {} leaves {} {} {}/{} {}",
        fill["seq"],
        fill["qty"],
        text("instrument"),
        fill["price"],
        fill["remaining_order_qty"],
        text("fill_type"),
        text("order_type"),
        text("taker_order_type"),
        text("cli_ord_id"),
    )
}

fn lines(message: &Value) -> Vec<String> {
    message["fills"].as_array().expect("fills").iter().map(line).collect()
}

/// What the fills feed told until now.
async fn told(socket: &mut Socket) -> Vec<String> {
    socket.settle().await.iter().flat_map(lines).collect()
}

#[tokio::test]
async fn both_sides_are_told_with_numbers_of_their_own() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let (mut hers, mut his) = (Socket::open(&venue).await, Socket::open(&venue).await);
    let snapshot = hers.follow(&alice, &["fills"]).await;
    let account = &venue.start.accounts[0].uid;
    assert_eq!(snapshot[0], json!({"feed": "fills_snapshot", "account": account, "fills": []}));
    his.follow(&bob, &["fills"]).await;

    alice.place("post", "sell", "0.5", "50010", &[("cliOrdId", "maker")]).await;
    alice.place("lmt", "sell", "1", "50011", &[]).await;
    bob.place("ioc", "buy", "0.7", "50020", &[("cliOrdId", "taker")]).await;
    let message = hers.hear().await;
    let fills = message["fills"].as_array().expect("fills");
    // The whole of one, against what is answered over http.
    let shown = alice.get("/fills", &[]).await["fills"].clone();
    assert_eq!(
        fills[0],
        json!({
            "instrument": SYMBOL, "time": 1_767_225_600_000_u64, "price": 50_010, "seq": 1, "buy": false,
            "qty": 0.5, "remaining_order_qty": 0, "order_id": shown[1]["order_id"],
            "fill_id": shown[1]["fill_id"], "cli_ord_id": "maker", "fill_type": "maker", "fee_paid": 5.001,
            "fee_currency": "USD", "taker_order_type": "ioc", "order_type": "post",
        })
    );
    assert_eq!((&message["username"], &message["account"]), (&json!(account), &json!(account)));
    assert_eq!(
        lines(&message),
        [
            "#1 sell 0.5 PF_XBTUSD at 50010 leaves 0 maker post/ioc maker",
            "#2 sell 0.2 PF_XBTUSD at 50011 leaves 0.8 maker lmt/ioc -",
        ]
    );
    assert_eq!(
        told(&mut his).await,
        [
            "#1 buy 0.5 PF_XBTUSD at 50010 leaves 0.2 taker ioc/ioc taker",
            "#2 buy 0.2 PF_XBTUSD at 50011 leaves 0 taker ioc/ioc taker",
        ]
    );
    for (kind, size, shows) in [("mkt", "0.1", "market"), ("fok", "0.1", "fillOrKill"), ("lmt", "0.1", "lmt")]
    {
        bob.place(kind, "buy", size, "50020", &[]).await;
        let mine = told(&mut hers).await;
        assert!(mine[0].ends_with(&format!("maker lmt/{shows} -")), "{mine:?}");
        let taken = told(&mut his).await;
        assert!(taken[0].ends_with(&format!("taker {shows}/{shows} -")), "{taken:?}");
    }
    // On an inverse contract the fee is paid in what it settles in.
    venue.pin("PI_XBTUSD", "50000").await;
    for (client, kind, side) in [(&alice, "lmt", "sell"), (&bob, "ioc", "buy")] {
        let order = [
            ("symbol", "PI_XBTUSD"),
            ("orderType", kind),
            ("side", side),
            ("size", "1000"),
            ("limitPrice", "50000"),
        ];
        client.post("/sendorder", &order).await;
    }
    let message = his.hear().await;
    assert_eq!(lines(&message), ["#6 buy 1000 PI_XBTUSD at 50000 leaves 0 taker ioc/ioc -"]);
    assert_eq!(message["fills"][0]["fee_currency"], "BTC");
}

#[tokio::test]
async fn the_feed_may_be_limited_to_products() {
    let venue = Venue::start().await;
    venue.pin("PF_ETHUSD", "4000").await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let asked = |event: &str, products: Value| {
        with(&credentials, json!({"event": event, "feed": "fills", "product_ids": products}))
    };
    let trade = async |symbol: &str, price: &str| {
        for (client, kind, side) in [(&alice, "lmt", "sell"), (&bob, "ioc", "buy")] {
            let order = [
                ("symbol", symbol),
                ("orderType", kind),
                ("side", side),
                ("size", "1"),
                ("limitPrice", price),
            ];
            client.post("/sendorder", &order).await;
        }
    };
    trade("PF_XBTUSD", "50010").await;
    trade("PF_ETHUSD", "4000").await;
    let answer =
        |event: &str, product: &str| json!({"event": event, "feed": "fills", "product_ids": [product]});
    // One answer each, in the order asked, each with a snapshot of its own.
    let mut other = Socket::open(&venue).await;
    let others = other.credentials(&alice).await;
    let several =
        json!({"event": "subscribe", "feed": "fills", "product_ids": ["PF_XBTUSD", "PF_NOPE", "PF_ETHUSD"]});
    other.say(with(&others, several)).await;
    assert_eq!(other.hear().await, answer("subscribed", "PF_XBTUSD"));
    assert_eq!(lines(&other.hear().await), ["#1 sell 1 PF_XBTUSD at 50010 leaves 0 maker lmt/ioc -"]);
    assert_eq!(other.hear().await, alert("Couldn't subscribe to invalid product `PF_NOPE`"));
    assert_eq!(other.hear().await, answer("subscribed", "PF_ETHUSD"));
    assert_eq!(lines(&other.hear().await), ["#2 sell 1 PF_ETHUSD at 4000 leaves 0 maker lmt/ioc -"]);
    socket.say(asked("subscribe", json!(["PF_NOPE", "pf_ethusd", "PF_ETHUSD"]))).await;
    assert_eq!(socket.hear().await, alert("Couldn't subscribe to invalid product `PF_NOPE`"));
    assert_eq!(socket.hear().await, answer("subscribed", "PF_ETHUSD"));
    assert_eq!(lines(&socket.hear().await), ["#2 sell 1 PF_ETHUSD at 4000 leaves 0 maker lmt/ioc -"]);
    trade("PF_XBTUSD", "50010").await;
    trade("PF_ETHUSD", "4000").await;
    assert_eq!(told(&mut socket).await, ["#4 sell 1 PF_ETHUSD at 4000 leaves 0 maker lmt/ioc -"]);
    assert_eq!(told(&mut other).await.len(), 2);
    // One more.
    assert_eq!(socket.ask(asked("subscribe", json!(["PF_XBTUSD"]))).await, answer("subscribed", "PF_XBTUSD"));
    assert_eq!(lines(&socket.hear().await).len(), 2);
    trade("PF_XBTUSD", "50010").await;
    assert_eq!(told(&mut socket).await, ["#5 sell 1 PF_XBTUSD at 50010 leaves 0 maker lmt/ioc -"]);
    // All of them is something else; what was limited is then followed once all the same.
    let all = with(&credentials, json!({"event": "subscribe", "feed": "fills"}));
    assert_eq!(socket.ask(all.clone()).await, json!({"event": "subscribed", "feed": "fills"}));
    assert_eq!(lines(&socket.hear().await).len(), 5);
    trade("PF_ETHUSD", "4000").await;
    assert_eq!(told(&mut socket).await.len(), 1);
    assert_eq!(socket.ask(all).await, alert("Already subscribed to feed, re-requesting"));
    assert_eq!(lines(&socket.hear().await).len(), 6);
    // And out again, one and all.
    assert_eq!(
        socket.ask(asked("unsubscribe", json!(["PF_XBTUSD"]))).await,
        answer("unsubscribed", "PF_XBTUSD")
    );
    assert_eq!(socket.ask(asked("unsubscribe", json!(["PF_XBTUSD"]))).await, alert("Not subscribed to feed"));
    let none = with(&credentials, json!({"event": "unsubscribe", "feed": "fills"}));
    assert_eq!(socket.ask(none.clone()).await["event"], "unsubscribed");
    trade("PF_ETHUSD", "4000").await;
    assert_eq!(told(&mut socket).await, Vec::<String>::new());
    assert_eq!(socket.ask(none).await, alert("Not subscribed to feed"));
}

#[tokio::test]
async fn numbers_go_on_over_connections_and_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut count = 0;
    for start in 0..3_u64 {
        let venue = Venue::lasting(folder.path()).await;
        let (alice, bob) = (venue.client(0), venue.client(1));
        for connection in 0..2 {
            let mut socket = Socket::open(&venue).await;
            let snapshot = socket.follow(&alice, &["fills"]).await.remove(0);
            let seqs: Vec<u64> = snapshot["fills"]
                .as_array()
                .expect("fills")
                .iter()
                .map(|fill| fill["seq"].as_u64().expect("a number"))
                .collect();
            // The last hundred, oldest first.
            let first = count.max(100_u64) - 99;
            assert_eq!(seqs, (first..=count).collect::<Vec<_>>(), "start {start}, connection {connection}");
            alice.place("lmt", "sell", "1", "50010", &[]).await;
            for _ in 0..30 {
                bob.place("ioc", "buy", "0.01", "50010", &[]).await;
                count += 1;
                let message = socket.settle().await.pop().expect("a fill");
                assert_eq!(message["fills"][0]["seq"], count);
            }
            if start == 1 {
                venue.server.node().snapshot().await.expect("a snapshot");
            }
        }
        venue.server.stop().await;
    }
    assert_eq!(count, 180);
}
