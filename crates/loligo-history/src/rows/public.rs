//! Rows of markets, which are kept for a while. There are many: a live market trades seven times a second and moves fifty orders.

use rusqlite::types::Value;

use crate::columns::{Cells, Columns, columns, packed};
use crate::packing::{NotWhole, Pack, Packed, Packer};

/// What an update changed of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarlierPublic {
    /// What was open.
    pub open: i64,
    /// Its limit, in ticks.
    pub price: i64,
    /// How long before the event it had last changed, in milliseconds.
    pub updated_ago: u64,
}

/// What everybody may know of an order in an event, beyond what stands in the event's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDetails {
    /// How it trades.
    pub kind: u8,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// How long before the event it was placed, in milliseconds.
    pub placed_ago: u64,
    /// How long before the event it had last changed, in milliseconds.
    pub updated_ago: u64,
    /// The order before an update.
    pub old: Option<EarlierPublic>,
    /// What was cut from its size.
    pub reduced: Option<i64>,
}

columns! {
    /// What happened to an order of a market.
    pub struct PublicOrderEvent {
        /// What: one of [`super::kinds`].
        kind: u8,
        /// Why.
        reason: Option<u8>,
        /// The check that refused it.
        error: Option<u8>,
        /// Its number.
        number: u64,
        /// It sells.
        sell: bool,
        /// What is open of it.
        open: i64,
        /// Its limit.
        price: i64,
        /// The rest, packed.
        details: OrderDetails,
    }
}

/// One side of a trade, as it was just before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideDetails {
    /// The order's number.
    pub number: u64,
    /// How it trades.
    pub kind: u8,
    /// Only shrinks a position.
    pub reduce_only: bool,
    /// What was open of it.
    pub open: i64,
    /// How long before the trade it was placed, in milliseconds.
    pub placed_ago: u64,
    /// How long before the trade it had last changed, in milliseconds.
    pub updated_ago: u64,
}

/// What everybody may know of the two orders of a trade. The one that rested had the trade's price for a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeDetails {
    /// The order that rested.
    pub maker: SideDetails,
    /// The order that came.
    pub taker: SideDetails,
    /// How much better than its limit the order that came was filled, in ticks.
    pub taker_improved: i64,
    /// The order that came, before the edit that brought it.
    pub old_taker: Option<EarlierPublic>,
    /// What was cut from it when it came.
    pub taker_reduced: Option<i64>,
}

/// A trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicExecution {
    /// Its number.
    pub number: u64,
    /// The order that came sold.
    pub sell: bool,
    /// How many lots.
    pub qty: i64,
    /// At which price.
    pub price: i64,
    /// What it was worth, in hundredths of a USD.
    pub usd_cents: i64,
    /// The mark price then: this, with so many digits behind the point.
    pub mark: i64,
    /// How many digits of the mark price stand behind the point.
    pub mark_scale: u8,
    /// The two orders.
    pub details: TradeDetails,
}

columns! {
    /// A contract's mark price from then on.
    pub struct MarkPrice {
        /// The digits.
        mantissa: i64,
        /// How many of them stand behind the point.
        scale: u8,
    }
}

/// Bits of the first packed byte.
mod flags {
    pub(super) const REDUCE_ONLY: u8 = 1;
    pub(super) const TAKER_REDUCE_ONLY: u8 = 2;
    /// It had changed since it was placed.
    pub(super) const CHANGED: u8 = 4;
    pub(super) const TAKER_CHANGED: u8 = 8;
    pub(super) const OLD: u8 = 16;
    pub(super) const REDUCED: u8 = 32;
    /// All that was open of it was traded.
    pub(super) const WHOLE: u8 = 64;
    pub(super) const TAKER_WHOLE: u8 = 128;
}

fn flag(set: bool, flag: u8) -> u8 {
    if set { flag } else { 0 }
}

impl Pack for EarlierPublic {
    fn pack(&self, into: &mut Packer) {
        into.signed(self.open).signed(self.price).number(self.updated_ago);
    }

    fn unpack(from: &mut Packed<'_>) -> Result<Self, NotWhole> {
        Ok(Self { open: from.signed()?, price: from.signed()?, updated_ago: from.number()? })
    }
}

impl Pack for OrderDetails {
    fn pack(&self, into: &mut Packer) {
        let Self { kind, reduce_only, placed_ago, updated_ago, old, reduced } = self;
        into.byte(
            flag(*reduce_only, flags::REDUCE_ONLY)
                | flag(updated_ago != placed_ago, flags::CHANGED)
                | flag(old.is_some(), flags::OLD)
                | flag(reduced.is_some(), flags::REDUCED),
        );
        into.byte(*kind).number(*placed_ago);
        if updated_ago != placed_ago {
            into.number(*updated_ago);
        }
        if let Some(old) = old {
            old.pack(into);
        }
        if let Some(reduced) = reduced {
            into.signed(*reduced);
        }
    }

    fn unpack(from: &mut Packed<'_>) -> Result<Self, NotWhole> {
        let set = from.byte()?;
        let is = |flag: u8| set & flag != 0;
        let (kind, placed_ago) = (from.byte()?, from.number()?);
        Ok(Self {
            kind,
            reduce_only: is(flags::REDUCE_ONLY),
            placed_ago,
            updated_ago: from.number_if(is(flags::CHANGED))?.unwrap_or(placed_ago),
            old: is(flags::OLD).then(|| EarlierPublic::unpack(from)).transpose()?,
            reduced: from.signed_if(is(flags::REDUCED))?,
        })
    }
}

packed!(OrderDetails);

/// What of a trade does not stand in columns. The lots of the trade are not in it: where an order was filled whole, they are what
/// was open of it.
struct TradePacked {
    mark: i64,
    mark_scale: u8,
    /// What was open of an order is told where it is not what was traded.
    open: [Option<i64>; 2],
    details: TradeDetails,
}

impl Pack for TradePacked {
    fn pack(&self, into: &mut Packer) {
        let Self { mark, mark_scale, open: [maker_open, taker_open], details } = self;
        let TradeDetails { maker, taker, taker_improved, old_taker, taker_reduced } = details;
        let changed = |side: &SideDetails| side.updated_ago != side.placed_ago;
        into.byte(
            flag(maker.reduce_only, flags::REDUCE_ONLY)
                | flag(taker.reduce_only, flags::TAKER_REDUCE_ONLY)
                | flag(changed(maker), flags::CHANGED)
                | flag(changed(taker), flags::TAKER_CHANGED)
                | flag(old_taker.is_some(), flags::OLD)
                | flag(taker_reduced.is_some(), flags::REDUCED)
                | flag(maker_open.is_none(), flags::WHOLE)
                | flag(taker_open.is_none(), flags::TAKER_WHOLE),
        );
        into.byte(*mark_scale).signed(*mark).number(taker.number);
        into.signed(taker.number.wrapping_sub(maker.number).cast_signed());
        for (side, open) in [(maker, maker_open), (taker, taker_open)] {
            into.byte(side.kind).number(side.placed_ago);
            if changed(side) {
                into.number(side.updated_ago);
            }
            if let Some(open) = open {
                into.signed(*open);
            }
        }
        into.signed(*taker_improved);
        if let Some(old) = old_taker {
            old.pack(into);
        }
        if let Some(reduced) = taker_reduced {
            into.signed(*reduced);
        }
    }

    fn unpack(from: &mut Packed<'_>) -> Result<Self, NotWhole> {
        let set = from.byte()?;
        let is = |flag: u8| set & flag != 0;
        let (mark_scale, mark, taker) = (from.byte()?, from.signed()?, from.number()?);
        let maker = taker.wrapping_sub(from.signed()?.cast_unsigned());
        let mut side = |number, [reduce_only, changed, whole]: [u8; 3]| {
            let (kind, placed_ago) = (from.byte()?, from.number()?);
            let updated_ago = from.number_if(is(changed))?.unwrap_or(placed_ago);
            let open = from.signed_if(!is(whole))?;
            let reduce_only = is(reduce_only);
            let side = SideDetails { number, kind, reduce_only, open: 0, placed_ago, updated_ago };
            Ok((side, open))
        };
        let (maker, maker_open) = side(maker, [flags::REDUCE_ONLY, flags::CHANGED, flags::WHOLE])?;
        let (taker, taker_open) =
            side(taker, [flags::TAKER_REDUCE_ONLY, flags::TAKER_CHANGED, flags::TAKER_WHOLE])?;
        let details = TradeDetails {
            maker,
            taker,
            taker_improved: from.signed()?,
            old_taker: is(flags::OLD).then(|| EarlierPublic::unpack(from)).transpose()?,
            taker_reduced: from.signed_if(is(flags::REDUCED))?,
        };
        Ok(Self { mark, mark_scale, open: [maker_open, taker_open], details })
    }
}

packed!(TradePacked);

/// The columns are those that people look for; the rest is packed.
impl Columns for PublicExecution {
    const WIDTH: usize = 6;

    fn define(name: &str, nullable: bool, out: &mut Vec<String>) {
        let prefix = if name.is_empty() { String::new() } else { format!("{name}_") };
        u64::define(&format!("{prefix}number"), nullable, out);
        bool::define(&format!("{prefix}sell"), nullable, out);
        for column in ["qty", "price", "usd_cents"] {
            i64::define(&format!("{prefix}{column}"), nullable, out);
        }
        TradePacked::define(&format!("{prefix}details"), nullable, out);
    }

    fn put(&self, out: &mut Vec<Value>) {
        let Self { number, sell, qty, price, usd_cents, mark, mark_scale, details } = self;
        number.put(out);
        sell.put(out);
        for column in [qty, price, usd_cents] {
            column.put(out);
        }
        let open = [&details.maker, &details.taker].map(|side| (side.open != *qty).then_some(side.open));
        TradePacked { mark: *mark, mark_scale: *mark_scale, open, details: details.clone() }.put(out);
    }

    fn take(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
        let (number, sell) = (cells.cell::<i64>()?.cast_unsigned(), cells.cell()?);
        let [qty, price, usd_cents] = [cells.cell()?, cells.cell()?, cells.cell()?];
        let TradePacked { mark, mark_scale, open: [maker, taker], mut details } = TradePacked::take(cells)?;
        (details.maker.open, details.taker.open) = (maker.unwrap_or(qty), taker.unwrap_or(qty));
        Ok(Self { number, sell, qty, price, usd_cents, mark, mark_scale, details })
    }
}
