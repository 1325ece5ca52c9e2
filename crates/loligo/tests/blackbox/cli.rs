//! The command line: what a start promises on screen and in the start file, what it refuses, how it ends.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::api::Client;
use crate::http::Connection;
use crate::venue::{Home, QUIET, loligo, text};

#[test]
fn the_start_file_and_the_screen_tell_all_that_a_client_needs() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let config = venue.config.clone();
    for (name, scheme, end) in [
        ("http", "http://", ""),
        ("https", "https://", ""),
        ("ws", "ws://", "/ws/v1"),
        ("wss", "wss://", "/ws/v1"),
    ] {
        let address = text(&config[name]);
        let host = address.strip_prefix(scheme).and_then(|rest| rest.strip_suffix(end)).expect(name);
        let port: u16 = host.strip_prefix("127.0.0.1:").expect("loopback").parse().expect("a port");
        assert_ne!(port, 0, "the port that was picked, not the one that was asked for");
    }
    assert_eq!(config["seed"], 1);
    assert_eq!(fs::canonicalize(text(&config["data"])).unwrap(), fs::canonicalize(home.data()).unwrap());
    assert!(text(&config["control_token"]).len() >= 32);
    let authority = fs::read_to_string(text(&config["ca_certificate"])).unwrap();
    assert!(authority.contains("BEGIN CERTIFICATE") && !authority.contains("PRIVATE KEY"));

    let accounts = config["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 10);
    // The last recipe is for those who have nothing but curl.
    let screen = venue.screen("curl");
    assert!(screen.contains(text(&config["http"])) && screen.contains(text(&config["https"])), "{screen}");
    for account in accounts {
        for name in ["uid", "name", "api_key", "api_secret"] {
            assert!(!text(&account[name]).is_empty());
        }
        assert_ne!(account["api_key"], account["read_only"]["api_key"]);
        for name in ["name", "api_key", "api_secret"] {
            assert!(
                screen.contains(text(&account[name])),
                "{name} of {account} is not on the screen:\n{screen}"
            );
        }
    }
    for client in ["ccxt", "python-kraken-sdk", "freqtrade", "NautilusTrader", "kraken-cli", "curl"] {
        assert!(screen.to_lowercase().contains(&client.to_lowercase()), "no recipe for {client}:\n{screen}");
    }
}

#[test]
fn every_account_is_funded_and_can_trade_both_kinds() {
    let home = Home::new();
    let venue =
        home.start(&["--market", "none", "--clock", "manual", "--accounts", "3", "--balance", "2500"]);
    let accounts = venue.config["accounts"].as_array().unwrap().clone();
    assert_eq!(accounts.len(), 3);
    for account in &accounts {
        let mut client = venue.client_of(account);
        let wallets = client.get("/accounts", &[]);
        assert_eq!(wallets["accounts"]["flex"]["currencies"]["USD"]["quantity"].to_string(), "2500");
        client.place_limit("PF_XBTUSD", "buy", "0.01", "1000", "linear");
        client.place_limit("PI_XBTUSD", "buy", "10", "1000", "inverse");
        let reader = &account["read_only"];
        let mut reader = Client::new(venue.http(), text(&reader["api_key"]), text(&reader["api_secret"]));
        assert_eq!(reader.open_orders().len(), 2);
    }
}

#[test]
fn keys_follow_from_the_seed() {
    let keys = |seed: &str| {
        let home = Home::new();
        let venue = home.start(&["--market", "none", "--clock", "manual", "--seed", seed]);
        venue.config["accounts"].clone()
    };
    assert_eq!(keys("3"), keys("3"));
    assert_ne!(keys("3"), keys("4"));
}

#[test]
fn a_folder_in_use_is_refused() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let kept = venue.config.clone();
    let second = home.refused(&QUIET);
    assert!(!second.status.success(), "two exchanges on one folder: {second:?}");
    assert!(second.stderr.contains("in use") || second.stderr.contains("locked"), "{second:?}");
    assert!(second.stderr.contains("data"), "which folder is not told: {second:?}");
    assert_eq!(venue.control("GET", "/health", &Value::Null)["status"], "ok");
    assert_eq!(venue.client_of(&kept["accounts"][0]).open_orders(), Vec::<Value>::new());
}

#[test]
fn a_folder_made_with_other_figures_is_refused_by_name() {
    let home = Home::new();
    let flags =
        ["--market", "none", "--clock", "manual", "--seed", "3", "--accounts", "4", "--balance", "5000"];
    let mut venue = home.start(&flags);
    let sequence = venue.sequence();
    assert!(venue.stop().status.success());
    for (name, other) in [("--seed", "8"), ("--accounts", "5"), ("--balance", "6000"), ("--clock", "real")] {
        let mut changed = flags.map(str::to_owned);
        let at = flags.iter().position(|flag| *flag == name).unwrap();
        changed[at + 1] = other.to_owned();
        let changed: Vec<_> = changed.iter().map(String::as_str).collect();
        let refused = home.refused(&changed);
        assert!(!refused.status.success(), "{name} {other} was taken: {refused:?}");
        let word = name.trim_start_matches('-');
        assert!(refused.stderr.contains(word), "{name} is not named: {}", refused.stderr);
        assert!(refused.stderr.contains(other), "the new figure is not told: {}", refused.stderr);
        assert!(refused.stderr.contains(flags[at + 1]), "the old figure is not told: {}", refused.stderr);
    }
    let mut venue = home.start(&flags);
    // A start is a record; refused starts are not.
    assert_eq!(venue.sequence(), sequence + 1);
}

#[test]
fn flags_that_make_no_sense_are_refused_by_name() {
    let bad: [&[&str]; 13] = [
        &["--clock", "sideways"],
        &["--market", "maybe"],
        &["--accounts=-1"],
        &["--accounts", "many"],
        &["--balance", "lots"],
        &["--seed", "x"],
        &["--start-time", "yesterday", "--clock", "manual"],
        &["--start-time", "2026-03-01T00:00:00Z"],
        &["--rate-limits", "perhaps"],
        &["--feed-delay", "soon"],
        &["--feed-delay", "1001ms"],
        &["--listen", "nowhere"],
        &["--no-such-flag", "1"],
    ];
    for flags in bad {
        let home = Home::new();
        let refused = home.refused(flags);
        assert!(!refused.status.success(), "{flags:?} was taken");
        let flag = flags[0].split('=').next().unwrap();
        assert!(refused.stderr.contains(flag), "{flags:?} is not named: {}", refused.stderr);
        assert!(!refused.stderr.contains("panicked"), "{flags:?}: {}", refused.stderr);
        assert!(!home.data().exists(), "{flags:?} left a data folder behind");
    }
}

#[test]
fn an_instruments_file_that_is_not_there_is_named() {
    let home = Home::new();
    let refused = home.refused(&["--instruments", "no-such-file.toml"]);
    assert!(!refused.status.success());
    assert!(refused.stderr.contains("no-such-file.toml"), "{}", refused.stderr);
}

#[test]
fn signals_end_it_cleanly_and_quickly() {
    for signal in ["TERM", "INT"] {
        let home = Home::new();
        let venue = home.start(&QUIET);
        let id = venue.client(0).place_limit("PF_XBTUSD", "buy", "0.1", "1000", "kept");
        // An idle connection must not hold the exit up.
        let idle = Connection::open(venue.http()).unwrap();
        let finished = venue.stop_with(signal);
        assert_eq!(finished.status.code(), Some(0), "SIG{signal}: {finished:?}");
        drop(idle);
        let venue = home.start(&QUIET);
        assert_eq!(venue.client(0).open_orders()[0]["order_id"], id.as_str());
    }
}

#[test]
fn https_is_served_under_the_authority_of_the_start_file() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let authority = Path::new(text(&venue.config["ca_certificate"])).to_owned();
    let connection = Connection::open_tls(text(&venue.config["https"]), &authority).unwrap();
    let account = &venue.config["accounts"][0];
    let mut client = Client::over(connection, text(&account["api_key"]), text(&account["api_secret"]));
    let id = client.place_limit("PF_XBTUSD", "buy", "0.1", "1000", "secret");
    assert_eq!(client.open_orders()[0]["order_id"], id.as_str());
    drop(venue);

    // The authority is kept: clients that trust it go on trusting it.
    let before = fs::read(&authority).unwrap();
    let venue = home.start(&QUIET);
    assert_eq!(fs::read(text(&venue.config["ca_certificate"])).unwrap(), before);
    // Another venue's authority is not this one's.
    let other = Home::new();
    let stranger = other.start(&QUIET);
    let foreign = Path::new(text(&stranger.config["ca_certificate"])).to_owned();
    let mut connection = Connection::open_tls(text(&venue.config["https"]), &foreign).unwrap();
    assert!(connection.request("GET", "/derivatives/api/v3/tickers", &[], None).is_err());
}

#[test]
fn memory_only_leaves_nothing_behind() {
    let home = Home::new();
    let venue = home.start(&["--ephemeral", "--market", "none", "--clock", "manual"]);
    assert_eq!(venue.config["data"], Value::Null);
    let id = venue.client(0).place_limit("PF_XBTUSD", "buy", "0.1", "1000", "gone");
    assert!(venue.stop().status.success());
    let venue = home.start(&["--ephemeral", "--market", "none", "--clock", "manual"]);
    let orders = venue.client(0).post("/orders/status", &[("orderIds", id.as_str())])["orders"].clone();
    assert_eq!(orders, Value::Array(Vec::new()));
}

#[test]
fn settings_can_come_from_the_environment_and_serve_is_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let config_file = folder.path().join("config.json");
    let mut child = loligo(folder.path())
        .env("LOLIGO_LISTEN", "127.0.0.1:0")
        .env("LOLIGO_TLS_LISTEN", "127.0.0.1:0")
        .env("LOLIGO_DATA", folder.path().join("elsewhere"))
        .env("LOLIGO_MARKET", "none")
        .env("LOLIGO_SEED", "77")
        .env("LOLIGO_ACCOUNTS", "2")
        .env("LOLIGO_CONFIG_OUT", &config_file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !config_file.exists() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended at its start");
        std::thread::yield_now();
    }
    let config: Value = serde_json::from_slice(&fs::read(&config_file).unwrap()).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((config["seed"].as_u64(), config["accounts"].as_array().map(Vec::len)), (Some(77), Some(2)));
    assert!(folder.path().join("elsewhere").is_dir());
}

#[test]
fn the_control_surface_is_for_the_operator_alone() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let mut connection = Connection::open(venue.http()).unwrap();
    let mut ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        let body = (method != "GET").then_some(br#"{"advance_ms": 1}"#.as_slice());
        connection.request(method, &format!("/loligo/v1{path}"), headers, body).unwrap().status
    };
    let token = format!("Bearer {}", text(&venue.config["control_token"]));
    let token = ("Authorization", token.as_str());
    let json = ("Content-Type", "application/json");
    assert_eq!(ask("GET", "/health", &[]), 200);
    assert_eq!(ask("GET", "/state-hash", &[token]), 200);
    assert_eq!(ask("POST", "/clock", &[token, json]), 200);
    assert_eq!(ask("GET", "/state-hash", &[]), 401);
    assert_eq!(ask("GET", "/state-hash", &[("Authorization", "Bearer wrong")]), 401);
    assert_eq!(ask("POST", "/clock", &[json]), 401);
    // A page of another site that the operator has open must not be able to command the exchange.
    assert_eq!(ask("POST", "/clock", &[token, json, ("Origin", "https://example.com")]), 403);
    assert_eq!(ask("GET", "/no-such-verb", &[token]), 404);
    // Nor a name that somebody made point to this machine. (This connection sends a second Host by hand.)
    let mut raw = Connection::open(venue.http()).unwrap();
    raw.send(
        format!(
            "GET /loligo/v1/state-hash HTTP/1.1\r\nHost: evil.example.com\r\nAuthorization: {}\r\n\r\n",
            token.1
        )
        .as_bytes(),
    )
    .unwrap();
    assert_eq!(raw.receive().unwrap().status, 403);
}

#[test]
fn help_names_every_flag_that_tools_rely_on() {
    let folder = tempfile::tempdir().unwrap();
    let help = loligo(folder.path()).args(["serve", "--help"]).output().unwrap();
    assert!(help.status.success());
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    for flag in [
        "--listen",
        "--tls-listen",
        "--data",
        "--ephemeral",
        "--seed",
        "--accounts",
        "--balance",
        "--market",
        "--clock",
        "--start-time",
        "--config-out",
        "--rate-limits",
        "--feed-delay",
        "--instruments",
        "--allow-origin",
        "--until",
        "--control-token",
        "--log",
        "--log-format",
        "LOLIGO_TRACE",
    ] {
        assert!(help.contains(flag), "{flag} is missing:\n{help}");
    }
    let version = loligo(folder.path()).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn health_asks_a_running_exchange() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let folder = tempfile::tempdir().unwrap();
    let health = |url: &str| loligo(folder.path()).args(["health", url]).output().unwrap();
    let well = health(venue.http());
    assert!(well.status.success(), "{well:?}");
    let address = venue.http().to_owned();
    venue.kill();
    assert!(!health(&address).status.success());
}
