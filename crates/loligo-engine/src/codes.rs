//! The codes by which variants of stored enums are written: one table for all of them, apart from where a variant
//! stands in its enum and from what that place means there.
//!
//! A code is a variant's for ever. A new variant takes the next one that its enum never had; a variant that goes leaves
//! its line behind, as `retired Name = code`, so that nobody takes the code again.

use crate::command::{AskedOffset, ClientOrderId, Command, OnGrid, OrderRef};
use crate::event::Event;
use crate::id::{Side, Wallet};
use crate::words::{
    BalanceCause, ContractKind, Dislocation, DistanceUnit, FillRole, MarketState, OrderError, OrderStatus,
    OrderType, QtyMode, SelfTradeStrategy, Signal, TimeFrame, TriggerKind, TriggerSide, UpdateReason,
};

crate::stored_codes! {
    Command {
        Genesis(genesis) = 0,
        Start = 1,
        Advance = 2,
        CreateAccount(create) = 3,
        Deposit(deposit) = 4,
        List(spec) = 5,
        PublishIndex { pair, price } = 6,
        PinIndex { pair, price } = 7,
        PinMark { instrument, price } = 8,
        Place(place) = 9,
        Edit(edit) = 10,
        Cancel(cancel) = 11,
        CancelAll { account, instrument } = 12,
        CancelAllAfter { account, timeout_seconds } = 13,
        SetSelfTrade { account, strategy } = 14,
        SetLeverage { account, instrument, leverage } = 15,
        SetTrading { account, enabled } = 16,
        Transfer(transfer) = 17,
        Withdraw(withdraw) = 18,
        SetMarketState { instrument, state } = 19,
        Expire { instrument } = 20,
        AdminCancel { order } = 21,
        ReplaceTrailingStop { order } = 22,
        SetActive { account, active } = 23,
        SetLimits { account, instrument, change } = 24,
        InjectCodes { order, reason, trigger_side, trigger_signal } = 25,
        InjectPanic = 26,
        PinPrices { instrument, index, mark } = 27,
        PlaceOffGrid(place) = 28,
        EditOffGrid(edit) = 29,
        SetPnlPreference { account, instrument, currency } = 30,
        SetInterest { rate } = 31,
        AddAssignmentProgram { account, program } = 32,
        RemoveAssignmentProgram { account, program } = 33,
        SetPool { currency, amount } = 34,
        SetMarkSmoothing { seconds } = 36
    }

    Event {
        Listed { instrument, pair, spec, at } = 0,
        AccountCreated { account, parent, house, at } = 1,
        Placed { order, reduced } = 2,
        Fired { order, reduced } = 3,
        ActivationFailed { order } = 4,
        Repriced { order } = 5,
        Rejected { order, written } = 6,
        Executed(execution) = 7,
        Filled { order, account } = 8,
        Cancelled { order } = 9,
        Edited { change, reduced } = 10,
        Reduced { order, by } = 11,
        Noted { order, account, reason, error } = 12,
        Rewritten { order } = 13,
        Forgotten { order, account } = 14,
        Level { instrument, side, price, qty, number, at } = 15,
        Balance { account, wallet, currency, change, balance, log, cause, at } = 16,
        Market { instrument, state, at } = 17,
        Account { account, active, trading, at } = 18,
        Index { pair, price, at } = 19,
        Mark { instrument, price, at } = 20,
        EditRejected(refused) = 21,
        NotFound { account, order, at } = 22,
        Leverage { account, instrument, leverage, at } = 23,
        Past { past, at } = 24,
        Funding(booked) = 25,
        FundingRate { instrument, rate, hour, at } = 26,
        Converted(conversion) = 27,
        PnlPreference { account, instrument, currency, at } = 28,
        Interest(paid) = 29,
        AssignmentProgram(change) = 30,
        Pool { currency, change, amount, at } = 31,
        Delisting { instrument, settles_at, at } = 34,
        SettlementPrice { instrument, price, at } = 35,
        Settled(settlement) = 36
    }

    OrderStatus {
        EnteredBook = 0,
        TriggerPlaced = 1,
        FullyExecuted = 2,
        Cancelled = 3,
        Rejected = 4,
        TriggerActivationFailure = 5
    }

    UpdateReason {
        LoadingMarket = 0,
        NewUserOrder = 1,
        PartialFill = 2,
        FullFill = 3,
        CancelledByUser = 4,
        PostWouldExecute = 5,
        IocWouldNotExecute = 6,
        WouldExecuteSelf = 7,
        WouldNotReducePosition = 8,
        EditedByUser = 9,
        OrderForEditNotFound = 10,
        LiquidationOrder = 11,
        StopOrderTriggered = 12,
        LimitFromStop = 13,
        ContractExpired = 14,
        NotEnoughMargin = 15,
        MarketInactive = 16,
        DeadManSwitch = 17,
        CancelledByAdmin = 18,
        Expired = 19,
        TrailingStopPriceUpdated = 20,
        TrailingStopReplacedByAdmin = 21,
        Unknown = 22
    }

    OrderError {
        MarketNotFound = 0,
        MarketSuspended = 1,
        MarketIsPostOnly = 2,
        OrderCannotHaveTriggerPrice = 3,
        CannotEditTriggerPriceOfTrailingStop = 4,
        CannotEditLimitPriceOfTrailingStop = 5,
        InvalidPrice = 6,
        TrailingStopPercentTooPrecise = 7,
        TrailingStopQuoteOffTick = 8,
        TrailingStopTooLarge = 9,
        TrailingStopTooSmall = 10,
        NoReferencePrice = 11,
        InsufficientHeadroom = 12,
        LimitPriceAbsoluteAndRelative = 13,
        LimitOffsetValueInvalid = 14,
        LimitOffsetUnitInvalid = 15,
        LimitOffsetIncomplete = 16,
        LimitOffsetOffTick = 17,
        LimitOffsetTooPrecise = 18,
        LimitOffsetTooHigh = 19,
        LimitOffsetTooLow = 20,
        InvalidQuantity = 21,
        ClientOrderIdTooLong = 22,
        ClientOrderIdInvalid = 23,
        ClientOrderIdInUse = 24,
        SmallOrderLimitExceeded = 25,
        OrderLimitExceeded = 26,
        TrailingStopLimitExceeded = 27,
        WouldNotReducePosition = 28,
        FixedLeverageTooHigh = 29,
        MaxPositionExceeded = 30,
        PriceCollar = 31,
        PriceDislocation = 32,
        InsufficientMargin = 33,
        InsufficientClosingMargin = 34,
        WouldCauseLiquidation = 35,
        PostWouldExecute = 36,
        IocWouldNotExecute = 37,
        WouldExecuteSelf = 38,
        RejectedAfterExecution = 39,
        EditHasNoEffect = 40,
        OrderForEditNotFound = 41,
        OrderForCancellationNotFound = 42,
        AccountInactive = 43
    }

    BalanceCause { Operator = 0, Transfer = 1, SubaccountTransfer = 2, Withdrawal = 3, Pool = 4 }
    FillRole {
        Maker = 0,
        Taker = 1,
        TakerAfterEdit = 2,
        Liquidation = 3,
        PartialLiquidation = 4,
        CoveredLiquidation = 5,
        Assignor = 6,
        Assignee = 7,
        UnwindBankrupt = 8,
        UnwindCounterparty = 9
    }
    TimeFrame { All = 0, Weekdays = 1, Weekend = 2 }
    OrderType {
        Limit = 0,
        Post = 1,
        ImmediateOrCancel = 2,
        Market = 3,
        FillOrKill = 4,
        Liquidation = 5,
        CoveredLiquidation = 6,
        Assignment = 7,
        Unwind = 8
    }
    OnGrid { Steps(steps) = 0, Off = 1, TooLarge = 2 }
    ClientOrderId { Valid(name) = 0, TooLong = 1, Invalid = 2 }
    AskedOffset { Distance(distance) = 0, BadValue = 1, BadUnit = 2, Incomplete = 3 }
    OrderRef { Id(id) = 0, Client(name) = 1, Foreign(number) = 2 }
    QtyMode { Relative = 0, Absolute = 1 }
    TriggerKind { Stop = 0, TakeProfit = 1, TrailingStop = 2 }
    Signal { Last = 0, Mark = 1, Index = 2 }
    TriggerSide { Above = 0, Below = 1 }
    DistanceUnit { Percent = 0, Quote = 1 }
    Side { Buy = 0, Sell = 1 }
    Wallet { Cash = 0, Flex = 1, Inverse(pair) = 2 }
    ContractKind { Linear = 0, Inverse = 1 }
    SelfTradeStrategy { RejectTaker = 0, CancelMakerSelf = 1, CancelMakerChild = 2, CancelMakerAny = 3 }
    MarketState { Open = 0, Suspended = 1, PostOnly = 2, PreLaunch = 3, Inactive = 4, Expired = 5 }
    Dislocation { Above = 0, Below = 1 }
}
