//! Snapshots are made while the exchange goes on.

use super::*;
use crate::projection::{Fills, Markets, StoredPast};
use std::sync::mpsc::sync_channel;

fn sell() -> Submission {
    let Submission { command: Command::Place(order), .. } = place() else { unreachable!() };
    Submission::new(Command::Place(PlaceOrder { account: AccountId(1), side: Side::Sell, ..order }))
}

/// Trades, the day and fills as a snapshot stores them.
fn past(fills: &Fills, markets: &Markets) -> Vec<u8> {
    postcard::to_stdvec(&StoredPast::of(fills, markets)).unwrap()
}

#[tokio::test]
async fn a_snapshot_is_of_the_record_it_was_asked_at_and_holds_nobody_up() {
    let (node, disk) = node_on(MarketKind::None);
    let (release, gate) = sync_channel(1);
    *disk.keeping.lock().unwrap() = Some(gate);
    for _ in 0..3 {
        placed(&node).await;
    }
    node.handle().submit(sell()).await.unwrap();
    let before = node.handle().state_hashes().await.unwrap();
    let seen = past(node.handle().views().fills(), node.handle().views().markets());
    assert_eq!(node.handle().snapshot().await, Ok(before.sequence));

    // The keeper is at it; whoever trades is answered, and the next snapshot waits its turn.
    for _ in 0..2 {
        placed(&node).await;
        node.handle().submit(sell()).await.unwrap();
    }
    let after = node.handle().state_hashes().await.unwrap();
    assert_eq!(node.handle().snapshot().await, Ok(after.sequence));
    assert_eq!(node.handle().snapshot().await, Err(SubmitError::Unavailable), "two are in hand");
    assert_ne!(past(node.handle().views().fills(), node.handle().views().markets()), seen);
    release.send(()).unwrap();
    assert_eq!(node.stop(), NodeEnd::Stopped);

    let kept = std::mem::take(&mut *disk.kept.lock().unwrap());
    assert_eq!(kept.len(), 2, "a venue in memory has no later start: it leaves none when it stops");
    for ((sequence, body), hashes) in kept.iter().zip([&before, &after]) {
        let snapshot::Restored { venue, past: kept } = snapshot::decode(body).unwrap();
        assert_eq!(*sequence, hashes.sequence);
        assert_eq!(recovery::hashes(&venue), *hashes);
        let (_, fills, markets) = kept.views(&venue.exchange);
        assert_eq!(past(&fills, &markets) == seen, hashes == &before, "what was seen then, at {sequence}");
    }
}
