//! What the gains of a linear contract are paid in (rules 4.7).

use super::position::Margin;
use super::{Exchange, emit};
use crate::collateral::{Collateral, currencies};
use crate::event::Event;
use crate::id::{AccountId, Currency, InstrumentId};
use crate::money::Fine;
use crate::outcome::{PnlPreferenceOutcome, PnlPreferenceRefusal};
use crate::slot::PositionSlot;
use crate::words::ContractKind;

impl Exchange {
    pub(super) fn set_pnl_preference(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        currency: Option<Currency>,
        events: &mut Vec<Event>,
    ) -> PnlPreferenceOutcome {
        let gains_in = match self.check_pnl_preference(account, id, currency) {
            Ok(gains_in) => gains_in,
            Err(refused) => return refused,
        };
        let known = self.markets[id].position_of(account);
        let slot = match (known, gains_in) {
            (Some(slot), _) => slot,
            (None, None) => return PnlPreferenceOutcome::Done,
            (None, Some(_)) => self.open_position(account, id),
        };
        if self.positions[slot].gains_in == gains_in {
            return PnlPreferenceOutcome::Done;
        }
        if self.would_be_short(slot, gains_in) {
            return PnlPreferenceOutcome::Refused(PnlPreferenceRefusal::WouldLiquidate);
        }
        let position = &mut self.positions[slot];
        position.gains_in = gains_in;
        self.markets[id].recount(position, &mut self.margin_wallets[position.margin_wallet], self.now);
        let (currency, at) = (gains_in.map(Collateral::currency), self.now);
        emit(events, || Event::PnlPreference { account, instrument: id, currency, at });
        self.after_change(slot, Margin::Unmoved, events);
        PnlPreferenceOutcome::Done
    }

    /// The setting that is asked for: none is USD.
    fn check_pnl_preference(
        &self,
        account: AccountId,
        id: InstrumentId,
        currency: Option<Currency>,
    ) -> Result<Option<Collateral>, PnlPreferenceOutcome> {
        let refuse = PnlPreferenceOutcome::Refused;
        match self.accounts.get(account) {
            None => return Err(refuse(PnlPreferenceRefusal::UnknownAccount)),
            Some(owner) if !owner.active => return Err(PnlPreferenceOutcome::AccountInactive),
            Some(_) => {}
        }
        let market = self.markets.get(id).ok_or(refuse(PnlPreferenceRefusal::UnknownInstrument))?;
        if market.instrument.spec().kind != ContractKind::Linear {
            return Err(refuse(PnlPreferenceRefusal::NoPnlCurrency));
        }
        let Some(currency) = currency.filter(|currency| *currency != Currency::USD) else { return Ok(None) };
        if !currencies(self.instruments().map(|(_, listed)| listed)).contains(&currency) {
            return Err(refuse(PnlPreferenceRefusal::UnknownCurrency));
        }
        let enabled = Collateral::of(currency).filter(|collateral| collateral.terms().pays_gains);
        enabled.map(Some).ok_or(refuse(PnlPreferenceRefusal::CurrencyNotEnabled))
    }

    /// True when a position, or its wallet's others with it, would be liquidated at once with another setting: what a gain counts
    /// for is less in a currency with a haircut.
    fn would_be_short(&self, slot: PositionSlot, gains_in: Option<Collateral>) -> bool {
        let position = &self.positions[slot];
        if position.size == 0 || position.leverage.is_some() {
            return false;
        }
        if self.is_liquidated(position) {
            return true;
        }
        let market = &self.markets[position.instrument];
        let mut with = position.clone();
        with.gains_in = gains_in;
        let loss = market.shared_pnl(position) - market.shared_pnl(&with);
        let mut margin_status = self.margin_status_of_wallet(position.account, position.margin_wallet, None);
        margin_status.equity -= loss;
        loss > Fine::ZERO && margin_status.is_short()
    }

    /// The contracts whose gains an account has paid in another currency than USD, by number.
    pub fn pnl_preferences(&self, account: AccountId) -> Vec<(InstrumentId, Currency)> {
        let Some(owner) = self.accounts.get(account) else { return Vec::new() };
        let preference = |(id, slot): &(InstrumentId, PositionSlot)| {
            self.positions[*slot].gains_in.map(|currency| (*id, currency.currency()))
        };
        owner.positions.iter().filter_map(preference).collect()
    }
}
