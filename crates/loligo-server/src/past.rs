//! A past to warm up on: prices, trades and funding rates of the days before a venue began, all of it made up.
//!
//! Strategies read hundreds of candles before they trade, and a venue that has just begun has none. So a live market has a
//! past that is a function of seed, time of genesis, contract and minute: made when it is asked for, never stored, the same
//! whoever asks and however often. It runs backwards from the first index prices, so that its last candle meets the first
//! real one:
//!
//! ```text
//! first_day ──── days, halves, ... minutes of one path a pair (tree) ──── end ── genesis ── what really happens
//! spot  = path, on the grid of published index prices
//! mark  = spot, and for a dated contract its basis, and a premium that changes by the hour
//! trade = mark on ticks, at either side of a spread
//! ```
//!
//! The path ends with the last full minute before genesis. All prices of an hour have one premium and one basis, so a candle
//! of up to an hour is one node of the tree, and a longer one the fold of its hours.
//!
//! Known lies: premiums jump at full hours; volume has no times of day; nobody here reacts to anything.

mod contract;
mod shown;
mod tree;

#[cfg(test)]
mod tests;

use crate::charts::{Candle, Resolution, Series};
use crate::listing::Listing;
use contract::Contract;
use loligo_engine::{
    FinePrice, Instrument, InstrumentId, MarketPast, PairId, PastRate, PastTrade, Timestamp,
};
use tree::{DAY, Tree};

/// Most days that a past may have: what a year's strategy reads. Its memory is some bytes a day and pair.
pub(crate) const MOST_DAYS: u32 = 366;
/// Public executions of the past, per contract: as many as are kept of real ones.
pub(crate) const EXECUTIONS: usize = crate::projection::TRADES_KEPT;

const MINUTE: i64 = 60 * Timestamp::SECOND;
/// Of up to so many minutes a candle is one node; a longer one is folded from those.
const NODE_MINUTES: i64 = 60;

/// The made-up past of a venue.
pub(crate) struct Past {
    /// The first minute of the past, and the first that is no longer of it; counted since 1970.
    first: i64,
    end: i64,
    /// By number; none that had no index price from the start.
    pairs: Vec<Option<Pair>>,
    /// By number; none without an index price, or that opened after genesis.
    contracts: Vec<Option<Contract>>,
}

struct Pair {
    /// The first index price.
    anchor: FinePrice,
    tree: Tree,
}

impl Past {
    /// The past of a venue that began at `genesis` with this listing. It begins `days` days (at most [`MOST_DAYS`]) before
    /// the day of genesis, at midnight UTC.
    pub(crate) fn new(seed: u64, genesis: Timestamp, days: u32, listing: &Listing) -> Self {
        let end = genesis.0.div_euclid(MINUTE);
        let first_day = end.div_euclid(DAY) - i64::from(days.min(MOST_DAYS));
        // Pairs have numbers as the engine gives them: as they are named first.
        let mut names: Vec<&str> = Vec::new();
        let indexed = listing.indexes.iter().map(|(pair, _)| pair.as_str());
        for name in indexed.chain(listing.instruments.iter().map(|spec| spec.pair.as_str())) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        // Of a pair that is given twice the later price holds.
        let anchor = |name: &str| Some(listing.indexes.iter().rev().find(|(pair, _)| pair == name)?.1);
        let pairs = names.iter().zip(0..).map(|(name, number)| {
            Some(Pair { anchor: anchor(name)?, tree: Tree::new(seed, number, first_day, end) })
        });
        let contracts = listing.instruments.iter().zip(0..).map(|(spec, number)| {
            let pair = names.iter().position(|name| *name == spec.pair)?;
            let instrument = Instrument::new(spec.clone(), PairId(u16::try_from(pair).ok()?)).ok()?;
            let traded = spec.opening <= genesis;
            traded.then_some(Contract::new(seed, number, instrument, anchor(&spec.pair)?, genesis))
        });
        Self { first: first_day * DAY, end, pairs: pairs.collect(), contracts: contracts.collect() }
    }

    /// When the past begins.
    pub(crate) fn begins(&self) -> Timestamp {
        Timestamp(self.first * MINUTE)
    }

    /// When the past ends: at the full minute of genesis, or the last before it.
    pub(crate) fn ends(&self) -> Timestamp {
        Timestamp(self.end * MINUTE)
    }

    /// Whether a series has a past: not that of a contract that was listed after genesis.
    pub(crate) fn covers(&self, series: Series) -> bool {
        match series {
            Series::Trade(id) | Series::Mark(id) => self.contract(id).is_some(),
            Series::Spot(pair) => self.pair(pair).is_some(),
        }
    }

    /// What a series stood at when the past ended.
    pub(crate) fn stood(&self, series: Series) -> Option<FinePrice> {
        match series {
            Series::Trade(id) => self.contract(id).map(Contract::closing_trade),
            Series::Mark(id) => self.mark(id),
            Series::Spot(pair) => self.pair(pair).map(|pair| pair.anchor),
        }
    }

    /// The candles of a series that the past has a share of and that opened between two instants, both counted in. The
    /// one in which the past ends holds no more than the past's share. Nothing for what was listed after genesis.
    pub(crate) fn candles(
        &self,
        series: Series,
        resolution: Resolution,
        from: Timestamp,
        to: Timestamp,
    ) -> Vec<Candle> {
        let mut candles = Vec::new();
        self.fold(series, resolution, from, to, &mut candles);
        candles
    }

    /// See [`Past::candles`]; how many nodes of the tree were made for it.
    fn fold(
        &self,
        series: Series,
        resolution: Resolution,
        from: Timestamp,
        to: Timestamp,
        candles: &mut Vec<Candle>,
    ) -> u64 {
        // A candle that opened before the past did holds no more than the past's share, too.
        let from = from.max(Timestamp(self.begins().0 - Resolution::OneWeek.micros()));
        let first = match resolution.opening(from) {
            opened if opened == from => from.0,
            opened => opened.0 + resolution.micros(),
        };
        let first = first.div_euclid(MINUTE);
        let last = resolution.opening(to.min(self.ends())).0.div_euclid(MINUTE) + resolution.minutes();
        self.nodes(series, first, last, resolution.minutes().min(NODE_MINUTES), &mut |mut candle| {
            candle.opened = resolution.opening(candle.opened);
            match candles.last_mut().filter(|before| before.opened == candle.opened) {
                Some(before) => before.fold(&candle),
                None => candles.push(candle),
            }
        })
    }

    /// Calls `each` with the longest candles of at most so many minutes between two minutes.
    fn nodes(&self, series: Series, from: i64, to: i64, minutes: i64, each: &mut dyn FnMut(Candle)) -> u64 {
        let contract = match series {
            Series::Trade(id) | Series::Mark(id) => match self.contract(id) {
                Some(contract) => Some(contract),
                None => return 0,
            },
            Series::Spot(_) => None,
        };
        let pair = match series {
            Series::Spot(pair) => pair,
            Series::Trade(_) | Series::Mark(_) => contract.map_or(PairId(0), Contract::pair),
        };
        let Some(pair) = self.pair(pair) else { return 0 };
        pair.tree.nodes(from, to, minutes, &mut |start, length, node| {
            let spot = |distance| spot_price(pair.anchor, distance);
            let spot = Candle {
                opened: Timestamp(start * MINUTE),
                open: spot(node.open),
                high: spot(node.high),
                low: spot(node.low),
                close: spot(node.close),
                volume: 0,
            };
            each(match (series, contract) {
                (Series::Trade(_), Some(contract)) => contract.traded(&spot, length, self.end),
                (Series::Mark(_), Some(contract)) => contract.marked(&spot, self.end),
                _ => spot,
            });
        })
    }

    fn contract(&self, id: InstrumentId) -> Option<&Contract> {
        self.contracts.get(usize::from(id.0))?.as_ref()
    }

    fn pair(&self, id: PairId) -> Option<&Pair> {
        self.pairs.get(usize::from(id.0))?.as_ref()
    }

    /// The mark price at genesis.
    pub(crate) fn mark(&self, id: InstrumentId) -> Option<FinePrice> {
        self.contract(id).map(Contract::mark)
    }

    /// All trades of the minutes that opened between two instants, oldest first. The candle of a minute is their fold.
    pub(crate) fn trades(&self, id: InstrumentId, from: Timestamp, to: Timestamp) -> Vec<PastTrade> {
        let mut trades = Vec::new();
        let Some(contract) = self.contract(id) else { return trades };
        let (from, to) = (from.0.div_euclid(MINUTE), to.0.div_euclid(MINUTE) + 1);
        self.nodes(Series::Trade(id), from, to, 1, &mut |candle| contract.trades(&candle, &mut trades));
        trades
    }

    /// The newest trades before genesis, oldest first: [`EXECUTIONS`] of them.
    pub(crate) fn newest_trades(&self, id: InstrumentId) -> Vec<PastTrade> {
        let minutes = (EXECUTIONS as i64).div_euclid(contract::LEAST_TRADES) + 1;
        let mut trades = self.trades(id, Timestamp((self.end - minutes) * MINUTE), self.ends());
        trades.drain(..trades.len().saturating_sub(EXECUTIONS));
        trades
    }

    /// What of the past the genesis says, of each contract that has one, in the order of their numbers.
    pub(crate) fn figures(&self) -> Vec<MarketPast> {
        let numbers = (0..self.contracts.len()).filter_map(|at| u16::try_from(at).ok());
        numbers.filter_map(|number| self.figures_of(InstrumentId(number))).collect()
    }

    fn figures_of(&self, id: InstrumentId) -> Option<MarketPast> {
        let contract = self.contract(id)?;
        // The day slides by the minute: an hour counts for as long as its first minute does.
        let minute = self.ends().0 - Resolution::OneDay.micros();
        let hours = self.candles(Series::Trade(id), Resolution::OneHour, Timestamp(minute + 1), self.ends());
        let trades = self.newest_trades(id);
        Some(MarketPast {
            instrument: id,
            trades: u32::try_from(trades.len()).ok()?,
            last: *trades.last()?,
            mark: contract.mark(),
            hours: hours.iter().map(|hour| contract.hour(hour)).collect(),
            rates: self.rates(id),
        })
    }

    /// The funding rates of a perpetual, oldest first: of each hour of the past that has a whole hour of it before it, and
    /// of the hour of genesis. Nothing for a dated contract.
    pub(crate) fn rates(&self, id: InstrumentId) -> Vec<PastRate> {
        let Some(contract) = self.contract(id).filter(|contract| contract.is_perpetual()) else {
            return Vec::new();
        };
        let hour = Resolution::OneHour;
        let mut opens = Vec::new();
        self.fold(Series::Spot(contract.pair()), hour, self.begins(), self.ends(), &mut opens);
        // In a venue that began at a full hour the hour of genesis has no share of the past, only its first price.
        let opened = hour.opening(self.ends());
        if opened == self.ends()
            && let Some(pair) = self.pair(contract.pair())
        {
            opens.push(Candle::flat(opened, pair.anchor));
        }
        opens.iter().skip(1).map(|candle| contract.rate(candle.opened, candle.open, self.end)).collect()
    }
}

/// Digits of a published index price.
const SPOT_DIGITS: u32 = 7;

/// The index price so many billionths away from the first one: on its grid of seven digits, and never less far away at a
/// greater distance.
fn spot_price(anchor: FinePrice, distance: i64) -> FinePrice {
    let unit = 10_i128.pow(anchor.0.max(1).ilog10().saturating_sub(SPOT_DIGITS - 1));
    let away = (anchor.0 * i128::from(distance)).div_euclid(1_000_000_000);
    FinePrice((anchor.0 + away.div_euclid(unit) * unit).max(1))
}
