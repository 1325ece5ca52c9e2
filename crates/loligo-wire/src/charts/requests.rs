//! Which candles are asked for.

use crate::args::{Args, Value};
use crate::decimal::{Decimal, Number};

/// Most candles of one answer, and how many there are when nothing else is asked for.
pub const MAX_CANDLES: u32 = 2_000;

/// Seconds beyond the last instant that a timestamp can name: whatever is asked for from there on is the same.
const END_OF_TIME: i64 = 253_402_300_800;

/// The range of a request for candles. Where `to` lies before `from` it holds none, and the answer is an empty list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandleRange {
    /// The earliest open time in epoch seconds; without it the newest candles are meant.
    pub from: Option<i64>,
    /// The latest open time in epoch seconds; now, if it is not given.
    pub to: Option<i64>,
    /// Most candles to answer with, from 0 to [`MAX_CANDLES`].
    pub count: u32,
}

/// Why a request is refused; the words are the whole answer, as plain text with status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartsError {
    /// The tick type is none of the three.
    #[error("Invalid tick type")]
    TickType,
    /// There are no candles of this length.
    #[error("Invalid resolution")]
    Resolution,
    /// `from` is no number of seconds, is negative, or is given twice.
    #[error("Invalid from")]
    From,
    /// The same of `to`.
    #[error("Invalid to")]
    To,
    /// `count` is no whole number, is negative, or is given twice.
    #[error("Invalid count")]
    Count,
    /// There are more arguments than are read.
    #[error("Invalid arguments")]
    Arguments,
}

impl CandleRange {
    /// Reads the arguments of a request for candles; any others are passed over.
    ///
    /// # Errors
    /// [`ChartsError`] for the first of `from`, `to`, `count` that cannot be read. A `count` above [`MAX_CANDLES`] is cut.
    pub fn read(args: &Args<'_>) -> Result<Self, ChartsError> {
        // A candle opens at a whole second: from a fraction on means from the next one on, up to a fraction the one before.
        let from = given(args, "from", ChartsError::From)?;
        let from =
            from.map(|value| seconds(value, ChartsError::From).map(|(cut, exact)| cut + i64::from(!exact)));
        let to = given(args, "to", ChartsError::To)?;
        let to = to.map(|value| seconds(value, ChartsError::To).map(|(cut, _)| cut));
        let (from, to) = (from.transpose()?, to.transpose()?);
        let count = match given(args, "count", ChartsError::Count)? {
            None => MAX_CANDLES,
            Some(value) => match value.number().map_err(|_| ChartsError::Count)? {
                Number::Fits(count) if !count.is_negative() => {
                    let whole = count.at_scale(0).map_err(|_| ChartsError::Count)?;
                    u32::try_from(whole).map_or(MAX_CANDLES, |count| count.min(MAX_CANDLES))
                }
                Number::TooLarge { negative: false } => MAX_CANDLES,
                _ => return Err(ChartsError::Count),
            },
        };
        Ok(Self { from, to, count })
    }
}

/// The one value of an argument. An empty one is none: clients send `to=` for no end.
pub(super) fn given<'a, E>(args: &Args<'a>, name: &str, error: E) -> Result<Option<Value<'a>>, E> {
    let value = args.one(name).map_err(|_| error)?;
    Ok(value.filter(|value| !value.raw().is_empty()))
}

/// Whole seconds, and whether that is all of them.
fn seconds(value: Value<'_>, error: ChartsError) -> Result<(i64, bool), ChartsError> {
    match value.number().map_err(|_| error)? {
        Number::Fits(seconds) if !seconds.is_negative() => {
            let cut = seconds.mantissa() / 10_i128.pow(seconds.scale());
            let exact = Decimal::new(cut, 0) == seconds;
            Ok(i64::try_from(cut).map_or((END_OF_TIME, true), |cut| (cut.min(END_OF_TIME), exact)))
        }
        Number::TooLarge { negative: false } => Ok((END_OF_TIME, true)),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{CandleRange, ChartsError, END_OF_TIME, MAX_CANDLES};
    use crate::args::Args;

    fn read(query: &str) -> Result<CandleRange, ChartsError> {
        CandleRange::read(&Args::new(query.as_bytes(), b"").expect("few arguments"))
    }

    #[test]
    fn nothing_asked_for_is_the_newest_page() {
        let newest = CandleRange { from: None, to: None, count: MAX_CANDLES };
        assert_eq!(read(""), Ok(newest));
        assert_eq!(read("from=&to=&count=&tick=1"), Ok(newest));
    }

    #[test]
    fn seconds_may_have_a_fraction_or_an_exponent() {
        let range = |from, to| Ok(CandleRange { from: Some(from), to: Some(to), count: MAX_CANDLES });
        assert_eq!(read("from=1790000100&to=1790000160"), range(1_790_000_100, 1_790_000_160));
        assert_eq!(read("from=1.7900001e9&to=1790000160.0"), range(1_790_000_100, 1_790_000_160));
        assert_eq!(read("from=59.5&to=60.5"), range(60, 60));
        assert_eq!(read("from=1e30&to=1e300"), range(END_OF_TIME, END_OF_TIME));
        // A range that ends before it begins is no mistake: it is empty.
        assert_eq!(read("from=9&to=3"), range(9, 3));
    }

    #[test]
    fn a_page_is_cut_to_its_greatest_size() {
        for (query, count) in [
            ("count=0", 0),
            ("count=1", 1),
            ("count=2e3", 2_000),
            ("count=2001", 2_000),
            ("count=1e99", 2_000),
        ] {
            assert_eq!(read(query).map(|range| range.count), Ok(count), "{query}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_by_name() {
        for (query, error) in [
            ("from=yesterday", ChartsError::From),
            ("from=-1", ChartsError::From),
            ("from=NaN", ChartsError::From),
            ("from=1&from=2", ChartsError::From),
            ("to=-0.5", ChartsError::To),
            ("to=2026-01-01T00:00:00Z", ChartsError::To),
            ("to=0.000000000000000000000000000000000000000001", ChartsError::To),
            ("count=-1", ChartsError::Count),
            ("count=1.5", ChartsError::Count),
            ("count=all", ChartsError::Count),
            ("count=-1e99", ChartsError::Count),
        ] {
            assert_eq!(read(query), Err(error), "{query}");
        }
        assert_eq!(ChartsError::Resolution.to_string(), "Invalid resolution");
    }
}
