//! Funding of perpetuals (rules 4.6): what an hour's rate is, and what a position comes to owe by it. Longs pay when the rate is
//! positive.

use crate::account::Position;
use crate::id::Timestamp;
use crate::instrument::{Instrument, InstrumentSpec};
use crate::money::{FINE_PER_MONEY, Fine, FinePrice, Money, div_half_even, mul_div_half_even, pow10};
use crate::words::ContractKind;
use serde::{Deserialize, Serialize};

/// Between two rates.
pub(crate) const HOUR: i64 = 3_600 * Timestamp::SECOND;
/// Seconds, and so samples, of a whole hour.
const SAMPLES: i64 = 3_600;
/// Time is counted in these when funding accrues (rules 9).
const MILLI: i64 = 1_000;
const MILLIS_PER_HOUR: i128 = (HOUR / MILLI) as i128;
/// A unit of wallet money, in the unit of what rounding leaves over.
const UNIT: i128 = MILLIS_PER_HOUR * FINE_PER_MONEY;
/// One, at the 18 decimals of rates.
const ONE: i128 = 10_i128.pow(18);
/// No absolute rate is more: all of the value, at the greatest index of a linear contract or the least of an inverse one.
const MOST_ABSOLUTE: i128 = 10_i128.pow(28);
/// No position accrues more in an hour (fine units): what the greatest is entered at.
const MOST_AN_HOUR: i128 = 20 * 10_i128.pow(36);

/// A funding rate, for one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundingRate {
    /// As a fraction of the value, in units of 1e-18.
    pub relative: i128,
    /// Of one contract, in units of 1e-18 of the settlement currency: relative x index of a linear contract, relative / index of
    /// an inverse one.
    pub absolute: i128,
}

impl FundingRate {
    /// None.
    pub const ZERO: FundingRate = FundingRate { relative: 0, absolute: 0 };

    /// A relative rate with its absolute one at an index price, half to even.
    fn at(kind: ContractKind, relative: i128, index: FinePrice) -> Self {
        let absolute = match kind {
            ContractKind::Linear => mul_div_half_even(relative, index.0, ONE),
            ContractKind::Inverse => mul_div_half_even(relative, ONE, index.0),
        };
        Self {
            relative,
            absolute: absolute.expect("a rate of at most one cannot carry a price out of range"),
        }
    }
}

/// Funding of one contract: the rate of the running hour, what the next is made of, and the money between its two sides.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Funding {
    pub rate: FundingRate,
    /// Sum of the uncapped premiums sampled in the running hour, and how many.
    premiums: i128,
    samples: i64,
    /// What positions have paid, less what positions have got. Payers and receivers are booked at instants of their own, so it
    /// holds what is still to be booked, too.
    pub held: Money,
    /// What rounding left over, in units of 1e-24 over the milliseconds of an hour: there every accrual is a whole number.
    dust: i128,
}

impl Funding {
    /// One whose running hour has a rate already.
    pub fn with_rate(rate: FundingRate) -> Self {
        Self { rate, ..Self::default() }
    }

    /// Takes samples of the uncapped premium: `seconds` in all, of which the first `kept` have it and the others none. A sum beyond
    /// every number stays at the greatest: its rate is clamped far below that.
    pub fn sample(&mut self, premium: i128, kept: i64, seconds: i64) {
        self.premiums = self.premiums.saturating_add(premium.saturating_mul(kept.into()));
        self.samples += seconds;
    }

    /// What the samples of the hour so far come to at an index price; nothing before the first.
    pub fn prediction(&self, spec: &InstrumentSpec, index: FinePrice) -> FundingRate {
        if self.samples == 0 {
            return FundingRate::ZERO;
        }
        let divisor = i128::from(self.samples) * i128::from(spec.funding_rate_coefficient.max(1));
        let (least, most) = spec.funding_bounds();
        FundingRate::at(spec.kind, div_half_even(self.premiums, divisor).clamp(least, most), index)
    }

    /// An hour ends: the rate of the next is that of its samples, or none where it was not sampled to its full length.
    pub fn fix(&mut self, spec: &InstrumentSpec, index: Option<FinePrice>) -> FundingRate {
        let whole = self.samples >= SAMPLES;
        let rate = index.filter(|_| whole).map(|index| self.prediction(spec, index));
        (self.premiums, self.samples) = (0, 0);
        self.rate = rate.unwrap_or(FundingRate::ZERO);
        self.rate
    }

    /// What a position has accrued up to an instant since it was last booked, half to even: positive what it gets.
    pub fn accrued(&self, instrument: &Instrument, position: &Position, until: Timestamp) -> Fine {
        let (lots, rate) = self.factors(instrument, position, until);
        Fine(mul_div_half_even(lots, rate, MILLIS_PER_HOUR).expect("funding of an hour is in range"))
    }

    /// What a position has accrued as wallet money: half to even, once (rules 9).
    pub fn due(&self, instrument: &Instrument, position: &Position, until: Timestamp) -> Money {
        let (lots, rate) = self.factors(instrument, position, until);
        Money(mul_div_half_even(lots, rate, UNIT).expect("funding of an hour is in range"))
    }

    /// Books what a position has accrued.
    pub fn realize(&mut self, instrument: &Instrument, position: &Position, until: Timestamp) -> Money {
        let (lots, rate) = self.factors(instrument, position, until);
        let money = self.due(instrument, position, until);
        self.held -= money;
        self.dust += lots.wrapping_mul(rate).wrapping_sub(money.0.wrapping_mul(UNIT));
        money
    }

    /// What must be nothing: all that positions have got and accrue, and what rounding left, exactly. It is counted modulo 2^128, so
    /// that it fits: what is nothing is nothing there, too.
    pub fn imbalance<'a>(
        &self,
        instrument: &Instrument,
        positions: impl Iterator<Item = &'a Position>,
        until: Timestamp,
    ) -> i128 {
        let accrued = positions.map(|position| {
            let (lots, rate) = self.factors(instrument, position, until);
            lots.wrapping_mul(rate)
        });
        let got = (-self.held.0).wrapping_mul(UNIT);
        accrued.fold(got.wrapping_add(self.dust), i128::wrapping_add)
    }

    /// Two numbers whose product is what a position has accrued, in the unit of `dust`.
    fn factors(&self, instrument: &Instrument, position: &Position, until: Timestamp) -> (i128, i128) {
        let millis = until.0.div_euclid(MILLI) - position.funded_at.0.div_euclid(MILLI);
        let (lots, rate) = self.per_lot(instrument, position.size);
        (-lots, rate * i128::from(millis))
    }

    /// Two numbers whose product is what lots owe in an hour, at 24 decimals. Of lots finer than a millionth of a contract the
    /// rate counts as far as that goes, half to even.
    fn per_lot(&self, instrument: &Instrument, lots: i64) -> (i128, i128) {
        let (finer, coarser) = instrument.spec().lot_of_millionth();
        // Every holder passes by here at every mark: most need no division.
        let rate = if finer == 1 { self.rate.absolute } else { div_half_even(self.rate.absolute, finer) };
        (i128::from(lots) * coarser, rate)
    }

    /// True when it can be that of a contract.
    pub fn fits(&self, instrument: &Instrument) -> bool {
        let (most, rate) = self.per_lot(instrument, instrument.spec().max_position.0);
        let an_hour = mul_div_half_even(most, rate, 1);
        (0..=SAMPLES).contains(&self.samples)
            && self.rate.relative.abs() <= ONE
            && self.rate.absolute.abs() <= MOST_ABSOLUTE
            && an_hour.is_some_and(|most| most.abs() <= MOST_AN_HOUR)
            && self.dust.abs() < i128::MAX / 2
            && self.held.0.abs() < i128::MAX / 4
    }
}

impl InstrumentSpec {
    /// Least and greatest relative rate, at 18 decimals.
    fn funding_bounds(&self) -> (i128, i128) {
        let most = i128::from(self.max_relative_funding_rate);
        let least = self.min_relative_funding_rate.map_or(-most, i128::from);
        (least * pow10(10), most * pow10(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Currency, PairId, Qty};
    use crate::instrument::MarginLevel;

    /// A contract with a coefficient, and bounds of its rate in 1e-8.
    fn spec(kind: ContractKind, coefficient: u32, most: u32, least: Option<i32>) -> InstrumentSpec {
        InstrumentSpec {
            symbol: "PF_XBTUSD".into(),
            kind,
            pair: "XBT:USD".into(),
            base: Currency::parse("BTC").expect("a code"),
            quote: Currency::USD,
            tick_mantissa: 1,
            tick_scale: 0,
            lot_precision: if kind == ContractKind::Linear { 4 } else { 0 },
            max_position: Qty(1_000_000),
            impact_mid_size: Qty(1),
            margin_levels: vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }],
            opening: Timestamp(0),
            expiry: None,
            funding_rate_coefficient: coefficient,
            max_relative_funding_rate: most,
            min_relative_funding_rate: least,
        }
    }

    /// Units of 1e-18.
    fn units(text: &str) -> i128 {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        sign * format!("{whole}{part:0<18}").parse::<i128>().expect("a number")
    }

    #[test]
    fn the_rate_of_an_hour_is_its_mean_premium_over_the_coefficient_within_bounds() {
        use ContractKind::{Inverse, Linear};
        let whole = |premium: &'static str| vec![(premium, 3_600)];
        for (kind, coefficient, most, least, samples, index, relative, absolute) in [
            // The documents' own: 7.142% / 24 = 0.2975...%, of which 0.25% count; 0.05% at 7,000 USD.
            (Inverse, 24, 250_000, None, whole("0.07142"), "7000", "0.0025", "0.000000357142857143"),
            (Inverse, 24, 250_000, None, whole("0.012"), "7000", "0.0005", "0.000000071428571429"),
            // As the venue shows them today.
            (Linear, 8, 500_000, None, whole("0.0000871476"), "83764", "0.00001089345", "0.9124789458"),
            (Linear, 8, 500_000, None, whole("0.004"), "50000", "0.0005", "25"),
            (Linear, 8, 500_000, None, whole("-0.2"), "50000", "-0.005", "-250"),
            // Half an hour of 1%, half of nothing; one second of 36% weighs as much as an hour of 0.01%.
            (Linear, 8, 500_000, None, vec![("0.01", 1_800), ("0", 1_800)], "50000", "0.000625", "31.25"),
            (Linear, 8, 500_000, None, vec![("0.36", 1), ("0", 3_599)], "50000", "0.0000125", "0.625"),
            // A bound of its own below.
            (Linear, 8, 500_000, Some(-100_000), whole("-0.2"), "50000", "-0.001", "-50"),
            (Linear, 8, 500_000, Some(100_000), whole("0"), "50000", "0.001", "50"),
            // An hour that is not whole.
            (Linear, 8, 500_000, None, vec![("0.004", 3_599)], "50000", "0", "0"),
        ] {
            let (spec, mut funding) = (spec(kind, coefficient, most, least), Funding::default());
            for (premium, seconds) in &samples {
                funding.sample(units(premium), *seconds, *seconds);
            }
            let index = FinePrice(units(index));
            let rate = funding.fix(&spec, Some(index));
            let want = FundingRate { relative: units(relative), absolute: units(absolute) };
            assert_eq!(rate, want, "{samples:?} at {index:?}");
            let next = funding.prediction(&spec, index);
            assert_eq!(next, FundingRate::ZERO, "the next hour begins with nothing");
        }
    }

    #[test]
    fn the_prediction_is_the_rate_of_the_hour_so_far_at_the_index_of_now() {
        let (spec, mut funding) = (spec(ContractKind::Linear, 8, 500_000, None), Funding::default());
        funding.sample(units("0.004"), 10, 20);
        let at = |index| funding.prediction(&spec, FinePrice(units(index)));
        let rate = |absolute| FundingRate { relative: units("0.00025"), absolute: units(absolute) };
        assert_eq!((at("50000"), at("60000")), (rate("12.5"), rate("15")));
    }

    #[test]
    fn a_sum_beyond_every_number_is_clamped_like_any_other() {
        let (spec, mut funding) = (spec(ContractKind::Linear, 8, 500_000, None), Funding::default());
        for _ in 0..3_600 {
            funding.sample(i128::MAX / 100, 1, 1);
        }
        assert_eq!(funding.fix(&spec, Some(FinePrice(units("50000")))).relative, units("0.005"));
    }

    #[test]
    fn milliseconds_are_paid_for_and_what_is_rounded_off_is_kept() {
        let instrument =
            Instrument::new(spec(ContractKind::Linear, 8, 500_000, None), PairId(0)).expect("sane");
        let rate = FundingRate { relative: units("0.00001"), absolute: units("0.7") };
        let mut funding = Funding::with_rate(rate);
        // Lots of 0.0001, and what they pay over a time, in 1e-11 USD.
        for (lots, from, until, paid) in [
            (10_000, 0, HOUR, 70_000_000_000),
            (10_000, 0, HOUR / 2, 35_000_000_000),
            (-10_000, 0, HOUR, -70_000_000_000),
            // A millisecond of one lot: 0.00007 / 3,600,000 = 1.9444e-11; the first 999 microseconds of it are none.
            (1, 0, 1_000, 2),
            (1, 0, 999, 0),
            (1, 999, 1_000, 2),
            // A whole one of 9 lots in 7 ms: 1.225e-9.
            (9, 0, 7_000, 122),
            (10, 0, 9_000, 175),
        ] {
            let mut position = Position::new(
                crate::id::AccountId(0),
                crate::slot::Slot::of_index(0),
                crate::slot::Slot::of_index(0),
                crate::id::InstrumentId(0),
                false,
            );
            (position.size, position.funded_at) = (lots, Timestamp(from));
            let due = funding.due(&instrument, &position, Timestamp(until));
            assert_eq!(due, Money(-paid), "{lots} lots from {from} to {until}");
            assert_eq!(funding.accrued(&instrument, &position, Timestamp(until)).book().0, due);
            assert_eq!(funding.realize(&instrument, &position, Timestamp(until)), due);
            // What another is booked for the other side of it, at the same instants, makes all of it nothing.
            position.size = -lots;
            funding.realize(&instrument, &position, Timestamp(until));
        }
        assert_eq!(funding.imbalance(&instrument, std::iter::empty(), Timestamp(0)), 0);
        assert_eq!(funding.held, Money::ZERO);
    }
}
