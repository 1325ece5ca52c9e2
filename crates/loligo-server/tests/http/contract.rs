//! The contract as a judge: every answer that a test is given must be one that `contract/` has for its route, every message of the
//! feeds one of `contract/websocket.schema.json`.
//!
//! It judges more strictly than a reader has to: what the published document requires must be there, though the contract lets
//! readers do without it, and no member is sent that the contract does not name. An error with a success's status or
//! word, and a success with an error's, are none.

use crate::venue::Answer;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Members that are sent though the contract does not name them, and that no member forbids: the schema, and what is sent.
const BESIDE: [(&str, &str); 3] = [
    // rest-notes: extra members are allowed, and one later recording shows this one.
    ("TriggerOptions", "trailingStopOptions"),
    // One widespread client reads the other spelling alone.
    ("OpenOrderJson", "cli_ord_id"),
    ("FillJson", "cli_ord_id"),
];

/// Members that the published document requires and the contract says are absent at times.
const ABSENT_AT_TIMES: [(&str, &str); 2] = [
    // Of dated contracts.
    ("OpenPositionJson", "unrealizedFunding"),
    // Before the pair has its first index price.
    ("MarketTicker", "indexPrice"),
];

/// A document of the contract.
pub struct Document {
    pub name: &'static str,
    pub content: Value,
}

/// An operation of the contract: where it is asked for, and what may be answered.
pub struct Operation {
    pub document: &'static Document,
    pub name: String,
    pub method: String,
    /// Its path, with the names of what it names in braces.
    pub path: String,
    /// What signs it; nothing for what is public.
    security: Value,
    responses: Value,
}

pub static DOCUMENTS: LazyLock<[Document; 3]> = LazyLock::new(|| {
    ["rest", "history", "charts"].map(|name| {
        let path = format!("{}/../../contract/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the contract");
        let mut content: Value = serde_saphyr::from_str(&text).expect("YAML");
        let mut parts = BTreeSet::new();
        parts_of(&content, &mut parts);
        be_strict(&mut content["components"]["schemas"], &parts);
        Document { name, content }
    })
});

pub static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for document in &*DOCUMENTS {
        for (path, item) in document.content["paths"].as_object().expect("paths") {
            let base = match path.as_str() {
                "/historicalfundingrates" => "/derivatives/api/v4",
                path if path.starts_with("/api/") => "",
                _ => crate::venue::BASE,
            };
            for method in ["get", "post", "put", "delete"] {
                let Some(operation) = item.get(method) else { continue };
                all.push(Operation {
                    document,
                    name: operation["operationId"].as_str().expect("a name").to_owned(),
                    method: method.to_ascii_uppercase(),
                    path: format!("{base}{path}"),
                    security: operation["security"].clone(),
                    responses: operation["responses"].clone(),
                });
            }
        }
    }
    all
});

/// Which operation a request asks for. Four lists are given to POST, and four of history under another path, too.
pub fn operation(method: &str, path: &str) -> Option<&'static Operation> {
    let lists = ["accounts", "openorders", "openpositions", "fills"];
    let histories = ["orders", "executions", "triggers", "accountlogcsv"];
    let (mut method, mut path) = (method, path.to_owned());
    if let Some(name) = path.strip_prefix("/derivatives/api/v3/") {
        if method == "POST" && lists.contains(&name) {
            method = "GET";
        } else if histories.contains(&name) {
            path = format!("/api/history/v3/{name}");
        }
    } else if path == "/api/charts/v1" {
        path.push('/');
    }
    let fits = |operation: &&Operation| {
        let (template, given) = (operation.path.split('/'), path.split('/'));
        template.clone().count() == given.clone().count()
            && template
                .zip(given)
                .all(|(part, given)| part == given || part.starts_with('{') && !given.is_empty())
    };
    // A path that is named whole is meant before one that names something.
    let named = |operation: &&Operation| operation.path.matches('{').count();
    OPERATIONS.iter().filter(|operation| operation.method == method).filter(fits).min_by_key(named)
}

/// Judges an answer, whatever it is to.
pub fn judge(method: &str, target: &str, answer: &Answer) {
    let path = target.split('?').next().unwrap_or_default();
    if !path.starts_with("/derivatives/") && !path.starts_with("/api/") {
        return;
    }
    let turned_away = [400, 414, 431, 503].contains(&answer.status);
    if turned_away && answer.body.is_empty() {
        // Nobody could read it as a request.
        return;
    }
    let Some(operation) = operation(method, path) else {
        // What a browser asks first, and what is turned away before anyone looks at the path, are no answers of the contract.
        if (method, answer.status) != ("OPTIONS", 204) && !turned_away {
            assert_eq!(answer.status, 404, "{method} {path} is not in the contract: {answer:?}");
            judge_as(&DOCUMENTS[0], "ErrorResponseCodes", &answer.json());
        }
        return;
    };
    let what = format!("{} ({method} {path}, HTTP {})", operation.name, answer.status);
    let Some(response) = operation.response(answer.status) else {
        let reasoned = operation.document.name != "rest";
        match answer.status {
            429 if reasoned => assert!(answer.header("rate-limit-reset").is_some(), "{what}: {answer:?}"),
            400 | 503 if reasoned => judge_as(&DOCUMENTS[1], "HistoryError", &answer.json()),
            404 => judge_as(&DOCUMENTS[0], "ErrorResponseCodes", &answer.json()),
            _ => {
                assert!(turned_away, "{what} is not in the contract: {answer:?}");
                judge_as(&DOCUMENTS[0], "AnyErrorResponse", &answer.json());
            }
        }
        return;
    };
    let content = response["content"].as_object();
    let media = content.map(|content| content.keys().map(String::as_str).collect::<Vec<_>>());
    let media = media.unwrap_or_default();
    let said = answer.header("content-type").unwrap_or_default();
    if media.is_empty() {
        assert!(answer.body.is_empty(), "{what}: {answer:?}");
    } else if media.contains(&"application/json") {
        assert_eq!(said, "application/json", "{what}");
        judge_json(operation, answer, &what);
    } else {
        assert!(media.iter().any(|media| said.starts_with(media)), "{what} is {said}");
    }
}

fn judge_json(operation: &Operation, answer: &Answer, what: &str) {
    let json = answer.json();
    if json["result"] == "error" {
        assert!(json.get("error").is_some() || json.get("errors").is_some(), "{what} says not what: {json}");
        // A few routes publish no error of their own with HTTP 200; they answer like all others.
        if answer.status == 200 && !operation.publishes_errors() {
            judge_as(&DOCUMENTS[0], "AnyErrorResponse", &json);
            return;
        }
    } else if operation.document.name == "rest" {
        assert_eq!(answer.status, 200, "{what} is a success: {json}");
        // The one route that tells by success what an order would be refused for.
        let supposed = operation.name == "getInitialMargin";
        assert!(supposed || json.get("error").is_none(), "{what} is a success with an error: {json}");
    }
    let validator = operation.validator(answer.status);
    let complaints: Vec<String> =
        validator.iter_errors(&json).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(complaints.is_empty(), "{what}: {complaints:?}\n{json:#}");
}

/// Judges by a schema of a document.
fn judge_as(document: &Document, schema: &str, json: &Value) {
    let schema = document.validator(&json!({"$ref": format!("#/components/schemas/{schema}")}));
    let complaints: Vec<String> = schema.iter_errors(json).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}\n{json:#}");
}

impl Document {
    fn validator(&self, schema: &Value) -> Validator {
        let document = json!({"components": self.content["components"], "allOf": [schema]});
        jsonschema::options().should_validate_formats(true).build(&document).expect("a schema")
    }
}

impl Operation {
    /// Whether it takes a key.
    pub fn is_private(&self) -> bool {
        self.security.as_array().is_some_and(|keys| !keys.is_empty())
    }

    fn response(&self, status: u16) -> Option<&Value> {
        let response = self.responses.get(status.to_string())?;
        Some(match response["$ref"].as_str() {
            Some(pointer) => {
                self.document.content.pointer(pointer.trim_start_matches('#')).expect("a response")
            }
            None => response,
        })
    }

    fn publishes_errors(&self) -> bool {
        self.response(200).is_some_and(|response| response.to_string().contains("/schemas/ErrorResponse"))
    }

    fn validator(&self, status: u16) -> Arc<Validator> {
        type Known = HashMap<(String, u16), Arc<Validator>>;
        static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let mut schema =
                self.response(status).expect("a response")["content"]["application/json"]["schema"].clone();
            close(&mut schema, &BTreeSet::new(), "");
            Arc::new(self.document.validator(&schema))
        };
        Arc::clone(known.entry((self.name.clone(), status)).or_insert_with(new))
    }
}

/// Makes the schemas of a document say what is sent, where they say what is to be read.
fn be_strict(schemas: &mut Value, parts: &BTreeSet<String>) {
    for (name, schema) in schemas.as_object_mut().expect("schemas") {
        for (of, member) in BESIDE {
            if of == name {
                schema["properties"][member] = json!({});
            }
        }
        if let Some(Value::Array(published)) = schema.get("x-required-published").cloned() {
            let is_there =
                |member: &Value| !ABSENT_AT_TIMES.contains(&(name, member.as_str().unwrap_or_default()));
            schema["required"] = published.into_iter().filter(is_there).collect();
        }
        close(schema, parts, name);
    }
}

/// The schemas that are a part of others, which have more members.
fn parts_of(schema: &Value, parts: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "allOf" {
                    let pointers =
                        member.as_array().expect("a list").iter().filter_map(|part| part["$ref"].as_str());
                    parts
                        .extend(pointers.filter_map(|pointer| pointer.rsplit('/').next()).map(str::to_owned));
                }
                parts_of(member, parts);
            }
        }
        Value::Array(list) => list.iter().for_each(|schema| parts_of(schema, parts)),
        _ => {}
    }
}

/// Lets a schema of an object name all members that there are.
fn close(schema: &mut Value, parts: &BTreeSet<String>, name: &str) {
    let Value::Object(members) = schema else { return };
    let open = |members: &Map<String, Value>| {
        let says = |word: &str| members.contains_key(word);
        (says("properties") || says("allOf")) && !says("additionalProperties")
    };
    if open(members) && !parts.contains(name) {
        members.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    for (word, member) in members.iter_mut() {
        match (word.as_str(), member) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|property| close(property, parts, ""));
            }
            ("items" | "additionalProperties", member) => close(member, parts, ""),
            // The parts of a whole leave the others' members to it.
            ("oneOf" | "anyOf", Value::Array(list)) => list.iter_mut().for_each(|one| close(one, parts, "")),
            ("allOf", Value::Array(list)) => list.iter_mut().for_each(|part| {
                let more = take_what_says_more(part);
                close(part, parts, "");
                if let Value::Object(part) = part {
                    part.remove("unevaluatedProperties");
                    if let Some(Value::Object(properties)) = part.get_mut("properties") {
                        properties.extend(more);
                    }
                }
            }),
            _ => {}
        }
    }
}

/// Takes from a part of a whole those members of which it says more than another part does: they have no type of their own.
fn take_what_says_more(part: &mut Value) -> Map<String, Value> {
    let Some(Value::Object(properties)) = part.get_mut("properties") else { return Map::new() };
    let says_all = |member: &Value| member.get("type").is_some() || member.get("$ref").is_some();
    let (own, more) = std::mem::take(properties).into_iter().partition(|(_, member)| says_all(member));
    *properties = own;
    more
}

static MESSAGES: LazyLock<Validator> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/websocket.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema");
    let mut schema: Value = serde_json::from_str(&text).expect("JSON");
    schema["anyOf"] = json!([{"$ref": "#/$defs/ServerMessage"}]);
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
});

/// Judges a message of the feeds: the contract has it.
pub fn judge_message(text: &str) -> Value {
    let message: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let complaints: Vec<String> = MESSAGES.iter_errors(&message).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "{complaints:?}\n{message:#}");
    message
}
