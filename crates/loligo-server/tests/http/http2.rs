//! HTTP/2 on https: who gets it, and that an exchange is the same over it.

use crate::contract::judge;
use crate::feeds::socket::Socket;
use crate::tls::offering;
use crate::venue::{Answer, BASE, Client, Request, SYMBOL, Venue, receive};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use loligo_server::{Bounds, ServerConfig};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What Kraken's SDK for Go speaks over TLS, and nothing else.
const GO: &[&str] = &["h2"];
/// What most others speak.
const BOTH: &[&str] = &["h2", "http/1.1"];

fn config() -> ServerConfig {
    let tls_listen = Some(([127, 0, 0, 1], 0).into());
    ServerConfig { tls_listen, rate_limits: false, ..ServerConfig::test() }
}

async fn encrypted(venue: &Venue, protocols: &[&str]) -> tokio_rustls::client::TlsStream<TcpStream> {
    let stream =
        TcpStream::connect(venue.server.https().expect("https is served")).await.expect("it listens");
    offering(stream, venue.server.authority().expect("an authority"), protocols).await.expect("a handshake")
}

/// One connection over which much is asked at once.
struct Connection {
    requests: SendRequest<Bytes>,
    /// Ends with the connection.
    driver: JoinHandle<Result<(), h2::Error>>,
}

impl Connection {
    async fn open(venue: &Venue) -> Self {
        let (requests, connection) =
            h2::client::handshake(encrypted(venue, GO).await).await.expect("a connection");
        let driver = tokio::spawn(connection);
        let requests = requests.ready().await.expect("it is open");
        Self { requests, driver }
    }

    /// Sends a request without waiting for its answer.
    fn begin(&mut self, request: http::request::Builder, body: &[u8]) -> Result<ResponseFuture, h2::Error> {
        let (answer, mut stream) =
            self.requests.send_request(request.body(()).expect("a request"), body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(Bytes::copy_from_slice(body), true)?;
        }
        Ok(answer)
    }

    fn send(&mut self, request: &Request<'_>) -> ResponseFuture {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let mut asking = asking(request.method, &format!("{}{query}", request.path));
        let parts = [("APIKey", &request.api_key), ("Authent", &request.authent), ("Nonce", &request.nonce)];
        for (name, value) in parts {
            if let Some(value) = value {
                asking = asking.header(name, value);
            }
        }
        self.begin(asking, request.body.as_bytes()).expect("sent")
    }

    async fn ask(&mut self, request: &Request<'_>) -> Value {
        let answer = taken(self.send(request)).await.expect("an answer");
        judge(request.method, &request.path, &answer);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn get(&mut self, target: &str) -> Answer {
        let answer = self.begin(asking("GET", target), b"").expect("sent");
        taken(answer).await.expect("an answer")
    }
}

fn asking(method: &str, target: &str) -> http::request::Builder {
    http::Request::builder().method(method).uri(format!("https://localhost{target}"))
}

/// An answer to its end.
async fn taken(answer: ResponseFuture) -> Result<Answer, h2::Error> {
    let (parts, mut stream) = answer.await?.into_parts();
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len())?;
        body.extend_from_slice(&piece);
    }
    let mut head = format!("HTTP/2 {}\r\n", parts.status.as_u16());
    for (name, value) in &parts.headers {
        let _ = write!(head, "{name}: {}\r\n", value.to_str().expect("text"));
    }
    Ok(Answer { status: parts.status.as_u16(), head, body })
}

/// An order that rests, far from everything.
fn rests<'c>(client: &'c Client, name: &str) -> Request<'c> {
    let terms = [
        ("orderType", "lmt"),
        ("symbol", SYMBOL),
        ("side", "buy"),
        ("size", "0.01"),
        ("limitPrice", "40000"),
        ("cliOrdId", name),
    ];
    client.request("POST", "/sendorder", &terms)
}

#[tokio::test]
async fn a_client_gets_http_2_when_it_speaks_it_and_http_1_1_otherwise() {
    let venue = Venue::with(config()).await;
    let target = format!("{BASE}/tickers");
    for (offered, agreed) in [
        (BOTH, Some("h2")),
        (GO, Some("h2")),
        // Whoever speaks both is better off with the one that carries much at once.
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let mut stream = encrypted(&venue, offered).await;
        let found = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(found.as_deref(), agreed.map(str::as_bytes), "{offered:?}");
        if agreed == Some("h2") {
            let (mut requests, connection) = h2::client::handshake(stream).await.expect("a connection");
            tokio::spawn(connection);
            let request = asking("GET", &target).body(()).expect("a request");
            let answer = taken(requests.send_request(request, true).expect("sent").0).await;
            assert_eq!(answer.expect("an answer").json()["result"], "success");
        } else {
            let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("sent");
            let answer = receive(&mut stream, "GET", &target).await.expect("an answer");
            assert_eq!(answer.json()["result"], "success");
        }
    }
}

#[tokio::test]
async fn a_client_that_speaks_http_2_alone_trades() {
    let venue = Venue::with(config()).await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut connection = Connection::open(&venue).await;
    let placed = connection.ask(&rests(&alice, "mine").nonce(1)).await;
    assert_eq!(placed["sendStatus"]["status"], "placed", "{placed}");
    let open = connection.ask(&alice.request("GET", "/openorders", &[]).nonce(2)).await;
    assert_eq!(open["openOrders"][0]["cliOrdId"], "mine");
    // Another account over the same connection: a signature is a request's, not a connection's.
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    let buys = [("orderType", "mkt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "0.5")];
    let bought = connection.ask(&alice.request("POST", "/sendorder", &buys).nonce(3)).await;
    assert_eq!(bought["sendStatus"]["orderEvents"][0]["type"], "EXECUTION", "{bought}");
    let fills = connection.ask(&bob.request("GET", "/fills", &[])).await;
    assert_eq!(fills["fills"][0]["size"], 0.5);
    // Arguments of a PUT stand in the query, and are signed there.
    let mut prefers = alice.request("PUT", "/leveragepreferences", &[("symbol", SYMBOL)]).nonce(4);
    (prefers.query, prefers.body) = (std::mem::take(&mut prefers.body), String::new());
    assert_eq!(connection.ask(&prefers).await["result"], "success");
    let page = connection.get("/api/charts/v1/trade/PF_XBTUSD/1m").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("application/json")));
    let cancelled = connection.ask(&alice.request("POST", "/cancelallorders", &[]).nonce(5)).await;
    assert_eq!(cancelled["cancelStatus"]["cancelledOrders"].as_array().map(Vec::len), Some(1));
    let wrong = connection.ask(&alice.request("POST", "/cancelallorders", &[]).nonce(5)).await;
    assert_eq!(wrong["error"], "nonceDuplicate");
}

#[tokio::test]
async fn many_orders_at_once_on_one_connection_are_taken_in_their_order() {
    let venue = Venue::with(config()).await;
    let alice = venue.client(0);
    let mut connection = Connection::open(&venue).await;
    let names: Vec<String> = (0..100).map(|number| format!("order {number}")).collect();
    let mut answers = Vec::new();
    for (name, nonce) in names.iter().zip(1_u64..) {
        answers.push(connection.send(&rests(&alice, name).nonce(nonce)));
    }
    let mut ids = Vec::new();
    for (answer, name) in answers.into_iter().zip(&names) {
        let status = taken(answer).await.expect("an answer").json()["sendStatus"].clone();
        assert_eq!((&status["status"], &status["cliOrdId"]), (&json!("placed"), &json!(name)), "{status}");
        ids.push(status["order_id"].clone());
    }
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), names.len());
    // Each stands behind those before it in the book: the first is the first to trade.
    venue.client(1).place("lmt", "sell", "0.01", "40000", &[]).await;
    let fills = alice.get("/fills", &[]).await;
    assert_eq!(fills["fills"][0]["cliOrdId"], names[0].as_str());
}

#[tokio::test]
async fn requests_at_once_spend_what_they_would_spend_one_by_one() {
    let venue = Venue::with(ServerConfig { rate_limits: true, ..config() }).await;
    let alice = venue.client(0);
    let mut connection = Connection::open(&venue).await;
    // 500 in ten seconds, of which an order takes 10.
    let answers: Vec<_> = (0..60).map(|n| connection.send(&rests(&alice, &n.to_string()))).collect();
    let mut refused = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = taken(answer).await.expect("an answer").json();
        refused.extend((answer["error"] == "apiLimitExceeded").then_some(number));
    }
    assert_eq!(refused, (50..60).collect::<Vec<_>>());
    let elsewhere = rests(&alice, "over http").error().await;
    assert_eq!(
        elsewhere.as_deref(),
        Some("apiLimitExceeded"),
        "the budget is the account's, however it asks"
    );
    let other = connection.ask(&rests(&venue.client(1), "another's")).await;
    assert_eq!(other["sendStatus"]["status"], "placed");
}

#[tokio::test]
async fn what_is_too_long_is_told_and_the_connection_goes_on() {
    let venue = Venue::with(config()).await;
    let mut connection = Connection::open(&venue).await;
    let long = asking("GET", &format!("{BASE}/tickers")).header("x-long", "y".repeat(100_000));
    let answer = connection.begin(long, b"").expect("sent");
    assert_eq!(taken(answer).await.expect("an answer").status, 431);
    let body = vec![b'x'; 3 << 20];
    let answer = connection.begin(asking("POST", &format!("{BASE}/batchorder")), &body).expect("sent");
    let answer = taken(answer).await.expect("an answer");
    assert_eq!((answer.status, &answer.json()["error"]), (200, &json!("invalidArgument")));
    assert_eq!(connection.get(&format!("{BASE}/tickers")).await.json()["result"], "success");
}

#[tokio::test]
async fn the_operator_is_let_in_by_the_name_that_is_asked() {
    let venue = Venue::with(config()).await;
    let token = format!("Bearer {}", venue.server.control_token());
    let mut connection = Connection::open(&venue).await;
    for (authority, status) in [("127.0.0.1:8443", 200), ("localhost", 200), ("evil.example", 403)] {
        let request = http::Request::builder()
            .uri(format!("https://{authority}/loligo/v1/audit"))
            .header("authorization", &token);
        let answer = connection.begin(request, b"").expect("sent");
        assert_eq!(taken(answer).await.expect("an answer").status, status, "{authority}");
    }
    let two =
        asking("GET", "/loligo/v1/audit").header("host", "evil.example").header("authorization", &token);
    let answer = connection.begin(two, b"").expect("sent");
    assert_eq!(taken(answer).await.expect("an answer").status, 400, "nobody knows which host counts");
}

#[tokio::test]
async fn a_websocket_begins_on_http_1_1_beside_http_2() {
    let venue = Venue::with(config()).await;
    for offered in [&["http/1.1"][..], &[]] {
        let mut socket = Socket::over(encrypted(&venue, offered).await).await.expect("a handshake");
        let subscribed = socket.ask(json!({"event": "subscribe", "feed": "heartbeat"})).await;
        assert_eq!(subscribed["event"], "subscribed", "{offered:?}");
    }
    let mut connection = Connection::open(&venue).await;
    let answer = connection.get("/ws/v1").await;
    assert_eq!((answer.status, answer.header("upgrade")), (426, None));
    assert!(!connection.requests.is_extended_connect_protocol_enabled());
}

#[tokio::test]
async fn an_idle_connection_is_told_to_leave() {
    let bounds = Bounds { idle: Duration::from_millis(40), ..Bounds::default() };
    let venue = Venue::with(ServerConfig { bounds, ..config() }).await;
    let mut connection = Connection::open(&venue).await;
    assert_eq!(connection.get(&format!("{BASE}/tickers")).await.json()["result"], "success");
    connection.driver.await.expect("it ran").expect("a farewell without a fault");
}

#[tokio::test]
async fn a_request_that_is_open_when_the_exchange_stops_is_answered() {
    let bounds = Bounds { drain: Duration::from_secs(600), ..Bounds::default() };
    let venue = Venue::with(ServerConfig { bounds, ..config() }).await;
    let alice = venue.client(0);
    let mut connection = Connection::open(&venue).await;
    let order = rests(&alice, "late");
    let mut asking = asking("POST", &order.path).header("APIKey", &alice.api_key);
    asking = asking.header("Authent", order.authent.as_deref().expect("signed"));
    let (answer, mut stream) =
        connection.requests.send_request(asking.body(()).expect("a request"), false).expect("sent");
    // What comes behind it is answered, so it is there.
    connection.get(&format!("{BASE}/tickers")).await;
    let stopping = tokio::spawn(venue.server.stop());
    // Who is told to leave asks no more; what is open goes on.
    while connection.requests.clone().ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.send_data(Bytes::from(order.body.clone()), true).expect("it is open");
    let answer = taken(answer).await.expect("an answer").json();
    assert_eq!(answer["sendStatus"]["status"], "placed", "{answer}");
    connection.driver.await.expect("it ran").expect("a farewell without a fault");
    stopping.await.expect("it stops");
}
