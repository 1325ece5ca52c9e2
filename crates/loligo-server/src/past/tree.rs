//! The path of one pair's price: a tree of candles, made from the top down, so that a candle of any length is found without
//! making those within it.
//!
//! Each day has an open, a high, a low and a close; they are shared out among its halves, and so on down to minutes. The
//! parts of a node chain (each opens where the one before closed), reach its high and its low exactly, and never leave
//! them. So the fold of any node's parts is the node itself, at every level.
//!
//! Prices are distances from the first index price in billionths of it; the path ends at zero.

use crate::market::dice::Dice;

/// Minutes of a day.
pub(super) const DAY: i64 = 1_440;

/// One level of the tree.
struct Level {
    /// How long a node is, in minutes.
    minutes: i64,
    /// Into how many nodes of the next level it is cut.
    parts: usize,
    /// How far the price usually goes in it, in billionths: half a basis point times the square root of its seconds,
    /// which is what the live index does.
    sigma: i64,
}

const LEVELS: [Level; 8] = [
    Level { minutes: 1_440, parts: 2, sigma: 14_696_938 },
    Level { minutes: 720, parts: 3, sigma: 10_392_305 },
    Level { minutes: 240, parts: 4, sigma: 6_000_000 },
    Level { minutes: 60, parts: 2, sigma: 3_000_000 },
    Level { minutes: 30, parts: 2, sigma: 2_121_320 },
    Level { minutes: 15, parts: 3, sigma: 1_500_000 },
    Level { minutes: 5, parts: 5, sigma: 866_025 },
    Level { minutes: 1, parts: 1, sigma: 387_298 },
];
const MOST_PARTS: usize = 5;
/// With so many parts left, how free the next step is, in thousandths: the root of `left / (left + 1)`.
const FREEDOM: [i64; MOST_PARTS] = [0, 707, 816, 866, 894];

/// Looking back, a day's move fades: this share of the distance, in thousandths, is left a day earlier. The live index
/// returns to where it began at the same rate.
const LEFT_A_DAY: i64 = 649;
/// What is new in each day's open, in billionths; with the share above the price strays by one or two percent.
const SIGMA_A_DAY: i64 = 12_000_000;
/// Keeps these dice apart from those of the live market.
const PURPOSE: u64 = 1 << 40;

/// Prices of a stretch of time, in billionths away from where the path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) open: i64,
    pub(super) high: i64,
    pub(super) low: i64,
    pub(super) close: i64,
}

/// The path of one pair from the beginning of a day to the minute in which it ends. Minutes are counted since 1970.
pub(super) struct Tree {
    seed: u64,
    purpose: u64,
    first_day: i64,
    /// The first minute that is no longer made up.
    end: i64,
    /// Opens of all days, then the close of the last: what a day begins with depends on all days after it.
    opens: Vec<i64>,
}

/// About as often above zero as below, most often near it, and `sigma` away on average of squares; at most 3.5 times that.
pub(super) fn bell(dice: &mut Dice, sigma: i64) -> i64 {
    // Four throws of a uniform die whose half width is w have a deviation of w times the root of 4/3.
    let width = sigma * 866 / 1_000;
    (0..4).map(|_| dice.between(-width, width)).sum()
}

impl Tree {
    pub(super) fn new(seed: u64, pair: u64, first_day: i64, end: i64) -> Self {
        let last_day = (end - 1).div_euclid(DAY);
        let mut tree = Self { seed, purpose: PURPOSE + pair * 16, first_day, end, opens: vec![0] };
        for day in (first_day..=last_day).rev() {
            let close = tree.opens[tree.opens.len() - 1];
            let mut dice = tree.dice(day * DAY, LEVELS.len());
            tree.opens.push(close * LEFT_A_DAY / 1_000 + bell(&mut dice, SIGMA_A_DAY));
        }
        tree.opens.reverse();
        // The last day was made whole, as if it had gone on; what counts is where it was when the venue began.
        let mut there = 0;
        tree.visit(end - 1, end, LEVELS.len() - 1, &mut |_, _, node| there = node.close);
        for open in &mut tree.opens {
            *open -= there;
        }
        tree
    }

    fn dice(&self, minute: i64, level: usize) -> Dice {
        Dice::new(self.seed, minute, self.purpose + level as u64)
    }

    /// Calls `each` with opening minute, length and prices of the longest nodes of at most `minutes` that lie whole between
    /// two minutes (the first counted in, the last not) and within the path, in order of time; how many nodes were made
    /// for that.
    pub(super) fn nodes(
        &self,
        from: i64,
        to: i64,
        minutes: i64,
        each: &mut dyn FnMut(i64, i64, Node),
    ) -> u64 {
        let level = LEVELS.iter().position(|level| level.minutes <= minutes).unwrap_or(LEVELS.len() - 1);
        self.visit(from.max(self.first_day * DAY), to.min(self.end), level, each)
    }

    fn visit(&self, from: i64, to: i64, level: usize, each: &mut dyn FnMut(i64, i64, Node)) -> u64 {
        let mut made = 0;
        if from >= to {
            return made;
        }
        for day in from.div_euclid(DAY)..=(to - 1).div_euclid(DAY) {
            let at = (day - self.first_day) as usize;
            made += 1;
            let mut dice = self.dice(day * DAY, 0);
            let node = between(self.opens[at], self.opens[at + 1], LEVELS[0].sigma, None, &mut dice);
            made += self.descend(day * DAY, 0, node, (from, to, level), each);
        }
        made
    }

    fn descend(
        &self,
        start: i64,
        level: usize,
        node: Node,
        wanted: (i64, i64, usize),
        each: &mut dyn FnMut(i64, i64, Node),
    ) -> u64 {
        let (from, to, wanted_level) = wanted;
        let length = LEVELS[level].minutes;
        if start >= to || start + length <= from {
            return 0;
        }
        if level >= wanted_level && start >= from && start + length <= to {
            each(start, length, node);
            return 0;
        }
        let parts = LEVELS[level].parts;
        let mut made = parts as u64;
        for (at, part) in self.split(start, level, node).into_iter().take(parts).enumerate() {
            let part_start = start + at as i64 * LEVELS[level + 1].minutes;
            made += self.descend(part_start, level + 1, part, wanted, each);
        }
        made
    }

    /// The parts of a node.
    fn split(&self, start: i64, level: usize, node: Node) -> [Node; MOST_PARTS] {
        let parts = LEVELS[level].parts;
        let sigma = LEVELS[level + 1].sigma;
        let mut dice = self.dice(start, level + 1);
        // From part to part the price goes where chance takes it, and straight to where it must end.
        let mut path = [node.close; MOST_PARTS + 1];
        path[0] = node.open;
        for at in 1..parts {
            let left = parts - at;
            let straight = (node.close - path[at - 1]) / (left as i64 + 1);
            let strays = sigma * FREEDOM[left] / 1_000;
            let there = path[at - 1] + straight + bell(&mut dice, strays);
            // What would leave the node is thrown back: prices do not gather at its high and its low.
            let there = if there > node.high { 2 * node.high - there } else { there };
            let there = if there < node.low { 2 * node.low - there } else { there };
            path[at] = there.min(node.high);
        }
        // Where it comes nearest to its high it is lifted, if that is still too far for one part to reach; so for its low.
        let inner = 1..parts;
        let highest = inner.clone().max_by_key(|&at| path[at]).unwrap_or_default();
        let lowest = inner.min_by_key(|&at| path[at]).unwrap_or_default();
        let short_of_high = node.high - path[..=parts].iter().max().unwrap_or(&node.high);
        let short_of_low = path[..=parts].iter().min().unwrap_or(&node.low) - node.low;
        let (lift, sink) = (short_of_high > sigma, short_of_low > sigma);
        if lift && (highest != lowest || !sink || short_of_high > short_of_low) {
            path[highest] = (node.high - bell(&mut dice, sigma / 2).abs()).max(node.low);
        }
        if sink && (highest != lowest || !lift || short_of_high <= short_of_low) {
            path[lowest] = (node.low + bell(&mut dice, sigma / 2).abs()).min(node.high);
        }
        let mut made = [node; MOST_PARTS];
        for (at, part) in made.iter_mut().enumerate().take(parts) {
            *part = between(path[at], path[at + 1], sigma, Some(node), &mut dice);
        }
        // One of the parts that come nearest reaches the high, and one the low.
        let highest = (0..parts).max_by_key(|&at| path[at].max(path[at + 1])).unwrap_or_default();
        let lowest = (0..parts).min_by_key(|&at| path[at].min(path[at + 1])).unwrap_or_default();
        made[highest].high = node.high;
        made[lowest].low = node.low;
        made
    }
}

/// A node between two prices, that strays a little beyond them but not out of the node that it is a part of.
fn between(open: i64, close: i64, sigma: i64, whole: Option<Node>, dice: &mut Dice) -> Node {
    let high = open.max(close) + bell(dice, sigma / 2).abs();
    let low = open.min(close) - bell(dice, sigma / 2).abs();
    let (high, low) = whole.map_or((high, low), |whole| (high.min(whole.high), low.max(whole.low)));
    Node { open, high, low, close }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The twentieth day of a year, a quarter past seven in the evening.
    const END: i64 = 20_473 * DAY + 19 * 60 + 15;
    const FIRST_DAY: i64 = 20_473 - 30;

    fn tree(seed: u64) -> Tree {
        Tree::new(seed, 0, FIRST_DAY, END)
    }

    fn all(tree: &Tree, from: i64, to: i64, minutes: i64) -> (Vec<(i64, i64, Node)>, u64) {
        let mut found = Vec::new();
        let made =
            tree.nodes(from, to, minutes, &mut |start, length, node| found.push((start, length, node)));
        (found, made)
    }

    fn fold(nodes: &[(i64, i64, Node)]) -> Node {
        Node {
            open: nodes[0].2.open,
            high: nodes.iter().map(|(_, _, node)| node.high).max().unwrap(),
            low: nodes.iter().map(|(_, _, node)| node.low).min().unwrap(),
            close: nodes[nodes.len() - 1].2.close,
        }
    }

    #[test]
    fn the_path_ends_at_zero_and_never_jumps() {
        for seed in 0..5 {
            let (minutes, _) = all(&tree(seed), i64::MIN, i64::MAX, 1);
            assert_eq!(minutes.len() as i64, END - FIRST_DAY * DAY, "every minute is there once");
            assert_eq!(minutes[minutes.len() - 1].2.close, 0);
            for pair in minutes.windows(2) {
                assert_eq!((pair[0].0 + 1, pair[0].2.close), (pair[1].0, pair[1].2.open));
            }
            for (start, _, node) in &minutes {
                assert!(node.low <= node.open.min(node.close), "{start}");
                assert!(node.high >= node.open.max(node.close), "{start}");
            }
        }
    }

    #[test]
    fn every_node_is_the_fold_of_its_minutes() {
        let tree = tree(7);
        for level in &LEVELS {
            let (nodes, _) = all(&tree, i64::MIN, i64::MAX, level.minutes);
            for (start, length, node) in nodes {
                assert!(length <= level.minutes && start % length == 0);
                let (minutes, _) = all(&tree, start, start + length, 1);
                assert_eq!(fold(&minutes), node, "{length} minutes from {start}");
            }
        }
    }

    #[test]
    fn a_stretch_is_covered_by_the_longest_nodes_that_fit() {
        let tree = tree(7);
        let (nodes, _) = all(&tree, FIRST_DAY * DAY + 59, FIRST_DAY * DAY + 2 * DAY + 1, DAY);
        let lengths: Vec<i64> = nodes.iter().map(|(_, length, _)| *length).collect();
        assert_eq!(lengths, [1, 60, 60, 60, 240, 240, 720, 1_440, 1]);
    }

    #[test]
    fn a_node_costs_the_levels_above_it_and_no_more() {
        let tree = tree(7);
        let day = (FIRST_DAY + 3) * DAY;
        assert_eq!(all(&tree, day, day + DAY, DAY).1, 1, "a day is one node, not 1,440");
        assert_eq!(all(&tree, day + 61, day + 62, 1).1, 1 + 2 + 3 + 4 + 2 + 2 + 3 + 5);
        assert_eq!(all(&tree, day, day + DAY, 60).1, 1 + 2 + 6 + 24);
        // A page of 2,000 minutes: a whole day with all that is in it, and of the next one what leads to its first 560.
        let (whole, part) = (1 + 2 + 6 + 24 + 48 + 96 + 288 + 1_440, 1 + 2 + 3 + 12 + 20 + 38 + 114 + 560);
        assert_eq!(all(&tree, day, day + 2_000, 1).1, whole + part);
    }

    #[test]
    fn the_price_strays_some_percent_and_minutes_are_quiet() {
        for seed in 0..20 {
            let tree = tree(seed);
            let month = fold(&all(&tree, i64::MIN, i64::MAX, DAY).0);
            assert!(month.high < 150_000_000 && month.low > -150_000_000, "{seed}: {month:?}");
            assert!(month.high - month.low > 15_000_000, "{seed}: it moves");
            let (minutes, _) = all(&tree, i64::MIN, i64::MAX, 1);
            let ranges: Vec<i64> = minutes.iter().map(|(_, _, node)| node.high - node.low).collect();
            let mean = ranges.iter().sum::<i64>() / ranges.len() as i64;
            assert!((400_000..700_000).contains(&mean), "{seed}: about five basis points a minute, {mean}");
            assert!(ranges.iter().all(|range| *range < 15_000_000), "{seed}: {:?}", ranges.iter().max());
        }
    }

    #[test]
    fn another_seed_is_another_path_and_a_later_end_the_same_shape() {
        let closes = |tree: &Tree| {
            let (nodes, _) = all(tree, FIRST_DAY * DAY, (FIRST_DAY + 20) * DAY, 60);
            nodes.into_iter().map(|(_, _, node)| node.close).collect::<Vec<_>>()
        };
        assert_ne!(closes(&tree(1)), closes(&tree(2)));
        assert_ne!(closes(&tree(1)), closes(&Tree::new(1, 1, FIRST_DAY, END)), "each pair has its own");
        let (early, late) = (closes(&tree(1)), closes(&Tree::new(1, 0, FIRST_DAY, END + 60)));
        let shift = late[0] - early[0];
        assert!(early.iter().zip(&late).all(|(early, late)| late - early == shift));
    }
}
