//! The time that nonce and rate windows run on: real, whatever the exchange clock does (rules 8.2, 8.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Microseconds since some fixed moment; never back.
#[derive(Clone, Debug)]
pub struct RealTime(Source);

#[derive(Clone, Debug)]
enum Source {
    System(Instant),
    Driven(Arc<AtomicU64>),
}

impl RealTime {
    /// The system's monotonic clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Instant::now()))
    }

    /// A clock that stands still until it is advanced; clones share it.
    #[must_use]
    pub fn driven() -> Self {
        Self(Source::Driven(Arc::new(AtomicU64::new(0))))
    }

    /// Lets a driven clock go on. The system's clock goes by itself and takes no notice.
    pub fn advance(&self, micros: u64) {
        match &self.0 {
            Source::System(_) => {}
            Source::Driven(now) => {
                now.fetch_add(micros, Ordering::SeqCst);
            }
        }
    }

    pub(crate) fn micros(&self) -> u64 {
        match &self.0 {
            Source::System(start) => u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            Source::Driven(now) => now.load(Ordering::SeqCst),
        }
    }
}
