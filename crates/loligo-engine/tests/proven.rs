//! Sections 4 to 6 of the rule book: each of its items has a test that reckons it anew, named in `proven/rules.txt`.
//!
//! An item is what has a number (`4.6.1`) or stands in a table (`4.2 Contract PF_XBTUSD`: section, head of the first column, first
//! cell). A paragraph that is neither, and does more than lead to a table, would be a rule that nobody proves, and is a fault, too.

mod page;

use page::{cells, read};
use std::collections::BTreeSet;

/// The items of a rule book's sections 4 to 6, in their order, and what in these sections is none.
fn items(book: &str) -> (Vec<String>, Vec<String>) {
    let (mut items, mut faults) = (Vec::new(), Vec::new());
    let (mut section, mut head, mut paragraph) = (String::new(), None::<String>, String::new());
    let lines = book.lines().skip_while(|line| !line.starts_with("## 4. "));
    for line in lines.take_while(|line| !line.starts_with("## 7. ")).chain([""]) {
        let item = line.split_once(". ").filter(|(number, _)| number.parse::<u32>().is_ok());
        let row = cells(line);
        let plain = !(line.is_empty() || line.starts_with(['#', ' ']) || item.is_some() || row.is_some());
        if plain {
            paragraph = line.to_owned();
        } else if !paragraph.is_empty() {
            if !paragraph.ends_with(':') {
                faults.push(format!("{section} says something without a number: {paragraph}"));
            }
            paragraph.clear();
        }
        if let Some(title) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
            section = title.split(' ').next().unwrap_or_default().trim_end_matches('.').to_owned();
        } else if let Some((number, _)) = item {
            items.push(format!("{section}.{number}"));
        }
        match (&head, row) {
            (None, Some(row)) => head = Some(row[0].clone()),
            (Some(head), Some(row)) if !row[0].starts_with("--") => {
                items.push(format!("{section} {head} {}", row[0]));
            }
            (Some(_), Some(_)) => {}
            (_, None) => head = None,
        }
    }
    (items, faults)
}

/// Rows of the table: an item with its rule in a few words behind two spaces, then a line for each test, set in.
fn rows(table: &str) -> Vec<(String, String, Vec<String>)> {
    let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(test) = line.strip_prefix("    ") {
            rows.last_mut().expect("a test stands under its rule").2.push(test.to_owned());
        } else {
            let (item, words) = line.split_once("  ").unwrap_or((line, ""));
            rows.push((item.to_owned(), words.trim().to_owned(), Vec::new()));
        }
    }
    rows
}

/// What switches a test off; in two parts, so that this file has none of it.
const SWITCHES: [(&str, &str); 3] = [("#[", "ignore"), ("mark.", "skip"), ("mark.", "xfail")];

/// What is wrong with a name of a test, `crate/path.rs::function`, in the sources; nothing when it runs with the others.
fn wrong_with(test: &str, source: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let Some((path, function)) = test.split_once("::") else { return Some("is no test's name") };
    let Some(text) = source(path) else { return Some("is in no file") };
    let heads = [
        format!("fn {function}("),
        format!("async fn {function}("),
        format!("def {function}("),
        format!("async def {function}("),
    ];
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let Some(at) = lines.iter().position(|line| heads.iter().any(|head| line.starts_with(head))) else {
        return Some("is not in its file");
    };
    let marks = lines[..at].iter().rev().take_while(|line| line.starts_with(['#', '@', '/']));
    let marks: Vec<&str> = marks.copied().collect();
    let is_rust = path.ends_with(".rs");
    let is_test = marks.iter().any(|mark| *mark == "#[test]" || mark.starts_with("#[tokio::test"));
    if is_rust && !is_test || !is_rust && !function.starts_with("test_") {
        return Some("is no test");
    }
    let off = SWITCHES.map(|(mark, word)| [mark, word].concat());
    marks.iter().any(|mark| off.iter().any(|off| mark.contains(off.as_str()))).then_some("is switched off")
}

/// All that keeps a rule book from being proven by a table and the sources.
fn faults(book: &str, table: &str, source: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let (items, mut faults) = items(book);
    let rows = rows(table);
    let mut seen = BTreeSet::new();
    faults
        .extend(items.iter().filter(|item| !seen.insert(*item)).map(|item| format!("{item} is there twice")));
    let proven: BTreeSet<&String> = rows.iter().map(|(item, ..)| item).collect();
    faults
        .extend(items.iter().filter(|item| !proven.contains(item)).map(|item| format!("{item} has no row")));
    for (at, (item, words, tests)) in rows.iter().enumerate() {
        if !seen.contains(item) {
            faults.push(format!("{item} is no rule"));
        }
        if rows[..at].iter().any(|(before, ..)| before == item) {
            faults.push(format!("{item} has two rows"));
        }
        if words.is_empty() || tests.is_empty() {
            faults.push(format!("{item} is not described, or proven by nothing"));
        }
        for test in tests {
            faults.extend(wrong_with(test, &source).map(|wrong| format!("{item}: {test} {wrong}")));
        }
    }
    faults
}

#[test]
fn every_rule_of_money_is_proven_by_a_test() {
    let source = |path: &str| {
        let root = if path.starts_with("tests/") { "" } else { "crates/" };
        let path = format!("{root}{path}");
        let exists = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&path).is_file();
        exists.then(|| read(&path))
    };
    let (book, table) = (read("docs/rules.md"), read("crates/loligo-engine/tests/proven/rules.txt"));
    let found = items(&book).0;
    assert!(found.len() > 200, "{} items are not all of the rule book", found.len());
    let faults = faults(&book, &table, source);
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
}

#[test]
fn what_is_not_proven_is_found() {
    let book = "## 3. Before\n\n1. Not money.\n\n## 4. Contracts\n\n### 4.1 Kinds\n\nThese:\n\n| Kind | Is |\n|---|---|\n| `PF_` | linear |\n\n1. A rule,\n   and its end.\n\n## 7. After\n\n2. Not money.\n";
    let table = "# Head\n\n4.1 Kind PF_  linear\n    a/tests/kinds.rs::linear\n4.1.1  a rule\n    a/tests/kinds.rs::rule\n    tests/clients/test_a.py::test_rule\n";
    let off = ["#[", "ignore]"].concat();
    let rust = format!(
        "#[test]\nfn linear() {{\n}}\n\n/// Why.\n#[tokio::test]\nasync fn rule() {{\n}}\n\nfn helper() {{\n}}\n\n#[test]\n{off}\nfn later() {{\n}}\n"
    );
    let source = |path: &str| match path {
        "a/tests/kinds.rs" => Some(rust.clone()),
        "tests/clients/test_a.py" => Some("def test_rule(venue):\n    pass\n".to_owned()),
        _ => None,
    };
    let all = |book: &str, table: &str| faults(book, table, source);
    assert_eq!(all(book, table), Vec::<String>::new());
    let without = |line: &str| table.replace(line, "");
    for (book, table, fault) in [
        (book.replace("1. A rule", "1. Another.\n2. A rule"), table.to_owned(), "4.1.2 has no row"),
        (book.replace("| `PF_`", "| PI_ | x |\n| `PF_`"), table.to_owned(), "4.1 Kind PI_ has no row"),
        (
            book.replace("1. A rule", "It may be otherwise.\n\n1. A rule"),
            table.to_owned(),
            "4.1 says something without a number: It may be otherwise.",
        ),
        (book.replace("1. A rule", "1. A rule.\n1. A rule"), table.to_owned(), "4.1.1 is there twice"),
        (
            book.to_owned(),
            without("4.1 Kind PF_  linear\n    a/tests/kinds.rs::linear\n"),
            "4.1 Kind PF_ has no row",
        ),
        (book.to_owned(), format!("{table}4.1.2  more\n    a/tests/kinds.rs::rule\n"), "4.1.2 is no rule"),
        (book.to_owned(), format!("{table}4.1.1  again\n    a/tests/kinds.rs::rule\n"), "4.1.1 has two rows"),
        (
            book.to_owned(),
            without("    a/tests/kinds.rs::linear\n"),
            "4.1 Kind PF_ is not described, or proven by nothing",
        ),
        (
            book.to_owned(),
            table.replace("4.1.1  a rule", "4.1.1"),
            "4.1.1 is not described, or proven by nothing",
        ),
        (
            book.to_owned(),
            table.replace("::linear", "::gone"),
            "4.1 Kind PF_: a/tests/kinds.rs::gone is not in its file",
        ),
        (
            book.to_owned(),
            table.replace("::linear", "::helper"),
            "4.1 Kind PF_: a/tests/kinds.rs::helper is no test",
        ),
        (
            book.to_owned(),
            table.replace("::linear", "::later"),
            "4.1 Kind PF_: a/tests/kinds.rs::later is switched off",
        ),
        (
            book.to_owned(),
            table.replace("test_a.py", "test_b.py"),
            "4.1.1: tests/clients/test_b.py::test_rule is in no file",
        ),
    ] {
        assert_eq!(all(&book, &table), [fault]);
    }
}
