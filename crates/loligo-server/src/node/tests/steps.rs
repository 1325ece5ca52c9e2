//! Who waits for whom while the exchange does what follows from one request (rules 5.7).

use super::rolls::{at, check_journal, manual};
use super::*;
use crate::config::ClockKind;
use loligo_engine::{
    AskedTrigger, Exchange, FinePrice, MarketState, OrderStatus, OrderView, Signal, Timestamp, TriggerKind,
    WORK_PER_RECORD,
};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicI64;
use std::task::Poll;
use tempfile::TempDir;

/// Stops that one mark reaches: by two accounts, a hundred each at most.
const STOPS: u64 = 200;
const FIRST: InstrumentId = InstrumentId(0);
const START: i64 = 1_767_225_600_000_000;

/// Asks, and does not wait for the answer.
async fn ask<F: Future>(request: &mut Pin<&mut F>) {
    let waits = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "nothing is answered yet");
}

fn pin_mark(usd: i128) -> Submission {
    let price = Some(FinePrice(usd * 10_i128.pow(18)));
    Submission::new(Command::PinMark { instrument: FIRST, price })
}

/// An order of an account, in ticks of the first contract.
fn order(account: u32, side: Side, limit: i64, stop: Option<i64>) -> Submission {
    let Command::Place(placed) = place().command else { panic!("an order") };
    Submission::new(Command::Place(PlaceOrder {
        account: AccountId(account),
        side,
        // Worth more than a small order.
        qty: OnGrid::Steps(2),
        limit_price: Some(OnGrid::Steps(limit)),
        stop_price: stop.map(OnGrid::Steps),
        trigger: stop.map(|_| {
            let (kind, signal) = (TriggerKind::Stop, Signal::Mark);
            Box::new(AskedTrigger { kind, signal, deviation: None })
        }),
        ..placed
    }))
}

/// A venue whose clock stands, on which a mark of 60,000 fires all stops; and one resting order.
async fn with_stops(data: MarketKind) -> (RunningNode, Arc<Disk>, OrderId) {
    let clock = ClockKind::Manual { start: Timestamp(START) };
    let config = Config { clock, market: data, ..Config::test() };
    let (node, disk) = node_with(config, MachineClock::system());
    node.handle().submit(pin_mark(70_000)).await.unwrap();
    for stop in 0..STOPS {
        // Each rests where nobody meets it.
        let account = (stop % 2) as u32;
        let outcome =
            node.handle().submit(order(account, Side::Sell, 75_000, Some(61_000))).await.unwrap().outcome;
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
    }
    let outcome = node.handle().submit(order(2, Side::Buy, 30_000, None)).await.unwrap().outcome;
    let Outcome::Placed(resting) = outcome else { panic!("{outcome:?}") };
    (node, disk, resting)
}

async fn waiting_stops(node: &RunningNode) -> usize {
    let count = |exchange: &Exchange| {
        let known = exchange.known_orders();
        known.iter().filter(|order| order.status == OrderStatus::TriggerPlaced).count()
    };
    node.handle().query(count).await.unwrap()
}

#[tokio::test]
async fn while_work_waits_a_cancel_goes_before_it_and_an_order_after_it() {
    let (node, disk, resting) = with_stops(MarketKind::None).await;
    // The price itself, then one record of steps, then two: these are held up.
    let (reached, open) = disk.hold_up(2);
    let handle = node.handle();
    let mut price = pin!(handle.submit(pin_mark(60_000)));
    ask(&mut price).await;
    reached.recv().unwrap();
    // An order comes first, a cancel after it.
    let (mut ordered, mut cancelled) =
        (pin!(handle.submit(order(2, Side::Buy, 30_001, None))), pin!(handle.submit(cancel_of(2, resting))));
    ask(&mut ordered).await;
    ask(&mut cancelled).await;
    open.send(()).unwrap();
    let (price, ordered, cancelled) =
        (price.await.unwrap(), ordered.await.unwrap(), cancelled.await.unwrap());
    assert_eq!(cancelled.outcome, Outcome::Cancelled(resting));
    assert!(matches!(ordered.outcome, Outcome::Placed(_)), "{:?}", ordered.outcome);
    // One and two records of steps before the cancel; what is left of the stops, 64 a record, before the order.
    assert_eq!(cancelled.sequence, price.sequence + 4);
    assert!(ordered.sequence > cancelled.sequence, "{} {}", ordered.sequence, cancelled.sequence);
    let records = STOPS.div_ceil(u64::from(WORK_PER_RECORD / 16));
    assert!(ordered.sequence > price.sequence + records, "{}", ordered.sequence);
    assert_eq!(waiting_stops(&node).await, 0);
}

fn cancel_of(account: u32, order: OrderId) -> Submission {
    let order = OrderRef::Id(order);
    Submission::new(Command::Cancel(CancelOrder { account: AccountId(account), order, process_before: None }))
}

#[tokio::test]
async fn a_price_and_a_market_verb_are_answered_when_all_that_follows_has_happened() {
    let (node, _, _) = with_stops(MarketKind::None).await;
    node.handle().submit(pin_mark(60_000)).await.unwrap();
    let open = |account| node.handle().views().orders().with(AccountId(account), |of| of.open_copied());
    let waits = |order: &OrderView| order.status == OrderStatus::TriggerPlaced;
    let shown = |account| open(account).into_iter().filter(waits).count();
    assert_eq!((shown(0), shown(1)), (0, 0), "every view shows all of it");
    let state = Command::SetMarketState { instrument: FIRST, state: MarketState::Inactive };
    node.handle().submit(Submission::new(state)).await.unwrap();
    for account in 0..3 {
        assert!(open(account).is_empty());
    }
}

/// Accounts that hold a lot which the first one has sold them: more than three records of steps.
const BUYERS: u32 = 200;
const HOUR: i64 = 3_600 * Timestamp::SECOND;

/// Everyone holds a contract.
async fn held_by_all(node: &RunningNode, instrument: InstrumentId) {
    let mut orders = Vec::new();
    for buyer in 1..=BUYERS {
        for (account, side) in [(0, Side::Sell), (buyer, Side::Buy)] {
            let Command::Place(order) = order(account, side, 80_000, None).command else {
                panic!("an order")
            };
            let order = PlaceOrder { instrument, qty: OnGrid::Steps(1), ..order };
            orders.push(Submission::new(Command::Place(order)));
        }
    }
    node.handle().submit_all(orders).await.unwrap();
    let held =
        |exchange: &Exchange| (0..=BUYERS).all(|account| !exchange.positions(AccountId(account)).is_empty());
    assert!(node.handle().query(held).await.unwrap());
}

/// An order of the first account that rests far from the price.
async fn rests(node: &RunningNode) -> OrderId {
    let outcome = node.handle().submit(order(0, Side::Buy, 30_000, None)).await.unwrap().outcome;
    let Outcome::Placed(resting) = outcome else { panic!("{outcome:?}") };
    resting
}

fn crowded(clock: ClockKind) -> Config {
    Config { clock, accounts: BUYERS + 1, ..Config::test() }
}

/// A machine's clock that goes on when it has been looked at so many times.
struct Looks {
    wall: Arc<AtomicI64>,
    left: Arc<AtomicI64>,
}

impl Looks {
    fn at(wall: i64) -> Self {
        Self { wall: Arc::new(AtomicI64::new(wall)), left: Arc::new(AtomicI64::new(i64::MAX)) }
    }

    /// It goes on by so much then.
    fn clock(&self, by: i64) -> MachineClock {
        let (wall, left) = (Arc::clone(&self.wall), Arc::clone(&self.left));
        let passed = move || if left.fetch_sub(1, Ordering::SeqCst) > 0 { 0 } else { by };
        MachineClock::of(Box::new(move || wall.load(Ordering::SeqCst) + passed()), Box::new(|| 0))
    }

    fn stand_at(&self, wall: i64) {
        self.left.store(i64::MAX, Ordering::SeqCst);
        self.wall.store(wall, Ordering::SeqCst);
    }

    /// Does what is due by now: the first question wakes the writer, which sees to that before it takes the second.
    async fn see_to_what_is_due(handle: &NodeHandle) {
        handle.query(|_| ()).await.unwrap();
        handle.query(|_| ()).await.unwrap();
    }

    /// The answer to a cancel that is there before the writer looks at the clock again, which goes on at this look.
    async fn goes_on_at(&self, look: i64, handle: &NodeHandle, resting: OrderId) -> Reply {
        let ((holds, held), (lets, on)) = (sync_channel(1), sync_channel(1));
        let mut question = pin!(handle.query(move |_| {
            holds.send(()).unwrap();
            on.recv().unwrap();
        }));
        ask(&mut question).await;
        held.recv().unwrap();
        let mut cancelled = pin!(handle.submit(cancel_of(0, resting)));
        ask(&mut cancelled).await;
        self.left.store(look, Ordering::SeqCst);
        lets.send(()).unwrap();
        question.await.unwrap();
        let cancelled = cancelled.await.unwrap();
        assert_eq!(cancelled.outcome, Outcome::Cancelled(resting));
        // However often it has been looked at, it goes on now.
        self.left.store(0, Ordering::SeqCst);
        Self::see_to_what_is_due(handle).await;
        cancelled
    }
}

/// More often the writer does not look at the clock between one request and the next.
const LOOKS: std::ops::Range<i64> = 0..8;

#[tokio::test]
async fn a_cancel_that_comes_as_an_hour_ends_waits_for_one_record_of_what_that_brings() {
    let looks = Looks::at(START);
    let (node, _) = node_with(crowded(ClockKind::Real), looks.clock(1));
    held_by_all(&node, FIRST).await;
    let handle = node.handle();
    for look in LOOKS {
        let resting = rests(&node).await;
        looks.stand_at(START + (look + 1) * HOUR - 1);
        Looks::see_to_what_is_due(handle).await;
        let before = handle.acknowledged();
        let cancelled = looks.goes_on_at(look, handle, resting).await;
        assert!(cancelled.sequence <= before + 2, "look {look}: {} after {before}", cancelled.sequence);
        // The hour has ended, and took more than that.
        let records = u64::from(BUYERS.div_ceil(WORK_PER_RECORD / 16));
        assert!(handle.acknowledged() > before + records, "look {look}: {before}");
    }
}

#[tokio::test]
async fn whenever_the_clock_passes_an_expiry_what_follows_is_listed_before_anything_later() {
    let (start, ends) = (at("2026-01-30T07:59:59.999999Z"), at("2026-01-30T08:00:00Z"));
    for look in LOOKS {
        let folder = TempDir::new().unwrap();
        let config = Config { clock: ClockKind::Real, ..manual(folder.path(), "2026-01-30T07:59:59Z") };
        let looks = Looks::at(start.0);
        // The machine sleeps for some seconds then.
        let clock = looks.clock(3 * Timestamp::SECOND);
        let journal = recovery::open_journal(&config, &clock).unwrap();
        let node = spawn_on(&config, journal, clock, Duration::ZERO, Vec::new()).unwrap();
        let resting = rests(&node).await;
        looks.goes_on_at(look, node.handle(), resting).await;
        let listed = move |exchange: &Exchange| {
            let opened = exchange.instruments().map(|(_, listed)| listed.spec().opening);
            opened.filter(|at| *at > start).collect::<Vec<_>>()
        };
        assert_eq!(node.handle().query(listed).await.unwrap(), [ends; 2], "look {look}");
        node.stop();
        check_journal(folder.path(), 2);
    }
}

/// Moves a clock that is moved by hand to a time at which much is due, with an order and then a cancel behind it, when the first
/// record of that is under way: at how many records from there they are, and when.
async fn amid_a_move(node: &RunningNode, disk: &Disk, to: Timestamp) -> [(u64, Timestamp); 2] {
    let handle = node.handle();
    let resting = rests(node).await;
    handle.set_time(to.plus(-Timestamp::SECOND)).await.unwrap();
    let before = handle.acknowledged();
    let (reached, open) = disk.hold_up(0);
    let mut moved = pin!(handle.set_time(to));
    ask(&mut moved).await;
    reached.recv().unwrap();
    let (mut ordered, mut cancelled) =
        (pin!(handle.submit(order(0, Side::Buy, 30_001, None))), pin!(handle.submit(cancel_of(0, resting))));
    ask(&mut ordered).await;
    ask(&mut cancelled).await;
    open.send(()).unwrap();
    let (ordered, cancelled) = (ordered.await.unwrap(), cancelled.await.unwrap());
    moved.await.unwrap();
    assert_eq!(cancelled.outcome, Outcome::Cancelled(resting));
    assert!(matches!(ordered.outcome, Outcome::Placed(_)), "{:?}", ordered.outcome);
    [ordered, cancelled].map(|reply| (reply.sequence - before, reply.time))
}

#[tokio::test]
async fn a_cancel_amid_a_move_goes_before_what_is_left_of_an_hour_and_an_order_after_it() {
    let (node, disk) =
        node_with(crowded(ClockKind::Manual { start: Timestamp(START) }), MachineClock::system());
    held_by_all(&node, FIRST).await;
    let end = Timestamp(START + HOUR);
    let [ordered, cancelled] = amid_a_move(&node, &disk, end).await;
    assert_eq!(cancelled, (2, end), "behind the record that was under way");
    assert!(ordered.0 > 1 + u64::from(BUYERS.div_ceil(WORK_PER_RECORD / 16)), "{ordered:?}");
}

#[tokio::test]
async fn a_cancel_amid_a_move_goes_before_what_is_left_of_a_settlement_and_the_listing_that_follows_it() {
    let (node, disk) =
        node_with(crowded(ClockKind::Manual { start: Timestamp(START) }), MachineClock::system());
    let ends = at("2026-01-30T08:00:00Z");
    let find = |symbol: &'static str| {
        move |exchange: &Exchange| {
            let found = exchange.instruments().find(|(_, listed)| listed.spec().symbol == symbol);
            found.map(|(id, listed)| (id, listed.spec().opening))
        }
    };
    let (contract, _) = node.handle().query(find("FF_XBTUSD_260130")).await.unwrap().unwrap();
    held_by_all(&node, contract).await;
    let [ordered, cancelled] = amid_a_move(&node, &disk, ends).await;
    assert_eq!(cancelled, (2, ends), "behind the record that was under way");
    // All are settled, and what follows is listed, at the same instant.
    assert!(ordered.0 > 2 + u64::from(BUYERS.div_ceil(WORK_PER_RECORD / 16)), "{ordered:?}");
    assert_eq!(ordered.1, ends);
    let (_, opening) = node.handle().query(find("FF_XBTUSD_260227")).await.unwrap().unwrap();
    assert_eq!(opening, ends);
}
