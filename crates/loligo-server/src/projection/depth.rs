//! A contract's public book: open quantity by price.

use loligo_engine::{Price, Qty, Side};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

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
    /// The whole of it: made by the first reader after a change, shared by those who follow.
    whole: OnceLock<Arc<DepthSnapshot>>,
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
        self.whole = OnceLock::new();
    }

    pub(super) fn bid(&self) -> Option<(Price, Qty)> {
        self.bids.last_key_value().map(|(price, qty)| (*price, *qty))
    }

    pub(super) fn ask(&self) -> Option<(Price, Qty)> {
        self.asks.first_key_value().map(|(price, qty)| (*price, *qty))
    }

    /// The whole book as it is; `changes` led to it.
    pub(super) fn whole(&self, changes: u64) -> Arc<DepthSnapshot> {
        let row = |(price, qty): (&Price, &Qty)| (*price, *qty);
        let copied = || DepthSnapshot {
            bids: self.bids.iter().rev().map(row).collect(),
            asks: self.asks.iter().map(row).collect(),
            changes,
        };
        Arc::clone(self.whole.get_or_init(|| Arc::new(copied())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_sees_each_level_as_it_is_now_and_the_copy_is_shared() {
        let mut depth = Depth::default();
        for at in 1..=1_500 {
            depth.set(Side::Buy, Price(at), Qty(at));
            depth.set(Side::Sell, Price(2_000 + at), Qty(at));
        }
        for (best_bid, best_ask) in [(1_500, 2_001), (1_499, 2_002)] {
            let whole = depth.whole(7);
            assert!(Arc::ptr_eq(&whole, &depth.whole(7)), "nothing changed in between");
            assert_eq!((whole.bids.len(), whole.asks.len()), (best_bid as usize, 3_501 - best_ask as usize));
            assert_eq!(
                (whole.bids[0].0, whole.asks[0].0, whole.changes),
                (Price(best_bid), Price(best_ask), 7)
            );
            assert!(whole.bids.is_sorted_by(|a, b| a.0 > b.0) && whole.asks.is_sorted_by(|a, b| a.0 < b.0));
            depth.set(Side::Buy, Price(best_bid), Qty(0));
            depth.set(Side::Sell, Price(best_ask), Qty(0));
        }
    }
}
