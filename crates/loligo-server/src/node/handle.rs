//! The door to the writer.

use super::clock::{ClockError, MAX_JUMP_MICROS, MachineClock};
use super::detached::{Behind, Lane};
use super::epoch::{Epoch, Views};
use super::retention::Retention;
use crate::config::{ClockKind, KeepJournal};
use crate::identity::{Identity, KeyPair, Secret};
use crate::projection::{Applied, Happened, Statement};
use crate::record::{Fact, FactOutcome, FactRefusal, GeneralRight, KeyCreated, KeyId, WithdrawalRight};
use arc_swap::ArcSwap;
use loligo_engine::{
    AccountId, Audit, Command, CreateAccount, CreateAccountOutcome, Currency, Deposit, DepositOutcome, Event,
    Exchange, Money, Outcome, Refusal, Timestamp, Violation, Wallet,
};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Records that may wait for the writer. At 100,000 a second this is 40 ms of work: enough to ride out a checkpoint,
/// little enough that who is let in is answered soon.
pub(crate) const QUEUE_RECORDS: usize = 4_096;
/// Room beyond that which only cancels may use: a client that wants out gets out.
pub(crate) const QUEUE_CANCELS: usize = 1_024;
/// Room beyond that which only single cancels and the dead man's switch may use, so that no batches of cancels stand in their
/// way. Each connection waits for its answer before it asks on, so this much is enough for 4,096 of them.
pub(crate) const QUEUE_SINGLE_CANCELS: usize = 4_096;
/// Most records that ever wait.
pub(crate) const QUEUE_ALL: usize = QUEUE_RECORDS + QUEUE_CANCELS + QUEUE_SINGLE_CANCELS;
/// Most records of one batch of a client; its elements run with nothing between them.
pub const MAX_BATCH_RECORDS: usize = 512;
/// Where a manual clock that stands goes.
pub(crate) const NOT_MOVING: i64 = i64::MIN;

/// A command on its way to the journal.
#[derive(Clone, Debug)]
pub struct Submission {
    /// What is asked.
    pub command: Command,
    /// The key that signed the request, and its nonce: remembered with the command, so that the request cannot be
    /// replayed after a restart.
    pub nonce: Option<(KeyId, u64)>,
}

impl Submission {
    /// A command that came with no nonce.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self { command, nonce: None }
    }
}

/// What became of a command: remembered, applied, and visible in every view. Of one whose kind is known, the outcome has that
/// kind's type.
#[derive(Clone, Debug)]
pub struct Reply<O = Outcome> {
    /// Its place in the journal.
    pub sequence: u64,
    /// Exchange time at which it took effect.
    pub time: Timestamp,
    /// What it came to.
    pub outcome: O,
    /// What happened, in order.
    pub events: Events,
}

impl Reply {
    pub(crate) fn of(outcome: Outcome, events: Events) -> Self {
        let (sequence, time) =
            events.applied().map_or((0, Timestamp(0)), |applied| (applied.sequence, applied.time));
        Self { sequence, time, outcome, events }
    }
}

/// The events of one record, shared with all who follow what happened.
#[derive(Clone, Default)]
pub struct Events {
    happened: Arc<Happened>,
    at: usize,
}

impl Events {
    pub(crate) fn of(happened: &Arc<Happened>, at: usize) -> Self {
        Self { happened: Arc::clone(happened), at }
    }

    fn applied(&self) -> Option<Applied<'_>> {
        self.happened.get(self.at)
    }
}

impl Deref for Events {
    type Target = [Event];

    fn deref(&self) -> &[Event] {
        self.applied().map_or(&[], |applied| applied.events)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Why a command has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too much is waiting. Refused before the journal: it did not happen.
    #[error("too many requests are waiting; nothing was done, try again")]
    Overloaded,
    /// It did not happen: the disk is full, or a view could not keep up.
    #[error("the exchange cannot take this now; nothing was done")]
    Unavailable,
    /// Nobody knows whether it happened. Close the connection without an answer; the process is ending.
    #[error("whether this was remembered is undecided; the exchange is stopping")]
    Undecided,
    /// The node has stopped. It did not happen.
    #[error("the exchange has stopped")]
    Stopped,
    /// More in one batch than the node takes.
    #[error("a batch may hold at most 512 commands")]
    BatchTooLarge,
}

/// Hashes of a venue at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHashes {
    /// The last record they cover.
    pub sequence: u64,
    /// Exchange time there.
    pub time: Timestamp,
    /// Of the engine's whole state.
    pub state: [u8; 32],
    /// Chained over all events since genesis.
    pub events: [u8; 32],
}

/// What a new account gets.
#[derive(Clone, Debug, Default)]
pub struct OpenAccount {
    /// Its name for people.
    pub name: Option<String>,
    /// The master account, for a subaccount.
    pub parent: Option<AccountId>,
    /// Money booked in at once.
    pub deposits: Vec<(Wallet, Currency, Money)>,
}

/// A new account with a full and a read-only key.
#[derive(Clone, Debug)]
pub struct OpenedAccount {
    /// Its number.
    pub id: AccountId,
    /// Its name for clients.
    pub uid: Uuid,
    /// Its name for people.
    pub name: Option<String>,
    /// Trades and asks.
    pub full: IssuedKey,
    /// Asks only.
    pub read_only: IssuedKey,
}

/// A new key, its secret shown this once.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// Its number.
    pub id: KeyId,
    /// Its public text.
    pub api_key: String,
    /// What its holder signs with.
    pub secret: Secret,
}

/// Why an account or a key is not made, or another fact does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The engine refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The registry of names and keys refuses.
    #[error(transparent)]
    Registry(#[from] FactRefusal),
    /// The operating system gives no randomness for a secret.
    #[error("the operating system gives no randomness for a new key")]
    NoRandomness,
    /// The node does not take it up.
    #[error(transparent)]
    Node(#[from] SubmitError),
}

/// Where a manual clock is to go. A distance counts from where the clock stands when its turn comes, so that two who
/// advance it at once both get what they asked for.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    At(Timestamp),
    After(i64),
}

/// A read-only question, run by the writer.
pub(crate) type Question = Box<dyn FnOnce(&Exchange, StateHashesAt) + Send>;

/// What waits for the writer.
pub(crate) enum Request {
    Submit {
        submissions: Vec<Submission>,
        reply: oneshot::Sender<Result<Vec<Reply>, SubmitError>>,
    },
    Record {
        fact: Fact,
        nonce: Option<(KeyId, u64)>,
        reply: oneshot::Sender<Result<FactOutcome, SubmitError>>,
    },
    Ask(Question),
    Move {
        to: Target,
        reply: oneshot::Sender<Result<Timestamp, ClockError>>,
    },
    EndMoves {
        reply: oneshot::Sender<Result<Timestamp, SubmitError>>,
    },
    Snapshot {
        reply: oneshot::Sender<Result<u64, SubmitError>>,
    },
    Stop,
}

/// Where the writer stands, beside the exchange itself.
#[derive(Clone, Copy)]
pub(crate) struct StateHashesAt {
    pub(crate) sequence: u64,
    pub(crate) events: [u8; 32],
}

/// How far a request may fill the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Anything,
    Cancels,
    SingleCancel,
}

impl Share {
    fn of(submissions: &[Submission]) -> Self {
        match submissions {
            [one] if is_cancel(&one.command) => Self::SingleCancel,
            several if several.iter().all(|one| is_cancel(&one.command)) => Self::Cancels,
            _ => Self::Anything,
        }
    }

    fn room(self) -> usize {
        match self {
            Self::Anything => QUEUE_RECORDS,
            Self::Cancels => QUEUE_RECORDS + QUEUE_CANCELS,
            Self::SingleCancel => QUEUE_ALL,
        }
    }
}

/// Records that wait for the writer.
#[derive(Default)]
pub(crate) struct Waiting(AtomicUsize);

impl Waiting {
    /// Takes room for records. What finds none leaves the count as it is, at every moment: a large batch that is refused
    /// must not stand in a small request's way while it is being refused.
    fn enter(&self, records: usize, share: Share) -> bool {
        let fitting = |waiting: usize| waiting.checked_add(records).filter(|all| *all <= share.room());
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, fitting).is_ok()
    }

    /// Gives it back.
    pub(crate) fn leave(&self, records: usize) {
        self.0.fetch_sub(records, Ordering::AcqRel);
    }
}

/// State shared by the writer and all handles.
pub(crate) struct Shared {
    /// What readers hang on; the writer alone puts another in its place.
    pub(crate) epoch: ArcSwap<Epoch>,
    /// Followers that the exchange does not wait for.
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) identity: Identity,
    pub(crate) clock: ClockKind,
    pub(crate) keep_journal: KeepJournal,
    pub(crate) machine: MachineClock,
    /// Where a manual clock is going, in microseconds since 1970, or [`NOT_MOVING`].
    pub(crate) moving_to: AtomicI64,
    pub(crate) waiting: Waiting,
    pub(crate) stopped: AtomicBool,
    /// Highest nonces by key as the journal knew them when the node started.
    pub(crate) remembered_nonces: Vec<(KeyId, u64)>,
    /// Wraps secrets before they are journaled.
    pub(crate) vault: super::vault::Vault,
}

impl Shared {
    /// What of the journal has to stay now.
    pub(crate) fn retention(&self) -> Retention {
        let branch = Views::of(self.epoch.load_full()).branch();
        let needed = self.lanes.iter().map(|lane| lane.needed(branch)).min();
        Retention { keep: self.keep_journal, needed: needed.unwrap_or(u64::MAX) }
    }
}

/// A running node, from outside. Cloning is cheap; every clone speaks to the same writer.
#[derive(Clone)]
pub struct NodeHandle {
    queue: SyncSender<Request>,
    shared: Arc<Shared>,
}

impl NodeHandle {
    pub(crate) fn new(queue: SyncSender<Request>, shared: Arc<Shared>) -> Self {
        Self { queue, shared }
    }

    /// Has one command remembered and applied. When this answers, every view shows it.
    ///
    /// # Errors
    /// [`SubmitError`]; only [`SubmitError::Undecided`] leaves open whether it happened.
    pub async fn submit(&self, submission: Submission) -> Result<Reply, SubmitError> {
        let mut replies = self.submit_all(vec![submission]).await?;
        replies.pop().ok_or(SubmitError::Stopped)
    }

    /// Has several commands remembered together and applied in order, with nothing between them.
    ///
    /// # Errors
    /// As [`NodeHandle::submit`], for all of them alike; [`SubmitError::BatchTooLarge`] beyond 512.
    pub async fn submit_all(&self, submissions: Vec<Submission>) -> Result<Vec<Reply>, SubmitError> {
        if submissions.len() > MAX_BATCH_RECORDS {
            return Err(SubmitError::BatchTooLarge);
        }
        if submissions.is_empty() {
            return Ok(Vec::new());
        }
        let records = submissions.len();
        let share = Share::of(&submissions);
        let (reply, answer) = oneshot::channel();
        self.enter(records, share, Request::Submit { submissions, reply })?;
        self.answer(answer).await?
    }

    /// Asks the exchange a read-only question, between two batches. For questions that no view answers; the writer
    /// waits meanwhile, so keep it short.
    ///
    /// # Errors
    /// [`SubmitError::Overloaded`] or [`SubmitError::Stopped`].
    pub async fn query<R, F>(&self, ask: F) -> Result<R, SubmitError>
    where
        R: Send + 'static,
        F: FnOnce(&Exchange) -> R + Send + 'static,
    {
        self.query_at(|exchange, _| ask(exchange)).await
    }

    /// Hashes of state and events as they are now.
    ///
    /// # Errors
    /// As [`NodeHandle::query`].
    pub async fn state_hashes(&self) -> Result<StateHashes, SubmitError> {
        self.query_at(|exchange, at| StateHashes {
            sequence: at.sequence,
            time: exchange.now(),
            state: exchange.state_hash(),
            events: at.events,
        })
        .await
    }

    /// What an account's money comes to now.
    ///
    /// # Errors
    /// As [`NodeHandle::query`].
    pub(crate) async fn statement(&self, account: AccountId) -> Result<Statement, SubmitError> {
        self.query_at(move |exchange, at| Statement::of(exchange, account, at.sequence)).await
    }

    /// Checks every invariant of the whole state.
    ///
    /// # Errors
    /// As [`NodeHandle::query`]; a broken invariant is the inner error.
    pub async fn audit(&self) -> Result<Result<Audit, Violation>, SubmitError> {
        self.query(Exchange::audit).await
    }

    async fn query_at<R, F>(&self, ask: F) -> Result<R, SubmitError>
    where
        R: Send + 'static,
        F: FnOnce(&Exchange, StateHashesAt) -> R + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let ask = Box::new(move |exchange: &Exchange, at: StateHashesAt| {
            // Who asked may have gone away; nothing is lost by that.
            let _ = reply.send(ask(exchange, at));
        });
        self.enter(1, Share::Anything, Request::Ask(ask))?;
        answer.await.map_err(|_| SubmitError::Stopped)
    }

    /// The sequence last acknowledged to anyone.
    pub fn acknowledged(&self) -> u64 {
        self.shared.epoch.load().acknowledged()
    }

    /// Waits until a follower that the exchange does not wait for shows what was acknowledged when this was called: a second at
    /// most. A node without such a follower has nothing to wait for.
    ///
    /// # Errors
    /// [`Behind`].
    pub async fn followed(&self, name: &str) -> Result<(), Behind> {
        let wanted = self.acknowledged();
        match self.shared.lanes.iter().find(|lane| lane.name() == name) {
            Some(lane) => lane.wait_for(wanted).await,
            None => Ok(()),
        }
    }

    /// The published views, which show everything that was acknowledged: a record is folded into them before it is answered.
    /// To be taken once for each answer.
    pub fn views(&self) -> Views {
        Views::of(self.shared.epoch.load_full())
    }

    /// Numbers to UUIDs and back.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// Exchange time now.
    pub fn now(&self) -> Timestamp {
        let published = self.shared.epoch.load().views().time();
        match self.shared.clock {
            ClockKind::Real => published.max(self.shared.machine.now()),
            ClockKind::Manual { .. } => published,
        }
    }

    /// Whether the node has stopped, for whatever reason.
    pub fn has_stopped(&self) -> bool {
        self.shared.stopped.load(Ordering::Acquire)
    }

    /// Where exchange time comes from.
    pub fn clock(&self) -> ClockKind {
        self.shared.clock
    }

    /// By how much the machine's clock is behind exchange time, which never goes back; `None` on a manual clock.
    pub fn clock_behind(&self) -> Option<Duration> {
        let micros = || u64::try_from(self.shared.machine.behind_micros()).unwrap_or(0);
        (self.shared.clock == ClockKind::Real).then(|| Duration::from_micros(micros()))
    }

    /// Where a manual clock is going; `None` while it stands.
    pub fn moving_to(&self) -> Option<Timestamp> {
        let to = self.shared.moving_to.load(Ordering::Acquire);
        (to != NOT_MOVING).then_some(Timestamp(to))
    }

    /// The highest nonce of each key that the journal knew when this node started: what the gateway's windows begin
    /// with.
    pub fn remembered_nonces(&self) -> &[(KeyId, u64)] {
        &self.shared.remembered_nonces
    }

    /// Moves a manual clock by so many milliseconds. Answers the new time when everything due until then has
    /// happened, in order; [`NodeHandle::moving_to`] and [`NodeHandle::now`] tell how far it is meanwhile.
    ///
    /// # Errors
    /// [`ClockError`].
    pub async fn advance(&self, millis: i64) -> Result<Timestamp, ClockError> {
        if self.shared.clock == ClockKind::Real {
            return Err(ClockError::RealClock);
        }
        let micros = millis.checked_mul(1000).ok_or(ClockError::TooFar)?;
        let now = self.now();
        if micros < 0 {
            return Err(ClockError::Backward { now: now.0, asked: now.plus(micros).0 });
        }
        self.move_clock(micros, Target::After(micros)).await
    }

    /// Moves a manual clock to an instant; see [`NodeHandle::advance`].
    ///
    /// # Errors
    /// [`ClockError`].
    pub async fn set_time(&self, to: Timestamp) -> Result<Timestamp, ClockError> {
        if self.shared.clock == ClockKind::Real {
            return Err(ClockError::RealClock);
        }
        let now = self.now();
        if to < now {
            return Err(ClockError::Backward { now: now.0, asked: to.0 });
        }
        self.move_clock(to.0.saturating_sub(now.0), Target::At(to)).await
    }

    async fn move_clock(&self, distance: i64, to: Target) -> Result<Timestamp, ClockError> {
        if distance > MAX_JUMP_MICROS {
            return Err(ClockError::TooFar);
        }
        let (reply, answer) = oneshot::channel();
        self.enter(1, Share::Anything, Request::Move { to, reply })?;
        self.answer(answer).await?
    }

    /// Ends every move of a manual clock where it is: whoever waits for one is told [`ClockError::Ended`]. Answers where
    /// the clock stands.
    ///
    /// # Errors
    /// [`ClockError::RealClock`], or that the node does not take it up.
    pub async fn end_moves(&self) -> Result<Timestamp, ClockError> {
        if self.shared.clock == ClockKind::Real {
            return Err(ClockError::RealClock);
        }
        let (reply, answer) = oneshot::channel();
        self.enter(1, Share::Anything, Request::EndMoves { reply })?;
        Ok(self.answer(answer).await??)
    }

    /// Takes a snapshot now, which another thread keeps a moment later. Answers the sequence it covers.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn snapshot(&self) -> Result<u64, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.enter(1, Share::Anything, Request::Snapshot { reply })?;
        self.answer(answer).await?
    }

    /// Opens an account with its deposits, a full and a read-only key.
    ///
    /// The steps are records of their own: a deposit that is refused leaves the account there.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn open_account(&self, wanted: OpenAccount) -> Result<OpenedAccount, AccountError> {
        let create = CreateAccount { parent: wanted.parent, house: false };
        let id = match self.ask(create, None).await?.outcome {
            CreateAccountOutcome::AccountCreated(id) => id,
            CreateAccountOutcome::Refused(refusal) => return Err(Refusal::from(refusal).into()),
        };
        if let Some(name) = &wanted.name {
            self.record(Fact::AccountNamed { account: id, name: name.clone() }).await?;
        }
        for (wallet, currency, amount) in wanted.deposits {
            match self.ask(Deposit { account: id, wallet, currency, amount }, None).await?.outcome {
                DepositOutcome::Done => {}
                DepositOutcome::Refused(refusal) => return Err(Refusal::from(refusal).into()),
            }
        }
        let full = self.create_key(id, GeneralRight::Full, WithdrawalRight::None).await?;
        let read_only = self.create_key(id, GeneralRight::ReadOnly, WithdrawalRight::None).await?;
        Ok(OpenedAccount {
            id,
            uid: self.shared.identity.account_uid(id),
            name: wanted.name,
            full,
            read_only,
        })
    }

    /// Makes a new key for an account.
    ///
    /// # Errors
    /// [`AccountError`]; an account holds at most 50 keys.
    pub async fn create_key(
        &self,
        account: AccountId,
        general: GeneralRight,
        withdrawal: WithdrawalRight,
    ) -> Result<IssuedKey, AccountError> {
        let pair = KeyPair::random().map_err(|_| AccountError::NoRandomness)?;
        let secret = self.shared.vault.wrap(&pair).map_err(|_| AccountError::NoRandomness)?;
        let key = KeyCreated { account, api_key: pair.api_key.clone(), secret, general, withdrawal };
        match self.record(Fact::KeyCreated(key)).await? {
            FactOutcome::KeyCreated(id) => Ok(IssuedKey { id, api_key: pair.api_key, secret: pair.secret }),
            FactOutcome::Done | FactOutcome::FaultSet(_) | FactOutcome::NoticeGiven(_) => {
                unreachable!("a key's creation tells its number")
            }
            FactOutcome::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Has a fact about the venue remembered. Answers when it is visible in every view.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn record(&self, fact: Fact) -> Result<FactOutcome, AccountError> {
        self.record_by(fact, None).await
    }

    /// As [`NodeHandle::record`], with the key that signed the request and its nonce, which are remembered with the fact.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn record_by(
        &self,
        fact: Fact,
        nonce: Option<(KeyId, u64)>,
    ) -> Result<FactOutcome, AccountError> {
        let (reply, answer) = oneshot::channel();
        self.enter(1, Share::Anything, Request::Record { fact, nonce, reply })?;
        match self.answer(answer).await?? {
            FactOutcome::Refused(refusal) => Err(refusal.into()),
            outcome => Ok(outcome),
        }
    }

    /// Takes room in the queue, or refuses at once.
    fn enter(&self, records: usize, share: Share, request: Request) -> Result<(), SubmitError> {
        if self.shared.stopped.load(Ordering::Acquire) {
            return Err(SubmitError::Stopped);
        }
        if !self.shared.waiting.enter(records, share) {
            return Err(SubmitError::Overloaded);
        }
        match self.queue.try_send(request) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.shared.waiting.leave(records);
                Err(SubmitError::Overloaded)
            }
            Err(TrySendError::Disconnected(_)) => Err(SubmitError::Stopped),
        }
    }

    /// Waits for the writer. One that goes away without a word may have written: that is undecided.
    async fn answer<T>(&self, answer: oneshot::Receiver<T>) -> Result<T, SubmitError> {
        answer.await.map_err(|_| SubmitError::Undecided)
    }

    #[cfg(test)]
    pub(crate) fn lanes(&self) -> &[Arc<Lane>] {
        &self.shared.lanes
    }

    pub(crate) fn stop(&self) {
        // A writer that is gone has nothing left to stop.
        let _ = self.queue.send(Request::Stop);
    }
}

/// What a client that wants out, or wants to stay in, must always get through: cancels, and the dead man's switch.
pub(crate) fn is_cancel(command: &Command) -> bool {
    matches!(command, Command::Cancel(_) | Command::CancelAll { .. } | Command::CancelAllAfter { .. })
}

#[cfg(test)]
mod tests;
