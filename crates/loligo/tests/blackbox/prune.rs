//! A journal that is pruned: what a venue goes on from, and what each command says of what is gone.

use std::fs;

use serde_json::Value;

use crate::venue::{Home, text};

const SYMBOL: &str = "PF_XBTUSD";
const FLAGS: [&str; 6] = ["--market", "none", "--clock", "manual", "--seed", "5"];
const DAY_MS: u64 = 86_400_000;

/// Two days of trading with a week and a day between, each ended by a clean stop. What the second stop leaves, and the hashes
/// and the last record of the venue then.
fn nine_days(flags: &[&str]) -> (Home, Value, u64) {
    let home = Home::new();
    let flags = [&FLAGS[..], flags].concat();
    let venue = home.start(&flags);
    for step in 0..12 {
        venue.client(0).place_limit(SYMBOL, "buy", "0.1", "48000", &format!("first-{step}"));
    }
    assert!(venue.stop().status.success());
    let mut venue = home.start(&flags);
    for _ in 0..8 {
        venue.advance(DAY_MS);
    }
    for step in 0..12 {
        venue.client(1).place_limit(SYMBOL, "sell", "0.1", "52000", &format!("second-{step}"));
    }
    let (hashes, sequence) = (venue.hashes(), venue.sequence());
    assert!(venue.stop().status.success());
    (home, hashes, sequence)
}

/// The number that stands between two texts.
fn number(said: &str, before: &str, after: &str) -> u64 {
    let rest = said.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {said}")).1;
    let (number, _) = rest.split_once(after).unwrap_or_else(|| panic!("no {after:?} in {rest}"));
    number.parse().unwrap_or_else(|_| panic!("{number:?} is no number"))
}

#[test]
fn each_command_says_from_where_on_a_pruned_journal_can_be_read() {
    let (home, hashes, last) = nine_days(&[]);
    let verified = home.run("verify");
    assert!(verified.status.success(), "{}", verified.said());
    let kept_from = number(&verified.stdout, "what came before record ", " was pruned");
    let applied_from = number(&verified.stdout, "records are applied from ", " on");
    assert!(10 < kept_from && kept_from <= applied_from && applied_from < last, "{}", verified.stdout);
    assert!(verified.stdout.contains(text(&hashes["state_hash"])), "{} {hashes}", verified.stdout);
    assert!(!verified.stdout.contains("earlier rules"), "{}", verified.stdout);

    let replayed = home.run("replay");
    assert!(replayed.status.success(), "{}", replayed.said());
    for hash in ["state_hash", "event_hash"] {
        assert!(replayed.stdout.contains(text(&hashes[hash])), "{} {hashes}", replayed.stdout);
    }
    let words = format!("what came before record {kept_from} was pruned");
    assert!(replayed.stdout.contains(&words), "{}", replayed.stdout);

    let log = home.run_with("log", &["--from", "1", "--count", "1000"]);
    assert!(log.status.success(), "{}", log.said());
    assert!(
        log.stdout.contains(&format!("the one that counts, pruned before record {kept_from}")),
        "{}",
        log.stdout
    );
    assert!(log.stdout.contains("genesis"), "{}", log.stdout);
    assert!(log.stdout.contains(&format!(" to {} were pruned", kept_from - 1)), "{}", log.stdout);
    assert!(!log.stdout.contains("cannot be read"), "{}", log.stdout);

    // An earlier place is refused with the first that is left, and that one is taken.
    let early = (kept_from - 2).to_string();
    let refused = home.refused(&["--until", &early]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.said());
    let said = refused.said();
    assert!(said.contains(&format!("record {early} is too early to stop before")), "{said}");
    let first = number(&said, "what came before record ", " was pruned, and that is the first place left");
    assert_eq!(first, applied_from);
    assert_eq!(home.run("verify").stdout, verified.stdout, "a refused start changes nothing");
    let mut venue = home.start(&["--until", &first.to_string()]);
    assert_eq!(venue.client(0).open_orders().len(), 12, "the first day's");
    assert_eq!(venue.client(1).open_orders().len(), 0);
    venue.client(1).place_limit(SYMBOL, "sell", "0.1", "52000", "instead");
    let hashes = venue.hashes();
    venue.kill();
    let verified = home.run("verify");
    assert!(verified.stdout.contains(text(&hashes["state_hash"])), "{} {hashes}", verified.said());
    assert!(home.start(&[]).stop().status.success());
}

#[test]
fn a_pruned_venue_without_a_snapshot_that_can_be_read_says_so_and_begins_nothing() {
    let (home, _, _) = nine_days(&[]);
    let copy = home.copy();
    for entry in fs::read_dir(home.data().join("snapshots")).expect("snapshots") {
        fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    let refused = home.refused(&[]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.said());
    let words = "was pruned, and no snapshot of a later record can be read: put one back from a copy";
    assert!(refused.said().contains(words), "{}", refused.said());
    assert!(!home.run("verify").status.success());
    assert!(home.run("replay").said().contains(words), "{}", home.run("replay").said());
    // As it says.
    for entry in fs::read_dir(copy.data().join("snapshots")).expect("snapshots") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        fs::copy(&path, home.data().join("snapshots").join(name)).expect("copied");
    }
    assert!(home.start(&[]).stop().status.success());
}

#[test]
fn a_journal_is_kept_for_as_long_as_it_was_asked_for() {
    for (flags, pruned) in [
        (&["--keep-journal", "all"][..], false),
        (&["--keep-journal", "9"], false),
        (&["--keep-journal", "7"], true),
        (&["--keep-journal", "0"], true),
    ] {
        let (home, hashes, _) = nine_days(flags);
        let replayed = home.run("replay");
        assert_eq!(replayed.stdout.contains("pruned"), pruned, "{flags:?}: {}", replayed.said());
        assert!(replayed.stdout.contains(text(&hashes["event_hash"])), "{flags:?}: {}", replayed.said());
    }
    let refused = Home::new().refused(&["--keep-journal", "soon"]);
    assert_eq!(refused.status.code(), Some(2), "{}", refused.said());
    assert!(refused.said().contains("wants `all`, or a number of days such as 7"), "{}", refused.said());
}
