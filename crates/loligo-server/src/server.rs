//! A running exchange and its doors: node, dialects, http and https, started and stopped together.

use crate::charts::{Analytics, Candles};
use crate::config::Config;
use crate::control::{Control, OperatorAuth};
use crate::dialects::Served;
use crate::dialects::kraken::{self, Kraken};
use crate::faults::Faults;
use crate::history::History;
use crate::hub::{self, Dialects, Sources};
use crate::login::Login;
use crate::login::real_time::RealTime;
use crate::node::{self, NodeEnd, NodeHandle, RunningNode, StartError as NodeError};
use crate::operations::Operations;
use crate::projection::{Detached, Unable};
use crate::request_log::{LogConfig, LogMode, RequestLog};
use crate::start_file::StartFile;
use crate::transport::bounds::{Bounds, FeedBounds};
use crate::transport::listener::{self, Connections};
use crate::transport::origin::{Origin, Origins};
use crate::transport::sockets::Sockets;
use crate::transport::tls::{self, TlsError};
use crate::transport::{Handlers, Last};
use loligo_history::Keep;
use loligo_wire::sign::Tolerance;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a server is told beside what its node is told.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The node's share.
    pub node: Config,
    /// Where http is served; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where https is served, if it is.
    pub tls_listen: Option<SocketAddr>,
    /// Whether accounts may spend only so much in ten seconds.
    pub rate_limits: bool,
    /// Which signatures are accepted beside the published rule.
    pub tolerance: Tolerance,
    /// Whether a key that may only ask is told the status of orders, too.
    pub status_for_read_only_keys: bool,
    /// Bounds of connections.
    pub bounds: Bounds,
    /// Web pages that may open WebSockets and ask the control surface, beside those of the exchange's own addresses.
    pub allow_origins: Vec<Origin>,
    /// What nonce and rate windows run on.
    pub real_time: RealTime,
    /// The token of the control surface; a new random one at each start when absent.
    pub control_token: Option<String>,
    /// Which requests are told to the operator, and how.
    pub log: LogConfig,
    /// For how many days of exchange time history keeps what happened to orders and marks of markets.
    pub keep_history: u32,
}

/// Days for which history keeps what happened to orders and marks of markets, when nothing else is said.
pub const KEEP_HISTORY: u32 = 2;

/// Fewest characters of a control token that is chosen: no one who may try a thousand a second finds it in a lifetime.
pub const CONTROL_TOKEN_MIN: usize = 16;

impl ServerConfig {
    /// A server for one test: a venue of its own on a free port of the loopback, time standing still.
    #[must_use]
    pub fn test() -> Self {
        Self {
            node: Config::test(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls_listen: None,
            rate_limits: true,
            tolerance: Tolerance::ALL,
            status_for_read_only_keys: false,
            // What is told at a pace is told as exchange time passes, and not while a test takes its own.
            bounds: Bounds {
                feeds: FeedBounds { pace: Duration::from_secs(86_400), ..FeedBounds::default() },
                ..Bounds::default()
            },
            allow_origins: Vec::new(),
            real_time: RealTime::driven(),
            control_token: None,
            log: LogConfig { mode: LogMode::None, lines: None },
            keep_history: KEEP_HISTORY,
        }
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The node does not start.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// An address cannot be listened on.
    #[error("{0}")]
    Listen(std::io::Error),
    /// There is no certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The feeds have no threads to run on.
    #[error("the operating system gives no thread: {0}")]
    Feeds(std::io::Error),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness for the control token")]
    NoRandomness,
    /// The control token is one that could be guessed, or that no header can hold.
    #[error(
        "the control token wants at least 16 characters, letters, digits and signs of ASCII without spaces"
    )]
    BadToken,
}

impl StartError {
    fn charts(error: rusqlite::Error) -> Self {
        Self::Node(NodeError::Follower(Unable(error.to_string())))
    }
}

/// A running server.
pub struct Server {
    node: RunningNode,
    http: SocketAddr,
    https: Option<SocketAddr>,
    authority: Option<String>,
    control_token: String,
    config: ServerConfig,
    log: Arc<RequestLog>,
    stop: watch::Sender<bool>,
    doors: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts a node and opens its doors; requests are answered when this returns.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        Self::start_with(config, kraken::operations(), |dialects| {
            let kraken = dialects.add(kraken::Encoder);
            move |served| Last(Kraken::new(served, kraken))
        })
        .await
    }

    /// Starts the benchmarks' floor: the same doors and checks, and nothing done behind them.
    ///
    /// # Errors
    /// [`StartError`].
    #[cfg(feature = "floor")]
    pub async fn start_floor(config: ServerConfig) -> Result<Self, StartError> {
        Self::start_with(config, kraken::operations(), |_| |served| Last(kraken::floor::Floor::new(served)))
            .await
    }

    /// Starts a server that speaks these dialects beside the control surface. Each adds its encoder to the hub's, and then
    /// makes its handler of what it is given.
    pub(crate) async fn start_with<H: Handlers, M: FnOnce(Served) -> H>(
        config: ServerConfig,
        operations: Operations,
        speak: impl FnOnce(&mut Dialects) -> M,
    ) -> Result<Self, StartError> {
        if config.control_token.as_ref().is_some_and(|token| !is_token(token)) {
            return Err(StartError::BadToken);
        }
        // Addresses first: a port that is taken is the commonest mistake, and nothing has been touched yet.
        let http = listener::bind(config.listen).await.map_err(StartError::Listen)?;
        let https = match config.tls_listen {
            Some(address) => Some(listener::bind(address).await.map_err(StartError::Listen)?),
            None => None,
        };
        let address = http.local_addr().map_err(StartError::Listen)?;
        let tls_address =
            https.as_ref().map(|https| https.local_addr()).transpose().map_err(StartError::Listen)?;
        let starting = config.node.clone();
        let candles = Arc::new(Candles::new(starting.data.as_deref()).map_err(StartError::charts)?);
        let analytics = Arc::new(Analytics::new(starting.data.as_deref()).map_err(StartError::charts)?);
        let keep = Keep::days(config.keep_history);
        let history = Arc::new(History::new(config.node.data.as_deref(), keep));
        let followers: Vec<Arc<dyn Detached>> = vec![
            Arc::<Candles>::clone(&candles),
            Arc::<Analytics>::clone(&analytics),
            Arc::<History>::clone(&history),
        ];
        let node = tokio::task::spawn_blocking(move || node::spawn_followed(&starting, followers))
            .await
            .map_err(|error| StartError::Listen(std::io::Error::other(error)))??;
        let tls = match (&https, &config.node.data) {
            (None, _) => None,
            (Some(_), data) => {
                let folder = data.as_ref().map(|data| data.join("tls"));
                let hosts = [address.ip(), tls_address.unwrap_or(address).ip()];
                Some(tls::load(folder.as_deref(), &hosts)?)
            }
        };

        let control_token = config.control_token.clone().or_else(token).ok_or(StartError::NoRandomness)?;
        let handle = node.handle().clone();
        let remembered = handle.remembered_nonces();
        let login = Arc::new(Login::new(remembered, config.real_time.clone(), config.rate_limits));
        let listening = [Some(address), tls_address].into_iter().flatten();
        let origins = Arc::new(Origins::new(config.allow_origins.clone(), listening));
        let log = RequestLog::start(config.log, handle.clone()).map_err(StartError::Feeds)?;
        let mut dialects = Dialects::default();
        let make = speak(&mut dialects);
        let feeds = config.bounds.feeds;
        let sources = Sources {
            candles: Some(Arc::clone(candles.board())),
            history: Some(Arc::clone(&history)),
            past: node.past().cloned(),
        };
        let hub = hub::start(&handle, &dialects, sources, feeds).map_err(StartError::Feeds)?;
        let faults = Arc::new(Faults::default());
        let beyond_loopback = [Some(address), tls_address].iter().flatten().any(|a| !a.ip().is_loopback());
        let sockets = Arc::new(Sockets::new(feeds, Arc::clone(&origins)).map_err(StartError::Feeds)?);
        let control = Control::new(
            handle.clone(),
            OperatorAuth::new(&control_token, beyond_loopback, origins),
            Arc::clone(&faults),
            operations,
            Arc::clone(&history),
            Arc::clone(&sockets),
            Arc::clone(&log),
        );
        let served = Served {
            node: handle,
            login,
            tolerance: config.tolerance,
            status_for_read_only_keys: config.status_for_read_only_keys,
            faults,
            sockets,
            history,
            hub,
            log: Arc::clone(&log),
            candles,
            analytics,
            past: node.past().cloned(),
        };
        let handlers = Arc::new((control, make(served)));

        let (stop, stopping) = watch::channel(false);
        let connections = Arc::new(Connections::new(config.bounds.connections));
        let mut doors = Vec::new();
        let door = |listener, tls| {
            let (connections, handlers, stopping) =
                (Arc::clone(&connections), Arc::clone(&handlers), stopping.clone());
            tokio::spawn(listener::serve(listener, tls, config.bounds, connections, handlers, stopping))
        };
        doors.push(door(http, None));
        if let (Some(https), Some(tls)) = (https, &tls) {
            doors.push(door(https, Some(tls.acceptor.clone())));
        }
        Ok(Self {
            node,
            http: address,
            https: tls_address,
            authority: tls.map(|tls| tls.authority),
            control_token,
            config,
            log,
            stop,
            doors,
        })
    }

    /// Where http is served.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where https is served.
    #[must_use]
    pub fn https(&self) -> Option<SocketAddr> {
        self.https
    }

    /// The certificate that clients must trust for https, PEM.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// What the control surface wants to be shown.
    #[must_use]
    pub fn control_token(&self) -> &str {
        &self.control_token
    }

    /// The node behind the doors.
    #[must_use]
    pub fn node(&self) -> &NodeHandle {
        self.node.handle()
    }

    /// What the start file says, but for the certificate's path.
    #[must_use]
    pub fn start_file(&self) -> StartFile {
        StartFile::new(self, &self.config.node, &self.node.development_accounts())
    }

    /// What the operator should know of this start, each in a sentence.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        self.node.notes()
    }

    /// Waits until the node stops by itself, which it does only over trouble that it cannot go on with.
    pub async fn failed(&self) -> NodeEnd {
        self.node.ended().await
    }

    /// Closes the doors, lets open requests end, and stops the node.
    pub async fn stop(self) -> NodeEnd {
        let _ = self.stop.send(true);
        for door in self.doors {
            // A door that panicked is closed, too.
            let _ = door.await;
        }
        let (node, log) = (self.node, self.log);
        // The log asks the node for figures, so it ends first. The writer ends on a thread of its own; waiting for it must not hold up the runtime.
        tokio::task::spawn_blocking(move || {
            log.stop();
            node.stop()
        })
        .await
        .unwrap_or(NodeEnd::Stopped)
    }
}

fn is_token(token: &str) -> bool {
    token.len() >= CONTROL_TOKEN_MIN && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// 256 random bits in hexadecimal.
fn token() -> Option<String> {
    let mut bytes = [0u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(crate::report::hex(&bytes))
}

/// Reads an amount of USD, such as `1000000` or `2500.50`: not negative, at most 11 decimals.
#[must_use]
pub fn parse_balance(text: &str) -> Option<loligo_engine::Money> {
    let decimal = loligo_wire::decimal::Number::parse(text.as_bytes()).ok()?.decimal()?;
    let units = decimal.at_scale(11).ok()?;
    (units >= 0).then_some(loligo_engine::Money(units))
}

/// Reads an instant, such as `2026-01-01T00:00:00Z`.
#[must_use]
pub fn parse_time(text: &str) -> Option<loligo_engine::Timestamp> {
    let time = loligo_wire::time::Timestamp::parse(text.as_bytes()).ok()?;
    Some(loligo_engine::Timestamp(time.micros()))
}
