//! The world as an outsider sees it: rebuilt from events alone, checking on the way that each order's story is legal.

use loligo_engine::{
    AccountId, Conversion, ConversionLeg, Currency, EditRefusal, Event, Execution, Fill, Fine, FinePrice,
    FundingBooked, FundingRate, InstrumentId, Leverage, MarketState, Money, OrderId, OrderStatus, OrderView,
    PairId, Price, Qty, Settlement, Side, Timestamp, UpdateReason, Wallet,
};
use std::collections::BTreeMap;

/// Everything that events tell.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    /// When what was told last happened.
    clock: Timestamp,
    orders: BTreeMap<OrderId, OrderView>,
    last_order: u64,
    last_execution: u64,
    books: BTreeMap<(InstrumentId, Side), BTreeMap<Price, Qty>>,
    balances: BTreeMap<(AccountId, Wallet, Currency), Money>,
    positions: BTreeMap<(AccountId, InstrumentId), Position>,
    fills: BTreeMap<AccountId, u64>,
    /// Rows of the log.
    rows: BTreeMap<AccountId, u64>,
    leverages: BTreeMap<(AccountId, InstrumentId), Leverage>,
    /// Changes of price levels, and trades.
    counts: BTreeMap<InstrumentId, (u64, u64)>,
    indexes: BTreeMap<PairId, FinePrice>,
    marks: BTreeMap<InstrumentId, FinePrice>,
    markets: BTreeMap<InstrumentId, MarketState>,
    rights: BTreeMap<AccountId, (bool, bool)>,
    rates: BTreeMap<InstrumentId, FundingRate>,
}

/// A position as its last fill left it.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    lots: i64,
    entry: Fine,
    opened_at: Option<Timestamp>,
}

impl Fold {
    /// Takes in one event of a command that ended at `now`; what was due before it happened earlier, and the event tells
    /// when. `wallet_of` tells which wallet margins a contract.
    ///
    /// # Errors
    /// What is illegal about the story that it continues.
    pub fn take(
        &mut self,
        now: Timestamp,
        event: &Event,
        wallet_of: impl Fn(InstrumentId) -> (Wallet, Currency),
    ) -> Result<(), String> {
        if let Some(at) = event.at() {
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
            Event::Rejected { order, .. } => {
                ensure(order.status == OrderStatus::Rejected && order.error.is_some(), "rejected", event)?;
                self.begin(order)
            }
            Event::Executed(execution) => self.execute(execution, wallet_of(execution.instrument), event),
            Event::Filled { order, account } => {
                let order = self.open(*order, event)?;
                ensure(order.account == *account, "its owner's", event)?;
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
            Event::EditRejected(refused) => {
                let EditRefusal { order, attempted, error, .. } = &**refused;
                let Some(before) = self.orders.get_mut(&order.id) else { return Err(said("known", event)) };
                before.reason = order.reason;
                before.error = order.error;
                ensure(before == order, "the order as it was", event)?;
                ensure(attempted.id == order.id && attempted.filled == order.filled, "the same", event)?;
                ensure(attempted.error == Some(*error), "why it is refused", event)
            }
            Event::NotFound { .. } => Ok(()),
            Event::Noted { order, account, reason, error } => {
                let Some(order) = self.orders.get_mut(order) else { return Err(said("known", event)) };
                ensure(order.account == *account, "its owner's", event)?;
                order.reason = *reason;
                order.error = *error;
                Ok(())
            }
            Event::Forgotten { order, account } => {
                let gone = self.orders.remove(order);
                let closed = gone.is_some_and(|o| o.status.is_closed() && o.account == *account);
                ensure(closed, "a closed order of its owner's", event)
            }
            Event::Level { instrument, side, price, qty, number, .. } => {
                let (levels, _) = self.counts.entry(*instrument).or_default();
                *levels += 1;
                ensure(levels == number, "the next change of a level", event)?;
                let book = self.books.entry((*instrument, *side)).or_default();
                ensure(qty.0 >= 0, "a quantity", event)?;
                if qty.0 == 0 {
                    ensure(book.remove(price).is_some(), "a level that was there", event)
                } else {
                    book.insert(*price, *qty);
                    Ok(())
                }
            }
            Event::Leverage { account, instrument, leverage, .. } => {
                let before = match leverage {
                    Some(leverage) => self.leverages.insert((*account, *instrument), *leverage),
                    None => self.leverages.remove(&(*account, *instrument)),
                };
                ensure(before != *leverage, "another leverage than before", event)
            }
            Event::AssignmentProgram(_) | Event::Pool { .. } => Ok(()),
            Event::Balance { account, wallet, currency, change, balance, log, .. } => {
                let rows = self.rows.entry(*account).or_default();
                *rows += 1;
                ensure(rows == log, "the next row of its log", event)?;
                let before = self.balances.entry((*account, *wallet, *currency)).or_default();
                *before += *change;
                ensure(before == balance, "what was there and what came", event)
            }
            Event::Funding(booked) => {
                let FundingBooked { account, instrument, log, realized, position, balance, .. } = **booked;
                let rows = self.rows.entry(account).or_default();
                *rows += 1;
                ensure(*rows == log, "the next row of its log", event)?;
                let held = self.positions.get(&(account, instrument)).copied().unwrap_or_default();
                ensure(held.lots != 0 && held.lots == position, "an open position", event)?;
                ensure(held.entry == booked.entry, "its entry value", event)?;
                let wallet = (account, booked.wallet, booked.currency);
                let before = self.balances.entry(wallet).or_default();
                *before += realized;
                ensure(*before == balance, "what was there and what came", event)?;
                ensure(self.rate(instrument) == booked.rate, "the rate that was fixed for the hour", event)
            }
            Event::Converted(conversion) => {
                let Conversion { account, debit, credit, .. } = **conversion;
                let rows = self.rows.entry(account).or_default();
                *rows += 2;
                ensure((debit.log, credit.log) == (*rows - 1, *rows), "the next rows of its log", event)?;
                let mut moved = |leg: ConversionLeg, change: Money| {
                    let before = self.balances.entry((account, Wallet::Flex, leg.currency)).or_default();
                    *before += change;
                    ensure(*before == leg.balance, "what was there and what moved", event)
                };
                moved(debit, -debit.amount)?;
                moved(credit, credit.amount)
            }
            Event::PnlPreference { .. } => Ok(()),
            Event::Interest(paid) => {
                let rows = self.rows.entry(paid.account).or_default();
                *rows += 1;
                ensure(*rows == paid.log, "the next row of its log", event)?;
                let wallet = (paid.account, Wallet::Flex, Currency::USD);
                let before = self.balances.entry(wallet).or_default();
                *before += -paid.amount;
                ensure(*before == paid.balance, "what was there and what went", event)
            }
            Event::FundingRate { instrument, rate, hour, at } => {
                ensure(hour <= at && hour.0 % (3_600 * Timestamp::SECOND) == 0, "of an hour", event)?;
                self.rates.insert(*instrument, *rate);
                Ok(())
            }
            Event::Delisting { instrument, settles_at, at } => {
                ensure(at < settles_at, "what is still to come", event)?;
                let expired = self.market_state(*instrument) == MarketState::Expired;
                ensure(!expired, "a contract that is not over", event)
            }
            Event::SettlementPrice { instrument, price, .. } => {
                ensure(price.0 > 0, "a price", event)?;
                let expired = self.market_state(*instrument) == MarketState::Expired;
                ensure(expired, "a contract that is over", event)
            }
            Event::Settled(settlement) => {
                let Settlement { execution, account, instrument, log, closed, balance, .. } = **settlement;
                ensure(execution.0 == self.last_execution + 1, "the next execution", event)?;
                self.last_execution += 1;
                let rows = self.rows.entry(account).or_default();
                ensure(*rows + 1 == log, "the next row of its log", event)?;
                *rows += 2;
                let held = self.positions.insert((account, instrument), Position::default());
                let held = held.unwrap_or_default();
                ensure(closed != 0 && held.lots == closed, "all of an open position", event)?;
                ensure(held.entry == settlement.entry, "its entry value", event)?;
                ensure(held.opened_at == settlement.opened_at, "when it was opened", event)?;
                let wallet = (account, settlement.wallet, settlement.currency);
                let before = self.balances.entry(wallet).or_default();
                *before += settlement.realized_pnl + settlement.realized_funding - settlement.fee;
                ensure(*before == balance, "what was there, and what it brought", event)
            }
            Event::Index { pair, price, .. } => {
                self.indexes.insert(*pair, *price);
                Ok(())
            }
            Event::Mark { instrument, price, .. } => {
                self.marks.insert(*instrument, *price);
                Ok(())
            }
            Event::Market { instrument, state, .. } => {
                let before = self.markets.insert(*instrument, *state).unwrap_or(MarketState::Open);
                ensure(before != *state, "another state than before", event)
            }
            Event::Account { account, active, trading, .. } => {
                self.rights.insert(*account, (*active, *trading));
                Ok(())
            }
            Event::Past { past, at } => {
                // What happens is counted on behind what never did.
                self.last_execution += u64::from(past.trades);
                self.counts.entry(past.instrument).or_default().1 = past.trades.into();
                let hour = |at: Timestamp| at.0.div_euclid(3_600 * Timestamp::SECOND);
                let running = past.rates.iter().find(|rate| hour(rate.hour) == hour(*at));
                self.rates.extend(running.map(|rate| (past.instrument, (*rate).into())));
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

    /// Both sides of a match, each with what it found and what it left.
    fn execute(
        &mut self,
        execution: &Execution,
        (wallet, currency): (Wallet, Currency),
        event: &Event,
    ) -> Result<(), String> {
        let Execution { id, at, instrument, trade, price, qty, .. } = *execution;
        ensure(id.0 == self.last_execution + 1, "the next execution", event)?;
        self.last_execution += 1;
        let (_, trades) = self.counts.entry(instrument).or_default();
        *trades += 1;
        ensure(*trades == trade, "the next trade", event)?;
        ensure(qty.0 > 0, "a positive size", event)?;
        ensure((execution.wallet, execution.currency) == (wallet, currency), "the contract's wallet", event)?;
        // In the order in which they are booked: the same account may stand on both sides.
        let [maker, taker] = execution.sides();
        for (side, fill) in [taker, maker] {
            self.book(execution, side, fill, event)?;
            let order = self.open(fill.order, event)?;
            ensure(order.status == OrderStatus::EnteredBook, "in the book", event)?;
            ensure(order.account == fill.account && Some(fill.qty) == order.qty, "its order", event)?;
            ensure(order.side == side && order.order_type == fill.order_type, "its order's kind", event)?;
            ensure(order.client_order_id == fill.client_order_id, "its order's name", event)?;
            ensure(order.filled == fill.filled_before, "its fills before", event)?;
            order.filled.0 += qty.0;
            ensure(order.open_qty().0 >= 0, "no fill beyond the size", event)?;
            let limit = order.limit_price.map_or(0, |p| p.0);
            let beyond = (price.0 - limit) * order.side.sign() > 0;
            ensure(!beyond, "no fill beyond the limit", event)?;
            order.reason = Some(UpdateReason::PartialFill);
            order.error = None;
            order.updated_at = at;
        }
        Ok(())
    }

    /// What a fill does to its account.
    fn book(&mut self, execution: &Execution, side: Side, fill: &Fill, event: &Event) -> Result<(), String> {
        let Execution { at, instrument, qty, wallet, currency, .. } = *execution;
        let number = self.fills.entry(fill.account).or_default();
        *number += 1;
        ensure(*number == fill.number, "the account's next fill", event)?;
        let rows = self.rows.entry(fill.account).or_default();
        ensure(*rows + 1 == fill.log, "the next row of its log", event)?;
        *rows += 2;
        // A gain that is paid in another currency has a row of its own.
        let realized_pnl = if fill.gain.is_some() { Money::ZERO } else { fill.realized_pnl };
        let balance = self.balances.entry((fill.account, wallet, currency)).or_default();
        *balance += realized_pnl + fill.realized_funding - fill.fee - fill.liquidation_fee;
        ensure(*balance == fill.balance, "what was there, and what it brought", event)?;
        if let Some(gain) = &fill.gain {
            *self.rows.entry(fill.account).or_default() += 1;
            let balance = self.balances.entry((fill.account, wallet, gain.currency)).or_default();
            *balance += gain.amount;
            ensure(*balance == gain.balance, "what was there, and the gain", event)?;
        }
        let before = self.positions.entry((fill.account, instrument)).or_default();
        ensure(before.entry == fill.entry_before, "the entry value that was there", event)?;
        let opened_at = before.opened_at.unwrap_or(at);
        ensure(fill.opened_at == Some(opened_at), "when its position was opened", event)?;
        let lots = before.lots + qty.0 * side.sign();
        ensure(lots == fill.position, "what was there, and what came", event)?;
        let goes_on = lots.signum() == before.lots.signum();
        let opened_at = (lots != 0).then_some(if goes_on { opened_at } else { at });
        *before = Position { lots, entry: fill.entry, opened_at };
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
        self.positions.get(&(account, instrument)).map_or(0, |position| position.lots)
    }

    /// The leverage of a contract that an account has isolated.
    pub fn leverage(&self, account: AccountId, instrument: InstrumentId) -> Option<Leverage> {
        self.leverages.get(&(account, instrument)).copied()
    }

    /// Changes of a contract's price levels, and its trades.
    pub fn counts(&self, instrument: InstrumentId) -> (u64, u64) {
        self.counts.get(&instrument).copied().unwrap_or_default()
    }

    /// How a contract trades, as last told; open until something else is.
    pub fn market_state(&self, instrument: InstrumentId) -> MarketState {
        self.markets.get(&instrument).copied().unwrap_or(MarketState::Open)
    }

    /// Whether an account is active, and whether it may trade.
    pub fn rights(&self, account: AccountId) -> (bool, bool) {
        self.rights.get(&account).copied().unwrap_or((true, true))
    }

    /// Funding rate last told; nothing before.
    pub fn rate(&self, instrument: InstrumentId) -> FundingRate {
        self.rates.get(&instrument).copied().unwrap_or(FundingRate::ZERO)
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
