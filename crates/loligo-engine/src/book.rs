//! One contract's resting orders: price levels in price order, each a queue in time order. The book knows queues and
//! quantities; accounts, money and reasons are not its business.

mod ladder;

use crate::id::{Price, Qty, Side};
use crate::order::{NIL, Orders};
use ladder::Ladder;

/// One price's queue.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub price: i64,
    /// Sum of open lots.
    pub qty: i64,
    /// First and last order of the queue.
    pub head: u32,
    pub tail: u32,
}

/// Both sides of one contract. They never overlap, so one ladder of prices holds both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    levels: Vec<Level>,
    free: Vec<u32>,
    ladder: Ladder,
    best: Best,
}

/// Level slots of the best prices; `NIL` for an empty side.
#[derive(Clone, Debug)]
struct Best {
    bid: u32,
    ask: u32,
}

impl Default for Best {
    fn default() -> Self {
        Self { bid: NIL, ask: NIL }
    }
}

/// True when `price` is better than `other` for orders of a side.
#[inline]
fn is_better(side: Side, price: i64, other: i64) -> bool {
    match side {
        Side::Buy => price > other,
        Side::Sell => price < other,
    }
}

impl Book {
    /// Best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<&Level> {
        self.levels.get(self.best_slot(side) as usize)
    }

    #[inline]
    fn best_slot(&self, side: Side) -> u32 {
        match side {
            Side::Buy => self.best.bid,
            Side::Sell => self.best.ask,
        }
    }

    fn set_best(&mut self, side: Side, level: u32) {
        match side {
            Side::Buy => self.best.bid = level,
            Side::Sell => self.best.ask = level,
        }
    }

    /// True when an order of `side` with this limit would meet the best opposite price.
    #[inline]
    pub fn crosses(&self, side: Side, limit: i64) -> bool {
        self.best(side.opposite()).is_some_and(|level| !is_better(side, level.price, limit))
    }

    /// Appends an order to the queue of its price; gives the level's quantity now.
    #[inline]
    pub fn enter(&mut self, orders: &mut Orders, slot: u32) -> Qty {
        let order = orders.get_mut(slot);
        let (side, price, open) = (order.side, order.price, order.open());
        let mut level_slot = self.ladder.get(price);
        if level_slot == NIL {
            level_slot = self.add_level(side, price);
        }
        let level = &mut self.levels[level_slot as usize];
        level.qty += open;
        let tail = std::mem::replace(&mut level.tail, slot);
        order.level = level_slot;
        order.prev = tail;
        order.next = NIL;
        if tail == NIL {
            level.head = slot;
        } else {
            orders.get_mut(tail).next = slot;
        }
        Qty(level.qty)
    }

    fn add_level(&mut self, side: Side, price: i64) -> u32 {
        let level = Level { price, qty: 0, head: NIL, tail: NIL };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.levels[slot as usize] = level;
                slot
            }
            None => {
                self.levels.push(level);
                (self.levels.len() - 1) as u32
            }
        };
        self.list_level(side, price, slot);
        slot
    }

    fn list_level(&mut self, side: Side, price: i64, slot: u32) {
        self.ladder.insert(price, slot);
        if self.best(side).is_none_or(|best| is_better(side, price, best.price)) {
            self.set_best(side, slot);
        }
    }

    /// Takes an order out of its queue; gives the level's quantity now (zero: the level is gone).
    #[inline]
    pub fn leave(&mut self, orders: &mut Orders, slot: u32) -> Qty {
        let order = orders.get_mut(slot);
        let (side, level_slot, prev, next, open) =
            (order.side, order.level, order.prev, order.next, order.open());
        order.level = NIL;
        let level = &mut self.levels[level_slot as usize];
        level.qty -= open;
        let qty = level.qty;
        match prev {
            NIL => level.head = next,
            prev => orders.get_mut(prev).next = next,
        }
        match next {
            NIL => level.tail = prev,
            next => orders.get_mut(next).prev = prev,
        }
        if prev == NIL && next == NIL {
            self.drop_level(side, level_slot);
        }
        Qty(qty)
    }

    fn drop_level(&mut self, side: Side, slot: u32) {
        let price = self.levels[slot as usize].price;
        self.ladder.remove(price);
        self.free.push(slot);
        if self.best_slot(side) == slot {
            // Prices beyond the touch belong to this side as far as they go: the other side begins at its own touch.
            self.set_best(side, self.behind(side, price));
        }
    }

    /// Slot of the next level of a side after this price, away from the touch.
    fn behind(&self, side: Side, price: i64) -> u32 {
        match side {
            Side::Buy => self.ladder.below(price),
            Side::Sell => self.ladder.above(price),
        }
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
        std::iter::successors(self.best(side), move |level| {
            self.levels.get(self.behind(side, level.price) as usize)
        })
    }

    /// Slots of a side's orders, the best price first, at one price in the order of their queue.
    pub fn queued(&self, side: Side, orders: &Orders) -> impl Iterator<Item = u32> {
        self.levels(side).flat_map(|level| {
            let behind = |slot: &u32| Some(orders.get(*slot).next).filter(|next| *next != NIL);
            std::iter::successors(Some(level.head), behind)
        })
    }

    /// Price and quantity of the best level.
    pub fn touch(&self, side: Side) -> Option<(Price, Qty)> {
        self.best(side).map(|level| (Price(level.price), Qty(level.qty)))
    }

    /// How many prices have orders, on both sides.
    pub fn level_count(&self) -> usize {
        self.levels.len() - self.free.len()
    }
}
