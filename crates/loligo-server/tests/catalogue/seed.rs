//! The published page of the status endpoint: its words, and its schema as a judge.

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The lists of words on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    /// `status` of a record.
    Status,
    /// `updateReason` of a record.
    Reason,
    /// `error` of a record.
    Refusal,
    /// `error` of a whole answer.
    General,
    /// `type` of the order in a record.
    Kind,
    /// `triggerSide` of its trigger options.
    TriggerSide,
    /// `triggerSignal` of its trigger options.
    TriggerSignal,
}

/// One word of the page; the same text can stand in several lists.
pub type Word = (List, &'static str);

pub const fn status(word: &'static str) -> Word {
    (List::Status, word)
}

pub const fn reason(word: &'static str) -> Word {
    (List::Reason, word)
}

pub const fn refusal(word: &'static str) -> Word {
    (List::Refusal, word)
}

pub const fn general(word: &'static str) -> Word {
    (List::General, word)
}

pub const fn kind(word: &'static str) -> Word {
    (List::Kind, word)
}

pub const fn trigger_side(word: &'static str) -> Word {
    (List::TriggerSide, word)
}

pub const fn trigger_signal(word: &'static str) -> Word {
    (List::TriggerSignal, word)
}

impl List {
    pub const ALL: [Self; 7] = [
        Self::Status,
        Self::Reason,
        Self::Refusal,
        Self::General,
        Self::Kind,
        Self::TriggerSide,
        Self::TriggerSignal,
    ];

    /// Where the page keeps the list, below its schemas.
    fn pointer(self) -> &'static str {
        match self {
            Self::Status => "/OrderStatusJson/enum",
            Self::Reason => "/OrderUpdateReason/enum",
            Self::Refusal => "/OrderError/enum",
            Self::General => "/Error/enum",
            Self::Kind => "/CachedOrderJson/properties/type/enum",
            Self::TriggerSide => "/TriggerOptions/properties/triggerSide/enum",
            Self::TriggerSignal => "/TriggerOptions/properties/triggerSignal/enum",
        }
    }

    /// Its words, as the page has them.
    pub fn words(self) -> Vec<String> {
        let list = PAGE["components"]["schemas"].pointer(self.pointer()).and_then(Value::as_array);
        let words = list.unwrap_or_else(|| panic!("the page has no list {self}"));
        words.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    }
}

impl fmt::Display for List {
    /// As the page calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "OrderStatusJson",
            Self::Reason => "OrderUpdateReason",
            Self::Refusal => "OrderError",
            Self::General => "Error",
            Self::Kind => "type",
            Self::TriggerSide => "triggerSide",
            Self::TriggerSignal => "triggerSignal",
        })
    }
}

/// The OpenAPI document inside the page.
static PAGE: LazyLock<Value> = LazyLock::new(|| {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/seed/orders-status.md");
    let text = std::fs::read_to_string(page).expect("the page");
    let (_, rest) = text.split_once("````yaml").expect("the page has a document");
    let (_, rest) = rest.split_once('\n').expect("which starts on a line of its own");
    let (document, _) = rest.split_once("````").expect("and ends");
    serde_saphyr::from_str(document).expect("YAML")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let operation = &PAGE["paths"]["/orders/status"]["post"];
    let codes: Vec<&String> = operation["responses"].as_object().expect("responses").keys().collect();
    assert_eq!(codes, ["200"], "every answer has HTTP 200");
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    let document = nullable(&json!({"components": PAGE["components"], "allOf": [schema]}));
    jsonschema::options().should_validate_formats(true).build(&document).expect("a schema")
});

/// The page says `nullable: true`, which later drafts of JSON Schema do not know: spelled out.
fn nullable(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut plain: Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), nullable(value))).collect();
            if plain.remove("nullable") == Some(Value::Bool(true)) {
                json!({"anyOf": [{"type": "null"}, plain]})
            } else {
                Value::Object(plain)
            }
        }
        Value::Array(items) => items.iter().map(nullable).collect(),
        plain => plain.clone(),
    }
}

/// Judges an answer of `/orders/status` by the page's own schema.
pub fn judge(answer: &Value) {
    let complaints: Vec<String> = VALIDATOR.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(complaints.is_empty(), "not an answer of the published page: {complaints:?}\n{answer:#}");
}

/// The words that real answers have said so far; clones share one memory.
#[derive(Clone, Default)]
pub struct Witness(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    words: BTreeSet<(List, String)>,
    /// The statuses of orders, edits and cancels.
    replies: BTreeSet<String>,
    /// The reasons on the feeds of open orders.
    told: BTreeSet<String>,
}

impl Witness {
    /// Takes note of what an answer says.
    pub fn hears(&self, path: &str, answer: &Value) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Heard { words, replies, .. } = &mut *heard;
        let mut note = |list, word: &Value| {
            if let Some(word) = word.as_str() {
                words.insert((list, word.to_owned()));
            }
        };
        if path == "/orders/status" {
            for record in answer["orders"].as_array().into_iter().flatten() {
                note(List::Status, &record["status"]);
                note(List::Reason, &record["updateReason"]);
                note(List::Refusal, &record["error"]);
                note(List::Kind, &record["order"]["type"]);
                let trigger = &record["order"]["priceTriggerOptions"];
                note(List::TriggerSide, &trigger["triggerSide"]);
                note(List::TriggerSignal, &trigger["triggerSignal"]);
            }
        }
        // A detail may follow the word, as in `invalidArgument: side`.
        if let Some(error) = answer["error"].as_str() {
            let word = error.split_once(": ").map_or(error, |(word, _)| word);
            note(List::General, &json!(word));
        }
        for reason in rejections(answer) {
            note(List::Refusal, reason);
        }
        let single = ["sendStatus", "editStatus", "cancelStatus"].map(|name| &answer[name]);
        let statuses = single.into_iter().chain(answer["batchStatus"].as_array().into_iter().flatten());
        replies.extend(statuses.filter_map(|status| status["status"].as_str().map(str::to_owned)));
    }

    /// Takes note of a message of a feed.
    pub fn is_told(&self, message: &Value) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.told.extend(message["reason"].as_str().map(str::to_owned));
    }

    pub fn saw(&self, (list, word): Word) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.words.contains(&(list, word.to_owned()))
    }

    /// How else what happened was told: the statuses that orders, edits and cancels were answered, the reasons on the
    /// feeds of open orders.
    pub fn spellings(&self) -> BTreeSet<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.replies.union(&heard.told).cloned().collect()
    }
}

/// The reasons of all REJECT events, wherever they stand in an answer.
fn rejections(answer: &Value) -> Vec<&Value> {
    match answer {
        Value::Object(members) if members.get("type").is_some_and(|kind| kind == "REJECT") => {
            members.get("reason").into_iter().collect()
        }
        Value::Object(members) => members.values().flat_map(rejections).collect(),
        Value::Array(items) => items.iter().flat_map(rejections).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[test]
fn the_page_has_97_words() {
    let counts = List::ALL.map(|list| list.words().len());
    assert_eq!(counts, [6, 23, 42, 17, 2, 3, 4]);
    assert_eq!(counts.iter().sum::<usize>(), 97);
}

#[test]
fn the_page_s_schema_judges() {
    let order = json!({
        "type": "ORDER", "orderId": "00000000-0000-4000-8000-000000000000", "cliOrdId": null, "symbol": "PF_XBTUSD",
        "side": "buy", "quantity": 0.1, "filled": 0, "limitPrice": 40000, "reduceOnly": false, "timestamp": "t",
        "lastUpdateTimestamp": "t", "algoId": null, "priceTriggerOptions": null, "triggerTime": null,
    });
    let record = json!({"order": order, "status": "REJECTED", "updateReason": null, "error": "PRICE_COLLAR"});
    let answer = json!({"result": "success", "serverTime": "2026-01-01T00:00:00.000Z", "orders": [record]});
    judge(&answer);
    for (pointer, bad) in [
        ("/orders/0/status", json!("LOST")),
        ("/orders/0/error", json!("NO_SUCH_WORD")),
        ("/orders/0/order/orderId", json!("x")),
        ("/orders/0/order/priceTriggerOptions", json!({"triggerPrice": 1})),
        ("/serverTime", json!("noon")),
        ("/result", json!("error")),
    ] {
        let mut wrong = answer.clone();
        *wrong.pointer_mut(pointer).expect(pointer) = bad;
        assert!(!VALIDATOR.is_valid(&wrong), "{pointer}");
    }
    let detailed =
        json!({"result": "error", "error": "invalidArgument: orderIds", "serverTime": answer["serverTime"]});
    assert!(!VALIDATOR.is_valid(&detailed), "the page knows the bare word only");
}
