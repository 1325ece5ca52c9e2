//! Unwinding (rules 5.6, 6.1): a position that nobody takes is closed against those on the other side, the greatest profit times
//! leverage first, at the price where nothing is left to who loses it, until it is flat. One counterparty is one step of work.
//!
//! Who is first is known when all holders have been ranked, which are as many as there are accounts. So that is a walk of its own, as far
//! at a time as the record has work for, and it finds more than one counterparty: what a meeting changes is what the two have, and
//! nothing about who of the others is next. Whatever else is asked meanwhile has it begin anew, so that all are ranked as of one state.

use super::off_book::OffBook;
use super::{Exchange, Portfolio, Unwinding};
use crate::account::Position;
use crate::command::Command;
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, Price, Timestamp};
use crate::money::Fine;
use crate::slot::{PositionSlot, Slot};
use ethnum::U256;
use std::cmp::Ordering;

/// Steps of the queue that its owner is told: fifths.
const FIFTHS: usize = 5;
/// Counterparties that one walk finds, the first in turn: a position that many stand against is not worth a walk for each, and a
/// state holds no more than a few hundred bytes of it.
pub(super) const FOUND_MAX: usize = 64;

/// Where a position stands among those of its side.
#[derive(Clone, Copy, Debug)]
struct Rank {
    /// The house comes last.
    house: bool,
    score: Score,
    /// Absent of one that was opened when that was not noted: it is old.
    opened_at: Option<Timestamp>,
    account: AccountId,
}

/// Unrealised profit over entry value, times value over the wallet's equity. Its variants are in their order.
#[derive(Clone, Copy, Debug)]
enum Score {
    /// A loss on no equity at all.
    Least,
    Loss(U256, U256),
    Nothing,
    Profit(U256, U256),
    /// A profit on no equity at all.
    Greatest,
}

/// How soon each of an account's positions is closed against one that cannot be traded away, as far as that has been looked for.
#[derive(Clone, Debug)]
pub struct UnwindPlaces {
    account: AccountId,
    /// The contract that is looked at, holders of its side from this account on; who of those before is ahead, and of how many.
    instrument: InstrumentId,
    from: AccountId,
    ahead: usize,
    all: usize,
    /// Percentiles of those before.
    found: Vec<(InstrumentId, u8)>,
}

impl UnwindPlaces {
    /// Nothing is looked for yet; [`Exchange::look_for_places`] does.
    pub fn of(account: AccountId) -> Self {
        let (instrument, from) = (InstrumentId(0), AccountId(0));
        Self { account, instrument, from, ahead: 0, all: 0, found: Vec::new() }
    }

    /// Each contract that the account holds, and 100 for a position of the first fifth of its contract and side, then 80, 60, 40, and 20
    /// for the last.
    pub fn percentiles(self) -> Vec<(InstrumentId, u8)> {
        self.found
    }

    /// Goes on with another contract.
    fn go_on_with(&mut self, instrument: InstrumentId) {
        let found = std::mem::take(&mut self.found);
        *self = Self { instrument, found, ..Self::of(self.account) };
    }
}

impl Exchange {
    /// Begins to unwind a position.
    pub(super) fn unwind(
        &mut self,
        portfolio: Portfolio,
        closed: PositionSlot,
        price: Price,
        events: &mut Vec<Event>,
    ) {
        let instrument = self.positions[closed].instrument;
        let unwinding = Unwinding { instrument, price, ranked: Some(AccountId(0)), first: Vec::new() };
        self.unwind_on(portfolio, unwinding, events);
    }

    /// One counterparty of a position that is unwound, or a part of the way to it; what is left has its turn before anything else is
    /// liquidated. The price stays that at which it began. Where trading is halted meanwhile the ladder waits, and begins anew.
    pub(super) fn unwind_on(
        &mut self,
        portfolio: Portfolio,
        mut unwinding: Unwinding,
        events: &mut Vec<Event>,
    ) {
        let Unwinding { instrument, price, .. } = unwinding;
        let (Portfolio::Cross { account, .. } | Portfolio::Isolated { account, .. }) = portfolio;
        let held = self.markets[instrument].position_of(account);
        let held = held.filter(|slot| self.positions[*slot].size != 0 && self.is_open(*slot));
        let Some(closed) = held else {
            self.unwinding.remove(&portfolio);
            return;
        };
        self.rank_on(closed, &mut unwinding);
        if unwinding.ranked.is_none() {
            let counterparty = unwinding.first.remove(0);
            let held = self.markets[instrument].position_of(counterparty);
            let counterparty = held.expect("who is ranked has a position");
            let lots = self.positions[closed].size.abs().min(self.positions[counterparty].size.abs());
            self.meet(closed, counterparty, (lots, price), OffBook::Unwind, events);
            if self.positions[closed].size == 0 {
                self.unwinding.remove(&portfolio);
                return;
            }
            if unwinding.first.is_empty() {
                unwinding.ranked = Some(AccountId(0));
            }
        }
        self.unwinding.insert(portfolio, unwinding);
        self.work.stepping.push_front(portfolio);
        self.work.busy = true;
    }

    /// Ranks those on the other side who are not ranked yet, as far as the record has work for. A holder is as much as an account that
    /// is looked over.
    fn rank_on(&mut self, closed: PositionSlot, unwinding: &mut Unwinding) {
        let Some(from) = unwinding.ranked else { return };
        let Position { instrument, size, .. } = self.positions[closed];
        let market = &self.markets[instrument];
        let held = |account| market.position_of(account).expect("who holds a contract has a position");
        let ranked = unwinding.first.iter().map(|account| self.rank(&self.positions[held(*account)]));
        let mut first: Vec<Rank> = ranked.collect();
        let (mut looked_at, mut next) = (0, None);
        for account in market.holders.iter_from(from) {
            if looked_at == self.work.left() {
                next = Some(account);
                break;
            }
            looked_at += 1;
            let position = &self.positions[held(account)];
            if position.size.signum() != -size.signum() {
                continue;
            }
            let rank = self.rank(position);
            if first.len() == FOUND_MAX && first[FOUND_MAX - 1].order(&rank) == Ordering::Less {
                continue;
            }
            first.truncate(FOUND_MAX - 1);
            let place = first.partition_point(|other| other.order(&rank) == Ordering::Less);
            first.insert(place, rank);
        }
        unwinding.first = first.into_iter().map(|rank| rank.account).collect();
        unwinding.ranked = next;
        self.work.spend(looked_at);
    }

    /// Before something is asked amid unwinding: it may change who is first in turn, unless it only cancels.
    pub(super) fn rank_anew_for(&mut self, command: &Command) {
        if matches!(command, Command::Advance) || command.only_cancels() {
            return;
        }
        for unwinding in self.unwinding.values_mut() {
            (unwinding.ranked, unwinding.first) = (Some(AccountId(0)), Vec::new());
        }
    }

    fn rank(&self, position: &Position) -> Rank {
        let market = &self.markets[position.instrument];
        let equity = self.margin_equity(position.account, position.margin_wallet);
        let (profit, value) = (market.unrealized(position), market.at_mark(position.size).value);
        let wide = |a: Fine, b: Fine| U256::from(a.0.unsigned_abs()) * U256::from(b.0.unsigned_abs());
        let (earned, staked) = (wide(profit, value), wide(position.entry, equity));
        let boundless = equity <= Fine::ZERO || staked == U256::ZERO;
        let score = match profit.cmp(&Fine::ZERO) {
            Ordering::Less if boundless => Score::Least,
            Ordering::Less => Score::Loss(earned, staked),
            Ordering::Equal => Score::Nothing,
            Ordering::Greater if boundless => Score::Greatest,
            Ordering::Greater => Score::Profit(earned, staked),
        };
        let Position { house, opened_at, account, .. } = *position;
        Rank { house, score, opened_at, account }
    }

    /// How soon each of an account's positions is closed against one that cannot be traded away: 100 for those of the first fifth of its
    /// contract and side, then 80, 60, 40, and 20 for the last. It looks at all who hold what the account holds, which may be everybody;
    /// [`Exchange::look_for_places`] does so a part at a time.
    pub fn unwind_queue(&self, account: AccountId) -> Vec<(InstrumentId, u8)> {
        let mut places = UnwindPlaces::of(account);
        while !self.look_for_places(&mut places, usize::MAX) {}
        places.percentiles()
    }

    /// Looks at the next holders of what an account holds, so many at most. True when all were looked at. Each is compared as both are
    /// then.
    pub fn look_for_places(&self, places: &mut UnwindPlaces, most: usize) -> bool {
        let Some(owner) = self.accounts.get(places.account) else { return true };
        let mut left = most;
        for (instrument, slot) in &owner.positions {
            let own = &self.positions[*slot];
            if *instrument < places.instrument || own.size == 0 {
                continue;
            }
            if *instrument != places.instrument {
                places.go_on_with(*instrument);
            }
            let (market, rank) = (&self.markets[*instrument], self.rank(own));
            for account in market.holders.iter_from(places.from) {
                if left == 0 {
                    return false;
                }
                left -= 1;
                places.from = AccountId::of_index(account.index() + 1);
                let other = market.position_of(account).map(|slot| &self.positions[slot]);
                if let Some(other) = other.filter(|other| other.size.signum() == own.size.signum()) {
                    places.all += 1;
                    places.ahead += usize::from(self.rank(other).order(&rank) == Ordering::Less);
                }
            }
            let fifth = places.ahead * FIFTHS / places.all.max(1);
            places.found.push((*instrument, (100 - 20 * fifth.min(FIFTHS - 1)) as u8));
            places.go_on_with(InstrumentId::of_index(instrument.index() + 1));
        }
        true
    }
}

impl Rank {
    /// Less is closed first.
    fn order(&self, other: &Self) -> Ordering {
        let key = |rank: &Self| (rank.opened_at, rank.account);
        self.house
            .cmp(&other.house)
            .then_with(|| other.score.compare(&self.score))
            .then_with(|| key(self).cmp(&key(other)))
    }
}

impl Score {
    fn compare(&self, other: &Self) -> Ordering {
        let place = |score: &Self| match score {
            Score::Least => 0,
            Score::Loss(..) => 1,
            Score::Nothing => 2,
            Score::Profit(..) => 3,
            Score::Greatest => 4,
        };
        match (self, other) {
            (Score::Profit(a, b), Score::Profit(c, d)) => compare_ratios((*a, *b), (*c, *d)),
            (Score::Loss(a, b), Score::Loss(c, d)) => compare_ratios((*c, *d), (*a, *b)),
            _ => place(self).cmp(&place(other)),
        }
    }
}

/// Compares `a / b` with `c / d` crosswise: always the same few products, whatever they come to.
fn compare_ratios((a, b): (U256, U256), (c, d): (U256, U256)) -> Ordering {
    product(a, d).cmp(&product(c, b))
}

/// All 512 bits of a product, the upper half first.
fn product(a: U256, b: U256) -> (U256, U256) {
    let ((a_high, a_low), (b_high, b_low)) = (a.into_words(), b.into_words());
    let times = |a: u128, b: u128| U256::from(a) * U256::from(b);
    let (carried, lowest) = times(a_low, b_low).into_words();
    // The greatest product of two halves leaves room for half of another.
    let (middle, beyond) = (times(a_low, b_high) + U256::from(carried)).overflowing_add(times(a_high, b_low));
    let (carried, low) = middle.into_words();
    let high = times(a_high, b_high) + U256::from_words(u128::from(beyond), carried);
    (high, U256::from_words(low, lowest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_compared_exactly_however_large_they_are() {
        let wide = |number: u128| U256::from(number);
        for (one, other, want) in [
            ((1, 3), (2, 6), Ordering::Equal),
            ((1, 3), (3, 10), Ordering::Greater),
            ((7, 5), (10, 7), Ordering::Less),
            ((0, 5), (0, 7), Ordering::Equal),
            ((0, 5), (1, u128::MAX), Ordering::Less),
            ((u128::MAX, u128::MAX - 1), (u128::MAX - 1, u128::MAX - 2), Ordering::Less),
        ] {
            let ratio = |(a, b): (u128, u128)| (wide(a), wide(b));
            assert_eq!(compare_ratios(ratio(one), ratio(other)), want, "{one:?} {other:?}");
            assert_eq!(compare_ratios(ratio(other), ratio(one)), want.reverse(), "{other:?} {one:?}");
        }
        let most = U256::MAX;
        let ratios = ((most, most - U256::ONE), (most - U256::ONE, most - U256::new(2)));
        assert_eq!(compare_ratios(ratios.0, ratios.1), Ordering::Less);
        assert_eq!(product(most, most), (most - U256::ONE, U256::ONE));
        let (one, half) = (U256::ONE, U256::from_words(1, 0));
        assert_eq!(product(half, half), (one, U256::ZERO));
        assert_eq!(product(half - one, half + one), (U256::ZERO, most));
    }
}
