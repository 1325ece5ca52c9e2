//! A page of candles: what is kept, before it the made-up past, and in between what did not happen.
//!
//! From the first candle of a series on there is one for every stretch of time. Where nothing happened it is flat, at the
//! price that stood, without volume; it is made here, and kept nowhere.

use super::{Candle, Resolution, Series};
use crate::past::Past;
use loligo_engine::{FinePrice, Timestamp};

/// Kept candles, oldest first, of the resolutions that are kept; none for stretches in which nothing happened.
pub(crate) trait Rows {
    /// What reading may come to.
    type Error;

    /// All series that have rows.
    fn series(&self) -> Result<Vec<Series>, Self::Error>;

    /// Those that opened between two instants, both counted in.
    fn between(
        &self,
        series: Series,
        kept: Resolution,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Candle>, Self::Error>;

    /// The newest that opened before an instant.
    fn before(
        &self,
        series: Series,
        kept: Resolution,
        time: Timestamp,
    ) -> Result<Option<Candle>, Self::Error>;

    /// The oldest.
    fn first(&self, series: Series, kept: Resolution) -> Result<Option<Candle>, Self::Error>;
}

/// Which candles are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// Those that opened then or later; without it the newest ones.
    pub(crate) from: Option<Timestamp>,
    /// Those that opened then or earlier.
    pub(crate) to: Timestamp,
    /// At most so many.
    pub(crate) count: u32,
}

/// Candles, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) candles: Vec<Candle>,
    /// Whether the range holds later ones.
    pub(crate) more: bool,
}

/// A page of a series. `until` is now, or when the contract expired, if that was earlier.
///
/// # Errors
/// Whatever reading rows comes to.
pub(crate) fn page<R: Rows>(
    rows: &R,
    past: Option<&Past>,
    series: Series,
    resolution: Resolution,
    range: Range,
    until: Timestamp,
) -> Result<Page, R::Error> {
    let nothing = Page { candles: Vec::new(), more: false };
    let begun = past.and_then(|past| past.covers(series).then(|| past.begins()));
    let begun = match begun {
        Some(begun) => begun,
        None => match rows.first(series, resolution.kept())? {
            Some(first) => first.opened,
            None => return Ok(nothing),
        },
    };
    let length = resolution.micros();
    let begun = resolution.opening(begun);
    let last = resolution.opening(range.to.min(until));
    let first = match range.from {
        None => begun,
        // The first that opens no earlier.
        Some(from) if from <= begun => begun,
        Some(from) if from > last => return Ok(nothing),
        Some(from) => Timestamp(resolution.opening(Timestamp(from.0 - 1)).0 + length),
    };
    if first > last {
        return Ok(nothing);
    }
    let held = (last.0 - first.0) / length + 1;
    let taken = held.min(i64::from(range.count));
    let first = if range.from.is_some() { first } else { Timestamp(last.0 - (taken - 1) * length) };
    let more = range.from.is_some() && held > taken;
    if taken == 0 {
        return Ok(Page { candles: Vec::new(), more });
    }
    let last = Timestamp(first.0 + (taken - 1) * length);

    let mut stood = match rows.before(series, resolution.kept(), first)? {
        Some(before) => Some(before.close),
        None => past.and_then(|past| past.stood(series)),
    };
    let made = past.map_or_else(Vec::new, |past| past.candles(series, resolution, first, last));
    let happened = folded(rows, series, resolution, (first, last), stood)?;
    let (mut made, mut happened) = (made.into_iter().peekable(), happened.into_iter().peekable());
    let mut candles = Vec::with_capacity(taken as usize);
    for at in 0..taken {
        let opened = Timestamp(first.0 + at * length);
        let made = made.next_if(|candle| candle.opened == opened);
        let happened = happened.next_if(|candle| candle.opened == opened);
        let candle = match (made, happened) {
            (Some(mut made), Some(happened)) => {
                made.fold(&happened);
                made
            }
            (Some(candle), None) | (None, Some(candle)) => candle,
            (None, None) => match stood {
                Some(price) => Candle::flat(opened, price),
                None => continue,
            },
        };
        stood = Some(candle.close);
        candles.push(candle);
    }
    Ok(Page { candles, more })
}

/// The candles that opened between two openings and in which something happened, folded from what is kept. `stood` is the
/// price before them.
pub(super) fn folded<R: Rows>(
    rows: &R,
    series: Series,
    resolution: Resolution,
    (first, last): (Timestamp, Timestamp),
    mut stood: Option<FinePrice>,
) -> Result<Vec<Candle>, R::Error> {
    let kept = resolution.kept();
    let to = Timestamp(last.0 + resolution.micros() - kept.micros());
    let mut folded: Vec<Candle> = Vec::new();
    for row in rows.between(series, kept, first, to)? {
        let opened = resolution.opening(row.opened);
        match folded.last_mut().filter(|candle| candle.opened == opened) {
            Some(candle) => candle.fold(&row),
            None => {
                let mut candle = Candle { opened, ..row };
                // A price that stood opens the candle, though the first row of it opened later, with a new one.
                if let Some(price) = stood.filter(|_| series.stands() && row.opened > opened) {
                    candle = Candle::flat(opened, price);
                    candle.fold(&row);
                }
                folded.push(candle);
            }
        }
        stood = Some(row.close);
    }
    Ok(folded)
}
