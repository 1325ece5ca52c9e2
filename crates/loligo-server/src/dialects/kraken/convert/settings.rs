//! Settings of an account, as the dialect and the engine call them.

use loligo_engine::{Leverage, SelfTradeStrategy};
use loligo_wire::decimal::Number;
use loligo_wire::v3::words;

/// A leverage that no contract allows: what is finer than a hundredth, or no leverage at all, is refused as such in its
/// place among the checks.
const OUT_OF_BOUNDS: Leverage = Leverage(0);

pub(crate) fn strategy(word: words::SelfTradeStrategy) -> SelfTradeStrategy {
    match word {
        words::SelfTradeStrategy::RejectTaker => SelfTradeStrategy::RejectTaker,
        words::SelfTradeStrategy::CancelMakerSelf => SelfTradeStrategy::CancelMakerSelf,
        words::SelfTradeStrategy::CancelMakerChild => SelfTradeStrategy::CancelMakerChild,
        words::SelfTradeStrategy::CancelMakerAny => SelfTradeStrategy::CancelMakerAny,
    }
}

pub(crate) fn strategy_word(strategy: SelfTradeStrategy) -> words::SelfTradeStrategy {
    match strategy {
        SelfTradeStrategy::RejectTaker => words::SelfTradeStrategy::RejectTaker,
        SelfTradeStrategy::CancelMakerSelf => words::SelfTradeStrategy::CancelMakerSelf,
        SelfTradeStrategy::CancelMakerChild => words::SelfTradeStrategy::CancelMakerChild,
        SelfTradeStrategy::CancelMakerAny => words::SelfTradeStrategy::CancelMakerAny,
    }
}

/// A leverage, which the engine counts in hundredths.
pub(crate) fn leverage(number: Number) -> Leverage {
    number
        .decimal()
        .and_then(|decimal| decimal.at_scale(2).ok())
        .and_then(|hundredths| u32::try_from(hundredths).ok())
        .map_or(OUT_OF_BOUNDS, Leverage)
}
