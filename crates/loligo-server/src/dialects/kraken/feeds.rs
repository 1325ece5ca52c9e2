//! The feeds: WebSocket connections on the ports of http and https, and what is said on them. What they are told as it
//! happens is the [hub](crate::hub)'s, in the words of the [encoder](super::encoder).

use super::bounds::{FEED_CHALLENGES, FEED_LOG_ROWS, FEED_REQUEST_WINDOW, FEED_REQUESTS};
use super::charts::{length, series};
use super::convert::markets::is_loaded;
use super::encoder::{TICKER, TICKER_LITE, form};
use super::reasons::{FeedRefusal, Refused, SignedChallenge, Why};
use super::routes::Routes;
use super::signing::Signing;
use crate::history::{History, is_payment};
use crate::hub::{
    AccountFeed, Action, Dialect, Follower, HubHandle, LogFeed, LogSoFar, MarketFeed, MoneyFeed, PAYMENTS,
    Signer, Topic,
};
use crate::login::Login;
use crate::login::rates::Window;
use crate::node::{NodeHandle, Views};
use crate::projection::{Directory, ListedInstrument};
use crate::request_log::{Answered, Entry, RequestLog};
use crate::transport::outbox::{Frame, Outbox, frame};
use crate::transport::socket::Conversation;
use loligo_engine::AccountId;
use loligo_wire::ws1::{
    self, Alert, Answer, Credentials, Feed, FeedName, OrdersFeed, Request, RequestError, Subscription,
};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// Most characters of what is kept for the log: of a challenge, of a signature in base64, of a product's name.
const UUID_CHARS: usize = 36;
const SIGNATURE_CHARS: usize = 100;
const PRODUCT_CHARS: usize = 60;

/// What all connections share.
pub(super) struct Feeds {
    pub(super) node: NodeHandle,
    pub(super) signing: Arc<Signing>,
    pub(super) login: Arc<Login>,
    pub(super) log: Arc<RequestLog>,
    pub(super) history: Arc<History>,
    pub(super) hub: HubHandle,
    pub(super) dialect: Dialect,
    pub(super) routes: &'static Routes,
}

/// Who is at the other end: what it was given, and what it may still ask.
pub(super) struct Client {
    feeds: Arc<Feeds>,
    outbox: Arc<Outbox>,
    follower: Follower,
    challenges: Vec<Uuid>,
    requests: Window,
}

impl Conversation for Client {
    fn greet(&mut self) {
        self.say(ws1::write_info);
    }

    async fn hear(&mut self, text: &str) {
        self.request(text).await;
    }

    fn hear_bytes(&mut self) {
        self.refuse(RequestError::NotJson);
    }

    fn over(&self) -> watch::Receiver<bool> {
        self.feeds.node.views().over()
    }

    async fn forsaken(&self) {
        self.feeds.hub.closed().await;
    }

    async fn end(self) {
        self.feeds.hub.gone(&self.follower).await;
    }
}

impl Client {
    pub(super) fn new(feeds: Arc<Feeds>, outbox: Arc<Outbox>) -> Self {
        let requests = Window::new(FEED_REQUESTS, FEED_REQUEST_WINDOW);
        let follower = Follower::new(feeds.dialect, Arc::clone(&outbox));
        Self { feeds, outbox, follower, challenges: Vec::new(), requests }
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
            let feed = asked.map_or_else(String::new, |asked| asked.feed.to_string());
            let credentials = asked.and_then(|asked| asked.credentials.as_ref());
            let api_key = credentials.map_or("", |credentials| &credentials.api_key);
            let now = self.feeds.node.now();
            let refused = Refused::new(self.feeds.routes, Why::Alert(outcome.to_owned(), why));
            let path = format!("{} {feed}", ws1::PATH);
            let told = Answered::Refused(Box::new(refused));
            self.feeds.log.take(Entry::of_message(now, path.trim_end(), api_key, told));
        }
    }

    /// The alert for who has not signed a challenge of this connection.
    fn not_authenticated(&self, asked: &Subscription<'_>) -> Action {
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
        if let Some(time) = self.feeds.login.limits()
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
        let views = self.feeds.node.views();
        let directory = views.directory();
        let feed = match asked.feed {
            FeedName::Of(feed) => feed,
            FeedName::Candles(feed) => {
                let actions = self.each_market(asked, join, &views, |listed| {
                    MarketFeed::Candles((series(feed.tick_type, listed), length(feed.resolution)))
                });
                return self.feeds.hub.ask(&self.follower, actions).await;
            }
        };
        let actions = match feed {
            Feed::Heartbeat => vec![action(join, Topic::Heartbeat, asked.feed, None)],
            Feed::Book => self.market(asked, join, &views, MarketFeed::Book),
            Feed::Trade => self.market(asked, join, &views, MarketFeed::Trades),
            Feed::Ticker => self.market(asked, join, &views, MarketFeed::Ticker(TICKER)),
            Feed::TickerLite => self.market(asked, join, &views, MarketFeed::Ticker(TICKER_LITE)),
            Feed::OpenOrders => {
                self.own(asked, join, AccountFeed::Orders(form(OrdersFeed::Plain)), &directory)
            }
            Feed::OpenOrdersVerbose => {
                self.own(asked, join, AccountFeed::Orders(form(OrdersFeed::Verbose)), &directory)
            }
            Feed::Fills => self.fills(asked, join, &directory),
            Feed::OpenPositions => return self.money(asked, join, MoneyFeed::Positions, &directory).await,
            Feed::Balances => return self.money(asked, join, MoneyFeed::Wallets, &directory).await,
            Feed::AccountBalancesAndMargins => {
                return self.money(asked, join, MoneyFeed::Margins, &directory).await;
            }
            Feed::AccountLog => return self.account_log(asked, join, LogFeed::Rows, &directory).await,
            Feed::DepositsWithdrawals => {
                return self.account_log(asked, join, LogFeed::Payments, &directory).await;
            }
            Feed::NotificationsAuth => self.own(asked, join, AccountFeed::Notices, &directory),
        };
        // A hub that is gone ends the connection.
        self.feeds.hub.ask(&self.follower, actions).await;
    }

    /// One answer a product, each on its own. A market that is over or not yet begun has nothing to join; what was
    /// joined before is held until it is left.
    fn market(&self, asked: &Subscription<'_>, join: bool, views: &Views, feed: MarketFeed) -> Vec<Action> {
        self.each_market(asked, join, views, |_| feed)
    }

    fn each_market(
        &self,
        asked: &Subscription<'_>,
        join: bool,
        views: &Views,
        feed: impl Fn(&ListedInstrument) -> MarketFeed,
    ) -> Vec<Action> {
        if asked.product_ids.is_empty() {
            self.log(Some(asked), "bad request", FeedRefusal::NoProducts);
            return vec![say(Alert::BadRequest)];
        }
        let (directory, markets) = (views.directory(), views.markets());
        let each = asked.product_ids.iter().map(|product| {
            let Some(listed) = directory.by_symbol(product) else {
                return self.unknown(asked, product, join);
            };
            let topic = Topic::Market(listed.id, feed(listed));
            if join && !markets.state(listed.id).is_some_and(is_loaded) {
                return Action::Rejoin(topic, self.invalid(asked, product));
            }
            action(join, topic, asked.feed, Some(&listed.instrument.spec().symbol))
        });
        each.collect()
    }

    /// Something of an account that is told without being asked for first.
    fn own(
        &self,
        asked: &Subscription<'_>,
        join: bool,
        feed: AccountFeed,
        directory: &Directory,
    ) -> Vec<Action> {
        match self.signer(asked.credentials.as_ref(), directory) {
            Some(signer) => vec![action(join, Topic::Account(signer, feed), asked.feed, None)],
            None => vec![self.not_authenticated(asked)],
        }
    }

    /// Products limit this feed: one answer each, as for a book. Own fills can be asked for whatever became of the market.
    fn fills(&self, asked: &Subscription<'_>, join: bool, directory: &Directory) -> Vec<Action> {
        let Some(signer) = self.signer(asked.credentials.as_ref(), directory) else {
            return vec![self.not_authenticated(asked)];
        };
        if asked.product_ids.is_empty() {
            let topic = Topic::Account(signer, AccountFeed::Fills(None));
            return vec![action(join, topic, asked.feed, None)];
        }
        let each = asked.product_ids.iter().map(|product| match directory.by_symbol(product) {
            Some(listed) => {
                let topic = Topic::Account(signer, AccountFeed::Fills(Some(listed.id)));
                action(join, topic, asked.feed, Some(&listed.instrument.spec().symbol))
            }
            None => self.unknown(asked, product, join),
        });
        each.collect()
    }

    /// Joined first and asked for then: what happens between the two is in the one or the other.
    async fn money(&self, asked: &Subscription<'_>, join: bool, feed: MoneyFeed, directory: &Directory) {
        let Some(signer) = self.signer(asked.credentials.as_ref(), directory) else {
            return self.feeds.hub.ask(&self.follower, vec![self.not_authenticated(asked)]).await;
        };
        let topic = || Topic::Account(signer, AccountFeed::Money(feed));
        self.feeds.hub.ask(&self.follower, vec![action(join, topic(), asked.feed, None)]).await;
        if join {
            let shown = match self.feeds.node.statement(signer.account).await {
                Ok(statement) => Action::Show(Arc::new(statement)),
                // The writer has too much to do, or none is there; without a beginning there is nothing to go on with.
                Err(_) => Action::Leave(topic(), frame(|out| Alert::Unavailable.write(out))),
            };
            self.feeds.hub.ask(&self.follower, vec![shown]).await;
        }
    }

    /// As for [money](Self::money).
    async fn account_log(&self, asked: &Subscription<'_>, join: bool, feed: LogFeed, directory: &Directory) {
        let Some(signer) = self.signer(asked.credentials.as_ref(), directory) else {
            return self.feeds.hub.ask(&self.follower, vec![self.not_authenticated(asked)]).await;
        };
        let topic = || Topic::Account(signer, AccountFeed::Log(feed));
        self.feeds.hub.ask(&self.follower, vec![action(join, topic(), asked.feed, None)]).await;
        if join {
            let shown = match self.log_so_far(signer.account, feed).await {
                Some(so_far) => Action::Begin(so_far),
                None => Action::Leave(topic(), frame(|out| Alert::Unavailable.write(out))),
            };
            self.feeds.hub.ask(&self.follower, vec![shown]).await;
        }
    }

    /// What there was of an account's log; none while that cannot be read.
    async fn log_so_far(&self, account: AccountId, feed: LogFeed) -> Option<LogSoFar> {
        self.feeds.node.followed(History::NAME).await.ok()?;
        let history = Arc::clone(&self.feeds.history);
        let read = move || match feed {
            LogFeed::Rows => history.latest_log(account, FEED_LOG_ROWS, |_| true),
            LogFeed::Payments => history.latest_log(account, PAYMENTS, is_payment),
        };
        // It may be read from the disk.
        let (rows, newest) = tokio::task::spawn_blocking(read).await.ok()?.ok()?;
        Some(LogSoFar { account, feed, rows, newest })
    }

    /// What is said of a product that there is not.
    fn unknown(&self, asked: &Subscription<'_>, product: &str, join: bool) -> Action {
        if join { Action::Say(self.invalid(asked, product)) } else { say(Alert::NotSubscribed) }
    }

    fn invalid(&self, asked: &Subscription<'_>, product: &str) -> Frame {
        let shown = product.chars().take(PRODUCT_CHARS).collect();
        self.log(Some(asked), "invalid product", FeedRefusal::Product(shown));
        frame(|out| Alert::InvalidProduct(&upper(product)).write(out))
    }

    /// Who has signed a challenge of this connection, and may ask.
    fn signer(&self, credentials: Option<&Credentials<'_>>, directory: &Directory) -> Option<Signer> {
        let credentials = credentials?;
        let key = self.feeds.signing.check_challenge(directory, credentials)?;
        let challenge = Uuid::try_parse(&credentials.original_challenge).ok()?;
        let given = self.challenges.contains(&challenge);
        given.then_some(Signer { account: key.account, key: key.id })
    }
}

fn say(alert: Alert<'_>) -> Action {
    Action::Say(frame(|out| alert.write(out)))
}

fn action(join: bool, topic: Topic, feed: FeedName, product_id: Option<&str>) -> Action {
    let accepted = frame(|out| Answer { joined: join, feed, product_id }.write(out));
    if join { Action::Join(topic, accepted) } else { Action::Leave(topic, accepted) }
}

fn upper(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        name.to_ascii_uppercase().into()
    } else {
        name.into()
    }
}
