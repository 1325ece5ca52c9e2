//! Margin of its own for a linear contract (rules 4.7): isolated at a leverage, or cross with all others of the wallet.

use super::place::Terms;
use super::position::Margin;
use super::solvency::MarginStatus;
use super::{Exchange, Portfolio, emit};
use crate::account::{Incoming, Position};
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, Price, Side};
use crate::instrument::{Instrument, Leverage, MarginLevel, OpenSum};
use crate::margin::{self, Exposure, Sides, isolated_of, level_of};
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
        let known = market.position_of(account);
        let slot = match (known, leverage) {
            (Some(slot), _) => slot,
            (None, None) => return LeverageOutcome::Done,
            (None, Some(_)) => self.open_position(account, id),
        };
        let position = &self.positions[slot];
        if position.leverage == leverage {
            return LeverageOutcome::Done;
        }
        if self.is_liquidated(position) || self.is_doomed(position) {
            return LeverageOutcome::Refused(LeverageRefusal::WouldLiquidate);
        }
        if let Err(refusal) = self.check_new_leverage(position, leverage) {
            return LeverageOutcome::Refused(refusal);
        }
        // From here on nothing is refused.
        let market = &self.markets[id];
        let position = &mut self.positions[slot];
        position.leverage = leverage;
        market.recount(position, &mut self.margin_wallets[position.margin_wallet], self.now);
        let at = self.now;
        emit(events, || Event::Leverage { account, instrument: id, leverage, at });
        if leverage.is_none() {
            let isolated = Portfolio::Isolated { account, instrument: id };
            self.liquidations.remove(&isolated);
            self.unwinding.remove(&isolated);
        }
        self.after_change(slot, Margin::Stale, events);
        LeverageOutcome::Done
    }

    /// With the new leverage neither the position nor the wallet's others may be liquidated at once, and what is set
    /// aside must be free.
    fn check_new_leverage(
        &self,
        position: &Position,
        leverage: Option<Leverage>,
    ) -> Result<(), LeverageRefusal> {
        let market = &self.markets[position.instrument];
        let margin_wallet = &self.margin_wallets[position.margin_wallet];
        let maintenance = self.maintenance_at_mark(position.instrument, position.size);
        let pnl = market.unrealized(position);

        // The wallet's other positions, and all that it has without this one's set-aside margin and P&L.
        let (account, wallet) = (position.account, position.margin_wallet);
        let mut others = self.margin_status_of_wallet(account, wallet, Some(position.instrument));
        others.equity += position.set_aside() - market.shared_pnl(position);
        let set_aside = leverage.map(|leverage| isolated_of(Fine(position.entry.0.abs()), leverage));
        let short = match set_aside {
            Some(margin) => {
                let alone = MarginStatus { equity: margin + pnl, maintenance };
                let others = MarginStatus { equity: others.equity - margin, ..others };
                alone.is_short() || others.is_short()
            }
            None => {
                let crossed = Position { leverage: None, ..position.clone() };
                let equity = others.equity + market.shared_pnl(&crossed);
                let maintenance = self.maintenance_with(position, Sides::of(position.size, maintenance));
                MarginStatus { equity, maintenance }.is_short()
            }
        };
        if short && position.size != 0 {
            return Err(LeverageRefusal::WouldLiquidate);
        }
        let standing = (position.size, position.entry);
        // What the contract's underlying holds, and this contract where it is isolated.
        let held = |leverage: Option<Leverage>| {
            let instrument = &market.instrument;
            let sides = leverage.is_none().then(|| position.sides(instrument));
            let isolated = leverage.map_or(Fine::ZERO, |leverage| {
                margin::with_orders(instrument, Some(leverage), standing, position.buys, position.sells)
            });
            self.need_of_underlying(position, sides) + isolated
        };
        let with = Position { leverage, ..position.clone() };
        let equity = self.equity(position.account, position.margin_wallet);
        let before = equity - margin_wallet.initial_margin;
        let after = before + (market.shared_pnl(&with) - market.shared_pnl(position))
            - (held(leverage) - held(position.leverage));
        if after < Fine::ZERO && after < before { Err(LeverageRefusal::MarginShort) } else { Ok(()) }
    }

    /// Row 14: the leverage must be one that the level reached by the position, with open orders of that side and this
    /// one, allows. `instead_of` is an open order that this one takes the place of.
    #[inline(always)]
    pub(super) fn check_leverage(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
        crosses: bool,
        instead_of: Option<&Order>,
    ) -> Result<(), OrderError> {
        match position.leverage {
            None => Ok(()),
            Some(leverage) => check_level(position, &market.instrument, terms, crosses, instead_of, leverage),
        }
    }
}

#[cold]
fn check_level(
    position: &Position,
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
    let Exposure { long, short, .. } = position.exposure_with(&order);
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
