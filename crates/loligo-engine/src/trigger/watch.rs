//! The waiting triggers of one contract, in the order in which prices reach them.
//!
//! A price that reaches none costs a look at the nearest of each side, however many wait. A trailing stop stands in two
//! places: where its trigger price fires it, and where its signal moves that price next.

use super::{Signal, TriggerSide};
use crate::id::OrderId;
use crate::money::FinePrice;
use std::collections::BTreeSet;

/// A waiting trigger in one of the orders kept here: by trigger price in ticks, or by the signal that moves it.
type Place<K> = (K, OrderId, u32);

/// A trigger that a price has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub order: OrderId,
    pub slot: u32,
}

/// Triggers that watch one signal.
#[derive(Debug, Default)]
struct Watch {
    above: BTreeSet<Place<i64>>,
    below: BTreeSet<Place<i64>>,
    /// Trailing stops of sells move up when the signal goes above their key, those of buys down when it goes below.
    rising: BTreeSet<Place<i128>>,
    falling: BTreeSet<Place<i128>>,
}

/// All waiting triggers of one contract.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    by_signal: [Watch; 3],
    count: usize,
}

/// Where a waiting trigger stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub due: Due,
    pub signal: Signal,
    pub side: TriggerSide,
    /// Its trigger price in ticks.
    pub price: i64,
    /// Of a trailing stop: its trigger price moves when the signal goes beyond this.
    pub moves_beyond: Option<i128>,
}

impl Watches {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn insert(&mut self, waiting: &Waiting) {
        let Waiting { due: Due { order, slot }, signal, side, price, moves_beyond } = *waiting;
        let watch = &mut self.by_signal[signal as usize];
        let added = match side {
            TriggerSide::Above => watch.above.insert((price, order, slot)),
            TriggerSide::Below => watch.below.insert((price, order, slot)),
        };
        debug_assert!(added, "a trigger waits once");
        self.count += 1;
        if let Some(key) = moves_beyond {
            // A trailing sell fires below its signal and follows it up.
            match side {
                TriggerSide::Below => watch.rising.insert((key, order, slot)),
                TriggerSide::Above => watch.falling.insert((key, order, slot)),
            };
        }
    }

    /// Takes a trigger out; no matter if it was reached and is out already.
    pub fn remove(&mut self, waiting: &Waiting) {
        let Waiting { due: Due { order, slot }, signal, side, price, moves_beyond } = *waiting;
        let watch = &mut self.by_signal[signal as usize];
        let removed = match side {
            TriggerSide::Above => watch.above.remove(&(price, order, slot)),
            TriggerSide::Below => watch.below.remove(&(price, order, slot)),
        };
        self.count -= usize::from(removed);
        if let Some(key) = moves_beyond {
            match side {
                TriggerSide::Below => watch.rising.remove(&(key, order, slot)),
                TriggerSide::Above => watch.falling.remove(&(key, order, slot)),
            };
        }
    }

    /// Takes out the next trailing stop that a signal at `value` moves, but for its trigger price: [`Watches::move_to`]
    /// puts it back.
    pub fn next_to_move(&mut self, signal: Signal, value: FinePrice) -> Option<Due> {
        let watch = &mut self.by_signal[signal as usize];
        let next = if watch.rising.first().is_some_and(|(key, ..)| *key < value.0) {
            watch.rising.pop_first()
        } else if watch.falling.last().is_some_and(|(key, ..)| *key > value.0) {
            watch.falling.pop_last()
        } else {
            None
        };
        next.map(|(_, order, slot)| Due { order, slot })
    }

    /// Puts a trailing stop that is to move where it is now; it stood at the trigger price `from`.
    pub fn move_to(&mut self, waiting: &Waiting, from: i64) {
        self.remove(&Waiting { price: from, moves_beyond: None, ..*waiting });
        self.insert(waiting);
    }

    /// True when a signal from `floor` to `ceil` ticks (the same when it is on the tick) reaches any trigger.
    #[inline]
    pub fn reaches_any(&self, signal: Signal, floor: i64, ceil: i64) -> bool {
        let watch = &self.by_signal[signal as usize];
        watch.above.first().is_some_and(|(price, ..)| *price <= floor)
            || watch.below.last().is_some_and(|(price, ..)| *price >= ceil)
    }

    /// Every trigger that such a signal reaches, with its trigger price.
    pub fn reached(&self, signal: Signal, floor: i64, ceil: i64) -> Vec<(i64, Due)> {
        let watch = &self.by_signal[signal as usize];
        let above = watch.above.iter().take_while(|(price, ..)| *price <= floor);
        let below = watch.below.iter().rev().take_while(|(price, ..)| *price >= ceil);
        above.chain(below).map(|(price, order, slot)| (*price, Due { order: *order, slot: *slot })).collect()
    }
}
