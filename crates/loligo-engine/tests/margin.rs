//! Margin as the rules have it (4.2, 4.7, 5.2 to 5.5), each figure of their examples to the cent.

mod fixture;

use fixture::{Desk, ask, bid, immediate, reduce_only, stop};
use loligo_engine::{
    Command, EstimateRefusal, Fine, InstrumentId, Leverage, Money, OrderError, OrderStatus, OrderType,
    Outcome, Price, Qty, QtyMode, Refusal, Side, UpdateReason,
};

/// One BTC, in lots.
const BTC: i64 = 10_000;

fn fine(units: i128, decimals: u32) -> Fine {
    Fine(units * 10_i128.pow(24 - decimals))
}

#[test]
fn each_slice_of_a_linear_position_is_charged_at_its_own_level() {
    // Bought at 50,000 in lots of 0.0001: value in USD, and initial margin in cents; half of that is maintenance.
    let rows = [
        (10_000, 50_000, 50_000),
        (200_000, 1_000_000, 1_000_000),
        (200_001, 1_000_005, 1_000_010),
        (600_000, 3_000_000, 5_000_000),
        (980_000, 4_900_000, 12_600_000),
        (2_200_000, 11_000_000, 43_000_000),
    ];
    for (lots, value, initial) in rows {
        let mut desk = Desk::listed();
        for account in [desk.alice, desk.bob] {
            desk.holds(account, 10_000_000 * Money::ONE);
        }
        desk.placed(desk.bob, ask(lots, 50_000));
        desk.placed(desk.alice, bid(lots, 50_000));
        let wallet = desk.flex(desk.alice);
        assert_eq!(wallet.initial_margin, fine(initial, 2), "initial margin of {value}");
        assert_eq!(wallet.initial_margin_with_orders, fine(initial, 2), "held for {value}");
        assert_eq!(wallet.maintenance_margin, fine(initial / 2, 2), "maintenance of {value}");
    }
}

#[test]
fn levels_of_inverse_contracts_count_contracts_and_split_the_value_over_them() {
    let mut desk = Desk::listed();
    desk.inverse();
    desk.placed(desk.bob, ask(600_000, 2 * 10_000));
    desk.placed(desk.alice, bid(600_000, 2 * 10_000));
    // 60 BTC: 500,000 of 600,000 contracts at 2%, the rest at 4%.
    let wallet = desk.coins(desk.alice);
    assert_eq!(wallet.initial_margin, fine(14, 1), "50 x 2% + 10 x 4%");
    assert_eq!(wallet.maintenance_margin, fine(7, 1));
    // 300,000 more reach 900,000: 90 BTC, 50 x 2% + 40 x 4%.
    desk.placed(desk.alice, bid(300_000, 2 * 10_000));
    assert_eq!(desk.coins(desk.alice).initial_margin_with_orders, fine(26, 1));
}

#[test]
fn an_order_that_reaches_a_higher_level_needs_that_much() {
    let mut desk = Desk::listed();
    // 4,900,000 USD: 10,000 + 40,000 + 76,000.
    let outcome = desk.place(desk.alice, bid(1_000_000, 49_000));
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::InsufficientMargin)), "{outcome:?}");
    desk.holds(desk.alice, 128_449 * Money::ONE);
    let outcome = desk.place(desk.alice, bid(1_000_000, 49_000));
    assert!(
        matches!(outcome, Outcome::Rejected(_, OrderError::InsufficientMargin)),
        "fee 2,450: {outcome:?}"
    );
    desk.holds(desk.alice, 128_450 * Money::ONE);
    let order = desk.placed(desk.alice, bid(1_000_000, 49_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(126_000, 0));
    // Cancelled, nothing is held; in two halves the second is charged at what the first leaves of the levels.
    desk.cancel(desk.alice, order);
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, Fine::ZERO);
    desk.placed(desk.alice, bid(500_000, 49_000));
    let second = desk.placed(desk.alice, bid(480_000, 49_000));
    // 4,802,000: 10,000 + 40,000 + 72,080.
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(122_080, 0));
    desk.placed(desk.bob, ask(100_000, 49_000));
    desk.cancel(desk.alice, second);
    // 2,450,000 in all, part position, part order: 10,000 + 29,000.
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(39_000, 0));
}

/// Alice with so many USD, long 1 BTC bought at 50,010.
fn long(desk: &mut Desk, usd: i128) {
    desk.holds(desk.alice, usd * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
}

#[test]
fn an_order_that_fills_so_far_from_mark_that_liquidation_would_follow_is_refused() {
    // The only ask, and what is left of 700 USD after the loss to mark and the fee; maintenance is 250. At 50,450 that
    // would be 224.775.
    for (price, left) in [(50_450, None), (50_400, Some(fine(2_748, 1)))] {
        let mut desk = Desk::listed();
        desk.holds(desk.alice, 700 * Money::ONE);
        desk.placed(desk.bob, ask(BTC, price));
        let order = immediate(bid(BTC, price));
        match left {
            None => assert_eq!(desk.refused(desk.alice, order), OrderError::WouldCauseLiquidation),
            Some(left) => {
                desk.placed(desk.alice, order);
                let wallet = desk.flex(desk.alice);
                assert_eq!(wallet.equity, left);
                assert!(wallet.available() < Fine::ZERO, "below initial margin: close-only");
            }
        }
    }
}

#[test]
fn only_what_would_fill_now_counts_and_at_the_prices_it_would_fill_at() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 700 * Money::ONE);
    desk.placed(desk.bob, ask(BTC / 2, 50_450));
    let post = {
        let mut order = bid(BTC, 50_440);
        order.order_type = OrderType::Post;
        order
    };
    let resting = desk.placed(desk.alice, post);
    desk.cancel(desk.alice, resting);
    // Half of it fills: 700 - 225 - 12.61 is far above the 125 that half needs.
    desk.placed(desk.alice, bid(BTC, 50_450));
    assert_eq!(desk.position(desk.alice), BTC / 2);

    let mut desk = Desk::listed();
    desk.holds(desk.alice, 700 * Money::ONE);
    desk.placed(desk.bob, ask(BTC / 2, 50_010));
    desk.placed(desk.bob, ask(BTC / 2, 50_450));
    let all_or_nothing = |lots| {
        let mut order = bid(lots, 50_450);
        order.order_type = OrderType::FillOrKill;
        order
    };
    let more_than_there_is = desk.refused(desk.alice, all_or_nothing(BTC + 1));
    assert_eq!(more_than_there_is, OrderError::IocWouldNotExecute, "it would fill nothing");
    // At its limit it would be refused; 5 + 225 and fees of 25.115 leave 444.885.
    desk.placed(desk.alice, all_or_nothing(BTC));
    assert_eq!(desk.flex(desk.alice).equity, fine(444_885, 3));
}

#[test]
fn a_closing_order_may_not_lose_more_than_there_is() {
    // A loss of 710 and a fee of 24.65 against 574.995: -159.655.
    type Change = fn(&mut loligo_engine::PlaceOrder);
    let rows: [(&str, Change); 3] = [
        ("reduce-only", |order| order.reduce_only = true),
        ("as large as the position", |_| {}),
        ("at market", |order| order.order_type = OrderType::Market),
    ];
    for (case, change) in rows {
        let mut desk = Desk::listed();
        long(&mut desk, 600);
        desk.placed(desk.bob, bid(BTC, 49_300));
        let mut order = ask(BTC, 49_300);
        change(&mut order);
        let refused = desk.refused(desk.alice, order.clone());
        assert_eq!(refused, OrderError::InsufficientClosingMargin, "{case}");

        let short_of_it = 574_995 * Money::ONE / 1_000 + 159_655 * Money::ONE / 1_000;
        desk.holds(desk.alice, short_of_it - 1);
        assert_eq!(desk.refused(desk.alice, order.clone()), OrderError::InsufficientClosingMargin, "{case}");
        desk.holds(desk.alice, short_of_it);
        desk.placed(desk.alice, order);
        assert_eq!((desk.position(desk.alice), desk.balance(desk.alice)), (0, 0), "{case}: to the last unit");
    }
}

#[test]
fn a_closing_order_that_leaves_a_position_may_not_bring_it_nearer_to_liquidation_than_it_can_bear() {
    let mut desk = Desk::listed();
    long(&mut desk, 600);
    // Half at 49,100: 564.995 - 450 - 12.275 leaves 102.72 for the 125 that the other half needs.
    desk.placed(desk.bob, bid(BTC, 49_100));
    let refused = desk.refused(desk.alice, reduce_only(ask(BTC / 2, 49_100)));
    assert_eq!(refused, OrderError::WouldCauseLiquidation);
    // Half at 49,200: 152.695.
    desk.placed(desk.carol, bid(BTC / 2, 49_200));
    desk.placed(desk.alice, reduce_only(ask(BTC / 2, 49_200)));
    assert_eq!(desk.flex(desk.alice).equity, fine(152_695, 3));
}

#[test]
fn the_closing_part_of_an_order_is_free_and_what_goes_beyond_is_a_new_order() {
    let mut desk = Desk::listed();
    // 574.995 after the fee, 564.995 at mark, 500.10 held: 64.895 is free.
    long(&mut desk, 600);
    let close = desk.placed(desk.alice, ask(BTC, 51_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(50_010, 2), "closing holds nothing");
    desk.cancel(desk.alice, close);
    // 0.1 short at 51,000 more than the position holds: 561 - 500.10, and 28.05 for the fee of 1.1.
    assert_eq!(desk.refused(desk.alice, ask(21_000, 51_000)), OrderError::InsufficientMargin);
    // As large a short: 510 - 500.10 and a fee of 25.50.
    desk.placed(desk.alice, ask(20_000, 51_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(510, 0));
}

#[test]
fn an_edit_and_a_fired_trigger_are_held_to_the_same() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 700 * Money::ONE);
    let order = desk.placed(desk.alice, bid(BTC, 49_000));
    desk.placed(desk.bob, ask(BTC, 50_450));
    let edited = desk.edit(desk.alice, order, Some(50_450), None, QtyMode::Relative);
    assert_eq!(edited, Outcome::EditRejected(Some(order), OrderError::WouldCauseLiquidation));
    assert_eq!(desk.order(order).limit_price.map(|price| price.0), Some(49_000), "it stays as it was");
    desk.cancel(desk.alice, order);

    let trigger = desk.placed(desk.alice, stop(bid(BTC, 50_450), 50_000));
    let failed = desk.order(trigger);
    assert_eq!(failed.status, OrderStatus::TriggerActivationFailure);
    assert_eq!(failed.error, Some(OrderError::WouldCauseLiquidation));

    long(&mut desk, 600);
    desk.placed(desk.carol, bid(BTC, 49_300));
    let reduce = desk.placed(desk.alice, reduce_only(ask(BTC, 51_000)));
    let edited = desk.edit(desk.alice, reduce, Some(49_300), None, QtyMode::Relative);
    assert_eq!(edited, Outcome::EditRejected(Some(reduce), OrderError::InsufficientClosingMargin));
}

#[test]
fn inverse_contracts_are_judged_in_base_currency() {
    let mut desk = Desk::listed();
    desk.inverse();
    // 100,000 contracts at 10,000 are 10 BTC: 0.2 initial margin, 0.1 maintenance; fee at 10,100 0.00495...
    let held = |desk: &mut Desk, btc: i128| {
        let coins = desk.coins(desk.alice);
        let amount = Money(btc * Money::ONE / 10_000 - coins.balances[0].1.0);
        desk.done(&loligo_engine::Command::Deposit(loligo_engine::Deposit {
            account: desk.alice,
            wallet: coins.wallet,
            currency: coins.balances[0].0,
            amount,
        }));
    };
    desk.placed(desk.bob, ask(100_000, 2 * 10_100));
    // Loss to mark: 100,000 / 10,000 - 100,000 / 10,100 = 0.0990099; fee 0.00495050: 0.2039604 leaves just 0.1.
    held(&mut desk, 2_039);
    assert_eq!(
        desk.refused(desk.alice, immediate(bid(100_000, 2 * 10_100))),
        OrderError::WouldCauseLiquidation
    );
    held(&mut desk, 2_040);
    desk.placed(desk.alice, immediate(bid(100_000, 2 * 10_100)));
}

#[test]
fn a_leverage_is_from_one_to_what_the_first_level_allows_and_of_linear_contracts_alone() {
    let mut desk = Desk::listed();
    for (hundredths, done) in [(0, false), (99, false), (100, true), (10_000, true), (10_001, false)] {
        let want = if done { Outcome::Done } else { Outcome::Refused(Refusal::LeverageOutOfRange) };
        assert_eq!(desk.lever(desk.alice, Some(hundredths)), want, "{hundredths}");
    }
    let preferences = desk.exchange.leverage_preferences(desk.alice);
    assert_eq!(preferences, [(InstrumentId(0), Leverage(10_000))]);
    assert_eq!(desk.exchange.leverage_preferences(desk.bob), []);
    assert_eq!(desk.lever(desk.alice, None), Outcome::Done);
    assert_eq!(desk.exchange.leverage_preferences(desk.alice), []);

    let (account, leverage) = (desk.alice, Some(Leverage(500)));
    let set = |instrument| Command::SetLeverage { account, instrument: InstrumentId(instrument), leverage };
    assert_eq!(desk.apply(&set(1)), Outcome::Refused(Refusal::NotMultiCollateral));
    assert_eq!(desk.apply(&set(2)), Outcome::Refused(Refusal::UnknownInstrument));
}

#[test]
fn an_isolated_position_has_its_margin_set_aside_and_its_profit_and_loss_apart() {
    let mut desk = Desk::listed();
    assert_eq!(desk.lever(desk.alice, Some(1_000)), Outcome::Done);
    long(&mut desk, 100_000);
    // 50,010 at 10x; the fee of 25.005 is the wallet's.
    let wallet = desk.flex(desk.alice);
    assert_eq!((wallet.set_aside, wallet.isolated_pnl), (fine(5_001, 0), fine(-10, 0)));
    assert_eq!((wallet.cross_equity(), wallet.available()), (fine(94_973_995, 3), fine(94_973_995, 3)));
    assert_eq!((wallet.initial_margin, wallet.maintenance_margin), (Fine::ZERO, Fine::ZERO));
    let position = desk.exchange.positions(desk.alice)[0];
    assert_eq!((position.set_aside, position.leverage), (fine(5_001, 0), Some(Leverage(1_000))));

    desk.price(49_000);
    let wallet = desk.flex(desk.alice);
    assert_eq!(wallet.equity, fine(98_964_995, 3), "the loss is there");
    assert_eq!(wallet.available(), fine(94_973_995, 3), "and takes nothing from what is free");
    // An order at 10x holds a tenth of its value on top.
    desk.placed(desk.alice, bid(BTC, 48_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(9_801, 0));
    // Half of it sold: half of what was set aside comes back, less the loss of 505 and a fee.
    desk.placed(desk.bob, bid(BTC / 2, 49_000));
    desk.placed(desk.alice, reduce_only(ask(BTC / 2, 49_000)));
    let wallet = desk.flex(desk.alice);
    assert_eq!((wallet.set_aside, wallet.isolated_pnl), (fine(25_005, 1), fine(-505, 0)));
    assert_eq!(wallet.cross_equity(), fine(96_957_245, 3));
}

#[test]
fn a_leverage_beyond_what_the_level_reached_allows_is_refused() {
    let mut desk = Desk::listed();
    desk.lever(desk.alice, Some(10_000));
    // 1,225,000 USD reach the second level: 50x.
    assert_eq!(desk.refused(desk.alice, bid(25 * BTC, 49_000)), OrderError::FixedLeverageTooHigh);
    let order = desk.placed(desk.alice, bid(20 * BTC, 49_000));
    assert_eq!(
        desk.refused(desk.alice, bid(BTC, 49_000)),
        OrderError::FixedLeverageTooHigh,
        "with open orders"
    );
    let edited = desk.edit(desk.alice, order, None, Some(21 * BTC), QtyMode::Relative);
    assert_eq!(edited, Outcome::EditRejected(Some(order), OrderError::FixedLeverageTooHigh));
    desk.placed(desk.alice, ask(19 * BTC, 51_000));
    desk.cancel(desk.alice, order);
    assert_eq!(desk.lever(desk.alice, Some(5_000)), Outcome::Done);
    desk.placed(desk.alice, bid(25 * BTC, 49_000));
    // 100,000 at first; 24,500 of it held at 50x, which is more than the sells need.
    assert_eq!(desk.flex(desk.alice).available(), fine(75_500, 0));
}

#[test]
fn a_new_leverage_must_not_liquidate_and_its_margin_must_be_free() {
    let mut desk = Desk::listed();
    long(&mut desk, 600);
    // 574.995 in all, 5,001 at 10x.
    assert_eq!(desk.lever(desk.alice, Some(1_000)), Outcome::Refused(Refusal::MarginShort));
    desk.holds(desk.alice, 5_001 * Money::ONE - 1);
    assert_eq!(desk.lever(desk.alice, Some(1_000)), Outcome::Refused(Refusal::MarginShort));
    desk.holds(desk.alice, 5_001 * Money::ONE);
    assert_eq!(desk.lever(desk.alice, Some(1_000)), Outcome::Done);
    // Its orders are margined at the leverage, too: 9,911 at 10x, 1,982.20 at 50x.
    let mut desk = Desk::listed();
    long(&mut desk, 5_700);
    desk.placed(desk.alice, bid(BTC, 49_000));
    assert_eq!(desk.lever(desk.alice, Some(1_000)), Outcome::Refused(Refusal::MarginShort));
    assert_eq!(desk.lever(desk.alice, Some(5_000)), Outcome::Done);
    assert_eq!(
        desk.flex(desk.alice).initial_margin_with_orders,
        fine(198_020, 2),
        "position and order at 50x"
    );

    // 410 lost: what is set aside at 100x is 500.10, and 248 is needed.
    let mut desk = Desk::listed();
    long(&mut desk, 2_000);
    desk.price(49_600);
    assert_eq!(desk.lever(desk.alice, Some(10_000)), Outcome::Refused(Refusal::WouldLiquidate));
    assert_eq!(desk.lever(desk.alice, Some(5_000)), Outcome::Done);
    assert_eq!(desk.lever(desk.alice, None), Outcome::Done);
    assert_eq!(desk.flex(desk.alice).cross_equity(), fine(1_564_995, 3), "all in one again");
}

#[test]
fn an_isolated_position_can_lose_only_what_is_set_aside() {
    let mut desk = Desk::listed();
    desk.lever(desk.alice, Some(10_000));
    let far = desk.placed(desk.bob, ask(BTC, 50_300));
    // 503 set aside, 300 lost to mark and a fee of 25.15: 177.85 for a maintenance of 250, whatever else there is.
    assert_eq!(desk.refused(desk.alice, bid(BTC, 50_300)), OrderError::WouldCauseLiquidation);
    desk.cancel(desk.bob, far);
    long(&mut desk, 100_000);
    desk.placed(desk.bob, bid(BTC, 49_500));
    // 490.10 behind it, 500 lost to mark and a fee of 24.75.
    assert_eq!(
        desk.refused(desk.alice, reduce_only(ask(BTC, 49_500))),
        OrderError::InsufficientClosingMargin
    );
    assert_eq!(desk.lever(desk.alice, None), Outcome::Done);
    desk.placed(desk.alice, reduce_only(ask(BTC, 49_500)));
}

/// Alice is long 1 BTC at 50,000 with 1,000 set aside at 50x and this much more, the mark is at 49,300, and Bob bids for
/// 2 BTC.
fn isolated_long(free: i128, bid_at: i64) -> Desk {
    let mut desk = Desk::listed();
    desk.lever(desk.alice, Some(5_000));
    desk.holds(desk.alice, (1_025 + free) * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    assert_eq!(desk.balance(desk.alice), (1_000 + free) * Money::ONE);
    desk.price(49_300);
    desk.placed(desk.bob, bid(2 * BTC, bid_at));
    desk
}

#[test]
fn what_closes_an_isolated_position_loses_no_more_than_was_set_aside_for_it() {
    // At 48,800 a whole BTC loses 1,200 and half of one 600: more than its share of 1,000, however much else there is.
    for free in [5, 50_000] {
        let mut desk = isolated_long(free, 48_800);
        for (order, error) in [
            (reduce_only(ask(BTC / 2, 48_800)), OrderError::InsufficientClosingMargin),
            (ask(BTC / 2, 48_800), OrderError::InsufficientClosingMargin),
            (reduce_only(ask(BTC, 48_800)), OrderError::InsufficientClosingMargin),
            (immediate(ask(2 * BTC, 48_800)), OrderError::InsufficientMargin),
        ] {
            assert_eq!(desk.refused(desk.alice, order.clone()), error, "{free} free: {order:?}");
        }
    }
    // At 49,100 half of one loses 450 of 500, and a fee of 12.275.
    let mut desk = isolated_long(5, 49_100);
    desk.placed(desk.alice, reduce_only(ask(BTC / 2, 49_100)));
    let wallet = desk.flex(desk.alice);
    assert_eq!((wallet.set_aside, wallet.cross_equity()), (fine(500, 0), fine(42_725, 3)));
}

#[test]
fn turning_an_isolated_position_round_needs_the_new_margin_in_full() {
    // What it opens needs 986 and a fee of 24.65. Then 700 are lost of the 1,000 that come back, and all of the fee is
    // 49.30: 735.30 are paid.
    for (free, refused) in [(5, true), (1_010, true), (1_011, false)] {
        let mut desk = isolated_long(free, 49_300);
        let order = immediate(ask(2 * BTC, 49_300));
        if refused {
            assert_eq!(desk.refused(desk.alice, order), OrderError::InsufficientMargin, "{free}");
        } else {
            desk.placed(desk.alice, order);
            let wallet = desk.flex(desk.alice);
            assert_eq!(wallet.set_aside, fine(986, 0));
            assert_eq!(wallet.cross_equity(), fine(275_700, 3));
        }
    }
    // An order that rests holds it, too.
    let mut desk = isolated_long(1_100, 48_000);
    desk.placed(desk.alice, ask(2 * BTC, 50_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(2_000, 0));
    assert_eq!(desk.refused(desk.alice, ask(BTC, 50_000)), OrderError::InsufficientMargin);
}

#[test]
fn below_initial_margin_every_order_that_adds_risk_is_cancelled_at_once() {
    let mut desk = Desk::listed();
    long(&mut desk, 2_000);
    let adds = desk.placed(desk.alice, bid(2 * BTC, 49_000));
    let closes = desk.placed(desk.alice, ask(BTC, 51_000));
    let reduces = desk.placed(desk.alice, reduce_only(ask(BTC / 2, 52_000)));
    let waits = desk.placed(desk.alice, stop(bid(BTC, 56_000), 55_000));
    // 500.10 and 980.
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(148_010, 2));
    desk.price(49_600);
    assert_eq!(desk.order(adds).status, OrderStatus::EnteredBook, "1,564.995 still cover it");
    desk.price(49_300);
    let wallet = desk.flex(desk.alice);
    assert_eq!((wallet.equity, wallet.maintenance_margin), (fine(1_264_995, 3), fine(2_465, 1)));
    let gone = desk.order(adds);
    assert_eq!((gone.status, gone.reason), (OrderStatus::Cancelled, Some(UpdateReason::NotEnoughMargin)));
    for (order, case) in [(closes, "closes"), (reduces, "reduce-only")] {
        assert_eq!(desk.order(order).status, OrderStatus::EnteredBook, "{case}");
    }
    assert_eq!(desk.order(waits).status, OrderStatus::TriggerPlaced);
    // Margin is there again, so new risk is taken: 49 and a fee of 2.45 of 764.895.
    desk.placed(desk.alice, bid(BTC / 10, 49_000));
}

#[test]
fn a_close_only_account_takes_no_new_risk_however_little() {
    let mut desk = Desk::listed();
    long(&mut desk, 700);
    desk.price(49_800);
    // 464.995 of the 500.10 that the position holds.
    assert!(desk.flex(desk.alice).available() < Fine::ZERO);
    assert_eq!(desk.refused(desk.alice, bid(1, 100)), OrderError::InsufficientMargin);
    // A flip adds no margin: the short would need no more than the long does. It is new risk all the same.
    assert_eq!(desk.refused(desk.alice, ask(2 * BTC, 50_000)), OrderError::InsufficientMargin);
    desk.placed(desk.alice, ask(BTC, 50_000));
    desk.placed(desk.alice, reduce_only(ask(BTC / 2, 50_100)));
}

#[test]
fn a_fill_that_leaves_too_little_cancels_what_adds_risk_too() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_200 * Money::ONE);
    let other = desk.placed(desk.alice, bid(BTC, 48_000));
    let maker = desk.placed(desk.alice, ask(BTC / 2, 50_100));
    // 480 and a fee; then a buy that fills 400 above mark: 504 + 480 held of 1,200 - 400 - 25.20.
    desk.placed(desk.bob, ask(BTC, 50_400));
    desk.cancel(desk.alice, maker);
    desk.placed(desk.alice, immediate(bid(BTC, 50_400)));
    assert_eq!(desk.order(other).reason, Some(UpdateReason::NotEnoughMargin));
    assert_eq!(desk.flex(desk.alice).equity, fine(774_800, 3));
}

#[test]
fn orders_beyond_the_position_add_risk_and_the_most_aggressive_are_the_ones_that_close_it() {
    let mut desk = Desk::listed();
    long(&mut desk, 2_000);
    let far = desk.placed(desk.alice, ask(BTC / 2, 53_000));
    let near = desk.placed(desk.alice, ask(BTC, 51_000));
    let more = desk.placed(desk.alice, ask(BTC, 52_000));
    // The worst case is 1.5 short: 780 at the mean of the three, with 760 left of 2,000.
    desk.price(48_750);
    let reasons = [near, more, far].map(|order| desk.order(order).reason);
    let gone = Some(UpdateReason::NotEnoughMargin);
    assert_eq!(reasons, [Some(UpdateReason::NewUserOrder), gone, gone]);
}

#[test]
fn what_an_order_would_need_can_be_asked_before_it_is_sent() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    let ask_for = |desk: &Desk, side, lots, limit: Option<i64>| {
        let quote =
            desk.exchange.initial_margin_of(desk.alice, InstrumentId(0), side, Qty(lots), limit.map(Price));
        quote.expect("a linear contract")
    };
    let quote = ask_for(&desk, Side::Buy, BTC, None);
    assert_eq!((quote.price, quote.error), (None, Some(OrderError::IocWouldNotExecute)), "nothing to take");
    desk.placed(desk.bob, ask(BTC, 50_010));
    let quote = ask_for(&desk, Side::Buy, BTC, Some(50_010));
    assert_eq!((quote.initial_margin, quote.error), (fine(50_010, 2), None));
    let market = ask_for(&desk, Side::Buy, BTC, None);
    assert_eq!((market.price, market.initial_margin), (Some(Price(50_510)), fine(50_510, 2)));
    let errors = [(3 * BTC, 50_010), (BTC, 60_001), (0, 50_010), (BTC, 0), (i64::MAX, 50_010)]
        .map(|(lots, limit)| ask_for(&desk, Side::Buy, lots, Some(limit)).error);
    assert_eq!(
        errors,
        [
            Some(OrderError::InsufficientMargin),
            Some(OrderError::PriceCollar),
            Some(OrderError::InvalidQuantity),
            Some(OrderError::InvalidPrice),
            Some(OrderError::InvalidQuantity),
        ]
    );

    // 1,474.995 + x - 50,010 < 0.5% of x: below 48,778.9.
    assert_eq!(quote.liquidation_price, Some(Price(48_778)));
    desk.placed(desk.alice, bid(BTC, 50_010));
    // A single lot finds somebody, so it stays on the ladder for a second.
    desk.placed(desk.bob, bid(1, 48_778));
    desk.price(48_779);
    assert!(!desk.flex(desk.alice).liquidated);
    desk.price(48_778);
    assert!(desk.flex(desk.alice).liquidated);

    // A short is liquidated above, an isolated one by what it sets aside.
    let mut desk = Desk::listed();
    assert_eq!(desk.lever(desk.alice, Some(10_000)), Outcome::Done);
    // 500 + 50,000 - x < 0.5% of x: above 50,248.75.
    let quote = ask_for(&desk, Side::Sell, BTC, Some(50_000));
    assert_eq!(quote.liquidation_price, Some(Price(50_249)));
    let inverse =
        desk.exchange.initial_margin_of(desk.alice, InstrumentId(1), Side::Buy, Qty(1), Some(Price(1)));
    assert_eq!(inverse, Err(EstimateRefusal::NotMultiCollateral));
}

#[test]
fn the_largest_order_is_the_last_one_that_is_taken() {
    let mut desk = Desk::listed();
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
    for leverage in [None, Some(2_000)] {
        assert_eq!(desk.lever(desk.alice, leverage), Outcome::Done);
        let size = desk.exchange.max_order_size(desk.alice, InstrumentId(0), Some(Price(49_000)));
        let size = size.expect("a linear contract");
        let more = size.buy.0 + 1;
        let error = desk.refused(desk.alice, bid(more, 49_000));
        assert_eq!(error, OrderError::InsufficientMargin, "{leverage:?}: {more}");
        let order = desk.placed(desk.alice, bid(size.buy.0, 49_000));
        desk.cancel(desk.alice, order);
        let more = size.sell.0 + 1;
        assert_eq!(desk.refused(desk.alice, ask(more, 49_000)), OrderError::InsufficientMargin, "{more}");
        let order = desk.placed(desk.alice, ask(size.sell.0, 49_000));
        desk.cancel(desk.alice, order);
        assert!(size.sell > size.buy, "it closes first");
    }
    let market = desk.exchange.max_order_size(desk.alice, InstrumentId(0), None).expect("a linear contract");
    assert_eq!((market.buy, market.buy_price), (Qty(0), None), "no one sells");
}
