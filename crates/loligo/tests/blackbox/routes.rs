//! Every route of the contract: what is there answers as the contract says, what is not there says so.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::form;
use crate::contract;
use crate::http::Connection;
use crate::venue::{Home, QUIET, text};

/// What is switched off, as it is on the venue.
const OFF: [&str; 2] = ["/rfqs", "/portfolio-margining"];

/// The legacy path of funding rates lives beside the others under another version.
const OTHER_BASE: &str = "/historicalfundingrates";

fn is_off(template: &str) -> bool {
    OFF.iter().any(|off| template.starts_with(off))
}

/// Paths that name a market answer 404, too, where it is none.
fn is_named(template: &str) -> bool {
    template.starts_with("/tickers/")
}

fn served() -> Vec<(String, String)> {
    let routes = contract::routes().into_iter().map(|(method, template, _)| (method, template));
    let there = |(_, template): &(String, String)| !is_off(template) && template != OTHER_BASE;
    routes.filter(there).collect()
}

#[test]
fn what_is_switched_off_is_not_found_and_nothing_is_missing() {
    let home = Home::new();
    let venue = home.start(&["--market", "none", "--clock", "manual", "--rate-limits", "off"]);
    let mut client = venue.client(0);
    for (method, template, operation) in contract::routes() {
        if template == OTHER_BASE {
            continue;
        }
        let path: Vec<_> =
            template.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
        let arguments = required_arguments(&operation);
        let response = client.send(&method, &path.join("/"), &arguments, None, None).expect("an answer");
        assert_eq!(is_off(&template), response.status == 404 && !is_named(&template), "{method} {template}");
        assert!(!response.text().contains("Unavailable"), "{method} {template}: {}", response.text());
    }
    let mut connection = Connection::open(venue.http()).expect("the exchange listens");
    let other = format!("/derivatives/api/v4{OTHER_BASE}?symbol=PF_XBTUSD");
    let response = connection.request("GET", &other, &[], None).expect("an answer");
    assert_eq!(contract::check("GET", OTHER_BASE, &response)["rates"], json!([]));
}

#[test]
fn every_served_route_answers_as_the_contract_says() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    venue.pin("PF_XBTUSD", "50000");
    let (mut alice, mut bob) = (venue.client(0), venue.client(1));
    // Something to show in each list: an open order, a part-filled one, a position, fills, a refusal.
    alice.place_limit("PF_XBTUSD", "buy", "1", "50000", "maker");
    bob.place_limit("PF_XBTUSD", "sell", "0.4", "50000", "taker");
    alice.place_limit("PI_XBTUSD", "buy", "100", "40000", "inverse");
    let refused = alice.place(&[
        ("orderType", "post"),
        ("symbol", "PF_XBTUSD"),
        ("side", "sell"),
        ("size", "1"),
        ("limitPrice", "50000"),
    ]);
    assert_eq!(refused["status"], "postWouldExecute");
    let uid = text(&venue.config["accounts"][0]["uid"]).to_owned();
    let subaccount =
        venue.control("POST", &format!("/accounts/{uid}/subaccounts"), &json!({"name": "child"}));
    let rights = json!({"withdrawal": "full"});
    let key = venue.control("POST", &format!("/accounts/{uid}/keys"), &rights);
    let child = text(&subaccount["uid"]);
    let switch = format!("/subaccount/{child}/trading-enabled");
    let supposed = [
        ("orderType", "lmt"),
        ("symbol", "PF_XBTUSD"),
        ("side", "buy"),
        ("size", "1"),
        ("limitPrice", "40000"),
    ];
    let movement = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "2")];
    let users = [&[("fromUser", &*uid), ("toUser", child)][..], &movement].concat();
    let program = [
        ("contractType", "flex"),
        ("contract", "PF_XBTUSD"),
        ("acceptLong", "true"),
        ("acceptShort", "true"),
        ("timeFrame", "ALL"),
        ("enabled", "true"),
    ];
    let batch = r#"{"batchOrder":[{"order":"cancel","cliOrdId":"nobody"}]}"#;
    let mut full = venue.client_of(&key);
    let calls = [
        ("GET", "/accounts", &[][..]),
        ("GET", "/feeschedules", &[]),
        ("GET", "/feeschedules/volumes", &[]),
        ("GET", "/historical-funding-rates", &[("symbol", "PF_XBTUSD")]),
        ("GET", "/notifications", &[]),
        ("PUT", "/rfq-assignment/max-leverage", &[("maxLeverage", "5")]),
        ("GET", "/rfq-assignment/max-leverage", &[]),
        ("DELETE", "/rfq-assignment/max-leverage", &[]),
        ("GET", "/fills", &[]),
        ("GET", "/history", &[("symbol", "PF_XBTUSD")]),
        ("GET", "/initialmargin", &supposed),
        ("GET", "/initialmargin/maxordersize", &[("orderType", "mkt"), ("symbol", "PF_XBTUSD")]),
        ("GET", "/instruments", &[]),
        ("GET", "/instruments/status", &[]),
        ("GET", "/instruments/PF_XBTUSD/status", &[]),
        ("PUT", "/leveragepreferences", &[("symbol", "PF_ETHUSD"), ("maxLeverage", "10")]),
        ("GET", "/leveragepreferences", &[]),
        ("PUT", "/pnlpreferences", &[("symbol", "PF_ETHUSD"), ("pnlPreference", "EUR")]),
        ("GET", "/pnlpreferences", &[]),
        ("GET", "/openorders", &[]),
        ("GET", "/openpositions", &[]),
        ("GET", "/orderbook", &[("symbol", "PF_XBTUSD")]),
        ("GET", "/orders/status", &[("cliOrdIds", "maker")]),
        ("POST", "/orders/status", &[("cliOrdIds", "maker")]),
        ("GET", "/self-trade-strategy", &[]),
        ("PUT", "/self-trade-strategy", &[("strategy", "CANCEL_MAKER_SELF")]),
        ("GET", "/subaccounts", &[]),
        ("GET", &switch, &[]),
        ("PUT", &switch, &[("tradingEnabled", "false")]),
        ("GET", "/tickers", &[]),
        ("GET", "/tickers/PF_XBTUSD", &[]),
        ("GET", "/trading/instruments", &[]),
        ("POST", "/sendorder", &supposed),
        ("POST", "/editorder", &[("cliOrdId", "inverse"), ("size", "90")]),
        ("POST", "/batchorder", &[("json", batch)]),
        ("POST", "/cancelallordersafter", &[("timeout", "60")]),
        ("POST", "/transfer", &movement),
        ("POST", "/transfer/subaccount", &users),
        ("POST", "/withdrawal", &[("currency", "usd"), ("amount", "1")]),
        ("GET", "/unwindqueue", &[]),
        ("POST", "/assignmentprogram/add", &program),
        ("GET", "/assignmentprogram/current", &[]),
        ("POST", "/assignmentprogram/delete", &[("id", "1")]),
        ("GET", "/assignmentprogram/history", &[]),
    ];
    for (method, path, arguments) in calls {
        let (query, body) =
            if method == "GET" { (form(arguments), None) } else { (String::new(), Some(form(arguments))) };
        let response = full.send(method, path, &query, body.as_deref(), None).expect("an answer");
        let answer = contract::check(method, path, &response);
        assert!(response.status == 200 && answer["result"] != "error", "{method} {path}: {answer}");
    }
    // The two that cancel follow below.
    assert_eq!(calls.len() + 2, served().len());
    let [record] = &alice.status_by_name(&["maker"])[..] else { panic!("one order of that name") };
    assert_eq!(
        (&record["status"], &record["updateReason"], &record["error"]),
        (&json!("ENTERED_BOOK"), &json!("PARTIAL_FILL"), &Value::Null)
    );
    assert_eq!(record["order"]["algoId"], Value::Null);
    assert!(record["order"].get("algoId").is_some(), "the seed's schema requires it");
    assert_eq!(alice.post("/cancelorder", &[("cliOrdId", "maker")])["cancelStatus"]["status"], "cancelled");
    assert_eq!(alice.post("/cancelallorders", &[])["cancelStatus"]["status"], "cancelled");

    let nowhere = alice.send("GET", "/tickers/PF_NOSUCHUSD", "", None, None).unwrap();
    assert_eq!(
        (nowhere.status, &contract::check("GET", "/tickers/PF_NOSUCHUSD", &nowhere)["error"]),
        (404, &json!("notFound"))
    );
}

#[test]
fn public_routes_need_no_key_and_ignore_one() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    for (path, arguments) in [
        ("/instruments", &[][..]),
        ("/tickers", &[]),
        ("/orderbook", &[("symbol", "pf_xbtusd")]),
        ("/history", &[("symbol", "PF_XBTUSD")]),
        ("/feeschedules", &[]),
    ] {
        assert_eq!(venue.visitor().get(path, arguments)["result"], "success", "{path}");
    }
    let mut stranger = crate::api::Client::new(venue.http(), "no-such-key", "c2VjcmV0");
    assert_eq!(stranger.get("/tickers", &[])["result"], "success");
}

fn required_arguments(operation: &Value) -> String {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" && parameter["required"] == true {
            names.insert(parameter["name"].as_str().expect("a name").to_owned());
        }
    }
    for name in operation["x-args"]["required"].as_array().into_iter().flatten() {
        names.insert(name.as_str().expect("a name").to_owned());
    }
    names.iter().map(|name| format!("{name}=1")).collect::<Vec<_>>().join("&")
}
