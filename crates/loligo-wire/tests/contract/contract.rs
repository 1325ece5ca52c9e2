//! The contract's documents, read for tests.

use std::path::Path;

use serde_json::{Value, json};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contract").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The whole contract of the REST API.
pub fn rest() -> Value {
    serde_saphyr::from_str(&read("rest.yaml")).expect("rest.yaml is YAML")
}

/// The contract of the charts API.
pub fn charts() -> Value {
    serde_saphyr::from_str(&read("charts.yaml")).expect("charts.yaml is YAML")
}

/// The contract of the history API.
pub fn history() -> Value {
    serde_saphyr::from_str(&read("history.yaml")).expect("history.yaml is YAML")
}

/// The schema of the WebSocket API.
pub fn websocket() -> Value {
    serde_json::from_str(&read("websocket.schema.json")).expect("the schema is JSON")
}

/// An example message of the WebSocket API.
pub fn example(name: &str) -> Value {
    serde_json::from_str(&read(&format!("websocket-examples/{name}"))).expect("examples are JSON")
}

/// The names of all example messages, in order.
pub fn example_names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contract/websocket-examples");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = files.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The published document of `/orders/status` alone, which has the last word on it.
pub fn seed() -> Value {
    let markdown = read("seed/orders-status.md");
    let start = markdown.find("````yaml").expect("the document is fenced");
    let yaml = markdown[start..].split_once('\n').expect("the fence ends").1;
    let mut seed =
        serde_saphyr::from_str(yaml.split("````").next().unwrap_or_default()).expect("the seed is YAML");
    spell_nullable(&mut seed);
    seed
}

/// Rewrites `nullable: true`, which only OpenAPI 3.0 knows, as a union with null.
fn spell_nullable(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(spell_nullable);
            if members.remove("nullable") == Some(Value::Bool(true)) {
                let schema = Value::Object(std::mem::take(members));
                members.insert("anyOf".into(), json!([schema, { "type": "null" }]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(spell_nullable),
        _ => {}
    }
}

/// The words of an `enum` at a place of a document.
pub fn words(document: &Value, pointer: &str) -> Vec<String> {
    let list = document.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
    let list = list.as_array().unwrap_or_else(|| panic!("{pointer} is no list"));
    list.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// A validator of the schema at a place of a document, formats of UUIDs and times included.
pub fn validator(document: &Value, pointer: &str) -> jsonschema::Validator {
    assert!(document.pointer(pointer).is_some(), "no {pointer}");
    let mut root = document.clone();
    // A reference is a URI, and no URI has braces.
    root["$ref"] = format!("#{pointer}").replace('{', "%7B").replace('}', "%7D").into();
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root)
        .unwrap_or_else(|error| panic!("{pointer}: {error}"))
}

/// Where a document keeps the schema of a route's good answer.
pub fn answer_pointer(method: &str, path: &str) -> String {
    let path = path.replace('/', "~1");
    format!("/paths/{path}/{method}/responses/200/content/application~1json/schema")
}

/// Asserts that a body is JSON that a schema allows, and has no member `error` if it is a success.
pub fn assert_valid(validator: &jsonschema::Validator, body: &[u8]) -> Value {
    let value = assert_allowed(validator, body);
    if value["result"] == "success" {
        assert_eq!(value.get("error"), None, "a client takes the key itself for a failure");
    }
    value
}

/// Asserts that a body is JSON that a schema allows.
pub fn assert_allowed(validator: &jsonschema::Validator, body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let value: Value = serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {text}"));
    let errors: Vec<_> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    value
}

/// Asserts that an object has every member that the published document demands, where our own list is looser.
pub fn assert_published(document: &Value, schema: &str, value: &Value) {
    for name in words(document, &format!("/components/schemas/{schema}/x-required-published")) {
        assert!(value.get(&name).is_some(), "{schema} lacks {name}: {value}");
    }
}
