//! What one record changed, handed from the writer to the hubs that tell it on.
//!
//! The hand-over has a bound and the writer never waits at it: what does not fit is lost, and the feeds are told that
//! something is, so that they close their followers instead of leaving a hole in what those see. While nothing is followed,
//! nothing is collected.
//!
//! Each view tells its changes from under the lock it folds in, and is asked there whether it is followed. So a follower that
//! first asks for changes and then reads a view misses nothing between the two: what the view does not show yet comes as changes,
//! and changes of what it shows can be told by their numbers.

use super::{FillRow, Statement, TradeRow};
use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{AccountId, InstrumentId, OrderView, Price, Qty, Side, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Group commits that may wait for the feeds: about a second of the most that are made.
const COMMITS: usize = 1_024;
/// Changes in them, some 100 bytes each. A single commit may have more: cancelling all orders of a large account is
/// one record.
const ITEMS: usize = 1_000_000;

/// One record's changes. One that moved prices, or the state of a market, may have none in it: it says that there is something new
/// in the view.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Its place in the journal.
    pub sequence: u64,
    /// Changed price levels, in their order.
    pub levels: Vec<LevelChange>,
    /// New trades, in their order.
    pub trades: Vec<(InstrumentId, TradeRow)>,
    /// New fills of accounts that are followed, each account's together and in their order.
    pub fills: Vec<(AccountId, FillRow)>,
    /// Changes of orders of accounts that are followed, each account's together and in their order.
    pub orders: Vec<OrderChanged>,
}

/// A changed price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LevelChange {
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Price,
    /// What is open there now.
    pub qty: Qty,
    /// How many changes the contract had before, plus one.
    pub number: u64,
    /// When it changed: within one record, perhaps long before its end.
    pub at: Timestamp,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderChangeKind {
    /// It was accepted; what it takes from the book follows.
    Placed,
    /// It was refused on arrival.
    Rejected,
    /// It rested and was matched.
    Hit,
    /// It came and matched.
    Took,
    /// It is filled to the last lot.
    Filled,
    /// It is gone before it was filled, or its rest lapsed.
    Cancelled,
    /// It was edited; what it takes from the book follows.
    Edited,
    /// It was cut to what its position leaves to reduce.
    Reduced,
    /// Something aimed at it was refused.
    Noted,
    /// A trigger fired and is an order from now on; what it takes from the book follows.
    Fired,
    /// A trigger fired into a refusal.
    ActivationFailed,
    /// A trailing stop followed its signal.
    Repriced,
    /// The operator overwrote stored codes of it.
    Rewritten,
}

/// A change of an order.
#[derive(Clone, Debug)]
pub(crate) struct OrderChanged {
    pub kind: OrderChangeKind,
    /// The order after it.
    pub order: OrderView,
}

/// Changes of one group commit.
#[derive(Debug, Default)]
pub(crate) struct CommitChanges {
    pub changes: Vec<Changes>,
    /// Accounts, keys or contracts have changed.
    pub directory: bool,
    /// What accounts whose money is followed come to now; true beside those to which something happened, and not to prices alone.
    pub statements: Vec<(Arc<Statement>, bool)>,
    /// Exchange time has come to another second: what is told at a pace may be due.
    pub second: bool,
}

impl CommitChanges {
    fn items(&self) -> usize {
        self.changes
            .iter()
            .map(|changes| {
                let Changes { levels, trades, fills, orders, .. } = changes;
                levels.len() + trades.len() + fills.len() + orders.len()
            })
            .sum::<usize>()
            + self.statements.len()
    }
}

/// Where commits are handed over: to every hub that subscribed, each through a hand-over of its own.
#[derive(Clone)]
pub(crate) struct Publisher(Arc<Shared>);

struct Shared {
    wanted: Wanted,
    hand_overs: ArcSwap<Vec<HandOver>>,
    /// Held while hand-overs come, go or want something else. True when the epoch of these views is over: no hand-over is there then.
    over: Mutex<bool>,
}

pub(crate) type Accounts = HashSet<AccountId, FixedState>;

/// What is followed: by one hub, or by all of them together.
#[derive(Default)]
struct Wanted {
    /// Anything at all.
    any: AtomicBool,
    markets: AtomicBool,
    accounts: ArcSwap<Accounts>,
    /// Whose money is followed: some of those accounts.
    money: ArcSwap<Accounts>,
}

impl Wanted {
    fn set(&self, markets: bool, accounts: Arc<Accounts>, money: Arc<Accounts>) {
        let any = markets || !accounts.is_empty();
        // The views' locks order these stores: see the head of this file. Until they are all seen, too much may be told,
        // which numbers sort out, and never too little.
        if any {
            self.any.store(true, Ordering::Relaxed);
        }
        self.markets.store(markets, Ordering::Relaxed);
        self.accounts.store(accounts);
        self.money.store(money);
        if !any {
            self.any.store(false, Ordering::Relaxed);
        }
    }
}

/// The near end of one hand-over.
#[derive(Clone)]
struct HandOver {
    sender: Sender<Arc<CommitChanges>>,
    state: Arc<HandOverState>,
}

/// What both ends of a hand-over know.
struct HandOverState {
    wanted: Wanted,
    /// Items handed over and not yet taken.
    waiting: AtomicUsize,
    lost: AtomicBool,
}

impl HandOver {
    fn publish(&self, commit: &Arc<CommitChanges>, items: usize) {
        let HandOverState { wanted, waiting, lost } = &*self.state;
        if !wanted.any.load(Ordering::Relaxed) {
            return;
        }
        let before = waiting.fetch_add(items, Ordering::Relaxed);
        let room = before == 0 || before + items <= ITEMS;
        if !room || self.sender.try_send(Arc::clone(commit)).is_err() {
            waiting.fetch_sub(items, Ordering::Relaxed);
            // Before anything later can be handed over, so whoever receives what is later knows.
            lost.store(true, Ordering::Release);
        }
    }
}

impl Publisher {
    pub(crate) fn new() -> Self {
        let shared =
            Shared { wanted: Wanted::default(), hand_overs: ArcSwap::default(), over: Mutex::default() };
        Self(Arc::new(shared))
    }

    /// A hand-over of its own for one more hub, which follows nothing yet.
    pub(crate) fn subscribe(&self) -> Subscription {
        let (sender, receiver) = channel(COMMITS);
        let (wanted, waiting, lost) = (Wanted::default(), AtomicUsize::new(0), AtomicBool::new(false));
        let state = Arc::new(HandOverState { wanted, waiting, lost });
        self.0.change(|hand_overs, over| {
            if !*over {
                hand_overs.push(HandOver { sender, state: Arc::clone(&state) });
            }
        });
        Subscription { shared: Arc::clone(&self.0), hand_over: state, receiver }
    }

    /// The epoch of these views is over: whoever receives, now or later, finds the end behind what was handed over.
    pub(crate) fn end(&self) {
        self.0.change(|hand_overs, over| {
            hand_overs.clear();
            *over = true;
        });
    }

    /// Whether anything is followed.
    pub(crate) fn follows_any(&self) -> bool {
        self.0.wanted.any.load(Ordering::Relaxed)
    }

    pub(super) fn follows_markets(&self) -> bool {
        self.0.wanted.markets.load(Ordering::Relaxed)
    }

    /// Accounts whose money is followed.
    pub(crate) fn money(&self) -> Arc<Accounts> {
        self.0.wanted.money.load_full()
    }

    pub(super) fn follows(&self, account: AccountId) -> bool {
        self.follows_any() && self.0.wanted.accounts.load().contains(&account)
    }

    /// Hands a group commit over to every hub that follows anything, some of it perhaps followed by another hub alone. Only
    /// the writer calls this, and it never waits here.
    pub(crate) fn publish(&self, commit: CommitChanges) {
        let heard = (commit.directory || commit.second) && self.follows_any();
        if commit.changes.is_empty() && commit.statements.is_empty() && !heard {
            return;
        }
        let (items, commit) = (commit.items(), Arc::new(commit));
        for hand_over in self.0.hand_overs.load().iter() {
            hand_over.publish(&commit, items);
        }
    }
}

impl Shared {
    /// Changes who is there or what one wants, and then what is wanted by all.
    fn change(&self, change: impl FnOnce(&mut Vec<HandOver>, &mut bool)) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hand_overs = Vec::clone(&self.hand_overs.load());
        change(&mut hand_overs, &mut over);
        let markets =
            hand_overs.iter().any(|hand_over| hand_over.state.wanted.markets.load(Ordering::Relaxed));
        let of_all = |of: fn(&Wanted) -> &ArcSwap<Accounts>| match &hand_overs[..] {
            [only] => of(&only.state.wanted).load_full(),
            several => {
                let all = several.iter().map(|hand_over| of(&hand_over.state.wanted).load_full());
                Arc::new(all.flat_map(|accounts| accounts.iter().copied().collect::<Vec<_>>()).collect())
            }
        };
        let (accounts, money) = (of_all(|wanted| &wanted.accounts), of_all(|wanted| &wanted.money));
        self.hand_overs.store(Arc::new(hand_overs));
        self.wanted.set(markets, accounts, money);
    }
}

/// The far end of one hand-over. When it is dropped nothing is handed over any more.
pub(crate) struct Subscription {
    shared: Arc<Shared>,
    hand_over: Arc<HandOverState>,
    receiver: Receiver<Arc<CommitChanges>>,
}

impl Subscription {
    /// Says what is followed from now on: markets, accounts, and of which of these the money.
    pub(crate) fn follow(&self, markets: bool, accounts: Accounts, money: Accounts) {
        self.shared.change(|_, _| self.hand_over.wanted.set(markets, Arc::new(accounts), Arc::new(money)));
    }

    /// The next group commit; none when the epoch of these views is over. Whoever has told what is in it gives its place [back](Self::took).
    pub(crate) async fn next(&mut self) -> Option<Arc<CommitChanges>> {
        self.receiver.recv().await
    }

    /// The next one that is there already.
    pub(crate) fn next_now(&mut self) -> Option<Arc<CommitChanges>> {
        self.receiver.try_recv().ok()
    }

    /// Gives the place of a received commit back.
    pub(crate) fn took(&self, commit: &CommitChanges) {
        self.hand_over.waiting.fetch_sub(commit.items(), Ordering::Relaxed);
    }

    /// Whether something was lost since this was asked last.
    pub(crate) fn lost(&self) -> bool {
        // Nearly always it was not, and a load is cheaper.
        self.hand_over.lost.load(Ordering::Acquire) && self.hand_over.lost.swap(false, Ordering::AcqRel)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.change(|hand_overs, _| {
            hand_overs.retain(|hand_over| !Arc::ptr_eq(&hand_over.state, &self.hand_over))
        });
    }
}
