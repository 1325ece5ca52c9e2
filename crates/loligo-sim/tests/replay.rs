//! Same commands, same state: stored commands are the commands, a snapshot and the tail are the whole, twice is the same.

use loligo_engine::{
    AccountId, AskedDistance, AskedTrigger, Command, Currency, Deposit, DistanceUnit, Event, Exchange,
    FinePrice, InstrumentId, LimitsChange, MarketState, Money, OnGrid, OrderStatus, OrderType, Outcome,
    PairId, PlaceOrder, Side, Signal, Timestamp, TriggerKind, WORK_PER_RECORD, Wallet,
};
use loligo_sim::agreement::Step;
use loligo_sim::model::Model;
use loligo_sim::workload::Workload;
use opstream::Rng;

/// A stream, made without asking the engine anything.
fn stream(seed: u64, length: usize) -> Vec<Step> {
    let (mut workload, mut model) = (Workload::new(seed), Model::new());
    (0..length)
        .map(|_| {
            let step = workload.next_step(&model);
            model.apply(step.time, &step.command);
            step
        })
        .collect()
}

/// What came of each step, as bytes.
fn play(engine: &mut Exchange, steps: &[Step]) -> (Vec<Outcome>, Vec<u8>) {
    let (mut outcomes, mut told, mut events) = (vec![], vec![], vec![]);
    for step in steps {
        events.clear();
        outcomes.push(engine.apply(step.time, &step.command, &mut events));
        events.iter().for_each(|event| event.encode(&mut told));
    }
    (outcomes, told)
}

#[test]
fn stored_commands_are_read_as_they_were_written() {
    for seed in 0..8 {
        for step in stream(seed, 600) {
            let mut bytes = vec![7, 7, 7];
            step.command.encode(&mut bytes);
            assert_eq!(Command::decode(&bytes[3..]).as_ref(), Ok(&step.command), "seed {seed}");
            bytes.push(0);
            assert!(Command::decode(&bytes[3..]).is_err(), "a byte too many, seed {seed}: {step:?}");
            bytes.truncate(bytes.len() - 2);
            assert!(Command::decode(&bytes[3..]).is_err(), "a byte too few, seed {seed}: {step:?}");
        }
    }
}

#[test]
fn the_same_commands_twice_are_the_same_to_the_byte() {
    for seed in 0..8 {
        let steps = stream(seed, 800);
        let (mut once, mut again) = (Exchange::new(), Exchange::new());
        assert_eq!(play(&mut once, &steps), play(&mut again, &steps), "seed {seed}");
        assert_eq!(once.encode(), again.encode(), "seed {seed}");
        assert_eq!(once.state_hash(), again.state_hash(), "seed {seed}");
    }
}

#[test]
fn a_snapshot_and_the_tail_are_the_whole() {
    // What was in the states that were stored and read.
    let (mut waiting, mut trailing, mut timers, mut busy) = (0, 0, 0, 0);
    for seed in 0..32 {
        let steps = stream(seed, 900);
        // Where a record does little, much is waiting to be done when the state is stored.
        let limit = if seed % 2 == 0 { WORK_PER_RECORD } else { 1 };
        let mut whole = Exchange::new();
        whole.set_work_limit(limit);
        let mut rng = Rng::new(seed);
        let mut at = 0;
        // Several cuts in one stream, the first before the genesis.
        while at < steps.len() {
            let stored = whole.encode();
            let mut restored = Exchange::decode(&stored).expect("what was just written");
            restored.set_work_limit(limit);
            assert_eq!(restored.is_busy(), whole.is_busy(), "seed {seed}, step {at}");
            busy += usize::from(whole.is_busy());
            assert_eq!(restored.encode(), stored, "seed {seed}, step {at}");
            assert_eq!(restored.state_hash(), whole.state_hash(), "seed {seed}, step {at}");
            restored.audit().unwrap_or_else(|violation| panic!("seed {seed}, step {at}: {violation}"));
            let known = whole.known_orders();
            assert_eq!(restored.known_orders(), known, "seed {seed}, step {at}");
            let waits = known.iter().filter(|order| order.status == OrderStatus::TriggerPlaced);
            waiting += waits.clone().count();
            trailing += waits.filter(|order| order.trigger().is_some_and(|t| t.deviation.is_some())).count();
            let accounts = (0..whole.account_count() as u32).filter_map(|id| whole.account(AccountId(id)));
            timers += accounts.filter(|account| account.cancel_all_at.is_some()).count();
            let end = (at + 1 + rng.below(300) as usize).min(steps.len());
            assert_eq!(
                play(&mut restored, &steps[at..end]),
                play(&mut whole, &steps[at..end]),
                "seed {seed}, steps {at}..{end}"
            );
            assert_eq!(restored.state_hash(), whole.state_hash(), "seed {seed}, step {end}");
            at = end;
        }
    }
    assert!(waiting > 300 && trailing > 100 && timers > 20, "{waiting}, {trailing}, {timers}");
    assert!(busy > 10, "{busy}");
}

/// Lets what is due up to a time be done, then a command, and what follows from it: as one does who orders records.
fn play_in_order(engine: &mut Exchange, step: &Step) -> (Outcome, Vec<Event>) {
    let mut events = vec![];
    while engine.is_due(step.time) {
        engine.apply(step.time, &Command::Advance, &mut events);
    }
    let outcome = engine.apply(step.time, &step.command, &mut events);
    while engine.is_busy() {
        engine.apply(engine.now(), &Command::Advance, &mut events);
    }
    (outcome, events)
}

#[test]
fn however_little_a_record_does_all_comes_to_the_same() {
    let mut split = 0;
    for seed in 0..32 {
        let steps = stream(seed, 700);
        let limits = [u32::MAX, WORK_PER_RECORD, 100, 1];
        let mut engines = limits.map(|limit| {
            let mut engine = Exchange::new();
            engine.set_work_limit(limit);
            engine
        });
        // The first does all at once: what is due before a command in the command's own record.
        for (at, step) in steps.iter().enumerate() {
            let mut events = vec![];
            let outcome = engines[0].apply(step.time, &step.command, &mut events);
            assert!(!engines[0].is_busy(), "seed {seed}, step {at}");
            let hash = engines[0].state_hash();
            for engine in &mut engines[1..] {
                assert_eq!(
                    play_in_order(engine, step),
                    (outcome.clone(), events.clone()),
                    "seed {seed}, step {at}"
                );
                assert_eq!(engine.state_hash(), hash, "seed {seed}, step {at}");
            }
            split += usize::from(engines[0].work_done() > WORK_PER_RECORD);
        }
    }
    assert!(split > 20, "{split}");
}

#[test]
fn what_is_waiting_to_be_done_is_stored_at_every_step_of_it() {
    let mut busy = 0;
    for seed in 0..8 {
        let mut engine = Exchange::new();
        engine.set_work_limit(1);
        let mut again = engine.clone();
        for (at, step) in stream(seed, 500).iter().enumerate() {
            for command in [&step.command, &Command::Advance] {
                let (mut events, mut same) = (vec![], vec![]);
                let outcome = engine.apply(step.time, command, &mut events);
                assert_eq!(again.apply(step.time, command, &mut same), outcome, "seed {seed}, step {at}");
                assert_eq!(same, events, "seed {seed}, step {at}");
                let stored = engine.encode();
                again = Exchange::decode(&stored).expect("what was just written");
                again.set_work_limit(1);
                assert_eq!(again.encode(), stored, "seed {seed}, step {at}");
                busy += usize::from(engine.is_busy());
            }
        }
    }
    assert!(busy > 400, "{busy}");
}

/// Commands that send a contract's mark on a way of half a minute, past triggers whose firing changes its book.
fn slide(instrument: InstrumentId, fair: i64) -> Vec<Command> {
    let roomy = LimitsChange {
        open_orders: Some(99),
        triggers: Some(99),
        small_orders: Some(99),
        order_value_usd: Some(1_000_000),
        ..LimitsChange::default()
    };
    let order = |account, side, lots, limit: Option<i64>, kind: Option<TriggerKind>, stop: Option<i64>| {
        let ticks = OnGrid::Steps(2);
        let trails = kind == Some(TriggerKind::TrailingStop);
        let deviation = trails.then_some(AskedDistance { unit: DistanceUnit::Quote, steps: ticks });
        let trigger = kind.map(|kind| Box::new(AskedTrigger { kind, signal: Signal::Mark, deviation }));
        Command::Place(PlaceOrder {
            account: AccountId(account),
            instrument,
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(lots),
            limit_price: limit.map(OnGrid::Steps),
            stop_price: stop.map(OnGrid::Steps),
            trigger,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        })
    };
    let per_mille = |thousandths: i64| fair + fair * thousandths / 1_000;
    let mut commands = vec![
        Command::SetLimits { account: None, instrument: None, change: roomy.clone() },
        Command::SetLimits { account: None, instrument: Some(instrument), change: roomy },
        Command::SetMarketState { instrument, state: MarketState::Open },
        Command::PinMark { instrument, price: None },
    ];
    // A way that is clear: what others had there is gone, and the index stays where it is.
    commands
        .extend((0..8).map(|account| Command::CancelAll { account: AccountId(account), instrument: None }));
    commands.push(Command::PinIndex {
        pair: PairId(0),
        price: Some(FinePrice(i128::from(fair) * 10_i128.pow(18))),
    });
    for account in [2, 3] {
        let (wallet, currency) = (Wallet::Flex, Currency::USD);
        let amount = Money(1_000_000 * Money::ONE);
        commands.push(Command::SetActive { account: AccountId(account), active: true });
        commands.push(Command::Deposit(Deposit { account: AccountId(account), wallet, currency, amount }));
    }
    let (stop, profit, trailing) =
        (Some(TriggerKind::Stop), Some(TriggerKind::TakeProfit), Some(TriggerKind::TrailingStop));
    commands.extend([
        order(2, Side::Buy, 40, Some(per_mille(6)), None, None),
        order(2, Side::Sell, 40, Some(per_mille(9)), None, None),
        // Takes the asks, and the premium stays as it was; then the bids go; then the mark falls back.
        order(3, Side::Buy, 45, None, stop, Some(per_mille(2))),
        order(3, Side::Sell, 35, None, profit, Some(per_mille(4))),
        order(3, Side::Buy, 9, Some(per_mille(3)), stop, Some(per_mille(5))),
        order(3, Side::Sell, 5, None, trailing, None),
    ]);
    commands
}

#[test]
fn a_jump_of_time_is_the_same_seconds_passing_slowly() {
    let mut fired = 0;
    for seed in 0..40 {
        let mut jumps = Exchange::new();
        play(&mut jumps, &stream(seed, 300));
        for command in slide(InstrumentId(0), 1_000) {
            jumps.apply(jumps.now(), &command, &mut vec![]);
        }
        let mut walks = Exchange::decode(&jumps.encode()).expect("what was just written");
        let seconds = [300, 31, 3_600, 96][seed as usize % 4];
        let start = walks.now();
        let (mut events, mut at_once) = (vec![], vec![]);
        for second in 1..=seconds {
            walks.apply(start.plus(second * Timestamp::SECOND), &Command::Advance, &mut events);
        }
        fired += events.iter().filter(|event| matches!(event, Event::Fired { .. })).count();
        let end = start.plus(seconds * Timestamp::SECOND);
        while jumps.is_due(end) || jumps.now() < end {
            jumps.apply(end, &Command::Advance, &mut at_once);
        }
        assert_eq!(at_once, events, "seed {seed}");
        assert_eq!(jumps.state_hash(), walks.state_hash(), "seed {seed}");
    }
    assert!(fired >= 40, "{fired}");
}

#[test]
fn every_step_that_changes_something_changes_the_hash() {
    let steps = stream(3, 400);
    let mut engine = Exchange::new();
    let mut events = vec![];
    let mut changes = 0;
    for step in &steps {
        let before = (engine.now(), engine.state_hash());
        events.clear();
        engine.apply(step.time, &step.command, &mut events);
        // A note, or a code, that is on the record already changes nothing.
        let acted = events.iter().any(|event| !is_about_records(event));
        if acted || engine.now() != before.0 {
            changes += 1;
            assert_ne!(engine.state_hash(), before.1, "{step:?}");
        }
    }
    assert!(changes > 200, "{changes}");
}

/// What is noted of an order, and what is refused, may leave the state as it was.
fn is_about_records(event: &Event) -> bool {
    let refused = matches!(event, Event::EditRejected(_) | Event::NotFound { .. });
    refused || matches!(event, Event::Noted { .. } | Event::Rewritten { .. })
}
