//! What a live venue takes up on its disk: seven exchange days of the default market, driven by a manual clock.
//!
//! `cargo bench -p loligo --bench week [-- DAYS]`. The journal, its snapshots and the history index are measured after a clean stop;
//! from that follows what they come to when each is as long as it gets.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "../tests/blackbox/week.rs"]
mod week;

use loligo_server::config::MarketKind;
use loligo_server::{Server, ServerConfig};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use week::{MOST, Sizes};

fn main() {
    let days = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(7);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let begun = Instant::now();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for day in 1..=days {
        // A stop each day, so that the sizes are whole; the journal is pruned beside the writer and at a stop.
        runtime.block_on(async {
            let server = Server::start(config(folder.path())).await.expect("it starts");
            let (address, token) = (server.http(), server.control_token().to_owned());
            let moved = tokio::task::spawn_blocking(move || {
                for _ in 0..24 {
                    ask(address, &token, "POST /loligo/v1/clock", r#"{"advance_ms": 3600000}"#);
                }
                // History has told all of it.
                while !is_told(&ask(address, &token, "GET /loligo/v1/health", "")) {
                    std::thread::sleep(Duration::from_millis(100)); // poll: a follower on a thread of its own
                }
            });
            moved.await.expect("it moved");
            server.stop().await;
        });
        println!("{} ({} s)", Sizes::of(folder.path(), day).line(), begun.elapsed().as_secs());
    }
    let sizes = Sizes::of(folder.path(), days);
    println!(
        "for ever: {:.2} GB at most of {:.0} (with candles {:.2}, minutes of which go after 30 days)",
        sizes.for_ever(1.0) / 1e9,
        MOST / 1e9,
        (sizes.for_ever(1.0) + sizes.candles / f64::from(days) * 30.0) / 1e9
    );
}

fn config(folder: &Path) -> ServerConfig {
    let mut config = ServerConfig::test();
    config.node.data = Some(folder.to_owned());
    config.node.market = MarketKind::Live;
    config
}

/// Whether the health of a venue says that history is as far as the venue.
fn is_told(health: &str) -> bool {
    let health: serde_json::Value = serde_json::from_str(health).expect("health is JSON");
    health["history"]["sequence"] == health["sequence"]
}

/// Asks the control surface; the body of the answer.
fn ask(address: SocketAddr, token: &str, what: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "{what} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}
