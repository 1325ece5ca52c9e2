//! Which currencies wallets may hold, and what each of them counts for (rules 5.3).

use crate::id::{Currency, Wallet};
use crate::instrument::Instrument;
use crate::money::{Fine, FinePrice, Money, mul_div_floor};
use crate::words::ContractKind;

/// On what terms a currency stands behind positions. Rates are in millionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    code: &'static str,
    /// What of its value does not count.
    pub haircut: u32,
    /// What turning it into USD costs.
    pub conversion: u32,
    /// Gains may be paid in it.
    pub pays_gains: bool,
    /// Its price in USD, in millionths, as long as nobody says another; absent where a price source has to say one.
    constant: Option<u32>,
}

const FIAT: u32 = 500;
const COIN: u32 = 5_000;

const fn terms(code: &'static str, haircut: u32, conversion: u32) -> Terms {
    Terms { code, haircut, conversion, pays_gains: false, constant: None }
}

impl Terms {
    const fn at(self, constant: u32) -> Self {
        Self { constant: Some(constant), ..self }
    }

    const fn paying_gains(self) -> Self {
        Self { pays_gains: true, ..self }
    }
}

/// What the flex wallet takes.
const COLLATERAL: [Terms; 17] = [
    terms("USD", 0, 0).at(1_000_000).paying_gains(),
    terms("EUR", 0, FIAT).at(1_100_000).paying_gains(),
    terms("GBP", 0, FIAT).at(1_300_000).paying_gains(),
    terms("CAD", 0, FIAT).at(720_000),
    terms("AUD", 0, FIAT).at(650_000),
    terms("USDT", 10_000, FIAT).at(1_000_000).paying_gains(),
    terms("USDC", 10_000, FIAT).at(1_000_000).paying_gains(),
    terms("BTC", 20_000, COIN).paying_gains(),
    terms("ETH", 20_000, COIN).paying_gains(),
    terms("SOL", 100_000, COIN),
    terms("ADA", 100_000, COIN),
    terms("XRP", 100_000, COIN),
    terms("LTC", 100_000, COIN),
    terms("AAVE", 200_000, COIN),
    terms("NEAR", 200_000, COIN),
    terms("SUI", 200_000, COIN),
    terms("TAO", 200_000, COIN),
];

/// All of a value, in millionths.
const WHOLE: u32 = 1_000_000;

/// A currency that the flex wallet takes, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Collateral(u8);

impl Collateral {
    /// All of them but USD.
    pub fn others() -> impl Iterator<Item = Self> {
        (1..COLLATERAL.len() as u8).map(Self)
    }

    pub fn of(currency: Currency) -> Option<Self> {
        let at = COLLATERAL.iter().position(|terms| terms.code == currency.code())?;
        Some(Self(at as u8))
    }

    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    pub fn terms(self) -> &'static Terms {
        &COLLATERAL[self.index()]
    }

    pub fn currency(self) -> Currency {
        Currency::parse(self.terms().code).expect("the table has codes")
    }

    /// The name of the pair that prices it where no contract on it does: bitcoin goes by `XBT` in names.
    pub fn pair_name(self) -> String {
        let code = if self.terms().code == "BTC" { "XBT" } else { self.terms().code };
        format!("{code}:USD")
    }

    /// Its price as long as nobody says another.
    pub fn constant(self) -> Option<FinePrice> {
        self.terms().constant.map(|millionths| FinePrice(i128::from(millionths) * 10_i128.pow(12)))
    }

    /// The currency that a pair without contracts prices.
    pub fn of_pair(name: &str) -> Option<Self> {
        Self::others().find(|collateral| collateral.pair_name() == name)
    }
}

impl Terms {
    /// What of a value counts as margin: less the haircut and the fee of its conversion, rounded down. A loss counts in full.
    pub fn counted(&self, value: Money) -> Money {
        Money(self.kept(value.0))
    }

    /// As [`Terms::counted`], of a gain that is not paid yet.
    pub fn counted_gain(&self, gain: Fine) -> Fine {
        Fine(self.kept(gain.0))
    }

    fn kept(&self, value: i128) -> i128 {
        if value <= 0 {
            return value;
        }
        mul_div_floor(value, self.kept_of_whole(), i128::from(WHOLE) * i128::from(WHOLE))
    }

    /// What of 10^12 counts.
    pub fn kept_of_whole(&self) -> i128 {
        i128::from(WHOLE - self.haircut) * i128::from(WHOLE - self.conversion)
    }
}

/// No amount of a currency stands for more: keeps sums of collateral in range.
pub(crate) const WORTH_MAX: Money = Money(1_000_000_000_000 * Money::ONE);

/// What an amount is worth in USD at a price, rounded down.
pub(crate) fn worth(amount: Money, price: FinePrice) -> Money {
    amount.at(price).min(WORTH_MAX)
}

impl Currency {
    /// Whether the flex wallet takes it.
    pub fn is_collateral(self) -> bool {
        Collateral::of(self).is_some()
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
    let collateral = COLLATERAL.iter().filter_map(|terms| Currency::parse(terms.code));
    let mut all: Vec<Currency> = collateral.chain(named).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sample_is_a_haircut_of_two_per_cent_and_a_fee_of_a_quarter() {
        let sample = Terms { haircut: 20_000, conversion: 2_500, ..COLLATERAL[7] };
        // 4,998.72 USD of it.
        let counted = sample.counted(Money(499_872 * Money::ONE / 100));
        assert_eq!(counted, Money(488_649_873_600_000), "4,886.498736, published as 4,886.50");
    }

    #[test]
    fn what_counts_is_rounded_down_and_losses_count_in_full() {
        let btc = Collateral::of(Currency::parse("BTC").expect("a code")).expect("collateral");
        // 98% of 99.5% is 97.51%.
        assert_eq!(btc.terms().counted(Money(10_000)), Money(9_751));
        assert_eq!(btc.terms().counted(Money(9_999)), Money(9_750));
        assert_eq!(btc.terms().counted_gain(Fine(-10_001)), Fine(-10_001));
        let eur = Collateral::of(Currency::parse("EUR").expect("a code")).expect("collateral");
        assert_eq!(eur.terms().counted(Money(2_000)), Money(1_999));
        assert_eq!(eur.terms().counted(Money(1_999)), Money(1_998));
        assert_eq!(COLLATERAL[0].counted(Money(1_999)), Money(1_999), "USD counts in full");
    }

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
