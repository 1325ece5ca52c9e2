//! Which currencies wallets may hold.

use crate::id::{Currency, Wallet};
use crate::instrument::Instrument;
use crate::words::ContractKind;

/// What the flex wallet takes (rules 5.3).
const COLLATERAL: [&str; 17] = [
    "USD", "EUR", "GBP", "CAD", "AUD", "USDT", "USDC", "BTC", "ETH", "SOL", "ADA", "XRP", "LTC", "AAVE",
    "NEAR", "SUI", "TAO",
];

impl Currency {
    /// Whether the flex wallet takes it.
    pub fn is_collateral(self) -> bool {
        COLLATERAL.contains(&self.code())
    }
}

impl Wallet {
    /// The wallet in which positions of a contract stand.
    pub fn of(instrument: &Instrument) -> Self {
        match instrument.spec().kind {
            ContractKind::Linear => Self::Flex,
            ContractKind::Inverse => Self::Inverse(instrument.pair()),
        }
    }

    /// Whether it may hold a currency, on an exchange that lists these contracts.
    pub fn may_hold<'i>(self, currency: Currency, listed: impl IntoIterator<Item = &'i Instrument>) -> bool {
        let mut listed = listed.into_iter();
        match self {
            Self::Cash => {
                let names = |one: &Instrument| one.spec().base == currency || one.spec().quote == currency;
                currency.is_collateral() || listed.any(names)
            }
            Self::Flex => currency.is_collateral(),
            Self::Inverse(_) => listed.any(|one| Self::of(one) == self && one.spec().base == currency),
        }
    }
}

/// Every currency that an exchange has to do with which lists these contracts, each once, in the order of their codes: what
/// cash may hold.
pub fn currencies<'i>(listed: impl IntoIterator<Item = &'i Instrument>) -> Vec<Currency> {
    let named = listed.into_iter().flat_map(|one| [one.spec().base, one.spec().quote]);
    let collateral = COLLATERAL.iter().filter_map(|code| Currency::parse(code));
    let mut all: Vec<Currency> = collateral.chain(named).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cash_may_hold_all_that_flex_may() {
        let all = currencies([]);
        assert_eq!(all.len(), COLLATERAL.len(), "every code is one, and is there once");
        for currency in all {
            assert!(Wallet::Flex.may_hold(currency, []) && Wallet::Cash.may_hold(currency, []));
        }
        let doge = Currency::parse("DOGE").expect("a code");
        assert!(!Wallet::Flex.may_hold(doge, []) && !Wallet::Cash.may_hold(doge, []));
    }
}
