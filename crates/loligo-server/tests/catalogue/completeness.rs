//! Runs every scenario, and asks whether every word of the published page was seen.

use crate::document::rows;
use crate::runner::{Ran, report, run};
use crate::scenarios::all;
use crate::seed::{List, Word};
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[expect(clippy::print_stdout, reason = "the count is what one wants to read")]
async fn every_word_of_the_page_is_said() {
    // Part of a title runs the scenarios that have it, for whoever writes one.
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let chosen = all().filter(|scenario| scenario.title.contains(&only));
    let (mut seen, mut failed) = (BTreeMap::<Word, BTreeSet<String>>::new(), Vec::new());
    for Ran { case: scenario, outcome } in run(chosen.map(|scenario| (scenario, scenario.run))).await {
        let outcome = outcome.and_then(|witness| {
            let (said, missing): (Vec<Word>, Vec<Word>) =
                scenario.shows.iter().copied().partition(|word| witness.saw(*word));
            for word in said {
                seen.entry(word).or_default().extend(witness.spellings());
            }
            if missing.is_empty() { Ok(()) } else { Err(format!("its answers never said {missing:?}")) }
        });
        failed.extend(outcome.err().map(|why| format!("{}: {why}", scenario.title)));
    }
    let words: Vec<_> =
        List::ALL.iter().flat_map(|list| list.words().into_iter().map(|word| (*list, word))).collect();
    let unseen: Vec<String> = words
        .iter()
        .filter(|(list, word)| !seen.contains_key(&(*list, word.as_str())))
        .map(|(list, word)| format!("{list} {word}"))
        .collect();
    // The document's other spellings: each was told in a scenario that shows the word.
    for list in [List::Reason, List::Refusal] {
        for row in rows(list).into_iter().filter(|_| only.is_empty()) {
            let Some(told) = seen.get(&(list, row.word)) else { continue };
            let missing: Vec<_> = row.elsewhere.iter().filter(|word| !told.contains(**word)).collect();
            if !missing.is_empty() {
                failed.push(format!("{}: no scenario was told {missing:?}", row.word));
            }
        }
    }
    println!("{} of {} words of the page seen", words.len() - unseen.len(), words.len());
    report(&mut failed);
    assert!(unseen.is_empty() || !only.is_empty(), "no scenario saw {unseen:#?}");
}

#[test]
fn a_scenario_has_a_title_of_its_own_and_shows_words_of_the_page() {
    let titles: BTreeSet<&str> = all().map(|scenario| scenario.title).collect();
    assert_eq!(titles.len(), all().count());
    for (list, word) in all().flat_map(|scenario| scenario.shows) {
        assert!(list.words().iter().any(|known| known == word), "{list} has no {word}");
    }
}
