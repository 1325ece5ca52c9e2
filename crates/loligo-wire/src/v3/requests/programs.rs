//! Requests about the assignment program: what an account takes over of positions that are liquidated.

use std::borrow::Cow;

use super::argument::{Argument, Found, opt_number, required, slots};
use super::{Request, RequestError, Symbol};
use crate::args::{Args, NotText};
use crate::decimal::Number;
use crate::v3::words::TimeFrame;

/// `POST /assignmentprogram/add`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddAssignmentProgram<'a> {
    /// A family of contracts, or the name of a margin account, in lower case.
    pub contract_type: Cow<'a, str>,
    /// The market; all of the family when absent.
    pub contract: Option<Symbol>,
    /// The base currency of its markets.
    pub base_currency: Option<Cow<'a, str>>,
    /// The currency they are quoted in.
    pub quote_currency: Option<Cow<'a, str>>,
    /// The most that is taken over at once, in contracts.
    pub max_size: Option<Number>,
    /// The largest position that comes of it, in contracts.
    pub max_position: Option<Number>,
    /// Takes longs.
    pub accept_long: bool,
    /// Takes shorts.
    pub accept_short: bool,
    /// When.
    pub time_frame: TimeFrame,
    /// Whether it holds.
    pub enabled: bool,
    /// The largest value of the position that comes of it.
    pub max_notional: Option<Number>,
    /// The least gain of a long against mark, in hundredths of a per cent.
    pub min_profit_long: Option<Number>,
    /// Likewise of a short.
    pub min_profit_short: Option<Number>,
}

slots! {
    struct AddSlots {
        contract_type = "contractType",
        contract = "contract",
        base_currency = "baseCurrency",
        quote_currency = "quoteCurrency",
        max_size = "maxSize",
        max_position = "maxPosition",
        accept_long = "acceptLong",
        accept_short = "acceptShort",
        time_frame = "timeFrame",
        enabled = "enabled",
        max_notional = "cashAccountOpenPositionMaxNotional",
        min_profit_long = "minimumProfitabilityPerAssignmentLongBps",
        min_profit_short = "minimumProfitabilityPerAssignmentShortBps",
    }
}

/// What must be there: the family, which sides, when, and whether it holds.
type Needed<'a> = [Argument<'a>; 5];

impl<'a> Request<'a> for AddAssignmentProgram<'a> {
    type Found = Found<AddSlots<'a>, Needed<'a>>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        AddSlots::find(args, |slots| {
            Ok([
                required(slots.contract_type, "contractType")?,
                required(slots.accept_long, "acceptLong")?,
                required(slots.accept_short, "acceptShort")?,
                required(slots.time_frame, "timeFrame")?,
                required(slots.enabled, "enabled")?,
            ])
        })
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let ([contract_type, long, short, time_frame, enabled], slots) = found.one()?;
        let truth =
            |argument: Argument<'a>, name| argument.boolean().ok_or(RequestError::InvalidArgument(name));
        let text = |slot: Option<Argument<'a>>, name| {
            slot.map(Argument::text).transpose().map_err(|NotText| RequestError::InvalidArgument(name))
        };
        let symbol = |argument: Argument<'a>| argument.word(Symbol::parse, "contract");
        Ok(Self {
            contract_type: contract_type.lower_case("contractType")?,
            contract: slots.contract.map(symbol).transpose()?,
            base_currency: text(slots.base_currency, "baseCurrency")?,
            quote_currency: text(slots.quote_currency, "quoteCurrency")?,
            max_size: opt_number(slots.max_size, "maxSize")?,
            max_position: opt_number(slots.max_position, "maxPosition")?,
            accept_long: truth(long, "acceptLong")?,
            accept_short: truth(short, "acceptShort")?,
            time_frame: time_frame.word(TimeFrame::from_any_case, "timeFrame")?,
            enabled: truth(enabled, "enabled")?,
            max_notional: opt_number(slots.max_notional, "cashAccountOpenPositionMaxNotional")?,
            min_profit_long: opt_number(slots.min_profit_long, "minimumProfitabilityPerAssignmentLongBps")?,
            min_profit_short: opt_number(
                slots.min_profit_short,
                "minimumProfitabilityPerAssignmentShortBps",
            )?,
        })
    }
}

/// `POST /assignmentprogram/delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteAssignmentProgram {
    /// Its number; `None` for a number that no program has.
    pub id: Option<u64>,
}

slots! {
    struct DeleteSlots {
        id = "id",
    }
}

impl<'a> Request<'a> for DeleteAssignmentProgram {
    type Found = Found<DeleteSlots<'a>, Argument<'a>>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        DeleteSlots::find(args, |slots| required(slots.id, "id"))
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let (id, _) = found.one()?;
        let number = id.number().map_err(|_| RequestError::InvalidArgument("id"))?;
        let whole = number.decimal().and_then(|id| id.at_scale(0).ok());
        Ok(Self { id: whole.and_then(|id| u64::try_from(id).ok()) })
    }
}
