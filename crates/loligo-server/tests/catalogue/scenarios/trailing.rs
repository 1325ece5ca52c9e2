//! What a trailing stop is refused for, when it is placed and when it is edited.

use super::{Scenario, scenario};
use crate::fixture::{LOW, contract};
use crate::seed::refusal;

const STOP: &str = "trailing_stop sell 0.1 PERCENT 1 signal mark";

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "The trigger price of a trailing stop is set by hand",
        "An edit gave a stopPrice; a trailing stop computes its own.",
        [refusal("CANNOT_EDIT_TRIGGER_PRICE_OF_TRAILING_STOP")],
        |f| {
            f.a.sends("x", STOP, "placed: PLACE").await;
            f.a.edits("x", "stopPrice 48,000", "cannotEditTriggerPriceOfTrailingStop").await;
            let want = "TRIGGER_PLACED NEW_USER_ORDER CANNOT_EDIT_TRIGGER_PRICE_OF_TRAILING_STOP triggerPrice=49,500";
            f.a.sees("x", want).await;
        }
    ),
    scenario!(
        "A trailing stop is given a limit price",
        "An edit gave a limitPrice; a trailing stop can have a relative limit only.",
        [refusal("CANNOT_EDIT_LIMIT_PRICE_OF_TRAILING_STOP")],
        |f| {
            f.a.sends("x", STOP, "placed: PLACE").await;
            f.a.edits("x", "limitPrice 48,000", "cannotEditLimitPriceOfTrailingStop").await;
            let want = "TRIGGER_PLACED NEW_USER_ORDER CANNOT_EDIT_LIMIT_PRICE_OF_TRAILING_STOP limitPrice=-";
            f.a.sees("x", want).await;
        }
    ),
    scenario!(
        "A deviation of 1.234 per cent",
        "A deviation in PERCENT has more than two decimals.",
        [refusal("TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES")],
        |f| {
            let refused = "invalidPrice: REJECT TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES";
            f.a.sends("x", "trailing_stop sell 0.1 PERCENT 1.234 signal mark", refused).await;
            let want =
                "REJECTED - TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES type=TRIGGER_ORDER";
            f.a.sees("x", want).await;
            f.a.sends("open", STOP, "placed: PLACE").await;
            f.a.edits("open", "PERCENT 1.234", "invalidPrice").await;
        }
    ),
    scenario!(
        "A deviation of 100.5 dollars",
        "A deviation in QUOTE_CURRENCY is no multiple of the tick.",
        [refusal("TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE")],
        |f| {
            let refused = "invalidPrice: REJECT TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE";
            f.a.sends("x", "trailing_stop sell 0.1 QUOTE_CURRENCY 100.5 signal mark", refused).await;
            let want =
                "REJECTED - TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE type=TRIGGER_ORDER";
            f.a.sees("x", want).await;
        }
    ),
    scenario!(
        "A deviation of more than half",
        "The deviation is more than 50 per cent, or more than half the signal price.",
        [refusal("TRAILING_STOP_MAX_DEVIATION_TOO_LARGE")],
        |f| {
            let refused = "invalidPrice: REJECT TRAILING_STOP_MAX_DEVIATION_TOO_LARGE";
            f.a.sends("x", "trailing_stop sell 0.1 PERCENT 50.01 signal mark", refused).await;
            f.a.sees("x", "REJECTED - TRAILING_STOP_MAX_DEVIATION_TOO_LARGE type=TRIGGER_ORDER").await;
            f.a.sends("y", "trailing_stop sell 0.1 QUOTE_CURRENCY 25,001 signal mark", refused).await;
            for (name, deviation) in [("half", "PERCENT 50"), ("25,000", "QUOTE_CURRENCY 25,000")] {
                f.a.sends(name, &format!("trailing_stop sell 0.1 {deviation} signal mark"), "placed").await;
                f.a.sees(name, "TRIGGER_PLACED NEW_USER_ORDER - triggerPrice=25,000").await;
            }
        }
    ),
    scenario!(
        "A deviation of 0.09 per cent",
        "The deviation is less than 0.1 per cent, or less than one tick.",
        [refusal("TRAILING_STOP_MAX_DEVIATION_TOO_SMALL")],
        |f| {
            let refused = "invalidPrice: REJECT TRAILING_STOP_MAX_DEVIATION_TOO_SMALL";
            f.a.sends("x", "trailing_stop sell 0.1 PERCENT 0.09 signal mark", refused).await;
            f.a.sees("x", "REJECTED - TRAILING_STOP_MAX_DEVIATION_TOO_SMALL type=TRIGGER_ORDER").await;
            f.a.sends("zero", "trailing_stop sell 0.1 QUOTE_CURRENCY 0 signal mark", refused).await;
            // A tenth of a per cent of 5.00 is half a tick.
            let low = format!("trailing_stop sell 1 on {LOW} PERCENT 0.1 signal mark");
            f.a.sends("low", &low, refused).await;
        }
    ),
    scenario!(
        "A trailing stop is edited to half a tick from its signal",
        "The edited deviation would put the trigger price less than one tick from the signal, or not above zero.",
        [refusal("INSUFFICIENT_HEADROOM_AROUND_CURRENT_PRICE_TO_EDIT_TRAILING_STOP")],
        |f| {
            let stop = format!("trailing_stop sell 1 on {LOW} PERCENT 1 signal mark");
            f.a.sends("x", &stop, "placed: PLACE").await;
            f.a.sees("x", "TRIGGER_PLACED NEW_USER_ORDER - triggerPrice=4.95").await;
            f.a.edits("x", "PERCENT 0.1", "invalidPrice").await;
            let want = "TRIGGER_PLACED NEW_USER_ORDER \
                        INSUFFICIENT_HEADROOM_AROUND_CURRENT_PRICE_TO_EDIT_TRAILING_STOP triggerPrice=4.95";
            f.a.sees("x", want).await;
        }
    ),
    scenario!(
        "A trailing stop on the last price of a contract that never traded",
        "The signal has no value yet: no trade, or no index.",
        [refusal("NO_REFERENCE_PRICE_AVAILABLE_FOR_CALCULATING_TRAILING_STOP_TRIGGER_PRICE")],
        |f| {
            f.op("POST", "/markets", contract("PF_NEWUSD", "LOW:USD")).await;
            let refused = "invalidPrice: REJECT \
                           NO_REFERENCE_PRICE_AVAILABLE_FOR_CALCULATING_TRAILING_STOP_TRIGGER_PRICE";
            f.a.sends("x", "trailing_stop sell 1 on PF_NEWUSD PERCENT 1 signal last", refused).await;
            let want = "REJECTED - NO_REFERENCE_PRICE_AVAILABLE_FOR_CALCULATING_TRAILING_STOP_TRIGGER_PRICE";
            f.a.sees("x", want).await;
        }
    ),
];
