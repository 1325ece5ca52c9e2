//! Typed requests to commands (rules 1.11, row 4 ends here; what follows is the engine's).

use crate::grid::{hundredths, lots, ticks};
use crate::identity::Identity;
use crate::projection::{Directory, ListedInstrument};
use crate::wallets;
use loligo_engine::{
    AccountId, Ask, AskedDeviation, AskedDistance, AskedOffset, AskedTrigger, CancelOrder, CancelOutcome,
    ClientOrderId, DistanceUnit, EditOrder, EditOutcome, InstrumentId, InstrumentSpec, OnGrid, OrderRef,
    OrderType, PlaceOrder, PlaceOutcome, QtyMode, Side, Signal, Timestamp, TriggerKind, Written,
    WrittenNumber,
};
use loligo_wire::decimal::Number;
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::v3::errors::ErrorAnswer;
use loligo_wire::v3::requests::{self, OrderName, Symbol};
use loligo_wire::v3::words;

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

/// The contracts of a symbol, which names a market or the product of one: `fi_xbtusd` is every contract of that wallet,
/// perpetual and dated, those that are over too. With it, how the answer calls it.
///
/// # Errors
/// `invalidArgument: symbol`.
pub(crate) fn market_or_product(
    directory: &Directory,
    symbol: &Symbol,
) -> Result<(String, Vec<InstrumentId>), ErrorAnswer> {
    if let Some(listed) = directory.by_symbol(symbol.as_str()) {
        return Ok((listed.instrument.spec().symbol.clone(), vec![listed.id]));
    }
    wallets::product(directory, symbol.as_str()).ok_or(ErrorAnswer::invalid_argument("symbol"))
}

/// The order that a request describes. `algo_id` is what its header says made it.
///
/// # Errors
/// `invalidArgument: symbol` for a contract that is not there.
pub(crate) fn place(
    request: &requests::SendOrder<'_>,
    account: AccountId,
    algo_id: Option<&str>,
    directory: &Directory,
) -> Result<PlaceOrder, ErrorAnswer> {
    let listed = contract(directory, &request.symbol)?;
    let spec = listed.instrument.spec();
    let (order_type, kind) = match request.order_type {
        words::OrderType::Limit => (OrderType::Limit, None),
        words::OrderType::Post => (OrderType::Post, None),
        words::OrderType::ImmediateOrCancel => (OrderType::ImmediateOrCancel, None),
        words::OrderType::Market => (OrderType::Market, None),
        words::OrderType::FillOrKill => (OrderType::FillOrKill, None),
        words::OrderType::Stop => (OrderType::Market, Some(TriggerKind::Stop)),
        words::OrderType::TakeProfit => (OrderType::Market, Some(TriggerKind::TakeProfit)),
        words::OrderType::TrailingStop => (OrderType::Market, Some(TriggerKind::TrailingStop)),
    };
    let trigger = kind.map(|kind| {
        let deviation = match (request.trailing_stop_max_deviation, request.trailing_stop_deviation_unit) {
            (Some(value), Some(unit)) => Some(distance(value, unit, spec)),
            _ => None,
        };
        Box::new(AskedTrigger { kind, signal: signal(request.trigger_signal), deviation })
    });
    let limit_offset = match (&request.limit_price_offset_value, &request.limit_price_offset_unit) {
        (None, None) => None,
        (Some(Err(_)), _) => Some(AskedOffset::BadValue),
        (_, Some(Err(_))) => Some(AskedOffset::BadUnit),
        (None, _) | (_, None) => Some(AskedOffset::Incomplete),
        (Some(Ok(value)), Some(Ok(unit))) => Some(AskedOffset::Distance(distance(*value, *unit, spec))),
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
        limit_price: request.limit_price.map(|price| ticks(price, spec)),
        stop_price: request.stop_price.map(|price| ticks(price, spec)),
        trigger,
        limit_offset,
        reduce_only: request.reduce_only,
        client_order_id: request.cli_ord_id.as_ref().map(|name| match name {
            requests::ClientOrderId::Valid(text) => ClientOrderId::Valid((**text).into()),
            requests::ClientOrderId::TooLong(_) => ClientOrderId::TooLong,
            requests::ClientOrderId::Invalid => ClientOrderId::Invalid,
        }),
        algo_id: algo_id.map(Into::into),
        process_before: request.process_before.map(instant),
    })
}

/// The command that places an order as a request describes it: what is off its contract's grid goes along as it was written.
pub(crate) fn placing(request: &requests::SendOrder<'_>, place: PlaceOrder) -> Ask<PlaceOutcome> {
    let offset = |offset: &AskedOffset| match offset {
        AskedOffset::Distance(distance) => Some(distance.steps),
        AskedOffset::BadValue | AskedOffset::BadUnit | AskedOffset::Incomplete => None,
    };
    let deviation = place.trigger.as_ref().and_then(|trigger| trigger.deviation);
    let written = Written {
        qty: off_grid(Some(place.qty), Some(request.size)),
        limit_price: off_grid(place.limit_price, request.limit_price),
        stop_price: off_grid(place.stop_price, request.stop_price),
        deviation: off_grid(deviation.map(|away| away.steps), request.trailing_stop_max_deviation),
        limit_offset: off_grid(
            place.limit_offset.as_ref().and_then(offset),
            request.limit_price_offset_value.and_then(Result::ok),
        ),
    };
    Ask::from((place, written))
}

/// The command that amends an order, likewise.
pub(crate) fn amending(request: &requests::EditOrder<'_>, edit: EditOrder) -> Ask<EditOutcome> {
    let deviation = |away: AskedDeviation| {
        if request.trailing_stop_deviation_unit.map(unit) == Some(DistanceUnit::Percent) {
            away.percent
        } else {
            away.quote
        }
    };
    let written = Written {
        qty: off_grid(edit.qty, request.size),
        limit_price: off_grid(edit.limit_price, request.limit_price),
        stop_price: off_grid(edit.stop_price, request.stop_price),
        deviation: off_grid(edit.deviation.map(deviation), request.trailing_stop_max_deviation),
        limit_offset: None,
    };
    Ask::from((edit, written))
}

/// A number as text, where it is off the grid and has as many digits as a number may.
fn off_grid(steps: Option<OnGrid>, number: Option<Number>) -> Option<WrittenNumber> {
    match (steps?, number?) {
        (OnGrid::Off | OnGrid::TooLarge | OnGrid::Steps(i64::MIN | i64::MAX), Number::Fits(decimal)) => {
            WrittenNumber::new(&decimal.to_string())
        }
        _ => None,
    }
}

/// The price a trigger watches; the last trade unless it is told.
fn signal(word: Option<words::TriggerSignal>) -> Signal {
    match word {
        Some(words::TriggerSignal::Mark) => Signal::Mark,
        Some(words::TriggerSignal::Index) => Signal::Index,
        Some(words::TriggerSignal::Last | words::TriggerSignal::Unknown) | None => Signal::Last,
    }
}

fn unit(unit: words::DeviationUnit) -> DistanceUnit {
    match unit {
        words::DeviationUnit::Percent => DistanceUnit::Percent,
        words::DeviationUnit::QuoteCurrency => DistanceUnit::Quote,
    }
}

fn distance(value: Number, of: words::DeviationUnit, spec: &InstrumentSpec) -> AskedDistance {
    let unit = unit(of);
    let steps = match unit {
        DistanceUnit::Percent => hundredths(value),
        DistanceUnit::Quote => ticks(value, spec),
    };
    AskedDistance { unit, steps: signed(steps, value) }
}

/// Beyond every step, but still on one side of zero.
fn signed(steps: OnGrid, value: Number) -> OnGrid {
    let negative = match value {
        Number::Fits(decimal) => decimal.is_negative(),
        Number::TooLarge { negative } | Number::TooPrecise { negative } => negative,
    };
    match steps {
        OnGrid::TooLarge if negative => OnGrid::Steps(i64::MIN),
        OnGrid::TooLarge => OnGrid::Steps(i64::MAX),
        OnGrid::Steps(_) | OnGrid::Off => steps,
    }
}

/// The edit that a request describes, of an order in this contract.
pub(crate) fn edit(
    request: &requests::EditOrder<'_>,
    account: AccountId,
    order: OrderRef,
    listed: &ListedInstrument,
) -> EditOrder {
    let spec = listed.instrument.spec();
    EditOrder {
        account,
        order,
        instrument: Some(listed.id),
        limit_price: request.limit_price.map(|price| ticks(price, spec)),
        stop_price: request.stop_price.map(|price| ticks(price, spec)),
        deviation: request.trailing_stop_max_deviation.map(|value| AskedDeviation {
            percent: signed(hundredths(value), value),
            quote: signed(ticks(value, spec), value),
        }),
        deviation_unit: request.trailing_stop_deviation_unit.map(unit),
        qty: request.size.map(|size| lots(size, spec)),
        qty_mode: match request.quantity_mode {
            words::QuantityMode::Relative => QtyMode::Relative,
            words::QuantityMode::Absolute => QtyMode::Absolute,
        },
        process_before: request.process_before.map(instant),
    }
}

/// The order that a cancel or an edit names; `None` when it is none that this exchange could ever have had.
pub(crate) fn order_ref(name: &OrderName<'_>, identity: &Identity) -> Option<OrderRef> {
    match name {
        OrderName::Id(uuid) => identity.order_id(*uuid).map(OrderRef::Id),
        OrderName::ClientId(name) => Some(OrderRef::Client((**name).into())),
        OrderName::Nothing { .. } => None,
    }
}

/// The cancel that a request describes; `None` when what it names an order by can be no name. A UUID that this exchange gives to
/// no order goes along: its history tells that it was asked for.
pub(crate) fn cancel(
    request: &requests::CancelOrder<'_>,
    account: AccountId,
    identity: &Identity,
) -> Option<Ask<CancelOutcome>> {
    let order = match &request.order {
        OrderName::Id(uuid) => {
            identity.order_id(*uuid).map_or(OrderRef::Foreign(uuid.as_u128()), OrderRef::Id)
        }
        name => order_ref(name, identity)?,
    };
    Some(CancelOrder { account, order, process_before: request.process_before.map(instant) }.into())
}

/// An instant of the dialect, as the exchange's.
pub(crate) fn instant(time: WireTime) -> Timestamp {
    Timestamp(time.micros())
}
