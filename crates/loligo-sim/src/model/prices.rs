//! Index and mark prices (rules 4.5), and the triggers that are judged by them.

use super::{Contract, Model, Pair, figures, margin};
use loligo_engine::{
    Dislocation, FinePrice, InstrumentId, MarketState, Outcome, PairId, Qty, Refusal, Side, Signal, Timestamp,
};
use num_bigint::BigInt;

/// How old an index price may be.
const INDEX_AGE: i64 = 10 * Timestamp::SECOND;
/// Least and greatest index or mark price, at 18 decimals.
const PRICES: std::ops::RangeInclusive<i128> = 10_i128.pow(8)..=10_i128.pow(27);
/// The mark is the mean over so many seconds.
const SAMPLES: usize = 30;
/// How long the last premium stays when a side is too thin.
const PREMIUM_STAYS: i64 = 60 * Timestamp::SECOND;
const DAY: i64 = 86_400 * Timestamp::SECOND;

impl Pair {
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        !self.pinned && self.published.is_some_and(|at| now > at.plus(INDEX_AGE))
    }

    /// One sample: it is volatile when it is more than 10% from anything in five minutes, until that is less than 5%.
    fn sample(&mut self, now: Timestamp) {
        let Some(index) = self.index else { return };
        self.samples.retain(|(at, _)| now <= at.plus(300 * Timestamp::SECOND));
        let volatile = self.volatile;
        self.volatile = self.samples.iter().any(|(_, before)| {
            let moved = BigInt::from((index.0 - before.0).abs()) * 100;
            let bound = BigInt::from(before.0) * if volatile { 5 } else { 10 };
            if volatile { moved >= bound } else { moved > bound }
        });
        self.samples.push_back((now, index));
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.index.is_some() && !self.is_old(now)
    }
}

impl Contract {
    /// Greatest premium that counts, at 18 decimals: 1%, of dated contracts rising from a day to 210 days before their
    /// end to 20%.
    fn premium_cap(&self, now: Timestamp) -> BigInt {
        let percent = BigInt::from(10_u64.pow(16));
        let Some(expiry) = self.spec.expiry else { return percent };
        let left = (expiry.0 - now.0).clamp(DAY, 210 * DAY);
        &percent + percent.clone() * 19 * (left - DAY) / (209 * DAY)
    }

    fn formula_mark(&self, index: FinePrice) -> FinePrice {
        let mean = match self.samples.len() {
            0 => BigInt::ZERO,
            count => figures::half_even(&self.samples.iter().sum(), &BigInt::from(count)),
        };
        let mark = figures::half_even(&((figures::one() + mean) * index.0), &figures::one());
        FinePrice(i128::try_from(figures::significant(&mark, 14)).expect("a price near its index"))
    }
}

impl Model {
    fn contracts_of(&self, pair: PairId) -> Vec<InstrumentId> {
        self.instrument_ids().filter(|id| self.contract(*id).pair == pair).collect()
    }

    fn known_pair(&mut self, pair: PairId) -> Result<&mut Pair, Outcome> {
        self.pairs.get_mut(pair.0 as usize).ok_or(Outcome::Refused(Refusal::UnknownPair))
    }

    /// Over how many samples the premium in marks is averaged; at 0 the newest counts alone.
    fn smoothed_over(&self) -> usize {
        self.smoothing.map_or(SAMPLES, |seconds| usize::from(seconds).max(1))
    }

    /// From the next sample on.
    pub(super) fn set_mark_smoothing(&mut self, seconds: u8) -> Result<Outcome, Outcome> {
        if usize::from(seconds) > SAMPLES {
            return Err(Outcome::Refused(Refusal::SmoothingTooLong));
        }
        self.smoothing = Some(seconds);
        let kept = self.smoothed_over();
        for contract in &mut self.contracts {
            let passed = contract.samples.len().saturating_sub(kept);
            contract.samples.drain(..passed);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn publish(&mut self, pair: PairId, price: FinePrice) -> Result<Outcome, Outcome> {
        check_price(price)?;
        let now = self.now;
        let state = self.known_pair(pair)?;
        let was_fresh = state.is_fresh(now);
        state.published = Some(now);
        if !state.pinned {
            self.set_index(pair, price);
        }
        if !was_fresh {
            self.judge_again(&self.contracts_of(pair));
        }
        Ok(Outcome::Done)
    }

    pub(super) fn pin_index(&mut self, pair: PairId, price: Option<FinePrice>) -> Result<Outcome, Outcome> {
        let now = self.now;
        let state = self.known_pair(pair)?;
        let Some(price) = price else {
            state.pinned = false;
            if let Some(constant) = self.constant_of(pair) {
                self.set_index(pair, constant);
                self.value_collateral_at(pair);
            }
            return Ok(Outcome::Done);
        };
        check_price(price)?;
        let was_fresh = state.is_fresh(now);
        state.pinned = true;
        self.set_index(pair, price);
        if !was_fresh {
            self.judge_again(&self.contracts_of(pair));
        }
        self.value_collateral_at(pair);
        // Marks move at samples, or by an operator: this one is told at once.
        for id in self.contracts_of(pair) {
            self.refresh_mark(id);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn pin_mark(
        &mut self,
        instrument: InstrumentId,
        price: Option<FinePrice>,
    ) -> Result<Outcome, Outcome> {
        self.known_instrument(instrument)?;
        price.map_or(Ok(()), check_price)?;
        self.contract_mut(instrument).pinned = price.is_some();
        match price {
            Some(price) => self.set_mark(instrument, price),
            None => self.refresh_mark(instrument),
        }
        Ok(Outcome::Done)
    }

    /// Both are good or none is pinned.
    pub(super) fn pin_prices(
        &mut self,
        instrument: InstrumentId,
        index: Option<FinePrice>,
        mark: Option<FinePrice>,
    ) -> Result<Outcome, Outcome> {
        self.known_instrument(instrument)?;
        for price in [index, mark].into_iter().flatten() {
            check_price(price)?;
        }
        if mark.is_some() {
            self.pin_mark(instrument, mark)?;
        }
        if index.is_some() {
            self.pin_index(self.contract(instrument).pair, index)?;
        }
        Ok(Outcome::Done)
    }

    /// Collateral counts for what a pair's index is now: who has any may be short. True when it is another price.
    fn value_collateral_at(&mut self, pair: PairId) -> bool {
        let state = &mut self.pairs[pair.0 as usize];
        let changed = std::mem::replace(&mut state.valued, state.index) != state.index;
        let moved = changed && self.is_any_collateral_held() && self.prices_collateral(pair);
        if moved {
            self.begin_looking(None);
        }
        moved
    }

    fn set_index(&mut self, pair: PairId, price: FinePrice) {
        let before = self.pairs[pair.0 as usize].index.replace(price);
        let contracts = self.contracts_of(pair);
        for id in &contracts {
            if self.contract(*id).mark.is_none() {
                self.refresh_mark(*id);
            }
        }
        if before != Some(price) {
            self.judge(&contracts, Signal::Index);
        }
    }

    /// Puts the mark where its formula has it, unless the operator holds it.
    pub(super) fn refresh_mark(&mut self, id: InstrumentId) {
        let contract = self.contract(id);
        let held = contract.pinned || contract.state == MarketState::Expired;
        if let (Some(index), false) = (self.index(id), held) {
            self.set_mark(id, contract.formula_mark(index));
        }
    }

    fn set_mark(&mut self, id: InstrumentId, price: FinePrice) {
        if self.contract_mut(id).mark.replace(price) == Some(price) {
            return;
        }
        if self.accounts.iter().any(|account| account.positions.get(&id).is_some_and(|held| held.qty != 0)) {
            self.begin_looking(Some(id));
        }
        self.judge(&[id], Signal::Mark);
    }

    /// A full second: every market's premium is sampled, then its mark moves. True when one did.
    pub(super) fn sample_marks(&mut self) -> bool {
        let now = self.now;
        let before: Vec<_> = self.contracts.iter().map(|contract| contract.mark).collect();
        for pair in &mut self.pairs {
            pair.sample(now);
            pair.note_seconds(now.0.div_euclid(Timestamp::SECOND), 1);
        }
        let kept = self.smoothed_over();
        let mut moved = false;
        for pair in (0..self.pairs.len() as u16).map(PairId) {
            moved |= self.value_collateral_at(pair);
        }
        for id in self.instrument_ids() {
            let over = self.contract(id).state == MarketState::Expired;
            let Some(index) = self.index(id).filter(|_| !over) else { continue };
            self.contract_mut(id).dislocation = self.dislocation(id);
            let mid = self.impact_mid(id);
            let contract = self.contract_mut(id);
            if let Some(mid) = mid {
                let premium = figures::half_even(&((mid - index.0) * figures::one()), &BigInt::from(index.0));
                contract.good_premium = Some((premium, now));
            }
            let uncapped = contract.uncapped_premium(now);
            contract.sample_funding(now.0.div_euclid(Timestamp::SECOND), 1, &uncapped);
            let sample = contract.present_premium(now);
            contract.samples.push_back(sample);
            while contract.samples.len() > kept {
                contract.samples.pop_front();
            }
            self.refresh_mark(id);
        }
        moved || self.contracts.iter().zip(before).any(|(contract, before)| contract.mark != before)
    }

    /// Seconds pass that are like this one: each is a sample of funding all the same.
    pub(super) fn sample_calm_seconds(&mut self, first: i64, count: i64) {
        for pair in &mut self.pairs {
            pair.note_seconds(first, count);
        }
        for id in self.instrument_ids().filter(|id| self.index(*id).is_some()).collect::<Vec<_>>() {
            let now = self.now;
            let contract = self.contract_mut(id);
            // What the book gave in this second it gives in every other.
            let premium = contract.uncapped_premium(now);
            contract.sample_funding(first, count, &premium);
        }
    }

    /// On which side of its index a book is too far away, as it is now: beyond the cap of its premium and 4%; once it is,
    /// until it is 1% nearer (rules 1.12).
    pub(super) fn dislocation(&self, id: InstrumentId) -> Option<Dislocation> {
        let (index, mid) = (self.index(id)?, self.impact_mid(id)?);
        let present = self.contract(id).dislocation;
        let bound = |side: Dislocation| {
            let nearer = if present == Some(side) { percent(1) } else { BigInt::ZERO };
            let far = self.contract(id).premium_cap(self.now) + percent(4) - nearer;
            let factor = match side {
                Dislocation::Above => figures::one() + far,
                Dislocation::Below => figures::one() - far,
            };
            figures::half_even(&(factor * index.0), &figures::one())
        };
        if mid > bound(Dislocation::Above) {
            Some(Dislocation::Above)
        } else if mid < bound(Dislocation::Below) {
            Some(Dislocation::Below)
        } else {
            None
        }
    }

    /// The least and the greatest price at which a dislocated market may trade on.
    pub(super) fn dislocation_bounds(&self, id: InstrumentId) -> (BigInt, BigInt) {
        let index = self.index(id).map_or(0, |index| index.0);
        let far = self.contract(id).premium_cap(self.now) + percent(4);
        let at = |factor: BigInt| figures::half_even(&(factor * index), &figures::one());
        (at(figures::one() - &far), at(figures::one() + far))
    }

    /// By what new initial margin is multiplied.
    pub(super) fn margin_multiplier(&self, id: InstrumentId) -> u32 {
        if self.pairs[self.contract(id).pair.0 as usize].volatile { 2 } else { 1 }
    }

    /// True when no index moved in the last five minutes.
    pub(super) fn are_indexes_calm(&self) -> bool {
        self.pairs.iter().all(|pair| {
            pair.valued == pair.index && pair.samples.iter().all(|(_, index)| Some(*index) == pair.index)
        })
    }

    /// True when the next second's sample would change nothing, nor would any later one while the book stays as it is.
    pub(super) fn is_calm(&self, id: InstrumentId) -> bool {
        let contract = self.contract(id);
        if self.index(id).is_none() || contract.state == MarketState::Expired {
            return true;
        }
        let whole = contract.samples.len() == self.smoothed_over();
        let (Some(latest), true) = (contract.samples.back(), whole) else {
            return false;
        };
        let kept = match &contract.good_premium {
            // Given by the book in this second, so by the same book in every other, if no cap that moves ever cuts it.
            Some((premium, at)) if *at == self.now => {
                let at_end = contract.spec.expiry.unwrap_or(self.now);
                contract.premium_cap(self.now) == contract.premium_cap(at_end)
                    || margin::size(premium) <= contract.premium_cap(at_end)
            }
            Some((_, at)) => self.now > at.plus(PREMIUM_STAYS),
            None => true,
        };
        kept && contract.samples.iter().all(|sample| sample == latest)
    }

    /// Mean of the average prices at which the impact size could be bought and sold, at 18 decimals.
    fn impact_mid(&self, id: InstrumentId) -> Option<BigInt> {
        let Qty(size) = self.contract(id).spec.impact_mid_size;
        let cost = |side| {
            let (mut left, mut cost) = (size, BigInt::ZERO);
            for (price, open) in self.depth(id, side) {
                let taken = left.min(open.0);
                cost += self.contract(id).price(price.0) * taken;
                left -= taken;
            }
            (left == 0).then_some(cost)
        };
        Some(figures::half_even(&(cost(Side::Buy)? + cost(Side::Sell)?), &BigInt::from(2 * size)))
    }
}

impl Contract {
    /// The last good premium while it stands.
    fn uncapped_premium(&self, now: Timestamp) -> BigInt {
        match &self.good_premium {
            Some((premium, at)) if now <= at.plus(PREMIUM_STAYS) => premium.clone(),
            _ => BigInt::ZERO,
        }
    }

    /// The same, cut to what counts.
    fn present_premium(&self, now: Timestamp) -> BigInt {
        let cap = self.premium_cap(now);
        self.uncapped_premium(now).clamp(-&cap, cap)
    }
}

/// So many hundredths, at 18 decimals.
fn percent(count: u32) -> BigInt {
    figures::one() * count / 100
}

fn check_price(price: FinePrice) -> Result<(), Outcome> {
    let refused = Outcome::Refused(Refusal::PriceOutOfRange);
    if PRICES.contains(&price.0) { Ok(()) } else { Err(refused) }
}
