//! A maker: two quotes at the touch that follow the fair price, and behind them a ladder that stands still until the
//! price has left a rung behind, so that a second's move costs two edits and not a new book.

use super::{Participants, lots_worth, taker};
use loligo_engine::{
    CancelOrder, Command, EditOrder, Exchange, FinePrice, Instrument, InstrumentId, OnGrid, OrderId,
    OrderRef, OrderType, OrderView, PlaceOrder, QtyMode, Side, Timestamp,
};

/// Half the spread: this share of the price, at least a tick.
pub(crate) const HALF_SPREAD_SHARE: i64 = 40_000;
/// The touch stays where it is until the fair price is this many half spreads away: a basis point.
const PATIENCE: i64 = 4;
/// The step of the near ladder is the greatest power of two ticks below this share of the price: 3 to 6 basis points.
const RUNG_SHARE: i64 = 1_700;
/// A rung is at least this many ticks, so that there is always a price between two rungs for the touch.
const LEAST_RUNG: i64 = 4;
/// Rungs of the near ladder on each side.
const NEAR_RUNGS: i64 = 8;
/// Rungs of the far ladder on each side, and how many near steps each of its steps is.
const FAR_RUNGS: i64 = 4;
const FAR_STEP: i64 = 16;
/// Rungs kept beyond the last one wanted, so that a price on the edge does not cancel and place at each turn.
const SPARE_RUNGS: i64 = 2;
/// Worth of the touch in USD; a near rung holds twice, a far one ten times as much.
const TOUCH_USD: i128 = 40_000;
const NEAR_WEIGHT: i64 = 2;
const FAR_WEIGHT: i64 = 10;
/// Together the orders of one side are at most this share of the greatest position.
const POSITION_SHARE: i64 = 4;
/// Dated contracts trade this far above the index, per year to go: 4%, in millionths.
const BASIS_PPM_A_YEAR: i128 = 40_000;
const YEAR_MICROS: i128 = 31_557_600 * Timestamp::SECOND as i128;

/// What a contract is worth while the index stands at `index`: that, or for a dated contract more, the longer it has to
/// go.
pub(crate) fn fair_worth(index: FinePrice, expiry: Option<Timestamp>, now: Timestamp) -> FinePrice {
    let basis_ppm = expiry.map_or(0, |expiry| {
        let left = i128::from((expiry.0 - now.0).max(0));
        BASIS_PPM_A_YEAR * left / YEAR_MICROS
    });
    FinePrice(index.0 + index.0 / 1_000_000 * basis_ppm)
}

/// The price in ticks around which a contract trades; `None` without an index, or where ticks are too few for a book.
pub(super) fn fair_price(id: InstrumentId, now: Timestamp, exchange: &Exchange) -> Option<i64> {
    let instrument = exchange.instrument(id)?;
    let fair = fair_worth(exchange.market(id)?.index?, instrument.spec().expiry, now);
    let ticks = instrument.ticks_floor(fair).0;
    (ticks >= LEAST_RUNG * (NEAR_RUNGS + 4)).then_some(ticks)
}

/// Brings a maker's orders to where they should be around `fair`.
pub(super) fn quote(participants: Participants, fair: i64, exchange: &Exchange, commands: &mut Vec<Command>) {
    let Some(instrument) = exchange.instrument(participants.instrument) else { return };
    let orders = exchange.open_orders(participants.maker);
    let rung = rung_of(fair);
    let (ladder, touch): (Vec<&OrderView>, Vec<&OrderView>) =
        orders.iter().partition(|order| ticks_of(order) % rung == 0);
    let half_spread = (fair / HALF_SPREAD_SHARE).max(1);
    let mut bids = touch.iter().filter(|order| order.side == Side::Buy);
    let mut asks = touch.iter().filter(|order| order.side == Side::Sell);
    let (bid, ask) = (bids.next(), asks.next());

    // Both quotes stay, or both move: a quote left behind could meet the other.
    let standing = match (bid, ask) {
        (Some(bid), Some(ask)) => Some((ticks_of(bid) + ticks_of(ask)) / 2),
        _ => None,
    };
    let moved = standing.is_none_or(|standing| (standing - fair).abs() >= PATIENCE * half_spread);
    let centre = if moved { fair } else { standing.unwrap_or(fair) };
    let quoting = Quoting { participants, rung, centre, unit: unit_lots(instrument, fair) };

    // Cancels first: whatever is left behind could meet what comes.
    for order in bids.chain(asks) {
        commands.push(quoting.cancel(order.id));
    }
    for order in &ladder {
        if !quoting.keeps(order) {
            commands.push(quoting.cancel(order.id));
        }
    }
    let (low, high) = (off_rung(fair - half_spread, rung, -1), off_rung(fair + half_spread, rung, 1));
    let rising = standing.is_none_or(|standing| standing < fair);
    // The side that the price leaves behind makes room for the other, and a quote that stands for one that is new.
    let mut quotes = [(Side::Sell, ask, high), (Side::Buy, bid, low)];
    if !rising {
        quotes.reverse();
    }
    for (_, order, price) in quotes {
        let Some(order) = order else { continue };
        let price = if moved { price } else { ticks_of(order) };
        if price != ticks_of(order) || order.open_qty().0 < quoting.unit / 2 {
            commands.push(quoting.edit(order.id, price));
        }
    }
    for (side, order, price) in quotes {
        if order.is_none() {
            commands.push(quoting.place(side, price, quoting.unit));
        }
    }
    for side in [Side::Buy, Side::Sell] {
        for (price, qty) in quoting.rungs(side) {
            let there = ladder.iter().any(|order| order.side == side && ticks_of(order) == price);
            if !there && price > 0 {
                commands.push(quoting.place(side, price, qty));
            }
        }
    }
}

/// Lots of the touch.
pub(crate) fn unit_lots(instrument: &Instrument, fair: i64) -> i64 {
    let weights = 1 + NEAR_RUNGS * NEAR_WEIGHT + FAR_RUNGS * FAR_WEIGHT;
    let most = instrument.spec().max_position.0 / (weights * POSITION_SHARE);
    lots_worth(instrument, TOUCH_USD, fair).min(most).max(1)
}

fn rung_of(fair: i64) -> i64 {
    let most = (fair / RUNG_SHARE).max(LEAST_RUNG);
    1 << most.ilog2()
}

/// A price that is on no rung, moved outward where it would be.
fn off_rung(price: i64, rung: i64, outward: i64) -> i64 {
    if price % rung == 0 { price + outward } else { price }
}

fn ticks_of(order: &OrderView) -> i64 {
    order.limit_price.map_or(0, |price| price.0)
}

struct Quoting {
    participants: Participants,
    rung: i64,
    centre: i64,
    unit: i64,
}

impl Quoting {
    /// Where the ladder of a side should stand, nearest first: near rungs, then far ones beyond them.
    fn rungs(&self, side: Side) -> impl Iterator<Item = (i64, i64)> {
        let (near, far) = (self.first_rung(side), self.first_far_rung(side));
        let (rung, unit, out) = (self.rung, self.unit, -side.sign());
        let near = (0..NEAR_RUNGS).map(move |k| (near + out * k * rung, unit * NEAR_WEIGHT));
        let far = (0..FAR_RUNGS).map(move |k| (far + out * k * rung * FAR_STEP, unit * FAR_WEIGHT));
        near.chain(far)
    }

    /// The nearest rung that is clear of the centre.
    fn first_rung(&self, side: Side) -> i64 {
        match side {
            Side::Buy => (self.centre - self.clear()).div_euclid(self.rung) * self.rung,
            Side::Sell => -(-(self.centre + self.clear())).div_euclid(self.rung) * self.rung,
        }
    }

    fn first_far_rung(&self, side: Side) -> i64 {
        let step = self.rung * FAR_STEP;
        let reach = self.rung * (NEAR_RUNGS + SPARE_RUNGS + 1) + self.clear();
        match side {
            Side::Buy => (self.centre - reach).div_euclid(step) * step,
            Side::Sell => -(-(self.centre + reach)).div_euclid(step) * step,
        }
    }

    /// How far from the centre the ladder begins: beyond what the takers reach for, so that they trade at the touch,
    /// and beyond a touch that has not moved yet.
    fn clear(&self) -> i64 {
        let half_spread = (self.centre / HALF_SPREAD_SHARE).max(1);
        taker::reach(self.centre) + 2 * PATIENCE * half_spread
    }

    /// True for a ladder order that may stay: wanted, or only just beyond what is.
    fn keeps(&self, order: &OrderView) -> bool {
        let price = ticks_of(order);
        let out = -order.side.sign();
        let from_near = (price - self.first_rung(order.side)) * out;
        let from_far = (price - self.first_far_rung(order.side)) * out;
        let (near, far) = (self.rung, self.rung * FAR_STEP);
        let is_near = from_near >= 0 && from_near <= near * (NEAR_RUNGS - 1 + SPARE_RUNGS);
        let is_far = from_far % far == 0 && from_far >= 0 && from_far <= far * (FAR_RUNGS - 1 + SPARE_RUNGS);
        is_near || is_far
    }

    fn place(&self, side: Side, price: i64, qty: i64) -> Command {
        Command::Place(PlaceOrder {
            account: self.participants.maker,
            instrument: self.participants.instrument,
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(qty),
            limit_price: Some(OnGrid::Steps(price)),
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        })
    }

    fn edit(&self, order: OrderId, price: i64) -> Command {
        Command::Edit(EditOrder {
            account: self.participants.maker,
            order: OrderRef::Id(order),
            instrument: Some(self.participants.instrument),
            limit_price: Some(OnGrid::Steps(price)),
            stop_price: None,
            deviation: None,
            deviation_unit: None,
            qty: Some(OnGrid::Steps(self.unit)),
            qty_mode: QtyMode::Relative,
            process_before: None,
        })
    }

    fn cancel(&self, order: OrderId) -> Command {
        Command::Cancel(CancelOrder {
            account: self.participants.maker,
            order: OrderRef::Id(order),
            process_before: None,
        })
    }
}
