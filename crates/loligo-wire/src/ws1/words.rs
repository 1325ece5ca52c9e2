//! Words that only the feeds have, or spell in their own way.

use super::market::CandlesFeed;
use crate::words::{DeviationUnit, OrderUpdateReason, words};

words! {
    /// What can be subscribed to under a name of its own. Feeds of candles are [named](FeedName) after their resolution.
    pub enum Feed {
        Ticker = "ticker",
        TickerLite = "ticker_lite",
        Trade = "trade",
        Book = "book",
        Heartbeat = "heartbeat",
        OpenOrders = "open_orders",
        OpenOrdersVerbose = "open_orders_verbose",
        Fills = "fills",
        OpenPositions = "open_positions",
        Balances = "balances",
        AccountBalancesAndMargins = "account_balances_and_margins",
        AccountLog = "account_log",
        DepositsWithdrawals = "deposits_withdrawals",
        NotificationsAuth = "notifications_auth",
    }
}

/// A feed as a request names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedName {
    /// One with a name of its own.
    Of(Feed),
    /// One of candles.
    Candles(CandlesFeed),
}

impl FeedName {
    /// The feed of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Feed::from_word(word).map(Self::Of).or_else(|| CandlesFeed::from_word(word).map(Self::Candles))
    }

    /// Whether the `product_ids` of a request mean something to it.
    #[must_use]
    pub const fn takes_products(self) -> bool {
        match self {
            Self::Of(feed) => feed.takes_products(),
            Self::Candles(_) => true,
        }
    }
}

impl From<Feed> for FeedName {
    fn from(feed: Feed) -> Self {
        Self::Of(feed)
    }
}

impl std::fmt::Display for FeedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Of(feed) => f.write_str(feed.as_str()),
            Self::Candles(feed) => feed.fmt(f),
        }
    }
}

/// Whom a feed is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Anyone, for the products named.
    Products,
    /// Anyone; it has no products.
    Everyone,
    /// The account whose key signs the request.
    Account,
}

impl Feed {
    /// Whom it is for.
    #[must_use]
    pub const fn audience(self) -> Audience {
        match self {
            Self::Ticker | Self::TickerLite | Self::Trade | Self::Book => Audience::Products,
            Self::Heartbeat => Audience::Everyone,
            Self::OpenOrders
            | Self::OpenOrdersVerbose
            | Self::Fills
            | Self::OpenPositions
            | Self::Balances
            | Self::AccountBalancesAndMargins
            | Self::AccountLog
            | Self::DepositsWithdrawals
            | Self::NotificationsAuth => Audience::Account,
        }
    }

    /// Whether the `product_ids` of a request mean something to it.
    #[must_use]
    pub const fn takes_products(self) -> bool {
        matches!(self.audience(), Audience::Products) || matches!(self, Self::Fills)
    }
}

words! {
    /// What an order in `open_orders` is: all that is no trigger shows as `limit`.
    pub enum OpenOrderType {
        Limit = "limit",
        Stop = "stop",
        TakeProfit = "take_profit",
        TrailingStop = "trailing_stop",
    }
}

words! {
    /// The type of an order in `fills`.
    pub enum FillOrderType {
        Limit = "lmt",
        ImmediateOrCancel = "ioc",
        Post = "post",
        Market = "market",
        Stop = "stp",
        FillOrKill = "fillOrKill",
        Liquidation = "liquidation",
        Assignment = "assignment",
        Unwind = "unwind",
        Block = "block",
        CoveredLiquidation = "coveredLiquidation",
        HedgeImmediateOrCancel = "hedgeImmediateOrCancel",
        HedgeAssignment = "hedgeAssignment",
    }
}

/// A unit as the feeds spell it.
pub(super) const fn unit(unit: DeviationUnit) -> &'static str {
    match unit {
        DeviationUnit::Percent => "percent",
        DeviationUnit::QuoteCurrency => "quote_currency",
    }
}

impl OrderUpdateReason {
    /// As the open orders feed spells it. Two pairs share a word there. An order that is put back when its market loads is
    /// not told at all: it is in the snapshot.
    #[must_use]
    pub const fn ws_word(self) -> Option<&'static str> {
        match self {
            Self::LoadingMarket => None,
            Self::NewUserOrder => Some("new_placed_order_by_user"),
            Self::LiquidationOrder => Some("liquidation"),
            Self::StopOrderTriggered => Some("stop_order_triggered"),
            Self::LimitFromStop => Some("limit_order_from_stop"),
            Self::PartialFill => Some("partial_fill"),
            Self::FullFill => Some("full_fill"),
            Self::CancelledByUser => Some("cancelled_by_user"),
            Self::ContractExpired | Self::Expired => Some("contract_expired"),
            Self::NotEnoughMargin => Some("not_enough_margin"),
            Self::MarketInactive => Some("market_inactive"),
            Self::DeadManSwitch => Some("dead_man_switch"),
            Self::CancelledByAdmin | Self::TrailingStopCancelledAndReplacedByAdmin => {
                Some("cancelled_by_admin")
            }
            Self::PostWouldExecute => Some("post_order_failed_because_it_would_filled"),
            Self::IocWouldNotExecute => Some("ioc_order_failed_because_it_would_not_be_executed"),
            Self::WouldExecuteSelf => Some("would_execute_self"),
            Self::WouldNotReducePosition => Some("would_not_reduce_position"),
            Self::EditedByUser => Some("edited_by_user"),
            Self::OrderForEditNotFound => Some("order_for_edit_not_found"),
            Self::TrailingStopPriceUpdated => Some("trailing_stop_price_updated"),
            Self::Unknown => Some("unknown"),
        }
    }
}
