//! The ladder below the market (rules 5.6, 6.1): assignment, what the pool pays, unwinding; worked figures to the last digit.
//! PF_XBTUSD: tick 1, lot 0.0001, and nobody bids unless it says so.

mod fixture;

#[path = "ladder/amid.rs"]
mod amid;
#[path = "ladder/assignment.rs"]
mod assignment;
#[path = "ladder/pool.rs"]
mod pool;
#[path = "ladder/shares.rs"]
mod shares;
#[path = "ladder/streams.rs"]
mod streams;
#[path = "ladder/turns.rs"]
mod turns;
#[path = "ladder/unwinding.rs"]
mod unwinding;

use fixture::{Desk, ask, bid, stop};
use loligo_engine::{
    AccountId, AssignmentProgram, BalanceCause, Command, ContractKind, CreateAccount, Currency, Deposit,
    Event, Exchange, Execution, FillRole, Fine, FinePrice, InstrumentId, InstrumentSpec, MarginLevel,
    MarketState, Money, OrderStatus, OrderType, Outcome, PairId, Refusal, Side, TimeFrame, UnwindPlaces,
    UpdateReason, Wallet,
};

/// One BTC, in lots; and in millionths.
const BTC: i64 = 10_000;
const MILLION: i64 = 1_000_000;
const SECOND: i64 = 1_000_000;

fn usd(units: i128, decimals: u32) -> Money {
    Money(units * Money::ONE / 10_i128.pow(decimals))
}

/// Alice holds 1,500 USD and buys 1 BTC at 50,010 from Bob: 1,474.995 after the fee. At 48,700 that leaves 164.995 for a maintenance of
/// 243.50, and nothing at 48,535.005.
fn long(desk: &mut Desk) {
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
}

fn takes_all() -> AssignmentProgram {
    AssignmentProgram {
        kind: ContractKind::Linear,
        instrument: Some(InstrumentId(0)),
        base: None,
        quote: None,
        max_size: None,
        max_position: None,
        accept_long: true,
        accept_short: true,
        time_frame: TimeFrame::All,
        enabled: true,
        max_notional: None,
        min_profit_long: None,
        min_profit_short: None,
    }
}

fn pool(desk: &mut Desk, amount: Money) {
    desk.done(&Command::SetPool { currency: Currency::USD, amount });
}

fn in_pool(desk: &Desk) -> Money {
    desk.exchange.pool(Currency::USD)
}

/// What happened beside users' own orders: role of who is liquidated, lots, price, and who was on the other side.
fn rungs(desk: &Desk) -> Vec<(FillRole, i64, i64, AccountId)> {
    let own = |e: &Execution| !matches!(e.taker.role, FillRole::Taker | FillRole::TakerAfterEdit);
    let steps = desk.executions().into_iter().filter(own);
    steps.map(|e| (e.taker.role, e.qty.0, e.price.0, e.maker.account)).collect()
}

fn last(desk: &Desk) -> Execution {
    desk.executions().pop().expect("an execution")
}

fn open_account(desk: &mut Desk, house: bool) -> AccountId {
    match desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house })) {
        Outcome::AccountCreated(id) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn with_nobody_on_the_market_and_no_provider_the_counterparty_is_unwound_where_nothing_is_left() {
    let mut desk = Desk::listed();
    long(&mut desk);
    let trades = desk.exchange.market(InstrumentId(0)).expect("listed");
    let volume = desk.exchange.volume_usd(desk.bob);
    let fired_by_last = desk.placed(desk.carol, {
        let mut order = stop(bid(1, 60_000), 48_600);
        order.trigger.as_mut().expect("a stop").signal = loligo_engine::Signal::Last;
        (order.side, order.limit_price) = (Side::Sell, None);
        order.stop_price = Some(loligo_engine::OnGrid::Steps(48_600));
        order
    });
    desk.price(48_700);

    assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 48_536, desk.bob)]);
    let unwound = last(&desk);
    assert_eq!(unwound.maker.role, FillRole::UnwindCounterparty);
    for fill in [&unwound.taker, &unwound.maker] {
        assert_eq!((fill.fee, fill.fee_rate, fill.liquidation_fee), (Money::ZERO, 0, Money::ZERO));
        assert_eq!(fill.position, 0);
        let order = desk.order(fill.order);
        assert_eq!((order.order_type, order.status), (OrderType::Unwind, OrderStatus::FullyExecuted));
        assert!(order.reduce_only);
        let placed = |event: &&Event| matches!(event, Event::Placed { order, .. } if order.id == fill.order);
        let Some(Event::Placed { order, .. }) = desk.events().iter().find(placed) else { panic!("not told") };
        assert_eq!(order.reason, Some(UpdateReason::LiquidationOrder));
    }
    assert_eq!((unwound.taker_side, unwound.usd_value), (Side::Sell, usd(48_536, 0)), "a long is sold");
    // 1,474.995 less 1,474, and Bob what Alice lost.
    assert_eq!(desk.balance(desk.alice), usd(995, 3).0);
    assert_eq!(unwound.maker.realized_pnl, usd(1_474, 0));
    assert!(!desk.flex(desk.alice).liquidated);
    // It moves no last price, fires nothing, and counts in nobody's volume.
    let market = desk.exchange.market(InstrumentId(0)).expect("listed");
    assert_eq!((market.last, market.trades), (trades.last, trades.trades + 1));
    assert_eq!(desk.order(fired_by_last).status, OrderStatus::TriggerPlaced);
    assert_eq!(desk.exchange.volume_usd(desk.bob), volume);
    assert_eq!(market.open_interest.0, 0);
}

#[test]
fn the_pool_covers_what_the_market_pays_too_little_for() {
    let mut desk = Desk::listed();
    long(&mut desk);
    pool(&mut desk, usd(1_000, 0));
    desk.placed(desk.carol, bid(BTC, 48_000));
    let volume = desk.exchange.volume_usd(desk.alice).expect("known");
    desk.price(48_700);
    assert_eq!(rungs(&desk), [(FillRole::CoveredLiquidation, BTC, 48_000, desk.carol)]);
    let covered = last(&desk).taker;
    // It loses 2,010 with 1,474.995 there; nothing is left of it for a fee.
    assert_eq!((covered.realized_pnl, covered.fee), (usd(-2_010, 0), Money::ZERO));
    assert_eq!((covered.liquidation_fee, desk.balance(desk.alice)), (usd(-535_005, 3), 0));
    assert_eq!(in_pool(&desk), usd(464_995, 3));
    assert_eq!(desk.order(covered.order).order_type, OrderType::CoveredLiquidation);
    // It is a trade on the market.
    assert_eq!(
        desk.exchange.market(InstrumentId(0)).and_then(|market| market.last).map(|last| last.0),
        Some(48_000)
    );
    assert_eq!(desk.exchange.volume_usd(desk.alice), Some(volume + usd(48_000, 0)));
}

#[test]
fn the_pool_covers_the_lots_that_it_can_pay_for_and_the_rest_is_unwound() {
    let exactly = usd(535_005, 3);
    // A lot is 5.35005 cents short.
    for (filled, covered) in
        [(exactly, BTC), (exactly - Money(1), BTC - 1), (usd(535_005, 7), 1), (Money(1), 0), (Money::ZERO, 0)]
    {
        let mut desk = Desk::listed();
        long(&mut desk);
        pool(&mut desk, filled);
        desk.placed(desk.carol, bid(BTC, 48_000));
        desk.price(48_700);
        desk.wait(2 * SECOND);
        let lots: i64 = rungs(&desk)
            .iter()
            .filter(|rung| rung.0 == FillRole::CoveredLiquidation)
            .map(|rung| rung.1)
            .sum();
        assert_eq!(lots, covered, "{filled:?}");
        let unwound = rungs(&desk).last().copied().filter(|rung| rung.0 == FillRole::UnwindBankrupt);
        let rest = (covered < BTC).then_some((FillRole::UnwindBankrupt, BTC - covered, 48_536, desk.bob));
        assert_eq!(unwound, rest, "what is not covered stands as it did");
        assert!(in_pool(&desk) >= Money::ZERO && desk.balance(desk.alice) >= 0);
        assert_eq!(desk.position(desk.alice), 0);
    }
}

#[test]
fn covered_liquidation_goes_five_per_cent_from_the_best_price_and_no_further() {
    let mut desk = Desk::listed();
    long(&mut desk);
    pool(&mut desk, usd(100_000, 0));
    desk.placed(desk.carol, bid(1_000, 48_000));
    desk.placed(desk.carol, bid(2_000, 45_600));
    desk.placed(desk.carol, bid(3_000, 45_599));
    desk.price(48_700);
    let covered = FillRole::CoveredLiquidation;
    assert_eq!(rungs(&desk), [(covered, 1_000, 48_000, desk.carol), (covered, 2_000, 45_600, desk.carol)]);
    desk.wait(SECOND - 1);
    assert_eq!(rungs(&desk).len(), 2, "one filled in part waits");
    desk.wait(1);
    assert_eq!(rungs(&desk)[2], (covered, 3_000, 45_599, desk.carol), "that is the best price now");
    desk.wait(SECOND);
    assert_eq!(rungs(&desk)[3], (FillRole::UnwindBankrupt, 4_000, 48_536, desk.bob));
    // 535.005 of each BTC at 48,000, 2,935.005 and 2,936.005 of the others: 53.5005 + 587.001 + 880.8015.
    assert_eq!(in_pool(&desk), usd(100_000, 0) - usd(1_521_303, 3));
}

#[test]
fn exactly_at_maintenance_nothing_happens_and_exactly_at_nothing_all_of_it_goes_at_once() {
    // 1,310 are lost at 48,700, and 243.50 must be there.
    for (held, lots) in [
        (usd(155_350, 2), 0),
        (usd(155_350, 2) - Money(1), BTC / 10),
        (Money(1) + usd(1_310, 0), BTC / 10),
        (usd(1_310, 0), BTC),
        (usd(1_309, 0), BTC),
    ] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.holds(desk.alice, held.0);
        desk.placed(desk.carol, bid(BTC, 48_701));
        desk.price(48_700);
        let role = if lots == BTC { FillRole::Liquidation } else { FillRole::PartialLiquidation };
        let step = (role, lots, 48_701, desk.carol);
        assert_eq!(rungs(&desk).first().copied(), (lots > 0).then_some(step), "{held:?}");
    }
}

/// 1,000 contracts from 8,000 with 0.01 BTC: maintenance at 7,481, nothing at 7,407.4.
#[test]
fn an_inverse_position_is_assigned_without_the_pool_or_unwound() {
    let coin = Currency::parse("BTC").expect("a code");
    // At 7,420 a provider gains a sixth of a per cent: the pool adds nothing to that.
    for (provided, mark) in [(false, 7_481), (true, 7_481), (true, 7_420)] {
        let mut desk = Desk::listed();
        desk.inverse();
        desk.price(8_000);
        desk.placed(desk.bob, ask(1_000, 2 * 8_000));
        desk.placed(desk.alice, bid(1_000, 2 * 8_000));
        let coins = desk.coins(desk.alice);
        desk.done(&Command::Deposit(Deposit {
            account: desk.alice,
            wallet: coins.wallet,
            currency: coin,
            amount: usd(1, 2) - coins.balances[0].1,
        }));
        desk.done(&Command::SetPool { currency: coin, amount: usd(1, 0) });
        if provided {
            let program = AssignmentProgram { kind: ContractKind::Inverse, instrument: None, ..takes_all() };
            desk.provides(desk.carol, program);
        }
        // A price beyond that of nothing finds nobody here: inverse positions are not covered.
        desk.placed(desk.carol, bid(1_000, 2 * 7_407));
        desk.price(7_482);
        assert_eq!(rungs(&desk), []);
        desk.price(mark);
        let (role, other) = match provided {
            true => (FillRole::Assignor, desk.carol),
            false => (FillRole::UnwindBankrupt, desk.bob),
        };
        assert_eq!(rungs(&desk), [(role, 1_000, 2 * 7_407 + 1, other)]);
        assert_eq!(last(&desk).maker.liquidation_fee, Money::ZERO);
        assert_eq!(desk.exchange.pool(coin), usd(1, 0));
        // 0.135 less 1,000 / 7,407.5.
        assert_eq!(desk.coins(desk.alice).balances[0].1, Money(13_500_000_000 - 13_499_831_252));
        assert_eq!(desk.exchange.positions(desk.alice), []);
    }
}

#[test]
fn of_several_contracts_each_goes_in_its_turn_at_a_price_that_leaves_nothing_of_the_wallet() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 2_000 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.second();
    desk.mark(50_000);
    desk.placed(desk.bob, ask(BTC / 2, 50_000));
    desk.placed(desk.alice, bid(BTC / 2, 50_000));
    // 1,962.50 after fees. Down 1,100 and 550: 312.50 for 366.75.
    desk.mark(48_900);
    desk.price(48_900);
    assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 48_588, desk.bob)], "312.50 below the mark");
    assert_eq!(desk.flex(desk.alice).equity, Fine(5 * 10_i128.pow(23)), "half a dollar by the tick");
    desk.wait(SECOND);
    assert_eq!(
        rungs(&desk)[1],
        (FillRole::UnwindBankrupt, BTC / 2, 48_899, desk.bob),
        "a dollar below for half a BTC"
    );
    assert_eq!(desk.exchange.positions(desk.alice), []);
    assert_eq!(desk.balance(desk.alice), 0);
}

#[test]
fn an_isolated_position_goes_down_the_ladder_alone() {
    let mut desk = Desk::listed();
    desk.lever(desk.alice, Some(10_000));
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
    let before = desk.balance(desk.alice);
    // 500.10 are set aside: nothing of it is left at 49,509.90.
    desk.price(49_000);
    assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 49_510, desk.bob)]);
    assert_eq!(desk.balance(desk.alice), before - usd(500, 0).0);

    // Nobody gains by it what is not there: with bids below, the pool pays what is beyond what was set aside, to the last unit.
    for (leverage, set_aside) in [(10_000, usd(5_001, 1)), (7_000, usd(71_442_857_142_857, 11))] {
        let mut desk = Desk::listed();
        pool(&mut desk, usd(1_000, 0));
        desk.lever(desk.alice, Some(leverage));
        desk.placed(desk.bob, ask(BTC, 50_010));
        desk.placed(desk.alice, bid(BTC, 50_010));
        let before = desk.balance(desk.alice);
        desk.placed(desk.carol, bid(BTC, 49_000));
        desk.price(49_100);
        assert_eq!(rungs(&desk), [(FillRole::CoveredLiquidation, BTC, 49_000, desk.carol)]);
        assert_eq!(last(&desk).taker.liquidation_fee, set_aside - usd(1_010, 0));
        assert_eq!(desk.balance(desk.alice), before - set_aside.0);
    }
}

/// Alice has 2,000 and is long of two contracts, of one from Bob and of half of the other, which is answered, from Carol: 1,962.50 are left.
/// Where the other's mark falls by a fifth she loses 5,000 of them, and the first has to bring 3,038 more than its mark.
fn two_contracts(desk: &mut Desk) -> InstrumentId {
    desk.holds(desk.alice, 2_000 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    let second = desk.second();
    desk.mark(50_000);
    desk.placed(desk.carol, ask(BTC / 2, 50_000));
    desk.placed(desk.alice, bid(BTC / 2, 50_000));
    second
}

#[test]
fn an_isolated_counterparty_loses_no_more_than_it_set_aside() {
    // At a hundredfold 500 are set aside; at a seventyfold 714.2857 and so on, of which no unit is paid twice.
    for (leverage, set_aside) in [(10_000, usd(500, 0)), (7_000, usd(71_428_571_428_571, 11))] {
        let mut desk = Desk::listed();
        desk.lever(desk.bob, Some(leverage));
        let second = two_contracts(&mut desk);
        let before = desk.balance(desk.bob);
        // The other contract alone loses 5,000 of the 1,962.50 that are left. What the first would have to bring is 3,037.50 above
        // its mark: Bob loses what he set aside, and the pool pays the rest of it, be there anything in it or not.
        desk.second_again(second);
        desk.mark(40_000);
        assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 53_038, desk.bob)]);
        let rest = usd(3_038, 0) - set_aside;
        assert_eq!(last(&desk).maker.liquidation_fee, -rest);
        assert_eq!(desk.balance(desk.bob), before - set_aside.0);
        assert_eq!(in_pool(&desk), -rest);
    }
}

#[test]
fn no_wallet_ends_below_zero_what_it_is_short_of_the_pool_pays() {
    let mut desk = Desk::listed();
    // Bob's two contracts: what the first loses to Alice's bankruptcy the second does not make good.
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
    let second = desk.second();
    desk.mark(50_000);
    desk.holds(desk.bob, 1_100 * Money::ONE);
    desk.placed(desk.carol, ask(BTC, 50_000));
    desk.placed(desk.bob, bid(BTC, 50_000));
    // Both down to 46,000: Bob's gain covers his loss, until Alice's bankruptcy takes it back down to 48,536.
    desk.done(&Command::PinPrices {
        instrument: InstrumentId(0),
        index: None,
        mark: Some(FinePrice(46_000 * 10_i128.pow(18))),
    });
    desk.done(&Command::PinMark { instrument: second, price: Some(FinePrice(46_000 * 10_i128.pow(18))) });
    desk.wait(3 * SECOND);
    for account in [desk.alice, desk.bob, desk.carol] {
        assert_eq!(desk.exchange.positions(account), [], "{account:?}");
        assert!(desk.balance(account) >= 0, "{account:?}");
    }
}

#[test]
fn the_operator_fills_the_pool_of_a_currency_that_contracts_settle_in() {
    let mut desk = Desk::listed();
    pool(&mut desk, usd(500, 0));
    assert_eq!(in_pool(&desk), usd(500, 0));
    pool(&mut desk, usd(200, 0));
    let told = desk.events().iter().rev().find(|event| matches!(event, Event::Pool { .. }));
    let at = desk.exchange.now();
    let change = usd(-300, 0);
    assert_eq!(told, Some(&Event::Pool { currency: Currency::USD, change, amount: usd(200, 0), at }));
    let audit = desk.exchange.audit().expect("in order");
    let usd_audit = audit.currencies.iter().find(|of| of.currency == Currency::USD).expect("held");
    assert_eq!(usd_audit.pool, usd(200, 0).fine());
    let euro = Currency::parse("EUR").expect("a code");
    for (currency, amount, refusal) in [
        (euro, usd(1, 0), Refusal::WrongCurrency),
        (Currency::USD, Money(-1), Refusal::AmountOutOfRange),
        (Currency::USD, usd(1_000_000_000_001, 0), Refusal::AmountOutOfRange),
    ] {
        assert_eq!(desk.apply(&Command::SetPool { currency, amount }), Outcome::Refused(refusal));
    }
}

#[test]
fn a_halt_assigns_and_unwinds_no_one() {
    for halt in [MarketState::Suspended, MarketState::PostOnly, MarketState::Inactive] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.provides(desk.carol, takes_all());
        desk.state(halt);
        desk.price(48_700);
        desk.wait(5 * SECOND);
        assert_eq!(rungs(&desk), [], "{halt:?}");
        desk.state(MarketState::Open);
        desk.wait(SECOND);
        assert_eq!(rungs(&desk), [(FillRole::Assignor, BTC, 48_536, desk.carol)]);
    }
    // Neither does an index that is too old.
    let mut desk = Desk::listed();
    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
    desk.publish(50_000);
    long(&mut desk);
    desk.wait(11 * SECOND);
    desk.mark(48_700);
    desk.wait(5 * SECOND);
    assert_eq!(rungs(&desk), []);
    desk.publish(50_000);
    desk.wait(SECOND);
    assert_eq!(rungs(&desk).len(), 1);
}
