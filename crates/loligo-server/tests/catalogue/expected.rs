//! What a scenario expects, written short, and told apart from what came.

use crate::language::plain;
use serde_json::Value;

/// Holds a record of `/orders/status` against `STATUS REASON ERROR field=value ...`; `-` is null, `*` is
/// anything.
///
/// A field is one of the order or of its trigger options; the value `set` is anything but null.
pub fn record(record: &Value, want: &str) -> Result<(), String> {
    let mut words = want.split_whitespace();
    for name in ["status", "updateReason", "error"] {
        let word = words.next().unwrap_or_else(|| panic!("{want:?} says nothing of {name}"));
        same(name, &record[name], word)?;
    }
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("{word:?} is no field=value"));
        let order = &record["order"];
        let found = match name {
            "triggerPrice" | "triggerSide" | "triggerSignal" => &order["priceTriggerOptions"][name],
            _ => order.get(name).unwrap_or_else(|| panic!("an order has no {name}")),
        };
        same(name, found, value)?;
    }
    Ok(())
}

fn same(name: &str, found: &Value, want: &str) -> Result<(), String> {
    let fits = match want {
        "*" => true,
        "-" => found.is_null(),
        "set" => !found.is_null(),
        want => text(found) == plain(want),
    };
    if fits { Ok(()) } else { Err(format!("{name} is {found}, not {want}")) }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An answer's events in one line: `EXECUTION 1 @ 50010, PLACE`.
pub fn events(status: &Value) -> String {
    let told = status["orderEvents"].as_array().into_iter().flatten().map(|event| {
        let kind = text(&event["type"]);
        match kind.as_str() {
            "EXECUTION" => format!("{kind} {} @ {}", event["amount"], event["price"]),
            "REJECT" => format!("{kind} {}", text(&event["reason"])),
            _ => kind,
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Holds the status of an order, an edit or a cancel against `status` or `status: its events`.
pub fn status(status: &Value, want: &str) -> Result<(), String> {
    let (word, story) = match want.split_once(':') {
        Some((word, story)) => (word, Some(story.trim())),
        None => (want, None),
    };
    if status["status"] != word {
        return Err(format!("status is {}, not {word}", status["status"]));
    }
    let came = events(status);
    match story {
        Some(story) if came != plain_story(story) => Err(format!("events are {came:?}, not {story:?}")),
        _ => Ok(()),
    }
}

fn plain_story(story: &str) -> String {
    let events = story.split(", ").map(|event| event.split(' ').map(plain).collect::<Vec<_>>().join(" "));
    events.collect::<Vec<_>>().join(", ")
}
