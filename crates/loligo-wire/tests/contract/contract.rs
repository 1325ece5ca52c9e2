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
