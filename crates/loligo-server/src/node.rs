//! The running exchange: one thread owns the engine, the journal and the market; everyone else holds a [`NodeHandle`].
//!
//! ```text
//! handle -> bounded queue -> writer: time, journal (one sync for all that waited), apply, projections -> reply
//! ```

mod ask;
mod begun;
mod clock;
mod detached;
mod epoch;
mod genesis;
mod handle;
mod keeper;
mod log;
mod recovery;
mod registry;
mod replay;
mod retention;
mod snapshot;
mod stopped;
mod vault;
mod venue;
mod writer;

#[cfg(test)]
pub(crate) mod tests;

pub use begun::known_facts;
pub use clock::ClockError;
use clock::MachineClock;
pub use detached::Behind;
use detached::HandOver;
use epoch::Epoch;
pub use epoch::Views;
pub use handle::{
    AccountError, Events, IssuedKey, MAX_BATCH_RECORDS, NodeHandle, OpenAccount, OpenedAccount, Reply,
    StateHashes, Submission, SubmitError,
};
pub use log::{Log, LogQuery};
pub(crate) use registry::check_name;
pub use stopped::{Began, KeptSnapshot, Replayed, Verified, replay_folder, snapshot_folder, verify_folder};

use crate::config::{Config, MarketKind};
use crate::identity::{KeyPair, account_name};
use crate::market::HouseMarket;
use crate::past::Past;
use crate::projection::{Detached, Unable};
use crate::record::{FIRST_RULES, RecordError};
use arc_swap::ArcSwap;
use handle::Shared;
use loligo_engine::{AccountId, RULES_VERSION};
use loligo_journal::{JournalError, quoted, until_command};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
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
    #[error(
        "the data folder {} holds another venue: {}. Leave out what differs to go on with it, name another folder with \
         --data, or add --reset to remove it and begin anew",
        quoted(folder),
        list(differences)
    )]
    OtherGenesis {
        /// The data folder.
        folder: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
    },
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
    #[error("the engine panics on record {sequence} ({message}){}", way_out(folder.as_deref(), *sequence))]
    Poisoned {
        /// Which record.
        sequence: u64,
        /// What the panic said.
        message: String,
        /// The data folder, where the venue has one.
        folder: Option<PathBuf>,
    },
    /// A record was made under other rules than this version's.
    #[error(
        "record {sequence} was made under rules {rules}, and this version follows rules {RULES_VERSION}: what it came to is not \
         known here. {}",
        other_rules(*rules)
    )]
    OtherRules {
        /// Which record.
        sequence: u64,
        /// Its rules.
        rules: u16,
    },
    /// The rules changed at a record, but not from those that held, or not in the state that is there.
    #[error("record {0} crosses to other rules from a state that is not the one before it")]
    Crossing(u64),
    /// The writer panicked as it started.
    #[error("the exchange failed in its own code as it started ({0}): a bug of this program")]
    Panicked(String),
    /// There is no venue where one was looked for.
    #[error("{} holds no venue", quoted(.0))]
    NoVenue(PathBuf),
    /// No such branch.
    #[error("there is no branch {asked}: branches are 1 to {last}")]
    NoBranch {
        /// What was asked for.
        asked: u64,
        /// The newest.
        last: u64,
    },
    /// No such record.
    #[error("there is no record {asked} on branch {branch}: records are 1 to {last}")]
    NoRecord {
        /// What was asked for.
        asked: u64,
        /// On which branch.
        branch: u64,
        /// Its last record.
        last: u64,
    },
    /// The beginning of a venue was to be parted.
    #[error(
        "a venue begins with its records 1 to {last}, which stay together: --until takes {} or more (--reset begins a new \
         venue)",
        last + 1
    )]
    UntilWithinGenesis {
        /// The last of them.
        last: u64,
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
    /// Something that is made of the records cannot begin.
    #[error(transparent)]
    Follower(#[from] Unable),
    /// A broken invariant.
    #[error("{0}")]
    Invariant(String),
    /// No snapshot leads to a state from which the journal can be gone on from.
    #[error(
        "what came before record {kept_from} was pruned, and no snapshot of a later record can be read{}: put one back from \
         a copy",
        because(passed_over)
    )]
    NoState {
        /// The first record that is left.
        kept_from: u64,
        /// Why the snapshots that are there do not serve, each in words.
        passed_over: Vec<String>,
    },
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

fn because(reasons: &[String]) -> String {
    if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) }
}

/// How a folder comes over to this version, or that it does not.
fn other_rules(rules: u16) -> &'static str {
    if rules > RULES_VERSION {
        "A later version made it: start that one, or a later one still"
    } else if rules == FIRST_RULES {
        "Start the version that made it on this folder and stop it with Ctrl-C when it has more than 2,000 records since its last \
         snapshot: it leaves a snapshot of its last record then, and this version goes on from there"
    } else {
        "Start the version that made it on this folder and stop it with Ctrl-C, or run its `loligo snapshot DIR`: it leaves a \
         snapshot of its last record then, and this version goes on from there"
    }
}

/// How to open a venue as it was before a record, as the end of a sentence.
fn way_out(folder: Option<&Path>, sequence: u64) -> String {
    folder.map_or_else(String::new, |folder| {
        format!("; `{}` opens the venue as it was before it", until_command(folder, sequence))
    })
}

impl StartError {
    /// The same, with the folder where it happened.
    fn in_folder(mut self, data: Option<&Path>) -> Self {
        if let StartError::Poisoned { folder, .. } = &mut self {
            *folder = data.map(Path::to_path_buf);
        }
        self
    }
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
    /// The writer panicked outside the engine: a bug. What it had acknowledged is kept.
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// A key was recorded whose secret this node's folder cannot open.
    SealedElsewhere {
        /// Whose secret.
        api_key: String,
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
    past: Option<Arc<Past>>,
    notes: Vec<String>,
}

/// Recovers or begins a venue and starts its writer. When this returns, all views are ready.
///
/// Blocks while it recovers: call it off the async runtime's threads, or before there are any.
///
/// # Errors
/// [`StartError`].
pub fn spawn(config: &Config) -> Result<RunningNode, StartError> {
    spawn_followed(config, Vec::new())
}

/// [`spawn`], with followers that the exchange does not wait for: each catches up from its own place, on a thread of its own,
/// while the node runs already.
///
/// # Errors
/// [`StartError`].
pub fn spawn_followed(config: &Config, followers: Vec<Arc<dyn Detached>>) -> Result<RunningNode, StartError> {
    let clock = MachineClock::system();
    let spawned = recovery::open_journal(config, &clock)
        .and_then(|open| spawn_on(config, open, clock, writer::FULL_RETRY, followers));
    spawned.map_err(|error| error.in_folder(config.data.as_deref()))
}

/// [`spawn`] over a journal that is open already and a machine's clock, looking at a full disk again after `full_retry`.
fn spawn_on(
    config: &Config,
    journal: recovery::OpenJournal,
    machine: MachineClock,
    full_retry: Duration,
    followers: Vec<Arc<dyn Detached>>,
) -> Result<RunningNode, StartError> {
    if config.accounts > MAX_ACCOUNTS {
        return Err(StartError::Refused(format!(
            "a venue begins with at most {MAX_ACCOUNTS} named accounts"
        )));
    }
    let opened = recovery::open(config, journal, &machine)?;
    let past = opened.past.map(Arc::new);
    let (queue, requests) = mpsc::sync_channel(handle::QUEUE_ALL);
    for follower in &followers {
        follower.meet(&opened.venue.exchange, opened.venue.sequence)?;
    }
    let hand_over = |follower| HandOver::start(follower, opened.journal.as_ref(), opened.venue.sequence);
    let hand_overs = followers.into_iter().map(hand_over).collect::<Result<Vec<_>, _>>()?;
    let shared = Arc::new(Shared {
        lanes: hand_overs.iter().map(|one| Arc::clone(one.lane())).collect(),
        epoch: ArcSwap::from_pointee(Epoch::new(opened.views, opened.journal.branch())),
        identity: opened.identity,
        clock: config.clock,
        keep_journal: config.keep_journal,
        machine,
        moving_to: AtomicI64::new(handle::NOT_MOVING),
        waiting: handle::Waiting::default(),
        stopped: AtomicBool::new(false),
        remembered_nonces: opened.venue.registry.nonces(),
        vault: opened.vault,
    });
    let house = match config.market {
        MarketKind::Live => Some(HouseMarket::new(config.seed, &opened.listing.indexes)),
        MarketKind::None => None,
    };
    let mut writer = writer::Writer::new(
        opened.journal,
        opened.venue,
        Arc::clone(&shared),
        requests,
        house,
        opened.from,
        full_retry,
    );
    writer = writer.followed_by(hand_overs);
    if config.data.is_none() {
        writer = writer.in_memory();
    }
    let (tell, ended) = watch::channel(None);
    // The market opens before anyone can ask: the first answers already show books.
    if let Err(end) = writer.start() {
        return Err(match end {
            NodeEnd::Poisoned { sequence, message } => {
                StartError::Poisoned { sequence, message, folder: None }
            }
            NodeEnd::Panicked { message } => StartError::Panicked(message),
            NodeEnd::SealedElsewhere { api_key } => StartError::SealedElsewhere { api_key },
            NodeEnd::JournalFailed { reason } => StartError::Append(reason),
            NodeEnd::Stopped => StartError::Append("the node stopped as it started".to_owned()),
        });
    }
    let notes = opened.notes.into_iter().chain(writer.notes()).collect();
    let ending = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("loligo-writer".to_owned())
        .spawn(move || {
            let end = catch_unwind(AssertUnwindSafe(|| writer.run()));
            let end =
                end.unwrap_or_else(|panic| NodeEnd::Panicked { message: venue::panic_message(&*panic) });
            ending.stopped.store(true, Ordering::Release);
            tell.send_replace(Some(end));
        })
        .map_err(StartError::Thread)?;
    Ok(RunningNode {
        handle: NodeHandle::new(queue, shared),
        ended,
        thread: Some(thread),
        seed: config.seed,
        accounts: config.accounts,
        past,
        notes,
    })
}

impl RunningNode {
    /// The door to it.
    pub fn handle(&self) -> &NodeHandle {
        &self.handle
    }

    /// The past that was made up for its market.
    pub(crate) fn past(&self) -> Option<&Arc<Past>> {
        self.past.as_ref()
    }

    /// What the operator should know of this start: records left behind, snapshots passed over, rights that could not be
    /// closed, a folder that crossed over. Each is a sentence.
    pub fn notes(&self) -> &[String] {
        &self.notes
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
            Err(_) => NodeEnd::Panicked { message: "its thread is gone".to_owned() },
        }
    }

    /// Stops it: what waits is answered, and a venue in a folder leaves a snapshot of its last record.
    pub fn stop(mut self) -> NodeEnd {
        self.halt();
        self.ended.borrow().clone().unwrap_or(NodeEnd::Stopped)
    }

    fn halt(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the writer is one of its ends.
            let _ = thread.join();
        }
    }
}

impl Drop for RunningNode {
    fn drop(&mut self) {
        self.halt();
    }
}
