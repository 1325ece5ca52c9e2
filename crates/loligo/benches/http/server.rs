//! The processes that are measured.

use crate::load::{Connection, Request};
use loligo_server::ServerConfig;
use loligo_wire::sign::SigningKey;
use serde_json::Value;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Which server to start.
pub enum Start {
    /// The exchange, in memory or in a folder.
    Exchange { durable: bool },
    /// The same doors and checks, then an answer that costs nothing.
    Floor,
}

impl Start {
    pub fn ephemeral() -> Self {
        Start::Exchange { durable: false }
    }

    pub fn durable() -> Self {
        Start::Exchange { durable: true }
    }
}

/// What the floor's process does: serves until it is killed.
pub fn serve_floor() {
    let out = std::env::args().skip_while(|word| word != "--config-out").nth(1).expect("--config-out FILE");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
        let server = loligo_server::Server::start_floor(config).await.expect("a floor that starts");
        let text = serde_json::to_vec(&server.start_file()).expect("JSON");
        loligo_server::files::write_atomically(std::path::Path::new(&out), &text, true)
            .expect("a start file");
        std::future::pending::<()>().await;
    });
}

/// A running server; dropping it ends the process.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub ready_after: Duration,
    keys: Vec<(String, SigningKey)>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub fn start(start: &Start) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder under target");
        let config = folder.path().join("config.json");
        let mut command = match start {
            Start::Exchange { durable } => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_loligo"));
                command.args(["serve", "--market", "none", "--rate-limits", "off"]);
                command.args(["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]);
                if *durable {
                    command.arg("--data").arg(folder.path().join("data"));
                } else {
                    command.arg("--ephemeral");
                }
                command
            }
            Start::Floor => {
                let mut command = Command::new(std::env::current_exe().expect("this program"));
                command.arg("--floor");
                command
            }
        };
        let started = Instant::now();
        let child = command
            .arg("--config-out")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a server that starts");
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ready_after: Duration::ZERO,
            keys: Vec::new(),
            _folder: folder,
        };
        // The file appears, complete, once the server is ready.
        while !config.exists() {
            if let Some(status) = server.child.try_wait().expect("a child of ours") {
                panic!("the server ended at its start: {status}");
            }
            assert!(started.elapsed() < Duration::from_secs(60), "the server is not ready after a minute");
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready_after = started.elapsed();
        let text = std::fs::read_to_string(&config).expect("the start file");
        let config: Value = serde_json::from_str(&text).expect("JSON");
        let http = config["http"].as_str().and_then(|url| url.strip_prefix("http://"));
        server.address = http.and_then(|address| address.parse().ok()).expect("an address");
        for account in config["accounts"].as_array().expect("accounts") {
            let text = |name: &str| account[name].as_str().expect("a key").to_owned();
            let secret = SigningKey::from_base64_secret(&text("api_secret")).expect("a secret");
            server.keys.push((text("api_key"), secret));
        }
        server
    }

    /// User and system time of the process so far.
    pub fn cpu(&self) -> Duration {
        cpu(self.child.id())
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// A question that anyone may ask.
    pub fn public(&self, path: &str) -> Request {
        Arc::from(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).into_bytes())
    }

    /// A POST with its arguments in the body, signed by the first account.
    pub fn signed(&self, path: &str, body: &str) -> Request {
        self.signed_by(0, path, body)
    }

    fn signed_by(&self, account: usize, path: &str, body: &str) -> Request {
        let (key, signing) = &self.keys[account % self.keys.len()];
        let authent = signing.authent(body.as_bytes(), "", loligo_wire::sign::endpoint_path(path));
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAPIKey: {key}\r\nAuthent: {authent}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        Arc::from(request.into_bytes())
    }

    /// A feed's request for a challenge, by the first account.
    pub fn ask_challenge(&self) -> String {
        serde_json::json!({"event": "challenge", "api_key": self.keys[0].0}).to_string()
    }

    /// The request to follow a feed of the first account, which has signed this challenge.
    pub fn subscribe_signed(&self, feed: &str, challenge: &str) -> String {
        let (key, signing) = &self.keys[0];
        serde_json::json!({
            "event": "subscribe",
            "feed": feed,
            "api_key": key,
            "original_challenge": challenge,
            "signed_challenge": signing.sign_challenge(challenge).to_base64(),
        })
        .to_string()
    }

    /// Orders that meet each other: a buy of one account, a sell of the next, so that the book stays small. Each has a
    /// client id of its own.
    pub fn orders(&self, round: usize, count: usize) -> Vec<Request> {
        (0..count)
            .map(|at| {
                let side = if at % 2 == 0 { "buy" } else { "sell" };
                let body = format!(
                    "orderType=lmt&symbol=PF_XBTUSD&side={side}&size=0.001&limitPrice=80000&cliOrdId=bench-{round}-{count}-{at}"
                );
                self.signed_by(at % 2, "/derivatives/api/v3/sendorder", &body)
            })
            .collect()
    }

    /// Places so many orders that rest; their ids.
    pub fn place_resting(&self, count: usize) -> Vec<String> {
        let mut connection = Connection::open(self.address);
        (0..count)
            .map(|at| {
                let body = format!(
                    "orderType=lmt&symbol=PF_XBTUSD&side=buy&size=0.001&limitPrice={}&cliOrdId=resting-{at}",
                    70_000 + at
                );
                let request = self.signed("/derivatives/api/v3/sendorder", &body);
                let answer: Value = serde_json::from_slice(connection.exchange(&request)).expect("JSON");
                answer["sendStatus"]["order_id"].as_str().expect("an order id").to_owned()
            })
            .collect()
    }
}

/// User and system time of a process of ours so far.
pub fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process of ours");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().expect("ticks")).sum();
    // A tick is a hundredth of a second on every Linux that tells its times in /proc.
    Duration::from_millis(ticks * 10)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
