//! What each route answers, word for word. Ids are drawn, so they are taken from the answer itself.

use crate::venue::{SYMBOL, Venue};
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T00:00:00.000Z";

/// An order inside an event.
fn order(id: &Value, order_type: &str, side: &str, sizes: (Value, Value), price: Value) -> Value {
    json!({
        "orderId": id, "cliOrdId": null, "type": order_type, "symbol": SYMBOL, "side": side,
        "quantity": sizes.0, "filled": sizes.1, "limitPrice": price, "reduceOnly": false,
        "timestamp": NOW, "lastUpdateTimestamp": NOW, "algoId": null,
    })
}

fn execution(event: &Value, price: Value, amount: Value, prior: Value) -> Value {
    json!({
        "type": "EXECUTION", "executionId": event["executionId"], "price": price, "amount": amount,
        "orderPriorEdit": null, "orderPriorExecution": prior, "takerReducedQuantity": null,
    })
}

#[tokio::test]
async fn an_order_that_rests_then_trades_then_is_cancelled() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let rests = alice.place("post", "sell", "1.50", "50010", &[]).await;
    let id = &rests["order_id"];
    let want = json!({
        "order_id": id, "status": "placed", "receivedTime": NOW,
        "orderEvents": [
            {"type": "PLACE", "order": order(id, "post", "sell", (json!(1.5), json!(0)), json!(50010)),
             "reducedQuantity": null},
        ],
    });
    assert_eq!(rests, want);

    // Two makers: each match is an event, each with the order as it was before it, then what rests.
    let second = alice.place("lmt", "sell", "0.5", "50005", &[]).await;
    assert_eq!(second["status"], "placed");
    let taken = bob.place("lmt", "buy", "2.5", "50010", &[("cliOrdId", "mine")]).await;
    let (id, events) = (&taken["order_id"], &taken["orderEvents"]);
    let named = |mut order: Value| {
        order["cliOrdId"] = json!("mine");
        order
    };
    let at = |filled| named(order(id, "lmt", "buy", (json!(2.5), filled), json!(50010)));
    let want = json!([
        execution(&events[0], json!(50005), json!(0.5), at(json!(0))),
        execution(&events[1], json!(50010), json!(1.5), at(json!(0.5))),
        {"type": "PLACE", "order": at(json!(2)), "reducedQuantity": null},
    ]);
    assert_eq!((&taken["status"], events), (&json!("placed"), &want));
    assert_eq!(taken["cliOrdId"], "mine");

    venue.advance(1500).await;
    let answer = bob.post("/cancelorder", &[("cliOrdId", "mine")]).await;
    let later = "2026-01-01T00:00:01.500Z";
    let mut gone = at(json!(2));
    gone["lastUpdateTimestamp"] = json!(later);
    let want = json!({
        "result": "success",
        "cancelStatus": {
            "status": "cancelled", "order_id": id, "cliOrdId": "mine", "receivedTime": later,
            "orderEvents": [{"type": "CANCEL", "uid": id, "order": gone}],
        },
        "serverTime": later,
    });
    assert_eq!(answer, want);
}

#[tokio::test]
async fn what_the_book_refuses_has_a_reject_event_and_an_id() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    bob.place("lmt", "sell", "1", "50010", &[]).await;
    for (order_type, side, size, shown, status, reason) in [
        ("post", "buy", 0.5, "post", "postWouldExecute", "POST_WOULD_EXECUTE"),
        ("fok", "buy", 1.5, "fok", "iocWouldNotExecute", "IOC_WOULD_NOT_EXECUTE"),
        ("ioc", "sell", 0.5, "ioc", "iocWouldNotExecute", "IOC_WOULD_NOT_EXECUTE"),
    ] {
        let sent = alice.place(order_type, side, &size.to_string(), "50010", &[]).await;
        let id = &sent["order_id"];
        let want = json!({
            "order_id": id, "status": status, "receivedTime": NOW,
            "orderEvents": [{
                "type": "REJECT", "uid": id, "reason": reason,
                "order": order(id, shown, side, (json!(size), json!(0)), json!(50010)),
            }],
        });
        assert_eq!(sent, want);
    }
    // A market order shows as immediate, with the limit that protects it: one per cent beyond the touch.
    let sent = alice.place("mkt", "buy", "0.25", "1", &[]).await;
    let prior = order(&sent["order_id"], "ioc", "buy", (json!(0.25), json!(0)), json!(50510));
    let event = &sent["orderEvents"][0];
    assert_eq!(*event, execution(event, json!(50010), json!(0.25), prior));
    // Nothing on the other side: the same word, and no limit to show.
    let sent = alice.place("mkt", "sell", "0.25", "1", &[]).await;
    assert_eq!(
        (&sent["status"], &sent["orderEvents"][0]["type"]),
        (&json!("iocWouldNotExecute"), &json!("REJECT"))
    );
    assert_eq!(sent["orderEvents"][0]["order"]["limitPrice"], 0);
}

#[tokio::test]
async fn an_immediate_order_s_rest_lapses_without_a_word() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    bob.place("lmt", "sell", "1", "50010", &[]).await;
    let sent = alice.place("ioc", "buy", "1.5", "50010", &[]).await;
    let events = sent["orderEvents"].as_array().expect("events");
    assert_eq!((sent["status"].as_str(), events.len()), (Some("placed"), 1));
    assert_eq!(events[0]["type"], "EXECUTION");
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"], json!([]));
}

#[tokio::test]
async fn an_order_that_trades_and_then_meets_its_own_is_part_filled() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    bob.place("lmt", "sell", "1", "50010", &[]).await;
    alice.place("lmt", "sell", "1", "50020", &[]).await;
    let sent = alice.place("lmt", "buy", "1.5", "50020", &[]).await;
    assert_eq!(sent["status"], "partiallyFilled");
    assert_eq!(
        (sent["orderEvents"].as_array().map(Vec::len), &sent["orderEvents"][0]["amount"]),
        (Some(1), &json!(1))
    );
    let id = sent["order_id"].as_str().expect("an id");
    let record = &alice.post("/orders/status", &[("orderIds", id)]).await["orders"][0];
    assert_eq!(
        (&record["status"], &record["updateReason"], &record["error"]),
        (&json!("CANCELLED"), &json!("WOULD_EXECUTE_SELF_REASON"), &json!("REJECTED_AFTER_EXECUTION"))
    );
}

#[tokio::test]
async fn a_plain_refusal_has_neither_id_nor_events() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    alice.place("lmt", "buy", "0.1", "40000", &[("cliOrdId", "taken")]).await;
    let long = "x".repeat(101);
    for (name, value, status, echo) in [
        ("limitPrice", "40000.5", "invalidPrice", None),
        ("size", "0.00001", "invalidSize", None),
        ("size", "1000", "invalidSize", None),
        ("reduceOnly", "true", "wouldNotReducePosition", None),
        ("cliOrdId", "taken", "clientOrderIdAlreadyExist", Some("taken")),
        ("cliOrdId", long.as_str(), "clientOrderIdTooBig", Some(long.as_str())),
        ("cliOrdId", "", "clientOrderIdInvalid", None),
        ("stopPrice", "41000", "invalidPrice", None),
        ("limitPriceOffsetValue", "1", "invalidPrice", None),
        ("processBefore", "2026-01-01T00:00:00.000Z", "wouldProcessAfterSpecifiedTime", None),
    ] {
        let mut arguments = vec![
            ("orderType", "lmt"),
            ("symbol", SYMBOL),
            ("side", "buy"),
            ("size", "0.1"),
            ("limitPrice", "40000"),
        ];
        arguments.retain(|(known, _)| *known != name);
        arguments.push((name, value));
        let answer = alice.post("/sendorder", &arguments).await;
        let mut want = json!({"status": status, "receivedTime": NOW, "orderEvents": []});
        if let Some(echo) = echo {
            want["cliOrdId"] = json!(echo);
        }
        assert_eq!(answer["sendStatus"], want, "{name}={value}");
    }
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_a_cancel_can_come_to() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let filled = alice.place("lmt", "sell", "1", "50000", &[]).await["order_id"].clone();
    bob.place("lmt", "buy", "1", "50000", &[]).await;
    let open = alice.place("lmt", "buy", "1", "40000", &[]).await["order_id"].clone();
    let (filled, open) = (filled.as_str().expect("an id"), open.as_str().expect("an id"));
    let not_found = json!({"status": "notFound", "receivedTime": NOW, "orderEvents": []});
    let too_late =
        json!({"status": "wouldProcessAfterSpecifiedTime", "receivedTime": NOW, "orderEvents": []});
    let cancel = async |client: &crate::venue::Client, arguments: &[(&str, &str)]| {
        client.post("/cancelorder", arguments).await["cancelStatus"].clone()
    };
    let past = ("processBefore", "2025-12-31T23:59:59Z");
    assert_eq!(cancel(&bob, &[("order_id", open)]).await, not_found, "another's order");
    assert_eq!(cancel(&alice, &[("order_id", "no-id-at-all")]).await, not_found);
    assert_eq!(cancel(&alice, &[("order_id", "00000000-0000-4000-8000-000000000000")]).await, not_found);
    let unnamed = cancel(&alice, &[("cliOrdId", "never")]).await;
    assert_eq!((&unnamed["status"], &unnamed["cliOrdId"]), (&json!("notFound"), &json!("never")));
    assert_eq!(cancel(&alice, &[("order_id", open), past]).await, too_late);
    assert_eq!(cancel(&alice, &[("order_id", "no-id-at-all"), past]).await, too_late);
    let done = cancel(&alice, &[("order_id", filled)]).await;
    assert_eq!((&done["status"], &done["order_id"]), (&json!("filled"), &json!(filled)));
    assert_eq!(cancel(&alice, &[("order_id", open)]).await["status"], "cancelled");
    let again = cancel(&alice, &[("order_id", open)]).await;
    assert_eq!((&again["status"], &again["orderEvents"]), (&json!("notFound"), &json!([])));
}

#[tokio::test]
async fn cancel_all_of_one_market_or_of_all() {
    let venue = Venue::start().await;
    venue.pin("PI_XBTUSD", "50000").await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let first = alice.place("lmt", "buy", "1", "40000", &[("cliOrdId", "one")]).await["order_id"].clone();
    let inverse = [
        ("orderType", "lmt"),
        ("symbol", "pi_xbtusd"),
        ("side", "buy"),
        ("size", "100"),
        ("limitPrice", "40000"),
    ];
    let second = alice.post("/sendorder", &inverse).await["sendStatus"]["order_id"].clone();
    bob.place("lmt", "buy", "1", "40000", &[]).await;

    let nothing = alice.post("/cancelallorders", &[("symbol", "PF_ETHUSD")]).await["cancelStatus"].clone();
    let want = json!({
        "receivedTime": NOW, "cancelOnly": "PF_ETHUSD", "status": "noOrdersToCancel", "cancelledOrders": [],
        "orderEvents": [],
    });
    assert_eq!(nothing, want);
    let one = alice.post("/cancelallorders", &[("symbol", "pf_xbtusd")]).await["cancelStatus"].clone();
    assert_eq!((&one["cancelOnly"], &one["status"]), (&json!(SYMBOL), &json!("cancelled")));
    assert_eq!(one["cancelledOrders"][0]["order_id"], first);
    assert_eq!((&one["orderEvents"][0]["type"], &one["orderEvents"][0]["uid"]), (&json!("CANCEL"), &first));
    let rest = alice.post("/cancelallorders", &[]).await["cancelStatus"].clone();
    assert_eq!((&rest["cancelOnly"], &rest["cancelledOrders"][0]["order_id"]), (&json!("all"), &second));
    assert_eq!(bob.get("/openorders", &[]).await["openOrders"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn lists_of_orders_fills_and_positions() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let id = alice.place("post", "buy", "1", "50000", &[("cliOrdId", "bid")]).await["order_id"].clone();
    venue.advance(1000).await;
    bob.place("lmt", "sell", "0.4", "50000", &[]).await;
    let later = "2026-01-01T00:00:01.000Z";
    let want = json!([{
        "order_id": id, "cliOrdId": "bid", "cli_ord_id": "bid", "symbol": SYMBOL, "side": "buy", "orderType": "lmt",
        "limitPrice": 50000, "unfilledSize": 0.6, "receivedTime": NOW, "status": "partiallyFilled",
        "filledSize": 0.4, "reduceOnly": false, "lastUpdateTime": later, "algoId": null,
    }]);
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"], want);

    let fills = alice.get("/fills", &[]).await["fills"].clone();
    let want = json!([{
        "fill_id": fills[0]["fill_id"], "symbol": SYMBOL, "side": "buy", "order_id": id, "cliOrdId": "bid",
        "cli_ord_id": "bid", "size": 0.4, "price": 50000, "fillTime": later, "fillType": "maker",
        "realized_pnl": 0, "sequence_id": "1",
    }]);
    assert_eq!(fills, want);
    let earlier = alice.get("/fills", &[("lastFillTime", later)]).await["fills"].clone();
    assert_eq!(earlier, json!([]), "only what came before");
    let paged = alice.get("/fills", &[("lastFillTime", "2026-01-01T00:00:01.001Z")]).await["fills"].clone();
    assert_eq!((paged.as_array().map(Vec::len), &paged[0]["realized_pnl"]), (Some(1), &Value::Null));

    let positions = bob.get("/openpositions", &[]).await["openPositions"].clone();
    let want = json!([{
        "side": "short", "symbol": SYMBOL, "price": 50000, "fillTime": later, "size": 0.4, "unrealizedFunding": 0,
        "unrealizedPnl": 0,
    }]);
    assert_eq!(positions, want);
}

#[tokio::test]
async fn wallets_add_up() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    alice.place("lmt", "buy", "1", "50000", &[]).await;
    bob.place("lmt", "sell", "0.4", "50000", &[]).await;
    venue.pin(SYMBOL, "50100").await;
    let flex = &alice.get("/accounts", &[]).await["accounts"]["flex"];
    // 0.02 % of 20,000 are 4; 0.4 x 100 are 40. Margin: 1 % of 20,000, of 50,000 with the order, 0.5 % at mark.
    for (name, want) in [
        ("balanceValue", json!(999_996)),
        ("portfolioValue", json!(1_000_036)),
        ("collateralValue", json!(999_996)),
        ("pnl", json!(40)),
        ("totalUnrealized", json!(40)),
        ("marginEquity", json!(1_000_036)),
        ("initialMargin", json!(200)),
        ("initialMarginWithOrders", json!(500)),
        ("maintenanceMargin", json!(100.2)),
        ("availableMargin", json!(999_536)),
        ("type", json!("multiCollateralMarginAccount")),
    ] {
        assert_eq!(flex[name], want, "{name}");
    }
    let usd = json!({"quantity": 999_996, "value": 999_996, "collateral": 999_996, "available": 999_536});
    assert_eq!(flex["currencies"], json!({"USD": usd}));
}

#[tokio::test]
async fn the_inverse_wallet_says_where_it_would_be_liquidated() {
    // The documented example: 1,000 contracts from 8,000 with 0.01 BTC are liquidated at 7,481, gone at 7,407.
    let venue = Venue::start().await;
    venue.pin("PI_XBTUSD", "8000").await;
    let body = r#"{"name": "tight", "wallets": {"fi_xbtusd": "0.01"}}"#;
    let account = venue.control("POST", "/accounts", body).await.json();
    let text = |name: &str| account[name].as_str().expect("text").to_owned();
    let tight = crate::venue::Client::new(venue.server.http(), &text("api_key"), &text("api_secret"));
    let inverse = |side| {
        [
            ("orderType", "lmt"),
            ("symbol", "PI_XBTUSD"),
            ("side", side),
            ("size", "1000"),
            ("limitPrice", "8000"),
        ]
    };
    assert_eq!(tight.post("/sendorder", &inverse("buy")).await["sendStatus"]["status"], "placed");
    venue.client(1).post("/sendorder", &inverse("sell")).await;
    let wallet = &tight.get("/accounts", &[]).await["accounts"]["fi_xbtusd"];
    // Maker's fee: 0.02 % of 0.125.
    assert_eq!(wallet["balances"], json!({"xbt": "0.009975", "pi_xbtusd": "1000"}));
    assert_eq!(wallet["marginRequirements"], json!({"im": 0.0025, "mm": 0.00125, "lt": 0.00125, "tt": 0}));
    let auxiliary = json!({"usd": 0, "pv": 0.009975, "pnl": 0, "af": 0.007475, "funding": 0});
    assert_eq!(wallet["auxiliary"], auxiliary);
    let estimate = |name: &str| wallet["triggerEstimates"][name].to_string();
    // 1010 / 0.134975, 1000 / 0.134975, 1000 / 0.132475.
    assert_eq!([estimate("mm"), estimate("tt"), estimate("im")], ["7482.86719", "7408.7794", "7548.59407"]);
}

#[tokio::test]
async fn markets_are_listed_and_quoted() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let all = alice.get("/instruments", &[]).await["instruments"].clone();
    let all = all.as_array().expect("a list");
    let symbols = |rows: &[Value]| {
        rows.iter().map(|row| row["symbol"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    for family in ["PF_XBTUSD", "PI_XBTUSD", "FI_XBTUSD_", "FF_XBTUSD_"] {
        assert!(symbols(all).iter().any(|symbol| symbol.starts_with(family)), "{family}");
    }
    for row in all {
        let perpetual = row.get("lastTradingTime").is_none();
        assert_eq!(perpetual, row["symbol"].as_str().expect("a symbol").starts_with('P'), "{row}");
    }
    let inverse =
        alice.get("/instruments", &[("contractType", "futures_inverse")]).await["instruments"].clone();
    assert!(inverse.as_array().expect("a list").iter().all(|row| row["type"] == "futures_inverse"));
    let tickers = alice.get("/tickers", &[]).await["tickers"].clone();
    assert_eq!(symbols(tickers.as_array().expect("a list")), symbols(all));
    let some = alice.get("/tickers", &[("symbol", "pf_ethusd"), ("symbol", SYMBOL)]).await["tickers"].clone();
    assert_eq!(symbols(some.as_array().expect("a list")), [SYMBOL, "PF_ETHUSD"]);
    let statuses = alice.get("/instruments/status", &[]).await["instrumentStatus"].clone();
    assert_eq!(statuses.as_array().map(Vec::len), Some(all.len()));

    bob.place("lmt", "sell", "2", "50010", &[]).await;
    bob.place("lmt", "sell", "1", "50020", &[]).await;
    bob.place("lmt", "buy", "3", "49990", &[]).await;
    alice.place("lmt", "buy", "0.5", "50010", &[]).await;
    let book = alice.get("/orderbook", &[("symbol", "pf_xbtusd")]).await["orderBook"].clone();
    assert_eq!(book, json!({"bids": [[49990, 3]], "asks": [[50010, 1.5], [50020, 1]]}));
    let ticker = alice.get("/tickers/pf_xbtusd", &[]).await["ticker"].clone();
    let want = json!({
        "symbol": SYMBOL, "last": 50010, "lastTime": "2026-01-01T00:00:00.000000Z", "lastSize": 0.5,
        "tag": "perpetual", "pair": "XBT:USD", "markPrice": 50000, "bid": 49990, "bidSize": 3, "ask": 50010,
        "askSize": 1.5, "vol24h": 0.5, "volumeQuote": 25005, "openInterest": 0.5, "open24h": 50010, "high24h": 50010,
        "low24h": 50010, "vwap24h": 50010, "fundingRate": 0, "fundingRatePrediction": 0, "relativeFundingRate": 0,
        "relativeFundingRatePrediction": 0, "suspended": false, "indexPrice": 50000, "postOnly": false, "change24h": 0,
    });
    assert_eq!(ticker, want);
    let history = alice.get("/history", &[("symbol", SYMBOL)]).await["history"].clone();
    let want = json!([{
        "price": 50010, "side": "buy", "size": 0.5, "time": "2026-01-01T00:00:00.000000Z", "trade_id": 1,
        "type": "fill", "uid": history[0]["uid"], "sequence_id": "1",
    }]);
    assert_eq!(history, want);
    let schedules = alice.get("/feeschedules", &[]).await["feeSchedules"].clone();
    assert_eq!(schedules[0]["uid"], all[0]["feeScheduleUid"]);
    assert_eq!(schedules[0]["tiers"][0], json!({"makerFee": 0.02, "takerFee": 0.05, "usdVolume": 0}));
}
