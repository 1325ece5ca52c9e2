//! The words of the history API that the trading API spells in another way, or has not.

use crate::v3::words::{DeviationUnit, OrderUpdateReason, TriggerSide, TriggerSignal};
use crate::words::{Side, words};

words! {
    /// The type of an order; a triggered order has its child's.
    pub enum OrderType {
        Limit = "Limit",
        ImmediateOrCancel = "IoC",
        Post = "Post",
        Market = "Market",
        Liquidation = "Liquidation",
        PartialLiquidation = "PartialLiquidation",
        CoveredLiquidation = "CoveredLiquidation",
        Assignment = "Assignment",
        Stop = "Stop",
        Unwind = "Unwind",
        Block = "Block",
        HedgeImmediateOrCancel = "HedgeImmediateOrCancel",
        HedgeAssignment = "HedgeAssignment",
        FillOrKill = "FillOrKill",
        Rfq = "Rfq",
        Unknown = "Unknown",
    }
}

words! {
    /// On which side of a match an account's order was.
    pub enum ExecutionType {
        Maker = "maker",
        Taker = "taker",
    }
}

words! {
    /// What became of a position.
    pub enum PositionChange {
        Open = "open",
        Close = "close",
        Increase = "increase",
        Decrease = "decrease",
        Reverse = "reverse",
        NoChange = "noChange",
        Unknown = "unknown",
    }
}

words! {
    /// How the trade that changed a position came about.
    pub enum TradeType {
        UserExecution = "userExecution",
        Liquidation = "liquidation",
        PartialLiquidation = "partialLiquidation",
        Assignment = "assignment",
        Unwind = "unwind",
        Unknown = "unknown",
    }
}

impl Side {
    /// As history spells it.
    #[must_use]
    pub const fn history_word(self) -> &'static str {
        match self {
            Self::Buy => "Buy",
            Self::Sell => "Sell",
        }
    }
}

impl TriggerSignal {
    /// As history spells it.
    #[must_use]
    pub const fn history_word(self) -> &'static str {
        match self {
            Self::Mark => "MarkPrice",
            Self::Index => "SpotPrice",
            Self::Last => "LastPrice",
            Self::Unknown => "Unknown",
        }
    }
}

impl TriggerSide {
    /// As history spells it.
    #[must_use]
    pub const fn history_word(self) -> &'static str {
        match self {
            Self::Above => "Above",
            Self::Below => "Below",
            Self::Unknown => "Unknown",
        }
    }
}

impl DeviationUnit {
    /// As history spells it.
    #[must_use]
    pub const fn history_word(self) -> &'static str {
        match self {
            Self::Percent => "Percent",
            Self::QuoteCurrency => "QuoteCurrency",
        }
    }
}

impl OrderUpdateReason {
    /// As history spells it: as the feeds do, but for a new order. An order that is put back when its market loads has no event.
    #[must_use]
    pub const fn history_word(self) -> Option<&'static str> {
        match self {
            Self::NewUserOrder => Some("new_user_order"),
            other => other.ws_word(),
        }
    }
}
