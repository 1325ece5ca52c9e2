//! The newest trades of the past, as those who keep real ones show them.
//!
//! Executions of the past have the numbers before the first real one, contract after contract. Their orders have numbers
//! that no order ever gets.

use super::{EXECUTIONS, Past};
use crate::charts::{Resolution, Series};
use crate::history::{Coded as _, cents, digits, millis};
use crate::projection::TradeRow;
use loligo_engine::{ExecutionId, FillRole, InstrumentId, OrderType, PastTrade, Side};
use loligo_history::{At, Entry, rows};

/// Where the numbers of orders begin that never were; they are below what a UUID can name.
const ORDERS: u64 = 1 << 60;
/// For how long, in milliseconds, an order had rested that was traded with.
const RESTED: u64 = 1_000;

impl Past {
    /// The newest public trades, oldest first.
    pub(crate) fn trade_rows(&self, id: InstrumentId) -> Vec<TradeRow> {
        let trades = self.newest_trades(id);
        let row = |(trade, number): (PastTrade, u64)| TradeRow {
            execution: self.execution(id, number),
            // That of the genesis, which tells of them.
            sequence: 1,
            number,
            price: trade.price,
            qty: trade.qty,
            side: trade.side,
            role: FillRole::Taker,
            time: trade.at,
        };
        trades.into_iter().zip(1..).map(row).collect()
    }

    /// The same as rows of history.
    pub(crate) fn executions(&self, id: InstrumentId) -> Vec<Entry<rows::PublicExecution>> {
        let Some(contract) = self.contract(id) else { return Vec::new() };
        let trades = self.newest_trades(id);
        let Some(first) = trades.first() else { return Vec::new() };
        let minute = Resolution::OneMinute;
        let marks = self.candles(Series::Mark(id), minute, minute.opening(first.at), self.ends());
        let entry = |(trade, number): (PastTrade, u64)| {
            let execution = self.execution(id, number).0;
            let side = |number, kind: OrderType, rested| rows::SideDetails {
                number,
                kind: kind.code(),
                reduce_only: false,
                open: trade.qty.0,
                placed_ago: rested,
                updated_ago: rested,
            };
            let details = rows::TradeDetails {
                maker: side(ORDERS + 2 * execution, OrderType::Limit, RESTED),
                taker: side(ORDERS + 2 * execution + 1, OrderType::ImmediateOrCancel, 0),
                taker_improved: 0,
                old_taker: None,
                taker_reduced: None,
            };
            // It stands still for a minute.
            let mark = marks.partition_point(|mark| mark.opened <= trade.at).checked_sub(1);
            let (mark, mark_scale) = mark.map_or((0, 0), |at| digits(marks[at].open));
            let row = rows::PublicExecution {
                number: execution,
                sell: trade.side == Side::Sell,
                qty: trade.qty.0,
                price: trade.price.0,
                usd_cents: cents(contract.instrument().notional(trade.qty.0, trade.price)),
                mark,
                mark_scale,
                details,
            };
            // No record holds them: they stand before the first.
            Entry { at: At { time_ms: millis(trade.at), sequence: 0, ordinal: number as u32 }, row }
        };
        trades.into_iter().zip(1..).map(entry).collect()
    }

    /// The number of an execution: behind those of the contracts before.
    fn execution(&self, id: InstrumentId, number: u64) -> ExecutionId {
        let before = self.contracts.iter().take(usize::from(id.0)).flatten().count();
        ExecutionId((before * EXECUTIONS) as u64 + number)
    }
}
