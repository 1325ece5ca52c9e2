//! The pool where there is nothing in it: what it pays all the same, and where that shows (rules 5.6, 6.1).

use super::fixture::{Desk, bid};
use super::*;

#[test]
fn what_a_flat_wallet_is_short_of_an_empty_pool_pays_and_stands_below_zero_for_it() {
    let mut desk = Desk::listed();
    two_contracts(&mut desk);
    desk.holds(desk.bob, 1_000 * Money::ONE);
    let before = desk.exchange.audit().expect("in order");
    // Who would buy further down finds no pool that pays for it.
    desk.placed(desk.carol, bid(BTC, 39_500));
    desk.mark(40_000);
    assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 53_038, desk.bob)]);
    // Bob had 1,000 for the 3,038.
    assert_eq!((desk.balance(desk.bob), in_pool(&desk)), (0, usd(-2_038, 0)));
    let paid = |event: &&Event| {
        matches!(event, Event::Balance { account, cause: BalanceCause::Pool, change, .. }
            if *account == desk.bob && *change == usd(2_038, 0))
    };
    assert_eq!(desk.events().iter().filter(paid).count(), 1);

    // It shows wherever the pool does, and no money came from elsewhere.
    assert_eq!(desk.exchange.pools(), [(coin(), Money::ZERO), (Currency::USD, usd(-2_038, 0))]);
    let of_usd = |audit: &loligo_engine::Audit| {
        *audit.currencies.iter().find(|of| of.currency == Currency::USD).expect("held")
    };
    let (before, after) = (of_usd(&before), of_usd(&desk.exchange.audit().expect("in order")));
    assert_eq!((after.pool, after.deposited), (usd(-2_038, 0).fine(), before.deposited));
    let again = Exchange::decode(&desk.exchange.encode()).expect("what was just written");
    assert_eq!(again.pool(Currency::USD), usd(-2_038, 0));

    // Below zero it covers nothing: the other contract is unwound, too.
    desk.wait(2 * SECOND);
    assert_eq!(rungs(&desk)[1..], [(FillRole::UnwindBankrupt, BTC / 2, 39_999, desk.carol)]);
    assert_eq!(in_pool(&desk), usd(-2_038, 0));

    // Who fills it up brings the money that was missing.
    pool(&mut desk, Money::ZERO);
    let after = of_usd(&desk.exchange.audit().expect("in order"));
    assert_eq!(after.deposited, before.deposited + usd(2_038, 0).fine());
}

#[test]
fn a_flat_wallet_with_exactly_nothing_costs_the_pool_nothing_and_one_with_a_unit_less_that_unit() {
    for (filled, has, left) in [
        (usd(10, 0), usd(3_038, 0), usd(10, 0)),
        (usd(10, 0), usd(3_038, 0) - Money(1), usd(10, 0) - Money(1)),
        (usd(10, 0), usd(3_028, 0), Money::ZERO),
        (usd(10, 0), usd(3_028, 0) - Money(1), Money(-1)),
    ] {
        let mut desk = Desk::listed();
        two_contracts(&mut desk);
        desk.holds(desk.bob, 50_000 * Money::ONE);
        desk.holds(desk.bob, has.0);
        pool(&mut desk, filled);
        desk.mark(40_000);
        assert_eq!((desk.balance(desk.bob), in_pool(&desk)), (0, left), "{has:?}");
    }
}

fn coin() -> Currency {
    Currency::parse("BTC").expect("a code")
}
