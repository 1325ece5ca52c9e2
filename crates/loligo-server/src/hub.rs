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
mod encoder;
mod followers;
mod handle;
mod joining;
mod late;
mod log;
mod money;
mod notices;
mod product;
mod readers;
mod topic;

pub(crate) use encoder::{Dialect, Dialects, Encoder, Follower, Form, Names, Remark};
pub(crate) use handle::{HubHandle, start};
pub(crate) use log::{LogSoFar, PAYMENTS};
pub(crate) use money::WalletsShown;
pub(crate) use topic::{AccountFeed, Action, LogFeed, MarketFeed, MoneyFeed, Signer, Topic};

use crate::charts::{Candle, LiveBoard, SeriesAt};
use crate::history::{History, LogRow};
use crate::login::may_follow;
use crate::node::{NodeHandle, Views};
use crate::past::Past;
use crate::projection::{CommitChanges, Directory, Statement, Subscription, Watch};
use crate::transport::bounds::{FEED_COMMITS, FeedBounds};
use crate::transport::outbox::{Frame, frame, gathered};
use account::Account;
use foldhash::fast::FixedState;
use handle::Request;
use hashbrown::HashMap;
use late::{Late, News};
use loligo_engine::{AccountId, InstrumentId, Timestamp};
use product::Product;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, MissedTickBehavior};

/// What changes with every price is told at most so often.
const PACE: Duration = Duration::from_secs(1);

/// How a follower came to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joined {
    /// It did not follow it before.
    Anew,
    /// It did.
    Again,
}

/// What followers that the exchange does not wait for tell hubs; a node without them tells less.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) candles: Option<Arc<LiveBoard>>,
    pub(crate) history: Option<Arc<History>>,
    /// What was before there was anything to tell.
    pub(crate) past: Option<Arc<Past>>,
}

/// Candles as they form, and what of them is told.
struct CandleSource {
    board: Arc<LiveBoard>,
    news: Watch<SeriesAt, (u64, Candle)>,
}

/// A forming candle with the share that the past has in it.
fn whole(past: Option<&Past>, (series, resolution): SeriesAt, candle: Candle) -> Candle {
    let past = past.filter(|past| candle.opened < past.ends());
    let made = past.and_then(|past| past.candles(series, resolution, candle.opened, candle.opened).pop());
    made.map_or(candle, |mut made| {
        made.fold(&candle);
        made
    })
}

struct Hub {
    node: NodeHandle,
    /// Of the epoch whose changes are received.
    views: Views,
    changes: Subscription,
    dialects: Dialects,
    heartbeat: Vec<Follower>,
    products: HashMap<InstrumentId, Product, FixedState>,
    accounts: HashMap<AccountId, Account, FixedState>,
    candles: Option<CandleSource>,
    past: Option<Arc<Past>>,
    log: Option<Watch<AccountId, Arc<LogRow>>>,
    /// What accounts are told later than it happened.
    late: Late,
    /// When that was last told which is told at a pace.
    paced: Moment,
}

/// An instant, on the exchange's clock and on the machine's: a pace is kept on whichever moves on. A manual clock stands while
/// people look at what changes, and runs an hour in a second for a bot that wants to hear each of its seconds.
#[derive(Clone, Copy)]
struct Moment {
    exchange: Timestamp,
    machine: Instant,
}

impl Moment {
    /// Whether so much time lies between this and a later one, on either clock.
    fn is_past(&self, later: Self, span: Duration) -> bool {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        later.exchange.0.saturating_sub(self.exchange.0) >= micros
            || later.machine.saturating_duration_since(self.machine) >= span
    }
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
    fn new(node: NodeHandle, dialects: Dialects, sources: Sources, delay: Duration) -> Self {
        let views = node.views();
        let changes = views.publisher().subscribe();
        let (products, accounts) = (HashMap::default(), HashMap::default());
        let paced = Moment { exchange: node.now(), machine: Instant::now() };
        let candles = sources.candles.map(|board| CandleSource { news: board.watch(), board });
        let past = sources.past;
        let log = sources.history.map(|history| history.watch_logs());
        let (heartbeat, late) = (Vec::new(), Late::new(delay));
        Self {
            node,
            views,
            changes,
            dialects,
            heartbeat,
            products,
            accounts,
            candles,
            past,
            log,
            late,
            paced,
        }
    }

    async fn run(mut self, mut asked: Receiver<Request>, bounds: FeedBounds) {
        let mut beats = interval(bounds.heartbeat).await;
        let mut paces = interval(bounds.pace).await;
        loop {
            tokio::select! {
                biased;
                _ = beats.tick() => gathered(|| self.beat()),
                _ = paces.tick() => gathered(|| self.keep_pace()),
                news = self.late.next() => gathered(|| match news {
                    News::Commit(commit) => {
                        self.tell_accounts(&commit);
                        self.tidy();
                    }
                    News::Row(account, row) => self.tell_row(account, &row),
                }),
                // All changes that are there come before the next request: who was answered over http finds it in what they
                // are told here.
                commit = self.changes.next() => match commit {
                    Some(commit) => gathered(|| {
                        self.tell_waiting(&commit);
                        if self.paced.is_past(self.moment(), PACE) {
                            self.keep_pace();
                            paces.reset();
                        }
                    }),
                    None => self.next_epoch(),
                },
                ((series, resolution), candle) = next_of(self.candles.as_mut().map(|of| &mut of.news)) => {
                    gathered(|| self.tell_candle((series, resolution), candle));
                }
                (account, row) = next_of(self.log.as_mut()) => gathered(|| self.hear_row(account, row)),
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

    fn moment(&self) -> Moment {
        Moment { exchange: self.node.now(), machine: Instant::now() }
    }

    /// Tells what has changed of that which is told at a pace.
    fn keep_pace(&mut self) {
        let now = self.moment();
        self.paced = now;
        let directory = self.views.directory();
        for (id, product) in self.products.iter_mut().filter(|(_, product)| product.follows_ticker()) {
            let ticker = self.views.markets().ticker(*id, now.exchange);
            if let (Some(ticker), Some(listed)) = (ticker, directory.instrument(*id)) {
                product.tell_ticker(&self.dialects, &ticker, listed.spec(), now);
            }
        }
        let names = Names { directory: &directory, identity: self.node.identity() };
        for account in self.accounts.values_mut() {
            account.money.keep_pace(&self.dialects, names);
        }
        self.tidy();
    }

    fn tell_candle(&mut self, at: SeriesAt, (number, candle): (u64, Candle)) {
        if self.candles.as_ref().is_some_and(|source| source.news.lost()) {
            tracing::warn!("the feeds were too far behind the candles; those who followed them are closed");
            self.products.values_mut().for_each(Product::close_candles);
        }
        let candle = whole(self.past.as_deref(), at, candle);
        let directory = self.views.directory();
        for (id, product) in &mut self.products {
            if let Some(listed) = directory.instrument(*id) {
                product.tell_candle(&self.dialects, at, number, &candle, listed.spec());
            }
        }
        self.tidy();
    }

    fn hear_row(&mut self, id: AccountId, row: Arc<LogRow>) {
        if self.log.as_ref().is_some_and(Watch::lost) {
            tracing::warn!(
                "the feeds were too far behind the accounts' logs; those who followed them are closed"
            );
            self.accounts.values_mut().for_each(|account| account.log.followers.close());
        }
        if self.late.is_wanted() {
            self.put_late(News::Row(id, row));
        } else {
            self.tell_row(id, &row);
        }
    }

    fn tell_row(&mut self, id: AccountId, row: &Arc<LogRow>) {
        let directory = self.views.directory();
        let names = Names { directory: &directory, identity: self.node.identity() };
        if let Some(account) = self.accounts.get_mut(&id) {
            account.log.tell(&self.dialects, names, id, row);
        }
        self.tidy();
    }

    /// Says what is watched beside the changes of commits. What nobody follows any more may be told a while longer.
    fn watch(&self) {
        if let Some(source) = &self.candles {
            source.news.want(self.products.values().flat_map(Product::candles));
        }
        if let Some(log) = &self.log {
            log.want(
                self.accounts.iter().filter(|(_, of)| of.log.followers.is_followed()).map(|(id, _)| *id),
            );
        }
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
            Action::Show(statement) => self.state(&statement, true),
            Action::Begin(so_far) => {
                let directory = self.views.directory();
                let names = Names { directory: &directory, identity: self.node.identity() };
                if let Some(account) = self.accounts.get_mut(&so_far.account) {
                    account.log.begin(&self.dialects, names, &so_far);
                }
            }
        }
    }

    fn remark(&self, of: &Follower, remark: Remark) -> Frame {
        frame(|out| self.dialects.of(of.dialect).remark(out, remark))
    }

    /// Tells what an account's money comes to.
    fn state(&mut self, statement: &Arc<Statement>, at_once: bool) {
        let directory = self.views.directory();
        let names = Names { directory: &directory, identity: self.node.identity() };
        if let Some(account) = self.accounts.get_mut(&statement.account) {
            account.money.take(&self.dialects, names, statement, at_once);
        }
    }

    /// A connection is gone, and follows nothing.
    fn forget(&mut self, id: u64) {
        self.heartbeat.retain(|follower| follower.outbox.id != id);
        for product in self.products.values_mut() {
            product.forget(id);
        }
        for account in self.accounts.values_mut() {
            account.forget(id);
        }
        self.tidy();
    }

    /// What nobody follows any more is not told any more.
    fn tidy(&mut self) {
        let (products, accounts) = (self.products.len(), self.accounts.len());
        self.products.retain(|_, product| product.is_followed());
        self.accounts.retain(|_, account| account.is_followed());
        if (self.products.len(), self.accounts.len()) != (products, accounts) {
            self.want(!self.products.is_empty());
            self.watch();
        }
    }

    fn want(&self, markets: bool) {
        let money = self.accounts.iter().filter(|(_, account)| account.money.followers.is_followed());
        let money = money.map(|(id, _)| *id).collect();
        self.changes.follow(markets, self.accounts.keys().copied().collect(), money);
    }

    /// Tells a commit, and those that came meanwhile: what many follow is sent in one piece.
    fn tell_waiting(&mut self, first: &Arc<CommitChanges>) {
        self.tell(first);
        for _ in 1..FEED_COMMITS {
            let Some(commit) = self.changes.next_now() else { break };
            self.tell(&commit);
        }
        self.products.values_mut().for_each(Product::send);
        self.tidy();
    }

    fn tell(&mut self, commit: &Arc<CommitChanges>) {
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
                if let Some(product) = self.products.get_mut(&level.instrument)
                    && let Some(listed) = directory.instrument(level.instrument)
                {
                    product.tell_level(&self.dialects, level, listed.spec());
                }
            }
            for (instrument, row) in &changes.trades {
                if let Some(product) = self.products.get_mut(instrument)
                    && let Some(listed) = directory.instrument(*instrument)
                {
                    product.tell_trade(&self.dialects, row, names, listed.spec());
                }
            }
        }
        if self.late.is_wanted() && !self.accounts.is_empty() {
            self.put_late(News::Commit(Arc::clone(commit)));
        } else {
            self.tell_accounts(commit);
        }
    }

    /// Tells each account its own.
    fn tell_accounts(&mut self, commit: &CommitChanges) {
        let (node, directory) = (self.node.clone(), self.views.directory());
        if commit.directory {
            for account in self.accounts.values_mut() {
                account.notices.tell(&self.dialects, directory.notices());
            }
        }
        let names = Names { directory: &directory, identity: node.identity() };
        for changes in &commit.changes {
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
        for (statement, at_once) in &commit.statements {
            self.state(statement, *at_once);
        }
        self.changes.took(commit);
    }

    /// Has accounts be told later.
    fn put_late(&mut self, news: News) {
        if let Err(news) = self.late.put(news) {
            tracing::warn!("more happened than may wait for its time; the feeds' followers are closed");
            self.give_back(&news);
            self.close_all();
        }
    }

    /// News is not told: its place is free again.
    fn give_back(&self, news: &News) {
        if let News::Commit(commit) = news {
            self.changes.took(commit);
        }
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
        for product in self.products.values() {
            product.close();
        }
        for account in self.accounts.values() {
            account.close();
        }
        self.products.clear();
        self.accounts.clear();
        let untold: Vec<_> = self.late.drain().collect();
        untold.iter().for_each(|news| self.give_back(news));
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

/// What is told next to one who watches; never, where there is nothing to watch.
async fn next_of<K: Copy + Eq + Hash, T>(watch: Option<&mut Watch<K, T>>) -> (K, T) {
    if let Some(watch) = watch
        && let Some(told) = watch.next().await
    {
        return told;
    }
    std::future::pending().await
}

/// Ticks, the first of which comes when the first span is over.
async fn interval(span: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(span);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // One comes at once, and nobody is there.
    ticks.tick().await;
    ticks
}

/// Whether a key is there, may ask, and belongs to an account that is active.
fn holds_good(directory: &Directory, signer: Signer) -> bool {
    let key = directory.key_by_id(signer.key).filter(|key| key.account == signer.account);
    key.is_some_and(|key| may_follow(directory, key))
}

#[cfg(test)]
mod tests;
