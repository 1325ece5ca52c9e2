//! Time passing: whatever was due by then happens first, in the order in which it was due.

use super::Exchange;
use super::work::STEP;
use crate::account::day_of;
use crate::event::Event;
use crate::funding::HOUR;
use crate::id::{AccountId, InstrumentId, PairId, Timestamp};
use crate::market::Market;
use crate::outcome::{CancelAllAfterOutcome, CancelAllAfterRefusal};
use crate::words::UpdateReason;

/// Something that happens at an instant. Of those due at one instant, the first variant goes first (rules 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A contract's first trading time.
    Opening(InstrumentId),
    /// The index price of a pair is too old from here on.
    Stale(PairId),
    /// An account's dead man's switch cancels all of its orders.
    CancelAll(AccountId),
    /// A contract's last trading time, or when one that is delisted settles.
    Expiry(InstrumentId),
    /// An hour is over: positions of perpetuals are booked what they have accrued.
    Funding,
}

/// A mark that only the shrinking cap of a dated contract's premium moves is passed in steps of an hour, where at least
/// [`LONG`] is to be passed: it moves by less than 4 hundred-thousandths in one, and whoever it reaches is reached in that
/// hour. Second by second a month would be millions of marks of each contract.
const DRIFT_STEP: i64 = 3_600;
const LONG: i64 = 305;

impl Exchange {
    /// Everything due between the last command and `time`.
    #[inline]
    pub(super) fn pass_time(&mut self, time: Timestamp, events: &mut Vec<Event>) {
        // Days begin, and marks are sampled, at full seconds.
        if time >= self.next_second() || self.timers.first().is_some_and(|(at, _)| time >= *at) {
            self.pass_what_is_due(time, events);
        } else {
            self.now = time;
            self.forget_due(events);
        }
    }

    /// What is waiting, then timers and samples up to `time`, by their instants: as much of it as a record does. At one
    /// instant timers come first, so a sample finds the market as they left it; what follows from each is done before the next.
    pub(super) fn pass_what_is_due(&mut self, time: Timestamp, events: &mut Vec<Event>) {
        let time = time.max(self.now);
        loop {
            self.follow_up(events);
            if self.has_work() {
                return;
            }
            self.emit_what_is_due(events);
            if self.work.is_spent() {
                return self.note_what_is_left();
            }
            let second = self.next_second();
            let timer = self.timers.first().copied().filter(|(at, _)| *at <= time);
            match timer {
                Some((at, timer)) if at <= second => self.end_timer(at, timer, events),
                _ if second <= time => {
                    let until = timer.map_or(time, |(at, _)| at.plus(-1));
                    self.pass_seconds(until, events);
                }
                _ => {
                    self.now = time;
                    self.forget_due(events);
                    return;
                }
            }
        }
    }

    /// Ends the timers of the present instant that tell something and do nothing: they come first, and are free, so none of them
    /// waits for the next record.
    fn emit_what_is_due(&mut self, events: &mut Vec<Event>) {
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= self.now) {
            match timer {
                Timer::CancelAll(_) | Timer::Expiry(_) | Timer::Funding => return,
                Timer::Opening(_) | Timer::Stale(_) => self.end_timer(at, timer, events),
            }
        }
    }

    /// True while a timer or a sample of the present instant is still to come.
    pub(super) fn is_instant_open(&self) -> bool {
        self.now >= self.next_second() || self.timers.first().is_some_and(|(at, _)| *at <= self.now)
    }

    fn end_timer(&mut self, at: Timestamp, timer: Timer, events: &mut Vec<Event>) {
        self.timers.pop_first();
        self.come_to(at);
        self.forget_due(events);
        let told = events.len();
        match timer {
            Timer::CancelAll(account) => self.dead_man_switch(account, events),
            Timer::Expiry(instrument) => self.expire(instrument, events),
            Timer::Funding => self.begin_funding(),
            Timer::Opening(instrument) => return self.emit_state(instrument, events),
            Timer::Stale(pair) => return self.emit_states(pair, events),
        }
        self.stirred = true;
        self.work.spend(STEP);
        self.work.spend_on(&events[told..]);
    }

    /// Comes to an instant, if it is not there yet. Whatever brings the first moment of a day, a timer or a second, begins it.
    fn come_to(&mut self, at: Timestamp) {
        let before = self.now;
        self.now = before.max(at);
        if day_of(self.now) > day_of(before) {
            self.roll_volumes();
        }
    }

    /// Passes full seconds up to `until` (one at least) to the first at which something may change; samples the premium of
    /// every market there, and moves the marks.
    fn pass_seconds(&mut self, until: Timestamp, events: &mut Vec<Event>) {
        let second = self.next_sample(until.0.div_euclid(Timestamp::SECOND));
        let passed = second - std::mem::replace(&mut self.sampled, second);
        self.come_to(Timestamp(second * Timestamp::SECOND));
        self.forget_due(events);
        let stirred = std::mem::take(&mut self.stirred);
        let moved = self.sample_marks(passed, events);
        let hour = is_full_hour(second);
        if hour {
            self.fix_rates(events);
        }
        if moved || hour {
            self.work.spend(STEP.saturating_mul(self.markets.len() as u32));
        }
        // What no liquidation's step found at the last second, none finds while nothing but time has passed.
        if moved || stirred {
            self.begin_steps();
        }
    }

    /// The full second to be sampled next when seconds up to `last` pass. Those before it are like the last one sampled: no
    /// mark moves, no book is dislocated or is no more, no index turns wild or calm, and no liquidation finds anything new.
    /// What they would have left is known without sampling them one by one, so a jump comes to what slow time comes to.
    fn next_sample(&self, last: i64) -> i64 {
        let next = self.sampled + 1;
        // An hour is whole only with the sample of its last second.
        if last == next || is_full_hour(next) {
            return next;
        }
        match self.next_change() {
            None => last,
            Some(at) if at > self.next_second() => second_from(at).min(last),
            Some(_) if last - next >= LONG && self.only_drifts() => (next - 1 + DRIFT_STEP).min(last),
            Some(_) => next,
        }
    }

    /// True when nothing changes at the next full second, nor in an hour from it, but marks that follow the cap of their premium.
    fn only_drifts(&self) -> bool {
        let next = self.next_second();
        let later =
            |at: Option<Timestamp>| at.is_none_or(|at| at > next.plus(DRIFT_STEP * Timestamp::SECOND));
        let still = |market: &Market| {
            if market.has_expired() {
                return true;
            }
            let Some(index) = self.pairs[market.pair()].index else { return true };
            market.only_drifts(index, next) || later(market.changes_at(index, next))
        };
        !self.may_step()
            && self.pairs.iter().all(|pair| later(pair.changes_at(next)))
            && self.markets.iter().all(still)
    }

    /// When time alone changes something, if nothing is asked before: now, while work is waiting; the next timer, the next step
    /// of a liquidation that may find something, or the next sample that moves a mark or changes the state of a book or an
    /// index. `None` when all is still.
    pub fn next_due(&self) -> Option<Timestamp> {
        if self.work.busy {
            return Some(self.now);
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.next_change()].into_iter().flatten().min()
    }

    /// True when something up to `time` is not done: when [`Exchange::next_due`] is not after it, or work is waiting at all; or when
    /// more closed orders are to be forgotten by then than one record forgets.
    /// Between two full seconds it costs no look at the books. A record of a time up to which nothing is due gets there.
    pub fn is_due(&self, time: Timestamp) -> bool {
        self.work.busy
            || self.has_many_to_forget(time)
            || self.timers.first().is_some_and(|(at, _)| *at <= time)
            || (time >= self.next_second() && self.next_change().is_some_and(|at| at <= time))
    }

    /// The full second that is sampled next.
    fn next_second(&self) -> Timestamp {
        Timestamp((self.sampled + 1) * Timestamp::SECOND)
    }

    /// The first full second whose sample changes something while books and indexes stay as they are.
    fn next_change(&self) -> Option<Timestamp> {
        let next = self.next_second();
        if self.may_step() {
            return Some(next);
        }
        let open = self.markets.iter().filter(|market| !market.has_expired());
        let markets = open.filter_map(|market| {
            let index = self.pairs[market.pair()].index?;
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

    /// True when a step of a liquidation may come to something at the next full second: what none found at the last, none finds
    /// while nothing but time has passed.
    pub(crate) fn may_step(&self) -> bool {
        self.stirred && !self.liquidations.is_empty()
    }

    pub(super) fn cancel_all_after(
        &mut self,
        account: AccountId,
        timeout_seconds: u32,
    ) -> CancelAllAfterOutcome {
        if self.accounts.get(account).is_none() {
            return CancelAllAfterOutcome::Refused(CancelAllAfterRefusal::UnknownAccount);
        }
        if !self.accounts[account].active {
            return CancelAllAfterOutcome::AccountInactive;
        }
        let at = (timeout_seconds > 0)
            .then(|| self.now.plus(i64::from(timeout_seconds).saturating_mul(Timestamp::SECOND)));
        let before = std::mem::replace(&mut self.accounts[account].cancel_all_at, at);
        if let Some(before) = before {
            self.timers.remove(&(before, Timer::CancelAll(account)));
        }
        if let Some(at) = at {
            self.timers.insert((at, Timer::CancelAll(account)));
        }
        CancelAllAfterOutcome::Armed(at)
    }

    /// The timer ended: it fires once, then is off.
    fn dead_man_switch(&mut self, account: AccountId, events: &mut Vec<Event>) {
        self.accounts[account].cancel_all_at = None;
        self.remove_all(account, None, UpdateReason::DeadManSwitch, events);
    }
}

/// True for a second at which an hour ends.
fn is_full_hour(second: i64) -> bool {
    (second * Timestamp::SECOND).rem_euclid(HOUR) == 0
}

/// The first full second that is not before an instant.
fn second_from(at: Timestamp) -> i64 {
    at.plus(Timestamp::SECOND - 1).0.div_euclid(Timestamp::SECOND)
}
