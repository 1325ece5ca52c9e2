//! Events to rows, record by record.

use super::LogRow;
use super::shapes::{
    ago, asked, contract, digits, earlier, earlier_public, earlier_trigger, instant, is_at_the_book, millis,
    nothing_asked, open_order, order_event, order_of, trigger_of, unfired,
};
use super::words::{Coded, PARTIAL_LIQUIDATION};
use crate::projection::{Applied, Watched};
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{
    AccountId, EditRefusal, Event, Exchange, FillRole, Instrument, InstrumentId, InstrumentSpec, OrderChange,
    OrderId, OrderRef, OrderType, OrderView, PairId, Side, Timestamp,
};
use loligo_history::rows::{self, kinds};
use loligo_history::{AnyRow, At, Batch, Error, Index, Progress};
use std::sync::Arc;
use uuid::Uuid;

/// What is known beside the index, and what is not written to it yet.
pub(super) struct Fold {
    index: Arc<Index>,
    written: Progress,
    pub(super) contracts: Vec<Arc<Instrument>>,
    house: HashSet<u32, FixedState>,
    pub(super) batch: Batch,
    /// Those who hear of rows of accounts' logs.
    told: Arc<Watched<AccountId, Arc<LogRow>>>,
    /// The order that came last in this record: what it was before an edit, and what was cut from it.
    pub(super) came: Option<Came>,
    /// How the liquidation order of this record trades, as rows have it. No such order outlives its record.
    closing: u8,
}

pub(super) struct Came {
    pub(super) number: u64,
    pub(super) old: Option<rows::Earlier>,
    pub(super) reduced: Option<i64>,
}

pub(super) type Result<T = ()> = std::result::Result<T, Error>;

impl Fold {
    /// Goes on where an index is.
    pub(super) fn open(index: Arc<Index>, told: Arc<Watched<AccountId, Arc<LogRow>>>) -> Result<Self> {
        let written = index.progress()?;
        let mut fold = Self {
            batch: Batch::new(written.branch),
            written,
            contracts: Vec::new(),
            house: index.house()?.into_iter().collect(),
            came: None,
            told,
            closing: OrderType::Liquidation.code(),
            index,
        };
        for (_, stored) in fold.index.contracts()? {
            let read: std::result::Result<(InstrumentSpec, PairId), _> = postcard::from_bytes(&stored);
            // What cannot be read any more is listed again by the records that are folded again.
            let Ok((spec, pair)) = read else { break };
            let Ok(instrument) = Instrument::new(spec, pair) else { break };
            fold.contracts.push(Arc::new(instrument));
        }
        Ok(fold)
    }

    /// How far the index is.
    pub(super) fn written(&self) -> Progress {
        self.written
    }

    /// How many rows are not written yet.
    pub(super) fn rows(&self) -> usize {
        self.batch.len()
    }

    /// Writes what was gathered.
    pub(super) fn write(&mut self) -> Result {
        if self.batch.last().is_none() {
            return Ok(());
        }
        self.index.write(&self.batch)?;
        self.batch = Batch::new(self.written.branch);
        self.written = self.index.progress()?;
        Ok(())
    }

    /// Begins after a record that left the exchange like this.
    pub(super) fn begin(&mut self, sequence: u64, exchange: &Exchange) -> Result {
        self.write()?;
        let mut state = Batch::new(self.written.branch);
        state.record(sequence, millis(exchange.now()));
        self.contracts.clear();
        self.house.clear();
        for id in 0..=u16::MAX {
            let Some(instrument) = exchange.instrument(InstrumentId(id)) else { break };
            state.contract(contract(InstrumentId(id), instrument.spec(), instrument.pair()));
            self.contracts.push(Arc::new(instrument.clone()));
        }
        for id in 0..=u32::MAX {
            let Some(account) = exchange.account(AccountId(id)) else { break };
            if account.house {
                state.house(id);
                self.house.insert(id);
            }
            exchange.open_orders(AccountId(id)).iter().for_each(|order| state.open(open_order(order)));
        }
        self.index.begin(&state)?;
        self.written = self.index.progress()?;
        Ok(())
    }

    /// Goes over to another branch, which has in common with this one what came up to a record.
    pub(super) fn revert(&mut self, branch: u64, to: u64) -> Result {
        self.write()?;
        self.index.revert(branch, to)?;
        *self = Self::open(Arc::clone(&self.index), Arc::clone(&self.told))?;
        Ok(())
    }

    /// Folds one record.
    pub(super) fn record(&mut self, applied: Applied<'_>) -> Result {
        self.batch.record(applied.sequence, millis(applied.time));
        self.came = None;
        // After a revert open orders are made again from records whose rows are there already.
        let is_new = applied.sequence > self.written.sequence;
        for (at, event) in applied.events.iter().enumerate() {
            if let Event::Placed { order, .. } = event
                && order.order_type == OrderType::Liquidation
            {
                self.closing = closing(order.id, &applied.events[at..]);
            }
            self.event(event, is_new)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event, is_new: bool) -> Result {
        match event {
            Event::Listed { instrument, pair, spec, .. } => {
                self.batch.contract(contract(*instrument, spec, *pair));
                let at = usize::from(instrument.0);
                if let Ok(listed) = Instrument::new((**spec).clone(), *pair) {
                    self.contracts.truncate(at);
                    self.contracts.push(Arc::new(listed));
                }
            }
            Event::AccountCreated { account, house: true, .. } => {
                self.batch.house(account.0);
                self.house.insert(account.0);
            }
            Event::Placed { order, reduced } => {
                self.came = Some(Came { number: order.id.0, old: None, reduced: reduced.map(|by| by.0) });
                let mut open = open_order(order);
                open.order.kind = self.kind_of(order);
                self.batch.open(open);
                self.tell(is_new, order, kinds::PLACED, Detail::default());
            }
            Event::Fired { order, reduced } => {
                self.came = Some(Came { number: order.id.0, old: None, reduced: reduced.map(|by| by.0) });
                self.batch.open(open_order(order));
                self.tell_trigger(is_new, order, kinds::ACTIVATED, Detail::default());
                self.tell_order(is_new, order, kinds::PLACED, Detail::default());
            }
            Event::ActivationFailed { order } => {
                self.batch.close(order.id.0);
                self.tell_trigger(is_new, order, kinds::ACTIVATED, Detail::default());
                self.tell_order(is_new, order, kinds::REJECTED, Detail::default());
            }
            Event::Repriced { order } => {
                let before = self.opened(order.id.0)?;
                let old = before.map(|open| rows::EarlierTrigger {
                    updated_ms: open.order.updated_ms,
                    stop: open.stop,
                    ..earlier_trigger(order)
                });
                self.batch.open(open_order(order));
                self.tell_trigger(
                    is_new,
                    order,
                    kinds::UPDATED,
                    Detail { old_trigger: old, ..Detail::default() },
                );
            }
            // A trigger that is refused is no trigger yet: it is told as the order that it would have become.
            Event::Rejected { order, written } => {
                let asked = written.as_deref().map(asked);
                self.tell_order(is_new, order, kinds::REJECTED, Detail { asked, ..Detail::default() });
            }
            Event::Executed(execution) => self.executed(execution, is_new)?,
            Event::Filled { order, .. } => self.batch.close(order.0),
            Event::Cancelled { order } => {
                self.batch.close(order.id.0);
                self.tell(is_new, order, kinds::CANCELLED, Detail::default());
            }
            Event::Edited { change, reduced } => {
                let OrderChange { prior, order } = &**change;
                let old = earlier(prior);
                let reduced = reduced.map(|by| by.0);
                self.came = Some(Came { number: order.id.0, old: Some(old.clone()), reduced });
                self.batch.open(open_order(order));
                let old_trigger = Some(earlier_trigger(prior));
                self.tell(
                    is_new,
                    order,
                    kinds::UPDATED,
                    Detail { old: Some(old), old_trigger, reduced, ..Detail::default() },
                );
            }
            Event::Reduced { order, by } => {
                let before =
                    self.opened(order.id.0)?.map_or(order.placed_at, |open| instant(open.order.updated_ms));
                let old = rows::Earlier {
                    updated_ms: millis(before),
                    qty: order.qty.map(|qty| qty.0 + by.0),
                    ..earlier(order)
                };
                self.batch.open(open_order(order));
                let detail = Detail { old: Some(old), reduced: Some(by.0), ..Detail::default() };
                self.tell(is_new, order, kinds::UPDATED, detail);
            }
            Event::EditRejected(refused) => self.edit_rejected(refused, is_new),
            Event::NotFound { account, order, at } => {
                let named = match order {
                    OrderRef::Id(id) => format!("number {}", id.0),
                    OrderRef::Foreign(number) => format!("uid {}", Uuid::from_u128(*number)),
                    OrderRef::Client(text) => format!("client {text}"),
                };
                let row = rows::OrderEvent { named: Some(named), ..order_event(kinds::NOT_FOUND) };
                self.push_own(is_new, *account, *at, row);
            }
            Event::Rewritten { order } if !order.status.is_closed() => self.batch.open(open_order(order)),
            Event::Balance { account, wallet, currency, change, balance, log, cause, at } => {
                let entry = self.transferred(*wallet, *currency, *change, *balance, *log, *cause);
                self.push_own(is_new, *account, *at, entry);
            }
            Event::Funding(booked) => self.funding_booked(is_new, booked),
            Event::Converted(conversion) => self.converted(is_new, conversion),
            Event::Interest(paid) => self.interest_paid(is_new, paid),
            Event::Settled(settlement) => self.settled(is_new, settlement),
            Event::Mark { instrument, price, at } => {
                let (mantissa, scale) = digits(*price);
                self.push(is_new, u32::from(instrument.0), *at, rows::MarkPrice { mantissa, scale });
            }
            Event::AccountCreated { .. }
            | Event::Noted { .. }
            | Event::Rewritten { .. }
            | Event::Forgotten { .. }
            | Event::Level { .. }
            | Event::Market { .. }
            | Event::Account { .. }
            | Event::Leverage { .. }
            | Event::PnlPreference { .. }
            | Event::FundingRate { .. }
            | Event::AssignmentProgram(_)
            | Event::Pool { .. }
            | Event::Delisting { .. }
            | Event::SettlementPrice { .. }
            | Event::Past { .. }
            | Event::Index { .. } => {}
        }
        Ok(())
    }

    /// An open order as it stands.
    pub(super) fn opened(&self, number: u64) -> Result<Option<rows::OpenOrder>> {
        match self.batch.opened(number) {
            Some(order) => Ok(order.cloned()),
            None => self.index.open_order(number),
        }
    }

    pub(super) fn push(&mut self, is_new: bool, owner: u32, at: Timestamp, row: impl Into<AnyRow>) {
        if is_new {
            self.batch.push(owner, millis(at), row);
        }
    }

    /// Accounts of the house have no rows of their own.
    pub(super) fn push_own(
        &mut self,
        is_new: bool,
        account: AccountId,
        at: Timestamp,
        row: impl Into<AnyRow>,
    ) {
        if self.house.contains(&account.0) {
            return;
        }
        let row = row.into();
        if let (true, AnyRow::AccountLogEntry(row), Some(sequence)) = (is_new, &row, self.batch.last()) {
            let place = At { time_ms: millis(at), sequence, ordinal: 0 };
            self.told.tell(account, || Arc::new(LogRow { at: place, row: row.clone() }));
        }
        self.push(is_new, account.0, at, row);
    }

    /// Tells of a trigger that waits, or of an order.
    fn tell(&mut self, is_new: bool, order: &OrderView, kind: u8, detail: Detail) {
        if unfired(order).is_some() {
            self.tell_trigger(is_new, order, kind, detail);
        } else {
            self.tell_order(is_new, order, kind, detail);
        }
    }

    fn kind_of(&self, order: &OrderView) -> u8 {
        match order.order_type {
            OrderType::Liquidation => self.closing,
            other => other.code(),
        }
    }

    fn tell_trigger(&mut self, is_new: bool, order: &OrderView, kind: u8, detail: Detail) {
        let Some(trigger) = order.trigger() else { return };
        let row = rows::TriggerEvent {
            kind,
            contract: u32::from(order.instrument.0),
            reason: order.reason.map(Coded::code),
            error: order.error.map(Coded::code),
            trigger: trigger_of(order, trigger),
            old: detail.old_trigger,
            asked: detail.asked.unwrap_or_else(nothing_asked),
        };
        self.push_own(is_new, order.account, order.updated_at, row);
    }

    fn tell_order(&mut self, is_new: bool, order: &OrderView, kind: u8, detail: Detail) {
        if let (Some(qty), Some(limit)) = (order.qty, order.limit_price)
            && (kind != kinds::REJECTED || is_at_the_book(order.error))
        {
            let now = millis(order.updated_at);
            let details = rows::OrderDetails {
                kind: self.kind_of(order),
                reduce_only: order.reduce_only,
                placed_ago: ago(now, millis(order.placed_at)),
                updated_ago: 0,
                old: detail.old.as_ref().map(|old| earlier_public(old, now)),
                reduced: detail.reduced,
            };
            let row = rows::PublicOrderEvent {
                kind,
                reason: order.reason.map(Coded::code),
                error: order.error.filter(|_| kind == kinds::REJECTED).map(Coded::code),
                number: order.id.0,
                sell: order.side == Side::Sell,
                open: qty.0 - order.filled.0,
                price: limit.0,
                details,
            };
            self.push(is_new, u32::from(order.instrument.0), order.updated_at, row);
        }
        let row = rows::OrderEvent {
            contract: Some(u32::from(order.instrument.0)),
            reason: order.reason.map(Coded::code),
            error: order.error.filter(|_| kind == kinds::REJECTED).map(Coded::code),
            order: Some(rows::Order { kind: self.kind_of(order), ..order_of(order) }),
            old: detail.old,
            reduced: detail.reduced,
            asked: detail.asked.unwrap_or_else(nothing_asked),
            ..order_event(kind)
        };
        self.push_own(is_new, order.account, order.updated_at, row);
    }

    fn edit_rejected(&mut self, refused: &EditRefusal, is_new: bool) {
        let EditRefusal { order, attempted, written, error, at } = refused;
        let asked = written.as_deref().map_or_else(nothing_asked, asked);
        let contract = u32::from(order.instrument.0);
        if let Some(trigger) = unfired(order) {
            let row = rows::TriggerEvent {
                kind: kinds::EDIT_REJECTED,
                contract,
                reason: None,
                error: Some(error.code()),
                trigger: trigger_of(order, trigger),
                old: Some(earlier_trigger(attempted)),
                asked,
            };
            self.push_own(is_new, order.account, *at, row);
        } else {
            let row = rows::OrderEvent {
                contract: Some(contract),
                error: Some(error.code()),
                order: Some(order_of(order)),
                old: Some(earlier(attempted)),
                asked,
                ..order_event(kinds::EDIT_REJECTED)
            };
            self.push_own(is_new, order.account, *at, row);
        }
    }
}

/// How a liquidation order trades: its fills say whether it closes a part. It was placed because there was something to meet.
fn closing(order: OrderId, events: &[Event]) -> u8 {
    let role = events.iter().find_map(|event| match event {
        Event::Executed(execution) if execution.taker.order == order => Some(execution.taker.role),
        _ => None,
    });
    match role {
        Some(FillRole::PartialLiquidation) => PARTIAL_LIQUIDATION,
        _ => OrderType::Liquidation.code(),
    }
}

/// What an event tells besides the order.
#[derive(Default)]
struct Detail {
    old: Option<rows::Earlier>,
    old_trigger: Option<rows::EarlierTrigger>,
    reduced: Option<i64>,
    asked: Option<rows::Asked>,
}
