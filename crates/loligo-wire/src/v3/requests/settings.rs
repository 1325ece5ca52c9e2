//! Requests that set how an account trades.

use std::borrow::Cow;

use super::argument::{Argument, Found, Only, one, opt_number, required, slots};
use super::{Request, RequestError, Symbol};
use crate::args::Args;
use crate::decimal::Number;
use crate::v3::words::SelfTradeStrategy;

/// `PUT /self-trade-strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetSelfTradeStrategy {
    /// The new strategy.
    pub strategy: SelfTradeStrategy,
}

impl<'a> Request<'a> for SetSelfTradeStrategy {
    type Found = Only<'a>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        Only::find(args, "strategy")
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let strategy = found.read(|value| SelfTradeStrategy::from_word(&value.text().ok()?))?;
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

slots! {
    struct LeverageSlots {
        symbol = "symbol",
        max_leverage = "maxLeverage",
    }
}

/// A leverage that is there but empty is no number, not cross margin.
impl<'a> Request<'a> for SetLeveragePreference {
    type Found = Found<LeverageSlots<'a>, Argument<'a>>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        LeverageSlots::find(args, |slots| required(slots.symbol, "symbol"))
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let (symbol, slots) = found.one()?;
        Ok(Self { symbol: symbol.symbol()?, max_leverage: opt_number(slots.max_leverage, "maxLeverage")? })
    }
}

/// `GET /pnlpreferences`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PnlPreferences {
    /// Only that of this market; all when absent. It is in no published list of arguments.
    pub symbol: Option<Symbol>,
}

impl PnlPreferences {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] if the symbol cannot be one.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let symbol = one(args, "symbol")?.map(Argument::symbol).transpose()?;
        Ok(Self { symbol })
    }
}

/// `PUT /pnlpreferences`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetPnlPreference<'a> {
    /// The market.
    pub symbol: Symbol,
    /// The currency of its gains, as it was sent. Whether there is one of that name is not said.
    pub currency: Cow<'a, str>,
}

slots! {
    struct PnlSlots {
        symbol = "symbol",
        currency = "pnlPreference",
    }
}

impl<'a> Request<'a> for SetPnlPreference<'a> {
    type Found = Found<PnlSlots<'a>, (Argument<'a>, Argument<'a>)>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        PnlSlots::find(args, |slots| {
            Ok((required(slots.symbol, "symbol")?, required(slots.currency, "pnlPreference")?))
        })
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let ((symbol, currency), _) = found.one()?;
        Ok(Self {
            symbol: symbol.symbol()?,
            currency: currency.text().map_err(|_| RequestError::InvalidArgument("pnlPreference"))?,
        })
    }
}

/// `PUT /rfq-assignment/max-leverage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetOffBookLeverage {
    /// The cap of what fills off the book. Whether it is one is not said.
    pub max_leverage: Number,
}

impl<'a> Request<'a> for SetOffBookLeverage {
    type Found = Only<'a>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        Only::find(args, "maxLeverage")
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        Ok(Self { max_leverage: found.read(|value| value.number().ok())? })
    }
}

/// `PUT /subaccount/{subaccountUid}/trading-enabled`. The subaccount stands in the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetTradingEnabled {
    /// Whether the subaccount may trade.
    pub trading_enabled: bool,
}

impl<'a> Request<'a> for SetTradingEnabled {
    type Found = Only<'a>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        Only::find(args, "tradingEnabled")
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        Ok(Self { trading_enabled: found.read(Argument::boolean)? })
    }
}
