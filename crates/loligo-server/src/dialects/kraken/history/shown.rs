//! Rows of the index as the history API spells them.

use super::super::convert::orders;
use crate::grid::{price, size, tick_size};
use crate::history::{Coded, PARTIAL_LIQUIDATION, kept};
use crate::identity::Identity;
use crate::projection::Directory;
use loligo_engine::{
    AccountId, DistanceUnit, ExecutionId, FillRole, InstrumentId, InstrumentSpec, OrderError, OrderId,
    OrderType, Price, Qty, UpdateReason,
};
use loligo_history::rows::{self, Row, causes, kinds};
use loligo_history::{At, Entry};
use loligo_wire::account_log::{Conversion, LogEntry, LogInfo};
use loligo_wire::decimal::{Decimal, Number};
use loligo_wire::history::words::{ExecutionType, OrderType as WireType, PositionChange, TradeType};
use loligo_wire::history::{
    Amount, Distance, Element, Execution, ExecutionSide, NotFound, Order, OrderEvent, OrderStep,
    PositionCause, PositionUpdate, PublicExecution, PublicOrder, PublicPrice, Trade, Trigger, TriggerEvent,
};
use loligo_wire::time::Timestamp;
use loligo_wire::v3::words::{DeviationUnit, OrderUpdateReason, Side};
use uuid::Uuid;

/// What turns the index's numbers into the names that clients know.
#[derive(Clone, Copy)]
pub(in crate::dialects::kraken) struct Shown<'d> {
    pub(in crate::dialects::kraken) directory: &'d Directory,
    pub(in crate::dialects::kraken) identity: &'d Identity,
}

impl<'d> Shown<'d> {
    fn spec(&self, contract: u32) -> Option<&'d InstrumentSpec> {
        let contract = u16::try_from(contract).ok()?;
        self.directory.instrument(InstrumentId(contract)).map(|instrument| instrument.spec())
    }

    fn account(&self, account: u32) -> Uuid {
        self.identity.account_uid(AccountId(account))
    }

    /// An element of a list. Its name is made of its place, so it is the same whenever it is asked for.
    pub(super) fn element<R: Row, E>(
        &self,
        owner: u32,
        entry: &Entry<R>,
        event: Option<E>,
    ) -> Option<Element<E>> {
        let uid = place_uid(R::TABLE, owner, entry.at);
        event.map(|event| Element { uid: Some(uid), timestamp: instant(entry.at.time_ms), event })
    }

    fn order<'r>(&self, account: u32, spec: &'r InstrumentSpec, order: &'r rows::Order) -> Order<'r> {
        Order {
            uid: self.identity.order_uuid(OrderId(order.number)),
            account_uid: self.account(account),
            tradeable: &spec.symbol,
            direction: direction(order.sell),
            quantity: open(order.qty, order.filled, spec, None),
            filled: size(Qty(order.filled), spec),
            timestamp: instant(order.placed_ms),
            limit_price: at_price(order.price, spec, None),
            order_type: order_type(order.kind),
            client_id: order.client_id.as_deref(),
            reduce_only: order.reduce_only,
            last_update_timestamp: instant(order.updated_ms),
        }
    }

    pub(super) fn order_event<'r>(&self, account: u32, row: &'r rows::OrderEvent) -> Option<OrderEvent<'r>>
    where
        'd: 'r,
    {
        if row.kind == kinds::NOT_FOUND {
            let order = self.named(row.named.as_deref().unwrap_or_default());
            return Some(OrderEvent::NotFound { account_uid: self.account(account), order });
        }
        let spec = self.spec(row.contract?)?;
        let order = self.order(account, spec, row.order.as_ref()?);
        let earlier = |earlier: &rows::Earlier, asked: Option<&'r rows::Asked>| Order {
            quantity: open(earlier.qty, earlier.filled, spec, asked.and_then(|asked| asked.qty.as_deref())),
            filled: size(Qty(earlier.filled), spec),
            limit_price: at_price(earlier.price, spec, asked.and_then(|asked| asked.price.as_deref())),
            last_update_timestamp: instant(earlier.updated_ms),
            ..order
        };
        if row.kind == kinds::EDIT_REJECTED {
            let attempted = earlier(row.old.as_ref()?, Some(&row.asked));
            return Some(OrderEvent::EditRejected { old: order, attempted, error: refusal(row.error) });
        }
        // Of what was refused, what was sent.
        let order = match row.kind {
            kinds::REJECTED => {
                let sent = row.order.as_ref()?;
                Order {
                    quantity: open(sent.qty, sent.filled, spec, row.asked.qty.as_deref()),
                    limit_price: at_price(sent.price, spec, row.asked.price.as_deref()),
                    ..order
                }
            }
            _ => order,
        };
        let old = row.old.as_ref().map(|old| earlier(old, None));
        let reduced = row.reduced.map(|by| size(Qty(by), spec));
        step(row.kind, order, old, reduced, (row.reason, row.error)).map(OrderEvent::Step)
    }

    /// What a cancel named that found nothing.
    fn named<'r>(&self, named: &'r str) -> NotFound<'r> {
        let (how, name) = named.split_once(' ').unwrap_or_default();
        match how {
            "number" => NotFound::Uid(self.identity.order_uuid(OrderId(name.parse().unwrap_or_default()))),
            "uid" => NotFound::Uid(name.parse().unwrap_or_default()),
            _ => NotFound::ClientId(name),
        }
    }

    pub(super) fn trigger_event<'r>(
        &self,
        account: u32,
        row: &'r rows::TriggerEvent,
    ) -> Option<TriggerEvent<'r>>
    where
        'd: 'r,
    {
        let spec = self.spec(row.contract)?;
        let order = self.trigger(account, spec, &row.trigger);
        let reason = reason(row.reason);
        let earlier = |earlier: &rows::EarlierTrigger, asked: Option<&'r rows::Asked>| Trigger {
            quantity: open(earlier.qty, 0, spec, asked.and_then(|asked| asked.qty.as_deref())),
            limit_price: limit(earlier.price, spec, asked.and_then(|asked| asked.price.as_deref())),
            last_update_timestamp: instant(earlier.updated_ms),
            trigger_price: at_price(earlier.stop, spec, asked.and_then(|asked| asked.stop.as_deref())),
            trailing_stop: distance(earlier.deviation.as_ref(), spec),
            limit_price_offset: distance(earlier.offset.as_ref(), spec),
            ..order
        };
        Some(match row.kind {
            kinds::PLACED => TriggerEvent::Placed { order, reason: reason? },
            kinds::UPDATED => {
                TriggerEvent::Updated { old: earlier(row.old.as_ref()?, None), new: order, reason: reason? }
            }
            kinds::CANCELLED => TriggerEvent::Cancelled { order, reason: reason? },
            kinds::ACTIVATED => TriggerEvent::Activated { order },
            kinds::EDIT_REJECTED => TriggerEvent::EditRejected {
                old: order,
                attempted: earlier(row.old.as_ref()?, Some(&row.asked)),
                reason,
                error: refusal(row.error),
            },
            _ => return None,
        })
    }

    fn trigger<'r>(&self, account: u32, spec: &'r InstrumentSpec, row: &'r rows::Trigger) -> Trigger<'r> {
        Trigger {
            uid: self.identity.order_uuid(OrderId(row.number)),
            account_id: u64::from(account),
            account_uid: self.account(account),
            tradeable: &spec.symbol,
            direction: direction(row.sell),
            quantity: open(row.qty, 0, spec, None),
            timestamp: instant(row.placed_ms),
            limit_price: limit(row.price, spec, None),
            order_type: order_type(row.kind),
            client_id: row.client_id.as_deref(),
            reduce_only: row.reduce_only,
            last_update_timestamp: instant(row.updated_ms),
            trigger_price: at_price(row.stop, spec, None),
            trigger_signal: orders::signal(kept(row.signal)),
            trigger_side: orders::trigger_side(kept(row.side)),
            trailing_stop: distance(row.deviation.as_ref(), spec),
            limit_price_offset: distance(row.offset.as_ref(), spec),
        }
    }

    pub(super) fn execution<'r>(
        &self,
        account: u32,
        entry: &'r Entry<rows::Execution>,
    ) -> Option<Element<Execution<'r>>>
    where
        'd: 'r,
    {
        let row = &entry.row;
        let spec = self.spec(row.contract)?;
        let order = self.order(account, spec, &row.order);
        let old_taker = row.old.as_ref().map(|old| Order {
            quantity: open(old.qty, old.filled, spec, None),
            filled: size(Qty(old.filled), spec),
            limit_price: at_price(old.price, spec, None),
            last_update_timestamp: instant(old.updated_ms),
            ..order
        });
        let execution = Execution {
            side: ExecutionSide {
                role: if row.maker { ExecutionType::Maker } else { ExecutionType::Taker },
                order,
                fee: decimal(&row.fee),
                percentage_fee: percentage(row.fee_rate),
                position_size: size(Qty(row.position), spec),
                realized_pnl: decimal(&row.realized_pnl),
            },
            trade: Trade {
                uid: self.identity.execution_uuid(ExecutionId(row.number)),
                timestamp: instant(entry.at.time_ms),
                quantity: size(Qty(row.qty), spec),
                price: price(Price(row.price), spec),
                mark_price: row.mark.as_deref().map_or(Decimal::ZERO, decimal),
                limit_filled: row.limit_filled,
                old_taker,
                usd_value: decimal(&row.usd_value),
                taker_reduced: row.reduced.map(|by| size(Qty(by), spec)),
            },
        };
        self.element(account, entry, Some(execution))
    }

    pub(super) fn position<'r>(
        &self,
        account: u32,
        entry: &'r Entry<rows::PositionUpdate>,
    ) -> Option<Element<PositionUpdate<'r>>>
    where
        'd: 'r,
    {
        let row = &entry.row;
        let spec = self.spec(row.contract)?;
        let at = instant(entry.at.time_ms);
        let at_price = row.price.as_deref().map_or(Decimal::ZERO, decimal);
        let cause = match row.cause {
            causes::FUNDING => PositionCause::Funding { at },
            causes::SETTLEMENT => PositionCause::Settlement { price: at_price },
            _ => PositionCause::Trade {
                execution_uid: self.identity.execution_uuid(ExecutionId(row.execution.unwrap_or_default())),
                price: at_price,
                size: size(Qty(row.qty.unwrap_or_default()), spec),
                trade_type: match kept(row.role) {
                    Some(FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit) => {
                        TradeType::UserExecution
                    }
                    Some(FillRole::Liquidation | FillRole::CoveredLiquidation) => TradeType::Liquidation,
                    Some(FillRole::PartialLiquidation) => TradeType::PartialLiquidation,
                    Some(FillRole::Assignor | FillRole::Assignee) => TradeType::Assignment,
                    Some(FillRole::UnwindBankrupt | FillRole::UnwindCounterparty) => TradeType::Unwind,
                    None => TradeType::Unknown,
                },
            },
        };
        let update = PositionUpdate {
            account_uid: self.account(account),
            tradeable: &spec.symbol,
            old_position: size(Qty(row.old_position), spec),
            old_average_entry_price: row.old_entry.as_deref().map(decimal),
            new_position: size(Qty(row.new_position), spec),
            new_average_entry_price: row.new_entry.as_deref().map(decimal),
            fill_time: row.opened_ms.map(instant),
            fee: decimal(&row.fee),
            currency: &row.currency,
            realized_pnl: decimal(&row.realized_pnl),
            realized_funding: decimal(&row.realized_funding),
            change: change(row.old_position, row.new_position),
            cause,
            timestamp: at,
        };
        self.element(account, entry, Some(update))
    }

    pub(in crate::dialects::kraken) fn log_entry<'r>(
        &self,
        account: u32,
        entry: &'r Entry<rows::AccountLogEntry>,
        contract: Option<&'r str>,
    ) -> Option<LogEntry<'r>> {
        let row = &entry.row;
        let number = |text: &Option<String>| text.as_deref().map(decimal);
        let place = At { time_ms: 0, sequence: row.number, ordinal: 0 };
        Some(LogEntry {
            id: row.number,
            date: instant(entry.at.time_ms),
            asset: &row.asset,
            info: LogInfo::from_word(&row.info)?,
            booking_uid: place_uid("booking", account, place),
            margin_account: &row.wallet,
            old_balance: decimal(&row.old_balance),
            new_balance: decimal(&row.new_balance),
            old_average_entry_price: number(&row.old_entry),
            new_average_entry_price: number(&row.new_entry),
            trade_price: number(&row.trade_price),
            mark_price: number(&row.mark),
            realized_pnl: number(&row.realized_pnl),
            fee: number(&row.fee),
            execution: row.execution.map(|number| self.identity.execution_uuid(ExecutionId(number))),
            collateral: row.collateral.as_deref(),
            contract,
            funding_rate: number(&row.funding_rate),
            realized_funding: number(&row.realized_funding),
            liquidation_fee: number(&row.liquidation_fee),
            conversion: row.conversion.as_ref().map(|terms| Conversion {
                spread_percentage: decimal(&terms.spread),
                exchange_rate: decimal(&terms.rate),
                exchange_rate_from: &terms.rate_from,
                fee: decimal(&terms.fee),
            }),
        })
    }

    /// The name of an entry's contract, in lower case.
    pub(in crate::dialects::kraken) fn log_contract(&self, entry: &rows::AccountLogEntry) -> Option<String> {
        self.spec(entry.contract?).map(|spec| spec.symbol.to_lowercase())
    }

    pub(super) fn public_order_event<'r>(
        &self,
        contract: u32,
        entry: &Entry<rows::PublicOrderEvent>,
    ) -> Option<Element<OrderStep<PublicOrder<'r>>>>
    where
        'd: 'r,
    {
        let row = &entry.row;
        let spec = self.spec(contract)?;
        let now = entry.at.time_ms;
        let order = PublicOrder {
            uid: self.identity.order_uuid(OrderId(row.number)),
            tradeable: &spec.symbol,
            direction: direction(row.sell),
            quantity: size(Qty(row.open), spec).into(),
            timestamp: before(now, row.details.placed_ago),
            limit_price: price(Price(row.price), spec).into(),
            order_type: order_type(row.details.kind),
            reduce_only: row.details.reduce_only,
            last_update_timestamp: before(now, row.details.updated_ago),
        };
        let old = row.details.old.map(|old| earlier_public(&order, old, now, spec));
        let reduced = row.details.reduced.map(|by| size(Qty(by), spec));
        let event = step(row.kind, order, old, reduced, (row.reason, row.error));
        self.element(contract, entry, event)
    }

    pub(super) fn public_execution<'r>(
        &self,
        contract: u32,
        entry: &Entry<rows::PublicExecution>,
    ) -> Option<Element<PublicExecution<'r>>>
    where
        'd: 'r,
    {
        let row = &entry.row;
        let spec = self.spec(contract)?;
        let now = entry.at.time_ms;
        let side = |side: &rows::SideDetails, sell, limit: i64| PublicOrder {
            uid: self.identity.order_uuid(OrderId(side.number)),
            tradeable: spec.symbol.as_str(),
            direction: direction(sell),
            quantity: size(Qty(side.open), spec).into(),
            timestamp: before(now, side.placed_ago),
            limit_price: price(Price(limit), spec).into(),
            order_type: order_type(side.kind),
            reduce_only: side.reduce_only,
            last_update_timestamp: before(now, side.updated_ago),
        };
        let details = &row.details;
        let taker = side(&details.taker, row.sell, row.price.saturating_add(details.taker_improved));
        let execution = PublicExecution {
            maker: side(&details.maker, !row.sell, row.price),
            taker,
            trade: Trade {
                uid: self.identity.execution_uuid(ExecutionId(row.number)),
                timestamp: instant(now),
                quantity: size(Qty(row.qty), spec),
                price: price(Price(row.price), spec),
                mark_price: figure(row.mark, row.mark_scale),
                limit_filled: details.maker.open == row.qty,
                old_taker: details.old_taker.map(|old| earlier_public(&taker, old, now, spec)),
                usd_value: Decimal::new(i128::from(row.usd_cents), 2),
                taker_reduced: details.taker_reduced.map(|by| size(Qty(by), spec)),
            },
        };
        self.element(contract, entry, Some(execution))
    }
}

/// A step of an order's story; `None` for what is none.
fn step<O>(
    kind: u8,
    order: O,
    old: Option<O>,
    reduced: Option<Decimal>,
    (why, error): (Option<u8>, Option<u8>),
) -> Option<OrderStep<O>> {
    let reason = reason(why);
    Some(match kind {
        kinds::PLACED => OrderStep::Placed { order, reason: reason? },
        kinds::UPDATED => OrderStep::Updated { old: old?, new: order, reason: reason?, reduced },
        kinds::CANCELLED => OrderStep::Cancelled { order, reason: reason? },
        kinds::REJECTED => OrderStep::Rejected { order, error: refusal(error), reason },
        _ => return None,
    })
}

pub(super) fn mark_price(entry: &Entry<rows::MarkPrice>) -> Element<PublicPrice> {
    let price = figure(entry.row.mantissa, entry.row.scale);
    Element { uid: None, timestamp: instant(entry.at.time_ms), event: PublicPrice { price } }
}

fn earlier_public<'r>(
    order: &PublicOrder<'r>,
    old: rows::EarlierPublic,
    now_ms: i64,
    spec: &InstrumentSpec,
) -> PublicOrder<'r> {
    PublicOrder {
        quantity: size(Qty(old.open), spec).into(),
        limit_price: price(Price(old.price), spec).into(),
        last_update_timestamp: before(now_ms, old.updated_ago),
        ..*order
    }
}

/// A UUID made of a list and a place in it.
fn place_uid(list: &str, owner: u32, at: At) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key("loligo 2026 names of history's events");
    hasher.update(list.as_bytes()).update(&owner.to_le_bytes());
    hasher.update(&at.sequence.to_le_bytes()).update(&at.ordinal.to_le_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

pub(super) fn instant(millis: i64) -> Timestamp {
    Timestamp::from_micros(millis.saturating_mul(1_000))
}

fn before(now_ms: i64, ago_ms: u64) -> Timestamp {
    instant(now_ms.saturating_sub_unsigned(ago_ms))
}

/// A number that the index keeps as text.
fn decimal(text: &str) -> Decimal {
    Number::parse(text.as_bytes()).ok().and_then(Number::decimal).unwrap_or_default()
}

/// A fee's rate, which is kept in hundred-millionths, in per cent.
fn percentage(rate: i64) -> Decimal {
    Decimal::new(i128::from(rate), 6)
}

fn figure(mantissa: i64, scale: u8) -> Decimal {
    Decimal::new(i128::from(mantissa), u32::from(scale.min(38)))
}

fn direction(sell: bool) -> Side {
    if sell { Side::Sell } else { Side::Buy }
}

/// What is open of an order; of what was sent and is no size, that.
fn open<'r>(qty: Option<i64>, filled: i64, spec: &InstrumentSpec, asked: Option<&'r str>) -> Amount<'r> {
    match (qty, asked) {
        (Some(qty), _) => size(Qty(qty - filled), spec).into(),
        (None, Some(asked)) => Amount::Written(asked),
        (None, None) => Amount::Absent,
    }
}

/// A price; of what was sent and is none, that.
fn at_price<'r>(ticks: Option<i64>, spec: &InstrumentSpec, asked: Option<&'r str>) -> Amount<'r> {
    match (ticks, asked) {
        (Some(ticks), _) => price(Price(ticks), spec).into(),
        (None, Some(asked)) => Amount::Written(asked),
        (None, None) => Amount::Absent,
    }
}

/// The limit of the order that a trigger becomes, where it is known.
fn limit<'r>(ticks: Option<i64>, spec: &InstrumentSpec, asked: Option<&'r str>) -> Option<Amount<'r>> {
    match at_price(ticks, spec, asked) {
        Amount::Absent => None,
        known => Some(known),
    }
}

fn distance(row: Option<&rows::Distance>, spec: &InstrumentSpec) -> Option<Distance<'static>> {
    let row = row?;
    Some(match DistanceUnit::of(row.unit)? {
        DistanceUnit::Percent => {
            Distance { value: Decimal::new(i128::from(row.steps), 2).into(), unit: DeviationUnit::Percent }
        }
        DistanceUnit::Quote => {
            let tick = tick_size(spec);
            let value = Decimal::new(tick.mantissa() * i128::from(row.steps), tick.scale());
            Distance { value: value.into(), unit: DeviationUnit::QuoteCurrency }
        }
    })
}

fn order_type(code: u8) -> WireType {
    match OrderType::of(code) {
        Some(OrderType::Limit) => WireType::Limit,
        Some(OrderType::Post) => WireType::Post,
        Some(OrderType::ImmediateOrCancel) => WireType::ImmediateOrCancel,
        Some(OrderType::Market) => WireType::Market,
        Some(OrderType::FillOrKill) => WireType::FillOrKill,
        Some(OrderType::Liquidation) => WireType::Liquidation,
        Some(OrderType::CoveredLiquidation) => WireType::CoveredLiquidation,
        Some(OrderType::Assignment) => WireType::Assignment,
        Some(OrderType::Unwind) => WireType::Unwind,
        None if code == PARTIAL_LIQUIDATION => WireType::PartialLiquidation,
        None => WireType::Unknown,
    }
}

fn reason(code: Option<u8>) -> Option<OrderUpdateReason> {
    code.map(|code| UpdateReason::of(code).map_or(OrderUpdateReason::Unknown, orders::reason))
}

fn refusal(code: Option<u8>) -> Option<loligo_wire::v3::words::OrderError> {
    kept::<OrderError>(code).and_then(orders::refusal)
}

fn change(old: i64, new: i64) -> PositionChange {
    match (old.signum(), new.signum()) {
        (0, 0) => PositionChange::NoChange,
        (0, _) => PositionChange::Open,
        (_, 0) => PositionChange::Close,
        (before, after) if before != after => PositionChange::Reverse,
        _ if new.abs() > old.abs() => PositionChange::Increase,
        _ if new.abs() < old.abs() => PositionChange::Decrease,
        _ => PositionChange::NoChange,
    }
}

/// The places of a change and its cause among the flags of a request.
pub(super) fn flags(row: &rows::PositionUpdate) -> (Option<usize>, usize) {
    let change = match change(row.old_position, row.new_position) {
        PositionChange::Open => Some(0),
        PositionChange::Close => Some(1),
        PositionChange::Increase => Some(2),
        PositionChange::Decrease => Some(3),
        PositionChange::Reverse => Some(4),
        PositionChange::NoChange => Some(5),
        PositionChange::Unknown => None,
    };
    (change, usize::from(row.cause))
}
