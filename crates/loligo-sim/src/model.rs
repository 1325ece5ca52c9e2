//! The rules once more: plain lists, scanned and sorted anew for each question; exact integers without bound; whole
//! states copied to see what an order would do. Slow and obvious on purpose. It takes nothing from outside but commands.

mod books;
mod checks;
mod collateral;
mod figures;
mod funding;
mod interest;
mod liquidation;
mod margin;
mod matching;
mod money;
mod operator;
mod orders;
mod prices;
mod questions;
mod records;
mod settlement;
mod solvency;
mod takeover;
mod time;
mod triggers;
mod what_if;
mod work;

use books::Books;
use funding::Funding;
use liquidation::Ladder;
use loligo_engine::{
    AccountId, Command, Conversion, Currency, Dislocation, Execution, FinePrice, FundingBooked, InstrumentId,
    InstrumentSpec, InterestPaid, Leverage, Limits, LimitsChange, MarketState, Money, OrderId, OrderStatus,
    OrderView, Outcome, PairId, Price, Provider, Qty, Refusal, SelfTradeStrategy, Settlement, Signal,
    Timestamp, Wallet,
};
use margin::Portfolio;
use num_bigint::BigInt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use takeover::Unwinding;
use work::Work;

/// The exchange by the book.
#[derive(Clone, Debug, Default)]
pub struct Model {
    now: Timestamp,
    listed: bool,
    /// Its genesis is over: what is listed now comes later.
    opened: bool,
    limits: Limits,
    /// Limits of one account, one contract, or both; the later of two for the same comes later.
    particular: Vec<(Option<AccountId>, Option<InstrumentId>, LimitsChange)>,
    contracts: Vec<Contract>,
    pairs: Vec<Pair>,
    accounts: Vec<Account>,
    /// Open, waiting, or closed in the last five seconds; by number.
    orders: Vec<Order>,
    work: Work,
    /// Something but time has happened since the last full second.
    stirred: bool,
    /// Wallets to be judged: a mark or a fill moved one of their positions.
    margin_checks: BTreeSet<(AccountId, Wallet)>,
    ladders: BTreeMap<Portfolio, Ladder>,
    /// Positions that are closed against others until they are flat.
    unwindings: BTreeMap<Portfolio, Unwinding>,
    pool: BTreeMap<Currency, Money>,
    /// Who takes over positions of others, the oldest first, and how many ever did.
    providers: Vec<Provider>,
    last_program: u64,
    /// Over how many samples marks are smoothed, if the operator set that.
    smoothing: Option<u8>,
    /// What an hour of a large loss costs, in 1e-8.
    interest: u32,
    books: Books,
    /// Triggers that a price has reached, in the order in which they fire.
    due: VecDeque<OrderId>,
    /// The last full second at which marks were sampled.
    sampled: i64,
    /// The hour at whose beginning positions were last booked.
    funded: i64,
    last_order: u64,
    last_execution: u64,
    last_place_in_queue: u64,
    executions: Vec<Execution>,
    reduced: Vec<Option<Qty>>,
    fired: Vec<OrderId>,
    fundings: Vec<FundingBooked>,
    conversions: Vec<Conversion>,
    settlements: Vec<Settlement>,
    interests: Vec<InterestPaid>,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its outcome.
    pub outcome: Outcome,
    /// Its matches, in order.
    pub executions: Vec<Execution>,
    /// What was cut from each order on arrival, by an edit, or when it fired; nothing of orders that are not reduce-only.
    pub reduced: Vec<Option<Qty>>,
    /// Triggers that were fired, those that failed included, in order.
    pub fired: Vec<OrderId>,
    /// What positions were booked for an hour, in order.
    pub fundings: Vec<FundingBooked>,
    /// Collateral that was sold, in order.
    pub conversions: Vec<Conversion>,
    /// Positions that were settled, in order.
    pub settlements: Vec<Settlement>,
    /// Interest that was paid, in order.
    pub interests: Vec<InterestPaid>,
}

#[derive(Clone, Debug)]
struct Contract {
    spec: InstrumentSpec,
    pair: PairId,
    /// What the operator, or the end of its time, made of it.
    state: MarketState,
    pinned: bool,
    mark: Option<FinePrice>,
    last: Option<Price>,
    /// The last trade of its past, which never was.
    before: Option<Price>,
    trades: u64,
    /// The last capped premiums, at 18 decimals: thirty, or as many as marks are smoothed over.
    samples: VecDeque<BigInt>,
    /// The last premium that the book gave, and when.
    good_premium: Option<(BigInt, Timestamp)>,
    /// Where its book was when last sampled, if too far from the index.
    dislocation: Option<Dislocation>,
    /// Each signal as triggers were last judged by it.
    judged: BTreeMap<Signal, FinePrice>,
    funding: Option<Funding>,
    /// The full second that had been sampled last when it was listed.
    listed_at: i64,
    /// Of a perpetual that is delisted: when it settles.
    settles_at: Option<Timestamp>,
    /// What its positions settle at, at 11 decimals, once it is over.
    settlement: Option<BigInt>,
}

#[derive(Clone, Debug)]
struct Pair {
    name: String,
    index: Option<FinePrice>,
    /// The index as it was last sampled, or as the operator put it: what collateral counts for.
    valued: Option<FinePrice>,
    /// When the source last spoke; an index that only the genesis gave is a constant and never ages.
    published: Option<Timestamp>,
    pinned: bool,
    /// It has moved far in little time, and not calmed down since.
    volatile: bool,
    /// Its samples of the last five minutes, oldest first.
    samples: VecDeque<(Timestamp, FinePrice)>,
    /// What it was at full seconds, oldest first.
    runs: VecDeque<settlement::Run>,
}

#[derive(Clone, Debug)]
struct Account {
    parent: Option<AccountId>,
    house: bool,
    active: bool,
    trading: bool,
    /// Of a master: what its family does when it meets itself.
    self_trade: SelfTradeStrategy,
    cancel_all_at: Option<Timestamp>,
    balances: BTreeMap<(Wallet, Currency), Money>,
    /// Contracts whose margin is isolated.
    leverage: BTreeMap<InstrumentId, Leverage>,
    /// What gains of a contract are paid in, where that is not USD.
    pnl_currency: BTreeMap<InstrumentId, Currency>,
    positions: BTreeMap<InstrumentId, Position>,
    /// What this account alone traded, in USD at 24 decimals, by day since 1970.
    volume: BTreeMap<i64, BigInt>,
    fills: u64,
    log_rows: u64,
}

#[derive(Clone, Debug, Default)]
struct Position {
    qty: i64,
    entry: BigInt,
    /// When its first lot came; of a flat one nothing.
    opened_at: Option<Timestamp>,
    /// When its funding was last booked: then it changed, or an hour was over.
    funded_at: Timestamp,
}

#[derive(Clone, Debug)]
struct Order {
    view: OrderView,
    /// In the book. An order that is being matched is open, but not there.
    resting: bool,
    /// Lower came first.
    place_in_queue: u64,
    /// Worth less than the small-order limit when it was placed, fired or last edited.
    small: bool,
    closed_at: Option<Timestamp>,
    /// The operator gave its name to another one.
    nameless: bool,
}

/// Whose margin a command asks for. What is off the grid is refused whatever there is.
fn asker(command: &Command) -> Option<AccountId> {
    match command {
        Command::Place(asked) => Some(asked.account),
        Command::Edit(asked) => Some(asked.account),
        Command::Transfer(asked) => Some(asked.from),
        Command::Withdraw(asked) => Some(asked.account),
        Command::Deposit(asked) => Some(asked.account),
        Command::SetLeverage { account, .. } | Command::SetPnlPreference { account, .. } => Some(*account),
        _ => None,
    }
}

impl Contract {
    /// Its last trading time: of a dated contract, and of a perpetual that is delisted.
    fn ends_at(&self) -> Option<Timestamp> {
        self.settles_at.or(self.spec.expiry)
    }
}

impl Order {
    fn open(&self) -> i64 {
        self.view.qty.map_or(0, |q| q.0) - self.view.filled.0
    }

    fn limit(&self) -> i64 {
        self.view.limit_price.map_or(0, |p| p.0)
    }

    /// Open in the book, or a trigger that waits.
    fn is_live(&self) -> bool {
        self.resting || self.view.status == OrderStatus::TriggerPlaced
    }

    /// True when it stands in the way of another of the same name: refused orders do not.
    fn occupies(&self, name: &str) -> bool {
        let refused = self.view.status == OrderStatus::Rejected;
        !refused && !self.nameless && self.view.client_order_id.as_deref() == Some(name)
    }
}

impl Model {
    /// Before its genesis.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does what `command` asks at `time`, after what was due by then and before what follows from it, as far as one record
    /// goes (rules 5.7). A cancel that comes amid such work just cancels.
    pub fn apply(&mut self, time: Timestamp, command: &Command) -> Answer {
        self.executions.clear();
        self.reduced.clear();
        self.fired.clear();
        self.fundings.clear();
        self.conversions.clear();
        self.settlements.clear();
        self.interests.clear();
        self.work.done = 0;
        let cancels = matches!(
            command,
            Command::Cancel(_) | Command::CancelAll { .. } | Command::CancelAllAfter { .. }
        );
        let amid_work = cancels && self.is_busy();
        if !amid_work {
            self.pass_time(time);
        }
        let asker = asker(command).filter(|account| (account.0 as usize) < self.accounts.len());
        if let Some(account) = asker.filter(|_| !amid_work && self.is_busy()) {
            self.settle_all_of(account);
        }
        let asks = *command != Command::Advance;
        if asks && !cancels {
            self.look_for_turns_anew();
        }
        self.stirred |= asks;
        let outcome = self.dispatch(command);
        if !amid_work {
            self.follow_up();
        }
        self.note_next_holder();
        self.forget();
        Answer {
            outcome,
            executions: self.executions.clone(),
            reduced: self.reduced.clone(),
            fired: self.fired.clone(),
            fundings: self.fundings.clone(),
            conversions: self.conversions.clone(),
            settlements: self.settlements.clone(),
            interests: self.interests.clone(),
        }
    }

    fn dispatch(&mut self, command: &Command) -> Outcome {
        if self.listed == matches!(command, Command::Genesis(_)) {
            return Outcome::Refused(Refusal::Genesis);
        }
        let done = match command {
            Command::Genesis(genesis) => self.genesis(genesis),
            Command::Start => self.start(),
            Command::Advance => Ok(Outcome::Done),
            Command::CreateAccount(asked) => self.create_account(asked),
            Command::Deposit(asked) => self.deposit(asked),
            Command::List(spec) => Ok(Outcome::Listed(self.list(spec))),
            Command::PublishIndex { pair, price } => self.publish(*pair, *price),
            Command::PinIndex { pair, price } => self.pin_index(*pair, *price),
            Command::PinMark { instrument, price } => self.pin_mark(*instrument, *price),
            Command::PinPrices { instrument, index, mark } => self.pin_prices(*instrument, *index, *mark),
            Command::Place(asked) => self.place(asked),
            Command::PlaceOffGrid(asked) => self.place(&asked.0),
            Command::Edit(asked) => self.edit(asked),
            Command::EditOffGrid(asked) => self.edit(&asked.0),
            Command::Cancel(asked) => self.cancel(asked),
            Command::CancelAll { account, instrument } => self.cancel_all(*account, *instrument),
            Command::CancelAllAfter { account, timeout_seconds } => {
                self.cancel_all_after(*account, *timeout_seconds)
            }
            Command::SetSelfTrade { account, strategy } => self.set_self_trade(*account, *strategy),
            Command::SetLeverage { account, instrument, leverage } => {
                self.set_leverage(*account, *instrument, *leverage)
            }
            Command::SetPnlPreference { account, instrument, currency } => {
                self.set_pnl_currency(*account, *instrument, *currency)
            }
            Command::SetMarkSmoothing { seconds } => self.set_mark_smoothing(*seconds),
            Command::SetInterest { rate } => self.set_interest(*rate),
            Command::SetTrading { account, enabled } => self.set_trading(*account, *enabled),
            Command::Transfer(asked) => self.transfer(asked),
            Command::Withdraw(asked) => self.withdraw(asked),
            Command::AddAssignmentProgram { account, program } => self.add_program(*account, program),
            Command::RemoveAssignmentProgram { account, program } => self.remove_program(*account, *program),
            Command::SetPool { currency, amount } => self.set_pool(*currency, *amount),
            Command::SetMarketState { instrument, state } => self.set_market_state(*instrument, *state),
            Command::Expire { instrument } => self.expire_now(*instrument),
            Command::AdminCancel { order } => self.admin_cancel(*order),
            Command::ReplaceTrailingStop { order } => self.replace_trailing_stop(*order),
            Command::SetActive { account, active } => self.set_active(*account, *active),
            Command::SetLimits { account, instrument, change } => {
                self.set_limits(*account, *instrument, change)
            }
            Command::InjectCodes { order, reason, trigger_side, trigger_signal } => {
                self.inject_codes(*order, *reason, *trigger_side, *trigger_signal)
            }
            Command::InjectPanic => panic!("a fault on purpose"),
        };
        done.unwrap_or_else(|refused| refused)
    }

    fn order(&self, id: OrderId) -> &Order {
        self.orders.iter().find(|o| o.view.id == id).expect("a known order")
    }

    fn order_mut(&mut self, id: OrderId) -> &mut Order {
        self.orders.iter_mut().find(|o| o.view.id == id).expect("a known order")
    }

    fn known_account(&self, account: AccountId) -> Result<(), Outcome> {
        let known = (account.0 as usize) < self.accounts.len();
        if known { Ok(()) } else { Err(Outcome::Refused(Refusal::UnknownAccount)) }
    }

    /// An account that is there and may ask for things.
    fn active_account(&self, account: AccountId) -> Result<(), Outcome> {
        self.known_account(account)?;
        if self.account(account).active { Ok(()) } else { Err(Outcome::AccountInactive) }
    }

    fn known_instrument(&self, id: InstrumentId) -> Result<(), Outcome> {
        let known = (id.0 as usize) < self.contracts.len();
        if known { Ok(()) } else { Err(Outcome::Refused(Refusal::UnknownInstrument)) }
    }

    fn account(&self, id: AccountId) -> &Account {
        &self.accounts[id.0 as usize]
    }

    fn account_mut(&mut self, id: AccountId) -> &mut Account {
        &mut self.accounts[id.0 as usize]
    }

    fn contract(&self, id: InstrumentId) -> &Contract {
        &self.contracts[id.0 as usize]
    }

    fn contract_mut(&mut self, id: InstrumentId) -> &mut Contract {
        &mut self.contracts[id.0 as usize]
    }

    fn position(&self, account: AccountId, instrument: InstrumentId) -> Position {
        self.account(account).positions.get(&instrument).cloned().unwrap_or_default()
    }

    fn balance(&self, account: AccountId, wallet: Wallet, currency: Currency) -> Money {
        self.account(account).balances.get(&(wallet, currency)).copied().unwrap_or_default()
    }

    /// The master account of a family.
    fn head(&self, account: AccountId) -> AccountId {
        self.account(account).parent.unwrap_or(account)
    }

    /// Traded value of a whole family over thirty days, today included, at 24 decimals of USD.
    fn family_volume(&self, account: AccountId) -> BigInt {
        let since = self.today() - 29;
        let ids = (0..self.accounts.len() as u32).map(AccountId);
        let family = ids.filter(|id| self.head(*id) == self.head(account));
        family.flat_map(|id| self.account(id).volume.range(since..)).map(|(_, usd)| usd).sum()
    }

    fn today(&self) -> i64 {
        self.now.0.div_euclid(86_400 * Timestamp::SECOND)
    }

    /// The limits of an account in a contract: figure by figure the most particular that is set.
    fn limits(&self, account: AccountId, instrument: InstrumentId) -> Limits {
        let mut limits = self.limits.clone();
        for of in [(None, Some(instrument)), (Some(account), None), (Some(account), Some(instrument))] {
            for (_, _, change) in self.particular.iter().filter(|(a, i, _)| (*a, *i) == of) {
                operator::change_limits(&mut limits, change);
            }
        }
        limits
    }
}
