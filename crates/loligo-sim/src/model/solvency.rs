//! What an account may ask of its margin: rows 14, 17 and 18 of the checks, and leverage (rules 1.12, 4.7, 5.5).

use super::matching::{End, booked};
use super::orders::incoming;
use super::{Model, figures, margin};
use loligo_engine::{
    AccountId, ContractKind, Dislocation, FillRole, InstrumentId, Leverage, OrderError, OrderType, OrderView,
    Outcome, Refusal, Side,
};
use num_bigint::BigInt;

impl Model {
    /// Row 14: of an isolated position, with what is open on the order's side and the order.
    pub(super) fn check_leverage(&self, present: &Model, order: &OrderView) -> Result<(), OrderError> {
        let leverage = self.leverage(order.account, order.instrument);
        let (Some(leverage), Some(_), false) = (leverage, order.limit_price, order.reduce_only) else {
            return Ok(());
        };
        let reached = self.worst_with(present, order);
        let allowed = self.contract(order.instrument).level_allows(leverage, &reached);
        if allowed { Ok(()) } else { Err(OrderError::FixedLeverageTooHigh) }
    }

    /// Row 17: while the book is too far from the index, nothing trades beyond the bound on that side.
    pub(super) fn check_dislocation(&self, present: &Model, order: &OrderView) -> Result<(), OrderError> {
        let wrong_way = match present.dislocation(order.instrument) {
            Some(Dislocation::Above) => Side::Buy,
            Some(Dislocation::Below) => Side::Sell,
            None => return Ok(()),
        };
        if order.side != wrong_way || order.reduce_only || order.order_type == OrderType::Post {
            return Ok(());
        }
        let (least, most) = self.dislocation_bounds(order.instrument);
        let contract = self.contract(order.instrument);
        let beyond = self.would_fill(order).into_iter().any(|(_, price)| {
            let price = contract.price(price);
            match order.side {
                Side::Buy => price > most,
                Side::Sell => price < least,
            }
        });
        if beyond { Err(OrderError::PriceDislocation) } else { Ok(()) }
    }

    /// What an order would trade at once, lots and price of each fill, by trying it on a copy.
    fn would_fill(&self, order: &OrderView) -> Vec<(i64, i64)> {
        let mut trial = self.clone();
        trial.executions.clear();
        trial.orders.push(incoming(order));
        let end = trial.match_taker(order.id, FillRole::Taker);
        if order.order_type == OrderType::FillOrKill && end != End::Filled {
            return vec![];
        }
        trial.executions.iter().map(|execution| (execution.qty.0, execution.price.0)).collect()
    }

    /// Row 18. `present` is the state with the order as it is, if it is edited.
    pub(super) fn check_margin(&self, present: &Model, order: &OrderView) -> Result<(), OrderError> {
        let (account, instrument) = (order.account, order.instrument);
        if self.is_liquidated(account, instrument) {
            return Err(OrderError::InsufficientMargin);
        }
        let Some(limit) = order.limit_price else { return Ok(()) };
        let lots = order.open_qty().0;
        let rest = if order.reduce_only { 0 } else { lots - self.closing_part(present, order) };
        if rest > 0 && self.is_doomed(account, instrument) {
            return Err(OrderError::InsufficientMargin);
        }
        let (wallet, currency) = self.margin_wallet(instrument);
        let reached = self.worst_with(present, order);
        let held = self.held_with(account, wallet, |id, side| match (id, side) == (instrument, order.side) {
            true => reached.clone(),
            false => self.worst(account, id, side),
        });
        let added = held - present.held(account, wallet);
        let available = present.available(account, wallet, currency);
        // With less than what is held already nothing may add risk, however little it would add to that.
        if rest > 0 && (added > BigInt::ZERO || available < BigInt::ZERO) {
            let value = margin::size(&self.contract(instrument).value(rest, limit.0));
            let fee = figures::fine(figures::fee(&value, self.fee_rates(account).taker));
            if available < added * self.margin_multiplier(instrument) + fee {
                return Err(OrderError::InsufficientMargin);
            }
        }
        if order.order_type == OrderType::Post { Ok(()) } else { self.check_outlook(order, rest == 0) }
    }

    /// True for an order that closes the position whatever rests: it would trade at once, or a trigger sends it.
    fn goes_first(&self, present: &Model, order: &OrderView) -> bool {
        let edited = present.orders.iter().any(|o| o.view.id == order.id);
        let fired = order.trigger().is_some() && !edited;
        fired || (order.order_type != OrderType::Post && self.first_maker(order).is_some())
    }

    /// Lots that an order of a side could close.
    fn closable(&self, order: &OrderView) -> i64 {
        let held = self.position(order.account, order.instrument).qty;
        (-held * order.side.sign()).max(0)
    }

    /// Lots of an order that close the position: what older orders of its side leave of it, if they go first.
    fn closing_part(&self, present: &Model, order: &OrderView) -> i64 {
        let same = self.orders.iter().filter(|o| {
            o.resting
                && !o.view.reduce_only
                && (o.view.account, o.view.instrument, o.view.side)
                    == (order.account, order.instrument, order.side)
        });
        let older: i64 = same.map(super::Order::open).sum();
        let open = if self.goes_first(present, order) { 0 } else { older };
        (self.closable(order) - open).clamp(0, order.open_qty().0)
    }

    /// What the position and all orders of its side can come to with an order. One that goes first closes what there is to
    /// close by itself; so would those that rest if it were not there: who closes what is settled when it has traded.
    fn worst_with(&self, present: &Model, order: &OrderView) -> margin::Exposure {
        let closable = self.closable(order);
        if closable == 0 || order.reduce_only || !self.goes_first(present, order) {
            return self.with(order).worst(order.account, order.instrument, order.side);
        }
        let mut opens = self.worst(order.account, order.instrument, order.side);
        let lots = order.open_qty().0;
        let beyond = lots - closable;
        if beyond > 0 {
            let limit = order.limit_price.map_or(0, |limit| limit.0);
            let value = margin::size(&self.contract(order.instrument).value(lots, limit));
            opens.lots += beyond;
            opens.value += figures::up(&(value * beyond), &BigInt::from(lots));
        }
        opens
    }

    /// What would fill now must leave enough behind the position.
    fn check_outlook(&self, order: &OrderView, only_reduces: bool) -> Result<(), OrderError> {
        let (account, instrument) = (order.account, order.instrument);
        let contract = self.contract(instrument);
        let Some(mark) = contract.mark else { return Ok(()) };
        let fills = self.would_fill(order);
        let lots: i64 = fills.iter().map(|(lots, _)| lots).sum::<i64>() * order.side.sign();
        if lots == 0 {
            return Ok(());
        }
        let values = fills.iter().map(|(lots, price)| contract.value(lots * order.side.sign(), *price));
        let values: Vec<BigInt> = values.collect();
        let rate = self.fee_rates(account).taker;
        let fee: BigInt =
            values.iter().map(|value| figures::fine(figures::fee(&margin::size(value), rate))).sum();
        let value: BigInt = values.iter().sum();
        let loss = &value - contract.value_at_mark(lots, mark);
        let portfolio = self.portfolio(account, instrument);
        let before = self.margin_status(portfolio);
        let short = match only_reduces {
            true => OrderError::InsufficientClosingMargin,
            false => OrderError::InsufficientMargin,
        };
        if only_reduces && &before.equity - &loss - &fee < BigInt::ZERO {
            return Err(short);
        }
        let mut done = self.clone();
        let held = self.position(account, instrument);
        let (position, realized) = booked(&held, lots, &value);
        let left = position.qty != 0;
        let flips = position.qty.signum() == -held.qty.signum();
        done.account_mut(account).positions.insert(instrument, position);
        let mut after = done.margin_status(portfolio);
        if self.leverage(account, instrument).is_some() {
            // What closes may lose no more than what was set aside for it (rules 4.7).
            let (aside, aside_after) =
                (self.set_aside(account, instrument), done.set_aside(account, instrument));
            let kept = if flips { BigInt::ZERO } else { aside_after.clone() };
            if realized < BigInt::ZERO && &aside - kept + &realized < BigInt::ZERO {
                return Err(short);
            }
            // What else it costs is the wallet's, whose other positions must stay covered.
            let paid = aside_after - aside - realized + &fee;
            let wallet = self.margin_wallet(instrument).0;
            let others = self.margin_status(margin::Portfolio::Cross(account, wallet));
            if paid > BigInt::ZERO && others.spare() < paid {
                return Err(short);
            }
        } else {
            after.equity = &before.equity - &loss;
        }
        after.equity -= &fee;
        let worse = !only_reduces || (left && after.spare() < before.spare());
        if loss > BigInt::ZERO && after.spare() < BigInt::ZERO && worse {
            return Err(OrderError::WouldCauseLiquidation);
        }
        Ok(())
    }

    /// Isolated at a leverage, or cross again.
    pub(super) fn set_leverage(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        leverage: Option<Leverage>,
    ) -> Result<Outcome, Outcome> {
        let refuse = |refusal| Err(Outcome::Refused(refusal));
        self.active_account(account)?;
        self.known_instrument(instrument)?;
        let spec = &self.contract(instrument).spec;
        if spec.kind != ContractKind::Linear {
            return refuse(Refusal::NotMultiCollateral);
        }
        let first = &spec.margin_levels[0];
        if leverage.is_some_and(|leverage| leverage < Leverage::ONE || !margin::allows(first, leverage)) {
            return refuse(Refusal::LeverageOutOfRange);
        }
        if self.leverage(account, instrument) == leverage {
            return Ok(Outcome::Done);
        }
        if self.is_liquidated(account, instrument) || self.is_doomed(account, instrument) {
            return refuse(Refusal::WouldLiquidate);
        }
        let mut after = self.clone();
        match leverage {
            Some(leverage) => after.account_mut(account).leverage.insert(instrument, leverage),
            None => after.account_mut(account).leverage.remove(&instrument),
        };
        let (wallet, currency) = self.margin_wallet(instrument);
        let portfolios = [after.portfolio(account, instrument), margin::Portfolio::Cross(account, wallet)];
        let short = portfolios.into_iter().any(|portfolio| after.margin_status(portfolio).is_short());
        if short && self.position(account, instrument).qty != 0 {
            return refuse(Refusal::WouldLiquidate);
        }
        let free = after.available(account, wallet, currency);
        if free < BigInt::ZERO && free < self.available(account, wallet, currency) {
            return refuse(Refusal::MarginShort);
        }
        *self = after;
        if leverage.is_none() {
            self.ladders.remove(&margin::Portfolio::Isolated(account, instrument));
        }
        self.margin_checks.insert((account, wallet));
        Ok(Outcome::Done)
    }
}
