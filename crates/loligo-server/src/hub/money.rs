//! An account's money: who follows its positions and wallets, and what they are told.
//!
//! All of it is told whole, from one statement; the first that comes is what a subscription begins with, whether it was asked
//! for or is of a change. Prices alone are told at a pace, everything else at once.

use super::encoder::message;
use super::followers::Followers;
use super::{Dialects, Follower, Joined, MoneyFeed, Names, Shared};
use crate::projection::Statement;
use crate::record::KeyId;
use crate::transport::outbox::Frame;
use loligo_engine::Wallet;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Money {
    pub(super) followers: Followers<MoneyFeed, MoneyTold>,
    /// What prices alone have changed since it was told.
    untold: Option<Arc<Statement>>,
}

/// What one was told of the money.
#[derive(Default)]
pub(super) struct MoneyTold {
    /// What it was told last; none before its first message.
    last: Option<Arc<Statement>>,
    /// The number of its next message.
    seq: u64,
}

/// What of the wallets a message shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WalletsShown<'s> {
    /// All of them: the first message of a subscription.
    All,
    /// The cash and inverse wallets that are not as they were.
    Changed(&'s Statement),
    /// The flex wallet.
    Flex,
}

impl Money {
    pub(super) fn join(&mut self, follower: &Follower, key: KeyId, feed: MoneyFeed) -> Joined {
        let (joined, told) = self.followers.join(follower, key, feed);
        *told = MoneyTold::default();
        joined
    }

    /// Takes a statement: one of prices alone waits for its turn.
    pub(super) fn take(
        &mut self,
        dialects: &Dialects,
        names: Names<'_>,
        statement: &Arc<Statement>,
        at_once: bool,
    ) {
        if at_once {
            self.untold = None;
            self.tell(dialects, names, statement);
        } else {
            self.untold = Some(Arc::clone(statement));
        }
    }

    /// It is time to tell what prices have changed.
    pub(super) fn keep_pace(&mut self, dialects: &Dialects, names: Names<'_>) {
        if let Some(statement) = self.untold.take() {
            self.tell(dialects, names, &statement);
        }
    }

    fn tell(&mut self, dialects: &Dialects, names: Names<'_>, now: &Arc<Statement>) {
        let mut shared = Shared::new();
        self.followers.tell(|other| {
            let told = other.state.last.replace(Arc::clone(now));
            // The one it has been told may be the newer: it was asked for and did not wait here.
            if let Some(newer) = told.as_ref().filter(|told| told.sequence >= now.sequence) {
                other.state.last = Some(Arc::clone(newer));
                return true;
            }
            let (dialect, feed) = other.rank();
            let encoder = dialects.of(dialect);
            let mut push = |part: Part<'_>| {
                let seq = other.state.seq;
                let encode = |_: &_| {
                    message(|out| match part {
                        Part::Positions => encoder.positions(out, names, now, seq),
                        Part::Wallets(shown) => encoder.wallets(out, names, now, shown, seq),
                        Part::Margins => encoder.margins(out, names, now, seq),
                    })
                };
                // Nearly all who follow the same are at the same number.
                let rank = (dialect, feed, seq, told.as_ref().map(|told| told.sequence), part.number());
                let told: Option<Frame> = shared.of(rank, encode);
                other.state.seq += u64::from(told.is_some());
                told.is_none_or(|told| other.follower.outbox.push(told))
            };
            match (feed, &told) {
                (MoneyFeed::Positions, Some(told)) if told.positions == now.positions => true,
                (MoneyFeed::Positions, _) => push(Part::Positions),
                (MoneyFeed::Wallets, None) => push(Part::Wallets(WalletsShown::All)),
                (MoneyFeed::Margins, None) => push(Part::Margins),
                (_, Some(told)) if told.has_wallets_of(now) => true,
                (MoneyFeed::Margins, Some(_)) => push(Part::Margins),
                (MoneyFeed::Wallets, Some(told)) => {
                    let single = !same_singles(told, now);
                    (!single || push(Part::Wallets(WalletsShown::Changed(told))))
                        && (!flex_differs(told, now) || push(Part::Wallets(WalletsShown::Flex)))
                }
            }
        });
    }
}

/// What one message is of.
#[derive(Clone, Copy)]
enum Part<'s> {
    Positions,
    Wallets(WalletsShown<'s>),
    Margins,
}

impl Part<'_> {
    const fn number(&self) -> u8 {
        match self {
            Self::Positions => 0,
            Self::Wallets(WalletsShown::All) => 1,
            Self::Wallets(WalletsShown::Changed(_)) => 2,
            Self::Wallets(WalletsShown::Flex) => 3,
            Self::Margins => 4,
        }
    }
}

/// Whether cash and inverse wallets are as they were.
fn same_singles(told: &Statement, now: &Statement) -> bool {
    let of = |statement: &Statement| {
        let singles = statement.wallets.iter().filter(|wallet| wallet.view.wallet != Wallet::Flex);
        singles.cloned().collect::<Vec<_>>()
    };
    of(told) == of(now)
}

/// Whether the flex wallet, its positions' worth included, is another.
fn flex_differs(told: &Statement, now: &Statement) -> bool {
    let wallet = |statement: &Statement| {
        statement.wallets.iter().find(|wallet| wallet.view.wallet == Wallet::Flex).cloned()
    };
    let positions = |statement: &Statement| {
        let of_flex = statement.positions.iter().filter(|position| position.wallet == Wallet::Flex);
        of_flex.map(|position| (position.view, position.risk.value_at_mark)).collect::<Vec<_>>()
    };
    wallet(told) != wallet(now) || told.flex != now.flex || positions(told) != positions(now)
}
