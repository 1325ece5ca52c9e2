//! The accept loop: connections in, requests out, every wait with an end.
//!
//! A connection speaks HTTP/1.1, or HTTP/2 where TLS has agreed on it; only the former can go on as a WebSocket.

mod http1;
mod http2;
mod seats;
mod watched;

pub(crate) use seats::Connections;

use super::bounds::{BODY_BYTES, Bounds, FAREWELL_BYTES};
use super::{Handlers, tls};
use bytes::{Bytes, BytesMut};
use http::{Response, request};
use http_body_util::Full;
use hyper::body::Body;
use seats::Seat;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// A request with its whole body.
pub(crate) struct Received {
    pub(crate) head: http::request::Parts,
    pub(crate) body: Bytes,
}

/// What became of reading a request.
pub(crate) enum Read {
    /// All of it is here.
    Whole(Received),
    /// Its body is longer than [`BODY_BYTES`]; the rest was not read, so the connection cannot go on.
    TooLong(http::request::Parts),
}

impl Read {
    pub(crate) fn head(&self) -> &http::request::Parts {
        match self {
            Self::Whole(Received { head, .. }) | Self::TooLong(head) => head,
        }
    }
}

/// The bytes of a connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What a connection goes on as after it has been upgraded: given what the client sent before it had read that it may,
/// and told when to stop.
pub(crate) type Session = Box<
    dyn FnOnce(Box<dyn Stream>, Bytes, watch::Receiver<bool>) -> Pin<Box<dyn Future<Output = ()> + Send>>
        + Send,
>;

/// The other end of a connection.
pub(crate) struct Peer {
    address: SocketAddr,
    beyond: bool,
    upgrade: Mutex<Upgrade>,
}

/// What is known of the connection's next life.
#[derive(Default)]
struct Upgrade {
    /// The request at hand asks for one.
    asked: bool,
    granted: Option<Session>,
}

impl Peer {
    fn new(address: SocketAddr, beyond: bool) -> Self {
        Self { address, beyond, upgrade: Mutex::default() }
    }

    /// Whether all places of everyone were taken when it came: only the operator is served.
    pub(crate) fn is_beyond_the_bound(&self) -> bool {
        self.beyond
    }

    /// Where it is.
    pub(crate) fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// What the connection goes on as, once an answer with status 101 has been sent. False when its request asks for no
    /// such thing.
    pub(crate) fn go_on_as(&self, session: Session) -> bool {
        let mut upgrade = self.upgrade();
        upgrade.granted = upgrade.asked.then_some(session);
        upgrade.asked
    }

    fn upgrade(&self) -> MutexGuard<'_, Upgrade> {
        self.upgrade.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts and serves until `stop` says so; returns when open requests have ended, or their time to end is over.
pub(crate) async fn serve<H: Handlers>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    bounds: Bounds,
    connections: Arc<Connections>,
    handler: Arc<H>,
    mut stop: watch::Receiver<bool>,
) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, address, seat)) = accepted else { continue };
        let (handler, tls, stop) = (Arc::clone(&handler), tls.clone(), stop.clone());
        open.spawn(async move {
            // Answers are small and awaited: they leave at once.
            let _ = stream.set_nodelay(true);
            let serving = async {
                let seat = Arc::clone(&seat);
                match tls {
                    None => http1::connection(stream, address, bounds, handler, seat, stop).await,
                    Some(tls) => match tokio::time::timeout(bounds.head, tls.accept(stream)).await {
                        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) => {
                            http2::connection(stream, address, bounds, handler, seat, stop).await;
                        }
                        Ok(Ok(stream)) => {
                            http1::connection(stream, address, bounds, handler, seat, stop).await;
                        }
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    },
                }
            };
            tokio::select! {
                // A request that is here is served.
                biased;
                () = serving => {}
                () = seat.taken_over() => tracing::debug!(%address, "a connection made room for another"),
            }
        });
    }
    drop(listener);
    let drained = tokio::time::timeout(bounds.drain, async { while open.join_next().await.is_some() {} });
    if drained.await.is_err() {
        open.abort_all();
    }
}

/// One connection, once there is room for it. `None` when the attempt failed and another may succeed.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> Option<(TcpStream, SocketAddr, Arc<Seat>)> {
    let place = connections.place().await?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, connections.seat(place))),
        Err(error) => {
            // Most often the process is out of file descriptors; trying at once would only spin.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Closes a connection so that its last answer arrives. Whoever closes over bytes that were not read takes back what was
/// not read of the answer, so what the client still sends is passed over first, as far as is reasonable.
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, bounds: &Bounds) {
    let leaving = async {
        // It may be shut already, or gone: then there is nothing to read.
        let _ = stream.shutdown().await;
        let _ = tokio::io::copy(&mut stream.take(FAREWELL_BYTES), &mut tokio::io::sink()).await;
    };
    let _ = tokio::time::timeout(bounds.head, leaving).await;
}

/// Reads a request to its end and has it answered. An error ends it without an answer.
async fn answer<H, B>(
    head: request::Parts,
    body: B,
    bounds: Bounds,
    handler: &H,
    peer: &Peer,
) -> io::Result<Response<Full<Bytes>>>
where
    H: Handlers,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    let request = if body.is_end_stream() {
        Read::Whole(Received { head, body: Bytes::new() })
    } else {
        match tokio::time::timeout(bounds.body, whole(body)).await {
            Ok(Ok(Some(body))) => Read::Whole(Received { head, body }),
            Ok(Ok(None)) => Read::TooLong(head),
            Ok(Err(error)) => return Err(io::Error::other(error)),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    };
    handler.answer(request, peer).await.ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
}

/// The whole body; `None` when it is longer than a body may be.
async fn whole<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Option<Bytes>, B::Error> {
    if body.size_hint().lower() > BODY_BYTES as u64 {
        return Ok(None);
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let Some(frame) = frame else { break };
        let Ok(data) = frame?.into_data() else { continue };
        if first.len() + all.len() + data.len() > BODY_BYTES {
            return Ok(None);
        }
        // Nearly every body comes in one piece, which is then not copied.
        if all.is_empty() && first.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(Some(if all.is_empty() { first } else { all.freeze() }))
}

/// Binds an address; the error says which one and why.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

#[cfg(test)]
mod tests;
