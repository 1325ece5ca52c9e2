//! The rules once more: plain lists, scanned and sorted anew for each question; exact integers without bound; whole
//! states copied to see what an order would do. Slow and obvious on purpose.
//!
//! What the model takes from outside: mark prices that no operator pinned (their formula is judged elsewhere).

mod figures;
mod ladder;
mod margin;
mod matching;

use loligo_engine::{
    AccountId, CancelOrder, ClientOrderId, Command, CreateAccount, Currency, Deposit, Execution, FeeRates,
    FinePrice, Genesis, InstrumentId, InstrumentSpec, Limits, MarketState, Money, OrderError, OrderId,
    OrderRef, OrderStatus, OrderView, Outcome, PairId, Price, Qty, Refusal, Side, Timestamp, UpdateReason,
    Wallet,
};
use num_bigint::BigInt;
use std::collections::BTreeMap;

/// How long a closed order stays known, in microseconds.
const KNOWN_FOR: i64 = 5_000_000;
/// Closed orders known per account.
const KNOWN_CLOSED: usize = 10_000;
/// How old an index price may be, in microseconds.
const INDEX_AGE: i64 = 10_000_000;
/// Least and greatest index or mark price, at 18 decimals.
const PRICES: std::ops::RangeInclusive<i128> = 10_i128.pow(8)..=10_i128.pow(27);
/// Greatest deposit, and greatest balance that a deposit may make.
const MOST_MONEY: i128 = 10_i128.pow(12) * Money::ONE;

/// The exchange by the book.
#[derive(Clone, Debug, Default)]
pub struct Model {
    now: Timestamp,
    limits: Limits,
    listed: bool,
    contracts: Vec<Contract>,
    pairs: Vec<Pair>,
    accounts: Vec<Account>,
    /// Open, or closed in the last five seconds; by number.
    orders: Vec<Order>,
    last_order: u64,
    last_execution: u64,
    last_place_in_queue: u64,
    executions: Vec<Execution>,
    reduced: Option<Qty>,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its outcome.
    pub outcome: Outcome,
    /// Its matches, in order.
    pub executions: Vec<Execution>,
    /// What was cut from a reduce-only order on arrival or by an edit.
    pub reduced: Option<Qty>,
}

#[derive(Clone, Debug)]
struct Contract {
    spec: InstrumentSpec,
    pair: PairId,
    pinned: Option<FinePrice>,
    mark: Option<FinePrice>,
    last: Option<Price>,
}

#[derive(Clone, Debug)]
struct Pair {
    name: String,
    index: Option<FinePrice>,
    /// When the source last spoke; an index that only the genesis gave is a constant and never ages.
    published: Option<Timestamp>,
    pinned: bool,
}

impl Pair {
    fn is_old(&self, now: Timestamp) -> bool {
        !self.pinned && self.published.is_some_and(|at| now > at.plus(INDEX_AGE))
    }
}

#[derive(Clone, Debug, Default)]
struct Account {
    parent: Option<AccountId>,
    house: bool,
    balances: BTreeMap<(Wallet, Currency), Money>,
    positions: BTreeMap<InstrumentId, Position>,
    /// What this account alone traded, in USD at 24 decimals, by day since 1970.
    volume: BTreeMap<i64, BigInt>,
}

#[derive(Clone, Debug, Default)]
struct Position {
    qty: i64,
    entry: BigInt,
}

#[derive(Clone, Debug)]
struct Order {
    view: OrderView,
    /// In the book. An order that is being matched is open, but not there.
    resting: bool,
    /// Lower came first.
    place_in_queue: u64,
    /// Worth less than the small-order limit when it was placed or last edited.
    small: bool,
    closed_at: Option<Timestamp>,
}

impl Order {
    fn open(&self) -> i64 {
        self.view.qty.map_or(0, |q| q.0) - self.view.filled.0
    }

    fn limit(&self) -> i64 {
        self.view.limit_price.map_or(0, |p| p.0)
    }
}

impl Model {
    /// Before its genesis.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does what `command` asks at `time`. `marks` are the mark prices that changed meanwhile.
    pub fn apply(
        &mut self,
        time: Timestamp,
        command: &Command,
        marks: &[(InstrumentId, FinePrice)],
    ) -> Answer {
        self.executions.clear();
        self.reduced = None;
        self.now = self.now.max(time);
        self.take_marks(marks);
        self.forget();
        let outcome = self.dispatch(command);
        self.take_marks(marks);
        self.forget();
        Answer { outcome, executions: self.executions.clone(), reduced: self.reduced }
    }

    /// Orders are judged by the marks that time brought; an operator's command may list or release a contract first.
    fn take_marks(&mut self, marks: &[(InstrumentId, FinePrice)]) {
        for (instrument, price) in marks {
            if let Some(contract) = self.contracts.get_mut(instrument.0 as usize) {
                contract.mark = Some(contract.pinned.unwrap_or(*price));
            }
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
            Command::Place(asked) => self.place(asked),
            Command::Edit(asked) => self.edit(asked),
            Command::Cancel(asked) => self.cancel(asked),
            Command::CancelAll { account, instrument } => self.cancel_all(*account, *instrument),
            Command::InjectPanic => panic!("a fault on purpose"),
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    // The operator's commands.

    fn genesis(&mut self, genesis: &Genesis) -> Result<Outcome, Refusal> {
        self.listed = true;
        self.limits = genesis.limits.clone();
        for spec in &genesis.instruments {
            self.list(spec);
        }
        for (name, price) in &genesis.indexes {
            let pair = self.pairs.iter().position(|p| p.name == *name).ok_or(Refusal::UnknownPair)?;
            self.pairs[pair].index = Some(*price);
        }
        Ok(Outcome::Done)
    }

    fn list(&mut self, spec: &InstrumentSpec) -> InstrumentId {
        let pair = self.pairs.iter().position(|p| p.name == spec.pair).unwrap_or_else(|| {
            let name = spec.pair.clone();
            self.pairs.push(Pair { name, index: None, published: None, pinned: false });
            self.pairs.len() - 1
        });
        let pair = PairId(pair as u16);
        self.contracts.push(Contract { spec: spec.clone(), pair, pinned: None, mark: None, last: None });
        InstrumentId(self.contracts.len() as u16 - 1)
    }

    fn start(&mut self) -> Result<Outcome, Refusal> {
        for order in self.orders.iter_mut().filter(|o| o.resting) {
            order.view.reason = Some(UpdateReason::LoadingMarket);
        }
        Ok(Outcome::Done)
    }

    fn create_account(&mut self, asked: &CreateAccount) -> Result<Outcome, Refusal> {
        if let Some(parent) = asked.parent {
            self.known_account(parent)?;
            if self.accounts[parent.0 as usize].parent.is_some() {
                return Err(Refusal::NestedSubaccount);
            }
            if self.accounts[parent.0 as usize].house != asked.house {
                return Err(Refusal::MixedFamily);
            }
        }
        self.accounts.push(Account { parent: asked.parent, house: asked.house, ..Account::default() });
        Ok(Outcome::AccountCreated(AccountId(self.accounts.len() as u32 - 1)))
    }

    fn deposit(&mut self, asked: &Deposit) -> Result<Outcome, Refusal> {
        let Deposit { account, wallet, currency, amount } = *asked;
        self.known_account(account)?;
        if amount.0.unsigned_abs() > MOST_MONEY.unsigned_abs() {
            return Err(Refusal::AmountOutOfRange);
        }
        if let Wallet::Inverse(_) = wallet {
            let contract = self.instrument_ids().find(|i| self.margin_wallet(*i).0 == wallet);
            let base = contract.map(|i| self.contract(i).spec.base).ok_or(Refusal::UnknownPair)?;
            if base != currency {
                return Err(Refusal::WrongCurrency);
            }
        }
        let after = self.balance(account, wallet, currency) + amount;
        if after.0 > MOST_MONEY {
            return Err(Refusal::AmountOutOfRange);
        }
        if amount < Money::ZERO {
            let margins = match wallet {
                Wallet::Cash => false,
                Wallet::Flex => currency == Currency::USD,
                Wallet::Inverse(_) => true,
            };
            // What margin holds must stay.
            let short = margins
                && self.equity(account, wallet, currency) - self.held(account, wallet)
                    < -figures::fine(amount);
            if after < Money::ZERO || short {
                return Err(Refusal::AmountOutOfRange);
            }
        }
        self.accounts[account.0 as usize].balances.insert((wallet, currency), after);
        Ok(Outcome::Done)
    }

    fn publish(&mut self, pair: PairId, price: FinePrice) -> Result<Outcome, Refusal> {
        check_price(price)?;
        let now = self.now;
        let pair = self.pairs.get_mut(pair.0 as usize).ok_or(Refusal::UnknownPair)?;
        pair.published = Some(now);
        if !pair.pinned {
            pair.index = Some(price);
        }
        Ok(Outcome::Done)
    }

    fn pin_index(&mut self, pair: PairId, price: Option<FinePrice>) -> Result<Outcome, Refusal> {
        let pair = self.pairs.get_mut(pair.0 as usize).ok_or(Refusal::UnknownPair)?;
        price.map_or(Ok(()), check_price)?;
        pair.index = price.or(pair.index);
        pair.pinned = price.is_some();
        Ok(Outcome::Done)
    }

    fn pin_mark(&mut self, instrument: InstrumentId, price: Option<FinePrice>) -> Result<Outcome, Refusal> {
        self.known_instrument(instrument)?;
        price.map_or(Ok(()), check_price)?;
        let contract = &mut self.contracts[instrument.0 as usize];
        contract.pinned = price;
        contract.mark = price.or(contract.mark);
        Ok(Outcome::Done)
    }

    // Cancels. Placing and editing are in `ladder`.

    fn cancel(&mut self, asked: &CancelOrder) -> Result<Outcome, Refusal> {
        self.known_account(asked.account)?;
        if self.too_late(asked.process_before) {
            return Ok(Outcome::TooLate);
        }
        let Some(id) = self.find(asked.account, &asked.order) else {
            return Ok(Outcome::CancelNotFound(None));
        };
        let order = self.order_mut(id);
        Ok(match order.view.status {
            OrderStatus::EnteredBook => {
                self.close(id, OrderStatus::Cancelled, UpdateReason::CancelledByUser, None);
                Outcome::Cancelled(id)
            }
            OrderStatus::FullyExecuted => Outcome::AlreadyFilled(id),
            OrderStatus::Cancelled => {
                order.view.error = Some(OrderError::OrderForCancellationNotFound);
                Outcome::CancelNotFound(Some(id))
            }
            // What refused it stays on its record.
            OrderStatus::Rejected => Outcome::CancelNotFound(Some(id)),
        })
    }

    fn cancel_all(
        &mut self,
        account: AccountId,
        instrument: Option<InstrumentId>,
    ) -> Result<Outcome, Refusal> {
        self.known_account(account)?;
        let mut cancelled = 0;
        for id in self.open_order_ids(account) {
            if instrument.is_none_or(|i| i == self.order(id).view.instrument) {
                self.close(id, OrderStatus::Cancelled, UpdateReason::CancelledByUser, None);
                cancelled += 1;
            }
        }
        Ok(Outcome::CancelledAll(cancelled))
    }

    // The records.

    /// Ends an order's life.
    fn close(&mut self, id: OrderId, status: OrderStatus, reason: UpdateReason, error: Option<OrderError>) {
        let now = self.now;
        let order = self.order_mut(id);
        assert!(order.closed_at.is_none(), "order {id:?} is closed twice");
        order.resting = false;
        order.closed_at = Some(now);
        order.view.status = status;
        order.view.reason = Some(reason);
        order.view.error = error;
        order.view.updated_at = now;
    }

    /// Forgets what closed five seconds ago, and the oldest of too many closed orders.
    fn forget(&mut self) {
        let now = self.now;
        self.orders.retain(|o| o.closed_at.is_none_or(|at| now < at.plus(KNOWN_FOR)));
        if self.orders.len() <= KNOWN_CLOSED {
            return;
        }
        for account in 0..self.accounts.len() {
            let of = |o: &&Order| o.closed_at.is_some() && o.view.account.0 as usize == account;
            let mut closed: Vec<_> =
                self.orders.iter().filter(of).map(|o| (o.closed_at, o.view.id)).collect();
            closed.sort();
            let too_many = closed.len().saturating_sub(KNOWN_CLOSED);
            let gone: Vec<_> = closed[..too_many].iter().map(|(_, id)| *id).collect();
            self.orders.retain(|o| !gone.contains(&o.view.id));
        }
    }

    /// The order that a request names: open, or closed in the last five seconds.
    fn find(&self, account: AccountId, named: &OrderRef) -> Option<OrderId> {
        let mut own = self.orders.iter().filter(|o| o.view.account == account);
        match named {
            OrderRef::Id(id) => own.find(|o| o.view.id == *id).map(|o| o.view.id),
            OrderRef::Client(name) => own.find(|o| occupies(&o.view, name)).map(|o| o.view.id),
        }
    }

    fn order(&self, id: OrderId) -> &Order {
        self.orders.iter().find(|o| o.view.id == id).expect("a known order")
    }

    fn order_mut(&mut self, id: OrderId) -> &mut Order {
        self.orders.iter_mut().find(|o| o.view.id == id).expect("a known order")
    }

    fn open_order_ids(&self, account: AccountId) -> Vec<OrderId> {
        let open = self.orders.iter().filter(|o| o.resting && o.view.account == account);
        open.map(|o| o.view.id).collect()
    }

    fn known_account(&self, account: AccountId) -> Result<(), Refusal> {
        if (account.0 as usize) < self.accounts.len() { Ok(()) } else { Err(Refusal::UnknownAccount) }
    }

    fn known_instrument(&self, id: InstrumentId) -> Result<(), Refusal> {
        if (id.0 as usize) < self.contracts.len() { Ok(()) } else { Err(Refusal::UnknownInstrument) }
    }

    fn contract(&self, id: InstrumentId) -> &Contract {
        &self.contracts[id.0 as usize]
    }

    fn position(&self, account: AccountId, instrument: InstrumentId) -> Position {
        self.accounts[account.0 as usize].positions.get(&instrument).cloned().unwrap_or_default()
    }

    fn balance(&self, account: AccountId, wallet: Wallet, currency: Currency) -> Money {
        let balances = &self.accounts[account.0 as usize].balances;
        balances.get(&(wallet, currency)).copied().unwrap_or_default()
    }

    fn too_late(&self, process_before: Option<Timestamp>) -> bool {
        process_before.is_some_and(|at| self.now >= at)
    }

    /// The master account of a family.
    fn head(&self, account: AccountId) -> AccountId {
        self.accounts[account.0 as usize].parent.unwrap_or(account)
    }

    /// Traded value of a whole family over thirty days, today included, at 24 decimals of USD.
    fn family_volume(&self, account: AccountId) -> BigInt {
        let since = self.today() - 29;
        let ids = (0..self.accounts.len() as u32).map(AccountId);
        let family = ids.filter(|id| self.head(*id) == self.head(account));
        family.flat_map(|id| self.accounts[id.0 as usize].volume.range(since..)).map(|(_, usd)| usd).sum()
    }

    fn today(&self) -> i64 {
        self.now.0.div_euclid(86_400_000_000)
    }

    // Questions.

    /// Exchange time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// True for the house's own accounts.
    pub fn is_house(&self, account: AccountId) -> bool {
        self.accounts.get(account.0 as usize).is_some_and(|a| a.house)
    }

    /// All listed contracts.
    pub fn instrument_ids(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        (0..self.contracts.len() as u16).map(InstrumentId)
    }

    /// The pair whose index prices a contract.
    pub fn pair(&self, id: InstrumentId) -> PairId {
        self.contract(id).pair
    }

    /// A contract's tick size.
    pub fn tick(&self, id: InstrumentId) -> FinePrice {
        self.contract(id).tick()
    }

    /// Signed lots of a position; zero where there is none.
    pub fn position_lots(&self, account: AccountId, instrument: InstrumentId) -> i64 {
        self.accounts.get(account.0 as usize).and_then(|a| a.positions.get(&instrument)).map_or(0, |p| p.qty)
    }

    /// Every order that is open or was closed in the last five seconds, in order of number.
    pub fn known_orders(&self) -> impl Iterator<Item = &OrderView> {
        self.orders.iter().map(|o| &o.view)
    }

    /// Whether a contract trades now.
    pub fn market_state(&self, id: InstrumentId) -> MarketState {
        let contract = self.contract(id);
        let pair = &self.pairs[contract.pair.0 as usize];
        if self.now < contract.spec.opening || contract.spec.expiry.is_some_and(|at| self.now >= at) {
            MarketState::Closed
        } else if pair.index.is_none() || contract.mark.is_none() || pair.is_old(self.now) {
            MarketState::Suspended
        } else {
            MarketState::Open
        }
    }

    /// Mark price.
    pub fn mark(&self, id: InstrumentId) -> Option<FinePrice> {
        self.contract(id).mark
    }

    /// Index price of a contract's pair.
    pub fn index(&self, id: InstrumentId) -> Option<FinePrice> {
        self.pairs[self.contract(id).pair.0 as usize].index
    }

    /// Price of the last execution.
    pub fn last(&self, id: InstrumentId) -> Option<Price> {
        self.contract(id).last
    }

    /// Sum of long positions.
    pub fn open_interest(&self, id: InstrumentId) -> Qty {
        let positions = self.accounts.iter().filter_map(|a| a.positions.get(&id));
        Qty(positions.map(|p| p.qty.max(0)).sum())
    }

    /// Open quantity by price, best first.
    pub fn depth(&self, id: InstrumentId, side: Side) -> Vec<(Price, Qty)> {
        let mut levels: Vec<(Price, Qty)> = vec![];
        for order in self.queue(id, side) {
            let (price, open) = (Price(order.limit()), order.open());
            match levels.last_mut() {
                Some((at, qty)) if *at == price => qty.0 += open,
                _ => levels.push((price, Qty(open))),
            }
        }
        levels
    }

    /// 30-day volume of an account's family, in USD.
    pub fn volume_usd(&self, account: AccountId) -> Money {
        figures::book(&self.family_volume(account))
    }

    /// What an account pays now.
    pub fn fee_rates(&self, account: AccountId) -> FeeRates {
        matching::fee_rates(&self.family_volume(account))
    }
}

/// True when an order stands in the way of another of the same name: refused orders do not.
fn occupies(order: &OrderView, name: &str) -> bool {
    order.status != OrderStatus::Rejected && order.client_order_id.as_deref() == Some(name)
}

fn check_price(price: FinePrice) -> Result<(), Refusal> {
    if PRICES.contains(&price.0) { Ok(()) } else { Err(Refusal::PriceOutOfRange) }
}

/// The name to show in a record, if it is one.
fn shown_name(name: &Option<ClientOrderId>) -> Option<std::sync::Arc<str>> {
    match name {
        Some(ClientOrderId::Valid(name)) => Some(std::sync::Arc::from(&**name)),
        Some(ClientOrderId::TooLong | ClientOrderId::Invalid) | None => None,
    }
}
