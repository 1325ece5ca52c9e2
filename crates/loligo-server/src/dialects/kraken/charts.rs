//! Candles over HTTP: public, without an envelope, refused in plain words.

use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken};
use crate::charts::{self, Candle, Range, Series, SeriesAt};
use crate::grid::{time, volume};
use crate::projection::ListedInstrument;
use loligo_engine::{InstrumentSpec, Timestamp};
use loligo_wire::charts::{
    CandleRange, ChartsError, PATH, Resolution, TickType, write_candles, write_resolutions, write_symbols,
    write_tick_types,
};
use loligo_wire::decimal::Decimal;
use loligo_wire::v3::words::Error;
use loligo_wire::ws1::CandlesFeed;
use std::sync::Arc;

/// What a path of the charts API names, from left to right; empty where there is no more.
pub(super) fn named(path: &str) -> [&str; 3] {
    let mut parts = path.strip_prefix(PATH).unwrap_or_default().split('/').skip(1);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn tick_type(word: &str) -> Result<TickType, ChartsError> {
    TickType::from_word(word).ok_or(ChartsError::TickType)
}

impl Kraken {
    pub(super) async fn tick_types(&self, _: &KrakenRequest<'_>) -> Answer {
        let mut body = Vec::with_capacity(32);
        write_tick_types(&mut body);
        Ok(body)
    }

    /// All contracts, expired ones too: their candles stay.
    pub(super) async fn chart_markets(&self, asked: &KrakenRequest<'_>) -> Answer {
        let [word, ..] = named(asked.path());
        tick_type(word)?;
        let instruments = asked.directory.instruments();
        let mut body = Vec::with_capacity(24 * instruments.len());
        write_symbols(&mut body, instruments.iter().map(|listed| &*listed.instrument.spec().symbol));
        Ok(body)
    }

    /// The same for all contracts; none for one that there is not.
    pub(super) async fn chart_resolutions(&self, asked: &KrakenRequest<'_>) -> Answer {
        let [word, symbol, _] = named(asked.path());
        tick_type(word)?;
        let mut body = Vec::with_capacity(64);
        match asked.directory.by_symbol(symbol) {
            Some(_) => write_resolutions(&mut body),
            None => write_symbols(&mut body, []),
        }
        Ok(body)
    }

    pub(super) async fn candles(&self, asked: &KrakenRequest<'_>) -> Answer {
        let [word, symbol, resolution] = named(asked.path());
        let tick_type = tick_type(word)?;
        let resolution = Resolution::from_word(resolution).ok_or(ChartsError::Resolution)?;
        let wanted = CandleRange::read(asked.args().map_err(|_| ChartsError::Arguments)?)?;
        let Some(listed) = asked.directory.by_symbol(symbol) else {
            return Ok(written(&[], TickType::Mark, None, false));
        };
        self.node.followed(charts::NAME).await.map_err(|_| Failure::from(Error::Unavailable))?;
        // Taken after what was acknowledged is in the candles, so that the one which is forming is there.
        let now = self.node.now();
        let until = asked.views.markets().ends_at(listed.id).map_or(now, |ends_at| ends_at.min(now));
        let range =
            Range { from: wanted.from.map(instant), to: wanted.to.map_or(now, instant), count: wanted.count };
        let (candles, past) = (Arc::clone(&self.candles), self.made_up.clone());
        let series = series(tick_type, listed);
        let read = move || candles.page(past.as_deref(), series, length(resolution), range, until);
        // A page may be folded from thousands of rows: too long for a thread that others wait for.
        let page = tokio::task::spawn_blocking(read).await;
        let page = page.map_err(|_| Error::Unavailable)?.map_err(|error| {
            tracing::warn!(%error, "candles could not be read");
            Error::Unavailable
        })?;
        Ok(written(&page.candles, tick_type, Some(listed.instrument.spec()), page.more))
    }
}

fn written(candles: &[Candle], tick_type: TickType, spec: Option<&InstrumentSpec>, more: bool) -> Vec<u8> {
    let mut body = Vec::with_capacity(64 + 128 * candles.len());
    let traded = spec.filter(|_| tick_type == TickType::Trade);
    write_candles(&mut body, candles.iter().map(|candle| wire(candle, traded)), more);
    body
}

/// A candle as the dialect has it; of trades, in contracts of this kind.
pub(super) fn wire(candle: &Candle, traded: Option<&InstrumentSpec>) -> loligo_wire::charts::Candle {
    let price = |price: loligo_engine::FinePrice| Decimal::new(price.0, 18);
    loligo_wire::charts::Candle {
        time: time(candle.opened),
        open: price(candle.open),
        high: price(candle.high),
        low: price(candle.low),
        close: price(candle.close),
        volume: traded.map_or(Decimal::ZERO, |spec| volume(candle.volume, spec)),
    }
}

pub(super) fn series(tick_type: TickType, listed: &ListedInstrument) -> Series {
    match tick_type {
        TickType::Trade => Series::Trade(listed.id),
        TickType::Mark => Series::Mark(listed.id),
        TickType::Spot => Series::Spot(listed.instrument.pair()),
    }
}

/// The feed that tells candles of a series.
pub(super) fn feed((series, resolution): SeriesAt) -> CandlesFeed {
    let tick_type = match series {
        Series::Trade(_) => TickType::Trade,
        Series::Mark(_) => TickType::Mark,
        Series::Spot(_) => TickType::Spot,
    };
    let same = Resolution::ALL.iter().find(|of| length(**of) == resolution);
    CandlesFeed { tick_type, resolution: *same.expect("every length has a word") }
}

pub(super) const fn length(resolution: Resolution) -> charts::Resolution {
    match resolution {
        Resolution::OneMinute => charts::Resolution::OneMinute,
        Resolution::FiveMinutes => charts::Resolution::FiveMinutes,
        Resolution::FifteenMinutes => charts::Resolution::FifteenMinutes,
        Resolution::ThirtyMinutes => charts::Resolution::ThirtyMinutes,
        Resolution::OneHour => charts::Resolution::OneHour,
        Resolution::FourHours => charts::Resolution::FourHours,
        Resolution::TwelveHours => charts::Resolution::TwelveHours,
        Resolution::OneDay => charts::Resolution::OneDay,
        Resolution::OneWeek => charts::Resolution::OneWeek,
    }
}

/// Seconds of a request are at most those of the year 9999.
pub(super) fn instant(seconds: i64) -> Timestamp {
    Timestamp(seconds * Timestamp::SECOND)
}
