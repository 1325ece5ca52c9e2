//! A change of position: what it does to position, wallet and market, and what follows from it for the account's orders. Whatever
//! changes a position goes this way.

use super::{Exchange, emit};
use crate::account::{MarginWallet, Netting};
use crate::event::{Event, GainPaid};
use crate::id::{Price, Qty, Side, Timestamp};
use crate::market::Market;
use crate::money::{Fine, Money};
use crate::slot::{OrderSlot, PositionSlot};
use crate::words::UpdateReason;

/// Lots that come to a position, or go from it, at a value; both without sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct PositionChange {
    pub side: Side,
    pub lots: i64,
    pub value: Fine,
    /// How many rows it has in the account's log.
    pub rows: u64,
}

/// What a change of position costs its wallet besides what it loses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charges {
    /// What the fee was reckoned at, in 1e-8 of the value.
    pub rate: i32,
    /// To the exchange; negative when a rebate is paid.
    pub fee: Money,
    /// To the pool that pays for the losses of others; of what pays nothing into it by rule, none.
    pub into_pool: Option<Money>,
}

/// What booking a change of position came to.
#[derive(Clone, Debug)]
pub(super) struct Booking {
    /// Signed lots after it.
    pub size: i64,
    pub entry_before: Fine,
    pub entry: Fine,
    /// When the position was opened that it found, or the one that it opened.
    pub opened_at: Option<Timestamp>,
    /// Before fees.
    pub realized_pnl: Money,
    /// What it had accrued; positive what it got.
    pub realized_funding: Money,
    pub charges: Charges,
    /// What the gain was paid in, where that is another currency than its wallet's.
    pub gain: Option<GainPaid>,
    /// Of its wallet, after it.
    pub balance: Money,
    /// The number of its first row in the account's log.
    pub log: u64,
}

/// What is known of the margin that a position and its orders hold, after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Margin {
    /// It is to be computed anew.
    Stale,
    /// What was held for an order is held for the position: it is as it was.
    Unmoved,
}

impl Exchange {
    /// Books a change of position, and all that moves with it: the funding it has accrued, the market's open interest, fees and dust, when the position was
    /// opened, the wallet's balance and open P&L, the pool. Margin and orders are for [`Exchange::after_change`], when whatever
    /// made the change is done with the account's orders.
    #[inline(always)]
    pub(super) fn book_position(
        &mut self,
        slot: PositionSlot,
        change: &PositionChange,
        charges: impl FnOnce(&Market, &MarginWallet) -> Charges,
    ) -> Booking {
        let PositionChange { side, lots, value, rows } = *change;
        let position = &mut self.positions[slot];
        let market = &mut self.markets[position.instrument];
        let margin_wallet = &mut self.margin_wallets[position.margin_wallet];

        let realized_funding = market.realize_funding(position, self.now);
        let (before, entry_before) = (position.size, position.entry);
        let booked = position.book(side.sign() * lots, market.instrument.signed(side, value));
        market.open_interest += position.size.max(0) - before.max(0);
        if (before == 0) != (position.size == 0) {
            market.holders.set(position.account, before == 0);
        }
        let opened_at = if before == 0 { Some(self.now) } else { position.opened_at };
        // It goes on, is closed, or another one begins, this way round or the other.
        position.opened_at = match position.size.signum() {
            0 => None,
            side if side == before.signum() => position.opened_at,
            _ => Some(self.now),
        };

        let mut realized_pnl = Money::ZERO;
        if booked.realized != Fine::ZERO {
            let (money, dust) = booked.realized.book();
            market.dust += dust;
            realized_pnl = money;
        }
        let charges = charges(market, margin_wallet);
        let Charges { fee, into_pool, .. } = charges;
        market.fees += fee;
        margin_wallet.balance += realized_pnl + realized_funding - fee;
        if let Some(paid) = into_pool {
            margin_wallet.balance -= paid;
            *self.pool.entry(margin_wallet.currency).or_default() += paid;
        }
        market.recount(position, margin_wallet, self.now);

        let (size, entry, mut balance) = (position.size, position.entry, margin_wallet.balance);
        let (account, gains_in) = (position.account, position.gains_in);
        let owner = &mut self.accounts[account];
        let log = owner.log + 1;
        owner.log += rows;
        let mut gain = None;
        if let Some(currency) = gains_in
            && realized_pnl > Money::ZERO
        {
            gain = self.pay_gain(account, currency, realized_pnl);
            balance = self.margin_wallets[self.accounts[account].flex].balance;
        }
        Booking {
            size,
            entry_before,
            entry,
            opened_at,
            realized_pnl,
            realized_funding,
            charges,
            gain,
            balance,
            log,
        }
    }

    /// What follows from a change of a position or of what its account has open in the contract: the margin it holds is brought up
    /// to date, its wallet is noted where its margin must be checked, and reduce-only orders are cut to what is left to reduce.
    #[inline(always)]
    pub(super) fn after_change(&mut self, slot: PositionSlot, margin: Margin, events: &mut Vec<Event>) {
        if margin == Margin::Stale {
            self.refresh_initial_margin(slot);
        }
        let position = &self.positions[slot];
        if self.margin_wallets[position.margin_wallet].balance < Money::ZERO {
            self.convert_collateral(position.account, position.margin_wallet, events);
        }
        self.look_at(slot);
        self.cut_reduce_only(slot, events);
    }

    /// Brings the margin a position holds up to date in its margin wallet.
    #[inline]
    pub(super) fn refresh_initial_margin(&mut self, slot: PositionSlot) {
        let position = &self.positions[slot];
        let instrument = &self.markets[position.instrument].instrument;
        let initial_margin = position.initial_margin(instrument);
        self.set_initial_margin(slot, initial_margin);
    }

    /// Sets the margin a position holds, and its margin wallet's sum.
    #[inline]
    pub(super) fn set_initial_margin(&mut self, slot: PositionSlot, initial_margin: Fine) {
        let position = &mut self.positions[slot];
        self.margin_wallets[position.margin_wallet].initial_margin +=
            initial_margin - position.initial_margin;
        position.initial_margin = initial_margin;
        if position.netting != Netting::Alone {
            self.recount_netting(slot);
        }
    }

    /// Cuts resting reduce-only orders so that together they close at most the position: the least aggressive first,
    /// at one price the youngest first. Those on the side that would add to it go whole.
    #[inline]
    pub(super) fn cut_reduce_only(&mut self, position_slot: PositionSlot, events: &mut Vec<Event>) {
        if self.positions[position_slot].reduce_only_orders > 0 {
            self.cut_to_position(position_slot, events);
        }
    }

    fn cut_to_position(&mut self, position_slot: PositionSlot, events: &mut Vec<Event>) {
        let position = &self.positions[position_slot];
        let closing = if position.size > 0 { Side::Sell } else { Side::Buy };
        let mut left = position.size.abs();
        let mut cuts = Vec::new();
        for slot in self.reduce_only_by_aggression(position_slot) {
            let order = self.orders.get(slot);
            let kept = if order.side == closing { order.open().min(left) } else { 0 };
            left -= kept;
            if kept < order.open() {
                cuts.push((slot, order.open() - kept));
            }
        }
        for (slot, cut) in cuts.into_iter().rev() {
            if cut == self.orders.get(slot).open() {
                self.remove_open(slot, UpdateReason::WouldNotReducePosition, None, events);
            } else {
                self.reduce(slot, cut, events);
            }
        }
    }

    /// Slots of a position's resting reduce-only orders, the most aggressive first, at one price the oldest first.
    pub(super) fn reduce_only_by_aggression(&self, position: PositionSlot) -> Vec<OrderSlot> {
        let position = &self.positions[position];
        let mut slots: Vec<OrderSlot> =
            position.orders.iter().copied().filter(|slot| self.orders.get(*slot).reduce_only).collect();
        slots.sort_unstable_by_key(|slot| {
            let order = self.orders.get(*slot);
            (-order.side.sign() * order.price, order.id)
        });
        slots
    }

    fn reduce(&mut self, slot: OrderSlot, by: i64, events: &mut Vec<Event>) {
        let now = self.now;
        let order = self.orders.get_mut(slot);
        order.qty -= by;
        order.reason = Some(UpdateReason::WouldNotReducePosition);
        order.error = None;
        order.updated_at = now;
        let (level, side, price) = (order.level, order.side, Price(order.price));
        let instrument = self.positions[order.position].instrument;
        let market = &mut self.markets[instrument];
        let (qty, number) = (market.book.shrink(level.known(), by), market.next_level());
        emit(events, || Event::Reduced { order: self.view(slot), by: Qty(by) });
        emit(events, || Event::Level { instrument, side, price, qty, number, at: now });
    }
}
