//! Who follows what, and the threads that tell them, each in the words of its dialect.
//!
//! ```text
//! writer -> publisher -> hub: each message encoded once a dialect -> an outbox per connection -> connection
//!                        ^------------------ join, leave -----------------------------------'
//! ```
//!
//! A hub is one thread. It alone knows who follows what of it, and takes changes and requests in turn: a snapshot and the
//! messages after it never miss or repeat a change. It writes what it tells to the connections by itself, and waits for none.
//! A connection whose queue is full is closed, and so is every follower when the writer's changes found no room: what a
//! client sees has no hole that it is not told of. There may be any number of hubs; each gets all commits. There are
//! two: one tells what is public, the other each account its own, so no news of one's own waits until thousands have heard
//! of a book.

mod account;
mod book;
mod encoder;

pub(crate) use encoder::{Dialect, Dialects, Encoder, Follower, Form, Names, Remark};

use crate::login::may_follow;
use crate::node::{NodeHandle, Views};
use crate::projection::{CommitChanges, Directory, FillRow, Subscription};
use crate::record::KeyId;
use crate::transport::bounds::FEED_COMMITS;
use crate::transport::outbox::{Frame, frame, gathered};
use account::Account;
use book::Book;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{AccountId, InstrumentId};
use std::io;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::task::unconstrained;
use tokio::time::MissedTickBehavior;

/// Requests that may wait for a hub, of all connections together. Each connection waits for its own.
const ASKS: usize = 1_024;

/// What a connection asks of the hub.
enum Request {
    /// Follow things, or no longer. What there is to answer goes into its outbox; `done` is told when all of it is there,
    /// so that the next request is answered after this one.
    Actions { of: Follower, actions: Vec<Action>, done: oneshot::Sender<()> },
    /// The connection with this number is gone.
    Gone(u64),
}

/// A part of a request, in the order in which it is to be answered.
pub(crate) enum Action {
    /// Says something that is settled.
    Say(Frame),
    /// Joins, and says so with this frame.
    Join(Topic, Frame),
    /// Joins again what is held. What is not cannot be joined now, and is refused with this frame.
    Rejoin(Topic, Frame),
    /// Leaves, and says so with this frame.
    Leave(Topic, Frame),
}

impl Action {
    fn is_private(&self) -> bool {
        match self {
            Self::Say(_) => false,
            Self::Join(topic, _) | Self::Rejoin(topic, _) | Self::Leave(topic, _) => topic.signer().is_some(),
        }
    }
}

/// What can be followed.
#[derive(Clone, Debug)]
pub(crate) enum Topic {
    /// That the exchange is there.
    Heartbeat,
    /// A contract's book.
    Book(InstrumentId),
    /// An account's open orders, in one of the dialect's forms.
    Orders(Form, Signer),
    /// An account's fills; of this contract, or of all.
    Fills(Option<InstrumentId>, Signer),
}

impl Topic {
    /// Who asked for it, if it is private.
    fn signer(&self) -> Option<Signer> {
        match self {
            Self::Heartbeat | Self::Book(_) => None,
            Self::Orders(_, signer) | Self::Fills(_, signer) => Some(*signer),
        }
    }
}

/// Whose key a private subscription belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signer {
    pub(crate) account: AccountId,
    pub(crate) key: KeyId,
}

/// How a follower came to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joined {
    /// It did not follow it before.
    Anew,
    /// It did.
    Again,
}

/// The connections' end of the hubs.
#[derive(Clone)]
pub(crate) struct HubHandle {
    private: Sender<Request>,
    public: Sender<Request>,
}

impl HubHandle {
    /// Has a connection join and leave, and ends when it is answered. A hub that is gone answers nothing.
    pub(crate) async fn ask(&self, of: &Follower, actions: Vec<Action>) {
        let (other, own) = if actions.iter().any(Action::is_private) {
            (&self.public, &self.private)
        } else {
            (&self.private, &self.public)
        };
        // An answer comes behind all that had happened, whichever tells of it.
        for (hub, actions) in [(other, Vec::new()), (own, actions)] {
            let (done, answered) = oneshot::channel();
            if hub.send(Request::Actions { of: of.clone(), actions, done }).await.is_ok() {
                let _ = answered.await;
            }
        }
    }

    /// Says that a connection is gone.
    pub(crate) async fn gone(&self, of: &Follower) {
        for hub in [&self.private, &self.public] {
            // A hub that is gone has forgotten everybody.
            let _ = hub.send(Request::Gone(of.outbox.id)).await;
        }
    }

    /// Ends when either hub does.
    pub(crate) async fn closed(&self) {
        tokio::select! {
            () = self.private.closed() => {}
            () = self.public.closed() => {}
        }
    }
}

/// Starts the hubs' threads; they end when nobody can ask them any more.
///
/// # Errors
/// When there are no threads.
pub(crate) fn start(node: &NodeHandle, dialects: &Dialects, heartbeat: Duration) -> io::Result<HubHandle> {
    // The writer hands over first to the one that was there first.
    let private = start_one("loligo-private", node, dialects, heartbeat)?;
    let public = start_one("loligo-public", node, dialects, heartbeat)?;
    Ok(HubHandle { private, public })
}

fn start_one(
    name: &str,
    node: &NodeHandle,
    dialects: &Dialects,
    heartbeat: Duration,
) -> io::Result<Sender<Request>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (asks, asked) = channel(ASKS);
    let hub = Hub::new(node.clone(), dialects.clone());
    // The thread is the hub's alone, so it need not make room for other tasks between two writes.
    let run = move || runtime.block_on(unconstrained(hub.run(asked, heartbeat)));
    std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
    Ok(asks)
}

struct Hub {
    node: NodeHandle,
    /// Of the epoch whose changes are received.
    views: Views,
    changes: Subscription,
    dialects: Dialects,
    heartbeat: Vec<Follower>,
    books: HashMap<InstrumentId, Book, FixedState>,
    accounts: HashMap<AccountId, Account, FixedState>,
}

/// The message of the dialect at hand: made for the first that gets it, shared by the others. Followers are in the order of
/// their dialects, so one message is kept at a time.
struct Shared<K> {
    made: Option<(K, Option<Frame>)>,
}

impl<K: PartialEq> Shared<K> {
    fn new() -> Self {
        Self { made: None }
    }

    /// The message of a dialect (or of one of its forms); none where it has none.
    fn of(&mut self, of: K, make: impl FnOnce(&K) -> Option<Frame>) -> Option<Frame> {
        match &self.made {
            Some((made, frame)) if *made == of => frame.clone(),
            _ => {
                let frame = make(&of);
                self.made = Some((of, frame.clone()));
                frame
            }
        }
    }
}

/// Where one of this rank goes in a list that is in the order of ranks, behind those of its own.
fn place<T, K: Ord>(all: &[T], rank: &K, of: impl Fn(&T) -> K) -> usize {
    all.partition_point(|other| of(other) <= *rank)
}

impl Hub {
    fn new(node: NodeHandle, dialects: Dialects) -> Self {
        let views = node.views();
        let changes = views.publisher().subscribe();
        let (books, accounts) = (HashMap::default(), HashMap::default());
        Self { node, views, changes, dialects, heartbeat: Vec::new(), books, accounts }
    }

    async fn run(mut self, mut asked: Receiver<Request>, heartbeat: Duration) {
        let mut beats = tokio::time::interval(heartbeat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, and nobody is there.
        beats.tick().await;
        loop {
            tokio::select! {
                biased;
                _ = beats.tick() => gathered(|| self.beat()),
                // All changes that are there come before the next request: who was answered over http finds it in what they
                // are told here.
                commit = self.changes.next() => match commit {
                    Some(commit) => gathered(|| self.tell_waiting(&commit)),
                    None => self.next_epoch(),
                },
                request = asked.recv() => match request {
                    Some(Request::Actions { of, actions, done }) => {
                        gathered(|| self.take(&of, actions));
                        // A connection that is gone does not wait.
                        let _ = done.send(());
                    }
                    Some(Request::Gone(id)) => self.forget(id),
                    None => return,
                },
            }
        }
    }

    fn beat(&mut self) {
        if self.heartbeat.is_empty() {
            return;
        }
        let now = self.node.now();
        let (dialects, mut beat) = (&self.dialects, Shared::new());
        self.heartbeat.retain(|follower| {
            let frame =
                beat.of(follower.dialect, |of| Some(frame(|out| dialects.of(*of).heartbeat(out, now))));
            frame.is_none_or(|frame| follower.outbox.push(frame))
        });
    }

    fn take(&mut self, of: &Follower, actions: Vec<Action>) {
        for action in actions {
            // Its connection is ending: whatever is left of the request would be made for nobody.
            if of.outbox.is_closed() {
                return;
            }
            self.act(of, action);
        }
    }

    fn act(&mut self, of: &Follower, action: Action) {
        match action {
            Action::Say(said) => drop(of.outbox.push(said)),
            Action::Join(topic, accepted) => self.join(of, topic, accepted),
            Action::Rejoin(topic, refused) => {
                if self.holds(of.outbox.id, &topic) {
                    self.join(of, topic, refused);
                } else {
                    of.outbox.push(refused);
                }
            }
            Action::Leave(topic, accepted) => {
                let left = self.leave(of.outbox.id, &topic);
                of.outbox.push(if left { accepted } else { self.remark(of, Remark::NotHeld) });
            }
        }
    }

    fn remark(&self, of: &Follower, remark: Remark) -> Frame {
        frame(|out| self.dialects.of(of.dialect).remark(out, remark))
    }

    /// Answer, then snapshot, then what happens from here on.
    fn join(&mut self, of: &Follower, topic: Topic, accepted: Frame) {
        // The key was found good before this request waited here, and its end may have been told meanwhile.
        if let Some(signer) = topic.signer()
            && !holds_good(&self.views.directory(), signer)
        {
            of.outbox.push(self.remark(of, Remark::NotAllowed));
            return;
        }
        match topic {
            Topic::Heartbeat => {
                let held = self.heartbeat.iter().any(|other| other.outbox.id == of.outbox.id);
                self.answer(of, if held { Joined::Again } else { Joined::Anew }, accepted);
                if !held {
                    let at = place(&self.heartbeat, &of.dialect, |other| other.dialect);
                    self.heartbeat.insert(at, of.clone());
                }
            }
            Topic::Book(instrument) => {
                if self.books.is_empty() {
                    // First the changes, then the view: see `Publisher`.
                    self.want(true);
                }
                let (directory, now) = (self.views.directory(), self.node.now());
                let depth = self.views.markets().depth(instrument);
                let (Some(depth), Some(listed)) = (depth, directory.instrument(instrument)) else {
                    // A contract is in the directory before anyone can name it, so this is not met.
                    of.outbox.push(self.remark(of, Remark::Unavailable));
                    return;
                };
                let joined = self.books.entry(instrument).or_default().join(of, depth.changes);
                if self.answer(of, joined, accepted)
                    && let Some(book) = self.books.get_mut(&instrument)
                {
                    let encoder = self.dialects.of(of.dialect);
                    of.outbox.push(book.snapshot(of.dialect, encoder, &depth, listed.spec(), now));
                }
            }
            Topic::Orders(form, signer) => {
                let joined = self.account(signer.account).join_orders(of, signer.key, form);
                if self.answer(of, joined, accepted) {
                    self.send_orders(of, form, signer);
                }
            }
            Topic::Fills(product, signer) => {
                let account = self.account(signer.account);
                let last = account.fills_told;
                let joined = account.join_fills(of, signer.key, product);
                if self.answer(of, joined, accepted) {
                    self.send_fills(of, product, signer, last);
                }
            }
        }
    }

    /// Answers a join. False when the answer found no room.
    fn answer(&self, of: &Follower, joined: Joined, accepted: Frame) -> bool {
        of.outbox.push(match joined {
            Joined::Anew => accepted,
            Joined::Again => self.remark(of, Remark::HeldAlready),
        })
    }

    /// An account's followers, whose changes are told from here on.
    fn account(&mut self, id: AccountId) -> &mut Account {
        if !self.accounts.contains_key(&id) {
            self.accounts.insert(id, Account::default());
            // First the changes, then the view: see `Publisher`.
            self.want(!self.books.is_empty());
            let told = self.views.fills().newest(id);
            if let Some(account) = self.accounts.get_mut(&id) {
                account.fills_told = told;
            }
        }
        self.accounts.entry(id).or_default()
    }

    fn send_orders(&mut self, of: &Follower, form: Form, signer: Signer) {
        let directory = self.views.directory();
        let names = Names { directory: &directory, identity: self.node.identity() };
        // Copied under the lock, told outside: the writer waits for the lock.
        let (open, sequence) =
            self.views.orders().with(signer.account, |orders| (orders.open_copied(), orders.sequence()));
        let encoder = self.dialects.of(of.dialect);
        let snapshot = frame(|out| encoder.open_orders(out, names, form, signer.account, &open));
        if let Some(account) = self.accounts.get_mut(&signer.account) {
            account.orders_shown(of.outbox.id, signer.key, form, sequence);
        }
        of.outbox.push(snapshot);
    }

    fn send_fills(&self, of: &Follower, product: Option<InstrumentId>, signer: Signer, last: u64) {
        let directory = self.views.directory();
        let names = Names { directory: &directory, identity: self.node.identity() };
        let encoder = self.dialects.of(of.dialect);
        let wanted = |row: &FillRow| product.is_none_or(|only| only == row.instrument);
        let fills = self.views.fills().up_to(signer.account, last, encoder.fills_shown(), wanted);
        of.outbox.push(frame(|out| encoder.latest_fills(out, names, signer.account, &fills)));
    }

    /// Whether a connection follows a contract's book; what else there is can be joined at any time.
    fn holds(&self, id: u64, topic: &Topic) -> bool {
        match topic {
            Topic::Book(instrument) => self.books.get(instrument).is_some_and(|book| book.is_held(id)),
            Topic::Heartbeat | Topic::Orders(..) | Topic::Fills(..) => false,
        }
    }

    /// Whether there was something to leave.
    fn leave(&mut self, id: u64, topic: &Topic) -> bool {
        let left = match topic {
            Topic::Heartbeat => {
                let before = self.heartbeat.len();
                self.heartbeat.retain(|follower| follower.outbox.id != id);
                self.heartbeat.len() < before
            }
            Topic::Book(instrument) => self.books.get_mut(instrument).is_some_and(|book| book.leave(id)),
            Topic::Orders(form, signer) => self
                .accounts
                .get_mut(&signer.account)
                .is_some_and(|account| account.leave_orders(id, signer.key, *form)),
            Topic::Fills(product, signer) => self
                .accounts
                .get_mut(&signer.account)
                .is_some_and(|account| account.leave_fills(id, signer.key, *product)),
        };
        self.tidy();
        left
    }

    /// A connection is gone, and follows nothing.
    fn forget(&mut self, id: u64) {
        self.heartbeat.retain(|follower| follower.outbox.id != id);
        for book in self.books.values_mut() {
            book.leave(id);
        }
        for account in self.accounts.values_mut() {
            account.forget(id);
        }
        self.tidy();
    }

    /// What nobody follows any more is not told any more.
    fn tidy(&mut self) {
        let (books, accounts) = (self.books.len(), self.accounts.len());
        self.books.retain(|_, book| book.is_followed());
        self.accounts.retain(|_, account| account.is_followed());
        if (self.books.len(), self.accounts.len()) != (books, accounts) {
            self.want(!self.books.is_empty());
        }
    }

    fn want(&self, books: bool) {
        self.changes.follow(books, self.accounts.keys().copied().collect());
    }

    /// Tells a commit, and those that came meanwhile: what many follow is sent in one piece.
    fn tell_waiting(&mut self, first: &CommitChanges) {
        self.tell(first);
        for _ in 1..FEED_COMMITS {
            let Some(commit) = self.changes.next_now() else { break };
            self.tell(&commit);
        }
        self.books.values_mut().for_each(Book::send);
        self.tidy();
    }

    fn tell(&mut self, commit: &CommitChanges) {
        let (node, directory) = (self.node.clone(), self.views.directory());
        if self.changes.lost() {
            tracing::warn!("the feeds were too far behind the exchange; their followers are closed");
            self.close_all();
        }
        if commit.directory {
            self.drop_keys(&directory);
        }
        let names = Names { directory: &directory, identity: node.identity() };
        for changes in &commit.changes {
            for level in &changes.levels {
                if let Some(book) = self.books.get_mut(&level.instrument) {
                    book.tell(&self.dialects, level, level.at, &directory);
                }
            }
            for rows in changes.fills.chunk_by(|a, b| a.0 == b.0) {
                if let Some(account) = self.accounts.get_mut(&rows[0].0) {
                    account.tell_fills(&self.dialects, rows, names);
                }
            }
            for orders in changes.orders.chunk_by(|a, b| a.order.account == b.order.account) {
                if let Some(account) = self.accounts.get_mut(&orders[0].order.account) {
                    account.tell_orders(&self.dialects, orders, changes.sequence, names);
                }
            }
        }
        self.changes.took(commit);
    }

    /// The node has gone over to another epoch: its changes from here on. Connections of the one that is over close by themselves;
    /// one that is newer and joined that one's views must not go on as if it had joined these.
    fn next_epoch(&mut self) {
        self.close_all();
        self.views = self.node.views();
        self.changes = self.views.publisher().subscribe();
    }

    /// Something was lost on the way here: nobody may go on as if nothing had happened.
    fn close_all(&mut self) {
        for book in self.books.values() {
            book.close();
        }
        for account in self.accounts.values() {
            account.close();
        }
        self.books.clear();
        self.accounts.clear();
        self.want(false);
    }

    /// Keys that are gone, or may not ask any more, and those of accounts that are not active any more follow nothing from
    /// here on. Nobody is told.
    fn drop_keys(&mut self, directory: &Directory) {
        for (id, account) in &mut self.accounts {
            account.keep_keys(|key| holds_good(directory, Signer { account: *id, key }));
        }
        self.tidy();
    }
}

/// Whether a key is there, may ask, and belongs to an account that is active.
fn holds_good(directory: &Directory, signer: Signer) -> bool {
    let key = directory.key_by_id(signer.key).filter(|key| key.account == signer.account);
    key.is_some_and(|key| may_follow(directory, key))
}

#[cfg(test)]
mod tests;
