//! States of earlier versions go on under today's rules.

use super::super::state::{Rest, StoredRanking};
use crate::command::{Command, CreateAccount, Deposit, Genesis, Limits, OnGrid, PlaceOrder};
use crate::event::Event;
use crate::exchange::Exchange;
use crate::id::{AccountId, Currency, InstrumentId, PairId, Qty, Side, Timestamp, Wallet};
use crate::instrument::{InstrumentSpec, MarginLevel};
use crate::money::{FinePrice, Money};
use crate::words::{ContractKind, OrderType};
use serde::Serialize;

const END: Timestamp = Timestamp(3_600_000_000);

/// An exchange with one contract, of which the first account has bought one from the second with so many USD.
fn held(usd: i128) -> Exchange {
    let mut exchange = Exchange::new();
    let spec = InstrumentSpec {
        symbol: "FF_XBTUSD_700101".into(),
        kind: ContractKind::Linear,
        pair: "XBT:USD".into(),
        base: Currency::parse("BTC").expect("a code"),
        quote: Currency::USD,
        tick_mantissa: 1,
        tick_scale: 0,
        lot_precision: 4,
        max_position: Qty(1_000_000),
        impact_mid_size: Qty(800),
        margin_levels: vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }],
        opening: Timestamp(0),
        expiry: Some(END),
        funding_rate_coefficient: 8,
        max_relative_funding_rate: 500_000,
        min_relative_funding_rate: None,
    };
    let mut commands = vec![Command::Genesis(Box::new(Genesis {
        table_seed: 7,
        instruments: vec![spec],
        indexes: vec![("XBT:USD".into(), FinePrice(50_000 * 10_i128.pow(18)))],
        limits: Limits::default(),
        pasts: Vec::new(),
    }))];
    for (account, usd) in [(AccountId(0), usd), (AccountId(1), 100_000)] {
        let (wallet, currency, amount) = (Wallet::Flex, Currency::USD, Money(usd * Money::ONE));
        commands.push(Command::CreateAccount(CreateAccount { parent: None, house: false }));
        commands.push(Command::Deposit(Deposit { account, wallet, currency, amount }));
    }
    for (account, side) in [(AccountId(0), Side::Buy), (AccountId(1), Side::Sell)] {
        commands.push(Command::Place(PlaceOrder {
            account,
            instrument: InstrumentId(0),
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(10_000),
            limit_price: Some(OnGrid::Steps(50_000)),
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        }));
    }
    for command in commands {
        exchange.apply(Timestamp(0), &command, &mut Vec::new());
    }
    exchange
}

/// Bytes of a state as an earlier version wrote it, without what it ended before.
fn before(version: u8, exchange: &Exchange, rest: &impl Serialize) -> Vec<u8> {
    let mut bytes = exchange.encode();
    let rest = postcard::to_allocvec(rest).expect("into memory");
    bytes.truncate(bytes.len() - rest.len());
    bytes[0] = version;
    bytes
}

/// An exchange whose one contract has just ended, with a position of either side still open.
fn ended() -> Exchange {
    let (mut exchange, mut told) = (held(100_000), Vec::new());
    // As far as the last sample, then to the end.
    exchange.apply(END.plus(-1), &Command::Advance, &mut told);
    exchange.set_work_limit(1);
    exchange.apply(END, &Command::Advance, &mut told);
    assert!(exchange.is_busy() && !told.iter().any(|event| matches!(event, Event::Settled(_))));
    exchange
}

#[test]
fn what_expired_under_rules_that_left_positions_as_they_were_is_settled_at_the_present_index() {
    let ended = ended();
    // The form that ended before collateral, ladders and settlement, of which nothing was known.
    let bytes = before(super::UNSETTLED_STATE_VERSION, &ended, &Rest::of(&ended));
    let mut exchange = Exchange::decode(&bytes).expect("an earlier state");
    assert_eq!(exchange.next_due(), Some(END), "the next record is to do it");
    let mut told = Vec::new();
    exchange.apply(END, &Command::Advance, &mut told);
    let price = FinePrice(50_000 * 10_i128.pow(18));
    let told: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            Event::SettlementPrice { price, .. } => Some((None, *price)),
            Event::Settled(one) => Some((Some(one.account), one.price)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(None, price), (Some(AccountId(0)), price), (Some(AccountId(1)), price)]);
    exchange.audit().expect("sound");
    assert!(!exchange.is_busy());
}

#[test]
fn who_is_unwound_as_an_earlier_version_stops_is_ranked_anew_and_it_comes_to_the_same() {
    let mut exchange = held(1_500);
    let told = &mut Vec::new();
    exchange.set_work_limit(1);
    let price = FinePrice(48_600 * 10_i128.pow(18));
    exchange.apply(Timestamp(0), &Command::PinIndex { pair: PairId(0), price: Some(price) }, told);
    let at = Timestamp(Timestamp::SECOND);
    while exchange.unwinding.is_empty() {
        exchange.apply(at, &Command::Advance, told);
    }
    let ranking = StoredRanking::of(&exchange);
    assert_eq!(
        ranking.0,
        [(Some(AccountId(1)), Vec::new())],
        "the first account is ranked, the second is not"
    );
    let bytes = before(super::UNRANKED_STATE_VERSION, &exchange, &ranking);
    let mut earlier = Exchange::decode(&bytes).expect("an earlier state");
    assert_eq!(StoredRanking::of(&earlier).0, [(Some(AccountId(0)), Vec::new())]);
    for exchange in [&mut exchange, &mut earlier] {
        while exchange.now() < at || exchange.is_due(at) {
            exchange.apply(at, &Command::Advance, told);
        }
        exchange.audit().expect("sound");
        assert!(exchange.positions(AccountId(1)).is_empty());
    }
    assert_eq!(exchange.state_hash(), earlier.state_hash());
}
