//! Where a rule turns at a figure, what holds at exactly that figure, and one unit beyond it. The engine is asserted, and
//! the model must have come to the same at each step.

#[path = "../../loligo-engine/tests/ending/mod.rs"]
mod ending;
#[path = "../../loligo-engine/tests/fixture/mod.rs"]
mod fixture;

use ending::{DATED, GRAIN, HOUR, ONE, dated, index};
use fixture::{Desk, ask, bid, immediate};
use loligo_engine::{
    Command, ContractKind, Currency, Event, FeeRates, FillRole, Fine, FinePrice, Leverage, Money, OrderError,
    OrderId, OrderStatus, Outcome, UpdateReason,
};
use loligo_sim::agreement::{SideBySide, Step};

/// One BTC, in lots.
const BTC: i64 = 10_000;

/// Everything that was asked at a desk, asked of engine and model side by side.
fn agreed(desk: &Desk) {
    let mut both = SideBySide::new();
    for (time, command) in desk.steps() {
        let step = Step { time: *time, command: command.clone() };
        both.step(&step).unwrap_or_else(|disagreement| panic!("{command:?}: {disagreement:?}"));
    }
}

/// Alice is long 1 BTC from a price, and has just so much USD, in units of 1e-11.
fn long(from: i64, usd: i128) -> Desk {
    let mut desk = Desk::listed();
    desk.placed(desk.bob, ask(BTC, from));
    desk.placed(desk.alice, bid(BTC, from));
    desk.holds(desk.alice, usd);
    desk
}

#[test]
fn equity_of_exactly_the_maintenance_margin_is_not_liquidated() {
    // At 49,000: 1,245 less 1,000 are 245, and 0.5% of the value.
    for (less, left) in [(0, BTC), (1, 0)] {
        let mut desk = long(50_000, 1_245 * Money::ONE - less);
        desk.price(49_000);
        let wallet = desk.flex(desk.alice);
        let spare = if left == 0 { Fine::ZERO } else { wallet.equity - wallet.maintenance_margin };
        assert_eq!((spare, desk.position(desk.alice)), (Fine::ZERO, left), "{less} less");
        // Nobody bids and nobody offered to take it over: who is short loses all of it to bob, where nothing is left.
        let unwound = desk.executions().iter().any(|met| met.taker.role == FillRole::UnwindBankrupt);
        let tick = Money(Money::ONE).fine();
        assert_eq!((unwound, wallet.equity < tick), (left == 0, left == 0), "{less} less");
        agreed(&desk);
    }
}

#[test]
fn an_isolated_position_of_exactly_its_maintenance_margin_is_not_liquidated() {
    // 995 set aside at 50x for 49,750; at 49,000 that less 750 are 245.
    for (mark, sold) in [(49_000, false), (48_999, true)] {
        let mut desk = Desk::listed();
        assert_eq!(desk.lever(desk.alice, Some(5_000)), Outcome::Done);
        desk.placed(desk.bob, ask(BTC, 49_750));
        desk.placed(desk.alice, bid(BTC, 49_750));
        desk.placed(desk.bob, bid(BTC, 49_000));
        desk.price(mark);
        assert_eq!(desk.position(desk.alice) < BTC, sold, "at {mark}");
        assert_eq!(desk.exchange.pool(Currency::USD) > Money::ZERO, sold, "at {mark}");
        agreed(&desk);
    }
}

#[test]
fn a_fill_that_leaves_exactly_the_maintenance_margin_is_taken() {
    // 400 lost to mark and a fee of 25.20: 250 are left for 250.
    for (less, refused) in [(0, false), (1, true)] {
        let mut desk = Desk::listed();
        desk.holds(desk.alice, 67_520 * Money::ONE / 100 - less);
        desk.placed(desk.bob, ask(BTC, 50_400));
        let order = immediate(bid(BTC, 50_400));
        if refused {
            assert_eq!(desk.refused(desk.alice, order), OrderError::WouldCauseLiquidation);
        } else {
            desk.placed(desk.alice, order);
            assert!(!desk.flex(desk.alice).liquidated);
        }
        agreed(&desk);
    }
}

#[test]
fn a_fee_tier_begins_at_exactly_its_volume() {
    let first = FeeRates { maker: 20_000, taker: 50_000 };
    let second = FeeRates { maker: 15_000, taker: 45_000 };
    // 2,500,000 USD in one trade, and a lot of 5 USD less.
    for (lots, earned) in [(50 * BTC - 1, first), (50 * BTC, second)] {
        let mut desk = Desk::listed();
        desk.placed(desk.bob, ask(lots, 50_000));
        desk.placed(desk.alice, bid(lots, 50_000));
        for account in [desk.alice, desk.bob] {
            assert_eq!(desk.exchange.fee_rates(account), Some(earned), "{lots}");
        }
        // What is paid next is paid by it.
        desk.placed(desk.bob, ask(BTC, 50_000));
        desk.placed(desk.alice, bid(BTC, 50_000));
        let next = desk.executions().pop().expect("a trade");
        let fee = |rate: i32| Money(50_000 * Money::ONE * i128::from(rate) / 100_000_000);
        assert_eq!((next.maker.fee, next.taker.fee), (fee(earned.maker), fee(earned.taker)), "{lots}");
        agreed(&desk);
    }
}

#[test]
fn a_margin_level_begins_beyond_its_start() {
    // The second level starts at 1,000,000 USD and allows 50x; the first allows 100x.
    let mut desk = Desk::listed();
    assert_eq!(desk.lever(desk.alice, Some(10_000)), Outcome::Done);
    assert_eq!(desk.refused(desk.alice, bid(20 * BTC + 1, 50_000)), OrderError::FixedLeverageTooHigh);
    desk.placed(desk.alice, bid(20 * BTC, 50_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, Fine(10_000 * 10_i128.pow(24)));
    assert_eq!(desk.refused(desk.alice, bid(1, 50_000)), OrderError::FixedLeverageTooHigh);
    agreed(&desk);
    // As a position it is in the first level still: an order that closes and opens as much again is, too.
    desk.placed(desk.bob, ask(20 * BTC, 50_000));
    assert_eq!(desk.refused(desk.alice, ask(40 * BTC + 1, 50_000)), OrderError::FixedLeverageTooHigh);
    desk.placed(desk.alice, ask(40 * BTC, 50_000));
    agreed(&desk);
}

fn state(desk: &Desk, order: OrderId) -> (OrderStatus, Option<UpdateReason>) {
    let order = desk.order(order);
    (order.status, order.reason)
}

const RESTS: (OrderStatus, Option<UpdateReason>) =
    (OrderStatus::EnteredBook, Some(UpdateReason::NewUserOrder));
const GONE: (OrderStatus, Option<UpdateReason>) =
    (OrderStatus::Cancelled, Some(UpdateReason::NotEnoughMargin));

#[test]
fn equity_of_exactly_the_initial_margin_with_orders_is_not_close_only() {
    for (less, want) in [(0, RESTS), (1, GONE)] {
        // 500 for the position, 480 for the order; 200 are lost at 49,800.
        let mut desk = long(50_000, 1_180 * Money::ONE - less);
        let order = desk.placed(desk.alice, bid(BTC, 48_000));
        desk.price(49_800);
        assert_eq!(state(&desk, order), want, "{less} less");
        agreed(&desk);
    }
    // The same where the wallet is judged whenever a mark moves, as one with an isolated position is.
    for (less, want) in [(0, RESTS), (1, GONE)] {
        let mut desk = Desk::listed();
        assert_eq!(desk.lever(desk.alice, Some(1_000)), Outcome::Done);
        desk.placed(desk.bob, ask(BTC / 100, 50_000));
        desk.placed(desk.alice, bid(BTC / 100, 50_000));
        desk.second();
        desk.mark(50_000);
        desk.placed(desk.bob, ask(BTC, 50_000));
        desk.placed(desk.alice, bid(BTC, 50_000));
        let order = desk.placed(desk.alice, bid(BTC, 48_000));
        // 50 are set aside besides.
        desk.holds(desk.alice, 1_230 * Money::ONE - less);
        desk.mark(49_800);
        desk.first();
        desk.mark(49_999);
        assert_eq!(state(&desk, order), want, "{less} less, judged");
        agreed(&desk);
    }
}

#[test]
fn with_exactly_the_initial_margin_new_risk_that_needs_no_more_is_taken() {
    // The position holds 500, a short as large at 50,000 would, too: nothing is added.
    for (less, refused) in [(0, false), (1, true)] {
        let mut desk = long(50_000, 700 * Money::ONE - less);
        desk.price(49_800);
        if refused {
            assert_eq!(desk.refused(desk.alice, ask(2 * BTC, 50_000)), OrderError::InsufficientMargin);
        } else {
            desk.placed(desk.alice, ask(2 * BTC, 50_000));
        }
        agreed(&desk);
    }
}

#[test]
fn who_is_close_only_loses_what_adds_risk_the_youngest_first() {
    let mut desk = long(50_000, 2_000 * Money::ONE);
    // By age, not by price, size or side; what closes the position stays.
    let adds = [bid(BTC / 2, 48_000), bid(BTC, 49_000), ask(BTC / 2, 53_000), bid(1, 47_000)];
    let closes = desk.placed(desk.alice, ask(BTC, 51_000));
    let mut orders: Vec<OrderId> = adds.into_iter().map(|order| desk.placed(desk.alice, order)).collect();
    let before = desk.events().len();
    desk.price(49_200);
    let gone = desk.events()[before..].iter().filter_map(|event| match event {
        Event::Cancelled { order } => Some(order.id),
        _ => None,
    });
    orders.reverse();
    assert_eq!(gone.collect::<Vec<_>>(), orders);
    assert!(orders.iter().all(|order| state(&desk, *order) == GONE));
    assert_eq!(state(&desk, closes), RESTS);
    agreed(&desk);
}

#[test]
fn a_settlement_that_takes_exactly_what_was_set_aside_costs_the_pool_nothing() {
    // One BTC at tenfold: its entry, the settlement price in USD and units, what is in the pool; then the fee, and what is left
    // in the pool. What was set aside is gone each time.
    let ten = 10 * Money::ONE;
    for (entry, price, units, pool, fee, left) in [
        (49_975, 45_000, 0, ten, 9 * ten / 4, ten),
        (49_975, 45_000, -1, ten, 9 * ten / 4 - 1, ten),
        (50_000, 45_000, 0, ten, 0, ten),
        (50_000, 45_000, -1, ten, 0, ten - 1),
        (50_000, 44_990, 0, ten, 0, 0),
        (50_000, 44_990, -1, ten, 0, -1),
        (50_000, 44_990, 0, ten - 1, 0, -1),
    ] {
        let mut desk = dated(ContractKind::Linear, HOUR);
        let alice = desk.alice;
        desk.done(&Command::SetPool { currency: Currency::USD, amount: Money(pool) });
        let leverage = Some(Leverage(1_000));
        desk.done(&Command::SetLeverage { account: alice, instrument: DATED, leverage });
        ending::trade(&mut desk, BTC, entry);
        desk.done(&Command::PinMark { instrument: DATED, price: Some(FinePrice(50_000 * ONE)) });
        let had = desk.balance(alice);
        index(&mut desk, price * ONE + units * GRAIN);
        desk.wait(HOUR);
        let row = format!("{entry} to {price} and {units}");
        let settled = ending::settled(desk.events());
        assert_eq!(settled[0].fee, Money(fee), "{row}");
        assert_eq!(desk.balance(alice), had - i128::from(entry) * Money::ONE / 10, "{row}");
        assert_eq!(desk.exchange.pool(Currency::USD), Money(left), "{row}");
        agreed(&desk);
    }
}
