//! The exchange as a pure function: commands in, outcomes and events out.
//!
//! ```text
//! Command + time ──> Exchange::apply ──> Outcome + Events
//! ```
//!
//! Same commands, same times: same outcomes, same events, same state, to the byte, on any machine. The crate knows no
//! clock, no randomness, no files, no sockets, no JSON, and no name a wire protocol gives to anything.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod account;
mod book;
mod codes;
mod command;
mod event;
mod exchange;
mod id;
mod instrument;
mod invariants;
mod margin;
mod market;
mod money;
mod order;
mod trigger;
mod view;

pub use account::SelfTradeStrategy;
#[doc(hidden)]
pub use codes::{PARTS_MAX, next_part};
pub use command::{
    AskedDeviation, AskedDistance, AskedOffset, AskedTrigger, CancelOrder, ClientOrderId, Command,
    CreateAccount, Deposit, EditOrder, Genesis, Limits, LimitsChange, OnGrid, OrderRef, OrderType,
    PlaceOrder, QtyMode, Transfer, Withdraw, Written, WrittenNumber,
};
pub use event::{
    BalanceCause, EditRefusal, Event, Execution, Fill, FillRole, OrderChange, OrderError, OrderStatus,
    OrderView, Outcome, Refusal, UpdateReason,
};
pub use exchange::{CodecError, Exchange, RULES_VERSION, WORK_PER_RECORD, fee_schedule};
pub use id::{
    AccountId, Currency, ExecutionId, InstrumentId, OrderId, PairId, Price, Qty, Side, Timestamp, Wallet,
};
pub use instrument::{
    ContractKind, Instrument, InstrumentSpec, Leverage, ListingError, MAX_LOTS, MAX_TICKS, MarginLevel,
};
pub use invariants::{Audit, CurrencyAudit, Violation};
pub use money::{Fine, FinePrice, Money};
pub use trigger::{Attached, Distance, DistanceUnit, Signal, Trigger, TriggerKind, TriggerSide};
pub use view::{
    AccountView, Dislocation, FeeRates, FeeTier, MarginQuote, MarketState, MarketView, MaxOrderSize,
    PositionView, WalletView,
};
