//! Taking from the book, and what each fill does to both sides; orders coming to rest, leaving, and closing.

use super::position::{Booking, Charges, Margin, PositionChange};
use super::self_trade::Meeting;
use super::{Exchange, emit};
use crate::account::MarginWallet;
use crate::event::{Event, Execution, Fill};
use crate::fees::fee_of;
use crate::id::{ExecutionId, InstrumentId, Price, Qty, Side, Timestamp};
use crate::instrument::Worth;
use crate::market::Market;
use crate::slot::{FamilySlot, OrderSlot, PositionSlot};
use crate::words::{FillRole, OrderError, OrderStatus, Signal, UpdateReason};

/// Rows of an account's log that a fill has: what it did to the position, and to the wallet.
const FILL_ROWS: u64 = 2;

/// How taking from the book ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Filled to the last lot.
    All,
    /// Nothing more to take at the limit; a rest is left.
    Rest,
    /// The next order to take is of the same family and refuses it; a rest is left.
    MetOwn,
}

/// What is open at a price now.
pub(super) struct LevelChange {
    instrument: InstrumentId,
    side: Side,
    price: Price,
    qty: Qty,
    number: u64,
    at: Timestamp,
}

impl LevelChange {
    #[inline(always)]
    pub fn event(self) -> Event {
        let Self { instrument, side, price, qty, number, at } = self;
        Event::Level { instrument, side, price, qty, number, at }
    }
}

/// What was traded in one match; the same for both sides.
pub(super) struct Traded {
    /// Positive.
    pub lots: i64,
    pub price: Price,
    pub worth: Worth,
}

impl Exchange {
    /// Matches an order against the opposite side up to its limit.
    pub(super) fn take(&mut self, taker: OrderSlot, role: FillRole, events: &mut Vec<Event>) -> Taken {
        let (side, limit, position) = {
            let order = self.orders.get(taker);
            (order.side, order.price, order.position)
        };
        let market = self.positions[position].instrument;
        loop {
            let best = self.markets[market].book.best(side.opposite());
            let reached = best.filter(|level| side.sign() * (level.price - limit) <= 0);
            let Some(maker) = reached.map(|level| level.head) else { return Taken::Rest };
            let meeting = match role {
                FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => self.meeting(position, maker),
                // The exchange's own orders know no families.
                _ => Meeting::Trades,
            };
            match meeting {
                Meeting::Trades => self.execute(maker, taker, role, events),
                Meeting::CancelsMaker => {
                    self.remove_open(maker, UpdateReason::WouldExecuteSelf, None, events);
                    continue;
                }
                Meeting::RefusesTaker => return Taken::MetOwn,
            }
            if self.orders.get(taker).open() == 0 {
                return Taken::All;
            }
        }
    }

    /// One match: as much as both orders have open, at the maker's price.
    fn execute(&mut self, maker: OrderSlot, taker: OrderSlot, role: FillRole, events: &mut Vec<Event>) {
        let (maker_order, taker_order) = (self.orders.get(maker), self.orders.get(taker));
        let lots = maker_order.open().min(taker_order.open());
        let (maker_id, price, level) = (maker_order.id, Price(maker_order.price), maker_order.level);
        let maker_closes = lots == maker_order.open();
        let (maker_position, taker_position) = (maker_order.position, taker_order.position);
        let taker_side = taker_order.side;
        let maker_side = taker_side.opposite();
        let instrument = self.positions[maker_position].instrument;
        let id = ExecutionId(self.next_execution);
        self.next_execution += 1;

        let at = self.now;
        let market = &mut self.markets[instrument];
        market.last = Some(price.0);
        market.trades += 1;
        let (trade, mark, number) = (market.trades, market.mark, market.next_level());
        let level_qty = market.book.shrink(level.known(), lots);
        let traded = Traded { lots, price, worth: market.instrument.worth(lots, price) };
        // What a resting order of an exact value held as order it holds as position.
        let same_margin = market.instrument.is_exact()
            && !maker_order.reduce_only
            && self.positions[maker_position].is_one_sided(maker_side);
        let margin_wallet = &self.margin_wallets[self.positions[maker_position].margin_wallet];
        // Made where it stays, and then filled in: it is four times as large as an event, and would be copied with each step.
        let mut execution = Box::write(
            Box::new_uninit(),
            Execution {
                id,
                at,
                instrument,
                trade,
                price,
                qty: Qty(lots),
                usd_value: traded.worth.notional,
                mark,
                taker_side,
                wallet: margin_wallet.wallet,
                currency: margin_wallet.currency,
                taker: Fill::unbooked(role),
                maker: Fill::unbooked(FillRole::Maker),
            },
        );
        match role {
            FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => {
                self.fill(taker, taker_position, taker_side, &traded, &mut execution.taker);
            }
            _ => {
                self.fill_liquidation(taker, taker_position, taker_side, &traded, &mut execution.taker);
            }
        }
        self.fill(maker, maker_position, maker_side, &traded, &mut execution.maker);
        let maker_account = execution.maker.account;
        emit(events, || Event::Executed(execution));

        if same_margin {
            // What follows for inexact values, without computing the value again.
            let sum = self.positions[maker_position].open_sum_mut(maker_side);
            sum.lots -= lots;
            sum.value -= traded.worth.value;
        } else {
            self.uncount(maker, lots);
        }
        if maker_closes {
            let book = &mut self.markets[instrument].book;
            book.leave(&mut self.orders, maker);
            self.unlist(maker);
            self.close(maker, OrderStatus::FullyExecuted, UpdateReason::FullFill, None, events);
            emit(events, || Event::Filled { order: maker_id, account: maker_account });
        }
        emit(events, || Event::Level { instrument, side: maker_side, price, qty: level_qty, number, at });
        let margin = if same_margin { Margin::Unmoved } else { Margin::Stale };
        self.after_change(maker_position, margin, events);
        if !self.markets[instrument].triggers.is_empty() {
            self.judge(instrument, Signal::Last, events);
        }
    }

    /// Books one side of a match: the position, with its fee; and the order's own record. Fills in what it comes to.
    #[inline(always)]
    fn fill(&mut self, slot: OrderSlot, size: PositionSlot, side: Side, traded: &Traded, fill: &mut Fill) {
        let role = fill.role;
        self.fill_charged(slot, size, side, traded, fill, |market, margin_wallet| {
            let rate = role.rate(margin_wallet.rates());
            let fee = fee_of(market.instrument.spec().kind, &traded.worth, rate);
            Charges { rate, fee, into_pool: None }
        });
    }

    /// As [`Exchange::fill`], where something else is paid than the fee of its rate.
    #[inline(always)]
    pub(super) fn fill_charged(
        &mut self,
        slot: OrderSlot,
        size: PositionSlot,
        side: Side,
        traded: &Traded,
        fill: &mut Fill,
        charges: impl FnOnce(&Market, &MarginWallet) -> Charges,
    ) {
        let change = PositionChange { side, lots: traded.lots, value: traded.worth.value, rows: FILL_ROWS };
        let booked = self.book_position(size, &change, charges);
        let position = &self.positions[size];
        let (account, family) = (position.account, position.family);
        let owner = &mut self.accounts[account];
        owner.fills += 1;
        (fill.number, fill.account) = (owner.fills, account);
        if !fill.role.is_off_book() && self.families[family].count(traded.worth.notional) {
            self.refresh_rates(family);
        }

        let order = self.orders.get_mut(slot);
        (fill.filled_before, fill.qty) = (Qty(order.filled), Qty(order.qty));
        (fill.order, fill.order_type) = (order.id, order.order_type);
        order.filled += traded.lots;
        order.updated_at = self.now;
        order.reason = Some(UpdateReason::PartialFill);
        order.error = None;
        // Few orders have a name, and only theirs is looked up.
        if order.flags.named() {
            fill.client_order_id.clone_from(&self.orders.record(slot).client_order_id);
        }
        let Booking {
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
        } = booked;
        (fill.fee, fill.fee_rate, fill.log) = (charges.fee, charges.rate, log);
        (fill.realized_pnl, fill.realized_funding) = (realized_pnl, realized_funding);
        fill.liquidation_fee = charges.into_pool.unwrap_or_default();
        (fill.position, fill.entry_before, fill.entry) = (size, entry_before, entry);
        (fill.opened_at, fill.balance) = (opened_at, balance);
        fill.gain = gain.map(Box::new);
    }

    /// Looks up what a family pays now, and tells its margin wallets.
    #[cold]
    fn refresh_rates(&mut self, family: FamilySlot) {
        let family = &mut self.families[family];
        let tier = family.tier();
        for member in &family.members {
            let account = &self.accounts[*member];
            for margin_wallet in account.margin_wallets() {
                self.margin_wallets[margin_wallet].tier = tier;
            }
        }
    }

    /// A new day: volume that is thirty days old no longer earns a tier, traded since or not.
    pub(super) fn roll_volumes(&mut self) {
        for family in self.families.slots() {
            if self.families[family].roll(self.now) {
                self.refresh_rates(family);
            }
        }
    }

    /// Puts an order into the book and into its position's list and sums; the margin is the caller's to refresh.
    #[inline]
    pub(super) fn rest(&mut self, slot: OrderSlot, events: &mut Vec<Event>) {
        let order = self.orders.get(slot);
        let (side, price, open, reduce_only) =
            (order.side, Price(order.price), order.open(), order.reduce_only);
        let position = &mut self.positions[order.position];
        let market = &mut self.markets[position.instrument];
        position.small_orders += u32::from(order.flags.small());
        position.reduce_only_orders += u32::from(reduce_only);
        self.orders.record_mut(slot).own_place = position.orders.len() as u32;
        position.orders.push(slot);
        if !reduce_only {
            let value = market.instrument.worth(open, price).value;
            let sum = position.open_sum_mut(side);
            sum.lots += open;
            sum.value += value;
        }
        let qty = market.book.enter(&mut self.orders, slot);
        let (instrument, number, at) = (position.instrument, market.next_level(), self.now);
        emit(events, || Event::Level { instrument, side, price, qty, number, at });
    }

    /// Takes an order out of its position's list and counts; its sums must be taken out by [`Exchange::uncount`].
    #[inline(always)]
    pub(super) fn unlist(&mut self, slot: OrderSlot) {
        let order = self.orders.get(slot);
        let position = &mut self.positions[order.position];
        position.small_orders -= u32::from(order.flags.small());
        position.reduce_only_orders -= u32::from(order.reduce_only);
        let place = self.orders.record(slot).own_place;
        position.orders.swap_remove(place as usize);
        if let Some(moved) = position.orders.get(place as usize) {
            self.orders.record_mut(*moved).own_place = place;
        }
    }

    /// Takes `lots` of an open order out of its position's sums. The order itself is smaller by them already.
    pub(super) fn uncount(&mut self, slot: OrderSlot, lots: i64) {
        let order = self.orders.get(slot);
        if order.reduce_only {
            return;
        }
        let position = &mut self.positions[order.position];
        let instrument = &self.markets[position.instrument].instrument;
        let price = Price(order.price);
        // As the difference of two order values, not the value of the difference: where values are rounded (inverse
        // contracts) the sum stays the sum of what is open.
        let value = if instrument.is_exact() {
            instrument.worth(lots, price).value
        } else {
            instrument.worth(order.open() + lots, price).value - instrument.worth(order.open(), price).value
        };
        let sum = position.open_sum_mut(order.side);
        sum.lots -= lots;
        sum.value -= value;
    }

    /// Takes an open order out of the book and of the list and sums of its position, and tells what is left at its price;
    /// the margin is the caller's to refresh.
    #[inline(always)]
    pub(super) fn withdraw(&mut self, slot: OrderSlot) -> LevelChange {
        let order = self.orders.get(slot);
        let (side, price, open) = (order.side, Price(order.price), order.open());
        let instrument = self.positions[order.position].instrument;
        let market = &mut self.markets[instrument];
        let (qty, number) = (market.book.leave(&mut self.orders, slot), market.next_level());
        self.unlist(slot);
        let order = self.orders.get(slot);
        if !order.reduce_only {
            let position = &mut self.positions[order.position];
            let listed = &self.markets[instrument].instrument;
            let sum = position.open_sum_mut(side);
            sum.lots -= open;
            sum.value -= listed.worth(open, price).value;
        }
        LevelChange { instrument, side, price, qty, number, at: self.now }
    }

    /// Removes an open order: out of the book, closed, told.
    pub(super) fn remove_open(
        &mut self,
        slot: OrderSlot,
        reason: UpdateReason,
        error: Option<OrderError>,
        events: &mut Vec<Event>,
    ) {
        let order = self.orders.get(slot);
        let (side, lots, price, held_margin) =
            (order.side, order.open(), Price(order.price), !order.reduce_only);
        let position_slot = order.position;
        let left = self.withdraw(slot);
        emit(events, || left.event());
        if held_margin {
            let position = &self.positions[position_slot];
            let instrument = &self.markets[position.instrument].instrument;
            match instrument.exact_margin(&instrument.worth(lots, price)) {
                Some(margin) if position.margins_add_up(instrument, side, position.initial_margin) => {
                    self.set_initial_margin(position_slot, position.initial_margin - margin);
                }
                _ => self.refresh_initial_margin(position_slot),
            }
        }
        self.close(slot, OrderStatus::Cancelled, reason, error, events);
        emit(events, || Event::Cancelled { order: self.view(slot) });
    }
}
