//! The end of a contract: what its index was in its last minutes, and what that makes of positions (rules 4.4, 6.1).

use super::{Model, Pair, Position, figures};
use loligo_engine::{
    AccountId, ContractKind, ExecutionId, FinePrice, InstrumentId, MarketState, Money, Settlement, Timestamp,
    UpdateReason,
};
use num_bigint::BigInt;

const MINUTE: i64 = 60;
/// How long samples of an index are looked back at: longer than any window.
const KEPT: i64 = 2 * 60 * MINUTE;

/// An index that was the same at so many full seconds, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    first: i64,
    last: i64,
    price: FinePrice,
}

/// The parts of a window, in seconds: how long each is, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    part: i64,
    parts: i64,
}

/// Thirty means of a minute.
pub(super) const HALF_HOUR: Window = Window { part: MINUTE, parts: 30 };
/// Twelve means of five minutes.
pub(super) const HOUR: Window = Window { part: 5 * MINUTE, parts: 12 };

impl Pair {
    /// Its index at so many full seconds.
    pub(super) fn note_seconds(&mut self, first: i64, count: i64) {
        let Some(price) = self.index.filter(|_| count > 0) else { return };
        let last = first + count - 1;
        match self.runs.back_mut().filter(|run| run.price == price && run.last + 1 == first) {
            Some(run) => run.last = last,
            None => self.runs.push_back(Run { first, last, price }),
        }
        while self.runs.front().is_some_and(|run| run.last < last - KEPT) {
            self.runs.pop_front();
        }
    }

    /// The mean of the means of a window's parts that have samples, of those that came after a second: at 11 decimals, half to
    /// even, once.
    fn mean_of_means(&self, begin: i64, after: i64, Window { part, parts }: Window) -> Option<BigInt> {
        // Each mean as a fraction; their sum over the product of all counts is exact.
        let (mut sum, mut over, mut means) = (BigInt::ZERO, BigInt::from(1), 0);
        for number in 0..parts {
            let from = begin + part * number;
            let to = from + part - 1;
            let (mut total, mut count) = (BigInt::ZERO, 0);
            for run in &self.runs {
                let seconds = run.last.min(to) - run.first.max(from).max(after + 1) + 1;
                if seconds > 0 {
                    total += BigInt::from(run.price.0) * seconds;
                    count += seconds;
                }
            }
            if count > 0 {
                sum = sum * count + total * &over;
                over *= count;
                means += 1;
            }
        }
        (means > 0).then(|| figures::half_even(&sum, &(over * means * figures::price_per_settlement())))
    }
}

impl Model {
    /// What positions in a contract settle at that ends now, at 11 decimals; none while there is no index at all. The window of a
    /// dated contract lies before its last trading time, also where it ends early; that of a perpetual is the last thirty minutes
    /// of the clock, the running one as far as it has come.
    pub(super) fn settlement_price(&self, id: InstrumentId) -> Option<BigInt> {
        let contract = self.contract(id);
        let pair = &self.pairs[contract.pair.0 as usize];
        // The first full second that is not before an instant.
        let second = |at: Timestamp| at.plus(Timestamp::SECOND - 1).0.div_euclid(Timestamp::SECOND);
        let (begin, window) = match (contract.spec.expiry, contract.spec.kind) {
            (Some(expiry), ContractKind::Linear) => (second(expiry) - 30 * MINUTE, HALF_HOUR),
            (Some(expiry), ContractKind::Inverse) => (second(expiry) - 60 * MINUTE, HOUR),
            (None, _) => {
                let newest = pair.runs.back().map_or(0, |run| run.last).div_euclid(MINUTE);
                ((newest - 29) * MINUTE, HALF_HOUR)
            }
        };
        let present = || {
            let index = BigInt::from(pair.index?.0);
            Some(figures::half_even(&index, &figures::price_per_settlement().into()))
        };
        pair.mean_of_means(begin, contract.listed_at, window).or_else(present)
    }
}

impl Model {
    /// A contract is over: its orders go, then its positions, at what it settles at. Without any index nothing is worth anything
    /// else than it was entered at.
    pub(super) fn end(&mut self, id: InstrumentId) {
        if self.contract(id).state == MarketState::Expired {
            return;
        }
        let price = self.settlement_price(id);
        let contract = self.contract_mut(id);
        contract.state = MarketState::Expired;
        contract.settles_at = None;
        contract.settlement = price;
        self.clear(id, UpdateReason::ContractExpired, UpdateReason::Expired);
        self.work.settling.push((id, AccountId(0)));
    }

    /// The position that is to be settled next: contract by contract as they ended, by account.
    pub(super) fn next_settled(&self) -> Option<(InstrumentId, AccountId)> {
        let holders = |(id, from): &(InstrumentId, AccountId)| {
            let (id, from) = (*id, *from);
            let all = (from.0..self.accounts.len() as u32).map(AccountId);
            all.filter(move |account| self.position(*account, id).qty != 0).map(move |account| (id, account))
        };
        self.work.settling.iter().flat_map(holders).next()
    }

    /// True while positions of a contract that is over are still there.
    pub fn is_settling(&self) -> bool {
        self.next_settled().is_some()
    }

    /// Whoever comes before has been settled, and contracts with nobody left are done.
    pub(super) fn note_settled(&mut self, instrument: InstrumentId, account: AccountId) {
        if let Some(settling) = self.work.settling.iter_mut().find(|(id, _)| *id == instrument) {
            settling.1 = AccountId(account.0 + 1);
        }
        let holds = |model: &Self, id| {
            (0..model.accounts.len() as u32).any(|a| model.position(AccountId(a), id).qty != 0)
        };
        let left = self.work.settling.iter().copied().filter(|(id, _)| holds(self, *id)).collect();
        self.work.settling = left;
    }

    /// Who asks for something while contracts settle is settled first.
    pub(super) fn settle_all_of(&mut self, account: AccountId) {
        // Those at the front that nobody holds any more are done.
        let held = |id| (0..self.accounts.len() as u32).any(|a| self.position(AccountId(a), id).qty != 0);
        let settling = self.work.settling.iter().map(|(id, _)| *id).skip_while(|id| !held(*id));
        for id in settling.collect::<Vec<_>>() {
            // What it has open there goes before, for the same reasons as all of it.
            let (resting, waiting) = (UpdateReason::ContractExpired, UpdateReason::Expired);
            self.remove_all(|o| (o.view.account, o.view.instrument) == (account, id), resting, waiting);
            if self.position(account, id).qty != 0 {
                self.settle_position(id, account);
            }
        }
    }

    /// What the end of a contract is called.
    pub fn settled_as(&self, id: InstrumentId) -> &'static str {
        let spec = &self.contract(id).spec;
        match (spec.expiry, spec.kind) {
            (None, _) => "settlement of a perpetual",
            (Some(_), ContractKind::Linear) => "settlement, linear",
            (Some(_), ContractKind::Inverse) => "settlement, inverse",
        }
    }

    /// Closes a position at its contract's settlement price.
    pub(super) fn settle_position(&mut self, instrument: InstrumentId, account: AccountId) {
        let funding = self.realize_funding(account, instrument);
        let (held, aside) = (self.position(account, instrument), self.set_aside(account, instrument));
        let contract = self.contract(instrument);
        let Some(price) = contract.settlement.clone() else { return };
        let (mark, value) = (contract.mark, contract.value_at_settlement(held.qty, &price));
        let rate = self.fee_rates(account).taker;
        let funded_at = self.now;
        self.account_mut(account).positions.insert(instrument, Position { funded_at, ..Position::default() });
        let realized = &value - &held.entry;
        let (realized_pnl, mut fee, gain) = self.book_result(account, instrument, &value, &realized, rate);
        // An isolated position loses what was set aside and no more: first the fee is let off, then the pool pays.
        let mut pool_pays = Money::ZERO;
        if self.is_isolated(account, instrument) {
            let left = aside + figures::fine(realized_pnl);
            let let_off = (fee - figures::floor(&left)).min(fee).max(Money::ZERO);
            self.give_back(account, instrument, let_off);
            fee -= let_off;
            pool_pays = figures::ceiling(&-left).max(Money::ZERO);
        }
        let (wallet, currency) = self.margin_wallet(instrument);
        *self.books.dust.entry(currency).or_default() -= value;
        self.last_execution += 1;
        let log = self.log(account, if gain.is_some() { 3 } else { 2 });
        let settlement = Settlement {
            execution: ExecutionId(self.last_execution),
            account,
            instrument,
            log,
            price: figures::feed_price(&price),
            closed: held.qty,
            entry: figures::as_fine(&held.entry),
            opened_at: held.opened_at,
            fee,
            fee_rate: rate,
            realized_pnl,
            gain: gain.map(Box::new),
            realized_funding: funding,
            mark,
            wallet,
            currency,
            balance: self.balance(account, wallet, currency),
            at: self.now,
        };
        self.settlements.push(settlement);
        if pool_pays > Money::ZERO {
            self.pay_from_pool(account, wallet, currency, pool_pays);
        }
        self.cover(account, wallet);
        self.margin_checks.insert((account, wallet));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    const PRICE: i128 = 10_i128.pow(18);

    fn pair(runs: &[(i64, i64, i128)]) -> Pair {
        let mut pair = Pair {
            name: "XBT:USD".into(),
            index: None,
            valued: None,
            published: None,
            pinned: false,
            volatile: false,
            samples: VecDeque::new(),
            runs: VecDeque::new(),
        };
        for (first, count, price) in runs {
            pair.index = Some(FinePrice(*price));
            pair.note_seconds(*first, *count);
        }
        pair
    }

    #[test]
    fn each_minute_counts_alike_however_many_samples_it_has() {
        // A minute at 100 of which one second was seen, then one at 200.
        let seen = pair(&[(59, 1, 100 * PRICE), (60, 60, 200 * PRICE)]);
        assert_eq!(seen.mean_of_means(120 - 1_800, -1, HALF_HOUR), Some(BigInt::from(150 * 10_i64.pow(11))));
        // The second at which it ends is not in it, nor is what was before it.
        let seen = pair(&[(0, 60, 7 * PRICE), (60, 1_800, 100 * PRICE), (1_860, 60, 900 * PRICE)]);
        assert_eq!(seen.mean_of_means(60, -1, HALF_HOUR), Some(BigInt::from(100 * 10_i64.pow(11))));
    }

    #[test]
    fn a_mean_is_rounded_once_half_to_even() {
        // Two minutes one unit of 1e-11 apart: the mean is half a unit.
        for (low, want) in [(10, 10), (11, 12)] {
            let unit = 10_i128.pow(7);
            let seen = pair(&[(0, 60, low * unit), (60, 60, (low + 1) * unit)]);
            assert_eq!(seen.mean_of_means(120 - 1_800, -1, HALF_HOUR), Some(BigInt::from(want)));
        }
        // Thirds do not add up to less than a whole: 0.00000000001, and 20 seconds of it in a minute.
        let unit = 3 * 10_i128.pow(7);
        let seen = pair(&[(0, 20, 2 * unit), (20, 40, unit / 2)]);
        assert_eq!(seen.mean_of_means(60 - 1_800, -1, HALF_HOUR), Some(BigInt::from(3)));
    }

    #[test]
    fn what_is_inverse_and_dated_looks_back_an_hour_in_windows_of_five_minutes() {
        let seen = pair(&[(0, 3_300, 100 * PRICE), (3_300, 300, 112 * PRICE)]);
        assert_eq!(seen.mean_of_means(0, -1, HOUR), Some(BigInt::from(101 * 10_i64.pow(11))));
        // A contract that was listed amid it has only what came after.
        assert_eq!(seen.mean_of_means(0, 3_299, HOUR), Some(BigInt::from(112 * 10_i64.pow(11))));
        assert_eq!(pair(&[]).mean_of_means(0, -1, HOUR), None);
    }
}
