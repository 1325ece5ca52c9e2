//! One WebSocket connection, from its first frame to its last.
//!
//! One task reads messages and writes what waits in the queue. Messages are heard one after the other, so answers come
//! in the order of the requests. A client that does not read keeps this task waiting at its socket and nobody else: its
//! queue fills, and then it is closed.

use super::bounds::{FEED_BURST, FEED_MESSAGE_BYTES, FEED_READ_BYTES, FEED_WRITE_BYTES, FeedBounds};
use super::listener::Stream;
use super::outbox::{Frame, Outbox};
use super::sockets::Seat;
use futures_util::{SinkExt as _, StreamExt as _};
use std::future::Future;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::Receiver;
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
    /// The client closed it, or it broke.
    Gone,
    /// It is closed from here.
    Close(CloseCode),
}

/// Serves a connection whose handshake is through; `early` is what the client sent behind it.
pub(super) async fn serve<C: Conversation>(
    stream: Box<dyn Stream>,
    early: Bytes,
    bounds: FeedBounds,
    (outbox, queue): (Arc<Outbox>, Receiver<Frame>),
    mut conversation: C,
    seat: Seat,
    stop: watch::Receiver<bool>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(FEED_READ_BYTES)
        .write_buffer_size(FEED_WRITE_BYTES)
        .max_message_size(Some(FEED_MESSAGE_BYTES))
        .max_frame_size(Some(FEED_MESSAGE_BYTES));
    let socket = WebSocketStream::from_partially_read(stream, early.into(), Role::Server, Some(config)).await;
    let mut wire = Wire::new(socket, outbox, queue, bounds);
    let stop = Stop { server: stop, over: conversation.over() };
    let end = wire.run(&mut conversation, stop).await;
    conversation.end().await;
    // Before the client can see that it is over, so that it may come again at once.
    drop(seat);
    // What the client still sends is read for the sake of its farewell alone.
    let farewell = async {
        if let End::Close(code) = end {
            let frame = CloseFrame { code, reason: Default::default() };
            wire.socket.close(Some(frame)).await?;
        }
        while let Some(message) = wire.socket.next().await {
            message?;
        }
        Ok::<(), Error>(())
    };
    match timeout(bounds.grace, farewell).await {
        Ok(Ok(()) | Err(Error::ConnectionClosed)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a WebSocket ended without a farewell"),
        Err(_) => tracing::debug!("a WebSocket did not take its farewell"),
    }
}

/// The socket and what waits for it.
struct Wire<S> {
    socket: WebSocketStream<S>,
    outbox: Arc<Outbox>,
    queue: Receiver<Frame>,
    bounds: FeedBounds,
    /// When the client is too silent.
    silent: Instant,
    /// When it is pinged next.
    ping: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn new(
        socket: WebSocketStream<S>,
        outbox: Arc<Outbox>,
        queue: Receiver<Frame>,
        bounds: FeedBounds,
    ) -> Self {
        let now = Instant::now();
        let silent = now + bounds.silence + bounds.grace;
        Self { socket, outbox, queue, bounds, silent, ping: now + bounds.ping }
    }

    async fn run<C: Conversation>(&mut self, with: &mut C, mut stop: Stop) -> End {
        with.greet();
        let outbox = Arc::clone(&self.outbox);
        let mut frames = Vec::with_capacity(FEED_BURST);
        loop {
            tokio::select! {
                () = stop.told() => return End::Close(CloseCode::Restart),
                () = outbox.overflowed() => return End::Close(CloseCode::Policy),
                () = with.forsaken() => return End::Close(CloseCode::Error),
                () = sleep_until(self.silent) => return End::Close(CloseCode::Normal),
                () = sleep_until(self.ping) => {
                    self.ping = Instant::now() + self.bounds.ping;
                    if let Err(end) = self.write(&outbox, &mut stop, [Message::Ping(Bytes::new())]).await {
                        return end;
                    }
                }
                taken = self.queue.recv_many(&mut frames, FEED_BURST) => {
                    if taken == 0 {
                        return End::Gone;
                    }
                    outbox.took(frames.iter().map(|frame| frame.len()).sum());
                    let messages = frames.drain(..).map(Message::Text);
                    if let Err(end) = self.write(&outbox, &mut stop, messages).await {
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
                        Some(Ok(Message::Close(_))) | None => return End::Gone,
                        Some(Err(error)) => return broken(&error),
                    }
                }
            }
        }
    }

    /// Writes messages and sees them off, unless the client takes too long over it.
    async fn write(
        &mut self,
        outbox: &Outbox,
        stop: &mut Stop,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<(), End> {
        let socket = &mut self.socket;
        let writing = async {
            for message in messages {
                // Gathered in the socket's buffer, which is written when it is large.
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        tokio::select! {
            biased;
            written = writing => written.map_err(|error| broken(&error)),
            () = outbox.overflowed() => Err(End::Close(CloseCode::Policy)),
            () = stop.told() => Err(End::Close(CloseCode::Restart)),
            // Nothing it may have sent was read meanwhile, but it has not read either.
            () = sleep_until(self.silent) => Err(End::Close(CloseCode::Policy)),
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
        _ => End::Gone,
    }
}
