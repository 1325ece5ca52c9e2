//! The one thread that changes the exchange. Remember before acting, answer after remembering:
//! [`Writer::commit_one`] is the whole road in one function.

mod following;
mod moves;
mod publishing;
mod waiting;

use super::NodeEnd;
use super::detached::HandOver;
use super::epoch::Epoch;
use super::handle::{Events, Reply, Request, Shared, StateHashesAt, Submission, SubmitError, is_cancel};
use super::keeper::Keeper;
use super::retention;
use super::snapshot::{self, Kept};
use super::venue::{Poisoned, Venue};
use crate::config::ClockKind;
use crate::market::HouseMarket;
use crate::projection::{Accounts, CommitChanges, Happened, Touched};
use crate::record::{Body, Fact, FactOutcome, KeyId, Record, encode_command};
use loligo_engine::{Command, Event, MarketState, Outcome, Timestamp};
use loligo_journal::{AppendError, Journal, Records, Urgency};
use moves::Moves;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use waiting::{Held, is_far_reaching};

/// Records of one group commit, unless a single client's batch is larger. More would add little to the rate (a sync
/// is shared by 256 already) and much to the wait of whoever comes first.
const COMMIT_RECORDS: usize = 256;
/// Records between snapshots: what the next start has to replay at most, and the keeper for each of them, about a second's
/// work.
const SNAPSHOT_RECORDS: u64 = 1_000_000;
/// How often a full disk is looked at again.
pub(crate) const FULL_RETRY: Duration = Duration::from_secs(1);
/// What a new market takes until its books stand: accounts first, then money and quotes.
const OPENING_STEPS: usize = 2;

/// What waits in one group commit.
enum Item {
    Commands { submissions: Vec<Submission>, reply: oneshot::Sender<Result<Vec<Reply>, SubmitError>> },
    Fact { fact: Fact, nonce: Option<(KeyId, u64)>, reply: oneshot::Sender<Result<FactOutcome, SubmitError>> },
    House(Vec<Command>),
}

/// A batch that is in the log.
struct Remembered {
    /// Its first record.
    first: u64,
    time: Timestamp,
    items: Vec<Item>,
}

/// An answer that goes out when its whole group commit is visible: to commands, each with its place in what happened.
enum Answer {
    Commands(oneshot::Sender<Result<Vec<Reply>, SubmitError>>, Vec<(usize, Outcome)>),
    Fact(oneshot::Sender<Result<FactOutcome, SubmitError>>, FactOutcome),
}

/// What the commit under way has changed that is published with it as a whole.
#[derive(Default)]
struct Changed {
    directory: bool,
    listing: bool,
}

pub(crate) struct Writer {
    journal: Box<dyn Journal>,
    venue: Venue,
    shared: Arc<Shared>,
    /// The epoch that readers begin on, which is the writer's own to fold into.
    epoch: Arc<Epoch>,
    requests: Receiver<Request>,
    clock: ClockKind,
    house: Option<HouseMarket>,
    /// The last second at which the house market was stepped.
    stepped: i64,
    moves: Moves,
    /// A request that came while a commit was gathered and does not belong to one.
    next: Option<Request>,
    held: Held,
    keeper: Keeper,
    snapshot_at: u64,
    /// Whether a later start would use snapshots that nobody asked for.
    outlives_process: bool,
    /// Since when the disk is full, as last looked at.
    full: Option<Instant>,
    full_retry: Duration,
    records: Records,
    /// What the commit under way came to, and what of it is to be told to the feeds.
    happened: Happened,
    commit: CommitChanges,
    /// Whose money is followed, and whose was touched.
    money: Arc<Accounts>,
    touched: Touched,
    /// The second of exchange time that the feeds were told of last.
    told_second: i64,
    changed: Changed,
    hand_overs: Vec<HandOver>,
    /// What is listed next in the place of a contract that expires, and when.
    listing: Option<(Timestamp, Vec<Command>)>,
}

impl Writer {
    pub(crate) fn new(
        journal: Box<dyn Journal>,
        venue: Venue,
        shared: Arc<Shared>,
        requests: Receiver<Request>,
        house: Option<HouseMarket>,
        snapshot_at: u64,
        full_retry: Duration,
    ) -> Self {
        let keeper = Keeper::start(journal.snapshots(), journal.log(), Arc::clone(&shared));
        Self {
            journal,
            stepped: second_of(venue.exchange.now()),
            listing: venue.next_listing(),
            venue,
            clock: shared.clock,
            epoch: shared.epoch.load_full(),
            shared,
            requests,
            house,
            moves: Moves::default(),
            next: None,
            held: Held::default(),
            keeper,
            snapshot_at,
            outlives_process: true,
            full: None,
            full_retry,
            records: Records::new(),
            happened: Happened::default(),
            commit: CommitChanges::default(),
            money: Arc::default(),
            touched: Touched::default(),
            told_second: i64::MIN,
            changed: Changed::default(),
            hand_overs: Vec::new(),
        }
    }

    /// What commits come to is handed over to these.
    pub(crate) fn followed_by(mut self, hand_overs: Vec<HandOver>) -> Self {
        self.hand_overs = hand_overs;
        self
    }

    /// A venue in memory has no later start: it takes a snapshot only when told to.
    pub(crate) fn in_memory(mut self) -> Self {
        self.outlives_process = false;
        self
    }

    /// What the journal did by itself that the operator should know.
    pub(crate) fn notes(&mut self) -> Vec<String> {
        self.journal.notes()
    }

    /// Loads the markets and lets the house quote.
    pub(crate) fn start(&mut self) -> Result<(), NodeEnd> {
        self.commit(self.time(), vec![Item::House(vec![Command::Start])])?;
        let time = self.time();
        let Some(house) = &mut self.house else { return Ok(()) };
        if house.is_staffed(&self.venue.exchange) {
            // The index has aged while the node was down; on a manual clock no time has passed.
            if second_of(time) > self.stepped {
                self.step_house(time)?;
            }
            return Ok(());
        }
        self.stepped = second_of(time);
        for _ in 0..OPENING_STEPS {
            self.quote_house(time)?;
        }
        Ok(())
    }

    /// Serves until it is told to stop or has to.
    pub(crate) fn run(mut self) -> NodeEnd {
        let end = loop {
            if let Err(end) = self.turn() {
                break end;
            }
        };
        self.shared.stopped.store(true, Ordering::Release);
        if let NodeEnd::Poisoned { sequence, message } = &end {
            tracing::error!(sequence, message, "the engine panicked on this record; the node stops");
        }
        self.refuse_waiting();
        if end == NodeEnd::Stopped {
            self.end_moves();
        }
        // However few records have come: a later version may have no other way over than a snapshot of the last one.
        if end == NodeEnd::Stopped && self.outlives_process {
            // One that is being made would be older.
            drop(self.keeper);
            let followers = self.epoch.views().followers();
            let store = self.journal.snapshots();
            match snapshot::keep(store.as_ref(), &self.venue, &followers, self.shared.retention()) {
                Ok(Kept { prune_before, .. }) => retention::prune_at_stop(store.as_ref(), prune_before),
                Err(error) => {
                    tracing::warn!(%error, "the last snapshot could not be kept: the next start replays more");
                }
            }
        }
        end
    }

    /// One turn: what is due, then what waits.
    fn turn(&mut self) -> Result<(), NodeEnd> {
        self.follow_log(self.journal.last_sequence())?;
        self.step_clock()?;
        if self.due_for_snapshot(SNAPSHOT_RECORDS) {
            self.take_snapshot();
        }
        let Some(first) = self.wait() else { return Ok(()) };
        let mut items = Vec::new();
        // Questions wait for the commit they came with: who asks must not cost who trades a sync of their own.
        let mut questions = Vec::new();
        let mut records = 0;
        let mut request = Some(first);
        while let Some(current) = request.take() {
            match current {
                question @ Request::Ask(_) => questions.push(question),
                Request::Submit { submissions, reply } => {
                    let alone = is_far_reaching(&submissions);
                    if alone && !items.is_empty() {
                        self.held.put_back(Request::Submit { submissions, reply });
                        break;
                    }
                    self.left_queue(submissions.len());
                    records += submissions.len();
                    items.push(Item::Commands { submissions, reply });
                    if alone {
                        break;
                    }
                }
                Request::Record { fact, nonce, reply } => {
                    self.left_queue(1);
                    records += 1;
                    items.push(Item::Fact { fact, nonce, reply });
                }
                other => {
                    self.next = Some(other);
                    break;
                }
            }
            if records + questions.len() < COMMIT_RECORDS {
                request = self.held.pop().or_else(|| self.requests.try_recv().ok());
            }
        }
        if !items.is_empty() {
            self.commit(self.time(), items)?;
        }
        for question in questions {
            self.serve(question)?;
        }
        match self.next.take() {
            Some(request) => self.serve(request),
            None => Ok(()),
        }
    }

    /// Serves what is not part of a group commit.
    fn serve(&mut self, request: Request) -> Result<(), NodeEnd> {
        match request {
            Request::Ask(ask) => {
                self.left_queue(1);
                // Who asks about many accounts finds all of them at the same prices.
                self.finish(self.venue.exchange.now())?;
                let at = StateHashesAt { sequence: self.venue.sequence, events: self.venue.chain.hash() };
                ask(&self.venue.exchange, at);
                // Who asks for the first statement of an account is told all that come later.
                self.money = self.epoch.views().publisher().money();
            }
            Request::Move { to, reply } => {
                self.left_queue(1);
                self.begin_move(to, reply);
            }
            Request::EndMoves { reply } => {
                self.left_queue(1);
                self.end_moves();
                // Who asked may have gone away.
                let _ = reply.send(Ok(self.venue.exchange.now()));
            }
            Request::Snapshot { reply } => {
                self.left_queue(1);
                let taken = self.take_snapshot();
                let answer = if taken { Ok(self.venue.sequence) } else { Err(SubmitError::Unavailable) };
                // Who asked may have gone away.
                let _ = reply.send(answer);
            }
            Request::Stop => return Err(NodeEnd::Stopped),
            Request::Submit { .. } | Request::Record { .. } => {
                unreachable!("what is journaled is gathered into a commit")
            }
        }
        Ok(())
    }

    /// Waits for a request, at most until the clock has something due.
    fn wait(&mut self) -> Option<Request> {
        if let Some(next) = self.next.take().or_else(|| self.held.pop()) {
            return Some(next);
        }
        if !self.moves.is_empty() {
            // A moving clock lets others in between its steps, and goes on at once when nobody waits.
            return match self.requests.try_recv() {
                Ok(request) => Some(request),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Request::Stop),
            };
        }
        if self.clock == ClockKind::Real
            && let Ok(request) = self.requests.try_recv()
        {
            // Nobody need look for what is due while somebody waits.
            return Some(request);
        }
        let now = self.shared.machine.now();
        let Some(due) = self.next_due(now) else {
            return Some(self.requests.recv().unwrap_or(Request::Stop));
        };
        let micros = u64::try_from(due.0 - now.0).unwrap_or(0);
        match self.requests.recv_timeout(Duration::from_micros(micros)) {
            Ok(request) => Some(request),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Request::Stop),
        }
    }

    /// Time for what is written now: the machine's, or where a manual clock stands. Never back.
    fn time(&self) -> Timestamp {
        let now = self.venue.exchange.now();
        match self.clock {
            ClockKind::Real => now.max(self.shared.machine.now()),
            ClockKind::Manual { .. } => now,
        }
    }

    /// Does what is due: listings, the house's tick of this second, or the next step of a moving clock.
    fn step_clock(&mut self) -> Result<(), NodeEnd> {
        // One look at the clock: time does not go on to where something is to be listed on its way. On a clock that stands still,
        // too: an operator may have let a contract expire.
        let mut time = self.time();
        while !self.list_due(time)? {
            time = self.time();
        }
        match self.clock {
            ClockKind::Real => {
                if self.house.is_some() && second_of(time) > self.stepped {
                    self.step_house(time)?;
                }
                self.finish(time)?;
            }
            ClockKind::Manual { .. } => {
                self.finish(time)?;
                self.step_move()?;
            }
        }
        Ok(())
    }

    /// The house's second: takers against the books as they stand, then makers around the new index.
    fn step_house(&mut self, time: Timestamp) -> Result<(), NodeEnd> {
        let second = second_of(time);
        self.stepped = second;
        // The house looks at the exchange as it is then.
        if !self.list_due(time)? {
            return Ok(());
        }
        if let Some(house) = &mut self.house {
            let commands = house.trade(second, time, &self.venue.exchange);
            self.commit_house(time, commands)?;
        }
        self.quote_house(time)
    }

    fn quote_house(&mut self, time: Timestamp) -> Result<(), NodeEnd> {
        if let Some(house) = &mut self.house {
            let commands = house.quote(second_of(time), time, &self.venue.exchange);
            self.commit_house(time, commands)?;
        }
        // A room without anything to say still lets the second pass.
        if self.venue.exchange.now() < time {
            self.commit_house(time, vec![Command::Advance])?;
        }
        Ok(())
    }

    fn commit_house(&mut self, time: Timestamp, commands: Vec<Command>) -> Result<(), NodeEnd> {
        if commands.is_empty() {
            return Ok(());
        }
        self.commit(time, vec![Item::House(commands)])
    }

    /// Lists what takes the place of contracts that expire up to `time`, each at the instant of its expiry. False when the log
    /// was taken up anew meanwhile, and time with it.
    fn list_due(&mut self, time: Timestamp) -> Result<bool, NodeEnd> {
        let epoch = Arc::clone(&self.epoch);
        while let Some(at) = self.listing.as_ref().map(|(at, _)| *at).filter(|at| *at <= time) {
            // The contract that is followed has expired by then, and all of its orders are gone.
            if !self.finish(at)? {
                return Ok(false);
            }
            let Some((at, commands)) = self.listing.take_if(|(listed, _)| *listed == at) else { continue };
            // Something else comes next then.
            self.changed.listing = true;
            self.commit_one(at, vec![Item::House(commands)])?;
            if !Arc::ptr_eq(&epoch, &self.epoch) {
                return Ok(false);
            }
            if self.full.is_some() {
                // Tried again with the next commit.
                self.listing = self.venue.next_listing();
                break;
            }
        }
        Ok(true)
    }

    /// One group commit, after what is due to be listed by then, and all else that is due.
    fn commit(&mut self, mut time: Timestamp, mut items: Vec<Item>) -> Result<(), NodeEnd> {
        if self.venue.exchange.is_due(time) {
            (time, items) = self.let_cancels_in(time, items)?;
            if items.is_empty() {
                return Ok(());
            }
        }
        if !(self.list_due(time)? && self.finish(time)?) {
            (time, items) = self.anew(items);
        }
        self.commit_one(time, items)
    }

    /// What is left of a commit that was not remembered when the log was taken up anew. Who asked has no answer yet, so it comes
    /// to what it comes to now; the house looks at the exchange again before it asks for anything.
    fn anew(&self, mut items: Vec<Item>) -> (Timestamp, Vec<Item>) {
        items.retain(|item| !matches!(item, Item::House(_)));
        (self.time(), items)
    }

    /// Journal, apply, publish, reply: one group commit, in that order.
    fn commit_one(&mut self, time: Timestamp, items: Vec<Item>) -> Result<(), NodeEnd> {
        // Journal: everything in one batch, one sync. Its place is the journal's to say; what others put before it comes first.
        let Some(Remembered { first, time, items }) = self.remember(time, items)? else { return Ok(()) };
        self.follow_log(first - 1)?;

        // Apply and publish, record by record.
        let mut answers = Vec::with_capacity(items.len());
        let mut far_reaching = false;
        for item in items {
            match item {
                Item::Commands { submissions, reply } => {
                    far_reaching |= is_far_reaching(&submissions);
                    let mut outcomes = Vec::with_capacity(submissions.len());
                    for Submission { command, nonce } in submissions {
                        let at = self.happened.len();
                        outcomes.push((at, self.venue.command(time, nonce, &command, &mut self.happened)?));
                        self.publish(at);
                    }
                    answers.push(Answer::Commands(reply, outcomes));
                }
                Item::Fact { fact, nonce, reply } => {
                    let at = self.happened.len();
                    let outcome = self.venue.fact(time, nonce, &fact, &mut self.happened)?;
                    self.publish(at);
                    self.fact_changed(&fact);
                    answers.push(Answer::Fact(reply, outcome));
                }
                Item::House(commands) => {
                    for command in commands {
                        let at = self.happened.len();
                        self.venue.command(time, None, &command, &mut self.happened)?;
                        self.publish(at);
                    }
                }
            }
        }
        let happened = self.announce()?;
        if far_reaching {
            self.finish(self.venue.exchange.now())?;
        }

        // Reply: whoever reads an answer finds it in every view.
        for answer in answers {
            // A client that went away in the meantime misses its answer; what it asked has happened.
            match answer {
                Answer::Commands(reply, outcomes) => {
                    let of = |(at, outcome)| Reply::of(outcome, Events::of(&happened, at));
                    drop(reply.send(Ok(outcomes.into_iter().map(of).collect())));
                }
                Answer::Fact(reply, outcome) => drop(reply.send(Ok(outcome))),
            }
        }
        Ok(())
    }

    /// Appends a batch. `None`: the disk is full, everyone has been told, nothing happened.
    fn remember(&mut self, mut time: Timestamp, mut items: Vec<Item>) -> Result<Option<Remembered>, NodeEnd> {
        let mut urgency = if self.is_pausing() { Urgency::Urgent } else { Urgency::Ordinary };
        loop {
            if urgency == Urgency::Urgent {
                items = refuse_all_but_cancels(items);
            }
            if items.is_empty() {
                return Ok(None);
            }
            match self.append(time, &items, urgency) {
                Ok(first) => {
                    if urgency == Urgency::Ordinary {
                        self.found_room();
                    }
                    return Ok(Some(Remembered { first, time, items }));
                }
                Err(AppendError::Full) if urgency == Urgency::Ordinary => {
                    self.found_full();
                    urgency = Urgency::Urgent;
                }
                Err(AppendError::Full) => {
                    items.into_iter().for_each(refuse);
                    return Ok(None);
                }
                Err(AppendError::Moved { .. }) => {
                    self.change_epoch()?;
                    (time, items) = self.anew(items);
                }
                // Whoever waits hears nothing: dropping the items drops their reply channels.
                Err(error) => return Err(self.journal_failed(&error)),
            }
        }
    }

    /// The place of the first record.
    fn append(&mut self, time: Timestamp, items: &[Item], urgency: Urgency) -> Result<u64, AppendError> {
        self.records.clear();
        for item in items {
            match item {
                Item::Commands { submissions, .. } => {
                    for Submission { command, nonce } in submissions {
                        self.records.push_with(|to| encode_command(to, time, *nonce, command));
                    }
                }
                Item::House(commands) => {
                    for command in commands {
                        self.records.push_with(|to| encode_command(to, time, None, command));
                    }
                }
                Item::Fact { fact, nonce, .. } => {
                    let record = Record { time, nonce: *nonce, body: Body::Fact(Box::new(fact.clone())) };
                    let mut bytes = Vec::new();
                    record.encode(&mut bytes).expect("a fact of plain fields has a stored form");
                    self.records.push(&bytes);
                }
            }
        }
        self.journal.append(time.0, &self.records, urgency)
    }

    /// Whether a full disk was looked at a moment ago: until that is over, nothing but cancels is tried.
    fn is_pausing(&self) -> bool {
        self.full.is_some_and(|looked| looked.elapsed() < self.full_retry)
    }

    fn found_full(&mut self) {
        if self.full.is_none() {
            tracing::error!("the disk is full: only cancels are taken until there is room");
        }
        self.full = Some(Instant::now());
    }

    fn found_room(&mut self) {
        if self.full.take().is_some() {
            tracing::info!("the disk has room again: orders are taken");
        }
    }

    fn journal_failed(&self, error: &AppendError) -> NodeEnd {
        tracing::error!(%error, "the journal failed; the node stops, the next start decides");
        NodeEnd::JournalFailed { reason: error.to_string() }
    }

    fn left_queue(&self, records: usize) {
        self.shared.waiting.leave(records);
    }

    fn due_for_snapshot(&self, records: u64) -> bool {
        self.outlives_process && self.venue.sequence - self.snapshot_at >= records
    }

    /// Asks the keeper for a snapshot of the last record. False when it has enough to do.
    fn take_snapshot(&mut self) -> bool {
        self.snapshot_at = self.venue.sequence;
        if self.outlives_process {
            return self.keeper.ask(self.venue.sequence);
        }
        // The log of a venue in memory does not reach back, and its snapshots are taken on demand alone.
        let (store, followers) = (self.journal.snapshots(), self.epoch.views().followers());
        let kept = snapshot::keep(store.as_ref(), &self.venue, &followers, self.shared.retention());
        kept.inspect_err(|error| tracing::warn!(%error, "a snapshot could not be kept")).is_ok()
    }

    /// Nothing that still waits has been written: say so, rather than leave it undecided.
    fn refuse_waiting(&mut self) {
        let held = std::iter::from_fn(|| self.held.pop());
        let waiting = self.next.take().into_iter().chain(held).chain(self.requests.try_iter());
        for request in waiting {
            match request {
                Request::Submit { reply, .. } => drop(reply.send(Err(SubmitError::Stopped))),
                Request::Record { reply, .. } => drop(reply.send(Err(SubmitError::Stopped))),
                Request::Move { reply, .. } => drop(reply.send(Err(SubmitError::Stopped.into()))),
                Request::EndMoves { reply } => drop(reply.send(Err(SubmitError::Stopped))),
                Request::Snapshot { reply } => drop(reply.send(Err(SubmitError::Stopped))),
                Request::Ask(_) | Request::Stop => {}
            }
        }
    }
}

/// Whether what is listed next may be something else after these events.
fn changes_listing(events: &[Event]) -> bool {
    events.iter().any(|event| {
        matches!(event, Event::Listed { .. } | Event::Market { state: MarketState::Expired, .. })
    })
}

fn second_of(time: Timestamp) -> i64 {
    time.0.div_euclid(Timestamp::SECOND)
}

fn changes_directory(events: &[Event]) -> bool {
    events.iter().any(|event| {
        matches!(event, Event::Listed { .. } | Event::AccountCreated { .. } | Event::Account { .. })
    })
}

fn refuse_all_but_cancels(items: Vec<Item>) -> Vec<Item> {
    let (kept, refused): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|item| match item {
        Item::Commands { submissions, .. } => submissions.iter().all(|s| is_cancel(&s.command)),
        Item::Fact { .. } | Item::House(_) => false,
    });
    refused.into_iter().for_each(refuse);
    kept
}

fn refuse(item: Item) {
    match item {
        Item::Commands { reply, .. } => drop(reply.send(Err(SubmitError::Unavailable))),
        Item::Fact { reply, .. } => drop(reply.send(Err(SubmitError::Unavailable))),
        Item::House(_) => {}
    }
}

impl From<Poisoned> for NodeEnd {
    fn from(poisoned: Poisoned) -> Self {
        NodeEnd::Poisoned { sequence: poisoned.sequence, message: poisoned.message }
    }
}
