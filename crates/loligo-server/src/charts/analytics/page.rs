//! A page of figures: what is kept, and in between what stood while nothing happened.

use super::super::{Range, Resolution};
use super::figures::Stretch;
use super::shelf::{Kept, Shelf};
use loligo_engine::Timestamp;

/// Stretches, oldest first: one for every stretch of time from the first of a subject on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    /// How many of them are from before the range; see [`page`].
    pub(crate) lead: usize,
    /// When each opened, and its figures.
    pub(crate) rows: Vec<(Timestamp, T)>,
    /// Whether the range holds later ones.
    pub(crate) more: bool,
}

/// A page of a subject, with so many stretches in front of it as there are, `lead` at most. `until` is now, or when the contract
/// expired, if that was earlier.
///
/// # Errors
/// Those of the database.
pub(super) fn page<T: Stretch>(
    shelf: Shelf<'_>,
    resolution: Resolution,
    range: Range,
    lead: u32,
    until: Timestamp,
) -> rusqlite::Result<Page<T>> {
    let nothing = Page { lead: 0, rows: Vec::new(), more: false };
    let kept = resolution.kept();
    let Some((begun, _)) = shelf.first::<T>(kept)? else { return Ok(nothing) };
    let length = resolution.micros();
    let begun = resolution.opening(begun);
    let last = resolution.opening(range.to.min(until));
    let first = match range.from {
        Some(from) if from > last => return Ok(nothing),
        // The first that opens no earlier.
        Some(from) if from > begun => Timestamp(resolution.opening(Timestamp(from.0 - 1)).0 + length),
        _ => begun,
    };
    if first > last {
        return Ok(nothing);
    }
    let held = (last.0 - first.0) / length + 1;
    let taken = held.min(i64::from(range.count));
    let before = ((first.0 - begun.0) / length).min(i64::from(lead));
    let first = Timestamp(first.0 - before * length);
    let count = before + taken;

    let mut stood: Option<T> = shelf.before(kept, first)?.map(|(_, figures)| figures);
    let to = Timestamp(first.0 + count * length - kept.micros());
    let happened: Vec<Kept<T>> = shelf.between(kept, first, to)?;
    let mut happened = happened.into_iter().peekable();
    let mut rows = Vec::with_capacity(count as usize);
    for at in 0..count {
        let opened = Timestamp(first.0 + at * length);
        let mut figures = stood.as_ref().map(Stretch::stand);
        while let Some((row, found)) = happened.next_if(|(row, _)| resolution.opening(*row) == opened) {
            match &mut figures {
                // What a row begins with stands for the whole, where both begin together.
                Some(figures) if row > opened => figures.fold(&found),
                figures => *figures = Some(found),
            }
        }
        if let Some(figures) = figures {
            stood = Some(figures.clone());
            rows.push((opened, figures));
        }
    }
    Ok(Page { lead: before as usize, rows, more: held > taken })
}
