//! What a page of a thousand rows costs in an index of ten million, beside the same in one of ten thousand.
//!
//! `cargo bench -p loligo-history --bench pages [-- ROWS]`. Rows are trades of four markets in turn; the newest page, the page after a
//! token amid the list, and one from an instant on are read two hundred times each, the two indexes in turn.
#![expect(clippy::print_stdout, reason = "printing is what a benchmark is for")]

use std::path::Path;
use std::time::{Duration, Instant};

use loligo_history::rows::{PublicExecution, SideDetails, TradeDetails};
use loligo_history::{Batch, Index, Keep, Query, Sort};

const FEW: u64 = 10_000;
const MANY: u64 = 10_000_000;
const MARKETS: u64 = 4;
const BEGAN: i64 = 1_767_225_600_000;
const ROUNDS: usize = 200;

fn main() {
    let many = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(MANY);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let [few, many] = [FEW, many].map(|rows| (rows, filled(&dir.path().join(format!("{rows}.db")), rows)));
    println!("{:<36} {:>12} {:>12} {:>7} {:>6}", "a page of 1,000 rows", many.0, few.0, "ratio", "bar");
    let newest = |_: u64, _: usize| (Query::of(1), false);
    let amid = |_: u64, _: usize| (Query::of(1), true);
    let from = |rows: u64, round: usize| {
        // Somewhere in the list, with a page behind it.
        let at = (rows - 4 * 1_001) * round as u64 / ROUNDS as u64;
        (Query { since_ms: Some(BEGAN + at.cast_signed()), sort: Sort::Ascending, ..Query::of(1) }, false)
    };
    row("newest", [&many, &few], newest);
    row("after a token", [&many, &few], amid);
    row("from an instant on", [&many, &few], from);
}

/// An index with so many rows, a millisecond apart.
fn filled(path: &Path, rows: u64) -> Index {
    let (index, _) = Index::open(path, [7; 32], Keep::days(1_000)).expect("opens");
    let mut sequence = 0;
    while sequence < rows {
        let mut batch = Batch::new(1);
        for _ in 0..4_096.min(rows - sequence) {
            sequence += 1;
            let at = BEGAN + sequence.cast_signed();
            batch.record(sequence, at);
            batch.push((sequence % MARKETS) as u32, at, trade(sequence));
        }
        index.write(&batch).expect("written");
    }
    index
}

fn trade(number: u64) -> PublicExecution {
    let side = |number, placed_ago| SideDetails {
        number,
        kind: 0,
        reduce_only: false,
        open: 5_000,
        placed_ago,
        updated_ago: placed_ago,
    };
    let details = TradeDetails {
        maker: side(number * 20, 1_000),
        taker: side(number * 20 + 19, 0),
        taker_improved: 40,
        old_taker: None,
        taker_reduced: None,
    };
    PublicExecution {
        number,
        sell: number.is_multiple_of(2),
        qty: 5_000,
        price: 79_993,
        usd_cents: 3_999_650,
        mark: 79_989_956_690_018,
        mark_scale: 9,
        details,
    }
}

/// Reads both in turn, and prints what a page took at the median.
fn row(what: &str, indexes: [&(u64, Index); 2], query: impl Fn(u64, usize) -> (Query, bool)) {
    let mut spans = [const { Vec::<Duration>::new() }; 2];
    for round in 0..ROUNDS {
        for ((rows, index), spans) in indexes.iter().zip(&mut spans) {
            let (query, after) = query(*rows, round);
            let read = |query: &Query, token: Option<&str>| {
                index.page::<PublicExecution>(query, token, |_| true).expect("a page")
            };
            let before = after.then(|| {
                let bound = BEGAN + (rows - rows / 10).cast_signed();
                let first = Query { before_ms: Some(bound), ..query };
                (first, read(&first, None).token.expect("there is more"))
            });
            let begun = Instant::now();
            let page = match &before {
                Some((query, token)) => read(query, Some(token)),
                None => read(&query, None),
            };
            spans.push(begun.elapsed());
            assert_eq!(page.rows.len(), 1_000);
        }
    }
    let [many, few] = spans.map(|mut spans| {
        spans.sort();
        spans[ROUNDS / 2].as_secs_f64() * 1e6
    });
    let us = |span: f64| format!("{span:.0} us");
    println!("{what:<36} {:>12} {:>12} {:>6.2}x {:>6}", us(many), us(few), many / few, "2x");
}
