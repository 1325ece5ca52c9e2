//! One contract's resting orders: price levels in price order, each a queue in time order. The book knows queues and
//! quantities; accounts, money and reasons are not its business.

mod price_tree;

use crate::id::{Price, Qty, Side};
use crate::order::Orders;
use crate::slot::{LevelSlot, Maybe, OrderSlot, Table};
use price_tree::PriceTree;

/// One price's queue.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    pub price: i64,
    /// Sum of open lots.
    pub qty: i64,
    /// First and last order of the queue.
    pub head: OrderSlot,
    pub tail: OrderSlot,
}

/// Both sides of one contract. They never overlap, so one price tree of prices holds both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    levels: Table<LevelSlot, Level>,
    free: Vec<LevelSlot>,
    tree: PriceTree,
    best: Best,
}

/// Levels of the best prices; none on an empty side.
#[derive(Clone, Debug)]
struct Best {
    bid: Maybe<LevelSlot>,
    ask: Maybe<LevelSlot>,
}

impl Default for Best {
    fn default() -> Self {
        Self { bid: Maybe::NONE, ask: Maybe::NONE }
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
        self.best_slot(side).get().map(|slot| &self.levels[slot])
    }

    #[inline]
    fn best_slot(&self, side: Side) -> Maybe<LevelSlot> {
        match side {
            Side::Buy => self.best.bid,
            Side::Sell => self.best.ask,
        }
    }

    fn set_best(&mut self, side: Side, level: Maybe<LevelSlot>) {
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
    pub fn enter(&mut self, orders: &mut Orders, slot: OrderSlot) -> Qty {
        let order = orders.get_mut(slot);
        let (side, price, open) = (order.side, order.price, order.open());
        order.next = Maybe::NONE;
        let Some(level_slot) = self.tree.get(price).get() else {
            order.level = self.add_level(side, price, open, slot).into();
            order.prev = Maybe::NONE;
            return Qty(open);
        };
        let level = &mut self.levels[level_slot];
        level.qty += open;
        let qty = level.qty;
        let tail = std::mem::replace(&mut level.tail, slot);
        order.level = level_slot.into();
        order.prev = tail.into();
        orders.get_mut(tail).next = slot.into();
        Qty(qty)
    }

    /// A level with its first order.
    fn add_level(&mut self, side: Side, price: i64, qty: i64, order: OrderSlot) -> LevelSlot {
        let level = Level { price, qty, head: order, tail: order };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.levels[slot] = level;
                slot
            }
            None => self.levels.push(level),
        };
        self.list_level(side, price, slot);
        slot
    }

    fn list_level(&mut self, side: Side, price: i64, slot: LevelSlot) {
        self.tree.insert(price, slot);
        if self.best(side).is_none_or(|best| is_better(side, price, best.price)) {
            self.set_best(side, slot.into());
        }
    }

    /// Takes an order out of its queue; gives the level's quantity now (zero: the level is gone).
    #[inline]
    pub fn leave(&mut self, orders: &mut Orders, slot: OrderSlot) -> Qty {
        let order = orders.get_mut(slot);
        let (side, prev, next, open) = (order.side, order.prev.get(), order.next.get(), order.open());
        let level_slot = order.level.known();
        order.level = Maybe::NONE;
        let level = &mut self.levels[level_slot];
        level.qty -= open;
        let qty = level.qty;
        match (prev, next) {
            (None, None) => self.drop_level(side, level_slot),
            (None, Some(next)) => {
                level.head = next;
                orders.get_mut(next).prev = Maybe::NONE;
            }
            (Some(prev), None) => {
                level.tail = prev;
                orders.get_mut(prev).next = Maybe::NONE;
            }
            (Some(prev), Some(next)) => {
                orders.get_mut(prev).next = next.into();
                orders.get_mut(next).prev = prev.into();
            }
        }
        Qty(qty)
    }

    fn drop_level(&mut self, side: Side, slot: LevelSlot) {
        let price = self.levels[slot].price;
        self.tree.remove(price);
        self.free.push(slot);
        if self.best_slot(side) == slot.into() {
            // Prices beyond the touch belong to this side as far as they go: the other side begins at its own touch.
            self.set_best(side, self.behind(side, price));
        }
    }

    /// The next level of a side after this price, away from the touch.
    fn behind(&self, side: Side, price: i64) -> Maybe<LevelSlot> {
        match side {
            Side::Buy => self.tree.below(price),
            Side::Sell => self.tree.above(price),
        }
    }

    /// Lowers the quantity of a level after an order in it got smaller in place; gives what is left there.
    #[inline]
    pub fn shrink(&mut self, level: LevelSlot, by: i64) -> Qty {
        let level = &mut self.levels[level];
        level.qty -= by;
        Qty(level.qty)
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = &Level> {
        std::iter::successors(self.best(side), move |level| {
            self.behind(side, level.price).get().map(|slot| &self.levels[slot])
        })
    }

    /// Slots of a side's orders, the best price first, at one price in the order of their queue.
    pub fn queued(&self, side: Side, orders: &Orders) -> impl Iterator<Item = OrderSlot> {
        self.levels(side).flat_map(|level| {
            let behind = |slot: &OrderSlot| orders.get(*slot).next.get();
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
