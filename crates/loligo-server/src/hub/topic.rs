//! What can be followed, and what a connection asks about it.

use super::{Form, LogSoFar};
use crate::charts::SeriesAt;
use crate::projection::Statement;
use crate::record::KeyId;
use crate::transport::outbox::Frame;
use loligo_engine::{AccountId, InstrumentId};
use std::sync::Arc;

/// A part of a request, in the order in which it is to be answered.
pub(crate) enum Action {
    /// Says something that is settled.
    Say(Frame),
    /// Joins, and says so with this frame.
    Join(Topic, Frame),
    /// Joins again what is held. What is not cannot be joined now, and is refused with this frame.
    Rejoin(Topic, Frame),
    /// Leaves, and says so with this frame.
    Leave(Topic, Frame),
    /// Shows an account's money to those who joined it and were told nothing of it yet, or nothing as new.
    Show(Arc<Statement>),
    /// Shows what there was of an account's log to those who joined it and were told nothing of it yet, or nothing as new.
    Begin(LogSoFar),
}

impl Action {
    /// Whether it is of an account.
    pub(super) fn is_private(&self) -> bool {
        match self {
            Self::Say(_) => false,
            Self::Join(topic, _) | Self::Rejoin(topic, _) | Self::Leave(topic, _) => {
                matches!(topic, Topic::Account(..))
            }
            Self::Show(_) | Self::Begin(_) => true,
        }
    }
}

/// What can be followed.
#[derive(Clone, Debug)]
pub(crate) enum Topic {
    /// That the exchange is there.
    Heartbeat,
    /// Something of a contract.
    Market(InstrumentId, MarketFeed),
    /// Something of an account.
    Account(Signer, AccountFeed),
}

/// What of a contract can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarketFeed {
    Book,
    Trades,
    /// The ticker, in one of the dialect's forms.
    Ticker(Form),
    /// Candles of a series.
    Candles(SeriesAt),
}

/// What of an account can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountFeed {
    /// Open orders, in one of the dialect's forms.
    Orders(Form),
    /// Fills; of this contract, or of all.
    Fills(Option<InstrumentId>),
    /// What positions and wallets come to. Whoever has joined asks for the first statement and [shows](Action::Show) it.
    Money(MoneyFeed),
    /// The log. Whoever has joined reads what there was of it and [shows](Action::Begin) it.
    Log(LogFeed),
    /// Notices to clients.
    Notices,
}

/// What of an account's log can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogFeed {
    /// All rows.
    Rows,
    /// Deposits and withdrawals, always all that are told.
    Payments,
}

/// What of an account's money can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MoneyFeed {
    /// Open positions.
    Positions,
    /// Wallets: all, then those that have changed.
    Wallets,
    /// Wallets, always all.
    Margins,
}

/// Whose key a private subscription belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signer {
    pub(crate) account: AccountId,
    pub(crate) key: KeyId,
}
