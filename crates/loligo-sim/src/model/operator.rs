//! What the operator does to venue, markets, orders, accounts and limits, and a master to its family (rules 2.0, 6, 7).

use super::funding::{Funding, HOUR};
use super::{Account, Contract, Model, Pair};
use loligo_engine::{
    AccountId, CreateAccount, FundingRate, Genesis, InstrumentId, InstrumentSpec, Limits, LimitsChange,
    MAX_TICKS, MarketState, OrderId, OrderStatus, Outcome, PairId, Refusal, SelfTradeStrategy, Signal,
    TriggerKind, TriggerSide, UpdateReason,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Update reasons by their stored codes.
const REASONS: [UpdateReason; 22] = [
    UpdateReason::LoadingMarket,
    UpdateReason::NewUserOrder,
    UpdateReason::PartialFill,
    UpdateReason::FullFill,
    UpdateReason::CancelledByUser,
    UpdateReason::PostWouldExecute,
    UpdateReason::IocWouldNotExecute,
    UpdateReason::WouldExecuteSelf,
    UpdateReason::WouldNotReducePosition,
    UpdateReason::EditedByUser,
    UpdateReason::OrderForEditNotFound,
    UpdateReason::LiquidationOrder,
    UpdateReason::StopOrderTriggered,
    UpdateReason::LimitFromStop,
    UpdateReason::ContractExpired,
    UpdateReason::NotEnoughMargin,
    UpdateReason::MarketInactive,
    UpdateReason::DeadManSwitch,
    UpdateReason::CancelledByAdmin,
    UpdateReason::Expired,
    UpdateReason::TrailingStopPriceUpdated,
    UpdateReason::TrailingStopReplacedByAdmin,
];

impl Model {
    pub(super) fn genesis(&mut self, genesis: &Genesis) -> Result<Outcome, Outcome> {
        self.listed = true;
        self.limits = genesis.limits.clone();
        self.sampled = self.now.0.div_euclid(loligo_engine::Timestamp::SECOND);
        self.funded = self.now.0.div_euclid(HOUR);
        for (name, price) in &genesis.indexes {
            let pair = self.pair_named(name);
            self.pairs[pair.0 as usize].index = Some(*price);
        }
        for spec in &genesis.instruments {
            self.list(spec);
        }
        self.price_collateral();
        for pair in &mut self.pairs {
            pair.valued = pair.index;
        }
        self.opened = true;
        for past in &genesis.pasts {
            self.last_execution += u64::from(past.trades);
            let running = past.rates.iter().find(|rate| rate.hour.0.div_euclid(HOUR) == self.funded);
            let contract = self.contract_mut(past.instrument);
            contract.trades = past.trades.into();
            contract.before = Some(past.last.price);
            // Its mark began at its index: a premium of nothing.
            contract.samples.push_back(0.into());
            if let Some(rate) = running {
                let (relative, absolute) = (rate.relative, rate.absolute);
                contract.funding = Some(Funding::at(FundingRate { relative, absolute }));
            }
        }
        Ok(Outcome::Done)
    }

    pub(super) fn list(&mut self, spec: &InstrumentSpec) -> InstrumentId {
        let pair = self.pair_named(&spec.pair);
        let priced = self.prices_collateral(pair);
        self.contracts.push(Contract {
            spec: spec.clone(),
            pair,
            state: MarketState::Open,
            pinned: false,
            mark: None,
            trades: 0,
            last: None,
            before: None,
            samples: VecDeque::new(),
            good_premium: None,
            dislocation: None,
            judged: BTreeMap::new(),
            funding: spec.expiry.is_none().then(|| Funding::at(FundingRate::ZERO)),
            listed_at: self.sampled,
            settles_at: None,
            settlement: None,
        });
        let id = InstrumentId(self.contracts.len() as u16 - 1);
        self.refresh_mark(id);
        if self.opened && !priced {
            // It may price collateral from now on.
            self.price_collateral();
            self.begin_looking(None);
        }
        id
    }

    pub(super) fn pair_named(&mut self, name: &str) -> PairId {
        let known = self.pairs.iter().position(|p| p.name == name);
        let at = known.unwrap_or_else(|| {
            self.pairs.push(Pair {
                name: name.to_owned(),
                index: None,
                valued: None,
                published: None,
                pinned: false,
                volatile: false,
                samples: VecDeque::new(),
                runs: VecDeque::new(),
            });
            self.pairs.len() - 1
        });
        PairId(at as u16)
    }

    pub(super) fn start(&mut self) -> Result<Outcome, Outcome> {
        for order in self.orders.iter_mut().filter(|o| o.resting) {
            order.view.reason = Some(UpdateReason::LoadingMarket);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn create_account(&mut self, asked: &CreateAccount) -> Result<Outcome, Outcome> {
        if let Some(parent) = asked.parent {
            self.known_account(parent)?;
            if self.account(parent).parent.is_some() {
                return Err(Outcome::Refused(Refusal::NestedSubaccount));
            }
            if self.account(parent).house != asked.house {
                return Err(Outcome::Refused(Refusal::MixedFamily));
            }
        }
        self.accounts.push(Account {
            parent: asked.parent,
            house: asked.house,
            active: true,
            trading: true,
            self_trade: SelfTradeStrategy::RejectTaker,
            cancel_all_at: None,
            balances: BTreeMap::new(),
            leverage: BTreeMap::new(),
            pnl_currency: BTreeMap::new(),
            positions: BTreeMap::new(),
            volume: BTreeMap::new(),
            fills: 0,
            log_rows: 0,
        });
        Ok(Outcome::AccountCreated(AccountId(self.accounts.len() as u32 - 1)))
    }

    pub(super) fn set_active(&mut self, account: AccountId, active: bool) -> Result<Outcome, Outcome> {
        self.known_account(account)?;
        self.account_mut(account).active = active;
        if !active {
            let reason = UpdateReason::CancelledByAdmin;
            self.remove_all(|o| o.view.account == account, reason, reason);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn set_trading(&mut self, account: AccountId, enabled: bool) -> Result<Outcome, Outcome> {
        self.known_account(account)?;
        if self.account(account).parent.is_none() {
            return Err(Outcome::Refused(Refusal::NotSubaccount));
        }
        self.account_mut(account).trading = enabled;
        Ok(Outcome::Done)
    }

    pub(super) fn set_self_trade(
        &mut self,
        account: AccountId,
        strategy: SelfTradeStrategy,
    ) -> Result<Outcome, Outcome> {
        self.active_account(account)?;
        if self.account(account).parent.is_some() {
            return Err(Outcome::Refused(Refusal::NotMaster));
        }
        self.account_mut(account).self_trade = strategy;
        Ok(Outcome::Done)
    }

    pub(super) fn set_market_state(
        &mut self,
        id: InstrumentId,
        state: MarketState,
    ) -> Result<Outcome, Outcome> {
        self.known_instrument(id)?;
        if self.contract(id).state == MarketState::Expired {
            return Err(Outcome::Refused(Refusal::Expired));
        }
        if state == MarketState::Expired {
            self.end(id);
            return Ok(Outcome::Done);
        }
        if std::mem::replace(&mut self.contract_mut(id).state, state) == state {
            return Ok(Outcome::Done);
        }
        match state {
            MarketState::Open => self.judge_again(&[id]),
            MarketState::Suspended | MarketState::PostOnly => {}
            MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired => {
                let reason = UpdateReason::MarketInactive;
                self.clear(id, reason, reason);
            }
        }
        Ok(Outcome::Done)
    }

    pub(super) fn set_limits(
        &mut self,
        account: Option<AccountId>,
        instrument: Option<InstrumentId>,
        change: &LimitsChange,
    ) -> Result<Outcome, Outcome> {
        account.map_or(Ok(()), |account| self.known_account(account))?;
        instrument.map_or(Ok(()), |instrument| self.known_instrument(instrument))?;
        match (account, instrument) {
            (None, None) => change_limits(&mut self.limits, change),
            (account, instrument) => self.particular.push((account, instrument, change.clone())),
        }
        Ok(Outcome::Done)
    }

    fn live_order(&self, id: OrderId) -> Result<(), Outcome> {
        let live = self.orders.iter().any(|o| o.view.id == id && o.is_live());
        if live { Ok(()) } else { Err(Outcome::Refused(Refusal::UnknownOrder)) }
    }

    pub(super) fn admin_cancel(&mut self, id: OrderId) -> Result<Outcome, Outcome> {
        self.live_order(id)?;
        self.close(id, OrderStatus::Cancelled, UpdateReason::CancelledByAdmin, None);
        Ok(Outcome::Cancelled(id))
    }

    /// The same one anew: new number, same name, at the present signal, exempt from every check.
    pub(super) fn replace_trailing_stop(&mut self, id: OrderId) -> Result<Outcome, Outcome> {
        self.live_order(id)?;
        let old = self.order(id).clone();
        // A closed market is about to lose it.
        let closed = match self.contract(old.view.instrument).state {
            MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired => true,
            MarketState::Open | MarketState::Suspended | MarketState::PostOnly => false,
        };
        let waits = old.view.status == OrderStatus::TriggerPlaced && !closed;
        let Some(trigger) =
            old.view.trigger().filter(|t| waits && t.kind == TriggerKind::TrailingStop).cloned()
        else {
            return Err(Outcome::Refused(Refusal::NoTrailingStop));
        };
        self.order_mut(id).nameless = true;
        self.close(id, OrderStatus::Cancelled, UpdateReason::TrailingStopReplacedByAdmin, None);
        self.last_order += 1;
        let mut new = old;
        new.view.id = OrderId(self.last_order);
        (new.view.placed_at, new.view.updated_at) = (self.now, self.now);
        (new.view.reason, new.view.error) = (Some(UpdateReason::NewUserOrder), None);
        let present = self.reference(new.view.instrument, trigger.signal);
        if let (Some(value), Some(deviation)) = (present, trigger.deviation) {
            let price = self.contract(new.view.instrument).trail(deviation, new.view.side, value);
            // Where the present signal leaves no room for it, it stays where it was.
            if (1..=MAX_TICKS).contains(&price) {
                super::triggers::set_price(&mut new.view, price);
            }
        }
        let id = new.view.id;
        self.reduced.push(new.view.reduce_only.then_some(loligo_engine::Qty(0)));
        self.wait(new);
        Ok(Outcome::Replaced(id))
    }

    pub(super) fn inject_codes(
        &mut self,
        id: OrderId,
        reason: Option<u8>,
        side: Option<u8>,
        signal: Option<u8>,
    ) -> Result<Outcome, Outcome> {
        let Some(order) = self.orders.iter_mut().find(|o| o.view.id == id) else {
            return Err(Outcome::Refused(Refusal::UnknownOrder));
        };
        if let Some(code) = reason {
            let known = REASONS.get(usize::from(code)).copied();
            order.view.reason = Some(known.unwrap_or(UpdateReason::Unknown));
        }
        if let Some(trigger) = order.view.attached.as_mut().and_then(|a| Arc::make_mut(a).trigger.as_mut()) {
            if let Some(code) = side {
                let sides = [TriggerSide::Above, TriggerSide::Below];
                trigger.shown_side = sides.get(usize::from(code)).copied();
            }
            if let Some(code) = signal {
                let signals = [Signal::Last, Signal::Mark, Signal::Index];
                trigger.shown_signal = signals.get(usize::from(code)).copied();
            }
        }
        Ok(Outcome::Done)
    }
}

/// What a change names is changed.
pub(super) fn change_limits(limits: &mut Limits, change: &LimitsChange) {
    let LimitsChange {
        open_orders,
        triggers,
        trailing_stops,
        small_orders,
        small_order_usd,
        order_value_usd,
        price_collar,
    } = change.clone();
    let set = |figure: &mut u32, to: Option<u32>| *figure = to.unwrap_or(*figure);
    set(&mut limits.open_orders, open_orders);
    set(&mut limits.triggers, triggers);
    set(&mut limits.trailing_stops, trailing_stops);
    set(&mut limits.small_orders, small_orders);
    set(&mut limits.small_order_usd, small_order_usd);
    set(&mut limits.price_collar, price_collar);
    limits.order_value_usd = order_value_usd.unwrap_or(limits.order_value_usd);
}
