//! Money in, out, and between wallets (rules 5.1, 6).

use super::margin::Portfolio;
use super::{Model, figures};
use loligo_engine::{AccountId, Currency, Deposit, Money, Outcome, Refusal, Transfer, Wallet, Withdraw};

/// Greatest amount of one booking, and greatest balance that one may make.
pub(super) const MOST_MONEY: i128 = 10_i128.pow(12) * Money::ONE;

impl Model {
    pub(super) fn deposit(&mut self, asked: &Deposit) -> Result<Outcome, Outcome> {
        let Deposit { account, wallet, currency, amount } = *asked;
        let out_of_range = Outcome::Refused(Refusal::AmountOutOfRange);
        self.known_account(account)?;
        if amount.0.unsigned_abs() > MOST_MONEY.unsigned_abs() {
            return Err(out_of_range);
        }
        self.check_wallet(wallet, currency)?;
        let after = self.balance(account, wallet, currency) + amount;
        let takes_too_much = amount < Money::ZERO && !self.may_leave(account, wallet, currency, -amount);
        if after.0 > MOST_MONEY || takes_too_much {
            return Err(out_of_range);
        }
        *self.books.deposited.entry(currency).or_default() += amount;
        self.move_balance(account, wallet, currency, amount);
        Ok(Outcome::Done)
    }

    pub(super) fn transfer(&mut self, asked: &Transfer) -> Result<Outcome, Outcome> {
        let Transfer { by, from, from_wallet, to, to_wallet, currency, amount } = *asked;
        for account in [by, from, to] {
            self.known_account(account)?;
        }
        self.active_account(by)?;
        // Within itself; within a family by its master; from a subaccount to its master.
        let family = self.head(from) == self.head(by) && self.head(to) == self.head(by);
        let is_master = |account: AccountId| self.account(account).parent.is_none();
        let may = (from == by && to == by) || (family && (is_master(by) || (from == by && is_master(to))));
        if !may {
            return Err(Outcome::Refused(Refusal::ForeignAccount));
        }
        check_amount(amount)?;
        self.check_wallet(from_wallet, currency)?;
        self.check_wallet(to_wallet, currency)?;
        if !self.may_leave(from, from_wallet, currency, amount) {
            return Err(Outcome::Refused(Refusal::InsufficientFunds));
        }
        if (from, from_wallet) == (to, to_wallet) {
            return Ok(Outcome::Done);
        }
        let there = self.balance(to, to_wallet, currency);
        if (there + amount).0 > MOST_MONEY {
            return Err(Outcome::Refused(Refusal::AmountOutOfRange));
        }
        self.move_balance(from, from_wallet, currency, -amount);
        self.move_balance(to, to_wallet, currency, amount);
        Ok(Outcome::Done)
    }

    pub(super) fn withdraw(&mut self, asked: &Withdraw) -> Result<Outcome, Outcome> {
        let Withdraw { account, wallet, currency, amount } = *asked;
        self.active_account(account)?;
        check_amount(amount)?;
        self.check_wallet(wallet, currency)?;
        if !self.may_leave(account, wallet, currency, amount) {
            return Err(Outcome::Refused(Refusal::InsufficientFunds));
        }
        *self.books.deposited.entry(currency).or_default() += -amount;
        self.move_balance(account, wallet, currency, -amount);
        Ok(Outcome::Done)
    }

    /// The wallet exists and takes the currency.
    fn check_wallet(&self, wallet: Wallet, currency: Currency) -> Result<(), Outcome> {
        let Wallet::Inverse(_) = wallet else { return Ok(()) };
        let contract = self.instrument_ids().find(|i| self.margin_wallet(*i).0 == wallet);
        match contract.map(|i| self.contract(i).spec.base) {
            None => Err(Outcome::Refused(Refusal::UnknownPair)),
            Some(base) if base != currency => Err(Outcome::Refused(Refusal::WrongCurrency)),
            Some(_) => Ok(()),
        }
    }

    /// At most the balance, and at most what margin leaves.
    fn may_leave(&self, account: AccountId, wallet: Wallet, currency: Currency, amount: Money) -> bool {
        if amount > self.balance(account, wallet, currency) {
            return false;
        }
        let free = match wallet {
            Wallet::Cash => return true,
            Wallet::Flex => amount <= self.available_of(account, currency),
            Wallet::Inverse(_) => figures::fine(amount) <= self.available(account, wallet, currency),
        };
        let cross = Portfolio::Cross(account, wallet);
        free && !self.has_begun(cross) && !self.is_to_be_liquidated(cross)
    }

    fn move_balance(&mut self, account: AccountId, wallet: Wallet, currency: Currency, change: Money) {
        self.pay(account, wallet, currency, change);
        self.log(account, 1);
        if wallet == Wallet::Flex {
            self.pay_what_is_owed(account);
        }
        self.margin_checks.insert((account, wallet));
    }
}

fn check_amount(amount: Money) -> Result<(), Outcome> {
    let fits = (1..=MOST_MONEY).contains(&amount.0);
    if fits { Ok(()) } else { Err(Outcome::Refused(Refusal::InvalidAmount)) }
}
