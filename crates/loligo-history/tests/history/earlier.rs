//! Rows that stand before all that are kept: one list with them, whichever way it is walked.

use crate::fixture::{KEY, NEW_YEAR, in_memory, price, prices};
use loligo_history::rows::MarkPrice;
use loligo_history::{At, Earlier, Entry, Error, Index, Keep, Page, Query, Sort};
use std::cell::Cell;

const DAY: i64 = 86_400_000;

/// Thirty rows before the year, two of an instant.
fn made_up() -> Vec<Entry<MarkPrice>> {
    let at = |ordinal: u32| At { time_ms: NEW_YEAR - 20 + i64::from(ordinal / 2), sequence: 0, ordinal };
    (1..=30).map(|ordinal| Entry { at: at(ordinal), row: price(-i64::from(ordinal)) }).collect()
}

/// Twenty rows of the year.
fn kept() -> Index {
    let index = in_memory();
    for sequence in 1..=20_u64 {
        index.write(&prices(sequence, NEW_YEAR + sequence.cast_signed() / 3, 2)).expect("written");
    }
    index
}

fn page(index: &Index, query: &Query, token: Option<&str>) -> Result<Page<MarkPrice>, Error> {
    let earlier = Earlier { ends_ms: NEW_YEAR, rows: &made_up };
    index.page_and_earlier(query, token, Some(earlier), |_, _| true)
}

/// All pages of a query, one after the other.
fn walk(index: &Index, query: &Query) -> Vec<i64> {
    let (mut rows, mut token) = (Vec::new(), None);
    loop {
        let page = page(index, query, token.as_deref()).expect("a page");
        assert!(page.rows.len() <= query.count as usize);
        rows.extend(page.rows.iter().map(|entry| entry.row.mantissa));
        token = page.token;
        if token.is_none() {
            return rows;
        }
    }
}

#[test]
fn pages_go_on_from_what_is_kept_into_what_was_before_and_back() {
    let index = kept();
    let all: Vec<i64> = (1..=30).map(|made| -made).chain(1..=20).collect();
    for count in [1, 2, 7, 20, 21, 49, 50, 51] {
        let query = Query { count, ..Query::of(1) };
        let newest_first: Vec<i64> = all.iter().rev().copied().collect();
        assert_eq!(walk(&index, &query), newest_first, "{count} a page");
        assert_eq!(walk(&index, &Query { sort: Sort::Ascending, ..query }), all, "{count} a page");
    }
    // A range is cut on either side of the border, and in the midst of an instant never.
    let within = |since, before| {
        let (since_ms, before_ms) = (Some(NEW_YEAR + since), Some(NEW_YEAR + before));
        walk(&index, &Query { count: 4, since_ms, before_ms, sort: Sort::Ascending, ..Query::of(1) })
    };
    assert_eq!(within(-7, 1), [-26, -27, -28, -29, -30, 1, 2]);
    assert_eq!(within(-20, -18), [-1, -2, -3]);
    assert_eq!(within(-90, -20), []);
    assert_eq!(within(2, 3), [6, 7, 8]);
}

#[test]
fn a_token_stays_valid_while_rows_come() {
    let index = kept();
    let query = Query { count: 25, ..Query::of(1) };
    let first = page(&index, &query, None).expect("a page");
    index.write(&prices(21, NEW_YEAR + 9, 2)).expect("written");
    let second = page(&index, &query, first.token.as_deref()).expect("the same walk");
    let rows = first.rows.iter().chain(&second.rows).map(|entry| entry.row.mantissa);
    assert_eq!(
        rows.collect::<Vec<_>>(),
        (1..=20).rev().chain((1..=30).map(|made| -made).rev()).collect::<Vec<_>>()
    );
    assert_eq!(second.token, None);
    // Of another list, or walked the other way, it is none.
    for other in [Query { owner: 0, ..query }, Query { sort: Sort::Ascending, ..query }] {
        assert!(matches!(page(&index, &other, first.token.as_deref()), Err(Error::Token)));
    }
}

#[test]
fn they_are_made_only_for_a_page_that_reaches_them() {
    let (index, made) = (kept(), Cell::new(0));
    let rows = || {
        made.set(made.get() + 1);
        made_up()
    };
    let ask = |query: Query| {
        let earlier = Earlier { ends_ms: NEW_YEAR, rows: &rows };
        index.page_and_earlier::<MarkPrice>(&query, None, Some(earlier), |_, _| true).expect("a page");
        made.take()
    };
    assert_eq!(ask(Query { count: 19, ..Query::of(1) }), 0);
    assert_eq!(ask(Query { count: 21, ..Query::of(1) }), 1);
    for sort in [Sort::Ascending, Sort::Descending] {
        assert_eq!(ask(Query { since_ms: Some(NEW_YEAR), sort, ..Query::of(1) }), 0, "none is in this range");
    }
}

#[test]
fn they_go_with_what_is_kept_and_never_stand_behind_a_hole() {
    let index = kept();
    let all = Query { sort: Sort::Ascending, ..Query::of(1) };
    // Marks are kept for two days.
    index.write(&prices(21, NEW_YEAR + 2 * DAY, 2)).expect("written");
    assert_eq!(walk(&index, &all)[0], -1);
    index.write(&prices(22, NEW_YEAR + 2 * DAY + 1, 2)).expect("written");
    assert!(walk(&index, &all)[0] > 0, "older than what is kept of real ones");

    // What an index that begins later has not seen lies between.
    let index = Index::in_memory(KEY, Keep::default()).expect("made");
    index.begin(&prices(5, NEW_YEAR + 1, 0)).expect("begun");
    index.write(&prices(6, NEW_YEAR + 2, 2)).expect("written");
    assert_eq!(walk(&index, &all), [6]);
}
