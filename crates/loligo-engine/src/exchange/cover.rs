//! Covered liquidation (rules 5.6): a position that finds nobody up to the price where nothing is left to its holder goes beyond it, up
//! to 5% from the best price, and the pool pays what is missing. It covers the lots that it can pay for.
//!
//! A lot takes with it its share of what stands behind the position; by how much its loss is more, the pool pays. So nothing is left
//! of what is covered, no fee either, and what is not covered stands as it did.

use super::matching::Traded;
use super::off_book::FillOf;
use super::place::beyond_touch;
use super::position::Charges;
use super::self_trade::Meeting;
use super::{Exchange, Portfolio};
use crate::account::{Position, book};
use crate::event::Event;
use crate::id::{Price, Side};
use crate::margin::isolated_of;
use crate::market::Market;
use crate::money::{Fine, Money, mul_div_half_even};
use crate::slot::PositionSlot;
use crate::words::{FillRole, OrderType};

/// How far from the best price it goes, in per cent.
const REACH: i64 = 5;

/// What is left of a position, and of what stands behind it, as fills close it.
#[derive(Clone, Copy, Debug)]
struct Standing {
    pub size: i64,
    pub entry: Fine,
    /// Of a cross position: that of its portfolio, with its funding booked.
    pub equity: Fine,
}

impl Exchange {
    /// Closes what the pool can pay for. False when that is nothing.
    pub(super) fn cover(
        &mut self,
        portfolio: Portfolio,
        slot: PositionSlot,
        events: &mut Vec<Event>,
    ) -> bool {
        let position = &self.positions[slot];
        let (side, instrument) = (position.closing_side(), position.instrument);
        let Some(limit) = beyond_touch(&self.markets[instrument], side, REACH) else { return false };
        let lots = self.coverable(portfolio, slot, limit);
        if lots > 0 {
            let (order_type, role) = (OrderType::CoveredLiquidation, FillRole::CoveredLiquidation);
            self.send(slot, FillOf { lots, limit: Price(limit), order_type, role }, events);
        }
        lots > 0
    }

    /// What the pool pays of lots that it covers. Nothing is left of them for a fee.
    pub(super) fn covered_charges(&self, slot: PositionSlot, side: Side, traded: &Traded) -> Charges {
        let position = &self.positions[slot];
        let Position { account, instrument, margin_wallet, leverage, .. } = *position;
        let portfolio = match leverage {
            None => Portfolio::Cross { account, margin_wallet },
            Some(_) => Portfolio::Isolated { account, instrument },
        };
        let market = &self.markets[instrument];
        let value = market.instrument.signed(side, traded.worth.value);
        let lots = side.sign() * traded.lots;
        let (missing, _) = shortfall(market, position, self.standing(portfolio, slot), lots, value);
        let rate = FillRole::CoveredLiquidation.rate(self.margin_wallets[margin_wallet].rates());
        Charges { rate, fee: Money::ZERO, into_pool: Some(-missing) }
    }

    /// How many lots the pool can pay for, one order of the book after the other.
    fn coverable(&self, portfolio: Portfolio, slot: PositionSlot, limit: i64) -> i64 {
        let position = &self.positions[slot];
        let market = &self.markets[position.instrument];
        let side = position.closing_side();
        let mut pool = self.pool(market.instrument.settlement());
        let mut standing = self.standing(portfolio, slot);
        let mut covered = 0;
        let (mut goes_on, most) = (pool > Money::ZERO, position.size.abs());
        self.walk_past(position.instrument, side, limit, most, &|_| Meeting::Trades, &mut |lots, price| {
            if !goes_on {
                return;
            }
            let cost = |lots: i64| {
                let value = market.instrument.worth(lots, Price(price)).value;
                let value = market.instrument.signed(side, value);
                shortfall(market, position, standing, side.sign() * lots, value)
            };
            // The most that the pool pays for: what it pays rises with each lot.
            let (mut payable, mut beyond) = (0, lots + 1);
            if cost(lots).0 <= pool {
                payable = lots;
            } else {
                goes_on = false;
                beyond = lots;
            }
            while payable + 1 < beyond {
                let middle = payable + (beyond - payable) / 2;
                if cost(middle).0 <= pool { payable = middle } else { beyond = middle }
            }
            if payable > 0 {
                let (paid, left) = cost(payable);
                pool -= paid;
                standing = left;
                covered += payable;
            }
        });
        covered
    }

    /// What stands behind a position before its lots are covered.
    fn standing(&self, portfolio: Portfolio, slot: PositionSlot) -> Standing {
        let position = &self.positions[slot];
        let market = &self.markets[position.instrument];
        // What has accrued is booked with the first fill, and rounded.
        let rounded = market.due_funding(position, self.now).fine() - market.accrued(position, self.now);
        let equity = self.margin_status(portfolio).equity + rounded;
        Standing { size: position.size, entry: position.entry, equity }
    }
}

/// What the pool pays for lots (signed) closed at a value, and what is left then.
fn shortfall(
    market: &Market,
    position: &Position,
    standing: Standing,
    lots: i64,
    value: Fine,
) -> (Money, Standing) {
    let Standing { size, entry, equity } = standing;
    let booked = book(size, entry, lots, value);
    let (realized, dust) = booked.realized.book();
    let left = Standing { size: size + lots, entry: booked.entry, equity };
    match position.leverage {
        None => {
            let (part, whole) = (i128::from(lots.unsigned_abs()), i128::from(size.unsigned_abs()));
            let share =
                mul_div_half_even(equity.0, part, whole).expect("a share is not larger than the whole");
            let loss = market.loss_to_mark(lots, value) + dust;
            let missing = (loss - Fine(share)).ceil().max(Money::ZERO);
            (missing, Standing { equity: equity - loss + missing.fine(), ..left })
        }
        Some(leverage) => {
            let set_aside = |entry: Fine| isolated_of(Fine(entry.0.abs()), leverage);
            let released = set_aside(entry) - set_aside(booked.entry);
            ((-(released + realized.fine())).ceil().max(Money::ZERO), left)
        }
    }
}
