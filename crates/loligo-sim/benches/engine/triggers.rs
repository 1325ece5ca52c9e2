//! What waiting triggers cost: a price that reaches none of them, and one that moves every trailing stop.

use crate::streams::Stopwatch;
use crate::venue::{Venue, account};
use loligo_engine::{
    AskedDistance, AskedTrigger, Command, DistanceUnit, Event, FinePrice, InstrumentId, OnGrid, OrderType,
    Outcome, PlaceOrder, Side, Signal, TriggerKind,
};

/// Stops and take-profits that wait while no price reaches them.
const WAITING: i64 = 1_000_000;
/// Price changes of one measurement.
const CHANGES: i64 = 100_000;
/// Trailing stops that one price moves, and how many prices move them.
const TRAILING: i64 = 10_000;
const MOVES: i64 = 20;
const ROUNDS: usize = 5;

/// Where mark stands, in ticks.
const FAIR: i64 = 100_000;
const OWNERS: u32 = 1_000;

/// Medians, in nanoseconds.
pub struct Costs {
    /// A change of the mark with a million triggers waiting, and with none.
    pub waiting: u64,
    pub none: u64,
    /// One trailing stop moved, and ten thousand moved by one price.
    pub moved: u64,
    pub all_moved: u64,
}

pub fn measure() -> Costs {
    let mut crowded = Venue::new(1, OWNERS);
    for number in 0..WAITING {
        let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
        let kind = if number % 4 < 2 { TriggerKind::Stop } else { TriggerKind::TakeProfit };
        // A hundred ticks or more from every price that comes.
        let away = 100 + number / 4 % 10_000;
        let above = (kind == TriggerKind::Stop) == (side == Side::Buy);
        let at = if above { FAIR + away } else { FAIR - away };
        place(&mut crowded, number, side, kind, Some(at), None);
    }
    let mut empty = Venue::new(1, OWNERS);
    let (mut waiting, mut none) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        none.push(change_marks(&mut empty));
        waiting.push(change_marks(&mut crowded));
    }

    let mut trailing = Venue::new(1, OWNERS);
    for number in 0..TRAILING {
        place(&mut trailing, number, Side::Sell, TriggerKind::TrailingStop, None, Some(1_000 + number));
    }
    let mut all_moved = Vec::new();
    for step in 0..MOVES {
        let watch = Stopwatch::start();
        set_mark(&mut trailing, FAIR + 1 + step);
        all_moved.push(watch.elapsed().as_nanos() as u64);
        let moved = trailing.events.iter().filter(|event| matches!(event, Event::Repriced { .. })).count();
        assert_eq!(moved as i64, TRAILING, "every one of them follows");
    }
    let all_moved = median(all_moved);
    Costs { waiting: median(waiting), none: median(none), moved: all_moved / TRAILING as u64, all_moved }
}

fn place(
    venue: &mut Venue,
    number: i64,
    side: Side,
    kind: TriggerKind,
    stop: Option<i64>,
    deviation: Option<i64>,
) {
    let deviation =
        deviation.map(|ticks| AskedDistance { unit: DistanceUnit::Quote, steps: OnGrid::Steps(ticks) });
    let outcome = venue.apply(&Command::Place(PlaceOrder {
        account: account(number as u32 % OWNERS, side),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Market,
        qty: OnGrid::Steps(100),
        limit_price: None,
        stop_price: stop.map(OnGrid::Steps),
        trigger: Some(Box::new(AskedTrigger { kind, signal: Signal::Mark, deviation })),
        limit_offset: None,
        reduce_only: false,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    }));
    assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
}

/// Nanoseconds of one change of the mark, to and fro below a hundred ticks.
fn change_marks(venue: &mut Venue) -> u64 {
    let watch = Stopwatch::start();
    for change in 0..CHANGES {
        set_mark(venue, FAIR + change % 97 - 48);
    }
    (watch.elapsed().as_nanos() / CHANGES as u128) as u64
}

/// Exchange time stands still: what is measured is the price alone.
fn set_mark(venue: &mut Venue, ticks: i64) {
    let price = FinePrice(i128::from(ticks) * 10_i128.pow(18));
    let command = Command::PinMark { instrument: InstrumentId(0), price: Some(price) };
    venue.events.clear();
    let outcome = venue.exchange.apply(venue.now, &command, &mut venue.events);
    assert_eq!(outcome, Outcome::Done);
}

fn median(mut of: Vec<u64>) -> u64 {
    of.sort_unstable();
    of[of.len() / 2]
}
