//! What an account may spend in ten seconds.

use crate::venue::{SYMBOL, Venue};
use loligo_server::ServerConfig;

const NOTHING: [(&str, &str); 1] = [("cliOrdId", "nobody")];

async fn left(venue: &Venue) -> u32 {
    // Every status costs one; those that are refused cost nothing.
    let alice = venue.client(0);
    let mut left = 0;
    while alice.request("POST", "/orders/status", &[]).error().await.is_none() {
        left += 1;
    }
    left
}

#[tokio::test]
async fn each_route_has_its_price() {
    for (method, path, arguments, cost) in [
        ("POST", "/orders/status", &NOTHING[..0], 1),
        ("GET", "/openorders", &[], 2),
        ("GET", "/accounts", &[], 2),
        ("GET", "/openpositions", &[], 2),
        ("GET", "/fills", &[], 2),
        ("GET", "/fills", &[("lastFillTime", "2026-01-01T00:00:00Z")], 25),
        ("POST", "/cancelorder", &NOTHING, 10),
        ("POST", "/cancelallorders", &[], 25),
        (
            "POST",
            "/sendorder",
            &[("orderType", "ioc"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1"), ("limitPrice", "1")],
            10,
        ),
        ("GET", "/self-trade-strategy", &[], 2),
        ("PUT", "/self-trade-strategy", &[("strategy", "REJECT_TAKER")], 2),
        ("GET", "/leveragepreferences", &[], 2),
        ("PUT", "/leveragepreferences", &[("symbol", SYMBOL)], 10),
        (
            "POST",
            "/transfer",
            &[("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")],
            10,
        ),
        ("GET", "/subaccounts", &[], 1),
        ("GET", "/trading/instruments", &[], 1),
        ("GET", "/initialmargin/maxordersize", &[("orderType", "mkt"), ("symbol", SYMBOL)], 1),
        ("GET", "/instruments", &[], 0),
        ("GET", "/tickers", &[], 0),
    ] {
        let venue = Venue::with(ServerConfig::test()).await;
        // Spent down to 30 first, so that counting what is left is quick.
        for _ in 0..47 {
            venue.client(0).post("/cancelorder", &NOTHING).await;
        }
        assert_eq!(venue.client(0).request(method, path, arguments).error().await, None, "{path}");
        assert_eq!(left(&venue).await, 30 - cost, "{method} {path} {arguments:?}");
    }
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
