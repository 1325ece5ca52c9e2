//! Wallets whose margin is short: found when a mark moves or an order fills, judged before anything else happens.
//!
//! What is found costs little: equity against what is held. That is enough as long as the initial margin of every
//! position covers its maintenance margin, which it does unless the mark is far from where it was entered; a wallet with
//! a position of which this is not sure is watched, and judged whenever something moves. So is one that is on the ladder:
//! it leaves it as soon as it is no longer short.

use super::Exchange;
use crate::account::{Holding, Purse};
use crate::event::{Event, UpdateReason};
use crate::id::Side;
use crate::market::Market;

/// True when a wallet must be judged after the mark or the position of one of its holdings has changed.
#[inline]
pub(super) fn is_strained(market: &Market, holding: &Holding, purse: &mut Purse) -> bool {
    purse.watched |= !market.covers(holding);
    purse.watched || purse.equity() < purse.held || holding.leverage.is_some()
}

impl Exchange {
    /// After a fill of a holding, with its margin up to date: notes its wallet if it must be judged.
    #[inline]
    pub(super) fn look_at(&mut self, slot: u32) {
        let holding = &self.holdings[slot as usize];
        let market = &self.markets[usize::from(holding.instrument)];
        if is_strained(market, holding, &mut self.purses[holding.purse as usize]) {
            self.strained.insert((holding.account, holding.purse));
        }
    }

    /// What becomes of a wallet whose margin may be short. With less than its positions need to be kept they are
    /// liquidated, until it is there again (rules 5.6); with less than they and its orders need initially it is close-only: the orders that add
    /// risk go (rules 5.5).
    #[cold]
    pub(super) fn judge_wallet(&mut self, account: u32, purse: u32, events: &mut Vec<Event>) {
        for portfolio in self.portfolios(account, purse) {
            if !self.standing(portfolio).is_short() {
                self.liquidations.remove(&portfolio);
            } else if !self.accounts[account as usize].house {
                self.liquidate(portfolio, events);
            }
        }
        self.purses[purse as usize].watched = self.needs_watching(account, purse);
        if self.is_close_only(purse) {
            self.cancel_what_adds(account, purse, events);
        }
    }

    /// Whether a wallet must be judged whenever something of it moves.
    pub(super) fn needs_watching(&self, account: u32, purse: u32) -> bool {
        let liquidated = |portfolio| self.liquidations.contains_key(&portfolio);
        self.portfolios(account, purse).into_iter().any(liquidated)
            || self.of_wallet(account, purse).any(|slot| {
                let holding = &self.holdings[slot as usize];
                !self.markets[usize::from(holding.instrument)].covers(holding)
            })
    }

    fn is_close_only(&self, purse: u32) -> bool {
        let purse = &self.purses[purse as usize];
        purse.equity() < purse.held
    }

    /// True for a wallet whose margin is as it may be between two commands: what is short is on the ladder, and who is
    /// close-only has no orders that add risk.
    pub(crate) fn is_judged(&self, account: u32, purse: u32) -> bool {
        let house = self.accounts[account as usize].house;
        let settled = |portfolio| {
            house || self.liquidations.contains_key(&portfolio) || !self.standing(portfolio).is_short()
        };
        self.portfolios(account, purse).into_iter().all(settled)
            && (!self.is_close_only(purse)
                || self.of_wallet(account, purse).all(|slot| self.adding_orders(slot).is_empty()))
    }

    /// Slots of the holdings that a wallet margins, by contract.
    pub(super) fn of_wallet(&self, account: u32, purse: u32) -> impl Iterator<Item = u32> {
        let holdings = self.accounts[account as usize].holdings.iter().map(|(_, slot)| *slot);
        holdings.filter(move |slot| self.holdings[*slot as usize].purse == purse)
    }

    /// Cancels all of a wallet's orders that add risk, the youngest first.
    fn cancel_what_adds(&mut self, account: u32, purse: u32, events: &mut Vec<Event>) {
        let holdings: Vec<u32> = self.of_wallet(account, purse).collect();
        let mut adding: Vec<u32> = holdings.into_iter().flat_map(|slot| self.adding_orders(slot)).collect();
        adding.sort_unstable_by_key(|slot| std::cmp::Reverse(self.orders.get(*slot).id));
        for slot in adding {
            self.remove_open(slot, UpdateReason::NotEnoughMargin, None, events);
        }
    }

    /// Slots of a holding's resting orders that could add to its position: all but those that together only close it,
    /// the most aggressive of them first, at one price the oldest.
    fn adding_orders(&self, slot: u32) -> Vec<u32> {
        let holding = &self.holdings[slot as usize];
        let adds = |slot: &u32| !self.orders.get(*slot).reduce_only;
        let mut orders: Vec<u32> = holding.orders.iter().copied().filter(adds).collect();
        orders.sort_unstable_by_key(|slot| {
            let order = self.orders.get(*slot);
            (-order.side.sign() * order.price, order.id)
        });
        let mut closable = [Side::Buy, Side::Sell].map(|side| holding.closable(side));
        orders.retain(|slot| {
            let order = self.orders.get(*slot);
            let left = &mut closable[order.side as usize];
            let closes = order.open() <= *left;
            if closes {
                *left -= order.open();
            }
            !closes
        });
        orders
    }
}
