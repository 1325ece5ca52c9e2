//! Positions that go from who was liquidated to somebody else without the book: to providers who offered to take them over, and
//! against the most profitable on the other side (rules 5.6, 6.1).

use super::margin::{Portfolio, size};
use super::{Model, figures};
use loligo_engine::{
    AccountId, AssignmentProgram, ContractKind, Currency, Execution, ExecutionId, FillRole, InstrumentId,
    Money, OrderStatus, OrderType, OrderView, Outcome, Price, ProgramId, Provider, Qty, Refusal, Side,
    TimeFrame,
};
use num_bigint::BigInt;
use std::cmp::Ordering;

/// A provider's gain against mark, in thousandths of the value at mark: topped up to the first, and none beyond the second.
const LEAST_GAIN: u32 = 5;
const MOST_GAIN: u32 = 25;

/// An equal share of so many lots for each that has room, rounded down, odd lots to the first; what one has no room for goes to
/// those that have.
pub(super) fn shares(lots: i64, rooms: &[i64]) -> Vec<i64> {
    let mut given = vec![0; rooms.len()];
    let mut left = lots;
    loop {
        let open: Vec<usize> = (0..rooms.len()).filter(|at| given[*at] < rooms[*at]).collect();
        let count = open.len() as i64;
        if left == 0 || count == 0 {
            return given;
        }
        let (share, odd) = (left / count, left % count);
        for (place, at) in open.into_iter().enumerate() {
            let wanted = share + if place == 0 { odd } else { 0 };
            let more = wanted.min(rooms[at] - given[at]);
            given[at] += more;
            left -= more;
        }
    }
}

/// The percentile of a place in the queue, the first being 0: in fifths, the first fifth at 100.
pub(super) fn percentile(place: usize, count: usize) -> u8 {
    100 - 20 * u8::try_from(5 * place / count).expect("a fifth")
}

impl Model {
    /// An account offers to take over positions.
    pub(super) fn add_program(
        &mut self,
        account: AccountId,
        program: &AssignmentProgram,
    ) -> Result<Outcome, Outcome> {
        let refuse = |refusal| Err(Outcome::Refused(refusal));
        self.active_account(account)?;
        program.instrument.map_or(Ok(()), |id| self.known_instrument(id))?;
        let sizes = [program.max_size, program.max_position].into_iter().flatten();
        let mut profits = [program.min_profit_long, program.min_profit_short].into_iter().flatten();
        let sound = sizes.into_iter().all(|most| most > 0)
            && program.max_notional.is_none_or(|most| most > Money::ZERO)
            && profits.all(|least| (-100_000_000..=100_000_000).contains(&least));
        if !sound || !self.instrument_ids().any(|id| self.is_of(program, id)) {
            return refuse(Refusal::InvalidProgram);
        }
        if self.providers.iter().filter(|provider| provider.account == account).count() >= 100 {
            return refuse(Refusal::TooManyPrograms);
        }
        self.last_program += 1;
        let id = ProgramId(self.last_program);
        self.providers.push(Provider { id, account, program: program.clone() });
        Ok(Outcome::ProgramAdded(id))
    }

    /// It does no more.
    pub(super) fn remove_program(&mut self, account: AccountId, id: ProgramId) -> Result<Outcome, Outcome> {
        self.active_account(account)?;
        let own = |provider: &Provider| (provider.id, provider.account) == (id, account);
        let Some(at) = self.providers.iter().position(own) else {
            return Err(Outcome::Refused(Refusal::UnknownProgram));
        };
        Ok(Outcome::ProgramRemoved(Box::new(self.providers.remove(at).program)))
    }

    /// What is in the pool from now on: the difference comes from outside, or goes there.
    pub(super) fn set_pool(&mut self, currency: Currency, amount: Money) -> Result<Outcome, Outcome> {
        let refuse = |refusal| Err(Outcome::Refused(refusal));
        if !self.instrument_ids().any(|id| self.margin_wallet(id).1 == currency) {
            return refuse(Refusal::WrongCurrency);
        }
        if !(0..=super::money::MOST_MONEY).contains(&amount.0) {
            return refuse(Refusal::AmountOutOfRange);
        }
        let before = self.pool.insert(currency, amount).unwrap_or_default();
        *self.books.deposited.entry(currency).or_default() += amount - before;
        Ok(Outcome::Done)
    }

    fn is_of(&self, program: &AssignmentProgram, id: InstrumentId) -> bool {
        let spec = &self.contract(id).spec;
        program.kind == spec.kind
            && program.instrument.is_none_or(|only| only == id)
            && program.base.is_none_or(|base| base == spec.base)
            && program.quote.is_none_or(|quote| quote == spec.quote)
    }

    /// Gives what is left of a position to those who offered to take such positions, at the price where nothing is left.
    pub(super) fn assign(&mut self, portfolio: Portfolio, instrument: InstrumentId) {
        let account = portfolio.account();
        let price = self.zero_equity_price(portfolio, instrument);
        let held = self.position(account, instrument).qty;
        let takers: Vec<(AccountId, i64)> = self
            .providers
            .iter()
            .map(|provider| (provider.account, self.room(provider, account, instrument, (held, price))))
            .filter(|(_, room)| *room > 0)
            .collect();
        let rooms: Vec<i64> = takers.iter().map(|(_, room)| *room).collect();
        for ((taker, _), lots) in takers.iter().zip(shares(held.abs(), &rooms)) {
            if lots > 0 {
                let roles = (FillRole::Assignor, FillRole::Assignee);
                self.take_over((account, *taker), instrument, (lots, price), roles, OrderType::Assignment);
            }
        }
    }

    /// Lots that a program takes of a position now, at a price in ticks.
    fn room(
        &self,
        provider: &Provider,
        from: AccountId,
        instrument: InstrumentId,
        (held, price): (i64, i64),
    ) -> i64 {
        let Provider { account, program, .. } = provider;
        let of = self.is_of(program, instrument);
        let accepts = if held > 0 { program.accept_long } else { program.accept_short };
        let taken = program.enabled && of && accepts && self.is_in(program.time_frame);
        if !taken || *account == from || !self.account(*account).active {
            return 0;
        }
        let least = if held > 0 { program.min_profit_long } else { program.min_profit_short };
        if least.is_some_and(|least| !self.gains(instrument, (held, price), least)) {
            return 0;
        }
        let own = self.position(*account, instrument).qty * held.signum();
        let lots = |millionths: i64| self.contract(instrument).lots_of_millionths(millionths);
        let by_size = program.max_size.map_or(i64::MAX, lots);
        let by_position = program.max_position.map_or(i64::MAX, |most| lots(most) - own);
        by_size.min(by_position).min(held.abs()).max(0)
    }

    fn is_in(&self, frame: TimeFrame) -> bool {
        // The first day of 1970 was a Thursday: the third and the fourth after it, and each seventh from there.
        let weekend = matches!(self.today().rem_euclid(7), 2 | 3);
        match frame {
            TimeFrame::All => true,
            TimeFrame::Weekdays => !weekend,
            TimeFrame::Weekend => weekend,
        }
    }

    /// What taking signed lots at a price gains against mark, at 24 decimals, and what they are worth there.
    fn gain(&self, instrument: InstrumentId, lots: i64, price: i64) -> (BigInt, BigInt) {
        let contract = self.contract(instrument);
        let mark = contract.mark.expect("a market that is open has a mark");
        let at_mark = contract.value_at_mark(lots, mark);
        (&at_mark - contract.value(lots, price), size(&at_mark))
    }

    /// True where a provider gains as much as it asks for, in 1e-8 of the value at mark, with what the pool would add.
    fn gains(&self, instrument: InstrumentId, (held, price): (i64, i64), least: i64) -> bool {
        let (gain, value) = self.gain(instrument, held, price);
        let currency = self.margin_wallet(instrument).1;
        let floor = figures::up(&(&value * LEAST_GAIN), &BigInt::from(1_000));
        let gain = match self.contract(instrument).spec.kind {
            ContractKind::Linear if gain < floor => floor.min(&gain + figures::fine(self.pool(currency))),
            _ => gain,
        };
        gain * 100_000_000 >= value * least
    }

    /// What an assignee pays into the pool of a gain that is too large; negative what the pool adds to one that is too small.
    pub(super) fn top_up(&self, order: &OrderView, (lots, price): (i64, i64)) -> Money {
        let instrument = order.instrument;
        if self.contract(instrument).spec.kind == ContractKind::Inverse {
            return Money::ZERO;
        }
        let (gain, value) = self.gain(instrument, lots * order.side.sign(), price);
        let thousand = BigInt::from(1_000);
        let least = figures::up(&(&value * LEAST_GAIN), &thousand);
        let most = figures::down(&(&value * MOST_GAIN), &thousand);
        if gain < least {
            let pool = self.pool(self.margin_wallet(instrument).1).max(Money::ZERO);
            -figures::ceiling(&(least - gain)).min(pool)
        } else if gain > most {
            figures::ceiling(&(gain - most))
        } else {
            Money::ZERO
        }
    }

    /// Closes what is left of a position against those on the other side, who profit the most on the least first.
    pub(super) fn unwind(&mut self, portfolio: Portfolio, instrument: InstrumentId) {
        let account = portfolio.account();
        let price = self.zero_equity_price(portfolio, instrument);
        let held = self.position(account, instrument).qty;
        let other = if held > 0 { Side::Sell } else { Side::Buy };
        let mut left = held.abs();
        for counterparty in self.unwind_queue(instrument, other) {
            if left == 0 {
                return;
            }
            let lots = left.min(self.position(counterparty, instrument).qty.abs());
            let roles = (FillRole::UnwindBankrupt, FillRole::UnwindCounterparty);
            self.take_over((account, counterparty), instrument, (lots, price), roles, OrderType::Unwind);
            left -= lots;
        }
    }

    /// Who holds a side of a contract, in the order in which they would be unwound: by profit times leverage, then the older
    /// position; the house last.
    pub fn unwind_queue(&self, instrument: InstrumentId, side: Side) -> Vec<AccountId> {
        let all = (0..self.accounts.len() as u32).map(AccountId);
        let mut queue: Vec<AccountId> =
            all.filter(|id| self.position(*id, instrument).qty * side.sign() > 0).collect();
        let ranks: Vec<_> = queue.iter().map(|id| (*id, self.rank(*id, instrument))).collect();
        let rank = |id: &AccountId| ranks.iter().find(|(of, _)| of == id).map(|(_, rank)| rank);
        queue.sort_by(|a, b| {
            let house = |id: &AccountId| self.account(*id).house;
            let (of_a, of_b) = (rank(a).expect("in the queue"), rank(b).expect("in the queue"));
            let age = |id: &AccountId| (self.position(*id, instrument).opened_at, *id);
            house(a).cmp(&house(b)).then(compare(of_b, of_a)).then(age(a).cmp(&age(b)))
        });
        queue
    }

    /// (Unrealised profit / entry value) x (value / wallet equity), as a fraction over a positive figure.
    fn rank(&self, account: AccountId, instrument: InstrumentId) -> (BigInt, BigInt) {
        let position = self.position(account, instrument);
        let contract = self.contract(instrument);
        let mark = contract.mark.expect("a market that is open has a mark");
        let value = size(&contract.value_at_mark(position.qty, mark));
        let equity = self.wallet(account, self.margin_wallet(instrument).0).equity;
        let equity = BigInt::from(equity.0).max(BigInt::from(1));
        (self.open_pnl(account, instrument) * value, size(&position.entry) * equity)
    }

    /// Two positions meet without the book, at a price in ticks: of who was liquidated, and of who takes it over or is closed
    /// against it.
    fn take_over(
        &mut self,
        (from, to): (AccountId, AccountId),
        instrument: InstrumentId,
        (lots, price): (i64, i64),
        (role, other_role): (FillRole, FillRole),
        order_type: OrderType,
    ) {
        self.last_execution += 1;
        self.work.moved += 1;
        let given = OrderView {
            order_type,
            limit_price: Some(Price(price)),
            ..self.own_order(from, instrument, lots)
        };
        let taken = OrderView {
            id: loligo_engine::OrderId(self.last_order + 2),
            account: to,
            side: given.side.opposite(),
            ..given.clone()
        };
        self.last_order += 2;
        let taker = self.book_side(&given, role, (lots, price), 0);
        let maker = self.book_side(&taken, other_role, (lots, price), 0);
        let (wallet, currency) = self.margin_wallet(instrument);
        let contract = self.contract_mut(instrument);
        contract.trades += 1;
        let (trade, mark) = (contract.trades, contract.mark);
        let usd_value = figures::floor(&contract.notional(lots, price));
        self.executions.push(Execution {
            id: ExecutionId(self.last_execution),
            at: self.now,
            instrument,
            trade,
            price: Price(price),
            qty: Qty(lots),
            usd_value,
            mark,
            taker_side: given.side,
            wallet,
            currency,
            taker,
            maker,
        });
        for order in [given, taken] {
            let account = order.account;
            let view = OrderView { status: OrderStatus::FullyExecuted, filled: Qty(lots), ..order };
            self.cover(account, wallet);
            self.orders.push(super::Order { closed_at: Some(self.now), ..super::orders::incoming(&view) });
            self.cut_reduce_only(account, instrument);
            self.margin_checks.insert((account, wallet));
        }
    }
}

/// Fractions over positive figures.
fn compare((a, over_a): &(BigInt, BigInt), (b, over_b): &(BigInt, BigInt)) -> Ordering {
    (a * over_b).cmp(&(b * over_a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_shared_equally_and_what_one_has_no_room_for_goes_to_the_rest() {
        assert_eq!(shares(10, &[100, 100, 100]), [4, 3, 3]);
        assert_eq!(shares(10, &[1, 100, 100]), [1, 5, 4]);
        assert_eq!(shares(2, &[100, 100, 100]), [2, 0, 0]);
        assert_eq!(shares(10, &[2, 3, 4]), [2, 3, 4]);
        assert_eq!(shares(10, &[0, 0]), [0, 0]);
        assert_eq!(shares(10, &[]), Vec::<i64>::new());
    }

    #[test]
    fn percentiles_are_fifths_of_the_queue_and_the_first_is_at_100() {
        let of = |count: usize| (0..count).map(|place| percentile(place, count)).collect::<Vec<_>>();
        assert_eq!(of(1), [100]);
        assert_eq!(of(2), [100, 60]);
        assert_eq!(of(5), [100, 80, 60, 40, 20]);
        assert_eq!(of(10), [100, 100, 80, 80, 60, 60, 40, 40, 20, 20]);
    }
}
