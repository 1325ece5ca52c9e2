//! Values that the samples share.

use loligo_wire::decimal::Decimal;
use loligo_wire::time::Timestamp;
use loligo_wire::v3::responses::{Order, OrderTrigger};
use loligo_wire::v3::words::{EventOrderType, Side, TriggerSide, TriggerSignal};
use uuid::Uuid;

pub const ID: Uuid = Uuid::from_u128(0x179f_9af8_e45e_469d_b3e9_2fd4_675c_b7d0);

/// 2026-01-01T00:00:00.123456Z.
pub const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_123_456);

pub fn d(text: &str) -> Decimal {
    loligo_wire::decimal::Number::parse(text.as_bytes())
        .ok()
        .and_then(|number| number.decimal())
        .expect("a number")
}

pub fn order() -> Order<'static> {
    Order {
        order_id: ID,
        cli_ord_id: None,
        order_type: EventOrderType::Limit,
        symbol: "PF_XBTUSD",
        side: Side::Buy,
        quantity: d("0.1"),
        filled: d("0"),
        limit_price: d("49000"),
        reduce_only: false,
        timestamp: NOW,
        last_update_timestamp: NOW,
        algo_id: None,
    }
}

pub fn trigger() -> OrderTrigger<'static> {
    OrderTrigger {
        uid: ID,
        client_id: Some("mine"),
        order_type: EventOrderType::ImmediateOrCancel,
        symbol: "PF_XBTUSD",
        side: Side::Sell,
        quantity: d("0.1"),
        limit_price: None,
        trigger_price: Some(d("48000")),
        trigger_side: TriggerSide::Below,
        trigger_signal: TriggerSignal::Mark,
        reduce_only: true,
        timestamp: NOW,
        last_update_timestamp: NOW,
        algo_id: None,
    }
}

/// The bytes that a writer appends.
pub fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

pub fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    String::from_utf8(written(write)).expect("JSON is UTF-8")
}
