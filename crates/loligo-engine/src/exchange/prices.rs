//! Index and mark prices, and what follows when they move.

use super::{Exchange, Timer, emit};
use crate::event::Event;
use crate::id::{InstrumentId, PairId, Timestamp};
use crate::market::{Market, SMOOTHING};
use crate::money::{FinePrice, price_in_range};
use crate::outcome::{
    IndexOutcome, IndexRefusal, PinOutcome, PinRefusal, SmoothingOutcome, SmoothingRefusal,
};
use crate::words::Signal;

impl Exchange {
    pub(super) fn publish_index(
        &mut self,
        pair: PairId,
        price: FinePrice,
        events: &mut Vec<Event>,
    ) -> IndexOutcome {
        if !self.carries(pair, price) {
            return IndexOutcome::Refused(IndexRefusal::PriceOutOfRange);
        }
        let now = self.now;
        let Some(state) = self.pairs.get_mut(pair) else {
            return IndexOutcome::Refused(IndexRefusal::UnknownPair);
        };
        let (was_stale, ages_from) = (state.is_stale(now), state.stale_from());
        state.published_at = Some(now);
        if !state.pinned {
            self.set_index(pair, price, events);
        }
        self.age_from(pair, ages_from, events);
        if was_stale {
            self.judge_pair(pair, events);
        }
        IndexOutcome::Done
    }

    /// Sets the timer of a pair's index anew, which was set before to `before`, and tells what its contracts make of it now.
    fn age_from(&mut self, pair: PairId, before: Option<Timestamp>, events: &mut Vec<Event>) {
        let from = self.pairs[pair].stale_from();
        if let Some(before) = before {
            self.timers.remove(&(before, Timer::Stale(pair)));
        }
        if let Some(from) = from.filter(|from| *from > self.now) {
            self.timers.insert((from, Timer::Stale(pair)));
        }
        self.emit_states(pair, events);
    }

    /// Tells how the contracts of a pair trade now, where that has changed.
    pub(super) fn emit_states(&mut self, pair: PairId, events: &mut Vec<Event>) {
        for market in self.markets.slots() {
            if self.markets[market].pair() == pair {
                self.emit_state(market, events);
            }
        }
    }

    /// Tells how a contract trades now, if that has changed.
    pub(super) fn emit_state(&mut self, id: InstrumentId, events: &mut Vec<Event>) {
        let at = self.now;
        let market = &mut self.markets[id];
        let state = market.state(&self.pairs[market.pair()], at);
        if std::mem::replace(&mut market.announced, state) != state {
            emit(events, || Event::Market { instrument: id, state, at });
        }
    }

    /// Pins an index, a mark, or both: both are good or none is pinned.
    pub(super) fn pin_prices(
        &mut self,
        id: InstrumentId,
        index: Option<FinePrice>,
        mark: Option<FinePrice>,
        events: &mut Vec<Event>,
    ) -> PinOutcome {
        let Some(market) = self.markets.get(id) else {
            return PinOutcome::Refused(PinRefusal::UnknownInstrument);
        };
        let pair = market.pair();
        let fits = index.is_none_or(|price| self.carries(pair, price))
            && mark.is_none_or(|price| mark_fits(market, price));
        if !fits {
            return PinOutcome::Refused(PinRefusal::PriceOutOfRange);
        }
        // Every check is behind us. The mark first: with the index its formula would move it on its way.
        if mark.is_some() {
            self.pin_mark(id, mark, events);
        }
        if index.is_some() {
            self.pin_index(pair, index, events);
        }
        PinOutcome::Done
    }

    /// Whether the operator has pinned the index price of a contract's pair, and its mark price.
    pub fn pinned(&self, id: InstrumentId) -> Option<(bool, bool)> {
        let market = self.markets.get(id)?;
        let pair = self.pairs.get(market.pair())?;
        Some((pair.pinned, market.mark_pinned))
    }

    /// The index price of a pair, and whether the operator has pinned it.
    pub fn index_of(&self, pair: PairId) -> Option<(Option<FinePrice>, bool)> {
        self.pairs.get(pair).map(|pair| (pair.index, pair.pinned))
    }

    pub(super) fn pin_index(
        &mut self,
        pair: PairId,
        price: Option<FinePrice>,
        events: &mut Vec<Event>,
    ) -> IndexOutcome {
        let carried = price.is_none_or(|price| self.carries(pair, price));
        let now = self.now;
        let Some(state) = self.pairs.get_mut(pair) else {
            return IndexOutcome::Refused(IndexRefusal::UnknownPair);
        };
        let ages_from = state.stale_from();
        match price {
            Some(_) if !carried => return IndexOutcome::Refused(IndexRefusal::PriceOutOfRange),
            Some(price) => {
                let was_stale = state.is_stale(now);
                state.pinned = true;
                self.set_index(pair, price, events);
                self.age_from(pair, ages_from, events);
                if was_stale {
                    self.judge_pair(pair, events);
                }
                self.revalue_at(pair);
                // An operator's price is told at once, not at the next sample.
                for market in self.markets.slots() {
                    if self.markets[market].pair() == pair {
                        self.refresh_mark(market, events);
                    }
                }
            }
            None => {
                state.pinned = false;
                self.age_from(pair, ages_from, events);
                if let Some(constant) = self.constant_of(pair) {
                    self.set_index(pair, constant, events);
                    self.revalue_at(pair);
                }
            }
        }
        IndexOutcome::Done
    }

    /// Values collateral at a pair's index of now: whoever has some is to be looked over.
    fn revalue_at(&mut self, pair: PairId) -> bool {
        let moved = self.pairs[pair].revalue()
            && self.collateral_accounts > 0
            && self.collateral_pairs.iter().skip(1).any(|of| *of == pair);
        if moved {
            self.begin_looking();
        }
        moved
    }

    pub(super) fn pin_mark(
        &mut self,
        id: InstrumentId,
        price: Option<FinePrice>,
        events: &mut Vec<Event>,
    ) -> PinOutcome {
        let Some(market) = self.markets.get_mut(id) else {
            return PinOutcome::Refused(PinRefusal::UnknownInstrument);
        };
        match price {
            Some(price) if !mark_fits(market, price) => {
                return PinOutcome::Refused(PinRefusal::PriceOutOfRange);
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
        PinOutcome::Done
    }

    /// Marks are smoothed over so many seconds from the next sample on, in every contract.
    pub(super) fn set_mark_smoothing(&mut self, seconds: u8) -> SmoothingOutcome {
        if seconds > SMOOTHING {
            return SmoothingRefusal::SmoothingTooLong.into();
        }
        self.smoothing = Some(seconds);
        self.markets.iter_mut().for_each(|market| market.smooth_over(seconds));
        SmoothingOutcome::Done
    }

    /// Over how many seconds marks are smoothed.
    pub fn mark_smoothing(&self) -> u8 {
        self.smoothing.unwrap_or(SMOOTHING)
    }

    /// An index that was too old is fresh again: what waited is judged by the signals as they are now.
    fn judge_pair(&mut self, pair: PairId, events: &mut Vec<Event>) {
        for market in self.markets.slots() {
            if self.markets[market].pair() == pair {
                self.judge_all(market, events);
            }
        }
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
        let state = &mut self.pairs[pair];
        let changed = state.index.replace(price) != Some(price);
        if changed {
            emit(events, || Event::Index { pair, price, at: self.now });
        }
        let mut reached = Vec::new();
        // A contract without a mark could not trade; one that has a mark keeps it until the next sample.
        for id in self.markets.slots() {
            let market = &mut self.markets[id];
            if market.pair() != pair {
                continue;
            }
            market.set_bounds(price, self.now);
            let (unmarked, waited_for) = (market.mark.is_none(), !market.triggers.is_empty());
            if unmarked {
                self.refresh_mark(id, events);
            }
            if changed && waited_for {
                reached.append(&mut self.reached(id, Signal::Index, events));
            }
        }
        if !reached.is_empty() {
            self.make_due(reached);
        }
    }

    /// Puts the mark where its formula says, unless it is pinned or there is no index.
    pub(super) fn refresh_mark(&mut self, id: InstrumentId, events: &mut Vec<Event>) {
        let market = &mut self.markets[id];
        let Some(index) = self.pairs[market.pair()].index else { return };
        market.set_bounds(index, self.now);
        if !market.mark_pinned && !market.has_expired() {
            let mark = market.formula_mark(index);
            self.set_mark(id, mark, events);
        }
    }

    fn set_mark(&mut self, id: InstrumentId, price: FinePrice, events: &mut Vec<Event>) {
        let market = &mut self.markets[id];
        if market.mark == Some(price) {
            return;
        }
        market.set_mark(price);
        if market.open_interest > 0 {
            self.begin_looking();
        }
        emit(events, || Event::Mark { instrument: id, price, at: self.now });
        self.judge(id, Signal::Mark, events);
    }

    /// Samples the premium of every market at the present full second and at those just before it, `seconds` in all, in which
    /// books and indexes stood as they do now; then moves the marks. True when one did.
    pub(super) fn sample_marks(&mut self, seconds: i64, events: &mut Vec<Event>) -> bool {
        for pair in &mut self.pairs {
            pair.sample(self.now.plus((1 - seconds) * Timestamp::SECOND));
            pair.sample(self.now);
        }
        let mut moved = false;
        for pair in self.pairs.slots() {
            moved |= self.revalue_at(pair);
        }
        for at in self.markets.slots() {
            let market = &mut self.markets[at];
            let Some(index) = self.pairs[market.pair()].index.filter(|_| !market.has_expired()) else {
                continue;
            };
            let before = market.mark;
            market.sample(index, seconds, self.now);
            self.refresh_mark(at, events);
            moved |= self.markets[at].mark != before;
        }
        moved
    }
}

/// True for prices that a contract can be marked at.
fn mark_fits(market: &Market, price: FinePrice) -> bool {
    price_in_range(price) && market.instrument.carries(price)
}
