//! Each order type once through its life: what it is answered, and what its record says.

use crate::fixture::Fixture;
use serde_json::json;

#[tokio::test]
async fn limit_orders_rest_and_post_orders_only_rest() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("lmt", "lmt buy 0.1 @ 49,000", "placed: PLACE").await;
    f.a.sees("lmt", "ENTERED_BOOK NEW_USER_ORDER - type=ORDER limitPrice=49,000").await;
    f.a.sends("post", "post buy 0.1 @ 49,000", "placed: PLACE").await;
    f.a.sees("post", "ENTERED_BOOK NEW_USER_ORDER - type=ORDER limitPrice=49,000").await;
    f.a.sends("cross", "post buy 0.1 @ 50,010", "postWouldExecute: REJECT POST_WOULD_EXECUTE").await;
    f.a.sees("cross", "REJECTED POST_WOULD_EXECUTE_REASON POST_WOULD_EXECUTE").await;
    // A limit order beyond the ask trades at the ask's own price, and better than its limit.
    f.a.sends("better", "lmt buy 0.1 @ 50,500", "placed: EXECUTION 0.1 @ 50,010").await;
}

#[tokio::test]
async fn immediate_orders_take_what_is_there() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("half", "ioc buy 0.5 @ 50,010", "placed: EXECUTION 0.5 @ 50,010").await;
    f.a.sees("half", "FULLY_EXECUTED FULL_FILL - filled=0.5").await;
    f.a.sends("more", "ioc buy 1.5 @ 50,010", "placed: EXECUTION 0.5 @ 50,010").await;
    f.a.sees("more", "CANCELLED PARTIAL_FILL - quantity=1.5 filled=0.5").await;
    f.a.sends("none", "ioc buy 0.5 @ 50,010", "iocWouldNotExecute: REJECT IOC_WOULD_NOT_EXECUTE").await;
}

#[tokio::test]
async fn market_orders_reach_one_per_cent_beyond_the_touch() {
    let f = Fixture::start(&Default::default()).await;
    let sent = f.a.sends("mkt", "mkt buy 0.5", "placed: EXECUTION 0.5 @ 50,010").await;
    let shown = &sent["orderEvents"][0]["orderPriorExecution"];
    assert_eq!(
        (&shown["type"], &shown["limitPrice"]),
        (&json!("ioc"), &json!(50510)),
        "50,510.1 rounded down"
    );
    f.a.sees("mkt", "FULLY_EXECUTED FULL_FILL - limitPrice=50,510").await;
    // 0.1 @ 50,000, then 1 @ 50,510: 1.02 per cent away, out of reach.
    f.b_quotes(&["lmt sell 0.1 @ 50,000", "lmt sell 1 @ 50,510"]).await;
    f.a.sends("rest", "mkt buy 0.5", "placed: EXECUTION 0.1 @ 50,000").await;
    f.a.sees("rest", "CANCELLED PARTIAL_FILL - limitPrice=50,500 filled=0.1").await;
    // A sell's limit is rounded up: 49,990 x 0.99 = 49,490.1.
    f.b_quotes(&["lmt buy 1 @ 49,990"]).await;
    f.a.sends("sell", "mkt sell 0.5", "placed: EXECUTION 0.5 @ 49,990").await;
    f.a.sees("sell", "FULLY_EXECUTED FULL_FILL - limitPrice=49,491").await;
}

#[tokio::test]
async fn fill_or_kill_orders_take_all_or_nothing() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("two", "fok buy 2 @ 50,010", "iocWouldNotExecute: REJECT IOC_WOULD_NOT_EXECUTE").await;
    f.a.sees("two", "REJECTED IOC_WOULD_NOT_EXECUTE_REASON IOC_WOULD_NOT_EXECUTE filled=0").await;
    f.a.sends("one", "fok buy 1 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
    f.a.sees("one", "FULLY_EXECUTED FULL_FILL - filled=1").await;
}

#[tokio::test]
async fn stops_fire_as_market_orders() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("stp", "stp sell 0.1 stopPrice 49,000 signal mark", "placed: PLACE").await;
    let id = f.a.id("stp");
    f.op_price("48,990").await;
    let fired =
        f.a.sees("stp", "FULLY_EXECUTED FULL_FILL - type=ORDER triggerTime=set limitPrice=49,491").await;
    assert_eq!(fired["order"]["orderId"], json!(id), "it keeps its id");
    let fills = f.a.does("GET", "/fills", &[]).await;
    assert_eq!((&fills["fills"][0]["order_id"], &fills["fills"][0]["price"]), (&json!(id), &json!(49990)));
}

#[tokio::test]
async fn take_profits_fire_from_the_other_side_at_the_price_itself() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("profit", "take_profit sell 0.1 stopPrice 51,000 signal mark", "placed: PLACE").await;
    f.op_price("50,999").await;
    f.a.sees("profit", "TRIGGER_PLACED NEW_USER_ORDER -").await;
    f.op_price("51,000").await;
    f.a.sees("profit", "FULLY_EXECUTED FULL_FILL - type=ORDER filled=0.1").await;
}

#[tokio::test]
async fn a_stop_beyond_its_price_fires_as_it_arrives() {
    let f = Fixture::start(&Default::default()).await;
    let sent = f.a.sends("x", "stp sell 0.1 stopPrice 50,500 signal mark", "placed").await;
    assert_eq!(crate::expected::events(&sent), "PLACE, EXECUTION 0.1 @ 49990", "{sent:#}");
    f.a.sees("x", "FULLY_EXECUTED FULL_FILL - type=ORDER triggerTime=set").await;
    // The reply is `placed` even when what it becomes is refused; the record tells.
    f.a.sends("y", "stp buy 0.1 stopPrice 49,500 signal mark reduceOnly", "placed").await;
    f.a.sees("y", "FULLY_EXECUTED FULL_FILL - filled=0.1").await;
    f.a.sends("z", "stp buy 0.1 stopPrice 49,500 signal mark reduceOnly", "placed").await;
    f.a.sees("z", "TRIGGER_ACTIVATION_FAILURE STOP_ORDER_TRIGGERED WOULD_NOT_REDUCE_POSITION").await;
}

#[tokio::test]
async fn stops_listen_to_the_last_trade_unless_told_otherwise() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("x", "stp sell 0.1 stopPrice 49,995", "placed: PLACE").await;
    f.op_price("49,000").await;
    f.a.sees("x", "TRIGGER_PLACED NEW_USER_ORDER -").await;
    // B's sale at its own price is one of another account: the stop sells to what is left of the bid.
    f.a.sends("sale", "ioc sell 0.4 @ 49,990", "placed: EXECUTION 0.4 @ 49,990").await;
    f.a.sees("x", "FULLY_EXECUTED FULL_FILL - type=ORDER filled=0.1").await;
}

#[tokio::test]
async fn reduce_only_orders_are_cut_to_the_position() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("buy", "lmt buy 0.3 @ 50,010", "placed: EXECUTION 0.3 @ 50,010").await;
    let sent = f.a.sends("near", "lmt sell 1 @ 50,500 reduceOnly", "placed: PLACE").await;
    assert_eq!(sent["orderEvents"][0]["reducedQuantity"].to_string(), "0.7", "{sent:#}");
    f.a.sees("near", "ENTERED_BOOK NEW_USER_ORDER - quantity=0.3").await;
    // Less aggressive than what rests for all of it: nothing would be left.
    f.a.sends("far", "lmt sell 0.1 @ 51,000 reduceOnly", "wouldNotReducePosition").await;
    // More aggressive: the other one is cut.
    f.a.sends("nearer", "lmt sell 0.1 @ 50,400 reduceOnly", "placed: PLACE").await;
    f.a.sees("near", "ENTERED_BOOK * - quantity=0.2").await;
    // What closes at once is not held up by what rests.
    f.a.sends("half", "mkt sell 0.2 reduceOnly", "placed: EXECUTION 0.2 @ 49,990").await;
    f.a.sees("nearer", "ENTERED_BOOK * - quantity=0.1").await;
    f.a.sees("near", "CANCELLED WOULD_NOT_REDUCE_POSITION -").await;
}
