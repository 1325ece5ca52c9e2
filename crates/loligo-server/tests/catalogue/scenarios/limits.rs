//! What an account may not do, however good its order: limits of numbers, positions, prices and money.

use super::{Scenario, scenario};
use crate::seed::refusal;
use crate::venue::SYMBOL;
use serde_json::{Value, json};

/// Elements of a batch that sends the same order several times.
pub fn same(count: usize, order: &Value) -> Vec<Value> {
    let element = |place: usize| {
        let mut element = order.clone();
        element["order"] = json!("send");
        element["order_tag"] = json!(place.to_string());
        element["symbol"] = json!(SYMBOL);
        element["cliOrdId"] = json!(format!("order {place}"));
        element
    };
    (1..=count).map(element).collect()
}

fn all_but_the_last(count: usize, last: &str) -> String {
    format!("{}{last}", "placed ".repeat(count - 1))
}

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "Fifty-one orders of five dollars",
        "Fifty orders worth less than 10 USD are open in this contract already.",
        [refusal("SMALL_ORDER_LIMIT_EXCEEDED")],
        |f| {
            // One batch costs 60 of the 500 that ten seconds have; 51 single orders would meet the rate first.
            let order = json!({"orderType": "lmt", "side": "buy", "size": 0.0001, "limitPrice": 49000});
            let want = all_but_the_last(51, "tooManySmallOrders");
            f.a.batches(&same(51, &order), &want).await;
            f.a.sees("order 51", "REJECTED - SMALL_ORDER_LIMIT_EXCEEDED").await;
            f.a.sends("large", "lmt buy 0.1 @ 49,000", "placed").await;
        }
    ),
    scenario!(
        "A fourth order where three are allowed",
        "As many orders are open in this contract as the account may have.",
        [refusal("ORDER_LIMIT_EXCEEDED")],
        |f| {
            f.op_limit("open_orders", 3).await;
            for name in ["1", "2", "3"] {
                f.a.sends(name, "lmt buy 0.1 @ 49,000", "placed").await;
            }
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "tooManyOrders").await;
            f.a.sees("x", "REJECTED - ORDER_LIMIT_EXCEEDED").await;
            // Triggers are counted apart.
            f.a.sends("stop", "stp sell 0.1 stopPrice 48,000", "placed").await;
            f.op_limit("triggers", 1).await;
            let refused = "tooManyOrders: REJECT ORDER_LIMIT_EXCEEDED";
            f.a.sends("second stop", "stp sell 0.1 stopPrice 48,000", refused).await;
        }
    ),
    scenario!(
        "A twenty-first trailing stop",
        "Twenty trailing stops are open in this contract already.",
        [refusal("TRAILING_STOP_ORDER_LIMIT_EXCEEDED")],
        |f| {
            let order = json!({
                "orderType": "trailing_stop", "side": "sell", "size": 0.1, "trailingStopMaxDeviation": 1,
                "trailingStopDeviationUnit": "PERCENT", "triggerSignal": "mark",
            });
            f.a.batches(&same(21, &order), &all_but_the_last(21, "tooManyOrders")).await;
            f.a.sees("order 21", "REJECTED - TRAILING_STOP_ORDER_LIMIT_EXCEEDED type=TRIGGER_ORDER").await;
        }
    ),
    scenario!(
        "More bitcoin than one position may hold",
        "Position, open orders of that side and this one together exceed the position limit of the contract.",
        [refusal("MAX_POSITION_EXCEEDED")],
        |f| {
            f.a.sends("x", "lmt buy 1,201 @ 10,000", "maxPositionViolation").await;
            f.a.sees("x", "REJECTED - MAX_POSITION_EXCEEDED").await;
        }
    ),
    scenario!(
        "Leverage of 100 at a size that allows 50",
        "The leverage preference is higher than the margin level of the resulting position allows.",
        [refusal("FIXED_LEVERAGE_TOO_HIGH")],
        |f| {
            f.a.does("PUT", "/leveragepreferences", &[("symbol", SYMBOL), ("maxLeverage", "100")]).await;
            f.a.sends("x", "lmt buy 25 @ 49,000", "fixedLeverageTooHigh").await;
            f.a.sees("x", "REJECTED - FIXED_LEVERAGE_TOO_HIGH").await;
        }
    ),
    scenario!(
        "A buy at an ask 22 per cent above the mark",
        "The order would trade more than 20 per cent away from the mark.",
        [refusal("PRICE_COLLAR")],
        |f| {
            f.b_quotes(&["lmt sell 1 @ 61,000"]).await;
            f.a.sends("x", "lmt buy 0.1 @ 61,000", "outsidePriceCollar").await;
            f.a.sees("x", "REJECTED - PRICE_COLLAR").await;
            // What would not trade may stand there.
            f.a.sends("far", "lmt buy 0.1 @ 60,500", "placed: PLACE").await;
        }
    ),
    scenario!(
        "A buy in a market that is quoted six per cent above its index",
        "The market is dislocated from its index, and the order would trade on the far side of the bound.",
        [refusal("PRICE_DISLOCATION")],
        |f| {
            f.b_quotes(&["lmt sell 1 @ 53,010", "lmt buy 1 @ 53,000"]).await;
            f.a.sends("x", "ioc buy 0.1 @ 53,010", "wouldIncreasePriceDislocation").await;
            f.a.sees("x", "REJECTED - PRICE_DISLOCATION").await;
            // A sale brings it back.
            f.a.sends("sale", "ioc sell 0.1 @ 53,000", "placed: EXECUTION 0.1 @ 53,000").await;
        }
    ),
    scenario!(
        "A hundred bitcoin on 100,000 dollars",
        "The order needs more initial margin and fee than is available.",
        [refusal("INSUFFICIENT_MARGIN")],
        |f| {
            // 4.9 million: 1 % of the first million, 2 % of the next two, 4 % of the rest: 126,000.
            f.a.sends("x", "lmt buy 100 @ 49,000", "insufficientAvailableFunds").await;
            f.a.sees("x", "REJECTED - INSUFFICIENT_MARGIN").await;
        }
    ),
    scenario!(
        "A buy so far above the mark that it would be liquidated",
        "The order would fill worse than the mark and leave the account below maintenance margin.",
        [refusal("WOULD_CAUSE_LIQUIDATION")],
        |f| {
            f.a_holds(700).await;
            // 700 less 25.225 fee and 450 loss leave 224.775, below a maintenance of 250.
            f.b_quotes(&["lmt sell 1 @ 50,450"]).await;
            f.a.sends("x", "ioc buy 1 @ 50,450", "wouldCauseLiquidation").await;
            f.a.sees("x", "REJECTED - WOULD_CAUSE_LIQUIDATION").await;
            // At 50,400 are left 274.80: it passes, and the account can do nothing but close.
            f.b_quotes(&["lmt sell 1 @ 50,400"]).await;
            f.a.sends("y", "ioc buy 1 @ 50,400", "placed: EXECUTION 1 @ 50,400").await;
            f.a.sends("more", "lmt buy 0.001 @ 49,000", "insufficientAvailableFunds").await;
            f.a.sends("close", "lmt sell 1 @ 51,000 reduceOnly", "placed: PLACE").await;
        }
    ),
    scenario!(
        "A sale that would cost more than the account has",
        "The order only reduces, but its loss and fee exceed the equity behind the position.",
        [refusal("INSUFFICIENT_CLOSING_MARGIN")],
        |f| {
            f.a_holds(600).await;
            f.a.sends("position", "lmt buy 1 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
            // 574.995 are left; the sale would lose 710 and cost 24.65.
            f.b_quotes(&["lmt buy 1 @ 49,300"]).await;
            f.a.sends("x", "lmt sell 1 @ 49,300 reduceOnly", "insufficientAvailableFunds").await;
            f.a.sees("x", "REJECTED - INSUFFICIENT_CLOSING_MARGIN reduceOnly=true").await;
        }
    ),
];
