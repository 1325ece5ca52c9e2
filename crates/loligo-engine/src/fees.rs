//! What a fill costs: the fee schedule (rules 4.8), and the fee of one fill.

use crate::instrument::Worth;
use crate::money::{Fine, Money, div_up};
use crate::words::{ContractKind, FillRole};
use serde::{Deserialize, Serialize};

/// What an account pays per fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRates {
    /// Of a maker's value, in 1e-8; negative is a rebate.
    pub maker: i32,
    /// Of a taker's value, in 1e-8.
    pub taker: i32,
}

impl FillRole {
    /// Which of an account's rates a fill in this role pays.
    #[inline(always)]
    pub(crate) fn rate(self, rates: FeeRates) -> i32 {
        match self {
            FillRole::Maker => rates.maker,
            FillRole::Taker
            | FillRole::TakerAfterEdit
            | FillRole::Liquidation
            | FillRole::PartialLiquidation
            | FillRole::CoveredLiquidation => rates.taker,
            FillRole::Assignor
            | FillRole::Assignee
            | FillRole::UnwindBankrupt
            | FillRole::UnwindCounterparty => 0,
        }
    }
}

/// One step of the fee schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeTier {
    /// From this 30-day volume on, in whole USD.
    pub from_usd: u64,
    /// What is paid.
    pub rates: FeeRates,
}

const fn tier(from_usd: u64, maker: i32, taker: i32) -> FeeTier {
    FeeTier { from_usd, rates: FeeRates { maker, taker } }
}

/// The fee schedule (rules 4.8), rising by 30-day volume. Rates in 1e-8: 20,000 is 0.02%.
pub(crate) const FEE_SCHEDULE: [FeeTier; 12] = [
    tier(0, 20_000, 50_000),
    tier(2_500_000, 15_000, 45_000),
    tier(5_000_000, 12_500, 40_000),
    tier(10_000_000, 10_000, 35_000),
    tier(20_000_000, 7_500, 30_000),
    tier(30_000_000, 5_000, 25_000),
    tier(50_000_000, 3_000, 20_000),
    tier(75_000_000, 1_500, 15_000),
    tier(100_000_000, 0, 12_500),
    tier(250_000_000, -1_500, 10_000),
    tier(500_000_000, -3_000, 10_000),
    tier(1_000_000_000, -5_000, 10_000),
];

/// Fee of a fill: `rate` (1e-8) of its value, rounded away from the client's favour at wallet money's last digit.
#[inline]
pub(crate) fn fee_of(kind: ContractKind, worth: &Worth, rate: i32) -> Money {
    const ONE: u64 = 100_000_000;
    let size = u64::from(rate.unsigned_abs());
    let paid = rate >= 0;
    match kind {
        ContractKind::Linear => {
            let value = worth.notional.0;
            // Nearly every fill is worth less than 2^64 units (184 million USD): divide by a constant in one register.
            if let Ok(value) = u64::try_from(value) {
                let (whole, rest) = (value / ONE, (value % ONE) * size);
                let part = if paid { rest.div_ceil(ONE) } else { rest / ONE };
                let fee = i128::from(whole) * i128::from(size) + i128::from(part);
                return Money(if paid { fee } else { -fee });
            }
            fee_in_full(value * i128::from(size), i128::from(ONE), paid)
        }
        ContractKind::Inverse => inverse_fee(worth.value.0, i128::from(size), paid),
    }
}

/// Fee on a value (without sign) that is no fill's, `rate` (1e-8, not negative) of it, rounded up.
#[cold]
pub(crate) fn fee_on(value: Fine, rate: i32) -> Money {
    inverse_fee(value.0, rate.into(), true)
}

#[cold]
fn inverse_fee(value: i128, size: i128, paid: bool) -> Money {
    // By quotient and rest: a large value of a cheap contract times a rate is beyond 128 bits.
    let per = 100_000_000 * 10_i128.pow(13);
    let whole = value / per * size;
    let part = fee_in_full(value % per * size, per, paid).0;
    Money(if paid { whole + part } else { part - whole })
}

#[cold]
fn fee_in_full(product: i128, per: i128, paid: bool) -> Money {
    Money(if paid { div_up(product, per) } else { -(product / per) })
}
