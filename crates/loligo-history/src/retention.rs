//! How long rows of markets are kept, and how those go that are too old.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::page::{At, at};
use crate::rows::{MarkPrice, PublicExecution, PublicOrderEvent, Row};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Rows that go with one write beyond as many as it brings: those of a past that is too long are gone in minutes, and no write
/// takes longer for it than one of as many rows.
const SLICE: u32 = 500;
/// Lists that one write looks at.
const LOOKS: usize = 4;

/// How long rows of markets are kept, in milliseconds of exchange time. Those of accounts are kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Public order events.
    pub orders_ms: i64,
    /// Mark prices.
    pub prices_ms: i64,
    /// Trades.
    pub trades_ms: i64,
}

impl Default for Keep {
    fn default() -> Self {
        Self::days(2)
    }
}

impl Keep {
    /// Order events and mark prices for so many days, trades for 30, or for as long if that is longer.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        let kept = DAY * days as i64;
        let trades = if days > 30 { kept } else { DAY * 30 };
        Self { orders_ms: kept, prices_ms: kept, trades_ms: trades }
    }

    /// All of it for an hour: what an exchange in memory has room for, which otherwise would grow with its market's past.
    #[must_use]
    pub const fn an_hour() -> Self {
        let kept = DAY / 24;
        Self { orders_ms: kept, prices_ms: kept, trades_ms: kept }
    }

    /// How long the rows of a list are kept; `None` for ever.
    pub(crate) fn of(self, table: &str) -> Option<i64> {
        self.lists().into_iter().find(|(list, _)| *list == table).map(|(_, kept)| kept)
    }

    fn lists(self) -> [(&'static str, i64); 3] {
        [
            (PublicOrderEvent::TABLE, self.orders_ms),
            (MarkPrice::TABLE, self.prices_ms),
            (PublicExecution::TABLE, self.trades_ms),
        ]
    }
}

/// Where the search for old rows goes on: lists of contracts take turns.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    list: usize,
    contract: i64,
}

impl Turn {
    /// Removes what is too old from the next few lists, so many rows and a slice at most. Says how many went.
    pub(crate) fn prune(
        &mut self,
        connection: &Connection,
        keep: Keep,
        now_ms: i64,
        brought: usize,
    ) -> rusqlite::Result<usize> {
        let mut left = u32::try_from(brought).unwrap_or(u32::MAX).saturating_add(SLICE);
        let before = left;
        for _ in 0..LOOKS {
            let (table, kept_ms) = keep.lists()[self.list];
            let removed = match self.next_contract(connection, table)? {
                Some(contract) => remove(connection, table, contract, now_ms.saturating_sub(kept_ms), left)?,
                None => {
                    self.list = (self.list + 1) % keep.lists().len();
                    0
                }
            };
            left = left.saturating_sub(removed);
            if left == 0 {
                break;
            }
        }
        Ok((before - left) as usize)
    }

    /// The next contract that has rows in the list.
    fn next_contract(&mut self, connection: &Connection, table: &str) -> rusqlite::Result<Option<i64>> {
        let mut next = connection.prepare_cached(&format!(
            "SELECT contract FROM {table} WHERE contract > ?1 ORDER BY contract LIMIT 1"
        ))?;
        let found: Option<i64> = next.query_row([self.contract], |row| row.get(0)).optional()?;
        self.contract = found.unwrap_or(-1);
        Ok(found)
    }
}

/// Removes rows from before an instant, the oldest first, and so many at most.
fn remove(
    connection: &Connection,
    table: &str,
    contract: i64,
    before_ms: i64,
    most: u32,
) -> rusqlite::Result<u32> {
    let mut stays = connection.prepare_cached(&format!(
        "SELECT contract, time_ms, sequence, ordinal FROM {table} WHERE contract = ?1 AND time_ms < ?2
         ORDER BY time_ms, sequence, ordinal LIMIT 1 OFFSET ?3"
    ))?;
    let first: Option<At> = stays.query_row(params![contract, before_ms, most], at).optional()?;
    let removed = match first {
        Some(first) => connection
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE contract = ?1 AND (time_ms, sequence, ordinal) < (?2, ?3, ?4)"
            ))?
            .execute(params![contract, first.time_ms, first.sequence.cast_signed(), first.ordinal])?,
        None => connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE contract = ?1 AND time_ms < ?2"))?
            .execute(params![contract, before_ms])?,
    };
    Ok(u32::try_from(removed).unwrap_or(u32::MAX))
}
