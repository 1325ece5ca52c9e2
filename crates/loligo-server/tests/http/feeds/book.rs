//! The book: a snapshot, and every change after it.

use super::socket::{Socket, alert};
use crate::venue::{SYMBOL, Venue};
use loligo_engine::{
    AccountId, CancelOrder, Command, InstrumentId, OnGrid, OrderId, OrderRef, OrderType, Outcome, PlaceOrder,
    Side,
};
use loligo_server::node::Submission;
use loligo_server::{ServerConfig, config::Config};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::net::TcpSocket;

/// A book as a client keeps it: sizes as they were written, by price, of bids and asks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Book {
    bids: BTreeMap<i64, String>,
    asks: BTreeMap<i64, String>,
    pub seq: u64,
}

fn price(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("a whole price, not {value}"))
}

impl Book {
    /// Takes a message up. The numbers have no hole.
    pub fn hear(&mut self, message: &Value) {
        assert_eq!(message["product_id"], SYMBOL);
        let seq = message["seq"].as_u64().expect("a number");
        match message["feed"].as_str() {
            Some("book_snapshot") => {
                let side = |name: &str| -> Vec<(i64, String)> {
                    let levels = message[name].as_array().expect("levels").iter();
                    levels.map(|level| (price(&level["price"]), level["qty"].to_string())).collect()
                };
                let (bids, asks) = (side("bids"), side("asks"));
                assert!(bids.windows(2).all(|pair| pair[0].0 > pair[1].0), "the best bid first");
                assert!(asks.windows(2).all(|pair| pair[0].0 < pair[1].0), "the best ask first");
                assert!(bids.iter().chain(&asks).all(|(_, qty)| qty != "0"));
                assert_eq!(message["tickSize"], Value::Null);
                *self = Book { bids: bids.into_iter().collect(), asks: asks.into_iter().collect(), seq };
            }
            Some("book") => {
                assert_eq!(seq, self.seq + 1, "a gap");
                self.seq = seq;
                let side = if message["side"] == "buy" { &mut self.bids } else { &mut self.asks };
                match message["qty"].to_string() {
                    gone if gone == "0" => side.remove(&price(&message["price"])),
                    qty => side.insert(price(&message["price"]), qty),
                };
            }
            other => panic!("a message of the book, not {other:?}"),
        }
    }

    pub fn of(snapshot: &Value) -> Self {
        let mut book = Self::default();
        book.hear(snapshot);
        book
    }

    /// Takes up all that was told until now, and compares with what is answered over http.
    async fn check(&mut self, socket: &mut Socket, venue: &Venue) {
        for message in socket.settle().await {
            self.hear(&message);
        }
        let answer = venue.client(0).get("/orderbook", &[("symbol", SYMBOL)]).await;
        let side = |name: &str| -> BTreeMap<i64, String> {
            let rows = answer["orderBook"][name].as_array().expect("rows").iter();
            rows.map(|row| (price(&row[0]), row[1].to_string())).collect()
        };
        assert_eq!((&self.bids, &self.asks), (&side("bids"), &side("asks")));
    }
}

#[tokio::test]
async fn a_snapshot_and_its_changes_are_the_book_whenever_one_joins() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut followers = Vec::new();
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..8 {
        // Somebody new each time, and somebody who asks again.
        let mut socket = Socket::open(&venue).await;
        let book = Book::of(&socket.follow_book().await);
        followers.push((socket, book));
        let again = json!({"event": "subscribe", "feed": "book", "product_ids": [SYMBOL]});
        let (socket, book) = &mut followers[0];
        let before = book.seq;
        assert_eq!(socket.ask(again).await, alert("Already subscribed to feed, re-requesting"));
        book.hear(&socket.hear().await);
        assert_eq!(book.seq, before, "nothing has changed, and nothing is counted");
        for _ in 0..50 {
            let client = if next(2) == 0 { &alice } else { &bob };
            let side = if next(2) == 0 { "buy" } else { "sell" };
            let kind = ["lmt", "lmt", "lmt", "post", "ioc", "mkt"][next(6) as usize];
            let size = format!("0.{:03}", 10 + next(200));
            client.place(kind, side, &size, &(49_980 + next(41)).to_string(), &[]).await;
            if next(25) == 0 {
                client.post("/cancelallorders", &[("symbol", SYMBOL)]).await;
            }
        }
        for (socket, book) in &mut followers {
            book.check(socket, &venue).await;
        }
        let seqs: Vec<u64> = followers.iter().map(|(_, book)| book.seq).collect();
        assert!(seqs.iter().all(|seq| *seq == seqs[0]), "round {round}: all count alike: {seqs:?}");
    }
    // Who leaves hears nothing more, and may come again.
    let (socket, book) = &mut followers[1];
    let left =
        socket.ask(json!({"event": "unsubscribe", "feed": "book", "product_ids": ["pf_xbtusd"]})).await;
    assert_eq!(left, json!({"event": "unsubscribed", "feed": "book", "product_ids": [SYMBOL]}));
    alice.place("lmt", "buy", "1", "40000", &[]).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new());
    book.hear(&socket.follow_book().await);
    book.check(socket, &venue).await;
}

#[tokio::test]
async fn one_step_s_changes_share_its_time() {
    let venue = Venue::start().await;
    let mut socket = Socket::open(&venue).await;
    socket.follow_book().await;
    venue.advance(1_234).await;
    let alice = venue.client(0);
    for at in ["50010", "50011", "50012"] {
        alice.place("lmt", "sell", "0.5", at, &[]).await;
    }
    socket.settle().await;
    venue.advance(1).await;
    venue.client(1).place("lmt", "buy", "2", "50020", &[]).await;
    let told = socket.settle().await;
    let update = |seq: u64, side: &str, price: i64, qty: Value| {
        json!({
            "feed": "book", "product_id": SYMBOL, "side": side, "seq": seq, "price": price, "qty": qty,
            "timestamp": 1_767_225_601_235_u64,
        })
    };
    assert_eq!(
        told,
        [
            update(4, "sell", 50_010, json!(0)),
            update(5, "sell", 50_011, json!(0)),
            update(6, "sell", 50_012, json!(0)),
            update(7, "buy", 50_020, json!(0.5)),
        ]
    );
}

#[tokio::test]
async fn numbers_rise_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = || ServerConfig {
        node: Config { data: Some(folder.path().to_owned()), ..Config::test() },
        rate_limits: false,
        ..ServerConfig::test()
    };
    let mut last = 0;
    let mut before = Book::default();
    for start in 0..3 {
        let venue = Venue::with(config()).await;
        let mut socket = Socket::open(&venue).await;
        let mut book = Book::of(&socket.follow_book().await);
        assert_eq!((&book.bids, &book.asks, book.seq), (&before.bids, &before.asks, last), "start {start}");
        for step in 0..20 {
            venue.client(0).place("lmt", "buy", "0.1", &(40_000 + 100 * start + step).to_string(), &[]).await;
            if start == 1 && step == 10 {
                // A later start reads what a snapshot says of the past, and replays the rest.
                venue.server.node().snapshot().await.expect("a snapshot");
            }
        }
        for message in socket.settle().await {
            book.hear(&message);
        }
        assert_eq!(book.seq, last + 20);
        last = book.seq;
        before = book;
        let stopping = tokio::spawn(venue.server.stop());
        let (told, code) = socket.end().await;
        assert_eq!((told, code), (Vec::new(), Some((1012, String::new()))), "it is said that it restarts");
        stopping.await.expect("it stops");
    }
}

/// 800 changes at a time, past http: bids come and go.
pub async fn churn(venue: &Venue, round: u64) {
    let bid = |at: i64| {
        Submission::new(Command::Place(PlaceOrder {
            account: AccountId(2),
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(1_000 + (round % 9) as i64),
            limit_price: Some(OnGrid::Steps(at)),
            stop_price: None,
            reduce_only: false,
            client_order_id: None,
            process_before: None,
            trigger: None,
            limit_offset: None,
            algo_id: None,
        }))
    };
    let node = venue.server.node();
    let replies = node.submit_all((0..400).map(|at| bid(30_000 + at)).collect()).await.expect("taken");
    let placed: Vec<OrderId> = replies
        .iter()
        .map(|reply| match reply.outcome {
            Outcome::Placed(id) => id,
            ref other => panic!("placed, not {other:?}"),
        })
        .collect();
    let cancel = |id| {
        let order = OrderRef::Id(id);
        Submission::new(Command::Cancel(CancelOrder { account: AccountId(2), order, process_before: None }))
    };
    node.submit_all(placed.into_iter().map(cancel).collect()).await.expect("taken");
}

#[tokio::test]
async fn who_reads_too_slowly_is_closed_and_nobody_else_waits() {
    let mut config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
    config.bounds.feeds.queue_frames = 4_000;
    // However long this takes, it can still read how it ended.
    config.bounds.feeds.grace = Duration::from_secs(86_400);
    let venue = Venue::with(config).await;
    let mut quick = Socket::open(&venue).await;
    let mut book = Book::of(&quick.follow_book().await);
    // Little room on the way, so that it fills soon.
    let narrow = TcpSocket::new_v4().expect("a socket");
    narrow.set_recv_buffer_size(4_096).expect("a size");
    let stream = narrow.connect(venue.server.http()).await.expect("it listens");
    let mut slow = Socket::over(stream).await.expect("a handshake");
    let mut seen = Book::of(&slow.follow_book().await);

    // More than any kernel keeps for a connection.
    for round in 0..150 {
        churn(&venue, round).await;
        for message in quick.settle().await {
            book.hear(&message);
        }
    }
    assert_eq!(book.seq, 150 * 800, "who reads sees everything");
    let (told, code) = slow.end().await;
    let reason = "too slow: what waits for this connection has a bound";
    assert_eq!(code, Some((1008, reason.to_owned())));
    assert!(told.len() < 150 * 800);
    // What it did see has no hole.
    for message in told {
        seen.hear(&message);
    }
}
