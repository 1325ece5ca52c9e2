//! Bytes on the wire of http and https: what follows a request, and how long one may be.

use crate::venue::{BASE, Client, SYMBOL, Venue, form, receive};
use loligo_server::ServerConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The bytes of a signed request.
fn bytes(client: &Client, path: &str, arguments: &[(&str, &str)]) -> String {
    let request = client.request("POST", path, arguments);
    format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nAPIKey: {}\r\nAuthent: {}\r\nContent-Length: {}\r\n\r\n{}",
        request.path,
        client.api_key,
        request.authent.as_deref().expect("signed"),
        request.body.len(),
        request.body
    )
}

const BEHIND: [&str; 6] = [
    "",
    "\r\n",
    "GET /derivatives/api/v3/tickers HTTP/1.1\r\nHos",
    "&",
    "\0\0",
    "GET /derivatives/api/v3/tickers HTTP/9.9\r\n\r\n",
];

async fn is_answered(
    client: &Client,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    name: &str,
    behind: &str,
) {
    let order = [
        ("orderType", "lmt"),
        ("symbol", SYMBOL),
        ("side", "buy"),
        ("size", "0.1"),
        ("limitPrice", "40000"),
        ("cliOrdId", name),
    ];
    let text = bytes(client, "/sendorder", &order) + behind;
    stream.write_all(text.as_bytes()).await.expect("sent");
    stream.flush().await.expect("sent");
    let answer = receive(stream, "POST", &format!("{BASE}/sendorder")).await.expect("an answer").json();
    assert_eq!(answer["sendStatus"]["status"], "placed", "{behind:?}: {answer}");
}

#[tokio::test]
async fn an_order_is_answered_whatever_the_client_sends_behind_it() {
    let config = ServerConfig {
        tls_listen: Some(([127, 0, 0, 1], 0).into()),
        rate_limits: false,
        ..ServerConfig::test()
    };
    let venue = Venue::with(config).await;
    let authority = venue.server.authority().expect("an authority").to_owned();
    let alice = venue.client(0);
    for (number, behind) in BEHIND.into_iter().enumerate() {
        let mut plain = TcpStream::connect(venue.server.http()).await.expect("it listens");
        is_answered(&alice, &mut plain, &format!("http {number}"), behind).await;
        let mut encrypted = crate::tls::connect(&venue, &authority).await.expect("a TLS handshake");
        is_answered(&alice, &mut encrypted, &format!("https {number}"), behind).await;
    }
}

/// Names as long as a name may be, of letters that take three bytes each, and of such that take four.
fn names(letter: char) -> Vec<String> {
    (0..500).map(|number| format!("{number:03}{}", letter.to_string().repeat(97))).collect()
}

/// A batch as most clients write it, each letter beyond ASCII escaped as some do.
fn batch(elements: &[Value], escape: bool) -> String {
    let text = json!({ "batchOrder": elements }).to_string();
    if !escape {
        return text;
    }
    let mut escaped = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\u{unit:04x}")),
        }
    }
    escaped
}

#[tokio::test]
async fn five_hundred_orders_with_the_longest_names_are_placed_asked_for_and_cancelled() {
    for (letter, escape) in [('\u{20ac}', false), ('\u{1d11e}', true)] {
        let venue = Venue::start().await;
        let alice = venue.client(0);
        let names = names(letter);
        let send = |(number, name): (usize, &String)| {
            json!({
                "order": "send", "order_tag": number.to_string(), "orderType": "lmt", "symbol": SYMBOL, "side": "buy",
                "size": 0.01, "limitPrice": 40000, "cliOrdId": name, "reduceOnly": false, "triggerSignal": "mark",
            })
        };
        let sends: Vec<Value> = names.iter().enumerate().map(send).collect();
        let placed = alice.post("/batchorder", &[("json", &batch(&sends, escape))]).await;
        let statuses = placed["batchStatus"].as_array().unwrap_or_else(|| panic!("{placed}"));
        assert_eq!(statuses.iter().filter(|status| status["status"] == "placed").count(), 500);
        // One more than a batch may hold is refused by the name of what is wrong.
        let more: Vec<Value> = sends.iter().chain(&sends[..1]).cloned().collect();
        let refused = alice.request("POST", "/batchorder", &[("json", &batch(&more, escape))]).json().await;
        assert_eq!(refused["error"], "invalidArgument: json");

        let ids: Vec<(&str, &str)> = names.iter().map(|name| ("cliOrdIds", name.as_str())).collect();
        let known = alice.post("/orders/status", &ids).await;
        assert_eq!(known["orders"].as_array().map(Vec::len), Some(500));

        let cancels: Vec<Value> =
            names.iter().map(|name| json!({"order": "cancel", "cliOrdId": name})).collect();
        let cancelled = alice.post("/batchorder", &[("json", &batch(&cancels, escape))]).await;
        let statuses = cancelled["batchStatus"].as_array().unwrap_or_else(|| panic!("{cancelled}"));
        assert_eq!(statuses.iter().filter(|status| status["status"] == "cancelled").count(), 500);
    }
}

/// A client that sends all of it and listens only then.
#[tokio::test]
async fn what_is_over_the_bound_is_answered_to_who_sends_it_to_its_end() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    for bytes_sent in [(2 << 20) + 1, 5 << 20, 8 << 20] {
        let long = "x".repeat(bytes_sent);
        for path in ["/batchorder", "/orders/status"] {
            let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
            let text = bytes(&alice, path, &[("json", &long)]);
            stream.write_all(text.as_bytes()).await.expect("all of it is taken");
            let answer = receive(&mut stream, "POST", &format!("{BASE}{path}")).await.expect("an answer");
            assert_eq!((answer.status, &answer.json()["error"]), (200, &json!("invalidArgument")), "{path}");
            assert_eq!(stream.read(&mut [0]).await.expect("a clean end"), 0);
        }
    }
    // A query ends where a URI does; as many of the longest names as fit are read.
    let names = names('\u{20ac}');
    let ids =
        |count: usize| names[..count].iter().map(|name| ("cliOrdIds", name.as_str())).collect::<Vec<_>>();
    assert_eq!(alice.get("/orders/status", &ids(70)).await["orders"], json!([]));
    for count in [80, 500] {
        let query = form(&ids(count));
        let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        let text = format!("GET {BASE}/orders/status?{query} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(text.as_bytes()).await.expect("all of it is taken");
        let answer = receive(&mut stream, "GET", &format!("{BASE}/orders/status")).await.expect("an answer");
        assert!([414, 431].contains(&answer.status), "{}", answer.head);
    }
}
