//! The modules of the engine stand on each other and never in a circle, so that each can be read, and laid out anew, with
//! what stands below it alone.
//!
//! Each source file is a module. It stands on every module that one of its paths names, where a path begins with `crate::`,
//! `super::`, `self::` or, in a `use`, with a child; and it stands on its children, since it declares them. A child may use
//! what its parent, or any module further up, defines itself. What it takes from there although that took it from elsewhere
//! counts as taken from elsewhere. Tests inside a file count for nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::File;

/// Where the modules are that this is about.
const ENGINE: &str = "crates/loligo-engine/src/";

/// A module as the names on the way to it; of the crate's root there are none.
type Module = Vec<String>;

/// Modules by name, each with what it stands on.
type Edges = BTreeMap<Module, BTreeSet<Module>>;

/// Every circle, once for each module that closes one.
pub(super) fn circles(files: &[File]) -> Vec<String> {
    let mut sources = BTreeMap::new();
    for file in files {
        let path = file.path.to_string_lossy();
        let Some(inner) = path.strip_prefix(ENGINE).and_then(|inner| inner.strip_suffix(".rs")) else {
            continue;
        };
        let module: Module = match inner {
            "lib" => Vec::new(),
            inner => inner.split('/').map(str::to_owned).collect(),
        };
        sources.insert(module, code(&file.text));
    }
    let edges = edges(&sources);
    let mut found = Vec::new();
    let mut done = BTreeSet::new();
    for module in edges.keys() {
        walk(module, &edges, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

/// Goes down from a module; a module that is met on its own way down closes a circle.
fn walk(
    module: &Module,
    edges: &Edges,
    way: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
    found: &mut Vec<String>,
) {
    if let Some(at) = way.iter().position(|other| other == module) {
        let circle = way[at..].iter().chain([module]).map(|module| module.join("::"));
        found.push(format!("{ENGINE}: {}", circle.collect::<Vec<_>>().join(" -> ")));
        return;
    }
    if done.contains(module) {
        return;
    }
    way.push(module.clone());
    for below in &edges[module] {
        walk(below, edges, way, done, found);
    }
    way.pop();
    done.insert(module.clone());
}

fn edges(sources: &BTreeMap<Module, String>) -> Edges {
    let taken: BTreeMap<&Module, BTreeMap<String, Module>> =
        sources.iter().map(|(module, code)| (module, taken_names(module, code, sources))).collect();
    let mut edges = Edges::new();
    for (module, code) in sources {
        let children = sources.keys().filter(|other| other.split_last().is_some_and(|(_, up)| up == *module));
        let mut below: BTreeSet<Module> = children.cloned().collect();
        for path in paths(code) {
            let Some((home, item)) = resolve(module, &path, sources) else { continue };
            if !module.starts_with(&home) {
                below.insert(home);
            } else if let Some(from) = item.and_then(|item| taken.get(&home)?.get(&item)) {
                // A child that takes from its parent what that took from the child itself takes nothing.
                if !module.starts_with(from) {
                    below.insert(from.clone());
                }
            }
        }
        edges.insert(module.clone(), below);
    }
    edges
}

/// The names that a module took from others by `use`, each with where from.
fn taken_names(module: &Module, code: &str, sources: &BTreeMap<Module, String>) -> BTreeMap<String, Module> {
    let mut names = BTreeMap::new();
    for (at, _) in code.match_indices("use ") {
        if code[..at].chars().next_back().is_some_and(|c| !c.is_whitespace()) {
            continue;
        }
        let statement = code[at + "use ".len()..].split(';').next().unwrap_or_default();
        for path in expanded(statement) {
            if let Some((home, Some(_))) = resolve(module, &path, sources)
                && home != *module
                && let Some(name) = path.last()
            {
                names.insert(name.rsplit(" as ").next().unwrap_or(name).to_owned(), home);
            }
        }
    }
    names
}

/// Every path of a file that begins at the crate's root, above the file, or at it.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root) {
            // A longer word, or a path that goes on, begins elsewhere; a macro's is its caller's.
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c)) {
                all.extend(expanded(&code[at..]));
            }
        }
    }
    all
}

/// Where a path leads: the deepest module on it, and what it names there. `None` for one that leads out of the crate.
fn resolve(
    from: &Module,
    path: &[String],
    sources: &BTreeMap<Module, String>,
) -> Option<(Module, Option<String>)> {
    let mut rest = path.iter();
    let mut here = match path.first()?.as_str() {
        "crate" => {
            rest.next();
            Vec::new()
        }
        "self" => {
            rest.next();
            from.clone()
        }
        "super" => from.clone(),
        child => {
            let below: Module = from.iter().cloned().chain([child.to_owned()]).collect();
            if !sources.contains_key(&below) {
                return None;
            }
            from.clone()
        }
    };
    for name in rest {
        if name == "super" {
            here.pop()?;
            continue;
        }
        let below: Module = here.iter().cloned().chain([name.clone()]).collect();
        if !sources.contains_key(&below) {
            let item =
                if name == "self" { None } else { Some(name.split(' ').next().unwrap_or(name).to_owned()) };
            return Some((here, item));
        }
        here = below;
    }
    Some((here, None))
}

/// The paths that a text begins with: one, or as many as its braces list.
fn expanded(text: &str) -> Vec<Vec<String>> {
    fn list(
        text: &mut std::iter::Peekable<std::str::Chars<'_>>,
        path: &[String],
        all: &mut Vec<Vec<String>>,
    ) {
        let (mut path, mut word) = (path.to_vec(), String::new());
        loop {
            match text.peek() {
                Some(':') => {
                    path.push(std::mem::take(&mut word).trim().to_owned());
                    text.next();
                    text.next_if_eq(&':');
                    if text.next_if_eq(&'{').is_some() {
                        loop {
                            list(text, &path, all);
                            if text.next_if_eq(&',').is_none() {
                                text.next();
                                return;
                            }
                        }
                    }
                }
                Some(c) if c.is_alphanumeric() || c.is_whitespace() || "_*".contains(*c) => {
                    word.extend(text.next());
                }
                _ => break,
            }
        }
        let word = word.trim();
        if !word.is_empty() {
            path.push(word.to_owned());
            all.push(path);
        }
    }
    let mut all = Vec::new();
    list(&mut text.chars().peekable(), &[], &mut all);
    all
}

/// A file without its comments and without the tests at its end.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(files: &[(&str, &str)]) -> Vec<File> {
        let file = |(path, text): &(&str, &str)| File {
            path: format!("{ENGINE}{path}").into(),
            text: (*text).to_owned(),
        };
        files.iter().map(file).collect()
    }

    #[test]
    fn a_circle_of_modules_is_found_however_it_is_closed() {
        let bad: [&[(&str, &str)]; 6] = [
            &[("a.rs", "use crate::b::B;"), ("b.rs", "use crate::a::A;")],
            &[("a.rs", "use crate::{c, b::{self, B}};"), ("b.rs", "fn f() { crate::a::f() }")],
            // By way of a third, and of a name that the root hands on.
            &[
                ("lib.rs", "pub use c::C;\npub use a::A;"),
                ("a.rs", "use crate::b::B;"),
                ("b.rs", "use crate::C;"),
                ("c.rs", "use super::a::{A as B};"),
            ],
            // Children of one parent.
            &[
                ("a.rs", "mod b;\nmod c;"),
                ("a/b.rs", "use super::c::{\n    C,\n};"),
                ("a/c.rs", "use crate::a::b::B;"),
            ],
            // A child and another, by a name that their parent took from the other.
            &[("a.rs", "use b::B;\nuse c::C;"), ("a/b.rs", "use super::C;"), ("a/c.rs", "use super::{B};")],
            // A parent that what its child stands on stands on.
            &[("a.rs", "mod b;"), ("a/b.rs", "use crate::c::C;"), ("c.rs", "use crate::a::A;")],
        ];
        for files in bad {
            assert_eq!(circles(&engine(files)).len(), 1, "{files:?}");
        }
    }

    #[test]
    fn modules_that_stand_on_each_other_one_way_and_children_that_use_their_parent_are_fine() {
        let good: [&[(&str, &str)]; 4] = [
            &[("a.rs", "use crate::b::B;"), ("b.rs", "// use crate::a::A;\nuse std::fmt;")],
            &[
                ("a.rs", "use b::B;\nstruct A;"),
                ("a/b.rs", "use super::A;\nuse crate::a;\nuse super::super::c::C;"),
                ("c.rs", ""),
            ],
            &[("a.rs", "use crate::b::B;"), ("b.rs", "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}")],
            &[
                ("lib.rs", "mod a;\npub use a::A;\npub use b::B;"),
                ("a.rs", "use crate::B;"),
                ("b.rs", "use other::a::A;"),
            ],
        ];
        for files in good {
            assert_eq!(circles(&engine(files)), Vec::<String>::new());
        }
    }
}
