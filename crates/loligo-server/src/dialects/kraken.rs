//! The Kraken Futures API: checked requests on, answers out; and in [`feeds`] what connections are told as it happens.
//!
//! ```text
//! transport -> route -> required arguments -> key, signature, right -> nonce -> rate -> arguments -> node -> answer
//! ```
//!
//! Errors travel with HTTP 200 and a word. Another status has only: an unknown path, or a method that the contract does
//! not have there (404, numbered); on `/tickers/{symbol}` a symbol that is unknown (404, `notFound`) or has no market
//! now (404, `marketUnavailable`); a preference that is refused (500, numbered); and what the charts API refuses: of candles
//! in plain words (400), of analytics in an envelope (400, 404).
//!
//! What the operator asked for stands where the true thing would: an operation out of service answers `Unavailable`
//! before anything is looked at, a fault is told once key, nonce and rate were found good.

mod analytics;
mod bounds;
mod charts;
mod convert;
mod encoder;
mod failure;
mod feeds;
#[cfg(feature = "floor")]
pub(crate) mod floor;
mod history;
mod keys;
mod margin;
mod money;
mod notices;
mod prepared;
mod private;
mod programs;
mod public;
mod reasons;
mod routes;
mod settings;
mod signing;
#[cfg(test)]
mod tests;
mod trading;

pub(crate) use encoder::Encoder;
pub(crate) use routes::operations;

use super::Served;
use crate::charts::{Analytics, Candles};
use crate::faults::Faults;
use crate::grid::time;
use crate::history::History;
use crate::hub::Dialect;
use crate::login::{Denied, Right};
use crate::node::{AccountError, NodeHandle, SubmitError};
use crate::past::Past;
use crate::projection::Ticker;
use crate::record::{Fact, FaultWord};
use crate::request_log::{Answered, Entry, RequestLog};
use crate::transport::handshake::{Handshake, Sentence};
use crate::transport::listener::{Peer, Read, Received};
use crate::transport::outbox::Outbox;
use crate::transport::sockets::Sockets;
use crate::transport::{Handler, TurnedAway};
use bytes::Bytes;
use failure::Failure;
use feeds::{Client, Feeds};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CONNECTION, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use loligo_engine::{MarketState, Timestamp};
use loligo_wire::charts::{AnalyticsError, ChartsError};
use loligo_wire::history::HistoryError;
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::v3::errors::{ErrorAnswer, NumberedError};
use loligo_wire::v3::words::Error;
use loligo_wire::ws1;
use prepared::Prepared;
use private::KrakenRequest;
use reasons::{Notebook, Refused, Why};
use routes::{Audience, Found, Operation, Routes};
use signing::Signing;
use std::sync::Arc;

/// Answers requests of the dialect.
pub(crate) struct Kraken {
    node: NodeHandle,
    signing: Arc<Signing>,
    routes: &'static Routes,
    faults: Arc<Faults>,
    sockets: Arc<Sockets>,
    history: Arc<History>,
    feeds: Arc<Feeds>,
    log: Arc<RequestLog>,
    candles: Arc<Candles>,
    analytics: Arc<Analytics>,
    tickers: Prepared<Ticker>,
    instruments: Prepared<MarketState>,
    /// What was made up of the time before the venue began.
    made_up: Option<Arc<Past>>,
    /// What the status of orders takes: to trade, unless the operator lets in who may only ask.
    status_right: Right,
}

/// The body of a success.
type Answer = Result<Vec<u8>, Failure>;

/// A success: its body, and what its head says.
struct Success {
    body: Vec<u8>,
    shape: Shape,
}

/// What the head of a success says of its body.
enum Shape {
    /// It is JSON, and all there is.
    Whole,
    /// There is an instant of which the body does not show all rows, and no other page does.
    Broken(WireTime),
    /// It is a page of history.
    Page {
        /// Of the next page, if there is one.
        token: Option<String>,
        /// Behind which instant nothing is missing of what was asked for, if something is before.
        whole_from: Option<WireTime>,
    },
    /// It is a log.
    Log {
        /// It is comma separated text.
        is_csv: bool,
        /// As of a page.
        whole_from: Option<WireTime>,
    },
}

impl From<Vec<u8>> for Success {
    fn from(body: Vec<u8>) -> Self {
        Self { body, shape: Shape::Whole }
    }
}

impl Success {
    fn into_response(self) -> Response<Full<Bytes>> {
        let mut answer = response(StatusCode::OK, self.body);
        let head = answer.headers_mut();
        // Times, tokens and words are visible ASCII.
        let text = |text: &[u8]| HeaderValue::from_bytes(text).expect("visible ASCII");
        match self.shape {
            Shape::Whole => {}
            Shape::Broken(instant) => {
                let mut told = b"only the newest rows of ".to_vec();
                instant.write_millis(&mut told);
                head.insert(INCOMPLETE.clone(), text(&told));
            }
            Shape::Page { token, whole_from } => {
                note_missing(head, whole_from);
                head.insert(IS_TRUNCATED.clone(), text(token.is_some().to_string().as_bytes()));
                if let Some(token) = token {
                    head.insert(NEXT_TOKEN.clone(), text(token.as_bytes()));
                }
            }
            Shape::Log { is_csv, whole_from } => {
                note_missing(head, whole_from);
                if is_csv {
                    head.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
                }
            }
        }
        answer
    }
}

/// Says that history has not all of what happened up to an instant: it was not kept, or the journal from which the index was made
/// had it no more.
fn note_missing(head: &mut HeaderMap, whole_from: Option<WireTime>) {
    let Some(instant) = whole_from else { return };
    let mut told = b"only some rows up to ".to_vec();
    instant.write_millis(&mut told);
    head.insert(INCOMPLETE.clone(), HeaderValue::from_bytes(&told).expect("visible ASCII"));
}

static IS_TRUNCATED: HeaderName = HeaderName::from_static("is-truncated");
static NEXT_TOKEN: HeaderName = HeaderName::from_static("next-continuation-token");
/// In how many seconds history may be asked again.
static RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("rate-limit-reset");

/// Says of a list that it leaves something out that no other page has. The contract has no member for it.
static INCOMPLETE: HeaderName = HeaderName::from_static("loligo-incomplete");

impl Kraken {
    /// The dialect, which has this number in the hub.
    pub(crate) fn new(served: Served, dialect: Dialect) -> Self {
        let Served {
            node,
            login,
            tolerance,
            status_for_read_only_keys,
            faults,
            sockets,
            history,
            hub,
            log,
            candles,
            analytics,
            past: made_up,
        } = served;
        let (routes, signing) = (Routes::all(), Arc::new(Signing::new(Arc::clone(&login), tolerance)));
        let feeds = Feeds {
            node: node.clone(),
            signing: Arc::clone(&signing),
            login,
            log: Arc::clone(&log),
            history: Arc::clone(&history),
            hub,
            dialect,
            routes,
        };
        Self {
            node,
            signing,
            routes,
            faults,
            sockets,
            history,
            feeds: Arc::new(feeds),
            log,
            candles,
            analytics,
            tickers: Prepared::default(),
            instruments: Prepared::default(),
            made_up,
            status_right: if status_for_read_only_keys { Right::Read } else { Right::Trade },
        }
    }

    async fn answer(&self, request: &Received) -> Option<Response<Full<Bytes>>> {
        let arrived = self.node.now();
        let path = request.head.uri.path();
        let Some(found) = self.routes.find(&request.head.method, path) else {
            let is_preflight = request.head.method == Method::OPTIONS && self.is_public(path);
            if is_preflight {
                self.log_success(arrived, request, StatusCode::NO_CONTENT);
                return Some(preflight());
            }
            self.log_refusal(arrived, request, 404, || Why::Nowhere);
            return Some(self.unknown_path());
        };
        let notebook = Notebook::new(self.log.tells_refusals());
        let mut answer = match self.serve(&found, request, arrived, &notebook).await {
            Ok(success) => {
                match notebook.into_notes() {
                    None => self.log_success(arrived, request, StatusCode::OK),
                    Some(notes) => self.log_refusal(arrived, request, 200, || Why::Notes(notes)),
                }
                success.into_response()
            }
            Err(failure) => {
                let answer = self.failed(&found, &failure);
                // Without an answer there is no status.
                let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
                self.log_refusal(arrived, request, status, || Why::Failure(failure));
                answer?
            }
        };
        if found.operation.audience() == Audience::Public {
            answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        Some(answer)
    }

    /// The answer to what failed; none when nobody knows what happened.
    fn failed(&self, found: &Found<'_>, failure: &Failure) -> Option<Response<Full<Bytes>>> {
        if found.operation.is_reasoned() {
            return reasoned(failure);
        }
        match (failure, failure.word()) {
            (_, Some(error)) => {
                // The list of words of this route is closed (rules 2.4).
                let closed = found.operation == Operation::getOrderStatus;
                let error = if closed { error.bare() } else { error };
                Some(response(status_of(found.operation, error.error), self.error(error)))
            }
            (Failure::SwitchedOff, None) => Some(self.unknown_path()),
            (Failure::Charts(error), None) => Some(words(StatusCode::BAD_REQUEST, error.to_string())),
            (Failure::Analytics(error), None) => {
                let mut body = Vec::with_capacity(256);
                error.write(&mut body);
                let status = StatusCode::from_u16(error.status()).expect("a status");
                Some(response(status, body))
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
        found.is_some_and(|found| found.operation.audience() == Audience::Public)
    }

    /// Tells the log of a request that was carried out, if all are told.
    fn log_success(&self, arrived: Timestamp, request: &Received, status: StatusCode) {
        if self.log.tells_all() {
            self.log_head(arrived, &request.head, status.as_u16(), Answered::Success);
        }
    }

    /// Tells the log of a request that was refused, if those are told. Without an answer the status is 0.
    fn log_refusal(&self, arrived: Timestamp, request: &Received, status: u16, why: impl FnOnce() -> Why) {
        if self.log.tells_refusals() {
            let refused = Refused::of(self.routes, request, why());
            self.log_head(arrived, &request.head, status, Answered::Refused(Box::new(refused)));
        }
    }

    fn log_head(&self, arrived: Timestamp, head: &http::request::Parts, status: u16, told: Answered) {
        let api_key = head.headers.get(&signing::API_KEY).map_or(&[][..], |value| value.as_bytes());
        self.log.take(Entry::new(arrived, head, api_key, status, told));
    }

    async fn serve(
        &self,
        found: &Found<'_>,
        request: &Received,
        arrived: Timestamp,
        notebook: &Notebook,
    ) -> Result<Success, Failure> {
        let views = self.node.views();
        if views.service().out.contains(found.operation.name()) {
            return Err(Failure::OutOfService);
        }
        let directory = views.directory();
        let asked = KrakenRequest::new(found, request, (&views, &directory), arrived, notebook);
        let answer = self.carry_out(found.operation, asked).await;
        // What the writer or an index added may be of the branch that came after. A change is answered by what it came to.
        if found.operation.reads() && views.is_over() {
            return Err(Failure::Node(SubmitError::Unavailable));
        }
        answer
    }

    /// Whether the operator took an operation out of service.
    fn is_out(&self, operation: &str) -> bool {
        self.node.views().service().out.contains(operation)
    }

    /// Tells a fault that the operator wants told to this request. One that is told for the last time is remembered as
    /// ended before anyone hears of it.
    async fn told_fault(&self, asked: &KrakenRequest<'_>) -> Result<(), Failure> {
        let Some(due) = self.faults.next(asked.views, asked.name) else { return Ok(()) };
        if let Some(fault) = due.ended {
            match self.node.record(Fact::FaultEnded { fault }).await {
                // It is not remembered as ended, so it is not told yet.
                Err(AccountError::Node(error)) => {
                    self.faults.untold(fault);
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
        error.write(&mut body, time(self.node.now()));
        body
    }

    fn numbered(&self, error: &NumberedError) -> Vec<u8> {
        let mut body = Vec::with_capacity(160);
        error.write(&mut body, time(self.node.now()));
        body
    }

    fn unknown_path(&self) -> Response<Full<Bytes>> {
        response(StatusCode::NOT_FOUND, self.numbered(&NumberedError::PATH_NOT_FOUND))
    }

    /// The answer to a body over the limit, which cannot be checked any further.
    fn too_long(&self, head: &http::request::Parts) -> Response<Full<Bytes>> {
        let found = self.routes.find(&head.method, head.uri.path());
        let refused = found.and_then(|found| {
            let failure = if self.is_out(found.operation.name()) {
                Failure::OutOfService
            } else {
                found.operation.not_served().unwrap_or_else(|| too_many_arguments(head.uri.path()))
            };
            self.failed(&found, &failure)
        });
        let mut answer = refused.unwrap_or_else(|| self.unknown_path());
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if self.log.tells_refusals() {
            let told = Answered::Refused(Box::new(Refused::new(self.routes, Why::TooLong)));
            self.log_head(self.node.now(), head, answer.status().as_u16(), told);
        }
        answer
    }

    /// Who speaks on a connection, once it is a WebSocket.
    fn conversation(&self) -> impl FnOnce(Arc<Outbox>) -> Client + Send + 'static {
        let feeds = Arc::clone(&self.feeds);
        move |outbox| Client::new(feeds, outbox)
    }

    /// Answers a connection that wants to go on as a WebSocket.
    fn upgrade(&self, head: &http::request::Parts, peer: &Peer) -> Response<Full<Bytes>> {
        let (answer, told) = match self.sockets.shake_hands(&head.headers, peer, self.conversation()) {
            Handshake::Accepted(answer) => (answer, Answered::Success),
            Handshake::Refused(answer) => {
                let sentence = answer.extensions().get::<Sentence>().map_or("", |sentence| sentence.0);
                (answer, Answered::Sentence(sentence.to_owned()))
            }
            Handshake::TooMany => {
                let sentence = "this address has as many WebSocket connections as one may have";
                let body = self.error(Error::ApiLimitExceeded.into());
                (response(StatusCode::TOO_MANY_REQUESTS, body), Answered::Sentence(sentence.to_owned()))
            }
        };
        if matches!(told, Answered::Sentence(_)) && self.log.tells_refusals() || self.log.tells_all() {
            self.log_head(self.node.now(), head, answer.status().as_u16(), told);
        }
        answer
    }
}

impl Handler for Kraken {
    fn serves(&self, path: &str) -> bool {
        let own = |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.starts_with('/'));
        path == "/" || path == ws1::PATH || own("/derivatives") || own("/api")
    }

    async fn handle(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        match request {
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

    fn turned_away(&self, head: &http::request::Parts, why: TurnedAway) -> Response<Full<Bytes>> {
        let answer = match why {
            TurnedAway::NoRoom => {
                response(StatusCode::SERVICE_UNAVAILABLE, self.error(Error::Unavailable.into()))
            }
            TurnedAway::Ambiguous(_) => {
                response(StatusCode::BAD_REQUEST, self.numbered(&NumberedError::BAD_REQUEST))
            }
        };
        if self.log.tells_refusals() {
            let told = Answered::Sentence(why.sentence().to_owned());
            self.log_head(self.node.now(), head, answer.status().as_u16(), told);
        }
        answer
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        response(StatusCode::OK, self.error(Error::ServerError.into()))
    }
}

/// The answer, by a status and a reason, to a request that failed; none when nobody knows what happened.
fn reasoned(failure: &Failure) -> Option<Response<Full<Bytes>>> {
    let (status, error) = match failure {
        Failure::History(status, error) => (*status, error.clone()),
        Failure::Denied(Denied::RateExceeded { wait, .. }) => {
            let mut answer = response(StatusCode::TOO_MANY_REQUESTS, b"apiLimitExceeded".to_vec());
            let seconds = wait.div_ceil(1_000_000);
            answer.headers_mut().insert(RATE_LIMIT_RESET.clone(), HeaderValue::from(seconds));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            return Some(answer);
        }
        Failure::Denied(_) => (401, HistoryError::unauthorized()),
        Failure::Undecided => return None,
        Failure::OutOfService => (503, HistoryError::unavailable("the operator took this out of service")),
        Failure::Fault(FaultWord::ServerError) => {
            (503, HistoryError::unavailable(Error::ServerError.as_str()))
        }
        Failure::Fault(FaultWord::UnknownError) => {
            (503, HistoryError::unavailable(Error::UnknownError.as_str()))
        }
        Failure::Word(error) if error.error == Error::AccountInactive => (401, HistoryError::unauthorized()),
        Failure::Word(error) => (400, HistoryError::bad_request(error.to_string())),
        Failure::Missing(_)
        | Failure::Refused(..)
        | Failure::Node(_)
        | Failure::SwitchedOff
        | Failure::Numbered(_)
        | Failure::Charts(_)
        | Failure::Analytics(_) => (503, HistoryError::unavailable("the exchange cannot answer now")),
    };
    let mut body = Vec::with_capacity(128);
    error.write(&mut body);
    Some(response(StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE), body))
}

/// What is refused of a request with more arguments than are read. No argument is to blame, so none is named.
fn too_many_arguments(path: &str) -> Failure {
    match path.strip_prefix(loligo_wire::charts::PATH) {
        Some(rest) if rest.starts_with("/analytics/") => AnalyticsError::Arguments(Vec::new()).into(),
        Some(_) => ChartsError::Arguments.into(),
        None => Error::InvalidArgument.into(),
    }
}

/// With which status a word travels. On one route the contract tells with 404 what is not there.
fn status_of(operation: Operation, word: Error) -> StatusCode {
    match (operation, word) {
        (Operation::getTicker, Error::NotFound | Error::MarketUnavailable) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
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
    words(StatusCode::OK, text.to_owned())
}

/// An answer that is plain text.
fn words(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut answer = response(status, text.into_bytes());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

fn response(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
