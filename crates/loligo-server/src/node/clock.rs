//! Exchange time: the machine's clock or one that is moved by hand.

use loligo_engine::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The furthest one move of a manual clock may go: 31 days.
pub(crate) const MAX_JUMP_MICROS: i64 = 31 * 24 * 3600 * Timestamp::SECOND;

/// Why a clock is not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The exchange runs on the machine's clock.
    #[error("this exchange runs on real time; start it with --clock manual to move its clock")]
    RealClock,
    /// Back in time, or not at all.
    #[error("the clock only moves forward: it stands at {now} us since 1970, {asked} us was asked for")]
    Backward {
        /// Where it stands.
        now: i64,
        /// What was asked for.
        asked: i64,
    },
    /// Further than one move may go.
    #[error("one move of the clock may go 31 days at most; go there in several")]
    TooFar,
    /// The node does not take it up.
    #[error(transparent)]
    Node(#[from] super::SubmitError),
}

/// The machine's clock as exchange time.
pub(crate) fn machine_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
