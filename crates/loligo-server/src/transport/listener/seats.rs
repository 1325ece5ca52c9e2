//! The places of connections, and what each connection is doing on its own.
//!
//! Everyone's places have a bound. When all of them are taken, a connection still gets one of a few beyond, where nobody is
//! answered but the operator. Whether it is the operator is known once a request is there; who has not asked yet makes room
//! for the next who comes. So no number of idle connections keeps the operator out, or anyone waiting without an answer.

use crate::transport::bounds::{Bounds, OPERATOR_CONNECTIONS};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Where connections find a place.
pub(crate) struct Connections {
    /// All of them. One is taken before a connection is accepted, so that there is a file for it.
    places: Arc<Semaphore>,
    everyone: Arc<Semaphore>,
    /// Who has one beyond those of everyone, oldest first.
    beyond: Mutex<VecDeque<Weak<Seat>>>,
}

/// The place of one connection, given back when it is dropped.
pub(super) struct Seat {
    pub(super) activity: Activity,
    left: Notify,
    everyone: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(connections: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(connections + OPERATOR_CONNECTIONS)),
            everyone: Arc::new(Semaphore::new(connections)),
            beyond: Mutex::default(),
        }
    }

    /// Waits for a place.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Gives a connection its place. When it took the last one, the oldest beyond everyone's that has not asked anything is
    /// told to leave.
    pub(super) fn seat(&self, place: OwnedSemaphorePermit) -> Arc<Seat> {
        let everyone = Arc::clone(&self.everyone).try_acquire_owned().ok();
        let seat = Arc::new(Seat { activity: Activity::new(), left: Notify::new(), everyone, _place: place });
        if seat.is_beyond() {
            let mut beyond = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
            // At most as many as there are places.
            beyond.retain(|seat| seat.strong_count() > 0);
            if self.places.available_permits() == 0 {
                let idle = |seat: &Weak<Seat>| seat.upgrade().is_some_and(|seat| !seat.activity.is_serving());
                let oldest = beyond.iter().position(idle).and_then(|at| beyond.remove(at));
                if let Some(oldest) = oldest.and_then(|seat| seat.upgrade()) {
                    oldest.left.notify_one();
                }
            }
            beyond.push_back(Arc::downgrade(&seat));
        }
        seat
    }
}

impl Seat {
    /// Whether it is beyond everyone's.
    pub(super) fn is_beyond(&self) -> bool {
        self.everyone.is_none()
    }

    /// Ends when another connection needs the place and no request is being served on it. One that is, is its last.
    pub(super) async fn taken_over(&self) {
        loop {
            self.left.notified().await;
            if !self.activity.is_serving() {
                return;
            }
        }
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Nothing came since the last answer.
    Idle = 0,
    /// A head has begun.
    Head = 1,
    /// A request is being read to its end or answered; those waits have ends of their own.
    Serving = 2,
}

/// What a connection is doing, and since when.
pub(super) struct Activity {
    start: Instant,
    /// Milliseconds after `start`, times four, plus [`Doing`].
    state: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        // A fresh connection owes us a head: it is as if its first byte had come.
        Self { start: Instant::now(), state: AtomicU64::new(Doing::Head as u64) }
    }

    pub(super) fn now_is(&self, doing: Doing) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX >> 2);
        self.state.store(millis << 2 | doing as u64, Ordering::Relaxed);
    }

    fn is_serving(&self) -> bool {
        self.state.load(Ordering::Relaxed) & 3 == Doing::Serving as u64
    }

    /// Bytes have come.
    pub(super) fn received(&self) {
        if self.state.load(Ordering::Relaxed) & 3 == Doing::Idle as u64 {
            self.now_is(Doing::Head);
        }
    }

    /// Bytes have gone: who takes its answer slowly does not keep us waiting.
    pub(super) fn sent(&self) {
        let state = self.state.load(Ordering::Relaxed) & 3;
        if state == Doing::Idle as u64 {
            self.now_is(Doing::Idle);
        } else if state == Doing::Head as u64 {
            self.now_is(Doing::Head);
        }
    }

    /// Ends when the client has kept us waiting too long.
    pub(super) async fn overdue(&self, bounds: &Bounds) {
        loop {
            let state = self.state.load(Ordering::Relaxed);
            let since = self.start + Duration::from_millis(state >> 2);
            let now = Instant::now();
            let deadline = match state & 3 {
                state if state == Doing::Idle as u64 => since + bounds.idle,
                state if state == Doing::Head as u64 => since + bounds.head,
                _ => now + bounds.head,
            };
            if deadline <= now {
                return;
            }
            // What an idle connection does next is seen within one head's time.
            tokio::time::sleep_until(deadline.min(now + bounds.head)).await;
        }
    }
}

#[cfg(test)]
impl Connections {
    /// Waits until everyone's places are free, but for so many.
    pub(super) async fn settled(&self, taken: u32, connections: u32) {
        drop(self.everyone.acquire_many(connections - taken).await.expect("it is open"));
    }
}
