//! `docs/events.md` says of each field of the contract which event it comes from. No field is without a row, no row without a
//! field, and no row names what no event has.

use loligo_engine::Event;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The documents whose fields followers answer, and where their schemas are.
const DOCUMENTS: [(&str, &str); 3] = [
    ("history.yaml", "/components/schemas"),
    ("charts.yaml", "/components/schemas"),
    ("websocket.schema.json", "/$defs"),
];

/// What a source begins with that is no event's.
const ELSEWHERE: [&str; 8] =
    ["constant:", "request:", "answer:", "clock", "place:", "fact:", "later:", "reckoned from "];

/// Where structs that events carry are declared.
const SOURCES: [&str; 5] = ["event.rs", "trigger.rs", "command.rs", "instrument.rs", "view.rs"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A field of the contract: document, schema, path.
type Field = (String, String, String);

/// All fields of a schema, those of objects within it under the name of the field that holds them.
fn fields_of(schema: &Value, within: &str, to: &mut BTreeSet<String>) {
    if !schema.is_object() {
        return;
    }
    for several in ["allOf", "oneOf", "anyOf"] {
        for one in schema[several].as_array().into_iter().flatten() {
            fields_of(one, within, to);
        }
    }
    for one in ["items", "additionalProperties"] {
        fields_of(&schema[one], within, to);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{within}{name}");
        fields_of(inner, &format!("{path}."), to);
        to.insert(path);
    }
}

fn contract() -> BTreeSet<Field> {
    let mut all = BTreeSet::new();
    for (document, at) in DOCUMENTS {
        let text = read(&format!("contract/{document}"));
        let whole: Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{document}: {error}"));
        let schemas = whole.pointer(at).and_then(Value::as_object).expect("schemas");
        for (name, schema) in schemas {
            let mut fields = BTreeSet::new();
            fields_of(schema, "", &mut fields);
            all.extend(fields.into_iter().map(|field| (document.to_owned(), name.clone(), field)));
        }
    }
    all
}

/// Each row's fields and source.
fn rows() -> Vec<(Field, String)> {
    let mut rows = Vec::new();
    let mut document = String::new();
    for line in read("docs/events.md").lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut document);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", schema, fields, source, ""] = cells.as_slice() else { continue };
        let named = fields.split(", ").filter_map(|field| field.strip_prefix('`')?.strip_suffix('`'));
        for field in named {
            let field = (document.clone(), (*schema).to_owned(), field.to_owned());
            rows.push((field, (*source).to_owned()));
        }
    }
    rows
}

/// What stands in backticks.
fn named(source: &str) -> impl Iterator<Item = &str> {
    source.split('`').skip(1).step_by(2)
}

/// The lines between a head and the brace that closes it, which stands as far in as the head does.
fn block<'t>(text: &'t str, head: &str) -> Option<&'t str> {
    let begins = text.match_indices(head).map(|(at, _)| at).find(|at| {
        let before = &text[text[..*at].rfind('\n').map_or(0, |line| line + 1)..*at];
        before.trim().is_empty()
    })?;
    let indent = begins - text[..begins].rfind('\n').map_or(0, |line| line + 1);
    let end = format!("\n{}}}", " ".repeat(indent));
    let rest = &text[begins..];
    rest.find(&end).map(|end| &rest[..end])
}

#[test]
fn every_field_that_followers_answer_has_a_row_and_every_row_a_field() {
    let (contract, rows) = (contract(), rows());
    assert!(contract.len() > 600, "{} fields", contract.len());
    let described: BTreeSet<Field> = rows.iter().map(|(field, _)| field.clone()).collect();
    assert_eq!(described.len(), rows.len(), "a field has one row");
    let missing: Vec<_> = contract.difference(&described).collect();
    let unknown: Vec<_> = described.difference(&contract).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "without a row: {missing:#?}, of no schema: {unknown:#?}"
    );
}

#[test]
fn every_row_names_fields_that_events_have_or_says_where_else_it_comes_from() {
    let sources: Vec<String> =
        SOURCES.iter().map(|file| read(&format!("crates/loligo-engine/src/{file}"))).collect();
    let mut wrong = Vec::new();
    for (field, source) in rows() {
        let elsewhere = ELSEWHERE.iter().any(|word| source.starts_with(word));
        if !elsewhere && named(&source).next().is_none() {
            wrong.push(format!("{field:?} comes from nowhere: {source}"));
        }
        for name in named(&source) {
            let Some((of, part)) = name.split_once('.') else {
                wrong.push(format!("{field:?}: {name} is no field"));
                continue;
            };
            let event = Event::STORED_CODES.iter().any(|(_, variant)| *variant == of);
            let heads = if event { vec![format!("{of} {{")] } else { vec![format!("pub struct {of} {{")] };
            let blocks = sources.iter().flat_map(|text| heads.iter().filter_map(|head| block(text, head)));
            let has = |text: &str| {
                text.lines()
                    .any(|line| line.trim().trim_start_matches("pub ").starts_with(&format!("{part}: ")))
            };
            if !blocks.into_iter().any(has) {
                wrong.push(format!("{field:?}: {name} is of no event"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
