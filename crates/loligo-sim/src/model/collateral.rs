//! What the currencies of a flex wallet count for, what of each may leave, and what is sold when USD is short (rules 5.3, 6.1).

use super::margin::Portfolio;
use super::{Contract, Model, figures};
use loligo_engine::{
    AccountId, CollateralView, ContractKind, Conversion, ConversionLeg, Currency, FinePrice, FlexView,
    GainPaid, InstrumentId, Money, Outcome, PairId, Refusal, Wallet,
};
use num_bigint::BigInt;
use std::cmp::Reverse;

const MILLION: u32 = 1_000_000;

/// Haircut and conversion fee in millionths. USD has neither.
const TERMS: [(&str, u32, u32); 16] = [
    ("EUR", 0, 500),
    ("GBP", 0, 500),
    ("CAD", 0, 500),
    ("AUD", 0, 500),
    ("USDT", 10_000, 500),
    ("USDC", 10_000, 500),
    ("BTC", 20_000, 5_000),
    ("ETH", 20_000, 5_000),
    ("SOL", 100_000, 5_000),
    ("ADA", 100_000, 5_000),
    ("XRP", 100_000, 5_000),
    ("LTC", 100_000, 5_000),
    ("AAVE", 200_000, 5_000),
    ("NEAR", 200_000, 5_000),
    ("SUI", 200_000, 5_000),
    ("TAO", 200_000, 5_000),
];

/// What gains may be paid in, beside USD.
const PAID_IN: [&str; 6] = ["EUR", "GBP", "USDC", "USDT", "BTC", "ETH"];

/// Prices that hold while nobody says others, in hundredths of a USD.
const CONSTANTS: [(&str, i64); 6] =
    [("EUR", 110), ("GBP", 130), ("CAD", 72), ("AUD", 65), ("USDT", 100), ("USDC", 100)];

/// The pair of a currency of its own.
fn name_of(currency: Currency) -> String {
    let code = if currency.code() == "BTC" { "XBT" } else { currency.code() };
    format!("{code}:USD")
}

fn constant(currency: Currency) -> Option<FinePrice> {
    let row = CONSTANTS.iter().find(|(code, _)| *code == currency.code());
    row.map(|(_, hundredths)| FinePrice(i128::from(*hundredths) * 10_i128.pow(16)))
}

/// An amount at a price, rounded down; nothing where there is none.
fn worth(amount: Money, price: Option<FinePrice>) -> Money {
    let worth = BigInt::from(amount.0) * price.map_or(0, |price| price.0);
    figures::floor_over(&worth, &figures::one())
}

fn terms(currency: Currency) -> Option<(u32, u32)> {
    let row = TERMS.iter().find(|(code, ..)| *code == currency.code());
    row.map(|(_, haircut, fee)| (*haircut, *fee))
}

/// What is left of `amount` at so many millionths less, twice: over a million times a million.
fn cut(amount: &BigInt, (haircut, fee): (u32, u32)) -> BigInt {
    amount * (MILLION - haircut) * (MILLION - fee)
}

fn square() -> BigInt {
    BigInt::from(MILLION) * MILLION
}

impl Model {
    /// The pair that prices a currency: that of the first contract on it, else one of its own.
    fn pair_of(&self, currency: Currency) -> Option<PairId> {
        let on_it =
            |contract: &&Contract| contract.spec.base == currency && contract.spec.quote == Currency::USD;
        let listed = self.contracts.iter().find(on_it).map(|contract| contract.pair);
        let own = || {
            terms(currency).and_then(|_| self.pairs.iter().position(|pair| pair.name == name_of(currency)))
        };
        listed.or_else(|| own().map(|at| PairId(at as u16)))
    }

    /// Every collateral that no contract prices gets a pair of its own, at its constant price if it has one.
    pub(super) fn price_collateral(&mut self) {
        for (code, ..) in TERMS {
            let currency = Currency::parse(code).expect("a code");
            if self.pair_of(currency).is_none() {
                let pair = self.pair_named(&name_of(currency));
                self.pairs[pair.0 as usize].index = constant(currency);
            }
        }
    }

    /// The price of a pair without contracts while nobody says another.
    pub(super) fn constant_of(&self, pair: PairId) -> Option<FinePrice> {
        if self.contracts.iter().any(|contract| contract.pair == pair) {
            return None;
        }
        let codes = TERMS.iter().filter_map(|(code, ..)| Currency::parse(code));
        let name = &self.pairs[pair.0 as usize].name;
        codes.into_iter().find(|currency| name_of(*currency) == *name).and_then(constant)
    }

    /// True for a pair that prices collateral.
    pub(super) fn prices_collateral(&self, pair: PairId) -> bool {
        let mut codes = TERMS.iter().filter_map(|(code, ..)| Currency::parse(code));
        codes.any(|currency| self.pair_of(currency) == Some(pair))
    }

    /// True while somebody has, or had, another currency than USD in flex.
    pub(super) fn is_any_collateral_held(&self) -> bool {
        (0..self.accounts.len() as u32).any(|account| self.has_collateral(AccountId(account)))
    }

    pub(super) fn has_collateral(&self, account: AccountId) -> bool {
        let mut all = self.account(account).balances.keys();
        all.any(|(wallet, currency)| *wallet == Wallet::Flex && *currency != Currency::USD)
    }

    /// What one of a currency sells for in USD: the index of now.
    pub(super) fn rate(&self, currency: Currency) -> Option<FinePrice> {
        self.pair_of(currency).and_then(|pair| self.pairs[pair.0 as usize].index)
    }

    /// What one of it counts for: like a mark, its index as last sampled, or as the operator put it.
    fn valued(&self, currency: Currency) -> Option<FinePrice> {
        self.pair_of(currency).and_then(|pair| self.pairs[pair.0 as usize].valued)
    }

    /// An amount's worth in USD, rounded down.
    fn worth_in_usd(&self, currency: Currency, amount: Money) -> Money {
        match currency == Currency::USD {
            true => amount,
            false => worth(amount, self.valued(currency)),
        }
    }

    /// What of it margins positions: less haircut and conversion fee, rounded down.
    pub(super) fn collateral_of(&self, currency: Currency, amount: Money) -> Money {
        match terms(currency) {
            _ if currency == Currency::USD => amount,
            None => Money::ZERO,
            Some(terms) => {
                let value = self.worth_in_usd(currency, amount);
                figures::floor_over(&cut(&BigInt::from(value.0), terms), &square())
            }
        }
    }

    /// What a gain that will be paid in a currency margins: it has the haircut and the conversion fee of it.
    pub(super) fn gain_as_margin(gain: &BigInt, currency: Option<Currency>) -> BigInt {
        match currency.and_then(terms) {
            Some(terms) if *gain > BigInt::ZERO => figures::down(&cut(gain, terms), &square()),
            _ => gain.clone(),
        }
    }

    /// A flex wallet's currencies and what they count for, as the engine would show them.
    pub fn flex(&self, account: AccountId) -> FlexView {
        let mut held = self.flex_held(account);
        if held.iter().all(|(currency, _)| *currency != Currency::USD) {
            held.push((Currency::USD, Money::ZERO));
            held.sort();
        }
        let cross = Portfolio::Cross(account, Wallet::Flex);
        let shut = self.has_begun(cross) || self.is_to_be_liquidated(cross);
        let view = |(currency, balance): (Currency, Money)| {
            let (haircut, conversion) = terms(currency).unwrap_or_default();
            CollateralView {
                currency,
                balance,
                value: self.worth_in_usd(currency, balance),
                collateral: self.collateral_of(currency, balance),
                available: if shut { Money::ZERO } else { self.available_of(account, currency) },
                haircut,
                conversion,
            }
        };
        let held: Vec<CollateralView> = held.into_iter().map(view).collect();
        let value: Money = held.iter().map(|held| held.value).sum();
        let wallet = self.wallet(account, Wallet::Flex);
        let portfolio = value.fine() + wallet.unrealized_pnl + wallet.unrealized_funding;
        FlexView { value, portfolio, collateral: held.iter().map(|held| held.collateral).sum(), held }
    }

    /// What gains are paid in, by contract, where that is not USD.
    pub fn pnl_currencies(&self, account: AccountId) -> Vec<(InstrumentId, Currency)> {
        self.account(account).pnl_currency.iter().map(|(id, currency)| (*id, *currency)).collect()
    }

    /// All that a flex wallet holds, as margin.
    pub(super) fn flex_collateral(&self, account: AccountId) -> Money {
        let held = self.flex_held(account).into_iter();
        held.map(|(currency, amount)| self.collateral_of(currency, amount)).sum()
    }

    pub(super) fn flex_held(&self, account: AccountId) -> Vec<(Currency, Money)> {
        let all = self.account(account).balances.iter().filter(|((wallet, _), _)| *wallet == Wallet::Flex);
        all.map(|((_, currency), amount)| (*currency, *amount)).collect()
    }

    /// What of a currency no margin holds: never more than there is. Of what counts for nothing all may leave; and what is
    /// rounded down of the rest must not take from margin what it needs, so it may be some units less than its share.
    pub(super) fn available_of(&self, account: AccountId, currency: Currency) -> Money {
        let held = self.balance(account, Wallet::Flex, currency);
        let free = self.available(account, Wallet::Flex, Currency::USD);
        let fits = |amount: Money| {
            let less = self.collateral_of(currency, held) - self.collateral_of(currency, held - amount);
            less == Money::ZERO || figures::fine(less) <= free
        };
        if held <= Money::ZERO || fits(held) {
            return held.max(Money::ZERO);
        }
        let free_money = BigInt::from(figures::floor(&free).0).max(BigInt::ZERO);
        let mut most = match (terms(currency), self.valued(currency)) {
            (Some(terms), Some(rate)) => {
                let one = cut(&BigInt::from(rate.0), terms);
                figures::floor_over(&(free_money * figures::one() * square()), &one)
            }
            _ => figures::floor_over(&free_money, &1.into()),
        };
        most = most.min(held);
        while most > Money::ZERO && !fits(most) {
            most -= Money(1);
        }
        most.max(Money::ZERO)
    }

    /// Sells what there is for USD that is short: the lowest haircut first, of equal ones what is worth the most.
    pub(super) fn cover(&mut self, account: AccountId, wallet: Wallet) {
        if wallet != Wallet::Flex {
            return;
        }
        let mut for_sale = self.flex_held(account);
        for_sale.retain(|(currency, amount)| {
            *amount > Money::ZERO && terms(*currency).is_some() && self.rate(*currency).is_some()
        });
        for_sale.sort_by_key(|(currency, amount)| {
            let haircut = terms(*currency).map_or(0, |(haircut, _)| haircut);
            (haircut, Reverse(worth(*amount, self.rate(*currency))), *currency)
        });
        for (currency, held) in for_sale {
            let short = -self.balance(account, Wallet::Flex, Currency::USD);
            if short <= Money::ZERO {
                return;
            }
            let (_, fee) = terms(currency).expect("one that is for sale");
            let rate = BigInt::from(self.rate(currency).map_or(0, |rate| rate.0)) * (MILLION - fee);
            let whole = figures::one() * MILLION;
            let needed = figures::ceiling_over(&(BigInt::from(short.0) * &whole), &rate);
            let (sold, bought) = match needed <= held {
                true => (needed, short),
                false => (held, figures::floor_over(&(BigInt::from(held.0) * rate), &whole).min(short)),
            };
            if bought <= Money::ZERO {
                continue;
            }
            self.convert(account, (currency, sold), bought);
        }
    }

    /// What was owed while there was nothing to pay it with is paid by what comes, or has a price now. True when anything is.
    pub(super) fn pay_what_is_owed(&mut self, account: AccountId) -> bool {
        let usd = self.balance(account, Wallet::Flex, Currency::USD);
        if usd >= Money::ZERO || self.flex_collateral(account) <= usd {
            return false;
        }
        self.cover(account, Wallet::Flex);
        self.balance(account, Wallet::Flex, Currency::USD) != usd
    }

    fn convert(&mut self, account: AccountId, (currency, sold): (Currency, Money), bought: Money) {
        let log = self.log(account, 2);
        let (_, spread) = terms(currency).expect("one that is for sale");
        // What the exchange keeps is never rounded in its client's favour.
        let fee = figures::ceiling_over(&(BigInt::from(sold.0) * spread), &MILLION.into());
        for (of, change) in [(currency, -sold), (Currency::USD, bought)] {
            self.pay(account, Wallet::Flex, of, change);
            *self.books.exchanged.entry(of).or_default() += -change;
        }
        *self.books.exchanged.entry(currency).or_default() += -fee;
        *self.books.fees.entry(currency).or_default() += fee;
        let leg = |currency, amount, log| {
            let balance = self.balance(account, Wallet::Flex, currency);
            ConversionLeg { currency, amount, balance, log }
        };
        let (debit, credit) = (leg(currency, sold, log), leg(Currency::USD, bought, log + 1));
        let rate = self.rate(currency).expect("one that is for sale");
        let at = self.now;
        self.conversions.push(Conversion { account, debit, credit, rate, spread, fee, at });
    }

    /// What gains of a linear contract are paid in, from now on; USD is as if nothing were chosen (rules 4.7, 6.1).
    pub(super) fn set_pnl_currency(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        currency: Option<Currency>,
    ) -> Result<Outcome, Outcome> {
        let refuse = |refusal| Err(Outcome::Refused(refusal));
        self.active_account(account)?;
        self.known_instrument(instrument)?;
        if self.contract(instrument).spec.kind != ContractKind::Linear {
            return refuse(Refusal::NoPnlCurrency);
        }
        let chosen = currency.filter(|currency| *currency != Currency::USD);
        if let Some(currency) = chosen {
            if !self.knows(currency) {
                return refuse(Refusal::UnknownCurrency);
            }
            if !PAID_IN.contains(&currency.code()) {
                return refuse(Refusal::CurrencyNotEnabled);
            }
        }
        if self.account(account).pnl_currency.get(&instrument).copied() == chosen {
            return Ok(Outcome::Done);
        }
        let mut after = self.clone();
        match chosen {
            Some(currency) => after.account_mut(account).pnl_currency.insert(instrument, currency),
            None => after.account_mut(account).pnl_currency.remove(&instrument),
        };
        // It takes from what stands behind cross positions where a gain counts for less.
        let cross = Portfolio::Cross(account, Wallet::Flex);
        let holds = self.position(account, instrument).qty != 0 && !self.is_isolated(account, instrument);
        let takes = after.margin_status(cross).equity < self.margin_status(cross).equity;
        let would =
            self.is_liquidated(account, instrument) || (takes && after.margin_status(cross).is_short());
        if holds && would {
            return refuse(Refusal::WouldLiquidate);
        }
        *self = after;
        self.margin_checks.insert((account, Wallet::Flex));
        Ok(Outcome::Done)
    }

    /// True for a currency that the exchange has to do with: collateral, or of a contract.
    fn knows(&self, currency: Currency) -> bool {
        let mut specs = self.contracts.iter().map(|contract| &contract.spec);
        currency == Currency::USD
            || terms(currency).is_some()
            || specs.any(|spec| spec.base == currency || spec.quote == currency)
    }

    /// A gain of a contract as it is paid: in the currency of choice at its index, without a fee; absent where that is USD or
    /// has no price.
    pub(super) fn pay_gain(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        gain: Money,
    ) -> Option<GainPaid> {
        let currency = *self.account(account).pnl_currency.get(&instrument)?;
        let index = self.rate(currency).filter(|_| gain > Money::ZERO)?;
        let amount = figures::half_even(&(BigInt::from(gain.0) * figures::one()), &index.0.into());
        let amount = figures::floor_over(&amount, &1.into());
        let held = self.balance(account, Wallet::Flex, currency);
        if amount <= Money::ZERO || (held + amount).0 > super::money::MOST_MONEY {
            return None;
        }
        self.pay(account, Wallet::Flex, currency, amount);
        *self.books.exchanged.entry(currency).or_default() += -amount;
        *self.books.exchanged.entry(Currency::USD).or_default() += gain;
        let balance = self.balance(account, Wallet::Flex, currency);
        Some(GainPaid { currency, amount, index, balance })
    }
}
