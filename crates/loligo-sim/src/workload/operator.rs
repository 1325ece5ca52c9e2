//! Switches and timers: what operators, masters and clients set, as opposed to what they send.

use super::{Flavor, Workload, venue};
use crate::model::Model;
use loligo_engine::{
    AccountId, Command, InstrumentId, Leverage, LimitsChange, MarketState, OrderId, OrderStatus, OrderView,
    SelfTradeStrategy, TriggerKind,
};

impl Workload {
    pub(super) fn operate(&mut self, model: &Model) -> Command {
        if self.chance(if self.flavor == Flavor::Margin { 60 } else { 10 }) {
            return self.set_leverage(model);
        }
        let family = if self.flavor == Flavor::Family { 30 } else { 0 };
        match self.rng.below(100 + family) {
            0..20 => self.set_market_state(model),
            20..23 => self.expire(model),
            23..45 => {
                let timeout_seconds = self.pick(&[0, 1, 1, 2, 3, 5, 60, 86_400, u32::MAX]);
                Command::CancelAllAfter { account: self.account(model), timeout_seconds }
            }
            45..55 => Command::AdminCancel { order: self.any_order(model, |_, live| live) },
            55..67 => Command::ReplaceTrailingStop {
                order: self.any_order(model, |kind, live| live && kind == Some(TriggerKind::TrailingStop)),
            },
            67..72 => Command::SetActive { account: self.account(model), active: self.chance(50) },
            72..77 => {
                let waits = |order: &OrderView| {
                    let subaccount = model.account_view(order.account).parent.is_some();
                    subaccount && order.status == OrderStatus::TriggerPlaced
                };
                let account = match self.known(model, waits) {
                    Some(order) if self.chance(50) => order.account,
                    _ if self.chance(70) => AccountId(self.pick(&venue::FAMILY)),
                    _ => self.account(model),
                };
                Command::SetTrading { account, enabled: self.chance(40) }
            }
            77..84 => self.set_limits(model),
            84..87 => {
                let mut code = |up_to| self.chance(50).then(|| self.rng.below(up_to) as u8);
                let (reason, trigger_side, trigger_signal) = (code(30), code(4), code(5));
                let order = self.any_order(model, |kind, _| kind.is_some());
                Command::InjectCodes { order, reason, trigger_side, trigger_signal }
            }
            87..92 => {
                let (number, time) = (self.rng.below(1_000_000), self.time);
                Command::List(Box::new(venue::late_contract(number, time)))
            }
            _ => {
                let account = if self.chance(80) { venue::FAMILY[0] } else { self.account(model).0 };
                let strategy = self.pick(&[
                    SelfTradeStrategy::RejectTaker,
                    SelfTradeStrategy::CancelMakerSelf,
                    SelfTradeStrategy::CancelMakerChild,
                    SelfTradeStrategy::CancelMakerAny,
                ]);
                Command::SetSelfTrade { account: loligo_engine::AccountId(account), strategy }
            }
        }
    }

    fn set_market_state(&mut self, model: &Model) -> Command {
        use MarketState::{Expired, Inactive, Open, PostOnly, PreLaunch, Suspended};
        let state = self.pick(&[Open, Open, Suspended, Suspended, Suspended, PostOnly, PostOnly, Inactive]);
        let state = match self.rng.below(40) {
            0 => PreLaunch,
            // What has expired comes back no more: not the contract that the stream is about.
            1 if self.flavor == Flavor::Halts => Expired,
            _ => state,
        };
        Command::SetMarketState { instrument: self.instrument(model), state }
    }

    /// Most often for someone who has a position there.
    fn set_leverage(&mut self, model: &Model) -> Command {
        let (account, instrument) = (self.account(model), self.instrument(model));
        let leverage = self.chance(70).then(|| {
            let odd = self.pick(&[0, 99, 100, 101, u32::MAX]);
            Leverage(if self.chance(15) { odd } else { 100 * (1 + self.rng.below(60) as u32) })
        });
        Command::SetLeverage { account, instrument, leverage }
    }

    fn expire(&mut self, model: &Model) -> Command {
        let any = self.rng.below(model.instrument_ids().count() as u64) as u16;
        let instrument =
            if self.focus.contains(&any) && self.flavor != Flavor::Halts { u16::MAX } else { any };
        Command::Expire { instrument: InstrumentId(instrument) }
    }

    /// An order that fits, by the kind of its trigger and whether it is open or waits; at times any, or none.
    fn any_order(&mut self, model: &Model, fits: impl Fn(Option<TriggerKind>, bool) -> bool) -> OrderId {
        let any = self.chance(10);
        let fits = |o: &loligo_engine::OrderView| {
            let live = matches!(o.status, OrderStatus::EnteredBook | OrderStatus::TriggerPlaced);
            any || fits(o.trigger().map(|t| t.kind), live)
        };
        self.known(model, fits).map_or(OrderId(u64::MAX), |order| order.id)
    }

    fn set_limits(&mut self, model: &Model) -> Command {
        let account = self.chance(40).then(|| self.account(model));
        let instrument = self.chance(40).then(|| self.instrument(model));
        // Mostly roomy, or little would be placed.
        let tight = self.chance(30);
        let mut figure = |tight_ones: &[u32], roomy: &[u32]| {
            if !self.chance(40) {
                return None;
            }
            Some(self.pick(if tight { tight_ones } else { roomy }))
        };
        let change = LimitsChange {
            open_orders: figure(&[0, 1, 3], &[8, 20, u32::MAX]),
            triggers: figure(&[0, 1, 3], &[8, 30, u32::MAX]),
            trailing_stops: figure(&[0, 1, 2], &[4, 20, u32::MAX]),
            small_orders: figure(&[0, 1], &[3, 50, u32::MAX]),
            small_order_usd: figure(&[50, 300], &[0, 1, 10]),
            price_collar: figure(&[1, 3_000], &[30_000, 1_000_000, u32::MAX]),
            order_value_usd: figure(&[10, 100], &[2_000]).map(u64::from),
        };
        Command::SetLimits { account, instrument, change }
    }
}
