//! WebSocket API v1: what travels on `/ws/v1`.
//!
//! A client's text becomes a [`Request`], or a [`RequestError`] that knows its answer. Answers and feed messages are appended
//! to a buffer, each one whole JSON object, which is one frame.
//!
//! ```
//! use loligo_wire::ws1::{Alert, Feed, Request, RequestError};
//!
//! let text = r#"{"event":"subscribe","feed":"book","product_ids":["PF_XBTUSD"],"depth":10}"#;
//! let Ok(Request::Subscribe(asked)) = Request::parse(text) else { unreachable!() };
//! assert_eq!((asked.feed, &*asked.product_ids[0]), (Feed::Book, "PF_XBTUSD"));
//!
//! let mut frame = Vec::new();
//! Alert::NotSubscribed.write(&mut frame);
//! assert_eq!(frame, br#"{"event":"alert","message":"Not subscribed to feed"}"#);
//! assert_eq!(Request::parse(r#"{"event":"ping"}"#), Err(RequestError::UnknownMessage));
//! ```

mod answers;
mod book;
mod fills;
mod orders;
mod requests;
mod words;

pub use answers::{Alert, Answer, write_challenge, write_heartbeat, write_info};
pub use book::{BookUpdate, write_book_snapshot};
pub use fills::{Fill, write_fills, write_fills_snapshot};
pub use orders::{
    OpenOrder, OrderRemoval, OrderUpdate, OrdersFeed, TrailingStopOptions, write_open_orders_snapshot,
};
pub use requests::{Credentials, MAX_PRODUCT_IDS, Request, RequestError, Subscription};
pub use words::{Audience, Feed, FillOrderType, OpenOrderType};

/// Where the API is served.
pub const PATH: &str = "/ws/v1";
