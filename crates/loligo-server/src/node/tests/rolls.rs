//! Dated contracts follow each other: over jumps of the clock, restarts, times down, a full disk and an operator's expiry.

use super::*;
use crate::config::{ClockKind, Instruments, KeepJournal};
use crate::listing::{Listing, Roll};
use crate::node::{genesis, replay_folder, verify_folder};
use crate::record::{Body, Record};
use loligo_engine::{MarketState, Timestamp};
use loligo_journal::{Options, SqliteJournal, StoppedJournal, Urgency};
use std::path::Path;
use tempfile::TempDir;

const DAY_MILLIS: i64 = 86_400_000;

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.0).unwrap().to_string()
}

pub(super) fn manual(folder: &Path, start: &str) -> Config {
    let clock = ClockKind::Manual { start: at(start) };
    let keep_journal = KeepJournal::All;
    Config { data: Some(folder.to_path_buf()), clock, accounts: 1, keep_journal, ..Config::test() }
}

/// Every contract of a series with its opening, in the order in which they were listed; and those of them that have not
/// expired.
async fn series(node: &RunningNode, name: &'static str) -> (Vec<(String, String)>, Vec<String>) {
    let found = node.handle().query(move |exchange| {
        let all = exchange.instruments().filter(|(_, i)| i.spec().symbol.starts_with(name));
        let rows = all.map(|(id, instrument)| {
            let spec = instrument.spec();
            let day = spec.symbol.rsplit_once('_').unwrap().1.to_owned();
            let open = exchange.market(id).unwrap().trading != MarketState::Expired;
            (day, spec.opening, open)
        });
        rows.collect::<Vec<_>>()
    });
    let rows = found.await.unwrap();
    let open = rows.iter().filter(|(.., open)| *open).map(|(day, ..)| day.clone()).collect();
    (rows.into_iter().map(|(day, opening, _)| (day, text(opening))).collect(), open)
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(day, opening)| ((*day).to_owned(), (*opening).to_owned())).collect()
}

#[tokio::test]
async fn a_year_of_jumps_and_restarts_keeps_every_kind_listed_and_replays_to_the_same() {
    let folder = TempDir::new().unwrap();
    let config = manual(folder.path(), "2026-01-01T00:00:00Z");
    let mut node = spawn(&config).unwrap();
    for jump in 0..12 {
        // 31 days at once pass two expiries of each series when they can.
        node.handle().advance(31 * DAY_MILLIS).await.unwrap();
        for (name, kinds) in [("FI_XBT", 3), ("FI_ETH", 3), ("FF_XBT", 3), ("FF_ETH", 2)] {
            let (_, open) = series(&node, name).await;
            assert_eq!(open.len(), kinds, "{name} after {} jumps: {open:?}", jump + 1);
        }
        if jump % 3 == 1 {
            assert_eq!(node.stop(), NodeEnd::Stopped);
            node = spawn(&config).unwrap();
        }
    }
    assert_eq!(text(node.handle().now()), "2027-01-08T00:00:00Z");
    let (all, open) = series(&node, "FI_XBT").await;
    assert_eq!(
        all[3..],
        pairs(&[
            ("260227", "2026-01-30T16:00:00Z"),
            ("260925", "2026-02-27T16:00:00Z"),
            ("260424", "2026-03-27T16:00:00Z"),
            ("260529", "2026-04-24T15:00:00Z"),
            ("261225", "2026-05-29T15:00:00Z"),
            ("260731", "2026-06-26T15:00:00Z"),
            ("260828", "2026-07-31T15:00:00Z"),
            ("270326", "2026-08-28T15:00:00Z"),
            ("261030", "2026-09-25T15:00:00Z"),
            ("261127", "2026-10-30T16:00:00Z"),
            ("270625", "2026-11-27T16:00:00Z"),
            ("270129", "2026-12-25T16:00:00Z"),
        ])
    );
    assert_eq!(open, ["270326", "270625", "270129"]);
    let (all, open) = series(&node, "FF_ETH").await;
    assert_eq!(
        all[2..5],
        pairs(&[
            ("260227", "2026-01-30T08:00:00Z"),
            ("260626", "2026-02-27T08:00:00Z"),
            ("260424", "2026-03-27T08:00:00Z"),
        ])
    );
    assert_eq!(open, ["270326", "270129"]);
    let end = node.handle().state_hashes().await.unwrap();
    node.stop();
    assert_eq!(replay_folder(folder.path()).unwrap().hashes, end);
    assert_eq!(verify_folder(folder.path()).unwrap().hashes, end);
    check_journal(folder.path(), 4 * 12);
}

/// Every listing stands in the journal at the instant in which its contract opened, and nothing later before it.
pub(super) fn check_journal(folder: &Path, listings: usize) {
    let journal = StoppedJournal::open(folder).unwrap();
    let mut reader = journal.reader(1).unwrap();
    let (mut before, mut found) = (Timestamp(0), 0);
    while let Some(batch) = reader.next_batch().unwrap() {
        for (sequence, bytes) in batch.iter() {
            let record = Record::decode(bytes).unwrap();
            // What waits at an instant is done before time goes on to where an earlier record asked for.
            if let Body::Command(Command::List(spec)) = record.body {
                assert!(record.time >= before, "record {sequence}");
                assert_eq!(text(record.time), text(spec.opening), "{}", spec.symbol);
                found += 1;
            }
            before = before.max(record.time);
        }
    }
    assert_eq!(found, listings);
}

/// A folder as it was left behind at genesis, long ago.
pub(super) fn left_behind(config: &Config, born: Timestamp, later: &[Record]) {
    let records = genesis::records(config, &Listing::standard(born), born).unwrap();
    let options = Options { created_us: born.0, ..Options::default() };
    let mut journal = SqliteJournal::open(config.data.as_deref().unwrap(), options).unwrap();
    for record in records.iter().chain(later) {
        let (mut batch, mut bytes) = (Records::new(), Vec::new());
        record.encode(&mut bytes).unwrap();
        batch.push(&bytes);
        journal.append(record.time.0, &batch, Urgency::Ordinary).unwrap();
    }
}

#[tokio::test]
async fn what_expired_while_nobody_was_there_is_followed_in_order_at_its_own_instant() {
    let folder = TempDir::new().unwrap();
    let config = Config { clock: ClockKind::Real, ..manual(folder.path(), "2024-01-01T00:00:00Z") };
    left_behind(&config, at("2024-01-01T00:00:00Z"), &[]);
    let node = spawn(&config).unwrap();
    let (all, open) = series(&node, "FI_XBT").await;
    assert_eq!(
        all[3..15],
        pairs(&[
            ("240223", "2024-01-26T16:00:00Z"),
            ("240927", "2024-02-23T16:00:00Z"),
            ("240426", "2024-03-29T16:00:00Z"),
            ("240531", "2024-04-26T15:00:00Z"),
            ("241227", "2024-05-31T15:00:00Z"),
            ("240726", "2024-06-28T15:00:00Z"),
            ("240830", "2024-07-26T15:00:00Z"),
            ("250328", "2024-08-30T15:00:00Z"),
            ("241025", "2024-09-27T15:00:00Z"),
            ("241129", "2024-10-25T15:00:00Z"),
            ("250627", "2024-11-29T16:00:00Z"),
            ("250131", "2024-12-27T16:00:00Z"),
        ])
    );
    let mut days: Vec<&String> = all.iter().map(|(day, _)| day).collect();
    let mut openings: Vec<&String> = all[3..].iter().map(|(_, opening)| opening).collect();
    assert!(openings.is_sorted(), "in order: {openings:?}");
    let count = (days.len(), openings.len());
    days.sort();
    days.dedup();
    openings.dedup();
    assert_eq!((days.len(), openings.len()), count, "each once, one an expiry");
    assert_eq!(open.len(), 3, "{open:?}");

    node.stop();
    let node = spawn(&config).unwrap();
    assert_eq!(series(&node, "FI_XBT").await, (all, open), "a second start has nothing to make up for");
    let listed = node.handle().views().directory().instruments().len();
    let end = node.handle().state_hashes().await.unwrap();
    node.stop();
    assert_eq!(replay_folder(folder.path()).unwrap().hashes, end);
    check_journal(folder.path(), listed - Listing::standard(at("2024-01-01T00:00:00Z")).instruments.len());
}

#[tokio::test]
async fn a_folder_whose_contracts_all_ran_out_lists_them_anew_at_its_start() {
    let folder = TempDir::new().unwrap();
    let config = manual(folder.path(), "2024-01-01T00:00:00Z");
    let time = at("2025-06-15T12:00:00Z");
    let late = Record { time, nonce: None, body: Body::Command(Command::Advance) };
    // As many as a year and a half of hours takes, since each does a bounded number of steps.
    let late = vec![late; 8_000];
    left_behind(&config, at("2024-01-01T00:00:00Z"), &late);
    let node = spawn(&config).unwrap();
    assert_eq!(node.handle().now(), time);
    let (all, open) = series(&node, "FI_ETH").await;
    let now = "2025-06-15T12:00:00Z";
    assert_eq!(all[3..], pairs(&[("250627", now), ("250926", now), ("251226", now)]));
    assert_eq!(open, ["250627", "250926", "251226"]);
    node.handle().advance(13 * DAY_MILLIS).await.unwrap();
    let (all, _) = series(&node, "FI_ETH").await;
    assert_eq!(all[6..], pairs(&[("250725", "2025-06-27T15:00:00Z")]));
}

#[tokio::test]
async fn a_contract_that_the_operator_lets_expire_is_followed_at_once_by_the_next_free_one() {
    let (manual, real) = (Config::test(), Config { clock: ClockKind::Real, ..Config::test() });
    for config in [manual, real] {
        let node = spawn(&config).unwrap();
        let (before, _) = series(&node, "FF_XBT").await;
        let month = before[0].0.clone();
        let expire = node.handle().query(move |exchange| {
            let symbol = format!("FF_XBTUSD_{month}");
            exchange.instruments().find(|(_, i)| i.spec().symbol == symbol).map(|(id, _)| id)
        });
        let instrument = expire.await.unwrap().unwrap();
        let reply = node.handle().submit(Submission::new(Command::Expire { instrument })).await.unwrap();
        let (all, open) = series(&node, "FF_XBT").await;
        assert_eq!((all.len(), open.len()), (4, 3), "{:?}: {open:?}", config.clock);
        if config.clock != ClockKind::Real {
            assert_eq!(all[3], ("260227".to_owned(), text(reply.time)));
            // When its own day comes it is long gone, and February's is there already.
            node.handle().advance(31 * DAY_MILLIS).await.unwrap();
            assert_eq!(series(&node, "FF_XBT").await, (all, open));
        }
    }
}

#[tokio::test]
async fn only_what_says_so_rolls_and_a_snapshot_knows_it() {
    let folder = TempDir::new().unwrap();
    let standard = Listing::standard(ClockKind::DEFAULT_START);
    let rolls = vec![("FF_XBTUSD_260327".to_owned(), Roll::Quarter)];
    let instruments = Instruments::Given(Listing { rolls, ..standard.clone() });
    let config = Config { instruments, ..manual(folder.path(), "2026-01-01T00:00:00Z") };
    let node = spawn(&config).unwrap();
    for _ in 0..4 {
        node.handle().advance(30 * DAY_MILLIS).await.unwrap();
    }
    // June was there already when March expired: one contract a symbol.
    let (all, open) = series(&node, "FF_XBT").await;
    assert_eq!((all.len(), open), (3, vec!["260626".to_owned()]));
    node.handle().snapshot().await.unwrap();
    node.stop();

    let other = Config { instruments: Instruments::Given(standard), ..config.clone() };
    let refused = spawn(&other).err().expect("another listing").to_string();
    assert!(refused.contains("instruments"), "{refused}");

    let node = spawn(&config).unwrap();
    for _ in 0..2 {
        node.handle().advance(31 * DAY_MILLIS).await.unwrap();
    }
    let (all, open) = series(&node, "FF_XBT").await;
    assert_eq!(all[3..], pairs(&[("260925", "2026-06-26T08:00:00Z")]));
    assert_eq!(open, ["260925"]);
    assert_eq!(series(&node, "FI_").await.1, [] as [String; 0], "these never said that they roll");
    let end = node.handle().state_hashes().await.unwrap();
    node.stop();
    let verified = verify_folder(folder.path()).unwrap();
    // The one above, and that of the clean stop.
    assert_eq!((verified.hashes, verified.snapshots_compared), (end, 2));
}

#[tokio::test]
async fn a_roll_that_finds_the_disk_full_comes_when_there_is_room_at_its_own_instant() {
    let (node, disk) = node_on(MarketKind::None);
    node.handle().advance(29 * DAY_MILLIS).await.unwrap();
    disk.full.store(true, Ordering::SeqCst);
    assert!(node.handle().advance(2 * DAY_MILLIS).await.is_err());
    assert_eq!(series(&node, "FI_XBT").await.0.len(), 3);
    disk.full.store(false, Ordering::SeqCst);
    node.handle().advance(2 * DAY_MILLIS).await.unwrap();
    let (all, _) = series(&node, "FI_XBT").await;
    assert_eq!(all[3..], pairs(&[("260227", "2026-01-30T16:00:00Z")]));
}
