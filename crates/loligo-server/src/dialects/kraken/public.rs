//! Market data: free, without a key; keys that come along are not looked at.

use super::bounds::{ROWS, ROWS_MOST};
use super::convert::{commands, markets};
use super::prepared::Rows;
use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken, Shape, Success};
use crate::grid::{price, size, time};
use crate::node::Views;
use crate::projection::{Cut, Directory, ListedInstrument, Page};
use loligo_engine::{Exchange, InstrumentId, MarketState, MarketView};
use loligo_wire::v3::errors::ErrorAnswer;
use loligo_wire::v3::requests::{self, Symbol};
use loligo_wire::v3::responses;
use loligo_wire::v3::words::{ContractType, Error};

impl Kraken {
    pub(super) async fn fee_schedules(&self, _: &KrakenRequest<'_>) -> Answer {
        let mut body = Vec::with_capacity(2048);
        markets::write_fee_schedules(&mut body, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn tickers(&self, asked: &KrakenRequest<'_>) -> Answer {
        let (args, directory, now) = (asked.args()?, asked.directory, self.node.now());
        let request = requests::Tickers::parse(args)?;
        let wanted: Vec<InstrumentId> = request
            .symbols
            .iter()
            .map(|symbol| commands::contract(directory, symbol).map(|listed| listed.id))
            .collect::<Result<_, _>>()?;
        let rows = self.ticker_rows(asked, now);
        let shown = rows.iter().filter(|row| !row.bytes.is_empty()).filter(|row| {
            let id = row.seen.instrument;
            let is_wanted = wanted.is_empty() || wanted.contains(&id);
            is_wanted
                && directory
                    .instrument(id)
                    .is_some_and(|of| markets::of_type(of.spec(), &request.contract_types))
        });
        let mut body = body_for(&rows);
        responses::write_tickers(&mut body, shown.map(|row| &*row.bytes), time(now));
        Ok(body)
    }

    pub(super) async fn ticker(&self, asked: &KrakenRequest<'_>) -> Answer {
        let (symbol, directory, now) = (asked.named, asked.directory, self.node.now());
        let listed = Symbol::parse(symbol)
            .and_then(|symbol| directory.by_symbol(symbol.as_str()))
            .ok_or(Error::NotFound)?;
        open(asked.views, listed)?;
        let ticker = asked.views.markets().ticker(listed.id, now).ok_or(Error::NotFound)?;
        let mut body = Vec::with_capacity(768);
        let shown = markets::ticker(&ticker, listed.instrument.spec(), now);
        responses::write_ticker(&mut body, &shown.ok_or(Error::MarketUnavailable)?, time(now));
        Ok(body)
    }

    pub(super) async fn order_book(&self, asked: &KrakenRequest<'_>) -> Answer {
        let (args, directory, now) = (asked.args()?, asked.directory, self.node.now());
        let request = requests::OrderBook::parse(args)?;
        let listed = commands::contract(directory, &request.symbol)?;
        open(asked.views, listed)?;
        let spec = listed.instrument.spec();
        let depth = asked.views.markets().depth(listed.id).ok_or(Error::MarketUnavailable)?;
        let row = |&(at, lots): &(_, _)| (price(at, spec), size(lots, spec));
        let mut body = Vec::with_capacity(128 + 24 * (depth.bids.len() + depth.asks.len()));
        responses::write_order_book(
            &mut body,
            depth.bids.iter().map(row),
            depth.asks.iter().map(row),
            time(now),
        );
        Ok(body)
    }

    pub(super) async fn history(&self, asked: &KrakenRequest<'_>) -> Result<Success, Failure> {
        let (args, directory, now) = (asked.args()?, asked.directory, self.node.now());
        let request = requests::History::parse(args)?;
        let listed = commands::contract(directory, &request.symbol)?;
        open(asked.views, listed)?;
        let before = request.last_time.map(commands::instant);
        // A trade's time is written in microseconds.
        let cut = Cut { rows: ROWS, most: ROWS_MOST, instant: 1 };
        let markets = asked.views.markets();
        let Page { rows: trades, broken } = match &self.made_up {
            Some(past) => markets.trades_and_past(listed.id, past, before, cut),
            None => markets.trades(listed.id, before, cut),
        };
        let spec = listed.instrument.spec();
        let identity = self.node.identity();
        let mut body = Vec::with_capacity(128 + 256 * trades.len());
        let rows = trades.iter().map(|trade| markets::trade(trade, spec, identity));
        responses::write_history(&mut body, rows, time(now));
        let shape = broken.map_or(Shape::Whole, |instant| Shape::Broken(time(instant)));
        Ok(Success { body, shape })
    }

    /// Kept for expired markets, too; a dated one has none.
    pub(super) async fn funding_rates(&self, asked: &KrakenRequest<'_>) -> Answer {
        let (args, directory, now) = (asked.args()?, asked.directory, self.node.now());
        let request = requests::FundingRates::parse(args)?;
        let listed = commands::contract(directory, &request.symbol)?;
        let rates = asked.views.markets().funding_rates(listed.id);
        let mut body = Vec::with_capacity(128 + 112 * rates.len());
        responses::write_funding_rates(&mut body, rates.iter().map(markets::funding_rate), time(now));
        Ok(body)
    }

    pub(super) async fn instruments(&self, asked: &KrakenRequest<'_>) -> Answer {
        let (args, directory, now) = (asked.args()?, asked.directory, self.node.now());
        let request = requests::Instruments::parse(args)?;
        let rows = self.instrument_rows(asked, now);
        let shown = directory
            .instruments()
            .iter()
            .zip(rows.iter())
            .filter(|(listed, _)| markets::of_type(listed.instrument.spec(), &request.contract_types))
            // One or the other: those that are over, or all others.
            .filter(|(_, row)| request.expired == (row.seen == MarketState::Expired));
        let mut body = body_for(&rows);
        responses::write_instruments(&mut body, shown.map(|(_, row)| &*row.bytes), time(now));
        Ok(body)
    }

    pub(super) async fn instruments_status(&self, asked: &KrakenRequest<'_>) -> Answer {
        let (args, directory) = (asked.args()?, asked.directory);
        let request = requests::InstrumentsStatus::parse(args)?;
        let markets = self.market_views().await?;
        let now = self.node.now();
        let rows = shown(directory, &request.contract_types).filter_map(|listed| {
            let market = markets.get(usize::from(listed.id.0)).filter(|m| markets::is_loaded(m.state))?;
            Some(markets::status(listed.instrument.spec(), market))
        });
        let mut body = Vec::with_capacity(256 * directory.instruments().len());
        responses::write_instruments_status(&mut body, rows, time(now));
        Ok(body)
    }

    pub(super) async fn instrument_status(&self, asked: &KrakenRequest<'_>) -> Answer {
        let (symbol, directory) = (asked.named, asked.directory);
        let listed = Symbol::parse(symbol)
            .and_then(|symbol| directory.by_symbol(symbol.as_str()))
            .ok_or(ErrorAnswer::invalid_argument("symbol"))?;
        let views = self.market_views().await?;
        let market = views.get(usize::from(listed.id.0)).filter(|market| markets::is_loaded(market.state));
        let status = markets::status(listed.instrument.spec(), market.ok_or(Error::MarketUnavailable)?);
        let mut body = Vec::with_capacity(256);
        responses::write_instrument_status(&mut body, &status, time(self.node.now()));
        Ok(body)
    }

    /// Every market as the engine sees it, in order of id: it alone judges books against their index.
    async fn market_views(&self) -> Result<Vec<MarketView>, Failure> {
        let all = |exchange: &Exchange| {
            exchange.instruments().filter_map(|(id, _)| exchange.market(id)).collect::<Vec<_>>()
        };
        Ok(self.node.query(all).await?)
    }
}

/// Room for an answer of all rows of a list.
fn body_for<T>(rows: &Rows<T>) -> Vec<u8> {
    Vec::with_capacity(128 + rows.iter().map(|row| row.bytes.len() + 1).sum::<usize>())
}

fn shown<'d>(
    directory: &'d Directory,
    types: &'d [ContractType],
) -> impl Iterator<Item = &'d ListedInstrument> {
    directory.instruments().iter().filter(|listed| markets::of_type(listed.instrument.spec(), types))
}

/// A market that is known but not loaded has no data to show.
fn open(views: &Views, listed: &ListedInstrument) -> Result<(), Failure> {
    match views.markets().state(listed.id) {
        Some(state) if markets::is_loaded(state) => Ok(()),
        Some(_) | None => Err(Error::MarketUnavailable.into()),
    }
}
