//! The accept loop against clients that misbehave. Every wait of these tests ends by something the other side does.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Answers with the method, the path and the body's length; `/panic` panics, `/undecided` is not answered.
struct Echo;

impl Handler for Echo {
    async fn handle(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        let text = match request {
            Read::Whole(Received { head, .. }) if head.uri.path() == "/undecided" => {
                assert_eq!(head.method, http::Method::GET);
                return None;
            }
            Read::Whole(Received { head, .. }) if head.uri.path() == "/panic" => panic!("on purpose"),
            Read::Whole(Received { head, .. }) if head.uri.path() == "/upgrade" => {
                assert!(peer.ip().is_loopback());
                let asked = peer.go_on_as(Box::new(|mut stream, mut stop| {
                    Box::pin(async move {
                        for _ in 0..2 {
                            let byte = stream.read_u8().await.expect("a byte");
                            stream.write_all(&[byte + 1]).await.expect("sent");
                        }
                        stop.wait_for(|stop| *stop).await.expect("told to stop");
                        stream.write_all(b"!").await.expect("sent");
                    })
                }));
                let mut answer = Response::new(Full::new(Bytes::new()));
                if asked {
                    *answer.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
                }
                return Some(answer);
            }
            Read::Whole(Received { head, body }) => {
                format!("{} {} {}", head.method, head.uri.path(), body.len())
            }
            Read::TooLong(_) => "too long".to_owned(),
        };
        Some(Response::new(Full::new(Bytes::from(text))))
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        Response::new(Full::new(Bytes::from_static(b"contained")))
    }
}

struct Served {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

async fn serve_with(bounds: Bounds) -> Served {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopping) = watch::channel(false);
    let room = Arc::new(Semaphore::new(bounds.connections));
    let task = tokio::spawn(serve(listener, None, bounds, room, Arc::new(Echo), stopping));
    Served { address, stop, task }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    async fn stop(self) {
        self.stop.send(true).expect("it runs");
        self.task.await.expect("it ends well");
    }
}

/// Everything until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is a close, too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer's body, by its length.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let byte = stream.read_u8().await.expect("an answer");
        bytes.push(byte);
        if bytes.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = String::from_utf8(bytes).expect("text").to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.expect("a length").parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    String::from_utf8(body).expect("text")
}

fn short() -> Bounds {
    let moment = Duration::from_millis(40);
    Bounds { head: moment, body: moment, idle: moment, ..Bounds::default() }
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection_even_unasked() {
    let served = serve_with(Bounds::default()).await;
    let mut stream = served.connect().await;
    let three = "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz\
                 POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n1\r\nz\r\n0\r\n\r\n";
    stream.write_all(three.as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut stream).await, "GET /a 0");
    assert_eq!(answer(&mut stream).await, "POST /b 3");
    assert_eq!(answer(&mut stream).await, "POST /c 3");
    stream.write_all(b"GET /d HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut stream).await, "GET /d 0");
    served.stop().await;
}

#[tokio::test]
async fn half_a_request_is_not_waited_for() {
    let served = serve_with(Bounds { idle: Duration::from_secs(600), ..short() }).await;
    for half in ["", "GET /a HTTP/1.1\r\nHos", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"]
    {
        let mut stream = served.connect().await;
        stream.write_all(half.as_bytes()).await.expect("sent");
        assert_eq!(rest(&mut stream).await, "", "{half:?}");
    }
    // The same after a whole one.
    let mut stream = served.connect().await;
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut stream).await, "GET /a 0");
    stream.write_all(b"GET /b").await.expect("sent");
    assert_eq!(rest(&mut stream).await, "");
    served.stop().await;
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let served = serve_with(Bounds { head: Duration::from_secs(600), ..short() }).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut stream).await, "GET /a 0");
    assert_eq!(rest(&mut stream).await, "");
    served.stop().await;
}

#[tokio::test]
async fn what_is_too_long_is_not_read() {
    let served = serve_with(Bounds::default()).await;
    let mut stream = served.connect().await;
    let head = format!("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", BODY_BYTES + 1);
    stream.write_all(head.as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut stream).await, "too long", "told before a byte of it has come");

    // Without a length it is read until it is too long.
    let mut stream = served.connect().await;
    stream
        .write_all(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .expect("sent");
    let chunk = format!("{:x}\r\n{}\r\n", 65536, "x".repeat(65536));
    for _ in 0..BODY_BYTES / 65536 + 1 {
        stream.write_all(chunk.as_bytes()).await.expect("sent");
    }
    assert_eq!(answer(&mut stream).await, "too long");

    let mut stream = served.connect().await;
    let whole = format!(
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES}\r\n\r\n{}",
        "x".repeat(BODY_BYTES)
    );
    stream.write_all(whole.as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut stream).await, format!("POST /a {BODY_BYTES}"));

    let mut stream = served.connect().await;
    let head = format!("GET /a HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(2 * HEAD_BYTES));
    let _ = stream.write_all(head.as_bytes()).await;
    let told = rest(&mut stream).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 431"), "{told}");
    served.stop().await;
}

#[tokio::test]
async fn a_panic_stays_in_its_request() {
    let served = serve_with(Bounds::default()).await;
    let mut stream = served.connect().await;
    stream
        .write_all(b"GET /panic HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("sent");
    assert_eq!(answer(&mut stream).await, "contained");
    assert_eq!(answer(&mut stream).await, "GET /a 0");
    served.stop().await;
}

#[tokio::test]
async fn what_nobody_knows_is_not_answered() {
    let served = serve_with(Bounds::default()).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /undecided HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(rest(&mut stream).await, "");
    served.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_room() {
    let served = serve_with(Bounds { connections: 1, ..Bounds::default() }).await;
    let mut first = served.connect().await;
    first.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut first).await, "GET /a 0");
    let mut second = served.connect().await;
    second.write_all(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    // The first is served as before; only when it leaves is there room.
    first.write_all(b"GET /c HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut first).await, "GET /c 0");
    let mut early = [0u8; 1];
    assert!(
        matches!(second.try_read(&mut early), Err(error) if error.kind() == io::ErrorKind::WouldBlock),
        "the second was answered while there was no room"
    );
    drop(first);
    assert_eq!(answer(&mut second).await, "GET /b 0");
    served.stop().await;
}

const UPGRADE: &str = "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

#[tokio::test]
async fn who_speaks_on_before_it_is_upgraded_is_not_listened_to() {
    let served = serve_with(Bounds::default()).await;
    let mut stream = served.connect().await;
    stream.write_all(format!("{UPGRADE}a").as_bytes()).await.expect("sent");
    assert_eq!(rest(&mut stream).await, "");
    served.stop().await;
}

#[tokio::test]
async fn an_upgraded_connection_keeps_its_place_and_is_told_to_stop() {
    let served = serve_with(Bounds { connections: 1, ..short() }).await;
    let mut stream = served.connect().await;
    // A request that does not ask for it leaves the connection what it was.
    stream.write_all(b"GET /upgrade HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut stream).await, "");
    stream.write_all(UPGRADE.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream.write_all(b"a").await.expect("sent");
    assert_eq!(stream.read_u8().await.expect("an echo"), b'b');
    // The times for requests do not count for what it is now, and there is no room for another connection.
    let mut second = served.connect().await;
    second.write_all(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    stream.write_all(b"c").await.expect("sent");
    assert_eq!(stream.read_u8().await.expect("an echo"), b'd');
    let mut early = [0u8; 1];
    assert!(
        matches!(second.try_read(&mut early), Err(error) if error.kind() == io::ErrorKind::WouldBlock),
        "the second was answered while there was no room"
    );
    drop(second);
    served.stop().await;
    assert_eq!(rest(&mut stream).await, "!");
}

#[tokio::test]
async fn stopping_does_not_wait_for_idle_connections() {
    let served = serve_with(Bounds { drain: Duration::from_secs(600), ..Bounds::default() }).await;
    let mut idle = served.connect().await;
    idle.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut idle).await, "GET /a 0");
    served.stop().await;
    assert_eq!(rest(&mut idle).await, "");
}
