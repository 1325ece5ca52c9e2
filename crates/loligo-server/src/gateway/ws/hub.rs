//! Who follows what, and the one thread that tells them.

mod account;
mod book;

use super::outbox::{Frame, Outbox, frame};
use crate::gateway::bounds::{FEED_ASKS, ROWS};
use crate::gateway::convert::orders::Shown;
use crate::node::{NodeHandle, Views};
use crate::projection::{ApiKey, Bulletin, Directory, FillRow, KeyId};
use account::Account;
use book::Book;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{AccountId, InstrumentId};
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::ws1::{self, Alert, OrdersFeed};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

/// What a connection asks of the hub.
pub(super) enum Request {
    /// Follow things, or no longer. What there is to answer goes into the outbox; `done` is told when all of it is there,
    /// so that the next request is answered after this one.
    Steps { outbox: Arc<Outbox>, steps: Vec<Step>, done: oneshot::Sender<()> },
    /// The connection with this number is gone.
    Gone(u64),
}

/// A part of a request, in the order in which it is to be answered.
pub(super) enum Step {
    /// Says something that is settled.
    Say(Frame),
    /// Joins, and says so with this frame.
    Join(Topic, Frame),
    /// Joins again what is held. What is not cannot be joined now, and is refused with this frame.
    Rejoin(Topic, Frame),
    /// Leaves, and says so with this frame.
    Leave(Topic, Frame),
}

/// What can be followed.
#[derive(Clone, Debug)]
pub(super) enum Topic {
    /// That the exchange is there.
    Heartbeat,
    /// A contract's book.
    Book(InstrumentId),
    /// An account's open orders.
    Orders(OrdersFeed, Signer),
    /// An account's fills; of this contract, or of all.
    Fills(Option<InstrumentId>, Signer),
}

/// Whose key a private subscription belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signer {
    pub(super) account: AccountId,
    pub(super) key: KeyId,
}

/// How a follower came to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joined {
    /// It did not follow it before.
    Anew,
    /// It did.
    Again,
}

/// Starts the hub's thread; it ends when nobody can ask it any more.
///
/// # Errors
/// When there is no thread, or another hub has the news of this node.
pub(super) fn start(node: NodeHandle, heartbeat: Duration) -> io::Result<Sender<Request>> {
    let views = node.views();
    let news = views.newsroom().subscribe();
    let news = news.ok_or_else(|| io::Error::other("the news of this node go to other feeds"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (asks, asked) = channel(FEED_ASKS);
    std::thread::Builder::new()
        .name("loligo-feeds".to_owned())
        .spawn(move || runtime.block_on(Hub::new(node, views).run(news, asked, heartbeat)))?;
    Ok(asks)
}

struct Hub {
    node: NodeHandle,
    /// Of the epoch whose news is received.
    views: Views,
    heartbeat: Vec<Arc<Outbox>>,
    books: HashMap<InstrumentId, Book, FixedState>,
    accounts: HashMap<AccountId, Account, FixedState>,
}

impl Hub {
    fn new(node: NodeHandle, views: Views) -> Self {
        Self { node, views, heartbeat: Vec::new(), books: HashMap::default(), accounts: HashMap::default() }
    }

    async fn run(mut self, mut news: Receiver<Bulletin>, mut asked: Receiver<Request>, heartbeat: Duration) {
        let mut beats = tokio::time::interval(heartbeat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, and nobody is there.
        beats.tick().await;
        loop {
            tokio::select! {
                biased;
                _ = beats.tick() => self.beat(),
                // All news that is there comes before the next request: who was answered over http finds it in what they
                // are told here.
                bulletin = news.recv() => match bulletin {
                    Some(bulletin) => self.tell(&bulletin),
                    None => match self.next_epoch() {
                        Some(next) => news = next,
                        None => return,
                    },
                },
                request = asked.recv() => match request {
                    Some(Request::Steps { outbox, steps, done }) => {
                        self.take(&outbox, steps);
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
        let now = WireTime::from_micros(self.node.now().0);
        let beat = frame(|out| ws1::write_heartbeat(out, now));
        self.heartbeat.retain(|outbox| outbox.push(beat.clone()));
    }

    fn take(&mut self, outbox: &Arc<Outbox>, steps: Vec<Step>) {
        for step in steps {
            // Its connection is ending: whatever is left of the request would be made for nobody.
            if outbox.is_closed() {
                return;
            }
            self.step(outbox, step);
        }
    }

    fn step(&mut self, outbox: &Arc<Outbox>, step: Step) {
        match step {
            Step::Say(said) => drop(outbox.push(said)),
            Step::Join(topic, accepted) => self.join(outbox, topic, accepted),
            Step::Rejoin(topic, refused) => {
                if self.holds(outbox.id, &topic) {
                    self.join(outbox, topic, refused);
                } else {
                    outbox.push(refused);
                }
            }
            Step::Leave(topic, accepted) => {
                let left = self.leave(outbox.id, &topic);
                outbox.push(if left { accepted } else { frame(|out| Alert::NotSubscribed.write(out)) });
            }
        }
    }

    /// Answer, then snapshot, then what happens from here on.
    fn join(&mut self, outbox: &Arc<Outbox>, topic: Topic, accepted: Frame) {
        let answer = |joined| match joined {
            Joined::Anew => accepted.clone(),
            Joined::Again => frame(|out| Alert::AlreadySubscribed.write(out)),
        };
        // The key was found good before this request waited here, and its end may have been told meanwhile.
        if let Topic::Orders(_, signer) | Topic::Fills(_, signer) = &topic
            && !may_follow(&self.views.directory(), *signer)
        {
            outbox.push(frame(|out| Alert::NotAuthenticated.write(out)));
            return;
        }
        match topic {
            Topic::Heartbeat => {
                let held = self.heartbeat.iter().any(|other| other.id == outbox.id);
                outbox.push(answer(if held { Joined::Again } else { Joined::Anew }));
                if !held {
                    self.heartbeat.push(Arc::clone(outbox));
                }
            }
            Topic::Book(instrument) => {
                if self.books.is_empty() {
                    // First the news, then the view: see `Newsroom`.
                    self.want(true);
                }
                let (directory, now) = (self.views.directory(), self.node.now());
                let depth = self.views.markets().depth(instrument);
                let (Some(depth), Some(listed)) = (depth, directory.instrument(instrument)) else {
                    // A contract is in the directory before anyone can name it, so this is not met.
                    outbox.push(frame(|out| Alert::Unavailable.write(out)));
                    return;
                };
                let book = self.books.entry(instrument).or_default();
                if outbox.push(answer(book.join(outbox, depth.changes))) {
                    outbox.push(book.snapshot(&depth, listed.spec(), now));
                }
            }
            Topic::Orders(feed, signer) => {
                let account = self.account(signer.account);
                if outbox.push(answer(account.join_orders(outbox, signer.key, feed))) {
                    self.send_orders(outbox, feed, signer);
                }
            }
            Topic::Fills(product, signer) => {
                let account = self.account(signer.account);
                let last = account.fills_told;
                if outbox.push(answer(account.join_fills(outbox, signer.key, product))) {
                    self.send_fills(outbox, product, signer, last);
                }
            }
        }
    }

    /// An account's followers, whose news is told from here on.
    fn account(&mut self, id: AccountId) -> &mut Account {
        if !self.accounts.contains_key(&id) {
            self.accounts.insert(id, Account::default());
            // First the news, then the view: see `Newsroom`.
            self.want(!self.books.is_empty());
            let told = self.views.fills().newest(id);
            if let Some(account) = self.accounts.get_mut(&id) {
                account.fills_told = told;
            }
        }
        self.accounts.entry(id).or_default()
    }

    fn send_orders(&mut self, outbox: &Arc<Outbox>, feed: OrdersFeed, signer: Signer) {
        let directory = self.views.directory();
        let identity = self.node.identity();
        let shown = Shown { directory: &directory, identity };
        let uid = identity.account_uid(signer.account);
        // Copied under the lock, told outside: the writer waits for the lock.
        let (open, sequence) =
            self.views.orders().with(signer.account, |orders| (orders.open_copied(), orders.sequence()));
        let rows = open.iter().filter_map(|order| shown.feed_order(order));
        let snapshot = frame(|out| ws1::write_open_orders_snapshot(out, feed, uid, rows));
        if let Some(account) = self.accounts.get_mut(&signer.account) {
            account.orders_shown(outbox.id, signer.key, feed, sequence);
        }
        outbox.push(snapshot);
    }

    fn send_fills(&self, outbox: &Outbox, product: Option<InstrumentId>, signer: Signer, last: u64) {
        let directory = self.views.directory();
        let identity = self.node.identity();
        let shown = Shown { directory: &directory, identity };
        let wanted = |row: &FillRow| product.is_none_or(|only| only == row.instrument);
        let fills = self.views.fills().up_to(signer.account, last, ROWS, wanted);
        let rows = fills.iter().filter_map(|fill| shown.feed_fill(fill));
        let uid = identity.account_uid(signer.account);
        outbox.push(frame(|out| ws1::write_fills_snapshot(out, uid, rows)));
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
                self.heartbeat.retain(|outbox| outbox.id != id);
                self.heartbeat.len() < before
            }
            Topic::Book(instrument) => self.books.get_mut(instrument).is_some_and(|book| book.leave(id)),
            Topic::Orders(feed, signer) => self
                .accounts
                .get_mut(&signer.account)
                .is_some_and(|account| account.leave_orders(id, signer.key, *feed)),
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
        self.heartbeat.retain(|outbox| outbox.id != id);
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
        self.views.newsroom().follow(books, self.accounts.keys().copied().collect());
    }

    fn tell(&mut self, bulletin: &Bulletin) {
        let node = self.node.clone();
        let views = self.views.clone();
        let (newsroom, directory) = (views.newsroom(), views.directory());
        if newsroom.lost() {
            tracing::warn!("the feeds were too far behind the exchange; their followers are closed");
            self.close_all();
        }
        if bulletin.directory {
            self.drop_keys(&directory);
        }
        let shown = Shown { directory: &directory, identity: node.identity() };
        for news in &bulletin.news {
            for level in &news.levels {
                if let Some(book) = self.books.get_mut(&level.instrument) {
                    book.tell(level, news.time, &directory);
                }
            }
            for rows in news.fills.chunk_by(|a, b| a.0 == b.0) {
                if let Some(account) = self.accounts.get_mut(&rows[0].0) {
                    account.tell_fills(rows, &shown);
                }
            }
            for steps in news.orders.chunk_by(|a, b| a.order.account == b.order.account) {
                if let Some(account) = self.accounts.get_mut(&steps[0].order.account) {
                    account.tell_orders(steps, news.sequence, &shown);
                }
            }
        }
        newsroom.took(bulletin);
        self.tidy();
    }

    /// The node has gone over to another epoch: its news from here on. Connections of the one that is over close by themselves;
    /// one that is newer and joined that one's views must not go on as if it had joined these.
    fn next_epoch(&mut self) -> Option<Receiver<Bulletin>> {
        self.close_all();
        self.views = self.node.views();
        self.views.newsroom().subscribe()
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
            account.keep_keys(|key| may_follow(directory, Signer { account: *id, key }));
        }
        self.tidy();
    }
}

/// Whether a key is there, may ask, and belongs to an account that is active.
fn may_follow(directory: &Directory, signer: Signer) -> bool {
    let active = directory.account(signer.account).is_some_and(|account| account.active);
    let holds = |key: &Arc<ApiKey>| key.account == signer.account && key.may_ask();
    active && directory.key_by_id(signer.key).is_some_and(holds)
}

#[cfg(test)]
mod tests;
