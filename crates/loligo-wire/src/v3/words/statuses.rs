//! How a request about an order ended, and the state an order is in.

use super::words;

words! {
    /// The state of an order record in `/orders/status`.
    pub enum OrderStatus {
        EnteredBook = "ENTERED_BOOK",
        FullyExecuted = "FULLY_EXECUTED",
        Rejected = "REJECTED",
        Cancelled = "CANCELLED",
        TriggerPlaced = "TRIGGER_PLACED",
        TriggerActivationFailure = "TRIGGER_ACTIVATION_FAILURE",
    }
}

words! {
    /// How a new order was taken: `sendStatus.status`, and `batchStatus[].status`, whose list is contained in this one.
    ///
    /// The last three are for elements of a batch; elsewhere they are argument errors, or `clientOrderIdTooBig`.
    pub enum SendStatus {
        Placed = "placed",
        PartiallyFilled = "partiallyFilled",
        Filled = "filled",
        Cancelled = "cancelled",
        Edited = "edited",
        MarketSuspended = "marketSuspended",
        MarketInactive = "marketInactive",
        InvalidPrice = "invalidPrice",
        InvalidSize = "invalidSize",
        TooManySmallOrders = "tooManySmallOrders",
        InsufficientAvailableFunds = "insufficientAvailableFunds",
        WouldCauseLiquidation = "wouldCauseLiquidation",
        ClientOrderIdAlreadyExist = "clientOrderIdAlreadyExist",
        ClientOrderIdTooBig = "clientOrderIdTooBig",
        MaxPositionViolation = "maxPositionViolation",
        OutsidePriceCollar = "outsidePriceCollar",
        WouldIncreasePriceDislocation = "wouldIncreasePriceDislocation",
        NotFound = "notFound",
        OrderForEditNotAStop = "orderForEditNotAStop",
        OrderForEditNotFound = "orderForEditNotFound",
        PostWouldExecute = "postWouldExecute",
        IocWouldNotExecute = "iocWouldNotExecute",
        SelfFill = "selfFill",
        WouldNotReducePosition = "wouldNotReducePosition",
        MarketIsPostOnly = "marketIsPostOnly",
        TooManyOrders = "tooManyOrders",
        FixedLeverageTooHigh = "fixedLeverageTooHigh",
        ClientOrderIdInvalid = "clientOrderIdInvalid",
        CannotEditTriggerPriceOfTrailingStop = "cannotEditTriggerPriceOfTrailingStop",
        CannotEditLimitPriceOfTrailingStop = "cannotEditLimitPriceOfTrailingStop",
        WouldProcessAfterSpecifiedTime = "wouldProcessAfterSpecifiedTime",
        InvalidOrderType = "invalidOrderType",
        InvalidSide = "invalidSide",
        ClientOrderIdTooLong = "clientOrderIdTooLong",
    }
}

words! {
    /// How an edit was taken: `editStatus.status`. The first eleven are published for it; an edit runs the checks of a new
    /// order, so the words of those follow.
    pub enum EditStatus {
        Edited = "edited",
        InvalidSize = "invalidSize",
        InvalidPrice = "invalidPrice",
        InsufficientAvailableFunds = "insufficientAvailableFunds",
        SelfFill = "selfFill",
        TooManySmallOrders = "tooManySmallOrders",
        OutsidePriceCollar = "outsidePriceCollar",
        PostWouldExecute = "postWouldExecute",
        WouldNotReducePosition = "wouldNotReducePosition",
        OrderForEditNotFound = "orderForEditNotFound",
        OrderForEditNotAStop = "orderForEditNotAStop",
        MarketSuspended = "marketSuspended",
        MarketInactive = "marketInactive",
        MarketIsPostOnly = "marketIsPostOnly",
        TooManyOrders = "tooManyOrders",
        WouldCauseLiquidation = "wouldCauseLiquidation",
        MaxPositionViolation = "maxPositionViolation",
        WouldIncreasePriceDislocation = "wouldIncreasePriceDislocation",
        FixedLeverageTooHigh = "fixedLeverageTooHigh",
        IocWouldNotExecute = "iocWouldNotExecute",
        PartiallyFilled = "partiallyFilled",
        CannotEditTriggerPriceOfTrailingStop = "cannotEditTriggerPriceOfTrailingStop",
        CannotEditLimitPriceOfTrailingStop = "cannotEditLimitPriceOfTrailingStop",
        WouldProcessAfterSpecifiedTime = "wouldProcessAfterSpecifiedTime",
    }
}

words! {
    /// How a cancel was taken: `cancelStatus.status` of one order.
    pub enum CancelStatus {
        Cancelled = "cancelled",
        /// It was filled before the cancel came.
        Filled = "filled",
        NotFound = "notFound",
        WouldProcessAfterSpecifiedTime = "wouldProcessAfterSpecifiedTime",
    }
}

words! {
    /// How a cancel of many orders was taken: `cancelStatus.status` of `/cancelallorders`.
    pub enum CancelAllStatus {
        NoOrdersToCancel = "noOrdersToCancel",
        Cancelled = "cancelled",
    }
}

/// An `edit` of a batch is answered in the list of sends.
impl From<EditStatus> for SendStatus {
    fn from(status: EditStatus) -> Self {
        match status {
            EditStatus::Edited => Self::Edited,
            EditStatus::InvalidSize => Self::InvalidSize,
            EditStatus::InvalidPrice => Self::InvalidPrice,
            EditStatus::InsufficientAvailableFunds => Self::InsufficientAvailableFunds,
            EditStatus::SelfFill => Self::SelfFill,
            EditStatus::TooManySmallOrders => Self::TooManySmallOrders,
            EditStatus::OutsidePriceCollar => Self::OutsidePriceCollar,
            EditStatus::PostWouldExecute => Self::PostWouldExecute,
            EditStatus::WouldNotReducePosition => Self::WouldNotReducePosition,
            EditStatus::OrderForEditNotFound => Self::OrderForEditNotFound,
            EditStatus::OrderForEditNotAStop => Self::OrderForEditNotAStop,
            EditStatus::MarketSuspended => Self::MarketSuspended,
            EditStatus::MarketInactive => Self::MarketInactive,
            EditStatus::MarketIsPostOnly => Self::MarketIsPostOnly,
            EditStatus::TooManyOrders => Self::TooManyOrders,
            EditStatus::WouldCauseLiquidation => Self::WouldCauseLiquidation,
            EditStatus::MaxPositionViolation => Self::MaxPositionViolation,
            EditStatus::WouldIncreasePriceDislocation => Self::WouldIncreasePriceDislocation,
            EditStatus::FixedLeverageTooHigh => Self::FixedLeverageTooHigh,
            EditStatus::IocWouldNotExecute => Self::IocWouldNotExecute,
            EditStatus::PartiallyFilled => Self::PartiallyFilled,
            EditStatus::CannotEditTriggerPriceOfTrailingStop => Self::CannotEditTriggerPriceOfTrailingStop,
            EditStatus::CannotEditLimitPriceOfTrailingStop => Self::CannotEditLimitPriceOfTrailingStop,
            EditStatus::WouldProcessAfterSpecifiedTime => Self::WouldProcessAfterSpecifiedTime,
        }
    }
}

/// A `cancel` of a batch is answered in the list of sends.
impl From<CancelStatus> for SendStatus {
    fn from(status: CancelStatus) -> Self {
        match status {
            CancelStatus::Cancelled => Self::Cancelled,
            CancelStatus::Filled => Self::Filled,
            CancelStatus::NotFound => Self::NotFound,
            CancelStatus::WouldProcessAfterSpecifiedTime => Self::WouldProcessAfterSpecifiedTime,
        }
    }
}
