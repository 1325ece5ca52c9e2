//! One contract's resting orders: price levels in price order, each a queue in time order. The book knows queues and
//! quantities; accounts, money and reasons are not its business.

use crate::id::{Price, Qty, Side};
use crate::order::{NIL, Orders};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One price's queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Level {
    pub price: i64,
    /// Sum of open lots.
    pub qty: i64,
    /// First and last order of the queue.
    pub head: u32,
    pub tail: u32,
}

/// Both sides of one contract.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    /// Level slots by rank: the least key is the best price of either side.
    bids: BTreeMap<i64, u32>,
    asks: BTreeMap<i64, u32>,
    levels: Vec<Level>,
    free: Vec<u32>,
}

/// Key of a price among its side's levels: the better, the less.
fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => -price,
        Side::Sell => price,
    }
}

impl Book {
    /// Best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<&Level> {
        self.side(side).first_key_value().map(|(_, slot)| &self.levels[*slot as usize])
    }

    /// True when an order of `side` with this limit would meet the best opposite price.
    #[inline]
    pub fn crosses(&self, side: Side, limit: i64) -> bool {
        self.best(side.opposite()).is_some_and(|level| match side {
            Side::Buy => level.price <= limit,
            Side::Sell => level.price >= limit,
        })
    }

    /// Appends an order to the queue of its price; gives the level's quantity now.
    pub fn enter(&mut self, orders: &mut Orders, slot: u32) -> Qty {
        let (side, price, open) = {
            let order = orders.get(slot);
            (order.side, order.price, order.open())
        };
        let Self { bids, asks, levels, free } = self;
        let side_levels = if side == Side::Buy { bids } else { asks };
        let level_slot = *side_levels.entry(rank(side, price)).or_insert_with(|| {
            let level = Level { price, qty: 0, head: NIL, tail: NIL };
            match free.pop() {
                Some(at) => {
                    levels[at as usize] = level;
                    at
                }
                None => {
                    levels.push(level);
                    (levels.len() - 1) as u32
                }
            }
        });
        let level = &mut levels[level_slot as usize];
        level.qty += open;
        let tail = std::mem::replace(&mut level.tail, slot);
        if tail == NIL {
            level.head = slot;
        } else {
            orders.get_mut(tail).next = slot;
        }
        let order = orders.get_mut(slot);
        order.level = level_slot;
        order.prev = tail;
        order.next = NIL;
        Qty(level.qty)
    }

    /// Takes an order out of its queue; gives the level's quantity now (zero: the level is gone).
    pub fn leave(&mut self, orders: &mut Orders, slot: u32) -> Qty {
        let order = orders.get_mut(slot);
        let (side, level_slot, prev, next, open) =
            (order.side, order.level, order.prev, order.next, order.open());
        order.level = NIL;
        if prev != NIL {
            orders.get_mut(prev).next = next;
        }
        if next != NIL {
            orders.get_mut(next).prev = prev;
        }
        let level = &mut self.levels[level_slot as usize];
        level.qty -= open;
        if prev == NIL {
            level.head = next;
        }
        if next == NIL {
            level.tail = prev;
        }
        let qty = level.qty;
        if level.head == NIL {
            let key = rank(side, level.price);
            if side == Side::Buy { &mut self.bids } else { &mut self.asks }.remove(&key);
            self.free.push(level_slot);
        }
        Qty(qty)
    }

    /// Lowers the quantity of a level after an order in it got smaller in place; gives what is left there.
    #[inline]
    pub fn shrink(&mut self, level: u32, by: i64) -> Qty {
        let level = &mut self.levels[level as usize];
        level.qty -= by;
        Qty(level.qty)
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = &Level> {
        self.side(side).values().map(|slot| &self.levels[*slot as usize])
    }

    /// Price and quantity of the best level.
    pub fn touch(&self, side: Side) -> Option<(Price, Qty)> {
        self.best(side).map(|level| (Price(level.price), Qty(level.qty)))
    }

    fn side(&self, side: Side) -> &BTreeMap<i64, u32> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }
}
