//! The waiting triggers of one contract, in the order in which prices reach them.
//!
//! A price that reaches none costs a look at the nearest of each side, however many wait. A trailing stop stands in two
//! places: where its trigger price fires it, and where its signal moves that price next.

use crate::id::OrderId;
use crate::money::FinePrice;
use crate::slot::OrderSlot;
use crate::words::{Signal, TriggerSide};
use std::collections::BTreeSet;

/// A waiting trigger in one of the orders kept here: by trigger price in ticks, or by the signal that moves it.
type Place<K> = (K, OrderId, OrderSlot);

/// A set of so many times more is changed one by one.
const FEW: usize = 8;

/// A trigger that a price has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub order: OrderId,
    pub slot: OrderSlot,
}

/// Triggers that watch one signal.
#[derive(Clone, Debug, Default)]
struct Watch {
    above: BTreeSet<Place<i64>>,
    below: BTreeSet<Place<i64>>,
    /// Trailing stops of sells move up when the signal goes above their key, those of buys down when it goes below.
    rising: BTreeSet<Place<i128>>,
    falling: BTreeSet<Place<i128>>,
}

/// All waiting triggers of one contract.
#[derive(Clone, Debug, Default)]
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

    /// Takes out the trailing stops that a signal at `value` moves, but for their trigger prices: [`Watches::put_back`]
    /// sets them where they are then.
    pub fn take_moved(&mut self, signal: Signal, value: FinePrice) -> Vec<Due> {
        let watch = &mut self.by_signal[signal as usize];
        let rises = watch.rising.first().is_some_and(|(key, ..)| *key < value.0);
        let falls = watch.falling.last().is_some_and(|(key, ..)| *key > value.0);
        if !rises && !falls {
            return Vec::new();
        }
        let still = watch.rising.split_off(&(value.0, OrderId(0), OrderSlot::FIRST));
        let risen = std::mem::replace(&mut watch.rising, still);
        let fallen = watch.falling.split_off(&(value.0 + 1, OrderId(0), OrderSlot::FIRST));
        let due = |(_, order, slot): Place<i128>| Due { order, slot };
        risen.into_iter().map(due).chain(fallen.into_iter().rev().map(due)).collect()
    }

    /// Sets trailing stops of one signal that were taken out to be moved where they are now: with the trigger price that
    /// each came from.
    pub fn put_back(&mut self, signal: Signal, moved: &[(Waiting, i64)]) {
        let watch = &mut self.by_signal[signal as usize];
        for side in [TriggerSide::Below, TriggerSide::Above] {
            let of = || moved.iter().filter(|(waiting, _)| waiting.side == side);
            let place = |price: i64, due: &Due| (price, due.order, due.slot);
            let from = of().map(|(waiting, from)| place(*from, &waiting.due)).collect();
            let to = of().map(|(waiting, _)| place(waiting.price, &waiting.due)).collect();
            let keys = of().map(|(waiting, _)| {
                (waiting.moves_beyond.unwrap_or_default(), waiting.due.order, waiting.due.slot)
            });
            // A trailing sell fires below its signal and follows it up.
            match side {
                TriggerSide::Below => {
                    exchange(&mut watch.below, from, to);
                    exchange(&mut watch.rising, Vec::new(), keys.collect());
                }
                TriggerSide::Above => {
                    exchange(&mut watch.above, from, to);
                    exchange(&mut watch.falling, Vec::new(), keys.collect());
                }
            }
        }
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

/// Takes `from` out of a set and puts `to` into it: one by one while they are few, else in one walk.
fn exchange<T: Ord + Copy>(set: &mut BTreeSet<T>, mut from: Vec<T>, to: Vec<T>) {
    if (from.len() + to.len()) * FEW < set.len() {
        from.iter().for_each(|gone| {
            set.remove(gone);
        });
        set.extend(to);
        return;
    }
    from.sort_unstable();
    let mut gone = from.into_iter().peekable();
    let stays = |place: &T| {
        while gone.next_if(|next| next < place).is_some() {}
        gone.next_if_eq(place).is_none()
    };
    let kept = std::mem::take(set).into_iter().filter(stays);
    *set = kept.chain(to).collect();
}
