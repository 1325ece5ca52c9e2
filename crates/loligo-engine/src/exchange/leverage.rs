//! Margin of its own for a linear contract (rules 4.7): isolated at a leverage, or cross with all others of the wallet.

use super::place::Terms;
use super::position::Margin;
use super::solvency::Standing;
use super::{Exchange, Portfolio, tell};
use crate::account::{Holding, Incoming};
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, Price, Side};
use crate::instrument::{Instrument, Leverage, MarginLevel, OpenSum};
use crate::margin::{self, Exposure, isolated_of, level_of};
use crate::market::Market;
use crate::money::Fine;
use crate::order::Order;
use crate::outcome::{LeverageOutcome, LeverageRefusal};
use crate::words::{ContractKind, OrderError};

impl Exchange {
    pub(super) fn set_leverage(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        leverage: Option<Leverage>,
        events: &mut Vec<Event>,
    ) -> LeverageOutcome {
        match self.accounts.get(account) {
            None => return LeverageOutcome::Refused(LeverageRefusal::UnknownAccount),
            Some(owner) if !owner.active => return LeverageOutcome::AccountInactive,
            Some(_) => {}
        }
        let Some(market) = self.markets.get(id) else {
            return LeverageOutcome::Refused(LeverageRefusal::UnknownInstrument);
        };
        if market.instrument.spec().kind != ContractKind::Linear {
            return LeverageOutcome::Refused(LeverageRefusal::NotMultiCollateral);
        }
        if leverage.is_some_and(|leverage| !market.instrument.allows(leverage)) {
            return LeverageOutcome::Refused(LeverageRefusal::LeverageOutOfRange);
        }
        let known = market.holding_of(account);
        let slot = match (known, leverage) {
            (Some(slot), _) => slot,
            (None, None) => return LeverageOutcome::Done,
            (None, Some(_)) => self.open_holding(account, id),
        };
        let holding = &self.holdings[slot];
        if holding.leverage == leverage {
            return LeverageOutcome::Done;
        }
        if self.is_liquidated(holding) || self.is_doomed(holding) {
            return LeverageOutcome::Refused(LeverageRefusal::WouldLiquidate);
        }
        if let Err(refusal) = self.check_new_leverage(holding, leverage) {
            return LeverageOutcome::Refused(refusal);
        }
        // From here on nothing is refused.
        let market = &self.markets[id];
        let holding = &mut self.holdings[slot];
        holding.leverage = leverage;
        market.recount(holding, &mut self.purses[holding.purse]);
        let at = self.now;
        tell(events, || Event::Leverage { account, instrument: id, leverage, at });
        if leverage.is_none() {
            self.liquidations.remove(&Portfolio::Isolated { account, instrument: id });
        }
        self.after_change(slot, Margin::Stale, events);
        LeverageOutcome::Done
    }

    /// With the new leverage neither the position nor the wallet's others may be liquidated at once, and what is set
    /// aside must be free.
    fn check_new_leverage(
        &self,
        holding: &Holding,
        leverage: Option<Leverage>,
    ) -> Result<(), LeverageRefusal> {
        let market = &self.markets[holding.instrument];
        let purse = &self.purses[holding.purse];
        let maintenance = self.maintenance_at_mark(holding.instrument, holding.position);
        let pnl = market.unrealized(holding);

        // The wallet's other positions, and all that it has without this one's set-aside margin and P&L.
        let mut others = self.standing_of_wallet(holding.account, holding.purse, Some(holding.instrument));
        others.equity += holding.set_aside() - market.shared_pnl(holding);
        let set_aside = leverage.map(|leverage| isolated_of(Fine(holding.entry.0.abs()), leverage));
        let short = match set_aside {
            Some(margin) => {
                let alone = Standing { equity: margin + pnl, maintenance };
                let others = Standing { equity: others.equity - margin, ..others };
                alone.is_short() || others.is_short()
            }
            None => {
                let equity = others.equity + pnl;
                Standing { equity, maintenance: others.maintenance + maintenance }.is_short()
            }
        };
        if short && holding.position != 0 {
            return Err(LeverageRefusal::WouldLiquidate);
        }
        let position = (holding.position, holding.entry);
        let held = margin::with_orders(&market.instrument, leverage, position, holding.buys, holding.sells);
        let shared = if leverage.is_some() { Fine::ZERO } else { pnl };
        let before = purse.equity() - purse.held;
        let after = before + (shared - market.shared_pnl(holding)) - (held - holding.held);
        if after < Fine::ZERO && after < before { Err(LeverageRefusal::MarginShort) } else { Ok(()) }
    }

    /// Row 14: the leverage must be one that the level reached by the position, with open orders of that side and this
    /// one, allows. `instead_of` is an open order that this one takes the place of.
    #[inline(always)]
    pub(super) fn check_leverage(
        &self,
        holding: &Holding,
        market: &Market,
        terms: &Terms,
        crosses: bool,
        instead_of: Option<&Order>,
    ) -> Result<(), OrderError> {
        match holding.leverage {
            None => Ok(()),
            Some(leverage) => check_level(holding, &market.instrument, terms, crosses, instead_of, leverage),
        }
    }
}

#[cold]
fn check_level(
    holding: &Holding,
    instrument: &Instrument,
    terms: &Terms,
    crosses: bool,
    instead_of: Option<&Order>,
    leverage: Leverage,
) -> Result<(), OrderError> {
    let Some(limit) = terms.limit else { return Ok(()) };
    // More than this would be beyond every position, and is refused for that.
    let lots = terms.lots.min(2 * instrument.spec().max_position.0);
    let size = |lots, price| OpenSum { lots, value: instrument.worth(lots, Price(price)).value };
    let order = Incoming {
        side: terms.side,
        size: size(lots, limit),
        instead_of: instead_of.map_or(OpenSum::default(), |order| size(order.open(), order.price)),
        closes_first: terms.closes_first(crosses),
    };
    let Exposure { long, short, .. } = holding.exposure_with(&order);
    let reached = match terms.side {
        Side::Buy => level_of(instrument, long),
        Side::Sell => level_of(instrument, short),
    };
    if reached.allows(leverage) { Ok(()) } else { Err(OrderError::FixedLeverageTooHigh) }
}

impl Instrument {
    /// The range of leverages that may be asked for: 1 to what the first margin level allows.
    fn allows(&self, leverage: Leverage) -> bool {
        leverage >= Leverage::ONE && self.spec().margin_levels[0].allows(leverage)
    }
}

impl MarginLevel {
    /// True when margin at this leverage is not below the level's initial margin.
    fn allows(&self, leverage: Leverage) -> bool {
        u64::from(leverage.0) * u64::from(self.initial) <= u64::from(Leverage::ONE.0) * 1_000_000
    }
}
