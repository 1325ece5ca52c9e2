//! How long a cancel of a stranger waits while one price concerns ten thousand accounts or orders, while marks move that a hundred
//! thousand accounts hold, or an hour ends for them, while a clock is moved over a live market, and while it is moved over the
//! funding hours of a month. Each is printed beside a cancel at rest, which is one sync: the bar is 10 ms beyond that.
//!
//! `cargo bench -p loligo-server --bench waits -- [liquidations] [stops] [jump] [funding] [mark] [second] [expiry]`; without names, all of them.

#![allow(clippy::print_stdout, reason = "a benchmark's interface is its standard output")]

mod crowds;

use loligo_engine::{
    AccountId, AskedTrigger, AssignmentProgram, CancelOrder, Command, ContractKind, CreateAccount, Currency,
    Deposit, Exchange, FinePrice, InstrumentId, LimitsChange, Money, OnGrid, OrderId, OrderRef, OrderType,
    Outcome, PlaceOrder, Side, Signal, TimeFrame, Timestamp, TriggerKind, Wallet,
};
use loligo_server::config::{ClockKind, Config, MarketKind};
use loligo_server::node::{NodeHandle, RunningNode, Submission, spawn};
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::time::{Duration, Instant};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const XBT: InstrumentId = InstrumentId(0);
/// Where the stranger's orders rest, in nobody's way.
const ETH: InstrumentId = InstrumentId(1);
const STRANGER: AccountId = AccountId(0);
/// Orders that the stranger has to cancel; those of them that it cancels at rest, and those beside a jump over a live market.
const RESTING: usize = 4_000;
const AT_REST: usize = 50;
const BESIDE_A_JUMP: usize = 350;
const ACCOUNTS: u32 = 10_000;
const BATCH: usize = 500;
/// A twentieth of a bitcoin, in lots.
const SIZE: i64 = 500;
const DAYS: i64 = 31;
const SECOND: i64 = Timestamp::SECOND;
/// Positions that every funding hour books.
const POSITIONS: u32 = 1_000;

fn main() -> Done {
    let names: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let asked = |name: &str| names.is_empty() || names.iter().any(|word| word == name);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if asked("liquidations") {
            liquidations().await?;
        }
        if asked("stops") {
            stops().await?;
        }
        if asked("jump") {
            jump().await?;
        }
        if asked("funding") {
            funding().await?;
        }
        if asked("mark") {
            crowds::one_contract().await?;
        }
        if asked("second") {
            crowds::all_contracts().await?;
        }
        if asked("expiry") {
            crowds::expiry().await?;
        }
        Ok(())
    })
}

struct Venue {
    node: RunningNode,
    /// The stranger's, to be cancelled from the end.
    resting: RefCell<Vec<OrderId>>,
    _folder: tempfile::TempDir,
}

impl Venue {
    async fn open(market: MarketKind) -> Done<Self> {
        let folder = tempfile::tempdir()?;
        let config = Config {
            data: Some(folder.path().to_path_buf()),
            market,
            past_days: None,
            clock: ClockKind::Manual { start: ClockKind::DEFAULT_START },
            accounts: 2,
            ..Config::default()
        };
        let venue = Self { node: spawn(&config)?, resting: RefCell::default(), _folder: folder };
        let handle = venue.node.handle();
        submit_all(handle, [roomy()]).await?;
        let bid = |place| order(STRANGER, ETH, Side::Buy, 10, 20_000 + place as i64, None);
        for outcome in submit_all(handle, (0..RESTING).map(bid)).await? {
            let Outcome::Placed(id) = outcome else { return Err(format!("{outcome:?}").into()) };
            venue.resting.borrow_mut().push(id);
        }
        Ok(venue)
    }

    /// Cancels one order after the other, `every` so often, until so many are gone or it is told to stop; how long each took.
    async fn cancels(&self, most: usize, every: Duration, stop: &Cell<bool>) -> Done<Vec<Duration>> {
        let mut took = Vec::new();
        while took.len() < most && !stop.get() {
            let Some(order) = self.resting.borrow_mut().pop() else { break };
            let order = OrderRef::Id(order);
            let cancel = Command::Cancel(CancelOrder { account: STRANGER, order, process_before: None });
            let begun = Instant::now();
            let outcome = submit(self.node.handle(), cancel).await?;
            took.push(begun.elapsed());
            if !matches!(outcome, Outcome::Cancelled(_)) {
                return Err(format!("{outcome:?}").into());
            }
            tokio::time::sleep(every).await;
        }
        Ok(took)
    }

    async fn advance(&self, micros: i64) -> Done {
        self.node.handle().advance(micros / 1_000).await?;
        Ok(())
    }

    async fn cancels_at_rest(&self) -> Done<Vec<Duration>> {
        self.cancels(AT_REST, Duration::ZERO, &Cell::new(false)).await
    }

    /// Cancels at rest, and then one after the other for as long as a change takes that is made so many times.
    async fn measure(&self, what: &str, times: u32, change: impl Future<Output = Done>) -> Done {
        let rest = self.cancels_at_rest().await?;
        let (took, waits) = self.beside(Duration::ZERO, change).await?;
        report(what, took / times, &rest, &waits)
    }

    /// How long a change takes, and cancels beside it.
    async fn beside(
        &self,
        every: Duration,
        change: impl Future<Output = Done>,
    ) -> Done<(Duration, Vec<Duration>)> {
        let (stop, begun) = (Cell::new(false), Instant::now());
        let change = async {
            let outcome = change.await;
            stop.set(true);
            outcome.map(|()| begun.elapsed())
        };
        let (took, waits) = tokio::join!(change, self.cancels(usize::MAX, every, &stop));
        if self.resting.borrow().is_empty() {
            return Err("there was nothing left to cancel".into());
        }
        Ok((took?, waits?))
    }
}

fn report(what: &str, took: Duration, rest: &[Duration], waits: &[Duration]) -> Done {
    let sorted = |list: &[Duration]| {
        let mut list = list.to_vec();
        list.sort_unstable();
        list
    };
    let (rest, waits) = (sorted(rest), sorted(waits));
    let (Some(slowest), Some(longest)) = (rest.last(), waits.last()) else { return Err("no cancels".into()) };
    println!(
        "{what}: {took:.1?}; {} cancels meanwhile, median {:.1?}, longest {longest:.1?} (at rest {:.1?}, {slowest:.1?}; bar 10 ms and a sync)",
        waits.len(),
        waits[waits.len() / 2],
        rest[rest.len() / 2],
    );
    Ok(())
}

async fn submit(handle: &NodeHandle, command: Command) -> Done<Outcome> {
    Ok(handle.submit(Submission::new(command)).await?.outcome)
}

async fn submit_all(handle: &NodeHandle, commands: impl IntoIterator<Item = Command>) -> Done<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    let commands: Vec<Submission> = commands.into_iter().map(Submission::new).collect();
    for batch in commands.chunks(BATCH) {
        outcomes.extend(handle.submit_all(batch.to_vec()).await?.into_iter().map(|reply| reply.outcome));
    }
    Ok(outcomes)
}

fn order(
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    lots: i64,
    limit: i64,
    stop: Option<i64>,
) -> Command {
    Command::Place(PlaceOrder {
        account,
        instrument,
        side,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(lots),
        limit_price: Some(OnGrid::Steps(limit)),
        stop_price: stop.map(OnGrid::Steps),
        trigger: stop.map(|_| {
            Box::new(AskedTrigger { kind: TriggerKind::Stop, signal: Signal::Mark, deviation: None })
        }),
        limit_offset: None,
        reduce_only: false,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    })
}

fn mark(usd: i128) -> Command {
    Command::PinMark { instrument: XBT, price: Some(FinePrice(usd * 10_i128.pow(18))) }
}

/// Opens accounts with so many USD each.
async fn accounts(node: &RunningNode, count: u32, usd: i128, house: bool) -> Done<Vec<AccountId>> {
    let create = Command::CreateAccount(CreateAccount { parent: None, house });
    let created = submit_all(node.handle(), (0..count).map(|_| create.clone())).await?;
    let opened = created.into_iter().filter_map(|outcome| match outcome {
        Outcome::AccountCreated(account) => Some(account),
        _ => None,
    });
    let opened: Vec<AccountId> = opened.collect();
    let (wallet, currency, amount) = (Wallet::Flex, Currency::USD, Money(usd * Money::ONE));
    let deposit =
        |account: &AccountId| Command::Deposit(Deposit { account: *account, wallet, currency, amount });
    submit_all(node.handle(), opened.iter().map(deposit)).await?;
    Ok(opened)
}

fn roomy() -> Command {
    let most = Some(100_000);
    let change =
        LimitsChange { small_orders: most, open_orders: most, triggers: most, ..LimitsChange::default() };
    Command::SetLimits { account: None, instrument: None, change }
}

/// A price that leaves ten thousand accounts with less than nothing, and takes each down to the rung that is left: two fifths find
/// bids, three tenths a provider, a tenth bids at the cost of the pool, and the rest are unwound.
async fn liquidations() -> Done {
    let venue = Venue::open(MarketKind::None).await?;
    let handle = venue.node.handle();
    submit_all(handle, [mark(80_000)]).await?;
    let [seller, provider] = accounts(&venue.node, 2, 10_000_000_000, false).await?[..] else {
        return Err("two accounts were asked for".into());
    };
    let crowd = accounts(&venue.node, ACCOUNTS, 250, false).await?;
    let all = i64::from(ACCOUNTS) * SIZE;
    submit_all(handle, in_parts(seller, Side::Sell, all, 80_000)).await?;
    submit_all(handle, crowd.iter().map(|account| order(*account, XBT, Side::Buy, SIZE, 80_000, None)))
        .await?;
    submit_all(handle, in_parts(seller, Side::Buy, all * 4 / 10, 75_500)).await?;
    submit_all(handle, in_parts(seller, Side::Buy, all / 10, 73_000)).await?;
    let program = AssignmentProgram {
        kind: ContractKind::Linear,
        instrument: Some(XBT),
        base: None,
        quote: None,
        max_size: None,
        // A lot is a hundred millionths of a bitcoin.
        max_position: Some(all * 3 / 10 * 100),
        accept_long: true,
        accept_short: false,
        time_frame: TimeFrame::All,
        enabled: true,
        max_notional: None,
        min_profit_long: None,
        min_profit_short: None,
    };
    let program = Command::AddAssignmentProgram { account: provider, program: Box::new(program) };
    let pool = Command::SetPool { currency: Currency::USD, amount: Money(10_000_000 * Money::ONE) };
    submit_all(handle, [program, pool]).await?;
    let held = move |exchange: &Exchange| {
        let lots = |account: AccountId| exchange.positions(account).first().map_or(0, |held| held.qty);
        let crowd = crowd.iter().filter(|account| lots(**account) != 0).count();
        (crowd, lots(provider), lots(seller), exchange.pool(Currency::USD).0 / Money::ONE)
    };
    let before = handle.query(held.clone()).await?;
    let price = async { submit(handle, mark(74_000)).await.map(drop) };
    venue.measure("a price that takes 10,000 accounts down the whole ladder", 1, price).await?;
    let after = handle.query(held).await?;
    println!(
        "  positions, lots of the provider and of the counterparty, USD in the pool: {before:?} before, {after:?} after"
    );
    Ok(())
}

/// Orders for so many lots, none of them too large.
fn in_parts(account: AccountId, side: Side, lots: i64, limit: i64) -> Vec<Command> {
    let most = 100_000;
    let parts = (0..(lots + most - 1) / most).map(|part| most.min(lots - part * most));
    parts.map(|lots| order(account, XBT, side, lots, limit, None)).collect()
}

async fn stops() -> Done {
    let venue = Venue::open(MarketKind::None).await?;
    let handle = venue.node.handle();
    submit_all(handle, [mark(80_000)]).await?;
    let crowd = accounts(&venue.node, ACCOUNTS / 100, 1_000_000, false).await?;
    let stop = |account: &AccountId| order(*account, XBT, Side::Sell, 10, 79_500, Some(79_000));
    submit_all(handle, crowd.iter().flat_map(|account| vec![stop(account); 100])).await?;
    let price = async { submit(handle, mark(79_000)).await.map(drop) };
    venue.measure("a price that fires 10,000 stops", 1, price).await
}

async fn jump() -> Done {
    let venue = Venue::open(MarketKind::Live).await?;
    let handle = venue.node.handle();
    let never = Cell::new(false);
    let rest = venue.cancels_at_rest().await?;
    let from = handle.now();
    let begun = Instant::now();
    let days = handle.advance(DAYS * 86_400 * 1_000);
    let waits = tokio::select! {
        moved = days => return Err(format!("the jump ended before the cancels: {moved:?}").into()),
        waits = venue.cancels(BESIDE_A_JUMP, Duration::from_millis(20), &never) => waits?,
    };
    let passed = (handle.now().0 - from.0) / Timestamp::SECOND;
    report(
        &format!("{passed} seconds of a jump of {DAYS} days over a live market"),
        begun.elapsed(),
        &rest,
        &waits,
    )
}

/// A month of funding hours over a thousand positions, with no market: each hour books each of them.
async fn funding() -> Done {
    let venue = Venue::open(MarketKind::None).await?;
    let handle = venue.node.handle();
    submit_all(handle, [mark(80_000)]).await?;
    let house = accounts(&venue.node, 1, 10_000_000_000, true).await?[0];
    let crowd = accounts(&venue.node, POSITIONS, 1_000_000, false).await?;
    let many = i64::from(POSITIONS) * SIZE / 100_000 + 1;
    submit_all(handle, (0..many).map(|_| order(house, XBT, Side::Sell, 100_000, 80_000, None))).await?;
    submit_all(handle, crowd.iter().map(|account| order(*account, XBT, Side::Buy, SIZE, 80_000, None)))
        .await?;
    submit_all(handle, [Command::CancelAll { account: house, instrument: None }]).await?;
    // A premium of a quarter of a per cent.
    let quotes = [(Side::Buy, 80_190), (Side::Sell, 80_210)];
    submit_all(handle, quotes.map(|(side, limit)| order(house, XBT, side, 100_000, limit, None))).await?;
    let booked = |exchange: &Exchange| exchange.account(STRANGER).map(|view| view.log_rows);
    let rows = crowd[0];
    let rows_of = move |exchange: &Exchange| exchange.account(rows).map(|view| view.log_rows);
    let (before, stranger) = (handle.query(rows_of).await?, handle.query(booked).await?);
    let rest = venue.cancels_at_rest().await?;
    let days = venue.advance(DAYS * 86_400 * SECOND);
    let (took, waits) = venue.beside(Duration::from_millis(5), days).await?;
    let after = handle.query(rows_of).await?;
    let hours = after.unwrap_or_default() - before.unwrap_or_default();
    if hours != DAYS as u64 * 24 || handle.query(booked).await? != stranger {
        return Err(format!("{hours} hours were booked").into());
    }
    report(
        &format!("a jump of {DAYS} days, {hours} funding hours of {POSITIONS} positions (bar 2 s)"),
        took,
        &rest,
        &waits,
    )
}
