//! The contract as a judge: every answer of the tests must be one that `contract/rest.yaml` gives its route, every message of
//! the feeds one of `contract/websocket.schema.json`.

use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

static CONTRACT: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/rest.yaml"))
        .expect("the contract");
    serde_saphyr::from_str(&text).expect("YAML")
});

type Validators = HashMap<(String, String, u16), Option<Arc<Validator>>>;
static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// Judges an answer with HTTP 200. `path` is without base and query; paths the contract does not have are not judged.
pub fn judge(method: &str, path: &str, answer: &Value) {
    judge_as(method, path, 200, answer);
}

/// Judges an answer with another status.
pub fn judge_as(method: &str, path: &str, status: u16, answer: &Value) {
    let Some(validator) = validator(method, path, status) else { return };
    let complaints: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{method} {path}: {complaints:?}\n{answer:#}");
    // The one route that tells by success what an order would be refused for.
    let supposed = path == "/initialmargin";
    assert!(
        supposed || answer["result"] != "success" || answer.get("error").is_none(),
        "a success with an error: {answer}"
    );
}

/// Judges an answer that must be the published error envelope.
pub fn judge_error(answer: &Value) {
    let schema = json!({
        "components": CONTRACT["components"], "$ref": "#/components/schemas/ErrorResponse",
    });
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    assert!(validator.is_valid(answer), "{answer}");
}

/// The contract's path of a request: what it names is between braces there.
fn template(path: &str) -> &str {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        ["", "tickers", _] => "/tickers/{symbol}",
        ["", "instruments", _, "status"] => "/instruments/{symbol}/status",
        ["", "subaccount", _, "trading-enabled"] => "/subaccount/{subaccountUid}/trading-enabled",
        _ => path,
    }
}

fn validator(method: &str, path: &str, status: u16) -> Option<Arc<Validator>> {
    let path = template(path);
    let mut known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .entry((method.to_owned(), path.to_owned(), status))
        .or_insert_with(|| {
            let operation = CONTRACT["paths"].get(path)?.get(method.to_ascii_lowercase())?;
            let mut response = &operation["responses"][status.to_string()];
            if let Some(pointer) = response["$ref"].as_str() {
                response = CONTRACT.pointer(pointer.trim_start_matches('#')).expect("a response");
            }
            let schema = &response["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{method} {path} has no answer with {status}");
            let document = json!({"components": CONTRACT["components"], "allOf": [schema]});
            let validator = jsonschema::options().should_validate_formats(true).build(&document);
            Some(Arc::new(validator.expect("a schema")))
        })
        .clone()
}

static CHARTS: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/charts.yaml"))
        .expect("the contract");
    serde_saphyr::from_str(&text).expect("YAML")
});

/// Judges a good answer of the charts API; `path` is without its base.
pub fn judge_chart(path: &str, answer: &Value) {
    let parts: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
    let path = match parts[..] {
        [""] | ["", ""] => "/api/charts/v1/",
        ["", _] => "/api/charts/v1/{tick_type}",
        ["", _, _] => "/api/charts/v1/{tick_type}/{symbol}",
        _ => "/api/charts/v1/{tick_type}/{symbol}/{resolution}",
    };
    let schema = &CHARTS["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{path}");
    let document = json!({"components": CHARTS["components"], "allOf": [schema]});
    let validator = jsonschema::options().should_validate_formats(true).build(&document).expect("a schema");
    let complaints: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{path}: {complaints:?}\n{answer:#}");
}

static MESSAGES: LazyLock<Validator> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/websocket.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    schema["anyOf"] = json!([{"$ref": "#/$defs/ServerMessage"}]);
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
});

/// Judges a message of the feeds: the contract has it, and it says nothing twice.
pub fn judge_message(text: &str) -> Value {
    let message: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let complaints: Vec<String> = MESSAGES.iter_errors(&message).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}\n{message:#}");
    message
}
