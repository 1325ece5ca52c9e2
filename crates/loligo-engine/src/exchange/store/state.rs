//! The stored state: a plain list of what the exchange knows, in an order of its own. No slot, no link, no index and no
//! sum is in it, so memory may be laid out anew without a new form; what follows from the list is made again when it is
//! read.
//!
//! Lists are in the order that the rules give them: accounts, pairs and contracts by number, wallets of an account as they
//! were opened, resting orders by contract, side, price and time, triggers by number, closed orders as they closed.

mod reading;

use crate::account::{Account, Family, FamilyDays, MarginWallet, Position};
use crate::assignment::{ProgramChange, Provider};
use crate::command::{Limits, LimitsChange};
use crate::exchange::liquidation::Ladder;
use crate::exchange::work::{Clearing, Looking, Work};
use crate::exchange::{Exchange, Exchanged, Portfolio, Unwinding};
use crate::funding::Funding;
use crate::id::{AccountId, Currency, InstrumentId, OrderId, Price, ProgramId, Side, Timestamp, Wallet};
use crate::instrument::{InstrumentSpec, Leverage};
use crate::market::{MarketPrices, Pair};
use crate::money::{Fine, FinePrice, Money};
use crate::order::{Order, Record};
use crate::past::PastTrade;
use crate::settlement::Ending;
use crate::slot::{FamilySlot, OrderSlot, PositionSlot, Table, WalletSlot};
use crate::trigger::Attached;
use crate::words::{OrderError, OrderStatus, OrderType, SelfTradeStrategy, UpdateReason};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything the exchange knows. Specs of earlier forms are another type.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State<Spec = InstrumentSpec> {
    pub now: Timestamp,
    pub born: bool,
    pub table_seed: u64,
    pub next_order: u64,
    pub next_execution: u64,
    pub sampled: i64,
    pub limits: Limits,
    pub particular_limits: Vec<ParticularLimits>,
    pub pairs: Vec<Pair>,
    pub contracts: Vec<Contract<Spec>>,
    pub accounts: Vec<Owner>,
    pub resting: Vec<StoredOrder>,
    pub waiting: Vec<StoredOrder>,
    pub closed: Vec<ClosedOrder>,
    pub liquidations: Vec<Liquidation>,
    pub pool: Vec<(Currency, Money)>,
    pub deposited: Vec<(Currency, Money)>,
    pub numbers: Numbers,
    pub work: StoredWork,
    pub pasts: Pasts,
    pub funding: StoredFunding,
    pub rest: Rest,
}

/// What states have since collateral counts in many currencies, ladders go to their end and contracts settle: lists that stand
/// last, each by itself. Earlier forms end before them, and are of an exchange that had nothing of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Rest {
    pub collateral: StoredCollateral,
    pub ladder: StoredLadder,
    pub settlement: StoredSettlement,
    pub looking: StoredLooking,
    pub ranking: StoredRanking,
}

impl Rest {
    pub fn of(exchange: &Exchange) -> Self {
        Self {
            collateral: StoredCollateral::of(exchange),
            ladder: StoredLadder::of(exchange),
            settlement: StoredSettlement::of(exchange),
            looking: StoredLooking::of(exchange),
            ranking: StoredRanking::of(exchange),
        }
    }
}

/// Collateral in many currencies.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredCollateral {
    /// The price at which collateral is valued, of each pair. Earlier forms have none.
    pub valued: Vec<Option<FinePrice>>,
    /// What gains are paid in where that is not USD.
    pub gains_in: Vec<(AccountId, InstrumentId, Currency)>,
    pub exchanged: Vec<(Currency, Exchanged)>,
    pub interest: u32,
    /// The account to be charged next of those that are still to be.
    pub charged_next: Option<AccountId>,
}

impl StoredCollateral {
    fn of(exchange: &Exchange) -> Self {
        let held = exchange.accounts.iter().flat_map(|account| &account.positions);
        let gains_in = held.filter_map(|(id, slot)| {
            let position = &exchange.positions[*slot];
            position.gains_in.map(|currency| (position.account, *id, currency.currency()))
        });
        Self {
            valued: exchange.pairs.iter().map(|pair| pair.valued).collect(),
            gains_in: gains_in.collect(),
            exchanged: exchange.exchanged.iter().map(|(currency, sums)| (*currency, *sums)).collect(),
            interest: exchange.interest,
            charged_next: exchange.work.interest,
        }
    }
}

/// The ladder beyond what trades on the market.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredLadder {
    /// The greatest number of an assignment program that was given out.
    pub last_program: ProgramId,
    /// By number.
    pub providers: Vec<Provider>,
    /// By account, of each the oldest first.
    pub changes: Vec<ProgramChange>,
    /// Positions that are being unwound: of whom, and of which portfolio; and at which price.
    pub unwinding: Vec<(AccountId, LiquidationOf, InstrumentId, Price)>,
}

impl StoredLadder {
    fn of(exchange: &Exchange) -> Self {
        let programs = &exchange.programs;
        Self {
            last_program: programs.last,
            providers: programs.all().to_vec(),
            changes: programs.changes().cloned().collect(),
            unwinding: unwinding_of(exchange)
                .map(|(portfolio, at)| {
                    let (account, of) = LiquidationOf::of(*portfolio, exchange);
                    (account, of, at.instrument, at.price)
                })
                .collect(),
        }
    }
}

/// What is being unwound. What is flat by now, or no longer liquidated, is dropped when its turn comes.
fn unwinding_of(exchange: &Exchange) -> impl Iterator<Item = (&Portfolio, &Unwinding)> {
    exchange.unwinding.iter().filter(|(portfolio, at)| {
        let (Portfolio::Cross { account, .. } | Portfolio::Isolated { account, .. }) = **portfolio;
        let held = exchange.markets[at.instrument].position_of(account);
        held.is_some_and(|slot| exchange.positions[slot].size != 0)
            && exchange.liquidations.contains_key(portfolio)
    })
}

/// How far the ranking of those has come against whom positions are unwound: of each of them, in their order, the account with which it
/// goes on, and the first in turn of those who are ranked. Earlier forms have none, and begin anew.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredRanking(pub Vec<(Option<AccountId>, Vec<AccountId>)>);

impl StoredRanking {
    pub fn of(exchange: &Exchange) -> Self {
        Self(unwinding_of(exchange).map(|(_, at)| (at.ranked, at.first.clone())).collect())
    }
}

/// Settlement of contracts that end. Of an earlier form nothing of it is known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredSettlement {
    /// Over how many seconds marks are smoothed, where the operator has set it.
    pub smoothing: Option<u8>,
    /// Of each contract.
    pub contracts: Vec<Ending>,
    /// Contracts whose positions are being closed, each with the account that is next.
    pub settling: Vec<(InstrumentId, AccountId)>,
}

impl StoredSettlement {
    fn of(exchange: &Exchange) -> Self {
        Self {
            smoothing: exchange.smoothing,
            contracts: exchange.markets.iter().map(|market| market.ending.clone()).collect(),
            settling: exchange.work.settling.iter().copied().collect(),
        }
    }
}

/// Contracts whose marks have moved while those who hold them are still to be looked over: the account that is next stands with
/// the other work. Earlier forms looked over all accounts, whatever had moved.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredLooking {
    pub moved: Vec<InstrumentId>,
    /// An index has moved at which collateral counts.
    pub collateral: bool,
}

impl StoredLooking {
    fn of(exchange: &Exchange) -> Self {
        let looking = exchange.work.looking.as_ref();
        looking.map_or_else(Self::default, |Looking { moved, collateral, .. }| Self {
            moved: moved.clone(),
            collateral: *collateral,
        })
    }
}

/// The last made-up trade of each contract that has a past. Stands by itself behind all that earlier forms had: they are of
/// venues without a past.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Pasts(pub Vec<(InstrumentId, PastTrade)>);

impl Pasts {
    fn of(exchange: &Exchange) -> Self {
        let contracts = exchange.markets.entries();
        Self(contracts.filter_map(|(id, market)| Some((id, market.before?))).collect())
    }
}

/// What clients see counted, and since when. Stands last and by itself: earlier forms end before it, and read as one in which
/// nothing was counted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Numbers {
    /// Fills, and rows of the log, of each account.
    pub accounts: Vec<(u64, u64)>,
    /// Changes of price levels, and trades, of each contract.
    pub contracts: Vec<(u64, u64)>,
    /// When each position was opened, where that was noted.
    pub opened: Vec<(AccountId, InstrumentId, Timestamp)>,
}

impl Numbers {
    fn of(exchange: &Exchange) -> Self {
        let Exchange { accounts, markets, positions, .. } = exchange;
        let opened =
            accounts.iter().flat_map(|account| &account.positions).filter_map(|(instrument, slot)| {
                let position = &positions[*slot];
                position.opened_at.map(|at| (position.account, *instrument, at))
            });
        Self {
            accounts: accounts.iter().map(|account| (account.fills, account.log)).collect(),
            contracts: markets.iter().map(|market| (market.levels, market.trades)).collect(),
            opened: opened.collect(),
        }
    }
}

/// What has to be done before time may pass, but for what has gone meanwhile. Stands last and by itself: earlier forms end
/// before it, and are of an exchange that had nothing to do.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredWork {
    pub stirred: bool,
    pub clearing: Vec<StoredClearing>,
    pub look_from: Option<AccountId>,
    pub stepping: Vec<(AccountId, LiquidationOf)>,
    pub margin_checks: Vec<(AccountId, Wallet)>,
    pub due: Vec<OrderId>,
}

/// Funding. Stands last and by itself: earlier forms end before it, and are of an exchange in which none was paid.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StoredFunding {
    /// The hour at whose beginning it was last booked; of an earlier form the one that the exchange is in.
    pub hour: Option<i64>,
    /// Of each contract.
    pub contracts: Vec<Option<Funding>>,
    /// Of each position that accrues: since when, and up to when its wallet counts that.
    pub positions: Vec<(AccountId, InstrumentId, Timestamp, Timestamp)>,
    /// The position to be booked next of those that are still to be booked.
    pub next: Option<(InstrumentId, AccountId)>,
}

impl StoredFunding {
    fn of(exchange: &Exchange) -> Self {
        let Exchange { markets, positions, funded, .. } = exchange;
        let held = exchange.accounts.iter().flat_map(|account| &account.positions);
        let accruing = held.filter(|(id, slot)| positions[*slot].size != 0 && markets[*id].accrues());
        let accruing = accruing.map(|(id, slot)| {
            let Position { account, funded_at, counted_at, .. } = positions[*slot];
            (account, *id, funded_at, counted_at)
        });
        Self {
            hour: Some(*funded),
            contracts: markets.iter().map(|market| market.funding.clone()).collect(),
            positions: accruing.collect(),
            next: exchange.work.funding,
        }
    }
}

/// A contract whose orders all go, and those that are left.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredClearing {
    pub instrument: InstrumentId,
    pub resting: UpdateReason,
    pub waiting: UpdateReason,
    pub orders: Vec<OrderId>,
}

impl StoredWork {
    fn of(exchange: &Exchange) -> Self {
        let Work { busy: _, clearing, looking, stepping, margin_checks, due, .. } = &exchange.work;
        let clearing = clearing.iter().filter_map(|Clearing { instrument, resting, waiting, orders }| {
            let open = orders.iter().copied().filter(|order| exchange.find_open(*order).is_some());
            let orders: Vec<OrderId> = open.collect();
            let left =
                StoredClearing { instrument: *instrument, resting: *resting, waiting: *waiting, orders };
            (!left.orders.is_empty()).then_some(left)
        });
        let stepping = stepping.iter().filter(|portfolio| exchange.has_step_to_take(**portfolio));
        let margin_checks = margin_checks
            .iter()
            .filter(|(account, margin_wallet)| exchange.needs_judging(*account, *margin_wallet));
        let due = due.iter().filter(|due| exchange.is_still_due(due));
        Self {
            stirred: exchange.stirred,
            clearing: clearing.collect(),
            look_from: looking.as_ref().map(|looking| looking.from),
            stepping: stepping.map(|portfolio| LiquidationOf::of(*portfolio, exchange)).collect(),
            margin_checks: margin_checks
                .map(|(account, margin_wallet)| (*account, exchange.margin_wallets[*margin_wallet].wallet))
                .collect(),
            due: due.map(|due| due.order).collect(),
        }
    }
}

/// Limits of one account, one contract, or both.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ParticularLimits {
    pub account: Option<AccountId>,
    pub instrument: Option<InstrumentId>,
    pub change: LimitsChange,
}

/// A listed contract. Its pair is the one that its spec names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Contract<Spec = InstrumentSpec> {
    pub spec: Spec,
    pub prices: MarketPrices,
    pub fees: Money,
    pub dust: Fine,
}

/// An account with all that is its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Owner {
    pub parent: Option<AccountId>,
    pub house: bool,
    pub active: bool,
    pub trading: bool,
    pub cancel_all_at: Option<Timestamp>,
    /// What a master settles for its family; absent on a subaccount.
    pub family: Option<FamilyTerms>,
    pub cash: Vec<(Currency, Money)>,
    /// Collateral of the flex wallet besides its settlement currency.
    pub flex_other: Vec<(Currency, Money)>,
    pub wallets: Vec<(Wallet, Money)>,
    pub positions: Vec<StoredPosition>,
}

/// A family's choice and its fee volume.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FamilyTerms {
    pub self_trade: SelfTradeStrategy,
    pub days: FamilyDays,
}

/// What an account has, or had, in a contract.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredPosition {
    pub instrument: InstrumentId,
    pub lots: i64,
    pub entry: Fine,
    pub leverage: Option<Leverage>,
}

/// An order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredOrder {
    pub id: OrderId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    pub order_type: OrderType,
    pub status: OrderStatus,
    pub reason: Option<UpdateReason>,
    pub error: Option<OrderError>,
    pub price: i64,
    pub qty: i64,
    pub filled: i64,
    pub reduce_only: bool,
    /// It counts as a small order while it is open: settled when it was placed or edited.
    pub small: bool,
    /// Its name is reserved for it.
    pub reserved: bool,
    pub placed_at: Timestamp,
    pub updated_at: Timestamp,
    pub client_order_id: Option<Arc<str>>,
    pub attached: Option<Arc<Attached>>,
}

/// An order that closed lately, and when.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClosedOrder {
    pub at: Timestamp,
    pub order: StoredOrder,
}

/// A portfolio on the liquidation ladder: all cross positions of a wallet, or one isolated position.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Liquidation {
    pub account: AccountId,
    pub of: LiquidationOf,
    pub ladder: Ladder,
}

/// What of an account is liquidated.
#[derive(Debug)]
pub(super) enum LiquidationOf {
    Wallet(Wallet),
    StoredPosition(InstrumentId),
}

crate::stored_codes! {
    LiquidationOf { Wallet(wallet) = 0, StoredPosition(instrument) = 1 }
}

impl LiquidationOf {
    fn of(portfolio: Portfolio, exchange: &Exchange) -> (AccountId, Self) {
        match portfolio {
            Portfolio::Cross { account, margin_wallet } => {
                (account, Self::Wallet(exchange.margin_wallets[margin_wallet].wallet))
            }
            Portfolio::Isolated { account, instrument } => (account, Self::StoredPosition(instrument)),
        }
    }
}

impl State {
    /// What an exchange knows, between two commands.
    pub fn of(exchange: &Exchange) -> Self {
        // By name, so that what is added to the exchange is thought of here.
        let Exchange {
            now,
            born,
            limits,
            particular_limits,
            pairs,
            markets,
            accounts,
            families,
            margin_wallets,
            positions,
            orders,
            closed,
            next_execution,
            sampled,
            timers: _,
            work: _,
            stirred: _,
            liquidations,
            unwinding: _,
            programs: _,
            pool,
            deposited,
            funded: _,
            accrues: _,
            collateral_pairs: _,
            collateral_holders: _,
            exchanged: _,
            interest: _,
            smoothing: _,
            underlyings: _,
        } = exchange;
        let stored = |slot: OrderSlot| StoredOrder::of(exchange, slot);
        let resting = markets.iter().flat_map(|market| {
            [Side::Buy, Side::Sell].into_iter().flat_map(|side| market.book.queued(side, orders))
        });
        let mut waiting: Vec<OrderSlot> =
            positions.iter().flat_map(|position| position.triggers.iter().copied()).collect();
        waiting.sort_unstable_by_key(|slot| orders.get(*slot).id);
        let remembered = closed.queue.iter().filter(|closed| orders.find(closed.order) == Some(closed.slot));
        Self {
            now: *now,
            born: *born,
            table_seed: orders.table_seed(),
            next_order: orders.next_id().0,
            next_execution: *next_execution,
            sampled: *sampled,
            limits: limits.clone(),
            particular_limits: particular_limits
                .iter()
                .map(|(&(account, instrument), change)| ParticularLimits {
                    account,
                    instrument,
                    change: change.clone(),
                })
                .collect(),
            pairs: pairs.iter().cloned().collect(),
            contracts: markets
                .iter()
                .map(|market| Contract {
                    spec: market.instrument.spec().clone(),
                    prices: market.prices(),
                    fees: market.fees,
                    dust: market.dust,
                })
                .collect(),
            accounts: accounts
                .iter()
                .map(|account| Owner::of(account, families, margin_wallets, positions))
                .collect(),
            resting: resting.map(stored).collect(),
            waiting: waiting.into_iter().map(stored).collect(),
            closed: remembered
                .map(|closed| ClosedOrder { at: closed.at, order: stored(closed.slot) })
                .collect(),
            liquidations: liquidations
                .iter()
                .map(|(portfolio, ladder)| {
                    let (account, of) = LiquidationOf::of(*portfolio, exchange);
                    Liquidation { account, of, ladder: *ladder }
                })
                .collect(),
            pool: pool.iter().map(|(currency, money)| (*currency, *money)).collect(),
            deposited: deposited.iter().map(|(currency, money)| (*currency, *money)).collect(),
            numbers: Numbers::of(exchange),
            work: StoredWork::of(exchange),
            pasts: Pasts::of(exchange),
            funding: StoredFunding::of(exchange),
            rest: Rest::of(exchange),
        }
    }
}

impl Owner {
    fn of(
        account: &Account,
        families: &Table<FamilySlot, Family>,
        margin_wallets: &Table<WalletSlot, MarginWallet>,
        positions: &Table<PositionSlot, Position>,
    ) -> Self {
        let Account {
            closed: _,
            family,
            oldest_closed: _,
            fills: _,
            log: _,
            flex,
            house,
            active,
            trading,
            parent,
            positions: own,
            cash,
            flex_other,
            collateral: _,
            inverse,
            cancel_all_at,
        } = account;
        let inverse = inverse.iter().filter_map(|wallet| wallet.get());
        let mut opened: Vec<WalletSlot> = inverse.chain([*flex]).collect();
        opened.sort_unstable();
        let family = &families[*family];
        Self {
            parent: *parent,
            house: *house,
            active: *active,
            trading: *trading,
            cancel_all_at: *cancel_all_at,
            family: parent
                .is_none()
                .then(|| FamilyTerms { self_trade: family.self_trade, days: family.days() }),
            cash: cash.clone(),
            flex_other: flex_other.clone(),
            wallets: opened
                .into_iter()
                .map(|slot| (margin_wallets[slot].wallet, margin_wallets[slot].balance))
                .collect(),
            positions: own
                .iter()
                .map(|(instrument, slot)| {
                    let position = &positions[*slot];
                    StoredPosition {
                        instrument: *instrument,
                        lots: position.size,
                        entry: position.entry,
                        leverage: position.leverage,
                    }
                })
                .collect(),
        }
    }
}

impl StoredOrder {
    fn of(exchange: &Exchange, slot: OrderSlot) -> Self {
        let orders = &exchange.orders;
        let Order {
            id,
            price,
            qty,
            filled,
            updated_at,
            prev: _,
            next: _,
            level: _,
            position,
            side,
            order_type,
            status,
            reduce_only,
            flags,
            reason,
            error,
        } = *orders.get(slot);
        let Record { account, own_place: _, placed_at, ref client_order_id } = *orders.record(slot);
        Self {
            id,
            account,
            instrument: exchange.positions[position].instrument,
            side,
            order_type,
            status,
            reason,
            error,
            price,
            qty,
            filled,
            reduce_only,
            small: flags.small(),
            reserved: flags.reserved(),
            placed_at,
            updated_at,
            client_order_id: client_order_id.clone(),
            attached: orders.attached(slot).cloned(),
        }
    }
}
