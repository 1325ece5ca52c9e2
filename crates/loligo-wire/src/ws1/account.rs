//! The private feeds of what an account holds: positions, the log, deposits and withdrawals; and notices.

use uuid::Uuid;

use super::words::Feed;
use crate::account_log::{Absent, LogEntry};
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

/// Appends the latest rows of an account's log, given newest first.
pub fn write_account_log_snapshot<'a>(out: &mut Vec<u8>, logs: impl IntoIterator<Item = LogEntry<'a>>) {
    let mut message = Object::new(out);
    message.string("feed", "account_log_snapshot");
    write_array(message.member("logs"), logs, |out, entry| write_entry(&entry, out));
    message.end();
}

/// Appends a new row of an account's log.
pub fn write_account_log(out: &mut Vec<u8>, entry: &LogEntry<'_>) {
    let mut message = Object::new(out);
    message.string("feed", Feed::AccountLog.as_str());
    write_entry(entry, message.member("new_entry"));
    message.end();
}

/// What a row does not have is sent as zero or as the empty text, never as null: an older client fails on null.
fn write_entry(entry: &LogEntry<'_>, out: &mut Vec<u8>) {
    let mut row = Object::new(out);
    entry.write(&mut row, Absent::Zero);
    row.end();
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
