//! Assignment (rules 5.6): a position that the market does not take goes to who offered to take it over, at the price where nothing
//! is left to who loses it. Of linear contracts the pool sees to the provider's gain against mark.

use super::Exchange;
use super::off_book::OffBook;
use crate::account::Position;
use crate::assignment::{AssignmentProgram, Provider};
use crate::event::Event;
use crate::id::{AccountId, Price, Side};
use crate::market::Market;
use crate::money::{Fine, Money, millionths_up};
use crate::slot::PositionSlot;
use crate::words::ContractKind;
use std::collections::BTreeSet;

/// What a provider gains against mark, in millionths of the value at mark: the pool tops up what is less, and gets what is more.
const GAIN_LEAST: u32 = 5_000;
const GAIN_MOST: u32 = 25_000;
/// Providers of one assignment, the oldest: it is one step of work, and no longer than one order that sweeps as many others.
const PROVIDERS_MAX: usize = 64;
/// Accounts that are asked in one assignment, those with the oldest programs that take such a position: as many as a record looks over. Each
/// may be asked for all of its programs, of which there are a hundred at most.
const ASKED_MAX: usize = 1_024;

/// What one provider takes.
struct Share {
    account: AccountId,
    /// The least gain against mark that it asks for, in 1e-8.
    min_profit: Option<i64>,
    /// The most that it may take.
    room: i64,
    lots: i64,
    into_pool: Money,
}

impl Exchange {
    /// Assigns as much of a position as providers take. False when they take nothing.
    pub(super) fn assign(&mut self, closed: PositionSlot, price: Price, events: &mut Vec<Event>) -> bool {
        let shares = self.shares(closed, price);
        let instrument = self.positions[closed].instrument;
        for Share { account, lots, into_pool, .. } in &shares {
            let known = self.markets[instrument].position_of(*account);
            let slot = known.unwrap_or_else(|| self.open_position(*account, instrument));
            let how = OffBook::Assignment { into_pool: *into_pool };
            self.meet(closed, slot, (*lots, price), how, events);
        }
        !shares.is_empty()
    }

    /// Who takes how much: equal shares, as far as each has room for its own, and bears it.
    fn shares(&self, closed: PositionSlot, price: Price) -> Vec<Share> {
        let given = &self.positions[closed];
        let (total, long, instrument) = (given.size.abs(), given.size > 0, given.instrument);
        let (mut asked, mut shares): (BTreeSet<AccountId>, Vec<Share>) = Default::default();
        let spec = self.markets[instrument].instrument.spec();
        for provider in self.programs.that_take(instrument, spec, long) {
            asked.insert(provider.account);
            if shares.len() == PROVIDERS_MAX || asked.len() > ASKED_MAX {
                break;
            }
            // An account takes part once, under the oldest of its programs that fits.
            if !shares.iter().any(|share| share.account == provider.account) {
                shares.extend(self.share_of(provider, closed));
            }
        }
        loop {
            allot(&mut shares, total);
            let Some(unfit) = self.first_unfit(&mut shares, closed, price) else { break };
            shares.remove(unfit);
        }
        shares.retain(|share| share.lots > 0);
        shares
    }

    /// What a provider whose program takes such a position could take of it, if it is not passed over.
    fn share_of(&self, provider: &Provider, closed: PositionSlot) -> Option<Share> {
        let Provider { account, program, .. } = provider;
        let given = &self.positions[closed];
        let market = &self.markets[given.instrument];
        let long = given.size > 0;
        let may_trade = program.time_frame.contains(self.now) && self.accounts[*account].may_trade();
        if !may_trade || *account == given.account {
            return None;
        }
        let own = self.position_or_none(*account, market, given)?;
        if self.is_liquidated(&own) {
            return None;
        }
        let room = room_of(program, market, &own, long);
        (room > 0).then(|| Share {
            account: *account,
            min_profit: program.min_profit(long),
            room,
            lots: 0,
            into_pool: Money::ZERO,
        })
    }

    /// A copy of what an account has in a contract, or would have if it were opened; `None` where it has no wallet for it.
    fn position_or_none(&self, account: AccountId, market: &Market, given: &Position) -> Option<Position> {
        if let Some(slot) = market.position_of(account) {
            return Some(self.positions[slot].clone());
        }
        let owner = &self.accounts[account];
        let margin_wallet = match market.instrument.spec().kind {
            ContractKind::Linear => owner.flex,
            ContractKind::Inverse => owner.inverse_wallet(market.pair())?,
        };
        Some(self.unheld(account, margin_wallet, given.instrument))
    }

    /// The first share that its provider does not take at that price, or cannot bear. Fills in what the pool gets of each, or pays:
    /// the oldest are topped up first, as far as it goes.
    fn first_unfit(&self, shares: &mut [Share], closed: PositionSlot, price: Price) -> Option<usize> {
        let given = &self.positions[closed];
        let market = &self.markets[given.instrument];
        let instrument = &market.instrument;
        let side = if given.size > 0 { Side::Buy } else { Side::Sell };
        let mut pool = self.pool(instrument.settlement()).max(Money::ZERO);
        shares.iter_mut().position(|share| {
            if share.lots == 0 {
                return false;
            }
            let lots = side.sign() * share.lots;
            let value = instrument.signed(side, instrument.worth(share.lots, price).value);
            let at_mark = market.at_mark(share.lots).value;
            let gain = -market.loss_to_mark(lots, value);
            share.into_pool = match instrument.spec().kind {
                ContractKind::Linear => topped_up(gain, at_mark, pool),
                ContractKind::Inverse => Money::ZERO,
            };
            pool += share.into_pool.min(Money::ZERO);
            let profit = gain - share.into_pool.fine();
            let pays = share.min_profit.is_none_or(|least| is_at_least(profit, least, at_mark));
            let own = self.position_or_none(share.account, market, given);
            !pays || !own.is_some_and(|own| self.can_bear(&own, market, (lots, value), share.into_pool))
        })
    }

    /// Whether an account bears lots that come to it at a value: with initial margin for them, and not to be liquidated then, neither the
    /// position nor what else is in its wallet.
    fn can_bear(
        &self,
        own: &Position,
        market: &Market,
        (lots, value): (i64, Fine),
        into_pool: Money,
    ) -> bool {
        let mut after = own.clone();
        let booked = after.book(lots, value);
        let instrument = &market.instrument;
        // What it closes of one contract may have stood against another of the same underlying.
        let added = match own.leverage {
            None => {
                let need = |own: &Position| self.need_of_underlying(own, Some(own.sides(instrument)));
                need(&after) - need(own)
            }
            Some(_) => after.initial_margin(instrument) - own.initial_margin,
        };
        let initial_margin = self.margin_wallets[own.margin_wallet].initial_margin + added;
        let is_isolated = own.leverage.is_some();
        // The open P&L of an isolated position is its own.
        let gained = if is_isolated { booked.realized } else { -market.loss_to_mark(lots, value) };
        let gained = gained - into_pool.fine();
        let own_status = self.margin_status_of(&after, after.size, after.entry);
        let mut cross = own_status;
        if is_isolated {
            cross = self.margin_status_of_wallet(own.account, own.margin_wallet, None);
            cross.equity += own.set_aside() - after.set_aside();
        }
        cross.equity += gained;
        let equity = self.equity(own.account, own.margin_wallet) + gained;
        equity >= initial_margin && !cross.is_short() && !(is_isolated && own_status.is_short())
    }
}

/// Gives out lots: equal shares rounded down, odd lots to the oldest, and what has no room there to those who have some.
fn allot(shares: &mut [Share], total: i64) {
    shares.iter_mut().for_each(|share| share.lots = 0);
    let mut left = total;
    loop {
        let open = shares.iter().filter(|share| share.lots < share.room).count() as i64;
        if left == 0 || open == 0 {
            return;
        }
        let (equal, mut odd) = (left / open, left % open);
        for share in shares.iter_mut().filter(|share| share.lots < share.room) {
            let taken = (equal + std::mem::take(&mut odd)).min(share.room - share.lots);
            share.lots += taken;
            left -= taken;
        }
    }
}

/// Lots that a program leaves room for beside what its account has.
fn room_of(program: &AssignmentProgram, market: &Market, own: &Position, long: bool) -> i64 {
    let instrument = &market.instrument;
    let side = if long { Side::Buy } else { Side::Sell };
    let held = i128::from(side.sign() * own.size);
    let (finer, coarser) = instrument.spec().lot_of_millionth();
    let lots = |most: i64| i128::from(most) * finer / coarser;
    let of_value = |most: Money| match instrument.spec().kind {
        ContractKind::Linear => most.fine().0 / market.mark_value.0.abs().max(1),
        ContractKind::Inverse => most.0 / instrument.notional(1, Price(1)).0,
    };
    let rooms = [
        program.max_size.map(lots),
        program.max_position.map(|most| lots(most) - held),
        program.max_notional.map(|most| of_value(most) - held),
    ];
    let room = rooms.into_iter().flatten().min().unwrap_or(i128::MAX);
    i64::try_from(room).unwrap_or(i64::MAX).min(own.room(instrument, side))
}

/// What the pool gets of a provider's gain against mark; negative what it adds, as far as it goes.
fn topped_up(gain: Fine, at_mark: Fine, pool: Money) -> Money {
    let least = Fine(millionths_up(at_mark.0, GAIN_LEAST));
    let most = Fine(millionths_up(at_mark.0, GAIN_MOST));
    if gain < least { -(least - gain).ceil().min(pool) } else { (gain - most).ceil().max(Money::ZERO) }
}

/// True for a gain of at least so many 1e-8 of a value.
fn is_at_least(gain: Fine, least: i64, at_mark: Fine) -> bool {
    // By quotient and rest: a value times a rate is beyond 128 bits.
    const ONE: i128 = 100_000_000;
    let (size, least) = (at_mark.0, i128::from(least));
    let wanted = size.div_euclid(ONE) * least + (size.rem_euclid(ONE) * least).div_euclid(ONE);
    let is_exact = (size.rem_euclid(ONE) * least).rem_euclid(ONE) == 0;
    if is_exact { gain.0 >= wanted } else { gain.0 > wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(room: i64) -> Share {
        Share { account: AccountId(0), min_profit: None, room, lots: 0, into_pool: Money::ZERO }
    }

    fn given_out(rooms: &[i64], total: i64) -> Vec<i64> {
        let mut shares: Vec<Share> = rooms.iter().copied().map(share).collect();
        allot(&mut shares, total);
        shares.iter().map(|share| share.lots).collect()
    }

    #[test]
    fn equal_shares_are_rounded_down_and_odd_lots_go_to_the_oldest() {
        assert_eq!(given_out(&[100, 100, 100], 10), [4, 3, 3]);
        assert_eq!(given_out(&[100, 100, 100], 2), [2, 0, 0]);
        assert_eq!(given_out(&[3, 100, 100], 10), [3, 4, 3], "the odd lot finds no room with the oldest");
        assert_eq!(given_out(&[1, 2, 100], 12), [1, 2, 9], "the rest to who has room");
        assert_eq!(given_out(&[1, 2, 3], 12), [1, 2, 3], "and what nobody has room for stays");
        assert_eq!(given_out(&[], 12), []);
    }

    #[test]
    fn a_gain_is_topped_up_to_half_a_per_cent_and_what_is_beyond_two_and_a_half_is_the_pools() {
        let usd = |whole: i128| Fine(whole * 10_i128.pow(24));
        let pool = Money(1_000 * Money::ONE);
        let got = |gain, pool| topped_up(usd(gain), usd(10_000), pool).0 / Money::ONE;
        for (gain, want) in [(50, 0), (49, -1), (0, -50), (-300, -350), (250, 0), (251, 1), (1_000, 750)] {
            assert_eq!(got(gain, pool), want, "{gain}");
        }
        assert_eq!(got(-300, Money(200 * Money::ONE)), -200, "as far as it goes");
        assert_eq!(got(0, Money::ZERO), 0);
    }

    #[test]
    fn a_gain_is_compared_exactly() {
        for (gain, least, value, want) in [
            (5, 50_000_000, 10, true),
            (4, 50_000_000, 10, false),
            (-5, -50_000_000, 10, true),
            (-6, -50_000_000, 10, false),
            (2, 33_333_334, 6, false),
            (3, 33_333_334, 6, true),
            (-2, -33_333_334, 6, true),
        ] {
            assert_eq!(is_at_least(Fine(gain), least, Fine(value)), want, "{gain} {least} {value}");
        }
    }
}
