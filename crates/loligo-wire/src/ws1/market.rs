//! The public feeds beside the book's: tickers, trades, candles.

use uuid::Uuid;

use super::words::Feed;
use crate::charts::{Candle, Resolution, TickType};
use crate::decimal::Decimal;
use crate::json::{Object, write_array};
use crate::time::Timestamp;
use crate::words::{Side, TickerTag, words};

/// What both tickers tell of a product.
#[derive(Clone, Copy, Debug)]
pub struct TickerLite<'a> {
    /// The product.
    pub product_id: &'a str,
    /// The best bid with its size; none on an empty side.
    pub bid: Option<(Decimal, Decimal)>,
    /// The best ask with its size; none on an empty side.
    pub ask: Option<(Decimal, Decimal)>,
    /// The change of price over 24 hours in per cent; zero without a trade.
    pub change: Decimal,
    /// By how many per cent the mark price is above the index.
    pub premium: Decimal,
    /// What was traded in 24 hours, in base units or contracts.
    pub volume: Decimal,
    /// Its worth: in quote currency for linear products, in base currency for inverse ones.
    pub volume_quote: Decimal,
    /// The maturity.
    pub tag: TickerTag,
    /// What it trades, such as `XBT:USD`.
    pub pair: &'a str,
    /// Whole days to maturity; zero for perpetuals.
    pub days_to_maturity: i64,
    /// When it matures, unless it is a perpetual.
    pub maturity: Option<Timestamp>,
}

/// The whole ticker of a product.
#[derive(Clone, Copy, Debug)]
pub struct Ticker<'a> {
    /// What the small ticker tells, too.
    pub lite: TickerLite<'a>,
    /// As of when.
    pub time: Timestamp,
    /// The last price; none before the first trade.
    pub last: Option<Decimal>,
    /// The first price of the last 24 hours, if there was a trade.
    pub open: Option<Decimal>,
    /// The highest of them.
    pub high: Option<Decimal>,
    /// The lowest of them.
    pub low: Option<Decimal>,
    /// The index price.
    pub index: Decimal,
    /// The mark price.
    pub mark_price: Decimal,
    /// All positions of one side.
    pub open_interest: Decimal,
    /// The greatest leverage of the first margin level.
    pub leverage: Option<Decimal>,
    /// Whether trading is halted.
    pub suspended: bool,
    /// Whether only post-only orders are taken now.
    pub post_only: bool,
    /// The funding of a perpetual.
    pub funding: Option<Funding>,
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
    /// When the next one begins.
    pub next_time: Timestamp,
}

impl TickerLite<'_> {
    /// Appends the small ticker. An empty side is sent as zero: some clients read both unconditionally.
    pub fn write(&self, out: &mut Vec<u8>) {
        let price = |side: Option<(Decimal, Decimal)>| side.map_or(Decimal::ZERO, |(price, _)| price);
        let mut message = Object::new(out);
        message.string("feed", Feed::TickerLite.as_str());
        message.string("product_id", self.product_id);
        message.decimal("bid", price(self.bid));
        message.decimal("ask", price(self.ask));
        self.write_shared(&mut message);
        message.end();
    }

    fn write_shared(&self, message: &mut Object<'_>) {
        message.decimal("change", self.change);
        message.decimal("premium", self.premium);
        message.decimal("volume", self.volume);
        message.decimal("volumeQuote", self.volume_quote);
        message.string("tag", self.tag.as_str());
        message.string("pair", self.pair);
        message.int("dtm", self.days_to_maturity);
        message.epoch_millis("maturityTime", self.maturity.unwrap_or_default());
    }
}

impl Ticker<'_> {
    /// Appends the ticker. A rate of zero is left out, as the contract says.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut message = Object::new(out);
        message.string("feed", Feed::Ticker.as_str());
        message.epoch_millis("time", self.time);
        message.string("product_id", self.lite.product_id);
        for (side, price_name, size_name) in
            [(self.lite.bid, "bid", "bid_size"), (self.lite.ask, "ask", "ask_size")]
        {
            if let Some((price, size)) = side {
                message.decimal(price_name, price);
                message.decimal(size_name, size);
            }
        }
        message.decimal_if_some("last", self.last);
        self.lite.write_shared(&mut message);
        message.decimal_if_some("open", self.open);
        message.decimal_if_some("high", self.high);
        message.decimal_if_some("low", self.low);
        message.decimal("index", self.index);
        message.decimal("markPrice", self.mark_price);
        message.decimal("openInterest", self.open_interest);
        if let Some(leverage) = self.leverage {
            message.string("leverage", &format!("{leverage}x"));
        }
        message.bool("suspended", self.suspended);
        message.bool("post_only", self.post_only);
        if let Some(funding) = self.funding {
            let told = |rate: Decimal| (rate != Decimal::ZERO).then_some(rate);
            message.decimal_if_some("funding_rate", told(funding.rate));
            message.decimal_if_some("funding_rate_prediction", told(funding.rate_prediction));
            message.decimal_if_some("relative_funding_rate", told(funding.relative_rate));
            message
                .decimal_if_some("relative_funding_rate_prediction", told(funding.relative_rate_prediction));
            message.epoch_millis("next_funding_rate_time", funding.next_time);
        }
        message.end();
    }
}

words! {
    /// What kind of trade the feed tells of. REST spells one of them otherwise.
    pub enum TradeKind {
        Fill = "fill",
        Liquidation = "liquidation",
        PartialLiquidation = "partialLiquidation",
        /// Assignments and unwinds.
        Termination = "termination",
        Block = "block",
    }
}

/// A trade.
#[derive(Clone, Copy, Debug)]
pub struct Trade<'a> {
    /// Of this product.
    pub product_id: &'a str,
    /// Its id, which is that of the fills of both sides.
    pub uid: Uuid,
    /// The taker's side.
    pub side: Side,
    /// What kind of trade.
    pub kind: TradeKind,
    /// Its number among the product's trades.
    pub seq: u64,
    /// When.
    pub time: Timestamp,
    /// Its size.
    pub qty: Decimal,
    /// Its price.
    pub price: Decimal,
}

impl Trade<'_> {
    /// Appends the message.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut message = Object::new(out);
        message.string("feed", Feed::Trade.as_str());
        message.string("product_id", self.product_id);
        message.uuid("uid", self.uid);
        message.string("side", self.side.as_str());
        message.string("type", self.kind.as_str());
        message.int("seq", self.seq);
        message.epoch_millis("time", self.time);
        message.decimal("qty", self.qty);
        message.decimal("price", self.price);
        message.end();
    }
}

/// Appends the latest trades of a product, given newest first. Each is a whole message of its own.
pub fn write_trade_snapshot<'a>(
    out: &mut Vec<u8>,
    product_id: &str,
    trades: impl IntoIterator<Item = Trade<'a>>,
) {
    let mut message = Object::new(out);
    message.string("feed", "trade_snapshot");
    message.string("product_id", product_id);
    write_array(message.member("trades"), trades, |out, trade| trade.write(out));
    message.end();
}

/// A feed of candles. Its name says of what they are made and how long each lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CandlesFeed {
    /// What they are made of.
    pub tick_type: TickType,
    /// How long each lasts.
    pub resolution: Resolution,
}

impl CandlesFeed {
    /// The feed that a name such as `candles_trade_1m` means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let (tick_type, resolution) = word.strip_prefix("candles_")?.split_once('_')?;
        let (tick_type, resolution) = (TickType::from_word(tick_type)?, Resolution::from_word(resolution)?);
        Some(Self { tick_type, resolution })
    }

    /// Appends the first message: the candle as it stands.
    pub fn write_snapshot(self, out: &mut Vec<u8>, product_id: &str, candle: &Candle) {
        self.write_message(out, "_snapshot", product_id, candle);
    }

    /// Appends a change of the candle, or a candle that has just opened.
    pub fn write(self, out: &mut Vec<u8>, product_id: &str, candle: &Candle) {
        self.write_message(out, "", product_id, candle);
    }

    fn write_message(self, out: &mut Vec<u8>, ending: &str, product_id: &str, candle: &Candle) {
        let mut message = Object::new(out);
        message.string("feed", &format!("{self}{ending}"));
        candle.write(message.member("candle"));
        message.string("product_id", product_id);
        message.end();
    }
}

impl std::fmt::Display for CandlesFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "candles_{}_{}", self.tick_type, self.resolution)
    }
}
