//! In which order the checks of an order run.
//!
//! For each pair of neighbouring rows, a request that both would refuse is answered by the earlier one; then the same
//! request without the earlier fault, by the later one.

use crate::fixture::{Fixture, contract};
use crate::runner::{Ran, Steps, report, run, steps};
use crate::venue::SYMBOL;
use serde_json::json;

/// The rows, as far as they refuse an order.
const ROWS: [&str; 20] = [
    "required arguments",
    "authentication",
    "nonce",
    "rate",
    "arguments readable",
    "account active",
    "processBefore",
    "market",
    "price",
    "size",
    "cliOrdId",
    "small orders",
    "open orders",
    "reduce-only",
    "leverage",
    "position limit",
    "price collar",
    "dislocation",
    "margin",
    "book",
];

/// An order that nothing is wrong with, and one whose side is none.
const GOOD: [(&str, &str); 5] =
    [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "0.1"), ("limitPrice", "49000")];
const HOLD: [(&str, &str); 5] = [GOOD[0], GOOD[1], ("side", "hold"), GOOD[3], GOOD[4]];
const PAST: &str = "processBefore 2025-12-31T23:59:59Z";

/// The row that comes first; the next one is the other.
macro_rules! before_the_next {
    ($row:literal, |$f:ident| $steps:block) => {
        ($row, steps!(|$f| $steps))
    };
}

/// The answer to an order that is signed anew after it was changed.
async fn sends(f: &Fixture, order: &[(&str, &str)], nonce: Option<u64>, false_key: bool) -> String {
    let mut request = f.a.client.request("POST", "/sendorder", order);
    if let Some(nonce) = nonce {
        request = request.nonce(nonce);
    }
    if false_key {
        request.api_key = Some("nobody".to_owned());
    }
    let answer = request.json().await;
    let word = answer["error"].as_str().or(answer["sendStatus"]["status"].as_str());
    word.expect("an error or a status").to_owned()
}

async fn spend_the_rate(f: &Fixture) {
    for _ in 0..20 {
        f.a.cancels_all().await;
    }
}

async fn leverage(f: &Fixture, most: &[(&str, &str)]) {
    f.a.does("PUT", "/leveragepreferences", &[&[("symbol", SYMBOL)], most].concat()).await;
}

const PAIRS: &[(usize, Steps)] = &[
    before_the_next!(0, |f| {
        assert_eq!(sends(&f, &GOOD[..4], None, true).await, "requiredArgumentMissing");
        assert_eq!(sends(&f, &GOOD, None, true).await, "authenticationError");
    }),
    before_the_next!(1, |f| {
        assert_eq!(sends(&f, &GOOD, Some(7), false).await, "placed");
        assert_eq!(sends(&f, &GOOD, Some(7), true).await, "authenticationError");
        assert_eq!(sends(&f, &GOOD, Some(7), false).await, "nonceDuplicate");
    }),
    before_the_next!(2, |f| {
        assert_eq!(f.a.client.request("POST", "/cancelallorders", &[]).nonce(7).error().await, None);
        for _ in 0..19 {
            f.a.cancels_all().await;
        }
        assert_eq!(sends(&f, &GOOD, Some(7), false).await, "nonceDuplicate");
        assert_eq!(sends(&f, &GOOD, Some(8), false).await, "apiLimitExceeded");
    }),
    before_the_next!(3, |f| {
        spend_the_rate(&f).await;
        assert_eq!(sends(&f, &HOLD, None, false).await, "apiLimitExceeded");
        f.really_waits(10);
        assert_eq!(sends(&f, &HOLD, None, false).await, "invalidArgument: side");
    }),
    before_the_next!(4, |f| {
        f.op("POST", &format!("/accounts/{}/deactivate", f.a.uid), json!({})).await;
        assert_eq!(sends(&f, &HOLD, None, false).await, "invalidArgument: side");
        assert_eq!(sends(&f, &GOOD, None, false).await, "accountInactive");
    }),
    before_the_next!(5, |f| {
        f.op("POST", &format!("/accounts/{}/deactivate", f.a.uid), json!({})).await;
        let late = [&GOOD[..], &[("processBefore", "2025-12-31T23:59:59Z")]].concat();
        assert_eq!(sends(&f, &late, None, false).await, "accountInactive");
        f.op("POST", &format!("/accounts/{}/activate", f.a.uid), json!({})).await;
        assert_eq!(sends(&f, &late, None, false).await, "wouldProcessAfterSpecifiedTime");
    }),
    before_the_next!(6, |f| {
        f.op_market(SYMBOL, "suspended").await;
        f.a.sends("x", &format!("lmt buy 0.1 @ 49,000 {PAST}"), "wouldProcessAfterSpecifiedTime").await;
        f.a.sends("x", "lmt buy 0.1 @ 49,000", "marketSuspended").await;
    }),
    before_the_next!(7, |f| {
        for (state, word) in [
            ("suspended", "marketSuspended"),
            ("post_only", "marketIsPostOnly"),
            ("inactive", "marketInactive"),
        ] {
            f.op_market(SYMBOL, state).await;
            f.a.sends("x", "lmt buy 0.1 @ 49,000.5", word).await;
        }
        f.op_market(SYMBOL, "open").await;
        f.a.sends("x", "lmt buy 0.1 @ 49,000.5", "invalidPrice").await;
    }),
    before_the_next!(8, |f| {
        f.a.sends("x", "lmt buy 0 @ 49,000.5", "invalidPrice").await;
        f.a.sends("x", "lmt buy 0 @ 49,000", "invalidSize").await;
        // The shapes of triggers belong to the price.
        let refused = "invalidPrice: REJECT TRAILING_STOP_MAX_DEVIATION_TOO_LARGE";
        f.a.sends("x", "trailing_stop sell 0 PERCENT 60 signal mark", refused).await;
        let refused = "invalidSize: REJECT INVALID_QUANTITY";
        f.a.sends("x", "trailing_stop sell 0 PERCENT 50 signal mark", refused).await;
    }),
    before_the_next!(9, |f| {
        f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
        f.a.sends("x", "lmt buy 0 @ 49,000", "invalidSize").await;
        f.a.sends("x", "lmt buy 0.1 @ 49,000", "clientOrderIdAlreadyExist").await;
    }),
    before_the_next!(10, |f| {
        f.op_limit("small_orders", 1).await;
        f.a.sends("x", "lmt buy 0.0001 @ 49,000", "placed").await;
        f.a.sends("x", "lmt buy 0.0001 @ 49,000", "clientOrderIdAlreadyExist").await;
        f.a.sends("y", "lmt buy 0.0001 @ 49,000", "tooManySmallOrders").await;
    }),
    before_the_next!(11, |f| {
        f.op_limit("small_orders", 1).await;
        f.op_limit("open_orders", 1).await;
        f.a.sends("x", "lmt buy 0.0001 @ 49,000", "placed").await;
        f.a.sends("y", "lmt buy 0.0001 @ 49,000", "tooManySmallOrders").await;
        f.a.sends("y", "lmt buy 0.1 @ 49,000", "tooManyOrders").await;
    }),
    before_the_next!(12, |f| {
        f.op_limit("open_orders", 1).await;
        f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
        f.a.sends("y", "lmt buy 0.1 @ 49,000 reduceOnly", "tooManyOrders").await;
        f.a.cancels("x", "cancelled").await;
        f.a.sends("y", "lmt buy 0.1 @ 49,000 reduceOnly", "wouldNotReducePosition").await;
    }),
    before_the_next!(13, |f| {
        leverage(&f, &[("maxLeverage", "100")]).await;
        f.a.sends("x", "lmt buy 25 @ 49,000 reduceOnly", "wouldNotReducePosition").await;
        f.a.sends("x", "lmt buy 25 @ 49,000", "fixedLeverageTooHigh").await;
    }),
    before_the_next!(14, |f| {
        leverage(&f, &[("maxLeverage", "100")]).await;
        f.a.sends("x", "lmt buy 1,201 @ 10,000", "fixedLeverageTooHigh").await;
        leverage(&f, &[]).await;
        f.a.sends("x", "lmt buy 1,201 @ 10,000", "maxPositionViolation").await;
    }),
    before_the_next!(15, |f| {
        f.a_holds(100_000_000).await;
        f.b_quotes(&["lmt sell 1 @ 61,000"]).await;
        f.a.sends("resting", "lmt buy 1,000 @ 10,000", "placed: PLACE").await;
        f.a.sends("x", "lmt buy 201 @ 61,000", "maxPositionViolation").await;
        f.a.sends("x", "lmt buy 200 @ 61,000", "outsidePriceCollar").await;
    }),
    before_the_next!(16, |f| {
        f.b_quotes(&["lmt sell 1 @ 61,000", "lmt buy 1 @ 53,000"]).await;
        f.a.sends("x", "lmt buy 0.1 @ 61,000", "outsidePriceCollar").await;
        f.b_quotes(&["lmt sell 1 @ 59,000", "lmt buy 1 @ 53,000"]).await;
        f.a.sends("x", "lmt buy 0.1 @ 59,000", "wouldIncreasePriceDislocation").await;
    }),
    before_the_next!(17, |f| {
        f.b_quotes(&["lmt sell 1 @ 53,010", "lmt buy 1 @ 53,000"]).await;
        f.a.sends("x", "lmt buy 100 @ 53,010", "wouldIncreasePriceDislocation").await;
        f.b_quotes(&["lmt sell 1 @ 50,010", "lmt buy 1 @ 49,990"]).await;
        f.a.sends("x", "lmt buy 100 @ 53,010", "insufficientAvailableFunds").await;
    }),
    before_the_next!(18, |f| {
        f.a.sends("x", "post buy 100 @ 50,010", "insufficientAvailableFunds").await;
        f.a.sends("x", "ioc buy 100 @ 50,000", "insufficientAvailableFunds").await;
        f.a.sends("x", "fok buy 100 @ 50,010", "insufficientAvailableFunds").await;
        f.a.sends("own", "lmt sell 0.1 @ 50,005", "placed").await;
        f.a.sends("x", "lmt buy 100 @ 50,005", "insufficientAvailableFunds").await;
        f.a.sends("x", "post buy 1 @ 50,010", "postWouldExecute").await;
        f.a.sends("x", "ioc buy 1 @ 50,000", "iocWouldNotExecute").await;
        f.a.sends("x", "fok buy 2 @ 50,004", "iocWouldNotExecute").await;
        f.a.sends("x", "lmt buy 1 @ 50,005", "selfFill").await;
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_earlier_of_two_neighbouring_checks_answers() {
    assert_eq!(PAIRS.iter().map(|(row, _)| *row).collect::<Vec<_>>(), (0..19).collect::<Vec<_>>());
    let mut failed = Vec::new();
    for Ran { case: row, outcome } in run(PAIRS.iter().copied()).await {
        let pair = format!("row {row} ({}) before row {} ({})", ROWS[row], row + 1, ROWS[row + 1]);
        failed.extend(outcome.err().map(|why| format!("{pair}: {why}")));
    }
    report(&mut failed);
}

/// Inside the margin row: first the margin that is missing, then the liquidation.
#[tokio::test]
async fn margin_is_asked_before_liquidation() {
    let f = Fixture::start(&Default::default()).await;
    f.a_holds(400).await;
    f.b_quotes(&["lmt sell 1 @ 50,450"]).await;
    f.a.sends("x", "ioc buy 1 @ 50,450", "insufficientAvailableFunds").await;
    f.a.sees("x", "REJECTED - INSUFFICIENT_MARGIN").await;

    // A sale of nine tenths loses 909 of 574.995 and would leave a tenth with less than nothing behind it.
    let f = Fixture::start(&Default::default()).await;
    f.a_holds(600).await;
    f.a.sends("position", "lmt buy 1 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
    f.b_quotes(&["lmt buy 1 @ 49,000"]).await;
    f.a.sends("x", "lmt sell 0.9 @ 49,000", "insufficientAvailableFunds").await;
    f.a.sees("x", "REJECTED - INSUFFICIENT_CLOSING_MARGIN").await;
}

/// Inside the book row: a post order meets anybody's order, then one's own is told from another's.
#[tokio::test]
async fn what_the_book_answers_first() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("own", "lmt sell 0.1 @ 50,005", "placed: PLACE").await;
    f.a.sends("x", "post buy 0.1 @ 50,005", "postWouldExecute").await;
    f.a.sends("x", "ioc buy 0.1 @ 50,005", "selfFill").await;
    f.a.sends("x", "fok buy 2 @ 50,010", "selfFill").await;
    f.a.sees("own", "ENTERED_BOOK NEW_USER_ORDER -").await;
}

/// A trigger that waits holds no money, no position and nothing to reduce: those rows wait, too.
#[tokio::test]
async fn a_waiting_trigger_is_not_asked_for_what_only_a_fired_one_needs() {
    let f = Fixture::start(&Default::default()).await;
    for (name, order) in [
        ("reduce-only", "stp sell 0.1 stopPrice 48,000 signal mark reduceOnly"),
        ("position limit", "take_profit buy 1,201 stopPrice 10,000 signal mark"),
        ("collar", "stp buy 0.1 stopPrice 55,000 limitPrice 70,000 signal mark"),
        ("margin", "stp buy 100 stopPrice 55,000 signal mark"),
    ] {
        f.a.sends(name, order, "placed: PLACE").await;
        f.a.sees(name, "TRIGGER_PLACED NEW_USER_ORDER -").await;
    }
    // What it is asked when it arrives.
    f.a.sends("x", "stp sell 0 stopPrice 48,000.5", "invalidPrice: REJECT INVALID_PRICE").await;
    f.a.sends("x", "stp sell 0 stopPrice 48,000", "invalidSize: REJECT INVALID_QUANTITY").await;
    f.a.sends(
        "margin",
        "stp sell 1 stopPrice 48,000",
        "clientOrderIdAlreadyExist: REJECT CLIENT_ORDER_ID_IN_USE",
    )
    .await;
}

/// The checks of a trailing stop among themselves: decimals or tick, too large, too small, reference price.
#[tokio::test]
async fn the_shape_of_a_trailing_stop_is_checked_in_order() {
    let f = Fixture::start(&Default::default()).await;
    f.op("POST", "/markets", contract("PF_NEWUSD", "LOW:USD")).await;
    for (deviation, word) in [
        ("PERCENT 50.001 signal mark", "TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES"),
        ("PERCENT 0.001 signal mark", "TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES"),
        ("QUOTE_CURRENCY 25,000.5 signal mark", "TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE"),
        ("QUOTE_CURRENCY 0.5 signal mark", "TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE"),
        ("PERCENT 60 on PF_NEWUSD signal last", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        ("PERCENT 0.09 on PF_NEWUSD signal last", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        (
            "PERCENT 1 on PF_NEWUSD signal last",
            "NO_REFERENCE_PRICE_AVAILABLE_FOR_CALCULATING_TRAILING_STOP_TRIGGER_PRICE",
        ),
    ] {
        let refused = format!("invalidPrice: REJECT {word}");
        f.a.sends("x", &format!("trailing_stop sell 1 {deviation}"), &refused).await;
    }
}
