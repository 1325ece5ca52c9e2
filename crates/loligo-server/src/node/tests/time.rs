//! Exchange time: a machine's clock that is set back, what is due when nobody asks, and a manual clock on its way.

use super::*;
use crate::config::ClockKind;
use loligo_engine::{AskedTrigger, Signal, Timestamp, TriggerKind};
use tempfile::TempDir;

const HOUR: i64 = 3_600 * Timestamp::SECOND;
/// 2026-01-01, where the machine's clock stands when a test begins.
const NEW_YEAR: i64 = 1_767_225_600 * Timestamp::SECOND;
/// Records of the house that one commit is filled with, and more than a second of its has.
const GATHERED: u64 = 1_024;
const MOST_A_SECOND: u64 = 400;
const ALICE: AccountId = AccountId(0);
const BOB: AccountId = AccountId(1);

/// A machine whose clocks stand until they are set.
#[derive(Clone)]
struct Machine {
    wall: Arc<AtomicI64>,
    monotonic: Arc<AtomicI64>,
}

impl Machine {
    fn at(wall: i64) -> Self {
        Self { wall: Arc::new(AtomicI64::new(wall)), monotonic: Arc::new(AtomicI64::new(77)) }
    }

    /// Its clocks; the monotonic one goes on by `each` microseconds when it is looked at.
    fn clock(&self, each: i64) -> MachineClock {
        let Self { wall, monotonic } = self.clone();
        MachineClock::of(
            Box::new(move || wall.load(Ordering::SeqCst)),
            Box::new(move || monotonic.fetch_add(each, Ordering::SeqCst)),
        )
    }

    fn pass(&self, micros: i64) {
        self.wall.fetch_add(micros, Ordering::SeqCst);
        self.monotonic.fetch_add(micros, Ordering::SeqCst);
    }
}

fn real(market: MarketKind) -> Config {
    Config { market, clock: ClockKind::Real, ..Config::test() }
}

fn live() -> Config {
    Config { market: MarketKind::Live, ..Config::test() }
}

/// The last record and the open orders of an account, once everything is done that is due by now: the first question
/// wakes the writer, which sees to what is due before it takes the second.
async fn look(node: &RunningNode, account: AccountId) -> (u64, usize) {
    node.handle().query(|_| ()).await.unwrap();
    let open = node.handle().query(move |exchange| exchange.open_orders(account).len()).await.unwrap();
    (node.handle().acknowledged(), open)
}

async fn arm(node: &RunningNode, seconds: u32) {
    let arm = Command::CancelAllAfter { account: ALICE, timeout_seconds: seconds };
    let outcome = node.handle().submit(Submission::new(arm)).await.unwrap().outcome;
    assert!(matches!(outcome, Outcome::Armed(Some(_))), "{outcome:?}");
}

fn order(account: AccountId, side: Side, price: i64, lots: i64) -> PlaceOrder {
    let Command::Place(sample) = place().command else { unreachable!("an order") };
    let (qty, limit_price) = (OnGrid::Steps(lots), Some(OnGrid::Steps(price)));
    PlaceOrder { account, side, qty, limit_price, ..sample }
}

#[tokio::test]
async fn a_dead_man_s_switch_fires_on_time_though_the_machine_s_clock_was_put_back() {
    let machine = Machine::at(NEW_YEAR);
    let (node, _) = node_with(real(MarketKind::None), machine.clock(0));
    placed(&node).await;
    arm(&node, 10).await;
    machine.wall.fetch_sub(HOUR, Ordering::SeqCst);
    machine.pass(9_999_999);
    assert_eq!(look(&node, ALICE).await.1, 1, "a microsecond too early");
    assert_eq!(node.handle().now(), Timestamp(NEW_YEAR + 9_999_999), "never back, never still");
    assert_eq!(node.handle().clock_behind(), Some(Duration::from_secs(3_600)));
    machine.pass(1);
    assert_eq!(look(&node, ALICE).await.1, 0);
    // Set right again, time is what it would have been.
    machine.wall.fetch_add(HOUR, Ordering::SeqCst);
    assert_eq!(node.handle().now(), Timestamp(NEW_YEAR + 10_000_000));
    assert_eq!(node.handle().clock_behind(), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_start_on_a_machine_whose_clock_is_behind_goes_on_from_the_last_record() {
    let folder = TempDir::new().unwrap();
    let config = Config { data: Some(folder.path().to_path_buf()), ..real(MarketKind::None) };
    let start = |machine: &Machine| {
        let clock = machine.clock(0);
        let journal = recovery::open_journal(&config, &clock).unwrap();
        spawn_on(&config, journal, clock, Duration::ZERO, Vec::new()).unwrap()
    };
    let node = start(&Machine::at(NEW_YEAR + HOUR));
    placed(&node).await;
    arm(&node, 10).await;
    node.stop();
    let machine = Machine::at(NEW_YEAR);
    let node = start(&machine);
    assert_eq!(node.handle().now(), Timestamp(NEW_YEAR + HOUR));
    assert_eq!(node.handle().clock_behind(), Some(Duration::from_secs(3_600)));
    machine.pass(9_999_999);
    assert_eq!(look(&node, ALICE).await.1, 1, "a microsecond too early");
    machine.pass(1);
    assert_eq!(look(&node, ALICE).await.1, 0);
}

#[tokio::test]
async fn a_mark_moves_every_second_without_being_asked_and_a_still_one_writes_nothing() {
    let machine = Machine::at(NEW_YEAR);
    let (node, _) = node_with(real(MarketKind::None), machine.clock(0));
    let begun = look(&node, ALICE).await.0;
    for _ in 0..10 {
        machine.pass(Timestamp::SECOND);
        assert_eq!(look(&node, ALICE).await.0, begun, "an empty market is still");
    }
    // Quotes 0.9375% above the index of 80,000: of n samples after ten without, the mark is n / (10 + n) there.
    let stop = AskedTrigger { kind: TriggerKind::Stop, signal: Signal::Mark, deviation: None };
    let stop = PlaceOrder {
        stop_price: Some(OnGrid::Steps(80_400)),
        trigger: Some(Box::new(stop)),
        ..order(ALICE, Side::Buy, 81_000, 10)
    };
    for order in [stop, order(BOB, Side::Buy, 80_700, 100_000), order(BOB, Side::Sell, 80_800, 100_000)] {
        node.handle().submit(Submission::new(Command::Place(order))).await.unwrap();
    }
    let quoted = node.handle().acknowledged();
    for second in 1..=100 {
        machine.pass(Timestamp::SECOND);
        let (sequence, waiting) = look(&node, ALICE).await;
        assert_eq!(waiting, usize::from(second < 12), "the stop after {second} s");
        assert_eq!(
            sequence,
            quoted + second.min(30),
            "thirty seconds until the mean is of these quotes alone"
        );
    }
    assert_eq!(node.handle().query(|exchange| exchange.positions(ALICE)[0].qty).await.unwrap(), 10);
}

#[tokio::test]
async fn the_seconds_of_a_live_market_share_commits_and_nobody_sees_one_before_it_is_committed() {
    let (node, disk) = node_with(live(), Machine::at(NEW_YEAR).clock(0));
    disk.witness.set(node.handle().clone()).ok().unwrap();
    let before = node.handle().acknowledged();
    disk.commits.lock().unwrap().clear();
    node.handle().advance(3_600_000).await.unwrap();
    let written = node.handle().acknowledged() - before;
    assert!(written > 3_600, "the market lives: {written}");
    let commits = disk.commits.lock().unwrap().clone();
    assert!(commits.len() as u64 <= written / GATHERED + 1, "{} commits of {written} records", commits.len());
    for commit in commits {
        assert!((commit.records as u64) < GATHERED + MOST_A_SECOND, "a commit is bounded: {commit:?}");
        assert_eq!(commit.seen, Some((commit.after, commit.after)), "{commit:?}");
    }
}

#[tokio::test]
async fn a_slow_machine_commits_each_second_and_comes_to_the_same() {
    let mut ends = Vec::new();
    for each in [0, 5_000] {
        let (node, disk) = node_with(live(), Machine::at(NEW_YEAR).clock(each));
        let before = disk.commits.lock().unwrap().len();
        node.handle().advance(300_000).await.unwrap();
        ends.push((node.handle().state_hashes().await.unwrap(), disk.commits.lock().unwrap().len() - before));
    }
    assert_eq!(ends[0].0, ends[1].0);
    assert!(ends[0].1 < 50 && ends[1].1 == 300, "{ends:?}");
}

#[tokio::test]
async fn others_are_served_while_the_clock_moves_and_a_move_can_be_ended() {
    let (node, _) = node_on(MarketKind::Live);
    let (handle, begun) = (node.handle().clone(), node.handle().now());
    assert_eq!(handle.moving_to(), None);
    let month = 31 * 24 * HOUR;
    let move_on = |handle: NodeHandle| tokio::spawn(async move { handle.advance(month / 1000).await });
    let (moving, waiting) = (move_on(handle.clone()), move_on(handle.clone()));
    while handle.moving_to().is_none() || handle.now() == begun {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.moving_to(), Some(begun.plus(month)));
    let reply = handle.submit(place()).await.unwrap();
    assert!(matches!(reply.outcome, Outcome::Placed(_)), "{reply:?}");
    assert!(reply.time < begun.plus(month) && reply.time.0 % Timestamp::SECOND == 0, "{reply:?}");

    let at = handle.end_moves().await.unwrap();
    assert!(begun < at && at < begun.plus(month));
    for told in [moving, waiting] {
        assert_eq!(told.await.unwrap(), Err(ClockError::Ended { at }));
    }
    assert_eq!((handle.now(), handle.moving_to()), (at, None));
    assert_eq!(handle.end_moves().await, Ok(at), "none moves");
    assert_eq!(handle.advance(1_000).await, Ok(at.plus(Timestamp::SECOND)));
    handle.audit().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_move_that_meets_a_full_disk_keeps_what_it_has_done_and_goes_on_when_there_is_room() {
    let (straight, _) = node_with(live(), Machine::at(NEW_YEAR).clock(5_000));
    straight.handle().advance(20_000).await.unwrap();
    let (node, disk) = node_with(live(), Machine::at(NEW_YEAR).clock(5_000));
    let begun = node.handle().now();
    node.handle().advance(3_000).await.unwrap();
    disk.full.store(true, Ordering::SeqCst);
    // The second that was under way is there; no other is begun.
    let at = begun.plus(4 * Timestamp::SECOND);
    for _ in 0..2 {
        assert_eq!(node.handle().advance(17_000).await, Err(ClockError::DiskFull { at }));
        assert_eq!((node.handle().now(), node.handle().moving_to()), (at, None));
    }
    assert_eq!(disk.reserve.load(Ordering::SeqCst), RESERVE_BATCHES - 1, "the rest is for cancels");
    disk.full.store(false, Ordering::SeqCst);
    node.handle().advance(16_000).await.unwrap();
    let (seen, want) = (node.handle().state_hashes().await, straight.handle().state_hashes().await);
    assert_eq!(seen.unwrap(), want.unwrap());
}

#[tokio::test]
async fn a_move_whose_commit_fails_is_undecided_and_none_of_it_was_told() {
    let (node, disk) = node_with(live(), Machine::at(NEW_YEAR).clock(5_000));
    node.handle().advance(3_000).await.unwrap();
    let (acknowledged, now) = (node.handle().acknowledged(), node.handle().now());
    disk.broken.store(true, Ordering::SeqCst);
    assert_eq!(node.handle().advance(60_000).await, Err(ClockError::Node(SubmitError::Undecided)));
    assert!(matches!(node.ended().await, NodeEnd::JournalFailed { .. }));
    let views = node.handle().views();
    assert_eq!((node.handle().acknowledged(), node.handle().now()), (acknowledged, now));
    assert_eq!(views.sequence(), acknowledged);
}
