//! What an order or an edit is refused for: its figures, its name, the book it meets.

use super::{Scenario, scenario};
use crate::seed::{reason, refusal};
use crate::venue::SYMBOL;
use serde_json::json;

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "A post-only buy at the ask",
        "A post-only order would have matched on arrival.",
        [reason("POST_WOULD_EXECUTE_REASON"), refusal("POST_WOULD_EXECUTE")],
        |f| {
            let refused = "postWouldExecute: REJECT POST_WOULD_EXECUTE";
            f.a.sends("x", "post buy 0.1 @ 50,010", refused).await;
            f.a.sees("x", "REJECTED POST_WOULD_EXECUTE_REASON POST_WOULD_EXECUTE filled=0").await;
            // An edit into the ask is refused alike, and the order stays.
            f.a.sends("y", "post buy 0.1 @ 49,000", "placed: PLACE").await;
            f.a.edits("y", "limitPrice 50,010", "postWouldExecute").await;
            f.a.sees("y", "ENTERED_BOOK NEW_USER_ORDER POST_WOULD_EXECUTE limitPrice=49,000").await;
        }
    ),
    scenario!(
        "An immediate buy below the ask, a market sell without bids, a fill-or-kill of two",
        "An ioc or mkt order found nothing to match, or a fok order not all of it.",
        [reason("IOC_WOULD_NOT_EXECUTE_REASON"), refusal("IOC_WOULD_NOT_EXECUTE")],
        |f| {
            let refused = "iocWouldNotExecute: REJECT IOC_WOULD_NOT_EXECUTE";
            f.a.sends("ioc", "ioc buy 0.1 @ 50,000", refused).await;
            f.a.sends("fok", "fok buy 2 @ 50,010", refused).await;
            f.b.cancels("bid", "cancelled").await;
            f.a.sends("mkt", "mkt sell 0.1", refused).await;
            for name in ["ioc", "fok", "mkt"] {
                f.a.sees(name, "REJECTED IOC_WOULD_NOT_EXECUTE_REASON IOC_WOULD_NOT_EXECUTE filled=0").await;
            }
            f.a.sends("whole", "fok buy 1 @ 50,010", "placed: EXECUTION 1 @ 50,010").await;
        }
    ),
    scenario!(
        "A buy would meet the buyer's own sell",
        "The order would match one of the same family, and the self-trade strategy refuses it.",
        [reason("WOULD_EXECUTE_SELF_REASON"), refusal("WOULD_EXECUTE_SELF")],
        |f| {
            f.a.sends("maker", "lmt sell 0.1 @ 50,005", "placed: PLACE").await;
            f.a.sends("x", "lmt buy 0.1 @ 50,005", "selfFill").await;
            f.a.sees("x", "REJECTED WOULD_EXECUTE_SELF_REASON WOULD_EXECUTE_SELF filled=0").await;
            f.a.sees("maker", "ENTERED_BOOK NEW_USER_ORDER -").await;
        }
    ),
    scenario!(
        "A buy would meet a sell of the buyer's subaccount",
        "The order would match one of the same family, and the self-trade strategy refuses it.",
        [reason("WOULD_EXECUTE_SELF_REASON"), refusal("WOULD_EXECUTE_SELF")],
        |f| {
            let sub = f.subaccount("sub").await;
            sub.sends("maker", "lmt sell 0.1 @ 50,005", "placed: PLACE").await;
            f.a.sends("x", "lmt buy 0.1 @ 50,005", "selfFill").await;
            f.a.sees("x", "REJECTED WOULD_EXECUTE_SELF_REASON WOULD_EXECUTE_SELF filled=0").await;
            // Under CANCEL_MAKER_CHILD the master's order goes first, and the child's gives way.
            f.a.does("PUT", "/self-trade-strategy", &[("strategy", "CANCEL_MAKER_CHILD")]).await;
            f.a.sends("x", "lmt buy 0.1 @ 50,005", "placed: PLACE").await;
            sub.sees("maker", "CANCELLED WOULD_EXECUTE_SELF_REASON -").await;
            sub.sends("taker", "ioc sell 0.1 @ 50,005", "selfFill").await;
        }
    ),
    scenario!(
        "A buy takes the ask and then meets the buyer's own sell",
        "A part traded, and the rest was refused because it would have met an order of the same family.",
        [refusal("REJECTED_AFTER_EXECUTION")],
        |f| {
            f.a.sends("maker", "lmt sell 1 @ 50,020", "placed: PLACE").await;
            f.a.sends("x", "lmt buy 1.5 @ 50,020", "partiallyFilled: EXECUTION 1 @ 50,010").await;
            let want = "CANCELLED WOULD_EXECUTE_SELF_REASON REJECTED_AFTER_EXECUTION quantity=1.5 filled=1";
            f.a.sees("x", want).await;
        }
    ),
    scenario!(
        "A reduce-only sell without a position",
        "A reduce-only order would open or enlarge a position.",
        [refusal("WOULD_NOT_REDUCE_POSITION"), reason("WOULD_NOT_REDUCE_POSITION")],
        |f| {
            f.a.sends("x", "lmt sell 0.1 @ 50,100 reduceOnly", "wouldNotReducePosition").await;
            f.a.sees("x", "REJECTED WOULD_NOT_REDUCE_POSITION WOULD_NOT_REDUCE_POSITION").await;
        }
    ),
    scenario!(
        "A price between two ticks",
        "A price is not positive, off the tick, or beyond 10^9 ticks.",
        [refusal("INVALID_PRICE")],
        |f| {
            for price in ["0", "-1", "1,000,000,001", "49,000.5"] {
                f.a.sends("x", &format!("lmt buy 0.1 @ {price}"), "invalidPrice").await;
            }
            f.a.sees("x", "REJECTED - INVALID_PRICE limitPrice=-").await;
            f.a.sends("stop", "stp sell 0.1 stopPrice 48,000.5", "invalidPrice: REJECT INVALID_PRICE").await;
            f.a.sends("open", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.edits("open", "limitPrice 49,000.5", "invalidPrice:").await;
            f.a.sees("open", "ENTERED_BOOK NEW_USER_ORDER INVALID_PRICE limitPrice=49,000").await;
        }
    ),
    scenario!(
        "Half a lot, and more than 20 million dollars",
        "The size is not positive, off the lot, or worth more than 20,000,000 USD.",
        [refusal("INVALID_QUANTITY")],
        |f| {
            f.a.sends("x", "lmt buy 0.00005 @ 49,000", "invalidSize").await;
            f.a.sees("x", "REJECTED - INVALID_QUANTITY quantity=-").await;
            f.a.sends("y", "lmt buy 409 @ 49,000", "invalidSize").await;
            f.a.sees("y", "REJECTED - INVALID_QUANTITY").await;
            f.a.sends("stop", "stp sell 0 stopPrice 48,000", "invalidSize: REJECT INVALID_QUANTITY").await;
            f.a.sends("open", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.edits("open", "size 0", "invalidSize:").await;
            f.a.sees("open", "ENTERED_BOOK NEW_USER_ORDER INVALID_QUANTITY quantity=0.1").await;
        }
    ),
    scenario!(
        "A trigger price for an order that is no trigger",
        "stopPrice was given for an order that is no trigger.",
        [refusal("ORDER_CANNOT_HAVE_TRIGGER_PRICE")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.edits("x", "stopPrice 48,000", "orderForEditNotAStop:").await;
            f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER ORDER_CANNOT_HAVE_TRIGGER_PRICE").await;
            f.a.sends("y", "lmt buy 0.1 @ 49,000 stopPrice 48,000", "invalidPrice").await;
            f.a.sees("y", "REJECTED - ORDER_CANNOT_HAVE_TRIGGER_PRICE").await;
        }
    ),
    scenario!(
        "A name that an open order has",
        "The cliOrdId is that of an order that is open, waits, or closed in the last five seconds.",
        [refusal("CLIENT_ORDER_ID_IN_USE")],
        |f| {
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.sends("x", "lmt buy 0.2 @ 49,000", "clientOrderIdAlreadyExist").await;
            f.a.sees_all("x", &["ENTERED_BOOK NEW_USER_ORDER -", "REJECTED - CLIENT_ORDER_ID_IN_USE"]).await;
            f.a.cancels("x", "cancelled").await;
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "clientOrderIdAlreadyExist").await;
            f.waits(5_000).await;
            f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
        }
    ),
    scenario!(
        "A name of 101 characters",
        "The cliOrdId has more than 100 characters.",
        [refusal("CLIENT_ORDER_ID_TOO_LONG")],
        |f| {
            let (fits, long) = ("é".repeat(100), "é".repeat(101));
            f.a.sends(&fits, "lmt buy 0.1 @ 49,000", "placed").await;
            f.a.sends(&long, "lmt buy 0.1 @ 49,000", "clientOrderIdTooBig").await;
            let refused = "clientOrderIdTooBig: REJECT CLIENT_ORDER_ID_TOO_LONG";
            f.a.sends(&long, "stp sell 0.1 stopPrice 48,000", refused).await;
            // A batch spells it as the page does.
            let element = json!({
                "order": "send", "order_tag": "1", "orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": 0.1,
                "limitPrice": 49000, "cliOrdId": long,
            });
            f.a.batches(&[element], "clientOrderIdTooLong").await;
        }
    ),
];
