//! Randomness that is the same everywhere.

/// splitmix64.
pub struct Rng(u64);
impl Rng {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }
    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// A number from 0 up to, not including, `n`.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next_u64() as u128 * n as u128) >> 64) as u64
    }
}

/// Geometric distribution with mean `m` (0, 1, 2, ...), from a table of integer survival thresholds.
pub struct Geometric(Vec<u64>);
impl Geometric {
    /// With mean `m`.
    pub fn new(m: u64) -> Self {
        let mut t = Vec::new();
        let mut s = u64::MAX;
        while s > (1 << 40) && t.len() < 4096 {
            s = (s as u128 * m as u128 / (m as u128 + 1)) as u64;
            t.push(s);
        }
        Geometric(t)
    }
    /// Draws a number.
    pub fn draw(&self, r: &mut Rng) -> u64 {
        let u = r.next_u64();
        self.0.partition_point(|&s| s > u) as u64
    }
}
