//! Requests about what an account could trade: contracts as it sees them, and orders that are only supposed.

use super::auth::Caller;
use super::convert::grid::{size, time};
use super::convert::markets::{self, InstrumentRow};
use super::private::Asked;
use super::{Answer, Gateway};
use loligo_engine::{MarketState, Qty};
use loligo_wire::v3::requests;
use loligo_wire::v3::responses::{self, TradingInstrument};

impl Gateway {
    pub(super) async fn trading_instruments(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        let request = asked.read(&caller, requests::TradingInstruments::parse)?;
        let now = self.caught_up().await?;
        let states = self.node.views().markets().states(now);
        let rows: Vec<InstrumentRow<'_>> = asked
            .directory
            .instruments()
            .iter()
            .filter(|listed| markets::of_type(listed.instrument.spec(), &request.contract_types))
            .filter_map(|listed| Some((listed, *states.get(usize::from(listed.id.0))?)))
            .filter(|(_, state)| *state != MarketState::Expired)
            .map(|(listed, state)| InstrumentRow::of(listed.instrument.spec(), state))
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
}
