//! Row 17: a book that is too far from its index is not traded further away (rules 1.12).

use super::Exchange;
use super::place::Terms;
use super::self_trade::WalkEnd;
use crate::account::Position;
use crate::id::Side;
use crate::market::Market;
use crate::words::{Dislocation, OrderError, OrderType};

impl Exchange {
    /// An order that crosses, and could trade beyond the bound on the side to which the book is dislocated. The book is
    /// looked at only for a limit beyond a bound.
    #[inline(always)]
    pub(super) fn check_dislocation(
        &self,
        position: &Position,
        market: &Market,
        terms: &Terms,
    ) -> Result<(), OrderError> {
        let (least, most) = market.bounds;
        let limit = terms.limit.unwrap_or(least);
        let beyond = match terms.side {
            Side::Buy => limit > most,
            Side::Sell => limit < least,
        };
        if beyond && !terms.reduce_only { self.check_beyond(position, market, terms) } else { Ok(()) }
    }

    #[cold]
    fn check_beyond(&self, position: &Position, market: &Market, terms: &Terms) -> Result<(), OrderError> {
        let index = self.pairs[market.pair()].index;
        let dislocation = index.and_then(|index| market.dislocation_at(index, self.now));
        match (terms.side, dislocation) {
            (Side::Buy, Some(Dislocation::Above)) | (Side::Sell, Some(Dislocation::Below)) => {}
            (_, Some(Dislocation::Above | Dislocation::Below) | None) => return Ok(()),
        }
        let (least, most) = market.bounds;
        let mut trades_beyond = false;
        let limit = terms.limit.unwrap_or(0);
        let reach = self.walk(position, terms.side, limit, terms.lots, &mut |_, price| {
            trades_beyond |= match terms.side {
                Side::Buy => price > most,
                Side::Sell => price < least,
            };
        });
        let would_fill = terms.order_type != OrderType::FillOrKill || reach == WalkEnd::Enough;
        if trades_beyond && would_fill { Err(OrderError::PriceDislocation) } else { Ok(()) }
    }
}
