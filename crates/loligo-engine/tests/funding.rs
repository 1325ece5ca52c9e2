//! Funding (rules 4.6): what an hour's rate comes to for whoever holds a position, to the last unit, whatever else happens in it.

mod fixture;

use fixture::{Desk, ask, bid, immediate, reduce_only};
use loligo_engine::{
    AccountId, Command, Currency, Event, Exchange, Fine, FinePrice, FundingBooked, FundingRate, Genesis,
    InstrumentId, Limits, MarketPast, MarketState, Money, OrderError, Outcome, PairId, PastRate, PastTrade,
    PlaceOrder, Price, Qty, Refusal, Side, Timestamp, Wallet, Withdraw,
};

const BTC: i64 = 10_000;
const SECOND: i64 = Timestamp::SECOND;
const HOUR: i64 = 3_600 * SECOND;
const FIRST: InstrumentId = InstrumentId(0);
const ONE: i128 = 10_i128.pow(18);

/// USD in units of wallet money.
fn usd(cents: i128) -> Money {
    Money(cents * Money::ONE / 100)
}

/// Carol's book around 50,200 at an index of 50,000, a premium of 0.4%: after an hour of it the rate is 0.05%, 25 USD for a BTC.
fn quoted() -> Desk {
    let mut desk = Desk::open();
    desk.placed(desk.carol, bid(5 * BTC, 50_190));
    desk.placed(desk.carol, ask(5 * BTC, 50_210));
    desk
}

/// Alice buys from Bob in the middle of the book.
fn trade(desk: &mut Desk, lots: i64) {
    desk.placed(desk.bob, ask(lots, 50_200));
    desk.placed(desk.alice, bid(lots, 50_200));
}

/// The rates that were fixed, each with the hour that began.
fn rates(desk: &Desk, of: InstrumentId) -> Vec<(i64, FundingRate)> {
    let rate = |event: &Event| match event {
        Event::FundingRate { instrument, rate, hour, .. } if *instrument == of => {
            Some((hour.0 / HOUR, *rate))
        }
        _ => None,
    };
    desk.events().iter().filter_map(rate).collect()
}

fn booked(desk: &Desk) -> Vec<FundingBooked> {
    let booked =
        |event: &Event| if let Event::Funding(booked) = event { Some((**booked).clone()) } else { None };
    desk.events().iter().filter_map(booked).collect()
}

/// Relative rate in 1e-8, absolute one in USD and cents.
fn rate(relative: i128, absolute: i128) -> FundingRate {
    FundingRate { relative: relative * 10_i128.pow(10), absolute: absolute * ONE / 100 }
}

fn funding_of(desk: &Desk, account: AccountId) -> Money {
    desk.exchange.wallets(account)[1].unrealized_funding.book().0
}

#[test]
fn an_hour_is_paid_by_longs_to_shorts_for_the_time_that_they_held() {
    let mut desk = quoted();
    trade(&mut desk, 2 * BTC);
    let (alice, bob) = (desk.alice, desk.bob);
    desk.wait(HOUR);
    assert_eq!(rates(&desk, FIRST), [(1, rate(50_000, 2_500))]);
    let before = (desk.balance(alice), desk.balance(bob));
    // A quarter of an hour on nothing is booked, and what has accrued is told.
    desk.wait(HOUR / 4);
    assert_eq!((funding_of(&desk, alice), funding_of(&desk, bob)), (usd(-1_250), usd(1_250)));
    assert_eq!((desk.balance(alice), desk.balance(bob)), before);
    let flex = desk.flex(alice);
    let worth = flex.balances[0].1.fine() + flex.unrealized_pnl + flex.unrealized_funding;
    assert_eq!(flex.equity, worth, "what has accrued counts in what the wallet is worth");
    // At the half Alice sells one BTC of her two to Bob: both are booked the half hour of two.
    desk.wait(HOUR / 4);
    desk.placed(bob, bid(BTC, 50_200));
    desk.placed(alice, immediate(ask(BTC, 50_200)));
    let execution = desk.executions().pop().expect("a trade");
    assert_eq!(execution.taker.realized_funding, usd(-2_500));
    assert_eq!(execution.maker.realized_funding, usd(2_500));
    assert_eq!(funding_of(&desk, alice), Money::ZERO);
    // The hour ends: half an hour of one BTC is left to be booked, a row for each.
    desk.wait(HOUR / 2);
    let rows: Vec<_> = booked(&desk).into_iter().filter(|row| row.at.0 == 2 * HOUR).collect();
    let want = [(alice, usd(-1_250), BTC), (bob, usd(1_250), -BTC)];
    assert_eq!(rows.iter().map(|row| (row.account, row.realized, row.position)).collect::<Vec<_>>(), want);
    for row in &rows {
        assert_eq!(row.rate, rate(50_000, 2_500), "the rate that was paid, not the next");
        assert_eq!(row.balance.0, desk.balance(row.account));
        assert_eq!((row.wallet, row.currency, row.instrument), (Wallet::Flex, Currency::USD, FIRST));
        assert_eq!(row.log, desk.exchange.account(row.account).expect("there").log_rows);
    }
    assert_eq!(funding_of(&desk, alice), Money::ZERO);
}

#[test]
fn a_row_is_written_for_every_open_position_at_rate_nothing_too_and_none_for_others() {
    let mut desk = Desk::open();
    trade(&mut desk, BTC);
    desk.wait(HOUR);
    let rows = booked(&desk);
    assert_eq!(rows.iter().map(|row| row.account).collect::<Vec<_>>(), [desk.alice, desk.bob]);
    assert!(rows.iter().all(|row| row.realized == Money::ZERO && row.rate == FundingRate::ZERO));
    // Nobody quotes: the next rate is nothing, and it is told that it is.
    assert_eq!(rates(&desk, FIRST), [(1, FundingRate::ZERO)]);
    desk.wait(HOUR);
    assert_eq!(booked(&desk).len(), 4);
    assert_eq!(booked(&desk)[2].log, rows[0].log + 1);
}

#[test]
fn a_market_without_a_full_hour_behind_it_has_no_rate_for_the_first() {
    let mut desk = quoted();
    desk.wait(HOUR / 3);
    let second = desk.second();
    desk.placed(desk.carol, bid(5 * BTC, 50_190));
    desk.placed(desk.carol, ask(5 * BTC, 50_210));
    desk.wait(2 * HOUR / 3);
    assert_eq!(rates(&desk, FIRST), [(1, rate(50_000, 2_500))]);
    assert_eq!(rates(&desk, second), [(1, FundingRate::ZERO)]);
    desk.wait(HOUR);
    assert_eq!(rates(&desk, second)[1], (2, rate(50_000, 2_500)));
    // An index that is missing for a second is no sample.
    assert_eq!(desk.exchange.market(second).expect("listed").funding.expect("perpetual").next.0, 3 * HOUR);
}

#[test]
fn a_side_that_is_too_thin_keeps_its_premium_for_sixty_seconds_and_then_has_none() {
    let mut desk = quoted();
    desk.wait(HOUR - 600 * SECOND);
    desk.apply(&Command::CancelAll { account: desk.carol, instrument: None });
    desk.wait(600 * SECOND);
    // 0.4% for 3,000 seconds of the book and 60 that it stays.
    let mean = 4 * ONE / 1_000 * 3_060 / 3_600;
    let [(1, found)] = rates(&desk, FIRST)[..] else { panic!("one rate") };
    assert_eq!(found.relative, mean / 8);
    assert_eq!(found.absolute, mean / 8 * 50_000);
}

#[test]
fn a_suspended_hour_counts_the_book_that_stands_and_pays() {
    let mut desk = quoted();
    trade(&mut desk, BTC);
    desk.wait(HOUR);
    desk.state(MarketState::Suspended);
    desk.wait(HOUR);
    assert_eq!(rates(&desk, FIRST).last(), Some(&(2, rate(50_000, 2_500))));
    assert_eq!(booked(&desk).iter().map(|row| row.realized).sum::<Money>(), Money::ZERO);
    assert_eq!(booked(&desk)[2].realized, usd(-2_500));
}

#[test]
fn what_is_predicted_follows_the_hour_so_far_and_the_index_of_now() {
    let mut desk = quoted();
    let told = |desk: &Desk| desk.exchange.market(FIRST).expect("listed").funding.expect("perpetual");
    assert_eq!(told(&desk).prediction, FundingRate::ZERO, "before the first sample");
    desk.wait(600 * SECOND);
    assert_eq!(told(&desk).prediction, rate(50_000, 2_500));
    assert_eq!((told(&desk).rate, told(&desk).next), (FundingRate::ZERO, Timestamp(HOUR)));
    desk.price(100_000);
    assert_eq!(told(&desk).prediction, rate(50_000, 5_000));
    // A dated contract has none; nor has one that is over.
    desk.apply(&Command::Expire { instrument: FIRST });
    desk.wait(900 * SECOND);
    assert_eq!(desk.exchange.market(FIRST).expect("listed").funding, None);
}

#[test]
fn at_one_instant_orders_go_then_positions_are_booked_then_the_last_sample_counts() {
    let mut desk = quoted();
    trade(&mut desk, BTC);
    desk.wait(HOUR);
    // Carol's switch ends with the hour: her book is gone when the hour's last second is sampled, but its premium stays.
    desk.apply(&Command::CancelAllAfter { account: desk.carol, timeout_seconds: 3_600 });
    let told = desk.events().len();
    desk.wait(HOUR);
    let order: Vec<&str> = desk.events()[told..]
        .iter()
        .filter_map(|event| match event {
            Event::Cancelled { .. } => Some("cancelled"),
            Event::Funding(_) => Some("booked"),
            Event::FundingRate { instrument: FIRST, .. } => Some("rate"),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["cancelled", "cancelled", "booked", "booked", "rate"]);
}

#[test]
fn what_has_accrued_is_part_of_what_may_leave_to_the_last_unit() {
    for (who, sign) in [(0, -1), (1, 1)] {
        let mut desk = quoted();
        trade(&mut desk, BTC);
        let account = AccountId(who);
        desk.wait(HOUR);
        let before = desk.flex(account).may_leave();
        // 7 minutes of 25 USD an hour, and a bit, which is rounded down to wallet money.
        desk.wait(420 * SECOND + 123_456);
        let (flex, most) = (desk.flex(account), desk.flex(account).may_leave());
        assert_eq!(flex.unrealized_funding.0.signum(), sign);
        let value = desk.exchange.flex(account, &flex);
        let unrealized = flex.unrealized_pnl + flex.unrealized_funding;
        assert_eq!(value.portfolio, value.value.fine() + unrealized);
        assert_eq!(flex.unrealized_as_margin, unrealized, "in USD all of it counts");
        assert_ne!(most, before);
        let withdraw = |amount| {
            let (wallet, currency) = (Wallet::Flex, Currency::USD);
            Command::Withdraw(Withdraw { account, wallet, currency, amount })
        };
        let more = Money(most.0 + 1);
        assert_eq!(desk.apply(&withdraw(more)), Outcome::Refused(Refusal::InsufficientFunds));
        assert_eq!(desk.apply(&withdraw(most)), Outcome::Done);
    }
}

#[test]
fn an_order_is_taken_on_what_the_wallet_is_worth_with_what_has_accrued() {
    // Alice's free margin is 20 USD short of another order's need, which an hour's funding takes, or gives.
    let order = || bid(BTC, 40_000);
    let needs = |desk: &mut Desk, account| {
        // 1% of 40,000, and the taker fee at the limit, 0.05%.
        let free = desk.flex(account).available().floor();
        let spare = 42_000 * Money::ONE / 100;
        let balance = desk.balance(account);
        desk.holds(account, balance - free.0 + spare);
    };
    let mut desk = quoted();
    trade(&mut desk, BTC);
    desk.wait(HOUR);
    let (alice, bob) = (desk.alice, desk.bob);
    needs(&mut desk, alice);
    assert_eq!(desk.flex(alice).available().floor(), usd(42_000));
    desk.wait(1_000);
    assert_eq!(desk.refused(alice, order()), OrderError::InsufficientMargin);
    let mut desk = quoted();
    trade(&mut desk, BTC);
    desk.wait(HOUR);
    needs(&mut desk, bob);
    // Bob's buy would close his short: it adds nothing. A sell of as much does.
    let sell = || ask(BTC, 50_500);
    assert_eq!(desk.refused(bob, sell()), OrderError::InsufficientMargin);
    // 505 and 25.25 are needed, 420 are there, 25 an hour come in.
    desk.wait(5 * HOUR);
    desk.placed(bob, sell());
}

#[test]
fn who_cannot_pay_is_liquidated_at_the_hour_and_not_while_nothing_happens() {
    // Alice has what a BTC needs initially, 502 USD, then a mark that leaves her 262; 248.80 must be kept, and the hour takes 25.
    let short = || {
        let mut desk = quoted();
        trade(&mut desk, BTC);
        desk.wait(HOUR);
        let (alice, free) = (desk.alice, desk.flex(desk.alice).may_leave());
        let balance = desk.balance(alice);
        desk.holds(alice, balance - free.0);
        desk.mark(49_760);
        desk.wait(HOUR - SECOND);
        let flex = desk.flex(alice);
        assert!(flex.equity < flex.maintenance_margin && !flex.liquidated, "short, and nobody has looked");
        desk
    };
    let sold = |desk: &Desk| {
        let fills = desk.executions();
        fills.iter().any(|fill| fill.taker.account == desk.alice && fill.taker_side.sign() < 0)
    };
    let mut desk = short();
    assert!(!sold(&desk));
    desk.wait(SECOND);
    assert!(sold(&desk), "the hour takes what she has not");
    let mut desk = short();
    desk.mark(49_761);
    assert!(sold(&desk), "a mark that moves has her looked at, though it moves for her");
    let mut desk = short();
    desk.inverse();
    desk.placed(desk.bob, ask(100, 20_000));
    desk.placed(desk.carol, bid(100, 20_000));
    desk.mark(10_001);
    assert!(desk.exchange.work_done() > 0 && !sold(&desk), "one of what she does not hold has not");
}

#[test]
fn funding_of_an_isolated_position_is_its_wallets() {
    let mut desk = quoted();
    desk.lever(desk.alice, Some(500));
    trade(&mut desk, BTC);
    let alice = desk.alice;
    desk.wait(HOUR);
    let (aside, balance) = (desk.flex(alice).set_aside, desk.balance(alice));
    desk.wait(HOUR / 2);
    let flex = desk.flex(alice);
    assert_eq!(flex.unrealized_funding.book().0, usd(-1_250));
    assert_eq!((flex.set_aside, flex.isolated_pnl), (aside, flex.unrealized_pnl));
    desk.wait(HOUR / 2);
    assert_eq!(desk.balance(alice), balance - usd(2_500).0);
    assert_eq!(desk.flex(alice).set_aside, aside);
}

#[test]
fn an_inverse_contract_pays_its_base_currency() {
    let mut desk = Desk::open();
    desk.inverse();
    let price = Some(FinePrice(10_000 * ONE));
    desk.done(&Command::PinIndex { pair: PairId(0), price });
    // Ticks of half a dollar: around 10,040, a premium of 0.4%.
    desk.placed(desk.carol, bid(10_000, 20_078));
    desk.placed(desk.carol, ask(10_000, 20_082));
    desk.placed(desk.bob, ask(3_333, 20_080));
    desk.placed(desk.alice, bid(3_333, 20_080));
    desk.wait(HOUR);
    let found = rates(&desk, InstrumentId(1));
    // 0.05% at 10,000: 5e-8 BTC for a contract.
    let want = FundingRate { relative: 5 * ONE / 10_000, absolute: 5 * ONE / 10_i128.pow(8) };
    assert_eq!(found, [(1, want)]);
    let before = desk.coins(desk.alice).balances[0].1;
    desk.wait(HOUR / 2);
    // Half of an hour is owed: of that and the balance nothing is left where they and what the contracts were bought for are
    // 3,333 of USD.
    let wallet = desk.coins(desk.alice);
    assert_eq!(wallet.unrealized_funding, Fine(-3_333 * 5 * ONE / 10_i128.pow(8) * 10_i128.pow(6) / 2));
    let bought_for = -desk.exchange.positions(desk.alice)[0].entry.0;
    let left = before.fine().0 + wallet.unrealized_funding.0 + bought_for;
    let estimates = desk.exchange.mark_estimates(desk.alice, &wallet);
    assert_eq!(estimates.nothing, 3_333 * 10_i128.pow(24) * 10_i128.pow(5) / left);
    desk.wait(HOUR / 2);
    let row = booked(&desk).into_iter().find(|row| row.at.0 == 2 * HOUR).expect("a row");
    assert_eq!(row.realized, Money(-3_333 * 5 * Money::ONE / 10_i128.pow(8)));
    assert_eq!(desk.coins(desk.alice).balances[0].1, before + row.realized);
    assert_eq!(row.currency, Currency::parse("BTC").expect("a code"));
}

#[test]
fn longs_and_shorts_pay_each_other_to_the_last_unit_however_they_trade_in_the_hour() {
    let mut desk = quoted();
    trade(&mut desk, 2 * BTC + 1);
    desk.wait(HOUR);
    // Odd sizes at odd instants; every command is audited, what has accrued included.
    for step in 1..40_i64 {
        desk.wait(HOUR / 17 + step * 77_777);
        let (one, other) = if step % 3 == 0 { (desk.bob, desk.alice) } else { (desk.alice, desk.bob) };
        desk.placed(one, ask(step * 7 % 13 + 1, 50_200));
        desk.placed(other, immediate(bid(step * 5 % 11 + 1, 50_200)));
        desk.apply(&Command::CancelAll { account: one, instrument: None });
    }
    desk.wait(HOUR);
    let audit = desk.exchange.audit().expect("sound");
    let dollars = audit.currencies.iter().find(|audit| audit.currency == Currency::USD).expect("USD");
    // Each booking rounds by half a unit at most, 1e-11: so many were there on the whole.
    let bookings = booked(&desk).len() + 2 * desk.executions().len();
    assert!(dollars.funding.book().0.0.unsigned_abs() <= bookings as u128 / 2 + 1, "{dollars:?}");
    assert!(rates(&desk, FIRST).len() > 2);
}

/// Plays a script of the desk again, letting time pass in steps of so many seconds in between, with another amount of work to
/// a record; the events and the state at the end.
fn replay(desk: &Desk, step: Option<i64>, limit: Option<u32>) -> (Vec<Event>, [u8; 32]) {
    let (mut exchange, mut events) = (Exchange::new(), Vec::new());
    if let Some(limit) = limit {
        exchange.set_work_limit(limit);
    }
    for (time, command) in desk.steps() {
        if let Some(step) = step.filter(|_| exchange.account_count() > 0) {
            while exchange.now().plus(step) < *time {
                let next = exchange.now().plus(step);
                exchange.apply(next, &Command::Advance, &mut events);
                while exchange.is_due(next) {
                    exchange.apply(next, &Command::Advance, &mut events);
                }
            }
        }
        while exchange.is_due(*time) {
            exchange.apply(*time, &Command::Advance, &mut events);
        }
        exchange.apply(*time, command, &mut events);
    }
    while exchange.is_due(exchange.now()) {
        exchange.apply(exchange.now(), &Command::Advance, &mut events);
    }
    exchange.audit().expect("sound");
    (events, exchange.state_hash())
}

/// Two days in which a book comes and goes, positions change and marks move.
fn days() -> Desk {
    let mut desk = quoted();
    trade(&mut desk, BTC);
    desk.wait(HOUR + 7 * SECOND);
    desk.done(&Command::PinMark { instrument: FIRST, price: None });
    desk.wait(5 * HOUR);
    trade(&mut desk, 3);
    desk.apply(&Command::CancelAll { account: desk.carol, instrument: None });
    desk.wait(20 * HOUR + SECOND / 3);
    desk.placed(desk.carol, bid(5 * BTC, 49_790));
    desk.placed(desk.carol, ask(5 * BTC, 49_810));
    desk.wait(22 * HOUR);
    desk
}

#[test]
fn a_jump_comes_to_what_slow_time_comes_to_hour_for_hour() {
    let desk = days();
    let (events, hash) = replay(&desk, None, None);
    let told: Vec<_> = events.iter().filter(|event| matches!(event, Event::FundingRate { .. })).collect();
    assert!(told.len() >= 48 * 2, "every hour of both perpetuals");
    for (step, limit) in
        [(Some(SECOND), None), (Some(61 * SECOND), Some(1)), (None, Some(1)), (None, Some(40))]
    {
        let (other, same) = replay(&desk, step, limit);
        assert!(other == events, "the same events in steps of {step:?} with {limit:?} a record");
        assert_eq!(same, hash);
    }
}

#[test]
fn a_state_that_is_stored_amid_an_hour_or_amid_its_booking_goes_on_where_it_was() {
    let desk = days();
    let (events, hash) = replay(&desk, None, Some(1));
    let (mut exchange, mut found) = (Exchange::new(), Vec::new());
    exchange.set_work_limit(1);
    let mut amid = 0;
    let again = |exchange: &mut Exchange| {
        let stored = exchange.encode();
        let mut read = Exchange::decode(&stored).expect("reads");
        assert_eq!(read.encode(), stored);
        read.audit().expect("sound");
        read.set_work_limit(1);
        *exchange = read;
    };
    for (time, command) in desk.steps() {
        while exchange.is_due(*time) {
            exchange.apply(*time, &Command::Advance, &mut found);
            amid += u32::from(exchange.is_busy());
            again(&mut exchange);
        }
        exchange.apply(*time, command, &mut found);
        again(&mut exchange);
    }
    while exchange.is_due(exchange.now()) {
        exchange.apply(exchange.now(), &Command::Advance, &mut found);
        again(&mut exchange);
    }
    assert!(amid > 48, "{amid} times something was left to be done");
    assert!(found == events);
    assert_eq!(exchange.state_hash(), hash);
}

#[test]
fn who_trades_before_its_turn_comes_at_the_hour_is_booked_once() {
    let mut desk = quoted();
    trade(&mut desk, BTC);
    desk.wait(HOUR);
    let mut exchange = desk.exchange.clone();
    exchange.set_work_limit(1);
    let (bob, at) = (desk.bob, Timestamp(2 * HOUR));
    let mut events = Vec::new();
    exchange.apply(at, &Command::Advance, &mut events);
    assert!(exchange.is_busy() && !events.iter().any(|event| matches!(event, Event::Funding(_))));
    let buy =
        Command::Place(PlaceOrder { account: bob, instrument: FIRST, ..reduce_only(bid(BTC / 2, 50_210)) });
    exchange.apply(at, &buy, &mut events);
    while exchange.is_due(at) {
        exchange.apply(at, &Command::Advance, &mut events);
    }
    let mut got = Vec::new();
    for event in &events {
        match event {
            Event::Executed(execution) => got.push(execution.taker.realized_funding),
            Event::Funding(booked) if booked.account == bob => got.push(booked.realized),
            _ => {}
        }
    }
    assert_eq!(got, [usd(2_500), Money::ZERO], "with its trade, and then nothing is left");
    exchange.audit().expect("sound");
}

#[test]
fn a_perpetual_that_is_delisted_pays_until_it_settles_and_nothing_after() {
    let mut desk = quoted();
    trade(&mut desk, BTC);
    desk.wait(HOUR + HOUR / 2);
    let told = (booked(&desk).len(), rates(&desk, FIRST).len());
    let settles_at = desk.exchange.now().plus(HOUR / 4);
    assert_eq!(desk.apply(&Command::Expire { instrument: FIRST }), Outcome::Armed(Some(settles_at)));
    desk.wait(HOUR / 4);
    // Three quarters of an hour at 25 USD.
    let settled = |event: &Event| match event {
        Event::Settled(settled) => Some((settled.account, settled.at, settled.realized_funding)),
        _ => None,
    };
    let settled: Vec<_> = desk.events().iter().filter_map(settled).collect();
    assert_eq!(settled, [(desk.alice, settles_at, usd(-1_875)), (desk.bob, settles_at, usd(1_875))]);
    desk.wait(3 * HOUR);
    assert_eq!((booked(&desk).len(), rates(&desk, FIRST).len()), told, "no row and no rate any more");
    assert_eq!(funding_of(&desk, desk.bob), Money::ZERO);
}

#[test]
fn rates_of_a_past_count_from_the_first_moment() {
    let begin = |id: InstrumentId, rates: Vec<PastRate>| {
        let desk = Desk::open();
        let listed =
            [FIRST, InstrumentId(1)].map(|id| desk.exchange.instrument(id).expect("listed").spec().clone());
        let now = Timestamp(10 * HOUR + 1_200 * SECOND);
        let past = MarketPast {
            instrument: id,
            trades: 1,
            last: PastTrade { price: Price(50_000), qty: Qty(1), side: Side::Buy, at: now },
            mark: FinePrice(50_000 * ONE),
            hours: vec![],
            rates,
        };
        let genesis = Genesis {
            table_seed: 7,
            instruments: listed.to_vec(),
            indexes: vec![("XBT:USD".into(), FinePrice(50_000 * ONE))],
            limits: Limits::default(),
            pasts: vec![past],
        };
        let mut exchange = Exchange::new();
        let outcome = exchange.apply(now, &Command::Genesis(Box::new(genesis)), &mut Vec::new());
        (exchange, outcome)
    };
    let rates = |hours: &[i64]| -> Vec<PastRate> {
        let FundingRate { relative, absolute } = rate(50_000, 2_500);
        hours.iter().map(|hour| PastRate { hour: Timestamp(hour * HOUR), relative, absolute }).collect()
    };
    let (exchange, outcome) = begin(FIRST, rates(&[8, 9, 10]));
    assert_eq!(outcome, Outcome::Done);
    let told = exchange.funding(FIRST).expect("perpetual");
    assert_eq!((told.rate, told.next), (rate(50_000, 2_500), Timestamp(11 * HOUR)));
    // Where the hour of genesis has none, it has none.
    let (exchange, _) = begin(FIRST, rates(&[8, 9]));
    assert_eq!(exchange.funding(FIRST).expect("perpetual").rate, FundingRate::ZERO);
    for wrong in [
        rates(&[9, 8]),
        rates(&[11]),
        vec![PastRate { hour: Timestamp(8 * HOUR + 1), relative: 1, absolute: 1 }],
        vec![PastRate { hour: Timestamp(8 * HOUR), relative: 2 * ONE, absolute: 1 }],
        vec![PastRate { hour: Timestamp(8 * HOUR), relative: 1, absolute: i128::MAX }],
    ] {
        let (exchange, outcome) = begin(FIRST, wrong.clone());
        assert!(matches!(outcome, Outcome::Refused(Refusal::Listing(_))), "{wrong:?}: {outcome:?}");
        assert!(exchange.market(FIRST).is_none(), "nothing has begun");
    }
}
