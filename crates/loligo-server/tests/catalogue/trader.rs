//! One account of a scenario, as a person at its keyboard would describe what it does and sees.

use crate::expected;
use crate::language::{Arguments, order, terms};
use crate::seed::{self, Witness};
use crate::socket::Socket;
use crate::venue::{Client, Venue};
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

/// What a trader signs with.
#[derive(Clone)]
pub struct Key {
    pub api_key: String,
    pub secret: String,
}

pub struct Trader {
    pub uid: String,
    pub key: Key,
    pub client: Client,
    seen: Witness,
    /// The newest order that was given each name.
    orders: Mutex<HashMap<String, String>>,
    /// Where it is told of its open orders.
    feed: Option<tokio::sync::Mutex<Socket>>,
}

impl Trader {
    pub fn new(address: SocketAddr, uid: &str, key: Key, seen: &Witness) -> Self {
        let client = Client::new(address, &key.api_key, &key.secret);
        Self { uid: uid.to_owned(), key, client, seen: seen.clone(), orders: Mutex::default(), feed: None }
    }

    /// Listens to the feeds of its open orders from now on.
    pub async fn listens(&mut self, venue: &Venue) {
        let mut socket = Socket::open(venue).await;
        socket.follow(&self.client, &["open_orders", "open_orders_verbose"]).await;
        self.feed = Some(tokio::sync::Mutex::new(socket));
    }

    /// The same account at a server that was started again.
    pub fn at(self, address: SocketAddr) -> Self {
        let client = Client::new(address, &self.key.api_key, &self.key.secret);
        Self { client, feed: None, ..self }
    }

    /// Asks, judges the answer by the contract, and remembers its words.
    pub async fn asks(&self, method: &'static str, path: &str, arguments: &[(&str, &str)]) -> Value {
        self.hears(path, self.client.request(method, path, arguments).json().await)
    }

    /// Takes an answer as one that was given to this account.
    pub fn hears(&self, path: &str, answer: Value) -> Value {
        if path == "/orders/status" {
            seed::judge(&answer);
        }
        self.seen.hears(path, &answer);
        answer
    }

    async fn asks_with(&self, path: &str, arguments: &Arguments) -> Value {
        let arguments: Vec<(&str, &str)> =
            arguments.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.asks("POST", path, &arguments).await
    }

    /// Asks for what works.
    pub async fn does(&self, method: &'static str, path: &str, arguments: &[(&str, &str)]) -> Value {
        let answer = self.asks(method, path, arguments).await;
        assert_eq!(
            answer["result"],
            "success",
            "{method} {path} {:.200}: {answer}",
            format!("{arguments:?}")
        );
        answer
    }

    /// Asks for what is refused with this error.
    pub async fn refused(
        &self,
        method: &'static str,
        path: &str,
        arguments: &[(&str, &str)],
        want: &str,
    ) -> Value {
        let answer = self.asks(method, path, arguments).await;
        assert_eq!(
            (&answer["result"], &answer["error"]),
            (&"error".into(), &want.into()),
            "{path} {arguments:?}"
        );
        answer
    }

    /// Sends an order under a name of its own, its `cliOrdId`; `want` is the status, perhaps with the events told.
    pub async fn sends(&self, name: &str, text: &str, want: &str) -> Value {
        let mut arguments = order(text);
        arguments.push(("cliOrdId".to_owned(), name.to_owned()));
        let answer = self.asks_with("/sendorder", &arguments).await;
        let sent = answer["sendStatus"].clone();
        told(&format!("{name:.20}: {text}"), &sent, want, &answer);
        let trigger = ["stp", "take_profit", "trailing_stop"].contains(&text.split(' ').next().unwrap_or(""));
        shaped(trigger, &sent);
        self.named(name, &sent["order_id"]);
        sent
    }

    /// Edits an order by its id.
    pub async fn edits(&self, name: &str, text: &str, want: &str) -> Value {
        let mut arguments = vec![("orderId".to_owned(), self.id(name))];
        arguments.extend(terms(text));
        let answer = self.asks_with("/editorder", &arguments).await;
        told(&format!("edit {name}: {text}"), &answer["editStatus"], want, &answer);
        answer["editStatus"].clone()
    }

    /// Cancels an order by its id.
    pub async fn cancels(&self, name: &str, want: &str) {
        let answer = self.asks("POST", "/cancelorder", &[("order_id", &self.id(name))]).await;
        told(&format!("cancel {name}"), &answer["cancelStatus"], want, &answer);
    }

    pub async fn cancels_all(&self) {
        self.does("POST", "/cancelallorders", &[]).await;
    }

    /// Sends a batch; `want` has the status of each element, joined by spaces.
    pub async fn batches(&self, elements: &[Value], want: &str) -> Vec<Value> {
        let json = serde_json::json!({"batchOrder": elements}).to_string();
        let answer = self.does("POST", "/batchorder", &[("json", &json)]).await;
        let statuses = answer["batchStatus"].as_array().expect("statuses").clone();
        let words: Vec<&str> =
            statuses.iter().map(|status| status["status"].as_str().expect("a status")).collect();
        assert_eq!(words.join(" "), want, "{answer:#}");
        for status in &statuses {
            if let Some(name) = status["cliOrdId"].as_str() {
                self.named(name, &status["order_id"]);
            }
        }
        statuses
    }

    /// What `/orders/status` says of an order: `STATUS REASON ERROR field=value ...`.
    pub async fn sees(&self, name: &str, want: &str) -> Value {
        let found = match self.known(name) {
            Some(id) => self.records(&[("orderIds", &id)]).await,
            None => self.records(&[("cliOrdIds", name)]).await,
        };
        let record = found.last().unwrap_or_else(|| panic!("there is no record of {name}: want {want}"));
        if let Err(difference) = expected::record(record, want) {
            panic!("{name}: {difference}\nwant {want}\n{record:#}");
        }
        record.clone()
    }

    /// What it says of all records of one `cliOrdId`, the oldest first.
    pub async fn sees_all(&self, name: &str, want: &[&str]) {
        let found = self.records(&[("cliOrdIds", name)]).await;
        let seen = Value::Array(found.clone());
        assert_eq!(found.len(), want.len(), "{name}: {seen:#}");
        for (record, want) in found.iter().zip(want) {
            expected::record(record, want)
                .unwrap_or_else(|difference| panic!("{name}: {difference}\n{seen:#}"));
        }
    }

    async fn records(&self, named: &[(&str, &str)]) -> Vec<Value> {
        let answer = self.does("POST", "/orders/status", named).await;
        // What the record says now, the feeds have told.
        if let Some(feed) = &self.feed {
            for message in feed.lock().await.settle().await {
                self.seen.is_told(&message);
            }
        }
        answer["orders"].as_array().expect("orders").clone()
    }

    /// The id of the newest order with this name.
    pub fn id(&self, name: &str) -> String {
        self.known(name).unwrap_or_else(|| panic!("no reply had an id for {name}"))
    }

    fn known(&self, name: &str) -> Option<String> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Gives an order a name in this scenario.
    pub fn named(&self, name: &str, id: &Value) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = id.as_str() {
            orders.insert(name.to_owned(), id.to_owned());
        }
    }
}

fn told(what: &str, status: &Value, want: &str, answer: &Value) {
    if let Err(difference) = expected::status(status, want) {
        panic!("{what}: {difference}\n{answer:#}");
    }
}

/// What every reply to an order keeps to: who is accepted has an id; a plain refusal has neither id nor events; what the
/// book or a trigger's checks refuse has both, in a REJECT event.
fn shaped(trigger: bool, sent: &Value) {
    let (status, events) = (sent["status"].as_str().expect("a status"), expected::events(sent));
    match status {
        "placed" | "partiallyFilled" => assert!(sent["order_id"].is_string(), "{sent:#}"),
        "wouldProcessAfterSpecifiedTime" | "clientOrderIdInvalid" => assert_eq!(events, "", "{sent:#}"),
        _ if trigger => {
            let event = &sent["orderEvents"][0];
            assert!(events.starts_with("REJECT ") && event["orderTrigger"].is_object(), "{sent:#}");
            assert_eq!(event["uid"], sent["order_id"], "{sent:#}");
        }
        "postWouldExecute" | "iocWouldNotExecute" => {
            assert!(events.starts_with("REJECT ") && sent["order_id"].is_string(), "{sent:#}");
        }
        _ => assert!(events.is_empty() && sent.get("order_id").is_none(), "{sent:#}"),
    }
}
