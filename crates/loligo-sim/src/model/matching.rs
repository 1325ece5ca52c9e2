//! Price-time matching by scanning, self-trade strategies, what a fill does to both sides, and cutting reduce-only orders
//! (rules 1.1, 1.5, 1.10, 4.1, 4.8).

use super::{Model, Order, Position, figures, margin};
use loligo_engine::{
    AccountId, Execution, ExecutionId, FeeRates, Fill, FillRole, GainPaid, InstrumentId, Money, OrderError,
    OrderId, OrderStatus, OrderType, OrderView, Price, Qty, SelfTradeStrategy, Side, Signal, UpdateReason,
};
use num_bigint::BigInt;

/// Why a taker stopped matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was filled to the last lot.
    Filled,
    /// Nothing is left within its limit.
    NothingLeft,
    /// The next maker is of its own family, and refuses it.
    Refused,
}

/// What one side of a match came to.
struct Booked {
    fee: Money,
    realized_pnl: Money,
    realized_funding: Money,
    gain: Option<GainPaid>,
}

/// What a taker makes of a maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meeting {
    Trade,
    CancelMaker,
    RefuseTaker,
}

/// From USD of 30-day volume on: maker and taker rate in 1e-8 (rules 4.8).
pub(super) const FEES: [(u64, i32, i32); 12] = [
    (0, 20_000, 50_000),
    (2_500_000, 15_000, 45_000),
    (5_000_000, 12_500, 40_000),
    (10_000_000, 10_000, 35_000),
    (20_000_000, 7_500, 30_000),
    (30_000_000, 5_000, 25_000),
    (50_000_000, 3_000, 20_000),
    (75_000_000, 1_500, 15_000),
    (100_000_000, 0, 12_500),
    (250_000_000, -1_500, 10_000),
    (500_000_000, -3_000, 10_000),
    (1_000_000_000, -5_000, 10_000),
];

/// The rates that a 30-day volume earns.
pub(super) fn fee_rates(volume: &BigInt) -> FeeRates {
    let reached = FEES.iter().rev().find(|(from, _, _)| *volume >= figures::usd(*from));
    let (_, maker, taker) = reached.expect("a first step from zero");
    FeeRates { maker: *maker, taker: *taker }
}

impl Model {
    /// The resting orders of one side, in the order in which they trade.
    pub(super) fn queue(&self, instrument: InstrumentId, side: Side) -> Vec<&Order> {
        let mut queue: Vec<&Order> = self
            .orders
            .iter()
            .filter(|o| o.resting && o.view.instrument == instrument && o.view.side == side)
            .collect();
        queue.sort_by_key(|o| (-o.limit() * side.sign(), o.place_in_queue));
        queue
    }

    /// The first maker that an order would meet.
    pub(super) fn first_maker(&self, taker: &OrderView) -> Option<&Order> {
        let best = *self.queue(taker.instrument, taker.side.opposite()).first()?;
        let limit = taker.limit_price?.0;
        let within = match taker.side {
            Side::Buy => best.limit() <= limit,
            Side::Sell => best.limit() >= limit,
        };
        within.then_some(best)
    }

    /// Matches an order that is not in the book until it can go no further.
    pub(super) fn match_taker(&mut self, taker: OrderId, role: FillRole) -> End {
        loop {
            let order = self.order(taker);
            if order.open() == 0 {
                return End::Filled;
            }
            let Some(maker) = self.first_maker(&order.view) else { return End::NothingLeft };
            let meeting = match role {
                FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => {
                    self.meeting(order.view.account, maker.view.account)
                }
                // The exchange's own orders know no families.
                _ => Meeting::Trade,
            };
            let maker = maker.view.id;
            match meeting {
                Meeting::Trade => self.execute(taker, maker, role),
                Meeting::CancelMaker => self.cancel_maker(maker),
                Meeting::RefuseTaker => return End::Refused,
            }
        }
    }

    /// What the strategy of a family makes of two of its own orders; strangers trade.
    fn meeting(&self, taker: AccountId, maker: AccountId) -> Meeting {
        let master = self.head(taker);
        if self.head(maker) != master {
            return Meeting::Trade;
        }
        let same = taker == maker;
        let cancels = match self.account(master).self_trade {
            SelfTradeStrategy::RejectTaker => false,
            SelfTradeStrategy::CancelMakerSelf => same,
            SelfTradeStrategy::CancelMakerChild => same || taker == master,
            SelfTradeStrategy::CancelMakerAny => true,
        };
        if cancels { Meeting::CancelMaker } else { Meeting::RefuseTaker }
    }

    fn cancel_maker(&mut self, maker: OrderId) {
        self.close(maker, OrderStatus::Cancelled, UpdateReason::WouldExecuteSelf, None);
    }

    /// An immediate order that found nothing to trade with has yet cancelled its own makers that it reached. What is all or
    /// nothing cancels none.
    pub(super) fn drop_reached(&mut self, taker: &OrderView, refused_for: OrderError) {
        let immediate = matches!(taker.order_type, OrderType::ImmediateOrCancel | OrderType::Market);
        if !immediate || refused_for != OrderError::IocWouldNotExecute {
            return;
        }
        while let Some(maker) = self.first_maker(taker).map(|maker| maker.view.id) {
            self.cancel_maker(maker);
        }
    }

    fn execute(&mut self, taker: OrderId, maker: OrderId, role: FillRole) {
        let (came, rested) = (self.order(taker).clone(), self.order(maker).clone());
        let qty = came.open().min(rested.open());
        let (price, instrument) = (rested.limit(), rested.view.instrument);
        self.last_execution += 1;
        self.work.moved += 1;
        let taker_rate = self.fee_rates(came.view.account).taker;
        let maker_rate = self.fee_rates(rested.view.account).maker;
        let taker = self.book_side(&came.view, role, (qty, price), taker_rate);
        let maker = self.book_side(&rested.view, FillRole::Maker, (qty, price), maker_rate);
        let (wallet, currency) = self.margin_wallet(instrument);
        let contract = self.contract_mut(instrument);
        contract.trades += 1;
        let (trade, mark) = (contract.trades, contract.mark);
        let usd_value = figures::floor(&contract.notional(qty, price));
        self.executions.push(Execution {
            id: ExecutionId(self.last_execution),
            at: self.now,
            instrument,
            trade,
            price: Price(price),
            qty: Qty(qty),
            usd_value,
            mark,
            taker_side: came.view.side,
            wallet,
            currency,
            taker,
            maker,
        });
        self.contracts[instrument.0 as usize].last = Some(Price(price));
        for order in [&came, &rested] {
            let account = order.view.account;
            let notional = self.contract(instrument).notional(qty, price);
            let today = self.today();
            if !self.accounts[account.0 as usize].house {
                *self.accounts[account.0 as usize].volume.entry(today).or_default() += notional;
            }
            self.record_fill(order.view.id, qty);
            self.margin_checks.insert((account, self.margin_wallet(instrument).0));
        }
        // What the maker owes is paid at once, what the taker owes when it is done.
        self.cover(rested.view.account, wallet);
        // At once for the maker, or the same taker could meet an order that no longer reduces anything. The taker's own
        // are cut when it is done: what trades at once trades.
        self.cut_reduce_only(rested.view.account, instrument);
        self.judge(&[instrument], Signal::Last);
    }

    /// Books one side of a match, lots and price in ticks, into position and wallet.
    pub(super) fn book_side(
        &mut self,
        order: &OrderView,
        role: FillRole,
        (qty, price): (i64, i64),
        fee_rate: i32,
    ) -> Fill {
        let (account, instrument) = (order.account, order.instrument);
        let held = self.position(account, instrument);
        let aside = self.set_aside(account, instrument);
        let liquidated = matches!(role, FillRole::Liquidation | FillRole::PartialLiquidation);
        let left = liquidated.then(|| {
            let portfolio = self.portfolio(account, instrument);
            self.left_by(portfolio, instrument, (qty * order.side.sign(), price))
        });
        let missing = (role == FillRole::CoveredLiquidation).then(|| {
            let portfolio = self.portfolio(account, instrument);
            self.missing(portfolio, instrument, (qty * order.side.sign(), price))
        });
        let booked = self.settle(account, instrument, qty * order.side.sign(), price, fee_rate);
        let Booked { realized_pnl, realized_funding, gain, .. } = booked;
        let (fee, liquidation_fee) = match role {
            FillRole::Liquidation | FillRole::PartialLiquidation => self.liquidation_fees(
                order,
                (qty, price),
                (held.qty, aside, left.unwrap_or_default()),
                (booked.fee, realized_pnl),
            ),
            FillRole::CoveredLiquidation => {
                // Nothing is left for a fee.
                self.give_back(account, instrument, booked.fee);
                (Money::ZERO, -missing.expect("reckoned before it is booked"))
            }
            FillRole::Assignee => (booked.fee, self.top_up(order, (qty, price))),
            FillRole::Assignor | FillRole::UnwindBankrupt | FillRole::UnwindCounterparty => {
                // No isolated position loses more than was set aside for it.
                let isolated = self.leverage(account, instrument).is_some();
                let sizes = (held.qty, self.position(account, instrument).qty);
                let asides = (aside, self.set_aside(account, instrument));
                let beyond = self.beyond_set_aside(sizes, asides, realized_pnl);
                (booked.fee, if isolated { -beyond } else { Money::ZERO })
            }
            FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => (booked.fee, Money::ZERO),
        };
        let (wallet, currency) = self.margin_wallet(instrument);
        self.pay(account, wallet, currency, -liquidation_fee);
        *self.pool.entry(currency).or_default() += liquidation_fee;
        let position = self.position(account, instrument);
        let log = self.log(account, if gain.is_some() { 3 } else { 2 });
        let balance = self.balance(account, wallet, currency);
        let owner = self.account_mut(account);
        owner.fills += 1;
        Fill {
            number: owner.fills,
            log,
            order: order.id,
            account,
            role,
            order_type: order.order_type,
            client_order_id: order.client_order_id.clone(),
            filled_before: order.filled,
            qty: order.qty.expect("an accepted order has a size"),
            fee,
            fee_rate,
            realized_pnl,
            realized_funding,
            liquidation_fee,
            position: position.qty,
            entry_before: figures::as_fine(&held.entry),
            entry: figures::as_fine(&position.entry),
            opened_at: held.opened_at.or(Some(self.now)),
            balance,
            gain: gain.map(Box::new),
        }
    }

    fn record_fill(&mut self, id: OrderId, qty: i64) {
        let now = self.now;
        let order = self.order_mut(id);
        order.view.filled.0 += qty;
        order.view.reason = Some(UpdateReason::PartialFill);
        order.view.error = None;
        order.view.updated_at = now;
        if order.open() == 0 {
            self.close(id, OrderStatus::FullyExecuted, UpdateReason::FullFill, None);
        }
    }

    /// Books signed `lots` at `price` into position and wallet.
    fn settle(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        lots: i64,
        price: i64,
        rate: i32,
    ) -> Booked {
        let realized_funding = self.realize_funding(account, instrument);
        let value = self.contract(instrument).value(lots, price);
        let held = self.position(account, instrument);
        let (mut position, realized) = booked(&held, lots, &value);
        position.opened_at = match position.qty.signum() {
            0 => None,
            side if side == held.qty.signum() => held.opened_at,
            _ => Some(self.now),
        };
        self.account_mut(account).positions.insert(instrument, position);
        let (realized_pnl, fee, gain) = self.book_result(account, instrument, &value, &realized, rate);
        Booked { fee, realized_pnl, realized_funding, gain }
    }

    /// Books what was realised, and the fee on a value.
    pub(super) fn book_result(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        value: &BigInt,
        realized: &BigInt,
        rate: i32,
    ) -> (Money, Money, Option<GainPaid>) {
        let fee = figures::fee(&margin::size(value), rate);
        let realized_pnl = figures::book(realized);
        let (wallet, currency) = self.margin_wallet(instrument);
        self.note_rounding(currency, realized, realized_pnl);
        let gain = self.pay_gain(account, instrument, realized_pnl);
        let in_currency = if gain.is_some() { Money::ZERO } else { realized_pnl };
        self.pay(account, wallet, currency, in_currency - fee);
        *self.books.fees.entry(currency).or_default() += fee;
        (realized_pnl, fee, gain)
    }

    /// Cuts an account's resting reduce-only orders so that they can only close its position (rules 1.5): what is
    /// likeliest to trade stays, at one price what was placed first (an edit makes no order younger).
    pub(super) fn cut_reduce_only(&mut self, account: AccountId, instrument: InstrumentId) {
        let held = self.position(account, instrument).qty;
        for side in [Side::Buy, Side::Sell] {
            let mut room = if held.signum() == -side.sign() { held.abs() } else { 0 };
            let mut queue = self.queue(instrument, side);
            queue.retain(|o| o.view.account == account && o.view.reduce_only);
            queue.sort_by_key(|o| (-o.limit() * side.sign(), o.view.id));
            let queue: Vec<_> = queue.into_iter().map(|o| (o.view.id, o.open())).collect();
            for (id, open) in queue {
                let keep = open.min(room);
                room -= keep;
                if keep == 0 {
                    let reason = UpdateReason::WouldNotReducePosition;
                    self.close(id, OrderStatus::Cancelled, reason, None);
                } else if keep < open {
                    let now = self.now;
                    let order = self.order_mut(id);
                    order.view.qty = Some(Qty(order.view.filled.0 + keep));
                    order.view.reason = Some(UpdateReason::WouldNotReducePosition);
                    order.view.error = None;
                    order.view.updated_at = now;
                }
            }
        }
    }

    /// Matches an accepted order, then lets its rest lapse or enter the book.
    pub(super) fn arrive(&mut self, id: OrderId, role: FillRole) {
        let end = self.match_taker(id, role);
        let order = self.order(id).view.clone();
        match (end, order.order_type) {
            (End::Filled, _) => {}
            (End::Refused, _) => {
                let error = Some(OrderError::RejectedAfterExecution);
                self.close(id, OrderStatus::Cancelled, UpdateReason::WouldExecuteSelf, error);
            }
            (End::NothingLeft, OrderType::Limit | OrderType::Post) => {
                self.rest(id);
            }
            (End::NothingLeft, _) => {
                self.close(id, OrderStatus::Cancelled, UpdateReason::PartialFill, None);
            }
        }
        self.cover(order.account, self.margin_wallet(order.instrument).0);
        self.cut_reduce_only(order.account, order.instrument);
    }

    /// Puts an order at the back of the queue at its price.
    pub(super) fn rest(&mut self, id: OrderId) {
        self.last_place_in_queue += 1;
        let place = self.last_place_in_queue;
        let order = self.order_mut(id);
        order.resting = true;
        order.place_in_queue = place;
    }
}

/// Books `lots` (signed) traded for `value` (signed) into a position: what of them works against it closes it, the rest
/// opens. Gives the position after it, and the realised P&L.
pub(super) fn booked(held: &Position, lots: i64, value: &BigInt) -> (Position, BigInt) {
    let closing = if held.qty.signum() * lots.signum() < 0 { lots.abs().min(held.qty.abs()) } else { 0 };
    let (left, sign) = (held.qty.abs() - closing, held.qty.signum());
    // The value of the fill is split exactly: what one side wins by rounding the other loses.
    let closed = figures::half_even(&(value * closing), &BigInt::from(lots.abs()));
    let share = match held.qty {
        0 => BigInt::ZERO,
        qty => figures::half_even(&(&held.entry * closing), &BigInt::from(qty.abs())),
    };
    let realized = -&closed - &share;
    let entry = &held.entry - share + (value - closed);
    let funded_at = held.funded_at;
    (Position { qty: left * sign + lots + closing * sign, entry, opened_at: None, funded_at }, realized)
}
