//! Orders as the dialect shows them.

use crate::grid::{money, price, size, time};
use crate::identity::Identity;
use crate::projection::{Directory, FillRow};
use crate::story::moves::OrderMove;
use loligo_engine::{
    Distance, DistanceUnit, FillRole, InstrumentId, InstrumentSpec, OrderError, OrderStatus, OrderType,
    OrderView, Price, Signal, Trigger, TriggerKind, TriggerSide, UpdateReason,
};
use loligo_wire::decimal::Decimal;
use loligo_wire::v3::{responses, words};

/// The word of a refusal; one has none (rules 2.6, bad characters).
pub(crate) fn refusal(error: OrderError) -> Option<words::OrderError> {
    Some(match error {
        OrderError::MarketNotFound => words::OrderError::MarketNotFound,
        OrderError::MarketSuspended => words::OrderError::MarketSuspended,
        OrderError::MarketIsPostOnly => words::OrderError::MarketIsPostOnly,
        OrderError::OrderCannotHaveTriggerPrice => words::OrderError::OrderCannotHaveTriggerPrice,
        OrderError::CannotEditTriggerPriceOfTrailingStop => {
            words::OrderError::CannotEditTriggerPriceOfTrailingStop
        }
        OrderError::CannotEditLimitPriceOfTrailingStop => {
            words::OrderError::CannotEditLimitPriceOfTrailingStop
        }
        OrderError::InvalidPrice => words::OrderError::InvalidPrice,
        OrderError::TrailingStopPercentTooPrecise => {
            words::OrderError::TrailingStopPercentDeviationExceedsMaxDecimalPlaces
        }
        OrderError::TrailingStopQuoteOffTick => {
            words::OrderError::TrailingStopQuoteDeviationNotMultipleOfTickSize
        }
        OrderError::TrailingStopTooLarge => words::OrderError::TrailingStopMaxDeviationTooLarge,
        OrderError::TrailingStopTooSmall => words::OrderError::TrailingStopMaxDeviationTooSmall,
        OrderError::NoReferencePrice => {
            words::OrderError::NoReferencePriceAvailableForCalculatingTrailingStopTriggerPrice
        }
        OrderError::InsufficientHeadroom => {
            words::OrderError::InsufficientHeadroomAroundCurrentPriceToEditTrailingStop
        }
        OrderError::LimitPriceAbsoluteAndRelative => words::OrderError::LimitPriceSetAsAbsoluteAndRelative,
        OrderError::LimitOffsetValueInvalid => words::OrderError::LimitPriceOffsetValueInvalid,
        OrderError::LimitOffsetUnitInvalid => words::OrderError::LimitPriceOffsetUnitInvalid,
        OrderError::LimitOffsetIncomplete => words::OrderError::LimitPriceOffsetMustHaveValueAndUnit,
        OrderError::LimitOffsetOffTick => {
            words::OrderError::LimitPriceOffsetQuoteCurrencyValueMustBeMultipleOfTickSize
        }
        OrderError::LimitOffsetTooPrecise => {
            words::OrderError::LimitPriceOffsetPercentValueTooManyDecimalPlaces
        }
        OrderError::LimitOffsetTooHigh => words::OrderError::LimitPriceOffsetTooHigh,
        OrderError::LimitOffsetTooLow => words::OrderError::LimitPriceOffsetTooLow,
        OrderError::InvalidQuantity => words::OrderError::InvalidQuantity,
        OrderError::ClientOrderIdTooLong => words::OrderError::ClientOrderIdTooLong,
        OrderError::ClientOrderIdInvalid => return None,
        OrderError::ClientOrderIdInUse => words::OrderError::ClientOrderIdInUse,
        OrderError::SmallOrderLimitExceeded => words::OrderError::SmallOrderLimitExceeded,
        OrderError::OrderLimitExceeded => words::OrderError::OrderLimitExceeded,
        OrderError::TrailingStopLimitExceeded => words::OrderError::TrailingStopOrderLimitExceeded,
        OrderError::WouldNotReducePosition => words::OrderError::WouldNotReducePosition,
        OrderError::FixedLeverageTooHigh => words::OrderError::FixedLeverageTooHigh,
        OrderError::MaxPositionExceeded => words::OrderError::MaxPositionExceeded,
        OrderError::PriceCollar => words::OrderError::PriceCollar,
        OrderError::PriceDislocation => words::OrderError::PriceDislocation,
        OrderError::InsufficientMargin => words::OrderError::InsufficientMargin,
        OrderError::InsufficientClosingMargin => words::OrderError::InsufficientClosingMargin,
        OrderError::WouldCauseLiquidation => words::OrderError::WouldCauseLiquidation,
        OrderError::PostWouldExecute => words::OrderError::PostWouldExecute,
        OrderError::IocWouldNotExecute => words::OrderError::IocWouldNotExecute,
        OrderError::WouldExecuteSelf => words::OrderError::WouldExecuteSelf,
        OrderError::RejectedAfterExecution => words::OrderError::RejectedAfterExecution,
        OrderError::EditHasNoEffect => words::OrderError::EditHasNoEffect,
        OrderError::OrderForEditNotFound => words::OrderError::OrderForEditNotFound,
        OrderError::OrderForCancellationNotFound => words::OrderError::OrderForCancellationNotFound,
        // The list is closed and has no word for it. To the account it is as if the market were suspended; and as a market
        // that is suspended fires no triggers, this word on one that has fired can mean nothing else.
        OrderError::AccountInactive => words::OrderError::MarketSuspended,
    })
}

/// What a sender is told of a refusal.
pub(crate) fn send_status(error: OrderError) -> words::SendStatus {
    refusal(error).map_or(words::SendStatus::ClientOrderIdInvalid, words::OrderError::send_status)
}

/// Why an order did not meet the book, of the two reasons that have an event of their own.
pub(super) fn reject_reason(error: OrderError) -> Option<words::RejectReason> {
    match error {
        OrderError::PostWouldExecute => Some(words::RejectReason::PostWouldExecute),
        OrderError::IocWouldNotExecute => Some(words::RejectReason::IocWouldNotExecute),
        _ => None,
    }
}

/// The state of an order record.
pub(crate) fn status(status: OrderStatus) -> words::OrderStatus {
    match status {
        OrderStatus::EnteredBook => words::OrderStatus::EnteredBook,
        OrderStatus::FullyExecuted => words::OrderStatus::FullyExecuted,
        OrderStatus::Cancelled => words::OrderStatus::Cancelled,
        OrderStatus::Rejected => words::OrderStatus::Rejected,
        OrderStatus::TriggerPlaced => words::OrderStatus::TriggerPlaced,
        OrderStatus::TriggerActivationFailure => words::OrderStatus::TriggerActivationFailure,
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
        UpdateReason::LiquidationOrder => words::OrderUpdateReason::LiquidationOrder,
        UpdateReason::StopOrderTriggered => words::OrderUpdateReason::StopOrderTriggered,
        UpdateReason::LimitFromStop => words::OrderUpdateReason::LimitFromStop,
        UpdateReason::ContractExpired => words::OrderUpdateReason::ContractExpired,
        UpdateReason::NotEnoughMargin => words::OrderUpdateReason::NotEnoughMargin,
        UpdateReason::MarketInactive => words::OrderUpdateReason::MarketInactive,
        UpdateReason::DeadManSwitch => words::OrderUpdateReason::DeadManSwitch,
        UpdateReason::CancelledByAdmin => words::OrderUpdateReason::CancelledByAdmin,
        UpdateReason::Expired => words::OrderUpdateReason::Expired,
        UpdateReason::TrailingStopPriceUpdated => words::OrderUpdateReason::TrailingStopPriceUpdated,
        UpdateReason::Unknown => words::OrderUpdateReason::Unknown,
        UpdateReason::TrailingStopReplacedByAdmin => {
            words::OrderUpdateReason::TrailingStopCancelledAndReplacedByAdmin
        }
    }
}

/// The type of an order in its events; a market order shows as what it is, an immediate one with a limit.
pub(crate) fn event_type(order_type: OrderType) -> words::EventOrderType {
    match order_type {
        OrderType::Limit => words::EventOrderType::Limit,
        OrderType::Post => words::EventOrderType::Post,
        OrderType::ImmediateOrCancel | OrderType::Market => words::EventOrderType::ImmediateOrCancel,
        OrderType::FillOrKill => words::EventOrderType::FillOrKill,
        // The list has no word of its own for one that the pool covers.
        OrderType::Liquidation | OrderType::CoveredLiquidation => words::EventOrderType::Liquidation,
        OrderType::Assignment => words::EventOrderType::Assignment,
        OrderType::Unwind => words::EventOrderType::Unwind,
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
        FillRole::Liquidation | FillRole::CoveredLiquidation => words::FillType::Liquidation,
        FillRole::PartialLiquidation => words::FillType::PartialLiquidation,
        FillRole::Assignor => words::FillType::Assignor,
        FillRole::Assignee => words::FillType::Assignee,
        FillRole::UnwindBankrupt => words::FillType::UnwindBankrupt,
        FillRole::UnwindCounterparty => words::FillType::UnwindCounterparty,
    }
}

/// The price a trigger watches; what its stored code does not tell is unknown.
pub(crate) fn signal(signal: Option<Signal>) -> words::TriggerSignal {
    match signal {
        Some(Signal::Last) => words::TriggerSignal::Last,
        Some(Signal::Mark) => words::TriggerSignal::Mark,
        Some(Signal::Index) => words::TriggerSignal::Index,
        None => words::TriggerSignal::Unknown,
    }
}

/// From which side a trigger is reached; likewise.
pub(crate) fn trigger_side(side: Option<TriggerSide>) -> words::TriggerSide {
    match side {
        Some(TriggerSide::Above) => words::TriggerSide::Above,
        Some(TriggerSide::Below) => words::TriggerSide::Below,
        None => words::TriggerSide::Unknown,
    }
}

/// What the client says made an order.
pub(crate) fn algo_id(order: &OrderView) -> Option<&str> {
    order.attached.as_deref().and_then(|attached| attached.algo_id.as_deref())
}

/// The trigger that an order still is: waiting, or closed before it fired.
pub(crate) fn unfired(order: &OrderView) -> Option<&Trigger> {
    order.trigger().filter(|trigger| trigger.fired_at.is_none())
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
    pub(crate) fn spec(&self, instrument: InstrumentId) -> Option<&'d InstrumentSpec> {
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
            algo_id: algo_id(order),
        })
    }

    /// A trigger inside an event.
    fn order_trigger<'o>(&self, order: &'o OrderView) -> Option<responses::OrderTrigger<'o>>
    where
        'd: 'o,
    {
        let spec = self.spec(order.instrument)?;
        let trigger = order.trigger()?;
        Some(responses::OrderTrigger {
            uid: self.identity.order_uuid(order.id),
            client_id: order.client_order_id.as_deref(),
            order_type: event_type(order.order_type),
            symbol: &spec.symbol,
            side: side(order.side),
            quantity: size(order.qty.unwrap_or_default(), spec),
            limit_price: order.limit_price.map(|limit| price(limit, spec)),
            trigger_price: trigger.price.map(|at| price(at, spec)),
            trigger_side: trigger_side(trigger.shown_side),
            trigger_signal: signal(trigger.shown_signal),
            reduce_only: order.reduce_only,
            timestamp: time(order.placed_at),
            last_update_timestamp: time(order.updated_at),
            algo_id: algo_id(order),
        })
    }

    /// An event of an order's story.
    pub(crate) fn event<'o>(&self, one: &'o OrderMove<'_>) -> Option<responses::OrderEvent<'o>>
    where
        'd: 'o,
    {
        Some(match one {
            OrderMove::Execution { execution, prior, prior_edit, reduced } => {
                let spec = self.spec(execution.instrument)?;
                responses::OrderEvent::Execution {
                    execution_id: self.identity.execution_uuid(execution.id),
                    price: price(execution.price, spec),
                    amount: size(execution.qty, spec),
                    order_prior_edit: prior_edit.and_then(|prior| self.order(prior)),
                    order_prior_execution: self.order(prior)?,
                    taker_reduced_quantity: reduced.map(|reduced| size(reduced, spec)),
                }
            }
            OrderMove::Place { order, reduced } => {
                let spec = self.spec(order.instrument)?;
                responses::OrderEvent::Place {
                    order: self.order(order)?,
                    reduced_quantity: reduced.map(|reduced| size(reduced, spec)),
                }
            }
            OrderMove::Reject { order, error } => {
                responses::OrderEvent::Reject { order: self.order(order)?, reason: reject_reason(*error)? }
            }
            OrderMove::RejectTrigger { order, error } => responses::OrderEvent::RejectTrigger {
                trigger: self.order_trigger(order)?,
                reason: refusal(*error)?,
            },
            OrderMove::PlaceTrigger { order } => {
                responses::OrderEvent::PlaceTrigger { trigger: self.order_trigger(order)? }
            }
            OrderMove::Cancel { order } if unfired(order).is_some() => {
                responses::OrderEvent::CancelTrigger { trigger: self.order_trigger(order)? }
            }
            OrderMove::Cancel { order } => responses::OrderEvent::Cancel { order: self.order(order)? },
            OrderMove::Edit { change, .. } if unfired(&change.order).is_some() => {
                responses::OrderEvent::EditTrigger {
                    old: self.order_trigger(&change.prior)?,
                    new: self.order_trigger(&change.order)?,
                }
            }
            OrderMove::Edit { change, reduced } => {
                let spec = self.spec(change.order.instrument)?;
                responses::OrderEvent::Edit {
                    old: self.order(&change.prior)?,
                    new: self.order(&change.order)?,
                    reduced_quantity: reduced.map(|reduced| size(reduced, spec)),
                }
            }
        })
    }

    /// An element of `/orders/status`.
    pub(crate) fn record<'o>(&self, order: &'o OrderView) -> Option<responses::OrderStatusDetails<'o>>
    where
        'd: 'o,
    {
        let spec = self.spec(order.instrument)?;
        let trigger = order.trigger();
        Some(responses::OrderStatusDetails {
            order: responses::CachedOrder {
                kind: match unfired(order) {
                    Some(_) => words::OrderKind::TriggerOrder,
                    None => words::OrderKind::Order,
                },
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
                algo_id: algo_id(order),
                price_trigger_options: trigger.and_then(|trigger| trigger_options(trigger, spec)),
                trigger_time: trigger.and_then(|trigger| trigger.fired_at).map(time),
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
            order_type: match unfired(order).map(|trigger| trigger.kind) {
                None => words::OpenOrderType::Limit,
                Some(TriggerKind::TakeProfit) => words::OpenOrderType::TakeProfit,
                Some(TriggerKind::Stop | TriggerKind::TrailingStop) => words::OpenOrderType::Stop,
            },
            symbol: &spec.symbol,
            limit_price: order.limit_price.map(|limit| price(limit, spec)),
            stop_price: unfired(order).and_then(|trigger| trigger.price).map(|stop| price(stop, spec)),
            filled_size: size(order.filled, spec),
            unfilled_size: size(order.open_qty(), spec),
            reduce_only: order.reduce_only,
            trigger_signal: unfired(order).map(|trigger| signal(trigger.shown_signal)),
            last_update_time: time(order.updated_at),
            received_time: time(order.placed_at),
            algo_id: algo_id(order),
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

/// The condition of a trigger; `None` when what was sent is no price.
fn trigger_options(trigger: &Trigger, spec: &InstrumentSpec) -> Option<responses::TriggerOptions> {
    Some(responses::TriggerOptions {
        trigger_price: price(trigger.price?, spec),
        trigger_side: trigger_side(trigger.shown_side),
        trigger_signal: signal(trigger.shown_signal),
        trailing_stop: trigger.deviation.map(|deviation| {
            let (max_deviation, unit) = distance(deviation, spec);
            responses::TrailingStopOptions { max_deviation, unit }
        }),
    })
}

/// How far a trailing stop stays behind its signal.
pub(crate) fn distance(distance: Distance, spec: &InstrumentSpec) -> (Decimal, words::DeviationUnit) {
    match distance.unit {
        DistanceUnit::Percent => (Decimal::new(i128::from(distance.steps), 2), words::DeviationUnit::Percent),
        DistanceUnit::Quote => (price(Price(distance.steps), spec), words::DeviationUnit::QuoteCurrency),
    }
}
