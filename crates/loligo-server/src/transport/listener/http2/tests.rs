//! Connections of HTTP/2 against clients that misbehave, in time that passes only when nobody has anything left to do.

mod bodies;

use super::super::tests::{Operator, seat};
use super::*;
use crate::transport::listener::{Connections, Read, Received};
use crate::transport::{Handler, Last, TurnedAway};
use h2::client::{ResponseFuture, SendRequest};
use std::sync::Mutex;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Answers with the method, the path and the body's length, and remembers the order in which it was asked. `/wait` is
/// answered once it is let go, `/large` at length, `/host` with the hosts that are named; `/panic` panics, `/undecided` is
/// not answered, and `/close` speaks of its connection.
#[derive(Default)]
struct Hall {
    asked: Mutex<Vec<String>>,
    waiting: watch::Sender<usize>,
    let_go: Notify,
}

const LARGE: usize = 5 * STREAM_WRITE_BYTES;

impl Handler for Hall {
    fn serves(&self, _: &str) -> bool {
        true
    }

    fn turned_away(&self, _: &request::Parts, why: TurnedAway) -> Response<Full<Bytes>> {
        Response::new(Full::new(Bytes::from_static(match why {
            TurnedAway::NoRoom => b"no room",
            TurnedAway::Ambiguous(_) => b"ambiguous",
        })))
    }

    async fn handle(&self, request: Read, _: &Peer) -> Option<Response<Full<Bytes>>> {
        let Read::Whole(Received { head, body }) = request else {
            return Some(Response::new(Full::new(Bytes::from_static(b"too long"))));
        };
        self.asked.lock().expect("sound").push(head.uri.path().to_owned());
        let mut answer = Response::new(Full::default());
        let text = match head.uri.path() {
            "/undecided" => return None,
            "/panic" => panic!("on purpose"),
            "/wait" => {
                self.waiting.send_modify(|waiting| *waiting += 1);
                self.let_go.notified().await;
                "let go".to_owned()
            }
            "/large" => "x".repeat(LARGE),
            "/host" => {
                let hosts: Vec<&str> =
                    head.headers.get_all(HOST).iter().map(|host| host.to_str().expect("text")).collect();
                hosts.join(" ")
            }
            "/close" => {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
                "closed".to_owned()
            }
            path => format!("{} {path} {}", head.method, body.len()),
        };
        *answer.body_mut() = Full::new(Bytes::from(text));
        Some(answer)
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        Response::new(Full::new(Bytes::from_static(b"contained")))
    }
}

/// What has not happened within an hour never will, and a test that waited for it would hold up all others.
async fn within_an_hour<T>(awaited: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), awaited).await.expect("something happens within the hour")
}

/// One connection that is served.
struct Served {
    handler: Arc<(Operator, Last<Hall>)>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Served {
    async fn with(bounds: Bounds, seat: Arc<Seat>) -> (Self, DuplexStream) {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (stop, stopping) = watch::channel(false);
        let handler = Arc::new((Operator, Last(Hall::default())));
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let task = tokio::spawn(connection(server, address, bounds, Arc::clone(&handler), seat, stopping));
        (Self { handler, stop, task }, client)
    }

    async fn start() -> (Self, Client) {
        let (served, stream) = Self::with(Bounds::default(), seat().await).await;
        (served, Client::over(stream, &h2::client::Builder::new()).await)
    }

    /// The same for a client that says byte by byte what it says.
    async fn raw() -> (Self, Raw) {
        let (served, stream) = Self::with(Bounds::default(), seat().await).await;
        (served, Raw(stream))
    }

    fn hall(&self) -> &Hall {
        &self.handler.1.0
    }

    /// Waits until so many requests wait to be let go.
    async fn waits(&self, count: usize) {
        let mut waiting = self.hall().waiting.subscribe();
        within_an_hour(waiting.wait_for(|waiting| *waiting >= count)).await.expect("the hall is open");
    }

    /// Waits for the connection's end.
    async fn ends(self) {
        within_an_hour(self.task).await.expect("it ran");
    }
}

/// A well-behaved client.
struct Client {
    requests: SendRequest<Bytes>,
    /// Ends with the connection.
    driver: JoinHandle<Result<(), h2::Error>>,
    pings: h2::PingPong,
}

impl Client {
    async fn over(stream: DuplexStream, builder: &h2::client::Builder) -> Self {
        let (requests, mut connection) = builder.handshake(stream).await.expect("a connection");
        let pings = connection.ping_pong().expect("once");
        Self { requests, driver: tokio::spawn(connection), pings }
    }

    /// Sends a head; what sends its body, and what waits for the answer.
    async fn begin(&mut self, request: http::request::Builder) -> (h2::SendStream<Bytes>, ResponseFuture) {
        self.requests = self.requests.clone().ready().await.expect("it is open");
        let (answer, body) =
            self.requests.send_request(request.body(()).expect("a request"), false).expect("sent");
        (body, answer)
    }

    async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> ResponseFuture {
        let (mut stream, answer) = self.begin(asking(method, path)).await;
        fill(&mut stream, body, true).await;
        answer
    }

    async fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> String {
        taken(self.send(method, path, body).await).await.expect("an answer").1
    }
}

fn asking(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("https://localhost{path}"))
}

/// Sends bytes as the other side takes them, or until it takes no more.
async fn fill(stream: &mut h2::SendStream<Bytes>, bytes: &[u8], ends: bool) {
    let mut rest = Bytes::copy_from_slice(bytes);
    while !rest.is_empty() {
        stream.reserve_capacity(rest.len());
        let Some(Ok(room)) = poll_fn(|context| stream.poll_capacity(context)).await else { return };
        if stream.send_data(rest.split_to(room.min(rest.len())), false).is_err() {
            return;
        }
    }
    if ends {
        // It may have been answered before its end.
        let _ = stream.send_data(Bytes::new(), true);
    }
}

/// An answer's status and its body.
async fn taken(answer: ResponseFuture) -> Result<(StatusCode, String), h2::Error> {
    let (head, mut body) = answer.await?.into_parts();
    let mut all = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        all.extend_from_slice(&piece);
    }
    Ok((head.status, String::from_utf8(all).expect("text")))
}

/// Why a request was reset.
fn reason(answer: Result<(StatusCode, String), h2::Error>) -> Option<Reason> {
    let error = answer.expect_err("no answer");
    assert!(error.is_reset() && error.is_remote(), "{error}");
    error.reason()
}

/// A client of single bytes.
struct Raw(DuplexStream);

const SAYS_HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The frame of a whole request without a body (RFC 7541: `:method: GET` and `:scheme: https` have numbers, a path has a
/// length).
fn get(stream: u32, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).expect("short");
    let block = [&[0x82, 0x87, 0x04, length], path.as_bytes()].concat();
    frame(1, END_HEADERS | END_STREAM, stream, &block)
}

impl Raw {
    async fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("taken");
    }

    /// The next frame: its type, its stream and its payload; `None` when the other side has closed.
    async fn hear(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        within_an_hour(self.next()).await
    }

    async fn next(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        let mut header = [0; 9];
        self.0.read_exact(&mut header).await.ok()?;
        let [high, middle, low, kind, _, stream @ ..] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((kind, u32::from_be_bytes(stream), payload))
    }

    /// The next frame of a type; others are passed over.
    async fn hear_of(&mut self, wanted: u8) -> (u32, Vec<u8>) {
        within_an_hour(async {
            loop {
                let (kind, stream, payload) = self.next().await.expect("it is open");
                if kind == wanted {
                    return (stream, payload);
                }
            }
        })
        .await
    }

    /// Everything until the other side closes: the reasons of its farewells.
    async fn farewells(&mut self) -> Vec<u8> {
        let mut reasons = Vec::new();
        within_an_hour(async {
            while let Some((kind, _, payload)) = self.next().await {
                reasons.extend((kind == 7).then(|| payload[7]));
            }
        })
        .await;
        reasons
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_of_a_connection_waits_for_the_answer_to_another() {
    let (served, mut client) = Served::start().await;
    let waits = client.send("GET", "/wait", b"").await;
    served.waits(1).await;
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
    assert_eq!(client.ask("POST", "/b", b"xyz").await, "POST /b 3");
    served.hall().let_go.notify_one();
    assert_eq!(taken(waits).await.expect("an answer").1, "let go");
}

#[tokio::test(start_paused = true)]
async fn requests_are_handed_on_in_the_order_in_which_they_were_whole() {
    let (served, mut client) = Served::start().await;
    let (mut late, last) = client.begin(asking("POST", "/late")).await;
    let mut answers = Vec::new();
    for number in 0..30 {
        answers.push(client.send("POST", &format!("/{number}"), b"x").await);
    }
    for answer in answers {
        taken(answer).await.expect("an answer");
    }
    fill(&mut late, b"x", true).await;
    taken(last).await.expect("an answer");
    let sent: Vec<String> = (0..30).map(|number| format!("/{number}")).chain(["/late".to_owned()]).collect();
    assert_eq!(*served.hall().asked.lock().expect("sound"), sent);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_told_to_leave_and_one_with_an_open_request_is_not_idle() {
    let bounds = Bounds::default();
    let (served, mut client) = Served::start().await;
    let waits = client.send("GET", "/wait", b"").await;
    served.waits(1).await;
    tokio::time::sleep(5 * bounds.idle).await;
    assert!(!client.driver.is_finished());
    served.hall().let_go.notify_one();
    assert_eq!(taken(waits).await.expect("an answer").1, "let go");
    // Between two requests it may be silent for nearly as long.
    tokio::time::sleep(bounds.idle - Duration::from_secs(1)).await;
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
    let rests = Instant::now();
    // Whoever only pings is idle.
    let mut pinging = pin!(async {
        while client.pings.ping(h2::Ping::opaque()).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let leaving = async {
        tokio::select! {
            ended = &mut client.driver => ended,
            () = async { (&mut pinging).await; std::future::pending().await } => unreachable!(),
        }
    };
    let ended = within_an_hour(leaving).await;
    ended.expect("it ran").expect("a farewell without a fault");
    let rested = rests.elapsed();
    assert!(
        rested >= bounds.idle - Duration::from_millis(2) && rested < bounds.idle + bounds.head,
        "{rested:?}"
    );
    served.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_crosses_the_farewell_is_answered() {
    let bounds = Bounds::default();
    let (served, mut raw) = Served::raw().await;
    raw.say(&[SAYS_HELLO, &get(1, "/a")].concat()).await;
    let (last, _) = (raw.hear_of(7).await, raw.say(&get(3, "/b")).await);
    assert_eq!(last.1[..4], (u32::MAX >> 1).to_be_bytes(), "whatever is on its way is taken");
    raw.hear_of(1).await;
    assert_eq!(*served.hall().asked.lock().expect("sound"), ["/a", "/b"]);
    // This client never answers the ping behind it; it is not waited for for ever.
    let rests = Instant::now();
    raw.farewells().await;
    assert!(rests.elapsed() <= 2 * bounds.head, "{:?}", rests.elapsed());
    served.ends().await;
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_not_waited_for() {
    let bounds = Bounds::default();
    let whole = [SAYS_HELLO, &get(1, "/a")].concat();
    let open = frame(1, END_STREAM, 3, b"\x82");
    let more = [open.clone(), frame(9, 0, 3, b"\x87")].concat();
    for (half, reasons) in [
        (b"".to_vec(), vec![]),
        (SAYS_HELLO[..20].to_vec(), vec![]),
        ([SAYS_HELLO, &open].concat(), vec![11]),
        ([SAYS_HELLO, &get(1, "/a")[..12]].concat(), vec![11]),
        ([&whole[..], &open].concat(), vec![11]),
        ([&whole[..], &more].concat(), vec![11]),
        ([&whole[..], b"\0"].concat(), vec![11]),
    ] {
        let (served, mut raw) = Served::raw().await;
        let start = Instant::now();
        raw.say(&half).await;
        assert_eq!(raw.farewells().await, reasons, "{half:?}");
        assert!(
            start.elapsed() >= bounds.head && start.elapsed() <= 2 * bounds.head,
            "{:?}",
            start.elapsed()
        );
        served.task.abort();
    }
}

/// Of a client that takes no answer, the answers are held for as long as an idle connection is.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_is_given_up() {
    let bounds = Bounds::default();
    let (served, stream) = Served::with(bounds, seat().await).await;
    let mut builder = h2::client::Builder::new();
    let mut client = Client::over(stream, builder.initial_window_size(0)).await;
    let start = Instant::now();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(taken(client.send("GET", "/large", b"").await));
    }
    for answer in answers {
        assert_eq!(reason(answer.await), Some(Reason::CANCEL));
    }
    assert!(start.elapsed() >= bounds.idle && start.elapsed() < bounds.idle + bounds.head);
    assert!(!served.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_its_whole_answer() {
    let bounds = Bounds::default();
    let (_served, stream) = Served::with(bounds, seat().await).await;
    let mut builder = h2::client::Builder::new();
    let mut client = Client::over(stream, builder.initial_window_size(16 * 1024)).await;
    let mut body = client.send("GET", "/large", b"").await.await.expect("an answer").into_body();
    let mut got = 0;
    while let Some(piece) = body.data().await {
        tokio::time::sleep(bounds.idle / 2).await;
        let piece = piece.expect("it goes on");
        body.flow_control().release_capacity(piece.len()).expect("room");
        got += piece.len();
    }
    assert_eq!(got, LARGE);
}

#[tokio::test(start_paused = true)]
async fn what_is_open_when_the_server_stops_is_answered() {
    let (served, mut client) = Served::start().await;
    let waits = client.send("GET", "/wait", b"").await;
    served.waits(1).await;
    served.stop.send(true).expect("it runs");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!served.task.is_finished());
    let error = async {
        client.requests.clone().ready().await?.send_request(asking("GET", "/b").body(()).expect("one"), true)
    };
    assert!(error.await.is_err(), "a client that was told asks no more");
    served.hall().let_go.notify_one();
    assert_eq!(taken(waits).await.expect("an answer").1, "let go");
    within_an_hour(client.driver).await.expect("it ran").expect("a farewell without a fault");
    served.ends().await;
}

/// Nor for one that never answers the ping of a farewell.
#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_idle_connections() {
    let (served, mut raw) = Served::raw().await;
    raw.say(&[SAYS_HELLO, &get(1, "/large")].concat()).await;
    raw.say(&frame(8, 0, 0, &u32::try_from(LARGE).expect("short").to_be_bytes())).await;
    raw.say(&frame(8, 0, 1, &u32::try_from(LARGE).expect("short").to_be_bytes())).await;
    raw.hear_of(1).await;
    let start = Instant::now();
    served.stop.send(true).expect("it runs");
    let (mut got, mut last) = (0, 0);
    while let Some((kind, _, payload)) = raw.hear().await {
        match kind {
            0 => got += payload.len(),
            7 => last = u32::from_be_bytes(payload[..4].try_into().expect("four")),
            _ => {}
        }
    }
    assert_eq!((got, last), (LARGE, 1), "the answer is whole, and the client knows what was the last");
    assert_eq!(start.elapsed(), Duration::ZERO);
    served.ends().await;
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_only_the_operator_is_served_and_once() {
    for (path, told) in [("/a", "no room"), ("/operator", "GET /operator 0")] {
        let connections = Connections::new(1);
        let first = connections.seat(connections.place().await.expect("a place"));
        let seat = connections.seat(connections.place().await.expect("a place beyond"));
        let (served, stream) = Served::with(Bounds::default(), seat).await;
        let mut client = Client::over(stream, &h2::client::Builder::new()).await;
        let (answer, more) = (client.send("GET", path, b"").await, client.send("GET", path, b"").await);
        assert_eq!(taken(answer).await.expect("an answer").1, told);
        // By which it knows that nothing was done.
        assert_eq!(reason(taken(more).await), Some(Reason::REFUSED_STREAM));
        within_an_hour(client.driver).await.expect("it ran").expect("a farewell without a fault");
        served.ends().await;
        drop(first);
    }
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_may_be_open_are_refused() {
    let (served, mut raw) = Served::raw().await;
    raw.say(SAYS_HELLO).await;
    for number in 0..=STREAMS {
        raw.say(&get(2 * number + 1, "/wait")).await;
    }
    let (stream, why) = raw.hear_of(3).await;
    assert_eq!((stream, why), (2 * STREAMS + 1, u32::from(Reason::REFUSED_STREAM).to_be_bytes().to_vec()));
    served.waits(STREAMS as usize).await;
    served.hall().let_go.notify_waiters();
    for _ in 0..STREAMS {
        raw.hear_of(1).await;
    }
    assert_eq!(*served.hall().waiting.borrow(), STREAMS as usize);
}

#[tokio::test(start_paused = true)]
async fn who_asks_only_to_take_it_back_is_told_to_leave() {
    let (served, mut raw) = Served::raw().await;
    let mut bytes = SAYS_HELLO.to_vec();
    for number in 0..1_000 {
        bytes.extend(get(2 * number + 1, "/a"));
        bytes.extend(frame(3, 0, 2 * number + 1, &8_u32.to_be_bytes()));
    }
    raw.say(&bytes).await;
    assert_eq!(raw.farewells().await, [11]);
    assert!(served.hall().asked.lock().expect("sound").len() <= RESETS_UNSEEN);
    served.ends().await;
}

/// Its handler is told no more: what it waited for is somebody else's.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_taken_back_is_open_no_more() {
    let bounds = Bounds::default();
    let (served, mut raw) = Served::raw().await;
    raw.say(&[SAYS_HELLO, &get(1, "/wait")].concat()).await;
    served.waits(1).await;
    let start = Instant::now();
    raw.say(&frame(3, 0, 1, &8_u32.to_be_bytes())).await;
    raw.farewells().await;
    let rested = start.elapsed();
    assert!(rested >= bounds.idle && rested <= bounds.idle + 2 * bounds.head, "{rested:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_is_no_longer_than_on_http_1() {
    let (_served, mut client) = Served::start().await;
    let mut many = asking("GET", "/a");
    for number in 0..=HEADERS {
        many = many.header(format!("x{number}"), "y");
    }
    let long = asking("GET", "/a").header("x", "y".repeat(HEAD_BYTES));
    let query = asking("GET", &format!("/a?{}", "y".repeat(60_000)));
    for (request, wanted) in [(many, 431), (long, 431), (query, 200)] {
        let (mut body, answer) = client.begin(request).await;
        fill(&mut body, b"", true).await;
        assert_eq!(answer.await.expect("an answer").status(), wanted);
    }
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
}

#[tokio::test(start_paused = true)]
async fn what_ends_one_request_ends_no_other() {
    let (_served, mut client) = Served::start().await;
    let waits = client.send("GET", "/undecided", b"").await;
    assert_eq!(client.ask("GET", "/panic", b"").await, "contained");
    // Not in a word that would have it sent once more.
    assert_eq!(reason(taken(waits).await), Some(Reason::INTERNAL_ERROR));
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
}

#[tokio::test(start_paused = true)]
async fn the_host_is_the_authority_that_is_asked() {
    let (_served, mut client) = Served::start().await;
    for (named, told) in [
        (None, "localhost"),
        (Some("localhost"), "localhost"),
        (Some("LOCALHOST"), "LOCALHOST"),
        // Nobody knows which one counts.
        (Some("evil.example"), "ambiguous"),
    ] {
        let mut asking = asking("GET", "/host");
        if let Some(named) = named {
            asking = asking.header(HOST, named);
        }
        let (mut body, answer) = client.begin(asking).await;
        fill(&mut body, b"", true).await;
        assert_eq!(taken(answer).await.expect("an answer").1, told, "{named:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_its_length_and_its_date_and_nothing_of_its_connection() {
    let (_served, mut client) = Served::start().await;
    for (method, path, length) in [("GET", "/close", "6"), ("HEAD", "/a", "9"), ("HEAD", "/large", "327680")]
    {
        let (head, mut body) = client.send(method, path, b"").await.await.expect("an answer").into_parts();
        assert_eq!(head.headers[CONTENT_LENGTH], length, "{method} {path}");
        assert!(head.headers[DATE].to_str().expect("text").ends_with(" GMT"));
        assert!(!head.headers.contains_key(CONNECTION) && !head.headers.contains_key(UPGRADE));
        assert_eq!(body.data().await.is_some(), method == "GET", "{method} {path}");
    }
}
