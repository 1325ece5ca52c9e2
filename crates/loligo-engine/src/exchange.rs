//! The exchange: all state, and [`Exchange::apply`], the one way to change it.

mod assign;
mod cancel;
mod closing;
mod conversion;
mod cover;
mod dislocation;
mod edit;
mod estimates;
mod firing;
mod funding;
mod interest;
mod leverage;
mod liquidation;
mod margin_check;
mod matching;
mod netting;
mod off_book;
mod operator;
mod place;
mod position;
mod preferences;
mod prices;
mod programs;
mod self_trade;
mod settlement;
mod solvency;
mod store;
mod time;
mod triggers;
mod unwind;
mod views;
mod wallets;
mod work;
mod worth;

use crate::account::{Account, Family, MarginWallet, Position, Underlying};
use crate::command::{Command, CreateAccount, Genesis, Limits, LimitsChange};
use crate::event::Event;
use crate::fees::{FEE_SCHEDULE, FeeTier};
use crate::id::{AccountId, Currency, InstrumentId, PairId, Timestamp, Wallet};
use crate::instrument::{Instrument, InstrumentSpec, ListingError};
use crate::market::{Market, Pair, SMOOTHING};
use crate::money::{Fine, FinePrice, Money, price_in_range};
use crate::order::Orders;
use crate::outcome::{
    CreateAccountOutcome, CreateAccountRefusal, GenesisOutcome, GenesisRefusal, ListOutcome, ListRefusal,
    Outcome, Refusal,
};
use crate::past::MarketPast;
use crate::slot::{FamilySlot, OrderSlot, PositionSlot, Slot, SlotSet, Table, UnderlyingSlot, WalletSlot};
use crate::words::{ContractKind, UpdateReason};
use std::collections::{BTreeMap, BTreeSet};
pub(crate) use time::Timer;

pub(crate) use closing::CLOSED_PER_ACCOUNT;
use closing::ClosedOrders;
pub(crate) use conversion::Exchanged;
use funding::hour_of;
use interest::INTEREST_MAX;
pub(crate) use liquidation::{Ladder, Portfolio, Unwinding};
use programs::Programs;
pub use store::{CodecError, RULES_VERSION};
pub use unwind::UnwindPlaces;
pub use work::WORK_PER_RECORD;
use work::Work;

/// The end of the year 9999: no record carries a later time, so differences of times fit.
const TIME_MAX: Timestamp = Timestamp(253_402_300_799_999_999);
/// The whole exchange. A clone is a state to be stored while the exchange goes on.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub(crate) now: Timestamp,
    pub(crate) born: bool,
    pub(crate) limits: Limits,
    /// What of the limits is other for one account, one contract, or both.
    pub(crate) particular_limits: BTreeMap<(Option<AccountId>, Option<InstrumentId>), LimitsChange>,
    pub(crate) pairs: Table<PairId, Pair>,
    pub(crate) markets: Table<InstrumentId, Market>,
    pub(crate) accounts: Table<AccountId, Account>,
    pub(crate) families: Table<FamilySlot, Family>,
    pub(crate) margin_wallets: Table<WalletSlot, MarginWallet>,
    pub(crate) positions: Table<PositionSlot, Position>,
    pub(crate) underlyings: Table<UnderlyingSlot, Underlying>,
    pub(crate) orders: Orders,
    pub(crate) closed: ClosedOrders,
    pub(crate) next_execution: u64,
    /// The last full second at which marks were sampled, as a count of seconds.
    pub(crate) sampled: i64,
    /// What happens at an instant, in order of time: dead man's switches before expiries.
    pub(crate) timers: BTreeSet<(Timestamp, Timer)>,
    /// What has to be done before time may pass.
    pub(crate) work: Work,
    /// Since the full second last sampled something has happened but time passing: the steps that liquidations took then
    /// may come to something else at the next.
    pub(crate) stirred: bool,
    /// Portfolios that do not meet their maintenance margin.
    pub(crate) liquidations: BTreeMap<Portfolio, Ladder>,
    /// Positions that are closed against others, each at the price at which that began.
    pub(crate) unwinding: BTreeMap<Portfolio, Unwinding>,
    /// Who takes over positions of others.
    pub(crate) programs: Programs,
    /// What liquidations have paid for the losses of others, and the operator; less what it paid.
    pub(crate) pool: BTreeMap<Currency, Money>,
    /// What came in from outside, less what went out.
    pub(crate) deposited: BTreeMap<Currency, Money>,
    /// The number of the hour at whose beginning funding was last booked.
    pub(crate) funded: i64,
    /// Some contract has a rate: time alone moves what wallets are worth.
    pub(crate) accrues: bool,
    /// The pair that prices each currency that the flex wallet takes, in the order of their table.
    pub(crate) collateral_pairs: Vec<PairId>,
    /// Accounts that have, or had, another currency than USD in their flex wallet.
    pub(crate) collateral_holders: SlotSet<AccountId>,
    /// What the exchange took of each currency against another.
    pub(crate) exchanged: BTreeMap<Currency, Exchanged>,
    /// What an hour of a large loss costs that no USD stands behind, in 1e-8.
    pub(crate) interest: u32,
    /// Over how many seconds marks are smoothed, where the operator has set it.
    pub(crate) smoothing: Option<u8>,
}

/// The fee schedule, rising by 30-day volume.
pub fn fee_schedule() -> &'static [FeeTier] {
    &FEE_SCHEDULE
}

/// Appends an event, made in its place: pushing would make it on the stack, and move all of the largest event's bytes.
#[inline(always)]
fn emit(events: &mut Vec<Event>, event: impl FnOnce() -> Event) {
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
    /// first, and what follows from the command happens after it: as much of both as a record does (rules 5.7). While more
    /// is left [`Exchange::is_busy`], time stands still, and a cancel does nothing but cancel. Total: every command has an
    /// outcome.
    ///
    /// # Panics
    /// On a broken invariant of its own, and on [`Command::InjectPanic`]: a wrong balance is worse than an outage.
    pub fn apply(&mut self, time: Timestamp, command: &Command, events: &mut Vec<Event>) -> Outcome {
        let time = time.clamp(Timestamp(0), TIME_MAX);
        self.work.begin();
        if self.work.busy {
            return self.apply_amid_work(time, command, events);
        }
        if time > self.now {
            self.pass_time(time, events);
            if self.work.busy {
                self.look_over_asker(command, events);
            }
        }
        self.take_up(command, events)
    }

    /// As [`Exchange::apply`], where something that follows from earlier records is still to be done.
    #[cold]
    fn apply_amid_work(&mut self, time: Timestamp, command: &Command, events: &mut Vec<Event>) -> Outcome {
        if command.only_cancels() {
            let outcome = self.carry_out(command, events);
            self.note_what_is_left();
            return outcome;
        }
        self.pass_what_is_due(time, events);
        if self.work.busy {
            self.look_over_asker(command, events);
        }
        self.take_up(command, events)
    }

    #[inline(always)]
    fn take_up(&mut self, command: &Command, events: &mut Vec<Event>) -> Outcome {
        if self.born == matches!(command, Command::Genesis(_)) {
            return Outcome::Refused(Refusal::Genesis);
        }
        let outcome = self.carry_out(command, events);
        if self.work.busy {
            self.follow_up(events);
        }
        outcome
    }

    #[inline(always)]
    fn carry_out(&mut self, command: &Command, events: &mut Vec<Event>) -> Outcome {
        self.stirred |= !matches!(command, Command::Advance);
        match command {
            Command::Genesis(genesis) => self.begin(genesis, events).into(),
            Command::Start => self.start(events),
            Command::Advance => Outcome::Done,
            Command::CreateAccount(create) => self.create_account(create, events).into(),
            Command::Deposit(deposit) => self.deposit(deposit, events).into(),
            Command::List(spec) => self.list(spec, None, events).into(),
            Command::PublishIndex { pair, price } => self.publish_index(*pair, *price, events).into(),
            Command::PinIndex { pair, price } => self.pin_index(*pair, *price, events).into(),
            Command::PinMark { instrument, price } => self.pin_mark(*instrument, *price, events).into(),
            Command::PinPrices { instrument, index, mark } => {
                self.pin_prices(*instrument, *index, *mark, events).into()
            }
            Command::SetMarkSmoothing { seconds } => self.set_mark_smoothing(*seconds).into(),
            Command::Place(place) => self.place(place, None, events).into(),
            Command::PlaceOffGrid(asked) => self.place(&asked.0, Some(&asked.1), events).into(),
            Command::Edit(edit) => self.edit(edit, None, events).into(),
            Command::EditOffGrid(asked) => self.edit(&asked.0, Some(&asked.1), events).into(),
            Command::Cancel(cancel) => self.cancel(cancel, events).into(),
            Command::CancelAll { account, instrument } => {
                self.cancel_all(*account, *instrument, events).into()
            }
            Command::CancelAllAfter { account, timeout_seconds } => {
                self.cancel_all_after(*account, *timeout_seconds).into()
            }
            Command::SetSelfTrade { account, strategy } => self.set_self_trade(*account, *strategy).into(),
            Command::SetLeverage { account, instrument, leverage } => {
                self.set_leverage(*account, *instrument, *leverage, events).into()
            }
            Command::SetPnlPreference { account, instrument, currency } => {
                self.set_pnl_preference(*account, *instrument, *currency, events).into()
            }
            Command::SetInterest { rate } => self.set_interest(*rate).into(),
            Command::Transfer(transfer) => self.transfer(transfer, events).into(),
            Command::Withdraw(withdraw) => self.withdraw_money(withdraw, events).into(),
            Command::SetTrading { account, enabled } => self.set_trading(*account, *enabled, events).into(),
            Command::AddAssignmentProgram { account, program } => {
                self.add_program(*account, program, events).into()
            }
            Command::RemoveAssignmentProgram { account, program } => {
                self.remove_program(*account, *program, events).into()
            }
            Command::SetPool { currency, amount } => self.set_pool(*currency, *amount, events).into(),
            Command::SetMarketState { instrument, state } => {
                self.set_market_state(*instrument, *state, events).into()
            }
            Command::Expire { instrument } => self.expire_now(*instrument, events).into(),
            Command::AdminCancel { order } => self.admin_cancel(*order, events).into(),
            Command::ReplaceTrailingStop { order } => self.replace_trailing_stop(*order, events).into(),
            Command::SetActive { account, active } => self.set_active(*account, *active, events).into(),
            Command::SetLimits { account, instrument, change } => {
                self.set_limits(*account, *instrument, change).into()
            }
            Command::InjectCodes { order, reason, trigger_side, trigger_signal } => {
                self.inject_codes(*order, *reason, *trigger_side, *trigger_signal, events).into()
            }
            Command::InjectPanic => panic!("a panic was injected by command"),
        }
    }

    fn begin(&mut self, genesis: &Genesis, events: &mut Vec<Event>) -> GenesisOutcome {
        let mut fresh = Self { now: self.now, born: true, limits: genesis.limits.clone(), ..Self::default() };
        fresh.work = self.work.none_of();
        fresh.orders = Orders::new(genesis.table_seed);
        fresh.next_execution = 1;
        fresh.sampled = fresh.now.0.div_euclid(Timestamp::SECOND);
        fresh.funded = hour_of(fresh.now);
        fresh.await_funding();
        let mut listed = Vec::new();
        for (name, price) in &genesis.indexes {
            if !price_in_range(*price) {
                return GenesisOutcome::Refused(GenesisRefusal::PriceOutOfRange);
            }
            let (pair, at) = (fresh.pair_named(name), fresh.now);
            fresh.pairs[pair].index = Some(*price);
            emit(&mut listed, || Event::Index { pair, price: *price, at });
        }
        let mut pasts = genesis.pasts.iter().peekable();
        for spec in &genesis.instruments {
            let next = fresh.markets.next();
            match fresh.list(spec, pasts.next_if(|past| past.instrument == next), &mut listed) {
                ListOutcome::Listed(_) => {}
                ListOutcome::Refused(ListRefusal::PriceOutOfRange) => {
                    return GenesisOutcome::Refused(GenesisRefusal::PriceOutOfRange);
                }
                ListOutcome::Refused(ListRefusal::Listing(problem)) => {
                    return GenesisOutcome::Refused(GenesisRefusal::Listing(problem));
                }
            }
        }
        if pasts.next().is_some() {
            let problem = "pasts are of listed contracts, each of one, in their order".to_owned();
            return GenesisOutcome::Refused(GenesisRefusal::Listing(problem));
        }
        fresh.price_collateral();
        for pair in &mut fresh.pairs {
            pair.revalue();
        }
        *self = fresh;
        events.append(&mut listed);
        GenesisOutcome::Done
    }

    /// Markets are loaded: each resting order is back in its book, where it never left.
    fn start(&mut self, events: &mut Vec<Event>) -> Outcome {
        let resting: Vec<OrderSlot> =
            self.orders.known().filter(|slot| self.orders.get(*slot).level.is_some()).collect();
        for slot in resting {
            let order = self.orders.get_mut(slot);
            order.reason = Some(UpdateReason::LoadingMarket);
            let account = self.positions[order.position].account;
            let (order, reason, error) = (order.id, order.reason, order.error);
            emit(events, || Event::Noted { order, account, reason, error });
        }
        Outcome::Done
    }

    fn create_account(&mut self, create: &CreateAccount, events: &mut Vec<Event>) -> CreateAccountOutcome {
        let parent = match create.parent {
            None => None,
            Some(parent) => match self.accounts.get(parent) {
                None => return CreateAccountOutcome::Refused(CreateAccountRefusal::UnknownAccount),
                Some(account) if account.parent.is_some() => {
                    return CreateAccountOutcome::Refused(CreateAccountRefusal::NestedSubaccount);
                }
                Some(account) if account.house != create.house => {
                    return CreateAccountOutcome::Refused(CreateAccountRefusal::MixedFamily);
                }
                Some(account) => Some((parent, account.family)),
            },
        };
        let id = self.accounts.next();
        let family = match parent {
            Some((_, family)) => {
                self.families[family].members.push(id);
                family
            }
            None => self.families.push(Family::new(id, create.house, self.now)),
        };
        let flex = self.open_margin_wallet(family, Wallet::Flex, Currency::USD);
        self.accounts.push(Account {
            parent: parent.map(|(parent, _)| parent),
            house: create.house,
            active: true,
            trading: true,
            cancel_all_at: None,
            family,
            cash: Vec::new(),
            flex_other: Vec::new(),
            collateral: Money::ZERO,
            flex,
            inverse: Table::default(),
            positions: Vec::new(),
            closed: 0,
            oldest_closed: 0,
            fills: 0,
            log: 0,
        });
        let (account, parent, house, at) = (id, create.parent, create.house, self.now);
        emit(events, || Event::AccountCreated { account, parent, house, at });
        CreateAccountOutcome::AccountCreated(id)
    }

    fn open_margin_wallet(&mut self, family: FamilySlot, wallet: Wallet, currency: Currency) -> WalletSlot {
        let tier = self.families[family].tier();
        self.margin_wallets.push(MarginWallet {
            wallet,
            currency,
            balance: Money::ZERO,
            beside: Fine::ZERO,
            initial_margin: Fine::ZERO,
            tier,
            checked_always: false,
        })
    }

    /// The margin wallet of an account's inverse wallet for a pair, opened when it is first needed.
    fn inverse_wallet(&mut self, account: AccountId, pair: PairId, base: Currency) -> WalletSlot {
        let owner = &self.accounts[account];
        if let Some(margin_wallet) = owner.inverse_wallet(pair) {
            return margin_wallet;
        }
        let margin_wallet = self.open_margin_wallet(owner.family, Wallet::Inverse(pair), base);
        self.accounts[account].list_inverse(pair, margin_wallet);
        margin_wallet
    }

    /// Lists a contract, which may go on from a past that was made up for it.
    fn list(
        &mut self,
        spec: &InstrumentSpec,
        past: Option<&MarketPast>,
        events: &mut Vec<Event>,
    ) -> ListOutcome {
        let refuse = |error: ListingError| ListOutcome::Refused(ListRefusal::Listing(error.to_string()));
        if self.markets.iter().any(|market| market.instrument.spec().symbol == spec.symbol) {
            return refuse(ListingError::Duplicate(spec.symbol.clone()));
        }
        if self.markets.len() >= usize::from(u16::MAX) {
            return ListOutcome::Refused(ListRefusal::Listing("no more instruments can be listed".into()));
        }
        let known = self.pairs.iter().position(|pair| pair.name == spec.pair);
        let pair = known.map_or(self.pairs.next(), PairId::of_index);
        let instrument = match Instrument::new(spec.clone(), pair) {
            Ok(instrument) => instrument,
            Err(error) => return refuse(error),
        };
        let index = self.pairs.get(pair).and_then(|pair| pair.index);
        if index.is_some_and(|index| !price_in_range(index) || !instrument.carries(index)) {
            return ListOutcome::Refused(ListRefusal::PriceOutOfRange);
        }
        // One wallet margins all contracts of a kind: they have to settle in what it holds.
        let wallet = match spec.kind {
            ContractKind::Linear => Some(Currency::USD),
            ContractKind::Inverse => self.inverse_base(pair),
        };
        if wallet.is_some_and(|currency| currency != instrument.settlement()) {
            let problem = "it would settle in another currency than its wallet holds";
            return refuse(ListingError::Figures { symbol: spec.symbol.clone(), problem });
        }
        if spec.expiry.is_some_and(|at| at <= self.now) {
            let problem = "its last trading time has passed";
            return refuse(ListingError::Figures { symbol: spec.symbol.clone(), problem });
        }
        if past.is_some_and(|past| index.is_none() || !past.fits(&instrument, self.now)) {
            let problem = "its past is none that it can have had";
            return refuse(ListingError::Figures { symbol: spec.symbol.clone(), problem });
        }
        let priced = self.pair_named(&spec.pair);
        let id = self.markets.next();
        if let Some(at) = spec.expiry {
            self.timers.insert((at, Timer::Expiry(id)));
        }
        if spec.opening > self.now {
            self.timers.insert((spec.opening, Timer::Opening(id)));
        }
        let mut market = Market::new(instrument);
        market.smooth_over(self.smoothing.unwrap_or(SMOOTHING));
        self.markets.push(market);
        let (spec, at) = (Box::new(spec.clone()), self.now);
        emit(events, || Event::Listed { instrument: id, pair, spec, at });
        match (past, index) {
            (Some(past), Some(index)) => self.go_on_from(past, id, index, events),
            _ => self.refresh_mark(id, events),
        }
        self.emit_state(id, events);
        if self.born && !self.collateral_pairs.is_empty() && !self.collateral_pairs.contains(&priced) {
            self.price_collateral();
            self.begin_looking_at_collateral();
        }
        ListOutcome::Listed(id)
    }

    /// A contract has this past: its trades are counted on from there, and its mark begins where it ended.
    fn go_on_from(&mut self, past: &MarketPast, id: InstrumentId, index: FinePrice, events: &mut Vec<Event>) {
        self.next_execution += u64::from(past.trades);
        let market = &mut self.markets[id];
        market.trades = past.trades.into();
        market.before = Some(past.last);
        market.set_bounds(index, self.now);
        market.begin_at(past.mark, index);
        self.take_past_rate(past, id);
        let (past, mark, at) = (Box::new(past.clone()), past.mark, self.now);
        emit(events, || Event::Past { past, at });
        emit(events, || Event::Mark { instrument: id, price: mark, at });
    }

    fn pair_named(&mut self, name: &str) -> PairId {
        let known = self.pairs.iter().position(|pair| pair.name == name);
        known.map_or_else(|| self.pairs.push(Pair::new(name)), PairId::of_index)
    }

    /// The position of an account in a contract, opened when it is first needed.
    #[cold]
    fn open_position(&mut self, account: AccountId, instrument: InstrumentId) -> PositionSlot {
        let market = &self.markets[instrument].instrument;
        let margin_wallet = match market.spec().kind {
            ContractKind::Linear => self.accounts[account].flex,
            ContractKind::Inverse => {
                let (pair, base) = (market.pair(), market.settlement());
                self.inverse_wallet(account, pair, base)
            }
        };
        let owner = &mut self.accounts[account];
        let slot =
            self.positions.push(Position::new(account, owner.family, margin_wallet, instrument, owner.house));
        let before = owner.positions.partition_point(|(other, _)| *other < instrument);
        owner.positions.insert(before, (instrument, slot));
        self.markets[instrument].list_position(account, slot);
        self.note_netting(slot);
        slot
    }
}
