//! The liquidation ladder (rules 5.6), the worked examples to the cent. PF_XBTUSD: tick 1, lot 0.0001.

mod fixture;

use fixture::{Desk, ask, bid, reduce_only, stop};
use loligo_engine::{
    Command, CreateAccount, Currency, Exchange, Fill, FillRole, Fine, InstrumentId, MarketState, Money,
    OrderError, OrderStatus, OrderType, Outcome, UpdateReason,
};

/// One BTC, in lots.
const BTC: i64 = 10_000;
const SECOND: i64 = 1_000_000;

fn fine(units: i128, decimals: u32) -> Fine {
    Fine(units * 10_i128.pow(24 - decimals))
}

fn money(units: i128, decimals: u32) -> Money {
    fine(units, decimals).floor()
}

/// Alice holds 1,500 USD and buys 1 BTC at 50,010: 1,474.995 after the fee.
fn long(desk: &mut Desk) {
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
}

/// What Alice's liquidations have sold so far: lots and price.
fn sold(desk: &Desk) -> Vec<(i64, i64)> {
    let liquidated = |fill: &Fill| matches!(fill.role, FillRole::PartialLiquidation | FillRole::Liquidation);
    let fills = desk.executions().into_iter().filter(|e| liquidated(&e.taker));
    fills.map(|e| (e.qty.0, e.price.0)).collect()
}

#[test]
fn a_tenth_of_the_position_is_sold_and_that_may_be_enough() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.placed(desk.bob, bid(BTC, 49_990));
    let waiting = desk.placed(desk.alice, stop(ask(BTC, 1), 40_000));
    let resting = desk.placed(desk.alice, reduce_only(ask(BTC, 52_000)));
    // 164.995 for a maintenance of 243.50.
    desk.price(48_700);

    let step = desk.executions().pop().expect("a step");
    assert_eq!((step.qty.0, step.price.0, step.taker.role), (1_000, 49_990, FillRole::PartialLiquidation));
    assert_eq!(step.taker.realized_pnl, money(-2, 0));
    assert_eq!(step.taker.fee, money(24_995, 4));
    assert_eq!(step.taker.liquidation_fee, money(124_975, 4), "half of 0.5% of 4,999");
    let wallet = desk.flex(desk.alice);
    assert_eq!((wallet.equity, wallet.maintenance_margin), (fine(278_998, 3), fine(21_915, 2)));
    assert!(!wallet.liquidated, "cured");
    assert_eq!(desk.exchange.pool(Currency::USD), money(124_975, 4));

    for order in [waiting, resting] {
        let gone = desk.order(order);
        assert_eq!(
            (gone.status, gone.reason),
            (OrderStatus::Cancelled, Some(UpdateReason::LiquidationOrder))
        );
    }
    let order = desk.order(step.taker.order);
    assert_eq!((order.order_type, order.status), (OrderType::Liquidation, OrderStatus::FullyExecuted));
    desk.wait(5 * SECOND);
    assert_eq!(sold(&desk).len(), 1);
    desk.placed(desk.alice, reduce_only(ask(BTC / 2, 49_000)));
}

#[test]
fn steps_follow_at_each_full_second_until_maintenance_is_met() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.placed(desk.bob, bid(BTC, 48_700));
    desk.price(48_700);
    // Sold at mark a step costs its fees alone: 0.05% and 0.25% of what it frees 0.5% of.
    assert_eq!(sold(&desk), [(1_000, 48_700)]);
    for (second, lots) in (1..).zip([900, 810, 729, 656, 590, 531, 478, 430, 387, 348, 314, 282, 254, 229]) {
        desk.wait(SECOND - 1);
        assert_eq!(sold(&desk).len(), second, "not before a second has passed");
        desk.wait(1);
        assert_eq!(sold(&desk).last(), Some(&(lots, 48_700)));
        assert!(desk.flex(desk.alice).liquidated);
    }
    desk.wait(10 * SECOND);
    assert_eq!(sold(&desk).len(), 16);
    let wallet = desk.flex(desk.alice);
    assert!(!wallet.liquidated && wallet.equity >= wallet.maintenance_margin, "{wallet:?}");
}

#[test]
fn a_jump_of_time_steps_as_time_would() {
    let run = |jumps: &[i64]| {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.placed(desk.bob, bid(BTC, 48_700));
        desk.price(48_700);
        jumps.iter().for_each(|seconds| desk.wait(seconds * SECOND));
        desk.exchange.state_hash()
    };
    assert_eq!(run(&[400]), run(&[1; 400]));
}

#[test]
fn on_the_ladder_orders_are_refused_nothing_leaves_and_what_is_filled_in_part_waits_for_the_next_second() {
    let mut desk = Desk::listed();
    long(&mut desk);
    let resting = desk.placed(desk.alice, bid(BTC / 10, 40_000));
    desk.placed(desk.bob, bid(1, 48_700));
    desk.price(48_700);
    let wallet = desk.flex(desk.alice);
    assert!(wallet.liquidated);
    assert_eq!(sold(&desk), [(1, 48_700)]);
    assert_eq!(wallet.may_leave(), Money::ZERO);

    let refused = [reduce_only(ask(BTC, 48_000)), ask(BTC, 48_000), bid(1, 100), stop(ask(BTC, 1), 40_000)]
        .map(|order| desk.refused(desk.alice, order));
    assert_eq!(refused, [OrderError::InsufficientMargin; 4]);
    assert_eq!(
        desk.cancel(desk.alice, resting),
        Outcome::CancelNotFound(Some(resting)),
        "it is gone already"
    );

    // Equity is nothing at 48,535.0004: the tick above is the last one to be sold at.
    desk.placed(desk.bob, bid(BTC, 48_535));
    desk.placed(desk.carol, bid(BTC, 48_536));
    desk.wait(SECOND - 1);
    assert_eq!(sold(&desk).len(), 1);
    desk.wait(1);
    assert_eq!(sold(&desk), [(1, 48_700), (999, 48_536)]);
    // With 134.02 left for 0.9 that limit is 48,552 now. The price comes back, and with it the right to trade.
    desk.price(49_000);
    assert!(!desk.flex(desk.alice).liquidated);
    desk.placed(desk.alice, reduce_only(ask(BTC / 10, 50_000)));
}

#[test]
fn with_no_equity_left_all_of_it_goes_and_no_fee_takes_the_wallet_below_zero() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.placed(desk.bob, bid(BTC, 48_600));
    // 535.005 below zero; whoever buys at 48,600 leaves 64.995 of 1,474.995.
    desk.price(48_000);
    let step = desk.executions().pop().expect("a step");
    assert_eq!((step.qty.0, step.price.0, step.taker.role), (BTC, 48_600, FillRole::Liquidation));
    // A fee of 24.30, and of the 121.50 that half of the maintenance is what is left.
    assert_eq!((step.taker.fee, step.taker.liquidation_fee), (money(243, 1), money(40_695, 3)));
    assert_eq!((desk.position(desk.alice), desk.balance(desk.alice)), (0, 0));
    assert!(!desk.flex(desk.alice).liquidated);

    // At 48,540 not even all of the trading fee is left.
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.placed(desk.bob, bid(BTC, 48_540));
    desk.price(48_000);
    let step = desk.executions().pop().expect("a step");
    assert_eq!((step.taker.fee, step.taker.liquidation_fee), (money(4_995, 3), Money::ZERO));
    assert_eq!(desk.balance(desk.alice), 0);
}

#[test]
fn a_short_is_bought_back_and_its_limit_rounded_down() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.placed(desk.bob, bid(BTC, 49_990));
    desk.placed(desk.alice, ask(BTC, 49_990));
    desk.placed(desk.bob, ask(BTC, 51_465));
    // 1,475.005 less 1,310; equity is nothing at 51,465.005.
    desk.price(51_300);
    assert_eq!(sold(&desk), [(1_000, 51_465)]);
}

/// 1,000 contracts from 8,000 with 0.01 BTC: maintenance at 7,481, nothing at 7,407.
#[test]
fn an_inverse_position_goes_whole_at_the_price_where_equity_is_just_not_negative() {
    let open = || {
        let mut desk = Desk::listed();
        desk.inverse();
        desk.price(8_000);
        desk.placed(desk.bob, ask(1_000, 2 * 8_000));
        desk.placed(desk.alice, bid(1_000, 2 * 8_000));
        let coins = desk.coins(desk.alice);
        desk.done(&Command::Deposit(loligo_engine::Deposit {
            account: desk.alice,
            wallet: coins.wallet,
            currency: coins.balances[0].0,
            amount: money(1, 2) - coins.balances[0].1,
        }));
        desk
    };
    let mut desk = open();
    desk.placed(desk.bob, bid(1_000, 2 * 7_407));
    desk.placed(desk.carol, bid(400, 2 * 7_407 + 1));
    desk.price(7_482);
    assert_eq!(sold(&desk), []);
    desk.price(7_481);
    assert!(desk.coins(desk.alice).liquidated);
    assert_eq!(sold(&desk), [(400, 2 * 7_407 + 1)], "in one order, as far as it is taken");
    assert_eq!(desk.executions().pop().map(|e| e.taker.liquidation_fee), Some(Money::ZERO));
    desk.wait(SECOND);
    assert_eq!(sold(&desk).len(), 1, "nobody pays a price at which something would be missing");

    // What a better price leaves is the client's.
    let mut desk = open();
    desk.placed(desk.bob, bid(1_000, 2 * 7_480));
    desk.price(7_481);
    let step = desk.executions().pop().expect("a step");
    assert_eq!((step.qty.0, step.taker.role), (1_000, FillRole::Liquidation));
    // 0.135 - 1,000 / 7,480 and a fee of 0.05% of that.
    assert_eq!(desk.coins(desk.alice).balances[0].1, Money(131_016_043 - 6_684_492));
}

#[test]
fn of_several_positions_the_one_that_needs_most_goes_first() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 2_000 * Money::ONE);
    let second = desk.second();
    for lots in [BTC / 2, BTC] {
        desk.placed(desk.bob, ask(lots, 50_000));
        desk.placed(desk.alice, bid(lots, 50_000));
        desk.placed(desk.bob, bid(BTC, 48_900));
        desk.first();
    }
    let mark = Some(loligo_engine::FinePrice(48_900 * 10_i128.pow(18)));
    desk.done(&Command::PinMark { instrument: second, price: mark });
    // 312.50 for 366.75.
    desk.price(48_900);
    let sold: Vec<_> =
        desk.executions().into_iter().filter(|e| e.taker.liquidation_fee > Money::ZERO).collect();
    assert_eq!(sold[0].instrument, InstrumentId(0), "1 BTC before half of one");
    assert!(desk.flex(desk.alice).liquidated);
    let second_sold = |desk: &Desk| {
        desk.executions()
            .iter()
            .filter(|e| e.instrument == second && e.taker.liquidation_fee > Money::ZERO)
            .count()
    };
    // 0.9, 0.81, 0.729, ...: when the first is below half a BTC, the second's turn comes.
    desk.wait(6 * SECOND);
    assert_eq!(second_sold(&desk), 0);
    desk.wait(SECOND);
    assert_eq!(second_sold(&desk), 1);
}

#[test]
fn an_isolated_position_is_liquidated_alone_and_costs_no_more_than_was_set_aside() {
    let mut desk = Desk::listed();
    let second = desk.second();
    let elsewhere = desk.placed(desk.alice, bid(BTC, 40_000));
    desk.first();
    desk.lever(desk.alice, Some(10_000));
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
    let resting = desk.placed(desk.alice, bid(BTC, 45_000));
    desk.placed(desk.bob, bid(1, 49_700));
    // 500.10 less 310 for a maintenance of 248.50.
    desk.price(49_700);
    let wallet = desk.flex(desk.alice);
    let before = wallet.cross_equity();
    assert!(!wallet.liquidated);
    assert_eq!(desk.order(resting).reason, Some(UpdateReason::LiquidationOrder));
    assert_eq!(desk.order(elsewhere).status, OrderStatus::EnteredBook);
    assert_eq!(desk.refused(desk.alice, bid(1, 40_000)), OrderError::InsufficientMargin);
    desk.second_again(second);
    desk.placed(desk.alice, bid(1, 40_000));
    desk.first();
    assert_eq!(desk.lever(desk.alice, None), Outcome::Refused(loligo_engine::Refusal::WouldLiquidate));

    // Nothing is left at 49,509.90: 0.0999 sold a tick above frees 49.95999 and loses 49.95.
    desk.placed(desk.bob, bid(BTC, 49_510));
    desk.wait(SECOND);
    let step = desk.executions().pop().expect("a step");
    assert_eq!((step.qty.0, step.price.0), (999, 49_510));
    assert_eq!((step.taker.fee, step.taker.liquidation_fee), (money(999, 5), Money::ZERO));
    assert_eq!(desk.flex(desk.alice).cross_equity(), before);
}

#[test]
fn who_is_no_longer_short_leaves_the_ladder_at_once_though_the_clock_stands_still() {
    let better_mark = |desk: &mut Desk| desk.price(48_800);
    let deposit = |desk: &mut Desk| desk.holds(desk.alice, 1_555 * Money::ONE);
    for cure in [better_mark as fn(&mut Desk), deposit] {
        let mut desk = Desk::listed();
        long(&mut desk);
        // 164.995 for a maintenance of 243.50, and a single lot finds somebody.
        desk.placed(desk.bob, bid(1, 48_700));
        desk.price(48_700);
        assert!(desk.flex(desk.alice).liquidated);
        assert_eq!(desk.refused(desk.alice, reduce_only(ask(BTC, 52_000))), OrderError::InsufficientMargin);
        cure(&mut desk);
        assert!(!desk.flex(desk.alice).liquidated);
        desk.placed(desk.alice, reduce_only(ask(BTC, 52_000)));
        desk.placed(desk.bob, bid(BTC, 48_000));
        desk.wait(5 * SECOND);
        assert_eq!(sold(&desk), [(1, 48_700)]);
    }
}

#[test]
fn the_house_is_never_liquidated_but_takes_no_new_risk_either() {
    let mut desk = Desk::listed();
    let outcome = desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house: true }));
    let Outcome::AccountCreated(house) = outcome else { panic!("{outcome:?}") };
    desk.holds(house, 1_500 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(house, bid(BTC, 50_010));
    let adds = desk.placed(house, bid(BTC / 10, 48_000));
    desk.placed(desk.bob, bid(BTC, 47_000));
    desk.price(48_000);
    assert!(!desk.flex(house).liquidated);
    assert_eq!(desk.position(house), BTC);
    assert_eq!(desk.order(adds).reason, Some(UpdateReason::NotEnoughMargin));
}

#[test]
fn a_halt_unwinds_no_one() {
    for halt in [MarketState::Suspended, MarketState::PostOnly] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.placed(desk.bob, bid(BTC, 49_990));
        let resting = desk.placed(desk.alice, reduce_only(ask(BTC, 52_000)));
        let set = |state| Command::SetMarketState { instrument: InstrumentId(0), state };
        desk.done(&set(halt));
        desk.price(48_700);
        desk.wait(10 * SECOND);
        assert_eq!((sold(&desk), desk.order(resting).status), (vec![], OrderStatus::EnteredBook), "{halt:?}");
        assert!(!desk.flex(desk.alice).liquidated);
        desk.done(&set(MarketState::Open));
        desk.wait(SECOND);
        assert_eq!(sold(&desk), [(1_000, 49_990)]);
        assert_eq!(desk.order(resting).reason, Some(UpdateReason::LiquidationOrder));
    }
}

#[test]
fn who_is_short_stays_so_while_his_market_is_out_of_trading() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.state(MarketState::Inactive);
    desk.price(48_700);
    desk.wait(10 * SECOND);
    assert!(!desk.flex(desk.alice).liquidated, "not yet");
    desk.state(MarketState::Open);
    desk.placed(desk.bob, bid(BTC, 49_990));
    desk.wait(SECOND);
    assert_eq!(sold(&desk), [(1_000, 49_990)]);
}

#[test]
fn a_family_may_buy_what_is_sold_for_one_of_its_own() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.placed(desk.alice_sub, bid(BTC, 49_990));
    desk.price(48_700);
    assert_eq!(sold(&desk), [(1_000, 49_990)]);
}

#[test]
fn an_exchange_read_back_on_the_ladder_goes_on_climbing() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.placed(desk.bob, bid(BTC, 48_700));
    desk.price(48_700);
    let mut again = Exchange::decode(&desk.exchange.encode()).expect("what was just written");
    let later = desk.exchange.now().plus(3 * SECOND);
    assert_eq!(again.apply(later, &Command::Advance, &mut Vec::new()), Outcome::Done);
    desk.wait(3 * SECOND);
    assert_eq!(sold(&desk).len(), 4);
    assert_eq!(again.state_hash(), desk.exchange.state_hash());
}

#[test]
fn who_pays_for_a_bad_resting_price_is_liquidated_after_the_fill() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    // Rests 2,000 above mark; Carol, who meets it, is the one who gains.
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.price(48_700);
    desk.placed(desk.bob, bid(1, 48_700));
    assert!(!desk.flex(desk.alice).liquidated, "nothing is bought yet");
    desk.placed(desk.carol, ask(BTC, 50_000));
    // 1,490 less 1,300 to mark: 190 for 243.50.
    assert_eq!(sold(&desk), [(1, 48_700)]);
    assert!(desk.flex(desk.alice).liquidated);
}

/// Poor accounts, high leverage, wild prices: after every command the audit finds money conserved, every sum in order,
/// and no one short of margin whom nobody has seen to.
#[test]
fn whatever_is_traded_money_is_conserved_and_no_one_short_is_overlooked() {
    let (mut stepped, mut cancelled) = (0, 0);
    for seed in 1..=12_u64 {
        let mut random = seed;
        let mut draw = move |below: i64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as i64 % below
        };
        let mut desk = if seed % 2 == 0 { Desk::listed() } else { Desk::open() };
        let accounts = [desk.alice, desk.bob, desk.carol, desk.alice_sub];
        for account in accounts {
            desk.holds(account, (1_000 + 1_000 * i128::from(draw(3))) * Money::ONE);
        }
        let second = desk.second();
        let (mut price, mut known) = (50_000, vec![]);
        for _ in 0..400 {
            let account = accounts[draw(4) as usize];
            match draw(3) {
                0 => desk.first(),
                1 => desk.second_again(second),
                _ => desk.inverse_again(),
            }
            let tick = if desk.trades_inverse() { 2 } else { 1 };
            let near = tick * (price + draw(400) - 200);
            match draw(20) {
                0..=11 => {
                    let lots = if desk.trades_inverse() { 1 + draw(400_000) } else { 1 + draw(3 * BTC) };
                    let mut order = if draw(2) == 0 { bid(lots, near) } else { ask(lots, near) };
                    order.reduce_only = draw(5) == 0;
                    order.order_type =
                        [OrderType::Limit, OrderType::Limit, OrderType::ImmediateOrCancel][draw(3) as usize];
                    if draw(8) == 0 {
                        order = stop(order, near);
                    }
                    if let Outcome::Placed(id) = desk.place(account, order) {
                        known.push(id);
                    }
                }
                12 | 13 if !known.is_empty() => {
                    let order = known[draw(known.len() as i64) as usize];
                    let qty = (draw(2) == 0).then(|| 1 + draw(2 * BTC));
                    desk.edit(account, order, Some(near), qty, loligo_engine::QtyMode::Relative);
                }
                14 => {
                    let leverage = [None, Some(500), Some(2_000), Some(10_000)][draw(4) as usize];
                    desk.lever(account, leverage);
                }
                15 => {
                    let usd = desk.balance(account).max(0) + i128::from(draw(500)) * Money::ONE;
                    desk.holds(account, usd);
                }
                16..=18 => {
                    price = (price + draw(1_200) - 600).max(20_000);
                    desk.price(price.into());
                }
                _ => desk.wait(draw(4 * SECOND)),
            }
        }
        stepped += sold(&desk).len();
        cancelled += desk.cancelled_for(UpdateReason::NotEnoughMargin);
    }
    assert!(stepped > 50 && cancelled > 50, "{stepped} steps, {cancelled} orders cancelled");
}
