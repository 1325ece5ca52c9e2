//! WebSocket API v1: what travels on `/ws/v1`.
//!
//! A client's text becomes a [`Request`], or a [`RequestError`] that knows its answer. Answers and feed messages are appended
//! to a buffer, each one whole JSON object, which is one frame.
//!
//! ```
//! use loligo_wire::ws1::{Alert, Feed, FeedName, Request, RequestError};
//!
//! let text = r#"{"event":"subscribe","feed":"book","product_ids":["PF_XBTUSD"],"depth":10}"#;
//! let Ok(Request::Subscribe(asked)) = Request::parse(text) else { unreachable!() };
//! assert_eq!((asked.feed, &*asked.product_ids[0]), (FeedName::Of(Feed::Book), "PF_XBTUSD"));
//!
//! let mut frame = Vec::new();
//! Alert::NotSubscribed.write(&mut frame);
//! assert_eq!(frame, br#"{"event":"alert","message":"Not subscribed to feed"}"#);
//! assert_eq!(Request::parse(r#"{"event":"ping"}"#), Err(RequestError::UnknownMessage));
//! ```

mod account;
mod answers;
mod balances;
mod book;
mod fills;
mod market;
mod orders;
mod requests;
mod words;

pub use account::{
    Payment, PaymentStatus, Position, write_account_log, write_account_log_snapshot,
    write_deposits_withdrawals, write_notifications, write_open_positions,
};
pub use answers::{Alert, Answer, write_challenge, write_heartbeat, write_info};
pub use balances::{
    ChangedWallets, Collateral, Equity, FlexWallet, MarginAccount, SingleWallet, Unrealized, Wallets,
    write_account_balances_and_margins,
};
pub use book::{BookUpdate, write_book_snapshot};
pub use fills::{Fill, write_fills, write_fills_snapshot};
pub use market::{CandlesFeed, Funding, Ticker, TickerLite, Trade, TradeKind, write_trade_snapshot};
pub use orders::{
    OpenOrder, OrderRemoval, OrderUpdate, OrdersFeed, TrailingStopOptions, write_open_orders_snapshot,
};
pub use requests::{Credentials, MAX_PRODUCT_IDS, Request, RequestError, Subscription};
pub use words::{Audience, Feed, FeedName, FillOrderType, OpenOrderType};

/// Where the API is served.
pub const PATH: &str = "/ws/v1";
