//! WebSocket connections, of whatever dialect: how many an address may have, and how one begins.

use super::bounds::{FEED_THREADS, FeedBounds};
use super::handshake::{self, Handshake};
use super::listener::Peer;
use super::origin::Origins;
use super::outbox::Outbox;
use super::socket::{self, Conversation};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinSet;

/// What all connections share.
pub(crate) struct Sockets {
    threads: Threads,
    bounds: FeedBounds,
    origins: Arc<Origins>,
    /// The number of the next connection.
    next: AtomicU64,
    seats: Arc<Seats>,
}

impl Sockets {
    /// Starts the threads that connections are served on.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn new(bounds: FeedBounds, origins: Arc<Origins>) -> io::Result<Self> {
        let threads = Threads::start()?;
        Ok(Self { threads, bounds, origins, next: AtomicU64::new(1), seats: Arc::default() })
    }

    /// Answers a request that wants to become a WebSocket, and lets the connection go on as one. Its conversation is begun
    /// when it does.
    pub(crate) fn shake_hands<C: Conversation>(
        &self,
        headers: &http::HeaderMap,
        peer: &Peer,
        begin: impl FnOnce(Arc<Outbox>) -> C + Send + 'static,
    ) -> Handshake {
        if !self.origins.admit(headers) {
            let sentence =
                "a page of another origin may not ask this: start with --allow-origin ORIGIN to let it";
            return Handshake::Refused(handshake::refusal(http::StatusCode::FORBIDDEN, sentence));
        }
        let answer = match handshake::check(headers) {
            Handshake::Accepted(answer) => answer,
            other @ (Handshake::Refused(_) | Handshake::TooMany) => return other,
        };
        let Some(seat) = Seat::take(&self.seats, peer.ip(), self.bounds.per_address) else {
            return Handshake::TooMany;
        };
        let (number, bounds) = (self.next.fetch_add(1, Ordering::Relaxed), self.bounds);
        let threads = self.threads.handle();
        let session = move |stream, early, stop| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let outbox = Outbox::new(number, &bounds);
            let conversation = begin(Arc::clone(&outbox));
            let serving = socket::serve(stream, early, bounds, outbox, conversation, seat, stop);
            Box::pin(async move {
                // Whoever stops waiting for it ends it.
                let mut elsewhere = JoinSet::new();
                elsewhere.spawn_on(serving, &threads);
                if let Some(Err(error)) = elsewhere.join_next().await {
                    tracing::error!(%error, "a WebSocket's task failed");
                }
            })
        };
        if peer.go_on_as(Box::new(session)) {
            Handshake::Accepted(answer)
        } else {
            let sentence = "this connection cannot be upgraded";
            Handshake::Refused(handshake::refusal(http::StatusCode::BAD_REQUEST, sentence))
        }
    }
}

/// The threads of WebSocket connections. They are others than those of requests, so that no number of followers, however
/// much they are told, stands before an order in a queue.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(FEED_THREADS)
            .thread_name("loligo-sockets")
            .enable_time()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> Handle {
        let runtime = self.0.as_ref().expect("it is there until this is dropped");
        runtime.handle().clone()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // It may be dropped by a task, which must not wait. The doors have waited for all connections.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Connections by remote address.
#[derive(Default)]
struct Seats(Mutex<HashMap<IpAddr, usize, FixedState>>);

/// One connection's place among those of its address, given back when it is dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seat {
    fn take(seats: &Arc<Seats>, address: IpAddr, most: usize) -> Option<Self> {
        let mut taken = seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Self { seats: Arc::clone(seats), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_given_back() {
        let seats = Arc::default();
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let first = Seat::take(&seats, here, 2);
        let _second = Seat::take(&seats, here, 2);
        assert!(first.is_some() && Seat::take(&seats, here, 2).is_none());
        assert!(Seat::take(&seats, there, 2).is_some(), "each address has its own");
        drop(first);
        assert!(Seat::take(&seats, here, 2).is_some());
        drop(_second);
        assert!(seats.0.lock().expect("sound").is_empty(), "who is gone leaves nothing behind");
    }
}
