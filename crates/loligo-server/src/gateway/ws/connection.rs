//! One WebSocket connection, from its first frame to its last.
//!
//! One task reads requests and writes what waits in the queue. Requests are answered one after the other, so answers come
//! in the order of the requests. A client that does not read keeps this task waiting at its socket and nobody else: its
//! queue fills, and then it is closed.

use super::hub::{Request as HubRequest, Signer, Step, Topic};
use super::outbox::{Frame, Outbox, frame};
use super::{FeedBounds, Feeds, Seat};
use crate::gateway::bounds::{
    FEED_BURST, FEED_CHALLENGES, FEED_MESSAGE_BYTES, FEED_READ_BYTES, FEED_REQUEST_WINDOW, FEED_REQUESTS,
    FEED_WRITE_BYTES,
};
use crate::gateway::convert::markets::is_loaded;
use crate::gateway::listener::Stream;
use crate::gateway::rates::Window;
use crate::projection::Directory;
use crate::request_log::{Entry, FeedRefusal, SignedChallenge};
use futures_util::{SinkExt as _, StreamExt as _};
use loligo_wire::ws1::{
    self, Alert, Answer, Credentials, Feed, OrdersFeed, Request, RequestError, Subscription,
};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::Receiver;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use uuid::Uuid;

/// Most characters of what is kept for the log: of a challenge, of a signature in base64, of a product's name.
const UUID_CHARS: usize = 36;
const SIGNATURE_CHARS: usize = 100;
const PRODUCT_CHARS: usize = 60;

/// How a connection ends.
enum End {
    /// The client closed it, or it broke.
    Gone,
    /// It is closed from here.
    Close(CloseCode),
}

/// Serves a connection whose handshake is through; `early` is what the client sent behind it.
pub(super) async fn serve(
    stream: Box<dyn Stream>,
    early: Bytes,
    feeds: Arc<Feeds>,
    seat: Seat,
    stop: watch::Receiver<bool>,
) {
    let config = WebSocketConfig::default()
        .read_buffer_size(FEED_READ_BYTES)
        .write_buffer_size(FEED_WRITE_BYTES)
        .max_message_size(Some(FEED_MESSAGE_BYTES))
        .max_frame_size(Some(FEED_MESSAGE_BYTES));
    let socket = WebSocketStream::from_partially_read(stream, early.into(), Role::Server, Some(config)).await;
    let grace = feeds.bounds.grace;
    let (mut wire, mut client) = Wire::new(socket, feeds);
    let stop = Stop { server: stop, epoch: client.feeds.node.views().over() };
    let end = wire.run(&mut client, stop).await;
    // Nothing more is told; a hub that is gone has forgotten everybody.
    let _ = client.feeds.hub.send(HubRequest::Gone(client.outbox.id)).await;
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
    match timeout(grace, farewell).await {
        Ok(Ok(()) | Err(Error::ConnectionClosed)) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a WebSocket ended without a farewell"),
        Err(_) => tracing::debug!("a WebSocket did not take its farewell"),
    }
}

/// The socket and what waits for it.
struct Wire<S> {
    socket: WebSocketStream<S>,
    queue: Receiver<Frame>,
    bounds: FeedBounds,
    /// When the client is too silent.
    silent: Instant,
    /// When it is pinged next.
    ping: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn new(socket: WebSocketStream<S>, feeds: Arc<Feeds>) -> (Self, Client) {
        let bounds = feeds.bounds;
        let (outbox, queue) = Outbox::new(feeds.number(), &bounds);
        let now = Instant::now();
        let silent = now + bounds.silence + bounds.grace;
        let wire = Self { socket, queue, bounds, silent, ping: now + bounds.ping };
        (wire, Client::new(feeds, outbox))
    }

    async fn run(&mut self, client: &mut Client, mut stop: Stop) -> End {
        client.say(ws1::write_info);
        let outbox = Arc::clone(&client.outbox);
        let mut frames = Vec::with_capacity(FEED_BURST);
        loop {
            tokio::select! {
                () = stop.told() => return End::Close(CloseCode::Restart),
                () = outbox.overflowed() => return End::Close(CloseCode::Policy),
                () = client.feeds.hub.closed() => return End::Close(CloseCode::Error),
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
                        Some(Ok(Message::Text(text))) => client.request(text.as_str()).await,
                        // Read as the text it holds, if it holds any.
                        Some(Ok(Message::Binary(bytes))) => match std::str::from_utf8(&bytes) {
                            Ok(text) => client.request(text).await,
                            Err(_) => client.refuse(RequestError::NotJson),
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

/// What ends a connection from behind: the server stops, or the node goes over to another epoch than it was opened on.
struct Stop {
    server: watch::Receiver<bool>,
    epoch: watch::Receiver<bool>,
}

impl Stop {
    /// Waits for either. Whoever would say so being gone says so, too.
    async fn told(&mut self) {
        tokio::select! {
            _ = self.server.wait_for(|stop| *stop) => {}
            _ = self.epoch.wait_for(|over| *over) => {}
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

/// Who is at the other end: what it was given, and what it may still ask.
struct Client {
    feeds: Arc<Feeds>,
    outbox: Arc<Outbox>,
    challenges: Vec<Uuid>,
    requests: Window,
}

impl Client {
    fn new(feeds: Arc<Feeds>, outbox: Arc<Outbox>) -> Self {
        let requests = Window::new(FEED_REQUESTS, FEED_REQUEST_WINDOW);
        Self { feeds, outbox, challenges: Vec::new(), requests }
    }

    fn say(&self, write: impl FnOnce(&mut Vec<u8>)) {
        // A queue that is too full closes the connection; there is nothing else to do about it.
        self.outbox.push(frame(write));
    }

    fn refuse(&self, error: RequestError) {
        self.log(None, &error.to_string(), FeedRefusal::Unreadable);
        self.say(|out| error.write(out));
    }

    /// Tells the log of a request that is answered with an alert.
    fn log(&self, asked: Option<&Subscription<'_>>, outcome: &str, why: FeedRefusal) {
        if self.feeds.log.tells_refusals() {
            let feed = asked.map_or("", |asked| asked.feed.as_str());
            let credentials = asked.and_then(|asked| asked.credentials.as_ref());
            let api_key = credentials.map_or("", |credentials| &credentials.api_key);
            let now = self.feeds.node.now();
            self.feeds.log.take(Entry::of_feed(now, feed, api_key, outcome, why));
        }
    }

    /// The alert for who has not signed a challenge of this connection.
    fn not_authenticated(&self, asked: &Subscription<'_>) -> Step {
        let signed = asked.credentials.as_ref().map(|credentials| SignedChallenge {
            given: Uuid::try_parse(&credentials.original_challenge)
                .is_ok_and(|challenge| self.challenges.contains(&challenge)),
            challenge: credentials.original_challenge.chars().take(UUID_CHARS).collect(),
            signature: credentials
                .signed_challenge
                .as_bytes()
                .iter()
                .take(SIGNATURE_CHARS)
                .copied()
                .collect(),
        });
        self.log(Some(asked), "not authenticated", FeedRefusal::Signer(signed));
        say(Alert::NotAuthenticated)
    }

    async fn request(&mut self, text: &str) {
        if let Some(time) = &self.feeds.limits
            && !self.requests.spend(1, time.micros())
        {
            self.log(None, "rate_limited", FeedRefusal::TooMany);
            return self.say(|out| Alert::RateLimited.write(out));
        }
        match Request::parse(text) {
            Err(error) => self.refuse(error),
            Ok(Request::Challenge { .. }) => self.challenge(),
            Ok(Request::Subscribe(asked)) => self.subscription(&asked, true).await,
            Ok(Request::Unsubscribe(asked)) => self.subscription(&asked, false).await,
        }
    }

    /// Gives out a challenge, for whatever key: it is looked at only when it is used.
    fn challenge(&mut self) {
        if self.challenges.len() < FEED_CHALLENGES {
            let mut bytes = [0; 16];
            if aws_lc_rs::rand::fill(&mut bytes).is_err() {
                return self.say(|out| Alert::Unavailable.write(out));
            }
            self.challenges.push(uuid::Builder::from_random_bytes(bytes).into_uuid());
        }
        if let Some(challenge) = self.challenges.last() {
            self.say(|out| ws1::write_challenge(out, *challenge));
        }
    }

    async fn subscription(&mut self, asked: &Subscription<'_>, join: bool) {
        if self.feeds.node.has_stopped() {
            return self.say(|out| Alert::Unavailable.write(out));
        }
        let directory = self.feeds.node.views().directory();
        let steps = match asked.feed {
            Feed::Heartbeat => vec![step(join, Topic::Heartbeat, asked.feed, None)],
            Feed::Book => self.book(asked, join, &directory),
            Feed::OpenOrders => self.orders(asked, join, OrdersFeed::Plain, &directory),
            Feed::OpenOrdersVerbose => self.orders(asked, join, OrdersFeed::Verbose, &directory),
            Feed::Fills => self.fills(asked, join, &directory),
            // Known feeds that are not served yet. No alert says so; of those that clients know, the one for a feed that
            // does not exist is true of this exchange, makes none of them wait, and closes no connection.
            Feed::Ticker
            | Feed::TickerLite
            | Feed::Trade
            | Feed::OpenPositions
            | Feed::Balances
            | Feed::AccountBalancesAndMargins
            | Feed::AccountLog
            | Feed::DepositsWithdrawals
            | Feed::NotificationsAuth => {
                self.log(Some(asked), "invalid feed", FeedRefusal::NotBuilt);
                vec![say(Alert::InvalidFeed)]
            }
        };
        let (done, answered) = oneshot::channel();
        let outbox = Arc::clone(&self.outbox);
        // A hub that is gone ends the connection.
        if self.feeds.hub.send(HubRequest::Steps { outbox, steps, done }).await.is_ok() {
            let _ = answered.await;
        }
    }

    /// One answer a product, each on its own. A market that is over or not yet begun has no book to join; one that was
    /// joined before is held until it is left.
    fn book(&self, asked: &Subscription<'_>, join: bool, directory: &Directory) -> Vec<Step> {
        if asked.product_ids.is_empty() {
            self.log(Some(asked), "bad request", FeedRefusal::NoProducts);
            return vec![say(Alert::BadRequest)];
        }
        let (now, views) = (self.feeds.node.now(), self.feeds.node.views());
        let markets = views.markets();
        let each = asked.product_ids.iter().map(|product| {
            let Some(listed) = directory.by_symbol(product) else {
                return self.unknown(asked, product, join);
            };
            let topic = Topic::Book(listed.id);
            if join && !markets.state(listed.id, now).is_some_and(is_loaded) {
                return Step::Rejoin(topic, self.invalid(asked, product));
            }
            step(join, topic, asked.feed, Some(&listed.instrument.spec().symbol))
        });
        each.collect()
    }

    fn orders(
        &self,
        asked: &Subscription<'_>,
        join: bool,
        feed: OrdersFeed,
        directory: &Directory,
    ) -> Vec<Step> {
        match self.signer(asked.credentials.as_ref(), directory) {
            Some(signer) => vec![step(join, Topic::Orders(feed, signer), asked.feed, None)],
            None => vec![self.not_authenticated(asked)],
        }
    }

    /// Products limit this feed: one answer each, as for a book. Own fills can be asked for whatever became of the market.
    fn fills(&self, asked: &Subscription<'_>, join: bool, directory: &Directory) -> Vec<Step> {
        let Some(signer) = self.signer(asked.credentials.as_ref(), directory) else {
            return vec![self.not_authenticated(asked)];
        };
        if asked.product_ids.is_empty() {
            return vec![step(join, Topic::Fills(None, signer), asked.feed, None)];
        }
        let each = asked.product_ids.iter().map(|product| match directory.by_symbol(product) {
            Some(listed) => {
                let topic = Topic::Fills(Some(listed.id), signer);
                step(join, topic, asked.feed, Some(&listed.instrument.spec().symbol))
            }
            None => self.unknown(asked, product, join),
        });
        each.collect()
    }

    /// What is said of a product that there is not.
    fn unknown(&self, asked: &Subscription<'_>, product: &str, join: bool) -> Step {
        if join { Step::Say(self.invalid(asked, product)) } else { say(Alert::NotSubscribed) }
    }

    fn invalid(&self, asked: &Subscription<'_>, product: &str) -> Frame {
        let shown = product.chars().take(PRODUCT_CHARS).collect();
        self.log(Some(asked), "invalid product", FeedRefusal::Product(shown));
        frame(|out| Alert::InvalidProduct(&upper(product)).write(out))
    }

    /// Who has signed a challenge of this connection, and may ask.
    fn signer(&self, credentials: Option<&Credentials<'_>>, directory: &Directory) -> Option<Signer> {
        let credentials = credentials?;
        let key = self.feeds.auth.check_challenge(directory, credentials)?;
        let challenge = Uuid::try_parse(&credentials.original_challenge).ok()?;
        let given = self.challenges.contains(&challenge);
        given.then_some(Signer { account: key.account, key: key.id })
    }
}

fn say(alert: Alert<'_>) -> Step {
    Step::Say(frame(|out| alert.write(out)))
}

fn step(join: bool, topic: Topic, feed: Feed, product_id: Option<&str>) -> Step {
    let accepted = frame(|out| Answer { joined: join, feed, product_id }.write(out));
    if join { Step::Join(topic, accepted) } else { Step::Leave(topic, accepted) }
}

fn upper(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        name.to_ascii_uppercase().into()
    } else {
        name.into()
    }
}
