//! Interest on unrealised losses (rules 5.3): what a flex wallet's positions have lost and no USD of it stands behind, above 30,000 USD,
//! costs something by the hour where the operator says so.

use super::{Exchange, emit};
use crate::event::{Event, InterestPaid};
use crate::id::AccountId;
use crate::money::{Fine, Money, mul_div_up, usd};
use crate::outcome::{InterestOutcome, InterestRefusal};
use crate::slot::WalletSlot;

/// What of a loss is free, in USD.
const FREE_LOSS: u64 = 30_000;
/// All of an amount, in the units of a rate; and the greatest rate.
const WHOLE: i128 = 100_000_000;
pub(super) const INTEREST_MAX: u32 = 1_000_000;

impl Exchange {
    pub(super) fn set_interest(&mut self, rate: u32) -> InterestOutcome {
        if rate > INTEREST_MAX {
            return InterestOutcome::Refused(InterestRefusal::InterestTooHigh);
        }
        self.interest = rate;
        InterestOutcome::Done
    }

    /// What an hour of a large loss costs that no USD stands behind, in 1e-8 of what of it counts; zero is nothing.
    pub fn interest(&self) -> u32 {
        self.interest
    }

    /// An hour is over: every account is to be looked at, where an hour costs something.
    pub(super) fn begin_interest(&mut self) {
        self.work.interest =
            self.accounts.get(AccountId(0)).filter(|_| self.interest > 0).map(|_| AccountId(0));
    }

    /// Books what the hour costs an account; those of the house pay nothing.
    pub(super) fn charge_interest(&mut self, account: AccountId, events: &mut Vec<Event>) {
        let owner = &self.accounts[account];
        let (flex, house) = (owner.flex, owner.house);
        let loss = -self.unrealized_of(account, flex);
        let usd_held = self.margin_wallets[flex].balance.max(Money::ZERO);
        let loss = (loss - usd_held.fine() - usd(FREE_LOSS).fine()).max(Fine::ZERO).floor();
        if house || loss <= Money::ZERO {
            return;
        }
        let rate = self.interest;
        let amount =
            Money(mul_div_up(loss.0, rate.into(), WHOLE).expect("a part is not larger than the whole"));
        let margin_wallet = &mut self.margin_wallets[flex];
        margin_wallet.balance -= amount;
        let balance = margin_wallet.balance;
        self.exchanged.entry(margin_wallet.currency).or_default().fees += amount;
        let owner = &mut self.accounts[account];
        owner.log += 1;
        let paid = InterestPaid { account, log: owner.log, loss, rate, amount, balance, at: self.now };
        emit(events, || Event::Interest(Box::new(paid)));
        if balance < Money::ZERO {
            self.convert_collateral(account, flex, events);
        }
        if self.needs_judging(account, flex) {
            self.work.check_margin_of(account, flex);
        }
    }

    /// Open P&L and unrealised funding of a wallet's positions at the marks of now, isolated ones too.
    fn unrealized_of(&self, account: AccountId, margin_wallet: WalletSlot) -> Fine {
        let held = self.of_wallet(account, margin_wallet).map(|slot| &self.positions[slot]);
        held.map(|position| {
            let market = &self.markets[position.instrument];
            market.unrealized(position) + market.accrued(position, self.now)
        })
        .sum()
    }
}
