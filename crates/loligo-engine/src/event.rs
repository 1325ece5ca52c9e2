//! What happened, in order, with enough in it to rebuild any public view.

use crate::command::OrderType;
use crate::id::{
    AccountId, Currency, ExecutionId, InstrumentId, OrderId, PairId, Price, Qty, Side, Timestamp, Wallet,
};
use crate::money::{FinePrice, Money};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where an order is in its life. The last three end it, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderStatus {
    /// Rests in the book, untouched or partly filled.
    EnteredBook,
    /// Filled to the last lot.
    FullyExecuted,
    /// Removed before it was filled; also the lapsed rest of an immediate order.
    Cancelled,
    /// Refused on arrival; nothing was placed.
    Rejected,
}

impl OrderStatus {
    /// True for every status but a resting order's.
    #[must_use]
    pub fn is_closed(self) -> bool {
        match self {
            OrderStatus::EnteredBook => false,
            OrderStatus::FullyExecuted | OrderStatus::Cancelled | OrderStatus::Rejected => true,
        }
    }
}

/// Why an order's record last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UpdateReason {
    /// Put back into the book when its market was loaded after a start.
    LoadingMarket,
    /// Placed by its user.
    NewUserOrder,
    /// Part filled; the rest is open, or lapsed (then the status says cancelled).
    PartialFill,
    /// Filled to the end.
    FullFill,
    /// Cancelled by its user.
    CancelledByUser,
    /// Post-only, and would have matched.
    PostWouldExecute,
    /// Immediate, and found nothing to match (or, fill-or-kill, not all of it).
    IocWouldNotExecute,
    /// Would have met an order of the same account or family.
    WouldExecuteSelf,
    /// Reduce-only, and there is no position left to reduce.
    WouldNotReducePosition,
    /// Edited by its user.
    EditedByUser,
    /// An edit came when it had just closed.
    OrderForEditNotFound,
}

/// Why an order, an edit or a cancel is refused. The order of the variants is the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderError {
    /// The contract is not loaded: before its opening, inactive or expired.
    MarketNotFound,
    /// The contract is suspended, or its index price is too old.
    MarketSuspended,
    /// A stop price on an order that is no trigger.
    OrderCannotHaveTriggerPrice,
    /// Not positive, off the tick, or too large.
    InvalidPrice,
    /// Not positive, off the lot, or worth more than one order may be.
    InvalidQuantity,
    /// The client's name for it has more than 100 characters.
    ClientOrderIdTooLong,
    /// The client's name for it is empty or holds control characters.
    ClientOrderIdInvalid,
    /// The client's name for it is in use.
    ClientOrderIdInUse,
    /// Too many small open orders.
    SmallOrderLimitExceeded,
    /// Too many open orders.
    OrderLimitExceeded,
    /// Reduce-only, and would not reduce.
    WouldNotReducePosition,
    /// Beyond the contract's greatest position.
    MaxPositionExceeded,
    /// Would execute too far from the mark price.
    PriceCollar,
    /// Available margin does not cover it.
    InsufficientMargin,
    /// Post-only, and would match.
    PostWouldExecute,
    /// Immediate, and nothing (or not all) to match.
    IocWouldNotExecute,
    /// Would meet an own order.
    WouldExecuteSelf,
    /// Part filled, then the rest met an own order.
    RejectedAfterExecution,
    /// The edit repeats the present values.
    EditHasNoEffect,
    /// No such open order to edit.
    OrderForEditNotFound,
    /// No such open order to cancel.
    OrderForCancellationNotFound,
}

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
    /// How it trades.
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
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl OrderView {
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

/// In which role an order was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FillRole {
    /// Rested in the book.
    Maker,
    /// Came to the book.
    Taker,
    /// Came to the book through an edit.
    TakerAfterEdit,
}

/// One order's side of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The order.
    pub order: OrderId,
    /// Whose.
    pub account: AccountId,
    /// Its role.
    pub role: FillRole,
    /// Filled of the order before this execution.
    pub filled_before: Qty,
    /// Total size of the order.
    pub qty: Qty,
    /// Fee in the settlement currency; negative when a rebate was paid.
    pub fee: Money,
    /// Realised P&L booked by this fill.
    pub realized_pnl: Money,
}

/// One match, at the resting order's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Its number.
    pub id: ExecutionId,
    /// In which contract.
    pub instrument: InstrumentId,
    /// The resting order's price.
    pub price: Price,
    /// How many lots.
    pub qty: Qty,
    /// The taker's side.
    pub taker_side: Side,
    /// The order that came.
    pub taker: Fill,
    /// The order that rested.
    pub maker: Fill,
}

/// Something that happened. Events of one command come in the order in which they took effect.
///
/// An order's story: `Placed`, its executions, then at most one of `Filled`, `Cancelled`; or only `Rejected`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A contract was listed.
    Listed {
        /// Its number; its spec is in the exchange's view.
        instrument: InstrumentId,
    },
    /// An account was opened.
    AccountCreated {
        /// Its number.
        account: AccountId,
        /// Its master, for a subaccount.
        parent: Option<AccountId>,
    },
    /// An order was accepted: as it is on arrival, nothing filled.
    Placed {
        /// The order.
        order: OrderView,
        /// Lots cut from what was asked, for reduce-only orders.
        reduced: Option<Qty>,
    },
    /// An order was refused.
    Rejected {
        /// The order as asked, with its error.
        order: OrderView,
    },
    /// Two orders matched; both have `qty` more filled. Neither record closes by this event alone.
    Executed(Execution),
    /// An order was filled to its last lot and is closed.
    Filled {
        /// The order.
        order: OrderId,
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
    /// A record of an order changed without the order changing: a refused edit or cancel aimed at it, or its market
    /// was loaded after a start.
    Noted {
        /// The order.
        order: OrderId,
        /// Its reason now.
        reason: Option<UpdateReason>,
        /// Its error now.
        error: Option<OrderError>,
    },
    /// A closed order is forgotten: its five seconds are over, or the account has too many closed ones.
    Forgotten {
        /// The order.
        order: OrderId,
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
    },
    /// The operator moved a wallet's balance. What fills do to balances is told by their fees and realised P&L.
    Balance {
        /// Whose.
        account: AccountId,
        /// Which wallet.
        wallet: Wallet,
        /// Of which currency.
        currency: Currency,
        /// The balance now.
        balance: Money,
    },
    /// An index price changed.
    Index {
        /// Of which pair.
        pair: PairId,
        /// The price.
        price: FinePrice,
    },
    /// A mark price changed.
    Mark {
        /// Of which contract.
        instrument: InstrumentId,
        /// The price.
        price: FinePrice,
    },
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done; the events tell.
    Done,
    /// An account was opened.
    AccountCreated(AccountId),
    /// A contract was listed.
    Listed(InstrumentId),
    /// The order was accepted (and may have traded since).
    Placed(OrderId),
    /// The order was refused. The number is of its record.
    Rejected(OrderId, OrderError),
    /// The order was edited.
    Edited(OrderId),
    /// The edit was refused; the order, where there is one, is as it was.
    EditRejected(Option<OrderId>, OrderError),
    /// The order was cancelled.
    Cancelled(OrderId),
    /// The order had just been filled.
    AlreadyFilled(OrderId),
    /// No such open order. The number is given where a closed one is meant.
    CancelNotFound(Option<OrderId>),
    /// So many orders were cancelled.
    CancelledAll(u32),
    /// The engine would have taken the command up too late.
    TooLate,
    /// The command cannot be: an operator's mistake, told in words.
    Refused(Refusal),
}

/// Why an operator's command is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The venue has its genesis already, or has none yet.
    #[error("a venue begins with exactly one genesis record")]
    Genesis,
    /// No such account.
    #[error("no such account")]
    UnknownAccount,
    /// No such contract.
    #[error("no such instrument")]
    UnknownInstrument,
    /// No such pair.
    #[error("no such pair")]
    UnknownPair,
    /// A subaccount cannot have subaccounts.
    #[error("a subaccount cannot have subaccounts")]
    NestedSubaccount,
    /// A subaccount is of the house exactly when its master is.
    #[error("a subaccount belongs to the house exactly when its master does")]
    MixedFamily,
    /// The wallet does not take the currency.
    #[error("the wallet does not hold this currency")]
    WrongCurrency,
    /// The amount is beyond what one deposit may be, or more than the wallet can give.
    #[error("the amount is out of range")]
    AmountOutOfRange,
    /// A price is from 10^-10 to 10^9, and one at which the greatest position's value stays in range.
    #[error("the price is out of range")]
    PriceOutOfRange,
    /// A listing was refused.
    #[error("{0}")]
    Listing(String),
}
