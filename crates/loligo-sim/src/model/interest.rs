//! Interest of an hour on an unrealised loss that no USD stands behind (rules 5.3); off unless the operator says what it costs.

use super::{Model, figures};
use loligo_engine::{AccountId, Currency, InterestPaid, Money, Outcome, Refusal, Wallet};
use num_bigint::BigInt;

/// What of a loss is free, in USD.
const FREE: u64 = 30_000;
/// No hour costs more, in 1e-8.
const MOST: u32 = 1_000_000;

impl Model {
    pub(super) fn set_interest(&mut self, rate: u32) -> Result<Outcome, Outcome> {
        if rate > MOST {
            return Err(Outcome::Refused(Refusal::InterestTooHigh));
        }
        self.interest = rate;
        Ok(Outcome::Done)
    }

    /// An hour is over: accounts are to be charged, from the first on, if it costs anything.
    pub(super) fn begin_interest(&mut self) {
        let any = self.interest > 0 && !self.accounts.is_empty();
        self.work.interest = any.then_some(AccountId(0));
    }

    /// Charges an account of what its positions have lost, less its USD and what is free.
    pub(super) fn charge_interest(&mut self, account: AccountId) -> bool {
        let flex = self.margined_by(Wallet::Flex).into_iter();
        let open = |id| self.open_pnl(account, id) + self.unrealized_funding(account, id);
        let loss = -flex.map(open).sum::<BigInt>();
        let usd = self.balance(account, Wallet::Flex, Currency::USD).max(Money::ZERO);
        let loss = figures::floor(&(loss - figures::fine(usd) - figures::usd(FREE)));
        if self.account(account).house || loss <= Money::ZERO {
            return false;
        }
        let rate = self.interest;
        let amount = figures::ceiling_over(&(BigInt::from(loss.0) * rate), &100_000_000.into());
        self.pay(account, Wallet::Flex, Currency::USD, -amount);
        *self.books.fees.entry(Currency::USD).or_default() += amount;
        let log = self.log(account, 1);
        let (balance, at) = (self.balance(account, Wallet::Flex, Currency::USD), self.now);
        self.interests.push(InterestPaid { account, log, loss, rate, amount, balance, at });
        self.cover(account, Wallet::Flex);
        self.margin_checks.insert((account, Wallet::Flex));
        true
    }
}
