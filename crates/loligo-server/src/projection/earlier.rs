//! What snapshots held of the views before each follower had a part of its own: read, never written.

use super::Part;
use super::fills::{self, FillRow, Fills};
use super::markets::{self, Markets, Traded};
use super::ticker::Day;
use super::trades::{TradeRow, Trades};
use loligo_engine::{AccountId, Exchange};
use serde::Deserialize;
use std::collections::VecDeque;

/// Fills by account, and what was known of contracts.
#[derive(Deserialize)]
pub(crate) struct EarlierViews {
    fills: Vec<(AccountId, Vec<FillRow>)>,
    contracts: Vec<EarlierContract>,
}

#[derive(Deserialize)]
struct EarlierContract {
    trades: EarlierTrades,
    day: Day,
    levels: u64,
}

#[derive(Deserialize)]
struct EarlierTrades {
    rows: VecDeque<TradeRow>,
    count: u64,
}

impl EarlierViews {
    /// Hands over what the views counted and the state does now: fills by account, level changes and trades by contract.
    pub(crate) fn number(&self, exchange: &mut Exchange) {
        let newest = |(account, rows): &(AccountId, Vec<FillRow>)| Some((*account, rows.last()?.number));
        let counts = |contract: &EarlierContract| (contract.levels, contract.trades.count);
        exchange.take_over_numbers(self.fills.iter().filter_map(newest), self.contracts.iter().map(counts));
    }

    /// The rest, as the parts of those whose it is.
    pub(crate) fn into_parts(self) -> Vec<Part> {
        let traded = |contract: EarlierContract| {
            Traded::on_book(Trades::of(contract.trades.rows), contract.day, VecDeque::new())
        };
        let traded: Vec<Traded> = self.contracts.into_iter().map(traded).collect();
        vec![
            Part::of(Fills::NAME, fills::PART_VERSION, &self.fills),
            Part::of(Markets::NAME, markets::PART_VERSION, &traded),
        ]
    }
}
