//! What a relative limit is refused for: `limitPriceOffsetValue` and `limitPriceOffsetUnit`.

use super::{Scenario, scenario};
use crate::seed::refusal;

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "A stop with a limit price and an offset",
        "limitPrice and an offset were given together.",
        [refusal("LIMIT_PRICE_SET_AS_ABSOLUTE_AND_RELATIVE")],
        |f| {
            let stop = "stp sell 0.1 stopPrice 48,000 limitPrice 47,900 offset -100 QUOTE_CURRENCY";
            f.a.sends("x", stop, "invalidPrice: REJECT LIMIT_PRICE_SET_AS_ABSOLUTE_AND_RELATIVE").await;
            f.a.sees("x", "REJECTED - LIMIT_PRICE_SET_AS_ABSOLUTE_AND_RELATIVE type=TRIGGER_ORDER").await;
        }
    ),
    scenario!(
        "An offset of abc, and an offset on a limit order",
        "The offset's value is no number, or the order is no trigger.",
        [refusal("LIMIT_PRICE_OFFSET_VALUE_INVALID")],
        |f| {
            let stop = "stp sell 0.1 stopPrice 48,000 offset abc QUOTE_CURRENCY";
            f.a.sends("x", stop, "invalidPrice: REJECT LIMIT_PRICE_OFFSET_VALUE_INVALID").await;
            f.a.sees("x", "REJECTED - LIMIT_PRICE_OFFSET_VALUE_INVALID type=TRIGGER_ORDER").await;
            f.a.sends("y", "lmt buy 0.1 @ 49,000 offset -100 QUOTE_CURRENCY", "invalidPrice").await;
            f.a.sees("y", "REJECTED - LIMIT_PRICE_OFFSET_VALUE_INVALID type=ORDER").await;
        }
    ),
    scenario!(
        "An offset in ticks",
        "The offset's unit is neither QUOTE_CURRENCY nor PERCENT.",
        [refusal("LIMIT_PRICE_OFFSET_UNIT_INVALID")],
        |f| {
            let stop = "stp sell 0.1 stopPrice 48,000 offset -100 TICKS";
            f.a.sends("x", stop, "invalidPrice: REJECT LIMIT_PRICE_OFFSET_UNIT_INVALID").await;
            f.a.sees("x", "REJECTED - LIMIT_PRICE_OFFSET_UNIT_INVALID type=TRIGGER_ORDER").await;
        }
    ),
    scenario!(
        "An offset without a unit, and a unit without an offset",
        "An offset has a value and no unit, or a unit and no value.",
        [refusal("LIMIT_PRICE_OFFSET_MUST_HAVE_VALUE_AND_UNIT")],
        |f| {
            let refused = "invalidPrice: REJECT LIMIT_PRICE_OFFSET_MUST_HAVE_VALUE_AND_UNIT";
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000 offset -100", refused).await;
            f.a.sees("x", "REJECTED - LIMIT_PRICE_OFFSET_MUST_HAVE_VALUE_AND_UNIT type=TRIGGER_ORDER").await;
            f.a.sends("y", "stp sell 0.1 stopPrice 48,000 limitPriceOffsetUnit PERCENT", refused).await;
        }
    ),
    scenario!(
        "An offset of 100.5 dollars",
        "An offset in QUOTE_CURRENCY is no multiple of the tick.",
        [refusal("LIMIT_PRICE_OFFSET_QUOTE_CURRENCY_VALUE_MUST_BE_MULTIPLE_OF_TICK_SIZE")],
        |f| {
            let refused = "invalidPrice: REJECT \
                           LIMIT_PRICE_OFFSET_QUOTE_CURRENCY_VALUE_MUST_BE_MULTIPLE_OF_TICK_SIZE";
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000 offset -100.5 QUOTE_CURRENCY", refused).await;
            let want = "REJECTED - LIMIT_PRICE_OFFSET_QUOTE_CURRENCY_VALUE_MUST_BE_MULTIPLE_OF_TICK_SIZE";
            f.a.sees("x", want).await;
        }
    ),
    scenario!(
        "An offset of an eighth of a per cent",
        "An offset in PERCENT has more than two decimals.",
        [refusal("LIMIT_PRICE_OFFSET_PERCENT_VALUE_TOO_MANY_DECIMAL_PLACES")],
        |f| {
            let refused = "invalidPrice: REJECT LIMIT_PRICE_OFFSET_PERCENT_VALUE_TOO_MANY_DECIMAL_PLACES";
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000 offset -0.125 PERCENT", refused).await;
            f.a.sees("x", "REJECTED - LIMIT_PRICE_OFFSET_PERCENT_VALUE_TOO_MANY_DECIMAL_PLACES").await;
        }
    ),
    scenario!(
        "A limit more than half above the trigger price",
        "The offset is more than 50 per cent above the trigger price.",
        [refusal("LIMIT_PRICE_OFFSET_TOO_HIGH")],
        |f| {
            let refused = "invalidPrice: REJECT LIMIT_PRICE_OFFSET_TOO_HIGH";
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000 offset 50.01 PERCENT", refused).await;
            f.a.sees("x", "REJECTED - LIMIT_PRICE_OFFSET_TOO_HIGH type=TRIGGER_ORDER").await;
            f.a.sends("y", "stp sell 0.1 stopPrice 48,000 offset 24,001 QUOTE_CURRENCY", refused).await;
            f.a.sends("half", "stp sell 0.1 stopPrice 48,000 offset 50 PERCENT", "placed").await;
        }
    ),
    scenario!(
        "A limit more than half below the trigger price",
        "The offset is more than 50 per cent below the trigger price.",
        [refusal("LIMIT_PRICE_OFFSET_TOO_LOW")],
        |f| {
            let refused = "invalidPrice: REJECT LIMIT_PRICE_OFFSET_TOO_LOW";
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000 offset -50.01 PERCENT", refused).await;
            f.a.sees("x", "REJECTED - LIMIT_PRICE_OFFSET_TOO_LOW type=TRIGGER_ORDER").await;
            f.a.sends("y", "stp sell 0.1 stopPrice 48,000 offset -24,001 QUOTE_CURRENCY", refused).await;
            f.a.sends("half", "stp sell 0.1 stopPrice 48,000 offset -50 PERCENT", "placed").await;
        }
    ),
];
