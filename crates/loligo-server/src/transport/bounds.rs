//! Every bound of connections, in one place: what one client may hold, send or keep us waiting for. How many arguments
//! and ids a request may have is its dialect's.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Bytes of a request line and its headers. 500 order ids in a query take 24 KB; the URI itself ends at 65,534 bytes, with
/// which the HTTP library is at its end. Longer lists travel in the body. On HTTP/2, 32 bytes more count for each header.
pub(crate) const HEAD_BYTES: usize = 96 * 1024;
/// Headers of one request.
pub(crate) const HEADERS: usize = 100;
/// Bytes of a body: the longest arguments that any dialect takes.
pub(crate) const BODY_BYTES: usize = loligo_wire::args::MAX_BYTES;
/// Requests of one HTTP/2 connection that are open at once, the fewest that its standard finds reasonable: a client that
/// does much at a time does it on one connection.
pub(crate) const STREAMS: u32 = 100;
/// Bytes of one body that an HTTP/2 client may send before it hears of it: enough that one which is too long is seen to be.
pub(crate) const STREAM_WINDOW: u32 = BODY_BYTES as u32 + 16 * 1024;
/// Bytes of bodies that are not whole which one HTTP/2 connection may leave with us; its client waits with the rest. Four of
/// the longest: a slow body or two hold up no order.
pub(crate) const BODIES_WINDOW: u32 = 4 * STREAM_WINDOW;
/// Bytes of one answer that wait in the HTTP/2 library for their turn, and that one request takes of it.
pub(crate) const STREAM_WRITE_BYTES: usize = 64 * 1024;
/// Bytes that are passed over of a body which is too long on HTTP/2, before it is answered all the same: more than anyone sends
/// by mistake, and nothing that takes a connection's time for longer than its requests may.
pub(crate) const PASSED_BYTES: usize = 128 * BODY_BYTES;
/// Requests that an HTTP/2 client may have taken back before we saw them. More says that it asks only to take back, and its
/// connection ends.
pub(crate) const RESETS_UNSEEN: usize = 20;
/// Requests of one HTTP/2 connection that may break the protocol, or go beyond [`STREAMS`], before the connection ends: as
/// many as may be open.
pub(crate) const BROKEN_STREAMS: usize = STREAMS as usize;
/// Bytes that are passed over behind a last answer, so that a client which sends first and reads then hears it: a few
/// times the longest body.
pub(crate) const FAREWELL_BYTES: u64 = 4 * BODY_BYTES as u64;
/// Bytes of a WebSocket message that a client may send. 1,000 products take about 20 KB.
pub(crate) const FEED_MESSAGE_BYTES: usize = 256 * 1024;
/// Bytes that are read at once from a WebSocket connection; it keeps a buffer of this size.
pub(crate) const FEED_READ_BYTES: usize = 4 * 1024;
/// Bytes that are written at once to a WebSocket connection, and that are gathered for it.
pub(crate) const FEED_WRITE_BYTES: usize = 64 * 1024;
/// Places that a queue keeps when nothing waits in it any more: few enough for thousands of connections.
pub(crate) const FEED_SPARE_FRAMES: usize = 256;
/// Frames that are written at once where they lie in pieces.
pub(crate) const FEED_SLICES: usize = 64;
/// Bytes that whoever has news for a WebSocket connection writes to it in one go; the rest is its task's, so that a whole
/// book for one holds up nobody else's news.
pub(crate) const FEED_DIRECT_BYTES: usize = 4 * FEED_WRITE_BYTES;
/// Threads on which WebSocket connections are heard, and on which what they did not take at once is written.
pub(crate) const FEED_THREADS: usize = 1;
/// Group commits that are told in one go when several wait: enough to make few writes of many, few enough that requests get
/// their turn.
pub(crate) const FEED_COMMITS: usize = 64;

/// The longest [delay](FeedBounds::delay). A client that needs more is not slow but stuck, and what waits takes memory.
pub const FEED_DELAY_MAX: Duration = Duration::from_secs(1);

/// The smallest and the largest [queue](FeedBounds::queue_bytes): what is gathered for a prompt reader must fit, and many queues
/// into a machine's memory.
pub const FEED_QUEUE_BYTES: RangeInclusive<usize> = FEED_WRITE_BYTES..=1024 * 1024 * 1024;

/// Connections beyond those of everyone. Each is answered once, and only on the control surface: so the operator gets in
/// when all other places are taken. They are taken over before they have asked, oldest first, so idling takes none away.
pub(crate) const OPERATOR_CONNECTIONS: usize = 16;
/// Files that the process opens beside its connections: about 30 are, for journal, views, threads and output.
const OWN_FILES: usize = 64;

/// Bounds of connections. Tests shorten the times.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections served at once. Beyond them only the operator is: see [`OPERATOR_CONNECTIONS`].
    pub connections: usize,
    /// From the first byte of a request's head to its last; also for a TLS handshake.
    pub head: Duration,
    /// From the head of a request to the last byte of its body.
    pub body: Duration,
    /// Between two requests of a connection, and between two pieces of an answer that its client takes.
    pub idle: Duration,
    /// What open requests get to end when the server stops.
    pub drain: Duration,
    /// Of WebSocket connections.
    pub feeds: FeedBounds,
}

/// Bounds of WebSocket connections.
#[derive(Clone, Copy, Debug)]
pub struct FeedBounds {
    /// Connections of one remote address; more are answered 429.
    pub per_address: usize,
    /// Frames that may wait for one connection. It is closed when there are more: a client that reads too slowly is never
    /// waited for, and loses no frame without noticing. Cancelling ten thousand orders at once must pass.
    pub queue_frames: usize,
    /// Bytes of memory that the frames which wait may take up, the one that is put in last not counted: a whole book must
    /// pass. Within [`FEED_QUEUE_BYTES`].
    pub queue_bytes: usize,
    /// How long a client may be silent; any frame of its counts.
    pub silence: Duration,
    /// What it gets beyond that, and also what the closing handshake may take.
    pub grace: Duration,
    /// Between two pings to it, which it must answer by the protocol: so nobody is silent who is there.
    pub ping: Duration,
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// Between two messages of what is told at a pace, such as tickers, while exchange time stands.
    pub pace: Duration,
    /// How much later than it was committed accounts are told what happened to them; [`FEED_DELAY_MAX`] at most.
    pub delay: Duration,
}

impl Default for FeedBounds {
    fn default() -> Self {
        Self {
            per_address: 100,
            queue_frames: 65_536,
            queue_bytes: 16 * 1024 * 1024,
            silence: Duration::from_secs(60),
            grace: Duration::from_secs(5),
            ping: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            pace: Duration::from_secs(1),
            delay: Duration::ZERO,
        }
    }
}

impl Bounds {
    /// The fewest files that a process must be allowed to open.
    pub const FEWEST_FILES: u64 = (OWN_FILES + OPERATOR_CONNECTIONS + 1) as u64;

    /// The default, with as many connections as a process gets by that may open so many files. `None` for fewer than
    /// [`Bounds::FEWEST_FILES`].
    #[must_use]
    pub fn within(files: u64) -> Option<Self> {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let connections = files.checked_sub(OWN_FILES + OPERATOR_CONNECTIONS).filter(|left| *left > 0)?;
        let bounds = Self::default();
        Some(Self { connections: connections.min(bounds.connections), ..bounds })
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 4096,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            drain: Duration::from_secs(1),
            feeds: FeedBounds::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_the_process_its_own_files() {
        let connections = |files| Bounds::within(files).map(|bounds| bounds.connections);
        assert_eq!(connections(Bounds::FEWEST_FILES - 1), None);
        assert_eq!(connections(Bounds::FEWEST_FILES), Some(1));
        assert_eq!(connections(256), Some(176));
        assert_eq!(connections(1024), Some(944));
        assert_eq!(connections(1_048_576), Some(4096));
        assert_eq!(connections(u64::MAX), Some(4096));
    }
}
