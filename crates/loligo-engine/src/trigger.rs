//! Triggers: orders that wait for a price. What each of them is, and when a price reaches it.

mod watch;

use crate::id::{Price, Side, Timestamp};
use crate::instrument::Instrument;
use crate::money::FinePrice;
use crate::words::{DistanceUnit, Signal, TriggerKind, TriggerSide};
use serde::{Deserialize, Serialize};

pub(crate) use watch::{Due, Waiting, Watches};

/// Hundredths of a percent in the whole.
const WHOLE: i128 = 10_000;

/// A distance from a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Distance {
    /// How it is counted.
    pub unit: DistanceUnit,
    /// How much; a relative limit may be below the price.
    pub steps: i64,
}

impl Distance {
    /// This far from a trigger price, in ticks, as a limit of `side`: rounded down for buys, up for sells (rules 1.4).
    pub(crate) fn limit_from(self, trigger_price: i64, side: Side) -> i64 {
        match self.unit {
            DistanceUnit::Quote => trigger_price.saturating_add(self.steps),
            DistanceUnit::Percent => {
                let scaled = i128::from(trigger_price) * (WHOLE + i128::from(self.steps));
                let ticks = match side {
                    Side::Buy => scaled.div_euclid(WHOLE),
                    Side::Sell => -(-scaled).div_euclid(WHOLE),
                };
                i64::try_from(ticks).unwrap_or(i64::MAX)
            }
        }
    }

    /// Where a trailing stop of `side` fires, in ticks, while its signal stands at `signal`: a sell this far below,
    /// rounded up, a buy this far above, rounded down (rules 1.3).
    pub(crate) fn trail(self, instrument: &Instrument, side: Side, signal: FinePrice) -> i64 {
        let sign = i128::from(side.sign());
        let away = match self.unit {
            DistanceUnit::Percent => {
                // Over the tick and the whole at once, so that nothing is rounded twice.
                let scaled = signal.0 * (WHOLE + sign * i128::from(self.steps));
                let tick = instrument.fine_price(Price(1)).0 * WHOLE;
                match side {
                    Side::Buy => scaled.div_euclid(tick),
                    Side::Sell => -(-scaled).div_euclid(tick),
                }
            }
            DistanceUnit::Quote => {
                let from = match side {
                    Side::Buy => instrument.ticks_floor(signal),
                    Side::Sell => instrument.ticks_ceil(signal),
                };
                i128::from(from.0) + sign * i128::from(self.steps)
            }
        };
        i64::try_from(away).unwrap_or(if away > 0 { i64::MAX } else { i64::MIN })
    }

    /// True when it comes to less than a tick of a price.
    pub(crate) fn is_swallowed(self, instrument: &Instrument, price: FinePrice) -> bool {
        match self.unit {
            DistanceUnit::Percent => {
                price.0 * i128::from(self.steps) < instrument.fine_price(Price(1)).0 * WHOLE
            }
            DistanceUnit::Quote => self.steps < 1,
        }
    }

    /// As [`Distance::trail`], kept a tick away from the signal: a percentage may have come to less since it was placed.
    pub(crate) fn trail_apart(self, instrument: &Instrument, side: Side, signal: FinePrice) -> i64 {
        let price = self.trail(instrument, side, signal);
        match side {
            Side::Sell => price.min(instrument.ticks_ceil(signal).0 - 1),
            Side::Buy => price.max(instrument.ticks_floor(signal).0 + 1),
        }
    }

    /// The signal beyond which [`Distance::trail_apart`] is better than `price` by a tick: above it for sells, below for
    /// buys. Told by the price alone, so that who waits is found again where it was put.
    pub(crate) fn moves_beyond(self, instrument: &Instrument, side: Side, price: i64) -> i128 {
        let apart = instrument.fine_price(Price(1)).0 * (i128::from(price) - i128::from(side.sign()));
        let trails = self.trails_beyond(instrument, side, price);
        match side {
            Side::Sell => trails.max(apart),
            Side::Buy => trails.min(apart),
        }
    }

    fn trails_beyond(self, instrument: &Instrument, side: Side, price: i64) -> i128 {
        let at = |ticks: i128| ticks * instrument.fine_price(Price(1)).0;
        match self.unit {
            DistanceUnit::Quote => at(i128::from(price) - i128::from(side.sign()) * i128::from(self.steps)),
            DistanceUnit::Percent => {
                let scale = WHOLE + i128::from(side.sign()) * i128::from(self.steps);
                let scaled = at(i128::from(price)) * WHOLE;
                match side {
                    Side::Sell => scaled.div_euclid(scale),
                    Side::Buy => -(-scaled).div_euclid(scale),
                }
            }
        }
    }
}

/// What makes an order wait, or made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Which kind.
    pub kind: TriggerKind,
    /// The price it watches.
    pub signal: Signal,
    /// The signal as its stored code reads; absent when that is of none this version knows.
    pub shown_signal: Option<Signal>,
    /// The side as its stored code reads; absent likewise.
    pub shown_side: Option<TriggerSide>,
    /// At which price it fires; absent when what was sent is no price on the tick.
    pub price: Option<Price>,
    /// How far a trailing stop stays behind its signal; absent when what was sent is none.
    pub deviation: Option<Distance>,
    /// The limit relative to the trigger price.
    pub limit_offset: Option<Distance>,
    /// When it fired.
    pub fired_at: Option<Timestamp>,
}

impl Trigger {
    /// True for what can wait: it fires at a price that a signal can have, or is half of one away from, and follows its signal
    /// at a distance exactly when it trails.
    pub(crate) fn can_wait(&self, instrument: &Instrument) -> bool {
        let priced = |price: Price| price.0 > 0 && instrument.is_near_range(price);
        let distance = |deviation: Distance| match deviation.unit {
            DistanceUnit::Percent => (1..WHOLE as i64).contains(&deviation.steps),
            DistanceUnit::Quote => deviation.steps > 0 && instrument.is_near_range(Price(deviation.steps)),
        };
        self.price.is_some_and(priced)
            && (self.kind == TriggerKind::TrailingStop) == self.deviation.is_some()
            && self.deviation.is_none_or(distance)
    }
}

/// What few orders have, kept apart from what all have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// What the client says made the order.
    pub algo_id: Option<Box<str>>,
    /// What makes it wait, or made it.
    pub trigger: Option<Trigger>,
}
