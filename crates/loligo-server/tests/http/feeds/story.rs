//! One order's story is the same on the feeds, in the answers over http and in history.

use super::socket::Socket;
use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

/// History, oldest first: what each event says.
async fn history(client: &Client, list: &str) -> Vec<Value> {
    let mut request = client.request("GET", "", &[("sort", "asc")]);
    request.path = format!("/api/history/v3/{list}");
    request.sign();
    let answer = request.send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let elements = answer.json()["elements"].as_array().expect("a list").clone();
    let event = |element: Value| {
        let event = element["event"].as_object().and_then(|event| event.values().next()).cloned();
        event.expect("one kind")
    };
    elements.into_iter().map(event).collect()
}

/// A figure without the quotes that one of the interfaces puts around it.
fn plain(value: &Value) -> String {
    value.to_string().trim_matches('"').to_owned()
}

fn same(what: &str, pairs: &[(&str, &Value, &Value)]) {
    for (name, one, other) in pairs {
        assert_eq!(plain(one), plain(other), "{what}: {name}");
    }
}

#[tokio::test]
async fn an_order_has_one_story_on_the_feeds_over_http_and_in_history() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    for feed in ["open_orders", "fills"] {
        socket.join(&credentials, feed).await;
    }
    let tape = json!({"event": "subscribe", "feed": "trade", "product_ids": [SYMBOL]});
    assert_eq!(socket.ask(tape).await["event"], "subscribed");
    socket.hear().await;
    let placed = alice.place("lmt", "sell", "1", "50010", &[("cliOrdId", "mine")]).await;
    let id = placed["order_id"].as_str().expect("an id");
    venue.advance(10).await;
    bob.place("ioc", "buy", "0.4", "50020", &[]).await;
    venue.advance(10).await;
    alice.post("/editorder", &[("orderId", id), ("limitPrice", "50030"), ("size", "0.9")]).await;
    let status = alice.post("/orders/status", &[("orderIds", id)]).await["orders"][0].clone();
    venue.advance(10).await;
    bob.place("ioc", "buy", "0.9", "50030", &[]).await;
    let told = socket.settle().await;
    let of = |feed: &str| -> Vec<&Value> { told.iter().filter(|told| told["feed"] == feed).collect() };

    // The order, step by step.
    let (steps, past) = (of("open_orders"), history(&alice, "orders").await);
    let reasons: Vec<String> = steps.iter().map(|step| plain(&step["reason"])).collect();
    assert_eq!(reasons, ["new_placed_order_by_user", "partial_fill", "edited_by_user", "full_fill"]);
    assert_eq!(past.len(), steps.len());
    for (step, event) in steps.iter().zip(&past) {
        let (order, then) = (&step["order"], event.get("newOrder").unwrap_or(&event["order"]));
        let direction = if order["direction"] == 0 { "Buy" } else { "Sell" };
        same(
            "a step",
            &[
                ("id", &order["order_id"], &then["uid"]),
                ("client's id", &order["cli_ord_id"], &then["clientId"]),
                ("market", &order["instrument"], &then["tradeable"]),
                ("side", &json!(direction), &then["direction"]),
                ("open", &order["qty"], &then["quantity"]),
                ("filled", &order["filled"], &then["filled"]),
                ("limit", &order["limit_price"], &then["limitPrice"]),
                ("reduce-only", &order["reduce_only"], &then["reduceOnly"]),
                ("placed", &order["time"], &then["timestamp"]),
                ("changed", &order["last_update_time"], &then["lastUpdateTimestamp"]),
            ],
        );
    }
    let (edited, shown) = (&steps[2]["order"], &status["order"]);
    same(
        "the status after the edit",
        &[
            ("id", &edited["order_id"], &shown["orderId"]),
            ("client's id", &edited["cli_ord_id"], &shown["cliOrdId"]),
            ("filled", &edited["filled"], &shown["filled"]),
            ("limit", &edited["limit_price"], &shown["limitPrice"]),
            ("size", &json!(1.3), &shown["quantity"]),
        ],
    );

    // Its fills, and what the world saw of them.
    let fills: Vec<Value> =
        of("fills").iter().flat_map(|told| told["fills"].as_array().cloned().unwrap_or_default()).collect();
    let trades = of("trade");
    let (shown, past) =
        (alice.get("/fills", &[]).await["fills"].clone(), history(&alice, "executions").await);
    assert_eq!((fills.len(), trades.len(), past.len()), (2, 2, 2));
    for (at, fill) in fills.iter().enumerate() {
        let (shown, execution, trade) = (&shown[1 - at], &past[at]["execution"], trades[at]);
        same(
            "a fill",
            &[
                ("id over http", &fill["fill_id"], &shown["fill_id"]),
                ("id in history", &fill["fill_id"], &execution["uid"]),
                ("id on the tape", &fill["fill_id"], &trade["uid"]),
                ("order over http", &fill["order_id"], &shown["order_id"]),
                ("order in history", &fill["order_id"], &execution["order"]["uid"]),
                ("client's id", &fill["cli_ord_id"], &shown["cliOrdId"]),
                ("price over http", &fill["price"], &shown["price"]),
                ("price in history", &fill["price"], &execution["price"]),
                ("price on the tape", &fill["price"], &trade["price"]),
                ("size over http", &fill["qty"], &shown["size"]),
                ("size in history", &fill["qty"], &execution["quantity"]),
                ("size on the tape", &fill["qty"], &trade["qty"]),
                ("role over http", &fill["fill_type"], &shown["fillType"]),
                ("role in history", &fill["fill_type"], &execution["executionType"]),
                ("fee", &fill["fee_paid"], &execution["orderData"]["fee"]),
                ("time in history", &fill["time"], &execution["timestamp"]),
                ("time on the tape", &fill["time"], &trade["time"]),
            ],
        );
    }
}
