//! The world as an outsider sees it: rebuilt from events alone, checking on the way that each order's story is legal.

use loligo_engine::{
    AccountId, Currency, Event, FinePrice, InstrumentId, Money, OrderId, OrderStatus, OrderView, PairId,
    Price, Qty, Side, Timestamp, UpdateReason, Wallet,
};
use std::collections::BTreeMap;

/// Everything that events tell.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    orders: BTreeMap<OrderId, OrderView>,
    last_order: u64,
    last_execution: u64,
    books: BTreeMap<(InstrumentId, Side), BTreeMap<Price, Qty>>,
    balances: BTreeMap<(AccountId, Wallet, Currency), Money>,
    positions: BTreeMap<(AccountId, InstrumentId), i64>,
    indexes: BTreeMap<PairId, FinePrice>,
    marks: BTreeMap<InstrumentId, FinePrice>,
}

impl Fold {
    /// Takes in one event of a command that ran at `now`. `wallet_of` tells which wallet margins a contract.
    ///
    /// # Errors
    /// What is illegal about the story that it continues.
    pub fn take(
        &mut self,
        now: Timestamp,
        event: &Event,
        wallet_of: impl Fn(InstrumentId) -> (Wallet, Currency),
    ) -> Result<(), String> {
        match event {
            Event::Placed { order, .. } => {
                ensure(order.status == OrderStatus::EnteredBook && order.filled == Qty(0), "placed", event)?;
                ensure(order.qty.is_some_and(|q| q.0 > 0), "placed with a size", event)?;
                self.begin(order)
            }
            Event::Rejected { order } => {
                ensure(order.status == OrderStatus::Rejected && order.error.is_some(), "rejected", event)?;
                self.begin(order)
            }
            Event::Executed(execution) => {
                ensure(execution.id.0 == self.last_execution + 1, "the next execution", event)?;
                self.last_execution += 1;
                ensure(execution.qty.0 > 0, "a positive size", event)?;
                for fill in [&execution.taker, &execution.maker] {
                    let (wallet, currency) = wallet_of(execution.instrument);
                    let balance = self.balances.entry((fill.account, wallet, currency)).or_default();
                    *balance += fill.realized_pnl - fill.fee;
                    let order = self.open(fill.order, event)?;
                    ensure(order.account == fill.account && Some(fill.qty) == order.qty, "its order", event)?;
                    ensure(order.filled == fill.filled_before, "its fills before", event)?;
                    order.filled.0 += execution.qty.0;
                    ensure(order.open_qty().0 >= 0, "no fill beyond the size", event)?;
                    let limit = order.limit_price.map_or(0, |p| p.0);
                    let beyond = (execution.price.0 - limit) * order.side.sign() > 0;
                    ensure(!beyond, "no fill beyond the limit", event)?;
                    order.reason = Some(UpdateReason::PartialFill);
                    order.error = None;
                    order.updated_at = now;
                    let lots = execution.qty.0 * order.side.sign();
                    *self.positions.entry((fill.account, execution.instrument)).or_default() += lots;
                }
                Ok(())
            }
            Event::Filled { order } => {
                let order = self.open(*order, event)?;
                ensure(order.open_qty().0 == 0, "filled to the last lot", event)?;
                order.status = OrderStatus::FullyExecuted;
                order.reason = Some(UpdateReason::FullFill);
                Ok(())
            }
            Event::Cancelled { order } => {
                ensure(order.status == OrderStatus::Cancelled, "cancelled", event)?;
                let before = self.open(order.id, event)?;
                ensure(before.filled == order.filled && order.open_qty().0 > 0, "what was open", event)?;
                *before = order.clone();
                Ok(())
            }
            Event::Edited { change, .. } => {
                let before = self.open(change.order.id, event)?;
                ensure(*before == change.prior, "the order before the edit", event)?;
                ensure(change.order.filled == before.filled, "fills that an edit leaves", event)?;
                ensure(change.order.open_qty().0 > 0, "something left open", event)?;
                *before = change.order.clone();
                Ok(())
            }
            Event::Reduced { order, by } => {
                let before = self.open(order.id, event)?;
                ensure(order.reduce_only && by.0 > 0, "a cut", event)?;
                ensure(before.open_qty().0 - by.0 == order.open_qty().0, "its size after the cut", event)?;
                *before = order.clone();
                Ok(())
            }
            Event::Noted { order, reason, error } => {
                let Some(order) = self.orders.get_mut(order) else { return Err(said("known", event)) };
                order.reason = *reason;
                order.error = *error;
                Ok(())
            }
            Event::Forgotten { order } => {
                let gone = self.orders.remove(order);
                ensure(gone.is_some_and(|o| o.status.is_closed()), "a closed order", event)
            }
            Event::Level { instrument, side, price, qty } => {
                let book = self.books.entry((*instrument, *side)).or_default();
                ensure(qty.0 >= 0, "a quantity", event)?;
                if qty.0 == 0 {
                    ensure(book.remove(price).is_some(), "a level that was there", event)
                } else {
                    book.insert(*price, *qty);
                    Ok(())
                }
            }
            Event::Balance { account, wallet, currency, balance } => {
                self.balances.insert((*account, *wallet, *currency), *balance);
                Ok(())
            }
            Event::Index { pair, price } => {
                self.indexes.insert(*pair, *price);
                Ok(())
            }
            Event::Mark { instrument, price } => {
                self.marks.insert(*instrument, *price);
                Ok(())
            }
            Event::Listed { .. } | Event::AccountCreated { .. } => Ok(()),
        }
    }

    /// At the end of a command no order may be filled and yet open.
    ///
    /// # Errors
    /// Names such an order.
    pub fn settled(&self) -> Result<(), String> {
        let mut open = self.orders.values().filter(|o| !o.status.is_closed());
        match open.find(|o| o.open_qty().0 <= 0) {
            Some(order) => Err(format!("open without anything left: {order:?}")),
            None => Ok(()),
        }
    }

    fn begin(&mut self, order: &OrderView) -> Result<(), String> {
        if order.id.0 != self.last_order + 1 {
            return Err(format!("order numbers are dense, {:?} follows {}", order.id, self.last_order));
        }
        self.last_order = order.id.0;
        self.orders.insert(order.id, order.clone());
        Ok(())
    }

    fn open(&mut self, id: OrderId, event: &Event) -> Result<&mut OrderView, String> {
        let order = self.orders.get_mut(&id).filter(|o| !o.status.is_closed());
        order.ok_or_else(|| said("an open order", event))
    }

    /// Every order that is open or was closed a short while ago, by number.
    pub fn known_orders(&self) -> impl Iterator<Item = &OrderView> {
        self.orders.values()
    }

    /// Open quantity by price, best first.
    pub fn depth(&self, instrument: InstrumentId, side: Side) -> Vec<(Price, Qty)> {
        let levels = self.books.get(&(instrument, side)).into_iter().flatten().map(|(p, q)| (*p, *q));
        match side {
            Side::Buy => levels.rev().collect(),
            Side::Sell => levels.collect(),
        }
    }

    /// Balance last told, and what fills did to it since.
    pub fn balance(&self, account: AccountId, wallet: Wallet, currency: Currency) -> Money {
        self.balances.get(&(account, wallet, currency)).copied().unwrap_or_default()
    }

    /// Signed lots that fills come to.
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.positions.get(&(account, instrument)).copied().unwrap_or_default()
    }

    /// Index price last told.
    pub fn index(&self, pair: PairId) -> Option<FinePrice> {
        self.indexes.get(&pair).copied()
    }

    /// Mark price last told.
    pub fn mark(&self, instrument: InstrumentId) -> Option<FinePrice> {
        self.marks.get(&instrument).copied()
    }
}

fn ensure(holds: bool, wanted: &str, event: &Event) -> Result<(), String> {
    if holds { Ok(()) } else { Err(said(wanted, event)) }
}

fn said(wanted: &str, event: &Event) -> String {
    format!("an illegal story ({wanted}): {event:?}")
}
