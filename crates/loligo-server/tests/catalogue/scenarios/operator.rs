//! What the operator does to orders: markets taken out and loaded, orders cancelled and replaced, records of other versions.

use super::{Scenario, scenario};
use crate::seed::{reason, refusal, trigger_side, trigger_signal};
use crate::venue::SYMBOL;
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "The exchange is started again with an order in its book",
        "The order's market was loaded again after a restart; nothing else about the order changed.",
        [reason("LOADING_MARKET")],
        |f| {
            let f = f.on_disk().await;
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            let before = f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER -").await;
            let f = f.op_restart().await;
            let after = f.a.sees("x", "ENTERED_BOOK LOADING_MARKET -").await;
            assert_eq!(after["order"], before["order"], "its times stay, too");
        }
    ),
    scenario!(
        "A market is taken out of trading",
        "The market was made inactive: its orders are cancelled.",
        [reason("MARKET_INACTIVE")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.op_market(SYMBOL, "inactive").await;
            f.a.sees("x", "CANCELLED MARKET_INACTIVE -").await;
        }
    ),
    scenario!(
        "The operator cancels an order",
        "The operator cancelled the order, or deactivated its account.",
        [reason("CANCELLED_BY_ADMIN")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.op("POST", &format!("/orders/{}/cancel", f.a.id("x")), json!({})).await;
            f.a.sees("x", "CANCELLED CANCELLED_BY_ADMIN -").await;
        }
    ),
    scenario!(
        "The operator places a trailing stop anew",
        "The operator cancelled the trailing stop and placed the same one again, under a new id and the same cliOrdId.",
        [reason("TRAILING_STOP_CANCELLED_AND_REPLACED_BY_ADMIN")],
        |f| {
            f.a.sends("x", "trailing_stop sell 0.1 PERCENT 1 signal mark", "placed: PLACE").await;
            let told = f.op("POST", &format!("/orders/{}/replace", f.a.id("x")), json!({})).await;
            f.a.sees("x", "CANCELLED TRAILING_STOP_CANCELLED_AND_REPLACED_BY_ADMIN -").await;
            f.a.named("new", &told["order_id"]);
            f.a.sees("new", "TRIGGER_PLACED NEW_USER_ORDER - cliOrdId=x triggerPrice=49,500").await;
        }
    ),
    scenario!(
        "A record has a reason that this version does not know",
        "The record was stored by another version of the exchange, whose code for this this one cannot read.",
        [reason("unknown")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.op_unknown_code("x", "reason").await;
            f.a.sees("x", "ENTERED_BOOK unknown -").await;
        }
    ),
    scenario!(
        "A trigger has a side that this version does not know",
        "The record was stored by another version of the exchange, whose code for this this one cannot read.",
        [trigger_side("unknown")],
        |f| {
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000", "placed").await;
            f.op_unknown_code("x", "trigger_side").await;
            f.a.sees("x", "TRIGGER_PLACED NEW_USER_ORDER - triggerSide=unknown triggerSignal=LAST_PRICE")
                .await;
        }
    ),
    scenario!(
        "A trigger has a signal that this version does not know",
        "The record was stored by another version of the exchange, whose code for this this one cannot read.",
        [trigger_signal("unknown")],
        |f| {
            f.a.sends("x", "stp sell 0.1 stopPrice 48,000", "placed").await;
            f.op_unknown_code("x", "trigger_signal").await;
            f.a.sees("x", "TRIGGER_PLACED NEW_USER_ORDER - triggerSignal=unknown").await;
        }
    ),
    scenario!(
        "An order for a suspended market",
        "The market is suspended; orders and edits are refused, cancels work.",
        [refusal("MARKET_SUSPENDED")],
        |f| {
            f.a.sends("open", "lmt buy 0.1 @ 49,000", "placed").await;
            f.op_market(SYMBOL, "suspended").await;
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "marketSuspended").await;
            f.a.sees("x", "REJECTED - MARKET_SUSPENDED").await;
            let refused = "marketSuspended: REJECT MARKET_SUSPENDED";
            f.a.sends("stop", "stp sell 0.1 stopPrice 48,000", refused).await;
            f.a.edits("open", "limitPrice 48,900", "marketSuspended:").await;
            f.a.sees("open", "ENTERED_BOOK NEW_USER_ORDER MARKET_SUSPENDED").await;
            f.a.cancels("open", "cancelled").await;
        }
    ),
    scenario!(
        "An order for a market that is not loaded",
        "The contract is known, but has no market: not open yet, inactive, or expired.",
        [refusal("MARKET_NOT_FOUND")],
        |f| {
            f.op_market(SYMBOL, "inactive").await;
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "marketInactive").await;
            f.a.sees("x", "REJECTED - MARKET_NOT_FOUND").await;
            let refused = "marketInactive: REJECT MARKET_NOT_FOUND";
            f.a.sends("stop", "stp sell 0.1 stopPrice 48,000", refused).await;
            // A symbol that never was fails earlier.
            let order = [
                ("orderType", "lmt"),
                ("symbol", "PF_NOSUCHUSD"),
                ("side", "buy"),
                ("size", "1"),
                ("limitPrice", "1"),
            ];
            f.a.refused("POST", "/sendorder", &order, "invalidArgument: symbol").await;
        }
    ),
    scenario!(
        "A limit order for a post-only market",
        "The market takes only orders of type post.",
        [refusal("MARKET_IS_POST_ONLY")],
        |f| {
            f.op_market(SYMBOL, "post_only").await;
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "marketIsPostOnly").await;
            f.a.sees("x", "REJECTED - MARKET_IS_POST_ONLY").await;
            f.a.sends("post", "post buy 0.1 @ 49,000", "placed: PLACE").await;
        }
    ),
];
