//! Requests that set how an account trades.

use super::argument::{Argument, one, opt_number, required};
use super::{RequestError, Symbol};
use crate::args::Args;
use crate::decimal::Number;
use crate::v3::words::SelfTradeStrategy;

/// `PUT /self-trade-strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetSelfTradeStrategy {
    /// The new strategy.
    pub strategy: SelfTradeStrategy,
}

impl SetSelfTradeStrategy {
    /// Whether a strategy is named.
    ///
    /// # Errors
    /// [`RequestError::RequiredArgumentMissing`] if not.
    pub fn required(args: &Args<'_>) -> Result<(), RequestError> {
        present(args, "strategy")
    }

    /// Reads the request.
    ///
    /// # Errors
    /// A missing strategy, or a word that is none.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let strategy = argument(args, "strategy")?.word(SelfTradeStrategy::from_word, "strategy")?;
        Ok(Self { strategy })
    }
}

/// `GET /leveragepreferences`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeveragePreferences {
    /// Only that of this market; all when absent. It is in no published list of arguments, but clients that ask for one
    /// market send it, and take the first row for the answer.
    pub symbol: Option<Symbol>,
}

impl LeveragePreferences {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] if the symbol cannot be one.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let symbol = one(args, "symbol")?.map(Argument::symbol).transpose()?;
        Ok(Self { symbol })
    }
}

/// `PUT /leveragepreferences`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetLeveragePreference {
    /// The market.
    pub symbol: Symbol,
    /// The leverage of its isolated position; cross margin when absent. Whether the market allows it is not said.
    pub max_leverage: Option<Number>,
}

impl SetLeveragePreference {
    /// Whether a market is named.
    ///
    /// # Errors
    /// [`RequestError::RequiredArgumentMissing`] if not.
    pub fn required(args: &Args<'_>) -> Result<(), RequestError> {
        present(args, "symbol")
    }

    /// Reads the request.
    ///
    /// # Errors
    /// What is missing, before what cannot be read. A leverage that is there but empty is no number, not cross margin.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let symbol = argument(args, "symbol")?;
        let max_leverage = one(args, "maxLeverage")?;
        Ok(Self { symbol: symbol.symbol()?, max_leverage: opt_number(max_leverage, "maxLeverage")? })
    }
}

/// `PUT /subaccount/{subaccountUid}/trading-enabled`. The subaccount stands in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetTradingEnabled {
    /// Whether the subaccount may trade.
    pub trading_enabled: bool,
}

impl SetTradingEnabled {
    /// Whether it is said which.
    ///
    /// # Errors
    /// [`RequestError::RequiredArgumentMissing`] if not.
    pub fn required(args: &Args<'_>) -> Result<(), RequestError> {
        present(args, "tradingEnabled")
    }

    /// Reads the request.
    ///
    /// # Errors
    /// A missing truth value, or text that is none.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let trading_enabled = argument(args, "tradingEnabled")?
            .boolean()
            .ok_or(RequestError::InvalidArgument("tradingEnabled"))?;
        Ok(Self { trading_enabled })
    }
}

/// Whether an argument is there at all.
fn present(args: &Args<'_>, name: &'static str) -> Result<(), RequestError> {
    required(args.get(name).map(Argument::Form), name).map(drop)
}

fn argument<'a>(args: &Args<'a>, name: &'static str) -> Result<Argument<'a>, RequestError> {
    required(one(args, name)?, name)
}
