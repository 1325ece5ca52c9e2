//! Orders, triggers and numbers of the engine as rows hold them.

use super::words::Coded;
use crate::grid::fine_price;
use loligo_engine::{
    Distance, FillRole, FinePrice, InstrumentId, InstrumentSpec, Money, OrderError, OrderStatus, OrderView,
    PairId, Side, Timestamp, Trigger, Written, WrittenNumber,
};
use loligo_history::Contract;
use loligo_history::rows;

/// Whole milliseconds since 1970, the rest cut.
pub(crate) fn millis(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}

pub(super) fn instant(millis: i64) -> Timestamp {
    Timestamp(millis.saturating_mul(1_000))
}

pub(super) fn ago(now_ms: i64, then_ms: i64) -> u64 {
    now_ms.saturating_sub(then_ms).max(0).cast_unsigned()
}

/// USD in hundredths, half to even.
pub(crate) fn cents(value: Money) -> i64 {
    const CENT: i128 = Money::ONE / 100;
    let (whole, rest) = (value.0.div_euclid(CENT), value.0.rem_euclid(CENT));
    let up = match (rest * 2).cmp(&CENT) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => whole & 1,
    };
    i64::try_from(whole + up).unwrap_or(i64::MAX)
}

/// A mark price as it is shown: its digits, and how many stand behind the point.
pub(crate) fn digits(price: FinePrice) -> (i64, u8) {
    let shown = fine_price(price).normalized();
    (i64::try_from(shown.mantissa()).unwrap_or(i64::MAX), shown.scale() as u8)
}

pub(super) fn log_word(role: FillRole) -> &'static str {
    match role {
        FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => "futures trade",
        FillRole::Liquidation => "futures liquidation",
        FillRole::PartialLiquidation => "futures partial liquidation",
        FillRole::CoveredLiquidation => "covered liquidation",
        FillRole::Assignor => "futures assignor",
        FillRole::Assignee => "futures assignee",
        FillRole::UnwindBankrupt => "futures unwind bankrupt",
        FillRole::UnwindCounterparty => "futures unwind counterparty",
    }
}

/// Whether a refusal was met at the book itself: others are between the exchange and who sent the order.
pub(super) fn is_at_the_book(error: Option<OrderError>) -> bool {
    matches!(error, Some(OrderError::PostWouldExecute | OrderError::IocWouldNotExecute))
}

/// The trigger that an order still is, or was to its end. One that was refused as it came, or as it fired, is told as an order.
pub(super) fn unfired(order: &OrderView) -> Option<&Trigger> {
    let is_one = matches!(order.status, OrderStatus::TriggerPlaced | OrderStatus::Cancelled);
    order.trigger().filter(|trigger| trigger.fired_at.is_none() && is_one)
}

pub(super) fn contract(number: InstrumentId, spec: &InstrumentSpec, pair: PairId) -> Contract {
    Contract {
        number: u32::from(number.0),
        symbol: spec.symbol.clone(),
        tick: (spec.tick_mantissa, spec.tick_scale),
        lot_digits: spec.lot_precision,
        spec: postcard::to_allocvec(&(spec, pair)).expect("numbers and texts have a stored form"),
    }
}

pub(super) fn order_event(kind: u8) -> rows::OrderEvent {
    rows::OrderEvent {
        kind,
        contract: None,
        reason: None,
        error: None,
        order: None,
        old: None,
        reduced: None,
        asked: nothing_asked(),
        named: None,
    }
}

pub(super) fn order_of(order: &OrderView) -> rows::Order {
    rows::Order {
        number: order.id.0,
        sell: order.side == Side::Sell,
        kind: order.order_type.code(),
        qty: order.qty.map(|qty| qty.0),
        filled: order.filled.0,
        price: order.limit_price.map(|price| price.0),
        reduce_only: order.reduce_only,
        client_id: order.client_order_id.as_deref().map(str::to_owned),
        placed_ms: millis(order.placed_at),
        updated_ms: millis(order.updated_at),
    }
}

pub(super) fn open_order(order: &OrderView) -> rows::OpenOrder {
    rows::OpenOrder {
        account: order.account.0,
        contract: u32::from(order.instrument.0),
        order: order_of(order),
        stop: order.trigger().and_then(|trigger| trigger.price).map(|price| price.0),
    }
}

pub(super) fn earlier(order: &OrderView) -> rows::Earlier {
    rows::Earlier {
        updated_ms: millis(order.updated_at),
        qty: order.qty.map(|qty| qty.0),
        filled: order.filled.0,
        price: order.limit_price.map(|price| price.0),
    }
}

pub(super) fn earlier_public(old: &rows::Earlier, now_ms: i64) -> rows::EarlierPublic {
    rows::EarlierPublic {
        open: old.qty.unwrap_or_default() - old.filled,
        price: old.price.unwrap_or_default(),
        updated_ago: ago(now_ms, old.updated_ms),
    }
}

fn distance(distance: Distance) -> rows::Distance {
    rows::Distance { unit: distance.unit.code(), steps: distance.steps }
}

pub(super) fn trigger_of(order: &OrderView, trigger: &Trigger) -> rows::Trigger {
    rows::Trigger {
        number: order.id.0,
        sell: order.side == Side::Sell,
        kind: order.order_type.code(),
        qty: order.qty.map(|qty| qty.0),
        price: order.limit_price.map(|price| price.0),
        reduce_only: order.reduce_only,
        client_id: order.client_order_id.as_deref().map(str::to_owned),
        placed_ms: millis(order.placed_at),
        updated_ms: millis(order.updated_at),
        stop: trigger.price.map(|price| price.0),
        signal: trigger.shown_signal.map(Coded::code),
        side: trigger.shown_side.map(Coded::code),
        deviation: trigger.deviation.map(distance),
        offset: trigger.limit_offset.map(distance),
    }
}

pub(super) fn earlier_trigger(order: &OrderView) -> rows::EarlierTrigger {
    let trigger = order.trigger();
    rows::EarlierTrigger {
        updated_ms: millis(order.updated_at),
        qty: order.qty.map(|qty| qty.0),
        price: order.limit_price.map(|price| price.0),
        stop: trigger.and_then(|trigger| trigger.price).map(|price| price.0),
        deviation: trigger.and_then(|trigger| trigger.deviation).map(distance),
        offset: trigger.and_then(|trigger| trigger.limit_offset).map(distance),
    }
}

pub(super) fn asked(written: &Written) -> rows::Asked {
    let Written { qty, limit_price, stop_price, deviation, limit_offset } = written;
    let text = |number: &Option<WrittenNumber>| number.as_ref().map(|text| text.as_str().to_owned());
    rows::Asked {
        qty: text(qty),
        price: text(limit_price),
        stop: text(stop_price),
        deviation: text(deviation),
        offset: text(limit_offset),
    }
}

pub(super) fn nothing_asked() -> rows::Asked {
    rows::Asked { qty: None, price: None, stop: None, deviation: None, offset: None }
}
