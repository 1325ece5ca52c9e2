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
        let account = portfolio.account();
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
        self.descend(portfolio, largest);
        if !self.margin_status(portfolio).is_short() {
            self.ladders.remove(&portfolio);
        }
    }

    /// The rungs of the ladder, one after the other, until margin suffices or the position is gone. A tenth that finds anybody to
    /// trade with is all of this second; what is left of any other rung goes on to the next at once.
    fn descend(&mut self, portfolio: Portfolio, instrument: InstrumentId) {
        let account = portfolio.account();
        let linear = self.contract(instrument).spec.kind == ContractKind::Linear;
        let lots = |model: &Self| model.position(account, instrument).qty.abs();
        let done = |model: &Self| lots(model) == 0 || !model.margin_status(portfolio).is_short();
        if linear && self.margin_status(portfolio).equity > BigInt::ZERO {
            let limit = self.zero_equity_price(portfolio, instrument);
            let part = (lots(self) / 10).max(1);
            if self.send(portfolio, instrument, (part, limit), FillRole::PartialLiquidation) > 0 {
                return;
            }
        }
        let limit = self.zero_equity_price(portfolio, instrument);
        self.send(portfolio, instrument, (lots(self), limit), FillRole::Liquidation);
        if !done(self) {
            self.assign(portfolio, instrument);
        }
        if linear && !done(self) {
            self.liquidate_covered(portfolio, instrument);
        }
        if !done(self) {
            self.unwind(portfolio, instrument);
        }
    }

    /// Where the equity behind a portfolio would be nothing if this contract were closed there, in ticks.
    pub(super) fn zero_equity_price(&self, portfolio: Portfolio, instrument: InstrumentId) -> i64 {
        let equity = self.margin_status(portfolio).equity;
        let qty = self.position(portfolio.account(), instrument).qty;
        let contract = self.contract(instrument);
        let mark = contract.mark.expect("a market that is open has a mark");
        contract.price_worth(qty, &(contract.value_at_mark(qty, mark) - equity))
    }

    /// Sends an immediate order of the exchange's own that closes so many lots at a limit. Gives how many it closed.
    fn send(
        &mut self,
        portfolio: Portfolio,
        instrument: InstrumentId,
        (lots, limit): (i64, i64),
        role: FillRole,
    ) -> i64 {
        let account = portfolio.account();
        let position = self.position(account, instrument).qty;
        let order_type = match role {
            FillRole::CoveredLiquidation => OrderType::CoveredLiquidation,
            _ => OrderType::Liquidation,
        };
        let order =
            OrderView { limit_price: Some(Price(limit)), ..self.own_order(account, instrument, lots) };
        let order = OrderView { order_type, ..order };
        if self.first_maker(&order).is_none() {
            return 0;
        }
        self.last_order += 1;
        self.reduced.push(Some(Qty(0)));
        self.orders.push(incoming(&order));
        self.arrive(order.id, role);
        position.abs() - self.position(account, instrument).qty.abs()
    }

    /// An order of the exchange's own that closes so many lots of a position.
    pub(super) fn own_order(&self, account: AccountId, instrument: InstrumentId, lots: i64) -> OrderView {
        let position = self.position(account, instrument).qty;
        OrderView {
            id: OrderId(self.last_order + 1),
            account,
            instrument,
            side: if position > 0 { Side::Sell } else { Side::Buy },
            order_type: OrderType::Liquidation,
            status: OrderStatus::EnteredBook,
            reason: Some(UpdateReason::LiquidationOrder),
            error: None,
            limit_price: None,
            qty: Some(Qty(lots)),
            filled: Qty(0),
            reduce_only: true,
            client_order_id: None,
            attached: None,
            placed_at: self.now,
            updated_at: self.now,
        }
    }

    /// Up to five per cent beyond the best price, as far as the pool can pay what is missing from where nothing is left.
    fn liquidate_covered(&mut self, portfolio: Portfolio, instrument: InstrumentId) {
        let account = portfolio.account();
        let (_, currency) = self.margin_wallet(instrument);
        let order = self.own_order(account, instrument, 1);
        let Some(best) = self.queue(instrument, order.side.opposite()).first().map(|maker| maker.limit())
        else {
            return;
        };
        let limit = match order.side {
            Side::Sell => (best * 95 + 99) / 100,
            Side::Buy => (best * 105 / 100).min(MAX_TICKS),
        };
        let pool = figures::fine(self.pool(currency));
        if pool == BigInt::ZERO {
            return;
        }
        // How many lots it can pay for, at each price that it would meet in turn.
        let zero = self.zero_equity_price(portfolio, instrument);
        let contract = self.contract(instrument);
        let (mut left, mut lots) = (pool, 0);
        for (price, open) in self.depth(instrument, order.side.opposite()) {
            let within = (price.0 - limit) * order.side.sign() <= 0;
            let wanted = open.0.min(self.position(account, instrument).qty.abs() - lots);
            if !within || wanted == 0 {
                break;
            }
            let missing = |lots: i64| contract.missing(lots, order.side, (price.0, zero));
            let payable = (0..=wanted).rev().find(|lots| missing(*lots) <= left).unwrap_or(0);
            left -= missing(payable);
            lots += payable;
            if payable < wanted {
                break;
            }
        }
        if lots > 0 {
            self.send(portfolio, instrument, (lots, limit), FillRole::CoveredLiquidation);
        }
    }

    /// A liquidated taker pays no more than is left: of its fee, and into the pool half of the maintenance margin that the
    /// fill frees (linear). Gives both; `fee` is as for any taker and already taken. `held` and `aside` were the position and
    /// what was set aside for it. Where nothing is left and the pool covers, it pays what is missing.
    pub(super) fn liquidation_fees(
        &mut self,
        order: &OrderView,
        role: FillRole,
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
        let left = figures::floor(&left);
        let kept = left.max(Money::ZERO);
        let paid_fee = fee.min(kept);
        let contract = self.contract(instrument);
        let pool = match (role, contract.spec.kind) {
            (FillRole::CoveredLiquidation, _) if left < Money::ZERO => left.max(-self.pool(currency)),
            (_, ContractKind::Inverse) => Money::ZERO,
            (_, ContractKind::Linear) => {
                let at = |lots: i64| {
                    let value = size(&contract.value(lots, price));
                    contract.maintenance(&super::margin::Exposure { lots, value })
                };
                figures::half_up(&(at(held.abs()) - at(held.abs() - lots))).min(kept - paid_fee)
            }
        };
        self.pay(account, wallet, currency, fee - paid_fee);
        *self.books.fees.entry(currency).or_default() += paid_fee - fee;
        (paid_fee, pool)
    }

    /// A wallet without positions that is short of its own currency gets that from the pool.
    pub(super) fn pay_shortfall(&mut self, account: AccountId, wallet: Wallet) {
        let Some(currency) = self.settlement(wallet) else { return };
        let flat = self.margined_by(wallet).into_iter().all(|id| self.position(account, id).qty == 0);
        let short = -self.balance(account, wallet, currency);
        if flat && short > Money::ZERO {
            self.pay(account, wallet, currency, short);
            *self.pool.entry(currency).or_default() += -short;
            self.log(account, 1);
        }
    }

    /// What liquidations have paid for the losses of others.
    pub fn pool(&self, currency: Currency) -> Money {
        self.pool.get(&currency).copied().unwrap_or_default()
    }
}

impl Contract {
    /// What is missing where so many lots are closed by a side at one price and not at another, in ticks.
    fn missing(&self, lots: i64, side: Side, (price, wanted): (i64, i64)) -> BigInt {
        let lots = lots * side.sign();
        (self.value(lots, price) - self.value(lots, wanted)).max(BigInt::ZERO)
    }

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
