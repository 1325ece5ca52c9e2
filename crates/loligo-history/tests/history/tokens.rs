//! Continuation tokens: good for the rest of their own query, and for nothing else.

use crate::fixture::{NEW_YEAR, nine, prices, told};
use loligo_history::rows::{MarkPrice, OrderEvent};
use loligo_history::{Error, Index, Keep, Query, Sort};

#[test]
fn a_token_asks_for_the_rest_of_its_own_query_alone() {
    let query = Query {
        since_ms: Some(NEW_YEAR),
        before_ms: Some(NEW_YEAR + 9),
        count: 2,
        filter: Some(5),
        ..Query::of(1)
    };
    let (index, token) = nine(&query);
    let ask = |query: &Query| index.page::<MarkPrice>(query, Some(&token), |_| true);
    let next: Vec<_> = ask(&query).expect("its own").rows.iter().map(|entry| entry.at.sequence).collect();
    assert_eq!(next, [6, 5]);
    let bare = Query { since_ms: None, before_ms: None, filter: None, count: 4, ..query };
    let page = ask(&bare).expect("bounds may be left out, and the count may be another");
    assert_eq!((page.rows.len(), page.filter), (4, Some(5)));
    for foreign in [
        Query { owner: 2, ..query },
        Query { sort: Sort::Ascending, ..query },
        Query { since_ms: Some(NEW_YEAR + 1), ..query },
        Query { before_ms: Some(NEW_YEAR + 8), ..query },
        Query { filter: Some(6), ..query },
    ] {
        assert!(matches!(ask(&foreign), Err(Error::Token)), "{foreign:?}");
    }
    assert!(
        matches!(index.page::<OrderEvent>(&query, Some(&token), |_| true), Err(Error::Token)),
        "another list"
    );
}

#[test]
fn a_token_of_another_branch_or_venue_is_none() {
    let query = Query { count: 2, ..Query::of(1) };
    let (index, token) = nine(&query);
    let other = Index::in_memory([8; 32], Keep::default()).expect("made");
    other.write(&prices(1, NEW_YEAR, 2)).expect("written");
    assert!(matches!(other.page::<MarkPrice>(&query, Some(&token), |_| true), Err(Error::Token)));
    assert!(index.page::<MarkPrice>(&query, Some(&token), |_| true).is_ok());
    index.revert(2, 5).expect("reverted");
    assert!(matches!(index.page::<MarkPrice>(&query, Some(&token), |_| true), Err(Error::Token)));
    assert_eq!(told(&index, 1), [1, 2, 3, 4, 5]);
}

#[test]
fn what_is_no_token_is_refused() {
    let query = Query { count: 2, ..Query::of(1) };
    let (index, token) = nine(&query);
    let mut changed = token.clone().into_bytes();
    changed[0] = if changed[0] == b'A' { b'B' } else { b'A' };
    let long = "A".repeat(100_000);
    for text in
        ["", "=", "next", "MTc2NzIyNTYwMDAwMC8x", &token[1..], &token.to_lowercase(), &long, "\u{1f980}"]
    {
        assert!(
            matches!(index.page::<MarkPrice>(&query, Some(text), |_| true), Err(Error::Token)),
            "{text:.40}"
        );
    }
    let changed = String::from_utf8(changed).expect("text");
    assert!(matches!(index.page::<MarkPrice>(&query, Some(&changed), |_| true), Err(Error::Token)));
}
