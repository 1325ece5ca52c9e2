//! Rate windows (rules 8.4): what an account spends within ten seconds, what a WebSocket connection asks within one.

use std::collections::VecDeque;

/// What somebody has spent lately.
#[derive(Debug)]
pub(crate) struct Window {
    budget: u32,
    length: u64,
    spent: u32,
    spendings: VecDeque<(u64, u32)>,
}

impl Window {
    /// At most `budget` within any `length` microseconds.
    pub(crate) fn new(budget: u32, length: u64) -> Self {
        Self { budget, length, spent: 0, spendings: VecDeque::new() }
    }

    /// Spends `cost` at `now` (microseconds); false when the budget does not cover it, and then nothing is spent.
    pub(crate) fn spend(&mut self, cost: u32, now: u64) -> bool {
        while let Some(&(at, cost)) = self.spendings.front()
            && now.saturating_sub(at) >= self.length
        {
            self.spendings.pop_front();
            self.spent -= cost;
        }
        if self.spent + cost > self.budget {
            return false;
        }
        if cost > 0 {
            self.spent += cost;
            // What is spent at one moment leaves at one moment.
            match self.spendings.back_mut() {
                Some((at, sum)) if *at == now => *sum += cost,
                _ => self.spendings.push_back((now, cost)),
            }
        }
        true
    }

    /// How long until so much can be spent, in microseconds; for more than the budget, a whole window.
    pub(crate) fn wait(&self, cost: u32, now: u64) -> u64 {
        let mut left = self.left();
        for &(at, freed) in &self.spendings {
            if left >= cost {
                break;
            }
            left += freed;
            if left >= cost {
                return (at + self.length).saturating_sub(now);
            }
        }
        if left >= cost { 0 } else { self.length }
    }

    /// What is left of the budget, as far as the window had slid when something was last to be spent.
    pub(crate) fn left(&self) -> u32 {
        self.budget.saturating_sub(self.spent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RATE_BUDGET, RATE_WINDOW};
    use super::*;

    #[test]
    fn the_window_slides_and_refusals_are_free() {
        let mut window = Window::new(RATE_BUDGET, RATE_WINDOW);
        for step in 0..50 {
            assert!(window.spend(10, step * 1000), "order {step}");
        }
        assert!(!window.spend(10, 50_000));
        assert!(!window.spend(1, 50_000));
        assert!(window.spend(0, 50_000));
        assert_eq!(window.wait(10, 50_000), RATE_WINDOW - 50_000);
        assert_eq!(window.wait(11, 50_000), RATE_WINDOW - 49_000);
        assert_eq!(window.wait(501, 50_000), RATE_WINDOW);
        assert_eq!(window.wait(0, 50_000), 0);
        assert!(!window.spend(10, RATE_WINDOW - 1));
        assert!(window.spend(10, RATE_WINDOW), "the first one has left");
        assert!(!window.spend(1, RATE_WINDOW));
        assert!(!window.spend(11, RATE_WINDOW + 1000));
        assert!(window.spend(10, RATE_WINDOW + 1000));
        assert!(!window.spend(501, 10 * RATE_WINDOW), "more than the budget never passes");
        assert!(window.spend(500, 10 * RATE_WINDOW));
    }
}
