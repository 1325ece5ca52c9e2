//! Requests that ask what an order would need, without sending it.

use super::argument::{Argument, opt_number, required, slots};
use super::{RequestError, Symbol};
use crate::args::Args;
use crate::decimal::{NotANumber, Number};
use crate::v3::words::{OrderType, Side};

/// `GET /initialmargin`: the margin that an order would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialMargin {
    /// The market.
    pub symbol: Symbol,
    /// The side.
    pub side: Side,
    /// Base units.
    pub size: Number,
    /// The limit price of a limit order; none for a market order.
    pub limit_price: Option<Number>,
}

slots! {
    struct InitialMarginSlots {
        order_type = "orderType",
        symbol = "symbol",
        side = "side",
        size = "size",
        limit_price = "limitPrice",
    }
}

impl InitialMargin {
    /// Whether all required arguments are there, the limit price of a limit order included.
    ///
    /// # Errors
    /// [`RequestError::RequiredArgumentMissing`] with the first that is not.
    pub fn required(args: &Args<'_>) -> Result<(), RequestError> {
        Self::required_slots(&InitialMarginSlots::read(args)).map(drop)
    }

    /// Reads the request.
    ///
    /// # Errors
    /// What is missing, before what cannot be read.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let slots = InitialMarginSlots::read_one(args)?;
        let [order_type, symbol, side, size] = Self::required_slots(&slots)?;
        Ok(Self {
            limit_price: limit_price(order_type, slots.limit_price)?,
            side: side.word(Side::from_word, "side")?,
            symbol: symbol.symbol()?,
            size: size.number().map_err(|NotANumber| RequestError::InvalidArgument("size"))?,
        })
    }

    fn required_slots<'a>(slots: &InitialMarginSlots<'a>) -> Result<[Argument<'a>; 4], RequestError> {
        let always = [
            required(slots.order_type, "orderType")?,
            required(slots.symbol, "symbol")?,
            required(slots.side, "side")?,
            required(slots.size, "size")?,
        ];
        required_limit_price(always[0], slots.limit_price)?;
        Ok(always)
    }
}

/// `GET /initialmargin/maxordersize`: the largest order that the margin allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxOrderSize {
    /// The market.
    pub symbol: Symbol,
    /// The limit price of a limit order; none for a market order.
    pub limit_price: Option<Number>,
}

slots! {
    struct MaxOrderSizeSlots {
        order_type = "orderType",
        symbol = "symbol",
        limit_price = "limitPrice",
    }
}

impl MaxOrderSize {
    /// Whether all required arguments are there, the limit price of a limit order included.
    ///
    /// # Errors
    /// [`RequestError::RequiredArgumentMissing`] with the first that is not.
    pub fn required(args: &Args<'_>) -> Result<(), RequestError> {
        Self::required_slots(&MaxOrderSizeSlots::read(args)).map(drop)
    }

    /// Reads the request.
    ///
    /// # Errors
    /// What is missing, before what cannot be read.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let slots = MaxOrderSizeSlots::read_one(args)?;
        let [order_type, symbol] = Self::required_slots(&slots)?;
        Ok(Self { limit_price: limit_price(order_type, slots.limit_price)?, symbol: symbol.symbol()? })
    }

    fn required_slots<'a>(slots: &MaxOrderSizeSlots<'a>) -> Result<[Argument<'a>; 2], RequestError> {
        let always = [required(slots.order_type, "orderType")?, required(slots.symbol, "symbol")?];
        required_limit_price(always[0], slots.limit_price)?;
        Ok(always)
    }
}

/// A limit order has a limit price. A type that is none requires nothing; it is told as invalid later.
fn required_limit_price(
    order_type: Argument<'_>,
    limit_price: Option<Argument<'_>>,
) -> Result<(), RequestError> {
    match order_type.word(OrderType::from_word, "orderType") {
        Ok(OrderType::Limit) => required(limit_price, "limitPrice").map(drop),
        Ok(
            OrderType::Post
            | OrderType::ImmediateOrCancel
            | OrderType::Market
            | OrderType::Stop
            | OrderType::TakeProfit
            | OrderType::TrailingStop
            | OrderType::FillOrKill,
        )
        | Err(_) => Ok(()),
    }
}

/// The limit price that an order of this type has. Only limit and market orders can be asked about; one that is sent with a
/// market order must be readable, and then does not count.
fn limit_price(
    order_type: Argument<'_>,
    limit_price: Option<Argument<'_>>,
) -> Result<Option<Number>, RequestError> {
    match order_type.word(OrderType::from_word, "orderType")? {
        OrderType::Limit => opt_number(limit_price, "limitPrice"),
        OrderType::Market => opt_number(limit_price, "limitPrice").map(|_| None),
        OrderType::Post
        | OrderType::ImmediateOrCancel
        | OrderType::Stop
        | OrderType::TakeProfit
        | OrderType::TrailingStop
        | OrderType::FillOrKill => Err(RequestError::InvalidArgument("orderType")),
    }
}
