//! An account's log: who follows it, or the deposits and withdrawals in it, and what they are told.
//!
//! Rows come from the follower that makes them, each with its number in the account's log. What there was before is read by
//! whoever joined; rows that come meanwhile are held.

use super::encoder::message;
use super::followers::{Followers, Following};
use super::{Dialect, Dialects, Follower, Joined, LogFeed, Names, Shared};
use crate::history::{LogRow, is_payment};
use crate::record::KeyId;
use loligo_engine::AccountId;
use std::sync::Arc;

/// Rows that are held for one who is not told the beginning yet, some 300 bytes each: more than come while a page is read.
const HELD: usize = 10_000;
/// Deposits and withdrawals that are told, the newest of them: each message has all of these.
pub(crate) const PAYMENTS: usize = 100;

#[derive(Default)]
pub(super) struct Log {
    pub(super) followers: Followers<LogFeed, LogTold>,
}

/// What one was told of the log.
#[derive(Default)]
pub(super) struct LogTold {
    /// The last row that it was told, or would have been; none before its beginning.
    shown: Option<u64>,
    /// Rows that wait for the beginning; afterwards the deposits and withdrawals that were told.
    rows: Vec<Arc<LogRow>>,
}

/// What there was of an account's log when it was read.
#[derive(Debug)]
pub(crate) struct LogSoFar {
    pub(crate) account: AccountId,
    pub(crate) feed: LogFeed,
    /// What is told of it, newest first.
    pub(crate) rows: Vec<Arc<LogRow>>,
    /// The number of the newest row there was; 0 before the first.
    pub(crate) newest: u64,
}

impl Log {
    pub(super) fn join(&mut self, follower: &Follower, key: KeyId, feed: LogFeed) -> Joined {
        let (joined, told) = self.followers.join(follower, key, feed);
        *told = LogTold::default();
        joined
    }

    /// Tells what there was to those who wait for it, and what came since.
    pub(super) fn begin(&mut self, dialects: &Dialects, names: Names<'_>, so_far: &LogSoFar) {
        let LogSoFar { account, feed, rows, newest } = so_far;
        self.followers.tell(|other| {
            if other.feed != *feed || other.state.shown.is_some() {
                return true;
            }
            let encoder = dialects.of(other.follower.dialect);
            let first = match feed {
                LogFeed::Rows => message(|out| encoder.log(out, names, *account, rows)),
                LogFeed::Payments => message(|out| encoder.payments(out, names, *account, rows)),
            };
            other.state.shown = Some(*newest);
            let waiting = std::mem::take(&mut other.state.rows);
            if *feed == LogFeed::Payments {
                other.state.rows.clone_from(rows);
            }
            first.is_none_or(|first| other.follower.outbox.push(first))
                && waiting.iter().all(|row| other.tell(dialects, names, *account, row, &mut Shared::new()))
        });
    }

    /// Tells a new row.
    pub(super) fn tell(
        &mut self,
        dialects: &Dialects,
        names: Names<'_>,
        account: AccountId,
        row: &Arc<LogRow>,
    ) {
        let mut shared = Shared::new();
        self.followers.tell(|other| {
            if other.state.shown.is_none() {
                if other.state.rows.len() == HELD {
                    other.follower.outbox.overflow();
                    return false;
                }
                other.state.rows.push(Arc::clone(row));
                return true;
            }
            other.tell(dialects, names, account, row, &mut shared)
        });
    }
}

impl Following<LogFeed, LogTold> {
    /// Tells it a row that it was not told; false when it has no room for it.
    fn tell(
        &mut self,
        dialects: &Dialects,
        names: Names<'_>,
        account: AccountId,
        row: &Arc<LogRow>,
        shared: &mut Shared<(Dialect, LogFeed)>,
    ) -> bool {
        if self.state.shown.is_some_and(|shown| row.row.number <= shown) {
            return true;
        }
        self.state.shown = Some(row.row.number);
        let encoder = dialects.of(self.follower.dialect);
        let told = match self.feed {
            LogFeed::Rows => {
                shared.of(self.rank(), |_| message(|out| encoder.log_row(out, names, account, row)))
            }
            LogFeed::Payments if is_payment(&row.row) => {
                self.state.rows.insert(0, Arc::clone(row));
                self.state.rows.truncate(PAYMENTS);
                let rows = &self.state.rows;
                message(|out| encoder.payments(out, names, account, rows))
            }
            LogFeed::Payments => None,
        };
        told.is_none_or(|told| self.follower.outbox.push(told))
    }
}
