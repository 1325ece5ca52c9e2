//! Orders as the dialect shows them.

use super::grid::{money, price, size, time};
use super::outcomes::Told;
use crate::identity::Identity;
use crate::projection::{Directory, FillRow};
use loligo_engine::{
    FillRole, InstrumentId, InstrumentSpec, OrderError, OrderStatus, OrderType, OrderView, UpdateReason,
};
use loligo_wire::v3::{responses, words};

/// The word of a refusal; one has none (rules 2.6, bad characters).
pub(crate) fn refusal(error: OrderError) -> Option<words::OrderError> {
    Some(match error {
        OrderError::MarketNotFound => words::OrderError::MarketNotFound,
        OrderError::MarketSuspended => words::OrderError::MarketSuspended,
        OrderError::OrderCannotHaveTriggerPrice => words::OrderError::OrderCannotHaveTriggerPrice,
        OrderError::InvalidPrice => words::OrderError::InvalidPrice,
        OrderError::InvalidQuantity => words::OrderError::InvalidQuantity,
        OrderError::ClientOrderIdTooLong => words::OrderError::ClientOrderIdTooLong,
        OrderError::ClientOrderIdInvalid => return None,
        OrderError::ClientOrderIdInUse => words::OrderError::ClientOrderIdInUse,
        OrderError::SmallOrderLimitExceeded => words::OrderError::SmallOrderLimitExceeded,
        OrderError::OrderLimitExceeded => words::OrderError::OrderLimitExceeded,
        OrderError::WouldNotReducePosition => words::OrderError::WouldNotReducePosition,
        OrderError::MaxPositionExceeded => words::OrderError::MaxPositionExceeded,
        OrderError::PriceCollar => words::OrderError::PriceCollar,
        OrderError::InsufficientMargin => words::OrderError::InsufficientMargin,
        OrderError::PostWouldExecute => words::OrderError::PostWouldExecute,
        OrderError::IocWouldNotExecute => words::OrderError::IocWouldNotExecute,
        OrderError::WouldExecuteSelf => words::OrderError::WouldExecuteSelf,
        OrderError::RejectedAfterExecution => words::OrderError::RejectedAfterExecution,
        OrderError::EditHasNoEffect => words::OrderError::EditHasNoEffect,
        OrderError::OrderForEditNotFound => words::OrderError::OrderForEditNotFound,
        OrderError::OrderForCancellationNotFound => words::OrderError::OrderForCancellationNotFound,
    })
}

/// What a sender is told of a refusal.
pub(crate) fn send_status(error: OrderError) -> words::SendStatus {
    refusal(error).map_or(words::SendStatus::ClientOrderIdInvalid, words::OrderError::send_status)
}

/// The state of an order record.
pub(crate) fn status(status: OrderStatus) -> words::OrderStatus {
    match status {
        OrderStatus::EnteredBook => words::OrderStatus::EnteredBook,
        OrderStatus::FullyExecuted => words::OrderStatus::FullyExecuted,
        OrderStatus::Cancelled => words::OrderStatus::Cancelled,
        OrderStatus::Rejected => words::OrderStatus::Rejected,
    }
}

/// Why an order record last changed.
pub(crate) fn reason(reason: UpdateReason) -> words::OrderUpdateReason {
    match reason {
        UpdateReason::LoadingMarket => words::OrderUpdateReason::LoadingMarket,
        UpdateReason::NewUserOrder => words::OrderUpdateReason::NewUserOrder,
        UpdateReason::PartialFill => words::OrderUpdateReason::PartialFill,
        UpdateReason::FullFill => words::OrderUpdateReason::FullFill,
        UpdateReason::CancelledByUser => words::OrderUpdateReason::CancelledByUser,
        UpdateReason::PostWouldExecute => words::OrderUpdateReason::PostWouldExecute,
        UpdateReason::IocWouldNotExecute => words::OrderUpdateReason::IocWouldNotExecute,
        UpdateReason::WouldExecuteSelf => words::OrderUpdateReason::WouldExecuteSelf,
        UpdateReason::WouldNotReducePosition => words::OrderUpdateReason::WouldNotReducePosition,
        UpdateReason::EditedByUser => words::OrderUpdateReason::EditedByUser,
        UpdateReason::OrderForEditNotFound => words::OrderUpdateReason::OrderForEditNotFound,
    }
}

/// The type of an order in its events; a market order shows as what it is, an immediate one with a limit.
pub(crate) fn event_type(order_type: OrderType) -> words::EventOrderType {
    match order_type {
        OrderType::Limit => words::EventOrderType::Limit,
        OrderType::Post => words::EventOrderType::Post,
        OrderType::ImmediateOrCancel | OrderType::Market => words::EventOrderType::ImmediateOrCancel,
        OrderType::FillOrKill => words::EventOrderType::FillOrKill,
    }
}

/// The side of an order.
pub(crate) fn side(side: loligo_engine::Side) -> words::Side {
    match side {
        loligo_engine::Side::Buy => words::Side::Buy,
        loligo_engine::Side::Sell => words::Side::Sell,
    }
}

/// How a fill came about.
pub(crate) fn fill_type(role: FillRole) -> words::FillType {
    match role {
        FillRole::Maker => words::FillType::Maker,
        FillRole::Taker => words::FillType::Taker,
        FillRole::TakerAfterEdit => words::FillType::TakerAfterEdit,
    }
}

/// The state of an open order.
pub(crate) fn open_status(order: &OrderView) -> words::OpenOrderStatus {
    if order.filled.0 > 0 {
        words::OpenOrderStatus::PartiallyFilled
    } else {
        words::OpenOrderStatus::Untouched
    }
}

/// What turns the engine's numbers into the names that clients know.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'d> {
    pub(crate) directory: &'d Directory,
    pub(crate) identity: &'d Identity,
}

impl<'d> Shown<'d> {
    pub(super) fn spec(&self, instrument: InstrumentId) -> Option<&'d InstrumentSpec> {
        self.directory.instrument(instrument).map(|instrument| instrument.spec())
    }

    /// An order inside an event.
    fn order<'o>(&self, order: &'o OrderView) -> Option<responses::Order<'o>>
    where
        'd: 'o,
    {
        let spec = self.spec(order.instrument)?;
        Some(responses::Order {
            order_id: self.identity.order_uuid(order.id),
            cli_ord_id: order.client_order_id.as_deref(),
            order_type: event_type(order.order_type),
            symbol: &spec.symbol,
            side: side(order.side),
            quantity: size(order.qty.unwrap_or_default(), spec),
            filled: size(order.filled, spec),
            // The contract wants a number here; a market order that met an empty book had no limit.
            limit_price: price(order.limit_price.unwrap_or_default(), spec),
            reduce_only: order.reduce_only,
            timestamp: time(order.placed_at),
            last_update_timestamp: time(order.updated_at),
            algo_id: None,
        })
    }

    /// An event of an order's story.
    pub(crate) fn event<'o>(&self, told: &'o Told<'_>) -> Option<responses::OrderEvent<'o>>
    where
        'd: 'o,
    {
        Some(match told {
            Told::Execution { execution, prior, reduced } => {
                let spec = self.spec(execution.instrument)?;
                responses::OrderEvent::Execution {
                    execution_id: self.identity.execution_uuid(execution.id),
                    price: price(execution.price, spec),
                    amount: size(execution.qty, spec),
                    order_prior_edit: None,
                    order_prior_execution: self.order(prior)?,
                    taker_reduced_quantity: reduced.map(|reduced| size(reduced, spec)),
                }
            }
            Told::Place { order, reduced } => {
                let spec = self.spec(order.instrument)?;
                responses::OrderEvent::Place {
                    order: self.order(order)?,
                    reduced_quantity: reduced.map(|reduced| size(reduced, spec)),
                }
            }
            Told::Reject { order, reason } => {
                responses::OrderEvent::Reject { order: self.order(order)?, reason: *reason }
            }
            Told::Cancel { order } => responses::OrderEvent::Cancel { order: self.order(order)? },
        })
    }

    /// An element of `/orders/status`.
    pub(crate) fn record<'o>(&self, order: &'o OrderView) -> Option<responses::OrderStatusDetails<'o>>
    where
        'd: 'o,
    {
        let spec = self.spec(order.instrument)?;
        Some(responses::OrderStatusDetails {
            order: responses::CachedOrder {
                kind: words::OrderKind::Order,
                order_id: self.identity.order_uuid(order.id),
                cli_ord_id: order.client_order_id.as_deref(),
                symbol: &spec.symbol,
                side: side(order.side),
                quantity: order.qty.map(|qty| size(qty, spec)),
                filled: size(order.filled, spec),
                limit_price: order.limit_price.map(|limit| price(limit, spec)),
                reduce_only: order.reduce_only,
                timestamp: time(order.placed_at),
                last_update_timestamp: time(order.updated_at),
                algo_id: None,
                price_trigger_options: None,
                trigger_time: None,
            },
            status: status(order.status),
            update_reason: order.reason.map(reason),
            error: order.error.and_then(refusal),
        })
    }

    /// An element of `/openorders`.
    pub(crate) fn open_order<'o>(&self, order: &'o OrderView) -> Option<responses::OpenOrder<'o>>
    where
        'd: 'o,
    {
        let spec = self.spec(order.instrument)?;
        Some(responses::OpenOrder {
            order_id: self.identity.order_uuid(order.id),
            cli_ord_id: order.client_order_id.as_deref(),
            status: open_status(order),
            side: side(order.side),
            order_type: words::OpenOrderType::Limit,
            symbol: &spec.symbol,
            limit_price: order.limit_price.map(|limit| price(limit, spec)),
            stop_price: None,
            filled_size: size(order.filled, spec),
            unfilled_size: size(order.open_qty(), spec),
            reduce_only: order.reduce_only,
            trigger_signal: None,
            last_update_time: time(order.updated_at),
            received_time: time(order.placed_at),
            algo_id: None,
        })
    }

    /// An element of `/fills`.
    pub(crate) fn fill<'o>(&self, fill: &'o FillRow, with_profit: bool) -> Option<responses::Fill<'o>>
    where
        'd: 'o,
    {
        let spec = self.spec(fill.instrument)?;
        Some(responses::Fill {
            fill_id: self.identity.execution_uuid(fill.execution),
            symbol: &spec.symbol,
            side: side(fill.side),
            order_id: self.identity.order_uuid(fill.order),
            cli_ord_id: fill.client_order_id.as_deref(),
            size: size(fill.qty, spec),
            price: price(fill.price, spec),
            fill_time: time(fill.time),
            fill_type: fill_type(fill.role),
            realized_pnl: with_profit.then(|| money(fill.realized_pnl)),
            sequence_id: fill.execution.0,
        })
    }
}
