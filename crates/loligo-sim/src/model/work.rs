//! What follows from a change, as far as one record goes (rules 5.7): plain lists of what waits, done from the front.

use super::Model;
use super::margin::Portfolio;
use loligo_engine::{AccountId, Currency, InstrumentId, OrderId, OrderStatus, UpdateReason, Wallet};
use num_bigint::BigInt;
use std::collections::{BTreeSet, VecDeque};

/// A step is sixteen looks at an account; a record does 64 steps.
pub(super) const STEP: u32 = 16;
const LOOK: u32 = 1;
const LIMIT: u32 = 64 * STEP;

/// What waits but for wallets and triggers, and how far the present record has come.
#[derive(Clone, Debug)]
pub(super) struct Work {
    limit: u32,
    pub(super) done: u32,
    /// Orders filled or cancelled, each time that one is.
    pub(super) moved: u32,
    /// Closed contracts, each with what is left of its orders, resting and waiting ones to go for a reason each.
    clearing: Vec<(InstrumentId, UpdateReason, UpdateReason, VecDeque<OrderId>)>,
    /// An hour is over: positions from this one on are to be booked, by contract and account.
    pub(super) funding: Option<(InstrumentId, AccountId)>,
    /// Contracts that are over and whose positions, from this account's on, are to be settled.
    pub(super) settling: Vec<(InstrumentId, AccountId)>,
    /// An hour is over: the account to be charged interest next.
    pub(super) interest: Option<AccountId>,
    /// Prices have moved: whom that concerns, from the account on, is to be looked over.
    looking: Option<Looking>,
    /// Portfolios whose step of this second is to come.
    stepping: VecDeque<Portfolio>,
}

/// Contracts whose marks have moved, and none for an index at which collateral counts; and the account that comes next.
#[derive(Clone, Debug, Default)]
struct Looking {
    moved: BTreeSet<Option<InstrumentId>>,
    from: AccountId,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            limit: LIMIT,
            done: 0,
            moved: 0,
            clearing: vec![],
            funding: None,
            settling: vec![],
            interest: None,
            looking: None,
            stepping: VecDeque::new(),
        }
    }
}

impl Model {
    /// Gives each record another amount of work than a venue does.
    pub fn set_work_limit(&mut self, limit: u32) {
        self.work.limit = limit;
    }

    /// What the last record did beside its own command.
    pub fn work_done(&self) -> u32 {
        self.work.done
    }

    pub(super) fn spend(&mut self, work: u32) {
        self.work.done += work;
    }

    pub(super) fn is_spent(&self) -> bool {
        self.work.done >= self.work.limit
    }

    /// Something that follows from what has happened is not done yet.
    pub fn is_busy(&self) -> bool {
        self.work.clearing.iter().flat_map(|(_, _, _, orders)| orders).any(|id| self.is_open(*id))
            || self.next_settled().is_some()
            || self.next_holder().is_some()
            || self.work.interest.is_some()
            || self.looked_over_next().is_some()
            || self.work.stepping.iter().any(|portfolio| self.steps_now(*portfolio))
            || self.margin_checks.iter().any(|(account, wallet)| self.needs_judging(*account, *wallet))
            || self.due.iter().any(|id| self.is_due(*id))
            || self.next_instant() <= self.now
    }

    fn is_open(&self, id: OrderId) -> bool {
        self.orders.iter().any(|o| o.view.id == id && o.is_live())
    }

    /// True for a portfolio on the ladder that has had no step at this instant.
    fn steps_now(&self, portfolio: Portfolio) -> bool {
        let goes_on = self.unwindings.contains_key(&portfolio);
        self.ladders.get(&portfolio).is_some_and(|ladder| goes_on || ladder.stepped_at < self.now)
    }

    /// All orders of a contract are to go, the oldest first.
    pub(super) fn clear(&mut self, id: InstrumentId, resting: UpdateReason, waiting: UpdateReason) {
        let open = self.orders.iter().filter(|o| o.is_live() && o.view.instrument == id);
        let clearing = (id, resting, waiting, open.map(|o| o.view.id).collect());
        match self.work.clearing.iter_mut().find(|(other, ..)| *other == id) {
            Some(other) => *other = clearing,
            None => self.work.clearing.push(clearing),
        }
    }

    /// A mark has moved, or (of no contract) an index at which collateral counts: all whom that concerns are to be looked over,
    /// and all who were to be, from the first account on.
    pub(super) fn begin_looking(&mut self, moved: Option<InstrumentId>) {
        let looking = self.work.looking.get_or_insert_default();
        looking.moved.insert(moved);
        looking.from = AccountId(0);
    }

    /// Whom one of those prices concerns, and who comes next.
    fn looked_over_next(&self) -> Option<AccountId> {
        let Looking { moved, from } = self.work.looking.as_ref()?;
        let mut accounts = (from.0..self.accounts.len() as u32).map(AccountId);
        accounts.find(|account| {
            moved.iter().any(|moved| match moved {
                Some(id) => self.position(*account, *id).qty != 0,
                None => self.has_collateral(*account),
            })
        })
    }

    /// Who begins to hold something behind the account that is next was not waited for.
    fn note_looked_over_next(&mut self) {
        match (self.looked_over_next(), &mut self.work.looking) {
            (Some(next), Some(looking)) => looking.from = next,
            _ => self.work.looking = None,
        }
    }

    /// What is being unwound goes on before anything else is liquidated.
    pub(super) fn step_on(&mut self, portfolio: Portfolio) {
        self.work.stepping.push_front(portfolio);
    }

    /// All portfolios on the ladder are to take a step.
    pub(super) fn begin_steps(&mut self) {
        let due = self.ladders.keys().copied().filter(|portfolio| self.steps_now(*portfolio));
        self.work.stepping = due.collect();
        // Who took one at this instant, before its sample, is to take the next at the next second.
        self.stirred |= self.ladders.values().any(|ladder| ladder.stepped_at == self.now);
    }

    /// After a change nothing else happens before what follows from it, one thing after the other.
    pub(super) fn follow_up(&mut self) {
        while !self.is_spent() && self.follow_once() {}
        self.note_next_holder();
        self.note_looked_over_next();
    }

    /// Does what comes first of all that waits. What there is no need for any more costs nothing. False when nothing waits.
    fn follow_once(&mut self) -> bool {
        let moved = self.work.moved;
        if let Some((_, resting, waiting, orders)) = self.work.clearing.first_mut() {
            let (resting, waiting) = (*resting, *waiting);
            let Some(id) = orders.pop_front() else {
                self.work.clearing.remove(0);
                return true;
            };
            if !self.is_open(id) {
                return true;
            }
            let reason = if self.order(id).resting { resting } else { waiting };
            self.close(id, OrderStatus::Cancelled, reason, None);
            self.stirred = true;
        } else if let Some((instrument, account)) = self.next_settled() {
            self.spend(STEP);
            self.settle_position(instrument, account);
            self.note_settled(instrument, account);
            self.stirred = true;
        } else if self.work.funding.is_some() {
            self.note_next_holder();
            let Some((instrument, account)) = self.work.funding else { return true };
            self.book_funding(instrument, account);
            self.stirred = true;
        } else if let Some(account) = self.work.interest {
            let next = AccountId(account.0 + 1);
            self.work.interest = ((next.0 as usize) < self.accounts.len()).then_some(next);
            self.spend(LOOK);
            self.stirred |= self.charge_interest(account);
        } else if self.work.looking.is_some() {
            self.note_looked_over_next();
            let Some(Looking { from, .. }) = &mut self.work.looking else { return true };
            let account = *from;
            from.0 += 1;
            self.look_over(account);
            self.spend(LOOK);
            self.stirred |= self.pay_what_is_owed(account);
        } else if let Some(portfolio) = self.work.stepping.pop_front() {
            if !self.steps_now(portfolio) {
                return true;
            }
            self.spend(STEP);
            self.step(portfolio);
            self.stirred |= self.work.moved > moved;
        } else if let Some((account, wallet)) = self.margin_checks.pop_first() {
            if !self.needs_judging(account, wallet) {
                return true;
            }
            self.spend(STEP);
            self.check_margin_wallet(account, wallet);
            self.stirred = true;
        } else if let Some(id) = self.due.pop_front() {
            if !self.is_due(id) {
                return true;
            }
            self.spend(STEP);
            self.fire(id);
            self.stirred = true;
        } else {
            return false;
        }
        self.spend((self.work.moved - moved) * STEP);
        true
    }

    /// Of the wallets with a position, with collateral, or known to be short, those are to be judged in which something is to be done.
    fn look_over(&mut self, account: AccountId) {
        let wallets: BTreeSet<Wallet> = self.instrument_ids().map(|id| self.margin_wallet(id).0).collect();
        for wallet in wallets {
            let mut positions = self.margined_by(wallet).into_iter();
            let holds = positions.any(|id| self.position(account, id).qty != 0);
            // What collateral counts for moves, too, with orders alone to be margined by it.
            let counts = wallet == Wallet::Flex
                && self.flex_held(account).iter().any(|(currency, _)| *currency != Currency::USD);
            let known = self.margin_checks.remove(&(account, wallet));
            if (holds || counts || known) && self.needs_judging(account, wallet) {
                self.margin_checks.insert((account, wallet));
            }
        }
    }

    /// Somebody gets onto the ladder or off it, or has orders that must go.
    fn needs_judging(&self, account: AccountId, wallet: Wallet) -> bool {
        let Some(currency) = self.settlement(wallet) else { return false };
        let ladder = self.portfolios(account, wallet).into_iter().any(|portfolio| {
            if self.margin_status(portfolio).is_short() {
                !self.account(account).house && !self.has_begun(portfolio)
            } else {
                self.ladders.contains_key(&portfolio) && !self.unwindings.contains_key(&portfolio)
            }
        });
        let mut contracts = self.margined_by(wallet).into_iter();
        ladder
            || self.is_flat_and_short(account, wallet)
            || (self.available(account, wallet, currency) < BigInt::ZERO
                && contracts.any(|id| !self.adding_orders(account, id).is_empty()))
    }

    /// True for who will be liquidated when its turn comes: nothing that adds risk is taken from it, and no money leaves.
    pub(super) fn is_to_be_liquidated(&self, portfolio: Portfolio) -> bool {
        !self.account(portfolio.account()).house
            && !self.ladders.contains_key(&portfolio)
            && self.margin_status(portfolio).is_short()
    }

    pub(super) fn is_doomed(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let wallet = self.margin_wallet(instrument).0;
        [Portfolio::Cross(account, wallet), self.portfolio(account, instrument)]
            .into_iter()
            .any(|portfolio| self.is_to_be_liquidated(portfolio))
    }
}
