//! Time passing: whatever was due by then happens first, at its own instant (rules 1.9, 4.4, 4.5, 4.6).

use super::Model;
use loligo_engine::{AccountId, InstrumentId, MarketState, Outcome, Timestamp, UpdateReason};

impl Model {
    /// Instant by instant until `time`. At one instant: dead man's switches, expiries, then samples.
    pub(super) fn pass_time(&mut self, time: Timestamp) {
        loop {
            let second = Timestamp((self.sampled + 1) * Timestamp::SECOND);
            let timer = self.next_timer();
            let next = timer.map_or(second, |at| at.min(second));
            if next > time {
                break;
            }
            self.now = self.now.max(next);
            if timer == Some(next) {
                self.end_timers();
            }
            if second == next {
                self.sampled += 1;
                let before = (self.last_execution, self.last_order, self.fired.len());
                self.sample_marks();
                self.step_liquidations();
                self.follow_up();
                if before == (self.last_execution, self.last_order, self.fired.len()) {
                    self.pass_calm_seconds(time);
                }
            }
        }
        self.now = time;
        self.forget();
    }

    /// The next instant at which a dead man's switch ends or a contract expires.
    fn next_timer(&self) -> Option<Timestamp> {
        let switches = self.accounts.iter().filter_map(|a| a.cancel_all_at);
        let listed = self.contracts.iter().filter(|c| c.state != MarketState::Expired);
        switches.chain(listed.filter_map(|c| c.spec.expiry)).min()
    }

    fn end_timers(&mut self) {
        for id in 0..self.accounts.len() {
            let id = AccountId(id as u32);
            if self.account(id).cancel_all_at.is_some_and(|at| at <= self.now) {
                self.account_mut(id).cancel_all_at = None;
                let reason = UpdateReason::DeadManSwitch;
                self.remove_all(|o| o.view.account == id, reason, reason);
            }
        }
        for id in self.instrument_ids() {
            if self.contract(id).spec.expiry.is_some_and(|at| at <= self.now) {
                self.expire(id);
            }
        }
    }

    /// When the next second would be exactly like this one, so is every one until a timer ends: the last of them will do
    /// for all. Nothing but these spares seconds, so a jump is what slow time would have been.
    fn pass_calm_seconds(&mut self, time: Timestamp) {
        if self.instrument_ids().any(|id| !self.is_calm(id)) || !self.are_indexes_calm() {
            return;
        }
        let until = self.next_timer().map_or(time, |at| time.min(at.plus(-1)));
        self.sampled = self.sampled.max(until.0.div_euclid(Timestamp::SECOND) - 1);
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

    pub(super) fn expire_now(&mut self, id: InstrumentId) -> Result<Outcome, Outcome> {
        self.known_instrument(id)?;
        self.expire(id);
        Ok(Outcome::Done)
    }

    fn expire(&mut self, id: InstrumentId) {
        self.contract_mut(id).state = MarketState::Expired;
        let (resting, waiting) = (UpdateReason::ContractExpired, UpdateReason::Expired);
        self.remove_all(|o| o.view.instrument == id, resting, waiting);
    }
}
