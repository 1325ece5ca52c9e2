//! Placing: a ladder of checks in the order of the rules (1.11), one marked line, then a change that cannot fail.

use super::matching::Taken;
use super::{Exchange, tell};
use crate::account::{Holding, fee_of};
use crate::command::{ClientOrderId, OnGrid, OrderType, PlaceOrder};
use crate::event::{Event, FillRole, OrderError, OrderStatus, Outcome, Refusal, UpdateReason};
use crate::id::{Price, Qty, Side};
use crate::instrument::{MAX_LOTS, MAX_TICKS, Worth};
use crate::market::Market;
use crate::money::{Fine, Money};
use crate::order::{NIL, Order, Record};
use crate::view::MarketState;
use std::sync::Arc;

/// An order that has passed every check, as it will be placed.
struct Accepted {
    lots: i64,
    limit: i64,
    /// Cut from what was asked; absent for orders that are not reduce-only.
    reduced: Option<i64>,
    small: bool,
    crosses: bool,
    /// The margin its holding holds when it rests whole.
    held: Fine,
}

/// What a taker would meet within its limit and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Enough to fill it, none of it its own.
    Enough,
    /// Not enough, none of it its own.
    Short,
    /// An order of its own family.
    Own,
}

impl Exchange {
    #[inline(never)]
    pub(super) fn place(&mut self, ask: &PlaceOrder, events: &mut Vec<Event>) -> Outcome {
        if ask.account.0 as usize >= self.accounts.len() {
            return Outcome::Refused(Refusal::UnknownAccount);
        }
        let Some(market) = self.markets.get(usize::from(ask.instrument.0)) else {
            return Outcome::Refused(Refusal::UnknownInstrument);
        };
        if ask.process_before.is_some_and(|limit| self.now >= limit) {
            return Outcome::TooLate;
        }
        let limit = limit_of(ask, market);
        let holding = match market.holdings.get(ask.account.0 as usize) {
            Some(slot) if *slot != NIL => *slot,
            _ => self.open_holding(ask.account.0, ask.instrument),
        };
        match self.check_place(ask, limit, holding) {
            Err(error) => self.refuse(ask, limit, holding, error, events),
            // Every check is behind us: from here on nothing is refused.
            Ok(accepted) => self.accept(ask, &accepted, holding, events),
        }
    }

    #[inline(always)]
    fn check_place(
        &self,
        ask: &PlaceOrder,
        limit: Option<i64>,
        holding_slot: u32,
    ) -> Result<Accepted, OrderError> {
        let market = &self.markets[usize::from(ask.instrument.0)];
        let holding = &self.holdings[holding_slot as usize];
        let instrument = &market.instrument;
        self.check_state(market)?;
        if ask.stop_price.is_some() {
            return Err(OrderError::OrderCannotHaveTriggerPrice);
        }
        if limit.is_none() && ask.order_type != OrderType::Market {
            return Err(OrderError::InvalidPrice);
        }
        let asked = lots_of(ask.qty)?;
        let worth = match (ask.order_type, market.mark) {
            (OrderType::Market, Some(mark)) => instrument.notional_at(asked, mark),
            _ => limit.map(|limit| instrument.notional(asked, Price(limit))),
        };
        let worth = self.check_value(worth)?;
        match &ask.client_order_id {
            None => {}
            Some(ClientOrderId::TooLong) => return Err(OrderError::ClientOrderIdTooLong),
            Some(ClientOrderId::Invalid) => return Err(OrderError::ClientOrderIdInvalid),
            Some(ClientOrderId::Valid(name)) if self.orders.find_name(ask.account, name).is_some() => {
                return Err(OrderError::ClientOrderIdInUse);
            }
            Some(ClientOrderId::Valid(_)) => {}
        }
        let rests = matches!(ask.order_type, OrderType::Limit | OrderType::Post);
        let small = worth < Money(i128::from(self.limits.small_order_usd) * Money::ONE);
        if rests && !holding.house {
            if small && holding.small_orders >= self.limits.small_orders {
                return Err(OrderError::SmallOrderLimitExceeded);
            }
            if holding.orders.len() >= self.limits.open_orders as usize {
                return Err(OrderError::OrderLimitExceeded);
            }
        }
        let crosses = limit.is_some_and(|limit| market.book.crosses(ask.side, limit));
        let mut lots = asked;
        if ask.reduce_only {
            lots = lots.min(self.reducible(holding_slot, ask.side, limit.filter(|_| rests && !crosses), NIL));
            if lots == 0 {
                return Err(OrderError::WouldNotReducePosition);
            }
        } else {
            let open = match ask.side {
                Side::Buy => holding.position + holding.buys.lots,
                Side::Sell => holding.sells.lots - holding.position,
            };
            if open.saturating_add(lots) > instrument.spec().max_position.0 {
                return Err(OrderError::MaxPositionExceeded);
            }
        }
        if crosses && ask.order_type != OrderType::Post {
            self.check_collar(market, ask.side, limit)?;
        }
        let held = match limit {
            Some(limit) if !ask.reduce_only => {
                let worth = instrument.worth(lots, Price(limit));
                self.check_margin(holding, market, ask.side, lots, &worth, None)?
            }
            _ => holding.held,
        };
        self.check_book(ask, limit, lots, crosses, holding.family)?;
        let limit = limit.unwrap_or(0);
        let reduced = ask.reduce_only.then_some(asked - lots);
        Ok(Accepted { lots, limit, reduced, small, crosses, held })
    }

    /// Row 7: the market trades.
    pub(super) fn check_state(&self, market: &Market) -> Result<(), OrderError> {
        match market.state(&self.pairs[usize::from(market.pair().0)], self.now) {
            MarketState::Open => Ok(()),
            MarketState::Suspended => Err(OrderError::MarketSuspended),
            MarketState::Closed => Err(OrderError::MarketNotFound),
        }
    }

    /// Row 9, second half: the order is worth no more than one order may be.
    pub(super) fn check_value(&self, worth: Option<Money>) -> Result<Money, OrderError> {
        let most = Money(i128::from(self.limits.order_value_usd) * Money::ONE);
        worth.filter(|worth| *worth <= most).ok_or(OrderError::InvalidQuantity)
    }

    /// Row 13: how many lots a reduce-only order of `side` may have. One that will only rest (`resting_at`) stands
    /// behind the reduce-only orders that are more aggressive, or older at its price; `except` is the order itself.
    pub(super) fn reducible(&self, holding: u32, side: Side, resting_at: Option<i64>, except: u32) -> i64 {
        let closable = self.holdings[holding as usize].closable(side);
        let Some(limit) = resting_at else { return closable };
        let holding = &self.holdings[holding as usize];
        if closable == 0 || holding.reduce_only_orders == 0 {
            return closable;
        }
        let ahead: i64 = holding
            .orders
            .iter()
            .filter(|slot| **slot != except)
            .map(|slot| self.orders.get(*slot))
            .filter(|order| {
                let better = side.sign() * (order.price - limit);
                let older = except == NIL || order.id < self.orders.get(except).id;
                order.reduce_only && order.side == side && (better > 0 || (better == 0 && older))
            })
            .map(Order::open)
            .sum();
        (closable - ahead).max(0)
    }

    /// Row 16: an execution must not be too far on the wrong side of the mark.
    pub(super) fn check_collar(
        &self,
        market: &Market,
        side: Side,
        limit: Option<i64>,
    ) -> Result<(), OrderError> {
        let (Some(limit), Some(mark)) = (limit, market.mark) else { return Ok(()) };
        let limit = market.instrument.fine_price(Price(limit)).0 * 1_000_000;
        let collar = i128::from(self.limits.price_collar);
        let outside = match side {
            Side::Buy => limit > mark.0 * (1_000_000 + collar),
            Side::Sell => limit < mark.0 * (1_000_000 - collar),
        };
        if outside { Err(OrderError::PriceCollar) } else { Ok(()) }
    }

    /// Row 18: what the order adds to initial margin, and its taker fee, must be free. `instead_of` is an open order
    /// it takes the place of (an edit). Gives the margin that is held when it rests whole.
    #[inline(always)]
    pub(super) fn check_margin(
        &self,
        holding: &Holding,
        market: &Market,
        side: Side,
        lots: i64,
        worth: &Worth,
        instead_of: Option<&Order>,
    ) -> Result<Fine, OrderError> {
        let instrument = &market.instrument;
        let held = match (instrument.exact_margin(worth), instead_of) {
            (Some(margin), None) if holding.is_one_sided(side) => holding.held + margin,
            _ => {
                let replaced = instead_of
                    .map(|order| (order.open(), instrument.worth(order.open(), Price(order.price)).value));
                holding.margin_with(instrument, side, (lots, worth.value), replaced)
            }
        };
        let added = held - holding.held;
        if added > Fine::ZERO {
            let purse = &self.purses[holding.purse as usize];
            let left = purse.equity() - purse.held - added;
            // No fee is more than the value and what it is rounded up by: it need be known only when less is left.
            if left < worth.value + Money(1).fine() {
                let fee = fee_of(instrument.spec().kind, worth, purse.rates().taker);
                if left < fee.fine() {
                    return Err(OrderError::InsufficientMargin);
                }
            }
        }
        Ok(held)
    }

    /// Row 19: what the book makes of it.
    #[inline(always)]
    fn check_book(
        &self,
        ask: &PlaceOrder,
        limit: Option<i64>,
        lots: i64,
        crosses: bool,
        family: u32,
    ) -> Result<(), OrderError> {
        let market = &self.markets[usize::from(ask.instrument.0)];
        match ask.order_type {
            OrderType::Post if crosses => return Err(OrderError::PostWouldExecute),
            OrderType::Post => return Ok(()),
            OrderType::ImmediateOrCancel | OrderType::Market | OrderType::FillOrKill if !crosses => {
                return Err(OrderError::IocWouldNotExecute);
            }
            OrderType::FillOrKill => {
                return match self.reach(market, ask.side, limit.unwrap_or(0), lots, family) {
                    Reach::Enough => Ok(()),
                    Reach::Short => Err(OrderError::IocWouldNotExecute),
                    Reach::Own => Err(OrderError::WouldExecuteSelf),
                };
            }
            OrderType::Limit | OrderType::ImmediateOrCancel | OrderType::Market => {}
        }
        if crosses { self.check_first_maker(market, ask.side, family) } else { Ok(()) }
    }

    /// The first order to be met must not be of the same family.
    fn check_first_maker(&self, market: &Market, side: Side, family: u32) -> Result<(), OrderError> {
        match market.book.best(side.opposite()) {
            Some(level) if self.family_of(level.head) == family => Err(OrderError::WouldExecuteSelf),
            _ => Ok(()),
        }
    }

    /// Looks at the orders that a taker of so many lots would meet, without changing anything. Reduce-only makers
    /// count for what they will still have when they are met: fills before them shrink the position they close.
    pub(super) fn reach(&self, market: &Market, side: Side, limit: i64, lots: i64, family: u32) -> Reach {
        let mut left = lots;
        let mut met: Vec<(u32, i64)> = Vec::new();
        for level in market.book.levels(side.opposite()) {
            if side.sign() * (level.price - limit) > 0 {
                break;
            }
            let mut slot = level.head;
            while slot != NIL {
                if self.family_of(slot) == family {
                    return Reach::Own;
                }
                let order = self.orders.get(slot);
                let known = met.iter().position(|(holding, _)| *holding == order.holding);
                let at = known.unwrap_or_else(|| {
                    met.push((order.holding, 0));
                    met.len() - 1
                });
                let mut open = order.open();
                if order.reduce_only {
                    let closable = self.holdings[order.holding as usize].closable(order.side);
                    open = open.min((closable - met[at].1).max(0));
                }
                met[at].1 += open;
                left -= open;
                if left <= 0 {
                    return Reach::Enough;
                }
                slot = order.next;
            }
        }
        Reach::Short
    }

    fn refuse(
        &mut self,
        ask: &PlaceOrder,
        limit: Option<i64>,
        holding: u32,
        error: OrderError,
        events: &mut Vec<Event>,
    ) -> Outcome {
        let lots = lots_of(ask.qty).unwrap_or(0);
        let slot = self.take_in(ask, limit.unwrap_or(0), lots, false, holding);
        self.close(slot, OrderStatus::Rejected, reason_of(error), Some(error), events);
        let order = self.view(slot);
        let id = order.id;
        tell(events, || Event::Rejected { order });
        Outcome::Rejected(id, error)
    }

    #[inline(always)]
    fn accept(
        &mut self,
        ask: &PlaceOrder,
        accepted: &Accepted,
        holding: u32,
        events: &mut Vec<Event>,
    ) -> Outcome {
        let slot = self.take_in(ask, accepted.limit, accepted.lots, accepted.small, holding);
        let id = self.orders.get(slot).id;
        if ask.client_order_id.is_some() {
            self.orders.reserve_name(slot);
        }
        tell(events, || Event::Placed { order: self.view(slot), reduced: accepted.reduced.map(Qty) });
        if accepted.crosses {
            let taken = self.take(slot, FillRole::Taker, events);
            self.settle_rest(slot, taken, events);
            self.refresh_held(holding);
            self.cut_reduce_only(holding, events);
        } else {
            // What does not cross and is not refused, rests.
            self.rest(slot, events);
            self.set_held(holding, accepted.held);
            if ask.reduce_only {
                self.cut_reduce_only(holding, events);
            }
        }
        Outcome::Placed(id)
    }

    /// What becomes of an order after it took what it could: it is done, it rests, or its rest lapses.
    pub(super) fn settle_rest(&mut self, slot: u32, taken: Taken, events: &mut Vec<Event>) {
        let order = self.orders.get(slot);
        let id = order.id;
        match (taken, order.order_type) {
            (Taken::All, _) => {
                self.close(slot, OrderStatus::FullyExecuted, UpdateReason::FullFill, None, events);
                tell(events, || Event::Filled { order: id });
            }
            (Taken::Rest, OrderType::Limit | OrderType::Post) => self.rest(slot, events),
            (Taken::Rest, OrderType::ImmediateOrCancel | OrderType::Market | OrderType::FillOrKill) => {
                self.close(slot, OrderStatus::Cancelled, UpdateReason::PartialFill, None, events);
                tell(events, || Event::Cancelled { order: self.view(slot) });
            }
            (Taken::MetOwn, _) => {
                let error = Some(OrderError::RejectedAfterExecution);
                self.close(slot, OrderStatus::Cancelled, UpdateReason::WouldExecuteSelf, error, events);
                tell(events, || Event::Cancelled { order: self.view(slot) });
            }
        }
    }

    #[inline(always)]
    fn take_in(&mut self, ask: &PlaceOrder, price: i64, qty: i64, small: bool, holding: u32) -> u32 {
        let order = Order {
            id: self.orders.next_id(),
            price,
            qty,
            filled: 0,
            updated_at: self.now,
            prev: NIL,
            next: NIL,
            level: NIL,
            holding,
            side: ask.side,
            order_type: ask.order_type,
            status: OrderStatus::EnteredBook,
            reduce_only: ask.reduce_only,
            small,
            named: matches!(ask.client_order_id, Some(ClientOrderId::Valid(_))),
            reason: Some(UpdateReason::NewUserOrder),
            error: None,
        };
        let client_order_id = ask.client_order_id.as_ref().and_then(name_of);
        let record = Record { account: ask.account, own_place: NIL, placed_at: self.now, client_order_id };
        self.orders.insert(order, record)
    }
}

/// A client's name for an order, shared by its record and its events.
#[inline(never)]
fn name_of(name: &ClientOrderId) -> Option<Arc<str>> {
    match name {
        ClientOrderId::Valid(name) => Some(Arc::from(&**name)),
        ClientOrderId::TooLong | ClientOrderId::Invalid => None,
    }
}

/// The limit an order will trade at: its own if it is a price, a market order's implied one if there is a touch.
#[inline]
fn limit_of(ask: &PlaceOrder, market: &Market) -> Option<i64> {
    if ask.order_type == OrderType::Market {
        let touch = market.book.best(ask.side.opposite())?.price;
        // One per cent of protection, rounded to the tick towards the touch.
        return Some(match ask.side {
            Side::Buy => (touch * 101).div_euclid(100),
            Side::Sell => -(-touch * 99).div_euclid(100),
        });
    }
    ask.limit_price.and_then(|limit| ticks_of(limit).ok())
}

/// Row 8: a price is positive, on the tick, and not beyond the greatest.
pub(super) fn ticks_of(price: OnGrid) -> Result<i64, OrderError> {
    match price {
        OnGrid::Steps(ticks) if (1..=MAX_TICKS).contains(&ticks) => Ok(ticks),
        OnGrid::Steps(_) | OnGrid::Off | OnGrid::TooLarge => Err(OrderError::InvalidPrice),
    }
}

/// Row 9, first half: a quantity is positive and on the lot.
pub(super) fn lots_of(qty: OnGrid) -> Result<i64, OrderError> {
    match qty {
        OnGrid::Steps(lots) if (1..=MAX_LOTS).contains(&lots) => Ok(lots),
        OnGrid::Steps(_) | OnGrid::Off | OnGrid::TooLarge => Err(OrderError::InvalidQuantity),
    }
}

/// The reason word of a refusal, where there is one of the same meaning.
fn reason_of(error: OrderError) -> Option<UpdateReason> {
    match error {
        OrderError::PostWouldExecute => Some(UpdateReason::PostWouldExecute),
        OrderError::IocWouldNotExecute => Some(UpdateReason::IocWouldNotExecute),
        OrderError::WouldExecuteSelf => Some(UpdateReason::WouldExecuteSelf),
        OrderError::WouldNotReducePosition => Some(UpdateReason::WouldNotReducePosition),
        OrderError::MarketNotFound
        | OrderError::MarketSuspended
        | OrderError::OrderCannotHaveTriggerPrice
        | OrderError::InvalidPrice
        | OrderError::InvalidQuantity
        | OrderError::ClientOrderIdTooLong
        | OrderError::ClientOrderIdInvalid
        | OrderError::ClientOrderIdInUse
        | OrderError::SmallOrderLimitExceeded
        | OrderError::OrderLimitExceeded
        | OrderError::MaxPositionExceeded
        | OrderError::PriceCollar
        | OrderError::InsufficientMargin
        | OrderError::RejectedAfterExecution
        | OrderError::EditHasNoEffect
        | OrderError::OrderForEditNotFound
        | OrderError::OrderForCancellationNotFound => None,
    }
}
