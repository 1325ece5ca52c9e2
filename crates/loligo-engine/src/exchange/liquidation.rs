//! The liquidation ladder (rules 5.6): what happens to positions whose equity is below their maintenance margin.
//!
//! It has no warning and no grace: the portfolio's orders are cancelled, then its positions are closed in steps, one at once and one
//! at each full second after it, until maintenance is met: by a step, or by a better mark or money that comes in. A step begins at the
//! top and goes down to the first rung that does something: the market, as far as the price at which the portfolio's equity would be
//! nothing; assignment (`assign`); the market beyond that price at the cost of the pool (`cover`); unwinding (`unwind`), which always
//! finds somebody. So nobody stays with a position that cannot be traded away.

use super::Exchange;
use super::matching::Traded;
use super::off_book::{FillOf, left_of_set_aside};
use super::position::Charges;
use super::solvency::MarginStatus;
use crate::account::{Position, book};
use crate::event::{Event, Fill};
use crate::fees::fee_of;
use crate::id::{AccountId, InstrumentId, Price, Side, Timestamp};
use crate::instrument::OpenSum;
use crate::margin::maintenance_of;
use crate::money::{Fine, Money};
use crate::slot::{OrderSlot, PositionSlot, WalletSlot};
use crate::words::{ContractKind, FillRole, MarketState, OrderType, UpdateReason};
use serde::{Deserialize, Serialize};

/// Part of a linear position that one step closes.
const PARTS: i64 = 10;

/// Positions that stand and fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Portfolio {
    /// All cross positions of a wallet.
    Cross { account: AccountId, margin_wallet: WalletSlot },
    /// An isolated position.
    Isolated { account: AccountId, instrument: InstrumentId },
}

/// How far the liquidation of a portfolio has come.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ladder {
    /// Its orders are cancelled. Not yet while its market is halted: a halt must not unwind anyone.
    begun: bool,
    stepped_at: Timestamp,
}

/// A position that is closed against others until it is flat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unwinding {
    pub instrument: InstrumentId,
    /// Where nothing was left to who is liquidated when it began: all of it goes at that.
    pub price: Price,
    /// Holders from this account on are still to be ranked; absent when all are.
    pub ranked: Option<AccountId>,
    /// The first in turn of those who are ranked, as many as one walk finds. There is one when all are.
    pub first: Vec<AccountId>,
}

impl Exchange {
    /// The portfolios of a wallet: its isolated positions, then all others together.
    pub(super) fn portfolios(&self, account: AccountId, margin_wallet: WalletSlot) -> Vec<Portfolio> {
        let isolated = self.of_wallet(account, margin_wallet).map(|slot| &self.positions[slot]);
        let isolated = isolated
            .filter(|position| position.leverage.is_some())
            .map(|position| Portfolio::Isolated { account, instrument: position.instrument });
        isolated.chain([Portfolio::Cross { account, margin_wallet }]).collect()
    }

    /// What stands behind a portfolio, and what must.
    pub(crate) fn margin_status(&self, portfolio: Portfolio) -> MarginStatus {
        match portfolio {
            Portfolio::Cross { account, margin_wallet } => {
                self.margin_status_of_wallet(account, margin_wallet, None)
            }
            Portfolio::Isolated { account, instrument } => {
                let slot = self.markets[instrument].position_of(account);
                let position = slot.map(|slot| &self.positions[slot]);
                match position.filter(|position| position.leverage.is_some()) {
                    Some(position) => self.margin_status_of(position, position.size, position.entry),
                    None => MarginStatus { equity: Fine::ZERO, maintenance: Fine::ZERO },
                }
            }
        }
    }

    /// Slots of a portfolio's positions, by contract; with the orders that go when it is liquidated.
    fn positions_of(&self, portfolio: Portfolio) -> Vec<PositionSlot> {
        match portfolio {
            Portfolio::Cross { account, margin_wallet } => self.of_wallet(account, margin_wallet).collect(),
            Portfolio::Isolated { account, instrument } => {
                self.markets[instrument].position_of(account).into_iter().collect()
            }
        }
    }

    /// True for a position that takes no orders because it, or all of its wallet, is liquidated.
    pub(crate) fn is_liquidated(&self, position: &Position) -> bool {
        let Position { account, margin_wallet, instrument, .. } = *position;
        self.is_wallet_liquidated(account, margin_wallet)
            || self.has_begun(Portfolio::Isolated { account, instrument })
    }

    pub(super) fn is_wallet_liquidated(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        self.has_begun(Portfolio::Cross { account, margin_wallet })
    }

    pub(super) fn has_begun(&self, portfolio: Portfolio) -> bool {
        self.liquidations.get(&portfolio).is_some_and(|ladder| ladder.begun)
    }

    /// Puts a portfolio that is short on the ladder. One that is on it already takes its next step in its own time.
    pub(super) fn liquidate(&mut self, portfolio: Portfolio, events: &mut Vec<Event>) {
        if !self.has_begun(portfolio) {
            self.step(portfolio, events);
        }
    }

    /// A full second: every portfolio on the ladder is to take a step. One that has taken it at this very instant, since a timer put it on
    /// the ladder, may come to something at the next.
    pub(super) fn begin_steps(&mut self) {
        let due = self.liquidations.keys().filter(|portfolio| self.has_step_to_take(**portfolio));
        self.work.stepping = due.copied().collect();
        self.work.busy |= !self.work.stepping.is_empty();
        self.stirred |= self.liquidations.values().any(|ladder| ladder.stepped_at == self.now);
    }

    /// True for a portfolio on the ladder that has not taken its step of this second, or is amid it.
    pub(super) fn has_step_to_take(&self, portfolio: Portfolio) -> bool {
        let goes_on = self.unwinding.contains_key(&portfolio);
        self.liquidations.get(&portfolio).is_some_and(|ladder| goes_on || ladder.stepped_at < self.now)
    }

    /// One step: a portfolio that meets its maintenance margin leaves the ladder, before it or after it. What is being unwound goes on
    /// until it is flat.
    pub(super) fn step(&mut self, portfolio: Portfolio, events: &mut Vec<Event>) {
        if let Some(unwinding) = self.unwinding.get(&portfolio).cloned() {
            self.unwind_on(portfolio, unwinding, events);
            return self.leave_if_cured(portfolio);
        }
        self.leave_if_cured(portfolio);
        if !self.margin_status(portfolio).is_short() {
            return;
        }
        // It waits while nothing of it can trade.
        let (stepped_at, open) = (self.now, self.largest(portfolio).filter(|slot| self.is_open(*slot)));
        let ladder = self.liquidations.entry(portfolio).or_insert(Ladder { begun: false, stepped_at });
        ladder.stepped_at = stepped_at;
        let Some(slot) = open else { return };
        if !std::mem::replace(&mut ladder.begun, true) {
            self.cancel_for_liquidation(portfolio, events);
        }
        self.take_rung(portfolio, slot, events);
        self.leave_if_cured(portfolio);
    }

    pub(super) fn is_open(&self, slot: PositionSlot) -> bool {
        let market = &self.markets[self.positions[slot].instrument];
        market.state(&self.pairs[market.pair()], self.now) == MarketState::Open
    }

    /// True for a portfolio of which nothing can be liquidated now: what its turn is at cannot trade.
    pub(crate) fn waits_for_a_market(&self, portfolio: Portfolio) -> bool {
        !self.largest(portfolio).is_some_and(|slot| self.is_open(slot))
    }

    /// A portfolio that meets its maintenance margin is on the ladder no more, unless it is being unwound.
    pub(super) fn leave_if_cured(&mut self, portfolio: Portfolio) {
        if !self.unwinding.contains_key(&portfolio) && !self.margin_status(portfolio).is_short() {
            self.liquidations.remove(&portfolio);
        }
    }

    fn cancel_for_liquidation(&mut self, portfolio: Portfolio, events: &mut Vec<Event>) {
        let positions = self.positions_of(portfolio);
        let of = |slot: PositionSlot| {
            let position = &self.positions[slot];
            position.orders.iter().chain(&position.triggers).copied()
        };
        let mut open: Vec<OrderSlot> = positions.into_iter().flat_map(of).collect();
        open.sort_unstable_by_key(|slot| self.orders.get(*slot).id);
        for order in open {
            self.remove(order, UpdateReason::LiquidationOrder, None, events);
        }
    }

    /// The position that needs the most to be kept; of equal ones that of the first contract.
    fn largest(&self, portfolio: Portfolio) -> Option<PositionSlot> {
        let crossed = matches!(portfolio, Portfolio::Cross { .. });
        let mut largest = None;
        for slot in self.positions_of(portfolio) {
            let position = &self.positions[slot];
            // What cannot trade any more must not stand before what can.
            let loaded = match self.markets[position.instrument].trading {
                MarketState::Open | MarketState::Suspended | MarketState::PostOnly => true,
                MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired => false,
            };
            if position.size == 0 || position.leverage.is_none() != crossed || !loaded {
                continue;
            }
            let maintenance = self.maintenance_at_mark(position.instrument, position.size);
            if largest.is_none_or(|(most, _)| maintenance > most) {
                largest = Some((maintenance, slot));
            }
        }
        largest.map(|(_, slot)| slot)
    }

    /// The first rung on which something of a position is closed.
    fn take_rung(&mut self, portfolio: Portfolio, slot: PositionSlot, events: &mut Vec<Event>) {
        let position = &self.positions[slot];
        let (size, side) = (position.size.abs(), position.closing_side());
        let market = &self.markets[position.instrument];
        let linear = market.instrument.spec().kind == ContractKind::Linear;
        let limit = self.price_of_nothing(portfolio, slot);
        if market.book.crosses(side, limit.0) {
            // A tenth, as long as there is equity to keep.
            let partial = linear && self.margin_status(portfolio).equity > Fine::ZERO;
            let (lots, role) = match partial {
                true => ((size / PARTS).max(1), FillRole::PartialLiquidation),
                false => (size, FillRole::Liquidation),
            };
            return self.send(slot, FillOf { lots, limit, order_type: OrderType::Liquidation, role }, events);
        }
        // A tenth finds nobody, so neither does all of it.
        if self.assign(slot, limit, events) || (linear && self.cover(portfolio, slot, events)) {
            return;
        }
        self.unwind(portfolio, slot, limit, events);
    }

    /// The price of a position at which a portfolio's equity is nothing, on the tick, towards the client: it never ends with less.
    fn price_of_nothing(&self, portfolio: Portfolio, slot: PositionSlot) -> Price {
        let position = &self.positions[slot];
        let market = &self.markets[position.instrument];
        let at_mark = Fine(i128::from(position.size) * market.mark_value.0);
        let worth = at_mark - self.margin_status(portfolio).equity;
        market.instrument.price_worth(position.size, worth, position.size > 0)
    }

    /// A fill of a liquidation order: neither its fee nor what it pays into the pool takes more than is left.
    #[cold]
    #[inline(never)]
    pub(super) fn fill_liquidation(
        &mut self,
        order: OrderSlot,
        slot: PositionSlot,
        side: Side,
        traded: &Traded,
        fill: &mut Fill,
    ) {
        let charges = match fill.role {
            FillRole::CoveredLiquidation => self.covered_charges(slot, side, traded),
            role => self.liquidation_charges(slot, side, traded, role),
        };
        self.fill_charged(order, slot, side, traded, fill, |_, _| charges);
    }

    /// What a step of a liquidation pays: its fee, then half of the maintenance margin that it frees, as far as there is
    /// something left of what stood behind the position.
    fn liquidation_charges(
        &self,
        slot: PositionSlot,
        side: Side,
        traded: &Traded,
        role: FillRole,
    ) -> Charges {
        let position = &self.positions[slot];
        let market = &self.markets[position.instrument];
        let instrument = &market.instrument;
        let (lots, value) = (side.sign() * traded.lots, instrument.signed(side, traded.worth.value));
        let left = left_of_set_aside(position, lots, value).unwrap_or_else(|| {
            let (_, dust) = book(position.size, position.entry, lots, value).realized.book();
            let equity = self.margin_status_of_wallet(position.account, position.margin_wallet, None).equity;
            // What has accrued is booked with it, and rounded.
            let rounded = market.due_funding(position, self.now).fine() - market.accrued(position, self.now);
            equity - market.loss_to_mark(lots, value) - dust + rounded
        });
        let left = left.floor().max(Money::ZERO);
        let kind = instrument.spec().kind;
        let rate = role.rate(self.margin_wallets[position.margin_wallet].rates());
        let fee = fee_of(kind, &traded.worth, rate).min(left);
        let into_pool = match kind {
            ContractKind::Inverse => Money::ZERO,
            ContractKind::Linear => {
                // Half of the maintenance margin that the fill frees: a step could never cure if it cost all of it.
                let at = |lots| {
                    let value = instrument.worth(lots, traded.price).value;
                    maintenance_of(instrument, OpenSum { lots, value })
                };
                let size = position.size.abs();
                let freed = at(size) - at(size - traded.lots);
                Fine((freed.0 + 1) / 2).ceil().min(left - fee)
            }
        };
        Charges { rate, fee, into_pool: Some(into_pool) }
    }
}
