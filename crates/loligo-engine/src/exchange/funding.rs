//! Funding (rules 4.6): every hour each position of a perpetual is booked what it has accrued, one after the other, and then the
//! rate of the coming hour is fixed from the samples of the one that ends.
//!
//! In between a position is booked whenever it changes (`position`). What it has accrued since counts in its wallet, and is judged
//! there when something happens to the wallet: a mark that moves, a fill, money that comes or goes, the hour. Time alone makes
//! nobody short, so seconds in which nothing else happens need not be walked.

use super::position::{Booking, Charges, Margin, PositionChange};
use super::{Exchange, Timer, emit};
use crate::event::{Event, FundingBooked};
use crate::funding::{Funding, FundingRate, HOUR};
use crate::id::{AccountId, InstrumentId, Side, Timestamp, Wallet};
use crate::market::Market;
use crate::money::{Fine, Money};
use crate::past::MarketPast;
use crate::slot::{PositionSlot, Slot};
use crate::view::FundingView;
use crate::words::MarketState;

/// A funding has one row in the account's log.
const FUNDING_ROWS: u64 = 1;

/// The number of the hour in which an instant is.
pub(crate) fn hour_of(at: Timestamp) -> i64 {
    at.0.div_euclid(HOUR)
}

impl Exchange {
    /// When positions are booked next.
    pub(super) fn next_funding(&self) -> Timestamp {
        Timestamp((self.funded + 1) * HOUR)
    }

    /// Sets the timer of the next hour.
    pub(super) fn await_funding(&mut self) {
        self.timers.insert((self.next_funding(), Timer::Funding));
    }

    /// An hour is over: every position of a perpetual is to be booked, by contract and account.
    pub(super) fn begin_funding(&mut self) {
        self.funded += 1;
        self.await_funding();
        self.work.funding = Some((InstrumentId(0), AccountId(0)));
        self.begin_interest();
        self.work.busy = true;
    }

    /// The first position to be booked from an account of a contract on.
    pub(super) fn next_holder(
        &self,
        from: InstrumentId,
        account: AccountId,
    ) -> Option<(InstrumentId, AccountId)> {
        let mut account = account;
        for id in (from.index()..self.markets.len()).map(InstrumentId::of_index) {
            let market = &self.markets[id];
            if market.pays_funding() && market.open_interest > 0 {
                let holds = |slot: &PositionSlot| self.positions[*slot].size != 0;
                if let Some(slot) = market.positions_from(account).find(holds) {
                    return Some((id, self.positions[slot].account));
                }
            }
            account = AccountId(0);
        }
        None
    }

    /// Books one position, and has what waits for its account to do.
    pub(super) fn book_funding(&mut self, id: InstrumentId, account: AccountId, events: &mut Vec<Event>) {
        self.work.funding = Some((id, AccountId::of_index(account.index() + 1)));
        let Some(slot) = self.markets[id].position_of(account) else { return };
        let change = PositionChange { side: Side::Buy, lots: 0, value: Fine::ZERO, rows: FUNDING_ROWS };
        let charges = Charges { rate: 0, fee: Money::ZERO, into_pool: None };
        let Booking { size, entry, opened_at, realized_funding, balance, log, .. } =
            self.book_position(slot, &change, |_, _| charges);
        let market = &self.markets[id];
        let instrument = &market.instrument;
        let booked = FundingBooked {
            account,
            instrument: id,
            log,
            rate: market.funding.as_ref().map_or(FundingRate::ZERO, |funding| funding.rate),
            realized: realized_funding,
            position: size,
            entry,
            opened_at,
            mark: market.mark,
            wallet: Wallet::of(instrument),
            currency: instrument.settlement(),
            balance,
            at: self.now,
        };
        emit(events, || Event::Funding(Box::new(booked)));
        self.after_change(slot, Margin::Unmoved, events);
    }

    /// The last second of an hour is sampled: the rate of the next is fixed.
    pub(super) fn fix_rates(&mut self, events: &mut Vec<Event>) {
        let at = self.now;
        for id in self.markets.slots() {
            let market = &mut self.markets[id];
            let index = self.pairs[market.pair()].index;
            let Market { instrument, funding: Some(funding), trading, .. } = market else { continue };
            let (spec, before, open) = (instrument.spec(), funding.rate, *trading != MarketState::Expired);
            let rate = funding.fix(spec, index.filter(|_| open));
            if (open && at >= spec.opening) || rate != before {
                emit(events, || Event::FundingRate { instrument: id, rate, hour: at, at });
            }
        }
        self.note_rates();
    }

    /// Notes whether time alone moves what any position is worth.
    pub(super) fn note_rates(&mut self) {
        let accrues =
            |market: &Market| market.funding.as_ref().is_some_and(|funding| funding.rate.absolute != 0);
        self.accrues = self.markets.iter().any(accrues);
    }

    /// Takes up the rate of the running hour from a contract's past, where that has one.
    pub(super) fn take_past_rate(&mut self, past: &MarketPast, id: InstrumentId) {
        let hour = hour_of(self.now);
        let running = past.rates.iter().find(|rate| hour_of(rate.hour) == hour);
        if let Some(funding) = &mut self.markets[id].funding
            && let Some(running) = running
        {
            *funding = Funding::with_rate((*running).into());
        }
        self.note_rates();
    }

    /// The funding of a contract as it is now; none of a dated one, nor of one that is over.
    pub fn funding(&self, id: InstrumentId) -> Option<FundingView> {
        let market = self.markets.get(id)?;
        let funding = market.funding.as_ref().filter(|_| market.trading != MarketState::Expired)?;
        let index = self.pairs[market.pair()].index;
        let spec = market.instrument.spec();
        let prediction = index.map_or(FundingRate::ZERO, |index| funding.prediction(spec, index));
        Some(FundingView { rate: funding.rate, prediction, next: self.next_funding() })
    }
}
