//! Typed requests to commands (rules 1.11, row 4 ends here; what follows is the engine's).

use super::grid::{lots, ticks};
use crate::identity::Identity;
use crate::projection::{Directory, ListedInstrument};
use loligo_engine::{
    AccountId, CancelOrder, ClientOrderId, Command, OnGrid, OrderRef, OrderType, PlaceOrder, Side, Timestamp,
};
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::v3::errors::ErrorAnswer;
use loligo_wire::v3::requests::{self, OrderName, Symbol};
use loligo_wire::v3::words::{self, Error};

/// The contract of a symbol.
///
/// # Errors
/// `invalidArgument: symbol`.
pub(crate) fn contract<'d>(
    directory: &'d Directory,
    symbol: &Symbol,
) -> Result<&'d ListedInstrument, ErrorAnswer> {
    directory.by_symbol(symbol.as_str()).ok_or(ErrorAnswer::invalid_argument("symbol"))
}

/// The order that a request describes.
///
/// # Errors
/// `invalidArgument: symbol` for a contract that is not there; `Unavailable` for triggers, which are not built yet.
pub(crate) fn place(
    request: &requests::SendOrder<'_>,
    account: AccountId,
    directory: &Directory,
) -> Result<PlaceOrder, ErrorAnswer> {
    let listed = contract(directory, &request.symbol)?;
    let spec = listed.instrument.spec();
    let order_type = match request.order_type {
        words::OrderType::Limit => OrderType::Limit,
        words::OrderType::Post => OrderType::Post,
        words::OrderType::ImmediateOrCancel => OrderType::ImmediateOrCancel,
        words::OrderType::Market => OrderType::Market,
        words::OrderType::FillOrKill => OrderType::FillOrKill,
        words::OrderType::Stop | words::OrderType::TakeProfit | words::OrderType::TrailingStop => {
            return Err(Error::Unavailable.into());
        }
    };
    // A relative limit belongs to triggers; on any other order it is a bad price, in the place of bad prices.
    let relative_limit =
        request.limit_price_offset_value.is_some() || request.limit_price_offset_unit.is_some();
    let limit_price =
        if relative_limit { Some(OnGrid::Off) } else { request.limit_price.map(|price| ticks(price, spec)) };
    let stop_price = match order_type {
        // Its limit is not looked at, a trigger's price is.
        OrderType::Market if relative_limit => Some(OnGrid::Off),
        _ => request.stop_price.map(|price| ticks(price, spec)),
    };
    Ok(PlaceOrder {
        account,
        instrument: listed.id,
        side: match request.side {
            words::Side::Buy => Side::Buy,
            words::Side::Sell => Side::Sell,
        },
        order_type,
        qty: lots(request.size, spec),
        limit_price,
        stop_price,
        reduce_only: request.reduce_only,
        client_order_id: request.cli_ord_id.as_ref().map(|name| match name {
            requests::ClientOrderId::Valid(text) => ClientOrderId::Valid((**text).into()),
            requests::ClientOrderId::TooLong(_) => ClientOrderId::TooLong,
            requests::ClientOrderId::Invalid => ClientOrderId::Invalid,
        }),
        process_before: request.process_before.map(instant),
    })
}

/// The cancel that a request describes; `None` when it names no order that this exchange could ever have had.
pub(crate) fn cancel(
    request: &requests::CancelOrder<'_>,
    account: AccountId,
    identity: &Identity,
) -> Option<Command> {
    let order = match &request.order {
        OrderName::Id(uuid) => OrderRef::Id(identity.order_id(*uuid)?),
        OrderName::ClientId(name) => OrderRef::Client((**name).into()),
        OrderName::Nothing => return None,
    };
    Some(Command::Cancel(CancelOrder { account, order, process_before: request.process_before.map(instant) }))
}

/// An instant of the dialect, as the exchange's.
pub(crate) fn instant(time: WireTime) -> Timestamp {
    Timestamp(time.micros())
}
