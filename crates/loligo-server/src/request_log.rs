//! The log of requests: why each refused one was refused, in plain words, for the person whose bot hears a bare word.
//!
//! ```text
//! dialect: a refusal and what it already knows -> bounded queue -> one thread: works out the reason -> line, and the
//!                                                                                last thousand
//! ```
//!
//! The dialect only copies what came and goes on. The thread gathers for a moment first, so that answers are on their way
//! before anything is worked out about them. It holds no secret and no signature in what it keeps or writes.

mod entry;

pub(crate) use entry::{Answered, Entry, Refusal, TEXT_BYTES, UNDECIDED, text};

use crate::node::NodeHandle;
use crate::projection::Directory;
use crate::report::time_text;
use loligo_engine::{AccountId, Exchange};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Requests that are kept to be asked for.
const ROWS: usize = 1_000;
/// Requests that may wait for their reason; what comes beyond is counted and no more.
const WAITING: usize = 1_000;
/// Bytes of those; beyond, a request waits without its arguments.
const WAITING_BYTES: usize = 4 * 1024 * 1024;
/// Lines of one second; the rest of it is one line with their number.
const LINES: u32 = 20;
/// Reasons that are worked out in one second: at most a few hundredths of a core. The rest is kept without one.
const REASONS: u32 = 200;
/// What the lines and reasons of one second are counted in.
const SECOND: Duration = Duration::from_secs(1);
/// How long the thread gathers before it works.
const GATHER: Duration = Duration::from_millis(10);

/// Which requests are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogMode {
    /// None.
    None,
    /// Those that were refused.
    Refusals,
    /// All.
    Requests,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Which requests are told.
    pub mode: LogMode,
    /// How lines are written to standard error; none are when absent.
    pub lines: Option<LogFormat>,
}

/// One request with its reason, as it is shown. No member holds a secret or a signature.
#[derive(Debug)]
struct Row {
    time: String,
    account: Option<String>,
    method: String,
    path: String,
    status: u16,
    outcome: String,
    reason: String,
}

impl Row {
    fn json(&self) -> Value {
        let Self { time, account, method, path, status, outcome, reason } = self;
        json!({
            "time": time,
            "account": account,
            "method": method,
            "path": path,
            "status": (*status != 0).then_some(status),
            "outcome": outcome,
            "reason": reason,
        })
    }

    fn line(&self, format: LogFormat) -> String {
        match format {
            LogFormat::Json => self.json().to_string(),
            LogFormat::Text => {
                let Self { time, account, method, path, outcome, reason, .. } = self;
                let account = account.as_deref().unwrap_or("-");
                let mut line = format!("{time} {account} {method} {path}: {outcome}");
                if !reason.is_empty() {
                    let _ = write!(line, ": {reason}");
                }
                line
            }
        }
    }
}

/// What is asked back of the thread: the last requests, oldest first, and how many were passed over since the start.
type Asked = oneshot::Sender<(Vec<Value>, u64)>;

#[derive(Default)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Requests that found no room since the thread last looked.
    passed_over: u64,
    asked: Vec<Asked>,
    stopped: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Every step leaves the queue whole, so what a panicking request left behind can be used.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log's two ends: requests in, the last of them out.
pub(crate) struct RequestLog {
    mode: LogMode,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl RequestLog {
    /// Starts the log's thread, unless nothing is told. To be called within the runtime that the node runs on.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(crate) fn start(config: LogConfig, node: NodeHandle) -> std::io::Result<Arc<Self>> {
        let shared = Arc::new(Shared::default());
        let thread = match config.mode {
            LogMode::None => None,
            LogMode::Refusals | LogMode::Requests => {
                let asker = Asker { node, runtime: tokio::runtime::Handle::current() };
                let mut writer = Writer::new(Arc::clone(&shared), asker, config.lines);
                let thread = std::thread::Builder::new().name("loligo-log".to_owned());
                Some(thread.spawn(move || writer.run())?)
            }
        };
        Ok(Arc::new(Self { mode: config.mode, shared, thread: Mutex::new(thread) }))
    }

    /// Whether refused requests are told.
    pub(crate) fn tells_refusals(&self) -> bool {
        self.mode != LogMode::None
    }

    /// Whether requests that were carried out are told, too.
    pub(crate) fn tells_all(&self) -> bool {
        self.mode == LogMode::Requests
    }

    /// Takes a request, if there is room. Nobody waits.
    pub(crate) fn take(&self, mut entry: Entry) {
        let mut queue = self.shared.lock();
        if queue.stopped {
            return;
        }
        if queue.entries.len() >= WAITING {
            queue.passed_over += 1;
            return;
        }
        if queue.bytes + entry.bytes() > WAITING_BYTES {
            entry.forget();
        }
        queue.bytes += entry.bytes();
        queue.entries.push_back(entry);
        // The thread is woken once, and then finds what has come meanwhile.
        let first = queue.entries.len() == 1;
        drop(queue);
        if first {
            self.shared.changed.notify_one();
        }
    }

    /// The last requests with their reasons, every one included that was answered before this was asked.
    pub(crate) async fn shown(&self) -> Value {
        let (rows, passed_over) = self.rows().await.unwrap_or_default();
        let log = match self.mode {
            LogMode::None => "none",
            LogMode::Refusals => "refusals",
            LogMode::Requests => "requests",
        };
        json!({ "log": log, "requests": rows, "passed_over": passed_over })
    }

    async fn rows(&self) -> Option<(Vec<Value>, u64)> {
        if !self.tells_refusals() {
            return None;
        }
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.lock();
            if queue.stopped {
                return None;
            }
            queue.asked.push(reply);
        }
        self.shared.changed.notify_one();
        answer.await.ok()
    }

    /// Writes what waits and ends the thread.
    pub(crate) fn stop(&self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // One that panicked has nothing left to write.
            let _ = thread.join();
        }
    }
}

/// What reasons are found with: the exchange, as it is now.
pub(crate) struct Asker {
    pub(crate) node: NodeHandle,
    runtime: tokio::runtime::Handle,
}

impl Asker {
    /// Asks the exchange itself.
    pub(crate) fn ask<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&Exchange) -> R + Send + 'static,
    ) -> Option<R> {
        self.runtime.block_on(self.node.query(ask)).ok()
    }

    /// Whose key a request names.
    fn account_of(&self, entry: &Entry) -> Option<String> {
        let directory = self.node.views().directory();
        let account = directory.key(&entry.api_key)?.account;
        Some(name_of(&directory, account))
    }
}

/// An account's name for people, or its uid.
pub(crate) fn name_of(directory: &Directory, account: AccountId) -> String {
    match directory.account(account) {
        Some(entry) => match &entry.name {
            Some(name) => name.to_string(),
            None => entry.uid.to_string(),
        },
        None => "nobody".to_owned(),
    }
}

/// The thread's side.
struct Writer {
    shared: Arc<Shared>,
    asker: Asker,
    lines: Option<LogFormat>,
    rows: VecDeque<Row>,
    passed_over: u64,
    /// When the present second began, and what it has used up.
    second: Instant,
    written: u32,
    explained: u32,
    /// Requests of this second that have no line of their own.
    more: u64,
}

impl Writer {
    fn new(shared: Arc<Shared>, asker: Asker, lines: Option<LogFormat>) -> Self {
        Self {
            shared,
            asker,
            lines,
            rows: VecDeque::new(),
            passed_over: 0,
            second: Instant::now(),
            written: 0,
            explained: 0,
            more: 0,
        }
    }

    fn run(&mut self) {
        loop {
            let (entries, passed_over, asked, stopped) = self.wait();
            for entry in entries {
                self.turn_second();
                let row = self.row(&entry);
                self.tell(&row);
                if self.rows.len() == ROWS {
                    self.rows.pop_front();
                }
                self.rows.push_back(row);
            }
            self.turn_second();
            self.passed_over += passed_over;
            self.more += passed_over;
            for asked in asked {
                // Who asked may have gone away.
                let _ = asked.send((self.rows.iter().map(Row::json).collect(), self.passed_over));
            }
            if stopped {
                self.tell_more();
                return;
            }
        }
    }

    /// What has come, once something has, or once a second is over whose rest has not been told.
    fn wait(&self) -> (VecDeque<Entry>, u64, Vec<Asked>, bool) {
        let mut queue = self.shared.lock();
        loop {
            let urgent = |queue: &Queue| queue.stopped || !queue.asked.is_empty();
            if !urgent(&queue) && !queue.entries.is_empty() {
                let waited = self.shared.changed.wait_timeout_while(queue, GATHER, |queue| !urgent(queue));
                queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let over = self.more > 0 && self.second.elapsed() >= SECOND;
            if urgent(&queue) || !queue.entries.is_empty() || over {
                queue.bytes = 0;
                let entries = std::mem::take(&mut queue.entries);
                let passed_over = std::mem::take(&mut queue.passed_over);
                return (entries, passed_over, std::mem::take(&mut queue.asked), queue.stopped);
            }
            queue = if self.more > 0 {
                let left = SECOND.saturating_sub(self.second.elapsed());
                self.shared.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
            } else {
                self.shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner)
            };
        }
    }

    fn row(&mut self, entry: &Entry) -> Row {
        let reason = if !entry.is_refusal() {
            String::new()
        } else if self.explained < REASONS {
            self.explained += 1;
            entry.reason(&self.asker)
        } else {
            format!("more than {REASONS} were refused within a second: this one was not looked into")
        };
        Row {
            time: time_text(entry.time),
            account: self.asker.account_of(entry),
            method: entry.method.to_string(),
            path: entry.path.clone(),
            status: entry.status,
            outcome: entry.outcome(),
            reason,
        }
    }

    fn turn_second(&mut self) {
        if self.second.elapsed() >= SECOND {
            self.tell_more();
            (self.second, self.written, self.explained) = (Instant::now(), 0, 0);
        }
    }

    fn tell(&mut self, row: &Row) {
        let Some(format) = self.lines else { return };
        if self.written < LINES {
            self.written += 1;
            write_line(&row.line(format));
        } else {
            self.more += 1;
        }
    }

    /// One line for all that had none.
    fn tell_more(&mut self) {
        let more = std::mem::take(&mut self.more);
        let Some(format) = self.lines.filter(|_| more > 0) else { return };
        write_line(&match format {
            LogFormat::Json => json!({ "more": more, "shown_at": "GET /loligo/v1/requests" }).to_string(),
            LogFormat::Text => {
                format!(
                    "{more} more requests within this second; GET /loligo/v1/requests has the last {ROWS}"
                )
            }
        });
    }
}

/// A line for the operator. One that cannot be written is nobody's loss but the operator's.
fn write_line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests;
