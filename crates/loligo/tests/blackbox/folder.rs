//! The data folder: what a start takes from it, what it does not contradict, how it is begun anew, whom it is for, and how
//! commands that read it end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::venue::{Finished, Home, INSTRUMENTS, QUIET, Started, loligo, skip, text, without_settings};

const SYMBOL: &str = "PF_XBTUSD";

#[test]
fn what_a_start_leaves_out_is_taken_from_the_folder() {
    let home = Home::new();
    let listing = home.data().with_file_name("listing.toml");
    fs::write(&listing, INSTRUMENTS).unwrap();
    let mut flags = vec!["--seed", "7", "--accounts", "3", "--balance", "2500.5", "--market", "none"];
    flags.extend(["--clock", "manual", "--start-time", "2026-03-01T00:00:00Z"]);
    flags.extend(["--instruments", listing.to_str().unwrap()]);
    let venue = home.start(&flags);
    let accounts = venue.config["accounts"].clone();
    assert!(venue.stop().status.success());
    fs::remove_file(&listing).unwrap();

    // The second command of a person who remembers nothing but the folder; after it some of what there was.
    for named in [
        &[][..],
        &["--seed", "7"],
        &["--clock", "manual"],
        &["--start-time", "2026-03-01T00:00:00Z"],
        &flags[..8],
    ] {
        let mut venue = home.start(named);
        assert_eq!((&venue.config["seed"], &venue.config["accounts"]), (&json!(7), &accounts), "{named:?}");
        let screen = venue.screen("Ctrl-C");
        assert!(
            screen.contains("market    none") && screen.contains("clock     manual"),
            "{named:?}: {screen}"
        );
        let wallets = venue.client(2).get("/accounts", &[]);
        assert_eq!(wallets["accounts"]["flex"]["currencies"]["USD"]["quantity"].to_string(), "2500.5");
        let listed = venue.visitor().get("/instruments", &[]);
        let symbols: Vec<_> =
            listed["instruments"].as_array().unwrap().iter().map(|row| text(&row["symbol"])).collect();
        assert_eq!(symbols, ["PF_LOWUSD"], "{named:?}");
        assert_eq!(
            venue.control("POST", "/clock", &json!({"advance_ms": 0}))["time"],
            "2026-03-01T00:00:00.000000Z"
        );
        venue.kill();
    }
}

#[test]
fn a_live_folder_stays_live_and_goes_on_where_its_market_was() {
    let home = Home::new();
    let venue = home.start(&["--clock", "manual", "--seed", "9"]);
    let before = venue.visitor().get("/orderbook", &[("symbol", SYMBOL)])["orderBook"].clone();
    assert!(venue.stop().status.success());
    let venue = home.start(&[]);
    let after = venue.visitor().get("/orderbook", &[("symbol", SYMBOL)])["orderBook"].clone();
    assert_eq!(before, after);
    assert!(venue.screen("Ctrl-C").contains("market    live"));
}

#[test]
fn a_start_that_contradicts_the_folder_names_it_the_differences_and_the_ways_out() {
    let home = Home::new();
    let mut venue = home.start(&["--market", "none", "--clock", "manual", "--seed", "3"]);
    let sequence = venue.sequence();
    assert!(venue.stop().status.success());
    let refused = home.refused(&["--market", "live", "--seed", "4"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let folder = home.data().display().to_string();
    for words in [
        folder.as_str(),
        "begun with --seed 3, this start names 4",
        "begun with --market none, this start names live",
        "--data",
        "--reset",
    ] {
        assert!(refused.stderr.contains(words), "{words} is not in: {}", refused.stderr);
    }
    // A clock that is not this folder's own, with a time that would be another's.
    let refused = home.refused(&["--start-time", "2027-01-01T00:00:00Z"]);
    assert!(refused.stderr.contains("begun with --start-time 2026-01-01T00:00:00Z"), "{}", refused.stderr);
    let mut venue = home.start(&[]);
    assert_eq!(venue.sequence(), sequence + 1, "a refused start is no record");
}

#[test]
fn a_reset_removes_the_exchange_and_nothing_else() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    venue.client(0).place_limit(SYMBOL, "buy", "0.1", "40000", "gone");
    let authority = fs::read(text(&venue.config["ca_certificate"])).unwrap();
    assert!(venue.stop().status.success());
    let mine = [
        home.data().join("notes.txt"),
        home.data().join("snapshots/notes.txt"),
        home.data().join("journal.db.bak"),
    ];
    for path in &mine {
        fs::write(path, "mine").unwrap();
    }
    // Nobody is there who could say yes.
    let refused = home.refused(&["--reset", "--seed", "5"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("--yes") && refused.stderr.contains("nothing was removed"),
        "{refused:?}"
    );
    // What makes no sense is told before anything is removed.
    let refused = home.refused(&["--reset", "--yes", "--balance", "lots"]);
    assert!(refused.stderr.contains("--balance"), "{refused:?}");
    for flags in [&["--reset", "--ephemeral"][..], &["--reset", "--until", "5"], &["--yes"]] {
        assert_eq!(home.refused(flags).status.code(), Some(2), "{flags:?}");
    }
    let venue = home.start(&[]);
    assert_eq!(venue.client(0).open_orders().len(), 1, "nothing was removed");
    // Nor is anything removed under an exchange that runs.
    let busy = home.refused(&["--reset", "--yes"]);
    assert!(busy.stderr.contains("in use"), "{busy:?}");
    assert!(venue.stop().status.success());

    let venue = home.start(&["--reset", "--yes", "--seed", "5", "--market", "none"]);
    assert_eq!(venue.config["seed"], 5);
    assert_eq!(venue.client(0).open_orders(), Vec::<Value>::new());
    assert!(venue.screen("Ctrl-C").contains("was removed"));
    assert_eq!(
        fs::read(text(&venue.config["ca_certificate"])).unwrap(),
        authority,
        "clients have been told to trust it"
    );
    for path in &mine {
        assert_eq!(fs::read(path).unwrap(), b"mine", "{}", path.display());
    }
    venue.kill();
    // Whatever is left of a venue can be removed; where there is none, there is nothing to ask.
    fs::remove_file(home.data().join("journal.db")).unwrap();
    home.refused(&[]);
    home.start(&["--reset", "--yes"]).kill();
    Home::new().start(&["--reset"]).kill();
}

#[test]
fn a_reset_asks_on_the_terminal() {
    if !Command::new("script").arg("--version").output().is_ok_and(|found| found.status.success()) {
        skip("a_reset_asks_on_the_terminal", "there is no `script` to play a terminal");
        return;
    }
    let home = Home::new();
    assert!(home.start(&QUIET).stop().status.success());
    let files = || fs::read_dir(home.data()).unwrap().count();
    let before = files();
    let binary = env!("CARGO_BIN_EXE_loligo");
    // The second port is taken, so that a start ends there, after the reset.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let serve = format!("{binary} serve --reset --listen 127.0.0.1:0 --tls-listen {port} --data data");
    for (answer, removed) in [("no", false), ("", false), ("y", false), ("yes", true)] {
        let asked = Command::new("sh")
            .arg("-c")
            .arg("printf '%s\\n' \"$1\" | script -qec \"$2\" /dev/null")
            .args(["sh", answer, &format!("{serve} --accounts 0")])
            .current_dir(home.data().parent().unwrap())
            .output()
            .unwrap();
        let asked = Finished::of(asked);
        assert!(asked.stdout.contains("Type yes to go on"), "{answer}: {asked:?}");
        assert!(asked.stdout.contains("branch 1: "), "what would be lost is not told: {asked:?}");
        assert_eq!(asked.stdout.contains("was removed."), removed, "{answer}: {asked:?}");
        if !removed {
            assert!(asked.stdout.contains("nothing was removed"), "{answer}: {asked:?}");
            assert_eq!(files(), before, "{answer}");
        }
    }
    assert!(!home.data().join("secrets.key").exists());
}

/// Everything in a folder with its rights, the folder first.
fn rights(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let mut found = vec![(folder.to_owned(), mode(folder))];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(rights(&path)) } else { found.push((path.clone(), mode(&path))) }
    }
    found
}

fn check_rights(folder: &Path) {
    let found = rights(folder);
    for name in [
        "journal.db",
        "journal.db-wal",
        "journal.db-shm",
        "journal.mark",
        "secrets.key",
        "tls/ca.pem",
        "tls/server.key",
    ] {
        assert!(found.iter().any(|(path, _)| path.ends_with(name)), "{name} is not among {found:?}");
    }
    for (path, mode) in found {
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}: {mode:o}", path.display());
    }
}

#[test]
fn a_folder_is_for_its_owner_alone_also_one_that_was_not() {
    let home = Home::new();
    // The shell of this person makes files that all may read.
    let serve = |flags: &[&str]| {
        let inner = home.serve(flags);
        let mut command = without_settings(Command::new("sh"), home.data().parent().unwrap());
        command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(inner.get_program()).args(inner.get_args());
        Started::of(&home, command).ready()
    };
    let venue = serve(&QUIET);
    check_rights(&home.data());
    let start_file = home.data().with_file_name("config.json");
    assert_eq!(fs::metadata(start_file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(venue.stop().status.success());
    for (path, mode) in rights(&home.data()) {
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        // As an earlier version left it.
        fs::set_permissions(&path, fs::Permissions::from_mode(if path.is_dir() { 0o755 } else { 0o644 }))
            .unwrap();
    }
    let venue = serve(&[]);
    check_rights(&home.data());
    assert!(venue.stop().status.success());
    // A folder in which somebody keeps other things stays as it is; our files in it do not.
    fs::write(home.data().join("notes.txt"), "mine").unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(home.data().join("journal.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let venue = serve(&[]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(home.data()), mode(home.data().join("journal.db"))), (0o755, 0o600));
    drop(venue);
}

#[test]
fn whoever_has_read_enough_gets_no_error() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let listen = venue.http().to_owned();
    let data = home.data().display().to_string();
    let runs: &[&[&str]] = &[&["health", &listen], &["--help"], &["serve", "--help"], &["--version"]];
    let run = |arguments: &[&str]| {
        let mut command = loligo(home.data().parent().unwrap());
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // As `| head -0`: nobody reads.
        drop(child.stdout.take());
        let ended = Finished::of(child.wait_with_output().unwrap());
        assert!(ended.status.success() && ended.stderr.is_empty(), "{arguments:?}: {ended:?}");
    };
    runs.iter().for_each(|arguments| run(arguments));
    assert!(venue.stop().status.success());
    for command in ["verify", "replay", "snapshot", "log"] {
        run(&[command, &data]);
    }
    run(&["log", &data, "--from", "1", "--count", "1000000"]);

    // An exchange goes on when nobody looks at its screen any more.
    let mut command = home.serve(&[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    let config = home.data().with_file_name("config.json");
    while !config.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended at its start");
        std::thread::yield_now();
    }
    let config: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    let mut client = crate::api::Client::new(text(&config["http"]), "", "");
    assert_eq!(client.get("/instruments", &[])["result"], "success");
    assert_eq!(child.try_wait().unwrap(), None, "it ended");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_file_that_never_ends_is_refused_at_once() {
    let home = Home::new();
    let long = home.data().with_file_name("long.toml");
    fs::write(&long, " ".repeat(1024 * 1024 + 1)).unwrap();
    let folder = home.data().with_file_name("folder");
    fs::create_dir(&folder).unwrap();
    for (path, words) in [
        (Path::new("/dev/zero"), "neither a file nor a pipe"),
        (Path::new("/dev/null"), "neither a file nor a pipe"),
        (&folder, "neither a file nor a pipe"),
        (&long, "more than the 1048576 bytes"),
    ] {
        let refused = home.refused(&["--instruments", path.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
        assert!(refused.stderr.contains(path.to_str().unwrap()), "{refused:?}");
    }
    assert!(!home.data().exists());
    // The same for what a start reads of its folder.
    assert!(home.start(&QUIET).stop().status.success());
    for name in ["secrets.key", "tls/ca.pem", "tls/ca.key", "tls/server.pem"] {
        let copy = home.copy();
        let path = copy.data().join(name);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let refused = copy.refused(&[]);
        assert!(
            refused.stderr.contains("neither a file nor a pipe") && refused.stderr.contains(name),
            "{refused:?}"
        );
    }
}
