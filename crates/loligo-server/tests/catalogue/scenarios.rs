//! The table of scenarios. Each starts from the fixture; A acts unless somebody else is named.

mod general;
mod lifecycle;
mod limits;
mod offsets;
mod operator;
mod refusals;
mod trailing;
mod triggers;

use crate::runner::Steps;
use crate::seed::Word;

/// One scenario: what it shows, and how.
pub struct Scenario {
    /// A sentence that names it; `docs/order-status.md` repeats it.
    pub title: &'static str,
    /// Why the words are said; `docs/order-status.md` repeats it.
    pub cause: &'static str,
    /// Words that its answers say.
    pub shows: &'static [Word],
    /// How.
    pub run: Steps,
}

/// Title, cause, words, steps.
macro_rules! scenario {
    ($title:literal, $cause:literal, [$($word:expr),+ $(,)?], |$f:ident| $steps:block) => {
        $crate::scenarios::Scenario {
            title: $title,
            cause: $cause,
            shows: &[$($word),+],
            run: $crate::runner::steps!(|$f| $steps),
        }
    };
}
use scenario;

/// All scenarios.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        lifecycle::SCENARIOS,
        triggers::SCENARIOS,
        operator::SCENARIOS,
        refusals::SCENARIOS,
        limits::SCENARIOS,
        trailing::SCENARIOS,
        offsets::SCENARIOS,
        general::SCENARIOS,
    ]
    .into_iter()
    .flatten()
}
