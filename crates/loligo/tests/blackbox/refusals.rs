//! Why a request was refused: told to the operator in plain words, on standard error and at `GET /loligo/v1/requests`.

use serde_json::{Value, json};

use crate::api::{BASE, Client, form};
use crate::http::{Connection, Response};
use crate::venue::{Home, QUIET, Venue, text};

/// What is done wrong, and by which account; what the wire says, and what the operator reads.
type Case = (fn(&mut Venue), Option<usize>, &'static str, &'static str);

const ORDER: [(&str, &str); 5] = [
    ("orderType", "lmt"),
    ("symbol", "PF_XBTUSD"),
    ("side", "buy"),
    ("size", "0.1"),
    ("limitPrice", "40000"),
];

/// An order with one argument otherwise.
fn order(venue: &Venue, name: &str, value: &str) {
    let mut arguments = ORDER.to_vec();
    match arguments.iter_mut().find(|(known, _)| *known == name) {
        Some(argument) => argument.1 = value,
        None => arguments.push((name, value)),
    }
    ask(venue, "POST", "/sendorder", "", Some(&form(&arguments)));
}

/// A request of the first account, signed as it should be.
fn ask(venue: &Venue, method: &str, path: &str, query: &str, body: Option<&str>) {
    venue.client(0).send(method, path, query, body, None).expect("an answer");
}

/// A request of the first account whose signature covers what another rule would have it cover.
fn signed_over(
    venue: &Venue,
    path: &str,
    query: &str,
    body: Option<&str>,
    nonce: Option<&str>,
    message: &str,
) {
    let mut client = venue.client(0);
    let signature = client.sign_message(message);
    let method = if body.is_some() { "POST" } else { "GET" };
    client.send_signed(method, path, query, body, nonce, &signature).expect("an answer");
}

/// A request with these headers and no others.
fn bare(venue: &Venue, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&str>) -> Response {
    let mut connection = Connection::open(venue.http()).expect("the exchange listens");
    connection.request(method, target, headers, body.map(str::as_bytes)).expect("an answer")
}

fn key(venue: &Venue, account: usize, name: &str) -> String {
    text(&venue.config["accounts"][account][name]).to_owned()
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    (|v| { bare(v, "GET", &format!("{BASE}/openorders"), &[], None); },
        None, "authenticationError", "no key is named (the APIKey header)"),
    (|v| { bare(v, "GET", &format!("{BASE}/openorders"), &[("APIKey", "nobody"), ("Authent", "x")], None); },
        None, "authenticationError", "no account here has this key"),
    (|v| { let secret = key(v, 0, "api_secret"); bare(v, "GET", &format!("{BASE}/openorders"), &[("APIKey", &secret), ("Authent", "x")], None); },
        None, "authenticationError", "what is given as the key is a secret of alice: key and secret are swapped"),
    (|v| { let key = key(v, 0, "api_key"); bare(v, "GET", &format!("{BASE}/openorders"), &[("APIKey", &key)], None); },
        Some(0), "authenticationError", "there is no Authent header"),
    (|v| signed_over(v, "/openorders", "", None, None, "/derivatives/api/v3/openorders"),
        Some(0), "authenticationError", "the signature fits when the path keeps /derivatives"),
    (|v| signed_over(v, "/cancelorder", "a=b", Some("order_id=1"), None, "a=b/api/v3/cancelorder"),
        Some(0), "authenticationError", "the signature fits when the query is signed but the body is not"),
    (|v| signed_over(v, "/openorders", "", None, Some("12"), "/api/v3/openorders"),
        Some(0), "authenticationError", "the signature fits when the nonce is left out"),
    (|v| { let (other, mut own) = (v.client(1), v.client(0)); let stolen = other.sign("/openorders", "", "");
            own.send_signed("GET", "/openorders", "", None, None, &stolen).expect("an answer"); },
        Some(0), "authenticationError", "it is made with another secret: that of the key of bob that may do everything but withdraw"),
    (|v| { let reader = v.config["accounts"][0]["read_only"].clone();
            v.client_of(&reader).send("POST", "/cancelallorders", "", Some(""), None).expect("an answer"); },
        Some(0), "authenticationError", "this takes a key that may trade; this one may do no more than ask"),
    (|v| { let reader = v.config["accounts"][0]["read_only"].clone();
            v.client_of(&reader).send("POST", "/orders/status", "", Some("cliOrdIds=a"), None).expect("an answer"); },
        Some(0), "authenticationError", "this takes a key that may trade; this one may do no more than ask (--status-for-read-only-keys on)"),
    (|v| { v.client(0).send("GET", "/openorders", "", None, Some("1.5")).expect("an answer"); },
        Some(0), "authenticationError", "the Nonce header is \"1.5\", no whole number of 64 bits"),
    (|v| { for _ in 0..2 { v.client(0).send("GET", "/openorders", "", None, Some("7")).expect("an answer"); } },
        Some(0), "nonceDuplicate", "nonce 7 was seen 0."),
    (|v| { for _ in 0..21 { v.client(2).try_post("/cancelallorders", &[]).expect("an answer"); } },
        Some(2), "apiLimitExceeded", "it costs 25 tokens, and of 500 in 10 seconds 0 are left"),
    (|v| { let key = key(v, 0, "api_key");
            let headers = [("APIKey", &*key), ("Authent", "x"), ("Content-Type", "application/json")];
            bare(v, "POST", &format!("{BASE}/sendorder"), &headers, Some(r#"{"symbol":"PF_XBTUSD"}"#)); },
        Some(0), "requiredArgumentMissing", "sent as JSON; this API takes forms; so orderType is missing"),
    (|v| ask(v, "POST", "/sendorder", "", Some("order_type=lmt&symbol=PF_XBTUSD&side=buy&size=1")),
        Some(0), "requiredArgumentMissing", "orderType is missing: \"order_type\" is another name"),
    (|v| ask(v, "POST", "/sendorder", "", Some("orderType=lmt&symbol=PF_XBTUSD&side=buy&size=1")),
        Some(0), "requiredArgumentMissing", "limitPrice is missing"),
    (|v| order(v, "size", "abc"),
        Some(0), "invalidArgument: size", "size is \"abc\": that is no number"),
    (|v| order(v, "side", "long"),
        Some(0), "invalidArgument: side", "side is \"long\": it is one of buy, sell"),
    (|v| order(v, "orderType", "limit"),
        Some(0), "invalidArgument: orderType", "orderType is \"limit\": it is one of lmt, post, ioc, mkt, stp, take_profit, trailing_stop, fok"),
    (|v| order(v, "symbol", "PF_BTCUSD"),
        Some(0), "invalidArgument: symbol", "there is no contract \"PF_BTCUSD\": perhaps PF_XBTUSD"),
    (|v| order(v, "limitPrice", "40000.5"),
        Some(0), "invalidPrice", "limitPrice 40000.5 is off the tick of PF_XBTUSD, which is 1"),
    (|v| order(v, "size", "0.00001"),
        Some(0), "invalidSize", "size 0.00001 is off the lot of PF_XBTUSD, which is 0.0001"),
    (|v| { ask(v, "POST", "/transfer", "", Some("fromAccount=flex&toAccount=cash&unit=usd&amount=999900")); order(v, "size", "10"); },
        Some(0), "insufficientAvailableFunds", "available margin does not cover it: initial margin of 4000 USD needed besides the fee, 100 USD available"),
    (|v| order(v, "processBefore", "2025-01-01T00:00:00.000Z"),
        Some(0), "wouldProcessAfterSpecifiedTime", "processBefore \"2025-01-01T00:00:00.000Z\" was over when its turn came"),
    (|v| { v.client(1).place_limit("PF_XBTUSD", "sell", "0.1", "50000", "stands"); order(v, "orderType", "post"); 
            let crossing = [("orderType", "post"), ("symbol", "PF_XBTUSD"), ("side", "buy"), ("size", "0.1"), ("limitPrice", "50000")];
            ask(v, "POST", "/sendorder", "", Some(&form(&crossing))); },
        Some(0), "postWouldExecute", "it is post-only and would have matched (best bid 40000, best ask 50000)"),
    (|v| ask(v, "POST", "/cancelorder", "", Some("cliOrdId=gone")),
        Some(0), "notFound", "this account has no open order of cliOrdId \"gone\""),
    (|v| ask(v, "POST", "/editorder", "", Some("cliOrdId=gone&size=1")),
        Some(0), "orderForEditNotFound", "this account has no open order of cliOrdId \"gone\""),
    (|v| ask(v, "POST", "/batchorder", "", Some(&form(&[("json", "{\"batchOrder\":[")]))),
        Some(0), "Json Parse Error", "json is no JSON: EOF while parsing"),
    (|v| ask(v, "POST", "/batchorder", "", Some(&form(&[("json", r#"{"batchOrder":[{"order":"cancel","cliOrdId":"a"},{"order":"sell"}]}"#)]))),
        Some(0), "invalidArgument: order", "element 2: order is \"sell\": it is send, edit or cancel"),
    (|v| ask(v, "POST", "/batchorder", "", Some(&form(&[("json", r#"{"batchOrder":[{"order":"cancel","cliOrdId":"a"}]}"#)]))),
        Some(0), "notFound", "element 1 notFound: this account has no such open order"),
    (|v| ask(v, "PUT", "/pnlpreferences", "symbol=PF_XBTUSD&pnlPreference=CAD", None),
        Some(0), "CURRENCY_NOT_ENABLED", "\"CAD\" is none of USD, EUR, GBP, USDC, USDT, BTC and ETH"),
    (|v| { bare(v, "GET", "/api/auth/v1/api-keys/v3/check", &[], None); },
        None, "authenticationError", "no key is named (the APIKey header)"),
    (|v| { bare(v, "GET", &format!("{BASE}/rfqs"), &[], None); },
        None, "404", "requests for quotes and portfolio margining are switched off here"),
    (|v| { bare(v, "GET", "/api/charts/v1/analytics/PF_XBTUSD/open-interest?since=0&interval=90&to=x", &[], None); },
        None, "Invalid arguments", "interval is 60, 300, 900, 1800, 3600, 14400, 43200, 86400 or 604800; to is no whole number of seconds since 1970, or has two values"),
    (|v| { bare(v, "GET", "/api/charts/v1/analytics/PF_XBTUSD/basis", &[], None); },
        None, "Unknown method", "the types are open-interest, aggressor-differential, trade-volume, trade-count, liquidation-volume, rolling-volatility, long-short-ratio, long-short-info, cvd, top-traders, orderbook, spreads, liquidity, slippage, future-basis, funding"),
    (|v| { bare(v, "GET", &format!("{BASE}/sendorder"), &[], None); },
        None, "404", "this path takes POST, not GET"),
    (|v| { bare(v, "GET", "/api/v3/tickers", &[], None); },
        None, "404", "the path lacks its beginning: it is /derivatives/api/v3/tickers"),
    (|v| { bare(v, "GET", "/0/public/Time", &[], None); },
        None, "404", "this is a path of the spot API"),
    (|v| { v.control("PUT", "/routes/getAccounts", &json!({"available": false})); ask(v, "GET", "/accounts", "", None); },
        Some(0), "Unavailable", "the operator took getAccounts out of service"),
    (|v| { v.control("POST", "/faults", &json!({"kind": "server_error", "operation": "getFills"})); ask(v, "GET", "/fills", "", None); },
        Some(0), "Server Error", "a fault that the operator asked for"),
    (|v| ask(v, "POST", "/transfer", "", Some("fromAccount=flex&toAccount=cash&unit=usd&amount=9000000")),
        Some(0), "insufficientFunds", "more than may leave the wallet"),
    (|v| ask(v, "POST", "/transfer", "", Some("fromAccount=futures&toAccount=cash&unit=usd&amount=1")),
        Some(0), "invalidAccount", "fromAccount \"futures\" is no wallet: it is cash, flex or one like fi_xbtusd"),
    (|v| ask(v, "PUT", "/leveragepreferences", "symbol=PF_XBTUSD&maxLeverage=1000", None),
        Some(0), "MAX_LEVERAGE_OUT_OF_BOUNDS", "\"1000\" is not from 1 to what the contract's first margin level allows"),
    (|v| { bare(v, "GET", "/loligo/v1/audit", &[("Authorization", "Bearer wrong")], None); },
        None, "401", "the control surface wants the header"),
    (|v| { v.control("POST", "/accounts/alice/deactivate", &Value::Null); ask(v, "GET", "/openorders", "", None); },
        Some(0), "accountInactive", "the account is deactivated"),
];

/// The lines of requests that a process wrote, without what else it says.
fn lines(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.starts_with("2026-")).collect()
}

fn line_of(row: &Value) -> String {
    let account = row["account"].as_str().unwrap_or("-");
    let part = |name: &str| text(&row[name]).to_owned();
    format!(
        "{} {account} {} {}: {}: {}",
        part("time"),
        part("method"),
        part("path"),
        part("outcome"),
        part("reason")
    )
}

#[test]
fn each_refused_request_leaves_one_line_with_the_reason_in_plain_words() {
    // At most twenty lines are written in a second, so a venue is given fewer.
    for cases in CASES.chunks(16) {
        let home = Home::new();
        let mut venue = home.start(&QUIET);
        venue.pin("PF_XBTUSD", "50000");
        for (at, (wrong, account, outcome, reason)) in cases.iter().enumerate() {
            wrong(&mut venue);
            let shown = venue.control("GET", "/requests", &Value::Null);
            assert_eq!((&shown["log"], &shown["passed_over"]), (&json!("refusals"), &json!(0)));
            let rows = shown["requests"].as_array().expect("a list");
            assert_eq!(rows.len(), at + 1, "not one row for {outcome}, {reason}: {rows:#?}");
            let row = &rows[at];
            let name = account.map(|account| venue.config["accounts"][account]["name"].clone());
            assert_eq!(
                (&row["account"], &row["outcome"]),
                (&name.unwrap_or_default(), &json!(outcome)),
                "{reason}: {row}"
            );
            assert!(text(&row["reason"]).starts_with(reason), "{row}\nis not: {reason}");
        }
        let shown = venue.control("GET", "/requests", &Value::Null);
        let secrets = venue.config["accounts"].clone();
        let finished = venue.stop();
        let told: Vec<String> = shown["requests"].as_array().expect("a list").iter().map(line_of).collect();
        assert_eq!(lines(&finished.stderr), told, "what is shown and what is written differ");
        for account in secrets.as_array().expect("a list") {
            for secret in [&account["api_secret"], &account["read_only"]["api_secret"]] {
                assert!(
                    !finished
                        .said()
                        .lines()
                        .skip_while(|line| !line.contains("Ctrl-C"))
                        .any(|line| line.contains(text(secret)))
                );
            }
        }
    }
}

#[test]
fn a_strict_start_says_that_the_body_was_signed_decoded() {
    let home = Home::new();
    let mut venue = home.start(&[&QUIET[..], &["--signatures", "strict"]].concat());
    signed_over(&venue, "/cancelorder", "", Some("cliOrdId=a%20b"), None, "cliOrdId=a b/api/v3/cancelorder");
    let shown = venue.control("GET", "/requests", &Value::Null);
    assert_eq!(
        shown["requests"][0]["reason"],
        "the signature fits when the body is signed decoded, not as it is sent"
    );
}

#[test]
fn a_nonce_below_the_remembered_one_is_told_with_it() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let sent = venue.client(0).post_with_nonce("/sendorder", &ORDER, "100");
    assert_eq!(sent["sendStatus"]["status"], "placed");
    assert!(venue.stop().status.success());
    let mut venue = home.start(&QUIET);
    venue.client(0).send("GET", "/openorders", "", None, Some("50")).expect("an answer");
    let shown = venue.control("GET", "/requests", &Value::Null);
    let row = &shown["requests"][0];
    assert_eq!(row["outcome"], "nonceBelowThreshold");
    assert!(text(&row["reason"]).starts_with("nonce 50 is not above 100, the highest"), "{row}");
}

#[test]
fn a_flood_of_refusals_has_twenty_lines_a_second_and_then_their_number() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    let mut stranger = Client::new(venue.http(), "nobody", "c2VjcmV0");
    let sent = 300;
    for _ in 0..sent {
        stranger.send("GET", "/openorders", "", None, None).expect("an answer");
    }
    let finished = venue.stop();
    let told = lines(&finished.stderr).len();
    let counts = finished.stderr.lines().filter_map(|line| line.split_once(" more requests within"));
    let counts: Vec<usize> = counts.map(|(count, _)| count.parse().expect("a number")).collect();
    assert_eq!(told + counts.iter().sum::<usize>(), sent, "{}", finished.stderr);
    assert!(!counts.is_empty() && told <= 20 * (counts.len() + 1), "{told} lines, {counts:?} more");
}

#[test]
fn the_last_thousand_are_kept_and_no_more() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let mut visitor = venue.visitor();
    for number in 0..1_010 {
        visitor.send("GET", &format!("/nowhere/{number}"), "", None, None).expect("an answer");
    }
    let shown = venue.control("GET", "/requests", &Value::Null);
    let rows = shown["requests"].as_array().expect("a list");
    assert_eq!((rows.len(), &shown["passed_over"]), (1_000, &json!(0)));
    let path = |number: usize| format!("{BASE}/nowhere/{number}");
    assert_eq!((text(&rows[0]["path"]), text(&rows[999]["path"])), (&*path(10), &*path(1_009)));
}

#[test]
fn the_log_tells_nothing_or_refusals_or_all_as_text_or_as_json() {
    let said = |flags: &[&str]| {
        let home = Home::new();
        let mut venue = home.start(&[&QUIET[..], flags].concat());
        order(&venue, "size", "0.1");
        order(&venue, "size", "none");
        let shown = venue.control("GET", "/requests", &Value::Null);
        (shown, venue.stop().stderr)
    };
    let (shown, stderr) = said(&["--log", "none"]);
    assert_eq!((shown, lines(&stderr).len()), (json!({"log": "none", "requests": [], "passed_over": 0}), 0));
    let (shown, stderr) = said(&[]);
    assert_eq!((&shown["log"], lines(&stderr).len()), (&json!("refusals"), 1), "{stderr}");
    let (shown, stderr) = said(&["--log", "requests", "--log-format", "json"]);
    let rows: Vec<Value> = stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(Value::Array(rows.clone()), shown["requests"], "{stderr}");
    let outcomes: Vec<_> = rows.iter().map(|row| text(&row["outcome"])).collect();
    assert_eq!(outcomes, ["ok", "invalidArgument: size"]);
    assert_eq!(rows[0]["reason"], "");
}

#[test]
fn a_value_from_outside_cannot_begin_a_line_of_its_own() {
    let home = Home::new();
    let venue = home.start(&QUIET);
    order(&venue, "size", "1\n2026-01-01T00:00:00Z alice POST /forged: ok");
    let finished = venue.stop();
    assert_eq!(lines(&finished.stderr).len(), 1, "{}", finished.stderr);
    assert!(finished.stderr.contains(r#"size is "1\n2026"#), "{}", finished.stderr);
}
