//! Triggers that fire: checked as what they become, and let into the book under the number and name they had (rules 1.2).

use super::place::{Terms, implied_limit, usd};
use super::position::Margin;
use super::{Exchange, emit};
use crate::event::Event;
use crate::id::{Price, Qty};
use crate::instrument::MAX_TICKS;
use crate::slot::PositionSlot;
use crate::trigger::Due;
use crate::words::{MarketState, OrderError, OrderStatus, OrderType, UpdateReason};

impl Exchange {
    /// Sends what a due trigger becomes. Where its market was halted before its turn came it waits again.
    pub(super) fn fire(&mut self, due: Due, events: &mut Vec<Event>) {
        let Due { slot, .. } = due;
        let order = self.orders.get(slot);
        let position = order.position;
        let market = &self.markets[self.positions[position].instrument];
        if market.state(&self.pairs[market.pair()], self.now) != MarketState::Open {
            return self.watch(slot);
        }
        self.wait_no_longer(slot);
        let order = self.orders.get(slot);
        let market = &self.markets[self.positions[position].instrument];
        let trigger = self.orders.trigger(slot).expect("a waiting trigger has its conditions");
        let stop = trigger.price.map_or(0, |price| price.0);
        let limit = match (order.order_type, trigger.limit_offset) {
            (OrderType::Market, _) => implied_limit(market, order.side),
            (_, Some(offset)) => Some(offset.limit_from(stop, order.side)),
            (_, None) => Some(order.price),
        };
        let terms = Terms {
            side: order.side,
            order_type: order.order_type,
            limit,
            lots: order.qty,
            reduce_only: order.reduce_only,
            slot: Some(slot),
            fired: true,
        };
        let checked = self.check_firing(&terms, position).and_then(|()| self.check_terms(&terms, position));
        let checked = match checked {
            Ok(accepted)
                if accepted.crosses
                    && !terms.order_type.rests()
                    && self.meets_only_own(position, terms.side, accepted.limit, events) =>
            {
                Err(OrderError::IocWouldNotExecute)
            }
            other => other,
        };
        let accepted = match checked {
            Ok(accepted) => accepted,
            Err(error) => {
                let (status, reason) =
                    (OrderStatus::TriggerActivationFailure, UpdateReason::StopOrderTriggered);
                self.close(slot, status, reason, Some(error), events);
                emit(events, || Event::ActivationFailed { order: self.view(slot) });
                return;
            }
        };
        // From here on nothing is refused.
        let now = self.now;
        let of = &self.positions[position];
        let limits = self.limits_of(of.account, of.instrument);
        let small_below = usd(limits.small_order_usd.into());
        let instrument = &self.markets[of.instrument].instrument;
        let small = instrument.notional(accepted.lots, Price(accepted.limit)) < small_below;
        let order = self.orders.get_mut(slot);
        (order.price, order.qty) = (accepted.limit, accepted.lots);
        (order.status, order.error, order.updated_at) = (OrderStatus::EnteredBook, None, now);
        order.reason = Some(match order.order_type {
            OrderType::Limit => UpdateReason::LimitFromStop,
            _ => UpdateReason::StopOrderTriggered,
        });
        order.flags.set_small(small);
        if let Some(trigger) = self.orders.trigger_mut(slot) {
            trigger.fired_at = Some(now);
        }
        emit(events, || Event::Fired { order: self.view(slot), reduced: accepted.reduced.map(Qty) });
        self.release(slot, &accepted, events);
        // Where it rests it has been let in before what closed the position until now: all of it is judged anew.
        self.after_change(position, Margin::Stale, events);
    }

    /// What a trigger was spared when it arrived, or has to pass again: rows 5, 8 and 12. A limit that is relative is known
    /// only now; who may not trade any more opens and closes nothing; and no list of resting orders grows beyond its limit.
    fn check_firing(&self, terms: &Terms, position: PositionSlot) -> Result<(), OrderError> {
        let position = &self.positions[position];
        if !self.accounts[position.account].may_trade() {
            return Err(OrderError::AccountInactive);
        }
        if !terms.limit.is_none_or(|limit| (1..=MAX_TICKS).contains(&limit)) {
            return Err(OrderError::InvalidPrice);
        }
        let most = self.limits_of(position.account, position.instrument).open_orders;
        if terms.order_type.rests() && !position.house && position.orders.len() >= most as usize {
            return Err(OrderError::OrderLimitExceeded);
        }
        Ok(())
    }
}
