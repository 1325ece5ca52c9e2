//! Web pages: which ones may speak to the exchange, and what they are told.

use crate::venue::{Answer, BASE, SYMBOL, Venue, form, receive};
use loligo_server::ServerConfig;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Sends exactly these lines and reads the answer.
async fn ask(venue: &Venue, lines: &[&str], body: &str) -> Answer {
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let text = format!("{}\r\n\r\n{body}", lines.join("\r\n"));
    stream.write_all(text.as_bytes()).await.expect("sent");
    let [method, target, ..] = lines[0].split(' ').collect::<Vec<_>>()[..] else { panic!("a request") };
    receive(&mut stream, method, target).await.expect("an answer")
}

const HANDSHAKE: [&str; 5] = [
    "GET /ws/v1 HTTP/1.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

#[tokio::test]
async fn a_web_page_opens_a_websocket_only_from_home_or_by_name() {
    let config = ServerConfig {
        allow_origins: vec!["https://desk.example".parse().expect("an origin")],
        ..ServerConfig::test()
    };
    let venue = Venue::with(config).await;
    let port = venue.server.http().port();
    let host = format!("Host: 127.0.0.1:{port}");
    let status = async |origin: Option<String>| {
        let origin = origin.map(|origin| format!("Origin: {origin}"));
        let lines: Vec<&str> = HANDSHAKE.into_iter().chain([&*host]).chain(origin.as_deref()).collect();
        ask(&venue, &lines, "").await.status
    };
    assert_eq!(status(None).await, 101, "no page");
    for (origin, wanted) in [
        (format!("http://127.0.0.1:{port}"), 101),
        (format!("http://localhost:{port}"), 101),
        ("https://desk.example".to_owned(), 101),
        ("https://evil.example".to_owned(), 403),
        (format!("http://evil.example:{port}"), 403),
        (format!("http://127.0.0.1:{}", port ^ 1), 403),
        ("null".to_owned(), 403),
    ] {
        assert_eq!(status(Some(origin.clone())).await, wanted, "{origin}");
    }
}

/// However many pages ask, none of the places of their reader's own clients is taken.
#[tokio::test]
async fn refused_pages_take_no_place_of_an_address() {
    let mut config = ServerConfig::test();
    config.bounds.feeds.per_address = 1;
    let venue = Venue::with(config).await;
    let page = [&HANDSHAKE[..], &["Host: 127.0.0.1", "Origin: https://evil.example"]].concat();
    for _ in 0..3 {
        assert_eq!(ask(&venue, &page, "").await.status, 403);
    }
    assert_eq!(ask(&venue, &[&HANDSHAKE[..], &["Host: 127.0.0.1"]].concat(), "").await.status, 101);
}

#[tokio::test]
async fn any_page_may_read_market_data_and_nothing_else() {
    let venue = Venue::start().await;
    let page = ["Host: 127.0.0.1", "Origin: https://page.example"];
    let told = async |first: &str, more: &[&str], body: &str| {
        let length = format!("Content-Length: {}", body.len());
        let answer = ask(&venue, &[&[first], &page[..], &[&*length], more].concat(), body).await;
        let head = answer.head.to_lowercase();
        assert!(!head.contains("access-control-allow-credentials"), "{head}");
        let allowed = head.lines().find_map(|line| line.strip_prefix("access-control-allow-origin: "));
        (answer.status, allowed.map(str::to_owned))
    };
    let any = Some("*".to_owned());
    for path in ["/tickers", "/instruments", "/orderbook?symbol=PF_XBTUSD", "/orderbook", "/feeschedules"] {
        assert_eq!(told(&format!("GET {BASE}{path} HTTP/1.1"), &[], "").await, (200, any.clone()), "{path}");
    }
    let nowhere = told(&format!("GET {BASE}/tickers/PF_NOSUCHUSD HTTP/1.1"), &[], "").await;
    assert_eq!(nowhere, (404, any.clone()));
    let wants = ["Access-Control-Request-Method: GET", "Access-Control-Request-Headers: content-type"];
    let ask_first = told(&format!("OPTIONS {BASE}/tickers/PF_XBTUSD HTTP/1.1"), &wants, "").await;
    assert_eq!(ask_first, (204, any));

    let alice = venue.client(0);
    let signed = alice.request("GET", "/openorders", &[]);
    let key = [
        format!("APIKey: {}", alice.api_key),
        format!("Authent: {}", signed.authent.clone().expect("signed")),
    ];
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    assert_eq!(told(&format!("GET {BASE}/openorders HTTP/1.1"), &key, "").await, (200, None));
    assert_eq!(told(&format!("POST {BASE}/sendorder HTTP/1.1"), &[], "").await, (200, None));
    assert_eq!(told("GET /loligo/v1/health HTTP/1.1", &[], "").await, (200, None));
    assert_eq!(told("GET /loligo/v1/clock HTTP/1.1", &[], "").await, (403, None));
    for path in [
        "/derivatives/api/v3/sendorder",
        "/derivatives/api/v3/openorders",
        "/derivatives/api/v3/nowhere",
        "/ws/v1",
    ] {
        assert_eq!(told(&format!("OPTIONS {path} HTTP/1.1"), &wants, "").await, (404, None), "{path}");
    }
    assert_eq!(told("OPTIONS /loligo/v1/clock HTTP/1.1", &wants, "").await, (405, None));
}

#[tokio::test]
async fn two_hosts_or_two_origins_are_refused_and_nothing_is_done() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let order =
        [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1"), ("limitPrice", "40000")];
    let signed = alice.request("POST", "/sendorder", &order);
    let body = form(&order);
    let key = [
        format!("APIKey: {}", alice.api_key),
        format!("Authent: {}", signed.authent.clone().expect("signed")),
        format!("Content-Length: {}", body.len()),
    ];
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    let token = format!("Authorization: Bearer {}", venue.server.control_token());
    let home = format!("Origin: http://127.0.0.1:{}", venue.server.http().port());
    for twice in [&["Host: 127.0.0.1", "Host: 127.0.0.1"][..], &["Host: 127.0.0.1", &home, &home]] {
        for (first, more, body) in [
            ("GET /derivatives/api/v3/tickers HTTP/1.1", &[][..], ""),
            ("POST /derivatives/api/v3/sendorder HTTP/1.1", &key, &body),
            ("GET /loligo/v1/clock HTTP/1.1", &[&token], ""),
            ("GET /nowhere HTTP/1.1", &[], ""),
            (HANDSHAKE[0], &HANDSHAKE[1..], ""),
        ] {
            let answer = ask(&venue, &[&[first], twice, more].concat(), body).await;
            assert_eq!(answer.status, 400, "{first} {twice:?}");
            let told = answer.json();
            if first.contains("/loligo/") {
                assert!(told["error"].as_str().is_some_and(|sentence| sentence.contains("two")), "{told}");
            } else {
                assert_eq!(told["errors"], json!([{"code": 0, "message": "400 BAD_REQUEST"}]));
            }
        }
    }
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"], json!([]));
    // Once each they are good.
    let good = ["POST /derivatives/api/v3/sendorder HTTP/1.1", "Host: 127.0.0.1", &home];
    let good = ask(&venue, &[&good[..], &key].concat(), &body).await;
    assert_eq!(good.json()["sendStatus"]["status"], "placed");
}
