//! What wallets are worth, and at which mark price they would be worth less than they must.

use super::Exchange;
use crate::collateral::{Collateral, worth};
use crate::id::{AccountId, Currency, PairId, Wallet};
use crate::market::Market;
use crate::money::{Fine, FinePrice, Money, ratio_of_products};
use crate::view::{CollateralView, FlexView, MarkEstimates, WalletView};

impl Exchange {
    /// Finds the pair that prices each currency that the flex wallet takes: that of the first contract on it; a pair of its own where
    /// there is no contract, with a price that stands until somebody says another where there is such a price (rules 6.1).
    pub(super) fn price_collateral(&mut self) {
        self.collateral_pairs = vec![PairId(0)];
        for collateral in Collateral::others() {
            let pair = match self.listed_pair(collateral.currency()) {
                Some(pair) => pair,
                None => {
                    let pair = self.pair_named(&collateral.pair_name());
                    let state = &mut self.pairs[pair];
                    state.index = state.index.or(collateral.constant());
                    pair
                }
            };
            self.collateral_pairs.push(pair);
        }
    }

    /// The pair of the first contract on a currency against USD.
    fn listed_pair(&self, currency: Currency) -> Option<PairId> {
        let on_it = self.markets.iter().find(|market| {
            let spec = market.instrument.spec();
            spec.base == currency && spec.quote == Currency::USD
        });
        on_it.map(Market::pair)
    }

    /// The price that a pair without contracts has as long as nobody says another.
    pub(super) fn constant_of(&self, pair: PairId) -> Option<FinePrice> {
        let listed = self.markets.iter().any(|market| market.pair() == pair);
        Collateral::of_pair(&self.pairs[pair].name).filter(|_| !listed)?.constant()
    }

    /// The price at which a currency is valued, in USD: the index as it was last sampled, or pinned.
    fn usd_rate(&self, currency: Currency) -> Option<FinePrice> {
        let pair = match Collateral::of(currency) {
            Some(collateral) => *self.collateral_pairs.get(collateral.index())?,
            None => self.listed_pair(currency)?,
        };
        self.pairs.get(pair)?.valued
    }

    /// An amount's worth in USD, rounded down; absent where there is no price.
    pub fn usd_value(&self, currency: Currency, amount: Money) -> Option<Money> {
        match currency == Currency::USD {
            true => Some(amount),
            false => self.usd_rate(currency).map(|rate| worth(amount, rate)),
        }
    }

    /// What an amount of a currency stands for in a flex wallet: its worth in USD, less haircut and fee, each rounded down.
    fn counted(&self, currency: Currency, amount: Money) -> Money {
        let value = self.usd_value(currency, amount).unwrap_or_default();
        Collateral::of(currency).map_or(Money::ZERO, |collateral| collateral.terms().counted(value))
    }

    /// What a flex wallet's currencies besides USD stand for at the prices of now.
    pub(crate) fn collateral_now(&self, account: AccountId) -> Money {
        let held = self.accounts[account].flex_other.iter();
        held.map(|(currency, amount)| self.counted(*currency, *amount)).sum()
    }

    /// Counts a flex wallet's currencies besides USD as they are now.
    pub(super) fn revalue_collateral(&mut self, account: AccountId) {
        let owner = &self.accounts[account];
        if owner.flex_other.is_empty() {
            return;
        }
        let counts = self.collateral_now(account);
        let owner = &mut self.accounts[account];
        let before = std::mem::replace(&mut owner.collateral, counts);
        self.margin_wallets[owner.flex].beside += counts.fine() - before.fine();
    }

    /// What of a currency may leave a flex wallet: no more than is there, and than its margin does without (rules 6.1).
    pub(super) fn available(&self, account: AccountId, currency: Currency) -> Money {
        let flex = self.accounts[account].flex;
        if self.is_wallet_liquidated(account, flex) || self.is_wallet_doomed(account, flex) {
            return Money::ZERO;
        }
        let margin = self.equity(account, flex) - self.margin_wallets[flex].initial_margin;
        if currency == Currency::USD {
            return margin.floor().min(self.margin_wallets[flex].balance).max(Money::ZERO);
        }
        let held = self.collateral_of(account, currency);
        let counts = self.counted(currency, held);
        let leaves_enough = |amount: Money| {
            let loses = counts - self.counted(currency, held - amount);
            loses == Money::ZERO || loses.fine() <= margin
        };
        if leaves_enough(held) {
            return held;
        }
        let (Some(rate), Some(collateral)) = (self.usd_rate(currency), Collateral::of(currency)) else {
            return held;
        };
        // 1e-11 of USD, over 1e-18 of a price and 1e-12 of what counts.
        let margin = margin.floor().0.max(0);
        let (one, kept) = (10_i128.pow(30), collateral.terms().kept_of_whole());
        let mut amount = Money(ratio_of_products((margin, one), (rate.0, kept), false)).min(held);
        // What counts is rounded down of the rest, so that a few units more than its share can be lost.
        while amount > Money::ZERO && !leaves_enough(amount) {
            amount -= Money(1);
        }
        amount
    }

    /// What a flex wallet counts for (rules 5.3).
    pub fn flex(&self, account: AccountId, wallet: &WalletView) -> FlexView {
        let held = wallet.balances.iter().map(|&(currency, balance)| {
            let terms = Collateral::of(currency).map(Collateral::terms);
            CollateralView {
                currency,
                balance,
                value: self.usd_value(currency, balance).unwrap_or_default(),
                collateral: self.counted(currency, balance),
                available: self.available(account, currency),
                haircut: terms.map_or(0, |terms| terms.haircut),
                conversion: terms.map_or(0, |terms| terms.conversion),
            }
        });
        let held: Vec<CollateralView> = held.collect();
        let value: Money = held.iter().map(|held| held.value).sum();
        FlexView {
            value,
            portfolio: value.fine() + wallet.unrealized_pnl + wallet.unrealized_funding,
            collateral: held.iter().map(|held| held.collateral).sum(),
            held,
        }
    }

    /// At which mark price an inverse wallet's value comes down to each of its figures, all other marks of its pair moving in
    /// proportion (rules 5.2, 6.1). It is that of the first contract; zero where there is none.
    pub fn mark_estimates(&self, account: AccountId, wallet: &WalletView) -> MarkEstimates {
        // At s times the marks of now, positions worth v and entered at a value of e beside a balance and unrealised funding of
        // b are worth b - e + v / s; and maintenance, which is taken at mark, is m / s.
        let (mut worth, mut entry, mut mark) = (Fine::ZERO, Fine::ZERO, None);
        for position in self.positions(account) {
            let Some(market) = self.markets.get(position.instrument) else { continue };
            if Wallet::of(&market.instrument) == wallet.wallet {
                worth += position.entry + position.unrealized_pnl;
                entry += position.entry;
                mark = mark.or(market.mark);
            }
        }
        let Some(mark) = mark else { return MarkEstimates::default() };
        let settled = wallet.balances.iter().filter(|(currency, _)| wallet.settlement == Some(*currency));
        let balance: Fine = settled.map(|(_, balance)| balance.fine()).sum();
        let left = balance + wallet.unrealized_funding - entry;
        // s as a ratio, of the mark to 1e-5; both of one sign.
        let price = |numerator: Fine, denominator: Fine| {
            let (above, below) = (numerator.0.unsigned_abs(), denominator.0.unsigned_abs());
            let positive = (numerator.0 > 0) == (denominator.0 > 0) && above > 0 && below > 0;
            let (above, below) = (above.cast_signed(), below.cast_signed());
            if positive { ratio_of_products((above, mark.0), (below, 10_i128.pow(13)), false) } else { 0 }
        };
        MarkEstimates {
            initial: price(worth, wallet.initial_margin - left),
            maintenance: price(wallet.maintenance_margin - worth, left),
            nothing: price(worth, -left),
        }
    }
}
