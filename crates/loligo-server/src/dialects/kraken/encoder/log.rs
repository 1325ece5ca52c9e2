//! Rows of the account log, and what of them are deposits and withdrawals, as the feeds tell them.

use crate::dialects::kraken::convert::accounts::name;
use crate::dialects::kraken::history::Shown;
use crate::history::LogRow;
use crate::hub::Names;
use loligo_engine::{AccountId, Currency};
use loligo_wire::decimal::Decimal;
use loligo_wire::ws1::{self, Payment, PaymentStatus};
use std::sync::Arc;

/// Appends the latest rows, newest first.
pub(super) fn write_log(out: &mut Vec<u8>, names: Names<'_>, account: AccountId, rows: &[Arc<LogRow>]) {
    let shown = shown(names);
    let contracts: Vec<_> = rows.iter().map(|row| shown.log_contract(&row.row)).collect();
    let entries = rows.iter().zip(&contracts);
    let entries = entries.filter_map(|(row, contract)| shown.log_entry(account.0, row, contract.as_deref()));
    ws1::write_account_log_snapshot(out, entries);
}

/// Appends a new row; false when the contract has no word for it.
pub(super) fn write_row(out: &mut Vec<u8>, names: Names<'_>, account: AccountId, row: &LogRow) -> bool {
    let shown = shown(names);
    let contract = shown.log_contract(&row.row);
    let Some(entry) = shown.log_entry(account.0, row, contract.as_deref()) else { return false };
    ws1::write_account_log(out, &entry);
    true
}

/// Appends deposits and withdrawals, newest first.
pub(super) fn write_payments(out: &mut Vec<u8>, names: Names<'_>, account: AccountId, rows: &[Arc<LogRow>]) {
    let shown = shown(names);
    let entries = rows.iter().filter_map(|row| {
        let entry = shown.log_entry(account.0, row, None)?;
        let unit = Currency::parse(&entry.asset.to_uppercase());
        Some((entry, entry.booking_uid.to_string(), unit))
    });
    let entries: Vec<_> = entries.collect();
    let payments = entries.iter().map(|(entry, uid, unit)| Payment {
        uid,
        time: entry.date,
        amount: difference(entry.new_balance, entry.old_balance),
        unit: unit.as_ref().map_or("", name),
        // Money comes from nowhere here, and goes to nobody.
        receiving_address: "",
        status: PaymentStatus::Processed,
        confirmations: 0,
        tx_reference: uid,
    });
    ws1::write_deposits_withdrawals(out, payments);
}

fn shown(Names { directory, identity }: Names<'_>) -> Shown<'_> {
    Shown { directory, identity }
}

/// What one amount of a wallet is more than another.
fn difference(one: Decimal, other: Decimal) -> Decimal {
    let units = |amount: Decimal| amount.at_scale(11).unwrap_or_default();
    Decimal::new(units(one) - units(other), 11)
}
