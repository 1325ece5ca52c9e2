//! Unwinding (rules 5.6, 6.1): a position that nobody takes is closed against those on the other side, the greatest profit times
//! leverage first, at the price where nothing is left to who loses it, until it is flat. One counterparty is one step of work.

use super::off_book::OffBook;
use super::{Exchange, Portfolio, Unwinding};
use crate::account::Position;
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, Price, Timestamp};
use crate::money::Fine;
use crate::slot::PositionSlot;
use crate::words::MarketState;
use ethnum::U256;
use std::cmp::Ordering;

/// Steps of the queue that its owner is told: fifths.
const FIFTHS: usize = 5;

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

/// Unrealised profit over entry value, times value over equity. Its variants are in their order.
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

impl Exchange {
    /// Begins to unwind a position.
    pub(super) fn unwind(
        &mut self,
        portfolio: Portfolio,
        closed: PositionSlot,
        price: Price,
        events: &mut Vec<Event>,
    ) {
        let unwinding = Unwinding { instrument: self.positions[closed].instrument, price };
        self.unwinding.insert(portfolio, unwinding);
        self.unwind_on(portfolio, unwinding, events);
    }

    /// One counterparty of a position that is unwound; the next one has its turn before anything else is liquidated. The price stays
    /// that at which it began. Where trading is halted meanwhile the ladder waits, and begins anew.
    pub(super) fn unwind_on(&mut self, portfolio: Portfolio, unwinding: Unwinding, events: &mut Vec<Event>) {
        let Unwinding { instrument, price } = unwinding;
        let (Portfolio::Cross { account, .. } | Portfolio::Isolated { account, .. }) = portfolio;
        let market = &self.markets[instrument];
        let is_open = market.state(&self.pairs[market.pair()], self.now) == MarketState::Open;
        let held = market.position_of(account).filter(|slot| self.positions[*slot].size != 0);
        let Some(closed) = held.filter(|_| is_open) else {
            self.unwinding.remove(&portfolio);
            return;
        };
        let counterparty = self.first_against(closed);
        let lots = self.positions[closed].size.abs().min(self.positions[counterparty].size.abs());
        self.meet(closed, counterparty, (lots, price), OffBook::Unwind, events);
        if self.positions[closed].size == 0 {
            self.unwinding.remove(&portfolio);
        } else {
            self.work.stepping.push_front(portfolio);
            self.work.busy = true;
        }
    }

    /// The position that is closed first against another one.
    fn first_against(&mut self, closed: PositionSlot) -> PositionSlot {
        let Position { instrument, size, .. } = self.positions[closed];
        let mut looked_at = 0;
        let others = self.markets[instrument].positions().inspect(|_| looked_at += 1);
        let others = others.filter(|slot| self.positions[*slot].size.signum() == -size.signum());
        let ranked = others.map(|slot| (self.rank(&self.positions[slot]), slot));
        let first = ranked.min_by(|(one, _), (other, _)| one.order(other)).map(|(_, slot)| slot);
        // As much as an account that is looked over.
        self.work.spend(looked_at);
        first.expect("positions of a contract sum to nothing")
    }

    fn rank(&self, position: &Position) -> Rank {
        let market = &self.markets[position.instrument];
        let equity = match position.leverage {
            None => self.equity(position.account, position.margin_wallet),
            Some(_) => self.margin_status_of(position, position.size, position.entry).equity,
        };
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
    /// contract and side, then 80, 60, 40, and 20 for the last.
    pub fn unwind_queue(&self, account: AccountId) -> Vec<(InstrumentId, u8)> {
        let Some(owner) = self.accounts.get(account) else { return Vec::new() };
        let held = owner.positions.iter().filter(|(_, slot)| self.positions[*slot].size != 0);
        let percentile = |(id, slot): &(InstrumentId, PositionSlot)| {
            let own = &self.positions[*slot];
            let rank = self.rank(own);
            let same_side = |other: &&Position| other.size.signum() == own.size.signum();
            let (mut ahead, mut all) = (0, 0);
            for other in self.markets[*id].positions().map(|slot| &self.positions[slot]).filter(same_side) {
                all += 1;
                ahead += usize::from(self.rank(other).order(&rank) == Ordering::Less);
            }
            let fifth = ahead * FIFTHS / all.max(1);
            (*id, (100 - 20 * fifth.min(FIFTHS - 1)) as u8)
        };
        held.map(percentile).collect()
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

/// Compares `a / b` with `c / d`, of which no product would fit: by their quotients, and where these are equal by what is left.
fn compare_ratios((mut a, mut b): (U256, U256), (mut c, mut d): (U256, U256)) -> Ordering {
    loop {
        let (whole, other) = (a / b, c / d);
        if whole != other {
            return whole.cmp(&other);
        }
        let (rest, other_rest) = (a % b, c % d);
        if rest == U256::ZERO || other_rest == U256::ZERO {
            return rest.min(U256::ONE).cmp(&other_rest.min(U256::ONE));
        }
        // The smaller what is left, the larger what it goes into.
        (a, b, c, d) = (d, other_rest, b, rest);
    }
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
    }
}
