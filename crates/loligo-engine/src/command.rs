//! What may be asked of the exchange, already parsed and typed. Commands are what the journal keeps.

use crate::id::{AccountId, Currency, InstrumentId, OrderId, PairId, Side, Timestamp, Wallet};
use crate::instrument::InstrumentSpec;
use crate::money::{FinePrice, Money};
use serde::{Deserialize, Serialize};

/// One change asked of the exchange. Every command has an outcome; none can fail otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The first record of a venue: what it lists and which figures hold.
    Genesis(Box<Genesis>),
    /// The exchange was started: markets are loaded, resting orders go back to their books.
    Start,
    /// Time passes; whatever is due happens. Every other command does this first, too.
    Advance,
    /// Opens an account.
    CreateAccount(CreateAccount),
    /// The operator books money into a wallet, or (negative) out of it.
    Deposit(Deposit),
    /// Lists one more contract.
    List(Box<InstrumentSpec>),
    /// The price source publishes an index price. Ignored while the pair is pinned.
    PublishIndex {
        /// Of which pair.
        pair: PairId,
        /// The price; positive.
        price: FinePrice,
    },
    /// The operator pins a pair's index (`Some`), or releases it.
    PinIndex {
        /// Of which pair.
        pair: PairId,
        /// The price; positive.
        price: Option<FinePrice>,
    },
    /// The operator pins a contract's mark price (`Some`), or releases it to its formula.
    PinMark {
        /// Of which contract.
        instrument: InstrumentId,
        /// The price; positive.
        price: Option<FinePrice>,
    },
    /// Places an order.
    Place(PlaceOrder),
    /// Amends an open order.
    Edit(EditOrder),
    /// Cancels one order.
    Cancel(CancelOrder),
    /// Cancels all open orders of an account, or those of one contract.
    CancelAll {
        /// Whose.
        account: AccountId,
        /// In which contract; all when absent.
        instrument: Option<InstrumentId>,
    },
    /// A fault on purpose: applying it panics. Shows what a poisoned record does to a venue.
    InjectPanic,
}

/// The figures a venue starts with. A later start that names others is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Keys the engine's hash tables, so that their layout cannot be guessed.
    pub table_seed: u64,
    /// Contracts listed from the start.
    pub instruments: Vec<InstrumentSpec>,
    /// First index prices by pair name.
    pub indexes: Vec<(String, FinePrice)>,
    /// Limits of orders.
    pub limits: Limits,
}

/// Figures of the order checks (rules 1.11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Resting orders per account and contract.
    pub open_orders: u32,
    /// Open orders worth less than `small_order_usd`, per account and contract.
    pub small_orders: u32,
    /// Below how many whole USD an order counts as small.
    pub small_order_usd: u32,
    /// Greatest value of one order, in whole USD.
    pub order_value_usd: u64,
    /// How far from mark an execution may be, in millionths.
    pub price_collar: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_orders: 500,
            small_orders: 50,
            small_order_usd: 10,
            order_value_usd: 20_000_000,
            price_collar: 200_000,
        }
    }
}

/// Opens an account; it gets the next free [`AccountId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAccount {
    /// The master account, for a subaccount.
    pub parent: Option<AccountId>,
    /// The house's own participants: exempt from the order count limits, their volume counts in no fee tier.
    pub house: bool,
}

/// Money booked by the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// To whom.
    pub account: AccountId,
    /// Into which wallet.
    pub wallet: Wallet,
    /// Of which currency; an inverse wallet takes only its base currency.
    pub currency: Currency,
    /// How much; negative takes out.
    pub amount: Money,
}

/// A number as a client gave it, put on an instrument's grid: either so many steps, or a value that is off it. The
/// engine refuses what is off the grid in its place among the checks, so that the order of refusals is the rules'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnGrid {
    /// A whole number of ticks or lots; may be zero or negative.
    Steps(i64),
    /// Between two steps.
    Off,
    /// Beyond every step the engine counts.
    TooLarge,
}

/// A client's own name for an order, as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientOrderId {
    /// 1 to 100 characters, none of them a control character.
    Valid(Box<str>),
    /// More than 100 characters.
    TooLong,
    /// Empty, with control characters, or not text.
    Invalid,
}

/// How an order wants to trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderType {
    /// Matches at its limit or better; the rest enters the book.
    Limit,
    /// Must rest in full.
    Post,
    /// Matches at its limit or better; the rest lapses.
    ImmediateOrCancel,
    /// As [`OrderType::ImmediateOrCancel`], with a limit 1% beyond the best opposite price.
    Market,
    /// Fills in full at its limit or better, or not at all.
    FillOrKill,
}

/// Places an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceOrder {
    /// Whose.
    pub account: AccountId,
    /// In which contract.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How it wants to trade.
    pub order_type: OrderType,
    /// How many lots.
    pub qty: OnGrid,
    /// Limit in ticks. Required but for `Market`, where it is ignored.
    pub limit_price: Option<OnGrid>,
    /// A stop price sent with an order that is no trigger: refused.
    pub stop_price: Option<OnGrid>,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// The client's own name for it.
    pub client_order_id: Option<ClientOrderId>,
    /// From this instant on the order must not be taken up.
    pub process_before: Option<Timestamp>,
}

/// Which order is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderRef {
    /// By the exchange's number. A number never given out is simply not found.
    Id(OrderId),
    /// By the account's own name for it.
    Client(Box<str>),
}

/// How the size of an edit is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum QtyMode {
    /// The new open quantity.
    #[default]
    Relative,
    /// The new total, past fills included.
    Absolute,
}

/// Amends an open order. Absent fields stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditOrder {
    /// Whose.
    pub account: AccountId,
    /// Which order.
    pub order: OrderRef,
    /// New limit in ticks.
    pub limit_price: Option<OnGrid>,
    /// New stop price: refused for orders that are no triggers.
    pub stop_price: Option<OnGrid>,
    /// New size in lots.
    pub qty: Option<OnGrid>,
    /// How `qty` is meant.
    pub qty_mode: QtyMode,
    /// From this instant on the edit must not be taken up.
    pub process_before: Option<Timestamp>,
}

/// Cancels one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// Whose.
    pub account: AccountId,
    /// Which order.
    pub order: OrderRef,
    /// From this instant on the cancel must not be taken up.
    pub process_before: Option<Timestamp>,
}
