//! What a market was before its venue began. All of it is made up, and part of the genesis: whoever reads the journal comes
//! to the same figures, whatever made them up.

use crate::funding::{Funding, FundingRate, HOUR};
use crate::id::{InstrumentId, Price, Qty, Side, Timestamp};
use crate::instrument::{Instrument, MAX_LOTS, MAX_TICKS};
use crate::money::{Fine, FinePrice, price_in_range};
use serde::{Deserialize, Serialize};

/// Hours of trades that a past may have: those that the figures of a day are made of.
const MOST_HOURS: usize = 24;
/// Funding rates that a past may have: those of two years.
const MOST_RATES: usize = 2 * 366 * 24;
/// Trades that a past may have: the numbers of real ones are counted on from there.
const MOST_TRADES: u32 = 1_000_000;

/// A contract's past, as far as it reaches into the present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketPast {
    /// Which contract.
    pub instrument: InstrumentId,
    /// How many trades it had. The numbers of its trades, and those of executions, go on behind them.
    pub trades: u32,
    /// The last of them. No trigger fires on it.
    pub last: PastTrade,
    /// Where its mark price begins.
    pub mark: FinePrice,
    /// What was traded in the last 24 hours, by the hour, oldest first.
    pub hours: Vec<PastHour>,
    /// The funding rates of hours up to the one of genesis, oldest first; none of a dated contract.
    pub rates: Vec<PastRate>,
}

/// A trade that never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastTrade {
    /// At which price.
    pub price: Price,
    /// How many lots.
    pub qty: Qty,
    /// The taker's side.
    pub side: Side,
    /// When.
    pub at: Timestamp,
}

/// The trades of an hour before genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastHour {
    /// When the hour began.
    pub opened: Timestamp,
    /// Price of the first.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Lots traded.
    pub qty: Qty,
    /// Their worth: in quote currency of a linear contract, in base currency of an inverse one.
    pub value: Fine,
}

/// The funding rate of an hour before genesis, or of the hour of genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRate {
    /// When the hour began.
    pub hour: Timestamp,
    /// As a fraction, at 18 decimals.
    pub relative: i128,
    /// Settlement currency per contract, at 18 decimals: of a linear contract relative x index, of an inverse one relative
    /// / index.
    pub absolute: i128,
}

impl From<PastRate> for FundingRate {
    fn from(PastRate { hour: _, relative, absolute }: PastRate) -> Self {
        Self { relative, absolute }
    }
}

impl PastRate {
    /// True when a contract can have had it: of a full hour, and no more than it can pay.
    fn fits(&self, instrument: &Instrument) -> bool {
        self.hour.0.rem_euclid(HOUR) == 0 && Funding::with_rate((*self).into()).fits(instrument)
    }
}

impl MarketPast {
    /// True when the contract can have had this past at `now`.
    pub(crate) fn fits(&self, instrument: &Instrument, now: Timestamp) -> bool {
        let Self { instrument: _, trades, last, mark, hours, rates } = self;
        let on_tick = |price: Price| (1..=MAX_TICKS).contains(&price.0);
        let before = |at: Timestamp| (0..=now.0).contains(&at.0);
        let traded = |hour: &PastHour| {
            let within = (hour.low..=hour.high).contains(&hour.open);
            within && on_tick(hour.low) && on_tick(hour.high) && hour.qty.0 >= 0 && hour.value.0 >= 0
        };
        let lots = hours.iter().try_fold(0_i64, |sum, hour| sum.checked_add(hour.qty.0));
        let value = hours.iter().try_fold(0_i128, |sum, hour| sum.checked_add(hour.value.0));
        (1..=MOST_TRADES).contains(trades)
            && on_tick(last.price)
            && instrument.carries(instrument.fine_price(last.price))
            && (1..=MAX_LOTS).contains(&last.qty.0)
            && before(last.at)
            && price_in_range(*mark)
            && instrument.carries(*mark)
            && hours.len() <= MOST_HOURS
            && hours.iter().all(|hour| before(hour.opened) && traded(hour))
            && hours.windows(2).all(|pair| pair[0].opened < pair[1].opened)
            && lots.is_some()
            && value.is_some()
            && rates.len() <= MOST_RATES
            && (rates.is_empty() || instrument.is_perpetual())
            && rates.iter().all(|rate| before(rate.hour) && rate.fits(instrument))
            && rates.windows(2).all(|pair| pair[0].hour < pair[1].hour)
    }
}
