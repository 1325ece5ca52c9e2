//! The stretches that are forming now, of one subject at all lengths that are kept.

use super::super::Resolution;
use super::Subject;
use super::figures::Stretch;
use loligo_engine::Timestamp;

/// The lengths that are kept, as those of candles are; all others are folded from these.
pub(super) const KEPT: [Resolution; 4] =
    [Resolution::OneMinute, Resolution::FiveMinutes, Resolution::OneHour, Resolution::OneDay];

/// A stretch to be kept; it takes the place of the row that is there for its subject, length and time.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) subject: Subject,
    pub(super) resolution: Resolution,
    pub(super) opened: Timestamp,
    /// Its figures, packed.
    pub(super) figures: Vec<u8>,
}

/// See the module.
pub(super) struct Forming<T> {
    subject: Subject,
    stretches: [Formed<T>; KEPT.len()],
}

/// One stretch.
pub(super) struct Formed<T> {
    pub(super) opened: Timestamp,
    pub(super) figures: T,
    /// Whether it changed since its row was taken.
    changed: bool,
}

impl<T: Stretch> Forming<T> {
    /// The first ones of a subject.
    pub(super) fn begin(subject: Subject, at: Timestamp, figures: &T) -> Self {
        let begun = |resolution: Resolution| Formed {
            opened: resolution.opening(at),
            figures: figures.clone(),
            changed: true,
        };
        Self { subject, stretches: KEPT.map(begun) }
    }

    /// As they were when these were the newest rows, in the order of [`KEPT`].
    pub(super) fn restore(subject: Subject, rows: [(Timestamp, T); KEPT.len()]) -> Self {
        let stretches = rows.map(|(opened, figures)| Formed { opened, figures, changed: false });
        Self { subject, stretches }
    }

    /// The newest figures.
    pub(super) fn newest(&self) -> &T {
        &self.stretches[0].figures
    }

    /// Changes the figures of those stretches that an instant is in; it may not be before the last one. What is complete by then
    /// goes to `complete`. Each act is told when its stretch opened.
    pub(super) fn change(&mut self, at: Timestamp, complete: &mut Vec<Row>, act: impl Fn(&mut T, Timestamp)) {
        for (stretch, resolution) in self.stretches.iter_mut().zip(KEPT) {
            let opened = resolution.opening(at);
            if opened > stretch.opened {
                if stretch.changed {
                    complete.push(stretch.row(self.subject, resolution));
                }
                *stretch = Formed { opened, figures: stretch.figures.stand(), changed: false };
            }
            act(&mut stretch.figures, stretch.opened);
            stretch.changed = true;
        }
    }

    /// Takes the rows of what changed since the last time.
    pub(super) fn take_rows(&mut self, rows: &mut Vec<Row>) {
        for (stretch, resolution) in self.stretches.iter_mut().zip(KEPT) {
            if std::mem::take(&mut stretch.changed) {
                rows.push(stretch.row(self.subject, resolution));
            }
        }
    }
}

impl<T: Stretch> Formed<T> {
    fn row(&self, subject: Subject, resolution: Resolution) -> Row {
        let figures = postcard::to_allocvec(&self.figures).expect("figures have a stored form");
        Row { subject, resolution, opened: self.opened, figures }
    }
}
