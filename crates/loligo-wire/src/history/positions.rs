//! What became of an account's positions.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::Object;
use crate::time::Timestamp;

use super::orders::{write_kind, write_or_empty};
use super::page::Event;
use super::words::{PositionChange, TradeType};

/// What changed a position.
#[derive(Clone, Copy, Debug)]
pub enum PositionCause {
    /// A fill.
    Trade {
        /// Its name.
        execution_uid: Uuid,
        /// Its price.
        price: Decimal,
        /// Its size.
        size: Decimal,
        /// How it came about.
        trade_type: TradeType,
    },
    /// The funding of an hour.
    Funding {
        /// When it was realised.
        at: Timestamp,
    },
    /// The contract was settled.
    Settlement {
        /// At which price.
        price: Decimal,
    },
}

/// A change of a position; sizes are signed.
#[derive(Clone, Copy, Debug)]
pub struct PositionUpdate<'a> {
    /// Whose.
    pub account_uid: Uuid,
    /// In which market, in upper case.
    pub tradeable: &'a str,
    /// The size before.
    pub old_position: Decimal,
    /// The average entry price before; none of what was not there.
    pub old_average_entry_price: Option<Decimal>,
    /// The size after.
    pub new_position: Decimal,
    /// The average entry price after; of a position that was closed, the last it had.
    pub new_average_entry_price: Option<Decimal>,
    /// When the position was opened, if that is known.
    pub fill_time: Option<Timestamp>,
    /// What was paid for the change.
    pub fee: Decimal,
    /// The currency of fee, P&L and funding, in upper case.
    pub currency: &'a str,
    /// What was realised, before the fee.
    pub realized_pnl: Decimal,
    /// Funding that was realised.
    pub realized_funding: Decimal,
    /// What became of it.
    pub change: PositionChange,
    /// What changed it.
    pub cause: PositionCause,
    /// When.
    pub timestamp: Timestamp,
}

impl Event for PositionUpdate<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        write_kind(out, "PositionUpdate", |object| {
            object.uuid("accountUid", self.account_uid);
            object.string("tradeable", self.tradeable);
            object.decimal_string("oldPosition", self.old_position);
            write_or_empty(object, "oldAverageEntryPrice", self.old_average_entry_price);
            object.decimal_string("newPosition", self.new_position);
            write_or_empty(object, "newAverageEntryPrice", self.new_average_entry_price);
            match self.fill_time {
                Some(time) => object.epoch_millis("fillTime", time),
                None => object.null("fillTime"),
            }
            object.decimal_string("fee", self.fee);
            object.string("feeCurrency", self.currency);
            object.decimal_string("realizedPnL", self.realized_pnl);
            object.string("positionChange", self.change.as_str());
            self.write_cause(object);
            object.decimal_string("realizedFunding", self.realized_funding);
            object.epoch_millis("timestamp", self.timestamp);
        });
    }
}

impl PositionUpdate<'_> {
    fn write_cause(&self, object: &mut Object<'_>) {
        let reason = match self.cause {
            PositionCause::Trade { execution_uid, price, size, trade_type } => {
                object.uuid("executionUid", execution_uid);
                object.decimal_string("executionPrice", price);
                object.decimal_string("executionSize", size);
                object.string("tradeType", trade_type.as_str());
                "trade"
            }
            PositionCause::Funding { at } => {
                object.epoch_millis("fundingRealizationTime", at);
                "fundingRealisation"
            }
            PositionCause::Settlement { price } => {
                object.decimal_string("settlementPrice", price);
                "settlement"
            }
        };
        object.string("updateReason", reason);
    }
}
