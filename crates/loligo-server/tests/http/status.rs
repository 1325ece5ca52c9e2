//! `/orders/status`, row by row of the rules.

use crate::venue::{SYMBOL, Venue};
use loligo_server::{ServerConfig, parse_balance};
use serde_json::{Value, json};

const NOW: &str = "2026-01-01T00:00:00.000Z";

fn ids(answer: &Value) -> Vec<String> {
    let orders = answer["orders"].as_array().expect("orders");
    orders.iter().map(|order| order["order"]["orderId"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_record_says_everything_about_its_order() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let id =
        alice.place("post", "buy", "0.10", "40000", &[("cliOrdId", "né \"x\"")]).await["order_id"].clone();
    let answer = alice.post("/orders/status", &[("orderIds", id.as_str().expect("an id"))]).await;
    let want = json!({
        "result": "success",
        "serverTime": NOW,
        "orders": [{
            "order": {
                "type": "ORDER", "orderId": id, "cliOrdId": "né \"x\"", "symbol": SYMBOL, "side": "buy", "quantity": 0.1,
                "filled": 0, "limitPrice": 40000, "reduceOnly": false, "timestamp": NOW, "lastUpdateTimestamp": NOW,
                "algoId": null, "priceTriggerOptions": null, "triggerTime": null,
            },
            "status": "ENTERED_BOOK", "updateReason": "NEW_USER_ORDER", "error": null,
        }],
    });
    assert_eq!(answer, want);
}

#[tokio::test]
async fn both_lists_are_joined_in_the_order_asked_and_nothing_comes_twice() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut placed = Vec::new();
    for (price, name) in [("40000", "a"), ("40001", "b"), ("40002", "c")] {
        let sent = alice.place("lmt", "buy", "0.1", price, &[("cliOrdId", name)]).await;
        placed.push(sent["order_id"].as_str().expect("an id").to_owned());
    }
    let [a, b, c] = [&placed[0], &placed[1], &placed[2]];
    let foreign = bob.place("lmt", "buy", "0.1", "40000", &[("cliOrdId", "a")]).await["order_id"].clone();
    let foreign = foreign.as_str().expect("an id").to_owned();
    let nowhere = "00000000-0000-4000-8000-000000000000";
    let upper = c.to_uppercase();
    for (arguments, want) in [
        (vec![], vec![]),
        (vec![("orderIds", ""), ("cliOrdIds", "")], vec![]),
        (vec![("orderIds", c.as_str()), ("orderIds", a)], vec![c, a]),
        (vec![("orderIds", a.as_str()), ("orderIds", nowhere), ("orderIds", a)], vec![a]),
        (vec![("cliOrdIds", "b"), ("orderIds", c), ("cliOrdIds", "c"), ("cliOrdIds", "a")], vec![c, b, a]),
        (vec![("orderIds", foreign.as_str())], vec![]),
        (vec![("orderIds", upper.as_str())], vec![c]),
        (vec![("orderIds[]", b.as_str()), ("orderIds[1]", a)], vec![b, a]),
        (vec![("cliOrdIds", "c,a,c")], vec![c, a]),
        (vec![("cliOrdIds", "nobody's")], vec![]),
    ] {
        let by_post = alice.post("/orders/status", &arguments).await;
        assert_eq!(ids(&by_post).iter().collect::<Vec<_>>(), want, "{arguments:?}");
        assert_eq!(alice.get("/orders/status", &arguments).await, by_post, "GET answers alike");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_by_the_bare_word() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let id = alice.place("lmt", "buy", "0.1", "40000", &[]).await["order_id"].clone();
    let id = id.as_str().expect("an id");
    let cut = &id[..35];
    let bare = id.replace('-', "");
    for bad in ["x", cut, bare.as_str(), "{}", "id,x", " "] {
        let error =
            alice.request("POST", "/orders/status", &[("orderIds", id), ("orderIds", bad)]).error().await;
        assert_eq!(error.as_deref(), Some("invalidArgument"), "{bad:?}");
    }
    let most = vec![("orderIds", id); 500];
    assert_eq!(ids(&alice.post("/orders/status", &most).await), [id]);
    let too_many = vec![("orderIds", id); 501];
    let error = alice.request("POST", "/orders/status", &too_many).error().await;
    assert_eq!(error.as_deref(), Some("invalidArgument"));
    let too_many = [&most[..], &[("cliOrdIds", "x")]].concat();
    let error = alice.request("GET", "/orders/status", &too_many).error().await;
    assert_eq!(error.as_deref(), Some("invalidArgument"));
}

#[tokio::test]
async fn a_closed_order_is_seen_for_five_seconds() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let sent = alice.place("lmt", "sell", "1", "50000", &[("cliOrdId", "x")]).await;
    let id = sent["order_id"].as_str().expect("an id").to_owned();
    venue.advance(60_000).await;
    let told = async || {
        let answer = alice.post("/orders/status", &[("orderIds", &id)]).await;
        answer["orders"].get(0).map(|order| {
            let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
            (text("status"), text("updateReason"), text("error"), order["order"]["filled"].clone())
        })
    };
    let record = |status: &str, reason: &str, error: &str, filled| {
        Some((status.to_owned(), reason.to_owned(), error.to_owned(), filled))
    };
    assert_eq!(told().await, record("ENTERED_BOOK", "NEW_USER_ORDER", "", json!(0)));
    bob.place("ioc", "buy", "0.25", "50000", &[]).await;
    assert_eq!(told().await, record("ENTERED_BOOK", "PARTIAL_FILL", "", json!(0.25)));
    alice.post("/cancelorder", &[("order_id", &id)]).await;
    assert_eq!(told().await, record("CANCELLED", "CANCELLED_BY_USER", "", json!(0.25)));
    venue.advance(4_000).await;
    alice.post("/cancelorder", &[("order_id", &id)]).await;
    let late = record("CANCELLED", "CANCELLED_BY_USER", "ORDER_FOR_CANCELLATION_NOT_FOUND", json!(0.25));
    assert_eq!(told().await, late, "the attempt is noted, and prolongs nothing");
    venue.advance(999).await;
    assert_eq!(told().await, late);
    // Its name is taken until then, and free at the moment it is gone.
    let again = alice.place("lmt", "buy", "1", "40000", &[("cliOrdId", "x")]).await;
    assert_eq!(again["status"], "clientOrderIdAlreadyExist");
    venue.advance(1).await;
    assert_eq!(told().await, None);
    let again = alice.place("lmt", "buy", "1", "40000", &[("cliOrdId", "x")]).await;
    assert_eq!(again["status"], "placed");
}

#[tokio::test]
async fn refused_orders_are_seen_too_and_one_name_can_have_several() {
    let mut config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
    config.node.balance = parse_balance("100000").expect("an amount");
    let venue = Venue::with(config).await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    bob.place("lmt", "sell", "1", "50010", &[]).await;
    let long = "x".repeat(100);
    for (arguments, status, error, reason) in [
        (
            ("post", "buy", "0.1", "50010"),
            "REJECTED",
            "POST_WOULD_EXECUTE",
            json!("POST_WOULD_EXECUTE_REASON"),
        ),
        (
            ("ioc", "buy", "0.1", "50000"),
            "REJECTED",
            "IOC_WOULD_NOT_EXECUTE",
            json!("IOC_WOULD_NOT_EXECUTE_REASON"),
        ),
        (("lmt", "buy", "0.1", "49000.5"), "REJECTED", "INVALID_PRICE", Value::Null),
        (("lmt", "buy", "0.00005", "49000"), "REJECTED", "INVALID_QUANTITY", Value::Null),
        (("lmt", "buy", "400", "49000"), "REJECTED", "INSUFFICIENT_MARGIN", Value::Null),
        (("lmt", "buy", "0.1", "49000"), "ENTERED_BOOK", "", json!("NEW_USER_ORDER")),
    ] {
        let (order_type, side, size, price) = arguments;
        alice.place(order_type, side, size, price, &[("cliOrdId", &long)]).await;
        let answer = alice.post("/orders/status", &[("cliOrdIds", &long)]).await;
        let orders = answer["orders"].as_array().expect("orders");
        let last = orders.last().expect("the newest comes last");
        assert_eq!(
            (last["status"].as_str(), &last["updateReason"]),
            (Some(status), &reason),
            "{arguments:?}"
        );
        assert_eq!(last["error"].as_str().unwrap_or_default(), error, "{arguments:?}");
        assert_eq!(last["order"]["limitPrice"].is_null(), error == "INVALID_PRICE", "{last}");
        assert_eq!(last["order"]["quantity"].is_null(), error == "INVALID_QUANTITY", "{last}");
    }
    // The name is in use now; the refusal stands behind the order that has it.
    alice.place("lmt", "buy", "0.1", "48000", &[("cliOrdId", &long)]).await;
    let answer = alice.post("/orders/status", &[("cliOrdIds", &long)]).await;
    let orders = answer["orders"].as_array().expect("orders");
    assert_eq!(orders.len(), 7);
    assert_eq!(orders[6]["error"], "CLIENT_ORDER_ID_IN_USE");
    venue.advance(5_000).await;
    let answer = alice.post("/orders/status", &[("cliOrdIds", &long)]).await;
    assert_eq!(answer["orders"].as_array().map(Vec::len), Some(1));
}
