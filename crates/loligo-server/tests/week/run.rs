//! Seven days of a live market on the engine alone: a thousand accounts with leverage in several currencies, two crashes of
//! 15%, and the expiry that falls into the last week of a month.
//!
//! A run is a function of its seed. It ends at the first invariant that does not hold: the whole state is checked against itself
//! each thousand commands, money of every currency to the last unit with it.

use loligo_engine::{
    AccountId, AskedTrigger, AssignmentProgram, Command, ContractKind, CreateAccount, Currency,
    CurrencyAudit, Deposit, Event, Exchange, FillRole, FinePrice, Genesis, Instrument, InstrumentId,
    Leverage, Limits, MarketState, Money, OnGrid, OrderType, Outcome, PlaceOrder, PositionView, Price, Side,
    Signal, TimeFrame, Timestamp, TriggerKind, Wallet, WalletView, Withdraw,
};
use loligo_server::listing::{Listing, next_listing};
use loligo_server::market::HouseMarket;
use opstream::Rng;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// The whole state is checked after so many commands.
const AUDIT_EVERY: u64 = 1_000;
/// What an index loses in a crash, in hundredths.
const CRASH: i128 = 15;
/// In a trading market an account that is short of maintenance margin does not keep its positions for longer than this.
const STUCK_AFTER: i64 = 60;
const HOUR: i64 = 3_600;
/// What the pool has when the run begins: enough for some of those whom a crash leaves with nothing, and not for all.
const POOL_USD: i128 = 100_000;
/// One account in so many takes over what others can not keep.
const PROVIDERS: u32 = 16;

/// What is run.
pub struct Plan {
    pub seed: u64,
    pub start: Timestamp,
    pub seconds: i64,
    pub accounts: u32,
    /// When the indexes fall, in seconds from the start.
    pub crashes: [i64; 2],
    /// An account acts once in so many seconds.
    pub pause: u64,
}

/// A fill whose gain is paid in a currency of the account's choice.
const GAINS: &str = "gains paid in another currency";

/// What a run must come to, and how often at least.
pub const EXPECTED: &[(&str, u64)] = &[
    ("assigned", 1),
    ("conversions", 10),
    ("covered", 1),
    ("crashes", 2),
    ("fills", 100),
    (GAINS, 10),
    ("full liquidations", 1),
    ("listings", 1),
    ("partial liquidations", 1),
    ("positions funded", 10),
    ("positions settled", 2),
    ("reloads", 1),
    ("unwound", 1),
];

/// What came about, by name; a name that is not there never did.
pub type Tally = BTreeMap<&'static str, u64>;

/// A run that is under way.
pub struct Run {
    plan: Plan,
    exchange: Exchange,
    house: HouseMarket,
    clients: Vec<Client>,
    rng: Rng,
    second: i64,
    commands: u64,
    events: Vec<Event>,
    tally: Tally,
    auditor: Auditor,
    /// Accounts with positions that are short of maintenance margin: since when they have what they have.
    short: BTreeMap<AccountId, (i64, Vec<(InstrumentId, i64)>)>,
}

/// An account, what it began with, and how much it dares.
struct Client {
    account: AccountId,
    wallet: Wallet,
    /// Each deposit, made again when the account is all but empty.
    funds: Vec<(Currency, Money)>,
    worth_usd: i128,
    leverage: u64,
    contracts: Vec<InstrumentId>,
}

/// Checks whole states, as they were, on a processor of its own while the run goes on; no more than two wait for it.
struct Auditor {
    states: Option<SyncSender<(u64, i64, Exchange)>>,
    checks: Option<JoinHandle<Result<(), String>>>,
}

impl Auditor {
    fn new() -> Self {
        let (states, waiting) = sync_channel::<(u64, i64, Exchange)>(2);
        let checks = std::thread::spawn(move || {
            for (commands, second, exchange) in waiting {
                exchange.audit().map_err(|violation| {
                    format!("after {commands} commands, at second {second}: {violation}")
                })?;
            }
            Ok(())
        });
        Self { states: Some(states), checks: Some(checks) }
    }

    fn check(&self, commands: u64, second: i64, exchange: &Exchange) {
        if let Some(states) = &self.states {
            // Nobody takes it once a check has failed, which is asked for at the end of the second.
            let _ = states.send((commands, second, exchange.clone()));
        }
    }

    /// What has failed of the checks so far.
    fn is_content(&mut self) -> Result<(), String> {
        if self.checks.as_ref().is_some_and(JoinHandle::is_finished) { self.end() } else { Ok(()) }
    }

    /// Waits for the last check.
    fn end(&mut self) -> Result<(), String> {
        self.states = None;
        self.checks.take().map_or(Ok(()), |checks| checks.join().expect("a check does not panic"))
    }
}

fn code(of: &str) -> Currency {
    Currency::parse(of).expect("a code")
}

impl Run {
    /// The venue with its market, and every account with its money.
    pub fn new(plan: Plan) -> Self {
        let listing = Listing::standard(plan.start);
        let mut run = Self {
            house: HouseMarket::new(plan.seed, &listing.indexes),
            exchange: Exchange::new(),
            clients: Vec::new(),
            rng: Rng::new(plan.seed),
            second: plan.start.0 / Timestamp::SECOND,
            commands: 0,
            events: Vec::new(),
            tally: Tally::new(),
            auditor: Auditor::new(),
            short: BTreeMap::new(),
            plan,
        };
        let Listing { instruments, indexes, .. } = listing;
        let genesis =
            Genesis { table_seed: 1, instruments, indexes, limits: Limits::default(), pasts: Vec::new() };
        run.must(&Command::Genesis(Box::new(genesis)));
        for _ in 0..2 {
            run.quote();
        }
        for number in 0..run.plan.accounts {
            run.open_account(number);
        }
        let amount = Money(POOL_USD * Money::ONE);
        run.must(&Command::SetPool { currency: code("USD"), amount });
        run
    }

    /// An account of the kind that its number says.
    fn open_account(&mut self, number: u32) {
        let Outcome::AccountCreated(account) =
            self.apply(&Command::CreateAccount(CreateAccount { parent: None, house: false }))
        else {
            panic!("no account");
        };
        let pair = |name| self.exchange.pair_by_name(name).expect("a pair of the default listing");
        let (xbt, eth) = (Wallet::Inverse(pair("XBT:USD")), Wallet::Inverse(pair("ETH:USD")));
        let funds: (Wallet, &[(&str, i128)]) = match number % 8 {
            0 => (Wallet::Flex, &[("USD", 20_000)]),
            1 => (Wallet::Flex, &[("EUR", 12_000), ("USDC", 5_000)]),
            2 => (Wallet::Flex, &[("BTC", 1)]),
            3 => (Wallet::Flex, &[("ETH", 8), ("GBP", 3_000), ("USD", 500)]),
            4 => (xbt, &[("BTC", 1)]),
            5 => (eth, &[("ETH", 20)]),
            6 => (Wallet::Flex, &[("USDT", 4_000), ("SOL", 60), ("EUR", 1)]),
            _ => (Wallet::Flex, &[("USD", 2_000), ("BTC", 1), ("CAD", 900)]),
        };
        let (wallet, funds) = funds;
        let funds: Vec<(Currency, Money)> =
            funds.iter().map(|(name, units)| (code(name), Money(units * Money::ONE))).collect();
        let worth = funds.iter().filter_map(|(currency, money)| self.exchange.usd_value(*currency, *money));
        let worth_usd = (worth.map(|worth| worth.0).sum::<i128>() / Money::ONE).max(1_000);
        let client = Client {
            account,
            wallet,
            funds,
            worth_usd,
            leverage: 2 + self.rng.below(30),
            contracts: Vec::new(),
        };
        self.clients.push(client);
        self.fund(self.clients.len() - 1);
        self.find_contracts();
        if number.is_multiple_of(PROVIDERS) {
            self.provide(account, wallet, worth_usd);
        }
    }

    /// An account takes over either side of every contract of its wallet, up to a position that it can bear.
    fn provide(&mut self, account: AccountId, wallet: Wallet, worth_usd: i128) {
        let kind = if wallet == Wallet::Flex { ContractKind::Linear } else { ContractKind::Inverse };
        let program = Box::new(AssignmentProgram {
            kind,
            instrument: None,
            base: None,
            quote: None,
            max_size: None,
            max_position: None,
            accept_long: true,
            accept_short: true,
            time_frame: TimeFrame::All,
            enabled: true,
            max_notional: Some(Money(2 * worth_usd * Money::ONE)),
            min_profit_long: None,
            min_profit_short: None,
        });
        self.must(&Command::AddAssignmentProgram { account, program });
    }

    fn fund(&mut self, client: usize) {
        let Client { account, wallet, .. } = self.clients[client];
        for (currency, amount) in self.clients[client].funds.clone() {
            self.must(&Command::Deposit(Deposit { account, wallet, currency, amount }));
        }
    }

    /// Which contracts each account trades: those of its wallet that are not over.
    fn find_contracts(&mut self) {
        let open = |id: InstrumentId| {
            self.exchange.market(id).is_some_and(|market| market.trading == MarketState::Open)
        };
        for client in &mut self.clients {
            let listed = self.exchange.instruments().filter(|(id, instrument)| {
                let wallet = match instrument.spec().kind {
                    ContractKind::Linear => Wallet::Flex,
                    ContractKind::Inverse => Wallet::Inverse(instrument.pair()),
                };
                wallet == client.wallet && open(*id)
            });
            client.contracts = listed.map(|(id, _)| id).collect();
        }
    }

    /// Runs to the end; `hourly` is told the sums of money at each full hour, and at the end.
    ///
    /// # Errors
    /// The first thing that does not hold, in words.
    pub fn finish(mut self, mut hourly: impl FnMut(&str)) -> Result<Tally, String> {
        let first = self.second;
        for passed in 1..=self.plan.seconds {
            self.second = first + passed;
            self.step()?;
            if self.plan.crashes.contains(&passed) {
                self.crash();
            }
            if self.second % HOUR == 0 {
                hourly(&self.sums()?);
            }
        }
        hourly(&self.sums()?);
        self.auditor.end()?;
        self.tally.insert("commands", self.commands);
        Ok(self.tally)
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.second * Timestamp::SECOND)
    }

    fn step(&mut self) -> Result<(), String> {
        // What is due comes first, as it does where a writer lets time pass.
        while self.exchange.now() < self.now() || self.exchange.is_due(self.now()) {
            self.apply(&Command::Advance);
        }
        let trades = self.house.trade(self.second, self.now(), &self.exchange);
        self.all(trades);
        self.quote();
        if let Some((_, listings)) =
            next_listing(&self.exchange, true, &BTreeMap::new()).filter(|(at, _)| *at <= self.now())
        {
            self.all(listings);
            self.find_contracts();
        }
        for client in 0..self.clients.len() {
            if self.rng.below(self.plan.pause) == 0 {
                self.act(client);
            }
        }
        self.auditor.is_content()?;
        self.look_for_stuck()
    }

    fn quote(&mut self) {
        let commands = self.house.quote(self.second, self.now(), &self.exchange);
        self.all(commands);
    }

    fn all(&mut self, commands: Vec<Command>) {
        for command in commands {
            self.apply(&command);
        }
    }

    fn must(&mut self, command: &Command) {
        let outcome = self.apply(command);
        assert!(!matches!(outcome, Outcome::Refused(_) | Outcome::Rejected(..)), "{command:?}: {outcome:?}");
    }

    /// Applies a command, counts what it came to, and checks the whole state in its turn.
    fn apply(&mut self, command: &Command) -> Outcome {
        self.events.clear();
        let outcome = self.exchange.apply(self.now(), command, &mut self.events);
        self.commands += 1;
        for event in &self.events {
            let names: &[Option<&'static str>] = match event {
                Event::Executed(execution) => &[
                    role(execution.taker.role),
                    role(execution.maker.role),
                    execution.taker.gain.as_ref().or(execution.maker.gain.as_ref()).map(|_| GAINS),
                ],
                Event::Funding(_) => &[Some("positions funded")],
                Event::Converted(_) => &[Some("conversions")],
                Event::Settled(_) => &[Some("positions settled")],
                Event::Listed { .. } => &[Some("listings")],
                _ => &[],
            };
            for name in names.iter().flatten() {
                *self.tally.entry(name).or_default() += 1;
            }
        }
        if self.commands.is_multiple_of(AUDIT_EVERY) {
            self.auditor.check(self.commands, self.second, &self.exchange);
        }
        outcome
    }

    /// Every index is 15% lower at once: most who dared much are beyond what they have.
    fn crash(&mut self) {
        let mut fallen = Vec::new();
        let pairs: Vec<_> = self.exchange.instruments().map(|(id, listed)| (id, listed.pair())).collect();
        for (id, pair) in pairs {
            let index = self.exchange.market(id).and_then(|market| market.index);
            if let Some(index) = index.filter(|_| !fallen.contains(&pair)) {
                fallen.push(pair);
                let price = FinePrice(index.0 / 100 * (100 - CRASH));
                self.must(&Command::PublishIndex { pair, price });
            }
        }
        *self.tally.entry("crashes").or_default() += 1;
    }

    fn act(&mut self, client: usize) {
        let Client { account, worth_usd, leverage, .. } = self.clients[client];
        let contracts = &self.clients[client].contracts;
        if contracts.is_empty() {
            return;
        }
        let id = contracts[self.rng.below(contracts.len() as u64) as usize];
        let held = self.exchange.positions(account);
        let Some(market) = self.exchange.market(id) else { return };
        let (Some((bid, _)), Some((ask, _))) = (market.bid, market.ask) else { return };
        let instrument = self.exchange.instrument(id).expect("it is listed").clone();
        let usd = worth_usd * i128::from(leverage) / i128::from(2 + self.rng.below(6));
        let lots = lots_worth(&instrument, usd, ask);
        let side = if self.rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let command = match self.rng.below(20) {
            0..6 => {
                order(account, id, side, OrderType::ImmediateOrCancel, lots, beyond(bid, ask, side, 3), false)
            }
            6..10 => order(
                account,
                id,
                side,
                OrderType::Limit,
                lots,
                beyond(bid, ask, side, -(self.rng.below(60) as i64)),
                false,
            ),
            10..14 => match self.pick(&held) {
                Some(position) => self.close(account, &position),
                None => return self.reload(client),
            },
            14..16 => match held.iter().find(|position| position.instrument == id) {
                Some(position) => self.protect(account, position, bid, ask),
                None => return self.reload(client),
            },
            16 => Command::CancelAll { account, instrument: Some(id) },
            17 if instrument.spec().kind == ContractKind::Linear => match self.rng.below(3) {
                0 => Command::SetPnlPreference {
                    account,
                    instrument: id,
                    currency: Some(code(["USD", "EUR", "BTC", "USDT"][self.rng.below(4) as usize])),
                },
                isolated => Command::SetLeverage {
                    account,
                    instrument: id,
                    leverage: (isolated == 1).then(|| Leverage(100 * (1 + self.rng.below(20) as u32))),
                },
            },
            18 => {
                let Client { wallet, ref funds, .. } = self.clients[client];
                let (currency, amount) = funds[0];
                Command::Withdraw(Withdraw { account, wallet, currency, amount: Money(amount.0 / 40) })
            }
            _ => return self.reload(client),
        };
        self.apply(&command);
    }

    fn pick(&mut self, held: &[PositionView]) -> Option<PositionView> {
        (!held.is_empty()).then(|| held[self.rng.below(held.len() as u64) as usize])
    }

    fn close(&mut self, account: AccountId, position: &PositionView) -> Command {
        let side = if position.qty > 0 { Side::Sell } else { Side::Buy };
        let part = 1 + self.rng.below(3) as i64;
        let lots = (position.qty.abs() / part).max(1);
        order(account, position.instrument, side, OrderType::Market, lots, Price(0), true)
    }

    /// A stop some percent away.
    fn protect(&mut self, account: AccountId, position: &PositionView, bid: Price, ask: Price) -> Command {
        let side = if position.qty > 0 { Side::Sell } else { Side::Buy };
        let away = 50 + self.rng.below(400) as i64;
        let stop = beyond(bid, ask, side, away);
        Command::Place(PlaceOrder {
            stop_price: Some(OnGrid::Steps(stop.0)),
            trigger: Some(Box::new(AskedTrigger {
                kind: TriggerKind::Stop,
                signal: Signal::Mark,
                deviation: None,
            })),
            ..place(account, position.instrument, side, OrderType::Market, position.qty.abs(), None, true)
        })
    }

    /// An account that has all but lost its money brings as much again.
    fn reload(&mut self, client: usize) {
        let Client { account, wallet, worth_usd, .. } = self.clients[client];
        let held = self.exchange.wallets(account).into_iter().find(|held| held.wallet == wallet);
        let worth = held.map_or(0, |held| {
            let worth = held.balances.iter().filter_map(|(c, money)| self.exchange.usd_value(*c, *money));
            worth.map(|money| money.0).sum::<i128>() / Money::ONE
        });
        if worth < worth_usd / 10 {
            self.fund(client);
            *self.tally.entry("reloads").or_default() += 1;
        }
    }

    /// Nobody who is short of maintenance margin stands still while the contracts trade.
    fn look_for_stuck(&mut self) -> Result<(), String> {
        if self.second % 30 != 0 {
            return Ok(());
        }
        let Self { exchange, clients, short, second, .. } = self;
        let halted = exchange.instruments().any(|(id, _)| {
            exchange.market(id).is_some_and(|market| {
                market.trading == MarketState::Open && market.state != MarketState::Open
            })
        });
        for client in clients.iter() {
            let (wallets, positions) = (exchange.wallets(client.account), exchange.positions(client.account));
            let mut held = positions.iter().filter(|position| position.qty != 0);
            if halted || !held.any(|position| is_short(position, client.wallet, &wallets)) {
                short.remove(&client.account);
                continue;
            }
            // A tenth a second of what is left: it takes long, but each step leaves less.
            let held: Vec<_> = positions.iter().map(|position| (position.instrument, position.qty)).collect();
            let known = short.get(&client.account).filter(|(_, before)| *before == held);
            let since = known.map_or(*second, |(since, _)| *since);
            if *second - since > STUCK_AFTER {
                return Err(format!(
                    "{:?} is short, and has stood still since {since}: {wallets:?} {positions:?}",
                    client.account
                ));
            }
            short.insert(client.account, (since, held));
        }
        Ok(())
    }

    /// Where the money of each currency is; positions of every contract sum to nothing, or this is an error.
    fn sums(&self) -> Result<String, String> {
        let audit = self.exchange.audit().map_err(|violation| violation.to_string())?;
        let mut text = format!("second {}: {} positions", self.second, audit.positions);
        for CurrencyAudit { currency, deposited, wallets, entries, fees, pool, funding, exchanged, dust } in
            audit.currencies
        {
            let _ = write!(
                text,
                "\n  {} {} = {} wallets - {} open + {} fees + {} pool + {} funding + {} exchanged + {} dust",
                currency.code(),
                deposited.0,
                wallets.0,
                entries.0,
                fees.0,
                pool.0,
                funding.0,
                exchanged.0,
                dust.0
            );
        }
        Ok(text)
    }
}

/// True for a position behind which less stands than must: of its own margin where it is isolated, of its wallet's where it is not.
fn is_short(position: &PositionView, margin_wallet: Wallet, wallets: &[WalletView]) -> bool {
    if position.leverage.is_some() {
        return position.set_aside + position.unrealized_pnl < position.maintenance_margin;
    }
    let held = wallets.iter().find(|held| held.wallet == margin_wallet);
    held.is_some_and(|held| held.cross_equity() < held.maintenance_margin)
}

fn role(role: FillRole) -> Option<&'static str> {
    match role {
        FillRole::Maker | FillRole::Taker => Some("fills"),
        FillRole::PartialLiquidation => Some("partial liquidations"),
        FillRole::Liquidation => Some("full liquidations"),
        FillRole::CoveredLiquidation => Some("covered"),
        FillRole::Assignor => Some("assigned"),
        FillRole::UnwindBankrupt => Some("unwound"),
        FillRole::TakerAfterEdit | FillRole::Assignee | FillRole::UnwindCounterparty => None,
    }
}

/// A price so many basis points beyond the touch that an order of a side meets; negative: so many before it.
fn beyond(bid: Price, ask: Price, side: Side, points: i64) -> Price {
    let touch = match side {
        Side::Buy => ask,
        Side::Sell => bid,
    };
    Price((touch.0 + side.sign() * touch.0 * points / 10_000).max(1))
}

fn lots_worth(instrument: &Instrument, usd: i128, at: Price) -> i64 {
    let one = instrument.notional(1, at).0.max(1);
    let most = instrument.spec().max_position.0;
    i64::try_from(usd * Money::ONE / one).unwrap_or(most).clamp(1, most)
}

fn place(
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    order_type: OrderType,
    lots: i64,
    limit: Option<Price>,
    reduce_only: bool,
) -> PlaceOrder {
    PlaceOrder {
        account,
        instrument,
        side,
        order_type,
        qty: OnGrid::Steps(lots),
        limit_price: limit.map(|limit| OnGrid::Steps(limit.0)),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    }
}

fn order(
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    order_type: OrderType,
    lots: i64,
    limit: Price,
    reduce_only: bool,
) -> Command {
    Command::Place(place(account, instrument, side, order_type, lots, Some(limit), reduce_only))
}
