//! Followers that the exchange does not wait for, each on a thread of its own behind a bounded hand-over.
//!
//! What a commit came to is shared, not copied. Where the hand-over has no room, the writer leaves the follower behind at once
//! and goes on: it finishes what it has, catches up from the log by itself, and joins the hand-over again behind the last
//! record it caught up with. Every record reaches it once, and in order.

use super::StartError;
use super::recovery::newest_snapshot;
use super::replay::replay;
use super::snapshot::{self, Restored};
use super::venue::Venue;
use crate::projection::{Detached, Follower, Happened};
use loligo_engine::Exchange;
use loligo_journal::{Journal, Log, Snapshots};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::watch;

/// Commits that may wait for a follower: a second or more of the most that are made.
pub(crate) const COMMITS: usize = 1_024;
/// Events in them, 128 bytes each. A single commit may have more: cancelling all orders of a large account is one record.
pub(crate) const EVENTS: usize = 250_000;
/// How long a read waits for a follower to reach what was acknowledged when it came.
const CATCH_UP: Duration = Duration::from_secs(1);

/// A follower has not reached what was acknowledged when it was asked, and a second has passed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is at record {at}, and record {wanted} was acknowledged")]
pub struct Behind {
    /// Which follower.
    pub name: &'static str,
    /// The last record that it has folded.
    pub at: u64,
    /// What it was to reach.
    pub wanted: u64,
}

/// The near end of a follower's hand-over. Dropping it ends its thread, when the follower has folded what it is at.
pub(crate) struct HandOver {
    lane: Arc<Lane>,
    thread: Option<JoinHandle<()>>,
}

/// Where a follower's records come from.
struct Source {
    log: Box<dyn Log>,
    snapshots: Box<dyn Snapshots>,
}

impl Source {
    fn of(journal: &dyn Journal) -> Self {
        Self { log: journal.log(), snapshots: journal.snapshots() }
    }
}

/// What a follower, its thread, the writer and readers share.
pub(crate) struct Lane {
    follower: Arc<dyn Detached>,
    /// The branch that counts: what the follower knows of another has been reached by nobody.
    branch: AtomicU64,
    waiting: Mutex<Waiting>,
    filled: Condvar,
    /// Told after each run of records that was folded.
    reached: watch::Sender<u64>,
    over: AtomicBool,
}

struct Waiting {
    commits: VecDeque<Arc<Happened>>,
    events: usize,
    /// The last record there is.
    last: u64,
    /// Whether records up to `last` were not handed over: the log has them.
    missed: bool,
    /// Another branch to go over to.
    source: Option<Source>,
    /// Whether it is to be shown the exchange as the next commit leaves it, and how that was, after which record.
    asks: bool,
    shown: Option<(u64, Box<Exchange>)>,
}

impl Waiting {
    /// A follower of a log that has to see what is in it, up to the record `last`.
    fn for_all_of(journal: &dyn Journal, last: u64) -> Self {
        Self {
            commits: VecDeque::new(),
            events: 0,
            last,
            missed: true,
            source: Some(Source::of(journal)),
            asks: false,
            shown: None,
        }
    }
}

/// What a follower does next.
enum Next {
    Fold(Arc<Happened>),
    CatchUp(u64),
    Begin(u64, Box<Exchange>),
    Turn(Source),
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic is done under it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.follower.name()
    }

    /// The lowest record of a branch that the follower has still to fold; 0 while it has to go over to that branch.
    pub(crate) fn needed(&self, branch: u64) -> u64 {
        if self.follower.branch() == branch { self.follower.sequence() + 1 } else { 0 }
    }

    /// Commits that wait, and events in them.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.commits.len(), waiting.events)
    }

    /// Whether the follower is to be shown the exchange with the next commit.
    #[cfg(test)]
    pub(crate) fn asks(&self) -> bool {
        self.lock().asks
    }

    /// Waits until the follower knows a record, a second at most.
    pub(crate) async fn wait_for(&self, wanted: u64) -> Result<(), Behind> {
        let mut reached = self.reached.subscribe();
        let there = |_: &u64| {
            self.follower.branch() == self.branch.load(Ordering::Acquire)
                && self.follower.sequence() >= wanted
        };
        // The sender is here, so the channel is open.
        let waited = tokio::time::timeout(CATCH_UP, reached.wait_for(there)).await;
        let at = self.follower.sequence();
        if waited.is_ok() || there(&at) { Ok(()) } else { Err(Behind { name: self.name(), at, wanted }) }
    }

    /// Waits for something to do; `None` when it is over.
    fn next(&self) -> Option<Next> {
        let mut waiting = self.lock();
        loop {
            if self.over.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(source) = waiting.source.take() {
                return Some(Next::Turn(source));
            }
            if let Some((sequence, exchange)) = waiting.shown.take() {
                return Some(Next::Begin(sequence, exchange));
            }
            if let Some(happened) = waiting.commits.pop_front() {
                waiting.events -= happened.events().len();
                return Some(Next::Fold(happened));
            }
            if std::mem::take(&mut waiting.missed) {
                // What comes after `last` finds room again from here on.
                return Some(Next::CatchUp(waiting.last));
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl HandOver {
    /// Starts a follower's thread, which first catches up with the record `last` of a journal.
    pub(crate) fn start(
        follower: Arc<dyn Detached>,
        journal: &dyn Journal,
        last: u64,
    ) -> Result<Self, StartError> {
        let waiting = Waiting::for_all_of(journal, last);
        let lane = Arc::new(Lane {
            reached: watch::Sender::new(follower.sequence()),
            branch: AtomicU64::new(journal.branch()),
            follower,
            waiting: Mutex::new(waiting),
            filled: Condvar::new(),
            over: AtomicBool::new(false),
        });
        let name = format!("loligo-{}", lane.name());
        let follows = Arc::clone(&lane);
        let thread = Builder::new().name(name).spawn(move || follow(&follows)).map_err(StartError::Thread)?;
        Ok(Self { lane, thread: Some(thread) })
    }

    pub(crate) fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// Hands over what a commit came to, which left the exchange like this, or leaves the follower behind. Never waits for it. One
    /// that asks for the exchange is shown it, and all that came up to it is out of its reach.
    pub(crate) fn offer(&self, happened: &Arc<Happened>, exchange: &Exchange) {
        let Some(last) = happened.last() else { return };
        let mut waiting = self.lane.lock();
        waiting.last = last.sequence;
        if std::mem::take(&mut waiting.asks) {
            waiting.commits.clear();
            (waiting.events, waiting.missed) = (0, false);
            waiting.shown = Some((last.sequence, Box::new(exchange.clone())));
            drop(waiting);
            self.lane.filled.notify_one();
            return;
        }
        let events = happened.events().len();
        let room = waiting.commits.is_empty()
            || waiting.commits.len() < COMMITS && waiting.events + events <= EVENTS;
        if waiting.missed || !room {
            waiting.missed = true;
        } else {
            waiting.events += events;
            waiting.commits.push_back(Arc::clone(happened));
        }
        drop(waiting);
        self.lane.filled.notify_one();
    }

    /// The log was taken up anew, up to a record: what was handed over counts no more.
    pub(crate) fn turn(&self, journal: &dyn Journal, last: u64) {
        self.lane.branch.store(journal.branch(), Ordering::Release);
        let mut waiting = self.lane.lock();
        *waiting = Waiting::for_all_of(journal, last);
        drop(waiting);
        self.lane.filled.notify_one();
    }
}

impl Drop for HandOver {
    fn drop(&mut self) {
        self.lane.over.store(true, Ordering::Relaxed);
        // Whoever looked before that is waiting by now.
        drop(self.lane.lock());
        self.lane.filled.notify_one();
        if let Some(thread) = self.thread.take() {
            // Its panic would have been printed; nothing of the exchange depends on it.
            let _ = thread.join();
        }
    }
}

/// A follower's thread, from its first record to its last.
fn follow(lane: &Lane) {
    let follower = lane.follower.as_ref();
    let mut source = None;
    while let Some(next) = lane.next() {
        match (next, &source) {
            (Next::Turn(turned), _) => {
                go_over(follower, &turned);
                source = Some(turned);
            }
            (Next::Fold(happened), _) => {
                for applied in happened.iter().filter(|applied| applied.sequence > follower.sequence()) {
                    follower.fold(applied);
                }
            }
            (Next::Begin(sequence, exchange), _) => {
                follower.begin(sequence, &exchange);
                tracing::info!(
                    name = lane.name(),
                    sequence,
                    "a follower knows again how the exchange stands"
                );
            }
            (Next::CatchUp(to), Some(source)) => {
                catch_up(follower, source, to, &lane.over);
                if !follower.stands() {
                    // Nothing that is kept says it: the exchange itself does, with the next commit.
                    lane.lock().asks = true;
                }
            }
            // The source comes first.
            (Next::CatchUp(_), None) => {}
        }
        follower.flush();
        lane.reached.send_replace(follower.sequence());
    }
    follower.end();
}

/// Has a follower forget what is not of the branch that counts.
fn go_over(follower: &dyn Detached, source: &Source) {
    let (branch, name) = (source.log.branch(), follower.name());
    let known = follower.branch();
    if known == branch {
        return;
    }
    let shared = source.log.shared_with(known).unwrap_or_else(|error| {
        tracing::error!(name, %error, "what a follower knows cannot be placed: it begins anew");
        0
    });
    follower.revert(branch, shared.min(follower.sequence()));
}

/// Replays what a follower has not seen up to a record, from the newest state at or before its place. Where the log does not
/// reach back that far, it begins at the oldest state after its place, and a line says so.
fn catch_up(follower: &dyn Detached, source: &Source, to: u64, over: &AtomicBool) {
    let name = follower.name();
    if follower.sequence() > to {
        // Its own store has more than the log.
        follower.revert(source.log.branch(), to);
    }
    let at = follower.sequence();
    if at == to && follower.stands() {
        return;
    }
    let kept_from = source.log.kept_from().map_err(StartError::from);
    let from_before = kept_from
        .and_then(|kept| newest_snapshot(source.snapshots.as_ref(), kept, at, &mut Vec::new()))
        .map(|found| found.map_or_else(Venue::new, |restored| restored.venue))
        .and_then(|venue| replay_for(follower, source, venue, to, over));
    let Err(why) = from_before else { return };
    // How a venue would come over is not asked here: it has.
    let why = match why {
        StartError::OtherRules { rules, .. } => format!("they were made under rules {rules}"),
        other => other.to_string(),
    };
    for Restored { venue, .. } in snapshots_after(source, follower.sequence(), to) {
        let begins = venue.sequence;
        follower.begin(begins, &venue.exchange);
        tracing::warn!(
            name,
            at,
            begins,
            why,
            "records that a follower has not seen are out of reach: it begins after them"
        );
        if replay_for(follower, source, venue, to, over).is_ok() {
            return;
        }
    }
    // Nothing that can be read says what was there at that record.
    follower.begin(to, &Exchange::new());
    tracing::warn!(
        name,
        at,
        begins = to,
        why,
        "records that a follower has not seen are out of reach: it begins after them"
    );
}

fn replay_for(
    follower: &dyn Detached,
    source: &Source,
    mut venue: Venue,
    to: u64,
    over: &AtomicBool,
) -> Result<(), StartError> {
    if !follower.stands() {
        let at = follower.sequence();
        if venue.sequence < at {
            replay(source.log.reader(venue.sequence + 1)?, &mut venue, at, &[], over)?;
        }
        if venue.sequence < at {
            // Left off.
            return Ok(());
        }
        follower.stand(&venue.exchange);
    }
    if venue.sequence == to {
        return Ok(());
    }
    let reader = source.log.reader(venue.sequence + 1)?;
    let follower: &dyn Follower = follower;
    replay(reader, &mut venue, to, &[follower], over)
}

/// The snapshots that are newer than a record and not newer than another, oldest first.
fn snapshots_after(source: &Source, after: u64, to: u64) -> impl Iterator<Item = Restored> {
    let listed = source.snapshots.list().unwrap_or_default();
    let wanted = listed.into_iter().filter(move |info| (after + 1..=to).contains(&info.sequence));
    wanted.filter_map(|info| {
        let (found, body) = source.snapshots.newest(info.sequence).ok()?.found?;
        let restored = snapshot::decode(&body).ok()?;
        (found.sequence == info.sequence && restored.venue.sequence == info.sequence).then_some(restored)
    })
}
