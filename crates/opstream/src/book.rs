//! The reference: plain price-time priority, no accounts.

use crate::{CANCEL, IOC, Op, PLACE, Tally};
use std::collections::BTreeMap;

/// No slot.
pub const NIL: u32 = u32::MAX;

#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) price: i64,
    pub(crate) qty: u32,
    prev: u32,
    next: u32,
    live: u32,
    pub(crate) account: u32,
    pub(crate) side: u8,
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
    /// Empty.
    pub fn new() -> Self {
        RefBook { bids: BTreeMap::new(), asks: BTreeMap::new(), nodes: vec![], free: vec![], live: vec![] }
    }
    /// How many orders rest.
    pub fn len(&self) -> usize {
        self.live.len()
    }
    /// True when none rests.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }
    /// Best price of bids (0) or asks (1).
    pub fn best(&self, side: u8) -> Option<i64> {
        if side == 0 {
            self.bids.last_key_value().map(|(p, _)| *p)
        } else {
            self.asks.first_key_value().map(|(p, _)| *p)
        }
    }
    /// A live order chosen by its place in the list of live ones.
    pub(crate) fn live(&self, place: u64) -> Node {
        self.nodes[self.live[place as usize] as usize]
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
            let l = map.get_mut(&n.price).expect("a linked order has its level");
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
        let last = self.live.pop().expect("the order is live");
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
    /// Applies one operation and counts its trades. `index` maps order ids to slots; [`NIL`] where none is live.
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
