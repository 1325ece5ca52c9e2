//! Requests and their answers.

use super::socket::{Socket, alert, with};
use crate::venue::{SYMBOL, Venue, receive, send};
use loligo_server::{LogConfig, LogMode, ServerConfig};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

#[tokio::test]
async fn only_a_handshake_opens_a_connection() {
    let venue = Venue::start().await;
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let plain = send(&mut stream, "GET", "/ws/v1", &[], b"").await.expect("an answer");
    assert_eq!(plain.status, 426);
    assert!(plain.head.to_lowercase().contains("upgrade: websocket"), "{}", plain.head);
    // The connection goes on as what it was.
    let elsewhere = send(&mut stream, "POST", "/ws/v1", &[], b"").await.expect("an answer");
    assert_eq!(elsewhere.status, 404);
    let elsewhere = send(&mut stream, "GET", "/ws/v2", &[], b"").await.expect("an answer");
    assert_eq!(elsewhere.status, 404);

    // Real clients offer what is declined, and send headers that mean nothing here.
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let head = "GET /ws/v1 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
                Sec-WebSocket-Protocol: kraken\r\nUser-Agent: a bot\r\nx-korigin: 7\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let accepted = receive(&mut stream, "GET", "/ws/v1").await.expect("an answer");
    let lower = accepted.head.to_lowercase();
    assert_eq!(accepted.status, 101);
    assert!(accepted.head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{}", accepted.head);
    assert!(!lower.contains("extensions") && !lower.contains("sec-websocket-protocol"), "{lower}");
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests() {
    let venue = Venue::start().await;
    let mut socket = Socket::open(&venue).await;
    let subscribe = |products: Value| json!({"event": "subscribe", "feed": "book", "product_ids": products});
    let unsubscribe =
        |products: Value| json!({"event": "unsubscribe", "feed": "book", "product_ids": products});
    // All of them at once, and nothing read in between.
    for request in [
        subscribe(json!(["pf_xbtusd", "pf_nope", "PF_ETHUSD"])),
        json!({"event": "ping"}),
        json!([1, 2]),
        subscribe(json!(["PF_XBTUSD"])),
        json!({"event": "subscribe", "feed": "book"}),
        subscribe(json!([])),
        subscribe(json!("PF_XBTUSD")),
        json!({"event": "subscribe", "feed": "liquidations"}),
        json!({"event": "subscribe", "feed": "candles_trade_2m", "product_ids": ["PF_XBTUSD", "PF_ETHUSD"]}),
        json!({"event": "unsubscribe", "feed": "balances"}),
        json!({"event": "subscribe", "feed": "fills"}),
        json!({"event": "subscribe", "feed": "heartbeat", "product_ids": ["PF_XBTUSD"]}),
        json!({"event": "subscribe", "feed": "heartbeat"}),
        json!({"event": "unsubscribe", "feed": "heartbeat"}),
        unsubscribe(json!(["PF_XBTUSD", "PF_XBTUSD", "PF_NOPE"])),
        json!({"event": "challenge"}),
    ] {
        socket.say(request).await;
    }
    socket.send(Message::text("no JSON")).await;
    socket.send(Message::Binary(Bytes::from_static(br#"{"event":"ping"}"#))).await;
    socket.send(Message::Binary(Bytes::from_static(&[0xff, 0xfe]))).await;
    let snapshot = |symbol: &str| json!({"feed": "book_snapshot", "product_id": symbol});
    let answer = |event: &str, symbol: &str| json!({"event": event, "feed": "book", "product_ids": [symbol]});
    for wanted in [
        answer("subscribed", "PF_XBTUSD"),
        snapshot("PF_XBTUSD"),
        alert("Couldn't subscribe to invalid product `PF_NOPE`"),
        answer("subscribed", "PF_ETHUSD"),
        snapshot("PF_ETHUSD"),
        alert("Bad websocket message"),
        alert("Bad websocket message"),
        alert("Already subscribed to feed, re-requesting"),
        snapshot("PF_XBTUSD"),
        alert("Bad request"),
        alert("Bad request"),
        alert("Bad request"),
        alert("Couldn't subscribe to invalid feed"),
        alert("Couldn't subscribe to invalid feed"),
        alert("Failed to subscribe to authenticated feed"),
        alert("Failed to subscribe to authenticated feed"),
        json!({"event": "subscribed", "feed": "heartbeat"}),
        alert("Already subscribed to feed, re-requesting"),
        json!({"event": "unsubscribed", "feed": "heartbeat"}),
        // Named twice, it is left once.
        answer("unsubscribed", "PF_XBTUSD"),
        alert("Not subscribed to feed"),
        alert("Bad request"),
        json!({"event": "error", "message": "Json Error"}),
        alert("Bad websocket message"),
        json!({"event": "error", "message": "Json Error"}),
    ] {
        let mut heard = socket.hear().await;
        if heard["feed"] == "book_snapshot" {
            heard = json!({"feed": heard["feed"], "product_id": heard["product_id"]});
        }
        assert_eq!(heard, wanted);
    }
    assert_eq!(socket.settle().await, Vec::<Value>::new(), "and that is all");
}

#[tokio::test]
async fn a_signed_challenge_opens_private_feeds_and_nothing_else_does() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut socket = Socket::open(&venue).await;
    let good = socket.credentials(&alice).await;
    // Any key is given a challenge, and each may be used as often as it likes, older ones too.
    let unknown = socket.ask(json!({"event": "challenge", "api_key": "nobody's"})).await;
    assert_eq!(unknown["event"], "challenge");
    assert_ne!(unknown["message"], good["original_challenge"]);

    let refused = alert("Failed to subscribe to authenticated feed");
    let subscribe = json!({"event": "subscribe", "feed": "open_orders"});
    let mut other = Socket::open(&venue).await;
    let elsewhere = other.credentials(&alice).await;
    let bob = venue.client(1);
    let invented = "7d0e4c12-55f3-4a9b-8a61-0c9e2f7b1d34";
    let signed = |challenge: &str| alice.signing.sign_challenge(challenge).to_base64();
    let body = r#"{"general": "none", "withdrawal": "none"}"#;
    let path = format!("/accounts/{}/keys", venue.start.accounts[0].uid);
    let rightless = venue.control("POST", &path, body).await.json();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let secret =
        loligo_wire::sign::SigningKey::from_base64_secret(&text(&rightless["api_secret"])).expect("base64");
    let original = text(&good["original_challenge"]);
    for (case, credentials) in [
        ("nothing", json!({})),
        ("no signature", json!({"api_key": alice.api_key, "original_challenge": original})),
        ("another signature", with(&good, json!({"signed_challenge": signed("another text")}))),
        ("no base64", with(&good, json!({"signed_challenge": "~"}))),
        ("the text unsigned", with(&good, json!({"signed_challenge": original}))),
        ("another connection's challenge", elsewhere.clone()),
        (
            "nobody's challenge",
            with(&good, json!({"original_challenge": invented, "signed_challenge": signed(invented)})),
        ),
        ("another's key", with(&good, json!({"api_key": bob.api_key}))),
        ("an unknown key", with(&good, json!({"api_key": "nobody's"}))),
        (
            "a key without a right",
            json!({
                "api_key": rightless["api_key"], "original_challenge": original,
                "signed_challenge": secret.sign_challenge(&original).to_base64(),
            }),
        ),
    ] {
        for event in ["subscribe", "unsubscribe"] {
            let asked = with(&credentials, json!({"event": event, "feed": "open_orders"}));
            assert_eq!(socket.ask(asked).await, refused, "{event} with {case}");
        }
    }
    let accepted = socket.ask(with(&good, subscribe.clone())).await;
    assert_eq!(accepted, json!({"event": "subscribed", "feed": "open_orders"}), "nothing of what was signed");
    assert_eq!(
        socket.hear().await,
        json!({"feed": "open_orders_snapshot", "account": venue.start.accounts[0].uid, "orders": []})
    );
    // A read-only key may ask; keys of several accounts may share a connection, and each feed is one key's.
    socket.follow(&venue.reader(0), &["open_orders", "fills"]).await;
    let bobs = socket.follow(&bob, &["open_orders_verbose"]).await;
    assert_eq!(bobs[0]["account"], json!(venue.start.accounts[1].uid));
    alice.place("post", "buy", "1", "49000", &[]).await;
    let told = socket.settle().await;
    let feeds: Vec<&Value> = told.iter().map(|message| &message["feed"]).collect();
    assert_eq!(feeds, ["open_orders", "open_orders"], "once a key, and Bob hears nothing of it");
    // Leaving is signed, too, and leaves the other key's alone.
    let left = socket.ask(with(&good, json!({"event": "unsubscribe", "feed": "open_orders"}))).await;
    assert_eq!(left, json!({"event": "unsubscribed", "feed": "open_orders"}));
    let again = socket.ask(with(&good, json!({"event": "unsubscribe", "feed": "open_orders"}))).await;
    assert_eq!(again, alert("Not subscribed to feed"));
    alice.place("post", "buy", "1", "49001", &[]).await;
    assert_eq!(socket.settle().await.len(), 1);
    assert_eq!(other.settle().await, Vec::<Value>::new(), "a challenge alone follows nothing");
}

#[tokio::test]
async fn challenges_have_a_bound_and_old_ones_stay_good() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut socket = Socket::open(&venue).await;
    let first = socket.credentials(&alice).await;
    let mut given = std::collections::BTreeSet::new();
    for _ in 0..300 {
        given.insert(socket.ask(json!({"event": "challenge", "api_key": "x"})).await["message"].to_string());
    }
    assert_eq!(given.len(), 255, "with the first that is 256; then the last one again");
    let asked = with(&first, json!({"event": "subscribe", "feed": "fills"}));
    assert_eq!(socket.ask(asked).await["event"], "subscribed");
}

#[tokio::test]
async fn a_hundred_requests_a_second_are_answered_and_no_more() {
    let venue = Venue::with(ServerConfig::test()).await;
    let mut socket = Socket::open(&venue).await;
    let mut other = Socket::open(&venue).await;
    for second in 0..2 {
        for request in 0..100 {
            let answer = socket.ask(json!({"event": "ping"})).await;
            assert_eq!(answer, alert("Bad websocket message"), "request {request} of second {second}");
        }
        for _ in 0..3 {
            let beyond = json!({"event": "subscribe", "feed": "book", "product_ids": [SYMBOL]});
            assert_eq!(socket.ask(beyond).await, alert("rate_limited"));
        }
        assert_eq!(
            other.ask(json!({"event": "ping"})).await,
            alert("Bad websocket message"),
            "each has its own"
        );
        venue.real.advance(1_000_000);
    }
    socket.follow_book().await;
}

#[tokio::test]
async fn a_request_may_name_a_thousand_products() {
    let venue = Venue::start().await;
    let mut socket = Socket::open(&venue).await;
    let names = |count: usize| (0..count).map(|at| format!("PF_NOPE{at}")).collect::<Vec<_>>();
    let asked = |count: usize| json!({"event": "subscribe", "feed": "book", "product_ids": names(count)});
    assert_eq!(socket.ask(asked(1_001)).await, alert("Bad request"));
    socket.say(asked(1_000)).await;
    let answers = socket.settle().await;
    let wanted = |name: &String| alert(&format!("Couldn't subscribe to invalid product `{name}`"));
    assert_eq!(answers, names(1_000).iter().map(wanted).collect::<Vec<_>>(), "one each, in their order");
}

#[tokio::test]
async fn a_product_named_a_thousand_times_is_answered_once() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    for (feed, snapshot) in [("book", "book_snapshot"), ("fills", "fills_snapshot")] {
        // In any case, among others, and one that there is not.
        let mut names = vec!["PF_XBTUSD", "pf_ethusd", "PF_NOPE"];
        names.extend(["pf_xbtusd", "PF_ETHUSD", "pf_nope", "PF_XBTUSD"].repeat(200));
        let ask =
            |event: &str| with(&credentials, json!({"event": event, "feed": feed, "product_ids": names}));
        let answer =
            |event: &str, product: &str| json!({"event": event, "feed": feed, "product_ids": [product]});
        socket.say(ask("subscribe")).await;
        let told = socket.settle().await;
        let wanted = [
            answer("subscribed", "PF_XBTUSD"),
            answer("subscribed", "PF_ETHUSD"),
            alert("Couldn't subscribe to invalid product `PF_NOPE`"),
        ];
        let answers: Vec<Value> = told.iter().filter(|told| told["feed"] != snapshot).cloned().collect();
        assert_eq!(answers, wanted, "{feed}");
        let feeds: Vec<&Value> = told.iter().map(|told| &told["feed"]).collect();
        let (feed, snapshot) = (json!(feed), json!(snapshot));
        assert_eq!(feeds, [&feed, &snapshot, &feed, &snapshot, &Value::Null], "each with its snapshot");
        socket.say(ask("unsubscribe")).await;
        let wanted = [
            answer("unsubscribed", "PF_XBTUSD"),
            answer("unsubscribed", "PF_ETHUSD"),
            alert("Not subscribed to feed"),
        ];
        for wanted in wanted {
            assert_eq!(socket.hear().await, wanted);
        }
        assert_eq!(socket.settle().await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn a_book_that_is_held_can_be_asked_for_again_while_its_market_is_inactive() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let (mut holds, mut comes) = (Socket::open(&venue).await, Socket::open(&venue).await);
    holds.follow_book().await;
    let credentials = holds.credentials(&alice).await;
    let fills = with(&credentials, json!({"event": "subscribe", "feed": "fills", "product_ids": [SYMBOL]}));
    assert_eq!(holds.ask(fills.clone()).await["event"], "subscribed");
    assert_eq!(holds.hear().await["feed"], "fills_snapshot");
    for state in ["inactive", "pre_launch"] {
        venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": state})).await;
        let book = |event: &str| json!({"event": event, "feed": "book", "product_ids": [SYMBOL]});
        assert_eq!(holds.ask(book("subscribe")).await, alert("Already subscribed to feed, re-requesting"));
        assert_eq!(holds.hear().await["feed"], "book_snapshot", "{state}");
        assert_eq!(holds.ask(fills.clone()).await, alert("Already subscribed to feed, re-requesting"));
        assert_eq!(holds.hear().await["feed"], "fills_snapshot", "{state}");
        // Who does not hold it cannot join now; own fills can be asked for at any time.
        let refused = alert("Couldn't subscribe to invalid product `PF_XBTUSD`");
        assert_eq!(comes.ask(book("subscribe")).await, refused, "{state}");
        assert_eq!(comes.ask(book("unsubscribe")).await, alert("Not subscribed to feed"));
    }
    let hers = comes.credentials(&alice).await;
    let fills = with(&hers, json!({"event": "subscribe", "feed": "fills", "product_ids": [SYMBOL]}));
    assert_eq!(comes.ask(fills).await["event"], "subscribed");
    assert_eq!(comes.hear().await["feed"], "fills_snapshot");
    // It goes on when the market does, for who held it all the time.
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "open"})).await;
    alice.place("lmt", "buy", "1", "40000", &[]).await;
    assert_eq!(holds.settle().await.len(), 1);
    assert_eq!(comes.settle().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let mut config = ServerConfig::test();
    config.bounds.feeds.per_address = 2;
    let venue = Venue::with(config).await;
    let mut first = Socket::open(&venue).await;
    let mut second = Socket::open(&venue).await;
    let stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    match tokio_tungstenite::client_async("ws://localhost/ws/v1", stream).await {
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 429),
        other => panic!("a refusal, not {other:?}"),
    }
    // Plain requests are not counted, and who leaves makes room.
    let public = venue.client(0).get("/tickers", &[]).await;
    assert_eq!(public["result"], "success");
    first.send(Message::Close(None)).await;
    first.end().await;
    Socket::open(&venue).await;
    assert_eq!(second.settle().await, Vec::<Value>::new());
}

#[tokio::test]
async fn wss_is_served_under_the_authority_of_the_venue() {
    let config = ServerConfig { tls_listen: Some(([127, 0, 0, 1], 0).into()), ..ServerConfig::test() };
    let venue = Venue::with(config).await;
    let stream = crate::tls::connect(&venue, venue.server.authority().expect("an authority")).await;
    let mut socket = Socket::over(stream.expect("a TLS handshake")).await.expect("a handshake");
    let snapshots = socket.follow(&venue.client(0), &["open_orders", "fills"]).await;
    assert_eq!(snapshots[0]["orders"], json!([]));
    venue.client(0).place("lmt", "buy", "1", "49000", &[]).await;
    assert_eq!(socket.hear().await["reason"], "new_placed_order_by_user");
}

/// Bytes that are nearly frames: any opcode and flags, masked or not, lengths that may lie.
fn nearly_frames(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut bytes = Vec::new();
    for _ in 0..1 + next(6) {
        let payload: Vec<u8> = match next(4) {
            0 => br#"{"event":"subscribe","feed":"book","product_ids":["PF_XBTUSD"]}"#.to_vec(),
            1 => (0..next(300)).map(|_| next(256) as u8).collect(),
            2 => vec![b'['; next(2_000) as usize],
            _ => Vec::new(),
        };
        let usual = next(3) > 0;
        bytes.push(if usual {
            [0x81, 0x82, 0x88, 0x89, 0x8a, 0x01, 0x80][next(7) as usize]
        } else {
            next(256) as u8
        });
        let masked = if usual { 0x80 } else { [0, 0x80][next(2) as usize] };
        let length = if next(8) == 0 { next(1 << 31) } else { payload.len() as u64 };
        match length {
            0..126 => bytes.push(masked | length as u8),
            126..65_536 => {
                bytes.push(masked | 126);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(masked | 127);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
        }
        if masked > 0 {
            // A mask of zeros leaves the payload as it is.
            bytes.extend_from_slice(&[0; 4]);
        }
        bytes.extend_from_slice(&payload);
    }
    bytes
}

#[tokio::test]
async fn no_bytes_disturb_anybody_else() {
    let venue = Arc::new(Venue::start().await);
    let mut witness = Socket::open(&venue).await;
    witness.follow_book().await;
    for seed in 0..300 {
        let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
        let head = "GET /ws/v1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("sent");
        assert_eq!(receive(&mut stream, "GET", "/ws/v1").await.expect("an answer").status, 101);
        // It may be closed while it is still sending, and must be when nothing more comes.
        let _ = stream.write_all(&nearly_frames(seed)).await;
        let _ = stream.shutdown().await;
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
    }
    venue.client(0).place("lmt", "buy", "1", "49000", &[]).await;
    assert_eq!(witness.hear().await["seq"], 1);
}

#[tokio::test]
async fn the_operator_reads_why_a_feed_was_refused() {
    let log = LogConfig { mode: LogMode::Refusals, lines: None };
    let venue = Venue::with(ServerConfig { log, ..ServerConfig::test() }).await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut socket = Socket::open(&venue).await;
    let mut other = Socket::open(&venue).await;
    let own = socket.credentials(&alice).await;
    let strangers = other.credentials(&alice).await;
    let fills = json!({"event": "subscribe", "feed": "fills"});
    let bobs = socket.credentials(&bob).await;
    let stolen = with(&bobs, json!({"api_key": own["api_key"]}));
    let book = |product: &str| json!({"event": "subscribe", "feed": "book", "product_ids": [product]});
    let cases = [
        (fills.clone(), None, "api_key, original_challenge or signed_challenge is missing"),
        (with(&strangers, fills.clone()), Some("alice"), "this connection was not given this challenge"),
        (
            with(&stolen, fills.clone()),
            Some("alice"),
            "the challenge is signed with another secret: that of a key of bob",
        ),
        (with(&own, with(&json!({"api_key": 1}), fills.clone())), None, "api_key, original_challenge"),
        (book("PF_BTCUSD"), None, "there is no contract \"PF_BTCUSD\": perhaps PF_XBTUSD"),
        (json!({"event": "subscribe", "feed": "book"}), None, "this feed wants product_ids"),
        (json!([]), None, "a request is JSON such as"),
    ];
    for (at, (request, account, reason)) in cases.iter().enumerate() {
        assert_eq!(socket.ask(request.clone()).await["event"], "alert", "{request}");
        let shown = venue.order("GET", "/requests", Value::Null).await;
        let rows = shown["requests"].as_array().expect("a list");
        assert_eq!(rows.len(), at + 1, "{reason}: {rows:?}");
        assert_eq!(rows[at]["account"], json!(account), "{}", rows[at]);
        assert!(rows[at]["reason"].as_str().is_some_and(|told| told.starts_with(reason)), "{}", rows[at]);
    }
    let shown = venue.order("GET", "/requests", Value::Null).await.to_string();
    for secret in [&own["signed_challenge"], &bobs["signed_challenge"]] {
        assert!(!shown.contains(secret.as_str().expect("a signature")), "{shown}");
    }
}

#[tokio::test]
async fn what_is_nested_deeply_or_is_very_long_is_refused_and_costs_nobody_else() {
    let venue = Venue::start().await;
    let mut socket = Socket::open(&venue).await;
    for (open, close) in [("[", "]"), (r#"{"event":"#, "}")] {
        let depth = 20_000;
        let bomb = format!("{}1{}", open.repeat(depth), close.repeat(depth));
        socket.send(Message::text(bomb)).await;
        let heard = socket.hear().await;
        let refused = [json!({"event": "error", "message": "Json Error"}), alert("Bad websocket message")];
        assert!(refused.contains(&heard), "{heard}");
    }
    let inside = format!(
        r#"{{"event":"subscribe","feed":"book","product_ids":{}"PF_XBTUSD"{}}}"#,
        "[".repeat(100),
        "]".repeat(100)
    );
    socket.send(Message::text(inside)).await;
    assert_eq!(socket.hear().await, alert("Bad request"));
    socket.follow_book().await;
    // A mebibyte is four times what is read, and ends its own connection alone.
    let mut long = Socket::open(&venue).await;
    let frame = format!(r#"{{"event":"ping","padding":"{}"}}"#, "x".repeat(1 << 20));
    long.send(Message::text(frame)).await;
    assert_eq!(long.end().await, (Vec::new(), Some((1009, String::new()))));
    venue.client(0).place("lmt", "buy", "1", "49000", &[]).await;
    assert_eq!(socket.hear().await["feed"], "book");
}

#[tokio::test]
async fn ten_thousand_subscriptions_are_answered_in_their_order_and_held_once() {
    let venue = Venue::start().await;
    let mut socket = Socket::open(&venue).await;
    let asked = json!({"event": "subscribe", "feed": "heartbeat"});
    for at in 0..10_000 {
        let wanted = match at {
            0 => json!({"event": "subscribed", "feed": "heartbeat"}),
            _ => alert("Already subscribed to feed, re-requesting"),
        };
        socket.say(asked.clone()).await;
        assert_eq!(socket.hear().await, wanted);
    }
    // As many more of one market: still each message comes once.
    let trades = json!({"event": "subscribe", "feed": "trade", "product_ids": vec![SYMBOL; 1_000]});
    for _ in 0..10 {
        socket.say(trades.clone()).await;
        let answer = socket.hear().await;
        assert!(answer["event"] == "subscribed" || answer["event"] == "alert", "{answer}");
        assert_eq!(socket.hear().await["feed"], "trade_snapshot");
    }
    venue.client(0).place("lmt", "sell", "1", "50000", &[]).await;
    venue.client(1).place("ioc", "buy", "1", "50000", &[]).await;
    assert_eq!(socket.hear().await["feed"], "trade");
    let left = socket.ask(json!({"event": "unsubscribe", "feed": "heartbeat"})).await;
    assert_eq!(left, json!({"event": "unsubscribed", "feed": "heartbeat"}));
    assert_eq!(socket.settle().await, Vec::<Value>::new());
}
