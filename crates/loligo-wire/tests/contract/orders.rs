//! Answers to requests that place, amend and cancel orders, and the list of open ones.

use loligo_wire::v3::responses::{
    BatchResult, CancelAllOrders, CancelOrder, CancelledOrder, EditOrder, OpenOrder, Order, OrderEvent,
    OrderTrigger, SendOrder, write_batch_status, write_dead_mans_switch, write_open_orders,
};
use loligo_wire::v3::words::{
    CancelStatus, EditStatus, EventOrderType, OpenOrderStatus, OpenOrderType, OrderError, RejectReason,
    SendStatus, Side, TriggerSide, TriggerSignal,
};
use serde_json::Value;

use crate::contract::{answer_pointer, assert_published, assert_valid, rest, validator};
use crate::sample::{ID, NOW, d, order, text, trigger, written};

/// One of each event, with its optional parts there and not there.
fn events() -> Vec<(&'static str, OrderEvent<'static>)> {
    let (order, trigger) = (order(), trigger());
    let execution = |order_prior_edit, taker_reduced_quantity| OrderEvent::Execution {
        execution_id: ID,
        price: d("50010"),
        amount: d("0.05"),
        order_prior_edit,
        order_prior_execution: order,
        taker_reduced_quantity,
    };
    let priceless = OrderTrigger { trigger_price: None, limit_price: Some(d("47900")), ..trigger };
    vec![
        ("PlaceEvent", OrderEvent::Place { order, reduced_quantity: None }),
        ("PlaceEvent", OrderEvent::Place { order, reduced_quantity: Some(d("0.4")) }),
        ("PlaceTriggerEvent", OrderEvent::PlaceTrigger { trigger }),
        ("CancelEvent", OrderEvent::Cancel { order }),
        ("CancelTriggerEvent", OrderEvent::CancelTrigger { trigger }),
        ("EditEvent", OrderEvent::Edit { old: order, new: order, reduced_quantity: None }),
        ("EditTriggerEvent", OrderEvent::EditTrigger { old: trigger, new: trigger }),
        ("RejectEvent", OrderEvent::Reject { order, reason: RejectReason::PostWouldExecute }),
        ("RejectEvent", OrderEvent::Reject { order, reason: RejectReason::IocWouldNotExecute }),
        ("RejectTriggerEvent", OrderEvent::RejectTrigger { trigger, reason: OrderError::InvalidPrice }),
        (
            "RejectTriggerEvent",
            OrderEvent::RejectTrigger { trigger: priceless, reason: OrderError::PriceCollar },
        ),
        ("ExecuteEvent", execution(None, None)),
        ("ExecuteEvent", execution(Some(order), Some(d("0.01")))),
    ]
}

fn all_events() -> Vec<OrderEvent<'static>> {
    events().into_iter().map(|(_, event)| event).collect()
}

fn sent(status: SendStatus, order_events: &[OrderEvent<'_>]) -> Vec<u8> {
    let answer =
        SendOrder { status, order_id: Some(ID), cli_ord_id: Some("mine"), received_time: NOW, order_events };
    written(|out| answer.write(out, NOW))
}

#[test]
fn a_placed_order_is_told_in_full() {
    let place = [OrderEvent::Place { order: order(), reduced_quantity: None }];
    let answer = SendOrder {
        status: SendStatus::Placed,
        order_id: Some(ID),
        cli_ord_id: None,
        received_time: NOW,
        order_events: &place,
    };
    let expected = concat!(
        r#"{"result":"success","sendStatus":{"order_id":"179f9af8-e45e-469d-b3e9-2fd4675cb7d0","status":"placed","#,
        r#""receivedTime":"2026-01-01T00:00:00.123Z","orderEvents":[{"type":"PLACE","order":"#,
        r#"{"orderId":"179f9af8-e45e-469d-b3e9-2fd4675cb7d0","cliOrdId":null,"type":"lmt","symbol":"PF_XBTUSD","#,
        r#""side":"buy","quantity":0.1,"filled":0,"limitPrice":49000,"reduceOnly":false,"#,
        r#""timestamp":"2026-01-01T00:00:00.123Z","lastUpdateTimestamp":"2026-01-01T00:00:00.123Z","#,
        r#""algoId":null},"reducedQuantity":null}]},"serverTime":"2026-01-01T00:00:00.123Z"}"#,
    );
    assert_eq!(text(|out| answer.write(out, NOW)), expected);
}

#[test]
fn a_plain_refusal_has_no_id_and_no_events() {
    let answer = SendOrder {
        status: SendStatus::InvalidPrice,
        order_id: None,
        cli_ord_id: None,
        received_time: NOW,
        order_events: &[],
    };
    let expected = concat!(
        r#"{"result":"success","sendStatus":{"status":"invalidPrice","receivedTime":"2026-01-01T00:00:00.123Z","#,
        r#""orderEvents":[]},"serverTime":"2026-01-01T00:00:00.123Z"}"#,
    );
    assert_eq!(text(|out| answer.write(out, NOW)), expected);
}

#[test]
fn each_event_has_its_own_shape() {
    let rest = rest();
    for (schema, event) in events() {
        let answer: Value = serde_json::from_slice(&sent(SendStatus::Placed, &[event])).expect("JSON");
        let event = &answer["sendStatus"]["orderEvents"][0];
        let judge = validator(&rest, &format!("/components/schemas/{schema}"));
        assert_valid(&judge, event.to_string().as_bytes());
        if rest.pointer(&format!("/components/schemas/{schema}/x-required-published")).is_some() {
            assert_published(&rest, schema, event);
        }
        for member in ["order", "old", "new", "orderPriorEdit", "orderPriorExecution"] {
            if event[member].get("orderId").is_some() {
                assert_published(&rest, "OrderJson", &event[member]);
            }
        }
    }
}

#[test]
fn every_status_of_a_send_is_allowed() {
    let judge = validator(&rest(), &answer_pointer("post", "/sendorder"));
    for &status in SendStatus::ALL {
        assert_valid(&judge, &sent(status, &all_events()));
    }
}

#[test]
fn every_word_of_an_event_is_allowed() {
    let judge = validator(&rest(), &answer_pointer("post", "/sendorder"));
    let mut events = Vec::new();
    for &order_type in EventOrderType::ALL {
        events.push(OrderEvent::Cancel { order: Order { order_type, side: Side::Sell, ..order() } });
    }
    for (&trigger_side, &trigger_signal) in TriggerSide::ALL.iter().cycle().zip(TriggerSignal::ALL) {
        let trigger = OrderTrigger { trigger_side, trigger_signal, ..trigger() };
        events.push(OrderEvent::PlaceTrigger { trigger });
    }
    for &reason in OrderError::ALL {
        events.push(OrderEvent::RejectTrigger { trigger: trigger(), reason });
    }
    assert_valid(&judge, &sent(SendStatus::Placed, &events));
}

#[test]
fn the_algorithm_of_a_request_is_echoed_in_its_events() {
    let algo_id = Some("M1V4ZS2OQ51EIH8D4XB1JI4PMA03G0Q");
    let order = Order { algo_id, ..order() };
    let trigger = OrderTrigger { algo_id, ..trigger() };
    let events = [OrderEvent::Place { order, reduced_quantity: None }, OrderEvent::PlaceTrigger { trigger }];
    let judge = validator(&rest(), &answer_pointer("post", "/sendorder"));
    let answer = assert_valid(&judge, &sent(SendStatus::Placed, &events));
    let events = &answer["sendStatus"]["orderEvents"];
    for shown in [&events[0]["order"], &events[1]["orderTrigger"]] {
        assert_eq!(shown["algoId"], "M1V4ZS2OQ51EIH8D4XB1JI4PMA03G0Q");
    }
}

#[test]
fn every_status_of_an_edit_is_allowed() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("post", "/editorder"));
    for &status in EditStatus::ALL {
        let answer = EditOrder {
            status,
            order_id: Some(ID),
            no_order_id: None,
            cli_ord_id: Some("mine"),
            received_time: NOW,
            order_events: &all_events(),
        };
        let named = EditOrder { order_id: None, no_order_id: Some("none \"of\" ours"), ..answer };
        let named = assert_valid(&judge, &written(|out| named.write(out, NOW)));
        assert_eq!(named["editStatus"]["orderId"], "none \"of\" ours");
        let answer = assert_valid(&judge, &written(|out| answer.write(out, NOW)));
        assert_published(&rest, "EditOrderStatus", &answer["editStatus"]);
        assert_eq!(answer["editStatus"]["orderId"], ID.to_string());
        assert_eq!(answer["editStatus"].get("order_id"), None);
    }
}

#[test]
fn every_status_of_a_cancel_is_allowed() {
    let judge = validator(&rest(), &answer_pointer("post", "/cancelorder"));
    for &status in CancelStatus::ALL {
        for order_id in [None, Some(ID)] {
            let order_events = &[OrderEvent::Cancel { order: order() }];
            let answer = CancelOrder { status, order_id, cli_ord_id: None, received_time: NOW, order_events };
            let answer = assert_valid(&judge, &written(|out| answer.write(out, NOW)));
            assert_eq!(answer["cancelStatus"]["status"], status.as_str());
            assert_eq!(answer["cancelStatus"].get("order_id").is_some(), order_id.is_some());
        }
    }
}

#[test]
fn cancelling_all_tells_what_was_cancelled() {
    let judge = validator(&rest(), &answer_pointer("post", "/cancelallorders"));
    let cancelled = [
        CancelledOrder { order_id: ID, cli_ord_id: None },
        CancelledOrder { order_id: ID, cli_ord_id: Some("mine") },
    ];
    let events = [OrderEvent::Cancel { order: order() }, OrderEvent::CancelTrigger { trigger: trigger() }];
    let some = CancelAllOrders {
        symbol: Some("PF_XBTUSD"),
        cancelled_orders: &cancelled,
        received_time: NOW,
        order_events: &events,
    };
    let none = CancelAllOrders { symbol: None, cancelled_orders: &[], order_events: &[], ..some };
    let some = assert_valid(&judge, &written(|out| some.write(out, NOW)));
    assert_eq!(some["cancelStatus"]["status"], "cancelled");
    assert_eq!(some["cancelStatus"]["cancelOnly"], "PF_XBTUSD");
    assert_eq!(some["cancelStatus"]["cancelledOrders"][1]["cliOrdId"], "mine");
    let none = assert_valid(&judge, &written(|out| none.write(out, NOW)));
    assert_eq!(none["cancelStatus"]["status"], "noOrdersToCancel");
    assert_eq!(none["cancelStatus"]["cancelOnly"], "all");
}

#[test]
fn the_switch_is_armed_or_not() {
    let judge = validator(&rest(), &answer_pointer("post", "/cancelallordersafter"));
    let off = assert_valid(&judge, &written(|out| write_dead_mans_switch(out, None, NOW)));
    assert_eq!(off["status"]["triggerTime"], "0");
    let on = assert_valid(&judge, &written(|out| write_dead_mans_switch(out, Some(NOW), NOW)));
    assert_eq!(on["status"]["triggerTime"], "2026-01-01T00:00:00.123Z");
}

#[test]
fn a_batch_answers_each_instruction_in_order() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("post", "/batchorder"));
    let events = all_events();
    let results = SendStatus::ALL.iter().enumerate().map(|(index, &status)| BatchResult {
        status,
        order_tag: (index % 2 == 0).then_some("tag"),
        order_id: (index % 3 == 0).then_some(ID),
        no_order_id: (index % 3 == 1).then_some("none of ours"),
        cli_ord_id: (index % 5 == 0).then_some("mine"),
        received_time: NOW,
        order_events: if index == 0 { &events } else { &[] },
    });
    let answer = assert_valid(&judge, &written(|out| write_batch_status(out, results, NOW)));
    for (element, status) in answer["batchStatus"].as_array().into_iter().flatten().zip(SendStatus::ALL) {
        assert_eq!(element["status"], status.as_str());
        assert_published(&rest, "BatchInstructionResult", element);
    }
}

#[test]
fn open_orders_leave_out_what_they_have_not() {
    let judge = validator(&rest(), &answer_pointer("get", "/openorders"));
    let limit = OpenOrder {
        order_id: ID,
        cli_ord_id: Some("mine"),
        status: OpenOrderStatus::PartiallyFilled,
        side: Side::Buy,
        order_type: OpenOrderType::Limit,
        symbol: "PF_XBTUSD",
        limit_price: Some(d("49000")),
        stop_price: None,
        filled_size: d("0.4"),
        unfilled_size: d("0.6"),
        reduce_only: false,
        trigger_signal: None,
        last_update_time: NOW,
        received_time: NOW,
        algo_id: None,
    };
    let stop = |order_type, signal| OpenOrder {
        cli_ord_id: None,
        status: OpenOrderStatus::Untouched,
        order_type,
        limit_price: None,
        stop_price: Some(d("48000")),
        filled_size: d("0"),
        unfilled_size: d("1"),
        trigger_signal: Some(signal),
        ..limit
    };
    let orders = [
        limit,
        stop(OpenOrderType::Stop, TriggerSignal::Index),
        stop(OpenOrderType::TakeProfit, TriggerSignal::Unknown),
        // A stop-limit that an algorithm sent.
        OpenOrder {
            limit_price: Some(d("47900")),
            algo_id: Some("M1V4"),
            ..stop(OpenOrderType::Stop, TriggerSignal::Last)
        },
    ];
    let answer = assert_valid(&judge, &written(|out| write_open_orders(out, orders, NOW)));
    let orders = &answer["openOrders"];
    assert_eq!((&orders[0]["cliOrdId"], &orders[0]["cli_ord_id"]), (&"mine".into(), &"mine".into()));
    assert_eq!((&orders[0]["unfilledSize"], &orders[0]["filledSize"]), (&0.6.into(), &0.4.into()));
    assert_eq!((&orders[1]["triggerSignal"], &orders[1]["stopPrice"]), (&"spot".into(), &48000.into()));
    assert_eq!((&orders[1]["status"], &orders[1]["orderType"]), (&"untouched".into(), &"stop".into()));
    assert_eq!(orders[2]["orderType"], "take_profit");
    assert_eq!((&orders[3]["limitPrice"], &orders[3]["stopPrice"]), (&47900.into(), &48000.into()));
    assert_eq!((&orders[1]["algoId"], &orders[3]["algoId"]), (&Value::Null, &"M1V4".into()));
    for absent in ["cliOrdId", "cli_ord_id", "limitPrice"] {
        assert_eq!(orders[1].get(absent), None, "{absent}");
    }
    assert_eq!((orders[0].get("stopPrice"), orders[2].get("triggerSignal")), (None, None));
}
