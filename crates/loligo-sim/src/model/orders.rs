//! Placing and editing: what is asked becomes an order as it would be, is checked (see `checks`), and then is.

use super::{Model, Order};
use loligo_engine::{
    AskedDistance, AskedOffset, AskedTrigger, Attached, ClientOrderId, Distance, EditOrder, FillRole,
    MAX_LOTS, MAX_TICKS, OnGrid, OrderError, OrderId, OrderStatus, OrderType, OrderView, Outcome, PlaceOrder,
    Price, Qty, Trigger, TriggerSide, UpdateReason,
};
use std::sync::Arc;

impl Model {
    /// Places an order or a trigger, or keeps the record of its refusal.
    pub(super) fn place(&mut self, asked: &PlaceOrder) -> Result<Outcome, Outcome> {
        self.trading_account(asked.account)?;
        self.known_instrument(asked.instrument)?;
        if self.too_late(asked.process_before) {
            return Ok(Outcome::TooLate);
        }
        self.last_order += 1;
        let id = OrderId(self.last_order);
        let is_market = asked.trigger.is_none() && asked.order_type == OrderType::Market;
        let view = OrderView {
            id,
            account: asked.account,
            instrument: asked.instrument,
            side: asked.side,
            order_type: match asked.trigger {
                None => asked.order_type,
                // What a trigger becomes is said by its limits.
                Some(_) if asked.limit_price.is_some() || asked.limit_offset.is_some() => OrderType::Limit,
                Some(_) => OrderType::Market,
            },
            status: match asked.trigger {
                None => OrderStatus::EnteredBook,
                Some(_) => OrderStatus::TriggerPlaced,
            },
            reason: Some(UpdateReason::NewUserOrder),
            error: None,
            limit_price: match is_market {
                true => self.implied_limit(asked.instrument, asked.side),
                false => asked.limit_price.and_then(price).map(Price),
            },
            qty: lots(asked.qty).map(Qty),
            filled: Qty(0),
            reduce_only: asked.reduce_only,
            client_order_id: match &asked.client_order_id {
                Some(ClientOrderId::Valid(name)) => Some(Arc::from(&**name)),
                Some(ClientOrderId::TooLong | ClientOrderId::Invalid) | None => None,
            },
            attached: attached(asked),
            placed_at: self.now,
            updated_at: self.now,
        };
        match &asked.trigger {
            None => Ok(self.place_order(asked, view)),
            Some(trigger) => Ok(self.place_trigger(asked, trigger, view)),
        }
    }

    fn place_order(&mut self, asked: &PlaceOrder, mut view: OrderView) -> Outcome {
        match self.check_place(asked, &view) {
            Err(error) => {
                self.drop_reached(&view, error);
                self.reject(view, error)
            }
            Ok(open) => {
                self.reduced.push(view.reduce_only.then(|| Qty(view.open_qty().0 - open)));
                let small = self.is_small(&view);
                view.qty = Some(Qty(open));
                let id = view.id;
                let crosses = self.first_maker(&view).is_some();
                self.orders.push(Order { small, ..incoming(&view) });
                self.arrive(id, FillRole::Taker);
                if crosses {
                    // It was let in before what rests. Where it found only makers of its own family, nothing traded and it rests,
                    // too: all of it is judged now.
                    self.margin_checks.insert((view.account, self.margin_wallet(view.instrument).0));
                }
                Outcome::Placed(id)
            }
        }
    }

    fn place_trigger(&mut self, asked: &PlaceOrder, trigger: &AskedTrigger, view: OrderView) -> Outcome {
        match self.check_trigger(asked, trigger, &view) {
            Err(error) => self.reject(view, error),
            Ok(view) => {
                self.reduced.push(view.reduce_only.then_some(Qty(0)));
                let (id, small) = (view.id, self.is_small(&view));
                self.wait(Order { small, ..incoming(&view) });
                Outcome::Placed(id)
            }
        }
    }

    fn reject(&mut self, mut view: OrderView, error: OrderError) -> Outcome {
        view.status = OrderStatus::Rejected;
        view.reason = reason_of(error);
        view.error = Some(error);
        let id = view.id;
        self.orders.push(Order { closed_at: Some(self.now), ..incoming(&view) });
        Outcome::Rejected(id, error)
    }

    /// Amends an open order or a waiting trigger, or notes the refusal on its record.
    pub(super) fn edit(&mut self, asked: &EditOrder) -> Result<Outcome, Outcome> {
        self.trading_account(asked.account)?;
        if self.too_late(asked.process_before) {
            return Ok(Outcome::TooLate);
        }
        // An order in another contract than the numbers were put on the grid of is not the one that was meant.
        let meant = |id: &OrderId| asked.instrument.is_none_or(|i| i == self.order(*id).view.instrument);
        let Some(id) = self.find(asked.account, &asked.order).filter(meant) else {
            return Ok(Outcome::EditRejected(None, OrderError::OrderForEditNotFound));
        };
        let present = self.order(id).view.clone();
        let done = match present.status {
            OrderStatus::EnteredBook => self.edit_order(&present, asked),
            OrderStatus::TriggerPlaced => self.edit_trigger(&present, asked),
            OrderStatus::FullyExecuted | OrderStatus::Cancelled => {
                self.order_mut(id).view.reason = Some(UpdateReason::OrderForEditNotFound);
                Err(OrderError::OrderForEditNotFound)
            }
            // What killed it stays on its record.
            OrderStatus::Rejected | OrderStatus::TriggerActivationFailure => {
                return Ok(Outcome::EditRejected(Some(id), OrderError::OrderForEditNotFound));
            }
        };
        match done {
            Ok(()) => Ok(Outcome::Edited(id)),
            Err(error) => {
                self.order_mut(id).view.error = Some(error);
                Ok(Outcome::EditRejected(Some(id), error))
            }
        }
    }

    fn edit_order(&mut self, present: &OrderView, asked: &EditOrder) -> Result<(), OrderError> {
        let id = present.id;
        let (edited, asked_open) = self.check_edit(present, asked)?;
        self.reduced.push(edited.reduce_only.then_some(Qty(asked_open - edited.open_qty().0)));
        let judged = OrderView { qty: Some(Qty(edited.filled.0 + asked_open)), ..edited.clone() };
        let small = self.is_small(&judged);
        // It keeps its place only at the same price with less open.
        let keeps_place = edited.limit_price == present.limit_price && edited.qty < present.qty;
        self.change(id, edited, small);
        if !keeps_place {
            self.order_mut(id).resting = false;
            self.arrive(id, FillRole::TakerAfterEdit);
        }
        self.cut_reduce_only(present.account, present.instrument);
        self.margin_checks.insert((present.account, self.margin_wallet(present.instrument).0));
        Ok(())
    }

    fn edit_trigger(&mut self, present: &OrderView, asked: &EditOrder) -> Result<(), OrderError> {
        let edited = self.check_trigger_edit(present, asked)?;
        self.reduced.push(edited.reduce_only.then_some(Qty(0)));
        let small = self.is_small(&edited);
        self.change(present.id, edited, small);
        // One that was due is judged anew.
        self.due.retain(|due| *due != present.id);
        self.judge_arrival(present.id);
        Ok(())
    }

    fn change(&mut self, id: OrderId, edited: OrderView, small: bool) {
        let (reason, updated_at) = (Some(UpdateReason::EditedByUser), self.now);
        let order = self.order_mut(id);
        order.small = small;
        order.view = OrderView { reason, error: None, updated_at, ..edited };
    }

    /// An account that may place and edit.
    fn trading_account(&self, account: loligo_engine::AccountId) -> Result<(), Outcome> {
        self.active_account(account)?;
        if self.account(account).trading { Ok(()) } else { Err(Outcome::AccountInactive) }
    }
}

/// An order that is not in the book (yet).
pub(super) fn incoming(order: &OrderView) -> Order {
    Order {
        view: order.clone(),
        resting: false,
        place_in_queue: 0,
        small: false,
        closed_at: None,
        nameless: false,
    }
}

/// The trigger and the client's mark as they were asked, as far as they can be read.
fn attached(asked: &PlaceOrder) -> Option<Arc<Attached>> {
    let trigger = asked.trigger.as_ref().map(|trigger| Trigger {
        kind: trigger.kind,
        signal: trigger.signal,
        shown_signal: Some(trigger.signal),
        shown_side: Some(TriggerSide::of(trigger.kind, asked.side)),
        price: asked.stop_price.and_then(price).map(Price),
        deviation: trigger.deviation.and_then(distance),
        limit_offset: match asked.limit_offset {
            Some(AskedOffset::Distance(asked)) => distance(asked),
            Some(AskedOffset::BadValue | AskedOffset::BadUnit | AskedOffset::Incomplete) | None => None,
        },
        fired_at: None,
    });
    let algo_id = asked.algo_id.clone();
    (trigger.is_some() || algo_id.is_some()).then(|| Arc::new(Attached { algo_id, trigger }))
}

fn distance(asked: AskedDistance) -> Option<Distance> {
    match asked.steps {
        OnGrid::Steps(steps) => Some(Distance { unit: asked.unit, steps }),
        OnGrid::Off | OnGrid::TooLarge => None,
    }
}

/// A price that is on the tick and in range.
pub(super) fn price(given: OnGrid) -> Option<i64> {
    steps(given).filter(|p| *p <= MAX_TICKS)
}

/// A size that is on the lot and in range.
pub(super) fn lots(given: OnGrid) -> Option<i64> {
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
