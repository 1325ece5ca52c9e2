//! Price levels by price: a trie that reads a price six bits at a time. A node says in one word which children it has,
//! so the neighbour of a price is found by counting zeros, and no lookup takes more than [`DEPTH`] steps however many
//! levels there are. Nothing of it is stored: a book that is read back builds it anew.

use crate::slot::{LevelSlot, Maybe, Slot};

/// Bits read at each step.
const STEP: u32 = 6;
/// Steps to a leaf: 30 bits hold every price there is.
const DEPTH: usize = 5;
const ROOT: u32 = 0;
/// No node, and no level.
const NIL: u32 = u32::MAX;

const _: () = assert!(crate::instrument::MAX_TICKS < 1 << (STEP as usize * DEPTH));

#[derive(Clone, Debug)]
struct Node {
    /// Bit `i`: there is a child at `i`.
    bits: u64,
    /// Nodes; in leaves, numbers of level slots. `NIL` where there is none.
    kids: [u32; 1 << STEP],
}

impl Node {
    const EMPTY: Node = Node { bits: 0, kids: [NIL; 1 << STEP] };
}

/// Level slots by price.
#[derive(Clone, Debug)]
pub(super) struct PriceTree {
    nodes: Vec<Node>,
    free: Vec<u32>,
    /// The node above the leaves that was last entered, and the prefix of the 4,096 prices under it: nearly every
    /// lookup is near the one before, and skips the way from the root.
    near: u32,
    near_prefix: u32,
}

impl Default for PriceTree {
    fn default() -> Self {
        Self { nodes: vec![Node::EMPTY], free: Vec::new(), near: NIL, near_prefix: NIL }
    }
}

/// Place of a price's child in the node that is `height` steps above the leaves.
fn place(price: u32, height: usize) -> usize {
    (price >> (STEP as usize * height)) as usize & ((1 << STEP) - 1)
}

fn prefix(price: u32) -> u32 {
    price >> (2 * STEP)
}

impl PriceTree {
    /// The level at a price.
    #[inline]
    pub fn get(&self, price: i64) -> Maybe<LevelSlot> {
        Maybe::of_number(self.find(price))
    }

    #[inline]
    fn find(&self, price: i64) -> u32 {
        let price = price as u32;
        if prefix(price) == self.near_prefix {
            let leaf = self.kid(self.near, place(price, 1));
            return self.kid(leaf, place(price, 0));
        }
        (0..DEPTH).rev().fold(ROOT, |node, height| self.kid(node, place(price, height)))
    }

    #[inline]
    fn kid(&self, node: u32, at: usize) -> u32 {
        self.nodes.get(node as usize).map_or(NIL, |node| node.kids[at])
    }

    /// Takes in a level at a price that has none.
    pub fn insert(&mut self, price: i64, level: LevelSlot) {
        let price = price as u32;
        let mut node = ROOT;
        for height in (1..DEPTH).rev() {
            if height == 1 {
                (self.near, self.near_prefix) = (node, prefix(price));
            }
            let at = place(price, height);
            let mut kid = self.nodes[node as usize].kids[at];
            if kid == NIL {
                kid = self.new_node();
                self.set(node, at, kid);
            }
            node = kid;
        }
        self.set(node, place(price, 0), level.index() as u32);
    }

    fn set(&mut self, node: u32, at: usize, kid: u32) {
        let node = &mut self.nodes[node as usize];
        node.bits |= 1 << at;
        node.kids[at] = kid;
    }

    fn new_node(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node::EMPTY);
            (self.nodes.len() - 1) as u32
        })
    }

    /// Drops the level at a price, which must have one, and the nodes that are empty without it.
    pub fn remove(&mut self, price: i64) {
        let price = price as u32;
        let path = self.path(price);
        for (height, node) in path.into_iter().enumerate() {
            let at = place(price, height);
            let slot = &mut self.nodes[node as usize];
            slot.bits &= !(1 << at);
            slot.kids[at] = NIL;
            if slot.bits != 0 || node == ROOT {
                return;
            }
            if node == self.near {
                (self.near, self.near_prefix) = (NIL, NIL);
            }
            self.free.push(node);
        }
    }

    /// The nodes on the way to a price, leaf first; `NIL` where the way ends early.
    #[inline]
    fn path(&self, price: u32) -> [u32; DEPTH] {
        let mut path = [ROOT; DEPTH];
        for height in (1..DEPTH).rev() {
            path[height - 1] = self.kid(path[height], place(price, height));
        }
        path
    }

    /// The level at the greatest price below this one.
    pub fn below(&self, price: i64) -> Maybe<LevelSlot> {
        self.beside(price, |bits, at| {
            let below = bits & ((1 << at) - 1);
            (below != 0).then(|| below.ilog2())
        })
    }

    /// The level at the least price above this one.
    pub fn above(&self, price: i64) -> Maybe<LevelSlot> {
        self.beside(price, |bits, at| {
            let above = bits & !(u64::MAX >> (63 - at));
            (above != 0).then(|| above.trailing_zeros())
        })
    }

    /// Goes up from a price to the first node with a child on the wanted side, then down keeping to the near edge.
    #[inline]
    fn beside(&self, price: i64, next: impl Fn(u64, usize) -> Option<u32>) -> Maybe<LevelSlot> {
        let price = price as u32;
        for (height, node) in self.path(price).into_iter().enumerate() {
            let Some(node) = self.nodes.get(node as usize) else { continue };
            let at = place(price, height);
            let Some(found) = next(node.bits, at) else { continue };
            let upwards = found as usize > at;
            let level = (0..height).fold(node.kids[found as usize], |node, _| {
                let node = &self.nodes[node as usize];
                let edge = if upwards { node.bits.trailing_zeros() } else { node.bits.ilog2() };
                node.kids[edge as usize]
            });
            return Maybe::of_number(level);
        }
        Maybe::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Random levels come and go, clustered and scattered; every answer is that of an ordered map.
    #[test]
    fn agrees_with_an_ordered_map() {
        let mut random = 1_u64;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let (mut tree, mut map) = (PriceTree::default(), BTreeMap::new());
        for round in 0..60_000_u32 {
            let price = match draw(3) {
                0 => 1 + draw(1_000_000_000) as i64,
                1 => 100_000 + draw(300) as i64,
                _ => 1 + draw(9_000) as i64,
            };
            let known = map.get(&price).copied();
            assert_eq!(tree.get(price).get(), known);
            // Waves of growth and decay, so that regions empty and fill again.
            match known {
                Some(_) if round % 20_000 > 8_000 => {
                    map.remove(&price);
                    tree.remove(price);
                }
                None if round % 20_000 <= 12_000 => {
                    let level = LevelSlot::of_index(round as usize);
                    map.insert(price, level);
                    tree.insert(price, level);
                }
                _ => {}
            }
            let below = map.range(..price).next_back().map(|(_, level)| *level);
            let above = map.range(price + 1..).next().map(|(_, level)| *level);
            assert_eq!((tree.below(price).get(), tree.above(price).get()), (below, above), "at {price}");
        }
        for price in map.keys() {
            tree.remove(*price);
        }
        assert_eq!(tree.free.len() + 1, tree.nodes.len(), "every node but the root is given back");
    }
}
