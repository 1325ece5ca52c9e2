//! Covered liquidation over several bids (rules 5.6, 6.1): what each fill takes with it, and what the pool pays of it.

use super::fixture::{Desk, ask, bid};
use super::*;

/// Alice holds 4,600 USD and three BTC from 50,010: 594.985 at 48,700, where 730.50 must be there; and three bids a BTC each at 48,000.
fn three() -> Desk {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 4_600 * Money::ONE);
    desk.placed(desk.bob, ask(3 * BTC, 50_010));
    desk.placed(desk.alice, bid(3 * BTC, 50_010));
    for _ in 0..3 {
        desk.placed(desk.carol, bid(BTC, 48_000));
    }
    desk
}

#[test]
fn each_fill_takes_its_share_of_what_is_left_and_the_pool_pays_the_unit_that_is_missing() {
    let mut desk = three();
    pool(&mut desk, usd(2_000, 0));
    desk.price(48_700);
    // 700 less a third of 594.985 each: the third gets back what the first two were rounded up by.
    let paid: Vec<Money> = desk.executions()[1..].iter().map(|e| -e.taker.liquidation_fee).collect();
    assert_eq!(paid, [50_167_166_666_667, 50_167_166_666_667, 50_167_166_666_666].map(Money));
    assert_eq!((desk.balance(desk.alice), in_pool(&desk)), (0, usd(494_985, 3)));
    let fees = desk.executions().into_iter().skip(1).map(|e| (e.taker.fee, e.taker.fee_rate));
    assert!(fees.into_iter().all(|fee| fee == (Money::ZERO, 50_000)), "a taker's, of nothing that is left");
}

#[test]
fn what_the_pool_pays_for_one_bid_is_not_there_for_the_next() {
    let mut desk = three();
    pool(&mut desk, usd(600, 0));
    desk.price(48_700);
    // 501.67 for the first bid; the 98.33 that are left pay 5.0167 cents each for 1,960 lots of the next.
    let covered = |rung: &&(FillRole, i64, i64, AccountId)| rung.0 == FillRole::CoveredLiquidation;
    let lots: Vec<i64> = rungs(&desk).iter().filter(covered).map(|rung| rung.1).collect();
    assert_eq!(lots, [BTC, 1_960]);
    assert!((Money::ZERO..usd(5_017, 5)).contains(&in_pool(&desk)), "less than one lot more costs");
}
