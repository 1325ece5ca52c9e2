//! Orders that would meet orders of their own family (rules 1.10), and what a taker would reach.

use super::Exchange;
use crate::account::Position;
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, Side};
use crate::market::Market;
use crate::slot::{OrderSlot, PositionSlot};
use crate::words::{OrderError, SelfTradeStrategy, UpdateReason};

/// What a taker makes of a maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    /// Of another family: they trade.
    Trades,
    /// The maker is cancelled, the taker goes on.
    CancelsMaker,
    /// The taker is refused.
    RefusesTaker,
}

/// What a taker would meet within its limit and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WalkEnd {
    /// Enough to fill it.
    Enough,
    /// Not enough.
    Short,
    /// An order that refuses it.
    Refused,
}

impl Exchange {
    /// What a taker of one position makes of an order in the book.
    #[inline]
    pub(super) fn meeting(&self, taker: PositionSlot, maker: OrderSlot) -> Meeting {
        let maker = &self.positions[self.orders.get(maker).position];
        self.meeting_of(&self.positions[taker], maker)
    }

    #[inline]
    fn meeting_of(&self, taker: &Position, maker: &Position) -> Meeting {
        if maker.family == taker.family {
            self.family_meeting(taker.account, maker.account)
        } else {
            Meeting::Trades
        }
    }

    #[cold]
    fn family_meeting(&self, taker: AccountId, maker: AccountId) -> Meeting {
        let owner = &self.accounts[taker];
        let cancels = match self.families[owner.family].self_trade {
            SelfTradeStrategy::RejectTaker => false,
            SelfTradeStrategy::CancelMakerSelf => taker == maker,
            SelfTradeStrategy::CancelMakerChild => taker == maker || owner.parent.is_none(),
            SelfTradeStrategy::CancelMakerAny => true,
        };
        if cancels { Meeting::CancelsMaker } else { Meeting::RefusesTaker }
    }

    /// The first order that a taker trades with or is refused by; those before it would be cancelled.
    fn first_meeting(
        &self,
        position: PositionSlot,
        market: &Market,
        side: Side,
        limit: i64,
    ) -> Option<Meeting> {
        for level in market.book.levels(side.opposite()) {
            if side.sign() * (level.price - limit) > 0 {
                break;
            }
            let mut next = Some(level.head);
            while let Some(slot) = next {
                match self.meeting(position, slot) {
                    Meeting::CancelsMaker => next = self.orders.get(slot).next.get(),
                    met @ (Meeting::Trades | Meeting::RefusesTaker) => return Some(met),
                }
            }
        }
        None
    }

    /// The first order to be met must not refuse the taker.
    #[inline]
    pub(super) fn check_first_maker(
        &self,
        position: PositionSlot,
        side: Side,
        limit: i64,
    ) -> Result<(), OrderError> {
        let market = &self.markets[self.positions[position].instrument];
        let Some(level) = market.book.best(side.opposite()) else { return Ok(()) };
        let first = match self.meeting(position, level.head) {
            Meeting::CancelsMaker => self.first_meeting(position, market, side, limit),
            met @ (Meeting::Trades | Meeting::RefusesTaker) => Some(met),
        };
        if first == Some(Meeting::RefusesTaker) { Err(OrderError::WouldExecuteSelf) } else { Ok(()) }
    }

    /// True when a taker that will not rest meets nothing but makers that its coming cancels: they are cancelled.
    #[inline]
    pub(super) fn meets_only_own(
        &mut self,
        position: PositionSlot,
        side: Side,
        limit: i64,
        events: &mut Vec<Event>,
    ) -> bool {
        let market = &self.markets[self.positions[position].instrument];
        let first = market.book.best(side.opposite()).map(|level| level.head);
        let own = first.is_some_and(|head| self.meeting(position, head) == Meeting::CancelsMaker);
        own && self.first_meeting(position, market, side, limit).is_none()
            && self.cancel_own_makers(position, side, limit, events)
    }

    #[cold]
    fn cancel_own_makers(
        &mut self,
        position: PositionSlot,
        side: Side,
        limit: i64,
        events: &mut Vec<Event>,
    ) -> bool {
        let market = self.positions[position].instrument;
        while let Some(maker) =
            self.markets[market].book.best(side.opposite()).filter(|l| side.sign() * (l.price - limit) <= 0)
        {
            let maker = maker.head;
            self.remove_open(maker, UpdateReason::WouldExecuteSelf, None, events);
        }
        true
    }

    /// What a taker of so many lots would meet, without changing anything.
    pub(super) fn reach(&self, position: PositionSlot, side: Side, limit: i64, lots: i64) -> WalkEnd {
        self.walk(&self.positions[position], side, limit, lots, &mut |_, _| {})
    }

    /// Looks at the orders that a taker of so many lots would meet, without changing anything: `trades` is called with
    /// lots and price of each that it would trade with. Reduce-only makers count for what they will still have when
    /// they are met: fills before them shrink the position they close.
    pub(super) fn walk(
        &self,
        taker: &Position,
        side: Side,
        limit: i64,
        lots: i64,
        trades: &mut dyn FnMut(i64, i64),
    ) -> WalkEnd {
        self.walk_past(taker.instrument, side, limit, lots, &|maker| self.meeting_of(taker, maker), trades)
    }

    /// As [`Exchange::walk`], for a taker of whoever: it is told what it makes of a maker.
    pub(super) fn walk_past(
        &self,
        instrument: InstrumentId,
        side: Side,
        limit: i64,
        lots: i64,
        meets: &dyn Fn(&Position) -> Meeting,
        trades: &mut dyn FnMut(i64, i64),
    ) -> WalkEnd {
        let market = &self.markets[instrument];
        let mut left = lots;
        let mut met: Vec<(PositionSlot, i64)> = Vec::new();
        for level in market.book.levels(side.opposite()) {
            if side.sign() * (level.price - limit) > 0 {
                break;
            }
            let mut next = Some(level.head);
            while let Some(slot) = next {
                let order = self.orders.get(slot);
                match meets(&self.positions[order.position]) {
                    Meeting::RefusesTaker => return WalkEnd::Refused,
                    Meeting::CancelsMaker => {}
                    Meeting::Trades => {
                        let known = met.iter().position(|(position, _)| *position == order.position);
                        let at = known.unwrap_or_else(|| {
                            met.push((order.position, 0));
                            met.len() - 1
                        });
                        let mut open = order.open();
                        if order.reduce_only {
                            let closable = self.positions[order.position].closable(order.side);
                            open = open.min((closable - met[at].1).max(0));
                        }
                        met[at].1 += open;
                        if open > 0 {
                            trades(open.min(left), order.price);
                        }
                        left -= open;
                        if left <= 0 {
                            return WalkEnd::Enough;
                        }
                    }
                }
                next = order.next.get();
            }
        }
        WalkEnd::Short
    }
}
