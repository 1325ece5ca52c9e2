//! Which snapshots a venue keeps, and from where on its journal.

use crate::config::KeepJournal;
use loligo_engine::Timestamp;
use loligo_journal::{JournalError, Snapshots};
use std::time::{Duration, Instant};

/// The newest snapshots, kept however old: the newest of all may turn out damaged, then the one before serves.
const NEWEST: usize = 2;
/// How many snapshots lie between the journal's beginning and the newest, one for each such part of the time that it spans:
/// from one of them the journal's beginning moves on to the next.
const PARTS: i64 = 7;
/// A day in microseconds.
const DAY: i64 = 86_400 * Timestamp::SECOND;
/// The time that those span where the whole journal is kept.
const DAYS_OF_ALL: u32 = 7;

/// How long a stop waits for pruning. What is left then goes at another time.
const AT_STOP: Duration = Duration::from_millis(500);

/// What of the journal has to stay.
#[derive(Clone, Copy)]
pub(crate) struct Retention {
    /// As long as the operator wants it.
    pub(crate) keep: KeepJournal,
    /// The lowest record that somebody still has to fold.
    pub(crate) needed: u64,
}

impl Retention {
    /// Removes the snapshots that are too many. Returns the record before which the journal may be pruned, if any.
    ///
    /// The journal then begins at a snapshot: the newest one that is old enough, is not the newest of all, and lies before
    /// whatever is needed. `crossed` is the record after which the rules changed last: its snapshot stays for good.
    pub(crate) fn thin(
        self,
        store: &dyn Snapshots,
        crossed: Option<u64>,
    ) -> Result<Option<u64>, JournalError> {
        let Self { keep, needed } = self;
        let all = store.list()?;
        let mut places = Vec::with_capacity(all.len());
        for info in &all {
            let time = store.time_us(info)?.unwrap_or(i64::MIN);
            places.push(Place { sequence: info.sequence, time });
        }
        let Plan { kept, begin } = plan(&places, keep, crossed, needed);
        for (info, kept) in all.iter().zip(kept) {
            if !kept {
                store.remove(info)?;
            }
        }
        let Some(begin) = begin.filter(|_| keep != KeepJournal::All) else { return Ok(None) };
        // What the journal is to begin with must be there in full.
        let whole = store.newest(begin)?.found.is_some_and(|(info, _)| info.sequence == begin);
        Ok(whole.then_some(begin))
    }
}

/// Prunes the journal before a record, if any, for as long as it may go on.
pub(crate) fn prune(store: &dyn Snapshots, before: Option<u64>, go_on: &dyn Fn() -> bool) {
    let Some(before) = before else { return };
    let begun = Instant::now();
    match store.prune(before, go_on) {
        Ok(0) => {}
        Ok(records) => tracing::debug!(before, records, took = ?begun.elapsed(), "journal pruned"),
        // The journal is longer than it need be; nothing is lost.
        Err(error) => tracing::warn!(before, %error, "the journal could not be pruned"),
    }
}

/// The same while everybody waits for the exchange to stop.
pub(crate) fn prune_at_stop(store: &dyn Snapshots, before: Option<u64>) {
    let begun = Instant::now();
    prune(store, before, &|| begun.elapsed() < AT_STOP);
}

/// A snapshot, as far as it matters here.
#[derive(Clone, Copy)]
struct Place {
    sequence: u64,
    /// Exchange time of its record, in microseconds since 1970.
    time: i64,
}

struct Plan {
    /// Of each snapshot, whether it stays.
    kept: Vec<bool>,
    /// The one that the journal is to begin with.
    begin: Option<u64>,
}

/// What is kept of these, which are in order.
fn plan(all: &[Place], keep: KeepJournal, crossed: Option<u64>, needed: u64) -> Plan {
    let days = match keep {
        KeepJournal::All => DAYS_OF_ALL,
        KeepJournal::Days(days) => days,
    };
    let span = i64::from(days).saturating_mul(DAY);
    let oldest = all.last().map_or(i64::MIN, |newest| newest.time.saturating_sub(span));
    let newest_from = all.len().saturating_sub(NEWEST);
    // The second newest may be the one, the newest never is.
    let may_begin = &all[..all.len().min(newest_from + 1)];
    let begin = may_begin.iter().rposition(|place| place.time <= oldest && place.sequence < needed);
    let mut last: Option<i64> = None;
    let kept = all.iter().enumerate().map(|(at, place)| {
        let due = last.is_none_or(|last| place.time.saturating_sub(last) >= span / PARTS);
        let stays = at >= begin.unwrap_or(0) && due;
        if stays {
            last = Some(place.time);
        }
        stays || at >= newest_from || Some(place.sequence) == crossed
    });
    Plan { kept: kept.collect(), begin: begin.map(|at| all[at].sequence) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = DAY / 24;

    /// Snapshots at these hours, numbered by them, of which those are kept that are answered.
    fn kept(hours: &[i64], keep: KeepJournal, crossed: Option<u64>, needed: u64) -> (Vec<u64>, Option<u64>) {
        let all: Vec<Place> =
            hours.iter().map(|hour| Place { sequence: *hour as u64, time: hour * HOUR }).collect();
        let Plan { kept, begin } = plan(&all, keep, crossed, needed);
        let kept = all.iter().zip(kept).filter(|(_, kept)| *kept).map(|(place, _)| place.sequence);
        (kept.collect(), begin)
    }

    #[test]
    fn the_newest_two_stay_and_one_for_each_day_of_the_week_before() {
        let week = KeepJournal::Days(7);
        let none = u64::MAX;
        assert_eq!(kept(&[], week, None, none), (vec![], None));
        assert_eq!(kept(&[5], week, None, none), (vec![5], None));
        assert_eq!(kept(&[5, 6], week, None, none), (vec![5, 6], None));
        // A busy day: its first, and the newest two.
        assert_eq!(kept(&[5, 6, 7, 8, 9], week, None, none), (vec![5, 8, 9], None));
        // Three a day for a month.
        let hours: Vec<i64> = (0..90).map(|at| at * 8).collect();
        let (left, begin) = kept(&hours, week, None, none);
        assert_eq!(begin, Some(544), "the newest is of hour 712, a week before that is 544");
        assert_eq!(left, [544, 568, 592, 616, 640, 664, 688, 704, 712]);
        // A snapshot more moves it on by as much as there is of old ones.
        let mut later: Vec<i64> = left.iter().map(|hour| *hour as i64).collect();
        later.push(720);
        assert_eq!(
            kept(&later, week, None, none),
            (vec![544, 568, 592, 616, 640, 664, 688, 712, 720], Some(544))
        );
    }

    #[test]
    fn where_the_rules_changed_stays_and_what_somebody_has_still_to_fold() {
        let hours: Vec<i64> = (0..40).map(|at| at * 24).collect();
        let week = KeepJournal::Days(7);
        let (left, begin) = kept(&hours, week, Some(48), u64::MAX);
        assert_eq!((left[0], left[1], begin), (48, 768, Some(768)));
        let (left, begin) = kept(&hours, week, None, 240);
        assert_eq!((left[0], begin), (216, Some(216)), "the follower at 239 begins with record 240");
        assert_eq!(kept(&hours, week, None, 0).1, None);
    }

    #[test]
    fn no_day_is_the_second_newest_and_a_jump_of_the_clock_is_as_long_as_it_says() {
        assert_eq!(kept(&[1, 2, 3], KeepJournal::Days(0), None, u64::MAX), (vec![2, 3], Some(2)));
        assert_eq!(kept(&[1, 1, 1], KeepJournal::Days(0), None, u64::MAX).1, Some(1));
        // A year in one jump: the newest is never the beginning.
        assert_eq!(kept(&[1, 2, 9_000], KeepJournal::Days(7), None, u64::MAX), (vec![2, 9_000], Some(2)));
        // The whole journal does not want more snapshots than that of a week.
        let hours: Vec<i64> = (0..90).map(|at| at * 8).collect();
        assert_eq!(kept(&hours, KeepJournal::All, None, u64::MAX).0.len(), 9);
    }
}
