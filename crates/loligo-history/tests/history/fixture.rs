//! Rows that tests make.

use loligo_history::rows::{Asked, Earlier, MarkPrice, Order, OrderEvent, kinds};
use loligo_history::{Batch, Index, Keep, Query, Sort};

/// The key of the tests' venue.
pub const KEY: [u8; 32] = [7; 32];
/// 2026-01-01T00:00:00Z.
pub const NEW_YEAR: i64 = 1_767_225_600_000;

pub fn in_memory() -> Index {
    Index::in_memory(KEY, Keep::default()).expect("made")
}

pub fn price(mantissa: i64) -> MarkPrice {
    MarkPrice { mantissa, scale: 1 }
}

/// An order's update; `salt` makes it another one.
pub fn order_event(salt: i64) -> OrderEvent {
    let is = |bit: i64| salt & bit != 0;
    OrderEvent {
        kind: if is(1) { kinds::UPDATED } else { kinds::PLACED },
        contract: is(2).then_some(3),
        reason: is(4).then_some(9),
        error: is(8).then_some(0),
        order: is(1).then(|| Order {
            number: u64::MAX - salt.unsigned_abs(),
            sell: is(16),
            kind: 4,
            qty: is(32).then_some(salt),
            filled: -salt,
            price: is(64).then_some(i64::MIN + salt),
            reduce_only: is(128),
            client_id: is(1).then(|| format!("mine \u{1f980} {salt}")),
            placed_ms: NEW_YEAR,
            updated_ms: NEW_YEAR + salt,
        }),
        old: is(4).then_some(Earlier { updated_ms: 1, qty: None, filled: 2, price: Some(salt) }),
        reduced: is(8).then_some(0),
        asked: Asked {
            qty: is(16).then(|| "1e-40".to_owned()),
            price: is(32).then(String::new),
            stop: None,
            deviation: None,
            offset: None,
        },
        named: is(64).then(|| "none".to_owned()),
    }
}

/// A batch of one record with one price each of so many contracts from 0 on.
pub fn prices(sequence: u64, time_ms: i64, contracts: u32) -> Batch {
    let mut batch = Batch::new(1);
    batch.record(sequence, time_ms);
    for contract in 0..contracts {
        batch.push(contract, time_ms, price(sequence.cast_signed()));
    }
    batch
}

/// The records that moved a contract's price, from the first to the last.
pub fn told(index: &Index, contract: u32) -> Vec<u64> {
    let query = Query { sort: Sort::Ascending, ..Query::of(contract) };
    let page = index.page::<MarkPrice>(&query, None, |_| true).expect("answered");
    assert_eq!(page.token, None, "all on one page");
    page.rows.iter().map(|entry| entry.at.sequence).collect()
}

/// An index with nine prices of three contracts and nine events of one account, and the token of a query's first page.
pub fn nine(query: &Query) -> (Index, String) {
    let index = in_memory();
    for sequence in 1..=9 {
        let mut batch = prices(sequence, NEW_YEAR + sequence.cast_signed(), 3);
        batch.push(1, NEW_YEAR + sequence.cast_signed(), order_event(1));
        index.write(&batch).expect("written");
    }
    let token = index.page::<MarkPrice>(query, None, |_| true).expect("a page").token.expect("more");
    (index, token)
}
