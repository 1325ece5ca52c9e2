//! Triggers that wait: what a price costs that reaches none of a million, and what it costs to move ten thousand trailing
//! stops by one price.

use crate::streams::{Floor, Stopwatch, median};
use crate::venue::{FAIR, Venue, account};
use loligo_engine::{
    AskedDistance, AskedTrigger, Command, DistanceUnit, Event, FinePrice, InstrumentId, OnGrid, OrderType,
    Outcome, PairId, PlaceOrder, Side, Signal, TriggerKind,
};
use opstream::Rng;

const RUNS: usize = 5;
/// Accounts that the triggers belong to, on each side.
const OWNERS: u32 = 10_000;
/// Price updates of one run.
const UPDATES: i64 = 100_000;
/// Trailing stops, and prices that move all of them, in one run.
const TRAILING: u64 = 10_000;
const MOVES: i64 = 20;

/// A price that changes, and how it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The operator pins the mark.
    Mark,
    /// The operator pins the index.
    Index,
    /// An order rests and another one trades with it.
    Last,
}

impl Update {
    pub const ALL: [Update; 3] = [Update::Mark, Update::Index, Update::Last];

    pub fn name(self) -> &'static str {
        match self {
            Update::Mark => "mark",
            Update::Index => "index",
            Update::Last => "trade",
        }
    }

    /// To one tick above where prices are drawn to, or back there.
    fn commands(self, up: bool) -> Vec<Command> {
        let ticks = FAIR + i64::from(up);
        let price = Some(fine(ticks));
        match self {
            Update::Mark => vec![Command::PinMark { instrument: InstrumentId(0), price }],
            Update::Index => vec![Command::PinIndex { pair: PairId(0), price }],
            Update::Last => vec![
                Command::Place(order(0, Side::Sell, OrderType::Limit, Some(ticks))),
                Command::Place(order(1, Side::Buy, OrderType::ImmediateOrCancel, Some(ticks))),
            ],
        }
    }
}

/// Tenths of nanoseconds of one update, with nothing waiting and with so many triggers; hundredths of the former.
pub struct Passing {
    pub alone: u64,
    pub among: u64,
    pub ratio: u64,
}

/// Updates a price in a venue where nothing waits and in one with `waiting` stops and take-profits, in turn.
pub struct Crowd {
    empty: Venue,
    full: Venue,
}

impl Crowd {
    pub fn new(waiting: u64) -> Self {
        let mut crowd = Self { empty: Venue::new(1, OWNERS), full: Venue::new(1, OWNERS) };
        let mut rng = Rng::new(11);
        for number in 0..waiting {
            let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
            let kind = if rng.below(2) == 0 { TriggerKind::Stop } else { TriggerKind::TakeProfit };
            let signal = [Signal::Last, Signal::Mark, Signal::Index][(number % 3) as usize];
            let away = 10 + rng.below(2_000) as i64;
            // A stop runs with the side that it trades, a take-profit against it.
            let up = (kind == TriggerKind::Stop) == (side == Side::Buy);
            let stop = if up { FAIR + away } else { FAIR - away };
            let mut order = order(rng.below(OWNERS.into()) as u32, side, OrderType::Market, None);
            order.stop_price = Some(OnGrid::Steps(stop));
            order.trigger = Some(Box::new(AskedTrigger { kind, signal, deviation: None }));
            place(&mut crowd.full, order);
        }
        crowd
    }

    pub fn measure(&mut self, update: Update) -> Passing {
        let steps = [update.commands(true), update.commands(false)];
        let mut runs = vec![];
        for _ in 0..RUNS {
            runs.push((pass(&mut self.empty, &steps), pass(&mut self.full, &steps)));
        }
        Passing {
            alone: median(runs.iter().map(|(alone, _)| *alone)),
            among: median(runs.iter().map(|(_, among)| *among)),
            ratio: median(runs.iter().map(|(alone, among)| among * 100 / alone)),
        }
    }
}

fn pass(venue: &mut Venue, steps: &[Vec<Command>; 2]) -> u64 {
    let start = Stopwatch::start();
    for number in 0..UPDATES {
        for command in &steps[(number % 2) as usize] {
            let outcome = venue.apply(command);
            assert!(matches!(outcome, Outcome::Done | Outcome::Placed(_)), "{command:?}: {outcome:?}");
            assert!(!venue.events.iter().any(|event| matches!(event, Event::Fired { .. })), "none fires");
        }
    }
    start.elapsed().as_nanos() as u64 * 10 / UPDATES as u64
}

/// What moving trailing stops costs, beside its floor: one record taken out of a hash table of as many and put into it.
pub struct Moving {
    /// Nanoseconds of one price that moves all of them.
    pub total: u64,
    /// Tenths of nanoseconds of one stop, and of the floor; hundredths of the floor.
    pub each: u64,
    pub floor: u64,
    pub ratio: u64,
    pub stops: u64,
}

/// Moves trailing stops of sells behind a mark that rises.
pub fn moving() -> Moving {
    let mut runs = vec![];
    for _ in 0..RUNS {
        let mut venue = Venue::new(1, OWNERS);
        let mut rng = Rng::new(13);
        for number in 0..TRAILING {
            let mut order = order((number % u64::from(OWNERS)) as u32, Side::Sell, OrderType::Market, None);
            let (unit, least, most) = match rng.below(2) {
                0 => (DistanceUnit::Percent, 10, 500),
                _ => (DistanceUnit::Quote, 10, 5_000),
            };
            let steps = OnGrid::Steps(least + rng.below(most - least as u64) as i64);
            let deviation = Some(AskedDistance { unit, steps });
            let (kind, signal) = (TriggerKind::TrailingStop, Signal::Mark);
            order.trigger = Some(Box::new(AskedTrigger { kind, signal, deviation }));
            place(&mut venue, order);
        }
        let start = Stopwatch::start();
        for step in 1..=MOVES {
            let price = Some(fine(FAIR + 50 * step));
            venue.apply(&Command::PinMark { instrument: InstrumentId(0), price });
            let moved = venue.events.iter().filter(|event| matches!(event, Event::Repriced { .. })).count();
            assert_eq!(moved as u64, TRAILING, "all of them follow");
        }
        let took = start.elapsed().as_nanos() as u64;

        let mut floor = Floor::new(TRAILING);
        let start = Stopwatch::start();
        floor.run(TRAILING * MOVES as u64);
        runs.push((took, start.elapsed().as_nanos() as u64));
    }
    let per_stop = |took: u64| took * 10 / (TRAILING * MOVES as u64);
    Moving {
        total: median(runs.iter().map(|(took, _)| took / MOVES as u64)),
        each: per_stop(median(runs.iter().map(|(took, _)| *took))),
        floor: per_stop(median(runs.iter().map(|(_, floor)| *floor))),
        ratio: median(runs.iter().map(|(took, floor)| took * 100 / floor)),
        stops: TRAILING,
    }
}

fn place(venue: &mut Venue, order: PlaceOrder) {
    let outcome = venue.apply(&Command::Place(order));
    assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
}

fn order(owner: u32, side: Side, order_type: OrderType, limit: Option<i64>) -> PlaceOrder {
    PlaceOrder {
        account: account(owner, side),
        instrument: InstrumentId(0),
        side,
        order_type,
        qty: OnGrid::Steps(1),
        limit_price: limit.map(OnGrid::Steps),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only: false,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    }
}

fn fine(ticks: i64) -> FinePrice {
    FinePrice(i128::from(ticks) * 10_i128.pow(18))
}
