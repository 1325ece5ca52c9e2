//! The house market against a real exchange: its books stand every second, and nothing it asks is refused.

use super::*;
use crate::listing::Listing;
use loligo_engine::{Event, Genesis, Limits, Outcome, PlaceOrder, Side};

const START: Timestamp = Timestamp(1_767_225_600_000_000);

struct World {
    exchange: Exchange,
    house: HouseMarket,
    second: i64,
    trades: usize,
    commands: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self::beginning(START, seed)
    }

    fn beginning(start: Timestamp, seed: u64) -> Self {
        let listing = Listing::standard(start);
        let mut world = World {
            exchange: Exchange::new(),
            house: HouseMarket::new(seed, &listing.indexes),
            second: start.0 / Timestamp::SECOND,
            trades: 0,
            commands: 0,
        };
        let Listing { instruments, indexes, .. } = listing;
        let genesis =
            Genesis { table_seed: 1, instruments, indexes, limits: Limits::default(), pasts: Vec::new() };
        world.apply(Command::Genesis(Box::new(genesis)));
        for _ in 0..2 {
            world.quote();
        }
        world
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.second * Timestamp::SECOND)
    }

    fn apply(&mut self, command: Command) -> Outcome {
        let mut events = Vec::new();
        let outcome = self.exchange.apply(self.now(), &command, &mut events);
        self.trades += events.iter().filter(|event| matches!(event, Event::Executed(_))).count();
        self.commands += 1;
        outcome
    }

    fn house(&mut self, commands: Vec<Command>) {
        for command in commands {
            let outcome = self.apply(command.clone());
            let done = matches!(
                outcome,
                Outcome::Done
                    | Outcome::AccountCreated(_)
                    | Outcome::Placed(_)
                    | Outcome::Edited(_)
                    | Outcome::Cancelled(_)
            );
            assert!(done, "second {}: {command:?} came to {outcome:?}", self.second);
        }
    }

    fn quote(&mut self) {
        let commands = self.house.quote(self.second, self.now(), &self.exchange);
        self.house(commands);
    }

    fn step(&mut self) {
        self.second += 1;
        let commands = self.house.trade(self.second, self.now(), &self.exchange);
        self.house(commands);
        self.quote();
    }

    /// Both quotes of every contract are there, a few basis points around the fair price.
    fn check_books(&self) {
        for (id, instrument) in self.exchange.instruments().filter(|(id, _)| is_quoted(*id, &self.exchange)) {
            let symbol = &instrument.spec().symbol;
            let fair = maker::fair_price(id, self.now(), &self.exchange).expect("an index");
            let market = self.exchange.market(id).unwrap();
            let (bid, ask) = (market.bid.unwrap().0.0, market.ask.unwrap().0.0);
            let most = fair / 4_000 + 12;
            assert!(bid < ask && fair - bid <= most && ask - fair <= most, "{symbol}: {bid} {fair} {ask}");
            for side in [Side::Buy, Side::Sell] {
                let levels = self.exchange.depth(id, side, usize::MAX).len();
                assert!(levels >= 10, "{symbol}: {levels} levels");
            }
        }
    }
}

#[test]
fn books_stand_every_second_and_nothing_the_house_asks_is_refused() {
    for seed in [1, 2] {
        let mut world = World::new(seed);
        world.check_books();
        for _ in 0..1_500 {
            world.step();
            world.check_books();
        }
        world.exchange.audit().unwrap();
        assert!(world.trades > 1_500, "{} trades", world.trades);
        let each_second = world.commands / 1_500;
        assert!(each_second < 60, "{each_second} commands a second");
    }
}

#[test]
fn a_pinned_jump_takes_the_books_along() {
    let mut world = World::new(1);
    for percent in [130, 70, 100] {
        let pair = world.exchange.pair_by_name("XBT:USD").unwrap();
        let price = FinePrice(800 * percent * 10_i128.pow(18));
        world.apply(Command::PinIndex { pair, price: Some(price) });
        // What is far from the old mark may be refused for a while; the mark follows within its thirty seconds.
        for _ in 0..40 {
            world.second += 1;
            for command in world.house.trade(world.second, world.now(), &world.exchange) {
                world.apply(command);
            }
            for command in world.house.quote(world.second, world.now(), &world.exchange) {
                world.apply(command);
            }
        }
        world.check_books();
        world.exchange.audit().unwrap();
    }
}

#[test]
fn a_clients_large_order_does_not_stop_the_market() {
    let mut world = World::new(1);
    let client = match world.apply(Command::CreateAccount(CreateAccount { parent: None, house: false })) {
        Outcome::AccountCreated(account) => account,
        other => panic!("{other:?}"),
    };
    let (wallet, currency) = (loligo_engine::Wallet::Flex, loligo_engine::Currency::USD);
    let amount = Money(1_000_000_000 * Money::ONE);
    world.apply(Command::Deposit(loligo_engine::Deposit { account: client, wallet, currency, amount }));
    // A hundred bitcoin bid for through the whole book, again and again.
    for _ in 0..10 {
        let limit = maker::fair_price(InstrumentId(0), world.now(), &world.exchange).unwrap() * 102 / 100;
        let outcome = world.apply(Command::Place(PlaceOrder {
            account: client,
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: loligo_engine::OrderType::ImmediateOrCancel,
            qty: loligo_engine::OnGrid::Steps(1_000_000),
            limit_price: Some(loligo_engine::OnGrid::Steps(limit)),
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        }));
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
        for _ in 0..3 {
            world.step();
            world.check_books();
        }
    }
    world.exchange.audit().unwrap();
}

#[test]
fn a_contract_that_follows_another_is_quoted_from_its_first_second_on_from_the_same_seats() {
    // Five seconds before the linear contracts of January expire.
    let mut world = World::beginning(Timestamp(1_769_760_000_000_000 - 5 * Timestamp::SECOND), 1);
    let accounts = world.exchange.account_count();
    for _ in 0..20 {
        world.second += 1;
        let listings =
            crate::listing::next_listing(&world.exchange, true, &std::collections::BTreeMap::new());
        if let Some((_, listings)) = listings.filter(|(at, _)| *at <= world.now()) {
            for listing in listings {
                assert!(matches!(world.apply(listing), Outcome::Listed(_)));
            }
        }
        let commands = world.house.trade(world.second, world.now(), &world.exchange);
        world.house(commands);
        world.quote();
        world.check_books();
    }
    let followed = world.exchange.instruments().filter(|(_, i)| i.spec().symbol.ends_with("_260227"));
    assert_eq!(followed.count(), 2);
    assert_eq!(world.exchange.account_count(), accounts);
    world.exchange.audit().unwrap();
}

/// What the house has resting in a contract, by number, price and size.
fn resting(exchange: &Exchange, id: InstrumentId) -> Vec<(u64, Option<i64>, i64)> {
    let accounts = (0..exchange.account_count() as u32).map(AccountId);
    let orders = accounts.flat_map(|account| exchange.open_orders(account));
    let of_contract = orders.filter(|order| order.instrument == id);
    of_contract
        .map(|order| (order.id.0, order.limit_price.map(|price| price.0), order.open_qty().0))
        .collect()
}

#[test]
fn a_delisted_perpetual_is_left_alone_until_it_settles_and_after() {
    let mut world = World::new(1);
    let (delisted, other) = (InstrumentId(0), InstrumentId(1));
    for _ in 0..20 {
        world.step();
    }
    assert!(matches!(world.apply(Command::Expire { instrument: delisted }), Outcome::Armed(Some(_))));
    assert_eq!(world.exchange.market(delisted).unwrap().state, MarketState::PostOnly);
    let (stood, others) = (resting(&world.exchange, delisted), resting(&world.exchange, other));
    assert!(stood.len() >= 20, "{stood:?}");
    // `step` fails at a command that is refused. A minute less than its fifteen, and beyond.
    for _ in 0..14 * 60 {
        world.step();
        world.check_books();
    }
    assert_eq!(resting(&world.exchange, delisted), stood, "nothing trades, so nothing moves");
    assert_ne!(resting(&world.exchange, other), others, "the market goes on");
    for _ in 0..120 {
        world.step();
    }
    assert_eq!(world.exchange.market(delisted).unwrap().state, MarketState::Expired);
    assert_eq!(resting(&world.exchange, delisted), []);
    world.exchange.audit().unwrap();
}

#[test]
fn a_halted_market_is_left_alone_and_its_books_stand_again_a_second_after_it_opens() {
    for halt in [MarketState::Suspended, MarketState::PostOnly] {
        let mut world = World::new(1);
        let halted = InstrumentId(0);
        for _ in 0..20 {
            world.step();
        }
        let set = |state| Command::SetMarketState { instrument: halted, state };
        assert!(matches!(world.apply(set(halt)), Outcome::Done));
        let stood = resting(&world.exchange, halted);
        for _ in 0..300 {
            world.step();
        }
        assert_eq!(resting(&world.exchange, halted), stood, "{halt:?}");
        assert!(matches!(world.apply(set(MarketState::Open)), Outcome::Done));
        world.step();
        world.check_books();
        assert_ne!(resting(&world.exchange, halted), stood, "{halt:?}");
    }
}
