//! The assignment program as accounts take part in it, and leave it; and the pool as the operator fills it.

use super::wallets::is_amount;
use super::{Exchange, emit};
use crate::assignment::{AssignmentProgram, ProgramChange, Provider};
use crate::event::Event;
use crate::id::{AccountId, Currency, ProgramId};
use crate::money::Money;
use crate::outcome::{
    AddProgramOutcome, AddProgramRefusal, PoolOutcome, PoolRefusal, RemoveProgramOutcome,
    RemoveProgramRefusal,
};
use std::collections::{BTreeMap, VecDeque};

/// Programs of one account: one for each contract of the default listing, on either side and at either end of the week, and some.
const PER_ACCOUNT: usize = 100;
/// Changes of programs that are remembered of one account, the oldest forgotten first.
const CHANGES_KEPT: usize = 200;
/// All of a value, in 1e-8: no gain or loss against mark that a program asks for is greater.
const PROFIT_MAX: u64 = 100_000_000;

/// Who takes over positions of others, and who did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programs {
    /// The greatest number that was given out.
    pub last: ProgramId,
    /// By number, so the oldest first.
    pub providers: Vec<Provider>,
    pub changes: BTreeMap<AccountId, VecDeque<ProgramChange>>,
}

impl Programs {
    pub fn note(&mut self, change: ProgramChange) {
        let kept = self.changes.entry(change.account).or_default();
        if kept.len() == CHANGES_KEPT {
            kept.pop_front();
        }
        kept.push_back(change);
    }

    pub fn of(&self, account: AccountId) -> impl Iterator<Item = &Provider> {
        self.providers.iter().filter(move |provider| provider.account == account)
    }
}

impl Exchange {
    pub(super) fn add_program(
        &mut self,
        account: AccountId,
        program: &AssignmentProgram,
        events: &mut Vec<Event>,
    ) -> AddProgramOutcome {
        match self.accounts.get(account) {
            None => return AddProgramOutcome::Refused(AddProgramRefusal::UnknownAccount),
            Some(owner) if !owner.active => return AddProgramOutcome::AccountInactive,
            Some(_) => {}
        }
        if program.instrument.is_some_and(|id| self.markets.get(id).is_none()) {
            return AddProgramOutcome::Refused(AddProgramRefusal::UnknownInstrument);
        }
        let figures = [program.max_size, program.max_position];
        let profits = [program.min_profit_long, program.min_profit_short];
        let sound = figures.into_iter().flatten().all(|most| most > 0)
            && program.max_notional.is_none_or(|most| most > Money::ZERO)
            && profits.into_iter().flatten().all(|least| least.unsigned_abs() <= PROFIT_MAX);
        let of_some = self.markets.entries().any(|(id, market)| program.is_of(id, market.instrument.spec()));
        if !sound || !of_some {
            return AddProgramOutcome::Refused(AddProgramRefusal::InvalidProgram);
        }
        if self.programs.of(account).count() >= PER_ACCOUNT {
            return AddProgramOutcome::Refused(AddProgramRefusal::TooManyPrograms);
        }
        let id = ProgramId(self.programs.last.0 + 1);
        self.programs.last = id;
        self.programs.providers.push(Provider { id, account, program: program.clone() });
        self.note_program(id, account, program.clone(), false, events);
        AddProgramOutcome::ProgramAdded(id)
    }

    pub(super) fn remove_program(
        &mut self,
        account: AccountId,
        id: ProgramId,
        events: &mut Vec<Event>,
    ) -> RemoveProgramOutcome {
        match self.accounts.get(account) {
            None => return RemoveProgramOutcome::Refused(RemoveProgramRefusal::UnknownAccount),
            Some(owner) if !owner.active => return RemoveProgramOutcome::AccountInactive,
            Some(_) => {}
        }
        let mut own = self.programs.providers.iter();
        let Some(at) = own.position(|provider| provider.id == id && provider.account == account) else {
            return RemoveProgramOutcome::Refused(RemoveProgramRefusal::UnknownProgram);
        };
        let Provider { program, .. } = self.programs.providers.remove(at);
        self.note_program(id, account, program.clone(), true, events);
        RemoveProgramOutcome::ProgramRemoved(Box::new(program))
    }

    fn note_program(
        &mut self,
        id: ProgramId,
        account: AccountId,
        program: AssignmentProgram,
        removed: bool,
        events: &mut Vec<Event>,
    ) {
        let change = ProgramChange { id, account, program, removed, at: self.now };
        self.programs.note(change.clone());
        emit(events, || Event::AssignmentProgram(Box::new(change)));
    }

    /// The operator fills the pool, or takes out of it: that is money from outside.
    pub(super) fn set_pool(
        &mut self,
        currency: Currency,
        amount: Money,
        events: &mut Vec<Event>,
    ) -> PoolOutcome {
        if !self.markets.iter().any(|market| market.instrument.settlement() == currency) {
            return PoolOutcome::Refused(PoolRefusal::WrongCurrency);
        }
        let change = amount - self.pool(currency);
        let sound = amount == Money::ZERO || is_amount(amount);
        if !sound || !self.may_come_in(currency, change) {
            return PoolOutcome::Refused(PoolRefusal::AmountOutOfRange);
        }
        self.pool.insert(currency, amount);
        *self.deposited.entry(currency).or_default() += change;
        let at = self.now;
        emit(events, || Event::Pool { currency, change, amount, at });
        PoolOutcome::Done
    }

    /// What is in the pool, of each currency that contracts settle in: below zero where it paid for what it did not have.
    pub fn pools(&self) -> Vec<(Currency, Money)> {
        let mut settled: Vec<Currency> =
            self.markets.iter().map(|market| market.instrument.settlement()).collect();
        settled.sort_unstable();
        settled.dedup();
        settled.into_iter().map(|currency| (currency, self.pool(currency))).collect()
    }

    /// The programs under which an account takes over positions of others, the oldest first.
    pub fn assignment_programs(&self, account: AccountId) -> Vec<Provider> {
        self.programs.of(account).cloned().collect()
    }

    /// What an account's programs were before: their last changes, the newest first.
    pub fn assignment_history(&self, account: AccountId) -> Vec<ProgramChange> {
        let kept = self.programs.changes.get(&account);
        kept.map_or_else(Vec::new, |kept| kept.iter().rev().cloned().collect())
    }
}
