//! Triggers: a plain list, looked through at each change of a signal (rules 1.2 to 1.4).

use super::orders::{lots, price};
use super::{Contract, Model, Order, figures};
use loligo_engine::{
    AskedDistance, AskedOffset, AskedTrigger, Distance, DistanceUnit, EditOrder, FillRole, FinePrice,
    InstrumentId, MAX_TICKS, MarketState, OnGrid, OrderError, OrderId, OrderStatus, OrderType, OrderView,
    PlaceOrder, Price, Qty, Side, Signal, Trigger, TriggerKind, TriggerSide, UpdateReason,
};
use num_bigint::BigInt;
use std::sync::Arc;

/// All signals, in the order in which they are judged when all of them are.
const SIGNALS: [Signal; 3] = [Signal::Last, Signal::Mark, Signal::Index];
/// A trailing stop in percent stays from 0.1% to 50% away; hundredths of a percent.
const PERCENT: std::ops::RangeInclusive<i64> = 10..=5_000;
/// The whole, in hundredths of a percent.
const WHOLE: i64 = 10_000;

impl Contract {
    /// How far that is from a price at 18 decimals, times the whole.
    fn away(&self, distance: Distance, from: &BigInt) -> BigInt {
        match distance.unit {
            DistanceUnit::Percent => from * distance.steps,
            DistanceUnit::Quote => self.price(distance.steps) * WHOLE,
        }
    }

    /// Where a trailing stop fires: a sell below its signal, rounded up; a buy above it, rounded down. At the least a
    /// tick away.
    pub(super) fn trail(&self, deviation: Distance, side: Side, signal: FinePrice) -> i64 {
        let price = self.exact_trail(deviation, side, signal);
        let (signal, tick) = (BigInt::from(signal.0), self.price(1));
        match side {
            Side::Buy => price.max(ticks(&figures::down(&signal, &tick)) + 1),
            Side::Sell => price.min(ticks(&figures::up(&signal, &tick)) - 1),
        }
    }

    fn exact_trail(&self, deviation: Distance, side: Side, signal: FinePrice) -> i64 {
        let signal = BigInt::from(signal.0);
        let away = self.away(deviation, &signal);
        let tick = self.price(1) * WHOLE;
        ticks(&match side {
            Side::Buy => figures::down(&(signal * WHOLE + away), &tick),
            Side::Sell => figures::up(&(signal * WHOLE - away), &tick),
        })
    }

    /// A limit relative to a trigger price: a buy's rounded down, a sell's up.
    fn relative_limit(&self, offset: Distance, trigger_price: i64, side: Side) -> i64 {
        let from = self.price(trigger_price);
        let (to, tick) = (&from * WHOLE + self.away(offset, &from), self.price(1) * WHOLE);
        ticks(&match side {
            Side::Buy => figures::down(&to, &tick),
            Side::Sell => figures::up(&to, &tick),
        })
    }
}

/// True when a signal has reached a trigger's price; equality counts.
fn reaches(contract: &Contract, order: &OrderView, signal: FinePrice) -> bool {
    let Some(trigger) = order.trigger() else { return false };
    let Some(at) = trigger.price.map(|at| contract.price(at.0)) else { return false };
    match TriggerSide::of(trigger.kind, order.side) {
        TriggerSide::Above => BigInt::from(signal.0) >= at,
        TriggerSide::Below => BigInt::from(signal.0) <= at,
    }
}

impl Model {
    /// The price that a signal stands for.
    pub(super) fn signal(&self, id: InstrumentId, signal: Signal) -> Option<FinePrice> {
        match signal {
            Signal::Last => self.contract(id).last.map(|last| self.fine_price(id, last)),
            Signal::Mark => self.mark(id),
            Signal::Index => self.index(id),
        }
    }

    /// What trailing stops begin to follow: before the first trade the last one that was made up.
    pub(super) fn reference(&self, id: InstrumentId, signal: Signal) -> Option<FinePrice> {
        let before = self.contract(id).before.filter(|_| signal == Signal::Last);
        self.signal(id, signal).or(before.map(|last| self.fine_price(id, last)))
    }

    fn fine_price(&self, id: InstrumentId, price: Price) -> FinePrice {
        FinePrice(i128::try_from(self.contract(id).price(price.0)).expect("a price in range"))
    }

    fn waits(&self, order: &Order) -> bool {
        order.view.status == OrderStatus::TriggerPlaced && !self.due.contains(&order.view.id)
    }

    /// Lets a trigger wait; it fires at once when its condition holds already.
    pub(super) fn wait(&mut self, order: Order) {
        let id = order.view.id;
        self.look_at_signals(order.view.instrument);
        self.orders.push(order);
        self.judge_arrival(id);
    }

    /// A contract in which no trigger waits begins to follow its signals.
    fn look_at_signals(&mut self, instrument: InstrumentId) {
        if self.orders.iter().any(|o| self.waits(o) && o.view.instrument == instrument) {
            return;
        }
        for signal in SIGNALS {
            if let Some(present) = self.signal(instrument, signal) {
                self.contract_mut(instrument).judged.insert(signal, present);
            }
        }
    }

    /// A trigger that came or was edited while its condition holds is due.
    pub(super) fn judge_arrival(&mut self, id: OrderId) {
        let order = &self.order(id).view;
        let signal = order.trigger().and_then(|t| self.signal(order.instrument, t.signal));
        let reached = signal.is_some_and(|value| reaches(self.contract(order.instrument), order, value));
        if reached && self.market_state(order.instrument) == MarketState::Open {
            self.due.push_back(id);
        }
    }

    /// Judges by one change of a signal: trailing stops follow it, then what it reaches is due, the nearest to the price
    /// before it first, at one distance the oldest. Markets that do not trade are passed over.
    pub(super) fn judge(&mut self, contracts: &[InstrumentId], signal: Signal) {
        let mut reached = vec![];
        for id in contracts {
            let Some(value) = self.signal(*id, signal) else { continue };
            if self.market_state(*id) != MarketState::Open {
                continue;
            }
            self.follow(*id, signal, value);
            let before = self.contract_mut(*id).judged.insert(signal, value).unwrap_or(value);
            let contract = self.contract(*id);
            for order in self.orders.iter().filter(|o| self.waits(o) && o.view.instrument == *id) {
                let trigger = order.view.trigger().expect("what waits is a trigger");
                if trigger.signal == signal && reaches(contract, &order.view, value) {
                    let distance = contract.price(trigger.price.map_or(0, |p| p.0)) - before.0;
                    reached.push((super::margin::size(&distance), order.view.id));
                }
            }
        }
        reached.sort();
        self.due.extend(reached.into_iter().map(|(_, id)| id));
    }

    /// Markets trade again: what waited is judged by the signals as they are now.
    pub(super) fn judge_again(&mut self, contracts: &[InstrumentId]) {
        for id in contracts {
            for signal in SIGNALS {
                self.judge(&[*id], signal);
            }
        }
    }

    /// Each trailing stop's price follows the signal where that is better by a tick at least.
    fn follow(&mut self, id: InstrumentId, signal: Signal, value: FinePrice) {
        for at in 0..self.orders.len() {
            let order = &self.orders[at];
            if !self.waits(order) || order.view.instrument != id {
                continue;
            }
            let trigger = order.view.trigger().expect("what waits is a trigger");
            let (Some(deviation), Some(Price(present))) = (trigger.deviation, trigger.price) else {
                continue;
            };
            if trigger.signal != signal || trigger.kind != TriggerKind::TrailingStop {
                continue;
            }
            let next = self.contract(id).trail(deviation, order.view.side, value);
            let better = match order.view.side {
                Side::Buy => next < present,
                Side::Sell => next > present,
            };
            if better {
                let now = self.now;
                let view = &mut self.orders[at].view;
                set_price(view, next);
                view.reason = Some(UpdateReason::TrailingStopPriceUpdated);
                view.error = None;
                view.updated_at = now;
            }
        }
    }

    /// What is due and waits no more, since it is gone, does not fire.
    pub(super) fn is_due(&self, id: OrderId) -> bool {
        self.orders.iter().any(|o| o.view.id == id && o.view.status == OrderStatus::TriggerPlaced)
    }

    /// Fires a trigger whose turn has come, where its market still trades; else it waits again.
    pub(super) fn fire(&mut self, id: OrderId) {
        let order = self.order(id).view.clone();
        if self.market_state(order.instrument) != MarketState::Open {
            self.due.push_front(id);
            self.look_at_signals(order.instrument);
            self.due.pop_front();
            return;
        }
        self.fired.push(id);
        let (account, instrument) = (order.account, order.instrument);
        let contract = self.contract(instrument);
        let trigger = order.trigger().expect("what fires is a trigger").clone();
        let at = trigger.price.map_or(0, |p| p.0);
        let limit_price = match (order.order_type, trigger.limit_offset) {
            (OrderType::Market, _) => self.implied_limit(order.instrument, order.side),
            (_, Some(offset)) => Some(Price(contract.relative_limit(offset, at, order.side))),
            (_, None) => order.limit_price,
        };
        let reason = match order.order_type {
            OrderType::Limit => UpdateReason::LimitFromStop,
            _ => UpdateReason::StopOrderTriggered,
        };
        let mut result = OrderView {
            status: OrderStatus::EnteredBook,
            reason: Some(reason),
            error: None,
            limit_price,
            updated_at: self.now,
            ..order.clone()
        };
        change_trigger(&mut result, |trigger| trigger.fired_at = Some(self.now));
        let without = self.without(&order);
        let checked = without.check_firing(&result).and_then(|()| without.check_effect(&without, &result));
        match checked {
            Err(error) => {
                self.drop_reached(&result, error);
                let (status, reason) =
                    (OrderStatus::TriggerActivationFailure, UpdateReason::StopOrderTriggered);
                self.close(id, status, reason, Some(error));
            }
            Ok(open) => {
                self.reduced.push(order.reduce_only.then_some(Qty(order.open_qty().0 - open)));
                result.qty = Some(Qty(open));
                let small = self.is_small(&result);
                let order = self.order_mut(id);
                (order.view, order.small) = (result, small);
                self.arrive(id, FillRole::Taker);
                // What closed the position until now may add to it, traded or not.
                let wallet = self.margin_wallet(instrument).0;
                self.margin_checks.insert((account, wallet));
            }
        }
    }

    /// What a trigger is asked again or anew when it fires: rows 5, 8 and 12.
    fn check_firing(&self, result: &OrderView) -> Result<(), OrderError> {
        let account = self.account(result.account);
        if !(account.active && account.trading) {
            return Err(OrderError::AccountInactive);
        }
        if result.limit_price.is_some_and(|limit| !(1..=MAX_TICKS).contains(&limit.0)) {
            return Err(OrderError::InvalidPrice);
        }
        let own = self.orders.iter().filter(|o| {
            o.resting && (o.view.account, o.view.instrument) == (result.account, result.instrument)
        });
        let most = self.limits(result.account, result.instrument).open_orders as usize;
        let would_rest = result.order_type == OrderType::Limit;
        if would_rest && !account.house && own.count() >= most {
            return Err(OrderError::OrderLimitExceeded);
        }
        Ok(())
    }

    /// All checks of a new trigger: rows 7 to 12. Gives it as it will wait.
    pub(super) fn check_trigger(
        &self,
        asked: &PlaceOrder,
        trigger: &AskedTrigger,
        order: &OrderView,
    ) -> Result<OrderView, OrderError> {
        self.check_market(order.instrument, order.order_type)?;
        let contract = self.contract(order.instrument);
        let mut order = order.clone();
        // Row 8: prices, then the shapes of 1.3 and of 1.4.
        if asked.limit_price.is_some() && order.limit_price.is_none() {
            return Err(OrderError::InvalidPrice);
        }
        let at = match trigger.kind {
            TriggerKind::Stop | TriggerKind::TakeProfit => {
                // Only a trailing stop has a deviation.
                if trigger.deviation.is_some() {
                    return Err(OrderError::InvalidPrice);
                }
                asked.stop_price.and_then(price).ok_or(OrderError::InvalidPrice)?
            }
            TriggerKind::TrailingStop => {
                if asked.stop_price.is_some() || asked.limit_price.is_some() {
                    return Err(OrderError::InvalidPrice);
                }
                let deviation = trigger.deviation.ok_or(OrderError::InvalidPrice)?;
                let signal = self.reference(order.instrument, trigger.signal);
                let deviation = self.check_deviation(order.instrument, deviation, signal, true)?;
                let signal = signal.ok_or(OrderError::NoReferencePrice)?;
                contract.exact_trail(deviation, order.side, signal)
            }
        };
        if at > MAX_TICKS {
            return Err(OrderError::InvalidPrice);
        }
        if asked.limit_offset.is_some() && asked.limit_price.is_some() {
            return Err(OrderError::LimitPriceAbsoluteAndRelative);
        }
        let offset = match asked.limit_offset {
            None => None,
            Some(AskedOffset::BadValue) => return Err(OrderError::LimitOffsetValueInvalid),
            Some(AskedOffset::BadUnit) => return Err(OrderError::LimitOffsetUnitInvalid),
            Some(AskedOffset::Incomplete) => return Err(OrderError::LimitOffsetIncomplete),
            Some(AskedOffset::Distance(AskedDistance { unit, steps })) => match (steps, unit) {
                (OnGrid::Off, DistanceUnit::Quote) => return Err(OrderError::LimitOffsetOffTick),
                (OnGrid::Off, DistanceUnit::Percent) => return Err(OrderError::LimitOffsetTooPrecise),
                (OnGrid::TooLarge, _) => return Err(OrderError::LimitOffsetTooHigh),
                (OnGrid::Steps(steps), _) => Some(Distance { unit, steps }),
            },
        };
        offset.map_or(Ok(()), |offset| contract.check_offset(offset, at))?;
        set_price(&mut order, at);
        self.check_value(&order)?;
        self.check_name(asked)?;
        self.check_counts(&order)?;
        if self.is_liquidated(order.account, order.instrument) {
            return Err(OrderError::InsufficientMargin);
        }
        Ok(order)
    }

    /// Shape of a trailing stop's distance: decimals or tick, then too large, then too small.
    fn check_deviation(
        &self,
        id: InstrumentId,
        asked: AskedDistance,
        signal: Option<FinePrice>,
        placing: bool,
    ) -> Result<Distance, OrderError> {
        let contract = self.contract(id);
        let AskedDistance { unit, steps } = asked;
        let steps = match (steps, unit) {
            (OnGrid::Off, DistanceUnit::Percent) => return Err(OrderError::TrailingStopPercentTooPrecise),
            (OnGrid::Off, DistanceUnit::Quote) => return Err(OrderError::TrailingStopQuoteOffTick),
            (OnGrid::TooLarge, _) => return Err(OrderError::TrailingStopTooLarge),
            (OnGrid::Steps(steps), _) => steps,
        };
        let distance = Distance { unit, steps };
        let comes_to = |signal: FinePrice| contract.away(distance, &signal.0.into());
        let (too_large, too_small) = match unit {
            DistanceUnit::Percent => {
                let swallowed = placing && signal.is_some_and(|s| comes_to(s) < contract.price(1) * WHOLE);
                (steps > *PERCENT.end(), steps < *PERCENT.start() || swallowed)
            }
            DistanceUnit::Quote => {
                let beyond_half = signal.is_some_and(|s| comes_to(s) * 2 > BigInt::from(s.0) * WHOLE);
                (beyond_half || steps > MAX_TICKS, steps < 1)
            }
        };
        match (too_large, too_small) {
            (true, _) => Err(OrderError::TrailingStopTooLarge),
            (false, true) => Err(OrderError::TrailingStopTooSmall),
            (false, false) => Ok(distance),
        }
    }

    /// All checks of an edit of a waiting trigger. Gives it as it will be.
    pub(super) fn check_trigger_edit(
        &self,
        present: &OrderView,
        asked: &EditOrder,
    ) -> Result<OrderView, OrderError> {
        self.check_market(present.instrument, OrderType::Market)?;
        let trigger = present.trigger().expect("what waits is a trigger");
        let mut edited = present.clone();
        match trigger.kind {
            TriggerKind::Stop | TriggerKind::TakeProfit => {
                if let Some(stop) = asked.stop_price {
                    set_price(&mut edited, price(stop).ok_or(OrderError::InvalidPrice)?);
                }
                if let Some(limit) = asked.limit_price {
                    edited.limit_price = Some(Price(price(limit).ok_or(OrderError::InvalidPrice)?));
                    edited.order_type = OrderType::Limit;
                }
                // Only a trailing stop has a deviation.
                if asked.deviation.is_some() || asked.deviation_unit.is_some() {
                    return Err(OrderError::InvalidPrice);
                }
                if edited.limit_price.is_some() && trigger.limit_offset.is_some() {
                    return Err(OrderError::LimitPriceAbsoluteAndRelative);
                }
            }
            TriggerKind::TrailingStop => {
                if asked.stop_price.is_some() {
                    return Err(OrderError::CannotEditTriggerPriceOfTrailingStop);
                }
                if asked.limit_price.is_some() {
                    return Err(OrderError::CannotEditLimitPriceOfTrailingStop);
                }
                if asked.deviation.is_some() || asked.deviation_unit.is_some() {
                    self.edit_deviation(&mut edited, trigger, asked)?;
                }
            }
        }
        let at = edited.trigger().and_then(|t| t.price).map_or(0, |p| p.0);
        let contract = self.contract(present.instrument);
        trigger.limit_offset.map_or(Ok(()), |offset| contract.check_offset(offset, at))?;
        if let Some(asked) = asked.qty {
            edited.qty = lots(asked).map(Qty);
        }
        self.check_value(&edited)?;
        if edited == *present {
            return Err(OrderError::EditHasNoEffect);
        }
        self.without(present).check_counts(&edited)?;
        Ok(edited)
    }

    /// A deviation, its unit, or both: the trigger price is where they have it at the present signal.
    fn edit_deviation(
        &self,
        edited: &mut OrderView,
        trigger: &Trigger,
        asked: &EditOrder,
    ) -> Result<(), OrderError> {
        let kept = trigger.deviation.expect("a trailing stop has a deviation");
        let unit = asked.deviation_unit.unwrap_or(kept.unit);
        let steps = match (asked.deviation, unit) {
            (Some(given), DistanceUnit::Percent) => given.percent,
            (Some(given), DistanceUnit::Quote) => given.quote,
            (None, unit) if unit == kept.unit => OnGrid::Steps(kept.steps),
            // Another unit without a value says nothing.
            (None, _) => return Err(OrderError::InvalidPrice),
        };
        let id = edited.instrument;
        let signal = self.reference(id, trigger.signal);
        let deviation = self.check_deviation(id, AskedDistance { unit, steps }, signal, false)?;
        let signal = signal.ok_or(OrderError::NoReferencePrice)?;
        let contract = self.contract(id);
        let at = contract.exact_trail(deviation, edited.side, signal);
        let headroom = (contract.price(at) - signal.0) * edited.side.sign();
        if headroom < contract.price(1) || !(1..=MAX_TICKS).contains(&at) {
            return Err(OrderError::InsufficientHeadroom);
        }
        set_price(edited, at);
        change_trigger(edited, |trigger| trigger.deviation = Some(deviation));
        Ok(())
    }
}

impl Contract {
    /// A relative limit is at most 50% of the trigger price away, either way.
    fn check_offset(&self, offset: Distance, trigger_price: i64) -> Result<(), OrderError> {
        let from = self.price(trigger_price);
        let (twice, whole) = (self.away(offset, &from) * 2, from * WHOLE);
        if twice > whole {
            Err(OrderError::LimitOffsetTooHigh)
        } else if twice < -whole {
            Err(OrderError::LimitOffsetTooLow)
        } else {
            Ok(())
        }
    }
}

/// Sets where a trigger fires.
pub(super) fn set_price(order: &mut OrderView, at: i64) {
    change_trigger(order, |trigger| trigger.price = Some(Price(at)));
}

fn change_trigger(order: &mut OrderView, change: impl FnOnce(&mut Trigger)) {
    if let Some(attached) = &mut order.attached
        && let Some(trigger) = &mut Arc::make_mut(attached).trigger
    {
        change(trigger);
    }
}

fn ticks(count: &BigInt) -> i64 {
    i64::try_from(count).expect("a price that ticks can count")
}
