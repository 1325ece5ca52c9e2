//! The command line. Each flag is also an environment variable.

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use loligo_server::config::{KeepJournal, PastLength};
use loligo_server::{FEED_DELAY_MAX, FEED_QUEUE_BYTES, FeedBounds, Origin};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How a process ends, for scripts.
const EXIT_CODES: &str = "Exit codes: 0 done, or stopped when told to; 1 refused, the message says why; 2 arguments that make no \
sense; 3 the journal failed; 4 the engine panicked on a record; 5 the exchange failed in its own code; 6 a secret that this \
folder cannot open.";

/// A self-hosted derivatives exchange that speaks the Kraken Futures API.
#[derive(Debug, Parser)]
#[command(name = "loligo", version, about, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Without a command: serve.
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the exchange (also what `loligo` alone does).
    Serve(Box<Serve>),
    /// Ask a running exchange whether it is well; exit code 0 if it is.
    Health(Health),
    /// Check the journal of a stopped exchange: every record, every hash, every invariant.
    Verify(Folder),
    /// Apply the journal of a stopped exchange from its beginning and print the hashes it comes to.
    Replay(Folder),
    /// Leave a snapshot of the last record in the folder of a stopped exchange, as a clean stop does.
    Snapshot(Folder),
    /// Show branches and records of a stopped exchange, damaged or not; changes nothing.
    Log(ShowLog),
}

#[derive(Clone, Debug, Args)]
#[command(after_help = BESIDE)]
pub(crate) struct Serve {
    /// Where to listen for http and ws; port 0 picks a free one.
    #[arg(long, env = "LOLIGO_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where to listen for https and wss; port 0 picks a free one.
    #[arg(long, env = "LOLIGO_TLS_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub(crate) tls_listen: SocketAddr,
    /// The folder that everything is kept in.
    #[arg(long, env = "LOLIGO_DATA", value_name = "DIR", default_value = "./loligo-data")]
    pub(crate) data: PathBuf,
    /// Keep everything in memory only.
    #[arg(long, env = "LOLIGO_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub(crate) ephemeral: bool,
    /// Source of development keys, order ids and the live market [default: the folder's, or 1].
    #[arg(long, env = "LOLIGO_SEED", value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many funded accounts there are from the start [default: the folder's, or 10].
    #[arg(long, env = "LOLIGO_ACCOUNTS", value_name = "N")]
    pub(crate) accounts: Option<u32>,
    /// What each of them holds, in USD [default: the folder's, or 1000000].
    #[arg(long, env = "LOLIGO_BALANCE", value_name = "USD")]
    pub(crate) balance: Option<String>,
    /// Who trades without being asked: the house's makers and takers, or nobody [default: the folder's, or live].
    #[arg(long, env = "LOLIGO_MARKET", value_name = "KIND")]
    pub(crate) market: Option<Market>,
    /// How long a past is made up for a new exchange with a live market, for strategies to warm up on: days such as 30d, or
    /// none [default: the folder's, or 30d].
    #[arg(long, env = "LOLIGO_PAST", value_name = "DAYS|none")]
    pub(crate) past: Option<PastLength>,
    /// Where exchange time comes from: the machine's clock, or moves by hand over the control surface [default: the
    /// folder's, or real].
    #[arg(long, env = "LOLIGO_CLOCK", value_name = "KIND")]
    pub(crate) clock: Option<Clock>,
    /// Where a manual clock starts [default: the folder's, or 2026-01-01T00:00:00Z].
    #[arg(long, env = "LOLIGO_START_TIME", value_name = "TIME")]
    pub(crate) start_time: Option<String>,
    /// Write addresses, the control token and the keys to this file once ready for requests.
    #[arg(long, env = "LOLIGO_CONFIG_OUT", value_name = "FILE")]
    pub(crate) config_out: Option<PathBuf>,
    /// Whether accounts may spend only so many requests in ten seconds.
    #[arg(long, env = "LOLIGO_RATE_LIMITS", value_name = "SWITCH", default_value = "on")]
    pub(crate) rate_limits: Switch,
    /// Which signatures are accepted: the published rule alone, or also those that some clients in use make.
    #[arg(long, env = "LOLIGO_SIGNATURES", value_name = "KIND", default_value = "tolerant")]
    pub(crate) signatures: Signatures,
    /// Whether read-only keys may ask for the status of orders, too (/orders/status); without it that takes a key that may
    /// trade.
    #[arg(long, env = "LOLIGO_STATUS_FOR_READ_ONLY_KEYS", value_name = "SWITCH", default_value = "off")]
    pub(crate) status_for_read_only_keys: Switch,
    /// List the contracts of this file instead of the default ones [default: the folder's].
    #[arg(long, env = "LOLIGO_INSTRUMENTS", value_name = "FILE")]
    pub(crate) instruments: Option<PathBuf>,
    /// Open the exchange as it was before this record of its journal, as a new branch. On the command line alone, since
    /// each start that names it leaves records behind; `loligo log` finds the place.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) until: Option<u64>,
    /// How much of the journal to keep: all of it, or what came in so many days of the exchange's time and since the second
    /// newest snapshot. What is older is pruned: replay, verify and --until begin after it.
    #[arg(long, env = "LOLIGO_KEEP_JOURNAL", value_name = "all|DAYS", default_value = "7")]
    pub(crate) keep_journal: KeepJournal,
    /// For how many days of the exchange's time history keeps what happened to orders and marks of markets; trades of markets
    /// are kept for 30, or as long. What happened to accounts is kept for ever.
    #[arg(long, env = "LOLIGO_KEEP_HISTORY", value_name = "DAYS", default_value_t = loligo_server::KEEP_HISTORY,
        value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) keep_history: u32,
    /// Tell accounts on their private feeds what happens to them so much later than it happened, such as 20ms, up to 1s: for
    /// clients whose own bookkeeping is slower than the feeds. Answers and public feeds come at once.
    #[arg(long, env = "LOLIGO_FEED_DELAY", value_name = "TIME", default_value = "0ms", value_parser = feed_delay)]
    pub(crate) feed_delay: Duration,
    /// How many WebSocket connections one address may have; more are answered 429.
    #[arg(long, env = "LOLIGO_FEED_CONNECTIONS", value_name = "N", default_value_t = FeedBounds::default().per_address,
        value_parser = connections)]
    pub(crate) feed_connections: usize,
    /// How much memory may wait for a WebSocket connection whose client does not read, such as 512KiB or 16MiB; with more it is
    /// closed (1008). GET /loligo/v1/sockets tells how much does.
    #[arg(long, env = "LOLIGO_FEED_QUEUE", value_name = "SIZE", default_value = "16MiB", value_parser = feed_queue)]
    pub(crate) feed_queue: usize,
    /// Remove the folder's exchange and begin a new one. Asks first, on the terminal.
    #[arg(long, conflicts_with_all = ["until", "ephemeral"])]
    pub(crate) reset: bool,
    /// Do not ask before a reset.
    #[arg(long, requires = "reset")]
    pub(crate) yes: bool,
    /// Let web pages of this origin, such as http://localhost:3000, open WebSockets and ask the control surface; may be
    /// given several times, in the environment with commas between.
    #[arg(long, env = "LOLIGO_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub(crate) allow_origin: Vec<Origin>,
    /// The token that the control surface asks for: at least 16 characters; a new one at each start unless given.
    #[arg(long, env = "LOLIGO_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) control_token: Option<String>,
    /// Which requests have a line on standard error: none, those that were refused, each with the reason, or all. The last
    /// 1,000 are at GET /loligo/v1/requests.
    #[arg(long, env = "LOLIGO_LOG", value_name = "WHICH", default_value = "refusals")]
    pub(crate) log: LogWhich,
    /// How those lines are written: for people, or as one JSON object each.
    #[arg(long, env = "LOLIGO_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogForm,
    /// Let the well-known development keys trade on addresses that others can reach.
    #[arg(long, env = "LOLIGO_EXPOSE_DEVELOPMENT_KEYS", value_parser = FalseyValueParser::new())]
    pub(crate) expose_development_keys: bool,
}

/// Reads a delay of the private feeds.
fn feed_delay(text: &str) -> Result<Duration, String> {
    let number = |digits: &str| digits.parse::<u32>().ok().map(u64::from);
    let milliseconds = text.strip_suffix("ms").and_then(number).map(Duration::from_millis);
    let delay = milliseconds.or_else(|| text.strip_suffix('s').and_then(number).map(Duration::from_secs));
    match delay {
        Some(delay) if delay <= FEED_DELAY_MAX => Ok(delay),
        Some(_) => Err(format!("at most {}s", FEED_DELAY_MAX.as_secs())),
        None => Err("a time such as 20ms or 1s".to_owned()),
    }
}

/// Reads how many connections an address may have.
fn connections(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "a number from 1 on".to_owned())
}

/// Reads how much may wait for a connection.
fn feed_queue(text: &str) -> Result<usize, String> {
    const KIB: usize = 1024;
    let of = |unit, bytes| text.strip_suffix(unit).map(|digits| (digits, bytes));
    let (digits, unit) = of("KiB", KIB).or_else(|| of("MiB", KIB * KIB)).unwrap_or((text, 1));
    let bytes = digits.parse::<usize>().ok().and_then(|count| count.checked_mul(unit));
    match bytes {
        Some(bytes) if FEED_QUEUE_BYTES.contains(&bytes) => Ok(bytes),
        Some(_) => Err(format!(
            "from {}KiB to {}MiB",
            FEED_QUEUE_BYTES.start() / KIB,
            FEED_QUEUE_BYTES.end() / KIB / KIB
        )),
        None => Err("a size such as 512KiB or 16MiB".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogWhich {
    None,
    Refusals,
    Requests,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    Text,
    Json,
}

/// What is no flag, for the end of the help.
const BESIDE: &str = "LOLIGO_TRACE: what the exchange itself reports on standard error, as a filter such as debug or \
                      loligo_server=info [default: warn]";

#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Where the exchange listens for http: an address, or a URL as in the start file.
    #[arg(env = "LOLIGO_LISTEN", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
}

#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// The exchange's data folder.
    #[arg(value_name = "DIR")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ShowLog {
    /// The exchange's data folder.
    #[arg(value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Show the history of this branch [default: the one that counts].
    #[arg(long, value_name = "B")]
    pub(crate) branch: Option<u64>,
    /// Show records from this one on [default: the last ones].
    #[arg(long, value_name = "N")]
    pub(crate) from: Option<u64>,
    /// How many records to show.
    #[arg(long, value_name = "K", default_value_t = 20)]
    pub(crate) count: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Market {
    Live,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    Real,
    Manual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Signatures {
    Tolerant,
    Strict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}
