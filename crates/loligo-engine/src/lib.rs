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
mod assignment;
mod book;
mod codes;
mod collateral;
mod command;
mod depth;
mod event;
mod exchange;
mod fees;
mod funding;
mod id;
mod instrument;
mod invariants;
mod margin;
mod market;
mod money;
mod order;
mod outcome;
mod past;
mod settlement;
mod slot;
mod stored;
mod trigger;
mod view;
mod words;

pub use assignment::{AssignmentProgram, ProgramChange, Provider};
pub use collateral::currencies;
pub use command::{
    AskedDeviation, AskedDistance, AskedOffset, AskedTrigger, CancelOrder, ClientOrderId, Command,
    CreateAccount, Deposit, EditOrder, Genesis, Limits, LimitsChange, OnGrid, OrderRef, PlaceOrder, Transfer,
    Withdraw, Written, WrittenNumber,
};
pub use event::{
    Conversion, ConversionLeg, EditRefusal, Event, Execution, Fill, FundingBooked, GainPaid, InterestPaid,
    OrderChange, OrderView, Settlement,
};
pub use exchange::{CodecError, Exchange, RULES_VERSION, UnwindPlaces, WORK_PER_RECORD, fee_schedule};
pub use fees::{FeeRates, FeeTier};
pub use funding::FundingRate;
pub use id::{
    AccountId, Currency, ExecutionId, InstrumentId, OrderId, PairId, Price, ProgramId, Qty, Side, Timestamp,
    Wallet,
};
pub use instrument::{Instrument, InstrumentSpec, Leverage, ListingError, MAX_LOTS, MAX_TICKS, MarginLevel};
pub use invariants::{Audit, CurrencyAudit, Violation};
pub use money::{Fine, FinePrice, Money};
pub use outcome::*;
pub use past::{MarketPast, PastHour, PastRate, PastTrade};
#[doc(hidden)]
pub use stored::{PARTS_MAX, next_part};
pub use trigger::{Attached, Distance, Trigger};
pub use view::{
    AccountView, CollateralView, FlexView, FundingView, MarginQuote, MarkEstimates, MarketView, MaxOrderSize,
    PositionRisk, PositionView, WalletView,
};
pub use words::{
    BalanceCause, ContractKind, Dislocation, DistanceUnit, FillRole, MarketState, OrderError, OrderStatus,
    OrderType, QtyMode, SelfTradeStrategy, Signal, TimeFrame, TriggerKind, TriggerSide, UpdateReason,
};
