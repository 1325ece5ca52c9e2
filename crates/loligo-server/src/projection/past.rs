//! What a venue's views know that its exchange does not: trades, the day's statistics, fills, and how many there were of
//! what feeds are numbered by.
//!
//! Recovery carries these forward by themselves, and makes everything else from the exchange once it has arrived:
//! folding every event of a long tail into every view would cost as much again as the engine does.

use super::ticker::Day;
use super::trades::Trades;
use super::{Applied, FillRow, Fills, MarketSeed, Markets, Orders};
use loligo_engine::{AccountId, Event, Exchange, InstrumentId, MarketState, Side};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Past trades and fills up to one record. Empty before the first.
#[derive(Default)]
pub(crate) struct Past {
    fills: Fills,
    contracts: Vec<ContractPast>,
}

/// One contract's share.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct ContractPast {
    pub(super) trades: Trades,
    pub(super) day: Day,
    /// Level changes since the venue began: what the book's feed is numbered by. A restart goes on counting where the
    /// journal ends, so no number is ever given to two different changes.
    pub(super) levels: u64,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredPast {
    fills: Vec<(AccountId, Vec<FillRow>)>,
    contracts: Vec<ContractPast>,
}

impl StoredPast {
    /// What the published views hold now.
    pub(crate) fn of(fills: &Fills, markets: &Markets) -> Self {
        Self { fills: fills.export(), contracts: markets.export() }
    }
}

impl StoredPast {
    /// The newest fill's number of each account.
    pub(crate) fn fills(&self) -> impl Iterator<Item = (AccountId, u64)> + '_ {
        self.fills.iter().filter_map(|(account, rows)| rows.last().map(|row| (*account, row.number)))
    }

    /// Level changes and trades of each contract.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.contracts.iter().map(|contract| (contract.levels, contract.trades.count()))
    }
}

impl From<StoredPast> for Past {
    fn from(stored: StoredPast) -> Self {
        Self { fills: Fills::new(stored.fills), contracts: stored.contracts }
    }
}

impl Past {
    /// Adds the trades, fills and level changes of a record that `exchange` has just applied.
    pub(crate) fn fold(&mut self, applied: Applied<'_>, exchange: &Exchange) {
        let mut traded = false;
        for event in applied.events {
            match event {
                Event::Level { instrument, number, .. } => self.contract(*instrument).levels = *number,
                Event::Executed(execution) => {
                    traded = true;
                    if let Some(instrument) = exchange.instrument(execution.instrument) {
                        self.contract(execution.instrument).trade(applied, execution, instrument);
                    }
                }
                _ => {}
            }
        }
        if traded {
            self.fills.fold(applied, |_| false);
        }
    }

    fn contract(&mut self, id: InstrumentId) -> &mut ContractPast {
        let at = usize::from(id.0);
        if self.contracts.len() <= at {
            self.contracts.resize_with(at + 1, ContractPast::default);
        }
        &mut self.contracts[at]
    }

    /// All views of an exchange as it is, with this past.
    pub(crate) fn views(self, exchange: &Exchange) -> (Orders, Fills, Markets) {
        let mut contracts = self.contracts.into_iter();
        let seeds = exchange.instruments().map(|(id, instrument)| {
            let market = exchange.market(id);
            MarketSeed {
                instrument: Arc::new(instrument.clone()),
                bids: exchange.depth(id, Side::Buy, usize::MAX),
                asks: exchange.depth(id, Side::Sell, usize::MAX),
                state: market.map_or(MarketState::Open, |market| market.state),
                mark: market.and_then(|market| market.mark),
                index: market.and_then(|market| market.index),
                past: contracts.next().unwrap_or_default(),
            }
        });
        let positions = (0..exchange.account_count() as u32).map(AccountId).flat_map(|account| {
            exchange.positions(account).into_iter().map(move |held| (account, held.instrument, held.qty))
        });
        let markets = Markets::new(seeds.collect(), positions.collect());
        (Orders::new(exchange.known_orders()), self.fills, markets)
    }
}
