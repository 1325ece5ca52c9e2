//! A thousand connections, one of which does not read.

use super::socket::Socket;
use crate::venue::{SYMBOL, Venue};
use futures_util::StreamExt as _;
use loligo_engine::{
    AccountId, CancelOrder, Command, InstrumentId, OnGrid, OrderId, OrderRef, OrderType, Outcome, PlaceOrder,
    Side,
};
use loligo_server::ServerConfig;
use loligo_server::node::Submission;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;

const OTHER: &str = "PF_ETHUSD";
const SOCKETS: usize = 1_000;
/// Frames that may wait for one connection here.
const QUEUE: usize = 500;
/// Bytes of memory that may: more than so many changes of levels, less than all snapshots that are asked for.
const QUEUE_BYTES: usize = 1_000_000;
/// Beyond what a client reads of a message: what it takes up while it waits, and the farewell behind it.
const BESIDE: u64 = 400;
/// Levels that change at a time, and how often they come and go: together more than may wait.
const LEVELS: i64 = 100;
const ROUNDS: u64 = 5;

/// The number of a message of the book; anything else has none.
fn seq(text: &str) -> Option<u64> {
    let message: Value = serde_json::from_str(text).expect("JSON");
    // Answers to requests name the feed, too.
    (message["feed"] == "book" && message["event"].is_null())
        .then(|| message["seq"].as_u64().expect("a number"))
}

/// Joins the book that all follow; the number of its last change.
async fn follow(socket: &mut Socket) -> u64 {
    let asked = json!({"event": "subscribe", "feed": "book", "product_ids": [OTHER]});
    assert_eq!(socket.ask(asked).await["event"], "subscribed");
    socket.hear().await["seq"].as_u64().expect("a number")
}

async fn place(
    venue: &Venue,
    account: u32,
    instrument: InstrumentId,
    from: i64,
    levels: i64,
) -> Vec<OrderId> {
    let bid = |at: i64| {
        Submission::new(Command::Place(PlaceOrder {
            account: AccountId(account),
            instrument,
            side: Side::Buy,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(1_000),
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
    let bids = (from..from + levels).map(bid).collect();
    let replies = venue.server.node().submit_all(bids).await.expect("taken");
    replies
        .iter()
        .map(|reply| match reply.outcome {
            Outcome::Placed(id) => id,
            ref other => panic!("placed, not {other:?}"),
        })
        .collect()
}

/// What the operator sees: bytes that wait for all, messages and bytes that ever waited for one, how many were too slow.
async fn crowd(venue: &Venue) -> (u64, u64, u64, u64) {
    let shown = venue.order("GET", "/sockets", Value::Null).await;
    let number = |path: &str| shown.pointer(path).and_then(Value::as_u64).expect(path);
    assert_eq!((number("/queue/messages"), number("/queue/bytes")), (QUEUE as u64, QUEUE_BYTES as u64));
    assert_eq!(number("/closed/lost"), 0);
    (
        number("/waiting/bytes"),
        number("/most_waiting/messages"),
        number("/most_waiting/bytes"),
        number("/closed/too_slow"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_a_thousand_that_does_not_read_is_closed_and_the_others_see_no_gap() {
    let files = rlimit::increase_nofile_limit(8_192).expect("a limit");
    assert!(
        files >= 2_500,
        "a thousand connections have two ends each here: raise `ulimit -n`, which is {files}"
    );
    let mut config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
    config.bounds.feeds.per_address = SOCKETS + 2;
    config.bounds.feeds.queue_frames = QUEUE;
    config.bounds.feeds.queue_bytes = QUEUE_BYTES;
    // However long this takes, it can still read how it ended.
    config.bounds.feeds.grace = Duration::from_secs(86_400);
    let venue = Venue::with(config).await;
    let directory = venue.server.node().views().directory();
    let id = |symbol| directory.by_symbol(symbol).expect("it is listed").id;
    let (large, small) = (id(SYMBOL), id(OTHER));
    // A large book, whose snapshots fill the way to who does not read, and one that all follow.
    for account in 3..9 {
        place(&venue, account, large, 20_000 + i64::from(account) * 400, 400).await;
    }
    let mut looks = Socket::open(&venue).await;
    let asked = json!({"event": "subscribe", "feed": "book", "product_ids": [SYMBOL]});
    assert_eq!(looks.ask(asked).await["event"], "subscribed");
    let Some(Ok(Message::Text(snapshot))) = looks.stream.next().await else { panic!("a snapshot") };
    let longest = snapshot.as_str().len() as u64 + BESIDE;
    drop(looks);
    let (seen, _) = watch::channel([0_u64; SOCKETS]);
    let mut readers = Vec::new();
    for at in 0..SOCKETS {
        let mut socket = Socket::open(&venue).await;
        let first = follow(&mut socket).await;
        let seen = seen.clone();
        seen.send_modify(|all| all[at] = first);
        readers.push(tokio::spawn(async move {
            let mut last = first;
            while let Some(message) = socket.stream.next().await {
                match message.expect("it is not closed") {
                    Message::Text(text) => {
                        let next = seq(&text).expect("a level");
                        assert_eq!(next, last + 1, "a gap");
                        last = next;
                        seen.send_modify(|all| all[at] = last);
                    }
                    Message::Close(frame) => return (last, frame.map(|frame| u16::from(frame.code))),
                    _ => {}
                }
            }
            (last, None)
        }));
    }
    // Little room on the way, so that it fills soon; and it asks for far more than there is room for, but reads nothing.
    let narrow = TcpSocket::new_v4().expect("a socket");
    narrow.set_recv_buffer_size(4_096).expect("a size");
    let stream = narrow.connect(venue.server.http()).await.expect("it listens");
    let mut stalled = Socket::over(stream).await.expect("a handshake");
    follow(&mut stalled).await;
    for _ in 0..80 {
        stalled.say(json!({"event": "subscribe", "feed": "book", "product_ids": [SYMBOL]})).await;
    }
    let mut reached = seen.borrow()[0];
    for _ in 0..ROUNDS {
        let placed = place(&venue, 2, small, 10_000, LEVELS).await;
        let cancel = |id| {
            let order = OrderRef::Id(id);
            Submission::new(Command::Cancel(CancelOrder {
                account: AccountId(2),
                order,
                process_before: None,
            }))
        };
        venue.server.node().submit_all(placed.into_iter().map(cancel).collect()).await.expect("taken");
        reached += 2 * LEVELS as u64;
        // All others have read it, whatever became of that one.
        let all = |all: &[u64; SOCKETS]| all.iter().all(|seen| *seen == reached);
        let mut seen = seen.subscribe();
        tokio::time::timeout(Duration::from_secs(120), seen.wait_for(all))
            .await
            .expect("nobody waits")
            .expect("all");
        // It takes up what it may, and a message more; what came together goes out in one piece.
        let (waiting, messages, bytes, _) = crowd(&venue).await;
        assert!(waiting <= QUEUE_BYTES as u64 + longest, "{waiting} bytes wait");
        assert!(bytes <= QUEUE_BYTES as u64 + longest, "{bytes} bytes waited for it");
        assert!(messages <= QUEUE as u64 + 2 * LEVELS as u64, "{messages} messages waited for it");
    }
    // That was enough for it. Of what it will never hear nothing is kept but the rest of a message that was begun.
    let (waiting, messages, bytes, too_slow) = crowd(&venue).await;
    assert_eq!(too_slow, 1);
    assert!(messages >= QUEUE as u64 || bytes > QUEUE_BYTES as u64, "it was closed before it had to be");
    assert!(waiting <= longest, "{waiting} bytes are kept");
    // What it did see has no hole either; then it is told why it hears no more.
    let (mut last, mut code) = (None, None);
    while let Some(Ok(message)) = stalled.stream.next().await {
        match message {
            Message::Text(text) => {
                let Some(next) = seq(&text) else { continue };
                assert!(last.is_none_or(|last| next == last + 1), "a gap");
                last = Some(next);
            }
            Message::Close(frame) => code = frame.map(|frame| u16::from(frame.code)),
            _ => {}
        }
    }
    assert_eq!(code, Some(1008));
    assert!(last.is_none_or(|last| last < reached), "it was kept waiting for");
    venue.server.stop().await;
    for reader in readers {
        assert_eq!(reader.await.expect("it reads"), (reached, Some(1012)));
    }
}
