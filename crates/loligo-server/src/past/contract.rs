//! What a contract makes of its pair's past: mark prices, trades, volumes, funding rates.

use super::MINUTE;
use super::tree::bell;
use crate::charts::{Candle, Resolution};
use crate::market::dice::Dice;
use crate::market::maker::{HALF_SPREAD_SHARE, fair_worth, unit_lots};
use loligo_engine::{
    ContractKind, Fine, FinePrice, Instrument, PairId, PastHour, PastRate, PastTrade, Price, Qty, Side,
    Timestamp,
};

/// How far a premium usually is from zero, in billionths: half a basis point.
const PREMIUM_SIGMA: i64 = 50_000;
const BILLION: i128 = 1_000_000_000;
/// Significant digits of a mark price.
const MARK_DIGITS: u32 = 14;

/// Least and most trades of a minute: a live contract has about twenty.
pub(super) const LEAST_TRADES: i64 = 16;
const MOST_TRADES: i64 = 24;
/// Least lots of a minute: no trade is of nothing.
const LEAST_LOTS: i64 = 2 * MOST_TRADES;
/// On average a minute trades so often what a maker quotes at the touch, which is what the takers of a live contract come to;
/// an hour from half to one and a half of that, and
/// its parts again each its share.
const TOUCHES_A_MINUTE: i64 = 20;
const SHARE: (i64, i64) = (50, 150);
/// Into what an hour's volume is shared out: minutes of a part, and how many parts there are of it.
const PARTS: [(i64, i64); 4] = [(30, 2), (15, 2), (5, 3), (1, 5)];

/// Keeps the dice of contracts apart from those of paths and of the live market.
const PURPOSE: u64 = 2 << 40;

/// What dice are thrown for; each contract has its own.
#[derive(Clone, Copy)]
enum Throw {
    Premium,
    Hour,
    Volume,
    Spread,
    Trades,
}

pub(super) struct Contract {
    seed: u64,
    number: u64,
    instrument: Instrument,
    anchor: FinePrice,
    genesis: Timestamp,
    /// Ticks from the middle to either side.
    half_spread: i64,
    /// Lots of a minute, on average.
    volume: i64,
}

impl Contract {
    pub(super) fn new(
        seed: u64,
        number: u64,
        instrument: Instrument,
        anchor: FinePrice,
        genesis: Timestamp,
    ) -> Self {
        let fair = instrument.ticks_floor(fair_worth(anchor, instrument.spec().expiry, genesis)).0.max(1);
        let half_spread = (fair / HALF_SPREAD_SHARE).max(1);
        let volume = unit_lots(&instrument, fair) * TOUCHES_A_MINUTE + LEAST_LOTS;
        Self { seed, number, instrument, anchor, genesis, half_spread, volume }
    }

    pub(super) fn pair(&self) -> PairId {
        self.instrument.pair()
    }

    pub(super) fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// The trades of an hour, as the candle of it says. Their worth is that of all at the mean of its four prices.
    pub(super) fn hour(&self, candle: &Candle) -> PastHour {
        let ticks = |price| self.instrument.ticks_floor(price);
        let [open, high, low, close] = [candle.open, candle.high, candle.low, candle.close].map(ticks);
        let lots = i64::try_from(candle.volume).unwrap_or(i64::MAX);
        let mean = Price((open.0 + high.0 + low.0 + close.0) / 4);
        let value = Fine(self.instrument.value(lots, mean).0.abs());
        PastHour { opened: candle.opened, open, high, low, qty: Qty(lots), value }
    }

    pub(super) fn is_perpetual(&self) -> bool {
        self.instrument.is_perpetual()
    }

    fn dice(&self, minute: i64, throw: Throw) -> Dice {
        Dice::new(self.seed, minute, PURPOSE + self.number * 16 + throw as u64)
    }

    /// The premium of an hour in billionths, but for the basis; none in the one in which the past ends.
    fn premium(&self, hour: Timestamp, end: i64) -> i64 {
        let minute = hour.0.div_euclid(MINUTE);
        if minute + Resolution::OneHour.minutes() >= end {
            return 0;
        }
        bell(&mut self.dice(minute, Throw::Premium), PREMIUM_SIGMA)
    }

    /// What the contract is worth while the index stands somewhere, within one hour: the higher the index, the more.
    fn fair(&self, hour: Timestamp, end: i64) -> impl Fn(FinePrice) -> FinePrice {
        let premium = i128::from(self.premium(hour, end));
        let hour_ends = Timestamp(hour.0 + Resolution::OneHour.micros()).min(self.genesis);
        let expiry = self.instrument.spec().expiry;
        move |index| {
            let fair = fair_worth(index, expiry, hour_ends);
            FinePrice((fair.0 + (fair.0 * premium).div_euclid(BILLION)).max(1))
        }
    }

    /// The candle of the mark price over a candle of the index of at most an hour.
    pub(super) fn marked(&self, spot: &Candle, end: i64) -> Candle {
        let fair = self.fair(Resolution::OneHour.opening(spot.opened), end);
        let mark = |index| mark_price(fair(index));
        Candle {
            open: mark(spot.open),
            high: mark(spot.high),
            low: mark(spot.low),
            close: mark(spot.close),
            ..*spot
        }
    }

    /// The candle of trades over a candle of the index of at most an hour, that is so many minutes long. Each instant has
    /// one side of the spread at which it trades, so that a candle opens and closes as its first and last minute do.
    pub(super) fn traded(&self, spot: &Candle, minutes: i64, end: i64) -> Candle {
        let fair = self.fair(Resolution::OneHour.opening(spot.opened), end);
        let ticks = |index: FinePrice, away: i64| {
            let ticks = self.instrument.ticks_floor(fair(index)).0 + away * self.half_spread;
            self.instrument.fine_price(Price(ticks.max(1)))
        };
        let start = spot.opened.0.div_euclid(MINUTE);
        // The last trade is in the middle: it is the price that the venue begins with.
        let closing = if start + minutes == end { 0 } else { self.side(2 * (start + minutes) - 1) };
        Candle {
            open: ticks(spot.open, self.side(2 * start)),
            high: ticks(spot.high, 1),
            low: ticks(spot.low, -1),
            close: ticks(spot.close, closing),
            volume: i128::from(self.lots(start, minutes)),
            ..*spot
        }
    }

    /// At which side of the spread it trades at the beginning of a minute (even), or at the end of one (odd).
    fn side(&self, instant: i64) -> i64 {
        self.dice(instant, Throw::Spread).between(0, 1) * 2 - 1
    }

    /// What is traded in a part of an hour.
    fn lots(&self, start: i64, minutes: i64) -> i64 {
        let hour = Resolution::OneHour.minutes();
        let mut part = start.div_euclid(hour) * hour;
        let shares = self.dice(part, Throw::Hour).between(SHARE.0, SHARE.1);
        let least = |minutes: i64| LEAST_LOTS * minutes;
        let mut lots = least(hour) + share((self.volume - LEAST_LOTS) * hour, shares, 100);
        for (level, (length, parts)) in PARTS.into_iter().enumerate() {
            if length < minutes {
                break;
            }
            let mut dice = self.dice(part * PARTS.len() as i64 + level as i64, Throw::Volume);
            let mut shares = [0; 5];
            for share in shares.iter_mut().take(parts as usize) {
                *share = dice.between(SHARE.0, SHARE.1);
            }
            let whole = lots - least(length * parts);
            let at = (start - part) / length;
            let share_of = |at: i64| share(whole, shares[at as usize], shares.iter().sum());
            let others: i64 = (0..parts - 1).map(share_of).sum();
            lots = least(length) + if at == parts - 1 { whole - others } else { share_of(at) };
            part += at * length;
        }
        lots
    }

    pub(super) fn last(&self) -> Price {
        let fair = fair_worth(self.anchor, self.instrument.spec().expiry, self.genesis);
        Price(self.instrument.ticks_floor(fair).0.max(1))
    }

    pub(super) fn closing_trade(&self) -> FinePrice {
        self.instrument.fine_price(self.last())
    }

    pub(super) fn mark(&self) -> FinePrice {
        mark_price(fair_worth(self.anchor, self.instrument.spec().expiry, self.genesis))
    }

    /// Adds the trades of a minute, of which its candle is the fold.
    pub(super) fn trades(&self, candle: &Candle, trades: &mut Vec<PastTrade>) {
        let minute = candle.opened.0.div_euclid(MINUTE);
        let mut dice = self.dice(minute, Throw::Trades);
        let count = dice.between(LEAST_TRADES, MOST_TRADES);
        let ticks = |price| self.instrument.ticks_floor(price).0;
        let (high, low) = (ticks(candle.high), ticks(candle.low));
        // The high and the low come somewhere between the first and the last, in either order.
        let high_at = dice.between(1, count - 2);
        let mut low_at = dice.between(1, count - 3);
        low_at += i64::from(low_at >= high_at);
        let mut known =
            [(0, ticks(candle.open)), (high_at, high), (low_at, low), (count - 1, ticks(candle.close))];
        known.sort_unstable();
        let mut left = i64::try_from(candle.volume).unwrap_or(i64::MAX) - count;
        let mut before = known[0].1;
        for at in 0..count {
            let next = known.iter().position(|(known_at, _)| *known_at >= at).unwrap_or_default();
            let price = match known[next] {
                (known_at, price) if known_at == at => price,
                (known_at, price) => {
                    let (from_at, from) = known[next - 1];
                    let straight = from + (price - from) * (at - from_at) / (known_at - from_at);
                    (straight + dice.between(-self.half_spread, self.half_spread)).clamp(low, high)
                }
            };
            let side = match price.cmp(&before) {
                std::cmp::Ordering::Greater => Side::Buy,
                std::cmp::Ordering::Less => Side::Sell,
                std::cmp::Ordering::Equal if dice.between(0, 1) == 0 => Side::Buy,
                std::cmp::Ordering::Equal => Side::Sell,
            };
            before = price;
            let more = if at == count - 1 {
                left
            } else {
                share(left, dice.between(SHARE.0, SHARE.1), 100 * (count - at))
            };
            left -= more;
            let slot = MINUTE / count;
            let time = Timestamp(candle.opened.0 + at * slot + dice.between(0, slot - 1));
            trades.push(PastTrade { price: Price(price), qty: Qty(1 + more), side, at: time });
        }
    }

    /// The rate of an hour that began with this index, from the premium of the hour before it.
    pub(super) fn rate(&self, hour: Timestamp, index: FinePrice, end: i64) -> PastRate {
        let spec = self.instrument.spec();
        let before = Timestamp(hour.0 - Resolution::OneHour.micros());
        // Billionths become 18 decimals, hundred-millionths too.
        let mean = i128::from(self.premium(before, end)) * BILLION;
        let most = i128::from(spec.max_relative_funding_rate) * 10 * BILLION;
        let least = spec.min_relative_funding_rate.map_or(-most, |least| i128::from(least) * 10 * BILLION);
        let relative =
            div_half_even(mean, i128::from(spec.funding_rate_coefficient.max(1))).clamp(least, most);
        let absolute = match spec.kind {
            // In two steps, since the whole product may need more than 128 bits.
            ContractKind::Linear => {
                let (whole, rest) = (relative * (index.0 / BILLION), relative * (index.0 % BILLION));
                let (upper, lower) = (whole.div_euclid(BILLION), whole.rem_euclid(BILLION));
                let below = lower * BILLION + rest;
                let half = BILLION * BILLION;
                // Its parity decides where a half goes, so what is added to it is even.
                let even = upper - upper.rem_euclid(2);
                even + div_half_even((upper - even) * half + below, half)
            }
            ContractKind::Inverse => div_half_even(relative * BILLION * BILLION, index.0.max(1)),
        };
        PastRate { hour, relative, absolute }
    }
}

/// The part of a whole that so many of `all` its shares are, rounded down.
fn share(whole: i64, part: i64, all: i64) -> i64 {
    (i128::from(whole) * i128::from(part) / i128::from(all.max(1))) as i64
}

/// A mark price has fourteen digits.
fn mark_price(price: FinePrice) -> FinePrice {
    let unit = 10_i128.pow((price.0.max(1).ilog10() + 1).saturating_sub(MARK_DIGITS));
    FinePrice((price.0 / unit * unit).max(1))
}

/// `a / b` rounded half to even; `b` positive.
fn div_half_even(a: i128, b: i128) -> i128 {
    let (quotient, rest) = (a.div_euclid(b), a.rem_euclid(b));
    match (rest * 2).cmp(&b) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}
