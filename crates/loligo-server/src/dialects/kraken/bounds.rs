//! Bounds that are this dialect's, in one place. How many arguments and ids a request may have is said where they are
//! read: `loligo_wire::args`, `loligo_wire::v3::requests`, `loligo_wire::ws1`.

/// Rows of the public trades and of the own fills.
pub(super) const ROWS: usize = 100;
/// Rows that they may have to end an instant: what fills on one order that sweeps a deep book, and 160 KB of text.
pub(super) const ROWS_MOST: usize = 500;
/// Requests of a WebSocket connection in [`FEED_REQUEST_WINDOW`]; what comes beyond is dropped with an alert.
pub(super) const FEED_REQUESTS: u32 = 100;
/// The sliding window of those, in microseconds of real time.
pub(super) const FEED_REQUEST_WINDOW: u64 = 1_000_000;
/// Different challenges that a connection is given; who asks for more gets the last one again.
pub(super) const FEED_CHALLENGES: usize = 256;
/// Rows of the account log that its feed begins with (websocket.md 6.7).
pub(super) const FEED_LOG_ROWS: usize = 500;
