//! Others append to the same log, and take it to other branches.

use super::*;
use crate::node::replay::{GO_ON, replay};
use crate::node::venue::Venue;
use crate::projection::{Applied, Detached, Follower, Part};
use crate::record::{Body, KeyId, Record};
use loligo_engine::{Event, Exchange, OrderView, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64};

/// What another appender does before a batch of the node.
pub(crate) enum Act {
    /// It appends these.
    Slip(Vec<Body>),
    /// It takes the log back to before a record.
    Revert(u64),
}

/// A log with another appender, told what to do by a test.
struct SharedLog {
    inner: MemoryJournal,
    others: Arc<Others>,
}

#[derive(Default)]
pub(crate) struct Others {
    acts: Mutex<VecDeque<Act>>,
    /// The log of each branch that was left.
    left: Mutex<Vec<Box<dyn Log>>>,
}

impl Others {
    pub(crate) fn act(&self, act: Act) {
        self.acts.lock().unwrap().push_back(act);
    }
}

impl Journal for SharedLog {
    fn append(&mut self, time_us: i64, records: &Records, urgency: Urgency) -> Result<u64, AppendError> {
        let act = self.others.acts.lock().unwrap().pop_front();
        let mut other = self.inner.another_appender();
        match act {
            Some(Act::Slip(bodies)) => {
                let mut batch = Records::new();
                for body in bodies {
                    let mut bytes = Vec::new();
                    Record { time: Timestamp(time_us), nonce: None, body }.encode(&mut bytes).unwrap();
                    batch.push(&bytes);
                }
                other.append(time_us, &batch, urgency)?;
            }
            Some(Act::Revert(before)) => {
                self.others.left.lock().unwrap().push(self.inner.log());
                other.branch_before(before.min(other.last_sequence() + 1)).unwrap();
            }
            None => {}
        }
        self.inner.append(time_us, records, urgency)
    }
    fn branch(&self) -> u64 {
        self.inner.branch()
    }
    fn kept_from(&self) -> Result<u64, JournalError> {
        self.inner.kept_from()
    }
    fn last_sequence(&self) -> u64 {
        self.inner.last_sequence()
    }
    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        self.inner.reader(from)
    }
    fn log(&self) -> Box<dyn Log> {
        self.inner.log()
    }
    fn snapshots(&self) -> Box<dyn Snapshots> {
        self.inner.snapshots()
    }
    fn branch_before(&mut self, sequence: u64) -> Result<u64, JournalError> {
        self.inner.branch_before(sequence)
    }
}

/// A node on a log that others write, too; the others; a look at the log; a follower that notes what it is told.
pub(crate) struct Shared {
    pub(crate) node: RunningNode,
    pub(crate) others: Arc<Others>,
    log: MemoryJournal,
    pub(crate) ledger: Arc<Ledger>,
}

impl Shared {
    fn start(config: &Config) -> Self {
        Self::followed_by(config, Ledger::default())
    }

    pub(crate) fn followed_by(config: &Config, ledger: Ledger) -> Self {
        let inner = MemoryJournal::new();
        let (others, log) = (Arc::<Others>::default(), inner.another_appender());
        let journal = recovery::OpenJournal::of(Box::new(SharedLog { inner, others: Arc::clone(&others) }));
        let ledger = Arc::new(ledger);
        let followers: Vec<Arc<dyn Detached>> = vec![Arc::<Ledger>::clone(&ledger)];
        let machine = MachineClock::system();
        let node = spawn_on(config, journal, machine, Duration::ZERO, followers).unwrap();
        Self { node, others, log, ledger }
    }

    /// The node shows what a start on the same log would, and so does its follower.
    async fn check(&self) {
        let log = self.log.another_appender();
        let fresh = recovery::restore_newest(&log, &mut Vec::new()).unwrap();
        assert_eq!(self.node.handle().state_hashes().await.unwrap(), stopped::hashes(&fresh.venue));
        let views = self.node.handle().views();
        assert_eq!((views.branch(), views.sequence()), (log.branch(), fresh.venue.sequence));
        assert_eq!(views.acknowledged(), views.sequence());
        assert_eq!(shown(&views), shown(&fresh.views));
        self.node.handle().followed("ledger").await.unwrap();
        assert_eq!(self.ledger.rows(), Ledger::replayed(&log));
    }
}

/// Everything that views show.
fn shown(views: &crate::projection::Projections) -> (Vec<Part>, Vec<OrderView>, String) {
    let parts = views.followers().iter().filter_map(|follower| follower.part()).collect();
    let orders = (0..100).flat_map(|account| {
        views.orders().with(AccountId(account), |orders| {
            orders.known(views.time()).into_iter().cloned().collect::<Vec<_>>()
        })
    });
    let depth: Vec<_> = (0..60).map(|id| views.markets().depth(InstrumentId(id))).collect();
    let tickers = views.markets().tickers(views.time());
    (parts, orders.collect(), format!("{depth:?} {tickers:?}"))
}

/// A follower that notes each record and what it came to.
#[derive(Default)]
pub(crate) struct Ledger {
    /// What it is called, if not "ledger".
    name: Option<&'static str>,
    rows: Mutex<Vec<(u64, String)>>,
    /// What came up to here is not among the rows.
    begun: AtomicU64,
    branch: AtomicU64,
    /// What each record waits for, if anything.
    pub(crate) gate: Mutex<Option<Receiver<()>>>,
    /// It has to know how the exchange stands, and knows it: the hash of its state after a record.
    pub(super) asks: AtomicBool,
    pub(super) shown: Mutex<Option<(u64, [u8; 32])>>,
    /// Told that a record is at the gate.
    pub(super) waits: AtomicUsize,
}

impl Ledger {
    pub(crate) fn called(name: &'static str) -> Self {
        Self { name: Some(name), ..Self::default() }
    }

    pub(super) fn rows(&self) -> Vec<(u64, String)> {
        self.rows.lock().unwrap().clone()
    }

    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// What one notes that is told a whole log from its first record.
    pub(super) fn replayed(log: &dyn Journal) -> Vec<(u64, String)> {
        let ledger = Ledger::default();
        let followers: [&dyn Follower; 1] = [&ledger];
        let reader = log.reader(1).unwrap();
        replay(reader, &mut Venue::new(), log.last_sequence(), &followers, &GO_ON).unwrap();
        ledger.rows()
    }
}

impl Follower for Ledger {
    fn name(&self) -> &'static str {
        self.name.unwrap_or("ledger")
    }
    fn sequence(&self) -> u64 {
        self.rows.lock().unwrap().last().map_or(self.begun(), |(last, _)| *last)
    }
    fn fold(&self, applied: Applied<'_>) {
        assert_eq!(applied.sequence, self.sequence() + 1, "each record once, and in order");
        let gate = self.gate.lock().unwrap();
        if let Some(gate) = &*gate {
            self.waits.fetch_add(1, Ordering::SeqCst);
            // Whoever held it being gone lets everything pass.
            let _ = gate.recv();
        }
        drop(gate);
        self.rows.lock().unwrap().push((applied.sequence, format!("{:?}", applied.events)));
    }
}

impl Detached for Ledger {
    fn stands(&self) -> bool {
        !self.asks.load(Ordering::SeqCst)
    }
    fn begin(&self, sequence: u64, exchange: &Exchange) {
        self.rows.lock().unwrap().clear();
        self.begun.store(sequence, Ordering::SeqCst);
        if exchange.instruments().next().is_some() {
            self.asks.store(false, Ordering::SeqCst);
            *self.shown.lock().unwrap() = Some((sequence, exchange.state_hash()));
        }
    }
    fn branch(&self) -> u64 {
        self.branch.load(Ordering::SeqCst)
    }
    fn revert(&self, branch: u64, to: u64) {
        self.branch.store(branch, Ordering::SeqCst);
        self.rows.lock().unwrap().retain(|(sequence, _)| *sequence <= to);
    }
}

fn order(account: u32, side: Side) -> Command {
    let Submission { command: Command::Place(order), .. } = place() else { unreachable!() };
    Command::Place(PlaceOrder { account: AccountId(account), side, ..order })
}

fn named(name: &str) -> Body {
    Body::Fact(Box::new(Fact::AccountNamed { account: AccountId(1), name: name.to_owned() }))
}

#[tokio::test]
async fn what_others_put_before_a_batch_comes_before_it() {
    let shared = Shared::start(&Config::test());
    let handle = shared.node.handle();
    // Nobody's order is there, so this one rests; with another's before it, it trades.
    let alone = handle.submit(Submission::new(order(0, Side::Buy))).await.unwrap();
    assert!(!alone.events.iter().any(|event| matches!(event, Event::Executed(_))));
    let Outcome::Placed(resting) = alone.outcome else { panic!("{alone:?}") };
    handle.submit(cancel(resting)).await.unwrap();

    for round in 0..300 {
        let before = handle.acknowledged();
        let foreign = match round % 3 {
            0 => vec![Body::Command(order(1, Side::Sell))],
            1 => vec![named(&format!("number {round}")), Body::Command(order(1, Side::Sell))],
            _ => (0..400).map(|_| Body::Command(Command::Advance)).collect(),
        };
        let (count, is_order) = (foreign.len() as u64, round % 3 < 2);
        shared.others.act(Act::Slip(foreign));
        let reply = handle.submit(Submission::new(order(0, Side::Buy))).await.unwrap();
        assert_eq!(reply.sequence, before + count + 1, "the journal says the place");
        let traded = reply.events.iter().any(|event| matches!(event, Event::Executed(_)));
        assert_eq!(traded, is_order, "in round {round}");
        assert_eq!(handle.views().sequence(), reply.sequence);
        if round % 3 == 1 {
            let directory = handle.views().directory();
            let name = directory.account(AccountId(1)).and_then(|account| account.name.clone());
            assert_eq!(name.as_deref(), Some(&*format!("number {round}")));
        }
        if let (false, Outcome::Placed(id)) = (traded, &reply.outcome) {
            handle.submit(cancel(*id)).await.unwrap();
        }
    }
    assert_eq!(handle.views().branch(), 1);
    shared.check().await;
    assert_eq!(shared.node.stop(), NodeEnd::Stopped);
}

#[tokio::test]
async fn seconds_that_were_applied_ahead_give_way_to_what_others_put_before_them() {
    let shared = Shared::start(&Config { market: MarketKind::Live, ..Config::test() });
    let handle = shared.node.handle().clone();
    let old = handle.views();
    let mut over = old.over();
    shared.others.act(Act::Slip(vec![Body::Command(order(1, Side::Sell))]));
    let at = handle.now();
    // The log was taken up anew, so the move is ended where it came to; the rest of it is asked for again.
    let moved = handle.advance(60_000).await;
    assert!(matches!(moved, Err(ClockError::Ended { .. })), "{moved:?}");
    assert!(*over.borrow_and_update(), "readers are told");
    shared.check().await;
    handle.set_time(at.plus(60_000_000)).await.unwrap();
    assert_eq!(handle.now(), at.plus(60_000_000));
    shared.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_log_that_goes_back_under_load_loses_no_reply_and_doubles_none() {
    const CLIENTS: u64 = 4;
    const REVERTS: usize = 12;
    let shared = Shared::start(&Config::test());
    let handle = shared.node.handle();
    let begun = handle.acknowledged();
    let (enough, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));

    // Whoever reads stays on the epoch it began on, which stands still when it is over.
    let reader = {
        let (handle, done) = (handle.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut branches = BTreeSet::new();
            while !done.load(Ordering::SeqCst) {
                let views = handle.views();
                let (branch, over) = (views.branch(), views.over());
                let mut last = 0;
                while !*over.borrow() && !done.load(Ordering::SeqCst) {
                    let (acknowledged, sequence) = (views.acknowledged(), views.sequence());
                    assert!(acknowledged <= sequence && last <= sequence, "views never go back");
                    last = sequence;
                    std::thread::yield_now();
                }
                branches.insert(branch);
                let before = (views.sequence(), shown(&views));
                assert_eq!((views.branch(), views.sequence(), shown(&views)), (branch, before.0, before.1));
            }
            branches
        })
    };

    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let (handle, enough) = (handle.clone(), Arc::clone(&enough));
        clients.push(tokio::spawn(async move {
            let side = if client % 2 == 0 { Side::Buy } else { Side::Sell };
            let mut sent = 0;
            while !enough.load(Ordering::SeqCst) {
                sent += 1;
                let (command, nonce) = (order((client % 2) as u32, side), Some((KeyId(client as u32), sent)));
                let reply = handle.submit(Submission { command, nonce }).await.expect("an answer to each");
                assert!(matches!(reply.outcome, Outcome::Placed(_) | Outcome::Rejected(..)), "{reply:?}");
            }
            sent
        }));
    }
    for _ in 0..REVERTS {
        let from = handle.acknowledged();
        while handle.acknowledged() < from.max(begun) + 40 {
            tokio::task::yield_now().await;
        }
        shared.others.act(Act::Revert(handle.acknowledged() - 20));
        while !shared.others.acts.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }
    enough.store(true, Ordering::SeqCst);
    let mut sent = Vec::new();
    for client in clients {
        sent.push(client.await.unwrap());
    }
    // The last revert may come with nothing behind it.
    handle.submit(Submission::new(Command::Advance)).await.unwrap();
    done.store(true, Ordering::SeqCst);
    let branches = reader.join().unwrap();
    assert_eq!(handle.views().branch(), 1 + REVERTS as u64);
    assert!(branches.len() > 1, "the reader saw {branches:?}");
    shared.check().await;

    // Each request is in the log once, on whatever branch it was answered from.
    let mut places: BTreeMap<(KeyId, u64), BTreeSet<u64>> = BTreeMap::new();
    let mut logs = std::mem::take(&mut *shared.others.left.lock().unwrap());
    logs.push(shared.log.another_appender().log());
    for log in &logs {
        let mut reader = log.reader(1).unwrap();
        while let Some(batch) = reader.next_batch().unwrap() {
            for (sequence, bytes) in batch.iter() {
                if let Record { nonce: Some(nonce), body: Body::Command(Command::Place(_)), .. } =
                    Record::decode(bytes).unwrap()
                {
                    places.entry(nonce).or_default().insert(sequence);
                }
            }
        }
    }
    assert_eq!(places.len() as u64, sent.iter().sum::<u64>());
    assert!(places.values().all(|places| places.len() == 1), "{places:?}");
    // And no nonce can be used again, though the record that used it is on a branch that was left.
    let log = shared.log.another_appender();
    let fresh = recovery::restore_newest(&log, &mut Vec::new()).unwrap().venue;
    let want: Vec<_> = (0..).map(KeyId).zip(sent).collect();
    assert_eq!(fresh.registry.nonces(), want);
    assert_eq!(shared.node.stop(), NodeEnd::Stopped);
}

#[tokio::test]
async fn feeds_of_an_epoch_that_is_over_end_and_those_of_the_next_begin() {
    let shared = Shared::start(&Config::test());
    let handle = shared.node.handle();
    let old = handle.views();
    let mut changes = old.publisher().subscribe();
    changes.follow(true, Default::default(), Default::default());
    let kept = placed(&shared.node).await;
    let gone = placed(&shared.node).await;
    let before = shown(&old);
    shared.others.act(Act::Revert(handle.acknowledged()));
    let reply = handle.submit(Submission::new(order(1, Side::Buy))).await.unwrap();
    assert_eq!(reply.sequence, old.sequence(), "it took the place of the record that is gone");
    assert!(*old.over().borrow());
    let mut told = 0;
    while let Some(commit) = changes.next().await {
        told += commit.changes.len();
    }
    assert_eq!(told, 2, "what was handed over before is told, and then the end");
    assert_eq!(shown(&old), before, "whoever began on it ends on it");

    let new = handle.views();
    assert_eq!((new.branch(), *new.over().borrow()), (2, false));
    let open = |views: &Views, account| {
        let ids = |orders: &crate::projection::AccountOrders| {
            orders.open().iter().map(|o| o.id).collect::<Vec<_>>()
        };
        views.orders().with(AccountId(account), ids)
    };
    assert_eq!((open(&old, 0), open(&new, 0)), (vec![kept, gone], vec![kept]));
    assert_eq!(open(&new, 1), [gone], "its number is given again on the branch that never knew it");
    let mut changes = new.publisher().subscribe();
    changes.follow(true, Default::default(), Default::default());
    placed(&shared.node).await;
    assert!(changes.next().await.is_some(), "the next epoch's feeds begin");
    shared.check().await;
}
