//! How a contract stands: its book and who holds it, brought along event by event, and the figures that are read off them.
//!
//! A book is walked, and its holders are looked over, when figures are taken and only if something of it changed since: once for
//! each minute in which it did, and for who asks. That costs a step for each price level, and for each holder.

use super::figures::{AVERAGE_OF, Figures, Holders, SideOfBook, WITHIN};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{
    AccountId, Exchange, FinePrice, Instrument, InstrumentId, MarketState, Price, Qty, Side,
};
use std::collections::BTreeMap;

/// Of so many holders one is among the largest.
const FIFTH: usize = 5;

pub(super) struct Standing {
    instrument: Instrument,
    bids: BTreeMap<Price, Qty>,
    asks: BTreeMap<Price, Qty>,
    positions: HashMap<AccountId, i64, FixedState>,
    /// Lots of all longs.
    open_interest: i128,
    pub(super) mark: Option<FinePrice>,
    /// It has come to its end: prices concern it no more.
    pub(super) is_over: bool,
    /// Whether book and holders changed since figures were taken.
    book_changed: bool,
    holders_changed: bool,
}

impl Standing {
    /// A contract that was just listed.
    pub(super) fn new(instrument: Instrument) -> Self {
        Self {
            instrument,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            positions: HashMap::default(),
            open_interest: 0,
            mark: None,
            is_over: false,
            book_changed: true,
            holders_changed: true,
        }
    }

    /// A contract as the exchange has it, but for its holders.
    pub(super) fn of(exchange: &Exchange, id: InstrumentId, instrument: &Instrument) -> Self {
        let levels = |side| exchange.depth(id, side, usize::MAX).into_iter().collect();
        let market = exchange.market(id);
        Self {
            bids: levels(Side::Buy),
            asks: levels(Side::Sell),
            mark: market.and_then(|market| market.mark),
            is_over: market.is_some_and(|market| market.state == MarketState::Expired),
            ..Self::new(instrument.clone())
        }
    }

    pub(super) fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    pub(super) fn open_interest(&self) -> i128 {
        self.open_interest
    }

    /// So much is open at a price now.
    pub(super) fn level(&mut self, side: Side, price: Price, qty: Qty) {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        if qty.0 == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, qty);
        }
        self.book_changed = true;
    }

    /// An account holds so many lots now.
    pub(super) fn holds(&mut self, account: AccountId, lots: i64) {
        let before = match lots {
            0 => self.positions.remove(&account),
            lots => self.positions.insert(account, lots),
        };
        self.open_interest += i128::from(lots.max(0)) - i128::from(before.unwrap_or(0).max(0));
        self.holders_changed = true;
    }

    /// Whether figures that were taken before are of another contract than this has become.
    pub(super) fn differs(&self, figures: &Figures, index: Option<FinePrice>) -> bool {
        let prices = self.mark != figures.mark || index != figures.index;
        self.book_changed || self.holders_changed || prices && !self.is_over
    }

    /// Takes the figures of now: what is put into those of each stretch that ends with them.
    pub(super) fn take(&mut self, index: Option<FinePrice>) -> impl Fn(&mut Figures) + use<> {
        let book = std::mem::take(&mut self.book_changed).then(|| self.book());
        let holders = std::mem::take(&mut self.holders_changed).then(|| self.holders());
        let prices = (!self.is_over).then_some((self.mark, index));
        move |figures| {
            if let Some((bids, asks)) = &book {
                (figures.bids, figures.asks) = (bids.clone(), asks.clone());
            }
            if let Some((holders, largest)) = holders {
                (figures.holders, figures.largest) = (holders, largest);
            }
            if let Some((mark, index)) = prices {
                (figures.mark, figures.index) = (mark, index);
            }
        }
    }

    /// Both sides of the book.
    fn book(&self) -> (SideOfBook, SideOfBook) {
        let level = |(price, qty): (&Price, &Qty)| (*price, *qty);
        let bids = self.side(self.bids.iter().rev().map(level), |price, best, thousandths| {
            price * 1_000 >= best * (1_000 - thousandths)
        });
        let asks = self.side(self.asks.iter().map(level), |price, best, thousandths| {
            price * 1_000 <= best * (1_000 + thousandths)
        });
        (bids, asks)
    }

    /// One side, of its levels from the best one on. `is_within` says whether a price is so many thousandths from the best.
    fn side(
        &self,
        levels: impl Iterator<Item = (Price, Qty)> + Clone,
        is_within: impl Fn(i64, i64, i64) -> bool,
    ) -> SideOfBook {
        let Some((best, _)) = levels.clone().next() else { return SideOfBook::default() };
        let mut within = [0; WITHIN.len()];
        for (price, qty) in levels.clone() {
            // Ticks are at most 10^9, so that their products fit.
            let nearest = WITHIN.iter().position(|distance| is_within(price.0, best.0, *distance));
            let Some(nearest) = nearest else { break };
            within[nearest] += i128::from(qty.0);
        }
        for at in 1..within.len() {
            within[at] += within[at - 1];
        }
        let average = AVERAGE_OF.map(|value| self.instrument.average_of(levels.clone(), value));
        SideOfBook { best: Some(best), within, average }
    }

    /// All holders, and the fifth of them, rounded up, with the largest positions; of two that are as large, the account that was
    /// opened first.
    fn holders(&self) -> (Holders, Holders) {
        let mut all: Vec<(u64, AccountId, i64)> =
            self.positions.iter().map(|(account, lots)| (lots.unsigned_abs(), *account, *lots)).collect();
        let count = all.len().div_ceil(FIFTH);
        if count > 0 {
            let order = |(size, account, _): &(u64, AccountId, i64)| (std::cmp::Reverse(*size), *account);
            all.select_nth_unstable_by_key(count - 1, order);
        }
        let sum = |of: &[(u64, AccountId, i64)]| {
            let mut sum = Holders::default();
            for (size, _, lots) in of {
                let side = if *lots > 0 { &mut sum.longs } else { &mut sum.shorts };
                *side += 1;
                sum.lots += i128::from(*size);
            }
            sum
        };
        (sum(&all), sum(&all[..count]))
    }
}
