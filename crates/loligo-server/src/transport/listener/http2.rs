//! Connections that speak HTTP/2 (RFC 9113), which TLS has agreed on.
//!
//! Requests of one connection stand side by side: each has the times of its own that a request has, none waits for another's
//! answer, and what ends one (a slow body, a bug in its handling, a client that takes it back) ends that one alone. All run
//! in the connection's task, which counts as one connection and takes them along when it ends, and are handed on in the order
//! in which they were whole. Who wants one acted on before another waits for its answer, as it would with two connections.
//!
//! The library is the one that hyper has for this; it is used directly, because hyper's server has no end for an answer that
//! is not taken, and says of no stream why it was reset. What stays with us is bounded by the client's windows (bodies) and by
//! [`STREAMS`] (answers).
//!
//! An answer that is there before its request has ended waits for the rest of it, which is passed over. It could go out at once,
//! and the stream be reset behind it without an error (RFC 9113, section 8.1), but not every client hears it: curl 7.88 goes on
//! sending, finds its stream reset, and ends with an error (92) in place of the answer that it has; and while the stream is
//! left open behind an answer it knows the length of, it listens no more, hears of no room for the rest, and hangs. Only who
//! sends more than [`PASSED_BYTES`], or longer than a body may take, is answered and reset in the midst of it.
//!
//! WebSockets are not spoken here: a client that wants one agrees on HTTP/1.1 (the extended CONNECT of RFC 8441 is not offered).

use super::seats::Seat;
use super::watched::Watched;
use super::{Peer, answer, farewell};
use crate::transport::Handlers;
use crate::transport::bounds::{
    BODIES_WINDOW, BODY_BYTES, BROKEN_STREAMS, Bounds, HEAD_BYTES, HEADERS, PASSED_BYTES, RESETS_UNSEEN,
    STREAM_WINDOW, STREAM_WRITE_BYTES, STREAMS,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, EXPECT, HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, SizeHint};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// Serves one connection to its end.
pub(super) async fn connection<S, H>(
    stream: S,
    address: SocketAddr,
    bounds: Bounds,
    handler: Arc<H>,
    seat: Arc<Seat>,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handlers,
{
    let mut watched = Watched::http2(stream, Arc::clone(&seat));
    match converse(&mut watched, address, bounds, handler, &seat, &mut stop).await {
        Ok(End::Over) => {}
        Ok(End::Overdue) => {
            tracing::debug!(%address, "a connection kept us waiting for too long");
            return;
        }
        // Most often it was told why, and must have the time to read it.
        Err(error) => tracing::debug!(%error, "a connection ended early"),
    }
    tokio::select! {
        () = farewell(watched.into_stream(), &bounds) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// How a connection ended.
enum End {
    Over,
    Overdue,
}

/// Serves requests until the client leaves, has to, or is told that there will be no more.
async fn converse<S, H>(
    watched: &mut Watched<S>,
    address: SocketAddr,
    bounds: Bounds,
    handler: Arc<H>,
    seat: &Arc<Seat>,
    stop: &mut watch::Receiver<bool>,
) -> Result<End, h2::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handlers,
{
    let begun = h2::server::Builder::new()
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(BODIES_WINDOW)
        .max_send_buffer_size(STREAM_WRITE_BYTES)
        .max_pending_accept_reset_streams(RESETS_UNSEEN)
        .max_local_error_reset_streams(Some(BROKEN_STREAMS))
        .handshake(watched);
    let mut connection = tokio::select! {
        biased;
        begun = begun => begun?,
        _ = stop.wait_for(|stop| *stop) => return Ok(End::Over),
        () = seat.activity.overdue(&bounds) => return Ok(End::Overdue),
    };
    let peer = Arc::new(Peer::new(address, seat.is_beyond()));
    let mut streams = FuturesUnordered::new();
    let mut waits = bounds;
    // No more requests are awaited (but those on their way are served); the end is near once none is open; it has been told.
    let (mut leaving, mut stopping, mut told) = (false, false, false);
    loop {
        tokio::select! {
            biased;
            next = next(&mut connection, stopping && !told) => match next {
                Next::Request(request, mut respond) => {
                    // Beyond everyone's places each connection is answered once.
                    if seat.is_beyond() && std::mem::replace(&mut stopping, true) {
                        respond.send_reset(Reason::REFUSED_STREAM);
                        continue;
                    }
                    if seat.is_beyond() {
                        connection.graceful_shutdown();
                    }
                    let (handler, peer) = (Arc::clone(&handler), Arc::clone(&peer));
                    streams.push(stream(request, respond, bounds, handler, peer, Arc::clone(seat)));
                }
                Next::AllServed => {
                    told = true;
                    connection.abrupt_shutdown(Reason::NO_ERROR);
                }
                Next::Over(ended) => return ended.map(|()| End::Over),
            },
            Some(()) = streams.next(), if !streams.is_empty() => {}
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.graceful_shutdown();
            }
            () = seat.activity.overdue(&waits) => {
                if leaving {
                    return Ok(End::Overdue);
                }
                // It hears of it, and has the time of a head to leave, or to finish what is on its way.
                (leaving, waits.idle) = (true, bounds.head);
                if seat.activity.has_begun() {
                    connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                } else {
                    connection.graceful_shutdown();
                }
                seat.activity.rests();
            }
        }
    }
}

/// What a connection brings next.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it comes")]
enum Next {
    Request(Request<RecvStream>, SendResponse<Bytes>),
    /// Every answer has been written whole.
    AllServed,
    Over(Result<(), h2::Error>),
}

/// Waits for the next request; all that is read and written meanwhile is read and written in here. When it is the last that
/// counts, says when none is open.
async fn next<S: AsyncRead + AsyncWrite + Unpin>(connection: &mut Connection<S, Bytes>, last: bool) -> Next {
    poll_fn(|context| {
        let accepted = pin!(connection.accept()).poll(context);
        match accepted {
            Poll::Ready(Some(Ok((request, respond)))) => Poll::Ready(Next::Request(request, respond)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Next::Over(Err(error))),
            Poll::Ready(None) => Poll::Ready(Next::Over(Ok(()))),
            Poll::Pending if last && !connection.has_streams() => Poll::Ready(Next::AllServed),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// One request and its answer.
async fn stream<H: Handlers>(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    bounds: Bounds,
    handler: Arc<H>,
    peer: Arc<Peer>,
    seat: Arc<Seat>,
) {
    let _open = seat.activity.opens();
    let (mut head, body) = request.into_parts();
    let mut body = Incoming { announced: announced(&head.headers), body, taken: 0 };
    let is_head = head.method == Method::HEAD;
    name_host(&mut head);
    let is_too_much = head.headers.len() > HEADERS;
    // Whether the client sends its body, or waits to be told that it may.
    let mut is_sent = !waits_to_send(&head.headers);
    if !is_sent && !is_too_much && body.may_come() {
        is_sent = true;
        let mut go_on = Response::new(());
        *go_on.status_mut() = StatusCode::CONTINUE;
        // A stream that is gone is seen below.
        let _ = respond.send_informational(go_on);
    }
    let answering = async {
        let answered = if is_too_much {
            let mut answer = Response::new(Full::default());
            *answer.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            Ok(answer)
        } else {
            answer(head, &mut body, bounds, &*handler, &peer).await
        };
        if answered.is_ok() && is_sent {
            // Whoever sends for longer hears it in the midst of it.
            let _ = tokio::time::timeout(bounds.body, body.pass_over()).await;
        }
        answered
    };
    let answered = tokio::select! {
        biased;
        answered = answering => answered,
        _ = poll_fn(|context| respond.poll_reset(context)) => return,
    };
    match answered {
        Ok(answer) => {
            if let Err(error) = deliver(answer, respond, is_head, bounds).await {
                tracing::debug!(%error, "an answer was not taken");
            }
        }
        Err(error) => {
            tracing::debug!(%error, "a request was not answered");
            let is_slow = error.kind() == io::ErrorKind::TimedOut;
            // Neither says that it may be sent once more without a thought.
            respond.send_reset(if is_slow { Reason::CANCEL } else { Reason::INTERNAL_ERROR });
        }
    }
}

/// The host that a request asks stands in `:authority`, and whoever looks for it looks into `Host`. A request that has both,
/// and means two hosts, goes on having both.
fn name_host(head: &mut request::Parts) {
    let Some(authority) = head.uri.authority() else { return };
    let Ok(asked) = HeaderValue::from_str(authority.as_str()) else { return };
    let is_named = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(asked.as_bytes());
    if !head.headers.get_all(HOST).iter().any(is_named) {
        head.headers.append(HOST, asked);
    }
}

/// Sends an answer, piece by piece, as the client takes it. An error, and a client that does not, end this answer alone.
async fn deliver(
    answer: Response<Full<Bytes>>,
    mut respond: SendResponse<Bytes>,
    is_head: bool,
    bounds: Bounds,
) -> Result<(), h2::Error> {
    let (mut head, body) = answer.into_parts();
    let Ok(body) = body.collect().await;
    let mut rest = body.to_bytes();
    // What speaks of the connection has no place here (RFC 9113, section 8.2.2).
    for name in [CONNECTION, UPGRADE] {
        head.headers.remove(name);
    }
    if !rest.is_empty() {
        head.headers.insert(CONTENT_LENGTH, rest.len().into());
    }
    if let Some(date) = date() {
        head.headers.insert(DATE, date);
    }
    let ends = is_head || rest.is_empty();
    let mut body = respond.send_response(Response::from_parts(head, ()), ends)?;
    while !ends && !rest.is_empty() {
        body.reserve_capacity(rest.len().min(STREAM_WRITE_BYTES));
        if body.capacity() == 0 {
            let taken = tokio::time::timeout(bounds.idle, poll_fn(|context| body.poll_capacity(context)));
            match taken.await {
                Ok(Some(taken)) => _ = taken?,
                Ok(None) => break,
                Err(_) => {
                    body.send_reset(Reason::CANCEL);
                    break;
                }
            }
        }
        let piece = rest.split_to(body.capacity().min(rest.len()));
        body.send_data(piece, rest.is_empty())?;
    }
    Ok(())
}

/// The time of day for a `Date` header. Caches reckon with it, so real time counts, not exchange time.
fn date() -> Option<HeaderValue> {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let text = printer.timestamp_to_rfc9110_string(&jiff::Timestamp::now()).ok()?;
    HeaderValue::try_from(text).ok()
}

/// The length that a request says its body has. The library has seen to it that it is a number, and the true one.
fn announced(headers: &HeaderMap) -> u64 {
    headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// Whether a client waits to be told that it may send its body.
fn waits_to_send(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The body of a request as it comes. It gives the client no more room for what has come before it is whole, passed over or
/// dropped, so the windows bound all that connection and stream leave with us.
struct Incoming {
    body: RecvStream,
    announced: u64,
    taken: usize,
}

impl Incoming {
    /// Whether there is one, and it is said to be no longer than it may be.
    fn may_come(&self) -> bool {
        !self.body.is_end_stream() && self.announced <= BODY_BYTES as u64
    }

    /// Reads what is left of it, up to [`PASSED_BYTES`], and forgets it.
    async fn pass_over(&mut self) {
        let mut passed = 0;
        while passed < PASSED_BYTES {
            self.make_room();
            let Some(Ok(piece)) = self.body.data().await else { return };
            self.taken = piece.len();
            passed += piece.len();
        }
    }

    /// Lets the client send as much as has come.
    fn make_room(&mut self) {
        // It fails only where there is no window any more.
        let _ = self.body.flow_control().release_capacity(std::mem::take(&mut self.taken));
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let Some(piece) = ready!(self.body.poll_data(context)) else {
            self.make_room();
            return Poll::Ready(None);
        };
        let piece = piece?;
        self.taken += piece.len();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = SizeHint::new();
        hint.set_lower(self.announced.saturating_sub(self.taken as u64));
        hint
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.make_room();
    }
}

#[cfg(test)]
mod tests;
