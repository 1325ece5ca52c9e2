//! The pages about money (`docs/funding.md` and its like) work their rules out in examples and tables. All of them are carried out
//! here, and every number that an example says comes of it is compared with what the exchange came to; so is every row of a table.
//! A number of the text around them has to be one of these.
//!
//! An example is a block of lines. A line at the margin is done; one that is set in says what is so then:
//! `alice flex: marginEquity 190, maintenanceMargin 243.5`. Numbers are exact, or cut where `…` stands.

mod example;
mod page;

use example::tables;
use example::venue::Venue;
use page::{cells, read, try_number};
use std::collections::BTreeSet;

const PAGES: [&str; 2] = ["docs/funding.md", "docs/margin.md"];

/// The parts of a page.
enum Part<'p> {
    /// Lines of an example, with the number of the first.
    Example(usize, Vec<&'p str>),
    /// Cells of a table, its heads first.
    Table(usize, Vec<Vec<String>>),
    /// A line of text.
    Text(usize, &'p str),
}

fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut lines = page.lines().enumerate().map(|(at, line)| (at + 1, line)).peekable();
    while let Some((at, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            if language == "example" {
                parts.push(Part::Example(at + 1, block));
            }
        } else if let Some(heads) = cells(line) {
            let mut rows = vec![heads];
            while let Some(row) = lines.peek().and_then(|(_, line)| cells(line)) {
                lines.next();
                rows.push(row);
            }
            rows.remove(1);
            parts.push(Part::Table(at, rows));
        } else {
            parts.push(Part::Text(at, line));
        }
    }
    parts
}

/// All that is wrong with a page.
fn wrong_with(page: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    let parts = parts(page);
    for part in &parts {
        match part {
            Part::Example(at, lines) => {
                known.extend(lines.iter().flat_map(|line| numbers(line)));
                wrong.extend(
                    carry_out(lines).into_iter().map(|(line, what)| format!("line {}: {what}", at + line)),
                );
            }
            Part::Table(at, rows) => {
                known.extend(rows.iter().flatten().flat_map(|cell| numbers(cell)));
                wrong.extend(
                    tables::wrong_with(rows).into_iter().map(|what| format!("table at line {at}: {what}")),
                );
            }
            Part::Text(..) => {}
        }
    }
    for part in &parts {
        let Part::Text(at, line) = part else { continue };
        let unknown = numbers(line).into_iter().filter(|number| !known.contains(number));
        wrong.extend(unknown.map(|number| format!("line {at}: {number} is nowhere worked out")));
    }
    wrong
}

/// The numbers of a text, but for those of rules, dates, links and names.
fn numbers(text: &str) -> Vec<String> {
    let text = text.replace('…', "");
    let words = text.split([' ', '(', ')', '/', '`']).map(|word| word.trim_end_matches([',', '.', ':', ';']));
    let of_rules = ["rules.md", "[rule", "[rules", "rule", "rules", "and", "to"];
    let mut before = "";
    let mut found = Vec::new();
    for word in words {
        let is_rule = of_rules.contains(&before) && word.contains('.') && text.contains("rules.md");
        if !is_rule
            && !word.trim_end_matches(['x', '%']).is_empty()
            && try_number(word.trim_end_matches('x'), 24).is_some()
        {
            found.push(word.replace(',', ""));
        }
        before = word;
    }
    found
}

/// Carries an example out; what did not come to what it says, and in which of its lines.
fn carry_out(lines: &[&str]) -> Vec<(usize, String)> {
    let mut venue = Venue::of(&lines.join("\n"));
    let mut wrong = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let Some(said) = line.strip_prefix("  ") else {
            venue.carry_out(line);
            continue;
        };
        let (subject, said) = said.trim().split_once(": ").unwrap_or_else(|| panic!("{line}: of what?"));
        for item in said.split(", ") {
            let (name, written) = item.rsplit_once(' ').unwrap_or_else(|| panic!("{item}: how much?"));
            let found = venue.look_up(subject, name).unwrap_or_else(|| panic!("{subject} has no {name}"));
            if !found.is(written) {
                wrong.push((at, format!("{subject}: {name} is {found}, not {written}")));
            }
        }
    }
    wrong
}

#[test]
fn every_number_of_the_pages_is_what_the_engine_comes_to() {
    for name in PAGES {
        let page = read(name);
        let worked = parts(&page).iter().filter(|part| !matches!(part, Part::Text(..))).count();
        assert!(worked > 3, "{name} works {worked} things out");
        let wrong = wrong_with(&page);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
}

/// Each digit of what a page says comes of its examples and tables, turned into another, is found to be wrong.
#[test]
fn no_digit_of_what_is_said_can_be_another() {
    for name in PAGES {
        let page = read(name);
        for part in parts(&page) {
            match part {
                Part::Example(at, lines) => {
                    for (line, said) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("  ")) {
                        let begins = said.find(": ").expect("of what") + 2;
                        for other in other_digits(&said[begins..]) {
                            let changed = format!("{}{other}", &said[..begins]);
                            let mut again = lines[..=line].to_vec();
                            again[line] = &changed;
                            assert!(
                                !carry_out(&again).is_empty(),
                                "{name}, line {}: {changed} passes",
                                at + line
                            );
                        }
                    }
                }
                Part::Table(at, rows) => {
                    for (row, cells) in rows.iter().enumerate().skip(1) {
                        let said = tables::said(&rows[0]);
                        for (column, cell) in
                            cells.iter().enumerate().filter(|(column, _)| said.contains(column))
                        {
                            for other in other_digits(cell) {
                                let mut again = vec![rows[0].clone(), rows[row].clone()];
                                again[1][column] = other.clone();
                                assert!(
                                    !tables::wrong_with(&again).is_empty(),
                                    "{name}, line {at}: {other} passes"
                                );
                            }
                        }
                    }
                }
                Part::Text(..) => {}
            }
        }
    }
}

/// The texts that one digit of a number makes of a text when it is another.
fn other_digits(text: &str) -> Vec<String> {
    let digits = text.char_indices().filter(|(at, letter)| {
        let in_word = text[..*at].ends_with(|before: char| before.is_ascii_alphabetic() || before == '_');
        letter.is_ascii_digit() && !in_word
    });
    let other = |(at, letter): (usize, char)| {
        let next = char::from_digit((letter.to_digit(10).expect("a digit") + 1) % 10, 10).expect("a digit");
        format!("{}{next}{}", &text[..at], &text[at + 1..])
    };
    digits.map(other).collect()
}

#[test]
fn what_a_page_says_wrong_is_found() {
    let right = "# Page\n\nA rate of 25 ([rules 4.6](rules.md)).\n\n```example\nprice of XBT:USD is 50,000\nalice has 1,000 USD\nalice buys 0.01 PF_XBTUSD at 50,000 from bob\n  alice flex: USD 999.75, pnl 0, initialMargin 5\n  alice filled: fee 0.25\n```\n";
    let right = right.replace("A rate of 25", "A fee of 0.25");
    assert_eq!(wrong_with(&right), Vec::<String>::new());
    let wrong = right.replace("999.75", "999.76");
    assert_eq!(wrong_with(&wrong), ["line 9: alice flex: USD is 999.75, not 999.76"]);
    let wrong = right.replace("A fee of 0.25", "A fee of 0.26");
    assert_eq!(wrong_with(&wrong), ["line 3: 0.26 is nowhere worked out"]);
}
