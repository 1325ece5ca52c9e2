//! What the trait promises, checked on every implementation.

use loligo_journal::{
    AppendError, Journal, JournalError, MAX_BATCH_BYTES, MemoryJournal, Options, Reader, Records,
    SqliteJournal, Urgency,
};

/// Runs `check` on an empty journal of each kind.
fn each(check: impl Fn(&mut dyn Journal)) {
    check(&mut MemoryJournal::new());
    let dir = tempfile::tempdir().expect("a folder");
    check(&mut SqliteJournal::open(dir.path(), options()).expect("a new journal"));
}

fn options() -> Options {
    Options { reserve_bytes: 0, log_room_bytes: 0, ..Options::default() }
}

fn batch(records: &[&str]) -> Records {
    records.iter().collect()
}

fn drain(reader: &mut dyn Reader) -> Vec<(u64, i64, String)> {
    let mut seen = Vec::new();
    while let Some(batch) = reader.next_batch().expect("readable") {
        for (sequence, record) in batch.iter() {
            seen.push((sequence, batch.time_us(), String::from_utf8_lossy(record).into_owned()));
        }
    }
    seen
}

fn history(journal: &dyn Journal, from: u64) -> Vec<(u64, i64, String)> {
    drain(&mut *journal.reader(from).expect("a reader"))
}

fn rows(rows: &[(u64, i64, &str)]) -> Vec<(u64, i64, String)> {
    rows.iter().map(|&(sequence, time, record)| (sequence, time, record.to_owned())).collect()
}

#[test]
fn places_are_learned_in_order_and_read_back_from_any_of_them() {
    each(|journal| {
        assert_eq!((journal.branch(), journal.last_sequence()), (1, 0));
        assert_eq!(journal.append(10, &batch(&["a", "b", "c"]), Urgency::Ordinary).expect("room"), 1);
        assert_eq!(journal.append(-5, &batch(&[""]), Urgency::Ordinary).expect("room"), 4);
        assert_eq!(journal.append(30, &batch(&["e", "f"]), Urgency::Ordinary).expect("room"), 5);
        assert_eq!(journal.last_sequence(), 6);
        let all = rows(&[(1, 10, "a"), (2, 10, "b"), (3, 10, "c"), (4, -5, ""), (5, 30, "e"), (6, 30, "f")]);
        for from in 1..=7 {
            assert_eq!(history(journal, from), all[from as usize - 1..], "from {from}");
        }
        for from in [0, 8, u64::MAX] {
            let refused = journal.reader(from).err();
            assert!(
                matches!(refused, Some(JournalError::NoSuchPlace { last: 7, .. })),
                "{from}: {refused:?}"
            );
        }
    });
}

#[test]
fn a_reader_follows_what_is_appended_later() {
    each(|journal| {
        let mut reader = journal.reader(1).expect("a reader at the end");
        assert_eq!(drain(&mut *reader), []);
        for round in 0..5u64 {
            journal.append(7, &batch(&["x", "y"]), Urgency::Ordinary).expect("room");
            assert_eq!(drain(&mut *reader), rows(&[(2 * round + 1, 7, "x"), (2 * round + 2, 7, "y")]));
        }
    });
}

#[test]
fn a_batch_that_cannot_be_kept_changes_nothing() {
    each(|journal| {
        journal.append(1, &batch(&["kept"]), Urgency::Ordinary).expect("room");
        assert!(matches!(journal.append(2, &Records::new(), Urgency::Ordinary), Err(AppendError::Empty)));
        let mut large = Records::new();
        large.push(&vec![0; MAX_BATCH_BYTES - 3]);
        assert!(matches!(journal.append(2, &large, Urgency::Ordinary), Err(AppendError::TooLarge { .. })));
        let mut largest = Records::new();
        largest.push(&vec![7; MAX_BATCH_BYTES - 4]);
        assert_eq!(journal.append(2, &largest, Urgency::Ordinary).expect("exactly the bound"), 2);
        assert_eq!(journal.last_sequence(), 2);
        let read =
            journal.reader(2).and_then(|mut reader| reader.next_batch()).expect("readable").expect("there");
        assert!(read.iter().eq([(2, &vec![7; MAX_BATCH_BYTES - 4][..])]));
    });
}

#[test]
fn a_branch_keeps_what_came_before_and_nothing_else() {
    each(|journal| {
        journal.append(1, &batch(&["a", "b", "c"]), Urgency::Ordinary).expect("room");
        journal.append(2, &batch(&["d"]), Urgency::Ordinary).expect("room");
        let mut old = journal.reader(1).expect("a reader");
        // In the middle of a group commit.
        assert_eq!(journal.branch_before(3).expect("a branch"), 2);
        assert_eq!((journal.branch(), journal.last_sequence()), (2, 2));
        assert_eq!(history(journal, 1), rows(&[(1, 1, "a"), (2, 1, "b")]));
        assert_eq!(journal.append(5, &batch(&["C", "D", "E"]), Urgency::Ordinary).expect("room"), 3);
        let second = rows(&[(1, 1, "a"), (2, 1, "b"), (3, 5, "C"), (4, 5, "D"), (5, 5, "E")]);
        assert_eq!(history(journal, 1), second);
        assert_eq!(history(journal, 4), second[3..]);
        // Back before the first fork: nothing of the second branch remains.
        assert_eq!(journal.branch_before(2).expect("a branch"), 3);
        assert_eq!(history(journal, 1), rows(&[(1, 1, "a")]));
        assert_eq!(journal.append(6, &batch(&["z"]), Urgency::Ordinary).expect("room"), 2);
        assert_eq!(history(journal, 1), rows(&[(1, 1, "a"), (2, 6, "z")]));
        // A reader keeps to the branch it was made on.
        assert_eq!(drain(&mut *old), rows(&[(1, 1, "a"), (2, 1, "b"), (3, 1, "c"), (4, 2, "d")]));
        // From the very beginning, and at the very end.
        assert_eq!(journal.branch_before(3).expect("a branch"), 4);
        assert_eq!(history(journal, 1), rows(&[(1, 1, "a"), (2, 6, "z")]));
        assert_eq!(journal.branch_before(1).expect("a branch"), 5);
        assert_eq!(history(journal, 1), []);
        for refused in [0, 2, u64::MAX] {
            let error = journal.branch_before(refused).err();
            assert!(matches!(error, Some(JournalError::NoSuchPlace { .. })), "{refused}: {error:?}");
        }
    });
}

#[test]
fn snapshots_are_found_by_place_and_branch() {
    each(|journal| {
        journal.append(1, &batch(&["a", "b", "c", "d"]), Urgency::Ordinary).expect("room");
        let first = journal.snapshots();
        for sequence in [0, 2, 4] {
            first.put(sequence, format!("state {sequence}").as_bytes()).expect("room");
        }
        assert!(matches!(first.put(5, b"x"), Err(JournalError::NoSuchPlace { last: 4, .. })));
        let places = |list: Vec<loligo_journal::SnapshotInfo>| -> Vec<_> {
            list.iter().map(|info| (info.branch, info.sequence)).collect()
        };
        assert_eq!(places(first.list().expect("a list")), [(1, 0), (1, 2), (1, 4)]);
        for (at, expected) in [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4), (u64::MAX, 4)] {
            let (info, body) = first.newest(at).expect("readable").found.expect("there is one");
            assert_eq!(
                (info.sequence, body),
                (expected, format!("state {expected}").into_bytes()),
                "at {at}"
            );
        }
        journal.branch_before(4).expect("a branch");
        journal.append(1, &batch(&["D", "E"]), Urgency::Ordinary).expect("room");
        let second = journal.snapshots();
        assert_eq!(places(second.list().expect("a list")), [(1, 0), (1, 2)]);
        second.put(4, b"the other four").expect("room");
        second.put(4, b"the other four, again").expect("room");
        assert_eq!(places(second.list().expect("a list")), [(1, 0), (1, 2), (2, 4)]);
        assert_eq!(second.newest(9).expect("readable").found.expect("there").1, b"the other four, again");
        assert_eq!(first.newest(9).expect("readable").found.expect("there").1, b"state 4");
        let list = second.list().expect("a list");
        for info in [&list[2], &list[2], &list[0]] {
            second.remove(info).expect("removed");
        }
        assert_eq!(places(second.list().expect("a list")), [(1, 2)]);
    });
}

#[test]
fn a_reopened_journal_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let open = || SqliteJournal::open(dir.path(), options()).expect("opens");
    let mut journal = open();
    journal.append(1, &batch(&["a", "b"]), Urgency::Ordinary).expect("room");
    journal.branch_before(2).expect("a branch");
    drop(journal);
    let mut journal = open();
    assert_eq!((journal.branch(), journal.last_sequence()), (2, 1));
    journal.append(2, &batch(&["B"]), Urgency::Ordinary).expect("room");
    drop(journal);
    let journal = open();
    assert_eq!(history(&journal, 1), rows(&[(1, 1, "a"), (2, 2, "B")]));
}

#[test]
fn a_folder_has_one_owner() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = SqliteJournal::open(dir.path(), options()).expect("opens");
    let refused = SqliteJournal::open(dir.path(), options()).expect_err("in use");
    assert!(matches!(refused, JournalError::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    drop(journal);
    SqliteJournal::open(dir.path(), options()).expect("free again");
}

#[test]
fn a_journal_in_memory_keeps_what_came_last_within_its_bound_and_says_what_it_has_forgotten() {
    // Each batch is 100 bytes with its frame: ten are kept.
    let record = "x".repeat(96);
    let mut journal = MemoryJournal::keeping(1_000);
    for place in 1..=1_000 {
        assert_eq!(journal.append(0, &batch(&[&record]), Urgency::Ordinary).expect("room"), place);
    }
    assert_eq!(journal.last_sequence(), 1_000);
    let mut late = journal.reader(990).expect("a reader");
    let forgotten = late.next_batch().expect_err("ten are kept");
    assert!(matches!(forgotten, JournalError::Pruned { asked: 990, kept: 991, .. }), "{forgotten}");
    // Who is near enough reads on.
    let mut near = journal.reader(991).expect("a reader");
    assert_eq!(drain(&mut *near).len(), 10);
    journal.append(0, &batch(&[&record]), Urgency::Ordinary).expect("room");
    assert_eq!(drain(&mut *near).len(), 1);
    // The newest batch is kept however large it is.
    let large: Vec<&str> = std::iter::repeat_n(record.as_str(), 50).collect();
    assert_eq!(journal.append(0, &batch(&large), Urgency::Ordinary).expect("room"), 1_002);
    assert_eq!(drain(&mut *near).len(), 50);
    assert_eq!(history(&journal, 1_002).len(), 50);
    // A branch forgets its parent's records first.
    journal.branch_before(1_052).expect("a branch");
    journal.append(0, &batch(&[&record]), Urgency::Ordinary).expect("room");
    assert_eq!(drain(&mut *near), []);
    let mut parent = journal.reader(1_002).expect("a reader");
    let forgotten = parent.next_batch().expect_err("the branch has its one");
    assert!(matches!(forgotten, JournalError::Pruned { asked: 1_002, kept: 1_052, .. }), "{forgotten}");
}

#[test]
fn an_appender_learns_of_records_that_came_before_its_own() {
    let mut ours = MemoryJournal::new();
    let mut theirs = ours.another_appender();
    assert_eq!(ours.append(1, &batch(&["a"]), Urgency::Ordinary).expect("room"), 1);
    assert_eq!(theirs.append(2, &batch(&["b", "c"]), Urgency::Ordinary).expect("room"), 2);
    // Not 2, where it would follow what this appender wrote last: what lies between is there to be read.
    assert_eq!(ours.append(3, &batch(&["d"]), Urgency::Ordinary).expect("room"), 4);
    assert_eq!(history(&ours, 2), rows(&[(2, 2, "b"), (3, 2, "c"), (4, 3, "d")]));
    assert_eq!((ours.last_sequence(), theirs.last_sequence()), (4, 4));
}

#[test]
fn an_appender_whose_log_went_to_another_branch_is_told_and_nothing_of_its_batch_is_kept() {
    let mut ours = MemoryJournal::new();
    let mut theirs = ours.another_appender();
    ours.append(1, &batch(&["a", "b", "c"]), Urgency::Ordinary).expect("room");
    let mut old = ours.reader(3).expect("a reader");
    assert_eq!(theirs.branch_before(2).expect("a branch"), 2);
    theirs.append(2, &batch(&["B"]), Urgency::Ordinary).expect("room");
    // It speaks of its branch until it is told.
    assert_eq!((ours.branch(), ours.last_sequence()), (1, 3));
    let moved = ours.append(3, &batch(&["d"]), Urgency::Urgent);
    assert!(matches!(moved, Err(AppendError::Moved { branch: 2 })), "{moved:?}");
    assert_eq!((ours.branch(), ours.last_sequence()), (2, 2));
    assert_eq!(history(&ours, 1), rows(&[(1, 1, "a"), (2, 2, "B")]));
    assert_eq!(drain(&mut *old), rows(&[(3, 1, "c")]), "a reader keeps to its branch");
    // It has read the branch and goes on there.
    assert_eq!(ours.append(4, &batch(&["D"]), Urgency::Ordinary).expect("room"), 3);
    assert_eq!(history(&theirs, 2), rows(&[(2, 2, "B"), (3, 4, "D")]));
}
