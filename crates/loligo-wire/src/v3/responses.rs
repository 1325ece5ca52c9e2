//! What clients are told, written as JSON bytes.
//!
//! An answer is appended to a buffer the caller owns, straight from integers: `write_*` functions take what they list as
//! iterators, so nothing is collected first. Every answer here is a success; the others are [`crate::v3::errors`].
//!
//! Symbols are upper case, wallets and their currencies lower case; they are written as given.
//!
//! ```
//! use loligo_wire::decimal::Decimal;
//! use loligo_wire::time::Timestamp;
//! use loligo_wire::v3::responses::write_order_book;
//!
//! let bids = [(Decimal::from_int(49_990), Decimal::new(15, 1))];
//! let mut body = Vec::new();
//! write_order_book(&mut body, bids, [], Timestamp::from_micros(0));
//! let expected = r#"{"result":"success","orderBook":{"bids":[[49990,1.5]],"asks":[]},"serverTime":"1970-01-01T00:00:00.000Z"}"#;
//! assert_eq!(String::from_utf8(body).as_deref(), Ok(expected));
//! ```

mod account;
mod events;
mod margin;
mod market;
mod notices;
mod order;
mod programs;
mod settings;
mod status;

pub use account::{
    Accounts, Auxiliary, FeeSchedule, FeeTier, Fill, FlexAccount, FlexCurrency, MarginAccount, MarginFigures,
    OpenPosition, Subaccount, write_fee_schedule_volumes, write_fee_schedules, write_fills,
    write_open_positions, write_subaccounts,
};
pub use events::{Order, OrderEvent, OrderTrigger};
pub use margin::{InitialMargin, MaxOrderSize};
pub use market::{
    Funding, HistoricalFundingRate, Instrument, InstrumentStatus, MarginLevel, MarginLevelFrom, Ticker,
    Trade, TradingInstrument, write_funding_rates, write_history, write_instrument_status, write_instruments,
    write_instruments_status, write_order_book, write_ticker, write_tickers, write_trading_instruments,
};
pub use notices::write_notifications;
pub use order::{
    BatchResult, CancelAllOrders, CancelOrder, CancelledOrder, EditOrder, OpenOrder, SendOrder,
    write_batch_status, write_dead_mans_switch, write_open_orders,
};
pub use programs::{
    AssignmentChange, AssignmentProgram, write_assignment_history, write_assignment_program,
    write_assignment_programs, write_unwind_queue,
};
pub use settings::{
    LeveragePreference, PnlPreference, write_done, write_leverage_preferences, write_off_book_leverage,
    write_pnl_preferences, write_self_trade_strategy, write_trading_enabled, write_withdrawal,
};
pub use status::{CachedOrder, OrderStatusDetails, TrailingStopOptions, TriggerOptions, write_orders_status};
