//! Makes streams, with the reference book as the model: cancels and edits always name live orders.

use crate::book::NIL;
use crate::{CANCEL, EDIT, FLAG_KEEPS_PRIORITY, Geometric, IOC, Op, PLACE, RefBook, Rng, Stream, Tally};

/// What a stream is like.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// How many books, chosen uniformly.
    pub books: u32,
    /// Resting orders aimed at, per book.
    pub target: u64,
    /// How many owners.
    pub accounts: u32,
    /// Operations before the measured ones.
    pub warmup: u64,
    /// Operations to time.
    pub measured: u64,
    /// Mean distance of new prices from the fair price, in ticks.
    pub spread_mean: u64,
}
/// One deep book.
pub const ONE_BOOK: Profile = Profile {
    books: 1,
    target: 10_000,
    accounts: 1_000,
    warmup: 100_000,
    measured: 1_000_000,
    spread_mean: 50,
};
/// A hundred books, one after the other at random: the worst for caches.
pub const HUNDRED_BOOKS: Profile = Profile {
    books: 100,
    target: 1_000,
    accounts: 10_000,
    warmup: 100_000,
    measured: 1_000_000,
    spread_mean: 50,
};

const FAIR: i64 = 100_000;

/// Makes a stream; the same profile and seed give the same one everywhere.
pub fn generate(p: Profile, seed: u64) -> Stream {
    let mut r = Rng::new(seed);
    let dist = Geometric::new(p.spread_mean);
    let eat = Geometric::new(5);
    let total = p.books as u64 * p.target + p.warmup + p.measured;
    let mut index = vec![NIL; total as usize + 1];
    let mut books: Vec<RefBook> = (0..p.books).map(|_| RefBook::new()).collect();
    let mut fair = vec![FAIR; p.books as usize];
    let mut ops = Vec::with_capacity(total as usize);
    let mut next_id = 0u64;
    let mut t = Tally::default();
    let prefill = p.books as u64 * p.target;
    let mut base = Tally::default();
    for i in 0..total {
        if i == prefill + p.warmup {
            base = t;
        }
        let b = if i < prefill { i % p.books as u64 } else { r.below(p.books as u64) } as usize;
        let bk = &mut books[b];
        let dice = if i < prefill { 0 } else { r.below(100) };
        if r.below(16) == 0 {
            // fair price: a random walk pulled back to FAIR
            let pull = ((fair[b] - FAIR) / 100).clamp(-20, 20);
            let up = (r.below(100) as i64) < 50 - pull;
            fair[b] += if up { 1 } else { -1 };
        }
        let f = fair[b];
        let around = |side: u8, r: &mut Rng| {
            let g = dist.draw(r) as i64;
            if side == 0 { f - g } else { f + 1 + g }
        };
        let account = 1 + r.below(p.accounts as u64) as u32;
        let op = if dice < 60 || bk.is_empty() {
            let side = r.below(2) as u8;
            let price = around(side, &mut r);
            next_id += 1;
            Op {
                kind: PLACE,
                side,
                book: b as u16,
                qty: 1 + r.below(100) as u32,
                id: next_id,
                price,
                account,
                flags: 0,
            }
        } else if dice < 90 {
            let n = bk.live(r.below(bk.len() as u64));
            Op {
                kind: CANCEL,
                side: n.side,
                book: b as u16,
                qty: 0,
                id: n.id,
                price: n.price,
                account: n.account,
                flags: 0,
            }
        } else if dice < 95 {
            let side = r.below(2) as u8;
            let price = match bk.best(1 - side) {
                Some(q) if side == 0 => q + 20,
                Some(q) => q - 20,
                None => f,
            };
            let k = 1 + eat.draw(&mut r) * bk.len() as u64 / p.target;
            next_id += 1;
            let qty = ((1 + r.below(100)) * k).min(1_000_000) as u32;
            Op { kind: IOC, side, book: b as u16, qty, id: next_id, price, account, flags: 0 }
        } else {
            let n = bk.live(r.below(bk.len() as u64));
            if r.below(2) == 0 && n.qty > 1 {
                Op {
                    kind: EDIT,
                    side: n.side,
                    book: b as u16,
                    qty: n.qty / 2,
                    id: n.id,
                    price: n.price,
                    account: n.account,
                    flags: FLAG_KEEPS_PRIORITY,
                }
            } else {
                let mut price = around(n.side, &mut r);
                if price == n.price {
                    price += if n.side == 0 { -1 } else { 1 };
                }
                Op {
                    kind: EDIT,
                    side: n.side,
                    book: b as u16,
                    qty: 1 + r.below(100) as u32,
                    id: n.id,
                    price,
                    account: n.account,
                    flags: 0,
                }
            }
        };
        books[op.book as usize].apply(&mut index, &op, &mut t);
        ops.push(op);
    }
    let expect = Tally {
        trades: t.trades - base.trades,
        volume: t.volume - base.volume,
        hash: t.hash.wrapping_sub(base.hash),
    };
    finish(Stream {
        seed,
        books: p.books,
        accounts: p.accounts,
        prefill,
        warmup: p.warmup,
        measured: p.measured,
        expect,
        resting: books.iter().map(|b| b.len() as u64).sum(),
        max_id: 0,
        min_price: 0,
        max_price: 0,
        ops,
    })
}

/// Worst case: `n` orders on one price level, then all of them cancelled in random order.
pub fn generate_worst(n: u64, seed: u64) -> Stream {
    let mut r = Rng::new(seed);
    let mut ids: Vec<u64> = (1..=n).collect();
    let mk = |kind, id, qty| Op {
        kind,
        side: 0,
        book: 0,
        qty,
        id,
        price: FAIR,
        account: 1 + (id % 1000) as u32,
        flags: 0,
    };
    let mut ops: Vec<Op> = ids.iter().map(|&id| mk(PLACE, id, 1 + r.below(100) as u32)).collect();
    for i in (1..n as usize).rev() {
        ids.swap(i, r.below(i as u64 + 1) as usize);
    }
    ops.extend(ids.iter().map(|&id| mk(CANCEL, id, 0)));
    finish(Stream {
        seed,
        books: 1,
        accounts: 1000,
        prefill: n,
        warmup: 0,
        measured: n,
        expect: Tally::default(),
        resting: 0,
        max_id: 0,
        min_price: 0,
        max_price: 0,
        ops,
    })
}

fn finish(mut s: Stream) -> Stream {
    s.max_id = s.ops.iter().map(|o| o.id).max().unwrap_or(0);
    s.min_price = s.ops.iter().map(|o| o.price).min().unwrap_or(0);
    s.max_price = s.ops.iter().map(|o| o.price).max().unwrap_or(0);
    s
}
