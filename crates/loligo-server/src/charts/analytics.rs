//! Statistics of markets by stretches of time: what was traded in them, and how market, book and holders stood at their end.
//!
//! All of it follows from events and their instants, so it is the same whenever it is folded. Where a figure is that of a
//! stretch's end, it is what stood before the first event of the next minute. What costs a walk, over a book or its holders, is
//! made once a minute of a contract that changed in it, and when somebody asks.
//!
//! `docs/analytics.md` says what each figure means.

mod figures;
mod fold;
mod follower;
mod forming;
mod page;
mod shelf;
mod standing;

#[cfg(test)]
mod tests;

pub(crate) use figures::{AVERAGE_OF, Figures, Holders, Ohlc, PoolValue, SideOfBook};
pub(crate) use follower::{Analytics, NAME};
pub(crate) use page::Page;

use loligo_engine::InstrumentId;

/// Whose figures they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// The liquidation pool of the exchange.
    Pool,
    Contract(InstrumentId),
}

impl Subject {
    /// Its number in the database.
    fn number(self) -> i64 {
        match self {
            Self::Pool => -1,
            Self::Contract(InstrumentId(number)) => number.into(),
        }
    }
}
