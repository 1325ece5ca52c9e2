//! Where figures are kept: one table, of a row for each subject, length and time in which something changed.
//!
//! Lengths and how long they are kept are those of candles.

use super::super::Resolution;
use super::super::shelf::MINUTES_KEPT_DAYS;
use super::Subject;
use super::figures::Stretch;
use super::forming::Row;
use loligo_engine::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, params};

/// `subject` is the number of a contract, or -1 for the liquidation pool; `opened` is in epoch seconds; `figures` are packed.
pub(super) const SCHEMA: &str = "
    CREATE TABLE analytics (
        subject INTEGER NOT NULL,
        minutes INTEGER NOT NULL,
        opened INTEGER NOT NULL,
        figures BLOB NOT NULL,
        PRIMARY KEY (subject, minutes, opened)
    ) STRICT, WITHOUT ROWID";

/// The rows of one subject, oldest first.
#[derive(Clone, Copy)]
pub(super) struct Shelf<'c> {
    connection: &'c Connection,
    subject: Subject,
}

/// When a stretch opened, and its figures.
pub(super) type Kept<T> = (Timestamp, T);

/// Keeps rows, each in the place of the one that is there for its time.
pub(super) fn put(connection: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached("INSERT OR REPLACE INTO analytics VALUES (?1, ?2, ?3, ?4)")?;
    for Row { subject, resolution, opened, figures } in rows {
        put.execute(params![subject.number(), resolution.minutes(), seconds(*opened), figures])?;
    }
    Ok(())
}

impl<'c> Shelf<'c> {
    pub(super) fn new(connection: &'c Connection, subject: Subject) -> Self {
        Self { connection, subject }
    }

    /// Drops the minutes that are too old at `now`, but the newest of these: it is what stood.
    pub(super) fn prune(self, now: Timestamp) -> rusqlite::Result<()> {
        let horizon = seconds(now) - MINUTES_KEPT_DAYS * 86_400;
        self.connection.execute(
            "DELETE FROM analytics WHERE subject = ?1 AND minutes = 1 AND opened < (
                SELECT max(opened) FROM analytics WHERE subject = ?1 AND minutes = 1 AND opened < ?2)",
            params![self.subject.number(), horizon],
        )?;
        Ok(())
    }

    /// Those that opened between two instants, both counted in.
    pub(super) fn between<T: Stretch>(
        self,
        kept: Resolution,
        from: Timestamp,
        to: Timestamp,
    ) -> rusqlite::Result<Vec<Kept<T>>> {
        self.select(kept, seconds(from), seconds(to), "ASC")
    }

    /// The newest that opened before an instant.
    pub(super) fn before<T: Stretch>(
        self,
        kept: Resolution,
        time: Timestamp,
    ) -> rusqlite::Result<Option<Kept<T>>> {
        Ok(self.select(kept, i64::MIN, seconds(Timestamp(time.0 - 1)), "DESC LIMIT 1")?.pop())
    }

    /// The oldest.
    pub(super) fn first<T: Stretch>(self, kept: Resolution) -> rusqlite::Result<Option<Kept<T>>> {
        Ok(self.select(kept, i64::MIN, i64::MAX, "ASC LIMIT 1")?.pop())
    }

    fn select<T: Stretch>(
        self,
        kept: Resolution,
        from: i64,
        to: i64,
        order: &str,
    ) -> rusqlite::Result<Vec<Kept<T>>> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT opened, figures FROM analytics
             WHERE subject = ?1 AND minutes = ?2 AND opened BETWEEN ?3 AND ?4 ORDER BY opened {order}"
        ))?;
        let rows = select.query_map(params![self.subject.number(), kept.minutes(), from, to], |row| {
            let opened = Timestamp(row.get::<_, i64>(0)?.saturating_mul(Timestamp::SECOND));
            let figures = postcard::from_bytes(row.get_ref(1)?.as_blob()?)
                .map_err(|_| rusqlite::Error::InvalidColumnType(1, "figures".into(), Type::Blob))?;
            Ok((opened, figures))
        })?;
        rows.collect()
    }
}

fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(Timestamp::SECOND)
}
