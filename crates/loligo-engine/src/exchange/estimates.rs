//! What an order would need, and how large it might be: asked before it is sent. Of linear contracts alone.

use super::Exchange;
use super::place::{Terms, check_value, implied_limit};
use super::solvency::MarginStatus;
use crate::account::{Incoming, Netting, Position, book};
use crate::fees::fee_of;
use crate::id::{AccountId, InstrumentId, Price, Qty, Side};
use crate::instrument::{MAX_TICKS, OpenSum};
use crate::margin::{Sides, initial_of, isolated_of, maintenance_of};
use crate::market::Market;
use crate::money::Fine;
use crate::outcome::EstimateRefusal;
use crate::slot::WalletSlot;
use crate::view::{MarginQuote, MaxOrderSize, PositionRisk};
use crate::words::{ContractKind, OrderError, OrderType};

impl Exchange {
    /// What an order of `qty` would need: a limit order, or a market order without a limit.
    ///
    /// # Errors
    /// [`EstimateRefusal`] for an unknown account or contract, and for contracts that are not linear.
    pub fn initial_margin_of(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        limit: Option<Price>,
    ) -> Result<MarginQuote, EstimateRefusal> {
        self.with_position(account, instrument, |position, market| {
            let (terms, crosses) = terms_of(market, side, qty.0, limit);
            let mut quote = MarginQuote {
                initial_margin: Fine::ZERO,
                price: terms.limit.map(Price),
                liquidation_price: None,
                error: self.check_estimate(position, market, &terms, crosses).err(),
            };
            // What is no order has no margin.
            if let (Some(price), true) = (quote.price, is_countable(market, &terms)) {
                let value = market.instrument.worth(qty.0, price).value;
                let order = Incoming {
                    side,
                    size: OpenSum { lots: qty.0, value },
                    instead_of: OpenSum::default(),
                    closes_first: terms.closes_first(crosses),
                };
                let initial_margin = position.margin_with(&market.instrument, &order);
                let multiplier = self.pairs[market.pair()].margin_multiplier();
                let added = match position.netting {
                    Netting::Alone => initial_margin - position.initial_margin,
                    _ => self.netted_increase(position, &terms, crosses, None, initial_margin),
                };
                let added = added.max(Fine::ZERO);
                quote.initial_margin = Fine(added.0 * i128::from(multiplier));
                quote.liquidation_price = self.liquidation_price_after(position, market, &terms, price);
            }
            quote
        })
    }

    /// The largest orders of either side that would be taken now: limit orders, or market orders without a limit.
    ///
    /// # Errors
    /// As for [`Exchange::initial_margin_of`].
    pub fn max_order_size(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        limit: Option<Price>,
    ) -> Result<MaxOrderSize, EstimateRefusal> {
        self.with_position(account, instrument, |position, market| {
            let largest = |side| {
                let (priced, crosses) = terms_of(market, side, 0, limit);
                let fits =
                    |lots| self.check_estimate(position, market, &Terms { lots, ..priced }, crosses).is_ok();
                // Closing all of the position may pass where closing most of it would leave too little behind the rest.
                let closing = position.closable(side);
                let (known, most) = match closing > 0 && !fits(closing) {
                    true => (0, closing - 1),
                    false => (closing, position.room(&market.instrument, side)),
                };
                let size = if priced.limit.is_some() { last_that(fits, known, most) } else { 0 };
                (Qty(size), priced.limit.map(Price))
            };
            let ((buy, buy_price), (sell, sell_price)) = (largest(Side::Buy), largest(Side::Sell));
            MaxOrderSize { buy, sell, buy_price, sell_price }
        })
    }

    /// What stands against a position of an account; absent when it has none in that contract.
    pub fn position_risk(&self, account: AccountId, instrument: InstrumentId) -> Option<PositionRisk> {
        let market = self.markets.get(instrument)?;
        let position = &self.positions[market.position_of(account)?];
        if position.size == 0 {
            return None;
        }
        let equity = match position.leverage {
            Some(_) => position.set_aside() + market.unrealized(position),
            None => {
                self.equity(account, position.margin_wallet)
                    - self.set_aside_of(account, position.margin_wallet)
            }
        };
        // An order of nothing changes nothing, whatever its price.
        let nothing = Terms {
            side: Side::Buy,
            order_type: OrderType::Limit,
            limit: Some(1),
            lots: 0,
            reduce_only: false,
            slot: None,
            fired: false,
        };
        let liquidation_price = self.liquidation_price_after(position, market, &nothing, Price(1));
        let initial_margin = match position.leverage {
            Some(_) => position.set_aside(),
            None => initial_of(&market.instrument, OpenSum::of(position.size, position.entry)),
        };
        Some(PositionRisk {
            value_at_mark: Fine(market.at_mark(position.size).value.0.abs()),
            initial_margin,
            initial_margin_with_orders: position.initial_margin(&market.instrument),
            liquidation_price,
            equity,
        })
    }

    /// What of a wallet is set aside for isolated positions.
    fn set_aside_of(&self, account: AccountId, margin_wallet: WalletSlot) -> Fine {
        let held = self.accounts[account].positions.iter().map(|(_, slot)| &self.positions[*slot]);
        held.filter(|position| position.margin_wallet == margin_wallet).map(Position::set_aside).sum()
    }

    /// Asks about an account's position in a linear contract, an empty one without orders where it has none yet.
    fn with_position<T>(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        ask: impl FnOnce(&Position, &Market) -> T,
    ) -> Result<T, EstimateRefusal> {
        self.accounts.get(account).ok_or(EstimateRefusal::UnknownAccount)?;
        let market = self.markets.get(instrument).ok_or(EstimateRefusal::UnknownInstrument)?;
        if market.instrument.spec().kind != ContractKind::Linear {
            return Err(EstimateRefusal::NotMultiCollateral);
        }
        Ok(match market.position_of(account) {
            Some(slot) => ask(&self.positions[slot], market),
            None => ask(&self.unheld(account, self.accounts[account].flex, instrument), market),
        })
    }

    /// Rows 7 to 9 and 14 to 18, as far as they say something of an order that is not sent yet.
    fn check_estimate(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
        crosses: bool,
    ) -> Result<(), OrderError> {
        self.check_state(market, terms.order_type)?;
        // Nothing to imply a market order's limit from is nothing to trade with.
        terms.limit.ok_or(OrderError::IocWouldNotExecute)?;
        self.check_size(position, market, terms, crosses)?;
        if crosses {
            self.check_collar(position, market, terms.side, terms.limit)?;
            self.check_dislocation(position, market, terms)?;
        }
        self.check_margin(position, market, terms, crosses, None).map(|_| ())
    }

    /// Price and size are ones that an order may have, alone and with all that is held and open.
    fn check_size(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
        crosses: bool,
    ) -> Result<(), OrderError> {
        let limit = terms.limit.filter(|limit| (1..=MAX_TICKS).contains(limit));
        let limit = Price(limit.ok_or(OrderError::InvalidPrice)?);
        if !is_countable(market, terms) {
            return Err(OrderError::InvalidQuantity);
        }
        let limits = self.limits_of(position.account, position.instrument);
        let worth = match (terms.order_type, market.mark) {
            (OrderType::Market, Some(mark)) => market.instrument.notional_at(terms.lots, mark),
            _ => Some(market.instrument.notional(terms.lots, limit)),
        };
        check_value(limits.order_value_usd, worth)?;
        self.check_leverage(position, market, terms, crosses, None)?;
        if terms.lots > position.room(&market.instrument, terms.side) {
            return Err(OrderError::MaxPositionExceeded);
        }
        Ok(())
    }

    /// The mark price at which the position would be liquidated once an order has filled at its limit: the highest one
    /// for a long, the lowest one for a short.
    fn liquidation_price_after(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
        limit: Price,
    ) -> Option<Price> {
        let instrument = &market.instrument;
        let worth = instrument.worth(terms.lots, limit);
        let lots = terms.side.sign() * terms.lots;
        let value = instrument.signed(terms.side, worth.value);
        let size = position.size + lots;
        if size == 0 {
            return None;
        }
        // Equity at a mark price is what the position has gained or lost there, and this.
        let entry = match position.leverage {
            Some(_) => book(position.size, position.entry, lots, value).entry,
            None => position.entry + value,
        };
        let (account, margin_wallet) = (position.account, position.margin_wallet);
        let apart = match position.leverage {
            Some(leverage) => isolated_of(Fine(entry.0.abs()), leverage),
            None => {
                let rate = self.margin_wallets[margin_wallet].rates().taker;
                let fee = fee_of(instrument.spec().kind, &worth, rate).fine();
                let set_aside = self.set_aside_of(account, margin_wallet);
                self.equity(account, margin_wallet) - set_aside - market.unrealized_as_margin(position) - fee
            }
        };
        let maintenance = |needs: Fine| match position.leverage {
            Some(_) => needs,
            None => self.maintenance_with(position, Sides::of(size, needs)),
        };
        let is_short = |ticks: i64| {
            let at = instrument.value(size, Price(ticks));
            let pnl = at - entry;
            let counts = match position.gains_in {
                Some(currency) if position.leverage.is_none() => currency.terms().counted_gain(pnl),
                _ => pnl,
            };
            let maintenance = maintenance(maintenance_of(instrument, OpenSum::of(size, at)));
            MarginStatus { equity: apart + counts, maintenance }.is_short()
        };
        // The higher the price the better for a long, and the worse for a short.
        if size > 0 {
            let highest = last_that(is_short, 0, MAX_TICKS);
            (highest > 0).then_some(Price(highest))
        } else {
            let lowest = 1 + last_that(|ticks| !is_short(ticks), 0, MAX_TICKS);
            (lowest <= MAX_TICKS).then_some(Price(lowest))
        }
    }
}

/// True for what may be counted with: a size that could turn the greatest position into its opposite, at a price.
fn is_countable(market: &Market, terms: &Terms) -> bool {
    let most = 2 * market.instrument.spec().max_position.0;
    (1..=most).contains(&terms.lots) && terms.limit.is_none_or(|limit| (1..=MAX_TICKS).contains(&limit))
}

/// An order as margin sees it: at its limit, or the one that is implied; and whether it would meet the book.
fn terms_of(market: &Market, side: Side, lots: i64, limit: Option<Price>) -> (Terms, bool) {
    let (order_type, limit) = match limit {
        Some(limit) => (OrderType::Limit, Some(limit.0)),
        None => (OrderType::Market, implied_limit(market, side)),
    };
    let crosses = limit.is_some_and(|limit| market.book.crosses(side, limit));
    (Terms { side, order_type, limit, lots, reduce_only: false, slot: None, fired: false }, crosses)
}

/// The greatest number from `known` to `most` up to which all hold; `known` holds.
fn last_that(holds: impl Fn(i64) -> bool, known: i64, most: i64) -> i64 {
    let (mut good, mut bad) = (known, most.max(known) + 1);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if holds(middle) { good = middle } else { bad = middle }
    }
    good
}
