//! Lists of all markets, each row written once per change and shared by every request until the next.
//!
//! What a row shows is kept beside its bytes: when something changed, the rows that show the same as before stay. What reads
//! otherwise as time goes by, without any change, says until when it holds.

use super::convert::markets;
use super::{Kraken, KrakenRequest};
use crate::projection::{ListedInstrument, Ticker};
use loligo_engine::{InstrumentSpec, MarketState, Timestamp};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// The rows of one list as they were written last.
pub(super) struct Prepared<T>(Mutex<Arc<Rows<T>>>);

/// The rows of all contracts, in order of number.
pub(super) struct Rows<T> {
    /// Branch and change of the views that they show; none when they may not be shown again.
    of: Option<(u64, u64)>,
    /// From here on some row reads otherwise.
    until: Timestamp,
    rows: Vec<Arc<Row<T>>>,
}

/// One contract's row.
pub(super) struct Row<T> {
    /// What it shows.
    pub(super) seen: T,
    /// How that is written; nothing where there is no row to show.
    pub(super) bytes: Vec<u8>,
}

impl<T> Default for Prepared<T> {
    fn default() -> Self {
        Self(Mutex::new(Arc::new(Rows { of: None, until: Timestamp(i64::MIN), rows: Vec::new() })))
    }
}

impl<T> Deref for Rows<T> {
    type Target = [Arc<Row<T>>];

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl<T: PartialEq> Prepared<T> {
    /// The rows that show a change of a branch's views: those that were written, or written now. Whoever comes meanwhile waits for
    /// them rather than write them, too.
    fn at(
        &self,
        of: (u64, u64),
        listed: &[ListedInstrument],
        now: Timestamp,
        seen: impl FnOnce() -> Vec<T>,
        until: impl Fn(&InstrumentSpec) -> Timestamp,
        write: impl Fn(&T, &InstrumentSpec, &mut Vec<u8>),
    ) -> Arc<Rows<T>> {
        // A panic while rows were written left the last ones there.
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.of == Some(of) && now < latest.until {
            return Arc::clone(&latest);
        }
        let holds = latest.of.is_some_and(|(branch, _)| branch == of.0) && now < latest.until;
        let seen = seen();
        // A contract that was listed a moment ago may not be in the directory yet, and has its row then.
        let complete = seen.len() <= listed.len();
        let rows = seen.into_iter().zip(listed).enumerate().map(|(number, (seen, listed))| {
            match latest.get(number) {
                Some(row) if holds && row.seen == seen => Arc::clone(row),
                _ => {
                    let mut bytes = Vec::new();
                    write(&seen, listed.instrument.spec(), &mut bytes);
                    Arc::new(Row { seen, bytes })
                }
            }
        });
        let rows = rows.collect();
        let until = if holds {
            latest.until
        } else {
            listed.iter().map(|listed| until(listed.instrument.spec())).min().unwrap_or(Timestamp(i64::MAX))
        };
        *latest = Arc::new(Rows { of: complete.then_some(of), until, rows });
        Arc::clone(&latest)
    }
}

impl Kraken {
    /// The tickers of all contracts.
    pub(super) fn ticker_rows(&self, asked: &KrakenRequest<'_>, now: Timestamp) -> Arc<Rows<Ticker>> {
        let (markets, listed) = (asked.views.markets(), asked.directory.instruments());
        // Asked before the figures are read: what changes in between is looked for again by the next request.
        let of = (asked.views.branch(), markets.changes());
        let until = |spec: &InstrumentSpec| markets::ticker_holds_until(spec, now);
        self.tickers.at(
            of,
            listed,
            now,
            || markets.tickers(now),
            until,
            |ticker, spec, out| {
                let shown = markets::is_loaded(ticker.state);
                if let Some(row) = shown.then(|| markets::ticker(ticker, spec, now)).flatten() {
                    row.write(out);
                }
            },
        )
    }

    /// The descriptions of all contracts.
    pub(super) fn instrument_rows(
        &self,
        asked: &KrakenRequest<'_>,
        now: Timestamp,
    ) -> Arc<Rows<MarketState>> {
        let (markets, listed) = (asked.views.markets(), asked.directory.instruments());
        let of = (asked.views.branch(), markets.state_changes());
        let until = |spec: &InstrumentSpec| markets::instrument_holds_until(spec, now);
        self.instruments.at(
            of,
            listed,
            now,
            || markets.states(),
            until,
            |state, spec, out| {
                markets::InstrumentRow::of(spec, *state, now).row().write(out);
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listing::Listing;
    use loligo_engine::{Instrument, InstrumentId, PairId};
    use std::cell::RefCell;

    fn listed(count: usize) -> Vec<ListedInstrument> {
        let specs = Listing::standard(Timestamp(0)).instruments.into_iter().take(count);
        specs
            .zip(0..)
            .map(|(spec, id)| {
                let instrument = Instrument::new(spec, PairId(0)).expect("it can be reckoned with");
                ListedInstrument { id: InstrumentId(id), instrument: Arc::new(instrument) }
            })
            .collect()
    }

    /// Each row as it is written now, and which of them were written for that.
    fn rows(
        prepared: &Prepared<u32>,
        of: (u64, u64),
        listed: &[ListedInstrument],
        now: i64,
        seen: &[u32],
    ) -> (Vec<u8>, Vec<u32>) {
        let written = RefCell::new(Vec::new());
        let write = |seen: &u32, _: &InstrumentSpec, out: &mut Vec<u8>| {
            written.borrow_mut().push(*seen);
            out.push(*seen as u8);
        };
        let until = |_: &InstrumentSpec| Timestamp((now / 10 + 1) * 10);
        let rows = prepared.at(of, listed, Timestamp(now), || seen.to_vec(), until, write);
        let told = rows.iter().flat_map(|row| row.bytes.clone()).collect();
        (told, written.into_inner())
    }

    #[test]
    fn a_row_is_written_once_per_change_of_what_it_shows() {
        let (prepared, listed) = (Prepared::default(), listed(3));
        let ask = |of, now, seen| rows(&prepared, of, &listed, now, seen);
        assert_eq!(ask((1, 0), 0, &[1, 2, 3]), (vec![1, 2, 3], vec![1, 2, 3]));
        assert_eq!(ask((1, 0), 9, &[7, 7, 7]), (vec![1, 2, 3], vec![]), "without a change nobody looks");
        assert_eq!(ask((1, 1), 9, &[1, 5, 3]), (vec![1, 5, 3], vec![5]), "one row of three");
        assert_eq!(ask((1, 2), 9, &[1, 5, 3]), (vec![1, 5, 3], vec![]), "a change of nothing that is shown");
        assert_eq!(ask((1, 2), 10, &[1, 5, 3]), (vec![1, 5, 3], vec![1, 5, 3]), "time alone changes rows");
        assert_eq!(ask((2, 2), 11, &[1, 5, 3]).1, [1, 5, 3], "another branch counts its own changes");
    }

    #[test]
    fn a_contract_that_the_directory_does_not_have_yet_is_looked_for_again() {
        let (prepared, listed) = (Prepared::default(), listed(3));
        assert_eq!(rows(&prepared, (1, 0), &listed[..2], 0, &[1, 2, 3]).0, [1, 2]);
        assert_eq!(rows(&prepared, (1, 0), &listed, 0, &[1, 2, 3]).0, [1, 2, 3]);
    }
}
