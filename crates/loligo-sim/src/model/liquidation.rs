//! Wallets whose margin is short: close-only, and the liquidation ladder (rules 5.5, 5.6).

use super::margin::{Portfolio, size};
use super::orders::incoming;
use super::{Contract, Model, Order, figures};
use loligo_engine::{
    AccountId, ContractKind, Currency, FillRole, InstrumentId, MAX_TICKS, MarketState, Money, OrderId,
    OrderStatus, OrderType, OrderView, Price, Qty, Side, UpdateReason, Wallet,
};
use num_bigint::{BigInt, Sign};
use std::cmp::Reverse;

/// How far the liquidation of a portfolio has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ladder {
    /// Its orders are cancelled; not yet while its market is halted.
    begun: bool,
    pub(super) stepped_at: loligo_engine::Timestamp,
}

impl Model {
    pub(super) fn check_margin_wallet(&mut self, account: AccountId, wallet: Wallet) {
        let Some(currency) = self.settlement(wallet) else { return };
        for portfolio in self.portfolios(account, wallet) {
            if !self.margin_status(portfolio).is_short() {
                self.ladders.remove(&portfolio);
            } else if !self.account(account).house && !self.has_begun(portfolio) {
                self.step(portfolio);
            }
        }
        if self.available(account, wallet, currency) < BigInt::ZERO {
            for id in self.margined_by(wallet) {
                for order in self.adding_orders(account, id) {
                    self.close(order, OrderStatus::Cancelled, UpdateReason::NotEnoughMargin, None);
                }
            }
        }
    }

    /// Orders that could add to a position: all but those that together only close it, the likeliest to trade first.
    pub(super) fn adding_orders(&self, account: AccountId, instrument: InstrumentId) -> Vec<OrderId> {
        let held = self.position(account, instrument).qty;
        let mut adding = vec![];
        for side in [Side::Buy, Side::Sell] {
            let mut left = (-held * side.sign()).max(0);
            let mut own: Vec<&Order> = self.queue(instrument, side);
            own.retain(|o| o.view.account == account && !o.view.reduce_only);
            own.sort_by_key(|o| (-o.limit() * side.sign(), o.view.id));
            for order in own {
                if order.open() <= left {
                    left -= order.open();
                } else {
                    adding.push(order.view.id);
                }
            }
        }
        adding
    }

    pub(super) fn has_begun(&self, portfolio: Portfolio) -> bool {
        self.ladders.get(&portfolio).is_some_and(|ladder| ladder.begun)
    }

    /// True where no order is taken: its position, or all of its wallet, is being liquidated.
    pub(super) fn is_liquidated(&self, account: AccountId, instrument: InstrumentId) -> bool {
        self.has_begun(Portfolio::Isolated(account, instrument))
            || self.has_begun(Portfolio::Cross(account, self.margin_wallet(instrument).0))
    }

    pub(super) fn step(&mut self, portfolio: Portfolio) {
        let (Portfolio::Cross(account, _) | Portfolio::Isolated(account, _)) = portfolio;
        let mut contracts = self.contracts_in(portfolio);
        // What cannot trade any more does not stand before what can.
        contracts.retain(|i| {
            let gone = matches!(
                self.contract(*i).state,
                MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired
            );
            self.position(account, *i).qty != 0 && !gone
        });
        contracts.sort_by_key(|i| (Reverse(self.maintenance_of(account, *i)), *i));
        if !self.margin_status(portfolio).is_short() {
            self.ladders.remove(&portfolio);
            return;
        }
        let begun = self.has_begun(portfolio);
        let largest = contracts.first().copied();
        let largest = largest.filter(|largest| self.market_state(*largest) == MarketState::Open);
        self.ladders.insert(portfolio, Ladder { begun: begun || largest.is_some(), stepped_at: self.now });
        // A halted market unwinds nobody.
        let Some(largest) = largest else { return };
        if !begun {
            let all = match portfolio {
                Portfolio::Cross(_, wallet) => self.margined_by(wallet),
                Portfolio::Isolated(_, instrument) => vec![instrument],
            };
            let reason = UpdateReason::LiquidationOrder;
            let of = |o: &Order| o.view.account == account && all.contains(&o.view.instrument);
            self.remove_all(of, reason, reason);
        }
        self.close_on_market(portfolio, account, largest);
        if !self.margin_status(portfolio).is_short() {
            self.ladders.remove(&portfolio);
        }
    }

    /// A tenth of a linear position while there is equity to keep, else all of it: never beyond the price at which the
    /// portfolio's equity is nothing.
    fn close_on_market(&mut self, portfolio: Portfolio, account: AccountId, instrument: InstrumentId) {
        let equity = self.margin_status(portfolio).equity;
        let position = self.position(account, instrument).qty;
        let contract = self.contract(instrument);
        let partial = contract.spec.kind == ContractKind::Linear && equity > BigInt::ZERO;
        let (lots, role) = if partial {
            ((position.abs() / 10).max(1), FillRole::PartialLiquidation)
        } else {
            (position.abs(), FillRole::Liquidation)
        };
        let Some(mark) = contract.mark else { return };
        let limit = contract.price_worth(position, &(contract.value_at_mark(position, mark) - equity));
        let id = OrderId(self.last_order + 1);
        let order = OrderView {
            id,
            account,
            instrument,
            side: if position > 0 { Side::Sell } else { Side::Buy },
            order_type: OrderType::Liquidation,
            status: OrderStatus::EnteredBook,
            reason: Some(UpdateReason::LiquidationOrder),
            error: None,
            limit_price: Some(Price(limit)),
            qty: Some(Qty(lots)),
            filled: Qty(0),
            reduce_only: true,
            client_order_id: None,
            attached: None,
            placed_at: self.now,
            updated_at: self.now,
        };
        if self.first_maker(&order).is_none() {
            return;
        }
        self.last_order += 1;
        self.reduced.push(Some(Qty(0)));
        self.orders.push(incoming(&order));
        self.arrive(id, role);
    }

    /// A liquidated taker pays no more than is left: of its fee, and into the pool half of the maintenance margin that the
    /// fill frees (linear). Gives both; `fee` is as for any taker and already taken. `held` and `aside` were the position and
    /// what was set aside for it.
    pub(super) fn liquidation_fees(
        &mut self,
        order: &OrderView,
        (lots, price): (i64, i64),
        (held, aside): (i64, BigInt),
        (fee, realized): (Money, Money),
    ) -> (Money, Money) {
        let (account, instrument) = (order.account, order.instrument);
        let (wallet, currency) = self.margin_wallet(instrument);
        let left = match self.leverage(account, instrument) {
            None => self.margin_status(Portfolio::Cross(account, wallet)).equity + figures::fine(fee),
            Some(_) => aside - self.set_aside(account, instrument) + figures::fine(realized),
        };
        let left = figures::floor(&left).max(Money::ZERO);
        let paid_fee = fee.min(left);
        let contract = self.contract(instrument);
        let pool = match contract.spec.kind {
            ContractKind::Inverse => Money::ZERO,
            ContractKind::Linear => {
                let at = |lots: i64| {
                    let value = size(&contract.value(lots, price));
                    contract.maintenance(&super::margin::Exposure { lots, value })
                };
                figures::half_up(&(at(held.abs()) - at(held.abs() - lots))).min(left - paid_fee)
            }
        };
        let balance = self.balance(account, wallet, currency) + fee - paid_fee - pool;
        self.account_mut(account).balances.insert((wallet, currency), balance);
        *self.pool.entry(currency).or_default() += pool;
        (paid_fee, pool)
    }

    /// What liquidations have paid for the losses of others.
    pub fn pool(&self, currency: Currency) -> Money {
        self.pool.get(&currency).copied().unwrap_or_default()
    }
}

impl Contract {
    /// The price in ticks at which a position is worth so much, rounded towards its holder; the nearest that there is.
    fn price_worth(&self, qty: i64, value: &BigInt) -> i64 {
        let divide = |a: &BigInt, b: &BigInt| if qty > 0 { figures::up(a, b) } else { figures::down(a, b) };
        let value = value * qty.signum();
        let most = BigInt::from(MAX_TICKS);
        let ticks = match self.spec.kind {
            ContractKind::Linear if value.sign() != Sign::Plus => BigInt::from(1),
            ContractKind::Linear => divide(&value, &self.value(qty.abs(), 1)),
            // A long is worth less than nothing at every price, and nothing where the price has no end.
            ContractKind::Inverse if value.sign() != Sign::Minus => most.clone(),
            ContractKind::Inverse => {
                let (size, tick) = self.size_over_tick(qty.abs());
                divide(&size, &(-value * tick))
            }
        };
        i64::try_from(ticks.clamp(BigInt::from(1), most)).expect("within the range of prices")
    }
}
