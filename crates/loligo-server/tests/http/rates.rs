//! What an account may spend in ten seconds.

use crate::venue::{Client, SYMBOL, Venue};
use loligo_server::ServerConfig;
use serde_json::{Value, json};

const NOTHING: [(&str, &str); 1] = [("cliOrdId", "nobody")];
/// What an account may spend in ten seconds.
const BUDGET: usize = 500;

/// What costs one token.
const ONE: Price<'static> = ("POST", "/orders/status", &[], 1);

/// Method, path, arguments, and what it costs.
type Price<'r> = (&'static str, &'r str, &'r [(&'r str, &'r str)], usize);

/// Every operation with its price (rules 8.4). Refused orders cost as much as good ones, and so are easier to repeat.
const PRICES: &[Price<'static>] = &[
    ("POST", "/orders/status", &[], 1),
    ("GET", "/orders/status", &[], 1),
    ("GET", "/openorders", &[], 2),
    ("GET", "/accounts", &[], 2),
    ("GET", "/openpositions", &[], 2),
    ("GET", "/fills", &[], 2),
    ("GET", "/fills", &[("lastFillTime", "2026-01-01T00:00:00Z")], 25),
    ("POST", "/openorders", &[], 2),
    ("POST", "/accounts", &[], 2),
    ("POST", "/openpositions", &[], 2),
    ("POST", "/fills", &[], 2),
    ("POST", "/fills", &[("lastFillTime", "2026-01-01T00:00:00Z")], 25),
    (
        "POST",
        "/sendorder",
        &[("orderType", "ioc"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1"), ("limitPrice", "1")],
        10,
    ),
    ("POST", "/editorder", &NOTHING, 10),
    ("POST", "/cancelorder", &NOTHING, 10),
    ("POST", "/cancelallorders", &[], 25),
    ("POST", "/cancelallorders", &[("symbol", "fi_xbtusd")], 25),
    ("POST", "/cancelallordersafter", &[("timeout", "0")], 25),
    ("POST", "/batchorder", &[("json", r#"{"batchOrder":[{"order":"cancel","cliOrdId":"nobody"}]}"#)], 10),
    (
        "POST",
        "/batchorder",
        &[(
            "json",
            r#"{"batchOrder":[{"order":"cancel","cliOrdId":"a"},{"order":"cancel","cliOrdId":"b"}]}"#,
        )],
        11,
    ),
    // What cannot be read costs what an empty one would.
    ("POST", "/batchorder", &[("json", "no JSON")], 9),
    ("GET", "/self-trade-strategy", &[], 2),
    ("PUT", "/self-trade-strategy", &[("strategy", "REJECT_TAKER")], 2),
    ("GET", "/leveragepreferences", &[], 2),
    ("PUT", "/leveragepreferences", &[("symbol", SYMBOL)], 10),
    ("GET", "/pnlpreferences", &[], 2),
    ("PUT", "/pnlpreferences", &[("symbol", SYMBOL), ("pnlPreference", "USD")], 10),
    (
        "POST",
        "/transfer",
        &[("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")],
        10,
    ),
    ("POST", "/withdrawal", &[("currency", "usd"), ("amount", "1"), ("sourceWallet", "flex")], 100),
    ("GET", "/subaccounts", &[], 1),
    ("GET", "/trading/instruments", &[], 1),
    ("GET", "/initialmargin", &[("orderType", "mkt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1")], 1),
    ("GET", "/initialmargin/maxordersize", &[("orderType", "mkt"), ("symbol", SYMBOL)], 1),
];

/// Public ones, which cost nothing.
const FREE: &[(&str, &[(&str, &str)])] = &[
    ("/instruments", &[]),
    ("/instruments/status", &[]),
    ("/instruments/PF_XBTUSD/status", &[]),
    ("/tickers", &[]),
    ("/tickers/PF_XBTUSD", &[]),
    ("/orderbook", &[("symbol", SYMBOL)]),
    ("/history", &[("symbol", SYMBOL)]),
    ("/feeschedules", &[]),
];

/// Whether a request got past the rate.
async fn passes(client: &Client, (method, path, arguments, _): Price<'_>) -> bool {
    client.request(method, path, arguments).error().await.as_deref() != Some("apiLimitExceeded")
}

/// Spends what an account has, but for so many tokens.
async fn spend_to(client: &Client, left: usize) {
    let spent = BUDGET - left;
    for _ in 0..spent / 25 {
        assert!(passes(client, ("POST", "/cancelallordersafter", &[("timeout", "0")], 25)).await);
    }
    for _ in 0..spent % 25 {
        assert!(passes(client, ONE).await);
    }
}

/// An operation passes when exactly its price is left, and then nothing is; with a token less it does not, and that token
/// is not taken.
async fn check_price(venue: &Venue, client: &Client, operation: Price<'_>) {
    let (method, path, arguments, cost) = operation;
    spend_to(client, cost).await;
    assert!(passes(client, operation).await, "{method} {path} {arguments:?} for the last {cost} tokens");
    assert!(!passes(client, ONE).await, "{method} {path} {arguments:?} left something of {cost} tokens");
    venue.real.advance(10_000_000);
    spend_to(client, cost - 1).await;
    assert!(!passes(client, operation).await, "{method} {path} {arguments:?}: a token short of {cost}");
    for _ in 0..cost - 1 {
        assert!(passes(client, ONE).await, "{method} {path} {arguments:?}: a refusal is free");
    }
    assert!(!passes(client, ONE).await);
    venue.real.advance(10_000_000);
}

/// A key that may do everything, of an account with a subaccount.
async fn full(venue: &Venue) -> (String, String, Client) {
    let uid = venue.start.accounts[0].uid.clone();
    let (child, _) = venue.subaccount(0, "child", "100").await;
    let rights = json!({"general": "full", "withdrawal": "full"});
    let key = venue.order("POST", &format!("/accounts/{uid}/keys"), rights).await;
    (uid, child, venue.client_of(&key))
}

#[tokio::test]
async fn each_operation_is_paid_for_to_the_last_token() {
    let venue = Venue::with(ServerConfig::test()).await;
    let (uid, child, client) = full(&venue).await;
    for operation in PRICES {
        check_price(&venue, &client, *operation).await;
    }
    let switch = format!("/subaccount/{child}/trading-enabled");
    let between = [
        ("fromUser", uid.as_str()),
        ("toUser", child.as_str()),
        ("fromAccount", "flex"),
        ("toAccount", "flex"),
        ("unit", "usd"),
        ("amount", "1"),
    ];
    check_price(&venue, &client, ("GET", &switch, &[], 2)).await;
    check_price(&venue, &client, ("PUT", &switch, &[("tradingEnabled", "true")], 2)).await;
    check_price(&venue, &client, ("POST", "/transfer/subaccount", &between, 10)).await;
}

#[tokio::test]
async fn what_is_public_is_free() {
    let venue = Venue::with(ServerConfig::test()).await;
    let alice = venue.client(0);
    spend_to(&alice, 0).await;
    assert!(!passes(&alice, ONE).await);
    for (path, arguments) in FREE {
        assert_eq!(alice.request("GET", path, arguments).error().await, None, "{path}");
    }
}

/// No operation is without its price here.
#[test]
fn the_prices_are_those_of_the_contract() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/rest.yaml");
    let text = std::fs::read_to_string(path).expect("the contract");
    let contract: Value = serde_saphyr::from_str(&text).expect("YAML");
    let here = PRICES.iter().map(|(method, path, _, cost)| (*method, *path, *cost));
    let own = [
        ("GET", "/subaccount/{subaccountUid}/trading-enabled", 2),
        ("PUT", "/subaccount/{subaccountUid}/trading-enabled", 2),
        ("POST", "/transfer/subaccount", 10),
    ];
    let here: Vec<_> = here.chain(own).collect();
    let mut priced = 0;
    for (path, methods) in contract["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let Some(tokens) = operation.pointer("/x-cost/tokens") else { continue };
            let method = method.to_uppercase();
            let costs: Vec<usize> =
                here.iter().filter(|(m, p, _)| *m == method && p == path).map(|(.., cost)| *cost).collect();
            let Some(tokens) = tokens.as_u64().filter(|tokens| *tokens > 0) else { continue };
            if costs.is_empty() {
                continue;
            }
            priced += 1;
            assert!(costs.contains(&(tokens as usize)), "{method} {path}: {tokens}, not {costs:?}");
        }
    }
    assert!(priced >= 20, "{priced}");
}

#[tokio::test]
async fn the_window_slides_and_is_the_account_s() {
    let venue = Venue::with(ServerConfig::test()).await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    for _ in 0..25 {
        alice.post("/cancelorder", &NOTHING).await;
    }
    venue.real.advance(5_000_000);
    for _ in 0..25 {
        alice.post("/cancelorder", &NOTHING).await;
    }
    let limited = Some("apiLimitExceeded".to_owned());
    assert_eq!(alice.request("POST", "/orders/status", &[]).error().await, limited);
    assert_eq!(
        venue.reader(0).request("GET", "/openorders", &[]).error().await,
        limited,
        "one account, one budget"
    );
    assert_eq!(bob.request("GET", "/openorders", &[]).error().await, None);
    // Exchange time is not what counts.
    venue.advance(60_000).await;
    assert_eq!(alice.request("POST", "/orders/status", &[]).error().await, limited);
    venue.real.advance(4_999_999);
    assert_eq!(alice.request("POST", "/orders/status", &[]).error().await, limited);
    venue.real.advance(1);
    for _ in 0..25 {
        assert_eq!(alice.request("POST", "/cancelorder", &NOTHING).error().await, None);
    }
    assert_eq!(alice.request("POST", "/orders/status", &[]).error().await, limited);
    // A request that cannot sign spends nothing of whoever it names.
    let mut forged = bob.request("POST", "/cancelallorders", &[]);
    forged.authent = None;
    for _ in 0..25 {
        assert_eq!(forged.error().await.as_deref(), Some("authenticationError"));
    }
    assert_eq!(bob.request("POST", "/cancelallorders", &[]).error().await, None);
}

#[tokio::test]
async fn rates_can_be_switched_off() {
    let venue = Venue::start().await;
    for _ in 0..60 {
        assert_eq!(venue.client(0).request("POST", "/cancelorder", &NOTHING).error().await, None);
    }
}
