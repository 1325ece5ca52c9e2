//! Settings of an account, as the dialect and the engine call them.

use loligo_engine::{Leverage, SelfTradeStrategy};
use loligo_wire::decimal::{Decimal, Number};
use loligo_wire::v3::words;

/// Most that caps what fills off the book, in hundredths.
const OFF_BOOK_MOST: u32 = 10_000;

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
    in_hundredths(number).map_or(OUT_OF_BOUNDS, Leverage)
}

/// A cap of what fills off the book, in hundredths; none for what is no number from 0 to 100 with two places.
pub(crate) fn off_book_leverage(number: Number) -> Option<u32> {
    in_hundredths(number).filter(|cap| *cap <= OFF_BOOK_MOST)
}

/// A leverage as it is told.
pub(crate) fn hundredths(leverage: u32) -> Decimal {
    Decimal::new(i128::from(leverage), 2)
}

fn in_hundredths(number: Number) -> Option<u32> {
    let hundredths = number.decimal()?.at_scale(2).ok()?;
    u32::try_from(hundredths).ok()
}
