//! The hub by itself: keys that lose their right, and changes that got lost.

use super::*;
use crate::config::Config;
use crate::dialects::kraken::Encoder as Kraken;
use crate::identity::KeyPair;
use crate::node::{self, RunningNode, Submission};
use crate::projection::ApiKey;
use crate::record::{GeneralRight, KeyId, WithdrawalRight};
use crate::transport::bounds::FeedBounds;
use crate::transport::frame::ENCODED;
use crate::transport::outbox::Outbox;
use loligo_engine::{Command, OnGrid, OrderType, PlaceOrder, Side};
use serde_json::Value;
use std::sync::Arc;

struct Desk {
    node: Arc<RunningNode>,
    hub: Hub,
    dialect: Dialect,
}

/// A connection's far end.
struct End {
    outbox: Arc<Outbox>,
}

impl Desk {
    async fn open() -> Self {
        let node = tokio::task::spawn_blocking(|| node::spawn(&Config::test())).await.unwrap().unwrap();
        let mut dialects = Dialects::default();
        let dialect = dialects.add(Kraken);
        let hub = Hub::new(node.handle().clone(), dialects, Sources::default(), Duration::ZERO);
        Self { node: Arc::new(node), hub, dialect }
    }

    fn join(&mut self, end: &End, topic: Topic) {
        let of = self.follower(&end.outbox);
        self.hub.act(&of, Action::Join(topic, "joined".into()));
    }

    fn follower(&self, outbox: &Arc<Outbox>) -> Follower {
        Follower::new(self.dialect, Arc::clone(outbox))
    }

    /// Rests a bid of an account.
    async fn bid(&mut self, account: u32, price: i64) {
        self.order(account, Side::Buy, price).await;
    }

    /// Lets two accounts trade at the index: one fill of the first.
    async fn trade(&mut self, account: u32, other: u32) {
        self.order(account, Side::Buy, 80_000).await;
        self.order(other, Side::Sell, 80_000).await;
    }

    /// Places an order; it is committed, and its changes wait to be told.
    async fn order(&mut self, account: u32, side: Side, price: i64) {
        let order = PlaceOrder {
            account: AccountId(account),
            instrument: InstrumentId(0),
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(1_000),
            limit_price: Some(OnGrid::Steps(price)),
            stop_price: None,
            reduce_only: false,
            client_order_id: None,
            process_before: None,
            trigger: None,
            limit_offset: None,
            algo_id: None,
        };
        self.node.handle().submit(Submission::new(Command::Place(order))).await.unwrap();
    }

    /// Has the hub tell all there is.
    fn tell(&mut self) {
        while let Some(commit) = self.hub.changes.next_now() {
            self.hub.tell_waiting(&commit);
        }
    }
}

impl End {
    fn new(id: u64) -> Self {
        Self { outbox: Outbox::new(id, &FeedBounds::default()) }
    }

    /// What came, each message whole.
    fn messages(&mut self) -> Vec<Value> {
        let taken = self.outbox.take_waiting().into_iter();
        taken.map(|message| serde_json::from_str(&message).unwrap_or(Value::Null)).collect()
    }

    /// What came, by feed or in full.
    fn heard(&mut self) -> Vec<String> {
        let feed = |message: &String| {
            let message: Value = serde_json::from_str(message).ok()?;
            message["feed"].as_str().map(str::to_owned)
        };
        let taken = self.outbox.take_waiting().into_iter();
        taken.map(|message| feed(&message).unwrap_or(message)).collect()
    }
}

fn orders(key: u32) -> Topic {
    Topic::Account(Signer { account: AccountId(0), key: KeyId(key) }, AccountFeed::Orders(Form(0)))
}

fn fills(key: u32) -> Topic {
    Topic::Account(Signer { account: AccountId(0), key: KeyId(key) }, AccountFeed::Fills(None))
}

/// The directory of a later moment, in which a key has another right.
fn with_right(directory: &Directory, key: u32, general: GeneralRight) -> Directory {
    let mut later = directory.clone();
    let old = &directory.keys()[key as usize];
    later.keys[key as usize] = Arc::new(ApiKey {
        id: old.id,
        account: old.account,
        api_key: Arc::clone(&old.api_key),
        secret: KeyPair::development(1, 0, "full").secret,
        general,
        withdrawal: WithdrawalRight::None,
        created: old.created,
    });
    later
}

#[tokio::test]
async fn a_key_that_loses_its_right_hears_nothing_more_and_is_told_nothing() {
    let mut desk = Desk::open().await;
    let (mut first, mut second) = (End::new(1), End::new(2));
    for (end, key) in [(&first, 0), (&second, 1)] {
        desk.join(end, orders(key));
        desk.join(end, fills(key));
        desk.join(end, Topic::Market(InstrumentId(0), MarketFeed::Book));
    }
    let joined = ["joined", "open_orders_snapshot", "joined", "fills_snapshot", "joined", "book_snapshot"];
    assert_eq!(first.heard(), joined);
    assert_eq!(second.heard(), joined);
    desk.bid(0, 50_000).await;
    desk.tell();
    assert_eq!(first.heard(), ["open_orders", "book"]);
    assert_eq!(second.heard(), ["open_orders", "book"]);

    let directory = desk.node.handle().views().directory();
    desk.hub.drop_keys(&with_right(&directory, 0, GeneralRight::ReadOnly));
    desk.bid(0, 50_001).await;
    desk.tell();
    assert_eq!(first.heard(), ["open_orders", "book"], "it may still ask");
    second.heard();

    desk.hub.drop_keys(&with_right(&directory, 0, GeneralRight::None));
    desk.bid(0, 50_002).await;
    desk.tell();
    assert_eq!(first.heard(), ["book"], "what is public goes on");
    assert_eq!(second.heard(), ["open_orders", "book"], "another key of the account is not touched");

    let mut without = (*directory).clone();
    without.keys.clear();
    desk.hub.drop_keys(&without);
    desk.bid(0, 50_003).await;
    desk.tell();
    assert_eq!(first.heard(), ["book"]);
    assert_eq!(second.heard(), ["book"]);
    assert!(desk.hub.accounts.is_empty());
}

#[tokio::test]
async fn whoever_signed_in_time_but_comes_after_the_end_of_its_account_follows_nothing() {
    let mut desk = Desk::open().await;
    let mut late = End::new(1);
    // Its key was good when its connection looked; then the account ends, and the hub is told before it is asked.
    let end = Command::SetActive { account: AccountId(0), active: false };
    desk.node.handle().submit(Submission::new(end)).await.unwrap();
    desk.tell();
    let refused = r#"{"event":"alert","message":"Failed to subscribe to authenticated feed"}"#;
    for topic in [orders(0), fills(0)] {
        desk.join(&late, topic);
        assert_eq!(late.heard(), [refused]);
    }
    assert!(desk.hub.accounts.is_empty());
    desk.join(&late, Topic::Market(InstrumentId(0), MarketFeed::Book));
    assert_eq!(late.heard(), ["joined", "book_snapshot"], "what is public is for everyone");
}

#[tokio::test]
async fn news_that_got_lost_closes_whoever_followed_and_nobody_else() {
    let mut desk = Desk::open().await;
    let (mut book, mut own, mut idle) = (End::new(1), End::new(2), End::new(3));
    desk.join(&book, Topic::Market(InstrumentId(0), MarketFeed::Book));
    desk.join(&own, orders(0));
    desk.join(&idle, Topic::Heartbeat);
    // Nobody takes the changes until there is no room for more.
    let mut price = 40_000;
    while !desk.hub.changes.lost() {
        // In turn, since nobody may have too many.
        desk.bid((price % 10) as u32, price).await;
        price += 1;
    }
    // That was only to see it come; it comes again.
    desk.bid((price % 10) as u32, price).await;
    desk.tell();
    book.outbox.overflowed().await;
    own.outbox.overflowed().await;
    assert!(idle.outbox.push("still here".into()));
    assert_eq!(idle.heard(), ["joined", "still here"]);
    // What waited for them is not kept for who is to begin again.
    assert_eq!((book.heard(), own.heard()), (Vec::new(), Vec::new()));
    // Whoever comes now sees the whole of it.
    let mut late = End::new(4);
    desk.join(&late, Topic::Market(InstrumentId(0), MarketFeed::Book));
    let answered = late.messages();
    let [_, snapshot] = &answered[..] else { panic!("an answer and a snapshot, not {answered:?}") };
    assert_eq!(snapshot["bids"].as_array().map(Vec::len), Some((price - 40_000 + 1) as usize));
    assert_eq!(snapshot["seq"], price - 40_000 + 1);
    desk.bid(1, price + 1).await;
    desk.tell();
    assert_eq!(late.heard(), ["book"]);
}

/// Joining a book while a change of it is committed and not told yet: `first` has somebody follow before the change, so that
/// there are changes of it; without, the hub has only just begun to follow.
#[tokio::test]
async fn a_book_joined_between_a_change_and_its_news_has_it_once() {
    for first in [true, false] {
        let mut desk = Desk::open().await;
        let (mut before, mut joins) = (End::new(1), End::new(2));
        desk.bid(0, 49_000).await;
        if first {
            desk.join(&before, Topic::Market(InstrumentId(0), MarketFeed::Book));
        } else {
            // What a join does first; its view is read after the change below.
            desk.hub.want(true);
        }
        desk.bid(0, 49_001).await;
        desk.bid(0, 49_001).await;
        desk.join(&joins, Topic::Market(InstrumentId(0), MarketFeed::Book));
        // And who held it asks again at the same moment.
        desk.join(&before, Topic::Market(InstrumentId(0), MarketFeed::Book));
        desk.bid(0, 49_002).await;
        desk.tell();
        desk.bid(0, 49_003).await;
        desk.tell();
        for (end, skipped) in [(&mut joins, 0), (&mut before, if first { 2 } else { 0 })] {
            let told: Vec<Value> = end.messages().into_iter().skip(skipped + 1).collect();
            let seqs: Vec<_> = told.iter().map(|message| message["seq"].as_u64().unwrap_or(0)).collect();
            assert_eq!(told[0]["feed"], "book_snapshot", "{first}: {told:?}");
            assert_eq!(seqs, [3, 4, 5], "the snapshot, then each later change, once: {first}");
            assert_eq!(
                told[0]["bids"],
                serde_json::json!([{"price": 49_001, "qty": 0.2}, {"price": 49_000, "qty": 0.1}])
            );
        }
    }
}

#[tokio::test]
async fn orders_joined_between_a_change_and_its_message_have_it_once() {
    for first in [true, false] {
        let mut desk = Desk::open().await;
        let (mut before, mut joins) = (End::new(1), End::new(2));
        desk.bid(0, 49_000).await;
        if first {
            desk.join(&before, orders(0));
        } else {
            desk.hub.account(AccountId(0));
        }
        desk.bid(0, 49_001).await;
        desk.join(&joins, orders(0));
        desk.join(&before, orders(0));
        desk.bid(0, 49_002).await;
        desk.tell();
        desk.bid(0, 49_003).await;
        desk.tell();
        for (end, skipped) in [(&mut joins, 0), (&mut before, if first { 2 } else { 0 })] {
            let told: Vec<Value> = end.messages().into_iter().skip(skipped + 1).collect();
            let snapshot = told[0]["orders"].as_array().map(Vec::len);
            assert_eq!(snapshot, Some(2), "{first}: {told:?}");
            let prices: Vec<_> =
                told[1..].iter().map(|message| message["order"]["limit_price"].clone()).collect();
            assert_eq!(prices, [49_002, 49_003], "each later order, once: {first}");
        }
    }
}

#[tokio::test]
async fn fills_joined_between_a_fill_and_its_news_have_it_once() {
    for (first, products) in
        [(true, None), (false, None), (true, Some(InstrumentId(0))), (false, Some(InstrumentId(0)))]
    {
        let mut desk = Desk::open().await;
        let mine =
            Topic::Account(Signer { account: AccountId(0), key: KeyId(0) }, AccountFeed::Fills(products));
        let (mut before, mut joins) = (End::new(1), End::new(2));
        desk.trade(0, 1).await;
        if first {
            desk.join(&before, mine.clone());
        } else {
            desk.hub.account(AccountId(0));
        }
        desk.trade(0, 1).await;
        desk.join(&joins, mine.clone());
        desk.join(&before, mine);
        desk.trade(0, 1).await;
        desk.tell();
        desk.trade(0, 1).await;
        desk.tell();
        for (end, skipped) in [(&mut joins, 0), (&mut before, if first { 2 } else { 0 })] {
            let told: Vec<Value> = end.messages().into_iter().skip(skipped + 1).collect();
            assert_eq!(told[0]["feed"], "fills_snapshot", "{told:?}");
            let numbers: Vec<u64> = told
                .iter()
                .flat_map(|message| message["fills"].as_array().cloned().unwrap_or_default())
                .map(|fill| fill["seq"].as_u64().unwrap_or(0))
                .collect();
            assert_eq!(
                numbers,
                [1, 2, 3, 4],
                "every fill once, whichever message has it: {first} {products:?}"
            );
        }
    }
}

#[tokio::test]
async fn trades_joined_between_a_trade_and_its_news_have_it_once() {
    for first in [true, false] {
        let mut desk = Desk::open().await;
        let tape = || Topic::Market(InstrumentId(0), MarketFeed::Trades);
        let (mut before, mut joins) = (End::new(1), End::new(2));
        desk.trade(0, 1).await;
        if first {
            desk.join(&before, tape());
        } else {
            desk.hub.want(true);
        }
        desk.trade(0, 1).await;
        desk.join(&joins, tape());
        desk.join(&before, tape());
        desk.trade(0, 1).await;
        desk.tell();
        desk.trade(0, 1).await;
        desk.tell();
        for (end, skipped) in [(&mut joins, 0), (&mut before, if first { 2 } else { 0 })] {
            let told: Vec<Value> = end.messages().into_iter().skip(skipped + 1).collect();
            let seqs = |trades: &[Value]| -> Vec<u64> {
                trades.iter().map(|trade| trade["seq"].as_u64().unwrap_or(0)).collect()
            };
            assert_eq!(seqs(told[0]["trades"].as_array().expect("trades")), [2, 1], "{first}: {told:?}");
            assert_eq!(seqs(&told[1..]), [3, 4], "each later trade, once: {first}");
        }
    }
}

#[tokio::test]
async fn nothing_is_encoded_for_a_queue_that_is_full() {
    let mut desk = Desk::open().await;
    let mut full = End::new(1);
    for topic in [Topic::Market(InstrumentId(0), MarketFeed::Book), orders(0), fills(0), Topic::Heartbeat] {
        desk.join(&full, topic);
    }
    full.heard();
    full.outbox.overflow();
    let encoded = ENCODED.get();
    // News of all that it follows, and a request for the rest of it.
    desk.trade(0, 1).await;
    desk.tell();
    let again = |topic| Action::Join(topic, "joined".into());
    let topics = (0..5).map(|at| Topic::Market(InstrumentId(at), MarketFeed::Book)).chain([
        orders(0),
        fills(0),
        Topic::Heartbeat,
    ]);
    desk.hub.take(&desk.follower(&full.outbox), topics.map(again).collect());
    assert_eq!((ENCODED.get(), full.heard()), (encoded, Vec::new()));
    assert!(desk.hub.products.is_empty() && desk.hub.accounts.is_empty(), "it follows nothing any more");

    // Full after so many frames: what is left of the request is not made.
    let bounds = FeedBounds { queue_frames: 3, ..FeedBounds::default() };
    let outbox = Outbox::new(2, &bounds);
    let book = || Topic::Market(InstrumentId(0), MarketFeed::Book);
    let (encoded, join) = (ENCODED.get(), || Action::Join(book(), "joined".into()));
    desk.hub.take(&desk.follower(&outbox), (0..1_000).map(|_| join()).collect());
    assert!(outbox.is_closed() && ENCODED.get() - encoded <= 3, "{} were made", ENCODED.get() - encoded);
}

/// Joins a follower of a dialect to a book, an account's orders and its fills.
fn follow_all(desk: &mut Desk, dialect: Dialect, end: &End) {
    let of = Follower::new(dialect, Arc::clone(&end.outbox));
    let market = [MarketFeed::Book, MarketFeed::Trades, MarketFeed::Ticker(Form(0))];
    let market = market.map(|feed| Topic::Market(InstrumentId(0), feed));
    for topic in market.into_iter().chain([orders(0), fills(0), Topic::Heartbeat]) {
        desk.hub.act(&of, Action::Join(topic, "joined".into()));
    }
}

#[tokio::test]
async fn each_message_is_encoded_once_a_dialect_however_many_follow() {
    let mut desk = Desk::open().await;
    let toy = desk.hub.dialects.add(crate::dialects::toy::Encoder);
    let kraken = desk.dialect;
    // They come mixed, and still each dialect's message is made once.
    let mut ends: Vec<(Dialect, End)> =
        (0..6).map(|id| (if id % 2 == 0 { kraken } else { toy }, End::new(id))).collect();
    for (dialect, end) in &ends {
        follow_all(&mut desk, *dialect, end);
    }
    ends.iter_mut().for_each(|(_, end)| drop(end.outbox.take_waiting()));
    let encoded = ENCODED.get();
    desk.bid(0, 80_000).await;
    desk.tell();
    assert_eq!(ENCODED.get() - encoded, 4, "a level and an order, in two dialects");
    let encoded = ENCODED.get();
    desk.order(1, Side::Sell, 80_000).await;
    desk.tell();
    assert_eq!(ENCODED.get() - encoded, 8, "a level, a trade, a fill and an order, in two dialects");
    let encoded = ENCODED.get();
    desk.hub.keep_pace();
    assert_eq!(ENCODED.get() - encoded, 2, "a ticker, in two dialects");
    desk.hub.keep_pace();
    assert_eq!(ENCODED.get() - encoded, 2, "it has not changed since");
    let encoded = ENCODED.get();
    desk.hub.beat();
    assert_eq!(ENCODED.get() - encoded, 2);
    for (dialect, end) in &mut ends {
        let frames = end.outbox.take_waiting();
        let own = if *dialect == toy { "LEVEL" } else { r#"{"feed":"book""# };
        assert_eq!(frames.len(), if *dialect == toy { 7 } else { 8 }, "{frames:?}");
        assert_eq!(frames.iter().filter(|frame| frame.starts_with(own)).count(), 2, "{frames:?}");
    }
}

#[tokio::test]
async fn every_hub_gets_every_commit() {
    let mut desk = Desk::open().await;
    let mut dialects = Dialects::default();
    let dialect = dialects.add(Kraken);
    let hub = Hub::new(desk.node.handle().clone(), dialects, Sources::default(), Duration::ZERO);
    let mut second = Desk { node: Arc::clone(&desk.node), hub, dialect };
    let (mut here, mut there, mut idle) = (End::new(1), End::new(1), End::new(2));
    desk.join(&here, Topic::Market(InstrumentId(0), MarketFeed::Book));
    desk.bid(0, 49_000).await;
    // The second begins to follow while the first has changes that it was not told yet.
    second.join(&there, Topic::Market(InstrumentId(0), MarketFeed::Book));
    second.join(&there, orders(0));
    second.join(&idle, Topic::Heartbeat);
    desk.bid(0, 49_001).await;
    desk.tell();
    second.tell();
    assert_eq!(here.heard(), ["joined", "book_snapshot", "book", "book"]);
    let wanted = ["joined", "book_snapshot", "joined", "open_orders_snapshot", "open_orders", "book"];
    assert_eq!(there.heard(), wanted);
    assert_eq!(idle.heard(), ["joined"]);
    // One that is gone holds nobody up, and what it alone followed is not told any more.
    drop(second.hub);
    assert!(desk.node.handle().views().publisher().follows_any());
    desk.bid(0, 49_002).await;
    desk.tell();
    assert_eq!(here.heard(), ["book"]);
    desk.hub.forget(1);
    assert!(!desk.node.handle().views().publisher().follows_any());
}
