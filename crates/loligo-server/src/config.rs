//! What a node starts with.

use crate::listing::Listing;
use crate::past::MOST_DAYS;
use crate::record::VenueFacts;
use loligo_engine::{Money, Timestamp};
use std::path::PathBuf;
use std::str::FromStr;

/// Who trades without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketKind {
    /// The house's makers and takers.
    Live,
    /// Nobody: books stay empty until a client quotes.
    None,
}

/// Where exchange time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's clock, never back.
    Real,
    /// It stands at this instant until it is moved.
    Manual {
        /// Where it stands at genesis.
        start: Timestamp,
    },
}

impl ClockKind {
    /// Where a manual clock starts unless told otherwise: 2026-01-01T00:00:00Z.
    pub const DEFAULT_START: Timestamp = Timestamp(1_767_225_600_000_000);
}

/// Where the key of order ids comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// The seed: ids are the same on every venue with this seed. For development, on loopback only.
    Seed,
    /// Drawn at genesis and kept in the journal.
    Random,
}

/// How long a past is made up for a new venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastLength {
    /// There is none.
    None,
    /// Days.
    Days(u32),
}

impl PastLength {
    /// Days of a live market's past unless told otherwise.
    pub const DEFAULT_DAYS: u32 = 30;
}

impl FromStr for PastLength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
        match days.filter(|days| (1..=MOST_DAYS).contains(days)) {
            Some(days) => Ok(Self::Days(days)),
            None => Err(format!("wants `none`, or days from `1d` to `{MOST_DAYS}d`, such as `30d`")),
        }
    }
}

/// How much of its journal a venue keeps: what is older than both the second newest snapshot and so many days of the
/// exchange's time is pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepJournal {
    /// Nothing is pruned.
    All,
    /// Days, 7 unless told otherwise.
    Days(u32),
}

impl Default for KeepJournal {
    fn default() -> Self {
        Self::Days(7)
    }
}

impl FromStr for KeepJournal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            days => days.parse().map(Self::Days).map_err(|_| "wants `all`, or a number of days such as 7"),
        }
    }
}

/// Everything a node is told. The first start of a data folder writes the venue's share of it into the genesis record;
/// later starts must name the same, and [`Config::of_venue`] does.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data folder; `None` keeps everything in memory.
    pub data: Option<PathBuf>,
    /// Source of development keys, the live market and, by [`IdentitySource::Seed`], order ids.
    pub seed: u64,
    /// How many named accounts there are from the start.
    pub accounts: u32,
    /// What each of them holds in its flex wallet, in USD. Each inverse wallet gets the worth of a tenth of it.
    pub balance: Money,
    /// Who trades without being asked.
    pub market: MarketKind,
    /// Days of the past that is made up for a live market; none without one.
    pub past_days: Option<u32>,
    /// Where exchange time comes from.
    pub clock: ClockKind,
    /// What is listed, and at which first index prices.
    pub instruments: Instruments,
    /// Where the key of order ids comes from.
    pub identity: IdentitySource,
    /// Opens the venue as it was before this record, as a new branch.
    pub until: Option<u64>,
    /// How much of its journal it keeps.
    pub keep_journal: KeepJournal,
}

/// What a venue lists.
#[derive(Clone, Debug)]
pub enum Instruments {
    /// Whatever the folder's venue lists; for a new one the default listing, its dated contracts computed from the start
    /// time.
    Default,
    /// As an instruments file says.
    Given(Listing),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: Some(PathBuf::from("loligo-data")),
            seed: 1,
            accounts: 10,
            balance: Money(1_000_000 * Money::ONE),
            market: MarketKind::Live,
            past_days: Some(PastLength::DEFAULT_DAYS),
            clock: ClockKind::Real,
            instruments: Instruments::Default,
            identity: IdentitySource::Seed,
            until: None,
            keep_journal: KeepJournal::default(),
        }
    }
}

impl Config {
    /// What a start that names nothing goes on with: the facts of the folder's venue, or the defaults of a new one.
    #[must_use]
    pub fn of_venue(facts: Option<&VenueFacts>) -> Self {
        let Some(facts) = facts else { return Self::default() };
        Self {
            seed: facts.seed,
            accounts: facts.accounts,
            balance: Money(facts.balance),
            market: if facts.live_market { MarketKind::Live } else { MarketKind::None },
            past_days: facts.past_days,
            clock: if facts.manual_clock {
                ClockKind::Manual { start: Timestamp(facts.start) }
            } else {
                ClockKind::Real
            },
            ..Self::default()
        }
    }

    /// A venue of its own for a test: in memory, manual clock, no market but what the test makes.
    #[must_use]
    pub fn test() -> Self {
        Self {
            data: None,
            market: MarketKind::None,
            past_days: None,
            clock: ClockKind::Manual { start: ClockKind::DEFAULT_START },
            ..Self::default()
        }
    }
}
