//! `loligo serve`: starts the exchange, says where it is, and stops it when asked.

use crate::args::{Clock, LogForm, LogWhich, Market, Serve, Signatures, Switch};
use crate::banner;
use crate::reset::reset;
use anyhow::{Context, Result, bail};
use loligo_server::config::{ClockKind, Config, IdentitySource, Instruments, MarketKind, PastLength};
use loligo_server::files::write_atomically;
use loligo_server::listing::read_listing;
use loligo_server::node::{NodeEnd, known_facts};
use loligo_server::{
    Bounds, FeedBounds, LogConfig, LogFormat, LogMode, RealTime, Server, ServerConfig, StartFile, Tolerance,
    until_command,
};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Runs until SIGINT or SIGTERM.
pub(crate) fn run(mut args: Serve) -> Result<()> {
    trace_to_stderr();
    let config = config(&mut args)?;
    // Only when everything else that was named makes sense.
    if args.reset {
        reset(&args.data, args.yes)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")?;
    runtime.block_on(serve(args, config))
}

async fn serve(args: Serve, config: ServerConfig) -> Result<()> {
    // Caught from here on: a stop during a long recovery is a clean one, too.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let starting = Server::start(config);
    let server = tokio::select! {
        started = starting => started?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    let mut start_file = server.start_file();
    let certificate = Certificate::publish(&server, &args, &mut start_file)?;
    if let Some(path) = &args.config_out {
        let text = serde_json::to_string_pretty(&start_file)? + "\n";
        write_atomically(path, text.as_bytes(), true)
            .with_context(|| format!("the start file {} cannot be written", path.display()))?;
    }
    crate::say_all(notes(&server))?;
    let directory = server.node().views().directory();
    let symbols = directory.instruments().iter().map(|listed| listed.instrument.spec().symbol.as_str());
    crate::say(&banner::text(&start_file, &args, &symbols.collect::<Vec<_>>()))?;

    let failed = tokio::select! {
        end = server.failed() => Some(end),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    if let Some(certificate) = certificate {
        certificate.remove();
    }
    match failed {
        Some(end) => {
            server.stop().await;
            Err(Ended::new(&end, &args).into())
        }
        None => match server.stop().await {
            NodeEnd::Stopped => Ok(()),
            end => Err(Ended::new(&end, &args).into()),
        },
    }
}

/// What the operator should know of this start.
fn notes(server: &Server) -> Vec<String> {
    let mut notes: Vec<_> = server.notes().iter().map(|note| format!("Note: {note}.")).collect();
    if std::env::var_os("LOLIGO_UNTIL").is_some() {
        // It would leave records behind at each start.
        notes.push("Note: LOLIGO_UNTIL is not read; an earlier place is named by --until alone.".to_owned());
    }
    notes
}

/// The exchange ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    words: String,
    /// What the process ends with.
    pub(crate) code: u8,
}

impl std::error::Error for Ended {}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl Ended {
    /// Why, and what to do.
    fn new(end: &NodeEnd, args: &Serve) -> Self {
        let (code, words) = match end {
            NodeEnd::Stopped => (1, "the exchange stopped by itself".to_owned()),
            NodeEnd::JournalFailed { reason } => {
                (3, format!("the journal failed, the next start decides what was kept: {reason}"))
            }
            NodeEnd::Poisoned { sequence, message } => {
                let words = format!("the engine panics on record {sequence} ({message})");
                let way_out = if args.ephemeral {
                    "the exchange was in memory only and is gone".to_owned()
                } else {
                    let command = until_command(&args.data, *sequence);
                    format!("`{command}` opens the exchange as it was before it")
                };
                (4, format!("{words}; {way_out}"))
            }
            NodeEnd::Panicked { message } => (
                5,
                format!(
                    "the exchange failed in its own code ({message}): a bug of this program; everything acknowledged is \
                     kept, start it again"
                ),
            ),
            NodeEnd::SealedElsewhere { api_key } => (
                6,
                format!(
                    "the secret of API key {api_key} cannot be opened with the secrets.key of this folder; put the file \
                     back that it was sealed with"
                ),
            ),
        };
        Self { words, code }
    }
}

/// The file that an exchange in memory shows its authority's certificate in, while it runs.
struct Certificate(PathBuf);

impl Certificate {
    /// Writes the certificate where clients can read it, unless the data folder has it already.
    fn publish(server: &Server, args: &Serve, start_file: &mut StartFile) -> Result<Option<Self>> {
        let (Some(authority), None) = (server.authority(), &start_file.ca_certificate) else {
            return Ok(None);
        };
        let path = match &args.config_out {
            Some(beside) => beside.with_extension("ca.pem"),
            None => std::env::temp_dir().join(format!("loligo-{}-ca.pem", std::process::id())),
        };
        let path = std::path::absolute(&path).unwrap_or(path);
        write_atomically(&path, authority.as_bytes(), false)
            .with_context(|| format!("the certificate {} cannot be written", path.display()))?;
        start_file.ca_certificate = Some(path.clone());
        Ok(Some(Self(path)))
    }

    fn remove(self) {
        // It is of no use to anyone once its authority is gone.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a start comes to: what it names, and for the rest what the folder's exchange was begun with. The arguments are
/// completed, so that the screen tells what holds.
fn config(args: &mut Serve) -> Result<ServerConfig> {
    // What is about to be removed, or is not used, has nothing to say.
    let facts = if args.ephemeral || args.reset { None } else { known_facts(&args.data) };
    let mut node = Config::of_venue(facts.as_ref());
    node.data = (!args.ephemeral).then(|| args.data.clone());
    node.until = args.until;
    node.keep_journal = args.keep_journal;
    node.seed = args.seed.unwrap_or(node.seed);
    node.accounts = args.accounts.unwrap_or(node.accounts);
    if let Some(balance) = &args.balance {
        node.balance = loligo_server::parse_balance(balance)
            .context("--balance wants an amount of USD such as 1000000 or 2500.50")?;
    }
    node.market = match args.market {
        None => node.market,
        Some(Market::Live) => MarketKind::Live,
        Some(Market::None) => MarketKind::None,
    };
    node.past_days = match (args.past, node.market) {
        (None, MarketKind::Live) => node.past_days,
        (Some(PastLength::Days(days)), MarketKind::Live) => Some(days),
        (Some(PastLength::Days(_)), MarketKind::None) => {
            bail!("--past is the past of a live market: leave it out, or add --market live")
        }
        (None, MarketKind::None) | (Some(PastLength::None), _) => None,
    };
    args.past = Some(node.past_days.map_or(PastLength::None, PastLength::Days));
    node.clock = match (args.clock, node.clock) {
        (None, clock) => clock,
        (Some(Clock::Real), _) => ClockKind::Real,
        (Some(Clock::Manual), clock @ ClockKind::Manual { .. }) => clock,
        (Some(Clock::Manual), ClockKind::Real) => ClockKind::Manual { start: ClockKind::DEFAULT_START },
    };
    if let Some(time) = &args.start_time {
        let start = loligo_server::parse_time(time)
            .context("--start-time wants a time such as 2026-01-01T00:00:00Z")?;
        match &mut node.clock {
            ClockKind::Real => {
                bail!("--start-time is where a manual clock starts: add --clock manual, or leave it out")
            }
            ClockKind::Manual { start: named } => *named = start,
        }
    }
    if let Some(path) = &args.instruments {
        node.instruments = Instruments::Given(read_listing(path)?);
    }
    let loopback = args.listen.ip().is_loopback() && args.tls_listen.ip().is_loopback();
    if !loopback && node.accounts > 0 && !args.expose_development_keys {
        bail!(
            "others could reach {} and {}, and the keys of the development accounts are known to everyone: \
             add --accounts 0, or --expose-development-keys if that is what you want",
            args.listen,
            args.tls_listen
        );
    }
    node.identity = if loopback { IdentitySource::Seed } else { IdentitySource::Random };
    args.market = Some(if node.market == MarketKind::Live { Market::Live } else { Market::None });
    args.clock = Some(if node.clock == ClockKind::Real { Clock::Real } else { Clock::Manual });
    Ok(ServerConfig {
        node,
        listen: args.listen,
        tls_listen: Some(args.tls_listen),
        rate_limits: args.rate_limits == Switch::On,
        keep_history: args.keep_history,
        tolerance: match args.signatures {
            Signatures::Tolerant => Tolerance::ALL,
            Signatures::Strict => Tolerance::STRICT,
        },
        status_for_read_only_keys: args.status_for_read_only_keys == Switch::On,
        bounds: bounds(args)?,
        allow_origins: args.allow_origin.clone(),
        real_time: RealTime::system(),
        control_token: args.control_token.clone(),
        log: LogConfig {
            mode: match args.log {
                LogWhich::None => LogMode::None,
                LogWhich::Refusals => LogMode::Refusals,
                LogWhich::Requests => LogMode::Requests,
            },
            lines: Some(match args.log_format {
                LogForm::Text => LogFormat::Text,
                LogForm::Json => LogFormat::Json,
            }),
        },
    })
}

/// As many connections as the process may have files open, once it has raised that number as far as it may; feeds as the flags
/// say.
fn bounds(args: &Serve) -> Result<Bounds> {
    let files = rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files cannot be read")?;
    let mut bounds = Bounds::within(files).with_context(|| {
        format!(
            "this process may open only {files} files, and needs {} at least: raise `ulimit -n`",
            Bounds::FEWEST_FILES
        )
    })?;
    bounds.feeds = FeedBounds {
        per_address: args.feed_connections,
        queue_bytes: args.feed_queue,
        delay: args.feed_delay,
        ..bounds.feeds
    };
    Ok(bounds)
}

/// What the exchange itself reports, by `LOLIGO_TRACE` (`warn` without it). No line holds a secret.
fn trace_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LOLIGO_TRACE")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        // When nobody reads standard error any more, the exchange goes on: the alternative is a panic in whoever logs.
        .log_internal_errors(false)
        .try_init();
}
