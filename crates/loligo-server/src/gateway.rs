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
mod convert;
#[cfg(feature = "floor")]
pub(crate) mod floor;
pub(crate) mod listener;
mod margin;
mod money;
mod nonce;
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
use crate::node::{AccountError, NodeHandle, SubmitError};
use crate::projection::FaultWord;
use crate::record::Fact;
use auth::Auth;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use listener::{Handler, Peer, Read, Received};
use loligo_engine::Timestamp;
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::v3::errors::{ErrorAnswer, NumberedError};
use loligo_wire::v3::requests::RequestError;
use loligo_wire::v3::words::Error;
use loligo_wire::ws1;
use routes::{Found, Operation, Private, Public, Routes};
use std::sync::Arc;
use ws::{Feeds, Handshake};

/// Answers requests of the dialect and, beside it, of the control surface.
pub(crate) struct Gateway {
    node: NodeHandle,
    auth: Arc<Auth>,
    routes: Routes,
    control: Control,
    feeds: Arc<Feeds>,
}

/// Why a request has no success to tell.
#[derive(Debug)]
enum Failure {
    /// A word, with HTTP 200.
    Word(ErrorAnswer),
    /// A number, with HTTP 500: the contract's form for preferences.
    Numbered(NumberedError),
    /// Nobody knows what happened: the connection closes without an answer.
    Undecided,
}

impl From<ErrorAnswer> for Failure {
    fn from(error: ErrorAnswer) -> Self {
        Self::Word(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Word(error.into())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::Word(error.into())
    }
}

impl From<NumberedError> for Failure {
    fn from(error: NumberedError) -> Self {
        Self::Numbered(error)
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Undecided => Self::Undecided,
            SubmitError::Overloaded
            | SubmitError::Unavailable
            | SubmitError::Stopped
            | SubmitError::BatchTooLarge => Error::Unavailable.into(),
        }
    }
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
        Self { node, auth, routes: Routes::new(), control, feeds }
    }

    async fn answer(&self, request: &Received) -> Option<Response<Full<Bytes>>> {
        let arrived = self.node.now();
        let path = request.head.uri.path();
        let Some(found) = self.routes.find(&request.head.method, path) else {
            return Some(self.unknown_path());
        };
        let (status, body) = match self.serve(&found, request, arrived).await {
            Ok(success) => return Some(success.into_response()),
            Err(Failure::Word(error)) => {
                // The list of words of this route is closed (rules 2.4).
                let closed = found.operation == Operation::Private(Private::OrdersStatus);
                let error = if closed { error.bare() } else { error };
                (status_of(found.operation, error.error), self.error(error))
            }
            Err(Failure::Numbered(error)) => (StatusCode::INTERNAL_SERVER_ERROR, self.numbered(&error)),
            Err(Failure::Undecided) => return None,
        };
        Some(response(status, body))
    }

    async fn serve(
        &self,
        found: &Found<'_>,
        request: &Received,
        arrived: Timestamp,
    ) -> Result<Success, Failure> {
        if self.is_out(found.name) {
            return Err(Error::Unavailable.into());
        }
        match found.operation {
            Operation::Missing => Err(Error::Unavailable.into()),
            Operation::Public(operation) => self.public(operation, found, request).await,
            Operation::Private(operation) => self.private(operation, found, request, arrived).await,
        }
    }

    /// Whether the operator took an operation out of service.
    fn is_out(&self, operation: &str) -> bool {
        self.node.views().service().out.contains(operation)
    }

    /// Tells a fault that the operator wants told to this request. One that is told for the last time is remembered as
    /// ended before anyone hears of it.
    async fn told_fault(&self, operation: &str) -> Result<(), Failure> {
        let Some(due) = self.control.faults().next(self.node.views(), operation) else { return Ok(()) };
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
        Err(match due.word {
            FaultWord::ServerError => Error::ServerError.into(),
            FaultWord::UnknownError => Error::UnknownError.into(),
        })
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
        answer
    }

    /// Answers a connection that wants to go on as a WebSocket.
    fn upgrade(&self, head: &http::request::Parts, peer: &Peer) -> Response<Full<Bytes>> {
        match self.feeds.shake_hands(&head.headers, peer) {
            Handshake::Accepted(answer) | Handshake::Refused(answer) => answer,
            Handshake::TooMany => {
                response(StatusCode::TOO_MANY_REQUESTS, self.error(Error::ApiLimitExceeded.into()))
            }
        }
    }

    /// What a read shows: everything that was acknowledged when the request came.
    async fn caught_up(&self) -> Result<Timestamp, Failure> {
        self.node.caught_up().await?;
        Ok(self.node.now())
    }
}

impl Handler for Gateway {
    async fn handle(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        match request {
            Read::Whole(Received { ref head, .. }) | Read::TooLong(ref head)
                if head.uri.path().starts_with(control::PREFIX) =>
            {
                self.control.handle(request).await
            }
            Read::Whole(Received { ref head, .. })
                if head.uri.path() == ws1::PATH && head.method == Method::GET =>
            {
                Some(self.upgrade(head, peer))
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

fn response(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
