//! Closing a position while a plain take-profit rests, as a trader sees it over the wire (rules 5.5).

use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

const INVERSE: &str = "PI_XBTUSD";

/// A trader with 1,000 USD is long 1 from 50,000, with a plain sell of it resting at 52,000 as `take-profit`; someone bids
/// for 5 at 49,450.
async fn long_with_take_profit(venue: &Venue, name: &str) -> Client {
    let (_, trader) = venue.subaccount(0, name, "1000").await;
    let other = venue.client(1);
    other.place("lmt", "sell", "1", "50000", &[]).await;
    trader.place("lmt", "buy", "1", "50000", &[]).await;
    let rests = trader.place("lmt", "sell", "1", "52000", &[("cliOrdId", "take-profit")]).await;
    assert_eq!(rests["status"], "placed", "{rests}");
    other.place("lmt", "buy", "5", "49450", &[]).await;
    trader
}

/// Status, reason and error of the newest order of a name.
pub async fn record(client: &Client, name: &str) -> [Value; 3] {
    let answer = client.post("/orders/status", &[("cliOrdIds", name)]).await;
    let record = answer["orders"].as_array().and_then(|orders| orders.last()).cloned().unwrap_or_default();
    ["status", "updateReason", "error"].map(|part| record[part].clone())
}

async fn position(client: &Client) -> Value {
    let answer = client.get("/openpositions", &[]).await;
    let open = answer["openPositions"].as_array().expect("a list").first().cloned();
    open.map_or(json!(0), |row| row["size"].clone())
}

#[tokio::test]
async fn a_protective_stop_closes_and_the_take_profit_that_margin_does_not_bear_goes() {
    let venue = Venue::start().await;
    let trader = long_with_take_profit(&venue, "trader").await;
    let stop = [
        ("orderType", "stp"),
        ("symbol", SYMBOL),
        ("side", "sell"),
        ("size", "1"),
        ("stopPrice", "49450"),
        ("triggerSignal", "mark"),
        ("cliOrdId", "stop"),
    ];
    assert_eq!(trader.post("/sendorder", &stop).await["sendStatus"]["status"], "placed");
    venue.pin(SYMBOL, "49450").await;
    let no = Value::Null;
    assert_eq!(record(&trader, "stop").await, [json!("FULLY_EXECUTED"), json!("FULL_FILL"), no.clone()]);
    assert_eq!(record(&trader, "take-profit").await, [json!("CANCELLED"), json!("NOT_ENOUGH_MARGIN"), no]);
    assert_eq!(position(&trader).await, json!(0));
    // 1,000 less fees of 25 and 24.725 and the loss of 550; and nothing more at the price that would have liquidated it.
    venue.pin(SYMBOL, "49200").await;
    let flex = trader.get("/accounts", &[]).await["accounts"]["flex"].clone();
    assert_eq!((&flex["marginEquity"], &flex["initialMarginWithOrders"]), (&json!(400.275), &json!(0)));
    assert_eq!(trader.get("/fills", &[]).await["fills"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn every_way_to_send_a_close_is_taken_and_the_largest_order_says_so() {
    let venue = Venue::start().await;
    let close = json!({
        "order": "send", "order_tag": "1", "orderType": "mkt", "symbol": SYMBOL, "side": "sell", "size": 1,
    });
    let batch = json!({"batchOrder": [close]}).to_string();
    let terms = |kind, size| {
        let mut terms = vec![("orderType", kind), ("symbol", SYMBOL), ("side", "sell"), ("size", size)];
        terms.extend((kind != "mkt").then_some(("limitPrice", "49450")));
        terms
    };
    for way in ["mkt", "ioc", "fok", "lmt", "batch"] {
        venue.pin(SYMBOL, "50000").await;
        let trader = long_with_take_profit(&venue, way).await;
        // Close-only: 425 of the 500 that the position holds.
        venue.pin(SYMBOL, "49450").await;
        let kind = if way == "batch" { "mkt" } else { way };
        let (asked, limit) =
            if kind == "mkt" { ("mkt", None) } else { ("lmt", Some(("limitPrice", "49450"))) };
        let mut asked = vec![("orderType", asked), ("symbol", SYMBOL)];
        asked.extend(limit);
        let largest = trader.get("/initialmargin/maxordersize", &asked).await;
        assert_eq!((&largest["maxSellSize"], &largest["maxBuySize"]), (&json!(1), &json!(0)), "{way}");
        let more = trader.post("/sendorder", &terms(kind, "1.0001")).await["sendStatus"]["status"].clone();
        assert_eq!(more, "insufficientAvailableFunds", "{way}: one lot more is new risk");
        let status = match way {
            "batch" => {
                trader.post("/batchorder", &[("json", &batch)]).await["batchStatus"][0]["status"].clone()
            }
            _ => trader.post("/sendorder", &terms(kind, "1")).await["sendStatus"]["status"].clone(),
        };
        assert_eq!((status, position(&trader).await), (json!("placed"), json!(0)), "{way}");
        assert_eq!(record(&trader, "take-profit").await[1], "NOT_ENOUGH_MARGIN", "{way}");
        venue.client(1).post("/cancelallorders", &[]).await;
    }
}

/// The price of the edits is on the grid of the inverse contract alone.
#[tokio::test]
async fn an_edit_by_name_means_the_open_order_whatever_was_refused_under_it_elsewhere() {
    let venue = Venue::start().await;
    let path = format!("/accounts/{}/subaccounts", venue.start.accounts[0].uid);
    let wanted = json!({"name": "trader", "flex": {"usd": "1000"}, "wallets": {"fi_xbtusd": "1"}});
    let trader = venue.client_of(&venue.order("POST", &path, wanted).await);
    let send = async |symbol, size, name| {
        let terms = [
            ("orderType", "lmt"),
            ("symbol", symbol),
            ("side", "buy"),
            ("size", size),
            ("limitPrice", "40000"),
            ("cliOrdId", name),
        ];
        trader.post("/sendorder", &terms).await["sendStatus"]["status"].clone()
    };
    let edit = async |name| {
        let asked = [("cliOrdId", name), ("limitPrice", "40001.5")];
        trader.post("/editorder", &asked).await["editStatus"]["status"].clone()
    };
    // Refused while the name is in use: the refused one is the younger.
    assert_eq!(send(INVERSE, "1", "in use").await, "placed");
    assert_eq!(send(SYMBOL, "0.01", "in use").await, "clientOrderIdAlreadyExist");
    assert_eq!(edit("in use").await, "edited");
    // Refused for something else: the refused one is the older, and holds no name.
    assert_eq!(send(SYMBOL, "100", "free").await, "insufficientAvailableFunds");
    assert_eq!(send(INVERSE, "1", "free").await, "placed");
    assert_eq!(edit("free").await, "edited");
    // What was refused and nothing else is no order to edit, on whatever grid.
    assert_eq!(send(SYMBOL, "100", "refused").await, "insufficientAvailableFunds");
    assert_eq!(edit("refused").await, "orderForEditNotFound");
    let open = trader.get("/openorders", &[]).await["openOrders"].clone();
    let prices: Vec<_> =
        open.as_array().expect("a list").iter().map(|row| row["limitPrice"].clone()).collect();
    assert_eq!(prices, [json!(40001.5), json!(40001.5)]);
}

#[tokio::test]
async fn a_batch_edits_the_order_that_it_placed_whatever_else_it_sends_under_the_name() {
    let venue = Venue::start().await;
    let path = format!("/accounts/{}/subaccounts", venue.start.accounts[0].uid);
    let wanted = json!({"name": "trader", "flex": {"usd": "1000"}, "wallets": {"fi_xbtusd": "1"}});
    let trader = venue.client_of(&venue.order("POST", &path, wanted).await);
    let send = |symbol, size, name| {
        json!({
            "order": "send", "order_tag": "1", "orderType": "lmt", "symbol": symbol, "side": "buy", "size": size,
            "limitPrice": 40000, "cliOrdId": name,
        })
    };
    let edit = |name| json!({"order": "edit", "cliOrdId": name, "limitPrice": 40001.5});
    for (name, elements, want) in [
        (
            "first",
            [send(INVERSE, json!(1), "first"), send(SYMBOL, json!(0.01), "first")],
            ["placed", "clientOrderIdAlreadyExist", "edited"],
        ),
        (
            "last",
            [send(SYMBOL, json!(100), "last"), send(INVERSE, json!(1), "last")],
            ["insufficientAvailableFunds", "placed", "edited"],
        ),
        (
            "none",
            [send(SYMBOL, json!(100), "none"), send(INVERSE, json!(0), "none")],
            ["insufficientAvailableFunds", "invalidSize", "orderForEditNotFound"],
        ),
    ] {
        let [first, second] = elements;
        let batch = json!({"batchOrder": [first, second, edit(name)]}).to_string();
        let answer = trader.post("/batchorder", &[("json", &batch)]).await;
        let rows = answer["batchStatus"].as_array().expect("a list");
        let told: Vec<_> = rows.iter().map(|row| row["status"].clone()).collect();
        assert_eq!(told, want, "{name}");
    }
}

#[tokio::test]
async fn a_subaccount_whose_trading_is_off_neither_opens_nor_closes_by_its_stops() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let (uid, child) = venue.subaccount(0, "child", "10000").await;
    bob.place("lmt", "sell", "3", "50010", &[]).await;
    bob.place("lmt", "buy", "3", "49990", &[]).await;
    child.place("lmt", "buy", "1", "50010", &[]).await;
    for (name, side, at, reduces) in [("opens", "buy", "50100", "false"), ("closes", "sell", "49900", "true")]
    {
        let stop = [
            ("orderType", "stp"),
            ("symbol", SYMBOL),
            ("side", side),
            ("size", "1"),
            ("stopPrice", at),
            ("triggerSignal", "mark"),
            ("reduceOnly", reduces),
            ("cliOrdId", name),
        ];
        assert_eq!(child.post("/sendorder", &stop).await["sendStatus"]["status"], "placed");
    }
    let path = format!("/subaccount/{uid}/trading-enabled");
    alice.put(&path, &[("tradingEnabled", "false")]).await;
    venue.pin(SYMBOL, "50100").await;
    venue.pin(SYMBOL, "49900").await;
    for name in ["opens", "closes"] {
        let failed = ["TRIGGER_ACTIVATION_FAILURE", "STOP_ORDER_TRIGGERED", "MARKET_SUSPENDED"];
        assert_eq!(record(&child, name).await, failed.map(|word| json!(word)), "{name}");
    }
    assert_eq!(position(&child).await, json!(1));
}
