//! What may be asked of the exchange, already parsed and typed. Commands are what the journal keeps.

use crate::assignment::AssignmentProgram;
use crate::id::{AccountId, Currency, InstrumentId, OrderId, PairId, ProgramId, Side, Timestamp, Wallet};
use crate::instrument::{InstrumentSpec, Leverage};
use crate::money::{FinePrice, Money};
use crate::past::MarketPast;
use crate::words::{DistanceUnit, MarketState, OrderType, QtyMode, SelfTradeStrategy, Signal, TriggerKind};
use serde::{Deserialize, Serialize};

/// One change asked of the exchange. Every command has an outcome; none can fail otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The operator pins a contract's mark price, its pair's index, or both: both are good, or none is pinned.
    PinPrices {
        /// Which contract.
        instrument: InstrumentId,
        /// The index of its pair; as it is when absent.
        index: Option<FinePrice>,
        /// Its mark; as it is when absent.
        mark: Option<FinePrice>,
    },
    /// The operator sets over how many seconds of samples the premium in marks is averaged.
    SetMarkSmoothing {
        /// At most 30, which holds unless something else is set; at 0 the newest sample counts alone.
        seconds: u8,
    },
    /// Places an order.
    Place(PlaceOrder),
    /// Places an order of which something is off the grid: it is refused, and what was sent is told with the refusal.
    PlaceOffGrid(Box<(PlaceOrder, Written)>),
    /// Amends an open order.
    Edit(EditOrder),
    /// Amends an open order with something that is off the grid; likewise.
    EditOffGrid(Box<(EditOrder, Written)>),
    /// Cancels one order.
    Cancel(CancelOrder),
    /// Cancels all open orders of an account, or those of one contract.
    CancelAll {
        /// Whose.
        account: AccountId,
        /// In which contract; all when absent.
        instrument: Option<InstrumentId>,
    },
    /// Arms, or disarms, the timer that cancels all orders of an account when it ends (dead man's switch).
    CancelAllAfter {
        /// Whose.
        account: AccountId,
        /// In how many seconds; 0 disarms.
        timeout_seconds: u32,
    },
    /// Chooses what happens when orders of one family meet; a master's choice, for its whole family.
    SetSelfTrade {
        /// The master account.
        account: AccountId,
        /// The choice.
        strategy: SelfTradeStrategy,
    },
    /// Gives a linear contract a margin of its own at a leverage (isolated), or puts it back with all the others (cross).
    SetLeverage {
        /// Whose.
        account: AccountId,
        /// In which contract.
        instrument: InstrumentId,
        /// The leverage; cross when absent.
        leverage: Option<Leverage>,
    },
    /// Has the gains of a linear contract paid in a currency of the account's choice, or in USD again.
    SetPnlPreference {
        /// Whose.
        account: AccountId,
        /// In which contract.
        instrument: InstrumentId,
        /// The currency; USD when absent.
        currency: Option<Currency>,
    },
    /// The operator sets what an hour of a large unrealised loss costs that no USD stands behind; zero is nothing.
    SetInterest {
        /// Of an hour, in 1e-8 of what of the loss counts.
        rate: u32,
    },
    /// A master lets a subaccount trade, or not.
    SetTrading {
        /// The subaccount.
        account: AccountId,
        /// Whether it may.
        enabled: bool,
    },
    /// Moves money between wallets of one account, or of two of one family.
    Transfer(Transfer),
    /// Moves money out of the exchange.
    Withdraw(Withdraw),
    /// An account takes over positions of others from now on.
    AddAssignmentProgram {
        /// Whose.
        account: AccountId,
        /// What it takes.
        program: Box<AssignmentProgram>,
    },
    /// An account takes no more under one of its programs.
    RemoveAssignmentProgram {
        /// Whose.
        account: AccountId,
        /// Which.
        program: ProgramId,
    },
    /// The operator sets what is in the pool that pays for the losses of others.
    SetPool {
        /// Of which currency; one that contracts settle in.
        currency: Currency,
        /// How much is in it from now on.
        amount: Money,
    },
    /// The operator sets how a contract trades.
    SetMarketState {
        /// Which contract.
        instrument: InstrumentId,
        /// How.
        state: MarketState,
    },
    /// The operator lets a dated contract expire now; delists a perpetual, which settles 15 minutes later.
    Expire {
        /// Which contract.
        instrument: InstrumentId,
    },
    /// The operator cancels an order.
    AdminCancel {
        /// Which order.
        order: OrderId,
    },
    /// The operator cancels a trailing stop and places the same one anew, under a new number and the same name.
    ReplaceTrailingStop {
        /// Which order.
        order: OrderId,
    },
    /// The operator deactivates an account (its orders are cancelled), or activates it again.
    SetActive {
        /// Which account.
        account: AccountId,
        /// Whether it is active.
        active: bool,
    },
    /// The operator changes limits, for all or for one account, one contract, or both; the most particular holds.
    SetLimits {
        /// Only for this account.
        account: Option<AccountId>,
        /// Only in this contract.
        instrument: Option<InstrumentId>,
        /// What changes.
        change: LimitsChange,
    },
    /// Overwrites stored codes of an order's record, as a record written by a later version could hold them: codes this
    /// version does not know read as unknown.
    InjectCodes {
        /// Which order.
        order: OrderId,
        /// Code of its update reason.
        reason: Option<u8>,
        /// Code of its trigger's side.
        trigger_side: Option<u8>,
        /// Code of its trigger's signal.
        trigger_signal: Option<u8>,
    },
    /// A fault on purpose: applying it panics. Shows what a poisoned record does to a venue.
    InjectPanic,
}

impl Command {
    /// True for what takes orders away and does nothing else: it is taken up at any moment, and nothing waits for it.
    #[must_use]
    pub fn only_cancels(&self) -> bool {
        matches!(self, Command::Cancel(_) | Command::CancelAll { .. } | Command::CancelAllAfter { .. })
    }
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
    /// What contracts were before, in the order of their numbers; none where there is no past.
    pub pasts: Vec<MarketPast>,
}

/// Figures of the order checks (rules 1.11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Resting orders per account and contract.
    pub open_orders: u32,
    /// Waiting triggers per account and contract, trailing stops included.
    pub triggers: u32,
    /// Waiting trailing stops per account and contract.
    pub trailing_stops: u32,
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
            triggers: 100,
            trailing_stops: 20,
            small_orders: 50,
            small_order_usd: 10,
            order_value_usd: 20_000_000,
            price_collar: 200_000,
        }
    }
}

/// Limits as the operator changes them: what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsChange {
    /// As in [`Limits::open_orders`].
    pub open_orders: Option<u32>,
    /// As in [`Limits::triggers`].
    pub triggers: Option<u32>,
    /// As in [`Limits::trailing_stops`].
    pub trailing_stops: Option<u32>,
    /// As in [`Limits::small_orders`].
    pub small_orders: Option<u32>,
    /// As in [`Limits::small_order_usd`].
    pub small_order_usd: Option<u32>,
    /// As in [`Limits::order_value_usd`].
    pub order_value_usd: Option<u64>,
    /// As in [`Limits::price_collar`].
    pub price_collar: Option<u32>,
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

/// Money moved between wallets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Who asks: an account of the family, or its master.
    pub by: AccountId,
    /// From whom.
    pub from: AccountId,
    /// From which wallet.
    pub from_wallet: Wallet,
    /// To whom.
    pub to: AccountId,
    /// Into which wallet.
    pub to_wallet: Wallet,
    /// Of which currency.
    pub currency: Currency,
    /// How much; positive.
    pub amount: Money,
}

/// Money moved out of the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdraw {
    /// Whose.
    pub account: AccountId,
    /// From which wallet.
    pub wallet: Wallet,
    /// Of which currency.
    pub currency: Currency,
    /// How much; positive.
    pub amount: Money,
}

/// A number as a client gave it, put on an instrument's grid: either so many steps, or a value that is off it. The
/// engine refuses what is off the grid in its place among the checks, so that the order of refusals is the rules'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnGrid {
    /// A whole number of ticks or lots; may be zero or negative.
    Steps(i64),
    /// Between two steps.
    Off,
    /// Beyond every step the engine counts.
    TooLarge,
}

/// What was sent of numbers that are off the grid, as text: for those who show a refusal later. It decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The size.
    pub qty: Option<WrittenNumber>,
    /// The limit price.
    pub limit_price: Option<WrittenNumber>,
    /// The trigger price.
    pub stop_price: Option<WrittenNumber>,
    /// A trailing stop's distance.
    pub deviation: Option<WrittenNumber>,
    /// A relative limit's distance.
    pub limit_offset: Option<WrittenNumber>,
}

impl Written {
    /// True when nothing was off the grid, or none of it has a text that is short enough.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A decimal number as text, of at most [`WrittenNumber::CHARACTERS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenNumber(Box<str>);

impl WrittenNumber {
    /// The longest: 38 digits, a sign and a point.
    pub const CHARACTERS: usize = 40;

    /// The text, unless it is longer: a number that is cut is another number.
    pub fn new(text: &str) -> Option<Self> {
        (text.chars().count() <= Self::CHARACTERS).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for WrittenNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| serde::de::Error::custom("a written number is longer than one can be"))
    }
}

/// A client's own name for an order, as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientOrderId {
    /// 1 to 100 characters, none of them a control character.
    Valid(Box<str>),
    /// More than 100 characters.
    TooLong,
    /// Empty, with control characters, or not text.
    Invalid,
}

/// A distance from a price, as asked: steps are hundredths of a percent, or ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedDistance {
    /// In which unit.
    pub unit: DistanceUnit,
    /// How many steps; what is beyond every step of either sign is `Steps(i64::MAX)` or `Steps(i64::MIN)`.
    pub steps: OnGrid,
}

/// A limit price relative to the trigger price, as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedOffset {
    /// Value and unit are there and can be read.
    Distance(AskedDistance),
    /// The value is no number.
    BadValue,
    /// The unit is none.
    BadUnit,
    /// One came without the other.
    Incomplete,
}

/// What makes an order wait for a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedTrigger {
    /// Which kind.
    pub kind: TriggerKind,
    /// The price it watches.
    pub signal: Signal,
    /// How far a trailing stop stays behind; absent for the other kinds.
    pub deviation: Option<AskedDistance>,
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
    /// Limit in ticks. Required but for `Market`, where it is ignored, and for triggers, where it is what they become.
    pub limit_price: Option<OnGrid>,
    /// At which price a trigger fires, in ticks; refused with an order that is no trigger, and with a trailing stop.
    pub stop_price: Option<OnGrid>,
    /// Makes it a trigger; its `order_type` says nothing then.
    pub trigger: Option<Box<AskedTrigger>>,
    /// A limit relative to the trigger price; refused with an order that is no trigger.
    pub limit_offset: Option<AskedOffset>,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// The client's own name for it.
    pub client_order_id: Option<ClientOrderId>,
    /// What the client says made the order, echoed wherever the order is shown.
    pub algo_id: Option<Box<str>>,
    /// From this instant on the order must not be taken up.
    pub process_before: Option<Timestamp>,
}

/// Which order is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderRef {
    /// By the exchange's number. A number never given out is simply not found.
    Id(OrderId),
    /// By the account's own name for it.
    Client(Box<str>),
    /// By a number of 128 bits that this exchange gives to no order. It is never found; whoever asked is told by it.
    Foreign(u128),
}

/// A deviation in both units' steps (see [`AskedDistance`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedDeviation {
    /// Hundredths of a percent.
    pub percent: OnGrid,
    /// Ticks.
    pub quote: OnGrid,
}

/// Amends an open order. Absent fields stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditOrder {
    /// Whose.
    pub account: AccountId,
    /// Which order.
    pub order: OrderRef,
    /// The contract on whose grid the numbers below are: an order in another one is not the one that was meant. Absent
    /// where the order is known to be in the right one.
    pub instrument: Option<InstrumentId>,
    /// New limit in ticks.
    pub limit_price: Option<OnGrid>,
    /// New stop price: refused for orders that are no triggers, and for trailing stops.
    pub stop_price: Option<OnGrid>,
    /// New deviation of a trailing stop, as it is in either unit; which of them counts is known when it is applied.
    pub deviation: Option<AskedDeviation>,
    /// The unit of the deviation.
    pub deviation_unit: Option<DistanceUnit>,
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
