//! History: what happened is told as `/fills`, `/orders/status` and `/accounts` told it, and long after they forgot it.

use crate::venue::{Answer, Client, Request, SYMBOL, Venue};
use loligo_server::ServerConfig;
use serde_json::{Value, json};

mod pages;
mod stories;

const V3: &str = "/api/history/v3";
/// 2026-01-01T00:00:00Z, where the tests' clock stands.
const NEW_YEAR: i64 = 1_767_225_600_000;

/// A request for history, signed.
fn request<'c>(client: &'c Client, path: &str, arguments: &[(&str, &str)]) -> Request<'c> {
    let mut request = client.request("GET", "", arguments);
    request.path = format!("{V3}{path}");
    request.sign();
    request
}

async fn send(client: &Client, path: &str, arguments: &[(&str, &str)]) -> Answer {
    request(client, path, arguments).send().await
}

/// A good answer.
pub async fn ask(client: &Client, path: &str, arguments: &[(&str, &str)]) -> Value {
    let answer = send(client, path, arguments).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// What happened, oldest first: each event with its kind.
pub async fn events(client: &Client, path: &str, arguments: &[(&str, &str)]) -> Vec<(String, Value)> {
    let page = ask(client, path, &[arguments, &[("sort", "asc")]].concat()).await;
    let elements = page["elements"].as_array().expect("a list");
    assert_eq!(page["len"], elements.len());
    elements.iter().map(|element| kind(&element["event"])).collect()
}

/// An event's one member.
fn kind(event: &Value) -> (String, Value) {
    let (kind, event) = event.as_object().and_then(|event| event.iter().next()).expect("one kind");
    (kind.clone(), event.clone())
}

fn kinds(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(kind, _)| kind.as_str()).collect()
}

fn id(status: &Value) -> &str {
    status["order_id"].as_str().expect("an id")
}
