//! Clients that follow a feed and do nothing but count what they are told.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Connections of one address, each of the loopback's own.
const PER_ADDRESS: usize = 100;
/// Bytes that are read at once.
const READ: usize = 64 * 1024;
/// How long anything may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all of them were told.
#[derive(Default)]
struct Told {
    messages: AtomicU64,
    bytes: AtomicU64,
}

/// Connections, all read on one thread of their own until the process ends.
pub struct Followers {
    told: Arc<Told>,
}

impl Followers {
    /// Opens connections that say this, one part after another, and returns when each was told so many messages for it.
    pub fn open(address: SocketAddr, count: usize, say: Vec<Vec<u8>>, greeted: u64) -> Self {
        let told = Arc::<Told>::default();
        let of_thread = Arc::clone(&told);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let mut open = tokio::task::JoinSet::new();
                for at in 0..count {
                    let mut stream = connect(address, at).await;
                    for part in &say {
                        stream.write_all(part).await.expect("an open connection");
                    }
                    open.spawn(count_messages(stream, Arc::clone(&of_thread)));
                }
                open.join_all().await;
            });
        });
        let followers = Self { told };
        followers.wait_for(greeted * count as u64);
        followers
    }

    /// Messages and their bytes so far, headers included.
    pub fn told(&self) -> (u64, u64) {
        (self.told.messages.load(Ordering::Relaxed), self.told.bytes.load(Ordering::Relaxed))
    }

    /// Waits until there were so many messages.
    pub fn wait_for(&self, messages: u64) {
        let started = Instant::now();
        while self.told().0 < messages {
            assert!(started.elapsed() < PATIENCE, "{} of {messages} messages came", self.told().0);
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

async fn connect(address: SocketAddr, at: usize) -> TcpStream {
    let own = u8::try_from(2 + at / PER_ADDRESS).expect("few addresses");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 0, own)), 0).into()).expect("an address of the loopback");
    let stream = socket.connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket option");
    stream
}

/// Counts text messages until the connection ends, and answers pings.
async fn count_messages(mut stream: TcpStream, told: Arc<Told>) {
    let mut buffer = vec![0; READ];
    let (mut filled, mut upgraded) = (0, false);
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer[filled..]).await else { return };
        filled += read;
        let (mut at, mut messages, mut bytes, mut pinged) = (0, 0, 0, false);
        // The answer to the handshake, if there was one.
        if !upgraded {
            upgraded = true;
            at = head(&buffer[..filled]);
        }
        while let Some((opcode, payload)) = frame(&buffer[at..filled]) {
            at += payload.end;
            match opcode {
                TEXT => (messages, bytes) = (messages + 1, bytes + payload.end as u64),
                PING => pinged = true,
                _ => {}
            }
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
        if filled == buffer.len() {
            // A message that is longer: a whole book.
            buffer.resize(2 * filled, 0);
        }
        told.bytes.fetch_add(bytes, Ordering::Relaxed);
        told.messages.fetch_add(messages, Ordering::Relaxed);
        if pinged && stream.write_all(&masked(PONG, b"")).await.is_err() {
            return;
        }
    }
}

/// Length of the answer to a handshake at the start of these bytes.
fn head(bytes: &[u8]) -> usize {
    if !bytes.starts_with(b"HTTP/1.1 101") {
        return 0;
    }
    bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a short answer") + 4
}

pub const TEXT: u8 = 1;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// What asks for a WebSocket.
pub fn handshake() -> Vec<u8> {
    b"GET /ws/v1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec()
}

/// A short frame of a client, under the mask that changes nothing.
pub fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = plain(opcode, payload);
    frame[1] |= 0x80;
    let payload = frame.len() - payload.len();
    frame.splice(payload..payload, [0; 4]);
    frame
}

/// A frame of a server, of at most 65,535 bytes.
pub fn plain(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short frame");
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(length) {
        Ok(short @ ..126) => frame.push(short),
        _ => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// Opcode and payload of the frame at the start of these bytes, once all of it is there.
pub fn frame(bytes: &[u8]) -> Option<(u8, Range<usize>)> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (head, length) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
        short => (2, u64::from(short)),
    };
    let whole = head + usize::try_from(length).ok()?;
    (bytes.len() >= whole).then_some((first & 0xf, head..whole))
}
