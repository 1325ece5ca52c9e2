//! Who gets in: signatures as real clients make them, keys, rights, nonces, and in which order they are looked at.

use crate::venue::{SYMBOL, Venue, form};
use loligo_server::{ServerConfig, Tolerance};
use serde_json::json;

const ORDER: [(&str, &str); 5] =
    [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "0.1"), ("limitPrice", "40000")];

type Pairs<'p> = Vec<(&'p str, &'p str)>;

#[tokio::test]
async fn every_way_in_which_a_client_signs_is_taken() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let named = |name| [&ORDER[..], &[("cliOrdId", name)]].concat();
    let raw = |name: &str| format!("{}&cliOrdId={name}", form(&ORDER));
    // How it is named, query, body, what is signed.
    let encoded = form(&named("a b+c"));
    for (how, query, body, signed) in [
        ("a form as sent", String::new(), encoded.clone(), encoded.clone()),
        ("a query as sent", form(&named("q")), String::new(), form(&named("q"))),
        ("a form, decoded", String::new(), form(&named("d e")), raw("d e")),
        ("a plus as a space, decoded", String::new(), raw("f+g"), raw("f g")),
        ("a plus kept, decoded", String::new(), raw("h+i%21"), raw("h+i!")),
        ("both, together", form(&ORDER[..3]), form(&ORDER[3..]), form(&ORDER[..3]) + &form(&ORDER[3..])),
    ] {
        let mut request = alice.request("POST", "/sendorder", &[]);
        (request.query, request.body) = (query, body);
        request.sign_text(signed.as_bytes());
        let answer = request.json().await;
        assert_eq!(answer["sendStatus"]["status"], "placed", "{how}: {answer}");
    }
    // One client signs nothing on a GET, whatever it asks.
    let mut fills = alice.request("GET", "/fills", &[("lastFillTime", "2026-01-01T00:00:00.000Z")]);
    fills.sign_text(b"");
    assert_eq!(fills.json().await["result"], "success");
    // On a POST that is no signature.
    let mut empty = alice.request("POST", "/sendorder", &ORDER);
    empty.sign_text(b"");
    assert_eq!(empty.error().await.as_deref(), Some("authenticationError"));
}

#[tokio::test]
async fn what_is_not_signed_right_stays_outside() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let refused = Some("authenticationError".to_owned());
    let good = || alice.request("POST", "/sendorder", &ORDER);

    let mut changed = good();
    changed.body = changed.body.replace("0.1", "0.2");
    assert_eq!(changed.error().await, refused, "a body changed after signing");
    let mut longer = good();
    longer.query = "reduceOnly=true".to_owned();
    longer.sign_text(b"");
    assert_eq!(longer.error().await, refused, "a query that was not signed");
    let mut stranger = good();
    stranger.api_key = Some("nobody".to_owned());
    assert_eq!(stranger.error().await, refused, "an unknown key");
    let mut nobody = good();
    nobody.api_key = None;
    assert_eq!(nobody.error().await, refused, "no key");
    let mut anonymous = good();
    anonymous.authent = None;
    assert_eq!(anonymous.error().await, refused, "no signature");
    let mut other = good();
    other.api_key = Some(bob.api_key.clone());
    assert_eq!(other.error().await, refused, "another account's key");
    for authent in ["", "%%%", "AAAA", &"A".repeat(88), &"A".repeat(5000)] {
        let mut wrong = good();
        wrong.authent = Some(authent.to_owned());
        assert_eq!(wrong.error().await, refused, "{authent:?}");
    }
    let mut other_path = good();
    other_path.path = other_path.path.replace("sendorder", "cancelallorders");
    other_path.sign();
    other_path.path = good().path;
    assert_eq!(other_path.error().await, refused, "signed for another path");
    let mut unsigned_nonce = good();
    unsigned_nonce.nonce = Some("5".to_owned());
    assert_eq!(unsigned_nonce.error().await, refused, "a nonce that was not signed");

    assert_eq!(alice.get("/openorders", &[]).await["openOrders"], json!([]), "nothing was done");
    assert_eq!(good().error().await, None);
}

/// Each request with a body that is signed alone, and a query beside it that nobody signed.
#[tokio::test]
async fn a_query_that_is_not_signed_does_nothing_beside_a_signed_body() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let batch = |order: &str| format!(r#"{{"batchOrder":[{order}]}}"#);
    let send = batch(
        r#"{"order":"send","order_tag":"1","orderType":"lmt","symbol":"PF_XBTUSD","side":"buy","size":5,"limitPrice":40000}"#,
    );
    let cancel = batch(r#"{"order":"cancel","cliOrdId":"none"}"#);
    let small = [&ORDER[..3], &[("size", "0.01")], &ORDER[4..]].concat();
    let money = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")];
    let cases: Vec<(&str, &str, Pairs<'_>, Pairs<'_>)> = vec![
        ("POST", "/sendorder", small.clone(), vec![("size", "5")]),
        ("POST", "/sendorder", small[..4].to_vec(), vec![("limitPrice", "40000")]),
        ("POST", "/editorder", vec![("cliOrdId", "a")], vec![("size", "5")]),
        ("POST", "/cancelorder", vec![("cliOrdId", "a")], vec![("order_id", "b")]),
        ("POST", "/cancelallorders", vec![], vec![("symbol", "PF_XBTUSD")]),
        ("POST", "/cancelallordersafter", vec![("timeout", "0")], vec![("timeout", "60")]),
        ("POST", "/batchorder", vec![("json", cancel.as_str())], vec![("json", send.as_str())]),
        ("POST", "/transfer", money.to_vec(), vec![("amount", "900000")]),
        ("POST", "/withdrawal", vec![("currency", "usd"), ("amount", "1")], vec![("sourceWallet", "flex")]),
        ("POST", "/orders/status", vec![("cliOrdIds", "a")], vec![("cliOrdIds", "b")]),
        ("PUT", "/leveragepreferences", vec![("symbol", SYMBOL)], vec![("maxLeverage", "50")]),
        ("PUT", "/self-trade-strategy", vec![("strategy", "REJECT_TAKER")], vec![("x", "y")]),
    ];
    for (method, path, signed, beside) in cases {
        let mut request = alice.request(method, path, &signed);
        request.query = form(&beside);
        if signed.is_empty() {
            request.sign_text(b"");
        }
        assert_eq!(request.error().await.as_deref(), Some("authenticationError"), "{path}");
    }
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"], json!([]));
    let flex = alice.get("/accounts", &[]).await;
    assert_eq!(flex["accounts"]["flex"]["currencies"]["USD"]["quantity"], 1_000_000);
}

/// The same, with everything signed: then nobody lies, but nobody can say what is meant.
#[tokio::test]
async fn an_argument_that_says_two_things_is_refused_by_name_though_all_of_it_is_signed() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let cancel = r#"{"batchOrder":[{"order":"cancel","cliOrdId":"none"}]}"#;
    let money = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")];
    let cases: Vec<(&str, &str, Pairs<'_>, &str, &str)> = vec![
        ("POST", "/editorder", vec![("cliOrdId", "a"), ("size", "1")], "size", "5"),
        ("POST", "/cancelorder", vec![("cliOrdId", "a")], "cliOrdId", "b"),
        ("POST", "/cancelallorders", vec![("symbol", SYMBOL)], "symbol", "PF_ETHUSD"),
        ("POST", "/cancelallordersafter", vec![("timeout", "0")], "timeout", "60"),
        ("POST", "/batchorder", vec![("json", cancel)], "json", "{}"),
        ("POST", "/transfer", money.to_vec(), "amount", "900000"),
        ("PUT", "/leveragepreferences", vec![("symbol", SYMBOL), ("maxLeverage", "5")], "maxLeverage", "50"),
        (
            "GET",
            "/fills",
            vec![("lastFillTime", "2026-01-01T00:00:00Z")],
            "lastFillTime",
            "2027-01-01T00:00:00Z",
        ),
        ("POST", "/sendorder", ORDER.to_vec(), "size", "5"),
    ];
    for (method, path, said, name, other) in cases {
        let twice = [&said[..], &[(name, other)]].concat();
        let repeated = alice.request(method, path, &twice);
        let mut both = alice.request(method, path, &said);
        (both.query, both.body) = (form(&said), form(&[(name, other)]));
        both.sign();
        for request in [repeated, both] {
            // The harness sends no body on a GET.
            if request.method == "GET" && !request.body.is_empty() {
                continue;
            }
            assert_eq!(request.error().await, Some(format!("invalidArgument: {name}")), "{path}");
        }
        let mut same = alice.request(method, path, &[&said[..], &said[..]].concat());
        same.sign();
        assert_ne!(same.error().await, Some(format!("invalidArgument: {name}")), "{path}, said twice");
    }
    let open = alice.get("/openorders", &[]).await["openOrders"].clone();
    assert_eq!(
        (&open[0]["unfilledSize"], open.as_array().map(Vec::len)),
        (&json!(0.1), Some(1)),
        "said twice"
    );
}

#[tokio::test]
async fn a_read_only_key_asks_and_does_not_trade() {
    let venue = Venue::start().await;
    let (alice, reader) = (venue.client(0), venue.reader(0));
    let sent = alice.place("lmt", "buy", "0.1", "40000", &[]).await;
    let id = sent["order_id"].as_str().expect("an id");
    for path in ["/openorders", "/accounts", "/openpositions", "/fills"] {
        assert_eq!(reader.get(path, &[]).await["result"], "success", "{path}");
    }
    for (method, path, arguments) in [
        ("POST", "/sendorder", &ORDER[..]),
        ("POST", "/cancelorder", &[("order_id", id)]),
        ("POST", "/cancelallorders", &[]),
        ("POST", "/orders/status", &[("orderIds", id)]),
        ("GET", "/orders/status", &[("orderIds", id)]),
    ] {
        let error = reader.request(method, path, arguments).error().await;
        assert_eq!(error.as_deref(), Some("authenticationError"), "{method} {path}");
    }
    assert_eq!(reader.get("/openorders", &[]).await["openOrders"][0]["order_id"], id);
}

#[tokio::test]
async fn nonces_may_be_late_but_not_old_and_not_repeated() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let ask = |nonce: &str| alice.request("GET", "/openorders", &[]).nonce(nonce);
    for (seconds, nonce, want) in [
        (0, "1000", None),
        (0, "1000", Some("nonceDuplicate")),
        (10, "999", None),
        (1, "998", Some("nonceBelowThreshold")),
        (0, "1000", Some("nonceBelowThreshold")),
        (0, "18446744073709551615", None),
        (0, "18446744073709551615", Some("nonceDuplicate")),
        (0, "18446744073709551616", Some("authenticationError")),
        (0, "-1", Some("authenticationError")),
        (0, "1.5", Some("authenticationError")),
        (0, "now", Some("authenticationError")),
        (0, "0001001", None),
        (0, "1001", Some("nonceDuplicate")),
    ] {
        venue.real.advance(seconds * 1_000_000);
        assert_eq!(ask(nonce).error().await.as_deref(), want, "{nonce}");
    }
    // Exchange time does not move the window, and a missing nonce is none.
    venue.advance(60_000).await;
    assert_eq!(ask("1002").error().await, None);
    assert_eq!(alice.request("GET", "/openorders", &[]).error().await, None);
    // A key of its own has a window of its own.
    assert_eq!(venue.reader(0).request("GET", "/openorders", &[]).nonce(1).error().await, None);
}

#[tokio::test]
async fn a_nonce_is_not_spent_by_someone_who_cannot_sign() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut forged = alice.request("GET", "/openorders", &[]).nonce(7);
    forged.authent = Some("A".repeat(88));
    assert_eq!(forged.error().await.as_deref(), Some("authenticationError"));
    assert_eq!(alice.request("GET", "/openorders", &[]).nonce(7).error().await, None);
}

#[tokio::test]
async fn a_nonce_is_not_spent_on_what_a_key_may_not_do() {
    let venue = Venue::start().await;
    let (alice, reader) = (venue.client(0), venue.reader(0));
    let money = [("currency", "usd"), ("amount", "1")];
    for (key, method, path, arguments) in [
        (&reader, "POST", "/sendorder", &ORDER[..]),
        (&reader, "POST", "/cancelallorders", &[]),
        (&reader, "POST", "/orders/status", &[("cliOrdIds", "a")]),
        (&reader, "PUT", "/leveragepreferences", &[("symbol", SYMBOL)]),
        // A key that trades need not be one that withdraws.
        (&alice, "POST", "/withdrawal", &money),
    ] {
        let refused = key.request(method, path, arguments).nonce(7).error().await;
        assert_eq!(refused.as_deref(), Some("authenticationError"), "{path}");
    }
    for key in [&reader, &alice] {
        assert_eq!(key.request("GET", "/openorders", &[]).nonce(7).error().await, None, "it is still good");
        let again = key.request("GET", "/openorders", &[]).nonce(7).error().await;
        assert_eq!(again.as_deref(), Some("nonceDuplicate"), "and now it is not");
    }
}

#[tokio::test]
async fn the_first_thing_wrong_is_the_one_told() {
    let venue = Venue::with(ServerConfig::test()).await;
    let alice = venue.client(0);
    let bad = [&ORDER[..2], &[("side", "hold")], &ORDER[3..]].concat();

    // Missing before unknown key.
    let mut missing = alice.request("POST", "/sendorder", &ORDER[1..]);
    missing.api_key = Some("nobody".to_owned());
    assert_eq!(missing.error().await.as_deref(), Some("requiredArgumentMissing"));
    // Key before nonce: what a read-only key may not do, it may not do with a used nonce either.
    let reader = venue.reader(0);
    assert_eq!(reader.request("GET", "/openorders", &[]).nonce(1).error().await, None);
    let repeated = reader.request("POST", "/sendorder", &ORDER).nonce(1);
    assert_eq!(repeated.error().await.as_deref(), Some("authenticationError"));
    // Rate before arguments: 498 are left after the read above.
    for _ in 0..49 {
        assert_eq!(
            alice.post("/cancelorder", &[("cliOrdId", "none")]).await["cancelStatus"]["status"],
            "notFound"
        );
    }
    let error = alice.request("POST", "/sendorder", &bad).nonce(2).error().await;
    assert_eq!(error.as_deref(), Some("apiLimitExceeded"));
    // Nonce before rate, and a nonce that came this far is spent.
    let error = alice.request("POST", "/sendorder", &bad).nonce(2).error().await;
    assert_eq!(error.as_deref(), Some("nonceDuplicate"));
    venue.real.advance(10_000_000);
    let error = alice.request("POST", "/sendorder", &bad).nonce(3).error().await;
    assert_eq!(error.as_deref(), Some("invalidArgument: side"));
}

#[tokio::test]
async fn the_published_rule_alone_can_be_asked_for() {
    let config = ServerConfig { tolerance: Tolerance::STRICT, ..ServerConfig::test() };
    let venue = Venue::with(config).await;
    let alice = venue.client(0);
    let page = [("lastFillTime", "2026-01-01T00:00:00.000Z")];
    assert_eq!(alice.request("GET", "/fills", &page).error().await, None);
    for signed in ["", "lastFillTime=2026-01-01T00:00:00.000Z"] {
        let mut request = alice.request("GET", "/fills", &page);
        request.sign_text(signed.as_bytes());
        assert_eq!(request.error().await.as_deref(), Some("authenticationError"), "{signed:?}");
    }
}
