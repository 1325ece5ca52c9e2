//! Index and mark prices, and what follows when they move.

use super::{Exchange, tell};
use crate::event::{Event, Outcome, Refusal};
use crate::id::{InstrumentId, PairId, Timestamp};
use crate::money::FinePrice;

/// Greatest index or mark price: 10^9 units of quote; and the least, 10^-10. Both keep values in range.
const PRICE_MAX: i128 = 10_i128.pow(9 + 18);
const PRICE_MIN: i128 = 10_i128.pow(8);

/// After so many seconds without a command every sample is like the last: the kept premium (60 s) has run out and the
/// mean (30 s) has nothing else in it. A longer gap skips to its end.
const SETTLED: i64 = 95;

impl Exchange {
    pub(super) fn publish_index(
        &mut self,
        pair: PairId,
        price: FinePrice,
        events: &mut Vec<Event>,
    ) -> Outcome {
        if !self.carries(pair, price) {
            return Outcome::Refused(Refusal::PriceOutOfRange);
        }
        let now = self.now;
        let Some(state) = self.pairs.get_mut(usize::from(pair.0)) else {
            return Outcome::Refused(Refusal::UnknownPair);
        };
        state.published_at = Some(now);
        if !state.pinned {
            self.set_index(pair, price, events);
        }
        Outcome::Done
    }

    pub(super) fn pin_index(
        &mut self,
        pair: PairId,
        price: Option<FinePrice>,
        events: &mut Vec<Event>,
    ) -> Outcome {
        let carried = price.is_none_or(|price| self.carries(pair, price));
        let Some(state) = self.pairs.get_mut(usize::from(pair.0)) else {
            return Outcome::Refused(Refusal::UnknownPair);
        };
        match price {
            Some(_) if !carried => return Outcome::Refused(Refusal::PriceOutOfRange),
            Some(price) => {
                state.pinned = true;
                self.set_index(pair, price, events);
                // An operator's price is told at once, not at the next sample.
                for market in 0..self.markets.len() {
                    if self.markets[market].pair() == pair {
                        self.refresh_mark(InstrumentId(market as u16), events);
                    }
                }
            }
            None => state.pinned = false,
        }
        Outcome::Done
    }

    pub(super) fn pin_mark(
        &mut self,
        id: InstrumentId,
        price: Option<FinePrice>,
        events: &mut Vec<Event>,
    ) -> Outcome {
        let Some(market) = self.markets.get_mut(usize::from(id.0)) else {
            return Outcome::Refused(Refusal::UnknownInstrument);
        };
        match price {
            Some(price) if !price_in_range(price) || !market.instrument.carries(price) => {
                return Outcome::Refused(Refusal::PriceOutOfRange);
            }
            Some(price) => {
                market.mark_pinned = true;
                self.set_mark(id, price, events);
            }
            None => {
                market.mark_pinned = false;
                self.refresh_mark(id, events);
            }
        }
        Outcome::Done
    }

    /// True for prices that every contract of the pair can be valued at.
    fn carries(&self, pair: PairId, price: FinePrice) -> bool {
        price_in_range(price)
            && self
                .markets
                .iter()
                .filter(|market| market.pair() == pair)
                .all(|market| market.instrument.carries(price))
    }

    fn set_index(&mut self, pair: PairId, price: FinePrice, events: &mut Vec<Event>) {
        let state = &mut self.pairs[usize::from(pair.0)];
        if state.index.replace(price) != Some(price) {
            tell(events, || Event::Index { pair, price });
        }
        // A contract without a mark could not trade; one that has a mark keeps it until the next sample.
        for market in 0..self.markets.len() {
            if self.markets[market].pair() == pair && self.markets[market].mark.is_none() {
                self.refresh_mark(InstrumentId(market as u16), events);
            }
        }
    }

    /// Puts the mark where its formula says, unless it is pinned or there is no index.
    pub(super) fn refresh_mark(&mut self, id: InstrumentId, events: &mut Vec<Event>) {
        let market = &self.markets[usize::from(id.0)];
        let index = self.pairs[usize::from(market.pair().0)].index;
        if let (Some(index), false) = (index, market.mark_pinned) {
            let mark = market.formula_mark(index);
            self.set_mark(id, mark, events);
        }
    }

    fn set_mark(&mut self, id: InstrumentId, price: FinePrice, events: &mut Vec<Event>) {
        let market = &mut self.markets[usize::from(id.0)];
        if market.mark == Some(price) {
            return;
        }
        // Two passes, with the old mark and with the new one: what is open on a holding is kept in its purse alone.
        for slot in &market.holders {
            let holding = &self.holdings[*slot as usize];
            self.purses[holding.purse as usize].unrealized -= market.unrealized(holding);
        }
        market.set_mark(price);
        for slot in &market.holders {
            let holding = &self.holdings[*slot as usize];
            self.purses[holding.purse as usize].unrealized += market.unrealized(holding);
        }
        tell(events, || Event::Mark { instrument: id, price });
    }

    /// Samples the premium of every market at each full second since the last command, then moves the marks.
    pub(super) fn sample_marks(&mut self, events: &mut Vec<Event>) {
        let second = self.now.0.div_euclid(Timestamp::SECOND);
        if second <= self.sampled {
            return;
        }
        let first = (self.sampled + 1).max(0);
        let settled = first.saturating_add(SETTLED).min(second);
        self.sampled = second;
        for at in 0..self.markets.len() {
            let market = &mut self.markets[at];
            let Some(index) = self.pairs[usize::from(market.pair().0)].index else { continue };
            for sample in (first..settled).chain([second]) {
                market.sample(index, Timestamp(sample * Timestamp::SECOND));
            }
            self.refresh_mark(InstrumentId(at as u16), events);
        }
    }
}

/// True for prices the arithmetic carries.
pub(super) fn price_in_range(price: FinePrice) -> bool {
    (PRICE_MIN..=PRICE_MAX).contains(&price.0)
}
