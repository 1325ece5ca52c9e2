//! The assignment program as accounts take part in it, and leave it; and the pool as the operator fills it.

use super::wallets::is_amount;
use super::{Exchange, emit};
use crate::assignment::{AssignmentProgram, ProgramChange, Provider};
use crate::event::Event;
use crate::id::{AccountId, Currency, InstrumentId, ProgramId};
use crate::instrument::InstrumentSpec;
use crate::money::Money;
use crate::outcome::{
    AddProgramOutcome, AddProgramRefusal, PoolOutcome, PoolRefusal, RemoveProgramOutcome,
    RemoveProgramRefusal,
};
use crate::words::ContractKind;
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
    providers: Vec<Provider>,
    /// Numbers of those that hold, by what they take, the oldest first: a position finds who may take it in a few of these lists.
    taking: BTreeMap<Taken, Vec<ProgramId>>,
    changes: BTreeMap<AccountId, VecDeque<ProgramChange>>,
}

/// What a program takes, on one side; what is absent is taken whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Taken {
    long: bool,
    kind: ContractKind,
    instrument: Option<InstrumentId>,
    base: Option<Currency>,
    quote: Option<Currency>,
}

impl Taken {
    /// Of a program: none of one that does not hold, and two of one that takes both sides.
    fn by(program: &AssignmentProgram) -> impl Iterator<Item = Self> {
        let AssignmentProgram { kind, instrument, base, quote, .. } = *program;
        let sides = [true, false].map(|long| (program.enabled && program.accepts(long)).then_some(long));
        sides.into_iter().flatten().map(move |long| Self { long, kind, instrument, base, quote })
    }

    /// All that a position in a contract may be taken as.
    fn of(id: InstrumentId, spec: &InstrumentSpec, long: bool) -> [Self; 8] {
        std::array::from_fn(|named| Self {
            long,
            kind: spec.kind,
            instrument: (named & 1 > 0).then_some(id),
            base: (named & 2 > 0).then_some(spec.base),
            quote: (named & 4 > 0).then_some(spec.quote),
        })
    }
}

impl Programs {
    /// Takes in a program, younger than all that are there.
    pub fn add(&mut self, provider: Provider) {
        for taken in Taken::by(&provider.program) {
            self.taking.entry(taken).or_default().push(provider.id);
        }
        self.providers.push(provider);
    }

    /// Takes out an account's program of a number; `None` where it has none.
    pub fn remove(&mut self, account: AccountId, id: ProgramId) -> Option<AssignmentProgram> {
        let at = self.place(id).filter(|at| self.providers[*at].account == account)?;
        let Provider { program, .. } = self.providers.remove(at);
        for taken in Taken::by(&program) {
            let list = self.taking.entry(taken).or_default();
            list.retain(|other| *other != id);
            if list.is_empty() {
                self.taking.remove(&taken);
            }
        }
        Some(program)
    }

    fn place(&self, id: ProgramId) -> Option<usize> {
        self.providers.binary_search_by_key(&id, |provider| provider.id).ok()
    }

    /// All programs, the oldest first.
    pub fn all(&self) -> &[Provider] {
        &self.providers
    }

    /// The programs that hold and take positions of a contract on a side, the oldest first. It looks at no others.
    pub fn that_take(
        &self,
        id: InstrumentId,
        spec: &InstrumentSpec,
        long: bool,
    ) -> impl Iterator<Item = &Provider> {
        let of = |taken| self.taking.get(&taken).map_or(&[][..], Vec::as_slice);
        let mut lists = Taken::of(id, spec, long).map(of);
        std::iter::from_fn(move || {
            let oldest = lists.iter_mut().filter(|list| !list.is_empty()).min_by_key(|list| list[0])?;
            let (first, others) = oldest.split_first()?;
            *oldest = others;
            self.place(*first).map(|at| &self.providers[at])
        })
    }

    /// Changes of programs, by account and then by age.
    pub fn changes(&self) -> impl Iterator<Item = &ProgramChange> {
        self.changes.values().flatten()
    }

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
        self.programs.add(Provider { id, account, program: program.clone() });
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
        let Some(program) = self.programs.remove(account, id) else {
            return RemoveProgramOutcome::Refused(RemoveProgramRefusal::UnknownProgram);
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Qty, Timestamp};
    use crate::words::TimeFrame;

    fn code(code: &str) -> Currency {
        Currency::parse(code).expect("a code")
    }

    fn spec(kind: ContractKind, base: &str) -> InstrumentSpec {
        InstrumentSpec {
            symbol: "ONE".into(),
            kind,
            pair: "PAIR".into(),
            base: code(base),
            quote: Currency::USD,
            tick_mantissa: 1,
            tick_scale: 0,
            lot_precision: 0,
            max_position: Qty(1),
            impact_mid_size: Qty(1),
            margin_levels: Vec::new(),
            opening: Timestamp(0),
            expiry: None,
            funding_rate_coefficient: 8,
            max_relative_funding_rate: 500_000,
            min_relative_funding_rate: None,
        }
    }

    /// Every way to name a contract or not, on every side, holding or not.
    fn every_program() -> Vec<AssignmentProgram> {
        let mut all = Vec::new();
        for named in 0..512_u32 {
            let is = |bit: u32| named & (1 << bit) > 0;
            all.push(AssignmentProgram {
                kind: if is(0) { ContractKind::Linear } else { ContractKind::Inverse },
                instrument: is(1).then_some(InstrumentId(u16::from(is(2)))),
                base: is(3).then(|| code(if is(4) { "BTC" } else { "ETH" })),
                quote: is(5).then(|| if is(4) { Currency::USD } else { code("EUR") }),
                max_size: None,
                max_position: None,
                accept_long: is(6),
                accept_short: is(7),
                time_frame: TimeFrame::All,
                enabled: is(8),
                max_notional: None,
                min_profit_long: None,
                min_profit_short: None,
            });
        }
        all
    }

    #[test]
    fn a_position_finds_the_programs_that_take_it_by_age_and_no_others() {
        let mut programs = Programs::default();
        for round in 0..2 {
            for (at, program) in every_program().into_iter().enumerate() {
                // Kinds stand neither together nor in their order.
                let id = ProgramId(1 + 512 * round + (at as u64 * 5) % 512);
                programs.last = programs.last.max(id);
                let (at, account) = (programs.providers.partition_point(|of| of.id < id), AccountId(7));
                programs.providers.insert(at, Provider { id, account, program });
            }
        }
        let by_age = std::mem::take(&mut programs.providers);
        by_age.into_iter().for_each(|provider| programs.add(provider));
        let found = |programs: &Programs| {
            let mut found = 0;
            for (id, spec, long) in [
                (0, spec(ContractKind::Linear, "BTC"), true),
                (0, spec(ContractKind::Linear, "BTC"), false),
                (1, spec(ContractKind::Linear, "ETH"), true),
                (1, spec(ContractKind::Inverse, "ETH"), false),
            ] {
                let id = InstrumentId(id);
                let takes = |program: &AssignmentProgram| {
                    program.enabled && program.is_of(id, &spec) && program.accepts(long)
                };
                let want: Vec<&Provider> = programs.all().iter().filter(|of| takes(&of.program)).collect();
                let told: Vec<&Provider> = programs.that_take(id, &spec, long).collect();
                assert_eq!(told, want, "{id:?} {spec:?} {long}");
                found += told.len();
            }
            found
        };
        let all = found(&programs);
        assert!(all > 0);
        // A third of them goes, of who has them alone.
        for id in (1..=programs.last.0).step_by(3).map(ProgramId) {
            assert_eq!(programs.remove(AccountId(8), id), None);
            assert!(programs.remove(AccountId(7), id).is_some());
            assert_eq!(programs.remove(AccountId(7), id), None, "it is gone");
        }
        let left = found(&programs);
        assert!(left > 0 && left < all, "{left} of {all}");
        for id in (1..=programs.last.0).map(ProgramId) {
            let gone = id.0 % 3 == 1;
            assert_eq!(programs.remove(AccountId(7), id).is_none(), gone, "{id:?}");
        }
        assert!(programs.taking.is_empty(), "nothing is kept of what has gone");
    }
}
