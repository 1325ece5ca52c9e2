//! Numbers that look random and follow from seed, second and purpose: no state from one second to the next.

/// A short stream of numbers (SplitMix64).
#[derive(Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64, second: i64, purpose: u64) -> Self {
        let mut dice = Self { state: seed };
        for part in [second.cast_unsigned(), purpose] {
            dice.state = dice.next() ^ part;
        }
        dice
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = (i128::from(high) - i128::from(low) + 1) as u128;
        (i128::from(low) + ((u128::from(self.next()) * width) >> 64) as i128) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throws_stay_in_range_and_reach_its_ends() {
        let mut dice = Dice::new(1, 2, 3);
        let throws: Vec<i64> = (0..1000).map(|_| dice.between(-3, 3)).collect();
        assert!(throws.iter().all(|throw| (-3..=3).contains(throw)));
        for face in -3..=3 {
            let times = throws.iter().filter(|throw| **throw == face).count();
            assert!((80..220).contains(&times), "{face} came {times} times");
        }
    }

    #[test]
    fn every_part_of_the_seed_matters() {
        let first = |seed, second, purpose| Dice::new(seed, second, purpose).next();
        assert_eq!(first(1, 2, 3), first(1, 2, 3));
        let all =
            [first(1, 2, 3), first(2, 2, 3), first(1, 3, 3), first(1, 2, 4), first(2, 1, 3), first(3, 2, 1)];
        for (at, number) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(number));
        }
    }
}
