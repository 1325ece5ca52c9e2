//! Exchange time: the machine's clock or one that is moved by hand.

use loligo_engine::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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
    /// The operator ended the move, or stopped the exchange, before it was there.
    #[error("the move was ended: the clock stands at {} us since 1970", .at.0)]
    Ended {
        /// Where it stands.
        at: Timestamp,
    },
    /// What the move brings about cannot be remembered.
    #[error("the disk is full: the clock stands at {} us since 1970", .at.0)]
    DiskFull {
        /// Where it stands.
        at: Timestamp,
    },
    /// The node does not take it up.
    #[error(transparent)]
    Node(#[from] super::SubmitError),
}

/// From how much on a machine's clock that is behind is worth a line, in microseconds. Steps below that are what keeping
/// a clock in time does every day.
const WORTH_A_LINE_MICROS: i64 = Timestamp::SECOND;

/// Microseconds by one of the machine's clocks.
type Source = Box<dyn Fn() -> i64 + Send + Sync>;

/// The machine's clock as exchange time: never back and never still. It is the monotonic clock and a lead over it, which
/// only ever grows, to where the wall clock is. So where the wall clock is behind, put back or wrong at a start, time goes
/// on from where the exchange stands until the wall clock has caught up; a line says when that begins and ends.
pub(crate) struct MachineClock {
    wall: Source,
    monotonic: Source,
    /// By how much exchange time is ahead of the monotonic clock.
    lead: AtomicI64,
    /// Whether the wall clock was behind when last looked at.
    behind: AtomicBool,
}

impl MachineClock {
    /// The clocks of the operating system.
    pub(crate) fn system() -> Self {
        let start = Instant::now();
        let monotonic = move || i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX);
        Self::of(Box::new(wall_micros), Box::new(monotonic))
    }

    /// A wall clock, in microseconds since 1970, and a monotonic one since any moment.
    pub(crate) fn of(wall: Source, monotonic: Source) -> Self {
        Self { wall, monotonic, lead: AtomicI64::new(i64::MIN), behind: AtomicBool::new(false) }
    }

    /// Exchange time stands at `at` now, or later.
    pub(crate) fn not_before(&self, at: Timestamp) {
        self.lead.fetch_max(at.0.saturating_sub((self.monotonic)()), Ordering::SeqCst);
    }

    /// Exchange time now.
    pub(crate) fn now(&self) -> Timestamp {
        self.read().0
    }

    /// By how many microseconds the wall clock is behind exchange time.
    pub(crate) fn behind_micros(&self) -> i64 {
        self.read().1
    }

    /// The monotonic clock alone, in microseconds: for how long something takes.
    pub(crate) fn monotonic_micros(&self) -> i64 {
        (self.monotonic)()
    }

    fn read(&self) -> (Timestamp, i64) {
        // In this order: a thread that is held up in between finds the wall clock a little behind. The other way round
        // each hold-up would carry exchange time ahead, and it never comes back.
        let wall = (self.wall)();
        let monotonic = (self.monotonic)();
        let lead = wall.saturating_sub(monotonic);
        let lead = self.lead.fetch_max(lead, Ordering::SeqCst).max(lead);
        let now = monotonic.saturating_add(lead);
        let behind = now.saturating_sub(wall);
        self.tell(behind);
        (Timestamp(now), behind)
    }

    fn tell(&self, behind_micros: i64) {
        let behind = behind_micros >= WORTH_A_LINE_MICROS;
        if self.behind.load(Ordering::Relaxed) == behind
            || self.behind.swap(behind, Ordering::Relaxed) == behind
        {
            return;
        }
        if behind {
            tracing::warn!(
                behind_ms = behind_micros / 1000,
                "the machine's clock is behind exchange time, which never goes back: it goes on by the monotonic clock \
                 until the machine's clock has caught up; a processBefore by the machine's clock is too early meanwhile"
            );
        } else {
            tracing::warn!("the machine's clock has caught up with exchange time");
        }
    }
}

fn wall_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A machine whose clocks stand until they are set.
    fn machine(wall: i64) -> (MachineClock, Arc<AtomicI64>, Arc<AtomicI64>) {
        let (wall, monotonic) = (Arc::new(AtomicI64::new(wall)), Arc::new(AtomicI64::new(0)));
        let source = |clock: &Arc<AtomicI64>| -> Source {
            let clock = Arc::clone(clock);
            Box::new(move || clock.load(Ordering::SeqCst))
        };
        (MachineClock::of(source(&wall), source(&monotonic)), wall, monotonic)
    }

    #[test]
    fn time_goes_on_from_where_it_stood_while_the_wall_clock_is_behind() {
        let (clock, wall, monotonic) = machine(5_000_000);
        assert_eq!((clock.now(), clock.behind_micros()), (Timestamp(5_000_000), 0));
        // An hour back, and 2 s on.
        wall.store(-3_595_000_000 + 2_000_000, Ordering::SeqCst);
        monotonic.store(2_000_000, Ordering::SeqCst);
        assert_eq!((clock.now(), clock.behind_micros()), (Timestamp(7_000_000), 3_600_000_000));
        // Set right again, and a little ahead: it is followed at once.
        wall.store(7_300_000, Ordering::SeqCst);
        assert_eq!((clock.now(), clock.behind_micros()), (Timestamp(7_300_000), 0));
        wall.store(7_200_000, Ordering::SeqCst);
        monotonic.store(2_400_000, Ordering::SeqCst);
        assert_eq!((clock.now(), clock.behind_micros()), (Timestamp(7_700_000), 500_000));
    }

    #[test]
    fn a_start_goes_on_from_the_last_record_however_wrong_the_wall_clock_is() {
        for wall in [0, 1, i64::MIN, 8_999_999] {
            let (clock, _, monotonic) = machine(wall);
            clock.not_before(Timestamp(9_000_000));
            monotonic.store(1_000_000, Ordering::SeqCst);
            assert_eq!(clock.now(), Timestamp(10_000_000), "{wall}");
        }
        let (clock, _, _) = machine(9_500_000);
        clock.not_before(Timestamp(9_000_000));
        assert_eq!((clock.now(), clock.behind_micros()), (Timestamp(9_500_000), 0));
    }
}
