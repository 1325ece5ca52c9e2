//! How a command that the engine refuses is told: with a word where money is moved, with a number where a preference is set.

use super::outcomes::at_odds;
use crate::dialects::kraken::Failure;
use loligo_engine::{
    AddProgramRefusal, LeverageRefusal, PnlPreferenceRefusal, SelfTradeRefusal, TradingRefusal,
    TransferRefusal, WithdrawRefusal,
};
use loligo_wire::v3::errors::NumberedError;
use loligo_wire::v3::words::Error;

pub(crate) fn of_transfer(refusal: TransferRefusal) -> Failure {
    let word = match refusal {
        // A positive amount beyond the greatest is one that no wallet has.
        TransferRefusal::InsufficientFunds | TransferRefusal::InvalidAmount => Error::InsufficientFunds,
        // The wallet that takes would hold more than one may.
        TransferRefusal::AmountOutOfRange => Error::InvalidAmount,
        TransferRefusal::WrongCurrency => Error::InvalidUnit,
        TransferRefusal::UnknownPair => Error::InvalidAccount,
        TransferRefusal::UnknownAccount => Error::NotFound,
        // Of the family, but not this account's to move.
        TransferRefusal::ForeignAccount => Error::AuthenticationError,
    };
    Failure::Refused(word, refusal.into())
}

pub(crate) fn of_withdrawal(refusal: WithdrawRefusal) -> Failure {
    let word = match refusal {
        WithdrawRefusal::InsufficientFunds | WithdrawRefusal::InvalidAmount => Error::InsufficientFunds,
        WithdrawRefusal::WrongCurrency => Error::InvalidUnit,
        WithdrawRefusal::UnknownPair => Error::InvalidAccount,
        WithdrawRefusal::UnknownAccount => Error::NotFound,
    };
    Failure::Refused(word, refusal.into())
}

/// The master's alone to set for its family (rules 1.10).
pub(crate) fn of_self_trade(refusal: SelfTradeRefusal) -> Failure {
    let word = match refusal {
        SelfTradeRefusal::NotMaster => Error::AuthenticationError,
        SelfTradeRefusal::UnknownAccount => Error::NotFound,
    };
    Failure::Refused(word, refusal.into())
}

/// Preferences (rest-notes 4).
pub(crate) fn of_leverage(refusal: LeverageRefusal) -> Failure {
    match refusal {
        LeverageRefusal::WouldLiquidate => NumberedError::WOULD_CAUSE_LIQUIDATION.into(),
        LeverageRefusal::UnknownInstrument => NumberedError::CONTRACT_DOES_NOT_EXIST.into(),
        LeverageRefusal::NotMultiCollateral => NumberedError::CONTRACT_NOT_MULTI_COLLATERAL.into(),
        LeverageRefusal::MarginShort => NumberedError::INSUFFICIENT_MARGIN.into(),
        LeverageRefusal::LeverageOutOfRange => NumberedError::MAX_LEVERAGE_OUT_OF_BOUNDS.into(),
        LeverageRefusal::UnknownAccount => Failure::Refused(Error::NotFound, refusal.into()),
    }
}

/// What cannot be is refused by its argument before; a program that is of no contract is so by its currencies.
pub(crate) fn of_program(refusal: AddProgramRefusal) -> Failure {
    let word = match refusal {
        AddProgramRefusal::InvalidProgram | AddProgramRefusal::TooManyPrograms => Error::InvalidArgument,
        AddProgramRefusal::UnknownAccount | AddProgramRefusal::UnknownInstrument => Error::NotFound,
    };
    Failure::Refused(word, refusal.into())
}

/// Likewise (rules 6.1).
pub(crate) fn of_pnl_preference(refusal: PnlPreferenceRefusal) -> Failure {
    match refusal {
        PnlPreferenceRefusal::WouldLiquidate => NumberedError::WOULD_CAUSE_LIQUIDATION.into(),
        PnlPreferenceRefusal::UnknownInstrument => NumberedError::CONTRACT_DOES_NOT_EXIST.into(),
        PnlPreferenceRefusal::NoPnlCurrency => NumberedError::CONTRACT_NOT_MULTI_COLLATERAL.into(),
        PnlPreferenceRefusal::UnknownCurrency => NumberedError::CURRENCY_DOES_NOT_EXIST.into(),
        PnlPreferenceRefusal::CurrencyNotEnabled => NumberedError::CURRENCY_NOT_ENABLED.into(),
        PnlPreferenceRefusal::UnknownAccount => Failure::Refused(Error::NotFound, refusal.into()),
    }
}

pub(crate) fn of_trading(refusal: TradingRefusal) -> Failure {
    match refusal {
        TradingRefusal::UnknownAccount => Failure::Refused(Error::NotFound, refusal.into()),
        // It was found among the caller's own subaccounts.
        TradingRefusal::NotSubaccount => at_odds(refusal).into(),
    }
}
