//! Marks that move: what it costs to value everyone who holds the contract anew, beside one pass over as many positions.
//!
//! All are far from liquidation, and every contract has a funding rate, so that what a position has accrued is reckoned with.

use crate::streams::{Stopwatch, median};
use crate::venue::{FAIR, Venue, account};
use loligo_engine::{
    AccountId, Command, FinePrice, InstrumentId, OnGrid, OrderType, Outcome, PairId, PlaceOrder, Side,
    Timestamp, UnwindPlaces,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

const RUNS: usize = 5;
/// Positions that are valued anew in one run, in so many moves as that takes; the floor has ten times as many, to be long enough
/// for its stopwatch.
const VALUED: u64 = 1_000_000;
const FLOOR_TIMES: u64 = 10;
/// As many contracts as the default listing has.
const BOOKS: u16 = 22;
/// What one holder has of a contract, in lots: 0.001 bitcoin.
const LOTS: i64 = 10;
/// How far the quotes are above the mark, in ticks: a premium of a quarter of a per cent, half an hour of which has accrued.
const PREMIUM: i64 = 250;
const HOUR: i64 = 3_600 * Timestamp::SECOND;

/// Which marks move, and who holds what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The mark of the only contract, which all hold.
    Only,
    /// All 22 marks at one second; each account holds one or two of the contracts.
    Second,
    /// One of those 22 marks.
    OneOfMany,
}

impl Moved {
    pub const ALL: [Moved; 3] = [Moved::Only, Moved::Second, Moved::OneOfMany];

    pub fn name(self) -> &'static str {
        match self {
            Moved::Only => "a mark that all hold",
            Moved::Second => "the 22 marks of one second",
            Moved::OneOfMany => "one mark of the 22",
        }
    }

    fn books(self) -> u16 {
        if self == Moved::Only { 1 } else { BOOKS }
    }

    /// The contracts that the traders of a number hold.
    fn held(self, number: u32) -> Vec<u16> {
        let books = u32::from(self.books());
        let mut held = vec![(number % books) as u16];
        if books > 1 && number.is_multiple_of(3) {
            held.push(((number + 7) % books) as u16);
        }
        held
    }

    fn moves(self, book: u16) -> bool {
        self == Moved::Second || book == 0
    }
}

/// Accounts that hold contracts, a long one beside a short one.
pub struct Crowd {
    venue: Venue,
    moved: Moved,
    accounts: u32,
    /// Where the index or the pinned mark is, from which it goes one tick up and down again.
    up: bool,
}

/// What it takes to value all anew: medians of runs in turn with the floor, in tenths of nanoseconds a position whose mark
/// moves; hundredths of the floor.
pub struct Valued {
    pub positions: u64,
    pub each: u64,
    pub floor: u64,
    pub ratio: u64,
    /// Nanoseconds of all of it, and of the longest record.
    pub total: u64,
    pub longest: u64,
    pub records: u64,
}

impl Crowd {
    pub fn new(moved: Moved, accounts: u32) -> Self {
        let traders = accounts / 2;
        let mut crowd = Self { venue: Venue::new(moved.books().into(), traders), moved, accounts, up: false };
        let maker = [Side::Buy, Side::Sell].map(|side| account(traders, side));
        for number in 0..traders {
            for book in moved.held(number) {
                for side in [Side::Sell, Side::Buy] {
                    crowd.place(account(number, side), book, side, LOTS, FAIR);
                }
            }
        }
        for book in 0..moved.books() {
            crowd.place(maker[0], book, Side::Buy, 100_000, FAIR + PREMIUM - 10);
            crowd.place(maker[1], book, Side::Sell, 100_000, FAIR + PREMIUM + 10);
        }
        let now = crowd.venue.now.0;
        crowd.pass_to(Timestamp((now.div_euclid(HOUR) + 2) * HOUR + HOUR / 2));
        if moved == Moved::Second {
            for book in 0..moved.books() {
                crowd.apply(&Command::PinMark { instrument: InstrumentId(book), price: None });
            }
            crowd.apply(&Command::PinIndex { pair: PairId(0), price: None });
        }
        crowd
    }

    fn place(&mut self, account: AccountId, book: u16, side: Side, lots: i64, limit: i64) {
        let order = PlaceOrder {
            account,
            instrument: InstrumentId(book),
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(lots),
            limit_price: Some(OnGrid::Steps(limit)),
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        };
        let outcome = self.venue.apply(&Command::Place(order));
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
    }

    /// Applies a command and the records that do what follows from it; how long the longest of them took, and how many.
    fn apply(&mut self, command: &Command) -> (Duration, u64) {
        let (mut longest, mut records, mut command) = (Duration::ZERO, 0, command);
        loop {
            let begun = Instant::now();
            let outcome = self.venue.apply(command);
            longest = longest.max(begun.elapsed());
            assert_eq!(outcome, Outcome::Done, "{command:?}");
            records += 1;
            if !self.venue.exchange.is_busy() {
                return (longest, records);
            }
            command = &Command::Advance;
        }
    }

    fn pass_to(&mut self, time: Timestamp) -> (Duration, u64) {
        let (mut longest, mut records) = (Duration::ZERO, 0);
        while self.venue.exchange.now() < time {
            self.venue.now = time;
            let (of_these, more) = self.apply(&Command::Advance);
            (longest, records) = (longest.max(of_these), records + more);
        }
        (longest, records)
    }

    /// Moves the marks once; the longest record of what follows, and how many.
    fn move_marks(&mut self) -> (Duration, u64) {
        self.up = !self.up;
        let price = FinePrice(i128::from(FAIR + i64::from(self.up)) * 10_i128.pow(18));
        if self.moved != Moved::Second {
            return self.apply(&Command::PinMark { instrument: InstrumentId(0), price: Some(price) });
        }
        self.apply(&Command::PublishIndex { pair: PairId(0), price });
        let second = self.venue.exchange.now().0.div_euclid(Timestamp::SECOND) + 1;
        self.pass_to(Timestamp(second * Timestamp::SECOND))
    }

    /// Moves the marks so many times.
    pub fn run(&mut self, moves: u64) -> (Duration, u64) {
        let passes = (0..moves).map(|_| self.move_marks());
        let (mut longest, mut records) = (Duration::ZERO, 0);
        for (of_these, more) in passes {
            (longest, records) = (longest.max(of_these), records + more);
        }
        (longest, records)
    }

    pub fn measure(&mut self) -> Valued {
        let (positions, mut floor) =
            (positions(self.moved, self.accounts), Floor::new(self.moved, self.accounts));
        let moves = VALUED.div_ceil(positions);
        let mut runs = vec![];
        for _ in 0..RUNS {
            let start = Stopwatch::start();
            let (longest, records) = self.run(moves);
            let took = start.elapsed().as_nanos() as u64;
            let start = Stopwatch::start();
            floor.run(moves * FLOOR_TIMES);
            let least = (start.elapsed().as_nanos() as u64).max(1) / FLOOR_TIMES;
            runs.push((took, least, longest.as_nanos() as u64, records));
        }
        self.venue.exchange.audit().expect("sound");
        let each = |took: u64| took * 10 / (positions * moves);
        Valued {
            positions,
            each: each(median(runs.iter().map(|(took, ..)| *took))),
            floor: each(median(runs.iter().map(|(_, floor, ..)| *floor))),
            ratio: median(runs.iter().map(|(took, floor, ..)| took * 100 / floor)),
            total: median(runs.iter().map(|(took, ..)| took / moves)),
            longest: median(runs.iter().map(|(.., longest, _)| *longest)),
            records: median(runs.iter().map(|(.., records)| records / moves)),
        }
    }
}

/// What it takes to find an account's place in the queue of unwinding, and to rank one holder for it, in tenths of nanoseconds; and
/// the longest look at [`PART`] of the holders, in nanoseconds.
pub struct Placed {
    pub total: u64,
    pub each: u64,
    pub longest: u64,
}

/// Holders that are ranked at a time when an account asks for its place.
pub const PART: usize = 8_192;

impl Crowd {
    /// Looks for the place of the account that opened last.
    pub fn place_in_queue(&self) -> Placed {
        let asking = account(self.accounts / 2 - 1, Side::Sell);
        let mut runs = vec![];
        for _ in 0..RUNS {
            let start = Stopwatch::start();
            let queue = self.venue.exchange.unwind_queue(black_box(asking));
            let total = start.elapsed().as_nanos() as u64;
            let (mut places, mut longest) = (UnwindPlaces::of(asking), 0);
            loop {
                let start = Stopwatch::start();
                let done = self.venue.exchange.look_for_places(&mut places, PART);
                longest = longest.max(start.elapsed().as_nanos() as u64);
                if done {
                    break;
                }
            }
            assert_eq!(places.percentiles(), queue, "by parts as at once");
            runs.push((total, longest));
        }
        let total = median(runs.iter().map(|(total, _)| *total));
        let each = total * 10 / positions(self.moved, self.accounts);
        Placed { total, each, longest: median(runs.iter().map(|(_, longest)| *longest)) }
    }
}

/// Positions of so many accounts whose mark moves.
pub fn positions(moved: Moved, accounts: u32) -> u64 {
    let held = (0..accounts / 2).flat_map(|number| moved.held(number));
    2 * held.filter(|book| moved.moves(*book)).count() as u64
}

/// What a position takes up in the engine, of which its value, its entry and what was counted are needed.
struct Held {
    entry: i128,
    counted: i128,
    size: i64,
    wallet: u32,
    book: u16,
    _rest: [u8; POSITION_BYTES - 48],
}

const POSITION_BYTES: usize = 272;
const _: () = assert!(size_of::<Held>() == POSITION_BYTES, "as large as the engine's");

/// A wallet takes up a cache line.
#[repr(align(64))]
struct Purse {
    unrealized: i128,
}

/// The floor: one pass over as many positions in as much memory, each counted in its wallet at the mark of now.
pub struct Floor {
    held: Vec<Held>,
    purses: Vec<Purse>,
    marks: Vec<i128>,
    moved: Moved,
}

impl Floor {
    pub fn new(moved: Moved, accounts: u32) -> Self {
        let mut floor = Self {
            held: Vec::new(),
            purses: (0..accounts).map(|_| Purse { unrealized: 0 }).collect(),
            marks: vec![i128::from(FAIR) * 10_i128.pow(20); moved.books().into()],
            moved,
        };
        for wallet in 0..accounts {
            let size = if wallet % 2 == 0 { LOTS } else { -LOTS };
            for book in moved.held(wallet / 2).into_iter().filter(|book| moved.moves(*book)) {
                let entry = i128::from(size) * floor.marks[usize::from(book)];
                let _rest = [0; POSITION_BYTES - 48];
                floor.held.push(Held { entry, counted: 0, size, wallet, book, _rest });
            }
        }
        floor
    }

    pub fn run(&mut self, moves: u64) {
        for pass in 0..moves {
            for book in (0..self.moved.books()).filter(|book| self.moved.moves(*book)) {
                self.marks[usize::from(book)] += if pass % 2 == 0 { 1 } else { -1 };
            }
            for held in &mut self.held {
                let value = i128::from(held.size) * self.marks[usize::from(held.book)] - held.entry;
                self.purses[held.wallet as usize].unrealized += value - held.counted;
                held.counted = value;
            }
            black_box(&mut self.purses);
        }
    }
}
