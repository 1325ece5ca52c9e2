//! What a venue's views know that its exchange does not: trades, the day's statistics, fills.
//!
//! Recovery carries these forward by themselves, and makes everything else from the exchange once it has arrived:
//! folding every event of a long tail into every view would cost as much again as the engine does.

use super::ticker::Day;
use super::trades::Trades;
use super::{Applied, FillRow, Fills, MarketSeed, Markets, Orders};
use loligo_engine::{AccountId, Event, Exchange, MarketState, Side};
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

impl From<StoredPast> for Past {
    fn from(stored: StoredPast) -> Self {
        Self { fills: Fills::new(stored.fills), contracts: stored.contracts }
    }
}

impl Past {
    /// Adds the trades and fills of a record that `exchange` has just applied.
    pub(crate) fn fold(&mut self, applied: Applied<'_>, exchange: &Exchange) {
        if !applied.events.iter().any(|event| matches!(event, Event::Executed(_))) {
            return;
        }
        self.fills.fold(applied, |_, order| exchange.order(order).and_then(|order| order.client_order_id));
        for event in applied.events {
            if let Event::Executed(execution) = event
                && let Some(instrument) = exchange.instrument(execution.instrument)
            {
                let at = usize::from(execution.instrument.0);
                if self.contracts.len() <= at {
                    self.contracts.resize_with(at + 1, ContractPast::default);
                }
                self.contracts[at].trade(applied, execution, instrument);
            }
        }
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
                state: market.map_or(MarketState::Open, |market| market.trading),
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
