//! Answers about orders that are only supposed: their margin, and how large they could be.

use crate::decimal::Decimal;
use crate::json::write_success;
use crate::time::Timestamp;
use crate::v3::words::OrderError;

/// The answer of `/initialmargin`. What is not known is null.
#[derive(Clone, Copy, Debug, Default)]
pub struct InitialMargin {
    /// The margin that the order would need.
    pub initial_margin: Option<Decimal>,
    /// The price at which the position would be liquidated.
    pub estimated_liquidation_threshold: Option<Decimal>,
    /// The price that the order is valued at.
    pub price: Option<Decimal>,
    /// The check that the order would fail. The answer is a success all the same, and has the member only then.
    pub error: Option<OrderError>,
}

impl InitialMargin {
    /// Appends the whole answer.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { initial_margin, estimated_liquidation_threshold, price, error } = *self;
        write_success(out, server_time, |answer| {
            answer.opt_decimal("initialMargin", initial_margin);
            answer.opt_decimal("estimatedLiquidationThreshold", estimated_liquidation_threshold);
            answer.opt_decimal("price", price);
            answer.string_if_some("error", error.map(OrderError::as_str));
        });
    }
}

/// The answer of `/initialmargin/maxordersize`. What is not known is null.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaxOrderSize {
    /// The largest order that could buy.
    pub max_buy_size: Option<Decimal>,
    /// The largest order that could sell.
    pub max_sell_size: Option<Decimal>,
    /// The price that the buying order is valued at.
    pub buy_price: Option<Decimal>,
    /// The price that the selling order is valued at.
    pub sell_price: Option<Decimal>,
}

impl MaxOrderSize {
    /// Appends the whole answer.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { max_buy_size, max_sell_size, buy_price, sell_price } = *self;
        write_success(out, server_time, |answer| {
            answer.opt_decimal("maxBuySize", max_buy_size);
            answer.opt_decimal("maxSellSize", max_sell_size);
            answer.opt_decimal("buyPrice", buy_price);
            answer.opt_decimal("sellPrice", sell_price);
        });
    }
}
