//! Requests that ask what an order would need, without sending it.

use super::argument::{Argument, Found, opt_number, required, slots};
use super::{Request, RequestError, Symbol};
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

/// Required is also the limit price of a limit order.
impl<'a> Request<'a> for InitialMargin {
    type Found = Found<InitialMarginSlots<'a>, [Argument<'a>; 4]>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        InitialMarginSlots::find(args, Self::required_slots)
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let ([order_type, symbol, side, size], slots) = found.one()?;
        Ok(Self {
            limit_price: limit_price(order_type, slots.limit_price)?,
            side: side.word(Side::from_word, "side")?,
            symbol: symbol.symbol()?,
            size: size.number().map_err(|NotANumber| RequestError::InvalidArgument("size"))?,
        })
    }
}

impl InitialMargin {
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

/// Required is also the limit price of a limit order.
impl<'a> Request<'a> for MaxOrderSize {
    type Found = Found<MaxOrderSizeSlots<'a>, [Argument<'a>; 2]>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        MaxOrderSizeSlots::find(args, Self::required_slots)
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let ([order_type, symbol], slots) = found.one()?;
        Ok(Self { limit_price: limit_price(order_type, slots.limit_price)?, symbol: symbol.symbol()? })
    }
}

impl MaxOrderSize {
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
