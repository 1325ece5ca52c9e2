//! The account log.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::{Object, write_array};
use crate::time::Timestamp;

use super::words::LogInfo;

/// One leg of a booking. Names stand in lower case.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'a> {
    /// Its number in its account's log, from 1.
    pub id: u64,
    /// When.
    pub date: Timestamp,
    /// What moved: a contract, or a currency.
    pub asset: &'a str,
    /// Why.
    pub info: LogInfo,
    /// The leg's own name.
    pub booking_uid: Uuid,
    /// In which wallet.
    pub margin_account: &'a str,
    /// How much there was.
    pub old_balance: Decimal,
    /// How much there is.
    pub new_balance: Decimal,
    /// Of a contract: the average entry price before.
    pub old_average_entry_price: Option<Decimal>,
    /// Of a contract: the average entry price after.
    pub new_average_entry_price: Option<Decimal>,
    /// The price of the trade.
    pub trade_price: Option<Decimal>,
    /// The mark price then.
    pub mark_price: Option<Decimal>,
    /// What was realised, before the fee.
    pub realized_pnl: Option<Decimal>,
    /// What was paid for it.
    pub fee: Option<Decimal>,
    /// The fill, or what else brought it about.
    pub execution: Option<Uuid>,
    /// The currency that carries the position.
    pub collateral: Option<&'a str>,
    /// Which contract it was about.
    pub contract: Option<&'a str>,
    /// The absolute rate of a funding.
    pub funding_rate: Option<Decimal>,
    /// Funding that was realised.
    pub realized_funding: Option<Decimal>,
    /// What a liquidation cost besides the fee.
    pub liquidation_fee: Option<Decimal>,
    /// Of a conversion.
    pub conversion: Option<Conversion<'a>>,
}

/// The terms of a conversion.
#[derive(Clone, Copy, Debug)]
pub struct Conversion<'a> {
    /// The spread, in per cent.
    pub spread_percentage: Decimal,
    /// The rate.
    pub exchange_rate: Decimal,
    /// Of which currency.
    pub exchange_rate_from: &'a str,
    /// The fee, in per cent.
    pub fee: Decimal,
}

/// Appends the whole answer of `account-log`.
pub fn write_account_log<'a>(
    out: &mut Vec<u8>,
    account_uid: Uuid,
    entries: impl IntoIterator<Item = LogEntry<'a>>,
    conversion_details: bool,
) {
    let mut answer = Object::new(out);
    answer.uuid("accountUid", account_uid);
    write_array(answer.member("logs"), entries, |out, entry| entry.write(out, conversion_details));
    answer.end();
}

impl LogEntry<'_> {
    fn write(&self, out: &mut Vec<u8>, conversion_details: bool) {
        let mut object = Object::new(out);
        object.int("id", self.id);
        object.time("date", self.date);
        object.string("asset", self.asset);
        object.string("info", self.info.as_str());
        object.uuid("booking_uid", self.booking_uid);
        object.string("margin_account", self.margin_account);
        object.decimal("old_balance", self.old_balance);
        object.decimal("new_balance", self.new_balance);
        for (name, value) in [
            ("old_average_entry_price", self.old_average_entry_price),
            ("new_average_entry_price", self.new_average_entry_price),
            ("trade_price", self.trade_price),
            ("mark_price", self.mark_price),
            ("realized_pnl", self.realized_pnl),
            ("fee", self.fee),
            ("funding_rate", self.funding_rate),
            ("realized_funding", self.realized_funding),
            ("conversion_spread_percentage", self.conversion.map(|terms| terms.spread_percentage)),
            ("liquidation_fee", self.liquidation_fee),
        ] {
            object.opt_decimal(name, value);
        }
        match self.execution {
            Some(uid) => object.uuid("execution", uid),
            None => object.null("execution"),
        }
        object.opt_string("collateral", self.collateral);
        object.opt_string("contract", self.contract);
        object.null("position_uid");
        if let Some(terms) = self.conversion.filter(|_| conversion_details) {
            object.decimal("exchange_rate", terms.exchange_rate);
            object.string("exchange_rate_from", terms.exchange_rate_from);
            object.decimal("conversion_fee", terms.fee);
        }
        object.end();
    }
}
