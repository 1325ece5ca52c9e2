//! The feed of an account's fills.

use uuid::Uuid;

use super::words::{Feed, FillOrderType};
use crate::decimal::Decimal;
use crate::json::{Object, write_array, write_uuid};
use crate::time::Timestamp;
use crate::words::{FillType, Side};

/// One fill.
#[derive(Clone, Copy, Debug)]
pub struct Fill<'a> {
    /// Its market.
    pub instrument: &'a str,
    /// When it happened.
    pub time: Timestamp,
    /// Its price.
    pub price: Decimal,
    /// Its number among the account's fills.
    pub seq: u64,
    /// The order's side.
    pub side: Side,
    /// Its size.
    pub qty: Decimal,
    /// What was open of the order after it.
    pub remaining_order_qty: Decimal,
    /// The order.
    pub order_id: Uuid,
    /// The client's own id of the order.
    pub cli_ord_id: Option<&'a str>,
    /// The execution.
    pub fill_id: Uuid,
    /// How it came about.
    pub fill_type: FillType,
    /// The fee; negative for a rebate.
    pub fee_paid: Decimal,
    /// What the fee is paid in.
    pub fee_currency: &'a str,
    /// The type of the order that came.
    pub taker_order_type: FillOrderType,
    /// The type of this order.
    pub order_type: FillOrderType,
}

impl Fill<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Self {
            instrument,
            time,
            price,
            seq,
            side,
            qty,
            remaining_order_qty,
            order_id,
            cli_ord_id,
            fill_id,
            fill_type,
            fee_paid,
            fee_currency,
            taker_order_type,
            order_type,
        } = *self;
        let mut fill = Object::new(out);
        fill.string("instrument", instrument);
        fill.epoch_millis("time", time);
        fill.decimal("price", price);
        fill.int("seq", seq);
        fill.bool("buy", side == Side::Buy);
        fill.decimal("qty", qty);
        fill.decimal("remaining_order_qty", remaining_order_qty);
        fill.uuid("order_id", order_id);
        fill.string_if_some("cli_ord_id", cli_ord_id);
        fill.uuid("fill_id", fill_id);
        fill.string("fill_type", fill_type.as_str());
        fill.decimal("fee_paid", fee_paid);
        fill.string("fee_currency", fee_currency);
        fill.string("taker_order_type", taker_order_type.as_str());
        fill.string("order_type", order_type.as_str());
        fill.end();
    }
}

/// Appends an account's latest fills, oldest first.
pub fn write_fills_snapshot<'a>(out: &mut Vec<u8>, account: Uuid, fills: impl IntoIterator<Item = Fill<'a>>) {
    let mut message = Object::new(out);
    message.string("feed", "fills_snapshot");
    message.uuid("account", account);
    write_array(message.member("fills"), fills, |out, fill| fill.write(out));
    message.end();
}

/// Appends new fills. The account stands there under both names that clients read.
pub fn write_fills<'a>(out: &mut Vec<u8>, account: Uuid, fills: impl IntoIterator<Item = Fill<'a>>) {
    let mut message = Object::new(out);
    message.string("feed", Feed::Fills.as_str());
    write_uuid(message.member("username"), account);
    message.uuid("account", account);
    write_array(message.member("fills"), fills, |out, fill| fill.write(out));
    message.end();
}
