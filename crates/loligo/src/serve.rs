//! `loligo serve`: starts the exchange, says where it is, and stops it when asked.

use crate::args::{Clock, Log, LogForm, Market, Serve, Signatures, Switch};
use crate::banner;
use anyhow::{Context, Result, bail};
use loligo_server::config::{ClockKind, Config, IdentitySource, Instruments, MarketKind};
use loligo_server::files::write_atomically;
use loligo_server::listing::read_listing;
use loligo_server::node::NodeEnd;
use loligo_server::{
    Bounds, LogConfig, LogFormat, LogMode, RealTime, Server, ServerConfig, StartFile, Tolerance,
};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Where a manual clock starts unless told otherwise.
const START_TIME: &str = "2026-01-01T00:00:00Z";

/// Runs until SIGINT or SIGTERM.
pub(crate) fn run(args: Serve) -> Result<()> {
    trace_to_stderr();
    let config = config(&args)?;
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
            bail!(trouble(&end))
        }
        None => {
            server.stop().await;
            Ok(())
        }
    }
}

/// Why the exchange ended by itself, and what to do.
fn trouble(end: &NodeEnd) -> String {
    match end {
        NodeEnd::Stopped => "the exchange stopped by itself".to_owned(),
        NodeEnd::JournalFailed { reason } => {
            format!("the journal failed, the next start decides what was kept: {reason}")
        }
        NodeEnd::Poisoned { sequence, message } => format!(
            "the engine panics on record {sequence} ({message}); \
             `loligo serve --until {sequence}` opens the exchange as it was before it"
        ),
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

fn config(args: &Serve) -> Result<ServerConfig> {
    let loopback = args.listen.ip().is_loopback() && args.tls_listen.ip().is_loopback();
    if !loopback && args.accounts > 0 && !args.expose_development_keys {
        bail!(
            "others could reach {} and {}, and the keys of the development accounts are known to everyone: \
             add --accounts 0, or --expose-development-keys if that is what you want",
            args.listen,
            args.tls_listen
        );
    }
    let instruments = match &args.instruments {
        None => Instruments::Default,
        Some(path) => Instruments::Given(read_listing(path)?),
    };
    let node = Config {
        data: (!args.ephemeral).then(|| args.data.clone()),
        seed: args.seed,
        accounts: args.accounts,
        balance: loligo_server::parse_balance(&args.balance)
            .context("--balance wants an amount of USD such as 1000000 or 2500.50")?,
        market: match args.market {
            Market::Live => MarketKind::Live,
            Market::None => MarketKind::None,
        },
        clock: match args.clock {
            Clock::Real if args.start_time.is_some() => {
                bail!("--start-time is where a manual clock starts: add --clock manual, or leave it out")
            }
            Clock::Real => ClockKind::Real,
            Clock::Manual => ClockKind::Manual {
                start: loligo_server::parse_time(args.start_time.as_deref().unwrap_or(START_TIME))
                    .context("--start-time wants a time such as 2026-01-01T00:00:00Z")?,
            },
        },
        instruments,
        identity: if loopback { IdentitySource::Seed } else { IdentitySource::Random },
        until: args.until,
    };
    Ok(ServerConfig {
        node,
        listen: args.listen,
        tls_listen: Some(args.tls_listen),
        rate_limits: args.rate_limits == Switch::On,
        tolerance: match args.signatures {
            Signatures::Tolerant => Tolerance::ALL,
            Signatures::Strict => Tolerance::STRICT,
        },
        bounds: bounds()?,
        allow_origins: args.allow_origin.clone(),
        real_time: RealTime::system(),
        control_token: args.control_token.clone(),
        log: LogConfig {
            mode: match args.log {
                Log::None => LogMode::None,
                Log::Refusals => LogMode::Refusals,
                Log::Requests => LogMode::Requests,
            },
            lines: Some(match args.log_format {
                LogForm::Text => LogFormat::Text,
                LogForm::Json => LogFormat::Json,
            }),
        },
    })
}

/// As many connections as the process may have files open, once it has raised that number as far as it may.
fn bounds() -> Result<Bounds> {
    let files = rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files cannot be read")?;
    Bounds::within(files).with_context(|| {
        format!(
            "this process may open only {files} files, and needs {} at least: raise `ulimit -n`",
            Bounds::FEWEST_FILES
        )
    })
}

/// What the exchange itself reports, by `LOLIGO_TRACE` (`warn` without it). No line holds a secret.
fn trace_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LOLIGO_TRACE")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
