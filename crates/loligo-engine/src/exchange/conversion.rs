//! One currency against another (rules 5.3, 4.7): collateral that is turned into USD because what was to be paid is not there, and gains
//! that are paid in a currency of the account's choice.

use super::{Exchange, emit};
use crate::collateral::{Collateral, worth};
use crate::event::{Conversion, ConversionLeg, Event, GainPaid};
use crate::id::{AccountId, Currency};
use crate::money::{FinePrice, Money, mul_div_half_even, ratio_of_products};
use crate::slot::WalletSlot;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// All of an amount, in millionths.
const WHOLE: i128 = 1_000_000;
/// A price's units in one.
const ONE: i128 = 10_i128.pow(18);
/// No balance grows beyond this by a gain.
const BALANCE_MAX: Money = Money(1_000_000_000_000 * Money::ONE);

/// What the exchange took of a currency against another, less what it gave; and what it kept of what it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exchanged {
    pub taken: Money,
    /// Fees of conversions, and interest.
    pub fees: Money,
}

impl Exchange {
    /// Has what a flex wallet owes paid from its other currencies: of the lowest haircut first, of equal haircuts the larger value.
    /// What they do not cover stays owed.
    #[cold]
    pub(super) fn convert_collateral(
        &mut self,
        account: AccountId,
        margin_wallet: WalletSlot,
        events: &mut Vec<Event>,
    ) {
        let owner = &self.accounts[account];
        if owner.flex != margin_wallet {
            return;
        }
        let mut order = Vec::new();
        for (currency, held) in &owner.flex_other {
            let Some(collateral) = Collateral::of(*currency) else { continue };
            let Some(price) = self.pairs[self.collateral_pairs[collateral.index()]].index else { continue };
            let value = worth(*held, price);
            order.push(((collateral.terms().haircut, Reverse(value), *currency), (collateral, *held, price)));
        }
        order.sort_unstable_by_key(|(rank, _)| *rank);
        for (_, (collateral, held, price)) in order {
            let owed = -self.margin_wallets[margin_wallet].balance;
            if owed <= Money::ZERO {
                break;
            }
            self.convert(account, collateral, (held, price), owed, events);
        }
        self.revalue_collateral(account);
    }

    /// True for an account whose flex wallet has something that could be turned into USD.
    pub(crate) fn can_cover(&self, account: AccountId) -> bool {
        self.accounts[account].flex_other.iter().any(|(currency, held)| {
            let collateral = Collateral::of(*currency);
            let price = collateral.and_then(|of| self.pairs[self.collateral_pairs[of.index()]].index);
            let gives = |(of, price): (Collateral, FinePrice)| {
                let kept = WHOLE - i128::from(of.terms().conversion);
                ratio_of_products((held.0, price.0 * kept), (ONE, WHOLE), false)
            };
            collateral.zip(price).is_some_and(|pair| gives(pair) > 0)
        })
    }

    /// Turns as much of a currency into USD as it takes to pay what is owed, or all of it.
    fn convert(
        &mut self,
        account: AccountId,
        collateral: Collateral,
        (held, price): (Money, FinePrice),
        owed: Money,
        events: &mut Vec<Event>,
    ) {
        let spread = collateral.terms().conversion;
        // What one of it gives, 10^24 times.
        let gives = price.0 * (WHOLE - i128::from(spread));
        let needed = Money(ratio_of_products((owed.0, ONE * WHOLE), (gives, 1), true));
        let (taken, given) = match needed <= held {
            true => (needed, owed),
            false => (held, Money(ratio_of_products((held.0, gives), (ONE, WHOLE), false)).min(owed)),
        };
        if given <= Money::ZERO {
            return;
        }
        let fee = Money(ratio_of_products((taken.0, i128::from(spread)), (WHOLE, 1), true));
        let currency = collateral.currency();
        let left = self.add_collateral(account, currency, -taken);
        let usd = &mut self.margin_wallets[self.accounts[account].flex].balance;
        *usd += given;
        let balance = *usd;
        self.exchange(currency, taken - fee).fees += fee;
        self.exchange(Currency::USD, -given);
        let owner = &mut self.accounts[account];
        let log = owner.log + 1;
        owner.log += 2;
        let conversion = Conversion {
            account,
            debit: ConversionLeg { currency, amount: taken, balance: left, log },
            credit: ConversionLeg { currency: Currency::USD, amount: given, balance, log: log + 1 },
            rate: price,
            spread,
            fee,
            at: self.now,
        };
        emit(events, || Event::Converted(Box::new(conversion)));
    }

    /// Pays a gain, which a flex wallet has in USD, in another currency: at the index price of now, without a fee. `None` where that
    /// has no price, or the gain comes to nothing in it, or to more than a wallet may hold: then it stays in USD.
    #[cold]
    pub(super) fn pay_gain(
        &mut self,
        account: AccountId,
        collateral: Collateral,
        gain: Money,
    ) -> Option<GainPaid> {
        let index = self.pairs[self.collateral_pairs[collateral.index()]].index?;
        let amount = Money(mul_div_half_even(gain.0, ONE, index.0)?);
        let currency = collateral.currency();
        let held = self.collateral_of(account, currency);
        if amount <= Money::ZERO || amount > BALANCE_MAX || held + amount > BALANCE_MAX {
            return None;
        }
        let owner = &mut self.accounts[account];
        owner.log += 1;
        let flex = owner.flex;
        self.margin_wallets[flex].balance -= gain;
        let balance = self.add_collateral(account, currency, amount);
        self.exchange(Currency::USD, gain);
        self.exchange(currency, -amount);
        self.revalue_collateral(account);
        Some(GainPaid { currency, amount, index, balance })
    }

    /// Notes what the exchange took of a currency against another.
    fn exchange(&mut self, currency: Currency, taken: Money) -> &mut Exchanged {
        let exchanged = self.exchanged.entry(currency).or_default();
        exchanged.taken += taken;
        exchanged
    }

    /// What a flex wallet has of a currency besides USD.
    pub(super) fn collateral_of(&self, account: AccountId, currency: Currency) -> Money {
        let held = self.accounts[account].flex_other.iter().find(|(of, _)| *of == currency);
        held.map_or(Money::ZERO, |(_, held)| *held)
    }

    /// Adds to what a flex wallet has of a currency besides USD; gives what there is then.
    fn add_collateral(&mut self, account: AccountId, currency: Currency, amount: Money) -> Money {
        let list = &mut self.accounts[account].flex_other;
        if list.is_empty() {
            self.collateral_accounts += 1;
        }
        let at = list.partition_point(|(held, _)| *held < currency);
        match list.get_mut(at).filter(|(of, _)| *of == currency) {
            Some((_, held)) => *held += amount,
            None => list.insert(at, (currency, amount)),
        }
        list[at].1
    }
}
