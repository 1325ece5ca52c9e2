//! The running exchange: one thread owns the engine, the journal and the market; everyone else holds a [`NodeHandle`].
//!
//! ```text
//! handle -> bounded queue -> writer: time, journal (one sync for all that waited), apply, projections -> reply
//! ```

mod clock;
mod genesis;
mod handle;
mod recovery;
mod registry;
mod snapshot;
mod vault;
mod venue;
mod writer;

#[cfg(test)]
mod tests;

pub use clock::ClockError;
use clock::MachineClock;
pub use handle::{
    AccountError, IssuedKey, MAX_BATCH_RECORDS, NodeHandle, OpenAccount, OpenedAccount, Reply, StateHashes,
    Submission, SubmitError,
};
pub use recovery::{Verified, replay_folder, verify_folder};
pub(crate) use registry::check_name;

use crate::config::{Config, MarketKind};
use crate::identity::{KeyPair, account_name};
use crate::market::Room;
use crate::record::RecordError;
use handle::Shared;
use loligo_engine::AccountId;
use loligo_journal::{Journal, JournalError};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Named accounts a venue may begin with: its first batch is one transaction and has to fit in it.
const MAX_ACCOUNTS: u32 = 5_000;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be opened or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The first batch cannot be written.
    #[error("the venue cannot be begun: {0}")]
    Append(String),
    /// The venue was begun with other facts.
    #[error("this data folder holds another venue: {}", list(.0))]
    OtherGenesis(Vec<Difference>),
    /// The journal does not begin with a genesis record.
    #[error("the journal does not begin with a genesis record")]
    NoGenesis,
    /// The engine refuses the listing or a deposit.
    #[error("the venue cannot be begun: {0}")]
    Refused(String),
    /// A record is of no layout this version knows.
    #[error("record {sequence}: {error}")]
    Record {
        /// Which record.
        sequence: u64,
        /// What is wrong with it.
        error: RecordError,
    },
    /// Records are not in sequence.
    #[error("record {expected} was expected, {found} came")]
    Gap {
        /// What should have come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The engine panics on a record.
    #[error(
        "the engine panics on record {sequence} ({message}); `loligo serve --until {sequence}` opens the venue \
         as it was before it"
    )]
    Poisoned {
        /// Which record.
        sequence: u64,
        /// What the panic said.
        message: String,
    },
    /// The key file cannot be had.
    #[error("the key that seals API secrets cannot be had: {0}")]
    Vault(String),
    /// A secret was sealed with another key file.
    #[error("the secret of API key {api_key} was sealed with another secrets.key; put that file back")]
    SealedElsewhere {
        /// Whose secret.
        api_key: String,
    },
    /// An earlier place was named for a venue that keeps nothing.
    #[error("--until needs a data folder: a venue in memory has no past")]
    UntilWithoutFolder,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness,
    /// The operating system gives no thread.
    #[error("the operating system gives no thread: {0}")]
    Thread(std::io::Error),
    /// A broken invariant.
    #[error("{0}")]
    Invariant(String),
    /// A snapshot holds another state than replay makes.
    #[error("the snapshot at record {sequence} is not what replay makes of the records before it")]
    Drift {
        /// Where it was taken.
        sequence: u64,
    },
}

/// A fact in which a start differs from the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The name of the fact, as its flag.
    pub name: &'static str,
    /// What the venue was begun with.
    pub venue: String,
    /// What this start names.
    pub asked: String,
}

fn list(differences: &[Difference]) -> String {
    let each = differences.iter().map(|difference| {
        let Difference { name, venue, asked } = difference;
        format!("it was begun with --{name} {venue}, this start names {asked}")
    });
    each.collect::<Vec<_>>().join("; ")
}

/// How a node ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEnd {
    /// It was told to stop; everything acknowledged is kept.
    Stopped,
    /// The journal failed: whether the last batch is kept is undecided until the next start.
    JournalFailed {
        /// What the journal said.
        reason: String,
    },
    /// The engine panicked on a record.
    Poisoned {
        /// Which record.
        sequence: u64,
        /// What the panic said.
        message: String,
    },
}

/// A development account and its well-known keys.
#[derive(Clone, Debug)]
pub struct DevelopmentAccount {
    /// Its number.
    pub id: AccountId,
    /// Its name for clients.
    pub uid: Uuid,
    /// Its name for people.
    pub name: String,
    /// Trades and asks.
    pub full: KeyPair,
    /// Asks only.
    pub read_only: KeyPair,
}

/// A running node. Dropping it stops it and waits until it has.
pub struct RunningNode {
    handle: NodeHandle,
    ended: watch::Receiver<Option<NodeEnd>>,
    thread: Option<JoinHandle<()>>,
    seed: u64,
    accounts: u32,
}

/// Recovers or begins a venue and starts its writer. When this returns, all views are ready.
///
/// Blocks while it recovers: call it off the async runtime's threads, or before there are any.
///
/// # Errors
/// [`StartError`].
pub fn spawn(config: &Config) -> Result<RunningNode, StartError> {
    let clock = MachineClock::system();
    spawn_on(config, recovery::open_journal(config, &clock)?, clock, writer::FULL_RETRY)
}

/// [`spawn`] over a journal that is open already and a machine's clock, looking at a full disk again after `full_retry`.
fn spawn_on(
    config: &Config,
    journal: Box<dyn Journal>,
    machine: MachineClock,
    full_retry: Duration,
) -> Result<RunningNode, StartError> {
    if config.accounts > MAX_ACCOUNTS {
        return Err(StartError::Refused(format!(
            "a venue begins with at most {MAX_ACCOUNTS} named accounts"
        )));
    }
    let opened = recovery::open(config, journal, &machine)?;
    let (queue, requests) = mpsc::sync_channel(handle::QUEUE_ALL);
    let shared = Arc::new(Shared {
        projections: opened.views,
        identity: opened.identity,
        clock: config.clock,
        machine,
        moving_to: AtomicI64::new(handle::NOT_MOVING),
        acknowledged: AtomicU64::new(opened.venue.sequence),
        waiting: handle::Waiting::default(),
        stopped: AtomicBool::new(false),
        remembered_nonces: opened.venue.registry.nonces(),
        vault: opened.vault,
    });
    let room = match config.market {
        MarketKind::Live => Some(Room::new(config.seed, &opened.listing.indexes)),
        MarketKind::None => None,
    };
    let mut writer = writer::Writer::new(
        opened.journal,
        opened.venue,
        Arc::clone(&shared),
        requests,
        room,
        opened.replayed,
        full_retry,
    );
    if config.data.is_none() {
        writer = writer.in_memory();
    }
    let (tell, ended) = watch::channel(None);
    // The market opens before anyone can ask: the first answers already show books.
    if let Err(end) = writer.start() {
        return Err(match end {
            NodeEnd::Poisoned { sequence, message } => StartError::Poisoned { sequence, message },
            NodeEnd::JournalFailed { reason } => StartError::Append(reason),
            NodeEnd::Stopped => StartError::Append("the node stopped as it started".to_owned()),
        });
    }
    let thread = std::thread::Builder::new()
        .name("loligo-writer".to_owned())
        .spawn(move || {
            let end = writer.run();
            tell.send_replace(Some(end));
        })
        .map_err(StartError::Thread)?;
    Ok(RunningNode {
        handle: NodeHandle::new(queue, shared),
        ended,
        thread: Some(thread),
        seed: config.seed,
        accounts: config.accounts,
    })
}

impl RunningNode {
    /// The door to it.
    pub fn handle(&self) -> &NodeHandle {
        &self.handle
    }

    /// The named accounts of its genesis, with the keys that follow from its seed.
    pub fn development_accounts(&self) -> Vec<DevelopmentAccount> {
        (0..self.accounts)
            .map(|place| DevelopmentAccount {
                id: AccountId(place),
                uid: self.handle.identity().account_uid(AccountId(place)),
                name: account_name(place),
                full: KeyPair::development(self.seed, place, genesis::FULL_KEY),
                read_only: KeyPair::development(self.seed, place, genesis::READ_ONLY_KEY),
            })
            .collect()
    }

    /// Waits until the node ends by itself: a failed journal, a panic in the engine. The process should exit then,
    /// with an error.
    pub async fn ended(&self) -> NodeEnd {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(NodeEnd::Stopped),
            // The writer went away without a word: it panicked outside the engine.
            Err(_) => NodeEnd::JournalFailed { reason: "the writer stopped unexpectedly".to_owned() },
        }
    }

    /// Stops it: what waits is answered, a snapshot is taken where it saves the next start work.
    pub fn stop(mut self) -> NodeEnd {
        self.halt();
        self.ended.borrow().clone().unwrap_or(NodeEnd::Stopped)
    }

    fn halt(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the writer was printed when it happened, and `ended` tells it.
            let _ = thread.join();
        }
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.halt();
    }
}
