//! What closes a position while orders rest that were to close it, too (rules 5.5): the close goes first, whatever rests;
//! what rests is judged when it has traded.

mod fixture;

use fixture::{Desk, ask, bid, immediate, reduce_only, stop};
use loligo_engine::{
    Command, Currency, Deposit, Event, Exchange, Fine, InstrumentId, Money, OrderError, OrderId, OrderStatus,
    OrderType, Outcome, PairId, PlaceOrder, Price, QtyMode, Side, UpdateReason, Wallet,
};
use std::collections::BTreeSet;

/// One BTC, in lots.
const BTC: i64 = 10_000;

fn fine(units: i128, decimals: u32) -> Fine {
    Fine(units * 10_i128.pow(24 - decimals))
}

fn market(mut order: PlaceOrder) -> PlaceOrder {
    (order.order_type, order.limit_price) = (OrderType::Market, None);
    order
}

fn all_or_nothing(mut order: PlaceOrder) -> PlaceOrder {
    order.order_type = OrderType::FillOrKill;
    order
}

/// How an order stands, and why.
fn stands(desk: &Desk, order: OrderId) -> (OrderStatus, Option<UpdateReason>, Option<OrderError>) {
    let order = desk.order(order);
    (order.status, order.reason, order.error)
}

const GONE: (OrderStatus, Option<UpdateReason>, Option<OrderError>) =
    (OrderStatus::Cancelled, Some(UpdateReason::NotEnoughMargin), None);

/// Alice holds so many USD and is long 1 BTC from 50,000, with a fee of 25 paid; a plain sell of it rests at 52,000. Bob
/// bids for 5 at a price.
fn long_with_take_profit(usd: i128, bid_at: i64) -> (Desk, OrderId) {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, usd * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    let take_profit = desk.placed(desk.alice, ask(BTC, 52_000));
    desk.placed(desk.bob, bid(5 * BTC, bid_at));
    (desk, take_profit)
}

#[test]
fn a_protective_stop_closes_though_a_plain_take_profit_rests() {
    let (mut desk, take_profit) = long_with_take_profit(1_000, 49_450);
    let protective = desk.placed(desk.alice, stop(market(ask(BTC, 0)), 49_450));
    // 425 of the 500 that the position holds: the account is close-only, and a short of 1 at 52,000 would need 520.
    desk.price(49_450);
    assert_eq!(stands(&desk, protective).0, OrderStatus::FullyExecuted);
    assert_eq!(desk.position(desk.alice), 0);
    // 1,000 - 25 - 550 - 24.725 do not bear what was the take-profit.
    assert_eq!(desk.flex(desk.alice).equity, fine(400_275, 3));
    assert_eq!(stands(&desk, take_profit), GONE);
    desk.price(49_200);
    assert!(!desk.flex(desk.alice).liquidated, "there is nothing left to liquidate");
}

#[test]
fn every_order_that_crosses_closes_before_what_rests() {
    type Make = fn() -> PlaceOrder;
    let ways: [(&str, Make); 4] = [
        ("mkt", || market(ask(BTC, 0))),
        ("ioc", || immediate(ask(BTC, 49_450))),
        ("fok", || all_or_nothing(ask(BTC, 49_450))),
        ("lmt", || ask(BTC, 49_400)),
    ];
    for (way, order) in ways {
        // With half of it closed there is margin again for what the take-profit would open: 260 of 412.
        for (part, stays) in [(BTC, false), (BTC / 2, true), (1, false)] {
            let (mut desk, take_profit) = long_with_take_profit(1_000, 49_450);
            desk.price(49_450);
            let mut order = order();
            order.qty = loligo_engine::OnGrid::Steps(part);
            desk.placed(desk.alice, order);
            assert_eq!(desk.position(desk.alice), BTC - part, "{way} of {part}");
            let stands = stands(&desk, take_profit);
            let rests = (OrderStatus::EnteredBook, Some(UpdateReason::NewUserOrder), None);
            assert_eq!(stands, if stays { rests } else { GONE }, "{way} of {part}");
        }
    }
    // An order that rested and is edited to cross.
    let (mut desk, take_profit) = long_with_take_profit(1_600, 49_450);
    let edited = desk.placed(desk.alice, ask(BTC, 53_000));
    assert_eq!(desk.edit(desk.alice, edited, Some(49_450), None, QtyMode::Relative), Outcome::Edited(edited));
    assert_eq!((desk.position(desk.alice), stands(&desk, edited).0), (0, OrderStatus::FullyExecuted));
    assert_eq!(stands(&desk, take_profit).0, OrderStatus::EnteredBook, "1,000.275 bear 520");
}

#[test]
fn what_was_to_close_stays_where_margin_suffices_for_it() {
    for (usd, stays) in [(1_119, false), (1_120, true)] {
        let (mut desk, take_profit) = long_with_take_profit(usd, 49_450);
        desk.price(49_450);
        desk.placed(desk.alice, market(ask(BTC, 0)));
        // 599.725 are lost or paid; 520 are needed.
        let wallet = desk.flex(desk.alice);
        assert_eq!(wallet.equity, fine(usd * 1_000 - 599_725, 3));
        let (status, held) = match stays {
            true => (OrderStatus::EnteredBook, fine(520, 0)),
            false => (OrderStatus::Cancelled, Fine::ZERO),
        };
        assert_eq!(
            (stands(&desk, take_profit).0, wallet.initial_margin_with_orders),
            (status, held),
            "{usd}"
        );
    }
}

#[test]
fn what_adds_risk_after_a_close_goes_the_youngest_first() {
    let (mut desk, first) = long_with_take_profit(1_000, 49_450);
    let second = desk.placed(desk.alice, reduce_only(ask(BTC, 51_000)));
    desk.price(49_450);
    // A second plain one would add risk, so the first is split instead: each closes a half.
    let Outcome::Edited(_) = desk.edit(desk.alice, first, None, Some(BTC / 2), QtyMode::Relative) else {
        panic!("a smaller order needs less")
    };
    let third = desk.placed(desk.alice, ask(BTC / 2, 53_000));
    let before = desk.events().len();
    desk.placed(desk.alice, market(ask(BTC, 0)));
    let gone = desk.events()[before..].iter().filter_map(|event| match event {
        Event::Cancelled { order } => Some((order.id, order.reason)),
        _ => None,
    });
    let (margin, reduces) = (Some(UpdateReason::NotEnoughMargin), Some(UpdateReason::WouldNotReducePosition));
    assert_eq!(gone.collect::<Vec<_>>(), [(second, reduces), (third, margin), (first, margin)]);
    assert_eq!(desk.position(desk.alice), 0);
}

#[test]
fn what_does_not_fill_at_once_closes_the_rest_before_what_is_less_aggressive() {
    let (mut desk, take_profit) = long_with_take_profit(1_000, 49_450);
    desk.price(49_450);
    desk.placed(desk.carol, ask(5 * BTC - 1, 49_450));
    // One lot is there; the rest of the order stands at 49,450 and closes what is left of the position.
    let close = desk.placed(desk.alice, ask(BTC, 49_450));
    assert_eq!(desk.position(desk.alice), BTC - 1);
    assert_eq!(stands(&desk, close), (OrderStatus::EnteredBook, Some(UpdateReason::PartialFill), None));
    assert_eq!(stands(&desk, take_profit), GONE);
    desk.placed(desk.bob, bid(BTC, 49_450));
    assert_eq!((desk.position(desk.alice), stands(&desk, close).0), (0, OrderStatus::FullyExecuted));
}

#[test]
fn a_stop_with_a_limit_that_rests_is_let_in_before_the_take_profit_too() {
    let (mut desk, take_profit) = long_with_take_profit(1_000, 49_000);
    let protective = desk.placed(desk.alice, stop(ask(BTC, 49_400), 49_450));
    // The best bid is 49,000: nothing trades at 49,400 yet.
    desk.price(49_450);
    assert_eq!(
        stands(&desk, protective),
        (OrderStatus::EnteredBook, Some(UpdateReason::LimitFromStop), None)
    );
    assert_eq!(stands(&desk, take_profit), GONE);
    desk.placed(desk.carol, bid(BTC, 49_400));
    assert_eq!(desk.position(desk.alice), 0);

    // Where margin suffices for both, both rest, and hold what both could come to: 1 short at their mean.
    let (mut desk, take_profit) = long_with_take_profit(2_000, 49_000);
    let protective = desk.placed(desk.alice, stop(ask(BTC, 49_400), 49_450));
    desk.price(49_450);
    for order in [protective, take_profit] {
        assert_eq!(stands(&desk, order).0, OrderStatus::EnteredBook);
    }
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(507, 0));
    // An order that only rests stands behind those that rest already: nothing is closed by it.
    let (mut desk, _) = long_with_take_profit(1_000, 49_000);
    desk.price(49_450);
    assert_eq!(desk.refused(desk.alice, ask(BTC, 49_400)), OrderError::InsufficientMargin);
}

#[test]
fn only_what_goes_beyond_the_position_is_a_new_order() {
    let (mut desk, take_profit) = long_with_take_profit(2_000, 49_450);
    desk.price(49_450);
    // 1,425 at mark, 500 of it held. Each lot beyond the position needs 0.04945, the first 500 of which are held already,
    // and a fee of 0.0024725: 1,425 bear 27,444 of them.
    let more = desk.refused(desk.alice, immediate(ask(BTC + 27_445, 49_450)));
    assert_eq!(more, OrderError::InsufficientMargin);
    desk.placed(desk.alice, immediate(ask(BTC + 27_444, 49_450)));
    assert_eq!(desk.position(desk.alice), -27_444);
    assert_eq!(stands(&desk, take_profit), GONE);

    // Close-only it takes no new risk: all of the position and not a lot more.
    let (mut desk, _) = long_with_take_profit(1_000, 49_450);
    desk.price(49_450);
    assert_eq!(desk.refused(desk.alice, immediate(ask(BTC + 1, 49_450))), OrderError::InsufficientMargin);
    desk.placed(desk.alice, immediate(ask(BTC, 49_450)));
}

#[test]
fn a_close_that_loses_too_much_is_refused_for_that_though_orders_rest() {
    // 975 are there: all of it at 49,000 loses 1,000.
    let (mut desk, take_profit) = long_with_take_profit(1_000, 49_000);
    desk.mark(49_450);
    assert_eq!(desk.refused(desk.alice, market(ask(BTC, 0))), OrderError::InsufficientClosingMargin);
    // Half of it loses 225 to mark, and leaves 187.75 for a maintenance of 123.625.
    desk.placed(desk.alice, immediate(ask(BTC / 2, 49_000)));
    assert_eq!(stands(&desk, take_profit), GONE);
    let (mut desk, take_profit) = long_with_take_profit(1_000, 48_800);
    desk.mark(49_450);
    // 87.80: too little for the other half.
    assert_eq!(desk.refused(desk.alice, immediate(ask(BTC / 2, 48_800))), OrderError::WouldCauseLiquidation);
    assert_eq!(stands(&desk, take_profit).0, OrderStatus::EnteredBook, "a refused order changes nothing");
}

#[test]
fn an_inverse_position_is_closed_before_what_rests() {
    let mut desk = Desk::listed();
    desk.price(50_000);
    desk.inverse_again();
    let coins = desk.coins(desk.alice);
    let (wallet, currency) = (Wallet::Inverse(PairId(0)), Currency::parse("BTC").expect("a code"));
    let amount = Money(Money::ONE / 20 - coins.balances[0].1.0);
    desk.done(&Command::Deposit(Deposit { account: desk.alice, wallet, currency, amount }));
    // 100,000 contracts are 2 BTC at 50,000: 0.04 of the 0.049 that the fee leaves of 0.05.
    desk.placed(desk.bob, ask(100_000, 2 * 50_000));
    desk.placed(desk.alice, bid(100_000, 2 * 50_000));
    let take_profit = desk.placed(desk.alice, ask(100_000, 2 * 52_500));
    let protective = desk.placed(desk.alice, stop(market(ask(100_000, 0)), 2 * 49_500));
    desk.placed(desk.bob, bid(200_000, 2 * 49_500));
    // 0.0202 lost: 0.0288 are less than the position holds. After the close a short at 52,500 would need 0.0381.
    desk.mark(49_500);
    assert_eq!(stands(&desk, protective), (OrderStatus::FullyExecuted, Some(UpdateReason::FullFill), None));
    assert_eq!(stands(&desk, take_profit), GONE);
    assert_eq!(desk.coins(desk.alice).initial_margin_with_orders, Fine::ZERO);
}

#[test]
fn an_isolated_position_is_closed_before_what_rests_whatever_leverage_that_would_reach() {
    let mut desk = Desk::listed();
    desk.lever(desk.alice, Some(5_000));
    desk.holds(desk.alice, 1_030 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    let take_profit = desk.placed(desk.alice, ask(BTC, 52_000));
    desk.placed(desk.bob, bid(2 * BTC, 49_450));
    let protective = desk.placed(desk.alice, stop(market(ask(BTC, 0)), 49_450));
    // 1,000 are set aside, 5 are free; a short at 52,000 would need 1,040 more.
    desk.price(49_450);
    assert_eq!(stands(&desk, protective).0, OrderStatus::FullyExecuted);
    assert_eq!(stands(&desk, take_profit), GONE);
    assert_eq!(desk.flex(desk.alice).set_aside, Fine::ZERO);

    // 100x is for 1,000,000 USD at most: two sells of 19.9 could come to a short of 1,019,875.
    let mut desk = Desk::listed();
    desk.lever(desk.alice, Some(10_000));
    desk.placed(desk.bob, ask(199_000, 50_000));
    desk.placed(desk.alice, bid(199_000, 50_000));
    desk.placed(desk.alice, ask(199_000, 52_000));
    desk.placed(desk.carol, bid(199_000, 50_500));
    assert_eq!(desk.refused(desk.alice, ask(199_000, 50_501)), OrderError::FixedLeverageTooHigh, "it rests");
    desk.placed(desk.alice, ask(199_000, 50_500));
    assert_eq!(desk.position(desk.alice), 0);
}

#[test]
fn what_an_order_would_need_is_told_by_the_same_rule() {
    let (mut desk, _) = long_with_take_profit(1_000, 49_450);
    desk.price(49_450);
    let quote = |lots, limit: i64| {
        let (alice, limit) = (desk.alice, Some(Price(limit)));
        let qty = loligo_engine::Qty(lots);
        let quote = desk.exchange.initial_margin_of(alice, InstrumentId(0), Side::Sell, qty, limit);
        let quote = quote.expect("a linear contract");
        (quote.initial_margin, quote.error)
    };
    assert_eq!(quote(BTC, 49_450), (Fine::ZERO, None), "it closes");
    assert_eq!(quote(BTC + 1, 49_450), (Fine::ZERO, Some(OrderError::InsufficientMargin)));
    // At 49,451 it would rest behind the take-profit: 1 short at the mean of the two, 500 held already.
    assert_eq!(quote(BTC, 49_451), (fine(7_255, 3), Some(OrderError::InsufficientMargin)));
}

/// A stream of numbers from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64) % bound
    }
}

/// Alice somewhere: with or without a position, with orders of her own far from the market, whose quotes are of others.
fn somewhere(numbers: &mut Numbers) -> Desk {
    let mut desk = Desk::listed();
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    let leverage = [None, None, Some(2_000), Some(5_000), Some(10_000)][numbers.below(5) as usize];
    desk.lever(alice, leverage);
    let long = numbers.below(2) == 0;
    let opens = if long { bid } else { ask };
    let closes = if long { ask } else { bid };
    let sign = if long { 1 } else { -1 };
    let lots = numbers.below(3) * numbers.below(2 * BTC);
    desk.holds(alice, 100_000 * Money::ONE);
    if lots > 0 {
        desk.placed(bob, closes(lots, 50_000));
        desk.placed(alice, opens(lots, 50_000));
    }
    for _ in 0..numbers.below(4) {
        let order = closes(1 + numbers.below(2 * BTC), 50_000 + sign * (2_000 + numbers.below(2_000)));
        desk.place(alice, if numbers.below(4) == 0 { reduce_only(order) } else { order });
    }
    for _ in 0..numbers.below(3) {
        desk.place(alice, opens(1 + numbers.below(BTC), 50_000 - sign * (2_000 + numbers.below(2_000))));
    }
    for maker in [bob, carol, bob] {
        desk.placed(maker, bid(1 + numbers.below(BTC), 49_999 - numbers.below(800)));
        desk.placed(maker, ask(1 + numbers.below(BTC), 50_001 + numbers.below(800)));
    }
    // What is left when the mark has moved is anywhere from too little to keep the position to a lot.
    let wallet = desk.flex(alice);
    let needed = (wallet.initial_margin_with_orders - wallet.equity).floor().0 + 1;
    desk.holds(alice, desk.balance(alice) + needed + i128::from(numbers.below(1_000)) * Money::ONE);
    desk.price((50_000 - sign * numbers.below(700)).into());
    desk
}

#[test]
fn the_largest_order_is_taken_and_one_lot_more_is_refused() {
    let mut numbers = Numbers(7);
    let (mut errors, mut closes, mut flips) = (BTreeSet::new(), 0, 0);
    for round in 0..400 {
        let desk = somewhere(&mut numbers);
        let state = desk.exchange.encode();
        let send = |side, lots, limit: Option<i64>| {
            let mut order = if side == Side::Buy { bid(lots, 0) } else { ask(lots, 0) };
            order = market(order);
            if let Some(limit) = limit {
                order.order_type = OrderType::Limit;
                order.limit_price = Some(loligo_engine::OnGrid::Steps(limit));
            }
            let mut copy = Exchange::decode(&state).expect("its own form");
            let outcome = copy.apply(copy.now(), &Command::Place(order), &mut Vec::new());
            copy.audit().expect("whatever is sent, every sum stays in order");
            outcome
        };
        for limit in [None, Some(49_400), Some(50_600), Some(49_300 + numbers.below(1_400))] {
            let size = desk.exchange.max_order_size(desk.alice, InstrumentId(0), limit.map(Price));
            let size = size.expect("a linear contract");
            for (side, most) in [(Side::Buy, size.buy.0), (Side::Sell, size.sell.0)] {
                let told = format!("round {round}, {side:?} at {limit:?}: {most}");
                if most > 0 {
                    let outcome = send(side, most, limit);
                    assert!(matches!(outcome, Outcome::Placed(_)), "{told}: {outcome:?}");
                }
                match send(side, most + 1, limit) {
                    Outcome::Rejected(_, error) => errors.insert(format!("{error:?}")),
                    outcome => panic!("{told}, and one lot more: {outcome:?}"),
                };
                let position = desk.position(desk.alice) * -side.sign();
                closes += u32::from(position > 0 && most == position);
                flips += u32::from(position > 0 && most > position);
            }
        }
    }
    for error in ["InsufficientMargin", "InsufficientClosingMargin", "WouldCauseLiquidation"] {
        assert!(errors.contains(error), "{errors:?}");
    }
    assert!(closes > 50 && flips > 50, "{closes} that only close, {flips} that turn round");
}
