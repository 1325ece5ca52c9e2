//! Whole-state checks: what must hold after every command, recomputed from scratch.

use crate::account::Position;
use crate::exchange::{CLOSED_PER_ACCOUNT, Exchange, Exchanged, Portfolio};
use crate::id::{Currency, InstrumentId, Price, Side};
use crate::instrument::OpenSum;
use crate::money::{Fine, Money};
use crate::slot::{Maybe, OrderSlot, PositionSlot, Slot};
use crate::words::{OrderStatus, TriggerKind};
use std::collections::BTreeMap;

/// A broken invariant, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invariant broken: {0}")]
pub struct Violation(pub String);

/// What a whole-state check found to be in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Where the money of each currency is.
    pub currencies: Vec<CurrencyAudit>,
    /// Orders resting in books.
    pub open_orders: u64,
    /// Positions that are not flat.
    pub positions: u64,
}

/// Money of one currency. Deposited = wallets - entry values + fees + exchanged + pool + funding + dust, to
/// the last unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyAudit {
    /// Which currency.
    pub currency: Currency,
    /// What came in, less what went out.
    pub deposited: Fine,
    /// All balances of all accounts.
    pub wallets: Fine,
    /// Signed entry values of all open positions: what is neither won nor lost until they close.
    pub entries: Fine,
    /// Fees taken, less rebates paid; those of conversions and interest, too.
    pub fees: Fine,
    /// What the exchange took against other currencies, less what it gave: conversions of collateral, and gains paid in a currency
    /// of choice.
    pub exchanged: Fine,
    /// What liquidations have paid for the losses of others.
    pub pool: Fine,
    /// Funding that was booked to payers, less what was booked to receivers. Together with what is still to be booked it is nothing
    /// but what rounding leaves over.
    pub funding: Fine,
    /// What rounding left over of all else.
    pub dust: Fine,
}

macro_rules! hold {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err(Violation(format!($($words)+)));
        }
    };
}

/// Of USD.
const CENT: Money = Money(Money::ONE / 100);

impl Exchange {
    /// Checks the whole state against itself.
    ///
    /// # Errors
    /// The first [`Violation`] found.
    pub fn audit(&self) -> Result<Audit, Violation> {
        let open_orders = self.check_books()?;
        let positions = self.check_positions()?;
        self.check_margin_wallets()?;
        self.check_liquidations()?;
        self.check_closed()?;
        Ok(Audit { currencies: self.check_money()?, open_orders, positions })
    }

    /// Books are uncrossed, levels sum up, queues are linked both ways.
    fn check_books(&self) -> Result<u64, Violation> {
        let mut seen = 0;
        for (at, market) in self.markets.entries() {
            let (bid, ask) = (market.book.best(Side::Buy), market.book.best(Side::Sell));
            let state = market.state(&self.pairs[market.pair()], self.now);
            hold!(
                market.announced == state,
                "market {at:?} is {state:?} but was told as {:?}",
                market.announced
            );
            if let (Some(bid), Some(ask)) = (bid, ask) {
                hold!(bid.price < ask.price, "book {at:?} is crossed: {} >= {}", bid.price, ask.price);
            }
            let mut levels = 0;
            for side in [Side::Buy, Side::Sell] {
                let mut last = None;
                for level in market.book.levels(side) {
                    levels += 1;
                    hold!(
                        last.is_none_or(|last: i64| side.sign() * (last - level.price) > 0),
                        "levels of book {at:?} are out of order at {}",
                        level.price
                    );
                    last = Some(level.price);
                    let (mut next, mut prev, mut sum) = (Some(level.head), Maybe::NONE, 0);
                    while let Some(slot) = next {
                        let order = self.orders.get(slot);
                        let position = &self.positions[order.position];
                        hold!(order.prev == prev, "order {:?} is linked wrongly", order.id);
                        hold!(
                            order.price == level.price && order.side == side && position.instrument == at,
                            "order {:?} stands in a queue that is not its own",
                            order.id
                        );
                        hold!(
                            order.status == OrderStatus::EnteredBook,
                            "order {:?} rests but is closed",
                            order.id
                        );
                        hold!(
                            order.open() > 0 && order.filled >= 0,
                            "order {:?} rests with nothing open",
                            order.id
                        );
                        sum += order.open();
                        seen += 1;
                        (prev, next) = (slot.into(), order.next.get());
                    }
                    hold!(
                        prev == level.tail.into() && level.qty == sum && sum > 0,
                        "level {} of book {at:?} does not sum up",
                        level.price
                    );
                }
            }
            hold!(levels == market.book.level_count(), "book {at:?} does not find all of its levels");
        }
        let resting = |slot: &OrderSlot| self.orders.get(*slot).status == OrderStatus::EnteredBook;
        let open = self.orders.known().filter(resting).count() as u64;
        hold!(open == seen, "{open} orders are open but {seen} rest in books");
        Ok(seen)
    }

    /// Sums kept per position agree with its orders; positions of a contract sum to zero; reduce-only orders cannot
    /// add; no position beyond its limit.
    fn check_positions(&self) -> Result<u64, Violation> {
        let mut net = vec![(0_i128, 0_i128); self.markets.len()];
        let mut positions = 0;
        let mut waiting = vec![0; self.markets.len()];
        for (slot, position) in self.positions.entries() {
            self.check_position(slot, position)?;
            waiting[position.instrument.index()] += position.triggers.len();
            let (sum, long) = &mut net[position.instrument.index()];
            *sum += i128::from(position.size);
            *long += i128::from(position.size.max(0));
            positions += u64::from(position.size != 0);
        }
        let known = |slot: &OrderSlot| self.orders.get(*slot).status == OrderStatus::TriggerPlaced;
        let triggers = self.orders.known().filter(known).count();
        hold!(
            triggers == waiting.iter().sum::<usize>(),
            "{triggers} triggers wait but their positions list {waiting:?}"
        );
        let mut due = vec![0; self.markets.len()];
        for reached in self.work.due.iter().filter(|due| self.is_still_due(due)) {
            due[self.positions[self.orders.get(reached.slot).position].instrument.index()] += 1;
        }
        for (at, (sum, long)) in net.into_iter().enumerate() {
            let market = &self.markets[InstrumentId::of_index(at)];
            hold!(
                market.triggers.len() + due[at] == waiting[at],
                "contract {at} watches {} triggers, {} wait and {} of them are due",
                market.triggers.len(),
                waiting[at],
                due[at]
            );
            let taken_over = market.ending.lots;
            hold!(sum + i128::from(taken_over) == 0, "positions of contract {at} sum to {sum}");
            hold!(
                long == i128::from(market.open_interest),
                "open interest of contract {at} is not its longs"
            );
            let open = market.book.level_count() > 0 || waiting[at] > 0 || long != 0 || sum != 0;
            let settled = !open && market.ending.lots == 0 && market.ending.value == Fine::ZERO;
            hold!(
                settled || !market.has_expired() || self.is_busy(),
                "contract {at} has expired, and something of it is open"
            );
        }
        Ok(positions)
    }

    fn check_position(&self, slot: PositionSlot, position: &Position) -> Result<(), Violation> {
        let market = &self.markets[position.instrument];
        let listed = &self.accounts[position.account].positions;
        hold!(
            market.holders.contains(position.account) == (position.size != 0),
            "{slot:?} is not among those who hold its contract, or is flat and among them"
        );
        hold!(
            market.position_of(position.account) == Some(slot)
                && listed.contains(&(position.instrument, slot)),
            "{slot:?} is not found by its account"
        );
        let (mut buys, mut sells) = (OpenSum::default(), OpenSum::default());
        let (mut small, mut reduce_only, mut closing, mut trailing) = (0, 0, 0_i64, 0);
        for (place, trigger) in position.triggers.iter().enumerate() {
            let order = self.orders.get(*trigger);
            hold!(
                order.position == slot
                    && order.level.is_none()
                    && order.status == OrderStatus::TriggerPlaced
                    && self.orders.record(*trigger).own_place as usize == place,
                "trigger {:?} is listed wrongly",
                order.id
            );
            small += u32::from(order.flags.small());
            let kind = self.orders.trigger(*trigger).map(|trigger| trigger.kind);
            trailing += u32::from(kind == Some(TriggerKind::TrailingStop));
        }
        hold!(trailing == position.trailing_stops, "trailing stops of {slot:?} are counted wrongly");
        for (place, order_slot) in position.orders.iter().enumerate() {
            let order = self.orders.get(*order_slot);
            hold!(
                order.position == slot && self.orders.record(*order_slot).own_place as usize == place,
                "order {:?} is listed wrongly",
                order.id
            );
            hold!(order.level.is_some(), "order {:?} is listed as open but rests nowhere", order.id);
            small += u32::from(order.flags.small());
            if order.reduce_only {
                reduce_only += 1;
                hold!(
                    i128::from(order.side.sign()) * i128::from(position.size) < 0,
                    "reduce-only order {:?} would not reduce",
                    order.id
                );
                closing += order.open();
            } else {
                let sum = if order.side == Side::Buy { &mut buys } else { &mut sells };
                sum.lots += order.open();
                sum.value += Fine(market.instrument.value(order.open(), Price(order.price)).0.abs());
            }
        }
        hold!(closing <= position.size.abs(), "reduce-only orders of {slot:?} exceed its size");
        hold!(buys == position.buys && sells == position.sells, "sums of open orders of {slot:?} are off");
        hold!(
            small == position.small_orders && reduce_only == position.reduce_only_orders,
            "counts of open orders of {slot:?} are off"
        );
        hold!(
            position.initial_margin == position.initial_margin(&market.instrument),
            "margin of {slot:?} is stale"
        );
        hold!(
            position.leverage.is_none() || market.instrument.is_exact(),
            "{slot:?} has a leverage of its own, and is not linear"
        );
        let looked_over = self.is_looked_over(position.account);
        hold!(
            !looked_over || position.counted == market.shared(position, position.counted_at),
            "{slot:?} is not valued at the mark of now"
        );
        hold!(
            !looked_over
                || self.margin_wallets[position.margin_wallet].checked_always
                || market.covers(position),
            "the size of {slot:?} needs more than it holds, and nobody watches"
        );
        hold!(position.size != 0 || position.entry == Fine::ZERO, "{slot:?} is flat but has an entry value");
        Ok(())
    }

    /// Sums kept per margin wallet agree with its positions and collateral.
    fn check_margin_wallets(&self) -> Result<(), Violation> {
        let mut beside = vec![Fine::ZERO; self.margin_wallets.len()];
        for position in &self.positions {
            beside[position.margin_wallet.index()] += position.counted;
        }
        for (id, account) in self.accounts.entries() {
            beside[account.flex.index()] += account.collateral.fine();
            hold!(
                self.collateral_holders.contains(id) != account.flex_other.is_empty(),
                "{id:?} is not among those who have other collateral than USD, or has none and is"
            );
            hold!(
                !self.is_looked_over(id) || account.collateral == self.collateral_now(id),
                "collateral of {id:?} is not valued at the prices of now"
            );
            for margin_wallet in account.margin_wallets() {
                let kept = &self.margin_wallets[margin_wallet];
                hold!(
                    kept.beside == beside[margin_wallet.index()]
                        && kept.initial_margin == self.initial_margin_anew(id, margin_wallet),
                    "sums of {margin_wallet:?} are off"
                );
                // A price that moves within a second may make something of what was nothing.
                let nothing = account.flex != margin_wallet || account.collateral < CENT;
                hold!(
                    nothing || kept.balance >= Money::ZERO || !self.is_looked_over(id) || !self.can_cover(id),
                    "{id:?} owes USD and has what would pay it"
                );
            }
        }
        Ok(())
    }

    /// Who is short of margin has been seen to or waits to be, and at rest only who is short; where a market is open the next step comes with
    /// the next second, so nobody is stuck. Who is liquidated has no orders, and is none of the house.
    fn check_liquidations(&self) -> Result<(), Violation> {
        for portfolio in self.liquidations.keys().filter(|_| !self.is_busy()) {
            let (Portfolio::Cross { account, .. } | Portfolio::Isolated { account, .. }) = *portfolio;
            // What only time has brought is looked at when something happens.
            let mut wallets = self.accounts[account].margin_wallets();
            let accrued = wallets.any(|margin_wallet| self.has_accrued(account, margin_wallet));
            hold!(
                accrued || self.margin_status(*portfolio).is_short(),
                "{portfolio:?} is liquidated but not short"
            );
            hold!(
                self.may_step() || self.waits_for_a_market(*portfolio),
                "{portfolio:?} could be liquidated further, and no step is to come"
            );
        }
        for position in &self.positions {
            let waits = !self.is_looked_over(position.account)
                || self.work.margin_checks.contains(&(position.account, position.margin_wallet))
                || self.has_accrued(position.account, position.margin_wallet);
            hold!(
                waits || self.is_judged(position.account, position.margin_wallet),
                "{:?} is short of margin, and nothing follows",
                position.account
            );
        }
        for (account, owner) in self.accounts.entries() {
            for margin_wallet in owner.margin_wallets() {
                hold!(
                    self.work.margin_checks.contains(&(account, margin_wallet))
                        || !self.is_looked_over(account)
                        || !self.is_flat_and_short(account, margin_wallet),
                    "{account:?} has no position and less than nothing"
                );
            }
        }
        for (portfolio, unwinding) in &self.unwinding {
            hold!(
                self.is_busy() && self.liquidations.contains_key(portfolio),
                "{portfolio:?} is unwound in {:?}, and nothing follows",
                unwinding.instrument
            );
        }
        for position in self.positions.iter().filter(|position| self.is_liquidated(position)) {
            hold!(!position.house, "{:?} of the house is liquidated", position.account);
            hold!(
                position.orders.is_empty() && position.triggers.is_empty(),
                "{:?} is liquidated but has orders",
                position.account
            );
        }
        Ok(())
    }

    /// Closed orders are remembered once, within their bound.
    fn check_closed(&self) -> Result<(), Violation> {
        let mut counts = vec![0_u32; self.accounts.len()];
        for closed in &self.closed.queue {
            let order = self.orders.get(closed.slot);
            if self.orders.find(closed.order) == Some(closed.slot) {
                let account = self.orders.record(closed.slot).account;
                hold!(
                    order.status.is_closed() && account == closed.account,
                    "order {:?} is remembered wrongly",
                    order.id
                );
                counts[account.index()] += 1;
            }
        }
        for (at, account) in self.accounts.iter().enumerate() {
            hold!(
                account.closed == counts[at] && counts[at] <= CLOSED_PER_ACCOUNT,
                "account {at} remembers {} closed orders but counts {}",
                counts[at],
                account.closed
            );
        }
        let remembered: u32 = counts.iter().sum();
        hold!(
            self.closed.queue.len() <= 2 * remembered as usize,
            "{} closings are queued for {remembered} that are remembered",
            self.closed.queue.len()
        );
        let closed =
            self.orders.known().filter(|slot| self.orders.get(*slot).status.is_closed()).count() as u32;
        hold!(remembered == closed, "{closed} closed orders are known but {remembered} remembered");
        for slot in self.orders.known() {
            let order = self.orders.get(slot);
            hold!(order.filled <= order.qty, "order {:?} is filled beyond its size", order.id);
            let full = order.filled == order.qty && order.qty > 0;
            hold!(
                full == (order.status == OrderStatus::FullyExecuted),
                "order {:?} is {:?} with {} of {} filled",
                order.id,
                order.status,
                order.filled,
                order.qty
            );
        }
        Ok(())
    }

    /// Money in equals money out, to the last unit.
    fn check_money(&self) -> Result<Vec<CurrencyAudit>, Violation> {
        let mut audits: BTreeMap<Currency, CurrencyAudit> = BTreeMap::new();
        let mut at = |currency: Currency, book: &mut dyn FnMut(&mut CurrencyAudit)| {
            let zero = Fine::ZERO;
            book(audits.entry(currency).or_insert(CurrencyAudit {
                currency,
                deposited: zero,
                wallets: zero,
                entries: zero,
                fees: zero,
                exchanged: zero,
                pool: zero,
                funding: zero,
                dust: zero,
            }));
        };
        for (currency, amount) in &self.deposited {
            at(*currency, &mut |audit| audit.deposited += amount.fine());
        }
        for margin_wallet in &self.margin_wallets {
            at(margin_wallet.currency, &mut |audit| audit.wallets += margin_wallet.balance.fine());
        }
        for account in &self.accounts {
            for (currency, amount) in account.cash.iter().chain(&account.flex_other) {
                at(*currency, &mut |audit| audit.wallets += amount.fine());
            }
        }
        for position in &self.positions {
            let currency = self.markets[position.instrument].instrument.settlement();
            at(currency, &mut |audit| audit.entries += position.entry);
        }
        for market in &self.markets {
            at(market.instrument.settlement(), &mut |audit| {
                // What the exchange has taken over while a contract settles is a position like any other.
                audit.entries += market.ending.value;
                audit.fees += market.fees.fine();
                audit.dust += market.dust;
                audit.funding += market.funding.as_ref().map_or(Fine::ZERO, |funding| funding.held.fine());
            });
            if let Some(funding) = &market.funding {
                let held = market.positions().map(|slot| &self.positions[slot]);
                let imbalance = funding.imbalance(&market.instrument, held, self.now);
                hold!(
                    imbalance == 0,
                    "longs and shorts of {} differ by {imbalance} in what they paid each other",
                    market.instrument.spec().symbol
                );
            }
        }
        for (currency, Exchanged { taken, fees }) in &self.exchanged {
            at(*currency, &mut |audit| {
                audit.exchanged += taken.fine();
                audit.fees += fees.fine();
            });
        }
        for (currency, amount) in &self.pool {
            at(*currency, &mut |audit| audit.pool += amount.fine());
        }
        for audit in audits.values() {
            let accounted = audit.wallets - audit.entries
                + audit.fees
                + audit.exchanged
                + audit.pool
                + audit.funding
                + audit.dust;
            hold!(
                accounted == audit.deposited,
                "{:?}: {} deposited but {} accounted for (units of 1e-24)",
                audit.currency,
                audit.deposited.0,
                accounted.0
            );
        }
        Ok(audits.into_values().collect())
    }
}
