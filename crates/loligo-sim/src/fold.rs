//! The world as an outsider sees it: rebuilt from events alone, checking on the way that each order's story is legal.

use loligo_engine::{
    AccountId, Currency, Event, FinePrice, InstrumentId, MarketState, Money, OrderId, OrderStatus, OrderView,
    PairId, Price, Qty, Side, Timestamp, UpdateReason, Wallet,
};
use std::collections::BTreeMap;

/// Everything that events tell.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    /// When the last order came, changed or went.
    clock: Timestamp,
    orders: BTreeMap<OrderId, OrderView>,
    last_order: u64,
    last_execution: u64,
    books: BTreeMap<(InstrumentId, Side), BTreeMap<Price, Qty>>,
    balances: BTreeMap<(AccountId, Wallet, Currency), Money>,
    positions: BTreeMap<(AccountId, InstrumentId), i64>,
    indexes: BTreeMap<PairId, FinePrice>,
    marks: BTreeMap<InstrumentId, FinePrice>,
    markets: BTreeMap<InstrumentId, MarketState>,
    rights: BTreeMap<AccountId, (bool, bool)>,
}

impl Fold {
    /// Takes in one event of a command that ended at `now`; what was due before it happened earlier, and the order that
    /// came or fired tells when. `wallet_of` tells which wallet margins a contract.
    ///
    /// # Errors
    /// What is illegal about the story that it continues.
    pub fn take(
        &mut self,
        now: Timestamp,
        event: &Event,
        wallet_of: impl Fn(InstrumentId) -> (Wallet, Currency),
    ) -> Result<(), String> {
        if let Some(at) = told_at(event) {
            ensure(self.clock <= at && at <= now, "in order of time", event)?;
            self.clock = at;
        }
        match event {
            Event::Placed { order, .. } => {
                let waits = order.trigger().is_some_and(|t| t.fired_at.is_none() && t.price.is_some());
                let status = if waits { OrderStatus::TriggerPlaced } else { OrderStatus::EnteredBook };
                ensure(order.status == status && order.filled == Qty(0), "placed", event)?;
                ensure(order.qty.is_some_and(|q| q.0 > 0), "placed with a size", event)?;
                self.begin(order)
            }
            Event::Fired { order, reduced } => {
                let before = self.waiting(order.id, event)?;
                ensure(order.status == OrderStatus::EnteredBook && order.filled == Qty(0), "fired", event)?;
                ensure(
                    order.trigger().is_some_and(|t| t.fired_at == Some(order.updated_at)),
                    "when it fired",
                    event,
                )?;
                ensure(reduced.is_some() == order.reduce_only, "cut only if it may be", event)?;
                let cut = reduced.map_or(0, |by| by.0);
                ensure(before.open_qty().0 == order.open_qty().0 + cut, "its size", event)?;
                ensure(is_same(before, order), "the order that waited", event)?;
                *before = order.clone();
                Ok(())
            }
            Event::ActivationFailed { order } => {
                let before = self.waiting(order.id, event)?;
                let failed = order.status == OrderStatus::TriggerActivationFailure;
                ensure(failed && order.error.is_some(), "failed", event)?;
                ensure(is_same(before, order) && before.qty == order.qty, "the order that waited", event)?;
                *before = order.clone();
                Ok(())
            }
            Event::Repriced { order } => {
                let before = self.waiting(order.id, event)?;
                let price = |order: &OrderView| order.trigger().and_then(|t| t.price).map_or(0, |p| p.0);
                let moved = (price(before) - price(order)) * order.side.sign();
                ensure(moved > 0, "a trailing stop that moved the way it may", event)?;
                ensure(is_same(before, order) && before.qty == order.qty, "the order that waited", event)?;
                *before = order.clone();
                Ok(())
            }
            Event::Rewritten { order } => {
                let Some(before) = self.orders.get_mut(&order.id) else { return Err(said("known", event)) };
                ensure(is_same(before, order) && before.status == order.status, "the same order", event)?;
                *before = order.clone();
                Ok(())
            }
            Event::Rejected { order } => {
                ensure(order.status == OrderStatus::Rejected && order.error.is_some(), "rejected", event)?;
                self.begin(order)
            }
            Event::Executed(execution) => {
                ensure(execution.id.0 == self.last_execution + 1, "the next execution", event)?;
                self.last_execution += 1;
                let clock = self.clock;
                ensure(execution.qty.0 > 0, "a positive size", event)?;
                let (wallet, currency) = wallet_of(execution.instrument);
                let taker = self.balances.entry((execution.taker.account, wallet, currency)).or_default();
                *taker -= execution.liquidation_fee;
                for fill in [&execution.taker, &execution.maker] {
                    let (wallet, currency) = wallet_of(execution.instrument);
                    let balance = self.balances.entry((fill.account, wallet, currency)).or_default();
                    *balance += fill.realized_pnl - fill.fee;
                    let order = self.open(fill.order, event)?;
                    ensure(order.status == OrderStatus::EnteredBook, "in the book", event)?;
                    ensure(order.account == fill.account && Some(fill.qty) == order.qty, "its order", event)?;
                    ensure(order.filled == fill.filled_before, "its fills before", event)?;
                    order.filled.0 += execution.qty.0;
                    ensure(order.open_qty().0 >= 0, "no fill beyond the size", event)?;
                    let limit = order.limit_price.map_or(0, |p| p.0);
                    let beyond = (execution.price.0 - limit) * order.side.sign() > 0;
                    ensure(!beyond, "no fill beyond the limit", event)?;
                    order.reason = Some(UpdateReason::PartialFill);
                    order.error = None;
                    order.updated_at = clock;
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
                ensure(change.order.status == before.status, "where it was in its life", event)?;
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
            Event::Market { instrument, state } => {
                self.markets.insert(*instrument, *state);
                Ok(())
            }
            Event::Account { account, active, trading } => {
                self.rights.insert(*account, (*active, *trading));
                Ok(())
            }
            Event::Listed { .. } | Event::AccountCreated { .. } => Ok(()),
        }
    }

    /// At the end of a command no order may be filled and yet open, nor open where nothing may be.
    ///
    /// # Errors
    /// Names such an order.
    pub fn settled(&self) -> Result<(), String> {
        for order in self.orders.values().filter(|o| !o.status.is_closed()) {
            if order.open_qty().0 <= 0 {
                return Err(format!("open without anything left: {order:?}"));
            }
            let closed = match self.market_state(order.instrument) {
                MarketState::Open | MarketState::Suspended | MarketState::PostOnly => false,
                MarketState::Inactive | MarketState::PreLaunch | MarketState::Expired => true,
            };
            if closed || !self.rights(order.account).0 {
                return Err(format!("open in a closed market or of a deactivated account: {order:?}"));
            }
        }
        Ok(())
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

    fn waiting(&mut self, id: OrderId, event: &Event) -> Result<&mut OrderView, String> {
        let order = self.orders.get_mut(&id).filter(|o| o.status == OrderStatus::TriggerPlaced);
        order.ok_or_else(|| said("a waiting trigger", event))
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

    /// How a contract trades, as last told; open until something else is.
    pub fn market_state(&self, instrument: InstrumentId) -> MarketState {
        self.markets.get(&instrument).copied().unwrap_or(MarketState::Open)
    }

    /// Whether an account is active, and whether it may trade.
    pub fn rights(&self, account: AccountId) -> (bool, bool) {
        self.rights.get(&account).copied().unwrap_or((true, true))
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

/// When what an event tells of an order happened.
fn told_at(event: &Event) -> Option<Timestamp> {
    match event {
        Event::Placed { order, .. }
        | Event::Rejected { order }
        | Event::Fired { order, .. }
        | Event::ActivationFailed { order }
        | Event::Repriced { order }
        | Event::Cancelled { order }
        | Event::Reduced { order, .. } => Some(order.updated_at),
        Event::Edited { change, .. } => Some(change.order.updated_at),
        Event::Rewritten { .. }
        | Event::Executed(_)
        | Event::Filled { .. }
        | Event::Noted { .. }
        | Event::Forgotten { .. }
        | Event::Listed { .. }
        | Event::AccountCreated { .. }
        | Event::Level { .. }
        | Event::Balance { .. }
        | Event::Market { .. }
        | Event::Account { .. }
        | Event::Index { .. }
        | Event::Mark { .. } => None,
    }
}

/// True when two views are of one order: what no event may change is the same.
fn is_same(before: &OrderView, after: &OrderView) -> bool {
    let kept = |o: &OrderView| (o.account, o.instrument, o.side, o.reduce_only, o.placed_at);
    let trigger = |o: &OrderView| o.trigger().map(|t| (t.kind, t.signal, t.deviation, t.limit_offset));
    kept(before) == kept(after)
        && before.client_order_id == after.client_order_id
        && trigger(before) == trigger(after)
        && before.attached.as_ref().map(|a| &a.algo_id) == after.attached.as_ref().map(|a| &a.algo_id)
}

fn ensure(holds: bool, wanted: &str, event: &Event) -> Result<(), String> {
    if holds { Ok(()) } else { Err(said(wanted, event)) }
}

fn said(wanted: &str, event: &Event) -> String {
    format!("an illegal story ({wanted}): {event:?}")
}
