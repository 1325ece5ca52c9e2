//! What else may happen to a wallet while it is on the ladder (rules 4.4, 5.3, 5.6): a halt of one of its markets, the end of one of its
//! contracts, collateral that is sold; and isolated positions beside the rest of it.

use super::fixture::{Desk, ask, bid, reduce_only, stop};
use super::*;
use loligo_engine::{OrderError, Timestamp, UpdateReason};

const FIRST: InstrumentId = InstrumentId(0);
const HOUR: i64 = 3_600 * SECOND;

/// Lots of each contract that were sold for Alice.
fn sold(desk: &Desk, of: InstrumentId) -> Vec<i64> {
    let own = |e: &Execution| e.instrument == of && e.taker.role == FillRole::PartialLiquidation;
    desk.executions().into_iter().filter(own).map(|e| e.qty.0).collect()
}

/// Both marks of two contracts at one instant, with neither market open before.
fn marks(desk: &mut Desk, second: InstrumentId, first: i128, other: i128) {
    for (state, again) in [(MarketState::Suspended, true), (MarketState::Open, false)] {
        for (contract, mark) in [(FIRST, first), (second, other)] {
            desk.second_again(contract);
            if again {
                desk.state(state);
            } else {
                desk.mark(mark);
            }
        }
    }
    for contract in [FIRST, second] {
        desk.second_again(contract);
        desk.state(MarketState::Open);
    }
}

#[test]
fn what_is_largest_in_a_halted_market_makes_the_others_wait_and_what_is_smaller_does_not() {
    // 1 BTC of the first contract and half of one of the second; 312.50 are left for 366.75 at 48,900.
    let open = || {
        let mut desk = Desk::listed();
        desk.holds(desk.alice, 2_000 * Money::ONE);
        let second = desk.second();
        for (contract, lots) in [(second, BTC / 2), (FIRST, BTC)] {
            desk.second_again(contract);
            desk.placed(desk.bob, ask(lots, 50_000));
            desk.placed(desk.alice, bid(lots, 50_000));
            desk.placed(desk.bob, bid(BTC, 48_900));
        }
        (desk, second)
    };
    for halt in [MarketState::Suspended, MarketState::PostOnly] {
        let (mut desk, second) = open();
        desk.state(halt);
        desk.price(48_900);
        desk.second_again(second);
        desk.mark(48_900);
        desk.wait(5 * SECOND);
        assert_eq!((sold(&desk, FIRST), sold(&desk, second)), (vec![], vec![]), "{halt:?}");
        desk.first();
        desk.state(MarketState::Open);
        desk.wait(SECOND);
        assert_eq!(sold(&desk, FIRST), [1_000], "{halt:?}");

        // The smaller one halted: the larger goes down until that is no longer so, and then waits for it.
        let (mut desk, second) = open();
        desk.second_again(second);
        desk.state(halt);
        desk.mark(48_900);
        desk.price(48_900);
        desk.wait(20 * SECOND);
        assert_eq!(sold(&desk, FIRST), [1_000, 900, 810, 729, 656, 590, 531], "{halt:?}");
        assert!(desk.flex(desk.alice).liquidated);
        assert_eq!(sold(&desk, second), []);
        desk.state(MarketState::Open);
        desk.wait(SECOND);
        assert_eq!(sold(&desk, second), [500], "{halt:?}");
    }
}

#[test]
fn a_contract_that_ends_amid_the_ladder_is_settled_and_that_ends_the_ladder() {
    // Settled at the index: at 48,700 something is left, at 48,000 the pool pays 535.
    for index in [48_700, 48_000] {
        let mut desk = Desk::listed();
        let spec = desk.exchange.instrument(FIRST).expect("the first").spec().clone();
        let expiry = Some(Timestamp(5 * SECOND));
        let spec = InstrumentSpec { symbol: "FF_XBTUSD_DATED".into(), expiry, ..spec };
        let Outcome::Listed(id) = desk.apply(&Command::List(Box::new(spec))) else { panic!("not listed") };
        desk.second_again(id);
        desk.mark(50_000);
        desk.holds(desk.alice, 1_500 * Money::ONE);
        desk.placed(desk.bob, ask(BTC, 50_010));
        desk.placed(desk.alice, bid(BTC, 50_010));
        let pair = PairId(0);
        desk.done(&Command::PinIndex { pair, price: Some(FinePrice(index * 10_i128.pow(18))) });
        // Somebody takes one lot, so the ladder waits for the next second; and again.
        desk.placed(desk.bob, bid(1, 48_700));
        desk.mark(48_700);
        for _ in 0..4 {
            assert!(desk.flex(desk.alice).liquidated);
            desk.placed(desk.bob, bid(1, 48_700));
            desk.wait(SECOND);
        }
        assert_eq!(sold(&desk, id), [1; 5]);
        desk.wait(SECOND);
        desk.first();
        assert_eq!(desk.position(desk.alice), 0, "{index}");
        assert!(!desk.flex(desk.alice).liquidated);
        // Five lots are sold at 48,700, for a fee of 0.05% and 0.25% into the pool.
        let lots = |lots: i128, price: i128| lots * price * Money::ONE / BTC as i128;
        let sold_for = lots(5, 48_700 - 50_010) - lots(5, 48_700) * 30 / 10_000;
        // The rest settles at the index, for a taker's fee.
        let rest = BTC as i128 - 5;
        let settled_for = lots(rest, index - 50_010) - lots(rest, index) * 5 / 10_000;
        let left = 1_474_995 * Money::ONE / 1_000 + sold_for + settled_for;
        let fed = lots(5, 48_700) * 25 / 10_000;
        assert_eq!(desk.balance(desk.alice), left.max(0), "{index}");
        assert_eq!(in_pool(&desk).0, fed + left.min(0), "what was missing the pool paid");
        // And she may trade again.
        desk.holds(desk.alice, 1_000 * Money::ONE);
        desk.placed(desk.alice, bid(1, 40_000));
    }
}

/// Long of one contract, short of one that ends at a full second: 260 are left for the 245.20 that the two need together, and the fee of the
/// settlement is 24.52. So the ladder begins at that second before its sample is taken.
#[test]
fn a_ladder_that_begins_with_the_end_of_another_contract_goes_on_with_the_next_second() {
    let mut desk = Desk::listed();
    let spec = desk.exchange.instrument(FIRST).expect("the first").spec().clone();
    let expiry = Some(Timestamp(5 * SECOND));
    let spec = InstrumentSpec { symbol: "FF_XBTUSD_DATED".into(), expiry, ..spec };
    let Outcome::Listed(dated) = desk.apply(&Command::List(Box::new(spec))) else { panic!("not listed") };
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.second_again(dated);
    desk.mark(50_000);
    desk.placed(desk.bob, bid(BTC, 50_000));
    desk.placed(desk.alice, ask(BTC, 50_000));
    desk.holds(desk.alice, 600 * Money::ONE);
    desk.done(&Command::PinIndex { pair: PairId(0), price: Some(FinePrice(49_040 * 10_i128.pow(18))) });
    desk.mark(49_040);
    desk.first();
    desk.mark(48_700);
    desk.placed(desk.carol, bid(1, 48_700));
    desk.wait(5 * SECOND - 1);
    assert_eq!(sold(&desk, FIRST), []);
    desk.wait(1);
    assert_eq!(sold(&desk, FIRST), [1]);
    assert!(desk.flex(desk.alice).liquidated);
    desk.wait(SECOND);
    assert_eq!(rungs(&desk)[1].0, FillRole::UnwindBankrupt);
    assert_eq!(desk.position(desk.alice), 0);
}

/// Alice is long of one at 50,010, with 130 USD and 1,245 euros behind it; and what euros are called.
fn backed_by_euros() -> (Desk, Currency) {
    let mut desk = Desk::listed();
    let euro = Currency::parse("EUR").expect("a code");
    let (account, wallet) = (desk.alice, Wallet::Flex);
    desk.holds(desk.alice, 130 * Money::ONE);
    // 1,245 at 1.1, less 0.05%: 1,368.81525.
    desk.done(&Command::Deposit(Deposit { account, wallet, currency: euro, amount: usd(1_245, 0) }));
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
    (desk, euro)
}

#[test]
fn other_collateral_is_sold_for_what_each_step_loses_and_the_ladder_goes_on() {
    let (mut desk, euro) = backed_by_euros();
    desk.placed(desk.bob, bid(BTC, 48_700));
    // 1,473.81 less 1,310 for 243.50.
    desk.price(48_700);
    let mut left = usd(1_245, 0);
    let held = |desk: &Desk, of: Currency| {
        let balances = desk.flex(desk.alice).balances;
        balances.iter().find(|(currency, _)| *currency == of).map_or(Money::ZERO, |(_, held)| *held)
    };
    let mut steps = 0;
    while desk.flex(desk.alice).liquidated {
        steps += 1;
        assert_eq!(sold(&desk, FIRST).len(), steps, "one a second");
        assert!(held(&desk, Currency::USD) >= Money::ZERO);
        assert!(held(&desk, euro) < left, "what a step loses is paid at once");
        left = held(&desk, euro);
        desk.wait(SECOND);
    }
    let converted = |event: &&Event| matches!(event, Event::Converted(_));
    assert!(steps > 5, "{steps}");
    assert!(desk.events().iter().filter(converted).count() >= steps);
    assert!(held(&desk, euro) > Money::ZERO && desk.exchange.positions(desk.alice)[0].qty > 0, "cured");
}

#[test]
fn collateral_that_loses_its_price_amid_the_ladder_leaves_nothing_to_keep() {
    let (mut desk, _) = backed_by_euros();
    desk.placed(desk.bob, bid(1, 48_700));
    desk.price(48_700);
    assert_eq!(sold(&desk, FIRST), [1]);
    // At a dollar the euro counts for 1,244.3775 or so: 39.3 are left, and the next lots go at 48,661.
    let pair = desk.exchange.pair_by_name("EUR:USD").expect("priced");
    desk.done(&Command::PinIndex { pair, price: Some(FinePrice(10_i128.pow(18))) });
    desk.wait(SECOND);
    assert_eq!(rungs(&desk).last().copied(), Some((FillRole::UnwindBankrupt, BTC - 1, 48_661, desk.bob)));
    assert_eq!(desk.exchange.positions(desk.alice), []);
    assert!(!desk.flex(desk.alice).liquidated);
}

#[test]
fn an_isolated_position_and_the_rest_of_its_wallet_go_down_the_ladder_each_for_itself() {
    let mut desk = Desk::listed();
    let second = desk.second();
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.first();
    desk.lever(desk.alice, Some(10_000));
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.holds(desk.alice, 1_900 * Money::ONE);
    // 500 are set aside: 200 of them are left at 49,700 for 248.50. Of the other 1,400 at 48,800 as much, for 244.
    marks(&mut desk, second, 49_700, 48_800);
    desk.wait(SECOND);
    let steps: Vec<_> =
        desk.executions().into_iter().map(|e| (e.instrument, e.taker.role, e.qty.0, e.price.0)).collect();
    let unwound = FillRole::UnwindBankrupt;
    assert_eq!(steps[2..], [(second, unwound, BTC, 48_600), (FIRST, unwound, BTC, 49_500)]);
    assert_eq!(desk.balance(desk.alice), 0, "each lost what stood behind it, to the last unit");
    assert!(!desk.flex(desk.alice).liquidated);
    assert_eq!(in_pool(&desk), Money::ZERO);
}

/// Bob is short of 1 BTC of the first contract, isolated at twice its value, with 25,000 set aside and 10,000 gained; and was of another,
/// until Alice's bankruptcy cost him 3,038 of the 3,032 that he had beside that. He has orders.
struct SetAside {
    desk: Desk,
    second: InstrumentId,
    closes: loligo_engine::OrderId,
    adds: loligo_engine::OrderId,
    waits: loligo_engine::OrderId,
}

fn more_set_aside_than_there_is() -> SetAside {
    let mut desk = Desk::listed();
    let second = desk.second();
    desk.holds(desk.alice, 2_000 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    let adds = desk.placed(desk.bob, ask(BTC, 60_000));
    let waits = desk.placed(desk.bob, stop(ask(BTC, 40_000), 45_000));
    desk.first();
    desk.placed(desk.carol, ask(BTC / 2, 50_000));
    desk.placed(desk.alice, bid(BTC / 2, 50_000));
    desk.lever(desk.bob, Some(200));
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice_sub, bid(BTC, 50_000));
    let closes = desk.placed(desk.bob, reduce_only(bid(BTC, 30_000)));
    desk.holds(desk.bob, 28_032 * Money::ONE);
    desk.mark(40_000);
    assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 53_038, desk.bob)]);
    // Alice is saved from the next step.
    desk.holds(desk.alice, 6_000 * Money::ONE);
    assert!(!desk.flex(desk.alice).liquidated);
    SetAside { desk, second, closes, adds, waits }
}

#[test]
fn a_wallet_that_set_more_aside_than_it_has_is_not_liquidated_and_takes_no_new_risk() {
    let SetAside { mut desk, second, closes, adds, waits } = more_set_aside_than_there_is();
    assert_eq!(desk.balance(desk.bob), usd(24_994, 0).0);
    assert_eq!(desk.flex(desk.bob).cross_equity(), Fine(-6 * 10_i128.pow(24)));
    // Nothing of it needs margin, so it is on no ladder. It is close-only (rules 5.5): what adds risk goes, what closes and what waits
    // stays.
    assert!(!desk.flex(desk.bob).liquidated);
    assert_eq!(desk.order(adds).reason, Some(UpdateReason::NotEnoughMargin));
    assert_eq!(desk.order(closes).status, OrderStatus::EnteredBook);
    assert_eq!(desk.order(waits).status, OrderStatus::TriggerPlaced);
    for contract in [second, FIRST] {
        desk.second_again(contract);
        assert_eq!(desk.refused(desk.bob, ask(1, 60_000)), OrderError::InsufficientMargin);
        assert_eq!(desk.refused(desk.bob, bid(BTC + 1, 30_000)), OrderError::InsufficientMargin);
    }
    assert_eq!(desk.flex(desk.bob).may_leave(), Money::ZERO);
    // There is nothing to be done about it, so nothing is: until the hour nothing is due, and time passes in one record.
    assert!(!desk.exchange.is_busy());
    assert_eq!(desk.exchange.next_due(), Some(Timestamp(HOUR)));
    let told = desk.events().len();
    desk.wait(HOUR / 2);
    let forgotten = |event: &Event| matches!(event, Event::Forgotten { .. });
    assert!(desk.events()[told..].iter().all(forgotten));
    // A trigger that fires is refused as an order is.
    desk.second_again(second);
    desk.mark(45_000);
    assert_eq!(desk.order(waits).error, Some(OrderError::InsufficientMargin));
    assert_eq!(rungs(&desk).len(), 1, "nobody was liquidated");
}

#[test]
fn who_set_more_aside_than_there_is_may_close_cancel_and_add_money() {
    let SetAside { mut desk, closes, .. } = more_set_aside_than_there_is();
    desk.first();
    desk.cancel(desk.bob, closes);
    assert_eq!(desk.order(closes).reason, Some(UpdateReason::CancelledByUser));
    desk.placed(desk.carol, ask(BTC, 40_000));
    desk.placed(desk.bob, bid(BTC / 2, 40_000));
    desk.placed(desk.bob, bid(BTC / 2, 40_000));
    assert_eq!(desk.exchange.positions(desk.bob), []);
    // 10,000 gained, less 0.05% of 40,000.
    assert_eq!(desk.balance(desk.bob), usd(34_974, 0).0);
    desk.placed(desk.bob, bid(BTC, 30_000));

    let SetAside { mut desk, second, .. } = more_set_aside_than_there_is();
    desk.second_again(second);
    // An order of a lot needs four cents, and a fee of two tenths of one.
    desk.holds(desk.bob, usd(25_000_041, 3).0);
    assert_eq!(desk.refused(desk.bob, bid(1, 40_000)), OrderError::InsufficientMargin);
    desk.holds(desk.bob, usd(25_000_042, 3).0);
    desk.placed(desk.bob, bid(1, 40_000));
}
