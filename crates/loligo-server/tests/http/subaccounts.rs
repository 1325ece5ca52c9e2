//! A master and its subaccounts: what it sees of them, and whether they may trade.

use crate::venue::{SYMBOL, Venue};
use serde_json::{Value, json};

#[tokio::test]
async fn a_master_sees_what_its_subaccounts_hold() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let master = venue.start.accounts[0].uid.clone();
    let list = alice.get("/subaccounts", &[]).await;
    assert_eq!((&list["masterAccountUid"], &list["subaccounts"]), (&json!(master), &json!([])));

    let path = format!("/accounts/{master}/subaccounts");
    let wanted =
        json!({"name": "first", "flex": {"usd": "2000", "xbt": 0.5}, "wallets": {"fi_xbtusd": "0.75"}});
    let first = venue.order("POST", &path, wanted).await;
    let second = venue.order("POST", &path, Value::Null).await;
    let cash = json!({"wallet": "cash", "currency": "eth", "amount": "3"});
    let uid = first["uid"].as_str().expect("a uid");
    venue.order("POST", &format!("/accounts/{uid}/deposit"), cash).await;
    // 1 at 50,000 holds 500.
    venue.client_of(&first).place("lmt", "buy", "1", "50000", &[]).await;

    let list = alice.get("/subaccounts", &[]).await["subaccounts"].clone();
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list:#}");
    let row = &list[0];
    assert_eq!((&row["accountUid"], &row["fullName"]), (&first["uid"], &json!("first")));
    assert_eq!(row["holdingAccounts"], json!([{"currency": "eth", "amount": 3}]));
    assert_eq!(row["futuresAccounts"], json!([{"name": "f-xbt:usd", "availableMargin": 0.75}]));
    let flex = &row["flexAccount"];
    // 2,000, and half a bitcoin at 97.51% of 25,000, less the 500.
    assert_eq!(flex["availableMargin"], json!(25_877.5));
    assert_eq!(flex["initialMarginWithOrders"], json!(500));
    let quantity = |code: &str| {
        let currencies = flex["currencies"].as_array().expect("a list");
        currencies.iter().find(|held| held["currency"] == code).map(|held| held["quantity"].clone())
    };
    assert_eq!((quantity("usd"), quantity("xbt")), (Some(json!(2000)), Some(json!(0.5))));
    assert_eq!((&list[1]["accountUid"], &list[1]["fullName"]), (&second["uid"], &Value::Null));

    // A subaccount has none of its own, and strangers see nothing of these.
    let own = venue.client_of(&first).get("/subaccounts", &[]).await;
    assert_eq!((&own["masterAccountUid"], &own["subaccounts"]), (&json!(master), &json!([])));
    assert_eq!(venue.client(1).get("/subaccounts", &[]).await["subaccounts"], json!([]));
}

#[tokio::test]
async fn a_master_says_whether_a_subaccount_may_trade() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let (uid, child) = venue.subaccount(0, "child", "10000").await;
    let (sibling, _) = venue.subaccount(0, "sibling", "10000").await;
    let path = format!("/subaccount/{uid}/trading-enabled");
    assert_eq!(alice.get(&path, &[]).await, json!({"tradingEnabled": true}));
    let resting = child.place("lmt", "buy", "0.1", "40000", &[("cliOrdId", "resting")]).await;
    assert_eq!(resting["status"], "placed");

    assert_eq!(alice.put(&path, &[("tradingEnabled", "false")]).await, json!({"tradingEnabled": false}));
    assert_eq!(alice.get(&path, &[]).await, json!({"tradingEnabled": false}));
    let off = Some("accountInactive");
    let order =
        [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "1"), ("limitPrice", "1")];
    let batch = |elements: Value| json!({"batchOrder": elements}).to_string();
    let send = json!({
        "order": "send", "order_tag": "1", "orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": 1,
        "limitPrice": 1,
    });
    let cancel = json!({"order": "cancel", "cliOrdId": "resting"});
    let edit = json!({"order": "edit", "cliOrdId": "nobody", "size": 1});
    for (path, arguments) in [
        ("/sendorder", order.to_vec()),
        ("/editorder", vec![("cliOrdId", "resting"), ("limitPrice", "41000")]),
        ("/editorder", vec![("cliOrdId", "nobody"), ("limitPrice", "41000")]),
        ("/batchorder", vec![("json", &*batch(json!([cancel, send])))]),
        ("/batchorder", vec![("json", &*batch(json!([cancel, edit])))]),
    ] {
        assert_eq!(
            child.request("POST", path, &arguments).error().await.as_deref(),
            off,
            "{path} {arguments:?}"
        );
    }
    // The batch was refused whole: what it would have cancelled first is there. Reading and cancelling go on.
    let open = child.get("/openorders", &[]).await["openOrders"].clone();
    assert_eq!(open.as_array().map(Vec::len), Some(1), "{open}");
    let answer = child.post("/batchorder", &[("json", &batch(json!([cancel])))]).await;
    assert_eq!(answer["batchStatus"][0]["status"], "cancelled", "{answer}");
    assert_eq!(child.post("/cancelallordersafter", &[("timeout", "60")]).await["result"], "success");
    let restricted = async |client: &crate::venue::Client| {
        client.get("/trading/instruments", &[]).await["instruments"][0]["restricted"].clone()
    };
    assert_eq!((restricted(&child).await, restricted(&alice).await), (json!(true), json!(false)));

    // Whose it is not, nobody learns that it exists.
    let own = venue.start.accounts[0].uid.clone();
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (client, uid, want) in [
        (&bob, uid.as_str(), "notFound"),
        (&child, &uid, "notFound"),
        (&child, &sibling, "notFound"),
        (&alice, &own, "notFound"),
        (&alice, nobody, "notFound"),
        (&alice, "child", "invalidArgument: subaccountUid"),
    ] {
        let path = format!("/subaccount/{uid}/trading-enabled");
        assert_eq!(client.request("GET", &path, &[]).error().await.as_deref(), Some(want), "{uid}");
        let put = client.request("PUT", &path, &[("tradingEnabled", "true")]).error().await;
        assert_eq!(put.as_deref(), Some(want), "{uid}");
    }
    for (arguments, want) in [
        (vec![("tradingEnabled", "perhaps")], "invalidArgument: tradingEnabled"),
        (vec![("tradingEnabled", "")], "invalidArgument: tradingEnabled"),
        (vec![], "requiredArgumentMissing"),
    ] {
        assert_eq!(alice.request("PUT", &path, &arguments).error().await.as_deref(), Some(want));
    }
    for method in ["GET", "PUT"] {
        let reader = venue.reader(0).request(method, &path, &[("tradingEnabled", "true")]).error().await;
        assert_eq!(reader.as_deref(), Some("authenticationError"), "{method}");
    }
    assert_eq!(alice.get(&path, &[]).await, json!({"tradingEnabled": false}));
    alice.put(&path, &[("tradingEnabled", "TRUE")]).await;
    assert_eq!(child.request("POST", "/sendorder", &order).error().await, None);
}
