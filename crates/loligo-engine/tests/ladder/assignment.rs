//! Assignment: who takes a liquidated position over, how much of it, and what the pool adds (rules 5.6, 6.1).

use super::fixture::{Desk, ask, bid};
use super::*;

#[test]
fn a_provider_takes_the_position_over_before_anyone_is_unwound() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.provides(desk.carol, takes_all());
    let volume = desk.exchange.volume_usd(desk.carol);
    desk.price(48_700);
    assert_eq!(rungs(&desk), [(FillRole::Assignor, BTC, 48_536, desk.carol)]);
    let assigned = last(&desk);
    assert_eq!(
        (assigned.taker.order_type, assigned.maker.order_type),
        (OrderType::Assignment, OrderType::Assignment)
    );
    let reduces = [&assigned.taker, &assigned.maker].map(|fill| desk.order(fill.order).reduce_only);
    assert_eq!(reduces, [true, false], "a provider's position may grow");
    assert_eq!(
        (assigned.maker.role, assigned.maker.fee, assigned.maker.position),
        (FillRole::Assignee, Money::ZERO, BTC)
    );
    // 164 on 48,700 is a third of a per cent; the pool is empty and adds nothing.
    assert_eq!(assigned.maker.liquidation_fee, Money::ZERO);
    assert_eq!((desk.balance(desk.alice), desk.position(desk.bob)), (usd(995, 3).0, -BTC));
    assert_eq!(desk.exchange.volume_usd(desk.carol), volume);
}

#[test]
fn the_pool_tops_a_providers_gain_up_to_half_a_per_cent_as_far_as_it_goes() {
    // Half a per cent of 48,700 is 243.50; 164 is there.
    let all = usd(795, 1);
    for (filled, paid) in [
        (usd(1_000, 0), all),
        (all, all),
        (all - Money(1), all - Money(1)),
        (usd(50, 0), usd(50, 0)),
        (Money(1), Money(1)),
        (Money::ZERO, Money::ZERO),
    ] {
        let mut desk = Desk::listed();
        long(&mut desk);
        pool(&mut desk, filled);
        desk.provides(desk.carol, takes_all());
        let before = desk.balance(desk.carol);
        desk.price(48_700);
        assert_eq!(last(&desk).maker.liquidation_fee, -paid);
        assert_eq!(desk.balance(desk.carol), before + paid.0);
        assert_eq!(in_pool(&desk), filled - paid);
    }
    // Of two the older is topped up first: to 39.75 of its half, and the other by what is left.
    let mut desk = Desk::listed();
    long(&mut desk);
    pool(&mut desk, usd(50, 0));
    desk.provides(desk.carol, takes_all());
    desk.provides(desk.alice_sub, takes_all());
    desk.price(48_700);
    let paid: Vec<Money> = desk.executions()[1..].iter().map(|e| -e.maker.liquidation_fee).collect();
    assert_eq!((paid, in_pool(&desk)), (vec![usd(3_975, 2), usd(1_025, 2)], Money::ZERO));
}

/// A contract of five times leverage at most: liquidated far from nothing.
fn steep(desk: &mut Desk) -> InstrumentId {
    let spec = desk.exchange.instrument(InstrumentId(0)).expect("the first").spec().clone();
    let levels = vec![MarginLevel { from: 0, initial: 200_000, maintenance: 100_000 }];
    let spec = InstrumentSpec { symbol: "PF_STEEP".into(), margin_levels: levels, ..spec };
    let Outcome::Listed(id) = desk.apply(&Command::List(Box::new(spec))) else { panic!("not listed") };
    let price = Some(FinePrice(50_000 * 10_i128.pow(18)));
    desk.done(&Command::PinMark { instrument: id, price });
    desk.second_again(id);
    id
}

#[test]
fn what_a_provider_would_gain_beyond_two_and_a_half_per_cent_is_the_pools() {
    let mut desk = Desk::listed();
    let steep = steep(&mut desk);
    desk.holds(desk.alice, 20_025 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.provides(desk.carol, AssignmentProgram { instrument: Some(steep), ..takes_all() });
    // 20,000 less 16,700 for a maintenance of 3,330; nothing is left at 30,000.
    desk.mark(33_300);
    assert_eq!(rungs(&desk), [(FillRole::Assignor, BTC, 30_000, desk.carol)]);
    // 3,300 gained, of which 832.50 are two and a half per cent of 33,300.
    assert_eq!(last(&desk).maker.liquidation_fee, usd(24_675, 1));
    assert_eq!(in_pool(&desk), usd(24_675, 1));
    assert_eq!(desk.balance(desk.alice), 0, "exactly nothing");
}

/// Pins the mark of a contract a little above a whole price, by 1e-12.
fn just_above(desk: &mut Desk, instrument: InstrumentId, whole: i128) {
    let price = Some(FinePrice(whole * 10_i128.pow(18) + 10_i128.pow(6)));
    desk.done(&Command::PinMark { instrument, price });
}

#[test]
fn what_the_pool_pays_and_what_it_gets_are_rounded_up() {
    let mut desk = Desk::listed();
    long(&mut desk);
    pool(&mut desk, usd(1_000, 0));
    desk.provides(desk.carol, takes_all());
    // 164.000000000001 are gained, and 243.500000000000005 are wanted: 79.499999999999005 is not to be had in a wallet.
    just_above(&mut desk, InstrumentId(0), 48_700);
    assert_eq!(last(&desk).maker.liquidation_fee, -usd(795, 1));

    let mut desk = Desk::listed();
    let steep = steep(&mut desk);
    desk.holds(desk.alice, 20_025 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.provides(desk.carol, AssignmentProgram { instrument: Some(steep), ..takes_all() });
    // 3,300.000000000001 less 832.500000000000025.
    just_above(&mut desk, steep, 33_300);
    assert_eq!(last(&desk).maker.liquidation_fee, usd(24_675, 1) + Money(1));
}

#[test]
fn equal_shares_go_to_the_eligible_odd_lots_to_the_oldest_and_the_rest_to_who_has_room() {
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.provides(desk.carol, takes_all());
    desk.provides(desk.bob, AssignmentProgram { max_size: Some(MILLION / 10), ..takes_all() });
    desk.provides(desk.alice_sub, takes_all());
    // Alice cannot take her own position over, and who takes part twice does so once.
    desk.provides(desk.alice, takes_all());
    desk.provides(desk.carol, takes_all());
    desk.price(48_700);
    // 3,334, 3,333 and 3,333; Bob has room for 1,000, and 2,333 are shared again.
    assert_eq!(
        rungs(&desk),
        [
            (FillRole::Assignor, 3_334 + 1_167, 48_536, desk.carol),
            (FillRole::Assignor, 1_000, 48_536, desk.bob),
            (FillRole::Assignor, 3_333 + 1_166, 48_536, desk.alice_sub),
        ]
    );
}

#[test]
fn a_provider_that_does_not_fit_is_passed_over() {
    let never = |change: fn(&mut AssignmentProgram)| {
        let mut program = takes_all();
        change(&mut program);
        program
    };
    for (what, program) in [
        ("not enabled", never(|p| p.enabled = false)),
        ("shorts alone", never(|p| p.accept_long = false)),
        ("another contract", never(|p| p.instrument = Some(InstrumentId(2)))),
        ("another base", never(|p| (p.instrument, p.base) = (None, Currency::parse("ETH")))),
        ("another kind", never(|p| (p.kind, p.instrument) = (ContractKind::Inverse, None))),
        ("on weekends", never(|p| p.time_frame = TimeFrame::Weekend)),
        ("for more than half a per cent", never(|p| p.min_profit_long = Some(500_001))),
    ] {
        let mut desk = Desk::listed();
        let spec = desk.exchange.instrument(InstrumentId(0)).expect("the first").spec().clone();
        for (symbol, base) in [("PF_SECOND", "BTC"), ("PF_ETHUSD", "ETH")] {
            let base = Currency::parse(base).expect("a code");
            desk.apply(&Command::List(Box::new(InstrumentSpec {
                symbol: symbol.into(),
                base,
                ..spec.clone()
            })));
        }
        long(&mut desk);
        pool(&mut desk, usd(1_000, 0));
        desk.provides(desk.carol, program);
        desk.price(48_700);
        assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 48_536, desk.bob)], "{what}");
    }
    let fits = [
        ("by base", never(|p| (p.instrument, p.base) = (None, Currency::parse("BTC")))),
        ("by quote", never(|p| (p.instrument, p.quote) = (None, Some(Currency::USD)))),
        ("by type", never(|p| p.instrument = None)),
        ("on weekdays", never(|p| p.time_frame = TimeFrame::Weekdays)),
        ("exactly half a per cent", never(|p| p.min_profit_long = Some(500_000))),
        ("of longs any gain", never(|p| p.min_profit_short = Some(100_000_000))),
    ];
    for (what, program) in fits {
        let mut desk = Desk::listed();
        long(&mut desk);
        pool(&mut desk, usd(1_000, 0));
        desk.provides(desk.carol, program);
        desk.price(48_700);
        assert_eq!(rungs(&desk), [(FillRole::Assignor, BTC, 48_536, desk.carol)], "{what}");
    }
}

#[test]
fn a_provider_that_is_inactive_liquidated_or_without_margin_is_passed_over() {
    let inactive = |desk: &mut Desk| desk.done(&Command::SetActive { account: desk.carol, active: false });
    // 485.36 of initial margin are needed.
    let poor = |desk: &mut Desk| {
        let gone = Deposit {
            account: desk.carol,
            wallet: Wallet::Flex,
            currency: Currency::USD,
            amount: usd(-99_900, 0),
        };
        desk.done(&Command::Deposit(gone));
    };
    for unfit in [inactive as fn(&mut Desk), poor] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.provides(desk.carol, takes_all());
        unfit(&mut desk);
        desk.price(48_700);
        assert_eq!(rungs(&desk), [(FillRole::UnwindBankrupt, BTC, 48_536, desk.bob)]);
    }
    // What one cannot bear the other does.
    let mut desk = Desk::listed();
    long(&mut desk);
    desk.provides(desk.carol, takes_all());
    desk.provides(desk.alice_sub, takes_all());
    poor(&mut desk);
    desk.price(48_700);
    assert_eq!(rungs(&desk), [(FillRole::Assignor, BTC, 48_536, desk.alice_sub)]);

    // 485.36 less the 164 that it gains at once: with so much it is enough, and with a unit less not.
    for (held, taken) in [(usd(32_136, 2), true), (usd(32_136, 2) - Money(1), false)] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.provides(desk.carol, takes_all());
        desk.holds(desk.carol, held.0);
        desk.price(48_700);
        assert_eq!(desk.position(desk.carol) == BTC, taken, "{held:?}");
    }
    // What the pool adds is there, too: 79.50.
    for (held, taken) in [(usd(24_186, 2), true), (usd(24_186, 2) - Money(1), false)] {
        let mut desk = Desk::listed();
        long(&mut desk);
        pool(&mut desk, usd(1_000, 0));
        desk.provides(desk.carol, takes_all());
        desk.holds(desk.carol, held.0);
        desk.price(48_700);
        assert_eq!(desk.position(desk.carol) == BTC, taken, "{held:?}");
    }
    // At 47,900 it is worth 636 less than it is taken for: a hundredth that is set aside is gone at once, and nobody is assigned that;
    // a fiftieth bears it.
    for (leverage, taken) in [(10_000, false), (5_000, true)] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.lever(desk.carol, Some(leverage));
        desk.provides(desk.carol, takes_all());
        desk.price(47_900);
        assert_eq!(rungs(&desk)[0].3 == desk.carol, taken, "{leverage}");
    }
    // A tenth of 48,536 is set aside where it is isolated, and what it gains at once is its own.
    for (held, taken) in [(usd(48_536, 1), true), (usd(48_536, 1) - Money(1), false)] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.lever(desk.carol, Some(1_000));
        desk.provides(desk.carol, takes_all());
        desk.holds(desk.carol, held.0);
        desk.price(48_700);
        assert_eq!(desk.position(desk.carol) == BTC, taken, "{held:?}");
    }
}

#[test]
fn no_provider_gets_more_than_it_asked_for() {
    let with = |change: fn(&mut AssignmentProgram)| {
        let mut program = takes_all();
        change(&mut program);
        program
    };
    for (program, held, taken) in [
        (with(|p| p.max_position = Some(MILLION)), 0, BTC),
        (with(|p| p.max_position = Some(MILLION - 100)), 0, BTC - 1),
        (with(|p| p.max_position = Some(MILLION)), BTC / 2, BTC / 2),
        (with(|p| p.max_position = Some(MILLION)), -BTC / 2, BTC),
        (with(|p| p.max_position = Some(MILLION / 2)), -BTC / 4, 3 * BTC / 4),
        (with(|p| p.max_position = Some(MILLION)), BTC, 0),
        (with(|p| p.max_position = Some(MILLION)), BTC - 1, 1),
        (with(|p| p.max_position = Some(MILLION + 100)), BTC, 1),
        (with(|p| p.max_size = Some(MILLION)), BTC, BTC),
        (with(|p| p.max_size = Some(MILLION - 1)), 0, BTC - 1),
        (with(|p| p.max_size = Some(MILLION / 4)), 0, BTC / 4),
        (with(|p| p.max_size = Some(100)), 0, 1),
        (with(|p| p.max_size = Some(99)), 0, 0),
        // At mark: 48,700 a BTC.
        (with(|p| p.max_notional = Some(usd(48_700, 0))), 0, BTC),
        (with(|p| p.max_notional = Some(usd(48_700, 0))), BTC, 0),
        (with(|p| p.max_notional = Some(usd(48_700, 0))), BTC - 1, 1),
        (with(|p| p.max_notional = Some(usd(487, 2) - Money(1))), 0, 0),
        (with(|p| p.max_notional = Some(usd(487, 2))), 0, 1),
        (with(|p| p.max_notional = Some(usd(4_870, 0) - Money(1))), 0, BTC / 10 - 1),
        // What it holds already counts, as a long; a short makes room.
        (with(|p| p.max_notional = Some(usd(48_700, 0))), BTC / 4, 3 * BTC / 4),
        (with(|p| p.max_notional = Some(usd(24_350, 0))), -BTC / 4, 3 * BTC / 4),
    ] {
        let mut desk = Desk::listed();
        long(&mut desk);
        let offer = desk.provides(desk.carol, program.clone());
        if held != 0 {
            let (own, other) = if held > 0 {
                (bid(held, 50_000), ask(held, 50_000))
            } else {
                (ask(-held, 50_000), bid(-held, 50_000))
            };
            desk.placed(desk.alice_sub, other);
            desk.placed(desk.carol, own);
        }
        desk.price(48_700);
        let assigned: i64 =
            desk.executions().iter().filter(|e| e.maker.role == FillRole::Assignee).map(|e| e.qty.0).sum();
        assert_eq!(assigned, taken, "{program:?} {held}");
        let rest = if taken == 0 { 0 } else { BTC - taken };
        assert_eq!(desk.position(desk.alice), rest, "what is taken in part waits for the next second");
        let account = desk.carol;
        desk.apply(&Command::RemoveAssignmentProgram { account, program: offer });
        desk.wait(20 * SECOND);
        let wallet = desk.flex(desk.alice);
        assert!(wallet.equity >= wallet.maintenance_margin, "and then it is unwound, or cured by the tick");
    }
}

#[test]
fn exactly_half_a_per_cent_needs_no_top_up_and_exactly_two_and_a_half_leave_the_pool_nothing() {
    // Nothing is left to Alice at 50,000 less what she has. Of 40,200, 201 are half a per cent; of 40,000, 1,000 are two and a half.
    // A unit of the mark moves the gain by one, and what is wanted of it by a two-hundredth, or by a fortieth.
    let unit = 10_i128.pow(7);
    for (has, mark, off, pays) in [
        (10_001, 40_200, 0, 0),
        (10_001, 40_200, unit, 0),
        (10_001, 40_200, -unit, -1),
        (11_000, 40_000, 0, 0),
        (11_000, 40_000, unit, 1),
        (11_000, 40_000, -unit, 0),
    ] {
        let mut desk = Desk::listed();
        let steep = steep(&mut desk);
        desk.holds(desk.alice, 20_000 * Money::ONE);
        desk.placed(desk.bob, ask(BTC, 50_000));
        desk.placed(desk.alice, bid(BTC, 50_000));
        desk.holds(desk.alice, has * Money::ONE);
        pool(&mut desk, usd(1_000, 0));
        desk.provides(desk.carol, AssignmentProgram { instrument: Some(steep), ..takes_all() });
        let price = Some(FinePrice(mark * 10_i128.pow(18) + off));
        desk.done(&Command::PinMark { instrument: steep, price });
        let price = 50_000 - has as i64;
        assert_eq!(rungs(&desk), [(FillRole::Assignor, BTC, price, desk.carol)], "{mark} {off}");
        assert_eq!(last(&desk).maker.liquidation_fee, Money(pays), "{mark} {off}");
        assert_eq!(in_pool(&desk), usd(1_000, 0) + Money(pays));
    }
}

/// Carol's short from 20,000 is on the ladder at 50,000. Alice's long, which loses by another contract, would make her flat, with more than
/// initial margin: but who is on the ladder goes down it alone.
#[test]
fn a_provider_that_is_on_the_ladder_itself_is_passed_over() {
    for (has, role) in [(249, FillRole::UnwindBankrupt), (251, FillRole::Assignor)] {
        let mut desk = Desk::listed();
        let dave = open_account(&mut desk, false);
        desk.holds(dave, 100_000 * Money::ONE);
        desk.price(20_000);
        desk.placed(desk.bob, bid(BTC, 20_000));
        desk.placed(desk.carol, ask(BTC, 20_000));
        desk.holds(desk.carol, (30_000 + has) * Money::ONE);
        desk.provides(desk.carol, takes_all());
        if has == 249 {
            desk.placed(desk.bob, ask(1, 50_000));
        }
        desk.price(50_000);
        assert_eq!(desk.flex(desk.carol).liquidated, role == FillRole::UnwindBankrupt);
        desk.placed(dave, ask(BTC, 50_000));
        desk.placed(desk.alice, bid(BTC, 50_000));
        desk.second();
        desk.mark(50_000);
        desk.placed(dave, ask(BTC / 2, 50_000));
        desk.placed(desk.alice, bid(BTC / 2, 50_000));
        // Half of 3,500 are lost by the other contract; 212.50 are left.
        desk.holds(desk.alice, usd(19_625, 1).0);
        desk.mark(46_500);
        let assigned = last(&desk);
        assert_eq!(
            (assigned.taker.role, assigned.price.0, assigned.taker.account),
            (role, 49_788, desk.alice)
        );
        assert_eq!(assigned.maker.account, if has == 249 { dave } else { desk.carol });
    }
}

/// Carol's short, from 20,000, needs 200 of initial margin and at 50,000 250 of maintenance. She takes over 0.04 of Alice's at 50,100,
/// which needs 20.04 more of the one and 10 of the other, and gains 4.
#[test]
fn a_provider_that_would_be_liquidated_for_what_it_takes_is_passed_over() {
    for (has, taken) in [
        (usd(300, 0), true),
        (usd(256, 0), true),
        (usd(256, 0) - Money(1), false),
        (usd(250, 0), false),
        (usd(250, 0) - Money(1), false),
    ] {
        let mut desk = Desk::listed();
        desk.price(20_000);
        desk.placed(desk.bob, bid(2 * BTC, 20_000));
        for account in [desk.alice, desk.carol] {
            desk.placed(account, ask(BTC, 20_000));
        }
        desk.holds(desk.alice, 30_100 * Money::ONE);
        desk.holds(desk.carol, has.0 + 30_000 * Money::ONE);
        desk.provides(desk.carol, AssignmentProgram { max_size: Some(MILLION / 25), ..takes_all() });
        desk.price(50_000);
        let first = rungs(&desk)[0];
        let unwound = (FillRole::UnwindBankrupt, BTC, 50_100, desk.bob);
        let assigned = (FillRole::Assignor, BTC / 25, 50_100, desk.carol);
        assert_eq!(first, if taken { assigned } else { unwound }, "{has:?}");
        let is_short = has < usd(250, 0);
        let own = rungs(&desk)
            .into_iter()
            .any(|rung| rung.0 == FillRole::UnwindBankrupt && rung.2 < 50_300 && rung.2 > 50_200);
        assert_eq!(own, is_short, "Carol's own {has:?}");
    }
}

#[test]
fn weekends_are_those_of_exchange_time_by_utc() {
    // The first day of 1970 was a Thursday.
    const DAY: i64 = 86_400 * SECOND;
    for (frame, waits, takes) in [
        (TimeFrame::Weekend, 2 * DAY - SECOND, false),
        (TimeFrame::Weekend, 2 * DAY, true),
        (TimeFrame::Weekend, 4 * DAY - SECOND, true),
        (TimeFrame::Weekend, 4 * DAY, false),
        (TimeFrame::Weekdays, 2 * DAY - SECOND, true),
        (TimeFrame::Weekdays, 2 * DAY, false),
        (TimeFrame::Weekdays, 4 * DAY, true),
    ] {
        let mut desk = Desk::listed();
        long(&mut desk);
        desk.provides(desk.carol, AssignmentProgram { time_frame: frame, ..takes_all() });
        desk.wait(waits);
        desk.price(48_700);
        assert_eq!(desk.position(desk.carol) == BTC, takes, "{frame:?} after {waits}");
    }
}

#[test]
fn programs_that_are_of_nothing_are_refused_and_those_that_are_gone_take_nothing() {
    let mut desk = Desk::listed();
    let refused = |desk: &mut Desk, program: AssignmentProgram, refusal| {
        let add = Command::AddAssignmentProgram { account: desk.carol, program: Box::new(program) };
        assert_eq!(desk.apply(&add), Outcome::Refused(refusal));
    };
    refused(
        &mut desk,
        AssignmentProgram { instrument: Some(InstrumentId(9)), ..takes_all() },
        Refusal::UnknownInstrument,
    );
    for bad in [
        AssignmentProgram { kind: ContractKind::Inverse, ..takes_all() },
        AssignmentProgram { base: Currency::parse("ETH"), ..takes_all() },
        AssignmentProgram { quote: Currency::parse("EUR"), ..takes_all() },
        AssignmentProgram { max_size: Some(0), ..takes_all() },
        AssignmentProgram { max_position: Some(-1), ..takes_all() },
        AssignmentProgram { max_notional: Some(Money::ZERO), ..takes_all() },
        AssignmentProgram { min_profit_long: Some(100_000_001), ..takes_all() },
    ] {
        refused(&mut desk, bad, Refusal::InvalidProgram);
    }
    let id = desk.provides(desk.carol, takes_all());
    let remove = |account, program| Command::RemoveAssignmentProgram { account, program };
    assert_eq!(desk.apply(&remove(desk.bob, id)), Outcome::Refused(Refusal::UnknownProgram), "not his");
    assert_eq!(desk.apply(&remove(desk.carol, id)), Outcome::ProgramRemoved(Box::new(takes_all())));
    assert_eq!(desk.apply(&remove(desk.carol, id)), Outcome::Refused(Refusal::UnknownProgram));
    let history = desk.exchange.assignment_history(desk.carol);
    assert_eq!(
        history.iter().map(|change| (change.id, change.removed)).collect::<Vec<_>>(),
        [(id, true), (id, false)]
    );
    assert_eq!(desk.exchange.assignment_programs(desk.carol), []);
    for _ in 0..100 {
        desk.provides(desk.carol, takes_all());
    }
    refused(&mut desk, takes_all(), Refusal::TooManyPrograms);
    // The last 200 changes are remembered: of 102 and 100 more the first two are not.
    for _ in 0..50 {
        let newest = desk.exchange.assignment_programs(desk.carol)[99].id;
        desk.apply(&remove(desk.carol, newest));
        desk.provides(desk.carol, takes_all());
    }
    let history = desk.exchange.assignment_history(desk.carol);
    let (newest, oldest) = (history.first().expect("some"), history.last().expect("some"));
    assert_eq!((history.len(), oldest.id.0, newest.id.0), (200, id.0 + 1, id.0 + 150));
}

#[test]
fn the_thousand_and_twenty_four_accounts_with_the_oldest_programs_are_asked_and_no_other() {
    for (before, closes) in [(1_023, FillRole::Assignor), (1_024, FillRole::UnwindBankrupt)] {
        let mut desk = Desk::listed();
        long(&mut desk);
        let carol = desk.carol;
        // Whoever takes nothing of the kind is not asked, so counts for nothing: shorts alone, what is off, other contracts.
        let other = (ContractKind::Inverse, Some(InstrumentId(1)));
        for program in [
            AssignmentProgram { accept_long: false, ..takes_all() },
            AssignmentProgram { enabled: false, ..takes_all() },
            AssignmentProgram { kind: other.0, instrument: other.1, ..takes_all() },
        ] {
            desk.provides(desk.bob, program);
        }
        // They have no room for a single lot; one says so a hundred times.
        let full = AssignmentProgram { max_size: Some(1), ..takes_all() };
        // Straight to the exchange: an audit of all accounts after each would take its time.
        let now = desk.exchange.now();
        let mut asks = |command: Command| desk.exchange.apply(now, &command, &mut Vec::new());
        let mut accounts = Vec::new();
        for _ in 0..before {
            let opened = asks(Command::CreateAccount(CreateAccount { parent: None, house: false }));
            let Outcome::AccountCreated(account) = opened else { panic!("{opened:?}") };
            accounts.push(account);
        }
        let mut offers = |account, program: &AssignmentProgram| {
            let program = Box::new(program.clone());
            let added = asks(Command::AddAssignmentProgram { account, program });
            assert!(matches!(added, Outcome::ProgramAdded(_)), "{added:?}");
        };
        (1..100).for_each(|_| offers(accounts[0], &full));
        accounts.iter().for_each(|account| offers(*account, &full));
        offers(carol, &takes_all());
        desk.price(48_700);
        assert_eq!(rungs(&desk).iter().map(|rung| rung.0).collect::<Vec<_>>(), [closes], "{before}");
    }
}
