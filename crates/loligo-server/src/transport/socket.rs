//! One WebSocket connection, from its first frame to its last.
//!
//! One task reads messages, and writes what the connection did not take at once from those who put it into the
//! [outbox](super::outbox). Messages are heard one after the other, so answers come in the order of the requests. A client
//! that does not read keeps this task waiting at its socket and nobody else: its queue fills, and then it is closed.

use super::bounds::{FEED_MESSAGE_BYTES, FEED_READ_BYTES, FeedBounds};
use super::listener::Stream;
use super::outbox::{Outbox, Over};
use super::sockets::Seat;
use futures_util::{SinkExt as _, StreamExt as _};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

/// What is said on a connection, in the words of one dialect. All that it says it puts into the outbox it was begun with.
pub(crate) trait Conversation: Send + 'static {
    /// Says what is said first.
    fn greet(&mut self);
    /// Hears a message. The next is heard when this has ended.
    fn hear(&mut self, text: &str) -> impl Future<Output = ()> + Send;
    /// Hears a message that is no text.
    fn hear_bytes(&mut self);
    /// Turns true when what it speaks of is over: the connection closes then, as when the server stops.
    fn over(&self) -> watch::Receiver<bool>;
    /// Ends when there is nobody any more who would tell this connection anything.
    fn forsaken(&self) -> impl Future<Output = ()> + Send;
    /// The connection is over: nothing need be told on it.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// How a connection ends.
enum End {
    /// For what became of what was to go out.
    Over(Over),
    /// It is closed from here, and the code says why.
    Close(CloseCode),
}

impl End {
    /// The client closed it, or it broke.
    const GONE: Self = Self::Over(Over::Gone);

    /// What the client is told, if it can still be told anything: a reason where the code does not say it.
    fn farewell(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Over(Over::Full) => {
                (CloseCode::Policy, "too slow: what waits for this connection has a bound")
            }
            Self::Over(Over::Lost) => (CloseCode::Policy, "messages were lost: begin again"),
            Self::Over(Over::Gone) => return None,
            Self::Close(code) => (*code, ""),
        };
        Some(CloseFrame { code, reason: reason.into() })
    }
}

/// Serves a connection whose handshake is through; `early` is what the client sent behind it.
pub(super) async fn serve<C: Conversation>(
    stream: Box<dyn Stream>,
    early: Bytes,
    bounds: FeedBounds,
    outbox: Arc<Outbox>,
    mut conversation: C,
    mut seat: Seat,
    stop: watch::Receiver<bool>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(FEED_READ_BYTES)
        .max_message_size(Some(FEED_MESSAGE_BYTES))
        .max_frame_size(Some(FEED_MESSAGE_BYTES));
    let (reading, writing) = tokio::io::split(stream);
    outbox.open(writing);
    let line = Line { reading, outbox: Arc::clone(&outbox) };
    let socket = WebSocketStream::from_partially_read(line, early.into(), Role::Server, Some(config)).await;
    let mut wire = Wire::new(socket, Arc::clone(&outbox), bounds);
    let stop = Stop { server: stop, over: conversation.over() };
    let end = wire.run(&mut conversation, stop).await;
    outbox.leave();
    conversation.end().await;
    // Before the client can see that it is over, so that it may come again at once.
    seat.leave(match end {
        End::Over(over) => Some(over),
        End::Close(_) => None,
    });
    // What the client still sends is read for the sake of its farewell alone.
    let farewell = async {
        if let Some(told) = end.farewell() {
            wire.socket.close(Some(told)).await?;
            outbox.drain_all().await?;
        }
        while let Some(message) = wire.socket.next().await {
            message?;
        }
        outbox.drain_all().await?;
        Ok::<(), Error>(())
    };
    match timeout(bounds.grace, farewell).await {
        Ok(Ok(()) | Err(Error::ConnectionClosed)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a WebSocket ended without a farewell"),
        Err(_) => tracing::debug!("a WebSocket did not take its farewell"),
    }
    outbox.shut();
    drop(seat);
}

/// A connection as the library sees it: what it reads comes from there, what it writes goes through the outbox, in whole
/// frames, like all that is written.
struct Line {
    reading: ReadHalf<Box<dyn Stream>>,
    outbox: Arc<Outbox>,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reading).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    /// All of it is taken, so that the library never writes a part of a frame.
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.outbox.control(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The socket and what waits for it.
struct Wire {
    socket: WebSocketStream<Line>,
    outbox: Arc<Outbox>,
    bounds: FeedBounds,
    /// When the client is too silent.
    silent: Instant,
    /// When it is pinged next.
    ping: Instant,
}

impl Wire {
    fn new(socket: WebSocketStream<Line>, outbox: Arc<Outbox>, bounds: FeedBounds) -> Self {
        let now = Instant::now();
        let silent = now + bounds.silence + bounds.grace;
        Self { socket, outbox, bounds, silent, ping: now + bounds.ping }
    }

    async fn run<C: Conversation>(&mut self, with: &mut C, mut stop: Stop) -> End {
        with.greet();
        let outbox = Arc::clone(&self.outbox);
        loop {
            tokio::select! {
                () = stop.told() => return End::Close(CloseCode::Restart),
                over = outbox.overflowed() => return End::Over(over),
                () = with.forsaken() => return End::Close(CloseCode::Error),
                () = sleep_until(self.silent) => return End::Close(CloseCode::Normal),
                () = sleep_until(self.ping) => {
                    self.ping = Instant::now() + self.bounds.ping;
                    if let Err(error) = self.socket.send(Message::Ping(Bytes::new())).await {
                        return broken(&error);
                    }
                }
                () = outbox.blocked() => {
                    if let Err(end) = self.drain(&outbox, &mut stop).await {
                        return end;
                    }
                }
                message = self.socket.next() => {
                    self.silent = Instant::now() + self.bounds.silence + self.bounds.grace;
                    match message {
                        Some(Ok(Message::Text(text))) => with.hear(text.as_str()).await,
                        // Read as the text it holds, if it holds any.
                        Some(Ok(Message::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                            Ok(text) => with.hear(text).await,
                            Err(_) => with.hear_bytes(),
                        },
                        // A pong goes out with the next read.
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return End::GONE,
                        Some(Err(error)) => return broken(&error),
                    }
                }
            }
        }
    }

    /// Sees off some of what waits, unless the client takes too long over it. Meanwhile nothing is read: who does not listen is
    /// not listened to, so its questions do not fill its queue.
    async fn drain(&mut self, outbox: &Outbox, stop: &mut Stop) -> Result<(), End> {
        tokio::select! {
            biased;
            over = outbox.overflowed() => Err(End::Over(over)),
            drained = outbox.drain() => drained.map(drop).map_err(|error| broken(&error.into())),
            () = stop.told() => Err(End::Close(CloseCode::Restart)),
            // Nothing it may have sent was read meanwhile, but it has not read either.
            () = sleep_until(self.silent) => Err(End::Over(Over::Full)),
        }
    }
}

/// What ends a connection from behind: the server stops, or what its conversation speaks of is over.
struct Stop {
    server: watch::Receiver<bool>,
    over: watch::Receiver<bool>,
}

impl Stop {
    /// Waits for either. Whoever would say so being gone says so, too.
    async fn told(&mut self) {
        tokio::select! {
            _ = self.server.wait_for(|stop| *stop) => {}
            _ = self.over.wait_for(|over| *over) => {}
        }
    }
}

/// What is told a client whose frames cannot be read.
fn broken(error: &Error) -> End {
    tracing::debug!(%error, "a WebSocket broke");
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => End::Close(CloseCode::Size),
        Error::Capacity(_) | Error::Protocol(_) => End::Close(CloseCode::Protocol),
        Error::Utf8(_) => End::Close(CloseCode::Invalid),
        _ => End::GONE,
    }
}
