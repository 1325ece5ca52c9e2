//! What becomes of an order that was accepted: it rests, trades, is edited, goes.

use super::{Scenario, scenario};
use crate::seed::{reason, refusal, status};

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "A limit order is placed",
        "The order was placed, and nothing has happened to it since.",
        [reason("NEW_USER_ORDER")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed: PLACE").await;
            f.waits(60_000).await;
            f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER - quantity=0.1 filled=0").await;
        }
    ),
    scenario!(
        "A limit order rests, first untouched, then part filled",
        "The order, or what is left of it, waits in the book.",
        [status("ENTERED_BOOK")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed: PLACE").await;
            f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER - quantity=0.1 filled=0").await;
            f.b.cancels("bid", "cancelled: CANCEL").await;
            f.b.sends("y", "ioc sell 0.04 @ 49,000", "placed: EXECUTION 0.04 @ 49,000").await;
            f.a.sees("x", "ENTERED_BOOK PARTIAL_FILL - quantity=0.1 filled=0.04").await;
        }
    ),
    scenario!(
        "An order is refused, and known for five seconds",
        "The order failed a check on arrival: it was never placed, and nothing of it traded.",
        [status("REJECTED")],
        |f| {
            f.a.sends("x", "post buy 0.1 @ 50,010", "postWouldExecute: REJECT POST_WOULD_EXECUTE").await;
            f.waits(4_999).await;
            f.a.sees("x", "REJECTED POST_WOULD_EXECUTE_REASON POST_WOULD_EXECUTE filled=0").await;
            f.waits(1).await;
            f.a.sees_all("x", &[]).await;
        }
    ),
    scenario!(
        "A resting order is cancelled, an immediate one lapses",
        "The order was taken out before it was filled, by whomever, or what it could not trade at once lapsed.",
        [status("CANCELLED")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed: PLACE").await;
            f.a.cancels("x", "cancelled: CANCEL").await;
            f.a.sees("x", "CANCELLED CANCELLED_BY_USER - filled=0").await;
            f.a.sends("y", "ioc buy 1.5 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
            f.a.sees("y", "CANCELLED PARTIAL_FILL - filled=1").await;
        }
    ),
    scenario!(
        "A buy of half the ask is filled at once, and known for five seconds",
        "The order was filled to its last lot.",
        [status("FULLY_EXECUTED"), reason("FULL_FILL")],
        |f| {
            f.a.sends("x", "lmt buy 0.5 @ 50,010", "placed: EXECUTION 0.5 @ 50,010").await;
            f.waits(4_999).await;
            f.a.sees("x", "FULLY_EXECUTED FULL_FILL - quantity=0.5 filled=0.5").await;
            f.waits(1).await;
            f.a.sees_all("x", &[]).await;
            // One that rested comes to the same.
            f.a.sends("y", "lmt buy 0.1 @ 49,995", "placed: PLACE").await;
            f.b.sends("hit", "ioc sell 0.1 @ 49,995", "placed: EXECUTION 0.1 @ 49,995").await;
            f.a.sees("y", "FULLY_EXECUTED FULL_FILL - filled=0.1").await;
        }
    ),
    scenario!(
        "A buy larger than the ask takes the ask, and its rest waits or lapses",
        "A part traded; what is left of a limit order rests, what is left of an immediate one lapses.",
        [reason("PARTIAL_FILL")],
        |f| {
            f.a.sends("x", "lmt buy 1.5 @ 50,010", "placed: EXECUTION 1 @ 50,010, PLACE").await;
            f.a.sees("x", "ENTERED_BOOK PARTIAL_FILL - quantity=1.5 filled=1").await;
            f.a.cancels("x", "cancelled").await;
            f.b.sends("next ask", "lmt sell 1 @ 50,010", "placed").await;
            f.a.sends("y", "ioc buy 1.5 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
            f.a.sees("y", "CANCELLED PARTIAL_FILL - quantity=1.5 filled=1").await;
        }
    ),
    scenario!(
        "Orders are cancelled by their owner: one, all, in a batch",
        "cancelorder, cancelallorders or a cancel inside a batch.",
        [reason("CANCELLED_BY_USER")],
        |f| {
            for name in ["one", "all", "batch"] {
                f.a.sends(name, "lmt buy 0.1 @ 49,000", "placed").await;
            }
            f.a.cancels("one", "cancelled: CANCEL").await;
            f.a.batches(&[serde_json::json!({"order": "cancel", "cliOrdId": "batch"})], "cancelled").await;
            f.a.cancels_all().await;
            for name in ["one", "all", "batch"] {
                f.a.sees(name, "CANCELLED CANCELLED_BY_USER - quantity=0.1 filled=0").await;
            }
        }
    ),
    scenario!(
        "A resting buy is moved to another price",
        "An edit was accepted; the order keeps its id.",
        [reason("EDITED_BY_USER")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.edits("x", "limitPrice 48,900", "edited: EDIT").await;
            f.a.sees("x", "ENTERED_BOOK EDITED_BY_USER - limitPrice=48,900 quantity=0.1").await;
        }
    ),
    scenario!(
        "An edit repeats what the order already says",
        "An edit would change nothing: it is answered as edited, and nothing happens.",
        [refusal("EDIT_HAS_NO_EFFECT")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.edits("x", "limitPrice 49,000", "edited:").await;
            f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER EDIT_HAS_NO_EFFECT").await;
            f.a.edits("x", "limitPrice 48,900", "edited: EDIT").await;
            f.a.sees("x", "ENTERED_BOOK EDITED_BY_USER -").await;
        }
    ),
    scenario!(
        "An edit arrives after the order was filled",
        "An edit named an order that is not open; its record remembers that for the rest of its five seconds.",
        [reason("ORDER_FOR_EDIT_NOT_FOUND_REASON"), refusal("ORDER_FOR_EDIT_NOT_FOUND")],
        |f| {
            f.a.sends("x", "lmt buy 0.5 @ 50,010", "placed: EXECUTION 0.5 @ 50,010").await;
            f.a.edits("x", "limitPrice 50,000", "orderForEditNotFound:").await;
            let want = "FULLY_EXECUTED ORDER_FOR_EDIT_NOT_FOUND_REASON ORDER_FOR_EDIT_NOT_FOUND filled=0.5";
            f.a.sees("x", want).await;
        }
    ),
    scenario!(
        "An order is cancelled twice",
        "A cancel named an order that is not open and was not filled in the last five seconds.",
        [refusal("ORDER_FOR_CANCELLATION_NOT_FOUND")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.cancels("x", "cancelled").await;
            f.a.cancels("x", "notFound:").await;
            f.a.sees("x", "CANCELLED CANCELLED_BY_USER ORDER_FOR_CANCELLATION_NOT_FOUND").await;
            // One that has just been filled is told apart, and its record is left as it is.
            f.a.sends("y", "lmt buy 0.5 @ 50,010", "placed").await;
            f.a.cancels("y", "filled:").await;
            f.a.sees("y", "FULLY_EXECUTED FULL_FILL -").await;
        }
    ),
    scenario!(
        "A resting reduce-only sell goes when the position is closed",
        "A reduce-only order has nothing left to reduce: the position was closed or turned.",
        [reason("WOULD_NOT_REDUCE_POSITION")],
        |f| {
            f.a.sends("buy", "lmt buy 0.1 @ 50,010", "placed: EXECUTION 0.1 @ 50,010").await;
            f.a.sends("x", "lmt sell 0.1 @ 51,000 reduceOnly", "placed: PLACE").await;
            f.a.sends("close", "mkt sell 0.1", "placed: EXECUTION 0.1 @ 49,990").await;
            f.a.sees("x", "CANCELLED WOULD_NOT_REDUCE_POSITION - filled=0").await;
        }
    ),
    scenario!(
        "Under CANCEL_MAKER_SELF the resting order gives way",
        "An order of the same account, or family, met it, and the self-trade strategy cancels the one that rests.",
        [reason("WOULD_EXECUTE_SELF_REASON")],
        |f| {
            f.a.does("PUT", "/self-trade-strategy", &[("strategy", "CANCEL_MAKER_SELF")]).await;
            f.a.sends("maker", "lmt sell 0.1 @ 50,005", "placed: PLACE").await;
            f.a.sends("taker", "lmt buy 0.1 @ 50,005", "placed: PLACE").await;
            f.a.sees("maker", "CANCELLED WOULD_EXECUTE_SELF_REASON - filled=0").await;
            f.a.sees("taker", "ENTERED_BOOK NEW_USER_ORDER -").await;
        }
    ),
    scenario!(
        "Equity falls below initial margin with orders",
        "The account fell below initial margin with orders: what would add risk is cancelled, the position stays.",
        [reason("NOT_ENOUGH_MARGIN")],
        |f| {
            f.a_holds(2_000).await;
            f.a.sends("position", "lmt buy 1 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
            f.a.sends("x", "lmt buy 2 @ 49,000", "placed: PLACE").await;
            f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER -").await;
            // Equity 1,264.995; initial margin 500.10 for the position, 980 for the order.
            f.op_price("49,300").await;
            f.a.sees("x", "CANCELLED NOT_ENOUGH_MARGIN - filled=0").await;
            let positions = f.a.does("GET", "/openpositions", &[]).await;
            assert_eq!(positions["openPositions"][0]["size"], 1, "{positions}");
        }
    ),
    scenario!(
        "Equity falls below maintenance margin",
        "The account went into liquidation: first all its orders and triggers are cancelled.",
        [reason("LIQUIDATION_ORDER")],
        |f| {
            f.a_holds(1_500).await;
            f.a.sends("position", "lmt buy 1 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
            f.a.sends("x", "stp sell 1 stopPrice 40,000", "placed: PLACE").await;
            // Equity 164.995; maintenance margin 243.50.
            f.op_price("48,700").await;
            f.a.sees("x", "CANCELLED LIQUIDATION_ORDER - type=TRIGGER_ORDER").await;
            // One step sold a tenth at B's bid; 279.00 are left against 219.15, and the ladder ends.
            let positions = f.a.does("GET", "/openpositions", &[]).await;
            assert_eq!(positions["openPositions"][0]["size"].to_string(), "0.9", "{positions}");
        }
    ),
    scenario!(
        "The dead man's switch fires",
        "The timer of cancelallordersafter ran out before it was renewed.",
        [reason("DEAD_MAN_SWITCH")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.does("POST", "/cancelallordersafter", &[("timeout", "1")]).await;
            f.waits(999).await;
            f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER -").await;
            f.waits(1).await;
            f.a.sees("x", "CANCELLED DEAD_MAN_SWITCH -").await;
        }
    ),
    scenario!(
        "A dated contract expires with an order in its book",
        "The contract expired while the order rested.",
        [reason("CONTRACT_EXPIRED")],
        |f| {
            f.a.sends("x", &format!("lmt buy 1 @ 40,000 on {}", f.near), "placed: PLACE").await;
            f.clock_to_expiry_of(&f.near).await;
            f.a.sees("x", "CANCELLED CONTRACT_EXPIRED - filled=0").await;
        }
    ),
];
