//! What one record changed, handed from the writer to the feeds.
//!
//! The hand-over has a bound and the writer never waits at it: what does not fit is lost, and the feeds are told that
//! something is, so that they close their followers instead of leaving a hole in what those see. While nothing is followed,
//! nothing is collected.
//!
//! Each view tells its news from under the lock it folds in, and is asked there whether it is followed. So a follower that
//! first asks for news and then reads a view misses nothing between the two: what the view does not show yet comes as news,
//! and news of what it shows can be told by their numbers.

use super::FillRow;
use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{AccountId, InstrumentId, OrderView, Price, Qty, Side, Timestamp};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Group commits that may wait for the feeds: about a second of the most that are made.
const COMMITS: usize = 1_024;
/// Items of news in them, some 100 bytes each. A single commit may have more: cancelling all orders of a large account is
/// one record.
const ITEMS: usize = 1_000_000;

/// One record's news.
#[derive(Debug)]
pub(crate) struct News {
    /// Its place in the journal.
    pub sequence: u64,
    /// When it took effect.
    pub time: Timestamp,
    /// Changed price levels, in their order.
    pub levels: Vec<LevelNews>,
    /// New fills of accounts that are followed, each account's together and in their order.
    pub fills: Vec<(AccountId, FillRow)>,
    /// Steps of orders of accounts that are followed, each account's together and in their order.
    pub orders: Vec<OrderNews>,
}

/// A changed price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LevelNews {
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Price,
    /// What is open there now.
    pub qty: Qty,
    /// How many changes the contract had before, plus one.
    pub number: u64,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
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

/// A step in an order's life.
#[derive(Clone, Debug)]
pub(crate) struct OrderNews {
    pub step: Step,
    /// The order after it.
    pub order: OrderView,
}

/// News of one group commit.
#[derive(Debug, Default)]
pub(crate) struct Bulletin {
    pub news: Vec<News>,
    /// Accounts, keys or contracts have changed.
    pub directory: bool,
}

impl Bulletin {
    fn items(&self) -> usize {
        self.news.iter().map(|news| news.levels.len() + news.fills.len() + news.orders.len()).sum()
    }
}

/// The hand-over, and what of it is wanted.
pub(crate) struct Newsroom {
    wanted: Wanted,
    /// `None` when the epoch of these views is over.
    sender: Mutex<Option<Sender<Bulletin>>>,
    /// Taken by the feeds, of which there is one.
    receiver: Mutex<Option<Receiver<Bulletin>>>,
    /// Items handed over and not yet taken.
    waiting: AtomicUsize,
    lost: AtomicBool,
}

#[derive(Default)]
struct Wanted {
    /// Anything at all.
    any: AtomicBool,
    books: AtomicBool,
    accounts: ArcSwap<HashSet<AccountId, FixedState>>,
}

impl Newsroom {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = channel(COMMITS);
        Self {
            wanted: Wanted::default(),
            sender: Mutex::new(Some(sender)),
            receiver: Mutex::new(Some(receiver)),
            waiting: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
        }
    }

    /// The other end of the hand-over; `None` when it is taken already.
    pub(crate) fn subscribe(&self) -> Option<Receiver<Bulletin>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Says what is followed from now on.
    pub(crate) fn follow(&self, books: bool, accounts: HashSet<AccountId, FixedState>) {
        let any = books || !accounts.is_empty();
        // The views' locks order these stores: see the head of this file. Until they are all seen, too much may be told,
        // which numbers sort out, and never too little.
        if any {
            self.wanted.any.store(true, Ordering::Relaxed);
        }
        self.wanted.books.store(books, Ordering::Relaxed);
        self.wanted.accounts.store(Arc::new(accounts));
        if !any {
            self.wanted.any.store(false, Ordering::Relaxed);
        }
    }

    /// Whether anything is followed.
    pub(crate) fn follows_any(&self) -> bool {
        self.wanted.any.load(Ordering::Relaxed)
    }

    pub(super) fn follows_books(&self) -> bool {
        self.wanted.books.load(Ordering::Relaxed)
    }

    pub(super) fn follows(&self, account: AccountId) -> bool {
        self.follows_any() && self.wanted.accounts.load().contains(&account)
    }

    /// Hands a group commit over. Only the writer calls this, and it never waits here.
    pub(crate) fn publish(&self, bulletin: Bulletin) {
        if bulletin.news.is_empty() && !(bulletin.directory && self.follows_any()) {
            return;
        }
        let items = bulletin.items();
        let waiting = self.waiting.fetch_add(items, Ordering::Relaxed);
        let room = waiting == 0 || waiting + items <= ITEMS;
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = room && sender.as_ref().is_some_and(|sender| sender.try_send(bulletin).is_ok());
        if !sent {
            self.waiting.fetch_sub(items, Ordering::Relaxed);
            // Before anything later can be handed over, so whoever receives what is later knows.
            self.lost.store(true, Ordering::Release);
        }
    }

    /// Nothing more is told here: whoever receives finds the end behind what was handed over.
    pub(crate) fn end(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Gives the room of a received bulletin back.
    pub(crate) fn took(&self, bulletin: &Bulletin) {
        self.waiting.fetch_sub(bulletin.items(), Ordering::Relaxed);
    }

    /// Whether something was lost since this was asked last.
    pub(crate) fn lost(&self) -> bool {
        // Nearly always it was not, and a load is cheaper.
        self.lost.load(Ordering::Acquire) && self.lost.swap(false, Ordering::AcqRel)
    }
}
