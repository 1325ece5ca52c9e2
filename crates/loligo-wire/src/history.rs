//! The history API: what travels under `/api/history/v2` and `/api/history/v3`, which are two names of one thing.
//!
//! Its ways differ from those of [`crate::v3`]: errors have real HTTP statuses, instants are whole milliseconds since 1970,
//! amounts are strings, and symbols stand in upper case. The account log alone has numbers, RFC 3339 and lower case.

mod account;
mod csv;
mod errors;
mod executions;
mod orders;
mod page;
mod positions;
mod public;
mod requests;
mod triggers;
pub mod words;

pub use account::write_account_log;
pub use csv::write_account_log_csv;
pub use errors::HistoryError;
pub use executions::{Execution, ExecutionSide, Trade};
pub use orders::{Amount, NotFound, Order, OrderEvent, OrderStep};
pub use page::{Element, Event, write_account_page, write_public_page};
pub use positions::{PositionCause, PositionUpdate};
pub use public::{PublicExecution, PublicOrder, PublicPrice};
pub use requests::{
    AccountLog, AccountLogCsv, Count, Events, InvalidArgument, MAX_COUNT, MAX_LOG_COUNT, MarketEvents,
    OrderEvents, PositionEvents, Range, Sort,
};
pub use triggers::{Distance, Trigger, TriggerEvent};
