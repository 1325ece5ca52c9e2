//! The forms in which rows were ever stored, what asks each for rows, and the crossing from the older ones to the newest.
//!
//! Rows were kept by their key (branch, first) in a table without row ids, where a row over a quarter of a page spills
//! into pages of its own. Then the key was one number, the row id: a row lies whole in the page it belongs to, and a
//! commit writes one page instead of four. Now rows may be missing, too, where the table of cuts says so. Nothing that the
//! chain covers differs between them.

use rusqlite::ErrorCode;

use crate::error::JournalError;
use crate::sqlite::cuts::CUTS;
use crate::sqlite::store::{Store, sqlite_error};

/// The stored format. A change of anything in `docs/journal.md` gives it another number.
pub(crate) const FORMAT: u32 = 3;
/// Bits of a place that count records; those above them are the branch. Room for four million million records on each of
/// two million branches.
const FIRST_BITS: u32 = 42;
const MAX_FIRST: u64 = (1 << FIRST_BITS) - 1;
const MAX_BRANCH: u64 = (1 << (63 - FIRST_BITS)) - 1;

/// The table of rows. `place` is `branch * 2^42 + first`; the two columns made of it are for people.
pub(crate) const ROWS: &str = "
CREATE TABLE batch (
    place INTEGER PRIMARY KEY,
    branch INTEGER AS (place >> 42),
    first INTEGER AS (place & 4398046511103),
    count INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    records BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
";
const _: () =
    assert!(FIRST_BITS == 42 && MAX_FIRST == 4_398_046_511_103, "the statements have the numbers as text");

/// Puts a row in: branch, first, count, time, records, hash.
const INSERT: &str = "INSERT INTO batch VALUES ((?1 << 42) + ?2, ?3, ?4, ?5, ?6)";

/// How rows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Format 1: by (branch, first), without row ids. Read, and written only where a full disk or damage allows no crossing.
    Keyed,
    /// Format 2: by `place`.
    Placed,
    /// Format 3: by `place`, and some may have been cut out.
    Cut,
}

/// Statements over rows. All take the branch and a record; a row is answered as branch, first, count, time, records, hash.
#[derive(Debug)]
pub(crate) struct Statements {
    /// The last row that begins at the record or before it.
    pub(crate) at_or_before: &'static str,
    /// The rows that begin at the record or after it, in order.
    pub(crate) from: &'static str,
    /// Where the first of those begins.
    pub(crate) begins: &'static str,
    pub(crate) insert: &'static str,
}

impl Form {
    pub(crate) fn of(format: &str) -> Option<Self> {
        match format {
            "1" => Some(Self::Keyed),
            "2" => Some(Self::Placed),
            "3" => Some(Self::Cut),
            _ => None,
        }
    }

    /// The number of the format.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Keyed => 1,
            Self::Placed => 2,
            Self::Cut => 3,
        }
    }

    /// Whether there is a table of cuts.
    pub(crate) const fn has_cuts(self) -> bool {
        matches!(self, Self::Cut)
    }

    pub(crate) const fn statements(self) -> &'static Statements {
        match self {
            Self::Keyed => &Statements {
                at_or_before: "SELECT branch, first, count, time_us, records, hash FROM batch
                    WHERE branch = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
                from: "SELECT branch, first, count, time_us, records, hash FROM batch
                    WHERE branch = ?1 AND first >= ?2 ORDER BY first",
                begins: "SELECT first FROM batch WHERE branch = ?1 AND first >= ?2 ORDER BY first LIMIT 1",
                insert: "INSERT INTO batch VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            },
            Self::Placed | Self::Cut => &Statements {
                at_or_before:
                    "SELECT place >> 42, place & 4398046511103, count, time_us, records, hash FROM batch
                    WHERE place BETWEEN ?1 << 42 AND (?1 << 42) + ?2 ORDER BY place DESC LIMIT 1",
                from: "SELECT place >> 42, place & 4398046511103, count, time_us, records, hash FROM batch
                    WHERE place BETWEEN (?1 << 42) + ?2 AND (?1 << 42) + 4398046511103 ORDER BY place",
                begins:
                    "SELECT place & 4398046511103 FROM batch
                    WHERE place BETWEEN (?1 << 42) + ?2 AND (?1 << 42) + 4398046511103 ORDER BY place LIMIT 1",
                insert: INSERT,
            },
        }
    }

    /// A record as the statements take it; no place comes near the end of them.
    pub(crate) fn sql_sequence(self, sequence: u64) -> i64 {
        match self {
            Self::Keyed => i64::try_from(sequence).unwrap_or(i64::MAX),
            Self::Placed | Self::Cut => sequence.min(MAX_FIRST).cast_signed(),
        }
    }
}

/// Whether a row of this branch that begins with this record has a place.
pub(crate) fn has_place(branch: u64, first: u64) -> bool {
    (1..=MAX_BRANCH).contains(&branch) && first <= MAX_FIRST
}

/// The header that a database of the present form is stored with; `chained` is the one that the chain begins with. A
/// journal that has crossed keeps the name of the format it was made in, for its chain begins with that.
pub(crate) fn stored_header(chained: &[(String, String)]) -> Vec<(String, String)> {
    let now = FORMAT.to_string();
    let mut stored = chained.to_vec();
    let mut made_in = None;
    for (key, value) in &mut stored {
        if key == "format" && *value != now {
            made_in = Some(std::mem::replace(value, now.clone()));
        }
    }
    stored.extend(made_in.map(|format| (MADE_IN.to_owned(), format)));
    stored.sort();
    stored
}

const MADE_IN: &str = "created_format";

/// The header that the chain begins with, from the one that is stored.
pub(crate) fn chained_header(mut stored: Vec<(String, String)>) -> Vec<(String, String)> {
    if let Some(at) = stored.iter().position(|(key, _)| key == MADE_IN) {
        let (_, made_in) = stored.remove(at);
        for (_, value) in stored.iter_mut().filter(|(key, _)| key == "format") {
            value.clone_from(&made_in);
        }
    }
    stored
}

/// Takes the rows over into the present form, in one transaction: a kill leaves one form or the other. `right` is asked
/// of the new form before it counts.
///
/// A journal that cannot cross now stays as it is, and in use: the disk has no room for both forms at once, or pages
/// that no start reads are broken.
///
/// # Errors
/// Trouble with files that leaves open what was written.
pub(crate) fn cross(
    store: &mut Store,
    right: impl FnOnce(&Store) -> Result<bool, JournalError>,
) -> Result<bool, JournalError> {
    if store.form() == Form::Cut {
        return Ok(false);
    }
    let crossed = rewrite(store, right).and_then(|right| {
        if right {
            run(store, "COMMIT")?;
        }
        Ok(right)
    });
    if !matches!(crossed, Ok(true)) {
        if !store.connection.is_autocommit() {
            run(store, "ROLLBACK")?;
        }
        store.read_header()?;
    }
    match crossed {
        Err(error) if !leaves_the_old_one_whole(&error) => Err(error),
        crossed => Ok(crossed.unwrap_or(false)),
    }
}

fn rewrite(
    store: &mut Store,
    right: impl FnOnce(&Store) -> Result<bool, JournalError>,
) -> Result<bool, JournalError> {
    run(store, "BEGIN IMMEDIATE")?;
    let number = |sql: &str| -> Result<i64, JournalError> {
        let answer = store.connection.query_row(sql, [], |row| row.get(0));
        answer.map_err(|error| trouble(store, error))
    };
    let strays = format!(
        "SELECT count(*) FROM batch WHERE branch NOT BETWEEN 1 AND {MAX_BRANCH} OR first NOT BETWEEN 0 AND {MAX_FIRST}"
    );
    let rows = number("SELECT count(*) FROM batch")?;
    if store.form() == Form::Keyed {
        if number(&strays)? > 0 {
            return Ok(false);
        }
        run(store, &format!("ALTER TABLE batch RENAME TO keyed; {ROWS}"))?;
        run(
            store,
            "INSERT INTO batch SELECT (branch << 42) + first, count, time_us, records, hash FROM keyed
                ORDER BY branch, first;
             DROP TABLE keyed;",
        )?;
    }
    run(store, &format!("{CUTS} DELETE FROM header;"))?;
    for row in stored_header(store.header()) {
        let inserted = store.connection.execute("INSERT INTO header VALUES (?1, ?2)", row);
        inserted.map_err(|error| trouble(store, error))?;
    }
    run(store, &format!("PRAGMA user_version = {FORMAT}"))?;
    if number("SELECT count(*) FROM batch")? != rows {
        return Ok(false);
    }
    store.read_header()?;
    right(store)
}

fn run(store: &Store, statements: &str) -> Result<(), JournalError> {
    store.connection.execute_batch(statements).map_err(|error| trouble(store, error))
}

fn trouble(store: &Store, error: rusqlite::Error) -> JournalError {
    sqlite_error("bring to the present format", store.path(), "its rows", error)
}

/// Whether after this and a rollback the old form is as it was.
fn leaves_the_old_one_whole(error: &JournalError) -> bool {
    match error {
        JournalError::Sqlite { source, .. } => matches!(
            source.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        ),
        JournalError::Io { .. } | JournalError::NotDurable { .. } => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_has_crossed_begins_the_chain_that_it_began_before() {
        let header = |rows: &[(&str, &str)]| -> Vec<(String, String)> {
            rows.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let old = header(&[("created_us", "5"), ("format", "1")]);
        let crossed = header(&[("created_format", "1"), ("created_us", "5"), ("format", "3")]);
        assert_eq!(stored_header(&old), crossed);
        assert_eq!(chained_header(crossed), old);
        let between = header(&[("created_format", "1"), ("created_us", "5"), ("format", "2")]);
        assert_eq!(chained_header(between), old);
        let new = header(&[("created_us", "5"), ("format", "3")]);
        assert_eq!(stored_header(&new), new);
        assert_eq!(chained_header(new.clone()), new);
    }
}
