//! What happened, told as it was told when it happened.

use super::*;

#[tokio::test]
async fn an_order_has_one_story_in_history_status_and_fills() {
    let venue = Venue::start().await;
    let (a, b) = (venue.client(0), venue.client(1));
    let placed = a.place("lmt", "sell", "1", "50010", &[("cliOrdId", "mine")]).await;
    venue.advance(10).await;
    b.place("ioc", "buy", "0.4", "50020", &[]).await;
    venue.advance(10).await;
    a.post("/editorder", &[("orderId", id(&placed)), ("limitPrice", "50030"), ("size", "0.9")]).await;
    venue.advance(10).await;
    a.post("/cancelorder", &[("order_id", id(&placed))]).await;
    let status = a.post("/orders/status", &[("orderIds", id(&placed))]).await["orders"][0].clone();

    let story = events(&a, "/orders", &[]).await;
    assert_eq!(kinds(&story), ["OrderPlaced", "OrderUpdated", "OrderUpdated", "OrderCancelled"]);
    let [(_, begun), (_, filled), (_, edited), (_, cancelled)] = &story[..] else { panic!("four") };
    assert_eq!((&begun["reason"], &begun["order"]["quantity"]), (&json!("new_user_order"), &json!("1")));
    assert_eq!(filled["reason"], "partial_fill");
    let open = |order: &Value| (order["quantity"].clone(), order["filled"].clone());
    assert_eq!(open(&filled["oldOrder"]), (json!("1"), json!("0")));
    assert_eq!(open(&filled["newOrder"]), (json!("0.6"), json!("0.4")));
    assert_eq!(edited["reason"], "edited_by_user");
    assert_eq!(
        (&edited["oldOrder"]["limitPrice"], &edited["newOrder"]["limitPrice"]),
        (&json!("50010"), &json!("50030"))
    );
    assert_eq!(open(&edited["newOrder"]), (json!("0.9"), json!("0.4")), "an edit names what is to be open");
    let last = &cancelled["order"];
    assert_eq!(cancelled["reason"], "cancelled_by_user");
    for (name, value) in [
        ("uid", &status["order"]["orderId"]),
        ("clientId", &json!("mine")),
        ("tradeable", &status["order"]["symbol"]),
        ("direction", &json!("Sell")),
        ("orderType", &json!("Limit")),
        ("reduceOnly", &status["order"]["reduceOnly"]),
        ("timestamp", &json!(NEW_YEAR)),
        ("lastUpdateTimestamp", &json!(NEW_YEAR + 30)),
        ("accountUid", &json!(venue.start.accounts[0].uid)),
        ("limitPrice", &json!("50030")),
    ] {
        assert_eq!(&last[name], value, "{name}");
    }

    let fills = a.get("/fills", &[]).await["fills"].as_array().expect("a list").clone();
    let page = ask(&a, "/executions", &[]).await;
    let [fill, execution] = [&fills[0], &page["elements"][0]["event"]["execution"]["execution"]];
    assert_eq!(execution["uid"], fill["fill_id"]);
    assert_eq!(execution["order"]["uid"], fill["order_id"]);
    assert_eq!(execution["quantity"], fill["size"].to_string());
    assert_eq!(execution["price"], fill["price"].to_string());
    assert_eq!(execution["executionType"], fill["fillType"]);
    assert_eq!((&execution["limitFilled"], &execution["usdValue"]), (&json!(false), &json!("20004.00")));
    assert_eq!(
        (&execution["markPrice"], &execution["orderData"]["positionSize"]),
        (&json!("50000"), &json!("-0.4"))
    );
    assert_eq!(open(&execution["order"]), (json!("1"), json!("0")), "as it was just before");
    assert_eq!(execution["makerOrder"], execution["order"]);
    assert_eq!(execution.get("takerOrder"), None);
    // The other side has the same execution, and its own order alone.
    let page = ask(&b, "/executions", &[]).await;
    let others = &page["elements"][0]["event"]["execution"]["execution"];
    assert_eq!((&others["uid"], &others["executionType"]), (&execution["uid"], &json!("taker")));
    assert_eq!((others.get("makerOrder"), &others["takerOrder"]["limitPrice"]), (None, &json!("50020")));
    let story = events(&b, "/orders", &[]).await;
    assert_eq!(kinds(&story), ["OrderPlaced", "OrderUpdated"]);
    assert_eq!(
        (&story[1].1["reason"], &story[1].1["newOrder"]["quantity"]),
        (&json!("full_fill"), &json!("0"))
    );
}

#[tokio::test]
async fn a_refused_order_is_found_here_when_it_is_found_nowhere_else() {
    let venue = Venue::start().await;
    let a = venue.client(0);
    a.place("post", "buy", "40000", "49000", &[("cliOrdId", "too much")]).await;
    a.place("lmt", "buy", "0.123456", "49000.123", &[("cliOrdId", "off")]).await;
    a.post("/cancelorder", &[("order_id", "2ceb1d31-f619-457b-870c-fd4ddbb10d45")]).await;
    a.post("/cancelorder", &[("cliOrdId", "never was")]).await;
    venue.advance(5_001).await;
    let status = a.post("/orders/status", &[("cliOrdIds", "too much"), ("cliOrdIds", "off")]).await;
    assert_eq!(status["orders"], json!([]));
    assert_eq!(a.get("/openorders", &[]).await["openOrders"], json!([]));
    assert_eq!(a.get("/fills", &[]).await["fills"], json!([]));
    for elsewhere in ["/executions", "/triggers", "/positions"] {
        assert_eq!(events(&a, elsewhere, &[]).await, [], "{elsewhere}");
    }
    let story = events(&a, "/orders", &[]).await;
    assert_eq!(kinds(&story), ["OrderRejected", "OrderRejected", "OrderNotFound", "OrderNotFound"]);
    let refused = |at: usize| (&story[at].1["orderError"], &story[at].1["order"]["clientId"]);
    assert_eq!(refused(0), (&json!("INVALID_QUANTITY"), &json!("too much")));
    assert_eq!(refused(1), (&json!("INVALID_PRICE"), &json!("off")));
    assert_eq!(story[1].1["reason"], "new_user_order");
    let sent = &story[1].1["order"];
    assert_eq!((&sent["quantity"], &sent["limitPrice"]), (&json!("0.123456"), &json!("49000.123")));
    assert_eq!(story[2].1["orderId"], "Uuid(uuid=2ceb1d31-f619-457b-870c-fd4ddbb10d45)");
    assert_eq!(story[3].1["orderId"], "ClientId(id=never was)");
    // Nobody else hears of an order that never came to the book.
    let public = ask(&a, &format!("/market/{SYMBOL}/orders"), &[]).await;
    assert_eq!(public["elements"], json!([]));
}

#[tokio::test]
async fn a_refused_edit_tells_what_was_tried() {
    let venue = Venue::start().await;
    let a = venue.client(0);
    let placed = a.place("lmt", "buy", "1", "49000", &[]).await;
    a.post("/editorder", &[("orderId", id(&placed)), ("limitPrice", "48999.5")]).await;
    a.post("/editorder", &[("orderId", id(&placed)), ("limitPrice", "49000"), ("size", "1")]).await;
    let story = events(&a, "/orders", &[]).await;
    assert_eq!(kinds(&story), ["OrderPlaced", "OrderEditRejected", "OrderEditRejected"]);
    let (off, same) = (&story[1].1, &story[2].1);
    assert_eq!(
        (&off["orderError"], &off["oldOrder"]["limitPrice"]),
        (&json!("INVALID_PRICE"), &json!("49000"))
    );
    assert_eq!(off["attemptedOrder"]["limitPrice"], "48999.5");
    assert_eq!(same["orderError"], "EDIT_HAS_NO_EFFECT");
}

#[tokio::test]
async fn a_trigger_is_told_until_it_fires_and_then_as_an_order() {
    let venue = Venue::start().await;
    let (a, b) = (venue.client(0), venue.client(1));
    a.place("lmt", "buy", "1", "49000", &[]).await;
    b.place("ioc", "sell", "1", "49000", &[]).await;
    let stop = [("stopPrice", "48000"), ("triggerSignal", "mark"), ("reduceOnly", "true")];
    let placed = a.place("stp", "sell", "1", "47900", &stop).await;
    a.post("/editorder", &[("orderId", id(&placed)), ("stopPrice", "48500")]).await;
    let trailing = [
        ("trailingStopMaxDeviation", "2"),
        ("trailingStopDeviationUnit", "PERCENT"),
        ("triggerSignal", "mark"),
    ];
    let arguments = [("orderType", "trailing_stop"), ("symbol", SYMBOL), ("side", "sell"), ("size", "0.5")];
    let trailer = a.post("/sendorder", &[&arguments[..], &trailing].concat()).await["sendStatus"].clone();
    venue.pin(SYMBOL, "50100").await;
    a.post("/cancelorder", &[("order_id", id(&trailer))]).await;
    venue.pin(SYMBOL, "48500").await;
    let story = events(&a, "/triggers", &[]).await;
    let wanted = [
        "OrderTriggerPlaced",
        "OrderTriggerUpdated",
        "OrderTriggerPlaced",
        "OrderTriggerUpdated",
        "OrderTriggerCancelled",
        "OrderTriggerActivated",
    ];
    assert_eq!(kinds(&story), wanted);
    let options = |order: &Value| order["triggerOptions"].clone();
    assert_eq!(
        options(&story[0].1["order"]),
        json!({"triggerPrice": "48000", "triggerSignal": "MarkPrice", "triggerSide": "Below",
            "trailingStopOptions": null, "limitPriceOffset": null})
    );
    assert_eq!(
        (&story[0].1["order"]["uid"], &story[0].1["order"]["limitPrice"]),
        (&placed["order_id"], &json!("47900"))
    );
    assert_eq!(options(&story[1].1["oldOrderTrigger"])["triggerPrice"], "48000");
    assert_eq!(options(&story[1].1["newOrderTrigger"])["triggerPrice"], "48500");
    assert_eq!(
        options(&story[2].1["order"])["trailingStopOptions"],
        json!({"maxDeviation": "2", "unit": "Percent"})
    );
    assert_eq!(story[3].1["reason"], "trailing_stop_price_updated");
    assert_eq!(options(&story[3].1["oldOrderTrigger"])["triggerPrice"], "49000");
    assert_eq!(options(&story[3].1["newOrderTrigger"])["triggerPrice"], "49098");
    assert_eq!(story[5].1["order"]["uid"], placed["order_id"]);
    let orders = events(&a, "/orders", &[]).await;
    let (last, fired) = orders.last().expect("some");
    assert_eq!((last.as_str(), &fired["reason"]), ("OrderPlaced", &json!("limit_order_from_stop")));
    assert_eq!(fired["order"]["uid"], placed["order_id"]);
}

#[tokio::test]
async fn a_trigger_that_fires_into_a_refusal_is_activated_and_its_order_rejected() {
    let venue = Venue::start().await;
    let a = venue.client(0);
    let stop = [("stopPrice", "48000"), ("triggerSignal", "mark"), ("reduceOnly", "true")];
    let placed = a.place("stp", "sell", "1", "47900", &stop).await;
    venue.pin(SYMBOL, "47000").await;
    let triggers = events(&a, "/triggers", &[]).await;
    assert_eq!(kinds(&triggers), ["OrderTriggerPlaced", "OrderTriggerActivated"]);
    let orders = events(&a, "/orders", &[]).await;
    assert_eq!(kinds(&orders), ["OrderRejected"]);
    assert_eq!(
        (&orders[0].1["order"]["uid"], &orders[0].1["orderError"]),
        (&placed["order_id"], &json!("WOULD_NOT_REDUCE_POSITION"))
    );
}

#[tokio::test]
async fn a_liquidation_in_parts_is_told_as_such_wherever_it_shows() {
    let venue = Venue::start().await;
    let b = venue.client(1);
    let (_, poor) = venue.subaccount(0, "poor", "1000").await;
    b.place("lmt", "sell", "1", "50000", &[]).await;
    poor.place("ioc", "buy", "1", "50000", &[]).await;
    b.place("lmt", "buy", "5", "49200", &[]).await;
    venue.pin(SYMBOL, "49250").await;
    let orders = events(&poor, "/orders", &[("tradeable", SYMBOL)]).await;
    let (kind, closing) = &orders[2];
    assert_eq!((kind.as_str(), &closing["reason"]), ("OrderPlaced", &json!("liquidation")));
    assert_eq!(closing["order"]["orderType"], "PartialLiquidation");
    assert_eq!(orders[3].1["newOrder"]["orderType"], "PartialLiquidation");
    let executions = events(&poor, "/executions", &[]).await;
    let execution = &executions[1].1["execution"];
    assert_eq!((&execution["quantity"], &execution["price"]), (&json!("0.1"), &json!("49200")));
    assert_eq!(execution["order"]["orderType"], "PartialLiquidation");
    let updates = events(&poor, "/positions", &[]).await;
    assert_eq!(updates[1].1["tradeType"], "partialLiquidation");
    let log = ask(&poor, "/account-log", &[("info", "futures partial liquidation"), ("sort", "asc")]).await;
    assert_eq!((&log["logs"][0]["asset"], &log["logs"][1]["asset"]), (&json!("pf_xbtusd"), &json!("usd")));
    // 0.25 per cent of a tenth at 49,200 USD.
    assert_eq!(log["logs"][1]["liquidation_fee"].to_string(), "12.3", "{log}");
    let market = format!("/market/{SYMBOL}");
    let trades = events(&b, &format!("{market}/executions"), &[]).await;
    let trade = &trades[1].1["execution"];
    assert_eq!(
        (&trade["takerOrder"]["orderType"], &trade["makerOrder"]["orderType"]),
        (&json!("PartialLiquidation"), &json!("Limit"))
    );
    let told = events(&b, &format!("{market}/orders"), &[]).await;
    let of_closing =
        told.iter().filter(|(_, event)| event["order"]["uid"] == closing["order"]["uid"]).collect::<Vec<_>>();
    assert_eq!(of_closing[0].1["order"]["orderType"], "PartialLiquidation");
}

#[tokio::test]
async fn a_fee_tells_what_it_was_reckoned_at() {
    let venue = Venue::start().await;
    let (a, b) = (venue.client(0), venue.client(1));
    b.place("lmt", "sell", "1", "50000", &[]).await;
    a.place("ioc", "buy", "1", "50000", &[]).await;
    // 0.05 per cent of 50,000 USD, and 0.02.
    let sides = [(&a, "takerOrderData", ["0.05", "25"]), (&b, "makerOrderData", ["0.02", "10"])];
    for (client, data, [percentage, fee]) in sides {
        let executions = events(client, "/executions", &[]).await;
        let told = &executions[0].1["execution"];
        let own = &told[data];
        assert_eq!(own, &told["orderData"]);
        assert_eq!(told["usdValue"], "50000.00");
        assert_eq!(own["feeCalculationInfo"]["percentageFee"], percentage, "{own}");
        assert_eq!(own["fee"], fee, "{own}");
    }
}

#[tokio::test]
async fn positions_open_grow_shrink_turn_and_close() {
    let venue = Venue::start().await;
    let (a, b) = (venue.client(0), venue.client(1));
    for (side, other, size, price) in [
        ("buy", "sell", "1", "50000"),
        ("buy", "sell", "1", "50100"),
        ("sell", "buy", "0.5", "50200"),
        ("sell", "buy", "2", "50000"),
        ("buy", "sell", "0.5", "49900"),
    ] {
        b.place("lmt", other, size, price, &[]).await;
        a.place("ioc", side, size, price, &[]).await;
        venue.advance(1_000).await;
    }
    let updates: Vec<Value> =
        events(&a, "/positions", &[]).await.into_iter().map(|(_, update)| update).collect();
    let told = |name: &str| updates.iter().map(|update| update[name].clone()).collect::<Vec<_>>();
    assert_eq!(told("positionChange"), ["open", "increase", "decrease", "reverse", "close"]);
    assert_eq!(told("oldPosition"), ["0", "1", "2", "1.5", "-0.5"]);
    assert_eq!(told("newPosition"), ["1", "2", "1.5", "-0.5", "0"]);
    assert_eq!(told("oldAverageEntryPrice"), ["", "50000", "50050", "50050", "50000"]);
    assert_eq!(told("newAverageEntryPrice"), ["50000", "50050", "50050", "50000", "50000"]);
    assert_eq!(told("realizedPnL"), ["0", "0", "75", "-75", "50"]);
    let opened = [NEW_YEAR, NEW_YEAR, NEW_YEAR, NEW_YEAR, NEW_YEAR + 3_000].map(|at| json!(at));
    assert_eq!(told("fillTime"), opened);
    assert_eq!(
        (&updates[0]["feeCurrency"], &updates[0]["tradeType"]),
        (&json!("USD"), &json!("userExecution"))
    );
    let executions = events(&a, "/executions", &[]).await;
    for (update, (_, execution)) in updates.iter().zip(&executions) {
        let execution = &execution["execution"];
        assert_eq!(update["executionUid"], execution["uid"]);
        assert_eq!(update["fee"], execution["orderData"]["fee"]);
        assert_eq!(update["newPosition"], execution["orderData"]["positionSize"]);
    }
    // Flags of one group are or-ed, both groups and-ed.
    let count = async |flags: &[(&str, &str)]| events(&a, "/positions", flags).await.len();
    assert_eq!(count(&[("opened", "true"), ("closed", "true")]).await, 2);
    assert_eq!(count(&[("reversed", "true"), ("trades", "true")]).await, 1);
    assert_eq!(count(&[("trades", "true"), ("opened", "false")]).await, 5);
    assert_eq!(count(&[("settlement", "true")]).await, 0);
    assert_eq!(count(&[("no_change", "true")]).await, 0);
}

#[tokio::test]
async fn the_account_log_adds_up_to_the_balance() {
    let venue = Venue::start().await;
    let (a, b) = (venue.client(0), venue.client(1));
    b.place("lmt", "sell", "1", "50000", &[]).await;
    a.place("ioc", "buy", "1", "50000", &[]).await;
    b.place("lmt", "buy", "1", "50500", &[]).await;
    a.place("ioc", "sell", "1", "50500", &[]).await;
    a.post(
        "/transfer",
        &[("fromAccount", "flex"), ("toAccount", "cash"), ("amount", "100"), ("unit", "usd")],
    )
    .await;
    let log = ask(&a, "/account-log", &[("sort", "asc"), ("count", "1000")]).await;
    let rows = log["logs"].as_array().expect("a list");
    for (row, number) in rows.iter().zip(1..) {
        assert_eq!(row["id"], number, "numbers have no gap");
    }
    let of = |info: &str| rows.iter().filter(|row| row["info"] == info).collect::<Vec<_>>();
    let trades = of("futures trade");
    assert_eq!(trades.len(), 4, "two legs each");
    let [first, cash, second, _] = trades[..] else { panic!("four") };
    assert_eq!((&first["asset"], &first["contract"]), (&json!("pf_xbtusd"), &json!("pf_xbtusd")));
    assert_eq!((&first["old_balance"], &first["new_balance"]), (&json!(0), &json!(1)));
    assert_eq!(
        (&first["old_average_entry_price"], &first["new_average_entry_price"]),
        (&Value::Null, &json!(50000))
    );
    assert_eq!((&first["fee"], &first["realized_pnl"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&cash["asset"], &cash["margin_account"], &cash["trade_price"]),
        (&json!("usd"), &json!("flex"), &json!(50000))
    );
    assert_eq!(first["execution"], cash["execution"]);
    assert_eq!(second["old_average_entry_price"], 50000);
    // Balances as exact texts: what was there, what was booked, what is there.
    let exact = |value: &Value| {
        let number = loligo_wire::decimal::Number::parse(value.to_string().as_bytes()).expect("a number");
        number.decimal().expect("fits").at_scale(11).expect("eleven places")
    };
    for cash in trades.iter().filter(|row| row["asset"] == "usd") {
        let booked = exact(&cash["realized_pnl"]) - exact(&cash["fee"]) + exact(&cash["realized_funding"]);
        assert_eq!(exact(&cash["new_balance"]) - exact(&cash["old_balance"]), booked);
    }
    let transfers = of("transfer");
    let [to, from] = transfers[..] else { panic!("{rows:#?}") };
    assert_eq!((&from["margin_account"], &to["margin_account"]), (&json!("flex"), &json!("cash")));
    assert_eq!(exact(&from["old_balance"]) - exact(&from["new_balance"]), 100 * 10_i128.pow(11));
    let accounts = a.get("/accounts", &[]).await;
    let quantity = &accounts["accounts"]["flex"]["currencies"]["USD"]["quantity"];
    assert_eq!(exact(quantity), exact(&from["new_balance"]));
    assert!(
        of("admin transfer").iter().any(|row| row["margin_account"] == "fi_xbtusd" && row["asset"] == "btc")
    );

    let some = ask(&a, "/account-log", &[("from", "2"), ("to", "3"), ("sort", "asc")]).await;
    assert_eq!(some["logs"], json!(rows[1..3]));
    let newest = ask(&a, "/account-log", &[("info", "transfer"), ("count", "1")]).await;
    assert_eq!(newest["logs"], json!([from]));
    let csv = send(&a, "/accountlogcsv", &[]).await;
    assert!(csv.head.to_ascii_lowercase().contains("content-type: text/csv"), "{}", csv.head);
    let text = String::from_utf8(csv.body).expect("text");
    assert_eq!(text.lines().count(), rows.len() + 1);
    let newest: Vec<&str> = text.lines().nth(1).expect("a row").split(',').collect();
    assert_eq!(
        newest[..7],
        [
            from["booking_uid"].as_str().expect("a text"),
            "2026-01-01 00:00:00",
            "flex",
            "transfer",
            "usd",
            "",
            "-100"
        ]
    );
}

#[tokio::test]
async fn a_market_is_told_to_everyone_without_owners() {
    let venue = Venue::start().await;
    let (a, b) = (venue.client(0), venue.client(1));
    let maker = a.place("lmt", "sell", "1", "50010", &[("cliOrdId", "mine")]).await;
    b.place("ioc", "buy", "0.4", "50020", &[]).await;
    a.place("post", "buy", "1", "50010", &[]).await;
    let executions = venue_public(&venue, &format!("/market/{SYMBOL}/executions")).await;
    let told = &executions["elements"][0]["event"]["Execution"]["execution"];
    let own = ask(&a, "/executions", &[]).await;
    assert_eq!(told["uid"], own["elements"][0]["event"]["execution"]["execution"]["uid"]);
    assert_eq!(
        (&told["makerOrder"]["uid"], &told["makerOrder"]["quantity"]),
        (&maker["order_id"], &json!("1"))
    );
    assert_eq!(
        (&told["takerOrder"]["direction"], &told["takerOrder"]["limitPrice"]),
        (&json!("Buy"), &json!("50020"))
    );
    let orders = venue_public(&venue, "/market/pf_xbtusd/orders?sort=asc").await;
    let kinds: Vec<String> =
        orders["elements"].as_array().expect("a list").iter().map(|one| kind(&one["event"]).0).collect();
    assert_eq!(kinds, ["OrderPlaced", "OrderPlaced", "OrderUpdated", "OrderUpdated", "OrderRejected"]);
    let prices = venue_public(&venue, &format!("/market/{SYMBOL}/price")).await;
    assert_eq!(prices["elements"][0]["event"]["MarkPriceChanged"]["price"], "50000");
    assert_eq!(prices["elements"][0]["uid"], "");
    for page in [&executions, &orders, &prices] {
        let text = page.to_string();
        for private in [venue.start.accounts[0].uid.as_str(), "mine", "accountUid", "serverTime"] {
            assert!(!text.contains(private), "{private}");
        }
    }
    for nowhere in ["/market/PF_NOSUCH/executions", "/market/PF_NOSUCH/orders", "/market/PF_NOSUCH/price"] {
        assert_eq!(venue_public(&venue, nowhere).await, json!({"elements": [], "len": 0}));
    }
}

/// What anyone is told, without a key.
async fn venue_public(venue: &Venue, path: &str) -> Value {
    let a = venue.client(0);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut request = request(&a, path, &[]);
    request.query = query.to_owned();
    (request.api_key, request.authent) = (None, None);
    let answer = request.send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.to_ascii_lowercase().contains("access-control-allow-origin: *"), "{}", answer.head);
    answer.json()
}
