//! The accept loop against clients that misbehave. Every wait of these tests ends by something the other side does.

use super::http1::connection;
use super::*;
use crate::transport::bounds::{HEAD_BYTES, HEADERS, OPERATOR_CONNECTIONS};
use crate::transport::{Handler, Last, TurnedAway};
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers with the method, the path and the body's length; `/panic` panics, `/undecided` is not answered.
struct Echo;

/// The same for the operator.
pub(super) struct Operator;

impl Handler for Operator {
    fn serves(&self, path: &str) -> bool {
        path == "/operator"
    }

    fn serves_the_operator(&self) -> bool {
        true
    }

    async fn handle(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        Echo.handle(request, peer).await
    }

    fn turned_away(&self, _: &http::request::Parts, _: TurnedAway) -> Response<Full<Bytes>> {
        panic!("the operator is served")
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        Echo.panicked()
    }
}

impl Handler for Echo {
    fn serves(&self, _: &str) -> bool {
        true
    }

    fn turned_away(&self, _: &http::request::Parts, why: TurnedAway) -> Response<Full<Bytes>> {
        assert_eq!(why, TurnedAway::NoRoom);
        Response::new(Full::new(Bytes::from_static(b"no room")))
    }

    async fn handle(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        let text = match request {
            Read::Whole(Received { head, .. }) if head.uri.path() == "/undecided" => {
                assert_eq!(head.method, http::Method::GET);
                return None;
            }
            Read::Whole(Received { head, .. }) if head.uri.path() == "/panic" => panic!("on purpose"),
            Read::Whole(Received { head, .. }) if head.uri.path() == "/upgrade" => {
                assert!(peer.ip().is_loopback());
                let asked = peer.go_on_as(Box::new(|stream, early, mut stop| {
                    Box::pin(async move {
                        let (read, write) = tokio::io::split(stream);
                        let mut stream = tokio::io::join(std::io::Cursor::new(early).chain(read), write);
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
    connections: Arc<Connections>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

async fn serve_with(bounds: Bounds) -> Served {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopping) = watch::channel(false);
    let connections = Arc::new(Connections::new(bounds.connections));
    let task = tokio::spawn(serve(
        listener,
        None,
        bounds,
        Arc::clone(&connections),
        Arc::new((Operator, Last(Echo))),
        stopping,
    ));
    Served { connections, address, stop, task }
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

/// One answer's head, in lower case.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.expect("an answer"));
    }
    String::from_utf8(bytes).expect("text").to_lowercase()
}

/// One answer's body, by its length.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let head = head(stream).await;
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

const WHOLE: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

/// Whatever the client sends behind a request: its answer comes first, and waits for nothing.
#[tokio::test]
async fn nothing_behind_a_request_holds_its_answer_back() {
    let served = serve_with(Bounds::default()).await;
    for behind in ["\r\n", "G", "GET /b HTTP/1.1\r\nHos", "GET /b HTTP/1.1\r\nHost: x\r\nX: y\r\n", "\0", "{"]
    {
        let mut stream = served.connect().await;
        stream.write_all(format!("{WHOLE}{behind}").as_bytes()).await.expect("sent");
        assert_eq!(answer(&mut stream).await, "GET /a 0", "before {behind:?}");
    }
    // One byte more than the body was said to have, and half of what goes on.
    for behind in ["z", "zPOST"] {
        let mut stream = served.connect().await;
        let text = format!("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxy{behind}");
        stream.write_all(text.as_bytes()).await.expect("sent");
        assert_eq!(answer(&mut stream).await, "POST /b 2", "before {behind:?}");
    }
    // The rest of the half makes it whole.
    let mut stream = served.connect().await;
    stream.write_all(format!("{WHOLE}\r\nGET /b HTTP/1.1\r\nHos").as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut stream).await, "GET /a 0");
    stream.write_all(b"t: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut stream).await, "GET /b 0");
    served.stop().await;
}

/// What is no request, and the status that says so.
fn no_requests() -> Vec<(Vec<u8>, &'static str)> {
    let many: String = (0..HEADERS + 1).map(|n| format!("x{n}: y\r\n")).collect();
    let texts = vec![
        (format!("GET /a HTTP/1.1\r\n{many}\r\n"), "431"),
        (format!("GET /a HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(2 * HEAD_BYTES)), "431"),
        (format!("GET /a HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(64 * HEAD_BYTES)), "431"),
        (format!("GET /a?{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(70_000)), "414"),
        (format!("GET /a?{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(500_000)), "431"),
        ("GET /a HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(), "400"),
        ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "400"),
        ("no http\r\n\r\n".to_owned(), "400"),
        ("{\"event\": \"ping\"}\r\n\r\n".to_owned(), "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(), "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy".to_owned(), "400"),
        ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(), "400"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0".to_owned(), "400"),
    ];
    let high = b"GET /a?b=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    texts.into_iter().map(|(text, status)| (text.into_bytes(), status)).chain([(high, "400")]).collect()
}

#[tokio::test]
async fn what_is_no_request_is_told_so_and_takes_no_answer_back() {
    let served = serve_with(Bounds::default()).await;
    for (bytes, status) in no_requests() {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let mut stream = served.connect().await;
        stream.write_all(&bytes).await.unwrap_or_else(|error| panic!("{shown}: {error}"));
        let told = rest(&mut stream).await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {told}");

        let mut stream = served.connect().await;
        stream.write_all(&[WHOLE.as_bytes(), &bytes].concat()).await.expect("sent");
        assert_eq!(answer(&mut stream).await, "GET /a 0", "before {shown}");
        let told = rest(&mut stream).await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "behind an answer, {shown}: {told}");
    }
    served.stop().await;
}

/// Of a client that sends and never reads, one answer is held and what one read brought: then it is not read from any more.
#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_not_read_from_for_ever() {
    const PIPE: usize = 16 * 1024;
    const ANSWER: usize = 100_000;
    let made = Arc::new(AtomicU64::new(0));
    let (mut client, server) = tokio::io::duplex(PIPE);
    let (_stop, stopping) = watch::channel(false);
    let handler = Arc::new(Last(Large { bytes: ANSWER, made: Arc::clone(&made) }));
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let served =
        tokio::spawn(connection(server, address, Bounds::default(), handler, seat().await, stopping));
    let mut sent = 0;
    // Time passes only when nobody has anything left to do.
    while let Ok(done) =
        tokio::time::timeout(Duration::from_secs(1), client.write_all(WHOLE.as_bytes())).await
    {
        done.expect("it is open");
        sent += WHOLE.len();
        assert!(sent < 4 * HEAD_BYTES, "{sent} bytes of requests were taken, {made:?} answers made");
    }
    assert_eq!(made.load(Ordering::Relaxed), 1, "answers that nobody reads");
    assert!(sent <= HEAD_BYTES + PIPE, "{sent} bytes of requests were taken");
    // Who reads after all gets every answer, and in the end is waited for no longer than any other.
    for _ in 0..3 {
        assert_eq!(answer(&mut client).await.len(), ANSWER);
    }
    served.await.expect("it ends");
    let mut left = Vec::new();
    let _ = client.read_to_end(&mut left).await;
    assert!(left.len() <= PIPE);
}

/// A client that takes its answer slowly is waited for as long as it takes some of it.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_its_whole_answer() {
    const PIPE: usize = 4 * 1024;
    let (mut client, server) = tokio::io::duplex(PIPE);
    let (_stop, stopping) = watch::channel(false);
    let handler = Arc::new(Last(Large { bytes: 40 * PIPE, made: Arc::default() }));
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let bounds = Bounds::default();
    tokio::spawn(connection(server, address, bounds, handler, seat().await, stopping));
    client.write_all(format!("{WHOLE}GET /half").as_bytes()).await.expect("sent");
    let mut got = 0;
    while got < 40 * PIPE {
        tokio::time::sleep(bounds.head / 2).await;
        let mut some = vec![0; PIPE];
        got += client.read(&mut some).await.expect("it is open");
        assert!(got > 0);
    }
}

pub(super) async fn seat() -> Arc<Seat> {
    let connections = Connections::new(1);
    let place = connections.place().await.expect("a place");
    connections.seat(place)
}

/// Answers so many bytes.
struct Large {
    bytes: usize,
    made: Arc<AtomicU64>,
}

impl Handler for Large {
    fn serves(&self, _: &str) -> bool {
        true
    }

    fn turned_away(&self, _: &http::request::Parts, _: TurnedAway) -> Response<Full<Bytes>> {
        panic!("there is room")
    }

    async fn handle(&self, _: Read, _: &Peer) -> Option<Response<Full<Bytes>>> {
        self.made.fetch_add(1, Ordering::Relaxed);
        Some(Response::new(Full::new(Bytes::from(vec![b'x'; self.bytes]))))
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        Response::new(Full::new(Bytes::new()))
    }
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

    // Who sends all of it and listens only then hears it, too.
    let mut stream = served.connect().await;
    let whole = format!(
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
        2 * BODY_BYTES,
        "x".repeat(2 * BODY_BYTES)
    );
    stream.write_all(whole.as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut stream).await, "too long");
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
async fn beyond_the_bound_only_the_operator_is_served_and_once() {
    let served = serve_with(Bounds { connections: 1, ..Bounds::default() }).await;
    let mut first = served.connect().await;
    first.write_all(WHOLE.as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut first).await, "GET /a 0");
    for (path, told) in [("/b", "no room"), ("/operator", "GET /operator 0"), ("/upgrade", "no room")] {
        let mut beyond = served.connect().await;
        beyond.write_all(UPGRADE.replace("/upgrade", path).as_bytes()).await.expect("sent");
        let head = head(&mut beyond).await;
        assert!(head.contains("connection: close"), "{path}: {head}");
        assert_eq!(rest(&mut beyond).await, told, "{path}");
    }
    // The first is served as before; when it leaves there is room.
    first.write_all(b"GET /c HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut first).await, "GET /c 0");
    drop(first);
    served.connections.settled(0, 1).await;
    let mut second = served.connect().await;
    for _ in 0..2 {
        second.write_all(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        assert_eq!(answer(&mut second).await, "GET /b 0");
    }
    served.stop().await;
}

#[tokio::test]
async fn idle_connections_keep_no_operator_out() {
    let served = serve_with(Bounds { connections: 1, ..Bounds::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..5 * OPERATOR_CONNECTIONS {
        idle.push(served.connect().await);
        // Half a request is none.
        idle.push(served.connect().await);
        idle.last_mut().expect("one").write_all(b"GET /operator").await.expect("sent");
    }
    let mut operator = served.connect().await;
    operator.write_all(b"GET /operator HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut operator).await, "GET /operator 0");
    // Who came first kept its place; who came next has lost it to those after.
    idle[0].write_all(WHOLE.as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut idle[0]).await, "GET /a 0");
    assert_eq!(rest(&mut idle[1]).await, "");
    served.stop().await;
}

const UPGRADE: &str = "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

#[tokio::test]
async fn who_speaks_on_before_it_is_upgraded_is_upgraded_and_heard() {
    let served = serve_with(Bounds::default()).await;
    let mut stream = served.connect().await;
    stream.write_all(format!("{UPGRADE}a").as_bytes()).await.expect("sent");
    let head = head(&mut stream).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert_eq!(stream.read_u8().await.expect("an echo"), b'b');
    stream.write_all(b"c").await.expect("sent");
    assert_eq!(stream.read_u8().await.expect("an echo"), b'd');
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
    let head = head(&mut stream).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    stream.write_all(b"a").await.expect("sent");
    assert_eq!(stream.read_u8().await.expect("an echo"), b'b');
    // The times for requests do not count for what it is now, and there is no room for another connection.
    let mut second = served.connect().await;
    second.write_all(b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    assert_eq!(answer(&mut second).await, "no room");
    stream.write_all(b"c").await.expect("sent");
    assert_eq!(stream.read_u8().await.expect("an echo"), b'd');
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
