//! The errors of whole requests: `{"result": "error", "error": ...}`.

use super::{Scenario, scenario};
use crate::seed::general;
use crate::venue::SYMBOL;
use serde_json::json;

const STATUS: (&str, &str) = ("POST", "/orders/status");
const TRANSFER: (&str, &str) = ("POST", "/transfer");
const SEND: (&str, &str) = ("POST", "/sendorder");
const NO_ID: &str = "00000000-0000-4000-8000-000000000000";

pub const SCENARIOS: &[Scenario] = &[
    scenario!(
        "The operator deactivates an account",
        "The account was deactivated; for order requests also: trading of this subaccount is switched off.",
        [general("accountInactive")],
        |f| {
            f.a.does(STATUS.0, STATUS.1, &[]).await;
            f.op("POST", &format!("/accounts/{}/deactivate", f.a.uid), json!({})).await;
            f.a.refused(STATUS.0, STATUS.1, &[], "accountInactive").await;
            f.op("POST", &format!("/accounts/{}/activate", f.a.uid), json!({})).await;
            f.a.does(STATUS.0, STATUS.1, &[]).await;
        }
    ),
    scenario!(
        "A master switches off the trading of its subaccount",
        "The account was deactivated; for order requests also: trading of this subaccount is switched off.",
        [general("accountInactive")],
        |f| {
            let sub = f.subaccount("sub").await;
            sub.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
            let switch = format!("/subaccount/{}/trading-enabled", sub.uid);
            assert_eq!(
                f.a.asks("PUT", &switch, &[("tradingEnabled", "false")]).await,
                json!({"tradingEnabled": false})
            );
            let order = [
                ("orderType", "lmt"),
                ("symbol", SYMBOL),
                ("side", "buy"),
                ("size", "0.1"),
                ("limitPrice", "49000"),
            ];
            sub.refused(SEND.0, SEND.1, &order, "accountInactive").await;
            // What is open may be looked at and cancelled.
            sub.sees("x", "ENTERED_BOOK NEW_USER_ORDER -").await;
            sub.cancels("x", "cancelled").await;
        }
    ),
    scenario!(
        "Five hundred and one questions in ten seconds",
        "The account spent more than 500 in ten seconds.",
        [general("apiLimitExceeded")],
        |f| {
            for _ in 0..500 {
                f.a.does(STATUS.0, STATUS.1, &[]).await;
            }
            f.a.refused(STATUS.0, STATUS.1, &[], "apiLimitExceeded").await;
            f.really_waits(10);
            f.a.does(STATUS.0, STATUS.1, &[]).await;
        }
    ),
    scenario!(
        "A signature that is not the key's",
        "Key or signature is missing or wrong, or the key lacks the right.",
        [general("authenticationError")],
        |f| {
            let mut request = f.a.client.request(STATUS.0, STATUS.1, &[]);
            request.authent = Some("A".repeat(88));
            let answer = f.a.hears(STATUS.1, request.json().await);
            assert_eq!(answer["error"], "authenticationError");
        }
    ),
    scenario!(
        "A transfer of a thousand million dollars",
        "The amount is more than may leave the wallet.",
        [general("insufficientFunds")],
        |f| {
            let all =
                [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1000000000")];
            f.a.refused(TRANSFER.0, TRANSFER.1, &all, "insufficientFunds").await;
        }
    ),
    scenario!(
        "A transfer from a wallet that is not there",
        "There is no wallet of this name.",
        [general("invalidAccount")],
        |f| {
            let from =
                [("fromAccount", "fi_foousd"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")];
            f.a.refused(TRANSFER.0, TRANSFER.1, &from, "invalidAccount").await;
        }
    ),
    scenario!(
        "A transfer of less than nothing",
        "The amount is not positive, or has too many decimals.",
        [general("invalidAmount")],
        |f| {
            for amount in ["-1", "0", "0.000000000001"] {
                let transfer =
                    [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", amount)];
                f.a.refused(TRANSFER.0, TRANSFER.1, &transfer, "invalidAmount").await;
            }
        }
    ),
    scenario!(
        "An id that is no UUID, and a side that is none",
        "An argument cannot be read or is out of range; except on /orders/status its name follows.",
        [general("invalidArgument")],
        |f| {
            f.a.refused(STATUS.0, STATUS.1, &[("orderIds", "not-a-uuid")], "invalidArgument").await;
            let hold = [
                ("orderType", "lmt"),
                ("symbol", SYMBOL),
                ("side", "hold"),
                ("size", "1"),
                ("limitPrice", "1"),
            ];
            f.a.refused(SEND.0, SEND.1, &hold, "invalidArgument: side").await;
        }
    ),
    scenario!(
        "A transfer of a currency that is none",
        "The currency is unknown, or the wallet cannot hold it.",
        [general("invalidUnit")],
        |f| {
            let abc = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "abc"), ("amount", "1")];
            f.a.refused(TRANSFER.0, TRANSFER.1, &abc, "invalidUnit").await;
        }
    ),
    scenario!(
        "A batch that breaks off",
        "The argument json of batchorder is no JSON.",
        [general("Json Parse Error")],
        |f| {
            f.a.refused("POST", "/batchorder", &[("json", "{")], "Json Parse Error").await;
        }
    ),
    scenario!(
        "The book of a market that is out of trading",
        "Market data was asked of a contract that is known but has no market.",
        [general("marketUnavailable")],
        |f| {
            f.op_market(SYMBOL, "inactive").await;
            f.a.refused("GET", "/orderbook", &[("symbol", SYMBOL)], "marketUnavailable").await;
        }
    ),
    scenario!(
        "A nonce that is eleven seconds late",
        "The nonce is at or below the highest one of more than ten seconds ago.",
        [general("nonceBelowThreshold")],
        |f| {
            let ask = async |nonce: u64| {
                f.a.hears(STATUS.1, f.a.client.request(STATUS.0, STATUS.1, &[]).nonce(nonce).json().await)
            };
            assert_eq!(ask(1000).await["result"], "success");
            assert_eq!(ask(999).await["result"], "success", "a little late is no harm");
            f.really_waits(11);
            assert_eq!(ask(998).await["error"], "nonceBelowThreshold");
        }
    ),
    scenario!("One nonce twice", "This nonce was used already.", [general("nonceDuplicate")], |f| {
        let ask = async |nonce: u64| {
            f.a.hears(STATUS.1, f.a.client.request(STATUS.0, STATUS.1, &[]).nonce(nonce).json().await)
        };
        assert_eq!(ask(1000).await["result"], "success");
        assert_eq!(ask(1000).await["error"], "nonceDuplicate");
    }),
    scenario!(
        "A subaccount that is nobody's",
        "What the request names does not exist.",
        [general("notFound")],
        |f| {
            f.a.refused("GET", &format!("/subaccount/{NO_ID}/trading-enabled"), &[], "notFound").await;
        }
    ),
    scenario!(
        "An order without a size, with a good key and with a false one",
        "A required argument is missing; told before the key is looked at.",
        [general("requiredArgumentMissing")],
        |f| {
            let order = [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("limitPrice", "49000")];
            f.a.refused(SEND.0, SEND.1, &order, "requiredArgumentMissing").await;
            let mut stranger = f.a.client.request(SEND.0, SEND.1, &order);
            stranger.api_key = Some("nobody".to_owned());
            assert_eq!(f.a.hears(SEND.1, stranger.json().await)["error"], "requiredArgumentMissing");
        }
    ),
    scenario!(
        "A fault inside the exchange",
        "The exchange itself failed; nothing is known of what became of the request.",
        [general("Server Error")],
        |f| {
            f.op_fault("server_error", "getOrderStatus").await;
            f.a.refused(STATUS.0, STATUS.1, &[], "Server Error").await;
            f.a.does(STATUS.0, STATUS.1, &[]).await;
        }
    ),
    scenario!(
        "The operator takes an endpoint out of service",
        "The endpoint is out of service, or the exchange is too busy; nothing was done.",
        [general("Unavailable")],
        |f| {
            f.op("PUT", "/routes/getOrderStatus", json!({"available": false})).await;
            f.a.refused(STATUS.0, STATUS.1, &[], "Unavailable").await;
            f.op("PUT", "/routes/getOrderStatus", json!({"available": true})).await;
            f.a.does(STATUS.0, STATUS.1, &[]).await;
        }
    ),
    scenario!(
        "A fault that fits no other word",
        "Anything that no other word fits.",
        [general("unknownError")],
        |f| {
            f.op_fault("unknown_error", "getOrderStatus").await;
            f.a.refused(STATUS.0, STATUS.1, &[], "unknownError").await;
            f.a.does(STATUS.0, STATUS.1, &[]).await;
        }
    ),
];
