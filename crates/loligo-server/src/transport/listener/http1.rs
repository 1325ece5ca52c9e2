//! Connections that speak HTTP/1.1, until they are over or go on as something else.
//!
//! hyper's own header timer also runs while a connection is idle and is set anew for each request. Here each connection
//! has one sleeper that looks at what the connection is doing: idle connections may stay long, half a head may not, and
//! a request costs a few stores.
//!
//! Answers leave one by one: the next head is not looked at before the last answer has been handed to the socket whole. So
//! nothing that a client sends behind a request holds its answer back, and of a client that does not read we hold one
//! answer and what one read brought.

use super::seats::Seat;
use super::watched::Watched;
use super::{Peer, Upgrade, answer, farewell};
use crate::transport::Handlers;
use crate::transport::bounds::{Bounds, HEAD_BYTES, HEADERS};
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;

/// Serves one connection to its end, whatever it goes on as.
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
    let watched = Watched::http1(stream, Arc::clone(&seat));
    let peer = Arc::new(Peer::new(address, seat.is_beyond()));
    let service = {
        let (seat, peer) = (Arc::clone(&seat), Arc::clone(&peer));
        service_fn(move |request: Request<Incoming>| {
            let (seat, handler, peer) = (Arc::clone(&seat), Arc::clone(&handler), Arc::clone(&peer));
            async move {
                let open = seat.activity.opens();
                seat.activity.is_whole();
                let (mut head, body) = request.into_parts();
                *peer.upgrade() =
                    Upgrade { asked: head.extensions.remove::<OnUpgrade>().is_some(), granted: None };
                let mut answer = answer(head, body, bounds, &*handler, &peer).await;
                drop(open);
                if let (true, Ok(answer)) = (seat.is_beyond(), &mut answer) {
                    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                answer
            }
        })
    };
    let mut connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(watched), service);
    let mut stopping = false;
    let ended = loop {
        tokio::select! {
            // Nearly always it is the client who has something new.
            biased;
            ended = &mut connection => break ended,
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            () = seat.activity.overdue(&bounds) => {
                tracing::debug!(%address, "a connection kept us waiting for too long");
                return;
            }
        }
    };
    let http1::Parts { io, read_buf, .. } = connection.into_parts();
    let mut stream = io.into_inner().into_stream();
    match ended {
        Ok(()) => {}
        // What could not be read was answered with its status, or is told so here.
        Err(error) if error.is_parse() => {
            tracing::debug!(%error, "a connection sent what is no request");
            if read_buf.starts_with(HTTP2) && stream.write_all(NOT_HTTP2).await.is_err() {
                return;
            }
        }
        Err(error) => {
            tracing::debug!(%error, "a connection ended early");
            return;
        }
    }
    let granted = peer.upgrade().granted.take();
    match granted {
        // In the same task: it counts as one connection, and ends with the server, whatever it speaks.
        Some(session) => session(Box::new(stream), read_buf, stop).await,
        None => {
            tokio::select! {
                () = farewell(stream, &bounds) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }
}

/// What a client says that takes for granted that it may speak HTTP/2.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n";
/// The answer to that.
const NOT_HTTP2: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
