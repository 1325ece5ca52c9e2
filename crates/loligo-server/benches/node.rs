//! The node's own figures: how fast it comes back, what an order costs in memory, what a status read costs.
//!
//! Each is printed beside what it is measured against, in the same run. `NODE_BENCH_RECORDS` sets another size than a
//! million records.

#![allow(clippy::print_stdout, reason = "a benchmark's interface is its standard output")]

use loligo_engine::{
    AccountId, CancelOrder, Command, CreateAccount, Currency, Deposit, Event, Exchange, InstrumentId, Money,
    OnGrid, OrderId, OrderRef, OrderType, Outcome, PlaceOrder, Side, Wallet,
};
use loligo_journal::StoppedJournal;
use loligo_server::config::{ClockKind, Config, MarketKind};
use loligo_server::node::{NodeHandle, RunningNode, Submission, replay_folder, spawn};
use loligo_server::record::{Body, Record};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const BATCH: u64 = 500;
/// House accounts: no limit of open orders holds them.
const ACCOUNTS: u64 = 16;
const XBT: InstrumentId = InstrumentId(0);
const STATUS_READS: u32 = 1_000_000;

fn main() -> Done {
    let records = match std::env::var("NODE_BENCH_RECORDS") {
        Ok(text) => text.parse()?,
        Err(_) => 1_000_000,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Memory comes first: what earlier measurements gave back would hide what this one takes.
    runtime.block_on(memory(records))?;
    empty_start()?;
    runtime.block_on(status_reads())?;
    runtime.block_on(stalls(records))?;
    runtime.block_on(recovery(records))
}

fn config(folder: &Path) -> Config {
    Config {
        data: Some(folder.to_path_buf()),
        market: MarketKind::None,
        past_days: None,
        clock: ClockKind::Manual { start: ClockKind::DEFAULT_START },
        accounts: 2,
        ..Config::default()
    }
}

fn empty_start() -> Done {
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let node = spawn(&Config { market: MarketKind::Live, accounts: 10, ..config(folder.path()) })?;
    let took = begun.elapsed();
    println!("node ready on an empty folder, live market: {took:.1?} (bar 300 ms with the listeners)");
    drop(node);
    Ok(())
}

async fn submit(handle: &NodeHandle, command: Command) -> Done<Outcome> {
    Ok(handle.submit(Submission::new(command)).await?.outcome)
}

/// Opens the house accounts; their numbers.
async fn accounts(node: &RunningNode) -> Done<Vec<AccountId>> {
    let mut opened = Vec::new();
    for _ in 0..ACCOUNTS {
        let create = Command::CreateAccount(CreateAccount { parent: None, house: true });
        let Outcome::AccountCreated(account) = submit(node.handle(), create).await? else {
            return Err("an account was not created".into());
        };
        let (wallet, currency) = (Wallet::Flex, Currency::USD);
        let amount = Money(10_000_000_000 * Money::ONE);
        submit(node.handle(), Command::Deposit(Deposit { account, wallet, currency, amount })).await?;
        opened.push(account);
    }
    Ok(opened)
}

fn place(account: AccountId, side: Side, price: i64, named: Option<u64>) -> Command {
    Command::Place(PlaceOrder {
        account,
        instrument: XBT,
        side,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(1),
        limit_price: Some(OnGrid::Steps(price)),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only: false,
        client_order_id: named
            .map(|number| loligo_engine::ClientOrderId::Valid(format!("{number:036}").into_boxed_str())),
        algo_id: None,
        process_before: None,
    })
}

/// A number that looks random and follows from `n`.
fn mix(n: u64) -> u64 {
    let z = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
}

/// Threes: two orders around a price, some of which meet, then a cancel of an order of fifty threes ago.
fn traffic(n: u64, accounts: &[AccountId]) -> Command {
    let (three, part) = (n / 3, n % 3);
    // Only orders take numbers, so the first of a three has the odd one.
    let account_of = |number: u64| accounts[(mix(number) % ACCOUNTS) as usize];
    if part == 2 {
        let number = 2 * three.saturating_sub(50) + 1;
        let order = OrderRef::Id(OrderId(number));
        return Command::Cancel(CancelOrder { account: account_of(number), order, process_before: None });
    }
    let number = 2 * three + part + 1;
    let side = if mix(n) & 64 == 0 { Side::Buy } else { Side::Sell };
    let price = 80_000 - side.sign() * 20 + (mix(n + 7) % 60) as i64 * side.sign();
    place(account_of(number), side, price, None)
}

async fn submit_many(handle: &NodeHandle, count: u64, command: impl Fn(u64) -> Command) -> Done<Duration> {
    let begun = Instant::now();
    for first in (0..count).step_by(BATCH as usize) {
        let batch = (first..(first + BATCH).min(count)).map(|n| Submission::new(command(n))).collect();
        handle.submit_all(batch).await?;
    }
    Ok(begun.elapsed())
}

fn rate(count: u64, took: Duration) -> u128 {
    u128::from(count) * 1_000_000_000 / took.as_nanos().max(1)
}

/// How long the writer stands still for a snapshot, by resting orders: it copies them, and answers.
async fn stalls(orders: u64) -> Done {
    let folder = tempfile::tempdir()?;
    let node = spawn(&config(folder.path()))?;
    let opened = accounts(&node).await?;
    let order = |n: u64| {
        let account = opened[(n % ACCOUNTS) as usize];
        place(account, Side::Buy, 79_000 - (mix(n) % 20_000) as i64, None)
    };
    let mut resting = 0;
    for target in [orders / 10, orders * 3 / 10, orders] {
        submit_many(node.handle(), target - resting, |n| order(resting + n)).await?;
        resting = target;
        let begun = Instant::now();
        node.handle().snapshot().await?;
        println!("writer's stall for a snapshot of {resting} resting orders: {:.1?}", begun.elapsed());
    }
    Ok(())
}

/// Coming back: the engine alone, replay with everything, a start that finds no snapshot.
async fn recovery(records: u64) -> Done {
    let folder = tempfile::tempdir()?;
    let node = spawn(&config(folder.path()))?;
    let opened = accounts(&node).await?;
    let took = submit_many(node.handle(), records, |n| traffic(n, &opened)).await?;
    println!("durable records, {BATCH} a batch, one client: {}/s", rate(records, took));
    let hashes = node.handle().state_hashes().await?;
    let begun = Instant::now();
    node.handle().snapshot().await?;
    println!("writer's stall for a snapshot: {:.1?}", begun.elapsed());
    drop(node);
    std::fs::remove_dir_all(folder.path().join("snapshots"))?;

    let journal = StoppedJournal::open(folder.path())?;
    let mut commands = Vec::new();
    let mut reader = journal.reader(1)?;
    while let Some(batch) = reader.next_batch()? {
        for (_, bytes) in batch.iter() {
            let record = Record::decode(bytes)?;
            match record.body {
                Body::Genesis { command, .. } | Body::Command(command) => {
                    commands.push((record.time, command))
                }
                Body::Fact(_) | Body::Crossing(_) => {}
            }
        }
    }
    drop((reader, journal));
    let mut engine_alone = Duration::MAX;
    let mut replay = Duration::MAX;
    for _ in 0..3 {
        let mut exchange = Exchange::new();
        let mut events: Vec<Event> = Vec::new();
        let begun = Instant::now();
        for (time, command) in &commands {
            events.clear();
            exchange.apply(*time, command, &mut events);
        }
        engine_alone = engine_alone.min(begun.elapsed());
        let begun = Instant::now();
        let replayed = replay_folder(folder.path())?.hashes;
        replay = replay.min(begun.elapsed());
        if replayed != hashes {
            return Err("replay came to another state".into());
        }
    }
    let count = commands.len() as u64;
    let ratio = engine_alone.as_nanos() * 100 / replay.as_nanos().max(1);
    println!(
        "engine alone: {}/s; replay: {}/s, 0.{ratio:02}x of it (bar 0.80x)",
        rate(count, engine_alone),
        rate(count, replay)
    );

    let begun = Instant::now();
    let node = spawn(&config(folder.path()))?;
    let ready = begun.elapsed();
    let bar = engine_alone * 3 / 2 + Duration::from_millis(300);
    println!(
        "ready with {count} records to replay: {ready:.1?} (bar {bar:.1?}: 1.5x the engine alone + 300 ms)"
    );
    drop(node);
    Ok(())
}

/// Memory of resting orders, half of them named: the whole process, engine and views and all.
async fn memory(orders: u64) -> Done {
    // In memory only: the copy that a snapshot is made of while it is made is not an order's.
    let node = spawn(&Config { data: None, ..config(Path::new("")) })?;
    let opened = accounts(&node).await?;
    let before = resident_bytes()?;
    let order = |n: u64| {
        let account = opened[(n % ACCOUNTS) as usize];
        place(account, Side::Buy, 79_000 - (mix(n) % 20_000) as i64, n.is_multiple_of(2).then_some(n))
    };
    submit_many(node.handle(), orders, order).await?;
    let open = node.handle().audit().await??.open_orders;
    let grown = resident_bytes()?.saturating_sub(before);
    println!(
        "memory of {open} resting orders, engine and views: {} bytes each (bar 400)",
        grown / open.max(1)
    );
    Ok(())
}

fn resident_bytes() -> Done<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kib * 1024)
}

/// One order of an account that holds five hundred.
async fn status_reads() -> Done {
    let node = spawn(&Config { accounts: 2, ..Config::test() })?;
    let handle = node.handle();
    let account = AccountId(0);
    submit_many(handle, 400, |n| place(account, Side::Buy, 70_000 - n as i64, None)).await?;
    let now = handle.now();
    let ids: Vec<OrderId> =
        handle.views().orders().with(account, |o| o.open().iter().map(|o| o.id).collect());
    let begun = Instant::now();
    let mut lots = 0;
    for n in 0..STATUS_READS {
        let id = ids[n as usize % ids.len()];
        lots += handle
            .views()
            .orders()
            .with(account, |o| o.order(id, now).cloned())
            .map_or(0, |o| o.open_qty().0);
    }
    let took = begun.elapsed();
    if lots != i64::from(STATUS_READS) {
        return Err("an order was not found".into());
    }
    let mut uuids = 0;
    let begun_ids = Instant::now();
    for n in 0..STATUS_READS {
        let uuid = handle.identity().order_uuid(ids[n as usize % ids.len()]);
        uuids += u32::from(handle.identity().order_id(uuid).is_some());
    }
    let took_ids = begun_ids.elapsed();
    println!(
        "one order's status from the view: {} ns; its id to UUID and back: {} ns ({uuids} read)",
        took.as_nanos() / u128::from(STATUS_READS),
        took_ids.as_nanos() / u128::from(STATUS_READS)
    );
    Ok(())
}
