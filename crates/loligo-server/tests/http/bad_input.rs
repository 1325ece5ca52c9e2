//! What strangers send: each row gets the contract's answer, and changes nothing.

use crate::venue::{BASE, SYMBOL, Venue, form, receive, send};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const GOOD: [(&str, &str); 5] =
    [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "0.1"), ("limitPrice", "40000")];

/// Everything that a bad request must leave as it was.
async fn picture(venue: &Venue) -> Value {
    let alice = venue.client(0);
    let mut seen = Vec::new();
    for path in ["/openorders", "/openpositions", "/accounts", "/fills"] {
        seen.push(alice.get(path, &[]).await);
    }
    seen.push(alice.get("/orderbook", &[("symbol", SYMBOL)]).await);
    Value::Array(seen)
}

fn word(answer: &Value) -> &str {
    let status = || answer.get("sendStatus").and_then(|status| status["status"].as_str());
    answer["error"].as_str().or_else(status).unwrap_or_else(|| panic!("neither error nor status: {answer}"))
}

#[tokio::test]
async fn arguments_that_cannot_be_or_must_not_be() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    alice.place("lmt", "buy", "1", "40000", &[("cliOrdId", "open")]).await;
    let before = picture(&venue).await;
    let digits = "1".repeat(40);
    let places = format!("40000.{}1", "0".repeat(60));
    let long = "é".repeat(101);
    for (name, value, want) in [
        ("symbol", "PF_NOSUCHUSD", "invalidArgument: symbol"),
        ("symbol", "", "invalidArgument: symbol"),
        ("symbol", "PF XBTUSD", "invalidArgument: symbol"),
        ("side", "BUY", "invalidArgument: side"),
        ("side", "", "invalidArgument: side"),
        ("orderType", "limit", "invalidArgument: orderType"),
        ("orderType", "", "invalidArgument: orderType"),
        ("limitPrice", "40000.5", "invalidPrice"),
        ("limitPrice", "0", "invalidPrice"),
        ("limitPrice", "-40000", "invalidPrice"),
        ("limitPrice", "1e400", "invalidPrice"),
        ("limitPrice", "-1e400", "invalidPrice"),
        ("limitPrice", "1e-400", "invalidPrice"),
        ("limitPrice", digits.as_str(), "invalidPrice"),
        ("limitPrice", places.as_str(), "invalidPrice"),
        ("limitPrice", "1000000001", "invalidPrice"),
        ("limitPrice", "NaN", "invalidArgument: limitPrice"),
        ("limitPrice", "Infinity", "invalidArgument: limitPrice"),
        ("limitPrice", "", "invalidArgument: limitPrice"),
        ("limitPrice", "4,000", "invalidArgument: limitPrice"),
        ("limitPrice", "40000 ", "invalidArgument: limitPrice"),
        ("size", "0", "invalidSize"),
        ("size", "-1", "invalidSize"),
        ("size", "0.00005", "invalidSize"),
        ("size", "1e400", "invalidSize"),
        ("size", digits.as_str(), "invalidSize"),
        ("size", "9223372036854775808", "invalidSize"),
        ("size", "501", "invalidSize"),
        ("size", "1e", "invalidArgument: size"),
        ("size", "", "invalidArgument: size"),
        ("stopPrice", "x", "invalidArgument: stopPrice"),
        ("reduceOnly", "perhaps", "invalidArgument: reduceOnly"),
        ("triggerSignal", "moon", "invalidArgument: triggerSignal"),
        ("processBefore", "soon", "invalidArgument: processBefore"),
        ("cliOrdId", long.as_str(), "clientOrderIdTooBig"),
        ("cliOrdId", "open", "clientOrderIdAlreadyExist"),
        ("cliOrdId", "", "clientOrderIdInvalid"),
        ("cliOrdId", "a\u{1}b", "clientOrderIdInvalid"),
        ("cliOrdId", "a\u{85}b", "clientOrderIdInvalid"),
    ] {
        let mut arguments = GOOD.to_vec();
        arguments.retain(|(known, _)| *known != name);
        arguments.push((name, value));
        let answer = alice.request("POST", "/sendorder", &arguments).json().await;
        assert_eq!(word(&answer), want, "{name}={value}");
    }
    // Not UTF-8, and an escape that is none.
    for (raw, want) in [
        ("cliOrdId=%FF%FE", "clientOrderIdInvalid"),
        ("cliOrdId=%ED%A0%80", "clientOrderIdInvalid"),
        ("cliOrdId=%zz", "clientOrderIdInvalid"),
        ("side=%zz", "invalidArgument: side"),
    ] {
        let mut request = alice.request("POST", "/sendorder", &GOOD);
        request.body = format!("{raw}&{}", request.body);
        request.sign();
        assert_eq!(word(&request.json().await), want, "{raw}");
    }
    assert_eq!(picture(&venue).await, before);
}

#[tokio::test]
async fn what_is_missing_is_told_before_anything_else() {
    let venue = Venue::start().await;
    let mut stranger = venue.client(0);
    stranger.api_key = "nobody".to_owned();
    for left_out in 0..GOOD.len() {
        let mut arguments = GOOD.to_vec();
        let (name, _) = arguments.remove(left_out);
        let answer = stranger.request("POST", "/sendorder", &arguments).json().await;
        assert_eq!(word(&answer), "requiredArgumentMissing", "without {name}");
    }
    assert_eq!(word(&stranger.request("POST", "/cancelorder", &[]).json().await), "requiredArgumentMissing");
    assert_eq!(word(&stranger.request("POST", "/cancelallorders", &[]).json().await), "authenticationError");
    assert_eq!(word(&stranger.request("POST", "/orders/status", &[]).json().await), "authenticationError");
    assert_eq!(word(&stranger.request("GET", "/orderbook", &[]).json().await), "requiredArgumentMissing");
    assert_eq!(word(&stranger.request("GET", "/history", &[]).json().await), "requiredArgumentMissing");
}

#[tokio::test]
async fn symbols_that_are_not_there() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    for (method, path) in
        [("GET", "/orderbook"), ("GET", "/history"), ("GET", "/tickers"), ("POST", "/cancelallorders")]
    {
        let error = alice.request(method, path, &[("symbol", "PF_NOSUCHUSD")]).error().await;
        assert_eq!(error.as_deref(), Some("invalidArgument: symbol"), "{path}");
    }
    for symbol in ["PF_NOSUCHUSD", "%20", "..", "x%00y"] {
        let answer = alice.request("GET", &format!("/tickers/{symbol}"), &[]).send().await;
        assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("notFound")), "{symbol}");
    }
    let dated = alice.request("GET", "/instruments", &[("contractType", "nonsense")]).json().await;
    assert_eq!(word(&dated), "invalidArgument: contractType");
}

#[tokio::test]
async fn a_contract_past_its_last_trade_is_known_but_has_no_market() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let listed = alice.get("/instruments", &[]).await["instruments"].clone();
    let dated = listed.as_array().expect("a list").iter().find(|row| row.get("lastTradingTime").is_some());
    let dated = dated.expect("a dated contract")["symbol"].as_str().expect("a symbol").to_owned();
    let is_listed = async |arguments: &[(&str, &str)]| {
        let rows = alice.get("/instruments", arguments).await["instruments"].clone();
        let row =
            rows.as_array().expect("a list").iter().find(|row| row["symbol"] == dated.as_str()).cloned();
        row.map(|row| (row["isExpired"].clone(), row["tradeable"].clone()))
    };
    assert_eq!(is_listed(&[]).await, Some((json!(false), json!(true))));
    for _ in 0..9 {
        venue.advance(30 * 86_400_000).await;
    }
    assert_eq!(is_listed(&[]).await, None);
    assert_eq!(is_listed(&[("expired", "true")]).await, Some((json!(true), json!(false))));
    for path in ["/orderbook", "/history"] {
        let error = alice.request("GET", path, &[("symbol", &dated)]).error().await;
        assert_eq!(error.as_deref(), Some("marketUnavailable"), "{path}");
    }
    let answer = alice.request("GET", &format!("/tickers/{dated}"), &[]).send().await;
    assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("marketUnavailable")));
    let mut order = GOOD.to_vec();
    order[1] = ("symbol", &dated);
    assert_eq!(word(&alice.post("/sendorder", &order).await), "marketInactive");
}

#[tokio::test]
async fn paths_methods_and_bodies_that_are_none() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    for (method, path) in [
        ("GET", "/derivatives/api/v3/nosuch"),
        ("GET", "/derivatives/api/v3/sendorder"),
        ("DELETE", "/derivatives/api/v3/openorders"),
        ("GET", "/derivatives/api/v3/historicalfundingrates"),
        ("POST", "/"),
        ("GET", "/derivatives/api/v3/instruments/"),
        ("BREW", "/derivatives/api/v3/instruments"),
    ] {
        let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        let answer = send(&mut stream, method, path, &[], b"").await.expect("an answer");
        let want = json!({
            "status": "NOT_FOUND", "result": "error", "errors": [{"code": 0, "message": "404 NOT_FOUND"}],
            "serverTime": "2026-01-01T00:00:00.000Z",
        });
        assert_eq!((answer.status, answer.json()), (404, want), "{method} {path}");
    }

    // Over the limit: told at once, and the connection ends.
    for (method, path, status, want) in [
        ("POST", "/sendorder", 200, "invalidArgument"),
        ("POST", "/orders/status", 200, "invalidArgument"),
        ("PUT", "/pnlpreferences", 200, "invalidArgument"),
        ("GET", "/tickers/PF_XBTUSD", 200, "invalidArgument"),
    ] {
        let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        let head = format!("{method} {BASE}{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2097153\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let answer = receive(&mut stream, method, &format!("{BASE}{path}")).await.expect("an answer");
        assert_eq!((answer.status, word(&answer.json())), (status, want), "{path}");
        assert!(answer.head.to_ascii_lowercase().contains("connection: close"), "{}", answer.head);
    }
    // Too many arguments are unreadable ones: told after the key was looked at.
    let many = vec![("a", "b"); 3000];
    assert_eq!(word(&alice.request("POST", "/orders/status", &many).json().await), "invalidArgument");
    let mut unsigned = alice.request("POST", "/orders/status", &many);
    unsigned.authent = None;
    assert_eq!(word(&unsigned.json().await), "authenticationError");
}

#[tokio::test]
async fn json_as_deep_as_it_is_long_is_no_batch() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let before = picture(&venue).await;
    for deep in [130, 20_000, 600_000] {
        let nested = |open: &str, close: &str| format!("{}{}", open.repeat(deep), close.repeat(deep));
        let value = nested("[", "]");
        for json in [
            value.clone(),
            "[".repeat(deep),
            "{\"a\":".repeat(deep.min(200_000)),
            format!(r#"{{"batchOrder":{value}}}"#),
            format!(r#"{{"batchOrder":[{{"order":"cancel","order_id":{value}}}]}}"#),
            format!(r#"{{"batchOrder":[{{"order":"cancel","cliOrdId":"a","more":{value}}}]}}"#),
        ] {
            // A form of three letters for each bracket would be over the bound of a body.
            let mut request = alice.request("POST", "/batchorder", &[]);
            request.body = format!("json={json}");
            request.sign();
            let answer = request.json().await;
            let told = answer["error"].as_str().or(answer["batchStatus"][0]["status"].as_str());
            let told = told.unwrap_or_else(|| panic!("{deep}: {answer}"));
            let is_refused =
                told == "Json Parse Error" || told.starts_with("invalidArgument: ") || told == "notFound";
            assert!(is_refused, "{deep}: {told}");
        }
        let (status, told) = {
            let answer = venue.control("POST", "/accounts", &value).await;
            (answer.status, answer.json())
        };
        assert!([400, 413].contains(&status) && told["error"].is_string(), "{deep}: {status} {told}");
    }
    assert_eq!(picture(&venue).await, before);
}

#[tokio::test]
async fn what_is_too_long_or_too_much_is_told_in_the_form_of_each_document() {
    let venue = Venue::start().await;
    let long = async |method: &str, path: &str| {
        let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2097153\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        receive(&mut stream, method, path).await.expect("an answer")
    };
    let answer = long("GET", "/api/history/v3/orders").await;
    assert_eq!((answer.status, &answer.json()["status"]), (400, &json!("bad_request")));
    let answer = long("GET", "/api/charts/v1/trade/PF_XBTUSD/1m").await;
    assert_eq!((answer.status, &*answer.body), (400, &b"Invalid arguments"[..]));
    let answer = long("GET", "/api/auth/v1/api-keys/v3/check").await;
    assert_eq!((answer.status, &answer.json()["status"]), (400, &json!("bad_request")));
    assert_eq!(long("GET", "/derivatives/api/v3/rfqs").await.status, 404);
    assert_eq!(long("POST", "/derivatives/api/v3/nosuch").await.status, 404);

    // As many arguments as nobody reads, and a length that nobody said.
    let alice = venue.client(0);
    let mut many = alice.request("GET", "", &vec![("a", "b"); 3_000]);
    many.path = "/api/charts/v1/trade/PF_XBTUSD/1m".to_owned();
    let answer = many.send().await;
    assert_eq!((answer.status, &*answer.body), (400, &b"Invalid arguments"[..]));
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let path = format!("{BASE}/sendorder");
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
    for _ in 0..33 {
        stream.write_all(chunk.as_bytes()).await.expect("it is read");
    }
    let answer = receive(&mut stream, "POST", &path).await.expect("an answer");
    assert_eq!((answer.status, word(&answer.json())), (200, "invalidArgument"));
}

#[tokio::test]
async fn half_a_request_is_none() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let order = alice.request("POST", "/sendorder", &GOOD);
    let whole = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAPIKey: {}\r\nAuthent: {}\r\nContent-Length: {}\r\n\r\n{}",
        order.path,
        alice.api_key,
        order.authent.as_deref().expect("signed"),
        order.body.len(),
        order.body
    );
    let body_at = whole.len() - order.body.len();
    for cut in [1, 20, body_at - 3, body_at, whole.len() - 1] {
        let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        stream.write_all(&whole.as_bytes()[..cut]).await.expect("sent");
        stream.shutdown().await.expect("the rest never comes");
        // Whatever it is told, if anything: it is no success, and the connection ends.
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told).await;
        let told = String::from_utf8_lossy(&told);
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 400 "), "cut at {cut}: {told}");
    }
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"], json!([]));
    // A length that is none, or two, is not guessed at.
    for lengths in ["Content-Length: -1", "Content-Length: 5\r\nContent-Length: 6", "Content-Length: five"] {
        let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        let text = format!("POST {} HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n{}", order.path, order.body);
        stream.write_all(text.as_bytes()).await.expect("sent");
        let answer = receive(&mut stream, "POST", &order.path).await;
        assert!(answer.is_none_or(|answer| answer.status == 400), "{lengths}");
    }
}

#[tokio::test]
async fn requests_in_one_breath_are_answered_in_order() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut text = String::new();
    for name in ["p1", "p2", "p3"] {
        let request = alice.request("POST", "/sendorder", &[&GOOD[..], &[("cliOrdId", name)]].concat());
        text.push_str(&format!(
            "POST {} HTTP/1.1\r\nHost: x\r\nAPIKey: {}\r\nAuthent: {}\r\nContent-Length: {}\r\n\r\n{}",
            request.path,
            alice.api_key,
            request.authent.as_deref().expect("signed"),
            request.body.len(),
            request.body
        ));
    }
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    stream.write_all(text.as_bytes()).await.expect("sent");
    for name in ["p1", "p2", "p3"] {
        let answer =
            receive(&mut stream, "POST", &format!("{BASE}/sendorder")).await.expect("an answer").json();
        assert_eq!(
            (&answer["sendStatus"]["status"], &answer["sendStatus"]["cliOrdId"]),
            (&json!("placed"), &json!(name))
        );
    }
    // Cut short, it is not carried out.
    let whole = alice.request("POST", "/cancelallorders", &[("symbol", SYMBOL)]);
    let mut half = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let body = form(&[("symbol", SYMBOL)]);
    let text = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAPIKey: {}\r\nAuthent: {}\r\nContent-Length: {}\r\n\r\n{}",
        whole.path,
        alice.api_key,
        whole.authent.as_deref().expect("signed"),
        body.len(),
        &body[..body.len() - 1]
    );
    half.write_all(text.as_bytes()).await.expect("sent");
    drop(half);
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"].as_array().map(Vec::len), Some(3));
}
