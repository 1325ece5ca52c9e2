//! The closed vocabularies: what an order, a trigger, a market can be, and why something was refused or changed. They stand below
//! everything that speaks of them, and know nothing but each other.

use crate::id::Side;
use crate::stored::of_code;

/// How an order wants to trade. What a trigger becomes when it fires is said so, too: a limit order when it has a limit
/// price or an offset, else a market order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderType {
    /// Matches at its limit or better; the rest enters the book.
    Limit,
    /// Must rest in full.
    Post,
    /// Matches at its limit or better; the rest lapses.
    ImmediateOrCancel,
    /// As [`OrderType::ImmediateOrCancel`], with a limit 1% beyond the best opposite price.
    Market,
    /// Fills in full at its limit or better, or not at all.
    FillOrKill,
    /// The engine's own order that closes a position its margin does not carry any more; the rest lapses.
    Liquidation,
    /// Likewise beyond the price at which nothing is left: the pool pays what is missing.
    CoveredLiquidation,
    /// The engine's own on both sides: a position goes from who was liquidated to a provider.
    Assignment,
    /// The engine's own on both sides: a position is closed against one on the other side of the market.
    Unwind,
}

impl OrderType {
    /// True for orders whose rest enters the book.
    #[inline]
    pub(crate) fn rests(self) -> bool {
        match self {
            OrderType::Limit | OrderType::Post => true,
            OrderType::ImmediateOrCancel
            | OrderType::Market
            | OrderType::FillOrKill
            | OrderType::Liquidation
            | OrderType::CoveredLiquidation
            | OrderType::Assignment
            | OrderType::Unwind => false,
        }
    }
}

/// How the size of an edit is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QtyMode {
    /// The new open quantity.
    #[default]
    Relative,
    /// The new total, past fills included.
    Absolute,
}

/// What happens when a taker meets an order of its own family (rules 1.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SelfTradeStrategy {
    /// The taker is refused.
    #[default]
    RejectTaker,
    /// A maker of the same account is cancelled; one of another account of the family refuses the taker.
    CancelMakerSelf,
    /// A maker of the same account is cancelled, and a subaccount's maker that its master meets.
    CancelMakerChild,
    /// The maker is cancelled.
    CancelMakerAny,
}

/// Where an order is in its life. All but the first two end it, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// Rests in the book, untouched or partly filled.
    EnteredBook,
    /// A trigger that waits for its price.
    TriggerPlaced,
    /// Filled to the last lot.
    FullyExecuted,
    /// Removed before it was filled; also the lapsed rest of an immediate order.
    Cancelled,
    /// Refused on arrival; nothing was placed.
    Rejected,
    /// A trigger that fired into a refusal.
    TriggerActivationFailure,
}

impl OrderStatus {
    /// True for every status but those of a resting order and a waiting trigger.
    #[must_use]
    pub fn is_closed(self) -> bool {
        match self {
            OrderStatus::EnteredBook | OrderStatus::TriggerPlaced => false,
            OrderStatus::FullyExecuted
            | OrderStatus::Cancelled
            | OrderStatus::Rejected
            | OrderStatus::TriggerActivationFailure => true,
        }
    }
}

/// Why an order's record last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// Cancelled, or placed by the exchange, because margin does not carry the position any more.
    LiquidationOrder,
    /// A trigger that has fired.
    StopOrderTriggered,
    /// The limit order that a fired trigger became.
    LimitFromStop,
    /// Its contract expired.
    ContractExpired,
    /// Cancelled because equity fell below initial margin.
    NotEnoughMargin,
    /// Its market was taken out of trading.
    MarketInactive,
    /// The account's timer ended.
    DeadManSwitch,
    /// Cancelled by the operator.
    CancelledByAdmin,
    /// A trigger whose contract expired while it waited.
    Expired,
    /// A trailing stop followed its signal.
    TrailingStopPriceUpdated,
    /// The operator cancelled a trailing stop and placed the same one anew.
    TrailingStopReplacedByAdmin,
    /// The stored code is of no reason that this version knows.
    Unknown,
}

impl UpdateReason {
    /// The reason of a stored code.
    pub(crate) fn of_code(code: u8) -> Self {
        of_code(code).unwrap_or(UpdateReason::Unknown)
    }
}

/// Why an order, an edit or a cancel is refused. The order of the variants is the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderError {
    /// The contract is not loaded: before its opening, inactive or expired.
    MarketNotFound,
    /// The contract is suspended, or its index price is too old.
    MarketSuspended,
    /// The contract takes post-only orders alone.
    MarketIsPostOnly,
    /// A stop price on an order that is no trigger.
    OrderCannotHaveTriggerPrice,
    /// A trailing stop's trigger price follows its signal and is not edited.
    CannotEditTriggerPriceOfTrailingStop,
    /// A trailing stop has no limit price to edit.
    CannotEditLimitPriceOfTrailingStop,
    /// Not positive, off the tick, or too large.
    InvalidPrice,
    /// A trailing stop's percentage has more than two decimals.
    TrailingStopPercentTooPrecise,
    /// A trailing stop's distance is off the tick.
    TrailingStopQuoteOffTick,
    /// A trailing stop more than 50% away.
    TrailingStopTooLarge,
    /// A trailing stop less than 0.1%, or less than a tick, away.
    TrailingStopTooSmall,
    /// The signal of a trailing stop has no value yet.
    NoReferencePrice,
    /// An edited trailing stop would come too near to its signal, or to zero.
    InsufficientHeadroom,
    /// A limit price both absolute and relative.
    LimitPriceAbsoluteAndRelative,
    /// The relative limit's value is no number, or the order is no trigger.
    LimitOffsetValueInvalid,
    /// The relative limit's unit is none.
    LimitOffsetUnitInvalid,
    /// A relative limit's value without its unit, or the other way round.
    LimitOffsetIncomplete,
    /// A relative limit's distance is off the tick.
    LimitOffsetOffTick,
    /// A relative limit's percentage has more than two decimals.
    LimitOffsetTooPrecise,
    /// A relative limit more than 50% above.
    LimitOffsetTooHigh,
    /// A relative limit more than 50% below.
    LimitOffsetTooLow,
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
    /// Too many open orders, or waiting triggers.
    OrderLimitExceeded,
    /// Too many waiting trailing stops.
    TrailingStopLimitExceeded,
    /// Reduce-only, and would not reduce.
    WouldNotReducePosition,
    /// The leverage set for the contract is more than the margin level reached allows.
    FixedLeverageTooHigh,
    /// Beyond the contract's greatest position.
    MaxPositionExceeded,
    /// Would execute too far from the mark price.
    PriceCollar,
    /// Would move a dislocated market further.
    PriceDislocation,
    /// Available margin does not cover it.
    InsufficientMargin,
    /// A closing order that would lose more than there is.
    InsufficientClosingMargin,
    /// Would fill so much worse than mark that liquidation followed.
    WouldCauseLiquidation,
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
    /// The account may not trade (any more).
    AccountInactive,
}

/// In which role an order was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FillRole {
    /// Rested in the book.
    Maker,
    /// Came to the book.
    Taker,
    /// Came to the book through an edit.
    TakerAfterEdit,
    /// Was sent by the exchange to close a position whole.
    Liquidation,
    /// Was sent by the exchange to close a part of a position.
    PartialLiquidation,
    /// Was sent by the exchange to close a position at the cost of the pool.
    CoveredLiquidation,
    /// Its position was assigned to another account.
    Assignor,
    /// A position was assigned to it.
    Assignee,
    /// Its position, which could not be traded away, was closed against others.
    UnwindBankrupt,
    /// Its position was closed against one that could not be traded away.
    UnwindCounterparty,
}

impl FillRole {
    /// True where two positions met without the book: such a match moves no last price, fires nothing, and counts in no volume.
    #[must_use]
    pub fn is_off_book(self) -> bool {
        match self {
            FillRole::Assignor
            | FillRole::Assignee
            | FillRole::UnwindBankrupt
            | FillRole::UnwindCounterparty => true,
            FillRole::Maker
            | FillRole::Taker
            | FillRole::TakerAfterEdit
            | FillRole::Liquidation
            | FillRole::PartialLiquidation
            | FillRole::CoveredLiquidation => false,
        }
    }
}

/// On which days an assignment program holds, by UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeFrame {
    /// Always.
    All,
    /// From Monday to Friday.
    Weekdays,
    /// On Saturday and Sunday.
    Weekend,
}

/// Why a balance moved that no contract moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BalanceCause {
    /// The operator booked it.
    Operator,
    /// It moved between wallets of one account.
    Transfer,
    /// It moved between two accounts of one family.
    SubaccountTransfer,
    /// It left the exchange.
    Withdrawal,
    /// The pool paid what a wallet without positions was short of.
    Pool,
}

/// Which price fires a trigger, and from which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerKind {
    /// Fires when the price has run against the side it trades: a buy at or above its trigger price.
    Stop,
    /// Fires when the price has come to the side it trades: a buy at or below its trigger price.
    TakeProfit,
    /// A stop whose trigger price follows the signal in the favourable direction.
    TrailingStop,
}

/// The price a trigger watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// The contract's last trade.
    Last,
    /// The contract's mark price.
    Mark,
    /// The pair's index price.
    Index,
}

impl Signal {
    /// All of them, in the order in which they are judged when several may have moved.
    pub(crate) const ALL: [Signal; 3] = [Signal::Last, Signal::Mark, Signal::Index];

    /// The signal of a stored code.
    pub(crate) fn of_code(code: u8) -> Option<Self> {
        of_code(code)
    }
}

/// From which side the signal reaches the trigger price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerSide {
    /// Fires at or above it.
    Above,
    /// Fires at or below it.
    Below,
}

impl TriggerSide {
    /// The side of a stored code.
    pub(crate) fn of_code(code: u8) -> Option<Self> {
        of_code(code)
    }

    /// The side of a trigger (rules 1.2).
    #[must_use]
    pub fn of(kind: TriggerKind, side: Side) -> Self {
        match (kind, side) {
            (TriggerKind::Stop | TriggerKind::TrailingStop, Side::Buy)
            | (TriggerKind::TakeProfit, Side::Sell) => TriggerSide::Above,
            (TriggerKind::Stop | TriggerKind::TrailingStop, Side::Sell)
            | (TriggerKind::TakeProfit, Side::Buy) => TriggerSide::Below,
        }
    }
}

/// How a distance from a price is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DistanceUnit {
    /// In hundredths of a percent of the price.
    Percent,
    /// In ticks.
    Quote,
}

/// How a contract settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContractKind {
    /// One contract is one unit of base; P&L in the quote currency, margined by the flex wallet.
    Linear,
    /// One contract is one unit of quote; P&L in the base currency, margined by the pair's own wallet.
    Inverse,
}

/// How a contract trades (rules 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarketState {
    /// Orders are taken and match.
    Open,
    /// By the operator, or because its index price is too old: orders stay, none is taken, triggers wait.
    Suspended,
    /// Only post-only orders are taken, so nothing matches; triggers wait.
    PostOnly,
    /// Listed, not yet opened.
    PreLaunch,
    /// Taken out of trading; its orders are cancelled.
    Inactive,
    /// After its last trading time.
    Expired,
}

/// On which side of its index a book is too far away (rules 1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dislocation {
    /// The impact mid is above the upper bound.
    Above,
    /// Below the lower bound.
    Below,
}
