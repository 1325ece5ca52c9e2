//! Events to rows, record by record.

use super::words::Coded;
use crate::grid::{fine_price, money, price, size};
use crate::projection::Applied;
use crate::wallets::inverse_name;
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{
    AccountId, BalanceCause, ContractKind, Currency, EditRefusal, Event, Exchange, Execution, Fill, FillRole,
    FinePrice, Instrument, InstrumentId, InstrumentSpec, Money, OrderChange, OrderError, OrderRef,
    OrderStatus, OrderView, PairId, Qty, Side, Timestamp, Trigger, Wallet, Written,
};
use loligo_history::rows::{self, causes, kinds};
use loligo_history::{AnyRow, Batch, Contract, Error, Index, Progress};
use loligo_wire::decimal::Decimal;
use std::sync::Arc;
use uuid::Uuid;

/// What is known beside the index, and what is not written to it yet.
pub(super) struct Fold {
    index: Arc<Index>,
    written: Progress,
    contracts: Vec<Arc<Instrument>>,
    house: HashSet<u32, FixedState>,
    batch: Batch,
    /// The order that came last in this record: what it was before an edit, and what was cut from it.
    came: Option<Came>,
}

struct Came {
    number: u64,
    old: Option<rows::Earlier>,
    reduced: Option<i64>,
}

type Result<T = ()> = std::result::Result<T, Error>;

impl Fold {
    /// Goes on where an index is.
    pub(super) fn open(index: Arc<Index>) -> Result<Self> {
        let written = index.progress()?;
        let mut fold = Self {
            batch: Batch::new(written.branch),
            written,
            contracts: Vec::new(),
            house: index.house()?.into_iter().collect(),
            came: None,
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
        *self = Self::open(Arc::clone(&self.index))?;
        Ok(())
    }

    /// Folds one record.
    pub(super) fn record(&mut self, applied: Applied<'_>) -> Result {
        self.batch.record(applied.sequence, millis(applied.time));
        self.came = None;
        // After a revert open orders are made again from records whose rows are there already.
        let is_new = applied.sequence > self.written.sequence;
        for event in applied.events {
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
                self.batch.open(open_order(order));
                self.tell(is_new, order, kinds::PLACED, Told::default());
            }
            Event::Fired { order, reduced } => {
                self.came = Some(Came { number: order.id.0, old: None, reduced: reduced.map(|by| by.0) });
                self.batch.open(open_order(order));
                self.tell_trigger(is_new, order, kinds::ACTIVATED, Told::default());
                self.tell_order(is_new, order, kinds::PLACED, Told::default());
            }
            Event::ActivationFailed { order } => {
                self.batch.close(order.id.0);
                self.tell_trigger(is_new, order, kinds::ACTIVATED, Told::default());
                self.tell_order(is_new, order, kinds::REJECTED, Told::default());
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
                    Told { old_trigger: old, ..Told::default() },
                );
            }
            // A trigger that is refused is no trigger yet: it is told as the order that it would have become.
            Event::Rejected { order, written } => {
                let asked = written.as_deref().map(asked);
                self.tell_order(is_new, order, kinds::REJECTED, Told { asked, ..Told::default() });
            }
            Event::Executed(execution) => self.executed(execution, is_new)?,
            Event::Filled { order, .. } => self.batch.close(order.0),
            Event::Cancelled { order } => {
                self.batch.close(order.id.0);
                self.tell(is_new, order, kinds::CANCELLED, Told::default());
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
                    Told { old: Some(old), old_trigger, reduced, ..Told::default() },
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
                let told = Told { old: Some(old), reduced: Some(by.0), ..Told::default() };
                self.tell(is_new, order, kinds::UPDATED, told);
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
            | Event::Index { .. } => {}
        }
        Ok(())
    }

    /// An open order as it stands.
    fn opened(&self, number: u64) -> Result<Option<rows::OpenOrder>> {
        match self.batch.opened(number) {
            Some(order) => Ok(order.cloned()),
            None => self.index.open_order(number),
        }
    }

    fn push(&mut self, is_new: bool, owner: u32, at: Timestamp, row: impl Into<AnyRow>) {
        if is_new {
            self.batch.push(owner, millis(at), row);
        }
    }

    /// Accounts of the house have no rows of their own.
    fn push_own(&mut self, is_new: bool, account: AccountId, at: Timestamp, row: impl Into<AnyRow>) {
        if !self.house.contains(&account.0) {
            self.push(is_new, account.0, at, row);
        }
    }

    /// Tells of a trigger that waits, or of an order.
    fn tell(&mut self, is_new: bool, order: &OrderView, kind: u8, told: Told) {
        if unfired(order).is_some() {
            self.tell_trigger(is_new, order, kind, told);
        } else {
            self.tell_order(is_new, order, kind, told);
        }
    }

    fn tell_trigger(&mut self, is_new: bool, order: &OrderView, kind: u8, told: Told) {
        let Some(trigger) = order.trigger() else { return };
        let row = rows::TriggerEvent {
            kind,
            contract: u32::from(order.instrument.0),
            reason: order.reason.map(Coded::code),
            error: order.error.map(Coded::code),
            trigger: trigger_of(order, trigger),
            old: told.old_trigger,
            asked: told.asked.unwrap_or_else(nothing_asked),
        };
        self.push_own(is_new, order.account, order.updated_at, row);
    }

    fn tell_order(&mut self, is_new: bool, order: &OrderView, kind: u8, told: Told) {
        if let (Some(qty), Some(limit)) = (order.qty, order.limit_price)
            && (kind != kinds::REJECTED || is_at_the_book(order.error))
        {
            let now = millis(order.updated_at);
            let details = rows::OrderDetails {
                kind: order.order_type.code(),
                reduce_only: order.reduce_only,
                placed_ago: ago(now, millis(order.placed_at)),
                updated_ago: 0,
                old: told.old.as_ref().map(|old| earlier_public(old, now)),
                reduced: told.reduced,
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
            order: Some(order_of(order)),
            old: told.old,
            reduced: told.reduced,
            asked: told.asked.unwrap_or_else(nothing_asked),
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

    fn executed(&mut self, execution: &Execution, is_new: bool) -> Result {
        let number = u32::from(execution.instrument.0);
        let [maker, taker] = [&execution.maker, &execution.taker].map(|fill| fill.order.0);
        let came = self.came.as_ref().filter(|came| came.number == taker);
        let (old_taker, taker_reduced) = came.map_or((None, None), |came| (came.old.clone(), came.reduced));
        let mut before = [
            self.order_before(maker, &execution.maker, execution)?,
            self.order_before(taker, &execution.taker, execution)?,
        ];
        let now = millis(execution.at);
        let side = |order: &rows::Order| rows::SideDetails {
            number: order.number,
            kind: order.kind,
            reduce_only: order.reduce_only,
            open: order.qty.unwrap_or_default() - order.filled,
            placed_ago: ago(now, order.placed_ms),
            updated_ago: ago(now, order.updated_ms),
        };
        let limit = before[1].price.unwrap_or(execution.price.0);
        let details = rows::TradeDetails {
            maker: side(&before[0]),
            taker: side(&before[1]),
            taker_improved: limit - execution.price.0,
            old_taker: old_taker.as_ref().map(|old| earlier_public(old, now)),
            taker_reduced,
        };
        let (mark, mark_scale) = execution.mark.map_or((0, 0), digits);
        let usd_cents = cents(execution.usd_value);
        let row = rows::PublicExecution {
            number: execution.id.0,
            sell: execution.taker_side == Side::Sell,
            qty: execution.qty.0,
            price: execution.price.0,
            usd_cents,
            mark,
            mark_scale,
            details,
        };
        self.push(is_new, number, execution.at, row);
        for ((side, fill, liquidation_fee), order) in execution.sides().into_iter().zip(&mut before) {
            let is_taker = fill.order.0 == taker;
            let (old, reduced) = if is_taker { (old_taker.clone(), taker_reduced) } else { (None, None) };
            self.side_filled(is_new, execution, side, fill, liquidation_fee, order, (old, reduced));
        }
        Ok(())
    }

    /// An order as it was just before a fill. Of one that nothing is known of, since it came before the index began, what the fill
    /// tells.
    fn order_before(&self, number: u64, fill: &Fill, execution: &Execution) -> Result<rows::Order> {
        let at = millis(execution.at);
        let known = self.opened(number)?.map(|open| open.order);
        let mut order = known.unwrap_or_else(|| rows::Order {
            number,
            sell: (execution.taker_side == Side::Sell) == (fill.order == execution.taker.order),
            kind: fill.order_type.code(),
            qty: None,
            filled: 0,
            price: Some(execution.price.0),
            reduce_only: false,
            client_id: fill.client_order_id.as_deref().map(str::to_owned),
            placed_ms: at,
            updated_ms: at,
        });
        (order.qty, order.filled) = (Some(fill.qty.0), fill.filled_before.0);
        Ok(order)
    }

    /// One side of a match: its fill, what became of its order, of its position, and of its wallet.
    #[expect(clippy::too_many_arguments, reason = "a side is what is named here, once")]
    fn side_filled(
        &mut self,
        is_new: bool,
        execution: &Execution,
        side: Side,
        fill: &Fill,
        liquidation_fee: Money,
        order: &mut rows::Order,
        (old, reduced): (Option<rows::Earlier>, Option<i64>),
    ) {
        let (account, at) = (fill.account, execution.at);
        let contract = u32::from(execution.instrument.0);
        let is_maker = fill.order == execution.maker.order;
        let row = rows::Execution {
            number: execution.id.0,
            contract,
            maker: is_maker,
            qty: execution.qty.0,
            price: execution.price.0,
            mark: execution.mark.map(|mark| fine_price(mark).to_string()),
            usd_value: Decimal::new(i128::from(cents(execution.usd_value)), 2).to_string(),
            limit_filled: execution.completes_maker(),
            order: order.clone(),
            old,
            reduced,
            fee: money(fill.fee).to_string(),
            realized_pnl: money(fill.realized_pnl).to_string(),
            position: fill.position,
        };
        self.push_own(is_new, account, at, row);
        self.order_filled(is_new, execution, fill, order);
        self.position_filled(is_new, execution, side, fill, liquidation_fee);
    }

    /// What a fill did to an order: told, and kept as long as the order is open.
    fn order_filled(&mut self, is_new: bool, execution: &Execution, fill: &Fill, order: &mut rows::Order) {
        let contract = u32::from(execution.instrument.0);
        let (at, now) = (execution.at, millis(execution.at));
        let before = rows::Earlier {
            updated_ms: order.updated_ms,
            qty: order.qty,
            filled: order.filled,
            price: order.price,
        };
        order.filled += execution.qty.0;
        order.updated_ms = now;
        let is_full = order.qty == Some(order.filled);
        let reason = if is_full {
            loligo_engine::UpdateReason::FullFill
        } else {
            loligo_engine::UpdateReason::PartialFill
        };
        let details = rows::OrderDetails {
            kind: order.kind,
            reduce_only: order.reduce_only,
            placed_ago: ago(now, order.placed_ms),
            updated_ago: 0,
            old: Some(earlier_public(&before, now)),
            reduced: None,
        };
        let public = rows::PublicOrderEvent {
            kind: kinds::UPDATED,
            reason: Some(reason.code()),
            error: None,
            number: order.number,
            sell: order.sell,
            open: order.qty.unwrap_or_default() - order.filled,
            price: order.price.unwrap_or(execution.price.0),
            details,
        };
        self.push(is_new, contract, at, public);
        let own = rows::OrderEvent {
            contract: Some(contract),
            reason: Some(reason.code()),
            order: Some(order.clone()),
            old: Some(before),
            ..order_event(kinds::UPDATED)
        };
        self.push_own(is_new, fill.account, at, own);
        self.batch.open(rows::OpenOrder {
            account: fill.account.0,
            contract,
            order: order.clone(),
            stop: None,
        });
    }

    /// What a fill did to a position and its wallet.
    fn position_filled(
        &mut self,
        is_new: bool,
        execution: &Execution,
        side: Side,
        fill: &Fill,
        liquidation_fee: Money,
    ) {
        let Some(instrument) = self.contracts.get(usize::from(execution.instrument.0)).map(Arc::clone) else {
            return;
        };
        let old_position = fill.position - side.sign() * execution.qty.0;
        let entry = |position: i64, entry| {
            (position != 0).then(|| fine_price(instrument.average_price(position, entry)).to_string())
        };
        let old_entry = entry(old_position, fill.entry_before);
        let new_entry = entry(fill.position, fill.entry).or_else(|| old_entry.clone());
        let spec = instrument.spec();
        let update = rows::PositionUpdate {
            cause: causes::TRADE,
            contract: u32::from(execution.instrument.0),
            old_position,
            new_position: fill.position,
            old_entry: old_entry.clone(),
            new_entry: new_entry.clone(),
            opened_ms: fill.opened_at.map(millis),
            fee: money(fill.fee).to_string(),
            realized_pnl: money(fill.realized_pnl).to_string(),
            realized_funding: money(fill.realized_funding).to_string(),
            currency: execution.currency.code().to_owned(),
            execution: Some(execution.id.0),
            price: Some(price(execution.price, spec).to_string()),
            qty: Some(execution.qty.0),
            role: Some(fill.role.code()),
        };
        self.push_own(is_new, fill.account, execution.at, update);

        let currency = execution.currency.code().to_lowercase();
        let position_leg = rows::AccountLogEntry {
            number: fill.log,
            info: log_word(fill.role).to_owned(),
            asset: spec.symbol.to_lowercase(),
            wallet: self.wallet_name(execution.wallet),
            old_balance: size(Qty(old_position), spec).to_string(),
            new_balance: size(Qty(fill.position), spec).to_string(),
            contract: Some(u32::from(execution.instrument.0)),
            collateral: Some(currency.clone()),
            execution: Some(execution.id.0),
            old_entry,
            new_entry,
            trade_price: Some(price(execution.price, spec).to_string()),
            mark: execution.mark.map(|mark| fine_price(mark).to_string()),
            realized_pnl: None,
            fee: None,
            funding_rate: None,
            realized_funding: None,
            liquidation_fee: None,
            conversion: None,
        };
        let booked = fill.realized_pnl - fill.fee + fill.realized_funding - liquidation_fee;
        let cash_leg = rows::AccountLogEntry {
            number: fill.log + 1,
            asset: currency,
            old_balance: money(fill.balance - booked).to_string(),
            new_balance: money(fill.balance).to_string(),
            old_entry: None,
            new_entry: None,
            realized_pnl: Some(money(fill.realized_pnl).to_string()),
            fee: Some(money(fill.fee).to_string()),
            realized_funding: Some(money(fill.realized_funding).to_string()),
            liquidation_fee: (liquidation_fee != Money::ZERO).then(|| money(liquidation_fee).to_string()),
            ..position_leg.clone()
        };
        self.push_own(is_new, fill.account, execution.at, position_leg);
        self.push_own(is_new, fill.account, execution.at, cash_leg);
    }

    /// The row of money that no contract moved.
    fn transferred(
        &self,
        wallet: Wallet,
        currency: Currency,
        change: Money,
        balance: Money,
        number: u64,
        cause: BalanceCause,
    ) -> rows::AccountLogEntry {
        let info = match cause {
            BalanceCause::Operator => "admin transfer",
            BalanceCause::Transfer => "transfer",
            BalanceCause::SubaccountTransfer => "subaccount transfer",
            BalanceCause::Withdrawal => "cross-exchange transfer",
        };
        let code = currency.code().to_lowercase();
        rows::AccountLogEntry {
            number,
            info: info.to_owned(),
            asset: code.clone(),
            wallet: self.wallet_name(wallet),
            old_balance: money(balance - change).to_string(),
            new_balance: money(balance).to_string(),
            contract: None,
            collateral: Some(code),
            execution: None,
            old_entry: None,
            new_entry: None,
            trade_price: None,
            mark: None,
            realized_pnl: None,
            fee: None,
            funding_rate: None,
            realized_funding: None,
            liquidation_fee: None,
            conversion: None,
        }
    }

    fn wallet_name(&self, wallet: Wallet) -> String {
        match wallet {
            Wallet::Cash => "cash".to_owned(),
            Wallet::Flex => "flex".to_owned(),
            Wallet::Inverse(pair) => {
                let of_wallet = |instrument: &&Arc<Instrument>| {
                    instrument.spec().kind == ContractKind::Inverse && instrument.pair() == pair
                };
                let contract = self.contracts.iter().find(of_wallet);
                contract.map_or_else(String::new, |instrument| inverse_name(&instrument.spec().pair))
            }
        }
    }
}

/// What an event tells besides the order.
#[derive(Default)]
struct Told {
    old: Option<rows::Earlier>,
    old_trigger: Option<rows::EarlierTrigger>,
    reduced: Option<i64>,
    asked: Option<rows::Asked>,
}

/// Whole milliseconds since 1970, the rest cut.
fn millis(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}

fn instant(millis: i64) -> Timestamp {
    Timestamp(millis.saturating_mul(1_000))
}

fn ago(now_ms: i64, then_ms: i64) -> u64 {
    now_ms.saturating_sub(then_ms).max(0).cast_unsigned()
}

/// USD in hundredths, half to even.
fn cents(value: Money) -> i64 {
    const CENT: i128 = Money::ONE / 100;
    let (whole, rest) = (value.0.div_euclid(CENT), value.0.rem_euclid(CENT));
    let up = match (rest * 2).cmp(&CENT) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => whole & 1,
    };
    i64::try_from(whole + up).unwrap_or(i64::MAX)
}

/// A mark price as it is shown: its digits, and how many stand behind the point.
fn digits(price: FinePrice) -> (i64, u8) {
    let shown = fine_price(price).normalized();
    (i64::try_from(shown.mantissa()).unwrap_or(i64::MAX), shown.scale() as u8)
}

fn log_word(role: FillRole) -> &'static str {
    match role {
        FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => "futures trade",
        FillRole::Liquidation => "futures liquidation",
        FillRole::PartialLiquidation => "futures partial liquidation",
    }
}

/// Whether a refusal was met at the book itself: others are between the exchange and who sent the order.
fn is_at_the_book(error: Option<OrderError>) -> bool {
    matches!(error, Some(OrderError::PostWouldExecute | OrderError::IocWouldNotExecute))
}

/// The trigger that an order still is.
fn unfired(order: &OrderView) -> Option<&Trigger> {
    order.trigger().filter(|trigger| trigger.fired_at.is_none() && order.status != OrderStatus::EnteredBook)
}

fn contract(number: InstrumentId, spec: &InstrumentSpec, pair: PairId) -> Contract {
    Contract {
        number: u32::from(number.0),
        symbol: spec.symbol.clone(),
        tick: (spec.tick_mantissa, spec.tick_scale),
        lot_digits: spec.lot_precision,
        spec: postcard::to_allocvec(&(spec, pair)).expect("numbers and texts have a stored form"),
    }
}

fn order_event(kind: u8) -> rows::OrderEvent {
    rows::OrderEvent {
        kind,
        contract: None,
        reason: None,
        error: None,
        order: None,
        old: None,
        reduced: None,
        asked: nothing_asked(),
        named: None,
    }
}

fn order_of(order: &OrderView) -> rows::Order {
    rows::Order {
        number: order.id.0,
        sell: order.side == Side::Sell,
        kind: order.order_type.code(),
        qty: order.qty.map(|qty| qty.0),
        filled: order.filled.0,
        price: order.limit_price.map(|price| price.0),
        reduce_only: order.reduce_only,
        client_id: order.client_order_id.as_deref().map(str::to_owned),
        placed_ms: millis(order.placed_at),
        updated_ms: millis(order.updated_at),
    }
}

fn open_order(order: &OrderView) -> rows::OpenOrder {
    rows::OpenOrder {
        account: order.account.0,
        contract: u32::from(order.instrument.0),
        order: order_of(order),
        stop: order.trigger().and_then(|trigger| trigger.price).map(|price| price.0),
    }
}

fn earlier(order: &OrderView) -> rows::Earlier {
    rows::Earlier {
        updated_ms: millis(order.updated_at),
        qty: order.qty.map(|qty| qty.0),
        filled: order.filled.0,
        price: order.limit_price.map(|price| price.0),
    }
}

fn earlier_public(old: &rows::Earlier, now_ms: i64) -> rows::EarlierPublic {
    rows::EarlierPublic {
        open: old.qty.unwrap_or_default() - old.filled,
        price: old.price.unwrap_or_default(),
        updated_ago: ago(now_ms, old.updated_ms),
    }
}

fn distance(distance: loligo_engine::Distance) -> rows::Distance {
    rows::Distance { unit: distance.unit.code(), steps: distance.steps }
}

fn trigger_of(order: &OrderView, trigger: &Trigger) -> rows::Trigger {
    rows::Trigger {
        number: order.id.0,
        sell: order.side == Side::Sell,
        kind: order.order_type.code(),
        qty: order.qty.map(|qty| qty.0),
        price: order.limit_price.map(|price| price.0),
        reduce_only: order.reduce_only,
        client_id: order.client_order_id.as_deref().map(str::to_owned),
        placed_ms: millis(order.placed_at),
        updated_ms: millis(order.updated_at),
        stop: trigger.price.map(|price| price.0),
        signal: trigger.shown_signal.map(Coded::code),
        side: trigger.shown_side.map(Coded::code),
        deviation: trigger.deviation.map(distance),
        offset: trigger.limit_offset.map(distance),
    }
}

fn earlier_trigger(order: &OrderView) -> rows::EarlierTrigger {
    let trigger = order.trigger();
    rows::EarlierTrigger {
        updated_ms: millis(order.updated_at),
        qty: order.qty.map(|qty| qty.0),
        price: order.limit_price.map(|price| price.0),
        stop: trigger.and_then(|trigger| trigger.price).map(|price| price.0),
        deviation: trigger.and_then(|trigger| trigger.deviation).map(distance),
        offset: trigger.and_then(|trigger| trigger.limit_offset).map(distance),
    }
}

fn asked(written: &Written) -> rows::Asked {
    let Written { qty, limit_price, stop_price, deviation, limit_offset } = written;
    let text =
        |number: &Option<loligo_engine::WrittenNumber>| number.as_ref().map(|text| text.as_str().to_owned());
    rows::Asked {
        qty: text(qty),
        price: text(limit_price),
        stop: text(stop_price),
        deviation: text(deviation),
        offset: text(limit_offset),
    }
}

fn nothing_asked() -> rows::Asked {
    rows::Asked { qty: None, price: None, stop: None, deviation: None, offset: None }
}
