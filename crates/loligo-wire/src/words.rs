//! Words that generations of the API have in common, one enum a list. Where a generation spells one in its own way, it says
//! so in its own words.

/// Declares an enum of wire words: the variants, and how each is spelled.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* #[doc = concat!("`", $word, "`")] $variant,)+
        }

        impl $name {
            /// All words, in the order in which the contract lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it travels.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant that a word spells, exactly.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The side of an order or trade.
    pub enum Side {
        Buy = "buy",
        Sell = "sell",
    }
}

words! {
    /// How a fill came about.
    pub enum FillType {
        Maker = "maker",
        Taker = "taker",
        Liquidation = "liquidation",
        PartialLiquidation = "partialLiquidation",
        Assignor = "assignor",
        Assignee = "assignee",
        TakerAfterEdit = "takerAfterEdit",
        UnwindBankrupt = "unwindBankrupt",
        UnwindCounterparty = "unwindCounterparty",
    }
}

words! {
    /// The unit of a trailing deviation or a relative limit.
    pub enum DeviationUnit {
        Percent = "PERCENT",
        QuoteCurrency = "QUOTE_CURRENCY",
    }
}

impl DeviationUnit {
    /// Reads a unit in any case: clients send `percent` as well as `PERCENT`.
    #[must_use]
    pub fn from_any_case(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|unit| unit.as_str().eq_ignore_ascii_case(word))
    }
}

/// The price that a trigger watches. Each part of the dialect spells it in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TriggerSignal {
    /// The mark price.
    Mark,
    /// The index price, also called spot.
    Index,
    /// The price of the last trade.
    Last,
    /// A stored value that this version cannot decode.
    Unknown,
}

impl TriggerSignal {
    /// All signals.
    pub const ALL: &'static [Self] = &[Self::Mark, Self::Index, Self::Last, Self::Unknown];

    /// As `/openorders` and the feeds spell it: `mark`, `spot`, `last`; they have no word for the unknown.
    #[must_use]
    pub const fn feed_word(self) -> Option<&'static str> {
        match self {
            Self::Mark => Some("mark"),
            Self::Index => Some("spot"),
            Self::Last => Some("last"),
            Self::Unknown => None,
        }
    }
}

words! {
    /// Why an order record last changed.
    pub enum OrderUpdateReason {
        LoadingMarket = "LOADING_MARKET",
        NewUserOrder = "NEW_USER_ORDER",
        LiquidationOrder = "LIQUIDATION_ORDER",
        StopOrderTriggered = "STOP_ORDER_TRIGGERED",
        LimitFromStop = "LIMIT_FROM_STOP",
        PartialFill = "PARTIAL_FILL",
        FullFill = "FULL_FILL",
        CancelledByUser = "CANCELLED_BY_USER",
        ContractExpired = "CONTRACT_EXPIRED",
        NotEnoughMargin = "NOT_ENOUGH_MARGIN",
        MarketInactive = "MARKET_INACTIVE",
        DeadManSwitch = "DEAD_MAN_SWITCH",
        CancelledByAdmin = "CANCELLED_BY_ADMIN",
        PostWouldExecute = "POST_WOULD_EXECUTE_REASON",
        IocWouldNotExecute = "IOC_WOULD_NOT_EXECUTE_REASON",
        WouldExecuteSelf = "WOULD_EXECUTE_SELF_REASON",
        WouldNotReducePosition = "WOULD_NOT_REDUCE_POSITION",
        EditedByUser = "EDITED_BY_USER",
        OrderForEditNotFound = "ORDER_FOR_EDIT_NOT_FOUND_REASON",
        Expired = "EXPIRED",
        TrailingStopPriceUpdated = "TRAILING_STOP_PRICE_UPDATED",
        TrailingStopCancelledAndReplacedByAdmin = "TRAILING_STOP_CANCELLED_AND_REPLACED_BY_ADMIN",
        /// A stored reason that this version does not know.
        Unknown = "unknown",
    }
}

words! {
    /// The maturity that a ticker is tagged with.
    pub enum TickerTag {
        Perpetual = "perpetual",
        Week = "week",
        Month = "month",
        Quarter = "quarter",
        Semiannual = "semiannual",
    }
}
