//! What commands come to: of each kind of command a type of its own, with nothing in it that cannot happen to that kind; and
//! [`Outcome`], which is any of them, for whoever keeps commands of all kinds.

use crate::assignment::AssignmentProgram;
use crate::command::{
    CancelOrder, Command, CreateAccount, Deposit, EditOrder, PlaceOrder, Transfer, Withdraw, Written,
};
use crate::id::{AccountId, Currency, InstrumentId, OrderId, ProgramId, Timestamp};
use crate::instrument::{InstrumentSpec, Leverage};
use crate::money::Money;
use crate::words::{OrderError, SelfTradeStrategy};

/// A command, and in its type what it comes to.
#[derive(Clone, Debug)]
pub struct Ask<O> {
    command: Command,
    outcome: std::marker::PhantomData<fn() -> O>,
}

impl<O> Ask<O> {
    fn of(command: Command) -> Self {
        Self { command, outcome: std::marker::PhantomData }
    }

    /// The command, on its way to a journal.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// Likewise, to be kept.
    pub fn into_command(self) -> Command {
        self.command
    }
}

impl<O: OutcomeOf> Ask<O> {
    /// What this came to, out of what any command comes to.
    ///
    /// # Panics
    /// On what no command of this kind comes to on an exchange that had its genesis: the caller mixed up two commands.
    pub fn outcome(outcome: Outcome) -> O {
        O::of(outcome).expect("a command comes to an outcome of its kind")
    }
}

/// What a kind of commands comes to.
pub trait OutcomeOf: Sized {
    /// Finds it in what a command of this kind, applied after the genesis, came to. `None` for the outcome of another kind.
    fn of(outcome: Outcome) -> Option<Self>;
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done; the events tell.
    Done,
    /// An account was opened.
    AccountCreated(AccountId),
    /// A contract was listed.
    Listed(InstrumentId),
    /// The order was accepted (and may have traded since).
    Placed(OrderId),
    /// The order was refused. The number is of its record.
    Rejected(OrderId, OrderError),
    /// The order was edited.
    Edited(OrderId),
    /// The edit was refused; the order, where there is one, is as it was.
    EditRejected(Option<OrderId>, OrderError),
    /// The order was cancelled.
    Cancelled(OrderId),
    /// The order had just been filled.
    AlreadyFilled(OrderId),
    /// No such open order. The number is given where a closed one is meant.
    CancelNotFound(Option<OrderId>),
    /// So many orders were cancelled.
    CancelledAll(u32),
    /// The timer ends then; absent when it is disarmed.
    Armed(Option<Timestamp>),
    /// A trailing stop was placed anew under this number.
    Replaced(OrderId),
    /// The account takes over positions of others under this number.
    ProgramAdded(ProgramId),
    /// It does no more; this is what it took.
    ProgramRemoved(Box<AssignmentProgram>),
    /// The account is not active, or may not trade.
    AccountInactive,
    /// The engine would have taken the command up too late.
    TooLate,
    /// The command cannot be: an operator's mistake, told in words.
    Refused(Refusal),
}

/// Why a command of the operator, or one of a user that is about no order, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The venue has its genesis already, or has none yet.
    #[error("a venue begins with exactly one genesis record")]
    Genesis,
    /// No such account.
    #[error("no such account")]
    UnknownAccount,
    /// No such contract.
    #[error("no such instrument")]
    UnknownInstrument,
    /// No such pair.
    #[error("no such pair")]
    UnknownPair,
    /// A subaccount cannot have subaccounts.
    #[error("a subaccount cannot have subaccounts")]
    NestedSubaccount,
    /// A subaccount is of the house exactly when its master is.
    #[error("a subaccount belongs to the house exactly when its master does")]
    MixedFamily,
    /// The wallet does not take the currency.
    #[error("the wallet does not hold this currency")]
    WrongCurrency,
    /// The amount is beyond what one deposit may be, or more than the wallet can give.
    #[error("the amount is out of range")]
    AmountOutOfRange,
    /// A price is from 10^-10 to 10^9, and one at which the greatest position's value stays in range.
    #[error("the price is out of range")]
    PriceOutOfRange,
    /// No such order is open.
    #[error("no such order is open")]
    UnknownOrder,
    /// The order is no waiting trailing stop.
    #[error("the order is no waiting trailing stop")]
    NoTrailingStop,
    /// Only a master account may do this.
    #[error("only a master account may do this")]
    NotMaster,
    /// Only a subaccount can be kept from trading.
    #[error("only a subaccount can be kept from trading")]
    NotSubaccount,
    /// The two accounts are not of one family, or the one who asks may not move between them.
    #[error("money moves within one account, or by its master within its family")]
    ForeignAccount,
    /// More than may leave the wallet.
    #[error("more than may leave the wallet")]
    InsufficientFunds,
    /// The amount is not positive, or beyond the greatest one.
    #[error("the amount must be positive, and not beyond the greatest one")]
    InvalidAmount,
    /// Only linear contracts have a leverage of their own.
    #[error("only multi-collateral contracts have a leverage of their own")]
    NotMultiCollateral,
    /// The leverage is not from 1 to what the first margin level allows.
    #[error("the leverage is out of range")]
    LeverageOutOfRange,
    /// With this leverage the position would be liquidated.
    #[error("this would cause liquidation")]
    WouldLiquidate,
    /// Margin is short of what this leverage needs.
    #[error("available margin does not cover it")]
    MarginShort,
    /// Only linear contracts have a currency of choice for their gains.
    #[error("only multi-collateral contracts have a P&L currency")]
    NoPnlCurrency,
    /// No such currency is known.
    #[error("no such currency")]
    UnknownCurrency,
    /// Gains are not paid in this currency.
    #[error("gains are not paid in this currency")]
    CurrencyNotEnabled,
    /// More than an hour may cost.
    #[error("an hour's interest is at most 1% of what counts")]
    InterestTooHigh,
    /// The account has no such assignment program.
    #[error("no such assignment program")]
    UnknownProgram,
    /// A program that is of no contract, or whose figures are none.
    #[error("the program is of no contract, or a figure of it is out of range")]
    InvalidProgram,
    /// The account has as many programs as it may.
    #[error("the account has as many assignment programs as it may")]
    TooManyPrograms,
    /// The contract has expired.
    #[error("the contract has expired")]
    Expired,
    /// Marks are smoothed over fewer seconds.
    #[error("marks are smoothed over 30 seconds at most")]
    SmoothingTooLong,
    /// A listing was refused.
    #[error("{0}")]
    Listing(String),
}

/// One enum for each kind of command: some of the variants of [`Outcome`], and of [`Refusal`] those that it may meet.
macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident {
        $($variant:ident $(($($part:ident: $of:ty),+))?),+ $(; $refusal:ident { $($why:ident $(($what:ident: $text:ty))?),+ })?
    })+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = concat!("As [`Outcome::", stringify!($variant), "`].")] $variant $(($($of),+))?,)+
            $(/// Refused, with the reason.
            Refused($refusal),)?
        }

        impl From<$name> for Outcome {
            #[inline(always)]
            fn from(outcome: $name) -> Self {
                match outcome {
                    $($name::$variant $(($($part),+))? => Outcome::$variant $(($($part),+))?,)+
                    $($name::Refused(why) => { let why: $refusal = why; Outcome::Refused(why.into()) })?
                }
            }
        }

        impl OutcomeOf for $name {
            fn of(outcome: Outcome) -> Option<Self> {
                match outcome {
                    $(Outcome::$variant $(($($part),+))? => Some(Self::$variant $(($($part),+))?),)+
                    $(Outcome::Refused(why) => $refusal::of(why).map(Self::Refused),)?
                    #[allow(unreachable_patterns, reason = "no kind has them all")]
                    _ => None,
                }
            }
        }

        $(
            #[doc = concat!("Why a [`", stringify!($name), "`] is a refusal.")]
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub enum $refusal {
                $(#[doc = concat!("As [`Refusal::", stringify!($why), "`].")] $why $(($text))?,)+
            }

            impl $refusal {
                fn of(refusal: Refusal) -> Option<Self> {
                    match refusal {
                        $(Refusal::$why $(($what))? => Some(Self::$why $(($what))?),)+
                        _ => None,
                    }
                }
            }

            impl From<$refusal> for Refusal {
                fn from(refusal: $refusal) -> Self {
                    match refusal {
                        $($refusal::$why $(($what))? => Refusal::$why $(($what))?,)+
                    }
                }
            }

            impl From<$refusal> for $name {
                #[inline(always)]
                fn from(refusal: $refusal) -> Self {
                    Self::Refused(refusal)
                }
            }
        )?
    )+ };
}

outcomes! {
    /// What placing an order comes to.
    PlaceOutcome {
        Placed(id: OrderId), Rejected(id: OrderId, error: OrderError), AccountInactive, TooLate;
        PlaceRefusal { UnknownAccount, UnknownInstrument }
    }
    /// What amending an order comes to.
    EditOutcome {
        Edited(id: OrderId), EditRejected(id: Option<OrderId>, error: OrderError), AccountInactive, TooLate;
        EditCommandRefusal { UnknownAccount }
    }
    /// What cancelling an order comes to.
    CancelOutcome {
        Cancelled(id: OrderId), AlreadyFilled(id: OrderId), CancelNotFound(id: Option<OrderId>), AccountInactive, TooLate;
        CancelRefusal { UnknownAccount }
    }
    /// What cancelling all orders comes to.
    CancelAllOutcome { CancelledAll(count: u32), AccountInactive; CancelAllRefusal { UnknownAccount } }
    /// What setting a dead man's switch comes to.
    CancelAllAfterOutcome { Armed(at: Option<Timestamp>), AccountInactive; CancelAllAfterRefusal { UnknownAccount } }
    /// What choosing a self-trade strategy comes to.
    SelfTradeOutcome { Done, AccountInactive; SelfTradeRefusal { UnknownAccount, NotMaster } }
    /// What setting a leverage comes to.
    LeverageOutcome {
        Done, AccountInactive;
        LeverageRefusal {
            UnknownAccount, UnknownInstrument, NotMultiCollateral, LeverageOutOfRange, WouldLiquidate, MarginShort
        }
    }
    /// What choosing the currency of a contract's gains comes to.
    PnlPreferenceOutcome {
        Done, AccountInactive;
        PnlPreferenceRefusal {
            UnknownAccount, UnknownInstrument, NoPnlCurrency, UnknownCurrency, CurrencyNotEnabled, WouldLiquidate
        }
    }
    /// What setting the interest on losses comes to.
    InterestOutcome { Done; InterestRefusal { InterestTooHigh } }
    /// What switching a subaccount's trading comes to.
    TradingOutcome { Done; TradingRefusal { UnknownAccount, NotSubaccount } }
    /// What moving money between wallets comes to.
    TransferOutcome {
        Done, AccountInactive;
        TransferRefusal {
            UnknownAccount, ForeignAccount, InvalidAmount, UnknownPair, WrongCurrency, InsufficientFunds, AmountOutOfRange
        }
    }
    /// What moving money out comes to.
    WithdrawOutcome {
        Done, AccountInactive;
        WithdrawRefusal { UnknownAccount, InvalidAmount, UnknownPair, WrongCurrency, InsufficientFunds }
    }
    /// What booking money comes to.
    DepositOutcome { Done; DepositRefusal { UnknownAccount, UnknownPair, WrongCurrency, AmountOutOfRange } }
    /// What opening an account comes to.
    CreateAccountOutcome {
        AccountCreated(id: AccountId);
        CreateAccountRefusal { UnknownAccount, NestedSubaccount, MixedFamily }
    }
    /// What listing a contract comes to.
    ListOutcome { Listed(id: InstrumentId); ListRefusal { PriceOutOfRange, Listing(problem: String) } }
    /// What beginning a venue comes to.
    GenesisOutcome { Done; GenesisRefusal { PriceOutOfRange, Listing(problem: String) } }
    /// What an index price comes to.
    IndexOutcome { Done; IndexRefusal { UnknownPair, PriceOutOfRange } }
    /// What pinning a contract's prices comes to.
    PinOutcome { Done; PinRefusal { UnknownInstrument, PriceOutOfRange } }
    /// What taking part in the assignment program comes to.
    AddProgramOutcome {
        ProgramAdded(id: ProgramId), AccountInactive;
        AddProgramRefusal { UnknownAccount, UnknownInstrument, InvalidProgram, TooManyPrograms }
    }
    /// What leaving it comes to.
    RemoveProgramOutcome {
        ProgramRemoved(program: Box<AssignmentProgram>), AccountInactive;
        RemoveProgramRefusal { UnknownAccount, UnknownProgram }
    }
    /// What setting the pool comes to.
    PoolOutcome { Done; PoolRefusal { WrongCurrency, AmountOutOfRange } }
    /// What setting how a contract trades comes to.
    MarketStateOutcome { Done; MarketStateRefusal { UnknownInstrument, Expired } }
    /// What letting a contract expire comes to.
    ExpireOutcome { Done, Armed(at: Option<Timestamp>); ExpireRefusal { UnknownInstrument } }
    /// What setting how far marks are smoothed comes to.
    SmoothingOutcome { Done; SmoothingRefusal { SmoothingTooLong } }
    /// What an operator's cancel comes to.
    AdminCancelOutcome { Cancelled(id: OrderId); AdminCancelRefusal { UnknownOrder } }
    /// What replacing a trailing stop comes to.
    ReplaceOutcome { Replaced(id: OrderId); ReplaceRefusal { UnknownOrder, NoTrailingStop } }
    /// What activating an account comes to, or the opposite.
    ActiveOutcome { Done; ActiveRefusal { UnknownAccount } }
    /// What changing limits comes to.
    LimitsOutcome { Done; LimitsRefusal { UnknownAccount, UnknownInstrument } }
    /// What overwriting codes comes to.
    CodesOutcome { Done; CodesRefusal { UnknownOrder } }
}

/// Requests that are a type of their own.
macro_rules! asks {
    ($($request:ident => $variant:ident -> $outcome:ident;)+) => { $(
        impl From<$request> for Ask<$outcome> {
            fn from(request: $request) -> Self {
                Self::of(Command::$variant(request))
            }
        }
    )+ };
}

asks! {
    PlaceOrder => Place -> PlaceOutcome;
    EditOrder => Edit -> EditOutcome;
    CancelOrder => Cancel -> CancelOutcome;
    Transfer => Transfer -> TransferOutcome;
    Withdraw => Withdraw -> WithdrawOutcome;
    Deposit => Deposit -> DepositOutcome;
    CreateAccount => CreateAccount -> CreateAccountOutcome;
}

impl From<(PlaceOrder, Written)> for Ask<PlaceOutcome> {
    /// With what was sent of it that is off the grid, if anything was.
    fn from((order, written): (PlaceOrder, Written)) -> Self {
        Self::of(match written.is_empty() {
            true => Command::Place(order),
            false => Command::PlaceOffGrid(Box::new((order, written))),
        })
    }
}

impl From<(EditOrder, Written)> for Ask<EditOutcome> {
    /// As of an order.
    fn from((edit, written): (EditOrder, Written)) -> Self {
        Self::of(match written.is_empty() {
            true => Command::Edit(edit),
            false => Command::EditOffGrid(Box::new((edit, written))),
        })
    }
}

impl Ask<CancelAllOutcome> {
    /// See [`Command::CancelAll`].
    pub fn cancel_all(account: AccountId, instrument: Option<InstrumentId>) -> Self {
        Self::of(Command::CancelAll { account, instrument })
    }
}

impl Ask<CancelAllAfterOutcome> {
    /// See [`Command::CancelAllAfter`].
    pub fn cancel_all_after(account: AccountId, timeout_seconds: u32) -> Self {
        Self::of(Command::CancelAllAfter { account, timeout_seconds })
    }
}

impl Ask<SelfTradeOutcome> {
    /// See [`Command::SetSelfTrade`].
    pub fn set_self_trade(account: AccountId, strategy: SelfTradeStrategy) -> Self {
        Self::of(Command::SetSelfTrade { account, strategy })
    }
}

impl Ask<LeverageOutcome> {
    /// See [`Command::SetLeverage`].
    pub fn set_leverage(account: AccountId, instrument: InstrumentId, leverage: Option<Leverage>) -> Self {
        Self::of(Command::SetLeverage { account, instrument, leverage })
    }
}

impl Ask<PnlPreferenceOutcome> {
    /// See [`Command::SetPnlPreference`].
    pub fn set_pnl_preference(
        account: AccountId,
        instrument: InstrumentId,
        currency: Option<Currency>,
    ) -> Self {
        Self::of(Command::SetPnlPreference { account, instrument, currency })
    }
}

impl Ask<AddProgramOutcome> {
    /// See [`Command::AddAssignmentProgram`].
    pub fn add_program(account: AccountId, program: AssignmentProgram) -> Self {
        Self::of(Command::AddAssignmentProgram { account, program: Box::new(program) })
    }
}

impl Ask<RemoveProgramOutcome> {
    /// See [`Command::RemoveAssignmentProgram`].
    pub fn remove_program(account: AccountId, program: ProgramId) -> Self {
        Self::of(Command::RemoveAssignmentProgram { account, program })
    }
}

impl Ask<PoolOutcome> {
    /// See [`Command::SetPool`].
    pub fn set_pool(currency: Currency, amount: Money) -> Self {
        Self::of(Command::SetPool { currency, amount })
    }
}

impl Ask<TradingOutcome> {
    /// See [`Command::SetTrading`].
    pub fn set_trading(account: AccountId, enabled: bool) -> Self {
        Self::of(Command::SetTrading { account, enabled })
    }
}

impl Ask<ListOutcome> {
    /// See [`Command::List`].
    pub fn list(spec: InstrumentSpec) -> Self {
        Self::of(Command::List(Box::new(spec)))
    }
}

impl Ask<ExpireOutcome> {
    /// See [`Command::Expire`].
    pub fn expire(instrument: InstrumentId) -> Self {
        Self::of(Command::Expire { instrument })
    }
}

impl Ask<SmoothingOutcome> {
    /// See [`Command::SetMarkSmoothing`].
    pub fn set_mark_smoothing(seconds: u8) -> Self {
        Self::of(Command::SetMarkSmoothing { seconds })
    }
}

impl Ask<AdminCancelOutcome> {
    /// See [`Command::AdminCancel`].
    pub fn admin_cancel(order: OrderId) -> Self {
        Self::of(Command::AdminCancel { order })
    }
}

impl Ask<ReplaceOutcome> {
    /// See [`Command::ReplaceTrailingStop`].
    pub fn replace_trailing_stop(order: OrderId) -> Self {
        Self::of(Command::ReplaceTrailingStop { order })
    }
}

/// Why a question about an order that is not sent has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EstimateRefusal {
    /// No such account.
    UnknownAccount,
    /// No such contract.
    UnknownInstrument,
    /// Asked of linear contracts alone.
    NotMultiCollateral,
}
