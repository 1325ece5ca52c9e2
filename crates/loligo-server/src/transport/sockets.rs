//! WebSocket connections, of whatever dialect: how many an address may have, how one begins, and what waits for them.

use super::bounds::{FEED_THREADS, FeedBounds};
use super::handshake::{self, Handshake};
use super::listener::Peer;
use super::origin::Origins;
use super::outbox::{Outbox, Over, Waiting};
use super::socket::{self, Conversation};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

    /// What waits for the connections now.
    pub(crate) fn crowd(&self) -> Crowd {
        let seated = self.seats.seated();
        let (mut most, closed) = (seated.most, seated.closed);
        let open: Vec<_> = seated
            .open
            .iter()
            .map(|(number, (address, outbox))| (*number, *address, Arc::clone(outbox)))
            .collect();
        // Whoever opens or closes one need not wait for a look at all of them.
        drop(seated);
        let (mut waiting, mut laggards) = (Waiting::default(), Vec::new());
        for (number, address, outbox) in &open {
            let (now, of_it) = outbox.waiting();
            most = most.most(of_it);
            waiting.messages += now.messages;
            waiting.bytes += now.bytes;
            if now.messages > 0 {
                laggards.push(Laggard { number: *number, address: *address, now, most: of_it });
            }
        }
        laggards.sort_by_key(|laggard| Reverse(laggard.now.bytes));
        Crowd { bounds: self.bounds, open: open.len(), waiting, most, closed, laggards }
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
        let bounds = self.bounds;
        let outbox = Outbox::new(self.next.fetch_add(1, Ordering::Relaxed), &bounds);
        let Some(seat) = Seat::take(&self.seats, peer.ip(), bounds.per_address, &outbox) else {
            return Handshake::TooMany;
        };
        let threads = self.threads.handle();
        let session = move |stream, early, stop| -> Pin<Box<dyn Future<Output = ()> + Send>> {
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

/// Connections that are open, and what is to be told of those that were.
#[derive(Default)]
struct Seats(Mutex<Seated>);

#[derive(Default)]
struct Seated {
    of_address: HashMap<IpAddr, usize, FixedState>,
    /// By their numbers; also those that are being closed, since something may still wait for them.
    open: BTreeMap<u64, (IpAddr, Arc<Outbox>)>,
    /// The most that ever waited for one that is gone.
    most: Waiting,
    closed: Closed,
}

/// Connections that were closed for what waited for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Closed {
    /// Their clients read too slowly.
    pub(crate) too_slow: u64,
    /// Something was lost before it was put in.
    pub(crate) lost: u64,
}

/// What waits for one connection.
pub(crate) struct Laggard {
    pub(crate) number: u64,
    pub(crate) address: IpAddr,
    pub(crate) now: Waiting,
    pub(crate) most: Waiting,
}

/// What waits for all connections, and what became of those for whom too much did.
pub(crate) struct Crowd {
    pub(crate) bounds: FeedBounds,
    pub(crate) open: usize,
    pub(crate) waiting: Waiting,
    /// The most that ever waited for one of them, or of those that were.
    pub(crate) most: Waiting,
    pub(crate) closed: Closed,
    /// Those for which something waits, the most first.
    pub(crate) laggards: Vec<Laggard>,
}

impl Seated {
    fn give_back(&mut self, address: IpAddr) {
        if let Some(count) = self.of_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&address);
            }
        }
    }
}

impl Seats {
    fn seated(&self) -> MutexGuard<'_, Seated> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place among those of its address, given back when it is dropped at the latest.
pub(super) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
    number: u64,
    is_given_back: bool,
}

impl Seat {
    fn take(seats: &Arc<Seats>, address: IpAddr, most: usize, outbox: &Arc<Outbox>) -> Option<Self> {
        let mut seated = seats.seated();
        let count = seated.of_address.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        seated.open.insert(outbox.id, (address, Arc::clone(outbox)));
        drop(seated);
        Some(Self { seats: Arc::clone(seats), address, number: outbox.id, is_given_back: false })
    }

    /// It is being closed, for this if for anything that became of its outbox: another may have its place.
    pub(super) fn leave(&mut self, over: Option<Over>) {
        let mut seated = self.seats.seated();
        match over {
            Some(Over::Full) => seated.closed.too_slow += 1,
            Some(Over::Lost) => seated.closed.lost += 1,
            Some(Over::Gone) | None => {}
        }
        seated.give_back(self.address);
        self.is_given_back = true;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seated = self.seats.seated();
        if let Some((_, outbox)) = seated.open.remove(&self.number) {
            seated.most = seated.most.most(outbox.waiting().1);
        }
        if !self.is_given_back {
            seated.give_back(self.address);
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
        let take =
            |number, address| Seat::take(&seats, address, 2, &Outbox::new(number, &FeedBounds::default()));
        let (first, second) = (take(1, here), take(2, here));
        assert!(first.is_some() && second.is_some() && take(3, here).is_none());
        assert!(take(4, there).is_some(), "each address has its own");
        drop(first);
        let third = take(5, here);
        assert!(third.is_some());
        let mut second = second.expect("a seat");
        second.leave(Some(Over::Full));
        assert!(take(6, here).is_some(), "who is being closed holds no place");
        assert_eq!(seats.seated().open.len(), 2, "and is there until it is gone");
        drop((second, third));
        let seated = seats.seated();
        assert_eq!(seated.closed, Closed { too_slow: 1, lost: 0 });
        assert!(seated.of_address.is_empty() && seated.open.is_empty(), "who is gone leaves nothing behind");
    }
}
