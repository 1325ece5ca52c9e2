//! What a book would give an order of some value: pure figures of price levels, for those who show a market.

use crate::id::{Price, Qty};
use crate::instrument::Instrument;
use crate::money::{FinePrice, mul_div_half_even, pow10};
use crate::words::ContractKind;

impl Instrument {
    /// The average price of an order worth so many whole units of the quote currency, a multiple of 1,000, that takes price levels,
    /// best first: that value over what it buys or sells, half to even at 18 decimals. `None` where the levels are worth less.
    ///
    /// Of a linear contract the last level is taken to a fraction of a lot, so that the value is met to the unit. A lot of an inverse
    /// one is worth a whole number of these, or a whole number of lots is one: so lots are never split.
    pub fn average_of(&self, levels: impl Iterator<Item = (Price, Qty)>, value: u32) -> Option<FinePrice> {
        let value = i128::from(value);
        let precision = i32::from(self.spec().lot_precision);
        // The lots that a value of one unit a contract comes to.
        let lots = match u32::try_from(precision) {
            Ok(decimals) => value * pow10(decimals),
            Err(_) => value / pow10(precision.unsigned_abs()),
        };
        match self.spec().kind {
            ContractKind::Linear => self.linear_average(levels, lots),
            ContractKind::Inverse => self.inverse_average(levels, i64::try_from(lots).ok()?),
        }
    }

    /// `wanted` is the value in lots of one unit a contract.
    fn linear_average(&self, levels: impl Iterator<Item = (Price, Qty)>, wanted: i128) -> Option<FinePrice> {
        let (scale, mantissa) = (u32::from(self.spec().tick_scale), i128::from(self.spec().tick_mantissa));
        // In lots of 10^-scale a contract: what a level is worth is a whole number of these.
        let mut left = wanted.checked_mul(pow10(scale))?;
        let mut taken = 0_i128;
        for (price, qty) in levels {
            let (price, qty) = (i128::from(price.0) * mantissa, i128::from(qty.0));
            let worth = price.checked_mul(qty)?;
            if worth < left {
                (left, taken) = (left - worth, taken + qty);
                continue;
            }
            // Of this level left / price lots: so the price is the wanted value over taken + left / price.
            let all = taken.checked_mul(price)?.checked_add(left)?;
            return mul_div_half_even(wanted.checked_mul(pow10(18))?, price, all).map(FinePrice);
        }
        None
    }

    fn inverse_average(&self, levels: impl Iterator<Item = (Price, Qty)>, lots: i64) -> Option<FinePrice> {
        let (mut left, mut entry) = (lots, crate::money::Fine::ZERO);
        for (price, qty) in levels {
            let taken = qty.0.min(left);
            entry += self.value(taken, price);
            left -= taken;
            if left == 0 {
                return Some(self.average_price(lots, entry));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::id::{Currency, PairId, Price, Qty, Timestamp};
    use crate::instrument::{Instrument, InstrumentSpec, MarginLevel};
    use crate::money::FinePrice;
    use crate::words::ContractKind;

    fn listed(kind: ContractKind, (tick_mantissa, tick_scale): (u32, u8), lot_precision: i8) -> Instrument {
        let spec = InstrumentSpec {
            symbol: "T_XBTUSD".to_owned(),
            kind,
            pair: "XBT:USD".to_owned(),
            base: Currency::parse("BTC").expect("a code"),
            quote: Currency::USD,
            tick_mantissa,
            tick_scale,
            lot_precision,
            max_position: Qty(1_000_000),
            impact_mid_size: Qty(1),
            margin_levels: vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }],
            opening: Timestamp(0),
            expiry: None,
            funding_rate_coefficient: 8,
            max_relative_funding_rate: 500_000,
            min_relative_funding_rate: None,
        };
        Instrument::new(spec, PairId(0)).expect("sound figures")
    }

    /// The average price in 1e-9 of a unit, cut.
    fn average(of: &Instrument, levels: &[(i64, i64)], value: u32) -> Option<i128> {
        let levels = levels.iter().map(|(price, qty)| (Price(*price), Qty(*qty)));
        of.average_of(levels, value).map(|FinePrice(price)| price / 10_i128.pow(9))
    }

    #[test]
    fn a_linear_order_takes_as_much_of_the_last_level_as_its_value_needs() {
        // Ticks of 0.5, lots of 0.0001: 1 at 100.0, 2 at 200.0, 100 at 400.0.
        let linear = listed(ContractKind::Linear, (5, 1), 4);
        let book = [(200, 10_000), (400, 20_000), (800, 1_000_000)];
        // 100 + 400 + 500 of 1,000: 1 + 2 + 1.25 contracts.
        assert_eq!(average(&linear, &book, 1_000), Some(235_294_117_647));
        // 100 + 400 + 9,500: 1 + 2 + 23.75.
        assert_eq!(average(&linear, &book, 10_000), Some(373_831_775_700));
        assert_eq!(average(&linear, &book, 40_000), Some(393_120_393_120));
        assert_eq!(average(&linear, &book, 41_000), None, "40,500 is all there is");
        assert_eq!(
            average(&linear, &[(200, 100_000)], 1_000),
            Some(100_000_000_000),
            "the whole of one level"
        );
        assert_eq!(average(&linear, &[], 1_000), None);
    }

    #[test]
    fn lots_of_many_contracts_and_tiny_ticks_are_no_other() {
        // Ticks of 1e-10, lots of 1,000: 5e6 lots at 1e-7, the rest at 2e-7.
        let tiny = listed(ContractKind::Linear, (1, 10), -3);
        let book = [(1_000, 5_000_000), (2_000, 5_000_000_000)];
        // 500 for 5e9 contracts, 500 for 2.5e9: 1,000 over 7.5e9 is 1.333e-7.
        assert_eq!(average(&tiny, &book, 1_000), Some(133));
    }

    #[test]
    fn an_inverse_order_is_worth_its_contracts() {
        // A contract is 1 USD: 600 at 50,000 and 400 at 40,000 are 0.012 + 0.01 BTC.
        let inverse = listed(ContractKind::Inverse, (5, 1), 0);
        let book = [(100_000, 600), (80_000, 10_000)];
        assert_eq!(average(&inverse, &book, 1_000), Some(45_454_545_454_545));
        assert_eq!(average(&inverse, &book, 100_000), None);
    }
}
