//! Rows that are shown a page at a time, from the newest back, by the time of the last one shown.

use loligo_engine::Timestamp;
use std::collections::VecDeque;

/// How a page is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Rows of a page. It has more only to end an instant: the next page begins before that instant, and what is left of
    /// it would be on neither.
    pub rows: usize,
    /// The most it may have for that.
    pub most: usize,
    /// How long an instant is as times are written, in microseconds.
    pub instant: i64,
}

/// Rows of a page, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The instant of which more rows are kept than a page may have: its older ones are on no page.
    pub broken: Option<Timestamp>,
}

impl<T: Clone> Page<T> {
    /// The page with as many rows as it has room for of others that all came before the oldest kept one; oldest first, no
    /// two of one instant.
    pub(super) fn and_earlier(
        mut self,
        earlier: Vec<T>,
        before: Option<Timestamp>,
        cut: Cut,
        time: impl Fn(&T) -> Timestamp,
    ) -> Self {
        let room = cut.rows.saturating_sub(self.rows.len());
        let wanted = earlier.iter().rev().filter(|row| before.is_none_or(|before| time(row) < before));
        self.rows.extend(wanted.take(room).cloned());
        self
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), broken: None }
    }
}

/// The newest rows, with `before` only those earlier than it. `kept` is in order of time.
pub(super) fn page<T: Clone>(
    kept: &VecDeque<T>,
    before: Option<Timestamp>,
    cut: Cut,
    time: impl Fn(&T) -> Timestamp,
) -> Page<T> {
    let end = before.map_or(kept.len(), |before| kept.partition_point(|row| time(row) < before));
    let full = end.saturating_sub(cut.rows);
    let instant = |row: &T| time(row).0.div_euclid(cut.instant);
    let Some(last) = kept.get(full).filter(|_| full < end) else { return Page::default() };
    // Where the instant of the last row begins.
    let whole = kept.partition_point(|row| instant(row) < instant(last));
    let begin = whole.max(end.saturating_sub(cut.most));
    let broken = (begin > whole).then(|| Timestamp(instant(last) * cut.instant));
    Page { rows: kept.range(begin..end).rev().cloned().collect(), broken }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUT: Cut = Cut { rows: 3, most: 5, instant: 1_000 };

    fn of(times: &[i64], before: Option<i64>, cut: Cut) -> (Vec<i64>, Option<i64>) {
        let kept = times.iter().copied().collect();
        let page = page(&kept, before.map(Timestamp), cut, |time| Timestamp(*time));
        (page.rows, page.broken.map(|at| at.0))
    }

    #[test]
    fn a_page_grows_only_to_end_an_instant_and_says_when_it_cannot() {
        for (times, before, rows, broken) in [
            (&[][..], None, &[][..], None),
            (&[1_000, 2_000], None, &[2_000, 1_000], None),
            (&[1_000, 2_000, 3_000, 4_000], None, &[4_000, 3_000, 2_000], None),
            (&[1_000, 2_000, 3_000, 4_000], Some(4_000), &[3_000, 2_000, 1_000], None),
            (&[1_000, 2_000, 3_000, 4_000], Some(1_000), &[], None),
            // Its last row's instant has one more, as times are written.
            (&[1_000, 2_000, 2_999, 3_000, 4_000], None, &[4_000, 3_000, 2_999, 2_000], None),
            (&[1_999, 2_000, 3_000, 4_000], None, &[4_000, 3_000, 2_000], None),
            (&[7, 8, 9, 10, 11], None, &[11, 10, 9, 8, 7], None),
            (&[7, 8, 9, 10, 11], Some(1_000), &[11, 10, 9, 8, 7], None),
            (&[6, 7, 8, 9, 10, 11], None, &[11, 10, 9, 8, 7], Some(0)),
            (
                &[1_000, 1_000, 1_000, 1_000, 2_000, 3_000],
                None,
                &[3_000, 2_000, 1_000, 1_000, 1_000],
                Some(1_000),
            ),
            (&[-1, 0, 1, 2], None, &[2, 1, 0], None),
        ] {
            assert_eq!(of(times, before, CUT), (rows.to_vec(), broken), "{times:?} before {before:?}");
        }
    }

    #[test]
    fn pages_that_follow_each_other_show_every_row_once() {
        // Runs of 1 to 5 rows of one instant.
        let times: Vec<i64> =
            (0..200_i64).flat_map(|at| vec![at * 1_000 + at % 3; 1 + (at * 7 % 5) as usize]).collect();
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let (rows, broken) = of(&times, before, Cut { most: 8, ..CUT });
            assert_eq!(broken, None);
            let Some(last) = rows.last() else { break };
            before = Some(last.div_euclid(1_000) * 1_000);
            seen.extend(rows);
        }
        seen.reverse();
        assert_eq!(seen, times);
    }
}
