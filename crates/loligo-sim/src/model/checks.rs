//! The checks of rules 1.11 in their order: rows 7 to 12 of plain orders, 13 to 19 of whatever meets the book.

use super::matching::End;
use super::orders::{incoming, lots, price};
use super::{Model, Order, figures};
use loligo_engine::{
    AccountId, ClientOrderId, EditOrder, FillRole, InstrumentId, MAX_TICKS, MarketState, OrderError,
    OrderStatus, OrderType, OrderView, PlaceOrder, Price, Qty, QtyMode, Side, TriggerKind,
};
use num_bigint::BigInt;

impl Model {
    /// All checks of a new order that is no trigger. Gives the lots it may have.
    pub(super) fn check_place(&self, asked: &PlaceOrder, order: &OrderView) -> Result<i64, OrderError> {
        self.check_market(order.instrument, order.order_type)?;
        // Row 8.
        if asked.stop_price.is_some() {
            return Err(OrderError::OrderCannotHaveTriggerPrice);
        }
        if asked.order_type != OrderType::Market && order.limit_price.is_none() {
            return Err(OrderError::InvalidPrice);
        }
        if asked.limit_offset.is_some() {
            return Err(OrderError::LimitOffsetValueInvalid);
        }
        self.check_value(order)?;
        self.check_name(asked)?;
        self.check_counts(order)?;
        self.check_effect(self, order)
    }

    /// All checks of an edit. Gives the order as it will be, and the open lots that were asked for.
    pub(super) fn check_edit(
        &self,
        present: &OrderView,
        asked: &EditOrder,
    ) -> Result<(OrderView, i64), OrderError> {
        self.check_market(present.instrument, present.order_type)?;
        if asked.stop_price.is_some() {
            return Err(OrderError::OrderCannotHaveTriggerPrice);
        }
        if asked.deviation.is_some() || asked.deviation_unit.is_some() {
            return Err(OrderError::InvalidPrice);
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
        self.check_value(&edited)?;
        if (edited.limit_price, edited.qty) == (present.limit_price, present.qty) {
            return Err(OrderError::EditHasNoEffect);
        }
        let without = self.without(present);
        without.check_counts(&edited)?;
        let left = without.check_effect(self, &edited)?;
        edited.qty = Some(Qty(filled + left));
        // Cut back to what it was before.
        if (edited.limit_price, edited.qty) == (present.limit_price, present.qty) {
            return Err(OrderError::EditHasNoEffect);
        }
        Ok((edited, open))
    }

    /// Row 7.
    pub(super) fn check_market(
        &self,
        instrument: InstrumentId,
        order_type: OrderType,
    ) -> Result<(), OrderError> {
        match self.market_state(instrument) {
            MarketState::Open => Ok(()),
            MarketState::PostOnly if order_type == OrderType::Post => Ok(()),
            MarketState::PostOnly => Err(OrderError::MarketIsPostOnly),
            MarketState::Suspended => Err(OrderError::MarketSuspended),
            MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired => {
                Err(OrderError::MarketNotFound)
            }
        }
    }

    /// Row 9: a size, and what one order may be worth.
    pub(super) fn check_value(&self, order: &OrderView) -> Result<(), OrderError> {
        let most = self.limits(order.account, order.instrument).order_value_usd;
        let sized = order.qty.is_some();
        if !sized || self.worth(order) > figures::usd(most) {
            Err(OrderError::InvalidQuantity)
        } else {
            Ok(())
        }
    }

    /// What is open of an order is worth, in USD: at its limit, else at its stop price, else at mark. A market order has no
    /// limit of its own, a trailing stop no stop price.
    fn worth(&self, order: &OrderView) -> BigInt {
        let contract = self.contract(order.instrument);
        let open = order.open_qty().0;
        let waits = order.trigger().filter(|_| order.status == OrderStatus::TriggerPlaced);
        let at = match (waits, order.order_type) {
            (None, OrderType::Market) => None,
            (None, _) => order.limit_price,
            (Some(trigger), _)
                if order.limit_price.is_none() && trigger.kind != TriggerKind::TrailingStop =>
            {
                trigger.price
            }
            (Some(_), _) => order.limit_price,
        };
        match (at, contract.mark) {
            (Some(price), _) => contract.notional(open, price.0),
            (None, Some(mark)) => contract.notional_at_mark(open, mark),
            (None, None) => BigInt::ZERO,
        }
    }

    /// Row 10.
    pub(super) fn check_name(&self, asked: &PlaceOrder) -> Result<(), OrderError> {
        match &asked.client_order_id {
            Some(ClientOrderId::TooLong) => Err(OrderError::ClientOrderIdTooLong),
            Some(ClientOrderId::Invalid) => Err(OrderError::ClientOrderIdInvalid),
            Some(ClientOrderId::Valid(name)) => {
                let mut own = self.orders.iter().filter(|o| o.view.account == asked.account);
                if own.any(|o| o.occupies(name)) { Err(OrderError::ClientOrderIdInUse) } else { Ok(()) }
            }
            None => Ok(()),
        }
    }

    /// Rows 11 and 12, of the state without the order. Orders that cannot rest are never open orders.
    pub(super) fn check_counts(&self, order: &OrderView) -> Result<(), OrderError> {
        let waits = order.status == OrderStatus::TriggerPlaced;
        if self.account(order.account).house || !(waits || can_rest(order.order_type)) {
            return Ok(());
        }
        let limits = self.limits(order.account, order.instrument);
        let own = self.orders.iter().filter(|o| {
            o.is_live() && (o.view.account, o.view.instrument) == (order.account, order.instrument)
        });
        let (resting, waiting): (Vec<&Order>, Vec<&Order>) = own.partition(|o| o.resting);
        let small = resting.iter().chain(&waiting).filter(|o| o.small).count();
        if self.is_small(order) && small >= limits.small_orders as usize {
            return Err(OrderError::SmallOrderLimitExceeded);
        }
        let trails = |order: &OrderView| order.trigger().is_some_and(|t| t.kind == TriggerKind::TrailingStop);
        let (count, most) = if waits { (&waiting, limits.triggers) } else { (&resting, limits.open_orders) };
        if count.len() >= most as usize {
            return Err(OrderError::OrderLimitExceeded);
        }
        let trailing = waiting.iter().filter(|o| trails(&o.view)).count();
        if waits && trails(order) && trailing >= limits.trailing_stops as usize {
            return Err(OrderError::TrailingStopLimitExceeded);
        }
        Ok(())
    }

    /// True when what is open is worth less than the small-order limit.
    pub(super) fn is_small(&self, order: &OrderView) -> bool {
        let below = self.limits(order.account, order.instrument).small_order_usd;
        self.worth(order) < figures::usd(below.into())
    }

    /// Rows 13 to 19, asked of the state without the order. `present` is the state with it, if it is edited.
    /// Gives the open lots that it may have.
    pub(super) fn check_effect(&self, present: &Model, order: &OrderView) -> Result<i64, OrderError> {
        let open = self.check_reduce_only(order)?;
        let order = OrderView { qty: Some(Qty(order.filled.0 + open)), ..order.clone() };
        self.check_leverage(present, &order)?;
        self.check_position_limit(&order)?;
        self.check_collar(&order)?;
        self.check_dislocation(present, &order)?;
        self.check_margin(present, &order)?;
        self.check_book(present, &order)?;
        Ok(open)
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
        let open = self.open_lots(order.account, order.instrument, order.side);
        let held = self.position(order.account, order.instrument).qty;
        let after = held + (open + order.open_qty().0) * order.side.sign();
        let bound = self.contract(order.instrument).spec.max_position.0;
        if after.abs() > bound { Err(OrderError::MaxPositionExceeded) } else { Ok(()) }
    }

    /// What is open on a side of a contract and could add to a position.
    pub(super) fn open_lots(&self, account: AccountId, instrument: InstrumentId, side: Side) -> i64 {
        let same = |o: &&Order| {
            o.resting
                && !o.view.reduce_only
                && (o.view.account, o.view.instrument, o.view.side) == (account, instrument, side)
        };
        self.orders.iter().filter(same).map(Order::open).sum()
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
        let collar = BigInt::from(self.limits(order.account, order.instrument).price_collar);
        let outside = match order.side {
            Side::Buy => limit > (million + collar) * mark.0,
            Side::Sell => limit < (million - collar) * mark.0,
        };
        if outside { Err(OrderError::PriceCollar) } else { Ok(()) }
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
            // The part that trades before it meets an order that refuses it stands, but not for what is all or nothing.
            (End::Refused, OrderType::FillOrKill) => Err(OrderError::WouldExecuteSelf),
            (End::Refused, _) if traded && !is_edit => Ok(()),
            (End::Refused, _) => Err(OrderError::WouldExecuteSelf),
            (End::NothingLeft, OrderType::FillOrKill) => Err(OrderError::IocWouldNotExecute),
            (End::NothingLeft, OrderType::ImmediateOrCancel | OrderType::Market) if !traded => {
                Err(OrderError::IocWouldNotExecute)
            }
            (End::NothingLeft, _) => Ok(()),
        }
    }

    /// A copy of the state in which the order rests.
    pub(super) fn with(&self, order: &OrderView) -> Model {
        let mut copy = self.clone();
        copy.orders.push(incoming(order));
        copy.rest(order.id);
        copy
    }

    /// A copy of the state in which the order is not.
    pub(super) fn without(&self, order: &OrderView) -> Model {
        let mut copy = self.clone();
        copy.orders.retain(|o| o.view.id != order.id);
        copy
    }

    /// The limit of a market order: 1% beyond the best opposite price, rounded towards it.
    pub(super) fn implied_limit(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        let best = self.queue(instrument, side.opposite()).first()?.limit();
        Some(Price(match side {
            Side::Buy => (best * 101 / 100).min(MAX_TICKS),
            Side::Sell => (best * 99 + 99) / 100,
        }))
    }
}

fn can_rest(order_type: OrderType) -> bool {
    matches!(order_type, OrderType::Limit | OrderType::Post)
}
