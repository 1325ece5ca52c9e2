//! Deterministic operation streams for order-book benchmarks. The README states the format, the profiles and the figures
//! to expect. Integer arithmetic only: the same (profile, seed) gives the same bytes on every platform.

mod book;
mod file;
mod generate;
mod random;

pub use book::RefBook;
pub use generate::{HUNDRED_BOOKS, ONE_BOOK, Profile, generate, generate_worst};
pub use random::{Geometric, Rng};

/// The first eight bytes of a stream file.
pub const MAGIC: &[u8; 8] = b"LOLOPS01";
/// Places a limit order that rests until it is filled or cancelled.
pub const PLACE: u8 = 0;
/// Cancels a live order.
pub const CANCEL: u8 = 1;
/// Matches at its limit or better; the rest lapses.
pub const IOC: u8 = 2;
/// Gives a live order a new price and a new remaining quantity.
pub const EDIT: u8 = 3;
/// Names of the kinds, by number.
pub const KINDS: [&str; 4] = ["place", "cancel", "ioc", "edit"];

/// One operation: 32 bytes, little endian, no padding.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// One of [`PLACE`], [`CANCEL`], [`IOC`], [`EDIT`].
    pub kind: u8,
    /// 0 buy, 1 sell (for a cancel and an edit: the side of the target).
    pub side: u8,
    /// Which book, from 0.
    pub book: u16,
    /// Quantity; edit: the new remaining quantity; cancel: 0.
    pub qty: u32,
    /// The new order's id, dense from 1; cancel and edit: the target's id.
    pub id: u64,
    /// Limit price in ticks; edit: the new price; cancel: the target's price (a hint for books that need it).
    pub price: i64,
    /// Owner of the order, 1..=accounts.
    pub account: u32,
    /// [`FLAG_KEEPS_PRIORITY`], or 0.
    pub flags: u32,
}
/// Edits only: price unchanged and quantity lowered; the order keeps its place in the queue.
pub const FLAG_KEEPS_PRIORITY: u32 = 1;

const _: () = assert!(std::mem::size_of::<Op>() == 32);

/// What a correct price-time-priority engine must report after a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// One per match of a taker with a maker.
    pub trades: u64,
    /// Sum of matched quantities.
    pub volume: u64,
    /// Hash over (maker id, quantity, price) of each trade; the order of trades does not matter.
    pub hash: u64,
}
impl Tally {
    /// Counts one trade at the resting order's price.
    #[inline(always)]
    pub fn trade(&mut self, maker: u64, qty: u64, price: i64) {
        self.trades += 1;
        self.volume += qty;
        self.hash = self.hash.wrapping_add(
            maker.wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ qty.wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
                ^ (price as u64).wrapping_mul(0x1656_67B1_9E37_79F9),
        );
    }
}

/// A stream in memory: its header and its operations in the order of the phases.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What it was made from.
    pub seed: u64,
    /// How many books.
    pub books: u32,
    /// How many owners.
    pub accounts: u32,
    /// Operations that fill the books; places only.
    pub prefill: u64,
    /// Operations that follow, not measured.
    pub warmup: u64,
    /// Operations to time.
    pub measured: u64,
    /// What a correct book reports of the measured phase.
    pub expect: Tally,
    /// Resting orders at the end.
    pub resting: u64,
    /// Greatest order id.
    pub max_id: u64,
    /// Least price.
    pub min_price: i64,
    /// Greatest price.
    pub max_price: i64,
    /// The operations.
    pub ops: Vec<Op>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_stable() {
        let p = Profile { warmup: 1_000, measured: 5_000, target: 500, ..ONE_BOOK };
        let s = generate(p, 7);
        let mut v = Vec::new();
        s.write(&mut v).unwrap();
        let q = Stream::read(&v[..]).unwrap();
        assert_eq!(q.ops, s.ops);
        assert_eq!(q.expect, s.expect);
        assert_eq!(generate(p, 7).ops, s.ops);
        assert!(s.resting > 250 && s.resting < 1_000, "{}", s.resting);
        assert!(s.expect.trades > 0);
    }

    /// The figures that the README states: whoever changes the generator changes every benchmark's check.
    #[test]
    fn the_stated_figures_hold() {
        let s = generate(ONE_BOOK, 20_261_122);
        assert_eq!(s.expect, Tally { trades: 343_206, volume: 14_316_874, hash: 5_482_838_922_113_016_149 });
        assert_eq!(s.resting, 11_767);
        let s = generate(HUNDRED_BOOKS, 20_261_122);
        assert_eq!(s.expect, Tally { trades: 317_123, volume: 13_657_216, hash: 13_075_337_879_133_749_444 });
        assert_eq!(s.resting, 123_661);
    }
}
