//! A contract's public book: open quantity by price.

use loligo_engine::{Price, Qty, Side};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Price levels of each side that everyone is shown of a book.
pub const TOP_LEVELS: usize = 1_000;

/// A book at one moment, best price first on each side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DepthSnapshot {
    /// Bids, highest first.
    pub bids: Vec<(Price, Qty)>,
    /// Asks, lowest first.
    pub asks: Vec<(Price, Qty)>,
    /// How many level changes the contract has had; rises by one with each, and goes on over restarts.
    pub changes: u64,
}

#[derive(Default)]
pub(super) struct Depth {
    bids: BTreeMap<Price, Qty>,
    asks: BTreeMap<Price, Qty>,
    /// Its [`TOP_LEVELS`]: made by the first reader after a change, shared by those who follow.
    top: OnceLock<Arc<DepthSnapshot>>,
}

impl Depth {
    pub(super) fn new(bids: Vec<(Price, Qty)>, asks: Vec<(Price, Qty)>) -> Self {
        Self { bids: bids.into_iter().collect(), asks: asks.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn set(&mut self, side: Side, price: Price, qty: Qty) {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        if qty.0 == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, qty);
        }
        self.top = OnceLock::new();
    }

    pub(super) fn bid(&self) -> Option<(Price, Qty)> {
        self.bids.last_key_value().map(|(price, qty)| (*price, *qty))
    }

    pub(super) fn ask(&self) -> Option<(Price, Qty)> {
        self.asks.first_key_value().map(|(price, qty)| (*price, *qty))
    }

    /// The whole book as it is; `changes` led to it.
    pub(super) fn whole(&self, changes: u64) -> DepthSnapshot {
        self.copied(usize::MAX, changes)
    }

    /// The best [`TOP_LEVELS`] of each side.
    pub(super) fn top(&self, changes: u64) -> Arc<DepthSnapshot> {
        Arc::clone(self.top.get_or_init(|| Arc::new(self.copied(TOP_LEVELS, changes))))
    }

    fn copied(&self, levels: usize, changes: u64) -> DepthSnapshot {
        let row = |(price, qty): (&Price, &Qty)| (*price, *qty);
        DepthSnapshot {
            bids: self.bids.iter().rev().take(levels).map(row).collect(),
            asks: self.asks.iter().take(levels).map(row).collect(),
            changes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_sees_the_best_thousand_of_each_side_as_they_are_now() {
        let mut depth = Depth::default();
        for at in 1..=1_500 {
            depth.set(Side::Buy, Price(at), Qty(at));
            depth.set(Side::Sell, Price(2_000 + at), Qty(at));
        }
        for (best_bid, best_ask) in [(1_500, 2_001), (1_499, 2_002)] {
            let (top, whole) = (depth.top(7), depth.whole(7));
            assert_eq!((top.bids.len(), top.asks.len(), top.changes), (TOP_LEVELS, TOP_LEVELS, 7));
            assert_eq!((top.bids[0].0, top.asks[0].0), (Price(best_bid), Price(best_ask)));
            assert_eq!(
                (&top.bids[..], &top.asks[..]),
                (&whole.bids[..TOP_LEVELS], &whole.asks[..TOP_LEVELS])
            );
            assert_eq!((whole.bids.len(), whole.asks.len()), (best_bid as usize, 3_501 - best_ask as usize));
            depth.set(Side::Buy, Price(best_bid), Qty(0));
            depth.set(Side::Sell, Price(best_ask), Qty(0));
        }
    }
}
