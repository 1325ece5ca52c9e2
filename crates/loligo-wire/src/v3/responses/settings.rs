//! Answers about how an account trades, and to requests that have nothing more to tell than that they were carried out.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::{Object, write_array, write_success};
use crate::time::Timestamp;
use crate::v3::words::SelfTradeStrategy;

/// Appends the whole answer of `/leveragepreferences` and `/pnlpreferences` when they set one, of `/transfer` and of `/transfer/subaccount`: that
/// it was done.
pub fn write_done(out: &mut Vec<u8>, server_time: Timestamp) {
    write_success(out, server_time, |_| {});
}

/// Appends the whole answer of `/withdrawal`.
pub fn write_withdrawal(out: &mut Vec<u8>, uid: Uuid, server_time: Timestamp) {
    write_success(out, server_time, |answer| answer.uuid("uid", uid));
}

/// Appends the whole answer of `/self-trade-strategy`, read or set.
pub fn write_self_trade_strategy(out: &mut Vec<u8>, strategy: SelfTradeStrategy, server_time: Timestamp) {
    write_success(out, server_time, |answer| answer.string("strategy", strategy.as_str()));
}

/// A market whose position is isolated. Those in cross margin are left out.
#[derive(Clone, Copy, Debug)]
pub struct LeveragePreference<'a> {
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The leverage of its position.
    pub max_leverage: Decimal,
}

/// Appends the whole answer of `/leveragepreferences`.
pub fn write_leverage_preferences<'a>(
    out: &mut Vec<u8>,
    preferences: impl IntoIterator<Item = LeveragePreference<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("leveragePreferences"), preferences, |out, preference| {
            let LeveragePreference { symbol, max_leverage } = preference;
            let mut element = Object::new(out);
            element.string("symbol", symbol);
            element.decimal_with_cents("maxLeverage", max_leverage);
            element.end();
        });
    });
}

/// A market whose gains are paid in a currency of choice. Those that are paid in USD are left out.
#[derive(Clone, Copy, Debug)]
pub struct PnlPreference<'a> {
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The currency, in upper case.
    pub currency: &'a str,
}

/// Appends the whole answer of `/pnlpreferences`.
pub fn write_pnl_preferences<'a>(
    out: &mut Vec<u8>,
    preferences: impl IntoIterator<Item = PnlPreference<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("preferences"), preferences, |out, preference| {
            let PnlPreference { symbol, currency } = preference;
            let mut element = Object::new(out);
            element.string("symbol", symbol);
            element.string("pnlCurrency", currency);
            element.end();
        });
    });
}

/// Appends the whole answer of `/rfq-assignment/max-leverage`, read, set or cleared.
pub fn write_off_book_leverage(out: &mut Vec<u8>, max_leverage: Option<Decimal>, server_time: Timestamp) {
    write_success(out, server_time, |answer| match max_leverage {
        Some(leverage) => answer.decimal_with_cents("maxLeverage", leverage),
        None => answer.null("maxLeverage"),
    });
}

/// Appends the whole answer of `/subaccount/{subaccountUid}/trading-enabled`, read or set: the bare object, without a result
/// or a time.
pub fn write_trading_enabled(out: &mut Vec<u8>, trading_enabled: bool) {
    let mut object = Object::new(out);
    object.bool("tradingEnabled", trading_enabled);
    object.end();
}
