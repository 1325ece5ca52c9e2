//! History: what happened is told as `/fills`, `/orders/status` and `/accounts` told it, and long after they forgot it. Every
//! answer is judged by `contract/history.yaml`.

use crate::venue::{Answer, Client, Request, SYMBOL, Venue};
use loligo_server::ServerConfig;
use serde_json::{Value, json};
use std::sync::LazyLock;

mod pages;
mod stories;

const V3: &str = "/api/history/v3";
/// 2026-01-01T00:00:00Z, where the tests' clock stands.
const NEW_YEAR: i64 = 1_767_225_600_000;

static CONTRACT: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/history.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(path).expect("the contract")).expect("YAML")
});

/// Asserts that an answer is one that the contract gives the route.
fn judge(path: &str, answer: &Answer) {
    let template = match path.strip_prefix("/market/").and_then(|rest| rest.split_once('/')) {
        Some((_, list)) => format!("/market/{{tradeable}}/{list}"),
        None => path.to_owned(),
    };
    let response =
        &CONTRACT["paths"][format!("{V3}{template}")]["get"]["responses"][answer.status.to_string()];
    let pointer =
        response["$ref"].as_str().unwrap_or_else(|| panic!("{path} has no answer with {}", answer.status));
    let response = CONTRACT.pointer(pointer.trim_start_matches('#')).expect("a response");
    let schema = &response["content"]["application/json"]["schema"];
    if !schema.is_object() {
        return;
    }
    let document = json!({"components": CONTRACT["components"], "allOf": [schema]});
    let validator = jsonschema::options().should_validate_formats(true).build(&document).expect("a schema");
    let json = answer.json();
    let complaints: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{path}: {complaints:?}\n{json:#}");
}

/// A request for history, signed.
fn request<'c>(client: &'c Client, path: &str, arguments: &[(&str, &str)]) -> Request<'c> {
    let mut request = client.request("GET", "", arguments);
    request.path = format!("{V3}{path}");
    request.sign();
    request
}

async fn send(client: &Client, path: &str, arguments: &[(&str, &str)]) -> Answer {
    let answer = request(client, path, arguments).send().await;
    judge(path, &answer);
    answer
}

/// A good answer.
pub async fn ask(client: &Client, path: &str, arguments: &[(&str, &str)]) -> Value {
    let answer = send(client, path, arguments).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// What happened, oldest first: each event with its kind.
async fn events(client: &Client, path: &str, arguments: &[(&str, &str)]) -> Vec<(String, Value)> {
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
