//! The end of a contract (rules 4.4): the price at which it settles, to the last digit; what that does to orders, positions and
//! wallets; and that it comes to the same however time passed.

mod ending;
mod fixture;

use ending::{
    BTC, DATED, FIRST, GRAIN, HOUR, MINUTE, ONE, SECOND, dated, index, list, prices, settled, trade, usd,
};
use fixture::{Desk, ask, bid, reduce_only, stop};
use loligo_engine::{
    AccountId, Command, ContractKind, CreateAccount, Currency, Deposit, Event, Exchange, Fine, FinePrice,
    MarketState, Money, OrderError, OrderType, Outcome, PairId, PlaceOrder, Settlement, Side, Timestamp,
    Transfer, UpdateReason, Wallet, Withdraw,
};

/// What the rule says, the long way: one sample a second from `from` up to before `to`, in windows of so many seconds that are counted
/// from `begins`; the mean of the means of those that have samples, half to even at 11 decimals.
fn by_hand(samples: impl Fn(i64) -> i128, (from, to): (i64, i64), begins: i64, seconds: i64) -> i128 {
    let mut windows: Vec<(i64, i128, i128)> = Vec::new();
    for second in from.max(begins)..to {
        let number = (second - begins) / seconds;
        match windows.last_mut() {
            Some((last, sum, count)) if *last == number => {
                (*sum, *count) = (*sum + samples(second), *count + 1);
            }
            _ => windows.push((number, samples(second), 1)),
        }
    }
    // Over the product of the three counts that there can be: prices are whole in units of 1e-12 here.
    let counts: std::collections::BTreeSet<i128> = windows.iter().map(|(.., count)| *count).collect();
    let product: i128 = counts.iter().product();
    let sum: i128 = windows.iter().map(|(_, sum, count)| sum / 10_i128.pow(6) * (product / count)).sum();
    let over = product * windows.len() as i128 * 10;
    let (whole, rest) = (sum / over, sum % over);
    let up = match (2 * rest).cmp(&over) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => whole % 2,
    };
    (whole + up) * GRAIN
}

/// An index that is another every 37 seconds, with twelve decimals; as it is sampled at a second.
fn wavy(second: i64) -> i128 {
    let step = i128::from(second.div_euclid(37));
    (50_000 * 10_i128.pow(12) + (step * step * 7_919_191_919_191) % 10_i128.pow(15)) * 10_i128.pow(6)
}

/// Lets time pass to an instant, with the index of [`wavy`] pinned just before the seconds that are the first to sample it.
fn wave(desk: &mut Desk, until: i64) {
    loop {
        let now = desk.exchange.now().0;
        let next = (now.div_euclid(37 * SECOND) + 1) * 37 * SECOND - 1;
        let next = if next <= now { next + 37 * SECOND } else { next };
        if next >= until {
            desk.wait(until - now);
            return;
        }
        desk.wait(next - now);
        index(desk, wavy(next / SECOND + 1));
    }
}

#[test]
fn a_contract_settles_at_the_mean_of_its_windows_means_to_the_eleventh_decimal() {
    use ContractKind::{Inverse, Linear};
    // Kind, last trading time, when it was listed, and when the operator ended it, all in seconds.
    for (kind, ends, listed, ended) in [
        (Linear, 4 * 3_600, 0, None),
        (Inverse, 4 * 3_600, 0, None),
        // A listing in the window cuts it short, in the midst of a part.
        (Linear, 4 * 3_600, 4 * 3_600 - 1_000, None),
        (Inverse, 4 * 3_600, 4 * 3_600 - 1_000, None),
        // So does an early end; and both do.
        (Linear, 4 * 3_600, 0, Some(4 * 3_600 - 777)),
        (Inverse, 4 * 3_600, 0, Some(4 * 3_600 - 777)),
        (Inverse, 4 * 3_600, 4 * 3_600 - 3_333, Some(4 * 3_600 - 555)),
        (Linear, 4 * 3_600, 4 * 3_600 - 90, Some(4 * 3_600 - 55)),
        // A last trading time that is no full minute of the clock.
        (Linear, 4 * 3_600 + 17, 0, None),
    ] {
        let mut desk = Desk::open();
        index(&mut desk, wavy(0));
        wave(&mut desk, listed * SECOND);
        list(&mut desk, kind, Timestamp(ends * SECOND));
        wave(&mut desk, ended.unwrap_or(ends) * SECOND);
        if ended.is_some() {
            desk.done(&Command::Expire { instrument: DATED });
        }
        let at = ended.unwrap_or(ends);
        let (begins, seconds) = match kind {
            Linear => (ends - 1_800, 60),
            Inverse => (ends - 3_600, 300),
        };
        // Whatever is listed or ended by a command finds its second sampled.
        let from = if listed == 0 { 1 } else { listed + 1 };
        let to = if ended.is_some() { at + 1 } else { at };
        let want = by_hand(wavy, (from, to), begins, seconds);
        let row = format!("{kind:?} until {ends}, from {listed} to {at}");
        assert_eq!(prices(desk.events(), DATED), [(want, at * SECOND)], "{row}");
    }
}

#[test]
fn halves_of_the_eleventh_decimal_go_to_the_even_neighbour() {
    for (first, second, want) in [(3, 4, 4), (4, 5, 4), (5, 7, 6)] {
        let mut desk = dated(ContractKind::Linear, 2 * HOUR);
        let at = |grains: i128| 50_000 * ONE + grains * GRAIN;
        index(&mut desk, at(first));
        // Half of the window's minutes with each.
        desk.wait(2 * HOUR - 15 * MINUTE - 1);
        index(&mut desk, at(second));
        desk.wait(15 * MINUTE + 1);
        assert_eq!(prices(desk.events(), DATED), [(at(want), 2 * HOUR)], "{first} and {second}");
    }
}

#[test]
fn the_operator_ends_a_contract_before_its_window_at_the_present_index() {
    let mut desk = dated(ContractKind::Linear, 4 * HOUR);
    desk.wait(HOUR);
    index(&mut desk, 60_000 * ONE + 4 * 10_i128.pow(6));
    desk.done(&Command::Expire { instrument: DATED });
    assert_eq!(prices(desk.events(), DATED), [(60_000 * ONE, HOUR)]);
    // Its own day comes, and nothing happens any more.
    let told = desk.events().len();
    desk.done(&Command::Expire { instrument: DATED });
    desk.wait(6 * HOUR);
    assert_eq!(prices(&desk.events()[told..], DATED), []);
}

#[test]
fn a_position_is_closed_at_the_settlement_price_with_a_takers_fee_on_its_value() {
    let mut desk = dated(ContractKind::Linear, 2 * HOUR);
    trade(&mut desk, 2 * BTC, 50_010);
    let before = [desk.alice, desk.bob].map(|account| desk.balance(account));
    let opened_at = desk.exchange.now();
    index(&mut desk, 50_500 * ONE + ONE / 2);
    desk.mark(50_490);
    desk.wait(2 * HOUR);
    let told = settled(desk.events());
    // Two at 50,500.5, entered at 50,010: 981 won or lost, and 0.05% of 101,001 paid by either.
    let fee = Money(5_050_050_000_000);
    for (row, account, sign) in [(0, desk.alice, 1), (1, desk.bob, -1)] {
        let one = &told[row];
        let after = before[row] + sign * usd(981).0 - fee.0;
        let want = Settlement {
            execution: one.execution,
            account,
            instrument: DATED,
            log: desk.exchange.account(account).expect("there").log_rows - 1,
            price: FinePrice(50_500 * ONE + ONE / 2),
            closed: 2 * BTC * sign as i64,
            entry: Fine(sign * 100_020 * 10_i128.pow(24)),
            opened_at: Some(opened_at),
            fee,
            fee_rate: 50_000,
            realized_pnl: Money(sign * usd(981).0),
            gain: None,
            realized_funding: Money::ZERO,
            mark: Some(FinePrice(50_490 * ONE)),
            wallet: Wallet::Flex,
            currency: Currency::USD,
            balance: Money(after),
            at: Timestamp(2 * HOUR),
        };
        assert_eq!(one, &want);
        assert_eq!(desk.balance(account), after);
        assert_eq!(desk.exchange.positions(account), []);
    }
    assert_eq!(told[1].execution.0, told[0].execution.0 + 1, "each has a number of its own");
    let market = desk.exchange.market(DATED).expect("known for good");
    assert_eq!((market.state, market.open_interest.0), (MarketState::Expired, 0));
    assert_eq!(desk.refused(desk.alice, bid(1, 50_000)), OrderError::MarketNotFound);
}

#[test]
fn an_inverse_contract_settles_in_coins_and_money_is_kept_to_the_last_unit() {
    let mut desk = dated(ContractKind::Inverse, 2 * HOUR);
    let coin = Currency::parse("BTC").expect("a code");
    let sums = |desk: &Desk| {
        let audit = desk.exchange.audit().expect("sound");
        audit.currencies.into_iter().find(|sums| sums.currency == coin).expect("coins")
    };
    // Sizes and prices that no division comes out even for; three hold what one sold.
    for (account, lots, ticks) in
        [(desk.alice, 7_777, 99_999), (desk.carol, 3_331, 100_003), (desk.alice_sub, 11, 100_007)]
    {
        desk.placed(desk.bob, ask(lots, ticks));
        desk.placed(account, bid(lots, ticks));
    }
    let before = sums(&desk);
    index(&mut desk, 51_234_567_890_123_456_789_012);
    desk.wait(2 * HOUR);
    let (price, _) = prices(desk.events(), DATED)[0];
    assert_eq!(price, 51_234_567_890_123_460_000_000);
    let told = settled(desk.events());
    assert_eq!(told.iter().map(|one| one.closed).collect::<Vec<_>>(), [7_777, -11_119, 3_331, 11]);
    for one in &told {
        // n x (1/e - 1/p), and 0.05% of n/p, rounded up.
        let value = |lots: i64| {
            let lots = i128::from(lots) * 10_i128.pow(25);
            // lots / price at 25 decimals is far finer than what is booked.
            lots / (price / 10_i128.pow(9)) * 10_i128.pow(9)
        };
        let won = -one.entry.0 - value(one.closed) / 10;
        assert!((one.realized_pnl.fine().0 - won).abs() <= 10_i128.pow(13) / 2 + 10_i128.pow(10), "{one:?}");
        let fee = value(one.closed.abs()) / 10 / 2_000;
        let paid = one.fee.fine().0 - fee;
        assert!((-10_i128.pow(10)..10_i128.pow(13)).contains(&paid), "{one:?}: {fee}");
    }
    let after = sums(&desk);
    assert_eq!((after.deposited, after.entries), (before.deposited, Fine::ZERO));
    // Four bookings leave half a unit each at most.
    assert!((after.dust.0 - before.dust.0).abs() <= 4 * 10_i128.pow(13) / 2, "{before:?} {after:?}");
    let won: i128 = told.iter().map(|one| one.realized_pnl.0).sum();
    assert!(won.abs() <= 2, "{won}");
}

#[test]
fn at_the_last_instant_switches_come_first_then_the_end_then_funding_then_samples() {
    let mut desk = dated(ContractKind::Linear, 2 * HOUR);
    desk.first();
    trade(&mut desk, BTC, 50_000);
    desk.second_again(DATED);
    trade(&mut desk, BTC, 50_000);
    // One whose switch ends at this instant, one who rests, and a stop that the settlement price would reach.
    let (switched, resting) = (bid(1, 40_000), bid(2, 40_000));
    desk.placed(desk.carol, switched);
    desk.placed(desk.bob, resting);
    desk.placed(desk.alice, stop(ask(3, 1), 10_000));
    desk.apply(&Command::CancelAllAfter { account: desk.carol, timeout_seconds: 7_200 });
    let told = desk.events().len();
    desk.wait(2 * HOUR);
    let words: Vec<String> = desk.events()[told..]
        .iter()
        .filter(|event| event.at() == Some(Timestamp(2 * HOUR)))
        .filter_map(|event| match event {
            Event::Cancelled { order } => Some(format!("{:?}", order.reason.expect("one"))),
            Event::Market { instrument: DATED, state, .. } => Some(format!("{state:?}")),
            Event::SettlementPrice { .. } => Some("price".to_owned()),
            Event::Settled(one) => Some(format!("settled {}", one.account.0)),
            Event::Funding(one) => Some(format!("funded {}", one.account.0)),
            Event::FundingRate { instrument: FIRST, .. } => Some("rate".to_owned()),
            _ => None,
        })
        .collect();
    let want = [
        "DeadManSwitch",
        "Expired",
        "price",
        "ContractExpired",
        "Expired",
        "settled 0",
        "settled 1",
        "funded 0",
        "funded 1",
        "rate",
    ];
    assert_eq!(words, want);
}

/// What became of the same contract and its holders, however time passed.
fn outcome(exchange: &Exchange, events: &[Event]) -> ([u8; 32], Vec<Settlement>) {
    (exchange.state_hash(), settled(events))
}

#[test]
fn a_jump_comes_to_what_slow_time_comes_to() {
    use ContractKind::{Inverse, Linear};
    for kind in [Linear, Inverse] {
        // An index that stands still, and one that nobody speaks of any more: it is too old, and is sampled as it is.
        for stale in [false, true] {
            // At an index of 50,000, in ticks.
            let ticks = if kind == Linear { 50_000 } else { 100_000 };
            let mut found = Vec::new();
            for step in [SECOND / 2, 7 * MINUTE, 5 * HOUR] {
                let mut desk = dated(kind, 3 * HOUR + 1);
                trade(&mut desk, 100, ticks);
                if stale {
                    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
                    desk.publish(50_321);
                }
                let end = Timestamp(5 * HOUR);
                while desk.exchange.now() < end {
                    desk.wait(step.min(end.0 - desk.exchange.now().0));
                }
                found.push(outcome(&desk.exchange, desk.events()));
            }
            assert_eq!(found[0].1.len(), 2, "{kind:?}");
            assert_eq!(found[0], found[1], "{kind:?} {stale}");
            assert_eq!(found[1], found[2], "{kind:?} {stale}");
        }
    }
}

/// A dated contract of which so many pairs of accounts hold a lot, each at the other's expense, just before it ends.
fn held_by(pairs: u32) -> (Desk, Timestamp) {
    let mut desk = dated(ContractKind::Linear, HOUR);
    for _ in 0..2 * pairs {
        let Outcome::AccountCreated(account) =
            desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house: false }))
        else {
            panic!("an account")
        };
        let (wallet, currency, amount) = (Wallet::Flex, Currency::USD, usd(10_000));
        desk.done(&Command::Deposit(Deposit { account, wallet, currency, amount }));
    }
    for at in 0..pairs {
        desk.placed(AccountId(4 + 2 * at), ask(100, 50_000));
        desk.placed(AccountId(5 + 2 * at), bid(100, 50_000));
    }
    desk.wait(HOUR - 1);
    (desk, Timestamp(HOUR))
}

#[test]
fn positions_settle_in_steps_with_cancels_between_and_a_state_that_goes_on_anywhere() {
    let (mut desk, end) = held_by(100);
    let mut rests = bid(1, 40_000);
    (rests.account, rests.instrument) = (desk.carol, FIRST);
    let Outcome::Placed(order) = desk.apply(&Command::Place(rests)) else { panic!("placed") };
    let mut whole = desk.exchange.clone();
    let mut exchange = desk.exchange;
    let (mut records, mut found, mut cancelled) = (0, Vec::new(), false);
    while exchange.is_due(end) {
        let mut events = Vec::new();
        exchange.apply(end, &Command::Advance, &mut events);
        let closed = settled(&events).len();
        assert!(closed <= 64, "{closed} in one record");
        exchange.audit().expect("sound after every record");
        assert_eq!(exchange.now(), end, "time stands still until all are closed");
        found.extend(settled(&events));
        if exchange.is_busy() && !cancelled {
            // Amid the work of others a cancel does its own, and nothing else.
            let cancel = loligo_engine::CancelOrder {
                account: desk.carol,
                order: loligo_engine::OrderRef::Id(order),
                process_before: None,
            };
            let mut events = Vec::new();
            assert_eq!(exchange.apply(end, &Command::Cancel(cancel), &mut events), Outcome::Cancelled(order));
            assert_eq!(settled(&events), []);
            cancelled = true;
        }
        exchange = Exchange::decode(&exchange.encode()).expect("a state that is read again");
        records += 1;
    }
    assert!(cancelled && records > 3, "{records}");
    assert_eq!(found.len(), 200);
    assert!(found.iter().all(|one| one.at == end));
    let accounts: Vec<u32> = found.iter().map(|one| one.account.0).collect();
    assert!(accounts.is_sorted(), "by account");
    // The same at once.
    whole.set_work_limit(u32::MAX);
    let cancel = Command::CancelAll { account: desk.carol, instrument: None };
    let mut events = Vec::new();
    whole.apply(end, &Command::Advance, &mut events);
    whole.apply(end, &cancel, &mut events);
    assert_eq!(settled(&events), found);
    assert_eq!(whole.market(DATED).expect("listed").open_interest.0, 0);
}

#[test]
fn whoever_asks_for_money_amid_a_settlement_is_settled_first() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    trade(&mut desk, BTC, 50_000);
    let account = desk.carol;
    desk.placed(account, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    // In Carol's favour until the window, then against her: at the mark she has more than she will have.
    desk.done(&Command::PinMark { instrument: DATED, price: Some(FinePrice(49_000 * ONE)) });
    index(&mut desk, 51_000 * ONE);
    desk.wait(HOUR - 1);
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let mut events = Vec::new();
    exchange.apply(Timestamp(HOUR), &Command::Advance, &mut events);
    assert!(exchange.is_busy() && settled(&events).is_empty());
    let hoped = exchange.wallets(account)[1].may_leave();
    let withdraw =
        Command::Withdraw(Withdraw { account, wallet: Wallet::Flex, currency: Currency::USD, amount: hoped });
    let refused = exchange.apply(Timestamp(HOUR), &withdraw, &mut events);
    assert!(matches!(refused, Outcome::Refused(_)), "{refused:?}");
    // Alice's turn had come; then Carol's, who asked, and not Bob's.
    let accounts: Vec<AccountId> = settled(&events).iter().map(|one| one.account).collect();
    assert_eq!(accounts, [desk.alice, account]);
    exchange.audit().expect("sound");
    let left = exchange.wallets(account)[1].may_leave();
    assert_eq!(left, exchange.wallets(account)[1].balances[0].1, "all that is left is free");
    let transfer = Transfer {
        by: account,
        from: account,
        from_wallet: Wallet::Flex,
        to: account,
        to_wallet: Wallet::Cash,
        currency: Currency::USD,
        amount: left,
    };
    assert_eq!(exchange.apply(Timestamp(HOUR), &Command::Transfer(transfer), &mut events), Outcome::Done);
}

#[test]
fn a_mark_that_is_pinned_amid_a_settlement_values_those_who_are_still_to_be_closed() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.carol, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(2 * BTC, 50_000));
    desk.wait(HOUR - 1);
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let mut events = Vec::new();
    exchange.apply(Timestamp(HOUR), &Command::Advance, &mut events);
    exchange.apply(Timestamp(HOUR), &Command::Advance, &mut events);
    let pin = Command::PinMark { instrument: DATED, price: Some(FinePrice(51_000 * ONE)) };
    assert_eq!(exchange.apply(Timestamp(HOUR), &pin, &mut events), Outcome::Done);
    // All who were long are closed, and one who was short is not.
    let closed: Vec<AccountId> = settled(&events).iter().map(|one| one.account).collect();
    assert_eq!(closed, [desk.alice, desk.bob]);
    exchange.audit().expect("carol is valued at the mark of now, or waits to be");
    assert_eq!(exchange.positions(desk.carol)[0].unrealized_pnl, usd(-1_000).fine());
    while exchange.is_due(Timestamp(HOUR)) {
        exchange.apply(Timestamp(HOUR), &Command::Advance, &mut events);
        exchange.audit().expect("sound");
    }
    assert_eq!(exchange.positions(desk.carol), []);
}

#[test]
fn what_an_asker_has_open_in_a_contract_that_ended_goes_for_that_and_not_for_its_position() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    desk.placed(desk.carol, bid(1, 40_000));
    trade(&mut desk, BTC, 50_000);
    let order = desk.placed(desk.alice, reduce_only(ask(BTC, 51_000)));
    desk.wait(HOUR - 1);
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let mut events = Vec::new();
    exchange.apply(Timestamp(HOUR), &Command::Advance, &mut events);
    let deposit =
        Deposit { account: desk.alice, wallet: Wallet::Flex, currency: Currency::USD, amount: usd(1) };
    // Carol's order goes as the work of this record; alice's before alice is settled, since she asks.
    exchange.apply(Timestamp(HOUR), &Command::Deposit(deposit), &mut events);
    assert_eq!(settled(&events).iter().map(|one| one.account).collect::<Vec<_>>(), [desk.alice]);
    let gone = exchange.order(order).expect("known for a while");
    assert_eq!(gone.reason, Some(UpdateReason::ContractExpired));
    exchange.audit().expect("sound");
}

#[test]
fn a_portfolio_that_waits_on_the_ladder_leaves_it_with_the_contract() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    desk.holds(desk.alice, usd(1_000).0);
    trade(&mut desk, BTC, 50_000);
    desk.wait(HOUR / 2);
    // She is short of what her position needs, and a halt unwinds no one.
    desk.done(&Command::SetMarketState { instrument: DATED, state: MarketState::Suspended });
    desk.done(&Command::PinMark { instrument: DATED, price: Some(FinePrice(49_200 * ONE)) });
    let held = desk.flex(desk.alice);
    assert!(held.equity < held.maintenance_margin);
    desk.wait(HOUR / 2 - 1);
    assert_eq!(desk.exchange.positions(desk.alice).len(), 1);
    desk.wait(1);
    // The index never moved: she has her money back but for the fees, and may trade again.
    assert_eq!(prices(desk.events(), DATED), [(50_000 * ONE, HOUR)]);
    assert!(!desk.flex(desk.alice).liquidated);
    assert_eq!(desk.exchange.positions(desk.alice), []);
    desk.first();
    desk.placed(desk.alice, bid(10, 50_000));
}

#[test]
fn a_loss_that_no_wallet_can_pay_is_booked_in_full_and_the_sums_stay_exact() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    desk.holds(desk.alice, usd(1_000).0);
    trade(&mut desk, BTC, 50_000);
    let sums = |desk: &Desk| desk.exchange.audit().expect("sound").currencies;
    let before = sums(&desk);
    // A mark that nobody moves hides it until the end.
    desk.done(&Command::PinMark { instrument: DATED, price: Some(FinePrice(50_000 * ONE)) });
    index(&mut desk, 40_000 * ONE);
    desk.wait(HOUR);
    let told = settled(desk.events());
    assert_eq!(told.iter().map(|one| one.realized_pnl).collect::<Vec<_>>(), [usd(-10_000), usd(10_000)]);
    let after = sums(&desk);
    assert_eq!(before.len(), after.len());
    assert!(before.iter().zip(&after).all(|(before, after)| before.deposited == after.deposited));
    assert_eq!(desk.exchange.positions(desk.alice), []);
}

#[test]
fn a_perpetual_that_is_delisted_takes_post_only_orders_for_fifteen_minutes_and_settles() {
    let mut desk = Desk::open();
    index(&mut desk, wavy(0));
    trade(&mut desk, BTC, 50_000);
    wave(&mut desk, HOUR + 30 * SECOND);
    let settles_at = Timestamp(HOUR + 15 * MINUTE + 30 * SECOND);
    let expire = Command::Expire { instrument: FIRST };
    let waits = desk.placed(desk.alice, stop(ask(3, 1), 10_000));
    let told = desk.events().len();
    assert_eq!(desk.apply(&expire), Outcome::Armed(Some(settles_at)));
    let words = |event: &Event| match event {
        Event::Delisting { settles_at, .. } => Some(format!("until {}", settles_at.0)),
        Event::Market { state, .. } => Some(format!("{state:?}")),
        _ => None,
    };
    let words: Vec<String> = desk.events()[told..].iter().filter_map(words).collect();
    assert_eq!(words, [format!("until {}", settles_at.0), "PostOnly".to_owned()]);
    let post = |lots, ticks| PlaceOrder { order_type: OrderType::Post, ..bid(lots, ticks) };
    assert_eq!(desk.refused(desk.bob, bid(1, 49_000)), OrderError::MarketIsPostOnly);
    let rests = desk.placed(desk.bob, post(1, 49_000));
    // Who asks again is told the same; whatever the operator does with the market, it stays post-only and ends then.
    wave(&mut desk, HOUR + 5 * MINUTE);
    assert_eq!(desk.apply(&expire), Outcome::Armed(Some(settles_at)));
    desk.state(MarketState::Suspended);
    assert_eq!(desk.refused(desk.bob, post(1, 49_000)), OrderError::MarketSuspended);
    desk.state(MarketState::Open);
    assert_eq!(desk.exchange.market(FIRST).expect("listed").state, MarketState::PostOnly);
    wave(&mut desk, settles_at.0 + SECOND);
    assert_eq!(desk.order(rests).reason, Some(UpdateReason::ContractExpired));
    assert_eq!(desk.order(waits).reason, Some(UpdateReason::Expired));
    // The last thirty minutes of the clock, the running one as far as it has come.
    let begins = HOUR / SECOND + 15 * 60 - 29 * 60;
    let want = by_hand(wavy, (begins, settles_at.0.div_euclid(SECOND)), begins, 60);
    assert_eq!(prices(desk.events(), FIRST), [(want, settles_at.0)]);
    assert_eq!(settled(desk.events()).len(), 2);
    let market = desk.exchange.market(FIRST).expect("known for good");
    assert_eq!((market.state, market.open_interest.0), (MarketState::Expired, 0));
}

#[test]
fn a_perpetual_that_was_just_listed_settles_by_the_samples_there_are() {
    let mut desk = Desk::open();
    desk.wait(HOUR);
    desk.second();
    let id = DATED;
    assert!(matches!(desk.apply(&Command::Expire { instrument: id }), Outcome::Armed(_)));
    index(&mut desk, 50_000 * ONE + 3 * GRAIN);
    desk.wait(15 * MINUTE);
    assert_eq!(prices(desk.events(), id), [(50_000 * ONE + 3 * GRAIN, HOUR + 15 * MINUTE)]);
}

#[test]
fn a_contract_that_has_ended_is_sampled_no_more() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    trade(&mut desk, BTC, 50_000);
    desk.wait(HOUR);
    let marks = |desk: &Desk| {
        let of = |event: &&Event| matches!(event, Event::Mark { instrument: DATED, .. });
        desk.events().iter().filter(of).count()
    };
    let before = (marks(&desk), desk.exchange.market(DATED).expect("known").mark);
    index(&mut desk, 60_000 * ONE);
    desk.wait(HOUR);
    assert_eq!((marks(&desk), desk.exchange.market(DATED).expect("known").mark), before);
    assert_eq!(desk.depth(Side::Buy), []);
}
