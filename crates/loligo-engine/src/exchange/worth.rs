//! What wallets are worth, and at which mark price they would be worth less than they must.

use super::Exchange;
use crate::id::{AccountId, Currency, Wallet};
use crate::money::{Fine, FinePrice, Money};
use crate::view::{CollateralView, FlexView, MarkEstimates, WalletView};

impl Exchange {
    /// The price of a currency in USD: the index of a contract on it.
    fn usd_rate(&self, currency: Currency) -> Option<FinePrice> {
        let on_it = self.instruments().find(|(_, listed)| {
            let spec = listed.spec();
            spec.base == currency && spec.quote == Currency::USD
        });
        on_it.and_then(|(id, _)| self.market(id)).and_then(|market| market.index)
    }

    /// An amount's worth in USD, rounded down; absent where there is no price.
    pub fn usd_value(&self, currency: Currency, amount: Money) -> Option<Money> {
        let is_priced = currency == Currency::USD || self.usd_rate(currency).is_some();
        is_priced.then(|| self.usd_worth(currency, amount))
    }

    /// An amount's worth in USD, rounded down; nothing where there is no price.
    fn usd_worth(&self, currency: Currency, balance: Money) -> Money {
        if currency == Currency::USD {
            return balance;
        }
        // 1e-11 of the currency times 1e-11 of the price.
        let rate = self.usd_rate(currency).map(|rate| rate.0 / 10_i128.pow(7));
        let worth = rate.and_then(|rate| balance.0.checked_mul(rate));
        Money(worth.map_or(0, |worth| worth.div_euclid(Money::ONE)))
    }

    /// What a flex wallet counts for (rules 5.3). Only the currency that it settles in margins positions yet; what does not is
    /// no collateral.
    pub fn flex(&self, wallet: &WalletView) -> FlexView {
        let free = wallet.available().max(Fine::ZERO).floor();
        let held = wallet.balances.iter().map(|&(currency, balance)| {
            let counts = wallet.settlement == Some(currency);
            let value = self.usd_worth(currency, balance);
            CollateralView {
                currency,
                balance,
                value,
                collateral: if counts { value } else { Money::ZERO },
                available: if counts { balance.min(free) } else { balance },
            }
        });
        let held: Vec<CollateralView> = held.collect();
        let value: Money = held.iter().map(|held| held.value).sum();
        let collateral = held.iter().map(|held| held.collateral).sum();
        FlexView {
            value,
            portfolio: value.fine() + wallet.unrealized_pnl + wallet.unrealized_funding,
            collateral,
            held,
        }
    }

    /// At which mark price an inverse wallet's value comes down to each of its figures, its contracts' marks taken as one
    /// (rules 5.2). Zero where there is none.
    pub fn mark_estimates(&self, account: AccountId, wallet: &WalletView) -> MarkEstimates {
        // With n contracts in all, entered at a value of e and position a balance and unrealised funding of b:
        // value(p) = b - e - n / p.
        let (mut contracts, mut entry) = (0_i128, 0_i128);
        let mut mark = None;
        for position in self.positions(account) {
            let Some(instrument) = self.instrument(position.instrument) else { continue };
            if Wallet::of(instrument) != wallet.wallet {
                continue;
            }
            // To 1e-6 of a contract.
            let scale = u32::try_from(6 - i32::from(instrument.spec().lot_precision)).unwrap_or_default();
            contracts += i128::from(position.qty).checked_mul(10_i128.pow(scale)).unwrap_or_default();
            entry += position.entry.0;
            mark = mark.or(self.market(position.instrument).and_then(|market| market.mark));
        }
        let Some(mark) = mark.filter(|_| contracts != 0) else { return MarkEstimates::default() };
        let settled = wallet.balances.iter().filter(|(currency, _)| wallet.settlement == Some(*currency));
        let balance: Fine = settled.map(|(_, balance)| balance.fine()).sum();
        // Maintenance is taken at mark, so it is m / p: 1e-24 times 1e-18 to 1e-6.
        let kept = (wallet.maintenance_margin.0 / 10_i128.pow(12))
            .checked_mul(mark.0 / 10_i128.pow(9))
            .map_or(0, |product| product / 10_i128.pow(15));
        let price = |numerator: i128, denominator: i128| {
            // 1e-6 of contracts over 1e-24 of value, to 1e-5: the value to 1e-12 first.
            let scaled = numerator.checked_mul(10_i128.pow(11));
            let units = scaled.and_then(|scaled| scaled.checked_div(denominator / 10_i128.pow(12)));
            units.unwrap_or_default().max(0)
        };
        let left = (balance + wallet.unrealized_funding).0 - entry;
        MarkEstimates {
            initial: price(contracts, left - wallet.initial_margin.0),
            maintenance: price(contracts + kept, left),
            nothing: price(contracts, left),
        }
    }
}
