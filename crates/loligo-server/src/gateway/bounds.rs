//! Every bound of the gateway, in one place: what one client may hold, send or keep us waiting for. How many arguments
//! and ids a request may have is the dialect's: `loligo_wire::args`, `loligo_wire::v3::requests`.

use std::time::Duration;

/// Bytes of a request line and its headers. 500 order ids in a query take 24 KB; the URI itself ends at 64 KiB.
pub(crate) const HEAD_BYTES: usize = 96 * 1024;
/// Headers of one request.
pub(crate) const HEADERS: usize = 100;
/// Bytes of a body. A batch of 500 instructions, percent-encoded, takes about 300 KB.
pub(crate) const BODY_BYTES: usize = loligo_wire::args::MAX_BYTES;
/// Bytes of a control request's body.
pub(crate) const CONTROL_BODY_BYTES: usize = 64 * 1024;
/// Rows of the public trades and of the own fills.
pub(crate) const ROWS: usize = 100;
/// Price levels of each side of the public book.
pub(crate) const BOOK_LEVELS: usize = 1_000;
/// Nonces kept per key; beyond, the lowest become the threshold (rules 8.2).
pub(crate) const NONCES: usize = 4096;
/// How long a nonce out of order is tolerated, in microseconds of real time (rules 8.2).
pub(crate) const NONCE_WINDOW: u64 = 10_000_000;
/// What an account may spend in [`RATE_WINDOW`] (rules 8.4).
pub(crate) const RATE_BUDGET: u32 = 500;
/// The sliding window of the rates, in microseconds of real time (rules 8.4).
pub(crate) const RATE_WINDOW: u64 = 10_000_000;

/// Bounds of connections. Tests shorten the times.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections served at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// From the first byte of a request's head to its last; also for a TLS handshake.
    pub head: Duration,
    /// From the head of a request to the last byte of its body.
    pub body: Duration,
    /// Between two requests of a connection.
    pub idle: Duration,
    /// What open requests get to end when the server stops.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 4096,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            drain: Duration::from_secs(1),
        }
    }
}
