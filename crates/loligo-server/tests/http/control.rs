//! The operator's verbs: what they do, and what they refuse in plain words.

use crate::venue::{SYMBOL, Venue, send};
use loligo_server::ServerConfig;
use serde_json::{Value, json};
use tokio::net::TcpStream;

async fn ask(venue: &Venue, method: &str, path: &str, body: Value) -> (u16, Value) {
    venue.ask(method, path, body).await
}

#[tokio::test]
async fn an_account_with_money_and_keys() {
    let venue = Venue::start().await;
    let wanted = json!({"name": "zoe", "flex": {"usd": "1000.5"}, "wallets": {"fi_xbtusd": 0.25}});
    let (status, zoe) = ask(&venue, "POST", "/accounts", wanted).await;
    assert_eq!((status, &zoe["name"]), (200, &json!("zoe")));
    let client = |keys: &Value| venue.client_of(keys);
    let wallets = client(&zoe).get("/accounts", &[]).await["accounts"].clone();
    assert_eq!(wallets["flex"]["currencies"]["USD"]["quantity"], json!(1000.5));
    assert_eq!(wallets["fi_xbtusd"]["balances"]["xbt"], "0.25");
    assert_eq!(client(&zoe["read_only"]).get("/openorders", &[]).await["result"], "success");

    let uid = zoe["uid"].as_str().expect("a uid");
    let deposit = json!({"wallet": "flex", "currency": "usd", "amount": "-0.5"});
    let (status, told) = ask(&venue, "POST", &format!("/accounts/{uid}/deposit"), deposit).await;
    assert_eq!((status, &told["balance"]), (200, &json!("1000")));
    // A negative amount takes out what is free, and no more.
    let all = json!({"wallet": "flex", "currency": "usd", "amount": "-1000.00000000001"});
    let (status, told) = ask(&venue, "POST", &format!("/accounts/{uid}/deposit"), all).await;
    assert_eq!(
        (status, &told["error"]),
        (400, &json!("no more can be taken out than is free in the wallet"))
    );
    let deposit = json!({"wallet": "fi_xbtusd", "currency": "xbt", "amount": 1});
    let (status, told) = ask(&venue, "POST", &format!("/accounts/{uid}/deposit"), deposit).await;
    assert_eq!((status, told), (200, json!({"wallet": "fi_xbtusd", "currency": "BTC", "balance": "1.25"})));

    let (status, key) =
        ask(&venue, "POST", &format!("/accounts/{uid}/keys"), json!({"general": "read_only"})).await;
    assert_eq!(status, 200);
    let order = client(&key).request("POST", "/cancelallorders", &[]).error().await;
    assert_eq!(order.as_deref(), Some("authenticationError"));
    let (_, key) = ask(&venue, "POST", &format!("/accounts/{uid}/keys"), json!({})).await;
    assert_eq!(client(&key).request("POST", "/cancelallorders", &[]).error().await, None);
    let (_, key) = ask(&venue, "POST", &format!("/accounts/{uid}/keys"), json!({"general": "none"})).await;
    let nothing = client(&key).request("GET", "/openorders", &[]).error().await;
    assert_eq!(nothing.as_deref(), Some("authenticationError"));
}

#[tokio::test]
async fn prices_are_pinned_and_released() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let seen = async |symbol: &str| {
        let ticker = alice.get(&format!("/tickers/{symbol}"), &[]).await["ticker"].clone();
        (ticker["indexPrice"].clone(), ticker["markPrice"].clone())
    };
    let (status, told) = ask(&venue, "PUT", "/prices/pf_xbtusd", json!({"index": "60000.25"})).await;
    let pinned = json!({"index_pinned": true, "mark_pinned": true, "index": "60000.25", "mark": "50000", "symbol": SYMBOL});
    assert_eq!((status, told), (200, pinned));
    assert_eq!(seen(SYMBOL).await, (json!(60000.25), json!(50000)));
    assert_eq!(seen("PI_XBTUSD").await.0, json!(60000.25), "one index for all contracts of the pair");
    let (_, told) = ask(&venue, "PUT", "/prices/PF_XBTUSD", json!({"mark": 61000})).await;
    assert_eq!((&told["index"], &told["mark"]), (&json!("60000.25"), &json!("61000")));
    let (status, told) = ask(&venue, "DELETE", "/prices/PF_XBTUSD", Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(told["mark"], told["index"], "without quotes mark is the index again: {told}");
}

#[tokio::test]
async fn the_clock_goes_where_it_is_told() {
    let venue = Venue::start().await;
    let at = |time: &str| json!({"kind": "manual", "time": time, "ended": false});
    let stands = |time: &str| json!({"kind": "manual", "time": time, "moving": false, "to": null});
    assert_eq!(ask(&venue, "GET", "/clock", Value::Null).await, (200, stands("2026-01-01T00:00:00.000000Z")));
    let moved = ask(&venue, "POST", "/clock", json!({"advance_ms": 1500})).await;
    assert_eq!(moved, (200, at("2026-01-01T00:00:01.500000Z")));
    let moved = ask(&venue, "POST", "/clock", json!({"set": "2026-01-02T01:00:00+01:00"})).await;
    assert_eq!(moved, (200, at("2026-01-02T00:00:00.000000Z")));
    for body in [
        json!({"advance_ms": -1}),
        json!({"set": "2026-01-01T00:00:00Z"}),
        json!({"set": "tomorrow"}),
        json!({"advance_ms": 1, "set": "2027-01-01T00:00:00Z"}),
        json!({}),
        json!({"advance_ms": 1.5}),
        json!({"advance_ms": 9_223_372_036_854_775_807_i64}),
    ] {
        let (status, told) = ask(&venue, "POST", "/clock", body.clone()).await;
        assert!(status == 400 && told["error"].is_string(), "{body}: {status} {told}");
    }
    assert_eq!(ask(&venue, "GET", "/clock", Value::Null).await, (200, stands("2026-01-02T00:00:00.000000Z")));
}

#[tokio::test]
async fn a_move_of_the_clock_can_be_watched_and_ended() {
    let mut config = ServerConfig::test();
    config.node.market = loligo_server::config::MarketKind::Live;
    let venue = Venue::with(config).await;
    let stands = ask(&venue, "GET", "/clock", Value::Null).await.1;
    let watch = async {
        loop {
            let (status, clock) = ask(&venue, "GET", "/clock", Value::Null).await;
            assert_eq!(status, 200, "{clock}");
            if clock["moving"] == true && clock["time"] != stands["time"] {
                assert_eq!(clock["to"], "2026-01-31T00:00:00.000000Z");
                break;
            }
        }
        ask(&venue, "DELETE", "/clock", Value::Null).await
    };
    let to = json!({"set": "2026-01-31T00:00:00Z"});
    let ((moved, told), (ended, clock)) = tokio::join!(ask(&venue, "POST", "/clock", to), watch);
    assert_eq!((moved, ended), (200, 200), "{told} {clock}");
    let time = clock["time"].clone();
    assert_eq!(told, json!({"kind": "manual", "time": time, "ended": true}));
    assert_eq!(clock, json!({"kind": "manual", "time": time, "moving": false, "to": null}));
    assert_eq!(ask(&venue, "GET", "/clock", Value::Null).await, (200, clock.clone()));
    assert_eq!(
        ask(&venue, "DELETE", "/clock", Value::Null).await,
        (200, clock),
        "ending it twice is no error"
    );
}

#[tokio::test]
async fn a_real_clock_is_nobody_s_to_move() {
    let mut config = ServerConfig::test();
    config.node.clock = loligo_server::config::ClockKind::Real;
    let venue = Venue::with(config).await;
    for (method, body) in [("POST", json!({"advance_ms": 1})), ("DELETE", Value::Null)] {
        let (status, told) = ask(&venue, method, "/clock", body).await;
        assert!(status == 409 && told["error"].is_string(), "{status} {told}");
    }
    let (_, health) = ask(&venue, "GET", "/health", Value::Null).await;
    assert_eq!(health["clock_behind_ms"], 0, "{health}");
}

#[tokio::test]
async fn health_hashes_and_audit() {
    let (one, two) = (Venue::start().await, Venue::start().await);
    for venue in [&one, &two] {
        venue.client(0).place("lmt", "buy", "1", "50000", &[]).await;
        venue.client(1).place("lmt", "sell", "0.5", "50000", &[]).await;
    }
    let (status, hashes) = ask(&one, "GET", "/state-hash", Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(hashes["state_hash"].as_str().map(str::len), Some(64));
    assert_eq!(ask(&two, "GET", "/state-hash", Value::Null).await.1, hashes, "same requests, same venue");
    let (_, health) = ask(&one, "GET", "/health", Value::Null).await;
    assert_eq!((&health["status"], &health["sequence"]), (&json!("ok"), &hashes["sequence"]));
    assert_eq!(health.get("clock_behind_ms"), Some(&Value::Null), "a manual clock is behind nothing");
    let (status, audit) = ask(&one, "GET", "/audit", Value::Null).await;
    assert_eq!((status, &audit["open_orders"], &audit["positions"]), (200, &json!(1), &json!(2)));
    two.client(0).place("lmt", "buy", "1", "40000", &[]).await;
    let (_, other) = ask(&two, "GET", "/state-hash", Value::Null).await;
    assert!(other["state_hash"] != hashes["state_hash"] && other["event_hash"] != hashes["event_hash"]);
}

#[tokio::test]
async fn refusals_are_sentences() {
    let venue = Venue::start().await;
    let uid = venue.start.accounts[0].uid.clone();
    let (_, before) = ask(&venue, "GET", "/state-hash", Value::Null).await;
    let deposit = format!("/accounts/{uid}/deposit");
    let keys = format!("/accounts/{uid}/keys");
    let usd = |amount: Value| json!({"wallet": "flex", "currency": "usd", "amount": amount});
    for (method, path, body, want) in [
        ("GET", "/nosuch", Value::Null, 404),
        ("PUT", "/clock", Value::Null, 405),
        ("POST", "/health", Value::Null, 405),
        ("POST", deposit.as_str(), usd(json!("ten")), 400),
        ("POST", &deposit, usd(json!("1e400")), 400),
        ("POST", &deposit, usd(json!("0.000000000001")), 400),
        ("POST", &deposit, usd(json!("-100000000")), 400),
        ("POST", &deposit, json!({"wallet": "margin_wallet", "currency": "usd", "amount": "1"}), 400),
        ("POST", &deposit, json!({"wallet": "fi_xbtusd", "currency": "usd", "amount": "1"}), 400),
        ("POST", &deposit, json!({"wallet": "flex", "currency": "no such thing", "amount": "1"}), 400),
        ("POST", &deposit, json!({"wallet": "flex"}), 400),
        ("POST", "/accounts/none/deposit", usd(json!("1")), 404),
        ("POST", "/accounts/00000000-0000-4000-8000-000000000000/deposit", usd(json!("1")), 404),
        ("POST", &keys, json!({"general": "all"}), 400),
        ("POST", &keys, json!({"nonsense": 1}), 400),
        ("PUT", "/prices/PF_NOSUCHUSD", json!({"index": "1"}), 404),
        ("PUT", "/prices/PF_XBTUSD", json!({}), 400),
        ("PUT", "/prices/PF_XBTUSD", json!({"index": "0"}), 400),
        ("PUT", "/prices/PF_XBTUSD", json!({"index": "-1"}), 400),
        ("PUT", "/prices/PF_XBTUSD", json!({"index": true}), 400),
        ("POST", "/faults", json!({"kind": "earthquake"}), 400),
    ] {
        let (status, told) = ask(&venue, method, path, body.clone()).await;
        assert_eq!(status, want, "{method} {path} {body}: {told}");
        assert!(told["error"].as_str().is_some_and(|sentence| !sentence.is_empty()), "{told}");
    }
    let (_, after) = ask(&venue, "GET", "/state-hash", Value::Null).await;
    assert_eq!(after["state_hash"], before["state_hash"], "a refusal changes nothing");
    assert_eq!(venue.control("POST", "/clock", "{").await.status, 400);
    assert_eq!(venue.control("POST", "/clock", &" ".repeat(70_000)).await.status, 413);
}

#[tokio::test]
async fn only_the_token_opens_the_door() {
    let venue = Venue::start().await;
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let answer = send(&mut stream, "GET", "/loligo/v1/health", &[], b"").await.expect("an answer");
    assert_eq!(answer.status, 200, "health is for everyone");
    for headers in [
        vec![],
        vec![("Authorization", "Bearer wrong")],
        vec![("APIKey", venue.start.accounts[0].api_key.as_str())],
    ] {
        for path in ["/clock", "/state-hash", "/audit"] {
            let path = format!("/loligo/v1{path}");
            let answer = send(&mut stream, "GET", &path, &headers, b"").await.expect("an answer");
            assert_eq!(
                (answer.status, answer.json()["error"].is_string()),
                (401, true),
                "{path} {headers:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_fault_on_purpose_stops_the_exchange_and_is_not_answered() {
    let venue = Venue::start().await;
    let token = format!("Bearer {}", venue.server.control_token());
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let headers = [("Authorization", token.as_str())];
    let body = br#"{"kind": "panic_in_apply"}"#;
    let answer = send(&mut stream, "POST", "/loligo/v1/faults", &headers, body).await;
    assert!(answer.is_none(), "nobody knows what became of it: {answer:?}");
    let end = venue.server.failed().await;
    assert!(matches!(end, loligo_server::node::NodeEnd::Poisoned { .. }), "{end:?}");
    // What was there can still be read; nothing is taken any more.
    assert_eq!(venue.client(0).get("/tickers", &[]).await["result"], "success");
    let refused = venue.client(0).request("POST", "/cancelallorders", &[]).error().await;
    assert_eq!(refused.as_deref(), Some("Unavailable"));
}
