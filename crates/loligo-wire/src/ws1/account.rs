//! The private feeds of what an account holds: positions, the log, deposits and withdrawals; and notices.

use uuid::Uuid;

use super::words::Feed;
use crate::decimal::Decimal;
use crate::json::{Object, write_array};
use crate::notices::Notice;
use crate::time::Timestamp;
use crate::words::words;

/// An open position.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The market, in upper case.
    pub instrument: &'a str,
    /// Its size; short positions are negative.
    pub balance: Decimal,
    /// Unrealised profit.
    pub pnl: Decimal,
    /// The average entry price.
    pub entry_price: Decimal,
    /// The mark price.
    pub mark_price: Decimal,
    /// The index price.
    pub index_price: Decimal,
    /// At which mark price it would be liquidated; none where there is no such price, which is sent as zero.
    pub liquidation_threshold: Option<Decimal>,
    /// Its value over the equity behind it.
    pub effective_leverage: Option<Decimal>,
    /// Profit over initial margin, in per cent.
    pub return_on_equity: Decimal,
    /// Unrealised funding; dated markets have none.
    pub unrealized_funding: Option<Decimal>,
    /// Initial margin of the position.
    pub initial_margin: Decimal,
    /// The same with the open orders of its market.
    pub initial_margin_with_orders: Decimal,
    /// Maintenance margin.
    pub maintenance_margin: Decimal,
    /// In which currency profit is paid; inverse markets have no choice and do not tell.
    pub pnl_currency: Option<&'a str>,
    /// The leverage of an isolated position.
    pub max_fixed_leverage: Option<Decimal>,
}

/// Appends all positions of an account: every message is the whole list, the first one of a subscription has `seq` 0.
pub fn write_open_positions<'a>(
    out: &mut Vec<u8>,
    account: Uuid,
    positions: impl IntoIterator<Item = Position<'a>>,
    seq: u64,
    timestamp: Timestamp,
) {
    let mut message = Object::new(out);
    message.string("feed", Feed::OpenPositions.as_str());
    message.uuid("account", account);
    write_array(message.member("positions"), positions, |out, position| position.write(out));
    message.int("seq", seq);
    message.epoch_millis("timestamp", timestamp);
    message.end();
}

impl Position<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut position = Object::new(out);
        position.string("instrument", self.instrument);
        position.decimal("balance", self.balance);
        position.decimal("pnl", self.pnl);
        position.decimal("entry_price", self.entry_price);
        position.decimal("mark_price", self.mark_price);
        position.decimal("index_price", self.index_price);
        position.decimal("liquidation_threshold", self.liquidation_threshold.unwrap_or_default());
        position.decimal_if_some("effective_leverage", self.effective_leverage);
        position.decimal("return_on_equity", self.return_on_equity);
        position.decimal_if_some("unrealized_funding", self.unrealized_funding);
        position.decimal("initial_margin", self.initial_margin);
        position.decimal("initial_margin_with_orders", self.initial_margin_with_orders);
        position.decimal("maintenance_margin", self.maintenance_margin);
        position.string_if_some("pnl_currency", self.pnl_currency);
        position.decimal_if_some("max_fixed_leverage", self.max_fixed_leverage);
        position.end();
    }
}

/// A row of an account's log. What a row does not have is sent as zero or as the empty text, never as null: an older
/// client fails on null.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogEntry<'a> {
    /// Its number among the account's rows, from 1.
    pub id: u64,
    /// When it was booked.
    pub date: Timestamp,
    /// What changed: a currency or, in the row of a position, a market; in lower case.
    pub asset: &'a str,
    /// The market it is about, in lower case.
    pub contract: Option<&'a str>,
    /// What happened, such as `futures trade`.
    pub info: &'a str,
    /// Its own id.
    pub booking_uid: Uuid,
    /// In which wallet, in lower case.
    pub margin_account: &'a str,
    /// Balance, or signed size of the position, before.
    pub old_balance: Decimal,
    /// The same after.
    pub new_balance: Decimal,
    /// Average entry price before.
    pub old_average_entry_price: Option<Decimal>,
    /// Average entry price after.
    pub new_average_entry_price: Option<Decimal>,
    /// At which price it traded.
    pub trade_price: Option<Decimal>,
    /// The mark price then.
    pub mark_price: Option<Decimal>,
    /// Realised profit, before fees.
    pub realized_pnl: Option<Decimal>,
    /// The fee.
    pub fee: Option<Decimal>,
    /// The execution, or the reference of a transfer.
    pub execution: Option<&'a str>,
    /// The currency of the wallet, in lower case.
    pub collateral: Option<&'a str>,
    /// The absolute funding rate.
    pub funding_rate: Option<Decimal>,
    /// Realised funding.
    pub realized_funding: Option<Decimal>,
    /// What a conversion cost, in per cent.
    pub conversion_spread_percentage: Option<Decimal>,
    /// What a liquidated position paid into the pool.
    pub liquidation_fee: Option<Decimal>,
}

impl LogEntry<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut entry = Object::new(out);
        let number = Option::unwrap_or_default;
        entry.int("id", self.id);
        entry.time("date", self.date);
        entry.string("asset", self.asset);
        entry.string("contract", self.contract.unwrap_or_default());
        entry.string("info", self.info);
        entry.uuid("booking_uid", self.booking_uid);
        entry.string("margin_account", self.margin_account);
        entry.decimal("old_balance", self.old_balance);
        entry.decimal("new_balance", self.new_balance);
        entry.decimal("old_average_entry_price", number(self.old_average_entry_price));
        entry.decimal("new_average_entry_price", number(self.new_average_entry_price));
        entry.decimal("trade_price", number(self.trade_price));
        entry.decimal("mark_price", number(self.mark_price));
        entry.decimal("realized_pnl", number(self.realized_pnl));
        entry.decimal("fee", number(self.fee));
        entry.string("execution", self.execution.unwrap_or_default());
        entry.string("collateral", self.collateral.unwrap_or_default());
        entry.decimal("funding_rate", number(self.funding_rate));
        entry.decimal("realized_funding", number(self.realized_funding));
        entry.decimal("conversion_spread_percentage", number(self.conversion_spread_percentage));
        entry.decimal("liquidation_fee", number(self.liquidation_fee));
        entry.end();
    }
}

/// Appends the latest rows of an account's log, given newest first.
pub fn write_account_log_snapshot<'a>(out: &mut Vec<u8>, logs: impl IntoIterator<Item = LogEntry<'a>>) {
    let mut message = Object::new(out);
    message.string("feed", "account_log_snapshot");
    write_array(message.member("logs"), logs, |out, entry| entry.write(out));
    message.end();
}

/// Appends a new row of an account's log.
pub fn write_account_log(out: &mut Vec<u8>, entry: &LogEntry<'_>) {
    let mut message = Object::new(out);
    message.string("feed", Feed::AccountLog.as_str());
    entry.write(message.member("new_entry"));
    message.end();
}

words! {
    /// How far a deposit or withdrawal is.
    pub enum PaymentStatus {
        Pending = "pending",
        Processed = "processed",
    }
}

/// A deposit or a withdrawal.
#[derive(Clone, Copy, Debug)]
pub struct Payment<'a> {
    /// Its id.
    pub uid: &'a str,
    /// When it was made.
    pub time: Timestamp,
    /// How much; a withdrawal is negative.
    pub amount: Decimal,
    /// Its currency, in upper case.
    pub unit: &'a str,
    /// Where it went.
    pub receiving_address: &'a str,
    /// How far it is.
    pub status: PaymentStatus,
    /// How often it was confirmed.
    pub confirmations: u32,
    /// The name it has where it came from.
    pub tx_reference: &'a str,
}

/// Appends all deposits and withdrawals: every message is the whole list.
pub fn write_deposits_withdrawals<'a>(out: &mut Vec<u8>, payments: impl IntoIterator<Item = Payment<'a>>) {
    let mut message = Object::new(out);
    message.string("feed", Feed::DepositsWithdrawals.as_str());
    write_array(message.member("elements"), payments, |out, payment| {
        let mut element = Object::new(out);
        element.string("uid", payment.uid);
        element.time("time", payment.time);
        element.decimal("amount", payment.amount);
        element.string("unit", payment.unit);
        element.string("receiving_address", payment.receiving_address);
        element.string("status", payment.status.as_str());
        element.int("confirmations", payment.confirmations);
        element.string("tx_reference", payment.tx_reference);
        element.end();
    });
    message.end();
}

/// Appends all notices that hold: every message is the whole list.
pub fn write_notifications<'a>(out: &mut Vec<u8>, notices: impl IntoIterator<Item = Notice<'a>>) {
    let mut message = Object::new(out);
    message.string("feed", Feed::NotificationsAuth.as_str());
    write_array(message.member("notifications"), notices, |out, notice| {
        let mut element = Object::new(out);
        element.int("id", notice.id);
        element.string("type", notice.notice_type.as_str());
        element.string("priority", notice.priority.as_str());
        element.string("note", notice.note);
        element.epoch_millis("effective_time", notice.effective_time);
        if let Some(minutes) = notice.expected_downtime_minutes {
            element.int("expected_downtime_minutes", minutes);
        }
        element.end();
    });
    message.end();
}
