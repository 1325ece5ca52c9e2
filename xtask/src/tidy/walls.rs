//! The walls between rooms of the server and of the wire: which of them must never name which. Without them a second dialect
//! would not find its place, and a first one would leak into everything.

use super::File;

/// Where the server's rooms are: `hub.rs` and all of `hub/` are the room `hub`.
const SERVER: &str = "crates/loligo-server/src/";
/// Where the wire's are.
const WIRE: &str = "crates/loligo-wire/src/";

/// Rooms, and what they must not name: other rooms.
type Walls = [(&'static str, &'static [&'static str])];

/// Generations of the API know none of each other, and what they share knows none of them.
const WIRE_WALLS: &Walls = &[
    ("v3", &["ws1"]),
    ("ws1", &["v3"]),
    ("args", &["v3", "ws1"]),
    ("decimal", &["v3", "ws1"]),
    ("json", &["v3", "ws1"]),
    ("sign", &["v3", "ws1"]),
    ("time", &["v3", "ws1"]),
    ("words", &["v3", "ws1"]),
];

/// Rooms of the server may not name modules of the wire either that belong to one dialect.
const SERVER_WALLS: &Walls = &[
    (
        "transport",
        &[
            "dialects",
            "control",
            "hub",
            "story",
            "login",
            "node",
            "projection",
            "record",
            "request_log",
            "v3",
            "ws1",
            "sign",
        ],
    ),
    ("hub", &["dialects", "control", "request_log", "v3", "ws1", "sign"]),
    ("story", &["dialects", "control", "hub", "login", "transport", "request_log", "v3", "ws1", "sign"]),
    ("login", &["dialects", "control", "hub", "transport", "request_log", "v3", "ws1", "sign"]),
    ("request_log", &["dialects", "control", "hub", "transport", "v3", "ws1", "sign"]),
    ("history", &["dialects", "control", "hub", "transport", "login", "request_log", "v3", "ws1", "sign"]),
    ("faults", &["dialects", "control", "v3", "ws1", "sign"]),
    ("operations", &["dialects", "control", "v3", "ws1", "sign"]),
    ("control", &["dialects", "hub", "story", "v3", "ws1", "sign"]),
    ("dialects", &["control"]),
];

/// Every line that reaches through a wall. Tests bring rooms together, so they may.
pub(super) fn breaches(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let path = file.path.to_string_lossy();
        let inside = |root| path.strip_prefix(root).and_then(|inner| inner.strip_suffix(".rs"));
        let server = inside(SERVER).map(|inner| (inner, SERVER_WALLS));
        let Some((inner, walls)) = server.or(inside(WIRE).map(|inner| (inner, WIRE_WALLS))) else { continue };
        let parts: Vec<&str> = inner.split('/').collect();
        let Some((_, walls)) = walls.iter().find(|(room, _)| *room == parts[0]) else { continue };
        if parts.contains(&"tests") {
            continue;
        }
        for (line, name) in named(&file.text, parts.len()) {
            if walls.contains(&name.as_str()) {
                complaints.push(format!("{path}:{line}: {} names {name}", parts[0]));
            }
        }
    }
    complaints
}

/// What a file names of the server and of the wire, with the line: the first part of each path that begins at either's root.
/// The file stands `depth` modules below the server's.
fn named(text: &str, depth: usize) -> Vec<(usize, String)> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let up = "super::".repeat(depth);
    let mut all = Vec::new();
    for root in ["crate::", "loligo_wire::", up.as_str()] {
        for (at, _) in code.match_indices(root) {
            // A longer word, or a path that goes on upward, begins elsewhere.
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            for (offset, name) in heads(&code[at + root.len()..]) {
                let line = code[..at + root.len() + offset].matches('\n').count() + 1;
                all.push((line, name));
            }
        }
    }
    all
}

/// The first parts of the paths behind a root: of one, or of each in a list in braces.
fn heads(behind: &str) -> Vec<(usize, String)> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    if !behind.starts_with('{') {
        return vec![(0, word(behind))];
    }
    let (mut depth, mut begins, mut all) = (0, false, Vec::new());
    for (at, c) in behind.char_indices() {
        match c {
            '{' => (depth, begins) = (depth + 1, depth == 0),
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' => begins = depth == 1,
            c if c.is_whitespace() => {}
            _ if begins => {
                all.push((at, word(&behind[at..])));
                begins = false;
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: format!("{SERVER}{path}").into(), text: text.to_owned() }
    }

    #[test]
    fn a_room_that_names_what_it_must_not_know_is_found_however_it_says_it() {
        let bad = [
            file("hub.rs", "use crate::dialects::kraken::Encoder;"),
            file("hub/book.rs", "use crate::{grid, dialects::{self}};"),
            file("hub/account.rs", "fn f() { crate::dialects::kraken::spell() }"),
            file("hub/encoder.rs", "use loligo_wire::ws1::Alert;"),
            file("story.rs", "use super::dialects;"),
            file("story/moves.rs", "use super::super::hub::Names;"),
            file("transport/listener.rs", "use loligo_wire::{\n    args,\n    sign::Tolerance,\n};"),
            file("control/shown.rs", "use crate::dialects;"),
            file("dialects/kraken/routes.rs", "use crate::control::PREFIX;"),
        ];
        for bad in bad {
            assert_eq!(breaches(std::slice::from_ref(&bad)).len(), 1, "{}: {}", bad.path.display(), bad.text);
        }
    }

    #[test]
    fn a_generation_of_the_wire_that_names_another_is_found() {
        let wire =
            |path: &str, text: &str| File { path: format!("{WIRE}{path}").into(), text: text.to_owned() };
        for (path, text, found) in [
            ("ws1/orders.rs", "use crate::v3::words::Side;", 1),
            ("v3/words.rs", "use crate::ws1::Feed;", 1),
            ("words.rs", "use crate::v3::words;", 1),
            ("ws1/orders.rs", "use super::words::Feed;\nuse crate::words::Side;", 0),
            ("lib.rs", "pub mod v3;", 0),
        ] {
            assert_eq!(breaches(&[wire(path, text)]).len(), found, "{path}: {text}");
        }
    }

    #[test]
    fn a_room_may_name_the_rest_and_tests_may_name_all() {
        let good = [
            file(
                "hub.rs",
                "// use crate::dialects;\nuse crate::story::Turn;\nuse loligo_wire::decimal::Decimal;",
            ),
            file("hub/book.rs", "use super::dialects;\nuse crate::transport::{outbox::control, socket};"),
            file("hub/tests.rs", "use crate::dialects::kraken::Encoder;"),
            file("dialects/kraken.rs", "use crate::{hub, story};\nuse loligo_wire::v3;\nlet control = 1;"),
            file("server.rs", "use crate::control::Control;\nuse crate::dialects::kraken;"),
        ];
        assert_eq!(breaches(&good), Vec::<String>::new());
    }
}
