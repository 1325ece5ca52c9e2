//! The control surface, `/loligo/v1`: the operator's verbs. Each one that changes the exchange is a journaled command, so
//! a rehearsal can be replayed.
//!
//! JSON in and out. Refusals are `{"error": "a sentence"}` with a fitting 4xx status.

mod body;
mod door;
mod faults;
mod venue;
mod verbs;

use crate::gateway::bounds::CONTROL_BODY_BYTES;
use crate::gateway::listener::{Read, Received};
use crate::gateway::origin::Origins;
use crate::node::{NodeHandle, SubmitError};
use bytes::Bytes;
use door::Door;
use faults::Faults;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where the control surface lives.
pub(crate) const PREFIX: &str = "/loligo/";

/// The operator's side of a running exchange.
pub(crate) struct Control {
    node: NodeHandle,
    door: Door,
    faults: Faults,
    /// Held while an account is opened.
    opening: tokio::sync::Mutex<()>,
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

#[derive(Clone, Copy)]
enum Verb {
    Health,
    CreateAccount,
    CreateSubaccount,
    CreateKey,
    Deposit,
    Deactivate,
    Activate,
    PinPrices,
    ReleasePrices,
    Clock,
    MoveClock,
    EndMoves,
    StateHash,
    Audit,
    SetMarket,
    ExpireMarket,
    ListMarket,
    CancelOrder,
    ReplaceOrder,
    SetLimits,
    SetRoute,
    AddFault,
    Faults,
    EndFault,
}

/// The verb of a method and path, and what the path names. `Err(true)` when the path is right and the method is not.
fn verb<'p>(method: &Method, path: &'p str) -> Result<(Verb, &'p str), bool> {
    let parts: Vec<&str> = path.strip_prefix("/loligo/v1/").ok_or(false)?.split('/').collect();
    let table: &[(Method, Verb)] = match parts[..] {
        ["health"] => &[(Method::GET, Verb::Health)],
        ["accounts"] => &[(Method::POST, Verb::CreateAccount)],
        ["accounts", _, "keys"] => &[(Method::POST, Verb::CreateKey)],
        ["accounts", _, "subaccounts"] => &[(Method::POST, Verb::CreateSubaccount)],
        ["accounts", _, "deposit"] => &[(Method::POST, Verb::Deposit)],
        ["accounts", _, "deactivate"] => &[(Method::POST, Verb::Deactivate)],
        ["accounts", _, "activate"] => &[(Method::POST, Verb::Activate)],
        ["prices", _] => &[(Method::PUT, Verb::PinPrices), (Method::DELETE, Verb::ReleasePrices)],
        ["clock"] => {
            &[(Method::GET, Verb::Clock), (Method::POST, Verb::MoveClock), (Method::DELETE, Verb::EndMoves)]
        }
        ["state-hash"] => &[(Method::GET, Verb::StateHash)],
        ["audit"] => &[(Method::GET, Verb::Audit)],
        ["markets"] => &[(Method::POST, Verb::ListMarket)],
        ["markets", _] => &[(Method::PUT, Verb::SetMarket)],
        ["markets", _, "expire"] => &[(Method::POST, Verb::ExpireMarket)],
        ["orders", _, "cancel"] => &[(Method::POST, Verb::CancelOrder)],
        ["orders", _, "replace"] => &[(Method::POST, Verb::ReplaceOrder)],
        ["limits"] => &[(Method::PUT, Verb::SetLimits)],
        ["routes", _] => &[(Method::PUT, Verb::SetRoute)],
        ["faults"] => &[(Method::GET, Verb::Faults), (Method::POST, Verb::AddFault)],
        ["faults", _] => &[(Method::DELETE, Verb::EndFault)],
        _ => return Err(false),
    };
    let (_, verb) = table.iter().find(|(candidate, _)| candidate == method).ok_or(true)?;
    Ok((*verb, parts.get(1).copied().unwrap_or_default()))
}

impl Control {
    pub(crate) fn new(node: NodeHandle, token: &str, beyond_loopback: bool, origins: Arc<Origins>) -> Self {
        let door = Door::new(token, beyond_loopback, origins);
        Self { node, door, faults: Faults::default(), opening: tokio::sync::Mutex::default() }
    }

    /// The faults that requests are to be told.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Answers a request under [`PREFIX`]; `None` when the connection must close without an answer.
    pub(crate) async fn handle(&self, request: Read) -> Option<Response<Full<Bytes>>> {
        let answered = match request {
            Read::Whole(request) => self.answer(&request).await,
            Read::TooLong(_) => Err(too_long().into()),
        };
        match answered {
            Ok(body) => Some(response(StatusCode::OK, &body)),
            Err(Trouble::Refused(refused)) => {
                Some(response(refused.status, &json!({ "error": refused.sentence })))
            }
            Err(Trouble::Undecided) => None,
        }
    }

    async fn answer(&self, request: &Received) -> Result<Value, Trouble> {
        let (verb, named) = verb(&request.head.method, request.head.uri.path()).map_err(|right_path| {
            if right_path {
                Refused::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not know this method")
            } else {
                Refused::new(StatusCode::NOT_FOUND, "there is no such control verb")
            }
        })?;
        if let Verb::Health = verb {
            return Ok(self.health());
        }
        self.door.check(&request.head.headers)?;
        if request.body.len() > CONTROL_BODY_BYTES {
            return Err(too_long().into());
        }
        match verb {
            Verb::Health => Ok(self.health()),
            Verb::CreateAccount => self.create_account(&request.body).await,
            Verb::CreateKey => self.create_key(named, &request.body).await,
            Verb::CreateSubaccount => self.create_subaccount(named, &request.body).await,
            Verb::Deposit => self.deposit(named, &request.body).await,
            Verb::Deactivate => self.set_active(named, false, &request.body).await,
            Verb::Activate => self.set_active(named, true, &request.body).await,
            Verb::PinPrices => self.pin_prices(named, &request.body).await,
            Verb::ReleasePrices => self.release_prices(named).await,
            Verb::Clock => Ok(self.clock()),
            Verb::MoveClock => self.move_clock(&request.body).await,
            Verb::EndMoves => self.end_moves(&request.body).await,
            Verb::StateHash => self.state_hash().await,
            Verb::Audit => self.audit().await,
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
        }
    }
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
