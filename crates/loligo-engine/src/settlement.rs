//! Settlement prices (rules 4.4): what a contract's last trading time makes of the index prices before it, exactly.
//!
//! A dated contract has a window of time before its last trading time, cut into parts: a linear one thirty minutes, minute by
//! minute, an inverse one the hour, five minutes by five. Samples are those of the full seconds, from the first instant of the
//! window on and before its last: at that instant a contract expires before anything is sampled (rules 4.6). The settlement
//! price is the mean of the parts' means. Parts without samples, which a listing or an early expiry leaves, count in nothing;
//! where no part has any, before the window, the present index is the price.
//!
//! A perpetual can be delisted at any time, so its last thirty minutes of the clock are kept always, the running one as far as
//! it has come.

use crate::id::Timestamp;
use crate::instrument::InstrumentSpec;
use crate::money::{Fine, FinePrice, price_in_range};
use crate::words::ContractKind;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How long a perpetual that is delisted takes post-only orders before it settles (rules 6.1).
pub(crate) const DELISTING: i64 = 900 * Timestamp::SECOND;
/// Of a settlement price: 11 decimals, in the unit of prices.
const GRAIN: i128 = 10_i128.pow(7);

/// The way of one contract to its end: samples of its index, the price that they came to, and what lies between the two sides of
/// its positions while these are closed one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// When it ends, or ended, where that is not its last trading time: of a perpetual that is delisted, and of what the operator
    /// ended early.
    pub due: Option<Timestamp>,
    /// The settlement price, once the last trading time has come.
    pub price: Option<FinePrice>,
    /// Parts of the window that have samples, the oldest first.
    parts: VecDeque<Part>,
    /// What the exchange has taken over of positions that are closed: signed lots, and their signed value at the settlement price.
    /// When all are closed the lots are none, and the value what rounding left of it.
    pub lots: i64,
    pub value: Fine,
}

/// One part of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    /// Which: counted from the window's beginning; of a perpetual, whose window has none, from 1970 on.
    number: i64,
    /// Sum of the index prices sampled in it, and how many.
    sum: i128,
    samples: i64,
}

/// How a contract's window is cut.
#[derive(Clone, Copy)]
struct Window {
    /// From where its parts are counted.
    begins: i64,
    /// Of a dated contract: its end.
    ends: Option<i64>,
    /// How long a part is.
    length: i64,
    parts: i64,
}

impl Window {
    fn of(spec: &InstrumentSpec) -> Self {
        let (seconds, parts) = match (spec.kind, spec.expiry) {
            (ContractKind::Inverse, Some(_)) => (300, 12),
            (ContractKind::Linear, Some(_)) | (_, None) => (60, 30),
        };
        let length = seconds * Timestamp::SECOND;
        let ends = spec.expiry.map(|at| at.0);
        Self { begins: ends.map_or(0, |ends| ends.saturating_sub(parts * length)), ends, length, parts }
    }
}

impl Ending {
    /// Takes one sample of the index at the full second `now` and each of those just before it, `seconds` in all, in which it was
    /// this price.
    pub fn sample(&mut self, spec: &InstrumentSpec, index: FinePrice, seconds: i64, now: Timestamp) {
        let window = Window::of(spec);
        let first = now.0 - (seconds - 1) * Timestamp::SECOND;
        // What would leave the window again at once is left out.
        let from = window.begins.max(now.0 - window.parts * window.length).max(first);
        let mut at = second_from(from);
        let last = window.ends.map_or(now.0, |ends| now.0.min(ends - 1));
        while at <= last {
            let number = (at - window.begins).div_euclid(window.length);
            let end = (window.begins + (number + 1) * window.length - 1).min(last);
            let samples = (end - at) / Timestamp::SECOND + 1;
            match self.parts.back_mut() {
                Some(part) if part.number == number => {
                    (part.sum, part.samples) = (part.sum + samples as i128 * index.0, part.samples + samples);
                }
                _ => self.parts.push_back(Part { number, sum: i128::from(samples) * index.0, samples }),
            }
            at += samples * Timestamp::SECOND;
        }
        let newest = self.parts.back().map_or(0, |part| part.number);
        while self.parts.front().is_some_and(|part| part.number <= newest - window.parts) {
            self.parts.pop_front();
        }
    }

    /// What the samples come to, half to even at 11 decimals; `None` where there are none.
    pub fn mean(&self) -> Option<FinePrice> {
        let parts = self.parts.len() as i128;
        // The sum of the parts' means: a whole number, and a fraction over a denominator that stays small, since only the first
        // and the last part can have other numbers of samples than the rest.
        let (mut whole, mut rest, mut over) = (0_i128, 0_i128, 1_i128);
        for Part { sum, samples, .. } in &self.parts {
            let samples = i128::from(*samples);
            whole += sum.div_euclid(samples);
            let common = over / greatest_common_divisor(over, samples) * samples;
            rest = rest * (common / over) + sum.rem_euclid(samples) * (common / samples);
            over = common;
        }
        (whole, rest) = (whole + rest.div_euclid(over), rest.rem_euclid(over));
        (parts > 0).then(|| at_grain(whole, (rest, over), parts))
    }

    /// The contract has come to its end at this price, and needs its samples no more.
    pub fn settle_at(&mut self, price: FinePrice) {
        self.price = Some(price);
        self.parts = VecDeque::new();
    }

    /// The settlement price of a contract that has no samples.
    pub fn price_of(index: FinePrice) -> FinePrice {
        at_grain(index.0, (0, 1), 1)
    }

    /// True when it can be that of a contract at `now`.
    pub fn fits(&self, spec: &InstrumentSpec, now: Timestamp) -> bool {
        let window = Window::of(spec);
        let length = window.length / Timestamp::SECOND;
        let last = (now.0 - window.begins).div_euclid(window.length);
        let mut following = self.parts.iter().zip(self.parts.iter().skip(1));
        let between = 1..self.parts.len().saturating_sub(1);
        let parts_fit = self.parts.iter().enumerate().all(|(at, part)| {
            let counted = window.ends.is_none() || (0..window.parts).contains(&part.number);
            // Sampling begins in one part and has come to another: those between are whole.
            let samples = if between.contains(&at) { length..=length } else { 1..=length };
            counted
                && part.number <= last
                && samples.contains(&part.samples)
                && price_in_range(FinePrice(part.sum / i128::from(part.samples)))
        });
        following.all(|(one, next)| one.number < next.number)
            && parts_fit
            && self.parts.len() as i64 <= window.parts
            && self.due.is_none_or(|due| match self.price {
                // What is still to come is a perpetual's.
                None => spec.expiry.is_none() && due <= now.plus(DELISTING),
                Some(_) => due <= now,
            })
            && self.price.is_none_or(price_in_range)
    }
}

/// `(whole + part / over) / count`, half to even at 11 decimals; none negative, `part` below `over`. No price is so low that it comes to
/// nothing.
fn at_grain(whole: i128, (part, over): (i128, i128), count: i128) -> FinePrice {
    let unit = count * GRAIN;
    let (quotient, rest) = (whole.div_euclid(unit), whole.rem_euclid(unit));
    let twice = 2 * (rest * over + part);
    let up = match twice.cmp(&(unit * over)) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => quotient & 1,
    };
    FinePrice((quotient + up) * GRAIN)
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The first full second that is not before an instant, both in microseconds.
fn second_from(at: i64) -> i64 {
    (at + Timestamp::SECOND - 1).div_euclid(Timestamp::SECOND) * Timestamp::SECOND
}
