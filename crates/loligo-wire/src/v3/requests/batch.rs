//! The request of `/batchorder`: one form member, `json`, that holds JSON text.

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::argument::{Argument, one, opt_time, order_name};
use super::order::{EditOrderSlots, SendOrderSlots};
use super::{CancelOrder, ClientOrderId, EditOrder, Request, RequestError, SendOrder};
use crate::args::{Args, Conflict, Tail, Value};
use crate::time::Timestamp;
use crate::v3::words::SendStatus;

/// Most instructions of one batch.
pub const MAX_BATCH_INSTRUCTIONS: usize = 500;

/// `POST /batchorder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOrder {
    /// Carry each instruction out before this time or not at all.
    pub process_before: Option<Timestamp>,
    /// The instructions, 1 to [`MAX_BATCH_INSTRUCTIONS`], in the order given.
    pub instructions: Vec<BatchInstruction>,
}

/// One instruction of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchInstruction {
    /// Place an order.
    Send(BatchSend),
    /// Amend an order.
    Edit(EditOrder<'static>),
    /// Cancel an order.
    Cancel(CancelOrder<'static>),
}

/// A `send` of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSend {
    /// The caller's tag, echoed in the answer.
    pub order_tag: String,
    /// The client's own id of the order, which the order has too.
    pub cli_ord_id: Option<ClientOrderId<'static>>,
    /// The order; or the status of this one instruction, if its type or side is none.
    pub order: Result<SendOrder<'static>, SendStatus>,
}

/// The names are only those that the three instructions know; what else clients put there is passed over.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Instruction<'a> {
    #[serde(borrow)]
    order: Option<&'a RawValue>,
    #[serde(borrow)]
    order_tag: Option<&'a RawValue>,
    #[serde(borrow)]
    order_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "orderType")]
    order_type: Option<&'a RawValue>,
    #[serde(borrow)]
    symbol: Option<&'a RawValue>,
    #[serde(borrow)]
    side: Option<&'a RawValue>,
    #[serde(borrow)]
    size: Option<&'a RawValue>,
    #[serde(borrow, rename = "limitPrice")]
    limit_price: Option<&'a RawValue>,
    #[serde(borrow, rename = "stopPrice")]
    stop_price: Option<&'a RawValue>,
    #[serde(borrow, rename = "cliOrdId")]
    cli_ord_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "triggerSignal")]
    trigger_signal: Option<&'a RawValue>,
    #[serde(borrow, rename = "reduceOnly")]
    reduce_only: Option<&'a RawValue>,
    #[serde(borrow, rename = "trailingStopMaxDeviation")]
    trailing_stop_max_deviation: Option<&'a RawValue>,
    #[serde(borrow, rename = "trailingStopDeviationUnit")]
    trailing_stop_deviation_unit: Option<&'a RawValue>,
    #[serde(borrow, rename = "limitPriceOffsetValue")]
    limit_price_offset_value: Option<&'a RawValue>,
    #[serde(borrow, rename = "limitPriceOffsetUnit")]
    limit_price_offset_unit: Option<&'a RawValue>,
    #[serde(borrow, rename = "qtyMode")]
    quantity_mode: Option<&'a RawValue>,
}

/// The elements stay text until their number is known, so that a long list of nothing costs little memory.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow, rename = "batchOrder")]
    batch_order: Vec<&'a RawValue>,
}

const INVALID_JSON: RequestError = RequestError::InvalidArgument("json");

/// Required is that the batch is there. It is read when it is found, since what it costs is in it.
impl<'a> Request<'a> for BatchOrder {
    type Found = Result<Self, RequestError>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        let value = args.get("json").ok_or(RequestError::RequiredArgumentMissing("json"))?;
        Ok(Self::of(args, value))
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        found
    }
}

impl BatchOrder {
    /// Reads the batch. The `json` may be percent-encoded, or stand in the body as it is.
    ///
    /// One unreadable or missing member refuses the whole batch, before any of it ran; a type or side that is none only
    /// its instruction. No batch is empty or longer than [`MAX_BATCH_INSTRUCTIONS`].
    fn of(args: &Args<'_>, value: Value<'_>) -> Result<Self, RequestError> {
        // Text that starts like JSON was not encoded: decoding it would turn a plus in an id into a space. Only if it
        // is no JSON after all is it taken for a form's.
        let tail = args.raw_tail("json").filter(|tail| tail.text.trim_ascii_start().starts_with(b"{"));
        let raw = tail.and_then(|tail| match from_unencoded(tail) {
            Err(RequestError::JsonParseError) => None,
            read @ (Ok(_) | Err(_)) => Some(read),
        });
        let (instructions, around) = match raw {
            Some(read) => read?,
            None => {
                one(args, "json")?;
                let text = value.text().map_err(|_| RequestError::JsonParseError)?;
                (instructions(serde_json::from_str(&text).map_err(shape_error)?)?, *args)
            }
        };
        Ok(Self { process_before: process_before(&around)?, instructions })
    }
}

/// The time limit, in whichever of its two spellings.
fn process_before(args: &Args<'_>) -> Result<Option<Timestamp>, RequestError> {
    const NAME: &str = "processBefore";
    let limit = match (one(args, NAME)?, args.one("ProcessBefore")) {
        (_, Err(Conflict)) => return Err(RequestError::InvalidArgument(NAME)),
        (Some(limit), Ok(Some(other))) if !limit.is(other) => {
            return Err(RequestError::InvalidArgument(NAME));
        }
        (limit, Ok(other)) => limit.or(other.map(Argument::Form)),
    };
    opt_time(limit, NAME)
}

/// Reads JSON that ends the query or the body, or is followed by further pairs: its instructions, and the arguments around
/// it.
fn from_unencoded(tail: Tail<'_>) -> Result<(Vec<BatchInstruction>, Args<'_>), RequestError> {
    let mut values = serde_json::Deserializer::from_slice(tail.text).into_iter::<Batch<'_>>();
    let batch = values.next().ok_or(RequestError::JsonParseError)?.map_err(shape_error)?;
    let (json, rest) = tail.text.split_at(values.byte_offset());
    if !matches!(rest.trim_ascii_start(), [] | [b'&', ..]) {
        return Err(RequestError::JsonParseError);
    }
    let around = tail.around(json.len());
    // A second one must be the same text, and says so by not being encoded either.
    let again = |value: Value<'_>| value.raw() == json;
    if around.pairs().any(|(name, value)| *name == *b"json" && !again(value)) {
        return Err(INVALID_JSON);
    }
    Ok((instructions(batch)?, around))
}

/// Text that is no JSON, told apart from JSON of another shape.
fn shape_error(error: serde_json::Error) -> RequestError {
    match error.classify() {
        Category::Data => INVALID_JSON,
        Category::Syntax | Category::Eof | Category::Io => RequestError::JsonParseError,
    }
}

fn instructions(batch: Batch<'_>) -> Result<Vec<BatchInstruction>, RequestError> {
    if !(1..=MAX_BATCH_INSTRUCTIONS).contains(&batch.batch_order.len()) {
        return Err(INVALID_JSON);
    }
    batch.batch_order.into_iter().map(instruction).collect()
}

fn instruction(raw: &RawValue) -> Result<BatchInstruction, RequestError> {
    let instruction: Instruction<'_> = serde_json::from_str(raw.get()).map_err(shape_error)?;
    let order = instruction.order.ok_or(RequestError::RequiredArgumentMissing("order"))?;
    let word = Argument::Json(order).text().map_err(|_| RequestError::InvalidArgument("order"))?;
    match &*word {
        "send" => send(&instruction).map(BatchInstruction::Send),
        "edit" => edit(&instruction).map(BatchInstruction::Edit),
        "cancel" => cancel(&instruction).map(BatchInstruction::Cancel),
        _ => Err(RequestError::InvalidArgument("order")),
    }
}

fn send(instruction: &Instruction<'_>) -> Result<BatchSend, RequestError> {
    let order_tag = instruction.order_tag.ok_or(RequestError::RequiredArgumentMissing("order_tag"))?;
    let order_tag =
        Argument::Json(order_tag).text().map_err(|_| RequestError::InvalidArgument("order_tag"))?;
    let slot = |raw: Option<_>| raw.map(Argument::Json);
    let slots = SendOrderSlots {
        process_before: None,
        order_type: slot(instruction.order_type),
        symbol: slot(instruction.symbol),
        side: slot(instruction.side),
        size: slot(instruction.size),
        limit_price: slot(instruction.limit_price),
        stop_price: slot(instruction.stop_price),
        cli_ord_id: slot(instruction.cli_ord_id),
        trigger_signal: slot(instruction.trigger_signal),
        reduce_only: slot(instruction.reduce_only),
        trailing_stop_max_deviation: slot(instruction.trailing_stop_max_deviation),
        trailing_stop_deviation_unit: slot(instruction.trailing_stop_deviation_unit),
        limit_price_offset_value: slot(instruction.limit_price_offset_value),
        limit_price_offset_unit: slot(instruction.limit_price_offset_unit),
    };
    let order = match SendOrder::from_slots(&slots) {
        Ok(order) => Ok(order.into_owned()),
        Err(RequestError::InvalidArgument("orderType")) => Err(SendStatus::InvalidOrderType),
        Err(RequestError::InvalidArgument("side")) => Err(SendStatus::InvalidSide),
        Err(error) => return Err(error),
    };
    let cli_ord_id = slots.cli_ord_id.map(|argument| argument.client_order_id().into_owned());
    Ok(BatchSend { order_tag: order_tag.into_owned(), cli_ord_id, order })
}

fn edit(instruction: &Instruction<'_>) -> Result<EditOrder<'static>, RequestError> {
    let slot = |raw: Option<_>| raw.map(Argument::Json);
    let slots = EditOrderSlots {
        process_before: None,
        order_id: slot(instruction.order_id),
        cli_ord_id: slot(instruction.cli_ord_id),
        size: slot(instruction.size),
        limit_price: slot(instruction.limit_price),
        stop_price: slot(instruction.stop_price),
        trailing_stop_max_deviation: slot(instruction.trailing_stop_max_deviation),
        trailing_stop_deviation_unit: slot(instruction.trailing_stop_deviation_unit),
        quantity_mode: slot(instruction.quantity_mode),
    };
    EditOrder::from_slots(&slots, "order_id").map(EditOrder::into_owned)
}

fn cancel(instruction: &Instruction<'_>) -> Result<CancelOrder<'static>, RequestError> {
    let slot = |raw: Option<_>| raw.map(Argument::Json);
    let order = order_name(slot(instruction.order_id), slot(instruction.cli_ord_id), "order_id")?;
    Ok(CancelOrder { process_before: None, order: order.into_owned() })
}
