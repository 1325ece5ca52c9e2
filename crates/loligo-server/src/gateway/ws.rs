//! The feeds: WebSocket connections on the ports of http and https, and what they are told as it happens.
//!
//! ```text
//! writer -> newsroom -> hub: each message encoded once -> a queue per connection -> connection
//!                        ^------------- join, leave ------------------------------'
//! ```
//!
//! The hub is one thread. It alone knows who follows what, and takes news and requests in turn: a snapshot and the messages
//! after it never miss or repeat a change. It waits for nobody. A connection whose queue is full is closed, and so is
//! every follower when the writer's news found no room: what a client sees has no hole that it is not told of.

mod connection;
mod handshake;
mod hub;
mod outbox;

pub(crate) use handshake::{Handshake, Sentence};

use super::auth::Auth;
use super::bounds::FeedBounds;
use super::listener::Peer;
use super::origin::Origins;
use super::real_time::RealTime;
use crate::node::NodeHandle;
use crate::request_log::RequestLog;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hub::Request;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::Sender;

/// What all connections share.
pub(crate) struct Feeds {
    node: NodeHandle,
    auth: Arc<Auth>,
    bounds: FeedBounds,
    origins: Arc<Origins>,
    log: Arc<RequestLog>,
    /// What the limit of requests runs on; none without limits.
    limits: Option<RealTime>,
    hub: Sender<Request>,
    /// The number of the next connection.
    next: AtomicU64,
    seats: Arc<Seats>,
}

impl Feeds {
    /// Starts the hub.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(crate) fn start(
        node: NodeHandle,
        auth: Arc<Auth>,
        bounds: FeedBounds,
        origins: Arc<Origins>,
        limits: Option<RealTime>,
        log: Arc<RequestLog>,
    ) -> io::Result<Self> {
        let hub = hub::start(node.clone(), bounds.heartbeat)?;
        let next = AtomicU64::new(1);
        Ok(Self { node, auth, bounds, origins, log, limits, hub, next, seats: Arc::default() })
    }

    /// Answers a request that wants to become a WebSocket, and lets the connection go on as one.
    pub(crate) fn shake_hands(self: &Arc<Self>, headers: &http::HeaderMap, peer: &Peer) -> Handshake {
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
        let feeds = Arc::clone(self);
        let session = move |stream, early, stop| -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(connection::serve(stream, early, feeds, seat, stop))
        };
        if peer.go_on_as(Box::new(session)) {
            Handshake::Accepted(answer)
        } else {
            let sentence = "this connection cannot be upgraded";
            Handshake::Refused(handshake::refusal(http::StatusCode::BAD_REQUEST, sentence))
        }
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// Connections by remote address.
#[derive(Default)]
struct Seats(Mutex<HashMap<IpAddr, usize, FixedState>>);

/// One connection's place among those of its address.
struct Seat {
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
