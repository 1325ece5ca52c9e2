//! Placing: a sequence of checks in the order of the rules (1.11), one marked line, then a change that cannot fail.

use super::matching::Taken;
use super::position::Margin;
use super::self_trade::WalkEnd;
use super::{Exchange, emit};
use crate::account::Position;
use crate::command::{ClientOrderId, OnGrid, PlaceOrder, Written};
use crate::event::Event;
use crate::id::{Price, Qty, Side};
use crate::instrument::{MAX_LOTS, MAX_TICKS};
use crate::market::Market;
pub(super) use crate::money::usd;
use crate::money::{Fine, Money};
use crate::order::{Order, OrderFlags, Record};
use crate::outcome::{PlaceOutcome, PlaceRefusal};
use crate::slot::{Maybe, OrderSlot, PositionSlot};
use crate::trigger::{Attached, Trigger};
use crate::words::{FillRole, MarketState, OrderError, OrderStatus, OrderType, UpdateReason};
use std::sync::Arc;

/// An order as the book would meet it: sent by a client, or made by a trigger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub side: Side,
    pub order_type: OrderType,
    /// Its limit; a market order's implied one, and none when there is nothing to imply it from.
    pub limit: Option<i64>,
    pub lots: i64,
    pub reduce_only: bool,
    /// Its slot, when it is known already: a trigger that fires, an order that is edited.
    pub slot: Option<OrderSlot>,
    /// A trigger sends it.
    pub fired: bool,
}

impl Terms {
    /// True when it closes the position before anything that rests does: see [`Incoming`](crate::account::Incoming).
    pub fn closes_first(&self, crosses: bool) -> bool {
        (crosses && self.order_type != OrderType::Post) || self.fired
    }
}

/// An order that has passed every check, as it will be placed.
pub(super) struct Accepted {
    pub lots: i64,
    pub limit: i64,
    /// Cut from what was asked; absent for orders that are not reduce-only.
    pub reduced: Option<i64>,
    pub crosses: bool,
    /// The margin its position holds when it rests whole.
    initial_margin: Fine,
}

/// What the shape of an order comes to (rows 8 to 12).
struct Shape {
    lots: i64,
    small: bool,
}

impl Exchange {
    #[inline(never)]
    pub(super) fn place(
        &mut self,
        ask: &PlaceOrder,
        written: Option<&Written>,
        events: &mut Vec<Event>,
    ) -> PlaceOutcome {
        let Some(account) = self.accounts.get(ask.account) else {
            return PlaceOutcome::Refused(PlaceRefusal::UnknownAccount);
        };
        if !account.may_trade() {
            return PlaceOutcome::AccountInactive;
        }
        let Some(market) = self.markets.get(ask.instrument) else {
            return PlaceOutcome::Refused(PlaceRefusal::UnknownInstrument);
        };
        if ask.process_before.is_some_and(|limit| self.now >= limit) {
            return PlaceOutcome::TooLate;
        }
        let position = match market.position_of(ask.account) {
            Some(slot) => slot,
            None => self.open_position(ask.account, ask.instrument),
        };
        if let Some(trigger) = &ask.trigger {
            return self.place_trigger(ask, written, trigger, position, events);
        }
        let market = &self.markets[ask.instrument];
        let limit = match ask.order_type {
            OrderType::Market => implied_limit(market, ask.side),
            _ => ask.limit_price.and_then(|limit| ticks_of(limit).ok()),
        };
        let checked = self.check_shape(ask, limit, position).and_then(|shape| {
            let terms = Terms {
                side: ask.side,
                order_type: ask.order_type,
                limit,
                lots: shape.lots,
                reduce_only: ask.reduce_only,
                slot: None,
                fired: false,
            };
            Ok((shape, self.check_terms(&terms, position)?))
        });
        match checked {
            Err(error) => self.refuse((ask, written), limit, position, None, error, events),
            // Every check is behind us: from here on nothing is refused.
            Ok((shape, accepted)) => self.accept(ask, shape.small, &accepted, position, events),
        }
    }

    /// Rows 7 to 12: what can be said of an order without looking at the book.
    #[inline(always)]
    fn check_shape(
        &self,
        ask: &PlaceOrder,
        limit: Option<i64>,
        position_slot: PositionSlot,
    ) -> Result<Shape, OrderError> {
        let market = &self.markets[ask.instrument];
        let position = &self.positions[position_slot];
        self.check_state(market, ask.order_type)?;
        if ask.stop_price.is_some() {
            return Err(OrderError::OrderCannotHaveTriggerPrice);
        }
        if limit.is_none() && ask.order_type != OrderType::Market {
            return Err(OrderError::InvalidPrice);
        }
        if ask.limit_offset.is_some() {
            return Err(OrderError::LimitOffsetValueInvalid);
        }
        let lots = lots_of(ask.qty)?;
        let worth = match (ask.order_type, market.mark) {
            (OrderType::Market, Some(mark)) => market.instrument.notional_at(lots, mark),
            _ => limit.map(|limit| market.instrument.notional(lots, Price(limit))),
        };
        let limits = self.limits_of(ask.account, ask.instrument);
        let worth = check_value(limits.order_value_usd, worth)?;
        self.check_name(ask)?;
        let small = worth < usd(limits.small_order_usd.into());
        if ask.order_type.rests() && !position.house {
            if small && position.small_orders >= limits.small_orders {
                return Err(OrderError::SmallOrderLimitExceeded);
            }
            if position.orders.len() >= limits.open_orders as usize {
                return Err(OrderError::OrderLimitExceeded);
            }
        }
        Ok(Shape { lots, small })
    }

    /// Row 10: the client's own name for the order.
    #[inline(always)]
    pub(super) fn check_name(&self, ask: &PlaceOrder) -> Result<(), OrderError> {
        match &ask.client_order_id {
            None => Ok(()),
            Some(ClientOrderId::TooLong) => Err(OrderError::ClientOrderIdTooLong),
            Some(ClientOrderId::Invalid) => Err(OrderError::ClientOrderIdInvalid),
            Some(ClientOrderId::Valid(name)) if self.orders.find_name(ask.account, name).is_some() => {
                Err(OrderError::ClientOrderIdInUse)
            }
            Some(ClientOrderId::Valid(_)) => Ok(()),
        }
    }

    /// Rows 13 to 19: what the account's position and money, and the book, make of an order.
    #[inline(always)]
    pub(super) fn check_terms(
        &self,
        terms: &Terms,
        position_slot: PositionSlot,
    ) -> Result<Accepted, OrderError> {
        let position = &self.positions[position_slot];
        let market = &self.markets[position.instrument];
        let instrument = &market.instrument;
        let Terms { side, order_type, limit, lots: asked, reduce_only, slot, .. } = *terms;
        let crosses = limit.is_some_and(|limit| market.book.crosses(side, limit));
        let mut lots = asked;
        if reduce_only {
            let resting_at = limit.filter(|_| order_type.rests() && !crosses);
            lots = lots.min(self.reducible(position_slot, side, resting_at, slot));
            if lots == 0 {
                return Err(OrderError::WouldNotReducePosition);
            }
        } else {
            self.check_leverage(position, market, terms, crosses, None)?;
            if lots > position.room(instrument, side) {
                return Err(OrderError::MaxPositionExceeded);
            }
        }
        if crosses && order_type != OrderType::Post {
            self.check_collar(position, market, side, limit)?;
            self.check_dislocation(position, market, &Terms { lots, ..*terms })?;
        }
        let initial_margin = self.check_margin(position, market, &Terms { lots, ..*terms }, crosses, None)?;
        self.check_book(terms, lots, crosses, position_slot)?;
        let reduced = reduce_only.then_some(asked - lots);
        Ok(Accepted { lots, limit: limit.unwrap_or(0), reduced, crosses, initial_margin })
    }

    /// Row 7: the market trades, and takes orders of this type.
    #[inline]
    pub(super) fn check_state(&self, market: &Market, order_type: OrderType) -> Result<(), OrderError> {
        match market.state(&self.pairs[market.pair()], self.now) {
            MarketState::Open => Ok(()),
            MarketState::PostOnly if order_type == OrderType::Post => Ok(()),
            MarketState::PostOnly => Err(OrderError::MarketIsPostOnly),
            MarketState::Suspended => Err(OrderError::MarketSuspended),
            MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired => {
                Err(OrderError::MarketNotFound)
            }
        }
    }

    /// Row 13: how many lots a reduce-only order of `side` may have. One that will only rest (`resting_at`) stands
    /// behind the reduce-only orders that are more aggressive, or older at its price; `except` is the order itself.
    pub(super) fn reducible(
        &self,
        position: PositionSlot,
        side: Side,
        resting_at: Option<i64>,
        except: Option<OrderSlot>,
    ) -> i64 {
        let closable = self.positions[position].closable(side);
        let Some(limit) = resting_at else { return closable };
        let position = &self.positions[position];
        if closable == 0 || position.reduce_only_orders == 0 {
            return closable;
        }
        let ahead: i64 = position
            .orders
            .iter()
            .filter(|slot| Some(**slot) != except)
            .map(|slot| self.orders.get(*slot))
            .filter(|order| {
                let better = side.sign() * (order.price - limit);
                let older = except.is_none_or(|except| order.id < self.orders.get(except).id);
                order.reduce_only && order.side == side && (better > 0 || (better == 0 && older))
            })
            .map(Order::open)
            .sum();
        (closable - ahead).max(0)
    }

    /// Row 16: an execution must not be too far on the wrong side of the mark.
    pub(super) fn check_collar(
        &self,
        position: &Position,
        market: &Market,
        side: Side,
        limit: Option<i64>,
    ) -> Result<(), OrderError> {
        let (Some(limit), Some(mark)) = (limit, market.mark) else { return Ok(()) };
        let limit = market.instrument.fine_price(Price(limit)).0 * 1_000_000;
        let of = (position.account, position.instrument);
        let collar = i128::from(self.limits_of(of.0, of.1).price_collar);
        let outside = match side {
            Side::Buy => limit > mark.0 * (1_000_000 + collar),
            Side::Sell => limit < mark.0 * (1_000_000 - collar),
        };
        if outside { Err(OrderError::PriceCollar) } else { Ok(()) }
    }

    /// Row 19: what the book makes of it.
    #[inline(always)]
    fn check_book(
        &self,
        terms: &Terms,
        lots: i64,
        crosses: bool,
        position: PositionSlot,
    ) -> Result<(), OrderError> {
        match terms.order_type {
            OrderType::Post if crosses => return Err(OrderError::PostWouldExecute),
            OrderType::Post => return Ok(()),
            OrderType::ImmediateOrCancel | OrderType::Market | OrderType::FillOrKill if !crosses => {
                return Err(OrderError::IocWouldNotExecute);
            }
            OrderType::FillOrKill => {
                return match self.reach(position, terms.side, terms.limit.unwrap_or(0), lots) {
                    WalkEnd::Enough => Ok(()),
                    WalkEnd::Short => Err(OrderError::IocWouldNotExecute),
                    WalkEnd::Refused => Err(OrderError::WouldExecuteSelf),
                };
            }
            OrderType::Limit
            | OrderType::ImmediateOrCancel
            | OrderType::Market
            | OrderType::Liquidation
            | OrderType::CoveredLiquidation
            | OrderType::Assignment
            | OrderType::Unwind => {}
        }
        if crosses { self.check_first_maker(position, terms.side, terms.limit.unwrap_or(0)) } else { Ok(()) }
    }

    pub(super) fn refuse(
        &mut self,
        (ask, written): (&PlaceOrder, Option<&Written>),
        limit: Option<i64>,
        position: PositionSlot,
        trigger: Option<Trigger>,
        error: OrderError,
        events: &mut Vec<Event>,
    ) -> PlaceOutcome {
        let lots = lots_of(ask.qty).unwrap_or(0);
        let slot = self.take_in(ask, limit.unwrap_or(0), lots, false, position);
        self.attach(slot, ask, trigger);
        self.close(slot, OrderStatus::Rejected, reason_of(error), Some(error), events);
        let order = self.view(slot);
        let id = order.id;
        emit(events, || Event::Rejected { order, written: written.cloned().map(Box::new) });
        PlaceOutcome::Rejected(id, error)
    }

    #[inline(always)]
    fn accept(
        &mut self,
        ask: &PlaceOrder,
        small: bool,
        accepted: &Accepted,
        position: PositionSlot,
        events: &mut Vec<Event>,
    ) -> PlaceOutcome {
        if accepted.crosses
            && !ask.order_type.rests()
            && self.meets_only_own(position, ask.side, accepted.limit, events)
        {
            let (limit, error) = (Some(accepted.limit), OrderError::IocWouldNotExecute);
            return self.refuse((ask, None), limit, position, None, error, events);
        }
        let slot = self.take_in(ask, accepted.limit, accepted.lots, small, position);
        self.attach(slot, ask, None);
        let id = self.orders.get(slot).id;
        if ask.client_order_id.is_some() {
            self.orders.reserve_name(slot);
        }
        emit(events, || Event::Placed { order: self.view(slot), reduced: accepted.reduced.map(Qty) });
        self.release(slot, accepted, events);
        PlaceOutcome::Placed(id)
    }

    /// Lets an accepted order meet the book.
    #[inline(always)]
    pub(super) fn release(&mut self, slot: OrderSlot, accepted: &Accepted, events: &mut Vec<Event>) {
        let order = self.orders.get(slot);
        let (position, reduce_only) = (order.position, order.reduce_only);
        if accepted.crosses {
            let taken = self.take(slot, FillRole::Taker, events);
            self.finish_taker(slot, taken, events);
            self.after_change(position, Margin::Stale, events);
        } else {
            // What does not cross and is not refused, rests.
            self.rest(slot, events);
            self.set_initial_margin(position, accepted.initial_margin);
            if reduce_only {
                self.cut_reduce_only(position, events);
            }
        }
    }

    /// What becomes of an order after it took what it could: it is done, it rests, or its rest lapses.
    pub(super) fn finish_taker(&mut self, slot: OrderSlot, taken: Taken, events: &mut Vec<Event>) {
        let order = self.orders.get(slot);
        let (id, position) = (order.id, order.position);
        match (taken, order.order_type) {
            (Taken::All, _) => {
                self.close(slot, OrderStatus::FullyExecuted, UpdateReason::FullFill, None, events);
                let account = self.positions[position].account;
                emit(events, || Event::Filled { order: id, account });
            }
            (Taken::Rest, OrderType::Limit | OrderType::Post) => self.rest(slot, events),
            (
                Taken::Rest,
                OrderType::ImmediateOrCancel
                | OrderType::Market
                | OrderType::FillOrKill
                | OrderType::Liquidation
                | OrderType::CoveredLiquidation
                | OrderType::Assignment
                | OrderType::Unwind,
            ) => {
                self.close(slot, OrderStatus::Cancelled, UpdateReason::PartialFill, None, events);
                emit(events, || Event::Cancelled { order: self.view(slot) });
            }
            (Taken::MetOwn, _) => {
                let error = Some(OrderError::RejectedAfterExecution);
                self.close(slot, OrderStatus::Cancelled, UpdateReason::WouldExecuteSelf, error, events);
                emit(events, || Event::Cancelled { order: self.view(slot) });
            }
        }
    }

    /// Attaches to an order what few have.
    #[inline(always)]
    pub(super) fn attach(&mut self, slot: OrderSlot, ask: &PlaceOrder, trigger: Option<Trigger>) {
        if ask.algo_id.is_some() || trigger.is_some() {
            self.orders.attach(slot, Attached { algo_id: ask.algo_id.clone(), trigger });
        }
    }

    #[inline(always)]
    pub(super) fn take_in(
        &mut self,
        ask: &PlaceOrder,
        price: i64,
        qty: i64,
        small: bool,
        position: PositionSlot,
    ) -> OrderSlot {
        let order = Order {
            id: self.orders.next_id(),
            price,
            qty,
            filled: 0,
            updated_at: self.now,
            prev: Maybe::NONE,
            next: Maybe::NONE,
            level: Maybe::NONE,
            position,
            side: ask.side,
            order_type: ask.order_type,
            status: OrderStatus::EnteredBook,
            reduce_only: ask.reduce_only,
            flags: OrderFlags::new(small, matches!(ask.client_order_id, Some(ClientOrderId::Valid(_)))),
            reason: Some(UpdateReason::NewUserOrder),
            error: None,
        };
        let client_order_id = ask.client_order_id.as_ref().and_then(name_of);
        let record = Record { account: ask.account, own_place: 0, placed_at: self.now, client_order_id };
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

/// A market order's limit: one per cent beyond the best opposite price, rounded to the tick towards it, and no greater
/// than a price may be. None when the opposite side is empty.
#[inline]
pub(super) fn implied_limit(market: &Market, side: Side) -> Option<i64> {
    beyond_touch(market, side, 1)
}

/// Likewise, so many per cent beyond it.
#[inline]
pub(super) fn beyond_touch(market: &Market, side: Side, per_cent: i64) -> Option<i64> {
    let touch = market.book.best(side.opposite())?.price;
    Some(match side {
        Side::Buy => (touch * (100 + per_cent)).div_euclid(100).min(MAX_TICKS),
        Side::Sell => -(-touch * (100 - per_cent)).div_euclid(100),
    })
}

/// Row 9, second half: the order is worth no more than one order may be.
#[inline]
pub(super) fn check_value(most_usd: u64, worth: Option<Money>) -> Result<Money, OrderError> {
    worth.filter(|worth| *worth <= usd(most_usd)).ok_or(OrderError::InvalidQuantity)
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
pub(super) fn reason_of(error: OrderError) -> Option<UpdateReason> {
    match error {
        OrderError::PostWouldExecute => Some(UpdateReason::PostWouldExecute),
        OrderError::IocWouldNotExecute => Some(UpdateReason::IocWouldNotExecute),
        OrderError::WouldExecuteSelf => Some(UpdateReason::WouldExecuteSelf),
        OrderError::WouldNotReducePosition => Some(UpdateReason::WouldNotReducePosition),
        OrderError::MarketNotFound
        | OrderError::MarketSuspended
        | OrderError::MarketIsPostOnly
        | OrderError::OrderCannotHaveTriggerPrice
        | OrderError::CannotEditTriggerPriceOfTrailingStop
        | OrderError::CannotEditLimitPriceOfTrailingStop
        | OrderError::InvalidPrice
        | OrderError::TrailingStopPercentTooPrecise
        | OrderError::TrailingStopQuoteOffTick
        | OrderError::TrailingStopTooLarge
        | OrderError::TrailingStopTooSmall
        | OrderError::NoReferencePrice
        | OrderError::InsufficientHeadroom
        | OrderError::LimitPriceAbsoluteAndRelative
        | OrderError::LimitOffsetValueInvalid
        | OrderError::LimitOffsetUnitInvalid
        | OrderError::LimitOffsetIncomplete
        | OrderError::LimitOffsetOffTick
        | OrderError::LimitOffsetTooPrecise
        | OrderError::LimitOffsetTooHigh
        | OrderError::LimitOffsetTooLow
        | OrderError::InvalidQuantity
        | OrderError::ClientOrderIdTooLong
        | OrderError::ClientOrderIdInvalid
        | OrderError::ClientOrderIdInUse
        | OrderError::SmallOrderLimitExceeded
        | OrderError::OrderLimitExceeded
        | OrderError::TrailingStopLimitExceeded
        | OrderError::FixedLeverageTooHigh
        | OrderError::MaxPositionExceeded
        | OrderError::PriceCollar
        | OrderError::PriceDislocation
        | OrderError::InsufficientMargin
        | OrderError::InsufficientClosingMargin
        | OrderError::WouldCauseLiquidation
        | OrderError::RejectedAfterExecution
        | OrderError::EditHasNoEffect
        | OrderError::OrderForEditNotFound
        | OrderError::OrderForCancellationNotFound
        | OrderError::AccountInactive => None,
    }
}
