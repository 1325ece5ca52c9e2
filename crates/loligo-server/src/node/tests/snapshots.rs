//! Snapshots are made while the exchange goes on.

use super::*;
use crate::projection::{Part, Projections};
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
