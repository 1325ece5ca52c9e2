//! The toy beside Kraken's dialect, over real sockets: both see the same exchange, each in its own words.

use super::*;
use crate::dialects::kraken::{self, Kraken};
use crate::server::{Server, ServerConfig};
use crate::start_file::StartAccount;
use crate::transport::Last;
use futures_util::{SinkExt as _, StreamExt as _};
use loligo_wire::sign::SigningKey;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A server that speaks both.
async fn serve() -> Server {
    let server = Server::start_with(ServerConfig::test(), kraken::operations(), |dialects| {
        let (toy, kraken) = (dialects.add(Encoder), dialects.add(kraken::Encoder));
        move |served: Served| (Toy::new(served.clone(), toy), Last(Kraken::new(served, kraken)))
    });
    server.await.expect("a start")
}

fn account(server: &Server, name: &str) -> StartAccount {
    server.start_file().accounts.into_iter().find(|account| account.name == name).expect(name)
}

/// Sends one request; the answer's status line and its body.
async fn request(server: &Server, method: &str, path: &str, head: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server.http()).await.expect("it listens");
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

/// Says a line of the toy's.
async fn toy(server: &Server, of: &StartAccount, nonce: u64, line: &str) -> String {
    let secret = format!("Secret: {} {} {nonce}\r\n", of.api_key, of.api_secret);
    request(server, "POST", "/toy", &secret, line).await.1
}

/// Asks Kraken's API, signed as it wants to be.
async fn kraken(server: &Server, of: &StartAccount, nonce: u64, path: &str, form: &str) -> Value {
    let signing = SigningKey::from_base64_secret(&of.api_secret).expect("a secret");
    let path = format!("/derivatives/api/v3/{path}");
    let authent = signing.authent(form.as_bytes(), &nonce.to_string(), &path);
    let head = format!("APIKey: {}\r\nNonce: {nonce}\r\nAuthent: {authent}\r\n", of.api_key);
    let (_, body) = request(server, "POST", &path, &head, form).await;
    serde_json::from_str(&body).expect("JSON")
}

/// A client of either's feeds.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(server: &Server, path: &str) -> Self {
        let stream = TcpStream::connect(server.http()).await.expect("it listens");
        let (socket, _) = client_async(format!("ws://localhost{path}"), stream).await.expect("a handshake");
        Self(socket)
    }

    async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.expect("an open connection");
    }

    async fn hear(&mut self) -> String {
        loop {
            match self.0.next().await.expect("an open connection").expect("a frame") {
                Message::Text(text) => return text.as_str().to_owned(),
                Message::Ping(_) => {}
                other => panic!("a message, not {other:?}"),
            }
        }
    }

    async fn ask(&mut self, text: impl Into<String>) -> String {
        self.say(text).await;
        self.hear().await
    }

    /// A Kraken message, by what a reader looks at: the feed, and of an order what is open of it or why it is gone.
    async fn hear_kraken(&mut self) -> String {
        let message: Value = serde_json::from_str(&self.hear().await).expect("JSON");
        let feed = message["feed"].as_str().unwrap_or("-").to_owned();
        match (&message["order"], &message["reason"]) {
            (Value::Null, Value::Null) => feed,
            (Value::Null, reason) => format!("{feed} {reason}"),
            (order, reason) => format!("{feed} {} {reason}", order["qty"]),
        }
    }
}

/// A toy client that watches the orders and fills of an account, and a market's book.
async fn toy_watches(server: &Server, of: &StartAccount) -> Socket {
    let mut socket = Socket::open(server, "/toy").await;
    assert_eq!(socket.hear().await, "HELLO");
    assert_eq!(socket.ask("WATCH ORDERS").await, "WATCH WHAT?", "nobody has shown a secret yet");
    assert_eq!(socket.ask(format!("IAM {} {}", of.api_key, of.api_secret)).await, "WELCOME");
    for (what, shown) in [("ORDERS", "ORDERS 0"), ("FILLS", "FILLS SO FAR 0")] {
        assert_eq!(socket.ask(format!("WATCH {what}")).await, "WATCHING");
        assert_eq!(socket.hear().await, shown);
    }
    assert_eq!(socket.ask("WATCH BOOK PI_XBTUSD").await, "WATCHING");
    assert_eq!(socket.hear().await, "BOOK PI_XBTUSD 0 BIDS 0 ASKS");
    socket
}

/// The same for a Kraken client.
async fn kraken_watches(server: &Server, of: &StartAccount) -> Socket {
    let mut socket = Socket::open(server, "/ws/v1").await;
    socket.hear().await;
    let given = socket.ask(json!({"event": "challenge", "api_key": of.api_key}).to_string()).await;
    let given: Value = serde_json::from_str(&given).expect("JSON");
    let challenge = given["message"].as_str().expect("a challenge");
    let signing = SigningKey::from_base64_secret(&of.api_secret).expect("a secret");
    for feed in ["open_orders", "fills"] {
        let request = json!({
            "event": "subscribe", "feed": feed, "api_key": of.api_key, "original_challenge": challenge,
            "signed_challenge": signing.sign_challenge(challenge).to_base64(),
        });
        assert!(socket.ask(request.to_string()).await.contains("subscribed"));
        assert_eq!(socket.hear_kraken().await, format!("{feed}_snapshot"));
    }
    let request = json!({"event": "subscribe", "feed": "book", "product_ids": ["PI_XBTUSD"]});
    assert!(socket.ask(request.to_string()).await.contains("subscribed"));
    assert_eq!(socket.hear_kraken().await, "book_snapshot");
    socket
}

/// What came of one change in alphabetical order: news of markets and of an account come each in their order, and in none to each
/// other.
fn together<const N: usize>(mut heard: [String; N]) -> [String; N] {
    heard.sort();
    heard
}

#[tokio::test]
async fn two_dialects_follow_the_same_orders_at_the_same_time() {
    let server = serve().await;
    let (alice, bob) = (account(&server, "alice"), account(&server, "bob"));
    let mut in_toy = toy_watches(&server, &alice).await;
    let mut in_kraken = kraken_watches(&server, &alice).await;

    // Sent in one dialect, seen in both.
    let rests = "RESTS #1 BUY 1000 OF 1000 AT 80000\n";
    assert_eq!(toy(&server, &alice, 1, "BUY 1000 PI_XBTUSD AT 80000").await, rests);
    let wanted = ["LEVEL PI_XBTUSD 80000 HOLDS 1000", "OPEN #1 BUY 1000 OF 1000 AT 80000"];
    assert_eq!(together([in_toy.hear().await, in_toy.hear().await]), wanted);
    let wanted = ["book", r#"open_orders 1000 "new_placed_order_by_user""#];
    assert_eq!(together([in_kraken.hear_kraken().await, in_kraken.hear_kraken().await]), wanted);

    // Met by an order of the other, and told both sides' story.
    let form = "orderType=lmt&symbol=PI_XBTUSD&side=sell&size=400&limitPrice=80000";
    let answer = kraken(&server, &bob, 1, "sendorder", form).await;
    assert_eq!(answer["sendStatus"]["orderEvents"][0]["type"], "EXECUTION", "{answer}");
    let wanted =
        ["FILL #1 400 AT 80000", "LEVEL PI_XBTUSD 80000 HOLDS 600", "OPEN #1 BUY 600 OF 1000 AT 80000"];
    assert_eq!(together([in_toy.hear().await, in_toy.hear().await, in_toy.hear().await]), wanted);
    let heard = [in_kraken.hear_kraken().await, in_kraken.hear_kraken().await, in_kraken.hear_kraken().await];
    assert_eq!(together(heard), ["book", "fills", r#"open_orders 600 "partial_fill""#]);

    // Ended in the one that it was not sent in: the order is the same to both, by other names.
    let open = kraken(&server, &alice, 2, "openorders", "").await;
    let order_id = open["openOrders"][0]["order_id"].as_str().expect("an id").to_owned();
    let answer = kraken(&server, &alice, 3, "cancelorder", &format!("order_id={order_id}")).await;
    assert_eq!(answer["cancelStatus"]["status"], "cancelled", "{answer}");
    let wanted = ["GONE #1", "LEVEL PI_XBTUSD 80000 HOLDS 0"];
    assert_eq!(together([in_toy.hear().await, in_toy.hear().await]), wanted);
    let wanted = ["book", r#"open_orders "cancelled_by_user""#];
    assert_eq!(together([in_kraken.hear_kraken().await, in_kraken.hear_kraken().await]), wanted);
    assert!(toy(&server, &alice, 4, "DROP 1").await.starts_with("REFUSED CancelNotFound"));

    // What one dialect tells, the other may have no words for: a refused order is none of the toy's.
    let form = "orderType=post&symbol=PI_XBTUSD&side=sell&size=400&limitPrice=80000";
    assert_eq!(toy(&server, &bob, 2, "BUY 10 PI_XBTUSD AT 80000").await, "RESTS #3 BUY 10 OF 10 AT 80000\n");
    let answer = kraken(&server, &alice, 5, "sendorder", form).await;
    assert_eq!(answer["sendStatus"]["status"], "postWouldExecute", "{answer}");
    let wanted = ["book", r#"open_orders "post_order_failed_because_it_would_filled""#];
    assert_eq!(together([in_kraken.hear_kraken().await, in_kraken.hear_kraken().await]), wanted);
    assert_eq!(in_toy.hear().await, "LEVEL PI_XBTUSD 80000 HOLDS 10");
    assert_eq!(in_toy.ask("LEAVE BOOK PI_XBTUSD").await, "LEFT");
    assert_eq!(in_toy.ask("LEAVE BOOK PI_XBTUSD").await, "NEVER DID");
    server.stop().await;
}

#[tokio::test]
async fn a_nonce_and_a_budget_are_spent_whatever_dialect_they_are_spent_in() {
    let server = serve().await;
    let alice = account(&server, "alice");
    assert_eq!(toy(&server, &alice, 7, "DANCE").await, "WHAT?\n");
    let again = kraken(&server, &alice, 7, "openorders", "").await;
    assert_eq!(again["error"], "nonceDuplicate", "{again}");
    assert!(toy(&server, &alice, 7, "DANCE").await.starts_with("DENIED NonceDuplicate"));
    // 490 of 500 are left; an order costs 10 in either.
    for nonce in 8..57 {
        assert_eq!(toy(&server, &alice, nonce, "DANCE").await, "WHAT?\n");
    }
    let answer = kraken(&server, &alice, 57, "openorders", "").await;
    assert_eq!(answer["error"], "apiLimitExceeded", "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn what_transport_turns_away_is_told_in_the_words_of_the_path_that_was_asked() {
    let server = serve().await;
    let twice = "Host: localhost\r\n";
    let (status, told) = request(&server, "POST", "/toy", twice, "").await;
    assert_eq!(
        (&*status, &*told),
        ("HTTP/1.1 400 Bad Request", "AWAY: a request names its host once: there are two Host headers\n",)
    );
    let (_, told) = request(&server, "GET", "/derivatives/api/v3/tickers", twice, "").await;
    assert!(told.contains(r#""message":"400 BAD_REQUEST""#), "{told}");
    let (_, told) = request(&server, "GET", "/loligo/v1/health", twice, "").await;
    assert!(told.contains(r#"{"error":"a request names its host once"#), "{told}");
    // A fault in one is told in its words, and is nobody else's.
    let alice = account(&server, "alice");
    assert_eq!(toy(&server, &alice, 1, "PANIC").await, "OUCH\n");
    assert_eq!(toy(&server, &alice, 2, "DANCE").await, "WHAT?\n");
    server.stop().await;
}
