//! Every feed of the contract, on one connection: none is without a message that the contract allows.

use super::socket::{Socket, alert, with};
use crate::venue::{SYMBOL, Venue};
use jsonschema::Validator;
use loligo_server::ServerConfig;
use loligo_wire::charts::{Resolution, TickType};
use loligo_wire::ws1::{Audience, CandlesFeed, Feed};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

/// Kinds of messages that the contract documents and the venue never sends.
const NEVER_SENT: [&str; 2] = ["SubscriptionFailed", "Pong"];

/// The contract's kinds of messages from the server, each with what judges it.
fn kinds() -> Vec<(String, Validator)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/websocket.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let all = schema["$defs"]["ServerMessage"]["oneOf"].as_array().expect("kinds").iter();
    let name = |kind: &Value| kind["$ref"].as_str().and_then(|at| at.rsplit('/').next()).map(str::to_owned);
    all.filter_map(name)
        .map(|name| {
            let one = json!({"$defs": schema["$defs"], "$ref": format!("#/$defs/{name}")});
            let validator =
                jsonschema::options().should_validate_formats(true).build(&one).expect("a schema");
            (name, validator)
        })
        .collect()
}

/// All feeds that the contract names, those of candles at every resolution.
fn feeds() -> BTreeSet<String> {
    let candles = TickType::ALL.iter().flat_map(|tick_type| {
        let feed = |resolution: &Resolution| CandlesFeed { tick_type: *tick_type, resolution: *resolution };
        Resolution::ALL.iter().map(move |resolution| feed(resolution).to_string())
    });
    Feed::ALL.iter().map(|feed| feed.as_str().to_owned()).chain(candles).collect()
}

/// The feed that a message is of.
fn feed_of(message: &Value) -> Option<String> {
    let feed = message["feed"].as_str().filter(|_| message.get("event").is_none())?;
    Some(feed.strip_suffix("_snapshot").unwrap_or(feed).to_owned())
}

#[tokio::test]
async fn no_feed_of_the_contract_is_without_a_message_that_it_allows() {
    let mut config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
    config.bounds.feeds.heartbeat = Duration::from_millis(5);
    let venue = Venue::with(config).await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    alice.place("lmt", "sell", "0.5", "50010", &[]).await;
    bob.place("ioc", "buy", "0.1", "50010", &[]).await;

    let mut socket = Socket::open(&venue).await;
    let mut heard = vec![json!({"event": "info", "version": 1})];
    let credentials = socket.credentials(&alice).await;
    heard.push(socket.ask(json!({"event": "challenge", "api_key": alice.api_key})).await);
    let mut joined = 0;
    for feed in feeds() {
        let asked = json!({"event": "subscribe", "feed": feed});
        let is_private = Feed::from_word(&feed).is_some_and(|feed| feed.audience() == Audience::Account);
        let asked = match is_private {
            true => with(&credentials, asked),
            false => with(&asked, json!({"product_ids": [SYMBOL]})),
        };
        socket.say(asked).await;
        joined += 1;
    }
    socket.send(tokio_tungstenite::tungstenite::Message::text("no JSON")).await;
    socket.say(json!({"event": "ping"})).await;

    // The answer to a ping, which comes behind all others.
    while heard.last() != Some(&alert("Bad websocket message")) {
        heard.push(socket.hear().await);
    }

    // Something of everything happens.
    bob.place("ioc", "buy", "0.1", "50010", &[]).await;
    let resting = alice.place("lmt", "buy", "1", "49000", &[]).await;
    alice.post("/cancelorder", &[("order_id", resting["order_id"].as_str().expect("an id"))]).await;
    let deposit = json!({"wallet": "cash", "currency": "USD", "amount": "5"});
    venue.order("POST", &format!("/accounts/{}/deposit", venue.start.accounts[0].uid), deposit).await;
    venue.order("POST", "/notifications", json!({"note": "something new"})).await;
    venue.pin(SYMBOL, "50020").await;
    venue.advance(1_000).await;

    let kinds = kinds();
    let mut frames: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_feed: BTreeMap<String, usize> = BTreeMap::new();
    let wanted: BTreeSet<&str> =
        kinds.iter().map(|(name, _)| name.as_str()).filter(|name| !NEVER_SENT.contains(name)).collect();
    let mut count = |message: &Value| {
        for (name, validator) in &kinds {
            if validator.is_valid(message) {
                *frames.entry(name).or_default() += 1;
            }
        }
        if let Some(feed) = feed_of(message) {
            *by_feed.entry(feed).or_default() += 1;
        }
        frames.keys().copied().collect::<BTreeSet<_>>().is_superset(&wanted) && by_feed.len() == joined
    };
    for message in &heard {
        count(message);
    }
    // Candles and rows of the log come when their followers are there. A feed that never speaks makes this wait for good, which is
    // why what is missing is told when heartbeats alone have come for long enough.
    let mut beats = 0;
    while beats < 2_000 {
        let message = socket.hear().await;
        beats += usize::from(message["feed"] == "heartbeat");
        if count(&message) {
            break;
        }
    }
    let silent: Vec<String> = feeds().into_iter().filter(|feed| !by_feed.contains_key(feed)).collect();
    let missing: Vec<&&str> = wanted.iter().filter(|kind| !frames.contains_key(**kind)).collect();
    assert!(silent.is_empty() && missing.is_empty(), "feeds {silent:?}, kinds of messages {missing:?}");
    let told = format!(
        "{} feeds and {} kinds of messages of the contract, none without a valid frame",
        by_feed.len(),
        wanted.len()
    );
    writeln!(std::io::stdout(), "{told}").expect("an output");
}
