//! A contract's public book: open quantity by price.

use loligo_engine::{Price, Qty, Side};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// A whole book at one moment, best price first on each side.
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
    /// Made by the first reader after a change, shared by those who follow.
    snapshot: OnceLock<Arc<DepthSnapshot>>,
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
        self.snapshot = OnceLock::new();
    }

    pub(super) fn bid(&self) -> Option<(Price, Qty)> {
        self.bids.last_key_value().map(|(price, qty)| (*price, *qty))
    }

    pub(super) fn ask(&self) -> Option<(Price, Qty)> {
        self.asks.first_key_value().map(|(price, qty)| (*price, *qty))
    }

    /// The book as it is; `changes` led to it.
    pub(super) fn snapshot(&self, changes: u64) -> Arc<DepthSnapshot> {
        self.snapshot
            .get_or_init(|| {
                Arc::new(DepthSnapshot {
                    bids: self.bids.iter().rev().map(|(price, qty)| (*price, *qty)).collect(),
                    asks: self.asks.iter().map(|(price, qty)| (*price, *qty)).collect(),
                    changes,
                })
            })
            .clone()
    }
}
