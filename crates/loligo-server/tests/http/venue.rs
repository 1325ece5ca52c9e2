//! A server of a test's own, and clients that sign.

use crate::contract::judge;
use loligo_server::{RealTime, Server, ServerConfig, StartAccount, StartFile};
use loligo_wire::sign::SigningKey;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Where the dialect lives.
pub const BASE: &str = "/derivatives/api/v3";
/// What tests trade, unless they say otherwise; pinned to 50,000.
pub const SYMBOL: &str = "PF_XBTUSD";

pub struct Venue {
    pub server: Server,
    pub real: RealTime,
    pub start: StartFile,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What its head says under a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, said)| said.trim()).next()
    }
}

impl Venue {
    pub async fn start() -> Self {
        Self::with(ServerConfig { rate_limits: false, ..ServerConfig::test() }).await
    }

    /// A venue that goes on from what is in this folder.
    pub async fn lasting(folder: &Path) -> Self {
        let mut config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
        config.node.data = Some(folder.to_owned());
        Self::with(config).await
    }

    pub async fn with(config: ServerConfig) -> Self {
        let real = config.real_time.clone();
        let server = Server::start(config).await.expect("it starts");
        let start = server.start_file();
        let venue = Self { server, real, start };
        venue.pin(SYMBOL, "50000").await;
        venue
    }

    /// The n-th account's client, with its full key.
    pub fn client(&self, account: usize) -> Client {
        Client::of(self.server.http(), &self.start.accounts[account])
    }

    /// The n-th account's client with its read-only key.
    pub fn reader(&self, account: usize) -> Client {
        let key = &self.start.accounts[account].read_only;
        Client::new(self.server.http(), &key.api_key, &key.api_secret)
    }

    /// One control verb.
    pub async fn control(&self, method: &str, path: &str, body: &str) -> Answer {
        let token = format!("Bearer {}", self.server.control_token());
        let mut stream = TcpStream::connect(self.server.http()).await.expect("it listens");
        let headers = [("Authorization", token.as_str())];
        let path = format!("/loligo/v1{path}");
        send(&mut stream, method, &path, &headers, body.as_bytes()).await.expect("an answer")
    }

    /// One control verb with its answer.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.control(method, path, &body).await;
        (answer.status, answer.json())
    }

    /// One control verb that must be carried out.
    pub async fn order(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, told) = self.ask(method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {told}");
        told
    }

    /// The client of keys as the control surface tells them.
    pub fn client_of(&self, keys: &Value) -> Client {
        let text = |name: &str| keys[name].as_str().expect("text").to_owned();
        Client::new(self.server.http(), &text("api_key"), &text("api_secret"))
    }

    /// A new subaccount of the n-th account, with so much USD in flex: its uid and its client.
    pub async fn subaccount(&self, account: usize, name: &str, usd: &str) -> (String, Client) {
        let path = format!("/accounts/{}/subaccounts", self.start.accounts[account].uid);
        let told = self.order("POST", &path, json!({"name": name, "flex": {"usd": usd}})).await;
        (told["uid"].as_str().expect("a uid").to_owned(), self.client_of(&told))
    }

    /// The sum of all deposits of a currency, less what was withdrawn. The audit itself shows that nothing is lost.
    pub async fn deposited(&self, currency: &str) -> String {
        let audit = self.order("GET", "/audit", Value::Null).await;
        let sums = audit["currencies"].as_array().expect("a list").iter();
        let sum =
            sums.filter(|sums| sums["currency"] == currency).map(|sums| sums["deposited"].clone()).next();
        sum.and_then(|sum| sum.as_str().map(str::to_owned)).unwrap_or_else(|| "0".to_owned())
    }

    pub async fn pin(&self, symbol: &str, price: &str) {
        let body = format!(r#"{{"index": "{price}", "mark": "{price}"}}"#);
        let answer = self.control("PUT", &format!("/prices/{symbol}"), &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Lets exchange time pass.
    pub async fn advance(&self, millis: u64) {
        let answer = self.control("POST", "/clock", &format!(r#"{{"advance_ms": {millis}}}"#)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// One account's key.
pub struct Client {
    address: SocketAddr,
    pub api_key: String,
    pub signing: SigningKey,
}

/// A request before it is sent: each part can be made wrong.
pub struct Request<'c> {
    pub client: &'c Client,
    pub method: &'static str,
    pub path: String,
    pub query: String,
    pub body: String,
    pub api_key: Option<String>,
    pub authent: Option<String>,
    pub nonce: Option<String>,
}

impl Client {
    pub fn of(address: SocketAddr, account: &StartAccount) -> Self {
        Self::new(address, &account.api_key, &account.api_secret)
    }

    pub fn new(address: SocketAddr, api_key: &str, secret: &str) -> Self {
        let signing = SigningKey::from_base64_secret(secret).expect("base64");
        Self { address, api_key: api_key.to_owned(), signing }
    }

    /// A request with its arguments where most clients put them: a form for POST, the query for GET.
    pub fn request(&self, method: &'static str, path: &str, arguments: &[(&str, &str)]) -> Request<'_> {
        let encoded = form(arguments);
        let (query, body) = if method == "GET" { (encoded, String::new()) } else { (String::new(), encoded) };
        let mut request = Request {
            client: self,
            method,
            path: format!("{BASE}{path}"),
            query,
            body,
            api_key: Some(self.api_key.clone()),
            authent: None,
            nonce: None,
        };
        request.sign();
        request
    }

    pub async fn post(&self, path: &str, arguments: &[(&str, &str)]) -> Value {
        self.request("POST", path, arguments).done().await
    }

    pub async fn put(&self, path: &str, arguments: &[(&str, &str)]) -> Value {
        self.request("PUT", path, arguments).done().await
    }

    pub async fn get(&self, path: &str, arguments: &[(&str, &str)]) -> Value {
        self.request("GET", path, arguments).done().await
    }

    /// Places an order on [`SYMBOL`] and answers its `sendStatus`.
    pub async fn place(
        &self,
        order_type: &str,
        side: &str,
        size: &str,
        price: &str,
        more: &[(&str, &str)],
    ) -> Value {
        let arguments = [
            ("orderType", order_type),
            ("symbol", SYMBOL),
            ("side", side),
            ("size", size),
            ("limitPrice", price),
        ];
        let answer = self.post("/sendorder", &[&arguments, more].concat()).await;
        assert_eq!(answer["result"], "success", "{answer}");
        answer["sendStatus"].clone()
    }
}

impl Request<'_> {
    /// Signs what the request holds now, by the published rule.
    pub fn sign(&mut self) {
        let text = [self.query.as_bytes(), self.body.as_bytes()].concat();
        self.sign_text(&text);
    }

    /// Signs some other text.
    pub fn sign_text(&mut self, text: &[u8]) {
        let nonce = self.nonce.clone().unwrap_or_default();
        self.authent = Some(self.client.signing.authent(text, &nonce, &self.path));
    }

    /// With a nonce, signed anew.
    pub fn nonce(mut self, nonce: impl ToString) -> Self {
        self.nonce = Some(nonce.to_string());
        self.sign();
        self
    }

    pub async fn send(&self) -> Answer {
        let mut stream = TcpStream::connect(self.client.address).await.expect("it listens");
        let target =
            if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let parts = [("APIKey", &self.api_key), ("Authent", &self.authent), ("Nonce", &self.nonce)];
        let headers: Vec<(&str, &str)> =
            parts.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        send(&mut stream, self.method, &target, &headers, self.body.as_bytes()).await.expect("an answer")
    }

    /// Sends it; the answer has HTTP 200.
    pub async fn json(&self) -> Value {
        let answer = self.send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Sends it; the request was understood and allowed, whatever came of what it asks.
    pub async fn done(&self) -> Value {
        let json = self.json().await;
        assert_ne!(json["result"], "error", "{} {}: {json}", self.method, self.path);
        json
    }

    /// The number and message of its answer, which has HTTP 500.
    pub async fn refused_preference(&self) -> (u64, String) {
        let answer = self.send().await;
        assert_eq!(answer.status, 500, "{answer:?}");
        let json = answer.json();
        let error = &json["errors"][0];
        (error["code"].as_u64().expect("a code"), error["message"].as_str().expect("a message").to_owned())
    }

    /// The error word of its answer; `None` for a success.
    pub async fn error(&self) -> Option<String> {
        self.json().await["error"].as_str().map(str::to_owned)
    }
}

/// Arguments as a form.
pub fn form(arguments: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in arguments {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => text.push(char::from(byte)),
                _ => {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
        }
    }
    text
}

/// Sends one request and reads its answer, which is one that the contract has; `None` when the connection closed instead.
pub async fn send(
    stream: &mut TcpStream,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if method != "GET" {
        let _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    head.push_str("\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).await.ok()?;
    receive(stream, method, target).await
}

/// Reads the answer to a request, which is one that the contract has.
pub async fn receive(stream: &mut (impl AsyncRead + Unpin), method: &str, target: &str) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("a head of text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().expect("a length"))];
    stream.read_exact(&mut body).await.ok()?;
    let answer = Answer { status, head, body };
    judge(method, target, &answer);
    Some(answer)
}
