//! An account's fills.

use uuid::Uuid;

use crate::decimal::{Decimal, write_padded};
use crate::json::Object;
use crate::time::Timestamp;

use super::orders::{Order, WriteOrder, write_kind, write_or_empty};
use super::page::Event;
use super::words::ExecutionType;

/// The account's own side of a fill.
#[derive(Clone, Copy, Debug)]
pub struct ExecutionSide<'a> {
    /// Whether its order rested or came.
    pub role: ExecutionType,
    /// The order, as it was just before.
    pub order: Order<'a>,
    /// What the account paid; negative when it was paid.
    pub fee: Decimal,
    /// What the fee was reckoned at, in per cent of the value.
    pub percentage_fee: Decimal,
    /// Its signed position afterwards.
    pub position_size: Decimal,
    /// What was realised, before the fee.
    pub realized_pnl: Decimal,
}

/// A match, without who met.
#[derive(Clone, Copy, Debug)]
pub struct Trade<O> {
    /// Its name, which is that of both sides' fills, and which `/fills` and the feeds tell too.
    pub uid: Uuid,
    /// When.
    pub timestamp: Timestamp,
    /// How much.
    pub quantity: Decimal,
    /// At which price.
    pub price: Decimal,
    /// The mark price then.
    pub mark_price: Decimal,
    /// Whether it completed the order that rested.
    pub limit_filled: bool,
    /// The order that came as it was before the edit that brought it; to an account, if it is its own.
    pub old_taker: Option<O>,
    /// What it was worth, in USD.
    pub usd_value: Decimal,
    /// What was cut from the order that came; to an account, if it is its own.
    pub taker_reduced: Option<Decimal>,
}

impl<O: WriteOrder> Trade<O> {
    /// Appends it under the name of its kind, with its orders.
    pub(super) fn write(&self, out: &mut Vec<u8>, kind: &str, orders: impl FnOnce(&mut Object<'_>)) {
        write_kind(out, kind, |event| {
            let mut object = Object::new(event.member("execution"));
            object.uuid("uid", self.uid);
            orders(&mut object);
            object.epoch_millis("timestamp", self.timestamp);
            object.decimal_string("quantity", self.quantity);
            object.decimal_string("price", self.price);
            object.decimal_string("markPrice", self.mark_price);
            object.bool("limitFilled", self.limit_filled);
            if let Some(old) = &self.old_taker {
                old.write(object.member("oldTakerOrder"));
            }
            write_cents(&mut object, "usdValue", self.usd_value);
            object.end();
            write_or_empty(event, "takerReducedQuantity", self.taker_reduced);
        });
    }
}

/// A fill of an account. Nothing is told of the other side.
#[derive(Clone, Copy, Debug)]
pub struct Execution<'a> {
    /// The account's side.
    pub side: ExecutionSide<'a>,
    /// What it came to.
    pub trade: Trade<Order<'a>>,
}

impl ExecutionSide<'_> {
    /// The side as today's clients look for it, and as those do that know makers and takers.
    fn write(&self, object: &mut Object<'_>) {
        let (order, data) = match self.role {
            ExecutionType::Maker => ("makerOrder", "makerOrderData"),
            ExecutionType::Taker => ("takerOrder", "takerOrderData"),
        };
        for name in ["order", order] {
            self.order.write(object.member(name));
        }
        for name in ["orderData", data] {
            let mut side = Object::new(object.member(name));
            side.decimal_string("fee", self.fee);
            side.decimal_string("positionSize", self.position_size);
            let mut reckoned = Object::new(side.member("feeCalculationInfo"));
            reckoned.decimal_string("percentageFee", self.percentage_fee);
            reckoned.end();
            side.decimal_string("realizedPnl", self.realized_pnl);
            side.end();
        }
        object.string("executionType", self.role.as_str());
    }
}

impl Event for Execution<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        self.trade.write(out, "execution", |execution| self.side.write(execution));
    }
}

/// Writes a value as a string with at least two places.
fn write_cents(object: &mut Object<'_>, name: &str, value: Decimal) {
    let out = object.member(name);
    out.push(b'"');
    write_padded(out, value, 2);
    out.push(b'"');
}
