//! Connections: who may open one, how many there are, how long each may take; bounded requests and messages that come in
//! on them, and bytes that go out. It knows no dialect.
//!
//! ```text
//! listener (tls) -> whole, bounded request -> the handler of its path -> answer
//! sockets        -> handshake, a place     -> messages -> a conversation; its outbox -> frames
//! ```
//!
//! Whoever answers requests is a [`Handler`], whoever speaks on a WebSocket a [`Conversation`](socket::Conversation). A
//! handler is not asked about what nobody looks into: requests beyond the bound of connections, and those that contradict
//! themselves.

pub(crate) mod bounds;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod listener;
pub(crate) mod origin;
pub(crate) mod outbox;
pub(crate) mod socket;
pub(crate) mod sockets;
pub(crate) mod tls;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body_util::Full;
use listener::{Peer, Read};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Why a request is not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// All connections that there may be are taken.
    NoRoom,
    /// It names its host or its origin more than once; a sentence says which.
    Ambiguous(&'static str),
}

impl TurnedAway {
    /// What is told the operator.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::NoRoom => "all connections that there may be are taken",
            Self::Ambiguous(sentence) => sentence,
        }
    }
}

/// Answers the requests of some paths, in the words of one dialect.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Whether a path is its to answer. Of the last handler nobody asks this: it answers all that no other does.
    fn serves(&self, path: &str) -> bool;

    /// Whether it answers on the connections beyond everyone's, too: it serves the operator alone.
    fn serves_the_operator(&self) -> bool {
        false
    }

    /// Answers one request; `None` closes the connection without an answer, for when nobody knows what happened.
    fn handle(
        &self,
        request: Read,
        peer: &Peer,
    ) -> impl Future<Output = Option<Response<Full<Bytes>>>> + Send;

    /// The answer to a request that is not looked into.
    fn turned_away(&self, head: &Parts, why: TurnedAway) -> Response<Full<Bytes>>;

    /// The answer to a request whose handling panicked.
    fn panicked(&self) -> Response<Full<Bytes>>;
}

/// All handlers of a server, the first whose path it is before the others.
pub(crate) trait Handlers: Send + Sync + 'static {
    /// Has a request answered; `None` closes the connection without an answer.
    fn answer(
        &self,
        request: Read,
        peer: &Peer,
    ) -> impl Future<Output = Option<Response<Full<Bytes>>>> + Send;
}

/// The last handler.
pub(crate) struct Last<H>(pub(crate) H);

impl<H: Handler> Handlers for Last<H> {
    async fn answer(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        answer(&self.0, request, peer).await
    }
}

impl<H: Handler, R: Handlers> Handlers for (H, R) {
    async fn answer(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        let (first, others) = self;
        if first.serves(request.head().uri.path()) {
            answer(first, request, peer).await
        } else {
            others.answer(request, peer).await
        }
    }
}

/// Has a handler answer, unless the request is not looked into. A fault in one request is that request's alone.
async fn answer<H: Handler>(handler: &H, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
    let away = if peer.is_beyond_the_bound() && !handler.serves_the_operator() {
        Some(TurnedAway::NoRoom)
    } else {
        origin::ambiguity(&request.head().headers).map(TurnedAway::Ambiguous)
    };
    if let Some(why) = away {
        return Some(handler.turned_away(request.head(), why));
    }
    let mut handling = pin!(handler.handle(request, peer));
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(answer)) => Poll::Ready(answer),
        Err(_) => Poll::Ready(Some(handler.panicked())),
    })
    .await
}
