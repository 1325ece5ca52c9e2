//! The market that every scenario starts from, and the operator's hand in it.
//!
//! Index and mark of bitcoin stand at 50,000 and of PF_LOWUSD at 5.00; both are pinned, so that quotes do not move them.
//! `last` is the same, left by a trade of two accounts that do nothing else. PF_XBTUSD has a tick of 1 and a lot of 0.0001,
//! PI_XBTUSD and the dated FI_XBTUSD a tick of 0.5 and a lot of 1, PF_LOWUSD a tick of 0.01 and a lot of 1.
//! Account B has 10,000,000 USD and quotes PF_XBTUSD: bid 1 @ 49,990, ask 1 @ 50,010. Account A has 100,000 USD and one
//! bitcoin for inverse contracts, no position and no order, and listens to the feeds of its open orders. Rates count, time
//! stands still.

use crate::seed::Witness;
use crate::trader::{Key, Trader};
use crate::venue::{SYMBOL, Venue};
use loligo_server::ServerConfig;
use loligo_server::config::{ClockKind, Instruments};
use loligo_server::listing::{InstrumentEntry, Listing};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// A contract at 5.00 whose tick is a fifth of a per cent.
pub const LOW: &str = "PF_LOWUSD";
/// The inverse perpetual.
pub const INVERSE: &str = "PI_XBTUSD";

const A_HOLDS: i64 = 100_000;

pub struct Fixture {
    pub venue: Venue,
    pub a: Trader,
    pub b: Trader,
    /// The inverse contract that expires next.
    pub near: String,
    quotes: AtomicU32,
    seen: Witness,
    config: ServerConfig,
    folder: Option<tempfile::TempDir>,
}

/// A linear contract of its own pair, as the operator lists it.
pub fn contract(symbol: &str, pair: &str) -> Value {
    json!({
        "symbol": symbol, "kind": "linear", "pair": pair, "base": "LOW", "tick_size": "0.01", "lot_precision": 0,
        "max_position_size": 1_000_000, "impact_mid_size": 1000, "margin_levels": [{"from": 0, "initial": "0.02"}],
    })
}

impl Fixture {
    pub async fn start(seen: &Witness) -> Self {
        Self::with(seen, ServerConfig::test(), None).await
    }

    /// The fixture where requests cost nothing.
    pub async fn without_rates(seen: &Witness) -> Self {
        Self::with(seen, ServerConfig { rate_limits: false, ..ServerConfig::test() }, None).await
    }

    /// The fixture on a data folder, so that it can be started again.
    pub async fn on_disk(self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = ServerConfig::test();
        config.node.data = Some(folder.path().join("data"));
        Self::with(&self.seen, config, Some(folder)).await
    }

    async fn with(seen: &Witness, mut config: ServerConfig, folder: Option<tempfile::TempDir>) -> Self {
        let mut listing = Listing::standard(ClockKind::DEFAULT_START);
        let low: InstrumentEntry = serde_json::from_value(contract(LOW, "LOW:USD")).expect("a contract");
        listing.instruments.push(low.spec().expect("one that can be listed"));
        config.node.instruments = Instruments::Given(listing);
        config.node.accounts = 2;

        let venue = Venue::with(config.clone()).await;
        let near = nearest(&venue).await;
        for (symbol, price, size) in
            [(SYMBOL, "50000", "0.0001"), (INVERSE, "50000", "1"), (&near, "50000", "1"), (LOW, "5.00", "1")]
        {
            venue.pin(symbol, price).await;
            let terms = |kind, side| {
                [
                    ("orderType", kind),
                    ("symbol", symbol),
                    ("side", side),
                    ("size", size),
                    ("limitPrice", price),
                ]
            };
            venue.client(0).post("/sendorder", &terms("lmt", "sell")).await;
            let trade = venue.client(1).post("/sendorder", &terms("ioc", "buy")).await;
            assert_eq!(trade["sendStatus"]["orderEvents"][0]["type"], "EXECUTION", "{trade}");
        }
        let mut a = open(&venue, "a", A_HOLDS, seen).await;
        a.listens(&venue).await;
        let b = open(&venue, "b", 10_000_000, seen).await;
        b.sends("bid", "lmt buy 1 @ 49,990", "placed: PLACE").await;
        b.sends("ask", "lmt sell 1 @ 50,010", "placed: PLACE").await;
        Self { venue, a, b, near, quotes: AtomicU32::new(0), seen: seen.clone(), config, folder }
    }

    /// One verb of the operator, which must work.
    pub async fn op(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.venue.control(method, path, &body.to_string()).await;
        assert_eq!(answer.status, 200, "{method} {path} {body}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Pins index and mark of PF_XBTUSD.
    pub async fn op_price(&self, price: &str) {
        self.venue.pin(SYMBOL, &price.replace(',', "")).await;
    }

    /// Puts a market into a trading state: open, suspended, post_only, inactive, pre_launch.
    pub async fn op_market(&self, symbol: &str, state: &str) {
        self.op("PUT", &format!("/markets/{symbol}"), json!({"state": state})).await;
    }

    /// Sets how many orders account A may have open, or another of the limits.
    pub async fn op_limit(&self, what: &str, most: u64) {
        self.op("PUT", "/limits", json!({"account": self.a.uid, (what): most})).await;
    }

    /// Rewrites codes of an order's record to ones that this version does not know.
    pub async fn op_unknown_code(&self, name: &str, what: &str) {
        let order = self.a.id(name);
        self.op("POST", "/faults", json!({"kind": "unknown_code", "order_id": order, (what): 250})).await;
    }

    /// Breaks an operation for its next request.
    pub async fn op_fault(&self, kind: &str, operation: &str) {
        self.op("POST", "/faults", json!({"kind": kind, "operation": operation, "times": 1})).await;
    }

    /// Changes what account A holds in its flex wallet from the fixture's 100,000 USD.
    pub async fn a_holds(&self, usd: i64) {
        let change = json!({"wallet": "flex", "currency": "usd", "amount": usd - A_HOLDS});
        self.op("POST", &format!("/accounts/{}/deposit", self.a.uid), change).await;
    }

    /// Lets exchange time pass.
    pub async fn waits(&self, millis: u64) {
        self.venue.advance(millis).await;
    }

    /// Lets real time pass, which nonces and rates run on.
    pub fn really_waits(&self, seconds: u64) {
        self.venue.real.advance(seconds * 1_000_000);
    }

    /// Moves the clock to the last trading time of a dated contract.
    pub async fn clock_to_expiry_of(&self, symbol: &str) {
        let listed = self.a.does("GET", "/instruments", &[]).await["instruments"].clone();
        let row = listed.as_array().expect("a list").iter().find(|row| row["symbol"] == symbol).cloned();
        self.op("POST", "/clock", json!({"set": row.expect("it is listed")["lastTradingTime"]})).await;
    }

    /// A new subaccount of A.
    pub async fn subaccount(&self, name: &str) -> Trader {
        let path = format!("/accounts/{}/subaccounts", self.a.uid);
        let told = self.op("POST", &path, json!({"name": name, "flex": {"usd": A_HOLDS}})).await;
        trader(&self.venue, &told, &self.seen)
    }

    /// B takes back its quotes and makes others.
    pub async fn b_quotes(&self, quotes: &[&str]) {
        self.b.cancels_all().await;
        for quote in quotes {
            // A name of its own: that of a quote taken back is free only after five seconds.
            let name = format!("quote {}", self.quotes.fetch_add(1, Ordering::Relaxed));
            self.b.sends(&name, quote, "placed: PLACE").await;
        }
    }

    /// Stops the server and starts another on the same data folder.
    pub async fn op_restart(self) -> Self {
        let Self { venue, a, b, near, quotes, seen, config, folder } = self;
        assert!(folder.is_some(), "only a fixture on disk can be started again");
        venue.server.stop().await;
        let venue = Venue::with(config.clone()).await;
        let address = venue.server.http();
        Self { venue, a: a.at(address), b: b.at(address), near, quotes, seen, config, folder }
    }
}

async fn nearest(venue: &Venue) -> String {
    let listed = venue.client(0).get("/instruments", &[]).await["instruments"].clone();
    let symbols = listed.as_array().expect("a list").iter().filter_map(|row| row["symbol"].as_str());
    symbols.filter(|symbol| symbol.starts_with("FI_XBTUSD_")).min().expect("a dated contract").to_owned()
}

async fn open(venue: &Venue, name: &str, usd: i64, seen: &Witness) -> Trader {
    let wanted = json!({"name": name, "flex": {"usd": usd}, "wallets": {"fi_xbtusd": 1}});
    let answer = venue.control("POST", "/accounts", &wanted.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    trader(venue, &answer.json(), seen)
}

fn trader(venue: &Venue, told: &Value, seen: &Witness) -> Trader {
    let text = |name: &str| told[name].as_str().expect("text").to_owned();
    let key = Key { api_key: text("api_key"), secret: text("api_secret") };
    Trader::new(venue.server.http(), &text("uid"), key, seen)
}
