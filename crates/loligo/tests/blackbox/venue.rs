//! A running exchange as its operator sees it: a process, a data folder, a start file, a control surface.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Client;
use crate::http::{Connection, Response};

/// Well beyond what a start takes on a busy machine; reaching it is a failure.
const START_TIME_MAX: Duration = Duration::from_secs(60);

/// A clean exit is quick: it has nothing to wait for.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);

/// An instruments file of one contract.
pub const INSTRUMENTS: &str = r#"
[indexes]
"LOW:USD" = "5.00"

[[instruments]]
symbol = "PF_LOWUSD"
kind = "linear"
pair = "LOW:USD"
base = "LOW"
tick_size = "0.01"
lot_precision = 0
max_position_size = 1000000
impact_mid_size = 1000
margin_levels = [{ from = 0, initial = "0.02" }]
"#;

/// The flags that most tests start with: no market of its own, time standing still, everything on free ports.
pub const QUIET: [&str; 4] = ["--market", "none", "--clock", "manual"];

/// A folder of the test's own, with room for the data of one exchange.
pub struct Home {
    folder: TempDir,
    /// What the exchange finds in its environment beside what everyone does.
    environment: Vec<(&'static str, PathBuf)>,
}

impl Home {
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("loligo-test-").expect("a temporary folder");
        Self { folder, environment: Vec::new() }
    }

    /// A file of the test's own, and a name in the exchange's environment that tells where it is.
    pub fn tell(&mut self, name: &'static str, file: &str) -> PathBuf {
        let path = self.folder.path().join(file);
        self.environment.push((name, path.clone()));
        path
    }

    /// Where the exchange keeps its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Another home with a copy of the data here, to be damaged.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        self.copy_to(&copy);
        copy
    }

    /// Copies the data here to a home that has none yet.
    pub fn copy_to(&self, other: &Self) {
        copy_folder(&self.data(), &other.data());
    }

    /// Where the start file will be.
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("config.json")
    }

    /// The command line of an exchange that lives here.
    pub fn serve(&self, flags: &[&str]) -> Command {
        let _ = fs::remove_file(self.config_file());
        let mut command = loligo(self.folder.path());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"])
            .arg("--data")
            .arg(self.data())
            .arg("--config-out")
            .arg(self.config_file())
            .envs(self.environment.iter().map(|(name, path)| (name, path)))
            .args(flags);
        command
    }

    /// Runs another command of the binary on the data here, such as `verify`, to its end.
    pub fn run(&self, command: &str) -> Finished {
        self.run_with(command, &[])
    }

    /// The same with arguments.
    pub fn run_with(&self, command: &str, arguments: &[&str]) -> Finished {
        let mut loligo = loligo(self.folder.path());
        let output = loligo.arg(command).arg(self.data()).args(arguments).output().expect("the binary runs");
        Finished::of(output)
    }

    /// Starts what a message told its reader to type, as a shell understands it. Only ports and start file are this test's
    /// own.
    pub fn follow(&self, message: &str) -> Started {
        let command = command_in(message);
        let _ = fs::remove_file(self.config_file());
        let binary = Path::new(env!("CARGO_BIN_EXE_loligo")).parent().expect("a folder of binaries");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = without_settings(Command::new("sh"), self.folder.path());
        shell.arg("-c").arg(format!("exec {command}"));
        shell.env("PATH", format!("{}:{path}", binary.display()));
        shell.env("LOLIGO_LISTEN", "127.0.0.1:0").env("LOLIGO_TLS_LISTEN", "127.0.0.1:0");
        shell.env("LOLIGO_CONFIG_OUT", self.config_file());
        Started::of(self, shell)
    }

    /// Starts an exchange that is expected to refuse, and waits for its end.
    pub fn refused(&self, flags: &[&str]) -> Finished {
        let started = Started::new(self, flags);
        let config_file = self.config_file();
        let finished = started.finish_unless(|| {
            assert!(!config_file.exists(), "it was to refuse {flags:?}, and serves");
        });
        assert!(!config_file.exists(), "it refused {flags:?}, and left a start file");
        finished
    }

    /// Starts an exchange and waits until it is ready.
    pub fn start(&self, flags: &[&str]) -> Venue {
        let started = Started::new(self, flags);
        started.ready()
    }

    /// Starts an exchange under a limit of the shell's, such as `ulimit -n 256`.
    pub fn start_under(&self, limit: &str, flags: &[&str]) -> Venue {
        Started::of(self, within(limit, &self.serve(flags))).ready()
    }

    /// Runs an exchange under a limit that it is expected to refuse.
    pub fn refused_under(&self, limit: &str, flags: &[&str]) -> Finished {
        let output = within(limit, &self.serve(flags)).output().expect("a shell");
        Finished {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts an exchange and does not wait for anything.
    pub fn launch(&self, flags: &[&str]) -> Started {
        Started::new(self, flags)
    }
}

/// A command, run by a shell that sets a limit before.
fn within(limit: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{limit} && exec \"$0\" \"$@\"")).arg(command.get_program());
    shell.args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// The binary, without the settings of the person who runs the tests.
pub fn loligo(folder: &Path) -> Command {
    without_settings(Command::new(env!("CARGO_BIN_EXE_loligo")), folder)
}

/// A command in a folder, without the settings of the person who runs the tests.
pub fn without_settings(mut command: Command, folder: &Path) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOLIGO_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

/// The command that a message of the binary names in backticks.
pub fn command_in(message: &str) -> &str {
    let said = message.lines().find_map(|line| line.strip_prefix("loligo: ")).unwrap_or_default();
    said.split('`').nth(1).unwrap_or_else(|| panic!("no command is named: {message}"))
}

/// Says that a test cannot be carried out on this machine, and why. The suite names a file for it, and counts what is in
/// there as skipped; without the suite it is told on standard error.
#[allow(clippy::print_stderr, reason = "whoever runs the test alone should hear of it")]
pub fn skip(test: &str, why: &str) {
    use std::io::Write as _;
    let Some(file) = std::env::var_os("LOLIGO_TEST_SKIPS") else {
        eprintln!("skipped: {test}: {why}");
        return;
    };
    let mut file = File::options().append(true).open(file).expect("the suite made the file");
    file.write_all(format!("{test}: {why}\n").as_bytes()).expect("written");
}

/// How a process ended and what it said.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The end of a process that was waited for.
    pub fn of(output: Output) -> Self {
        Self {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Everything it said.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// A process that may not be ready yet.
pub struct Started {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    config_file: PathBuf,
}

impl Started {
    fn new(home: &Home, flags: &[&str]) -> Self {
        Self::of(home, home.serve(flags))
    }

    /// A command that starts an exchange in this home, as [`Home::serve`] makes it.
    pub fn of(home: &Home, mut command: Command) -> Self {
        let stdout = home.folder.path().join("stdout.txt");
        let stderr = home.folder.path().join("stderr.txt");
        command.stdout(File::create(&stdout).expect("a file for output"));
        command.stderr(File::create(&stderr).expect("a file for messages"));
        let child = command.spawn().expect("the binary starts");
        Self { child, stdout, stderr, config_file: home.config_file() }
    }

    /// Waits until the start file is there, which is the sign that requests are answered.
    pub fn ready(mut self) -> Venue {
        let deadline = Instant::now() + START_TIME_MAX;
        while !self.config_file.exists() {
            if let Some(status) = self.child.try_wait().expect("the process's state") {
                panic!("the exchange ended at its start, {status}:\n{}", self.said());
            }
            assert!(Instant::now() < deadline, "not ready in {START_TIME_MAX:?}:\n{}", self.said());
            pause();
        }
        let config = fs::read(&self.config_file).expect("the start file");
        let config: Value = serde_json::from_slice(&config).expect("the start file is JSON");
        let control = Connection::open(text(&config["http"])).expect("the exchange listens");
        Venue { process: self, config, control }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `seen`, on the way of the start.
    pub fn wait_for(&mut self, what: &str, seen: impl Fn() -> bool) {
        let deadline = Instant::now() + START_TIME_MAX;
        while !seen() {
            if let Some(status) = self.child.try_wait().expect("the process's state") {
                panic!("the exchange ended before {what}, {status}:\n{}", self.said());
            }
            assert!(Instant::now() < deadline, "{what}: not in {START_TIME_MAX:?}:\n{}", self.said());
        }
    }

    /// Waits for the end of a process that is about to end by itself.
    pub fn finish(self) -> Finished {
        self.finish_unless(|| ())
    }

    fn finish_unless(mut self, check: impl Fn()) -> Finished {
        let deadline = Instant::now() + START_TIME_MAX;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the process's state") {
                break status;
            }
            check();
            assert!(Instant::now() < deadline, "still running after {START_TIME_MAX:?}:\n{}", self.said());
            pause();
        };
        Finished { status, stdout: read(&self.stdout), stderr: read(&self.stderr) }
    }

    /// SIGKILL: the process gets no chance to say or save anything.
    pub fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    pub fn said(&self) -> String {
        format!("{}{}", read(&self.stdout), read(&self.stderr))
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that failed leaves nothing running behind it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An exchange that answers requests.
pub struct Venue {
    process: Started,
    /// The start file.
    pub config: Value,
    control: Connection,
}

impl Venue {
    pub fn http(&self) -> &str {
        text(&self.config["http"])
    }

    /// What it has printed, on both streams, once it has printed `awaited`: the screen comes after the start file.
    pub fn screen(&self, awaited: &str) -> String {
        let deadline = Instant::now() + START_TIME_MAX;
        loop {
            let said = self.process.said();
            if said.contains(awaited) {
                return said;
            }
            assert!(Instant::now() < deadline, "{awaited:?} is not on the screen:\n{said}");
            pause();
        }
    }

    /// A client of the nth development account.
    pub fn client(&self, index: usize) -> Client {
        self.client_of(&self.config["accounts"][index])
    }

    /// A client of an account, as the start file and the control surface describe one.
    pub fn client_of(&self, account: &Value) -> Client {
        Client::new(self.http(), text(&account["api_key"]), text(&account["api_secret"]))
    }

    /// A client without keys.
    pub fn visitor(&self) -> Client {
        Client::new(self.http(), "", "")
    }

    /// One control verb; it must succeed.
    pub fn control(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let response = self.try_control(method, path, body);
        assert_eq!(response.status, 200, "{method} {path}: {}", response.text());
        serde_json::from_slice(&response.body).unwrap_or(Value::Null)
    }

    /// One control verb, whatever comes of it.
    pub fn try_control(&mut self, method: &str, path: &str, body: &Value) -> Response {
        self.send_control(method, path, body).expect("the control surface answers")
    }

    /// One control verb that may end the process.
    pub fn send_control(&mut self, method: &str, path: &str, body: &Value) -> std::io::Result<Response> {
        let bearer = format!("Bearer {}", text(&self.config["control_token"]));
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { None } else { Some(body.to_string().into_bytes()) };
        self.control.request(method, &format!("/loligo/v1{path}"), &headers, body.as_deref())
    }

    /// Pins index and mark of a contract.
    pub fn pin(&mut self, symbol: &str, price: &str) {
        self.control("PUT", &format!("/prices/{symbol}"), &json!({"index": price, "mark": price}));
    }

    /// Moves the manual clock.
    pub fn advance(&mut self, milliseconds: u64) {
        self.control("POST", "/clock", &json!({"advance_ms": milliseconds}));
    }

    /// Memory that the process holds now, in KiB.
    #[cfg(target_os = "linux")]
    pub fn resident_kib(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that the process held at once since [`Venue::forget_peak`], in KiB.
    #[cfg(target_os = "linux")]
    pub fn peak_kib(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Has the peak of the process's memory counted from now on.
    #[cfg(target_os = "linux")]
    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.process.child.id()), "5").expect("it runs");
    }

    #[cfg(target_os = "linux")]
    fn memory(&self, name: &str) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.process.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a process has memory");
        line.trim().trim_end_matches(" kB").parse().expect("a count of KiB")
    }

    /// The hash over state and the hash over events, with the sequence they hold for.
    pub fn hashes(&mut self) -> Value {
        self.control("GET", "/state-hash", &Value::Null)
    }

    /// The sequence of the last record.
    pub fn sequence(&mut self) -> u64 {
        let health = self.control("GET", "/health", &Value::Null);
        health["sequence"].as_u64().expect("health tells the sequence")
    }

    /// Sends the clock on by so much, and kills the process after so many questions were answered meanwhile.
    pub fn kill_amid_jump(self, milliseconds: u64, questions: usize) {
        let bearer = format!("Bearer {}", text(&self.config["control_token"]));
        let mut mover = Connection::open(self.http()).expect("it listens");
        let mut visitor = self.visitor();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
                let body = json!({"advance_ms": milliseconds}).to_string();
                // It may be answered, or die with the process.
                drop(mover.request("POST", "/loligo/v1/clock", &headers, Some(body.as_bytes())));
            });
            for _ in 0..questions {
                drop(visitor.get("/tickers/PF_XBTUSD", &[]));
            }
            self.kill();
        });
    }

    /// SIGKILL.
    pub fn kill(self) {
        self.process.kill();
    }

    /// SIGTERM; the exit must be quick.
    pub fn stop(self) -> Finished {
        self.stop_with("TERM")
    }

    /// The same of a process whose parent looks on: the signal is for the child.
    pub fn stop_traced(self) -> Finished {
        let lock = Path::new(text(&self.config["data"])).join("journal.lock");
        let holder = fs::read_to_string(lock).expect("the lock names its holder");
        let status = Command::new("kill").args(["-s", "TERM", holder.trim()]).status();
        assert!(status.expect("kill runs").success());
        self.process.finish()
    }

    pub fn stop_with(self, signal: &str) -> Finished {
        let asked = Instant::now();
        self.process.signal(signal);
        let finished = self.process.finish();
        assert!(asked.elapsed() < STOP_TIME_MAX, "took {:?} to stop", asked.elapsed());
        finished
    }

    /// Waits for an exchange that is about to end by itself.
    pub fn finish(self) -> Finished {
        self.process.finish()
    }
}

/// The text of a JSON string.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()
}

fn pause() {
    std::thread::sleep(Duration::from_millis(2)); // poll: files and state of another process
}
