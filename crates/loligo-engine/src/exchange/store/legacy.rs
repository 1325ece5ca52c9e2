//! The states of earlier versions, read into today's list, never written: those of versions 4 to 7, shorter lists, and that of
//! version 3, which was memory as it was laid out then. And commands of version 2, whose contracts said less.
//!
//! Fields that today's list makes anew are read past: they stand here by type alone, under a name with an underscore.

use super::state::{
    ClosedOrder, Contract, FamilyTerms, Liquidation, LiquidationOf, Numbers, Owner, ParticularLimits, Pasts,
    Rest, State, StoredFunding, StoredOrder, StoredPosition, StoredRanking, StoredWork,
};
use super::{
    CodecError, LEGACY_COMMAND_VERSION, LEGACY_STATE_VERSION, UNFUNDED_STATE_VERSION,
    UNNUMBERED_STATE_VERSION, UNRANKED_STATE_VERSION, UNSETTLED_STATE_VERSION, read,
};
use crate::account::FamilyDays;
use crate::command::{Command, Genesis, Limits, LimitsChange};
use crate::exchange::liquidation::Ladder;
use crate::id::{AccountId, Currency, InstrumentId, OrderId, PairId, Qty, Side, Timestamp, Wallet};
use crate::instrument::{InstrumentSpec, Leverage, MarginLevel};
use crate::market::{MarketPrices, Pair};
use crate::money::{Fine, FinePrice, Money};
use crate::trigger::Attached;
use crate::words::{
    ContractKind, Dislocation, MarketState, OrderError, OrderStatus, OrderType, SelfTradeStrategy,
    UpdateReason,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// No slot, as memory once said it.
const NIL: u32 = u32::MAX;

#[derive(Deserialize)]
struct Memory {
    now: Timestamp,
    born: bool,
    limits: Limits,
    particular_limits: BTreeMap<(Option<AccountId>, Option<InstrumentId>), LimitsChange>,
    pairs: Vec<Pair>,
    markets: Vec<Market>,
    _symbols: BTreeMap<String, InstrumentId>,
    accounts: Vec<Account>,
    families: Vec<Family>,
    margin_wallets: Vec<MarginWallet>,
    positions: Vec<Position>,
    orders: Orders,
    closed: ClosedOrders,
    next_execution: u64,
    sampled: i64,
    _timers: Vec<(Timestamp, (u8, u32))>,
    liquidations: Vec<((u8, u32, u32), Ladder)>,
    pool: BTreeMap<Currency, Money>,
    deposited: BTreeMap<Currency, Money>,
}

#[derive(Deserialize)]
struct Market {
    instrument: Instrument,
    trading: MarketState,
    book: Book,
    judged: [Option<FinePrice>; 3],
    last: Option<i64>,
    mark: Option<FinePrice>,
    _mark_value: Fine,
    _maintenance_per_lot: Fine,
    _cover_per_lot: Fine,
    _first_level_lots: i64,
    mark_pinned: bool,
    _holders: Vec<u32>,
    _open_interest: i64,
    fees: Money,
    dust: Fine,
    premiums: VecDeque<i128>,
    good_premium: Option<(i128, Timestamp)>,
    bounds: (i64, i64),
    dislocation: Option<Dislocation>,
}

#[derive(Deserialize)]
struct Instrument {
    spec: Spec,
    _pair: PairId,
    _unit: i128,
    _money_unit: u64,
    _margin_unit: u64,
    _first_level: i128,
    _first_margin: Fine,
}

#[derive(Deserialize)]
struct Book {
    levels: Vec<Level>,
    _free: Vec<u32>,
}

#[derive(Deserialize)]
struct Level {
    price: i64,
    _qty: i64,
    head: u32,
    _tail: u32,
}

#[derive(Deserialize)]
struct Account {
    _closed: u32,
    family: u32,
    _oldest_closed: u64,
    flex: u32,
    house: bool,
    active: bool,
    trading: bool,
    parent: Option<u32>,
    positions: Vec<(u16, u32)>,
    cash: Vec<(Currency, Money)>,
    flex_other: Vec<(Currency, Money)>,
    inverse: Vec<u32>,
    cancel_all_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Family {
    _volume: Money,
    _next_tier: Money,
    today: Money,
    _house: bool,
    self_trade: SelfTradeStrategy,
    day: i64,
    days: Vec<Money>,
    _members: Vec<u32>,
}

#[derive(Deserialize)]
struct MarginWallet {
    balance: Money,
    _unrealized: Fine,
    _held: Fine,
    _currency: Currency,
    wallet: Wallet,
    _tier: u8,
    _watched: bool,
}

#[derive(Deserialize)]
struct Position {
    _account: u32,
    _family: u32,
    _purse: u32,
    instrument: u16,
    _house: bool,
    size: i64,
    entry: Fine,
    _held: Fine,
    _sums: [(i64, Fine); 2],
    _orders: Vec<u32>,
    triggers: Vec<u32>,
    _counts: [u32; 3],
    leverage: Option<Leverage>,
    _holder_place: u32,
}

#[derive(Deserialize)]
struct Orders {
    orders: Vec<Order>,
    records: Vec<Record>,
    _free: Vec<u32>,
    next_number: u64,
    numbers: Vec<(u32, Vec<u32>)>,
    table_seed: u64,
    attached: BTreeMap<u32, Arc<Attached>>,
}

#[derive(Deserialize)]
struct Order {
    id: OrderId,
    price: i64,
    qty: i64,
    filled: i64,
    updated_at: Timestamp,
    _prev: u32,
    next: u32,
    _level: u32,
    position: u32,
    side: Side,
    order_type: OrderType,
    status: OrderStatus,
    reduce_only: bool,
    flags: u8,
    reason: Option<UpdateReason>,
    error: Option<OrderError>,
}

#[derive(Deserialize)]
struct Record {
    account: AccountId,
    _own_place: u32,
    placed_at: Timestamp,
    client_order_id: Option<Arc<str>>,
}

#[derive(Deserialize)]
struct ClosedOrders {
    queue: VecDeque<Closed>,
    _first: u64,
    _dead: u64,
}

#[derive(Deserialize)]
struct Closed {
    at: Timestamp,
    order: OrderId,
    slot: u32,
    _account: u32,
    _marks: u8,
}

/// Bits of an order's marks.
const SMALL: u8 = 1;
const RESERVED: u8 = 8;
/// Numbers on one page of the table from numbers to slots.
const PAGE: u64 = 1024;

/// Reads a state of version 4, which ended before the numbers and what is waiting to be done, as today's list.
///
/// # Errors
/// [`CodecError`] when the bytes are none.
pub(super) fn read_unnumbered(bytes: &[u8]) -> Result<State, CodecError> {
    let rest = (Numbers::default(), StoredWork::default());
    read_shorter(UNNUMBERED_STATE_VERSION, bytes, &rest)
}

/// Reads a state of version 7, which ended before rankings of who is unwound, as today's list.
///
/// # Errors
/// [`CodecError`] when the bytes are none.
pub(super) fn read_unranked(bytes: &[u8]) -> Result<State, CodecError> {
    read_before(UNRANKED_STATE_VERSION, bytes, &StoredRanking::default())
}

/// Reads a state of version 6, which ended before collateral, ladders and settlement, as today's list.
///
/// # Errors
/// [`CodecError`] when the bytes are none.
pub(super) fn read_unsettled(bytes: &[u8]) -> Result<State, CodecError> {
    read_before(UNSETTLED_STATE_VERSION, bytes, &Rest::default())
}

/// Reads a list that ended before `rest`.
fn read_before(version: u8, bytes: &[u8], rest: &impl Serialize) -> Result<State, CodecError> {
    let list = postcard::to_extend(rest, bytes.to_vec()).expect("writing into memory cannot fail");
    read("state", version, &list)
}

/// Reads a state of version 5, which ended before pasts and funding, as today's list.
///
/// # Errors
/// [`CodecError`] when the bytes are none.
pub(super) fn read_unfunded(bytes: &[u8]) -> Result<State, CodecError> {
    read_shorter(UNFUNDED_STATE_VERSION, bytes, &())
}

/// Reads a list that ended before `rest`, and before pasts and funding and all behind them.
fn read_shorter(version: u8, bytes: &[u8], rest: &impl Serialize) -> Result<State, CodecError> {
    let rest = (rest, Pasts::default(), StoredFunding::default(), Rest::default());
    let list = postcard::to_extend(&rest, bytes.to_vec()).expect("writing into memory cannot fail");
    let list: State<Spec> = read("state", version, &list)?;
    // By name, so that nothing is left out.
    let State {
        now,
        born,
        table_seed,
        next_order,
        next_execution,
        sampled,
        limits,
        particular_limits,
        pairs,
        contracts,
        accounts,
        resting,
        waiting,
        closed,
        liquidations,
        pool,
        deposited,
        numbers,
        work,
        pasts,
        funding,
        rest,
    } = list;
    let contracts = contracts.into_iter().map(|Contract { spec, prices, fees, dust }| Contract {
        spec: spec.into(),
        prices,
        fees,
        dust,
    });
    Ok(State {
        now,
        born,
        table_seed,
        next_order,
        next_execution,
        sampled,
        limits,
        particular_limits,
        pairs,
        contracts: contracts.collect(),
        accounts,
        resting,
        waiting,
        closed,
        liquidations,
        pool,
        deposited,
        numbers,
        work,
        pasts,
        funding,
        rest,
    })
}

/// Reads a command of version 2: only those that list contracts were other ones.
///
/// # Errors
/// [`CodecError`] when the bytes are none.
pub(super) fn read_command(bytes: &[u8]) -> Result<Command, CodecError> {
    match bytes.get(1) {
        Some(&GENESIS) => {
            let (_, genesis) = read::<(u8, LegacyGenesis)>("command", LEGACY_COMMAND_VERSION, bytes)?;
            let LegacyGenesis { table_seed, instruments, indexes, limits } = genesis;
            let instruments = instruments.into_iter().map(InstrumentSpec::from).collect();
            let pasts = Vec::new();
            Ok(Command::Genesis(Box::new(Genesis { table_seed, instruments, indexes, limits, pasts })))
        }
        Some(&LIST) => {
            let (_, spec) = read::<(u8, Spec)>("command", LEGACY_COMMAND_VERSION, bytes)?;
            Ok(Command::List(Box::new(spec.into())))
        }
        _ => read("command", LEGACY_COMMAND_VERSION, bytes),
    }
}

/// Codes of the commands that list contracts.
const GENESIS: u8 = 0;
const LIST: u8 = 5;

#[derive(Deserialize)]
struct LegacyGenesis {
    table_seed: u64,
    instruments: Vec<Spec>,
    indexes: Vec<(String, FinePrice)>,
    limits: Limits,
}

/// A contract before it had a least funding rate.
#[derive(Deserialize)]
struct Spec {
    symbol: String,
    kind: ContractKind,
    pair: String,
    base: Currency,
    quote: Currency,
    tick_mantissa: u32,
    tick_scale: u8,
    lot_precision: i8,
    max_position: Qty,
    impact_mid_size: Qty,
    margin_levels: Vec<MarginLevel>,
    opening: Timestamp,
    expiry: Option<Timestamp>,
    funding_rate_coefficient: u32,
    max_relative_funding_rate: u32,
}

impl From<Spec> for InstrumentSpec {
    fn from(spec: Spec) -> Self {
        Self {
            symbol: spec.symbol,
            kind: spec.kind,
            pair: spec.pair,
            base: spec.base,
            quote: spec.quote,
            tick_mantissa: spec.tick_mantissa,
            tick_scale: spec.tick_scale,
            lot_precision: spec.lot_precision,
            max_position: spec.max_position,
            impact_mid_size: spec.impact_mid_size,
            margin_levels: spec.margin_levels,
            opening: spec.opening,
            expiry: spec.expiry,
            funding_rate_coefficient: spec.funding_rate_coefficient,
            max_relative_funding_rate: spec.max_relative_funding_rate,
            min_relative_funding_rate: None,
        }
    }
}

/// Reads a state of version 3 as today's list.
///
/// # Errors
/// [`CodecError`] when the bytes are none.
pub(super) fn read_state(bytes: &[u8]) -> Result<State, CodecError> {
    let memory: Memory = read("state", LEGACY_STATE_VERSION, bytes)?;
    memory.into_state().ok_or_else(|| CodecError::Damaged {
        what: "state",
        problem: "a slot of it points at nothing".to_owned(),
    })
}

impl Memory {
    /// `None` when a slot points at nothing.
    fn into_state(self) -> Option<State> {
        let owners = self.accounts.iter().map(|account| self.owner(account)).collect::<Option<_>>()?;
        let mut resting = Vec::new();
        for market in &self.markets {
            self.queue(&market.book, &mut resting)?;
        }
        let mut waiting = Vec::new();
        for slot in self.positions.iter().flat_map(|position| &position.triggers) {
            waiting.push(self.order(*slot)?);
        }
        waiting.sort_unstable_by_key(|order| order.id);
        let mut closed = Vec::new();
        for Closed { at, order, slot, .. } in &self.closed.queue {
            // Those that an account had too many of are forgotten, and their slots may be another's.
            if self.orders.find(*order) == Some(*slot) {
                closed.push(ClosedOrder { at: *at, order: self.order(*slot)? });
            }
        }
        let mut liquidations = Vec::new();
        for ((kind, account, of), ladder) in &self.liquidations {
            let of = match kind {
                0 => LiquidationOf::Wallet(self.margin_wallets.get(*of as usize)?.wallet),
                1 => LiquidationOf::StoredPosition(InstrumentId(u16::try_from(*of).ok()?)),
                _ => return None,
            };
            liquidations.push(Liquidation { account: AccountId(*account), of, ladder: *ladder });
        }
        Some(State {
            now: self.now,
            born: self.born,
            table_seed: self.orders.table_seed,
            next_order: self.orders.next_number,
            next_execution: self.next_execution,
            sampled: self.sampled,
            limits: self.limits,
            particular_limits: self
                .particular_limits
                .into_iter()
                .map(|((account, instrument), change)| ParticularLimits { account, instrument, change })
                .collect(),
            pairs: self.pairs,
            contracts: self.markets.into_iter().map(Market::contract).collect(),
            accounts: owners,
            resting,
            waiting,
            closed,
            liquidations,
            pool: self.pool.into_iter().collect(),
            deposited: self.deposited.into_iter().collect(),
            work: StoredWork::default(),
            numbers: Numbers::default(),
            pasts: Pasts::default(),
            funding: StoredFunding::default(),
            rest: Rest::default(),
        })
    }

    fn owner(&self, account: &Account) -> Option<Owner> {
        let mut opened: Vec<u32> =
            account.inverse.iter().copied().filter(|margin_wallet| *margin_wallet != NIL).collect();
        opened.push(account.flex);
        opened.sort_unstable();
        let wallet = |slot: u32| {
            self.margin_wallets
                .get(slot as usize)
                .map(|margin_wallet| (margin_wallet.wallet, margin_wallet.balance))
        };
        let size = |(instrument, slot): &(u16, u32)| {
            let Position { size, entry, leverage, .. } = *self.positions.get(*slot as usize)?;
            Some(StoredPosition { instrument: InstrumentId(*instrument), lots: size, entry, leverage })
        };
        let Family { today, self_trade, day, days, .. } = self.families.get(account.family as usize)?;
        let terms = || FamilyTerms {
            self_trade: *self_trade,
            days: FamilyDays { day: *day, today: *today, before: days.clone() },
        };
        Some(Owner {
            parent: account.parent.map(AccountId),
            house: account.house,
            active: account.active,
            trading: account.trading,
            cancel_all_at: account.cancel_all_at,
            family: account.parent.is_none().then(terms),
            cash: account.cash.clone(),
            flex_other: account.flex_other.clone(),
            wallets: opened.into_iter().map(wallet).collect::<Option<_>>()?,
            positions: account.positions.iter().map(size).collect::<Option<_>>()?,
        })
    }

    /// A contract's resting orders by side, price and time.
    fn queue(&self, book: &Book, to: &mut Vec<StoredOrder>) -> Option<()> {
        let mut levels = Vec::new();
        // A level that is gone has no first order.
        for level in book.levels.iter().filter(|level| level.head != NIL) {
            let side = self.orders.orders.get(level.head as usize)?.side;
            levels.push((side, -side.sign() * level.price, level.head));
        }
        levels.sort_unstable();
        for (_, _, head) in levels {
            let mut slot = head;
            while slot != NIL {
                to.push(self.order(slot)?);
                // A queue that went round would have more orders than there are.
                if to.len() > self.orders.orders.len() {
                    return None;
                }
                slot = self.orders.orders.get(slot as usize)?.next;
            }
        }
        Some(())
    }

    fn order(&self, slot: u32) -> Option<StoredOrder> {
        let order = self.orders.orders.get(slot as usize)?;
        let record = self.orders.records.get(slot as usize)?;
        Some(StoredOrder {
            id: order.id,
            account: record.account,
            instrument: InstrumentId(self.positions.get(order.position as usize)?.instrument),
            side: order.side,
            order_type: order.order_type,
            status: order.status,
            reason: order.reason,
            error: order.error,
            price: order.price,
            qty: order.qty,
            filled: order.filled,
            reduce_only: order.reduce_only,
            small: order.flags & SMALL != 0,
            reserved: order.flags & RESERVED != 0,
            placed_at: record.placed_at,
            updated_at: order.updated_at,
            client_order_id: record.client_order_id.clone(),
            attached: self.orders.attached.get(&slot).cloned(),
        })
    }
}

impl Orders {
    fn find(&self, id: OrderId) -> Option<u32> {
        let (_, slots) = self.numbers.get(usize::try_from(id.0 / PAGE).ok()?)?;
        slots.get((id.0 % PAGE) as usize).copied()
    }
}

impl Market {
    fn contract(self) -> Contract {
        let prices = MarketPrices {
            trading: self.trading,
            judged: self.judged,
            last: self.last,
            mark: self.mark,
            mark_pinned: self.mark_pinned,
            premiums: self.premiums,
            good_premium: self.good_premium,
            bounds: self.bounds,
            dislocation: self.dislocation,
        };
        Contract { spec: self.instrument.spec.into(), prices, fees: self.fees, dust: self.dust }
    }
}

#[cfg(test)]
mod tests;
