//! Requests about what an account could trade: contracts as it sees them, and orders that are only supposed.

use super::convert::markets::{self, InstrumentRow};
use super::convert::{commands, orders};
use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken};
use crate::grid;
use crate::grid::{need, price, size, time};
use crate::login::Caller;
use loligo_engine::{
    AccountId, EstimateRefusal, Fine, InstrumentId, InstrumentSpec, MAX_TICKS, MarketState, OnGrid,
    OrderError, Price, Qty, Side,
};
use loligo_wire::decimal::Number;
use loligo_wire::v3::errors::ErrorAnswer;
use loligo_wire::v3::requests::{self, Symbol};
use loligo_wire::v3::responses::{self, TradingInstrument};
use loligo_wire::v3::words::{self, Error};

impl Kraken {
    pub(super) async fn trading_instruments(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        let request = asked.read(&caller, requests::TradingInstruments::parse)?;
        let now = self.node.now();
        let states = asked.views.markets().states();
        let rows: Vec<InstrumentRow<'_>> = asked
            .directory
            .instruments()
            .iter()
            .filter(|listed| markets::of_type(listed.instrument.spec(), &request.contract_types))
            .filter_map(|listed| Some((listed, *states.get(usize::from(listed.id.0))?)))
            .filter(|(_, state)| *state != MarketState::Expired)
            .map(|(listed, state)| InstrumentRow::of(listed.instrument.spec(), state, now))
            .collect();
        let trades = asked.directory.account(caller.account).is_some_and(|account| account.trading);
        let shown = rows.iter().map(|row| TradingInstrument {
            instrument: row.row(),
            minimum_trade_size: size(Qty(1), row.spec()),
            // Nothing is paid back beyond what the fee schedule says.
            rebate_levels: &[],
            restricted: !trades,
        });
        let mut body = Vec::with_capacity(1024 * rows.len());
        responses::write_trading_instruments(&mut body, shown, time(now));
        Ok(body)
    }

    pub(super) async fn initial_margin(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::InitialMargin, Failure>,
        caller: Caller,
    ) -> Answer {
        let request = request?;
        let Supposed { account, instrument, spec, limit } =
            Supposed::of(&asked, &caller, &request.symbol, request.limit_price)?;
        let side = match request.side {
            words::Side::Buy => Side::Buy,
            words::Side::Sell => Side::Sell,
        };
        let qty = Qty(steps(grid::lots(request.size, spec)));
        let ask = self
            .node
            .query(move |exchange| exchange.initial_margin_of(account, instrument, side, qty, limit));
        let quote = ask.await?.map_err(not_supposed)?;
        // What is no price is not shown as one, and what is no order needs nothing that could be told.
        let shown = quote.price.filter(|_| quote.error != Some(OrderError::InvalidPrice));
        let told = quote.error.is_none() || quote.initial_margin != Fine::ZERO;
        let answer = responses::InitialMargin {
            initial_margin: told.then(|| need(quote.initial_margin)),
            estimated_liquidation_threshold: quote.liquidation_price.map(|at| price(at, spec)),
            price: shown.map(|at| price(at, spec)),
            error: quote.error.and_then(orders::refusal),
        };
        let mut body = Vec::with_capacity(192);
        answer.write(&mut body, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn max_order_size(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::MaxOrderSize, Failure>,
        caller: Caller,
    ) -> Answer {
        let request = request?;
        let Supposed { account, instrument, spec, limit } =
            Supposed::of(&asked, &caller, &request.symbol, request.limit_price)?;
        if limit.is_some_and(|limit| !(1..=MAX_TICKS).contains(&limit.0)) {
            return Err(ErrorAnswer::invalid_argument("limitPrice").into());
        }
        let ask = self.node.query(move |exchange| exchange.max_order_size(account, instrument, limit));
        let largest = ask.await?.map_err(not_supposed)?;
        let answer = responses::MaxOrderSize {
            max_buy_size: Some(size(largest.buy, spec)),
            max_sell_size: Some(size(largest.sell, spec)),
            buy_price: largest.buy_price.map(|at| price(at, spec)),
            sell_price: largest.sell_price.map(|at| price(at, spec)),
        };
        let mut body = Vec::with_capacity(192);
        answer.write(&mut body, time(self.node.now()));
        Ok(body)
    }
}

/// Whose order is supposed, in which contract, and at which limit if it names one.
struct Supposed<'d> {
    account: AccountId,
    instrument: InstrumentId,
    spec: &'d InstrumentSpec,
    limit: Option<Price>,
}

impl<'d> Supposed<'d> {
    fn of(
        asked: &KrakenRequest<'d>,
        caller: &Caller,
        symbol: &Symbol,
        limit: Option<Number>,
    ) -> Result<Self, Failure> {
        asked.active(caller)?;
        let listed = commands::contract(asked.directory, symbol)?;
        let spec = listed.instrument.spec();
        let limit = limit.map(|limit| ticks(limit, spec));
        Ok(Self { account: caller.account, instrument: listed.id, spec, limit })
    }
}

/// A number that is none on the grid is one that the engine refuses: zero, or more than it counts.
fn steps(on_grid: OnGrid) -> i64 {
    match on_grid {
        OnGrid::Steps(steps) => steps,
        OnGrid::Off => 0,
        OnGrid::TooLarge => i64::MAX,
    }
}

fn ticks(number: Number, spec: &InstrumentSpec) -> Price {
    Price(steps(grid::ticks(number, spec)))
}

/// The answer about an order that cannot be supposed: these routes are for multi-collateral contracts.
fn not_supposed(refusal: EstimateRefusal) -> Failure {
    match refusal {
        EstimateRefusal::NotMultiCollateral => ErrorAnswer::invalid_argument("symbol").into(),
        EstimateRefusal::UnknownAccount | EstimateRefusal::UnknownInstrument => {
            tracing::error!(?refusal, "an account and a contract that are known were refused");
            Error::UnknownError.into()
        }
    }
}
