//! What positions and orders need as margin (rules 4.2, 5.2 to 5.4): pure functions of what is held, at which value.
//!
//! Each slice of a value is charged at the rate of its own level, so margin is continuous in size: of linear contracts
//! levels count value, of inverse ones contracts, and the value is split over them pro rata. Always rounded up.

use crate::id::Side;
use crate::instrument::{Instrument, Leverage, MarginLevel, OpenSum};
use crate::money::{Fine, millionths_up, mul_div_up};
use crate::words::ContractKind;

/// Initial margin of a size at its value.
#[inline]
pub(crate) fn initial_of(instrument: &Instrument, size: OpenSum) -> Fine {
    let first = &instrument.spec().margin_levels[0];
    if instrument.is_first_level(size) {
        return Fine(millionths_up(size.value.0, first.initial));
    }
    in_slices(instrument, size, |level| level.initial)
}

/// Maintenance margin of a size at its value.
#[inline]
pub(crate) fn maintenance_of(instrument: &Instrument, size: OpenSum) -> Fine {
    let first = &instrument.spec().margin_levels[0];
    if instrument.is_first_level(size) {
        return Fine(millionths_up(size.value.0, first.maintenance));
    }
    in_slices(instrument, size, |level| level.maintenance)
}

/// What contracts of one underlying need for their longs, and for their shorts. They stand against each other: the greater is
/// what must be there (rules 5.2, 5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    pub long: Fine,
    pub short: Fine,
}

impl Sides {
    /// Of a position of signed size that needs so much.
    pub fn of(size: i64, margin: Fine) -> Self {
        match size >= 0 {
            true => Self { long: margin, short: Fine::ZERO },
            false => Self { long: Fine::ZERO, short: margin },
        }
    }

    pub fn need(self) -> Fine {
        self.long.max(self.short)
    }
}

impl std::ops::Add for Sides {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { long: self.long + other.long, short: self.short + other.short }
    }
}

impl std::ops::Sub for Sides {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { long: self.long - other.long, short: self.short - other.short }
    }
}

impl std::ops::AddAssign for Sides {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Margin of a value that is set apart at a leverage of its own.
pub(crate) fn isolated_of(value: Fine, leverage: Leverage) -> Fine {
    let margin = mul_div_up(value.0, i128::from(Leverage::ONE.0), i128::from(leverage.0));
    Fine(margin.expect("no leverage is below one"))
}

#[cold]
fn in_slices(instrument: &Instrument, size: OpenSum, rate: impl Fn(&MarginLevel) -> u32) -> Fine {
    let levels = &instrument.spec().margin_levels;
    let end = |at: usize| levels.get(at + 1).map_or(i128::MAX, |next| instrument.level_start(next));
    let slices = |whole: i128| {
        levels.iter().enumerate().map_while(move |(at, level)| {
            let start = instrument.level_start(level);
            (start < whole).then(|| (whole.min(end(at)) - start, level))
        })
    };
    match instrument.spec().kind {
        // Levels start at whole units of money: only the last slice can be rounded.
        ContractKind::Linear => {
            slices(size.value.0).map(|(slice, level)| Fine(millionths_up(slice, rate(level)))).sum()
        }
        ContractKind::Inverse => {
            let lots = i128::from(size.lots);
            let weight = slices(lots).map(|(slice, level)| slice * i128::from(rate(level))).sum();
            let margin = mul_div_up(size.value.0, weight, lots.max(1) * 1_000_000);
            Fine(margin.expect("a margin is not larger than its value"))
        }
    }
}

/// The level that a size reaches: the one that its last slice is charged at.
pub(crate) fn level_of(instrument: &Instrument, size: OpenSum) -> &MarginLevel {
    let levels = &instrument.spec().margin_levels;
    let whole = match instrument.spec().kind {
        ContractKind::Linear => size.value.0,
        ContractKind::Inverse => i128::from(size.lots),
    };
    let reached = levels.partition_point(|level| instrument.level_start(level) < whole);
    &levels[reached.max(1) - 1]
}

/// What a position could come to if all of its buys, or all of its sells, were done: position at entry, orders at their
/// limit. A side's orders close the position on the other side first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exposure {
    pub long: OpenSum,
    pub short: OpenSum,
    /// The position alone.
    pub open: OpenSum,
}

impl Exposure {
    pub fn new(size: i64, entry: Fine, buys: OpenSum, sells: OpenSum) -> Self {
        let open = OpenSum::of(size, entry);
        let (long, short) =
            if size >= 0 { (open + buys, beyond(sells, size)) } else { (beyond(buys, -size), open + sells) };
        Self { long, short, open }
    }

    /// With one order more that closes the position before anything that rests does: what of it goes beyond the position
    /// is added to what the resting orders of its side would open without it.
    pub fn with_first(self, size: i64, side: Side, order: OpenSum) -> Self {
        let added = beyond(order, (-side.sign() * size).max(0));
        match side {
            Side::Buy => Self { long: self.long + added, ..self },
            Side::Sell => Self { short: self.short + added, ..self },
        }
    }

    /// What each side needs of a cross position.
    pub fn sides(self, instrument: &Instrument) -> Sides {
        Sides { long: initial_of(instrument, self.long), short: initial_of(instrument, self.short) }
    }

    /// Initial margin with orders.
    pub fn margin(self, instrument: &Instrument, leverage: Option<Leverage>, size: i64) -> Fine {
        let Self { long, short, open } = self;
        if let Some(leverage) = leverage {
            let margin = |size: OpenSum| isolated_of(size.value, leverage);
            let (same, flipped) = if size >= 0 { (long, short) } else { (short, long) };
            return margin(same).max(margin(open) + margin(flipped));
        }
        if instrument.is_exact() {
            // A larger value never needs less.
            let value = long.value.max(short.value).max(open.value);
            return initial_of(instrument, OpenSum { lots: 0, value });
        }
        let margin = |size| initial_of(instrument, size);
        margin(long).max(margin(short)).max(margin(open))
    }
}

/// Initial margin with orders (rules 5.4): that of the larger side, and never less than the position's own. What is set
/// aside for an isolated position can be lost with it (rules 4.7), so nothing of that stands for what its orders would
/// open the other way: they hold the margin of it in full.
#[inline]
pub(crate) fn with_orders(
    instrument: &Instrument,
    leverage: Option<Leverage>,
    (size, entry): (i64, Fine),
    buys: OpenSum,
    sells: OpenSum,
) -> Fine {
    let open = OpenSum::of(size, entry);
    // The common case: nothing open against the position.
    let one_sided = if size >= 0 && sells.lots == 0 {
        open + buys
    } else if size <= 0 && buys.lots == 0 {
        open + sells
    } else {
        return Exposure::new(size, entry, buys, sells).margin(instrument, leverage, size);
    };
    match leverage {
        None => initial_of(instrument, one_sided),
        Some(leverage) => isolated_of(one_sided.value, leverage),
    }
}

/// The part of `orders` that is left after closing a position of `closing` lots: its value pro rata, rounded up.
#[inline]
fn beyond(orders: OpenSum, closing: i64) -> OpenSum {
    if orders.lots <= closing {
        return OpenSum::default();
    } else if closing == 0 {
        return orders;
    }
    let left = orders.lots - closing;
    let value = mul_div_up(orders.value.0, i128::from(left), i128::from(orders.lots))
        .expect("a part is not larger than the whole");
    OpenSum { lots: left, value: Fine(value) }
}
