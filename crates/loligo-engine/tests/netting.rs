//! Contracts of one underlying stand against each other (rules 5.2, 5.3, 6.1), in flex and in inverse wallets; and what their marks would
//! have to be for a wallet to come down to each of its figures.

mod fixture;

use fixture::{Desk, ask, bid, reduce_only};
use loligo_engine::{
    AccountId, Command, Currency, Deposit, Exchange, Fine, FinePrice, InstrumentId, InstrumentSpec, Leverage,
    Money, OrderError, Outcome, PairId, Side, Wallet,
};

/// One BTC, in lots.
const BTC: i64 = 10_000;

fn fine(units: i128, decimals: u32) -> Fine {
    Fine(units * 10_i128.pow(24 - decimals))
}

/// Alice trades `lots` (signed) of the contract that is traded, at a price, with bob.
fn trade(desk: &mut Desk, lots: i64, ticks: i64) {
    let (bob, alice) = (desk.bob, desk.alice);
    if lots > 0 {
        desk.placed(bob, ask(lots, ticks));
        desk.placed(alice, bid(lots, ticks));
    } else {
        desk.placed(bob, bid(-lots, ticks));
        desk.placed(alice, ask(-lots, ticks));
    }
}

/// A desk with a second contract on the same underlying, both marked at 50,000.
fn two() -> (Desk, InstrumentId) {
    let mut desk = Desk::open();
    let second = desk.second();
    desk.mark(50_000);
    desk.first();
    (desk, second)
}

#[test]
fn longs_of_an_underlying_stand_against_its_shorts() {
    let (mut desk, second) = two();
    trade(&mut desk, 2 * BTC, 50_000);
    desk.second_again(second);
    trade(&mut desk, -BTC, 50_000);
    // 2 long need 1,000, 1 short 500: the greater of the two. Maintenance is half of it at mark.
    let wallet = desk.flex(desk.alice);
    assert_eq!((wallet.initial_margin, wallet.maintenance_margin), (fine(1_000, 0), fine(500, 0)));
    assert_eq!(wallet.initial_margin_with_orders, fine(1_000, 0));
    assert_eq!(desk.flex(desk.bob).initial_margin, fine(1_000, 0), "the other side likewise");
    // 3 more short: 2,000 of them against 1,000.
    trade(&mut desk, -3 * BTC, 50_000);
    assert_eq!(desk.flex(desk.alice).initial_margin, fine(2_000, 0));
    // Marks apart: 2 at 51,000 need 510, 4 at 49,000 need 980.
    desk.mark(49_000);
    desk.first();
    desk.mark(51_000);
    assert_eq!(desk.flex(desk.alice).maintenance_margin, fine(980, 0));
}

#[test]
fn orders_count_at_the_worst_of_their_own_contract_before_contracts_are_netted() {
    let (mut desk, second) = two();
    trade(&mut desk, 2 * BTC, 50_000);
    let held = |desk: &Desk| desk.flex(desk.alice).initial_margin_with_orders;
    assert_eq!(held(&desk), fine(1_000, 0));
    desk.second_again(second);
    // Sells of the second stand against the long of the first, up to its size.
    desk.placed(desk.alice, ask(2 * BTC, 50_000));
    assert_eq!(held(&desk), fine(1_000, 0));
    let beyond = desk.placed(desk.alice, ask(BTC, 50_000));
    assert_eq!(held(&desk), fine(1_500, 0), "3 short");
    // Buys of it would be long beside the other: 2 + 1 long against 3 short.
    let buy = desk.placed(desk.alice, bid(BTC, 49_000));
    assert_eq!(held(&desk), fine(1_500, 0));
    desk.cancel(desk.alice, beyond);
    assert_eq!(held(&desk), fine(1_490, 0), "1,000 and 490 long against 1,000 short");
    desk.cancel(desk.alice, buy);
    assert_eq!(held(&desk), fine(1_000, 0));
}

#[test]
fn an_order_that_hedges_needs_nothing() {
    let (mut desk, second) = two();
    desk.holds(desk.alice, 1_050 * Money::ONE);
    trade(&mut desk, 2 * BTC, 50_000);
    assert_eq!(desk.flex(desk.alice).available(), Fine::ZERO, "1,000 are held, 50 were the fee");
    desk.second_again(second);
    // It adds nothing, so that nothing must be free for it.
    let hedge = desk.placed(desk.alice, ask(BTC, 50_000));
    // Asked before it is sent, the same: another one of 1 BTC adds nothing, one of 2 BTC adds 500 beyond the long.
    let quote = |lots| {
        let quote = desk.exchange.initial_margin_of(
            desk.alice,
            second,
            Side::Sell,
            loligo_engine::Qty(lots),
            Some(loligo_engine::Price(50_000)),
        );
        quote.expect("it can be asked").initial_margin
    };
    assert_eq!((quote(BTC), quote(2 * BTC)), (Fine::ZERO, fine(500, 0)));
    desk.cancel(desk.alice, hedge);
    // A lot beyond the long adds 5 cents, and must have them and its fee of a quarter of one.
    assert_eq!(desk.refused(desk.alice, ask(2 * BTC + 1, 50_000)), OrderError::InsufficientMargin);
    // The fee is of all that does not close its own contract: 50.0025 USD.
    desk.holds(desk.alice, 1_050 * Money::ONE + 525 * Money::ONE / 10_000 - 1);
    assert_eq!(desk.refused(desk.alice, ask(2 * BTC + 1, 50_000)), OrderError::InsufficientMargin);
    desk.holds(desk.alice, 1_050 * Money::ONE + 525 * Money::ONE / 10_000);
    desk.placed(desk.alice, ask(2 * BTC + 1, 50_000));
}

#[test]
fn what_would_be_asked_of_a_contract_never_traded_is_netted_too() {
    let (mut desk, second) = two();
    trade(&mut desk, 2 * BTC, 50_000);
    let (alice, limit) = (desk.alice, Some(loligo_engine::Price(50_000)));
    let quote = |side| {
        let quote = desk.exchange.initial_margin_of(alice, second, side, loligo_engine::Qty(BTC), limit);
        quote.expect("it can be asked").initial_margin
    };
    assert_eq!((quote(Side::Sell), quote(Side::Buy)), (Fine::ZERO, fine(500, 0)));
}

#[test]
fn a_hedged_wallet_is_liquidated_when_the_greater_side_is_not_met() {
    let (mut desk, second) = two();
    desk.holds(desk.alice, 1_100 * Money::ONE);
    trade(&mut desk, 2 * BTC, 50_000);
    desk.second_again(second);
    trade(&mut desk, -BTC, 50_000);
    // 1,025 are left; 1 BTC net long loses a dollar a dollar. At 49,471 equity is 496, 2 long need 494.71.
    for (mark, short) in [(49_471, false), (49_469, true)] {
        desk.second_again(second);
        desk.mark(49_000 + 471);
        desk.first();
        desk.mark(mark);
        let wallet = desk.flex(desk.alice);
        assert_eq!(wallet.cross_equity() < wallet.maintenance_margin, short, "{mark}");
        assert_eq!(wallet.liquidated, short, "{mark}");
    }
}

#[test]
fn an_isolated_position_stands_alone() {
    let (mut desk, second) = two();
    let isolated =
        Command::SetLeverage { account: desk.alice, instrument: second, leverage: Some(Leverage(1_000)) };
    trade(&mut desk, 2 * BTC, 50_000);
    desk.second_again(second);
    trade(&mut desk, -BTC, 50_000);
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(1_000, 0));
    desk.done(&isolated);
    // 5,000 are set aside for the short, and the long needs its own 1,000.
    let wallet = desk.flex(desk.alice);
    assert_eq!(wallet.initial_margin_with_orders, fine(6_000, 0));
    assert_eq!((wallet.initial_margin, wallet.maintenance_margin), (fine(1_000, 0), fine(500, 0)));
    desk.done(&Command::SetLeverage { account: desk.alice, instrument: second, leverage: None });
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, fine(1_000, 0));
}

#[test]
fn what_is_set_aside_for_one_position_keeps_no_other_from_being_liquidated() {
    let (mut desk, second) = two();
    desk.first();
    trade(&mut desk, BTC, 50_000);
    let (account, leverage) = (desk.alice, Some(Leverage(1_000)));
    desk.done(&Command::SetLeverage { account, instrument: second, leverage });
    desk.second_again(second);
    trade(&mut desk, BTC / 10, 50_000);
    desk.holds(desk.alice, 2_000 * Money::ONE);
    // 500 are set aside: 1,500 last to 48,743.7, where half a per cent must be there.
    let told = desk.exchange.position_risk(desk.alice, InstrumentId(0)).expect("held").liquidation_price;
    assert_eq!(told.map(|at| at.0), Some(48_743));
    // Behind the isolated one stand the 500, and what it gains or loses.
    desk.mark(50_100);
    let alone = desk.exchange.position_risk(desk.alice, second).expect("held");
    assert_eq!((alone.equity, alone.initial_margin), (fine(510, 0), fine(500, 0)));
    desk.first();
    desk.mark(48_744);
    assert_eq!(desk.exchange.positions(desk.alice).len(), 2);
    desk.mark(48_743);
    assert_eq!(desk.exchange.positions(desk.alice).len(), 1);
}

#[test]
fn isolating_a_hedge_is_refused_where_both_sides_together_are_not_there() {
    let (mut desk, second) = two();
    desk.holds(desk.alice, 6_075 * Money::ONE - 1);
    trade(&mut desk, 2 * BTC, 50_000);
    desk.second_again(second);
    trade(&mut desk, -BTC, 50_000);
    let leverage = Some(Leverage(1_000));
    let isolate = Command::SetLeverage { account: desk.alice, instrument: second, leverage };
    // 6,000 are needed after fees of 75; one unit is missing.
    assert_eq!(desk.apply(&isolate), Outcome::Refused(loligo_engine::Refusal::MarginShort));
    desk.holds(desk.alice, 6_000 * Money::ONE);
    desk.done(&isolate);
}

#[test]
fn other_underlyings_are_not_netted() {
    let mut desk = Desk::open();
    let first = desk.exchange.instrument(InstrumentId(0)).expect("listed").spec().clone();
    let eth = InstrumentSpec {
        symbol: "PF_ETHUSD".into(),
        pair: "ETH:USD".into(),
        base: Currency::parse("ETH").expect("a code"),
        ..first
    };
    let Outcome::Listed(id) = desk.apply(&Command::List(Box::new(eth))) else { panic!("not listed") };
    let pair = desk.exchange.pair_by_name("ETH:USD").expect("a pair");
    desk.done(&Command::PinIndex { pair, price: Some(FinePrice(50_000 * 10_i128.pow(18))) });
    trade(&mut desk, 2 * BTC, 50_000);
    desk.second_again(id);
    trade(&mut desk, -BTC, 50_000);
    assert_eq!(desk.flex(desk.alice).initial_margin, fine(1_500, 0));
}

#[test]
fn closing_one_side_of_a_hedge_never_needs_more() {
    let (mut desk, second) = two();
    trade(&mut desk, 2 * BTC, 50_000);
    desk.second_again(second);
    trade(&mut desk, -2 * BTC, 50_000);
    desk.holds(desk.alice, 1_000 * Money::ONE);
    assert_eq!(desk.flex(desk.alice).available(), Fine::ZERO);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, reduce_only(bid(BTC, 50_000)));
    assert_eq!(desk.flex(desk.alice).initial_margin, fine(1_000, 0));
    assert!(!desk.flex(desk.alice).liquidated);
}

/// A desk with a second inverse contract, which alice trades with bob.
fn inverse_two() -> (Desk, InstrumentId) {
    let mut desk = Desk::open();
    let spec = desk.exchange.instrument(InstrumentId(1)).expect("listed").spec().clone();
    let spec = InstrumentSpec { symbol: "FI_XBTUSD_X".into(), ..spec };
    let Outcome::Listed(id) = desk.apply(&Command::List(Box::new(spec))) else { panic!("not listed") };
    desk.second_again(id);
    desk.mark(10_000);
    desk.inverse();
    (desk, id)
}

#[test]
fn inverse_contracts_of_a_pair_are_netted_in_its_currency() {
    let (mut desk, second) = inverse_two();
    // 20,000 contracts at 10,000 are 2 BTC and need 0.04; 5,000 are 0.5 and need 0.01.
    trade(&mut desk, 20_000, 20_000);
    desk.second_again(second);
    trade(&mut desk, -5_000, 20_000);
    let wallet = desk.coins(desk.alice);
    assert_eq!((wallet.initial_margin, wallet.maintenance_margin), (fine(4, 2), fine(2, 2)));
    assert_eq!(wallet.initial_margin_with_orders, fine(4, 2));
    desk.placed(desk.alice, ask(20_000, 20_000));
    assert_eq!(desk.coins(desk.alice).initial_margin_with_orders, fine(5, 2), "25,000 short");
}

/// Leaves alice with so many BTC, in 1e-8, in the inverse wallet.
fn coins(desk: &mut Desk, satoshi: i128) {
    let (wallet, currency) = (Wallet::Inverse(PairId(0)), Currency::parse("BTC").expect("a code"));
    let now = desk.coins(desk.alice).balances[0].1;
    let amount = Money(satoshi * 1_000) - now;
    desk.done(&Command::Deposit(Deposit { account: desk.alice, wallet, currency, amount }));
}

#[test]
fn the_published_example_is_liquidated_at_7481_and_worth_nothing_at_7407() {
    let mut desk = Desk::open();
    desk.inverse();
    desk.mark(8_000);
    trade(&mut desk, 1_000, 16_000);
    coins(&mut desk, 1_000_000);
    // 0.01 and 0.125 BTC: nothing is left at 1,000 / 0.135, and 1% at mark at 1,010 / 0.135.
    let estimates = desk.exchange.mark_estimates(desk.alice, &desk.coins(desk.alice));
    assert_eq!((estimates.maintenance, estimates.nothing), (748_148_148, 740_740_740));
    // 2% at entry are 0.0025: 1,000 / 0.1325.
    assert_eq!(estimates.initial, 754_716_981);
    // What an order would add to that is not asked for before it is filled.
    let order = desk.placed(desk.alice, bid(100, 15_800));
    assert_eq!(desk.exchange.mark_estimates(desk.alice, &desk.coins(desk.alice)), estimates);
    desk.cancel(desk.alice, order);
    desk.mark(7_482);
    assert_eq!(desk.exchange.positions(desk.alice).len(), 1);
    desk.mark(7_481);
    // Nobody buys: what was liquidated is unwound at once.
    assert_eq!(desk.exchange.positions(desk.alice), []);
}

#[test]
fn with_several_contracts_all_marks_move_in_proportion() {
    let (mut desk, second) = inverse_two();
    trade(&mut desk, 20_000, 20_000);
    desk.second_again(second);
    trade(&mut desk, -5_000, 20_000);
    coins(&mut desk, 20_000_000);
    desk.mark(12_500);
    // Entered at -2 and 0.5 BTC; worth -2 at 10,000 and 0.4 at 12,500, -1.6 in all. Beside them stand 0.2 and 1.5.
    let wallet = desk.coins(desk.alice);
    assert_eq!(wallet.equity, fine(1, 1));
    // At s times these marks 1.6 are 1.6 / s: of 1.7 nothing is left at s = 16 / 17, when the first contract is at 9,411.76.
    let estimates = desk.exchange.mark_estimates(desk.alice, &wallet);
    assert_eq!(estimates.nothing, 941_176_470);
    // 0.04 at entry: 1.6 / s = 1.66. At mark 1% of 2 BTC, netted: 1.6 / s + 0.02 / s = 1.7.
    assert_eq!(estimates.initial, 963_855_421);
    assert_eq!(estimates.maintenance, 952_941_176);
}

#[test]
fn what_contracts_need_less_together_is_found_again_when_the_state_is_read() {
    let (mut desk, second) = two();
    trade(&mut desk, 2 * BTC, 50_000);
    desk.second_again(second);
    trade(&mut desk, -BTC, 50_000);
    desk.placed(desk.alice, ask(3 * BTC, 50_500));
    let mut read = Exchange::decode(&desk.exchange.encode()).expect("a state");
    assert_eq!(read.wallets(AccountId(0)), desk.exchange.wallets(AccountId(0)));
    read.audit().expect("every sum holds");
    let now = read.now();
    read.apply(now, &Command::CancelAll { account: AccountId(0), instrument: None }, &mut Vec::new());
    assert_eq!(read.wallets(AccountId(0))[1].initial_margin_with_orders, fine(1_000, 0));
}
