//! Triggers: taken in, judged by prices, moved, edited, removed (rules 1.2 to 1.4). How they fire is in `firing`.

use super::place::{check_value, lots_of, ticks_of, usd};
use super::{Exchange, emit};
use crate::command::{AskedDistance, AskedOffset, AskedTrigger, EditOrder, OnGrid, PlaceOrder, Written};
use crate::event::{Event, OrderChange};
use crate::id::{InstrumentId, OrderId, Price, Qty, Side};
use crate::instrument::{Instrument, MAX_TICKS};
use crate::market::Market;
use crate::money::FinePrice;
use crate::order::{Order, Record};
use crate::outcome::PlaceOutcome;
use crate::slot::{Maybe, OrderSlot, PositionSlot};
use crate::trigger::{Distance, Due, Trigger, Waiting};
use crate::words::{
    DistanceUnit, MarketState, OrderError, OrderStatus, OrderType, Signal, TriggerKind, TriggerSide,
    UpdateReason,
};
use std::collections::BTreeSet;

/// A trailing stop stays 0.1% to 50% behind its signal; a relative limit at most 50% from the trigger price.
const PERCENT_MIN: i64 = 10;
const PERCENT_MAX: i64 = 5_000;
const HALF: i128 = 2;

/// A trigger that has passed the checks of its arrival (rows 7 to 12).
struct Arrived {
    trigger: Trigger,
    limit: Option<i64>,
    lots: i64,
    small: bool,
}

/// An edit of a trigger that has passed every check.
struct EditedTrigger {
    price: i64,
    limit: Option<i64>,
    deviation: Option<Distance>,
    lots: i64,
    small: bool,
}

impl Exchange {
    pub(super) fn place_trigger(
        &mut self,
        ask: &PlaceOrder,
        written: Option<&Written>,
        asked: &AskedTrigger,
        position: PositionSlot,
        events: &mut Vec<Event>,
    ) -> PlaceOutcome {
        match self.check_arrival(ask, asked, position) {
            Err(error) => {
                let refused = asked_trigger(ask, asked);
                let limit = ask.limit_price.and_then(|limit| ticks_of(limit).ok());
                let limited = ask.limit_price.is_some() || ask.limit_offset.is_some();
                let order_type = if limited { OrderType::Limit } else { OrderType::Market };
                let ask = PlaceOrder { order_type, ..ask.clone() };
                self.refuse((&ask, written), limit, position, Some(refused), error, events)
            }
            // Every check of arrival is behind us; what it becomes is checked when it fires.
            Ok(arrived) => {
                let order_type = match (arrived.limit, arrived.trigger.limit_offset) {
                    (None, None) => OrderType::Market,
                    (Some(_), _) | (_, Some(_)) => OrderType::Limit,
                };
                let Arrived { trigger, limit, lots, small } = arrived;
                let slot = self.take_in(ask, limit.unwrap_or(0), lots, small, position);
                let order = self.orders.get_mut(slot);
                (order.order_type, order.status) = (order_type, OrderStatus::TriggerPlaced);
                let id = order.id;
                self.attach(slot, ask, Some(trigger));
                if ask.client_order_id.is_some() {
                    self.orders.reserve_name(slot);
                }
                self.let_wait(slot);
                let reduced = ask.reduce_only.then_some(Qty(0));
                emit(events, || Event::Placed { order: self.view(slot), reduced });
                self.judge_one(slot);
                PlaceOutcome::Placed(id)
            }
        }
    }

    fn check_arrival(
        &self,
        ask: &PlaceOrder,
        asked: &AskedTrigger,
        position_slot: PositionSlot,
    ) -> Result<Arrived, OrderError> {
        let market = &self.markets[ask.instrument];
        let position = &self.positions[position_slot];
        self.check_state(market, OrderType::Market)?;
        let limit = ask.limit_price.map(ticks_of).transpose()?;
        let mut trigger = asked_trigger(ask, asked);
        match asked.kind {
            TriggerKind::Stop | TriggerKind::TakeProfit => {
                trigger.price = Some(Price(ticks_of(ask.stop_price.unwrap_or(OnGrid::Off))?));
                if asked.deviation.is_some() {
                    return Err(OrderError::InvalidPrice);
                }
            }
            TriggerKind::TrailingStop => {
                if ask.stop_price.is_some() || limit.is_some() {
                    return Err(OrderError::InvalidPrice);
                }
                let signal = market.reference(asked.signal, &self.pairs[market.pair()]);
                let deviation = check_deviation(asked.deviation, market, signal)?;
                let signal = signal.ok_or(OrderError::NoReferencePrice)?;
                if deviation.is_swallowed(&market.instrument, signal) {
                    return Err(OrderError::TrailingStopTooSmall);
                }
                let price = deviation.trail(&market.instrument, ask.side, signal);
                if !(1..=MAX_TICKS).contains(&price) {
                    return Err(OrderError::InvalidPrice);
                }
                (trigger.deviation, trigger.price) = (Some(deviation), Some(Price(price)));
            }
        }
        let stop = trigger.price.map_or(0, |price| price.0);
        trigger.limit_offset = check_offset(ask.limit_offset, limit, stop)?;

        let lots = lots_of(ask.qty)?;
        let limits = self.limits_of(ask.account, ask.instrument);
        let at = match (limit, ask.stop_price, market.mark) {
            (Some(limit), ..) => Some(market.instrument.notional(lots, Price(limit))),
            (None, Some(_), _) => Some(market.instrument.notional(lots, Price(stop))),
            (None, None, Some(mark)) => market.instrument.notional_at(lots, mark),
            (None, None, None) => None,
        };
        let worth = check_value(limits.order_value_usd, at)?;
        self.check_name(ask)?;
        let small = worth < usd(limits.small_order_usd.into());
        if !position.house {
            if small && position.small_orders >= limits.small_orders {
                return Err(OrderError::SmallOrderLimitExceeded);
            }
            if position.triggers.len() >= limits.triggers as usize {
                return Err(OrderError::OrderLimitExceeded);
            }
            if asked.kind == TriggerKind::TrailingStop && position.trailing_stops >= limits.trailing_stops {
                return Err(OrderError::TrailingStopLimitExceeded);
            }
        }
        if self.is_liquidated(position) {
            return Err(OrderError::InsufficientMargin);
        }
        Ok(Arrived { trigger, limit, lots, small })
    }

    /// Where a waiting trigger stands in its contract's watches.
    fn waiting(&self, slot: OrderSlot) -> (InstrumentId, Waiting) {
        let order = self.orders.get(slot);
        let at = self.positions[order.position].instrument;
        let instrument = &self.markets[at].instrument;
        let trigger = self.orders.trigger(slot).expect("a waiting trigger has its conditions");
        let price = trigger.price.map_or(0, |price| price.0);
        let waiting = Waiting {
            due: Due { order: order.id, slot },
            signal: trigger.signal,
            side: TriggerSide::of(trigger.kind, order.side),
            price,
            moves_beyond: trigger.deviation.map(|d| d.moves_beyond(instrument, order.side, price)),
        };
        (at, waiting)
    }

    /// Puts a trigger into its position's list and its contract's watches.
    fn let_wait(&mut self, slot: OrderSlot) {
        let order = self.orders.get(slot);
        let position = &mut self.positions[order.position];
        position.small_orders += u32::from(order.flags.small());
        self.orders.record_mut(slot).own_place = position.triggers.len() as u32;
        position.triggers.push(slot);
        let trails = self.orders.trigger(slot).is_some_and(|t| t.kind == TriggerKind::TrailingStop);
        position.trailing_stops += u32::from(trails);
        self.watch(slot);
    }

    pub(super) fn watch(&mut self, slot: OrderSlot) {
        let (at, waiting) = self.waiting(slot);
        let market = &mut self.markets[at];
        if market.triggers.is_empty() {
            let pair = &self.pairs[market.pair()];
            market.judged = Signal::ALL.map(|signal| market.signal(signal, pair));
        }
        market.triggers.insert(&waiting);
    }

    /// Makes the watches anew from the orders that wait and are not due.
    pub(super) fn rewatch(&mut self) {
        let due: BTreeSet<OrderSlot> = self.work.due.iter().map(|due| due.slot).collect();
        let waiting = self.positions.iter().flat_map(|position| position.triggers.iter().copied());
        let waiting: Vec<OrderSlot> = waiting.filter(|slot| !due.contains(slot)).collect();
        for slot in waiting {
            let (at, waiting) = self.waiting(slot);
            self.markets[at].triggers.insert(&waiting);
        }
    }

    /// Takes a trigger out of its position's list and of the watches.
    pub(super) fn wait_no_longer(&mut self, slot: OrderSlot) {
        let (at, waiting) = self.waiting(slot);
        self.markets[at].triggers.remove(&waiting);
        let trails = waiting.moves_beyond.is_some();
        let order = self.orders.get(slot);
        let position = &mut self.positions[order.position];
        position.small_orders -= u32::from(order.flags.small());
        position.trailing_stops -= u32::from(trails);
        let place = self.orders.record(slot).own_place;
        position.triggers.swap_remove(place as usize);
        if let Some(moved) = position.triggers.get(place as usize) {
            self.orders.record_mut(*moved).own_place = place;
        }
    }

    /// Removes a waiting trigger: closed, told.
    pub(super) fn remove_trigger(
        &mut self,
        slot: OrderSlot,
        reason: UpdateReason,
        error: Option<OrderError>,
        events: &mut Vec<Event>,
    ) {
        self.wait_no_longer(slot);
        self.close(slot, OrderStatus::Cancelled, reason, error, events);
        emit(events, || Event::Cancelled { order: self.view(slot) });
    }

    /// Judges the triggers of a contract by the present value of a signal, while the contract trades: trailing stops
    /// follow it, then those that it reaches are due.
    pub(super) fn judge(&mut self, id: InstrumentId, signal: Signal, events: &mut Vec<Event>) {
        let reached = self.reached(id, signal, events);
        if !reached.is_empty() {
            self.make_due(reached);
        }
    }

    /// Lets trailing stops follow the present value of a signal; gives what it reaches, each with its distance from the
    /// value that the contract was judged by before.
    pub(super) fn reached(
        &mut self,
        id: InstrumentId,
        signal: Signal,
        events: &mut Vec<Event>,
    ) -> Vec<(u128, Due)> {
        let market = &self.markets[id];
        let pair = &self.pairs[market.pair()];
        let Some(value) = market.signal(signal, pair) else { return Vec::new() };
        if market.triggers.is_empty() || market.state(pair, self.now) != MarketState::Open {
            return Vec::new();
        }
        let moved = self.markets[id].triggers.take_moved(signal, value);
        if !moved.is_empty() {
            self.follow(id, signal, &moved, value, events);
        }
        let market = &mut self.markets[id];
        let before = market.judged[signal as usize].replace(value).unwrap_or(value);
        let (floor, ceil) = (market.instrument.ticks_floor(value).0, market.instrument.ticks_ceil(value).0);
        if !market.triggers.reaches_any(signal, floor, ceil) {
            return Vec::new();
        }
        let reached = market.triggers.reached(signal, floor, ceil).into_iter();
        let distance = |price| market.instrument.fine_price(Price(price)).0.abs_diff(before.0);
        reached.map(|(price, due)| (distance(price), due)).collect()
    }

    /// What one price change reached is due: the nearest to the price before first, at one distance the older.
    #[cold]
    pub(super) fn make_due(&mut self, mut reached: Vec<(u128, Due)>) {
        reached.sort_unstable_by_key(|(distance, due)| (*distance, due.order));
        for (_, due) in reached {
            self.set_due(due);
        }
    }

    /// All three signals, when a contract trades again.
    pub(super) fn judge_all(&mut self, id: InstrumentId, events: &mut Vec<Event>) {
        for signal in Signal::ALL {
            self.judge(id, signal, events);
        }
    }

    /// A trigger whose condition holds already when it arrives or is edited is due at once.
    fn judge_one(&mut self, slot: OrderSlot) {
        let (at, waiting) = self.waiting(slot);
        let market = &self.markets[at];
        let pair = &self.pairs[market.pair()];
        let Some(value) = market.signal(waiting.signal, pair) else { return };
        let price = market.instrument.fine_price(Price(waiting.price));
        let reached = match waiting.side {
            TriggerSide::Above => value >= price,
            TriggerSide::Below => value <= price,
        };
        if reached && market.state(pair, self.now) == MarketState::Open {
            self.set_due(waiting.due);
        }
    }

    /// It fires in its turn; no other price is to reach it.
    fn set_due(&mut self, due: Due) {
        let (at, waiting) = self.waiting(due.slot);
        self.markets[at].triggers.remove(&waiting);
        self.work.due.push_back(due);
        self.work.busy = true;
    }

    /// True for a trigger that is due and has not gone meanwhile.
    pub(crate) fn is_still_due(&self, due: &Due) -> bool {
        self.orders.find(due.order) == Some(due.slot)
            && self.orders.get(due.slot).status == OrderStatus::TriggerPlaced
    }

    /// Moves the trigger prices of trailing stops, taken out to be moved, after their signal, each at least a tick away
    /// from it.
    #[cold]
    fn follow(
        &mut self,
        id: InstrumentId,
        signal: Signal,
        stops: &[Due],
        value: FinePrice,
        events: &mut Vec<Event>,
    ) {
        let now = self.now;
        let market = &mut self.markets[id];
        let mut moved = Vec::with_capacity(stops.len());
        for due in stops {
            let order = self.orders.get_mut(due.slot);
            let side = order.side;
            order.reason = Some(UpdateReason::TrailingStopPriceUpdated);
            order.error = None;
            order.updated_at = now;
            let trigger = self.orders.trigger_mut(due.slot).expect("a waiting trigger has its conditions");
            let deviation = trigger.deviation.expect("a trailing stop has a deviation");
            let price = deviation.trail_apart(&market.instrument, side, value);
            let from = trigger.price.replace(Price(price)).map_or(0, |price| price.0);
            assert!(side.sign() * (from - price) > 0, "a trailing stop that is to move gets a better price");
            let waiting = Waiting {
                due: *due,
                signal,
                side: TriggerSide::of(trigger.kind, side),
                price,
                moves_beyond: Some(deviation.moves_beyond(&market.instrument, side, price)),
            };
            moved.push((waiting, from));
            emit(events, || Event::Repriced { order: self.orders.view(due.slot, id) });
        }
        market.triggers.put_back(signal, &moved);
    }

    /// Cancels a trailing stop and places the same one anew at the present signal, under a new number and the same name.
    pub(super) fn renew_trigger(&mut self, slot: OrderSlot, events: &mut Vec<Event>) -> OrderId {
        let old = self.view(slot);
        self.orders.release_name(slot);
        self.remove_trigger(slot, UpdateReason::TrailingStopReplacedByAdmin, None, events);

        let position = self.orders.get(slot).position;
        let market = &self.markets[self.positions[position].instrument];
        let signal = old.trigger().map(|trigger| trigger.signal);
        let pair = &self.pairs[market.pair()];
        let value = signal.and_then(|signal| market.reference(signal, pair));
        let mut attached = old.attached.as_deref().cloned().unwrap_or_default();
        if let Some(trigger) = &mut attached.trigger
            && let (Some(deviation), Some(value)) = (trigger.deviation, value)
        {
            // Where the present signal leaves no room for it, it stays where it was.
            let price = deviation.trail_apart(&market.instrument, old.side, value);
            if (1..=MAX_TICKS).contains(&price) {
                trigger.price = Some(Price(price));
            }
        }
        let id = self.orders.next_id();
        let closed = self.orders.get(slot).clone();
        let order = Order {
            id,
            updated_at: self.now,
            status: OrderStatus::TriggerPlaced,
            reason: Some(UpdateReason::NewUserOrder),
            prev: Maybe::NONE,
            next: Maybe::NONE,
            level: Maybe::NONE,
            ..closed
        };
        let record = Record {
            account: old.account,
            own_place: 0,
            placed_at: self.now,
            client_order_id: old.client_order_id.clone(),
        };
        let renewed = self.orders.insert(order, record);
        self.orders.attach(renewed, attached);
        self.orders.reserve_name(renewed);
        self.let_wait(renewed);
        let reduced = old.reduce_only.then_some(Qty(0));
        emit(events, || Event::Placed { order: self.view(renewed), reduced });
        self.judge_one(renewed);
        id
    }

    /// Edits a waiting trigger.
    pub(super) fn edit_trigger(
        &mut self,
        ask: &EditOrder,
        slot: OrderSlot,
        events: &mut Vec<Event>,
    ) -> Result<(), OrderError> {
        let edited = self.check_trigger_edit(ask, slot)?;
        // Every check is behind us: from here on nothing is refused.
        let prior = self.view(slot);
        let (at, waiting) = self.waiting(slot);
        self.markets[at].triggers.remove(&waiting);
        // One that was due is judged anew.
        self.work.due.retain(|due| due.slot != slot);
        let now = self.now;
        let order = self.orders.get_mut(slot);
        let position = &mut self.positions[order.position];
        position.small_orders =
            position.small_orders + u32::from(edited.small) - u32::from(order.flags.small());
        order.flags.set_small(edited.small);
        order.qty = edited.lots;
        if let Some(limit) = edited.limit {
            (order.price, order.order_type) = (limit, OrderType::Limit);
        }
        (order.reason, order.error, order.updated_at) = (Some(UpdateReason::EditedByUser), None, now);
        if let Some(trigger) = self.orders.trigger_mut(slot) {
            (trigger.price, trigger.deviation) = (Some(Price(edited.price)), edited.deviation);
        }
        self.watch(slot);
        let change = OrderChange { prior, order: self.view(slot) };
        let reduced = change.order.reduce_only.then_some(Qty(0));
        emit(events, || Event::Edited { change: Box::new(change), reduced });
        self.judge_one(slot);
        Ok(())
    }

    fn check_trigger_edit(&self, ask: &EditOrder, slot: OrderSlot) -> Result<EditedTrigger, OrderError> {
        let order = self.orders.get(slot);
        let position = &self.positions[order.position];
        let market = &self.markets[position.instrument];
        let trigger = self.orders.trigger(slot).expect("a waiting trigger has its conditions");
        self.check_state(market, OrderType::Market)?;
        let present = trigger.price.map_or(0, |price| price.0);
        let mut edited = EditedTrigger {
            price: present,
            limit: None,
            deviation: trigger.deviation,
            lots: order.qty,
            small: order.flags.small(),
        };
        match trigger.kind {
            TriggerKind::Stop | TriggerKind::TakeProfit => {
                if let Some(stop) = ask.stop_price {
                    edited.price = ticks_of(stop)?;
                }
                edited.limit = ask.limit_price.map(ticks_of).transpose()?;
                if ask.deviation.is_some() || ask.deviation_unit.is_some() {
                    return Err(OrderError::InvalidPrice);
                }
                if edited.limit.is_some() && trigger.limit_offset.is_some() {
                    return Err(OrderError::LimitPriceAbsoluteAndRelative);
                }
            }
            TriggerKind::TrailingStop => {
                if ask.stop_price.is_some() {
                    return Err(OrderError::CannotEditTriggerPriceOfTrailingStop);
                }
                if ask.limit_price.is_some() {
                    return Err(OrderError::CannotEditLimitPriceOfTrailingStop);
                }
                if ask.deviation.is_some() || ask.deviation_unit.is_some() {
                    let deviation = self.check_new_deviation(ask, trigger, order.side, market)?;
                    (edited.price, edited.deviation) = (deviation.1, Some(deviation.0));
                }
            }
        }
        let offset = trigger.limit_offset.map(|Distance { unit, steps }| {
            AskedOffset::Distance(AskedDistance { unit, steps: OnGrid::Steps(steps) })
        });
        check_offset(offset, None, edited.price)?;
        if let Some(qty) = ask.qty {
            // Nothing of a waiting trigger is filled: both ways to mean its size agree.
            edited.lots = lots_of(qty)?;
        }
        let of = (self.orders.record(slot).account, position.instrument);
        let limits = self.limits_of(of.0, of.1);
        let limit = edited.limit.or((order.price != 0).then_some(order.price));
        let trails = trigger.kind == TriggerKind::TrailingStop;
        let worth = match (limit, market.mark) {
            // A trailing stop has no stop price to value it at.
            (None, Some(mark)) if trails => market.instrument.notional_at(edited.lots, mark),
            (limit, _) => Some(market.instrument.notional(edited.lots, Price(limit.unwrap_or(edited.price)))),
        };
        let worth = check_value(limits.order_value_usd, worth)?;
        if edited.price == present
            && edited.limit.is_none_or(|limit| limit == order.price)
            && edited.deviation == trigger.deviation
            && edited.lots == order.qty
        {
            return Err(OrderError::EditHasNoEffect);
        }
        edited.small = worth < usd(limits.small_order_usd.into());
        if !position.house {
            // The trigger itself is not counted.
            let others = position.small_orders - u32::from(order.flags.small());
            if edited.small && others >= limits.small_orders {
                return Err(OrderError::SmallOrderLimitExceeded);
            }
            if position.triggers.len() > limits.triggers as usize {
                return Err(OrderError::OrderLimitExceeded);
            }
            if trails && position.trailing_stops > limits.trailing_stops {
                return Err(OrderError::TrailingStopLimitExceeded);
            }
        }
        Ok(edited)
    }

    /// The deviation after an edit that names a value, a unit, or both; and the trigger price it gives at the present
    /// signal.
    fn check_new_deviation(
        &self,
        ask: &EditOrder,
        trigger: &Trigger,
        side: Side,
        market: &Market,
    ) -> Result<(Distance, i64), OrderError> {
        let kept = trigger.deviation.unwrap_or(Distance { unit: DistanceUnit::Quote, steps: 0 });
        let unit = ask.deviation_unit.unwrap_or(kept.unit);
        let steps = match ask.deviation {
            Some(asked) => match unit {
                DistanceUnit::Percent => asked.percent,
                DistanceUnit::Quote => asked.quote,
            },
            // Another unit alone says nothing: hundredths of a percent are no ticks.
            None if unit == kept.unit => OnGrid::Steps(kept.steps),
            None => return Err(OrderError::InvalidPrice),
        };
        let signal = market.reference(trigger.signal, &self.pairs[market.pair()]);
        let deviation = check_deviation(Some(AskedDistance { unit, steps }), market, signal)?;
        let signal = signal.ok_or(OrderError::NoReferencePrice)?;
        let price = deviation.trail(&market.instrument, side, signal);
        if !has_headroom(&market.instrument, side, signal, price) {
            return Err(OrderError::InsufficientHeadroom);
        }
        Ok((deviation, price))
    }
}

/// The trigger as it was asked for, as far as its parts can be read.
fn asked_trigger(ask: &PlaceOrder, asked: &AskedTrigger) -> Trigger {
    let readable = |distance: AskedDistance| match distance.steps {
        OnGrid::Steps(steps) => Some(Distance { unit: distance.unit, steps }),
        OnGrid::Off | OnGrid::TooLarge => None,
    };
    Trigger {
        kind: asked.kind,
        signal: asked.signal,
        shown_signal: Some(asked.signal),
        shown_side: Some(TriggerSide::of(asked.kind, ask.side)),
        price: ask.stop_price.and_then(|stop| ticks_of(stop).ok()).map(Price),
        deviation: asked.deviation.and_then(readable),
        limit_offset: match ask.limit_offset {
            Some(AskedOffset::Distance(distance)) => readable(distance),
            Some(AskedOffset::BadValue | AskedOffset::BadUnit | AskedOffset::Incomplete) | None => None,
        },
        fired_at: None,
    }
}

/// The shape of a trailing stop's distance (rules 1.3): decimals or tick, then too large, then too small.
fn check_deviation(
    asked: Option<AskedDistance>,
    market: &Market,
    signal: Option<FinePrice>,
) -> Result<Distance, OrderError> {
    let AskedDistance { unit, steps } = asked.ok_or(OrderError::InvalidPrice)?;
    let steps = match (steps, unit) {
        (OnGrid::Steps(steps), _) => steps,
        (OnGrid::Off, DistanceUnit::Percent) => return Err(OrderError::TrailingStopPercentTooPrecise),
        (OnGrid::Off, DistanceUnit::Quote) => return Err(OrderError::TrailingStopQuoteOffTick),
        (OnGrid::TooLarge, _) => return Err(OrderError::TrailingStopTooLarge),
    };
    let (too_large, least) = match unit {
        DistanceUnit::Percent => (steps > PERCENT_MAX, PERCENT_MIN),
        DistanceUnit::Quote => {
            let tick = market.instrument.fine_price(Price(1)).0;
            let half = signal.map_or(i128::MAX, |signal| signal.0 / HALF);
            // Only what ticks can count is multiplied: the product of any number would not fit.
            (steps > MAX_TICKS || (steps > 0 && i128::from(steps) * tick > half), 1)
        }
    };
    if too_large {
        Err(OrderError::TrailingStopTooLarge)
    } else if steps < least {
        Err(OrderError::TrailingStopTooSmall)
    } else {
        Ok(Distance { unit, steps })
    }
}

/// A trailing stop's trigger price is positive and at least a tick away from its signal.
fn has_headroom(instrument: &Instrument, side: Side, signal: FinePrice, price: i64) -> bool {
    let away = match side {
        Side::Sell => signal.0 - instrument.fine_price(Price(price)).0,
        Side::Buy => instrument.fine_price(Price(price)).0 - signal.0,
    };
    (1..=MAX_TICKS).contains(&price) && away >= instrument.fine_price(Price(1)).0
}

/// The shape of a relative limit (rules 1.4).
fn check_offset(
    asked: Option<AskedOffset>,
    limit: Option<i64>,
    stop: i64,
) -> Result<Option<Distance>, OrderError> {
    let Some(asked) = asked else { return Ok(None) };
    if limit.is_some() {
        return Err(OrderError::LimitPriceAbsoluteAndRelative);
    }
    let AskedDistance { unit, steps } = match asked {
        AskedOffset::Distance(distance) => distance,
        AskedOffset::BadValue => return Err(OrderError::LimitOffsetValueInvalid),
        AskedOffset::BadUnit => return Err(OrderError::LimitOffsetUnitInvalid),
        AskedOffset::Incomplete => return Err(OrderError::LimitOffsetIncomplete),
    };
    let steps = match (steps, unit) {
        (OnGrid::Steps(steps), _) => steps,
        (OnGrid::Off, DistanceUnit::Quote) => return Err(OrderError::LimitOffsetOffTick),
        (OnGrid::Off, DistanceUnit::Percent) => return Err(OrderError::LimitOffsetTooPrecise),
        (OnGrid::TooLarge, _) => return Err(OrderError::LimitOffsetTooHigh),
    };
    // Within half of the trigger price either way.
    let (twice, whole) = match unit {
        DistanceUnit::Percent => (2 * i128::from(steps), 10_000),
        DistanceUnit::Quote => (2 * i128::from(steps), i128::from(stop)),
    };
    if twice > whole {
        Err(OrderError::LimitOffsetTooHigh)
    } else if twice < -whole {
        Err(OrderError::LimitOffsetTooLow)
    } else {
        Ok(Some(Distance { unit, steps }))
    }
}
