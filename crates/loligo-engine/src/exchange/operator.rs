//! What the operator may do to markets, orders, accounts and limits; and what a master may do to its subaccounts.

use super::{Exchange, emit};
use crate::command::{Limits, LimitsChange};
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, OrderId};
use crate::outcome::{
    ActiveOutcome, ActiveRefusal, AdminCancelOutcome, AdminCancelRefusal, CodesOutcome, CodesRefusal,
    LimitsOutcome, LimitsRefusal, MarketStateOutcome, MarketStateRefusal, ReplaceOutcome, ReplaceRefusal,
    SelfTradeOutcome, SelfTradeRefusal, TradingOutcome, TradingRefusal,
};
use crate::words::{MarketState, SelfTradeStrategy, Signal, TriggerKind, TriggerSide, UpdateReason};
use std::borrow::Cow;

impl Exchange {
    pub(super) fn set_market_state(
        &mut self,
        id: InstrumentId,
        state: MarketState,
        events: &mut Vec<Event>,
    ) -> MarketStateOutcome {
        let Some(market) = self.markets.get_mut(id) else {
            return MarketStateOutcome::Refused(MarketStateRefusal::UnknownInstrument);
        };
        if market.trading == MarketState::Expired {
            return MarketStateOutcome::Refused(MarketStateRefusal::Expired);
        }
        if state == MarketState::Expired {
            self.expire(id, events);
            return MarketStateOutcome::Done;
        }
        if std::mem::replace(&mut market.trading, state) == state {
            return MarketStateOutcome::Done;
        }
        self.emit_state(id, events);
        match state {
            // What waited is judged by the signals as they are now.
            MarketState::Open => self.judge_all(id, events),
            MarketState::Suspended | MarketState::PostOnly => {}
            MarketState::Inactive | MarketState::PreLaunch | MarketState::Expired => {
                let reason = UpdateReason::MarketInactive;
                self.clear_market(id, reason, reason);
            }
        }
        MarketStateOutcome::Done
    }

    pub(super) fn admin_cancel(&mut self, order: OrderId, events: &mut Vec<Event>) -> AdminCancelOutcome {
        let Some(slot) = self.find_open(order) else {
            return AdminCancelOutcome::Refused(AdminCancelRefusal::UnknownOrder);
        };
        self.remove(slot, UpdateReason::CancelledByAdmin, None, events);
        AdminCancelOutcome::Cancelled(order)
    }

    pub(super) fn replace_trailing_stop(
        &mut self,
        order: OrderId,
        events: &mut Vec<Event>,
    ) -> ReplaceOutcome {
        let Some(slot) = self.find_open(order) else {
            return ReplaceOutcome::Refused(ReplaceRefusal::UnknownOrder);
        };
        let trails = self.orders.trigger(slot).is_some_and(|t| t.kind == TriggerKind::TrailingStop);
        let order = self.orders.get(slot);
        // One that its closed market is about to lose waits no more: another in its place would stay for good.
        let lost = match self.markets[self.positions[order.position].instrument].trading {
            MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired => true,
            MarketState::Open | MarketState::Suspended | MarketState::PostOnly => false,
        };
        if !trails || order.level.is_some() || lost {
            return ReplaceOutcome::Refused(ReplaceRefusal::NoTrailingStop);
        }
        ReplaceOutcome::Replaced(self.renew_trigger(slot, events))
    }

    pub(super) fn set_active(
        &mut self,
        account: AccountId,
        active: bool,
        events: &mut Vec<Event>,
    ) -> ActiveOutcome {
        let Some(owner) = self.accounts.get_mut(account) else {
            return ActiveOutcome::Refused(ActiveRefusal::UnknownAccount);
        };
        if std::mem::replace(&mut owner.active, active) != active {
            let trading = owner.trading;
            emit(events, || Event::Account { account, active, trading, at: self.now });
            if !active {
                self.remove_all(account, None, UpdateReason::CancelledByAdmin, events);
            }
        }
        ActiveOutcome::Done
    }

    pub(super) fn set_trading(
        &mut self,
        account: AccountId,
        enabled: bool,
        events: &mut Vec<Event>,
    ) -> TradingOutcome {
        let Some(owner) = self.accounts.get_mut(account) else {
            return TradingOutcome::Refused(TradingRefusal::UnknownAccount);
        };
        if owner.parent.is_none() {
            return TradingOutcome::Refused(TradingRefusal::NotSubaccount);
        }
        if std::mem::replace(&mut owner.trading, enabled) != enabled {
            let active = owner.active;
            emit(events, || Event::Account { account, active, trading: enabled, at: self.now });
        }
        TradingOutcome::Done
    }

    pub(super) fn set_self_trade(
        &mut self,
        account: AccountId,
        strategy: SelfTradeStrategy,
    ) -> SelfTradeOutcome {
        match self.accounts.get(account) {
            None => SelfTradeOutcome::Refused(SelfTradeRefusal::UnknownAccount),
            Some(owner) if !owner.active => SelfTradeOutcome::AccountInactive,
            Some(owner) if owner.parent.is_some() => SelfTradeOutcome::Refused(SelfTradeRefusal::NotMaster),
            Some(owner) => {
                self.families[owner.family].self_trade = strategy;
                SelfTradeOutcome::Done
            }
        }
    }

    pub(super) fn set_limits(
        &mut self,
        account: Option<AccountId>,
        instrument: Option<InstrumentId>,
        change: &LimitsChange,
    ) -> LimitsOutcome {
        if account.is_some_and(|account| self.accounts.get(account).is_none()) {
            return LimitsOutcome::Refused(LimitsRefusal::UnknownAccount);
        }
        if instrument.is_some_and(|id| self.markets.get(id).is_none()) {
            return LimitsOutcome::Refused(LimitsRefusal::UnknownInstrument);
        }
        if *change == LimitsChange::default() {
            return LimitsOutcome::Done;
        }
        if account.is_none() && instrument.is_none() {
            change.apply(&mut self.limits);
        } else {
            change.add_to(self.particular_limits.entry((account, instrument)).or_default());
        }
        LimitsOutcome::Done
    }

    /// The limits that hold for an account in a contract: figure by figure the most particular one set.
    #[inline]
    pub(super) fn limits_of(&self, account: AccountId, instrument: InstrumentId) -> Cow<'_, Limits> {
        let particular = [(None, Some(instrument)), (Some(account), None), (Some(account), Some(instrument))];
        if self.particular_limits.is_empty()
            || !particular.iter().any(|of| self.particular_limits.contains_key(of))
        {
            Cow::Borrowed(&self.limits)
        } else {
            Cow::Owned(self.limits(Some(account), Some(instrument)))
        }
    }

    /// The limits that hold for an account, in a contract, for both, or (neither named) where nothing more particular is
    /// set.
    #[cold]
    pub fn limits(&self, account: Option<AccountId>, instrument: Option<InstrumentId>) -> Limits {
        let mut limits = self.limits.clone();
        // What is not named has no limits of its own.
        let least_first = [(None, instrument), (account, None), (account, instrument)];
        for change in least_first.iter().filter_map(|of| self.particular_limits.get(of)) {
            change.apply(&mut limits);
        }
        limits
    }

    /// What was set for an account, a contract or both, in their order; nothing of what holds for all.
    pub fn particular_limits(
        &self,
    ) -> impl Iterator<Item = (Option<AccountId>, Option<InstrumentId>, &LimitsChange)> {
        self.particular_limits.iter().map(|((account, instrument), change)| (*account, *instrument, change))
    }

    pub(super) fn inject_codes(
        &mut self,
        order: OrderId,
        reason: Option<u8>,
        trigger_side: Option<u8>,
        trigger_signal: Option<u8>,
        events: &mut Vec<Event>,
    ) -> CodesOutcome {
        let Some(slot) = self.orders.find(order) else {
            return CodesOutcome::Refused(CodesRefusal::UnknownOrder);
        };
        if let Some(code) = reason {
            self.orders.get_mut(slot).reason = Some(UpdateReason::of_code(code));
        }
        if let Some(trigger) = self.orders.trigger_mut(slot) {
            if let Some(code) = trigger_side {
                trigger.shown_side = TriggerSide::of_code(code);
            }
            if let Some(code) = trigger_signal {
                trigger.shown_signal = Signal::of_code(code);
            }
        }
        emit(events, || Event::Rewritten { order: self.view(slot) });
        CodesOutcome::Done
    }
}

impl LimitsChange {
    fn apply(&self, limits: &mut Limits) {
        let LimitsChange {
            open_orders,
            triggers,
            trailing_stops,
            small_orders,
            small_order_usd,
            order_value_usd,
            price_collar,
        } = self.clone();
        limits.open_orders = open_orders.unwrap_or(limits.open_orders);
        limits.triggers = triggers.unwrap_or(limits.triggers);
        limits.trailing_stops = trailing_stops.unwrap_or(limits.trailing_stops);
        limits.small_orders = small_orders.unwrap_or(limits.small_orders);
        limits.small_order_usd = small_order_usd.unwrap_or(limits.small_order_usd);
        limits.order_value_usd = order_value_usd.unwrap_or(limits.order_value_usd);
        limits.price_collar = price_collar.unwrap_or(limits.price_collar);
    }

    /// Makes this a part of an earlier change of the same limits.
    fn add_to(&self, earlier: &mut LimitsChange) {
        *earlier = LimitsChange {
            open_orders: self.open_orders.or(earlier.open_orders),
            triggers: self.triggers.or(earlier.triggers),
            trailing_stops: self.trailing_stops.or(earlier.trailing_stops),
            small_orders: self.small_orders.or(earlier.small_orders),
            small_order_usd: self.small_order_usd.or(earlier.small_order_usd),
            order_value_usd: self.order_value_usd.or(earlier.order_value_usd),
            price_collar: self.price_collar.or(earlier.price_collar),
        };
    }
}
