//! The assignment program (rules 5.6): who takes over positions that nobody on the market takes, of which contracts, and how much.

use crate::id::{AccountId, Currency, InstrumentId, ProgramId, Timestamp};
use crate::instrument::InstrumentSpec;
use crate::money::Money;
use crate::words::{ContractKind, TimeFrame};
use serde::{Deserialize, Serialize};

/// What an account takes over. What is absent says nothing, and so holds for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignmentProgram {
    /// Of contracts that settle like this.
    pub kind: ContractKind,
    /// Of this contract alone.
    pub instrument: Option<InstrumentId>,
    /// Of contracts on this currency.
    pub base: Option<Currency>,
    /// Of contracts that are quoted in this currency.
    pub quote: Option<Currency>,
    /// The most that is taken over at once, in millionths of a contract.
    pub max_size: Option<i64>,
    /// The largest position that comes of it, on either side, in millionths of a contract.
    pub max_position: Option<i64>,
    /// Takes longs.
    pub accept_long: bool,
    /// Takes shorts.
    pub accept_short: bool,
    /// When.
    pub time_frame: TimeFrame,
    /// It holds; one that does not is only kept.
    pub enabled: bool,
    /// The largest value, in USD at mark, of the position that comes of it.
    pub max_notional: Option<Money>,
    /// The least that is gained against mark with a long, in 1e-8 of the value at mark; negative where a loss is borne.
    pub min_profit_long: Option<i64>,
    /// Likewise with a short.
    pub min_profit_short: Option<i64>,
}

/// A program of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Its number; the older has the lower one.
    pub id: ProgramId,
    /// Whose.
    pub account: AccountId,
    /// What it takes.
    pub program: AssignmentProgram,
}

/// A program that was added or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramChange {
    /// Its number.
    pub id: ProgramId,
    /// Whose.
    pub account: AccountId,
    /// What it takes, or took.
    pub program: AssignmentProgram,
    /// It was removed.
    pub removed: bool,
    /// When.
    pub at: Timestamp,
}

impl AssignmentProgram {
    /// True for a contract that it is of.
    pub(crate) fn is_of(&self, id: InstrumentId, spec: &InstrumentSpec) -> bool {
        self.kind == spec.kind
            && self.instrument.is_none_or(|only| only == id)
            && self.base.is_none_or(|base| base == spec.base)
            && self.quote.is_none_or(|quote| quote == spec.quote)
    }

    /// Takes positions of this side.
    pub(crate) fn accepts(&self, long: bool) -> bool {
        if long { self.accept_long } else { self.accept_short }
    }

    /// The least gain against mark that it asks for on this side, in 1e-8.
    pub(crate) fn min_profit(&self, long: bool) -> Option<i64> {
        if long { self.min_profit_long } else { self.min_profit_short }
    }
}

impl TimeFrame {
    /// True at an instant that is in it, by UTC.
    pub(crate) fn contains(self, at: Timestamp) -> bool {
        // The first day of 1970 was a Thursday.
        let day = (crate::account::day_of(at) + 4).rem_euclid(7);
        let weekend = day == 0 || day == 6;
        match self {
            TimeFrame::All => true,
            TimeFrame::Weekdays => !weekend,
            TimeFrame::Weekend => weekend,
        }
    }
}
