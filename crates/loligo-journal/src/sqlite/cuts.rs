//! Cuts: runs of rows that were pruned. Of each the place and the hash of its last row stay, and the chain goes on from that
//! hash.

use rusqlite::OptionalExtension as _;

use crate::branches::history;
use crate::error::JournalError;
use crate::sqlite::chain::Hash;
use crate::sqlite::store::{Store, sqlite_error};

/// The table of cuts. `place` is that of the first row that was removed, as in the table of rows.
pub(crate) const CUTS: &str = "
CREATE TABLE cut (
    place INTEGER PRIMARY KEY,
    branch INTEGER AS (place >> 42),
    first INTEGER AS (place & 4398046511103),
    last INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
";

const NEAREST: &str = "SELECT place >> 42, place & 4398046511103, last, hash FROM cut
    WHERE place BETWEEN ?1 << 42 AND (?1 << 42) + ?2 ORDER BY place DESC LIMIT 1";

/// Records of a branch that are not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) branch: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Hash of the row that ended with `last`.
    pub(crate) hash: Hash,
}

impl Cut {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let number = |column: usize| -> rusqlite::Result<u64> {
            let value: i64 = row.get(column)?;
            u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
        };
        Ok(Self { branch: number(0)?, first: number(1)?, last: number(2)?, hash: row.get(3)? })
    }
}

impl Store {
    /// The last cut of `branch` that begins at the record `sequence` or before it.
    pub(crate) fn cut_at_or_before(&self, branch: u64, sequence: u64) -> Result<Option<Cut>, JournalError> {
        if !self.form().has_cuts() {
            return Ok(None);
        }
        let place = [branch.cast_signed(), self.form().sql_sequence(sequence)];
        let cut = self
            .connection
            .prepare_cached(NEAREST)
            .and_then(|mut query| query.query_row(place, Cut::read).optional());
        cut.map_err(|error| self.cut_trouble(error))
    }

    /// The cut that the record `sequence` of `branch` was removed with.
    pub(crate) fn cut_at(&self, branch: u64, sequence: u64) -> Result<Option<Cut>, JournalError> {
        Ok(self.cut_at_or_before(branch, sequence)?.filter(|cut| cut.last >= sequence))
    }

    /// All cuts, by branch and place. Few: they are parted only by the rows that branches and kept snapshots stand on.
    pub(crate) fn cuts(&self) -> Result<Vec<Cut>, JournalError> {
        if !self.form().has_cuts() {
            return Ok(Vec::new());
        }
        let all = "SELECT place >> 42, place & 4398046511103, last, hash FROM cut ORDER BY place";
        let cuts =
            self.connection.prepare(all).and_then(|mut query| query.query_map([], Cut::read)?.collect());
        cuts.map_err(|error| self.cut_trouble(error))
    }

    /// The record from which on the history of `branch` can be read without a gap: 1 where nothing was pruned.
    pub(crate) fn kept_from(&self, branch: u64) -> Result<u64, JournalError> {
        for segment in history(&self.branches, branch).unwrap_or_default().iter().rev() {
            if let Some(cut) = self.cut_at_or_before(segment.branch, segment.to)? {
                return Ok(cut.last + 1);
            }
        }
        Ok(1)
    }

    fn cut_trouble(&self, error: rusqlite::Error) -> JournalError {
        sqlite_error("read", self.path(), "the table of cuts", error)
    }
}
