//! `/orders/status`, held against the published document itself.

use loligo_wire::v3::responses::{
    CachedOrder, OrderStatusDetails, TrailingStopOptions, TriggerOptions, write_orders_status,
};
use loligo_wire::v3::words::{
    DeviationUnit, OrderError, OrderKind, OrderStatus, OrderUpdateReason, Side, TriggerSide, TriggerSignal,
};
use proptest::prelude::*;

use crate::contract::{answer_pointer, assert_valid, rest, seed, validator};
use crate::sample::{ID, NOW, d, text, written};

fn resting() -> OrderStatusDetails<'static> {
    OrderStatusDetails {
        order: CachedOrder {
            kind: OrderKind::Order,
            order_id: ID,
            cli_ord_id: Some("my \"order\""),
            symbol: "PF_XBTUSD",
            side: Side::Buy,
            quantity: Some(d("0.1")),
            filled: d("0"),
            limit_price: Some(d("49000")),
            reduce_only: false,
            timestamp: NOW,
            last_update_timestamp: NOW,
            algo_id: None,
            price_trigger_options: None,
            trigger_time: None,
        },
        status: OrderStatus::EnteredBook,
        update_reason: Some(OrderUpdateReason::NewUserOrder),
        error: None,
    }
}

fn waiting(trailing_stop: Option<TrailingStopOptions>) -> OrderStatusDetails<'static> {
    let resting = resting();
    OrderStatusDetails {
        order: CachedOrder {
            kind: OrderKind::TriggerOrder,
            cli_ord_id: None,
            limit_price: None,
            algo_id: Some("M1V4"),
            price_trigger_options: Some(TriggerOptions {
                trigger_price: d("48000.5"),
                trigger_side: TriggerSide::Below,
                trigger_signal: TriggerSignal::Index,
                trailing_stop,
            }),
            ..resting.order
        },
        status: OrderStatus::TriggerPlaced,
        ..resting
    }
}

#[test]
fn a_record_is_written_in_full() {
    let answer = text(|out| write_orders_status(out, [resting()], NOW));
    let expected = concat!(
        r#"{"result":"success","serverTime":"2026-01-01T00:00:00.123Z","orders":[{"order":{"type":"ORDER","#,
        r#""orderId":"179f9af8-e45e-469d-b3e9-2fd4675cb7d0","cliOrdId":"my \"order\"","symbol":"PF_XBTUSD","#,
        r#""side":"buy","quantity":0.1,"filled":0,"limitPrice":49000,"reduceOnly":false,"#,
        r#""timestamp":"2026-01-01T00:00:00.123Z","lastUpdateTimestamp":"2026-01-01T00:00:00.123Z","#,
        r#""algoId":null,"priceTriggerOptions":null,"triggerTime":null},"status":"ENTERED_BOOK","#,
        r#""updateReason":"NEW_USER_ORDER","error":null}]}"#,
    );
    assert_eq!(answer, expected);
    let answer = text(|out| write_orders_status(out, [], NOW));
    assert_eq!(answer, r#"{"result":"success","serverTime":"2026-01-01T00:00:00.123Z","orders":[]}"#);
}

#[test]
fn a_trailing_stop_shows_how_it_follows() {
    let unit = DeviationUnit::Percent;
    let trailing = TrailingStopOptions { max_deviation: d("1.5"), unit };
    let answer = written(|out| write_orders_status(out, [waiting(Some(trailing))], NOW));
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(
        answer["orders"][0]["order"]["priceTriggerOptions"],
        serde_json::json!({
            "triggerPrice": 48000.5, "triggerSide": "TRIGGER_BELOW", "triggerSignal": "SPOT_PRICE",
            "trailingStopOptions": { "maxDeviation": 1.5, "unit": "PERCENT" },
        })
    );
}

#[test]
fn the_published_schema_is_a_judge() {
    let judge = validator(&seed(), &answer_pointer("post", "/orders/status"));
    let good: serde_json::Value =
        serde_json::from_slice(&written(|out| write_orders_status(out, [resting()], NOW))).expect("JSON");
    assert!(judge.is_valid(&good));
    for pointer in ["/orders/0/order/algoId", "/orders/0/order/triggerTime", "/orders/0/error", "/serverTime"]
    {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        let mut bad = good.clone();
        bad.pointer_mut(parent).and_then(|object| object.as_object_mut()).expect("an object").remove(member);
        assert!(!judge.is_valid(&bad), "{pointer} is required");
    }
    let mut bad = good;
    bad["orders"][0]["status"] = "entered_book".into();
    assert!(!judge.is_valid(&bad));
}

#[test]
fn every_word_is_allowed_in_its_place() {
    let pointer = answer_pointer("post", "/orders/status");
    let judges = [validator(&seed(), &pointer), validator(&rest(), &pointer)];
    let mut records = vec![resting(), waiting(None)];
    records.extend(OrderStatus::ALL.iter().map(|&status| OrderStatusDetails { status, ..resting() }));
    records.extend(
        OrderUpdateReason::ALL
            .iter()
            .map(|&reason| OrderStatusDetails { update_reason: Some(reason), ..waiting(None) }),
    );
    records
        .extend(OrderError::ALL.iter().map(|&error| OrderStatusDetails { error: Some(error), ..resting() }));
    records.push(OrderStatusDetails { update_reason: None, ..resting() });
    for (&side, &signal) in TriggerSide::ALL.iter().cycle().zip(TriggerSignal::ALL) {
        let mut record = waiting(None);
        let options = TriggerOptions {
            trigger_price: d("1"),
            trigger_side: side,
            trigger_signal: signal,
            trailing_stop: None,
        };
        record.order.price_trigger_options = Some(options);
        record.order.trigger_time = Some(NOW);
        records.push(record);
    }
    let answer = written(|out| write_orders_status(out, records, NOW));
    for judge in judges {
        assert_valid(&judge, &answer);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_client_text_keeps_the_shape(id in any::<String>(), algo in any::<String>(), micros in any::<i64>()) {
        let mut record = resting();
        record.order.cli_ord_id = Some(&id);
        record.order.algo_id = Some(&algo);
        record.order.timestamp = loligo_wire::time::Timestamp::from_micros(micros);
        let answer: serde_json::Value =
            serde_json::from_slice(&written(|out| write_orders_status(out, [record], NOW))).expect("JSON");
        prop_assert_eq!(&answer["orders"][0]["order"]["cliOrdId"], &serde_json::Value::from(id));
        prop_assert_eq!(&answer["orders"][0]["order"]["algoId"], &serde_json::Value::from(algo));
    }
}
