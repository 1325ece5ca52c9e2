//! Requests that place, amend and cancel orders.

use super::argument::{
    Argument, Found, flag, one, opt_number, opt_time, opt_unit, order_name, required, slots,
};
use super::{ClientOrderId, OrderName, Request, RequestError, Symbol};
use crate::args::Args;
use crate::decimal::{NotANumber, Number};
use crate::time::Timestamp;
use crate::v3::words::{DeviationUnit, OrderType, QuantityMode, Side, TriggerSignal};

/// `POST /sendorder`, and a `send` of a batch.
///
/// Arguments that the order's type does not use are read and kept all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOrder<'a> {
    /// Carry the request out before this time or not at all.
    pub process_before: Option<Timestamp>,
    /// The type.
    pub order_type: OrderType,
    /// The market.
    pub symbol: Symbol,
    /// The side.
    pub side: Side,
    /// Contracts (inverse) or base units (linear).
    pub size: Number,
    /// The limit price.
    pub limit_price: Option<Number>,
    /// The trigger price.
    pub stop_price: Option<Number>,
    /// The client's own id.
    pub cli_ord_id: Option<ClientOrderId<'a>>,
    /// The price that the trigger watches.
    pub trigger_signal: Option<TriggerSignal>,
    /// Whether the order may only shrink a position.
    pub reduce_only: bool,
    /// How far a trailing stop stays behind its signal.
    pub trailing_stop_max_deviation: Option<Number>,
    /// The unit of that distance.
    pub trailing_stop_deviation_unit: Option<DeviationUnit>,
    /// The limit price relative to the trigger price. An unreadable one is an order error with a word of its own, so it
    /// does not make the request unreadable.
    pub limit_price_offset_value: Option<Result<Number, NotANumber>>,
    /// The unit of that, unreadable ones included likewise.
    pub limit_price_offset_unit: Option<Result<DeviationUnit, UnknownUnit>>,
}

/// The unit is neither `PERCENT` nor `QUOTE_CURRENCY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a unit of a limit price offset")]
pub struct UnknownUnit;

slots! {
    struct SendOrderSlots {
        process_before = "processBefore" | "ProcessBefore",
        order_type = "orderType",
        symbol = "symbol",
        side = "side",
        size = "size",
        limit_price = "limitPrice",
        stop_price = "stopPrice",
        cli_ord_id = "cliOrdId",
        trigger_signal = "triggerSignal",
        reduce_only = "reduceOnly",
        trailing_stop_max_deviation = "trailingStopMaxDeviation",
        trailing_stop_deviation_unit = "trailingStopDeviationUnit",
        limit_price_offset_value = "limitPriceOffsetValue",
        limit_price_offset_unit = "limitPriceOffsetUnit",
    }
}

impl<'a> SendOrder<'a> {
    /// The four arguments that every order needs.
    fn required_slots(slots: &SendOrderSlots<'a>) -> Result<[Argument<'a>; 4], RequestError> {
        let always = [
            required(slots.order_type, "orderType")?,
            required(slots.symbol, "symbol")?,
            required(slots.side, "side")?,
            required(slots.size, "size")?,
        ];
        // A type that is none requires nothing more; it is told as invalid later.
        let order_type = always[0].text().ok().and_then(|word| OrderType::from_word(&word));
        match order_type {
            Some(
                OrderType::Limit | OrderType::Post | OrderType::ImmediateOrCancel | OrderType::FillOrKill,
            ) => {
                required(slots.limit_price, "limitPrice")?;
            }
            Some(OrderType::Stop | OrderType::TakeProfit) => {
                required(slots.stop_price, "stopPrice")?;
            }
            Some(OrderType::TrailingStop) => {
                required(slots.trailing_stop_max_deviation, "trailingStopMaxDeviation")?;
                required(slots.trailing_stop_deviation_unit, "trailingStopDeviationUnit")?;
            }
            Some(OrderType::Market) | None => {}
        }
        Ok(always)
    }

    pub(super) fn from_slots(slots: &SendOrderSlots<'a>) -> Result<Self, RequestError> {
        Self::of(Self::required_slots(slots)?, slots)
    }

    fn of(
        [order_type, symbol, side, size]: [Argument<'a>; 4],
        slots: &SendOrderSlots<'a>,
    ) -> Result<Self, RequestError> {
        Ok(Self {
            order_type: order_type.word(OrderType::from_word, "orderType")?,
            side: side.word(Side::from_word, "side")?,
            symbol: symbol.symbol()?,
            size: size.number().map_err(|NotANumber| RequestError::InvalidArgument("size"))?,
            limit_price: opt_number(slots.limit_price, "limitPrice")?,
            stop_price: opt_number(slots.stop_price, "stopPrice")?,
            trigger_signal: slots
                .trigger_signal
                .map(|argument| argument.word(TriggerSignal::from_request, "triggerSignal"))
                .transpose()?,
            reduce_only: flag(slots.reduce_only, "reduceOnly")?,
            trailing_stop_max_deviation: opt_number(
                slots.trailing_stop_max_deviation,
                "trailingStopMaxDeviation",
            )?,
            trailing_stop_deviation_unit: opt_unit(
                slots.trailing_stop_deviation_unit,
                "trailingStopDeviationUnit",
            )?,
            process_before: opt_time(slots.process_before, "processBefore")?,
            cli_ord_id: slots.cli_ord_id.map(Argument::client_order_id),
            limit_price_offset_value: slots.limit_price_offset_value.map(Argument::number),
            limit_price_offset_unit: slots
                .limit_price_offset_unit
                .map(|argument| argument.unit().ok_or(UnknownUnit)),
        })
    }

    /// The same, not borrowed.
    #[must_use]
    pub fn into_owned(self) -> SendOrder<'static> {
        SendOrder { cli_ord_id: self.cli_ord_id.map(ClientOrderId::into_owned), ..self }
    }
}

/// Required are also the arguments that the order's type requires.
impl<'a> Request<'a> for SendOrder<'a> {
    type Found = Found<SendOrderSlots<'a>, [Argument<'a>; 4]>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        SendOrderSlots::find(args, Self::required_slots)
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let (required, slots) = found.one()?;
        Self::of(required, &slots)
    }
}

/// `POST /editorder`, and an `edit` of a batch. What is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditOrder<'a> {
    /// Carry the request out before this time or not at all.
    pub process_before: Option<Timestamp>,
    /// The order to amend.
    pub order: OrderName<'a>,
    /// The new size, by `quantity_mode`.
    pub size: Option<Number>,
    /// The new limit price.
    pub limit_price: Option<Number>,
    /// The new trigger price.
    pub stop_price: Option<Number>,
    /// The new distance of a trailing stop.
    pub trailing_stop_max_deviation: Option<Number>,
    /// The unit of that distance.
    pub trailing_stop_deviation_unit: Option<DeviationUnit>,
    /// What the size means; relative when absent.
    pub quantity_mode: QuantityMode,
}

slots! {
    struct EditOrderSlots {
        process_before = "processBefore" | "ProcessBefore",
        order_id = "orderId",
        cli_ord_id = "cliOrdId",
        size = "size",
        limit_price = "limitPrice",
        stop_price = "stopPrice",
        trailing_stop_max_deviation = "trailingStopMaxDeviation",
        trailing_stop_deviation_unit = "trailingStopDeviationUnit",
        quantity_mode = "qtyMode",
    }
}

impl<'a> EditOrder<'a> {
    pub(super) fn from_slots(
        slots: &EditOrderSlots<'a>,
        id_name: &'static str,
    ) -> Result<Self, RequestError> {
        Self::of(order_name(slots.order_id, slots.cli_ord_id, id_name)?, slots)
    }

    fn of(order: OrderName<'a>, slots: &EditOrderSlots<'a>) -> Result<Self, RequestError> {
        let mode = |word: &str| {
            QuantityMode::ALL.iter().copied().find(|mode| mode.as_str().eq_ignore_ascii_case(word))
        };
        Ok(Self {
            order,
            size: opt_number(slots.size, "size")?,
            limit_price: opt_number(slots.limit_price, "limitPrice")?,
            stop_price: opt_number(slots.stop_price, "stopPrice")?,
            trailing_stop_max_deviation: opt_number(
                slots.trailing_stop_max_deviation,
                "trailingStopMaxDeviation",
            )?,
            trailing_stop_deviation_unit: opt_unit(
                slots.trailing_stop_deviation_unit,
                "trailingStopDeviationUnit",
            )?,
            quantity_mode: slots
                .quantity_mode
                .map_or(Ok(QuantityMode::Relative), |argument| argument.word(mode, "qtyMode"))?,
            process_before: opt_time(slots.process_before, "processBefore")?,
        })
    }

    /// The same, not borrowed.
    #[must_use]
    pub fn into_owned(self) -> EditOrder<'static> {
        EditOrder { order: self.order.into_owned(), ..self }
    }
}

/// Required is that an order is named.
impl<'a> Request<'a> for EditOrder<'a> {
    type Found = Found<EditOrderSlots<'a>, OrderName<'a>>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        EditOrderSlots::find(args, |slots| order_name(slots.order_id, slots.cli_ord_id, "orderId"))
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let (order, slots) = found.one()?;
        Self::of(order, &slots)
    }
}

/// `POST /cancelorder`, and a `cancel` of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelOrder<'a> {
    /// Carry the request out before this time or not at all.
    pub process_before: Option<Timestamp>,
    /// The order to cancel.
    pub order: OrderName<'a>,
}

slots! {
    struct CancelOrderSlots {
        process_before = "processBefore" | "ProcessBefore",
        order_id = "order_id",
        cli_ord_id = "cliOrdId",
    }
}

/// Required is that an order is named.
impl<'a> Request<'a> for CancelOrder<'a> {
    type Found = Found<CancelOrderSlots<'a>, OrderName<'a>>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        CancelOrderSlots::find(args, |slots| order_name(slots.order_id, slots.cli_ord_id, "order_id"))
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let (order, slots) = found.one()?;
        Ok(Self { order, process_before: opt_time(slots.process_before, "processBefore")? })
    }
}

/// `POST /cancelallorders`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAllOrders {
    /// Only those of this market; all when absent.
    pub symbol: Option<Symbol>,
}

impl CancelAllOrders {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] if the symbol cannot be one.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let symbol = one(args, "symbol")?.map(Argument::symbol).transpose()?;
        Ok(Self { symbol })
    }
}

/// Most seconds that the dead man's switch may be set to: a day.
pub const MAX_TIMEOUT_SECONDS: u32 = 86_400;

/// `POST /cancelallordersafter`: the dead man's switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancelAllOrdersAfter {
    /// Whole seconds until all orders are cancelled, at most [`MAX_TIMEOUT_SECONDS`]; 0 disarms.
    pub timeout: u32,
}

impl CancelAllOrdersAfter {
    /// Reads the request.
    ///
    /// # Errors
    /// [`RequestError::InvalidArgument`] if the timeout is no whole number in range. One that is not there is told so too:
    /// the contract does not require it, but there is no time that could be meant by its absence.
    pub fn parse(args: &Args<'_>) -> Result<Self, RequestError> {
        let whole = |number: Number| u32::try_from(number.decimal()?.at_scale(0).ok()?).ok();
        one(args, "timeout")?
            .and_then(|argument| whole(argument.number().ok()?))
            .filter(|&timeout| timeout <= MAX_TIMEOUT_SECONDS)
            .map(|timeout| Self { timeout })
            .ok_or(RequestError::InvalidArgument("timeout"))
    }
}
