//! WebSocket connections, of whatever dialect: how many an address may have, and how one begins.

use super::bounds::FeedBounds;
use super::handshake::{self, Handshake};
use super::listener::Peer;
use super::origin::Origins;
use super::outbox::Outbox;
use super::socket::{self, Conversation};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What all connections share.
pub(crate) struct Sockets {
    bounds: FeedBounds,
    origins: Arc<Origins>,
    /// The number of the next connection.
    next: AtomicU64,
    seats: Arc<Seats>,
}

impl Sockets {
    pub(crate) fn new(bounds: FeedBounds, origins: Arc<Origins>) -> Self {
        Self { bounds, origins, next: AtomicU64::new(1), seats: Arc::default() }
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
        let session = move |stream, early, stop| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            let (outbox, queue) = Outbox::new(number, &bounds);
            let conversation = begin(Arc::clone(&outbox));
            Box::pin(socket::serve(stream, early, bounds, (outbox, queue), conversation, seat, stop))
        };
        if peer.go_on_as(Box::new(session)) {
            Handshake::Accepted(answer)
        } else {
            let sentence = "this connection cannot be upgraded";
            Handshake::Refused(handshake::refusal(http::StatusCode::BAD_REQUEST, sentence))
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
