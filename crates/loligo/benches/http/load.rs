//! Sends requests that were signed beforehand, over connections kept alive.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The bytes of one request.
pub type Request = Arc<[u8]>;

/// Sends all requests over so many connections, each waiting for its answer before its next request.
pub fn drive(address: SocketAddr, connections: usize, requests: &[Request]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut connection = Connection::open(address);
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    connection.exchange(request);
                }
            });
        }
    });
}

/// Sends all requests over one connection, one after another; how long each took.
pub fn one_by_one(address: SocketAddr, requests: &[Request]) -> Vec<Duration> {
    let mut connection = Connection::open(address);
    requests
        .iter()
        .map(|request| {
            let started = Instant::now();
            connection.exchange(request);
            started.elapsed()
        })
        .collect()
}

/// Room for the largest answer: the status of 500 orders.
const ANSWER: usize = 512 * 1024;

/// One connection, kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream, buffer: vec![0; ANSWER] }
    }

    /// Sends a request and reads its answer; the body. Anything but a success ends the benchmark: a refusal is
    /// cheaper than what is to be measured.
    pub fn exchange(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).expect("an open connection");
        let mut read = 0;
        loop {
            read += match self.stream.read(&mut self.buffer[read..]) {
                Ok(0) | Err(_) => {
                    panic!("the server closed: {}", String::from_utf8_lossy(&self.buffer[..read]))
                }
                Ok(count) => count,
            };
            if let Some((head, body)) = whole(&self.buffer[..read]) {
                let answer = &self.buffer[head..head + body];
                let text = String::from_utf8_lossy(answer);
                assert!(text.contains("\"success\"") && !text.contains("insufficient"), "{text}");
                return &self.buffer[head..head + body];
            }
        }
    }
}

/// Lengths of head and body once both are here.
fn whole(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    (bytes.len() >= head + length).then_some((head, length))
}
