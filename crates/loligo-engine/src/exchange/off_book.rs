//! Two positions that meet without the book (rules 5.6): one that is liquidated, and one of who takes it over or is closed against it.
//! Both have an order of their own, filled at once; the print moves no last price, fires nothing and counts in no volume.

use super::matching::Traded;
use super::position::{Charges, Margin};
use super::{Exchange, emit};
use crate::account::{Position, book};
use crate::event::{Event, Execution, Fill};
use crate::id::{ExecutionId, Price, Qty, Side};
use crate::margin::isolated_of;
use crate::money::{Fine, Money};
use crate::order::{Order, OrderFlags, Record};
use crate::slot::{Maybe, OrderSlot, PositionSlot};
use crate::words::{FillRole, OrderStatus, OrderType, UpdateReason};

/// How two positions meet.
#[derive(Clone, Copy, Debug)]
pub(super) enum OffBook {
    /// The other takes the position over, and pays so much into the pool; negative what it is paid.
    Assignment { into_pool: Money },
    /// The other is closed against it.
    Unwind,
}

/// What the exchange sends to the market to close a position.
#[derive(Clone, Copy, Debug)]
pub(super) struct FillOf {
    pub lots: i64,
    pub limit: Price,
    pub order_type: OrderType,
    pub role: FillRole,
}

impl Exchange {
    /// Takes in an order of the exchange's own, which is in no book; and tells it.
    pub(super) fn place_own(
        &mut self,
        slot: PositionSlot,
        (side, lots, price): (Side, i64, Price),
        order_type: OrderType,
        reduce_only: bool,
        events: &mut Vec<Event>,
    ) -> OrderSlot {
        let order = Order {
            id: self.orders.next_id(),
            price: price.0,
            qty: lots,
            filled: 0,
            updated_at: self.now,
            prev: Maybe::NONE,
            next: Maybe::NONE,
            level: Maybe::NONE,
            position: slot,
            side,
            order_type,
            status: OrderStatus::EnteredBook,
            reduce_only,
            flags: OrderFlags::default(),
            reason: Some(UpdateReason::LiquidationOrder),
            error: None,
        };
        let account = self.positions[slot].account;
        let record = Record { account, own_place: 0, placed_at: self.now, client_order_id: None };
        let order = self.orders.insert(order, record);
        let reduced = reduce_only.then_some(Qty(0));
        emit(events, || Event::Placed { order: self.view(order), reduced });
        order
    }

    /// Sends an order of the exchange's own to the market, which closes as much of a position as it finds.
    pub(super) fn send(&mut self, slot: PositionSlot, order: FillOf, events: &mut Vec<Event>) {
        let FillOf { lots, limit, order_type, role } = order;
        let side = self.positions[slot].closing_side();
        let order = self.place_own(slot, (side, lots, limit), order_type, true, events);
        let taken = self.take(order, role, events);
        self.finish_taker(order, taken, events);
        self.after_change(slot, Margin::Stale, events);
    }

    /// Closes lots of a position against another, or assigns them to it, at a price.
    pub(super) fn meet(
        &mut self,
        closed: PositionSlot,
        other: PositionSlot,
        (lots, price): (i64, Price),
        how: OffBook,
        events: &mut Vec<Event>,
    ) {
        let (order_type, closes, opposite) = match how {
            OffBook::Assignment { .. } => (OrderType::Assignment, FillRole::Assignor, FillRole::Assignee),
            OffBook::Unwind => (OrderType::Unwind, FillRole::UnwindBankrupt, FillRole::UnwindCounterparty),
        };
        let side = self.positions[closed].closing_side();
        let reduces = matches!(how, OffBook::Unwind);
        let taker = self.place_own(closed, (side, lots, price), order_type, true, events);
        let maker = self.place_own(other, (side.opposite(), lots, price), order_type, reduces, events);

        let id = ExecutionId(self.next_execution);
        self.next_execution += 1;
        let instrument = self.positions[closed].instrument;
        let market = &mut self.markets[instrument];
        market.trades += 1;
        let (trade, mark) = (market.trades, market.mark);
        let traded = Traded { lots, price, worth: market.instrument.worth(lots, price) };
        let margin_wallet = &self.margin_wallets[self.positions[closed].margin_wallet];
        let mut execution = Box::new(Execution {
            id,
            at: self.now,
            instrument,
            trade,
            price,
            qty: Qty(lots),
            usd_value: traded.worth.notional,
            mark,
            taker_side: side,
            wallet: margin_wallet.wallet,
            currency: margin_wallet.currency,
            taker: Fill::unbooked(closes),
            maker: Fill::unbooked(opposite),
        });
        self.fill_free(taker, closed, side, &traded, Money::ZERO, &mut execution.taker);
        let into_pool = if let OffBook::Assignment { into_pool } = how { into_pool } else { Money::ZERO };
        self.fill_free(maker, other, side.opposite(), &traded, into_pool, &mut execution.maker);
        emit(events, || Event::Executed(execution));
        for (order, slot) in [(taker, closed), (maker, other)] {
            let (id, account) = (self.orders.get(order).id, self.positions[slot].account);
            self.close(order, OrderStatus::FullyExecuted, UpdateReason::FullFill, None, events);
            emit(events, || Event::Filled { order: id, account });
        }
        for slot in [closed, other] {
            self.after_change(slot, Margin::Stale, events);
        }
    }

    /// A fill without a fee. Whatever the price is, an isolated position that is closed loses no more than was set aside for it: the
    /// pool pays what is beyond.
    fn fill_free(
        &mut self,
        order: OrderSlot,
        slot: PositionSlot,
        side: Side,
        traded: &Traded,
        into_pool: Money,
        fill: &mut Fill,
    ) {
        let position = &self.positions[slot];
        let value = self.markets[position.instrument].instrument.signed(side, traded.worth.value);
        let beyond = match fill.role {
            // Who takes a position over has chosen to.
            FillRole::Assignee => Money::ZERO,
            _ => beyond_set_aside(left_of_set_aside(position, side.sign() * traded.lots, value)),
        };
        let into_pool = into_pool - beyond;
        let charges =
            Charges { rate: 0, fee: Money::ZERO, into_pool: (into_pool != Money::ZERO).then_some(into_pool) };
        self.fill_charged(order, slot, side, traded, fill, |_, _| charges);
    }
}

/// What closing lots of an isolated position at a value leaves of what was set aside for them; less than nothing where it loses more.
/// `None` of one that is cross, for which nothing is.
pub(super) fn left_of_set_aside(position: &Position, lots: i64, value: Fine) -> Option<Fine> {
    let leverage = position.leverage?;
    let booked = book(position.size, position.entry, lots, value);
    let released = position.set_aside() - isolated_of(Fine(booked.entry.0.abs()), leverage);
    Some(released + booked.realized.book().0.fine())
}

/// By how much a loss is more than what was set aside, of which so much is left.
pub(super) fn beyond_set_aside(left: Option<Fine>) -> Money {
    left.map_or(Money::ZERO, |left| (-left).ceil().max(Money::ZERO))
}
