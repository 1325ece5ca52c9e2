//! The dialect's door: connections in, checked requests on, answers out; and in [`ws`] what connections are told as it
//! happens.
//!
//! ```text
//! listener -> route -> required arguments -> key, signature, right -> nonce -> rate -> arguments -> node -> answer
//! ```
//!
//! Errors travel with HTTP 200 and a word. Another status has only: an unknown path, or a method that the contract does
//! not have there (404, numbered); on `/tickers/{symbol}` a symbol that is unknown (404, `notFound`) or has no market
//! now (404, `marketUnavailable`); and a preference that is refused (500, numbered).
//!
//! What the operator asked for stands where the true thing would: an operation out of service answers `Unavailable`
//! before anything is looked at, a fault is told once key, nonce and rate were found good.

pub(crate) mod auth;
pub(crate) mod bounds;
pub(crate) mod convert;
mod failure;
#[cfg(feature = "floor")]
pub(crate) mod floor;
pub(crate) mod listener;
mod margin;
mod money;
mod nonce;
pub(crate) mod origin;
mod private;
mod public;
mod rates;
pub(crate) mod real_time;
pub(crate) mod routes;
mod settings;
mod trading;
pub(crate) mod wallets;
pub(crate) mod ws;

use crate::control::{self, Control};
use crate::node::{AccountError, NodeHandle};
use crate::record::Fact;
use crate::request_log::{Entry, Notebook, RequestLog, Told};
use auth::Auth;
use bytes::Bytes;
pub(crate) use failure::Failure;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CONNECTION, CONTENT_TYPE,
};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use listener::{Handler, Peer, Read, Received};
use loligo_engine::Timestamp;
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::v3::errors::{ErrorAnswer, NumberedError};
use loligo_wire::v3::words::Error;
use loligo_wire::ws1;
use routes::{Found, Operation, Private, Public, Routes};
use std::sync::Arc;
use ws::{Feeds, Handshake, Sentence};

/// Answers requests of the dialect and, beside it, of the control surface.
pub(crate) struct Gateway {
    node: NodeHandle,
    auth: Arc<Auth>,
    routes: Routes,
    control: Control,
    feeds: Arc<Feeds>,
    log: Arc<RequestLog>,
}

/// The body of a success.
type Answer = Result<Vec<u8>, Failure>;

/// A success: its body, and what its head says.
struct Success {
    body: Vec<u8>,
    /// The instant of which the body does not show all rows, and no other page does.
    broken: Option<WireTime>,
}

impl From<Vec<u8>> for Success {
    fn from(body: Vec<u8>) -> Self {
        Self { body, broken: None }
    }
}

impl Success {
    fn into_response(self) -> Response<Full<Bytes>> {
        let mut answer = response(StatusCode::OK, self.body);
        if let Some(instant) = self.broken {
            let mut text = b"only the newest rows of ".to_vec();
            instant.write_millis(&mut text);
            let value = HeaderValue::from_bytes(&text).expect("a time is visible ASCII");
            answer.headers_mut().insert(INCOMPLETE.clone(), value);
        }
        answer
    }
}

/// Says of a list that it leaves something out that no other page has. The contract has no member for it.
static INCOMPLETE: HeaderName = HeaderName::from_static("loligo-incomplete");

impl Gateway {
    pub(crate) fn new(node: NodeHandle, auth: Arc<Auth>, control: Control, feeds: Arc<Feeds>) -> Self {
        let log = Arc::clone(control.log());
        Self { node, auth, routes: Routes::new(), control, feeds, log }
    }

    async fn answer(&self, request: &Received) -> Option<Response<Full<Bytes>>> {
        let arrived = self.node.now();
        let path = request.head.uri.path();
        let Some(found) = self.routes.find(&request.head.method, path) else {
            let is_preflight = request.head.method == Method::OPTIONS && self.is_public(path);
            if is_preflight {
                self.log_answer(arrived, request, StatusCode::NO_CONTENT.as_u16(), Told::Success);
                return Some(preflight());
            }
            self.log_answer(arrived, request, 404, Told::Nowhere);
            return Some(self.unknown_path());
        };
        let notebook = Notebook::new(self.log.tells_refusals());
        let mut answer = match self.serve(&found, request, arrived, &notebook).await {
            Ok(success) => {
                let told = notebook.into_notes().map_or(Told::Success, Told::Refused);
                self.log_answer(arrived, request, 200, told);
                success.into_response()
            }
            Err(failure) => {
                let answer = self.failed(&found, &failure);
                // Without an answer there is no status.
                let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
                self.log_answer(arrived, request, status, Told::Failure(failure));
                answer?
            }
        };
        if let Operation::Public(_) = found.operation {
            answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        Some(answer)
    }

    /// The answer to what failed; none when nobody knows what happened.
    fn failed(&self, found: &Found<'_>, failure: &Failure) -> Option<Response<Full<Bytes>>> {
        match (failure, failure.word()) {
            (_, Some(error)) => {
                // The list of words of this route is closed (rules 2.4).
                let closed = found.operation == Operation::Private(Private::OrdersStatus);
                let error = if closed { error.bare() } else { error };
                Some(response(status_of(found.operation, error.error), self.error(error)))
            }
            (Failure::Numbered(error), None) => {
                Some(response(StatusCode::INTERNAL_SERVER_ERROR, self.numbered(error)))
            }
            (_, None) => None,
        }
    }

    /// Whether market data is read at a path.
    fn is_public(&self, path: &str) -> bool {
        let found = self.routes.find(&Method::GET, path);
        found.is_some_and(|found| matches!(found.operation, Operation::Public(_)))
    }

    /// Hands a request with its answer to the log, if it is one that is told.
    fn log_answer(&self, arrived: Timestamp, request: &Received, status: u16, told: Told) {
        let wanted =
            if matches!(told, Told::Success) { self.log.tells_all() } else { self.log.tells_refusals() };
        if wanted {
            self.log.take(Entry::new(arrived, request, status, told));
        }
    }

    async fn serve(
        &self,
        found: &Found<'_>,
        request: &Received,
        arrived: Timestamp,
        notebook: &Notebook,
    ) -> Result<Success, Failure> {
        if self.is_out(found.name) {
            return Err(Failure::OutOfService);
        }
        match found.operation {
            Operation::Missing => Err(Failure::NotBuilt),
            Operation::Public(operation) => self.public(operation, found, request).await,
            Operation::Private(operation) => self.private(operation, found, request, arrived, notebook).await,
        }
    }

    /// Whether the operator took an operation out of service.
    fn is_out(&self, operation: &str) -> bool {
        self.node.views().service().out.contains(operation)
    }

    /// Tells a fault that the operator wants told to this request. One that is told for the last time is remembered as
    /// ended before anyone hears of it.
    async fn told_fault(&self, operation: &str) -> Result<(), Failure> {
        let Some(due) = self.control.faults().next(&self.node.views(), operation) else { return Ok(()) };
        if let Some(fault) = due.ended {
            match self.node.record(Fact::FaultEnded { fault }).await {
                // It is not remembered as ended, so it is not told yet.
                Err(AccountError::Node(error)) => {
                    self.control.faults().untold(fault);
                    return Err(error.into());
                }
                // The operator may have taken it back at the same moment: it is told all the same.
                Ok(_)
                | Err(AccountError::Refused(_) | AccountError::Registry(_) | AccountError::NoRandomness) => {}
            }
        }
        Err(Failure::Fault(due.word))
    }

    fn error(&self, error: ErrorAnswer) -> Vec<u8> {
        let mut body = Vec::with_capacity(128);
        error.write(&mut body, convert::grid::time(self.node.now()));
        body
    }

    fn numbered(&self, error: &NumberedError) -> Vec<u8> {
        let mut body = Vec::with_capacity(160);
        error.write(&mut body, convert::grid::time(self.node.now()));
        body
    }

    fn unknown_path(&self) -> Response<Full<Bytes>> {
        response(StatusCode::NOT_FOUND, self.numbered(&NumberedError::PATH_NOT_FOUND))
    }

    /// The answer to a body over the limit, which cannot be checked any further.
    fn too_long(&self, head: &http::request::Parts) -> Response<Full<Bytes>> {
        let mut answer = match self.routes.find(&head.method, head.uri.path()) {
            None => self.unknown_path(),
            Some(Found { name, operation, .. }) => {
                let gone = operation == Operation::Missing || self.is_out(name);
                // No argument is to blame, so none is named.
                let word = if gone { Error::Unavailable } else { Error::InvalidArgument };
                response(status_of(operation, word), self.error(word.into()))
            }
        };
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if self.log.tells_refusals() {
            let status = answer.status().as_u16();
            self.log.take(Entry::of_head(self.node.now(), head, status, Told::TooLong));
        }
        answer
    }

    /// The answer to a request that is not looked into, if there is a reason not to.
    fn turned_away(&self, request: &Read, peer: &Peer, for_operator: bool) -> Option<Response<Full<Bytes>>> {
        let (answer, sentence) = if peer.is_beyond_the_bound() && !for_operator {
            let body = self.error(Error::Unavailable.into());
            (response(StatusCode::SERVICE_UNAVAILABLE, body), "all connections that there may be are taken")
        } else if let Some(twice) = origin::ambiguity(request) {
            let body = self.numbered(&NumberedError::BAD_REQUEST);
            let answer =
                if for_operator { control::bad(twice) } else { response(StatusCode::BAD_REQUEST, body) };
            (answer, twice)
        } else {
            return None;
        };
        if self.log.tells_refusals() {
            let (status, told) = (answer.status().as_u16(), Told::Sentence(sentence.to_owned()));
            self.log.take(Entry::of_head(self.node.now(), request.head(), status, told));
        }
        Some(answer)
    }

    /// Answers a connection that wants to go on as a WebSocket.
    fn upgrade(&self, head: &http::request::Parts, peer: &Peer) -> Response<Full<Bytes>> {
        let (answer, told) = match self.feeds.shake_hands(&head.headers, peer) {
            Handshake::Accepted(answer) => (answer, Told::Success),
            Handshake::Refused(answer) => {
                let sentence = answer.extensions().get::<Sentence>().map_or("", |sentence| sentence.0);
                (answer, Told::Sentence(sentence.to_owned()))
            }
            Handshake::TooMany => {
                let sentence = "this address has as many WebSocket connections as one may have";
                let body = self.error(Error::ApiLimitExceeded.into());
                (response(StatusCode::TOO_MANY_REQUESTS, body), Told::Sentence(sentence.to_owned()))
            }
        };
        if matches!(told, Told::Sentence(_)) && self.log.tells_refusals() || self.log.tells_all() {
            self.log.take(Entry::of_head(self.node.now(), head, answer.status().as_u16(), told));
        }
        answer
    }
}

impl Handler for Gateway {
    async fn handle(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        let for_operator = request.head().uri.path().starts_with(control::PREFIX);
        if let Some(answer) = self.turned_away(&request, peer, for_operator) {
            return Some(answer);
        }
        match request {
            request if for_operator => self.control.handle(request).await,
            Read::Whole(Received { ref head, .. })
                if head.uri.path() == ws1::PATH && head.method == Method::GET =>
            {
                Some(self.upgrade(head, peer))
            }
            Read::Whole(Received { ref head, .. })
                if head.uri.path() == "/" && head.method == Method::GET =>
            {
                Some(welcome())
            }
            Read::Whole(request) => self.answer(&request).await,
            Read::TooLong(head) => Some(self.too_long(&head)),
        }
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        response(StatusCode::OK, self.error(Error::ServerError.into()))
    }
}

/// With which status a word travels. On one route the contract tells with 404 what is not there.
fn status_of(operation: Operation, word: Error) -> StatusCode {
    match (operation, word) {
        (Operation::Public(Public::Ticker), Error::NotFound | Error::MarketUnavailable) => {
            StatusCode::NOT_FOUND
        }
        (Operation::Public(_) | Operation::Private(_) | Operation::Missing, _) => StatusCode::OK,
    }
}

/// What a browser is told that asks whether a page may read market data: any page may, and nothing else.
fn preflight() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let told = answer.headers_mut();
    told.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    told.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
    told.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    // An hour, in seconds.
    told.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    answer
}

/// What this is, for who calls it with a browser.
fn welcome() -> Response<Full<Bytes>> {
    let text = concat!(
        "Loligo ",
        env!("CARGO_PKG_VERSION"),
        ", a derivatives exchange that speaks the Kraken Futures API.\n\n",
        "  /derivatives/api/v3   the API, such as /derivatives/api/v3/tickers\n",
        "  /ws/v1                its feeds, over WebSocket\n",
        "  /loligo/v1            the operator's verbs, with a line about each\n",
    );
    let mut welcome = response(StatusCode::OK, text.into());
    welcome.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    welcome
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
