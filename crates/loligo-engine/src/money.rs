//! Fixed-point money. Three scales, never mixed, each a type of its own:
//! [`Money`] is what wallets hold, [`Fine`] is what is computed before it is booked, [`FinePrice`] is an index or
//! mark price. Range is checked where numbers enter (order size and value caps, deposit caps), so sums of them fit;
//! arithmetic is still checked, and an overflow is a bug that stops the engine.

use ethnum::{I256, U256};
use serde::{Deserialize, Serialize};

/// Fine units in one unit of [`Money`].
pub(crate) const FINE_PER_MONEY: i128 = 10_i128.pow(13);

/// Money of a wallet, in units of 1e-11 of its currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money(pub i128);

/// An amount of a settlement currency in units of 1e-24: contract values, entry values, margins, open P&L.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fine(pub i128);

/// An index or mark price in units of 1e-18 of the quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FinePrice(pub i128);

/// Greatest index or mark price: 10^9 units of quote; and the least, 10^-10. Both keep values in range.
pub(crate) const PRICE_MAX: i128 = 10_i128.pow(9 + 18);
pub(crate) const PRICE_MIN: i128 = 10_i128.pow(8);

/// True for prices the arithmetic carries.
pub(crate) fn price_in_range(price: FinePrice) -> bool {
    (PRICE_MIN..=PRICE_MAX).contains(&price.0)
}

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);
    /// One whole unit of currency.
    pub const ONE: i128 = 10_i128.pow(11);

    /// What so much of a currency is worth at its price, rounded down. The result must fit.
    pub fn at(self, price: FinePrice) -> Money {
        Money(mul_div_floor(self.0, price.0, 10_i128.pow(18)))
    }

    /// The same amount at 24 decimals; exact.
    #[inline]
    pub fn fine(self) -> Fine {
        const MOST: i128 = i128::MAX / FINE_PER_MONEY;
        const HIGH: i64 = (MOST >> 64) as i64;
        // Comparing the upper halves costs a fraction of a checked 128-bit product.
        assert!((-HIGH..HIGH).contains(&((self.0 >> 64) as i64)), "money beyond the range of Fine");
        Fine(self.0 * FINE_PER_MONEY)
    }
}

impl Fine {
    /// Nothing.
    pub const ZERO: Fine = Fine(0);

    /// Books this amount: rounded half to even to wallet money, and what rounding left over (for the dust account).
    pub fn book(self) -> (Money, Fine) {
        let money = Money(div_half_even(self.0, FINE_PER_MONEY));
        (money, Fine(self.0 - money.0 * FINE_PER_MONEY))
    }

    /// The greatest wallet money not above this amount.
    pub fn floor(self) -> Money {
        Money(self.0.div_euclid(FINE_PER_MONEY))
    }

    /// The least wallet money not below this amount.
    pub fn ceil(self) -> Money {
        Money(-(-self.0).div_euclid(FINE_PER_MONEY))
    }
}

/// Whole USD as wallet money.
pub(crate) fn usd(whole: u64) -> Money {
    Money(i128::from(whole) * Money::ONE)
}

macro_rules! sums {
    ($name:ident) => {
        impl std::ops::Add for $name {
            type Output = $name;
            fn add(self, other: $name) -> $name {
                $name(self.0.checked_add(other.0).expect("sum of money out of range"))
            }
        }
        impl std::ops::Sub for $name {
            type Output = $name;
            fn sub(self, other: $name) -> $name {
                $name(self.0.checked_sub(other.0).expect("difference of money out of range"))
            }
        }
        impl std::ops::Neg for $name {
            type Output = $name;
            fn neg(self) -> $name {
                $name(self.0.checked_neg().expect("negation of money out of range"))
            }
        }
        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: $name) {
                *self = *self + other;
            }
        }
        impl std::ops::SubAssign for $name {
            fn sub_assign(&mut self, other: $name) {
                *self = *self - other;
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = $name>>(items: I) -> $name {
                items.fold($name::default(), |a, b| a + b)
            }
        }
    };
}
sums!(Money);
sums!(Fine);

/// `a / b` rounded half to even; `b` positive.
pub(crate) fn div_half_even(a: i128, b: i128) -> i128 {
    let (quotient, rest) = (a.div_euclid(b), a.rem_euclid(b));
    match (rest * 2).cmp(&b) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

/// `a / b` rounded up; both not negative, `b` positive.
pub(crate) fn div_up(a: i128, b: i128) -> i128 {
    debug_assert!(a >= 0 && b > 0);
    let (a, b) = (a as u128, b as u128);
    a.div_ceil(b) as i128
}

/// `value * rate / 10^6` rounded up, for a value that is not negative and a rate of at most 100%. On the path of every
/// order: divides by a constant, 32 bits at a time, instead of calling the general 128-bit division.
#[inline]
pub(crate) fn millionths_up(value: i128, rate: u32) -> i128 {
    debug_assert!(value >= 0);
    const MILLION: u64 = 1_000_000;
    let (high, low) = ((value >> 64) as u64, value as u64);
    let (q2, r2) = (high / MILLION, high % MILLION);
    let middle = r2 << 32 | low >> 32;
    let (q1, r1) = (middle / MILLION, middle % MILLION);
    let last = r1 << 32 | (low & 0xFFFF_FFFF);
    let (q0, rest) = (last / MILLION, last % MILLION);
    let quotient = (i128::from(q2) << 64) + (i128::from(q1) << 32) + i128::from(q0);
    quotient * i128::from(rate) + i128::from((rest * u64::from(rate)).div_ceil(MILLION))
}

/// `a * b / c` rounded half to even, through 256 bits where 128 do not hold the product. `c` positive.
/// `None` when the result itself does not fit.
pub(crate) fn mul_div_half_even(a: i128, b: i128, c: i128) -> Option<i128> {
    if let Some(product) = a.checked_mul(b)
        && product.checked_mul(2).is_some()
    {
        return Some(div_half_even(product, c));
    }
    let product = I256::from(a) * I256::from(b);
    let divisor = U256::try_from(c).ok()?;
    let (negative, size) = (product.is_negative(), product.unsigned_abs());
    let (quotient, rest) = (size / divisor, size % divisor);
    let twice = rest * U256::from(2u8);
    let odd = quotient % U256::from(2u8) == U256::ONE;
    let up = twice > divisor || (twice == divisor && odd);
    let rounded = i128::try_from(if up { quotient + U256::ONE } else { quotient }).ok()?;
    Some(if negative { -rounded } else { rounded })
}

/// `a * b / c` rounded up, for amounts that are not negative; `c` positive.
pub(crate) fn mul_div_up(a: i128, b: i128, c: i128) -> Option<i128> {
    debug_assert!(a >= 0 && b >= 0 && c > 0);
    if let Some(product) = a.checked_mul(b) {
        return Some(div_up(product, c));
    }
    let product = U256::try_from(a).ok()? * U256::try_from(b).ok()?;
    let divisor = U256::try_from(c).ok()?;
    let (quotient, rest) = (product / divisor, product % divisor);
    i128::try_from(if rest == U256::ZERO { quotient } else { quotient + U256::ONE }).ok()
}

/// `a * b / c` rounded down; `b` not negative, `c` positive. The result must fit.
pub(crate) fn mul_div_floor(a: i128, b: i128, c: i128) -> i128 {
    debug_assert!(b >= 0 && c > 0);
    if let Some(product) = a.checked_mul(b) {
        return product.div_euclid(c);
    }
    let product = I256::from(a) * I256::from(b);
    let (divisor, size) = (U256::from(c.unsigned_abs()), product.unsigned_abs());
    let (quotient, rest) = (size / divisor, size % divisor);
    let up = product.is_negative() && rest != U256::ZERO;
    let quotient = if up { quotient + U256::ONE } else { quotient };
    let size = i128::try_from(quotient).expect("a product that is divided must fit");
    if product.is_negative() { -size } else { size }
}

/// `a * b / (c * d)` rounded down, or up, through 256 bits; all not negative, `c` and `d` positive. The greatest number
/// where the result does not fit.
pub(crate) fn ratio_of_products((a, b): (i128, i128), (c, d): (i128, i128), up: bool) -> i128 {
    let wide = |a: i128, b: i128| U256::from(a.unsigned_abs()) * U256::from(b.unsigned_abs());
    debug_assert!(a >= 0 && b >= 0 && c > 0 && d > 0);
    let (product, divisor) = (wide(a, b), wide(c, d));
    let (quotient, rest) = (product / divisor, product % divisor);
    let rounded = if up && rest != U256::ZERO { quotient + U256::ONE } else { quotient };
    i128::try_from(rounded).unwrap_or(i128::MAX)
}

/// Ten to the `exponent`, for exponents from 0 to 38.
pub(crate) fn pow10(exponent: u32) -> i128 {
    10_i128.pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (a, b, want) in [
            (5, 10, 0),
            (15, 10, 2),
            (25, 10, 2),
            (-5, 10, 0),
            (-15, 10, -2),
            (-25, 10, -2),
            (26, 10, 3),
            (-26, 10, -3),
            (0, 7, 0),
        ] {
            assert_eq!(div_half_even(a, b), want, "{a}/{b}");
            assert_eq!(mul_div_half_even(a, 1, b), Some(want), "{a}*1/{b}");
        }
    }

    #[test]
    fn wide_products_agree_with_narrow_ones() {
        let big = 10_i128.pow(30);
        assert_eq!(mul_div_half_even(big, big, big), Some(big));
        assert_eq!(mul_div_half_even(-big, 3 * big, 2 * big), Some(-3 * big / 2));
        assert_eq!(mul_div_half_even(5 * big, big, 10 * big), Some(big / 2));
        assert_eq!(mul_div_half_even(big, big, 1), None);
        assert_eq!(mul_div_up(big, big, big + 1), Some(big));
        assert_eq!(mul_div_up(7, 1, 2), Some(4));
        assert_eq!(mul_div_floor(big + 1, big, big), big + 1);
        assert_eq!(mul_div_floor(-(big + 1), big, 2 * big), -(big / 2 + 1));
        assert_eq!((mul_div_floor(7, 1, 2), mul_div_floor(-7, 1, 2)), (3, -4));
    }

    #[test]
    fn ratios_of_wide_products_round_either_way() {
        let big = 10_i128.pow(36);
        assert_eq!(ratio_of_products((big, 7), (big, 2), false), 3);
        assert_eq!(ratio_of_products((big, 7), (big, 2), true), 4);
        assert_eq!(ratio_of_products((big, 6), (big, 2), true), 3);
        assert_eq!(ratio_of_products((big, big), (1, 1), false), i128::MAX);
    }

    #[test]
    fn millionths_agree_with_the_general_division() {
        let big = 10_i128.pow(36);
        for value in
            [0, 1, 999_999, 1_000_000, u64::MAX.into(), i128::from(u64::MAX) + 1, big, big + 1, big / 3]
        {
            for rate in [1, 5_000, 10_000, 333_333, 1_000_000] {
                let want = mul_div_up(value, rate.into(), 1_000_000);
                assert_eq!(Some(millionths_up(value, rate)), want, "{value} x {rate}");
            }
        }
    }

    #[test]
    fn booking_keeps_the_rest() {
        for units in
            [0, 1, -1, 5_000_000_000_000, -5_000_000_000_000, 15_000_000_000_000, 123_456_789_012_345_678]
        {
            let (money, dust) = Fine(units).book();
            assert_eq!(money.fine() + dust, Fine(units));
            assert!(dust.0.abs() * 2 <= FINE_PER_MONEY);
        }
        assert_eq!((Fine(1).floor(), Fine(1).ceil()), (Money(0), Money(1)));
        assert_eq!((Fine(-1).floor(), Fine(-1).ceil()), (Money(-1), Money(0)));
    }
}
