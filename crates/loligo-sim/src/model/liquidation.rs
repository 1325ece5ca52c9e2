//! Wallets whose margin is short: close-only, and the liquidation ladder (rules 5.5, 5.6).

use super::margin::{Portfolio, size};
use super::matching::booked;
use super::orders::incoming;
use super::takeover::Unwinding;
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
                self.leave_if_cured(portfolio);
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
        self.pay_shortfall(account, wallet);
    }

    /// Margin suffices: it is on the ladder no more, unless its position is being unwound.
    fn leave_if_cured(&mut self, portfolio: Portfolio) {
        if !self.unwindings.contains_key(&portfolio) && !self.margin_status(portfolio).is_short() {
            self.ladders.remove(&portfolio);
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
        if self.unwindings.contains_key(&portfolio) {
            self.unwind(portfolio);
            return self.leave_if_cured(portfolio);
        }
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
        self.leave_if_cured(portfolio);
    }

    /// The first rung of the ladder that finds anybody: only what closes nothing passes on at once, all else waits for the next
    /// second. A tenth that finds nobody spares the look for all of it.
    fn descend(&mut self, portfolio: Portfolio, instrument: InstrumentId) {
        let lots = self.position(portfolio.account(), instrument).qty.abs();
        let linear = self.contract(instrument).spec.kind == ContractKind::Linear;
        let limit = self.zero_equity_price(portfolio, instrument);
        let part = (lots / 10).max(1);
        let keeps = linear && self.margin_status(portfolio).equity > BigInt::ZERO;
        let (sent, role) =
            if keeps { (part, FillRole::PartialLiquidation) } else { (lots, FillRole::Liquidation) };
        if self.send(portfolio, instrument, (sent, limit), role) > 0 {
            return;
        }
        let taken =
            self.assign(portfolio, instrument) || (linear && self.liquidate_covered(portfolio, instrument));
        if !taken {
            self.unwindings.insert(portfolio, Unwinding::of(instrument, limit));
            self.unwind(portfolio);
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

    /// Up to five per cent beyond the best price, as far as the pool can pay what is missing. True when anything is closed.
    fn liquidate_covered(&mut self, portfolio: Portfolio, instrument: InstrumentId) -> bool {
        let account = portfolio.account();
        let (_, currency) = self.margin_wallet(instrument);
        let side = self.own_order(account, instrument, 1).side;
        let Some(best) = self.queue(instrument, side.opposite()).first().map(|maker| maker.limit()) else {
            return false;
        };
        let limit = match side {
            Side::Sell => (best * 95 + 99) / 100,
            Side::Buy => (best * 105 / 100).min(MAX_TICKS),
        };
        // How many lots it can pay for, of each order that it would meet in turn.
        let (mut pool, mut lots) = (self.pool(currency), 0);
        let mut trial = self.clone();
        let makers = self.queue(instrument, side.opposite()).into_iter();
        let makers: Vec<(i64, i64)> = makers.map(|maker| (maker.limit(), maker.open())).collect();
        for (price, open) in makers {
            let left = trial.position(account, instrument).qty.abs();
            let wanted = open.min(left);
            if pool <= Money::ZERO || wanted == 0 || (price - limit) * side.sign() > 0 {
                break;
            }
            let missing = |lots| trial.missing(portfolio, instrument, (lots * side.sign(), price));
            // What is missing rises with each lot.
            let (mut payable, mut beyond) = (0, wanted + 1);
            while payable + 1 < beyond {
                let middle = (payable + beyond) / 2;
                if missing(middle) <= pool { payable = middle } else { beyond = middle }
            }
            if payable == 0 {
                break;
            }
            let paid = missing(payable);
            pool -= paid;
            lots += payable;
            trial.close_covered(account, instrument, (payable * side.sign(), price), paid);
            if payable < wanted {
                break;
            }
        }
        lots > 0 && self.send(portfolio, instrument, (lots, limit), FillRole::CoveredLiquidation) > 0
    }

    /// What the pool must pay where signed lots of a position are closed at a price, rounded up: each takes with it its share of
    /// what stands behind the position, and what its loss is beyond that is missing.
    pub(super) fn missing(
        &self,
        portfolio: Portfolio,
        instrument: InstrumentId,
        (lots, price): (i64, i64),
    ) -> Money {
        let account = portfolio.account();
        let held = self.position(account, instrument);
        let contract = self.contract(instrument);
        let value = contract.value(lots, price);
        let (after, realized) = booked(&held, lots, &value);
        let booked = figures::book(&realized);
        let missing = match self.leverage(account, instrument) {
            None => {
                let (equity, loss) = self.equity_and_loss(portfolio, instrument, (lots, price));
                loss - figures::half_even(&(equity * lots.abs()), &held.qty.abs().into())
            }
            Some(_) => {
                let mut trial = self.clone();
                trial.account_mut(account).positions.insert(instrument, after);
                let released = self.set_aside(account, instrument) - trial.set_aside(account, instrument);
                -(released + figures::fine(booked))
            }
        };
        figures::ceiling(&missing).max(Money::ZERO)
    }

    /// What stands behind a portfolio when funding of one of its positions is booked, and what closing signed lots of that at a
    /// price loses of it, against mark and by rounding.
    fn equity_and_loss(
        &self,
        portfolio: Portfolio,
        instrument: InstrumentId,
        (lots, price): (i64, i64),
    ) -> (BigInt, BigInt) {
        let account = portfolio.account();
        let contract = self.contract(instrument);
        let mark = contract.mark.expect("a market that is open has a mark");
        let value = contract.value(lots, price);
        let (_, realized) = booked(&self.position(account, instrument), lots, &value);
        let rounded_off = &realized - figures::fine(figures::book(&realized));
        let (exact, rounded) = self.funding_due(account, instrument);
        let equity = self.margin_status(portfolio).equity + figures::fine(rounded) - exact;
        (equity, value - contract.value_at_mark(lots, mark) + rounded_off)
    }

    /// What a fill leaves of what stood behind a cross position: a gain that is paid in another currency counts as it did.
    pub(super) fn left_by(&self, portfolio: Portfolio, instrument: InstrumentId, deal: (i64, i64)) -> BigInt {
        let (equity, loss) = self.equity_and_loss(portfolio, instrument, deal);
        equity - loss
    }

    /// Closes lots as a covered fill would: for reckoning alone.
    fn close_covered(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        (lots, price): (i64, i64),
        paid: Money,
    ) {
        self.realize_funding(account, instrument);
        let value = self.contract(instrument).value(lots, price);
        let (after, realized) = booked(&self.position(account, instrument), lots, &value);
        self.account_mut(account).positions.insert(instrument, after);
        let (wallet, currency) = self.margin_wallet(instrument);
        self.pay(account, wallet, currency, figures::book(&realized) + paid);
    }

    /// A liquidated taker pays no more than is left: of its fee, and into the pool half of the maintenance margin that the
    /// fill frees (linear). Gives both; `fee` is as for any taker and already taken. `held` and `aside` were the position and
    /// what was set aside for it; `left` is what is left where it is cross.
    pub(super) fn liquidation_fees(
        &mut self,
        order: &OrderView,
        (lots, price): (i64, i64),
        (held, aside, left): (i64, BigInt, BigInt),
        (fee, realized): (Money, Money),
    ) -> (Money, Money) {
        let (account, instrument) = (order.account, order.instrument);
        let left = match self.leverage(account, instrument) {
            None => left,
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
        self.give_back(account, instrument, fee - paid_fee);
        (paid_fee, pool)
    }

    /// What of a fee that is taken already is not owed.
    pub(super) fn give_back(&mut self, account: AccountId, instrument: InstrumentId, fee: Money) {
        let (wallet, currency) = self.margin_wallet(instrument);
        self.pay(account, wallet, currency, fee);
        *self.books.fees.entry(currency).or_default() += -fee;
    }

    /// By how much closing lots of an isolated position at a price loses more than what was set aside for them.
    pub(super) fn beyond_set_aside(
        &self,
        (held, after): (i64, i64),
        (aside, left): (BigInt, BigInt),
        realized: Money,
    ) -> Money {
        if held.abs() <= after.abs() {
            return Money::ZERO;
        }
        figures::ceiling(&-(aside - left + figures::fine(realized))).max(Money::ZERO)
    }

    /// True for a wallet without positions that is short of its own currency.
    pub(super) fn is_flat_and_short(&self, account: AccountId, wallet: Wallet) -> bool {
        let Some(currency) = self.settlement(wallet) else { return false };
        let flat = self.margined_by(wallet).into_iter().all(|id| self.position(account, id).qty == 0);
        flat && self.balance(account, wallet, currency) < Money::ZERO
    }

    /// No wallet ends below zero: the pool pays what it is short of, be there anything in it or not.
    fn pay_shortfall(&mut self, account: AccountId, wallet: Wallet) {
        let Some(currency) = self.settlement(wallet).filter(|_| self.is_flat_and_short(account, wallet))
        else {
            return;
        };
        let short = -self.balance(account, wallet, currency);
        self.pay_from_pool(account, wallet, currency, short);
    }

    /// Money from the pool, with a row of its own in the account's log.
    pub(super) fn pay_from_pool(
        &mut self,
        account: AccountId,
        wallet: Wallet,
        currency: Currency,
        amount: Money,
    ) {
        self.pay(account, wallet, currency, amount);
        *self.pool.entry(currency).or_default() += -amount;
        self.log(account, 1);
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
