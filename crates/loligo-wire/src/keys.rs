//! The small documents beside the trading API: a key that asks about itself (`/api/auth/v1`), and what makers are paid back
//! (`/api/stats/v1`). They have no envelope; their errors are those of [`crate::history`].

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::Object;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What a key may do with something.
    pub enum KeyAccess {
        /// Nothing.
        NoAccess = "NO_ACCESS",
        /// Ask.
        ReadOnly = "READ_ONLY",
        /// Everything.
        FullAccess = "FULL_ACCESS",
    }
}

/// The answer of `/api/auth/v1/api-keys/v3/check`.
#[derive(Clone, Copy, Debug)]
pub struct ApiKeyCheck<'a> {
    /// The key that signed the request.
    pub api_key: &'a str,
    /// Whose it is.
    pub account_uid: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it may do with orders and questions.
    pub general: KeyAccess,
    /// What it may do with money that leaves the exchange.
    pub transfer: KeyAccess,
}

impl ApiKeyCheck<'_> {
    /// Appends the whole answer. No key is bound to addresses, and no account has a number at a bank.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { api_key, account_uid, created_at, general, transfer } = *self;
        let mut check = Object::new(out);
        check.string("apiKey", api_key);
        check.uuid("accountUid", account_uid);
        check.null("iiban");
        check.time("createdAt", created_at);
        let mut permissions = Object::new(check.member("permissions"));
        permissions.string("general", general.as_str());
        permissions.string("transfer", transfer.as_str());
        permissions.end();
        check.null("allowedCidrBlock");
        check.member("allowedCidrBlocks").extend_from_slice(b"[]");
        check.end();
    }
}

/// An account's part in a contract that pays makers back.
#[derive(Clone, Copy, Debug)]
pub struct MarketShare<'a> {
    /// The contract, in upper case.
    pub symbol: &'a str,
    /// The account's share of the makers' volume, as a fraction.
    pub share: Decimal,
    /// Its volume.
    pub volume: Decimal,
    /// What it was paid back, in USD.
    pub rebate: Decimal,
}

/// Appends the whole answer of `/api/stats/v1/rebates/self-market-share`.
pub fn write_market_share<'a>(out: &mut Vec<u8>, contracts: impl IntoIterator<Item = MarketShare<'a>>) {
    let mut answer = Object::new(out);
    let mut by_symbol = Object::new(answer.member("contracts"));
    for MarketShare { symbol, share, volume, rebate } in contracts {
        let mut row = Object::new(by_symbol.member(symbol));
        row.decimal_string("marketShare", share);
        row.decimal_string("volume", volume);
        row.decimal_string("usdRebateCredited", rebate);
        row.end();
    }
    by_symbol.end();
    answer.end();
}
