//! Requests that only look: market data, and lists of one's own fills.

use super::argument::{flag, one, opt_time, required};
use super::{RequestError, Symbol};
use crate::args::Args;
use crate::time::Timestamp;
use crate::v3::words::ContractType;

/// `GET /orderbook`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderBook {
    /// The market.
    pub symbol: Symbol,
}

impl OrderBook {
    /// Reads the request.
    ///
    /// # Errors
    /// A missing symbol, or one that cannot be one.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        Ok(Self { symbol: required_symbol(args)? })
    }
}

/// `GET /history`: the last public trades of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// The market.
    pub symbol: Symbol,
    /// Only trades before this time.
    pub last_time: Option<Timestamp>,
    /// Whether the regulatory members are asked for.
    pub include_mtf_data: bool,
}

impl History {
    /// Reads the request.
    ///
    /// # Errors
    /// What is missing, before what cannot be read.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        Ok(Self {
            symbol: required_symbol(args)?,
            last_time: opt_time(one(args, "lastTime")?, "lastTime")?,
            include_mtf_data: flag(one(args, "includeMTFData")?, "includeMTFData")?,
        })
    }
}

/// `GET /historical-funding-rates`, and its older path: the funding rates of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingRates {
    /// The market.
    pub symbol: Symbol,
}

impl FundingRates {
    /// Reads the request.
    ///
    /// # Errors
    /// When the symbol is missing, or cannot be read.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        Ok(Self { symbol: required_symbol(args)? })
    }
}

/// `GET /tickers`. Empty lists ask for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tickers {
    /// The markets.
    pub symbols: Vec<Symbol>,
    /// The families.
    pub contract_types: Vec<ContractType>,
}

impl Tickers {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] for a symbol that cannot be one, or a family that is none.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        Ok(Self { symbols: list(args, "symbol", Symbol::parse)?, contract_types: contract_types(args)? })
    }
}

/// `GET /instruments`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instruments {
    /// The families; all when empty.
    pub contract_types: Vec<ContractType>,
    /// Whether expired markets are asked for too.
    pub expired: bool,
}

impl Instruments {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] for what cannot be read.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        Ok(Self { contract_types: contract_types(args)?, expired: flag(one(args, "expired")?, "expired")? })
    }
}

/// `GET /trading/instruments`: the markets as the caller's account sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TradingInstruments {
    /// The families; all when empty.
    pub contract_types: Vec<ContractType>,
}

impl TradingInstruments {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] for a family that is none.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        Ok(Self { contract_types: contract_types(args)? })
    }
}

/// `GET /instruments/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstrumentsStatus {
    /// The families; all when empty.
    pub contract_types: Vec<ContractType>,
}

impl InstrumentsStatus {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] for a family that is none.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        Ok(Self { contract_types: contract_types(args)? })
    }
}

/// `GET /fills`: one's own fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fills {
    /// Only fills before this time.
    pub last_fill_time: Option<Timestamp>,
}

impl Fills {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] if the time is none.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let last_fill_time = one(args, "lastFillTime")?;
        Ok(Self { last_fill_time: opt_time(last_fill_time, "lastFillTime")? })
    }
}

fn required_symbol(args: &Args<'_>) -> Result<Symbol, RequestError> {
    required(one(args, "symbol")?, "symbol")?.symbol()
}

fn contract_types(args: &Args<'_>) -> Result<Vec<ContractType>, RequestError> {
    list(args, "contractType", ContractType::from_word)
}

/// All elements of a list, repeated or comma-joined; empty ones are none.
fn list<T>(
    args: &Args<'_>,
    name: &'static str,
    from_word: fn(&str) -> Option<T>,
) -> Result<Vec<T>, RequestError> {
    let mut elements = Vec::new();
    for value in args.list(name) {
        let text = value.text().map_err(|_| RequestError::InvalidArgument(name))?;
        for word in text.split(',').filter(|word| !word.is_empty()) {
            elements.push(from_word(word).ok_or(RequestError::InvalidArgument(name))?);
        }
    }
    Ok(elements)
}
