//! Nonce windows (rules 8.2): a request that was seen cannot be sent again, yet requests may overtake each other for a
//! short while.

use std::collections::{BTreeSet, VecDeque};

/// Nonces kept per key; beyond, the lowest become the threshold (rules 8.2).
const NONCES: usize = 4096;
/// How long a nonce out of order is tolerated, in microseconds of real time (rules 8.2).
pub(crate) const NONCE_WINDOW: u64 = 10_000_000;

/// Why a nonce is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NonceError {
    /// Not above the highest one seen more than ten seconds ago.
    BelowThreshold,
    /// Seen already.
    Duplicate,
}

/// The nonces of one key.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The highest value seen before the window; nothing up to it is taken.
    threshold: Option<u64>,
    /// Values above the threshold.
    seen: BTreeSet<u64>,
    /// The same values (and some that have sunk below the threshold since) in order of arrival.
    arrivals: VecDeque<(u64, u64)>,
}

impl Window {
    /// A window that remembers only the highest value, as after a restart.
    pub(crate) fn after(highest: Option<u64>) -> Self {
        Self { threshold: highest, ..Self::default() }
    }

    /// Takes `nonce` at `now` (microseconds), or says why not. A refused nonce leaves no trace.
    pub(crate) fn take(&mut self, nonce: u64, now: u64) -> Result<(), NonceError> {
        while let Some(&(value, at)) = self.arrivals.front()
            && now.saturating_sub(at) > NONCE_WINDOW
        {
            self.arrivals.pop_front();
            self.raise(value);
        }
        if self.threshold.is_some_and(|threshold| nonce <= threshold) {
            return Err(NonceError::BelowThreshold);
        }
        if !self.seen.insert(nonce) {
            return Err(NonceError::Duplicate);
        }
        self.arrivals.push_back((nonce, now));
        if self.seen.len() > NONCES
            && let Some(lowest) = self.seen.first().copied()
        {
            self.raise(lowest);
        }
        if self.arrivals.len() > 2 * NONCES {
            let seen = &self.seen;
            self.arrivals.retain(|(value, _)| seen.contains(value));
        }
        Ok(())
    }

    /// The value that nonces must be above; 0 when there is none.
    pub(crate) fn threshold(&self) -> u64 {
        self.threshold.unwrap_or(0)
    }

    /// When a nonce came that is still remembered; 0 when it is not.
    pub(crate) fn seen_at(&self, nonce: u64) -> u64 {
        self.arrivals.iter().find(|(value, _)| *value == nonce).map_or(0, |(_, at)| *at)
    }

    fn raise(&mut self, to: u64) {
        if self.threshold.is_some_and(|threshold| to <= threshold) {
            return;
        }
        self.threshold = Some(to);
        self.seen = match to.checked_add(1) {
            Some(above) => self.seen.split_off(&above),
            None => BTreeSet::new(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::NonceError::{BelowThreshold, Duplicate};
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_nonce_may_be_late_by_ten_seconds_but_never_twice() {
        let mut window = Window::default();
        for (nonce, at, want) in [
            (100, 0, Ok(())),
            (100, 0, Err(Duplicate)),
            (99, 10 * SECOND, Ok(())),
            (98, 10 * SECOND + 1, Err(BelowThreshold)),
            (100, 10 * SECOND + 1, Err(BelowThreshold)),
            (101, 10 * SECOND + 1, Ok(())),
            (101, 10 * SECOND + 2, Err(Duplicate)),
            (u64::MAX, 11 * SECOND, Ok(())),
            (u64::MAX, 11 * SECOND, Err(Duplicate)),
            (102, 21 * SECOND, Ok(())),
            (103, 21 * SECOND + 1, Err(BelowThreshold)),
            (u64::MAX, 21 * SECOND + 1, Err(BelowThreshold)),
        ] {
            assert_eq!(window.take(nonce, at), want, "{nonce} at {at}");
        }
    }

    #[test]
    fn zero_is_a_nonce() {
        let mut window = Window::default();
        assert_eq!(window.take(0, 0), Ok(()));
        assert_eq!(window.take(0, 0), Err(Duplicate));
        assert_eq!(Window::after(Some(0)).take(0, 0), Err(BelowThreshold));
    }

    #[test]
    fn after_a_restart_the_highest_remembered_is_the_threshold() {
        let mut window = Window::after(Some(500));
        assert_eq!(window.take(500, 0), Err(BelowThreshold));
        assert_eq!(window.take(501, 0), Ok(()));
    }

    #[test]
    fn the_lowest_of_too_many_become_the_threshold() {
        let mut window = Window::default();
        let most = NONCES as u64;
        for nonce in 1..=most {
            assert_eq!(window.take(nonce * 2, 0), Ok(()));
        }
        assert_eq!(window.take(1, 0), Ok(()), "room for one more is made by forgetting the lowest");
        assert_eq!(window.take(1, 0), Err(BelowThreshold));
        assert_eq!(window.take(3, 0), Ok(()));
        assert_eq!(window.take(2, 0), Err(BelowThreshold));
        assert_eq!(window.take(4, 0), Err(Duplicate));
        for nonce in 0..100_000 {
            assert_eq!(window.take(1_000_000 + nonce, 0), Ok(()));
        }
        assert!(window.seen.len() <= NONCES && window.arrivals.len() <= 2 * NONCES);
    }
}
