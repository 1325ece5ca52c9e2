//! How messages reach connections: whole and in order, however many are told and however little one of them takes.

use super::book::{Book, churn};
use super::socket::Socket;
use crate::contract::judge_message;
use crate::venue::{SYMBOL, Venue};
use futures_util::StreamExt as _;
use loligo_server::ServerConfig;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A venue on ws and wss.
async fn venue() -> Venue {
    let tls_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    Venue::with(ServerConfig { rate_limits: false, tls_listen, ..ServerConfig::test() }).await
}

/// A connection with little room on the way, encrypted or not.
async fn narrow(venue: &Venue, encrypted: bool) -> Socket<Box<dyn Stream>> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a size");
    let stream: Box<dyn Stream> = if encrypted {
        let stream = socket.connect(venue.server.https().expect("https")).await.expect("it listens");
        let authority = venue.server.authority().expect("an authority");
        Box::new(crate::tls::over(stream, authority).await.expect("a TLS handshake"))
    } else {
        Box::new(socket.connect(venue.server.http()).await.expect("it listens"))
    };
    Socket::over(stream).await.expect("a handshake")
}

#[tokio::test]
async fn pongs_and_updates_never_break_into_each_other() {
    const ROUNDS: u64 = 60;
    const PINGS: u64 = 5;
    let venue = venue().await;
    let (mut plain, mut encrypted) = (narrow(&venue, false).await, narrow(&venue, true).await);
    let mut books = [Book::of(&plain.follow_book().await), Book::of(&encrypted.follow_book().await)];
    // More than any kernel keeps for a connection, so that frames are cut anywhere; and nobody reads.
    for round in 0..ROUNDS {
        for ping in 0..PINGS {
            for socket in [&mut plain, &mut encrypted] {
                let payload = (round * PINGS + ping).to_string();
                socket.send(Message::Ping(Bytes::from(payload.into_bytes()))).await;
            }
        }
        churn(&venue, round).await;
    }
    for (socket, book) in [&mut plain, &mut encrypted].into_iter().zip(&mut books) {
        let mut pongs = Vec::new();
        while book.seq < ROUNDS * 800 || pongs.len() < (ROUNDS * PINGS) as usize {
            match socket.stream.next().await.expect("an open connection").expect("a whole frame") {
                Message::Text(text) => book.hear(&judge_message(text.as_str())),
                Message::Pong(payload) => pongs.push(String::from_utf8_lossy(&payload).into_owned()),
                Message::Ping(_) => {}
                other => panic!("no {other:?} was sent"),
            }
        }
        let wanted: Vec<String> = (0..ROUNDS * PINGS).map(|at| at.to_string()).collect();
        assert_eq!(pongs, wanted, "each ping is answered once, in order");
    }
    assert_eq!(books[0], books[1]);
}

/// The messages up to the answer to a request, which was sent.
async fn until_answered<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut Socket<S>,
    answer: &Value,
) -> Vec<Value> {
    let mut before = Vec::new();
    loop {
        let message = socket.hear().await;
        if message == *answer {
            return before;
        }
        before.push(message);
    }
}

#[tokio::test]
async fn an_answer_its_snapshot_and_what_follows_keep_their_order_while_everything_moves() {
    let venue = venue().await;
    for encrypted in [false, true] {
        let mut socket = narrow(&venue, encrypted).await;
        let moving = async {
            for round in 0..30 {
                churn(&venue, round).await;
            }
        };
        let joining = async {
            let request = |event: &str| json!({"event": event, "feed": "book", "product_ids": [SYMBOL]});
            for _ in 0..30 {
                socket.say(request("subscribe")).await;
                let before = until_answered(&mut socket, &request("subscribed")).await;
                assert_eq!(before, Vec::<Value>::new(), "who does not follow hears nothing");
                let mut book = Book::of(&socket.hear().await);
                socket.say(request("unsubscribe")).await;
                for message in until_answered(&mut socket, &request("unsubscribed")).await {
                    book.hear(&message);
                }
            }
        };
        tokio::join!(moving, joining);
    }
}

#[tokio::test]
async fn connections_that_end_while_they_are_written_to_disturb_nobody() {
    let venue = venue().await;
    let mut stays = Socket::open(&venue).await;
    let mut book = Book::of(&stays.follow_book().await);
    for round in 0..20 {
        let mut leave = Vec::new();
        for encrypted in [false, true, false, true] {
            let mut socket = narrow(&venue, encrypted).await;
            socket.follow_book().await;
            leave.push(socket);
        }
        let going = async {
            for (at, mut socket) in leave.into_iter().enumerate() {
                // Some say so, some are just gone.
                if at < 2 {
                    socket.send(Message::Close(None)).await;
                }
                socket.stream.next().await;
            }
        };
        tokio::join!(churn(&venue, round), going);
        for message in stays.settle().await {
            book.hear(&message);
        }
    }
    assert_eq!(book.seq, 20 * 800);
}

#[tokio::test]
async fn of_a_thousand_one_that_stalls_is_closed_and_the_others_see_everything() {
    const ADDRESSES: u8 = 10;
    const OF_EACH: usize = 100;
    let files = rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    assert!(files > 2_100, "this test opens two files a connection");
    let mut config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
    config.bounds.feeds.per_address = OF_EACH;
    config.bounds.feeds.queue_frames = 200;
    config.bounds.feeds.grace = Duration::from_secs(86_400);
    let venue = Venue::with(config).await;
    let address = venue.server.http();
    // Updates that nobody follows make a book that is worth sending.
    for at in 0..400 {
        venue.client(1).place("lmt", "buy", "0.1", &(20_000 + at).to_string(), &[]).await;
    }
    let mut stalls = Socket::over(from(1, address).await).await.expect("a handshake");
    let mut seen = Book::of(&stalls.follow_book().await);
    let (until, last) = watch::channel(u64::MAX);
    let mut others = JoinSet::new();
    for at in 1..usize::from(ADDRESSES) * OF_EACH {
        let own = 1 + u8::try_from(at / OF_EACH).expect("an address");
        let mut socket = Socket::over(from(own, address).await).await.expect("a handshake");
        let mut book = Book::of(&socket.follow_book().await);
        let mut last = last.clone();
        others.spawn(async move {
            while book.seq < *last.borrow_and_update() {
                tokio::select! {
                    message = socket.hear() => book.hear(&message),
                    _ = last.changed() => {}
                }
            }
        });
    }
    assert!(is_full(address).await, "its address has all connections that it may have");

    // It asks for whole books, more than any kernel keeps for a connection, and reads none of them.
    let again = json!({"event": "subscribe", "feed": "book", "product_ids": [SYMBOL]});
    for _ in 0..400 {
        stalls.say(again.clone()).await;
    }
    let mut updates = 0;
    // Its place is given back once it is closed.
    while is_full(address).await {
        venue.client(2).place("lmt", "buy", "0.1", "30000", &[]).await;
        venue.client(2).post("/cancelallorders", &[("symbol", SYMBOL)]).await;
        updates += 2;
    }
    until.send(seen.seq + updates).expect("they wait for it");
    assert_eq!(others.join_all().await.len(), usize::from(ADDRESSES) * OF_EACH - 1);
    let (told, code) = stalls.end().await;
    let reason = "too slow: what waits for this connection has a bound";
    assert_eq!(code, Some((1008, reason.to_owned())));
    // What it was sent has no hole either.
    for message in told.iter().filter(|message| message["feed"].is_string()) {
        seen.hear(message);
    }
}

/// A connection from one of the loopback's addresses.
async fn from(own: u8, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8_192).expect("a size");
    socket.bind((Ipv4Addr::new(127, 0, 1, own), 0).into()).expect("an address of the loopback");
    socket.connect(address).await.expect("it listens")
}

/// Whether the first of them has as many connections as it may.
async fn is_full(address: SocketAddr) -> bool {
    match Socket::over(from(1, address).await).await {
        Ok(_) => false,
        Err(Error::Http(answer)) if answer.status() == 429 => true,
        Err(error) => panic!("a handshake, or no room for it: {error}"),
    }
}
