//! Analytics of the charts API: statistics of a market in stretches of time, in an envelope of their own.

use super::Resolution;
use super::requests::given;
use crate::args::Args;
use crate::decimal::{Decimal, Number};
use crate::json::{Object, write_array, write_int, write_word};
use crate::words::words;

/// Most stretches of one answer.
pub const MAX_STRETCHES: u32 = 2_000;

/// Seconds beyond the last instant that a timestamp can name: whatever is asked for from there on is the same.
const END_OF_TIME: i64 = 253_402_300_800;

words! {
    /// What is told of a market.
    pub enum AnalyticsType {
        OpenInterest = "open-interest",
        AggressorDifferential = "aggressor-differential",
        TradeVolume = "trade-volume",
        TradeCount = "trade-count",
        LiquidationVolume = "liquidation-volume",
        RollingVolatility = "rolling-volatility",
        LongShortRatio = "long-short-ratio",
        LongShortInfo = "long-short-info",
        CumulativeVolumeDelta = "cvd",
        TopTraders = "top-traders",
        Orderbook = "orderbook",
        Spreads = "spreads",
        Liquidity = "liquidity",
        Slippage = "slippage",
        FutureBasis = "future-basis",
        Funding = "funding",
    }
}

/// Which stretches are asked for. Where `to` lies before `since` there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnalyticsRange {
    /// The earliest begin, in epoch seconds from 0 on.
    pub since: i64,
    /// The latest begin; now, if it is not given.
    pub to: Option<i64>,
    /// How long a stretch is.
    pub interval: Resolution,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalyticsError {
    /// There is no such type.
    #[error("Unknown method")]
    UnknownMethod,
    /// These arguments are missing, cannot be read, or have two values; none is named where there are more than are read.
    #[error("Invalid arguments")]
    Arguments(Vec<&'static str>),
}

impl AnalyticsRange {
    /// Reads the arguments; any others are passed over. Seconds are a whole number of 64 bits; those before the epoch are its
    /// begin.
    ///
    /// # Errors
    /// [`AnalyticsError::Arguments`] with all of `since`, `interval`, `to` that cannot be read.
    pub fn read(args: &Args<'_>) -> Result<Self, AnalyticsError> {
        let mut wrong = Vec::new();
        let mut seconds = |name| match whole(args, name) {
            Ok(seconds) => seconds,
            Err(()) => {
                wrong.push(name);
                None
            }
        };
        let (since, interval, to) = (seconds("since"), seconds("interval"), seconds("to"));
        let length = Resolution::ALL.iter().copied().find(|one| Some(one.seconds()) == interval);
        let mut missing = |name, is_there: bool| {
            if !is_there && !wrong.contains(&name) {
                wrong.push(name);
            }
        };
        missing("since", since.is_some());
        missing("interval", length.is_some());
        let on_calendar = |seconds: i64| seconds.clamp(0, END_OF_TIME);
        match (since, length) {
            (Some(since), Some(interval)) if wrong.is_empty() => {
                // An end before the epoch is before every stretch.
                let to = to.map(|to| to.clamp(-1, END_OF_TIME));
                Ok(Self { since: on_calendar(since), to, interval })
            }
            _ => {
                // In the order of the contract, whatever was found first.
                wrong.sort_unstable_by_key(|name| {
                    ["since", "interval", "to"].iter().position(|of| of == name)
                });
                Err(AnalyticsError::Arguments(wrong))
            }
        }
    }
}

/// A whole number of 64 bits; none where there is no such argument.
fn whole(args: &Args<'_>, name: &str) -> Result<Option<i64>, ()> {
    let Some(value) = given(args, name, ())? else { return Ok(None) };
    match value.number() {
        Ok(Number::Fits(number)) => {
            let whole = number.at_scale(0).map_err(|_| ())?;
            i64::try_from(whole).map(Some).map_err(|_| ())
        }
        _ => Err(()),
    }
}

/// What an answer tells: one thing for each stretch, or several such series by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Decimals, as strings; null where there is none.
    Series(Vec<Option<Decimal>>),
    /// Whole numbers.
    Counts(Vec<u64>),
    /// Open, high, low and close, as strings.
    Ohlc(Vec<[Option<Decimal>; 4]>),
    /// Series by name.
    Members(Vec<(&'static str, Data)>),
}

/// How the members of a side of the book are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As types that tell a part of the book have them: `best_price`.
    Snake,
    /// As the type that tells all of it has them: `bestPrice`.
    Camel,
}

/// The best price of a side.
#[must_use]
pub const fn best_price(spelling: Spelling) -> &'static str {
    match spelling {
        Spelling::Snake => "best_price",
        Spelling::Camel => "bestPrice",
    }
}

/// What there is within 0.5, 1, 2.5, 5, 10 and 100 per cent of the best price.
#[must_use]
pub const fn liquidity(spelling: Spelling) -> [&'static str; 6] {
    match spelling {
        Spelling::Snake => [
            "liquidity_005",
            "liquidity_01",
            "liquidity_025",
            "liquidity_05",
            "liquidity_10",
            "liquidity_100",
        ],
        Spelling::Camel => {
            ["liquidity005", "liquidity01", "liquidity025", "liquidity05", "liquidity10", "liquidity100"]
        }
    }
}

/// What an order worth 1,000, 10,000, 100,000 and 1,000,000 is filled at.
#[must_use]
pub const fn slippage(spelling: Spelling) -> [&'static str; 4] {
    match spelling {
        Spelling::Snake => ["slippage_1k", "slippage_10k", "slippage_100k", "slippage_1m"],
        Spelling::Camel => ["slippage1k", "slippage10k", "slippage100k", "slippage1m"],
    }
}

impl Data {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Series(values) => write_array(out, values, |out, value| write_value(out, *value)),
            Self::Counts(counts) => write_array(out, counts, |out, count| write_int(out, *count)),
            Self::Ohlc(rows) => write_array(out, rows, |out, row| {
                write_array(out, row, |out, value| write_value(out, *value));
            }),
            Self::Members(members) => {
                let mut object = Object::new(out);
                for (name, data) in members {
                    data.write(object.member(name));
                }
                object.end();
            }
        }
    }
}

fn write_value(out: &mut Vec<u8>, value: Option<Decimal>) {
    match value {
        Some(value) => {
            out.push(b'"');
            value.write(out);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends the whole answer: when each stretch began, in the unit of the type, and what is told of it. `more` says that the range
/// asked for holds later ones.
pub fn write_analytics(
    out: &mut Vec<u8>,
    timestamps: impl IntoIterator<Item = i64>,
    more: bool,
    data: &Data,
) {
    let mut answer = Object::new(out);
    let mut result = Object::new(answer.member("result"));
    write_array(result.member("timestamp"), timestamps, write_int);
    result.bool("more", more);
    data.write(result.member("data"));
    result.end();
    answer.member("errors").extend_from_slice(b"[]");
    answer.end();
}

impl AnalyticsError {
    /// The status that it travels with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnknownMethod => 404,
            Self::Arguments(_) => 400,
        }
    }

    /// Appends the whole answer: an error for each argument.
    pub fn write(&self, out: &mut Vec<u8>) {
        let fields = match self {
            Self::Arguments(fields) => fields.as_slice(),
            Self::UnknownMethod => &[],
        };
        let named = fields.iter().map(|field| Some(*field));
        let unnamed = fields.is_empty().then_some(None);
        let mut answer = Object::new(out);
        answer.null("result");
        write_array(answer.member("errors"), named.chain(unnamed), |out, field| {
            let mut error = Object::new(out);
            write_word(error.member("severity"), "E");
            write_word(error.member("error_class"), "General");
            error.string("type", &self.to_string());
            error.null("msg");
            error.null("value");
            error.opt_string("field", field);
            error.end();
        });
        answer.end();
    }
}

#[cfg(test)]
mod tests {
    use super::{AnalyticsError, AnalyticsRange, END_OF_TIME};
    use crate::args::Args;
    use crate::charts::Resolution;

    fn read(query: &str) -> Result<AnalyticsRange, AnalyticsError> {
        AnalyticsRange::read(&Args::new(query.as_bytes(), b"").expect("few arguments"))
    }

    #[test]
    fn a_range_is_whole_seconds_and_a_length_of_candles() {
        for (query, since, to, seconds) in [
            ("since=1767225600&interval=60", 1_767_225_600, None, 60),
            ("since=1767225600&interval=3600&to=", 1_767_225_600, None, 3_600),
            (
                "since=1.7672256e9&interval=604800.0&to=1767225660",
                1_767_225_600,
                Some(1_767_225_660),
                604_800,
            ),
            ("since=-5&interval=300&to=-5", 0, Some(-1), 300),
            (
                "since=9223372036854775807&interval=900&to=9223372036854775807",
                END_OF_TIME,
                Some(END_OF_TIME),
                900,
            ),
            ("since=5&since=5&interval=60&count=all", 5, None, 60),
        ] {
            let range = read(query).expect(query);
            assert_eq!((range.since, range.to, range.interval.seconds()), (since, to, seconds), "{query}");
        }
        assert_eq!(Resolution::ALL.len(), 9);
    }

    #[test]
    fn every_argument_that_cannot_be_read_is_named() {
        for (query, fields) in [
            ("", &["since", "interval"][..]),
            ("since=&interval=", &["since", "interval"]),
            ("since=1&interval=1", &["interval"]),
            ("since=1&interval=7200", &["interval"]),
            ("since=1&interval=1m", &["interval"]),
            ("since=1&interval=-60", &["interval"]),
            ("since=1&interval=60&interval=300", &["interval"]),
            ("since=yesterday&interval=60", &["since"]),
            ("since=1.5&interval=60", &["since"]),
            ("since=1&since=2&interval=60", &["since"]),
            ("since=9223372036854775808&interval=60", &["since"]),
            ("since=1e99&interval=60", &["since"]),
            ("since=1&interval=60&to=soon", &["to"]),
            ("since=1&interval=60&to=0.1", &["to"]),
            ("to=x&interval=0&since=2026-01-01", &["since", "interval", "to"]),
        ] {
            assert_eq!(read(query), Err(AnalyticsError::Arguments(fields.to_vec())), "{query}");
        }
    }
}
