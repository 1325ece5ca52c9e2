//! Several instructions at once: what is refused as a whole, and what each element is answered.

use crate::fixture::Fixture;
use crate::venue::SYMBOL;
use serde_json::{Value, json};

fn send(tag: Value, name: &str, price: u32) -> Value {
    json!({
        "order": "send", "order_tag": tag, "orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": 0.1,
        "limitPrice": price, "cliOrdId": name,
    })
}

fn cancel_nobody() -> Value {
    json!({"order": "cancel", "cliOrdId": "nobody"})
}

async fn whole(f: &Fixture, json: &str, want: &str) {
    f.a.refused("POST", "/batchorder", &[("json", json)], want).await;
    let open = f.a.does("GET", "/openorders", &[]).await;
    assert_eq!(open["openOrders"], json!([]), "nothing ran");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_a_whole() {
    let f = Fixture::start(&Default::default()).await;
    for text in ["{", "", "batchOrder", r#"{"batchOrder": [}"#, r#"{"batchOrder": []} tail"#] {
        whole(&f, text, "Json Parse Error").await;
    }
    for text in [r#"[]"#, r#"{"batchOrder": 1}"#, r#"{"batchOrder": [1]}"#] {
        whole(&f, text, "invalidArgument: json").await;
    }
    // A member that is missing, or unreadable, in the second element: the first does not run either.
    for (member, value, want) in [
        ("size", None, "requiredArgumentMissing"),
        ("symbol", None, "requiredArgumentMissing"),
        ("side", None, "requiredArgumentMissing"),
        ("orderType", None, "requiredArgumentMissing"),
        ("limitPrice", None, "requiredArgumentMissing"),
        ("order_tag", None, "requiredArgumentMissing"),
        ("size", Some(json!("much")), "invalidArgument: size"),
        ("symbol", Some(json!("PF_NOSUCHUSD")), "invalidArgument: symbol"),
    ] {
        let mut second = send(json!("2"), "second", 49_000);
        match value {
            Some(value) => second[member] = value,
            None => {
                second.as_object_mut().expect("an object").remove(member);
            }
        }
        let batch = json!({"batchOrder": [send(json!("1"), "first", 49_000), second]});
        whole(&f, &batch.to_string(), want).await;
    }
}

#[tokio::test]
async fn how_many_fit() {
    let f = Fixture::start(&Default::default()).await;
    // 9 and one for each of 491 are 500, all that ten seconds have.
    f.a.batches(&vec![cancel_nobody(); 491], ["notFound"; 491].join(" ").as_str()).await;
    f.really_waits(10);
    let batch = json!({"batchOrder": vec![cancel_nobody(); 492]}).to_string();
    f.a.refused("POST", "/batchorder", &[("json", &batch)], "apiLimitExceeded").await;
    // Where rates are off, 500 fit.
    let f = Fixture::without_rates(&Default::default()).await;
    f.a.batches(&vec![cancel_nobody(); 500], ["notFound"; 500].join(" ").as_str()).await;
    let batch = json!({"batchOrder": vec![cancel_nobody(); 501]}).to_string();
    f.a.refused("POST", "/batchorder", &[("json", &batch)], "invalidArgument: json").await;
}

#[tokio::test]
async fn elements_run_in_order_and_see_each_other() {
    let f = Fixture::start(&Default::default()).await;
    let elements = [
        send(json!("a"), "x", 49_000),
        json!({"order": "edit", "cliOrdId": "x", "limitPrice": "48900"}),
        send(json!("b"), "x", 49_000),
        json!({"order": "cancel", "cliOrdId": "x"}),
        json!({"order": "edit", "cliOrdId": "x", "limitPrice": 48800}),
        json!({"order": "cancel", "cliOrdId": "x"}),
        cancel_nobody(),
        json!({"order": "cancel", "order_id": "00000000-0000-4000-8000-000000000000"}),
    ];
    let want =
        "placed edited clientOrderIdAlreadyExist cancelled orderForEditNotFound notFound notFound notFound";
    let statuses = f.a.batches(&elements, want).await;
    assert_eq!(statuses[0]["order_id"], statuses[1]["order_id"]);
    assert_eq!(statuses[0]["order_id"], statuses[3]["order_id"]);
    assert_eq!(statuses[2]["order_id"], Value::Null, "a refused send has no id");
    f.a.sees_all(
        "x",
        &[
            "CANCELLED ORDER_FOR_EDIT_NOT_FOUND_REASON ORDER_FOR_CANCELLATION_NOT_FOUND limitPrice=48,900",
            "REJECTED - CLIENT_ORDER_ID_IN_USE",
        ],
    )
    .await;
}

#[tokio::test]
async fn tags_are_echoed_and_nobody_minds_two_alike() {
    let f = Fixture::start(&Default::default()).await;
    let elements =
        [send(json!("same"), "x", 49_000), send(json!("same"), "y", 48_999), send(json!(7), "z", 48_998)];
    let statuses = f.a.batches(&elements, "placed placed placed").await;
    let tags: Vec<&Value> = statuses.iter().map(|status| &status["order_tag"]).collect();
    assert_eq!(tags, ["same", "same", "7"]);
    assert_ne!(statuses[0]["order_id"], statuses[1]["order_id"]);
}

#[tokio::test]
async fn each_element_has_the_word_of_its_own_refusal() {
    let f = Fixture::start(&Default::default()).await;
    let long = "x".repeat(101);
    let with = |member: &str, value: Value| {
        let mut element = send(json!("1"), "x", 49_000);
        element[member] = value;
        element
    };
    let elements = [
        with("orderType", json!("limit")),
        with("side", json!("hold")),
        with("size", json!("0.00005")),
        with("limitPrice", json!("49000.5")),
        with("cliOrdId", json!(long)),
        with("size", json!(100)),
        with("reduceOnly", json!(true)),
        json!({"order": "send", "order_tag": "2", "orderType": "post", "symbol": SYMBOL, "side": "buy", "size": 0.1,
            "limitPrice": 50010}),
        with("size", json!("0.1")),
    ];
    let want = "invalidOrderType invalidSide invalidSize invalidPrice clientOrderIdTooLong \
                insufficientAvailableFunds wouldNotReducePosition postWouldExecute placed";
    f.a.batches(&elements, want).await;
}

#[tokio::test]
async fn a_batch_that_comes_too_late_is_answered_element_by_element() {
    let f = Fixture::start(&Default::default()).await;
    let elements = [send(json!("1"), "x", 49_000), cancel_nobody()];
    let json = json!({"batchOrder": elements}).to_string();
    for spelling in ["processBefore", "ProcessBefore"] {
        let arguments = [("json", json.as_str()), (spelling, "2025-12-31T23:59:59Z")];
        let answer = f.a.does("POST", "/batchorder", &arguments).await;
        for status in answer["batchStatus"].as_array().expect("statuses") {
            assert_eq!(status["status"], "wouldProcessAfterSpecifiedTime", "{answer}");
        }
    }
    f.a.sees_all("x", &[]).await;
}
