//! A node on a disk that fails, and on a machine's clock that is set.

mod detached;
mod expiry;
pub(crate) mod following;
mod rolls;
mod snapshots;
mod steps;
mod time;

use super::*;
use crate::record::{
    Fact, FactOutcome, FactRefusal, GeneralRight, KeyCreated, StoredSecret, WithdrawalRight,
};
use loligo_engine::{
    AccountId, CancelOrder, Command, InstrumentId, OnGrid, OrderId, OrderRef, OrderType, Outcome, PlaceOrder,
    Side,
};
use loligo_journal::{
    AppendError, Journal, Log, MemoryJournal, Newest, Reader, Records, SnapshotInfo, Snapshots, Urgency,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock};

/// What the disk does now.
#[derive(Default)]
struct Disk {
    full: AtomicBool,
    /// Urgent batches that still fit on a full disk.
    reserve: AtomicUsize,
    broken: AtomicBool,
    /// Who looks at the node while it commits.
    witness: OnceLock<NodeHandle>,
    commits: Mutex<Vec<Commit>>,
    /// A commit that waits until it is let on.
    gate: Mutex<Option<Gate>>,
    /// What the first snapshot waits for while it is put, if anything.
    keeping: Mutex<Option<Receiver<()>>>,
    /// Snapshots that were put: record and body.
    kept: Mutex<Vec<(u64, Vec<u8>)>>,
}

/// Holds a commit up.
struct Gate {
    /// So many commits pass before it.
    passing: usize,
    reached: SyncSender<()>,
    opened: Receiver<()>,
}

impl Disk {
    /// Holds the commit up that comes after `passing` more: says when it is there, and lets it on when told to.
    fn hold_up(&self, passing: usize) -> (Receiver<()>, SyncSender<()>) {
        let ((reached, comes), (opens, opened)) = (sync_channel(1), sync_channel(1));
        *self.gate.lock().unwrap() = Some(Gate { passing, reached, opened });
        (comes, opens)
    }

    fn pass_gate(&self) {
        let mut gate = self.gate.lock().unwrap();
        match gate.as_mut() {
            Some(Gate { passing: 0, .. }) => {}
            Some(gate) => return gate.passing -= 1,
            None => return,
        }
        let Gate { reached, opened, .. } = gate.take().unwrap();
        reached.send(()).unwrap();
        opened.recv().unwrap();
    }
}

struct SlowSnapshots {
    inner: Box<dyn Snapshots>,
    disk: Arc<Disk>,
}

impl Snapshots for SlowSnapshots {
    fn put(&self, sequence: u64, body: &[u8]) -> Result<(), JournalError> {
        let gate = self.disk.keeping.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.recv().unwrap();
        }
        self.disk.kept.lock().unwrap().push((sequence, body.to_vec()));
        self.inner.put(sequence, body)
    }
    fn list(&self) -> Result<Vec<SnapshotInfo>, JournalError> {
        self.inner.list()
    }
    fn newest(&self, sequence: u64) -> Result<Newest, JournalError> {
        self.inner.newest(sequence)
    }
    fn time_us(&self, info: &SnapshotInfo) -> Result<Option<i64>, JournalError> {
        self.inner.time_us(info)
    }
    fn remove(&self, info: &SnapshotInfo) -> Result<(), JournalError> {
        self.inner.remove(info)
    }
    fn prune(&self, before: u64, go_on: &dyn Fn() -> bool) -> Result<u64, JournalError> {
        self.inner.prune(before, go_on)
    }
}

/// A commit as it begins.
#[derive(Clone, Debug)]
struct Commit {
    /// The last record before it.
    after: u64,
    records: usize,
    /// What everyone sees meanwhile: the record that the views show, and the last one acknowledged.
    seen: Option<(u64, u64)>,
}

const RESERVE_BATCHES: usize = 3;

struct FailingJournal {
    inner: MemoryJournal,
    disk: Arc<Disk>,
}

impl Journal for FailingJournal {
    fn append(&mut self, time_us: i64, records: &Records, urgency: Urgency) -> Result<u64, AppendError> {
        let seen = self.disk.witness.get().map(|node| (node.views().sequence(), node.acknowledged()));
        let commit = Commit { after: self.last_sequence(), records: records.len(), seen };
        self.disk.commits.lock().unwrap().push(commit);
        self.disk.pass_gate();
        if self.disk.broken.load(Ordering::SeqCst) {
            return Err(AppendError::Undecided {
                after: self.last_sequence(),
                reason: "on purpose".to_owned(),
            });
        }
        if self.disk.full.load(Ordering::SeqCst) {
            let take = |left: usize| left.checked_sub(1);
            if urgency == Urgency::Ordinary
                || self.disk.reserve.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_err()
            {
                return Err(AppendError::Full);
            }
        } else {
            self.disk.reserve.store(RESERVE_BATCHES, Ordering::SeqCst);
        }
        self.inner.append(time_us, records, urgency)
    }
    fn branch(&self) -> u64 {
        self.inner.branch()
    }
    fn last_sequence(&self) -> u64 {
        self.inner.last_sequence()
    }
    fn reader(&self, from: u64) -> Result<Box<dyn Reader>, JournalError> {
        self.inner.reader(from)
    }
    fn kept_from(&self) -> Result<u64, JournalError> {
        self.inner.kept_from()
    }
    fn log(&self) -> Box<dyn Log> {
        self.inner.log()
    }
    fn snapshots(&self) -> Box<dyn Snapshots> {
        Box::new(SlowSnapshots { inner: self.inner.snapshots(), disk: Arc::clone(&self.disk) })
    }
    fn branch_before(&mut self, sequence: u64) -> Result<u64, JournalError> {
        self.inner.branch_before(sequence)
    }
}

fn node_on(market: MarketKind) -> (RunningNode, Arc<Disk>) {
    node_with(Config { market, ..Config::test() }, MachineClock::system())
}

fn node_with(config: Config, machine: MachineClock) -> (RunningNode, Arc<Disk>) {
    let disk = Arc::new(Disk::default());
    let journal = FailingJournal { inner: MemoryJournal::new(), disk: Arc::clone(&disk) };
    let journal = recovery::OpenJournal::of(Box::new(journal));
    (spawn_on(&config, journal, machine, Duration::ZERO, Vec::new()).unwrap(), disk)
}

fn place() -> Submission {
    Submission::new(Command::Place(PlaceOrder {
        account: AccountId(0),
        instrument: InstrumentId(0),
        side: Side::Buy,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(1),
        limit_price: Some(OnGrid::Steps(70_000)),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only: false,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    }))
}

fn cancel(id: OrderId) -> Submission {
    let order = OrderRef::Id(id);
    Submission::new(Command::Cancel(CancelOrder { account: AccountId(0), order, process_before: None }))
}

async fn placed(node: &RunningNode) -> OrderId {
    match node.handle().submit(place()).await.unwrap().outcome {
        Outcome::Placed(id) => id,
        other => panic!("placed, not {other:?}"),
    }
}

#[tokio::test]
async fn a_full_disk_refuses_orders_takes_cancels_and_recovers() {
    let (node, disk) = node_on(MarketKind::None);
    let mut resting = Vec::new();
    for _ in 0..5 {
        resting.push(placed(&node).await);
    }
    let before = node.handle().state_hashes().await.unwrap();
    disk.full.store(true, Ordering::SeqCst);
    assert_eq!(node.handle().submit(place()).await.unwrap_err(), SubmitError::Unavailable);
    assert_eq!(node.handle().state_hashes().await.unwrap(), before, "a refused order did not happen");
    assert!(matches!(
        node.handle().create_key(AccountId(0), GeneralRight::Full, WithdrawalRight::None).await,
        Err(AccountError::Node(SubmitError::Unavailable))
    ));
    let at = node.handle().now();
    assert_eq!(node.handle().advance(1_000).await, Err(ClockError::DiskFull { at }));

    // The reserve was given up for this: cancels go on, orders do not.
    for id in &resting[..RESERVE_BATCHES] {
        let outcome = node.handle().submit(cancel(*id)).await.unwrap().outcome;
        assert_eq!(outcome, Outcome::Cancelled(*id));
        assert_eq!(node.handle().submit(place()).await.unwrap_err(), SubmitError::Unavailable);
    }
    let refused = node.handle().submit(cancel(resting[RESERVE_BATCHES])).await.unwrap_err();
    assert_eq!(refused, SubmitError::Unavailable, "the reserve is used up");

    disk.full.store(false, Ordering::SeqCst);
    placed(&node).await;
    let after = node.handle().state_hashes().await.unwrap();
    assert_eq!(after.sequence, before.sequence + RESERVE_BATCHES as u64 + 1);
    assert_eq!(node.stop(), NodeEnd::Stopped);
}

#[tokio::test]
async fn a_batch_with_an_order_in_it_is_refused_whole_on_a_full_disk() {
    let (node, disk) = node_on(MarketKind::None);
    let id = placed(&node).await;
    disk.full.store(true, Ordering::SeqCst);
    let error = node.handle().submit_all(vec![cancel(id), place()]).await.unwrap_err();
    assert_eq!(error, SubmitError::Unavailable);
    let replies = node.handle().submit_all(vec![cancel(id), cancel(id)]).await.unwrap();
    assert_eq!(replies[0].outcome, Outcome::Cancelled(id));
    assert_eq!(replies[1].outcome, Outcome::CancelNotFound(Some(id)));
}

#[tokio::test]
async fn a_failed_commit_is_undecided_and_ends_the_node() {
    let (node, disk) = node_on(MarketKind::None);
    placed(&node).await;
    disk.broken.store(true, Ordering::SeqCst);
    let acknowledged = node.handle().acknowledged();
    assert_eq!(node.handle().submit(place()).await.unwrap_err(), SubmitError::Undecided);
    assert!(matches!(node.ended().await, NodeEnd::JournalFailed { .. }));
    assert_eq!(node.handle().acknowledged(), acknowledged, "what is undecided is not acknowledged");
    assert_eq!(node.handle().submit(place()).await.unwrap_err(), SubmitError::Stopped);
    assert!(node.handle().state_hashes().await.is_err());
    assert!(matches!(node.stop(), NodeEnd::JournalFailed { .. }));
}

#[tokio::test]
async fn a_panic_of_the_writer_is_an_end_of_its_own() {
    let (node, _) = node_on(MarketKind::None);
    placed(&node).await;
    let asked: Result<(), _> = node.handle().query(|_| panic!("on purpose")).await;
    assert_eq!(asked.unwrap_err(), SubmitError::Stopped);
    let NodeEnd::Panicked { message } = node.ended().await else { panic!("it panicked") };
    assert_eq!(message, "on purpose");
    assert_eq!(node.handle().submit(place()).await.unwrap_err(), SubmitError::Stopped);
    assert!(matches!(node.stop(), NodeEnd::Panicked { .. }), "a panic is no clean stop");
}

#[tokio::test]
async fn a_secret_sealed_elsewhere_is_an_end_of_its_own() {
    let (node, _) = node_on(MarketKind::None);
    let key = KeyCreated {
        account: AccountId(0),
        api_key: "foreign".to_owned(),
        secret: StoredSecret::Sealed(vec![7; 92]),
        general: GeneralRight::Full,
        withdrawal: WithdrawalRight::None,
    };
    let undecided = AccountError::Node(SubmitError::Undecided);
    assert_eq!(node.handle().record(Fact::KeyCreated(key)).await, Err(undecided));
    let sealed = NodeEnd::SealedElsewhere { api_key: "foreign".to_owned() };
    assert_eq!(node.ended().await, sealed);
    assert_eq!(node.stop(), sealed);
}

#[tokio::test]
async fn a_name_is_one_accounts_until_it_takes_another() {
    let (node, _) = node_on(MarketKind::None);
    let name = async |account, name: &str| {
        node.handle().record(Fact::AccountNamed { account: AccountId(account), name: name.to_owned() }).await
    };
    let taken = Err(AccountError::Registry(FactRefusal::NameTaken));
    // The name it has already: it still has it.
    assert_eq!(name(0, "alice").await, Ok(FactOutcome::Done));
    assert_eq!(name(1, "alice").await, taken);
    assert_eq!(name(0, "alicia").await, Ok(FactOutcome::Done));
    assert_eq!(name(1, "alice").await, Ok(FactOutcome::Done));
    assert_eq!(name(0, "alice").await, taken);
}

#[test]
fn more_named_accounts_than_one_batch_holds_are_refused() {
    let config = Config { accounts: MAX_ACCOUNTS + 1, ..Config::test() };
    let error = spawn(&config).err().expect("refused").to_string();
    assert!(error.contains("at most 5000"), "{error}");
}

#[test]
fn a_venue_in_memory_does_not_keep_every_record() {
    let config = Config { data: None, ..Config::test() };
    let mut journal = recovery::open_journal(&config, &MachineClock::system()).unwrap().journal;
    let records: Records = std::iter::repeat_n([7; 96], 100).collect();
    for _ in 0..1_000 {
        journal.append(0, &records, Urgency::Ordinary).unwrap();
    }
    let kept = |from| journal.reader(from).unwrap().next_batch();
    assert!(matches!(kept(1), Err(JournalError::Pruned { .. })), "ten megabytes are not kept");
    assert!(kept(journal.last_sequence()).unwrap().is_some());
}
