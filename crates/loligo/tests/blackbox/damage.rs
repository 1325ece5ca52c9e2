//! Damaged folders, on the road of the person who finds one: the refusal, the very command that it names, and what is
//! there afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use crate::venue::{Home, QUIET, Started, Venue, loligo, text};

const SYMBOL: &str = "PF_XBTUSD";

/// A folder with three lives: `first` was placed before a clean stop, `second` before a kill and `third` before another,
/// so that the last lies in SQLite's log and the others in the database. The name ends with `mark`, to tell twins apart.
fn three_lives(mark: &str) -> (Home, u64) {
    let home = Home::new();
    let mut last = 0;
    for (life, name) in ["first", "second", "third"].into_iter().enumerate() {
        let mut venue = home.start(if life == 0 { &QUIET } else { &[] });
        venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", &format!("{name}-{mark}"));
        last = venue.sequence();
        if life == 0 { assert!(venue.stop().status.success()) } else { venue.kill() }
    }
    (home, last)
}

fn open_names(venue: &Venue) -> Vec<String> {
    let mut names: Vec<_> =
        venue.client(0).open_orders().iter().map(|order| text(&order["cliOrdId"]).to_owned()).collect();
    names.sort();
    names
}

fn file(home: &Home, name: &str) -> PathBuf {
    home.data().join(name)
}

/// Changes one byte of the row that holds `text`.
fn change(path: &Path, text: &str) {
    let mut bytes = fs::read(path).unwrap();
    let places: Vec<_> =
        (0..bytes.len() - text.len()).filter(|at| &bytes[*at..*at + text.len()] == text.as_bytes()).collect();
    assert!(!places.is_empty(), "{text} is not in {}", path.display());
    for at in places {
        bytes[at] ^= 1;
    }
    fs::write(path, bytes).unwrap();
}

/// Moves everything into the database, as a clean stop does, but leaves no snapshot of it.
fn settle(home: &Home) {
    let before = snapshots(home);
    assert!(home.run("snapshot").status.success());
    for path in snapshots(home).iter().filter(|path| !before.contains(path)) {
        fs::remove_file(path).unwrap();
    }
}

fn snapshots(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(file(home, "snapshots")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn the_command_that_a_refusal_names_opens_the_exchange_before_the_damage() {
    let (whole, last) = three_lives("a");
    let (twin, twin_last) = three_lives("b");
    assert_eq!(last, twin_last, "twins have the same number of records");
    let mut ahead = twin.copy().start(&[]);
    let _ = ahead.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "fourth-b");
    let ahead_last = ahead.sequence();
    assert!(ahead_last > last);
    drop(ahead);

    type Harm = fn(&Home, &Home);
    /// What is done to the folder, with its twin at hand; what the refusal says; which orders are left.
    type Row = (&'static str, Harm, &'static str, &'static [&'static str]);
    let all: &[&str] = &["first-a", "second-a", "third-a"];
    let rows: [Row; 8] = [
        (
            "a changed row",
            |home, _| {
                settle(home);
                change(&file(home, "journal.db"), "second-a");
            },
            "is damaged at record",
            &all[..1],
        ),
        (
            "a missing tail",
            |home, _| fs::remove_file(file(home, "journal.db-wal")).unwrap(),
            "was acknowledged: the tail is missing",
            &all[..2],
        ),
        (
            "a tail of which half is left",
            |home, _| {
                let path = file(home, "journal.db-wal");
                let bytes = fs::read(&path).unwrap();
                // What follows the last commit is room.
                let held = bytes.iter().rposition(|&byte| byte != 0).unwrap();
                fs::write(&path, &bytes[..held / 2]).unwrap();
            },
            "was acknowledged: the tail is missing",
            &all[..2],
        ),
        ("a missing mark", |home, _| fs::remove_file(file(home, "journal.mark")).unwrap(), "is missing", all),
        (
            "an empty mark",
            |home, _| fs::write(file(home, "journal.mark"), b"").unwrap(),
            "is damaged at both",
            all,
        ),
        (
            "the mark of another exchange",
            |home, twin| {
                fs::copy(file(twin, "journal.mark"), file(home, "journal.mark")).unwrap();
            },
            "is not the one that was acknowledged there",
            all,
        ),
        (
            "the snapshot of another exchange",
            |home, twin| {
                let theirs = snapshots(twin).pop().unwrap();
                let ours = snapshots(home).pop().unwrap();
                assert_eq!(theirs.file_name(), ours.file_name());
                fs::copy(theirs, ours).unwrap();
            },
            "is not the one a snapshot was taken at",
            all,
        ),
        (
            "a changed row and no snapshot to go on from",
            |home, _| {
                settle(home);
                fs::remove_dir_all(file(home, "snapshots")).unwrap();
                change(&file(home, "journal.db"), "first-a");
            },
            "is damaged at record",
            &[],
        ),
    ];
    for (case, harm, words, kept) in rows {
        let home = whole.copy();
        harm(&home, &twin);
        let refused = home.refused(&[]);
        assert_eq!(refused.status.code(), Some(1), "{case}: {refused:?}");
        assert!(refused.stderr.contains(words), "{case}: {}", refused.stderr);
        let until: u64 = refused
            .stderr
            .split("--until ")
            .nth(1)
            .and_then(|rest| rest.split('`').next()?.parse().ok())
            .unwrap();

        let venue = home.follow(&refused.stderr).ready();
        assert_eq!(open_names(&venue), kept, "{case}: {}", refused.stderr);
        let left = venue.screen(&format!("branch 2 begins before record {until}"));
        let behind = match last + 1 - until {
            0 => "nothing behind".to_owned(),
            1 => "1 record".to_owned(),
            count => format!("{count} records"),
        };
        assert!(left.contains(&behind) || left.contains("cannot be found"), "{case}: {behind}, but:\n{left}");
        venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "zulu");
        venue.kill();

        // The branch is the exchange from now on, without being told so again; nothing is cut a second time.
        let venue = home.start(&[]);
        let kept: Vec<_> = kept.iter().map(|name| (*name).to_owned()).chain(["zulu".to_owned()]).collect();
        assert_eq!(open_names(&venue), kept, "{case}, after another start");
        drop(venue);
        // What was left behind may be damaged; what counts is whole.
        let verified = home.run("verify");
        assert!(verified.status.success(), "{case}: {verified:?}");
    }
}

#[test]
fn a_mark_that_is_further_on_than_the_journal_counts_what_cannot_be_found() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let kept = venue.sequence();
    assert!(venue.stop().status.success());
    let venue = home.start(&[]);
    for name in ["one", "two"] {
        venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", name);
    }
    venue.kill();
    fs::remove_file(file(&home, "journal.db-wal")).unwrap();
    let refused = home.refused(&[]);
    let venue = home.follow(&refused.stderr).ready();
    // The start itself was a record, and so was each order.
    let said = format!(
        "branch 2 begins before record {} and leaves nothing behind on branch 1; 3 records after that",
        kept + 1
    );
    venue.screen(&said);
}

#[test]
fn a_row_that_no_start_needs_is_told_by_verify_and_keeps_nobody_out() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    for name in ["before-the-snapshot", "snapshot-of-this"] {
        venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", name);
    }
    assert!(venue.stop().status.success());
    change(&file(&home, "journal.db"), "before-the-snapshot");
    let verified = home.run("verify");
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(
        verified.stderr.contains("until then `loligo serve` goes on from its snapshot of record"),
        "{verified:?}"
    );
    let venue = home.start(&[]);
    assert_eq!(open_names(&venue), ["before-the-snapshot", "snapshot-of-this"]);
}

#[test]
fn a_folder_name_that_a_shell_would_take_apart_is_quoted_in_the_command() {
    let home = Home::new();
    let above = home.data().parent().unwrap().to_owned();
    let strange = above.join("it's a $HOME & more");
    let serve = |flags: &[&str]| {
        let mut command = loligo(&above);
        command.args(["serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]);
        command.args(["--config-out", "config.json"]).arg("--data").arg(&strange).args(flags);
        Started::of(&home, command)
    };
    serve(&["--market", "none", "--clock", "manual", "--accounts", "1"]).ready().kill();
    fs::remove_file(strange.join("journal.mark")).unwrap();
    fs::remove_file(above.join("config.json")).unwrap();
    let refused = serve(&[]).finish();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let venue = home.follow(&refused.stderr).ready();
    let data = fs::canonicalize(text(&venue.config["data"])).unwrap();
    assert_eq!(data, fs::canonicalize(&strange).unwrap());
    assert_eq!(venue.config["accounts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_earlier_place_is_named_on_the_command_line_alone() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let before = venue.sequence();
    venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "given-up");
    venue.kill();
    let until = (before + 1).to_string();
    let mut venue = home.start(&["--until", &until]);
    assert_eq!(open_names(&venue), [""; 0]);
    venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "kept");
    let last = venue.sequence();
    venue.kill();
    // What a shell or a service file still says must not cut again.
    let mut command = home.serve(&[]);
    command.env("LOLIGO_UNTIL", &until);
    let mut venue = Started::of(&home, command).ready();
    assert_eq!(open_names(&venue), ["kept"]);
    assert_eq!(venue.sequence(), last + 1, "the start is a record, and nothing was left behind");
    venue.screen("LOLIGO_UNTIL is not read");
}

#[test]
fn an_exchange_cannot_be_opened_in_the_middle_of_its_beginning() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    // The last record is the start itself; all before it is the beginning.
    let last = venue.sequence() - 1;
    venue.kill();
    for until in [0, 1, 2, last] {
        let refused = home.refused(&["--until", &until.to_string()]);
        assert_eq!(refused.status.code(), Some(1), "{until}: {refused:?}");
        let words = format!("--until takes {} or more", last + 1);
        assert!(refused.stderr.contains(&words), "{until}: {}", refused.stderr);
    }
    let refused = home.refused(&["--until", &(last + 3).to_string()]);
    assert!(refused.stderr.contains("there is no record"), "{}", refused.stderr);
    let log = home.run("log");
    assert!(log.stdout.starts_with("branch 1: ") && !log.stdout.contains("branch 2"), "{log:?}");
    home.start(&["--until", &(last + 1).to_string()]).kill();
}

#[test]
fn a_request_that_was_executed_on_the_branch_left_behind_is_not_executed_again() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let until = (venue.sequence() + 1).to_string();
    let order = |name: &'static str| {
        [
            ("orderType", "lmt"),
            ("symbol", SYMBOL),
            ("side", "buy"),
            ("size", "0.1"),
            ("limitPrice", "40000"),
            ("cliOrdId", name),
        ]
    };
    let (executed, later) = ("1700000000000", "1700000000001");
    let sent = venue.client(0).post_with_nonce("/sendorder", &order("once"), executed);
    assert_eq!(sent["sendStatus"]["status"], "placed", "{sent}");
    venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "after-it");
    venue.kill();
    for (round, flags) in [&["--until", &until][..], &[], &["--until", &until], &[]].into_iter().enumerate() {
        let venue = home.start(flags);
        let again = venue.client(0).post_with_nonce("/sendorder", &order("once"), executed);
        assert_eq!(again["error"], "nonceBelowThreshold", "round {round}: {again}");
        assert_eq!(open_names(&venue), [""; 0], "round {round}");
        venue.kill();
    }
    let venue = home.start(&[]);
    let sent = venue.client(0).post_with_nonce("/sendorder", &order("twice"), later);
    assert_eq!(sent["sendStatus"]["status"], "placed", "{sent}");
    drop(venue);
    assert!(home.run("verify").status.success());
}

#[test]
fn the_log_shows_branches_and_records_whatever_state_the_folder_is_in() {
    let (home, last) = three_lives("a");
    let stored = |home: &Home| -> Vec<_> {
        let names = ["journal.db", "journal.db-wal", "journal.mark", "journal.db-shm"];
        let contents = names.map(|name| fs::read(file(home, name)).unwrap_or_default());
        contents.into_iter().take(3).collect()
    };
    let log = |home: &Home, arguments: &[&str]| {
        let before = stored(home);
        let shown = home.run_with("log", arguments);
        assert!(shown.status.success() && shown.stderr.is_empty(), "{shown:?}");
        assert!(stored(home) == before, "showing the log changed something");
        shown.stdout
    };
    let all = log(&home, &["--from", "1", "--count", "1000"]);
    assert!(
        all.starts_with(&format!("branch 1: {last} records (1 to {last}) - the one that counts\n\n")),
        "{all}"
    );
    assert_eq!(all.lines().count() as u64, last + 2);
    assert!(all.contains("alice buy 0.1 PF_XBTUSD limit at 40000 named \"second-a\""), "{all}");
    assert!(all.contains("2026-01-01T00:00:00.000000Z"), "{all}");
    // Without a place, the last ones; with a number, as many.
    let end = log(&home, &["--count", "2"]);
    assert_eq!(end.lines().count(), 4);
    assert!(end.trim_end().ends_with("named \"third-a\""), "{end}");

    // The number before the record is the one that --until takes.
    let line = all.lines().find(|line| line.contains("second-a")).unwrap();
    let place: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    let copy = home.copy();
    let venue = copy.start(&["--until", &place.to_string()]);
    assert_eq!(open_names(&venue), ["first-a"]);
    venue.kill();
    let branches = log(&copy, &[]);
    let left = format!(
        "branch 2: leaves branch 1 after record {}, 1 record ({place}) - the one that counts",
        place - 1
    );
    assert!(branches.contains(&left), "{branches}");
    assert!(log(&copy, &["--branch", "1"]).contains("third-a"));
    assert!(!branches.contains("third-a"));
    for (arguments, words) in [
        (["--branch", "3"], "there is no branch 3: branches are 1 to 2"),
        (["--from", "0"], "there is no record 0 on branch 2"),
        (["--from", "9999"], "there is no record 9999 on branch 2"),
    ] {
        let refused = copy.run_with("log", &arguments);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }

    // Damaged in every way, it shows what there is.
    let copy = home.copy();
    settle(&copy);
    change(&file(&copy, "journal.db"), "second-a");
    let shown = log(&copy, &["--from", "1", "--count", "1000"]);
    assert!(shown.contains("first-a") && shown.contains("third-a") && !shown.contains("second-a"), "{shown}");
    assert!(
        shown.contains(&format!(
            "{place}  cannot be read: the row of records {place} to {place} is not what was written"
        )),
        "{shown}"
    );
    let copy = home.copy();
    fs::remove_file(file(&copy, "journal.mark")).unwrap();
    fs::remove_file(file(&copy, "journal.db-wal")).unwrap();
    let shown = log(&copy, &[]);
    assert!(shown.contains("second-a") && !shown.contains("third-a"), "{shown}");

    let nothing = Home::new().run("log");
    assert!(nothing.stderr.contains("holds no venue"), "{nothing:?}");
}

#[test]
fn a_snapshot_that_is_passed_over_is_told_with_its_file_and_why() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "one");
    assert!(venue.stop().status.success());
    assert!(home.start(&[]).stop().status.success());
    let kept = snapshots(&home);
    assert_eq!(kept.len(), 2, "{kept:?}");
    for (damage, why) in
        [(200, "its body is not what was written"), (10, "its header is not what was written")]
    {
        for (damaged, instead) in
            [(1, "an older one, of record"), (2, "none is left, so the whole journal is replayed")]
        {
            let copy = home.copy();
            for path in snapshots(&copy).iter().rev().take(damaged) {
                let mut bytes = fs::read(path).unwrap();
                bytes[damage] ^= 1;
                fs::write(path, bytes).unwrap();
            }
            let venue = copy.start(&[]);
            let said = venue.screen("Ctrl-C");
            for path in snapshots(&copy).iter().rev().take(damaged) {
                let told = format!("a snapshot is passed over, {}: {why}; {instead}", path.display());
                assert!(said.contains(&told), "{told}, but:\n{said}");
            }
            assert_eq!(said.matches("is passed over").count(), damaged, "{said}");
            assert_eq!(open_names(&venue), ["one"]);
        }
    }
    let venue = home.start(&[]);
    assert!(!venue.screen("Ctrl-C").contains("passed over"));
}

#[test]
fn a_clean_stop_leaves_a_snapshot_of_the_last_record() {
    let home = Home::new();
    for (life, orders) in [0, 1, 3].into_iter().enumerate() {
        let mut venue = home.start(if life == 0 { &QUIET } else { &[] });
        for order in 0..orders {
            let name = format!("{life}-{order}");
            venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", &name);
        }
        let last = venue.sequence();
        assert!(venue.stop().status.success());
        let newest = snapshots(&home).pop().unwrap();
        assert!(
            newest.ends_with(format!("000001-{last:016}.snapshot")),
            "record {last}, but {}",
            newest.display()
        );
    }
    assert!(home.run("verify").status.success());
}

#[test]
fn a_folder_that_was_killed_can_be_given_a_snapshot() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "one");
    let (last, hashes) = (venue.sequence(), venue.hashes());
    let busy = home.run("snapshot");
    assert!(!busy.status.success() && busy.stderr.contains("in use"), "{busy:?}");
    venue.kill();
    assert_eq!(snapshots(&home), Vec::<PathBuf>::new());
    let kept = home.run("snapshot");
    assert!(kept.status.success(), "{kept:?}");
    assert_eq!(kept.stdout, format!("the snapshot of record {last} is kept\n"));
    let again = home.run("snapshot");
    assert_eq!(again.stdout, format!("the snapshot of record {last} has been kept already\n"));
    assert_eq!(snapshots(&home).len(), 1);
    // It is what replay makes, and a start that goes on from it has the same orders.
    let verified = home.run("verify");
    assert!(verified.stdout.contains(text(&hashes["state_hash"])), "{verified:?}");
    assert_eq!(open_names(&home.start(&[])), ["one"]);

    let nothing = Home::new();
    let refused = nothing.run("snapshot");
    assert!(refused.stderr.contains("holds no venue"), "{refused:?}");
    assert!(!nothing.data().exists(), "it made a folder");
}
