//! What things are worth, in integers without bound. Amounts are at 24 decimals of the settlement currency unless a
//! name says otherwise.

use super::Contract;
use loligo_engine::{ContractKind, Fine, FinePrice, Money};
use num_bigint::{BigInt, Sign};
use std::sync::LazyLock;

/// Powers of ten, computed once: nearly everything is scaled by one.
static TENS: LazyLock<Vec<BigInt>> =
    LazyLock::new(|| (0..64).map(|exponent| BigInt::from(10).pow(exponent)).collect());

/// Ten to the `exponent`.
fn ten(exponent: i64) -> BigInt {
    TENS[usize::try_from(exponent).expect("a scale within the types' decimals")].clone()
}

/// `a / b` for positive `b`, rounded down, and the rest.
fn divide_down(a: &BigInt, b: &BigInt) -> (BigInt, BigInt) {
    let (quotient, rest) = (a / b, a % b);
    if rest.sign() == Sign::Minus { (quotient - 1, rest + b) } else { (quotient, rest) }
}

/// `a / b` for positive `b`, rounded down.
pub(super) fn down(a: &BigInt, b: &BigInt) -> BigInt {
    divide_down(a, b).0
}

/// `a / b` for positive `b`, to the nearest whole number; halves to the even one.
pub(super) fn half_even(a: &BigInt, b: &BigInt) -> BigInt {
    let (quotient, rest) = divide_down(a, b);
    let twice = rest * 2;
    let odd = &quotient % 2 != BigInt::ZERO;
    if &twice > b || (&twice == b && odd) { quotient + 1 } else { quotient }
}

/// `a / b` for positive `b`, rounded up.
pub(super) fn up(a: &BigInt, b: &BigInt) -> BigInt {
    let (quotient, rest) = divide_down(a, b);
    if rest == BigInt::ZERO { quotient } else { quotient + 1 }
}

/// Rounds an amount at 24 decimals half to even to the 11 decimals that wallets hold.
pub(super) fn book(amount: &BigInt) -> Money {
    Money(narrow(&half_even(amount, &ten(13))))
}

/// As [`book`], of an amount that is over so many parts.
pub(super) fn book_part(amount: &BigInt, parts: i64) -> Money {
    Money(narrow(&half_even(amount, &(ten(13) * parts))))
}

/// A fee of `rate` in 1e-8 of a value at 24 decimals: never in the client's favour, so up when it is paid and, being
/// negative then, also up when it is received.
pub(super) fn fee(value: &BigInt, rate: i32) -> Money {
    Money(narrow(&up(&(value * rate), &ten(8 + 13))))
}

/// Rounds down to what wallets hold.
pub(super) fn floor(amount: &BigInt) -> Money {
    Money(narrow(&down(amount, &ten(13))))
}

/// `a / b` for positive `b`, rounded down, as money where it is a count of its units.
pub(super) fn floor_over(a: &BigInt, b: &BigInt) -> Money {
    Money(narrow(&down(a, b)))
}

/// The same rounded up.
pub(super) fn ceiling_over(a: &BigInt, b: &BigInt) -> Money {
    Money(narrow(&up(a, b)))
}

/// Rounds up to what wallets hold.
pub(super) fn ceiling(amount: &BigInt) -> Money {
    Money(narrow(&up(amount, &ten(13))))
}

/// Half of an amount, rounded up to what wallets hold.
pub(super) fn half_up(amount: &BigInt) -> Money {
    Money(narrow(&up(amount, &(ten(13) * 2))))
}

/// Wallet money at 24 decimals.
pub(super) fn fine(money: Money) -> BigInt {
    BigInt::from(money.0) * ten(13)
}

/// Back into the engine's types.
pub(super) fn as_fine(amount: &BigInt) -> Fine {
    Fine(narrow(amount))
}

fn narrow(amount: &BigInt) -> i128 {
    i128::try_from(amount).expect("an amount within the range of the engine's types")
}

impl Contract {
    /// Value of signed `lots` at a price in ticks, so that worth less entry value is the open P&L:
    /// size times price (linear), minus size over price (inverse).
    pub(super) fn value(&self, lots: i64, ticks: i64) -> BigInt {
        let (tick, scale) = (BigInt::from(self.spec.tick_mantissa), i64::from(self.spec.tick_scale));
        let precision = i64::from(self.spec.lot_precision);
        match self.spec.kind {
            ContractKind::Linear => BigInt::from(lots) * ticks * tick * ten(24 - scale - precision),
            ContractKind::Inverse => {
                let size = BigInt::from(lots.unsigned_abs()) * ten(24 + scale - precision);
                let over = half_even(&size, &(tick * ticks));
                if lots < 0 { over } else { -over }
            }
        }
    }

    /// Of an inverse contract: what so many lots are worth, over the price in ticks, is the first over the second times
    /// that price.
    pub(super) fn size_over_tick(&self, lots: i64) -> (BigInt, BigInt) {
        let exponent = 24 + i64::from(self.spec.tick_scale) - i64::from(self.spec.lot_precision);
        (BigInt::from(lots) * ten(exponent), BigInt::from(self.spec.tick_mantissa))
    }

    /// The lots in whole `contracts`.
    pub(super) fn lots_of_contracts(&self, contracts: u64) -> BigInt {
        match i64::from(self.spec.lot_precision) {
            precision @ 0.. => BigInt::from(contracts) * ten(precision),
            precision => down(&BigInt::from(contracts), &ten(-precision)),
        }
    }

    /// Whole lots in so many millionths of a contract.
    pub(super) fn lots_of_millionths(&self, millionths: i64) -> BigInt {
        let precision = i64::from(self.spec.lot_precision);
        down(&(BigInt::from(millionths) * ten(3 + precision)), &ten(9))
    }

    /// What a lot comes to at an amount for a contract of 18 decimals, to 24 decimals, half to even.
    pub(super) fn of_a_lot(&self, contract: i128) -> BigInt {
        half_even(&(BigInt::from(contract) * ten(9)), &ten(3 + i64::from(self.spec.lot_precision)))
    }

    /// Value of signed `lots` at a mark price; one lot's value is rounded, as the engine documents it.
    pub(super) fn value_at_mark(&self, lots: i64, mark: FinePrice) -> BigInt {
        let precision = i64::from(self.spec.lot_precision);
        let per_lot = match self.spec.kind {
            ContractKind::Linear => self.of_a_lot(mark.0),
            ContractKind::Inverse => -half_even(&ten(24 + 18 - precision), &BigInt::from(mark.0)),
        };
        per_lot * lots
    }

    /// Value of signed `lots` at a settlement price, which has 11 decimals.
    pub(super) fn value_at_settlement(&self, lots: i64, price: &BigInt) -> BigInt {
        let precision = i64::from(self.spec.lot_precision);
        match self.spec.kind {
            ContractKind::Linear => price * lots * ten(13 - precision),
            ContractKind::Inverse => {
                let over = half_even(&(BigInt::from(lots.unsigned_abs()) * ten(24 + 11 - precision)), price);
                if lots < 0 { over } else { -over }
            }
        }
    }

    /// Worth in USD of `lots` at a price in ticks, at 24 decimals.
    pub(super) fn notional(&self, lots: i64, ticks: i64) -> BigInt {
        match self.spec.kind {
            ContractKind::Linear => self.value(lots, ticks),
            ContractKind::Inverse => BigInt::from(lots) * ten(24 - i64::from(self.spec.lot_precision)),
        }
    }

    /// Worth in USD of `lots` at a mark price, at 24 decimals.
    pub(super) fn notional_at_mark(&self, lots: i64, mark: FinePrice) -> BigInt {
        match self.spec.kind {
            ContractKind::Linear => self.value_at_mark(lots, mark),
            ContractKind::Inverse => self.notional(lots, 0),
        }
    }

    /// A price in ticks, at 18 decimals of the quote currency.
    pub(super) fn price(&self, ticks: i64) -> BigInt {
        BigInt::from(ticks) * self.spec.tick_mantissa * ten(18 - i64::from(self.spec.tick_scale))
    }

    /// The tick size.
    pub(super) fn tick(&self) -> FinePrice {
        FinePrice(narrow(&self.price(1)))
    }

    /// Average entry price of a position: size-weighted mean (linear), harmonic mean (inverse).
    pub(super) fn average_price(&self, lots: i64, entry: &BigInt) -> FinePrice {
        let precision = i64::from(self.spec.lot_precision);
        let (mut a, mut b) = match self.spec.kind {
            ContractKind::Linear if precision < 0 => (entry.clone(), BigInt::from(lots) * ten(6 - precision)),
            ContractKind::Linear => (entry * ten(precision), BigInt::from(lots) * ten(6)),
            ContractKind::Inverse => (BigInt::from(lots) * ten(24 + 18 - precision), -entry),
        };
        if b.sign() == Sign::Minus {
            (a, b) = (-a, -b);
        }
        FinePrice(narrow(&half_even(&a, &b)))
    }
}

/// One, at 18 decimals.
pub(super) fn one() -> BigInt {
    ten(18)
}

/// Units of a feed's price in one of a settlement price, which has 11 decimals.
pub(super) fn price_per_settlement() -> u64 {
    10_u64.pow(7)
}

/// A settlement price as one of a feed.
pub(super) fn feed_price(settlement: &BigInt) -> FinePrice {
    FinePrice(narrow(&(settlement * price_per_settlement())))
}

/// A positive `value` rounded half to even at so many significant digits; at least 1.
pub(super) fn significant(value: &BigInt, digits: usize) -> BigInt {
    let step = ten(value.to_string().len().saturating_sub(digits) as i64);
    (half_even(value, &step) * step).max(BigInt::from(1))
}

/// So many whole USD, at 24 decimals.
pub(super) fn usd(whole: u64) -> BigInt {
    BigInt::from(whole) * ten(24)
}
