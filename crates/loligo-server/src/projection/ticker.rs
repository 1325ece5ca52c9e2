//! Market statistics of a contract.

use loligo_engine::{
    Fine, FinePrice, FundingView, InstrumentId, MarketState, PastHour, PastTrade, Price, Qty, Side, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::OnceLock;

/// The window of the day's statistics slides in minutes of this many microseconds.
const MINUTE_MICROS: i64 = 60 * Timestamp::SECOND;
/// Steps in a day.
const DAY_MINUTES: i64 = 24 * 60;

/// The last trade of a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTrade {
    /// At which price.
    pub price: Price,
    /// How many lots.
    pub qty: Qty,
    /// The taker's side.
    pub side: Side,
    /// When.
    pub time: Timestamp,
}

impl From<PastTrade> for LastTrade {
    fn from(trade: PastTrade) -> Self {
        let PastTrade { price, qty, side, at: time } = trade;
        Self { price, qty, side, time }
    }
}

/// Trades of the last 24 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayStats {
    /// Lots traded.
    pub volume: Qty,
    /// Their worth: in quote currency for linear contracts, in base currency for inverse ones.
    pub value: Fine,
    /// Price of the first trade in the window.
    pub open: Option<Price>,
    /// Highest price.
    pub high: Option<Price>,
    /// Lowest price.
    pub low: Option<Price>,
}

/// What is known of a contract's market at one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticker {
    /// Which contract.
    pub instrument: InstrumentId,
    /// Its last trade; none before the first.
    pub last: Option<LastTrade>,
    /// Best bid and what is open there.
    pub bid: Option<(Price, Qty)>,
    /// Best ask and what is open there.
    pub ask: Option<(Price, Qty)>,
    /// The pair's index price.
    pub index: Option<FinePrice>,
    /// The mark price.
    pub mark: Option<FinePrice>,
    /// How it trades.
    pub state: MarketState,
    /// Sum of long positions.
    pub open_interest: Qty,
    /// The last 24 hours; change in percent is `last` against `day.open`.
    pub day: DayStats,
    /// Of a perpetual that is not over: rate, what is predicted, and when that begins.
    pub funding: Option<FundingView>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct TradedMinute {
    /// Which minute of exchange time.
    number: i64,
    open: Price,
    high: Price,
    low: Price,
    volume: i64,
    value: Fine,
}

/// The sliding day: one bucket per minute that had a trade, before them one per made-up hour.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Day {
    minutes: VecDeque<TradedMinute>,
    /// The first minute counted, and what was counted from it on: made by the first reader after a trade, for those who
    /// follow in the same minute.
    #[serde(skip)]
    counted: OnceLock<(i64, DayStats)>,
}

impl Day {
    /// A day that begins with hours that were made up, oldest first. Each counts whole, as if all of it had happened in its
    /// first minute: the figures are those of the 24 newest candles of an hour.
    pub(super) fn after(hours: &[PastHour]) -> Self {
        let bucket = |hour: &PastHour| TradedMinute {
            number: hour.opened.0.div_euclid(MINUTE_MICROS),
            open: hour.open,
            high: hour.high,
            low: hour.low,
            volume: hour.qty.0,
            value: hour.value,
        };
        Self { minutes: hours.iter().map(bucket).collect(), counted: OnceLock::new() }
    }

    pub(super) fn trade(&mut self, time: Timestamp, price: Price, qty: Qty, value: Fine) {
        self.counted = OnceLock::new();
        let number = time.0.div_euclid(MINUTE_MICROS);
        while self.minutes.front().is_some_and(|minute| minute.number <= number - DAY_MINUTES) {
            self.minutes.pop_front();
        }
        match self.minutes.back_mut().filter(|minute| minute.number == number) {
            Some(minute) => {
                minute.high = minute.high.max(price);
                minute.low = minute.low.min(price);
                minute.volume += qty.0;
                minute.value += value;
            }
            None => self.minutes.push_back(TradedMinute {
                number,
                open: price,
                high: price,
                low: price,
                volume: qty.0,
                value,
            }),
        }
    }

    pub(super) fn stats(&self, now: Timestamp) -> DayStats {
        let first = now.0.div_euclid(MINUTE_MICROS) - DAY_MINUTES + 1;
        let (counted_from, stats) = *self.counted.get_or_init(|| (first, self.count(first)));
        // A minute later without a trade the window has moved on, and what was counted has not.
        if counted_from == first { stats } else { self.count(first) }
    }

    fn count(&self, first: i64) -> DayStats {
        let start = self.minutes.partition_point(|minute| minute.number < first);
        let mut stats = DayStats::default();
        for minute in self.minutes.range(start..) {
            stats.volume.0 += minute.volume;
            stats.value += minute.value;
            stats.open = stats.open.or(Some(minute.open));
            stats.high = Some(stats.high.map_or(minute.high, |high| high.max(minute.high)));
            stats.low = Some(stats.low.map_or(minute.low, |low| low.min(minute.low)));
        }
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = MINUTE_MICROS;

    #[test]
    fn the_day_slides_by_the_minute() {
        let mut day = Day::default();
        for (minute, price, qty) in [(0, 10, 1), (0, 30, 2), (1, 20, 4), (1439, 25, 8)] {
            day.trade(Timestamp(minute * MINUTE), Price(price), Qty(qty), Fine(i128::from(price * qty)));
        }
        let whole = day.stats(Timestamp(1439 * MINUTE));
        let want = DayStats {
            volume: Qty(15),
            value: Fine(10 + 60 + 80 + 200),
            open: Some(Price(10)),
            high: Some(Price(30)),
            low: Some(Price(10)),
        };
        assert_eq!(whole, want);
        // One minute on, the first minute has left, though nothing was traded since.
        let want = DayStats {
            volume: Qty(12),
            value: Fine(280),
            open: Some(Price(20)),
            high: Some(Price(25)),
            low: Some(Price(20)),
        };
        assert_eq!(day.stats(Timestamp(1440 * MINUTE)), want);
        assert_eq!(day.stats(Timestamp(5000 * MINUTE)), DayStats::default());
        assert_eq!(day.stats(Timestamp(1439 * MINUTE)), whole, "asked again, the same");
        day.trade(Timestamp(5000 * MINUTE), Price(7), Qty(1), Fine(7));
        assert_eq!(day.stats(Timestamp(5000 * MINUTE)).volume, Qty(1), "a trade is counted at once");
        assert_eq!(day.minutes.len(), 1, "what has left is not kept");
    }
}
