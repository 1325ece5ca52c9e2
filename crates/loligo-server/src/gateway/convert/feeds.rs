//! Orders and fills as the feeds show them, and which steps of an order are told at all.

use super::grid::{money, price, size, time};
use super::orders::{Shown, distance, fill_type, reason, side, signal, unfired};
use crate::projection::{FillRow, OrderNews, Step};
use loligo_engine::{
    ContractKind, InstrumentSpec, OrderError, OrderType, OrderView, TriggerKind, UpdateReason,
};
use loligo_wire::decimal::Decimal;
use loligo_wire::ws1;

/// A message of the open orders feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderMessage<'n> {
    /// The order as it is now.
    State { order: &'n OrderView, is_cancel: bool, reason: UpdateReason },
    /// The order is out of the list.
    Removal { order: &'n OrderView, reason: UpdateReason },
    /// A post-only order was refused: in full on the verbose feed, a removal on the plain one.
    PostRefused { order: &'n OrderView },
}

/// What an account is told of one record's steps of its orders, which are given in their order.
///
/// An order that came, or was edited, is told once it rests, as it is then; filled on arrival, it is not told at all. A
/// trigger that fires is removed, and what it becomes arrives under the same number.
pub(crate) fn story(news: &[OrderNews]) -> Vec<OrderMessage<'_>> {
    let mut story = Story { messages: Vec::with_capacity(news.len()), arriving: None };
    for OrderNews { step, order } in news {
        story.tell(*step, order);
    }
    story.settle();
    story.messages
}

struct Story<'n> {
    messages: Vec<OrderMessage<'n>>,
    /// The order that is taking from the book, as it is now, and what it is told as when it rests.
    arriving: Option<(&'n OrderView, UpdateReason)>,
}

impl<'n> Story<'n> {
    fn tell(&mut self, step: Step, order: &'n OrderView) {
        match step {
            Step::Placed => self.arrive(order, UpdateReason::NewUserOrder),
            Step::Edited => self.arrive(order, UpdateReason::EditedByUser),
            Step::Took => {
                if let Some((arriving, _)) = &mut self.arriving
                    && arriving.id == order.id
                {
                    *arriving = order;
                }
            }
            Step::Hit => {
                self.settle();
                // The last lot is told when the order is filled, which is next.
                if order.open_qty().0 > 0 {
                    self.state(order, false, UpdateReason::PartialFill);
                }
            }
            Step::Filled => match self.arriving.take_if(|(arriving, _)| arriving.id == order.id) {
                // Nobody knew it, or it was removed as a trigger.
                Some((_, UpdateReason::NewUserOrder | UpdateReason::LimitFromStop)) => {}
                Some(_) | None => self.state(order, true, UpdateReason::FullFill),
            },
            Step::Cancelled => {
                let reason = order.reason.unwrap_or(UpdateReason::CancelledByUser);
                let arriving = self.arriving.is_some_and(|(arriving, _)| arriving.id == order.id);
                match (arriving, lapses(reason) || (arriving && !rests(order.order_type))) {
                    // It has never rested.
                    (true, true) => self.arriving = None,
                    // It gave way to the one that arrives, which goes on taking.
                    (false, true) => {}
                    (_, false) => self.settle(),
                }
                self.messages.push(OrderMessage::Removal { order, reason });
            }
            Step::Reduced => {
                self.settle();
                self.state(order, false, UpdateReason::WouldNotReducePosition);
            }
            Step::Rejected => match order.reason {
                Some(UpdateReason::PostWouldExecute) => {
                    self.messages.push(OrderMessage::PostRefused { order });
                }
                Some(reason) => self.messages.push(OrderMessage::Removal { order, reason }),
                // A refusal that has no word in the feed: its sender has been told.
                None => {}
            },
            Step::Fired => {
                self.settle();
                let reason = UpdateReason::StopOrderTriggered;
                self.messages.push(OrderMessage::Removal { order, reason });
                self.arrive(order, UpdateReason::LimitFromStop);
            }
            Step::ActivationFailed => {
                self.settle();
                let reason = UpdateReason::StopOrderTriggered;
                self.messages.push(OrderMessage::Removal { order, reason });
            }
            Step::Repriced => {
                self.settle();
                self.state(order, false, UpdateReason::TrailingStopPriceUpdated);
            }
            // It is what it was; only its record reads otherwise.
            Step::Rewritten => {}
            Step::Noted => {
                let reason = UpdateReason::OrderForEditNotFound;
                if order.reason == Some(reason) && order.error == Some(OrderError::OrderForEditNotFound) {
                    self.messages.push(OrderMessage::Removal { order, reason });
                }
            }
        }
    }

    fn arrive(&mut self, order: &'n OrderView, reason: UpdateReason) {
        self.settle();
        self.arriving = Some((order, reason));
    }

    /// Whatever arrived rests by now.
    fn settle(&mut self) {
        if let Some((order, reason)) = self.arriving.take() {
            self.state(order, false, reason);
        }
    }

    fn state(&mut self, order: &'n OrderView, is_cancel: bool, reason: UpdateReason) {
        self.messages.push(OrderMessage::State { order, is_cancel, reason });
    }
}

/// Whether an order ends so only while one takes from the book: an arriving one before it rested.
fn lapses(reason: UpdateReason) -> bool {
    match reason {
        UpdateReason::PartialFill
        | UpdateReason::IocWouldNotExecute
        | UpdateReason::PostWouldExecute
        | UpdateReason::WouldExecuteSelf => true,
        UpdateReason::LoadingMarket
        | UpdateReason::NewUserOrder
        | UpdateReason::FullFill
        | UpdateReason::CancelledByUser
        | UpdateReason::WouldNotReducePosition
        | UpdateReason::EditedByUser
        | UpdateReason::OrderForEditNotFound
        | UpdateReason::LiquidationOrder
        | UpdateReason::StopOrderTriggered
        | UpdateReason::LimitFromStop
        | UpdateReason::ContractExpired
        | UpdateReason::NotEnoughMargin
        | UpdateReason::MarketInactive
        | UpdateReason::DeadManSwitch
        | UpdateReason::CancelledByAdmin
        | UpdateReason::Expired
        | UpdateReason::TrailingStopPriceUpdated
        | UpdateReason::TrailingStopReplacedByAdmin
        | UpdateReason::Unknown => false,
    }
}

/// Whether what is left of an order after it arrived stays in the book.
fn rests(order_type: OrderType) -> bool {
    match order_type {
        OrderType::Limit | OrderType::Post => true,
        OrderType::ImmediateOrCancel | OrderType::Market | OrderType::FillOrKill | OrderType::Liquidation => {
            false
        }
    }
}

impl OrderMessage<'_> {
    /// Appends the message to a buffer; false when the feed has no word for its reason, or its contract is not known.
    pub(crate) fn write(&self, out: &mut Vec<u8>, feed: ws1::OrdersFeed, shown: &Shown<'_>) -> bool {
        let (order, is_cancel, why, whole) = match *self {
            Self::State { order, is_cancel, reason } => (order, is_cancel, reason, true),
            Self::Removal { order, reason } => (order, true, reason, false),
            Self::PostRefused { order } => {
                (order, true, UpdateReason::PostWouldExecute, feed == ws1::OrdersFeed::Verbose)
            }
        };
        let Some(reason) = reason(why).ws_word() else { return false };
        if whole {
            let Some(order) = shown.feed_order(order) else { return false };
            ws1::OrderUpdate { feed, order, is_cancel, reason }.write(out);
        } else {
            let order_id = shown.identity.order_uuid(order.id);
            let cli_ord_id = order.client_order_id.as_deref();
            ws1::OrderRemoval { feed, order_id, cli_ord_id, reason }.write(out);
        }
        true
    }
}

impl Shown<'_> {
    /// An order of the open orders feeds.
    pub(crate) fn feed_order<'o>(&'o self, order: &'o OrderView) -> Option<ws1::OpenOrder<'o>> {
        let spec = self.spec(order.instrument)?;
        // What has fired is an order like any other.
        let waiting = unfired(order);
        Some(ws1::OpenOrder {
            instrument: &spec.symbol,
            time: time(order.placed_at),
            last_update_time: time(order.updated_at),
            qty: size(order.open_qty(), spec),
            filled: size(order.filled, spec),
            limit_price: order.limit_price.map(|limit| price(limit, spec)),
            stop_price: waiting
                .and_then(|trigger| trigger.price)
                .map_or(Decimal::ZERO, |stop| price(stop, spec)),
            order_type: match waiting.map(|trigger| trigger.kind) {
                None => ws1::OpenOrderType::Limit,
                Some(TriggerKind::Stop) => ws1::OpenOrderType::Stop,
                Some(TriggerKind::TakeProfit) => ws1::OpenOrderType::TakeProfit,
                Some(TriggerKind::TrailingStop) => ws1::OpenOrderType::TrailingStop,
            },
            order_id: self.identity.order_uuid(order.id),
            cli_ord_id: order.client_order_id.as_deref(),
            side: side(order.side),
            reduce_only: order.reduce_only,
            trigger_signal: waiting.map(|trigger| signal(trigger.shown_signal)),
            trailing_stop_options: waiting.and_then(|trigger| trigger.deviation).map(|deviation| {
                let (max_deviation, unit) = distance(deviation, spec);
                ws1::TrailingStopOptions { max_deviation, unit }
            }),
        })
    }

    /// A fill of the fills feed.
    pub(crate) fn feed_fill<'o>(&'o self, fill: &'o FillRow) -> Option<ws1::Fill<'o>> {
        let spec = self.spec(fill.instrument)?;
        Some(ws1::Fill {
            instrument: &spec.symbol,
            time: time(fill.time),
            price: price(fill.price, spec),
            seq: fill.number,
            side: side(fill.side),
            qty: size(fill.qty, spec),
            remaining_order_qty: size(fill.remaining, spec),
            order_id: self.identity.order_uuid(fill.order),
            cli_ord_id: fill.client_order_id.as_deref(),
            fill_id: self.identity.execution_uuid(fill.execution),
            fill_type: fill_type(fill.role),
            fee_paid: money(fill.fee),
            fee_currency: settlement(spec),
            taker_order_type: fill_order_type(fill.taker_order_type),
            order_type: fill_order_type(fill.order_type),
        })
    }
}

/// What a contract's fees are paid in.
fn settlement(spec: &InstrumentSpec) -> &str {
    match spec.kind {
        ContractKind::Linear => spec.quote.code(),
        ContractKind::Inverse => spec.base.code(),
    }
}

fn fill_order_type(order_type: OrderType) -> ws1::FillOrderType {
    match order_type {
        OrderType::Limit => ws1::FillOrderType::Limit,
        OrderType::Post => ws1::FillOrderType::Post,
        OrderType::ImmediateOrCancel => ws1::FillOrderType::ImmediateOrCancel,
        OrderType::Market => ws1::FillOrderType::Market,
        OrderType::FillOrKill => ws1::FillOrderType::FillOrKill,
        OrderType::Liquidation => ws1::FillOrderType::Liquidation,
    }
}

#[cfg(test)]
mod tests;
