//! History as anybody would write it down who keeps every order that was ever told of: plainly, and from events alone.

mod executed;
mod money;
mod settled;

use crate::grid::{fine_price, money, price, size};
use crate::projection::Applied;
use loligo_engine::{
    ContractKind, Event, FillRole, Instrument, Money, OrderRef, OrderStatus, OrderType, OrderView, Qty, Side,
    Timestamp, UpdateReason, Wallet, Written,
};
use loligo_history::rows::{self, kinds};
use loligo_history::{AnyRow, At};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// What streams must have brought about, or a comparison has compared nothing.
pub(super) const KINDS: [&str; 34] = [
    "order 0",
    "order 1",
    "order 2",
    "order 3",
    "order 4",
    "order 5",
    "trigger 0",
    "trigger 1",
    "trigger 3",
    "trigger 5",
    "trigger 6",
    "futures trade",
    "futures liquidation",
    "futures partial liquidation",
    "covered liquidation",
    "futures assignor",
    "futures assignee",
    "futures unwind bankrupt",
    "futures unwind counterparty",
    "settlement",
    "settled in another currency",
    "gain in another currency",
    "conversion",
    "interest payment",
    "funding rate change",
    "admin transfer",
    "transfer",
    "cross-exchange transfer",
    "old taker",
    "taker reduced",
    "cut",
    "asked",
    "house",
    "public order 2",
];

/// All rows, and all that making them takes.
#[derive(Default)]
pub(super) struct Teller {
    orders: BTreeMap<u64, OrderView>,
    /// Triggers that never fired, also when they are closed.
    waiting: BTreeSet<u64>,
    house: BTreeSet<u32>,
    contracts: Vec<Instrument>,
    accounts: u32,
    rows: BTreeMap<usize, Vec<super::Listed>>,
    kinds: BTreeSet<String>,
    /// Where the record at hand stands, and how many rows of each list it has.
    sequence: u64,
    counts: BTreeMap<usize, u32>,
}

fn ms(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}

/// The stored code of a word, by its name.
fn code<W: Debug>(word: W, codes: &[(u8, &str)]) -> u8 {
    let name = format!("{word:?}");
    codes.iter().find(|(_, known)| *known == name).expect("every word has a code").0
}

macro_rules! code {
    ($type:ident, $word:expr) => {
        code($word, loligo_engine::$type::STORED_CODES)
    };
}

fn distance(distance: loligo_engine::Distance) -> rows::Distance {
    rows::Distance { unit: code!(DistanceUnit, distance.unit), steps: distance.steps }
}

fn asked(written: Option<&Written>) -> rows::Asked {
    let text = |number: Option<&loligo_engine::WrittenNumber>| number.map(|text| text.as_str().to_owned());
    rows::Asked {
        qty: text(written.and_then(|written| written.qty.as_ref())),
        price: text(written.and_then(|written| written.limit_price.as_ref())),
        stop: text(written.and_then(|written| written.stop_price.as_ref())),
        deviation: text(written.and_then(|written| written.deviation.as_ref())),
        offset: text(written.and_then(|written| written.limit_offset.as_ref())),
    }
}

fn earlier(order: &OrderView) -> rows::Earlier {
    rows::Earlier {
        updated_ms: ms(order.updated_at),
        qty: order.qty.map(|qty| qty.0),
        filled: order.filled.0,
        price: order.limit_price.map(|price| price.0),
    }
}

fn earlier_public(order: &OrderView, now: i64) -> rows::EarlierPublic {
    rows::EarlierPublic {
        open: order.open_qty().0,
        price: order.limit_price.map_or(0, |price| price.0),
        updated_ago: (now - ms(order.updated_at)) as u64,
    }
}

fn earlier_trigger(order: &OrderView) -> rows::EarlierTrigger {
    let trigger = order.trigger().expect("it is one");
    rows::EarlierTrigger {
        updated_ms: ms(order.updated_at),
        qty: order.qty.map(|qty| qty.0),
        price: order.limit_price.map(|price| price.0),
        stop: trigger.price.map(|price| price.0),
        deviation: trigger.deviation.map(distance),
        offset: trigger.limit_offset.map(distance),
    }
}

/// How an order trades: one of a liquidation as its fills in the record say.
fn kind(order: &OrderView, events: &[Event]) -> u8 {
    let closes_a_part = |event: &Event| {
        matches!(event, Event::Executed(execution)
            if execution.taker.order == order.id && execution.taker.role == FillRole::PartialLiquidation)
    };
    if order.order_type == OrderType::Liquidation && events.iter().any(closes_a_part) {
        0x80
    } else {
        code!(OrderType, order.order_type)
    }
}

fn order_row(order: &OrderView, events: &[Event]) -> rows::Order {
    rows::Order {
        number: order.id.0,
        sell: order.side == Side::Sell,
        kind: kind(order, events),
        qty: order.qty.map(|qty| qty.0),
        filled: order.filled.0,
        price: order.limit_price.map(|price| price.0),
        reduce_only: order.reduce_only,
        client_id: order.client_order_id.as_deref().map(str::to_owned),
        placed_ms: ms(order.placed_at),
        updated_ms: ms(order.updated_at),
    }
}

/// What is told of an order beside itself.
#[derive(Default)]
struct Beside<'e> {
    old: Option<&'e OrderView>,
    reduced: Option<i64>,
    written: Option<&'e Written>,
}

impl Teller {
    pub(super) fn record(&mut self, applied: Applied<'_>) {
        self.sequence = applied.sequence;
        self.counts.clear();
        for (at, event) in applied.events.iter().enumerate() {
            self.event(event, at, applied.events);
        }
    }

    /// How many accounts and contracts there are, whichever are more.
    pub(super) fn owners(&self) -> u32 {
        self.accounts.max(self.contracts.len() as u32)
    }

    /// All rows of records after one, list by list, owner by owner, by time and place.
    pub(super) fn rows(&self, after: u64) -> Vec<super::Listed> {
        let mut all = Vec::new();
        for list in self.rows.values() {
            let mut list: Vec<_> = list.iter().filter(|(_, at, _)| at.sequence > after).cloned().collect();
            list.sort_by_key(|(owner, at, _)| (*owner, *at));
            all.extend(list);
        }
        all
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = String> {
        self.kinds.iter().cloned()
    }

    /// Notes a row; the lists have the order in which they are read.
    fn tell(&mut self, owner: u32, at: Timestamp, row: AnyRow) {
        let list = match &row {
            AnyRow::OrderEvent(row) => {
                self.kinds.insert(format!("order {}", row.kind));
                0
            }
            AnyRow::TriggerEvent(row) => {
                self.kinds.insert(format!("trigger {}", row.kind));
                1
            }
            AnyRow::Execution(_) => 2,
            AnyRow::PositionUpdate(_) => 3,
            AnyRow::AccountLogEntry(row) => {
                self.kinds.insert(row.info.clone());
                4
            }
            AnyRow::PublicExecution(_) => 5,
            AnyRow::PublicOrderEvent(row) => {
                self.kinds.insert(format!("public order {}", row.kind));
                6
            }
            AnyRow::MarkPrice(_) => 7,
        };
        let ordinal = self.counts.entry(list).or_default();
        let at = At { time_ms: ms(at), sequence: self.sequence, ordinal: *ordinal };
        *ordinal += 1;
        self.rows.entry(list).or_default().push((owner, at, row));
    }

    /// Notes a row of an account's; those of the house are nobody's.
    fn tell_own(&mut self, account: u32, at: Timestamp, row: impl Into<AnyRow>) {
        if self.house.contains(&account) {
            self.kinds.insert("house".to_owned());
        } else {
            self.tell(account, at, row.into());
        }
    }

    fn event(&mut self, event: &Event, at: usize, events: &[Event]) {
        match event {
            Event::Listed { pair, spec, .. } => {
                self.contracts.push(Instrument::new((**spec).clone(), *pair).expect("it was listed"));
            }
            Event::AccountCreated { account, house, .. } => {
                self.accounts = account.0 + 1;
                if *house {
                    self.house.insert(account.0);
                }
            }
            Event::Placed { order, .. } if order.status == OrderStatus::TriggerPlaced => {
                self.waiting.insert(order.id.0);
                self.orders.insert(order.id.0, order.clone());
                self.trigger(kinds::PLACED, order, None);
            }
            Event::Placed { order, .. } => {
                self.orders.insert(order.id.0, order.clone());
                self.order(kinds::PLACED, order, events, Beside::default());
            }
            Event::Fired { order, .. } => {
                self.waiting.remove(&order.id.0);
                self.orders.insert(order.id.0, order.clone());
                self.trigger(kinds::ACTIVATED, order, None);
                self.order(kinds::PLACED, order, events, Beside::default());
            }
            Event::ActivationFailed { order } => {
                self.waiting.remove(&order.id.0);
                self.trigger(kinds::ACTIVATED, order, None);
                self.order(kinds::REJECTED, order, events, Beside::default());
            }
            Event::Repriced { order } => {
                let old = self.orders.insert(order.id.0, order.clone()).expect("it waited");
                self.trigger(kinds::UPDATED, order, Some(&old));
            }
            Event::Rejected { order, written } => {
                let written = written.as_deref();
                if written.is_some() {
                    self.kinds.insert("asked".to_owned());
                }
                self.order(kinds::REJECTED, order, events, Beside { written, ..Beside::default() });
            }
            Event::Executed(execution) => self.executed(execution, &events[..at], events),
            Event::Cancelled { order } => {
                self.orders.insert(order.id.0, order.clone());
                if self.waiting.contains(&order.id.0) {
                    self.trigger(kinds::CANCELLED, order, None);
                } else {
                    self.order(kinds::CANCELLED, order, events, Beside::default());
                }
            }
            Event::Edited { change, reduced } => {
                self.orders.insert(change.order.id.0, change.order.clone());
                let old = Some(&change.prior);
                if self.waiting.contains(&change.order.id.0) {
                    self.trigger(kinds::UPDATED, &change.order, old);
                } else {
                    let reduced = reduced.map(|by| by.0);
                    self.order(kinds::UPDATED, &change.order, events, Beside { old, reduced, written: None });
                }
            }
            Event::Reduced { order, by } => {
                self.kinds.insert("cut".to_owned());
                let old = self.orders.insert(order.id.0, order.clone()).expect("it was open");
                let beside = Beside { old: Some(&old), reduced: Some(by.0), written: None };
                self.order(kinds::UPDATED, order, events, beside);
            }
            Event::EditRejected(refused) => {
                let contract = u32::from(refused.order.instrument.0);
                let error = Some(code!(OrderError, refused.error));
                let asked = asked(refused.written.as_deref());
                let account = refused.order.account.0;
                if self.waiting.contains(&refused.order.id.0) {
                    let row = rows::TriggerEvent {
                        kind: kinds::EDIT_REJECTED,
                        contract,
                        reason: None,
                        error,
                        trigger: trigger_row(&refused.order),
                        old: Some(earlier_trigger(&refused.attempted)),
                        asked,
                    };
                    self.tell_own(account, refused.at, row);
                } else {
                    let row = rows::OrderEvent {
                        kind: kinds::EDIT_REJECTED,
                        contract: Some(contract),
                        reason: None,
                        error,
                        order: Some(order_row(&refused.order, events)),
                        old: Some(earlier(&refused.attempted)),
                        reduced: None,
                        asked,
                        named: None,
                    };
                    self.tell_own(account, refused.at, row);
                }
            }
            Event::NotFound { account, order, at } => {
                let named = match order {
                    OrderRef::Id(id) => format!("number {}", id.0),
                    OrderRef::Foreign(number) => format!("uid {}", uuid::Uuid::from_u128(*number)),
                    OrderRef::Client(name) => format!("client {name}"),
                };
                let row = rows::OrderEvent {
                    kind: kinds::NOT_FOUND,
                    contract: None,
                    reason: None,
                    error: None,
                    order: None,
                    old: None,
                    reduced: None,
                    asked: asked(None),
                    named: Some(named),
                };
                self.tell_own(account.0, *at, row);
            }
            Event::Rewritten { order } => {
                self.orders.insert(order.id.0, order.clone());
            }
            Event::Balance { .. } => self.balance(event),
            Event::Funding(booked) => self.funding(booked),
            Event::Converted(conversion) => self.converted(conversion),
            Event::Interest(paid) => self.interest(paid),
            Event::Settled(settlement) => self.settled(settlement),
            Event::Mark { instrument, price, at } => {
                let shown = fine_price(*price).normalized();
                let mantissa = shown.mantissa() as i64;
                let row = rows::MarkPrice { mantissa, scale: shown.scale() as u8 };
                self.tell(u32::from(instrument.0), *at, row.into());
            }
            _ => {}
        }
    }

    fn trigger(&mut self, kind: u8, order: &OrderView, old: Option<&OrderView>) {
        let row = rows::TriggerEvent {
            kind,
            contract: u32::from(order.instrument.0),
            reason: order.reason.map(|reason| code!(UpdateReason, reason)),
            error: order.error.map(|error| code!(OrderError, error)),
            trigger: trigger_row(order),
            old: old.map(earlier_trigger),
            asked: asked(None),
        };
        self.tell_own(order.account.0, order.updated_at, row);
    }

    /// An order's event, to its owner and, if the book saw it, to everybody.
    fn order(&mut self, kind: u8, order: &OrderView, events: &[Event], beside: Beside<'_>) {
        let Beside { old, reduced, written } = beside;
        let reason = order.reason.map(|reason| code!(UpdateReason, reason));
        let error = order.error.filter(|_| kind == kinds::REJECTED).map(|error| code!(OrderError, error));
        let met_the_book = kind != kinds::REJECTED
            || order.error.is_some_and(|error| {
                ["PostWouldExecute", "IocWouldNotExecute"].contains(&format!("{error:?}").as_str())
            });
        if let (true, Some(_), Some(limit)) = (met_the_book, order.qty, order.limit_price) {
            let now = ms(order.updated_at);
            let row = rows::PublicOrderEvent {
                kind,
                reason,
                error,
                number: order.id.0,
                sell: order.side == Side::Sell,
                open: order.open_qty().0,
                price: limit.0,
                details: rows::OrderDetails {
                    kind: self::kind(order, events),
                    reduce_only: order.reduce_only,
                    placed_ago: (now - ms(order.placed_at)) as u64,
                    updated_ago: 0,
                    old: old.map(|old| earlier_public(old, now)),
                    reduced,
                },
            };
            self.tell(u32::from(order.instrument.0), order.updated_at, row.into());
        }
        let row = rows::OrderEvent {
            kind,
            contract: Some(u32::from(order.instrument.0)),
            reason,
            error,
            order: Some(order_row(order, events)),
            old: old.map(earlier),
            reduced,
            asked: asked(written),
            named: None,
        };
        self.tell_own(order.account.0, order.updated_at, row);
    }

    fn wallet(&self, wallet: Wallet) -> String {
        match wallet {
            Wallet::Cash => "cash".to_owned(),
            Wallet::Flex => "flex".to_owned(),
            Wallet::Inverse(pair) => {
                let inverse = |contract: &&Instrument| {
                    contract.spec().kind == ContractKind::Inverse && contract.pair() == pair
                };
                let contract = self.contracts.iter().find(inverse).expect("it has contracts");
                format!("fi_{}", contract.spec().pair.replace(':', "").to_lowercase())
            }
        }
    }
}

fn trigger_row(order: &OrderView) -> rows::Trigger {
    let trigger = order.trigger().expect("it is one");
    rows::Trigger {
        number: order.id.0,
        sell: order.side == Side::Sell,
        kind: code!(OrderType, order.order_type),
        qty: order.qty.map(|qty| qty.0),
        price: order.limit_price.map(|price| price.0),
        reduce_only: order.reduce_only,
        client_id: order.client_order_id.as_deref().map(str::to_owned),
        placed_ms: ms(order.placed_at),
        updated_ms: ms(order.updated_at),
        stop: trigger.price.map(|price| price.0),
        signal: trigger.shown_signal.map(|signal| code!(Signal, signal)),
        side: trigger.shown_side.map(|side| code!(TriggerSide, side)),
        deviation: trigger.deviation.map(distance),
        offset: trigger.limit_offset.map(distance),
    }
}

/// A decimal without the zeros behind its last digit.
fn shortened(decimal: &str) -> String {
    decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn nothing_logged() -> rows::AccountLogEntry {
    rows::AccountLogEntry {
        number: 0,
        info: String::new(),
        asset: String::new(),
        wallet: String::new(),
        old_balance: String::new(),
        new_balance: String::new(),
        contract: None,
        collateral: None,
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
