//! What is kept of a stretch of time. Numbers are in the engine's units: lots, ticks, prices and rates of 1e-18.
//!
//! These types are stored as they stand: a change of their fields is another [version](super::follower) of the tables.

use loligo_engine::{FinePrice, FundingRate, Money, Price};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Volume is added up within these distances from the best price, in thousandths of it.
pub(crate) const WITHIN: [i64; 6] = [5, 10, 25, 50, 100, 1_000];
/// The values of the orders of which the average price is told, in units of the quote currency.
pub(crate) const AVERAGE_OF: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Figures of a stretch of time: some add up over it, some stand at its end.
pub(super) trait Stretch: Clone + Serialize + DeserializeOwned {
    /// Those of the next stretch, if nothing happens in it.
    fn stand(&self) -> Self;

    /// Adds those of a stretch that came after it.
    fn fold(&mut self, later: &Self);
}

/// Where something that always has a value began, was highest and lowest, and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ohlc {
    pub(crate) open: i128,
    pub(crate) high: i128,
    pub(crate) low: i128,
    pub(crate) close: i128,
}

impl Ohlc {
    pub(super) const fn flat(value: i128) -> Self {
        Self { open: value, high: value, low: value, close: value }
    }

    pub(super) fn tick(&mut self, value: i128) {
        self.high = self.high.max(value);
        self.low = self.low.min(value);
        self.close = value;
    }

    fn fold(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
    }
}

/// One side of a book.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SideOfBook {
    pub(crate) best: Option<Price>,
    /// Lots at most [`WITHIN`] from the best price; they add up to more than one order may have.
    pub(crate) within: [i128; WITHIN.len()],
    /// The average price of an order worth [`AVERAGE_OF`] that takes from this side; none where there is less.
    pub(crate) average: [Option<FinePrice>; AVERAGE_OF.len()],
}

/// Accounts with a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holders {
    pub(crate) longs: u32,
    pub(crate) shorts: u32,
    /// Lots of all of their positions, of either sign.
    pub(crate) lots: i128,
}

/// The funding rate: absolute and relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rates {
    pub(crate) absolute: Ohlc,
    pub(crate) relative: Ohlc,
}

impl Rates {
    pub(super) const fn flat(rate: FundingRate) -> Self {
        Self { absolute: Ohlc::flat(rate.absolute), relative: Ohlc::flat(rate.relative) }
    }
}

/// Of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Lots that takers bought on the book, and sold.
    pub(crate) bought: i128,
    pub(crate) sold: i128,
    /// Trades on the book.
    pub(crate) trades: u64,
    /// Lots of positions that were closed by force, on the book or off it.
    pub(crate) liquidated: i128,
    /// What takers bought less what they sold since the contract was listed.
    pub(crate) delta: i128,
    /// Lots of all longs.
    pub(crate) open_interest: Ohlc,
    /// Of a perpetual, once it has one.
    pub(crate) rates: Option<Rates>,
    pub(crate) mark: Option<FinePrice>,
    pub(crate) index: Option<FinePrice>,
    pub(crate) bids: SideOfBook,
    pub(crate) asks: SideOfBook,
    pub(crate) holders: Holders,
    /// The fifth of them that has the largest positions.
    pub(crate) largest: Holders,
}

impl Figures {
    /// Whether it ends with so many lots open, and at a rate, if one is known.
    pub(super) fn ends_with(&self, lots: i128, rate: Option<FundingRate>) -> bool {
        let holds = |rate: FundingRate| {
            self.rates.is_some_and(|rates| {
                (rates.absolute.close, rates.relative.close) == (rate.absolute, rate.relative)
            })
        };
        self.open_interest.close == lots && rate.is_none_or(holds)
    }

    /// So many lots are open from here on, and a rate holds, if one is known.
    pub(super) fn go_on_with(&mut self, lots: i128, rate: Option<FundingRate>) {
        self.open_interest.tick(lots);
        if let Some(rate) = rate {
            self.tick_rate(rate);
        }
    }

    /// A rate holds from here on, beside the one before.
    pub(super) fn tick_rate(&mut self, rate: FundingRate) {
        match &mut self.rates {
            Some(rates) => {
                rates.absolute.tick(rate.absolute);
                rates.relative.tick(rate.relative);
            }
            none => *none = Some(Rates::flat(rate)),
        }
    }
}

impl Stretch for Figures {
    fn stand(&self) -> Self {
        let Rates { absolute, relative } = self.rates.unwrap_or(Rates::flat(FundingRate::ZERO));
        let rate = FundingRate { absolute: absolute.close, relative: relative.close };
        Self {
            bought: 0,
            sold: 0,
            trades: 0,
            liquidated: 0,
            open_interest: Ohlc::flat(self.open_interest.close),
            rates: self.rates.map(|_| Rates::flat(rate)),
            ..self.clone()
        }
    }

    fn fold(&mut self, later: &Self) {
        let mut open_interest = self.open_interest;
        open_interest.fold(&later.open_interest);
        let rates = match (self.rates, later.rates) {
            (Some(mut rates), Some(later)) => {
                rates.absolute.fold(&later.absolute);
                rates.relative.fold(&later.relative);
                Some(rates)
            }
            (rates, later) => later.or(rates),
        };
        *self = Self {
            bought: self.bought + later.bought,
            sold: self.sold + later.sold,
            trades: self.trades + later.trades,
            liquidated: self.liquidated + later.liquidated,
            open_interest,
            rates,
            ..later.clone()
        };
    }
}

/// Of the liquidation pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PoolValue {
    /// What all that is in it is worth in USD; none while something of it has no price.
    pub(crate) usd: Option<Money>,
}

impl Stretch for PoolValue {
    fn stand(&self) -> Self {
        *self
    }

    fn fold(&mut self, later: &Self) {
        *self = *later;
    }
}
