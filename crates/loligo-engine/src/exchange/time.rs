//! Time passing: whatever was due by then happens first, in the order in which it was due.

use super::Exchange;
use crate::account::day_of;
use crate::event::{Event, Outcome, Refusal, UpdateReason};
use crate::id::{AccountId, InstrumentId, PairId, Timestamp};
use crate::market::SAMPLES;

/// Something that happens at an instant. Of those due at one instant, the first variant goes first (rules 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// An account's dead man's switch cancels all of its orders.
    CancelAll(AccountId),
    /// A contract's last trading time.
    Expiry(InstrumentId),
    /// A contract's first trading time.
    Opening(InstrumentId),
    /// The index price of a pair is too old from here on.
    Stale(PairId),
}

/// After so many seconds in which no book changes every sample is like the last: the kept premium (60 s) has run out, the
/// mean (30 s) has nothing else in it, and the index has not moved (300 s). A longer gap skips to its last seconds, or to
/// where the cap of a dated contract begins to press its premium down.
const SETTLED: i64 = 305;
/// While it does, the mark moves with every second, by less than 4 hundred-thousandths in an hour. It is passed in steps of an
/// hour, each with its last seconds: marks are then what they would be, and whoever they reach is reached in that hour.
/// Second by second a month would be millions of samples and marks of each contract.
const DRIFT_STEP: i64 = 3_600;

impl Exchange {
    /// Everything due between the last command and `time`.
    #[inline]
    pub(super) fn pass_time(&mut self, time: Timestamp, events: &mut Vec<Event>) {
        // Days begin, and marks are sampled, at full seconds.
        let second = self.next_second();
        if time >= second || self.timers.first().is_some_and(|(at, _)| time >= *at) {
            self.pass_what_is_due(time, events);
        }
        self.now = time;
        self.forget_due(events);
    }

    /// Timers and samples up to `time`, by their instants. At one instant timers come first, so a sample finds the market
    /// as they left it.
    fn pass_what_is_due(&mut self, time: Timestamp, events: &mut Vec<Event>) {
        loop {
            let timer = self.timers.first().map(|(at, _)| *at).filter(|at| *at <= time);
            let until = timer.map_or(time, |at| at.plus(-1));
            self.sample_until(until, events);
            let Some(at) = timer else { return };
            self.now = self.now.max(at);
            self.forget_due(events);
            while let Some((_, timer)) = self.timers.first().copied().filter(|(due, _)| *due <= at) {
                self.timers.pop_first();
                match timer {
                    Timer::CancelAll(account) => self.dead_man_switch(account, events),
                    Timer::Expiry(instrument) => self.expire(instrument, events),
                    Timer::Opening(instrument) => self.tell_state(instrument, events),
                    Timer::Stale(pair) => self.tell_states(pair, events),
                }
                self.follow_up(events);
            }
        }
    }

    /// Samples the premium of every market at each full second up to `until`, and moves the marks.
    fn sample_until(&mut self, until: Timestamp, events: &mut Vec<Event>) {
        let last = until.0.div_euclid(Timestamp::SECOND);
        if last <= self.sampled {
            return;
        }
        let mut second = self.sampled + 1;
        let mut settled = second.saturating_add(SETTLED);
        while second <= last {
            let before = self.now;
            self.sampled = second;
            self.now = self.now.max(Timestamp(second * Timestamp::SECOND));
            if day_of(self.now) > day_of(before) {
                self.roll_volumes();
            }
            self.forget_due(events);
            self.sample_marks(events);
            if self.step_liquidations(events) || self.has_consequences() {
                // What follows may change books, and so the samples that follow.
                settled = second.saturating_add(SETTLED);
                self.follow_up(events);
            }
            second += 1;
            if second > settled {
                // The mean after a jump is of its last seconds, with the caps of their own time.
                let end = self.still_until(second - 1).min(last);
                if end - SAMPLES as i64 + 1 > second {
                    second = end - SAMPLES as i64 + 1;
                    settled = end;
                }
            }
        }
    }

    /// The second up to which no mark moves after this one while no book and index does; or a step on, when one does.
    fn still_until(&self, second: i64) -> i64 {
        let now = Timestamp(second * Timestamp::SECOND);
        let drifts = self.markets.iter().filter_map(|market| market.drifts_from(now));
        let from = |at: Timestamp| at.0.div_euclid(Timestamp::SECOND).max(second.saturating_add(DRIFT_STEP));
        drifts.map(from).min().unwrap_or(i64::MAX)
    }

    /// When time alone changes something, if nothing is asked before: the next timer, the next step of a liquidation, or the
    /// next sample that moves a mark or changes the state of a book or an index. `None` when all is still.
    pub fn next_due(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.next_change()].into_iter().flatten().min()
    }

    /// True when [`Exchange::next_due`] is not after `time`; between two full seconds it costs no look at the books.
    pub fn is_due(&self, time: Timestamp) -> bool {
        self.timers.first().is_some_and(|(at, _)| *at <= time)
            || (time >= self.next_second() && self.next_change().is_some_and(|at| at <= time))
    }

    /// The full second that is sampled next.
    fn next_second(&self) -> Timestamp {
        Timestamp((self.sampled + 1) * Timestamp::SECOND)
    }

    /// The first full second whose sample changes something while books and indexes stay as they are.
    fn next_change(&self) -> Option<Timestamp> {
        let next = self.next_second();
        if !self.liquidations.is_empty() {
            return Some(next);
        }
        let markets = self.markets.iter().filter_map(|market| {
            let index = self.pairs[usize::from(market.pair().0)].index?;
            market.changes_at(index, next)
        });
        let mut first: Option<Timestamp> = None;
        for at in self.pairs.iter().filter_map(|pair| pair.changes_at(next)).chain(markets) {
            // Nothing comes before the next second.
            if at <= next {
                return Some(next);
            }
            first = Some(first.map_or(at, |first| first.min(at)));
        }
        first
    }

    pub(super) fn cancel_all_after(&mut self, account: AccountId, timeout_seconds: u32) -> Outcome {
        if self.accounts.get(account.0 as usize).is_none() {
            return Outcome::Refused(Refusal::UnknownAccount);
        }
        if !self.accounts[account.0 as usize].active {
            return Outcome::AccountInactive;
        }
        let at = (timeout_seconds > 0)
            .then(|| self.now.plus(i64::from(timeout_seconds).saturating_mul(Timestamp::SECOND)));
        let before = std::mem::replace(&mut self.accounts[account.0 as usize].cancel_all_at, at);
        if let Some(before) = before {
            self.timers.remove(&(before, Timer::CancelAll(account)));
        }
        if let Some(at) = at {
            self.timers.insert((at, Timer::CancelAll(account)));
        }
        Outcome::Armed(at)
    }

    /// The timer ended: it fires once, then is off.
    fn dead_man_switch(&mut self, account: AccountId, events: &mut Vec<Event>) {
        self.accounts[account.0 as usize].cancel_all_at = None;
        self.remove_all(account, None, UpdateReason::DeadManSwitch, events);
    }

    /// Last trading time: orders and triggers go before anything else may look at the market.
    pub(super) fn expire(&mut self, id: InstrumentId, events: &mut Vec<Event>) {
        let market = &mut self.markets[usize::from(id.0)];
        if market.trading == crate::view::MarketState::Expired {
            return;
        }
        market.trading = crate::view::MarketState::Expired;
        self.tell_state(id, events);
        self.clear_market(id, UpdateReason::ContractExpired, UpdateReason::Expired, events);
    }
}
