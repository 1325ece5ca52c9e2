//! The control surface, `/loligo/v1`: the operator's verbs. Each one that changes the exchange is a journaled command, so
//! a rehearsal can be replayed.
//!
//! JSON in and out. Refusals are `{"error": "a sentence"}` with a fitting 4xx status.

mod body;
mod faults;
mod money;
mod notices;
mod operator_auth;
mod shown;
mod venue;
mod verbs;

use crate::faults::Faults;
use crate::history::History;
use crate::node::{NodeHandle, SubmitError};
use crate::operations::Operations;
use crate::request_log::{Answered, Entry, RequestLog};
use crate::transport::listener::{Peer, Read, Received};
use crate::transport::{Handler, TurnedAway};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
pub(crate) use operator_auth::OperatorAuth;
use serde_json::{Value, json};
use std::sync::Arc;

/// Bytes of a request's body.
const BODY_BYTES: usize = 64 * 1024;
/// Where the control surface lives.
const PREFIX: &str = "/loligo/";
/// Where its verbs are.
const ROOT: &str = "/loligo/v1";

/// The operator's side of a running exchange.
pub(crate) struct Control {
    node: NodeHandle,
    operator_auth: OperatorAuth,
    faults: Arc<Faults>,
    operations: Operations,
    history: Arc<History>,
    /// Held while an account is opened.
    opening: tokio::sync::Mutex<()>,
    log: Arc<RequestLog>,
}

/// Why a verb is not carried out.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    sentence: String,
}

impl Refused {
    fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    fn bad(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }
}

/// What became of a verb.
pub(crate) enum Trouble {
    /// It was refused, and nothing changed.
    Refused(Refused),
    /// Nobody knows; the connection closes without an answer.
    Undecided,
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<SubmitError> for Trouble {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Undecided => Self::Undecided,
            SubmitError::Overloaded
            | SubmitError::Unavailable
            | SubmitError::Stopped
            | SubmitError::BatchTooLarge => {
                Refused::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into()
            }
        }
    }
}

/// What the operator may ask for.
#[derive(Clone, Copy)]
enum Verb {
    Verbs,
    Health,
    Requests,
    Accounts,
    CreateAccount,
    Account,
    CreateSubaccount,
    CreateKey,
    Deposit,
    Deactivate,
    Activate,
    AllPrices,
    Prices,
    PinPrices,
    ReleasePrices,
    Smoothing,
    SetSmoothing,
    Interest,
    SetInterest,
    Clock,
    MoveClock,
    EndMoves,
    StateHash,
    Audit,
    Pool,
    SetPool,
    Markets,
    Market,
    SetMarket,
    ExpireMarket,
    ListMarket,
    CancelOrder,
    ReplaceOrder,
    Limits,
    SetLimits,
    Routes,
    Route,
    SetRoute,
    AddFault,
    Faults,
    EndFault,
    Notices,
    GiveNotice,
    EndNotice,
}

/// Every verb: method, path behind [`ROOT`], and a line about it for `GET /loligo/v1`. A part in braces names something.
#[rustfmt::skip]
const VERBS: &[(Method, &str, Verb, &str)] = &[
    (Method::GET, "", Verb::Verbs, "this list; no token needed"),
    (Method::GET, "/health", Verb::Health, "whether the exchange is well; no token needed"),
    (Method::GET, "/requests", Verb::Requests, "the last 1,000 requests that --log tells, each with the reason of its refusal"),
    (Method::GET, "/accounts", Verb::Accounts, "all accounts but the house's: uid, name, rights and public texts of their keys"),
    (Method::POST, "/accounts", Verb::CreateAccount, "opens an account: name, flex, wallets"),
    (Method::GET, "/accounts/{account}", Verb::Account, "one account by name or uid, with what its wallets hold"),
    (Method::POST, "/accounts/{account}/keys", Verb::CreateKey, "makes a key: general (full, read_only, none), withdrawal (full, none)"),
    (Method::POST, "/accounts/{account}/subaccounts", Verb::CreateSubaccount, "opens a subaccount: name, flex, wallets"),
    (Method::POST, "/accounts/{account}/deposit", Verb::Deposit, "pays in, or out: wallet, currency, amount"),
    (Method::POST, "/accounts/{account}/deactivate", Verb::Deactivate, "cancels its orders and lets it ask for nothing"),
    (Method::POST, "/accounts/{account}/activate", Verb::Activate, "lets it ask and trade again"),
    (Method::GET, "/prices", Verb::AllPrices, "index and mark of every contract, the index of every other collateral, and which of them are pinned"),
    (Method::GET, "/prices/{symbol}", Verb::Prices, "index and mark of one contract, or the index of a pair such as EUR:USD, and which of them are pinned"),
    (Method::PUT, "/prices/{symbol}", Verb::PinPrices, "pins index, mark or both; of a pair its index"),
    (Method::DELETE, "/prices/{symbol}", Verb::ReleasePrices, "releases both"),
    (Method::GET, "/smoothing", Verb::Smoothing, "over how many seconds the premium in marks is averaged"),
    (Method::PUT, "/smoothing", Verb::SetSmoothing, "sets that: seconds, 0 to 30; at 0 the newest sample of a second counts alone"),
    (Method::GET, "/interest", Verb::Interest, "what an hour of an unrealised loss above 30,000 USD costs that no USD stands behind"),
    (Method::PUT, "/interest", Verb::SetInterest, "sets it: hourly_rate, a part of one such as 0.00001; 0 is off"),
    (Method::GET, "/clock", Verb::Clock, "exchange time, where it comes from, and where it is going"),
    (Method::POST, "/clock", Verb::MoveClock, "moves a manual clock: advance_ms or set"),
    (Method::DELETE, "/clock", Verb::EndMoves, "ends a move of a manual clock where it is"),
    (Method::GET, "/state-hash", Verb::StateHash, "hashes over state and events"),
    (Method::GET, "/audit", Verb::Audit, "checks every invariant and tells the sums"),
    (Method::GET, "/pool", Verb::Pool, "what is in the pool that pays for losses beyond zero, by currency"),
    (Method::PUT, "/pool", Verb::SetPool, "sets what is in the pool of a currency: currency, amount"),
    (Method::GET, "/markets", Verb::Markets, "every contract: the state that was set, and the one in force"),
    (Method::POST, "/markets", Verb::ListMarket, "lists a contract, described as in an instruments file"),
    (Method::GET, "/markets/{symbol}", Verb::Market, "one contract: the state that was set, and the one in force"),
    (Method::PUT, "/markets/{symbol}", Verb::SetMarket, "sets its state: open, suspended, post_only, inactive, pre_launch; with `at` it is announced, and set then"),
    (Method::POST, "/markets/{symbol}/expire", Verb::ExpireMarket, "lets a dated contract expire now; delists a perpetual: post-only at once, settled 15 minutes later"),
    (Method::POST, "/orders/{order}/cancel", Verb::CancelOrder, "cancels an order by its id"),
    (Method::POST, "/orders/{order}/replace", Verb::ReplaceOrder, "cancels a trailing stop and places it anew"),
    (Method::GET, "/limits", Verb::Limits, "what was set, and what is in force (for ?account=NAME, ?symbol=SYMBOL)"),
    (Method::PUT, "/limits", Verb::SetLimits, "sets limits, for all or for an account, a symbol or both"),
    (Method::GET, "/routes", Verb::Routes, "every operation of the API: where it is, whether it is built and in service"),
    (Method::GET, "/routes/{operation}", Verb::Route, "one operation of the API"),
    (Method::PUT, "/routes/{operation}", Verb::SetRoute, "takes an operation out of service, or back: available"),
    (Method::GET, "/faults", Verb::Faults, "faults that wait to be told, and operations out of service"),
    (Method::POST, "/faults", Verb::AddFault, "adds a fault: kind, and what it needs"),
    (Method::DELETE, "/faults/{fault}", Verb::EndFault, "ends a fault that waits"),
    (Method::GET, "/notifications", Verb::Notices, "notices that clients are told"),
    (Method::POST, "/notifications", Verb::GiveNotice, "gives clients a notice: type, priority, note, effective_time, expected_downtime_minutes"),
    (Method::DELETE, "/notifications/{id}", Verb::EndNotice, "takes a notice back"),
];

/// The verb of a method and path, and what the path names.
fn verb<'p>(method: &Method, path: &'p str) -> Result<(Verb, &'p str), Refused> {
    let behind = path.strip_prefix(ROOT).map(|behind| behind.strip_suffix('/').unwrap_or(behind));
    let here: Vec<_> =
        VERBS.iter().filter(|(_, pattern, ..)| behind.is_some_and(|path| fits(pattern, path))).collect();
    if let Some((.., verb, _)) = here.iter().find(|(known, ..)| known == method) {
        let named = behind.and_then(|behind| behind.split('/').nth(2));
        return Ok((*verb, named.unwrap_or_default()));
    }
    if !here.is_empty() {
        let known: Vec<_> = here.iter().map(|(method, ..)| format!("{method} {path}")).collect();
        let sentence = format!("{path} does not know {method}: there is {}", known.join(" and "));
        return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, sentence));
    }
    let nearest = VERBS
        .iter()
        .min_by_key(|(known, pattern, ..)| (distance(pattern, behind.unwrap_or_default()), known != method));
    let perhaps = nearest
        .filter(|(_, pattern, ..)| distance(pattern, behind.unwrap_or_default()) <= FAR)
        .map(|(method, pattern, ..)| format!("perhaps {method} {ROOT}{pattern} is meant; "));
    let sentence = format!("there is no such verb: {}GET {ROOT} lists all", perhaps.unwrap_or_default());
    Err(Refused::new(StatusCode::NOT_FOUND, sentence))
}

/// Whether a path is one of a pattern's.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.split('/'), path.split('/'));
    pattern.clone().count() == path.clone().count()
        && pattern.zip(path).all(|(part, given)| part == given || part.starts_with('{') && !given.is_empty())
}

/// Most edits between a path and the pattern that was perhaps meant.
const FAR: usize = 5;

/// How many letters a path is away from a pattern, whatever it names; each part too many or too few counts as three.
fn distance(pattern: &str, path: &str) -> usize {
    let (mut pattern, mut path) = (pattern.split('/').skip(1), path.split('/').skip(1));
    let mut sum = 0;
    loop {
        sum += match (pattern.next(), path.next()) {
            (None, None) => return sum,
            (Some(part), Some(_)) if part.starts_with('{') => 0,
            (Some(part), Some(given)) => edits(part, given),
            (Some(_), None) | (None, Some(_)) => 3,
        };
    }
}

/// Letters to change, add or drop between two words of which the second may be of any length.
fn edits(word: &str, given: &str) -> usize {
    // Beyond this it is no slip of the pen.
    let given: Vec<char> = given.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=given.len()).collect();
    for (at, letter) in word.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (next, other) in given.iter().enumerate() {
            let changed = before + usize::from(letter != *other);
            before = row[next + 1];
            row[next + 1] = changed.min(before + 1).min(row[next] + 1);
        }
    }
    row[given.len()]
}

impl Control {
    pub(crate) fn new(
        node: NodeHandle,
        operator_auth: OperatorAuth,
        faults: Arc<Faults>,
        operations: Operations,
        history: Arc<History>,
        log: Arc<RequestLog>,
    ) -> Self {
        Self { node, operator_auth, faults, operations, history, opening: tokio::sync::Mutex::default(), log }
    }

    async fn answered(&self, request: Read) -> Option<Response<Full<Bytes>>> {
        let arrived = self.node.now();
        let (answered, head) = match request {
            Read::Whole(request) => (self.answer(&request).await, request.head),
            Read::TooLong(head) => (Err(too_long().into()), head),
        };
        match answered {
            Ok(body) => {
                // A look at the log is none of its requests.
                if self.log.tells_all() && !head.uri.path().ends_with("/requests") {
                    self.log.take(Entry::new(arrived, &head, b"", 200, Answered::Success));
                }
                Some(response(StatusCode::OK, &body))
            }
            Err(Trouble::Refused(refused)) => {
                let answer = response(refused.status, &json!({ "error": refused.sentence }));
                if self.log.tells_refusals() {
                    let told = Answered::Sentence(refused.sentence);
                    self.log.take(Entry::new(arrived, &head, b"", refused.status.as_u16(), told));
                }
                Some(answer)
            }
            Err(Trouble::Undecided) => {
                if self.log.tells_refusals() {
                    self.log.take(Entry::new(arrived, &head, b"", 0, Answered::Undecided));
                }
                None
            }
        }
    }

    async fn answer(&self, request: &Received) -> Result<Value, Trouble> {
        let (verb, named) = verb(&request.head.method, request.head.uri.path())?;
        match verb {
            Verb::Verbs => return Ok(verbs_shown()),
            Verb::Health => return Ok(self.health()),
            _ => {}
        }
        self.operator_auth.check(&request.head.headers)?;
        if request.body.len() > BODY_BYTES {
            return Err(too_long().into());
        }
        let named = &decoded(named);
        match verb {
            Verb::Verbs => Ok(verbs_shown()),
            Verb::Health => Ok(self.health()),
            Verb::Requests => Ok(self.log.shown().await),
            Verb::Accounts => Ok(self.accounts_shown()),
            Verb::Account => self.account_shown(named).await,
            Verb::AllPrices => self.all_prices().await,
            Verb::Prices => self.prices_named(named).await,
            Verb::Markets => self.markets_shown().await,
            Verb::Market => self.market(self.contract(named)?.id).await,
            Verb::Limits => self.limits_in_force(&request.head.uri).await,
            Verb::Routes => Ok(self.routes_shown()),
            Verb::Route => self.route_shown(named),
            Verb::CreateAccount => self.create_account(&request.body).await,
            Verb::CreateKey => self.create_key(named, &request.body).await,
            Verb::CreateSubaccount => self.create_subaccount(named, &request.body).await,
            Verb::Deposit => self.deposit(named, &request.body).await,
            Verb::Deactivate => self.set_active(named, false, &request.body).await,
            Verb::Activate => self.set_active(named, true, &request.body).await,
            Verb::Interest => self.interest().await,
            Verb::SetInterest => self.set_interest(&request.body).await,
            Verb::PinPrices => self.pin_prices(named, &request.body).await,
            Verb::ReleasePrices => self.release_prices(named).await,
            Verb::Smoothing => self.smoothing().await,
            Verb::SetSmoothing => self.set_smoothing(&request.body).await,
            Verb::Clock => Ok(self.clock()),
            Verb::MoveClock => self.move_clock(&request.body).await,
            Verb::EndMoves => self.end_moves(&request.body).await,
            Verb::StateHash => self.state_hash().await,
            Verb::Audit => self.audit().await,
            Verb::Pool => self.pools().await,
            Verb::SetPool => self.set_pool(&request.body).await,
            Verb::SetMarket => self.set_market(named, &request.body).await,
            Verb::ExpireMarket => self.expire_market(named, &request.body).await,
            Verb::ListMarket => self.list_market(&request.body).await,
            Verb::CancelOrder => self.cancel_order(named, &request.body).await,
            Verb::ReplaceOrder => self.replace_order(named, &request.body).await,
            Verb::SetLimits => self.set_limits(&request.body).await,
            Verb::SetRoute => self.set_route(named, &request.body).await,
            Verb::AddFault => self.add_fault(&request.body).await,
            Verb::Faults => Ok(self.faults_shown()),
            Verb::EndFault => self.end_fault(named, &request.body).await,
            Verb::Notices => Ok(self.notices_shown()),
            Verb::GiveNotice => self.give_notice(&request.body).await,
            Verb::EndNotice => self.end_notice(named, &request.body).await,
        }
    }
}

impl Handler for Control {
    fn serves(&self, path: &str) -> bool {
        path.starts_with(PREFIX)
    }

    fn serves_the_operator(&self) -> bool {
        true
    }

    async fn handle(&self, request: Read, _: &Peer) -> Option<Response<Full<Bytes>>> {
        self.answered(request).await
    }

    fn turned_away(&self, head: &http::request::Parts, why: TurnedAway) -> Response<Full<Bytes>> {
        let status = match why {
            TurnedAway::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            TurnedAway::Ambiguous(_) => StatusCode::BAD_REQUEST,
        };
        if self.log.tells_refusals() {
            let told = Answered::Sentence(why.sentence().to_owned());
            self.log.take(Entry::new(self.node.now(), head, b"", status.as_u16(), told));
        }
        response(status, &json!({ "error": why.sentence() }))
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        let sentence = "a fault inside the exchange: LOLIGO_TRACE=debug shows more at its standard error";
        response(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": sentence }))
    }
}

/// All verbs, for who does not know them.
fn verbs_shown() -> Value {
    let verbs = VERBS.iter().map(|(method, path, _, line)| {
        json!({ "method": method.as_str(), "path": format!("{ROOT}{path}"), "does": line })
    });
    let answers =
        r#"JSON; a refusal is {"error": "a sentence"}; the token goes into `Authorization: Bearer TOKEN`"#;
    json!({ "verbs": verbs.collect::<Vec<_>>(), "answers": answers })
}

/// What a part of a path names: an account's name may hold what a path may not.
fn decoded(part: &str) -> String {
    let token = loligo_wire::args::Value::new(part.as_bytes()).token();
    let text = token.ok().and_then(|bytes| String::from_utf8(bytes.into_owned()).ok());
    // What is not encoded as it should be names nothing either way.
    text.unwrap_or_else(|| part.to_owned())
}

fn too_long() -> Refused {
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long")
}

fn response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
