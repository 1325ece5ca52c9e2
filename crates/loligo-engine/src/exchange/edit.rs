//! Editing: all placement checks apply to the order as it would be; a refused edit leaves it as it was.

use super::matching::Taken;
use super::place::{Terms, check_value, lots_of, ticks_of, usd};
use super::position::Margin;
use super::self_trade::WalkEnd;
use super::{Exchange, emit};
use crate::command::{EditOrder, OnGrid, Written};
use crate::event::{EditRefusal, Event, OrderChange, OrderView};
use crate::id::{Price, Qty, Side};
use crate::outcome::{EditCommandRefusal, EditOutcome};
use crate::slot::OrderSlot;
use crate::trigger::{Distance, Trigger};
use crate::words::{DistanceUnit, FillRole, OrderError, OrderStatus, OrderType, QtyMode, UpdateReason};
use std::sync::Arc;

/// An edit that has passed every check.
struct Edited {
    limit: i64,
    /// New total size.
    qty: i64,
    reduced: Option<i64>,
    small: bool,
    crosses: bool,
}

impl Exchange {
    #[inline(never)]
    pub(super) fn edit(
        &mut self,
        ask: &EditOrder,
        written: Option<&Written>,
        events: &mut Vec<Event>,
    ) -> EditOutcome {
        match self.accounts.get(ask.account) {
            None => return EditOutcome::Refused(EditCommandRefusal::UnknownAccount),
            Some(account) if !account.may_trade() => return EditOutcome::AccountInactive,
            Some(_) => {}
        }
        if ask.process_before.is_some_and(|limit| self.now >= limit) {
            return EditOutcome::TooLate;
        }
        let meant = |slot: &OrderSlot| {
            let position = &self.positions[self.orders.get(*slot).position];
            ask.instrument.is_none_or(|instrument| instrument == position.instrument)
        };
        let Some(slot) = self.find_own(ask.account, &ask.order).filter(meant) else {
            return EditOutcome::EditRejected(None, OrderError::OrderForEditNotFound);
        };
        let (id, status) = (self.orders.get(slot).id, self.orders.get(slot).status);
        let attempted = |exchange: &Self, error| exchange.attempted(ask, slot, error);
        let (error, attempted) = match status {
            OrderStatus::TriggerPlaced => match self.edit_trigger(ask, slot, events) {
                Ok(()) => return EditOutcome::Edited(id),
                Err(error) => {
                    let attempted = attempted(self, error);
                    self.note(slot, None, error);
                    (error, attempted)
                }
            },
            OrderStatus::EnteredBook => match self.check_edit(ask, slot) {
                // Every check is behind us: from here on nothing is refused.
                Ok(edited) => {
                    self.change(slot, &edited, events);
                    return EditOutcome::Edited(id);
                }
                Err(error) => {
                    let attempted = attempted(self, error);
                    self.note(slot, None, error);
                    (error, attempted)
                }
            },
            OrderStatus::FullyExecuted | OrderStatus::Cancelled => {
                let (reason, error) = (UpdateReason::OrderForEditNotFound, OrderError::OrderForEditNotFound);
                let attempted = attempted(self, error);
                self.note(slot, Some(reason), error);
                (error, attempted)
            }
            // The check that refused it stays its error.
            OrderStatus::Rejected | OrderStatus::TriggerActivationFailure => {
                (OrderError::OrderForEditNotFound, attempted(self, OrderError::OrderForEditNotFound))
            }
        };
        let (order, written, at) = (self.view(slot), written.cloned().map(Box::new), self.now);
        emit(events, || Event::EditRejected(Box::new(EditRefusal { order, attempted, written, error, at })));
        EditOutcome::EditRejected(Some(id), error)
    }

    /// The order as a refused edit would have had it, as far as what was sent can be read.
    #[cold]
    fn attempted(&self, ask: &EditOrder, slot: OrderSlot, error: OrderError) -> OrderView {
        let mut order = self.view(slot);
        order.error = Some(error);
        if let Some(limit) = ask.limit_price {
            order.limit_price = ticks_of(limit).ok().map(Price);
        }
        if let Some(qty) = ask.qty {
            let lots = lots_of(qty).ok();
            order.qty = match ask.qty_mode {
                QtyMode::Relative => lots.and_then(|lots| lots.checked_add(order.filled.0)),
                QtyMode::Absolute => lots,
            }
            .map(Qty);
        }
        let asks_trigger =
            ask.stop_price.is_some() || ask.deviation.is_some() || ask.deviation_unit.is_some();
        if asks_trigger && let Some(attached) = &mut order.attached {
            let attached = Arc::make_mut(attached);
            if let Some(trigger) = &mut attached.trigger {
                ask.apply_to(trigger);
            }
        }
        order
    }

    fn check_edit(&self, ask: &EditOrder, slot: OrderSlot) -> Result<Edited, OrderError> {
        let order = self.orders.get(slot);
        let position = &self.positions[order.position];
        let market = &self.markets[position.instrument];
        let instrument = &market.instrument;
        self.check_state(market, order.order_type)?;
        if ask.stop_price.is_some() {
            return Err(OrderError::OrderCannotHaveTriggerPrice);
        }
        if ask.deviation.is_some() || ask.deviation_unit.is_some() {
            return Err(OrderError::InvalidPrice);
        }
        let limit = ask.limit_price.map_or(Ok(order.price), ticks_of)?;
        let asked = match ask.qty {
            None => order.open(),
            Some(qty) => match ask.qty_mode {
                QtyMode::Relative => lots_of(qty)?,
                QtyMode::Absolute => lots_of(qty)? - order.filled,
            },
        };
        if asked <= 0 {
            return Err(OrderError::InvalidQuantity);
        }
        let of = (self.orders.record(slot).account, position.instrument);
        let limits = self.limits_of(of.0, of.1);
        let worth = check_value(limits.order_value_usd, Some(instrument.notional(asked, Price(limit))))?;
        if limit == order.price && asked == order.open() {
            return Err(OrderError::EditHasNoEffect);
        }
        let small = worth < usd(limits.small_order_usd.into());
        if !position.house {
            // The order itself is not counted.
            let others = position.small_orders - u32::from(order.flags.small());
            if small && others >= limits.small_orders {
                return Err(OrderError::SmallOrderLimitExceeded);
            }
            if position.orders.len() > limits.open_orders as usize {
                return Err(OrderError::OrderLimitExceeded);
            }
        }
        let crosses = market.book.crosses(order.side, limit);
        let terms = Terms {
            side: order.side,
            order_type: order.order_type,
            limit: Some(limit),
            lots: asked,
            reduce_only: order.reduce_only,
            slot: Some(slot),
            fired: false,
        };
        let mut open = asked;
        if order.reduce_only {
            open =
                open.min(self.reducible(order.position, order.side, (!crosses).then_some(limit), Some(slot)));
            if open == 0 {
                return Err(OrderError::WouldNotReducePosition);
            }
            if limit == order.price && open == order.open() {
                return Err(OrderError::EditHasNoEffect);
            }
        } else {
            self.check_leverage(position, market, &Terms { lots: open, ..terms }, crosses, Some(order))?;
            let others = match order.side {
                Side::Buy => position.size + position.buys.lots,
                Side::Sell => position.sells.lots - position.size,
            } - order.open();
            if others.saturating_add(open) > instrument.spec().max_position.0 {
                return Err(OrderError::MaxPositionExceeded);
            }
        }
        if crosses && order.order_type != OrderType::Post {
            self.check_collar(position, market, order.side, Some(limit))?;
            self.check_dislocation(position, market, &Terms { lots: open, ..terms })?;
        }
        self.check_margin(position, market, &Terms { lots: open, ..terms }, crosses, Some(order))?;
        if crosses {
            if order.order_type == OrderType::Post {
                return Err(OrderError::PostWouldExecute);
            }
            // Any order within reach that refuses it refuses the edit, so that a refused edit has done nothing.
            if self.reach(order.position, order.side, limit, open) == WalkEnd::Refused {
                return Err(OrderError::WouldExecuteSelf);
            }
        }
        let reduced = order.reduce_only.then_some(asked - open);
        Ok(Edited { limit, qty: order.filled + open, reduced, small, crosses })
    }

    fn change(&mut self, slot: OrderSlot, edited: &Edited, events: &mut Vec<Event>) {
        let prior = self.view(slot);
        let order = self.orders.get(slot);
        let position = order.position;
        // The place in the queue is kept only by shrinking at the same price.
        let keeps_place = edited.limit == order.price && edited.qty < order.qty;
        if keeps_place {
            self.shrink_in_place(slot, edited, prior, events);
        } else {
            let left = self.withdraw(slot);
            self.write_edit(slot, edited);
            let change = OrderChange { prior, order: self.view(slot) };
            emit(events, || Event::Edited { change: Box::new(change), reduced: edited.reduced.map(Qty) });
            emit(events, || left.event());
            let taken =
                if edited.crosses { self.take(slot, FillRole::TakerAfterEdit, events) } else { Taken::Rest };
            self.finish_taker(slot, taken, events);
        }
        self.after_change(position, Margin::Stale, events);
    }

    fn shrink_in_place(
        &mut self,
        slot: OrderSlot,
        edited: &Edited,
        prior: OrderView,
        events: &mut Vec<Event>,
    ) {
        let order = self.orders.get(slot);
        let (by, level, side, price) = (order.qty - edited.qty, order.level, order.side, Price(order.price));
        let position = &mut self.positions[order.position];
        position.small_orders =
            position.small_orders + u32::from(edited.small) - u32::from(order.flags.small());
        let instrument = position.instrument;
        self.write_edit(slot, edited);
        self.uncount(slot, by);
        let market = &mut self.markets[instrument];
        let (qty, number, at) = (market.book.shrink(level.known(), by), market.next_level(), self.now);
        let change = OrderChange { prior, order: self.view(slot) };
        emit(events, || Event::Edited { change: Box::new(change), reduced: edited.reduced.map(Qty) });
        emit(events, || Event::Level { instrument, side, price, qty, number, at });
    }

    fn write_edit(&mut self, slot: OrderSlot, edited: &Edited) {
        let now = self.now;
        let order = self.orders.get_mut(slot);
        order.price = edited.limit;
        order.qty = edited.qty;
        order.flags.set_small(edited.small);
        order.updated_at = now;
        order.reason = Some(UpdateReason::EditedByUser);
        order.error = None;
    }
}

impl EditOrder {
    /// Puts what is asked of a trigger into it, as far as it can be read.
    fn apply_to(&self, trigger: &mut Trigger) {
        if let Some(stop) = self.stop_price {
            trigger.price = ticks_of(stop).ok().map(Price);
        }
        let kept = trigger.deviation;
        let unit = self.deviation_unit.or(kept.map(|kept| kept.unit)).unwrap_or(DistanceUnit::Quote);
        if let Some(asked) = self.deviation {
            let steps = match unit {
                DistanceUnit::Percent => asked.percent,
                DistanceUnit::Quote => asked.quote,
            };
            trigger.deviation = match steps {
                OnGrid::Steps(steps) => Some(Distance { unit, steps }),
                OnGrid::Off | OnGrid::TooLarge => None,
            };
        } else if self.deviation_unit.is_some() {
            // A unit alone says nothing of how many of it.
            trigger.deviation = kept.filter(|kept| kept.unit == unit);
        }
    }
}
