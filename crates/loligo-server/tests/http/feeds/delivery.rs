//! How messages reach connections: whole and in order, however many are told and however little one of them takes.

use super::book::{Book, churn};
use super::socket::Socket;
use crate::contract::judge_message;
use crate::venue::{SYMBOL, Venue};
use futures_util::StreamExt as _;
use loligo_server::ServerConfig;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::{Bytes, Message};

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
