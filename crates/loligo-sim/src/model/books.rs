//! Where the money is: every booking goes through here, and what is in all places together is what came in.

use super::{Model, figures};
use loligo_engine::{AccountId, Currency, Money, Wallet};
use num_bigint::BigInt;
use std::collections::{BTreeMap, BTreeSet};

/// What the exchange keeps beside wallets and pool, by currency.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    /// What came in from outside, less what went out.
    pub deposited: BTreeMap<Currency, Money>,
    /// Fees, less rebates; and interest.
    pub fees: BTreeMap<Currency, Money>,
    /// Funding of payers, less that of receivers.
    pub funding: BTreeMap<Currency, Money>,
    /// What was taken for what was given in another currency; negative what was given.
    pub exchanged: BTreeMap<Currency, Money>,
    /// What rounding left over, at 24 decimals; while a contract settles also what its other positions are still to win or lose.
    pub dust: BTreeMap<Currency, BigInt>,
    /// How often something was rounded.
    pub roundings: u64,
}

impl Model {
    /// Changes a balance.
    pub(super) fn pay(&mut self, account: AccountId, wallet: Wallet, currency: Currency, change: Money) {
        *self.account_mut(account).balances.entry((wallet, currency)).or_default() += change;
    }

    /// P&L that was booked for what it is exactly.
    pub(super) fn note_rounding(&mut self, currency: Currency, exact: &BigInt, booked: Money) {
        *self.books.dust.entry(currency).or_default() += exact - figures::fine(booked);
        self.books.roundings += 1;
    }

    /// The next row of an account's log, and of so many after it.
    pub(super) fn log(&mut self, account: AccountId, rows: u64) -> u64 {
        let owner = self.account_mut(account);
        owner.log_rows += rows;
        owner.log_rows + 1 - rows
    }

    /// All of a currency that wallets hold.
    pub fn in_wallets(&self, currency: Currency) -> Money {
        let all = self.accounts.iter().flat_map(|account| &account.balances);
        all.filter(|((_, of), _)| *of == currency).map(|(_, money)| *money).sum()
    }

    /// What came in from outside of a currency, less what went out.
    pub fn deposited(&self, currency: Currency) -> Money {
        self.books.deposited.get(&currency).copied().unwrap_or_default()
    }

    /// Fees in a currency, less rebates.
    pub fn fees(&self, currency: Currency) -> Money {
        self.books.fees.get(&currency).copied().unwrap_or_default()
    }

    /// Entry values of all positions that settle in a currency, at 24 decimals.
    fn entries(&self, currency: Currency) -> BigInt {
        let of = |id| self.margin_wallet(id).1 == currency;
        let all = self.accounts.iter().flat_map(|account| &account.positions);
        all.filter(|(id, _)| of(**id)).map(|(_, position)| &position.entry).sum()
    }

    /// That no money came from nowhere and none went there, in any currency.
    ///
    /// # Errors
    /// Names the currency and the sums.
    pub fn conserved(&self) -> Result<(), String> {
        let held = self.accounts.iter().flat_map(|account| account.balances.keys()).map(|(_, of)| *of);
        let all: BTreeSet<Currency> = held.chain(self.pool.keys().copied()).collect();
        let of = |sums: &BTreeMap<Currency, Money>, currency| {
            figures::fine(sums.get(&currency).copied().unwrap_or_default())
        };
        for currency in all {
            let dust = self.books.dust.get(&currency).cloned().unwrap_or_default();
            let kept = of(&self.books.fees, currency)
                + of(&self.books.funding, currency)
                + of(&self.books.exchanged, currency)
                + of(&self.pool, currency)
                + &dust;
            let there = figures::fine(self.in_wallets(currency)) - self.entries(currency) + kept;
            let deposited = of(&self.books.deposited, currency);
            if there != deposited {
                return Err(format!("{deposited} of {currency:?} came in, {there} are there"));
            }
            let most = figures::fine(Money(1)) * (self.books.roundings + 1);
            if !self.is_settling() && super::margin::size(&dust) > most {
                return Err(format!("{dust} of {currency:?} were lost by rounding"));
            }
        }
        Ok(())
    }
}
