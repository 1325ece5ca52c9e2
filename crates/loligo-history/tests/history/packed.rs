//! Rows that are packed come back as they were, whatever is in them, and those of a live market are short.

use crate::fixture::{NEW_YEAR, in_memory};
use loligo_history::rows::{
    EarlierPublic, OrderDetails, PublicExecution, PublicOrderEvent, SideDetails, TradeDetails,
};
use loligo_history::{AnyRow, Batch, Index, Keep, Query, Row};
use proptest::prelude::*;

/// Numbers near zero, and any.
fn lots() -> impl Strategy<Value = i64> {
    prop_oneof![0..4_i64, any::<i64>()]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, any::<u64>()]
}

fn earlier() -> impl Strategy<Value = Option<EarlierPublic>> {
    let earlier = (lots(), lots(), number());
    prop::option::of(earlier.prop_map(|(open, price, updated_ago)| EarlierPublic {
        open,
        price,
        updated_ago,
    }))
}

fn side() -> impl Strategy<Value = SideDetails> {
    (number(), any::<u8>(), any::<bool>(), lots(), number(), number()).prop_map(
        |(number, kind, reduce_only, open, placed_ago, updated_ago)| SideDetails {
            number,
            kind,
            reduce_only,
            open,
            placed_ago,
            updated_ago,
        },
    )
}

fn trade() -> impl Strategy<Value = PublicExecution> {
    let details = (side(), side(), lots(), earlier(), prop::option::of(lots())).prop_map(
        |(maker, taker, taker_improved, old_taker, taker_reduced)| TradeDetails {
            maker,
            taker,
            taker_improved,
            old_taker,
            taker_reduced,
        },
    );
    (number(), any::<bool>(), lots(), lots(), lots(), lots(), any::<u8>(), details).prop_map(
        |(number, sell, qty, price, usd_cents, mark, mark_scale, details)| PublicExecution {
            number,
            sell,
            qty,
            price,
            usd_cents,
            mark,
            mark_scale,
            details,
        },
    )
}

fn event() -> impl Strategy<Value = PublicOrderEvent> {
    let details = (any::<u8>(), any::<bool>(), number(), number(), earlier(), prop::option::of(lots()));
    let details = details.prop_map(|(kind, reduce_only, placed_ago, updated_ago, old, reduced)| {
        OrderDetails { kind, reduce_only, placed_ago, updated_ago, old, reduced }
    });
    (any::<u8>(), prop::option::of(any::<u8>()), number(), any::<bool>(), lots(), lots(), details).prop_map(
        |(kind, reason, number, sell, open, price, details)| PublicOrderEvent {
            kind,
            reason,
            error: reason,
            number,
            sell,
            open,
            price,
            details,
        },
    )
}

fn comes_back<R: Row + Clone + PartialEq + std::fmt::Debug + Into<AnyRow>>(row: &R) {
    let index = in_memory();
    let mut batch = Batch::new(1);
    batch.record(1, NEW_YEAR);
    batch.push(1, NEW_YEAR, row.clone());
    index.write(&batch).expect("written");
    let page = index.page::<R>(&Query::of(1), None, |_| true).expect("a page");
    assert_eq!(&page.rows[0].row, row);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_trade_comes_back_as_it_was(trade in trade()) {
        comes_back(&trade);
    }

    #[test]
    fn an_order_event_of_a_market_comes_back_as_it_was(event in event()) {
        comes_back(&event);
    }
}

#[test]
fn what_is_packed_and_damaged_is_an_error_and_no_row() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let (index, _) = Index::open(&path, [7; 32], Keep::default()).expect("opens");
    let details =
        OrderDetails { kind: 1, reduce_only: true, placed_ago: 3, updated_ago: 0, old: None, reduced: None };
    let event = PublicOrderEvent {
        kind: 0,
        reason: None,
        error: None,
        number: 5,
        sell: false,
        open: 6,
        price: 100,
        details,
    };
    let mut batch = Batch::new(1);
    batch.record(1, NEW_YEAR);
    batch.push(1, NEW_YEAR, event);
    index.write(&batch).expect("written");
    let tool = rusqlite::Connection::open(&path).expect("opens");
    for damaged in ["details || x'00'", "substr(details, 1, 2)", "''"] {
        let change = format!("UPDATE public_order_event SET details = CAST({damaged} AS BLOB)");
        tool.execute_batch(&change).expect("changed");
        assert!(index.page::<PublicOrderEvent>(&Query::of(1), None, |_| true).is_err(), "{damaged}");
    }
}
