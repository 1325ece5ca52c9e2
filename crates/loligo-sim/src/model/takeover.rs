//! Positions that go from who was liquidated to somebody else without the book: to providers who offered to take them over, and
//! against the most profitable on the other side (rules 5.6, 6.1).

use super::margin::{Portfolio, size};
use super::matching::booked;
use super::{Model, figures};
use loligo_engine::{
    AccountId, AssignmentProgram, ContractKind, Currency, Execution, ExecutionId, FillRole, InstrumentId,
    MarketState, Money, OrderStatus, OrderType, OrderView, Outcome, Price, ProgramId, Provider, Qty, Refusal,
    Side, TimeFrame, UpdateReason, Wallet,
};
use num_bigint::{BigInt, Sign};
use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};

/// A provider's gain against mark, in thousandths of the value at mark: topped up to the first, and none beyond the second.
const LEAST_GAIN: u32 = 5;
const MOST_GAIN: u32 = 25;

/// Providers of one assignment, the oldest.
const MOST_TAKERS: usize = 64;

/// Accounts that are asked, those with the oldest programs of the contract and side.
const MOST_ASKED: usize = 1_024;

/// Counterparties that are good for one look at all holders.
const MOST_IN_TURN: usize = 64;

/// A position that is closed against others until it is flat.
#[derive(Clone, Debug)]
pub(super) struct Unwinding {
    pub instrument: InstrumentId,
    /// In ticks: that at which it began.
    pub price: i64,
    /// Holders before this account were looked at.
    pub looked_at_next: AccountId,
    /// Those whose turn is next, when all were.
    pub turn: VecDeque<AccountId>,
}

impl Unwinding {
    pub fn of(instrument: InstrumentId, price: i64) -> Self {
        Self { instrument, price, looked_at_next: AccountId(0), turn: VecDeque::new() }
    }
}

/// Who may take a part of a position over.
struct Taker {
    account: AccountId,
    /// The least gain against mark that it asks for, in 1e-8.
    least: Option<i64>,
    /// Lots that it has room for.
    room: i64,
}

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

    /// Gives a position to those who offered to take such positions, at the price where nothing is left. An account takes part
    /// once, under its oldest program that fits; who would not gain what it asks for, or has not the margin, is passed over, and
    /// the others share anew. True when anybody takes anything.
    pub(super) fn assign(&mut self, portfolio: Portfolio, instrument: InstrumentId) -> bool {
        let account = portfolio.account();
        let price = self.zero_equity_price(portfolio, instrument);
        let held = self.position(account, instrument).qty;
        let mut takers: Vec<Taker> = vec![];
        let mut asked = BTreeSet::new();
        for provider in
            self.providers.iter().filter(|provider| self.takes(&provider.program, instrument, held))
        {
            asked.insert(provider.account);
            if asked.len() > MOST_ASKED {
                break;
            }
            let known = takers.iter().any(|taker| taker.account == provider.account);
            let room = self.room(provider, account, instrument, held);
            if !known && room > 0 && takers.len() < MOST_TAKERS {
                let program = &provider.program;
                let least = if held > 0 { program.min_profit_long } else { program.min_profit_short };
                takers.push(Taker { account: provider.account, least, room });
            }
        }
        loop {
            let rooms: Vec<i64> = takers.iter().map(|taker| taker.room).collect();
            let given = shares(held.abs(), &rooms);
            let mut pool = self.pool(self.margin_wallet(instrument).1).max(Money::ZERO);
            let unfit = takers.iter().zip(&given).position(|(taker, lots)| {
                let lots = lots * held.signum();
                let paid = self.pools_part(instrument, (lots, price), pool);
                pool += paid.min(Money::ZERO);
                lots != 0
                    && !(self.gains(instrument, (lots, price), paid, taker.least)
                        && self.bears(taker.account, instrument, (lots, price), paid))
            });
            if let Some(unfit) = unfit {
                takers.remove(unfit);
                continue;
            }
            let takes: Vec<(AccountId, i64)> =
                takers.iter().map(|taker| taker.account).zip(given).filter(|(_, lots)| *lots > 0).collect();
            for (taker, lots) in &takes {
                let roles = (FillRole::Assignor, FillRole::Assignee);
                self.take_over((account, *taker), instrument, (*lots, price), roles, OrderType::Assignment);
            }
            return !takes.is_empty();
        }
    }

    /// True for a program that takes positions of such a contract on that side, now or at another time of the week.
    fn takes(&self, program: &AssignmentProgram, instrument: InstrumentId, held: i64) -> bool {
        let accepts = if held > 0 { program.accept_long } else { program.accept_short };
        program.enabled && self.is_of(program, instrument) && accepts
    }

    /// Lots that a program has room for of a position.
    fn room(&self, provider: &Provider, from: AccountId, instrument: InstrumentId, held: i64) -> i64 {
        let Provider { account, program, .. } = provider;
        let taken = self.takes(program, instrument, held) && self.is_in(program.time_frame);
        let owner = self.account(*account);
        let trades = owner.active && owner.trading && !self.is_liquidated(*account, instrument);
        let (wallet, currency) = self.margin_wallet(instrument);
        // A wallet is there once anything was in it.
        let has_wallet = wallet == Wallet::Flex || owner.balances.contains_key(&(wallet, currency));
        if !taken || *account == from || !trades || !has_wallet {
            return 0;
        }
        let own = BigInt::from(self.position(*account, instrument).qty * held.signum());
        let contract = self.contract(instrument);
        let mark = contract.mark.expect("a market that is open has a mark");
        let lots = |millionths: i64| contract.lots_of_millionths(millionths);
        let worth = |most: Money| figures::down(&figures::fine(most), &contract.notional_at_mark(1, mark));
        let side = if held > 0 { Side::Buy } else { Side::Sell };
        let limit = contract.spec.max_position.0 - self.open_lots(*account, instrument, side);
        let rooms = [
            program.max_size.map(lots),
            program.max_position.map(|most| lots(most) - &own),
            program.max_notional.map(|most| worth(most) - &own),
            Some(limit - &own),
        ];
        let room = rooms.into_iter().flatten().min().expect("a limit on positions");
        i64::try_from(room.max(BigInt::ZERO)).unwrap_or(i64::MAX)
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

    /// What a provider pays into the pool of a gain that is too large on signed lots; negative what the pool adds to one that is too
    /// small, as far as it goes. Linear contracts alone.
    fn pools_part(&self, instrument: InstrumentId, (lots, price): (i64, i64), pool: Money) -> Money {
        if self.contract(instrument).spec.kind == ContractKind::Inverse {
            return Money::ZERO;
        }
        let (gain, value) = self.gain(instrument, lots, price);
        let thousand = BigInt::from(1_000);
        let least = figures::up(&(&value * LEAST_GAIN), &thousand);
        let most = figures::up(&(&value * MOST_GAIN), &thousand);
        match gain < least {
            true => -figures::ceiling(&(least - gain)).min(pool),
            false => figures::ceiling(&(gain - most)).max(Money::ZERO),
        }
    }

    /// True where a provider gains as much as it asks for, in 1e-8 of the value at mark, with what the pool adds and gets.
    fn gains(&self, instrument: InstrumentId, deal: (i64, i64), paid: Money, least: Option<i64>) -> bool {
        let (gain, value) = self.gain(instrument, deal.0, deal.1);
        least.is_none_or(|least| (gain - figures::fine(paid)) * 100_000_000 >= value * least)
    }

    /// True where a provider has the initial margin for signed lots that come to it, and neither the position nor what else is in its
    /// wallet would be liquidated then.
    fn bears(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        (lots, price): (i64, i64),
        paid: Money,
    ) -> bool {
        let (wallet, currency) = self.margin_wallet(instrument);
        let mut after = self.clone();
        let held = self.position(account, instrument);
        let (position, realized) = booked(&held, lots, &self.contract(instrument).value(lots, price));
        after.account_mut(account).positions.insert(instrument, position);
        let all = Portfolio::Cross(account, wallet);
        let (mut others, isolated) = (after.margin_status(all), self.is_isolated(account, instrument));
        let gained = match isolated {
            true => realized - figures::fine(paid),
            false => self.gain(instrument, lots, price).0 - figures::fine(paid),
        };
        others.equity = self.margin_status(all).equity + &gained;
        if isolated {
            others.equity += self.set_aside(account, instrument) - after.set_aside(account, instrument);
        }
        let short = isolated && after.margin_status(Portfolio::Isolated(account, instrument)).is_short();
        let equity = self.equity(account, wallet, currency) + gained;
        !short && !others.is_short() && equity >= after.held(account, wallet)
    }

    /// What an assignee pays into the pool, as it is booked.
    pub(super) fn top_up(&self, order: &OrderView, (lots, price): (i64, i64)) -> Money {
        let pool = self.pool(self.margin_wallet(order.instrument).1).max(Money::ZERO);
        self.pools_part(order.instrument, (lots * order.side.sign(), price), pool)
    }

    /// Closes a position against the first of those on the other side, who profit the most on the least; the next one has its turn
    /// before anything else, until it is flat. Who they are is known once every holder was looked at, as far as a record has work
    /// for, and good for 64 of them. A halt ends it: the ladder waits, and begins anew.
    pub(super) fn unwind(&mut self, portfolio: Portfolio) {
        let Some(unwinding) = self.unwindings.get(&portfolio) else { return };
        let (instrument, price) = (unwinding.instrument, unwinding.price);
        let account = portfolio.account();
        let held = self.position(account, instrument).qty;
        if held == 0 || self.market_state(instrument) != MarketState::Open {
            self.unwindings.remove(&portfolio);
            return;
        }
        let mut unwinding = unwinding.clone();
        if unwinding.turn.is_empty() {
            let all = (unwinding.looked_at_next.0..self.accounts.len() as u32).map(AccountId);
            let mut holders =
                all.filter(|id| self.position(*id, instrument).qty != 0).collect::<VecDeque<_>>();
            // Each that is looked at is as an account that is looked over; one always is.
            let mut begun = false;
            while !holders.is_empty() {
                if begun && self.is_spent() {
                    break;
                }
                holders.pop_front();
                self.spend(1);
                begun = true;
            }
            if let Some(next) = holders.front() {
                unwinding.looked_at_next = *next;
            } else {
                let other = if held > 0 { Side::Sell } else { Side::Buy };
                let queue = self.unwind_queue(instrument, other);
                unwinding.looked_at_next = AccountId(0);
                unwinding.turn = queue.into_iter().take(MOST_IN_TURN).collect();
            }
        }
        let counterparty = unwinding.turn.pop_front();
        self.unwindings.insert(portfolio, unwinding);
        if let Some(counterparty) = counterparty {
            let lots = held.abs().min(self.position(counterparty, instrument).qty.abs());
            let roles = (FillRole::UnwindBankrupt, FillRole::UnwindCounterparty);
            self.take_over((account, counterparty), instrument, (lots, price), roles, OrderType::Unwind);
        }
        if self.position(account, instrument).qty == 0 {
            self.unwindings.remove(&portfolio);
        } else {
            self.step_on(portfolio);
        }
    }

    /// What is asked amid it may change whose turn is next.
    pub(super) fn look_for_turns_anew(&mut self) {
        for unwinding in self.unwindings.values_mut() {
            *unwinding = Unwinding::of(unwinding.instrument, unwinding.price);
        }
    }

    /// Where an account's positions stand in the queues of their contracts and sides.
    pub fn unwind_places(&self, account: AccountId) -> Vec<(InstrumentId, u8)> {
        let held = self.instrument_ids().map(|id| (id, self.position(account, id).qty));
        let place = |(id, qty): (InstrumentId, i64)| {
            let queue = self.unwind_queue(id, if qty > 0 { Side::Buy } else { Side::Sell });
            let place = queue.iter().position(|of| *of == account).expect("a holder");
            (id, percentile(place, queue.len()))
        };
        held.filter(|(_, qty)| *qty != 0).map(place).collect()
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

    /// (Unrealised profit / entry value) x (value / equity of its wallet), as a fraction; over nothing where there is no equity.
    fn rank(&self, account: AccountId, instrument: InstrumentId) -> (BigInt, BigInt) {
        let position = self.position(account, instrument);
        let contract = self.contract(instrument);
        let mark = contract.mark.expect("a market that is open has a mark");
        let value = size(&contract.value_at_mark(position.qty, mark));
        let (wallet, currency) = self.margin_wallet(instrument);
        let equity = self.margin_equity(account, wallet, currency);
        (self.open_pnl(account, instrument) * value, size(&position.entry) * equity.max(BigInt::ZERO))
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
        // Only who is closed against it closes a position, too.
        let reduce_only = order_type == OrderType::Unwind;
        self.reduced.extend([Some(Qty(0)), reduce_only.then_some(Qty(0))]);
        let taken = OrderView {
            reduce_only,
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
            let view = OrderView {
                status: OrderStatus::FullyExecuted,
                reason: Some(UpdateReason::FullFill),
                filled: Qty(lots),
                ..order
            };
            self.cover(account, wallet);
            self.orders.push(super::Order { closed_at: Some(self.now), ..super::orders::incoming(&view) });
            self.cut_reduce_only(account, instrument);
            self.margin_checks.insert((account, wallet));
        }
    }
}

/// Fractions of which a profit or loss over nothing is beyond all others.
fn compare((a, over_a): &(BigInt, BigInt), (b, over_b): &(BigInt, BigInt)) -> Ordering {
    let place = |part: &BigInt, whole: &BigInt| match (part.sign(), *whole == BigInt::ZERO) {
        (Sign::Minus, true) => 0,
        (Sign::Minus, false) => 1,
        (Sign::NoSign, _) => 2,
        (Sign::Plus, false) => 3,
        (Sign::Plus, true) => 4,
    };
    let places = place(a, over_a).cmp(&place(b, over_b));
    let boundless = *over_a == BigInt::ZERO || *over_b == BigInt::ZERO;
    places.then_with(|| if boundless { Ordering::Equal } else { (a * over_b).cmp(&(b * over_a)) })
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
