//! Orders that are only supposed: what they would need, and how large they could be.

use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

/// The margin, the price, the price of liquidation and the refusal of an order, as `/initialmargin` tells them.
async fn margin(client: &Client, order_type: &str, side: &str, size: &str, price: &str) -> [Value; 4] {
    let mut arguments = vec![("orderType", order_type), ("symbol", SYMBOL), ("side", side), ("size", size)];
    arguments.extend((order_type == "lmt").then_some(("limitPrice", price)));
    let answer = client.get("/initialmargin", &arguments).await;
    assert_eq!(answer["result"], "success", "{answer}");
    ["initialMargin", "price", "estimatedLiquidationThreshold", "error"].map(|name| answer[name].clone())
}

#[tokio::test]
async fn an_order_s_margin_is_told_before_it_is_sent() {
    let venue = Venue::start().await;
    let (_, poor) = venue.subaccount(0, "poor", "600").await;
    let bob = venue.client(1);
    let no = Value::Null;
    for (order_type, side, size, price, want) in [
        // 1% of 50,000. After the fee of 25, 575 and what the price brings must be 0.5% of it: 49,673.4.
        ("lmt", "buy", "1", "50000", [json!(500), json!(50000), json!(49673), no.clone()]),
        ("lmt", "sell", "1", "50000", [json!(500), json!(50000), json!(50324), no.clone()]),
        ("lmt", "buy", "0.0001", "49000", [json!(0.049), json!(49000), no.clone(), no.clone()]),
        ("lmt", "buy", "2", "50000", [json!(1000), json!(50000), json!(49974), json!("INSUFFICIENT_MARGIN")]),
        ("lmt", "buy", "0", "50000", [no.clone(), json!(50000), no.clone(), json!("INVALID_QUANTITY")]),
        ("lmt", "buy", "-1", "50000", [no.clone(), json!(50000), no.clone(), json!("INVALID_QUANTITY")]),
        ("lmt", "buy", "0.00005", "50000", [no.clone(), json!(50000), no.clone(), json!("INVALID_QUANTITY")]),
        ("lmt", "buy", "1e400", "50000", [no.clone(), json!(50000), no.clone(), json!("INVALID_QUANTITY")]),
        ("lmt", "buy", "1", "50000.5", [no.clone(), no.clone(), no.clone(), json!("INVALID_PRICE")]),
        ("lmt", "buy", "1", "-50000", [no.clone(), no.clone(), no.clone(), json!("INVALID_PRICE")]),
        ("lmt", "buy", "1", "1e400", [no.clone(), no.clone(), no.clone(), json!("INVALID_PRICE")]),
        ("lmt", "buy", "1", "0", [no.clone(), no.clone(), no.clone(), json!("INVALID_PRICE")]),
        // Nothing to trade with.
        ("mkt", "buy", "1", "", [no.clone(), no.clone(), no.clone(), json!("IOC_WOULD_NOT_EXECUTE")]),
    ] {
        let told = margin(&poor, order_type, side, size, price).await;
        assert_eq!(told, want, "{order_type} {side} {size} @ {price}");
    }
    bob.place("lmt", "sell", "1", "50010", &[]).await;
    let [needed, price, _, error] = margin(&poor, "mkt", "buy", "1", "").await;
    assert_eq!((needed, price, error), (json!(505.1), json!(50510), no.clone()), "at its implied limit");
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "suspended"})).await;
    let [.., error] = margin(&poor, "lmt", "buy", "1", "50000").await;
    assert_eq!(error, json!("MARKET_SUSPENDED"));
    assert_eq!(poor.get("/openorders", &[]).await["openOrders"], json!([]), "nothing was sent");
}

#[tokio::test]
async fn the_largest_order_is_the_one_that_passes() {
    let venue = Venue::start().await;
    let (_, poor) = venue.subaccount(0, "poor", "600").await;
    let largest = async |arguments: &[(&str, &str)]| {
        let arguments = [&[("symbol", SYMBOL)][..], arguments].concat();
        let answer = poor.get("/initialmargin/maxordersize", &arguments).await;
        ["maxBuySize", "maxSellSize", "buyPrice", "sellPrice"].map(|name| answer[name].clone())
    };
    let no = Value::Null;
    // 500 of margin and a fee of 25 for each: 600 carry 1.1428.
    let at = [("orderType", "lmt"), ("limitPrice", "50000")];
    assert_eq!(largest(&at).await, [json!(1.1428), json!(1.1428), json!(50000), json!(50000)]);
    assert_eq!(largest(&[("orderType", "mkt")]).await, [json!(0), json!(0), no.clone(), no]);
    assert_eq!(
        poor.place("lmt", "buy", "1.1429", "50000", &[]).await["status"],
        "insufficientAvailableFunds"
    );
    assert_eq!(poor.place("lmt", "buy", "1.1428", "50000", &[]).await["status"], "placed");
    let [buy, sell, ..] = largest(&at).await;
    // It holds 571.40; the other side needs no more than that, but its fee.
    assert_eq!((buy, sell), (json!(0.0544), json!(1.1428)));
}

#[tokio::test]
async fn what_cannot_be_supposed_is_told() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let order =
        [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1"), ("limitPrice", "1")];
    for (name, value, want) in [
        ("symbol", "PF_NOSUCHUSD", "invalidArgument: symbol"),
        ("symbol", "PI_XBTUSD", "invalidArgument: symbol"),
        ("orderType", "post", "invalidArgument: orderType"),
        ("orderType", "limit", "invalidArgument: orderType"),
        ("side", "hold", "invalidArgument: side"),
        ("size", "much", "invalidArgument: size"),
        ("limitPrice", "high", "invalidArgument: limitPrice"),
        ("size", "", "invalidArgument: size"),
    ] {
        let mut arguments = order.to_vec();
        arguments.retain(|(known, _)| *known != name);
        arguments.push((name, value));
        let error = alice.request("GET", "/initialmargin", &arguments).error().await;
        assert_eq!(error.as_deref(), Some(want), "{name}={value}");
        if !["side", "size"].contains(&name) {
            let error = alice.request("GET", "/initialmargin/maxordersize", &arguments).error().await;
            assert_eq!(error.as_deref(), Some(want), "{name}={value}");
        }
    }
    for price in ["0", "-1", "50000.5", "1e400"] {
        let arguments = [("orderType", "lmt"), ("symbol", SYMBOL), ("limitPrice", price)];
        let error = alice.request("GET", "/initialmargin/maxordersize", &arguments).error().await;
        assert_eq!(error.as_deref(), Some("invalidArgument: limitPrice"), "{price}");
    }
    for left_out in 0..order.len() {
        let mut arguments = order.to_vec();
        arguments.remove(left_out);
        let mut request = alice.request("GET", "/initialmargin", &arguments);
        request.authent = None;
        assert_eq!(request.error().await.as_deref(), Some("requiredArgumentMissing"));
    }
    let mut unsigned = alice.request("GET", "/initialmargin", &order);
    unsigned.authent = None;
    assert_eq!(unsigned.error().await.as_deref(), Some("authenticationError"));
    assert_eq!(venue.reader(0).get("/initialmargin", &order).await["result"], "success");
}
