//! Candles: prices folded by time, as trades, mark and index prices happen, and as they are made up for the time before a
//! venue began; and beside them, in [`analytics`], what else there is to tell of markets by stretches of time.
//!
//! Everything here is in the engine's own units: prices of 1e-18, volumes in lots, times in microseconds. A candle of an
//! hour is the fold of its minutes, at every place where candles come from.

mod analytics;
mod board;
mod follower;
mod page;
mod shelf;
mod store;

#[cfg(test)]
mod tests;

pub(crate) use analytics::{
    AVERAGE_OF, Analytics, Figures, Holders, NAME as ANALYTICS, Ohlc, Page as FiguresPage, PoolValue,
    SideOfBook,
};
pub(crate) use board::{Board, LiveBoard, Row, SeriesAt};
pub(crate) use follower::{Candles, NAME};
pub(crate) use page::{Page, Range, Rows, page};
pub(crate) use shelf::Shelf;

use loligo_engine::{FinePrice, InstrumentId, PairId, Timestamp};

/// What candles are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Series {
    /// Trades of a contract.
    Trade(InstrumentId),
    /// Mark prices of a contract.
    Mark(InstrumentId),
    /// Index prices of a pair.
    Spot(PairId),
}

impl Series {
    /// Whether its price stands while nothing happens: then a candle opens with the price that stood. A trade is over at
    /// once, and a candle of trades opens with the first.
    const fn stands(self) -> bool {
        match self {
            Self::Trade(_) => false,
            Self::Mark(_) | Self::Spot(_) => true,
        }
    }
}

/// How long a candle lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Resolution {
    OneMinute,
    FiveMinutes,
    FifteenMinutes,
    ThirtyMinutes,
    OneHour,
    FourHours,
    TwelveHours,
    OneDay,
    OneWeek,
}

impl Resolution {
    /// All of them, shortest first.
    pub(crate) const ALL: [Self; 9] = [
        Self::OneMinute,
        Self::FiveMinutes,
        Self::FifteenMinutes,
        Self::ThirtyMinutes,
        Self::OneHour,
        Self::FourHours,
        Self::TwelveHours,
        Self::OneDay,
        Self::OneWeek,
    ];

    /// The longest candles that are kept from which one of these is folded. Candles of other lengths are not kept: fifteen
    /// minutes are three rows, and twelve hours are twelve.
    pub(crate) const fn kept(self) -> Self {
        match self {
            Self::OneMinute => Self::OneMinute,
            Self::FiveMinutes | Self::FifteenMinutes | Self::ThirtyMinutes => Self::FiveMinutes,
            Self::OneHour | Self::FourHours | Self::TwelveHours => Self::OneHour,
            Self::OneDay | Self::OneWeek => Self::OneDay,
        }
    }

    /// How many minutes that is.
    pub(crate) const fn minutes(self) -> i64 {
        match self {
            Self::OneMinute => 1,
            Self::FiveMinutes => 5,
            Self::FifteenMinutes => 15,
            Self::ThirtyMinutes => 30,
            Self::OneHour => 60,
            Self::FourHours => 240,
            Self::TwelveHours => 720,
            Self::OneDay => 1_440,
            Self::OneWeek => 10_080,
        }
    }

    /// How many microseconds that is.
    pub(crate) const fn micros(self) -> i64 {
        self.minutes() * 60 * Timestamp::SECOND
    }

    /// When the candle opened that is forming at `time`. Days begin at midnight UTC, weeks on Monday.
    pub(crate) const fn opening(self, time: Timestamp) -> Timestamp {
        // The first Monday of the epoch was its fifth day.
        let zero = match self {
            Self::OneWeek => 4 * Self::OneDay.micros(),
            _ => 0,
        };
        Timestamp(time.0 - (time.0 - zero).rem_euclid(self.micros()))
    }
}

/// A candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candle {
    /// When it opened.
    pub(crate) opened: Timestamp,
    pub(crate) open: FinePrice,
    pub(crate) high: FinePrice,
    pub(crate) low: FinePrice,
    pub(crate) close: FinePrice,
    /// Lots traded; zero where it is not made of trades. Wider than the lots of an order, since these add up.
    pub(crate) volume: i128,
}

impl Candle {
    /// A candle in which the price stands still.
    pub(crate) const fn flat(opened: Timestamp, price: FinePrice) -> Self {
        Self { opened, open: price, high: price, low: price, close: price, volume: 0 }
    }

    /// Adds a price, and what was traded at it.
    pub(crate) fn tick(&mut self, price: FinePrice, lots: i64) {
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.volume += i128::from(lots);
    }

    /// Adds what came after it in the same stretch of time.
    pub(crate) fn fold(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume += later.volume;
    }
}
