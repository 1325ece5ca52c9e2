//! Nothing that can be asked, and nothing that can be read, makes the engine panic.

use loligo_engine::{
    AccountId, AskedDeviation, AskedDistance, AskedOffset, AskedTrigger, CancelOrder, ClientOrderId, Command,
    ContractKind, CreateAccount, Currency, Deposit, DistanceUnit, EditOrder, Exchange, FinePrice, Genesis,
    InstrumentId, InstrumentSpec, Leverage, Limits, LimitsChange, MAX_LOTS, MAX_TICKS, MarginLevel,
    MarketState, Money, OnGrid, OrderId, OrderRef, OrderType, PairId, PlaceOrder, Qty, QtyMode,
    SelfTradeStrategy, Side, Signal, Timestamp, Transfer, TriggerKind, Wallet, Withdraw,
};
use loligo_sim::model::Model;
use loligo_sim::workload::Workload;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::LazyLock;

/// A venue with orders, positions and closed orders in it, as bytes.
static BUSY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (mut workload, mut model, mut engine) = (Workload::new(4), Model::new(), Exchange::new());
    for _ in 0..500 {
        let step = workload.next_step(&model);
        model.apply(step.time, &step.command);
        engine.apply(step.time, &step.command, &mut vec![]);
    }
    engine.encode()
});

/// What one would send, if at an odd scale: near a power of ten.
fn sensible() -> impl Strategy<Value = i64> {
    let exponent = prop_oneof![2 => 0..=3_u32, 1 => 0..=9_u32];
    (exponent, -1..=1_i64).prop_map(|(e, off)| (10_i64.pow(e) + off).max(1))
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        0..10_i64,
        1..100_000_i64,
        Just(i64::MAX),
        Just(i64::MIN),
        Just(MAX_TICKS),
        Just(MAX_TICKS + 1),
        Just(MAX_LOTS),
        Just(MAX_LOTS + 1),
    ]
}

fn wide() -> impl Strategy<Value = i128> {
    prop_oneof![
        any::<i128>(),
        number().prop_map(i128::from),
        (0..39_u32).prop_map(|e| 10_i128.pow(e.min(38))),
        (0..38_u32).prop_map(|e| -(10_i128.pow(e))),
        Just(i128::MAX),
        Just(i128::MIN),
    ]
}

fn grid() -> impl Strategy<Value = OnGrid> {
    prop_oneof![8 => number().prop_map(OnGrid::Steps), 30 => sensible().prop_map(OnGrid::Steps), 1 => Just(OnGrid::Off), 1 => Just(OnGrid::TooLarge)]
}

fn account() -> impl Strategy<Value = AccountId> {
    prop_oneof![30 => 0..4_u32, 5 => 0..8_u32, 1 => any::<u32>()].prop_map(AccountId)
}

fn instrument() -> impl Strategy<Value = InstrumentId> {
    prop_oneof![30 => 0..2_u16, 5 => 0..8_u16, 1 => any::<u16>()].prop_map(InstrumentId)
}

fn pair() -> impl Strategy<Value = PairId> {
    prop_oneof![9 => 0..6_u16, 1 => any::<u16>()].prop_map(PairId)
}

fn currency() -> impl Strategy<Value = Currency> {
    prop_oneof!["USD", "AAA", "EEE", "[A-Z0-9]{1,8}"].prop_map(|code| Currency::parse(&code).expect("a code"))
}

fn wallet() -> impl Strategy<Value = Wallet> {
    prop_oneof![Just(Wallet::Cash), Just(Wallet::Flex), pair().prop_map(Wallet::Inverse)]
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![1 => number(), 29 => (0..20_000_000_i64).prop_map(|t| 1_767_225_600_000_000 + t)]
        .prop_map(Timestamp)
}

fn name() -> impl Strategy<Value = ClientOrderId> {
    prop_oneof![
        8 => ".{0,101}".prop_map(|name: String| ClientOrderId::Valid(name.into())),
        8 => "again-[0-9]".prop_map(|name: String| ClientOrderId::Valid(name.into())),
        1 => Just(ClientOrderId::TooLong),
        1 => Just(ClientOrderId::Invalid),
    ]
}

fn order_ref() -> impl Strategy<Value = OrderRef> {
    prop_oneof![
        any::<u64>().prop_map(|id| OrderRef::Id(OrderId(id))),
        (0..600_u64).prop_map(|id| OrderRef::Id(OrderId(id))),
        "(again|once)-[0-9]{1,2}".prop_map(|name: String| OrderRef::Client(name.into())),
    ]
}

fn order_type() -> impl Strategy<Value = OrderType> {
    use OrderType::{FillOrKill, ImmediateOrCancel, Limit, Market, Post};
    proptest::sample::select(vec![Limit, Post, ImmediateOrCancel, Market, FillOrKill])
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![Just(Signal::Last), Just(Signal::Mark), Just(Signal::Index)]
}

fn unit() -> impl Strategy<Value = DistanceUnit> {
    prop_oneof![Just(DistanceUnit::Percent), Just(DistanceUnit::Quote)]
}

fn distance() -> impl Strategy<Value = AskedDistance> {
    let near = prop_oneof![10..5_000_i64, -5_000..5_000_i64].prop_map(OnGrid::Steps);
    (unit(), prop_oneof![1 => grid(), 2 => near]).prop_map(|(unit, steps)| AskedDistance { unit, steps })
}

fn offset() -> impl Strategy<Value = AskedOffset> {
    prop_oneof![
        9 => distance().prop_map(AskedOffset::Distance),
        1 => prop_oneof![Just(AskedOffset::BadValue), Just(AskedOffset::BadUnit), Just(AskedOffset::Incomplete)],
    ]
}

fn trigger() -> impl Strategy<Value = AskedTrigger> {
    use TriggerKind::{Stop, TakeProfit, TrailingStop};
    let plain =
        (prop_oneof![Just(Stop), Just(TakeProfit)], signal(), prop::option::weighted(0.05, distance()));
    let trailing = (Just(TrailingStop), signal(), prop::option::weighted(0.95, distance()));
    prop_oneof![plain, trailing].prop_map(|(kind, signal, deviation)| AskedTrigger {
        kind,
        signal,
        deviation,
    })
}

fn place() -> impl Strategy<Value = PlaceOrder> {
    let limit = prop::option::weighted(0.9, grid());
    let what = (account(), instrument(), side(), order_type(), grid(), limit);
    let waits = (prop::option::weighted(0.4, trigger()), grid(), prop::option::weighted(0.2, offset()));
    // What fits the trigger, in nine of ten cases.
    let odd = (prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    let late = prop::option::weighted(0.1, instant());
    let rest = (prop::bool::weighted(0.2), of(name()), of("[a-z]{0,9}"), late);
    (what, waits, odd, rest).prop_map(|(what, waits, odd, rest)| {
        let (account, instrument, side, order_type, qty, limit_price) = what;
        let (trigger, stop, offset) = waits;
        let (reduce_only, client_order_id, algo_id, process_before) = rest;
        let kind = trigger.as_ref().map(|trigger: &AskedTrigger| trigger.kind);
        let stops = matches!(kind, Some(TriggerKind::Stop | TriggerKind::TakeProfit));
        let limited = kind.is_none() || (stops && offset.is_none());
        PlaceOrder {
            account,
            instrument,
            side,
            order_type,
            qty,
            limit_price: limit_price.filter(|_| limited != odd.0),
            stop_price: (stops != odd.1).then_some(stop),
            trigger: trigger.map(Box::new),
            limit_offset: offset.filter(|_| kind.is_some() != odd.0),
            reduce_only,
            client_order_id,
            algo_id: algo_id.map(|algo: String| algo.into()),
            process_before,
        }
    })
}

fn edit() -> impl Strategy<Value = EditOrder> {
    let mode = prop_oneof![Just(QtyMode::Relative), Just(QtyMode::Absolute)];
    let deviation = (grid(), grid()).prop_map(|(percent, quote)| AskedDeviation { percent, quote });
    let deviation = (prop::option::weighted(0.2, deviation), prop::option::weighted(0.2, unit()));
    let stop = prop::option::weighted(0.2, grid());
    (account(), order_ref(), of(grid()), stop, deviation, of(grid()), mode, of(instant())).prop_map(
        |(account, order, limit_price, stop_price, deviation, qty, qty_mode, process_before)| EditOrder {
            account,
            order,
            instrument: None,
            limit_price,
            stop_price,
            deviation: deviation.0,
            deviation_unit: deviation.1,
            qty,
            qty_mode,
            process_before,
        },
    )
}

fn spec() -> impl Strategy<Value = InstrumentSpec> {
    let kind = prop_oneof![Just(ContractKind::Linear), Just(ContractKind::Inverse)];
    let level = (number(), any::<u32>(), 0..1_100_000_u32).prop_map(|(from, initial, maintenance)| {
        MarginLevel { from: from.unsigned_abs(), initial, maintenance }
    });
    let fair = Just(vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }]);
    let levels = prop_oneof![2 => fair, 1 => vec(level, 0..4)];
    let names = ("[A-Z_]{0,12}|[a-z]{0,50}", kind, "AAA:USD|[A-Z:]{0,9}", currency(), currency());
    let scale = prop_oneof![0..20_u8, any::<u8>()];
    let precision = prop_oneof![-4..8_i8, any::<i8>()];
    let grid = (prop_oneof![1..100_u32, any::<u32>()], scale, precision, number(), number(), levels);
    let most = prop_oneof![3 => 0..100_000_000_u32, 1 => any::<u32>()];
    let dates = (instant(), of(instant()), any::<u32>(), most, of(any::<i32>()));
    (names, grid, dates).prop_map(|(names, grid, dates)| {
        let (symbol, kind, pair, base, quote) = names;
        let (tick_mantissa, tick_scale, lot_precision, most, impact, margin_levels) = grid;
        let (opening, expiry, funding_rate_coefficient, max_relative_funding_rate, least) = dates;
        InstrumentSpec {
            symbol,
            kind,
            pair,
            base,
            quote,
            tick_mantissa,
            tick_scale,
            lot_precision,
            max_position: Qty(most),
            impact_mid_size: Qty(impact),
            margin_levels,
            opening,
            expiry,
            funding_rate_coefficient,
            max_relative_funding_rate,
            min_relative_funding_rate: least,
        }
    })
}

/// A contract that is listed, or nearly so.
fn sound_spec() -> impl Strategy<Value = InstrumentSpec> {
    let large = || prop_oneof![1 => 1..=MAX_LOTS, 8 => (2..=9_u32).prop_map(|e| 10_i64.pow(e))];
    let tick = prop_oneof![Just(1_u32), 1..1_000_u32, Just(u32::MAX)];
    (spec(), "[A-Z]{6}", tick, 0..=18_u8, -3..=8_i8, large(), large()).prop_map(
        |(spec, symbol, tick_mantissa, tick_scale, lot_precision, most, impact)| InstrumentSpec {
            symbol,
            pair: "AAA:USD".into(),
            base: Currency::parse("AAA").expect("a code"),
            quote: Currency::USD,
            tick_mantissa,
            tick_scale,
            lot_precision,
            max_position: Qty(most),
            impact_mid_size: Qty(impact),
            margin_levels: vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }],
            opening: Timestamp(0),
            expiry: None,
            funding_rate_coefficient: 8,
            max_relative_funding_rate: spec.max_relative_funding_rate.min(100_000_000),
            min_relative_funding_rate: None,
            ..spec
        },
    )
}

fn genesis() -> impl Strategy<Value = Genesis> {
    let counts = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    let limits = (counts, any::<u32>(), any::<u64>(), any::<u32>()).prop_map(
        |(
            (open_orders, triggers, trailing_stops, small_orders),
            small_order_usd,
            order_value_usd,
            price_collar,
        )| {
            Limits {
                open_orders,
                triggers,
                trailing_stops,
                small_orders,
                small_order_usd,
                order_value_usd,
                price_collar,
            }
        },
    );
    let none = Limits {
        open_orders: u32::MAX,
        triggers: u32::MAX,
        trailing_stops: u32::MAX,
        small_orders: u32::MAX,
        small_order_usd: 0,
        order_value_usd: u64::MAX,
        price_collar: u32::MAX,
    };
    let limits = prop_oneof![1 => limits, 1 => Just(Limits::default()), 2 => Just(none)];
    let indexes = vec(("AAA:USD|[A-Z:]{0,9}", wide().prop_map(FinePrice)), 0..4);
    let indexes = prop_oneof![
        1 => indexes,
        6 => (8..=27_u32).prop_map(|e| vec![("AAA:USD".to_owned(), FinePrice(10_i128.pow(e)))]),
    ];
    let instruments = prop_oneof![1 => vec(spec(), 0..4), 8 => Just(vec![])];
    (any::<u64>(), instruments, indexes, limits).prop_map(|(table_seed, instruments, indexes, limits)| {
        Genesis { table_seed, instruments, indexes, limits, pasts: Vec::new() }
    })
}

fn market_state() -> impl Strategy<Value = MarketState> {
    use MarketState::{Expired, Inactive, Open, PostOnly, PreLaunch, Suspended};
    prop_oneof![
        8 => Just(Open),
        3 => prop_oneof![Just(Suspended), Just(PostOnly)],
        1 => prop_oneof![Just(PreLaunch), Just(Inactive), Just(Expired)],
    ]
}

fn order_id() -> impl Strategy<Value = OrderId> {
    prop_oneof![1 => any::<u64>(), 9 => 0..600_u64].prop_map(OrderId)
}

fn limits_change() -> impl Strategy<Value = LimitsChange> {
    let counts = (of(any::<u32>()), of(any::<u32>()), of(any::<u32>()), of(any::<u32>()));
    (counts, of(any::<u32>()), of(any::<u64>()), of(any::<u32>())).prop_map(
        |(
            (open_orders, triggers, trailing_stops, small_orders),
            small_order_usd,
            order_value_usd,
            price_collar,
        )| {
            LimitsChange {
                open_orders,
                triggers,
                trailing_stops,
                small_orders,
                small_order_usd,
                order_value_usd,
                price_collar,
            }
        },
    )
}

/// What moves money at its owner's wish.
fn moving() -> impl Strategy<Value = Command> {
    prop_oneof![
        (account(), account(), account(), wallet(), wallet(), currency(), wide()).prop_map(
            |(by, from, to, from_wallet, to_wallet, currency, amount)| {
                let amount = Money(amount);
                Command::Transfer(Transfer { by, from, from_wallet, to, to_wallet, currency, amount })
            }
        ),
        (account(), wallet(), currency(), wide()).prop_map(|(account, wallet, currency, amount)| {
            Command::Withdraw(Withdraw { account, wallet, currency, amount: Money(amount) })
        }),
    ]
}

/// What is switched, by operators, masters and clients.
fn switching() -> impl Strategy<Value = Command> {
    use SelfTradeStrategy::{CancelMakerAny, CancelMakerChild, CancelMakerSelf, RejectTaker};
    let leverage = prop_oneof![any::<u32>(), 90..5_100_u32].prop_map(Leverage);
    let seconds = prop_oneof![0..4_u32, any::<u32>()];
    let strategy =
        proptest::sample::select(vec![RejectTaker, CancelMakerSelf, CancelMakerChild, CancelMakerAny]);
    prop_oneof![
        4 => (account(), seconds)
            .prop_map(|(account, timeout_seconds)| Command::CancelAllAfter { account, timeout_seconds }),
        4 => (account(), strategy).prop_map(|(account, strategy)| Command::SetSelfTrade { account, strategy }),
        4 => (account(), instrument(), of(leverage)).prop_map(|(account, instrument, leverage)| {
            Command::SetLeverage { account, instrument, leverage }
        }),
        2 => (account(), any::<bool>()).prop_map(|(account, enabled)| Command::SetTrading { account, enabled }),
        2 => (account(), prop::bool::weighted(0.7))
            .prop_map(|(account, active)| Command::SetActive { account, active }),
        4 => (instrument(), market_state())
            .prop_map(|(instrument, state)| Command::SetMarketState { instrument, state }),
        1 => instrument().prop_map(|instrument| Command::Expire { instrument }),
        3 => order_id().prop_map(|order| Command::AdminCancel { order }),
        6 => order_id().prop_map(|order| Command::ReplaceTrailingStop { order }),
        1 => (of(account()), of(instrument()), limits_change())
            .prop_map(|(account, instrument, change)| Command::SetLimits { account, instrument, change }),
        2 => (order_id(), of(any::<u8>()), of(any::<u8>()), of(any::<u8>())).prop_map(
            |(order, reason, trigger_side, trigger_signal)| {
                Command::InjectCodes { order, reason, trigger_side, trigger_signal }
            }
        ),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let price =
        || prop_oneof![wide(), (1..10_i128.pow(9)).prop_map(|p| p * 10_i128.pow(15))].prop_map(FinePrice);
    prop_oneof![
        1 => genesis().prop_map(|genesis| Command::Genesis(Box::new(genesis))),
        1 => Just(Command::Start),
        1 => Just(Command::Advance),
        1 => (of(account()), any::<bool>())
            .prop_map(|(parent, house)| Command::CreateAccount(CreateAccount { parent, house })),
        4 => (account(), wallet(), currency(), wide()).prop_map(|(account, wallet, currency, amount)| {
            Command::Deposit(Deposit { account, wallet, currency, amount: Money(amount) })
        }),
        2 => prop_oneof![spec(), sound_spec()].prop_map(|spec| Command::List(Box::new(spec))),
        4 => (pair(), price()).prop_map(|(pair, price)| Command::PublishIndex { pair, price }),
        4 => (pair(), of(price())).prop_map(|(pair, price)| Command::PinIndex { pair, price }),
        4 => (instrument(), of(price())).prop_map(|(instrument, price)| Command::PinMark { instrument, price }),
        5 => switching(),
        3 => moving(),
        20 => place().prop_map(Command::Place),
        10 => edit().prop_map(Command::Edit),
        4 => (account(), order_ref(), of(instant())).prop_map(|(account, order, process_before)| {
            Command::Cancel(CancelOrder { account, order, process_before })
        }),
        1 => (account(), of(instrument()))
            .prop_map(|(account, instrument)| Command::CancelAll { account, instrument }),
    ]
}

fn apply_all(engine: &mut Exchange, steps: &[(Timestamp, Command)]) -> Result<(), TestCaseError> {
    let mut events = vec![];
    for (time, command) in steps {
        events.clear();
        engine.apply(*time, command, &mut events);
    }
    engine.audit().map_err(|violation| TestCaseError::fail(violation.to_string()))?;
    for account in (0..engine.account_count() as u32).map(AccountId) {
        engine.wallets(account);
        engine.positions(account);
    }
    let hash = Exchange::decode(&engine.encode()).map(|restored| restored.state_hash());
    prop_assert_eq!(hash, Ok(engine.state_hash()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_panics_in_a_busy_venue(steps in vec((instant(), command()), 1..40)) {
        let mut engine = Exchange::decode(&BUSY).expect("just written");
        apply_all(&mut engine, &steps)?;
    }

    #[test]
    fn no_command_panics_in_a_venue_of_any_genesis(
        first in genesis(),
        contracts in vec(sound_spec(), 8),
        steps in vec((instant(), command()), 1..60),
    ) {
        let mut engine = Exchange::new();
        let start = Timestamp(1_767_225_600_000_000);
        let base = Currency::parse("AAA").expect("a code");
        engine.apply(start, &Command::Genesis(Box::new(first)), &mut vec![]);
        // Listed one by one: what is out of range is refused, what is left trades.
        for spec in contracts {
            engine.apply(start, &Command::List(Box::new(spec)), &mut vec![]);
        }
        for account in 0..4 {
            let open = Command::CreateAccount(CreateAccount { parent: None, house: false });
            engine.apply(start, &open, &mut vec![]);
            // As rich as a wallet may be, so that size alone refuses little.
            for (wallet, currency) in [(Wallet::Flex, Currency::USD), (Wallet::Inverse(PairId(0)), base)] {
                let (account, amount) = (AccountId(account), Money(10_i128.pow(12) * Money::ONE));
                let give = Command::Deposit(Deposit { account, wallet, currency, amount });
                engine.apply(start, &give, &mut vec![]);
            }
        }
        apply_all(&mut engine, &steps)?;
    }

    #[test]
    fn stored_forms_of_any_command_are_read_as_they_were_written(command in command()) {
        let mut bytes = vec![];
        command.encode(&mut bytes);
        prop_assert_eq!(Command::decode(&bytes), Ok(command));
    }

    #[test]
    fn no_bytes_panic_when_read_as_a_command(
        mut bytes in vec(any::<u8>(), 0..200),
        versioned in any::<bool>(),
    ) {
        if let (true, Some(first)) = (versioned, bytes.first_mut()) {
            *first = 1;
        }
        if let Ok(command) = Command::decode(&bytes)
            && command != Command::InjectPanic
        {
            let mut engine = Exchange::decode(&BUSY).expect("just written");
            apply_all(&mut engine, &[(Timestamp(0), command)])?;
        }
    }

    #[test]
    fn no_damage_to_a_command_panics_when_it_is_read(
        command in command(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let mut bytes = vec![];
        command.encode(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(command) = Command::decode(&bytes)
            && command != Command::InjectPanic
        {
            let mut engine = Exchange::decode(&BUSY).expect("just written");
            apply_all(&mut engine, &[(Timestamp(0), command)])?;
        }
    }
}
