//! Snapshots are made while the exchange goes on.

use super::*;
use crate::projection::{Part, Projections};
use loligo_journal::{Options, SqliteJournal};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use tempfile::TempDir;

fn sell() -> Submission {
    let Submission { command: Command::Place(order), .. } = place() else { unreachable!() };
    Submission::new(Command::Place(PlaceOrder { account: AccountId(1), side: Side::Sell, ..order }))
}

/// What followers keep in a snapshot.
fn parts(views: &Projections) -> Vec<Part> {
    views.followers().iter().filter_map(|follower| follower.part()).collect()
}

#[tokio::test]
async fn a_snapshot_is_of_the_record_it_was_asked_at_and_holds_nobody_up() {
    let folder = TempDir::new().unwrap();
    let config = Config { data: Some(folder.path().to_path_buf()), ..Config::test() };
    let (node, disk) = node_with(config, MachineClock::system());
    let (release, gate) = sync_channel(1);
    *disk.keeping.lock().unwrap() = Some(gate);
    for _ in 0..3 {
        placed(&node).await;
    }
    node.handle().submit(sell()).await.unwrap();
    let before = node.handle().state_hashes().await.unwrap();
    let seen = parts(&node.handle().views());
    assert_eq!(node.handle().snapshot().await, Ok(before.sequence));

    // The keeper is at it; whoever trades is answered, and the next snapshot waits its turn.
    for _ in 0..2 {
        placed(&node).await;
        node.handle().submit(sell()).await.unwrap();
    }
    let after = node.handle().state_hashes().await.unwrap();
    assert_eq!(node.handle().snapshot().await, Ok(after.sequence));
    assert_eq!(node.handle().snapshot().await, Err(SubmitError::Unavailable), "two are in hand");
    let seen_after = parts(&node.handle().views());
    assert_ne!(seen_after, seen);
    release.send(()).unwrap();
    while disk.kept.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.stop(), NodeEnd::Stopped);

    let kept = std::mem::take(&mut *disk.kept.lock().unwrap());
    assert_eq!(kept.len(), 3, "the last one is of the clean stop");
    for ((sequence, body), (hashes, seen)) in
        kept.iter().zip([(&before, &seen), (&after, &seen_after), (&after, &seen_after)])
    {
        let snapshot::Restored { venue, parts } = snapshot::decode(body).unwrap();
        assert_eq!(*sequence, hashes.sequence);
        assert_eq!(stopped::hashes(&venue), *hashes);
        assert_eq!(&parts, seen, "what was seen then, at {sequence}");
    }
}

#[tokio::test]
async fn a_venue_in_memory_takes_a_snapshot_when_told_to_and_none_when_it_stops() {
    let (node, disk) = node_on(MarketKind::None);
    placed(&node).await;
    let hashes = node.handle().state_hashes().await.unwrap();
    assert_eq!(node.handle().snapshot().await, Ok(hashes.sequence));
    placed(&node).await;
    assert_eq!(node.stop(), NodeEnd::Stopped);
    let kept = std::mem::take(&mut *disk.kept.lock().unwrap());
    let [(sequence, body)] = &kept[..] else { panic!("one was asked for") };
    assert_eq!(*sequence, hashes.sequence);
    assert_eq!(stopped::hashes(&snapshot::decode(body).unwrap().venue), hashes);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_snapshot_that_is_being_made() {
    let folder = TempDir::new().unwrap();
    let config = Config { data: Some(folder.path().to_path_buf()), ..Config::test() };
    let (node, disk) = node_with(config, MachineClock::system());
    let (release, gate) = sync_channel(1);
    *disk.keeping.lock().unwrap() = Some(gate);
    for _ in 0..2 {
        placed(&node).await;
        node.handle().snapshot().await.unwrap();
    }
    let last = node.handle().state_hashes().await.unwrap();
    release.send(()).unwrap();
    assert_eq!(node.stop(), NodeEnd::Stopped);
    let kept = std::mem::take(&mut *disk.kept.lock().unwrap());
    let (sequence, body) = kept.last().unwrap();
    assert_eq!(*sequence, last.sequence, "the clean stop leaves the last one");
    assert_eq!(stopped::hashes(&snapshot::decode(body).unwrap().venue), last);
}

/// What a folder's venue is, as a start finds it: its hashes, what its followers keep, and what is said of it.
fn found(folder: &Path) -> (StateHashes, Vec<Part>, Vec<String>) {
    let journal = SqliteJournal::open(folder, Options::default()).unwrap();
    let mut notes = Vec::new();
    let recovery::Recovered { venue, views, .. } = recovery::restore_newest(&journal, &mut notes).unwrap();
    (stopped::hashes(&venue), parts(&views), notes)
}

#[tokio::test]
async fn a_follower_without_a_part_is_made_from_the_whole_journal_or_begins_at_the_snapshot() {
    let folder = TempDir::new().unwrap();
    let config = Config { data: Some(folder.path().to_path_buf()), ..Config::test() };
    let node = spawn(&config).unwrap();
    for _ in 0..3 {
        placed(&node).await;
        node.handle().submit(sell()).await.unwrap();
    }
    node.stop();
    let whole = found(folder.path());
    assert_eq!((whole.1.len(), &whole.2[..]), (2, &[][..]));

    // As a version would leave it whose fills were of another layout, and that knew of no markets.
    let altered = |keep_journal: bool| {
        let journal = SqliteJournal::open(folder.path(), Options::default()).unwrap();
        let (info, body) = journal.snapshots().newest(u64::MAX).unwrap().found.unwrap();
        let snapshot::Restored { venue, mut parts } = snapshot::decode(&body).unwrap();
        parts.retain(|part| part.name == "fills");
        parts[0].version += 1;
        let body = snapshot::encode_parts(&venue, parts).unwrap();
        journal.snapshots().put(info.sequence, &body).unwrap();
        if !keep_journal {
            journal.snapshots().prune(info.sequence, &|| true).unwrap();
        }
    };
    altered(true);
    let (hashes, kept, notes) = found(folder.path());
    assert_eq!((hashes, &kept), (whole.0, &whole.1), "everything is as it was");
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert!(note.contains("fills (it is of version 2") && note.contains("markets (there is none)"), "{note}");
    assert!(note.ends_with("made again from the whole journal"), "{note}");

    altered(false);
    let (hashes, kept, notes) = found(folder.path());
    assert_eq!(hashes, whole.0);
    assert_ne!(kept, whole.1);
    assert!(notes.iter().any(|note| note.ends_with("what they show begins there")), "{notes:?}");
    // And the venue goes on from there, its books as they were.
    let node = spawn(&config).unwrap();
    assert!(node.notes().iter().any(|note| note.ends_with("what they show begins there")));
    assert!(node.handle().views().fills().of(AccountId(0), 10).is_empty());
    node.handle().submit(place()).await.unwrap();
    node.handle().submit(sell()).await.unwrap();
    let fills = node.handle().views().fills().of(AccountId(0), 10);
    assert_eq!(fills.iter().map(|fill| fill.number).collect::<Vec<_>>(), [4], "counted on");
}
