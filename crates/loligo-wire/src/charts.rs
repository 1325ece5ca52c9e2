//! Charts API v1, `/api/charts/v1`: candles and analytics over HTTP, without a signature. Candles have no envelope, and are
//! refused in plain text; analytics have one of their own.
//!
//! ```
//! use loligo_wire::args::Args;
//! use loligo_wire::charts::{CandleRange, Resolution, TickType};
//!
//! assert_eq!(TickType::from_word("spot"), Some(TickType::Spot));
//! assert_eq!(Resolution::from_word("4h").map(Resolution::seconds), Some(14_400));
//! let Ok(args) = Args::new(b"from=1790000100&count=5", b"") else { unreachable!() };
//! let range = CandleRange::read(&args);
//! assert_eq!(range, Ok(CandleRange { from: Some(1_790_000_100), to: None, count: 5 }));
//! ```

mod analytics;
mod requests;
mod responses;

pub use analytics::{
    AnalyticsError, AnalyticsRange, AnalyticsType, Data, MAX_STRETCHES, Spelling, best_price, liquidity,
    slippage, write_analytics,
};
pub use requests::{CandleRange, ChartsError, MAX_CANDLES};
pub use responses::{Candle, write_candles, write_resolutions, write_symbols, write_tick_types};

use crate::words::words;

/// Where the API is served.
pub const PATH: &str = "/api/charts/v1";

words! {
    /// What a candle is made of.
    pub enum TickType {
        /// The mark price.
        Mark = "mark",
        /// The index price.
        Spot = "spot",
        /// Trades.
        Trade = "trade",
    }
}

words! {
    /// How long a candle lasts.
    pub enum Resolution {
        OneMinute = "1m",
        FiveMinutes = "5m",
        FifteenMinutes = "15m",
        ThirtyMinutes = "30m",
        OneHour = "1h",
        FourHours = "4h",
        TwelveHours = "12h",
        OneDay = "1d",
        OneWeek = "1w",
    }
}

impl Resolution {
    /// How many seconds that is.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::OneMinute => 60,
            Self::FiveMinutes => 300,
            Self::FifteenMinutes => 900,
            Self::ThirtyMinutes => 1_800,
            Self::OneHour => 3_600,
            Self::FourHours => 14_400,
            Self::TwelveHours => 43_200,
            Self::OneDay => 86_400,
            Self::OneWeek => 604_800,
        }
    }
}
