//! Why: the reasons of order records, the refusals of the engine, the error words of requests.

use super::{EditStatus, SendStatus, words};

words! {
    /// The check that an order, an edit or a cancel failed.
    pub enum OrderError {
        MarketSuspended = "MARKET_SUSPENDED",
        MarketNotFound = "MARKET_NOT_FOUND",
        InvalidPrice = "INVALID_PRICE",
        InvalidQuantity = "INVALID_QUANTITY",
        SmallOrderLimitExceeded = "SMALL_ORDER_LIMIT_EXCEEDED",
        InsufficientMargin = "INSUFFICIENT_MARGIN",
        WouldCauseLiquidation = "WOULD_CAUSE_LIQUIDATION",
        ClientOrderIdInUse = "CLIENT_ORDER_ID_IN_USE",
        ClientOrderIdTooLong = "CLIENT_ORDER_ID_TOO_LONG",
        MaxPositionExceeded = "MAX_POSITION_EXCEEDED",
        PriceCollar = "PRICE_COLLAR",
        PriceDislocation = "PRICE_DISLOCATION",
        EditHasNoEffect = "EDIT_HAS_NO_EFFECT",
        OrderForCancellationNotFound = "ORDER_FOR_CANCELLATION_NOT_FOUND",
        OrderForEditNotFound = "ORDER_FOR_EDIT_NOT_FOUND",
        OrderCannotHaveTriggerPrice = "ORDER_CANNOT_HAVE_TRIGGER_PRICE",
        PostWouldExecute = "POST_WOULD_EXECUTE",
        IocWouldNotExecute = "IOC_WOULD_NOT_EXECUTE",
        WouldExecuteSelf = "WOULD_EXECUTE_SELF",
        WouldNotReducePosition = "WOULD_NOT_REDUCE_POSITION",
        RejectedAfterExecution = "REJECTED_AFTER_EXECUTION",
        MarketIsPostOnly = "MARKET_IS_POST_ONLY",
        OrderLimitExceeded = "ORDER_LIMIT_EXCEEDED",
        FixedLeverageTooHigh = "FIXED_LEVERAGE_TOO_HIGH",
        CannotEditTriggerPriceOfTrailingStop = "CANNOT_EDIT_TRIGGER_PRICE_OF_TRAILING_STOP",
        CannotEditLimitPriceOfTrailingStop = "CANNOT_EDIT_LIMIT_PRICE_OF_TRAILING_STOP",
        TrailingStopOrderLimitExceeded = "TRAILING_STOP_ORDER_LIMIT_EXCEEDED",
        TrailingStopPercentDeviationExceedsMaxDecimalPlaces =
            "TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES",
        TrailingStopQuoteDeviationNotMultipleOfTickSize =
            "TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE",
        TrailingStopMaxDeviationTooLarge = "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE",
        TrailingStopMaxDeviationTooSmall = "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL",
        InsufficientHeadroomAroundCurrentPriceToEditTrailingStop =
            "INSUFFICIENT_HEADROOM_AROUND_CURRENT_PRICE_TO_EDIT_TRAILING_STOP",
        NoReferencePriceAvailableForCalculatingTrailingStopTriggerPrice =
            "NO_REFERENCE_PRICE_AVAILABLE_FOR_CALCULATING_TRAILING_STOP_TRIGGER_PRICE",
        InsufficientClosingMargin = "INSUFFICIENT_CLOSING_MARGIN",
        LimitPriceSetAsAbsoluteAndRelative = "LIMIT_PRICE_SET_AS_ABSOLUTE_AND_RELATIVE",
        LimitPriceOffsetValueInvalid = "LIMIT_PRICE_OFFSET_VALUE_INVALID",
        LimitPriceOffsetUnitInvalid = "LIMIT_PRICE_OFFSET_UNIT_INVALID",
        LimitPriceOffsetMustHaveValueAndUnit = "LIMIT_PRICE_OFFSET_MUST_HAVE_VALUE_AND_UNIT",
        LimitPriceOffsetQuoteCurrencyValueMustBeMultipleOfTickSize =
            "LIMIT_PRICE_OFFSET_QUOTE_CURRENCY_VALUE_MUST_BE_MULTIPLE_OF_TICK_SIZE",
        LimitPriceOffsetPercentValueTooManyDecimalPlaces =
            "LIMIT_PRICE_OFFSET_PERCENT_VALUE_TOO_MANY_DECIMAL_PLACES",
        LimitPriceOffsetTooHigh = "LIMIT_PRICE_OFFSET_TOO_HIGH",
        LimitPriceOffsetTooLow = "LIMIT_PRICE_OFFSET_TOO_LOW",
    }
}

impl OrderError {
    /// What `/sendorder` says when a new order fails this check.
    ///
    /// Errors that only an edit or a cancel can meet have the word of that request.
    #[must_use]
    pub const fn send_status(self) -> SendStatus {
        match self {
            Self::InvalidPrice
            | Self::OrderCannotHaveTriggerPrice
            | Self::TrailingStopPercentDeviationExceedsMaxDecimalPlaces
            | Self::TrailingStopQuoteDeviationNotMultipleOfTickSize
            | Self::TrailingStopMaxDeviationTooLarge
            | Self::TrailingStopMaxDeviationTooSmall
            | Self::InsufficientHeadroomAroundCurrentPriceToEditTrailingStop
            | Self::NoReferencePriceAvailableForCalculatingTrailingStopTriggerPrice
            | Self::LimitPriceSetAsAbsoluteAndRelative
            | Self::LimitPriceOffsetValueInvalid
            | Self::LimitPriceOffsetUnitInvalid
            | Self::LimitPriceOffsetMustHaveValueAndUnit
            | Self::LimitPriceOffsetQuoteCurrencyValueMustBeMultipleOfTickSize
            | Self::LimitPriceOffsetPercentValueTooManyDecimalPlaces
            | Self::LimitPriceOffsetTooHigh
            | Self::LimitPriceOffsetTooLow => SendStatus::InvalidPrice,
            Self::InsufficientMargin | Self::InsufficientClosingMargin => {
                SendStatus::InsufficientAvailableFunds
            }
            Self::OrderLimitExceeded | Self::TrailingStopOrderLimitExceeded => SendStatus::TooManyOrders,
            Self::InvalidQuantity => SendStatus::InvalidSize,
            Self::SmallOrderLimitExceeded => SendStatus::TooManySmallOrders,
            Self::WouldCauseLiquidation => SendStatus::WouldCauseLiquidation,
            Self::ClientOrderIdInUse => SendStatus::ClientOrderIdAlreadyExist,
            Self::ClientOrderIdTooLong => SendStatus::ClientOrderIdTooBig,
            Self::MaxPositionExceeded => SendStatus::MaxPositionViolation,
            Self::PriceCollar => SendStatus::OutsidePriceCollar,
            Self::PriceDislocation => SendStatus::WouldIncreasePriceDislocation,
            Self::EditHasNoEffect => SendStatus::Edited,
            Self::OrderForCancellationNotFound => SendStatus::NotFound,
            Self::OrderForEditNotFound => SendStatus::OrderForEditNotFound,
            Self::PostWouldExecute => SendStatus::PostWouldExecute,
            Self::IocWouldNotExecute => SendStatus::IocWouldNotExecute,
            Self::WouldExecuteSelf => SendStatus::SelfFill,
            Self::WouldNotReducePosition => SendStatus::WouldNotReducePosition,
            Self::RejectedAfterExecution => SendStatus::PartiallyFilled,
            Self::MarketIsPostOnly => SendStatus::MarketIsPostOnly,
            Self::FixedLeverageTooHigh => SendStatus::FixedLeverageTooHigh,
            Self::CannotEditTriggerPriceOfTrailingStop => SendStatus::CannotEditTriggerPriceOfTrailingStop,
            Self::CannotEditLimitPriceOfTrailingStop => SendStatus::CannotEditLimitPriceOfTrailingStop,
            Self::MarketSuspended => SendStatus::MarketSuspended,
            Self::MarketNotFound => SendStatus::MarketInactive,
        }
    }

    /// What `/batchorder` says of an element that fails this check: as [`Self::send_status`], but for the spelling of a
    /// client's id that is too long.
    #[must_use]
    pub const fn batch_status(self) -> SendStatus {
        match self {
            Self::ClientOrderIdTooLong => SendStatus::ClientOrderIdTooLong,
            _ => self.send_status(),
        }
    }

    /// What `/editorder` says when an edit fails this check: as [`Self::send_status`], but for a trigger price on an order
    /// that can have none. `None` for what no edit meets: a refused client id, and cancelling.
    #[must_use]
    pub fn edit_status(self) -> Option<EditStatus> {
        match self {
            Self::OrderCannotHaveTriggerPrice => Some(EditStatus::OrderForEditNotAStop),
            _ => EditStatus::from_word(self.send_status().as_str()),
        }
    }
}

words! {
    /// The error word of a request that was not carried out.
    pub enum Error {
        AccountInactive = "accountInactive",
        ApiLimitExceeded = "apiLimitExceeded",
        AuthenticationError = "authenticationError",
        InsufficientFunds = "insufficientFunds",
        InvalidAccount = "invalidAccount",
        InvalidAmount = "invalidAmount",
        InvalidArgument = "invalidArgument",
        InvalidUnit = "invalidUnit",
        JsonParseError = "Json Parse Error",
        MarketUnavailable = "marketUnavailable",
        NonceBelowThreshold = "nonceBelowThreshold",
        NonceDuplicate = "nonceDuplicate",
        NotFound = "notFound",
        RequiredArgumentMissing = "requiredArgumentMissing",
        ServerError = "Server Error",
        Unavailable = "Unavailable",
        UnknownError = "unknownError",
    }
}
