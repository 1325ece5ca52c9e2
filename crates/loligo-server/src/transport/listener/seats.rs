//! The places of connections, and what each connection is doing on its own.
//!
//! Everyone's places have a bound. When all of them are taken, a connection still gets one of a few beyond, where nobody is
//! answered but the operator. Whether it is the operator is known once a request is there; who has not asked yet makes room
//! for the next who comes. So no number of idle connections keeps the operator out, or anyone waiting without an answer.

use crate::transport::bounds::{Bounds, OPERATOR_CONNECTIONS};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

/// What a connection is doing, and since when. Times are milliseconds after its start.
pub(super) struct Activity {
    start: Instant,
    /// Requests that are read to their end or answered; those waits have ends of their own.
    open: AtomicUsize,
    /// Since when there are none.
    quiet: AtomicU64,
    /// Since when something comes that is not whole, plus one; 0 when nothing does.
    begun: AtomicU64,
}

/// An open request, for as long as it is there.
pub(super) struct Open<'a>(&'a Activity);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.rests();
        }
    }
}

impl Activity {
    fn new() -> Self {
        // A fresh connection owes us a head: it is as if its first byte had come.
        let begun = AtomicU64::new(1);
        Self { start: Instant::now(), open: AtomicUsize::new(0), quiet: AtomicU64::new(0), begun }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX >> 1)
    }

    /// A request is there.
    pub(super) fn opens(&self) -> Open<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    fn is_serving(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    /// From now on it does nothing.
    pub(super) fn rests(&self) {
        self.quiet.store(self.now(), Ordering::Relaxed);
    }

    /// Something has begun to come, if it had not before.
    pub(super) fn begins(&self) {
        if !self.has_begun() {
            self.begun.store(self.now() + 1, Ordering::Relaxed);
        }
    }

    /// What had begun to come is here.
    pub(super) fn is_whole(&self) {
        self.begun.store(0, Ordering::Relaxed);
    }

    /// Whether something has begun to come and is not whole.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// Bytes have come, on a connection where between two requests these can be nothing but the next.
    pub(super) fn received(&self) {
        if !self.is_serving() {
            self.begins();
        }
    }

    /// Bytes have gone: who takes its answer slowly does not keep us waiting.
    pub(super) fn sent(&self) {
        if self.is_serving() {
            return;
        }
        if self.has_begun() {
            self.begun.store(self.now() + 1, Ordering::Relaxed);
        } else {
            self.rests();
        }
    }

    /// Ends when the client has kept us waiting too long.
    pub(super) async fn overdue(&self, bounds: &Bounds) {
        loop {
            let now = Instant::now();
            let quiet = self.quiet.load(Ordering::Relaxed);
            let deadline = if self.is_serving() {
                now + bounds.head
            } else {
                let (since, wait) = match self.begun.load(Ordering::Relaxed) {
                    0 => (quiet, bounds.idle),
                    begun => (quiet.max(begun - 1), bounds.head),
                };
                self.start + Duration::from_millis(since) + wait
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
