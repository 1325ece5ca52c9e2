//! The exchange: all state, and [`Exchange::apply`], the one way to change it.

mod cancel;
mod closing;
mod edit;
mod matching;
mod place;
mod prices;
mod store;
mod views;

use crate::account::{Account, FEE_SCHEDULE, Family, Holding, Purse, day_of};
use crate::command::{Command, CreateAccount, Deposit, Genesis, Limits};
use crate::event::{Event, Outcome, Refusal, UpdateReason};
use crate::id::{AccountId, Currency, InstrumentId, PairId, Timestamp, Wallet};
use crate::instrument::{ContractKind, Instrument, InstrumentSpec, ListingError};
use crate::market::{Market, Pair};
use crate::money::{Fine, Money};
use crate::order::{NIL, Orders};
use crate::view::FeeTier;
use prices::price_in_range;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) use closing::CLOSED_PER_ACCOUNT;
use closing::ClosedOrders;
pub use store::CodecError;

/// The end of the year 9999: no record carries a later time, so differences of times fit.
const TIME_MAX: Timestamp = Timestamp(253_402_300_799_999_999);
/// Greatest deposit, in whole units of currency: keeps sums of money in range.
const DEPOSIT_MAX: i128 = 1_000_000_000_000;
/// All deposits of a currency together: so many times the greatest one.
const DEPOSITS_MAX: i128 = 100;

/// The whole exchange. Cloneable only through its stored form, so that there is one truth.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Exchange {
    pub(crate) now: Timestamp,
    pub(crate) born: bool,
    pub(crate) limits: Limits,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) markets: Vec<Market>,
    pub(crate) symbols: BTreeMap<String, InstrumentId>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) families: Vec<Family>,
    pub(crate) purses: Vec<Purse>,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) orders: Orders,
    pub(crate) closed: ClosedOrders,
    pub(crate) next_execution: u64,
    /// The last full second at which marks were sampled, as a count of seconds.
    pub(crate) sampled: i64,
    /// What came in from outside, less what went out.
    pub(crate) deposited: BTreeMap<Currency, Money>,
}

/// The fee schedule, rising by 30-day volume.
pub fn fee_schedule() -> &'static [FeeTier] {
    &FEE_SCHEDULE
}

/// Appends an event, made in its place: pushing would make it on the stack, and move all of the largest event's bytes.
#[inline(always)]
fn tell(events: &mut Vec<Event>, event: impl FnOnce() -> Event) {
    events.extend(std::iter::once_with(event));
}

impl Exchange {
    /// An exchange before its genesis.
    pub fn new() -> Self {
        Self::default()
    }

    /// Engine time: the greatest proposed so far.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Applies one command at `max(now, time)`; appends what happened to `events`. Whatever was due by then happens
    /// first. Total: every command has an outcome.
    ///
    /// # Panics
    /// On a broken invariant of its own, and on [`Command::InjectPanic`]: a wrong balance is worse than an outage.
    pub fn apply(&mut self, time: Timestamp, command: &Command, events: &mut Vec<Event>) -> Outcome {
        let time = time.clamp(Timestamp(0), TIME_MAX);
        if time > self.now {
            self.pass_time(time, events);
        }
        if self.born == matches!(command, Command::Genesis(_)) {
            return Outcome::Refused(Refusal::Genesis);
        }
        match command {
            Command::Genesis(genesis) => self.begin(genesis, events),
            Command::Start => self.start(events),
            Command::Advance => Outcome::Done,
            Command::CreateAccount(create) => self.create_account(create, events),
            Command::Deposit(deposit) => self.deposit(deposit, events),
            Command::List(spec) => self.list(spec, events),
            Command::PublishIndex { pair, price } => self.publish_index(*pair, *price, events),
            Command::PinIndex { pair, price } => self.pin_index(*pair, *price, events),
            Command::PinMark { instrument, price } => self.pin_mark(*instrument, *price, events),
            Command::Place(place) => self.place(place, events),
            Command::Edit(edit) => self.edit(edit, events),
            Command::Cancel(cancel) => self.cancel(cancel, events),
            Command::CancelAll { account, instrument } => self.cancel_all(*account, *instrument, events),
            Command::InjectPanic => panic!("a panic was injected by command"),
        }
    }

    /// Everything due between the last command and `time`, in order of its kind: volumes leave the thirty days, closed
    /// orders are forgotten, then marks are sampled.
    #[inline]
    fn pass_time(&mut self, time: Timestamp, events: &mut Vec<Event>) {
        let before = std::mem::replace(&mut self.now, time);
        // Days begin, and marks are sampled, at full seconds.
        let new_second = time.0 >= (self.sampled + 1) * Timestamp::SECOND;
        if new_second && day_of(time) > day_of(before) {
            self.roll_volumes();
        }
        self.forget_due(events);
        if new_second {
            self.sample_marks(events);
        }
    }

    fn begin(&mut self, genesis: &Genesis, events: &mut Vec<Event>) -> Outcome {
        let mut fresh = Self { now: self.now, born: true, limits: genesis.limits.clone(), ..Self::default() };
        fresh.orders = Orders::new(genesis.table_seed);
        fresh.next_execution = 1;
        fresh.sampled = fresh.now.0.div_euclid(Timestamp::SECOND);
        for (name, price) in &genesis.indexes {
            let pair = fresh.pair_named(name);
            fresh.pairs[pair.0 as usize].index = Some(*price);
        }
        let mut listed = Vec::new();
        for spec in &genesis.instruments {
            match fresh.list(spec, &mut listed) {
                Outcome::Refused(refusal) => return Outcome::Refused(refusal),
                _ => continue,
            }
        }
        *self = fresh;
        events.append(&mut listed);
        Outcome::Done
    }

    /// Markets are loaded: each resting order is back in its book, where it never left.
    fn start(&mut self, events: &mut Vec<Event>) -> Outcome {
        let resting: Vec<u32> =
            self.orders.known().filter(|slot| self.orders.get(*slot).level != NIL).collect();
        for slot in resting {
            let order = self.orders.get_mut(slot);
            order.reason = Some(UpdateReason::LoadingMarket);
            tell(events, || Event::Noted { order: order.id, reason: order.reason, error: order.error });
        }
        Outcome::Done
    }

    fn create_account(&mut self, create: &CreateAccount, events: &mut Vec<Event>) -> Outcome {
        let parent = match create.parent {
            None => None,
            Some(parent) => match self.accounts.get(parent.0 as usize) {
                None => return Outcome::Refused(Refusal::UnknownAccount),
                Some(account) if account.parent.is_some() => {
                    return Outcome::Refused(Refusal::NestedSubaccount);
                }
                Some(account) if account.house != create.house => {
                    return Outcome::Refused(Refusal::MixedFamily);
                }
                Some(account) => Some((parent.0, account.family)),
            },
        };
        let id = self.accounts.len() as u32;
        let family = match parent {
            Some((_, family)) => {
                self.families[family as usize].members.push(id);
                family
            }
            None => {
                self.families.push(Family::new(id, create.house, self.now));
                (self.families.len() - 1) as u32
            }
        };
        let flex = self.open_purse(family, Wallet::Flex, Currency::USD);
        self.accounts.push(Account {
            parent: parent.map(|(parent, _)| parent),
            house: create.house,
            family,
            cash: Vec::new(),
            flex_other: Vec::new(),
            flex,
            inverse: Vec::new(),
            holdings: Vec::new(),
            closed: 0,
            oldest_closed: 0,
        });
        tell(events, || Event::AccountCreated { account: AccountId(id), parent: create.parent });
        Outcome::AccountCreated(AccountId(id))
    }

    fn open_purse(&mut self, family: u32, wallet: Wallet, currency: Currency) -> u32 {
        let tier = self.families[family as usize].tier();
        self.purses.push(Purse {
            wallet,
            currency,
            balance: Money::ZERO,
            unrealized: Fine::ZERO,
            held: Fine::ZERO,
            tier,
        });
        (self.purses.len() - 1) as u32
    }

    /// The purse of an account's inverse wallet for a pair, opened when it is first needed.
    fn inverse_purse(&mut self, account: u32, pair: PairId, base: Currency) -> u32 {
        let at = usize::from(pair.0);
        let owner = &mut self.accounts[account as usize];
        if owner.inverse.len() <= at {
            owner.inverse.resize(at + 1, NIL);
        }
        if owner.inverse[at] == NIL {
            let family = owner.family;
            let purse = self.open_purse(family, Wallet::Inverse(pair), base);
            self.accounts[account as usize].inverse[at] = purse;
        }
        self.accounts[account as usize].inverse[at]
    }

    fn deposit(&mut self, deposit: &Deposit, events: &mut Vec<Event>) -> Outcome {
        let account = deposit.account.0;
        if self.accounts.get(account as usize).is_none() {
            return Outcome::Refused(Refusal::UnknownAccount);
        }
        let total = self.deposited.get(&deposit.currency).copied().unwrap_or_default();
        let largest = DEPOSIT_MAX * Money::ONE;
        if deposit.amount.0.unsigned_abs() > largest as u128
            || (total + deposit.amount).0 > largest * DEPOSITS_MAX
        {
            return Outcome::Refused(Refusal::AmountOutOfRange);
        }
        let balance = match deposit.wallet {
            Wallet::Cash => self.add_to_list(deposit, |account| &mut account.cash),
            Wallet::Flex if deposit.currency == Currency::USD => {
                self.add_to_purse(self.accounts[account as usize].flex, deposit.amount)
            }
            Wallet::Flex => self.add_to_list(deposit, |account| &mut account.flex_other),
            Wallet::Inverse(pair) => {
                let base = self.inverse_base(pair);
                if base != Some(deposit.currency) {
                    return Outcome::Refused(if base.is_none() {
                        Refusal::UnknownPair
                    } else {
                        Refusal::WrongCurrency
                    });
                }
                let purse = self.inverse_purse(account, pair, deposit.currency);
                self.add_to_purse(purse, deposit.amount)
            }
        };
        let Some(balance) = balance else { return Outcome::Refused(Refusal::AmountOutOfRange) };
        *self.deposited.entry(deposit.currency).or_default() += deposit.amount;
        let Deposit { account, wallet, currency, .. } = *deposit;
        tell(events, || Event::Balance { account, wallet, currency, balance });
        Outcome::Done
    }

    /// Adds to a margin wallet; what goes out must be free. `None` when it is not, or the balance would leave its range.
    fn add_to_purse(&mut self, purse: u32, amount: Money) -> Option<Money> {
        let purse = &mut self.purses[purse as usize];
        let balance = purse.balance + amount;
        let free = (purse.equity() - purse.held).floor().min(purse.balance);
        if balance.0 > DEPOSIT_MAX * Money::ONE || (amount < Money::ZERO && -amount > free) {
            return None;
        }
        purse.balance = balance;
        Some(balance)
    }

    fn add_to_list(
        &mut self,
        deposit: &Deposit,
        list: impl FnOnce(&mut Account) -> &mut Vec<(Currency, Money)>,
    ) -> Option<Money> {
        let list = list(&mut self.accounts[deposit.account.0 as usize]);
        let at = list.partition_point(|(currency, _)| *currency < deposit.currency);
        let held = list.get(at).filter(|(currency, _)| *currency == deposit.currency).map(|(_, held)| *held);
        let balance = held.unwrap_or(Money::ZERO) + deposit.amount;
        if balance.0 < 0 || balance.0 > DEPOSIT_MAX * Money::ONE {
            return None;
        }
        match held {
            Some(_) => list[at].1 = balance,
            None => list.insert(at, (deposit.currency, balance)),
        }
        Some(balance)
    }

    /// Base currency of a pair's inverse contracts; `None` when it has none.
    fn inverse_base(&self, pair: PairId) -> Option<Currency> {
        self.markets
            .iter()
            .find(|market| market.pair() == pair && market.instrument.spec().kind == ContractKind::Inverse)
            .map(|market| market.instrument.settlement())
    }

    fn list(&mut self, spec: &InstrumentSpec, events: &mut Vec<Event>) -> Outcome {
        let refuse = |error: ListingError| Outcome::Refused(Refusal::Listing(error.to_string()));
        if self.symbols.contains_key(&spec.symbol) {
            return refuse(ListingError::Duplicate(spec.symbol.clone()));
        }
        if self.markets.len() >= usize::from(u16::MAX) {
            return Outcome::Refused(Refusal::Listing("no more instruments can be listed".into()));
        }
        let known = self.pairs.iter().position(|pair| pair.name == spec.pair);
        let pair = PairId(known.unwrap_or(self.pairs.len()) as u16);
        let instrument = match Instrument::new(spec.clone(), pair) {
            Ok(instrument) => instrument,
            Err(error) => return refuse(error),
        };
        let index = self.pairs.get(usize::from(pair.0)).and_then(|pair| pair.index);
        if index.is_some_and(|index| !price_in_range(index) || !instrument.carries(index)) {
            return Outcome::Refused(Refusal::PriceOutOfRange);
        }
        self.pair_named(&spec.pair);
        let id = InstrumentId(self.markets.len() as u16);
        self.symbols.insert(spec.symbol.clone(), id);
        self.markets.push(Market::new(instrument));
        tell(events, || Event::Listed { instrument: id });
        self.refresh_mark(id, events);
        Outcome::Listed(id)
    }

    fn pair_named(&mut self, name: &str) -> PairId {
        let known = self.pairs.iter().position(|pair| pair.name == name);
        let at = known.unwrap_or_else(|| {
            self.pairs.push(Pair { name: name.to_owned(), index: None, pinned: false, published_at: None });
            self.pairs.len() - 1
        });
        PairId(at as u16)
    }

    /// The holding of an account in a contract, opened when it is first needed.
    #[cold]
    fn open_holding(&mut self, account: u32, instrument: InstrumentId) -> u32 {
        let market = &self.markets[usize::from(instrument.0)].instrument;
        let purse = match market.spec().kind {
            ContractKind::Linear => self.accounts[account as usize].flex,
            ContractKind::Inverse => {
                let (pair, base) = (market.pair(), market.settlement());
                self.inverse_purse(account, pair, base)
            }
        };
        let owner = &mut self.accounts[account as usize];
        self.holdings.push(Holding::new(account, owner.family, purse, instrument.0, owner.house));
        let slot = (self.holdings.len() - 1) as u32;
        let before = owner.holdings.partition_point(|(other, _)| *other < instrument.0);
        owner.holdings.insert(before, (instrument.0, slot));
        self.markets[usize::from(instrument.0)].list_holding(account, slot);
        slot
    }
}
