//! Unwinding: who is closed against whom, in which order, and how it goes on where it was left (rules 5.6, 6.1).

use super::fixture::{Desk, ask, bid};
use super::*;

#[test]
fn who_gained_most_with_most_leverage_is_unwound_first_and_the_house_last() {
    let mut desk = Desk::listed();
    let (house, dave) = (open_account(&mut desk, true), open_account(&mut desk, false));
    desk.holds(house, 600 * Money::ONE);
    desk.holds(desk.alice, 3_000 * Money::ONE);
    // All short from 50,000: the house has the most leverage, then Carol, then Dave; Bob sold too low to have gained at all.
    desk.holds(desk.carol, 1_000 * Money::ONE);
    desk.holds(dave, 2_000 * Money::ONE);
    for (account, price) in [(desk.bob, 49_000), (dave, 50_000), (house, 50_000), (desk.carol, 50_000)] {
        desk.placed(account, ask(5_000, price));
        desk.placed(desk.alice, bid(5_000, price));
    }
    let queue = |desk: &Desk, account| desk.exchange.unwind_queue(account);
    desk.price(49_300);
    // Of four a fifth is less than one: one is in the first fifth, one in the second, and so on.
    let first = InstrumentId(0);
    assert_eq!(queue(&desk, desk.carol), [(first, 100)]);
    assert_eq!(queue(&desk, dave), [(first, 80)]);
    assert_eq!(queue(&desk, desk.bob), [(first, 60)]);
    assert_eq!(queue(&desk, house), [(first, 40)]);
    assert_eq!(queue(&desk, desk.alice), [(first, 100)], "alone on her side");
    desk.price(48_000);
    let order: Vec<AccountId> = rungs(&desk).iter().map(|rung| rung.3).collect();
    assert_eq!(order, [desk.carol, dave, desk.bob, house]);
    let prices: Vec<i64> = rungs(&desk).iter().map(|rung| rung.2).collect();
    assert!(prices.windows(2).all(|two| two[0] == two[1]), "all at one price: {prices:?}");
    assert_eq!(queue(&desk, desk.carol), []);
}

/// Carol's position is isolated at 100 times: 250 of it are set aside, and 600 stand behind it at 49,300. Her rank is that of a cross
/// position: 350 / 25,000 x 24,650 / equity of her wallet, in which what she gained counts as she is shown it.
#[test]
fn an_isolated_position_ranks_by_the_equity_of_its_wallet() {
    let first = InstrumentId(0);
    // Dave has 1,995 and his gain: 345.1 / 2,345 = 0.14716...
    for (held, equity, percentiles) in [
        // 345.1 / 10,345 = 0.0333...
        (10_000, 10_345, [(first, 60), (first, 100)]),
        // 345.1 / 2,346 = 0.14710...
        (2_001, 2_346, [(first, 60), (first, 100)]),
        // The same, and hers is older.
        (2_000, 2_345, [(first, 100), (first, 60)]),
        // 345.1 / 1,345 = 0.2565...
        (1_000, 1_345, [(first, 100), (first, 60)]),
    ] {
        let mut desk = Desk::listed();
        let dave = open_account(&mut desk, false);
        desk.holds(desk.alice, 1_500 * Money::ONE);
        desk.lever(desk.carol, Some(10_000));
        desk.holds(desk.carol, held * Money::ONE);
        desk.holds(dave, 2_000 * Money::ONE);
        for account in [desk.carol, dave] {
            desk.placed(account, ask(BTC / 2, 50_000));
            desk.placed(desk.alice, bid(BTC / 2, 50_000));
            desk.wait(1);
        }
        desk.price(49_300);
        assert_eq!(desk.flex(desk.carol).equity, usd(equity, 0).fine());
        assert_eq!(desk.flex(dave).equity, usd(2_345, 0).fine());
        let [carols, daves] = [desk.carol, dave].map(|account| desk.exchange.unwind_queue(account));
        assert_eq!([carols[0], daves[0]], percentiles, "{held}");
        desk.price(48_700);
        let order: Vec<AccountId> = rungs(&desk).iter().map(|rung| rung.3).collect();
        let carol_first = percentiles[0].1 == 100;
        assert_eq!(order, if carol_first { [desk.carol, dave] } else { [dave, desk.carol] }, "{held}");
    }
}

#[test]
fn of_equal_ranks_the_older_position_is_unwound_first() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    for account in [desk.carol, desk.bob] {
        desk.placed(account, ask(BTC / 2, 50_000));
        desk.placed(desk.alice, bid(BTC / 2, 50_000));
        desk.wait(1);
    }
    for account in [desk.carol, desk.bob] {
        desk.holds(account, 50_000 * Money::ONE);
    }
    desk.price(48_600);
    assert_eq!(rungs(&desk)[0].3, desk.carol);
    assert_eq!(rungs(&desk)[1].3, desk.bob);
}

#[test]
fn unwinding_goes_on_until_all_of_it_is_flat_though_the_tick_leaves_the_last_lot_with_margin() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    for (account, lots) in [(desk.bob, 1), (desk.carol, BTC - 1)] {
        desk.placed(account, ask(lots, 50_010));
        desk.placed(desk.alice, bid(lots, 50_010));
    }
    // The tick gains Alice nearly a dollar of Carol: more than the one lot that is left then needs.
    desk.holds(desk.carol, 5_000 * Money::ONE);
    desk.price(48_700);
    let unwound = [
        (FillRole::UnwindBankrupt, BTC - 1, 48_536, desk.carol),
        (FillRole::UnwindBankrupt, 1, 48_536, desk.bob),
    ];
    assert_eq!(rungs(&desk), unwound);
    assert_eq!(desk.position(desk.alice), 0);
}

/// Shorts of one bankrupt long; more than one walk over the holders finds.
const CROWD: i64 = 100;

/// Of the crowd each is poorer than the one before, so the last is the first in turn.
fn crowd() -> (Desk, Vec<AccountId>) {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    let shorts = (0..CROWD).map(|n| {
        let account = open_account(&mut desk, false);
        desk.holds(account, (1_100 - i128::from(n)) * Money::ONE);
        desk.placed(account, ask(BTC / CROWD, 50_010));
        desk.placed(desk.alice, bid(BTC / CROWD, 50_010));
        account
    });
    let shorts = shorts.collect();
    (desk, shorts)
}

fn bankrupting() -> Command {
    Command::PinMark { instrument: InstrumentId(0), price: Some(FinePrice(48_700 * 10_i128.pow(18))) }
}

/// Who was closed against, in order.
fn counterparties(told: &[Event]) -> Vec<AccountId> {
    let executed = |event: &Event| match event {
        Event::Executed(execution) => Some(execution.maker.account),
        _ => None,
    };
    told.iter().filter_map(executed).collect()
}

#[test]
fn unwinding_goes_on_where_it_was_left_and_cancels_are_let_in() {
    let (desk, shorts) = crowd();
    let mut whole = desk.exchange.clone();
    whole.set_work_limit(u32::MAX);
    let mut at_once = Vec::new();
    whole.apply(whole.now(), &bankrupting(), &mut at_once);
    assert!(!whole.is_busy());
    assert_eq!(counterparties(&at_once), shorts.iter().rev().copied().collect::<Vec<_>>());

    for limit in [1, 40, 100] {
        let mut exchange = desk.exchange.clone();
        exchange.set_work_limit(limit);
        let (mut told, mut most) = (Vec::new(), 0);
        exchange.apply(exchange.now(), &bankrupting(), &mut told);
        while exchange.is_busy() {
            let before = told.len();
            exchange.apply(exchange.now(), &Command::Advance, &mut told);
            most = most.max(counterparties(&told[before..]).len());
            // An execution is a step and the filling of an order; nobody ranks everybody in one.
            assert!(exchange.work_done() <= limit + 32, "{} of {limit}", exchange.work_done());
            exchange.audit().expect("in order at every step");
            // Whoever reads the state here goes on as if nothing had happened.
            let mut again = Exchange::decode(&exchange.encode()).expect("what was just written");
            assert_eq!(again.state_hash(), exchange.state_hash());
            again.set_work_limit(limit);
            exchange = again;
        }
        assert!(limit > 1 || most == 1, "one counterparty a step");
        assert_eq!(told, at_once, "{limit}");
        assert_eq!(exchange.state_hash(), whole.state_hash());
    }
}

#[test]
fn what_is_asked_amid_the_ranking_has_it_begin_anew_and_a_cancel_does_not() {
    let begun = || {
        let (desk, shorts) = crowd();
        let mut exchange = desk.exchange;
        exchange.set_work_limit(1);
        let mut told = Vec::new();
        exchange.apply(exchange.now(), &bankrupting(), &mut told);
        (exchange, shorts, told)
    };
    // All are looked over, then ranked, one in each record. Whom the first meeting concerns, and in which record it comes, where
    // this is asked when half of them are ranked.
    const HALFWAY: usize = 3 * CROWD as usize / 2;
    let met = |asked: &dyn Fn(&[AccountId]) -> Command| {
        let (mut exchange, shorts, mut told) = begun();
        let asked = asked(&shorts);
        let mut records = 0;
        while counterparties(&told).is_empty() {
            let command = if records == HALFWAY { asked.clone() } else { Command::Advance };
            exchange.apply(exchange.now(), &command, &mut told);
            records += 1;
        }
        (counterparties(&told)[0], records)
    };
    let (last, undisturbed) = met(&|_| Command::Advance);
    assert!(undisturbed > 2 * CROWD as usize, "{undisturbed}");
    assert_eq!(last, AccountId(3 + CROWD as u32));
    let cancel = met(&|shorts| Command::CancelAll { account: shorts[0], instrument: None });
    assert_eq!(cancel, (last, undisturbed + 1), "a cancel takes a record, and none of the ranking with it");
    let enriched = |of: usize| {
        move |shorts: &[AccountId]| {
            let (wallet, currency) = (Wallet::Flex, Currency::USD);
            Command::Deposit(Deposit { account: shorts[of], wallet, currency, amount: usd(1_000_000, 0) })
        }
    };
    // Whether the walk has passed who is rich now or not, another is first; and all are ranked again.
    let (other, records) = met(&enriched(CROWD as usize - 1));
    assert_eq!(other, AccountId(2 + CROWD as u32));
    assert!(records > undisturbed + 1, "{records} after {undisturbed}");
    let poorer = |shorts: &[AccountId]| {
        let (wallet, currency) = (Wallet::Flex, Currency::USD);
        Command::Deposit(Deposit { account: shorts[0], wallet, currency, amount: usd(-1_090, 0) })
    };
    assert_eq!(met(&poorer).0, AccountId(4), "who was ranked last before is first");
}

#[test]
fn places_are_found_by_parts_as_at_once() {
    let (mut desk, shorts) = crowd();
    desk.price(49_500);
    for account in [desk.alice, shorts[0], shorts[50], shorts[99]] {
        let whole = desk.exchange.unwind_queue(account);
        assert_eq!(whole.len(), 1);
        for most in [1, 7, 64, 1_000] {
            let (mut places, mut looks) = (UnwindPlaces::of(account), 1);
            while !desk.exchange.look_for_places(&mut places, most) {
                looks += 1;
            }
            assert!(looks >= (CROWD as usize + 1) / most, "{most} at a time");
            assert_eq!(places.percentiles(), whole, "{account:?}, {most} at a time");
        }
    }
    let percentile = |at: usize| desk.exchange.unwind_queue(shorts[at])[0].1;
    assert_eq!([99, 80, 79, 60, 20, 19, 0].map(percentile), [100, 100, 80, 80, 40, 20, 20]);
}
