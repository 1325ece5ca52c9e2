//! Rules about the files themselves: each is a check, and each says what it is good for.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::part::Count;
use crate::workspace;

mod circles;
mod walls;

/// A head can hold about 600 lines; this is where the question becomes an answer.
const LINES_MAX: usize = 700;

/// A file of the project with its text; files that are no text have none.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.parent().is_some_and(|parent| parent.iter().any(|part| part == folder))
    }

    /// Numbered lines, as an editor numbers them.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

type Check = (&'static str, fn(&[File]) -> Vec<String>);

const CHECKS: [Check; 10] = [
    ("source files fit a head", too_long),
    ("no path of someone's machine", machine_paths),
    ("modules are foo.rs beside foo/", mod_files),
    ("every source file is part of something", dead_files),
    ("every source file says what it is for", headless),
    ("tests wait for events, not for time", sleeps),
    ("no test is switched off", switched_off),
    ("every crate obeys the one lint table", unlinted),
    ("modules of the engine stand in no circle", circles::circles),
    ("rooms of the server know no more than they may", walls::breaches),
];

/// One count for each rule; complaints are printed with file and line.
pub fn check(_: &[String]) -> Result<Count> {
    let root = workspace::root();
    let mut files = Vec::new();
    for path in workspace::files(&root)? {
        let text = String::from_utf8(std::fs::read(root.join(&path))?).unwrap_or_default();
        files.push(File { path, text });
    }
    let mut count = Count::default();
    for (rule, find) in CHECKS {
        let complaints = find(&files);
        println!("{} {rule}", if complaints.is_empty() { "  ok" } else { "FAIL" });
        for complaint in &complaints {
            println!("       {complaint}");
        }
        count.add(Count::one(complaints.is_empty()));
    }
    Ok(count)
}

fn too_long(files: &[File]) -> Vec<String> {
    let sources = files.iter().filter(|file| file.has_extension(&["rs", "py"]));
    sources
        .filter(|file| file.text.lines().count() > LINES_MAX)
        .map(|file| {
            format!("{}: {} lines, at most {LINES_MAX}", file.path.display(), file.text.lines().count())
        })
        .collect()
}

/// Absolute paths that exist on one machine only make everybody else's run fail, or tell who wrote the line.
fn machine_paths(files: &[File]) -> Vec<String> {
    // Put together here, so that this file does not complain about itself.
    let tells = ["work", "root", "home", "tmp", "Users"].map(|folder| format!("/{folder}/"));
    let mut complaints = Vec::new();
    for file in files {
        for (number, line) in file.lines() {
            let told = tells.iter().any(|tell| {
                line.match_indices(tell.as_str()).any(|(at, _)| {
                    // `docs.rs/root/` and `loligo-data/work/` are not absolute.
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || "._-}/~$".contains(c))
                })
            });
            if told {
                complaints.push(format!("{}:{number}: {}", file.path.display(), line.trim()));
            }
        }
    }
    complaints
}

/// Under `tests/` cargo leaves no choice: a file right there would be a test of its own.
fn mod_files(files: &[File]) -> Vec<String> {
    let found = files.iter().filter(|file| file.path.ends_with("mod.rs") && !file.is_in("tests"));
    found.map(|file| file.path.display().to_string()).collect()
}

/// A file that no `mod` names is never compiled, so its tests never run.
fn dead_files(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs"])) {
        if !is_root(&file.path) && !files.iter().any(|other| declares(other, &file.path)) {
            complaints.push(format!("{}: no module declares it", file.path.display()));
        }
    }
    let python: Vec<_> = files.iter().filter(|file| file.has_extension(&["py"])).collect();
    for file in &python {
        let name = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_found = name.starts_with("test_") || name == "conftest";
        // A file that a program of someone else's is to load is named by the test that hands it over.
        let uses = [format!("import {name}"), format!("from {name} import"), format!("\"{name}.py\"")];
        let is_used = python.iter().any(|other| uses.iter().any(|text| other.text.contains(text.as_str())));
        if !is_found && !is_used {
            complaints.push(format!("{}: neither collected, imported nor named", file.path.display()));
        }
    }
    complaints
}

/// What cargo compiles by itself.
fn is_root(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let is_source = path.iter().any(|part| part == "src");
    ["lib.rs", "main.rs", "build.rs"].iter().any(|root| name == *root)
        || folder == "bin"
        || (!is_source && ["tests", "benches", "examples", "fuzz_targets"].iter().any(|root| folder == *root))
}

/// True if `file` is where the module at `path` has to be declared, and declares it.
fn declares(file: &File, path: &Path) -> bool {
    // `foo/mod.rs` is the module that `foo.rs` would be.
    let path = match path.parent() {
        Some(folder) if path.ends_with("mod.rs") => folder,
        _ => path,
    };
    let (Some(stem), Some(folder)) = (path.file_stem(), path.parent()) else { return false };
    let stem = stem.to_string_lossy();
    let is_beside = file.path.parent() == Some(folder) && is_root(&file.path);
    let is_above = file.path.with_extension("") == folder;
    if !is_beside && !is_above {
        return false;
    }
    file.text.lines().any(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub ")).unwrap_or(line);
        line.strip_prefix("mod ").is_some_and(|rest| rest.strip_suffix(';') == Some(stem.as_ref()))
    })
}

/// Tests inside a crate (`tests.rs`, `tests/`) belong to the file above them, which says it.
fn headless(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let begins = match file.path.extension().and_then(|found| found.to_str()) {
            Some("rs") => "//!",
            Some("py") => "\"\"\"",
            _ => continue,
        };
        let is_inner_test = file.is_in("src") && (file.path.ends_with("tests.rs") || file.is_in("tests"));
        if !is_inner_test && !file.text.starts_with(begins) {
            complaints.push(format!("{}: begins without a line of documentation", file.path.display()));
        }
    }
    complaints
}

/// A test that sleeps is slow when it passes and flaky when it does not. Waiting for something outside the process in
/// short steps is allowed where the line says so: `// poll`, `# poll`.
fn sleeps(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs", "py"]) && file.is_in("tests")) {
        for (number, line) in file.lines() {
            let code = line.split("//").next().unwrap_or_default();
            if code.contains("sleep(") && !line.contains("// poll") && !line.contains("# poll") {
                complaints.push(format!("{}:{number}: {}", file.path.display(), line.trim()));
            }
        }
    }
    complaints
}

/// A test that is switched off in the source is one that nobody misses. What cannot be carried out on some machine says
/// so while it runs, with its reason, and is counted as skipped.
fn switched_off(files: &[File]) -> Vec<String> {
    // Put together here, so that this file does not complain about itself.
    let switches =
        [("#[", "ignore"), ("```", "ignore"), ("```", "no_run"), ("mark.", "skip"), ("mark.", "xfail")]
            .map(|(mark, word)| [mark, word].concat());
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.has_extension(&["rs", "py"])) {
        for (number, line) in file.lines() {
            if switches.iter().any(|switch| line.contains(switch.as_str())) {
                complaints.push(format!("{}:{number}: {}", file.path.display(), line.trim()));
            }
        }
    }
    complaints
}

fn unlinted(files: &[File]) -> Vec<String> {
    let packages =
        files.iter().filter(|file| file.path.ends_with("Cargo.toml") && file.text.contains("[package]"));
    packages
        .filter(|file| !file.text.contains("[lints]\nworkspace = true"))
        .map(|file| format!("{}: no `[lints] workspace = true`", file.path.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.to_owned() }
    }

    #[test]
    fn long_files_are_found() {
        let long = "\n".repeat(LINES_MAX + 1);
        assert_eq!(too_long(&[file("a.rs", &long), file("a.yaml", &long), file("b.rs", "\n")]).len(), 1);
    }

    #[test]
    fn absolute_paths_of_machines_are_found() {
        let bad = ["cd /wor", "k/x"].concat();
        let good = "https://host/root/x and loligo-data/home/x and ~/tmp/x and /var/lib/loligo";
        assert_eq!(machine_paths(&[file("a.md", &bad), file("b.md", good)]).len(), 1);
    }

    #[test]
    fn undeclared_modules_and_unused_scenarios_are_found() {
        let files = [
            file("c/src/lib.rs", "mod book;\npub(crate) mod order;\n"),
            file("c/src/book.rs", "mod level;\n// mod ghost;\n"),
            file("c/src/book/level.rs", ""),
            file("c/src/book/ghost.rs", ""),
            file("c/src/order.rs", ""),
            file("c/src/level.rs", ""),
            file("c/tests/crash.rs", "mod fixture;"),
            file("c/tests/it/main.rs", "mod cli;"),
            file("c/tests/it/cli.rs", ""),
            file("c/tests/fixture/mod.rs", ""),
            file("tests/clients/test_a.py", "from exchange import start"),
            file("tests/clients/exchange.py", ""),
            file("tests/clients/old.py", ""),
        ];
        let complaints = dead_files(&files);
        let found: Vec<_> = complaints.iter().map(|text| text.split(':').next().unwrap()).collect();
        assert_eq!(found, ["c/src/book/ghost.rs", "c/src/level.rs", "tests/clients/old.py"]);
    }

    #[test]
    fn sleeps_in_tests_need_a_reason() {
        let files = [
            file(
                "c/tests/a.rs",
                "thread::sleep(ONE);\nthread::sleep(ONE); // poll: another process\n// sleep(1)",
            ),
            file("c/src/clock.rs", "tokio::time::sleep(ONE)"),
        ];
        assert_eq!(sleeps(&files).len(), 1);
    }

    #[test]
    fn tests_that_are_switched_off_are_found() {
        let off = ["#[test]\n#[", "ignore = \"slow\"]\nfn slow() {}"].concat();
        let marked = ["@pytest.mark.", "skipif(True)"].concat();
        let files = [
            file("a.rs", &off),
            file("b.py", &marked),
            file("c.py", "pytest.skip('no file system of its own')"),
            file("d.rs", "// rows to ignore"),
        ];
        assert_eq!(switched_off(&files).len(), 2);
    }

    #[test]
    fn other_rules_find_what_breaks_them() {
        let files = [file("a/mod.rs", ""), file("a/model.rs", ""), file("a/tests/f/mod.rs", "")];
        assert_eq!(mod_files(&files).len(), 1);
        let files = [
            file("a.rs", "fn f() {}"),
            file("b.rs", "//! B.\n"),
            file("c.md", ""),
            file("src/d/tests.rs", "use super::*;"),
            file("src/d/tests/e.rs", "use super::*;"),
            file("tests/f.rs", "use super::*;"),
        ];
        assert_eq!(headless(&files).len(), 2);
        let obeys = "[package]\n\n[lints]\nworkspace = true\n";
        let files = [
            file("a/Cargo.toml", "[package]\n"),
            file("b/Cargo.toml", obeys),
            file("Cargo.toml", "[workspace]"),
        ];
        assert_eq!(unlinted(&files).len(), 1);
    }
}
