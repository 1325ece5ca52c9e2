//! What is told to the disk, and when: the calls of the process, seen from outside.

use std::fs;
use std::process::Command;

use crate::venue::{Home, QUIET, Started, skip, without_settings};

const SYMBOL: &str = "PF_XBTUSD";
const ORDERS: usize = 12;

/// Calls that make something durable, or give it its name, in their order.
const CALLS: &str = "trace=fsync,fdatasync,rename,renameat,renameat2";

#[test]
fn each_acknowledged_order_has_a_sync_and_mark_and_snapshot_are_synced_before_they_count() {
    let home = Home::new();
    let trace = home.data().with_file_name("trace.txt");
    let strace = |program: &str| {
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-e", CALLS, "-o"]).arg(&trace).arg(program);
        command
    };
    if !strace("true").output().is_ok_and(|ran| ran.status.success()) {
        skip(
            "each_acknowledged_order_has_a_sync_and_mark_and_snapshot_are_synced_before_they_count",
            "strace is not there, or may not look at processes here",
        );
        return;
    }
    let serve = home.serve(&QUIET);
    let mut traced = strace(env!("CARGO_BIN_EXE_loligo"));
    traced.args(serve.get_args());
    let traced = without_settings(traced, home.data().parent().unwrap());
    let venue = Started::of(&home, traced).ready();
    let lines = || -> Vec<String> {
        let text = fs::read_to_string(&trace).unwrap();
        // A call that another thread interrupts is told in two lines; the second has no name of a file.
        text.lines().filter(|line| !line.contains("resumed>")).map(str::to_owned).collect()
    };
    let place = |lines: &[String], call: &str, file: &str| {
        lines.iter().position(|line| line.contains(call) && line.contains(file))
    };
    let log_syncs =
        || lines().iter().filter(|line| line.contains("sync(") && line.contains("journal.db-wal>")).count();

    // A new journal: its mark is on the disk before the database has its name.
    let begun = lines();
    let mark = place(&begun, "sync(", "journal.mark>").expect("the mark is synced");
    let named = place(&begun, "rename", "journal.db.new").expect("the database is named");
    let whole = place(&begun, "sync(", "journal.db.new>").expect("the database is synced");
    assert!(mark < named && whole < named, "{begun:#?}");

    // One client that waits for each answer: no two orders share a commit.
    let before = log_syncs();
    let mut client = venue.client(0);
    for order in 0..ORDERS {
        client.place_limit(SYMBOL, "buy", "0.1", "40000", &format!("order-{order}"));
        let synced = log_syncs() - before;
        assert!(synced > order, "order {order} was answered after {synced} syncs of the log");
    }

    // A clean stop: the snapshot is whole before it has its name, and its name is kept; the mark is synced last of all.
    assert!(venue.stop_traced().status.success());
    let ended = lines();
    let written = place(&ended, "sync(", ".unfinished>").expect("the snapshot is synced");
    let named = place(&ended, "rename", ".unfinished").expect("the snapshot is named");
    assert!(written < named, "{ended:#?}");
    assert!(
        place(&ended[named..], "sync(", "/snapshots>").is_some(),
        "the name of the snapshot is not synced"
    );
    assert!(place(&ended[named..], "sync(", "journal.mark>").is_some(), "the mark is not synced at the end");
}
