//! A signing client of the exchange. Each answer that it gets is checked against the contract.

use std::io;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::contract;
use crate::http::{Connection, Response};

/// Where the trading interface lives.
pub const BASE: &str = "/derivatives/api/v3";

/// One account's connection.
pub struct Client {
    connection: Connection,
    key: String,
    secret: Vec<u8>,
}

impl Client {
    pub fn new(base: &str, key: &str, secret: &str) -> Self {
        let connection = Connection::open(base).expect("the exchange listens");
        Self::over(connection, key, secret)
    }

    pub fn over(connection: Connection, key: &str, secret: &str) -> Self {
        let secret = BASE64.decode(secret).expect("a secret in base64");
        Self { connection, key: key.to_owned(), secret }
    }

    /// A public or private GET with its arguments in the query; signed when there is a key.
    #[must_use = "the answer may be a refusal"]
    pub fn get(&mut self, path: &str, arguments: &[(&str, &str)]) -> Value {
        let query = form(arguments);
        let response = self.send("GET", path, &query, None, None).expect("an answer");
        contract::check("GET", path, &response)
    }

    /// A POST with its arguments in a form.
    #[must_use = "the answer may be a refusal"]
    pub fn post(&mut self, path: &str, arguments: &[(&str, &str)]) -> Value {
        let response = self.try_post(path, arguments).expect("an answer");
        contract::check("POST", path, &response)
    }

    /// A POST that may not be answered.
    pub fn try_post(&mut self, path: &str, arguments: &[(&str, &str)]) -> io::Result<Response> {
        self.send("POST", path, "", Some(&form(arguments)), None)
    }

    /// A POST with a nonce.
    #[must_use = "the answer may be a refusal"]
    pub fn post_with_nonce(&mut self, path: &str, arguments: &[(&str, &str)], nonce: &str) -> Value {
        let response = self.send("POST", path, "", Some(&form(arguments)), Some(nonce)).expect("an answer");
        contract::check("POST", path, &response)
    }

    /// Signs exactly these bytes and sends them.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: Option<&str>,
        nonce: Option<&str>,
    ) -> io::Result<Response> {
        let signature =
            self.sign(path, &[query, body.unwrap_or_default()].concat(), nonce.unwrap_or_default());
        self.send_signed(method, path, query, body, nonce, &signature)
    }

    /// Sends with a signature made elsewhere.
    pub fn send_signed(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: Option<&str>,
        nonce: Option<&str>,
        signature: &str,
    ) -> io::Result<Response> {
        let mut headers = Vec::new();
        if !self.key.is_empty() {
            headers.extend([("APIKey", self.key.as_str()), ("Authent", signature)]);
        }
        if let Some(nonce) = nonce {
            headers.push(("Nonce", nonce));
        }
        if body.is_some() {
            headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        }
        let target = if query.is_empty() { format!("{BASE}{path}") } else { format!("{BASE}{path}?{query}") };
        self.connection.request(method, &target, &headers, body.map(str::as_bytes))
    }

    /// Asks the history API, signed.
    pub fn past(&mut self, path: &str, arguments: &[(&str, &str)]) -> Response {
        let (query, path) = (form(arguments), format!("/api/history/v3{path}"));
        let signature = self.sign_message(&format!("{query}{path}"));
        let headers = [("APIKey", self.key.as_str()), ("Authent", signature.as_str())];
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        self.connection.request("GET", &target, &headers, None).expect("an answer")
    }

    /// base64(HMAC-SHA-512(secret, SHA-256(data + nonce + path))), the path without `/derivatives`.
    pub fn sign(&self, path: &str, data: &str, nonce: &str) -> String {
        self.sign_message(&format!("{data}{nonce}/api/v3{path}"))
    }

    /// Signs what some other rule would have signed.
    pub fn sign_message(&self, message: &str) -> String {
        let message = digest::digest(&digest::SHA256, message.as_bytes());
        let secret = hmac::Key::new(hmac::HMAC_SHA512, &self.secret);
        BASE64.encode(hmac::sign(&secret, message.as_ref()))
    }

    /// Places an order; answers its `sendStatus`.
    #[must_use = "the order may have been refused"]
    pub fn place(&mut self, arguments: &[(&str, &str)]) -> Value {
        let answer = self.post("/sendorder", arguments);
        assert_eq!(answer["result"], "success", "{answer}");
        answer["sendStatus"].clone()
    }

    /// Places a limit order that must be accepted; answers its id.
    pub fn place_limit(&mut self, symbol: &str, side: &str, size: &str, price: &str, name: &str) -> String {
        let arguments = [
            ("orderType", "lmt"),
            ("symbol", symbol),
            ("side", side),
            ("size", size),
            ("limitPrice", price),
            ("cliOrdId", name),
        ];
        let sent = self.place(&arguments);
        assert_eq!(sent["status"], "placed", "{sent}");
        sent["order_id"].as_str().expect("an accepted order has an id").to_owned()
    }

    /// The open orders.
    pub fn open_orders(&mut self) -> Vec<Value> {
        let answer = self.get("/openorders", &[]);
        answer["openOrders"].as_array().expect("a list of open orders").clone()
    }

    /// /orders/status by the client's own ids.
    pub fn status_by_name(&mut self, names: &[&str]) -> Vec<Value> {
        let arguments: Vec<_> = names.iter().map(|name| ("cliOrdIds", *name)).collect();
        let answer = self.post("/orders/status", &arguments);
        answer["orders"].as_array().expect("a list of orders").clone()
    }
}

/// Arguments as a form or a query: what needs escaping is escaped.
pub fn form(arguments: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in arguments {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}
