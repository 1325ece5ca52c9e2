//! The wire words of this generation, one enum a list, each word exactly as it travels.

mod reasons;
mod statuses;

pub use crate::words::{DeviationUnit, FillType, OrderUpdateReason, Side, TickerTag, TriggerSignal};
pub use reasons::{Error, OrderError};
pub use statuses::{CancelAllStatus, CancelStatus, EditStatus, OrderStatus, SendStatus};

use crate::words::words;

words! {
    /// The side of a position.
    pub enum PositionSide {
        Long = "long",
        Short = "short",
    }
}

words! {
    /// The type that a request asks for.
    pub enum OrderType {
        Limit = "lmt",
        Post = "post",
        ImmediateOrCancel = "ioc",
        Market = "mkt",
        Stop = "stp",
        TakeProfit = "take_profit",
        TrailingStop = "trailing_stop",
        FillOrKill = "fok",
    }
}

words! {
    /// The type that an order event shows. A market order shows as `ioc` with its implied limit.
    pub enum EventOrderType {
        Limit = "lmt",
        ImmediateOrCancel = "ioc",
        Post = "post",
        Liquidation = "liquidation",
        Assignment = "assignment",
        Stop = "stp",
        Unwind = "unwind",
        Block = "block",
        FillOrKill = "fok",
        Unknown = "unknown",
    }
}

words! {
    /// The type that `/openorders` shows: `lmt` for post-only orders too, `stop` for trailing stops too. Clients lose the
    /// whole list over any other word.
    pub enum OpenOrderType {
        Limit = "lmt",
        Stop = "stop",
        TakeProfit = "take_profit",
    }
}

words! {
    /// The state that `/openorders` shows; waiting triggers are untouched.
    pub enum OpenOrderStatus {
        Untouched = "untouched",
        PartiallyFilled = "partiallyFilled",
    }
}

words! {
    /// What an order record of `/orders/status` is.
    pub enum OrderKind {
        /// A waiting, cancelled, refused or failed trigger.
        TriggerOrder = "TRIGGER_ORDER",
        /// An order of the book, fired triggers included.
        Order = "ORDER",
    }
}

words! {
    /// Why an order did not meet the book, in its REJECT event.
    pub enum RejectReason {
        PostWouldExecute = "POST_WOULD_EXECUTE",
        /// Nothing to match (`ioc`, `mkt`), or not enough (`fok`).
        IocWouldNotExecute = "IOC_WOULD_NOT_EXECUTE",
    }
}

words! {
    /// How a public trade came about.
    pub enum TradeType {
        Fill = "fill",
        Liquidation = "liquidation",
        PartialLiquidation = "partial liquidation",
        Assignment = "assignment",
        Termination = "termination",
        Unwind = "unwind",
        Rfq = "rfq",
        Block = "block",
    }
}

words! {
    /// The family of a market.
    pub enum InstrumentType {
        /// Linear, multi-collateral: `PF_` and `FF_`.
        FlexibleFutures = "flexible_futures",
        /// Inverse: `PI_` and `FI_`.
        FuturesInverse = "futures_inverse",
        /// Linear of an older kind.
        FuturesVanilla = "futures_vanilla",
        /// `OF_`.
        Options = "options",
    }
}

words! {
    /// The families that a market data request asks for.
    pub enum ContractType {
        FuturesInverse = "futures_inverse",
        FuturesVanilla = "futures_vanilla",
        FlexibleFutures = "flexible_futures",
        Options = "options",
        All = "all",
    }
}

words! {
    /// Which way a market is dislocated.
    pub enum DislocationDirection {
        AboveUpperBound = "ABOVE_UPPER_BOUND",
        BelowLowerBound = "BELOW_LOWER_BOUND",
    }
}

words! {
    /// What the size of an edit means.
    pub enum QuantityMode {
        /// The total, past fills included.
        Absolute = "ABSOLUTE",
        /// The open rest.
        Relative = "RELATIVE",
    }
}

words! {
    /// What happens when an order would trade with one of its own account or family.
    pub enum SelfTradeStrategy {
        /// The arriving order is refused.
        RejectTaker = "REJECT_TAKER",
        /// A resting order of the same account gives way; to one of the family the arriving order is refused.
        CancelMakerSelf = "CANCEL_MAKER_SELF",
        /// The same, and those of subaccounts give way to their master.
        CancelMakerChild = "CANCEL_MAKER_CHILD",
        /// A resting order of any account of the family gives way.
        CancelMakerAny = "CANCEL_MAKER_ANY",
    }
}

words! {
    /// When an account takes part in the assignment program.
    pub enum TimeFrame {
        All = "ALL",
        Weekdays = "WEEKDAYS",
        Weekend = "WEEKEND",
    }
}

impl TimeFrame {
    /// The word in any case; an earlier document has another form of the last one.
    #[must_use]
    pub fn from_any_case(word: &str) -> Option<Self> {
        let word = word.to_ascii_uppercase();
        if word == "WEEKENDS" { Some(Self::Weekend) } else { Self::from_word(&word) }
    }
}

impl TriggerSignal {
    /// Reads a request's `triggerSignal`; `spot` is the index too.
    #[must_use]
    pub fn from_request(word: &str) -> Option<Self> {
        match word {
            "mark" => Some(Self::Mark),
            "index" | "spot" => Some(Self::Index),
            "last" => Some(Self::Last),
            _ => None,
        }
    }

    /// As `/orders/status` spells it: `MARK_PRICE`, `SPOT_PRICE`, `LAST_PRICE`.
    #[must_use]
    pub const fn status_word(self) -> &'static str {
        match self {
            Self::Mark => "MARK_PRICE",
            Self::Index => "SPOT_PRICE",
            Self::Last => "LAST_PRICE",
            Self::Unknown => "unknown",
        }
    }

    /// As order events spell it: `mark_price`, `spot_price`, `last_price`.
    #[must_use]
    pub const fn event_word(self) -> &'static str {
        match self {
            Self::Mark => "mark_price",
            Self::Index => "spot_price",
            Self::Last => "last_price",
            Self::Unknown => "unknown",
        }
    }
}

/// On which side of the trigger price the signal must arrive; reaching it includes equality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TriggerSide {
    /// At the trigger price or above.
    Above,
    /// At the trigger price or below.
    Below,
    /// A stored value that this version cannot decode.
    Unknown,
}

impl TriggerSide {
    /// Both sides and the unknown one.
    pub const ALL: &'static [Self] = &[Self::Above, Self::Below, Self::Unknown];

    /// As `/orders/status` spells it.
    #[must_use]
    pub const fn status_word(self) -> &'static str {
        match self {
            Self::Above => "TRIGGER_ABOVE",
            Self::Below => "TRIGGER_BELOW",
            Self::Unknown => "unknown",
        }
    }

    /// As order events spell it.
    #[must_use]
    pub const fn event_word(self) -> &'static str {
        match self {
            Self::Above => "trigger_above",
            Self::Below => "trigger_below",
            Self::Unknown => "unknown",
        }
    }
}
