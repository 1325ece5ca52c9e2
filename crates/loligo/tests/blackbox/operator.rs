//! What the operator may look at and call: every verb has a line, every setting can be read back, names do as well as uids.

use std::fs;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::venue::{Home, INSTRUMENTS, QUIET, loligo, text};

const TOKEN: &str = "a-token-of-my-own-choosing";

#[test]
fn a_chosen_control_token_stays_over_restarts_and_is_not_shown() {
    let home = Home::new();
    let flags = [&QUIET[..], &["--control-token", TOKEN]].concat();
    for _ in 0..2 {
        let mut venue = home.start(&flags);
        assert_eq!(venue.config["control_token"], TOKEN);
        assert_eq!(venue.control("GET", "/audit", &Value::Null)["status"], "ok");
        assert!(!venue.screen("Ctrl-C").contains(TOKEN), "the operator knows it, a screen is for everyone");
    }
    let folder = tempfile::tempdir().unwrap();
    let help =
        loligo(folder.path()).args(["serve", "--help"]).env("LOLIGO_CONTROL_TOKEN", TOKEN).output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(help.contains("LOLIGO_CONTROL_TOKEN") && !help.contains(TOKEN), "{help}");
}

#[test]
fn a_token_that_could_be_guessed_is_refused_with_the_least_length() {
    for token in ["", "short", "fifteen-letters", "sixteen letters!", "sixteen-lettérs-"] {
        let home = Home::new();
        let refused = home.refused(&[&QUIET[..], &["--control-token", token]].concat());
        assert!(!refused.status.success(), "{token:?} was taken");
        assert!(refused.stderr.contains("at least 16 characters"), "{}", refused.stderr);
        assert!(token.is_empty() || !refused.stderr.contains(token), "{}", refused.stderr);
    }
}

#[test]
fn the_control_surface_lists_its_verbs_and_each_that_asks_is_answered() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let mut visitor = Connection::open(venue.http()).unwrap();
    let listed = visitor.request("GET", "/loligo/v1", &[], None).unwrap();
    assert_eq!(listed.status, 200, "who has lost the token may still read what there is");
    let listed: Value = serde_json::from_slice(&listed.body).unwrap();
    let verbs = listed["verbs"].as_array().unwrap();
    let mut asked = 0;
    for verb in verbs {
        assert!(!text(&verb["does"]).is_empty());
        let path = text(&verb["path"]).strip_prefix("/loligo/v1").unwrap();
        let path = path
            .replace("{account}", "alice")
            .replace("{symbol}", "PF_XBTUSD")
            .replace("{operation}", "getFills")
            .replace("{order}", "00000000-0000-4000-8000-000000000000")
            .replace("{fault}", "1");
        let method = text(&verb["method"]);
        if method == "GET" {
            venue.control("GET", &path, &Value::Null);
            asked += 1;
        } else {
            // A verb that changes something is there: it refuses what is no body of its own.
            let response = venue.try_control(method, &path, &json!({"no such member": 1}));
            assert!(response.status != 405, "{method} {path}: {}", response.text());
            assert!(!response.text().contains("no such verb"), "{method} {path}: {}", response.text());
        }
    }
    assert!(asked >= 14, "{listed:#}");
}

#[test]
fn a_wrong_verb_is_answered_with_the_right_one() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    for (method, path, status, right) in [
        ("POST", "/prices/PF_XBTUSD", 405, "PUT /loligo/v1/prices/PF_XBTUSD"),
        ("GET", "/accounts/alice/deposit", 405, "POST /loligo/v1/accounts/alice/deposit"),
        ("PUT", "/clock", 405, "POST /loligo/v1/clock"),
        ("POST", "/account", 404, "POST /loligo/v1/accounts"),
        ("GET", "/price/PF_XBTUSD", 404, "GET /loligo/v1/prices/{symbol}"),
        ("GET", "/statehash", 404, "GET /loligo/v1/state-hash"),
        ("POST", "/accounts/alice/disable", 404, "GET /loligo/v1 lists all"),
        ("GET", "/something/quite/different/from/all", 404, "GET /loligo/v1 lists all"),
    ] {
        let response = venue.try_control(method, path, &Value::Null);
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(response.status, status, "{method} {path}: {answer}");
        assert!(text(&answer["error"]).contains(right), "{method} {path}: {answer}");
    }
}

#[test]
fn what_was_set_and_what_is_in_force_can_be_read_back() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let get = |venue: &mut crate::venue::Venue, path: &str| venue.control("GET", path, &Value::Null);

    let prices = json!({
        "symbol": "PF_XBTUSD", "index": "50000", "mark": "50100", "index_pinned": true, "mark_pinned": true
    });
    assert_eq!(
        venue.control("PUT", "/prices/PF_XBTUSD", &json!({"index": "50000", "mark": "50100"})),
        prices
    );
    assert_eq!(get(&mut venue, "/prices/pf_xbtusd"), prices);
    let all = get(&mut venue, "/prices");
    assert!(all["prices"].as_array().unwrap().contains(&prices), "{all}");
    let inverse = get(&mut venue, "/prices/PI_XBTUSD");
    assert_eq!((&inverse["index_pinned"], &inverse["mark_pinned"]), (&json!(true), &json!(false)));

    venue.control("PUT", "/markets/PF_XBTUSD", &json!({"state": "post_only"}));
    let market = get(&mut venue, "/markets/PF_XBTUSD");
    assert_eq!((&market["state"], &market["in_force"]), (&json!("post_only"), &json!("post_only")));
    let all = get(&mut venue, "/markets");
    assert!(all["markets"].as_array().unwrap().contains(&market), "{all}");

    let plain = get(&mut venue, "/limits");
    assert_eq!(plain["set"], json!([]));
    let uid = text(&venue.config["accounts"][0]["uid"]).to_owned();
    venue.control("PUT", "/limits", &json!({"account": "alice", "symbol": "PF_XBTUSD", "open_orders": 3}));
    let own = get(&mut venue, "/limits?account=alice&symbol=PF_XBTUSD");
    assert_eq!(own["in_force"]["open_orders"], 3);
    assert_eq!(own["in_force"]["triggers"], plain["in_force"]["triggers"]);
    assert_eq!(own["set"], json!([{"account": uid, "symbol": "PF_XBTUSD", "open_orders": 3}]));
    assert_eq!(get(&mut venue, "/limits")["in_force"], plain["in_force"]);

    venue.control("PUT", "/routes/getFills", &json!({"available": false}));
    let fills = get(&mut venue, "/routes/getFills");
    assert_eq!(
        fills,
        json!({"operation": "getFills", "method": "GET", "path": "/derivatives/api/v3/fills", "built": true, "available": false})
    );
    let gap = get(&mut venue, "/routes/getRfq");
    assert_eq!((&gap["built"], &gap["available"]), (&json!(false), &json!(false)));
}

#[test]
fn an_account_is_known_by_its_name_as_well_as_by_its_uid() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let opened = venue.control(
        "POST",
        "/accounts/bob/subaccounts",
        &json!({"name": "desk 2", "flex": {"usd": "100"}}),
    );
    let uid = text(&opened["uid"]).to_owned();
    let deposit = json!({"wallet": "flex", "currency": "usd", "amount": "5"});
    for (named, balance) in [("desk%202", "105"), (&*uid, "110")] {
        let told = venue.control("POST", &format!("/accounts/{named}/deposit"), &deposit);
        assert_eq!(told["balance"], balance);
    }
    let (by_name, by_uid) = (
        venue.control("GET", "/accounts/desk%202", &Value::Null),
        venue.control("GET", &format!("/accounts/{uid}"), &Value::Null),
    );
    assert_eq!(by_name, by_uid);
    assert_eq!(by_name["wallets"]["flex"]["balances"]["USD"], "110");
    assert_eq!(by_name["master"], venue.config["accounts"][1]["uid"]);
    assert_eq!(by_name["keys"][0]["api_key"], opened["api_key"]);
    assert!(!by_name.to_string().contains(text(&opened["api_secret"])), "secrets are shown once");
    let all = venue.control("GET", "/accounts", &Value::Null);
    let names: Vec<_> = all["accounts"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names.len(), 11);
    assert_eq!(names[10], "desk 2");
    let unknown = venue.try_control("GET", "/accounts/nobody", &Value::Null);
    assert_eq!(unknown.status, 404);
    for verb in ["deactivate", "activate"] {
        assert_eq!(venue.control("POST", &format!("/accounts/desk%202/{verb}"), &Value::Null)["uid"], uid);
    }
}

#[test]
fn the_root_says_what_this_is_and_where_the_api_is() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let mut visitor = Connection::open(venue.http()).unwrap();
    let answer = visitor.request("GET", "/", &[], None).unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    let said = answer.text();
    for part in ["Loligo", env!("CARGO_PKG_VERSION"), "/derivatives/api/v3", "/ws/v1", "/loligo/v1"] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
}

#[test]
fn every_statement_of_the_screen_is_true_for_its_flags() {
    let screen = |flags: &[&str]| {
        let home = Home::new();
        let venue = home.start(&[&QUIET[..], flags].concat());
        (venue.screen("Ctrl-C stops it."), venue.config.clone())
    };
    let (plain, config) = screen(&[]);
    for name in ["http", "ws", "https", "wss"] {
        let line = format!("  {name:<9} {}", text(&config[name]));
        assert!(plain.lines().any(|shown| shown == line), "no line {line:?}:\n{plain}");
    }
    for account in config["accounts"].as_array().unwrap() {
        assert!(plain.contains(text(&account["uid"])), "{plain}");
    }
    assert!(plain.contains(&format!("Bearer {}", text(&config["control_token"]))));
    assert!(plain.contains("why requests are refused, on standard error"), "{plain}");
    assert!(plain.contains("GET http://127.0.0.1") && plain.contains("/loligo/v1/requests"));
    assert!(!plain.contains("not there yet"), "the feeds are there:\n{plain}");
    assert!(plain.contains(&format!(r#""ws": "{}""#, text(&config["ws"]))), "ccxt needs ws too:\n{plain}");

    let (quiet, _) = screen(&["--log", "none", "--accounts", "0", "--signatures", "strict"]);
    assert!(quiet.contains("  log       none") && !quiet.contains("/loligo/v1/requests"), "{quiet}");
    assert!(quiet.contains("No accounts come with this start") && quiet.contains("strict"), "{quiet}");
    let (all, _) = screen(&["--log", "requests"]);
    assert!(all.contains("  log       all requests"), "{all}");

    // A contract that is not listed is in no recipe.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("instruments.toml");
    fs::write(&file, INSTRUMENTS).unwrap();
    let (own, _) = screen(&["--instruments", file.to_str().unwrap()]);
    assert!(own.contains("PF_LOWUSD") && !own.contains("PF_XBTUSD"), "{own}");
}
