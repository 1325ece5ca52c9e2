use super::*;
use crate::charts::Candle;
use loligo_engine::{Exchange, PairId};
use rusqlite::Connection;
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600 * Timestamp::SECOND;
const MINUTE: i64 = 60 * Timestamp::SECOND;
const DAY: i64 = 1_440 * MINUTE;
const SPOT: Series = Series::Spot(PairId(0));

fn at(micros: i64) -> Timestamp {
    Timestamp(NEW_YEAR + micros)
}

/// Record number, instants and prices of the index that it told.
type Told = (u64, Vec<(i64, i128)>);

fn fold(candles: &Candles, told: &[Told]) {
    for (sequence, prices) in told {
        let index = |&(time, price): &(i64, i128)| Event::Index {
            pair: PairId(0),
            price: FinePrice(price * 10_i128.pow(18)),
            at: at(time),
        };
        let events: Vec<Event> = prices.iter().map(index).collect();
        let time = prices.last().map_or(at(0), |(time, _)| at(*time));
        candles.fold(Applied { sequence: *sequence, time, events: &events });
    }
}

/// A story of three days. The fourth record is a jump that reaches over midnight.
fn story() -> Vec<Told> {
    vec![
        (1, vec![(0, 100)]),
        (2, vec![(90 * Timestamp::SECOND, 101), (90 * Timestamp::SECOND, 99)]),
        (3, vec![]),
        (
            4,
            vec![
                (DAY - 3 * MINUTE, 108),
                (DAY - 2 * MINUTE, 105),
                (DAY - 1, 104),
                (DAY, 103),
                (DAY + 30 * MINUTE, 107),
            ],
        ),
        (5, vec![(DAY + 31 * MINUTE, 90)]),
        (6, vec![(DAY + 40 * MINUTE, 120), (2 * DAY + MINUTE, 121)]),
        (7, vec![(2 * DAY + 2 * MINUTE, 80)]),
    ]
}

fn in_folder(folder: &TempDir) -> Candles {
    let candles = Candles::new(Some(folder.path())).unwrap();
    candles.meet(&Exchange::new(), 0).unwrap();
    candles
}

/// All candles at every resolution, up to the end of the fourth day.
fn everything(candles: &Candles) -> Vec<Candle> {
    let range = Range { from: None, to: at(4 * DAY), count: 6_000 };
    let all = Resolution::ALL.into_iter();
    all.flat_map(|resolution| candles.page(None, SPOT, resolution, range, at(4 * DAY)).unwrap().candles)
        .collect()
}

/// What a follower in memory says that folded just these.
fn afresh(told: &[Told]) -> Vec<Candle> {
    let candles = Candles::new(None).unwrap();
    fold(&candles, told);
    everything(&candles)
}

#[test]
fn what_was_not_written_when_the_process_ended_is_folded_again() {
    let story = story();
    for killed_after in 0..=story.len() {
        let folder = TempDir::new().unwrap();
        let candles = in_folder(&folder);
        fold(&candles, &story[..killed_after]);
        // Killed: nothing is written at the end.
        drop(candles);
        let candles = in_folder(&folder);
        let place = candles.sequence() as usize;
        assert!(place <= killed_after);
        fold(&candles, &story[place..]);
        assert_eq!(everything(&candles), afresh(&story), "killed after {killed_after}");
        candles.end();
        drop(candles);
        let candles = in_folder(&folder);
        assert_eq!((candles.sequence(), everything(&candles)), (7, afresh(&story)));
    }
}

#[test]
fn going_back_forgets_what_came_after_and_folds_its_day_again() {
    let story = story();
    for to in 0..=story.len() {
        for restarted in [false, true] {
            let folder = TempDir::new().unwrap();
            let mut candles = in_folder(&folder);
            candles.revert(1, 0);
            fold(&candles, &story);
            candles.end();
            if restarted {
                drop(candles);
                candles = in_folder(&folder);
            }
            assert_eq!(candles.branch(), 1);
            candles.revert(2, to as u64);
            assert_eq!(candles.branch(), 2);
            let place = candles.sequence() as usize;
            assert!(place <= to, "{place} is not beyond {to}");
            fold(&candles, &story[place..to]);
            assert_eq!(everything(&candles), afresh(&story[..to]), "back to {to}");
            // It goes on elsewhere from there.
            let next = (to as u64 + 1, vec![(3 * DAY, 55)]);
            fold(&candles, std::slice::from_ref(&next));
            let other: Vec<Told> = story[..to].iter().cloned().chain([next]).collect();
            assert_eq!(everything(&candles), afresh(&other), "back to {to} and on");
        }
    }
}

#[test]
fn what_is_out_of_reach_leaves_prices_standing() {
    let candles = Candles::new(None).unwrap();
    fold(&candles, &story()[..2]);
    candles.begin(6, &Exchange::new());
    assert_eq!(candles.sequence(), 6);
    fold(&candles, &story()[6..]);
    let told: Vec<Told> = [&story()[..2], &story()[6..]].concat();
    assert_eq!(everything(&candles), afresh(&told));
}

#[test]
fn a_database_of_another_version_is_begun_anew() {
    let folder = TempDir::new().unwrap();
    let candles = in_folder(&folder);
    fold(&candles, &story());
    candles.end();
    {
        use std::os::unix::fs::PermissionsExt as _;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "for its owner alone");
        }
    }
    drop(candles);
    let file = Connection::open(folder.path().join(FILE)).unwrap();
    file.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(file);
    let candles = in_folder(&folder);
    assert_eq!((candles.sequence(), everything(&candles)), (0, vec![]));
    // What is no database at all is said, and left alone.
    drop(candles);
    std::fs::write(folder.path().join(FILE), [7; 10_000]).unwrap();
    let candles = Candles::new(Some(folder.path())).unwrap();
    let error = candles.meet(&Exchange::new(), 0).unwrap_err().to_string();
    assert!(error.starts_with("candles.db: "), "{error}");
}
