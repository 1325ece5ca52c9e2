//! A contract's grid: decimal numbers to ticks and lots, and back.

use loligo_engine::{Fine, FinePrice, InstrumentSpec, Money, OnGrid, Price, Qty, Timestamp};
use loligo_wire::decimal::{Decimal, Number, ScaleError};
use loligo_wire::time::Timestamp as WireTime;

/// A price in ticks.
pub(crate) fn ticks(number: Number, spec: &InstrumentSpec) -> OnGrid {
    steps(number, u32::from(spec.tick_scale), i128::from(spec.tick_mantissa))
}

/// A size in lots.
pub(crate) fn lots(number: Number, spec: &InstrumentSpec) -> OnGrid {
    match u32::try_from(spec.lot_precision) {
        Ok(decimals) => steps(number, decimals, 1),
        Err(_) => steps(number, 0, 10_i128.pow(u32::from(spec.lot_precision.unsigned_abs()))),
    }
}

/// A percentage in hundredths.
pub(crate) fn hundredths(number: Number) -> OnGrid {
    steps(number, 2, 1)
}

/// How many steps of `step / 10^scale` a number is.
fn steps(number: Number, scale: u32, step: i128) -> OnGrid {
    let Number::Fits(decimal) = number else {
        return match number {
            Number::TooLarge { .. } => OnGrid::TooLarge,
            Number::TooPrecise { .. } | Number::Fits(_) => OnGrid::Off,
        };
    };
    match decimal.at_scale(scale) {
        Ok(units) if units % step == 0 => i64::try_from(units / step).map_or(OnGrid::TooLarge, OnGrid::Steps),
        Ok(_) | Err(ScaleError::TooPrecise) => OnGrid::Off,
        Err(ScaleError::TooLarge) => OnGrid::TooLarge,
    }
}

/// A price as the dialect writes it.
pub(crate) fn price(price: Price, spec: &InstrumentSpec) -> Decimal {
    Decimal::new(i128::from(price.0) * i128::from(spec.tick_mantissa), u32::from(spec.tick_scale))
}

/// A size as the dialect writes it.
pub(crate) fn size(lots: Qty, spec: &InstrumentSpec) -> Decimal {
    volume(lots.0.into(), spec)
}

/// A sum of sizes in lots as the dialect writes it.
pub(crate) fn volume(lots: i128, spec: &InstrumentSpec) -> Decimal {
    match u32::try_from(spec.lot_precision) {
        Ok(decimals) => Decimal::new(lots, decimals),
        Err(_) => Decimal::new(lots * 10_i128.pow(u32::from(spec.lot_precision.unsigned_abs())), 0),
    }
}

/// The tick size.
pub(crate) fn tick_size(spec: &InstrumentSpec) -> Decimal {
    price(Price(1), spec)
}

/// An amount a wallet holds, at its 11 decimals.
pub(crate) fn money(money: Money) -> Decimal {
    Decimal::new(money.0, 11)
}

/// A computed amount, rounded down to the wallet's 11 decimals: never more is shown than there is.
pub(crate) fn amount(amount: Fine) -> Decimal {
    money(amount.floor())
}

/// A computed amount, rounded up: never less is shown than is needed.
pub(crate) fn need(amount: Fine) -> Decimal {
    money(amount.ceil())
}

/// An index, mark or entry price with 14 significant digits (rules 9).
pub(crate) fn fine_price(price: FinePrice) -> Decimal {
    significant(price.0, 18, 14)
}

/// A settlement price at its 11 decimals, however many digits that is: money was reckoned with all of them (rules 4.4).
pub(crate) fn settlement_price(price: FinePrice) -> Decimal {
    Decimal::new(price.0 / 10_i128.pow(7), 11)
}

/// A funding rate, at 18 decimals, with 14 significant digits.
pub(crate) fn rate(units: i128) -> Decimal {
    significant(units, 18, 14)
}

/// `units / 10^scale` with at most so many significant digits, half to even.
fn significant(units: i128, scale: u32, digits: u32) -> Decimal {
    let have = units.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
    let Some(surplus) = have.checked_sub(digits).filter(|surplus| *surplus > 0) else {
        return Decimal::new(units, scale);
    };
    let step = 10_i128.pow(surplus);
    let (quotient, rest) = (units.div_euclid(step), units.rem_euclid(step));
    let up = match (rest * 2).cmp(&step) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => quotient & 1,
    };
    Decimal::new((quotient + up) * step, scale)
}

/// An instant of the exchange, as the dialect's.
pub(crate) fn time(time: Timestamp) -> WireTime {
    WireTime::from_micros(time.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use loligo_engine::{ContractKind, Currency, MarginLevel};

    fn spec(tick_mantissa: u32, tick_scale: u8, lot_precision: i8) -> InstrumentSpec {
        InstrumentSpec {
            symbol: "PF_TESTUSD".to_owned(),
            kind: ContractKind::Linear,
            pair: "TEST:USD".to_owned(),
            base: Currency::parse("TEST").expect("a code"),
            quote: Currency::USD,
            tick_mantissa,
            tick_scale,
            lot_precision,
            max_position: Qty(1),
            impact_mid_size: Qty(1),
            margin_levels: vec![MarginLevel { from: 0, initial: 1, maintenance: 1 }],
            opening: Timestamp(0),
            expiry: None,
            funding_rate_coefficient: 8,
            max_relative_funding_rate: 500_000,
            min_relative_funding_rate: None,
        }
    }

    #[test]
    fn numbers_land_on_the_grid_or_beside_it() {
        let half = spec(5, 1, 0);
        let one = spec(1, 0, 4);
        let tiny = spec(1, 10, -3);
        let forty = "1".repeat(40);
        for (text, spec, ticks_wanted, lots_wanted) in [
            ("50000", &half, OnGrid::Steps(100_000), OnGrid::Steps(50_000)),
            ("0.5", &half, OnGrid::Steps(1), OnGrid::Off),
            ("0.75", &half, OnGrid::Off, OnGrid::Off),
            ("-1", &half, OnGrid::Steps(-2), OnGrid::Steps(-1)),
            ("0", &one, OnGrid::Steps(0), OnGrid::Steps(0)),
            ("1e-05", &one, OnGrid::Off, OnGrid::Off),
            ("0.00010", &one, OnGrid::Off, OnGrid::Steps(1)),
            ("1e400", &one, OnGrid::TooLarge, OnGrid::TooLarge),
            ("1e-400", &one, OnGrid::Off, OnGrid::Off),
            ("9223372036854775807", &one, OnGrid::Steps(i64::MAX), OnGrid::TooLarge),
            ("9223372036854775808", &one, OnGrid::TooLarge, OnGrid::TooLarge),
            (&forty, &one, OnGrid::TooLarge, OnGrid::TooLarge),
            ("1e-10", &tiny, OnGrid::Steps(1), OnGrid::Off),
            ("2000", &tiny, OnGrid::Steps(20_000_000_000_000), OnGrid::Steps(2)),
            ("2500", &tiny, OnGrid::Steps(25_000_000_000_000), OnGrid::Off),
        ] {
            let number = Number::parse(text.as_bytes()).expect(text);
            assert_eq!(ticks(number, spec), ticks_wanted, "{text} ticks of {}", tick_size(spec));
            assert_eq!(lots(number, spec), lots_wanted, "{text} lots of 10^-{}", spec.lot_precision);
        }
        assert_eq!(price(Price(3), &half).to_string(), "1.5");
        assert_eq!(size(Qty(15_000), &one).to_string(), "1.5");
        assert_eq!(size(Qty(2), &tiny).to_string(), "2000");
        assert_eq!(tick_size(&tiny).to_string(), "0.0000000001");
    }

    #[test]
    fn what_is_computed_is_shown_short() {
        let price = |units| fine_price(FinePrice(units)).to_string();
        assert_eq!(price(81_780_434_623_335_000_000_000), "81780.434623335");
        assert_eq!(price(81_780_434_623_335_123_456_789), "81780.434623335");
        assert_eq!(price(9_392_749_993_345_933_000_000), "9392.7499933459");
        assert_eq!(price(1), "0.000000000000000001");
        assert_eq!(price(0), "0");
        assert_eq!(price(99_999_999_999_999_600_000), "100");
        assert_eq!(price(10_000_000_000_000_500_000), "10");
        assert_eq!(price(10_000_000_000_001_500_000), "10.000000000002");
        let settled = |units| settlement_price(FinePrice(units)).to_string();
        assert_eq!(settled(81_780_434_623_335_120_000_000), "81780.43462333512");
        assert_eq!(settled(10_001_230_000_000), "0.00001000123");
        assert_eq!(settled(50_250_000_000_000_000_000_000), "50250");
        assert_eq!(amount(Fine(-1)).to_string(), "-0.00000000001");
        assert_eq!(amount(Fine(10_000_000_000_000 - 1)).to_string(), "0");
        assert_eq!(need(Fine(1)).to_string(), "0.00000000001");
    }
}
