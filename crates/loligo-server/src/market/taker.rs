//! A taker: every three seconds it sells to the bids or buys from the asks, in turn, whatever stands within a few basis
//! points of the touch. So an order at the touch is filled within about six seconds.

use super::dice::Dice;
use super::{Participants, lots_worth};
use loligo_engine::{Command, Exchange, OnGrid, OrderType, PlaceOrder, Side};

/// Seconds from one sale to the next; purchases fall half-way between.
const PERIOD: i64 = 6;
/// How far beyond the best price it goes: 5 basis points, at least two ticks. That is four times what the price usually
/// moves between two sales, so an order that was at the touch when it came is still reached.
const REACH_SHARE: i64 = 2_000;
const LEAST_REACH: i64 = 2;
/// Most it trades at once, in USD.
const MOST_USD: i128 = 500_000;
/// It takes all that stands within reach, up to between this and all of the most it trades, in percent.
const LEAST_PERCENT: i64 = 60;
/// Price levels looked at.
const LEVELS: usize = 16;

/// How far beyond the best price a taker goes, in ticks.
pub(super) fn reach(fair: i64) -> i64 {
    (fair / REACH_SHARE).max(LEAST_REACH)
}

pub(super) fn trade(
    participants: Participants,
    second: i64,
    fair: i64,
    mut dice: Dice,
    exchange: &Exchange,
    commands: &mut Vec<Command>,
) {
    let Some(instrument) = exchange.instrument(participants.instrument) else { return };
    // Contracts take turns, so that no second has all the trades.
    let side = match (second + i64::from(participants.instrument.0)).rem_euclid(PERIOD) {
        0 => Side::Sell,
        turn if turn == PERIOD / 2 => Side::Buy,
        _ => return,
    };
    let levels = exchange.depth(participants.instrument, side.opposite(), LEVELS);
    let Some((best, _)) = levels.first() else { return };
    let limit = (best.0 + side.sign() * reach(fair)).max(1);
    let within = levels.iter().filter(|(price, _)| (limit - price.0) * side.sign() >= 0);
    let standing: i64 = within.map(|(_, qty)| qty.0).sum();
    let most = lots_worth(instrument, MOST_USD, fair).min(instrument.spec().max_position.0 / 4);
    let most = i128::from(most) * i128::from(dice.between(LEAST_PERCENT, 100)) / 100;
    let qty = standing.min(most as i64);
    if qty <= 0 {
        return;
    }
    commands.push(Command::Place(PlaceOrder {
        account: participants.taker,
        instrument: participants.instrument,
        side,
        order_type: OrderType::ImmediateOrCancel,
        qty: OnGrid::Steps(qty),
        limit_price: Some(OnGrid::Steps(limit)),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only: false,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    }));
}
