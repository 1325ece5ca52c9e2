//! Assignment programs, as the dialect and the engine write them.

use crate::dialects::kraken::Failure;
use crate::grid;
use crate::projection::Directory;
use crate::wallets;
use loligo_engine::{AssignmentProgram, ContractKind, Currency, Money, TimeFrame};
use loligo_wire::decimal::{Decimal, Number};
use loligo_wire::v3::errors::ErrorAnswer;
use loligo_wire::v3::requests::{AddAssignmentProgram, RequestError};
use loligo_wire::v3::responses;
use loligo_wire::v3::words;

/// Sizes are counted in millionths of a contract, and gains in 1e-8 of a value, of which a hundredth of a per cent has 10^4.
const SIZE_DECIMALS: u32 = 6;
const BPS_DECIMALS: u32 = 4;
/// All of a value, in 1e-8.
const PROFIT_MAX: i64 = 100_000_000;

/// A program as it is asked for.
///
/// # Errors
/// The argument that says nothing that can be.
pub(crate) fn read(
    directory: &Directory,
    asked: &AddAssignmentProgram<'_>,
) -> Result<AssignmentProgram, Failure> {
    let refuse = |name| Failure::from(ErrorAnswer::invalid_argument(name));
    // The name of a margin account is that of its contracts.
    let (kind, pair) = match &*asked.contract_type {
        "flexible_futures" | "flex" => (ContractKind::Linear, None),
        "futures_inverse" => (ContractKind::Inverse, None),
        name => {
            let (_, contracts) = wallets::product(directory, name).ok_or_else(|| refuse("contractType"))?;
            let spec = contracts.first().and_then(|id| directory.instrument(*id)).map(|listed| listed.spec());
            (ContractKind::Inverse, spec.map(|spec| (spec.base, spec.quote)))
        }
    };
    let listed = asked.contract.as_ref().map(|symbol| {
        let listed = directory.by_symbol(symbol.as_str()).ok_or_else(|| refuse("contract"))?;
        let spec = listed.instrument.spec();
        let fits = spec.kind == kind && pair.is_none_or(|pair| pair == (spec.base, spec.quote));
        if fits { Ok(listed.id) } else { Err(refuse("contract")) }
    });
    let instrument = listed.transpose()?;
    if instrument.is_some() && asked.quote_currency.is_some() {
        return Err(refuse("quoteCurrency"));
    }
    let currency = |text: &Option<std::borrow::Cow<'_, str>>, name| -> Result<Option<Currency>, Failure> {
        text.as_deref().map(|code| wallets::currency(code).ok_or_else(|| refuse(name))).transpose()
    };
    let base = currency(&asked.base_currency, "baseCurrency")?;
    let quote = currency(&asked.quote_currency, "quoteCurrency")?;
    if kind == ContractKind::Linear && instrument.is_none() && base.is_none() && quote.is_none() {
        return Err(RequestError::RequiredArgumentMissing("contract").into());
    }
    let (base, quote) = match (instrument, pair) {
        (None, Some((own_base, own_quote))) => {
            if base.is_some_and(|base| base != own_base) {
                return Err(refuse("baseCurrency"));
            }
            if quote.is_some_and(|quote| quote != own_quote) {
                return Err(refuse("quoteCurrency"));
            }
            (Some(own_base), Some(own_quote))
        }
        _ => (base, quote),
    };
    let size = |number: Option<Number>, name| -> Result<Option<i64>, Failure> {
        let size = |number| units(number, SIZE_DECIMALS).filter(|size| *size > 0);
        number.map(|number| size(number).ok_or_else(|| refuse(name))).transpose()
    };
    let profit = |number: Option<Number>, name| -> Result<Option<i64>, Failure> {
        let bps = |number| units(number, BPS_DECIMALS).filter(|bps| (-PROFIT_MAX..=PROFIT_MAX).contains(bps));
        number.map(|number| bps(number).ok_or_else(|| refuse(name))).transpose()
    };
    let notional = asked.max_notional.map(|number| {
        let amount =
            number.decimal().and_then(|amount| amount.at_scale(11).ok()).filter(|amount| *amount > 0);
        amount.map(Money).ok_or_else(|| refuse("cashAccountOpenPositionMaxNotional"))
    });
    Ok(AssignmentProgram {
        kind,
        instrument,
        base,
        quote,
        max_size: size(asked.max_size, "maxSize")?,
        max_position: size(asked.max_position, "maxPosition")?,
        accept_long: asked.accept_long,
        accept_short: asked.accept_short,
        time_frame: match asked.time_frame {
            words::TimeFrame::All => TimeFrame::All,
            words::TimeFrame::Weekdays => TimeFrame::Weekdays,
            words::TimeFrame::Weekend => TimeFrame::Weekend,
        },
        enabled: asked.enabled,
        max_notional: notional.transpose()?,
        min_profit_long: profit(asked.min_profit_long, "minimumProfitabilityPerAssignmentLongBps")?,
        min_profit_short: profit(asked.min_profit_short, "minimumProfitabilityPerAssignmentShortBps")?,
    })
}

/// A number in units of so many decimals; `None` for one between two, and for one that is too large.
fn units(number: Number, decimals: u32) -> Option<i64> {
    number.decimal()?.at_scale(decimals).ok().and_then(|units| i64::try_from(units).ok())
}

/// A program as it is told.
pub(crate) fn shown<'a>(
    directory: &'a Directory,
    program: &'a AssignmentProgram,
) -> responses::AssignmentProgram<'a> {
    let decimal = |units: i64, decimals| Decimal::new(units.into(), decimals);
    let symbol = program.instrument.and_then(|id| directory.instrument(id));
    responses::AssignmentProgram {
        contract_type: match program.kind {
            ContractKind::Linear => words::ContractType::FlexibleFutures,
            ContractKind::Inverse => words::ContractType::FuturesInverse,
        },
        contract: symbol.map(|listed| listed.spec().symbol.as_str()),
        base_currency: program.base.as_ref().map(Currency::code),
        quote_currency: program.quote.as_ref().map(Currency::code),
        max_size: program.max_size.map(|size| decimal(size, SIZE_DECIMALS)),
        max_position: program.max_position.map(|size| decimal(size, SIZE_DECIMALS)),
        accept_long: program.accept_long,
        accept_short: program.accept_short,
        time_frame: match program.time_frame {
            TimeFrame::All => words::TimeFrame::All,
            TimeFrame::Weekdays => words::TimeFrame::Weekdays,
            TimeFrame::Weekend => words::TimeFrame::Weekend,
        },
        enabled: program.enabled,
        max_notional: program.max_notional.map(grid::money),
        min_profit_long: program.min_profit_long.map(|bps| decimal(bps, BPS_DECIMALS)),
        min_profit_short: program.min_profit_short.map(|bps| decimal(bps, BPS_DECIMALS)),
    }
}
