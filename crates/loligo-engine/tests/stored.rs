//! Stored forms do not change unnoticed: every type's bytes, and every code, as a folder on somebody's disk has them.
//!
//! A line that differs is a form that old folders do not have. Then its version rises, a reader of the old form stays, and the
//! golden file gets the new lines; the test prints them.

mod fixture;

use fixture::{Desk, ask, bid, reduce_only, stop};
use loligo_engine::{
    AccountId, AskedDeviation, AskedDistance, AskedOffset, AskedTrigger, AssignmentProgram, Attached,
    BalanceCause, CancelOrder, ClientOrderId, Command, ContractKind, Conversion, ConversionLeg,
    CreateAccount, Currency, Deposit, Dislocation, Distance, DistanceUnit, EditOrder, EditRefusal, Event,
    Exchange, Execution, ExecutionId, Fill, FillRole, Fine, FinePrice, FundingBooked, FundingRate, GainPaid,
    Genesis, InstrumentId, InstrumentSpec, InterestPaid, Leverage, Limits, LimitsChange, MarginLevel,
    MarketPast, MarketState, Money, OnGrid, OrderChange, OrderError, OrderId, OrderRef, OrderStatus,
    OrderType, OrderView, PairId, PastHour, PastRate, PastTrade, PlaceOrder, Price, ProgramChange, ProgramId,
    Qty, QtyMode, SelfTradeStrategy, Settlement, Side, Signal, TimeFrame, Timestamp, Transfer, Trigger,
    TriggerKind, TriggerSide, UpdateReason, Wallet, Withdraw, Written, WrittenNumber,
};
use std::fmt::Write;

const GOLDEN: &str = include_str!("golden/stored.txt");
/// Commands as they were written before contracts had a least funding rate.
const OLD_COMMANDS: &str = include_str!("golden/commands-2.txt");

#[test]
fn no_stored_form_changes_without_a_new_version() {
    let mut lines = String::new();
    codes(&mut lines);
    for command in commands() {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        assert_eq!(Command::decode(&bytes).as_ref(), Ok(&command));
        line(&mut lines, "command", Command::STORED_CODES, &bytes);
    }
    for event in events() {
        let mut bytes = Vec::new();
        event.encode(&mut bytes);
        line(&mut lines, "event", Event::STORED_CODES, &bytes);
    }
    let state = busy().exchange.encode();
    writeln!(lines, "state {} {}", state[0], hex(&state[1..])).expect("into memory");
    let state = amid_work().encode();
    writeln!(lines, "state {} amid work {}", state[0], hex(&state[1..])).expect("into memory");
    let state = amid_funding().encode();
    writeln!(lines, "state {} amid funding {}", state[0], hex(&state[1..])).expect("into memory");
    let state = amid_settlement().encode();
    writeln!(lines, "state {} amid settlement {}", state[0], hex(&state[1..])).expect("into memory");
    let (golden, found): (Vec<_>, Vec<_>) = (GOLDEN.lines().collect(), lines.lines().collect());
    let changed: Vec<_> = found.iter().filter(|line| !golden.contains(line)).collect();
    let gone: Vec<_> = golden.iter().filter(|line| !found.contains(line)).collect();
    assert!(changed.is_empty() && gone.is_empty(), "gone:\n{gone:#?}\nnew:\n{}", {
        changed.iter().map(|line| format!("{line}\n")).collect::<String>()
    });
}

#[test]
fn commands_of_before_funding_are_read_as_they_were() {
    // A genesis had no past.
    let without_past = |command: &mut Command| {
        if let Command::Genesis(genesis) = command {
            genesis.pasts.clear();
        }
    };
    let mut read = 0;
    for line in OLD_COMMANDS.lines() {
        let [_, version, name, bytes] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let bytes: Vec<u8> = (0..bytes.len()).step_by(2).map(|at| byte(&bytes[at..at + 2])).collect();
        let stored: Vec<u8> = std::iter::once(version.parse().expect("a version")).chain(bytes).collect();
        let found = Command::decode(&stored).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut now = commands();
        now.iter_mut().for_each(without_past);
        assert!(now.contains(&found), "{name}: {found:?}");
        assert!(Command::decode(&stored[..stored.len() - 1]).is_err(), "{name} that is cut");
        read += 1;
    }
    assert!(read >= 3);
}

fn byte(hex: &str) -> u8 {
    u8::from_str_radix(hex, 16).expect("two digits")
}

#[test]
fn every_variant_of_what_is_stored_has_its_bytes_in_the_golden_file() {
    for (what, table) in [("command", Command::STORED_CODES), ("event", Event::STORED_CODES)] {
        for (_, name) in table {
            let of =
                |line: &&str| line.starts_with(&format!("{what} ")) && line.contains(&format!(" {name} "));
            assert!(GOLDEN.lines().any(|line| of(&line)), "{what} {name} has no sample");
        }
    }
}

/// `what version Variant bytes`, the variant told by its code.
fn line(to: &mut String, what: &str, table: &[(u8, &str)], bytes: &[u8]) {
    let (_, name) = table.iter().find(|(code, _)| *code == bytes[1]).expect("a code of the table");
    writeln!(to, "{what} {} {name} {}", bytes[0], hex(&bytes[1..])).expect("into memory");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn codes(to: &mut String) {
    macro_rules! tables {
        ($($name:ident)+) => { $(
            for (code, variant) in $name::STORED_CODES {
                writeln!(to, "code {} {variant} {code}", stringify!($name)).expect("into memory");
            }
        )+ };
    }
    tables! {
        Command Event OrderStatus UpdateReason OrderError BalanceCause FillRole OrderType OnGrid ClientOrderId AskedOffset OrderRef QtyMode
        TriggerKind Signal TriggerSide DistanceUnit Side Wallet ContractKind SelfTradeStrategy MarketState Dislocation TimeFrame
    }
}

fn usd(whole: i128) -> Money {
    Money(whole * Money::ONE)
}

fn spec() -> InstrumentSpec {
    InstrumentSpec {
        symbol: "FI_XBTUSD_260327".into(),
        kind: ContractKind::Inverse,
        pair: "XBT:USD".into(),
        base: Currency::parse("BTC").expect("a code"),
        quote: Currency::USD,
        tick_mantissa: 5,
        tick_scale: 1,
        lot_precision: -1,
        max_position: Qty(40_000),
        impact_mid_size: Qty(1_000),
        margin_levels: vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }],
        opening: Timestamp(1),
        expiry: Some(Timestamp(1_774_627_200_000_000)),
        funding_rate_coefficient: 8,
        max_relative_funding_rate: 500_000,
        min_relative_funding_rate: None,
    }
}

fn past() -> MarketPast {
    MarketPast {
        instrument: InstrumentId(0),
        trades: 1_000,
        last: PastTrade { price: Price(100_000), qty: Qty(7), side: Side::Sell, at: Timestamp(8) },
        mark: FinePrice(50_001 * 10_i128.pow(18)),
        hours: vec![PastHour {
            opened: Timestamp(5),
            open: Price(99_990),
            high: Price(100_010),
            low: Price(99_980),
            qty: Qty(300),
            value: Fine(6 * 10_i128.pow(21)),
        }],
        rates: vec![PastRate { hour: Timestamp(5), relative: -3, absolute: 40 }],
    }
}

fn placed() -> PlaceOrder {
    PlaceOrder {
        account: AccountId(3),
        instrument: InstrumentId(1),
        side: Side::Sell,
        order_type: OrderType::ImmediateOrCancel,
        qty: OnGrid::Steps(70),
        limit_price: Some(OnGrid::Off),
        stop_price: Some(OnGrid::TooLarge),
        trigger: Some(Box::new(AskedTrigger {
            kind: TriggerKind::TrailingStop,
            signal: Signal::Mark,
            deviation: Some(AskedDistance { unit: DistanceUnit::Quote, steps: OnGrid::Steps(-5) }),
        })),
        limit_offset: Some(AskedOffset::Distance(AskedDistance {
            unit: DistanceUnit::Percent,
            steps: OnGrid::Steps(25),
        })),
        reduce_only: true,
        client_order_id: Some(ClientOrderId::Valid("mine".into())),
        algo_id: Some("grid".into()),
        process_before: Some(Timestamp(9)),
    }
}

fn edited(order: OrderRef) -> EditOrder {
    EditOrder {
        account: AccountId(3),
        order,
        instrument: Some(InstrumentId(1)),
        limit_price: Some(OnGrid::Steps(49_000)),
        stop_price: Some(OnGrid::Off),
        deviation: Some(AskedDeviation { percent: OnGrid::Steps(10), quote: OnGrid::TooLarge }),
        deviation_unit: Some(DistanceUnit::Percent),
        qty: Some(OnGrid::Steps(5)),
        qty_mode: QtyMode::Absolute,
        process_before: None,
    }
}

fn commands() -> Vec<Command> {
    let (account, instrument, pair, order) = (AccountId(3), InstrumentId(1), PairId(2), OrderId(300));
    let currency = Currency::USD;
    let price = FinePrice(50_000 * 10_i128.pow(18));
    let plain = |client_order_id, limit_offset| PlaceOrder {
        trigger: None,
        client_order_id: Some(client_order_id),
        limit_offset: Some(limit_offset),
        ..placed()
    };
    vec![
        Command::Genesis(Box::new(Genesis {
            table_seed: 7,
            instruments: vec![spec()],
            indexes: vec![("XBT:USD".into(), price)],
            limits: Limits::default(),
            pasts: vec![past()],
        })),
        Command::Start,
        Command::Advance,
        Command::CreateAccount(CreateAccount { parent: Some(account), house: true }),
        Command::Deposit(Deposit { account, wallet: Wallet::Inverse(pair), currency, amount: usd(-5) }),
        Command::List(Box::new(spec())),
        Command::PublishIndex { pair, price },
        Command::PinIndex { pair, price: Some(price) },
        Command::PinMark { instrument, price: None },
        Command::Place(placed()),
        Command::Place(plain(ClientOrderId::TooLong, AskedOffset::BadValue)),
        Command::Place(plain(ClientOrderId::Invalid, AskedOffset::BadUnit)),
        Command::Place(plain(ClientOrderId::Valid("x".into()), AskedOffset::Incomplete)),
        Command::Edit(edited(OrderRef::Id(order))),
        Command::Edit(edited(OrderRef::Client("mine".into()))),
        Command::Cancel(CancelOrder {
            account,
            order: OrderRef::Id(order),
            process_before: Some(Timestamp(9)),
        }),
        Command::CancelAll { account, instrument: Some(instrument) },
        Command::CancelAllAfter { account, timeout_seconds: 60 },
        Command::SetSelfTrade { account, strategy: SelfTradeStrategy::CancelMakerAny },
        Command::SetLeverage { account, instrument, leverage: Some(Leverage(500)) },
        Command::SetTrading { account, enabled: false },
        Command::Transfer(Transfer {
            by: account,
            from: account,
            from_wallet: Wallet::Flex,
            to: AccountId(4),
            to_wallet: Wallet::Cash,
            currency,
            amount: usd(1),
        }),
        Command::Withdraw(Withdraw { account, wallet: Wallet::Flex, currency, amount: usd(2) }),
        Command::SetMarketState { instrument, state: MarketState::PostOnly },
        Command::Expire { instrument },
        Command::AdminCancel { order },
        Command::ReplaceTrailingStop { order },
        Command::SetActive { account, active: true },
        Command::SetLimits {
            account: Some(account),
            instrument: None,
            change: LimitsChange { open_orders: Some(3), price_collar: Some(1), ..LimitsChange::default() },
        },
        Command::InjectCodes { order, reason: Some(200), trigger_side: None, trigger_signal: Some(7) },
        Command::InjectPanic,
        Command::SetMarkSmoothing { seconds: 5 },
        Command::PinPrices { instrument, index: Some(price), mark: None },
        Command::PlaceOffGrid(Box::new((placed(), written()))),
        Command::EditOffGrid(Box::new((edited(OrderRef::Id(order)), written()))),
        Command::Cancel(CancelOrder { account, order: OrderRef::Foreign(u128::MAX), process_before: None }),
        Command::SetPnlPreference { account, instrument, currency: Some(currency) },
        Command::SetInterest { rate: 1_000 },
        Command::AddAssignmentProgram { account, program: Box::new(program()) },
        Command::RemoveAssignmentProgram { account, program: ProgramId(5) },
        Command::SetPool { currency, amount: usd(1_000) },
    ]
}

fn program() -> AssignmentProgram {
    AssignmentProgram {
        kind: ContractKind::Linear,
        instrument: Some(InstrumentId(0)),
        base: None,
        quote: Some(Currency::USD),
        max_size: Some(10_000_000),
        max_position: None,
        accept_long: true,
        accept_short: false,
        time_frame: TimeFrame::Weekend,
        enabled: true,
        max_notional: Some(usd(1_000_000)),
        min_profit_long: Some(-50_000),
        min_profit_short: None,
    }
}

fn written() -> Written {
    Written {
        qty: WrittenNumber::new("0.00001"),
        limit_price: WrittenNumber::new("49000.3"),
        ..Written::default()
    }
}

/// Of an hour.
fn rate() -> FundingRate {
    FundingRate { relative: -7 * 10_i128.pow(13), absolute: 3 * 10_i128.pow(18) }
}

fn shown() -> OrderView {
    OrderView {
        id: OrderId(300),
        account: AccountId(3),
        instrument: InstrumentId(1),
        side: Side::Buy,
        order_type: OrderType::Limit,
        status: OrderStatus::TriggerPlaced,
        reason: Some(UpdateReason::NewUserOrder),
        error: Some(OrderError::EditHasNoEffect),
        limit_price: Some(Price(49_000)),
        qty: Some(Qty(70)),
        filled: Qty(0),
        reduce_only: true,
        client_order_id: Some("mine".into()),
        attached: Some(std::sync::Arc::new(Attached {
            algo_id: Some("grid".into()),
            trigger: Some(Trigger {
                kind: TriggerKind::TrailingStop,
                signal: Signal::Index,
                shown_signal: Some(Signal::Index),
                shown_side: Some(TriggerSide::Above),
                price: Some(Price(50_000)),
                deviation: Some(Distance { unit: DistanceUnit::Percent, steps: 100 }),
                limit_offset: Some(Distance { unit: DistanceUnit::Quote, steps: -3 }),
                fired_at: Some(Timestamp(8)),
            }),
        })),
        placed_at: Timestamp(5),
        updated_at: Timestamp(6),
    }
}

fn events() -> Vec<Event> {
    let (account, instrument, pair, id) = (AccountId(3), InstrumentId(1), PairId(2), OrderId(300));
    let price = FinePrice(50_000 * 10_i128.pow(18));
    let (currency, at) = (Currency::USD, Timestamp(9));
    let fill = |role, client_order_id| Fill {
        number: 12,
        log: 40,
        order: id,
        account,
        role,
        order_type: OrderType::Post,
        client_order_id,
        filled_before: Qty(1),
        qty: Qty(70),
        fee: usd(-1),
        fee_rate: -20_000,
        realized_pnl: usd(2),
        realized_funding: usd(0),
        liquidation_fee: usd(3),
        position: -7,
        entry_before: Fine(-5),
        entry: Fine(6),
        opened_at: Some(Timestamp(4)),
        balance: usd(100),
        gain: None,
    };
    let gain = GainPaid {
        currency: Currency::parse("EUR").expect("a code"),
        amount: usd(2),
        index: price,
        balance: usd(5),
    };
    let leg = |log| ConversionLeg { currency, amount: usd(1), balance: usd(3), log };
    vec![
        Event::Listed { instrument, pair, spec: Box::new(spec()), at },
        Event::AccountCreated { account, parent: None, house: true, at },
        Event::Placed { order: shown(), reduced: Some(Qty(4)) },
        Event::Fired { order: shown(), reduced: None },
        Event::ActivationFailed { order: shown() },
        Event::Repriced { order: shown() },
        Event::Rejected { order: shown(), written: Some(Box::new(written())) },
        Event::Rejected { order: shown(), written: None },
        Event::Executed(Box::new(Execution {
            id: ExecutionId(9),
            at,
            instrument,
            trade: 3,
            price: Price(49_000),
            qty: Qty(2),
            usd_value: usd(4),
            mark: Some(price),
            taker_side: Side::Sell,
            wallet: Wallet::Inverse(pair),
            currency,
            taker: fill(FillRole::TakerAfterEdit, Some("mine".into())),
            maker: Fill { gain: Some(Box::new(gain)), ..fill(FillRole::Maker, None) },
        })),
        Event::Filled { order: id, account },
        Event::Cancelled { order: shown() },
        Event::Edited {
            change: Box::new(OrderChange { prior: shown(), order: shown() }),
            reduced: Some(Qty(1)),
        },
        Event::Reduced { order: shown(), by: Qty(5) },
        Event::EditRejected(Box::new(EditRefusal {
            order: shown(),
            attempted: shown(),
            written: Some(Box::new(written())),
            error: OrderError::InvalidPrice,
            at,
        })),
        Event::NotFound { account, order: OrderRef::Foreign(u128::MAX), at },
        Event::Noted {
            order: id,
            account,
            reason: None,
            error: Some(OrderError::OrderForCancellationNotFound),
        },
        Event::Rewritten { order: shown() },
        Event::Forgotten { order: id, account },
        Event::Level { instrument, side: Side::Buy, price: Price(49_000), qty: Qty(0), number: 8, at },
        Event::Balance {
            account,
            wallet: Wallet::Flex,
            currency,
            change: usd(-2),
            balance: usd(7),
            log: 41,
            cause: BalanceCause::SubaccountTransfer,
            at,
        },
        Event::Market { instrument, state: MarketState::Expired, at },
        Event::Account { account, active: true, trading: false, at },
        Event::Leverage { account, instrument, leverage: Some(Leverage(500)), at },
        Event::Funding(Box::new(FundingBooked {
            account,
            instrument,
            log: 42,
            rate: rate(),
            realized: usd(-3),
            position: -7,
            entry: Fine(6),
            opened_at: Some(Timestamp(4)),
            mark: Some(price),
            wallet: Wallet::Inverse(pair),
            currency,
            balance: usd(97),
            at,
        })),
        Event::Converted(Box::new(Conversion {
            account,
            debit: leg(43),
            credit: leg(44),
            rate: price,
            spread: 500,
            fee: usd(1),
            at,
        })),
        Event::PnlPreference { account, instrument, currency: None, at },
        Event::Interest(Box::new(InterestPaid {
            account,
            log: 45,
            loss: usd(9),
            rate: 1_000,
            amount: usd(1),
            balance: usd(-1),
            at,
        })),
        Event::FundingRate { instrument, rate: rate(), hour: Timestamp(0), at },
        Event::AssignmentProgram(Box::new(ProgramChange {
            id: ProgramId(5),
            account,
            program: program(),
            removed: true,
            at,
        })),
        Event::Pool { currency, change: usd(-1), amount: usd(1_000), at },
        Event::Delisting { instrument, settles_at: Timestamp(900_000_009), at },
        Event::SettlementPrice { instrument, price, at },
        Event::Settled(Box::new(Settlement {
            execution: ExecutionId(12),
            account,
            instrument,
            log: 43,
            price,
            closed: -7,
            entry: Fine(6),
            opened_at: Some(Timestamp(4)),
            fee: usd(2),
            fee_rate: 50_000,
            realized_pnl: usd(-1),
            realized_funding: usd(3),
            mark: Some(price),
            wallet: Wallet::Inverse(pair),
            currency,
            balance: usd(98),
            at,
        })),
        Event::Index { pair, price, at },
        Event::Past { past: Box::new(past()), at },
        Event::Mark { instrument, price, at },
    ]
}

/// A venue with something in every list of the state.
fn busy() -> Desk {
    let mut desk = Desk::listed();
    desk.apply(&Command::AddAssignmentProgram { account: desk.bob, program: Box::new(program()) });
    desk.apply(&Command::AddAssignmentProgram { account: desk.bob, program: Box::new(program()) });
    desk.apply(&Command::RemoveAssignmentProgram { account: desk.bob, program: ProgramId(1) });
    desk.done(&Command::SetPool { currency: Currency::USD, amount: usd(1_000) });
    desk.apply(&Command::List(Box::new(InstrumentSpec { opening: Timestamp(0), ..spec() })));
    desk.done(&Command::SetSelfTrade { account: desk.alice, strategy: SelfTradeStrategy::CancelMakerSelf });
    desk.done(&Command::SetLimits {
        account: Some(desk.carol),
        instrument: Some(InstrumentId(0)),
        change: LimitsChange { open_orders: Some(3), ..LimitsChange::default() },
    });
    desk.done(&Command::SetLeverage {
        account: desk.bob,
        instrument: InstrumentId(0),
        leverage: Some(Leverage(1_000)),
    });
    let eur = Currency::parse("EUR").expect("a code");
    desk.done(&Command::Deposit(Deposit {
        account: desk.alice,
        wallet: Wallet::Flex,
        currency: eur,
        amount: usd(7),
    }));
    desk.done(&Command::SetPnlPreference {
        account: desk.alice,
        instrument: InstrumentId(0),
        currency: Some(eur),
    });
    desk.done(&Command::SetInterest { rate: 1_000 });
    desk.placed(desk.bob, ask(100, 50_010));
    desk.placed(desk.bob, bid(100, 49_990));
    let mut named = bid(150, 50_010);
    named.client_order_id = Some(ClientOrderId::Valid("mine".into()));
    desk.placed(desk.alice, named);
    desk.placed(desk.alice, reduce_only(ask(20, 51_000)));
    desk.placed(desk.alice, stop(ask(40, 1), 40_000));
    let mut trailing = stop(ask(10, 1), 1);
    (trailing.stop_price, trailing.limit_price) = (None, None);
    trailing.trigger = Some(Box::new(AskedTrigger {
        kind: TriggerKind::TrailingStop,
        signal: Signal::Mark,
        deviation: Some(AskedDistance { unit: DistanceUnit::Percent, steps: OnGrid::Steps(100) }),
    }));
    desk.placed(desk.alice, trailing);
    desk.apply(&Command::CancelAllAfter { account: desk.alice, timeout_seconds: 60 });
    desk.wait(1_500_000);
    let gone = desk.placed(desk.carol, ask(5, 50_500));
    desk.cancel(desk.carol, gone);
    desk
}

/// A venue in its third hour, of whose positions one is booked.
fn amid_funding() -> Exchange {
    let mut desk = Desk::listed();
    desk.placed(desk.carol, bid(1_000, 50_190));
    desk.placed(desk.carol, ask(1_000, 50_210));
    desk.placed(desk.bob, ask(100, 50_200));
    desk.placed(desk.alice, bid(100, 50_200));
    desk.wait(3_600 * Timestamp::SECOND + 1_500_000);
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let mut events = Vec::new();
    while !events.iter().any(|event| matches!(event, Event::Funding(_))) {
        exchange.apply(Timestamp(7_200 * Timestamp::SECOND), &Command::Advance, &mut events);
    }
    exchange
}

/// A venue whose dated contract has come to its end, with one of two positions closed; whose perpetual is delisted, and whose marks
/// are not smoothed.
fn amid_settlement() -> Exchange {
    let mut desk = Desk::listed();
    let opening = Timestamp(0);
    let expiry = desk.exchange.now().plus(900 * Timestamp::SECOND);
    let dated = InstrumentSpec { opening, expiry: Some(expiry), lot_precision: 0, ..spec() };
    desk.apply(&Command::List(Box::new(dated)));
    desk.done(&Command::SetMarkSmoothing { seconds: 0 });
    let base = Currency::parse("BTC").expect("a code");
    for account in [desk.alice, desk.bob] {
        let wallet = Wallet::Inverse(PairId(0));
        desk.done(&Command::Deposit(Deposit { account, wallet, currency: base, amount: usd(1) }));
    }
    desk.second_again(InstrumentId(2));
    desk.placed(desk.bob, ask(100, 100_000));
    desk.placed(desk.alice, bid(100, 100_000));
    desk.apply(&Command::Expire { instrument: InstrumentId(0) });
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let mut events = Vec::new();
    while !events.iter().any(|event| matches!(event, Event::Settled(_))) {
        exchange.apply(expiry, &Command::Advance, &mut events);
    }
    exchange
}

/// A venue that has something to do: accounts to look over, triggers that are due, a contract to clear.
fn amid_work() -> Exchange {
    let mut desk = Desk::listed();
    desk.placed(desk.bob, ask(100, 50_010));
    desk.placed(desk.alice, bid(100, 50_010));
    for price in [49_900, 49_800] {
        desk.placed(desk.alice, stop(ask(10, 40_000), price));
    }
    desk.inverse();
    for price in [10_000, 10_002] {
        desk.placed(desk.alice, bid(10, price));
    }
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let price = Some(FinePrice(49_000 * 10_i128.pow(18)));
    let state = MarketState::Inactive;
    for command in [
        Command::PinMark { instrument: InstrumentId(0), price },
        Command::SetMarketState { instrument: InstrumentId(1), state },
    ] {
        exchange.apply(exchange.now(), &command, &mut Vec::new());
    }
    assert!(exchange.is_busy());
    exchange
}
