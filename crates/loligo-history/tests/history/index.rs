//! What the index promises: whole or not at all, pages of one query, what is too old goes, and any tool can look.

use std::path::Path;

use crate::fixture::{KEY, NEW_YEAR, order_event, price, prices, told};
use loligo_history::rows::{
    AccountLogEntry, Execution, MarkPrice, OpenOrder, Order, OrderDetails, OrderEvent, PublicExecution,
    PublicOrderEvent, SideDetails, TradeDetails,
};
use loligo_history::{Batch, Contract, Error, FORMAT, Index, Keep, Progress, Query, SCANNED, Sort};
use rusqlite::Connection;

const DAY: i64 = 86_400_000;

fn open(path: &Path) -> Index {
    let (index, why) = Index::open(path, KEY, Keep::default()).expect("opens");
    assert_eq!(why, None, "what was there is kept");
    index
}

fn progress(sequence: u64, time_ms: i64, begun_ms: i64) -> Progress {
    Progress {
        branch: 1,
        sequence,
        time_ms,
        folded: sequence,
        speaks_from: 1,
        speaks_from_ms: None,
        begun_ms: Some(begun_ms),
    }
}

/// The files as a kill would leave them now.
fn as_killed(path: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let file = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(file(path), file(to)).expect("copied");
    }
}

#[test]
fn a_kill_between_two_writes_loses_nothing_that_was_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let index = open(&path);
    for sequence in 1..=20 {
        index.write(&prices(sequence, NEW_YEAR + sequence.cast_signed(), 3)).expect("written");
        let left = dir.path().join(format!("{sequence}.db"));
        as_killed(&path, &left);
        let found = open(&left);
        assert_eq!(
            found.progress().expect("told"),
            progress(sequence, NEW_YEAR + sequence.cast_signed(), NEW_YEAR + 1)
        );
        assert_eq!(told(&found, 2), (1..=sequence).collect::<Vec<_>>());
        // It goes on from there, with the next record and no other.
        assert!(matches!(found.write(&prices(sequence, NEW_YEAR, 1)), Err(Error::OutOfOrder { .. })));
        found.write(&prices(sequence + 1, NEW_YEAR + 30, 3)).expect("goes on");
        assert_eq!(told(&found, 0), (1..=sequence + 1).collect::<Vec<_>>());
    }
}

#[test]
fn a_write_that_fails_half_way_leaves_nothing_of_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let index = open(&path);
    index.write(&prices(1, NEW_YEAR, 3)).expect("written");
    let other = Connection::open(&path).expect("opens");
    other
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON mark_price WHEN new.contract = 2
             BEGIN SELECT raise(ABORT, 'no room'); END",
        )
        .expect("made");
    let error = index.write(&prices(2, NEW_YEAR + 1, 4)).expect_err("refused");
    assert!(error.to_string().contains("no room"), "{error}");
    assert_eq!(index.progress().expect("told"), progress(1, NEW_YEAR, NEW_YEAR));
    assert_eq!(told(&index, 0), [1]);
    other.execute_batch("DROP TRIGGER refuse").expect("dropped");
    index.write(&prices(2, NEW_YEAR + 1, 4)).expect("the same again");
    assert_eq!((told(&index, 0), told(&index, 3)), (vec![1, 2], vec![2]));
}

#[test]
fn the_same_records_make_the_same_rows_however_they_are_batched() {
    let rows = |path: &Path| -> Vec<String> {
        let connection = Connection::open(path).expect("opens");
        let mut all = Vec::new();
        for table in ["mark_price", "order_event"] {
            let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("a statement");
            let columns = statement.column_count();
            let mut rows = statement.query([]).expect("asked");
            while let Some(row) = rows.next().expect("a row") {
                all.push(format!(
                    "{:?}",
                    (0..columns).map(|at| row.get_ref(at).expect("there")).collect::<Vec<_>>()
                ));
            }
        }
        all
    };
    let dir = tempfile::tempdir().expect("a folder");
    let mut found = Vec::new();
    for size in [1, 3, 40] {
        let path = dir.path().join(format!("{size}.db"));
        let index = open(&path);
        let mut batch = Batch::new(1);
        for sequence in 1..=40_u64 {
            let time_ms = NEW_YEAR + (sequence / 4).cast_signed();
            batch.record(sequence, time_ms);
            for salt in 0..(sequence % 5).cast_signed() {
                batch.push(1, time_ms, order_event(salt * 37));
                batch.push(2, time_ms, price(salt));
            }
            if sequence % size == 0 || sequence == 40 {
                index.write(&batch).expect("written");
                batch = Batch::new(1);
            }
        }
        found.push(rows(&path));
    }
    assert_eq!(found[0].len(), 160);
    assert_eq!(found[0], found[1]);
    assert_eq!(found[0], found[2]);
}

#[test]
fn any_tool_can_look_while_the_exchange_writes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let index = open(&path);
    index.name_words("reason", [(9, "full fill")]).expect("named");
    let tool = Connection::open(&path).expect("opens");
    let mut batch = Batch::new(1);
    batch.record(1, NEW_YEAR);
    batch.contract(Contract {
        number: 3,
        symbol: "PF_XBTUSD".into(),
        tick: (5, 1),
        lot_digits: 4,
        spec: vec![1, 2],
    });
    batch.push(1, NEW_YEAR + 7, order_event(1 | 2 | 4 | 32 | 64));
    batch.push(3, NEW_YEAR, trade(4, 100));
    index.write(&batch).expect("written");
    let seen: (String, String, String, String, f64) = tool
        .query_row("SELECT time, symbol, event, reason, size FROM orders WHERE account = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .expect("a row");
    assert_eq!(
        seen,
        ("2026-01-01T00:00:00.007Z".into(), "PF_XBTUSD".into(), "updated".into(), "full fill".into(), 0.0103)
    );
    let trades: (String, String, f64, f64) = tool
        .query_row("SELECT symbol, side, size, price FROM trades", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .expect("a row");
    assert_eq!(trades, ("PF_XBTUSD".into(), "sell".into(), 0.01, 50.0));
    // A look that lasts holds nobody up.
    tool.execute_batch("BEGIN; SELECT count(*) FROM orders;").expect("looks");
    index.write(&prices(2, NEW_YEAR + 8, 1)).expect("written meanwhile");
    assert_eq!(told(&index, 0), [2]);
}

fn trade(number: u64, price: i64) -> PublicExecution {
    let side = SideDetails { number, kind: 0, reduce_only: false, open: 5, placed_ago: 9, updated_ago: 3 };
    let details =
        TradeDetails { maker: side, taker: side, taker_improved: 2, old_taker: None, taker_reduced: Some(1) };
    PublicExecution { number, sell: true, qty: 100, price, usd_cents: 5_000, mark: 1, mark_scale: 9, details }
}

#[test]
fn every_list_gives_back_what_it_took() {
    let index = crate::fixture::in_memory();
    let order = Order {
        number: 5,
        sell: true,
        kind: 3,
        qty: Some(7),
        filled: 1,
        price: None,
        reduce_only: true,
        client_id: None,
        placed_ms: 1,
        updated_ms: 2,
    };
    let execution = Execution {
        number: 9,
        contract: 3,
        maker: true,
        qty: 7,
        price: 100,
        mark: Some("50000.123456789".into()),
        usd_value: "5000.00".into(),
        limit_filled: true,
        order,
        old: None,
        reduced: None,
        fee: "-0.5".into(),
        fee_rate: -10_000,
        realized_pnl: "0".into(),
        position: -7,
    };
    let log = AccountLogEntry {
        number: 1,
        info: "futures trade".into(),
        asset: "usd".into(),
        wallet: "flex".into(),
        old_balance: "1".into(),
        new_balance: "1.5".into(),
        contract: Some(3),
        collateral: Some("usd".into()),
        execution: Some(9),
        old_entry: None,
        new_entry: None,
        trade_price: Some("50000".into()),
        mark: None,
        realized_pnl: Some("0".into()),
        fee: Some("-0.5".into()),
        funding_rate: None,
        realized_funding: Some("0".into()),
        liquidation_fee: None,
        conversion: None,
    };
    let details =
        OrderDetails { kind: 1, reduce_only: false, placed_ago: 0, updated_ago: 0, old: None, reduced: None };
    let public = PublicOrderEvent {
        kind: 2,
        reason: None,
        error: Some(0),
        number: 5,
        sell: false,
        open: 6,
        price: 100,
        details,
    };
    let mut batch = Batch::new(1);
    batch.record(1, NEW_YEAR);
    batch.push(1, NEW_YEAR, execution.clone());
    batch.push(1, NEW_YEAR, log.clone());
    batch.push(1, NEW_YEAR, public.clone());
    batch.push(1, NEW_YEAR, trade(9, 100));
    index.write(&batch).expect("written");
    let query = Query::of(1);
    assert_eq!(index.page::<Execution>(&query, None, |_| true).expect("a page").rows[0].row, execution);
    assert_eq!(index.page::<AccountLogEntry>(&query, None, |_| true).expect("a page").rows[0].row, log);
    assert_eq!(index.page::<PublicOrderEvent>(&query, None, |_| true).expect("a page").rows[0].row, public);
    assert_eq!(
        index.page::<PublicExecution>(&query, None, |_| true).expect("a page").rows[0].row,
        trade(9, 100)
    );
    assert_eq!(index.page::<OrderEvent>(&query, None, |_| true).expect("a page").rows, []);
}

#[test]
fn a_range_that_ends_before_it_begins_has_nothing_in_it() {
    let (index, _) = crate::fixture::nine(&Query { count: 2, ..Query::of(1) });
    for sort in [Sort::Ascending, Sort::Descending] {
        let query = Query {
            since_ms: Some(NEW_YEAR + 6),
            before_ms: Some(NEW_YEAR + 3),
            sort,
            count: 1,
            ..Query::of(1)
        };
        let page = index.page::<MarkPrice>(&query, None, |_| true).expect("a page");
        assert_eq!((page.rows.len(), page.token), (0, None));
    }
}

#[test]
fn a_filter_that_lets_little_pass_ends_a_page_with_a_token() {
    let index = crate::fixture::in_memory();
    let mut batch = Batch::new(1);
    batch.record(1, NEW_YEAR);
    for number in 0..i64::from(SCANNED) + 2 {
        batch.push(0, NEW_YEAR, price(number));
    }
    index.write(&batch).expect("written");
    let query = Query { sort: Sort::Ascending, ..Query::of(0) };
    let last = |row: &MarkPrice| row.mantissa == i64::from(SCANNED) + 1;
    let first = index.page(&query, None, last).expect("a page");
    assert_eq!(first.rows.len(), 0);
    let rest = index.page(&query, first.token.as_deref(), last).expect("a page");
    assert_eq!((rest.rows.len(), rest.token), (1, None));
}

#[test]
fn a_page_is_found_by_its_bounds_however_long_the_list() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    drop(open(&path));
    let tool = Connection::open(&path).expect("opens");
    for table in ["order_event", "trigger_event", "execution", "position_update", "account_log"] {
        let plan = plan(&tool, table, "account");
        assert!(
            plan.starts_with(&format!(
                "SEARCH {table} USING PRIMARY KEY (account=? AND (time_ms,sequence,ordinal)>"
            )),
            "{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
    for table in ["public_execution", "public_order_event", "mark_price"] {
        let plan = plan(&tool, table, "contract");
        assert!(plan.contains("contract=? AND (time_ms,sequence,ordinal)>"), "{plan}");
        assert!(plan.contains("(time_ms,sequence,ordinal)<"), "{plan}");
    }
}

fn plan(tool: &Connection, table: &str, owner: &str) -> String {
    let select = format!(
        "EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {owner} = 1
         AND (time_ms, sequence, ordinal) >= (1, 2, 3) AND (time_ms, sequence, ordinal) < (5, 6, 7)
         ORDER BY time_ms DESC, sequence DESC, ordinal DESC"
    );
    let mut statement = tool.prepare(&select).expect("a statement");
    let rows = statement.query_map([], |row| row.get::<_, String>(3)).expect("asked");
    rows.map(|row| row.expect("a row")).collect::<Vec<_>>().join("; ")
}

#[test]
fn what_is_too_old_goes_a_slice_at_a_time_and_the_rest_stays() {
    let keep = Keep { orders_ms: DAY, prices_ms: 2 * DAY, trades_ms: 3 * DAY };
    let index = Index::in_memory(KEY, keep).expect("made");
    // Four thousand rows of each list and contract in one record, a day before the next.
    let mut batch = Batch::new(1);
    batch.record(1, NEW_YEAR);
    for number in 0..4_000 {
        for contract in [0, 5] {
            batch.push(contract, NEW_YEAR, price(number));
        }
        batch.push(1, NEW_YEAR, order_event(number));
    }
    batch.push(5, NEW_YEAR, trade(1, 1));
    index.write(&batch).expect("written");
    let left = |index: &Index, contract| {
        let query = Query { count: u32::MAX, ..Query::of(contract) };
        index.page::<MarkPrice>(&query, None, |_| true).expect("a page").rows.len()
    };
    let mut sequence = 1;
    let mut later = |index: &Index, day: i64| {
        sequence += 1;
        index.write(&prices(sequence, NEW_YEAR + day * DAY, 1)).expect("written");
    };
    later(&index, 1);
    assert_eq!((left(&index, 0), left(&index, 5)), (4_001, 4_000), "two days are not over");
    later(&index, 2);
    assert_eq!(left(&index, 5), 4_000, "they are over with the next instant");
    later(&index, 3);
    let after_one = left(&index, 0) + left(&index, 5);
    assert!((7_000..8_003).contains(&after_one), "a slice went, no more: {after_one}");
    for _ in 0..100 {
        later(&index, 3);
    }
    assert_eq!((left(&index, 5), left(&index, 0) > 100), (0, true), "old ones are gone, new ones are there");
    let trades = index.page::<PublicExecution>(&Query::of(5), None, |_| true).expect("a page");
    assert_eq!(trades.rows.len(), 1, "three days are not over");
    let own = Query { count: u32::MAX, sort: Sort::Ascending, ..Query::of(1) };
    let kept = index.page::<OrderEvent>(&own, None, |_| true).expect("a page");
    assert_eq!(kept.rows.len(), 4_000, "an account's own rows stay");
}

/// What was open after a record: these orders.
fn state(branch: u64, sequence: u64, open: &[u64]) -> Batch {
    let mut state = Batch::new(branch);
    state.record(sequence, NEW_YEAR + 5);
    for &number in open {
        state.open(open_order(number));
    }
    state
}

fn open_order(number: u64) -> OpenOrder {
    let order = order_event(1).order.expect("there");
    OpenOrder { account: 1, contract: 3, order: Order { number, ..order }, stop: Some(4) }
}

#[test]
fn records_that_cannot_be_had_leave_a_gap_that_is_told() {
    let index = crate::fixture::in_memory();
    index.write(&prices(1, NEW_YEAR, 1)).expect("written");
    assert_eq!(index.progress().expect("told").speaks_from, 1);
    index.begin(&state(1, 100, &[7])).expect("begun");
    assert_eq!(index.progress().expect("told").speaks_from, 101);
    index.write(&prices(101, NEW_YEAR + 6, 1)).expect("written");
    assert_eq!(told(&index, 0), [1, 101], "older rows are still there");
    index.revert(2, 100).expect("reverted");
    assert_eq!(index.progress().expect("told").speaks_from, 101);
    index.revert(3, 1).expect("reverted");
    assert_eq!(index.progress().expect("told").speaks_from, 1, "the gap was behind that record");
    index.begin(&state(3, 50, &[])).expect("begun");
    index.revert(4, 20).expect("reverted");
    assert_eq!(index.progress().expect("told").speaks_from, 21, "what is left of a gap is one");
}

#[test]
fn open_orders_are_as_the_last_record_left_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let index = open(&path);
    let mut batch = Batch::new(1);
    batch.record(1, NEW_YEAR);
    batch.open(open_order(7));
    batch.open(open_order(u64::MAX));
    assert_eq!((batch.opened(7), batch.opened(8)), (Some(Some(&open_order(7))), None));
    index.write(&batch).expect("written");
    let mut batch = Batch::new(1);
    batch.record(2, NEW_YEAR);
    let moved = OpenOrder { stop: None, ..open_order(7) };
    batch.open(moved.clone());
    batch.close(u64::MAX);
    batch.house(9);
    assert_eq!(batch.opened(u64::MAX), Some(None));
    index.write(&batch).expect("written");
    drop(index);
    let index = open(&path);
    assert_eq!(index.open_order(7).expect("read"), Some(moved));
    assert_eq!(index.open_order(u64::MAX).expect("read"), None);
    assert_eq!(index.house().expect("read"), [9]);
    index.begin(&state(1, 5, &[8])).expect("begun");
    assert_eq!(index.open_order(7).expect("read"), None);
    assert_eq!(index.open_order(8).expect("read"), Some(open_order(8)));
}

#[test]
fn after_a_revert_open_orders_are_made_again_from_the_beginning_and_no_row_is() {
    let index = crate::fixture::in_memory();
    for sequence in 1..=5 {
        index.write(&prices(sequence, NEW_YEAR, 1)).expect("written");
    }
    index.revert(1, 5).expect("nothing is left");
    assert_eq!(index.progress().expect("told").folded, 5);
    index.revert(2, 3).expect("two are left");
    let reverted = index.progress().expect("told");
    assert_eq!((reverted.branch, reverted.sequence, reverted.folded), (2, 3, 0));
    index.write(&state(2, 1, &[7])).expect("made again");
    let again = index.progress().expect("told");
    assert_eq!((again.sequence, again.folded, again.time_ms), (3, 1, NEW_YEAR));
    assert_eq!(index.open_order(7).expect("read"), Some(open_order(7)));
    assert_eq!(told(&index, 0), [1, 2, 3]);
    index.write(&state(2, 3, &[])).expect("made again");
    index.write(&prices(4, NEW_YEAR + 9, 1)).expect("goes on");
    assert_eq!(told(&index, 0), [1, 2, 3, 4]);
}

#[test]
fn an_index_of_another_format_and_what_is_none_begin_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    open(&path).write(&prices(1, NEW_YEAR, 1)).expect("written");
    Connection::open(&path)
        .and_then(|tool| tool.pragma_update(None, "user_version", FORMAT + 1))
        .expect("changed");
    let (index, why) = Index::open(&path, KEY, Keep::default()).expect("opens");
    let wanted = format!("it has format {}, and this version writes format {FORMAT}", FORMAT + 1);
    assert_eq!(why, Some(wanted));
    assert_eq!(index.progress().expect("told").sequence, 0);
    drop(index);
    std::fs::write(&path, b"no database, and longer than its first hundred bytes are: ".repeat(99))
        .expect("written");
    let (index, why) = Index::open(&path, KEY, Keep::default()).expect("opens");
    assert!(why.as_ref().is_some_and(|why| why.contains("not a database")), "{why:?}");
    index.write(&prices(1, NEW_YEAR, 1)).expect("written");
}

#[test]
fn a_token_is_as_good_after_a_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let query = Query { count: 1, ..Query::of(0) };
    let index = open(&path);
    index.write(&prices(1, NEW_YEAR, 1)).expect("written");
    index.write(&prices(2, NEW_YEAR, 1)).expect("written");
    let token = index.page::<MarkPrice>(&query, None, |_| true).expect("a page").token;
    drop(index);
    let (index, _) = Index::open(&path, [8; 32], Keep::default()).expect("opens");
    let rest = index.page::<MarkPrice>(&query, token.as_deref(), |_| true).expect("the rest");
    assert_eq!((rest.rows[0].at.sequence, rest.token), (1, None));
}

#[test]
fn an_index_that_was_closed_is_one_whole_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    let index = open(&path);
    index.write(&prices(1, NEW_YEAR, 1)).expect("written");
    assert_eq!(told(&index, 0), [1]);
    drop(index);
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .expect("a folder")
        .map(|entry| entry.expect("a file").file_name())
        .collect();
    assert_eq!(left, ["history.db"]);
}

#[cfg(unix)]
#[test]
fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    open(&path).write(&prices(1, NEW_YEAR, 1)).expect("written");
    for entry in std::fs::read_dir(dir.path()).expect("a folder") {
        let entry = entry.expect("a file");
        let mode = entry.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn the_account_log_is_read_by_number_and_by_time() {
    let index = crate::fixture::in_memory();
    for sequence in 1..=20_u64 {
        let time_ms = NEW_YEAR + (sequence / 2).cast_signed();
        let mut batch = Batch::new(1);
        batch.record(sequence, time_ms);
        for leg in 0..2 {
            batch.push(1, time_ms, log_entry(sequence * 2 + leg - 1));
        }
        index.write(&batch).expect("written");
    }
    let numbers = |query: Query, from, to| -> Vec<u64> {
        let entries = index.account_log(&query, (from, to), |_| true).expect("answered").rows;
        entries.iter().map(|entry| entry.row.number).collect()
    };
    let up = Query { sort: Sort::Ascending, ..Query::of(1) };
    assert_eq!(numbers(Query { count: 3, ..Query::of(1) }, 1, u64::MAX), [40, 39, 38]);
    assert_eq!(numbers(up, 5, 8), [5, 6, 7, 8]);
    assert_eq!(numbers(up, 8, 5), [0; 0]);
    assert_eq!(numbers(Query { since_ms: Some(NEW_YEAR + 10), ..up }, 1, u64::MAX), [39, 40]);
    assert_eq!(numbers(Query { before_ms: Some(NEW_YEAR + 1), ..up }, 1, u64::MAX), [1, 2]);
    let both = Query { since_ms: Some(NEW_YEAR + 1), before_ms: Some(NEW_YEAR + 3), ..up };
    assert_eq!(numbers(both, 4, 9), [4, 5, 6, 7, 8, 9]);
    assert_eq!(numbers(Query { owner: 2, ..up }, 1, u64::MAX), [0; 0]);
    let even = index.account_log(&up, (1, u64::MAX), |entry| entry.number % 2 == 0).expect("answered").rows;
    assert_eq!(even.len(), 20);
}

fn log_entry(number: u64) -> AccountLogEntry {
    AccountLogEntry {
        number,
        info: "transfer".into(),
        asset: "usd".into(),
        wallet: "flex".into(),
        old_balance: "0".into(),
        new_balance: "1".into(),
        contract: None,
        collateral: None,
        execution: None,
        old_entry: None,
        new_entry: None,
        trade_price: None,
        mark: None,
        realized_pnl: None,
        fee: None,
        funding_rate: None,
        realized_funding: None,
        liquidation_fee: None,
        conversion: None,
    }
}

#[test]
fn the_schema_is_the_one_that_is_written_down() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("history.db");
    drop(open(&path));
    let tool = Connection::open(&path).expect("opens");
    let mut statement = tool
        .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
        .expect("a statement");
    let made: Vec<String> = statement
        .query_map([], |row| row.get::<_, String>(0))
        .expect("asked")
        .map(|sql| sql.expect("a text").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/history.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let written: Vec<String> = page
        .split("```sql schema\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .flat_map(|block| block.split(';'))
        .map(|sql| sql.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|sql| sql.starts_with("CREATE"))
        .collect();
    assert_eq!(written, made);
}
