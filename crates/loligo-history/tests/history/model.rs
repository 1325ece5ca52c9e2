//! The index against a list that is searched from end to end: whatever is asked while rows arrive, both give the same pages.

use crate::fixture::{NEW_YEAR, order_event, price};
use loligo_history::rows::{MarkPrice, OrderEvent};
use loligo_history::{AnyRow, At, Batch, Entry, Index, Page, Query, Row, Sort};
use proptest::prelude::*;

const OWNERS: u32 = 3;

/// All rows of one type, as they came.
struct Model<R> {
    rows: Vec<(u32, Entry<R>)>,
}

impl<R: Row + Clone> Model<R> {
    /// The rows of a query that come after a place, in its order.
    fn after(&self, query: &Query, last: Option<At>) -> Vec<Entry<R>> {
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .filter(|(owner, _)| *owner == query.owner)
            .map(|(_, entry)| entry.clone())
            .filter(|entry| query.since_ms.is_none_or(|since| entry.at.time_ms >= since))
            .filter(|entry| query.before_ms.is_none_or(|before| entry.at.time_ms < before))
            .filter(|entry| match (query.sort, last) {
                (_, None) => true,
                (Sort::Ascending, Some(last)) => entry.at > last,
                (Sort::Descending, Some(last)) => entry.at < last,
            })
            .collect();
        rows.sort_by_key(|entry| entry.at);
        if query.sort == Sort::Descending {
            rows.reverse();
        }
        rows
    }

    /// The next page of a walk: its rows, and where it ended if there is more.
    fn page(
        &self,
        query: &Query,
        last: Option<At>,
        wanted: impl Fn(&R) -> bool,
    ) -> (Vec<Entry<R>>, Option<At>) {
        let mut page = Vec::new();
        let mut end = None;
        for entry in self.after(query, last) {
            if page.len() == query.count as usize {
                return (page, end);
            }
            end = Some(entry.at);
            if wanted(&entry.row) {
                page.push(entry);
            }
        }
        (page, None)
    }
}

/// A query under way, in the index and in the model.
struct Walk {
    query: Query,
    token: Option<String>,
    last: Option<At>,
    is_over: bool,
}

#[derive(Clone, Debug)]
enum Step {
    /// Records, each so many milliseconds after the one before, with rows of owners.
    Write(Vec<(i64, Vec<(u32, i64)>)>),
    Ask(Query),
    /// The next page of one of the walks; from the second on, the bounds may be left out.
    Next {
        walk: usize,
        bare: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let record = (0..3_i64, prop::collection::vec((0..OWNERS, any::<u8>().prop_map(i64::from)), 0..6));
    let bound = || prop::option::of((-2..40_i64).prop_map(|ms| NEW_YEAR + ms));
    let query = (0..=OWNERS, bound(), bound(), any::<bool>(), 1..6_u32, prop::option::of(0..3_u64)).prop_map(
        |(owner, since_ms, before_ms, ascending, count, filter)| {
            let sort = if ascending { Sort::Ascending } else { Sort::Descending };
            Query { owner, since_ms, before_ms, sort, count, filter }
        },
    );
    let step = prop_oneof![
        prop::collection::vec(record, 1..5).prop_map(Step::Write),
        query.prop_map(Step::Ask),
        (any::<prop::sample::Index>(), any::<bool>())
            .prop_map(|(walk, bare)| Step::Next { walk: walk.index(1 << 16), bare }),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a filter of the tests lets pass: all, the even ones, none.
fn passes(filter: Option<u64>, salt: i64) -> bool {
    match filter {
        None | Some(0) => true,
        Some(1) => salt % 2 == 0,
        Some(_) => false,
    }
}

/// Carries out steps and compares page by page.
fn agree<R>(steps: &[Step], index: &Index, make: fn(i64) -> R)
where
    R: Row + Clone + PartialEq + std::fmt::Debug + Into<AnyRow>,
{
    let mut model = Model { rows: Vec::<(u32, Entry<(i64, R)>)>::new() }.rows;
    let mut walks: Vec<Walk> = Vec::new();
    let (mut sequence, mut time_ms) = (0, NEW_YEAR);
    for step in steps {
        match step {
            Step::Write(records) => {
                let mut batch = Batch::new(1);
                for (later, rows) in records {
                    (sequence, time_ms) = (sequence + 1, time_ms + later);
                    batch.record(sequence, time_ms);
                    for (ordinal, &(owner, salt)) in rows.iter().enumerate() {
                        batch.push(owner, time_ms, make(salt));
                        let at = At { time_ms, sequence, ordinal: ordinal as u32 };
                        model.push((owner, Entry { at, row: (salt, make(salt)) }));
                    }
                }
                index.write(&batch).expect("written");
            }
            &Step::Ask(query) => walks.push(Walk { query, token: None, last: None, is_over: false }),
            &Step::Next { walk, bare } => {
                let many = walks.len().max(1);
                let Some(walk) = walks.get_mut(walk % many).filter(|walk| !walk.is_over) else { continue };
                let asked = if bare && walk.token.is_some() {
                    Query { since_ms: None, before_ms: None, filter: None, ..walk.query }
                } else {
                    walk.query
                };
                let page: Page<R> = index
                    .page_with(&asked, walk.token.as_deref(), |row, filter| {
                        let salt =
                            model.iter().find(|(_, entry)| entry.row.1 == *row).expect("one of ours").1.row.0;
                        passes(filter, salt)
                    })
                    .expect("answered");
                let plain = Model {
                    rows: model
                        .iter()
                        .map(|(owner, entry)| (*owner, Entry { at: entry.at, row: entry.row.1.clone() }))
                        .collect(),
                };
                let salt =
                    |row: &R| model.iter().find(|(_, entry)| entry.row.1 == *row).expect("ours").1.row.0;
                let (rows, end) =
                    plain.page(&walk.query, walk.last, |row| passes(walk.query.filter, salt(row)));
                assert_eq!(page.rows, rows, "{:?}", walk.query);
                assert_eq!(page.token.is_some(), end.is_some(), "{:?}", walk.query);
                assert_eq!(page.sequence, sequence);
                walk.is_over = end.is_none();
                (walk.token, walk.last) = (page.token, end);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pages_of_a_market_are_those_of_the_naive_list(steps in steps()) {
        agree::<MarkPrice>(&steps, &crate::fixture::in_memory(), price);
    }

    #[test]
    fn pages_of_an_account_are_those_of_the_naive_list(steps in steps()) {
        agree::<OrderEvent>(&steps, &crate::fixture::in_memory(), order_event);
    }

    /// Newest first, a walk is what was there when it began, each row once, whatever arrives meanwhile; oldest first, it goes on
    /// to what arrived.
    #[test]
    fn a_walk_has_every_row_once(before in 0..30_u64, between in 0..4_u64, count in 1..5_u32, ascending in any::<bool>()) {
        let index = crate::fixture::in_memory();
        for sequence in 1..=before {
            index.write(&crate::fixture::prices(sequence, NEW_YEAR + (sequence / 3).cast_signed(), 2)).expect("written");
        }
        let sort = if ascending { Sort::Ascending } else { Sort::Descending };
        let query = Query { sort, count, ..Query::of(1) };
        let (mut told, mut token, mut last) = (Vec::new(), None, before);
        loop {
            let page = index.page::<MarkPrice>(&query, token.as_deref(), |_| true).expect("answered");
            told.extend(page.rows.iter().map(|entry| entry.at.sequence));
            token = page.token;
            if token.is_none() {
                break;
            }
            // A walk that is chased for ever never ends.
            for _ in 0..if told.len() < 60 { between } else { 0 } {
                last += 1;
                index.write(&crate::fixture::prices(last, NEW_YEAR + (last / 3).cast_signed(), 2)).expect("written");
            }
        }
        let wanted: Vec<u64> = if ascending { (1..=last).collect() } else { (1..=before).rev().collect() };
        prop_assert_eq!(told, wanted);
    }
}
