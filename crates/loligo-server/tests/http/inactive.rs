//! A deactivated account: nothing private is answered, its orders are gone, and it is what it was when it is active again.

use crate::venue::{SYMBOL, Venue};
use serde_json::{Value, json};

/// Method, path, arguments.
type Route<'r> = (&'static str, &'r str, &'r [(&'r str, &'r str)]);

#[tokio::test]
async fn every_private_request_of_a_deactivated_account_is_told_so() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let uid = venue.start.accounts[0].uid.clone();
    let (child, childs) = venue.subaccount(0, "child", "100").await;
    let rights = json!({"general": "full", "withdrawal": "full"});
    let key = venue.order("POST", &format!("/accounts/{uid}/keys"), rights).await;
    let full = venue.client_of(&key);
    alice.place("lmt", "buy", "0.1", "40000", &[("cliOrdId", "resting")]).await;

    let switch = format!("/subaccount/{child}/trading-enabled");
    let order =
        [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1"), ("limitPrice", "1")];
    let movement = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")];
    let users = [&[("fromUser", &*uid), ("toUser", &*child)][..], &movement].concat();
    let batch = r#"{"batchOrder":[{"order":"cancel","cliOrdId":"resting"}]}"#;
    let routes: [Route<'_>; 33] = [
        ("POST", "/sendorder", &order),
        ("POST", "/editorder", &[("cliOrdId", "resting"), ("size", "1")]),
        ("POST", "/editorder", &[("cliOrdId", "nobody"), ("size", "1")]),
        ("POST", "/cancelorder", &[("cliOrdId", "resting")]),
        ("POST", "/cancelorder", &[("order_id", "nothing")]),
        ("POST", "/cancelallorders", &[]),
        ("POST", "/cancelallordersafter", &[("timeout", "60")]),
        ("POST", "/batchorder", &[("json", batch)]),
        ("GET", "/openorders", &[]),
        ("POST", "/orders/status", &[("cliOrdIds", "resting")]),
        ("GET", "/orders/status", &[]),
        ("GET", "/accounts", &[]),
        ("GET", "/openpositions", &[]),
        ("GET", "/fills", &[]),
        ("GET", "/trading/instruments", &[]),
        ("GET", "/initialmargin", &order),
        ("GET", "/initialmargin/maxordersize", &[("orderType", "mkt"), ("symbol", SYMBOL)]),
        ("GET", "/leveragepreferences", &[]),
        ("PUT", "/leveragepreferences", &[("symbol", SYMBOL)]),
        ("GET", "/pnlpreferences", &[]),
        ("PUT", "/pnlpreferences", &[("symbol", SYMBOL), ("pnlPreference", "EUR")]),
        ("GET", "/self-trade-strategy", &[]),
        ("PUT", "/self-trade-strategy", &[("strategy", "REJECT_TAKER")]),
        ("GET", "/subaccounts", &[]),
        ("GET", "/feeschedules/volumes", &[]),
        ("GET", "/rfq-assignment/max-leverage", &[]),
        ("PUT", "/rfq-assignment/max-leverage", &[("maxLeverage", "3")]),
        ("DELETE", "/rfq-assignment/max-leverage", &[]),
        ("GET", &switch, &[]),
        ("PUT", &switch, &[("tradingEnabled", "false")]),
        ("POST", "/transfer", &movement),
        ("POST", "/transfer/subaccount", &users),
        ("POST", "/withdrawal", &[("currency", "usd"), ("amount", "1")]),
    ];
    let told = venue.order("POST", &format!("/accounts/{uid}/deactivate"), Value::Null).await;
    assert_eq!(told, json!({"uid": uid, "active": false}));
    for (method, path, arguments) in routes {
        let error = full.request(method, path, arguments).error().await;
        assert_eq!(error.as_deref(), Some("accountInactive"), "{method} {path}");
    }
    // Key before account, arguments before account; and its subaccount is another account.
    let mut unsigned = full.request("GET", "/accounts", &[]);
    unsigned.authent = None;
    assert_eq!(unsigned.error().await.as_deref(), Some("authenticationError"));
    let bad = full.request("POST", "/orders/status", &[("orderIds", "none")]).error().await;
    assert_eq!(bad.as_deref(), Some("invalidArgument"));
    let bad = full.request("PUT", "/self-trade-strategy", &[("strategy", "none")]).error().await;
    assert_eq!(bad.as_deref(), Some("invalidArgument: strategy"));
    assert_eq!(childs.request("GET", "/accounts", &[]).error().await, None);
    assert_eq!(full.request("GET", "/tickers", &[]).error().await, None, "public is public");

    let told = venue.order("POST", &format!("/accounts/{uid}/activate"), json!({})).await;
    assert_eq!(told, json!({"uid": uid, "active": true}));
    let orders = full.post("/orders/status", &[("cliOrdIds", "resting")]).await["orders"].clone();
    assert_eq!(
        (&orders[0]["status"], &orders[0]["updateReason"]),
        (&json!("CANCELLED"), &json!("CANCELLED_BY_ADMIN"))
    );
    assert_eq!(full.get("/openorders", &[]).await["openOrders"], json!([]));
    let flex = full.get("/accounts", &[]).await["accounts"]["flex"]["currencies"]["USD"]["quantity"].clone();
    assert_eq!(flex, json!(1_000_000), "nothing of what was asked meanwhile was done");
    assert_eq!(full.get(&switch, &[]).await, json!({"tradingEnabled": true}));
    assert_eq!(full.request("POST", "/sendorder", &order).error().await, None);
}
