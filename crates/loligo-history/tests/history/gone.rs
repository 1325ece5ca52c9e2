//! What is not there any more is told: a page says behind which instant nothing is missing.

use crate::fixture::{KEY, NEW_YEAR, in_memory, order_event, prices};
use loligo_history::rows::{AccountLogEntry, MarkPrice, OrderEvent, PublicExecution};
use loligo_history::{Batch, Index, Keep, Query, Row};

const DAY: i64 = 86_400_000;

fn whole_from<R: Row>(index: &Index, query: &Query) -> Option<i64> {
    index.page::<R>(query, None, |_| true).expect("a page").whole_from_ms
}

fn state(sequence: u64, time_ms: i64) -> Batch {
    let mut batch = Batch::new(1);
    batch.record(sequence, time_ms);
    batch
}

#[test]
fn an_index_that_saw_the_first_record_misses_nothing_of_accounts_and_of_markets_what_is_too_old() {
    let index = in_memory();
    index.write(&prices(1, NEW_YEAR, 2)).expect("written");
    index.write(&prices(2, NEW_YEAR + 2 * DAY, 2)).expect("written");
    let all = Query::of(1);
    assert_eq!(whole_from::<MarkPrice>(&index, &all), None, "two days are kept");
    index.write(&prices(3, NEW_YEAR + 2 * DAY + 5, 2)).expect("written");
    assert_eq!(whole_from::<MarkPrice>(&index, &all), Some(NEW_YEAR + 5));
    assert_eq!(whole_from::<PublicExecution>(&index, &all), None, "thirty are kept of trades");
    assert_eq!(whole_from::<OrderEvent>(&index, &all), None);
    assert_eq!(index.account_log(&all, (1, 9), |_| true).expect("a log").whole_from_ms, None);
    // Whoever asks for what is there is not told of what is not.
    for (since, told) in [(NEW_YEAR + 5, Some(NEW_YEAR + 5)), (NEW_YEAR + 6, None)] {
        let later = Query { since_ms: Some(since), ..all };
        assert_eq!(whole_from::<MarkPrice>(&index, &later), told, "{since}");
    }
}

#[test]
fn an_index_that_was_made_of_a_pruned_journal_says_from_when_on_it_has_everything() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let (index, _) = Index::open(&path, KEY, Keep::default()).expect("opens");
    index.begin(&state(100, NEW_YEAR + 7)).expect("begun");
    let mut batch = prices(101, NEW_YEAR + 9, 2);
    batch.push(1, NEW_YEAR + 9, order_event(1));
    index.write(&batch).expect("written");
    drop(index);
    let (index, _) = Index::open(&path, KEY, Keep::default()).expect("opens");
    let all = Query { count: 1, ..Query::of(1) };
    for told in [
        whole_from::<OrderEvent>(&index, &all),
        whole_from::<MarkPrice>(&index, &all),
        whole_from::<AccountLogEntry>(&index, &all),
        index.account_log(&all, (1, 9), |_| true).expect("a log").whole_from_ms,
        index.progress().expect("told").speaks_from_ms,
    ] {
        assert_eq!(told, Some(NEW_YEAR + 7));
    }
    // A market's list is pruned besides, from then on.
    index.write(&prices(102, NEW_YEAR + 3 * DAY, 2)).expect("written");
    assert_eq!(whole_from::<MarkPrice>(&index, &all), Some(NEW_YEAR + DAY));
    assert_eq!(whole_from::<OrderEvent>(&index, &all), Some(NEW_YEAR + 7));
}
