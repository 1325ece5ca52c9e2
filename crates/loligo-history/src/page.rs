//! Pages of a list, by range and token.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::columns::{Cells, Columns};
use crate::error::Error;
use crate::rows::{AccountLogEntry, Row, lists};
use crate::token::Token;

/// Most rows that one page looks at: with a filter that few rows pass, a page may be short, or empty, and still have a token.
pub const SCANNED: u32 = 10_000;

/// Where a row stands among all rows: by time, and at one time by record, and in a record by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct At {
    /// When it happened.
    pub time_ms: i64,
    /// In which record.
    pub sequence: u64,
    /// As which of the record's rows in the list.
    pub ordinal: u32,
}

/// A row, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<R> {
    /// Where.
    pub at: At,
    /// The row.
    pub row: R,
}

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// What is asked of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose list: an account's or a contract's number.
    pub owner: u32,
    /// The first instant.
    pub since_ms: Option<i64>,
    /// The instant behind the last.
    pub before_ms: Option<i64>,
    /// Which end first.
    pub sort: Sort,
    /// Most rows of a page.
    pub count: u32,
    /// What the caller's filter lets pass, as a number of the caller's: pages of one query have one filter.
    pub filter: Option<u64>,
}

impl Query {
    /// The newest thousand rows of a list.
    #[must_use]
    pub const fn of(owner: u32) -> Self {
        Self { owner, since_ms: None, before_ms: None, sort: Sort::Descending, count: 1_000, filter: None }
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<R> {
    /// The rows.
    pub rows: Vec<Entry<R>>,
    /// What asks for the next page, if there is one.
    pub token: Option<String>,
    /// The last record that the index knew of.
    pub sequence: u64,
    /// What the filter of the query is, also when the query left it to the token.
    pub filter: Option<u64>,
    /// The instant behind which the list has all there was; `None` when nothing is missing of what was asked for.
    pub whole_from_ms: Option<i64>,
}

/// Rows that stand before all rows of a list and are kept nowhere: they are made when a page reaches them.
pub struct Earlier<'a, R> {
    /// Where they end: none of the list's own rows is earlier.
    pub ends_ms: i64,
    /// All of them, oldest first.
    pub rows: &'a dyn Fn() -> Vec<Entry<R>>,
}

/// Which token and branch a page is of, and from when on its list has everything.
#[derive(Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) key: &'a [u8; 32],
    pub(crate) branch: u64,
    pub(crate) sequence: u64,
    pub(crate) whole_from_ms: Option<i64>,
}

impl Of<'_> {
    /// A page without rows of a query.
    fn page<R>(self, query: &Query) -> Page<R> {
        let asked = |whole: &i64| query.since_ms.is_none_or(|since| since <= *whole);
        Page {
            rows: Vec::new(),
            token: None,
            sequence: self.sequence,
            filter: query.filter,
            whole_from_ms: self.whole_from_ms.filter(asked),
        }
    }
}

pub(crate) fn read<R: Row>(
    connection: &Connection,
    of: Of<'_>,
    query: &Query,
    token: Option<&str>,
    earlier: Option<Earlier<'_, R>>,
    mut wanted: impl FnMut(&R, Option<u64>) -> bool,
) -> Result<Page<R>, Error> {
    let list = lists().iter().position(|list| list.table == R::TABLE).unwrap_or_default() as u8;
    let token = token.map(|text| Token::open(text, of.key).ok_or(Error::Token)).transpose()?;
    if token.as_ref().is_some_and(|token| !token.fits(list, of.branch, query)) {
        return Err(Error::Token);
    }
    let query = token.as_ref().map_or(*query, |token| token.complete(query));
    let mut page = of.page(&query);
    let (low, high) = bounds(&query, token.map(|token| token.last));
    let mut statement = connection.prepare_cached(&select::<R>(query.sort))?;
    let mut rows = statement.query(params![
        query.owner,
        low.time_ms,
        low.sequence.cast_signed(),
        low.ordinal,
        high.time_ms,
        high.sequence.cast_signed(),
        high.ordinal,
    ])?;
    let mut looked = 0;
    let mut end = low;
    // Takes a row, while the page has room.
    let mut take = |entry: Entry<R>| {
        // One row more than is looked at says that there is a next page.
        if page.rows.len() >= query.count as usize || looked >= SCANNED {
            page.token = Some(Token::new(list, of.branch, &query, end).seal(of.key));
            return false;
        }
        looked += 1;
        end = entry.at;
        if wanted(&entry.row, query.filter) {
            page.rows.push(entry);
        }
        true
    };
    let earlier = || -> Vec<Entry<R>> {
        let reached = earlier.as_ref().filter(|earlier| low.time_ms < earlier.ends_ms);
        let all = reached.map_or_else(Vec::new, |earlier| (earlier.rows)());
        all.into_iter().filter(|entry| low <= entry.at && entry.at < high).collect()
    };
    let before = if query.sort == Sort::Ascending { earlier() } else { Vec::new() };
    let mut room = before.into_iter().all(&mut take);
    while room && let Some(row) = rows.next()? {
        room = take(Entry { at: at(row)?, row: R::take(&mut Cells::from(row, KEY + 1))? });
    }
    if room && query.sort == Sort::Descending {
        earlier().into_iter().rev().all(&mut take);
    }
    Ok(page)
}

/// Columns before a row's own: owner, time, sequence, ordinal and, at this place, the branch.
const KEY: usize = 4;

pub(crate) fn at(row: &rusqlite::Row<'_>) -> rusqlite::Result<At> {
    Ok(At { time_ms: row.get(1)?, sequence: row.get::<_, i64>(2)?.cast_unsigned(), ordinal: row.get(3)? })
}

/// The first row that is asked for, and the one behind the last. One bound each, so that SQLite seeks to the one and stops at the
/// other, however far from the ends of the range the token is.
fn bounds(query: &Query, last: Option<At>) -> (At, At) {
    let begin = |time_ms: i64| At { time_ms, sequence: 0, ordinal: 0 };
    let low = begin(query.since_ms.unwrap_or(i64::MIN));
    let high = begin(query.before_ms.unwrap_or(i64::MAX));
    match (query.sort, last) {
        (Sort::Ascending, Some(last)) => {
            (low.max(At { ordinal: last.ordinal.saturating_add(1), ..last }), high)
        }
        (Sort::Descending, Some(last)) => (low, high.min(last)),
        (_, None) => (low, high),
    }
}

fn select<R: Row>(sort: Sort) -> String {
    let order = match sort {
        Sort::Ascending => "ASC",
        Sort::Descending => "DESC",
    };
    format!(
        "SELECT * FROM {table} WHERE {owner} = ?1 AND (time_ms, sequence, ordinal) >= (?2, ?3, ?4) \
         AND (time_ms, sequence, ordinal) < (?5, ?6, ?7) ORDER BY time_ms {order}, sequence {order}, ordinal {order}",
        table = R::TABLE,
        owner = R::OWNER,
    )
}

/// Entries of the account log by their numbers, which all bounds narrow down: those from `from` to `to`, both included.
pub(crate) fn read_log(
    connection: &Connection,
    of: Of<'_>,
    query: &Query,
    (from, to): (u64, u64),
    mut wanted: impl FnMut(&AccountLogEntry) -> bool,
) -> Result<Page<AccountLogEntry>, Error> {
    let (low, high) = bounds(query, None);
    // Numbers grow with time, so bounds of time are bounds of numbers.
    let number_at = |bound: At| -> rusqlite::Result<u64> {
        let mut first = connection.prepare_cached(
            "SELECT number FROM account_log WHERE account = ?1 AND (time_ms, sequence, ordinal) >= (?2, ?3, ?4) \
             ORDER BY time_ms, sequence, ordinal LIMIT 1",
        )?;
        let of = params![query.owner, bound.time_ms, bound.sequence.cast_signed(), bound.ordinal];
        Ok(first.query_row(of, |row| row.get(0)).optional()?.unwrap_or(i64::MAX).cast_unsigned())
    };
    let from = from.max(number_at(low)?);
    let behind = number_at(high)?.min(to.saturating_add(1));
    let order = match query.sort {
        Sort::Ascending => "ASC",
        Sort::Descending => "DESC",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT * FROM account_log WHERE account = ?1 AND number >= ?2 AND number < ?3 ORDER BY number {order}"
    ))?;
    let most = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![query.owner, most(from), most(behind)])?;
    let mut page = of.page(query);
    while let Some(row) = rows.next()? {
        if page.rows.len() >= query.count as usize {
            break;
        }
        let entry = Entry { at: at(row)?, row: AccountLogEntry::take(&mut Cells::from(row, KEY + 1))? };
        if wanted(&entry.row) {
            page.rows.push(entry);
        }
    }
    Ok(page)
}
