//! Whether an account can bear what it asks for (rules 5.5): row 18 of the checks.
//!
//! Accounts with margin to spare pass on a few sums that are kept up to date anyway. Only where those do not settle it
//! is the book walked for the prices an order would fill at, and every position of the wallet looked at.

use super::Exchange;
use super::place::Terms;
use super::self_trade::WalkEnd;
use crate::account::{Incoming, Netting, Position, book};
use crate::fees::fee_of;
use crate::id::{AccountId, InstrumentId, Price};
use crate::instrument::{OpenSum, Worth};
use crate::margin::{Sides, isolated_of, maintenance_of};
use crate::market::Market;
use crate::money::{Fine, Money};
use crate::order::Order;
use crate::slot::WalletSlot;
use crate::words::{OrderError, OrderType};

/// What an order would trade at once.
#[derive(Clone, Copy, Debug)]
struct WouldFill {
    lots: i64,
    /// Without sign.
    value: Fine,
    fee: Money,
}

/// What stands behind positions, and what must.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MarginStatus {
    pub equity: Fine,
    pub maintenance: Fine,
}

impl MarginStatus {
    /// To be liquidated. Where there is no position nothing can be.
    pub fn is_short(self) -> bool {
        self.equity < self.maintenance && self.maintenance > Fine::ZERO
    }

    fn spare(self) -> Fine {
        self.equity - self.maintenance
    }
}

impl Exchange {
    /// Row 18. `instead_of` is an open order that this one takes the place of (an edit). Gives the margin that is held
    /// when it rests whole, behind all that rest already.
    #[inline(always)]
    pub(super) fn check_margin(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
        crosses: bool,
        instead_of: Option<&Order>,
    ) -> Result<Fine, OrderError> {
        let Terms { side, order_type, limit, lots, reduce_only, .. } = *terms;
        if !self.liquidations.is_empty() && self.is_liquidated(position) {
            return Err(OrderError::InsufficientMargin);
        }
        let Some(limit) = limit else { return Ok(position.initial_margin) };
        let fills_now = crosses && order_type != OrderType::Post;
        let instrument = &market.instrument;
        let worth = instrument.worth(lots, Price(limit));
        if reduce_only {
            if fills_now {
                self.check_fills(position, market, terms, &worth, true)?;
            }
            return Ok(position.initial_margin);
        }
        // Margin that is held when it rests, and the part of it that is not there to close the position.
        let (initial_margin, rest) = match (instrument.exact_margin(&worth), instead_of) {
            (Some(margin), None)
                if position.margins_add_up(instrument, side, position.initial_margin + margin) =>
            {
                (position.initial_margin + margin, lots)
            }
            _ => {
                let order = Incoming {
                    side,
                    size: OpenSum { lots, value: worth.value },
                    instead_of: instead_of.map_or(OpenSum::default(), |order| OpenSum {
                        lots: order.open(),
                        value: instrument.worth(order.open(), Price(order.price)).value,
                    }),
                    closes_first: terms.closes_first(crosses),
                };
                (position.margin_with(instrument, &order), lots - position.closing_part(&order))
            }
        };
        if rest > 0 && self.may_be_short() && self.is_doomed(position) {
            return Err(OrderError::InsufficientMargin);
        }
        let added = match position.netting {
            Netting::Alone => initial_margin - position.initial_margin,
            _ => self.netted_increase(position, terms, crosses, instead_of, initial_margin),
        };
        let margin_wallet = &self.margin_wallets[position.margin_wallet];
        let equity = self.equity(position.account, position.margin_wallet);
        let available = equity - margin_wallet.initial_margin;
        // With less than what is held already nothing may add risk, however little it would add to that.
        if rest > 0 && (added > Fine::ZERO || available < Fine::ZERO) {
            let multiplier = self.pairs[market.pair()].margin_multiplier();
            let left =
                available - if multiplier == 1 { added } else { Fine(added.0 * i128::from(multiplier)) };
            // No fee is more than the value and what it is rounded up by: it need be known only when less is left.
            if left < worth.value + Money(1).fine() {
                let rest = instrument.worth(rest, Price(limit));
                if left < fee_of(instrument.spec().kind, &rest, margin_wallet.rates().taker).fine() {
                    return Err(OrderError::InsufficientMargin);
                }
            }
        }
        if fills_now {
            self.check_fills(position, market, terms, &worth, rest == 0)?;
        }
        Ok(initial_margin)
    }

    /// What would fill at once must leave enough behind the position. Settled here when all of it could fill at its
    /// limit and still leave what is held: that covers the maintenance of every position of a wallet that is not
    /// watched, so what the order adds to is covered by what one lot of it needs at mark.
    #[inline(always)]
    fn check_fills(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
        worth: &Worth,
        only_reduces: bool,
    ) -> Result<(), OrderError> {
        let Terms { side, lots, .. } = *terms;
        // What it loses against the entry is lost whatever the mark is.
        if position.leverage.is_some() {
            return self.check_outlook(position, market, terms, only_reduces);
        }
        let loss = market.loss_to_mark(side.sign() * lots, market.instrument.signed(side, worth.value));
        if loss <= Fine::ZERO && !only_reduces {
            return Ok(());
        }
        let margin_wallet = &self.margin_wallets[position.margin_wallet];
        if !margin_wallet.checked_always {
            let adds = if only_reduces { 0 } else { lots };
            let room = self.equity(position.account, position.margin_wallet)
                - margin_wallet.initial_margin
                - loss.max(Fine::ZERO)
                - Fine(i128::from(adds) * market.maintenance_per_lot.0);
            // Each fill's fee is rounded up, and is of a lot at least.
            let rounding = Money(i128::from(lots)).fine();
            let settled = |most: Fine| {
                room >= most + rounding
                    && (adds == 0 || position.size.abs().saturating_add(adds) <= market.first_level_lots)
            };
            if settled(worth.value)
                || settled(fee_of(market.instrument.spec().kind, worth, margin_wallet.rates().taker).fine())
            {
                debug_assert_eq!(self.check_outlook(position, market, terms, only_reduces), Ok(()));
                return Ok(());
            }
        }
        self.check_outlook(position, market, terms, only_reduces)
    }

    /// As [`Exchange::check_fills`], at the prices it would fill at.
    #[cold]
    fn check_outlook(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
        only_reduces: bool,
    ) -> Result<(), OrderError> {
        let filled = self.would_fill(position, market, terms);
        if filled.lots == 0 || market.mark.is_none() {
            return Ok(());
        }
        let lots = terms.side.sign() * filled.lots;
        let value = market.instrument.signed(terms.side, filled.value);
        let (loss, fee) = (market.loss_to_mark(lots, value), filled.fee.fine());
        let before = self.margin_status_of(position, position.size, position.entry);
        let short_of_margin = match only_reduces {
            true => OrderError::InsufficientClosingMargin,
            false => OrderError::InsufficientMargin,
        };
        if only_reduces && before.equity - loss - fee < Fine::ZERO {
            return Err(short_of_margin);
        }
        let size = position.size + lots;
        let booked = book(position.size, position.entry, lots, value);
        let mut after = self.margin_status_of(position, size, booked.entry);
        after.equity = match position.leverage {
            None => before.equity - loss,
            // More is set aside for what it adds, and less for what it closes.
            Some(leverage) => {
                let set_aside = |entry: Fine| isolated_of(Fine(entry.0.abs()), leverage);
                let (before, after_it) = (set_aside(position.entry), set_aside(booked.entry));
                // What it closes may lose no more than its own share of that (rules 4.7).
                let flips = size.signum() == -position.size.signum();
                let released = before - if flips { Fine::ZERO } else { after_it };
                if booked.realized < Fine::ZERO && released + booked.realized < Fine::ZERO {
                    return Err(short_of_margin);
                }
                // The rest is paid from what no position has set aside, which must leave enough for the wallet's others.
                let paid = after_it - before - booked.realized + fee;
                let shared = self.margin_status_of_wallet(position.account, position.margin_wallet, None);
                if paid > Fine::ZERO && shared.spare() < paid {
                    return Err(short_of_margin);
                }
                after.equity
            }
        } - fee;
        let worse = !only_reduces || (size != 0 && after.spare() < before.spare());
        if loss > Fine::ZERO && after.spare() < Fine::ZERO && worse {
            return Err(OrderError::WouldCauseLiquidation);
        }
        Ok(())
    }

    /// What an order would trade at once, at which prices.
    fn would_fill(&self, position: &Position, market: &Market, terms: &Terms) -> WouldFill {
        let instrument = &market.instrument;
        let (kind, rate) =
            (instrument.spec().kind, self.margin_wallets[position.margin_wallet].rates().taker);
        let mut filled = WouldFill { lots: 0, value: Fine::ZERO, fee: Money::ZERO };
        let limit = terms.limit.unwrap_or(0);
        let reach = self.walk(position, terms.side, limit, terms.lots, &mut |lots, price| {
            let worth = instrument.worth(lots, Price(price));
            filled.lots += lots;
            filled.value += worth.value;
            filled.fee += fee_of(kind, &worth, rate);
        });
        if terms.order_type == OrderType::FillOrKill && reach != WalkEnd::Enough {
            filled.lots = 0;
        }
        filled
    }

    /// What would stand behind a position, and what must, if its size were this one: its own margin and
    /// P&L when it is isolated, else all there is in its wallet, as it is now.
    pub(super) fn margin_status_of(&self, position: &Position, size: i64, entry: Fine) -> MarginStatus {
        if let Some(leverage) = position.leverage {
            let market = &self.markets[position.instrument];
            let pnl = Fine(i128::from(size) * market.mark_value.0) - entry;
            let maintenance = self.maintenance_at_mark(position.instrument, size);
            return MarginStatus { equity: isolated_of(Fine(entry.0.abs()), leverage) + pnl, maintenance };
        }
        let others =
            self.margin_status_of_wallet(position.account, position.margin_wallet, Some(position.instrument));
        let own = Sides::of(size, self.maintenance_at_mark(position.instrument, size));
        MarginStatus { maintenance: self.maintenance_with(position, own), ..others }
    }

    /// What stands behind a wallet's cross positions, and what must for all but that of one contract.
    pub(super) fn margin_status_of_wallet(
        &self,
        account: AccountId,
        margin_wallet: WalletSlot,
        but_for: Option<InstrumentId>,
    ) -> MarginStatus {
        let held = self.of_wallet(account, margin_wallet).map(|slot| &self.positions[slot]);
        let set_aside = held.map(Position::set_aside).sum::<Fine>();
        let maintenance = self.netted(account, margin_wallet, |position| {
            if but_for == Some(position.instrument) {
                return Sides::default();
            }
            Sides::of(position.size, self.maintenance_at_mark(position.instrument, position.size))
        });
        MarginStatus { equity: self.equity(account, margin_wallet) - set_aside, maintenance }
    }

    /// Maintenance margin of a position at mark.
    pub(super) fn maintenance_at_mark(&self, instrument: InstrumentId, size: i64) -> Fine {
        let market = &self.markets[instrument];
        maintenance_of(&market.instrument, market.at_mark(size))
    }
}
