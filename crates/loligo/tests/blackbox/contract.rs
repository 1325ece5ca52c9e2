//! The contract as a judge: every answer must be what `contract/rest.yaml` says its route answers.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::http::Response;

/// The published interface, read once.
static CONTRACT: LazyLock<Value> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/rest.yaml");
    let text = std::fs::read_to_string(file).expect("the contract is in the repository");
    serde_saphyr::from_str(&text).expect("the contract is YAML")
});

/// Compiling the schemas of a route takes a while, so each is compiled once.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Judges an answer and hands back its JSON. `path` is without the base and without the query.
///
/// # Panics
/// When the answer is not one of those that the contract gives for this method, path and status code.
pub fn check(method: &str, path: &str, response: &Response) -> Value {
    let about = format!("{method} {path}, HTTP {}", response.status);
    let answer = json_of(response, &about);
    if answer["result"] == "success" {
        assert!(answer.get("error").is_none(), "{about}: a success with an error: {answer}");
    }
    let template = template_of(path);
    let key = format!("{method} {} {}", template.unwrap_or("(unknown)"), response.status);
    let schema = || {
        schema_of(method, template, response.status)
            .unwrap_or_else(|| panic!("{about}: not a code of the contract"))
    };
    judge(&answer, &validator(&key, schema), &about);
    answer
}

fn json_of(response: &Response, about: &str) -> Value {
    let content_type = response.header("content-type").unwrap_or_default();
    assert!(content_type.starts_with("application/json"), "{about}: content type {content_type:?}");
    serde_json::from_slice(&response.body)
        .unwrap_or_else(|error| panic!("{about}: {error} in {}", response.text()))
}

fn judge(answer: &Value, validator: &Validator, about: &str) {
    let complaints: Vec<_> =
        validator.iter_errors(answer).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(
        complaints.is_empty(),
        "{about}: not as the contract has it: {}\n{answer:#}",
        complaints.join("; ")
    );
}

/// All routes of the contract: method in capitals, path template, operation.
pub fn routes() -> Vec<(String, String, Value)> {
    let mut routes = Vec::new();
    for (template, item) in object(&CONTRACT["paths"]) {
        for (method, operation) in object(item) {
            if ["get", "post", "put", "delete"].contains(&method.as_str()) {
                routes.push((method.to_ascii_uppercase(), template.clone(), operation.clone()));
            }
        }
    }
    routes
}

fn validator(key: &str, schema: impl FnOnce() -> Value) -> Arc<Validator> {
    let mut compiled = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(validator) = compiled.get(key) {
        return Arc::clone(validator);
    }
    // References inside the schema point into the components, so they travel with it.
    let document = json!({"components": {"schemas": CONTRACT["components"]["schemas"]}, "allOf": [schema()]});
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&document)
        .unwrap_or_else(|error| panic!("{key}: the contract's schema is broken: {error}"));
    let validator = Arc::new(validator);
    compiled.insert(key.to_owned(), Arc::clone(&validator));
    validator
}

fn schema_of(method: &str, template: Option<&str>, status: u16) -> Option<Value> {
    let errors = json!({"$ref": "#/components/schemas/AnyErrorResponse"});
    let Some(template) = template else {
        return (status == 404).then_some(errors);
    };
    let Some(operation) = CONTRACT["paths"][template].get(method.to_ascii_lowercase()) else {
        // A method that the path does not have.
        return (status == 404 || status == 405).then_some(errors);
    };
    let mut answer = operation["responses"].get(status.to_string())?;
    if let Some(reference) = answer.get("$ref").and_then(Value::as_str) {
        answer = CONTRACT.pointer(reference.strip_prefix('#')?)?;
    }
    Some(answer["content"]["application/json"]["schema"].clone())
}

/// The path of the contract that a request's path is an instance of; a literal path goes before a template.
fn template_of(path: &str) -> Option<&'static str> {
    let paths = object(&CONTRACT["paths"]);
    if let Some((literal, _)) = paths.get_key_value(path) {
        return Some(literal);
    }
    let parts: Vec<_> = path.split('/').collect();
    paths.keys().map(String::as_str).find(|template| {
        let pattern: Vec<_> = template.split('/').collect();
        pattern.len() == parts.len()
            && pattern.iter().zip(&parts).all(|(p, part)| p.starts_with('{') || p == part)
    })
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object of the contract")
}

#[test]
fn the_judge_tells_good_answers_from_bad_ones() {
    let answer = |body: Value| Response {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    };
    let time = "2026-01-01T00:00:00.000Z";
    let good =
        json!({"result": "success", "serverTime": time, "orderBook": {"bids": [[1, 2.5]], "asks": []}});
    let refused = json!({"result": "error", "serverTime": time, "error": "invalidArgument: symbol"});
    for good in [good, refused] {
        check("GET", "/orderbook", &answer(good));
    }
    let no_asks = json!({"result": "success", "serverTime": time, "orderBook": {"bids": []}});
    let texts =
        json!({"result": "success", "serverTime": time, "orderBook": {"bids": [["1", "2"]], "asks": []}});
    let both = json!({"result": "success", "serverTime": time, "error": null, "orderBook": {"bids": [], "asks": []}});
    let no_time = json!({"result": "success", "orderBook": {"bids": [], "asks": []}});
    for bad in [no_asks, texts, both, no_time] {
        let judged = std::panic::catch_unwind(|| check("GET", "/orderbook", &answer(bad.clone())));
        assert!(judged.is_err(), "let through: {bad}");
    }
}
