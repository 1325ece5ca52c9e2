//! How a command that the engine refuses is told: with a word where money is moved, with a number where a preference is set.

use super::outcomes::unexpected;
use crate::dialects::kraken::Failure;
use loligo_engine::{Outcome, Refusal};
use loligo_wire::v3::errors::NumberedError;
use loligo_wire::v3::words::Error;

/// How a refusal travels.
enum Telling {
    Word(Error),
    Number(NumberedError),
    /// None of this dialect's commands comes to it.
    Unheard,
}

/// What is told of a command that was not carried out; of an outcome that its command does not come to, that something is
/// wrong.
pub(crate) fn refused(outcome: Outcome) -> Failure {
    let Outcome::Refused(refusal) = outcome else { return unexpected(&outcome).into() };
    match telling(&refusal) {
        Telling::Word(error) => Failure::Refused(error, refusal),
        Telling::Number(error) => error.into(),
        Telling::Unheard => unexpected(&Outcome::Refused(refusal)).into(),
    }
}

fn telling(refusal: &Refusal) -> Telling {
    match refusal {
        // A positive amount beyond the greatest is one that no wallet has.
        Refusal::InsufficientFunds | Refusal::InvalidAmount => Telling::Word(Error::InsufficientFunds),
        // The wallet that takes would hold more than one may.
        Refusal::AmountOutOfRange => Telling::Word(Error::InvalidAmount),
        Refusal::WrongCurrency => Telling::Word(Error::InvalidUnit),
        Refusal::UnknownPair => Telling::Word(Error::InvalidAccount),
        Refusal::UnknownAccount => Telling::Word(Error::NotFound),
        // Of the family, but not this account's to move; or the master's alone to set for its family (rules 1.10).
        Refusal::ForeignAccount | Refusal::NotMaster => Telling::Word(Error::AuthenticationError),
        // Preferences (rest-notes 4).
        Refusal::WouldLiquidate => Telling::Number(NumberedError::WOULD_CAUSE_LIQUIDATION),
        Refusal::UnknownInstrument => Telling::Number(NumberedError::CONTRACT_DOES_NOT_EXIST),
        Refusal::NotMultiCollateral => Telling::Number(NumberedError::CONTRACT_NOT_MULTI_COLLATERAL),
        Refusal::MarginShort => Telling::Number(NumberedError::INSUFFICIENT_MARGIN),
        Refusal::LeverageOutOfRange => Telling::Number(NumberedError::MAX_LEVERAGE_OUT_OF_BOUNDS),
        Refusal::Genesis
        | Refusal::NestedSubaccount
        | Refusal::MixedFamily
        | Refusal::PriceOutOfRange
        | Refusal::UnknownOrder
        | Refusal::NoTrailingStop
        | Refusal::NotSubaccount
        | Refusal::Expired
        | Refusal::Listing(_) => Telling::Unheard,
    }
}
