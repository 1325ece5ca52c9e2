//! Answers about markets: books, trades, instruments, tickers.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::{Object, write_array, write_string, write_success};
use crate::time::Timestamp;
use crate::v3::words::{DislocationDirection, InstrumentType, Side, TickerTag, TradeType};

/// Appends the whole answer of `/orderbook`: each side's levels as (price, size), the best first.
pub fn write_order_book(
    out: &mut Vec<u8>,
    bids: impl IntoIterator<Item = (Decimal, Decimal)>,
    asks: impl IntoIterator<Item = (Decimal, Decimal)>,
    server_time: Timestamp,
) {
    let level = |out: &mut Vec<u8>, (price, size): (Decimal, Decimal)| {
        out.push(b'[');
        price.write(out);
        out.push(b',');
        size.write(out);
        out.push(b']');
    };
    write_success(out, server_time, |answer| {
        let mut book = Object::new(answer.member("orderBook"));
        write_array(book.member("bids"), bids, level);
        write_array(book.member("asks"), asks, level);
        book.end();
    });
}

/// A public trade.
#[derive(Clone, Copy, Debug)]
pub struct Trade {
    /// Its price.
    pub price: Decimal,
    /// The taker's side.
    pub side: Side,
    /// Its size.
    pub size: Decimal,
    /// When it happened.
    pub time: Timestamp,
    /// How it came about.
    pub trade_type: TradeType,
    /// Its execution id.
    pub uid: Uuid,
    /// Its number in the order of trades.
    pub sequence_id: u64,
}

/// Appends the whole answer of `/history`. Trades are given newest first; their `trade_id` is the number of their row.
pub fn write_history(out: &mut Vec<u8>, trades: impl IntoIterator<Item = Trade>, server_time: Timestamp) {
    write_success(out, server_time, |answer| {
        let numbered = trades.into_iter().zip(1_u32..);
        write_array(answer.member("history"), numbered, |out, (trade, row)| {
            let Trade { price, side, size, time, trade_type, uid, sequence_id } = trade;
            let mut element = Object::new(out);
            element.decimal("price", price);
            element.string("side", side.as_str());
            element.decimal("size", size);
            element.micros("time", time);
            element.int("trade_id", row);
            element.string("type", trade_type.as_str());
            element.uuid("uid", uid);
            element.int_string("sequence_id", sequence_id);
            element.end();
        });
    });
}

/// The funding rate of an hour that is over, or runs.
#[derive(Clone, Copy, Debug)]
pub struct HistoricalFundingRate {
    /// When the hour began.
    pub hour: Timestamp,
    /// The absolute rate.
    pub rate: Decimal,
    /// The relative rate.
    pub relative_rate: Decimal,
}

/// Appends the whole answer of `/historical-funding-rates`, oldest first.
pub fn write_funding_rates(
    out: &mut Vec<u8>,
    rates: impl IntoIterator<Item = HistoricalFundingRate>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("rates"), rates, |out, row| {
            let HistoricalFundingRate { hour, rate, relative_rate } = row;
            let mut element = Object::new(out);
            element.seconds("timestamp", hour);
            element.decimal("fundingRate", rate);
            element.decimal("relativeFundingRate", relative_rate);
            element.end();
        });
    });
}

/// From which size of a position a margin level applies.
#[derive(Clone, Copy, Debug)]
pub enum MarginLevelFrom {
    /// A number of contracts: inverse markets.
    Contracts(Decimal),
    /// A value in the quote currency: linear markets.
    Notional(Decimal),
}

/// A margin level of an instrument.
#[derive(Clone, Copy, Debug)]
pub struct MarginLevel {
    /// Where it begins.
    pub from: MarginLevelFrom,
    /// Initial margin, as a fraction.
    pub initial_margin: Decimal,
    /// Maintenance margin, as a fraction.
    pub maintenance_margin: Decimal,
}

/// A market.
#[derive(Clone, Copy, Debug)]
pub struct Instrument<'a> {
    /// Its name, in upper case.
    pub symbol: &'a str,
    /// Its family.
    pub instrument_type: InstrumentType,
    /// Its index, for inverse markets.
    pub underlying: Option<&'a str>,
    /// What it trades, such as `BTC:USD`. (Tickers say `XBT:USD`.)
    pub pair: &'a str,
    /// The currency traded, such as `BTC`.
    pub base: &'a str,
    /// The currency it is priced in.
    pub quote: &'a str,
    /// The step of prices.
    pub tick_size: Decimal,
    /// Units of a contract.
    pub contract_size: Decimal,
    /// Decimal places of sizes; negative means multiples of ten.
    pub contract_value_trade_precision: i32,
    /// The size at which impact prices are taken.
    pub impact_mid_size: Decimal,
    /// The largest position.
    pub max_position_size: Decimal,
    /// When it was listed.
    pub opening_date: Timestamp,
    /// When it expires. Clients take a market without it for a perpetual.
    pub last_trading_time: Option<Timestamp>,
    /// Its margin levels, the first from zero.
    pub margin_levels: &'a [MarginLevel],
    /// Perpetuals: over how many hours a premium is paid.
    pub funding_rate_coefficient: Option<i64>,
    /// Perpetuals: the largest rate an hour, as a fraction.
    pub max_relative_funding_rate: Option<Decimal>,
    /// Perpetuals: the least rate an hour, as a fraction, where it is not the largest with its sign turned.
    pub min_relative_funding_rate: Option<Decimal>,
    /// Its ISIN.
    pub isin: Option<&'a str>,
    /// Whether only post-only orders are taken now.
    pub post_only: bool,
    /// Which fee schedule it has.
    pub fee_schedule_uid: Option<&'a str>,
    /// Whether it is listed on the regulated facility.
    pub mtf: bool,
    /// Whether its underlying is a traditional asset.
    pub tradfi: bool,
    /// Free text.
    pub category: &'a str,
    /// On which platforms it may be traded.
    pub platforms_permitted: &'a [&'a str],
    /// In which countries it may not be traded, by their two letters.
    pub countries_banned: &'a [&'a str],
    /// Whether it has expired.
    pub is_expired: bool,
    /// Whether it can be traded.
    pub tradeable: bool,
    /// For how long taking orders are held, if they are.
    pub maker_protection_millis: Option<u32>,
}

/// Appends the whole answer of `/instruments`, of rows as [`Instrument::write`] has them.
pub fn write_instruments<'a>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = &'a [u8]>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| write_rows(answer.member("instruments"), rows));
}

/// Appends a list of rows that are written already.
fn write_rows<'a>(out: &mut Vec<u8>, rows: impl IntoIterator<Item = &'a [u8]>) {
    write_array(out, rows, |out, row| out.extend_from_slice(row));
}

impl Instrument<'_> {
    /// Appends its row.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        self.write_kind(&mut object);
        object.decimal("contractSize", self.contract_size);
        self.write_terms(&mut object);
        object.string_if_some("isin", self.isin);
        object.bool("postOnly", self.post_only);
        object.string_if_some("feeScheduleUid", self.fee_schedule_uid);
        object.string("category", self.category);
        object.bool("tradeable", self.tradeable);
        write_array(object.member("platformsPermitted"), self.platforms_permitted, |out, name| {
            write_string(out, name);
        });
        write_array(object.member("countriesBanned"), self.countries_banned, |out, name| {
            write_string(out, name);
        });
        self.write_flags(&mut object);
        object.end();
    }

    /// What it is.
    fn write_kind(&self, object: &mut Object<'_>) {
        // Named whole, so that a new field finds its place here or in one of the other parts.
        let Self {
            symbol,
            instrument_type,
            underlying,
            pair,
            base,
            quote,
            tick_size,
            contract_size: _,
            contract_value_trade_precision: _,
            impact_mid_size: _,
            max_position_size: _,
            opening_date: _,
            last_trading_time: _,
            margin_levels: _,
            funding_rate_coefficient: _,
            max_relative_funding_rate: _,
            min_relative_funding_rate: _,
            isin: _,
            post_only: _,
            fee_schedule_uid: _,
            mtf: _,
            tradfi: _,
            category: _,
            platforms_permitted: _,
            countries_banned: _,
            is_expired: _,
            tradeable: _,
            maker_protection_millis: _,
        } = *self;
        object.string("symbol", symbol);
        object.string("type", instrument_type.as_str());
        object.string_if_some("underlying", underlying);
        object.string("pair", pair);
        object.string("base", base);
        object.string("quote", quote);
        object.decimal("tickSize", tick_size);
    }

    /// Its sizes, dates, margin and funding.
    fn write_terms(&self, object: &mut Object<'_>) {
        object.int("contractValueTradePrecision", self.contract_value_trade_precision);
        object.decimal("impactMidSize", self.impact_mid_size);
        object.decimal("maxPositionSize", self.max_position_size);
        object.seconds("openingDate", self.opening_date);
        if let Some(time) = self.last_trading_time {
            object.seconds("lastTradingTime", time);
        }
        write_array(object.member("marginLevels"), self.margin_levels, |out, level| {
            let MarginLevel { from, initial_margin, maintenance_margin } = *level;
            let mut element = Object::new(out);
            match from {
                MarginLevelFrom::Contracts(contracts) => element.decimal("contracts", contracts),
                MarginLevelFrom::Notional(notional) => element.decimal("numNonContractUnits", notional),
            }
            element.decimal("initialMargin", initial_margin);
            element.decimal("maintenanceMargin", maintenance_margin);
            element.end();
        });
        if let Some(coefficient) = self.funding_rate_coefficient {
            object.int("fundingRateCoefficient", coefficient);
        }
        object.decimal_if_some("maxRelativeFundingRate", self.max_relative_funding_rate);
        object.decimal_if_some("minRelativeFundingRate", self.min_relative_funding_rate);
    }

    fn write_flags(&self, object: &mut Object<'_>) {
        object.bool("mtf", self.mtf);
        object.bool("tradfi", self.tradfi);
        object.bool("isExpired", self.is_expired);
        if let Some(millis) = self.maker_protection_millis {
            object.int("makerProtectionMillis", millis);
        }
    }
}

/// A market as an account sees it.
#[derive(Clone, Copy, Debug)]
pub struct TradingInstrument<'a> {
    /// The market.
    pub instrument: Instrument<'a>,
    /// The least size of an order. The venue names it as required and leaves it out; here it is told.
    pub minimum_trade_size: Decimal,
    /// What a share of the makers' volume is paid back: share and rebate.
    pub rebate_levels: &'a [(Decimal, Decimal)],
    /// Whether the market is closed to this account.
    pub restricted: bool,
}

/// Appends the whole answer of `/trading/instruments`.
pub fn write_trading_instruments<'a>(
    out: &mut Vec<u8>,
    instruments: impl IntoIterator<Item = TradingInstrument<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("instruments"), instruments, |out, instrument| instrument.write(out));
    });
}

impl TradingInstrument<'_> {
    /// The members of `/instruments` less three, with these of the account. What it does not have is null in this list.
    fn write(&self, out: &mut Vec<u8>) {
        let Self { instrument, minimum_trade_size, rebate_levels, restricted } = *self;
        let mut object = Object::new(out);
        instrument.write_kind(&mut object);
        instrument.write_terms(&mut object);
        object.opt_string("isin", instrument.isin);
        object.bool("postOnly", instrument.post_only);
        object.opt_string("feeScheduleUid", instrument.fee_schedule_uid);
        instrument.write_flags(&mut object);
        let mut rebates = Object::new(object.member("rebateLevels"));
        for (share, rebate) in rebate_levels {
            rebates.decimal(&share.to_string(), *rebate);
        }
        rebates.end();
        object.decimal("minimumTradeSize", minimum_trade_size);
        object.bool("restricted", restricted);
        object.end();
    }
}

/// Whether a market is dislocated or extremely volatile.
#[derive(Clone, Copy, Debug)]
pub struct InstrumentStatus<'a> {
    /// The market, in upper case.
    pub symbol: &'a str,
    /// Which way it is dislocated, if it is.
    pub dislocation: Option<DislocationDirection>,
    /// Whether it is extremely volatile.
    pub extreme_volatility: bool,
    /// By how much initial margin is raised; 1 in normal times.
    pub initial_margin_multiplier: u32,
}

impl InstrumentStatus<'_> {
    fn write_members(&self, object: &mut Object<'_>) {
        let Self { symbol, dislocation, extreme_volatility, initial_margin_multiplier } = *self;
        // The member holds the symbol, despite its name.
        object.string("tradeable", symbol);
        object.bool("experiencingDislocation", dislocation.is_some());
        object.opt_string("priceDislocationDirection", dislocation.map(DislocationDirection::as_str));
        object.bool("experiencingExtremeVolatility", extreme_volatility);
        object.int("extremeVolatilityInitialMarginMultiplier", initial_margin_multiplier);
    }
}

/// Appends the whole answer of `/instruments/status`.
pub fn write_instruments_status<'a>(
    out: &mut Vec<u8>,
    statuses: impl IntoIterator<Item = InstrumentStatus<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("instrumentStatus"), statuses, |out, status| {
            let mut element = Object::new(out);
            status.write_members(&mut element);
            element.end();
        });
    });
}

/// Appends the whole answer of `/instruments/{symbol}/status`, whose members stand beside `result`.
pub fn write_instrument_status(out: &mut Vec<u8>, status: &InstrumentStatus<'_>, server_time: Timestamp) {
    write_success(out, server_time, |answer| status.write_members(answer));
}

/// The ticker of a market. Indices have none here: one widespread client loses the whole list over such a row.
#[derive(Clone, Copy, Debug)]
pub struct Ticker<'a> {
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The last price, with its time and size; none before the first trade.
    pub last: Option<(Decimal, Timestamp, Decimal)>,
    /// The maturity.
    pub tag: TickerTag,
    /// What it trades, such as `XBT:USD`.
    pub pair: &'a str,
    /// The mark price.
    pub mark_price: Decimal,
    /// The index price; none before the first.
    pub index_price: Option<Decimal>,
    /// The best bid with its size; none on an empty side.
    pub bid: Option<(Decimal, Decimal)>,
    /// The best ask with its size; none on an empty side.
    pub ask: Option<(Decimal, Decimal)>,
    /// What was traded in 24 hours, in base units or contracts.
    pub vol24h: Decimal,
    /// The same in the quote currency.
    pub volume_quote: Decimal,
    /// All positions of one side.
    pub open_interest: Decimal,
    /// The first price of the last 24 hours, if there was a trade.
    pub open24h: Option<Decimal>,
    /// The highest of them.
    pub high24h: Option<Decimal>,
    /// The lowest of them.
    pub low24h: Option<Decimal>,
    /// Their average by volume.
    pub vwap24h: Option<Decimal>,
    /// The change of price over 24 hours in per cent.
    pub change24h: Decimal,
    /// Perpetuals: the present funding, and what the next is expected to be.
    pub funding: Option<Funding>,
    /// Whether trading is halted.
    pub suspended: bool,
    /// Whether only post-only orders are taken now.
    pub post_only: bool,
}

/// The funding of a perpetual: absolute rates are quote currency per unit and hour, relative ones fractions of the price.
#[derive(Clone, Copy, Debug)]
pub struct Funding {
    /// The absolute rate.
    pub rate: Decimal,
    /// The absolute rate expected next.
    pub rate_prediction: Decimal,
    /// The relative rate.
    pub relative_rate: Decimal,
    /// The relative rate expected next.
    pub relative_rate_prediction: Decimal,
}

/// Appends the whole answer of `/tickers`, of rows as [`Ticker::write`] has them.
pub fn write_tickers<'a>(
    out: &mut Vec<u8>,
    rows: impl IntoIterator<Item = &'a [u8]>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| write_rows(answer.member("tickers"), rows));
}

/// Appends the whole answer of `/tickers/{symbol}`.
pub fn write_ticker(out: &mut Vec<u8>, ticker: &Ticker<'_>, server_time: Timestamp) {
    write_success(out, server_time, |answer| ticker.write(answer.member("ticker")));
}

impl Ticker<'_> {
    /// Appends its row.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self {
            symbol,
            last,
            tag,
            pair,
            mark_price,
            index_price,
            bid,
            ask,
            vol24h,
            volume_quote,
            open_interest,
            open24h,
            high24h,
            low24h,
            vwap24h,
            change24h,
            funding,
            suspended,
            post_only,
        } = *self;
        let mut object = Object::new(out);
        object.string("symbol", symbol);
        if let Some((price, time, size)) = last {
            object.decimal("last", price);
            object.micros("lastTime", time);
            object.decimal("lastSize", size);
        }
        object.string("tag", tag.as_str());
        object.string("pair", pair);
        object.decimal("markPrice", mark_price);
        if let Some((price, size)) = bid {
            object.decimal("bid", price);
            object.decimal("bidSize", size);
        }
        if let Some((price, size)) = ask {
            object.decimal("ask", price);
            object.decimal("askSize", size);
        }
        object.decimal("vol24h", vol24h);
        object.decimal("volumeQuote", volume_quote);
        object.decimal("openInterest", open_interest);
        object.decimal_if_some("open24h", open24h);
        object.decimal_if_some("high24h", high24h);
        object.decimal_if_some("low24h", low24h);
        object.decimal_if_some("vwap24h", vwap24h);
        if let Some(Funding { rate, rate_prediction, relative_rate, relative_rate_prediction }) = funding {
            object.decimal("fundingRate", rate);
            object.decimal("fundingRatePrediction", rate_prediction);
            object.decimal("relativeFundingRate", relative_rate);
            object.decimal("relativeFundingRatePrediction", relative_rate_prediction);
        }
        object.bool("suspended", suspended);
        object.decimal_if_some("indexPrice", index_price);
        object.bool("postOnly", post_only);
        object.decimal("change24h", change24h);
        object.end();
    }
}
