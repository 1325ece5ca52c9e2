//! What follows from a change, done in steps of which a record does a bounded number (rules 5.7).
//!
//! Work that is waiting is state: time passes no instant before its work is done, and whoever reads the state goes on where
//! it was left. Nothing is in doubt meanwhile: what a wallet is worth is always told and judged at the marks of now.

use super::closing::FORGOTTEN_PER_RECORD;
use super::{Exchange, Portfolio};
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, OrderId};
use crate::market::Market;
use crate::slot::{FewSlots, Slot, SlotSet, Table, WalletSlot};
use crate::trigger::Due;
use crate::words::UpdateReason;
use std::collections::{BTreeSet, VecDeque};

/// Work that one record does beside its own command: 64 steps. A step is a microsecond or two, so nobody waits for a record
/// longer than a fifth of a millisecond, or one indivisible step more: all orders of one account, or one order that sweeps a
/// book.
pub const WORK_PER_RECORD: u32 = 64 * STEP;
/// Work of a step: an order fired, filled or removed, a wallet judged in which something is to be done, a step of a
/// liquidation, a timer, a position's funding booked, a position settled, one contract sampled at a second at which a mark moves.
pub(super) const STEP: u32 = 16;
/// Work of looking an account over after a mark has moved, or when an hour's interest is due; of ranking a holder, too.
const LOOK: u32 = 1;

/// What has to be done at the present instant before time may pass.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// Something of it is waiting.
    pub busy: bool,
    /// What a record does of it at most, and what the present one has done.
    limit: u32,
    done: u32,
    /// Closed orders that the present record has forgotten.
    forgotten: u32,
    /// Contracts whose orders all go, the first first.
    pub clearing: VecDeque<Clearing>,
    /// Contracts that have come to their end, the first first: their positions, from this account's on, are still to be closed.
    pub settling: VecDeque<(InstrumentId, AccountId)>,
    /// An hour is over: positions of perpetuals, from this contract's and account's on, are still to be booked.
    pub funding: Option<(InstrumentId, AccountId)>,
    /// An hour is over: accounts from this one on are still to be charged interest.
    pub interest: Option<AccountId>,
    /// Prices have moved: those whom that concerns are still to be looked over.
    pub looking: Option<Looking>,
    /// Portfolios whose step of this second is still to come.
    pub stepping: VecDeque<Portfolio>,
    /// Wallets to be judged, by account. One in which nothing is to be done costs nothing.
    pub margin_checks: BTreeSet<(AccountId, WalletSlot)>,
    /// Triggers that a price has reached, in the order in which they fire. One that is gone by then is passed over.
    pub due: VecDeque<Due>,
}

/// A contract whose orders all go: resting ones for one reason, triggers for another.
#[derive(Clone, Debug)]
pub(crate) struct Clearing {
    pub instrument: InstrumentId,
    pub resting: UpdateReason,
    pub waiting: UpdateReason,
    /// Those that are left, the oldest first. Some may be gone already.
    pub orders: VecDeque<OrderId>,
}

/// Accounts that are to be looked over: those from one on that hold a contract whose mark has moved, or collateral that counts at an
/// index that has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looking {
    pub from: AccountId,
    /// The contracts, by number.
    pub moved: Vec<InstrumentId>,
    pub collateral: bool,
}

impl Looking {
    /// One more contract: all whom any of this concerns are to be looked over, whoever was before.
    pub fn add(&mut self, contract: InstrumentId) {
        self.from = AccountId(0);
        if let Err(place) = self.moved.binary_search(&contract) {
            self.moved.insert(place, contract);
        }
    }

    /// As [`Looking::add`], for who has other collateral than USD.
    pub fn add_collateral(&mut self) {
        self.from = AccountId(0);
        self.collateral = true;
    }

    /// Whom it concerns, given who has other collateral.
    pub fn concerned<'a>(
        &'a self,
        markets: &'a Table<InstrumentId, Market>,
        collateral: &'a SlotSet<AccountId>,
    ) -> impl Iterator<Item = &'a SlotSet<AccountId>> + Clone {
        let holders = self.moved.iter().map(|id| &markets[*id].holders);
        holders.chain(self.collateral.then_some(collateral))
    }
}

impl Default for Work {
    fn default() -> Self {
        Self {
            busy: false,
            limit: WORK_PER_RECORD,
            done: 0,
            forgotten: 0,
            clearing: VecDeque::new(),
            settling: VecDeque::new(),
            funding: None,
            interest: None,
            looking: None,
            stepping: VecDeque::new(),
            margin_checks: BTreeSet::new(),
            due: VecDeque::new(),
        }
    }
}

impl Work {
    /// Nothing to be done, under the same limit.
    pub fn none_of(&self) -> Self {
        Self { limit: self.limit, done: self.done, forgotten: self.forgotten, ..Self::default() }
    }

    /// A record begins, with all of its work before it.
    #[inline]
    pub fn begin(&mut self) {
        (self.done, self.forgotten) = (0, 0);
    }

    /// How many closed orders a record forgets.
    pub fn forgets_at_most(&self) -> u32 {
        self.limit.max(FORGOTTEN_PER_RECORD)
    }

    /// Counts an order that is to be forgotten. False when the record has forgotten as many as it does: then it does nothing more.
    #[inline]
    pub fn may_forget(&mut self) -> bool {
        let may = self.forgotten < self.forgets_at_most();
        if may {
            self.forgotten += 1;
        } else {
            self.done = self.done.max(self.limit);
        }
        may
    }

    pub fn is_spent(&self) -> bool {
        self.done >= self.limit
    }

    /// Looks that the record still has work for; one at least, so that what is begun gets on.
    pub fn left(&self) -> u32 {
        self.limit.saturating_sub(self.done).max(LOOK)
    }

    pub fn spend(&mut self, work: u32) {
        self.done = self.done.saturating_add(work);
    }

    /// One step for each order that these events say was filled or removed.
    pub fn spend_on(&mut self, events: &[Event]) {
        let moved = |event: &&Event| matches!(event, Event::Executed(_) | Event::Cancelled { .. });
        let moved = events.iter().filter(moved).count();
        self.spend(STEP.saturating_mul(u32::try_from(moved).unwrap_or(u32::MAX)));
    }

    #[inline]
    pub fn check_margin_of(&mut self, account: AccountId, margin_wallet: WalletSlot) {
        self.margin_checks.insert((account, margin_wallet));
        self.busy = true;
    }
}

impl Exchange {
    /// True while something that follows from what has happened is not done yet. Time stands still until it is, and whatever
    /// reads many accounts at once had better wait.
    pub fn is_busy(&self) -> bool {
        self.work.busy
    }

    /// What the last record did beside its own command, in sixteenths of a step; see [`WORK_PER_RECORD`].
    pub fn work_done(&self) -> u32 {
        self.work.done
    }

    /// Lets each record do another amount of work. All who are to come to the same must have the same, and it is not stored:
    /// a venue keeps [`WORK_PER_RECORD`].
    pub fn set_work_limit(&mut self, limit: u32) {
        self.work.limit = limit.max(1);
    }

    /// What follows from a change: a step at a time until nothing is left, or the record has done its part.
    pub(super) fn follow_up(&mut self, events: &mut Vec<Event>) {
        while !self.work.is_spent() && self.has_work() {
            self.work_on(events);
        }
        self.note_what_is_left();
    }

    /// Whether anything of the present instant is left to be done.
    pub(super) fn note_what_is_left(&mut self) {
        self.work.busy = self.has_work() || self.is_instant_open();
    }

    /// One step of what is waiting. Closed orders whose time is over are forgotten first; then orders of a closed contract go; then positions
    /// of one that has ended are closed; then funding is booked, and interest; then accounts are looked over at the new marks; portfolios
    /// take their step of this second; wallets whose margin is short are seen to; then triggers that a price reached fire, each matched to
    /// its end, and what follows from it, before the next.
    fn work_on(&mut self, events: &mut Vec<Event>) {
        if self.has_to_forget() {
            return self.forget_due(events);
        }
        let told = events.len();
        if let Some(clearing) = self.work.clearing.front_mut() {
            let Clearing { resting, waiting, .. } = *clearing;
            let order = clearing.orders.pop_front().and_then(|order| self.find_open(order));
            if let Some(slot) = order {
                let reason = if self.orders.get(slot).level.is_none() { waiting } else { resting };
                self.remove(slot, reason, None, events);
            }
        } else if let Some((instrument, account)) = self.work.settling.front().copied() {
            self.work.spend(STEP);
            self.settle(instrument, account, events);
        } else if let Some((instrument, account)) = self.work.funding {
            self.work.spend(STEP);
            self.book_funding(instrument, account, events);
        } else if let Some(account) = self.work.interest {
            let next = AccountId::of_index(account.index() + 1);
            self.work.interest = self.accounts.get(next).map(|_| next);
            self.charge_interest(account, events);
            self.work.spend(LOOK);
            if events.len() == told {
                return;
            }
        } else if self.work.looking.is_some() {
            self.look_on(events);
            if events.len() == told {
                return;
            }
        } else if let Some(portfolio) = self.work.stepping.pop_front() {
            self.work.spend(STEP);
            self.step(portfolio, events);
            if events.len() == told {
                return;
            }
        } else if let Some((account, margin_wallet)) = self.work.margin_checks.pop_first() {
            self.work.spend(STEP);
            self.check_margin_wallet(account, margin_wallet, events);
        } else if let Some(due) = self.work.due.pop_front() {
            self.work.spend(STEP);
            self.fire(due, events);
        }
        self.stirred = true;
        self.work.spend_on(&events[told..]);
    }

    /// Those who are to be looked over next.
    fn looked_over_next(&self) -> FewSlots<AccountId> {
        let looking = self.work.looking.as_ref();
        let concerned = looking.map(|looking| looking.concerned(&self.markets, &self.collateral_holders));
        SlotSet::first_of_any(concerned.into_iter().flatten(), looking.map_or(AccountId(0), |at| at.from))
    }

    /// Looks over those who are next, as many as the record has work for, up to the first of whom something is told.
    fn look_on(&mut self, events: &mut Vec<Event>) {
        let told = events.len();
        for account in self.looked_over_next() {
            if self.work.is_spent() || events.len() > told {
                return;
            }
            if let Some(looking) = &mut self.work.looking {
                looking.from = AccountId::of_index(account.index() + 1);
            }
            self.look_over(account);
            self.work.spend(LOOK);
            self.pay_what_is_owed(account, events);
        }
    }

    /// Drops what needs no doing any more, up to the next that does. False when there is none.
    pub(super) fn has_work(&mut self) -> bool {
        if self.has_to_forget() {
            return true;
        }
        self.pass_over_settled();
        if let Some((instrument, account)) = self.work.funding {
            self.work.funding = self.next_holder(instrument, account);
        }
        if self.work.looking.is_some() {
            let next = self.looked_over_next().next();
            self.work.looking =
                self.work.looking.take().zip(next).map(|(looking, from)| Looking { from, ..looking });
        }
        while let Some(clearing) = self.work.clearing.front() {
            match clearing.orders.front().copied() {
                Some(order) if self.find_open(order).is_some() => return true,
                Some(_) => drop(self.work.clearing[0].orders.pop_front()),
                None => drop(self.work.clearing.pop_front()),
            }
        }
        let Work { funding, interest, looking, settling, .. } = &self.work;
        if !settling.is_empty() || funding.is_some() || interest.is_some() || looking.is_some() {
            return true;
        }
        while let Some(portfolio) = self.work.stepping.front() {
            if self.has_step_to_take(*portfolio) {
                return true;
            }
            self.work.stepping.pop_front();
        }
        while let Some((account, margin_wallet)) = self.work.margin_checks.first().copied() {
            if self.needs_judging(account, margin_wallet) {
                return true;
            }
            self.work.margin_checks.pop_first();
            self.margin_wallets[margin_wallet].checked_always =
                self.must_be_checked_always(account, margin_wallet);
        }
        while let Some(due) = self.work.due.front() {
            if self.is_still_due(due) {
                return true;
            }
            self.work.due.pop_front();
        }
        false
    }

    /// Everything that is open in a contract is to be cancelled, the oldest first.
    pub(super) fn clear_market(
        &mut self,
        instrument: InstrumentId,
        resting: UpdateReason,
        waiting: UpdateReason,
    ) {
        let of_market = self.markets[instrument].positions().map(|slot| &self.positions[slot]);
        let open = of_market.flat_map(|position| position.orders.iter().chain(&position.triggers));
        let mut orders: Vec<OrderId> = open.map(|slot| self.orders.get(*slot).id).collect();
        orders.sort_unstable();
        let clearing = Clearing { instrument, resting, waiting, orders: orders.into() };
        // One that is under way already goes on with all that is open now: no contract is waiting twice.
        match self.work.clearing.iter_mut().find(|other| other.instrument == instrument) {
            Some(other) => *other = clearing,
            None => self.work.clearing.push_back(clearing),
        }
        self.work.busy = true;
    }
}
