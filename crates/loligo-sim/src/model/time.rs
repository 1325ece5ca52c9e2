//! Time passing: whatever was due by then happens first, at its own instant (rules 1.9, 4.4, 4.5, 4.6).

use super::Model;
use super::funding::HOUR;
use super::work::STEP;
use loligo_engine::{AccountId, InstrumentId, MarketState, Outcome, Timestamp, UpdateReason};

impl Model {
    /// Instant by instant until `time`, or as far as one record goes. At one instant: dead man's switches, expiries, funding,
    /// then samples; what follows from each is done before the next.
    pub(super) fn pass_time(&mut self, time: Timestamp) {
        let time = time.max(self.now);
        loop {
            self.follow_up();
            if self.is_spent() {
                return;
            }
            if !self.stirred {
                self.pass_calm_seconds(time);
            }
            let next = self.next_instant();
            if next > time {
                break;
            }
            self.now = self.now.max(next);
            self.forget();
            if self.next_timer() == Some(next) {
                self.end_timer();
            } else {
                self.pass_second();
            }
        }
        self.now = time;
        self.forget();
    }

    /// The next instant at which a timer ends or a second is sampled.
    pub(super) fn next_instant(&self) -> Timestamp {
        let second = Timestamp((self.sampled + 1) * Timestamp::SECOND);
        self.next_timer().map_or(second, |at| at.min(second))
    }

    /// Liquidations take a step at a second at which something may have changed for them.
    fn pass_second(&mut self) {
        self.sampled += 1;
        let stirred = std::mem::take(&mut self.stirred);
        let moved = self.sample_marks();
        let hour = (self.sampled * Timestamp::SECOND) % HOUR == 0;
        if hour {
            self.fix_rates();
        }
        if moved || hour {
            self.spend(self.contracts.len() as u32 * STEP);
        }
        if moved || stirred {
            self.begin_steps();
        }
    }

    /// The next instant at which a dead man's switch ends, a contract expires or an hour is over.
    fn next_timer(&self) -> Option<Timestamp> {
        let switches = self.accounts.iter().filter_map(|a| a.cancel_all_at);
        let listed = self.contracts.iter().filter(|c| c.state != MarketState::Expired);
        let hour = self.listed.then(|| self.next_funding());
        switches.chain(listed.filter_map(|c| c.ends_at())).chain(hour).min()
    }

    /// One of the timers that end now.
    fn end_timer(&mut self) {
        self.stirred = true;
        self.spend(STEP);
        let mut accounts = (0..self.accounts.len() as u32).map(AccountId);
        let switch = accounts.find(|id| self.account(*id).cancel_all_at.is_some_and(|at| at <= self.now));
        if let Some(account) = switch {
            self.account_mut(account).cancel_all_at = None;
            let reason = UpdateReason::DeadManSwitch;
            let gone = self.remove_all(|o| o.view.account == account, reason, reason);
            return self.spend(gone * STEP);
        }
        let over = |id: &InstrumentId| {
            let contract = self.contract(*id);
            contract.state != MarketState::Expired && contract.ends_at().is_some_and(|at| at <= self.now)
        };
        match self.instrument_ids().find(over) {
            Some(over) => self.end(over),
            None => self.begin_funding(),
        }
    }

    /// When the next second would be exactly like this one, so is every one until a timer ends: the last of them will do
    /// for all. Nothing but these spares seconds, so a jump is what slow time would have been.
    fn pass_calm_seconds(&mut self, time: Timestamp) {
        if self.instrument_ids().any(|id| !self.is_calm(id)) || !self.are_indexes_calm() {
            return;
        }
        let until = self.next_timer().map_or(time, |at| time.min(at.plus(-1)));
        let to = self.sampled.max(until.0.div_euclid(Timestamp::SECOND) - 1);
        let before = std::mem::replace(&mut self.sampled, to);
        self.sample_calm_seconds(before + 1, self.sampled - before);
    }

    pub(super) fn cancel_all_after(
        &mut self,
        account: AccountId,
        timeout_seconds: u32,
    ) -> Result<Outcome, Outcome> {
        self.active_account(account)?;
        let ends = self.now.plus(i64::from(timeout_seconds) * Timestamp::SECOND);
        let at = (timeout_seconds > 0).then_some(ends);
        self.account_mut(account).cancel_all_at = at;
        Ok(Outcome::Armed(at))
    }

    /// A dated contract ends now; a perpetual is delisted: post-only at once, and over fifteen minutes later.
    pub(super) fn expire_now(&mut self, id: InstrumentId) -> Result<Outcome, Outcome> {
        self.known_instrument(id)?;
        let settles_at = self.now.plus(15 * 60 * Timestamp::SECOND);
        let contract = self.contract_mut(id);
        if contract.spec.expiry.is_some() || contract.state == MarketState::Expired {
            self.end(id);
            return Ok(Outcome::Done);
        }
        // One that is delisted already keeps its time.
        Ok(Outcome::Armed(Some(*contract.settles_at.get_or_insert(settles_at))))
    }
}
