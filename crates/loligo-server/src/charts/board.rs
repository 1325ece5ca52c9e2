//! The candles that are forming now, of every series at every resolution.

use super::{Candle, Resolution, Rows, Series};
use crate::projection::{Watch, Watched};
use loligo_engine::{FinePrice, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A series at a resolution.
pub(crate) type SeriesAt = (Series, Resolution);

/// The board as others see it while it is folded: its lock is held for one price at a time.
#[derive(Default)]
pub(crate) struct LiveBoard {
    ticked: Mutex<Ticked>,
    watched: Watched<SeriesAt, (u64, Candle)>,
}

/// A board, and how many prices it was told since the process began.
#[derive(Default)]
struct Ticked {
    board: Board,
    ticks: u64,
}

impl LiveBoard {
    /// Another board takes the place of this one.
    pub(super) fn replace(&self, board: Board) {
        self.lock().board = board;
    }

    /// See [`Board::tick`]. Tells it to those who watch the series.
    pub(super) fn tick(&self, series: Series, at: Timestamp, price: FinePrice, lots: i64) {
        let mut ticked = self.lock();
        ticked.ticks += 1;
        ticked.board.tick(series, at, price, lots);
        let Ticked { board, ticks } = &*ticked;
        // Under the lock: whoever watches and then looks at a candle is told all that comes after it.
        for (resolution, candle) in board.all(series) {
            self.watched.tell((series, resolution), || (*ticks, candle));
        }
    }

    /// Does something with the board.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        act(&mut self.lock().board)
    }

    /// The forming candle of a series, if it had a price, and the number of the last price that may be in it.
    pub(crate) fn forming(&self, (series, resolution): SeriesAt) -> (u64, Option<Candle>) {
        let ticked = self.lock();
        (ticked.ticks, ticked.board.candle(series, resolution))
    }

    /// Hears of each price, with its number and what it made of the candle.
    pub(crate) fn watch(&self) -> Watch<SeriesAt, (u64, Candle)> {
        self.watched.watch()
    }

    fn lock(&self) -> MutexGuard<'_, Ticked> {
        self.ticked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All forming candles: some kilobytes a contract, however long the venue runs.
#[derive(Default)]
pub(crate) struct Board {
    forming: BTreeMap<Series, Forming>,
    /// Rows that are complete and were not taken yet. Whoever folds takes them after each batch, so their bound is that of
    /// a batch: a record completes at most the kept candles of the series that it moves.
    complete: Vec<Row>,
}

/// The candles of one series at all resolutions.
struct Forming {
    candles: [Candle; Resolution::ALL.len()],
    /// Whether it changed since its rows were taken.
    changed: bool,
}

/// A candle to be kept; it takes the place of the row that is there for its series, resolution and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) series: Series,
    pub(crate) resolution: Resolution,
    pub(crate) candle: Candle,
}

impl Board {
    /// The board as it was when these rows were kept.
    ///
    /// # Errors
    /// Whatever reading rows comes to.
    pub(crate) fn restore<R: Rows>(rows: &R) -> Result<Self, R::Error> {
        let mut board = Self::default();
        for series in rows.series()? {
            let Some(last) = rows.before(series, Resolution::OneMinute, Timestamp(i64::MAX))? else {
                continue;
            };
            let mut candles = [last; Resolution::ALL.len()];
            for (candle, resolution) in candles.iter_mut().zip(Resolution::ALL) {
                let opened = resolution.opening(last.opened);
                let stood = rows.before(series, resolution.kept(), opened)?.map(|before| before.close);
                let found = super::page::folded(rows, series, resolution, (opened, opened), stood)?;
                *candle = found.into_iter().next().unwrap_or(Candle { opened, ..last });
            }
            board.forming.insert(series, Forming { candles, changed: false });
        }
        Ok(board)
    }

    /// A trade happened, or a price changed, at an instant not before the last of its series. `lots` are those traded.
    pub(crate) fn tick(&mut self, series: Series, at: Timestamp, price: FinePrice, lots: i64) {
        let opening = |resolution: Resolution| {
            let mut candle = Candle::flat(resolution.opening(at), price);
            candle.volume = i128::from(lots);
            candle
        };
        let Some(forming) = self.forming.get_mut(&series) else {
            let candles = Resolution::ALL.map(opening);
            self.forming.insert(series, Forming { candles, changed: true });
            return;
        };
        for (candle, resolution) in forming.candles.iter_mut().zip(Resolution::ALL) {
            let opened = resolution.opening(at);
            if opened <= candle.opened {
                candle.tick(price, lots);
                continue;
            }
            if forming.changed && resolution.kept() == resolution {
                self.complete.push(Row { series, resolution, candle: *candle });
            }
            let stood = candle.close;
            *candle = opening(resolution);
            if series.stands() && opened < at {
                *candle = Candle::flat(opened, stood);
                candle.tick(price, lots);
            }
        }
        forming.changed = true;
    }

    /// The forming candle of a series; none before its first price.
    pub(crate) fn candle(&self, series: Series, resolution: Resolution) -> Option<Candle> {
        let at = Resolution::ALL.iter().position(|one| *one == resolution)?;
        self.forming.get(&series).map(|forming| forming.candles[at])
    }

    /// The forming candles of a series.
    fn all(&self, series: Series) -> impl Iterator<Item = (Resolution, Candle)> {
        let forming = self.forming.get(&series);
        forming.into_iter().flat_map(|forming| Resolution::ALL.into_iter().zip(forming.candles))
    }

    /// How many complete rows wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.complete.len()
    }

    /// Takes back rows that could not be kept, to be taken again: before those that came since, which may be of the same
    /// candles. Of more than `most` the oldest are given up.
    pub(crate) fn put_back(&mut self, mut rows: Vec<Row>, most: usize) {
        rows.append(&mut self.complete);
        rows.drain(..rows.len().saturating_sub(most));
        self.complete = rows;
    }

    /// Takes what changed since the last time, of the resolutions that are kept.
    pub(crate) fn take_rows(&mut self) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.complete);
        for (&series, forming) in self.forming.iter_mut().filter(|(_, forming)| forming.changed) {
            forming.changed = false;
            let candles = forming.candles.into_iter().zip(Resolution::ALL);
            let kept = candles.filter(|(_, resolution)| resolution.kept() == *resolution);
            rows.extend(kept.map(|(candle, resolution)| Row { series, resolution, candle }));
        }
        rows
    }
}
