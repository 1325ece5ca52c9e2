//! The views against the engine itself: after every step of a long random run they tell the same.

use super::*;
use crate::listing::Listing;
use loligo_engine::{
    AccountId, CancelOrder, ClientOrderId, Command, CreateAccount, Currency, Deposit, EditOrder, Event,
    Exchange, FinePrice, Genesis, InstrumentId, Limits, Money, OnGrid, OrderId, OrderRef, OrderType,
    OrderView, Outcome, PlaceOrder, Price, Qty, QtyMode, Side, Wallet,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const START: Timestamp = Timestamp(1_767_225_600_000_000);
const ACCOUNTS: u32 = 5;
/// Linear, inverse, and one whose lot is a whole contract.
const CONTRACTS: [&str; 3] = ["PF_XBTUSD", "PI_XBTUSD", "PF_DOGEUSD"];

/// A random stream of numbers; small, so that the test says all that decides its course.
struct Source(u64);

impl Source {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next(from.len() as u64) as usize]
    }
}

/// Everything on one page.
const ALL: Cut = Cut { rows: usize::MAX, most: usize::MAX, instant: 1 };

struct World {
    exchange: Exchange,
    views: Projections,
    sequence: u64,
    time: Timestamp,
    fills: BTreeMap<AccountId, Vec<FillRow>>,
    levels: BTreeMap<InstrumentId, u64>,
    /// What the last record told those who follow.
    changes: Option<Changes>,
    source: Source,
    orders: u64,
    seen: BTreeMap<&'static str, u32>,
    /// What a snapshot kept, and what happened since.
    kept: Option<Projections>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut listing = Listing::standard(START);
        listing.instruments.retain(|spec| CONTRACTS.contains(&spec.symbol.as_str()));
        let mut world = World {
            exchange: Exchange::new(),
            views: Projections::default(),
            sequence: 0,
            time: START,
            fills: BTreeMap::new(),
            levels: BTreeMap::new(),
            changes: None,
            source: Source(seed),
            orders: 0,
            seen: BTreeMap::new(),
            kept: None,
        };
        let limits = Limits { open_orders: 30, small_orders: 5, ..Limits::default() };
        let Listing { instruments, indexes, .. } = listing;
        let genesis = Genesis { table_seed: 7, instruments, indexes, limits, pasts: Vec::new() };
        world.apply(&Command::Genesis(Box::new(genesis)));
        let pair = world.exchange.pair_by_name("XBT:USD").unwrap();
        for number in 0..ACCOUNTS {
            let parent = (number == 4).then_some(AccountId(0));
            world.apply(&Command::CreateAccount(CreateAccount { parent, house: false }));
            for (wallet, code, amount) in
                [(Wallet::Flex, "USD", 1_000_000), (Wallet::Inverse(pair), "BTC", 5)]
            {
                let (account, currency) = (AccountId(number), Currency::parse(code).unwrap());
                let amount = Money(amount * Money::ONE);
                world.apply(&Command::Deposit(Deposit { account, wallet, currency, amount }));
            }
        }
        world
    }

    fn apply(&mut self, command: &Command) -> Outcome {
        let mut happened = Happened::default();
        let outcome = self.exchange.apply(self.time, command, happened.open());
        self.sequence += 1;
        happened.close(self.sequence, self.exchange.now());
        for event in happened.events() {
            self.note(event);
        }
        self.changes = happened.last().and_then(|applied| self.views.fold(applied));
        if let Some(kept) = &self.kept {
            for follower in kept.followers() {
                follower.fold(happened.last().unwrap());
            }
        }
        outcome
    }

    /// Makes views of a snapshot as it would be taken now; they fold what comes from here on.
    fn keep(&mut self) {
        let mut kept = Projections::before_replay(&self.exchange, self.sequence);
        kept.arrive(&self.exchange, self.sequence);
        for (from, to) in self.views.followers().iter().zip(kept.followers()) {
            if let Some(part) = from.part() {
                to.take_part(&part).unwrap();
            }
        }
        self.kept = Some(kept);
    }

    /// Keeps its own account of fills and of what the run has met.
    fn note(&mut self, event: &Event) {
        let kind = match event {
            Event::Placed { order, .. } | Event::Rejected { order, .. } => {
                self.orders = self.orders.max(order.id.0);
                if order.status.is_closed() { "rejected" } else { "placed" }
            }
            Event::Executed(execution) => {
                for (fill, side) in [
                    (&execution.maker, execution.taker_side.opposite()),
                    (&execution.taker, execution.taker_side),
                ] {
                    let order = self.exchange.order(fill.order).unwrap();
                    let taker = self.exchange.order(execution.taker.order).unwrap();
                    let rows = self.fills.entry(fill.account).or_default();
                    rows.push(FillRow {
                        number: rows.len() as u64 + 1,
                        execution: execution.id,
                        sequence: self.sequence,
                        order: fill.order,
                        client_order_id: order.client_order_id,
                        instrument: execution.instrument,
                        side,
                        price: execution.price,
                        qty: execution.qty,
                        remaining: Qty(fill.qty.0 - fill.filled_before.0 - execution.qty.0),
                        order_type: order.order_type,
                        taker_order_type: taker.order_type,
                        role: fill.role,
                        fee: fill.fee,
                        realized_pnl: fill.realized_pnl,
                        time: execution.at,
                    });
                }
                "executed"
            }
            Event::Level { instrument, .. } => {
                *self.levels.entry(*instrument).or_default() += 1;
                return;
            }
            Event::Filled { .. } => "filled",
            Event::Cancelled { .. } => "cancelled",
            Event::Edited { .. } => "edited",
            Event::Reduced { .. } => "reduced",
            Event::Noted { .. } | Event::EditRejected(_) => "noted",
            Event::Forgotten { .. } => "forgotten",
            _ => return,
        };
        *self.seen.entry(kind).or_default() += 1;
    }

    fn step(&mut self) {
        let gap = self.source.pick(&[0, 0, 0, 1, 1_000, 200_000, 900_000]);
        self.time = self.time.plus(gap);
        let command = self.command();
        self.apply(&command);
    }

    fn command(&mut self) -> Command {
        let account = AccountId(self.source.next(u64::from(ACCOUNTS)) as u32);
        let instrument = InstrumentId(self.source.next(CONTRACTS.len() as u64) as u16);
        match self.source.next(100) {
            0..50 => self.place(account, instrument),
            50..70 => self.edit(account),
            70..82 => Command::Cancel(CancelOrder {
                account,
                order: self.order(),
                process_before: self.source.pick(&[None, None, None, Some(START)]),
            }),
            82..84 => {
                let instrument = self.source.pick(&[None, Some(instrument)]);
                Command::CancelAll { account, instrument }
            }
            84..96 => {
                let pair = self.exchange.instrument(instrument).unwrap().pair();
                let price = self.exchange.market(instrument).unwrap().index.unwrap();
                let price = FinePrice(price.0 / 1_000 * (999 + i128::from(self.source.next(3))));
                Command::PublishIndex { pair, price }
            }
            96 => Command::Start,
            97 => {
                let mark = self.exchange.market(instrument).unwrap().mark;
                Command::PinMark { instrument, price: self.source.pick(&[None, mark]) }
            }
            _ => Command::Advance,
        }
    }

    /// A price within some ticks of the index, so that orders meet.
    fn price(&mut self, instrument: InstrumentId) -> i64 {
        let index = self.exchange.market(instrument).unwrap().index.unwrap();
        let near = self.exchange.instrument(instrument).unwrap().ticks_floor(index).0;
        near + self.source.next(17) as i64 - 8
    }

    fn place(&mut self, account: AccountId, instrument: InstrumentId) -> Command {
        let types = [
            OrderType::Limit,
            OrderType::Limit,
            OrderType::Limit,
            OrderType::Post,
            OrderType::ImmediateOrCancel,
            OrderType::Market,
            OrderType::FillOrKill,
        ];
        let price = OnGrid::Steps(self.price(instrument));
        let names = ["a", "b", "c", "d", "e", "f"];
        let client_order_id = match self.source.next(24) {
            0..16 => None,
            16..22 => Some(ClientOrderId::Valid(self.source.pick(&names).into())),
            22 => Some(ClientOrderId::TooLong),
            _ => Some(ClientOrderId::Invalid),
        };
        // Sizes that are no small orders, mostly.
        let scale = [1, 100, 1_000][usize::from(instrument.0)];
        let qty = match self.source.next(30) {
            0 => OnGrid::Steps(0),
            1 => OnGrid::Off,
            _ => OnGrid::Steps((1 + self.source.next(40) as i64) * scale),
        };
        Command::Place(PlaceOrder {
            account,
            instrument,
            side: self.source.pick(&[Side::Buy, Side::Sell]),
            order_type: self.source.pick(&types),
            qty,
            limit_price: Some(price).filter(|_| self.source.next(30) > 0),
            trigger: None,
            limit_offset: None,
            algo_id: None,
            stop_price: None,
            reduce_only: self.source.next(4) == 0,
            client_order_id,
            process_before: Some(START).filter(|_| self.source.next(30) == 0),
        })
    }

    fn edit(&mut self, account: AccountId) -> Command {
        let instrument = InstrumentId(self.source.next(CONTRACTS.len() as u64) as u16);
        let price = OnGrid::Steps(self.price(instrument));
        let qty = OnGrid::Steps(self.source.next(50) as i64 * self.source.pick(&[1, 100, 1_000]));
        Command::Edit(EditOrder {
            account,
            order: self.order(),
            instrument: None,
            limit_price: self.source.pick(&[None, Some(price), Some(price)]),
            deviation: None,
            deviation_unit: None,
            stop_price: self.source.pick(&[None, None, None, None, Some(price)]),
            qty: self.source.pick(&[None, Some(qty), Some(qty)]),
            qty_mode: self.source.pick(&[QtyMode::Relative, QtyMode::Absolute]),
            process_before: None,
        })
    }

    /// Some recent order, by number or by name; also numbers never given out.
    fn order(&mut self) -> OrderRef {
        if self.source.next(4) == 0 {
            let name = self.source.pick(&["a", "b", "c", "d", "e", "f"]);
            OrderRef::Client(name.into())
        } else {
            let back = self.source.next(60);
            OrderRef::Id(OrderId((self.orders + 2).saturating_sub(back)))
        }
    }

    fn check(&self) {
        let now = self.exchange.now();
        let mut known: BTreeMap<AccountId, Vec<OrderView>> = BTreeMap::new();
        for order in self.exchange.known_orders() {
            known.entry(order.account).or_default().push(order);
        }
        for account in (0..ACCOUNTS).map(AccountId) {
            let want = known.remove(&account).unwrap_or_default();
            self.views.orders().with(account, |orders| {
                let have: Vec<OrderView> = orders.known(now).into_iter().cloned().collect();
                assert_eq!(have, want, "orders of {account:?} after record {}", self.sequence);
                for order in &want {
                    assert_eq!(orders.order(order.id, now), Some(order));
                }
                for name in ["a", "b", "c", "d", "e", "f"] {
                    let named = |order: &&OrderView| order.client_order_id.as_deref() == Some(name);
                    let want: Vec<&OrderView> = want.iter().filter(named).collect();
                    assert_eq!(orders.by_client_id(name, now), want, "orders named {name}");
                }
                let open: Vec<&OrderView> = want.iter().filter(|order| !order.status.is_closed()).collect();
                assert_eq!(orders.open(), open);
            });
        }
        assert!(known.is_empty(), "every order is somebody's");
        for (id, _) in self.exchange.instruments() {
            let market = self.exchange.market(id).unwrap();
            let ticker = self.views.markets().ticker(id, now).unwrap();
            assert_eq!(ticker.bid, market.bid);
            assert_eq!(ticker.ask, market.ask);
            assert_eq!(ticker.last.map(|last| last.price), market.last);
            assert_eq!((ticker.index, ticker.mark), (market.index, market.mark));
            assert_eq!((ticker.open_interest, ticker.state), (market.open_interest, market.state));
            let depth = self.views.markets().depth(id).unwrap();
            assert_eq!(depth.bids, self.exchange.depth(id, Side::Buy, usize::MAX));
            assert_eq!(depth.asks, self.exchange.depth(id, Side::Sell, usize::MAX));
            assert_eq!(depth.changes, self.levels.get(&id).copied().unwrap_or(0), "each change counts one");
        }
    }

    /// Views of a snapshot that folded what came after it tell what those tell that folded everything.
    fn check_recovered(&mut self) {
        let now = self.exchange.now();
        let recovered = self.kept.take().expect("a snapshot was taken");
        for views in [&recovered, &self.views] {
            views.markets().show_funding(&self.exchange);
        }
        for (follower, other) in recovered.followers().iter().zip(self.views.followers()) {
            assert_eq!((follower.name(), follower.sequence()), (other.name(), self.sequence));
            assert_eq!(follower.part(), other.part());
        }
        for account in (0..ACCOUNTS).map(AccountId) {
            let known = |views: &Projections| {
                views
                    .orders()
                    .with(account, |o| o.known(now).into_iter().cloned().collect::<Vec<OrderView>>())
            };
            assert_eq!(known(&recovered), known(&self.views));
            let fills = |views: &Projections| views.fills().of(account, usize::MAX);
            assert_eq!(fills(&recovered), fills(&self.views));
        }
        assert_eq!(recovered.markets().tickers(now), self.views.markets().tickers(now));
        for (id, _) in self.exchange.instruments() {
            let trades = |views: &Projections| views.markets().trades(id, None, ALL);
            assert_eq!(trades(&recovered), trades(&self.views));
            let depth = |views: &Projections| views.markets().depth(id).unwrap();
            assert_eq!(depth(&recovered), depth(&self.views), "numbers go on over a recovery");
        }
    }

    fn check_fills(&self) {
        for (account, rows) in &self.fills {
            let newest: Vec<FillRow> = rows.iter().rev().take(FILLS_KEPT).cloned().collect();
            assert_eq!(self.views.fills().of(*account, usize::MAX), newest, "fills of {account:?}");
        }
    }
}

#[test]
fn views_equal_the_engine_after_each_of_a_hundred_thousand_steps() {
    let mut world = World::new(1);
    for step in 0..100_000 {
        if step == 60_000 {
            world.keep();
        }
        world.step();
        world.check();
    }
    world.check_fills();
    world.check_recovered();
    let least =
        ["placed", "rejected", "executed", "filled", "cancelled", "edited", "reduced", "noted", "forgotten"];
    for kind in least {
        let times = world.seen.get(kind).copied().unwrap_or(0);
        assert!(times >= 50, "the run met only {times} of {kind}: {:?}", world.seen);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn views_equal_the_engine_from_any_seed(seed: u64) {
        let mut world = World::new(seed);
        for step in 0..400 {
            if step == seed % 400 {
                world.keep();
            }
            world.step();
            world.check();
        }
        world.check_fills();
        world.check_recovered();
    }
}

/// What a follower makes of a view it read once and of all the changes after it.
#[derive(Default)]
struct Follower {
    levels: BTreeMap<(InstrumentId, Side, Price), Qty>,
    changes: BTreeMap<InstrumentId, u64>,
    orders: BTreeMap<OrderId, OrderView>,
    orders_at: BTreeMap<AccountId, u64>,
    fills: BTreeMap<AccountId, Vec<FillRow>>,
}

impl Follower {
    fn read(world: &World, accounts: &[AccountId]) -> Self {
        let mut follower = Self::default();
        for (id, _) in world.exchange.instruments() {
            let depth = world.views.markets().depth(id).unwrap();
            follower.changes.insert(id, depth.changes);
            for (side, levels) in [(Side::Buy, &depth.bids), (Side::Sell, &depth.asks)] {
                follower.levels.extend(levels.iter().map(|(price, qty)| ((id, side, *price), *qty)));
            }
        }
        for account in accounts {
            world.views.orders().with(*account, |orders| {
                follower.orders_at.insert(*account, orders.sequence());
                follower.orders.extend(orders.open().into_iter().map(|order| (order.id, order.clone())));
            });
            let mut fills = world.views.fills().of(*account, usize::MAX);
            fills.reverse();
            follower.fills.insert(*account, fills);
        }
        follower
    }

    fn hear(&mut self, changes: &Changes) {
        for level in &changes.levels {
            let seen = self.changes.get_mut(&level.instrument).unwrap();
            *seen += 1;
            assert_eq!(level.number, *seen, "no hole and no repeat");
            let at = (level.instrument, level.side, level.price);
            if level.qty.0 == 0 {
                self.levels.remove(&at)
            } else {
                self.levels.insert(at, level.qty)
            };
        }
        for (account, row) in &changes.fills {
            let fills = self.fills.get_mut(account).expect("only accounts that are followed");
            assert_eq!(row.number, fills.last().map_or(0, |last| last.number) + 1);
            fills.push(row.clone());
        }
        for OrderChanged { order, .. } in &changes.orders {
            assert!(changes.sequence > self.orders_at[&order.account]);
            if order.status.is_closed() {
                self.orders.remove(&order.id);
            } else {
                self.orders.insert(order.id, order.clone());
            }
        }
    }
}

#[test]
fn a_view_and_the_news_after_it_make_every_later_view() {
    let mut world = World::new(11);
    for _ in 0..2_000 {
        world.step();
        assert!(world.changes.is_none(), "nobody follows");
    }
    let accounts = [AccountId(1), AccountId(3)];
    let hub = world.views.publisher().subscribe();
    hub.follow(true, accounts.into_iter().collect(), Default::default());
    let mut follower = Follower::read(&world, &accounts);
    for _ in 0..4_000 {
        world.step();
        if let Some(changes) = &world.changes {
            assert_eq!(changes.sequence, world.sequence);
            assert!(changes.levels.iter().all(|level| level.at <= world.exchange.now()));
            follower.hear(changes);
        }
        let now = Follower::read(&world, &accounts);
        assert_eq!(follower.levels, now.levels);
        assert_eq!(follower.orders, now.orders, "after record {}", world.sequence);
    }
    for (account, fills) in &follower.fills {
        let mut rows = world.views.fills().of(*account, usize::MAX);
        rows.reverse();
        assert!(rows.len() > 100 && fills.ends_with(&rows));
    }
    hub.follow(false, accounts.into_iter().take(1).collect(), Default::default());
    for _ in 0..500 {
        world.step();
        if let Some(changes) = &world.changes {
            assert!(changes.levels.is_empty());
            assert!(changes.orders.iter().all(|told| told.order.account == accounts[0]));
            assert!(changes.fills.iter().all(|(account, _)| *account == accounts[0]));
        }
    }
}

#[test]
fn news_that_finds_no_room_is_missed_and_said_to_be() {
    let publisher = Publisher::new();
    let (mut slow, mut other) = (publisher.subscribe(), publisher.subscribe());
    slow.follow(true, Default::default(), Default::default());
    other.follow(true, Default::default(), Default::default());
    let commit = |sequence: u64, levels: usize| {
        let level = LevelChange {
            instrument: InstrumentId(0),
            side: Side::Buy,
            price: Price(1),
            qty: Qty(1),
            number: sequence,
            at: START,
        };
        let (fills, orders) = (Vec::new(), Vec::new());
        let levels = vec![level; levels];
        let changes = Changes { sequence, levels, trades: Vec::new(), fills, orders };
        CommitChanges { changes: vec![changes], ..CommitChanges::default() }
    };
    let mut fits = 0;
    while !slow.lost() {
        publisher.publish(commit(fits, 1));
        let told = other.next_now().expect("whoever takes what comes loses nothing");
        other.took(&told);
        fits += 1;
    }
    assert!(!slow.lost(), "it is told once");
    let mut first = 0;
    while let Some(commit) = slow.next_now() {
        assert_eq!(commit.changes[0].sequence, first, "what was in stays in its order");
        slow.took(&commit);
        first += 1;
    }
    assert_eq!(first, fits - 1, "only the last found no room");
    assert!(!other.lost(), "what one hub loses is no other's loss");
    drop(other);
    // One commit as large as all the room passes, and nothing beside it.
    publisher.publish(commit(0, 2_000_000));
    assert!(!slow.lost());
    publisher.publish(commit(1, 1));
    assert!(slow.lost());
    let large = slow.next_now().expect("the large one");
    slow.took(&large);
    publisher.publish(commit(2, 1));
    assert!(!slow.lost() && slow.next_now().is_some());
}

#[test]
fn a_closed_order_is_gone_at_exactly_five_seconds() {
    let mut world = World::new(1);
    let place = PlaceOrder {
        account: AccountId(0),
        instrument: InstrumentId(0),
        side: Side::Buy,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(1),
        limit_price: Some(OnGrid::Steps(70_000)),
        trigger: None,
        limit_offset: None,
        algo_id: None,
        stop_price: None,
        reduce_only: false,
        client_order_id: Some(ClientOrderId::Valid("mine".into())),
        process_before: None,
    };
    let Outcome::Placed(id) = world.apply(&Command::Place(place)) else { panic!("placed") };
    let cancel = CancelOrder { account: AccountId(0), order: OrderRef::Id(id), process_before: None };
    world.apply(&Command::Cancel(cancel));
    let seen = |world: &World, micros: i64| {
        let now = START.plus(micros);
        world.views.orders().with(AccountId(0), |orders| {
            assert_eq!(orders.order(id, now).is_some(), !orders.by_client_id("mine", now).is_empty());
            orders.order(id, now).is_some()
        })
    };
    // No record follows: time alone takes it away.
    assert!(seen(&world, 0));
    assert!(seen(&world, CLOSED_VISIBLE_MICROS - 1));
    assert!(!seen(&world, CLOSED_VISIBLE_MICROS));
    // And the engine, when it is asked at that instant, agrees.
    world.time = START.plus(CLOSED_VISIBLE_MICROS - 1);
    world.apply(&Command::Advance);
    assert!(world.exchange.order(id).is_some());
    world.time = START.plus(CLOSED_VISIBLE_MICROS);
    world.apply(&Command::Advance);
    assert!(world.exchange.order(id).is_none());
    world.check();
}

#[test]
fn nobody_sees_anothers_orders() {
    let mut world = World::new(3);
    for _ in 0..2_000 {
        world.step();
    }
    let now = world.exchange.now();
    for order in world.exchange.known_orders() {
        for account in (0..ACCOUNTS).map(AccountId).filter(|account| *account != order.account) {
            world.views.orders().with(account, |orders| assert!(orders.order(order.id, now).is_none()));
        }
    }
}

#[test]
fn trades_and_fills_are_paged_by_time() {
    let mut world = World::new(5);
    for _ in 0..60_000 {
        world.step();
    }
    let all = world.views.markets().trades(InstrumentId(0), None, ALL).rows;
    assert!(all.len() == TRADES_KEPT && all.windows(2).all(|pair| pair[0].number == pair[1].number + 1));
    let cut = Cut { rows: 100, most: TRADES_KEPT, instant: 1 };
    let middle = all[all.len() / 2].time;
    let before = world.views.markets().trades(InstrumentId(0), Some(middle), cut).rows;
    assert!(before.len() >= 100 && before.iter().all(|trade| trade.time < middle));
    assert_eq!(Some(&before[0]), all.iter().find(|trade| trade.time < middle));
    let (mut seen, mut last) = (Vec::new(), None);
    while seen.len() < FILLS_KEPT {
        let page = world.views.fills().page(AccountId(0), last, cut);
        last = page.rows.last().map(|fill| fill.time);
        seen.extend(page.rows);
    }
    assert_eq!(seen, world.views.fills().of(AccountId(0), usize::MAX), "every fill on one page");
}
