//! How connections live and end.

use super::socket::{Socket, alert};
use crate::venue::Venue;
use futures_util::StreamExt as _;
use loligo_server::ServerConfig;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};

async fn venue(bend: impl FnOnce(&mut loligo_server::FeedBounds)) -> Venue {
    let mut config = ServerConfig::test();
    bend(&mut config.bounds.feeds);
    Venue::with(config).await
}

const NEVER: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn a_silent_client_is_closed() {
    let moment = Duration::from_millis(30);
    let venue = venue(|feeds| (feeds.silence, feeds.grace, feeds.ping) = (moment, moment, NEVER)).await;
    let mut socket = Socket::open(&venue).await;
    assert_eq!(socket.end().await, (Vec::new(), Some((1000, String::new()))));
}

#[tokio::test]
async fn who_answers_pings_stays() {
    // Silent for far longer than is allowed, but for the pongs.
    let (ping, silence) = (Duration::from_millis(50), Duration::from_millis(500));
    let venue = venue(|feeds| (feeds.silence, feeds.grace, feeds.ping) = (silence, silence, ping)).await;
    let mut socket = Socket::open(&venue).await;
    for _ in 0..30 {
        assert!(matches!(socket.stream.next().await, Some(Ok(Message::Ping(_)))));
    }
    assert_eq!(socket.ask(json!({"event": "ping"})).await, alert("Bad websocket message"));
}

#[tokio::test]
async fn a_ping_comes_back_with_its_payload() {
    let venue = venue(|feeds| feeds.ping = NEVER).await;
    let mut socket = Socket::open(&venue).await;
    socket.ping(b"here?").await;
    assert_eq!(
        socket.stream.next().await.expect("open").expect("a frame"),
        Message::Pong(Bytes::from_static(b"here?"))
    );
}

#[tokio::test]
async fn heartbeats_tell_the_time_of_the_exchange() {
    let venue = venue(|feeds| feeds.heartbeat = Duration::from_millis(20)).await;
    let mut socket = Socket::open(&venue).await;
    let mut other = Socket::open(&venue).await;
    let joined = socket.ask(json!({"event": "subscribe", "feed": "heartbeat"})).await;
    assert_eq!(joined, json!({"event": "subscribed", "feed": "heartbeat"}));
    for _ in 0..2 {
        assert_eq!(socket.hear().await, json!({"feed": "heartbeat", "time": 1_767_225_600_000_u64}));
    }
    venue.advance(2_500).await;
    while socket.hear().await["time"] != 1_767_225_602_500_u64 {}
    // Leaving ends it.
    socket.say(json!({"event": "unsubscribe", "feed": "heartbeat"})).await;
    while socket.hear().await != json!({"event": "unsubscribed", "feed": "heartbeat"}) {}
    for _ in 0..3 {
        assert_eq!(other.ask(json!({"event": "ping"})).await, alert("Bad websocket message"));
        assert_eq!(socket.settle().await, Vec::<Value>::new());
    }
    assert_eq!(other.settle().await, Vec::<Value>::new(), "nobody is told who did not ask");
}

#[tokio::test]
async fn a_farewell_is_returned() {
    let venue = venue(|_| {}).await;
    for (code, reason) in [(CloseCode::Normal, ""), (CloseCode::Away, "leaving")] {
        let mut socket = Socket::open(&venue).await;
        socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        assert_eq!(socket.end().await, (Vec::new(), Some((u16::from(code), reason.to_owned()))));
    }
    let mut socket = Socket::open(&venue).await;
    socket.send(Message::Close(None)).await;
    assert_eq!(socket.end().await, (Vec::new(), None));
}

#[tokio::test]
async fn a_message_has_a_bound() {
    let venue = venue(|_| {}).await;
    let mut socket = Socket::open(&venue).await;
    let long = |bytes: usize| Message::text("x".repeat(bytes));
    socket.send(long(256 * 1024)).await;
    assert_eq!(socket.hear().await, json!({"event": "error", "message": "Json Error"}));
    socket.send(long(256 * 1024 + 1)).await;
    assert_eq!(socket.end().await, (Vec::new(), Some((1009, String::new()))));
}

#[tokio::test]
async fn stopping_says_so_to_everyone() {
    let venue = venue(|_| {}).await;
    let mut sockets = [Socket::open(&venue).await, Socket::open(&venue).await];
    sockets[0].follow_book().await;
    let stopping = tokio::spawn(venue.server.stop());
    for socket in &mut sockets {
        assert_eq!(socket.end().await, (Vec::new(), Some((1012, String::new()))));
    }
    stopping.await.expect("it stops");
}
