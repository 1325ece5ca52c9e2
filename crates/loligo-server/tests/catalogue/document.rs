//! `docs/order-status.md` and the table of scenarios say the same.

use crate::scenarios::{Scenario, all};
use crate::seed::List;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/order-status.md");
    std::fs::read_to_string(path).expect("the document")
});

/// A row of the document.
pub struct Row {
    pub word: &'static str,
    /// Why it is said, as the scenario tells it, and then what to do.
    says: &'static str,
    /// How the same is spelled elsewhere; some lists have no such column.
    pub elsewhere: Vec<&'static str>,
    scenario: &'static str,
}

/// The rows of the section that is headed by the name of a list.
pub fn rows(list: List) -> Vec<Row> {
    let name = format!("`{list}`");
    let mut rows = Vec::new();
    let mut inside = false;
    for line in DOCUMENT.lines() {
        if line.starts_with('#') {
            inside = line.contains(&name);
        }
        let Some(line) = line.strip_prefix("| `").filter(|_| inside) else { continue };
        let cells: Vec<&str> = line.trim_end_matches('|').split(" | ").map(str::trim).collect();
        let [word, says, elsewhere @ .., scenario] = &cells[..] else { panic!("too few cells: {line}") };
        let quoted = elsewhere.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2));
        rows.push(Row { word: word.trim_end_matches('`'), says, elsewhere: quoted.collect(), scenario });
    }
    rows
}

#[test]
fn every_word_has_its_row_with_cause_and_scenario() {
    let titles: BTreeMap<&str, &Scenario> = all().map(|scenario| (scenario.title, scenario)).collect();
    for list in List::ALL {
        let rows = rows(list);
        let words: Vec<&str> = rows.iter().map(|row| row.word).collect();
        assert_eq!(words, list.words(), "the rows of {list} are the words of the page, in its order");
        for Row { word, says, scenario, .. } in rows {
            let found = titles.get(scenario).unwrap_or_else(|| panic!("{word}: no scenario {scenario:?}"));
            let shows = found.shows.iter().any(|(of, shown)| *of == list && *shown == word);
            assert!(shows, "{list} {word}: the scenario {scenario:?} does not show it");
            assert!(says.starts_with(found.cause), "{list} {word}: not the cause that {scenario:?} tells");
        }
    }
}

#[test]
fn the_index_by_reply_word_leads_to_every_error_that_the_reply_can_stand_for() {
    let mut index: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Row { word, elsewhere, .. } in rows(List::Refusal) {
        for reply in elsewhere {
            index.entry(reply).or_default().push(word);
        }
    }
    let (_, section) = DOCUMENT.split_once("## From the word in a reply").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let written: BTreeMap<&str, Vec<&str>> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(reply, errors)| (reply, errors.split('`').skip(1).step_by(2).collect()))
        .collect();
    assert_eq!(written, index);
}
