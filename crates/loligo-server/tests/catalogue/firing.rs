//! What a trigger is checked for when it fires, and when it does not fire.

use crate::fixture::Fixture;
use crate::runner::{Ran, Steps, report, run, steps};
use crate::venue::SYMBOL;

/// The check that a fired trigger fails: the word in its record, and how it comes to that.
const REFUSED: &[(&str, Steps)] = &[
    (
        "ORDER_LIMIT_EXCEEDED",
        steps!(|f| {
            f.op_limit("open_orders", 1).await;
            f.a.sends("own", "lmt buy 0.1 @ 49,000", "placed: PLACE").await;
            f.a.sends("x", "stp buy 0.1 stopPrice 50,100 limitPrice 49,000 signal mark", "placed: PLACE")
                .await;
            f.op_price("50,100").await;
            failed(&f, "ORDER_LIMIT_EXCEEDED").await;
            f.a.sees("own", "ENTERED_BOOK NEW_USER_ORDER -").await;
        }),
    ),
    (
        "WOULD_NOT_REDUCE_POSITION",
        steps!(|f| {
            f.a.sends("x", "stp sell 0.1 stopPrice 49,900 signal mark reduceOnly", "placed: PLACE").await;
            f.op_price("49,900").await;
            failed(&f, "WOULD_NOT_REDUCE_POSITION").await;
        }),
    ),
    (
        "FIXED_LEVERAGE_TOO_HIGH",
        steps!(|f| {
            f.a.does("PUT", "/leveragepreferences", &[("symbol", SYMBOL), ("maxLeverage", "100")]).await;
            f.a.sends("x", "stp buy 25 stopPrice 50,100 limitPrice 50,000 signal mark", "placed: PLACE")
                .await;
            f.op_price("50,100").await;
            failed(&f, "FIXED_LEVERAGE_TOO_HIGH").await;
        }),
    ),
    (
        "MAX_POSITION_EXCEEDED",
        steps!(|f| {
            f.a.sends("x", "take_profit buy 1,201 stopPrice 10,000 signal mark", "placed: PLACE").await;
            f.op_price("10,000").await;
            failed(&f, "MAX_POSITION_EXCEEDED").await;
        }),
    ),
    (
        "PRICE_COLLAR",
        steps!(|f| {
            f.b_quotes(&["lmt sell 1 @ 61,000"]).await;
            f.a.sends("x", "stp buy 0.1 stopPrice 50,100 signal mark", "placed: PLACE").await;
            f.op_price("50,100").await;
            failed(&f, "PRICE_COLLAR").await;
        }),
    ),
    (
        "PRICE_DISLOCATION",
        steps!(|f| {
            f.b_quotes(&["lmt sell 1 @ 53,010", "lmt buy 1 @ 53,000"]).await;
            f.a.sends("x", "stp buy 0.1 stopPrice 50,100 signal mark", "placed: PLACE").await;
            f.op_price("50,100").await;
            failed(&f, "PRICE_DISLOCATION").await;
        }),
    ),
    (
        "INSUFFICIENT_MARGIN",
        steps!(|f| {
            f.a.sends("x", "stp buy 100 stopPrice 50,100 signal mark", "placed: PLACE").await;
            f.op_price("50,100").await;
            failed(&f, "INSUFFICIENT_MARGIN").await;
        }),
    ),
    (
        "WOULD_CAUSE_LIQUIDATION",
        steps!(|f| {
            f.a_holds(700).await;
            f.b_quotes(&["lmt sell 1 @ 50,600"]).await;
            // The mark is 50,100 when it fires: 700 less 25.30 fee and 500 loss leave 174.70 of 250.50.
            f.a.sends("x", "stp buy 1 stopPrice 50,100 limitPrice 50,600 signal mark", "placed: PLACE").await;
            f.op_price("50,100").await;
            failed(&f, "WOULD_CAUSE_LIQUIDATION").await;
        }),
    ),
    (
        "INSUFFICIENT_CLOSING_MARGIN",
        steps!(|f| {
            f.a_holds(600).await;
            f.a.sends("position", "lmt buy 1 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
            f.b_quotes(&["lmt buy 1 @ 49,300"]).await;
            f.a.sends("x", "stp sell 1 stopPrice 49,990 signal mark reduceOnly", "placed: PLACE").await;
            f.op_price("49,990").await;
            failed(&f, "INSUFFICIENT_CLOSING_MARGIN").await;
        }),
    ),
    (
        "IOC_WOULD_NOT_EXECUTE",
        steps!(|f| {
            f.b_quotes(&[]).await;
            f.a.sends("x", "stp buy 0.1 stopPrice 50,100 signal mark", "placed: PLACE").await;
            f.op_price("50,100").await;
            failed(&f, "IOC_WOULD_NOT_EXECUTE").await;
        }),
    ),
    (
        "WOULD_EXECUTE_SELF",
        steps!(|f| {
            f.a.sends("own", "lmt sell 0.1 @ 50,005", "placed: PLACE").await;
            f.a.sends("x", "stp buy 0.1 stopPrice 50,100 signal mark", "placed: PLACE").await;
            f.op_price("50,100").await;
            failed(&f, "WOULD_EXECUTE_SELF").await;
            f.a.sees("own", "ENTERED_BOOK NEW_USER_ORDER -").await;
        }),
    ),
];

async fn failed(f: &Fixture, error: &str) {
    let want = format!("TRIGGER_ACTIVATION_FAILURE STOP_ORDER_TRIGGERED {error} type=TRIGGER_ORDER filled=0");
    f.a.sees("x", &want).await;
    // It is over: gone from the list at once, from the status endpoint after five seconds.
    let open = f.a.does("GET", "/openorders", &[]).await;
    let stops: Vec<_> = open["openOrders"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|row| row["orderType"] != "lmt")
        .collect();
    assert!(stops.is_empty(), "{stops:?}");
    f.waits(5_000).await;
    f.a.sees_all("x", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fired_trigger_is_checked_like_any_order() {
    let mut bad = Vec::new();
    for Ran { case, outcome } in run(REFUSED.iter().copied()).await {
        bad.extend(outcome.err().map(|why| format!("{case}: {why}")));
    }
    report(&mut bad);
}

#[tokio::test]
async fn a_halted_market_fires_nothing_and_looks_again_when_it_opens() {
    for state in ["suspended", "post_only"] {
        let f = Fixture::start(&Default::default()).await;
        f.a.sends("passed", "stp sell 0.1 stopPrice 49,500 signal mark", "placed: PLACE").await;
        f.a.sends("still", "stp sell 0.1 stopPrice 49,000 signal mark", "placed: PLACE").await;
        f.op_market(SYMBOL, state).await;
        f.op_price("48,900").await;
        for name in ["passed", "still"] {
            f.a.sees(name, "TRIGGER_PLACED NEW_USER_ORDER -").await;
        }
        // Judged by the price of now: one would have fired on the way, and is spared.
        f.op_price("49,200").await;
        f.op_market(SYMBOL, "open").await;
        f.a.sees("passed", "FULLY_EXECUTED FULL_FILL - type=ORDER filled=0.1").await;
        f.a.sees("still", "TRIGGER_PLACED NEW_USER_ORDER -").await;
    }
}

#[tokio::test]
async fn a_cancelled_trigger_does_not_fire() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("x", "stp sell 0.1 stopPrice 49,500 signal mark", "placed: PLACE").await;
    f.a.cancels("x", "cancelled: CANCEL").await;
    f.op_price("49,000").await;
    f.a.sees("x", "CANCELLED CANCELLED_BY_USER - triggerTime=-").await;
}
