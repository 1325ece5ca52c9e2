//! Contracts that end amid much else (rules 4.4, 4.6): within a month that a clock jumps over, and at the very microsecond.

mod ending;
mod fixture;

use ending::{
    BTC, DATED, FIRST, HOUR, INVERSE, MINUTE, ONE, SECOND, dated, index, prices, settled, trade, usd,
};
use fixture::{Desk, ask, bid, reduce_only};
use loligo_engine::{
    AccountId, CancelOrder, Command, ContractKind, CreateAccount, Currency, Deposit, EditOrder, Event,
    Exchange, InstrumentId, InstrumentSpec, Money, OnGrid, OrderError, OrderRef, OrderStatus, Outcome,
    PlaceOrder, QtyMode, Side, Timestamp, UpdateReason, WORK_PER_RECORD, Wallet,
};

const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 31 * DAY;
/// Everyone who holds one of each contract, half of them short.
const HOLDERS: u32 = 40;
/// The sixteenths of a step that one indivisible step may be more than a record's share: every contract at a second is sampled at once.
const ONE_STEP_MORE: u32 = 16 * 8;

/// Lists a contract like another one, under a name, that ends then.
fn list_as(desk: &mut Desk, like: InstrumentId, symbol: &str, expiry: Option<i64>) -> InstrumentId {
    let spec = desk.exchange.instrument(like).expect("listed").spec().clone();
    let spec = InstrumentSpec { symbol: symbol.into(), expiry: expiry.map(Timestamp), ..spec };
    match desk.apply(&Command::List(Box::new(spec))) {
        Outcome::Listed(id) => id,
        other => panic!("{symbol}: {other:?}"),
    }
}

/// When each contract of the month ends.
const ENDS: [(&str, InstrumentId, Option<i64>); 4] = [
    // Delisted at the beginning.
    ("PF_XBTUSD_GONE", FIRST, None),
    ("FF_XBTUSD_MONTH", FIRST, Some(25 * DAY + 8 * HOUR)),
    ("FI_XBTUSD_MONTH", INVERSE, Some(25 * DAY + 16 * HOUR)),
    ("FF_XBTUSD_QUARTER", FIRST, Some(30 * DAY + 8 * HOUR)),
];

/// A crowd that holds perpetuals which pay funding, and contracts that end in the month to come.
fn crowd() -> (Desk, Vec<InstrumentId>) {
    let mut desk = Desk::open();
    let contracts: Vec<InstrumentId> =
        ENDS.iter().map(|(symbol, like, expiry)| list_as(&mut desk, *like, symbol, *expiry)).collect();
    for _ in 0..HOLDERS {
        let Outcome::AccountCreated(account) =
            desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house: false }))
        else {
            panic!("an account")
        };
        let btc = Currency::parse("BTC").expect("a code");
        for (wallet, currency) in
            [(Wallet::Flex, Currency::USD), (Wallet::Inverse(loligo_engine::PairId(0)), btc)]
        {
            let amount = usd(10_000);
            desk.done(&Command::Deposit(Deposit { account, wallet, currency, amount }));
        }
    }
    for contract in contracts.iter().chain(&[FIRST, INVERSE]).copied() {
        let inverse = desk.exchange.instrument(contract).expect("listed").spec().lot_precision == 0;
        let ticks = if inverse { 100_000 } else { 50_000 };
        desk.second_again(contract);
        for pair in 0..HOLDERS / 2 {
            desk.placed(AccountId(4 + 2 * pair), ask(100, ticks));
            desk.placed(AccountId(5 + 2 * pair), bid(100, ticks));
        }
        // Perpetuals have a premium, of a little more than a tenth of a per cent, and so a rate.
        if contract == FIRST || contract == INVERSE {
            desk.placed(desk.bob, bid(10_000, ticks / 1_000 * 1_001));
            desk.placed(desk.bob, ask(10_000, ticks / 1_000 * 1_002));
        }
    }
    assert!(matches!(desk.apply(&Command::Expire { instrument: contracts[0] }), Outcome::Armed(Some(_))));
    (desk, contracts)
}

/// What a month came to: the state, and whatever was booked, in its order.
fn over_a_month(mut exchange: Exchange, step: i64) -> ([u8; 32], Vec<Event>, usize) {
    let (mut booked, mut told, mut records) = (Vec::new(), Vec::new(), 0);
    let (begun, end) = (exchange.now(), exchange.now().plus(MONTH));
    for to in 1.. {
        let to = begun.plus(to * step).min(end);
        while exchange.now() < to || exchange.is_due(to) {
            exchange.apply(to, &Command::Advance, &mut told);
            let done = exchange.work_done();
            assert!(done <= WORK_PER_RECORD + ONE_STEP_MORE, "{done} in one record at {:?}", exchange.now());
            records += 1;
            let is_booking = |event: &Event| {
                matches!(
                    event,
                    Event::Settled(_)
                        | Event::SettlementPrice { .. }
                        | Event::Funding(_)
                        | Event::FundingRate { .. }
                        | Event::Market { .. }
                )
            };
            booked.extend(told.drain(..).filter(is_booking));
        }
        if to == end {
            break;
        }
    }
    exchange.audit().expect("sound");
    (exchange.state_hash(), booked, records)
}

#[test]
fn a_month_with_hours_expiries_and_a_delisting_comes_to_the_same_in_one_jump_and_in_small_ones() {
    let (desk, contracts) = crowd();
    let begun = desk.exchange.now().0;
    let (state, booked, records) = over_a_month(desk.exchange.clone(), MONTH);
    // Everything has come to its end when it was to, at the index that never moved.
    let hours = booked.iter().filter(|event| matches!(event, Event::FundingRate { instrument: FIRST, .. }));
    assert_eq!(hours.count(), 31 * 24);
    let pays = |event: &&Event| matches!(event, Event::FundingRate { instrument: FIRST, rate, .. } if rate.relative > 0);
    assert_eq!(booked.iter().filter(pays).count(), 31 * 24, "a premium that is there all the time");
    for (contract, (symbol, _, expiry)) in contracts.iter().zip(ENDS) {
        let at = expiry.unwrap_or(begun + 15 * MINUTE);
        assert_eq!(prices(&booked, *contract), [(50_000 * ONE, at)], "{symbol}");
        let of = settled(&booked).into_iter().filter(|one| one.instrument == *contract);
        let of: Vec<Timestamp> = of.map(|one| one.at).collect();
        assert_eq!(of, vec![Timestamp(at); HOLDERS as usize], "{symbol}");
    }
    let funded = booked.iter().filter(|event| matches!(event, Event::Funding(_))).count();
    // Two perpetuals for each hour; the one that is delisted pays for its last quarter of one as it settles.
    assert_eq!(funded, 31 * 24 * 2 * HOLDERS as usize);
    assert!(records > funded / 64, "{records}");
    // A step that meets no hour and no second, and one that is longer than any window.
    for step in [7 * HOUR + 13 * MINUTE + 11 * SECOND + 17, 3 * DAY + 1] {
        let (other, told, _) = over_a_month(desk.exchange.clone(), step);
        assert_eq!(told.len(), booked.len(), "{step}");
        assert!(told == booked, "{step}");
        assert_eq!(other, state, "{step}");
    }
}

#[test]
fn a_microsecond_before_the_last_trading_time_everything_is_possible_and_at_it_nothing() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    index(&mut desk, 50_500 * ONE);
    trade(&mut desk, BTC, 50_000);
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let kept = desk.placed(carol, bid(10, 40_000));
    desk.wait(HOUR - 1 - desk.exchange.now().0);
    // The last microsecond: a trade, an order that rests, an edit, a cancel.
    desk.placed(bob, ask(100, 50_200));
    let Outcome::Placed(bought) = desk.place(alice, bid(100, 50_200)) else { panic!("bought") };
    assert_eq!(desk.position(alice), BTC + 100);
    let (rests, goes) = (desk.placed(carol, bid(20, 40_001)), desk.placed(carol, bid(30, 40_002)));
    assert!(matches!(desk.edit(carol, kept, None, Some(11), QtyMode::Absolute), Outcome::Edited(_)));
    assert_eq!(desk.cancel(carol, goes), Outcome::Cancelled(goes));
    assert_eq!(desk.exchange.now(), Timestamp(HOUR - 1));
    assert!(desk.exchange.order(bought).is_some());

    // The very instant: the record that brings it finds the market closed, whatever it asks.
    let of = |account, order: PlaceOrder| Command::Place(PlaceOrder { account, instrument: DATED, ..order });
    let cancel = |order| {
        let order = OrderRef::Id(order);
        Command::Cancel(CancelOrder { account: carol, order, process_before: None })
    };
    let edit = Command::Edit(EditOrder {
        account: carol,
        order: OrderRef::Id(kept),
        instrument: None,
        limit_price: Some(OnGrid::Steps(40_003)),
        stop_price: None,
        deviation: None,
        deviation_unit: None,
        qty: None,
        qty_mode: QtyMode::Absolute,
        process_before: None,
    });
    let at = |command: &Command| {
        let (mut exchange, mut told) = (desk.exchange.clone(), Vec::new());
        let outcome = exchange.apply(Timestamp(HOUR), command, &mut told);
        exchange.audit().expect("sound");
        assert_eq!(settled(&told).len(), 2, "{command:?}");
        (outcome, exchange)
    };
    for order in [bid(100, 50_200), ask(100, 50_200), reduce_only(ask(100, 50_200))] {
        let side = order.side;
        let (outcome, _) = at(&of(alice, order));
        assert!(matches!(outcome, Outcome::Rejected(_, OrderError::MarketNotFound)), "{side:?}: {outcome:?}");
    }
    let (outcome, exchange) = at(&cancel(rests));
    assert_eq!(outcome, Outcome::CancelNotFound(Some(rests)));
    assert_eq!(exchange.order(rests).expect("known").reason, Some(UpdateReason::ContractExpired));
    let (outcome, exchange) = at(&edit);
    assert!(
        matches!(outcome, Outcome::EditRejected(Some(_), OrderError::OrderForEditNotFound)),
        "{outcome:?}"
    );
    assert_eq!(exchange.order(kept).expect("known").status, OrderStatus::Cancelled);
    // What was bought in the last microsecond is settled with the rest.
    let (_, exchange) = at(&Command::Advance);
    desk.wait(1);
    assert_eq!(exchange.state_hash(), desk.exchange.state_hash());
    let one = settled(desk.events()).into_iter().find(|one| one.account == alice).expect("settled");
    assert_eq!((one.closed, one.at), (BTC + 100, Timestamp(HOUR)));
    assert_eq!(one.realized_pnl, usd(500) + Money(usd(3).0));
    assert!(desk.depth(Side::Buy).is_empty());
}
