//! A thousand WebSockets on one process, one of which does not read: what that takes of its memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::api::Client;
use crate::venue::{Home, QUIET, Venue};

const SYMBOL: &str = "PF_XBTUSD";
/// All but the two that follow notices, and of these one that reads.
const FOLLOWERS: usize = 998;
/// Notices that stand: each change tells all of them.
const NOTICES: usize = 100;
/// What may wait for one that does not read, as the flag says it.
const QUEUE_MIB: u64 = 16;
/// Bytes of a MiB.
const MIB: u64 = 1 << 20;
/// How many times of that is told while it does not.
const TIMES: u64 = 20;
/// What else may come in meanwhile: pages of journal and history, and what the allocator keeps of what was told.
const SLACK_MIB: u64 = 16;
/// Nothing takes so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

type Socket = WebSocketStream<TcpStream>;

async fn open(address: SocketAddr, socket: TcpSocket) -> Socket {
    let stream = socket.connect(address).await.expect("it listens");
    let (mut socket, _) = client_async("ws://localhost/ws/v1", stream).await.expect("a handshake");
    assert_eq!(hear(&mut socket).await.expect("a greeting").0["event"], "info");
    socket
}

/// The next message and its length; none when it is closed.
async fn hear(socket: &mut Socket) -> Option<(Value, u64)> {
    loop {
        match socket.next().await?.expect("a frame") {
            Message::Text(text) => {
                let told = serde_json::from_str(text.as_str()).expect("JSON");
                return Some((told, text.as_str().len() as u64));
            }
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

async fn ask(socket: &mut Socket, message: &Value) -> Value {
    socket.send(Message::text(message.to_string())).await.expect("an open connection");
    hear(socket).await.expect("an answer").0
}

async fn follow_book(socket: &mut Socket) -> u64 {
    let asked = json!({"event": "subscribe", "feed": "book", "product_ids": [SYMBOL]});
    assert_eq!(ask(socket, &asked).await["event"], "subscribed");
    hear(socket).await.expect("a snapshot").0["seq"].as_u64().expect("a number")
}

async fn follow_notices(socket: &mut Socket, account: &Value, client: &Client) {
    let key = &account["api_key"];
    let challenge = ask(socket, &json!({"event": "challenge", "api_key": key})).await;
    let challenge = challenge["message"].as_str().expect("a challenge");
    let asked = json!({
        "event": "subscribe", "feed": "notifications_auth", "api_key": key,
        "original_challenge": challenge, "signed_challenge": client.sign_message(challenge),
    });
    assert_eq!(ask(socket, &asked).await["event"], "subscribed");
}

/// What those who read have seen: the number of the last change of the book, each; bytes of notices, and the last of them.
struct Seen {
    books: watch::Sender<[u64; FOLLOWERS]>,
    notices: watch::Sender<(u64, String)>,
}

/// Reads a book to its end, and fails at a gap.
async fn read_book(mut socket: Socket, at: usize, seen: Arc<Seen>) {
    while let Some((told, _)) = hear(&mut socket).await {
        if told["feed"] != "book" {
            continue;
        }
        let next = told["seq"].as_u64().expect("a number");
        seen.books.send_modify(|all| {
            assert_eq!(next, all[at] + 1, "a gap");
            all[at] = next;
        });
    }
}

async fn read_notices(mut socket: Socket, seen: Arc<Seen>) {
    while let Some((told, length)) = hear(&mut socket).await {
        let Some(newest) = told["notifications"].as_array().and_then(|all| all.last()) else { continue };
        let note = newest["note"].as_str().expect("a note").to_owned();
        seen.notices.send_modify(|(bytes, last)| (*bytes, *last) = (*bytes + length, note));
    }
}

/// Gives notices in place of the oldest until so many more bytes of them were told to who reads.
fn tell(venue: &mut Venue, runtime: &tokio::runtime::Runtime, seen: &Seen, bytes: u64) {
    let wanted = seen.notices.borrow().0 + bytes;
    let mut number = 0;
    while seen.notices.borrow().0 < wanted {
        let standing = venue.control("GET", "/notifications", &Value::Null);
        let standing = standing["notifications"].as_array().expect("notices");
        if standing.len() == NOTICES {
            venue.control("DELETE", &format!("/notifications/{}", standing[0]["id"]), &Value::Null);
        }
        number += 1;
        let note = format!("{number} of {wanted} {}", "x".repeat(900));
        venue.control("POST", "/notifications", &json!({"note": note}));
        // One after the other, so that none is left out because another came.
        let mut seen = seen.notices.subscribe();
        let told = seen.wait_for(|(_, last)| *last == note);
        runtime.block_on(async {
            tokio::time::timeout(PATIENCE, told).await.expect("nobody waits").expect("told")
        });
    }
}

/// Changes the book that all follow, and waits until all have read it.
fn trade(client: &mut Client, runtime: &tokio::runtime::Runtime, seen: &Seen, orders: u64) {
    let reached = seen.books.borrow()[0] + 2 * orders;
    for order in 0..orders {
        client.place_limit(
            SYMBOL,
            "buy",
            "0.01",
            &(40_000 + order).to_string(),
            &format!("at-{reached}-{order}"),
        );
    }
    let cancelled = client.post("/cancelallorders", &[("symbol", SYMBOL)]);
    assert_eq!(cancelled["cancelStatus"]["status"], "cancelled");
    let mut books = seen.books.subscribe();
    let all = books.wait_for(|all| all.iter().all(|seen| *seen == reached));
    runtime
        .block_on(async { tokio::time::timeout(PATIENCE, all).await.expect("nobody waits").expect("all") });
}

#[test]
fn one_of_a_thousand_that_does_not_read_takes_no_more_memory_than_it_may() {
    let files = rlimit::increase_nofile_limit(8_192).expect("a limit");
    assert!(files >= 1_200, "a thousand connections: raise `ulimit -n`, which is {files}");
    let home = Home::new();
    let (connections, queue) = ((FOLLOWERS + 2).to_string(), format!("{QUEUE_MIB}MiB"));
    let flags = ["--rate-limits", "off", "--feed-connections", &connections, "--feed-queue", &queue];
    let mut venue = home.start(&[&QUIET[..], &flags].concat());
    venue.pin(SYMBOL, "50000");
    let address = venue.http().strip_prefix("http://").expect("plain").parse().expect("an address");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let seen = Arc::new(Seen {
        books: watch::Sender::new([0; FOLLOWERS]),
        notices: watch::Sender::new((0, String::new())),
    });
    let mut books = Vec::new();
    let (account, client) = (venue.config["accounts"][1].clone(), venue.client(1));
    let mut stalled = runtime.block_on(async {
        for at in 0..FOLLOWERS {
            let mut socket = open(address, TcpSocket::new_v4().expect("a socket")).await;
            let first = follow_book(&mut socket).await;
            seen.books.send_modify(|all| all[at] = first);
            books.push(tokio::spawn(read_book(socket, at, Arc::clone(&seen))));
        }
        let mut reads = open(address, TcpSocket::new_v4().expect("a socket")).await;
        follow_notices(&mut reads, &account, &client).await;
        tokio::spawn(read_notices(reads, Arc::clone(&seen)));
        // Little room on the way, so that it fills soon.
        let narrow = TcpSocket::new_v4().expect("a socket");
        narrow.set_recv_buffer_size(4_096).expect("a size");
        open(address, narrow).await
    });
    let mut trader = venue.client(2);
    // All notices stand, and all that is told was told before: what the process needs for that it has.
    trade(&mut trader, &runtime, &seen, 50);
    tell(&mut venue, &runtime, &seen, 2 * QUEUE_MIB * MIB);

    runtime.block_on(follow_notices(&mut stalled, &account, &client));
    let (before, told) = (venue.resident_kib(), seen.notices.borrow().0);
    venue.forget_peak();
    for _ in 0..TIMES {
        tell(&mut venue, &runtime, &seen, QUEUE_MIB * MIB);
        trade(&mut trader, &runtime, &seen, 10);
    }
    let told = seen.notices.borrow().0 - told;
    assert!(told >= TIMES * QUEUE_MIB * MIB, "{told} bytes were told");
    let grown = venue.peak_kib().saturating_sub(before);
    assert!(grown <= (QUEUE_MIB + SLACK_MIB) << 10, "{grown} KiB more while {} KiB were told", told >> 10);

    let shown = venue.control("GET", "/sockets", &Value::Null);
    assert_eq!(
        (&shown["per_address"], &shown["queue"]["bytes"]),
        (&json!(FOLLOWERS + 2), &json!(QUEUE_MIB * MIB))
    );
    assert_eq!(shown["closed"], json!({"too_slow": 1, "lost": 0}), "{shown}");
    // A message is all notices.
    let most = shown["most_waiting"]["bytes"].as_u64().expect("a number");
    let message = 1_500 * NOTICES as u64;
    assert!((QUEUE_MIB * MIB..=QUEUE_MIB * MIB + message).contains(&most), "{most} bytes waited for it");
    assert!(shown["waiting"]["bytes"].as_u64().is_some_and(|bytes| bytes <= message), "{shown}");

    assert!(venue.stop().status.success());
    for book in books {
        runtime.block_on(book).expect("it read without a gap");
    }
}
