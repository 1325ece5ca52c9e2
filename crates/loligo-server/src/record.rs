//! What a record of the journal holds.
//!
//! ```text
//! version u8 | kind u8 | time i64 | has nonce u8 [ key u32 | nonce u64 ] | body
//! ```
//!
//! Integers are little-endian. The body is an engine command in the engine's own stored form, a fact about the venue
//! that the engine does not know (names and keys), or the crossing from one version of the rules to another. The first record
//! of a venue is its genesis: the rules it begins under, the facts that every later start must name again, then the engine's
//! genesis command. Of records before rules were named the rules are [`FIRST_RULES`]; those of venues before there were pasts name
//! none.

use crate::listing::Roll;
use loligo_engine::{AccountId, CodecError, Command, InstrumentId, MarketState, Timestamp};
use serde::{Deserialize, Serialize};

/// Version of this layout.
const VERSION: u8 = 1;
/// The rules of a venue whose genesis names none.
pub const FIRST_RULES: u16 = 1;
/// Kinds of bodies; a kind is never another's.
const UNNAMED_GENESIS: u8 = 0;
const COMMAND: u8 = 1;
const FACT: u8 = 2;
const CROSSING: u8 = 3;
const PASTLESS_GENESIS: u8 = 4;
const GENESIS: u8 = 5;

/// An API key's number; dense from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(pub u32);

/// What a key may do with orders and questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GeneralRight {
    /// Nothing.
    None,
    /// Ask.
    ReadOnly,
    /// Ask and trade.
    Full,
}

/// What a key may do with money leaving the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WithdrawalRight {
    /// Nothing.
    None,
    /// Withdraw.
    Full,
}

/// A fault's number; rising from 1, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FaultId(pub u64);

/// A notice's number; rising from 1, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NoticeId(pub u64);

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// A market.
    Market,
    /// Anything.
    General,
    /// Something new.
    NewFeature,
    /// Something put right.
    BugFix,
    /// The exchange, or a part of it, will be out of service.
    Maintenance,
    /// A settlement.
    Settlement,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoticePriority {
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

/// A notice to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// How much it matters.
    pub priority: NoticePriority,
    /// What it says.
    pub note: String,
    /// When what it tells of takes effect.
    pub effective: Timestamp,
    /// For how many minutes the exchange is expected to be out of service.
    pub downtime_minutes: Option<u32>,
    /// What becomes of a contract when it takes effect; nothing more once it has, or when the notice is taken back.
    pub plan: Option<(InstrumentId, MarketState)>,
}

/// What requests are told in place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultWord {
    /// A fault inside.
    ServerError,
    /// Something that has no word of its own.
    UnknownError,
}

/// One record, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The time proposed for it; exchange time becomes the later of this and what it was.
    pub time: Timestamp,
    /// The key that signed the request, and its nonce.
    pub nonce: Option<(KeyId, u64)>,
    /// What is asked.
    pub body: Body,
}

/// What a record asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The venue begins.
    Genesis {
        /// Version of the rules that hold from here on.
        rules: u16,
        /// What later starts must name again. Boxed, like facts: nearly every record is a command, and is moved often.
        venue: Box<VenueFacts>,
        /// The engine's share.
        command: Command,
    },
    /// A change of the exchange.
    Command(Command),
    /// A change of what the server knows beside it.
    Fact(Box<Fact>),
    /// Other rules hold from here on.
    Crossing(Crossing),
}

/// A venue goes on under other rules, with everything as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Version of the rules that held.
    pub from: u16,
    /// Version of the rules that hold now.
    pub to: u16,
    /// The state at that place, as the program that wrote this hashes it.
    pub state: [u8; 32],
}

/// What a venue was begun with. A start that names others is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueFacts {
    /// Seed of development keys and of the live market.
    pub seed: u64,
    /// Named accounts.
    pub accounts: u32,
    /// USD of each, in units of 1e-11.
    pub balance: i128,
    /// Whether exchange time is moved by hand.
    pub manual_clock: bool,
    /// Where a manual clock began, in microseconds since 1970; 0 for a real one.
    pub start: i64,
    /// Whether the house's makers and takers have seats.
    pub live_market: bool,
    /// BLAKE3 of an instruments file's listing; absent for the default listing.
    pub instruments: Option<[u8; 32]>,
    /// Key of order ids; absent when it comes from the seed.
    pub identity_key: Option<[u8; 32]>,
    /// Days of the past that was made up for it; absent without one.
    pub past_days: Option<u32>,
}

/// [`VenueFacts`] of a venue from before there were pasts: read, never written.
#[derive(Deserialize)]
pub(crate) struct PastlessFacts {
    seed: u64,
    accounts: u32,
    balance: i128,
    manual_clock: bool,
    start: i64,
    live_market: bool,
    instruments: Option<[u8; 32]>,
    identity_key: Option<[u8; 32]>,
}

impl From<PastlessFacts> for VenueFacts {
    fn from(facts: PastlessFacts) -> Self {
        let PastlessFacts {
            seed,
            accounts,
            balance,
            manual_clock,
            start,
            live_market,
            instruments,
            identity_key,
        } = facts;
        let past_days = None;
        Self {
            seed,
            accounts,
            balance,
            manual_clock,
            start,
            live_market,
            instruments,
            identity_key,
            past_days,
        }
    }
}

/// A fact about the venue beside the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// An account got an API key.
    KeyCreated(KeyCreated),
    /// An account got a name.
    AccountNamed {
        /// Which account.
        account: AccountId,
        /// Its name for people.
        name: String,
    },
    /// The operator took an operation of the dialect out of service, or put it back.
    RouteSet {
        /// The operation's name in the contract.
        operation: String,
        /// Whether it is served.
        available: bool,
    },
    /// The operator wants requests of an operation to be told of a fault.
    FaultSet {
        /// The operation's name in the contract.
        operation: String,
        /// What they are told.
        word: FaultWord,
        /// How many of them.
        times: u32,
    },
    /// A fault has been told as often as it was to be, or the operator took it back.
    FaultEnded {
        /// Which.
        fault: FaultId,
    },
    /// A dated contract is followed by the next of its kind whenever one expires. Those of the default listing are
    /// without being named.
    ContractRolls {
        /// The contract, which has the figures of those that follow.
        instrument: InstrumentId,
        /// Which kind it is.
        roll: Roll,
    },
    /// The operator gave clients a notice.
    NoticeGiven(Notice),
    /// The operator took a notice back.
    NoticeEnded {
        /// Which.
        notice: NoticeId,
    },
    /// A master chose how far its positions may be leveraged by what fills off the book, or takes that back.
    OffBookLeverage {
        /// The master.
        account: AccountId,
        /// The cap in hundredths; none for no cap.
        cap: Option<u32>,
    },
}

loligo_engine::stored_codes! {
    Fact {
        KeyCreated(key) = 0,
        AccountNamed { account, name } = 1,
        RouteSet { operation, available } = 2,
        FaultSet { operation, word, times } = 3,
        FaultEnded { fault } = 4,
        ContractRolls { instrument, roll } = 5,
        NoticeGiven(notice) = 6,
        NoticeEnded { notice } = 7,
        OffBookLeverage { account, cap } = 8
    }
    StoredSecret { Development { place, kind } = 0, Sealed(bytes) = 1 }
    FaultWord { ServerError = 0, UnknownError = 1 }
    GeneralRight { None = 0, ReadOnly = 1, Full = 2 }
    WithdrawalRight { None = 0, Full = 1 }
    Roll { Month = 0, Quarter = 1, Half = 2 }
    NoticeKind { Market = 0, General = 1, NewFeature = 2, BugFix = 3, Maintenance = 4, Settlement = 5 }
    NoticePriority { Low = 0, Medium = 1, High = 2 }
}

/// A new API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCreated {
    /// Whose.
    pub account: AccountId,
    /// Its public text.
    pub api_key: String,
    /// What signs, not readable from the journal alone.
    pub secret: StoredSecret,
    /// Right to trade.
    pub general: GeneralRight,
    /// Right to withdraw.
    pub withdrawal: WithdrawalRight,
}

/// A secret as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredSecret {
    /// Derived from the venue's seed for this place and kind of development key.
    Development {
        /// Which development account.
        place: u32,
        /// Which of its keys.
        kind: String,
    },
    /// Sealed with the data folder's own key.
    Sealed(Vec<u8>),
}

/// What a fact came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactOutcome {
    /// It holds.
    Done,
    /// The key has this number.
    KeyCreated(KeyId),
    /// The fault has this number.
    FaultSet(FaultId),
    /// The notice has this number.
    NoticeGiven(NoticeId),
    /// It cannot be.
    Refused(FactRefusal),
}

/// Why a fact is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactRefusal {
    /// No such account.
    #[error("no such account")]
    UnknownAccount,
    /// The account holds as many keys as it may.
    #[error("an account holds at most 50 keys")]
    TooManyKeys,
    /// A key with this text exists.
    #[error("this API key exists already")]
    KeyExists,
    /// The name is empty, too long, or not printable.
    #[error("a name has 1 to 64 printable characters")]
    BadName,
    /// Another account has this name.
    #[error("another account has this name")]
    NameTaken,
    /// The secret cannot be opened with the key in the data folder.
    #[error("the key's secret cannot be opened with the data folder's own key")]
    SealedForAnother,
    /// The operation's name is empty or too long to be one.
    #[error("an operation's name has 1 to 64 characters")]
    BadOperation,
    /// More operations are out of service than the contract has.
    #[error("no more operations can be out of service")]
    TooManyRoutes,
    /// A fault is told once or more often.
    #[error("a fault is told at least once")]
    NeverTold,
    /// As many faults wait to be told as may.
    #[error("at most 100 faults wait to be told")]
    TooManyFaults,
    /// No such fault waits to be told.
    #[error("no such fault waits to be told")]
    UnknownFault,
    /// The note is empty, too long, or not printable.
    #[error("a note has 1 to 1000 printable characters")]
    BadNote,
    /// As many notices stand as may.
    #[error("at most 100 notices stand at once")]
    TooManyNotices,
    /// What is planned would be in the past.
    #[error("what is planned wants a time that is still to come")]
    PlanTooLate,
    /// No such notice stands.
    #[error("there is no such notice")]
    UnknownNotice,
    /// The contract is not there, or has no last trading time.
    #[error("there is no such dated contract")]
    NotDated,
    /// The leverage is no cap, or the account is no master.
    #[error("a master's leverage off the book is capped at 0 to 100")]
    BadLeverage,
}

/// What a record cannot be read as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It ends too soon, or a field has no such value.
    #[error("the record is not of the layout this version writes: {0}")]
    Layout(&'static str),
    /// A later version wrote it.
    #[error("the record is of layout {0}, this version reads layout {VERSION}")]
    Version(u8),
    /// The engine cannot read its command.
    #[error(transparent)]
    Command(#[from] CodecError),
    /// A fact cannot be read.
    #[error("a fact about the venue cannot be read: {0}")]
    Fact(#[from] postcard::Error),
}

impl Record {
    /// Appends the stored form.
    ///
    /// # Errors
    /// When a fact cannot be written.
    pub fn encode(&self, to: &mut Vec<u8>) -> Result<(), RecordError> {
        match &self.body {
            Body::Genesis { rules, venue, command } => {
                header(to, GENESIS, self.time, self.nonce);
                to.extend_from_slice(&rules.to_le_bytes());
                let venue = postcard::to_allocvec(venue)?;
                to.extend_from_slice(&(venue.len() as u32).to_le_bytes());
                to.extend_from_slice(&venue);
                command.encode(to);
            }
            Body::Command(command) => encode_command(to, self.time, self.nonce, command),
            Body::Fact(fact) => {
                header(to, FACT, self.time, self.nonce);
                to.extend_from_slice(&postcard::to_allocvec(fact)?);
            }
            Body::Crossing(Crossing { from, to: rules, state }) => {
                header(to, CROSSING, self.time, self.nonce);
                to.extend_from_slice(&from.to_le_bytes());
                to.extend_from_slice(&rules.to_le_bytes());
                to.extend_from_slice(state);
            }
        }
        Ok(())
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (Head { kind, time, nonce }, mut rest) = head(bytes)?;
        let body = match kind {
            UNNAMED_GENESIS | PASTLESS_GENESIS | GENESIS => {
                let named = kind != UNNAMED_GENESIS;
                let rules = if named { u16::from_le_bytes(take(&mut rest)?) } else { FIRST_RULES };
                let venue = Box::new(venue_facts(kind, &mut rest)?);
                Body::Genesis { rules, venue, command: Command::decode(rest)? }
            }
            COMMAND => Body::Command(Command::decode(rest)?),
            FACT => Body::Fact(Box::new(postcard::from_bytes(rest)?)),
            CROSSING => {
                let from = u16::from_le_bytes(take(&mut rest)?);
                let to = u16::from_le_bytes(take(&mut rest)?);
                let state = take(&mut rest)?;
                if !rest.is_empty() {
                    return Err(RecordError::Layout("bytes follow a crossing"));
                }
                Body::Crossing(Crossing { from, to, state })
            }
            _ => return Err(RecordError::Layout("no such kind of body")),
        };
        Ok(Self { time, nonce, body })
    }
}

/// What stands before a record's body.
struct Head {
    kind: u8,
    time: Timestamp,
    nonce: Option<(KeyId, u64)>,
}

fn head(bytes: &[u8]) -> Result<(Head, &[u8]), RecordError> {
    let mut rest = bytes;
    let [version] = take(&mut rest)?;
    if version != VERSION {
        return Err(RecordError::Version(version));
    }
    let [kind] = take(&mut rest)?;
    let time = Timestamp(i64::from_le_bytes(take(&mut rest)?));
    let nonce = match take(&mut rest)? {
        [0] => None,
        [1] => {
            let key = KeyId(u32::from_le_bytes(take(&mut rest)?));
            Some((key, u64::from_le_bytes(take(&mut rest)?)))
        }
        [_] => return Err(RecordError::Layout("a nonce is there or not")),
    };
    Ok((Head { kind, time, nonce }, rest))
}

fn venue_facts(kind: u8, rest: &mut &[u8]) -> Result<VenueFacts, RecordError> {
    let length = u32::from_le_bytes(take(rest)?) as usize;
    let cut = rest.split_at_checked(length);
    let (facts, command) = cut.ok_or(RecordError::Layout("it ends within the venue's facts"))?;
    *rest = command;
    if kind == GENESIS {
        Ok(postcard::from_bytes(facts)?)
    } else {
        Ok(postcard::from_bytes::<PastlessFacts>(facts)?.into())
    }
}

/// The key and nonce of a record, whatever its body: of one whose command a later version wrote, too.
///
/// # Errors
/// [`RecordError`] for another layout.
pub(crate) fn nonce_of(bytes: &[u8]) -> Result<Option<(KeyId, u64)>, RecordError> {
    head(bytes).map(|(head, _)| head.nonce)
}

/// What a venue was begun with, by its first record, whose command is not read; `None` when that is no genesis.
///
/// # Errors
/// [`RecordError`] for another layout, and for facts that cannot be read.
pub(crate) fn facts_of(bytes: &[u8]) -> Result<Option<VenueFacts>, RecordError> {
    let (Head { kind, .. }, mut rest) = head(bytes)?;
    match kind {
        UNNAMED_GENESIS => {}
        PASTLESS_GENESIS | GENESIS => drop(take::<2>(&mut rest)?),
        _ => return Ok(None),
    }
    venue_facts(kind, &mut rest).map(Some)
}

/// Appends the stored form of a command's record, without taking the command over.
pub(crate) fn encode_command(
    to: &mut Vec<u8>,
    time: Timestamp,
    nonce: Option<(KeyId, u64)>,
    command: &Command,
) {
    header(to, COMMAND, time, nonce);
    command.encode(to);
}

fn header(to: &mut Vec<u8>, kind: u8, time: Timestamp, nonce: Option<(KeyId, u64)>) {
    to.extend_from_slice(&[VERSION, kind]);
    to.extend_from_slice(&time.0.to_le_bytes());
    match nonce {
        None => to.push(0),
        Some((key, nonce)) => {
            to.push(1);
            to.extend_from_slice(&key.0.to_le_bytes());
            to.extend_from_slice(&nonce.to_le_bytes());
        }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], RecordError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(RecordError::Layout("it ends too soon"))?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests;
