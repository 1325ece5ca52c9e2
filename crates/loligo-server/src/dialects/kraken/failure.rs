//! Why a request has no success to tell: the wire's word, and what the log may say of it.

use crate::login::Denied;
use crate::node::SubmitError;
use crate::record::FaultWord;
use loligo_engine::Refusal;
use loligo_wire::charts::{AnalyticsError, ChartsError};
use loligo_wire::history::HistoryError;
use loligo_wire::v3::errors::{ErrorAnswer, NumberedError};
use loligo_wire::v3::requests::RequestError;
use loligo_wire::v3::words::Error;

/// Why a request has no success to tell.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A word, with HTTP 200.
    Word(ErrorAnswer),
    /// `requiredArgumentMissing`, and which one.
    Missing(&'static str),
    /// Key, signature, right, nonce or rate.
    Denied(Denied),
    /// A word for a movement of money that the engine refuses.
    Refused(Error, Refusal),
    /// The node does not take it up.
    Node(SubmitError),
    /// The venue has it switched off: no such path is known.
    SwitchedOff,
    /// The operator took it out of service.
    OutOfService,
    /// The operator wants this told.
    Fault(FaultWord),
    /// A number, with HTTP 500: the contract's form for preferences.
    Numbered(NumberedError),
    /// Words as plain text, with HTTP 400: the form of the charts API.
    Charts(ChartsError),
    /// What is wrong with which arguments, with HTTP 400 or 404: the form of analytics.
    Analytics(AnalyticsError),
    /// A status and a reason: the contract's form for history.
    History(u16, HistoryError),
    /// Nobody knows what happened: the connection closes without an answer.
    Undecided,
}

impl Failure {
    /// The word that travels; none for what travels as a number, or not at all.
    pub(crate) fn word(&self) -> Option<ErrorAnswer> {
        Some(match self {
            Self::Word(answer) => *answer,
            Self::Missing(_) => Error::RequiredArgumentMissing.into(),
            Self::Denied(denied) => word_of(*denied).into(),
            Self::Refused(error, _) => (*error).into(),
            Self::Node(_) | Self::OutOfService => Error::Unavailable.into(),
            Self::Fault(FaultWord::ServerError) => Error::ServerError.into(),
            Self::Fault(FaultWord::UnknownError) => Error::UnknownError.into(),
            Self::Numbered(_)
            | Self::Charts(_)
            | Self::Analytics(_)
            | Self::History(..)
            | Self::SwitchedOff
            | Self::Undecided => return None,
        })
    }

    /// What was told, for the log.
    pub(crate) fn outcome(&self) -> String {
        match (self, self.word()) {
            (_, Some(answer)) => answer.to_string(),
            (Self::Numbered(error), None) => error.message.to_owned(),
            (Self::SwitchedOff, None) => "404".to_owned(),
            (Self::Charts(error), None) => error.to_string(),
            (Self::Analytics(error), None) => error.to_string(),
            (Self::History(_, error), None) => error.status.to_owned(),
            _ => "no answer".to_owned(),
        }
    }
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
        match error {
            RequestError::RequiredArgumentMissing(name) => Self::Missing(name),
            RequestError::InvalidArgument(_) | RequestError::JsonParseError => Self::Word(error.into()),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<NumberedError> for Failure {
    fn from(error: NumberedError) -> Self {
        Self::Numbered(error)
    }
}

impl From<ChartsError> for Failure {
    fn from(error: ChartsError) -> Self {
        Self::Charts(error)
    }
}

impl From<AnalyticsError> for Failure {
    fn from(error: AnalyticsError) -> Self {
        Self::Analytics(error)
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Undecided => Self::Undecided,
            SubmitError::Overloaded
            | SubmitError::Unavailable
            | SubmitError::Stopped
            | SubmitError::BatchTooLarge => Self::Node(error),
        }
    }
}

/// The word for who is not let in.
fn word_of(denied: Denied) -> Error {
    match denied {
        Denied::UnknownKey | Denied::BadSignature | Denied::NoRight(_) | Denied::BadNonce => {
            Error::AuthenticationError
        }
        Denied::NonceBelowThreshold { .. } => Error::NonceBelowThreshold,
        Denied::NonceDuplicate { .. } => Error::NonceDuplicate,
        Denied::RateExceeded { .. } => Error::ApiLimitExceeded,
    }
}
