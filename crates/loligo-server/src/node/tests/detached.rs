//! Followers that the exchange does not wait for.

use super::following::Ledger;
use super::*;
use crate::node::detached::{Behind, COMMITS, EVENTS};
use crate::projection::{Detached, Follower};
use std::sync::mpsc::sync_channel;
use tempfile::TempDir;

fn followed_by(ledger: &Arc<Ledger>) -> Vec<Arc<dyn Detached>> {
    vec![Arc::<Ledger>::clone(ledger)]
}

/// A node on a journal in memory of which the test has another end.
fn node_of(inner: MemoryJournal, ledger: &Arc<Ledger>) -> (RunningNode, MemoryJournal) {
    let log = inner.another_appender();
    let journal = recovery::OpenJournal::of(Box::new(inner));
    let machine = MachineClock::system();
    let node = spawn_on(&Config::test(), journal, machine, Duration::ZERO, followed_by(ledger)).unwrap();
    (node, log)
}

/// An order that is placed, then cancelled, and so on: a commit each time.
#[derive(Default)]
struct Churn(Option<OrderId>);

impl Churn {
    async fn step(&mut self, node: &RunningNode) {
        match self.0.take() {
            None => self.0 = Some(placed(node).await),
            Some(id) => drop(node.handle().submit(cancel(id)).await.unwrap()),
        }
    }
}

/// Waits until a follower knows what was acknowledged.
async fn caught_up(ledger: &Ledger, node: &RunningNode) {
    while ledger.sequence() < node.handle().acknowledged() {
        tokio::task::yield_now().await;
    }
}

/// Commits and events that wait for the node's follower.
fn waiting(node: &RunningNode) -> (usize, usize) {
    node.handle().lanes()[0].waiting()
}

/// Holds a follower at its next record, until what is answered is dropped or told.
fn stall(ledger: &Ledger) -> std::sync::mpsc::SyncSender<()> {
    let (release, gate) = sync_channel(1_000_000);
    *ledger.gate.lock().unwrap() = Some(gate);
    release
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_stalls_holds_nobody_up_and_sees_every_record_once() {
    let ledger = Arc::<Ledger>::default();
    let (node, log) = node_of(MemoryJournal::new(), &ledger);
    let handle = node.handle();
    caught_up(&ledger, &node).await;
    let mut churn = Churn::default();
    let release = stall(&ledger);
    // Twice as many as there is room for: each is answered, though nothing is folded.
    let at = ledger.sequence();
    for _ in 0..2 * COMMITS {
        churn.step(&node).await;
        let (commits, events) = waiting(&node);
        assert!(commits <= COMMITS && events <= EVENTS);
    }
    assert_eq!(waiting(&node).0, COMMITS, "what comes beyond that is not handed over");
    let wanted = handle.acknowledged();
    assert_eq!(wanted, at + 2 * COMMITS as u64);
    assert_eq!(handle.followed("ledger").await, Err(Behind { name: "ledger", at, wanted }));

    drop(release);
    caught_up(&ledger, &node).await;
    handle.followed("ledger").await.unwrap();
    churn.step(&node).await;
    caught_up(&ledger, &node).await;
    assert_eq!(ledger.rows(), Ledger::replayed(&log), "each once and in order, and what it came to");
    assert_eq!(node.stop(), NodeEnd::Stopped);
}

#[tokio::test]
async fn a_follower_that_is_always_slower_joins_again_and_again_without_gap_or_repeat() {
    let ledger = Arc::<Ledger>::default();
    let (node, log) = node_of(MemoryJournal::new(), &ledger);
    node.handle().followed("ledger").await.unwrap();
    let mut churn = Churn::default();
    let release = stall(&ledger);
    for round in 0..3 * COMMITS {
        churn.step(&node).await;
        // One record for two that come.
        if round % 2 == 0 {
            release.send(()).unwrap();
        }
        assert!(waiting(&node).0 <= COMMITS);
    }
    drop(release);
    caught_up(&ledger, &node).await;
    assert_eq!(ledger.rows(), Ledger::replayed(&log));
}

#[tokio::test]
async fn a_follower_goes_on_over_restarts_from_its_own_place() {
    let folder = TempDir::new().unwrap();
    let config = Config { data: Some(folder.path().to_path_buf()), ..Config::test() };
    let ledger = Arc::<Ledger>::default();
    let node = spawn_followed(&config, followed_by(&ledger)).unwrap();
    placed(&node).await;
    caught_up(&ledger, &node).await;
    node.stop();
    // It is not there for a while, and snapshots are taken that are newer than its place.
    for _ in 0..2 {
        let node = spawn(&config).unwrap();
        placed(&node).await;
        node.stop();
    }
    // It is there again, and killed with its node before it has caught up.
    let node = spawn_followed(&config, followed_by(&ledger)).unwrap();
    placed(&node).await;
    drop(node);
    let node = spawn_followed(&config, followed_by(&ledger)).unwrap();
    placed(&node).await;
    caught_up(&ledger, &node).await;
    placed(&node).await;
    caught_up(&ledger, &node).await;
    node.stop();
    // Its rows are those of a branch that is left now, and end where the branches part.
    let node = spawn(&Config { until: Some(ledger.sequence() - 2), ..config.clone() }).unwrap();
    for _ in 0..5 {
        node.handle().submit(Submission::new(Command::Advance)).await.unwrap();
    }
    node.stop();
    let node = spawn_followed(&config, followed_by(&ledger)).unwrap();
    placed(&node).await;
    caught_up(&ledger, &node).await;
    assert_eq!((node.handle().views().branch(), ledger.branch()), (2, 2));
    node.stop();
    let journal =
        loligo_journal::SqliteJournal::open(folder.path(), loligo_journal::Options::default()).unwrap();
    assert_eq!(ledger.rows(), Ledger::replayed(&journal));
}

/// A node whose journal forgets all but the last few records, and what its follower has still to see is no longer among them: it is
/// held until what comes last is dropped.
async fn left_behind() -> (Arc<Ledger>, RunningNode, Churn, std::sync::mpsc::SyncSender<()>) {
    let ledger = Arc::<Ledger>::default();
    let (node, _) = node_of(MemoryJournal::keeping(1_024), &ledger);
    caught_up(&ledger, &node).await;
    let mut churn = Churn::default();
    let release = stall(&ledger);
    for _ in 0..COMMITS + 100 {
        churn.step(&node).await;
    }
    (ledger, node, churn, release)
}

#[tokio::test]
async fn a_follower_whose_next_record_is_out_of_reach_begins_at_the_oldest_state_after_it() {
    for keep_state in [false, true] {
        let (ledger, node, mut churn, release) = left_behind().await;
        let mut begins = None;
        if keep_state {
            begins = Some(node.handle().snapshot().await.unwrap());
            churn.step(&node).await;
            churn.step(&node).await;
        }
        let missed = node.handle().acknowledged();
        drop(release);
        caught_up(&ledger, &node).await;
        churn.step(&node).await;
        caught_up(&ledger, &node).await;
        // Without a state to begin at, it begins with what comes.
        let begins = begins.unwrap_or(missed);
        assert_eq!(ledger.begun(), begins);
        let told: Vec<u64> = ledger.rows().iter().map(|(sequence, _)| *sequence).collect();
        assert_eq!(told, (begins + 1..=missed + 1).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn one_that_has_to_know_how_the_exchange_stands_is_shown_it_with_the_next_commit_where_nothing_kept_says_it()
 {
    let (ledger, node, mut churn, release) = left_behind().await;
    ledger.asks.store(true, Ordering::SeqCst);
    let missed = node.handle().acknowledged();
    drop(release);
    caught_up(&ledger, &node).await;
    assert_eq!((ledger.begun(), ledger.shown.lock().unwrap().take()), (missed, None));
    while !node.handle().lanes()[0].asks() {
        tokio::task::yield_now().await;
    }
    churn.step(&node).await;
    caught_up(&ledger, &node).await;
    let hash = node.handle().query(|exchange| exchange.state_hash()).await.unwrap();
    assert_eq!(*ledger.shown.lock().unwrap(), Some((missed + 1, hash)));
    assert_eq!((ledger.begun(), ledger.rows()), (missed + 1, vec![]));
    churn.step(&node).await;
    caught_up(&ledger, &node).await;
    let told: Vec<u64> = ledger.rows().iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(told, [missed + 2]);
}
