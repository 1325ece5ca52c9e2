//! What requests cost the running exchange, beside the same stack doing nothing.
//!
//! `cargo bench -p loligo --bench http`. Each server is a process of its own; this process only sends. CPU is the
//! server's user and system time, the least of five interleaved runs; rates and delays are told beside it.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "http/load.rs"]
mod load;
#[path = "http/server.rs"]
#[allow(dead_code, reason = "the rest of it serves the benchmark of feeds")]
mod server;

use load::{Connection, Request, drive, one_by_one};
use server::{Server, Start};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const STATUS_REQUESTS: usize = 40_000;
/// As many ids as one request may name, and requests that name so many.
const MOST_IDS: usize = 500;
const LONG_REQUESTS: usize = 1_000;
const LIST_REQUESTS: usize = 5_000;
const ORDER_REQUESTS: usize = 40_000;
const CONNECTIONS: usize = 64;
const ALONE: usize = 2_000;

fn main() {
    if std::env::args().any(|word| word == "--floor") {
        server::serve_floor();
        return;
    }
    // cargo passes `--bench`, a person nothing: both mean everything.
    println!("{:<38} {:>12} {:>12} {:>7} {:>6} {:>6}", "", "here", "floor", "ratio", "bar", "aim");
    status();
    lists();
    orders();
    alone();
    start();
}

/// One row of the table.
fn row(what: &str, here: f64, floor: f64, unit: &str, bar: &str, aim: &str) {
    let (left, right) = (format!("{here:.1} {unit}"), format!("{floor:.1} {unit}"));
    println!("{what:<38} {left:>12} {right:>12} {:>6.2}x {bar:>6} {aim:>6}", here / floor);
}

/// The least CPU a request of either server over interleaved rounds, and the best rate of either.
fn least(
    servers: [&Server; 2],
    connections: usize,
    mut requests: impl FnMut(usize) -> [Vec<Request>; 2],
) -> [(f64, f64); 2] {
    let mut best = [(f64::INFINITY, 0.0_f64); 2];
    for round in 0..ROUNDS {
        for (which, requests) in requests(round).into_iter().enumerate() {
            let before = servers[which].cpu();
            let started = Instant::now();
            drive(servers[which].address, connections, &requests);
            let elapsed = started.elapsed();
            let spent = servers[which].cpu() - before;
            let count = requests.len() as f64;
            best[which].0 = best[which].0.min(spent.as_secs_f64() * 1e6 / count);
            best[which].1 = best[which].1.max(count / elapsed.as_secs_f64());
        }
    }
    best
}

fn report(what: &str, [here, floor]: [(f64, f64); 2], bar: &str, aim: &str) {
    row(what, here.0, floor.0, "us", bar, aim);
    println!("{:<38} {:>12} {:>12}", "  requests a second, at best", here.1 as u64, floor.1 as u64);
}

fn status() {
    let (here, floor) = (Server::start(&Start::ephemeral()), Server::start(&Start::Floor));
    let orders = here.place_resting(MOST_IDS);
    for (ids, requests, bar, aim) in
        [(1, STATUS_REQUESTS, "1.15x", "1.05x"), (MOST_IDS, LONG_REQUESTS, "-", "-")]
    {
        let asked = format!("orderIds={}", orders[..ids].join("&orderIds="));
        let request = |server: &Server| server.signed("/derivatives/api/v3/orders/status", &asked);
        let requests = [vec![request(&here); requests], vec![request(&floor); requests]];
        let best = least([&here, &floor], 8, |_| requests.clone());
        report(&format!("/orders/status, {ids} id(s): CPU a request"), best, bar, aim);
    }
}

/// The lists of all markets, beside as many bytes that cost nothing to make.
fn lists() {
    let (here, floor) = (Server::start(&Start::ephemeral()), Server::start(&Start::Floor));
    for path in ["/derivatives/api/v3/tickers", "/derivatives/api/v3/instruments"] {
        let request = here.public(path);
        let bytes = Connection::open(here.address).exchange(&request).len();
        // The floor writes 600 bytes for each order that is asked for.
        let constant = floor.signed("/derivatives/api/v3/orders/status", &"&".repeat(bytes / 600 - 1));
        let requests = [vec![request; LIST_REQUESTS], vec![constant; LIST_REQUESTS]];
        let best = least([&here, &floor], 8, |_| requests.clone());
        let name = path.rsplit('/').next().unwrap_or_default();
        report(&format!("/{name}, {} KB: CPU a request", bytes / 1_000), best, "-", "1.2x");
    }
}

fn orders() {
    let (here, floor) = (Server::start(&Start::durable()), Server::start(&Start::Floor));
    let best = least([&here, &floor], CONNECTIONS, |round| {
        [here.orders(round, ORDER_REQUESTS), floor.orders(round, ORDER_REQUESTS)]
    });
    report("sendorder, durable, 64 connections", best, "1.4x", "1.15x");
}

fn alone() {
    let (here, floor) = (Server::start(&Start::durable()), Server::start(&Start::Floor));
    let mut best = [Duration::MAX; 3];
    for round in 0..ROUNDS {
        best[0] = best[0].min(median(one_by_one(here.address, &here.orders(round, ALONE))));
        best[1] = best[1].min(median(one_by_one(floor.address, &floor.orders(round, ALONE))));
        best[2] = best[2].min(median(appends(ALONE)));
    }
    let micros = |at: Duration| at.as_secs_f64() * 1e6;
    row("one sendorder alone, p50", micros(best[0]), micros(best[1] + best[2]), "us", "1.25x", "1.10x");
    println!(
        "  floor: {:.1} us round trip + {:.1} us append of 4 KiB and fdatasync",
        micros(best[1]),
        micros(best[2])
    );
}

/// Times of appending 4 KiB to a growing file and syncing it, on the disk that holds the data folders.
fn appends(count: usize) -> Vec<Duration> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder under target");
    let file = File::create(folder.path().join("floor")).expect("a file in it");
    let page = [7u8; 4096];
    (0..count)
        .map(|at| {
            let started = Instant::now();
            file.write_all_at(&page, at as u64 * 4096).expect("room on the disk");
            file.sync_data().expect("a disk that syncs");
            started.elapsed()
        })
        .collect()
}

fn start() {
    let times = (0..ROUNDS).map(|_| Server::start(&Start::durable()).ready_after).collect();
    println!(
        "{:<38} {:>9} ms {:>28} {:>6}",
        "ready for requests, empty folder",
        median(times).as_millis(),
        "300 ms",
        ""
    );
    let _ = std::io::stdout().flush();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
