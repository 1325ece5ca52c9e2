//! Whose turn it is (rules 5.6, 6.1): which contract of a wallet is liquidated first, and who is unwound first.

use super::fixture::{Desk, ask, bid};
use super::*;

/// Alice holds 1,500 USD and buys so much of two contracts at 50,000 from Bob; the second one is at 48,700 already.
fn two(lots: [i64; 2]) -> (Desk, InstrumentId) {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.placed(desk.bob, ask(lots[0], 50_000));
    desk.placed(desk.alice, bid(lots[0], 50_000));
    let second = desk.second();
    desk.mark(50_000);
    desk.placed(desk.bob, ask(lots[1], 50_000));
    desk.placed(desk.alice, bid(lots[1], 50_000));
    desk.mark(48_700);
    assert_eq!(rungs(&desk), []);
    (desk, second)
}

fn closed(desk: &Desk) -> Vec<InstrumentId> {
    let own = |e: &Execution| e.taker.role == FillRole::UnwindBankrupt;
    desk.executions().into_iter().filter(own).map(|e| e.instrument).collect()
}

#[test]
fn of_contracts_that_need_the_same_the_first_one_goes_first() {
    let (mut desk, second) = two([BTC / 2, BTC / 2]);
    desk.price(48_700);
    desk.wait(SECOND);
    assert_eq!(closed(&desk), [InstrumentId(0), second]);
}

#[test]
fn a_contract_that_cannot_trade_any_more_holds_up_none_that_can_and_a_halt_does() {
    for (state, closes) in [(MarketState::Inactive, true), (MarketState::Suspended, false)] {
        let (mut desk, second) = two([3 * BTC / 4, BTC / 4]);
        desk.first();
        desk.state(state);
        // The first needs more.
        desk.mark(48_600);
        desk.wait(SECOND);
        assert_eq!(closed(&desk), if closes { vec![second] } else { Vec::new() }, "{state:?}");
    }
}

/// Who was unwound against Alice in the first contract, in their order.
fn unwound(desk: &Desk) -> Vec<AccountId> {
    let own = |e: &Execution| e.taker.role == FillRole::UnwindBankrupt && e.instrument == InstrumentId(0);
    desk.executions().into_iter().filter(own).map(|e| e.maker.account).collect()
}

/// Each sells a BTC to Alice at a price.
fn shorts(desk: &mut Desk, prices: [(AccountId, i64); 2]) {
    for (account, price) in prices {
        desk.placed(account, ask(BTC, price));
        desk.placed(desk.alice, bid(BTC, price));
    }
}

#[test]
fn profit_counts_against_what_was_entered_and_leverage_at_mark() {
    let mut desk = Desk::listed();
    let (bob, carol) = (desk.bob, desk.carol);
    shorts(&mut desk, [(carol, 50_000), (bob, 49_000)]);
    for (account, held) in [(desk.alice, 3_200), (carol, 17_800), (bob, 9_000)] {
        desk.holds(account, held * Money::ONE);
    }
    desk.price(48_000);
    // Bob: 1,000 / 49,000 x 48,000 / 10,000. Carol: 2,000 / 50,000 x 48,000 / 19,800, which is less, though 2,000 / 19,800 is more.
    assert_eq!(unwound(&desk), [bob, carol]);
}

#[test]
fn who_lost_least_comes_first_of_those_who_lost() {
    let mut desk = Desk::listed();
    let (bob, carol) = (desk.bob, desk.carol);
    shorts(&mut desk, [(bob, 49_000), (carol, 49_900)]);
    desk.holds(desk.alice, 2_000 * Money::ONE);
    for account in [bob, carol] {
        desk.holds(account, 50_000 * Money::ONE);
    }
    desk.second();
    desk.mark(50_000);
    let dave = open_account(&mut desk, false);
    desk.holds(dave, 100_000 * Money::ONE);
    desk.placed(dave, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    // What Alice loses there is more than she has, and the first contract, where she gained, needs the most.
    desk.mark(40_000);
    assert_eq!(unwound(&desk), [carol, bob]);
}

#[test]
fn who_has_a_profit_and_no_equity_at_all_comes_before_everyone() {
    let mut desk = Desk::listed();
    let (bob, carol) = (desk.bob, desk.carol);
    shorts(&mut desk, [(carol, 50_000), (bob, 50_000)]);
    let second = desk.second();
    desk.mark(50_000);
    desk.placed(desk.alice_sub, ask(2 * BTC, 50_000));
    desk.placed(bob, bid(2 * BTC, 50_000));
    // Bob is bankrupt in a contract that is halted, so that nobody liquidates him.
    desk.state(MarketState::Suspended);
    for (account, held) in [(desk.alice, 4_200), (carol, 1_000), (bob, 20_000)] {
        desk.holds(account, held * Money::ONE);
    }
    desk.second_again(second);
    desk.mark(30_000);
    assert_eq!(rungs(&desk), []);
    desk.price(48_000);
    assert_eq!(unwound(&desk), [bob, carol]);
}
