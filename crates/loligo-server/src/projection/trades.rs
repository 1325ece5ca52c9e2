//! Public trades of a contract.

use super::LastTrade;
use super::page::{Cut, Page, page};
use loligo_engine::{ExecutionId, FillRole, Price, Qty, Side, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Trades kept per contract, oldest out first. The route shows 100 at a time and pages back by time.
pub const TRADES_KEPT: usize = 1_000;

/// An execution as the world sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeRow {
    /// The execution.
    pub execution: ExecutionId,
    /// The journal's place of the record that caused it.
    pub sequence: u64,
    /// How many trades this contract had before, plus one.
    pub number: u64,
    /// At which price.
    pub price: Price,
    /// How many lots.
    pub qty: Qty,
    /// The taker's side.
    pub side: Side,
    /// The taker's role: it came, or came through an edit.
    pub role: FillRole,
    /// When.
    pub time: Timestamp,
}

impl TradeRow {
    /// What is shown of it as the last trade.
    pub(super) fn last(&self) -> LastTrade {
        LastTrade { price: self.price, qty: self.qty, side: self.side, time: self.time }
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Trades {
    rows: VecDeque<TradeRow>,
}

impl Trades {
    /// Those that were kept, oldest first.
    pub(super) fn of(rows: VecDeque<TradeRow>) -> Self {
        Self { rows }
    }

    pub(super) fn push(&mut self, row: TradeRow) -> &TradeRow {
        if self.rows.len() == TRADES_KEPT {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
        &self.rows[self.rows.len() - 1]
    }

    pub(super) fn last(&self) -> Option<&TradeRow> {
        self.rows.back()
    }

    /// Whether the oldest that is kept is the one after so many that are not.
    pub(super) fn reach_back_to(&self, before: u64) -> bool {
        self.rows.front().is_some_and(|row| row.number == before + 1)
    }

    pub(super) fn latest(&self, limit: usize) -> Vec<TradeRow> {
        self.rows.iter().rev().take(limit).cloned().collect()
    }

    pub(super) fn page(&self, before: Option<Timestamp>, cut: Cut) -> Page<TradeRow> {
        page(&self.rows, before, cut, |row| row.time)
    }
}
