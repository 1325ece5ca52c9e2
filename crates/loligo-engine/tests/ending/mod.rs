//! A contract that comes to its end on a desk.

#![allow(dead_code, reason = "each test binary uses its own part of it")]

use crate::fixture::{Desk, ask, bid};
use loligo_engine::{
    Command, ContractKind, Event, FinePrice, InstrumentId, InstrumentSpec, Money, Outcome, PairId,
    Settlement, Timestamp,
};

pub const SECOND: i64 = Timestamp::SECOND;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const FIRST: InstrumentId = InstrumentId(0);
pub const INVERSE: InstrumentId = InstrumentId(1);
pub const DATED: InstrumentId = InstrumentId(2);
/// Units of an index price, and of the eleventh decimal of one.
pub const ONE: i128 = 10_i128.pow(18);
pub const GRAIN: i128 = 10_i128.pow(7);
pub const BTC: i64 = 10_000;

/// USD in units of wallet money.
pub fn usd(whole: i128) -> Money {
    Money(whole * Money::ONE)
}

/// Lists a contract of the first pair that ends then, and trades it from here on.
pub fn list(desk: &mut Desk, kind: ContractKind, expiry: Timestamp) {
    let like = match kind {
        ContractKind::Linear => FIRST,
        ContractKind::Inverse => INVERSE,
    };
    let spec = desk.exchange.instrument(like).expect("listed").spec().clone();
    let spec = InstrumentSpec { symbol: "F_XBTUSD_DATED".into(), expiry: Some(expiry), ..spec };
    assert_eq!(desk.apply(&Command::List(Box::new(spec))), Outcome::Listed(DATED));
    desk.second_again(DATED);
}

/// An exchange whose dated contract, at an index of 50,000, ends then.
pub fn dated(kind: ContractKind, expiry: i64) -> Desk {
    let mut desk = Desk::open();
    list(&mut desk, kind, Timestamp(expiry));
    desk
}

pub fn index(desk: &mut Desk, price: i128) {
    desk.done(&Command::PinIndex { pair: PairId(0), price: Some(FinePrice(price)) });
}

/// Alice buys from Bob.
pub fn trade(desk: &mut Desk, lots: i64, ticks: i64) {
    desk.placed(desk.bob, ask(lots, ticks));
    desk.placed(desk.alice, bid(lots, ticks));
}

pub fn settled(events: &[Event]) -> Vec<Settlement> {
    let settled = |event: &Event| if let Event::Settled(one) = event { Some((**one).clone()) } else { None };
    events.iter().filter_map(settled).collect()
}

/// The settlement prices that were told, each with its instant.
pub fn prices(events: &[Event], of: InstrumentId) -> Vec<(i128, i64)> {
    let price = |event: &Event| match event {
        Event::SettlementPrice { instrument, price, at } if *instrument == of => Some((price.0, at.0)),
        _ => None,
    };
    events.iter().filter_map(price).collect()
}
