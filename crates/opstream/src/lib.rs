//! Deterministic operation streams for order-book benchmarks.  See README.md for the format.
//! Integer arithmetic only: the same (profile, seed) gives the same bytes on every platform.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

pub const MAGIC: &[u8; 8] = b"LOLOPS01";
pub const NIL: u32 = u32::MAX;

pub const PLACE: u8 = 0;
pub const CANCEL: u8 = 1;
pub const IOC: u8 = 2;
pub const EDIT: u8 = 3;
pub const KINDS: [&str; 4] = ["place", "cancel", "ioc", "edit"];

/// One operation: 32 bytes, little endian, no padding.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    pub kind: u8,
    /// 0 buy, 1 sell (for CANCEL and EDIT: the side of the target)
    pub side: u8,
    pub book: u16,
    /// PLACE/IOC: quantity.  EDIT: new remaining quantity.  CANCEL: 0
    pub qty: u32,
    /// PLACE/IOC: the new order's id (dense, from 1).  CANCEL/EDIT: the target's id
    pub id: u64,
    /// limit price in ticks.  EDIT: the new price.  CANCEL: the target's price (a hint for books that need it)
    pub price: i64,
    /// owner of the order, 1..=accounts
    pub account: u32,
    pub flags: u32,
}
/// EDIT only: price unchanged and quantity lowered; the order keeps its place in the queue
pub const FLAG_KEEPS_PRIORITY: u32 = 1;

const _: () = assert!(std::mem::size_of::<Op>() == 32);

/// What a correct price-time-priority engine must report after a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub trades: u64,
    pub volume: u64,
    /// order-independent hash over (maker id, quantity, price)
    pub hash: u64,
}
impl Tally {
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

#[derive(Clone, Debug)]
pub struct Stream {
    pub seed: u64,
    pub books: u32,
    pub accounts: u32,
    pub prefill: u64,
    pub warmup: u64,
    pub measured: u64,
    /// tally of the measured phase only, and resting orders at its end
    pub expect: Tally,
    pub resting: u64,
    pub max_id: u64,
    pub min_price: i64,
    pub max_price: i64,
    pub ops: Vec<Op>,
}

// ---------------------------------------------------------------- randomness
pub struct Rng(u64);
impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }
    /// splitmix64
    #[inline]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next() as u128 * n as u128) >> 64) as u64
    }
}

/// Geometric distribution with mean `m` (support 0,1,2,...), from a table of integer survival thresholds.
pub struct Geom(Vec<u64>);
impl Geom {
    pub fn new(m: u64) -> Self {
        let mut t = Vec::new();
        let mut s = u64::MAX;
        while s > (1 << 40) && t.len() < 4096 {
            s = (s as u128 * m as u128 / (m as u128 + 1)) as u64;
            t.push(s);
        }
        Geom(t)
    }
    pub fn draw(&self, r: &mut Rng) -> u64 {
        let u = r.next();
        self.0.partition_point(|&s| s > u) as u64
    }
}

// ---------------------------------------------------------------- reference book
#[derive(Clone, Copy)]
struct Node {
    id: u64,
    price: i64,
    qty: u32,
    prev: u32,
    next: u32,
    live: u32,
    account: u32,
    side: u8,
}
#[derive(Clone, Copy)]
struct Level {
    head: u32,
    tail: u32,
}

/// Plain price-time-priority book: BTreeMap of levels, slab of orders in intrusive lists, dense id table.
/// It is both the generator's model (so cancels always hit live orders) and the benchmark's reference.
pub struct RefBook {
    bids: BTreeMap<i64, Level>,
    asks: BTreeMap<i64, Level>,
    nodes: Vec<Node>,
    free: Vec<u32>,
    /// positions of live orders, for uniform picking
    live: Vec<u32>,
}
impl Default for RefBook {
    fn default() -> Self {
        Self::new()
    }
}
impl RefBook {
    pub fn new() -> Self {
        RefBook { bids: BTreeMap::new(), asks: BTreeMap::new(), nodes: vec![], free: vec![], live: vec![] }
    }
    pub fn len(&self) -> usize {
        self.live.len()
    }
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }
    pub fn best(&self, side: u8) -> Option<i64> {
        if side == 0 {
            self.bids.last_key_value().map(|(p, _)| *p)
        } else {
            self.asks.first_key_value().map(|(p, _)| *p)
        }
    }
    fn insert(&mut self, index: &mut [u32], id: u64, side: u8, price: i64, qty: u32, account: u32) {
        let n = Node { id, price, qty, prev: NIL, next: NIL, live: self.live.len() as u32, account, side };
        let s = match self.free.pop() {
            Some(s) => {
                self.nodes[s as usize] = n;
                s
            }
            None => {
                self.nodes.push(n);
                (self.nodes.len() - 1) as u32
            }
        };
        self.live.push(s);
        index[id as usize] = s;
        let map = if side == 0 { &mut self.bids } else { &mut self.asks };
        let l = map.entry(price).or_insert(Level { head: NIL, tail: NIL });
        if l.tail == NIL {
            l.head = s;
        } else {
            self.nodes[l.tail as usize].next = s;
            self.nodes[s as usize].prev = l.tail;
        }
        l.tail = s;
    }
    fn unlink(&mut self, index: &mut [u32], s: u32) {
        let n = self.nodes[s as usize];
        let map = if n.side == 0 { &mut self.bids } else { &mut self.asks };
        if n.prev != NIL {
            self.nodes[n.prev as usize].next = n.next;
        }
        if n.next != NIL {
            self.nodes[n.next as usize].prev = n.prev;
        }
        if n.prev == NIL || n.next == NIL {
            let l = map.get_mut(&n.price).unwrap();
            if n.prev == NIL {
                l.head = n.next;
            }
            if n.next == NIL {
                l.tail = n.prev;
            }
            if l.head == NIL {
                map.remove(&n.price);
            }
        }
        let last = self.live.pop().unwrap();
        if last != s {
            self.live[n.live as usize] = last;
            self.nodes[last as usize].live = n.live;
        }
        index[n.id as usize] = NIL;
        self.free.push(s);
    }
    fn cross(&mut self, index: &mut [u32], side: u8, price: i64, mut qty: u32, t: &mut Tally) -> u32 {
        while qty > 0 {
            let opp = if side == 0 { self.asks.first_key_value() } else { self.bids.last_key_value() };
            let Some((&p, &Level { head, .. })) = opp else { break };
            if (side == 0 && p > price) || (side == 1 && p < price) {
                break;
            }
            let mut s = head;
            while s != NIL && qty > 0 {
                let n = &mut self.nodes[s as usize];
                let x = n.qty.min(qty);
                qty -= x;
                n.qty -= x;
                t.trade(n.id, x as u64, p);
                let next = n.next;
                if n.qty == 0 {
                    self.unlink(index, s);
                }
                s = next;
            }
        }
        qty
    }
    #[inline]
    pub fn apply(&mut self, index: &mut [u32], op: &Op, t: &mut Tally) {
        match op.kind {
            PLACE => {
                let rest = self.cross(index, op.side, op.price, op.qty, t);
                if rest > 0 {
                    self.insert(index, op.id, op.side, op.price, rest, op.account);
                }
            }
            CANCEL => {
                let s = index[op.id as usize];
                if s != NIL {
                    self.unlink(index, s);
                }
            }
            IOC => {
                self.cross(index, op.side, op.price, op.qty, t);
            }
            _ => {
                let s = index[op.id as usize];
                if s == NIL {
                    return;
                }
                let n = self.nodes[s as usize];
                if n.price == op.price && op.qty <= n.qty {
                    self.nodes[s as usize].qty = op.qty;
                } else {
                    self.unlink(index, s);
                    let rest = self.cross(index, n.side, op.price, op.qty, t);
                    if rest > 0 {
                        self.insert(index, op.id, n.side, op.price, rest, n.account);
                    }
                }
            }
        }
    }
}

// ---------------------------------------------------------------- generation
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub books: u32,
    /// resting orders aimed at, per book
    pub target: u64,
    pub accounts: u32,
    pub warmup: u64,
    pub measured: u64,
    /// mean distance from the fair price in ticks
    pub spread_mean: u64,
}
pub const ONE_BOOK: Profile = Profile {
    books: 1,
    target: 10_000,
    accounts: 1_000,
    warmup: 100_000,
    measured: 1_000_000,
    spread_mean: 50,
};
pub const HUNDRED_BOOKS: Profile = Profile {
    books: 100,
    target: 1_000,
    accounts: 10_000,
    warmup: 100_000,
    measured: 1_000_000,
    spread_mean: 50,
};

const FAIR: i64 = 100_000;

pub fn generate(p: Profile, seed: u64) -> Stream {
    let mut r = Rng::new(seed);
    let dist = Geom::new(p.spread_mean);
    let eat = Geom::new(5);
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
            let n = bk.nodes[bk.live[r.below(bk.len() as u64) as usize] as usize];
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
            let n = bk.nodes[bk.live[r.below(bk.len() as u64) as usize] as usize];
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

// ---------------------------------------------------------------- file
impl Stream {
    pub fn write(&self, mut w: impl Write) -> io::Result<()> {
        w.write_all(MAGIC)?;
        for v in [
            self.seed,
            self.books as u64,
            self.accounts as u64,
            self.prefill,
            self.warmup,
            self.measured,
            self.expect.trades,
            self.expect.volume,
            self.expect.hash,
            self.resting,
            self.max_id,
            self.min_price as u64,
            self.max_price as u64,
            0,
            0,
        ] {
            w.write_all(&v.to_le_bytes())?;
        }
        for o in &self.ops {
            let mut b = [0u8; 32];
            b[0] = o.kind;
            b[1] = o.side;
            b[2..4].copy_from_slice(&o.book.to_le_bytes());
            b[4..8].copy_from_slice(&o.qty.to_le_bytes());
            b[8..16].copy_from_slice(&o.id.to_le_bytes());
            b[16..24].copy_from_slice(&o.price.to_le_bytes());
            b[24..28].copy_from_slice(&o.account.to_le_bytes());
            b[28..32].copy_from_slice(&o.flags.to_le_bytes());
            w.write_all(&b)?;
        }
        w.flush()
    }
    pub fn read(mut r: impl Read) -> io::Result<Self> {
        let mut buf = Vec::new();
        r.read_to_end(&mut buf)?;
        let bad = |m: &str| io::Error::new(io::ErrorKind::InvalidData, m.to_string());
        if buf.len() < 128 || &buf[..8] != MAGIC {
            return Err(bad("not a LOLOPS01 stream"));
        }
        let h = |i: usize| u64::from_le_bytes(buf[8 + 8 * i..16 + 8 * i].try_into().unwrap());
        let body = &buf[128..];
        if body.len() % 32 != 0 || (body.len() / 32) as u64 != h(3) + h(4) + h(5) {
            return Err(bad("wrong length"));
        }
        let ops = body
            .chunks_exact(32)
            .map(|b| Op {
                kind: b[0],
                side: b[1],
                book: u16::from_le_bytes([b[2], b[3]]),
                qty: u32::from_le_bytes(b[4..8].try_into().unwrap()),
                id: u64::from_le_bytes(b[8..16].try_into().unwrap()),
                price: i64::from_le_bytes(b[16..24].try_into().unwrap()),
                account: u32::from_le_bytes(b[24..28].try_into().unwrap()),
                flags: u32::from_le_bytes(b[28..32].try_into().unwrap()),
            })
            .collect();
        Ok(Stream {
            seed: h(0),
            books: h(1) as u32,
            accounts: h(2) as u32,
            prefill: h(3),
            warmup: h(4),
            measured: h(5),
            expect: Tally { trades: h(6), volume: h(7), hash: h(8) },
            resting: h(9),
            max_id: h(10),
            min_price: h(11) as i64,
            max_price: h(12) as i64,
            ops,
        })
    }
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
}
