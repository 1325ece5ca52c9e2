//! Pages of `docs/` as tests read them: their tables and their numbers.

#![allow(dead_code, reason = "each test binary reads its own part of the pages")]

use std::fs;
use std::path::Path;

/// A file, by its path from the root of the project.
#[allow(clippy::disallowed_methods, reason = "the core reads nothing; its tests read pages")]
pub fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of a line of a table, without their backticks.
pub fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
    Some(inner.split('|').map(|cell| cell.trim().replace('`', "")).collect())
}

/// A table of the rule book by its section and the head of its first column: what stands over its columns, and its rows.
pub fn table(section: &str, head: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let book = read("docs/rules.md");
    let mut lines = book.lines().skip_while(|line| !line.starts_with(&format!("### {section} "))).skip(1);
    let mut lines = lines.by_ref().take_while(|line| !line.starts_with("##"));
    let heads = lines.by_ref().filter_map(cells).find(|heads| heads[0] == head);
    let heads = heads.unwrap_or_else(|| panic!("the rule book has no table of {head} in {section}"));
    let rows: Vec<Vec<String>> = lines.skip(1).map_while(cells).collect();
    assert!(rows.iter().all(|row| row.len() == heads.len()), "{section}: a cell under each head of {head}");
    (heads, rows)
}

/// A number as it is written for people, `-1,234.5` or `0.05%`, in units of 10^-`scale`; exact.
pub fn number(text: &str, scale: u32) -> i128 {
    try_number(text, scale).unwrap_or_else(|| panic!("{text} is no number of {scale} decimals"))
}

/// As [`number`]; `None` of what is none.
pub fn try_number(text: &str, scale: u32) -> Option<i128> {
    let (text, scale) = text.strip_suffix('%').map_or((text, scale), |text| (text, scale.saturating_sub(2)));
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let digits = digits.replace(',', "");
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let all = format!("{whole}{part}");
    if whole.is_empty() || !all.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let missing = scale.checked_sub(u32::try_from(part.len()).ok()?)?;
    Some(sign * all.parse::<i128>().ok()? * 10_i128.pow(missing))
}
