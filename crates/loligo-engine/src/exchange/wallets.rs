//! Money moving in, out, and between wallets.

use super::{Exchange, emit};
use crate::account::{Account, MarginWallet};
use crate::command::{Deposit, Transfer, Withdraw};
use crate::event::Event;
use crate::id::{AccountId, Currency, PairId, Wallet};
use crate::money::Money;
use crate::outcome::{
    DepositOutcome, DepositRefusal, TransferOutcome, TransferRefusal, WithdrawOutcome, WithdrawRefusal,
};
use crate::slot::WalletSlot;
use crate::words::{BalanceCause, ContractKind};

/// Greatest deposit, in whole units of currency: keeps sums of money in range.
const DEPOSIT_MAX: i128 = 1_000_000_000_000;
/// All deposits of a currency together: so many times the greatest one.
const DEPOSITS_MAX: i128 = 100;

impl Exchange {
    pub(super) fn deposit(&mut self, deposit: &Deposit, events: &mut Vec<Event>) -> DepositOutcome {
        if self.accounts.get(deposit.account).is_none() {
            return DepositOutcome::Refused(DepositRefusal::UnknownAccount);
        }
        if !self.may_come_in(deposit.currency, deposit.amount) {
            return DepositOutcome::Refused(DepositRefusal::AmountOutOfRange);
        }
        let Deposit { account, wallet, currency, amount } = *deposit;
        let (unknown, wrong) = (DepositRefusal::UnknownPair, DepositRefusal::WrongCurrency);
        if let Err(refusal) = self.check_wallet(wallet, currency, unknown, wrong) {
            return DepositOutcome::Refused(refusal);
        }
        let fits = amount >= Money::ZERO || -amount <= self.free(account, wallet, currency);
        if !fits || self.add(account, wallet, currency, amount, BalanceCause::Operator, events).is_none() {
            return DepositOutcome::Refused(DepositRefusal::AmountOutOfRange);
        }
        *self.deposited.entry(currency).or_default() += amount;
        DepositOutcome::Done
    }

    /// True for what one deposit may be, and all of the currency together; likewise for what goes out.
    pub(super) fn may_come_in(&self, currency: Currency, amount: Money) -> bool {
        let total = self.deposited.get(&currency).copied().unwrap_or_default();
        let largest = DEPOSIT_MAX * Money::ONE;
        amount.0.unsigned_abs() <= largest.unsigned_abs() && (total + amount).0 <= largest * DEPOSITS_MAX
    }

    pub(super) fn transfer(&mut self, ask: &Transfer, events: &mut Vec<Event>) -> TransferOutcome {
        let Transfer { from, from_wallet, to, to_wallet, currency, amount, .. } = *ask;
        if let Err(refused) = self.check_transfer(ask) {
            return refused;
        }
        if amount > self.free(from, from_wallet, currency) {
            return TransferOutcome::Refused(TransferRefusal::InsufficientFunds);
        }
        if (from, from_wallet) == (to, to_wallet) {
            return TransferOutcome::Done;
        }
        let cause = if from == to { BalanceCause::Transfer } else { BalanceCause::SubaccountTransfer };
        if self.add(to, to_wallet, currency, amount, cause, events).is_none() {
            return TransferOutcome::Refused(TransferRefusal::AmountOutOfRange);
        }
        let left = self.add(from, from_wallet, currency, -amount, cause, events);
        assert!(left.is_some(), "what is free may leave");
        TransferOutcome::Done
    }

    fn check_transfer(&self, ask: &Transfer) -> Result<(), TransferOutcome> {
        let account = |id: AccountId| {
            self.accounts.get(id).ok_or(TransferOutcome::Refused(TransferRefusal::UnknownAccount))
        };
        let (by, from, to) = (account(ask.by)?, account(ask.from)?, account(ask.to)?);
        if !by.active {
            return Err(TransferOutcome::AccountInactive);
        }
        let own = ask.by == ask.from && ask.by == ask.to;
        let family = by.family == from.family && by.family == to.family;
        // A subaccount gives to its master; everything else within a family is the master's to move.
        let gives = ask.by == ask.from && to.parent.is_none();
        if !(own || family && (by.parent.is_none() || gives)) {
            return Err(TransferOutcome::Refused(TransferRefusal::ForeignAccount));
        }
        if !is_amount(ask.amount) {
            return Err(TransferOutcome::Refused(TransferRefusal::InvalidAmount));
        }
        for wallet in [ask.from_wallet, ask.to_wallet] {
            let (unknown, wrong) = (TransferRefusal::UnknownPair, TransferRefusal::WrongCurrency);
            self.check_wallet(wallet, ask.currency, unknown, wrong).map_err(TransferOutcome::Refused)?;
        }
        Ok(())
    }

    /// Money leaves the exchange.
    pub(super) fn withdraw_money(&mut self, ask: &Withdraw, events: &mut Vec<Event>) -> WithdrawOutcome {
        let Withdraw { account, wallet, currency, amount } = *ask;
        match self.accounts.get(account) {
            None => return WithdrawOutcome::Refused(WithdrawRefusal::UnknownAccount),
            Some(owner) if !owner.active => return WithdrawOutcome::AccountInactive,
            Some(_) if !is_amount(amount) => return WithdrawOutcome::Refused(WithdrawRefusal::InvalidAmount),
            Some(_) => {}
        }
        let (unknown, wrong) = (WithdrawRefusal::UnknownPair, WithdrawRefusal::WrongCurrency);
        if let Err(refusal) = self.check_wallet(wallet, currency, unknown, wrong) {
            return WithdrawOutcome::Refused(refusal);
        }
        let fits = amount <= self.free(account, wallet, currency);
        if !fits || self.add(account, wallet, currency, -amount, BalanceCause::Withdrawal, events).is_none() {
            return WithdrawOutcome::Refused(WithdrawRefusal::InsufficientFunds);
        }
        *self.deposited.entry(currency).or_default() -= amount;
        WithdrawOutcome::Done
    }

    /// The wallet exists, and takes the currency.
    fn check_wallet<R>(&self, wallet: Wallet, currency: Currency, unknown: R, wrong: R) -> Result<(), R> {
        match wallet {
            Wallet::Cash | Wallet::Flex => Ok(()),
            Wallet::Inverse(pair) => match self.inverse_base(pair) {
                None => Err(unknown),
                Some(base) if base != currency => Err(wrong),
                Some(_) => Ok(()),
            },
        }
    }

    /// Adds to a wallet that takes the currency, and tells its balance; what goes out is free. `None` when the balance would leave its
    /// range: nothing has changed then.
    pub(super) fn add(
        &mut self,
        account: AccountId,
        wallet: Wallet,
        currency: Currency,
        amount: Money,
        cause: BalanceCause,
        events: &mut Vec<Event>,
    ) -> Option<Money> {
        let (owner, at) = (account, self.now);
        let balance = match wallet {
            Wallet::Cash => self.add_to_list(owner, currency, amount, |account| &mut account.cash),
            Wallet::Flex if currency == Currency::USD => {
                self.add_to_margin_wallet(owner, self.accounts[owner].flex, amount, cause)
            }
            Wallet::Flex => self.add_to_flex_list(owner, currency, amount),
            Wallet::Inverse(pair) => {
                let margin_wallet = self.inverse_wallet(owner, pair, currency);
                self.add_to_margin_wallet(owner, margin_wallet, amount, cause)
            }
        }?;
        let owner = &mut self.accounts[owner];
        owner.log += 1;
        let log = owner.log;
        emit(events, || Event::Balance {
            account,
            wallet,
            currency,
            change: amount,
            balance,
            log,
            cause,
            at,
        });
        if wallet == Wallet::Flex {
            self.pay_what_is_owed(account, events);
        }
        Some(balance)
    }

    /// What may leave a wallet (rules 6).
    fn free(&self, account: AccountId, wallet: Wallet, currency: Currency) -> Money {
        let owner = &self.accounts[account];
        let listed = |list: &[(Currency, Money)]| {
            list.iter().find(|(held, _)| *held == currency).map_or(Money::ZERO, |(_, held)| *held)
        };
        let margin_wallet = match wallet {
            Wallet::Cash => return listed(&owner.cash),
            Wallet::Flex => return self.available(account, currency),
            Wallet::Inverse(pair) => match owner.inverse_wallet(pair) {
                Some(margin_wallet) => margin_wallet,
                None => return Money::ZERO,
            },
        };
        self.free_of(account, margin_wallet)
    }

    /// What may leave a margin wallet: nothing while it is liquidated, or is about to be.
    fn free_of(&self, account: AccountId, margin_wallet: WalletSlot) -> Money {
        if self.is_wallet_liquidated(account, margin_wallet) || self.is_wallet_doomed(account, margin_wallet)
        {
            Money::ZERO
        } else {
            let MarginWallet { balance, initial_margin, .. } = self.margin_wallets[margin_wallet];
            (self.equity(account, margin_wallet) - initial_margin).floor().min(balance)
        }
    }

    /// Adds to the settlement currency of a margin wallet. `None` when the balance would leave its range.
    fn add_to_margin_wallet(
        &mut self,
        owner: AccountId,
        slot: WalletSlot,
        amount: Money,
        cause: BalanceCause,
    ) -> Option<Money> {
        let margin_wallet = &mut self.margin_wallets[slot];
        let balance = margin_wallet.balance + amount;
        // The pool gives back a part of a loss; gains before it may have gone beyond the range.
        let bounded = amount > Money::ZERO && cause != BalanceCause::Pool;
        if bounded && balance.0 > DEPOSIT_MAX * Money::ONE {
            return None;
        }
        margin_wallet.balance = balance;
        self.judge_moved(owner, slot);
        Some(balance)
    }

    /// Adds to another currency of the flex wallet. `None` when the balance would leave its range.
    fn add_to_flex_list(&mut self, owner: AccountId, currency: Currency, amount: Money) -> Option<Money> {
        let first = self.accounts[owner].flex_other.is_empty();
        let balance = self.add_to_list(owner, currency, amount, |account| &mut account.flex_other)?;
        if first {
            self.collateral_holders.set(owner, true);
        }
        self.revalue_collateral(owner);
        self.judge_moved(owner, self.accounts[owner].flex);
        Some(balance)
    }

    /// Money has come to a margin wallet, or gone.
    fn judge_moved(&mut self, owner: AccountId, slot: WalletSlot) {
        let watched = self.margin_wallets[slot].checked_always;
        if watched || (self.accrues && self.needs_judging(owner, slot)) {
            self.work.check_margin_of(owner, slot);
        }
    }

    /// Has what a flex wallet owes paid from collateral that has come to it, or has a price now.
    pub(super) fn pay_what_is_owed(&mut self, account: AccountId, events: &mut Vec<Event>) {
        let owner = &self.accounts[account];
        let flex = owner.flex;
        if self.margin_wallets[flex].balance < Money::ZERO && owner.collateral > Money::ZERO {
            self.convert_collateral(account, flex, events);
            self.judge_moved(account, flex);
        }
    }

    fn add_to_list(
        &mut self,
        account: AccountId,
        currency: Currency,
        amount: Money,
        list: impl FnOnce(&mut Account) -> &mut Vec<(Currency, Money)>,
    ) -> Option<Money> {
        let list = list(&mut self.accounts[account]);
        let at = list.partition_point(|(held, _)| *held < currency);
        let held = list.get(at).filter(|(of, _)| *of == currency).map(|(_, held)| *held);
        let balance = held.unwrap_or(Money::ZERO) + amount;
        if balance.0 < 0 || (amount > Money::ZERO && balance.0 > DEPOSIT_MAX * Money::ONE) {
            return None;
        }
        match held {
            Some(_) => list[at].1 = balance,
            None => list.insert(at, (currency, balance)),
        }
        Some(balance)
    }

    /// Base currency of a pair's inverse contracts; `None` when it has none.
    pub(super) fn inverse_base(&self, pair: PairId) -> Option<Currency> {
        self.markets
            .iter()
            .find(|market| market.pair() == pair && market.instrument.spec().kind == ContractKind::Inverse)
            .map(|market| market.instrument.settlement())
    }
}

/// What may be moved at once: something, and no more than the greatest.
pub(super) fn is_amount(amount: Money) -> bool {
    (1..=DEPOSIT_MAX * Money::ONE).contains(&amount.0)
}
