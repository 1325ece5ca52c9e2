//! Placing and editing: the checks of rules 1.11 in their order, then the deed.

use super::matching::End;
use super::{Model, Order, figures, occupies, shown_name};
use loligo_engine::{
    ClientOrderId, EditOrder, FillRole, InstrumentId, MAX_LOTS, MAX_TICKS, MarketState, OnGrid, OrderError,
    OrderId, OrderStatus, OrderType, OrderView, Outcome, PlaceOrder, Price, Qty, QtyMode, Refusal, Side,
    UpdateReason,
};
use num_bigint::BigInt;

impl Model {
    /// Places an order, or keeps the record of its refusal.
    pub(super) fn place(&mut self, asked: &PlaceOrder) -> Result<Outcome, Refusal> {
        self.known_account(asked.account)?;
        self.known_instrument(asked.instrument)?;
        if self.too_late(asked.process_before) {
            return Ok(Outcome::TooLate);
        }
        self.last_order += 1;
        let id = OrderId(self.last_order);
        let limit_price = match asked.order_type {
            OrderType::Market => self.implied_limit(asked.instrument, asked.side),
            _ => asked.limit_price.and_then(price).map(Price),
        };
        let mut view = OrderView {
            id,
            account: asked.account,
            instrument: asked.instrument,
            side: asked.side,
            order_type: asked.order_type,
            status: OrderStatus::EnteredBook,
            reason: Some(UpdateReason::NewUserOrder),
            error: None,
            limit_price,
            qty: lots(asked.qty).map(Qty),
            filled: Qty(0),
            reduce_only: asked.reduce_only,
            client_order_id: shown_name(&asked.client_order_id),
            placed_at: self.now,
            updated_at: self.now,
        };
        match self.check_place(asked, &view) {
            Err(error) => {
                view.status = OrderStatus::Rejected;
                view.reason = reason_of(error);
                view.error = Some(error);
                let closed_at = Some(self.now);
                self.orders.push(Order { closed_at, ..incoming(&view) });
                Ok(Outcome::Rejected(id, error))
            }
            Ok(open) => {
                self.reduced = view.reduce_only.then(|| Qty(view.open_qty().0 - open));
                let small = self.is_small(&view);
                view.qty = Some(Qty(open));
                self.orders.push(Order { small, ..incoming(&view) });
                self.arrive(id, FillRole::Taker);
                Ok(Outcome::Placed(id))
            }
        }
    }

    /// Amends an open order, or notes the refusal on its record.
    pub(super) fn edit(&mut self, asked: &EditOrder) -> Result<Outcome, Refusal> {
        self.known_account(asked.account)?;
        if self.too_late(asked.process_before) {
            return Ok(Outcome::TooLate);
        }
        let Some(id) = self.find(asked.account, &asked.order) else {
            return Ok(Outcome::EditRejected(None, OrderError::OrderForEditNotFound));
        };
        if self.order(id).view.status == OrderStatus::Rejected {
            // What refused it stays on its record.
            return Ok(Outcome::EditRejected(Some(id), OrderError::OrderForEditNotFound));
        }
        if self.order(id).view.status.is_closed() {
            let error = OrderError::OrderForEditNotFound;
            let order = self.order_mut(id);
            order.view.reason = Some(UpdateReason::OrderForEditNotFound);
            order.view.error = Some(error);
            return Ok(Outcome::EditRejected(Some(id), error));
        }
        match self.check_edit(id, asked) {
            Err(error) => {
                self.order_mut(id).view.error = Some(error);
                Ok(Outcome::EditRejected(Some(id), error))
            }
            Ok((edited, asked_open)) => {
                if edited.reduce_only {
                    self.reduced = Some(Qty(asked_open - edited.open_qty().0));
                }
                let now = self.now;
                let mut judged = edited.clone();
                judged.qty = Some(Qty(edited.filled.0 + asked_open));
                let small = self.is_small(&judged);
                let order = self.order_mut(id);
                order.small = small;
                let keeps_place = keeps_place(&order.view, &edited);
                order.view = OrderView {
                    reason: Some(UpdateReason::EditedByUser),
                    error: None,
                    updated_at: now,
                    ..edited
                };
                if !keeps_place {
                    order.resting = false;
                    self.arrive(id, FillRole::TakerAfterEdit);
                }
                Ok(Outcome::Edited(id))
            }
        }
    }

    /// All checks of a new order. Gives the lots it may have.
    fn check_place(&self, asked: &PlaceOrder, order: &OrderView) -> Result<i64, OrderError> {
        self.check_market(order.instrument)?;
        // Row 8.
        if asked.stop_price.is_some() {
            return Err(OrderError::OrderCannotHaveTriggerPrice);
        }
        if asked.order_type != OrderType::Market && order.limit_price.is_none() {
            return Err(OrderError::InvalidPrice);
        }
        // Row 9.
        let size = order.qty.ok_or(OrderError::InvalidQuantity)?.0;
        self.check_value(order, size, asked.order_type == OrderType::Market)?;
        // Row 10.
        match &asked.client_order_id {
            Some(ClientOrderId::TooLong) => return Err(OrderError::ClientOrderIdTooLong),
            Some(ClientOrderId::Invalid) => return Err(OrderError::ClientOrderIdInvalid),
            Some(ClientOrderId::Valid(name)) => {
                let mut own = self.orders.iter().filter(|o| o.view.account == order.account);
                if own.any(|o| occupies(&o.view, name)) {
                    return Err(OrderError::ClientOrderIdInUse);
                }
            }
            None => {}
        }
        self.check_effect(self, order)
    }

    /// All checks of an edit. Gives the order as it will be, and the open lots that were asked for.
    fn check_edit(&self, id: OrderId, asked: &EditOrder) -> Result<(OrderView, i64), OrderError> {
        let present = &self.order(id).view;
        self.check_market(present.instrument)?;
        if asked.stop_price.is_some() {
            return Err(OrderError::OrderCannotHaveTriggerPrice);
        }
        let limit_price = match asked.limit_price {
            Some(given) => Some(Price(price(given).ok_or(OrderError::InvalidPrice)?)),
            None => present.limit_price,
        };
        let filled = present.filled.0;
        let open = match asked.qty {
            None => present.open_qty().0,
            Some(given) => {
                let given = lots(given).ok_or(OrderError::InvalidQuantity)?;
                match asked.qty_mode {
                    QtyMode::Relative => given,
                    QtyMode::Absolute => given - filled,
                }
            }
        };
        if open <= 0 {
            return Err(OrderError::InvalidQuantity);
        }
        let mut edited = OrderView { limit_price, qty: Some(Qty(filled + open)), ..present.clone() };
        self.check_value(&edited, open, false)?;
        if (edited.limit_price, edited.qty) == (present.limit_price, present.qty) {
            return Err(OrderError::EditHasNoEffect);
        }
        let mut without = self.clone();
        without.orders.retain(|o| o.view.id != id);
        let left = without.check_effect(self, &edited)?;
        edited.qty = Some(Qty(filled + left));
        Ok((edited, open))
    }

    /// Row 7.
    fn check_market(&self, instrument: InstrumentId) -> Result<(), OrderError> {
        match self.market_state(instrument) {
            MarketState::Open => Ok(()),
            MarketState::Suspended => Err(OrderError::MarketSuspended),
            MarketState::Closed => Err(OrderError::MarketNotFound),
        }
    }

    /// Row 9: what one order may be worth. A market order has no limit of its own: mark values it.
    fn check_value(&self, order: &OrderView, size: i64, at_mark: bool) -> Result<(), OrderError> {
        let contract = self.contract(order.instrument);
        let value = match (at_mark, contract.mark) {
            (true, Some(mark)) => contract.notional_at_mark(size, mark),
            _ => contract.notional(size, order.limit_price.map_or(0, |p| p.0)),
        };
        let bound = figures::usd(self.limits.order_value_usd);
        if value > bound { Err(OrderError::InvalidQuantity) } else { Ok(()) }
    }

    /// Rows 11 to 19, asked of the state without the order. `present` is the state with it, if it is edited.
    /// Gives the open lots that it may have.
    fn check_effect(&self, present: &Model, order: &OrderView) -> Result<i64, OrderError> {
        self.check_counts(order)?;
        let open = self.check_reduce_only(order)?;
        let order = OrderView { qty: Some(Qty(order.filled.0 + open)), ..order.clone() };
        self.check_position_limit(&order)?;
        self.check_collar(&order)?;
        self.check_margin(present, &order)?;
        self.check_book(present, &order)?;
        Ok(open)
    }

    /// Rows 11 and 12. Orders that cannot rest are never open orders.
    fn check_counts(&self, order: &OrderView) -> Result<(), OrderError> {
        if self.accounts[order.account.0 as usize].house || !can_rest(order.order_type) {
            return Ok(());
        }
        let (account, instrument) = (order.account, order.instrument);
        let open = |o: &&Order| o.resting && (o.view.account, o.view.instrument) == (account, instrument);
        let small = self.orders.iter().filter(open).filter(|o| o.small).count();
        if self.is_small(order) && small >= self.limits.small_orders as usize {
            return Err(OrderError::SmallOrderLimitExceeded);
        }
        if self.orders.iter().filter(open).count() >= self.limits.open_orders as usize {
            return Err(OrderError::OrderLimitExceeded);
        }
        Ok(())
    }

    /// True when what is open is worth less than the small-order limit.
    fn is_small(&self, order: &OrderView) -> bool {
        let limit = order.limit_price.map_or(0, |p| p.0);
        let worth = self.contract(order.instrument).notional(order.open_qty().0, limit);
        worth < figures::usd(self.limits.small_order_usd.into())
    }

    /// Row 13. Gives the open lots that are left of the order.
    fn check_reduce_only(&self, order: &OrderView) -> Result<i64, OrderError> {
        let asked = order.open_qty().0;
        if !order.reduce_only {
            return Ok(asked);
        }
        let held = self.position(order.account, order.instrument).qty;
        if held.signum() != -order.side.sign() {
            return Err(OrderError::WouldNotReducePosition);
        }
        let open = asked.min(held.abs());
        if !can_rest(order.order_type) || self.first_maker(order).is_some() {
            return Ok(open);
        }
        // It would rest in full: what its place in the book leaves of it.
        let cut = OrderView { qty: Some(Qty(order.filled.0 + open)), ..order.clone() };
        let mut trial = self.with(&cut);
        trial.cut_reduce_only(order.account, order.instrument);
        let left = trial.order(order.id);
        if left.resting { Ok(left.open()) } else { Err(OrderError::WouldNotReducePosition) }
    }

    /// Row 15. What may only reduce cannot add to it, nor can it go beyond it.
    fn check_position_limit(&self, order: &OrderView) -> Result<(), OrderError> {
        if order.reduce_only {
            return Ok(());
        }
        let same = |o: &&Order| {
            o.resting
                && !o.view.reduce_only
                && (o.view.account, o.view.instrument, o.view.side)
                    == (order.account, order.instrument, order.side)
        };
        let open: i64 = self.orders.iter().filter(same).map(Order::open).sum();
        let held = self.position(order.account, order.instrument).qty;
        let after = held + (open + order.open_qty().0) * order.side.sign();
        let bound = self.contract(order.instrument).spec.max_position.0;
        if after.abs() > bound { Err(OrderError::MaxPositionExceeded) } else { Ok(()) }
    }

    /// Row 16.
    fn check_collar(&self, order: &OrderView) -> Result<(), OrderError> {
        let contract = self.contract(order.instrument);
        let Some(mark) = contract.mark else { return Ok(()) };
        if order.order_type == OrderType::Post || self.first_maker(order).is_none() {
            return Ok(());
        }
        let million = BigInt::from(1_000_000);
        let limit = contract.price(order.limit_price.map_or(0, |p| p.0)) * &million;
        let collar = BigInt::from(self.limits.price_collar);
        let outside = match order.side {
            Side::Buy => limit > (million + collar) * mark.0,
            Side::Sell => limit < (million - collar) * mark.0,
        };
        if outside { Err(OrderError::PriceCollar) } else { Ok(()) }
    }

    /// Row 18.
    fn check_margin(&self, present: &Model, order: &OrderView) -> Result<(), OrderError> {
        let Some(limit) = order.limit_price else { return Ok(()) };
        if order.reduce_only {
            return Ok(());
        }
        let (account, instrument) = (order.account, order.instrument);
        let (wallet, currency) = self.margin_wallet(instrument);
        let added = self.with(order).margin_with_orders(account, instrument)
            - present.margin_with_orders(account, instrument);
        if added <= BigInt::ZERO {
            return Ok(());
        }
        let value = super::margin::size(&self.contract(instrument).value(order.open_qty().0, limit.0));
        let fee = figures::fine(figures::fee(&value, self.fee_rates(account).taker));
        let available = present.equity(account, wallet, currency) - present.held(account, wallet);
        if available < added + fee { Err(OrderError::InsufficientMargin) } else { Ok(()) }
    }

    /// Row 19, by trying it on a copy.
    fn check_book(&self, present: &Model, order: &OrderView) -> Result<(), OrderError> {
        if order.order_type == OrderType::Post {
            let crosses = self.first_maker(order).is_some();
            return if crosses { Err(OrderError::PostWouldExecute) } else { Ok(()) };
        }
        let mut trial = self.clone();
        trial.orders.push(incoming(order));
        let end = trial.match_taker(order.id, FillRole::Taker);
        let traded = trial.order(order.id).view.filled > order.filled;
        let is_edit = present.orders.iter().any(|o| o.view.id == order.id);
        match (end, order.order_type) {
            (End::Filled, _) => Ok(()),
            // The part that trades before it meets an own order stands, but not for what is all or nothing.
            (End::OwnOrder, OrderType::FillOrKill) => Err(OrderError::WouldExecuteSelf),
            (End::OwnOrder, _) if traded && !is_edit => Ok(()),
            (End::OwnOrder, _) => Err(OrderError::WouldExecuteSelf),
            (End::NothingLeft, OrderType::FillOrKill) => Err(OrderError::IocWouldNotExecute),
            (End::NothingLeft, OrderType::ImmediateOrCancel | OrderType::Market) if !traded => {
                Err(OrderError::IocWouldNotExecute)
            }
            (End::NothingLeft, _) => Ok(()),
        }
    }

    /// A copy of the state in which the order rests.
    fn with(&self, order: &OrderView) -> Model {
        let mut copy = self.clone();
        copy.orders.push(incoming(order));
        copy.rest(order.id);
        copy
    }

    /// The limit of a market order: 1% beyond the best opposite price, rounded towards it.
    fn implied_limit(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        let best = self.queue(instrument, side.opposite()).first()?.limit();
        Some(Price(match side {
            Side::Buy => best * 101 / 100,
            Side::Sell => (best * 99 + 99) / 100,
        }))
    }
}

fn incoming(order: &OrderView) -> Order {
    Order { view: order.clone(), resting: false, place_in_queue: 0, small: false, closed_at: None }
}

fn can_rest(order_type: OrderType) -> bool {
    matches!(order_type, OrderType::Limit | OrderType::Post)
}

/// An edited order keeps its place only at the same price with less open.
fn keeps_place(present: &OrderView, edited: &OrderView) -> bool {
    edited.limit_price == present.limit_price && edited.qty < present.qty
}

/// A price that is on the tick and in range.
fn price(given: OnGrid) -> Option<i64> {
    steps(given).filter(|p| *p <= MAX_TICKS)
}

/// A size that is on the lot and in range.
fn lots(given: OnGrid) -> Option<i64> {
    steps(given).filter(|q| *q <= MAX_LOTS)
}

fn steps(given: OnGrid) -> Option<i64> {
    match given {
        OnGrid::Steps(steps) if steps > 0 => Some(steps),
        OnGrid::Steps(_) | OnGrid::Off | OnGrid::TooLarge => None,
    }
}

/// The reason word of a refusal that has one.
fn reason_of(error: OrderError) -> Option<UpdateReason> {
    match error {
        OrderError::PostWouldExecute => Some(UpdateReason::PostWouldExecute),
        OrderError::IocWouldNotExecute => Some(UpdateReason::IocWouldNotExecute),
        OrderError::WouldExecuteSelf => Some(UpdateReason::WouldExecuteSelf),
        OrderError::WouldNotReducePosition => Some(UpdateReason::WouldNotReducePosition),
        _ => None,
    }
}
