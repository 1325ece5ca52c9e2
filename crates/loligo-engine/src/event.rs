//! What happened, in order, with enough in it to rebuild any public view.
//!
//! Whoever follows events needs nothing else: what happened carries when it happened, which numbers it has, and what it left
//! behind. `docs/events.md` says which field of which answer comes from where.

use crate::assignment::ProgramChange;
use crate::command::{OrderRef, Written};
use crate::funding::FundingRate;
use crate::id::{
    AccountId, Currency, ExecutionId, InstrumentId, OrderId, PairId, Price, Qty, Side, Timestamp, Wallet,
};
use crate::instrument::{InstrumentSpec, Leverage};
use crate::money::{Fine, FinePrice, Money};
use crate::past::MarketPast;
use crate::trigger::{Attached, Trigger};
use crate::words::{BalanceCause, FillRole, MarketState, OrderError, OrderStatus, OrderType, UpdateReason};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An order as it is at one moment; what every view of orders is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// The exchange's number for it.
    pub id: OrderId,
    /// Whose.
    pub account: AccountId,
    /// In which contract.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How it trades; of a trigger, what it becomes.
    pub order_type: OrderType,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// Why it last changed; absent for refusals without a word of their own.
    pub reason: Option<UpdateReason>,
    /// The check that killed it, or that refused the last edit or cancel aimed at it.
    pub error: Option<OrderError>,
    /// Its limit (the implied one of a market order); absent when what was sent is no price on the tick.
    pub limit_price: Option<Price>,
    /// Total size; absent when what was sent is no quantity on the lot.
    pub qty: Option<Qty>,
    /// Filled so far.
    pub filled: Qty,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// The client's own name for it.
    pub client_order_id: Option<Arc<str>>,
    /// What few orders have: a trigger, a client's mark.
    pub attached: Option<Arc<Attached>>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl OrderView {
    /// The trigger that made it, or that it still is.
    pub fn trigger(&self) -> Option<&Trigger> {
        self.attached.as_deref().and_then(|attached| attached.trigger.as_ref())
    }

    /// What is still open: total size less fills.
    pub fn open_qty(&self) -> Qty {
        Qty(self.qty.map_or(0, |q| q.0) - self.filled.0)
    }
}

/// An order before and after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChange {
    /// Before.
    pub prior: OrderView,
    /// After.
    pub order: OrderView,
}

/// One order's side of an execution, and what it left of its account's position and wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// How many fills the account had before, plus one.
    pub number: u64,
    /// The number of its first row in the account's log. It has two: what it did to the position, then to the wallet.
    pub log: u64,
    /// The order.
    pub order: OrderId,
    /// Whose.
    pub account: AccountId,
    /// Its role.
    pub role: FillRole,
    /// The order's type.
    pub order_type: OrderType,
    /// The client's own name for the order.
    pub client_order_id: Option<Arc<str>>,
    /// Filled of the order before this execution.
    pub filled_before: Qty,
    /// Total size of the order.
    pub qty: Qty,
    /// Fee in the settlement currency; negative when a rebate was paid.
    pub fee: Money,
    /// What the fee was reckoned at, in 1e-8 of the value.
    pub fee_rate: i32,
    /// Realised P&L booked by this fill, before fees.
    pub realized_pnl: Money,
    /// Funding that the change of the position realised.
    pub realized_funding: Money,
    /// What it paid into the pool besides its fee; negative what the pool paid.
    pub liquidation_fee: Money,
    /// Signed lots of the position after it.
    pub position: i64,
    /// Signed entry value of the position before it, in the settlement currency.
    pub entry_before: Fine,
    /// The same after it.
    pub entry: Fine,
    /// When the position was opened that it found, or the one that it opened; absent of one that was opened under rules that
    /// did not note it.
    pub opened_at: Option<Timestamp>,
    /// Balance of the execution's wallet, in its currency, after it.
    pub balance: Money,
    /// What a gain was paid in where that is another currency than the execution's: then none of `realized_pnl` is in
    /// `balance`, and the log has a third row for it.
    pub gain: Option<Box<GainPaid>>,
}

/// A gain that was paid in a currency of the account's choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GainPaid {
    /// The currency.
    pub currency: Currency,
    /// How much of it the gain came to.
    pub amount: Money,
    /// The index price of that currency then.
    pub index: FinePrice,
    /// What the wallet has of that currency after it.
    pub balance: Money,
}

impl Fill {
    /// A fill of which nothing is booked yet.
    #[inline(always)]
    pub(crate) fn unbooked(role: FillRole) -> Self {
        Self {
            number: 0,
            log: 0,
            order: OrderId(0),
            account: AccountId(0),
            role,
            order_type: OrderType::Limit,
            client_order_id: None,
            filled_before: Qty(0),
            qty: Qty(0),
            fee: Money::ZERO,
            fee_rate: 0,
            realized_pnl: Money::ZERO,
            realized_funding: Money::ZERO,
            liquidation_fee: Money::ZERO,
            position: 0,
            entry_before: Fine::ZERO,
            entry: Fine::ZERO,
            opened_at: None,
            balance: Money::ZERO,
            gain: None,
        }
    }
}

/// One match: at the resting order's price; or, off the book, at the price where nothing is left to who was liquidated, who stands as
/// the taker then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// When.
    pub at: Timestamp,
    /// In which contract.
    pub instrument: InstrumentId,
    /// How many trades the contract had before, plus one.
    pub trade: u64,
    /// The resting order's price.
    pub price: Price,
    /// How many lots.
    pub qty: Qty,
    /// What they are worth in USD at that price.
    pub usd_value: Money,
    /// The mark price then.
    pub mark: Option<FinePrice>,
    /// The taker's side.
    pub taker_side: Side,
    /// The wallet that it touched, of either account.
    pub wallet: Wallet,
    /// The currency it settled in.
    pub currency: Currency,
    /// The order that came.
    pub taker: Fill,
    /// The order that rested.
    pub maker: Fill,
}

impl Execution {
    /// Both sides: the order's side, and its fill. The maker first.
    pub fn sides(&self) -> [(Side, &Fill); 2] {
        [(self.taker_side.opposite(), &self.maker), (self.taker_side, &self.taker)]
    }

    /// True for a trade on the market; not where two positions met without the book.
    #[must_use]
    pub fn is_on_book(&self) -> bool {
        !self.taker.role.is_off_book()
    }

    /// True when it filled the resting order to its last lot.
    pub fn completes_maker(&self) -> bool {
        self.maker.filled_before.0 + self.qty.0 == self.maker.qty.0
    }
}

/// What a position was booked for an hour that is over, and what it left of the account's wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundingBooked {
    /// Whose.
    pub account: AccountId,
    /// In which contract.
    pub instrument: InstrumentId,
    /// The number of its row in the account's log.
    pub log: u64,
    /// The rate of the hour.
    pub rate: FundingRate,
    /// What the position got, for all of the hour or since it changed in it; negative what it paid.
    pub realized: Money,
    /// Signed lots of the position.
    pub position: i64,
    /// Its signed entry value, in the settlement currency.
    pub entry: Fine,
    /// When it was opened; absent of one that was opened under rules that did not note it.
    pub opened_at: Option<Timestamp>,
    /// The mark price then.
    pub mark: Option<FinePrice>,
    /// The wallet that it touched.
    pub wallet: Wallet,
    /// The currency it settled in.
    pub currency: Currency,
    /// Balance of that wallet after it.
    pub balance: Money,
    /// When.
    pub at: Timestamp,
}

/// One side of a conversion: a row of the account's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionLeg {
    /// The currency.
    pub currency: Currency,
    /// What was taken, or given; without sign.
    pub amount: Money,
    /// What the flex wallet has of it after it.
    pub balance: Money,
    /// The number of its row in the account's log.
    pub log: u64,
}

/// Collateral of a flex wallet that was turned into USD, because what was to be paid was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// Whose.
    pub account: AccountId,
    /// What was taken, its fee included.
    pub debit: ConversionLeg,
    /// What was given for it.
    pub credit: ConversionLeg,
    /// The index price at which it was turned.
    pub rate: FinePrice,
    /// What of that the exchange kept, in millionths.
    pub spread: u32,
    /// How much it kept, in the currency that was taken.
    pub fee: Money,
    /// When.
    pub at: Timestamp,
}

/// Interest of an hour on an unrealised loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterestPaid {
    /// Whose.
    pub account: AccountId,
    /// The number of its row in the account's log.
    pub log: u64,
    /// What of the loss counted, in USD.
    pub loss: Money,
    /// What an hour costs, in 1e-8 of that.
    pub rate: u32,
    /// What was paid, in USD.
    pub amount: Money,
    /// What the flex wallet has of USD after it.
    pub balance: Money,
    /// When.
    pub at: Timestamp,
}

/// What the end of a contract did to a position: closed at the settlement price, and what that left of its account's wallet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Its number, among those of executions.
    pub execution: ExecutionId,
    /// Whose.
    pub account: AccountId,
    /// In which contract.
    pub instrument: InstrumentId,
    /// The number of its first row in the account's log. It has two: what it did to the position, then to the wallet.
    pub log: u64,
    /// The settlement price, at 11 decimals.
    pub price: FinePrice,
    /// Signed lots of the position that was closed.
    pub closed: i64,
    /// Its signed entry value, in the settlement currency.
    pub entry: Fine,
    /// When it was opened; absent of one that was opened under rules that did not note it.
    pub opened_at: Option<Timestamp>,
    /// What was paid on the settled value, in the settlement currency.
    pub fee: Money,
    /// What that was reckoned at, in 1e-8 of the value.
    pub fee_rate: i32,
    /// Realised P&L, before the fee.
    pub realized_pnl: Money,
    /// Funding that the position had accrued.
    pub realized_funding: Money,
    /// The last mark price.
    pub mark: Option<FinePrice>,
    /// The wallet that it touched.
    pub wallet: Wallet,
    /// The currency it settled in.
    pub currency: Currency,
    /// Balance of that wallet after it.
    pub balance: Money,
    /// When.
    pub at: Timestamp,
}

/// An edit that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditRefusal {
    /// The order as it stays, the refusal noted on its record where it is noted.
    pub order: OrderView,
    /// The order as the edit would have had it; what is off the grid is absent.
    pub attempted: OrderView,
    /// What was sent of that.
    pub written: Option<Box<Written>>,
    /// The check that refused it.
    pub error: OrderError,
    /// When.
    pub at: Timestamp,
}

/// Something that happened. Events of one command come in the order in which they took effect.
///
/// An order's story: `Placed`, its executions, then at most one of `Filled`, `Cancelled`; or only `Rejected`. A trigger's:
/// `Placed`, its `Repriced` and `Edited`, then `Cancelled`, `ActivationFailed`, or `Fired` and the story of what it became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A contract was listed.
    Listed {
        /// Its number.
        instrument: InstrumentId,
        /// Its pair's.
        pair: PairId,
        /// All that it was listed with.
        spec: Box<InstrumentSpec>,
        /// When.
        at: Timestamp,
    },
    /// An account was opened.
    AccountCreated {
        /// Its number.
        account: AccountId,
        /// Its master, for a subaccount.
        parent: Option<AccountId>,
        /// One of the house's own participants.
        house: bool,
        /// When.
        at: Timestamp,
    },
    /// An order was accepted: as it is on arrival, nothing filled; a trigger before it is judged.
    Placed {
        /// The order.
        order: OrderView,
        /// Lots cut from what was asked, for reduce-only orders.
        reduced: Option<Qty>,
    },
    /// A trigger fired: the order it is from now on, nothing filled.
    Fired {
        /// The order.
        order: OrderView,
        /// Lots cut from what was asked, for reduce-only orders.
        reduced: Option<Qty>,
    },
    /// A trigger fired into a refusal and is closed.
    ActivationFailed {
        /// The trigger, with its error.
        order: OrderView,
    },
    /// A trailing stop followed its signal.
    Repriced {
        /// The trigger, with its new price.
        order: OrderView,
    },
    /// An order was refused.
    Rejected {
        /// The order as asked, with its error; what is off the grid is absent.
        order: OrderView,
        /// What was sent of that.
        written: Option<Box<Written>>,
    },
    /// Two orders matched; both have `qty` more filled. Neither record closes by this event alone.
    Executed(Box<Execution>),
    /// An order was filled to its last lot and is closed.
    Filled {
        /// The order.
        order: OrderId,
        /// Whose.
        account: AccountId,
    },
    /// An order left the book (or, immediate, lapsed) before it was filled.
    Cancelled {
        /// The order, closed.
        order: OrderView,
    },
    /// An edit changed an order. Executions it caused follow.
    Edited {
        /// Before and after.
        change: Box<OrderChange>,
        /// Lots cut from what was asked, for reduce-only orders.
        reduced: Option<Qty>,
    },
    /// A reduce-only order was cut because the position it reduces has shrunk.
    Reduced {
        /// The order, with its new size.
        order: OrderView,
        /// By how many lots.
        by: Qty,
    },
    /// An edit was refused.
    EditRejected(Box<EditRefusal>),
    /// A cancel found no such open order.
    NotFound {
        /// Who asked.
        account: AccountId,
        /// What for.
        order: OrderRef,
        /// When.
        at: Timestamp,
    },
    /// A record of an order changed without the order changing: a refused cancel aimed at it, or its market was loaded after
    /// a start.
    Noted {
        /// The order.
        order: OrderId,
        /// Whose.
        account: AccountId,
        /// Its reason now.
        reason: Option<UpdateReason>,
        /// Its error now.
        error: Option<OrderError>,
    },
    /// Stored codes of an order's record were overwritten.
    Rewritten {
        /// The order as it reads now.
        order: OrderView,
    },
    /// A closed order is forgotten: its five seconds are over, or the account has too many closed ones.
    Forgotten {
        /// The order.
        order: OrderId,
        /// Whose.
        account: AccountId,
    },
    /// Open quantity at a price changed.
    Level {
        /// In which contract.
        instrument: InstrumentId,
        /// Of bids or asks.
        side: Side,
        /// At which price.
        price: Price,
        /// How much is open there now; zero when the level is gone.
        qty: Qty,
        /// How many such changes the contract had before, plus one.
        number: u64,
        /// When.
        at: Timestamp,
    },
    /// The operator or its owner moved a wallet's balance. What executions do to balances they tell themselves.
    Balance {
        /// Whose.
        account: AccountId,
        /// Which wallet.
        wallet: Wallet,
        /// Of which currency.
        currency: Currency,
        /// What was added; negative when it went out.
        change: Money,
        /// The balance now.
        balance: Money,
        /// The number of its row in the account's log.
        log: u64,
        /// Why.
        cause: BalanceCause,
        /// When.
        at: Timestamp,
    },
    /// How a contract trades changed: by the operator, by its calendar, or because its index price is too old, or no more. It
    /// is open from its listing on until this tells something else.
    Market {
        /// Which contract.
        instrument: InstrumentId,
        /// How it trades now.
        state: MarketState,
        /// When.
        at: Timestamp,
    },
    /// What an account may do changed.
    Account {
        /// Which account.
        account: AccountId,
        /// It is active.
        active: bool,
        /// It may trade.
        trading: bool,
        /// When.
        at: Timestamp,
    },
    /// An account gave a contract a margin of its own, or put it back with all the others.
    Leverage {
        /// Whose.
        account: AccountId,
        /// In which contract.
        instrument: InstrumentId,
        /// At which leverage; cross when absent.
        leverage: Option<Leverage>,
        /// When.
        at: Timestamp,
    },
    /// A position was booked the funding of an hour, be it nothing.
    Funding(Box<FundingBooked>),
    /// The funding rate of an hour was fixed, as it began.
    FundingRate {
        /// Of which contract.
        instrument: InstrumentId,
        /// The rate.
        rate: FundingRate,
        /// When the hour began.
        hour: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Collateral was turned into USD.
    Converted(Box<Conversion>),
    /// An account chose what a contract's gains are paid in.
    PnlPreference {
        /// Whose.
        account: AccountId,
        /// In which contract.
        instrument: InstrumentId,
        /// The currency; USD when absent.
        currency: Option<Currency>,
        /// When.
        at: Timestamp,
    },
    /// An account paid interest on a loss.
    Interest(Box<InterestPaid>),
    /// An account takes over positions of others from now on, or no more.
    AssignmentProgram(Box<ProgramChange>),
    /// The operator set what is in the pool. What liquidations pay into it and what it pays is told where it happens.
    Pool {
        /// Of which currency.
        currency: Currency,
        /// What was added; negative what was taken out.
        change: Money,
        /// What is in it now.
        amount: Money,
        /// When.
        at: Timestamp,
    },
    /// A perpetual is delisted: it takes post-only orders alone until it settles.
    Delisting {
        /// Which contract.
        instrument: InstrumentId,
        /// When it settles.
        settles_at: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// A contract has come to its last trading time, and at which price its positions settle.
    SettlementPrice {
        /// Of which contract.
        instrument: InstrumentId,
        /// The price, at 11 decimals.
        price: FinePrice,
        /// When.
        at: Timestamp,
    },
    /// A position of a contract that has ended was closed at its settlement price.
    Settled(Box<Settlement>),
    /// A contract that was just listed has a past, made up: what its trades, prices and figures go on from.
    Past {
        /// The past.
        past: Box<MarketPast>,
        /// When the venue began.
        at: Timestamp,
    },
    /// An index price changed.
    Index {
        /// Of which pair.
        pair: PairId,
        /// The price.
        price: FinePrice,
        /// When.
        at: Timestamp,
    },
    /// A mark price changed.
    Mark {
        /// Of which contract.
        instrument: InstrumentId,
        /// The price.
        price: FinePrice,
        /// When.
        at: Timestamp,
    },
}

const _: () = assert!(size_of::<Event>() <= 128, "every event takes as much room as the largest");

impl Event {
    /// When it happened. Absent for what has no time of its own: an order filled to its end has its last execution's, a
    /// record that is noted on, rewritten or forgotten has changed for nobody.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Event::Placed { order, .. }
            | Event::Fired { order, .. }
            | Event::ActivationFailed { order }
            | Event::Repriced { order }
            | Event::Rejected { order, .. }
            | Event::Cancelled { order }
            | Event::Reduced { order, .. } => Some(order.updated_at),
            Event::Edited { change, .. } => Some(change.order.updated_at),
            Event::EditRejected(refused) => Some(refused.at),
            Event::Executed(execution) => Some(execution.at),
            Event::Funding(booked) => Some(booked.at),
            Event::Converted(conversion) => Some(conversion.at),
            Event::Interest(paid) => Some(paid.at),
            Event::AssignmentProgram(change) => Some(change.at),
            Event::Settled(settlement) => Some(settlement.at),
            Event::Listed { at, .. }
            | Event::AccountCreated { at, .. }
            | Event::NotFound { at, .. }
            | Event::Level { at, .. }
            | Event::Balance { at, .. }
            | Event::Market { at, .. }
            | Event::Account { at, .. }
            | Event::Leverage { at, .. }
            | Event::PnlPreference { at, .. }
            | Event::FundingRate { at, .. }
            | Event::Pool { at, .. }
            | Event::Delisting { at, .. }
            | Event::SettlementPrice { at, .. }
            | Event::Index { at, .. }
            | Event::Past { at, .. }
            | Event::Mark { at, .. } => Some(*at),
            Event::Filled { .. }
            | Event::Noted { .. }
            | Event::Rewritten { .. }
            | Event::Forgotten { .. } => None,
        }
    }
}
