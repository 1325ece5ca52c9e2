//! Markets as the dialect shows them.

use super::orders::side;
use crate::grid::{fine_price, price, rate, size, tick_size, time};
use crate::identity::Identity;
use crate::listing::{Roll, kind_at};
use crate::projection::{FundingRateRow, LastTrade, Ticker, TradeRow};
use loligo_engine::{
    ContractKind, Dislocation, FillRole, FinePrice, FundingView, InstrumentSpec, MarketState, MarketView,
    Money, Price, Timestamp, fee_schedule,
};
use loligo_wire::decimal::Decimal;
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::v3::responses::{self, MarginLevelFrom};
use loligo_wire::v3::words::{ContractType, DislocationDirection, InstrumentType, TradeType};
use loligo_wire::words::TickerTag;
use loligo_wire::ws1;

/// The one fee schedule: every contract names it, and it is served under this id.
const FEE_SCHEDULE: &str = "4e6d1b0f-7a52-4c1c-9f0e-2d8a6b35c917";
const MINUTE: i64 = 60 * Timestamp::SECOND;
const DAY: i64 = 86_400 * Timestamp::SECOND;
const WEEK: i64 = 7 * DAY;
/// The one platform there is.
const PLATFORM: &str = "loligo";

/// Whether a contract is loaded: its data can be asked for.
pub(crate) fn is_loaded(state: MarketState) -> bool {
    match state {
        MarketState::Open | MarketState::Suspended | MarketState::PostOnly => true,
        MarketState::PreLaunch | MarketState::Inactive | MarketState::Expired => false,
    }
}

fn instrument_type(spec: &InstrumentSpec) -> InstrumentType {
    match spec.kind {
        ContractKind::Linear => InstrumentType::FlexibleFutures,
        ContractKind::Inverse => InstrumentType::FuturesInverse,
    }
}

/// Whether a contract is of one of the families; an empty list names all.
pub(crate) fn of_type(spec: &InstrumentSpec, types: &[ContractType]) -> bool {
    types.is_empty()
        || types.iter().any(|wanted| match wanted {
            ContractType::All => true,
            ContractType::FlexibleFutures => spec.kind == ContractKind::Linear,
            ContractType::FuturesInverse => spec.kind == ContractKind::Inverse,
            ContractType::FuturesVanilla | ContractType::Options => false,
        })
}

/// A contract's row, with the texts it is made of.
pub(crate) struct InstrumentRow<'d> {
    spec: &'d InstrumentSpec,
    pair: String,
    underlying: Option<String>,
    margin_levels: Vec<responses::MarginLevel>,
    state: MarketState,
    opening: Timestamp,
}

/// When a contract is shown to open. One that the operator holds back has no date; what it shows is in the future as long
/// as it is held back, and the same all day: the next midnight.
fn opening(spec: &InstrumentSpec, state: MarketState, now: Timestamp) -> Timestamp {
    if state == MarketState::PreLaunch && spec.opening <= now {
        return Timestamp((now.0.div_euclid(DAY) + 1) * DAY);
    }
    spec.opening
}

/// Until when a contract's description reads as it does now, should nothing change: what the operator holds back is shown to
/// open on the next day, and what is not listed yet may be held back from its opening on.
pub(crate) fn instrument_holds_until(spec: &InstrumentSpec, now: Timestamp) -> Timestamp {
    let midnight = Timestamp((now.0.div_euclid(DAY) + 1) * DAY);
    if spec.opening > now { midnight.min(spec.opening) } else { midnight }
}

/// Until when a contract's ticker reads as it does now, should nothing change: the day's figures slide with the minute, and the
/// calendar turns with one; the last week begins whenever it does.
pub(crate) fn ticker_holds_until(spec: &InstrumentSpec, now: Timestamp) -> Timestamp {
    let minute = Timestamp((now.0.div_euclid(MINUTE) + 1) * MINUTE);
    let last_week = spec.expiry.map(|expiry| expiry.plus(-WEEK)).filter(|last_week| *last_week > now);
    last_week.map_or(minute, |last_week| minute.min(last_week))
}

impl<'d> InstrumentRow<'d> {
    pub(crate) fn of(spec: &'d InstrumentSpec, state: MarketState, now: Timestamp) -> Self {
        let margin_levels = spec
            .margin_levels
            .iter()
            .map(|level| {
                let from = Decimal::new(i128::from(level.from), 0);
                responses::MarginLevel {
                    from: match spec.kind {
                        ContractKind::Linear => MarginLevelFrom::Notional(from),
                        ContractKind::Inverse => MarginLevelFrom::Contracts(from),
                    },
                    initial_margin: Decimal::new(i128::from(level.initial), 6),
                    maintenance_margin: Decimal::new(i128::from(level.maintenance), 6),
                }
            })
            .collect();
        Self {
            spec,
            pair: format!("{}:{}", spec.base.code(), spec.quote.code()),
            underlying: (spec.kind == ContractKind::Inverse)
                .then(|| format!("rr_{}", spec.pair.replace(':', "").to_ascii_lowercase())),
            margin_levels,
            state,
            opening: opening(spec, state, now),
        }
    }

    pub(crate) fn spec(&self) -> &'d InstrumentSpec {
        self.spec
    }

    pub(crate) fn row(&self) -> responses::Instrument<'_> {
        let spec = self.spec;
        let perpetual = spec.expiry.is_none();
        responses::Instrument {
            symbol: &spec.symbol,
            instrument_type: instrument_type(spec),
            underlying: self.underlying.as_deref(),
            pair: &self.pair,
            base: spec.base.code(),
            quote: spec.quote.code(),
            tick_size: tick_size(spec),
            contract_size: Decimal::from_int(1),
            contract_value_trade_precision: i32::from(spec.lot_precision),
            impact_mid_size: size(spec.impact_mid_size, spec),
            max_position_size: size(spec.max_position, spec),
            opening_date: time(self.opening),
            last_trading_time: spec.expiry.map(time),
            margin_levels: &self.margin_levels,
            funding_rate_coefficient: perpetual.then(|| i64::from(spec.funding_rate_coefficient)),
            max_relative_funding_rate: perpetual
                .then(|| Decimal::new(i128::from(spec.max_relative_funding_rate), 8)),
            min_relative_funding_rate: spec
                .min_relative_funding_rate
                .filter(|_| perpetual)
                .map(|rate| Decimal::new(i128::from(rate), 8)),
            isin: None,
            post_only: self.state == MarketState::PostOnly,
            fee_schedule_uid: Some(FEE_SCHEDULE),
            mtf: false,
            tradfi: false,
            category: "",
            platforms_permitted: &[PLATFORM],
            countries_banned: &[],
            is_expired: self.state == MarketState::Expired,
            tradeable: is_loaded(self.state),
            maker_protection_millis: None,
        }
    }
}

/// Whether a market is dislocated or moves wildly, and what margin that asks.
pub(crate) fn status<'d>(spec: &'d InstrumentSpec, market: &MarketView) -> responses::InstrumentStatus<'d> {
    responses::InstrumentStatus {
        symbol: &spec.symbol,
        dislocation: market.dislocation.map(|dislocation| match dislocation {
            Dislocation::Above => DislocationDirection::AboveUpperBound,
            Dislocation::Below => DislocationDirection::BelowLowerBound,
        }),
        extreme_volatility: market.margin_multiplier > 1,
        initial_margin_multiplier: market.margin_multiplier,
    }
}

/// A market's ticker. None while it has neither mark nor index: the dialect has no ticker without a mark price, and a
/// price of zero would be a lie.
pub(crate) fn ticker<'d>(
    ticker: &Ticker,
    spec: &'d InstrumentSpec,
    now: Timestamp,
) -> Option<responses::Ticker<'d>> {
    let day = &ticker.day;
    let level = |(at, lots)| (price(at, spec), size(lots, spec));
    Some(responses::Ticker {
        symbol: &spec.symbol,
        last: ticker.last.map(|last| (price(last.price, spec), time(last.time), size(last.qty, spec))),
        tag: tag(spec, now),
        pair: &spec.pair,
        mark_price: ticker.mark.or(ticker.index).map(fine_price)?,
        index_price: ticker.index.map(fine_price),
        bid: ticker.bid.map(level),
        ask: ticker.ask.map(level),
        vol24h: size(day.volume, spec),
        volume_quote: crate::grid::amount(loligo_engine::Fine(day.value.0.abs())),
        open_interest: size(ticker.open_interest, spec),
        open24h: day.open.map(|open| price(open, spec)),
        high24h: day.high.map(|high| price(high, spec)),
        low24h: day.low.map(|low| price(low, spec)),
        vwap24h: average(ticker, spec),
        change24h: change(ticker.last, day.open),
        funding: ticker.funding.map(funding),
        suspended: ticker.state == MarketState::Suspended,
        post_only: ticker.state == MarketState::PostOnly,
    })
}

/// A perpetual's funding: the rate of the running hour, and what the next would be if it ended now.
fn funding(FundingView { rate: now, prediction, next: _ }: FundingView) -> responses::Funding {
    responses::Funding {
        rate: rate(now.absolute),
        rate_prediction: rate(prediction.absolute),
        relative_rate: rate(now.relative),
        relative_rate_prediction: rate(prediction.relative),
    }
}

/// The funding rate of an hour.
pub(crate) fn funding_rate(row: &FundingRateRow) -> responses::HistoricalFundingRate {
    responses::HistoricalFundingRate {
        hour: time(row.hour),
        rate: rate(row.rate.absolute),
        relative_rate: rate(row.rate.relative),
    }
}

/// A market's ticker as the feeds tell it. None while there is no index price: the feed has no ticker without one.
pub(crate) fn feed_ticker<'d>(
    ticker: &Ticker,
    spec: &'d InstrumentSpec,
    now: Timestamp,
) -> Option<ws1::Ticker<'d>> {
    let index = ticker.index?;
    let mark = ticker.mark.unwrap_or(index);
    let shown = self::ticker(ticker, spec, now)?;
    let lite = ws1::TickerLite {
        product_id: &spec.symbol,
        bid: shown.bid,
        ask: shown.ask,
        change: shown.change24h,
        premium: premium(mark, index),
        volume: shown.vol24h,
        volume_quote: shown.volume_quote,
        tag: shown.tag,
        pair: shown.pair,
        days_to_maturity: spec.expiry.map_or(0, |expiry| (expiry.0 - now.0).max(0) / DAY),
        maturity: spec.expiry.map(time),
    };
    Some(ws1::Ticker {
        lite,
        time: time(now),
        last: shown.last.map(|(last, ..)| last),
        open: shown.open24h,
        high: shown.high24h,
        low: shown.low24h,
        index: fine_price(index),
        mark_price: shown.mark_price,
        open_interest: shown.open_interest,
        // Rates are in 1e-6; what does not come out even is cut at two decimals.
        leverage: spec
            .margin_levels
            .first()
            .and_then(|level| 100_000_000_i128.checked_div(i128::from(level.initial)))
            .map(|hundredths| Decimal::new(hundredths, 2)),
        suspended: shown.suspended,
        post_only: shown.post_only,
        funding: shown.funding.zip(ticker.funding).map(|(rates, funding)| ws1::Funding {
            rate: rates.rate,
            rate_prediction: rates.rate_prediction,
            relative_rate: rates.relative_rate,
            relative_rate_prediction: rates.relative_rate_prediction,
            next_time: time(funding.next),
        }),
    })
}

/// By how many per cent a mark price is above its index, to one decimal, half to even.
fn premium(mark: FinePrice, index: FinePrice) -> Decimal {
    let above = mark.0.saturating_sub(index.0).saturating_mul(1_000);
    let index = index.0.max(1);
    let (tenths, rest) = (above.div_euclid(index), above.rem_euclid(index));
    let up = match (rest * 2).cmp(&index) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => tenths & 1,
    };
    Decimal::new(tenths + up, 1)
}

/// What kind of trade the feed calls one of this taker.
pub(crate) fn trade_kind(taker: FillRole) -> ws1::TradeKind {
    match taker {
        FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => ws1::TradeKind::Fill,
        FillRole::Liquidation | FillRole::CoveredLiquidation => ws1::TradeKind::Liquidation,
        FillRole::PartialLiquidation => ws1::TradeKind::PartialLiquidation,
        FillRole::Assignor | FillRole::Assignee | FillRole::UnwindBankrupt | FillRole::UnwindCounterparty => {
            ws1::TradeKind::Termination
        }
    }
}

/// Average price of the day's trades by volume, to six decimals; what the dialect calls vwap.
fn average(ticker: &Ticker, spec: &InstrumentSpec) -> Option<Decimal> {
    let (lots, value) = (i128::from(ticker.day.volume.0), ticker.day.value.0.abs());
    if lots == 0 || value == 0 {
        return None;
    }
    let (finer, coarser) = spec.lot_of_millionth();
    let units = match spec.kind {
        // 1e-24 of value over 1e-6 of contracts, to 1e-6.
        ContractKind::Linear => {
            (value / 10_i128.pow(12)).checked_mul(finer)?.checked_div(lots.checked_mul(coarser)?)?
        }
        // 1e-6 of contracts over 1e-24 of value, to 1e-6: the value to 1e-12 first.
        ContractKind::Inverse => {
            let value = value / 10_i128.pow(12);
            lots.checked_mul(coarser)?.checked_mul(10_i128.pow(12) / finer)?.checked_div(value)?
        }
    };
    Some(Decimal::new(units, 6))
}

/// From the day's first price to the last one, in per cent with two decimals, toward zero.
fn change(last: Option<LastTrade>, open: Option<Price>) -> Decimal {
    let (Some(last), Some(open)) = (last, open) else { return Decimal::ZERO };
    let (last, open) = (i128::from(last.price.0), i128::from(open.0));
    Decimal::new((last - open) * 10_000 / open.max(1), 2)
}

/// The maturity: a contract that was listed as a quarter is the month when its turn has come. Its last week says so.
fn tag(spec: &InstrumentSpec, now: Timestamp) -> TickerTag {
    let Some(expiry) = spec.expiry else { return TickerTag::Perpetual };
    if expiry.0 - now.0 <= WEEK {
        return TickerTag::Week;
    }
    match kind_at(now, expiry, spec.kind) {
        Roll::Month => TickerTag::Month,
        Roll::Quarter => TickerTag::Quarter,
        Roll::Half => TickerTag::Semiannual,
    }
}

/// A public trade.
pub(crate) fn trade(trade: &TradeRow, spec: &InstrumentSpec, identity: &Identity) -> responses::Trade {
    responses::Trade {
        price: price(trade.price, spec),
        side: side(trade.side),
        size: size(trade.qty, spec),
        time: time(trade.time),
        trade_type: match trade.role {
            FillRole::Maker | FillRole::Taker | FillRole::TakerAfterEdit => TradeType::Fill,
            FillRole::Liquidation | FillRole::CoveredLiquidation => TradeType::Liquidation,
            FillRole::PartialLiquidation => TradeType::PartialLiquidation,
            FillRole::Assignor | FillRole::Assignee => TradeType::Assignment,
            FillRole::UnwindBankrupt | FillRole::UnwindCounterparty => TradeType::Termination,
        },
        uid: identity.execution_uuid(trade.execution),
        sequence_id: trade.execution.0,
    }
}

/// The whole answer of `/feeschedules`: rates as percentages.
pub(crate) fn write_fee_schedules(out: &mut Vec<u8>, server_time: WireTime) {
    let tiers: Vec<responses::FeeTier> = fee_schedule()
        .iter()
        .map(|tier| responses::FeeTier {
            // 1e-8 of the value is 1e-6 of a per cent.
            maker_fee: Decimal::new(i128::from(tier.rates.maker), 6),
            taker_fee: Decimal::new(i128::from(tier.rates.taker), 6),
            usd_volume: Decimal::new(i128::from(tier.from_usd), 0),
        })
        .collect();
    let schedule = responses::FeeSchedule { uid: FEE_SCHEDULE, name: "Loligo", tiers: &tiers };
    responses::write_fee_schedules(out, [schedule], server_time);
}

/// The whole answer of `/feeschedules/volumes`: of the one schedule.
pub(crate) fn write_fee_volume(out: &mut Vec<u8>, volume: Money, server_time: WireTime) {
    responses::write_fee_schedule_volumes(out, [(FEE_SCHEDULE, crate::grid::money(volume))], server_time);
}
