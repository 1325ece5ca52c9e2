//! What bad input is answered, row by row, and that it changes nothing.

use crate::fixture::{Fixture, LOW};
use crate::venue::SYMBOL;
use serde_json::{Value, json};

/// Everything of account A that a refusal must leave as it was.
async fn picture(f: &Fixture) -> Value {
    let mut seen = Vec::new();
    for path in ["/openorders", "/openpositions", "/accounts"] {
        seen.push(f.a.does("GET", path, &[]).await);
    }
    Value::Array(seen)
}

/// A request's error, or its status.
fn word(answer: &Value) -> &str {
    let status = ["sendStatus", "editStatus", "cancelStatus"]
        .iter()
        .find_map(|name| answer.get(*name)?["status"].as_str());
    answer["error"].as_str().or(status).unwrap_or_else(|| panic!("neither error nor status: {answer}"))
}

#[tokio::test]
async fn trailing_stops() {
    let f = Fixture::start(&Default::default()).await;
    for (terms, want) in [
        // Percent: 0.1 to 50, two decimals.
        ("PERCENT 0.1", "placed"),
        ("PERCENT 50", "placed"),
        ("PERCENT 12.34", "placed"),
        ("PERCENT 12.340", "placed"),
        ("PERCENT 0.099", "TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES"),
        ("PERCENT 0.09", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        ("PERCENT 0", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        ("PERCENT -1", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        ("PERCENT 50.01", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        ("PERCENT 1e400", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        // Dollars: whole ticks, from one to half the price; above 50 is nothing special.
        ("QUOTE_CURRENCY 1", "placed"),
        ("QUOTE_CURRENCY 100", "placed"),
        ("QUOTE_CURRENCY 25,000", "placed"),
        ("QUOTE_CURRENCY 25,001", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        ("QUOTE_CURRENCY 0", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        ("QUOTE_CURRENCY -100", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        ("QUOTE_CURRENCY 0.5", "TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE"),
        // Its prices are its own.
        ("PERCENT 1 stopPrice 49,000", "INVALID_PRICE"),
        ("PERCENT 1 limitPrice 49,000", "INVALID_PRICE"),
        // A relative limit is allowed.
        ("PERCENT 1 offset -100 QUOTE_CURRENCY", "placed"),
    ] {
        let order = format!("trailing_stop sell 0.1 {terms} signal mark");
        if want == "placed" {
            f.a.sends(terms, &order, "placed: PLACE").await;
        } else {
            f.a.sends(terms, &order, &format!("invalidPrice: REJECT {want}")).await;
            f.a.sees(terms, &format!("REJECTED - {want} type=TRIGGER_ORDER")).await;
        }
    }
    // What cannot be read, and what is missing.
    let order = |more: &[(&'static str, &'static str)]| {
        let plain = [
            ("orderType", "trailing_stop"),
            ("symbol", SYMBOL),
            ("side", "sell"),
            ("size", "0.1"),
            ("triggerSignal", "mark"),
        ];
        [&plain, more].concat()
    };
    for (more, want) in [
        (vec![], "requiredArgumentMissing"),
        (vec![("trailingStopMaxDeviation", "1")], "requiredArgumentMissing"),
        (vec![("trailingStopDeviationUnit", "PERCENT")], "requiredArgumentMissing"),
        (
            vec![("trailingStopMaxDeviation", "one"), ("trailingStopDeviationUnit", "PERCENT")],
            "invalidArgument: trailingStopMaxDeviation",
        ),
        (
            vec![("trailingStopMaxDeviation", "1"), ("trailingStopDeviationUnit", "TICKS")],
            "invalidArgument: trailingStopDeviationUnit",
        ),
    ] {
        let answer = f.a.asks("POST", "/sendorder", &order(&more)).await;
        assert_eq!(word(&answer), want, "{more:?}");
    }
}

#[tokio::test]
async fn a_trailing_stop_rounds_towards_the_signal_s_far_side_by_less_than_a_tick() {
    let f = Fixture::start(&Default::default()).await;
    for (order, price) in [
        // 1.25 % of 5.00 is 0.0625: 4.9375 and 5.0625.
        ("sell 1 PERCENT 1.25", "4.94"),
        ("buy 1 PERCENT 1.25", "5.06"),
        ("sell 1 QUOTE_CURRENCY 0.07", "4.93"),
        ("buy 1 QUOTE_CURRENCY 0.07", "5.07"),
    ] {
        f.a.sends(order, &format!("trailing_stop {order} on {LOW} signal mark"), "placed").await;
        f.a.sees(order, &format!("TRIGGER_PLACED NEW_USER_ORDER - triggerPrice={price}")).await;
    }
}

#[tokio::test]
async fn edits_of_a_trailing_stop() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("x", "trailing_stop sell 0.1 PERCENT 1 signal mark", "placed: PLACE").await;
    for (terms, want, error) in [
        (
            "stopPrice 48,000",
            "cannotEditTriggerPriceOfTrailingStop",
            "CANNOT_EDIT_TRIGGER_PRICE_OF_TRAILING_STOP",
        ),
        (
            "limitPrice 48,000",
            "cannotEditLimitPriceOfTrailingStop",
            "CANNOT_EDIT_LIMIT_PRICE_OF_TRAILING_STOP",
        ),
        ("PERCENT 1.234", "invalidPrice", "TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES"),
        ("PERCENT 50.01", "invalidPrice", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        ("PERCENT 0.09", "invalidPrice", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        ("QUOTE_CURRENCY 100.5", "invalidPrice", "TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE"),
        ("QUOTE_CURRENCY 25,001", "invalidPrice", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        ("QUOTE_CURRENCY 0", "invalidPrice", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        ("size 0", "invalidSize", "INVALID_QUANTITY"),
    ] {
        f.a.edits("x", terms, want).await;
        f.a.sees("x", &format!("TRIGGER_PLACED NEW_USER_ORDER {error} triggerPrice=49,500")).await;
    }
    f.a.edits("x", "PERCENT 2", "edited: EDIT").await;
    f.a.sees("x", "TRIGGER_PLACED EDITED_BY_USER - triggerPrice=49,000").await;
    f.a.edits("x", "QUOTE_CURRENCY 400", "edited: EDIT").await;
    f.a.sees("x", "TRIGGER_PLACED EDITED_BY_USER - triggerPrice=49,600").await;
    // It followed the market up; an edit that changes nothing takes it back to the price of now.
    f.op_price("51,000").await;
    f.op_price("50,800").await;
    f.a.sees("x", "TRIGGER_PLACED TRAILING_STOP_PRICE_UPDATED - triggerPrice=50,600").await;
    f.a.edits("x", "QUOTE_CURRENCY 400", "edited: EDIT").await;
    f.a.sees("x", "TRIGGER_PLACED EDITED_BY_USER - triggerPrice=50,400").await;
}

#[tokio::test]
async fn relative_limits() {
    let f = Fixture::start(&Default::default()).await;
    for (terms, want) in [
        ("offset -100 QUOTE_CURRENCY", "placed"),
        ("offset 100 QUOTE_CURRENCY", "placed"),
        ("offset 0 QUOTE_CURRENCY", "placed"),
        ("offset -0.12 PERCENT", "placed"),
        ("offset 50 PERCENT", "placed"),
        ("offset -24,000 QUOTE_CURRENCY", "placed"),
        // Units are read in any case.
        ("limitPriceOffsetValue -1 limitPriceOffsetUnit percent", "placed"),
        ("limitPriceOffsetValue -1 limitPriceOffsetUnit quote_currency", "placed"),
        (
            "offset -100.5 QUOTE_CURRENCY",
            "LIMIT_PRICE_OFFSET_QUOTE_CURRENCY_VALUE_MUST_BE_MULTIPLE_OF_TICK_SIZE",
        ),
        ("offset -0.125 PERCENT", "LIMIT_PRICE_OFFSET_PERCENT_VALUE_TOO_MANY_DECIMAL_PLACES"),
        ("offset 50.01 PERCENT", "LIMIT_PRICE_OFFSET_TOO_HIGH"),
        ("offset 24,001 QUOTE_CURRENCY", "LIMIT_PRICE_OFFSET_TOO_HIGH"),
        ("offset 1e400 PERCENT", "LIMIT_PRICE_OFFSET_TOO_HIGH"),
        ("offset -50.01 PERCENT", "LIMIT_PRICE_OFFSET_TOO_LOW"),
        ("offset -24,001 QUOTE_CURRENCY", "LIMIT_PRICE_OFFSET_TOO_LOW"),
        ("offset -1e400 PERCENT", "LIMIT_PRICE_OFFSET_TOO_LOW"),
        ("offset abc PERCENT", "LIMIT_PRICE_OFFSET_VALUE_INVALID"),
        ("offset NaN PERCENT", "LIMIT_PRICE_OFFSET_VALUE_INVALID"),
        ("offset -1 TICKS", "LIMIT_PRICE_OFFSET_UNIT_INVALID"),
        ("offset -1", "LIMIT_PRICE_OFFSET_MUST_HAVE_VALUE_AND_UNIT"),
        ("limitPriceOffsetUnit PERCENT", "LIMIT_PRICE_OFFSET_MUST_HAVE_VALUE_AND_UNIT"),
        ("limitPrice 47,900 offset -1 PERCENT", "LIMIT_PRICE_SET_AS_ABSOLUTE_AND_RELATIVE"),
    ] {
        let order = format!("stp sell 0.1 stopPrice 48,000 signal mark {terms}");
        if want == "placed" {
            f.a.sends(terms, &order, "placed: PLACE").await;
        } else {
            f.a.sends(terms, &order, &format!("invalidPrice: REJECT {want}")).await;
            f.a.sees(terms, &format!("REJECTED - {want} type=TRIGGER_ORDER")).await;
        }
    }
    // An order that is no trigger has no relative limit; that is a plain refusal.
    for order in ["lmt buy 0.1 @ 49,000", "post buy 0.1 @ 49,000", "ioc buy 0.1 @ 50,010", "mkt buy 0.1"] {
        f.a.sends(order, &format!("{order} offset -100 QUOTE_CURRENCY"), "invalidPrice:").await;
        f.a.sees(order, "REJECTED - LIMIT_PRICE_OFFSET_VALUE_INVALID type=ORDER").await;
    }
}

#[tokio::test]
async fn names() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("taken", "lmt buy 0.1 @ 49,000", "placed").await;
    let (fits, long) = ("é".repeat(100), "é".repeat(101));
    for (name, sent, in_a_batch) in [
        ("", "clientOrderIdInvalid", "clientOrderIdInvalid"),
        ("a\u{1}b", "clientOrderIdInvalid", "clientOrderIdInvalid"),
        ("a\nb", "clientOrderIdInvalid", "clientOrderIdInvalid"),
        ("a\u{7f}b", "clientOrderIdInvalid", "clientOrderIdInvalid"),
        (long.as_str(), "clientOrderIdTooBig", "clientOrderIdTooLong"),
        ("taken", "clientOrderIdAlreadyExist", "clientOrderIdAlreadyExist"),
        (fits.as_str(), "placed", "placed"),
        ("Ωmega 1", "placed", "placed"),
    ] {
        f.a.sends(name, "lmt buy 0.1 @ 49,000", sent).await;
        if sent == "placed" {
            f.a.cancels(name, "cancelled").await;
            f.waits(5_000).await;
        }
        let element = json!({
            "order": "send", "order_tag": "1", "orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": 0.1,
            "limitPrice": 49000, "cliOrdId": name,
        });
        f.a.batches(&[element], in_a_batch).await;
    }
    // Half of a pair of surrogates is no character, whether in a form or in JSON.
    let mut request = f.a.client.request(
        "POST",
        "/sendorder",
        &[
            ("orderType", "lmt"),
            ("symbol", SYMBOL),
            ("side", "buy"),
            ("size", "0.1"),
            ("limitPrice", "49000"),
        ],
    );
    request.body.push_str("&cliOrdId=%ED%A0%80");
    request.sign();
    assert_eq!(word(&request.json().await), "clientOrderIdInvalid");
    let element = r#"{"batchOrder": [{"order": "send", "order_tag": "1", "orderType": "lmt", "symbol": "PF_XBTUSD",
        "side": "buy", "size": 0.1, "limitPrice": 49000, "cliOrdId": "\ud800"}]}"#;
    let answer = f.a.does("POST", "/batchorder", &[("json", element)]).await;
    assert_eq!(answer["batchStatus"][0]["status"], "clientOrderIdInvalid", "{answer}");
    // A name is an account's own: B may have the same.
    f.b.sends("taken", "lmt buy 0.1 @ 49,000", "placed").await;
}

#[tokio::test]
async fn edits() {
    let f = Fixture::start(&Default::default()).await;
    f.b.sends("foreign", "lmt buy 0.1 @ 48,000", "placed").await;
    f.a.sends("own", "lmt sell 0.1 @ 50,005", "placed").await;
    // 1.0, of which 0.4 are filled.
    f.b.cancels("bid", "cancelled").await;
    f.a.sends("x", "lmt buy 1 @ 49,000", "placed").await;
    f.b.sends("hit", "ioc sell 0.4 @ 49,000", "placed: EXECUTION 0.4 @ 49,000").await;
    let x = f.a.id("x");
    let before = f.a.sees("x", "ENTERED_BOOK PARTIAL_FILL - quantity=1 filled=0.4").await;
    let picture_before = picture(&f).await;
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let foreign = f.b.id("foreign");
    let by_id = Some(("orderId", x.as_str()));
    for (named, terms, want, error) in [
        // What does not come to the order leaves its record alone, too.
        (None, ("size", "0.2"), "requiredArgumentMissing", "-"),
        (Some(("orderId", nowhere)), ("size", "0.2"), "orderForEditNotFound", "-"),
        (Some(("orderId", foreign.as_str())), ("size", "0.2"), "orderForEditNotFound", "-"),
        (Some(("orderId", "no id")), ("size", "0.2"), "orderForEditNotFound", "-"),
        (Some(("cliOrdId", "nobody")), ("size", "0.2"), "orderForEditNotFound", "-"),
        (by_id, ("size", "much"), "invalidArgument: size", "-"),
        (by_id, ("limitPrice", "high"), "invalidArgument: limitPrice", "-"),
        (by_id, ("stopPrice", "low"), "invalidArgument: stopPrice", "-"),
        (by_id, ("qtyMode", "SOME"), "invalidArgument: qtyMode", "-"),
        (by_id, ("processBefore", "soon"), "invalidArgument: processBefore", "-"),
        (by_id, ("processBefore", "2025-12-31T23:59:59Z"), "wouldProcessAfterSpecifiedTime", "-"),
        // What is refused is noted.
        (Some(("cliOrdId", "x")), ("size", "0"), "invalidSize", "INVALID_QUANTITY"),
        (by_id, ("limitPrice", "0"), "invalidPrice", "INVALID_PRICE"),
        (by_id, ("limitPrice", "49000.5"), "invalidPrice", "INVALID_PRICE"),
        (by_id, ("limitPrice", "1000000001"), "invalidPrice", "INVALID_PRICE"),
        (by_id, ("size", "-0.1"), "invalidSize", "INVALID_QUANTITY"),
        (by_id, ("size", "0.00005"), "invalidSize", "INVALID_QUANTITY"),
        (by_id, ("size", "409"), "invalidSize", "INVALID_QUANTITY"),
        (by_id, ("size", "1e400"), "invalidSize", "INVALID_QUANTITY"),
        (by_id, ("stopPrice", "48000"), "orderForEditNotAStop", "ORDER_CANNOT_HAVE_TRIGGER_PRICE"),
        (by_id, ("size", "100"), "insufficientAvailableFunds", "INSUFFICIENT_MARGIN"),
        (by_id, ("limitPrice", "50005"), "selfFill", "WOULD_EXECUTE_SELF"),
    ] {
        let arguments: Vec<_> = named.into_iter().chain([terms]).collect();
        let answer = f.a.asks("POST", "/editorder", &arguments).await;
        assert_eq!(word(&answer), want, "{arguments:?}");
        let after = f.a.sees("x", &format!("ENTERED_BOOK PARTIAL_FILL {error}")).await;
        assert_eq!(after["order"], before["order"], "{arguments:?}: the order stays");
        f.really_waits(1);
    }
    let absolute = [("orderId", x.as_str()), ("size", "0.4"), ("qtyMode", "ABSOLUTE")];
    assert_eq!(
        word(&f.a.asks("POST", "/editorder", &absolute).await),
        "invalidSize",
        "no more than was filled"
    );
    assert_eq!(picture(&f).await, picture_before);

    // What the two modes of a size mean.
    f.a.edits("x", "size 0.5", "edited: EDIT").await;
    f.a.sees("x", "ENTERED_BOOK EDITED_BY_USER - quantity=0.9 filled=0.4").await;
    f.a.edits("x", "size 0.5 qtyMode ABSOLUTE", "edited: EDIT").await;
    f.a.sees("x", "ENTERED_BOOK EDITED_BY_USER - quantity=0.5 filled=0.4").await;
}

#[tokio::test]
async fn a_post_that_is_edited_into_the_ask_stays() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("x", "post buy 0.1 @ 49,000", "placed: PLACE").await;
    f.a.edits("x", "limitPrice 50,010", "postWouldExecute").await;
    f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER POST_WOULD_EXECUTE limitPrice=49,000").await;
    f.a.edits("x", "limitPrice 50,009", "edited: EDIT").await;
    // An edited limit order trades, as taker.
    f.a.sends("y", "lmt buy 0.1 @ 49,000", "placed").await;
    f.a.edits("y", "limitPrice 50,010", "edited: EDIT, EXECUTION 0.1 @ 50,010").await;
    f.a.sees("y", "FULLY_EXECUTED FULL_FILL - limitPrice=50,010").await;
}

#[tokio::test]
async fn orders() {
    let f = Fixture::start(&Default::default()).await;
    let before = picture(&f).await;
    let good =
        [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "0.1"), ("limitPrice", "49000")];
    for (name, value, want) in [
        ("orderType", "limit", "invalidArgument: orderType"),
        ("side", "hold", "invalidArgument: side"),
        ("symbol", "PF_NOSUCHUSD", "invalidArgument: symbol"),
        ("size", "much", "invalidArgument: size"),
        ("limitPrice", "high", "invalidArgument: limitPrice"),
        ("triggerSignal", "moon", "invalidArgument: triggerSignal"),
        ("reduceOnly", "perhaps", "invalidArgument: reduceOnly"),
        ("processBefore", "soon", "invalidArgument: processBefore"),
    ] {
        let mut order = good.to_vec();
        order.retain(|(known, _)| *known != name);
        order.push((name, value));
        f.a.refused("POST", "/sendorder", &order, want).await;
    }
    // What each type needs; told before the key is looked at.
    for (order_type, needs) in [
        ("lmt", "limitPrice"),
        ("post", "limitPrice"),
        ("ioc", "limitPrice"),
        ("fok", "limitPrice"),
        ("stp", "stopPrice"),
        ("take_profit", "stopPrice"),
    ] {
        let order = [("orderType", order_type), ("symbol", SYMBOL), ("side", "sell"), ("size", "0.1")];
        let mut request = f.a.client.request("POST", "/sendorder", &order);
        request.api_key = Some("nobody".to_owned());
        assert_eq!(
            request.error().await.as_deref(),
            Some("requiredArgumentMissing"),
            "{order_type} needs {needs}"
        );
        let stop = [&order[..], &[("stopPrice", "48000.5")]].concat();
        if needs == "stopPrice" {
            assert_eq!(word(&f.a.asks("POST", "/sendorder", &stop).await), "invalidPrice");
        }
    }
    assert_eq!(picture(&f).await, before);
}

#[tokio::test]
async fn whole_requests() {
    let f = Fixture::start(&Default::default()).await;
    let before = picture(&f).await;
    let nowhere = "/subaccount/00000000-0000-4000-8000-000000000000/trading-enabled";
    let transfer = |from: &'static str, to: &'static str, unit: &'static str, amount: &'static str| {
        vec![("fromAccount", from), ("toAccount", to), ("unit", unit), ("amount", amount)]
    };
    for (method, path, arguments, want) in [
        ("POST", "/orders/status", vec![("orderIds", "not-a-uuid")], "invalidArgument"),
        ("POST", "/cancelallorders", vec![("symbol", "PF_NOSUCHUSD")], "invalidArgument: symbol"),
        ("POST", "/cancelorder", vec![], "requiredArgumentMissing"),
        ("POST", "/batchorder", vec![], "requiredArgumentMissing"),
        ("PUT", "/self-trade-strategy", vec![], "requiredArgumentMissing"),
        ("PUT", "/self-trade-strategy", vec![("strategy", "TALK")], "invalidArgument: strategy"),
        ("PUT", "/leveragepreferences", vec![], "requiredArgumentMissing"),
        (
            "PUT",
            "/leveragepreferences",
            vec![("symbol", SYMBOL), ("maxLeverage", "x")],
            "invalidArgument: maxLeverage",
        ),
        ("POST", "/transfer", vec![("fromAccount", "flex")], "requiredArgumentMissing"),
        ("POST", "/transfer", transfer("flex", "cash", "usd", "1000000000"), "insufficientFunds"),
        ("POST", "/transfer", transfer("margin_wallet", "cash", "usd", "1"), "invalidAccount"),
        ("POST", "/transfer", transfer("flex", "fi_foousd", "usd", "1"), "invalidAccount"),
        ("POST", "/transfer", transfer("flex", "cash", "usd", "0"), "invalidAmount"),
        ("POST", "/transfer", transfer("flex", "cash", "usd", "0.000000000001"), "invalidAmount"),
        ("POST", "/transfer", transfer("flex", "cash", "abc", "1"), "invalidUnit"),
        ("POST", "/transfer", transfer("fi_xbtusd", "cash", "usd", "1"), "invalidUnit"),
        ("GET", nowhere, vec![], "notFound"),
        ("PUT", nowhere, vec![("tradingEnabled", "false")], "notFound"),
    ] {
        f.a.refused(method, path, &arguments, want).await;
    }
    // Money leaves only by a key that may take it.
    let withdrawal = [("currency", "usd"), ("amount", "1"), ("sourceWallet", "flex")];
    f.a.refused("POST", "/withdrawal", &withdrawal, "authenticationError").await;
    assert_eq!(picture(&f).await, before);
}
