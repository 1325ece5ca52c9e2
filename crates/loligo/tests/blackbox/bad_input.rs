//! What strangers send: each row gets the contract's answer, and changes nothing.

use serde_json::{Value, json};

use crate::api::{Client, form};
use crate::contract;
use crate::http::Connection;
use crate::venue::{Home, Venue, text};

const SYMBOL: &str = "PF_XBTUSD";

const FLAGS: [&str; 6] = ["--market", "none", "--clock", "manual", "--rate-limits", "off"];

/// An order that would be accepted; rows change one argument of it.
const GOOD: [(&str, &str); 6] = [
    ("orderType", "lmt"),
    ("symbol", SYMBOL),
    ("side", "buy"),
    ("size", "0.1"),
    ("limitPrice", "49000"),
    ("cliOrdId", "new"),
];

/// A venue with an open order and a position, so that there is something to disturb.
fn furnished() -> (Home, Venue) {
    let home = Home::new();
    let mut venue = home.start(&FLAGS);
    venue.pin(SYMBOL, "50000");
    let (mut alice, mut bob) = (venue.client(0), venue.client(1));
    alice.place_limit(SYMBOL, "buy", "1", "49990", "resting");
    bob.place_limit(SYMBOL, "sell", "0.25", "49990", "taken");
    (home, venue)
}

/// Everything that a bad request must leave as it was.
fn picture(venue: &Venue) -> Value {
    let mut seen = Vec::new();
    for index in 0..2 {
        let mut client = venue.client(index);
        for path in ["/openorders", "/openpositions", "/accounts", "/fills"] {
            seen.push(client.get(path, &[]));
        }
    }
    seen.push(venue.visitor().get("/orderbook", &[("symbol", SYMBOL)]));
    for answer in &mut seen {
        answer.as_object_mut().expect("an object").remove("serverTime");
    }
    Value::Array(seen)
}

/// What an answer says: the error word, or the status of what was asked.
fn word(answer: &Value) -> String {
    let found = answer.get("error").or_else(|| {
        answer.get("sendStatus").or_else(|| answer.get("cancelStatus")).and_then(|s| s.get("status"))
    });
    found.and_then(Value::as_str).unwrap_or_else(|| panic!("neither error nor status: {answer}")).to_owned()
}

fn changed(name: &str, value: &str) -> Vec<(String, String)> {
    let mut arguments: Vec<_> = GOOD.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let found = arguments.iter_mut().find(|(n, _)| n == name);
    match found {
        Some(argument) => value.clone_into(&mut argument.1),
        None => arguments.push((name.to_owned(), value.to_owned())),
    }
    arguments
}

fn borrowed(arguments: &[(String, String)]) -> Vec<(&str, &str)> {
    arguments.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn orders_with_one_bad_argument() {
    let (_home, venue) = furnished();
    let before = picture(&venue);
    let mut alice = venue.client(0);
    let digits = "1".repeat(40);
    let long = "x".repeat(101);
    let rows: [(&str, &str, &str); 42] = [
        ("symbol", "PF_NOSUCHUSD", "invalidArgument: symbol"),
        ("symbol", "", "invalidArgument: symbol"),
        ("symbol", "../etc/passwd", "invalidArgument: symbol"),
        ("side", "hold", "invalidArgument: side"),
        ("side", "", "invalidArgument: side"),
        ("orderType", "limit-ish", "invalidArgument: orderType"),
        ("orderType", "", "invalidArgument: orderType"),
        ("orderType", "liquidation", "invalidArgument: orderType"),
        ("limitPrice", "49000.5", "invalidPrice"),
        ("limitPrice", "0", "invalidPrice"),
        ("limitPrice", "-0", "invalidPrice"),
        ("limitPrice", "-1", "invalidPrice"),
        ("limitPrice", "1e-400", "invalidPrice"),
        ("limitPrice", "1e400", "invalidPrice"),
        ("limitPrice", "1e999999999999999999999", "invalidPrice"),
        ("limitPrice", &digits, "invalidPrice"),
        ("limitPrice", "1000000001", "invalidPrice"),
        ("limitPrice", "49000.00000000000000000000000000000000000001", "invalidPrice"),
        ("limitPrice", "NaN", "invalidArgument: limitPrice"),
        ("limitPrice", "inf", "invalidArgument: limitPrice"),
        ("limitPrice", "", "invalidArgument: limitPrice"),
        ("limitPrice", "49,000", "invalidArgument: limitPrice"),
        ("limitPrice", "0x10", "invalidArgument: limitPrice"),
        ("size", "0.00005", "invalidSize"),
        ("size", "0.00015", "invalidSize"),
        ("size", "0", "invalidSize"),
        ("size", "-1", "invalidSize"),
        ("size", "1e400", "invalidSize"),
        ("size", &digits, "invalidSize"),
        ("size", "409", "invalidSize"),
        ("size", "NaN", "invalidArgument: size"),
        ("size", "", "invalidArgument: size"),
        ("size", "one", "invalidArgument: size"),
        ("cliOrdId", &long, "clientOrderIdTooBig"),
        ("cliOrdId", "", "clientOrderIdInvalid"),
        ("cliOrdId", "bell\u{7}", "clientOrderIdInvalid"),
        ("cliOrdId", "null\0byte", "clientOrderIdInvalid"),
        ("cliOrdId", "line\nbreak", "clientOrderIdInvalid"),
        ("cliOrdId", "resting", "clientOrderIdAlreadyExist"),
        ("reduceOnly", "maybe", "invalidArgument: reduceOnly"),
        ("processBefore", "tomorrow", "invalidArgument: processBefore"),
        ("processBefore", "2020-01-01T00:00:00Z", "wouldProcessAfterSpecifiedTime"),
    ];
    for (name, value, expected) in rows {
        let answer = alice.post("/sendorder", &borrowed(&changed(name, value)));
        assert_eq!(word(&answer), expected, "{name}={value:?}: {answer}");
        assert_eq!(picture(&venue), before, "{name}={value:?} changed something");
    }
    // The order itself was good.
    assert_eq!(word(&alice.post("/sendorder", &GOOD)), "placed");
    assert_ne!(picture(&venue), before);
}

#[test]
fn what_is_missing_is_told_before_the_key_is_looked_at() {
    let (_home, venue) = furnished();
    let before = picture(&venue);
    let mut alice = venue.client(0);
    let mut stranger = Client::new(venue.http(), "fake", "ZmFrZQ==");
    for missing in ["orderType", "symbol", "side", "size", "limitPrice"] {
        let rest: Vec<_> = GOOD.iter().copied().filter(|(name, _)| *name != missing).collect();
        for client in [&mut alice, &mut stranger] {
            let answer = client.post("/sendorder", &rest);
            assert_eq!(word(&answer), "requiredArgumentMissing", "without {missing}: {answer}");
        }
    }
    assert_eq!(word(&alice.post("/cancelorder", &[])), "requiredArgumentMissing");
    assert_eq!(word(&venue.visitor().get("/orderbook", &[])), "requiredArgumentMissing");
    assert_eq!(word(&venue.visitor().get("/history", &[])), "requiredArgumentMissing");
    // A market order needs no price, but a size.
    let market = [("orderType", "mkt"), ("symbol", SYMBOL), ("side", "buy")];
    assert_eq!(word(&stranger.post("/sendorder", &market)), "requiredArgumentMissing");
    assert_eq!(picture(&venue), before);
}

#[test]
fn lists_of_ids() {
    let (_home, venue) = furnished();
    let before = picture(&venue);
    let mut alice = venue.client(0);
    let resting = text(&alice.open_orders()[0]["order_id"]).to_owned();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let asked = |count: usize| vec![("orderIds", unknown); count];
    let error = json!("invalidArgument");
    for malformed in
        ["not-a-uuid", " ", "00000000-0000-4000-8000-00000000000", &format!("{resting}x"), "{}", "\u{0}"]
    {
        let answer = alice.post("/orders/status", &[("orderIds", resting.as_str()), ("orderIds", malformed)]);
        assert_eq!(answer["error"], error, "{malformed:?}: {answer}");
    }
    // An empty one names nothing.
    let answer = alice.post("/orders/status", &[("orderIds", resting.as_str()), ("orderIds", "")]);
    assert_eq!(answer["orders"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!(alice.post("/orders/status", &asked(500))["orders"], json!([]));
    assert_eq!(alice.post("/orders/status", &asked(501))["error"], error);
    let mixed: Vec<_> = [vec![("orderIds", unknown); 250], vec![("cliOrdIds", "x"); 251]].concat();
    assert_eq!(alice.post("/orders/status", &mixed)["error"], error);
    assert_eq!(alice.post("/orders/status", &[])["orders"], json!([]));
    assert_eq!(alice.get("/orders/status", &[])["orders"], json!([]));
    // Repeated, bracketed, indexed, or joined by commas: the same question.
    let joined = format!("{unknown},{resting}");
    for arguments in [
        vec![("orderIds", unknown), ("orderIds", resting.as_str())],
        vec![("orderIds[]", unknown), ("orderIds[]", resting.as_str())],
        vec![("orderIds[0]", unknown), ("orderIds[1]", resting.as_str())],
        vec![("orderIds", joined.as_str())],
        vec![("orderIds", resting.as_str()), ("cliOrdIds", "resting")],
    ] {
        for answer in [alice.post("/orders/status", &arguments), alice.get("/orders/status", &arguments)] {
            let orders = answer["orders"].as_array().expect("a list");
            assert_eq!(orders.len(), 1, "{arguments:?}: {answer}");
            assert_eq!(orders[0]["order"]["orderId"], resting.as_str());
        }
    }
    assert_eq!(word(&alice.post("/cancelorder", &[("order_id", unknown)])), "notFound");
    assert_eq!(word(&alice.post("/cancelorder", &[("order_id", "not-a-uuid")])), "notFound");
    assert_eq!(word(&alice.post("/cancelorder", &[("cliOrdId", "nobody")])), "notFound");
    assert_eq!(
        word(&alice.post("/cancelallorders", &[("symbol", "PF_NOSUCHUSD")])),
        "invalidArgument: symbol"
    );
    // Another account's order is as unknown as one that never was.
    let mut bob = venue.client(1);
    assert_eq!(bob.post("/orders/status", &[("orderIds", resting.as_str())])["orders"], json!([]));
    assert_eq!(word(&bob.post("/cancelorder", &[("order_id", resting.as_str())])), "notFound");
    assert_eq!(picture(&venue), before);
}

#[test]
fn keys_signatures_and_rights() {
    let (_home, venue) = furnished();
    let before = picture(&venue);
    let account = venue.config["accounts"][0].clone();
    let (key, secret) = (text(&account["api_key"]), text(&account["api_secret"]));
    let good = form(&GOOD);
    let base = venue.http();
    let send = |key: &str, secret: &str, alter: &dyn Fn(&mut String, &mut String)| {
        let mut client = Client::new(base, key, secret);
        let mut signature = client.sign("/sendorder", &good, "");
        let mut body = good.clone();
        alter(&mut body, &mut signature);
        let response =
            client.send_signed("POST", "/sendorder", "", Some(&body), None, &signature).expect("an answer");
        word(&contract::check("POST", "/sendorder", &response))
    };
    let refused = "authenticationError";
    assert_eq!(send("", secret, &|_, _| ()), refused, "no key");
    assert_eq!(send("nobody", secret, &|_, _| ()), refused, "an unknown key");
    assert_eq!(send(&key.to_lowercase().repeat(50), secret, &|_, _| ()), refused, "a long key");
    assert_eq!(send(key, "d3Jvbmc=", &|_, _| ()), refused, "another secret");
    assert_eq!(send(key, secret, &|_, signature| signature.clear()), refused, "no signature");
    assert_eq!(send(key, secret, &|_, signature| signature.truncate(40)), refused, "half a signature");
    assert_eq!(send(key, secret, &|_, signature| *signature = "%".repeat(88)), refused, "no base64");
    assert_eq!(
        send(key, secret, &|body, _| *body = body.replace("0.1", "0.2")),
        refused,
        "a body changed afterwards"
    );
    assert_eq!(
        send(key, secret, &|body, _| body.push_str("&extra=1")),
        refused,
        "a body made longer afterwards"
    );
    let reader = &account["read_only"];
    assert_eq!(
        send(text(&reader["api_key"]), text(&reader["api_secret"]), &|_, _| ()),
        refused,
        "a read-only key"
    );
    let mut reader = Client::new(base, text(&reader["api_key"]), text(&reader["api_secret"]));
    for (path, arguments) in [
        ("/cancelorder", [("cliOrdId", "resting")]),
        ("/cancelallorders", [("symbol", SYMBOL)]),
        ("/orders/status", [("cliOrdIds", "resting")]),
    ] {
        assert_eq!(word(&reader.post(path, &arguments)), refused, "{path} with a read-only key");
    }
    assert_eq!(reader.open_orders().len(), 1);
    assert_eq!(picture(&venue), before);
    assert_eq!(send(key, secret, &|_, _| ()), "placed");
}

#[test]
fn nonces_old_and_repeated() {
    let (home, venue) = furnished();
    let mut alice = venue.client(0);
    let cancel = [("cliOrdId", "nobody")];
    let ask =
        |client: &mut Client, nonce: &str| word(&client.post_with_nonce("/cancelorder", &cancel, nonce));
    for nonce in ["1700000000000000000", "1700000000000000002", "1700000000000000001"] {
        assert_eq!(ask(&mut alice, nonce), "notFound", "a little out of order is no reason to refuse");
    }
    assert_eq!(ask(&mut alice, "1700000000000000001"), "nonceDuplicate");
    for unreadable in ["-1", "x", "1.5", "99999999999999999999999"] {
        let answer = ask(&mut alice, unreadable);
        assert!(answer != "notFound", "nonce {unreadable:?} was taken");
    }
    // Orders carry their nonce into the journal: a request cannot be played again after a restart.
    let arguments: Vec<_> = GOOD.iter().copied().filter(|(name, _)| *name != "cliOrdId").collect();
    let answer = alice.post_with_nonce("/sendorder", &arguments, "1700000000000000009");
    assert_eq!(word(&answer), "placed");
    let before = picture(&venue);
    venue.kill();
    let venue = home.start(&FLAGS);
    let mut alice = venue.client(0);
    for old in ["1700000000000000009", "1700000000000000008", "1"] {
        let answer = alice.post_with_nonce("/sendorder", &arguments, old);
        assert_eq!(word(&answer), "nonceBelowThreshold", "nonce {old}: {answer}");
    }
    // Each key has a window of its own, and no nonce is no nonce.
    assert_eq!(ask(&mut venue.client(1), "5"), "notFound");
    assert_eq!(word(&alice.post("/cancelorder", &cancel)), "notFound");
    assert_eq!(picture(&venue), before);
}

#[test]
fn requests_that_are_no_requests() {
    let (_home, venue) = furnished();
    let before = picture(&venue);
    let mut alice = venue.client(0);

    for path in ["/nowhere", "/sendorder/", "/tickers/PF_XBTUSD/extra", "/SENDORDER"] {
        let response = alice.send("GET", path, "", None, None).expect("an answer");
        let answer = contract::check("GET", path, &response);
        assert_eq!(
            (response.status, &answer["errors"][0]["message"]),
            (404, &json!("404 NOT_FOUND")),
            "{path}: {answer}"
        );
    }
    for (method, path) in
        [("GET", "/sendorder"), ("POST", "/subaccounts"), ("DELETE", "/openorders"), ("PUT", "/sendorder")]
    {
        let response = alice.send(method, path, &form(&GOOD), None, None).expect("an answer");
        assert!(
            [404, 405].contains(&response.status),
            "{method} {path}: {} {}",
            response.status,
            response.text()
        );
        contract::check(method, path, &response);
    }

    // Half a request, then silence and a closed connection.
    let body = form(&GOOD);
    let signature = alice.sign("/sendorder", &body, "");
    let head = format!(
        "POST /derivatives/api/v3/sendorder HTTP/1.1\r\nHost: x\r\nAPIKey: {}\r\nAuthent: {signature}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        text(&venue.config["accounts"][0]["api_key"]),
        body.len()
    );
    let whole = [head.as_str(), body.as_str()].concat();
    for cut in [10, head.len() / 2, head.len(), whole.len() - 1] {
        let mut half = Connection::open(venue.http()).unwrap();
        half.send(&whole.as_bytes()[..cut]).unwrap();
    }
    assert_eq!(picture(&venue), before, "half a request was carried out");

    // A body beyond any limit: refused, and whatever comes of the connection, the exchange goes on.
    let huge = format!("{body}&padding={}", "x".repeat(16 << 20));
    let mut big = venue.client(0);
    if let Ok(response) = big.send("POST", "/sendorder", "", Some(&huge), None) {
        assert!(
            response.status == 413
                || word(&contract::check("POST", "/sendorder", &response)) == "invalidArgument",
            "{}",
            response.text()
        );
    }
    // Headers beyond any limit, bytes that are no HTTP, a broken escape.
    let mut wide = Connection::open(venue.http()).unwrap();
    let _ = wide.send(
        format!("GET /derivatives/api/v3/tickers HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(4 << 20))
            .as_bytes(),
    );
    if let Ok(response) = wide.receive() {
        assert!(response.status >= 400, "{}", response.status);
    }
    let mut noise = Connection::open(venue.http()).unwrap();
    noise.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not http\r\n\r\n").unwrap();
    if let Ok(response) = noise.receive() {
        assert_eq!(response.status, 400);
    }
    let broken = "orderType=lmt&symbol=%ZZ&side=buy&size=0.1&limitPrice=49000";
    let response = alice.send("POST", "/sendorder", "", Some(broken), None).expect("an answer");
    assert_eq!(word(&contract::check("POST", "/sendorder", &response)), "invalidArgument: symbol");
    assert_eq!(picture(&venue), before);
    assert_eq!(word(&alice.post("/sendorder", &GOOD)), "placed");
}

#[test]
fn the_budget_of_a_client_that_hammers_runs_out() {
    let home = Home::new();
    let venue = home.start(&["--market", "none", "--clock", "manual"]);
    let (mut alice, mut bob) = (venue.client(0), venue.client(1));
    // 500 tokens in ten seconds, 25 for each of these; a machine that stalls meanwhile gives some of them back.
    let answers: Vec<_> = (0..200).map(|_| alice.post("/cancelallorders", &[])).collect();
    let first_refused =
        answers.iter().position(|answer| answer["result"] == "error").expect("a budget that ends");
    assert!(first_refused >= 20, "refused after {first_refused} requests");
    assert_eq!(word(&answers[first_refused]), "apiLimitExceeded");
    // What is refused costs nothing, what is public is free, and the neighbour has a budget of its own.
    assert_eq!(word(&alice.get("/openorders", &[])), "apiLimitExceeded");
    assert_eq!(alice.get("/tickers", &[])["result"], "success");
    assert_eq!(bob.get("/openorders", &[])["result"], "success");
}
