//! Triggers: how they wait, which way they look, and what becomes of them when they fire.

use super::{Scenario, scenario};
use crate::seed::{kind, reason, refusal, status, trigger_side, trigger_signal};

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "A stop waits below the market",
        "The order is a trigger that has not fired.",
        [status("TRIGGER_PLACED"), kind("TRIGGER_ORDER")],
        |f| {
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000", "placed: PLACE").await;
            let waits = "TRIGGER_PLACED NEW_USER_ORDER - type=TRIGGER_ORDER limitPrice=- triggerTime=- \
                         triggerPrice=48,000 triggerSide=TRIGGER_BELOW triggerSignal=LAST_PRICE";
            f.a.sees("x", waits).await;
            f.a.cancels("x", "cancelled: CANCEL").await;
            f.a.sees("x", "CANCELLED CANCELLED_BY_USER - type=TRIGGER_ORDER").await;
        }
    ),
    scenario!(
        "A plain order, and a stop that became one",
        "The order is no trigger, or a trigger that has fired and was accepted.",
        [kind("ORDER")],
        |f| {
            f.a.sends("plain", "lmt buy 0.1 @ 49,000", "placed: PLACE").await;
            f.a.sees("plain", "ENTERED_BOOK NEW_USER_ORDER - type=ORDER triggerTime=- triggerPrice=-").await;
            f.a.sends("stop", "stp sell 0.1 stopPrice 49,000 signal mark", "placed: PLACE").await;
            f.op_price("49,000").await;
            let fired =
                "FULLY_EXECUTED FULL_FILL - type=ORDER triggerTime=set triggerPrice=49,000 filled=0.1";
            f.a.sees("stop", fired).await;
        }
    ),
    scenario!(
        "A reduce-only stop fires without a position",
        "The trigger fired, and the order it became was refused; `error` says by which check.",
        [
            status("TRIGGER_ACTIVATION_FAILURE"),
            reason("STOP_ORDER_TRIGGERED"),
            refusal("WOULD_NOT_REDUCE_POSITION"),
        ],
        |f| {
            f.a.sends("x", "stp sell 0.1 stopPrice 49,500 signal mark reduceOnly", "placed: PLACE").await;
            f.op_price("49,400").await;
            let failed = "TRIGGER_ACTIVATION_FAILURE STOP_ORDER_TRIGGERED WOULD_NOT_REDUCE_POSITION \
                          type=TRIGGER_ORDER filled=0";
            f.a.sees("x", failed).await;
        }
    ),
    scenario!(
        "A stop-limit fires and rests below the ask",
        "A fired trigger became a limit order that rests; it keeps its id.",
        [reason("LIMIT_FROM_STOP")],
        |f| {
            f.a.sends("x", "stp buy 0.1 stopPrice 50,500 limitPrice 50,005 signal mark", "placed: PLACE")
                .await;
            f.op_price("50,600").await;
            let rests = "ENTERED_BOOK LIMIT_FROM_STOP - type=ORDER limitPrice=50,005 triggerPrice=50,500 \
                         triggerTime=set";
            f.a.sees("x", rests).await;
        }
    ),
    scenario!(
        "A stop with a relative limit rests a hundred dollars below its trigger price",
        "A fired trigger became a limit order that rests; a relative limit is fixed at that moment.",
        [reason("LIMIT_FROM_STOP")],
        |f| {
            let stop = "stp buy 0.1 stopPrice 50,100 signal mark offset -100 QUOTE_CURRENCY";
            f.a.sends("x", stop, "placed: PLACE").await;
            f.a.sees("x", "TRIGGER_PLACED NEW_USER_ORDER - limitPrice=-").await;
            f.op_price("50,100").await;
            f.a.sees("x", "ENTERED_BOOK LIMIT_FROM_STOP - limitPrice=50,000").await;
        }
    ),
    scenario!(
        "Stops and take-profits that look up",
        "The trigger fires when its signal reaches the price from below: a stp or trailing_stop buy, a take_profit sell.",
        [trigger_side("TRIGGER_ABOVE")],
        |f| {
            f.a.sends("stop", "stp buy 0.1 stopPrice 51,000 signal mark", "placed: PLACE").await;
            f.a.sends("profit", "take_profit sell 0.1 stopPrice 51,000 signal mark", "placed: PLACE").await;
            for name in ["stop", "profit"] {
                f.a.sees(name, "TRIGGER_PLACED NEW_USER_ORDER - triggerSide=TRIGGER_ABOVE").await;
            }
            // Equality counts: the sell meets B's bid, the buy B's ask.
            f.op_price("51,000").await;
            f.a.sees("profit", "FULLY_EXECUTED FULL_FILL - type=ORDER filled=0.1 triggerSide=TRIGGER_ABOVE")
                .await;
            f.a.sees("stop", "FULLY_EXECUTED FULL_FILL - type=ORDER filled=0.1 triggerTime=set").await;
        }
    ),
    scenario!(
        "Stops and take-profits that look down",
        "The trigger fires when its signal reaches the price from above: a stp or trailing_stop sell, a take_profit buy.",
        [trigger_side("TRIGGER_BELOW")],
        |f| {
            f.a.sends("stop", "stp sell 0.1 stopPrice 49,000 signal mark", "placed: PLACE").await;
            f.a.sends("profit", "take_profit buy 0.1 stopPrice 49,000 signal mark", "placed: PLACE").await;
            for name in ["stop", "profit"] {
                f.a.sees(name, "TRIGGER_PLACED NEW_USER_ORDER - triggerSide=TRIGGER_BELOW").await;
            }
            f.op_price("49,001").await;
            f.a.sees("stop", "TRIGGER_PLACED NEW_USER_ORDER -").await;
            f.op_price("48,990").await;
            f.a.sees("stop", "FULLY_EXECUTED FULL_FILL - type=ORDER filled=0.1 triggerSide=TRIGGER_BELOW")
                .await;
        }
    ),
    scenario!(
        "One stop on each signal",
        "The price that the trigger watches, as `triggerSignal` of the order chose it: mark, index, or last when nothing was said.",
        [trigger_signal("MARK_PRICE"), trigger_signal("SPOT_PRICE"), trigger_signal("LAST_PRICE")],
        |f| {
            for (name, signal, word) in [
                ("mark", "signal mark", "MARK_PRICE"),
                ("index", "signal index", "SPOT_PRICE"),
                ("last", "signal last", "LAST_PRICE"),
                ("absent", "", "LAST_PRICE"),
            ] {
                f.a.sends(name, &format!("stp sell 0.1 stopPrice 49,000 {signal}"), "placed: PLACE").await;
                f.a.sees(name, &format!("TRIGGER_PLACED NEW_USER_ORDER - triggerSignal={word}")).await;
            }
        }
    ),
    scenario!(
        "A trailing stop follows the mark up and fires on the way down",
        "The signal moved in the favourable direction by a tick or more, and took the trigger price with it.",
        [reason("TRAILING_STOP_PRICE_UPDATED")],
        |f| {
            f.a.sends("x", "trailing_stop sell 0.1 PERCENT 1 signal mark", "placed: PLACE").await;
            f.a.sees("x", "TRIGGER_PLACED NEW_USER_ORDER - triggerPrice=49,500").await;
            f.op_price("51,000").await;
            f.a.sees("x", "TRIGGER_PLACED TRAILING_STOP_PRICE_UPDATED - triggerPrice=50,490").await;
            f.op_price("50,500").await;
            f.a.sees("x", "TRIGGER_PLACED TRAILING_STOP_PRICE_UPDATED - triggerPrice=50,490").await;
            f.op_price("50,490").await;
            f.a.sees("x", "FULLY_EXECUTED FULL_FILL - type=ORDER filled=0.1 triggerTime=set").await;
        }
    ),
    scenario!(
        "A dated contract expires with a trigger waiting",
        "The contract expired while the trigger waited.",
        [reason("EXPIRED")],
        |f| {
            f.a.sends("x", &format!("stp sell 1 on {} stopPrice 40,000", f.near), "placed: PLACE").await;
            f.clock_to_expiry_of(&f.near).await;
            f.a.sees("x", "CANCELLED EXPIRED - type=TRIGGER_ORDER triggerTime=-").await;
        }
    ),
    scenario!(
        "A trigger fires when the money has gone",
        "The trigger fired, and the order it became was refused; `error` says by which check.",
        [
            status("TRIGGER_ACTIVATION_FAILURE"),
            reason("STOP_ORDER_TRIGGERED"),
            refusal("INSUFFICIENT_MARGIN")
        ],
        |f| {
            f.a.sends("x", "stp buy 1 stopPrice 50,500 signal mark", "placed: PLACE").await;
            f.a_holds(100).await;
            f.op_price("50,500").await;
            f.a.sees("x", "TRIGGER_ACTIVATION_FAILURE STOP_ORDER_TRIGGERED INSUFFICIENT_MARGIN").await;
        }
    ),
];
