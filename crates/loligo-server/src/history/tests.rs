//! The follower against rows that are written down event by event, from all that was ever told.

mod teller;

use super::{FILE, History};
use crate::projection::{Applied, Detached as _, Follower as _};
use loligo_engine::Timestamp;
use loligo_history::rows::{
    AccountLogEntry, Execution, MarkPrice, OrderEvent, PositionUpdate, PublicExecution, PublicOrderEvent,
    TriggerEvent,
};
use loligo_history::{AnyRow, At, Batch, Index, Keep, Query, Row, Sort};
use loligo_sim::agreement::SideBySide;
use loligo_sim::life::Life;
use loligo_sim::workload::Workload;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use teller::Teller;
use tempfile::TempDir;

/// A row with whose it is and where it stands.
type Listed = (u32, At, AnyRow);

/// Nothing is too old in these tests.
const KEEP: Keep = Keep::days(1_000_000);

fn follow(folder: &Path) -> History {
    History::new(Some(folder), KEEP)
}

/// All rows of a list, of everybody, oldest first.
fn list<R: Row + Into<AnyRow>>(index: &Index, owners: u32, told: &mut Vec<Listed>) {
    for owner in 0..owners {
        let query = Query { sort: Sort::Ascending, ..Query::of(owner) };
        let mut token = None;
        loop {
            let page = index.page::<R>(&query, token.as_deref(), |_| true).unwrap();
            told.extend(page.rows.into_iter().map(|entry| (owner, entry.at, entry.row.into())));
            token = page.token;
            if token.is_none() {
                break;
            }
        }
    }
}

/// All rows of all lists.
fn told(history: &History, owners: u32) -> Vec<Listed> {
    let index = history.index().unwrap();
    let mut told = Vec::new();
    list::<OrderEvent>(index, owners, &mut told);
    list::<TriggerEvent>(index, owners, &mut told);
    list::<Execution>(index, owners, &mut told);
    list::<PositionUpdate>(index, owners, &mut told);
    list::<AccountLogEntry>(index, owners, &mut told);
    list::<PublicExecution>(index, owners, &mut told);
    list::<PublicOrderEvent>(index, owners, &mut told);
    list::<MarkPrice>(index, owners, &mut told);
    told
}

fn same(what: &str, told: &[Listed], wanted: &[Listed]) {
    for (told, wanted) in told.iter().zip(wanted) {
        assert_eq!(told, wanted, "{what}");
    }
    assert_eq!(told.len(), wanted.len(), "{what}");
}

/// How many streams of orders, and how many lives: together they come to all of [`teller::KINDS`].
const ORDERS: u64 = 20;
const LIVES: u64 = 14;

/// One stream of commands.
enum Stream {
    /// That reaches every rule of orders.
    Orders(Workload),
    /// That ends in liquidations of all kinds, and sees its contracts end.
    Money(Box<Life>),
}

/// Streams that reach every rule, on one index without a break, on one that is opened anew amid, and on one that was made of what
/// came after a record alone.
#[test]
fn rows_are_what_events_say_also_after_a_start_and_when_the_index_begins_amid() {
    const STEPS: u64 = 500;
    let mut kinds = std::collections::BTreeSet::new();
    let orders = (0..ORDERS).map(|seed| (seed, "orders", Stream::Orders(Workload::new(seed))));
    let lives = (0..LIVES).map(|seed| (seed, "a life", Stream::Money(Box::new(Life::new(seed)))));
    for (seed, stream_of, mut stream) in orders.chain(lives) {
        let folders = [(); 3].map(|()| TempDir::new().unwrap());
        let mut followers = folders.each_ref().map(|folder| follow(folder.path()));
        let (mut both, mut teller) = (SideBySide::new(), Teller::default());
        let begins = 100 + seed * 7 % 300;
        for sequence in 1..=STEPS {
            let step = match &mut stream {
                Stream::Orders(workload) => workload.next_step(&both.model),
                Stream::Money(life) => life.next_step(&both.model),
            };
            // Whether the engine is right is for others to say; the second opinion only steers the stream, and where the two differ it
            // ends.
            if both.step(&step).is_err() {
                break;
            }
            let applied = Applied { sequence, time: both.engine.now(), events: both.events() };
            teller.record(applied);
            for (at, follower) in followers.iter().enumerate().filter(|(at, _)| *at != 2 || sequence > begins)
            {
                follower.fold(applied);
                // One writes record by record, the others seldom.
                if at == 0 || sequence % 17 == 0 {
                    follower.flush();
                }
            }
            if sequence == begins {
                followers[2].begin(sequence, &both.engine);
                followers[1].flush();
                followers[1] = follow(folders[1].path());
            }
        }
        followers.iter().for_each(History::flush);
        let owners = teller.owners();
        let wanted = teller.rows(0);
        for (told, wanted, what) in [
            (told(&followers[0], owners), &wanted, "without a break"),
            (told(&followers[1], owners), &wanted, "opened anew"),
            (told(&followers[2], owners), &teller.rows(begins), "begun amid"),
        ] {
            same(&format!("{stream_of} of seed {seed}, {what}"), &told, wanted);
        }
        kinds.extend(teller.kinds());
    }
    // What was compared was not nothing of a kind.
    let all: std::collections::BTreeSet<String> =
        teller::KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    let missing: Vec<_> = all.difference(&kinds).collect();
    assert!(missing.is_empty(), "never told: {missing:?}");
}

/// Something that takes the file for itself holds up the follower's thread, and nobody who asks how far it is.
#[test]
fn who_asks_how_far_history_is_does_not_wait_for_a_write_under_way() {
    let folder = TempDir::new().unwrap();
    let history = Arc::new(follow(folder.path()));
    let record = |sequence| Applied { sequence, time: Timestamp(sequence as i64), events: &[] };
    history.fold(record(1));
    history.flush();
    let tool = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    tool.execute_batch("BEGIN IMMEDIATE").unwrap();
    history.fold(record(2));
    let writes = {
        let history = Arc::clone(&history);
        thread::spawn(move || history.flush())
    };
    while history.opened().unwrap().fold.try_lock().is_ok() {
        thread::yield_now();
    }
    assert_eq!((history.sequence(), history.extent()), (1, (1, 1)), "told at once: it is not written");
    tool.execute_batch("ROLLBACK").unwrap();
    // Had that waited for the write, the write would have been given up.
    writes.join().unwrap();
    assert_eq!(history.sequence(), 2);
}

/// An index whose writer fails is told of no more, and says how far it is.
#[test]
fn an_index_that_cannot_be_written_stands_still_where_it_was_and_goes_on_at_the_next_start() {
    let folder = TempDir::new().unwrap();
    let history = follow(folder.path());
    let record = |sequence| Applied { sequence, time: Timestamp(sequence as i64), events: &[] };
    history.fold(record(1));
    history.flush();
    // Somebody else writes what is this follower's to write.
    let (intruder, _) = Index::open(&folder.path().join(FILE), [0; 32], KEEP).unwrap();
    let mut batch = Batch::new(0);
    batch.record(5, 0);
    intruder.write(&batch).unwrap();
    for sequence in [2, 3] {
        history.fold(record(sequence));
        history.flush();
        assert_eq!(history.sequence(), 1);
    }
    drop((history, intruder));
    assert_eq!(follow(folder.path()).sequence(), 5);
}
